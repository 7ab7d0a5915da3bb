//! Pairs of a code and a value, as text.

use std::io::Write as _;

use super::super::curve::P;
use super::super::digits::{self, Digits};
use super::super::limits::{Error, Limits, hold};
use super::Version;

/// What every file of a version has, by the handles that are given to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handles {
    pub(super) block_records: u32,
    pub(super) model: u32,
    pub(super) model_layout: u32,
    pub(super) plot_style: u32,
    pub(super) style: u32,
}

/// A file while it is written.
#[derive(Debug)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) version: Version,
    /// The last handle that was given.
    last: u32,
    /// How coordinates are rounded.
    decimals: usize,
}

impl File {
    /// `far`: the largest coordinate; `size`: about how many bytes the file will have.
    pub(super) fn new(version: Version, far: f64, size: usize) -> File {
        // A billionth of a unit where sixteen figures hold it, a millionth beyond.
        let decimals = if far < 1e5 { 9 } else { 6 };
        File { bytes: Vec::with_capacity(size.min(16 << 20)), version, last: 0x20, decimals }
    }

    pub(super) fn is_old(&self) -> bool {
        self.version == Version::R12
    }

    pub(super) fn handle(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn code(&mut self, code: u16) {
        self.bytes.extend_from_slice(&columns(code));
    }

    /// `value` has no line break.
    pub(super) fn text(&mut self, code: u16, value: &str) {
        self.code(code);
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(b'\n');
    }

    /// A whole number; smaller ones end at the sixth column.
    pub(super) fn whole(&mut self, code: u16, value: i64) {
        let bytes = &mut self.bytes;
        digits::whole(value, |digits| {
            while digits.bytes().len() < 6 {
                digits.put(b' ');
            }
            pair(code, digits, bytes);
        });
    }

    /// The shortest form of a number that is read back as the same; it always has a point.
    pub(super) fn exact(&mut self, code: u16, value: f64) {
        let value = if value.is_finite() { value + 0.0 } else { 0.0 };
        let bytes = &mut self.bytes;
        let is_whole = value == value.trunc();
        let whole = is_whole.then(|| digits::rounded(value, 0, true, |d| pair(code, d, bytes)));
        if whole.flatten().is_none() {
            self.code(code);
            // Writing to memory cannot fail.
            let _ = writeln!(self.bytes, "{value}");
        }
    }

    /// A number of `decimals` at most.
    fn rounded(&mut self, code: u16, value: f64, decimals: usize) {
        let bytes = &mut self.bytes;
        if digits::rounded(value, decimals, true, |d| pair(code, d, bytes)).is_some() {
            return;
        }
        let per_unit = libm::pow(10.0, decimals as f64);
        let rounded = (value * per_unit).round() / per_unit;
        self.exact(code, if rounded.is_finite() { rounded } else { value });
    }

    /// A bulge, in fifteen figures.
    pub(super) fn bulge(&mut self, value: f64) {
        self.rounded(42, value, if value.abs() < 1.0 { 15 } else { 14 });
    }

    /// A length or a coordinate.
    pub(super) fn real(&mut self, code: u16, value: f64) {
        self.rounded(code, value, self.decimals);
    }

    /// A factor in twelve figures: two places that look alike are one.
    pub(super) fn factor(&mut self, code: u16, value: f64) {
        match digits::decimals_of_twelve(value) {
            Some(decimals) => self.rounded(code, value, decimals),
            None => self.exact(code, figures(value)),
        }
    }

    /// An angle in degrees, of one in radians.
    pub(super) fn degrees(&mut self, code: u16, radians: f64) {
        let degrees = (radians.to_degrees() * 1e10).round() / 1e10;
        self.rounded(code, if degrees < 0.0 { degrees + 360.0 } else { degrees }, 10);
    }

    /// A point or vector in space, y at the code after that of x by ten.
    pub(super) fn point(&mut self, code: u16, p: P) {
        self.flat(code, p);
        self.code(code + 20);
        self.bytes.extend_from_slice(b"0.0\n");
    }

    pub(super) fn flat(&mut self, code: u16, [x, y]: P) {
        self.real(code, x);
        self.real(code + 10, y);
    }

    pub(super) fn reference(&mut self, code: u16, handle: u32) {
        let bytes = &mut self.bytes;
        digits::hexadecimal(handle, |d| pair(code, d, bytes));
    }

    /// A record: its kind, and from R2000 on its handle, its owner and its class.
    pub(super) fn record(&mut self, kind: &str, owner: u32, class: &str) -> u32 {
        let handle = self.handle();
        self.record_at(handle, kind, owner, class);
        handle
    }

    pub(super) fn record_at(&mut self, handle: u32, kind: &str, owner: u32, class: &str) {
        self.text(0, kind);
        if !self.is_old() {
            self.reference(if kind == "DIMSTYLE" { 105 } else { 5 }, handle);
            self.reference(330, owner);
            self.class(class);
        }
    }

    /// A subclass marker.
    pub(super) fn class(&mut self, class: &str) {
        if !self.is_old() && !class.is_empty() {
            self.text(100, class);
        }
    }

    pub(super) fn section(&mut self, name: &str) {
        self.text(0, "SECTION");
        self.text(2, name);
    }

    pub(super) fn end(&mut self, what: &str) {
        self.text(0, what);
    }

    /// # Errors
    /// [`Error::Limit`] for `dxf_bytes`.
    pub(super) fn hold(&self, limits: &Limits) -> Result<(), Error> {
        hold("dxf_bytes", self.bytes.len(), limits.dxf_bytes)
    }
}

/// A code and digits together: half of a file is that.
fn pair(code: u16, digits: &mut Digits, out: &mut Vec<u8>) {
    digits.put_four(columns(code));
    digits.line(out);
}

/// A code in three columns, as all programs write it.
fn columns(code: u16) -> [u8; 4] {
    COLUMNS[usize::from(code) % COLUMNS.len()]
}

/// All codes below 1000, and some that there are not.
const COLUMNS: [[u8; 4]; 1_024] = {
    let mut all = [[b' ', b' ', b' ', b'\n']; 1_024];
    let mut code = 0;
    while code < 1_000 {
        if code >= 100 {
            all[code][0] = b'0' + (code / 100) as u8;
        }
        if code >= 10 {
            all[code][1] = b'0' + (code / 10 % 10) as u8;
        }
        all[code][2] = b'0' + (code % 10) as u8;
        code += 1;
    }
    all
};

/// Twelve figures of a very large or very small factor.
fn figures(n: f64) -> f64 {
    if n == 0.0 || !n.is_finite() {
        return 1.0;
    }
    let digits = 11 - libm::floor(libm::log10(n.abs())) as i32;
    let per_unit = libm::pow(10.0, f64::from(digits.clamp(-300, 300)));
    (n * per_unit).round() / per_unit
}

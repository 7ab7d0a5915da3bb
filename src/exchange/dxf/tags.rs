//! The lowest level: bytes to text, text to pairs of a group code and a value.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use svgx_base::budget::Budget;

use super::digits;
use super::limits::{Error, Limits, hold};
use super::reason::Reason;

/// A group code and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'t> {
    pub(super) code: i16,
    /// The line of the code, from 1.
    pub(super) line: u32,
    pub(super) value: &'t str,
}

/// The text of a file.
#[derive(Debug)]
pub(super) struct Decoded<'b> {
    pub(super) text: Cow<'b, str>,
    /// The encoding it was read by.
    pub(super) encoding: &'static str,
    /// The code page that the file names, where it is not known.
    pub(super) unknown: Option<String>,
}

impl<'b> Decoded<'b> {
    /// What is text already.
    pub(super) fn text(text: &'b str) -> Decoded<'b> {
        Decoded { text: Cow::Borrowed(text), encoding: UTF_8.name(), unknown: None }
    }
}

/// # Errors
/// [`Error::Unsupported`] for DWG and binary DXF.
pub(super) fn refuse_others(bytes: &[u8]) -> Result<(), Error> {
    if bytes.starts_with(b"AutoCAD Binary DXF") {
        return Err(Error::Unsupported(
            "the file is binary DXF; only ASCII DXF is read: save it as ASCII DXF",
        ));
    }
    if bytes.starts_with(b"AC10") || bytes.starts_with(b"AC1.") {
        return Err(Error::Unsupported("the file is DWG, not DXF: save it as ASCII DXF"));
    }
    Ok(())
}

/// Decodes a file by its version and code page: UTF-8 from R2007 on, whatever the header says.
///
/// # Errors
/// [`Error::Unsupported`] for DWG and binary DXF.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Error> {
    refuse_others(bytes)?;
    // Both variables are among the first of the header; comments may stand before it.
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(65_536)).unwrap_or_default());
    let version = variable(&head, "$ACADVER").unwrap_or_default();
    let page = variable(&head, "$DWGCODEPAGE").unwrap_or_default();
    const MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
    let utf8 = bytes.starts_with(MARK) || &*version >= "AC1021";
    let text = std::str::from_utf8(bytes.strip_prefix(MARK).unwrap_or(bytes)).ok();
    if let Some(text) = text.filter(|_| utf8) {
        return Ok(Decoded::text(text));
    }
    let mut unknown = None;
    let encoding = code_page(&page).unwrap_or_else(|| {
        let ascii = page.is_empty() || bytes.is_ascii();
        unknown = (!ascii).then(|| page.chars().take(32).collect());
        if text.is_some() { UTF_8 } else { WINDOWS_1252 }
    });
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    Ok(Decoded { text, encoding: encoding.name(), unknown })
}

/// The value of a header variable, before the text is taken apart.
fn variable(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().map(str::trim).skip_while(|line| *line != name);
    lines.next()?;
    lines.nth(1).map(str::to_ascii_uppercase)
}

fn code_page(name: &str) -> Option<&'static Encoding> {
    let number: String = name.chars().filter(char::is_ascii_digit).collect();
    let label = match number.as_str() {
        "932" => "shift_jis",
        "936" => "gbk",
        "949" | "1361" => "euc-kr",
        "950" => "big5",
        "866" => "ibm866",
        "65001" => "utf-8",
        n if n.starts_with("125") || n == "874" => {
            return Encoding::for_label(format!("windows-{n}").as_bytes());
        }
        _ if name == "MAC-ROMAN" || name == "MACINTOSH" => "macintosh",
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// Takes a text apart. Comments (999) are left out; what follows `EOF` is not read.
///
/// # Errors
/// [`Error::Malformed`] where a group code is no number; [`Error::Limit`]; [`Error::Stopped`].
pub(super) fn read<'t>(
    text: &'t str,
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<Tag<'t>>, Error> {
    // Files of an old Macintosh end their lines with a carriage return alone.
    let end = if text.contains('\n') { b'\n' } else { b'\r' };
    let mut lines = Lines { text, end, at: Some(0) };
    // A pair has ten bytes or more on average, as programs write it.
    let mut tags = Vec::with_capacity((text.len() / 10).min(limits.dxf_tags));
    let mut line = 0u32;
    loop {
        let group = match lines.columns() {
            Some(code) => Ok(code),
            None => match lines.next() {
                Some(text) => group(text).ok_or(text),
                None => break,
            },
        };
        line = line.saturating_add(2);
        let at = line - 1;
        let Some(value) = lines.next() else { break };
        let code = match group {
            Ok(code) => code,
            Err(text) => {
                let seen: String = text.trim().chars().take(32).collect();
                let message = format!("a group code was expected, {seen:?} was found");
                return Err(Error::Malformed { line: at as usize, message });
            }
        };
        if code == 999 {
            continue;
        }
        if tags.len() % 4_096 == 0 {
            budget.checkpoint()?;
        }
        hold("dxf_tags", tags.len() + 1, limits.dxf_tags)?;
        tags.push(Tag { code, line: at, value });
        if code == 0 && trimmed(value) == "EOF" {
            break;
        }
    }
    Ok(tags)
}

/// Lines without their ends.
struct Lines<'t> {
    text: &'t str,
    end: u8,
    /// Where the next begins.
    at: Option<usize>,
}

impl<'t> Lines<'t> {
    /// A group code in three columns, as nearly all of them are.
    fn columns(&mut self) -> Option<i16> {
        let from = self.at?;
        let [a, b, c, end] = *self.text.as_bytes().get(from..)?.first_chunk::<4>()?;
        let digit = |byte: u8| byte.is_ascii_digit().then(|| i16::from(byte - b'0'));
        let code = match (a, b) {
            (b' ', b' ') => digit(c)?,
            (b' ', b) => digit(b)? * 10 + digit(c)?,
            (a, b) => (digit(a)? * 10 + digit(b)?) * 10 + digit(c)?,
        };
        (end == self.end).then(|| {
            self.at = Some(from + 4);
            code
        })
    }

    fn next(&mut self) -> Option<&'t str> {
        let from = self.at?;
        let end = find(self.text.as_bytes(), from, self.end);
        self.at = end.map(|end| end + 1);
        let line = self.text.get(from..end.unwrap_or(self.text.len()))?;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

/// The next `byte` from `from` on, eight at a time: lines are shorter than what a search for long
/// stretches takes to begin.
fn find(bytes: &[u8], from: usize, byte: u8) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut rest = bytes.get(from..)?;
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        // A byte of zero is the lowest one whose highest bit is set by taking one from it.
        let other = u64::from_le_bytes(*eight) ^ (ONES * u64::from(byte));
        let zeros = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if zeros != 0 {
            return Some(bytes.len() - rest.len() + (zeros.trailing_zeros() / 8) as usize);
        }
        rest = after;
    }
    let at = rest.iter().position(|b| *b == byte)?;
    Some(bytes.len() - rest.len() + at)
}

/// A group code: digits, mostly with blanks before them.
fn group(text: &str) -> Option<i16> {
    let digits = text.trim_ascii();
    match *digits.as_bytes() {
        [a @ b'0'..=b'9'] => Some(i16::from(a - b'0')),
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i16::from(a - b'0') * 10 + i16::from(b - b'0')),
        _ => text.trim().parse().ok(),
    }
}

/// A value without the white space around it: mostly there is none.
pub(super) fn trimmed(value: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(|b| (0x21..0x7F).contains(b));
    let bytes = value.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) { value } else { value.trim() }
}

/// The tags of one record, without what other programs append (1000 and on, 101).
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'t>(&'t [Tag<'t>]);

/// A number of a file: finite, and not beyond what micrometres can be told apart at.
pub(super) fn number(value: &str) -> Result<f64, Reason> {
    let value = trimmed(value);
    let plain = digits::read(value.as_bytes()).filter(|(_, long)| *long == value.len());
    match plain.map_or_else(|| value.parse::<f64>(), |(n, _)| Ok(n)) {
        Ok(n) if n.abs() <= 1e12 => Ok(n),
        _ => Err(Reason::Number),
    }
}

/// A whole number; some programs write it as a decimal one.
pub(super) fn whole(value: &str) -> Option<i64> {
    let value = trimmed(value);
    value
        .parse()
        .ok()
        .or_else(|| value.parse::<f64>().ok().filter(|n| n.abs() < 1e15).map(|n| n as i64))
}

impl<'t> Fields<'t> {
    pub(super) fn new(tags: &'t [Tag<'t>]) -> Fields<'t> {
        let end = tags.iter().position(|t| t.code >= 1000 || t.code == 101);
        Fields(tags.get(..end.unwrap_or(tags.len())).unwrap_or_default())
    }

    /// The same of the record that `tags` begin with, and where it ends: one look at both.
    pub(super) fn first(tags: &'t [Tag<'t>]) -> (Fields<'t>, usize) {
        let mut own = None;
        for (at, tag) in tags.iter().enumerate() {
            if tag.code == 0 {
                let fields = tags.get(..own.unwrap_or(at)).unwrap_or_default();
                return (Fields(fields), at);
            }
            if own.is_none() && (tag.code >= 1000 || tag.code == 101) {
                own = Some(at);
            }
        }
        (Fields(tags.get(..own.unwrap_or(tags.len())).unwrap_or_default()), tags.len())
    }

    /// Whether something of `tags` is left out.
    pub(super) fn is_shorter_than(self, tags: &[Tag<'_>]) -> bool {
        self.0.len() < tags.len()
    }

    /// The same up to where the subclass `name` begins.
    pub(super) fn before(self, name: &str) -> Fields<'t> {
        let end = self.0.iter().position(|t| t.code == 100 && trimmed(t.value) == name);
        Fields(self.0.get(..end.unwrap_or(self.0.len())).unwrap_or_default())
    }

    /// The same from where the subclass `name` begins.
    pub(super) fn after(self, name: &str) -> Fields<'t> {
        let begin = self.0.iter().position(|t| t.code == 100 && trimmed(t.value) == name);
        Fields(self.0.get(begin.unwrap_or(self.0.len())..).unwrap_or_default())
    }

    /// The last name at a code.
    pub(super) fn last(self, code: i16) -> Option<&'t str> {
        self.0.iter().rev().find(|t| t.code == code).map(|t| trimmed(t.value))
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'t Tag<'t>> {
        self.0.iter()
    }

    pub(super) fn text(self, code: i16) -> Option<&'t str> {
        self.0.iter().find(|t| t.code == code).map(|t| t.value)
    }

    /// A name: without the white space around it.
    pub(super) fn name(self, code: i16) -> Option<&'t str> {
        self.text(code).map(trimmed).filter(|name| !name.is_empty())
    }

    pub(super) fn given(self, code: i16) -> Result<Option<f64>, Reason> {
        self.text(code).map(number).transpose()
    }

    pub(super) fn number(self, code: i16, without: f64) -> Result<f64, Reason> {
        Ok(self.given(code)?.unwrap_or(without))
    }

    pub(super) fn whole(self, code: i16, without: i64) -> i64 {
        self.text(code).and_then(whole).unwrap_or(without)
    }

    /// The point at `code`, `code` + 10 and `code` + 20; zeros where they are missing.
    pub(super) fn point(self, code: i16) -> Result<[f64; 3], Reason> {
        Ok([
            self.number(code, 0.0)?,
            self.number(code.saturating_add(10), 0.0)?,
            self.number(code.saturating_add(20), 0.0)?,
        ])
    }

    pub(super) fn point_given(self, code: i16) -> Result<Option<[f64; 3]>, Reason> {
        match self.text(code) {
            Some(_) => self.point(code).map(Some),
            None => Ok(None),
        }
    }
}

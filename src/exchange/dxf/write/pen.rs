//! Numbers as text.

use std::fmt::Write as _;

use super::super::curve::P;
use super::super::digits::{decimals_of_twelve, rounded};

/// How numbers are rounded: to so many decimals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    decimals: usize,
}

impl Pen {
    /// For a drawing whose longer side is `size` and whose largest coordinate is a thousand times
    /// `far`: to a ten-millionth of its size, at least to a millionth of a unit.
    pub(super) fn for_size(far: f64, size: f64) -> Pen {
        let step = (size * 1e-7).max(far * 1e-9).clamp(1e-9, 1e-6);
        Pen { decimals: (-libm::log10(step)).ceil() as usize }
    }

    pub(super) fn number(self, n: f64, out: &mut String) {
        if rounded(n, self.decimals, false, |digits| out.push_str(digits.text())).is_none() {
            let per_unit = libm::pow(10.0, self.decimals as f64);
            // Zero has no sign. Writing to memory cannot fail, here and below.
            let _ = write!(out, "{}", (n * per_unit).round() / per_unit + 0.0);
        }
    }

    /// Twelve figures of a factor.
    pub(super) fn exact(n: f64, out: &mut String) {
        if n == 0.0 || !n.is_finite() {
            return out.push('0');
        }
        let mut put = |decimals| rounded(n, decimals, false, |digits| out.push_str(digits.text()));
        if decimals_of_twelve(n).and_then(&mut put).is_some() {
            return;
        }
        let digits = 11 - libm::floor(libm::log10(n.abs())) as i32;
        let per_unit = libm::pow(10.0, f64::from(digits.clamp(-300, 300)));
        let _ = write!(out, "{}", (n * per_unit).round() / per_unit + 0.0);
    }

    /// Appends a point with y upward, as one with y downward.
    pub(super) fn point(self, p: P, out: &mut String) {
        self.number(p[0], out);
        out.push(' ');
        self.number(-p[1], out);
    }
}

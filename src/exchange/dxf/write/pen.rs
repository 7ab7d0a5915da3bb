//! Numbers as text.

use super::super::curve::P;

/// How numbers are rounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    per_unit: f64,
}

impl Pen {
    /// For a drawing whose longer side is `size` and whose largest coordinate is a thousand times
    /// `far`: to a ten-millionth of its size, at least to a millionth of a unit.
    pub(super) fn for_size(far: f64, size: f64) -> Pen {
        let step = (size * 1e-7).max(far * 1e-9).clamp(1e-9, 1e-6);
        Pen { per_unit: libm::pow(10.0, (-libm::log10(step)).ceil()) }
    }

    fn rounded(&self, n: f64) -> f64 {
        let n = (n * self.per_unit).round() / self.per_unit;
        // Zero has no sign.
        n + 0.0
    }

    pub(super) fn number(&self, n: f64) -> String {
        self.rounded(n).to_string()
    }

    /// Twelve figures of a factor.
    pub(super) fn exact(n: f64) -> String {
        if n == 0.0 || !n.is_finite() {
            return "0".to_owned();
        }
        let digits = 11 - libm::floor(libm::log10(n.abs())) as i32;
        let per_unit = libm::pow(10.0, f64::from(digits.clamp(-300, 300)));
        ((n * per_unit).round() / per_unit + 0.0).to_string()
    }

    /// Appends a point with y upward, as one with y downward.
    pub(super) fn point(&self, p: P, out: &mut String) {
        use std::fmt::Write as _;
        let _ = write!(out, "{} {}", self.rounded(p[0]), self.rounded(-p[1]));
    }
}

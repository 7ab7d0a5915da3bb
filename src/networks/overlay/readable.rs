//! Values as people write them.

use svgx_base::digits::figure;

/// A unit in which the values of a picture are short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Readable {
    factor: f64,
    unit: &'static str,
}

impl Readable {
    /// For values up to `most` in a unit of the answers.
    pub(super) fn of(most: f64, unit: &'static str) -> Readable {
        let large = most >= 1e3;
        let (factor, unit) = match unit {
            "m^3/s" if most < 0.1 => (1e3, "L/s"),
            "m^3/s" => (1.0, "m³/s"),
            "Pa" if large => (1e-3, "kPa"),
            "N" if large => (1e-3, "kN"),
            "N*m" if large => (1e-3, "kN·m"),
            "N*m" => (1.0, "N·m"),
            "W" if large => (1e-3, "kW"),
            "V" if large => (1e-3, "kV"),
            "m" if most < 0.1 => (1e3, "mm"),
            "C" => (1.0, "°C"),
            other => (1.0, other),
        };
        Readable { factor, unit }
    }

    /// A value with three digits that count, and its unit.
    pub(super) fn shown(&self, value: f64) -> String {
        format!("{} {}", self.bare(value), self.unit)
    }

    /// The same without its unit.
    pub(super) fn bare(&self, value: f64) -> String {
        let value = value * self.factor;
        let size = value.abs();
        if size == 0.0 || !(1e-3..1e6).contains(&size) {
            return figure(value);
        }
        let places = (2.0 - libm::floor(libm::log10(size))).clamp(0.0, 6.0) as usize;
        let text = format!("{value:.places$}");
        if text.contains('.') {
            return text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_the_unit_that_makes_them_short() {
        for (value, unit, text) in [
            (0.0005, "m^3/s", "0.5 L/s"),
            (1.4, "m^3/s", "1.4 m³/s"),
            (203_403.2, "Pa", "203 kPa"),
            (-12.2, "Pa", "-12.2 Pa"),
            (35_078.0, "N*m", "35.1 kN·m"),
            (0.0123, "m", "12.3 mm"),
            (20.0, "C", "20 °C"),
            (0.0, "A", "0 A"),
            (17.4, "A", "17.4 A"),
        ] {
            assert_eq!(Readable::of(f64::abs(value), unit).shown(value), text);
        }
    }
}

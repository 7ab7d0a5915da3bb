//! Leaving out decimals that nobody sees.

use std::borrow::Cow;

pub(super) fn is_coordinates(name: &str) -> bool {
    matches!(
        name,
        "x" | "y"
            | "x1"
            | "x2"
            | "y1"
            | "y2"
            | "width"
            | "height"
            | "cx"
            | "cy"
            | "r"
            | "rx"
            | "ry"
            | "d"
            | "points"
    )
}

/// Rounds every number with more than three decimals to three. Arcs are left
/// alone: their flags may be written without a space before the next number.
pub(super) fn shorten(value: &str) -> Cow<'_, str> {
    if !value.is_ascii() || value.contains(['a', 'A']) {
        return value.into();
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit() || c == '.') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(rest);
        let fraction = rest[whole..].strip_prefix('.').map_or(0, digits);
        let end = if rest[whole..].starts_with('.') { whole + 1 + fraction } else { whole };
        let (number, after) = rest.split_at(end);
        rest = after;
        let rounded = (fraction > 3 && !after.starts_with(['e', 'E']))
            .then(|| number.parse::<f64>().ok().map(|n| format!("{n:.3}")))
            .flatten();
        match rounded {
            Some(rounded) => {
                // Two numbers may have been kept apart by their points alone.
                if out.ends_with(|c: char| c.is_ascii_digit() || c == '.') {
                    out.push(' ');
                }
                out.push_str(rounded.trim_end_matches('0').trim_end_matches('.'));
                if after.starts_with('.') {
                    out.push(' ');
                }
            }
            None => out.push_str(number),
        }
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortening_keeps_numbers_apart() {
        let cases = [
            ("M1.23456 2", "M1.235 2"),
            ("1.5.56789", "1.5 0.568"),
            (".99999.5", "1 .5"),
            ("-0.00001,3", "-0,3"),
            ("1.23456e5", "1.23456e5"),
            ("10.1", "10.1"),
            ("M0 0a5 5 0 1199.99999 0", "M0 0a5 5 0 1199.99999 0"),
        ];
        for (value, expected) in cases {
            assert_eq!(shorten(value), expected, "{value}");
        }
    }
}

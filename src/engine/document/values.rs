//! What the texts of values may be: numbers with units, scales, precisions, directions.

use super::vocabulary;

/// A finite number and what follows it.
pub(super) fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|&(i, c)| {
            let exponent = matches!(c, 'e' | 'E')
                && text
                    .get(i + 1..)
                    .is_some_and(|t| t.starts_with(|d: char| d.is_ascii_digit() || d == '-'));
            !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+') || exponent)
        })
        .map_or(text.len(), |(i, _)| i);
    let value: f64 = text.get(..end)?.parse().ok()?;
    value.is_finite().then(|| (value, text.get(end..).unwrap_or_default().trim()))
}

pub(super) fn is_length_unit(unit: &str) -> bool {
    unit.is_empty()
        || vocabulary::LENGTH_UNITS.contains(&unit)
        || matches!(unit, "px" | "pt" | "pc" | "%" | "em" | "um" | "µm" | "km" | "Q")
}

/// A positive number, or two as in `1:50`.
pub(super) fn is_scale(text: &str) -> bool {
    let (a, b) = text.split_once(':').unwrap_or((text, "1"));
    [a, b].iter().all(|n| n.trim().parse::<f64>().is_ok_and(|n| n.is_finite() && n > 0.0))
}

pub(super) fn is_action(name: &str) -> bool {
    let name = name.trim().replace('-', "_").to_ascii_lowercase();
    vocabulary::ACTIONS.contains(&name.as_str())
        || vocabulary::SHORT_ACTIONS.contains(&name.as_str())
}

pub(super) fn is_precision(text: &str) -> bool {
    let text = text.trim();
    let Some(start) = text.find(|c: char| c.is_ascii_alphabetic()) else { return false };
    let (digits, unit) = text.split_at(start);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    is_digits(whole) && is_digits(fraction) && vocabulary::LENGTH_UNITS.contains(&unit)
}

pub(super) fn is_vector(text: &str) -> bool {
    let parts: Vec<&str> = text.split([',', ' ']).filter(|p| !p.is_empty()).take(4).collect();
    matches!(parts.len(), 2 | 3)
        && parts.iter().all(|p| number(p).is_some_and(|(_, u)| u.is_empty()))
}

pub(super) fn is_direction(text: &str) -> bool {
    let text = text.trim();
    vocabulary::DIRECTIONS.contains(&text)
        || is_vector(text)
        || number(text).is_some_and(|(_, unit)| matches!(unit, "" | "deg" | "rad"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_is_a_number_and_a_unit_of_length() {
        for (text, good) in [
            ("1mm", true),
            ("0.1mm", true),
            ("12.5cm", true),
            ("1", false),
            ("mm", false),
            (".5mm", false),
            ("1.mm", false),
            ("-1mm", false),
            ("1 px", false),
            ("1e3mm", false),
        ] {
            assert_eq!(is_precision(text), good, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_up_to_their_unit() {
        for (text, read) in [
            ("45", Some((45.0, ""))),
            (" 45 kg ", Some((45.0, "kg"))),
            ("1e3m", Some((1000.0, "m"))),
            ("2em", Some((2.0, "em"))),
            ("1e999", None),
            ("NaN", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(number(text), read, "{text}");
        }
    }
}

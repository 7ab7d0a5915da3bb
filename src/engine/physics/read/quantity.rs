//! Numbers with units, in SI.

use svgx_base::nearest::did_you_mean;

use crate::document::Quantity;

/// What a number measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Mass,
    Force,
    Acceleration,
    Length,
    Time,
    Frequency,
    Angle,
    Speed,
    Spin,
    Number,
}

const UNITS: [(&str, Measure, f64); 27] = [
    ("kg", Measure::Mass, 1.0),
    ("g", Measure::Mass, 1e-3),
    ("t", Measure::Mass, 1e3),
    ("lb", Measure::Mass, 0.453_592_37),
    ("N", Measure::Force, 1.0),
    ("kN", Measure::Force, 1e3),
    ("MN", Measure::Force, 1e6),
    ("lbf", Measure::Force, 4.448_221_615_260_5),
    ("m/s^2", Measure::Acceleration, 1.0),
    ("m/s²", Measure::Acceleration, 1.0),
    ("m/s2", Measure::Acceleration, 1.0),
    ("mm", Measure::Length, 1e-3),
    ("cm", Measure::Length, 1e-2),
    ("m", Measure::Length, 1.0),
    ("in", Measure::Length, 0.0254),
    ("ft", Measure::Length, 0.3048),
    ("s", Measure::Time, 1.0),
    ("ms", Measure::Time, 1e-3),
    ("min", Measure::Time, 60.0),
    ("h", Measure::Time, 3600.0),
    ("Hz", Measure::Frequency, 1.0),
    ("deg", Measure::Angle, std::f64::consts::PI / 180.0),
    ("rad", Measure::Angle, 1.0),
    ("m/s", Measure::Speed, 1.0),
    ("mm/s", Measure::Speed, 1e-3),
    ("rad/s", Measure::Spin, 1.0),
    ("deg/s", Measure::Spin, std::f64::consts::PI / 180.0),
];

/// Reads `3000mm`, or `3000` with the unit `mm` beside it. `bare` is how many
/// SI units a number without a unit stands for.
pub(super) fn quantity(q: &Quantity, measure: Measure, bare: f64) -> Result<f64, String> {
    number(&q.value, q.unit.as_deref(), measure, bare)
}

/// As [`quantity`], of text.
pub(super) fn number(
    text: &str,
    beside: Option<&str>,
    measure: Measure,
    bare: f64,
) -> Result<f64, String> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|&(i, c)| {
            !(c.is_ascii_digit()
                || matches!(c, '.' | '+' | '-')
                || matches!(c, 'e' | 'E')
                    && text[i + 1..]
                        .starts_with(|d: char| d.is_ascii_digit() || d == '-' || d == '+'))
        })
        .map_or(text.len(), |(i, _)| i);
    let (digits, attached) = text.split_at(end);
    let value: f64 = digits
        .parse()
        .ok()
        .filter(|v: &f64| v.is_finite())
        .ok_or_else(|| format!("{:?} is not a number", shorten(text)))?;
    let attached = Some(attached.trim()).filter(|u| !u.is_empty());
    let beside = beside.map(str::trim).filter(|u| !u.is_empty());
    let unit = match (attached, beside) {
        (Some(a), Some(b)) if a != b => {
            return Err(format!("has two units, {:?} and {:?}", shorten(a), shorten(b)));
        }
        (a, b) => a.or(b),
    };
    let Some(unit) = unit else { return Ok(value * bare) };
    match UNITS.iter().find(|(name, ..)| *name == unit) {
        Some((_, of, factor)) if *of == measure => Ok(value * factor),
        Some((_, of, _)) => Err(format!("{unit} measures {of:?}, not {measure:?}").to_lowercase()),
        None => {
            let known = UNITS.iter().filter(|(_, of, _)| *of == measure).map(|(name, ..)| *name);
            let near = did_you_mean(unit, known.clone());
            let near = near.map_or_else(String::new, |near| format!("; {near}"));
            let known: Vec<_> = known.collect();
            let known = match known.as_slice() {
                [] => "none is expected".to_owned(),
                units => format!("known here: {}", units.join(", ")),
            };
            Err(format!("unknown unit {:?}; {known}{near}", shorten(unit)))
        }
    }
}

/// The start of a text, for messages.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

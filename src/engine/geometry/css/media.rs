//! Media queries (Media Queries Level 4), judged for a screen of the drawing's own size.

use super::split_outside;
use crate::geometry::length::{Length, Unit};
use crate::geometry::viewport::pixels;

/// Whether a media query list is true for a light screen of `width` by `height` pixels. An empty
/// list is; what is not known is not.
pub(super) fn holds(list: &str, (width, height): (f64, f64)) -> bool {
    let list = list.trim();
    list.is_empty() || split_outside(list, ',').any(|query| one(query, width, height))
}

fn one(query: &str, width: f64, height: f64) -> bool {
    let query = query.trim().to_ascii_lowercase();
    let (negated, query) = match query.strip_prefix("not ") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, query.strip_prefix("only ").map_or(query.as_str(), str::trim_start)),
    };
    let mut known = true;
    let mut parts = conjunction(query);
    let all = parts.iter_mut().all(|part| match part.as_str() {
        "all" | "screen" => true,
        "print" | "speech" | "aural" | "braille" | "handheld" | "projection" | "tty" | "tv"
        | "embossed" => false,
        part => match part.strip_prefix('(').and_then(|p| p.strip_suffix(')')) {
            Some(feature) => match self::feature(feature, width, height) {
                Some(truth) => truth,
                None => {
                    known = false;
                    false
                }
            },
            None => {
                known = false;
                false
            }
        },
    });
    known && !parts.is_empty() && all != negated
}

/// The parts between `and`.
fn conjunction(query: &str) -> Vec<String> {
    let words = split_outside(query, ' ').filter(|word| !word.is_empty());
    let mut parts = Vec::new();
    let mut wants_part = true;
    for word in words {
        match (wants_part, word) {
            (false, "and") => wants_part = true,
            (true, _) => {
                parts.push(word.trim().to_owned());
                wants_part = false;
            }
            // Two parts side by side are no query.
            (false, _) => return Vec::new(),
        }
    }
    if wants_part { Vec::new() } else { parts }
}

/// Whether a feature holds; `None` if it is not known.
fn feature(text: &str, width: f64, height: f64) -> Option<bool> {
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name.trim(), value.trim()),
        None => (text.trim(), ""),
    };
    let length = || {
        let length = Length::parse(value).ok()?;
        // The font of a page, not of the drawing.
        if length.unit == Unit::Em { Some(length.number * 16.0) } else { pixels(length) }
    };
    Some(match (name, value) {
        ("width" | "height" | "color", "") => true,
        ("monochrome" | "grid", "" | "1") => false,
        ("width", _) => length()? == width,
        ("min-width", _) => width >= length()?,
        ("max-width", _) => width <= length()?,
        ("height", _) => length()? == height,
        ("min-height", _) => height >= length()?,
        ("max-height", _) => height <= length()?,
        ("orientation", "landscape") => width > height,
        ("orientation", "portrait") => width <= height,
        ("prefers-color-scheme", value) => value == "light",
        ("prefers-reduced-motion", value) => value == "no-preference",
        ("prefers-contrast", value) => value == "no-preference",
        ("hover" | "any-hover", value) => value != "none",
        ("pointer" | "any-pointer", value) => matches!(value, "" | "fine"),
        ("scripting", value) => value == "none",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn a_screen_of_800_by_600_is_what_it_is() {
        for (list, truth) in [
            ("", true),
            ("all", true),
            ("screen", true),
            ("print", false),
            ("SCREEN, print", true),
            ("print, speech", false),
            ("not print", true),
            ("not screen", false),
            ("only screen", true),
            ("screen and (min-width: 700px)", true),
            ("screen and (min-width:900px)", false),
            ("(max-width: 50em)", true),
            ("(min-width: 10cm) and (max-height: 700px)", true),
            ("not screen and (min-width: 900px)", true),
            ("(orientation: landscape)", true),
            ("(orientation: portrait)", false),
            ("(prefers-color-scheme: dark)", false),
            ("(color)", true),
            ("(no-such-feature)", false),
            ("not (no-such-feature)", false),
            ("screen (color)", false),
            ("screen and", false),
        ] {
            assert_eq!(holds(list, (800.0, 600.0)), truth, "{list}");
        }
    }
}

//! Which declarations a browser would drop, so that the weaker one before them counts.

use std::borrow::Cow;

use super::super::basic_shape::basic_shape;
use super::super::colour::SYSTEM_COLOURS;
use super::super::length::{BROWSER_UNITS, Length, LengthError, Unit};

/// Whether a value is one of the keywords that every property takes.
pub(crate) fn is_wide(value: &str) -> bool {
    matches!(value, "inherit" | "initial" | "unset" | "revert" | "revert-layer")
}

/// Whether `name` is a property that may be written as an attribute, and whose attribute is
/// read as CSS. Geometry and transforms are not.
pub(super) fn is_attribute(name: &str) -> bool {
    matches!(
        name,
        "fill"
            | "stroke"
            | "color"
            | "stop-color"
            | "flood-color"
            | "lighting-color"
            | "fill-opacity"
            | "stroke-opacity"
            | "stop-opacity"
            | "flood-opacity"
            | "opacity"
            | "stroke-width"
            | "stroke-dasharray"
            | "stroke-dashoffset"
            | "stroke-linecap"
            | "stroke-linejoin"
            | "stroke-miterlimit"
            | "fill-rule"
            | "clip-rule"
            | "clip-path"
            | "mask"
            | "filter"
            | "display"
            | "visibility"
            | "font-size"
            | "font-family"
            | "font-weight"
            | "font-style"
            | "text-anchor"
            | "letter-spacing"
            | "word-spacing"
    )
}

/// Properties that take one of a few words, and the words.
pub(crate) const KEYWORDS: &[(&str, &[&str])] = &[
    ("stroke-linecap", &["butt", "round", "square"]),
    ("stroke-linejoin", &["miter", "round", "bevel", "miter-clip", "arcs"]),
    ("fill-rule", &["nonzero", "evenodd"]),
    ("clip-rule", &["nonzero", "evenodd"]),
    ("visibility", &["visible", "hidden", "collapse"]),
    ("text-anchor", &["start", "middle", "end"]),
    ("isolation", &["auto", "isolate"]),
    (
        "display",
        &[
            "none",
            "inline",
            "block",
            "inline-block",
            "contents",
            "flex",
            "inline-flex",
            "grid",
            "inline-grid",
            "flow",
            "flow-root",
            "list-item",
            "math",
            "ruby",
            "ruby-base",
            "ruby-text",
            "run-in",
            "table",
            "inline-table",
            "table-caption",
            "table-cell",
            "table-column",
            "table-column-group",
            "table-footer-group",
            "table-header-group",
            "table-row",
            "table-row-group",
            "compact",
            "marker",
        ],
    ),
    (
        "mix-blend-mode",
        &[
            "normal",
            "multiply",
            "screen",
            "overlay",
            "darken",
            "lighten",
            "color-dodge",
            "color-burn",
            "hard-light",
            "soft-light",
            "difference",
            "exclusion",
            "hue",
            "saturation",
            "color",
            "luminosity",
            "plus-lighter",
            "plus-darker",
        ],
    ),
];

/// The words of a property of [`KEYWORDS`].
pub(crate) fn keywords(name: &str) -> Option<&'static [&'static str]> {
    KEYWORDS.iter().find(|(property, _)| *property == name).map(|(_, words)| *words)
}

/// Whether a declaration is valid, as far as its property is known here. What is not known is
/// taken as it is.
pub(crate) fn is_valid(name: &str, value: &str) -> bool {
    if !(is_attribute(name) || matches!(name, "mix-blend-mode" | "isolation")) {
        return true;
    }
    let value = value.trim();
    let low: Cow<'_, str> = match value.bytes().any(|b| b.is_ascii_uppercase()) {
        true => value.to_ascii_lowercase().into(),
        false => value.into(),
    };
    let low = &*low;
    let calls = low.contains('(');
    if is_wide(low) || calls && (low.contains("calc(") || super::asks(low)) {
        return true;
    }
    let number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    match name {
        "fill" | "stroke" => is_paint(low),
        "color" | "stop-color" | "flood-color" | "lighting-color" => is_colour(low),
        "opacity" | "fill-opacity" | "stroke-opacity" | "stop-opacity" | "flood-opacity" => {
            number(low.strip_suffix('%').unwrap_or(low))
        }
        "stroke-width" => is_length(low, true),
        "stroke-dashoffset" => is_length(low, false),
        "stroke-dasharray" => {
            let mut words = low.split([' ', ',', '\n', '\t', '\r']).filter(|w| !w.is_empty());
            low == "none" || words.all(|word| is_length(word, true))
        }
        "stroke-miterlimit" => number(low),
        "font-style" => low.starts_with("oblique") || matches!(low, "normal" | "italic"),
        "font-weight" => number(low) || matches!(low, "normal" | "bold" | "bolder" | "lighter"),
        "font-size" => {
            is_length(low, true)
                || matches!(
                    low,
                    "xx-small"
                        | "x-small"
                        | "small"
                        | "medium"
                        | "large"
                        | "x-large"
                        | "xx-large"
                        | "xxx-large"
                        | "smaller"
                        | "larger"
                        | "math"
                )
        }
        "clip-path" => low == "none" || low.starts_with("url(") || basic_shape(value).is_some(),
        // `block flow`, and what browsers put a prefix before.
        "display" if low.contains([' ', '\t', '\n']) || low.starts_with('-') => true,
        name => keywords(name).is_none_or(|words| words.contains(&low)),
    }
}

/// Units that only browsers know are lengths too.
fn is_length(text: &str, positive: bool) -> bool {
    match Length::parse(text) {
        Ok(length) => {
            let unit = !matches!(length.unit, Unit::M | Unit::Ft);
            unit && (!positive || length.number >= 0.0)
        }
        Err(LengthError::Unit(unit)) => BROWSER_UNITS.contains(&unit.as_str()),
        Err(_) => false,
    }
}

fn is_paint(low: &str) -> bool {
    if matches!(low, "none" | "context-fill" | "context-stroke") {
        return true;
    }
    match low.strip_prefix("url(").and_then(|rest| rest.split_once(')')) {
        Some((_, fallback)) => {
            let fallback = fallback.trim();
            fallback.is_empty() || fallback == "none" || is_colour(fallback)
        }
        None => is_colour(low),
    }
}

/// Colours in functions are taken as valid where the function is one of colours.
fn is_colour(low: &str) -> bool {
    const FUNCTIONS: &[&str] = &[
        "rgb",
        "rgba",
        "hsl",
        "hsla",
        "hwb",
        "lab",
        "lch",
        "oklab",
        "oklch",
        "color",
        "color-mix",
        "light-dark",
        "icc-color",
    ];
    if let Some((name, _)) = low.split_once('(') {
        let name = name.trim();
        let old = matches!(name, "rgb" | "rgba" | "hsl" | "hsla");
        if old && !low.contains("from ") {
            let plain = super::super::plain_colour(low);
            return plain.as_deref().unwrap_or(low).parse::<svgtypes::Color>().is_ok();
        }
        // `#abc icc-color(...)`, as SVG 1.1 has it.
        return FUNCTIONS.iter().any(|known| name.ends_with(known));
    }
    matches!(low, "currentcolor" | "transparent" | "rebeccapurple")
        || SYSTEM_COLOURS.contains(&low)
        || low.parse::<svgtypes::Color>().is_ok()
}

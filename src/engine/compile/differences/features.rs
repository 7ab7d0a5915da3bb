//! Properties and values that browsers draw and the renderer does not.

use crate::geometry::css::is_wide;
use crate::geometry::{BROWSER_UNITS, SYSTEM_COLOURS};

/// A feature, and how it is drawn.
type Difference = (&'static str, &'static str);

/// Properties without effect here: the values under which browsers show none either.
const IGNORED: &[(&str, &[&str], &str)] = &[
    ("animation", &["none"], ANIMATED),
    ("animation-name", &["none"], ANIMATED),
    ("offset-path", &["none"], "the element stays where it is"),
    ("backdrop-filter", &["none"], "what lies behind is drawn without the filter"),
    ("text-shadow", &["none"], "text is drawn without a shadow"),
    ("text-transform", &["none"], "letters are drawn as they are written"),
    ("text-emphasis", &["none"], "text is drawn without marks"),
    ("text-decoration-style", &["solid"], "the line is drawn solid"),
    ("text-decoration-color", &["currentcolor", "auto"], "the line has the colour of the text"),
    ("text-decoration-thickness", &["auto", "from-font"], "the line has its usual width"),
    ("text-orientation", &["mixed"], "letters stand as in mixed"),
    ("font-feature-settings", &["normal"], "the font's usual forms are drawn"),
    ("font-variant", &["normal", "none"], "letters are drawn as they are written"),
    ("font-variant-caps", &["normal"], "letters are drawn as they are written"),
    ("font-variant-numeric", &["normal"], "the font's usual figures are drawn"),
    ("font-variant-position", &["normal"], "the font's usual forms are drawn"),
    ("font-variant-alternates", &["normal"], "the font's usual forms are drawn"),
    ("font-size-adjust", &["none"], "the size is drawn as stated"),
    ("zoom", &["1", "100%", "normal"], "the element keeps its size"),
    ("perspective", &["none"], "everything is drawn flat"),
    ("mask-image", &["none"], "the mask is not applied"),
    ("mask-border", &["none"], "the mask is not applied"),
    ("mask-size", &["auto"], "the mask is not applied"),
    ("mask-clip", &["border-box"], "the mask is not applied"),
    ("all", &[], "the properties keep their values"),
];
const ANIMATED: &str = "what moves is drawn as it stands without the animation";

/// Properties of the root that browsers paint around the drawing.
const OF_THE_ROOT: &[&str] =
    &["background", "background-color", "background-image", "border", "outline"];

/// Properties whose values are lengths.
const LENGTHS: &[&str] = &[
    "x",
    "y",
    "width",
    "height",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "x1",
    "y1",
    "x2",
    "y2",
    "stroke-width",
    "stroke-dasharray",
    "stroke-dashoffset",
    "font-size",
    "letter-spacing",
    "word-spacing",
    "baseline-shift",
    "transform",
    "transform-origin",
    "translate",
    "clip-path",
];
/// Properties whose values are numbers or percentages.
const NUMBERS: &[&str] = &[
    "opacity",
    "fill-opacity",
    "stroke-opacity",
    "stop-opacity",
    "stroke-miterlimit",
    "rotate",
    "scale",
];
/// Functions of `transform` that are not read.
const FLAT: &[&str] = &["rotate3d(", "matrix3d(", "rotatex(", "rotatey(", "perspective("];
const COLOURS: &[&str] =
    &["fill", "stroke", "color", "stop-color", "flood-color", "lighting-color"];
/// What a declaration is drawn as, where that differs.
pub(super) fn declaration(name: &str, value: &str, root: bool) -> Option<Difference> {
    let value = value.trim();
    let low = value.to_ascii_lowercase();
    if is_wide(&low) {
        let known = !name.starts_with("--") && (is_known(name) || name == "all");
        return (low != "inherit" && known)
            .then_some(("initial, unset and revert", "the value does not apply"));
    }
    if let Some((name, harmless, what)) = IGNORED.iter().find(|(known, ..)| *known == name) {
        return (!harmless.contains(&low.as_str())).then_some((name, what));
    }
    if root && OF_THE_ROOT.contains(&name) {
        let harmless = matches!(low.as_str(), "none" | "transparent" | "0");
        return (!harmless)
            .then_some(("background of the root", "the picture has the background asked for"));
    }
    values(name, &low)
}

/// What an attribute is drawn as, where that differs.
pub(super) fn attribute(element: &str, name: &str, value: &str) -> Option<Difference> {
    match name {
        "path" if element == "textPath" => {
            return Some(("path of textPath", "the text on it is not drawn"));
        }
        "side" if element == "textPath" && value.trim() == "right" => {
            return Some(("side of textPath", "the text is drawn on the left side"));
        }
        "lengthAdjust" | "d" | "points" | "id" | "class" | "transform" => return None,
        _ => {}
    }
    // Most attributes are none of these: nothing is copied for them.
    let variant = name == "font-variant";
    if !variant && !is_known(name) {
        return None;
    }
    let low = value.trim().to_ascii_lowercase();
    if variant {
        return (!matches!(low.as_str(), "normal" | "none" | "inherit"))
            .then_some(("font-variant", "letters are drawn as they are written"));
    }
    values(name, &low)
}

fn is_known(name: &str) -> bool {
    COLOURS.contains(&name)
        || LENGTHS.contains(&name)
        || matches!(
            name,
            "mask"
                | "filter"
                | "clip-path"
                | "stroke-linejoin"
                | "text-decoration"
                | "opacity"
                | "fill-opacity"
                | "stroke-opacity"
                | "stop-opacity"
                | "display"
                | "visibility"
                | "font-family"
                | "font-weight"
                | "font-style"
                | "marker"
                | "marker-start"
                | "marker-mid"
                | "marker-end"
                | "stroke-linecap"
                | "fill-rule"
                | "text-anchor"
        )
}

fn values(name: &str, low: &str) -> Option<Difference> {
    let calls = low.contains('(');
    if COLOURS.contains(&name) {
        const NEW: &[&str] = &["color-mix(", "light-dark(", "device-cmyk(", "contrast-color("];
        if calls && (NEW.iter().any(|f| low.contains(f)) || low.contains("(from ")) {
            return Some((
                "color-mix(), light-dark(), colours from others",
                "the colour is not read",
            ));
        }
        if calls && low.starts_with("color(") && crate::geometry::plain_colour(low).is_none() {
            return Some(("color()", "the colour space is not read"));
        }
        if !calls && !low.starts_with('#') && SYSTEM_COLOURS.contains(&low) {
            return Some(("system colours", "the colour is not read"));
        }
        return None;
    }
    match name {
        "mask" if low.contains("gradient(") || is_outside(low) => {
            return Some(("mask", "only masks of the drawing are applied"));
        }
        "filter" | "clip-path" | "marker" | "marker-start" | "marker-mid" | "marker-end"
            if is_outside(low) =>
        {
            return Some(("url() of another file", "what it refers to is not applied"));
        }
        "clip-path" if low.contains("shape(") => {
            return Some(("clip-path: shape()", "it clips nothing"));
        }
        "stroke-linejoin" if matches!(low, "miter-clip" | "arcs") => {
            return Some(("stroke-linejoin", "browsers draw miter"));
        }
        "text-decoration"
            if ["wavy", "dotted", "dashed", "double"].iter().any(|w| low.contains(w)) =>
        {
            return Some(("text-decoration-style", "the line is drawn solid"));
        }
        _ => {}
    }
    if calls && name == "transform" && FLAT.iter().any(|f| has_call(low, f)) {
        return Some(("transforms out of the plane", "they do not apply"));
    }
    if !LENGTHS.contains(&name) && !NUMBERS.contains(&name) {
        return None;
    }
    const FUNCTIONS: &[&str] = &["calc(", "min(", "max(", "clamp(", "round(", "env(", "attr("];
    if calls && FUNCTIONS.iter().any(|f| has_call(low, f)) {
        return Some(("calc() and other functions in lengths", "the value does not apply"));
    }
    if NUMBERS.contains(&name) {
        return None;
    }
    if !low.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let words = low.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'));
    let digit = |c: char| c.is_ascii_digit() || ".+-".contains(c);
    let units = words.filter(|w| w.starts_with(digit)).map(|w| w.trim_start_matches(digit));
    let units: Vec<&str> = units.filter(|unit| !unit.is_empty()).collect();
    if units.iter().any(|unit| BROWSER_UNITS.contains(unit)) {
        return Some(("units rem, vw, vh, ch, q and their kin", "the value does not apply"));
    }
    let exes = units.contains(&"ex");
    exes.then_some(("the unit ex", "it is half of the font's size; browsers ask the font"))
}

/// Whether a function of that name is called.
fn has_call(value: &str, call: &str) -> bool {
    value.match_indices(call).any(|(at, _)| {
        let before = value.get(..at).and_then(|v| v.chars().next_back());
        before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-')
    })
}

/// Whether a value refers out of the document.
fn is_outside(value: &str) -> bool {
    value.split("url(").skip(1).any(|rest| {
        let inside = rest.split(')').next().unwrap_or_default();
        !inside.trim().trim_matches(['"', '\'']).starts_with('#')
    })
}

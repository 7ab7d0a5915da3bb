//! How much work a request is, before it is done.

use serde::Deserialize;
use svgx_base::budget::Tier;

use super::body::{Body, Kind};
use super::precision::Precision;
use super::seconds::Seconds;

/// Bytes of a drawing for each of its elements, a guess: the size is known before the elements are.
const BYTES_PER_ELEMENT: u64 = 100;
/// Bytes of a drawing for each of its bodies, a guess.
const BYTES_PER_BODY: u64 = 150;
/// Pixels that the work of an element has its share of.
const USUAL_PIXELS: u64 = 2_000_000;
/// Pixels beyond those that are as much work as an element.
const PIXELS_PER_ELEMENT: u64 = 1_000;
/// Bytes of a root element that are looked at for its size.
const ROOT: usize = 4_096;
/// Solutions of a network in time, by those of one that is solved once.
const NETWORK_STEPS: u64 = 100;
/// Elements whose reading is as much work as an edit that looks at nothing else.
const ELEMENTS_PER_EDIT: u64 = 20;
/// The share of a drawing that an edit looks at, as a divisor.
const SHARE_OF_EDIT: u64 = 50;
/// Steps of a simulated second at the usual rate.
const STEPS_PER_SECOND: f64 = 60.0;

/// How much work a body asks for, where its length does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// The operation of the objectives that it is.
    pub(crate) operation: &'static str,
    /// Units of that operation.
    pub(crate) size: u64,
    /// The tier it asks for.
    pub(crate) tier: Tier,
    /// Whether it refuses a coarser one.
    pub(crate) strict: bool,
}

/// The elements that a body of `bytes` bytes may hold.
pub(crate) fn elements(bytes: u64) -> u64 {
    bytes / BYTES_PER_ELEMENT + 1
}

/// The work of a simulation: the length of the drawing tells how many bodies there may be, the
/// options how many steps. They stand beside the drawing, whose own quotes are escaped, so that
/// they are found without reading it.
pub(crate) fn simulation(body: &Body) -> Option<Estimate> {
    #[derive(Default, Deserialize)]
    struct Options {
        duration: Option<Seconds>,
        precision: Option<String>,
        strict: Option<bool>,
        networks: Option<bool>,
    }
    let bytes = &body.bytes;
    let after = |name: &str| {
        let at = memchr::memmem::rfind(bytes, name.as_bytes())? + name.len();
        let rest = bytes.get(at..)?.trim_ascii_start().strip_prefix(b":")?;
        Some(rest)
    };
    fn value<'b, T: Deserialize<'b>>(text: &'b [u8]) -> Option<T> {
        serde_json::Deserializer::from_slice(text).into_iter().next()?.ok()
    }
    let json = body.kind == Kind::Json;
    let options: Options =
        after("\"options\"").filter(|_| json).and_then(value).unwrap_or_default();
    let other = || after("\"simulation_time\"").filter(|_| json).and_then(value::<Seconds>);
    let precision = match options.precision.as_deref() {
        None => Precision::default(),
        Some(word) => Precision::parse(word)?,
    };
    let bodies = bytes.len() as u64 / BYTES_PER_BODY + 1;
    let (tier, strict) = (precision.tier, precision.is_strict || options.strict.unwrap_or(false));
    if options.networks == Some(true) {
        let size = elements(bytes.len() as u64) * NETWORK_STEPS;
        return Some(Estimate { operation: "network", size, tier, strict });
    }
    Some(match options.duration.or_else(other).and_then(|given| given.get()) {
        Some(seconds) => {
            // A float that is no number of steps is refused by physics later.
            let steps = (seconds * STEPS_PER_SECOND).clamp(1.0, 1e6) as u64;
            Estimate { operation: "simulate", size: bodies * steps, tier, strict }
        }
        None => Estimate { operation: "statics", size: bodies, tier, strict },
    })
}

/// The work of a list of edits: the drawing is read and written, and each edit looks at some of it.
/// How many there are is counted by their names, without reading them.
pub(crate) fn edits(body: &Body) -> Option<Estimate> {
    let size = size_of_edits(&body.bytes);
    Some(Estimate { operation: "parse", size, tier: Tier::Compute, strict: false })
}

fn size_of_edits(text: &[u8]) -> u64 {
    let elements = elements(text.len() as u64);
    // In the drawing, which is a text, a quote has a backslash before it.
    let count = memchr::memmem::find_iter(text, b"\"operation\"").count() as u64;
    2 * elements + count * (ELEMENTS_PER_EDIT + elements / SHARE_OF_EDIT)
}

/// The work of a picture with many pixels: the length of the drawing does not tell that. The options
/// beside the drawing, or the size on its root, tell them without reading it.
pub(crate) fn picture(body: &Body) -> Option<Estimate> {
    let more = more_pixels(body.kind, &body.bytes);
    (more > 0).then(|| Estimate {
        operation: "render",
        size: elements(body.bytes.len() as u64) + more,
        tier: Tier::Compute,
        strict: false,
    })
}

/// The elements that are as much work as the pixels that a picture has beyond the usual ones.
fn more_pixels(kind: Kind, text: &[u8]) -> u64 {
    pixels(kind, text).saturating_sub(USUAL_PIXELS) / PIXELS_PER_ELEMENT
}

/// The pixels that a picture may have.
fn pixels(kind: Kind, text: &[u8]) -> u64 {
    #[derive(Default, Deserialize)]
    struct Options {
        width: Option<f64>,
        height: Option<f64>,
        scale: Option<f64>,
    }
    let options: Options = memchr::memmem::rfind(text, b"\"options\"")
        .filter(|_| kind == Kind::Json)
        .and_then(|at| text.get(at + "\"options\"".len()..))
        .and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"))
        .and_then(|rest| serde_json::Deserializer::from_slice(rest).into_iter().next()?.ok())
        .unwrap_or_default();
    let [own_width, own_height] = root_size(text);
    let ratio = own_height / own_width;
    let (width, height) = match (options.width, options.height) {
        (Some(width), Some(height)) => (width, height),
        (Some(width), None) => (width, width * ratio),
        (None, Some(height)) => (height / ratio, height),
        (None, None) => {
            let scale = options.scale.unwrap_or(1.0);
            (own_width * scale, own_height * scale)
        }
    };
    // What is no number of pixels is refused by the renderer later.
    (width * height).clamp(0.0, 1e9) as u64
}

/// Width and height on the root, or of its view box; 1 by 1 where they cannot be read.
fn root_size(text: &[u8]) -> [f64; 2] {
    let Some(at) = memchr::memmem::find(text, b"<svg") else { return [1.0; 2] };
    let rest = text.get(at..).unwrap_or_default();
    let tag = &rest[..memchr::memchr(b'>', rest).unwrap_or(rest.len()).min(ROOT)];
    let numbers = |name: &[u8]| -> Vec<f64> {
        let Some(at) = memchr::memmem::find(tag, name) else { return Vec::new() };
        let value = tag.get(at + name.len()..).unwrap_or_default();
        let value = value.trim_ascii_start().strip_prefix(b"=").unwrap_or_default();
        // In JSON a backslash stands before a quote.
        let quoted = value.iter().position(|b| matches!(b, b'"' | b'\''));
        let value = quoted.and_then(|at| value.get(at + 1..)).unwrap_or_default();
        let end = value.iter().position(|b| matches!(b, b'"' | b'\'' | b'\\'));
        let value = value.get(..end.unwrap_or(0)).unwrap_or_default();
        let words = value.split(|b| b.is_ascii_whitespace() || *b == b',');
        words
            .filter_map(|w| std::str::from_utf8(w).ok()?.trim_end_matches("px").parse().ok())
            .collect()
    };
    let view = numbers(b" viewBox");
    let side = |name: &[u8], at: usize| {
        let own = numbers(name).first().copied();
        own.or_else(|| view.get(at).copied()).filter(|n| *n > 0.0 && n.is_finite())
    };
    match (side(b" width", 2), side(b" height", 3)) {
        (Some(width), Some(height)) => [width, height],
        _ => [1.0; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edit_is_work_of_its_own() {
        let size = |count: usize| {
            let edits = vec![r#"{"operation": "fillet"}"#; count].join(",");
            let text = format!(r#"{{"content": "<svg/>", "edits": [{edits}]}}"#);
            size_of_edits(text.as_bytes())
        };
        assert!(size(0) < 10);
        assert!(size(1_000) >= 1_000 * ELEMENTS_PER_EDIT);
        assert!(size(10_000) > 10 * size(1_000), "a longer list is also more to read");
    }

    #[test]
    fn a_large_picture_of_few_elements_is_more_work() {
        let plain = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50"/>"#;
        let sized = r#"<svg width='4000px' height="4000"/>"#;
        let json = |svg: &str, options: &str| {
            let content = serde_json::Value::from(svg);
            format!(r#"{{"content": {content}, "options": {options}}}"#)
        };
        let cases = [
            (Kind::Document, plain.to_owned(), 5_000),
            (Kind::Document, sized.to_owned(), 16_000_000),
            (Kind::Json, json(plain, "{}"), 5_000),
            (Kind::Json, json(plain, r#"{"scale": 2}"#), 20_000),
            (Kind::Json, json(plain, r#"{"width": 4000}"#), 8_000_000),
            (Kind::Json, json(plain, r#"{"height": 4000}"#), 32_000_000),
            (Kind::Json, json(plain, r#"{"width": 4000, "height": 10}"#), 40_000),
            (Kind::Json, json(sized, "{}"), 16_000_000),
            (Kind::Json, json("<svg/>", r#"{"width": 3000}"#), 9_000_000),
            (Kind::Json, json(plain, r#"{"width": 1e300, "height": 1e300}"#), 1_000_000_000),
            (Kind::Json, json(plain, r#"{"width": -5, "height": 9}"#), 0),
            (Kind::Json, "{\"options\"".to_owned(), 1),
            (Kind::Document, "<svg width=".to_owned(), 1),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(pixels(kind, text.as_bytes()), expected, "{text}");
            let more = expected.saturating_sub(USUAL_PIXELS) / PIXELS_PER_ELEMENT;
            assert_eq!(more_pixels(kind, text.as_bytes()), more, "{text}");
        }
    }
}

//! Elements that are not drawn, pictures, and what `use` shows otherwise.

use std::collections::HashMap;

use crate::document::{Code, Document, NodeId, Ns, Span};
use crate::geometry::css::{Matching, Sheet};
use crate::geometry::{DASHES, Length, basic_shape, href, is_apart, pixels, root_viewbox};

use svgx_base::budget::{Budget, Stop};

use super::super::sanitize;
use super::{Seen, short};

/// Elements that browsers draw, and how they are drawn here.
const ELEMENTS: &[(&str, &str)] = &[
    ("foreignObject", "it is not drawn"),
    ("video", "it is not drawn"),
    ("audio", "it is not drawn"),
    ("iframe", "it is not drawn"),
    ("canvas", "it is not drawn"),
];
const ANIMATIONS: &[&str] =
    &["animate", "animateColor", "animateMotion", "animateTransform", "set"];
/// Elements looked at for what `use` shows.
const LOOKS: usize = 20_000;
/// Values of custom properties that are looked up at each place for that.
const ASKING: usize = 500;

/// Looks at one element.
pub(super) fn check(
    document: &Document,
    node: NodeId,
    name: &str,
    pixels: &mut usize,
    seen: &mut Seen,
) {
    // An extension that is asked for is not there in a browser either.
    let extended = document.attr(node, "requiredExtensions").is_some_and(|v| !v.trim().is_empty());
    if let Some((name, what)) = ELEMENTS.iter().find(|(known, _)| *known == name)
        && !extended
    {
        seen.note(Code::DrawnDifferently, name, what, document.span(node));
    }
    if ANIMATIONS.contains(&name) {
        let what = "what moves is drawn as it stands without the animation";
        seen.note(Code::DrawnDifferently, "animation", what, document.span(node));
    }
    if matches!(name, "image" | "feImage") {
        image(document, node, name, pixels, seen);
    }
    if name == "feDisplacementMap" {
        let what = "what it moves goes further than in a browser";
        seen.note(Code::DrawnDifferently, name, what, document.span(node));
    }
    if name == "pattern" {
        pattern(document, node, seen);
    }
    if name == "use"
        && let Some(file) = reference(document, node).filter(|r| !r.starts_with('#'))
        && !file.is_empty()
    {
        let what = "what it refers to is never fetched";
        seen.note(Code::DrawnDifferently, "use of another file", what, document.span(node));
    }
}

/// The renderer repeats a tile after a whole number of pixels.
fn pattern(document: &Document, node: NodeId, seen: &mut Seen) {
    if document.attr(node, "patternUnits").map(str::trim) != Some("userSpaceOnUse") {
        return;
    }
    let number = |node, name| {
        document.attr(node, name).and_then(|v| Length::parse(v.trim()).ok()).and_then(pixels)
    };
    let zoom = number(NodeId::ROOT, "width").map_or(1.0, |w| w / root_viewbox(document).width);
    let transform = document.attr(node, "patternTransform").unwrap_or_default();
    let scaled = ["scale", "skew", "matrix"].iter().any(|name| transform.contains(name));
    let uneven = ["width", "height"].into_iter().any(|side| {
        number(node, side).is_some_and(|size| {
            let pixels = size * zoom;
            (pixels - pixels.round()).abs() > 1e-3 * pixels
        })
    });
    if uneven || scaled {
        let what = "the tile is repeated after a whole number of pixels of the picture";
        seen.note(Code::DrawnDifferently, "pattern", what, document.span(node));
    }
}

fn reference(document: &Document, node: NodeId) -> Option<&str> {
    let attribute = document
        .attribute(node, Ns::None, "href")
        .or_else(|| document.attribute(node, Ns::XLink, "href"))?;
    Some(attribute.value.trim())
}

fn image(document: &Document, node: NodeId, name: &str, pixels: &mut usize, seen: &mut Seen) {
    let Some(text) = reference(document, node).filter(|text| !text.is_empty()) else { return };
    let reason = if name == "feImage" {
        "feImage is not drawn".to_owned()
    } else if text.len() < 5 || !text.get(..5).is_some_and(|t| t.eq_ignore_ascii_case("data:")) {
        format!("{:?} lies outside of the document and is never fetched", short(text))
    } else if text.get(..14).is_some_and(|t| t.eq_ignore_ascii_case("data:image/svg")) {
        "a picture that is itself SVG is not drawn".to_owned()
    } else {
        let Some(bytes) = sanitize::picture_bytes(text) else {
            let reason = format!("{:?} is no PNG, JPEG, GIF or WebP in base64", short(text));
            return not_drawn(document, node, &reason, seen);
        };
        let size = imagesize::blob_size(&bytes).ok();
        let size = size.and_then(|size| size.width.checked_mul(size.height));
        match size.map(|size| (size, pixels.checked_sub(size))) {
            Some((_, Some(left))) => {
                *pixels = left;
                return;
            }
            Some((size, None)) => {
                format!("its {size} pixels pass what is left of the pixels limit")
            }
            None => "its size cannot be read".to_owned(),
        }
    };
    not_drawn(document, node, &reason, seen);
}

fn not_drawn(document: &Document, node: NodeId, reason: &str, seen: &mut Seen) {
    let message = || format!("the picture is not drawn: {reason}");
    let severity = crate::document::Severity::Warning;
    let help =
        Some("a PNG, JPEG, GIF or WebP in the document (data:image/png;base64,...) is drawn");
    seen.add(Code::ImageNotDrawn, severity, reason, message, help, document.span(node));
}

/// What shapes ask for that is not done everywhere.
pub(super) fn shapes(
    document: &Document,
    node: NodeId,
    name: &str,
    property: &str,
    value: &str,
    span: Span,
    seen: &mut Seen,
) {
    let mut note = |feature: &str, what: &str| {
        seen.note(Code::DrawnDifferently, feature, what, span);
    };
    match (property, value.trim()) {
        ("clip-path", value) if basic_shape(value).is_some() => {
            if name == "text" {
                note("a shape as clip-path of a text", "the box of a text is estimated");
            } else if node == NodeId::ROOT {
                note("a shape as clip-path of the root", "it clips nothing");
            } else if is_apart(document, node) {
                let feature = "a shape as clip-path within pattern, mask, marker or clipPath";
                note(feature, "it clips nothing");
            }
        }
        ("mask", value) if name == "mask" && value != "none" => {
            note("a mask of a mask", "it is applied; browsers leave it out");
        }
        ("marker" | "marker-mid", value) if name == "path" && value.starts_with("url(") => {
            let d = document.attr(node, "d").unwrap_or_default();
            if d.contains(['a', 'A']) {
                note("marker-mid on arcs", "it is also drawn within the arcs");
            }
        }
        ("vector-effect", "non-scaling-stroke") => {
            if is_apart(document, node) {
                let feature = "non-scaling-stroke within pattern, mask, marker or clipPath";
                note(feature, "the line is scaled");
            }
            let dashes = document.attr(node, "stroke-dasharray").unwrap_or_default();
            if dashes.split([' ', ',']).filter(|w| !w.is_empty()).count() > DASHES {
                note("more than 16 dashes with non-scaling-stroke", "the rest is cut");
            }
        }
        _ => {}
    }
}

/// What depends on the `use` that shows it, and is taken from the first, or from where it is
/// defined.
pub(super) fn instances(
    document: &Document,
    sheet: &Sheet,
    seen: &mut Seen,
    budget: &Budget,
) -> Result<(), Stop> {
    let mut users: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for node in document.elements() {
        if matches!(document.name(node), Some((_, "use")))
            && let Some(target) = href(document, node).and_then(|id| document.by_id(id))
        {
            users.entry(target).or_default().push(node);
        }
    }
    let (mut left, mut asking) = (LOOKS, ASKING);
    let mut targets: Vec<_> = users.into_iter().collect();
    targets.sort_by_key(|(target, _)| target.index());
    let mut matching = Matching::default();
    let mut at_users: HashMap<(NodeId, String), Option<String>> = HashMap::new();
    for (target, users) in targets {
        for node in document.descendants(target).filter(|&n| document.is_element(n)) {
            left = left.saturating_sub(1);
            if left == 0 {
                return Ok(());
            }
            budget.checkpoint()?;
            let style = document.attr(node, "style").unwrap_or_default();
            if users.len() > 1
                && (document.attr(node, "vector-effect") == Some("non-scaling-stroke")
                    || style.contains("non-scaling-stroke"))
            {
                let feature = "non-scaling-stroke shown by several use";
                let what = "the line is as wide as in the first of them";
                seen.note(Code::DrawnDifferently, feature, what, document.span(node));
            }
            if asking == 0 {
                continue;
            }
            for name in sheet.asked_by(document, node, &mut matching) {
                asking = asking.saturating_sub(1);
                budget.checkpoint()?;
                let here = sheet.custom_value(document, node, &name, &mut matching);
                let differs = users.iter().take(8).any(|&user| {
                    let there = at_users.entry((user, name.clone())).or_insert_with(|| {
                        sheet.custom_value(document, user, &name, &mut matching)
                    });
                    *there != here
                });
                let differs = differs
                    && !is_stated_below(document, sheet, node, target, &name, &mut matching);
                if differs {
                    let feature = "custom properties through use";
                    let what = "var() takes the value where the element is defined";
                    seen.note(Code::DrawnDifferently, feature, what, document.span(node));
                }
            }
        }
    }
    Ok(())
}

/// Whether an element between `node` and `target` states the property itself.
fn is_stated_below(
    document: &Document,
    sheet: &Sheet,
    node: NodeId,
    target: NodeId,
    name: &str,
    matching: &mut Matching,
) -> bool {
    let mut at = Some(node);
    while let Some(n) = at {
        if sheet.states(document, n, name, matching) {
            return true;
        }
        at = document.parent(n).filter(|_| n != target);
    }
    false
}

//! What the renderer does not know, said in attributes that it knows.
//!
//! usvg reads geometry and transforms from attributes alone, scales every stroke, and takes
//! dashes in user units. What style sheets and `vector-effect` say is resolved here by the
//! scene, so that the picture and the geometry agree.

use std::borrow::Cow;

use kurbo::{Affine, ParamCurveArclen};

use crate::document::{Document, NodeId, NodeKind};
use crate::geometry::{
    Cap, Item, Length, Scene, Styled, Unit, ViewBox, basic_shape, has_dot, href, is_geometry,
    pixels, plain_colour, root_viewbox,
};

/// Segments of a path whose length is measured.
const MEASURED: usize = 100_000;

/// The attributes of one element that differ from what is written.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// In place of the attributes of these names; an empty value leaves one out.
    pub(super) attributes: Vec<(&'static str, String)>,
    /// After all other declarations.
    pub(super) style: String,
    /// The shape is written as a path: other geometry is left out.
    pub(super) path: bool,
}

impl Resolved {
    /// Whether an attribute is not to be written as it stands.
    pub(super) fn replaces(&self, name: &str) -> bool {
        let geometry = matches!(
            name,
            "d" | "x"
                | "y"
                | "width"
                | "height"
                | "cx"
                | "cy"
                | "r"
                | "rx"
                | "ry"
                | "x1"
                | "x2"
                | "y1"
                | "y2"
                | "points"
        );
        (self.path && geometry) || self.attributes.iter().any(|(own, _)| *own == name)
    }
}

/// Whether a declaration is said in attributes instead.
pub(super) fn is_resolved(property: &str, value: &str) -> bool {
    let said = is_geometry(property) || property == "vector-effect";
    said || property == "clip-path" && basic_shape(value).is_some()
}

/// Whether a declaration keeps white space as it is written; `None`: it does not speak of that.
pub(super) fn keeps_spaces(property: &str, value: &str) -> Option<bool> {
    match (property, value.trim()) {
        ("white-space", "pre" | "pre-wrap" | "break-spaces")
        | ("white-space-collapse", "preserve" | "preserve-spaces" | "break-spaces") => Some(true),
        ("white-space" | "white-space-collapse", "inherit") => None,
        ("white-space" | "white-space-collapse", _) => Some(false),
        _ => None,
    }
}

/// A value that the renderer reads as browsers do.
pub(super) fn value<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    match name {
        "fill" | "stroke" | "color" | "stop-color" | "flood-color" | "lighting-color" => {
            plain_colour(value).map_or_else(|| trimmed(name, value), Cow::Owned)
        }
        "font-size" => font_size(value).map_or_else(|| trimmed(name, value), Cow::Borrowed),
        "font" => font(value),
        "image-rendering" => match value.trim() {
            "crisp-edges" => Cow::Borrowed("pixelated"),
            "optimizeSpeed" => Cow::Borrowed("optimizeQuality"),
            value => Cow::Borrowed(value),
        },
        _ => trimmed(name, value),
    }
}

/// Numbers and words without the blanks around them, which the renderer does not take.
fn trimmed<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    Cow::Borrowed(if name == "systemLanguage" { value } else { value.trim() })
}

/// The absolute sizes; the renderer takes them from the parent's.
fn font_size(value: &str) -> Option<&'static str> {
    Some(match value.trim() {
        "xx-small" => "9px",
        "x-small" => "10px",
        "small" => "13px",
        "medium" => "16px",
        "large" => "18px",
        "x-large" => "24px",
        "xx-large" => "32px",
        "xxx-large" => "48px",
        _ => return None,
    })
}

/// A `font` whose size the renderer reads.
fn font(value: &str) -> Cow<'_, str> {
    let value = without_line_height(value);
    // Names of families may be quoted; the size stands before them.
    let (before, families) = value.split_at(value.find(['"', '\'']).unwrap_or(value.len()));
    let words = || before.split_whitespace();
    if !words().any(|word| font_size(word).is_some()) {
        return value;
    }
    let sized: Vec<&str> = words().map(|word| font_size(word).unwrap_or(word)).collect();
    Cow::Owned(format!("{} {families}", sized.join(" ")))
}

/// A `font` without the height of its lines (`20px/1.2`), with which the renderer reads nothing.
fn without_line_height(value: &str) -> Cow<'_, str> {
    let Some((before, after)) = value.split_once('/') else { return Cow::Borrowed(value.trim()) };
    if before.contains(['"', '\'']) {
        return Cow::Borrowed(value.trim());
    }
    let after = after.trim_start();
    let family = after.split_once(char::is_whitespace).map_or("", |(_, family)| family);
    Cow::Owned(format!("{} {}", before.trim(), family.trim()))
}

/// What to write for `node`; `view` leads from the world to the pixels of the picture.
pub(super) fn of(
    document: &Document,
    scene: &Scene,
    node: NodeId,
    view: Affine,
    apart: Option<&Styled>,
) -> Resolved {
    let mut resolved = Resolved::default();
    if let Some(styled) = scene.styled(node).or(apart) {
        for name in ["transform-origin", "transform-box"] {
            resolved.attributes.push((name, String::new()));
        }
        let transform = styled.transform.map_or_else(String::new, matrix);
        resolved.attributes.push(("transform", transform));
        let geometry = styled.own.geometry();
        resolved.attributes.extend(geometry.map(|(name, value)| (name, value.to_owned())));
    }
    if let Some((_, "use")) = document.name(node) {
        symbol_size(document, node, &mut resolved);
    }
    if let Some(item) = dotted(document, scene, node) {
        resolved.attributes.push(("d", item.outline.path().to_svg()));
        resolved.path = true;
    }
    let Some(item) = lines(document, scene, node) else { return resolved };
    let mut factor = 1.0;
    if let Some(stated) = stated_length(document, node) {
        factor = item.outline.path().segments().map(|s| s.arclen(1e-3)).sum::<f64>() / stated;
    }
    if item.non_scaling {
        let total = view * item.transform;
        let [a, b, c, d, _, _] = total.as_coeffs();
        let (across, down) = (a.hypot(b), c.hypot(d));
        let even =
            (across - down).abs() <= 1e-6 * across && (a * c + b * d).abs() <= 1e-6 * across * down;
        if even {
            factor /= across;
            push(&mut resolved.style, "stroke-width", item.stroke_width / across);
        } else {
            // The outline as it lies in the picture, brought back by its group.
            let back = scene.own_transform(document, node) * total.inverse();
            resolved.attributes.retain(|(name, _)| *name != "transform");
            resolved.attributes.push(("transform", matrix(back)));
            let outline = total * item.outline.path().into_owned();
            resolved.attributes.push(("d", outline.to_svg()));
            resolved.path = true;
            push(&mut resolved.style, "stroke-width", item.stroke_width);
        }
    }
    dashes(document, item, node, factor, &mut resolved);
    resolved
}

/// Whether `node` has to be written as a path.
pub(super) fn is_path(document: &Document, scene: &Scene, node: NodeId, view: Affine) -> bool {
    dotted(document, scene, node).is_some()
        || lines(document, scene, node).is_some_and(|item| item.non_scaling)
            && of(document, scene, node, view, None).path
}

/// The shape, where it has parts without length whose caps the renderer leaves out.
fn dotted<'s>(document: &Document, scene: &'s Scene, node: NodeId) -> Option<&'s Item> {
    let name = document.name(node).map(|(_, name)| name);
    if !matches!(name, Some("path" | "polygon" | "polyline")) {
        return None;
    }
    let item = scene.shown(node)?;
    let capped = item.paint.stroke && item.ink.cap != Cap::Butt;
    (capped && has_dot(&item.outline.elements())).then_some(item)
}

/// The shape, where its line is not what the renderer would draw.
fn lines<'s>(document: &Document, scene: &'s Scene, node: NodeId) -> Option<&'s Item> {
    let special = document.attr(node, "pathLength").is_some() || scene.has_non_scaling();
    let item = special.then(|| scene.shown(node))??;
    (item.non_scaling || document.attr(node, "pathLength").is_some()).then_some(item)
}

fn stated_length(document: &Document, node: NodeId) -> Option<f64> {
    let stated: f64 = document.attr(node, "pathLength")?.trim().parse().ok()?;
    (stated.is_finite() && stated > 0.0).then_some(stated)
}

fn dashes(document: &Document, item: &Item, node: NodeId, factor: f64, resolved: &mut Resolved) {
    let measured = item.outline.elements().len() <= MEASURED && factor.is_finite();
    let list = item.ink.dash.get(..usize::from(item.ink.dashes)).unwrap_or_default();
    if factor == 1.0 || list.is_empty() || !measured {
        return;
    }
    let list: Vec<String> = list.iter().map(|d| (f64::from(*d) * factor).to_string()).collect();
    resolved.style.push_str(&format!("stroke-dasharray:{};", list.join(" ")));
    push(&mut resolved.style, "stroke-dashoffset", f64::from(item.ink.dash_offset) * factor);
    if document.attr(node, "pathLength").is_some() {
        resolved.attributes.push(("pathLength", String::new()));
    }
}

fn push(style: &mut String, name: &str, value: f64) {
    style.push_str(&format!("{name}:{value};"));
}

fn matrix(transform: Affine) -> String {
    if transform == Affine::IDENTITY {
        return String::new();
    }
    let [a, b, c, d, e, f] = transform.as_coeffs();
    format!("matrix({a} {b} {c} {d} {e} {f})")
}

/// A `use` without a size shows a symbol at the symbol's own.
fn symbol_size(document: &Document, node: NodeId, resolved: &mut Resolved) {
    let symbol = href(document, node).and_then(|id| document.by_id(id));
    let Some(symbol) = symbol.filter(|s| matches!(document.name(*s), Some((_, "symbol")))) else {
        return;
    };
    let auto = |value: &&str| value.trim() != "auto";
    for name in ["width", "height"] {
        if resolved.attributes.iter().any(|(own, _)| *own == name) {
            continue;
        }
        let own = document.attr(node, name).filter(auto);
        // Browsers take the size of a symbol from its attributes, whatever a sheet says.
        let size = own.or_else(|| document.attr(symbol, name).filter(auto));
        // The renderer takes a share of a share.
        let share = size.and_then(|text| text.trim().strip_suffix('%')?.parse::<f64>().ok());
        match (size, share) {
            (_, Some(share)) => {
                let side = viewport_side(document, node, name);
                resolved.attributes.push((name, (side * share / 100.0).to_string()));
            }
            (Some(size), None) if own.is_none() => {
                resolved.attributes.push((name, size.to_owned()));
            }
            _ => {}
        }
    }
}

/// A side of the viewport that `node` lies in, in user units.
fn viewport_side(document: &Document, node: NodeId, name: &str) -> f64 {
    let of = |v: ViewBox| if name == "width" { v.width } else { v.height };
    let mut share = 1.0;
    let mut around = document.parent(node);
    while let Some(at) = around.filter(|&n| n != NodeId::ROOT) {
        around = document.parent(at);
        if !matches!(document.name(at), Some((_, "svg" | "symbol"))) {
            continue;
        }
        if let Some(view) = document.attr(at, "viewBox").and_then(ViewBox::parse) {
            return share * of(view);
        }
        let Some(Ok(length)) = document.attr(at, name).map(Length::parse) else { continue };
        match (length.unit, pixels(length)) {
            (Unit::Percent, _) => share *= length.number / 100.0,
            (_, Some(side)) => return share * side,
            _ => {}
        }
    }
    share * of(root_viewbox(document))
}

/// White space of a text, collapsed as browsers do it: a space stays in the run it ends.
#[derive(Debug, Default)]
pub(super) struct Spaces {
    /// Where the last space that may still go was written.
    last: Option<usize>,
    /// Something else was written in this text.
    begun: bool,
}

impl Spaces {
    /// The text of one run, to be written at `at`; `kept` as it is written.
    pub(super) fn run(&mut self, kept: bool, text: &str, at: usize) -> String {
        if kept {
            (self.last, self.begun) = (None, true);
            return text.replace(['\n', '\r', '\t'], " ");
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if matches!(c, ' ' | '\n' | '\r' | '\t') {
                if self.begun && self.last.is_none() {
                    // Letters that are escaped come to more bytes.
                    self.last = Some(at + escaped(&out));
                    out.push(' ');
                }
            } else {
                (self.last, self.begun) = (None, true);
                out.push(c);
            }
        }
        out
    }

    /// Where a space ends the text.
    pub(super) fn end(&mut self) -> Option<usize> {
        std::mem::take(self).last
    }
}

fn escaped(text: &str) -> usize {
    let mut out = String::new();
    super::xml::text(&mut out, text);
    out.len()
}

/// Whether the children of `node` are runs of text.
pub(super) fn is_text(document: &Document, node: NodeId) -> bool {
    matches!(document.kind(node), NodeKind::Element { name, .. } if name.as_str() == "text")
}

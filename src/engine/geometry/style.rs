//! The few properties geometry depends on, cascaded and inherited.

use crate::document::{Document, NodeId, Ns};

use super::css::{Matching, Sheet};
use super::length::{Length, Unit};
use super::look::{HIGHLIGHT, Look};
use super::own::Own;

/// Which parts of a shape the pointer meets (SVG 1.1, section 16.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointerEvents {
    /// What is painted and visible.
    Painted,
    /// Fill and stroke, painted or not.
    All,
    /// Nothing.
    None,
}

/// What a shape inherits and what its own attributes change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) display: bool,
    pub(crate) visible: bool,
    pub(crate) fill: bool,
    pub(crate) even_odd: bool,
    pub(crate) stroke: bool,
    pub(crate) stroke_width: Length,
    pub(crate) font_size: f64,
    /// Share of a text's width left of its anchor.
    pub(crate) text_anchor: f64,
    pub(crate) pointer: PointerEvents,
    /// The stroke is as wide as stated in pixels; not inherited.
    pub(crate) non_scaling: bool,
    /// Viewports cut what reaches beyond them; not inherited.
    pub(crate) overflow_hidden: bool,
    pub(crate) ink: Ink,
}

/// Dashes and gaps that are kept of one list.
pub(crate) const DASHES: usize = 16;

/// Colours and lines, as far as they are plain: what is not (gradients, masks,
/// markers, blending) is only noted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ink {
    /// Red, green, blue, alpha; alpha 0 where nothing is painted.
    pub(crate) fill: [u8; 4],
    pub(crate) stroke: [u8; 4],
    pub(crate) fill_opacity: f32,
    pub(crate) stroke_opacity: f32,
    /// The element's own; not inherited.
    pub(crate) opacity: f32,
    pub(crate) cap: Cap,
    pub(crate) join: Join,
    pub(crate) miter: f32,
    /// Lengths of dashes and gaps; the first `dashes` of them count.
    pub(crate) dash: [f32; DASHES],
    pub(crate) dashes: u8,
    pub(crate) dash_offset: f32,
    /// What takes more than plain ink here; the first of it.
    pub(crate) special: Option<Special>,
}

/// What painting an element takes beyond outlines in plain colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Special {
    /// Letters.
    Text,
    /// A picture.
    Picture,
    /// A gradient, a pattern, or a colour that is not plain.
    PaintServer,
    /// A clip path or a shape that cuts.
    Clip,
    /// A mask.
    Mask,
    /// A filter.
    Filter,
    /// Markers on a line.
    Marker,
    /// A blend mode: it reads what lies below.
    Blending,
    /// Several things that fade together.
    Opacity,
    /// A viewport within the drawing.
    Viewport,
    /// A line that is drawn in an unusual way or order.
    Line,
    /// Hints and values that the plain painter does not know.
    Rendering,
}

impl Special {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Special::Text => "text",
            Special::Picture => "picture",
            Special::PaintServer => "paint-server",
            Special::Clip => "clip",
            Special::Mask => "mask",
            Special::Filter => "filter",
            Special::Marker => "marker",
            Special::Blending => "blending",
            Special::Opacity => "opacity",
            Special::Viewport => "viewport",
            Special::Line => "line",
            Special::Rendering => "rendering",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// How a line ends.
pub enum Cap {
    /// Where the path does.
    Butt,
    /// In a half circle.
    Round,
    /// Half its width further on.
    Square,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// How a line turns a corner.
pub enum Join {
    /// To a point, as far as the limit lets it.
    Miter,
    /// In an arc.
    Round,
    /// Cut off.
    Bevel,
}

impl Default for Ink {
    fn default() -> Ink {
        Ink {
            fill: [0, 0, 0, 255],
            stroke: [0; 4],
            fill_opacity: 1.0,
            stroke_opacity: 1.0,
            opacity: 1.0,
            cap: Cap::Butt,
            join: Join::Miter,
            miter: 4.0,
            dash: [0.0; DASHES],
            dashes: 0,
            dash_offset: 0.0,
            special: None,
        }
    }
}

impl Ink {
    fn set(&mut self, name: &str, value: &str, parent: &Ink) {
        let inherit = value == "inherit";
        match name {
            "fill" if inherit => self.fill = parent.fill,
            "fill" => self.colour(value, true),
            "stroke" if inherit => self.stroke = parent.stroke,
            "stroke" => self.colour(value, false),
            "fill-opacity" => self.fill_opacity = self.share(value, parent.fill_opacity),
            "stroke-opacity" => self.stroke_opacity = self.share(value, parent.stroke_opacity),
            "opacity" => self.opacity = self.share(value, parent.opacity),
            "stroke-linecap" => {
                self.cap = match value {
                    "round" => Cap::Round,
                    "square" => Cap::Square,
                    "inherit" => parent.cap,
                    _ => Cap::Butt,
                }
            }
            "stroke-linejoin" => match value {
                "round" => self.join = Join::Round,
                "bevel" => self.join = Join::Bevel,
                "miter" => self.join = Join::Miter,
                _ => self.note(Special::Line),
            },
            "stroke-miterlimit" => match value.parse::<f32>() {
                Ok(limit) if limit >= 1.0 => self.miter = limit,
                _ => self.note(Special::Line),
            },
            "stroke-dasharray" => self.dashes(value),
            "stroke-dashoffset" => match value.parse::<f32>() {
                Ok(offset) if offset.is_finite() => self.dash_offset = offset,
                _ => self.note(Special::Line),
            },
            "clip-path" if value != "none" => self.note(Special::Clip),
            "mask" if value != "none" => self.note(Special::Mask),
            "filter" if value != "none" => self.note(Special::Filter),
            "marker" | "marker-start" | "marker-mid" | "marker-end" if value != "none" => {
                self.note(Special::Marker);
            }
            "paint-order" if value != "normal" => self.note(Special::Line),
            "mix-blend-mode" if value != "normal" => self.note(Special::Blending),
            "vector-effect" if value != "none" => self.note(Special::Line),
            "isolation" | "shape-rendering" if value != "auto" => self.note(Special::Rendering),
            // The plain painter knows no length of paths.
            "pathLength" => self.note(Special::Line),
            _ => {}
        }
    }

    fn note(&mut self, special: Special) {
        // What blends reaches beyond its own group, which is worth knowing before all else.
        if self.special.is_none() || special == Special::Blending {
            self.special = Some(special);
        }
    }

    fn colour(&mut self, value: &str, fill: bool) {
        let modern = super::plain_colour(value);
        let colour = match colour(modern.as_deref().unwrap_or(value)) {
            Some(colour) => colour,
            None => {
                self.note(Special::PaintServer);
                return;
            }
        };
        if fill {
            self.fill = colour;
        } else {
            self.stroke = colour;
        }
    }

    fn share(&mut self, value: &str, parent: f32) -> f32 {
        if value == "inherit" {
            return parent;
        }
        match value.parse::<f32>() {
            Ok(share) if share.is_finite() => share.clamp(0.0, 1.0),
            _ => {
                self.note(Special::Rendering);
                1.0
            }
        }
    }

    fn dashes(&mut self, value: &str) {
        self.dashes = 0;
        if value == "none" {
            return;
        }
        for word in value.split([' ', ',']).filter(|w| !w.is_empty()) {
            let length = word.strip_suffix("px").unwrap_or(word).parse::<f32>();
            let length = length.ok().filter(|l| (0.0..1e6).contains(l));
            match (length, self.dash.get_mut(usize::from(self.dashes))) {
                (Some(length), Some(place)) => *place = length,
                _ => {
                    self.note(Special::Line);
                    return;
                }
            }
            self.dashes += 1;
        }
    }
}

/// A colour without context; `None` for anything else, `currentColor` included.
fn colour(value: &str) -> Option<[u8; 4]> {
    if value == "none" {
        return Some([0; 4]);
    }
    if let [b'#', digits @ ..] = value.as_bytes()
        && digits.len() == 6
        && digits.iter().all(u8::is_ascii_hexdigit)
    {
        let n = u32::from_str_radix(value.get(1..)?, 16).ok()?;
        let [_, r, g, b] = n.to_be_bytes();
        return Some([r, g, b, 255]);
    }
    let c: svgtypes::Color = value.parse().ok()?;
    Some([c.red, c.green, c.blue, c.alpha])
}

impl Default for Style {
    fn default() -> Style {
        Style {
            display: true,
            visible: true,
            fill: true,
            even_odd: false,
            stroke: false,
            stroke_width: Length { number: 1.0, unit: Unit::None },
            font_size: 16.0,
            text_anchor: 0.0,
            pointer: PointerEvents::Painted,
            non_scaling: false,
            overflow_hidden: true,
            ink: Ink::default(),
        }
    }
}

impl Style {
    /// The style of `node`, given its parent's: attributes, then sheets, then
    /// the `style` attribute, then what is marked important.
    pub(crate) fn of(
        document: &Document,
        node: NodeId,
        parent: Style,
        sheet: &Sheet,
        matching: &mut Matching,
    ) -> (Style, Own) {
        let mut own = Own::default();
        let mut style =
            Style { display: true, non_scaling: false, overflow_hidden: true, ..parent };
        style.ink.opacity = 1.0;
        let mut styled = !sheet.is_empty();
        for a in document.attributes(node) {
            if a.ns == Ns::None {
                match a.name {
                    "style" => styled = true,
                    _ if super::css::asks_as_attribute(&a) => styled = true,
                    name if !super::css::is_valid(name, a.value) => {}
                    name => {
                        style.set(name, a.value, &parent);
                        own.attribute(name, a.value);
                    }
                }
            }
        }
        let look = Look::of(document, node);
        if look.highlighted {
            style.set("stroke", HIGHLIGHT, &parent);
        }
        if let Some(faded) = look.opacity() {
            style.ink.opacity *= faded;
        }
        if styled {
            for d in sheet.cascade(document, node, matching) {
                style.set(&d.name, &d.value, &parent);
                own.declare(&d.name, &d.value);
            }
        }
        (style, own)
    }

    fn set(&mut self, name: &str, value: &str, parent: &Style) {
        let value = value.trim();
        let inherit = value == "inherit";
        self.ink.set(name, value, &parent.ink);
        match name {
            "display" if inherit => self.display = parent.display,
            "display" => self.display = value != "none",
            "visibility" if inherit => self.visible = parent.visible,
            "visibility" => self.visible = value == "visible",
            "fill" if inherit => self.fill = parent.fill,
            "fill" => self.fill = !matches!(value, "none" | "transparent"),
            "fill-rule" if inherit => self.even_odd = parent.even_odd,
            "fill-rule" => self.even_odd = value == "evenodd",
            "stroke" if inherit => self.stroke = parent.stroke,
            "stroke" => self.stroke = !matches!(value, "none" | "transparent"),
            "stroke-width" if inherit => self.stroke_width = parent.stroke_width,
            "stroke-width" => {
                if let Some(l) = Length::parse(value).ok().filter(|l| l.number >= 0.0) {
                    self.stroke_width = l;
                }
            }
            "font-size" if inherit => self.font_size = parent.font_size,
            "font-size" => {
                if let Some(size) = font_size(value, parent.font_size) {
                    self.font_size = size;
                }
            }
            "vector-effect" => self.non_scaling = value == "non-scaling-stroke",
            "overflow" => self.overflow_hidden = !matches!(value, "visible" | "auto"),
            "text-anchor" if inherit => self.text_anchor = parent.text_anchor,
            "text-anchor" => {
                self.text_anchor = match value {
                    "middle" => 0.5,
                    "end" => 1.0,
                    _ => 0.0,
                }
            }
            "pointer-events" if inherit => self.pointer = parent.pointer,
            "pointer-events" => {
                self.pointer = match value {
                    "none" => PointerEvents::None,
                    "all" | "fill" | "stroke" | "bounding-box" | "visible" | "visibleFill"
                    | "visibleStroke" => PointerEvents::All,
                    _ => PointerEvents::Painted,
                }
            }
            _ => {}
        }
    }
}

/// What `font-size` says, in user units, where that around it is `parent`; `None` for what says
/// nothing, or a size that nothing has.
pub fn font_size(value: &str, parent: f64) -> Option<f64> {
    let size = match value {
        "xx-small" => 9.0,
        "x-small" => 10.0,
        "small" => 13.0,
        "medium" => 16.0,
        "large" => 18.0,
        "x-large" => 24.0,
        "xx-large" => 32.0,
        "smaller" => parent / 1.2,
        "larger" => parent * 1.2,
        _ => {
            let l = Length::parse(value).ok()?;
            match l.unit {
                Unit::Percent => parent * l.number / 100.0,
                Unit::Em => parent * l.number,
                Unit::Ex => parent * l.number / 2.0,
                _ => super::viewport::pixels(l)?,
            }
        }
    };
    (0.0..=1e6).contains(&size).then_some(size)
}

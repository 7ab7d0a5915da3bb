//! The few properties geometry depends on, cascaded and inherited.

use crate::document::{Document, NodeId, Ns};

use super::css::{self, Sheet};
use super::length::{Length, Unit};

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
        work: &mut u64,
    ) -> Style {
        let mut style = Style { display: true, ..parent };
        let mut inline = None;
        for a in document.attributes(node) {
            if a.ns == Ns::None {
                match a.name.as_str() {
                    "style" => inline = Some(a.value.as_str()),
                    name => style.set(name, &a.value, &parent),
                }
            }
        }
        let rules =
            if sheet.is_empty() { Vec::new() } else { sheet.declarations(document, node, work) };
        let inline = inline.map(css::declarations).unwrap_or_default();
        for important in [false, true] {
            for d in rules.iter().copied().chain(&inline).filter(|d| d.important == important) {
                style.set(&d.name, &d.value, &parent);
            }
        }
        style
    }

    fn set(&mut self, name: &str, value: &str, parent: &Style) {
        let value = value.trim();
        let inherit = value == "inherit";
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

fn font_size(value: &str, parent: f64) -> Option<f64> {
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

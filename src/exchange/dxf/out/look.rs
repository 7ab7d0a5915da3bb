//! Styles as they are inherited, with what a block takes from its insert left open.

use std::rc::Rc;

use svgx_engine::document::{Document, NodeId};
use svgx_engine::geometry::{self, Declarations, Length, Unit, colour, font_size, pixels};

use super::model::{Across, Tint, Up, Width};

/// A paint as it is inherited: `currentColor` is resolved where it is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Paint {
    None,
    Own(Tint),
    Current,
    /// A gradient or a pattern.
    Server(NodeId),
    /// A colour that cannot be read, or what is not there.
    Unknown,
}

/// Dashes as they are inherited.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Dashes {
    Block,
    Own(Rc<[f64]>),
}

/// What an element asks for that the format has nothing for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Beyond {
    Clip,
    Mask,
    Filter,
    Marker,
    Blend,
}

/// What an element inherits and states.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    pub(super) fill: Paint,
    pub(super) stroke: Paint,
    pub(super) colour: Tint,
    pub(super) fill_opacity: f64,
    pub(super) stroke_opacity: f64,
    /// Of the element and everything around it.
    pub(super) opacity: f64,
    pub(super) width: Width,
    pub(super) dashes: Dashes,
    pub(super) even_odd: bool,
    pub(super) has_caps: bool,
    pub(super) display: bool,
    pub(super) visible: bool,
    pub(super) font_size: f64,
    pub(super) across: Across,
    pub(super) up: Up,
    pub(super) keeps_space: bool,
    /// Bits of [`Beyond`]; markers alone are inherited.
    pub(super) beyond: u8,
}

impl Default for Look {
    fn default() -> Look {
        let black = Tint::Own { rgb: 0, alpha: u8::MAX };
        Look {
            fill: Paint::Own(black),
            stroke: Paint::None,
            colour: black,
            fill_opacity: 1.0,
            stroke_opacity: 1.0,
            opacity: 1.0,
            width: Width::Own(1.0),
            dashes: Dashes::Own(Rc::from([])),
            even_odd: false,
            has_caps: false,
            display: true,
            visible: true,
            font_size: 16.0,
            across: Across::Left,
            up: Up::Baseline,
            keeps_space: false,
            beyond: 0,
        }
    }
}

/// Geometry that style sheets state by name, as it is written last: it goes before attributes.
#[derive(Debug, Clone, Default)]
pub(super) struct Stated(Vec<(String, String)>);

impl Stated {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Attributes that are lengths of shapes, and may stand in a style sheet.
const GEOMETRY: [&str; 9] = ["x", "y", "width", "height", "cx", "cy", "r", "rx", "ry"];

impl Look {
    /// The look of `node` inside of this one, and the geometry that it states.
    ///
    /// # Errors
    /// Where matching its style sheets takes too long.
    pub(super) fn inside(
        &self,
        declared: &mut Declarations<'_>,
        node: NodeId,
    ) -> Result<(Look, Stated), geometry::Error> {
        let mut look = Look {
            display: true,
            beyond: self.beyond & (1 << Beyond::Marker as u8),
            up: Up::Baseline,
            ..self.clone()
        };
        // Of an element's own opacity the last word counts.
        let mut own = 1.0;
        let mut stated = Stated::default();
        let document = declared.document();
        declared.each(node, |name, value| {
            if name == "opacity" {
                own = if value == "inherit" { 1.0 } else { share(value).unwrap_or(own) };
            } else if GEOMETRY.contains(&name) {
                if document.attr(node, name).map(str::trim) != Some(value) {
                    stated.0.push((name.to_owned(), value.to_owned()));
                }
            } else if let ("fill", Some(server)) = (name, server(document, value)) {
                look.fill = Paint::Server(server);
            } else {
                look.set(name, value, self);
            }
        })?;
        look.opacity = self.opacity * own;
        Ok((look, stated))
    }

    /// The look that a block begins with that is shown in this one: what is the colour of the insert
    /// stays open, so that inserts of several colours share a block.
    pub(super) fn of_block(&self, insert: Tint) -> Look {
        let open =
            |paint| if paint == Paint::Own(insert) { Paint::Own(Tint::Block) } else { paint };
        let colour = if self.colour == insert { Tint::Block } else { self.colour };
        Look {
            fill: open(self.fill),
            stroke: open(self.stroke),
            colour,
            opacity: 1.0,
            width: Width::Block,
            dashes: Dashes::Block,
            ..self.clone()
        }
    }

    pub(super) fn tint(&self, paint: Paint) -> Option<Tint> {
        match paint {
            Paint::Own(tint) => Some(tint),
            Paint::Current => Some(self.colour),
            Paint::None | Paint::Unknown | Paint::Server(_) => None,
        }
    }

    pub(super) fn asks_for(&self, beyond: Beyond) -> bool {
        self.beyond & (1 << beyond as u8) != 0
    }

    fn set(&mut self, name: &str, value: &str, parent: &Look) {
        let inherit = value == "inherit";
        match name {
            "fill" if inherit => self.fill = parent.fill,
            "fill" => self.fill = paint(value),
            "stroke" if inherit => self.stroke = parent.stroke,
            "stroke" => self.stroke = paint(value),
            "color" if inherit || value.eq_ignore_ascii_case("currentcolor") => {
                self.colour = parent.colour;
            }
            "color" => self.colour = colour(value).map_or(self.colour, tint),
            "fill-opacity" if inherit => self.fill_opacity = parent.fill_opacity,
            "fill-opacity" => self.fill_opacity = share(value).unwrap_or(self.fill_opacity),
            "stroke-opacity" if inherit => self.stroke_opacity = parent.stroke_opacity,
            "stroke-opacity" => self.stroke_opacity = share(value).unwrap_or(self.stroke_opacity),
            "stroke-width" if inherit => self.width = parent.width,
            "stroke-width" => {
                if let Some(width) = self.length(value).filter(|w| *w >= 0.0) {
                    self.width = Width::Own(width);
                }
            }
            "stroke-dasharray" if inherit => self.dashes = parent.dashes.clone(),
            "stroke-dasharray" => self.dashes = Dashes::Own(self.list(value)),
            "stroke-linecap" if inherit => self.has_caps = parent.has_caps,
            "stroke-linecap" => self.has_caps = matches!(value, "round" | "square"),
            "fill-rule" if inherit => self.even_odd = parent.even_odd,
            "fill-rule" => self.even_odd = value == "evenodd",
            "display" if inherit => self.display = parent.display,
            "display" => self.display = value != "none",
            "visibility" if inherit => self.visible = parent.visible,
            "visibility" => self.visible = value == "visible",
            "font-size" if inherit => self.font_size = parent.font_size,
            "font-size" => {
                self.font_size = font_size(value, parent.font_size).unwrap_or(self.font_size);
            }
            "text-anchor" if inherit => self.across = parent.across,
            "text-anchor" => {
                self.across = match value {
                    "middle" => Across::Middle,
                    "end" => Across::Right,
                    _ => Across::Left,
                }
            }
            "dominant-baseline" if inherit => self.up = parent.up,
            "dominant-baseline" | "alignment-baseline" => {
                self.up = match value {
                    "middle" | "central" => Up::Middle,
                    "hanging" | "text-before-edge" | "text-top" => Up::Top,
                    _ => Up::Baseline,
                }
            }
            "white-space" => self.keeps_space = value.starts_with("pre"),
            "clip-path" => self.note(Beyond::Clip, value),
            "mask" => self.note(Beyond::Mask, value),
            "filter" => self.note(Beyond::Filter, value),
            "marker" | "marker-start" | "marker-mid" | "marker-end" => {
                self.note(Beyond::Marker, value);
            }
            "mix-blend-mode" if value != "normal" => self.note(Beyond::Blend, value),
            _ => {}
        }
    }

    fn note(&mut self, beyond: Beyond, value: &str) {
        let bit = 1 << beyond as u8;
        if value == "none" {
            self.beyond &= !bit;
        } else if value != "inherit" {
            self.beyond |= bit;
        }
    }

    /// A length that is relative to nothing but the font.
    fn length(&self, text: &str) -> Option<f64> {
        let length = Length::parse(text).ok()?;
        match length.unit {
            Unit::Em => Some(length.number * self.font_size),
            Unit::Ex => Some(length.number * self.font_size / 2.0),
            _ => pixels(length),
        }
    }

    fn list(&self, text: &str) -> Rc<[f64]> {
        let words = text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty()).take(64);
        let lengths: Option<Vec<f64>> =
            words.map(|word| self.length(word).filter(|l| (0.0..1e9).contains(l))).collect();
        let mut lengths = lengths.unwrap_or_default();
        if lengths.len() % 2 == 1 {
            lengths.extend_from_within(..);
        }
        let sum: f64 = lengths.iter().sum();
        if sum > 0.0 { lengths.into() } else { Rc::from([]) }
    }
}

fn tint([r, g, b, alpha]: [u8; 4]) -> Tint {
    Tint::Own { rgb: u32::from_be_bytes([0, r, g, b]), alpha }
}

fn paint(value: &str) -> Paint {
    if matches!(value, "none" | "transparent") {
        return Paint::None;
    }
    if value.eq_ignore_ascii_case("currentcolor") {
        return Paint::Current;
    }
    match colour(value) {
        Some(given) => Paint::Own(tint(given)),
        None => Paint::Unknown,
    }
}

/// What `url(#id)` names.
fn server(document: &Document, value: &str) -> Option<NodeId> {
    let (id, _) = value.trim().strip_prefix("url(")?.split_once(')')?;
    document.by_id(id.trim().trim_matches(['"', '\'']).strip_prefix('#')?)
}

fn share(value: &str) -> Option<f64> {
    let (text, unit) = match value.strip_suffix('%') {
        Some(text) => (text, 0.01),
        None => (value, 1.0),
    };
    let share = text.trim().parse::<f64>().ok()?;
    share.is_finite().then(|| (share * unit).clamp(0.0, 1.0))
}

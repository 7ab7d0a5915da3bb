//! What a style says of one element alone: its transform, its geometry, its clip path.

use kurbo::{Affine, BezPath, Rect, Size};

use crate::document::{Document, NodeId};

use super::length::{Length, Unit};
use super::transform::{Reference, css_transform, step, transform};

/// Values that are not inherited. Absent where only attributes speak.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Own {
    /// Values of the property `transform`, weakest first; the last valid one counts.
    transforms: Vec<String>,
    origin: Option<String>,
    fill_box: bool,
    /// Geometry properties, weakest first.
    geometry: Vec<(&'static str, String)>,
    pub(crate) clip_path: Option<String>,
    /// The properties `translate`, `rotate` and `scale`.
    steps: [Option<String>; 3],
}

/// Properties of CSS that are geometry attributes too.
const GEOMETRY: [&str; 9] = ["x", "y", "width", "height", "cx", "cy", "r", "rx", "ry"];

/// Properties that transform one by one, in their order.
const STEPS: [&str; 3] = ["translate", "rotate", "scale"];

/// Whether a property says where an element is, how large it is, or how it is transformed.
pub(crate) fn is_geometry(property: &str) -> bool {
    matches!(property, "transform" | "transform-origin" | "transform-box" | "d")
        || GEOMETRY.contains(&property)
        || STEPS.contains(&property)
}

impl Own {
    /// Notes an attribute.
    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "transform-origin" => self.origin = Some(value.to_owned()),
            "transform-box" => self.fill_box = is_fill_box(value),
            "clip-path" => self.clip_path = Some(value.to_owned()),
            _ => {}
        }
    }

    /// Notes a declaration.
    pub(super) fn declare(&mut self, name: &str, value: &str) {
        match name {
            "transform" => self.transforms.push(value.to_owned()),
            "translate" | "rotate" | "scale" => {
                let at = STEPS.iter().position(|known| *known == name);
                if let Some(step) = at.and_then(|at| self.steps.get_mut(at)) {
                    *step = Some(value.to_owned());
                }
            }
            "d" => {
                let inside = value.strip_prefix("path(").and_then(|v| v.strip_suffix(')'));
                let quotes = ['"', '\''];
                if let Some(inside) = inside {
                    self.geometry.push(("d", inside.trim().trim_matches(quotes).to_owned()));
                } else if value == "none" {
                    self.geometry.push(("d", String::new()));
                }
            }
            name => match GEOMETRY.iter().find(|known| **known == name) {
                Some(known) => {
                    // A number without a unit is no length in CSS.
                    let fine = |l: Length| l.unit != Unit::None || l.number == 0.0;
                    if value == "auto" || Length::parse(value).is_ok_and(fine) {
                        self.geometry.push((known, value.to_owned()));
                    }
                }
                None => self.attribute(name, value),
            },
        }
    }

    /// The value of a geometry attribute: by the style, or as written.
    pub(crate) fn value<'v>(
        &'v self,
        document: &'v Document,
        node: NodeId,
        name: &str,
    ) -> Option<&'v str> {
        let styled = self.geometry.iter().rev().find(|(known, _)| *known == name);
        styled.map(|(_, value)| value.as_str()).or_else(|| document.attr(node, name))
    }

    /// The geometry that the style states, the last of each name.
    pub(crate) fn geometry(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.geometry.iter().enumerate().filter_map(|(at, (name, value))| {
            let later = self.geometry.iter().skip(at + 1).any(|(other, _)| other == name);
            (!later).then_some((*name, value.as_str()))
        })
    }

    /// Whether the style says something that the attributes do not.
    pub(crate) fn is_styled(&self) -> bool {
        let steps = self.steps.iter().any(Option::is_some);
        steps || !self.transforms.is_empty() || !self.geometry.is_empty() || self.origin.is_some()
    }

    /// Whether a transform is stated here and not in the attribute.
    pub(crate) fn states_transform(&self) -> bool {
        !self.transforms.is_empty() || self.steps.iter().any(Option::is_some)
    }

    /// The element's own transform; `None`: an attribute that cannot be read, or none.
    pub(crate) fn transform(
        &self,
        document: &Document,
        node: NodeId,
        viewport: Size,
        font_size: f64,
        outline: impl FnOnce() -> Option<BezPath>,
    ) -> Option<Affine> {
        let written = document.attr(node, "transform");
        if !self.states_transform() && self.origin.is_none() {
            return transform(written?).ok();
        }
        let area = match self.fill_box.then(outline).flatten() {
            Some(outline) => super::resolve::bounds(outline.elements(), Affine::IDENTITY)?,
            None => Rect::from_origin_size((0.0, 0.0), viewport),
        };
        let reference = Reference { area, font_size };
        let styled = self.transforms.iter().rev().find_map(|t| css_transform(t, reference));
        let own = match (styled, written) {
            (Some(own), _) => own,
            (None, Some(written)) => transform(written).ok()?,
            (None, None) if self.steps.iter().any(Option::is_some) => Affine::IDENTITY,
            (None, None) => return None,
        };
        let steps = STEPS.iter().zip(&self.steps).map(|(name, value)| match value {
            Some(value) => step(name, value, reference).unwrap_or_default(),
            None => Affine::IDENTITY,
        });
        let own = steps.fold(Affine::IDENTITY, |all, one| all * one) * own;
        let origin = match &self.origin {
            Some(text) => reference.origin(text).unwrap_or_default().to_vec2(),
            // Without one it is the corner of user space.
            None if !self.fill_box => return Some(own),
            None => area.origin().to_vec2(),
        };
        Some(Affine::translate(origin) * own * Affine::translate(-origin))
    }
}

fn is_fill_box(value: &str) -> bool {
    matches!(value.trim(), "fill-box" | "content-box" | "stroke-box" | "border-box")
}

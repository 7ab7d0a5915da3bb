//! Quantities of connections and components: an attribute, else a property of the object, else
//! a value of its behavior; with units as formulas have them, in SI.

use std::str::FromStr;

use kurbo::{ParamCurveArclen, Shape};
use svgx_engine::behavior::unit::{Unit, convert, quantity};
use svgx_engine::behavior::{Evaluation, Program};
use svgx_engine::document::{Document, NodeId, Ns, Property, Span};
use svgx_engine::geometry::Scene;

use crate::Name;
use crate::finding::{Finding, Kind, State};

/// How exact a length is taken from an outline, user units.
const ARC: f64 = 1e-6;

/// Segments of an outline whose length is taken.
const MOST_SEGMENTS: usize = 10_000;

/// Findings of reading that are told of one system.
const MOST_FINDINGS: usize = 200;

/// What quantities are read from.
pub(super) struct Source<'d> {
    pub(super) document: &'d Document,
    pub(super) scene: &'d Scene,
    pub(super) program: &'d Program,
    pub(super) values: &'d Evaluation,
}

/// Findings and where they are in the text.
#[derive(Debug, Default)]
pub(super) struct Findings {
    told: Vec<(Finding, Span)>,
    count: usize,
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding, place: Span) {
        self.count += 1;
        if self.told.len() < MOST_FINDINGS {
            self.told.push((finding, place));
        }
    }

    pub(super) fn into_parts(mut self) -> (Vec<Finding>, Vec<Span>) {
        let more = self.count - self.told.len();
        if more > 0 {
            let message = format!("{more} more findings: {MOST_FINDINGS} are told");
            let finding = Finding::new(Kind::Limit, State::Warning, [], message);
            self.told.push((finding, Span::NONE));
        }
        self.told.into_iter().unzip()
    }
}

/// An element whose quantities are looked for.
#[derive(Clone, Copy)]
pub(super) struct Owner<'d> {
    pub(super) node: NodeId,
    /// The object it stands for.
    pub(super) object: Option<&'d str>,
    pub(super) name: &'d str,
}

impl<'d> Source<'d> {
    /// Where a quantity is written, or its element where it is not.
    pub(super) fn place_of(&self, owner: Owner<'d>, name: &str) -> Span {
        if let Some(attribute) = self.document.attribute(owner.node, Ns::None, name) {
            return attribute.span;
        }
        let property = owner.object.and_then(|id| self.property(id, name));
        let node = property.map_or(owner.node, |property| property.node);
        self.document.span(node)
    }

    fn property(&self, id: &str, name: &str) -> Option<&'d Property> {
        let object = self.document.object(id)?;
        let object = self.document.objects().get(object.0 as usize)?;
        object.properties.iter().find(|p| p.name.as_str() == name)
    }

    /// What was written for a quantity: text and a unit beside it.
    pub(super) fn text(&self, owner: Owner<'d>, name: &str) -> Option<(&'d str, Option<&'d str>)> {
        if let Some(text) = self.document.attr(owner.node, name) {
            return Some((text, None));
        }
        let property = self.property(owner.object?, name)?;
        Some((property.value.value.as_str(), property.value.unit.as_deref()))
    }

    /// A quantity in a unit of SI; what cannot be read is a finding and nothing.
    pub(super) fn get(
        &self,
        owner: Owner<'d>,
        name: &str,
        unit: &str,
        findings: &mut Findings,
    ) -> Option<f64> {
        let Some((text, beside)) = self.text(owner, name) else {
            return self.behavior(owner, owner.object?, name, unit, findings);
        };
        let text = text.trim();
        if let Some(literal) = quantity(text) {
            let written = if literal.unit.is_empty() { beside.unwrap_or("") } else { literal.unit };
            return self.convert(owner, name, literal.number, written, unit, findings);
        }
        // A value of a behavior: `lamp.power`.
        let found = text.rsplit_once('.').and_then(|(scope, value)| {
            self.program.find(scope, value)?;
            self.behavior(owner, scope, value, unit, findings)
        });
        if found.is_none() {
            let message =
                format!("{name} of {} is {:?}, which is no quantity", owner.name, shown(text));
            findings.push(finding(Kind::Quantity, owner, message), self.place_of(owner, name));
        }
        found
    }

    fn behavior(
        &self,
        owner: Owner<'d>,
        scope: &str,
        name: &str,
        unit: &str,
        findings: &mut Findings,
    ) -> Option<f64> {
        let id = self.program.find(scope, name)?;
        let number = self.program.value(self.values, id)?.number();
        let Some(from) = self.program.unit(id).filter(|u| !u.is_one()) else {
            return self.convert(owner, name, number, "", unit, findings);
        };
        self.converted(owner, name, number, from, unit, findings)
    }

    /// A number with the unit that was written, in a unit of SI.
    pub(super) fn convert(
        &self,
        owner: Owner<'d>,
        name: &str,
        number: f64,
        written: &str,
        unit: &str,
        findings: &mut Findings,
    ) -> Option<f64> {
        if written.is_empty() {
            if !unit.is_empty() {
                let message =
                    format!("{name} of {} is {number} without a unit: taken as {unit}", owner.name);
                let elements = [Name::from(owner.name)];
                let finding = Finding::new(Kind::Unit, State::Warning, elements, message);
                findings.push(finding, self.place_of(owner, name));
            }
            return Some(number);
        }
        match Unit::from_str(written) {
            Ok(from) => self.converted(owner, name, number, &from, unit, findings),
            Err(error) => {
                let message = format!("{name} of {}: {error}", owner.name);
                findings.push(finding(Kind::Unit, owner, message), self.place_of(owner, name));
                None
            }
        }
    }

    fn converted(
        &self,
        owner: Owner<'d>,
        name: &str,
        number: f64,
        from: &Unit,
        unit: &str,
        findings: &mut Findings,
    ) -> Option<f64> {
        let to = Unit::from_str(unit).unwrap_or(Unit::ONE);
        match convert(number, from, &to) {
            Ok(value) => Some(value),
            Err(error) => {
                let message = format!("{name} of {}: {error}", owner.name);
                findings.push(finding(Kind::Unit, owner, message), self.place_of(owner, name));
                None
            }
        }
    }

    /// A quantity that has to be there.
    pub(super) fn need(
        &self,
        owner: Owner<'d>,
        name: &str,
        unit: &str,
        findings: &mut Findings,
    ) -> Option<f64> {
        let before = findings.count;
        let value = self.get(owner, name, unit, findings);
        if value.is_none() && findings.count == before {
            let message = format!("{} has no {name}", owner.name);
            findings.push(finding(Kind::Quantity, owner, message), self.place_of(owner, name));
        }
        value
    }

    /// The length of a connection, m: as written, or that of the shape that draws it, at the
    /// scale of the drawing and with its `rise`.
    pub(super) fn length(&self, owner: Owner<'d>, findings: &mut Findings) -> Option<f64> {
        if self.text(owner, "length").is_some() {
            return self.get(owner, "length", "m", findings);
        }
        let rise = self.get(owner, "rise", "m", findings).unwrap_or(0.0);
        let drawn = owner.object.and_then(|id| self.drawn(id));
        let Some(drawn) = drawn else {
            let message = format!(
                "{} has no length: write one, or draw it by a shape with arx:object",
                owner.name
            );
            let place = self.document.span(owner.node);
            findings.push(finding(Kind::Quantity, owner, message), place);
            return None;
        };
        Some(drawn + rise.abs())
    }

    fn drawn(&self, id: &str) -> Option<f64> {
        let object = &self.document.objects()[self.document.object(id)?.0 as usize];
        let shapes = object.shapes.iter().copied().chain([object.node]);
        let (outline, node) = shapes.into_iter().find_map(|n| Some((self.scene.outline(n)?, n)))?;
        let transform = self.scene.transform(node);
        if outline.elements().len() > MOST_SEGMENTS {
            return None;
        }
        let length: f64 =
            outline.path().segments().map(|segment| (transform * segment).arclen(ARC)).sum();
        Some(self.scene.scale().to_mm(length) / 1000.0)
    }

    /// The middle of what draws an object, m; `y` up.
    pub(super) fn place(&self, id: &str) -> Option<[f64; 2]> {
        let node = match self.document.object(id) {
            Some(object) => {
                let object = &self.document.objects()[object.0 as usize];
                let mut nodes = object.shapes.iter().copied().chain([object.node]);
                nodes.find(|&n| self.scene.outline(n).is_some())?
            }
            None => self.document.by_id(id)?,
        };
        let outline = self.scene.outline(node)?;
        let middle = self.scene.transform(node) * outline.path().bounding_box().center();
        let metres = |v: f64| self.scene.scale().to_mm(v) / 1000.0;
        Some([metres(middle.x), -metres(middle.y)])
    }
}

/// What a message repeats of a text that an author wrote.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 64;
    text.chars().take(MOST).collect()
}

/// A finding that stops what it is about.
pub(super) fn finding(kind: Kind, owner: Owner<'_>, message: String) -> Finding {
    Finding::new(kind, State::Failed, [Name::from(owner.name)], message)
}

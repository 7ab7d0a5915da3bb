//! Physics and systems: masses, anchors, forces, members and connections.

use std::collections::HashSet;

use svgx_base::nearest::did_you_mean;

use super::super::code::{Code, Severity};
use super::super::diagnostic::Diagnostic;
use super::super::model::Quantity;
use super::super::scan::shorten;
use super::super::text::Span;
use super::super::tree::{NodeId, Ns};
use super::super::values::{is_direction, is_vector, number};
use super::super::vocabulary;
use super::Check;

impl Check<'_> {
    pub(super) fn physics(&mut self) {
        let document = self.document;
        for physics in document.physics() {
            if let Some(mass) = &physics.mass
                && !number(&mass.value).is_some_and(|(n, _)| n > 0.0)
            {
                self.bad_quantity(Code::BadMass, mass, "is no positive mass");
            }
            for anchor in &physics.anchors {
                if !self.is_place(anchor) {
                    let message = format!("there is no anchor `{}`", shorten(anchor));
                    let span = self.anchor_span(physics.node, anchor);
                    let help = Self::choose(
                        anchor,
                        "an id, a point `x,y`, or one of",
                        &vocabulary::ANCHORS,
                    );
                    let help = match self.near_id(anchor) {
                        Some(near) if !help.starts_with("did") => format!("{near} {help}"),
                        _ => help,
                    };
                    let found = Diagnostic::error(Code::UnknownAnchor, span, message);
                    self.out.push(found.help(help));
                }
            }
            for force in &physics.forces {
                if let Some(magnitude) = &force.magnitude
                    && number(&magnitude.value).is_none()
                {
                    self.bad_quantity(Code::BadForce, magnitude, "is no magnitude");
                }
                if let Some(direction) = &force.direction
                    && !is_direction(direction)
                {
                    let span = self.attribute_span(force.node, Ns::None, "direction");
                    let message = format!("`{}` is no direction", shorten(direction));
                    let list = "an angle such as 30deg, a vector such as 1,0, or one of";
                    let help = Self::choose(direction, list, &vocabulary::DIRECTIONS);
                    self.out.push(Diagnostic::error(Code::BadForce, span, message).help(help));
                }
                if force.name.is_none() && force.magnitude.is_none() {
                    let span = self.tag(force.node);
                    let message = "a force needs a name or a magnitude".to_owned();
                    self.error(Code::BadForce, span, message);
                }
            }
            for constraint in &physics.constraints {
                if constraint.kind.is_empty() {
                    let span = self.tag(constraint.node);
                    self.error(
                        Code::MissingAttribute,
                        span,
                        "a constraint needs a type".to_owned(),
                    );
                }
                if let Some(point) = &constraint.point
                    && !self.is_place(point)
                {
                    let span = self.attribute_span(constraint.node, Ns::None, "point");
                    let message = format!("there is no point `{}`", shorten(point));
                    let near =
                        self.near_id(point).or_else(|| did_you_mean(point, vocabulary::ANCHORS));
                    self.push(Diagnostic::error(Code::UnknownAnchor, span, message), near);
                }
            }
        }
    }

    fn anchor_span(&self, physics: NodeId, point: &str) -> Span {
        let named = |&c: &NodeId| self.document.attr(c, "point") == Some(point);
        let anchor = self.document.children(physics).find(named);
        self.attribute_span(anchor.unwrap_or(physics), Ns::None, "point")
    }

    fn bad_quantity(&mut self, code: Code, quantity: &Quantity, what: &str) {
        let message = format!("`{}` {what}", shorten(&quantity.value));
        self.error(code, quantity.span, message);
    }

    fn is_place(&self, name: &str) -> bool {
        let name = name.trim();
        let id = name.trim_start_matches('#');
        vocabulary::ANCHORS.contains(&name)
            || self.document.by_id(id).is_some()
            || self.document.object(id).is_some()
            || is_vector(name)
    }

    pub(super) fn systems(&mut self) {
        let document = self.document;
        for system in document.systems() {
            for (name, value) in [("id", &system.id), ("type", &system.kind)] {
                if value.is_none() {
                    let span = self.tag(system.node);
                    self.error(Code::MissingAttribute, span, format!("a system needs `{name}`"));
                }
            }
            if let Some(kind) = &system.kind
                && !vocabulary::SYSTEMS.contains(&kind.trim())
            {
                let span = self.attribute_span(system.node, Ns::None, "type");
                self.unknown_system(kind, span);
            }
            let mut members: HashSet<&str> = HashSet::new();
            for component in &system.components {
                let id = component.object.trim_start_matches('#');
                members.insert(id);
                if document.object(id).is_some() || document.by_id(id).is_some() {
                    continue;
                }
                let span = self.attribute_span(component.node, Ns::None, "ref");
                let message = format!("there is no object `{}`", shorten(id));
                // With a type of its own it may stand for something that is not drawn.
                let apart = component.kind.is_some();
                let severity = if apart { Severity::Warning } else { Severity::Error };
                let near = self.near_id(id);
                self.push(Diagnostic::new(severity, Code::UnknownObject, span, message), near);
            }
            for connection in &system.connections {
                for (name, end) in [("from", &connection.from), ("to", &connection.to)] {
                    let id = end.trim_start_matches('#');
                    let known = |id: &str| {
                        members.contains(id)
                            || document.object(id).is_some()
                            || document.by_id(id).is_some()
                    };
                    // An end may name a terminal of what it is connected to: `pump.out`.
                    let exists = known(id) || id.rsplit_once('.').is_some_and(|(id, _)| known(id));
                    if !exists {
                        let span = self.attribute_span(connection.node, Ns::None, name);
                        let message = format!("there is nothing called `{}`", shorten(id));
                        let near = self.near_id(id);
                        let code = Code::UnknownConnectionEnd;
                        self.push(Diagnostic::error(code, span, message), near);
                    }
                }
            }
        }
    }
}

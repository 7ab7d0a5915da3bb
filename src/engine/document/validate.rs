//! The rules a document has to keep, beyond being readable.
//!
//! Formulas, units and dimensions are checked where they are compiled; here is
//! everything that can be said from the tree and its meaning.

mod uses;

use std::collections::HashSet;

use super::attribute::Attribute;
use super::code::Code;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::findings::Findings;
use super::model::{Object, ObjectIndex, Quantity};
use super::normalize::is_identifier;
use super::scan::shorten;
use super::text::Span;
use super::tree::{Document, NodeId, Ns};
use super::values::{
    is_action, is_direction, is_length_unit, is_precision, is_scale, is_vector, number,
};
use super::vocabulary;

struct Check<'d> {
    document: &'d Document,
    out: &'d mut Diagnostics,
}

/// Checks every rule; findings go to `out`.
pub(super) fn validate(document: &Document, findings: &Findings, out: &mut Diagnostics) {
    let mut check = Check { document, out };
    check.size();
    check.duplicates(findings);
    check.shapes(findings);
    check.uses(findings);
    check.objects();
    check.upstream();
    check.behaviors();
    check.physics();
    check.systems();
}

impl Check<'_> {
    fn error(&mut self, code: Code, span: Span, message: String) {
        self.out.push(Diagnostic::error(code, span, message));
    }

    fn warning(&mut self, code: Code, span: Span, message: String) {
        self.out.push(Diagnostic::warning(code, span, message));
    }

    /// The start tag's name, so that an excerpt does not underline a whole element.
    fn tag(&self, node: NodeId) -> Span {
        let span = self.document.span(node);
        let length = self.document.name(node).map_or(0, |(_, n)| n.len() as u32 + 1);
        Span { start: span.start, end: span.start.saturating_add(length).min(span.end) }
    }

    fn attribute_span(&self, node: NodeId, ns: Ns, name: &str) -> Span {
        self.document.attribute(node, ns, name).map_or_else(|| self.tag(node), |a| a.span)
    }

    fn size(&mut self) {
        let root = NodeId::ROOT;
        let has = |name| self.document.attr(root, name).is_some();
        if !(has("viewBox") || (has("width") && has("height"))) {
            let message = "the drawing has no size".to_owned();
            let span = self.tag(root);
            self.out.push(
                Diagnostic::warning(Code::MissingSize, span, message)
                    .help("give the root element a viewBox, or width and height"),
            );
        }
    }

    fn duplicates(&mut self, findings: &Findings) {
        for &(node, _) in &findings.duplicates {
            let Some(id) = self.document.id(node) else { continue };
            let message = format!("the id `{}` is taken", shorten(id));
            let span = self.attribute_span(node, Ns::None, "id");
            self.error(Code::DuplicateId, span, message);
        }
    }

    /// Attributes of the language, wherever they stand.
    fn shapes(&mut self, findings: &Findings) {
        let document = self.document;
        let behaviors: HashSet<&str> =
            document.behaviors().iter().filter_map(|b| b.id.as_deref()).collect();
        let physics: HashSet<&str> =
            document.physics().iter().filter_map(|p| p.id.as_deref()).collect();
        for &node in &findings.language {
            let ns = match document.name(node) {
                Some((Ns::Arx, _)) => Ns::None,
                _ => Ns::Arx,
            };
            if ns == Ns::None && !matches!(document.name(node), Some((_, "object"))) {
                self.element(node);
                continue;
            }
            for a in document.attributes(node).iter().filter(|a| a.ns == ns) {
                self.attribute(node, &a, &behaviors, &physics);
            }
        }
    }

    /// An attribute of the language on a shape or an object.
    fn attribute(
        &mut self,
        node: NodeId,
        a: &Attribute<'_>,
        behaviors: &HashSet<&str>,
        physics: &HashSet<&str>,
    ) {
        let value = a.value.trim();
        match a.name {
            "precision" if !is_precision(value) => {
                let message = format!(
                    "`{}` is no precision; expected a number and mm, cm, m, in or ft",
                    shorten(a.value)
                );
                self.error(Code::BadPrecision, a.span, message);
            }
            "units" if !vocabulary::LENGTH_UNITS.contains(&value) => {
                let message = format!(
                    "`{}` is no unit of length; expected mm, cm, m, in or ft",
                    shorten(a.value)
                );
                self.error(Code::UnknownUnit, a.span, message);
            }
            "scale" if !is_scale(value) => {
                let message = format!("`{}` is no positive scale", shorten(a.value));
                self.error(Code::BadScale, a.span, message);
            }
            "layer" if !vocabulary::LAYERS.contains(&value) => {
                let message = format!("the layer `{}` is not a usual one", shorten(a.value));
                self.out.push(
                    Diagnostic::warning(Code::UnknownLayer, a.span, message)
                        .help(format!("usual layers: {}", vocabulary::LAYERS.join(", "))),
                );
            }
            "system" if !vocabulary::SYSTEMS.contains(&value) => self.unknown_system(value, a.span),
            "behavior" if !behaviors.contains(value) => {
                let message = format!("there is no behavior `{}`", shorten(a.value));
                // A behavior kept in a file of its own cannot be seen from here.
                if self.document.attribute(node, a.ns, "behavior_config").is_some() {
                    self.warning(Code::UnknownBehavior, a.span, message);
                } else {
                    self.error(Code::UnknownBehavior, a.span, message);
                }
            }
            "physics" if !physics.contains(value) => {
                let message = format!("there is no physics `{}`", shorten(a.value));
                self.warning(Code::UnknownPhysics, a.span, message);
            }
            _ => {}
        }
    }

    /// Names in the language's namespace that mean nothing.
    fn element(&mut self, node: NodeId) {
        let Some((_, name)) = self.document.name(node) else { return };
        if vocabulary::is_language(name) || vocabulary::is_record(name) {
            return;
        }
        let mut above = self.document.parent(node);
        while let Some((Ns::Arx, parent)) = above.and_then(|p| self.document.name(p)) {
            // Records and constraints have words of their own.
            if vocabulary::is_record(parent) || parent == "constraints" {
                return;
            }
            above = above.and_then(|p| self.document.parent(p));
        }
        let message = format!("`{}` is no element of the language", shorten(name));
        let span = self.tag(node);
        self.warning(Code::UnknownElement, span, message);
    }

    fn unknown_system(&mut self, name: &str, span: Span) {
        let message = format!("the system `{}` is not a usual one", shorten(name));
        self.out.push(
            Diagnostic::warning(Code::UnknownSystem, span, message)
                .help(format!("usual systems: {}", vocabulary::SYSTEMS.join(", "))),
        );
    }

    fn objects(&mut self) {
        let document = self.document;
        for object in document.objects() {
            let element = document.name(object.node) == Some((Ns::Arx, "object"));
            if element && object.id.is_none() {
                let span = self.tag(object.node);
                self.error(Code::MissingAttribute, span, "an object needs an id".to_owned());
            }
            if element && object.kind.is_none() {
                let span = self.tag(object.node);
                self.warning(Code::MissingAttribute, span, "an object needs a type".to_owned());
            }
            if let Some(id) = &object.id
                && (id.is_empty() || id.contains(char::is_whitespace))
            {
                let span = self.object_span(object, "id");
                let message = format!("`{}` cannot be an id", shorten(id));
                self.error(Code::BadId, span, message);
            }
            if let Some(kind) = &object.kind
                && kind.trim().is_empty()
            {
                let span = self.object_span(object, "type");
                self.warning(Code::MissingAttribute, span, "the type is empty".to_owned());
            }
            if let Some(upstream) = &object.upstream
                && document.object(upstream).is_none()
            {
                let span = self.object_span(object, "upstream");
                let message = format!("there is no object `{}`", shorten(upstream));
                self.error(Code::UnknownObject, span, message);
            }
            if let Some(geometry) = &object.geometry {
                let lengths = [
                    &geometry.x,
                    &geometry.y,
                    &geometry.z,
                    &geometry.width,
                    &geometry.height,
                    &geometry.depth,
                ];
                for length in lengths.into_iter().flatten() {
                    if !number(&length.value).is_some_and(|(_, unit)| is_length_unit(unit)) {
                        let message = format!("`{}` is no length", shorten(&length.value));
                        self.error(Code::BadLength, length.span, message);
                    }
                }
            }
            for property in &object.properties {
                if property.name.trim().is_empty() {
                    let span = self.tag(property.node);
                    self.error(Code::MissingAttribute, span, "a property needs a name".to_owned());
                }
            }
        }
    }

    fn object_span(&self, object: &Object, name: &str) -> Span {
        match self.document.name(object.node) {
            Some((Ns::Arx, _)) => self.attribute_span(object.node, Ns::None, name),
            _ => {
                let name = if name == "id" { "object" } else { name };
                self.attribute_span(object.node, Ns::Arx, name)
            }
        }
    }

    /// What feeds what has no circle. Each object has at most one feeder, so
    /// every walk ends in a known object, at the top, or in a circle.
    fn upstream(&mut self) {
        let document = self.document;
        let feeder = |i: ObjectIndex| {
            let object = document.objects().get(i.0 as usize)?;
            document.object(object.upstream.as_deref()?)
        };
        let mut walked: Vec<u32> = vec![0; document.objects().len()];
        for start in 0..document.objects().len() as u32 {
            let walk = start + 1;
            let mut at = Some(ObjectIndex(start));
            while let Some(index) = at {
                let Some(mark) = walked.get_mut(index.0 as usize) else { break };
                if *mark == walk {
                    let Some(object) = document.objects().get(index.0 as usize) else { break };
                    let name = object.id.as_deref().unwrap_or_default();
                    let message = format!("`{}` feeds itself", shorten(name));
                    let span = self.object_span(object, "upstream");
                    self.error(Code::CircularUpstream, span, message);
                    break;
                }
                if *mark != 0 {
                    break;
                }
                *mark = walk;
                at = feeder(index);
            }
        }
    }

    fn behaviors(&mut self) {
        let document = self.document;
        for behavior in document.behaviors() {
            let mut names: HashSet<&str> = HashSet::new();
            let variables = behavior.variables.iter().map(|v| (&v.name, v.node));
            let calculations = behavior.calculations.iter().map(|c| (&c.name, c.node));
            for (name, node) in variables.chain(calculations) {
                let span = self.attribute_span(node, Ns::None, "name");
                if !is_identifier(name) {
                    let message = format!("`{}` cannot be a name", shorten(name));
                    self.out.push(
                        Diagnostic::error(Code::BadName, span, message)
                            .help("a letter or underscore, then letters, digits and underscores"),
                    );
                } else if !names.insert(name) {
                    let message = format!("the name `{}` is taken", shorten(name));
                    self.error(Code::DuplicateName, span, message);
                }
            }
            for variable in &behavior.variables {
                if variable.value.value.trim().is_empty() {
                    let span = self.tag(variable.node);
                    let message = format!("`{}` has no value", shorten(&variable.name));
                    self.error(Code::MissingValue, span, message);
                }
            }
            for calculation in &behavior.calculations {
                if calculation.formula.trim().is_empty() {
                    let span = self.tag(calculation.node);
                    let message = format!("`{}` has no formula", shorten(&calculation.name));
                    self.error(Code::MissingValue, span, message);
                }
            }
            for trigger in &behavior.triggers {
                let word = |w: &str| {
                    !w.is_empty()
                        && w.bytes()
                            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
                };
                if !word(&trigger.event) {
                    let span = self.attribute_span(trigger.node, Ns::None, "event");
                    let message = format!("`{}` is no event", shorten(&trigger.event));
                    self.out.push(Diagnostic::error(Code::BadEvent, span, message).help(
                        "click, hover, drag, time, condition, or the name of an external event",
                    ));
                }
                if trigger.event == "condition" && trigger.parameter("condition").is_none() {
                    let span = self.tag(trigger.node);
                    let message = "this trigger has no `condition`".to_owned();
                    self.warning(Code::MissingAttribute, span, message);
                }
                if trigger.action.is_empty() {
                    let span = self.tag(trigger.node);
                    self.error(
                        Code::MissingAttribute,
                        span,
                        "a trigger needs an action".to_owned(),
                    );
                } else if !is_action(&trigger.action) {
                    let message = format!("nothing does `{}`", shorten(&trigger.action));
                    self.out.push(
                        Diagnostic::warning(Code::UnknownAction, trigger.span, message)
                            .help(format!("actions: {}", vocabulary::ACTIONS.join(", "))),
                    );
                }
                if let Some(target) = trigger.parameter("target") {
                    let id = target.trim().trim_start_matches('#');
                    if document.by_id(id).is_none() && document.object(id).is_none() {
                        let span = self.attribute_span(trigger.node, Ns::None, "target");
                        let message = format!("there is no element `{}`", shorten(id));
                        self.error(Code::UnknownTarget, span, message);
                    }
                }
                if let Some(delay) = trigger.parameter("delay")
                    && !number(delay).is_some_and(|(n, _)| n >= 0.0)
                {
                    let span = self.attribute_span(trigger.node, Ns::None, "delay");
                    let message = format!("`{}` is no delay", shorten(delay));
                    self.error(Code::BadDelay, span, message);
                }
            }
        }
    }

    fn physics(&mut self) {
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
                    self.out.push(Diagnostic::error(Code::UnknownAnchor, span, message).help(
                        format!(
                            "an id, a point `x,y`, or one of {}",
                            vocabulary::ANCHORS.join(", ")
                        ),
                    ));
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
                    self.out.push(Diagnostic::error(Code::BadForce, span, message).help(format!(
                        "{}, an angle such as 30deg, or a vector such as 1,0",
                        vocabulary::DIRECTIONS.join(", ")
                    )));
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
                    self.error(Code::UnknownAnchor, span, message);
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

    fn systems(&mut self) {
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
                if component.kind.is_some() {
                    self.warning(Code::UnknownObject, span, message);
                } else {
                    self.error(Code::UnknownObject, span, message);
                }
            }
            for connection in &system.connections {
                for (name, end) in [("from", &connection.from), ("to", &connection.to)] {
                    let id = end.trim_start_matches('#');
                    let exists = members.contains(id)
                        || document.object(id).is_some()
                        || document.by_id(id).is_some();
                    if !exists {
                        let span = self.attribute_span(connection.node, Ns::None, name);
                        let message = format!("there is nothing called `{}`", shorten(id));
                        self.error(Code::UnknownConnectionEnd, span, message);
                    }
                }
            }
        }
    }
}

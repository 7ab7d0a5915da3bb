//! The rules a document has to keep, beyond being readable.
//!
//! Formulas, units and dimensions are checked where they are compiled; here is
//! everything that can be said from the tree and its meaning.

mod mechanics;
mod spelling;
mod uses;

use std::collections::HashSet;

use svgx_base::nearest::did_you_mean;

use super::attribute::Attribute;
use super::code::{Code, Severity};
use super::diagnostic::{Diagnostic, Diagnostics};
use super::findings::Findings;
use super::model::{Object, ObjectIndex};
use super::normalize::is_identifier;
use super::scan::shorten;
use super::text::Span;
use super::tree::{Document, NodeId, Ns};
use super::values::{is_action, is_length_unit, is_precision, is_scale, number};
use super::vocabulary::{self, names};

/// Names that misspelt ones are compared with, all together: no drawing makes this take long.
const COMPARED: usize = 200_000;

struct Check<'d> {
    document: &'d Document,
    out: &'d mut Diagnostics,
    compared: usize,
}

/// Checks every rule; findings go to `out`.
pub(super) fn validate(document: &Document, findings: &Findings, out: &mut Diagnostics) {
    let mut check = Check { document, out, compared: 0 };
    check.size();
    check.duplicates(findings);
    check.shapes(findings);
    check.uses(findings);
    check.objects();
    check.upstream();
    check.behaviors();
    check.physics();
    check.systems();
    check.spelling();
}

impl Check<'_> {
    fn error(&mut self, code: Code, span: Span, message: String) {
        self.out.push(Diagnostic::error(code, span, message));
    }

    fn warning(&mut self, code: Code, span: Span, message: String) {
        self.out.push(Diagnostic::warning(code, span, message));
    }

    /// An error or a warning with advice, where there is any.
    fn push(&mut self, finding: Diagnostic, help: Option<String>) {
        self.out.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// `did you mean X?` of many names.
    fn near<'n>(&mut self, name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
        let left = COMPARED.saturating_sub(self.compared);
        let mut seen = 0;
        let near = did_you_mean(name, names.take(left).inspect(|_| seen += 1));
        self.compared += seen;
        // Of some of the names only, the nearest would be a matter of chance.
        near.filter(|_| seen < left)
    }

    /// `did you mean X?` of the ids there are.
    fn near_id(&mut self, id: &str) -> Option<String> {
        let document = self.document;
        let objects = document.objects().iter().filter_map(|o| o.id.as_deref());
        self.near(id, document.ids().chain(objects))
    }

    /// What may be meant by a word, and what there is to choose from.
    fn choose(word: &str, list: &str, words: &[&str]) -> String {
        let near = did_you_mean(word, words.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("{near} "));
        format!("{near}{list}: {}", words.join(", "))
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
            "layer" if !vocabulary::LAYERS.contains(&value) && !self.declares_layer(value) => {
                let message = format!("the layer `{}` is not a usual one", shorten(a.value));
                let help = Self::choose(value, "usual layers", &vocabulary::LAYERS);
                self.out.push(Diagnostic::warning(Code::UnknownLayer, a.span, message).help(help));
            }
            "system" if !vocabulary::SYSTEMS.contains(&value) => self.unknown_system(value, a.span),
            "behavior" if !behaviors.contains(value) => {
                let message = format!("there is no behavior `{}`", shorten(a.value));
                // A behavior kept in a file of its own cannot be seen from here.
                let elsewhere = self.document.attribute(node, a.ns, "behavior_config").is_some();
                let severity = if elsewhere { Severity::Warning } else { Severity::Error };
                let near = self.near(value, behaviors.iter().copied());
                self.push(Diagnostic::new(severity, Code::UnknownBehavior, a.span, message), near);
            }
            "physics" if !physics.contains(value) => {
                let message = format!("there is no physics `{}`", shorten(a.value));
                let near = self.near(value, physics.iter().copied());
                self.push(Diagnostic::warning(Code::UnknownPhysics, a.span, message), near);
            }
            _ => {}
        }
    }

    /// Whether the drawing has an `arx:layer` with that id.
    fn declares_layer(&self, id: &str) -> bool {
        let declared = self.document.by_id(id).and_then(|node| self.document.name(node));
        declared == Some((Ns::Arx, "layer"))
    }

    /// Names in the language's namespace that mean nothing.
    fn element(&mut self, node: NodeId) {
        let Some((_, name)) = self.document.name(node) else { return };
        if vocabulary::is_language(name)
            || vocabulary::is_record(name)
            || vocabulary::is_drafting(name)
        {
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
        let near = did_you_mean(name, names::LANGUAGE.iter().map(|(known, _)| *known));
        self.push(Diagnostic::warning(Code::UnknownElement, span, message), near);
    }

    fn unknown_system(&mut self, name: &str, span: Span) {
        let message = format!("the system `{}` is not a usual one", shorten(name));
        let help = Self::choose(name, "usual systems", &vocabulary::SYSTEMS);
        self.out.push(Diagnostic::warning(Code::UnknownSystem, span, message).help(help));
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
                let near = self.near_id(upstream);
                self.push(Diagnostic::error(Code::UnknownObject, span, message), near);
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
                self.event(&trigger.event, trigger.node);
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
                    let help = Self::choose(&trigger.action, "actions", &vocabulary::ACTIONS);
                    self.out.push(
                        Diagnostic::warning(Code::UnknownAction, trigger.span, message).help(help),
                    );
                }
                if let Some(target) = trigger.parameter("target") {
                    let id = target.trim().trim_start_matches('#');
                    if document.by_id(id).is_none() && document.object(id).is_none() {
                        let span = self.attribute_span(trigger.node, Ns::None, "target");
                        let message = format!("there is no element `{}`", shorten(id));
                        let near = self.near_id(id);
                        self.push(Diagnostic::error(Code::UnknownTarget, span, message), near);
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

    /// An event of one's own that is nearly one of the engine.
    fn event(&mut self, name: &str, node: NodeId) {
        if vocabulary::EVENTS.contains(&name) {
            return;
        }
        if let Some(help) = did_you_mean(name, vocabulary::EVENTS) {
            let span = self.attribute_span(node, Ns::None, "event");
            let message =
                format!("`{}` is an event of your own; it comes from outside", shorten(name));
            self.out.push(Diagnostic::note(Code::UnknownEvent, span, message).help(help));
        }
    }
}

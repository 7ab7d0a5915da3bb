//! Names to slots: what behaviors declare, and what formulas may read beside it.

use std::collections::HashMap;

use svgx_base::nearest::nearest;

use super::{Compiler, Target};
use crate::behavior::formula::{self, Type};
use crate::behavior::program::{Input, Source};
use crate::behavior::unit::{Unit, quantity};
use crate::document::{Code, Diagnostic, NodeId, Quantity, Span, Str};

impl Compiler<'_> {
    /// Gives every behavior the name its values are known by.
    pub(super) fn label(&mut self) {
        let mut owners: HashMap<NodeId, Str> = HashMap::new();
        for (at, object) in self.objects.iter().enumerate() {
            if let Some(id) = &object.id {
                owners.entry(object.node).or_insert_with(|| id.clone());
                let behavior = object.behavior.map(|b| b.0 as usize);
                self.by_label.entry(id.clone()).or_insert((behavior, Some(at)));
            }
        }
        for (at, behavior) in self.behaviors.iter().enumerate() {
            let owner = behavior.owner.and_then(|owner| {
                owners.get(&owner).cloned().or_else(|| self.document.id(owner).map(Str::from))
            });
            let label = owner
                .or_else(|| behavior.id.clone())
                .unwrap_or_else(|| Str::from(format!("behavior{}", at + 1)));
            let known = self.by_label.entry(label.clone()).or_insert((None, None));
            known.0.get_or_insert(at);
            if let Some(id) = &behavior.id {
                self.by_label.entry(id.clone()).or_insert((Some(at), None));
            }
            self.labels.push(label);
        }
    }

    /// Declares variables and calculations of every behavior.
    pub(super) fn declare(&mut self) {
        for (at, behavior) in self.behaviors.iter().enumerate() {
            let mut scope: HashMap<Str, Target> = HashMap::new();
            let label = self.labels[at].clone();
            for v in &behavior.variables {
                self.check_name(&v.name, v.node);
                let target = match self.input(&label, &v.name, v.node, &v.value) {
                    Some(target) => target,
                    None => Target::Broken,
                };
                if scope.insert(v.name.clone(), target).is_some() {
                    self.redefined(&label, &v.name, v.node);
                }
            }
            for (index, c) in behavior.calculations.iter().enumerate() {
                self.check_name(&c.name, c.node);
                let target = Target::Calculation(self.drafts.len() as u32);
                if scope.contains_key(&c.name) {
                    self.redefined(&label, &c.name, c.node);
                } else {
                    scope.insert(c.name.clone(), target);
                }
                self.draft(at, index, c.formula.clone(), c.span);
            }
            self.scopes.push(scope);
        }
    }

    fn check_name(&mut self, name: &str, node: NodeId) {
        let mut chars = name.chars();
        let good = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || c == '_')
            && !["and", "or", "not", "true", "false"].contains(&name);
        if !good {
            let shown: String = name.chars().take(32).collect();
            let message = format!("{shown:?} is no name a formula can use");
            let help = "letters, digits and _, not starting with a digit";
            let span = self.document.span(node);
            self.push(Diagnostic::error(Code::NameInvalid, span, message).help(help));
        }
    }

    fn redefined(&mut self, label: &str, name: &str, node: NodeId) {
        let message = format!("{label}.{name} is defined twice; the first one counts");
        let span = self.document.span(node);
        self.push(Diagnostic::error(Code::Redefinition, span, message));
    }

    /// Reads a written quantity into a new input. `None` when it is no number.
    pub(super) fn input(
        &mut self,
        scope: &Str,
        name: &Str,
        node: NodeId,
        q: &Quantity,
    ) -> Option<Target> {
        let text = q.value.trim();
        let (value, written, boolean) = match text {
            "true" => (1.0, "", true),
            "false" => (0.0, "", true),
            _ => match quantity(text) {
                Some(l) => (l.number, l.unit, false),
                None => {
                    let shown: String = text.chars().take(32).collect();
                    let message = format!("{scope}.{name} is {shown:?}, which is no number");
                    self.push(Diagnostic::error(Code::VariableValue, q.span, message));
                    return None;
                }
            },
        };
        let unit = self.unit(q.unit.as_deref().unwrap_or(written), q.span)?;
        let ty = if boolean { Type::Boolean } else { Type::of(&unit, unit.is_affine()) };
        Some(self.add(scope, name, node, Source::Document, value, ty))
    }

    pub(super) fn unit(&mut self, text: &str, span: Span) -> Option<Unit> {
        match text.parse() {
            Ok(unit) => Some(unit),
            Err(e) => {
                let d = Diagnostic::error(Code::UnknownUnit, span, e.to_string());
                self.push(match e.help() {
                    Some(help) => d.help(help),
                    None => d,
                });
                None
            }
        }
    }

    pub(super) fn add(
        &mut self,
        scope: &Str,
        name: &Str,
        node: NodeId,
        source: Source,
        value: f64,
        ty: Type,
    ) -> Target {
        let input = Input { scope: scope.clone(), name: name.clone(), node, source, value, ty };
        self.inputs.push(input);
        Target::Input(self.inputs.len() as u32 - 1)
    }

    /// Resolves the names of every draft.
    pub(super) fn resolve(&mut self) {
        for at in 0..self.drafts.len() {
            let draft = &self.drafts[at];
            let Some(parsed) = &draft.parsed else { continue };
            let text = draft.text.clone();
            let behavior = draft.behavior;
            let names: Vec<(Option<Str>, Str)> = formula::names(parsed, &text)
                .iter()
                .map(|(object, name, _)| (object.map(Str::from), Str::from(*name)))
                .collect();
            let targets =
                names.iter().map(|(object, name)| self.lookup(behavior, object.as_ref(), name));
            let targets = targets.collect();
            self.drafts[at].targets = targets;
        }
    }

    /// The value that a formula of `behavior` may have meant by `written`; looked for only while
    /// there is little to look through.
    pub(super) fn similar(&self, behavior: usize, written: &str) -> Option<String> {
        const FINDINGS: usize = 64;
        const NAMES: usize = 1000;
        let many = |n: usize| n > NAMES;
        if written.len() > 64
            || self.diagnostics.len() > FINDINGS
            || many(self.by_label.len())
            || self.scopes.iter().any(|scope| many(scope.len()))
            || self.objects.iter().any(|object| many(object.properties.len()))
        {
            return None;
        }
        let short = |name: &&str| name.len() <= 64;
        let mean = |name: &str, object: Option<&str>| match object {
            Some(object) => format!("did you mean {object}.{name}?"),
            None => format!("did you mean {name}?"),
        };
        let Some((object, name)) = written.split_once('.') else {
            let scope = self.scopes.get(behavior)?;
            return nearest(written, scope.keys().map(|k| &**k).filter(short))
                .map(|near| mean(near, None))
                .or_else(|| self.similar_stated(written));
        };
        let Some(&(other, at)) = self.by_label.get(object) else {
            let labels = self.by_label.keys().map(|k| &**k).filter(short);
            return nearest(object, labels)
                .map(|near| mean(name, Some(near)))
                .or_else(|| self.similar_stated(written));
        };
        let values = other.and_then(|b| self.scopes.get(b)).into_iter().flat_map(|s| s.keys());
        let properties =
            at.and_then(|o| self.objects.get(o)).into_iter().flat_map(|o| &o.properties);
        let sides = ["x", "y", "z", "width", "height", "depth", "on"];
        let known = values
            .map(|k| &**k)
            .chain(properties.map(|p| &*p.name))
            .chain(sides.into_iter().filter(|_| at.is_some()))
            .filter(short);
        nearest(name, known).map(|near| mean(near, Some(object)))
    }

    fn lookup(&mut self, behavior: usize, object: Option<&Str>, name: &Str) -> Option<Target> {
        let label = match object {
            None => {
                if let Some(&target) = self.scopes[behavior].get(name) {
                    return Some(target);
                }
                if behavior == self.outside_objects() {
                    return self.bare(name);
                }
                self.labels[behavior].clone()
            }
            Some(object) if object == "event" && !self.by_label.contains_key(object) => {
                object.clone()
            }
            Some(object) => {
                let Some(&(other, _)) = self.by_label.get(object) else {
                    return self.stated_value(object, name);
                };
                if let Some(target) = other.and_then(|b| self.scopes[b].get(name)) {
                    return Some(*target);
                }
                object.clone()
            }
        };
        let key = (label, name.clone());
        if let Some(&known) = self.extra.get(&key) {
            return Some(known);
        }
        let Some(target) = self.outside(&key.0, name) else {
            return match object {
                None => self.bare(name),
                Some(object) => self.stated_value(object, name),
            };
        };
        self.extra.insert(key, target);
        Some(target)
    }

    /// Values that are no variables: of the event, of the object, of its box.
    fn outside(&mut self, label: &Str, name: &Str) -> Option<Target> {
        let Some(&(behavior, object)) = self.by_label.get(label) else {
            let number = Type::Number { literal: false };
            return (label == "event")
                .then(|| self.add(label, name, NodeId::ROOT, Source::Event, f64::NAN, number));
        };
        if let Some(object) = object.map(|o| &self.objects[o]) {
            if let Some(p) = object.properties.iter().find(|p| p.name == *name) {
                return Some(self.input(label, name, p.node, &p.value).unwrap_or(Target::Broken));
            }
            let side = object.geometry.as_ref().and_then(|g| {
                let side = match name.as_str() {
                    "x" => &g.x,
                    "y" => &g.y,
                    "z" => &g.z,
                    "width" => &g.width,
                    "height" => &g.height,
                    "depth" => &g.depth,
                    _ => return None,
                };
                side.as_ref().map(|q| (g.node, q))
            });
            if let Some((node, q)) = side {
                let mut q = q.clone();
                let bare = quantity(&q.value).is_some_and(|l| l.unit.is_empty());
                if q.unit.is_none() && bare {
                    q.unit = Some("mm".into());
                }
                return Some(self.input(label, name, node, &q).unwrap_or(Target::Broken));
            }
        }
        if name == "on" {
            let owner = object
                .map(|o| self.objects[o].node)
                .or_else(|| behavior.and_then(|b| self.behaviors[b].owner))?;
            return Some(self.add(label, name, owner, Source::On(owner), 0.0, Type::Boolean));
        }
        None
    }
}

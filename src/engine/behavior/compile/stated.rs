//! Constraints and dimensions as formulas know them: `width` or `width.value` is the value of a
//! constraint, `w.measure` what a dimension measures. A constraint's own `formula` is compiled
//! here as well.

use std::collections::HashMap;

use svgx_base::nearest::nearest;

use super::{Compiler, Draft, Target};
use crate::behavior::formula::{self, Type};
use crate::behavior::inputs::{MEASURE, VALUE, usual_unit};
use crate::behavior::program::{CodeStatus, Source};
use crate::behavior::unit::{Unit, quantity};
use crate::document::{Code, Diagnostic, Document, NodeId, Ns, Quantity, Span, Str};

/// Ids that a wrong one is compared with.
const COMPARED: usize = 1000;

/// Formulas of constraints on their way through the compiler.
#[derive(Default)]
pub(super) struct Stated {
    /// The constraints that have one, in document order, and what their values are called by.
    pub(super) formulas: Vec<(NodeId, Str)>,
    /// The draft of each.
    drafts: HashMap<NodeId, u32>,
}

/// The constraint that a dimension drives.
fn driven(document: &Document, dimension: NodeId) -> Option<NodeId> {
    let id = document.attr(dimension, "drives")?.trim();
    document.by_id(id).filter(|&node| document.is_constraint(node))
}

impl Compiler<'_> {
    /// The number of the scope that formulas of constraints are in, which has no names of its own.
    pub(super) fn outside_objects(&self) -> usize {
        self.behaviors.len()
    }

    /// Declares the formulas of constraints.
    pub(super) fn declare_constraints(&mut self) {
        let document = self.document;
        let outside = self.outside_objects();
        self.labels.push(Str::from(""));
        self.scopes.push(HashMap::new());
        let with_formula = |&node: &NodeId| {
            document.attr(node, "formula").is_some() && document.is_constraint(node)
        };
        for (at, node) in document.elements().filter(with_formula).enumerate() {
            let Some(written) = document.attribute(node, Ns::None, "formula") else { continue };
            let name = match document.id(node) {
                Some(id) => Str::from(id),
                None => Str::from(format!("constraint{}", at + 1)),
            };
            self.stated.formulas.push((node, name));
            self.stated.drafts.insert(node, self.drafts.len() as u32);
            self.draft(outside, at, written.value.into(), written.span);
        }
    }

    /// The unit that the value of the constraint with the `at`th formula is in.
    pub(super) fn constraint_unit(&self, at: usize) -> Option<Unit> {
        let (node, _) = self.stated.formulas.get(at)?;
        usual_unit(self.document, *node)?.parse().ok()
    }

    /// What a formula may mean by a name alone: a constraint, or a dimension that drives one.
    pub(super) fn bare(&mut self, name: &Str) -> Option<Target> {
        // The constants were there first.
        if formula::constant(name).is_some() {
            return None;
        }
        self.stated_value(name, VALUE)
    }

    /// The value of a constraint, or what a dimension measures.
    pub(super) fn stated_value(&mut self, id: &Str, what: &str) -> Option<Target> {
        let document = self.document;
        let node = document.by_id(id)?;
        let is_dimension = document.name(node) == Some((Ns::Arx, "dimension"));
        match what {
            VALUE if is_dimension => self.constraint_value(driven(document, node)?),
            VALUE if document.is_constraint(node) => self.constraint_value(node),
            MEASURE if is_dimension => self.measure(id, node),
            _ => None,
        }
    }

    fn constraint_value(&mut self, node: NodeId) -> Option<Target> {
        let document = self.document;
        if let Some(&draft) = self.stated.drafts.get(&node) {
            return Some(Target::Calculation(draft));
        }
        let key = (Str::from(document.id(node)?), Str::from(VALUE));
        if let Some(&known) = self.extra.get(&key) {
            return Some(known);
        }
        let written = document.attribute(node, Ns::None, VALUE)?;
        let mut value = Quantity {
            value: written.value.trim().trim_end_matches('°').into(),
            unit: document.attr(node, "unit").map(|unit| Str::from(unit.trim())),
            span: written.span,
        };
        if value.unit.is_none() && quantity(&value.value).is_some_and(|l| l.unit.is_empty()) {
            value.unit = usual_unit(document, node).map(Str::from);
        }
        let read = self.input(&key.0, &key.1, node, &value);
        if let Some(Target::Input(at)) = read
            && let Some(input) = self.inputs.get_mut(at as usize)
        {
            input.source = Source::Constraint;
        }
        let target = read.unwrap_or(Target::Broken);
        self.extra.insert(key, target);
        Some(target)
    }

    fn measure(&mut self, id: &Str, node: NodeId) -> Option<Target> {
        let key = (id.clone(), Str::from(MEASURE));
        if let Some(&known) = self.extra.get(&key) {
            return Some(known);
        }
        let kind = self.document.attr(node, "type").unwrap_or_default().trim();
        let target = if matches!(kind, "chain" | "baseline") {
            let message = format!("a {kind} has several measures: `{id}` stands for no number");
            let help = "measure one of them by a dimension of its own".to_owned();
            let span = self.document.span(node);
            self.push(Diagnostic::error(Code::FormulaType, span, message).help(help));
            Target::Broken
        } else {
            let unit: Unit = if kind == "angle" { "deg" } else { "mm" }.parse().ok()?;
            let ty = Type::of(&unit, false);
            self.add(&key.0, &key.1, node, Source::Measure, f64::NAN, ty)
        };
        self.extra.insert(key, target);
        Some(target)
    }

    /// The constraint or dimension that may have been meant by `written`.
    pub(super) fn similar_stated(&self, written: &str) -> Option<String> {
        let document = self.document;
        if document.ids().take(COMPARED + 1).count() > COMPARED {
            return None;
        }
        let is_stated = |id: &&str| {
            id.len() <= 64
                && document.by_id(id).is_some_and(|node| {
                    document.is_constraint(node)
                        || document.name(node) == Some((Ns::Arx, "dimension"))
                })
        };
        let (id, rest) = written.split_once('.').map_or((written, None), |(a, b)| (a, Some(b)));
        let near = nearest(id, document.ids().filter(is_stated))?;
        Some(match rest {
            Some(rest) => format!("did you mean {near}.{rest}?"),
            None => format!("did you mean {near}?"),
        })
    }

    /// What the value of a draft is called.
    pub(super) fn draft_name(&self, at: usize) -> String {
        let Some(draft) = self.drafts.get(at) else { return String::new() };
        if draft.behavior == self.outside_objects() {
            let named = self.stated.formulas.get(draft.index);
            return named.map_or_else(String::new, |(_, name)| name.to_string());
        }
        let own = self.scopes[draft.behavior]
            .iter()
            .find(|(_, t)| **t == Target::Calculation(at as u32))
            .map_or("", |(name, _)| name.as_str());
        format!("{}.{own}", self.labels[draft.behavior])
    }

    /// Refuses formulas of constraints that read what is measured, themselves or by others: what
    /// constraints move would decide where they move it.
    pub(super) fn refuse_measures(&mut self, order: &[u32], statuses: &mut [CodeStatus]) {
        if !self.inputs.iter().any(|input| input.source == Source::Measure) {
            return;
        }
        let mut reads = vec![false; self.drafts.len()];
        let is_measured = |compiler: &Self, target: &Option<Target>, reads: &[bool]| match target {
            Some(Target::Input(i)) => {
                compiler.inputs.get(*i as usize).is_some_and(|i| i.source == Source::Measure)
            }
            Some(Target::Calculation(c)) => reads.get(*c as usize).copied().unwrap_or_default(),
            _ => false,
        };
        // Every formula comes behind what it reads.
        for &at in order {
            let at = at as usize;
            let found = self.drafts[at].targets.iter().any(|t| is_measured(self, t, &reads));
            reads[at] = found;
        }
        let outside = self.outside_objects();
        let refused =
            |(at, draft): (usize, &Draft)| (draft.behavior == outside && reads[at]).then_some(at);
        let refused: Vec<usize> = self.drafts.iter().enumerate().filter_map(refused).collect();
        for at in refused {
            statuses[at] = CodeStatus::Invalid(Code::FormulaCycle);
            let (mut names, mut next) = (vec![self.draft_name(at)], at);
            while names.len() < 32 {
                let found = self.drafts[next].targets.iter().find(|t| is_measured(self, t, &reads));
                match found {
                    Some(Some(Target::Calculation(c))) => {
                        next = *c as usize;
                        names.push(self.draft_name(next));
                    }
                    Some(Some(Target::Input(i))) => {
                        let input = self.inputs.get(*i as usize);
                        names.extend(input.map(|i| format!("{}.{}", i.scope, i.name)));
                        break;
                    }
                    _ => break,
                }
            }
            let message = format!(
                "the formula of a constraint reads what is measured: {}",
                names.join(" -> ")
            );
            let place: Span = self.drafts[at].place;
            let finding = Diagnostic::error(Code::FormulaCycle, place, message)
                .help("constraints move what is measured: read the value of a constraint instead");
            self.push(finding);
        }
    }
}

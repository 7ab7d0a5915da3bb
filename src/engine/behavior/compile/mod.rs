//! Behaviors to a [`Program`]: names to slots, formulas to code, dependency order.

mod names;
mod order;
mod stated;
mod trigger;

use std::collections::HashMap;

use self::order::readers;
use super::formula::{self, Builder, HELD, Parsed, Resolved, Type, check, settle_result};
use super::inputs::VALUE;
use super::program::{Calculation, CodeStatus, Expression, Input, Program, Source};
use super::rule::Rule;
use super::unit::Unit;
use svgx_base::deep::{self, Empty};
use svgx_base::deep_span;

use crate::document::{Behavior, Code, Diagnostic, Document, Limits, Object, Severity, Span, Str};

impl Program {
    /// Compiles the behaviors of `document`. Never fails: what cannot be compiled
    /// is in [`Program::diagnostics`] and an error on its result.
    pub fn compile(document: &Document, limits: &Limits) -> Program {
        let span = deep_span!("formulas.compile", svgx.formula.count = Empty);
        let program = program(document, document.behaviors(), document.objects(), limits);
        span.record("svgx.formula.count", deep::count(program.calculations()));
        program
    }
}

/// What a name was resolved to, before slots have their final numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Input(u32),
    Calculation(u32),
    /// Known, but unusable; reported where it is declared.
    Broken,
}

/// One formula on its way through the compiler.
struct Draft {
    /// The behavior it belongs to; behind the last one: none, it is a constraint's.
    behavior: usize,
    /// Which of the behavior's calculations, or of the constraints, if it is one.
    index: usize,
    text: Str,
    place: Span,
    parsed: Option<Parsed>,
    targets: Vec<Option<Target>>,
}

pub(super) struct Compiler<'d> {
    document: &'d Document,
    limits: &'d Limits,
    behaviors: &'d [Behavior],
    objects: &'d [Object],
    labels: Vec<Str>,
    by_label: HashMap<Str, (Option<usize>, Option<usize>)>,
    scopes: Vec<HashMap<Str, Target>>,
    extra: HashMap<(Str, Str), Target>,
    inputs: Vec<Input>,
    drafts: Vec<Draft>,
    stated: stated::Stated,
    pub(super) diagnostics: Vec<Diagnostic>,
}

pub(super) fn program(
    document: &Document,
    behaviors: &[Behavior],
    objects: &[Object],
    limits: &Limits,
) -> Program {
    let mut compiler = Compiler {
        document,
        limits,
        behaviors,
        objects,
        labels: Vec::with_capacity(behaviors.len()),
        by_label: HashMap::new(),
        scopes: Vec::with_capacity(behaviors.len()),
        extra: HashMap::new(),
        inputs: Vec::new(),
        drafts: Vec::new(),
        stated: stated::Stated::default(),
        diagnostics: Vec::new(),
    };
    compiler.label();
    compiler.declare();
    compiler.declare_constraints();
    let calculations = compiler.drafts.len();
    let rules = trigger::rules(&mut compiler);
    compiler.resolve();
    compiler.generate(calculations, rules)
}

impl<'d> Compiler<'d> {
    pub(super) fn document(&self) -> &'d Document {
        self.document
    }

    pub(super) fn behaviors(&self) -> &'d [Behavior] {
        self.behaviors
    }

    pub(super) fn objects(&self) -> &'d [Object] {
        self.objects
    }

    /// Adds a formula of a trigger; answers its number among the expressions.
    pub(super) fn expression(&mut self, behavior: usize, text: &str, place: Span) -> usize {
        self.draft(behavior, usize::MAX, text.into(), place);
        self.drafts.len() - 1
    }

    fn draft(&mut self, behavior: usize, index: usize, text: Str, place: Span) {
        let parsed = match formula::parse(&text, self.limits) {
            Ok(parsed) => Some(parsed),
            Err(d) => {
                self.report(d, &text, place);
                None
            }
        };
        self.drafts.push(Draft { behavior, index, text, place, parsed, targets: Vec::new() });
    }

    /// Reports `d`, whose span counts from the start of a formula that stands at `place`.
    fn report(&mut self, mut d: Diagnostic, text: &str, place: Span) {
        let source = self.document.source();
        let written = source.get(place.start as usize..place.end as usize);
        d.span = match written {
            Some(written) if written == text && !d.span.is_none() => {
                Span { start: place.start + d.span.start, end: place.start + d.span.end }
            }
            _ => place,
        };
        self.push(d);
    }

    pub(super) fn push(&mut self, d: Diagnostic) {
        if self.diagnostics.len() < self.limits.diagnostics {
            self.diagnostics.push(d);
        }
    }

    /// Orders, checks and emits everything.
    fn generate(mut self, calculations: usize, mut rules: Vec<Rule>) -> Program {
        let named = self.inputs.len() + self.drafts.len();
        let deepest = self.drafts.iter().filter_map(|d| Some(d.parsed.as_ref()?.nodes.len())).max();
        let mut builder = Builder::new(named, deepest.unwrap_or(0) + HELD);
        let mut statuses = vec![CodeStatus::Ready; self.drafts.len()];
        let order = self.sort(calculations, &mut statuses);
        self.refuse_measures(&order, &mut statuses);
        let first = self.inputs.len() as u32;
        let mut types = vec![Type::Number { literal: false }; self.drafts.len()];
        let mut ranges = vec![0..0; self.drafts.len()];
        for &at in
            order.iter().chain(&(calculations as u32..self.drafts.len() as u32).collect::<Vec<_>>())
        {
            let at = at as usize;
            let annotation = self.annotation(at, calculations);
            let draft = &self.drafts[at];
            let Some(parsed) = &draft.parsed else {
                statuses[at] = CodeStatus::Invalid(Code::FormulaSyntax);
                continue;
            };
            let annotation = match annotation {
                Err(()) => {
                    statuses[at] = CodeStatus::Invalid(Code::UnknownUnit);
                    continue;
                }
                Ok(annotation) => annotation,
            };
            let start = builder.len();
            let mut found = Vec::new();
            let mut next = draft.targets.iter();
            let mut blocked = false;
            let mut resolve = |_: Option<&str>, _: &str| {
                let resolved = match *next.next()?.as_ref()? {
                    Target::Input(i) => Resolved::Slot(i, self.inputs[i as usize].ty),
                    Target::Calculation(c) if statuses[c as usize] == CodeStatus::Ready => {
                        Resolved::Slot(first + c, types[c as usize])
                    }
                    Target::Calculation(_) | Target::Broken => {
                        blocked = true;
                        Resolved::Broken
                    }
                };
                Some(resolved)
            };
            let text = draft.text.clone();
            let place = draft.place;
            let checked =
                check(parsed, &text, &mut builder, &mut resolve, &mut found).and_then(|c| {
                    settle_result(c, annotation.as_ref(), &text, &mut builder, &mut found)
                });
            let error = found.iter().find(|d| d.severity == Severity::Error).map(|d| d.code);
            for mut d in found {
                if d.code == Code::UnknownName {
                    let (start, end) = (d.span.start as usize, d.span.end as usize);
                    let written = text.get(start..end).unwrap_or_default();
                    d.help = self.similar(self.drafts[at].behavior, written).or(d.help);
                }
                self.report(d, &text, place);
            }
            match (checked, error) {
                (Some(checked), None) => {
                    builder.store(checked.place, first + at as u32, checked.span);
                    types[at] = checked.ty;
                    ranges[at] = start..builder.len();
                }
                (_, error) => {
                    builder.truncate(start);
                    statuses[at] = match error {
                        Some(code) => CodeStatus::Invalid(code),
                        None if blocked => CodeStatus::Blocked,
                        None => CodeStatus::Invalid(Code::FormulaSyntax),
                    };
                }
            }
        }
        let order: Vec<u32> =
            order.into_iter().filter(|&at| statuses[at as usize] == CodeStatus::Ready).collect();
        let reads = |at: usize| -> Vec<u32> {
            self.drafts[at]
                .targets
                .iter()
                .filter_map(|t| match (*t)? {
                    Target::Input(i) => Some(i),
                    Target::Calculation(c) => Some(first + c),
                    Target::Broken => None,
                })
                .collect()
        };
        let (code, constants) = builder.finish();
        let mut template = code.slots(&constants);
        for (slot, input) in template.iter_mut().zip(&self.inputs) {
            *slot = input.value;
        }
        let mut names = HashMap::new();
        for (slot, input) in self.inputs.iter().enumerate().rev() {
            names.insert((input.scope.clone(), input.name.clone()), slot as u32);
        }
        let mut list = Vec::with_capacity(calculations);
        let labels = self.behaviors.iter().zip(&self.labels);
        let declared = labels
            .flat_map(|(b, label)| b.calculations.iter().map(move |c| (label, &c.name, c.node)))
            .map(|(label, name, node)| (label.clone(), name.clone(), node));
        let constraints = self.stated.formulas.iter();
        let constraints = constraints.map(|(node, id)| (id.clone(), Str::from(VALUE), *node));
        let first_constraint = calculations - constraints.len();
        for (at, (scope, name, node)) in declared.chain(constraints).enumerate() {
            names.entry((scope.clone(), name.clone())).or_insert(first + at as u32);
            list.push(Calculation {
                scope,
                name,
                node,
                formula: self.drafts[at].text.clone(),
                status: statuses[at],
                ty: types[at],
                code: ranges[at].clone(),
                reads: reads(at),
            });
        }
        // Behaviors are also known by their objects' other names.
        for (label, (behavior, _)) in &self.by_label {
            let Some(scope) = behavior.map(|b| &self.scopes[b]) else { continue };
            for (name, target) in scope {
                let slot = match *target {
                    Target::Input(i) => i,
                    Target::Calculation(c) => first + c,
                    Target::Broken => continue,
                };
                names.entry((label.clone(), name.clone())).or_insert(slot);
            }
        }
        let expressions: Vec<Expression> = (calculations..self.drafts.len())
            .map(|at| Expression { code: ranges[at].clone(), result: first + at as u32 })
            .collect();
        for rule in &mut rules {
            trigger::link(rule, calculations, &statuses, &names);
        }
        let measures = (0..).zip(&self.inputs).filter(|(_, i)| i.source == Source::Measure);
        let measures = measures.map(|(slot, _)| slot).collect();
        let (starts, readers) = readers(named, &order, &list);
        Program {
            inputs: self.inputs,
            calculations: list,
            first_constraint,
            measures,
            order,
            starts,
            readers,
            code,
            template,
            rules,
            expressions,
            names,
            diagnostics: self.diagnostics,
        }
    }

    /// The unit a calculation is to be shown in.
    fn annotation(&mut self, at: usize, calculations: usize) -> Result<Option<Unit>, ()> {
        if at >= calculations {
            return Ok(None);
        }
        let draft = &self.drafts[at];
        let Some(behavior) = self.behaviors.get(draft.behavior) else {
            return Ok(self.constraint_unit(draft.index));
        };
        let Some(declared) = behavior.calculations.get(draft.index) else { return Ok(None) };
        match &declared.unit {
            None => Ok(None),
            Some(text) => self.unit(text, declared.span).map(Some).ok_or(()),
        }
    }
}

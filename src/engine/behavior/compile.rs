//! Behaviors to a [`Program`]: names to slots, formulas to code, dependency order.

use std::collections::{HashMap, VecDeque};

use super::formula::{self, Builder, Parsed, Resolved, Type, check, settle_result};
use super::program::{Calculation, Expression, Input, Program, Source, Standing};
use super::trigger;
use super::unit::{Unit, quantity};
use crate::document::{
    Behavior, Diagnostic, Document, Limits, NodeId, Object, Quantity, Severity, Span, Str,
};

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
    behavior: usize,
    /// Which of the behavior's calculations, if it is one.
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
        diagnostics: Vec::new(),
    };
    compiler.label();
    compiler.declare();
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

    /// Gives every behavior the name its values are known by.
    fn label(&mut self) {
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
    fn declare(&mut self) {
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
            self.push(Diagnostic::error("name-invalid", span, message).help(help));
        }
    }

    fn redefined(&mut self, label: &str, name: &str, node: NodeId) {
        let message = format!("{label}.{name} is defined twice; the first one counts");
        let span = self.document.span(node);
        self.push(Diagnostic::error("redefinition", span, message));
    }

    /// Reads a written quantity into a new input. `None` when it is no number.
    fn input(&mut self, scope: &Str, name: &Str, node: NodeId, q: &Quantity) -> Option<Target> {
        let text = q.value.trim();
        let (value, written, boolean) = match text {
            "true" => (1.0, "", true),
            "false" => (0.0, "", true),
            _ => match quantity(text) {
                Some(l) => (l.number, l.unit, false),
                None => {
                    let shown: String = text.chars().take(32).collect();
                    let message = format!("{scope}.{name} is {shown:?}, which is no number");
                    self.push(Diagnostic::error("variable-value", q.span, message));
                    return None;
                }
            },
        };
        let unit = self.unit(q.unit.as_deref().unwrap_or(written), q.span)?;
        let ty = if boolean { Type::Boolean } else { Type::of(&unit, unit.is_affine()) };
        Some(self.add(scope, name, node, Source::Document, value, ty))
    }

    fn unit(&mut self, text: &str, span: Span) -> Option<Unit> {
        match text.parse() {
            Ok(unit) => Some(unit),
            Err(e) => {
                let d = Diagnostic::error("unknown-unit", span, e.to_string());
                self.push(match e.help() {
                    Some(help) => d.help(help),
                    None => d,
                });
                None
            }
        }
    }

    fn add(
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
    fn resolve(&mut self) {
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

    fn lookup(&mut self, behavior: usize, object: Option<&Str>, name: &Str) -> Option<Target> {
        let label = match object {
            None => {
                if let Some(&target) = self.scopes[behavior].get(name) {
                    return Some(target);
                }
                self.labels[behavior].clone()
            }
            Some(object) if object == "event" && !self.by_label.contains_key(object) => {
                object.clone()
            }
            Some(object) => {
                let (other, _) = *self.by_label.get(object)?;
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
        let target = self.outside(&key.0, name)?;
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

    /// Orders, checks and emits everything.
    fn generate(mut self, calculations: usize, mut rules: Vec<trigger::Rule>) -> Program {
        let named = self.inputs.len() + self.drafts.len();
        let deepest = self.drafts.iter().filter_map(|d| Some(d.parsed.as_ref()?.nodes.len())).max();
        let mut builder = Builder::new(named, deepest.unwrap_or(0));
        let mut standings = vec![Standing::Ready; self.drafts.len()];
        let order = self.sort(calculations, &mut standings);
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
                standings[at] = Standing::Invalid("formula-syntax");
                continue;
            };
            let annotation = match annotation {
                Err(()) => {
                    standings[at] = Standing::Invalid("unknown-unit");
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
                    Target::Calculation(c) if standings[c as usize] == Standing::Ready => {
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
            for d in found {
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
                    standings[at] = match error {
                        Some(code) => Standing::Invalid(code),
                        None if blocked => Standing::Blocked,
                        None => Standing::Invalid("formula-syntax"),
                    };
                }
            }
        }
        let order: Vec<u32> =
            order.into_iter().filter(|&at| standings[at as usize] == Standing::Ready).collect();
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
        let declared: Vec<_> = self.behaviors.iter().flat_map(|b| b.calculations.iter()).collect();
        for (at, declared) in declared.into_iter().enumerate().take(calculations) {
            let scope = self.labels[self.drafts[at].behavior].clone();
            names.entry((scope.clone(), declared.name.clone())).or_insert(first + at as u32);
            list.push(Calculation {
                scope,
                name: declared.name.clone(),
                node: declared.node,
                formula: self.drafts[at].text.clone(),
                standing: standings[at],
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
            rule.link(calculations, &standings, &names);
        }
        let (starts, readers) = readers(named, &order, &list);
        Program {
            inputs: self.inputs,
            calculations: list,
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
        let behavior = &self.behaviors[draft.behavior];
        let Some(declared) = behavior.calculations.get(draft.index) else { return Ok(None) };
        match &declared.unit {
            None => Ok(None),
            Some(text) => self.unit(text, declared.span).map(Some).ok_or(()),
        }
    }

    /// Dependency order (A. B. Kahn, "Topological sorting of large networks", 1962);
    /// what is left over lies on cycles or behind them.
    fn sort(&mut self, calculations: usize, standings: &mut [Standing]) -> Vec<u32> {
        let depends = |draft: &Draft| {
            draft
                .targets
                .iter()
                .filter_map(|t| match t {
                    Some(Target::Calculation(c)) => Some(*c),
                    _ => None,
                })
                .collect::<Vec<u32>>()
        };
        let needs: Vec<Vec<u32>> = self.drafts[..calculations].iter().map(depends).collect();
        let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); calculations];
        for (at, needs) in needs.iter().enumerate() {
            for &n in needs {
                readers[n as usize].push(at as u32);
            }
        }
        let mut order = Vec::with_capacity(calculations);
        let mut ready: VecDeque<u32> =
            (0..calculations as u32).filter(|&at| waiting[at as usize] == 0).collect();
        while let Some(at) = ready.pop_front() {
            order.push(at);
            for &reader in &readers[at as usize] {
                waiting[reader as usize] -= 1;
                if waiting[reader as usize] == 0 {
                    ready.push_back(reader);
                }
            }
        }
        self.cycles(&needs, &waiting, standings);
        order
    }

    /// Follows unmet needs from every leftover until the path bites its tail.
    fn cycles(&mut self, needs: &[Vec<u32>], waiting: &[usize], standings: &mut [Standing]) {
        let mut seen = vec![0_u32; needs.len()];
        for start in (0..needs.len()).filter(|&at| waiting[at] > 0) {
            let mark = start as u32 + 1;
            let (mut at, mut path) = (start, Vec::new());
            while seen[at] == 0 {
                seen[at] = mark;
                path.push(at);
                let Some(&next) = needs[at].iter().find(|&&n| waiting[n as usize] > 0) else {
                    break;
                };
                at = next as usize;
            }
            if standings[start] == Standing::Ready {
                standings[start] = Standing::Blocked;
            }
            if seen[at] != mark {
                continue;
            }
            let Some(from) = path.iter().position(|&p| p == at) else { continue };
            let cycle = &path[from..];
            let name = |&at: &usize| {
                let draft = &self.drafts[at];
                let own = self.scopes[draft.behavior]
                    .iter()
                    .find(|(_, t)| **t == Target::Calculation(at as u32))
                    .map_or("", |(name, _)| name.as_str());
                format!("{}.{own}", self.labels[draft.behavior])
            };
            let mut names: Vec<String> = cycle.iter().take(32).map(name).collect();
            if cycle.len() > 32 {
                names.push(format!("... {} more", cycle.len() - 32));
            }
            names.extend(cycle.first().map(name));
            let message = format!("these formulas need each other: {}", names.join(" -> "));
            let place = self.drafts[cycle[0]].place;
            for &at in cycle {
                standings[at] = Standing::Invalid("formula-cycle");
            }
            self.push(Diagnostic::error("formula-cycle", place, message));
        }
    }
}

/// For every slot, the ranks of the calculations that read it.
fn readers(named: usize, order: &[u32], list: &[Calculation]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; named + 1];
    let reads = |&at: &u32| list[at as usize].reads.iter().map(|&r| r as usize);
    for slot in order.iter().flat_map(reads) {
        starts[slot + 1] += 1;
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut readers = vec![0_u32; starts.last().map_or(0, |&n| n as usize)];
    for (rank, at) in order.iter().enumerate() {
        for slot in reads(at) {
            readers[next[slot] as usize] = rank as u32;
            next[slot] += 1;
        }
    }
    (starts, readers)
}

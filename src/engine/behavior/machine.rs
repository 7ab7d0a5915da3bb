//! The state triggers work on, and what an event does to it.
//!
//! Whether an element is on stands in the document (`arx:state`), so that an undo
//! of the change is an undo of the state. The machine keeps the rest: inputs that
//! were updated, actions that are due later, and which conditions held.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::event::Event;
use super::firing::{Firing, Work, find, is_on, key, name_of};
use super::formula::run;
use super::inputs::{Measures, Values};
use super::program::{Evaluation, Program, Source, ValueId};
use super::rule::{AUTO_OFF_SECONDS, Action, Operand, Rule};
use crate::document::{Document, NodeId, Ns};
use svgx_base::budget::{Budget, Class, Tier, Time};

/// Events that may set off each other in one call.
pub const CASCADE_DEPTH: usize = 16;
/// Actions one call may run.
pub const ACTIONS: usize = 10_000;
/// Delayed actions that may wait.
pub const PENDING: usize = 10_000;

/// A number that is hashed and compared by its bits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Bits(f64);

impl PartialEq for Bits {
    fn eq(&self, other: &Bits) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Bits {}

impl Hash for Bits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// An action that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Pending {
    due: Time,
    /// Order of scheduling, so that equal times keep it.
    sequence: u64,
    rule: u32,
    target: String,
}

/// The state of the triggers of one document. Serialisable, hashable; two machines
/// that are equal answer every event equally.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Inputs that differ from the document: `scope` and `name` to value.
    values: BTreeMap<String, Bits>,
    pending: BTreeSet<Pending>,
    /// Conditions that held when last looked at, by rule.
    held: BTreeSet<u32>,
    sequence: u64,
    /// What is measured now.
    #[serde(skip)]
    pub(super) measures: Arc<Measures>,
    #[serde(skip)]
    evaluation: Option<Box<Evaluation>>,
}

impl PartialEq for Machine {
    fn eq(&self, other: &Machine) -> bool {
        self.values == other.values
            && self.pending == other.pending
            && self.held == other.held
            && self.sequence == other.sequence
    }
}

impl Eq for Machine {}

impl Hash for Machine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.values, &self.pending, &self.held, self.sequence).hash(state);
    }
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The element.
    #[serde(serialize_with = "node_number")]
    pub node: NodeId,
    /// Its id, if it has one.
    pub element: Option<String>,
    /// What changed.
    #[serde(flatten)]
    pub what: What,
}

fn node_number<S: Serializer>(node: &NodeId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(node.index() as u64)
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// An attribute of the document. `arx:state` and `arx:highlight` are how states appear.
    Attribute {
        /// Its name; names of the language start with `arx:`.
        name: String,
        /// Its former value; `None` if it was not there.
        old: Option<String>,
        /// Its value; `None` if it was removed.
        new: Option<String>,
    },
    /// An input was set or a result followed.
    Value {
        /// `scope.name`.
        name: String,
        /// Its former value; `None` if it had none.
        old: Option<f64>,
        /// Its value; `None` if it has none now.
        new: Option<f64>,
        /// Its unit.
        unit: Option<String>,
    },
    /// A trigger ran.
    Ran {
        /// The event it waited for.
        event: String,
        /// What it did, as it is written in documents.
        action: &'static str,
    },
    /// A message, an animation, or an action that could not be done: nothing in the document changed.
    Record {
        /// `log`, `animate`, `scheduled`, `cancelled` or `failed`.
        action: &'static str,
        /// What is to be said.
        message: String,
    },
}

impl Machine {
    /// The machine of a drawing that was just loaded: nothing has happened yet, and a
    /// condition that holds already has not come to hold.
    pub fn new(document: &Document, program: &Program) -> Machine {
        Machine::with(document, program, Measures::new())
    }

    /// The same, where formulas read what is measured.
    pub fn with(document: &Document, program: &Program, measures: Measures) -> Machine {
        let mut machine = Machine { measures: Arc::new(measures), ..Machine::default() };
        for (number, rule) in program.conditions() {
            if machine.holds(document, program, rule, &Event::condition(Time(0))) {
                machine.held.insert(number);
            }
        }
        machine
    }

    /// Runs what `event` triggers and answers what changed, in order.
    ///
    /// A trigger hears an event on its own element, on anything inside it, and events
    /// without a target. The call is bounded by [`CASCADE_DEPTH`] and [`ACTIONS`].
    pub fn fire(
        &mut self,
        document: &mut Document,
        program: &Program,
        event: &Event,
    ) -> Vec<Change> {
        let mut firing = Firing::new(document, program, event.time);
        firing.queue.push_back((Work::Hear(event.clone()), 0));
        self.drain(&mut firing);
        firing.changes
    }

    /// Runs every delayed action that is due at `now`, in the order of their times.
    pub fn due(&mut self, document: &mut Document, program: &Program, now: Time) -> Vec<Change> {
        let mut firing = Firing::new(document, program, now);
        while let Some(first) = self.pending.first() {
            if first.due > now || firing.actions >= ACTIONS {
                break;
            }
            let Some(p) = self.pending.pop_first() else { break };
            if let Some(node) = find(firing.document, program, &p.target) {
                let event = Event { time: p.due, ..Event::on("time", &p.target) };
                let work = Work::Act { rule: p.rule as usize, node, event };
                firing.queue.push_back((work, 0));
                self.drain(&mut firing);
            }
        }
        firing.changes
    }

    /// When the next delayed action is due.
    pub fn next_due(&self) -> Option<Time> {
        self.pending.first().map(|p| p.due)
    }

    /// Sets an input from outside (a sensor, a form) and runs the conditions that come to hold.
    pub fn set(
        &mut self,
        document: &mut Document,
        program: &Program,
        input: ValueId,
        value: f64,
        now: Time,
    ) -> Vec<Change> {
        let mut firing = Firing::new(document, program, now);
        self.update(&mut firing, input.0, value);
        self.drain(&mut firing);
        firing.changes
    }

    /// Runs the conditions that came to hold by edits of the document.
    pub fn check_conditions(
        &mut self,
        document: &mut Document,
        program: &Program,
        now: Time,
    ) -> Vec<Change> {
        let mut firing = Firing::new(document, program, now);
        self.conditions(&mut firing);
        self.drain(&mut firing);
        firing.changes
    }

    /// Takes over the inputs that are written on `node`, after an edit of it. What a trigger
    /// had set them to counts no longer.
    pub fn read_inputs(&mut self, document: &Document, program: &Program, node: NodeId) {
        for (slot, input) in program.inputs_on(node) {
            let Some(value) = program.written(document, input) else { continue };
            let before = self.evaluation.as_ref().map(|e| e.slots[slot as usize]);
            if before.is_some_and(|before| before.to_bits() == value.to_bits()) {
                continue;
            }
            self.values.remove(&key(&input.scope, &input.name));
            if let Some(evaluation) = &mut self.evaluation {
                program.propagate(evaluation, slot, value, &mut |_, _, _| ());
            }
        }
    }

    /// All values now, to be compared with those after an edit.
    pub fn values(&mut self, document: &Document, program: &Arc<Program>) -> Values {
        Values::of(program, self.refresh(document, program))
    }

    /// Which values differ from those of `before`.
    pub fn values_since(
        &mut self,
        document: &Document,
        program: &Arc<Program>,
        before: &Values,
    ) -> Vec<Change> {
        let evaluation = self.refresh(document, program);
        before.differences(program, document, evaluation)
    }

    /// The values now: those of the document with the updates on top.
    pub fn evaluation(&mut self, document: &Document, program: &Program) -> &Evaluation {
        self.refresh(document, program)
    }

    /// Drops the delayed actions up to `now`; to be called on a former state that is taken up
    /// again, whose actions have been done since.
    pub fn forget_until(&mut self, now: Time) {
        self.pending.retain(|p| p.due > now);
    }

    /// Takes over from the program `old`, of which `new` was compiled after edits: rules have
    /// other numbers, some are gone and their delayed actions with them. A condition that came
    /// with the edits and holds already has not come to hold.
    pub fn renumber(&mut self, document: &Document, old: &Program, new: &Program) {
        self.invalidate();
        let places: std::collections::HashMap<NodeId, u32> =
            new.rules.iter().map(|rule| rule.node).zip(0..).collect();
        let place = |number: u32| {
            let rule = old.rules.get(number as usize)?;
            places.get(&rule.node).copied()
        };
        self.held = self.held.iter().filter_map(|&number| place(number)).collect();
        let pending = std::mem::take(&mut self.pending);
        let kept = pending.into_iter().filter_map(|p| Some(Pending { rule: place(p.rule)?, ..p }));
        self.pending = kept.collect();
        let known: BTreeSet<NodeId> = old.rules.iter().map(|rule| rule.node).collect();
        for (number, rule) in new.conditions().filter(|(_, rule)| !known.contains(&rule.node)) {
            if self.holds(document, new, rule, &Event::condition(Time(0))) {
                self.held.insert(number);
            }
        }
    }

    /// Forgets derived values; to be called when the program was compiled anew.
    pub fn invalidate(&mut self) {
        self.evaluation = None;
    }

    pub(super) fn refresh(&mut self, document: &Document, program: &Program) -> &mut Evaluation {
        let fits = |e: &Evaluation| e.slots.len() == program.template.len();
        let kept = self.evaluation.take().filter(|e| fits(e));
        let (values, measures) = (&self.values, &self.measures);
        self.evaluation.insert(kept.unwrap_or_else(|| {
            let mut evaluation = program.start();
            for (slot, input) in program.inputs.iter().enumerate() {
                let value = match input.source {
                    Source::On(node) => Some(f64::from(u8::from(is_on(document, node)))),
                    Source::Event => None,
                    Source::Measure => measures.get(&input.node).copied(),
                    Source::Constraint => program.written(document, input),
                    Source::Document => values
                        .get(&key(&input.scope, &input.name))
                        .map(|value| value.0)
                        .or_else(|| program.written(document, input)),
                };
                if let Some(value) = value {
                    evaluation.slots[slot] = value;
                }
            }
            let free = Budget::unlimited(Class::Ui, Tier::Compute);
            // Without a deadline the only stop is a cancel nobody holds.
            let _ = program.evaluate_all(&mut evaluation, &free);
            Box::new(evaluation)
        }))
    }

    fn drain(&mut self, firing: &mut Firing<'_>) {
        while let Some((work, depth)) = firing.queue.pop_front() {
            if depth > CASCADE_DEPTH {
                let message =
                    format!("events set off each other more than {CASCADE_DEPTH} deep; stopped");
                firing.queue.clear();
                return firing.record(NodeId::ROOT, "failed", message);
            }
            firing.depth = depth;
            match work {
                Work::Hear(event) => self.hear(firing, &event),
                Work::Act { rule, node, event } => {
                    firing.actions += 1;
                    if firing.actions > ACTIONS {
                        let message = format!("more than {ACTIONS} actions; the rest is left out");
                        firing.queue.clear();
                        return firing.record(NodeId::ROOT, "failed", message);
                    }
                    if let Some(rule) = firing.program.rules.get(rule) {
                        self.act(firing, rule, node, &event);
                    }
                }
            }
        }
    }

    fn hear(&mut self, firing: &mut Firing<'_>, event: &Event) {
        let program = firing.program;
        let Some(chain) = firing.chain(event) else {
            let id = event.target.clone().unwrap_or_default();
            return firing.record(NodeId::ROOT, "failed", format!("there is no element {id:?}"));
        };
        for (number, rule) in program.rules.iter().enumerate() {
            if rule.event != event.kind.as_str()
                || !self.holds(firing.document, program, rule, event)
            {
                continue;
            }
            self.start(firing, number, rule, event, &chain);
        }
    }

    /// Schedules a rule's action, or puts it next in line.
    fn start(
        &mut self,
        firing: &mut Firing<'_>,
        number: usize,
        rule: &Rule,
        event: &Event,
        chain: &[NodeId],
    ) {
        for node in firing.targets(rule, event, chain) {
            match rule.delay {
                Some(delay) if delay > 0.0 => self.schedule(firing, number, node, delay),
                _ => {
                    let depth = firing.depth;
                    let work = Work::Act { rule: number, node, event: event.clone() };
                    firing.queue.push_back((work, depth));
                }
            }
        }
    }

    fn schedule(&mut self, firing: &mut Firing<'_>, rule: usize, node: NodeId, delay: f64) {
        if self.pending.len() >= PENDING {
            let message = format!("{PENDING} delayed actions already wait, which is the limit");
            return firing.record(node, "failed", message);
        }
        let due = firing.now.after(Duration::from_secs_f64(delay));
        self.sequence += 1;
        let target = name_of(firing.document, node);
        self.pending.insert(Pending { due, sequence: self.sequence, rule: rule as u32, target });
        firing.record(node, "scheduled", format!("in {delay} s"));
    }

    fn holds(
        &mut self,
        document: &Document,
        program: &Program,
        rule: &Rule,
        event: &Event,
    ) -> bool {
        match rule.condition {
            None => true,
            Some(at) => self.compute(document, program, at, event).is_some_and(|v| v != 0.0),
        }
    }

    /// Runs a formula of a trigger; `None` when it has no value.
    fn compute(
        &mut self,
        document: &Document,
        program: &Program,
        at: usize,
        event: &Event,
    ) -> Option<f64> {
        let expression = program.expressions.get(at)?;
        let evaluation = self.refresh(document, program);
        for (slot, input) in program.inputs.iter().enumerate() {
            if input.source == Source::Event {
                evaluation.slots[slot] = event.field(&input.name);
            }
        }
        let code = program.code.instructions.get(expression.code.clone())?;
        run(code, &mut evaluation.slots);
        evaluation.slots.get(expression.result as usize).copied().filter(|v| v.is_finite())
    }

    fn act(&mut self, firing: &mut Firing<'_>, rule: &Rule, node: NodeId, event: &Event) {
        if rule.action != Action::None {
            let (event, action) = (event.kind.clone(), rule.action.name());
            firing.change(node, What::Ran { event, action });
        }
        match &rule.action {
            Action::Toggle => {
                let on = !is_on(firing.document, node);
                self.switch(firing, node, on);
            }
            Action::TurnOn => self.switch(firing, node, true),
            Action::TurnOff | Action::AutoOff => self.switch(firing, node, false),
            Action::Highlight => firing.attribute(node, Ns::Arx, "highlight", Some("true")),
            Action::SetState(state) => {
                firing.attribute(node, Ns::Arx, "state", Some(state));
                self.state_changed(firing, node);
            }
            Action::SetAttribute { ns, name, value } => {
                let text = match value {
                    Operand::Text(text) => text.to_string(),
                    Operand::Formula(at) => {
                        match self.compute(firing.document, firing.program, *at, event) {
                            Some(number) => number.to_string(),
                            None => {
                                let message = format!("the formula for {name} has no value");
                                return firing.record(node, "failed", message);
                            }
                        }
                    }
                };
                firing.attribute(node, *ns, name, Some(&text));
            }
            Action::Update { name, slot, value, .. } => {
                let number = match value {
                    Operand::Formula(at) => {
                        self.compute(firing.document, firing.program, *at, event)
                    }
                    Operand::Text(_) => None,
                };
                match (slot, number) {
                    (Some(slot), Some(number)) => self.update(firing, *slot, number),
                    _ => firing.record(node, "failed", format!("{name} could not be updated")),
                }
            }
            Action::Log(message) => firing.record(node, "log", message.to_string()),
            Action::Animate(what) => firing.record(node, "animate", what.to_string()),
            Action::Cascade(kind) => {
                let target = name_of(firing.document, node);
                let event = Event { kind: kind.to_string(), target: Some(target), ..event.clone() };
                let depth = firing.depth + 1;
                firing.queue.push_back((Work::Hear(event), depth));
            }
            Action::None => {}
        }
    }

    /// Switches an element; off cancels its waiting `auto_off`, on starts those on `time`.
    fn switch(&mut self, firing: &mut Firing<'_>, node: NodeId, on: bool) {
        firing.attribute(node, Ns::Arx, "state", Some(if on { "on" } else { "off" }));
        let name = name_of(firing.document, node);
        let program = firing.program;
        let auto_off = |rule: u32| {
            program.rules.get(rule as usize).is_some_and(|r| r.action == Action::AutoOff)
        };
        self.pending.retain(|p| p.target != name || !auto_off(p.rule));
        if on {
            for (number, rule) in program.rules.iter().enumerate() {
                let own = rule
                    .target
                    .as_ref()
                    .map_or_else(|| rule.owner == Some(node), |target| target.as_str() == name);
                if rule.event == "time" && rule.action == Action::AutoOff && own {
                    self.schedule(firing, number, node, rule.delay.unwrap_or(AUTO_OFF_SECONDS));
                }
            }
        }
        self.state_changed(firing, node);
    }

    fn state_changed(&mut self, firing: &mut Firing<'_>, node: NodeId) {
        let on = f64::from(u8::from(is_on(firing.document, node)));
        let slots = firing.program.inputs.iter().enumerate();
        let slots: Vec<u32> =
            slots.filter(|(_, i)| i.source == Source::On(node)).map(|(s, _)| s as u32).collect();
        for slot in slots {
            self.follow(firing, slot, on);
        }
    }

    /// Sets an input for good.
    fn update(&mut self, firing: &mut Firing<'_>, slot: u32, value: f64) {
        let Some(input) = firing.program.inputs.get(slot as usize) else {
            let message = "a calculated value cannot be set".to_owned();
            return firing.record(NodeId::ROOT, "failed", message);
        };
        if matches!(input.source, Source::Constraint | Source::Measure) {
            let message = format!("no trigger sets {}.{}", input.scope, input.name);
            return firing.record(input.node, "failed", message);
        }
        if !value.is_finite() {
            let message = format!("{}.{} cannot be set to {value}", input.scope, input.name);
            return firing.record(input.node, "failed", message);
        }
        self.values.insert(key(&input.scope, &input.name), Bits(value));
        self.follow(firing, slot, value);
    }

    /// Sets a slot, reports it and what follows from it, and runs conditions that come to hold.
    fn follow(&mut self, firing: &mut Firing<'_>, slot: u32, value: f64) {
        let program = firing.program;
        let evaluation = self.refresh(firing.document, program);
        let mut followed = Vec::new();
        program.propagate(evaluation, slot, value, &mut |id, old, new| {
            followed.push((id, old, new));
        });
        for (id, old, new) in followed {
            let input = program.inputs.get(id.0 as usize);
            if input.is_some_and(|i| matches!(i.source, Source::Event | Source::On(_))) {
                continue;
            }
            let Some((_, _, node)) = program.describe(id) else { continue };
            firing.change(node, program.value_change(id, old, new));
        }
        self.conditions(firing);
    }

    /// Runs the conditions that did not hold when last looked at and hold now.
    fn conditions(&mut self, firing: &mut Firing<'_>) {
        let program = firing.program;
        let event = Event::condition(firing.now);
        for (number, rule) in program.conditions() {
            if !self.holds(firing.document, program, rule, &event) {
                self.held.remove(&number);
            } else if self.held.insert(number) {
                // One deeper: conditions that set each other off end like any cascade.
                firing.depth += 1;
                self.start(firing, number as usize, rule, &event, &[]);
                firing.depth -= 1;
            }
        }
    }
}

//! The state triggers work on, and what an event does to it.
//!
//! Whether an element is on stands in the document (`arx:state`), so that an undo
//! of the change is an undo of the state. The machine keeps the rest: inputs that
//! were updated, actions that are due later, and which conditions held.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::event::Event;
use super::formula::run;
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

/// One call's working state.
struct Firing<'f> {
    document: &'f mut Document,
    program: &'f Program,
    changes: Vec<Change>,
    queue: VecDeque<(Work, usize)>,
    /// How many events stand between this work and the one that was fired.
    depth: usize,
    actions: usize,
    now: Time,
}

/// What is left to do, in order. A queue and not calls, so that no document chooses our stack.
enum Work {
    Hear(Event),
    Act { rule: usize, node: NodeId, event: Event },
}

impl Machine {
    /// A machine for which nothing has happened yet.
    pub fn new() -> Machine {
        Machine::default()
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

    /// The values now: those of the document with the updates on top.
    pub fn evaluation(&mut self, document: &Document, program: &Program) -> &Evaluation {
        self.refresh(document, program)
    }

    /// Drops the delayed actions up to `now`; to be called on a former state that is taken up
    /// again, whose actions have been done since.
    pub fn forget_until(&mut self, now: Time) {
        self.pending.retain(|p| p.due > now);
    }

    /// Forgets derived values; to be called when the program was compiled anew.
    pub fn invalidate(&mut self) {
        self.evaluation = None;
    }

    fn refresh(&mut self, document: &Document, program: &Program) -> &mut Evaluation {
        let fits = |e: &Evaluation| e.slots.len() == program.template.len();
        let kept = self.evaluation.take().filter(|e| fits(e));
        let values = &self.values;
        self.evaluation.insert(kept.unwrap_or_else(|| {
            let mut evaluation = program.start();
            for (slot, input) in program.inputs.iter().enumerate() {
                if let Source::On(node) = input.source {
                    evaluation.slots[slot] = f64::from(u8::from(is_on(document, node)));
                } else if let Some(value) = values.get(&key(&input.scope, &input.name)) {
                    evaluation.slots[slot] = value.0;
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
            if rule.event != event.kind.as_str() || !self.holds(firing, rule, event) {
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

    fn holds(&mut self, firing: &mut Firing<'_>, rule: &Rule, event: &Event) -> bool {
        match rule.condition {
            None => true,
            Some(at) => self.compute(firing, at, event).is_some_and(|v| v != 0.0),
        }
    }

    /// Runs a formula of a trigger; `None` when it has no value.
    fn compute(&mut self, firing: &mut Firing<'_>, at: usize, event: &Event) -> Option<f64> {
        let program = firing.program;
        let expression = program.expressions.get(at)?;
        let evaluation = self.refresh(firing.document, program);
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
                    Operand::Formula(at) => match self.compute(firing, *at, event) {
                        Some(number) => number.to_string(),
                        None => {
                            let message = format!("the formula for {name} has no value");
                            return firing.record(node, "failed", message);
                        }
                    },
                };
                firing.attribute(node, *ns, name, Some(&text));
            }
            Action::Update { name, slot, value, .. } => {
                let number = match value {
                    Operand::Formula(at) => self.compute(firing, *at, event),
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
            if input.is_some_and(|i| i.source != Source::Document) {
                continue;
            }
            let Some((scope, name, node)) = program.describe(id) else { continue };
            let what = What::Value {
                name: format!("{scope}.{name}"),
                old: old.is_finite().then_some(old),
                new: new.is_finite().then_some(new),
                unit: program.unit(id).filter(|u| !u.is_one()).map(|u| u.to_string()),
            };
            firing.change(node, what);
        }
        let quiet = Event { kind: "condition".into(), time: firing.now, ..Event::default() };
        for (number, rule) in program.rules.iter().enumerate() {
            if rule.event != "condition" {
                continue;
            }
            let holds = self.holds(firing, rule, &quiet);
            let number = number as u32;
            if !holds {
                self.held.remove(&number);
            } else if self.held.insert(number) {
                // One deeper: conditions that set each other off end like any cascade.
                firing.depth += 1;
                self.start(firing, number as usize, rule, &quiet, &[]);
                firing.depth -= 1;
            }
        }
    }
}

impl<'f> Firing<'f> {
    fn new(document: &'f mut Document, program: &'f Program, now: Time) -> Firing<'f> {
        let (changes, queue) = (Vec::new(), VecDeque::new());
        Firing { document, program, changes, queue, depth: 0, actions: 0, now }
    }

    fn change(&mut self, node: NodeId, what: What) {
        let element = self.document.id(node).map(str::to_owned);
        self.changes.push(Change { node, element, what });
    }

    fn record(&mut self, node: NodeId, action: &'static str, message: String) {
        self.change(node, What::Record { action, message });
    }

    fn attribute(&mut self, node: NodeId, ns: Ns, name: &str, new: Option<&str>) {
        let old = match new {
            Some(new) => self.document.set_attribute(node, ns, name, new),
            None => self.document.remove_attribute(node, ns, name),
        };
        let old = old.map(|o| o.to_string());
        if old.as_deref() == new {
            return;
        }
        let prefix = if ns == Ns::Arx { "arx:" } else { "" };
        let name = format!("{prefix}{name}");
        self.change(node, What::Attribute { name, old, new: new.map(str::to_owned) });
    }

    /// The element an event happened to and everything around it, innermost first;
    /// empty without a target, `None` when there is no such element.
    fn chain(&self, event: &Event) -> Option<Vec<NodeId>> {
        let Some(id) = &event.target else { return Some(Vec::new()) };
        let node = find(self.document, self.program, id)?;
        let mut chain = Vec::new();
        for around in std::iter::successors(Some(node), |&n| self.document.parent(n)) {
            chain.push(around);
            // A shape that shows an object passes on what happens to it.
            let shown = self.document.arx(around, "object").and_then(|id| self.document.by_id(id));
            chain.extend(shown.filter(|&object| object != around));
        }
        Some(chain)
    }

    /// What a rule acts on if it hears the event.
    fn targets(&self, rule: &Rule, event: &Event, chain: &[NodeId]) -> Vec<NodeId> {
        let everywhere = event.target.is_none();
        let refers = |n: &NodeId| {
            rule.behavior.as_ref().is_some_and(|id| self.document.arx(*n, "behavior") == Some(id))
        };
        let mut listeners: Vec<NodeId> = match rule.owner {
            Some(owner) if everywhere || chain.contains(&owner) => vec![owner],
            _ if rule.behavior.is_none() => Vec::new(),
            _ if everywhere => self.document.elements().filter(refers).take(ACTIONS).collect(),
            _ => chain.iter().copied().filter(refers).collect(),
        };
        if let Some(target) = &rule.target {
            let target = self.document.by_id(target).filter(|_| !listeners.is_empty());
            listeners = target.into_iter().collect();
        }
        listeners
    }
}

fn is_on(document: &Document, node: NodeId) -> bool {
    document.arx(node, "state") == Some("on")
}

fn key(scope: &str, name: &str) -> String {
    format!("{scope}.{name}")
}

/// What a delayed action remembers an element by.
fn name_of(document: &Document, node: NodeId) -> String {
    document.id(node).map_or_else(|| format!("#{}", node.index()), str::to_owned)
}

/// The element called `name`: an id, an object's id, or `#` and its number.
fn find(document: &Document, program: &Program, name: &str) -> Option<NodeId> {
    document
        .by_id(name)
        .or_else(|| program.rules.iter().find(|r| r.label == name).and_then(|r| r.owner))
        .or_else(|| {
            let number: usize = name.strip_prefix('#')?.parse().ok()?;
            document.elements().find(|n| n.index() == number)
        })
}

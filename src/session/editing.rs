//! One session: a document, what is selected and held in it, and how it got there.

mod drag;
mod triggers;

use std::collections::BTreeSet;
use std::sync::Arc;

use kurbo::Point;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::history::{History, Step};
use super::operation::{Coordinates, Operation, Pointer};
use super::outcome::{AttributeChange, DragState, Effect, Outcome, State};
use super::record::{Edit, HistoryMove, Interactive, Record};
use super::sketch::DragSolver;
use super::{ActiveConstraint, attribute};
use svgx_base::budget::{Budget, Time};
use svgx_engine::behavior::{Machine, Program};
use svgx_engine::document::{self, Document, Limits, NodeId, Ns};
use svgx_engine::geometry::Scene;

/// The document of a session that nothing was loaded into.
pub const EMPTY: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000"/>"#;
/// Elements that can be selected at once.
pub const SELECTION: usize = 10_000;
/// Constraints that can be active at once.
pub const CONSTRAINTS: usize = 1_000;
/// Elements in one active constraint.
const CONSTRAINT_ELEMENTS: usize = 16;
/// Bytes in one name that a client gives.
const NAME_BYTES: usize = 256;
/// Coordinates beyond this are refused, in user units: there, a double no longer holds a micrometre.
const FAR: f64 = 1e9;
/// How near the pointer must be to hit a line, in user units.
const HIT_TOLERANCE: f64 = 0.5;

/// A session in memory. It never reads a clock and never does I/O: every call takes the
/// session time, and answers with the record to be stored.
#[derive(Debug)]
pub struct Session {
    text: Arc<str>,
    document: Document,
    scene: Scene,
    program: Program,
    machine: Machine,
    /// The elements in document order; an element's place is its number in the log.
    elements: Vec<NodeId>,
    /// From a node to its number; `u32::MAX` for what is no element.
    numbers: Vec<u32>,
    /// Every attribute that ever changed: what a snapshot has to hold.
    touched: BTreeSet<(u32, String)>,
    interactive: Interactive,
    history: History,
    sequence: u64,
    at: Time,
    limits: Arc<Limits>,
    /// Why the scene could not follow an edit; what was done is taken back then.
    fault: Option<String>,
    /// The solver of the drag in progress, where constraints hold what is dragged. Made from
    /// the drawing when it is not there; gone with the drag.
    constrained: Option<Box<DragSolver>>,
}

/// Everything of a session but its base text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) at: Time,
    /// The attributes that differ from the base text, or once did.
    pub(crate) values: Vec<(u32, String, Option<String>)>,
    pub(crate) interactive: Interactive,
    pub(crate) history: History,
    pub(crate) machine: Option<serde_json::Value>,
}

/// What an operation has done so far.
#[derive(Debug, Default)]
struct Work {
    edits: Vec<Edit>,
    /// How many of the edits were delayed actions.
    delayed: usize,
    history: HistoryMove,
    effect: Effect,
}

impl Session {
    /// A session on a document.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::Geometry`], [`Error::Stopped`].
    pub fn new(text: &str, limits: Arc<Limits>, budget: &Budget) -> Result<Session, Error> {
        let text: Arc<str> = Arc::from(text);
        let document = document::parse(&text, &limits).map_err(Error::Document)?;
        let scene =
            Scene::build(&document, &limits, budget).map_err(|e| Error::Geometry(e.to_string()))?;
        budget.checkpoint()?;
        let program = Program::compile(&document, &limits);
        let elements: Vec<NodeId> = document.elements().collect();
        let mut numbers = vec![u32::MAX; document.node_count()];
        for (number, node) in (0..).zip(&elements) {
            if let Some(n) = numbers.get_mut(node.index()) {
                *n = number;
            }
        }
        Ok(Session {
            text,
            document,
            scene,
            program,
            machine: Machine::new(),
            elements,
            numbers,
            touched: BTreeSet::new(),
            interactive: Interactive::default(),
            history: History::default(),
            sequence: 0,
            at: Time(0),
            limits,
            fault: None,
            constrained: None,
        })
    }

    /// The document as it is now, edits included.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The geometry of the document as it is now.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The text the document was read from, before any edit.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// How many records the session has produced, over all its openings.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The session time of the last record.
    pub fn time(&self) -> Time {
        self.at
    }

    /// The interactive state.
    pub fn state(&self) -> State {
        let i = &self.interactive;
        State {
            selected_elements: i.selected.iter().map(|&n| self.label(n)).collect(),
            hovered_element: i.hovered.map(|n| self.label(n)),
            drag_state: i.held.as_ref().map_or_else(DragState::default, |held| DragState {
                active: true,
                element_id: Some(self.label(held.element)),
                start_coordinates: Some(held.start),
            }),
            constraints: i.constraints.clone(),
            precision_level: i.precision,
            undo_depth: self.history.undo_depth(),
            redo_depth: self.history.redo_depth(),
            sequence: self.sequence,
        }
    }

    /// Does one operation at session time `now`. Answers what it did and, when something changed
    /// that is worth keeping, the record of it.
    ///
    /// # Errors
    /// See [`Error`]; the session is then as it was.
    pub(crate) fn apply(
        &mut self,
        operation: &Operation,
        now: Time,
        budget: &Budget,
    ) -> Result<(Outcome, Option<Record>), Error> {
        budget.checkpoint()?;
        let interactive = self.interactive.clone();
        let machine = self.machine.clone();
        let mut work = Work::default();
        self.overdue(now, &mut work);
        let done = self.perform(operation, now, budget, &mut work);
        let fault = self.fault.take().map(Error::Geometry);
        if let Some(error) = done.err().or(fault) {
            self.take_back(&work.edits);
            self.fault = None;
            self.constrained = None;
            self.interactive = interactive;
            self.machine = machine;
            return Err(error);
        }
        work.effect.attributes_changed = work
            .edits
            .iter()
            .map(|edit| AttributeChange {
                element_id: self.label(edit.element),
                name: edit.attribute.clone(),
                old_value: edit.old.clone(),
                new_value: edit.new.clone(),
            })
            .collect();
        let changed_state = self.interactive != interactive;
        let changed_machine = self.machine != machine;
        let mut record = None;
        if !work.edits.is_empty()
            || work.history != HistoryMove::Keep
            || changed_machine
            || (changed_state && !self.only_hovered(&interactive))
        {
            self.at = self.at.max(now);
            self.sequence += 1;
            let entry = Record {
                at: self.at,
                operation: operation.name().to_owned(),
                history: work.history,
                interactive: changed_state.then(|| self.interactive.clone()),
                machine: changed_machine.then(|| written(&self.machine)),
                delayed: work.delayed,
                edits: work.edits,
            };
            self.note(&entry, &machine);
            record = Some(entry);
        }
        let outcome = Outcome {
            operation: operation.name().to_owned(),
            result: work.effect,
            state: self.state(),
        };
        Ok((outcome, record))
    }

    /// Does again what a record says. The way back from the log.
    ///
    /// # Errors
    /// A sentence, when the record does not fit this session.
    pub(crate) fn replay(&mut self, record: &Record) -> Result<(), String> {
        for edit in &record.edits {
            self.write(edit.element, &edit.attribute, edit.new.as_deref()).ok_or_else(|| {
                format!("no attribute {} on element {}", edit.attribute, edit.element)
            })?;
        }
        if let Some(interactive) = &record.interactive {
            self.interactive.clone_from(interactive);
        }
        let before = self.machine.clone();
        if let Some(machine) = &record.machine {
            self.machine = read(machine)?;
        }
        self.at = record.at;
        self.sequence += 1;
        self.note(record, &before);
        Ok(())
    }

    /// What to store so that the log can begin anew.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let value = |(number, name): &(u32, String)| {
            let node = self.node(*number)?;
            let value = attribute::value(&self.document, node, name).map(str::to_owned);
            Some((*number, name.clone(), value))
        };
        Snapshot {
            at: self.at,
            values: self.touched.iter().filter_map(value).collect(),
            interactive: self.interactive.clone(),
            history: self.history.clone(),
            machine: (self.machine != Machine::new()).then(|| written(&self.machine)),
        }
    }

    /// Brings a session on its base text to where a snapshot was taken.
    ///
    /// # Errors
    /// A sentence, when the snapshot does not fit this session.
    pub(crate) fn restore(&mut self, snapshot: Snapshot, sequence: u64) -> Result<(), String> {
        for (number, name, value) in &snapshot.values {
            self.write(*number, name, value.as_deref())
                .ok_or_else(|| format!("no attribute {name} on element {number}"))?;
            self.touched.insert((*number, name.clone()));
        }
        if let Some(machine) = &snapshot.machine {
            self.machine = read(machine)?;
        }
        self.interactive = snapshot.interactive;
        self.history = snapshot.history;
        self.at = snapshot.at;
        self.sequence = sequence;
        Ok(())
    }

    /// Lets the sequence of a session that lost records begin after the last one stored.
    pub(crate) fn skip_to(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    fn note(&mut self, record: &Record, before: &Machine) {
        for edit in &record.edits {
            self.touched.insert((edit.element, edit.attribute.clone()));
        }
        let edits = match record.history {
            HistoryMove::Push | HistoryMove::Extend => {
                record.edits.get(record.delayed..).unwrap_or_default().to_vec()
            }
            _ => Vec::new(),
        };
        let machine_before = record.machine.as_ref().map(|_| written(before));
        let machine_after = record.machine.clone();
        self.history.advance(record.history, Step { edits, machine_before, machine_after });
    }

    fn only_hovered(&self, before: &Interactive) -> bool {
        *before == Interactive { hovered: before.hovered, ..self.interactive.clone() }
    }

    // ===== elements =====

    fn node(&self, number: u32) -> Option<NodeId> {
        self.elements.get(number as usize).copied()
    }

    fn number(&self, node: NodeId) -> u32 {
        self.numbers.get(node.index()).copied().unwrap_or(u32::MAX)
    }

    /// What an element is called outside: its id, or `@N`.
    fn label(&self, number: u32) -> String {
        self.node(number)
            .and_then(|node| self.document.id(node))
            .map_or_else(|| format!("@{number}"), str::to_owned)
    }

    fn named(&self, id: &str) -> Result<u32, Error> {
        let by_number = || id.strip_prefix('@')?.parse().ok().filter(|n| self.node(*n).is_some());
        let by_id = self.document.by_id(id).map(|node| self.number(node));
        by_id
            .or_else(by_number)
            .ok_or_else(|| Error::UnknownElement { id: id.chars().take(64).collect() })
    }

    /// The element that is pointed at; `None` for empty space.
    fn target(&self, pointer: &Pointer, operation: &'static str) -> Result<Option<u32>, Error> {
        if let Some(coordinates) = pointer.coordinates {
            check(coordinates)?;
        }
        match (&pointer.element_id, pointer.coordinates) {
            (Some(id), _) => self.named(id).map(Some),
            (None, Some(at)) => {
                let hits = self.scene.hit(Point::new(at.x, at.y), HIT_TOLERANCE);
                Ok(hits.first().map(|&node| self.number(node)))
            }
            (None, None) => Err(Error::MissingTarget { operation }),
        }
    }

    // ===== attributes =====

    /// Sets or removes; answers the old value, and `None` when there is no such place.
    fn write(&mut self, number: u32, name: &str, value: Option<&str>) -> Option<Option<String>> {
        let node = self.node(number)?;
        let (ns, local) = attribute::resolve(&self.document, name)?;
        let old = match value {
            Some(value) => self.document.set_attribute(node, ns, local, value),
            None => self.document.remove_attribute(node, ns, local),
        };
        if (ns, local) == (Ns::Arx, "state") {
            self.machine.invalidate();
        }
        self.follow(node);
        Some(old.map(|s| s.to_string()))
    }

    /// Brings the scene up to date after an edit of `node`.
    fn follow(&mut self, node: NodeId) {
        if let Err(error) = self.scene.update(&self.document, node, &self.limits) {
            self.fault = Some(error.to_string());
        }
    }

    /// Writes and remembers, unless the value is already there.
    fn set(&mut self, work: &mut Work, number: u32, name: &str, value: Option<&str>) {
        let Some(node) = self.node(number) else { return };
        if attribute::value(&self.document, node, name) == value {
            return;
        }
        if let Some(old) = self.write(number, name, value) {
            work.edits.push(Edit {
                element: number,
                attribute: name.to_owned(),
                old,
                new: value.map(str::to_owned),
            });
        }
    }

    fn take_back(&mut self, edits: &[Edit]) {
        for edit in edits.iter().rev() {
            self.write(edit.element, &edit.attribute, edit.old.as_deref());
        }
    }

    // ===== operations =====

    fn perform(
        &mut self,
        operation: &Operation,
        now: Time,
        budget: &Budget,
        work: &mut Work,
    ) -> Result<(), Error> {
        if !matches!(operation, Operation::DragMove(_) | Operation::Hover(_)) {
            // Whatever else happens may change what the solver was made from.
            let held = self.constrained.take();
            if matches!(operation, Operation::DragEnd(_)) {
                self.constrained = held;
            }
        }
        match operation {
            Operation::Click(pointer) => {
                let target = self.select(pointer, "click", work)?;
                if target.is_some() {
                    let at = pointer.coordinates;
                    self.fire(self.event("click", target, at, now), work);
                }
                push_if_edited(work);
            }
            Operation::Select(pointer) => {
                self.select(pointer, "select", work)?;
            }
            Operation::Deselect(pointer) => {
                if pointer.element_id.is_none() && pointer.coordinates.is_none() {
                    self.interactive.selected.clear();
                } else if let Some(target) = self.target(pointer, "deselect")? {
                    work.effect.element_id = Some(self.label(target));
                    self.interactive.selected.retain(|&n| n != target);
                }
            }
            Operation::Hover(pointer) => {
                let target = self.target(pointer, "hover")?;
                work.effect.element_id = target.map(|n| self.label(n));
                if self.interactive.hovered != target {
                    self.interactive.hovered = target;
                    // Leaving for empty space is no hover of everything.
                    if target.is_some() {
                        let at = pointer.coordinates;
                        self.fire(self.event("hover", target, at, now), work);
                        push_if_edited(work);
                    }
                }
            }
            Operation::DragStart(pointer) => self.drag_start(pointer, now, work)?,
            Operation::DragMove(tick) => self.drag(tick, false, now, budget, work)?,
            Operation::DragEnd(tick) => {
                self.drag(tick, true, now, budget, work)?;
                self.constrained = None;
            }
            Operation::Undo => self.travel(HistoryMove::Undo, now, work),
            Operation::Redo => self.travel(HistoryMove::Redo, now, work),
            Operation::SetAttribute { element_id, name, value } => {
                let target = self.named(element_id)?;
                let node = self.node(target).unwrap_or(NodeId::ROOT);
                let value = value.as_deref();
                let name = attribute::check(&self.document, node, name, value, &self.limits)?;
                work.effect.element_id = Some(element_id.clone());
                self.set(work, target, &name, value);
                push_if_edited(work);
            }
            Operation::Load { .. } => {
                return Err(Error::BadOperation { reason: "load replaces the session".to_owned() });
            }
            Operation::SetPrecision { level } => self.interactive.precision = *level,
            Operation::AddConstraint { constraint } => self.add_constraint(constraint)?,
            Operation::RemoveConstraint { constraint } => {
                self.interactive.constraints.retain(|c| c != constraint);
            }
            Operation::Fire { name, element_id, data } => {
                let bytes = data.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() + name.len();
                within("bytes in an event", 64 * 1024, bytes)?;
                let target = element_id.as_deref().map(|id| self.named(id)).transpose()?;
                work.effect.element_id.clone_from(element_id);
                let mut event = self.event(name, target, None, now);
                let numbers = data.iter().filter_map(|(k, v)| Some((k, v.trim().parse().ok()?)));
                event.data = numbers.map(|(k, v): (_, f64)| (k.clone(), v)).collect();
                self.fire(event, work);
                push_if_edited(work);
            }
        }
        Ok(())
    }

    fn select(
        &mut self,
        pointer: &Pointer,
        operation: &'static str,
        work: &mut Work,
    ) -> Result<Option<u32>, Error> {
        let target = self.target(pointer, operation)?;
        work.effect.element_id = target.map(|n| self.label(n));
        if !pointer.modifiers.adds() {
            self.interactive.selected.clear();
        }
        if let Some(target) = target
            && !self.interactive.selected.contains(&target)
        {
            within("selected elements", SELECTION, self.interactive.selected.len() + 1)?;
            self.interactive.selected.push(target);
        }
        Ok(target)
    }

    fn add_constraint(&mut self, constraint: &ActiveConstraint) -> Result<(), Error> {
        within("bytes in a constraint's type", NAME_BYTES, constraint.kind.len())?;
        within("elements in a constraint", CONSTRAINT_ELEMENTS, constraint.elements.len())?;
        for id in &constraint.elements {
            // A part of an element is named after it: `wall.start`.
            let ends = id.match_indices('.').map(|(at, _)| at).chain([id.len()]);
            let known = ends.into_iter().any(|end| self.document.by_id(&id[..end]).is_some());
            if !known {
                self.named(id)?;
            }
        }
        if let Some(value) = constraint.value
            && !value.is_finite()
        {
            return Err(Error::BadNumber { name: "value", value, expected: "a finite number" });
        }
        if !self.interactive.constraints.contains(constraint) {
            within("active constraints", CONSTRAINTS, self.interactive.constraints.len() + 1)?;
            self.interactive.constraints.push(constraint.clone());
        }
        Ok(())
    }

    fn travel(&mut self, direction: HistoryMove, now: Time, work: &mut Work) {
        // Whoever takes a step back has let go.
        self.interactive.held = None;
        let undo = direction == HistoryMove::Undo;
        let step = if undo { self.history.last_done() } else { self.history.last_undone() };
        let Some(step) = step.cloned() else { return };
        work.history = direction;
        let edits: Vec<_> = if undo {
            step.edits.iter().rev().map(|e| (e.element, &e.attribute, &e.old)).collect()
        } else {
            step.edits.iter().map(|e| (e.element, &e.attribute, &e.new)).collect()
        };
        for (element, name, value) in edits {
            self.set(work, element, name, value.as_deref());
        }
        let machine = if undo { step.machine_before } else { step.machine_after };
        if let Some(mut machine) = machine.and_then(|m| read(&m).ok()) {
            // What was due in the meantime has been done and is not done again.
            machine.forget_until(now);
            self.machine = machine;
        }
    }
}

/// The machine as the log keeps it.
fn written(machine: &Machine) -> serde_json::Value {
    serde_json::to_value(machine).unwrap_or_default()
}

fn read(machine: &serde_json::Value) -> Result<Machine, String> {
    Machine::deserialize(machine).map_err(|e| e.to_string())
}

fn push_if_edited(work: &mut Work) {
    if work.edits.len() > work.delayed {
        work.history = HistoryMove::Push;
    }
}

fn within(what: &'static str, limit: usize, seen: usize) -> Result<(), Error> {
    if seen <= limit { Ok(()) } else { Err(Error::Limit { what, limit, seen }) }
}

fn check(coordinates: Coordinates) -> Result<(), Error> {
    let named = [("x", Some(coordinates.x)), ("y", Some(coordinates.y)), ("z", coordinates.z)];
    for (name, value) in named {
        if let Some(value) = value
            && !(value.is_finite() && value.abs() <= FAR)
        {
            let expected = "a number between -1e9 and 1e9";
            return Err(Error::BadNumber { name, value, expected });
        }
    }
    Ok(())
}

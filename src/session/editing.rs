//! One session: a document, what is selected and held in it, and how it got there.

mod drag;
mod formulas;
mod operations;
mod triggers;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use kurbo::Point;
use serde::{Deserialize, Serialize};

use super::ActiveConstraint;
use super::drag_solver::DragSolver;
use super::error::Error;
use super::history::{History, UndoStep};
use super::operation::{Operation, Pointer};
use super::outcome::{AttributeChange, DragState, Effect, Outcome, State};
use super::record::{Edit, HistoryMove, Interactive, Record};
use super::{attribute, placement};
use svgx_base::budget::{Budget, Time};
use svgx_base::nearest::nearest;
use svgx_engine::behavior::{Fit, Machine, Program, Values};
use svgx_engine::document::{self, Document, Limits, NodeId, Ns};
use svgx_engine::geometry::Scene;

/// The document of a session that nothing was loaded into.
pub const EMPTY: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000"/>"#;
/// Elements that can be selected at once.
pub const SELECTION: usize = 10_000;
/// Constraints that can be active at once.
pub const CONSTRAINTS: usize = 1_000;

/// A session in memory. It never reads a clock and never does I/O: every call takes the
/// session time, and answers with the record to be stored.
#[derive(Debug)]
pub struct Session {
    text: Arc<str>,
    document: Document,
    scene: Scene,
    program: Arc<Program>,
    /// The elements that formulas read numbers from.
    inputs: HashSet<NodeId>,
    /// Whether what formulas were compiled from has changed since.
    stale: bool,
    /// The values before the edits of this operation, where formulas read what was edited.
    values_before: Option<Values>,
    machine: Machine,
    /// The machine of the base text, as nothing had happened.
    loaded: Machine,
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
    solver: Option<Box<DragSolver>>,
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

/// What an operation has done so far; rolled back as a whole when it fails.
#[derive(Debug, Default)]
struct Transaction {
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
        let program = Arc::new(Program::compile(&document, &limits));
        let machine = Machine::new(&document, &program);
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
            inputs: program.input_nodes().collect(),
            program,
            stale: false,
            values_before: None,
            loaded: machine.clone(),
            machine,
            elements,
            numbers,
            touched: BTreeSet::new(),
            interactive: Interactive::default(),
            history: History::default(),
            sequence: 0,
            at: Time(0),
            limits,
            fault: None,
            solver: None,
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
            drag_state: i.drag.as_ref().map_or_else(DragState::default, |active| DragState {
                active: true,
                element_id: Some(self.label(active.element)),
                start_coordinates: Some(active.start),
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
        let mut tx = Transaction::default();
        self.recompile();
        self.run_due(now, &mut tx);
        let due = self.machine.clone();
        let done = self.perform(operation, now, budget, &mut tx);
        let fault = self.fault.take().map(Error::Geometry);
        if let Some(error) = done.err().or(fault) {
            self.roll_back(&tx.edits);
            self.fault = None;
            self.solver = None;
            self.interactive = interactive;
            self.machine = machine;
            self.values_before = None;
            return Err(error);
        }
        self.choose_step(operation, &interactive, &due, &mut tx);
        tx.effect.attributes_changed = tx
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
        if !tx.edits.is_empty()
            || tx.history != HistoryMove::Keep
            || changed_machine
            || (changed_state && !self.only_hovered(&interactive))
        {
            self.at = self.at.max(now);
            self.sequence += 1;
            let entry = Record {
                at: self.at,
                operation: operation.name().to_owned(),
                history: tx.history,
                interactive: changed_state.then(|| self.interactive.clone()),
                machine: changed_machine.then(|| written(&self.machine)),
                machine_due: (due != machine).then(|| written(&due)),
                delayed: tx.delayed,
                edits: tx.edits,
            };
            self.remember(&entry, &machine, &interactive.constraints);
            record = Some(entry);
        }
        let outcome = Outcome {
            operation: operation.name().to_owned(),
            result: tx.effect,
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
        let constraints = self.interactive.constraints.clone();
        if let Some(interactive) = &record.interactive {
            self.interactive.clone_from(interactive);
        }
        let before = self.machine.clone();
        if let Some(machine) = &record.machine {
            self.machine = read(machine)?;
        }
        self.at = record.at;
        self.sequence += 1;
        self.remember(record, &before, &constraints);
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
            machine: (self.machine != self.loaded).then(|| written(&self.machine)),
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

    /// Notes in the undo log what a record did.
    fn remember(&mut self, record: &Record, machine: &Machine, constraints: &[ActiveConstraint]) {
        for edit in &record.edits {
            self.touched.insert((edit.element, edit.attribute.clone()));
        }
        let edits = match record.history {
            HistoryMove::Push | HistoryMove::Extend => {
                record.edits.get(record.delayed..).unwrap_or_default().to_vec()
            }
            _ => Vec::new(),
        };
        // What delayed actions did is nobody's step to take back.
        let due = || record.machine_due.clone().unwrap_or_else(|| written(machine));
        let machine_before = record.machine.as_ref().map(|_| due());
        let machine_after = record.machine.clone();
        let now = record.interactive.as_ref().map(|i| &i.constraints);
        let constraints = now
            .filter(|now| now.as_slice() != constraints)
            .map(|now| (constraints.to_vec(), now.clone()));
        let step = UndoStep { edits, machine_before, machine_after, constraints };
        self.history.advance(record.history, step);
    }

    /// What the undo log does with an operation: whatever it changed of the drawing, of the
    /// values of formulas or of the constraints is one step; a drag is one from end to end.
    fn choose_step(
        &mut self,
        operation: &Operation,
        before: &Interactive,
        due: &Machine,
        tx: &mut Transaction,
    ) {
        if matches!(operation, Operation::Undo | Operation::Redo) {
            return;
        }
        let changed = tx.edits.len() > tx.delayed
            || self.machine != *due
            || self.interactive.constraints != before.constraints;
        let open = before.drag.as_ref().is_some_and(|drag| drag.step_open);
        let dragged = matches!(operation, Operation::DragMove(_) | Operation::DragEnd(_));
        if changed {
            tx.history = if dragged && open { HistoryMove::Extend } else { HistoryMove::Push };
            if let Some(drag) = &mut self.interactive.drag {
                // What a trigger did on taking hold is part of the drag's step; what another
                // operation does meanwhile is a step of its own.
                drag.step_open = dragged || matches!(operation, Operation::DragStart(_));
            }
        }
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
        by_id.or_else(by_number).ok_or_else(|| self.unknown(id))
    }

    /// No element is called `id`; one may be nearly so.
    fn unknown(&self, id: &str) -> Error {
        /// How many ids a wrong one is compared with: this is no reason to be late.
        const COMPARED: usize = 2_000;
        let id: String = id.chars().take(64).collect();
        let known = self.elements.iter().filter_map(|node| self.document.id(*node));
        let alike = known.filter(|known| known.len().abs_diff(id.len()) <= id.len() / 2);
        let near = nearest(&id, alike.take(COMPARED)).map(str::to_owned);
        Error::UnknownElement { id, near }
    }

    /// The element that is pointed at; `None` for empty space.
    fn target(&self, pointer: &Pointer, operation: &'static str) -> Result<Option<u32>, Error> {
        if let Some(coordinates) = pointer.coordinates {
            operations::check(coordinates)?;
        }
        match (&pointer.element_id, pointer.coordinates) {
            (Some(id), _) => self.named(id).map(Some),
            (None, Some(at)) => {
                let reach = placement::pick_distance(&self.scene);
                let hits = self.scene.hit(Point::new(at.x, at.y), reach);
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
        let old = old.map(|s| s.to_string());
        self.update_inputs(node, name);
        Some(old)
    }

    /// Brings the scene up to date after an edit of `node`.
    fn follow(&mut self, node: NodeId) {
        if let Err(error) = self.scene.update(&self.document, node, &self.limits) {
            self.fault = Some(error.to_string());
        }
    }

    /// Writes and remembers, unless the value is already there.
    fn set(&mut self, tx: &mut Transaction, number: u32, name: &str, value: Option<&str>) {
        let Some(node) = self.node(number) else { return };
        if attribute::value(&self.document, node, name) == value {
            return;
        }
        if self.values_before.is_none() && self.is_read(node, name) {
            self.values_before = Some(self.machine.values(&self.document, &self.program));
        }
        if let Some(old) = self.write(number, name, value) {
            tx.edits.push(Edit {
                element: number,
                attribute: name.to_owned(),
                old,
                new: value.map(str::to_owned),
            });
        }
    }

    fn roll_back(&mut self, edits: &[Edit]) {
        for edit in edits.iter().rev() {
            self.write(edit.element, &edit.attribute, edit.old.as_deref());
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

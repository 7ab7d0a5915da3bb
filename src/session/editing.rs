//! One session: a document, what is selected and held in it, and how it got there.

mod answered;
mod attributes;
mod dimensions;
mod drag;
mod formulas;
mod groups;
mod held;
mod links;
mod naming;
mod networks;
mod operations;
mod people;
mod picture;
mod presented;
mod selection;
mod shapes;
mod structure;
mod transforms;
mod tree;
mod triggers;
mod undo;
mod values;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use kurbo::{Point, Rect};
use serde::Deserialize;

use super::ActiveConstraint;
use super::drag_solver::DragSolver;
use super::error::Error;
use super::history::{History, UndoStep};
use super::networks::Networks;
use super::operation::{Operation, Pointer, References};
use super::outcome::{AttributeChange, Effect, Outcome};
use super::placement;
use super::record::{Change, HistoryMove, Interactive, Record, TREE, VERSION};
use super::references::Index;
use super::together::{Answers, Author, Conflict, DrawingChange, Participant, Writers, hash};
use svgx_base::budget::{Budget, Class, Tier, Time};
use svgx_engine::behavior::{Fit, Machine, Program, Values};
use svgx_engine::document::{self, Document, Limits, NodeId};
use svgx_engine::geometry::{self, Scene};

/// The document of a session that nothing was loaded into.
pub const EMPTY: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000"/>"#;
/// Elements that can be selected at once.
pub const SELECTION: usize = 10_000;
/// Constraints that can be active at once.
pub const CONSTRAINTS: usize = 1_000;

pub(crate) use self::people::Person;

/// A session in memory. It never reads a clock and never does I/O: every call takes the
/// session time, and answers with the record to be stored.
#[derive(Debug)]
pub struct Session {
    text: Arc<str>,
    pub(super) document: Document,
    scene: Scene,
    pub(super) program: Arc<Program>,
    /// The elements that formulas read numbers from.
    inputs: HashSet<NodeId>,
    /// Whether what formulas were compiled from has changed since.
    pub(super) stale: bool,
    /// The values before the edits of this operation, where formulas read what was edited.
    values_before: Option<Values>,
    pub(super) machine: Machine,
    /// The machine of the base text, as nothing had happened.
    pub(super) loaded: Machine,
    /// The elements by their handle, the number that the log calls them by: those of the base
    /// text in document order, then those that came later, in the order of coming.
    pub(super) elements: Vec<NodeId>,
    /// Which of them are in the tree.
    pub(super) alive: Vec<bool>,
    /// From a node to its number; `u32::MAX` for what is no element.
    pub(super) numbers: Vec<u32>,
    /// The elements whose attributes ever changed, or that came later: what a snapshot holds.
    pub(super) touched: BTreeSet<u32>,
    /// The elements whose children ever changed.
    pub(super) reshaped: BTreeSet<u32>,
    /// How many elements the base text has.
    pub(super) base: u32,
    /// Whether an id occurs twice in the base text.
    twice: bool,
    /// Who may refer to whom, once somebody has asked.
    pub(super) references: Option<Index>,
    /// About the bytes of the drawing: what was loaded and what came.
    bytes: usize,
    /// Edits of the tree in this operation so far.
    tree_edits: u32,
    /// The scene has to be resolved anew at the end of the operation.
    pub(super) redraw_all: bool,
    /// What has to be drawn again after this operation.
    soiled: Option<Rect>,
    /// The state of whoever is at work; constraints and precision are everybody's.
    pub(super) interactive: Interactive,
    pub(super) history: History,
    /// Who is at work.
    pub(super) author: Participant,
    /// What the others have for themselves.
    pub(super) people: BTreeMap<Participant, Person>,
    /// What the participants are called.
    pub(super) names: BTreeMap<Participant, String>,
    /// Who wrote what.
    pub(super) writers: Writers,
    /// The operations that had an id.
    pub(super) answers: Answers,
    sequence: u64,
    at: Time,
    pub(super) limits: Arc<Limits>,
    /// Why the scene could not follow an edit; what was done is taken back then.
    pub(super) fault: Option<String>,
    /// The solver of the drag in progress, where constraints hold what is dragged. Made from
    /// the drawing when it is not there; gone with the drag.
    solver: Option<Box<DragSolver>>,
    /// The networks of the drawing; `None` before anybody looked.
    networks: Option<Networks>,
    /// The budget of the edit of shapes that is at work.
    budget: Budget,
    /// What edits concern of what formulas measure; `None`: to be looked at.
    watched: Option<held::Watched>,
    /// What the formulas of constraints came to when the drawing was last solved for them.
    held: BTreeMap<NodeId, u64>,
    /// Why the operation cannot be done, found out on the way.
    refusal: Option<Error>,
    /// What the drawing states beside shapes, once somebody has asked.
    drafted: Option<dimensions::Drafted>,
    /// What a picture follows where the drawing states dimensions, layers or values.
    presented: Option<Box<presented::Presented>>,
}

/// What an operation has done so far; rolled back as a whole when it fails.
#[derive(Debug, Default)]
struct Transaction {
    edits: Vec<Change>,
    /// How many of the edits were delayed actions.
    delayed: usize,
    history: HistoryMove,
    effect: Effect,
    /// What an undo or redo left as it was.
    kept: BTreeSet<(u32, String)>,
    /// Which of the edits are triggers' work.
    derived: BTreeSet<usize>,
    /// Which of them constraints with formulas asked for.
    solved: BTreeSet<usize>,
    /// How many of the edits formulas that measure have followed.
    measured: usize,
    /// How many elements there ever were before.
    known: u32,
    /// What the operation is called.
    operation: &'static str,
    /// Whether triggers alone are at work, whom nothing refuses.
    is_told: bool,
    /// The elements that the operation is about, where others are taken along.
    direct: Option<Vec<u32>>,
    /// The edits as others are told of them.
    told: Vec<DrawingChange>,
    /// Whether they cannot be told so.
    is_untold: bool,
}

impl Transaction {
    fn tell(&mut self, element: u32, name: &str, value: Option<&str>, at: Option<u32>) {
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        self.told.push(DrawingChange::Set { element, name, value, at });
    }
}

/// What came of an operation.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) outcome: Outcome,
    /// What is to be stored, where something changed that is worth keeping.
    pub(crate) record: Option<Record>,
    /// What everybody is told who has the drawing; `None` where it cannot be told in changes.
    pub(crate) told: Option<Vec<DrawingChange>>,
    /// Who was overwritten.
    pub(crate) conflicts: Vec<Conflict>,
    /// Whether it was done before, and this is the first answer.
    pub(crate) repeated: bool,
}

impl Session {
    /// A session on a document.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::Geometry`], [`Error::Stopped`].
    pub fn new(text: &str, limits: Arc<Limits>, budget: &Budget) -> Result<Session, Error> {
        let text: Arc<str> = Arc::from(text);
        let document = document::parse(&text, &limits).map_err(Error::Document)?;
        let scene = Scene::build(&document, &limits, budget).map_err(|e| match e {
            geometry::Error::Stopped(stop) => Error::Stopped(stop),
            other => Error::Geometry(other.to_string()),
        })?;
        budget.checkpoint()?;
        let program = Arc::new(Program::compile(&document, &limits));
        let measures = held::measures(&document, &scene, &program);
        let machine = Machine::with(&document, &program, measures);
        let elements: Vec<NodeId> = document.elements().collect();
        let mut numbers = vec![u32::MAX; document.node_count()];
        for (number, node) in (0..).zip(&elements) {
            if let Some(n) = numbers.get_mut(node.index()) {
                *n = number;
            }
        }
        let identified = elements.iter().filter(|&&n| document.id(n).is_some()).count();
        Ok(Session {
            alive: vec![true; elements.len()],
            reshaped: BTreeSet::new(),
            base: elements.len() as u32,
            twice: identified > document.ids().count(),
            references: None,
            bytes: text.len(),
            tree_edits: 0,
            redraw_all: false,
            soiled: None,
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
            author: Participant::default(),
            people: BTreeMap::new(),
            names: BTreeMap::new(),
            writers: Writers::default(),
            answers: Answers::default(),
            sequence: 0,
            at: Time(0),
            limits,
            fault: None,
            solver: None,
            networks: None,
            budget: Budget::unlimited(Class::Ui, Tier::Compute),
            watched: None,
            held: BTreeMap::new(),
            refusal: None,
            drafted: None,
            presented: None,
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

    /// The handles of the elements, in document order.
    pub fn handles(&self) -> Vec<u32> {
        self.document.elements().map(|node| self.number(node)).collect()
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

    /// Does one operation at session time `now`. Answers what it did and, when something changed
    /// that is worth keeping, the record of it.
    ///
    /// # Errors
    /// See [`Error`]; the session is then as it was.
    #[cfg(test)]
    pub(crate) fn apply(
        &mut self,
        operation: &Operation,
        now: Time,
        budget: &Budget,
    ) -> Result<(Outcome, Option<Record>), Error> {
        let done = self.apply_by(&Author::default(), operation, now, budget)?;
        Ok((done.outcome, done.record))
    }

    /// The same, as somebody's operation. One that had its id before is not done again.
    ///
    /// # Errors
    /// See [`Error`]; the session is then as it was, but for who is at work.
    pub(crate) fn apply_by(
        &mut self,
        author: &Author,
        operation: &Operation,
        now: Time,
        budget: &Budget,
    ) -> Result<Applied, Error> {
        budget.checkpoint()?;
        let asked = author.id.as_ref().map(|id| (id.clone(), hash(operation)));
        if let Some((id, hash)) = &asked
            && let Some(applied) = self.answered(&author.participant, id, *hash)?
        {
            return Ok(applied);
        }
        self.turn_to(&author.participant);
        self.soiled = None;
        let interactive = self.interactive.clone();
        let machine = self.machine.clone();
        let mut tx = self.begin(operation, budget);
        self.run_due(now, &mut tx);
        let due = self.machine.clone();
        tx.is_told = held::is_told(operation);
        let done = self.perform(operation, now, budget, &mut tx);
        let done = done.and_then(|()| self.conclude(operation, now, &mut tx));
        let done = done.and_then(|()| self.respect_locks(operation, &tx));
        self.settle();
        let fault = self.fault.take().map(Error::Geometry);
        if let Some(error) = done.err().or(fault) {
            self.roll_back(&tx.edits);
            self.soiled = None;
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
            .filter_map(|change| match change {
                Change::Attribute(edit) => Some(AttributeChange {
                    element_id: self.label(edit.element),
                    name: edit.attribute.clone(),
                    old_value: edit.old.clone(),
                    new_value: edit.new.clone(),
                }),
                Change::Tree(_) => None,
            })
            .collect();
        tx.effect.redraw = self.soiled_area().filter(|_| !tx.edits.is_empty());
        let touched = self.touched(&tx);
        let changed_state = self.interactive != interactive;
        let changed_machine = self.machine != machine;
        let mut record = None;
        let conflicts = self.conflicts(author, &tx, self.sequence + 1);
        let told = (!tx.is_untold).then(|| std::mem::take(&mut tx.told));
        if !tx.edits.is_empty()
            || tx.history != HistoryMove::Keep
            || changed_machine
            || (changed_state && !self.only_hovered(&interactive))
        {
            self.at = self.at.max(now);
            self.sequence += 1;
            let restructured = tx.edits.iter().any(|change| matches!(change, Change::Tree(_)));
            let shared = !author.participant.is_default() || !tx.kept.is_empty();
            let entry = Record {
                version: if shared { VERSION } else { 1 + u8::from(restructured) * (TREE - 1) },
                at: self.at,
                operation: operation.name().to_owned(),
                by: author.participant.clone(),
                name: self.note_name(&author.participant, author.name.as_deref()),
                id: asked.clone(),
                kept: undo::kept_list(std::mem::take(&mut tx.kept)),
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
        if self.is_littered() {
            // What it cannot do now it does with the next operation.
            let _ = self.compact(&Budget::unlimited(Class::Ui, Tier::Compute));
        }
        let settle = !matches!(operation, Operation::DragMove(_));
        tx.effect.networks_changed = self.follow_networks(touched, settle, budget);
        let outcome = Outcome {
            operation: operation.name().to_owned(),
            result: tx.effect,
            state: self.state(),
        };
        if let Some((id, hash)) = &asked {
            let by = &author.participant;
            self.answers.note(by, id, *hash, self.sequence, operation.name(), Some(&outcome));
        }
        Ok(Applied { outcome, record, told, conflicts, repeated: false })
    }

    /// Does again what a record says. The way back from the log.
    ///
    /// # Errors
    /// A sentence, when the record does not fit this session.
    pub(crate) fn replay(&mut self, record: &Record) -> Result<(), String> {
        self.turn_to(&record.by);
        let mut restructured = false;
        for change in &record.edits {
            match change {
                Change::Attribute(edit) => {
                    let value = edit.new.as_deref();
                    self.write(edit.element, &edit.attribute, value, edit.back).ok_or_else(
                        || format!("no attribute {} on element {}", edit.attribute, edit.element),
                    )?;
                }
                Change::Tree(edit) => {
                    restructured = true;
                    self.restructure(edit).ok_or("an edit of the tree does not fit")?;
                }
            }
        }
        self.settle();
        if restructured {
            self.recompile();
        }
        self.networks = None;
        self.watched = None;
        self.soiled = None;
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
        self.note_name(&record.by, record.name.as_deref());
        self.remember(record, &before, &constraints);
        if let Some((id, hash)) = &record.id {
            self.answers.note(&record.by, id, *hash, self.sequence, &record.operation, None);
        }
        self.forget_gone();
        Ok(())
    }

    /// The limits of its documents.
    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// Goes on at a time and a sequence.
    pub(crate) fn resume(&mut self, at: Time, sequence: u64) {
        (self.at, self.sequence) = (at, sequence);
    }

    /// Takes out every element from the tables but those of the base text, and makes room for
    /// handles up to `next`.
    pub(super) fn forget_elements(&mut self, next: u32) {
        let next = next.max(self.base) as usize;
        self.elements.resize(next, NodeId::ROOT);
    }

    /// Reads from the tree which elements are in it.
    pub(super) fn remember_elements(&mut self) {
        self.numbers = vec![u32::MAX; self.document.node_count()];
        for (number, node) in (0..).zip(&self.elements) {
            if let Some(slot) = self.numbers.get_mut(node.index())
                && (number == 0 || *node != NodeId::ROOT)
            {
                *slot = number;
            }
        }
        self.alive = vec![false; self.elements.len()];
        for node in self.document.elements().collect::<Vec<_>>() {
            let number = self.number(node);
            if let Some(alive) = self.alive.get_mut(number as usize) {
                *alive = true;
            }
        }
    }

    /// Lets the sequence of a session that lost records begin after the last one stored.
    pub(crate) fn skip_to(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    /// Notes in the undo log what a record did.
    fn remember(&mut self, record: &Record, machine: &Machine, constraints: &[ActiveConstraint]) {
        for change in &record.edits {
            if let Change::Attribute(edit) = change {
                self.touched.insert(edit.element);
            }
        }
        let marks = self.stamp(record);
        // What delayed actions did is nobody's step to take back.
        let due = || record.machine_due.clone().unwrap_or_else(|| written(machine));
        let edits = match record.history {
            HistoryMove::Push | HistoryMove::Extend => {
                record.edits.get(record.delayed..).unwrap_or_default().to_vec()
            }
            HistoryMove::Undo | HistoryMove::Redo => {
                let step = self.moved_step(record, marks, due(), constraints);
                self.history.advance(record.history, step);
                return;
            }
            HistoryMove::Keep => Vec::new(),
        };
        let machine_before = record.machine.as_ref().map(|_| due());
        let machine_after = record.machine.clone();
        let now = record.interactive.as_ref().map(|i| &i.constraints);
        let constraints = now
            .filter(|now| now.as_slice() != constraints)
            .map(|now| (constraints.to_vec(), now.clone()));
        let step = UndoStep { edits, marks, machine_before, machine_after, constraints };
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

    pub(super) fn node(&self, number: u32) -> Option<NodeId> {
        let alive = self.alive.get(number as usize).copied().unwrap_or_default();
        self.elements.get(number as usize).copied().filter(|_| alive)
    }

    pub(super) fn number(&self, node: NodeId) -> u32 {
        self.numbers.get(node.index()).copied().unwrap_or(u32::MAX)
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
}

/// The machine as the log keeps it.
pub(super) fn written(machine: &Machine) -> serde_json::Value {
    serde_json::to_value(machine).unwrap_or_default()
}

pub(super) fn read(machine: &serde_json::Value) -> Result<Machine, String> {
    Machine::deserialize(machine).map_err(|e| e.to_string())
}

//! Each participant has a selection, something held and an undo log of their own; who wrote what
//! last is noted for all of them.

use std::collections::BTreeSet;

use super::super::history::{History, UndoStep};
use super::super::outcome::{DragState, KeptChange, Restored, State};
use super::super::record::{ActiveDrag, Change, HistoryMove, Record, TreeEdit};
use super::super::together::{
    self, Author, Conflict, Mark, PLACE, Participant, Touch, elements, key_of,
};
use super::{Session, Transaction};

/// Participants whose undo logs are kept; beyond, that of whoever did nothing for the longest time goes.
const PEOPLE: usize = 32;
/// Bytes of the undo logs of those who are not at work, all together.
const OTHERS_BYTES: usize = 4 * super::super::UNDO_BYTES;
/// Participants whose names are known.
const NAMES: usize = 256;

/// What a participant has for themselves, while another one is at work.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Person {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) selected: Vec<u32>,
    #[serde(skip)]
    pub(crate) hovered: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drag: Option<ActiveDrag>,
    pub(crate) history: History,
    /// The sequence at which they were at work last.
    pub(crate) last: u64,
    #[serde(skip)]
    bytes: usize,
}

impl Session {
    /// The interactive state.
    pub fn state(&self) -> State {
        let i = &self.interactive;
        self.state_with(&i.selected, i.hovered, i.drag.as_ref(), &self.history)
    }

    /// The interactive state of a participant.
    pub fn state_of(&self, participant: &Participant) -> State {
        if *participant == self.author {
            return self.state();
        }
        let nobody = Person::default();
        let person = self.people.get(participant).unwrap_or(&nobody);
        self.state_with(&person.selected, person.hovered, person.drag.as_ref(), &person.history)
    }

    fn state_with(
        &self,
        selected: &[u32],
        hovered: Option<u32>,
        drag: Option<&ActiveDrag>,
        history: &History,
    ) -> State {
        State {
            selected_elements: selected.iter().map(|&n| self.label(n)).collect(),
            hovered_element: hovered.map(|n| self.label(n)),
            drag_state: drag.map_or_else(DragState::default, |active| DragState {
                active: true,
                element_id: Some(self.label(active.element)),
                start_coordinates: Some(active.start),
            }),
            constraints: self.interactive.constraints.clone(),
            precision_level: self.interactive.precision,
            undo_depth: history.undo_depth(),
            redo_depth: history.redo_depth(),
            sequence: self.sequence,
            networks: self.networks.as_ref().map_or_else(Vec::new, |networks| networks.state()),
        }
    }

    /// Whose state the session shows.
    pub fn author(&self) -> &Participant {
        &self.author
    }

    /// Shows the state of a participant, who is at work from now on.
    pub(crate) fn turn_to(&mut self, participant: &Participant) {
        if self.author == *participant {
            return;
        }
        let next = self.people.remove(participant).unwrap_or_default();
        let mut person = self.person();
        person.weigh();
        let i = &mut self.interactive;
        (i.selected, i.hovered, i.drag) = (next.selected, next.hovered, next.drag);
        self.history = next.history;
        let before = std::mem::replace(&mut self.author, participant.clone());
        if person.is_worth_keeping() {
            self.people.insert(before, person);
        }
        // It was made for what another one holds, and the drawing may have changed since.
        self.solver = None;
        let bytes = |people: &std::collections::BTreeMap<Participant, Person>| {
            people.values().map(|person| person.bytes).sum::<usize>()
        };
        while self.people.len() > PEOPLE
            || (self.people.len() > 1 && bytes(&self.people) > OTHERS_BYTES)
        {
            let oldest = self.people.iter().min_by_key(|(_, person)| person.last);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
            self.people.remove(&oldest);
        }
    }

    /// What whoever is at work has for themselves.
    pub(crate) fn person(&self) -> Person {
        let i = &self.interactive;
        Person {
            selected: i.selected.clone(),
            hovered: i.hovered,
            drag: i.drag.clone(),
            history: self.history.clone(),
            last: self.sequence,
            bytes: 0,
        }
    }

    /// Whether anybody but the default participant was ever here.
    pub(crate) fn is_shared(&self) -> bool {
        !self.author.is_default() || !self.people.is_empty()
    }

    /// Notes what a participant is called. Answers the name, where that is new.
    pub(super) fn note_name(
        &mut self,
        participant: &Participant,
        name: Option<&str>,
    ) -> Option<String> {
        let name = together::shown_name(name?);
        if participant.is_default() || self.names.get(participant) == Some(&name) {
            return None;
        }
        self.names.insert(participant.clone(), name.clone());
        if self.names.len() > NAMES {
            let other = self.names.keys().find(|id| *id != participant).cloned();
            other.map(|other| self.names.remove(&other));
        }
        Some(name)
    }

    /// What the others call a participant.
    pub(crate) fn name_of(&self, participant: &Participant) -> String {
        match self.names.get(participant) {
            Some(name) if !name.is_empty() => name.clone(),
            _ if participant.is_default() => "somebody".to_owned(),
            _ => participant.to_string(),
        }
    }

    /// Lets everybody go of what is no longer in the tree.
    pub(super) fn others_forget_gone(&mut self) {
        let alive = &self.alive;
        let is_alive = |n: &u32| alive.get(*n as usize).copied().unwrap_or_default();
        for person in self.people.values_mut() {
            person.selected.retain(is_alive);
            person.hovered = person.hovered.filter(is_alive);
            person.drag = person.drag.take().filter(|drag| is_alive(&drag.element));
        }
    }

    /// Notes who wrote what a record changed. Answers the versions that it touched, for the undo
    /// log, each once.
    pub(super) fn stamp(&mut self, record: &Record) -> Vec<Touch> {
        let now = Mark(self.sequence, record.by.clone());
        let mut marks: Vec<Touch> = Vec::new();
        let moved = match record.history {
            HistoryMove::Undo => self.history.last_done(),
            HistoryMove::Redo => self.history.last_undone(),
            _ => None,
        };
        let undo = record.history == HistoryMove::Undo;
        let restored: Vec<Touch> = moved.map_or_else(Vec::new, |step| {
            let is_kept =
                |m: &Touch| record.kept.iter().any(|(e, k)| *e == m.element && *k == m.key);
            step.marks.iter().filter(|mark| !is_kept(mark)).cloned().collect()
        });
        for (at, change) in record.edits.iter().enumerate() {
            self.writers.follow(change, &now);
            let (element, key) = key_of(change);
            let before = self.writers.version(element, key).cloned();
            if at < record.delayed {
                // Nobody's: it stays whose it was.
                self.writers.set(element, key, before, Mark(now.0, Participant::default()));
                continue;
            }
            if restored.iter().any(|mark| mark.element == element && mark.key == key) {
                continue;
            }
            self.writers.set(element, key, Some(now.clone()), now.clone());
            let known = |mark: &&mut Touch| mark.element == element && mark.key == key;
            match marks.iter_mut().find(known) {
                Some(mark) => mark.after = Some(now.clone()),
                None => {
                    let (key, after) = (key.to_owned(), Some(now.clone()));
                    marks.push(Touch { element, key, before, after });
                }
            }
        }
        for mark in &restored {
            let version = if undo { &mark.before } else { &mark.after };
            // A value that is the same again is nobody's news.
            let is_same = |change: &Change| key_of(change) == (mark.element, mark.key.as_str());
            let changed = match self.writers.stamp(mark.element, &mark.key) {
                Some(stamp) if !record.edits.iter().any(is_same) => stamp.changed.clone(),
                _ => now.clone(),
            };
            self.writers.set(mark.element, &mark.key, version.clone(), changed);
        }
        if moved_is(record.history) { restored } else { marks }
    }

    /// Whom an operation overwrote without having seen them: to be asked before it is stamped.
    pub(super) fn conflicts(
        &self,
        author: &Author,
        tx: &Transaction,
        sequence: u64,
    ) -> Vec<Conflict> {
        let Some(base) = author.base.filter(|_| !moved_is(tx.history)) else { return Vec::new() };
        let unseen = |changed: &Mark| changed.0 > base && changed.1 != author.participant;
        let mut found: Vec<Conflict> = Vec::new();
        let mut seen = BTreeSet::new();
        let conflict = |to: &Participant, element: u32, attribute: Option<&str>| Conflict {
            to: to.clone(),
            element,
            element_id: self.label(element),
            attribute: attribute.map(str::to_owned),
            mine: None,
            theirs: None,
            by: author.participant.clone(),
            name: self.name_of(&author.participant),
            sequence,
        };
        for (at, change) in tx.edits.iter().enumerate().skip(tx.delayed) {
            let (element, key) = key_of(change);
            if let Change::Tree(TreeEdit::Remove { fragment, .. }) = change {
                for (number, _) in elements(fragment) {
                    let writers: BTreeSet<&Participant> = self
                        .writers
                        .of_element(number)
                        .filter(|(_, stamp)| unseen(&stamp.changed))
                        .map(|(_, stamp)| &stamp.changed.1)
                        .collect();
                    found.extend(writers.into_iter().map(|to| conflict(to, number, None)));
                }
                continue;
            }
            let derived = tx.derived.contains(&at)
                || tx.solved.contains(&at)
                || tx.direct.as_ref().is_some_and(|direct| !direct.contains(&element));
            if derived || !seen.insert((element, key.to_owned())) {
                continue;
            }
            let Some(stamp) = self.writers.stamp(element, key).filter(|s| unseen(&s.changed))
            else {
                continue;
            };
            let attribute = (key != PLACE).then_some(key);
            let (mine, theirs) = match change {
                Change::Attribute(edit) => (edit.old.clone(), edit.new.clone()),
                Change::Tree(TreeEdit::Text { old, new, .. }) => {
                    (Some(old.clone()), Some(new.clone()))
                }
                Change::Tree(_) => (None, None),
            };
            found.push(Conflict { mine, theirs, ..conflict(&stamp.changed.1, element, attribute) });
        }
        found
    }

    /// What of a step is no longer as its author left it.
    pub(super) fn no_longer_mine(&self, step: &UndoStep, undo: bool) -> BTreeSet<(u32, String)> {
        let mut kept = BTreeSet::new();
        for mark in &step.marks {
            let expected = if undo { &mark.after } else { &mark.before };
            if self.writers.version(mark.element, &mark.key) != expected.as_ref() {
                kept.insert((mark.element, mark.key.clone()));
            }
        }
        kept
    }

    /// Who else has work in the subtree of an element that is to go: with an undo, anything of
    /// somebody else; with a redo, what they did since it was undone.
    pub(super) fn stranger_in(&self, root: u32, undo: bool) -> Option<&Mark> {
        let node = self.node(root)?;
        let since = self.writers.stamp(root, PLACE).map_or(0, |stamp| stamp.changed.0);
        let numbers = self.document.descendants(node).map(|n| self.number(n));
        let mut stamps = numbers.flat_map(|number| self.writers.of_element(number));
        stamps.find_map(|(_, stamp)| {
            let mark = if undo { stamp.version.as_ref()? } else { &stamp.changed };
            (mark.1 != self.author && (undo || mark.0 > since)).then_some(mark)
        })
    }

    /// What an undo or redo tells of what it left as it was.
    pub(super) fn restored(
        &self,
        step: &UndoStep,
        kept: &BTreeSet<(u32, String)>,
        undo: bool,
    ) -> Option<Restored> {
        if kept.is_empty() {
            return None;
        }
        let of = step.marks.len().max(kept.len());
        let told = kept.iter().map(|(element, key)| {
            let by = self.writers.who_deleted(*element);
            let by = by.or_else(|| self.stranger_in(*element, undo).filter(|_| key == PLACE));
            let by = by.or_else(|| self.writers.version(*element, key));
            let by = by.or_else(|| self.writers.stamp(*element, key).map(|s| &s.changed));
            KeptChange {
                element_id: self.label(*element),
                attribute: (key != PLACE).then(|| key.clone()),
                by: by.map_or_else(String::new, |by| self.name_of(&by.1)),
                sequence: by.map_or(0, |by| by.0),
            }
        });
        Some(Restored { restored: of - kept.len(), of, kept: told.collect() })
    }
}

impl Person {
    pub(crate) fn weigh(&mut self) {
        self.bytes = self.history.bytes();
    }

    fn is_worth_keeping(&self) -> bool {
        let Person { selected, hovered, drag, history, .. } = self;
        !selected.is_empty()
            || hovered.is_some()
            || drag.is_some()
            || *history != History::default()
    }
}

fn moved_is(history: HistoryMove) -> bool {
    matches!(history, HistoryMove::Undo | HistoryMove::Redo)
}

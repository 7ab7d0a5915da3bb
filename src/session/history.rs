//! The undo log: bounded in steps and in bytes.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::ActiveConstraint;
use super::record::{Change, HistoryMove, TreeEdit};
use super::together::{self, Touch};

/// Steps that can be taken back.
pub const UNDO_STEPS: usize = 100;
/// Bytes of values and of deleted markup that the undo log holds before it forgets its oldest steps.
pub const UNDO_BYTES: usize = 8 * 1024 * 1024;

/// What one step changed; each attribute once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UndoStep {
    pub(crate) edits: Vec<Change>,
    /// The versions of what it wrote, each once. Missing in what an older engine stored: such a
    /// step is taken back without asking whose the values are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) marks: Vec<Touch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine_before: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine_after: Option<serde_json::Value>,
    /// The active constraints before and after, where they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) constraints: Option<(Vec<ActiveConstraint>, Vec<ActiveConstraint>)>,
}

impl UndoStep {
    fn bytes(&self) -> usize {
        let edits: usize = self.edits.iter().map(Change::bytes).sum();
        let machines = self.machine_before.iter().chain(&self.machine_after);
        edits + machines.map(json_bytes).sum::<usize>()
    }

    /// Adds later edits: the first old value and the last new value of an attribute stay.
    fn merge(&mut self, edits: &[Change], marks: Vec<Touch>) {
        let mut between = Vec::new();
        for mark in marks {
            let known = |m: &&mut Touch| m.element == mark.element && m.key == mark.key;
            match self.marks.iter_mut().find(known) {
                Some(earlier) => {
                    // What somebody else wrote in between is what comes back.
                    if earlier.after != mark.before {
                        between.push((mark.element, mark.key));
                        earlier.before = mark.before;
                    }
                    earlier.after = mark.after;
                }
                None => self.marks.push(mark),
            }
        }
        for change in edits {
            let Change::Attribute(edit) = change else {
                self.edits.push(change.clone());
                continue;
            };
            let same = self.edits.iter_mut().find_map(|earlier| match earlier {
                Change::Attribute(e)
                    if e.element == edit.element && e.attribute == edit.attribute =>
                {
                    Some(e)
                }
                _ => None,
            });
            match same {
                Some(earlier) => {
                    if between.iter().any(|(e, key)| *e == edit.element && *key == edit.attribute) {
                        earlier.old.clone_from(&edit.old);
                    }
                    earlier.new.clone_from(&edit.new);
                    // It may stand elsewhere now, or nowhere.
                    earlier.at = earlier.at.or(edit.at.filter(|_| earlier.old.is_some()));
                }
                None => self.edits.push(change.clone()),
            }
        }
    }
}

/// Done and undone steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    done: VecDeque<UndoStep>,
    undone: Vec<UndoStep>,
}

impl History {
    pub(crate) fn undo_depth(&self) -> usize {
        self.done.len()
    }

    pub(crate) fn redo_depth(&self) -> usize {
        self.undone.len()
    }

    pub(crate) fn last_done(&self) -> Option<&UndoStep> {
        self.done.back()
    }

    pub(crate) fn last_undone(&self) -> Option<&UndoStep> {
        self.undone.last()
    }

    /// Notes what has been done. With [`HistoryMove::Undo`] and [`HistoryMove::Redo`], `step` is
    /// what of the step moved was really taken back or made again.
    pub(crate) fn advance(&mut self, by: HistoryMove, step: UndoStep) {
        match by {
            HistoryMove::Keep => {}
            HistoryMove::Push => {
                self.undone.clear();
                self.done.push_back(step);
                self.trim();
            }
            HistoryMove::Extend => {
                self.undone.clear();
                match self.done.back_mut() {
                    Some(last) => {
                        last.merge(&step.edits, step.marks);
                        last.machine_before = last.machine_before.take().or(step.machine_before);
                        if let Some((before, after)) = step.constraints {
                            let first = last.constraints.take().map_or(before, |c| c.0);
                            last.constraints = Some((first, after));
                        }
                        if step.machine_after.is_some() {
                            last.machine_after = step.machine_after;
                        }
                    }
                    None => self.done.push_back(step),
                }
                self.trim();
            }
            HistoryMove::Undo => self.undone.extend(self.done.pop_back().map(|_| step)),
            HistoryMove::Redo => self.done.extend(self.undone.pop().map(|_| step)),
        }
    }

    /// The elements that its steps are about.
    pub(crate) fn elements(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for change in self.done.iter().chain(&self.undone).flat_map(|step| &step.edits) {
            match change {
                Change::Tree(TreeEdit::Insert { fragment, .. })
                | Change::Tree(TreeEdit::Remove { fragment, .. }) => {
                    found.extend(together::elements(fragment).map(|(number, _)| number));
                }
                other => found.push(together::key_of(other).0),
            }
        }
        found
    }

    /// About what it occupies.
    pub(crate) fn bytes(&self) -> usize {
        self.done.iter().chain(&self.undone).map(UndoStep::bytes).sum()
    }

    fn trim(&mut self) {
        let mut bytes: usize = self.done.iter().map(UndoStep::bytes).sum();
        while self.done.len() > UNDO_STEPS || (bytes > UNDO_BYTES && self.done.len() > 1) {
            bytes -= self.done.pop_front().map_or(0, |s| s.bytes());
        }
    }
}

/// About what a value occupies.
fn json_bytes(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::String(text) => 32 + text.len(),
        Value::Array(items) => 32 + items.iter().map(json_bytes).sum::<usize>(),
        Value::Object(fields) => {
            32 + fields.iter().map(|(k, v)| 32 + k.len() + json_bytes(v)).sum::<usize>()
        }
        _ => 32,
    }
}

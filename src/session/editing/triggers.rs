//! Triggers: what happened is told to the machine, and what it changed is noted.

use super::super::operation::Coordinates;
use super::super::outcome::{BehaviorTriggered, Message, ValueChange};
use super::super::record::{Change as Edited, Edit};
use super::{Session, Transaction};
use svgx_base::budget::Time;
use svgx_engine::behavior::{Change, Event, What};

impl Session {
    pub(super) fn event(
        &self,
        kind: &str,
        target: Option<u32>,
        at: Option<Coordinates>,
        now: Time,
    ) -> Event {
        Event {
            kind: kind.to_owned(),
            target: target.and_then(|n| self.node(n)).map(|node| self.document.reference(node)),
            x: at.map(|c| c.x),
            y: at.map(|c| c.y),
            time: now,
            ..Event::default()
        }
    }

    pub(super) fn fire(&mut self, event: Event, tx: &mut Transaction) {
        let changes = self.machine.fire(&mut self.document, &self.program, &event);
        self.report(changes, tx);
    }

    /// Runs the delayed actions whose time has come.
    pub(super) fn run_due(&mut self, now: Time, tx: &mut Transaction) {
        if self.machine.next_due().is_none_or(|due| due > now) {
            return;
        }
        let changes = self.machine.due(&mut self.document, &self.program, now);
        self.report(changes, tx);
        self.follow_edits(now, tx);
        tx.delayed = tx.edits.len();
    }

    pub(super) fn report(&mut self, changes: Vec<Change>, tx: &mut Transaction) {
        for Change { node, what, .. } in changes {
            let element = self.number(node);
            match what {
                What::Attribute { name, old, new } => {
                    self.follow(node);
                    self.update_inputs(node, &name);
                    if self.solver.as_ref().is_some_and(|solver| solver.involves(node)) {
                        self.solver = None;
                    }
                    self.soil(node);
                    let (at, back) = (None, None);
                    tx.derived.insert(tx.edits.len());
                    tx.tell(element, &name, new.as_deref(), None);
                    let edit = Edit { element, attribute: name, old, new, at, back };
                    tx.edits.push(Edited::Attribute(edit));
                }
                What::Value { name, old, new, unit } => {
                    let change = ValueChange { name, old_value: old, new_value: new, unit };
                    tx.effect.values_changed.push(change);
                }
                What::Ran { event, action } => {
                    tx.effect.behaviors_triggered.push(BehaviorTriggered {
                        element_id: self.label(element),
                        event,
                        action: action.to_owned(),
                    });
                }
                What::Record { action, message } => tx.effect.messages.push(Message {
                    element_id: self.label(element),
                    action: action.to_owned(),
                    message,
                }),
            }
        }
    }
}

//! What one call of the machine works on: the events and actions in line, and what changed.

use std::collections::VecDeque;

use super::event::Event;
use super::machine::{ACTIONS, Change, What};
use super::program::Program;
use super::rule::Rule;
use crate::document::{Document, NodeId, Ns};
use svgx_base::budget::Time;

/// One call's working state.
pub(super) struct Firing<'f> {
    pub(super) document: &'f mut Document,
    pub(super) program: &'f Program,
    pub(super) changes: Vec<Change>,
    pub(super) queue: VecDeque<(Work, usize)>,
    /// How many events stand between this work and the one that was fired.
    pub(super) depth: usize,
    pub(super) actions: usize,
    pub(super) now: Time,
}

/// What is left to do, in order. A queue and not calls, so that no document chooses our stack.
pub(super) enum Work {
    Hear(Event),
    Act { rule: usize, node: NodeId, event: Event },
}

impl<'f> Firing<'f> {
    pub(super) fn new(document: &'f mut Document, program: &'f Program, now: Time) -> Firing<'f> {
        let (changes, queue) = (Vec::new(), VecDeque::new());
        Firing { document, program, changes, queue, depth: 0, actions: 0, now }
    }

    pub(super) fn change(&mut self, node: NodeId, what: What) {
        let element = self.document.id(node).map(str::to_owned);
        self.changes.push(Change { node, element, what });
    }

    pub(super) fn record(&mut self, node: NodeId, action: &'static str, message: String) {
        self.change(node, What::Record { action, message });
    }

    pub(super) fn attribute(&mut self, node: NodeId, ns: Ns, name: &str, new: Option<&str>) {
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
    pub(super) fn chain(&self, event: &Event) -> Option<Vec<NodeId>> {
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
    pub(super) fn targets(&self, rule: &Rule, event: &Event, chain: &[NodeId]) -> Vec<NodeId> {
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

pub(super) fn is_on(document: &Document, node: NodeId) -> bool {
    document.arx(node, "state") == Some("on")
}

pub(super) fn key(scope: &str, name: &str) -> String {
    format!("{scope}.{name}")
}

/// What a delayed action remembers an element by.
pub(super) fn name_of(document: &Document, node: NodeId) -> String {
    document.reference(node)
}

/// The element called `name`: an id, an object's id, `@` and its handle, or `#` and its number.
pub(super) fn find(document: &Document, program: &Program, name: &str) -> Option<NodeId> {
    document
        .by_id(name)
        .or_else(|| program.rules.iter().find(|r| r.label == name).and_then(|r| r.owner))
        .or_else(|| {
            if let Some(handle) = name.strip_prefix('@') {
                return document.by_handle(handle.parse().ok()?);
            }
            let number: usize = name.strip_prefix('#')?.parse().ok()?;
            document.elements().find(|n| n.index() == number)
        })
}

//! What elements are called outside.

use std::collections::{BTreeSet, HashMap};

use super::{Session, Transaction};
use crate::attribute;
use crate::error::Error;
use crate::references::{self, Kind, Reference};
use svgx_base::nearest::nearest;
use svgx_engine::document::{NodeId, Ns};

impl Session {
    /// What an element is called outside: its id, or `@N`.
    pub(super) fn label(&self, number: u32) -> String {
        self.node(number)
            .and_then(|node| self.document.id(node))
            .map_or_else(|| format!("@{number}"), str::to_owned)
    }

    /// The handle of the element that is called so.
    pub(super) fn named(&self, id: &str) -> Result<u32, Error> {
        let by_number = || id.strip_prefix('@')?.parse().ok().filter(|n| self.node(*n).is_some());
        let by_id = self.document.by_id(id).map(|node| self.number(node));
        by_id.or_else(by_number).ok_or_else(|| self.unknown(id))
    }

    /// An element is to be called otherwise: formulas name it so, and constraints and dimensions
    /// that are of it.
    pub(super) fn follow_name(&mut self, node: NodeId, new: &str, tx: &mut Transaction) {
        let Some(old) = self.document.id(node).map(str::to_owned) else { return };
        if old == new {
            return;
        }
        self.recompile_meaning();
        let map = HashMap::from([(old.clone(), new.to_owned())]);
        for (from, reference) in self.referring_to(node) {
            let is_stated = match reference.kind {
                Kind::Formula | Kind::Bare | Kind::Members => true,
                Kind::Id => reference.attribute == "drives",
                Kind::Href | Kind::Url => false,
            };
            if !is_stated || reference.id != old {
                continue;
            }
            let Some(value) = attribute::value(&self.document, from, &reference.attribute) else {
                continue;
            };
            let value = references::renamed(reference.kind, value, &map);
            let number = self.number(from);
            self.set(tx, number, &reference.attribute, Some(&value));
        }
    }

    /// Who refers to an element, in it or elsewhere.
    fn referring_to(&mut self, node: NodeId) -> Vec<(NodeId, Reference)> {
        let Some(id) = self.document.id(node).map(str::to_owned) else { return Vec::new() };
        let numbers: BTreeSet<u32> = self.references().candidates(&id).collect();
        let nodes: Vec<NodeId> = numbers.into_iter().filter_map(|n| self.node(n)).collect();
        let mut found = Vec::new();
        for node in nodes {
            for reference in references::of(&self.document, node) {
                let other = reference.kind == Kind::Bare && !self.reads_stated(node, &reference.id);
                if reference.id == id && !other {
                    found.push((node, reference));
                }
            }
        }
        found
    }

    /// Whether a name alone in a formula of `reader` is that of a constraint, or of a dimension that
    /// drives one: values of the behavior and the object go before.
    pub(super) fn reads_stated(&self, reader: NodeId, id: &str) -> bool {
        let document = &self.document;
        let Some(stated) = document.by_id(id) else { return false };
        let constraint = match document.name(stated) {
            Some((Ns::Arx, "constraint")) => Some(stated),
            Some((Ns::Arx, "dimension")) => {
                document.attr(stated, "drives").and_then(|id| document.by_id(id.trim()))
            }
            _ => None,
        };
        constraint.is_some_and(|constraint| self.program.may_read(reader, constraint))
    }

    /// No element is called `id`; one may be nearly so.
    pub(super) fn unknown(&self, id: &str) -> Error {
        /// How many ids a wrong one is compared with: this is no reason to be late.
        const COMPARED: usize = 2_000;
        if let Some(deleted) = self.writers.deleted(id) {
            let (by, sequence) = (self.name_of(&deleted.1), deleted.0);
            return Error::Deleted { id: id.chars().take(64).collect(), by, sequence };
        }
        let id: String = id.chars().take(64).collect();
        let known = self.document.ids();
        let alike = known.filter(|known| known.len().abs_diff(id.len()) <= id.len() / 2);
        let near = nearest(&id, alike.take(COMPARED)).map(str::to_owned);
        Error::UnknownElement { id, near }
    }
}

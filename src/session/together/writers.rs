//! Who wrote what last. An undo asks whether a value is still the one it left; a conflict is a
//! value that was overwritten by somebody who had not seen it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::participant::Participant;
use crate::fragment::{Fragment, Piece};
use crate::record::{Change, TreeEdit};

/// The place of an element in the tree, as a key beside those of its attributes.
pub(crate) const PLACE: &str = "";
/// The text of an element; no attribute is called so.
pub(crate) const TEXT: &str = "#text";
/// Deleted elements of which is known who deleted them.
const GONE: usize = 4096;

/// A sequence and who it is by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark(pub(crate) u64, pub(crate) Participant);

/// Of one value: which version it is, and who changed it last. An undo brings the version of
/// before back, and is a change all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Mark>,
    #[serde(rename = "c")]
    pub(crate) changed: Mark,
}

/// The versions of one value before and after a step of the undo log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Touch {
    #[serde(rename = "e")]
    pub(crate) element: u32,
    #[serde(rename = "a", default, skip_serializing_if = "String::is_empty")]
    pub(crate) key: String,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Mark>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Mark>,
}

/// What a change writes: an attribute, a text, or the place of an element.
pub(crate) fn key_of(change: &Change) -> (u32, &str) {
    match change {
        Change::Attribute(edit) => (edit.element, &edit.attribute),
        Change::Tree(TreeEdit::Insert { fragment, .. } | TreeEdit::Remove { fragment, .. }) => {
            (fragment.root().unwrap_or_default(), PLACE)
        }
        Change::Tree(TreeEdit::Move { element, .. }) => (*element, PLACE),
        Change::Tree(TreeEdit::Text { element, .. }) => (*element, TEXT),
    }
}

/// The stamps of everything that was ever written in a session, by element and key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Writers {
    stamps: BTreeMap<u32, BTreeMap<String, Stamp>>,
    /// Who deleted what, by handle, and the handles of ids that went.
    gone: BTreeMap<u32, Mark>,
    gone_ids: BTreeMap<String, u32>,
}

impl Writers {
    pub(crate) fn stamp(&self, element: u32, key: &str) -> Option<&Stamp> {
        self.stamps.get(&element)?.get(key)
    }

    pub(crate) fn version(&self, element: u32, key: &str) -> Option<&Mark> {
        self.stamp(element, key)?.version.as_ref()
    }

    pub(crate) fn of_element(&self, element: u32) -> impl Iterator<Item = (&String, &Stamp)> {
        self.stamps.get(&element).into_iter().flatten()
    }

    pub(crate) fn set(&mut self, element: u32, key: &str, version: Option<Mark>, changed: Mark) {
        let stamp = Stamp { version, changed };
        let keys = self.stamps.entry(element).or_default();
        match keys.get_mut(key) {
            Some(slot) => *slot = stamp,
            None => drop(keys.insert(key.to_owned(), stamp)),
        }
    }

    /// Notes what came and went with a change.
    pub(crate) fn follow(&mut self, change: &Change, by: &Mark) {
        match change {
            Change::Tree(TreeEdit::Remove { fragment, .. }) => {
                for (number, id) in elements(fragment) {
                    self.gone.insert(number, by.clone());
                    if let Some(id) = id {
                        self.gone_ids.insert(id.to_owned(), number);
                    }
                }
                while self.gone.len() > GONE {
                    self.gone.pop_first();
                }
                while self.gone_ids.len() > GONE {
                    self.gone_ids.pop_first();
                }
            }
            Change::Tree(TreeEdit::Insert { fragment, .. }) => {
                for (number, _) in elements(fragment) {
                    self.gone.remove(&number);
                }
            }
            _ => {}
        }
    }

    /// Who deleted the element that was called so.
    pub(crate) fn deleted(&self, id: &str) -> Option<&Mark> {
        let number = self.gone_ids.get(id).copied();
        let number = number.or_else(|| id.strip_prefix('@')?.parse().ok())?;
        self.gone.get(&number)
    }

    pub(crate) fn who_deleted(&self, element: u32) -> Option<&Mark> {
        self.gone.get(&element)
    }

    /// As a snapshot keeps it: of the elements that are there, or may come back.
    pub(crate) fn kept(&self, matters: impl Fn(u32) -> bool) -> Vec<(u32, String, Stamp)> {
        let all = self.stamps.iter().filter(|(element, _)| matters(**element));
        let all = all.flat_map(|(element, keys)| {
            keys.iter().map(|(key, stamp)| (*element, key.clone(), stamp.clone()))
        });
        all.collect()
    }

    /// From what a snapshot kept, and what was known in memory besides.
    pub(crate) fn restored(kept: Vec<(u32, String, Stamp)>) -> Writers {
        let mut writers = Writers::default();
        for (element, key, stamp) in kept {
            writers.stamps.entry(element).or_default().insert(key, stamp);
        }
        writers
    }

    pub(crate) fn keep_gone(&mut self, other: &Writers) {
        self.gone.clone_from(&other.gone);
        self.gone_ids.clone_from(&other.gone_ids);
    }
}

/// The elements of a fragment: handle and id.
pub(crate) fn elements(fragment: &Fragment) -> impl Iterator<Item = (u32, Option<&str>)> {
    fragment.pieces.iter().filter_map(|piece| match piece {
        Piece::Element { number, attributes, .. } => {
            let id = attributes.iter().find(|(name, _)| name == "id");
            Some((*number, id.map(|(_, id)| id.as_str())))
        }
        _ => None,
    })
}

//! What of a file is in its document, and what is not.

use std::collections::BTreeMap;

use serde::Serialize;

use super::reason::Reason;

/// Kinds that are told apart in a count; the rest is `(other)`.
const KINDS: usize = 64;
/// Characters of a name from the file that are shown.
const SHOWN: usize = 64;

/// What of a file is in its document.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DxfReport"))]
pub struct Report {
    /// `$ACADVER`, such as `AC1032`; empty where the file names none.
    pub version: String,
    /// The encoding it was read by.
    pub encoding: String,
    /// The unit of the drawing.
    pub unit: String,
    /// Layers.
    pub layers: usize,
    /// Block definitions.
    pub definitions: usize,
    /// Entities of the model.
    pub model: Counts,
    /// Entities of the block definitions, each counted once.
    pub blocks: Counts,
    /// Entities of the paper.
    pub paper: usize,
    /// Sheets: layouts on which something lies.
    pub sheets: usize,
    /// The entities of the paper by kind.
    pub on_paper: Counts,
    /// The box of all that is drawn but texts and lines without ends, in units of the drawing with
    /// y upward: least x and y, greatest x and y.
    pub extents: Option<[f64; 4]>,
    /// What is not as it is in the file.
    pub notes: Vec<Note>,
    /// Notes that were not kept.
    pub more_notes: usize,
}

/// Entities by kind: `entities` is the sum of what is drawn and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DxfCounts"))]
pub struct Counts {
    /// All of them. Vertices and attributes belong to what they are part of.
    pub entities: usize,
    /// Those drawn, by kind.
    pub drawn: BTreeMap<String, usize>,
    /// Those not drawn, by kind.
    pub not_drawn: BTreeMap<String, usize>,
}

/// Something that is not as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DxfNote"))]
pub struct Note {
    /// A code that stays: `dxf-kind`, `dxf-units-doubt` and so on.
    pub code: String,
    /// What it is.
    pub message: String,
    /// The first line in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// How often.
    pub count: usize,
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

fn bump(counts: &mut BTreeMap<String, usize>, kind: &str) {
    if let Some(count) = counts.get_mut(kind) {
        *count += 1;
        return;
    }
    let kind = shown(kind);
    let is_known = counts.contains_key(&kind) || counts.len() < KINDS;
    *counts.entry(if is_known { kind } else { "(other)".to_owned() }).or_default() += 1;
}

impl Counts {
    pub(super) fn draw(&mut self, kind: &str) {
        bump(&mut self.drawn, kind);
    }

    pub(super) fn leave(&mut self, kind: &str) {
        bump(&mut self.not_drawn, kind);
    }

    /// One that was counted as drawn is not.
    pub(super) fn take_back(&mut self, kind: &str) {
        if let Some(count) = self.drawn.get_mut(kind) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.drawn.remove(kind);
            }
        }
        self.leave(kind);
    }
}

/// Notes while they are collected: those of one code and message are one.
#[derive(Debug)]
pub(super) struct Notes {
    most: usize,
    notes: Vec<Note>,
    at: BTreeMap<(&'static str, String), usize>,
    more: usize,
}

impl Notes {
    pub(super) fn new(most: usize) -> Notes {
        Notes { most, notes: Vec::new(), at: BTreeMap::new(), more: 0 }
    }

    pub(super) fn add(&mut self, code: &'static str, message: String, line: Option<u32>) {
        let key = (code, message);
        if let Some(note) = self.at.get(&key).and_then(|at| self.notes.get_mut(*at)) {
            note.count += 1;
        } else if self.notes.len() >= self.most {
            self.more += 1;
        } else {
            let message = key.1.clone();
            self.at.insert(key, self.notes.len());
            self.notes.push(Note { code: code.to_owned(), message, line, count: 1 });
        }
    }

    pub(super) fn not_drawn(
        &mut self,
        kind: &str,
        reason: Reason,
        line: Option<u32>,
        block: Option<&str>,
    ) {
        let of = block.map_or_else(String::new, |name| format!(" in the block {:?}", shown(name)));
        let message = format!("{}{of}: {}", shown(kind), reason.sentence());
        self.add(reason.code(), message, line);
    }

    pub(super) fn end(self) -> (Vec<Note>, usize) {
        (self.notes, self.more)
    }
}

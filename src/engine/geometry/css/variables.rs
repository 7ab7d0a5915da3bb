//! Custom properties and `var()` (CSS Custom Properties Level 1).

use std::borrow::Cow;

use crate::document::{Document, NodeId};

use super::{Declaration, Sheet, closing};

/// Properties that refer to one another in a row: a circle is longer than any.
const MAX_DEPTH: usize = 16;
/// Bytes of a value with everything in place: properties that double each other are an attack.
const MAX_BYTES: usize = 16 << 10;

/// Whether a value refers to a custom property.
pub(super) fn refers(value: &str) -> bool {
    value.contains("var(")
}

/// Puts the values of custom properties in place. A declaration whose value cannot be had is as
/// `unset`: it goes, and the weaker ones of its property with it.
pub(super) fn substitute(
    sheet: &Sheet,
    document: &Document,
    node: NodeId,
    all: &mut Vec<Cow<'_, Declaration>>,
    work: &mut u64,
) {
    let mut unset: Vec<(usize, String)> = Vec::new();
    for (at, declaration) in all.iter_mut().enumerate() {
        if !refers(&declaration.value) || declaration.name.starts_with("--") {
            continue;
        }
        match replaced(sheet, document, node, &declaration.value, 0, work) {
            Some(value) => declaration.to_mut().value = value,
            None => unset.push((at, declaration.name.clone())),
        }
    }
    let mut at = 0;
    all.retain(|declaration| {
        let gone = unset.iter().any(|(last, name)| at <= *last && *name == declaration.name);
        at += 1;
        !gone
    });
}

/// `value` with every `var()` replaced.
fn replaced(
    sheet: &Sheet,
    document: &Document,
    node: NodeId,
    value: &str,
    depth: usize,
    work: &mut u64,
) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("var(") {
        let inside = rest.get(at + 4..)?;
        let end = closing(inside, ')')?;
        out.push_str(rest.get(..at)?);
        let (name, fallback) = match inside.get(..end)?.split_once(',') {
            Some((name, fallback)) => (name.trim(), Some(fallback.trim())),
            None => (inside.get(..end)?.trim(), None),
        };
        let found = defined(sheet, document, node, name, work)
            .and_then(|(value, at)| replaced(sheet, document, at, &value, depth + 1, work));
        let found = match (found, fallback) {
            (Some(found), _) => found,
            (None, Some(other)) => replaced(sheet, document, node, other, depth + 1, work)?,
            (None, None) => return None,
        };
        out.push_str(&found);
        *work += 1 + found.len() as u64 / 16;
        if out.len() > MAX_BYTES {
            return None;
        }
        rest = inside.get(end + 1..)?;
    }
    out.push_str(rest);
    (out.len() <= MAX_BYTES).then_some(out)
}

/// The value of a custom property, and the element that has it: it is inherited.
fn defined(
    sheet: &Sheet,
    document: &Document,
    node: NodeId,
    name: &str,
    work: &mut u64,
) -> Option<(String, NodeId)> {
    let mut at = Some(node);
    while let Some(node) = at {
        *work += 1;
        let declared = sheet.declared(document, node, work);
        if let Some(found) = declared.iter().rev().find(|d| d.name == name) {
            return Some((found.value.clone(), node));
        }
        at = document.parent(node);
    }
    None
}

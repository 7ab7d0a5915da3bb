//! Custom properties and `var()`.
//!
//! A custom property is inherited from where it is written: what a `use` shows inherits from
//! the place of its definition.

use std::borrow::Cow;

use crate::document::{Document, NodeId};

use super::{Matching, Sheet};

/// `var()` inside `var()`.
const NESTED: usize = 16;
/// Bytes that one value may grow to.
const LONGEST: usize = 16 * 1024;
/// What each `var()` counts for, besides the bytes it puts in.
const EACH: usize = 64;

/// Whether a value asks for a custom property.
pub(crate) fn asks(value: &str) -> bool {
    value.contains('(') && find(value).is_some()
}

/// Where `var(` begins in a value.
fn find(value: &str) -> Option<usize> {
    let bytes = value.as_bytes();
    bytes.windows(4).enumerate().find_map(|(at, w)| {
        let before = at.checked_sub(1).and_then(|b| bytes.get(b));
        let word = before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        (w.eq_ignore_ascii_case(b"var(") && !word).then_some(at)
    })
}

impl Sheet {
    /// A value with every `var()` replaced; `None` where one has no value, which makes the
    /// declaration invalid.
    pub(super) fn substituted(
        &self,
        document: &Document,
        node: NodeId,
        value: &str,
        matching: &mut Matching,
    ) -> Option<String> {
        self.replace(document, node, value, matching, &mut { LONGEST }, 0)
    }

    /// The names of the custom properties that the values of `node` ask for.
    pub(crate) fn asked_by(
        &self,
        document: &Document,
        node: NodeId,
        matching: &mut Matching,
    ) -> Vec<String> {
        let mut names = Vec::new();
        let mut note = |value: &str| {
            let mut rest = value;
            while let Some(inside) = find(rest).and_then(|at| rest.get(at + 4..)) {
                let end = inside.find([',', ')']).unwrap_or(inside.len());
                names.extend(inside.get(..end).map(|name| name.trim().to_owned()));
                rest = inside;
            }
        };
        for a in document.attributes(node) {
            note(a.value);
        }
        if !self.is_empty() {
            for d in self.ordered(document, node, Vec::new(), matching) {
                note(&d.value);
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The value of a custom property at an element.
    pub(crate) fn custom_value(
        &self,
        document: &Document,
        node: NodeId,
        name: &str,
        matching: &mut Matching,
    ) -> Option<String> {
        self.custom(document, node, name, matching).map(|(_, value)| value)
    }

    /// Whether an element states a custom property itself.
    pub(crate) fn states(
        &self,
        document: &Document,
        node: NodeId,
        name: &str,
        matching: &mut Matching,
    ) -> bool {
        self.custom(document, node, name, matching).is_some_and(|(from, _)| from == node)
    }

    fn replace(
        &self,
        document: &Document,
        node: NodeId,
        value: &str,
        matching: &mut Matching,
        left: &mut usize,
        depth: usize,
    ) -> Option<String> {
        if depth > NESTED || matching.exhausted {
            return None;
        }
        let mut out = String::new();
        let mut rest = value;
        while let Some(at) = find(rest) {
            out.push_str(rest.get(..at)?);
            let inside = rest.get(at + 4..)?;
            let end = closing(inside)?;
            let (name, fallback) = match inside.get(..end)?.split_once(',') {
                Some((name, fallback)) => (name.trim(), Some(fallback.trim())),
                None => (inside.get(..end)?.trim(), None),
            };
            rest = inside.get(end + 1..)?;
            *left = left.checked_sub(EACH)?;
            let held = self.custom(document, node, name, matching);
            let own = held.and_then(|(from, text)| {
                self.replace(document, from, &text, matching, left, depth + 1)
            });
            let put = match (own, fallback) {
                (Some(own), _) => own,
                (None, Some(text)) => {
                    self.replace(document, node, text, matching, left, depth + 1)?
                }
                (None, None) => return None,
            };
            *left = left.checked_sub(put.len())?;
            out.push_str(&put);
        }
        out.push_str(rest);
        Some(out.trim().to_owned())
    }

    /// The value of a custom property, and the element that states it.
    fn custom(
        &self,
        document: &Document,
        node: NodeId,
        name: &str,
        matching: &mut Matching,
    ) -> Option<(NodeId, String)> {
        let mut around = Some(node);
        while let Some(at) = around.filter(|_| !matching.exhausted) {
            let written = document.attr(at, "style").unwrap_or_default();
            let inline = match written.contains("--") {
                true => super::declarations(written),
                false => Vec::new(),
            };
            let all = self.ordered(document, at, inline, matching);
            if let Some(found) = all.into_iter().rev().find(|d| d.name == name) {
                let value = match found {
                    Cow::Borrowed(d) => d.value.clone(),
                    Cow::Owned(d) => d.value,
                };
                // What refers to itself has no value: the depth ends it.
                return Some((at, value));
            }
            around = document.parent(at);
        }
        None
    }
}

/// Where the parenthesis that was just opened closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

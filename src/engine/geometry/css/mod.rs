//! The part of CSS that drawings use: rules under [selectors](selector), `@media`, the cascade,
//! custom properties. A rule is indexed by the last part of its selector.
//!
//! Values are not interpreted here. At-rules other than `@media` and `@supports` make their rules
//! not apply: nothing is fetched.

mod media;
mod selector;
#[cfg(test)]
mod tests;
mod variables;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::document::{Document, NodeId, Ns};

use super::viewport::{pixels, root_viewbox};
use super::{Length, Look};

use selector::{Selector, Specificity};

/// Rules kept. Real drawings have dozens; each may be tried on every element.
const MAX_RULES: usize = 10_000;
/// At-rules inside one another.
const MAX_DEPTH: usize = 8;

/// A declaration of a rule or of a `style` attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Property, lower case.
    pub name: String,
    /// Value without `!important`.
    pub value: String,
    /// Whether `!important` was written.
    pub important: bool,
}

/// The style sheets of a document.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    rules: Vec<Rule>,
    by_id: HashMap<String, Vec<u32>>,
    by_class: HashMap<String, Vec<u32>>,
    by_name: HashMap<String, Vec<u32>>,
    /// Rules that any element may match.
    other: Vec<u32>,
    siblings: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    selector: Selector,
    specificity: Specificity,
    declarations: std::sync::Arc<[Declaration]>,
}

impl Sheet {
    /// Collects the `style` elements of a document.
    pub fn of(document: &Document) -> Sheet {
        let mut sheet = Sheet::default();
        for node in document.elements() {
            if is_css(document, node) {
                let screen = screen(document);
                if media::holds(document.attr(node, "media").unwrap_or_default(), screen) {
                    sheet.add(&without_comments(&document.text(node)), screen, 0);
                }
            }
        }
        sheet
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule looks at siblings, so that an edit reaches beyond its subtree.
    pub fn looks_at_siblings(&self) -> bool {
        self.siblings
    }

    fn add(&mut self, text: &str, screen: (f64, f64), depth: usize) {
        for block in blocks(text) {
            let (selectors, body) = match block {
                Block::Rule(selectors, body) => (selectors, body),
                Block::At(head, body) => {
                    if depth < MAX_DEPTH && applies(head, screen) {
                        self.add(body, screen, depth + 1);
                    }
                    continue;
                }
            };
            let declarations: std::sync::Arc<[Declaration]> = declarations(body).into();
            if declarations.is_empty() {
                continue;
            }
            for text in split_outside(selectors, ',') {
                let Some(selector) = Selector::parse(text) else { continue };
                let Some(last) = selector.last() else { continue };
                if self.rules.len() >= MAX_RULES {
                    return;
                }
                let at = self.rules.len() as u32;
                let bucket = if let Some(id) = &last.id {
                    self.by_id.entry(id.clone()).or_default()
                } else if let Some(class) = last.classes.first() {
                    self.by_class.entry(class.clone()).or_default()
                } else if let Some(name) = &last.name {
                    self.by_name.entry(name.clone()).or_default()
                } else {
                    &mut self.other
                };
                bucket.push(at);
                self.siblings |= selector.looks_at_siblings();
                let specificity = selector.specificity();
                let declarations = declarations.clone();
                self.rules.push(Rule { selector, specificity, declarations });
            }
        }
    }

    /// What the style sheets and the element's own `style` come to, weakest first, with the
    /// values of custom properties in place. Steps are added to `work`.
    pub fn cascade<'s>(
        &'s self,
        document: &Document,
        node: NodeId,
        work: &mut u64,
    ) -> Vec<Cow<'s, Declaration>> {
        let mut all = self.declared(document, node, work);
        if all.iter().any(|d| variables::refers(&d.value)) {
            variables::substitute(self, document, node, &mut all, work);
        }
        all
    }

    /// The same, as declared.
    fn declared<'s>(
        &'s self,
        document: &Document,
        node: NodeId,
        work: &mut u64,
    ) -> Vec<Cow<'s, Declaration>> {
        let own = document.attr(node, "style").map(declarations).unwrap_or_default();
        if self.is_empty() && own.is_empty() {
            return Vec::new();
        }
        let rules = self.declarations(document, node, work).into_iter().map(Cow::Borrowed);
        let mut all: Vec<_> = rules.chain(own.into_iter().map(Cow::Owned)).collect();
        // Stable: what is important comes behind, in the order it had.
        all.sort_by_key(|d| d.important);
        all
    }

    /// The declarations of the rules that apply to `node`, weakest first. Steps are added to
    /// `work`.
    fn declarations<'s>(
        &'s self,
        document: &Document,
        node: NodeId,
        work: &mut u64,
    ) -> Vec<&'s Declaration> {
        let mut matched: Vec<u32> = Vec::new();
        let mut try_all = |bucket: Option<&Vec<u32>>| {
            for &at in bucket.into_iter().flatten() {
                if let Some(rule) = self.rules.get(at as usize)
                    && rule.selector.matches(document, node, work)
                {
                    matched.push(at);
                }
            }
        };
        if let Some(id) = document.id(node).filter(|_| !self.by_id.is_empty()) {
            try_all(self.by_id.get(id));
        }
        if !self.by_class.is_empty() {
            let look: Vec<String> = Look::of(document, node).classes().collect();
            let mut words: Vec<&str> = classes(document, node).collect();
            words.extend(look.iter().map(String::as_str));
            words.sort_unstable();
            words.dedup();
            for class in words {
                try_all(self.by_class.get(class));
            }
        }
        if let Some((_, name)) = document.name(node).filter(|_| !self.by_name.is_empty()) {
            try_all(self.by_name.get(name));
        }
        try_all(Some(&self.other));
        matched.sort_unstable_by_key(|&at| (self.rules[at as usize].specificity, at));
        matched.iter().flat_map(|&at| self.rules[at as usize].declarations.iter()).collect()
    }
}

/// The size of the drawing in pixels, which media queries ask about.
fn screen(document: &Document) -> (f64, f64) {
    let viewbox = root_viewbox(document);
    let side = |name, other| {
        let length = document.attr(NodeId::ROOT, name).and_then(|text| Length::parse(text).ok());
        length.and_then(pixels).unwrap_or(other)
    };
    (side("width", viewbox.width), side("height", viewbox.height))
}

/// Whether the rules in an at-rule apply.
fn applies(head: &str, screen: (f64, f64)) -> bool {
    let (name, rest) = match head.find(|c: char| !(c.is_alphanumeric() || matches!(c, '@' | '-'))) {
        Some(end) => head.split_at(end),
        None => (head, ""),
    };
    match name.to_ascii_lowercase().as_str() {
        "@media" => media::holds(rest, screen),
        // What is asked for is a property or value that some browser once lacked.
        "@supports" => !rest.trim_start().to_ascii_lowercase().starts_with("not"),
        _ => false,
    }
}

/// Whether `node` is a style sheet in CSS.
pub fn is_css(document: &Document, node: NodeId) -> bool {
    matches!(document.name(node), Some((Ns::Svg | Ns::None, "style")))
        && document.attr(node, "type").is_none_or(|t| t.trim().is_empty() || t.trim() == "text/css")
}

/// The declarations of a rule's body or a `style` attribute, in order.
pub fn declarations(text: &str) -> Vec<Declaration> {
    let text = without_comments(text);
    split_outside(&text, ';')
        .filter_map(|part| {
            let (name, value) = part.split_once(':')?;
            let name = name.trim();
            // Only the names of custom properties tell capitals apart.
            let name = match name.starts_with("--") {
                true => name.to_owned(),
                false => name.to_ascii_lowercase(),
            };
            let value = value.trim();
            let (value, important) = match value.rsplit_once('!') {
                Some((v, flag)) if flag.trim().eq_ignore_ascii_case("important") => {
                    (v.trim_end(), true)
                }
                _ => (value, false),
            };
            let proper = !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            (proper && !value.is_empty()).then(|| Declaration {
                name,
                value: value.to_owned(),
                important,
            })
        })
        .collect()
}

fn classes(document: &Document, node: NodeId) -> impl Iterator<Item = &str> {
    document.attr(node, "class").unwrap_or_default().split_ascii_whitespace()
}

/// A piece of a style sheet.
pub(crate) enum Block<'t> {
    /// A selector list and a body.
    Rule(&'t str, &'t str),
    /// The head of an at-rule and its block.
    At(&'t str, &'t str),
}

/// The rules and the at-rules with a block of a sheet without comments.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            rest = rest.strip_prefix("<!--").or(rest.strip_prefix("-->")).unwrap_or(rest);
            rest = rest.trim_start();
            if rest.is_empty() {
                return None;
            }
            let end = rest.find(['{', ';']).unwrap_or(rest.len());
            if rest.starts_with('@') && rest.as_bytes().get(end) == Some(&b';') {
                rest = &rest[end + 1..];
                continue;
            }
            let open = rest.find('{')?;
            let (head, block) = (rest[..open].trim(), &rest[open + 1..]);
            let close = block_end(block);
            let body = &block[..close];
            rest = block.get(close + 1..).unwrap_or_default();
            return Some(match head.starts_with('@') {
                true => Block::At(head, body),
                false => Block::Rule(head, body),
            });
        }
    })
}

/// Where the block that was just opened ends.
fn block_end(text: &str) -> usize {
    let (mut depth, mut quote, mut escaped) = (1_usize, None, false);
    for (at, b) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, b) {
            (_, b'\\') => escaped = true,
            (Some(q), _) if q == b => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(b),
            (None, b'{') => depth += 1,
            (None, b'}') => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Splits at `separator`, but not inside quotes, parentheses or brackets.
pub(crate) fn split_outside(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let (mut quote, mut depth) = (None, 0_usize);
        let mut escaped = false;
        for (at, c) in current.char_indices() {
            if escaped {
                escaped = false;
                continue;
            }
            match (quote, c) {
                (_, '\\') => escaped = true,
                (Some(q), _) if q == c => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '(' | '[') => depth += 1,
                (None, ')' | ']') => depth = depth.saturating_sub(1),
                (None, _) if c == separator && depth == 0 => {
                    rest = Some(&current[at + c.len_utf8()..]);
                    return Some(&current[..at]);
                }
                _ => {}
            }
        }
        rest = None;
        Some(current)
    })
}

/// Where the bracket that was just opened, or the quote, is closed.
fn closing(text: &str, close: char) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    let open = match close {
        ')' => Some('('),
        ']' => Some('['),
        _ => None,
    };
    for (at, c) in text.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match (quote, c) {
            (_, '\\') => escaped = true,
            (Some(q), _) if q == c => quote = None,
            (Some(_), _) => {}
            (None, _) if c == close && depth == 0 => return Some(at),
            (None, _) if c == close => depth -= 1,
            (None, _) if Some(c) == open => depth += 1,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
    }
    None
}

/// The text with every comment replaced by a space.
pub(crate) fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/*") {
        out.push_str(&rest[..at]);
        out.push(' ');
        rest = rest[at + 2..].find("*/").map_or("", |end| &rest[at + 2 + end + 2..]);
    }
    out.push_str(rest);
    out
}

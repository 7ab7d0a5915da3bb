//! The part of CSS 2 that drawings use: rules with type, class, id and
//! attribute selectors, indexed by their last part.
//!
//! Values are not interpreted here. At-rules, pseudo-classes other than
//! `:first-child` and the general sibling combinator make a rule not apply.

use std::collections::HashMap;

use crate::document::{Document, NodeId, Ns};

use super::Look;

/// Rules kept. Real drawings have dozens; each may be tried on every element.
const MAX_RULES: usize = 10_000;

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
    specificity: (u16, u16, u16),
    declarations: std::sync::Arc<[Declaration]>,
}

/// Compounds from left to right, each with the combinator before it.
#[derive(Clone, Debug)]
struct Selector(Vec<(Combinator, Compound)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combinator {
    Descendant,
    Child,
    Adjacent,
}

#[derive(Clone, Debug, Default)]
struct Compound {
    name: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
    attributes: Vec<(String, AttributeTest)>,
    first_child: bool,
}

#[derive(Clone, Debug)]
enum AttributeTest {
    Present,
    Is(String),
    HasWord(String),
    Begins(String),
    Ends(String),
    Contains(String),
}

impl Sheet {
    /// Collects the `style` elements of a document.
    pub fn of(document: &Document) -> Sheet {
        let mut sheet = Sheet::default();
        for node in document.elements() {
            if is_css(document, node) {
                sheet.add(&document.text(node));
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

    fn add(&mut self, text: &str) {
        let text = without_comments(text);
        for (selectors, body) in rules(&text) {
            let declarations: std::sync::Arc<[Declaration]> = declarations(body).into();
            if declarations.is_empty() {
                continue;
            }
            for text in split_outside(selectors, ',') {
                let Some(selector) = Selector::parse(text) else { continue };
                let Some((_, last)) = selector.0.last() else { continue };
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
                self.siblings |= selector
                    .0
                    .iter()
                    .any(|(c, part)| *c == Combinator::Adjacent || part.first_child);
                let specificity = selector.specificity();
                let declarations = declarations.clone();
                self.rules.push(Rule { selector, specificity, declarations });
            }
        }
    }

    /// The declarations that apply to `node`, weakest first. Steps are added to
    /// `work`, one for each selector that was tried.
    pub fn declarations<'s>(
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
            let name = name.trim().to_ascii_lowercase();
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

impl Selector {
    fn parse(text: &str) -> Option<Selector> {
        let mut parts = Vec::new();
        let mut combinator = Combinator::Descendant;
        let mut rest = text.trim();
        // More parts than this are an attack, not a drawing.
        while !rest.is_empty() && parts.len() < 32 {
            match rest.as_bytes().first() {
                Some(b'>') => combinator = Combinator::Child,
                Some(b'+') => combinator = Combinator::Adjacent,
                _ => {
                    let (compound, after) = Compound::parse(rest)?;
                    parts.push((combinator, compound));
                    combinator = Combinator::Descendant;
                    rest = after.trim_start();
                    continue;
                }
            }
            rest = rest[1..].trim_start();
        }
        (rest.is_empty() && !parts.is_empty() && combinator == Combinator::Descendant)
            .then_some(Selector(parts))
    }

    fn specificity(&self) -> (u16, u16, u16) {
        self.0.iter().fold((0, 0, 0), |(ids, classes, names), (_, c)| {
            let tests = c.classes.len() + c.attributes.len() + usize::from(c.first_child);
            (
                ids + u16::from(c.id.is_some()),
                classes + u16::try_from(tests).unwrap_or(u16::MAX / 64),
                names + u16::from(c.name.is_some()),
            )
        })
    }

    /// Matches from the right. A descendant combinator takes the nearest fitting
    /// ancestor and does not go back, as browsers' fast paths do for selectors
    /// without child combinators after it; with them it may miss a match, never
    /// invent one.
    fn matches(&self, document: &Document, node: NodeId, work: &mut u64) -> bool {
        let mut at = node;
        let mut parts = self.0.iter().rev().peekable();
        let mut found = true;
        while let Some((combinator, compound)) = parts.next() {
            if !found {
                return false;
            }
            *work += 1;
            if !compound.matches(document, at) {
                return false;
            }
            if parts.peek().is_none() {
                return true;
            }
            let next = match combinator {
                Combinator::Child => document.parent(at),
                Combinator::Adjacent => previous_element(document, at),
                Combinator::Descendant => {
                    let wanted = parts.peek().map(|(_, c)| c);
                    let mut up = document.parent(at);
                    while let (Some(a), Some(c)) = (up, wanted) {
                        *work += 1;
                        if c.matches(document, a) {
                            break;
                        }
                        up = document.parent(a);
                    }
                    up
                }
            };
            match next {
                Some(n) => at = n,
                None => found = false,
            }
        }
        false
    }
}

impl Compound {
    fn parse(text: &str) -> Option<(Compound, &str)> {
        let mut compound = Compound::default();
        let mut rest = text;
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
        } else if let Some((name, after)) = identifier(rest) {
            compound.name = Some(name.to_owned());
            rest = after;
        }
        loop {
            if let Some(after) = rest.strip_prefix('.') {
                let (class, after) = identifier(after)?;
                compound.classes.push(class.to_owned());
                rest = after;
            } else if let Some(after) = rest.strip_prefix('#') {
                let (id, after) = identifier(after)?;
                compound.id = Some(id.to_owned());
                rest = after;
            } else if let Some(after) = rest.strip_prefix(":first-child") {
                compound.first_child = true;
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) = after.split_once(']')?;
                compound.attributes.push(attribute_test(inside)?);
                rest = after;
            } else {
                break;
            }
        }
        let ended = rest.is_empty()
            || rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '>' || c == '+');
        (ended && rest.len() < text.len()).then_some((compound, rest))
    }

    fn matches(&self, document: &Document, node: NodeId) -> bool {
        let Some((_, name)) = document.name(node) else { return false };
        self.name.as_deref().is_none_or(|n| n == name)
            && self.id.as_deref().is_none_or(|id| document.id(node) == Some(id))
            && self.classes.iter().all(|c| has_class(document, node, c))
            && self.attributes.iter().all(|(name, test)| {
                document.attr(node, name).is_some_and(|value| match test {
                    AttributeTest::Present => true,
                    AttributeTest::Is(v) => value == v,
                    AttributeTest::HasWord(v) => value.split_ascii_whitespace().any(|w| w == v),
                    AttributeTest::Begins(v) => value.starts_with(v.as_str()),
                    AttributeTest::Ends(v) => value.ends_with(v.as_str()),
                    AttributeTest::Contains(v) => value.contains(v.as_str()),
                })
            })
            && (!self.first_child || previous_element(document, node).is_none())
    }
}

fn classes(document: &Document, node: NodeId) -> impl Iterator<Item = &str> {
    document.attr(node, "class").unwrap_or_default().split_ascii_whitespace()
}

fn has_class(document: &Document, node: NodeId, class: &str) -> bool {
    classes(document, node).any(|word| word == class) || Look::of(document, node).has_class(class)
}

fn previous_element(document: &Document, node: NodeId) -> Option<NodeId> {
    let mut at = document.previous_sibling(node);
    while let Some(n) = at.filter(|&n| !document.is_element(n)) {
        at = document.previous_sibling(n);
    }
    at
}

fn attribute_test(text: &str) -> Option<(String, AttributeTest)> {
    let Some((name, value)) = text.split_once('=') else {
        return Some((text.trim().to_owned(), AttributeTest::Present));
    };
    let value = value.trim().trim_matches(['"', '\'']).to_owned();
    let (name, make): (&str, fn(String) -> AttributeTest) = match name.as_bytes().last() {
        Some(b'~') => (&name[..name.len() - 1], AttributeTest::HasWord),
        Some(b'^') => (&name[..name.len() - 1], AttributeTest::Begins),
        Some(b'$') => (&name[..name.len() - 1], AttributeTest::Ends),
        Some(b'*') => (&name[..name.len() - 1], AttributeTest::Contains),
        Some(b'|') => return None,
        _ => (name, AttributeTest::Is),
    };
    Some((name.trim().to_owned(), make(value)))
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_' || !c.is_ascii()))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The rules of a sheet without comments: selector list and body. At-rules are
/// skipped with their blocks.
pub(crate) fn rules(text: &str) -> impl Iterator<Item = (&str, &str)> {
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
            let (head, block) = (&rest[..open], &rest[open + 1..]);
            let close = block_end(block);
            let body = &block[..close];
            rest = block.get(close + 1..).unwrap_or_default();
            if !head.starts_with('@') {
                return Some((head.trim(), body));
            }
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

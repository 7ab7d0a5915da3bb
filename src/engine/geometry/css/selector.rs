//! Selectors (Selectors Level 4): type, universal, class, id and attribute selectors, the
//! structural pseudo-classes, `:not()`, `:is()`, `:where()`, and all combinators.
//!
//! A selector is matched from its right end with the set of elements that its part may stand for,
//! not by going back: a descendant combinator may have several fitting ancestors, and a set of
//! them costs at most parts × (depth + siblings), however the selector is made. That bound, and
//! that each step is counted, is why this is not the `selectors` crate of browsers, whose matching
//! cannot be stopped. What is dynamic (`:hover`) matches nothing in a picture; what is not known
//! makes the rule not apply.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::document::{Document, NodeId, Ns};

use super::{Look, closing, split_outside};

/// Parts of a selector. More are an attack, not a drawing.
const MAX_PARTS: usize = 32;
/// Selectors inside one another.
const MAX_NESTING: usize = 4;

/// Compounds from left to right, each with the combinator before it.
#[derive(Clone, Debug)]
pub(super) struct Selector(Vec<(Combinator, Compound)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combinator {
    Descendant,
    Child,
    Adjacent,
    Sibling,
}

/// What one element has to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Compound {
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) classes: Vec<String>,
    attributes: Vec<AttributeTest>,
    pseudo: Vec<Pseudo>,
}

#[derive(Clone, Debug)]
struct AttributeTest {
    name: String,
    operator: Operator,
    value: String,
    ignores_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Present,
    Is,
    HasWord,
    HasLanguage,
    Begins,
    Ends,
    Contains,
}

#[derive(Clone, Debug)]
enum Pseudo {
    Root,
    Empty,
    Link,
    /// What a picture never is, such as `:hover`.
    Never,
    /// The place among its siblings: every `step`-th from `offset`, counted from either end, among
    /// all or those of its name.
    Nth {
        step: i32,
        offset: i32,
        from_end: bool,
        of_type: bool,
    },
    Not(Vec<Selector>),
    Is(Vec<Selector>),
    Where(Vec<Selector>),
}

/// Ids, classes and the like, names.
pub(super) type Specificity = (u16, u16, u16);

impl Selector {
    /// `None` for what is not a selector, or not one that is known here.
    pub(super) fn parse(text: &str) -> Option<Selector> {
        Selector::parse_nested(text, 0)
    }

    fn parse_nested(text: &str, nesting: usize) -> Option<Selector> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        let mut combinator = Some(Combinator::Descendant);
        while !rest.is_empty() {
            if parts.len() >= MAX_PARTS {
                return None;
            }
            let (compound, after) = Compound::parse(rest, nesting)?;
            parts.push((combinator?, compound));
            rest = after.trim_start();
            let (next, skip) = match rest.as_bytes().first() {
                Some(b'>') => (Combinator::Child, 1),
                Some(b'+') => (Combinator::Adjacent, 1),
                Some(b'~') => (Combinator::Sibling, 1),
                _ => (Combinator::Descendant, 0),
            };
            combinator = Some(next).filter(|_| skip > 0 || rest.len() < after.len());
            rest = rest.get(skip..)?.trim_start();
            if rest.is_empty() && skip > 0 {
                return None;
            }
        }
        (!parts.is_empty()).then_some(Selector(parts))
    }

    /// The part that the element itself has to match.
    pub(super) fn last(&self) -> Option<&Compound> {
        self.0.last().map(|(_, compound)| compound)
    }

    /// Whether another element's change may decide, other than that of an ancestor.
    pub(super) fn looks_at_siblings(&self) -> bool {
        self.0.iter().any(|(combinator, compound)| {
            matches!(combinator, Combinator::Adjacent | Combinator::Sibling)
                || compound.pseudo.iter().any(Pseudo::looks_at_siblings)
        })
    }

    pub(super) fn specificity(&self) -> Specificity {
        let add = |a: Specificity, b: Specificity| {
            (a.0.saturating_add(b.0), a.1.saturating_add(b.1), a.2.saturating_add(b.2))
        };
        self.0.iter().fold((0, 0, 0), |sum, (_, c)| {
            let tests = u16::try_from(c.classes.len() + c.attributes.len()).unwrap_or(u16::MAX);
            let own = (u16::from(c.id.is_some()), tests, u16::from(c.name.is_some()));
            c.pseudo.iter().map(Pseudo::specificity).fold(add(sum, own), add)
        })
    }

    /// Whether `node` matches. Steps are added to `work`.
    pub(super) fn matches(&self, document: &Document, node: NodeId, work: &mut u64) -> bool {
        let mut candidates = vec![node];
        let mut parts = self.0.iter().rev().peekable();
        while let Some((combinator, compound)) = parts.next() {
            candidates.retain(|&c| compound.matches(document, c, work));
            if candidates.is_empty() {
                return false;
            }
            if parts.peek().is_none() {
                return true;
            }
            candidates = step(document, &candidates, *combinator, work);
        }
        false
    }
}

/// The elements that stand in the place to which `combinator` leads from one of `from`, each once.
fn step(
    document: &Document,
    from: &[NodeId],
    combinator: Combinator,
    work: &mut u64,
) -> Vec<NodeId> {
    let next = |node| match combinator {
        Combinator::Descendant | Combinator::Child => document.parent(node),
        Combinator::Adjacent | Combinator::Sibling => previous_element(document, node),
    };
    let once = matches!(combinator, Combinator::Child | Combinator::Adjacent);
    let mut found: Vec<NodeId> = Vec::new();
    // One path or row does not meet itself.
    let mut known = (from.len() > 1).then(HashSet::new);
    for &node in from {
        let mut at = next(node);
        while let Some(candidate) = at {
            *work += 1;
            // From here on the path, or the row, was gone along already.
            if known.as_mut().is_some_and(|known| !known.insert(candidate)) {
                break;
            }
            found.push(candidate);
            at = if once { None } else { next(candidate) };
        }
    }
    found
}

impl Compound {
    fn parse(text: &str, nesting: usize) -> Option<(Compound, &str)> {
        let mut compound = Compound::default();
        let mut rest = text;
        if let Some((name, after)) = type_selector(rest) {
            compound.name = name;
            rest = after;
        }
        loop {
            if let Some(after) = rest.strip_prefix('.') {
                let (class, after) = identifier(after)?;
                compound.classes.push(class.into_owned());
                rest = after;
            } else if let Some(after) = rest.strip_prefix('#') {
                let (id, after) = identifier(after)?;
                let id = id.into_owned();
                if compound.id.as_ref().is_some_and(|other| *other != id) {
                    compound.pseudo.push(Pseudo::Never);
                }
                compound.id = Some(id);
                rest = after;
            } else if rest.starts_with("::") {
                return None;
            } else if let Some(after) = rest.strip_prefix(':') {
                let (pseudo, after) = Pseudo::parse(after, nesting)?;
                compound.pseudo.push(pseudo);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let end = closing(after, ']')?;
                compound.attributes.push(AttributeTest::parse(after.get(..end)?)?);
                rest = after.get(end + 1..)?;
            } else {
                break;
            }
        }
        let ended = rest.is_empty()
            || rest.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '+' | '~'));
        (ended && rest.len() < text.len()).then_some((compound, rest))
    }

    fn matches(&self, document: &Document, node: NodeId, work: &mut u64) -> bool {
        *work += 1;
        let Some((_, name)) = document.name(node) else { return false };
        self.name.as_deref().is_none_or(|n| n == name)
            && self.id.as_deref().is_none_or(|id| document.id(node) == Some(id))
            && self.classes.iter().all(|c| has_class(document, node, c))
            && self.attributes.iter().all(|test| test.matches(document, node))
            && self.pseudo.iter().all(|pseudo| pseudo.matches(document, node, work))
    }
}

/// A name, `*`, or either with a namespace, which is not looked at; `None` where none is written.
fn type_selector(text: &str) -> Option<(Option<String>, &str)> {
    let one = |text: &'_ str| -> Option<(Option<String>, usize)> {
        if text.starts_with('*') {
            return Some((None, 1));
        }
        let (name, after) = identifier(text)?;
        Some((Some(name.into_owned()), text.len() - after.len()))
    };
    let (name, end) = one(text).unwrap_or((None, 0));
    let rest = text.get(end..)?;
    if let Some(after) = rest.strip_prefix('|').filter(|after| !after.starts_with('=')) {
        let (name, end) = one(after)?;
        return Some((name, after.get(end..)?));
    }
    (end > 0).then_some((name, rest))
}

impl AttributeTest {
    fn parse(text: &str) -> Option<AttributeTest> {
        let text = text.trim();
        let name_end = text.find(|c: char| "=~^$*|".contains(c) || c.is_ascii_whitespace());
        // `*|href` and `xlink|href` are about the same attribute here.
        let (name, rest) = match text.split_once('|') {
            Some((prefix, rest)) if !rest.starts_with('=') && !prefix.contains('=') => {
                let end = rest.find(|c: char| "=~^$*|".contains(c) || c.is_ascii_whitespace());
                rest.split_at(end.unwrap_or(rest.len()))
            }
            _ => text.split_at(name_end.unwrap_or(text.len())),
        };
        let (name, after) = identifier(name)?;
        let rest = rest.trim_start();
        if !after.is_empty() {
            return None;
        }
        let (operator, rest) = match rest.split_at_checked(2) {
            _ if rest.is_empty() => (Operator::Present, rest),
            _ if rest.starts_with('=') => (Operator::Is, &rest[1..]),
            Some(("~=", rest)) => (Operator::HasWord, rest),
            Some(("|=", rest)) => (Operator::HasLanguage, rest),
            Some(("^=", rest)) => (Operator::Begins, rest),
            Some(("$=", rest)) => (Operator::Ends, rest),
            Some(("*=", rest)) => (Operator::Contains, rest),
            _ => return None,
        };
        let rest = rest.trim();
        let (value, flag) = match rest.as_bytes().first() {
            Some(&quote @ (b'"' | b'\'')) => {
                let end = closing(&rest[1..], quote as char)?;
                (unescaped(&rest[1..=end]), rest[end + 2..].trim())
            }
            _ => match rest.split_once(|c: char| c.is_ascii_whitespace()) {
                Some((value, flag)) => (unescaped(value), flag.trim()),
                None => (unescaped(rest), ""),
            },
        };
        let ignores_case = match flag {
            "" | "s" | "S" => false,
            "i" | "I" => true,
            _ => return None,
        };
        let (name, value) = (name.into_owned(), value.into_owned());
        Some(AttributeTest { name, operator, value, ignores_case })
    }

    fn matches(&self, document: &Document, node: NodeId) -> bool {
        let found = document.attr(node, &self.name).or_else(|| {
            let linked = document.attribute(node, Ns::XLink, &self.name);
            linked.or_else(|| document.attribute(node, Ns::Xml, &self.name)).map(|a| a.value)
        });
        let Some(found) = found else { return false };
        let (found, wanted) = if self.ignores_case {
            (Cow::Owned(found.to_lowercase()), Cow::Owned(self.value.to_lowercase()))
        } else {
            (Cow::Borrowed(found), Cow::Borrowed(self.value.as_str()))
        };
        let (found, wanted) = (found.as_ref(), wanted.as_ref());
        match self.operator {
            Operator::Present => true,
            Operator::Is => found == wanted,
            Operator::HasWord => found.split_ascii_whitespace().any(|word| word == wanted),
            Operator::HasLanguage => found
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
            // An empty value matches nothing (Selectors 4, section 6.2).
            Operator::Begins => !wanted.is_empty() && found.starts_with(wanted),
            Operator::Ends => !wanted.is_empty() && found.ends_with(wanted),
            Operator::Contains => !wanted.is_empty() && found.contains(wanted),
        }
    }
}

impl Pseudo {
    fn parse(text: &str, nesting: usize) -> Option<(Pseudo, &str)> {
        let (name, rest) = identifier(text)?;
        let name = name.to_ascii_lowercase();
        let nth = |step, offset, from_end, of_type| Pseudo::Nth { step, offset, from_end, of_type };
        let Some(inside) = rest.strip_prefix('(') else {
            let pseudo = match name.as_str() {
                "root" => Pseudo::Root,
                "empty" => Pseudo::Empty,
                "link" | "any-link" => Pseudo::Link,
                "first-child" => nth(0, 1, false, false),
                "last-child" => nth(0, 1, true, false),
                "first-of-type" => nth(0, 1, false, true),
                "last-of-type" => nth(0, 1, true, true),
                "only-child" | "only-of-type" => {
                    let of_type = name == "only-of-type";
                    let both = [false, true].map(|from_end| Compound {
                        pseudo: vec![nth(0, 1, from_end, of_type)],
                        ..Compound::default()
                    });
                    let [first, last] = both;
                    let mut compound = first;
                    compound.pseudo.extend(last.pseudo);
                    Pseudo::Is(vec![Selector(vec![(Combinator::Descendant, compound)])])
                }
                "hover" | "active" | "focus" | "focus-visible" | "focus-within" | "visited"
                | "target" | "checked" | "disabled" | "enabled" => Pseudo::Never,
                _ => return None,
            };
            return Some((pseudo, rest));
        };
        let end = closing(inside, ')')?;
        let (argument, rest) = (inside.get(..end)?.trim(), inside.get(end + 1..)?);
        let several = || -> Option<Vec<Selector>> {
            if nesting >= MAX_NESTING {
                return None;
            }
            split_outside(argument, ',').map(|s| Selector::parse_nested(s, nesting + 1)).collect()
        };
        let pseudo = match name.as_str() {
            "not" => Pseudo::Not(several()?),
            "is" | "matches" | "-webkit-any" => Pseudo::Is(several()?),
            "where" => Pseudo::Where(several()?),
            "nth-child" | "nth-last-child" | "nth-of-type" | "nth-last-of-type" => {
                let (step, offset) = every(argument)?;
                nth(step, offset, name.contains("last"), name.ends_with("of-type"))
            }
            _ => return None,
        };
        Some((pseudo, rest))
    }

    fn looks_at_siblings(&self) -> bool {
        match self {
            Pseudo::Root | Pseudo::Link | Pseudo::Never => false,
            Pseudo::Empty | Pseudo::Nth { .. } => true,
            Pseudo::Not(list) | Pseudo::Is(list) | Pseudo::Where(list) => {
                list.iter().any(Selector::looks_at_siblings)
            }
        }
    }

    fn specificity(&self) -> Specificity {
        match self {
            Pseudo::Where(_) => (0, 0, 0),
            Pseudo::Not(list) | Pseudo::Is(list) => {
                list.iter().map(Selector::specificity).max().unwrap_or_default()
            }
            _ => (0, 1, 0),
        }
    }

    fn matches(&self, document: &Document, node: NodeId, work: &mut u64) -> bool {
        let mut any = |list: &[Selector]| list.iter().any(|s| s.matches(document, node, work));
        match self {
            Pseudo::Root => node == NodeId::ROOT,
            Pseudo::Empty => document.children(node).all(|child| {
                use crate::document::NodeKind;
                match document.kind(child) {
                    NodeKind::Comment(_) => true,
                    NodeKind::Text(text) => text.is_empty(),
                    NodeKind::Element { .. } => false,
                }
            }),
            Pseudo::Link => {
                document.name(node).is_some_and(|(_, name)| name == "a")
                    && crate::geometry::href(document, node).is_some()
            }
            Pseudo::Never => false,
            Pseudo::Nth { step, offset, from_end, of_type } => {
                let place = place(document, node, *from_end, *of_type, work);
                let beyond = place - i64::from(*offset);
                match i64::from(*step) {
                    0 => beyond == 0,
                    step => beyond % step == 0 && beyond / step >= 0,
                }
            }
            Pseudo::Not(list) => !any(list),
            Pseudo::Is(list) | Pseudo::Where(list) => any(list),
        }
    }
}

/// The place among the siblings, from 1.
fn place(document: &Document, node: NodeId, from_end: bool, of_type: bool, work: &mut u64) -> i64 {
    let name = document.name(node);
    let mut at = node;
    let mut place = 1;
    loop {
        let next = if from_end { document.next_sibling(at) } else { document.previous_sibling(at) };
        let Some(sibling) = next else { return place };
        *work += 1;
        at = sibling;
        let counts = if of_type {
            document.is_element(at) && document.name(at) == name
        } else {
            document.is_element(at)
        };
        place += i64::from(counts);
    }
}

/// `odd`, `even`, `3`, `2n + 1`, `-n+3` (CSS Syntax 3, section 6).
fn every(text: &str) -> Option<(i32, i32)> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "odd" => return Some((2, 1)),
        "even" => return Some((2, 0)),
        _ => {}
    }
    let number = |text: &str| text.strip_prefix('+').unwrap_or(text).parse::<i32>().ok();
    let Some((step, offset)) = text.split_once('n') else { return Some((0, number(&text)?)) };
    let step = match step {
        "" | "+" => 1,
        "-" => -1,
        step => number(step)?,
    };
    Some((step, if offset.is_empty() { 0 } else { number(offset)? }))
}

fn has_class(document: &Document, node: NodeId, class: &str) -> bool {
    super::classes(document, node).any(|word| word == class)
        || Look::of(document, node).has_class(class)
}

fn previous_element(document: &Document, node: NodeId) -> Option<NodeId> {
    let mut at = document.previous_sibling(node);
    while let Some(n) = at.filter(|&n| !document.is_element(n)) {
        at = document.previous_sibling(n);
    }
    at
}

/// A name at the start of a text (CSS Syntax 3, section 4.3.11), its escapes read.
fn identifier(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut end = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            // A hexadecimal escape takes up to six digits and one white space.
            let digits = text[at + 1..].chars().take(6).take_while(char::is_ascii_hexdigit).count();
            let space = text[at + 1 + digits..].starts_with([' ', '\t', '\n']);
            let skip = if digits > 0 { digits + usize::from(space) } else { 1 };
            for _ in 0..skip {
                chars.next()?;
            }
        } else if !(c.is_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii()) {
            break;
        }
        end = text.len() - chars.as_str().len();
    }
    (end > 0).then(|| (unescaped(&text[..end]), &text[end..]))
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.chars().take(6).take_while(char::is_ascii_hexdigit).count();
        if digits == 0 {
            let mut chars = rest.chars();
            out.extend(chars.next());
            rest = chars.as_str();
            continue;
        }
        let code = u32::from_str_radix(&rest[..digits], 16).ok().and_then(char::from_u32);
        out.push(code.filter(|c| *c != '\0').unwrap_or('\u{fffd}'));
        rest = &rest[digits..];
        rest = rest.strip_prefix([' ', '\t', '\n']).unwrap_or(rest);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

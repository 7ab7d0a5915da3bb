//! What refers to an element by its id: pictures by `href` and `url(#id)`, the language by its
//! own attributes, formulas by name.

use std::collections::{HashMap, HashSet};

use svgx_engine::document::{Attribute, Document, NodeId, Ns};

use super::attribute;

/// How an attribute refers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `href="#id"`.
    Href,
    /// `url(#id)` somewhere in the value.
    Url,
    /// The value is the id.
    Id,
    /// The members of a constraint: ids and parts of what has the id.
    Members,
    /// Names in a formula: `id.value`.
    Formula,
    /// Names alone in a formula: `id`, a constraint or what drives one, unless it is something else.
    Bare,
}

/// One reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The attribute as the log writes it.
    pub(crate) attribute: String,
    pub(crate) kind: Kind,
    pub(crate) id: String,
}

/// How an attribute of `element` may refer to something.
fn kind(element: (Ns, &str), a: &Attribute<'_>) -> Option<Kind> {
    match (element.0, a.ns, a.name) {
        (_, Ns::None | Ns::XLink, "href") => Some(Kind::Href),
        (Ns::Arx, Ns::None, "formula" | "condition") => Some(Kind::Formula),
        (Ns::Arx, Ns::None, "value") if element.1 == "trigger" => Some(Kind::Formula),
        // What a view shows is a box.
        (Ns::Arx, Ns::None, "of") if element.1 == "view" => None,
        (Ns::Arx, Ns::None, "of") => Some(Kind::Members),
        (Ns::Arx, Ns::None, "drives") => Some(Kind::Id),
        (Ns::Arx, Ns::None, "ref" | "from" | "to" | "target" | "upstream" | "point") => {
            Some(Kind::Id)
        }
        (Ns::Arx, Ns::None, "behavior" | "physics") if element.1 == "object" => Some(Kind::Id),
        (Ns::Arx, ..) => None,
        (_, Ns::Arx, "object" | "behavior" | "physics" | "upstream") => Some(Kind::Id),
        (_, Ns::None, _) if a.value.contains("url(") => Some(Kind::Url),
        _ => None,
    }
}

/// Every reference that an element makes.
pub(crate) fn of(document: &Document, node: NodeId) -> Vec<Reference> {
    let mut found = Vec::new();
    let Some(element) = document.name(node) else { return found };
    for a in document.attributes(node) {
        let Some(kind) = kind(element, &a) else { continue };
        let alone = (kind == Kind::Formula).then_some(Kind::Bare);
        for kind in std::iter::once(kind).chain(alone) {
            each(kind, a.value, |id| {
                let attribute = attribute::written(document, a.ns, a.name);
                found.push(Reference { attribute, kind, id: id.to_owned() });
            });
        }
    }
    found
}

/// Calls `see` with every id that a value may refer to.
fn each(kind: Kind, value: &str, mut see: impl FnMut(&str)) {
    match kind {
        Kind::Href => value.trim().strip_prefix('#').into_iter().for_each(see),
        Kind::Id => see(value.trim()),
        Kind::Url => {
            for (from, to) in urls(value) {
                value.get(from..to).into_iter().for_each(&mut see);
            }
        }
        Kind::Members => {
            for member in value.split_ascii_whitespace() {
                // A part is named after what it is a part of, and ids may hold dots as well.
                let ends = member.match_indices('.').map(|(at, _)| at).chain([member.len()]);
                ends.filter_map(|end| member.get(..end)).for_each(&mut see);
            }
        }
        Kind::Formula | Kind::Bare => {
            for (from, to) in if kind == Kind::Bare { alone(value) } else { names(value) } {
                value.get(from..to).into_iter().for_each(&mut see);
            }
        }
    }
}

/// Where the ids of `url(#id)` stand.
fn urls(value: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in value.match_indices("url(") {
        let rest = value.get(at + 4..).unwrap_or_default();
        let inside = rest.split(')').next().unwrap_or_default();
        let Some(hash) = inside.find('#') else { continue };
        if !inside.get(..hash).is_some_and(|t| t.chars().all(|c| " \t\"'".contains(c))) {
            continue;
        }
        let id =
            inside.get(hash + 1..).unwrap_or_default().trim_end_matches([' ', '\t', '"', '\'']);
        let from = at + 4 + hash + 1;
        found.push((from, from + id.len()));
    }
    found
}

/// Where the names before a dot stand in a formula.
fn names(formula: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start: Option<usize> = None;
    let mut quote: Option<usize> = None;
    for (at, c) in formula.char_indices() {
        match (c, quote) {
            ('\'', None) => quote = Some(at + 1),
            ('\'', Some(from)) => {
                quote = None;
                if formula.get(at + 1..).is_some_and(|rest| rest.trim_start().starts_with('.')) {
                    found.push((from, at));
                }
            }
            _ => {}
        }
        if quote.is_some() {
            start = None;
            continue;
        }
        let inside = c.is_alphanumeric() || c == '_' || (c == '-' && start.is_some());
        match (inside, start) {
            (true, None) if !c.is_numeric() => start = Some(at),
            (false, Some(from)) => {
                if c == '.' {
                    found.push((from, at));
                    // `a-b.c` may be the value of `b`, less.
                    if let Some(dash) = formula.get(from..at).and_then(|name| name.rfind('-')) {
                        found.push((from + dash + 1, at));
                    }
                }
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Where names stand alone in a formula: before no dot and no parenthesis, behind no dot, and
/// no unit of a number.
fn alone(formula: &str) -> Vec<(usize, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut at = 0;
    // What stood last before a word: a number has its unit behind it.
    let mut before = ' ';
    while let Some(c) = formula.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = formula.get(at..).unwrap_or_default();
        let close = match c {
            '\'' => Some('\''),
            '[' => Some(']'),
            _ => None,
        };
        if let Some(close) = close {
            let end = rest.get(1..).and_then(|inside| inside.find(close));
            at += end.map_or(rest.len(), |end| end + 2);
            before = close;
        } else if is_word(c) {
            let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let next = rest.get(length..).unwrap_or_default().trim_start().chars().next();
            let is_name = !c.is_numeric();
            if is_name && !matches!(before, '.' | '0') && !matches!(next, Some('.' | '(')) {
                found.push((at, at + length));
            }
            before = if is_name { 'a' } else { '0' };
            at += length;
        } else {
            if !c.is_whitespace() {
                // `2.5 mm`: the point is one of a number.
                before = if c == '.' && before == '0' { '0' } else { c };
            }
            at += c.len_utf8();
        }
    }
    found
}

/// Whether a formula takes an id without quotes.
fn is_plain(id: &str) -> bool {
    let mut letters = id.chars();
    letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && letters.all(|c| c.is_alphanumeric() || c == '_')
}

/// The value with ids exchanged as `map` says.
pub(crate) fn renamed(kind: Kind, value: &str, map: &HashMap<String, String>) -> String {
    match kind {
        Kind::Href => match value.trim().strip_prefix('#').and_then(|id| map.get(id)) {
            Some(new) => format!("#{new}"),
            None => value.to_owned(),
        },
        Kind::Id => map.get(value.trim()).map_or_else(|| value.to_owned(), Clone::clone),
        Kind::Members => {
            let member = |member: &str| {
                let mut ends: Vec<usize> = member.match_indices('.').map(|(at, _)| at).collect();
                ends.push(member.len());
                let known = ends.into_iter().rev().find_map(|end| {
                    let (id, part) = member.split_at_checked(end)?;
                    Some(format!("{}{part}", map.get(id)?))
                });
                known.unwrap_or_else(|| member.to_owned())
            };
            value.split_ascii_whitespace().map(member).collect::<Vec<_>>().join(" ")
        }
        Kind::Url | Kind::Formula | Kind::Bare => {
            let places = match kind {
                Kind::Url => urls(value),
                Kind::Bare => alone(value),
                _ => names(value),
            };
            let mut text = value.to_owned();
            let mut end = usize::MAX;
            for (from, to) in places.into_iter().rev() {
                if to > end {
                    continue;
                }
                if let Some(new) = value.get(from..to).and_then(|id| map.get(id)) {
                    let is_quoted = value.get(..from).is_some_and(|t| t.ends_with('\''));
                    let written = match kind {
                        Kind::Url => new.clone(),
                        _ if is_quoted || is_plain(new) => new.clone(),
                        Kind::Bare => format!("'{new}'.value"),
                        _ => format!("'{new}'"),
                    };
                    text.replace_range(from..to, &written);
                    end = from;
                }
            }
            text
        }
    }
}

/// Who may refer to which id: everybody who ever did. Made when first asked for; whoever asks
/// looks whether it still does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    by_id: HashMap<String, HashSet<u32>>,
}

impl Index {
    pub(crate) fn note(&mut self, document: &Document, node: NodeId, number: u32) {
        for reference in of(document, node) {
            self.by_id.entry(reference.id).or_default().insert(number);
        }
    }

    /// The handles of the elements that may refer to `id`.
    pub(crate) fn candidates(&self, id: &str) -> impl Iterator<Item = u32> {
        self.by_id.get(id).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_and_exchanged_where_they_are_references_only() {
        let map: HashMap<String, String> = [("a", "a-2"), ("b.c", "b.c-2"), ("lamp", "lamp-2")]
            .map(|(from, to)| (from.to_owned(), to.to_owned()))
            .into();
        for (kind, value, ids, now) in [
            (Kind::Href, "#a", vec!["a"], "#a-2"),
            (Kind::Href, "a.svg#a", vec![], "a.svg#a"),
            (Kind::Id, " a ", vec!["a"], "a-2"),
            (Kind::Url, "fill:url( '#a' ) red", vec!["a"], "fill:url( '#a-2' ) red"),
            (Kind::Url, "url(#a) url(#z)", vec!["a", "z"], "url(#a-2) url(#z)"),
            (
                Kind::Members,
                "a.start b.c.left",
                vec!["a", "a.start", "b", "b.c", "b.c.left"],
                "a-2.start b.c-2.left",
            ),
            (Kind::Formula, "lamp.width*2 + lamp", vec!["lamp"], "'lamp-2'.width*2 + lamp"),
            (Kind::Formula, "x-lamp.width", vec!["x-lamp", "lamp"], "x-'lamp-2'.width"),
            (Kind::Formula, "'b.c'.width - 'x'.y", vec!["b.c", "x"], "'b.c-2'.width - 'x'.y"),
            (
                Kind::Bare,
                "2*a + 2.5 a - [a] / lamp(a.b) + lamp",
                vec!["a", "lamp"],
                "2*'a-2'.value + 2.5 a - [a] / lamp(a.b) + 'lamp-2'.value",
            ),
        ] {
            let mut seen = Vec::new();
            each(kind, value, |id| seen.push(id.to_owned()));
            assert_eq!(seen, ids, "{value}");
            assert_eq!(renamed(kind, value, &map), now, "{value}");
        }
    }
}

//! Style sheets: which declarations apply to an element, weakest first.
//!
//! Selectors are parsed and matched by the crates of Servo ([`selector`]), media queries are
//! judged as a screen of the drawing's own size ([`media`]), custom properties are put in
//! where `var()` asks for them ([`variables`]). Other at-rules do not apply: `@import` and
//! `@font-face` would fetch.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use kurbo::Size;
use selectors::parser::Selector;

use crate::document::{Attribute, Document, NodeId, Ns};

use super::viewport::{AspectRatio, pixels, root_viewbox};
use super::{Length, Look};

pub(crate) mod media;
mod selector;
mod validity;
mod variables;

pub(crate) use selector::{ALL_STEPS, ELEMENT_STEPS, Matching};
use selector::{Key, Words};
pub(crate) use validity::{is_valid, is_wide, keywords};
pub(crate) use variables::asks;

/// Rules kept. Real drawings have dozens; each may be tried on every element.
const MAX_RULES: usize = 10_000;
/// `@media` inside each other.
const NESTED: usize = 8;

/// A declaration of a rule or of a `style` attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Property, lower case; a custom one as written.
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
    selector: Selector<Words>,
    declarations: Arc<[Declaration]>,
}

/// A piece of a style sheet.
pub(crate) enum Piece<'t> {
    /// Selector list and body.
    Rule(&'t str, &'t str),
    /// The queries of an `@media`, and the rules inside.
    Media(&'t str, &'t str),
}

/// Whether a property takes a value, as far as the property is known here.
pub fn takes(name: &str, value: &str) -> bool {
    is_valid(&name.to_ascii_lowercase(), value)
}

/// Whether a property is an attribute of SVG as well.
pub fn is_presentation(name: &str) -> bool {
    validity::is_attribute(name)
}

impl Sheet {
    /// Collects the `style` elements of a document.
    pub fn of(document: &Document) -> Sheet {
        let mut sheet = Sheet::default();
        let mut screen = None;
        for node in document.elements() {
            if is_css(document, node) {
                let screen = *screen.get_or_insert_with(|| screen_size(document));
                let media = document.attr(node, "media").unwrap_or_default();
                if media::holds(media, screen) {
                    let text = document.text(node);
                    sheet.add(&without_comments(&text), screen, 0);
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

    /// Whether a rule states a property.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| rule.declarations.iter().any(|d| d.name == name))
    }

    /// Whether a rule states a property that `is_it`.
    pub(super) fn declares_any(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.rules.iter().any(|rule| rule.declarations.iter().any(|d| is_it(&d.name)))
    }

    /// Whether no rule looks at more of an element than its name, its classes and what is around it.
    pub(super) fn is_plain(&self) -> bool {
        self.rules.iter().all(|rule| selector::is_plain(&rule.selector))
    }

    fn add(&mut self, text: &str, screen: Size, depth: usize) {
        for piece in pieces(text) {
            let (selectors, body) = match piece {
                Piece::Rule(selectors, body) => (selectors, body),
                Piece::Media(query, inside) => {
                    if depth < NESTED && media::holds(query, screen) {
                        self.add(inside, screen, depth + 1);
                    }
                    continue;
                }
            };
            let declarations: Arc<[Declaration]> = declarations(body).into();
            if declarations.is_empty() {
                continue;
            }
            for selector in selector::parse(selectors).unwrap_or_default() {
                if self.rules.len() >= MAX_RULES {
                    return;
                }
                let at = self.rules.len() as u32;
                let bucket = match selector::key(&selector) {
                    Key::Id(id) => self.by_id.entry(id.to_owned()).or_default(),
                    Key::Class(class) => self.by_class.entry(class.to_owned()).or_default(),
                    Key::Name(name) => self.by_name.entry(name.to_owned()).or_default(),
                    Key::Any => &mut self.other,
                };
                bucket.push(at);
                self.siblings |= selector::looks_at_siblings(&selector);
                self.rules.push(Rule { selector, declarations: declarations.clone() });
            }
        }
    }

    /// The declarations of rules that apply to `node`, weakest first.
    fn matched<'s>(
        &'s self,
        document: &Document,
        node: NodeId,
        matching: &mut Matching,
    ) -> Vec<&'s Declaration> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut tried: Vec<u32> = self.other.clone();
        if let Some(id) = document.id(node).filter(|_| !self.by_id.is_empty()) {
            tried.extend(self.by_id.get(id).into_iter().flatten());
        }
        if !self.by_class.is_empty() {
            let look: Vec<String> = Look::of(document, node).classes().collect();
            let mut words: Vec<&str> = classes(document, node).collect();
            words.extend(look.iter().map(String::as_str));
            words.sort_unstable();
            words.dedup();
            for class in words {
                tried.extend(self.by_class.get(class).into_iter().flatten());
            }
        }
        if let Some((_, name)) = document.name(node).filter(|_| !self.by_name.is_empty()) {
            tried.extend(self.by_name.get(name).into_iter().flatten());
        }
        let rules =
            tried.iter().filter_map(|&at| Some((at, &self.rules.get(at as usize)?.selector)));
        let mut matched = selector::matching(document, node, rules, matching);
        matched.sort_unstable_by_key(|&at| {
            (self.rules.get(at as usize).map_or(0, |rule| rule.selector.specificity()), at)
        });
        let rules = matched.iter().filter_map(|&at| self.rules.get(at as usize));
        rules.flat_map(|rule| rule.declarations.iter()).collect()
    }

    /// What the sheets and the `style` attribute of `node` come to: weakest first, `var()`
    /// replaced, custom properties left out.
    pub(crate) fn cascade<'s>(
        &'s self,
        document: &Document,
        node: NodeId,
        matching: &mut Matching,
    ) -> Vec<Cow<'s, Declaration>> {
        let inline = document.attr(node, "style").map(declarations).unwrap_or_default();
        let mut all = self.ordered(document, node, inline, matching);
        let asking = document.attributes(node).iter().filter(|a| asks_as_attribute(a));
        let asking: Vec<_> = asking
            .map(|a| {
                let (name, value) = (a.name.to_owned(), a.value.trim().to_owned());
                Cow::Owned(Declaration { name, value, important: false })
            })
            .collect();
        // Attributes are weaker than any rule.
        all.splice(0..0, asking);
        if all.iter().any(|d| d.name.starts_with("--") || variables::asks(&d.value)) {
            all.retain(|d| !d.name.starts_with("--"));
            all = all
                .into_iter()
                .filter_map(|d| match variables::asks(&d.value) {
                    true => {
                        let value = self.substituted(document, node, &d.value, matching)?;
                        Some(Cow::Owned(Declaration { value, ..d.into_owned() }))
                    }
                    false => Some(d),
                })
                .collect();
        }
        all.retain(|d| is_valid(&d.name, &d.value));
        all
    }

    fn ordered<'s>(
        &'s self,
        document: &Document,
        node: NodeId,
        inline: Vec<Declaration>,
        matching: &mut Matching,
    ) -> Vec<Cow<'s, Declaration>> {
        let rules = self.matched(document, node, matching);
        let rules = rules.into_iter().map(Cow::Borrowed);
        let mut all: Vec<Cow<'_, Declaration>> =
            rules.chain(inline.into_iter().map(Cow::Owned)).collect();
        all.sort_by_key(|d| d.important);
        all
    }
}

/// Whether an attribute is read as a declaration of a style sheet.
pub(crate) fn is_property_attribute(name: &str) -> bool {
    validity::is_attribute(name)
}

/// Whether an attribute is a property whose value asks for a custom one.
pub(crate) fn asks_as_attribute(a: &Attribute<'_>) -> bool {
    a.ns == Ns::None && validity::is_attribute(a.name) && asks(a.value)
}

/// The size that media queries ask for: that of the drawing, in CSS pixels.
fn screen_size(document: &Document) -> Size {
    let view = root_viewbox(document);
    let side = |name, other| {
        let length = document.attr(NodeId::ROOT, name).and_then(|t| Length::parse(t).ok());
        length.and_then(pixels).filter(|n| *n > 0.0).unwrap_or(other)
    };
    Size::new(side("width", view.width), side("height", view.height))
}

/// A CSS pixel in units of the root's viewBox.
pub(super) fn pixel(document: &Document) -> f64 {
    let aspect = document.attr(NodeId::ROOT, "preserveAspectRatio");
    let aspect = aspect.map(AspectRatio::parse).unwrap_or_default();
    let fit = root_viewbox(document).fit(aspect, screen_size(document));
    let scale = fit.determinant().abs().sqrt();
    if scale.is_finite() && scale > 0.0 { 1.0 / scale } else { 1.0 }
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

/// The rules of a sheet without comments. At-rules other than `@media` are skipped with
/// their blocks.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
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
                return Some(Piece::Rule(head.trim(), body));
            }
            if let Some((name, query)) = head.split_at_checked("@media".len())
                && name.eq_ignore_ascii_case("@media")
                && !query.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            {
                return Some(Piece::Media(query.trim(), body));
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

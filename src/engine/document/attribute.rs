//! Attributes: as they are shown, and in the little room they are kept in.
//!
//! A drawing is mostly attributes, and most of their values stand in the source as they are. So a
//! document keeps a number for the name and a range for the value, 24 bytes together, without a
//! share of the source to count for each; the text is found when it is asked for.

use std::sync::Arc;

use super::text::{Span, Str};
use super::tree::{Document, Map, NodeId, Ns};
use super::vocabulary::{COMMON, common_index};

/// An attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'d> {
    /// Its namespace; [`Ns::None`] for the usual ones.
    pub ns: Ns,
    /// Its local name.
    pub name: &'d str,
    /// Its value, entities resolved.
    pub value: &'d str,
    /// Where the value stands, quotes not included.
    pub span: Span,
}

/// The attributes of an element, in order.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'d> {
    held: &'d [StoredAttribute],
    source: &'d str,
    names: &'d Names,
}

impl<'d> Attributes<'d> {
    pub(super) fn new(
        held: &'d [StoredAttribute],
        source: &'d str,
        names: &'d Names,
    ) -> Attributes<'d> {
        Attributes { held, source, names }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.held.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.held.is_empty()
    }

    /// One after the other.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Attribute<'d>> + Clone {
        self.held.iter().map(move |a| a.show(self.source, self.names))
    }
}

impl<'d> IntoIterator for Attributes<'d> {
    type Item = Attribute<'d>;
    type IntoIter = Shown<'d>;

    fn into_iter(self) -> Shown<'d> {
        Shown { held: self.held.iter(), source: self.source, names: self.names }
    }
}

/// Attributes one after the other.
#[derive(Clone, Debug)]
pub struct Shown<'d> {
    held: std::slice::Iter<'d, StoredAttribute>,
    source: &'d str,
    names: &'d Names,
}

impl<'d> Iterator for Shown<'d> {
    type Item = Attribute<'d>;

    fn next(&mut self) -> Option<Attribute<'d>> {
        self.held.next().map(|a| a.show(self.source, self.names))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.held.size_hint()
    }
}

impl ExactSizeIterator for Shown<'_> {}

/// A local name, as a number: of a common word, or of [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(u32);

impl Name {
    /// The number, from 0.
    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    /// `id`.
    pub(super) const ID: Name = {
        let last = COMMON.len() - 1;
        assert!(matches!(COMMON[last].as_bytes(), b"id"));
        Name(last as u32)
    };
}

/// The names of a document that are not common words.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    list: Vec<Str>,
    known: Map<Str, Name>,
}

impl Names {
    /// The number of a name that is in use.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<Name> {
        match common_index(name) {
            Some(at) => Some(Name(u32::from(at))),
            None => self.known.get(name).copied(),
        }
    }

    /// The number of a name; `share` makes the piece to keep for one that is new.
    #[inline]
    pub(super) fn intern(&mut self, name: &str, share: impl FnOnce() -> Str) -> Name {
        match self.find(name) {
            Some(name) => name,
            None => {
                let new = Name((COMMON.len() + self.list.len()) as u32);
                let name = share();
                self.list.push(name.clone());
                self.known.insert(name, new);
                new
            }
        }
    }

    /// The names after the common ones, in the order of their numbers.
    pub(super) fn own(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(Str::as_str)
    }

    #[inline]
    pub(super) fn get(&self, name: Name) -> &str {
        let at = name.0 as usize;
        match COMMON.get(at) {
            Some(word) => word,
            None => self.list.get(at - COMMON.len()).map_or("", Str::as_str),
        }
    }
}

/// Names of attributes without a namespace, as one document numbers them: for who looks at many elements.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameSet(Vec<bool>);

impl NameSet {
    pub(super) fn of(names: &[&str], known: &Names) -> NameSet {
        let mut set = Vec::new();
        for at in names.iter().filter_map(|name| known.find(name)).map(Name::index) {
            set.resize(set.len().max(at + 1), false);
            set[at] = true;
        }
        NameSet(set)
    }

    #[inline]
    pub(super) fn has(&self, a: &StoredAttribute) -> bool {
        a.ns == Ns::None && self.0.get(a.name.index()).copied().unwrap_or_default()
    }
}

impl Document {
    /// Some names of attributes, for [`attributes_in`](Document::attributes_in).
    pub(crate) fn name_set(&self, names: &[&str]) -> NameSet {
        NameSet::of(names, &self.names)
    }

    /// The attributes of an element that are in `set`, or all that are not; nothing of the others is read.
    pub(crate) fn attributes_in(
        &self,
        node: NodeId,
        set: &NameSet,
        is_in: bool,
    ) -> impl Iterator<Item = Attribute<'_>> {
        let held = self.held(node).iter().filter(move |a| set.has(a) == is_in);
        held.map(|a| self.shown(a))
    }
}

/// An attribute as a document keeps it.
#[derive(Clone, Debug)]
pub(super) struct StoredAttribute {
    pub(super) ns: Ns,
    pub(super) name: Name,
    pub(super) value: Text,
}

const _: () = assert!(size_of::<StoredAttribute>() == 24);

impl StoredAttribute {
    #[inline]
    pub(super) fn show<'d>(&'d self, source: &'d str, names: &'d Names) -> Attribute<'d> {
        Attribute {
            ns: self.ns,
            name: names.get(self.name),
            value: self.value.as_str(source),
            span: self.value.span(),
        }
    }
}

/// The text of a value: a range of the source, or a text of its own.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Source(Span),
    Own(Arc<(Str, Span)>),
}

impl Text {
    /// `value`, which stands at `span` of `source`.
    pub(super) fn new(value: Str, span: Span, source: &Arc<str>) -> Text {
        match value.span_in(source) {
            Some(place) if place == span => Text::Source(span),
            _ => Text::Own(Arc::new((value, span))),
        }
    }

    #[inline]
    pub(super) fn as_str<'d>(&'d self, source: &'d str) -> &'d str {
        match self {
            Text::Source(span) => &source[span.start as usize..span.end as usize],
            Text::Own(own) => &own.0,
        }
    }

    #[inline]
    pub(super) fn span(&self) -> Span {
        match self {
            Text::Source(span) => *span,
            Text::Own(own) => own.1,
        }
    }

    /// The text as a piece that lives by itself.
    pub(super) fn share(&self, source: &Arc<str>) -> Str {
        match self {
            Text::Source(span) => Str::slice(source, span.start as usize, span.end as usize),
            Text::Own(own) => own.0.clone(),
        }
    }
}

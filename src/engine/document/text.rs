//! Slices of text that own a share of their source, and where they stand in it.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;

/// A piece of text that shares the source it was cut from, or a word of the
/// program. Cloning is a reference count, or nothing at all; dereferences to `&str`.
#[derive(Clone)]
pub struct Str(Piece);

#[derive(Clone)]
enum Piece {
    Shared { text: Arc<str>, start: u32, end: u32 },
    Word(&'static str),
}

impl Str {
    /// The piece `start..end` of `text`; both must be on character boundaries.
    pub(crate) fn slice(text: &Arc<str>, start: usize, end: usize) -> Str {
        debug_assert!(text.get(start..end).is_some());
        Str(Piece::Shared { text: Arc::clone(text), start: start as u32, end: end as u32 })
    }

    /// A word of the program.
    pub(crate) const fn word(word: &'static str) -> Str {
        Str(Piece::Word(word))
    }

    /// The piece `start..end` of this piece, sharing the same source.
    pub(crate) fn cut(&self, start: usize, end: usize) -> Str {
        debug_assert!(self.as_str().get(start..end).is_some());
        match &self.0 {
            Piece::Shared { text, start: base, .. } => {
                let base = *base as usize;
                Str::slice(text, base + start, base + end)
            }
            Piece::Word(word) => Str::word(&word[start..end]),
        }
    }

    /// This piece without white space at its ends.
    pub(crate) fn trimmed(&self) -> Str {
        let text = self.as_str();
        let start = text.len() - text.trim_start().len();
        self.cut(start, start + text.trim().len())
    }

    /// `piece` as a share of `source` where it lies in it, as a copy where not.
    pub(crate) fn part_of(source: &Arc<str>, piece: &str) -> Str {
        let start = (piece.as_ptr() as usize).wrapping_sub(source.as_ptr() as usize);
        match start.checked_add(piece.len()) {
            Some(end) if end <= source.len() => Str::slice(source, start, end),
            _ => Str::from(piece),
        }
    }

    /// Where this piece stands in `source`, if it is a share of it.
    pub(crate) fn span_in(&self, source: &Arc<str>) -> Option<Span> {
        match &self.0 {
            Piece::Shared { text, start, end } if Arc::ptr_eq(text, source) => {
                Some(Span { start: *start, end: *end })
            }
            _ => None,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Piece::Shared { text, start, end } => &text[*start as usize..*end as usize],
            Piece::Word(word) => word,
        }
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Str {
    fn from(s: &str) -> Str {
        Str(Piece::Shared { text: Arc::from(s), start: 0, end: s.len() as u32 })
    }
}

impl From<String> for Str {
    fn from(s: String) -> Str {
        let end = s.len() as u32;
        Str(Piece::Shared { text: Arc::from(s), start: 0, end })
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Str) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl std::hash::Hash for Str {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for Str {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

/// A range of bytes in the source. Equal ends: a place, or nothing at all for
/// what was never written ([`Span::NONE`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of what does not stand in the source (made by an edit).
    pub const NONE: Span = Span { start: u32::MAX, end: u32::MAX };

    /// The span `start..end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    /// Whether this is [`Span::NONE`].
    pub fn is_none(self) -> bool {
        self == Span::NONE
    }
}

/// A place in the source, as editors count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Where every line of a source starts.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Reads `source` once.
    pub fn new(source: &str) -> LineIndex {
        let newlines = source.bytes().enumerate().filter(|&(_, b)| b == b'\n');
        LineIndex {
            starts: std::iter::once(0).chain(newlines.map(|(i, _)| i as u32 + 1)).collect(),
        }
    }

    /// The position of byte `offset` in the `source` this index was made from.
    pub fn position(&self, source: &str, offset: u32) -> Position {
        let offset = offset.min(source.len() as u32);
        let line = self.starts.partition_point(|&s| s <= offset) - 1;
        let start = self.starts[line] as usize;
        let column = source
            .get(start..offset as usize)
            .map_or(offset - start as u32, |s| s.chars().count() as u32);
        Position { line: line as u32 + 1, column: column + 1 }
    }

    /// The text of `line` (from 1) without its line break.
    pub fn line<'s>(&self, source: &'s str, line: u32) -> &'s str {
        let index = (line as usize).saturating_sub(1);
        let Some(&start) = self.starts.get(index) else { return "" };
        let end = self.starts.get(index + 1).map_or(source.len(), |&e| e as usize);
        source[start as usize..end].trim_end_matches(['\n', '\r'])
    }
}

//! The place of an element, for errors.

use std::fmt;

use crate::document::{Document, NodeId};

/// An element and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name, with its id if it has one: `path#wall`.
    pub element: String,
    /// Its line in the source, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

impl Place {
    /// The place of an element of a document.
    pub(crate) fn of(document: &Document, node: NodeId) -> Option<Place> {
        let (_, name) = document.name(node)?;
        let element = match document.id(node) {
            Some(id) => format!("{name}#{}", id.chars().take(40).collect::<String>()),
            None => name.to_owned(),
        };
        let before = document.source().get(..document.span(node).start as usize)?;
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some(Place { element, line, column })
    }

    /// What an error says after its own text.
    pub(crate) fn suffix(place: Option<&Place>) -> String {
        place.map(|place| format!(", most of them by {place}")).unwrap_or_default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (line {}, column {})", self.element, self.line, self.column)
    }
}

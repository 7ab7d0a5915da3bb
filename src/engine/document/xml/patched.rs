//! The source with the namespace declarations that it lacks.

use std::borrow::Cow;

use crate::document::scan::Scan;
use crate::document::text::Span;
use crate::document::vocabulary;

/// The text given to the XML parser: the source, or the source with
/// namespace declarations put into its root element.
pub(super) struct Patched<'s> {
    pub(super) text: Cow<'s, str>,
    at: usize,
    pub(super) length: usize,
}

impl<'s> Patched<'s> {
    pub(super) fn new(source: &'s str, scan: &Scan<'_>, prefixes: &[String]) -> Patched<'s> {
        let at = scan.root_name_end;
        let (Some(head), Some(tail)) = (source.get(..at), source.get(at..)) else {
            return Patched { text: Cow::Borrowed(source), at: 0, length: 0 };
        };
        if prefixes.is_empty() {
            return Patched { text: Cow::Borrowed(source), at: 0, length: 0 };
        }
        let mut text = String::with_capacity(source.len() + 80 * prefixes.len());
        text.push_str(head);
        for prefix in prefixes {
            let uri = assumed_uri(prefix);
            text.push_str(&format!(" xmlns:{prefix}=\"{uri}\""));
        }
        let length = text.len() - at;
        text.push_str(tail);
        Patched { text: Cow::Owned(text), at, length }
    }

    /// The offset in the source of an offset in the text.
    pub(super) fn original(&self, offset: usize) -> usize {
        if offset <= self.at { offset } else { offset.saturating_sub(self.length).max(self.at) }
    }

    pub(super) fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.original(range.start), self.original(range.end))
    }
}

/// The namespace of a prefix that nobody declares.
pub(super) fn assumed_uri(prefix: &str) -> String {
    vocabulary::usual_uri(prefix).map_or_else(|| format!("urn:undeclared:{prefix}"), str::to_owned)
}

//! What the XML parser says, as diagnostics with places.

use roxmltree::{Error, TextPos};

use super::Patched;
use crate::document::code::Code;
use crate::document::diagnostic::Diagnostic;
use crate::document::limits::Limits;
use crate::document::scan::{over, shorten};
use crate::document::text::Span;

/// The byte offset of a row and column, both from 1, columns in characters.
pub(super) fn offset(text: &str, pos: TextPos) -> usize {
    let row = (pos.row as usize).saturating_sub(1);
    let start = match row {
        0 => 0,
        _ => memchr::memchr_iter(b'\n', text.as_bytes()).nth(row - 1).map_or(text.len(), |i| i + 1),
    };
    let line = text.get(start..).unwrap_or_default();
    let column = (pos.col as usize).saturating_sub(1);
    start + line.char_indices().nth(column).map_or(line.len(), |(i, _)| i)
}

/// The error of the XML parser as a diagnostic about `source`.
pub(super) fn diagnostic(
    error: &Error,
    patched: &Patched<'_>,
    source: &str,
    limits: &Limits,
) -> Diagnostic {
    let at = patched.original(offset(&patched.text, error.pos()));
    let end = source.get(at..).and_then(|s| s.chars().next()).map_or(at, |c| at + c.len_utf8());
    let here = Span::new(at, end);
    let found = |code, message: String| Diagnostic::error(code, here, message);
    match error {
        Error::DuplicatedAttribute(name, _) => found(
            Code::XmlDuplicateAttribute,
            format!("the attribute `{}` stands twice on one element", shorten(name)),
        ),
        Error::UnexpectedCloseTag(expected, actual, _) => found(
            Code::XmlCloseTag,
            format!("expected </{}>, found </{}>", shorten(expected), shorten(actual)),
        ),
        Error::UnexpectedEntityCloseTag(_) => {
            found(Code::XmlCloseTag, "a closing tag without an opening one".to_owned())
        }
        Error::UnknownEntityReference(name, _) => {
            found(Code::XmlEntity, format!("the entity `{}` is not defined", shorten(name)))
                .help("external entities are never fetched; write & as &amp;")
        }
        Error::MalformedEntityReference(_) => {
            found(Code::XmlEntity, "this is not an entity".to_owned()).help("write & as &amp;")
        }
        Error::EntityReferenceLoop(_) => found(
            Code::EntityLoop,
            "entities refer to each other in a circle, or more than ten deep".to_owned(),
        ),
        Error::NonXmlChar(c, _) => found(
            Code::XmlCharacter,
            format!("the character U+{:04X} may not stand in XML", *c as u32),
        ),
        Error::NodesLimitReached => {
            over("elements", 0, limits.elements.saturating_add(1), limits.elements)
        }
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            let end = source.trim_end().len();
            Diagnostic::error(Code::XmlUnclosed, Span::new(end, end), "the text ends too early")
                .help("an element, a tag or a comment is not closed")
        }
        Error::NoRootNode => {
            Diagnostic::error(Code::XmlEmpty, Span::new(0, 0), "there is no element in this text")
        }
        Error::InvalidChar(expected, actual, _) => found(
            Code::XmlSyntax,
            format!("expected `{}`, found `{}`", char::from(*expected), char::from(*actual)),
        ),
        Error::InvalidChar2(expected, actual, _) => {
            found(Code::XmlSyntax, format!("expected {expected}, found `{}`", char::from(*actual)))
        }
        Error::InvalidString(expected, _) => {
            found(Code::XmlSyntax, format!("expected `{expected}` here"))
        }
        Error::InvalidName(_) => found(Code::XmlSyntax, "no name begins here".to_owned())
            .help("a name begins with a letter or `_`; in text write < as &lt;"),
        Error::InvalidAttributeValue(_) => {
            found(Code::XmlSyntax, "`<` may not stand in a value".to_owned()).help("write &lt;")
        }
        Error::InvalidCharacterData(_) => {
            found(Code::XmlSyntax, "`]]>` may not stand in text".to_owned()).help("write ]]&gt;")
        }
        Error::InvalidComment(_) => {
            found(Code::XmlSyntax, "`--` may not stand inside a comment".to_owned())
        }
        Error::UnexpectedDeclaration(_) => {
            found(Code::XmlSyntax, "an XML declaration may stand at the very start only".to_owned())
        }
        Error::DuplicatedNamespace(prefix, _) => found(
            Code::XmlSyntax,
            format!("the prefix `{}` is declared twice on one element", shorten(prefix)),
        ),
        Error::UnknownToken(_) => found(
            Code::XmlSyntax,
            "text stands here, where a drawing begins or ends with an element".to_owned(),
        )
        .help("a drawing begins with <svg ...> and ends with </svg>"),
        other => {
            let text = other.to_string();
            // The position is said by the span; the parser's own is of no use after it.
            let text = text.rsplit_once(" at ").map_or(text.as_str(), |(head, tail)| {
                if tail.bytes().all(|b| b.is_ascii_digit() || b == b':') { head } else { &text }
            });
            found(Code::XmlSyntax, shorten(text))
        }
    }
}

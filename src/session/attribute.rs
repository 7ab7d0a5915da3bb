//! Attribute names as clients and the log write them: `x`, `arx:x`, `{uri}x`.

use super::error::Error;
use svgx_engine::document::{Document, Limits, NodeId, Ns};

/// Characters in the name of an attribute that a client sets.
const NAME_CHARACTERS: usize = 256;

/// The written form of a name.
pub(crate) fn written(document: &Document, ns: Ns, local: &str) -> String {
    match ns {
        Ns::None => local.to_owned(),
        Ns::Svg => format!("svg:{local}"),
        Ns::Arx => format!("arx:{local}"),
        Ns::XLink => format!("xlink:{local}"),
        Ns::Xml => format!("xml:{local}"),
        Ns::Other(i) => {
            let uri = document.foreign().get(usize::from(i)).map_or("", |(_, uri)| uri.as_str());
            format!("{{{uri}}}{local}")
        }
    }
}

/// The namespace and local name of a written form; `None` when its namespace is unknown.
pub(crate) fn resolve<'n>(document: &Document, written: &'n str) -> Option<(Ns, &'n str)> {
    if let Some(rest) = written.strip_prefix('{') {
        let (uri, local) = rest.split_once('}')?;
        let at = document.foreign().iter().position(|(_, u)| u == uri)?;
        return Some((Ns::Other(u16::try_from(at).ok()?), local));
    }
    match written.split_once(':') {
        None => Some((Ns::None, written)),
        Some(("arx", local)) => Some((Ns::Arx, local)),
        Some(("svg", local)) => Some((Ns::Svg, local)),
        Some(("xlink", local)) => Some((Ns::XLink, local)),
        Some(("xml", local)) => Some((Ns::Xml, local)),
        Some((prefix, local)) => {
            let at = document.foreign().iter().position(|(p, _)| p == prefix)?;
            Some((Ns::Other(u16::try_from(at).ok()?), local))
        }
    }
}

/// The value of a written name on an element.
pub(crate) fn value<'d>(document: &'d Document, node: NodeId, name: &str) -> Option<&'d str> {
    let (ns, local) = resolve(document, name)?;
    document.attribute(node, ns, local).map(|a| a.value)
}

/// Checks what a client wants to set; answers the name as the log writes it.
///
/// # Errors
/// [`Error::BadAttribute`] and [`Error::Limit`].
pub(crate) fn check(
    document: &Document,
    node: NodeId,
    name: &str,
    value: Option<&str>,
    limits: &Limits,
) -> Result<String, Error> {
    let bad = |reason| Error::BadAttribute { name: name.chars().take(64).collect(), reason };
    if name.chars().take(NAME_CHARACTERS + 1).count() > NAME_CHARACTERS {
        return Err(bad("the name is longer than 256 characters"));
    }
    let (ns, local) = resolve(document, name).ok_or_else(|| bad("unknown namespace prefix"))?;
    let mut characters = local.chars();
    let starts = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if !starts || !characters.all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return Err(bad("not an XML name"));
    }
    if local == "xmlns" || ns == Ns::Svg {
        return Err(bad("namespaces are not attributes"));
    }
    if let Some(value) = value {
        if value.len() > limits.attribute_bytes {
            let (limit, seen) = (limits.attribute_bytes, value.len());
            return Err(Error::Limit { what: "bytes in one attribute value", limit, seen });
        }
        if !value.chars().all(is_xml_character) {
            return Err(bad("the value holds a character that XML does not allow"));
        }
        let count = document.attributes(node).len();
        if document.attribute(node, ns, local).is_none() && count >= limits.attributes {
            let (limit, seen) = (limits.attributes, count + 1);
            return Err(Error::Limit { what: "attributes on one element", limit, seen });
        }
    }
    if ns == Ns::None && local == "id" {
        match value {
            Some("") => return Err(bad("an id is not empty")),
            Some(id) if id.starts_with('@') => return Err(bad("an id does not begin with @")),
            Some(id) if document.by_id(id).is_some_and(|other| other != node) => {
                return Err(bad("another element has this id"));
            }
            _ => {}
        }
    }
    Ok(written(document, ns, local))
}

/// Checks a text that a client gives: its length and its characters.
///
/// # Errors
/// [`Error::BadAttribute`] and [`Error::Limit`].
pub(crate) fn check_text(name: &str, text: &str, limits: &Limits) -> Result<(), Error> {
    if text.len() > limits.attribute_bytes {
        let (limit, seen) = (limits.attribute_bytes, text.len());
        return Err(Error::Limit { what: "bytes in one value", limit, seen });
    }
    if !text.chars().all(is_xml_character) {
        let reason = "the value holds a character that XML does not allow";
        return Err(Error::BadAttribute { name: name.chars().take(64).collect(), reason });
    }
    Ok(())
}

/// XML 1.0 (fifth edition), section 2.2, production `Char`.
fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

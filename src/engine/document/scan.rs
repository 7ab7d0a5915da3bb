//! One look over hostile text before the XML parser sees it.
//!
//! The XML parser is linear in well-meant input, but not in everything: it
//! compares the attributes of an element pairwise, looks entities and
//! prefixes up one by one, and expands entities without a total. This pass
//! bounds each of those quantities without memory of its own.
//!
//! No `<` may stand in a value, so a start tag ends before the next one. Where
//! that stretch is short its attributes are few, and where it has one `>` the
//! tag ends there: most tags are bounded without being read. Those that are
//! not, and all of them where it matters who declares which prefix, are read
//! byte by byte.

use memchr::{memchr, memchr2, memmem};

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::limits::Limits;
use super::text::Span;

/// Bytes in the name of an entity.
const ENTITY_NAME: usize = 200;

/// A stretch this short is a tag within every limit: an attribute takes five bytes at least.
const SHORT: usize = 512;
/// Attributes an element has at the most, for the memory that is set aside before they are read.
const USUAL_ATTRIBUTES: usize = 16;

/// How closely the pass looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Care {
    /// Just enough to bound the cost.
    #[default]
    Bounds,
    /// Also for prefixes that nobody declared.
    Prefixes,
}

/// What the pass found out.
#[derive(Debug, Default)]
pub(super) struct Scan<'s> {
    /// How closely it looked.
    pub(super) care: Care,
    /// Elements, those that entities make not counted (they may not make any).
    pub(super) elements: usize,
    /// Attributes, about.
    pub(super) attributes: usize,
    /// Just behind the name in the first start tag.
    pub(super) root_name_end: usize,
    /// Prefixes used and declared nowhere, with the place of their first use; with
    /// [`Care::Prefixes`].
    pub(super) undeclared: Vec<(&'s str, usize)>,
    /// Names of entities that stand for a file or an address, and where.
    pub(super) external: Vec<(&'s str, usize)>,
}

struct Prefixes<'s> {
    used: Vec<(&'s str, usize)>,
    declared: Vec<&'s str>,
    last: &'s str,
}

impl<'s> Prefixes<'s> {
    fn used(&mut self, prefix: &'s str, at: usize) {
        if prefix == self.last {
            return;
        }
        self.last = prefix;
        if !self.used.iter().any(|(p, _)| *p == prefix) {
            self.used.push((prefix, at));
        }
    }

    fn declared(&mut self, prefix: &'s str) {
        if !self.declared.contains(&prefix) {
            self.declared.push(prefix);
        }
    }
}

/// Bounds what `source` can cost.
pub(super) fn scan<'s>(
    source: &'s str,
    limits: &Limits,
    care: Care,
) -> Result<Scan<'s>, Diagnostic> {
    let bytes = source.as_bytes();
    let mut found = Scan { care, ..Scan::default() };
    let declarations = memmem::find_iter(bytes, b"xmlns:").take(limits.namespaces + 1).count();
    let close = care == Care::Prefixes
        || declarations > limits.namespaces
        || limits.attribute_bytes < SHORT
        || limits.attributes < SHORT / 5;
    let mut prefixes = Prefixes { used: Vec::new(), declared: Vec::new(), last: "xml" };
    let mut depth = 0usize;
    let mut at = 0usize;
    while let Some(i) = memchr(b'<', bytes.get(at..).unwrap_or_default()) {
        let start = at + i;
        let rest = bytes.get(start + 1..).unwrap_or_default();
        at = match rest.first() {
            None => break,
            Some(b'/') => {
                depth = depth.saturating_sub(1);
                start + 2
            }
            Some(b'?') => skip(bytes, start + 2, b"?>"),
            Some(b'!') if rest.starts_with(b"!--") => skip(bytes, start + 4, b"-->"),
            Some(b'!') if rest.starts_with(b"![CDATA[") => skip(bytes, start + 9, b"]]>"),
            Some(b'!') if rest.starts_with(b"!DOCTYPE") && found.elements == 0 => {
                doctype(source, start, limits, &mut found)?
            }
            Some(b'!') => start + 2,
            Some(_) => {
                found.elements += 1;
                if found.elements > limits.elements {
                    return Err(over("elements", start, found.elements, limits.elements));
                }
                let quick = if close || found.elements == 1 { None } else { short_tag(rest) };
                let (end, empty) = match quick {
                    Some((length, empty)) => (start + 1 + length, empty),
                    None => tag(source, start, limits, &mut found, &mut prefixes)?,
                };
                if !empty {
                    depth += 1;
                    if depth > limits.depth {
                        return Err(over("depth", start, depth, limits.depth));
                    }
                }
                end
            }
        };
    }
    if !close {
        let most = found.elements.saturating_mul(USUAL_ATTRIBUTES);
        found.attributes = memchr::memchr_iter(b'=', bytes).count().min(most);
        return Ok(found);
    }
    found.undeclared = prefixes.used;
    found.undeclared.retain(|(p, _)| *p != "xml" && !prefixes.declared.contains(p));
    Ok(found)
}

/// The length of the stretch up to the next `<`, and whether the tag at its start is an empty
/// one; `None` for what is not short, or not plain.
fn short_tag(rest: &[u8]) -> Option<(usize, bool)> {
    let rest = rest.get(..SHORT).unwrap_or(rest);
    let length = memchr(b'<', rest)?;
    let stretch = rest.get(..length)?;
    let end = memchr(b'>', stretch)?;
    let empty = end.checked_sub(1).and_then(|at| stretch.get(at)) == Some(&b'/');
    memchr(b'>', stretch.get(end + 1..)?).is_none().then_some((length, empty))
}

fn skip(bytes: &[u8], from: usize, end: &[u8]) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    memmem::find(rest, end).map_or(bytes.len(), |i| from + i + end.len())
}

/// Reads a start tag at `start`; answers where it ends and whether it is empty.
fn tag<'s>(
    source: &'s str,
    start: usize,
    limits: &Limits,
    found: &mut Scan<'s>,
    prefixes: &mut Prefixes<'s>,
) -> Result<(usize, bool), Diagnostic> {
    let bytes = source.as_bytes();
    let mut at = start + 1;
    let mut colon = None;
    while let Some(&b) = bytes.get(at) {
        match b {
            b' ' | b'\t' | b'\n' | b'\r' | b'/' | b'>' => break,
            b':' => colon = Some(at),
            _ => {}
        }
        at += 1;
    }
    if found.elements == 1 {
        found.root_name_end = at;
    }
    if let Some(prefix) = colon.and_then(|c| source.get(start + 1..c)) {
        prefixes.used(prefix, start + 1);
        within("namespaces", start, prefixes.used.len(), limits.namespaces)?;
    }
    let mut attributes = 0;
    loop {
        // A name, up to its quote or the end of the tag.
        let mut name = at;
        let mut colon = None;
        let quote = loop {
            match bytes.get(at) {
                None => return Ok((at, true)),
                Some(b'>') => {
                    return Ok((at + 1, at > 0 && bytes.get(at - 1) == Some(&b'/')));
                }
                Some(&q @ (b'"' | b'\'')) => break q,
                Some(b' ' | b'\t' | b'\n' | b'\r') if name == at => name = at + 1,
                Some(b':') if colon.is_none() => colon = Some(at),
                Some(_) => {}
            }
            at += 1;
        };
        attributes += 1;
        within("attributes", name, attributes, limits.attributes)?;
        let value = at + 1;
        let length = find_quote(bytes.get(value..).unwrap_or_default(), quote);
        if length > limits.attribute_bytes {
            let (limit, most) = match is_picture(bytes.get(value..).unwrap_or_default()) {
                true => ("picture_bytes", limits.picture_bytes),
                false => ("attribute_bytes", limits.attribute_bytes),
            };
            within(limit, name, length, most)?;
        }
        at = value + length + 1;
        if let Some(prefix) = colon.and_then(|c| source.get(name..c)) {
            if prefix == "xmlns" {
                let local = source.get(name + 6..value - 1).unwrap_or_default();
                prefixes.declared(local.trim_end_matches(['=', ' ', '\t', '\n', '\r']));
                within("namespaces", name, prefixes.declared.len(), limits.namespaces)?;
            } else {
                prefixes.used(prefix, name);
                within("namespaces", name, prefixes.used.len(), limits.namespaces)?;
            }
        }
        found.attributes += 1;
    }
}

/// Whether an attribute value is an embedded picture.
fn is_picture(value: &[u8]) -> bool {
    const SCHEME: &[u8] = b"data:image/";
    let head = value.trim_ascii_start().get(..SCHEME.len());
    head.is_some_and(|h| h.eq_ignore_ascii_case(SCHEME))
}

/// The distance to `quote`. Most values are short: look by hand first.
fn find_quote(rest: &[u8], quote: u8) -> usize {
    match rest.iter().take(16).position(|&b| b == quote) {
        Some(i) => i,
        None => {
            let skipped = rest.len().min(16);
            rest.get(skipped..).and_then(|r| memchr(quote, r)).map_or(rest.len(), |i| i + skipped)
        }
    }
}

/// Reads a document type declaration at `start`; answers where it ends.
fn doctype<'s>(
    source: &'s str,
    start: usize,
    limits: &Limits,
    found: &mut Scan<'s>,
) -> Result<usize, Diagnostic> {
    let bytes = source.as_bytes();
    let mut entities: Vec<(&'s str, &'s str)> = Vec::new();
    let mut subset = false;
    let mut at = start + 9;
    while let Some(&b) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        at = match b {
            b'"' | b'\'' => at + 2 + find_quote(bytes.get(at + 1..).unwrap_or_default(), b),
            b'[' => {
                subset = true;
                at + 1
            }
            b']' => {
                subset = false;
                at + 1
            }
            b'>' if !subset => break,
            b'<' if rest.starts_with(b"<!--") => skip(bytes, at + 4, b"-->"),
            b'<' if rest.starts_with(b"<?") => skip(bytes, at + 2, b"?>"),
            b'<' if rest.starts_with(b"<!ENTITY") => entity(source, at, &mut entities, found)?,
            _ => at + 1,
        };
        within("entities", at, entities.len() + found.external.len(), limits.entities)?;
    }
    if !entities.is_empty() {
        bound_expansion(source, at, &entities, limits)?;
    }
    Ok(at)
}

/// Reads one entity declaration; answers where its value ends.
fn entity<'s>(
    source: &'s str,
    start: usize,
    entities: &mut Vec<(&'s str, &'s str)>,
    found: &mut Scan<'s>,
) -> Result<usize, Diagnostic> {
    let bytes = source.as_bytes();
    let rest = source.get(start + 8..).unwrap_or_default();
    let Some(offset) = memchr2(b'"', b'\'', rest.as_bytes()) else { return Ok(bytes.len()) };
    let head = rest.get(..offset).unwrap_or_default();
    if memchr(b'>', head.as_bytes()).is_some() {
        return Ok(start + 8);
    }
    let open = start + 8 + offset;
    let Some(&quote) = bytes.get(open) else { return Ok(bytes.len()) };
    let length = find_quote(bytes.get(open + 1..).unwrap_or_default(), quote);
    let value = source.get(open + 1..open + 1 + length).unwrap_or_default();
    let mut words = head.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    if name.len() > ENTITY_NAME {
        let message = format!("an entity name longer than {ENTITY_NAME} bytes");
        return Err(Diagnostic::error(Code::XmlEntity, Span::new(start, open), message));
    }
    if words.next().is_some_and(|w| w == "SYSTEM" || w == "PUBLIC") {
        found.external.push((name, start));
    } else if name != "%" {
        if let Some(i) = memchr(b'<', value.as_bytes()) {
            let span = Span::new(open + 1 + i, open + 2 + i);
            let message = format!("the entity `{}` contains markup", shorten(name));
            return Err(Diagnostic::error(Code::EntityMarkup, span, message)
                .help("write the elements out; entities may only stand for text"));
        }
        entities.push((name, value));
    }
    Ok(open + 1 + length + 1)
}

/// Refuses a document whose entities would expand beyond the limit, without expanding any.
fn bound_expansion(
    source: &str,
    from: usize,
    entities: &[(&str, &str)],
    limits: &Limits,
) -> Result<(), Diagnostic> {
    // The XML parser takes the first declaration of a name.
    let find = |name: &str| entities.iter().position(|(n, _)| *n == name);
    let references: Vec<Vec<usize>> =
        entities.iter().map(|(_, v)| names(v).filter_map(|(_, n)| find(n)).collect()).collect();
    let mut sizes: Vec<usize> = entities.iter().map(|(_, v)| v.len()).collect();
    let mut settled = false;
    // Each round resolves one more level of nesting; the XML parser stops at ten.
    for _ in 0..12 {
        let next: Vec<usize> = references
            .iter()
            .zip(entities)
            .map(|(refs, (_, value))| {
                refs.iter().fold(value.len(), |sum, &r| {
                    sum.saturating_add(sizes.get(r).copied().unwrap_or(0))
                })
            })
            .collect();
        settled = next == sizes;
        sizes = next;
        if settled {
            break;
        }
    }
    if !settled {
        let span = Span::new(from.min(source.len()), from.min(source.len()));
        return Err(Diagnostic::error(
            Code::EntityLoop,
            span,
            "entities refer to each other in a circle, or more than ten deep",
        ));
    }
    let mut total = 0usize;
    for (at, name) in names(source.get(from..).unwrap_or_default()) {
        if let Some(&size) = find(name).and_then(|i| sizes.get(i)) {
            // A reference costs something even where it expands to nothing.
            total = total.saturating_add(size.max(16));
            within("expansion_bytes", from + at, total, limits.expansion_bytes)?;
        }
    }
    Ok(())
}

/// The entity references in a text: where, and the name.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    memchr::memchr_iter(b'&', text.as_bytes()).filter_map(move |i| {
        let rest = text.get(i + 1..)?;
        // `entity` refuses longer names, so a longer one is not declared.
        let end = rest.as_bytes().iter().take(ENTITY_NAME + 1).position(|&b| b == b';')?;
        Some((i, rest.get(..end)?)).filter(|(_, n)| !n.starts_with('#'))
    })
}

fn within(limit: &'static str, at: usize, seen: usize, most: usize) -> Result<(), Diagnostic> {
    if seen > most { Err(over(limit, at, seen, most)) } else { Ok(()) }
}

/// The answer to a document that goes past a limit.
pub(super) fn over(limit: &'static str, at: usize, seen: usize, most: usize) -> Diagnostic {
    let (code, what) = match limit {
        "bytes" => (Code::LimitBytes, "bytes of text"),
        "depth" => (Code::LimitDepth, "levels of nesting"),
        "elements" => (Code::LimitElements, "elements"),
        "attributes" => (Code::LimitAttributes, "attributes on one element"),
        "attribute_bytes" => (Code::LimitAttributeBytes, "bytes in one attribute"),
        "picture_bytes" => (Code::LimitPictureBytes, "bytes in one embedded picture"),
        "expansion_bytes" => (Code::LimitExpansionBytes, "bytes out of entities"),
        "namespaces" => (Code::LimitNamespaces, "namespaces"),
        _ => (Code::LimitEntities, "entities"),
    };
    let message = format!("at least {seen} {what}; the limit is {most}");
    Diagnostic::error(code, Span::new(at, at), message)
}

/// A piece of the document short enough for a message.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 64;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        let mut short: String = text.chars().take(MOST).collect();
        short.push('…');
        short
    }
}

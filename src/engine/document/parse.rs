//! Text to tree.

use std::borrow::Cow;
use std::sync::Arc;

use super::attribute::{Held, Text};
use super::diagnostic::{Diagnostic, Diagnostics};
use super::limits::Limits;
use super::scan::{Care, Scan, over, scan, shorten};
use super::text::{Span, Str};
use super::tree::{Document, NodeId, NodeKind, Ns};
use super::{ARX, SVG, XLINK, json, lower, normalize, validate, words, xml};

/// How often the text is read again after a prefix turned out to be declared
/// out of reach of its use.
const RETRIES: usize = 9;

/// Reads a document: SVGX, SVG, or the JSON form of exported drawings.
///
/// The document may carry diagnostics of its own, errors included
/// ([`Document::diagnostics`]): it could be read, but breaks a rule.
///
/// # Errors
/// Diagnostics, at least one of them an error, when there is no document to be had.
pub fn parse(source: &str, limits: &Limits) -> Result<Document, Vec<Diagnostic>> {
    let limit = limits.bytes.min(u32::MAX as usize - 1);
    if source.len() > limit {
        return Err(vec![over("bytes", 0, source.len(), limit)]);
    }
    let start = source.trim_start_matches(['\u{feff}', ' ', '\t', '\n', '\r']);
    let mut diagnostics = Diagnostics::new(limits.diagnostics);
    let read = if start.starts_with('{') {
        json::read(source, limits, &mut diagnostics)
    } else {
        read_xml(source, limits, &mut diagnostics)
    };
    match read {
        Ok((mut document, mut findings)) => {
            normalize::normalize(&mut document, &mut findings, &mut diagnostics);
            lower::lower(&mut document, &findings.language);
            validate::validate(&document, &findings, &mut diagnostics);
            (document.diagnostics, document.dropped_diagnostics) = diagnostics.finish();
            Ok(document)
        }
        Err(fatal) => {
            diagnostics.push(fatal);
            Err(diagnostics.finish().0)
        }
    }
}

/// Reads a document from bytes that should be UTF-8. A byte order mark is skipped.
///
/// # Errors
/// As [`parse`]; also for UTF-16, UTF-32, and bytes that are no UTF-8.
pub fn parse_bytes(bytes: &[u8], limits: &Limits) -> Result<Document, Vec<Diagnostic>> {
    match decode(bytes, limits) {
        Ok(source) => parse(source, limits),
        Err(diagnostic) => Err(vec![diagnostic]),
    }
}

/// The text in `bytes`, without a byte order mark.
///
/// # Errors
/// One diagnostic, for what is too long or no UTF-8.
pub fn decode<'b>(bytes: &'b [u8], limits: &Limits) -> Result<&'b str, Diagnostic> {
    if bytes.len() > limits.bytes {
        return Err(over("bytes", 0, bytes.len(), limits.bytes));
    }
    let utf16 = bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.starts_with(&[b'<', 0])
        || bytes.starts_with(&[0, b'<'])
        || bytes.starts_with(&[0, 0, 0, b'<']);
    if utf16 {
        let message = "the text is UTF-16 or UTF-32; documents are UTF-8";
        return Err(Diagnostic::error("encoding", Span::new(0, 0), message)
            .help("convert it: iconv -f UTF-16 -t UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(e) => {
            let at = e.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or_default();
            let message = format!("byte {at} (0x{byte:02x}) is not UTF-8");
            Err(Diagnostic::error("encoding", Span::new(at, at), message))
        }
    }
}

/// What reading the tree noticed on the way, for the passes after it.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Elements of the language, and shapes that carry its attributes, in document order.
    pub(super) language: Vec<NodeId>,
    /// `use` elements.
    pub(super) uses: Vec<NodeId>,
    /// Elements whose id was taken: they, and the first with that id.
    pub(super) duplicates: Vec<(NodeId, NodeId)>,
}

fn read_xml(
    source: &str,
    limits: &Limits,
    diagnostics: &mut Diagnostics,
) -> Result<(Document, Findings), Diagnostic> {
    let mut seen = scan(source, limits, Care::Bounds)?;
    for (name, at) in &seen.external {
        let message = format!("the entity `{}` stands for a file or an address", shorten(name));
        let span = Span::new(*at, *at + 8);
        diagnostics.push(
            Diagnostic::warning("external-entity", span, message)
                .help("it is never fetched; using it is an error"),
        );
    }
    let mut declared: Vec<String> = Vec::new();
    // An undeclared prefix is declared on the root, in a copy of the text.
    for _ in 0..RETRIES {
        let patched = Patched::new(source, &seen, &declared);
        let options = roxmltree::ParsingOptions {
            allow_dtd: true,
            nodes_limit: u32::try_from(limits.elements.saturating_mul(4)).unwrap_or(u32::MAX),
            entity_resolver: None,
        };
        match roxmltree::Document::parse_with_options(&patched.text, options) {
            Ok(xml) => return build(&xml, &patched, &seen, source, limits, diagnostics),
            // Only now is it worth a closer look who declares what.
            Err(_) if seen.care == Care::Bounds => {
                seen = scan(source, limits, Care::Prefixes)?;
                for (prefix, at) in &seen.undeclared {
                    diagnostics.push(undeclared(prefix, Span::new(*at, *at + prefix.len())));
                    declared.push((*prefix).to_owned());
                }
            }
            Err(roxmltree::Error::UnknownNamespace(prefix, pos)) if !declared.contains(&prefix) => {
                let at = patched.original(xml::offset(&patched.text, pos));
                diagnostics.push(undeclared(&prefix, Span::new(at, at + prefix.len())));
                declared.push(prefix);
            }
            Err(error) => return Err(xml::diagnostic(&error, &patched, source, limits)),
        }
    }
    let message = "too many prefixes are used where they are not declared";
    Err(Diagnostic::error("undeclared-prefix", Span::new(0, 0), message))
}

fn undeclared(prefix: &str, span: Span) -> Diagnostic {
    let prefix = shorten(prefix);
    let message = format!("the prefix `{prefix}` is not declared");
    let uri = words::usual_uri(&prefix).map_or_else(|| invented_uri(&prefix), str::to_owned);
    Diagnostic::warning("undeclared-prefix", span, message)
        .help(format!("read as if xmlns:{prefix}=\"{uri}\" stood on the root element"))
}

fn invented_uri(prefix: &str) -> String {
    format!("urn:undeclared:{prefix}")
}

/// The text given to the XML parser: the source, or the source with
/// namespace declarations put into its root element.
pub(super) struct Patched<'s> {
    pub(super) text: Cow<'s, str>,
    at: usize,
    length: usize,
}

impl<'s> Patched<'s> {
    fn new(source: &'s str, scan: &Scan<'_>, prefixes: &[String]) -> Patched<'s> {
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
            let uri = words::usual_uri(prefix).map_or_else(|| invented_uri(prefix), str::to_owned);
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

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.original(range.start), self.original(range.end))
    }
}

/// Turns pieces borrowed from the parsed text into shares of ours.
struct Sharer<'p, 's> {
    base: usize,
    patched: &'p Patched<'s>,
    ours: Arc<str>,
}

impl Sharer<'_, '_> {
    /// A name: a word of the program where it is a common one.
    fn name(&self, name: &str) -> Str {
        words::common(name).map_or_else(|| self.share(name), Str::word)
    }

    /// A share where `piece` lies in the parsed text, a copy where the parser made it.
    fn share(&self, piece: &str) -> Str {
        match self.place(piece) {
            Some(place) => Str::slice(&self.ours, place.start as usize, place.end as usize),
            None => Str::from(piece),
        }
    }

    /// Where `piece` stands in the source, if the parser did not make it.
    #[inline]
    fn place(&self, piece: &str) -> Option<Span> {
        let offset = (piece.as_ptr() as usize).wrapping_sub(self.base);
        if offset >= self.patched.text.len() {
            return None;
        }
        let start = self.patched.original(offset);
        let place = Span::new(start, start + piece.len());
        let same = || self.ours.get(start..start + piece.len()) == Some(piece);
        (self.patched.length == 0 || same()).then_some(place)
    }
}

/// Namespaces by the address of their URI, which the parser keeps once per declaration.
#[derive(Default)]
struct Namespaces {
    known: Vec<(usize, Ns)>,
    aliases: Vec<&'static str>,
}

impl Namespaces {
    fn resolve(
        &mut self,
        document: &mut Document,
        node: &roxmltree::Node<'_, '_>,
        uri: Option<&str>,
        diagnostics: &mut Diagnostics,
    ) -> Ns {
        let Some(uri) = uri else { return Ns::None };
        let address = uri.as_ptr() as usize;
        if let Some((_, ns)) = self.known.iter().find(|(a, _)| *a == address) {
            return *ns;
        }
        let ns = match uri {
            "" => Ns::None,
            SVG => Ns::Svg,
            ARX => Ns::Arx,
            XLINK => Ns::XLink,
            roxmltree::NS_XML_URI => Ns::Xml,
            other => match words::ALIASES.into_iter().find(|a| *a == other) {
                Some(alias) => {
                    if !self.aliases.contains(&alias) {
                        self.aliases.push(alias);
                        let start = node.range().start;
                        let message = format!("`{alias}` is an old name of the language");
                        diagnostics.push(
                            Diagnostic::warning(
                                "namespace-alias",
                                Span::new(start, start + 1),
                                message,
                            )
                            .help(format!("declare xmlns:arx=\"{ARX}\"")),
                        );
                    }
                    Ns::Arx
                }
                None => {
                    let prefix = node.lookup_prefix(other).unwrap_or_default();
                    document.intern_foreign(prefix, other)
                }
            },
        };
        if self.known.len() < 64 {
            self.known.push((address, ns));
        }
        ns
    }
}

fn build(
    xml: &roxmltree::Document<'_>,
    patched: &Patched<'_>,
    scan: &Scan<'_>,
    source: &str,
    limits: &Limits,
    diagnostics: &mut Diagnostics,
) -> Result<(Document, Findings), Diagnostic> {
    let ours: Arc<str> = Arc::from(source);
    let sharer = Sharer { base: patched.text.as_ptr() as usize, patched, ours: Arc::clone(&ours) };
    // Not every `<` opens an element; texts and comments come on top.
    let nodes = scan.elements + scan.elements / 8 + 8;
    let mut document = Document::new(ours, nodes, scan.attributes);
    let mut namespaces = Namespaces::default();
    let mut findings = Findings::default();
    // Our node for each node of the XML tree, in document order.
    let mut mapped: Vec<Option<NodeId>> = vec![None];
    mapped.reserve(nodes * 2);
    let mut has_root = false;
    for node in xml.descendants().skip(1) {
        let parent = node.parent().and_then(|p| mapped.get(p.id().get_usize()).copied().flatten());
        let range = node.range();
        let id = if node.is_element() {
            let uri = node.tag_name().namespace();
            let ns = namespaces.resolve(&mut document, &node, uri, diagnostics);
            let name = node.tag_name().name();
            let Some(parent) = parent else {
                let root = root(&mut document, ns, name, patched.span(range), diagnostics)?;
                has_root = true;
                read_attributes(
                    &mut document,
                    &mut namespaces,
                    &sharer,
                    &node,
                    root,
                    &mut findings,
                    diagnostics,
                );
                mapped.push(Some(root));
                continue;
            };
            let ns = place(&document, parent, ns, name);
            let kind = NodeKind::Element { ns, name: sharer.name(name) };
            let id = document.push(Some(parent), kind, patched.span(range));
            if document.keeps_space(parent) || (ns == Ns::Svg && words::keeps_space(name)) {
                document.set_keeps_space(id, true);
            }
            read_attributes(
                &mut document,
                &mut namespaces,
                &sharer,
                &node,
                id,
                &mut findings,
                diagnostics,
            );
            if ns == Ns::Svg {
                match name {
                    "use" => findings.uses.push(id),
                    "script" => diagnostics.push(script(document.span(id))),
                    _ => {}
                }
            }
            if document.foreign().len() > limits.namespaces {
                let seen = document.foreign().len();
                return Err(over("namespaces", node.range().start, seen, limits.namespaces));
            }
            Some(id)
        } else if let Some(parent) = parent {
            let text = node.text().unwrap_or_default();
            if node.is_text() {
                let layout = text.bytes().all(|b| b.is_ascii_whitespace());
                if layout && !document.keeps_space(parent) {
                    None
                } else {
                    let kind = NodeKind::Text(sharer.share(text));
                    Some(document.push(Some(parent), kind, patched.span(range)))
                }
            } else if node.is_comment() {
                let kind = NodeKind::Comment(sharer.share(text));
                Some(document.push(Some(parent), kind, patched.span(range)))
            } else {
                diagnostics.push(instruction(patched.span(range)));
                None
            }
        } else {
            // Beside the root element.
            if node.is_comment() {
                let text = sharer.share(node.text().unwrap_or_default());
                if has_root { document.epilog.push(text) } else { document.prolog.push(text) }
            } else if node.is_pi() {
                diagnostics.push(instruction(patched.span(range)));
            }
            None
        };
        mapped.push(id);
    }
    Ok((document, findings))
}

fn script(span: Span) -> Diagnostic {
    Diagnostic::warning("script-ignored", span, "scripts never run")
}

fn instruction(span: Span) -> Diagnostic {
    Diagnostic::warning(
        "instruction-dropped",
        span,
        "processing instructions have no meaning here and are dropped",
    )
}

/// Makes the root element, whatever it was called.
fn root(
    document: &mut Document,
    ns: Ns,
    name: &str,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Result<NodeId, Diagnostic> {
    let start = span.start as usize;
    let tag = Span::new(start, start + 1 + name.len());
    let ours = matches!(ns, Ns::None | Ns::Svg | Ns::Arx);
    match name {
        "svg" if ours => {
            if ns == Ns::None {
                diagnostics.push(
                    Diagnostic::warning("missing-namespace", tag, "`svg` is in no namespace")
                        .help(format!("declare xmlns=\"{SVG}\"")),
                );
            }
        }
        "svgx" if ours => {
            let message = "the root element is `svgx`";
            diagnostics.push(
                Diagnostic::warning("svgx-root", tag, message)
                    .help(format!("write <svg xmlns=\"{SVG}\" xmlns:arx=\"{ARX}\">")),
            );
        }
        other => {
            let message = format!("the root element is `{}`; expected `svg`", shorten(other));
            return Err(Diagnostic::error("not-svg", tag, message));
        }
    }
    let kind = NodeKind::Element { ns: Ns::Svg, name: Str::word("svg") };
    Ok(document.push(None, kind, span))
}

/// The namespace an element is understood to be in.
fn place(document: &Document, parent: NodeId, ns: Ns, name: &str) -> Ns {
    let own = matches!(ns, Ns::None | Ns::Svg | Ns::Arx);
    if !own {
        return ns;
    }
    // Below these every name is one the author chose.
    if let Some((Ns::Arx, "variables" | "calculations" | "properties" | "triggers")) =
        document.name(parent)
    {
        return Ns::Arx;
    }
    match ns {
        Ns::Arx if words::is_svg(name) => Ns::Svg,
        Ns::None if words::is_svg(name) || name == "metadata" => Ns::Svg,
        Ns::None | Ns::Svg if words::is_language(name) => Ns::Arx,
        ns => ns,
    }
}

fn read_attributes(
    document: &mut Document,
    namespaces: &mut Namespaces,
    sharer: &Sharer<'_, '_>,
    node: &roxmltree::Node<'_, '_>,
    id: NodeId,
    findings: &mut Findings,
    diagnostics: &mut Diagnostics,
) {
    let element = document.name(id).map(|(ns, _)| ns);
    let mut language = element == Some(Ns::Arx);
    for a in node.attributes() {
        let ns = match a.namespace() {
            None => Ns::None,
            uri => namespaces.resolve(document, node, uri, diagnostics),
        };
        let (name, value) = (a.name(), a.value());
        let held = match sharer.place(value) {
            Some(place) => Text::Source(place),
            None => {
                let span = sharer.patched.span(a.range());
                Text::new(Str::from(value), span, &sharer.ours)
            }
        };
        let span = held.span();
        match (ns, name) {
            (Ns::Arx, _) => language = true,
            (Ns::None, "behavior" | "physics" | "mass") => language = true,
            (Ns::None, "id") => {
                let component = element == Some(Ns::Arx)
                    && document.name(id).is_some_and(|(_, n)| n == "component");
                if !component && let Err(first) = document.register_id(held.share(&sharer.ours), id)
                {
                    findings.duplicates.push((id, first));
                }
            }
            (Ns::Xml, "space") => document.set_keeps_space(id, value == "preserve"),
            (Ns::None | Ns::XLink, "href") => {
                let scheme = value.trim_start().get(..11);
                if scheme.is_some_and(|s| s.eq_ignore_ascii_case("javascript:")) {
                    diagnostics.push(script(span));
                }
            }
            (Ns::None, n) if n.len() > 3 && n.starts_with("on") && element == Some(Ns::Svg) => {
                diagnostics.push(script(span));
            }
            _ => {}
        }
        let name = document.names.intern(name, || sharer.share(name));
        document.push_attribute_raw(id, Held { ns, name, value: held });
    }
    if language {
        findings.language.push(id);
    }
}

/// Reads the meaning anew after edits of the tree.
pub(super) fn findings(document: &Document) -> Findings {
    let mut findings = Findings::default();
    for node in document.elements() {
        let Some((ns, _)) = document.name(node) else { continue };
        let carries = ns == Ns::Arx || document.attributes(node).iter().any(|a| a.ns == Ns::Arx);
        if carries {
            findings.language.push(node);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_shares_of_one_copy_of_the_source() {
        let source = r#"<svg xmlns="http://www.w3.org/2000/svg"><rect id="a&#98;" x="12"/></svg>"#;
        let document = parse(source, &Limits::default()).unwrap();
        let rect = document.by_id("ab").unwrap();
        let [id, x] = document.held(rect) else { panic!("two attributes") };
        assert!(matches!(id.value, Text::Own(_)), "a resolved value is a copy");
        let Text::Source(span) = x.value else { panic!("this one stands in the source") };
        assert_eq!(&source[span.start as usize..span.end as usize], "12");
    }

    #[test]
    fn a_prefix_declared_too_late_is_taken_from_the_usual_place_with_offsets_kept() {
        let source = "<svg xmlns='http://www.w3.org/2000/svg'><g arx:layer='walls'/>\
                      <g xmlns:arx='http://arxos.io/svgx' arx:layer='doors'/></svg>";
        let document = parse(source, &Limits::default()).unwrap();
        let layers: Vec<_> = document.elements().filter_map(|n| document.arx(n, "layer")).collect();
        assert_eq!(layers, ["walls", "doors"]);
        for node in document.elements() {
            for a in document.attributes(node) {
                assert_eq!(&source[a.span.start as usize..a.span.end as usize], a.value);
            }
        }
        assert!(document.diagnostics().iter().any(|d| d.code == "undeclared-prefix"));
    }

    #[test]
    fn every_way_of_not_being_utf8_is_named_with_its_place() {
        let limits = Limits::default();
        for (bytes, at) in [
            (&b"<svg>\xff</svg>"[..], 5),
            (b"\xff\xfe<\0s\0", 0),
            (b"\xfe\xff\0<\0s", 0),
            (b"<\0s\0v\0g\0", 0),
        ] {
            let found = parse_bytes(bytes, &limits).unwrap_err();
            assert_eq!((found[0].code, found[0].span.start), ("encoding", at), "{bytes:?}");
        }
        assert!(parse_bytes(b"\xef\xbb\xbf<svg width='1' height='1'/>", &limits).is_ok());
    }
}

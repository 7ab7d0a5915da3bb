//! XML to tree.

mod error;
mod patched;

use std::sync::Arc;

use self::patched::{Patched, assumed_uri};
use super::attribute::{StoredAttribute, Text};
use super::code::Code;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::findings::Findings;
use super::limits::Limits;
use super::scan::{Care, Scan, over, scan, shorten};
use super::text::{Span, Str};
use super::tree::{Document, NodeId, NodeKind, Ns};
use super::{ARX, SVG, XLINK, vocabulary};
use svgx_base::deep_span;

/// How often the text is read again after a prefix turned out to be declared
/// out of reach of its use.
const RETRIES: usize = 9;

/// Reads SVG and SVGX.
pub(in crate::document) fn read(
    source: &str,
    limits: &Limits,
    diagnostics: &mut Diagnostics,
) -> Result<(Document, Findings), Diagnostic> {
    let span = deep_span!("scan");
    let mut seen = scan(source, limits, Care::Bounds)?;
    drop(span);
    for (name, at) in &seen.external {
        let message = format!("the entity `{}` stands for a file or an address", shorten(name));
        let span = Span::new(*at, *at + 8);
        diagnostics.push(
            Diagnostic::warning(Code::ExternalEntity, span, message)
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
        let span = deep_span!("xml");
        let parsed = roxmltree::Document::parse_with_options(&patched.text, options);
        drop(span);
        match parsed {
            Ok(xml) => {
                let _span = deep_span!("tree");
                return build(&xml, &patched, &seen, source, limits, diagnostics);
            }
            // Only now is it worth a closer look who declares what.
            Err(_) if seen.care == Care::Bounds => {
                seen = scan(source, limits, Care::Prefixes)?;
                for (prefix, at) in &seen.undeclared {
                    diagnostics.push(undeclared(prefix, Span::new(*at, *at + prefix.len())));
                    declared.push((*prefix).to_owned());
                }
            }
            Err(roxmltree::Error::UnknownNamespace(prefix, pos)) if !declared.contains(&prefix) => {
                let at = patched.original(error::offset(&patched.text, pos));
                diagnostics.push(undeclared(&prefix, Span::new(at, at + prefix.len())));
                declared.push(prefix);
            }
            Err(error) => return Err(error::diagnostic(&error, &patched, source, limits)),
        }
    }
    let message = "too many prefixes are used where they are not declared";
    Err(Diagnostic::error(Code::UndeclaredPrefix, Span::new(0, 0), message))
}

fn undeclared(prefix: &str, span: Span) -> Diagnostic {
    let prefix = shorten(prefix);
    let message = format!("the prefix `{prefix}` is not declared");
    let uri = assumed_uri(&prefix);
    Diagnostic::warning(Code::UndeclaredPrefix, span, message)
        .help(format!("read as if xmlns:{prefix}=\"{uri}\" stood on the root element"))
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
        vocabulary::common(name).map_or_else(|| self.share(name), Str::word)
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
            other => match vocabulary::ALIASES.into_iter().find(|a| *a == other) {
                Some(alias) => {
                    if !self.aliases.contains(&alias) {
                        self.aliases.push(alias);
                        let start = node.range().start;
                        let message = format!("`{alias}` is an old name of the language");
                        diagnostics.push(
                            Diagnostic::warning(
                                Code::NamespaceAlias,
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
            if document.keeps_space(parent) || (ns == Ns::Svg && vocabulary::keeps_space(name)) {
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
                diagnostics.push(instruction(node, patched.span(range)));
                None
            }
        } else {
            // Beside the root element.
            if node.is_comment() {
                let text = sharer.share(node.text().unwrap_or_default());
                if has_root { document.epilog.push(text) } else { document.prolog.push(text) }
            } else if node.is_pi() {
                diagnostics.push(instruction(node, patched.span(range)));
            }
            None
        };
        mapped.push(id);
    }
    Ok((document, findings))
}

fn script(span: Span) -> Diagnostic {
    Diagnostic::warning(Code::ScriptIgnored, span, "scripts never run")
}

fn instruction(node: roxmltree::Node<'_, '_>, span: Span) -> Diagnostic {
    if node.pi().is_some_and(|pi| pi.target == "xml-stylesheet") {
        let message = "the style sheet is never fetched: the drawing is drawn without it";
        return Diagnostic::warning(Code::InstructionDropped, span, message)
            .help("write the rules into a <style> element");
    }
    Diagnostic::warning(
        Code::InstructionDropped,
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
                    Diagnostic::warning(Code::MissingNamespace, tag, "`svg` is in no namespace")
                        .help(format!("declare xmlns=\"{SVG}\"")),
                );
            }
        }
        "svgx" if ours => {
            let message = "the root element is `svgx`";
            diagnostics.push(
                Diagnostic::warning(Code::SvgxRoot, tag, message)
                    .help(format!("write <svg xmlns=\"{SVG}\" xmlns:arx=\"{ARX}\">")),
            );
        }
        other => {
            let message = format!("the root element is `{}`; expected `svg`", shorten(other));
            return Err(Diagnostic::error(Code::NotSvg, tag, message));
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
    // What a sheet shows, and not the element of SVG.
    if ns == Ns::Arx && name == "view" && document.name(parent) == Some((Ns::Arx, "sheet")) {
        return Ns::Arx;
    }
    match ns {
        Ns::Arx if vocabulary::is_svg(name) => Ns::Svg,
        Ns::None if vocabulary::is_svg(name) || name == "metadata" => Ns::Svg,
        Ns::None | Ns::Svg if vocabulary::is_language(name) => Ns::Arx,
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
        document.push_attribute_raw(id, StoredAttribute { ns, name, value: held });
    }
    if language {
        findings.language.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

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
}

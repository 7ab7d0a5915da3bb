//! A document as text, in the one canonical form.

use svgx_base::xml;

use super::attribute::Attribute;
use super::tree::{Document, NodeId, NodeKind, Ns};
use super::{ARX, SVG, XLINK};

/// The canonical text of a document: two spaces of indentation, attributes in
/// double quotes, every element of the language in the form of
/// `docs/language.md`, comments and foreign content kept.
///
/// Reading it gives the same model ([`same_model`](super::same_model)), and
/// its canonical text is itself.
pub fn canonical(document: &Document) -> String {
    let mut out = String::with_capacity(document.source().len() + 256);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    for text in &document.prolog {
        comment(&mut out, text);
        out.push('\n');
    }
    let mut writer = Writer { document, out, prefixes: prefixes(document) };
    writer.write();
    let mut out = writer.out;
    out.push('\n');
    for text in &document.epilog {
        comment(&mut out, text);
        out.push('\n');
    }
    out
}

/// A prefix for every foreign namespace: its own where that is free.
fn prefixes(document: &Document) -> Vec<String> {
    let mut taken: Vec<String> = ["arx", "xlink", "xml", "xmlns"].map(str::to_owned).to_vec();
    let mut prefixes = Vec::new();
    for (prefix, _) in document.foreign() {
        let mut chosen = if prefix.is_empty() { "ns".to_owned() } else { prefix.to_string() };
        let mut count = 1;
        while taken.contains(&chosen) {
            count += 1;
            chosen = format!("ns{count}");
        }
        taken.push(chosen.clone());
        prefixes.push(chosen);
    }
    prefixes
}

enum Visit {
    Open(NodeId, usize, bool),
    Close(NodeId, usize, bool),
}

struct Writer<'d> {
    document: &'d Document,
    out: String,
    prefixes: Vec<String>,
}

impl Writer<'_> {
    fn write(&mut self) {
        let document = self.document;
        let mut steps = vec![Visit::Open(NodeId::ROOT, 0, false)];
        while let Some(step) = steps.pop() {
            match step {
                Visit::Open(node, depth, inline) => {
                    if !inline && depth > 0 {
                        self.line(depth);
                    }
                    match document.kind(node) {
                        NodeKind::Text(text) => xml::push_text(&mut self.out, text),
                        NodeKind::Comment(text) => comment(&mut self.out, text),
                        NodeKind::Element { .. } => {
                            self.start(node);
                            if document.children(node).next().is_none() {
                                self.out.push_str("/>");
                                continue;
                            }
                            self.out.push('>');
                            let inline = inline || self.is_inline(node);
                            steps.push(Visit::Close(node, depth, inline));
                            let from = steps.len();
                            let open = |c| Visit::Open(c, depth + 1, inline);
                            steps.extend(document.children(node).map(open));
                            if let Some(added) = steps.get_mut(from..) {
                                added.reverse();
                            }
                        }
                    }
                }
                Visit::Close(node, depth, inline) => {
                    if !inline {
                        self.line(depth);
                    }
                    self.out.push_str("</");
                    self.name(node);
                    self.out.push('>');
                }
            }
        }
    }

    /// Deep nesting is not indented without end: it would square the size.
    fn line(&mut self, depth: usize) {
        self.out.push('\n');
        for _ in 0..depth.min(16) {
            self.out.push_str("  ");
        }
    }

    /// Whether white space put between the children would become content.
    fn is_inline(&self, node: NodeId) -> bool {
        self.document.keeps_space(node)
            || self
                .document
                .children(node)
                .any(|c| matches!(self.document.kind(c), NodeKind::Text(_)))
    }

    fn prefix(&self, ns: Ns) -> &str {
        match ns {
            Ns::None | Ns::Svg => "",
            Ns::Arx => "arx",
            Ns::XLink => "xlink",
            Ns::Xml => "xml",
            Ns::Other(i) => self.prefixes.get(i as usize).map_or("", String::as_str),
        }
    }

    fn name(&mut self, node: NodeId) {
        if let NodeKind::Element { ns, name } = self.document.kind(node) {
            self.qualified(*ns, name);
        }
    }

    fn qualified(&mut self, ns: Ns, name: &str) {
        let prefix = self.prefix(ns).to_owned();
        if !prefix.is_empty() {
            self.out.push_str(&prefix);
            self.out.push(':');
        }
        self.out.push_str(name);
    }

    fn start(&mut self, node: NodeId) {
        self.out.push('<');
        self.name(node);
        let ns = self.document.name(node).map(|(ns, _)| ns);
        if node == NodeId::ROOT {
            self.declarations();
        } else {
            // An element in no namespace steps out of the default one, and its
            // SVG children back in.
            let parent = self.document.parent(node).and_then(|p| self.document.name(p));
            match (ns, self.default_ns(parent.map(|(n, _)| n), node)) {
                (Some(Ns::None), Ns::Svg) => self.attribute("xmlns", ""),
                (Some(Ns::Svg), Ns::None) => self.attribute("xmlns", SVG),
                _ => {}
            }
        }
        for a in self.document.attributes(node) {
            let Attribute { ns, name, value, .. } = a;
            self.out.push(' ');
            // SVG attributes are in no namespace.
            self.qualified(if ns == Ns::Svg { Ns::None } else { ns }, name);
            self.out.push_str("=\"");
            xml::push_attribute_value(&mut self.out, value);
            self.out.push('"');
        }
    }

    /// The default namespace in force where `node` starts.
    fn default_ns(&self, parent: Option<Ns>, node: NodeId) -> Ns {
        match parent {
            Some(Ns::None) => Ns::None,
            Some(Ns::Svg) | None => Ns::Svg,
            Some(_) => {
                let mut above = self.document.parent(node);
                while let Some(at) = above {
                    match self.document.name(at) {
                        Some((Ns::None, _)) => return Ns::None,
                        Some((Ns::Svg, _)) => return Ns::Svg,
                        _ => above = self.document.parent(at),
                    }
                }
                Ns::Svg
            }
        }
    }

    fn declarations(&mut self) {
        self.attribute("xmlns", SVG);
        self.attribute("xmlns:arx", ARX);
        let xlink = self
            .document
            .elements()
            .any(|n| self.document.attributes(n).iter().any(|a| a.ns == Ns::XLink));
        if xlink {
            self.attribute("xmlns:xlink", XLINK);
        }
        let document = self.document;
        for (i, (_, uri)) in document.foreign().iter().enumerate() {
            let Some(prefix) = self.prefixes.get(i).cloned() else { continue };
            self.attribute(&format!("xmlns:{prefix}"), uri);
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        xml::push_attribute_value(&mut self.out, value);
        self.out.push('"');
    }
}

fn comment(out: &mut String, text: &str) {
    out.push_str("<!--");
    out.push_str(text);
    out.push_str("-->");
}

//! A document as text, in the one canonical form.

use svgx_base::xml;

use super::attribute::Attribute;
use super::normalize::rank;
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
    let in_use = in_use(document);
    let prefixes = prefixes(document, &in_use);
    let mut writer = Writer { document, out, prefixes, in_use };
    writer.write(NodeId::ROOT);
    let mut out = writer.out;
    out.push('\n');
    for text in &document.epilog {
        comment(&mut out, text);
        out.push('\n');
    }
    out
}

/// The foreign namespaces that are in use, in the order of their first use: the order in which
/// they are found when the text is read again. Edits may leave some that nothing is in any more.
fn in_use(document: &Document) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    if document.foreign().is_empty() {
        return order;
    }
    for node in document.elements() {
        let own = document.name(node).map(|(ns, _)| ns);
        for ns in own.into_iter().chain(document.attributes(node).iter().map(|a| a.ns)) {
            if let Ns::Other(at) = ns
                && !order.contains(&usize::from(at))
            {
                order.push(usize::from(at));
            }
        }
    }
    order
}

/// The canonical text of an element and what is in it, without declarations: it stands in a
/// drawing where the usual prefixes are declared.
pub fn markup(document: &Document, node: NodeId) -> String {
    let in_use = in_use(document);
    let prefixes = prefixes(document, &in_use);
    let mut writer = Writer { document, out: String::new(), prefixes, in_use };
    writer.write(node);
    writer.out
}

/// A prefix for every foreign namespace that is in use: its own where that is free.
fn prefixes(document: &Document, in_use: &[usize]) -> Vec<String> {
    let mut taken: Vec<String> = ["arx", "xlink", "xml", "xmlns"].map(str::to_owned).to_vec();
    let mut prefixes = vec![String::new(); document.foreign().len()];
    for &at in in_use {
        let Some((prefix, _)) = document.foreign().get(at) else { continue };
        let mut chosen = if prefix.is_empty() { "ns".to_owned() } else { prefix.to_string() };
        let mut count = 1;
        while taken.contains(&chosen) {
            count += 1;
            chosen = format!("ns{count}");
        }
        taken.push(chosen.clone());
        if let Some(slot) = prefixes.get_mut(at) {
            *slot = chosen;
        }
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
    /// Of each foreign namespace; empty for those not in use.
    prefixes: Vec<String>,
    in_use: Vec<usize>,
}

impl Writer<'_> {
    fn write(&mut self, from: NodeId) {
        let document = self.document;
        let mut steps = vec![Visit::Open(from, 0, false)];
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
        let mut attributes: Vec<Attribute<'_>> = self.document.attributes(node).iter().collect();
        if ns == Some(Ns::Arx) {
            // As they are read; edits put new ones behind.
            attributes.sort_by_key(|a| rank(*a));
        }
        for a in attributes {
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
        for at in std::mem::take(&mut self.in_use) {
            let Some((_, uri)) = document.foreign().get(at) else { continue };
            let Some(prefix) = self.prefixes.get(at).cloned() else { continue };
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

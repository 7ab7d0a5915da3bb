//! Markup that a client adds, read as part of a drawing and held to its rules.

use std::fmt::Write as _;

use super::references::{self, Kind};
use svgx_base::xml;
use svgx_engine::document::{
    self, ARX, Code, Diagnostic, Document, Limits, NodeId, NodeKind, Ns, SVG, Severity, Span, XLINK,
};

/// Elements at the top of one piece of markup.
const ROOTS: usize = 10_000;

/// Markup that was read: elements of a document of its own.
#[derive(Debug)]
pub(crate) struct Markup {
    pub(crate) document: Document,
    pub(crate) roots: Vec<NodeId>,
    /// Findings that are no reason to refuse it.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Reads `text` as it would be read inside of `parent`.
///
/// # Errors
/// Findings with places in `text`, the first of which says why it is refused.
pub(crate) fn read(
    text: &str,
    into: &Document,
    parent: NodeId,
    limits: &Limits,
) -> Result<Markup, Vec<Diagnostic>> {
    let (open, close) = wrapping(into, parent);
    let whole = format!("{open}{text}{close}");
    let start = open.len() as u32;
    let inside = |d: Diagnostic| Diagnostic { span: within(d.span, start, text.len() as u32), ..d };
    let document = document::parse(&whole, limits)
        .map_err(|found| found.into_iter().map(inside).collect::<Vec<_>>())?;
    let refuse = |message: &str| {
        let span = Span { start: 0, end: text.len() as u32 };
        vec![Diagnostic::error(Code::XmlSyntax, span, message)]
    };
    // A closing tag too many would step out of the wrapping.
    let mut around = NodeId::ROOT;
    if parent != NodeId::ROOT && is_wrapped(into, parent) {
        let mut children = document.children(NodeId::ROOT);
        around = match (children.next(), children.next()) {
            (Some(only), None) if document.is_element(only) => only,
            _ => return Err(refuse("a tag is closed that the markup did not open")),
        };
    }
    let mut refused = Vec::new();
    let mut warnings = Vec::new();
    for d in document.diagnostics() {
        // The wrapping is ours.
        if d.span.start < start || d.span.start >= start + text.len() as u32 {
            continue;
        }
        let d = inside(d.clone());
        match d.code {
            code if is_about_references(code) => {}
            Code::ScriptIgnored | Code::ExternalEntity => {
                refused.push(Diagnostic { severity: Severity::Error, ..d });
            }
            _ if d.severity == Severity::Error => refused.push(d),
            _ => warnings.push(d),
        }
    }
    let mut roots = Vec::new();
    for child in document.children(around) {
        match document.kind(child) {
            NodeKind::Element { .. } => roots.push(child),
            NodeKind::Text(t) if t.trim().is_empty() => {}
            _ => {
                let span = within(document.span(child), start, text.len() as u32);
                let message = "text and comments are added inside of elements only";
                refused.push(Diagnostic::error(Code::XmlSyntax, span, message));
            }
        }
    }
    if roots.is_empty() && refused.is_empty() {
        return Err(refuse("there is no element in the markup"));
    }
    if roots.len() > ROOTS {
        return Err(refuse("there are more than 10000 elements side by side in the markup"));
    }
    for node in roots.iter().flat_map(|&root| document.descendants(root)) {
        refused.extend(id_finding(&document, into, node).map(inside));
        for (finding, is_error) in unresolved(&document, into, node) {
            let finding = inside(finding);
            if is_error { refused.push(finding) } else { warnings.push(finding) }
        }
    }
    if !refused.is_empty() {
        refused.sort_by_key(|d| d.span.start);
        return Err(refused);
    }
    Ok(Markup { roots, document, warnings })
}

fn within(span: Span, start: u32, length: u32) -> Span {
    let inside = |at: u32| at.saturating_sub(start).min(length);
    Span { start: inside(span.start), end: inside(span.end) }
}

/// Whether the parent has to stand around the markup for it to be read rightly: names mean other
/// things in some elements of the language, and white space in texts.
fn is_wrapped(into: &Document, parent: NodeId) -> bool {
    matches!(into.name(parent), Some((Ns::Arx, _))) || into.has_space(parent)
}

/// What is put around the markup.
fn wrapping(into: &Document, parent: NodeId) -> (String, String) {
    let mut open = format!(
        "<svg xmlns=\"{SVG}\" xmlns:arx=\"{ARX}\" xmlns:xlink=\"{XLINK}\" viewBox=\"0 0 1 1\""
    );
    for (prefix, uri) in into.foreign() {
        if !prefix.is_empty() && !matches!(prefix.as_str(), "arx" | "xlink" | "xml" | "xmlns") {
            let mut value = String::new();
            xml::push_attribute_value(&mut value, uri);
            let _ = write!(open, " xmlns:{prefix}=\"{value}\"");
        }
    }
    open.push('>');
    let mut close = String::from("</svg>");
    if parent != NodeId::ROOT
        && is_wrapped(into, parent)
        && let Some((ns, name)) = into.name(parent)
    {
        let prefix = if ns == Ns::Arx { "arx:" } else { "" };
        let space = if into.has_space(parent) { " xml:space=\"preserve\"" } else { "" };
        let _ = write!(open, "<{prefix}{name}{space}>");
        close = format!("</{prefix}{name}>{close}");
    }
    (open, close)
}

/// Findings that the whole drawing is needed for.
fn is_about_references(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownObject
            | Code::UnknownBehavior
            | Code::UnknownPhysics
            | Code::UnknownConnectionEnd
            | Code::UnknownElementId
            | Code::UnknownTarget
            | Code::UnknownAnchor
    )
}

fn id_finding(document: &Document, into: &Document, node: NodeId) -> Option<Diagnostic> {
    let id = document.attribute(node, Ns::None, "id")?;
    let shown: String = id.value.chars().take(64).collect();
    if id.value.starts_with('@') {
        let message = format!("the id `{shown}` begins with @, which is for handles");
        return Some(Diagnostic::error(Code::BadId, id.span, message));
    }
    into.by_id(id.value).is_some().then(|| {
        let message = format!("the id `{shown}` is taken");
        Diagnostic::error(Code::DuplicateId, id.span, message)
    })
}

/// References that lead nowhere, in the markup or in the drawing, and whether that is an error.
fn unresolved(document: &Document, into: &Document, node: NodeId) -> Vec<(Diagnostic, bool)> {
    let Some((_, element)) = document.name(node) else { return Vec::new() };
    let known = |id: &str| {
        [document, into].iter().any(|d| d.by_id(id).is_some() || d.object(id).is_some())
            || [document, into].iter().any(|d| {
                d.behaviors().iter().any(|b| b.id.as_deref() == Some(id))
                    || d.physics().iter().any(|p| p.id.as_deref() == Some(id))
            })
    };
    let mut found = Vec::new();
    for reference in references::of(document, node) {
        // A shape may declare the object that it draws, a point may be a place by name, and
        // formulas are looked at when they are compiled.
        let local = reference.attribute.trim_start_matches("arx:");
        if matches!(local, "object" | "point")
            || matches!(reference.kind, Kind::Formula | Kind::Bare | Kind::Members | Kind::Url)
            || (element == "component" && local == "ref")
            || known(&reference.id)
        {
            continue;
        }
        let (code, is_error) = match (reference.kind, local) {
            (Kind::Href, _) => (Code::UnknownElementId, false),
            (_, "behavior") => (Code::UnknownBehavior, true),
            (_, "physics") => (Code::UnknownPhysics, false),
            (_, "target") => (Code::UnknownTarget, true),
            (_, "from" | "to") => (Code::UnknownConnectionEnd, true),
            _ => (Code::UnknownObject, true),
        };
        let attribute = document.attributes(node).iter().find(|a| a.value.contains(&reference.id));
        let span = attribute.map_or(document.span(node), |a| a.span);
        let id: String = reference.id.chars().take(64).collect();
        let message =
            format!("`{}` refers to `{id}`, which is not in the drawing", reference.attribute);
        let finding = match is_error {
            true => Diagnostic::error(code, span, message),
            false => Diagnostic::warning(code, span, message),
        };
        found.push((finding, is_error));
    }
    found
}

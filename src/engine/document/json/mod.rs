//! The JSON form of exported `.svgx` files, read into the same tree.
//!
//! | JSON | tree |
//! |---|---|
//! | `metadata` | `metadata` with an `arx:document-info` of the same attributes |
//! | an entry of `elements` | an `arx:object`, and the shape that draws it |
//! | an entry of `behaviors` | an `arx:behavior`; the n-th trigger does the n-th action |
//! | `physics` | `arx:` attributes of the root |

mod text;

use std::collections::HashSet;
use std::sync::Arc;

use self::text::{Arena, Kind, Value};
use super::code::Code;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::findings::Findings;
use super::limits::Limits;
use super::scan::shorten;
use super::text::{Position, Span, Str};
use super::tree::{Document, NodeId, NodeKind, Ns};

struct Builder<'a, 'd> {
    arena: &'a Arena,
    document: Document,
    findings: Findings,
    diagnostics: &'d mut Diagnostics,
    /// Ids of behaviors that are listed, or were read from inside an element.
    behaviors: HashSet<Str>,
}

/// Reads the JSON form.
pub(super) fn read(
    source: &str,
    limits: &Limits,
    diagnostics: &mut Diagnostics,
) -> Result<(Document, Findings), Diagnostic> {
    let ours: Arc<str> = Arc::from(source);
    let arena = text::read(source, &ours, limits)?;
    let Some(root) = arena.root() else {
        return Err(Diagnostic::error(
            Code::Json,
            Span::new(0, 0),
            "there is no value in this text",
        ));
    };
    // Other JSON has `metadata` as well: it would be read as an empty drawing.
    let known = ["svgx_version", "elements", "behaviors", "physics"];
    if !known.iter().any(|k| arena.member(root, k).is_some()) {
        let message = "this JSON is not a drawing: none of svgx_version, elements, behaviors \
                       and physics is there";
        return Err(Diagnostic::error(Code::NotSvgx, Span::new(0, 1), message));
    }
    let document = Document::new(ours, 64, 256);
    let listed = arena.member(root, "behaviors").into_iter().flat_map(|list| arena.items(list));
    let behaviors = listed.filter_map(|b| behavior_id(&arena, b)).collect();
    let findings = Findings::default();
    let mut b = Builder { arena: &arena, document, findings, diagnostics, behaviors };
    b.root(root);
    Ok((b.document, b.findings))
}

impl<'a> Builder<'a, '_> {
    /// The items of a list; a finding for anything else.
    fn items(&mut self, value: &'a Value) -> Vec<&'a Value> {
        if !matches!(value.kind, Kind::Array(_)) {
            self.diagnostics.push(Diagnostic::error(Code::JsonType, value.span, "expected a list"));
        }
        self.arena.items(value).collect()
    }

    fn root(&mut self, root: &'a Value) {
        let kind = NodeKind::Element { ns: Ns::Svg, name: Str::from("svg") };
        let svg = self.document.push(None, kind, root.span);
        for (name, value) in self.arena.members(root) {
            match name.as_str() {
                "svgx_version" => self.scalar(svg, Ns::Arx, "version", value),
                "metadata" => {
                    let metadata = self.element(svg, Ns::Svg, "metadata", value.span);
                    let info = self.element(metadata, Ns::Arx, "document-info", value.span);
                    self.scalars(info, Ns::None, value, &[]);
                }
                "elements" => {
                    for item in self.items(value) {
                        self.object(svg, item);
                    }
                }
                "behaviors" => {
                    for item in self.items(value) {
                        self.behavior(svg, item);
                    }
                }
                "physics" => self.scalars(svg, Ns::Arx, value, &[]),
                "width" | "height" | "viewBox" => self.scalar(svg, Ns::None, name, value),
                other => self.unknown(other, value.span),
            }
        }
        self.findings.language.insert(0, svg);
    }

    fn element(&mut self, parent: NodeId, ns: Ns, name: &'static str, span: Span) -> NodeId {
        let kind = NodeKind::Element { ns, name: Str::from(name) };
        let node = self.document.push(Some(parent), kind, span);
        if ns == Ns::Arx {
            self.findings.language.push(node);
        }
        node
    }

    fn unknown(&mut self, name: &str, span: Span) {
        let message = format!("`{}` has no meaning here and is dropped", shorten(name));
        self.diagnostics.push(Diagnostic::warning(Code::JsonUnknown, span, message));
    }

    /// A string, number or truth value as an attribute.
    fn scalar(&mut self, node: NodeId, ns: Ns, name: &str, value: &'a Value) {
        let text = match &value.kind {
            Kind::String(s) | Kind::Number(s) => s.clone(),
            Kind::Bool(b) => Str::from(if *b { "true" } else { "false" }),
            Kind::Null => return,
            Kind::Array(_) | Kind::Object(_) => return self.unknown(name, value.span),
        };
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
            && name != "xmlns";
        if !good {
            return self.unknown(name, value.span);
        }
        if self.document.attribute(node, ns, name).is_some() {
            let message = format!("`{}` is given twice; the first counts", shorten(name));
            self.diagnostics.push(Diagnostic::warning(Code::TwoValues, value.span, message));
            return;
        }
        if ns == Ns::None
            && name == "id"
            && let Err(first) = self.document.register_id(text.clone(), node)
        {
            self.findings.duplicates.push((node, first));
        }
        let span = match value.kind {
            Kind::String(_) => Span { start: value.span.start + 1, end: value.span.end - 1 },
            _ => value.span,
        };
        let attribute = self.document.hold(ns, name, text, span);
        self.document.push_attribute_raw(node, attribute);
    }

    /// Every plain member of an object as an attribute.
    fn scalars(&mut self, node: NodeId, ns: Ns, of: &'a Value, except: &[&str]) {
        if !matches!(of.kind, Kind::Object(_)) {
            self.diagnostics.push(Diagnostic::error(Code::JsonType, of.span, "expected an object"));
        }
        let arena = self.arena;
        for (name, value) in arena.members(of) {
            let bare = name.strip_prefix("arx:").unwrap_or(name);
            if !except.contains(&bare) {
                self.scalar(node, ns, bare, value);
            }
        }
    }

    fn object(&mut self, parent: NodeId, item: &'a Value) {
        let arena = self.arena;
        let node = self.element(parent, Ns::Arx, "object", item.span);
        if let Some(id) = arena.member(item, "id") {
            self.scalar(node, Ns::None, "id", id);
        }
        if let Some(attributes) = arena.member(item, "attributes") {
            self.scalars(node, Ns::None, attributes, &["object", "id"]);
        }
        for (name, value) in arena.members(item) {
            match name.as_str() {
                "id" | "attributes" => {}
                // The kind of entry, not the kind of object, unless nothing better is said.
                "type" if matches!(&value.kind, Kind::String(s) if s == "arx:object") => {}
                "type" if self.document.attr(node, "type").is_some() => {}
                "geometry" => self.geometry(node, value),
                "behaviors" => {
                    for behavior in self.items(value) {
                        match &behavior.kind {
                            Kind::String(_) => {
                                self.scalar(node, Ns::None, "behavior", behavior);
                            }
                            _ => self.inline_behavior(node, behavior),
                        }
                    }
                }
                "properties" => self.properties(node, value),
                other => self.scalar(node, Ns::None, other, value),
            }
        }
    }

    fn properties(&mut self, node: NodeId, value: &'a Value) {
        let arena = self.arena;
        let group = self.element(node, Ns::Arx, "properties", value.span);
        for (name, value) in arena.members(value) {
            let property = self.element(group, Ns::Arx, "property", value.span);
            let name = self.document.hold(Ns::None, "name", name.clone(), value.span);
            self.document.push_attribute_raw(property, name);
            self.scalar(property, Ns::None, "value", value);
        }
    }

    /// The box of an object, and the shape that draws it.
    fn geometry(&mut self, object: NodeId, value: &'a Value) {
        let arena = self.arena;
        let geometry = self.element(object, Ns::Arx, "geometry", value.span);
        self.scalars(geometry, Ns::None, value, &["type"]);
        let kind = arena.member(value, "type").map(|v| &v.kind);
        let (name, numbers): (_, &[&str]) = match kind {
            Some(Kind::String(s)) if s == "circle" => ("circle", &["cx", "cy", "r"]),
            None => ("rect", &["x", "y", "width", "height"]),
            Some(Kind::String(s)) if s == "rectangle" || s == "rect" => {
                ("rect", &["x", "y", "width", "height"])
            }
            _ => return,
        };
        let Some(parent) = self.document.parent(object) else { return };
        let shape = self.element(parent, Ns::Svg, name, value.span);
        for number in numbers {
            if let Some(v) = arena.member(value, number) {
                self.scalar(shape, Ns::None, number, v);
            }
        }
        if let Some(id) = self.document.attribute(object, Ns::None, "id") {
            let (value, span) = (self.document.share(id.value), id.span);
            let link = self.document.hold(Ns::Arx, "object", value, span);
            self.document.push_attribute_raw(shape, link);
            self.findings.language.push(shape);
        }
    }

    /// A behavior inside an element. Exports repeat there what the drawing lists, often by
    /// the id alone: then it is a reference.
    fn inline_behavior(&mut self, node: NodeId, item: &'a Value) {
        let arena = self.arena;
        if let Some(id) = behavior_id(arena, item)
            && let Some(reference) = arena.member(item, "id")
            && !self.behaviors.insert(id.clone())
        {
            let content = ["triggers", "actions"].iter().find(|m| arena.member(item, m).is_some());
            if content.is_some() {
                let message = format!("the behavior `{}` is given twice", shorten(&id));
                self.diagnostics.push(
                    Diagnostic::warning(Code::TwoValues, item.span, message)
                        .help("the listed one is used, or the first one if none is listed"),
                );
            }
            return self.scalar(node, Ns::None, "behavior", reference);
        }
        self.behavior(node, item);
    }

    fn behavior(&mut self, parent: NodeId, item: &'a Value) {
        let arena = self.arena;
        let node = self.element(parent, Ns::Arx, "behavior", item.span);
        self.scalars(node, Ns::None, item, &["triggers", "actions"]);
        let none: Vec<&Value> = Vec::new();
        let triggers = arena.member(item, "triggers").map_or(none.clone(), |v| self.items(v));
        let actions = arena.member(item, "actions").map_or(none, |v| self.items(v));
        if triggers.is_empty() {
            return;
        }
        let group = self.element(node, Ns::Arx, "triggers", item.span);
        for (i, event) in triggers.iter().enumerate() {
            let trigger = self.element(group, Ns::Arx, "trigger", event.span);
            match &event.kind {
                Kind::Object(_) => self.scalars(trigger, Ns::None, event, &[]),
                _ => self.scalar(trigger, Ns::None, "event", event),
            }
            if self.document.attr(trigger, "action").is_none()
                && let Some(action) = actions.get(i).or(actions.last())
            {
                self.scalar(trigger, Ns::None, "action", action);
            }
        }
    }
}

/// The id of a behavior, where it is a text.
fn behavior_id(arena: &Arena, behavior: &Value) -> Option<Str> {
    match &arena.member(behavior, "id")?.kind {
        Kind::String(id) => Some(id.clone()),
        _ => None,
    }
}

/// Where the value stands that a JSON pointer (RFC 6901) means. `None` where the text is
/// not JSON, has no such value, or has more values than the limits allow.
pub fn json_position(text: &str, pointer: &str, limits: &Limits) -> Option<Position> {
    let arena = text::read(text, &Arc::from(text), limits).ok()?;
    let mut value = arena.root()?;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        value = match value.kind {
            Kind::Array(_) => arena.items(value).nth(token.parse().ok()?)?,
            _ => arena.member(value, &token)?,
        };
    }
    let before = text.get(..value.span.start as usize)?;
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() as u32 + 1;
    let column = before.rsplit('\n').next()?.chars().count() as u32 + 1;
    Some(Position { line, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_finds_its_line_and_column() {
        let text =
            "{\n  \"a\": [1, {\"b/c\": \"x,]\\\"\"},\n    [2, 3]],\n  \"d\": {\"e\": null}\n}";
        for (pointer, expected) in [
            ("", Some((1, 1))),
            ("/a", Some((2, 8))),
            ("/a/0", Some((2, 9))),
            ("/a/1/b~1c", Some((2, 20))),
            ("/a/2/1", Some((3, 9))),
            ("/d/e", Some((4, 14))),
            ("/a/3", None),
            ("/x", None),
            ("/a/0/y", None),
        ] {
            let found = json_position(text, pointer, &Limits::default());
            assert_eq!(found.map(|p| (p.line, p.column)), expected, "{pointer}");
        }
    }
}

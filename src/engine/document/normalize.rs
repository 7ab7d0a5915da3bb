//! Every dialect to the one form of `docs/language.md`, in the tree itself.
//!
//! | written as | becomes |
//! |---|---|
//! | `<variable name="v" unit="V">480</variable>` | `<arx:variable name="v" value="480" unit="V"/>` |
//! | `<v unit="V">480</v>` in `variables` | the same |
//! | `<i formula="a / b"/>` in `calculations` | `<arx:calculation name="i" formula="a / b"/>` |
//! | `<mass unit="kg">45</mass>` | `<arx:mass value="45" unit="kg"/>` |
//! | `<anchor>wall</anchor>` | `<arx:anchor point="wall"/>` |
//! | `<force type="gravity" value="9"/>` | `<arx:force name="gravity" magnitude="9"/>` |
//! | `<component id="a"/>` in a system | `<arx:component ref="a"/>` in `arx:components` |
//! | `<on-click><set-attribute .../></on-click>` | `<arx:trigger event="click" action="set-attribute" .../>` |
//! | `behavior="clickable"` on a shape | an `arx:behavior` with a `click` trigger that toggles |
//! | `mass="1"`, `physics="gravity"` on a shape | an `arx:physics` with mass and the force `gravity` |
//! | `arx:object-id`, `arx:id` on a shape | `arx:object` |

use super::attribute::{Attribute, Name, StoredAttribute, Text};
use super::code::Code;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::findings::Findings;
use super::text::{Span, Str};
use super::tree::{Document, NodeId, NodeKind, Ns};

/// Rewrites what `findings` lists; the list afterwards holds what is there now.
pub(super) fn normalize(
    document: &mut Document,
    findings: &mut Findings,
    diagnostics: &mut Diagnostics,
) {
    let mut language = Vec::with_capacity(findings.language.len());
    for node in std::mem::take(&mut findings.language) {
        let Some((ns, name)) = document.name(node) else { continue };
        if ns != Ns::Arx {
            language.push(node);
            shape(document, node, &mut language);
            continue;
        }
        let name = name.to_owned();
        element(document, node, &name, diagnostics);
        language.push(node);
    }
    findings.language = language;
}

fn element(document: &mut Document, node: NodeId, name: &str, diagnostics: &mut Diagnostics) {
    bare_attributes(document, node);
    let parent = document.parent(node);
    let container = parent.and_then(|p| document.name(p)).filter(|(ns, _)| *ns == Ns::Arx);
    let container = container.map(|(_, n)| n.to_owned());
    match (container.as_deref(), name) {
        (Some("variables"), _) => {
            named(document, node, name, "variable", "name");
            absorb(document, node, "value", diagnostics);
        }
        (Some("properties"), _) => {
            named(document, node, name, "property", "name");
            absorb(document, node, "value", diagnostics);
        }
        (Some("calculations"), _) => {
            named(document, node, name, "calculation", "name");
            absorb(document, node, "formula", diagnostics);
        }
        (Some("triggers"), _) => {
            named(document, node, name, "trigger", "event");
            absorb(document, node, "action", diagnostics);
        }
        (_, "tags") => split_tags(document, node),
        (_, "variable" | "property" | "mass" | "friction" | "elasticity") => {
            absorb(document, node, "value", diagnostics);
        }
        (_, "calculation") => absorb(document, node, "formula", diagnostics),
        (_, "trigger") => absorb(document, node, "action", diagnostics),
        (_, "anchor") => absorb(document, node, "point", diagnostics),
        (_, "force") => {
            rename_attribute(document, node, "type", "name");
            rename_attribute(document, node, "value", "magnitude");
            absorb(document, node, "magnitude", diagnostics);
        }
        (_, "component") => {
            rename_attribute(document, node, "id", "ref");
            absorb(document, node, "ref", diagnostics);
        }
        _ => {}
    }
    order(document, node);
    match name {
        "behavior" => {
            events(document, node, diagnostics);
            group(document, node, "variables", &["variable"]);
            group(document, node, "calculations", &["calculation"]);
            group(document, node, "triggers", &["trigger"]);
        }
        "object" => group(document, node, "properties", &["property"]),
        "physics" => group(document, node, "forces", &["force"]),
        "system" => {
            group(document, node, "components", &["component"]);
            group(document, node, "connections", &["connection"]);
        }
        _ => {}
    }
}

/// Attributes on elements of the language carry no prefix; only the state, which is written
/// by the engine, has one everywhere.
fn bare_attributes(document: &mut Document, node: NodeId) {
    let home = |a: Attribute<'_>| match (a.ns, a.name) {
        (Ns::None | Ns::Arx, "state" | "highlight") => Ns::Arx,
        (Ns::Arx, _) => Ns::None,
        (other, _) => other,
    };
    if document.attributes(node).iter().all(|a| a.ns == home(a)) {
        return;
    }
    let mut kept: Vec<StoredAttribute> = Vec::new();
    for a in document.held(node) {
        let ns = home(document.shown(a));
        let taken = |b: &StoredAttribute| b.ns == ns && b.name == a.name;
        // Where both stand, the one without a prefix counts.
        match kept.iter().position(taken) {
            None => kept.push(StoredAttribute { ns, ..a.clone() }),
            Some(i) if a.ns == Ns::None => {
                if let Some(slot) = kept.get_mut(i) {
                    *slot = StoredAttribute { ns, ..a.clone() };
                }
            }
            Some(_) => {}
        }
    }
    let id = kept.iter().find(|a| a.ns == Ns::None && a.name == Name::ID);
    let id = id.map(|a| a.value.share(document.source()));
    document.replace_attributes(node, kept);
    if let Some(id) = id
        && document.name(node).is_some_and(|(_, n)| n != "component")
    {
        // Taken ids are found when the objects are collected.
        let _ = document.register_id(id, node);
    }
}

/// `<voltage .../>` to `<variable name="voltage" .../>`.
fn named(document: &mut Document, node: NodeId, name: &str, element: &str, attribute: &str) {
    if name == element {
        return;
    }
    let value = match document.kind(node) {
        NodeKind::Element { name, .. } => name.clone(),
        _ => return,
    };
    let start = document.span(node).start as usize + 1;
    let span = Span::new(start, start + value.len());
    document.rename(node, Ns::Arx, Str::from(element));
    if document.attribute(node, Ns::None, attribute).is_none() {
        push(document, node, attribute, value, span);
    }
}

/// Text that is a value becomes the attribute `attribute`.
fn absorb(document: &mut Document, node: NodeId, attribute: &str, diagnostics: &mut Diagnostics) {
    let texts: Vec<NodeId> = document
        .children(node)
        .filter(|&c| matches!(document.kind(c), NodeKind::Text(_)))
        .collect();
    let value = match texts.as_slice() {
        [] => return,
        [one] => match document.kind(*one) {
            NodeKind::Text(t) => t.trimmed(),
            _ => return,
        },
        _ => Str::from(document.text(node).trim()),
    };
    let span = texts.first().map_or(Span::NONE, |&t| document.span(t));
    let span = value.span_in(document.source()).unwrap_or(span);
    for text in texts {
        document.detach(text);
    }
    if value.is_empty() {
        return;
    }
    if document.attribute(node, Ns::None, attribute).is_some() {
        let message = format!("the text is ignored: `{attribute}` is given as an attribute");
        diagnostics.push(Diagnostic::warning(Code::TwoValues, span, message));
        return;
    }
    push(document, node, attribute, value, span);
}

fn push(document: &mut Document, node: NodeId, name: &str, value: Str, span: Span) {
    let attribute = document.hold(Ns::None, name, value, span);
    document.push_attribute_raw(node, attribute);
}

fn rename_attribute(document: &mut Document, node: NodeId, from: &str, to: &str) {
    if document.attribute(node, Ns::None, to).is_some() {
        return;
    }
    let Some(from) = document.names.find(from) else { return };
    let to = document.names.intern(to, || Str::from(to));
    let mut attributes = document.held(node).to_vec();
    for a in &mut attributes {
        if a.ns == Ns::None && a.name == from {
            a.name = to;
        }
    }
    document.replace_attributes(node, attributes);
}

/// Where an attribute of an element of the language stands among the others, usually.
pub(super) fn rank(a: Attribute<'_>) -> usize {
    const ORDER: [&str; 21] = [
        "id",
        "ref",
        "from",
        "to",
        "type",
        "name",
        "event",
        "action",
        "system",
        "upstream",
        "x",
        "y",
        "z",
        "width",
        "height",
        "depth",
        "direction",
        "magnitude",
        "value",
        "formula",
        "point",
    ];
    match a.name {
        "unit" if a.ns == Ns::None => ORDER.len(),
        name if a.ns == Ns::None => {
            ORDER.iter().position(|o| *o == name).unwrap_or(ORDER.len() + 1)
        }
        _ => ORDER.len() + 2,
    }
}

/// Puts the attributes of an element of the language into the usual order.
fn order(document: &mut Document, node: NodeId) {
    if document.attributes(node).iter().is_sorted_by_key(rank) {
        return;
    }
    let mut attributes = document.held(node).to_vec();
    attributes.sort_by_key(|a| rank(document.shown(a)));
    document.replace_attributes(node, attributes);
}

/// `<tags>a, b</tags>` to one `arx:tag` each.
fn split_tags(document: &mut Document, node: NodeId) {
    let texts: Vec<(NodeId, Str)> = document
        .children(node)
        .filter_map(|c| match document.kind(c) {
            NodeKind::Text(t) => Some((c, t.clone())),
            _ => None,
        })
        .collect();
    for (child, text) in texts {
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let tag = document.make_element(Ns::Arx, "tag", document.span(child));
            document.restore(tag, node, Some(child));
            document.append_text(tag, word);
        }
        document.detach(child);
    }
}

/// Moves every run of `members` that lie directly in `node` into a `group` element.
fn group(document: &mut Document, node: NodeId, group: &'static str, members: &[&str]) {
    let children: Vec<NodeId> = document.children(node).collect();
    let mut open: Option<NodeId> = None;
    for child in children {
        let member =
            document.name(child).is_some_and(|(ns, n)| ns == Ns::Arx && members.contains(&n));
        if !member {
            open = None;
            continue;
        }
        let into = match open {
            Some(into) => into,
            None => {
                let made = document.make_element(Ns::Arx, group, document.span(child));
                document.restore(made, node, Some(child));
                open = Some(made);
                made
            }
        };
        document.detach(child);
        document.restore(child, into, None);
    }
}

/// `on-click` and its like, and the `action` text of the symbol dialect, to triggers.
fn events(document: &mut Document, node: NodeId, diagnostics: &mut Diagnostics) {
    let children: Vec<NodeId> = document.children(node).collect();
    for child in children {
        let Some((Ns::Arx, name)) = document.name(child) else { continue };
        if let Some(event) = name.strip_prefix("on-") {
            let event = Str::from(event);
            let actions: Vec<NodeId> = document.children(child).collect();
            for action in actions {
                document.detach(action);
                document.restore(action, node, Some(child));
                let Some((_, name)) = document.name(action) else { continue };
                let action_name = Str::from(name);
                document.rename(action, Ns::Arx, Str::word("trigger"));
                if document.attribute(action, Ns::None, "event").is_none() {
                    push(document, action, "event", event.clone(), document.span(child));
                }
                if document.attribute(action, Ns::None, "action").is_none() {
                    push(document, action, "action", action_name, document.span(action));
                }
                order(document, action);
            }
            document.detach(child);
        } else if name == "action" {
            let text = document.text(child);
            let word = text.trim();
            if word.is_empty() || !validate_word(word) {
                diagnostics.push(
                    Diagnostic::warning(
                        Code::ScriptIgnored,
                        document.span(child),
                        "scripts never run",
                    )
                    .help("name an action: <arx:trigger event=\"click\" action=\"toggle\"/>"),
                );
                continue;
            }
            let event = match document.attr(node, "type") {
                None | Some("interaction") => "click",
                Some(other) => other,
            };
            let (event, word) = (Str::from(event), Str::from(word));
            let texts: Vec<NodeId> = document.children(child).collect();
            for text in texts {
                document.detach(text);
            }
            document.rename(child, Ns::Arx, Str::word("trigger"));
            push(document, child, "event", event, document.span(child));
            push(document, child, "action", word, document.span(child));
            order(document, child);
        }
    }
}

fn validate_word(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A shape with attributes of the language, or with a shortcut of it.
fn shape(document: &mut Document, node: NodeId, language: &mut Vec<NodeId>) {
    let is_shape = document.name(node).is_some_and(|(ns, _)| ns == Ns::Svg);
    let is_dialect = |a: Attribute<'_>| match (a.ns, a.name) {
        (Ns::Arx, "object-id" | "id" | "object-type") => true,
        (Ns::Arx, "precision") => a.value.trim().parse::<f64>().is_ok(),
        (Ns::None, "behavior" | "physics" | "mass") => is_shape,
        _ => false,
    };
    if !document.attributes(node).iter().any(is_dialect) {
        return;
    }
    let mut kept = Vec::with_capacity(document.attributes(node).len());
    let mut clickable: Option<(&'static str, &'static str, Span)> = None;
    let mut mass: Option<(Str, Span)> = None;
    let mut gravity: Option<Span> = None;
    let has = |name: &str| document.attribute(node, Ns::Arx, name).is_some();
    let (has_object, has_type) = (has("object"), has("type"));
    let (has_object_id, has_behavior, has_physics) =
        (has("object-id"), has("behavior"), has("physics"));
    let object = document.names.intern("object", || Str::word("object"));
    let kind = document.names.intern("type", || Str::word("type"));
    for held in document.held(node) {
        let a = document.shown(held);
        let mut held = held.clone();
        match (a.ns, a.name) {
            (Ns::Arx, "object-id") if !has_object => held.name = object,
            (Ns::Arx, "id") if !has_object && !has_object_id => held.name = object,
            (Ns::Arx, "object-type") if !has_type => held.name = kind,
            (Ns::Arx, "precision") if a.value.trim().parse::<f64>().is_ok() => {
                let value = Str::from(format!("{}mm", a.value.trim()));
                held.value = Text::new(value, a.span, document.source());
            }
            (Ns::None, "behavior") if is_shape => match a.value.trim() {
                "clickable" | "click" => {
                    clickable = Some(("click", "toggle", a.span));
                    continue;
                }
                "hoverable" | "hover" => {
                    clickable = Some(("hover", "highlight", a.span));
                    continue;
                }
                "draggable" | "drag" => {
                    clickable = Some(("drag", "update", a.span));
                    continue;
                }
                _ if has_behavior => continue,
                _ => held.ns = Ns::Arx,
            },
            (Ns::None, "physics") if is_shape => match a.value.trim() {
                "gravity" => {
                    gravity = Some(a.span);
                    continue;
                }
                _ if has_physics => continue,
                _ => held.ns = Ns::Arx,
            },
            (Ns::None, "mass") if is_shape => {
                mass = Some((document.share(a.value.trim()), a.span));
                continue;
            }
            _ => {}
        }
        kept.push(held);
    }
    document.replace_attributes(node, kept);
    if let Some((event, action, span)) = clickable {
        let behavior = prepend(document, node, "behavior", span, language);
        let triggers = child(document, behavior, "triggers", span);
        let trigger = child(document, triggers, "trigger", span);
        push(document, trigger, "event", Str::from(event), span);
        push(document, trigger, "action", Str::from(action), span);
    }
    if mass.is_none() && gravity.is_none() {
        return;
    }
    let span = mass.as_ref().map(|(_, s)| *s).or(gravity).unwrap_or(Span::NONE);
    let own = |d: &Document, c: NodeId| matches!(d.name(c), Some((Ns::Arx, "physics")));
    let physics = document.children(node).find(|&c| own(document, c));
    let physics = match physics {
        Some(physics) => physics,
        None => prepend(document, node, "physics", span, language),
    };
    if let Some((value, span)) = mass {
        let element = child(document, physics, "mass", span);
        push(document, element, "value", value, span);
    }
    if let Some(span) = gravity {
        let forces = child(document, physics, "forces", span);
        let force = child(document, forces, "force", span);
        push(document, force, "name", Str::word("gravity"), span);
        push(document, force, "direction", Str::word("down"), span);
    }
}

fn prepend(
    document: &mut Document,
    node: NodeId,
    name: &'static str,
    span: Span,
    language: &mut Vec<NodeId>,
) -> NodeId {
    let made = document.make_element(Ns::Arx, name, span);
    let first = document.children(node).next();
    document.restore(made, node, first);
    language.push(made);
    made
}

fn child(document: &mut Document, node: NodeId, name: &'static str, span: Span) -> NodeId {
    let made = document.make_element(Ns::Arx, name, span);
    document.restore(made, node, None);
    made
}

/// Whether a name is one that documents may define: a letter or underscore,
/// then letters, digits and underscores.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

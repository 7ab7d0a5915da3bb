//! Whether two documents say the same.

use std::collections::HashMap;

use super::model::Quantity;
use super::text::Str;
use super::tree::{Document, NodeId, NodeKind, Ns};

/// Whether two documents have the same tree and the same meaning, whatever
/// they were read from: places, prefixes and layout do not count.
pub fn same_model(a: &Document, b: &Document) -> bool {
    difference(a, b).is_none()
}

/// Where two documents differ first, in words; `None` if they say the same.
pub fn difference(a: &Document, b: &Document) -> Option<String> {
    if a.prolog != b.prolog || a.epilog != b.epilog {
        return Some("the comments around the root element differ".to_owned());
    }
    let (first, second) = (nodes(a), nodes(b));
    for (&x, &y) in first.iter().zip(&second) {
        if !same_node(a, x, b, y) {
            return Some(format!("{} differs from {}", describe(a, x), describe(b, y)));
        }
    }
    if first.len() != second.len() {
        return Some(format!("{} nodes against {}", first.len(), second.len()));
    }
    let (left, right) = (model_facts(a, &first), model_facts(b, &second));
    let pair = left.iter().zip(&right).find(|(l, r)| l != r);
    if let Some((l, r)) = pair {
        return Some(format!("{l} differs from {r}"));
    }
    (left.len() != right.len()).then(|| format!("{} facts against {}", left.len(), right.len()))
}

/// Nodes in document order; neighbouring texts count as one.
fn nodes(document: &Document) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = Vec::new();
    let is_text = |n: NodeId| matches!(document.kind(n), NodeKind::Text(_));
    for node in document.descendants(NodeId::ROOT) {
        let merged = is_text(node)
            && nodes
                .last()
                .is_some_and(|&l| is_text(l) && document.parent(l) == document.parent(node));
        if !merged {
            nodes.push(node);
        }
    }
    nodes
}

fn depth_first_parent(document: &Document, node: NodeId) -> Option<&str> {
    document.parent(node).and_then(|p| document.name(p)).map(|(_, n)| n)
}

fn uri(document: &Document, ns: Ns) -> (u8, &str) {
    match ns {
        Ns::None => (0, ""),
        Ns::Svg => (1, ""),
        Ns::Arx => (2, ""),
        Ns::XLink => (3, ""),
        Ns::Xml => (4, ""),
        Ns::Other(i) => (5, document.foreign().get(i as usize).map_or("", |(_, u)| u.as_str())),
    }
}

fn same_node(a: &Document, x: NodeId, b: &Document, y: NodeId) -> bool {
    if depth_first_parent(a, x) != depth_first_parent(b, y)
        || a.children(x).next().is_some() != b.children(y).next().is_some()
    {
        return false;
    }
    match (a.kind(x), b.kind(y)) {
        (NodeKind::Element { ns: n, name: s }, NodeKind::Element { ns: m, name: t }) => {
            let (left, right) = (a.attributes(x), b.attributes(y));
            uri(a, *n) == uri(b, *m)
                && s == t
                && left.len() == right.len()
                && left.iter().zip(right).all(|(l, r)| {
                    uri(a, l.ns) == uri(b, r.ns) && l.name == r.name && l.value == r.value
                })
        }
        (NodeKind::Text(_), NodeKind::Text(_)) => run(a, x) == run(b, y),
        (NodeKind::Comment(s), NodeKind::Comment(t)) => s == t,
        _ => false,
    }
}

/// The text that starts at `node`, its neighbours included.
fn run(document: &Document, node: NodeId) -> String {
    let Some(parent) = document.parent(node) else { return String::new() };
    let mut text = String::new();
    for child in document.children(parent).skip_while(|&c| c != node) {
        match document.kind(child) {
            NodeKind::Text(t) => text.push_str(t),
            _ => break,
        }
    }
    text
}

fn describe(document: &Document, node: NodeId) -> String {
    match document.kind(node) {
        NodeKind::Element { name, .. } => {
            let attributes: Vec<String> = document
                .attributes(node)
                .iter()
                .map(|a| format!("{:?} {}={:?}", a.ns, a.name, a.value))
                .collect();
            format!("<{name} {}>", attributes.join(" "))
        }
        NodeKind::Text(t) => format!("text {t:?}"),
        NodeKind::Comment(t) => format!("comment {t:?}"),
    }
}

/// Every fact of the model as a line, with nodes by their place in the order.
fn model_facts(document: &Document, order: &[NodeId]) -> Vec<String> {
    let places: HashMap<NodeId, usize> = order.iter().enumerate().map(|(i, &n)| (n, i)).collect();
    let at = |n: NodeId| places.get(&n).copied();
    let each = |nodes: &[NodeId]| nodes.iter().map(|&n| at(n)).collect::<Vec<_>>();
    let q = |q: &Quantity| (q.value.clone(), q.unit.clone());
    let o = |o: &Option<Quantity>| o.as_ref().map(q);
    let mut facts = Vec::new();
    for x in document.objects() {
        let g = x
            .geometry
            .as_ref()
            .map(|g| (at(g.node), [&g.x, &g.y, &g.z, &g.width, &g.height, &g.depth].map(o)));
        let properties: Vec<_> =
            x.properties.iter().map(|p| (at(p.node), &p.name, q(&p.value))).collect();
        facts.push(format!(
            "object {:?}",
            (
                (at(x.node), &x.id, &x.kind, &x.system, &x.upstream, g),
                (properties, &x.tags, x.behavior, x.physics, each(&x.shapes), x.parent),
            )
        ));
    }
    for x in document.behaviors() {
        let variables: Vec<_> =
            x.variables.iter().map(|v| (at(v.node), &v.name, q(&v.value))).collect();
        let calculations: Vec<(_, &Str, &Str, _)> =
            x.calculations.iter().map(|c| (at(c.node), &c.name, &c.formula, &c.unit)).collect();
        let triggers: Vec<_> =
            x.triggers.iter().map(|t| (at(t.node), &t.event, &t.action, &t.parameters)).collect();
        let head = (at(x.node), &x.id, x.owner.map(at), each(&x.users));
        facts.push(format!("behavior {:?}", (head, variables, calculations, triggers)));
    }
    for x in document.physics() {
        let forces: Vec<_> =
            x.forces.iter().map(|f| (at(f.node), &f.name, &f.direction, o(&f.magnitude))).collect();
        let constraints: Vec<_> =
            x.constraints.iter().map(|c| (at(c.node), &c.kind, &c.point)).collect();
        let head = (at(x.node), &x.id, x.owner.map(at), each(&x.users), x.shortcut);
        facts.push(format!("physics {:?}", (head, o(&x.mass), &x.anchors, forces, constraints)));
    }
    for x in document.systems() {
        let components: Vec<_> =
            x.components.iter().map(|c| (at(c.node), &c.object, &c.kind)).collect();
        let connections: Vec<_> =
            x.connections.iter().map(|c| (at(c.node), &c.from, &c.to, &c.kind)).collect();
        facts.push(format!("system {:?}", (at(x.node), &x.id, &x.kind, components, connections)));
    }
    facts
}

//! The normalised tree to its meaning.

use super::attribute::Attribute;
use super::model::{
    Behavior, BehaviorIndex, Calculation, Component, Connection, Force, Geometry, Object,
    ObjectIndex, Physics, PhysicsConstraint, PhysicsIndex, Property, Quantity, System, Trigger,
    Variable,
};
use super::text::Str;
use super::tree::{Document, Map, NodeId, Ns, Roles};
use super::vocabulary;

/// Reads objects, behaviors, physics and systems out of the nodes of the
/// language, which are in document order.
pub(super) fn lower(document: &mut Document, language: &[NodeId]) {
    document.objects.clear();
    document.behaviors.clear();
    document.physics.clear();
    document.systems.clear();
    document.roles.clear();
    document.object_ids.clear();
    for &node in language {
        // Elements declare objects; shapes may come earlier and only draw them.
        if let Some((Ns::Arx, name)) = document.name(node) {
            match name {
                "object" => declare(document, node, None),
                "building" | "floor" | "room" | "panel" => {
                    let kind = Str::from(name);
                    declare(document, node, Some(kind));
                }
                _ => {}
            }
        }
    }
    for &node in language {
        match document.name(node) {
            Some((Ns::Arx, "behavior")) => behavior(document, node),
            Some((Ns::Arx, "physics")) => physics(document, node),
            Some((Ns::Arx, "system")) => {
                let system = system(document, node);
                document.systems.push(system);
            }
            Some((ns, _)) if ns != Ns::Arx => shape(document, node),
            _ => {}
        }
    }
    references(document, language);
    in_document_order(document, language);
    hierarchy(document);
}

fn value(document: &Document, node: NodeId, name: &str) -> Option<Str> {
    document.attr(node, name).map(|value| document.share(value))
}

fn own(document: &Document, node: NodeId, name: &str) -> Option<Str> {
    document.arx(node, name).map(|value| document.share(value))
}

/// A name: a word of the program where it is a common one.
fn word_or_share(document: &Document, name: &str) -> Str {
    vocabulary::common(name).map_or_else(|| document.share(name), Str::word)
}

/// The elements of the language called `name` directly in `node`.
fn within<'d>(
    document: &'d Document,
    node: NodeId,
    name: &'d str,
) -> impl Iterator<Item = NodeId> + 'd {
    document.children(node).filter(move |&c| document.name(c) == Some((Ns::Arx, name)))
}

/// The elements called `name` in the groups called `group` of `node`.
fn grouped<'d>(
    document: &'d Document,
    node: NodeId,
    group: &'d str,
    name: &'d str,
) -> impl Iterator<Item = NodeId> + 'd {
    within(document, node, group).flat_map(move |g| within(document, g, name))
}

fn quantity(document: &Document, node: NodeId, name: &str) -> Option<Quantity> {
    let a = document.attribute(node, Ns::None, name)?;
    Some(Quantity {
        value: document.share(a.value),
        unit: value(document, node, "unit"),
        span: a.span,
    })
}

fn quantity_or_empty(document: &Document, node: NodeId) -> Quantity {
    quantity(document, node, "value").unwrap_or_else(|| Quantity {
        value: Str::word(""),
        unit: value(document, node, "unit"),
        span: document.span(node),
    })
}

fn declare(document: &mut Document, node: NodeId, kind: Option<Str>) {
    let object = Object {
        node,
        id: value(document, node, "id"),
        kind: kind.or_else(|| value(document, node, "type")),
        system: value(document, node, "system"),
        upstream: value(document, node, "upstream"),
        geometry: within(document, node, "geometry").next().map(|g| geometry(document, g)),
        properties: grouped(document, node, "properties", "property")
            .map(|p| property(document, p))
            .collect(),
        tags: grouped(document, node, "tags", "tag")
            .map(|t| Str::from(document.text(t).trim()))
            .collect(),
        behavior: None,
        physics: None,
        shapes: Vec::new(),
        parent: None,
    };
    add(document, object);
}

fn add(document: &mut Document, object: Object) {
    let index = ObjectIndex(document.objects.len() as u32);
    if let Some(id) = &object.id {
        document.object_ids.entry(id.clone()).or_insert(index);
    }
    document.roles.entry(object.node).or_default().object = Some(index);
    document.objects.push(object);
}

fn geometry(document: &Document, node: NodeId) -> Geometry {
    let length = |name: &str| {
        document.attribute(node, Ns::None, name).map(|a| Quantity {
            value: document.share(a.value),
            unit: None,
            span: a.span,
        })
    };
    Geometry {
        node,
        x: length("x"),
        y: length("y"),
        z: length("z"),
        width: length("width"),
        height: length("height"),
        depth: length("depth"),
    }
}

fn property(document: &Document, node: NodeId) -> Property {
    Property {
        node,
        name: value(document, node, "name").unwrap_or_else(|| Str::word("")),
        value: quantity_or_empty(document, node),
    }
}

/// A shape that declares an object, or draws one that an element declares.
fn shape(document: &mut Document, node: NodeId) {
    let Some(id) = own(document, node, "object") else { return };
    if let Some(index) = document.object_ids.get(id.as_str()).copied() {
        document.roles.entry(node).or_default().object = Some(index);
        if let Some(object) = document.objects.get_mut(index.0 as usize) {
            object.shapes.push(node);
        }
        return;
    }
    let object = Object {
        node,
        id: Some(id),
        kind: own(document, node, "type"),
        system: own(document, node, "system"),
        upstream: own(document, node, "upstream"),
        geometry: None,
        properties: grouped(document, node, "properties", "property")
            .map(|p| property(document, p))
            .collect(),
        tags: grouped(document, node, "tags", "tag")
            .map(|t| Str::from(document.text(t).trim()))
            .collect(),
        behavior: None,
        physics: None,
        shapes: vec![node],
        parent: None,
    };
    add(document, object);
}

/// The object or shape that a behavior or physics element belongs to.
fn owner(document: &Document, node: NodeId) -> Option<NodeId> {
    let parent = document.parent(node)?;
    if parent == NodeId::ROOT {
        return None;
    }
    match document.name(parent)? {
        (Ns::Arx, "object" | "building" | "floor" | "room" | "panel") => Some(parent),
        (Ns::Arx, _) | (Ns::Svg, "defs" | "metadata" | "symbol") => None,
        _ => Some(parent),
    }
}

fn behavior(document: &mut Document, node: NodeId) {
    let variables = grouped(document, node, "variables", "variable")
        .map(|v| Variable {
            node: v,
            name: value(document, v, "name").unwrap_or_else(|| Str::word("")),
            value: quantity_or_empty(document, v),
        })
        .collect();
    let calculations = grouped(document, node, "calculations", "calculation")
        .map(|c| {
            let formula = document.attribute(c, Ns::None, "formula");
            Calculation {
                node: c,
                name: value(document, c, "name").unwrap_or_else(|| Str::word("")),
                formula: formula.map_or_else(|| Str::word(""), |a| document.share(a.value)),
                span: formula.map_or(document.span(c), |a| a.span),
                unit: value(document, c, "unit"),
            }
        })
        .collect();
    let triggers =
        grouped(document, node, "triggers", "trigger").map(|t| trigger(document, t)).collect();
    let owner = owner(document, node);
    let index = BehaviorIndex(document.behaviors.len() as u32);
    document.behaviors.push(Behavior {
        node,
        id: value(document, node, "id"),
        owner,
        variables,
        calculations,
        triggers,
        users: Vec::new(),
    });
    document.roles.entry(node).or_default().behavior = Some(index);
    if let Some(owner) = owner {
        document.roles.entry(owner).or_default().behavior.get_or_insert(index);
    }
}

fn trigger(document: &Document, node: NodeId) -> Trigger {
    let action = document.attribute(node, Ns::None, "action");
    let rest = |a: &Attribute<'_>| a.ns == Ns::None && a.name != "event" && a.name != "action";
    Trigger {
        node,
        event: value(document, node, "event").unwrap_or_else(|| Str::word("")),
        action: action.map_or_else(|| Str::word(""), |a| document.share(a.value)),
        span: action.map_or(document.span(node), |a| a.span),
        parameters: document
            .attributes(node)
            .iter()
            .filter(rest)
            .map(|a| (word_or_share(document, a.name), document.share(a.value)))
            .collect(),
    }
}

fn physics(document: &mut Document, node: NodeId) {
    let forces: Vec<Force> = grouped(document, node, "forces", "force")
        .map(|f| Force {
            node: f,
            name: value(document, f, "name"),
            direction: value(document, f, "direction"),
            magnitude: quantity(document, f, "magnitude"),
        })
        .collect();
    let constraints = grouped(document, node, "constraints", "constraint")
        .chain(within(document, node, "constraint"))
        .map(|c| PhysicsConstraint {
            node: c,
            kind: value(document, c, "type").unwrap_or_else(|| Str::word("")),
            point: value(document, c, "point"),
        })
        .collect();
    let shortcut =
        forces.iter().any(|f| f.magnitude.is_none() && f.name.as_deref() == Some("gravity"));
    let owner = owner(document, node);
    let index = PhysicsIndex(document.physics.len() as u32);
    let declared = Physics {
        node,
        id: value(document, node, "id"),
        owner,
        mass: within(document, node, "mass").next().and_then(|m| quantity(document, m, "value")),
        anchors: within(document, node, "anchor")
            .filter_map(|a| value(document, a, "point"))
            .collect(),
        forces,
        constraints,
        shortcut,
        users: Vec::new(),
    };
    document.physics.push(declared);
    document.roles.entry(node).or_default().physics = Some(index);
    if let Some(owner) = owner {
        document.roles.entry(owner).or_default().physics.get_or_insert(index);
    }
}

fn system(document: &Document, node: NodeId) -> System {
    System {
        node,
        id: value(document, node, "id"),
        kind: value(document, node, "type"),
        components: grouped(document, node, "components", "component")
            .map(|c| Component {
                node: c,
                object: value(document, c, "ref").unwrap_or_else(|| Str::word("")),
                kind: value(document, c, "type"),
            })
            .collect(),
        connections: grouped(document, node, "connections", "connection")
            .map(|c| Connection {
                node: c,
                from: value(document, c, "from").unwrap_or_else(|| Str::word("")),
                to: value(document, c, "to").unwrap_or_else(|| Str::word("")),
                kind: value(document, c, "type"),
            })
            .collect(),
    }
}

/// `arx:behavior="id"` and `arx:physics="id"`.
fn references(document: &mut Document, language: &[NodeId]) {
    let behaviors: Map<Str, usize> = first_of(document.behaviors.iter().map(|b| &b.id));
    let physics: Map<Str, usize> = first_of(document.physics.iter().map(|p| &p.id));
    let nobody = behaviors.is_empty() && physics.is_empty();
    for &node in language.iter().filter(|_| !nobody) {
        let Some((ns, name)) = document.name(node) else { continue };
        let ns = match ns {
            Ns::Arx if name == "object" => Ns::None,
            Ns::Arx => continue,
            _ => Ns::Arx,
        };
        let index = |ids: &Map<Str, usize>, name: &str| {
            let a = document.attribute(node, ns, name)?;
            ids.get(a.value.trim()).copied()
        };
        let (b, p) = (index(&behaviors, "behavior"), index(&physics, "physics"));
        if let Some(declared) = b.and_then(|b| document.behaviors.get_mut(b)) {
            declared.users.push(node);
        }
        if let Some(declared) = p.and_then(|p| document.physics.get_mut(p)) {
            declared.users.push(node);
        }
        if b.is_some() || p.is_some() {
            let roles = document.roles.entry(node).or_default();
            roles.behavior = roles.behavior.or(b.map(|b| BehaviorIndex(b as u32)));
            roles.physics = roles.physics.or(p.map(|p| PhysicsIndex(p as u32)));
        }
    }
    for at in 0..document.objects.len() {
        let Some(object) = document.objects.get(at) else { break };
        let mut found = document.roles.get(&object.node).copied().unwrap_or_default();
        for shape in &object.shapes {
            let Roles { behavior, physics, .. } =
                document.roles.get(shape).copied().unwrap_or_default();
            found.behavior = found.behavior.or(behavior);
            found.physics = found.physics.or(physics);
        }
        if let Some(object) = document.objects.get_mut(at) {
            (object.behavior, object.physics) = (found.behavior, found.physics);
        }
    }
}

fn first_of<'a>(ids: impl Iterator<Item = &'a Option<Str>>) -> Map<Str, usize> {
    let mut map = Map::default();
    for (i, id) in ids.enumerate() {
        if let Some(id) = id {
            map.entry(id.clone()).or_insert(i);
        }
    }
    map
}

/// Elements were collected before shapes: puts both into document order.
fn in_document_order(document: &mut Document, language: &[NodeId]) {
    let mut rest = document.objects.iter().map(|o| o.node).peekable();
    for node in language {
        if rest.peek() == Some(node) {
            rest.next();
        }
    }
    if rest.next().is_none() {
        return;
    }
    let places: Map<NodeId, usize> = language.iter().enumerate().map(|(i, &n)| (n, i)).collect();
    let place = |o: &Object| places.get(&o.node).copied().unwrap_or(usize::MAX);
    let mut order: Vec<usize> = (0..document.objects.len()).collect();
    order.sort_by_key(|&i| document.objects.get(i).map(place));
    let mut moved = vec![ObjectIndex(0); order.len()];
    for (new, &old) in order.iter().enumerate() {
        if let Some(slot) = moved.get_mut(old) {
            *slot = ObjectIndex(new as u32);
        }
    }
    document.objects.sort_by_key(place);
    let renumber = |index: &mut ObjectIndex| {
        if let Some(new) = moved.get(index.0 as usize) {
            *index = *new;
        }
    };
    document.object_ids.values_mut().for_each(renumber);
    document.roles.values_mut().filter_map(|r| r.object.as_mut()).for_each(renumber);
}

/// Which object lies in which.
fn hierarchy(document: &mut Document) {
    // What the nearest declaring element above a node is; filled along every path walked.
    let mut above: Map<NodeId, Option<ObjectIndex>> = Map::default();
    let mut path = Vec::new();
    for at in 0..document.objects.len() {
        let Some(start) = document.objects.get(at).and_then(|o| document.parent(o.node)) else {
            continue;
        };
        let mut next = Some(start);
        let mut found = None;
        while let Some(node) = next {
            if let Some(known) = above.get(&node) {
                found = *known;
                break;
            }
            path.push(node);
            let declared = document.roles.get(&node).and_then(|r| r.object);
            let declares = |i: &ObjectIndex| {
                document.objects.get(i.0 as usize).is_some_and(|o| o.node == node)
            };
            if let Some(index) = declared.filter(declares) {
                found = Some(index);
                break;
            }
            next = document.parent(node);
        }
        above.extend(path.drain(..).map(|n| (n, found)));
        if let Some(object) = document.objects.get_mut(at) {
            object.parent = found;
        }
    }
}

impl Document {
    /// Reads objects, behaviors, physics and systems anew, after edits of the tree.
    ///
    /// Indices into them may change. Diagnostics stay as they are.
    pub fn refresh(&mut self) {
        let findings = super::findings::Findings::after_edits(self);
        lower(self, &findings.language);
    }
}

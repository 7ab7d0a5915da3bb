//! What moves together: an object, the shapes that draw it, and the ends of the connections
//! at it.
//!
//! A connection is drawn by a line, a polyline or an open path that leads from the one object
//! to the other: its ends lie on them. Connections are those of systems (`arx:connection`) and
//! of `upstream`. Its ends stay at the objects: where one of these moves and the other does not,
//! one end moves, also against a group that carries the line along. By itself it cannot be moved.

use std::collections::{BTreeSet, HashMap, HashSet};

use kurbo::{Point, Rect};
use serde::{Deserialize, Serialize};

use super::{Drawing, Frames, path, pick_distance};
use svgx_engine::document::{Document, NodeId, Ns};

/// Elements at one point that are looked at.
const CROWD: usize = 1_024;

/// Which end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    Start,
    Last,
}

/// The end of a drawn connection that moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionEnd {
    pub(super) shape: NodeId,
    pub(super) end: End,
    /// Where it is, in the coordinates it is written in.
    pub(super) at: Point,
    /// Whether it stays in the drawing while what it lies in moves: it moves against that.
    pub(super) stays: bool,
}

/// What moves together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// What moves as a whole; none lies in another one. The one that is held is the first.
    pub(super) bodies: Vec<NodeId>,
    pub(super) ends: Vec<ConnectionEnd>,
    /// A connection that would have to move, though the objects at both its ends stay.
    pub(super) fast: Option<NodeId>,
}

/// The object that an element declares, draws, or is part of: its number among the objects.
pub(crate) fn object_of(document: &Document, node: NodeId) -> Option<usize> {
    let objects = document.objects();
    if objects.is_empty() {
        return None;
    }
    let ancestors = std::iter::successors(Some(node), |&n| document.parent(n));
    ancestors.take_while(|&n| n != NodeId::ROOT).find_map(|n| {
        let drawn = document.arx(n, "object").and_then(|id| document.object(id));
        match drawn {
            Some(index) => Some(index.0 as usize),
            None if matches!(document.name(n), Some((Ns::Arx, _))) => {
                objects.iter().position(|o| o.node == n)
            }
            None => None,
        }
    })
}

/// What moves with `node`.
pub(super) fn of(drawing: Drawing<'_>, node: NodeId) -> Assembly {
    let document = drawing.document;
    let objects = document.objects();
    // From an element to the objects that it declares or draws.
    let mut drawn: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (at, object) in objects.iter().enumerate() {
        for &n in std::iter::once(&object.node).chain(&object.shapes) {
            let known = drawn.entry(n).or_default();
            if !known.contains(&at) {
                known.push(at);
            }
        }
    }
    let held = match object_of(document, node) {
        Some(_) => std::iter::successors(Some(node), |&n| document.parent(n))
            .find(|n| drawn.contains_key(n))
            .unwrap_or(node),
        None => node,
    };
    let mut bodies = vec![held];
    let mut known = HashSet::from([held]);
    let mut moved: BTreeSet<usize> = BTreeSet::new();
    let mut next = 0;
    while let Some(&body) = bodies.get(next) {
        next += 1;
        for inner in moved_inside(document, body) {
            for &object in drawn.get(&inner).into_iter().flatten() {
                if moved.insert(object)
                    && let Some(object) = objects.get(object)
                {
                    let all = std::iter::once(&object.node).chain(&object.shapes);
                    bodies.extend(all.copied().filter(|n| known.insert(*n)));
                }
            }
        }
    }
    // What lies in another body moves with it; what is held may, and then that one is held.
    let first = carrier(document, held, &known).unwrap_or(held);
    bodies.retain(|&n| carrier(document, n, &known).is_none());
    if let Some(at) = bodies.iter().position(|&body| body == first) {
        bodies.swap(0, at);
    }
    let mut assembly = Assembly { bodies, ..Assembly::default() };
    connect(drawing, &drawn, &moved, &mut assembly);
    assembly
}

/// The outermost of `bodies` that carries `node` along.
fn carrier(document: &Document, node: NodeId, bodies: &HashSet<NodeId>) -> Option<NodeId> {
    let mut found = None;
    let mut below = node;
    let mut graphic = is_graphic(document, node);
    for around in std::iter::successors(document.parent(node), |&n| document.parent(n)) {
        let arx = matches!(document.name(around), Some((Ns::Arx, _)));
        // An object moves the shapes in it, not the objects.
        if bodies.contains(&around) && (!arx || graphic) {
            found = Some(around);
        }
        let is_box = document.name(below).is_some_and(|(_, name)| name == "geometry");
        graphic = is_graphic(document, around) || (graphic && is_box);
        below = around;
    }
    found
}

fn is_graphic(document: &Document, node: NodeId) -> bool {
    matches!(document.name(node), Some((Ns::Svg | Ns::None, _)))
}

/// The elements that move when `body` does, itself included. An object moves by its own
/// lengths, so objects that lie in it stay.
fn moved_inside(document: &Document, body: NodeId) -> Vec<NodeId> {
    match document.name(body) {
        Some((Ns::Arx, _)) => {
            let graphic = |c: &NodeId| is_graphic(document, *c);
            let geometry = |c: &NodeId| matches!(document.name(*c), Some((_, "geometry")));
            let shapes = document.children(body).filter(geometry);
            let shapes = shapes.flat_map(|g| document.children(g));
            let inside = document.children(body).chain(shapes).filter(graphic);
            std::iter::once(body).chain(inside.flat_map(|c| document.descendants(c))).collect()
        }
        _ => document.descendants(body).collect(),
    }
}

/// Finds the drawn connections that what moves concerns. What is connected at both ends to what
/// moves becomes a body.
fn connect(
    drawing: Drawing<'_>,
    drawn: &HashMap<NodeId, Vec<usize>>,
    moved: &BTreeSet<usize>,
    assembly: &mut Assembly,
) {
    let document = drawing.document;
    let partners = partners(document);
    if partners.is_empty() {
        return;
    }
    let held: HashSet<NodeId> = assembly.bodies.iter().copied().collect();
    // Where no object is moved that has a connection, only what is moved can be one.
    let shapes: Vec<NodeId> = if moved.iter().any(|object| partners.contains_key(object)) {
        document.elements().collect()
    } else {
        assembly.bodies.iter().flat_map(|&body| document.descendants(body)).collect()
    };
    for shape in shapes {
        let Some((Ns::Svg | Ns::None, name @ ("line" | "polyline" | "path"))) =
            document.name(shape)
        else {
            continue;
        };
        let above = || std::iter::successors(Some(shape), |&n| document.parent(n));
        let inside = above().any(|n| held.contains(&n));
        // What draws an object is no connection of others.
        if inside && above().any(|n| drawn.contains_key(&n)) {
            continue;
        }
        let Some((start, last)) = local_ends(document, shape, name) else { continue };
        let frame = Frames::of(drawing, shape).own;
        let at = [start, last].map(|end| objects_at(drawing, drawn, shape, frame * end));
        let joined = |from: &usize, to: &BTreeSet<usize>| {
            partners.get(from).is_some_and(|p| !p.is_disjoint(to))
        };
        let leads = |from: &BTreeSet<usize>, to: &BTreeSet<usize>| {
            from.iter().any(|object| moved.contains(object) && joined(object, to))
        };
        let end = |end, at| ConnectionEnd { shape, end, at, stays: inside };
        match (leads(&at[0], &at[1]), leads(&at[1], &at[0]), inside) {
            (true, true, false) => assembly.bodies.push(shape),
            (true, true, true) => {}
            (true, false, false) | (false, true, true) => {
                assembly.ends.push(end(End::Start, start));
            }
            (false, true, false) | (true, false, true) => assembly.ends.push(end(End::Last, last)),
            (false, false, true) if at[0].iter().any(|object| joined(object, &at[1])) => {
                assembly.fast = Some(shape);
            }
            (false, false, _) => {}
        }
    }
}

/// The objects whose box or shapes are at a point, by their bounds.
fn objects_at(
    drawing: Drawing<'_>,
    drawn: &HashMap<NodeId, Vec<usize>>,
    line: NodeId,
    point: Point,
) -> BTreeSet<usize> {
    let Drawing { document, scene, .. } = drawing;
    let reach = 2.0 * pick_distance(scene);
    let area = Rect::from_center_size(point, (2.0 * reach, 2.0 * reach));
    let mut found = BTreeSet::new();
    for node in scene.region(area).into_iter().take(CROWD).filter(|&n| n != line) {
        for around in std::iter::successors(Some(node), |&n| document.parent(n)) {
            let Some(objects) = drawn.get(&around) else { continue };
            let bounds = scene.bounds(around).map(|b| b.inflate(reach, reach));
            if bounds.is_some_and(|b| b.contains(point)) {
                found.extend(objects);
            }
        }
    }
    found
}

fn local_ends(document: &Document, shape: NodeId, name: &str) -> Option<(Point, Point)> {
    match name {
        "line" => {
            let number = |name: &str| match document.attr(shape, name) {
                Some(text) => text.trim().parse::<f64>().ok().filter(|v| v.is_finite()),
                None => Some(0.0),
            };
            let (start, last) = (
                Point::new(number("x1")?, number("y1")?),
                Point::new(number("x2")?, number("y2")?),
            );
            (start != last).then_some((start, last))
        }
        "path" => path::ends(document.attr(shape, "d")?, true),
        _ => path::ends(document.attr(shape, "points")?, false),
    }
}

/// For every object that has connections, the objects it is connected with.
fn partners(document: &Document) -> HashMap<usize, BTreeSet<usize>> {
    let mut partners: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    let object = |id: &str| document.object(id).map(|i| i.0 as usize);
    // An end may name a terminal of an object: `pump.out`.
    let index = |id: &str| {
        let id = id.trim().trim_start_matches('#');
        object(id).or_else(|| object(id.rsplit_once('.')?.0))
    };
    let mut connect = |a: Option<usize>, b: Option<usize>| {
        let (Some(a), Some(b)) = (a, b) else { return };
        for (one, other) in [(a, b), (b, a)] {
            if one != other {
                partners.entry(one).or_default().insert(other);
            }
        }
    };
    for connection in document.systems().iter().flat_map(|system| &system.connections) {
        connect(index(&connection.from), index(&connection.to));
    }
    for (at, object) in document.objects().iter().enumerate() {
        connect(Some(at), object.upstream.as_deref().and_then(index));
    }
    partners
}

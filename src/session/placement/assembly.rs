//! What moves together: an object, the shapes that draw it, and the ends of the connections
//! at it.
//!
//! A connection is drawn by a line, a polyline or an open path that leads from the one object
//! to the other: its ends lie on them. Connections are those of systems (`arx:connection`) and
//! of `upstream`.

use std::collections::{BTreeSet, HashMap};

use kurbo::{Point, Rect};
use serde::{Deserialize, Serialize};

use super::{Drawing, Frames, path, pick_distance};
use svgx_engine::document::{Document, NodeId, Ns};

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
}

/// What moves together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// What moves as a whole; none lies in another one. The one that is held is the first.
    pub(super) bodies: Vec<NodeId>,
    pub(super) ends: Vec<ConnectionEnd>,
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
                    let rest: Vec<NodeId> = all.copied().filter(|n| !bodies.contains(n)).collect();
                    bodies.extend(rest);
                }
            }
        }
    }
    let inside: Vec<Vec<NodeId>> = bodies.iter().map(|&b| moved_inside(document, b)).collect();
    let contains = |(body, inside): (&NodeId, &Vec<NodeId>), n| *body != n && inside.contains(&n);
    let whole = bodies.clone();
    bodies.retain(|&n| !whole.iter().zip(&inside).any(|pair| contains(pair, n)));
    // What is held may lie in another body, which is held then.
    let around = whole.iter().zip(&inside).find(|(_, inside)| inside.contains(&held));
    if let Some(first) = bodies.iter().position(|b| around.is_some_and(|(body, _)| body == b)) {
        bodies.swap(0, first);
    }
    let ends = ends(drawing, &moved, &mut bodies);
    Assembly { bodies, ends }
}

/// The elements that move when `body` does, itself included. An object moves by its own
/// lengths, so objects that lie in it stay.
fn moved_inside(document: &Document, body: NodeId) -> Vec<NodeId> {
    match document.name(body) {
        Some((Ns::Arx, _)) => {
            let graphic = |c: &NodeId| matches!(document.name(*c), Some((Ns::Svg | Ns::None, _)));
            let geometry = |c: &NodeId| matches!(document.name(*c), Some((_, "geometry")));
            let shapes = document.children(body).filter(geometry);
            let shapes = shapes.flat_map(|g| document.children(g));
            let inside = document.children(body).chain(shapes).filter(graphic);
            std::iter::once(body).chain(inside.flat_map(|c| document.descendants(c))).collect()
        }
        _ => document.descendants(body).collect(),
    }
}

/// The ends of drawn connections at the objects `moved`. What is connected at both ends to
/// what moves becomes a body.
fn ends(
    drawing: Drawing<'_>,
    moved: &BTreeSet<usize>,
    bodies: &mut Vec<NodeId>,
) -> Vec<ConnectionEnd> {
    let document = drawing.document;
    let partners = partners(document, moved);
    if partners.is_empty() {
        return Vec::new();
    }
    let tolerance = 2.0 * pick_distance(drawing.scene);
    let places: HashMap<usize, Vec<Rect>> = partners
        .iter()
        .flat_map(|(a, others)| std::iter::once(a).chain(others))
        .map(|&object| (object, places(drawing, object, tolerance)))
        .collect();
    let at = |object: &usize, point: Point| {
        places.get(object).is_some_and(|rects| rects.iter().any(|r| r.contains(point)))
    };
    let held: Vec<NodeId> = bodies.clone();
    let mut ends = Vec::new();
    for shape in document.elements() {
        let Some((Ns::Svg | Ns::None, name @ ("line" | "polyline" | "path"))) =
            document.name(shape)
        else {
            continue;
        };
        let inside =
            std::iter::successors(Some(shape), |&n| document.parent(n)).any(|n| held.contains(&n));
        if inside {
            continue;
        }
        let Some((start, last)) = local_ends(document, shape, name) else { continue };
        let frame = Frames::of(drawing, shape).own;
        let (from, to) = (frame * start, frame * last);
        let mut found = [false; 2];
        for (object, others) in &partners {
            let other = |point| others.iter().any(|o| at(o, point));
            found[0] |= at(object, from) && other(to);
            found[1] |= at(object, to) && other(from);
        }
        match found {
            [true, true] => bodies.push(shape),
            [true, false] => ends.push(ConnectionEnd { shape, end: End::Start, at: start }),
            [false, true] => ends.push(ConnectionEnd { shape, end: End::Last, at: last }),
            [false, false] => {}
        }
    }
    ends
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

/// For every object that moves, the objects it is connected with.
fn partners(document: &Document, moved: &BTreeSet<usize>) -> HashMap<usize, BTreeSet<usize>> {
    let mut partners: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    let index = |id: &str| document.object(id.trim()).map(|i| i.0 as usize);
    let mut connect = |a: Option<usize>, b: Option<usize>| {
        let (Some(a), Some(b)) = (a, b) else { return };
        for (one, other) in [(a, b), (b, a)] {
            if moved.contains(&one) && one != other {
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

/// Where an object is drawn: its box and the bounds of its shapes.
fn places(drawing: Drawing<'_>, object: usize, tolerance: f64) -> Vec<Rect> {
    let Some(object) = drawing.document.objects().get(object) else { return Vec::new() };
    let all = std::iter::once(&object.node).chain(&object.shapes);
    all.filter_map(|&n| drawing.scene.bounds(n)).map(|r| r.inflate(tolerance, tolerance)).collect()
}

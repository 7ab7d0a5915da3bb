//! The outlines of a body: its own, or those of the shapes in it.

use kurbo::{Affine, BezPath, PathEl};
use rapier2d_f64::math::Vector;

use crate::document::{Document, NodeId};

use super::super::Outlines;
use super::super::outline::Outline;

/// Points that one body's outlines may be flattened to.
const POINTS: usize = 20_000;

/// The outlines of `node` in metres: its own, or else those of everything in it
/// that is not a body of its own (`is_part` says which are).
pub(super) fn outlines(
    document: &Document,
    scene: &dyn Outlines,
    node: NodeId,
    is_part: &dyn Fn(NodeId) -> bool,
    scale: f64,
    tolerance: f64,
) -> Vec<Outline> {
    let mut found = Vec::new();
    let mut points = 0;
    one(document, scene, node, scale, tolerance, &mut points, &mut found);
    if !found.is_empty() {
        return found;
    }
    let mut open: Vec<NodeId> = document.children(node).collect();
    open.reverse();
    while let Some(at) = open.pop() {
        if !document.is_element(at) || is_part(at) {
            continue;
        }
        one(document, scene, at, scale, tolerance, &mut points, &mut found);
        if points > POINTS {
            break;
        }
        let children: Vec<NodeId> = document.children(at).collect();
        open.extend(children.into_iter().rev());
    }
    found
}

fn one(
    document: &Document,
    scene: &dyn Outlines,
    node: NodeId,
    scale: f64,
    tolerance: f64,
    points: &mut usize,
    found: &mut Vec<Outline>,
) {
    let Some(path) = scene.outline(node) else { return };
    let place = Affine::scale(scale) * scene.transform(node);
    if path.elements().len() > POINTS {
        return;
    }
    if let Some(circle) = circle(document, node, &path, place) {
        found.push(circle);
        return;
    }
    let mut line: Vec<Vector> = Vec::new();
    let mut closed = false;
    let mut finish = |line: &mut Vec<Vector>, closed: &mut bool| {
        if line.len() > 1 {
            found.push(Outline::Line { points: std::mem::take(line), closed: *closed });
        }
        line.clear();
        *closed = false;
    };
    // An outline drawn to be filled is closed, whether it says so or not.
    let filled = document.name(node).is_some_and(|(_, n)| n == "path")
        && document.attr(node, "fill").is_some_and(|f| f.trim() != "none");
    let mut start = Vector::ZERO;
    let path = place * path;
    let bounds = kurbo::Shape::bounding_box(&path);
    let extent = bounds.width().max(bounds.height());
    if extent.is_nan() || extent > 1e12 {
        return;
    }
    // A curve of kilometres at a tolerance of micrometres has no end.
    kurbo::flatten(path, tolerance.max(extent * 1e-6), |element| {
        *points += 1;
        if *points > POINTS {
            return;
        }
        match element {
            PathEl::MoveTo(p) => {
                closed |= filled;
                finish(&mut line, &mut closed);
                start = Vector::new(p.x, p.y);
                line.push(start);
            }
            PathEl::LineTo(p) => {
                if line.is_empty() {
                    line.push(start);
                }
                line.push(Vector::new(p.x, p.y));
            }
            PathEl::ClosePath => {
                closed = true;
                finish(&mut line, &mut closed);
            }
            PathEl::QuadTo(..) | PathEl::CurveTo(..) => {}
        }
    });
    closed |= filled;
    finish(&mut line, &mut closed);
}

/// A circle stays one when its transform keeps it one.
fn circle(document: &Document, node: NodeId, path: &BezPath, place: Affine) -> Option<Outline> {
    if document.name(node).is_none_or(|(_, name)| name != "circle") {
        return None;
    }
    let [a, b, c, d, _, _] = place.as_coeffs();
    let (x, y) = (libm::hypot(a, b), libm::hypot(c, d));
    if (x - y).abs() > 1e-9 * x || (a * c + b * d).abs() > 1e-9 * x * y {
        return None;
    }
    // As written where that is a plain number; the path is only near to the circle.
    let written = |name: &str| document.attr(node, name).map(|t| t.trim().parse::<f64>().ok());
    let bounds = kurbo::Shape::bounding_box(path);
    let middle = bounds.center();
    let r = written("r").flatten().unwrap_or(bounds.width() / 2.0);
    let cx = written("cx").unwrap_or(Some(0.0)).unwrap_or(middle.x);
    let cy = written("cy").unwrap_or(Some(0.0)).unwrap_or(middle.y);
    let (centre, radius) = (place * kurbo::Point::new(cx, cy), r * x);
    (radius > 0.0 && radius.is_finite())
        .then(|| Outline::Circle { centre: Vector::new(centre.x, centre.y), radius })
}

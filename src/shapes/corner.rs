//! Corners that are rounded or cut off.

use std::f64::consts::TAU;

use crate::carrier::TOUCH;
use crate::error::told;
use crate::{Answer, Carrier, Edge, Error, Outline, Place, Point, Vector, Vertex, roundings};

/// Turns by less than this are no corners: the sine of the angle.
const SMOOTH: f64 = 1e-6;
/// Halvings on the way to the largest radius that fits.
const HALVINGS: usize = 48;

/// The arc that rounds a corner: where it leaves the first edge and reaches the second, as parameters, and
/// how far it turns.
#[derive(Clone, Copy)]
struct Fit {
    t: f64,
    u: f64,
    sweep: f64,
}

/// Rounds a corner by an arc that touches both edges. Lines and arcs in any pair, by closed forms.
///
/// # Errors
/// [`Error::BadLength`], [`Error::NoCorner`], [`Error::Smooth`], [`Error::DoesNotFit`].
pub fn fillet(outline: &Outline, corner: usize, radius: f64) -> Result<Answer<Outline>, Error> {
    check("radius", radius)?;
    let (before, behind) = outline.around(corner)?;
    let (one, two) = edges(outline, before, behind)?;
    let side = turning(&one, &two).ok_or(Error::Smooth { corner })?;
    let Some(fit) = fitted(&one, &two, side, radius) else {
        let shorter = one.length().min(two.length());
        // Whatever fits takes no more of a line than there is of it.
        let (mut low, mut high) = (0.0, radius);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            match fitted(&one, &two, side, middle) {
                Some(_) => low = middle,
                None => high = middle,
            }
        }
        return Err(Error::DoesNotFit {
            what: "radius",
            value_mm: told(radius),
            corner,
            side_mm: told(shorter),
            // An edge may be overrun by what rounding leaves.
            largest_mm: (low >= 2.0).then(|| told(low - 2.0 * TOUCH)),
        });
    };
    let bulge = libm::tan(fit.sweep / 4.0);
    replaced(outline, corner, (before, fit.t), (behind, fit.u), bulge).map(Answer::rounded)
}

/// Cuts a corner off, so far along the edge before it and the edge behind it; along arcs as they run.
///
/// # Errors
/// [`Error::BadLength`], [`Error::NoCorner`], [`Error::Smooth`], [`Error::DoesNotFit`].
pub fn chamfer(
    outline: &Outline,
    corner: usize,
    before: f64,
    behind: f64,
) -> Result<Answer<Outline>, Error> {
    check("length", before)?;
    check("length", behind)?;
    let (first, second) = outline.around(corner)?;
    let (one, two) = edges(outline, first, second)?;
    turning(&one, &two).ok_or(Error::Smooth { corner })?;
    for (length, edge) in [(before, &one), (behind, &two)] {
        if length > edge.length() + TOUCH {
            return Err(Error::DoesNotFit {
                what: "length",
                value_mm: told(length),
                corner,
                side_mm: told(one.length().min(two.length())),
                largest_mm: Some(told(edge.length())),
            });
        }
    }
    let t = (1.0 - before / one.length()).max(0.0);
    let u = (behind / two.length()).min(1.0);
    replaced(outline, corner, (first, t), (second, u), 0.0).map(Answer::rounded)
}

/// Two single edges that are lengthened or cut so that an arc joins them; with radius 0 they meet in a
/// corner. `near`: the places they were pointed at; those pieces stay.
///
/// Answers both edges and the arc between them, none for radius 0.
///
/// # Errors
/// [`Error::BadLength`], [`Error::Parallel`], [`Error::DoesNotFit`], [`Error::OutOfRange`].
pub fn fillet_pair(
    first: &Edge,
    second: &Edge,
    near: (Vector, Vector),
    radius: f64,
) -> Result<Answer<(Outline, Outline, Option<Outline>)>, Error> {
    if radius != 0.0 {
        check("radius", radius)?;
    }
    let (one, two) = (first.carrier(), second.carrier());
    let found: Vec<(Vector, Vector, Option<Vector>)> = match radius {
        0.0 => one.meet(&two).into_iter().map(|at| (at, at, None)).collect(),
        _ => roundings(&one, &two, radius)
            .into_iter()
            .map(|r| (r.first, r.second, Some(r.centre)))
            .collect(),
    };
    // The one that is nearest to what was pointed at, and leaves it: an arc between the two pieces.
    let away = |(a, b, _): &(Vector, Vector, Option<Vector>)| {
        (*a - near.0).length() + (*b - near.1).length()
    };
    let mut ordered: Vec<_> = found.iter().collect();
    ordered.sort_by(|a, b| away(a).total_cmp(&away(b)));
    for &&(a, b, centre) in &ordered {
        let (Some(kept), Some(other)) = (kept(first, near.0, a), kept(second, near.1, b)) else {
            continue;
        };
        let Some(centre) = centre else {
            return Ok(Answer::rounded((single(&kept)?, single(&other)?, None)));
        };
        // From the end of the first, on in its direction, to the second.
        let out = kept.direction(1.0);
        let side = out.cross(centre - a).signum();
        let turn = ((b - centre).angle() - (a - centre).angle()) * side;
        let sweep = side * turn.rem_euclid(TAU);
        let into = Vector::at_angle((b - centre).angle()).left() * side;
        // The long way round is no rounding.
        let short = (1e-9..=std::f64::consts::PI + 1e-9).contains(&sweep.abs());
        if into.dot(other.direction(1.0)) > 0.0 || !short {
            continue;
        }
        let arc = Outline::new(
            vec![
                Vertex { at: Point::nearest(a)?, bulge: libm::tan(sweep / 4.0) },
                Vertex { at: Point::nearest(b)?, bulge: 0.0 },
            ],
            false,
        )?;
        return Ok(Answer::rounded((single(&kept)?, single(&other)?, Some(arc))));
    }
    let parallel = matches!((one, two), (Carrier::Line { .. }, Carrier::Line { .. }));
    match parallel && found.is_empty() {
        true => Err(Error::Parallel),
        false => Err(Error::DoesNotFit {
            what: "radius",
            value_mm: told(radius),
            corner: 0,
            side_mm: told(first.length().min(second.length())),
            largest_mm: None,
        }),
    }
}

/// What stays of an edge that shall end at `to`: the part with `near` on it, running towards `to`.
fn kept(edge: &Edge, near: Vector, to: Vector) -> Option<Edge> {
    let pick = edge.nearest(near).0;
    if let Edge::Line { a, b } = *edge {
        let from = if pick <= edge.parameter(to) { a } else { b };
        return ((to - from).length() >= 1.0).then_some(Edge::Line { a: from, b: to });
    }
    // Of an arc either way round may lead there; the one that is longer with the pick on it stays.
    [*edge, edge.reversed()].into_iter().find_map(|edge| {
        let Edge::Arc { a, centre, radius, start, sweep, .. } = edge else { return None };
        let turn = (((to - centre).angle() - start) * sweep.signum()).rem_euclid(TAU);
        let pick = edge.nearest(near).0 * sweep.abs();
        (turn >= pick && turn * radius >= 1.0).then(|| Edge::Arc {
            a,
            b: to,
            centre,
            radius,
            start,
            sweep: sweep.signum() * turn,
        })
    })
}

fn single(edge: &Edge) -> Result<Outline, Error> {
    let from = Vertex { at: Point::nearest(edge.start())?, bulge: edge.bulge() };
    Outline::new(vec![from, Vertex { at: Point::nearest(edge.end())?, bulge: 0.0 }], false)
}

fn check(what: &'static str, value: f64) -> Result<(), Error> {
    match value.is_finite() && value >= 1.0 && value <= crate::LIMIT as f64 {
        true => Ok(()),
        false => {
            let expected = "at least 0.001 mm, and no more than a drawing is wide";
            Err(Error::BadLength { what, value_mm: value / 1e3, expected })
        }
    }
}

fn edges(outline: &Outline, before: usize, behind: usize) -> Result<(Edge, Edge), Error> {
    let edge = |at| outline.edge(at).ok_or(Error::Degenerate);
    Ok((edge(before)?, edge(behind)?))
}

/// 1 where the outline turns left from one edge to the other, -1 where it turns right.
fn turning(one: &Edge, two: &Edge) -> Option<f64> {
    let turn = one.direction(1.0).cross(two.direction(0.0));
    (turn.abs() > SMOOTH).then(|| turn.signum())
}

/// The arc of a radius on the inner side of a corner, of those there are the one nearest to it.
fn fitted(one: &Edge, two: &Edge, side: f64, radius: f64) -> Option<Fit> {
    let shifted = |edge: &Edge| match edge.carrier() {
        Carrier::Line { through, along } => {
            Some(Carrier::Line { through: through + along.left() * (side * radius), along })
        }
        Carrier::Circle { centre, radius: own } => {
            // To the left of an arc that turns left is its centre.
            let left = if edge.bulge() > 0.0 { 1.0 } else { -1.0 };
            let beside = own - side * left * radius;
            (beside > TOUCH).then_some(Carrier::Circle { centre, radius: beside })
        }
    };
    let (a, b) = (shifted(one)?, shifted(two)?);
    let mut best: Option<(f64, Fit)> = None;
    for centre in a.meet(&b) {
        let (p, q) = (one.carrier().foot(centre), two.carrier().foot(centre));
        let (Some(t), Some(u)) = (one.within(p), two.within(q)) else { continue };
        let turn = ((q - centre).angle() - (p - centre).angle()) * side;
        let sweep = side * turn.rem_euclid(TAU);
        let away = (1.0 - t) * one.length() + u * two.length();
        if best.is_none_or(|(least, _)| away < least) {
            best = Some((away, Fit { t, u, sweep }));
        }
    }
    best.map(|(_, fit)| fit)
}

/// The outline with an edge of a bulge in place of what is between two places around a corner.
fn replaced(
    outline: &Outline,
    corner: usize,
    (before, t): (usize, f64),
    (behind, u): (usize, f64),
    bulge: f64,
) -> Result<Outline, Error> {
    let end = Place { edge: before, t };
    let from = Place { edge: behind, t: u };
    let at = |place| outline.at(place).ok_or(Error::Degenerate);
    let part = |edge: usize, t0: f64, t1: f64| match outline.edge(edge) {
        Some(Edge::Arc { sweep, .. }) => libm::tan(sweep * (t1 - t0) / 4.0),
        _ => 0.0,
    };
    let mut vertices: Vec<Vertex> = Vec::with_capacity(outline.vertices().len() + 1);
    for (number, &vertex) in outline.vertices().iter().enumerate() {
        // Of a closed outline of two edges both lie around each corner.
        let both = before == behind;
        match number {
            n if n == corner => {
                vertices.push(Vertex { at: Point::nearest(at(end)?)?, bulge });
                vertices
                    .push(Vertex { at: Point::nearest(at(from)?)?, bulge: part(behind, u, 1.0) });
            }
            n if n == before && !both => {
                vertices.push(Vertex { bulge: part(before, 0.0, t), ..vertex });
            }
            _ => vertices.push(vertex),
        }
    }
    Outline::new(vertices, outline.is_closed())
}

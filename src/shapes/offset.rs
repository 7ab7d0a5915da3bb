//! Parallels: outlines at a distance from others.

use crate::carrier::TOUCH;
use crate::edge::Bow;
use crate::overlay::{Fill, Wanted};
use crate::{
    Answer, Edge, Error, Outline, Point, Region, Vector, Vertex, boolean, parallel, rebuild,
};

/// Places of a parallel whose distance is looked at.
const SAMPLES: usize = 64;
/// Edges of an outline up to which distances to all of them are looked at.
const SAMPLED_EDGES: usize = 20_000;

/// What the corners of a parallel look like on the outer side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Join {
    /// An arc about the corner.
    #[default]
    Round,
    /// The edges go on until they meet; where that is farther than so many times the distance, cut off.
    Miter {
        /// How many times; 4 is usual.
        limit: f64,
    },
    /// Cut off straight.
    Bevel,
}

/// The parallel of an outline. Of a closed one `distance` is outward, and inward where it is negative; the
/// answer has an outline for each piece, counter-clockwise, and clockwise ones for holes. None is left where
/// everything is nearer to the edge than that. Of an open one it is to the left, and the joins are those
/// that were not cut by others.
///
/// # Errors
/// [`Error::BadLength`], [`Error::CrossesItself`], [`Error::TooMany`], [`Error::OutOfRange`].
pub fn offset(outline: &Outline, distance: f64, join: Join) -> Result<Answer<Vec<Outline>>, Error> {
    check(distance, join)?;
    if !outline.is_closed() {
        let found = parallel::left(outline, distance)
            .ok_or(Error::CrossesItself)?
            .iter()
            .map(|p| joined(p, outline, distance, join))
            .collect::<Result<_, Error>>()?;
        return Ok(Answer::rounded(found));
    }
    if join == Join::Round
        && let Some(found) = round(outline, distance)
    {
        return Ok(Answer::rounded(found));
    }
    let region = boolean::region(std::slice::from_ref(outline), boolean::Rule::NonZero)?;
    let grown = offset_region(&region.value, distance, join)?;
    let outlines = grown.value.outlines().cloned().collect();
    Ok(Answer { value: outlines, error_mm: grown.error_mm + region.error_mm })
}

/// The parallel with round joins of a closed outline that does not cross itself; `None` where it does, or
/// where what was found is not as far away as it should be.
fn round(outline: &Outline, distance: f64) -> Option<Vec<Outline>> {
    let reversed = (outline.area() < 0.0).then(|| outline.reversed());
    let turned = reversed.as_ref().unwrap_or(outline);
    let mut found = parallel::left(turned, -distance)?;
    found.retain(|o| {
        let (area, length) = o.measures();
        area.abs() > TOUCH / 2.0 * length
    });
    is_parallel(turned, &found, distance).then_some(found)
}

/// A region that is grown by a distance on all sides, or shrunk where it is negative.
///
/// Each outline is shifted edge by edge, with joins where that leaves gaps and with its own corners where it
/// overlaps; what is gone round then more often than not is the answer (the way of Angus Johnson's Clipper).
///
/// # Errors
/// [`Error::BadLength`], [`Error::TooMany`], [`Error::OutOfRange`].
pub fn offset_region(region: &Region, distance: f64, join: Join) -> Result<Answer<Region>, Error> {
    check(distance, join)?;
    let mut raw = Vec::new();
    for outline in region.outlines() {
        // One that has no length at that distance is gone.
        if let Some(shifted) = shifted(outline, distance, join)? {
            raw.push(shifted);
        }
    }
    let all: Vec<&Outline> = raw.iter().collect();
    boolean::overlaid(&all, &[], Wanted::First, Fill::Positive)
}

fn check(distance: f64, join: Join) -> Result<(), Error> {
    let fine = distance.is_finite() && distance.abs() >= 1.0 && distance.abs() <= 1e12;
    if !fine {
        let expected = "at least 0.001 mm to one side, and no more than a drawing is wide";
        return Err(Error::BadLength { what: "distance", value_mm: distance / 1e3, expected });
    }
    match join {
        Join::Miter { limit } if !(limit.is_finite() && limit >= 1.0) => Err(Error::BadLength {
            what: "miter limit",
            value_mm: limit,
            expected: "a number of times, at least 1",
        }),
        _ => Ok(()),
    }
}

/// Every edge of a closed outline shifted to its right.
fn shifted(outline: &Outline, distance: f64, join: Join) -> Result<Option<Outline>, Error> {
    let edges: Vec<Edge> = outline.edges().collect();
    let mut vertices = Vec::new();
    let right = |edge: &Edge, t: f64| edge.at(t) - edge.direction(t).left() * distance;
    let mut add = |at: Vector, bulge: f64| -> Result<(), Error> {
        vertices.push(Vertex { at: Point::nearest(at)?, bulge });
        Ok(())
    };
    for (at, edge) in edges.iter().enumerate() {
        let Some(next) = edges.get((at + 1) % edges.len()) else { break };
        let (from, to) = (right(edge, 1.0), right(next, 0.0));
        match beyond(edge, distance) {
            // An arc that is shifted turns by as much.
            None => add(right(edge, 0.0), edge.bulge())?,
            // One that comes to lie beyond its centre: what it passes over is the piece of a disc up to the
            // centre and another one behind it, and both are gone round the same way.
            Some(centre) => {
                let start = right(edge, 0.0);
                for at in [start, edge.start(), centre] {
                    add(at, 0.0)?;
                }
                add(from, -edge.bulge())?;
                for at in [start, centre, edge.end()] {
                    add(at, 0.0)?;
                }
            }
        }
        let (d, e) = (edge.direction(1.0), next.direction(0.0));
        let turn = libm::atan2(d.cross(e), d.dot(e));
        let plain = beyond(edge, distance).or(beyond(next, distance)).is_none();
        if plain && (to - from).length() <= TOUCH {
            add(from, 0.0)?;
        } else if turn * distance > 0.0 {
            corner(edge.end(), (from, to), turn, distance, join, &mut add)?;
        } else {
            add(from, 0.0)?;
            add(edge.end(), 0.0)?;
        }
    }
    Ok(Outline::new(vertices, true).ok())
}

/// The centre of an arc that is shifted to its right and over its centre.
fn beyond(edge: &Edge, distance: f64) -> Option<Vector> {
    match *edge {
        Edge::Arc { centre, radius, sweep, .. } if radius + sweep.signum() * distance < 0.0 => {
            Some(centre)
        }
        _ => None,
    }
}

/// The join at a corner: from the end of one shifted edge to the beginning of the next, which is left out.
fn corner(
    at: Vector,
    (from, to): (Vector, Vector),
    turn: f64,
    distance: f64,
    join: Join,
    add: &mut impl FnMut(Vector, f64) -> Result<(), Error>,
) -> Result<(), Error> {
    match join {
        Join::Round => add(from, libm::tan(turn / 4.0)),
        Join::Bevel => add(from, 0.0),
        Join::Miter { limit } => {
            add(from, 0.0)?;
            let half = libm::cos(turn / 2.0);
            if half * limit >= 1.0 {
                let way = ((from - at) + (to - at)).unit();
                add(at + way * (distance.abs() / half), 0.0)?;
            }
            Ok(())
        }
    }
}

/// A parallel of an open outline with other joins than round ones, where these are whole.
fn joined(
    parallel: &Outline,
    outline: &Outline,
    distance: f64,
    join: Join,
) -> Result<Outline, Error> {
    if join == Join::Round {
        return Ok(parallel.clone());
    }
    let mut vertices = Vec::new();
    let mut add = |at: Vector, bulge: f64| -> Result<(), Error> {
        vertices.push(Vertex { at: Point::nearest(at)?, bulge });
        Ok(())
    };
    let corners: Vec<(Vector, f64)> = (1..outline.edge_count())
        .filter_map(|n| {
            let (before, behind) = (outline.edge(n - 1)?, outline.edge(n)?);
            let (d, e) = (before.direction(1.0), behind.direction(0.0));
            Some((before.end(), libm::atan2(d.cross(e), d.dot(e))))
        })
        .collect();
    for (n, vertex) in parallel.vertices().iter().enumerate() {
        let whole = parallel.edge(n).and_then(|edge| match edge {
            Edge::Arc { centre, sweep, a, b, .. } => corners
                .iter()
                .find(|(at, turn)| {
                    let off = (*at - centre).length();
                    let same = (turn - sweep).abs() * distance.abs() <= 4.0 * TOUCH;
                    off <= 4.0 * TOUCH && same
                })
                .map(|&(at, turn)| (at, turn, a, b)),
            Edge::Line { .. } => None,
        });
        match whole {
            Some((at, turn, a, b)) => corner(at, (a, b), turn, distance, join, &mut add)?,
            None => add(vertex.at.vector(), vertex.bulge)?,
        }
    }
    Ok(rebuild::straightened(&Outline::new(vertices, parallel.is_closed())?))
}

/// Whether places of the parallel are as far away as they should be.
fn is_parallel(outline: &Outline, found: &[Outline], distance: f64) -> bool {
    let count: usize = found.iter().map(Outline::edge_count).sum();
    if outline.edge_count() > SAMPLED_EDGES {
        return true;
    }
    let step = (count / SAMPLES).max(1);
    let (least, most) = (distance.abs() - 4.0 * TOUCH, distance.abs() + 4.0 * TOUCH);
    // Each with a circle beyond which it is surely farther than `most`, and the square of its radius.
    let around = |(a, b, bulge): (Vector, Vector, f64)| {
        let edge = Bow::between(a, b, bulge);
        let (middle, reach) = edge.around();
        let beyond = (reach + most) * (1.0 + 1e-9) + 1.0;
        (edge, middle, beyond * beyond)
    };
    let edges: Vec<(Bow, Vector, f64)> = outline.bows().map(around).collect();
    found.iter().flat_map(Outline::bows).step_by(step).all(|(a, b, bulge)| {
        // An arc lies to the right of its chord, where it turns to the left.
        let at = (a + b) * 0.5 - (b - a).left() * (bulge / 2.0);
        let near = edges.iter().filter(|(_, middle, beyond)| {
            let way = at - *middle;
            way.dot(way) <= *beyond
        });
        let away = near.map(|(edge, ..)| edge.distance(at)).fold(f64::INFINITY, f64::min);
        away >= least && away <= most
    })
}

//! Outlines that are trimmed, extended, split and joined.

use crate::carrier::TOUCH;
use crate::error::told;
use crate::{Answer, Edge, Error, Outline, Place, Point, Vector, Vertex};

/// Pairs of edges that are looked at for crossings.
const PAIRS: usize = 4_000_000;
/// Open outlines that one joining takes.
const JOINED: usize = 10_000;

/// One of the ends of an open outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first vertex.
    First,
    /// The last vertex.
    Last,
}

/// Every place at which something else crosses or touches the outline, in order, each once.
fn cuts(outline: &Outline, by: &[Outline]) -> Result<Vec<Place>, Error> {
    let edges: Vec<(Edge, (Vector, Vector))> =
        outline.edges().map(|edge| (edge, edge.bounds())).collect();
    let mut seen = 0_usize;
    let mut found: Vec<Place> = Vec::new();
    let (own_low, own_high) = outline.bounds();
    for other in by.iter().flat_map(|o| o.edges()) {
        let (low, high) = other.bounds();
        let apart = |a: (Vector, Vector), b: (Vector, Vector)| {
            a.0.x > b.1.x + TOUCH
                || a.0.y > b.1.y + TOUCH
                || b.0.x > a.1.x + TOUCH
                || b.0.y > a.1.y + TOUCH
        };
        if apart((own_low, own_high), (low, high)) {
            continue;
        }
        for (edge, (e, bounds)) in edges.iter().enumerate() {
            seen += 1;
            if seen > PAIRS {
                let what = "pairs of edges that may cross";
                return Err(Error::TooMany { what, limit: PAIRS, seen });
            }
            if !apart(*bounds, (low, high)) {
                found.extend(e.meetings(&other).into_iter().map(|m| Place { edge, t: m.t }));
            }
        }
    }
    let place = |p: &Place| outline.at(*p).unwrap_or_default();
    found.sort_by(|a, b| a.edge.cmp(&b.edge).then(a.t.total_cmp(&b.t)));
    found.dedup_by(|b, a| (place(a) - place(b)).length() <= 2.0 * TOUCH);
    if outline.is_closed()
        && found.len() > 1
        && let (Some(first), Some(last)) = (found.first(), found.last())
        && (place(first) - place(last)).length() <= 2.0 * TOUCH
    {
        found.pop();
    }
    if !outline.is_closed() {
        // An end is no cut: nothing lies beyond it.
        let ends = [outline.vertices().first(), outline.vertices().last()];
        found.retain(|p| {
            let at = place(p);
            ends.iter().flatten().all(|end| (end.at.vector() - at).length() > 2.0 * TOUCH)
        });
    }
    Ok(found)
}

fn first_place() -> Place {
    Place { edge: 0, t: 0.0 }
}

fn last_place(outline: &Outline) -> Place {
    Place { edge: outline.edge_count().saturating_sub(1), t: 1.0 }
}

/// Takes out the piece that `at` is on, up to where others cross the outline on either side. Answers what
/// is left: one piece or two.
///
/// # Errors
/// [`Error::NothingCuts`], [`Error::OneCut`], [`Error::TooMany`].
pub fn trim(outline: &Outline, at: Vector, by: &[Outline]) -> Result<Answer<Vec<Outline>>, Error> {
    let cuts = cuts(outline, by)?;
    let (pick, _) = outline.nearest(at);
    let before = cuts.iter().rev().find(|cut| **cut <= pick).copied();
    let behind = cuts.iter().find(|cut| **cut > pick).copied();
    if outline.is_closed() {
        return match (cuts.as_slice(), before, behind) {
            ([], ..) => Err(Error::NothingCuts),
            ([_], ..) => Err(Error::OneCut),
            ([first, .., last], before, behind) => {
                let (from, to) = (behind.unwrap_or(*first), before.unwrap_or(*last));
                Ok(Answer::rounded(vec![outline.piece(from, to)?]))
            }
        };
    }
    let mut left = Vec::new();
    if let Some(cut) = before {
        left.push(outline.piece(first_place(), cut)?);
    }
    if let Some(cut) = behind {
        left.push(outline.piece(cut, last_place(outline))?);
    }
    match left.is_empty() {
        true => Err(Error::NothingCuts),
        false => Ok(Answer::rounded(left)),
    }
}

/// Lengthens an end, straight on or round its circle, to the nearest thing that lies ahead of it.
///
/// # Errors
/// [`Error::Closed`], [`Error::NothingAhead`].
pub fn extend(outline: &Outline, end: End, to: &[Outline]) -> Result<Answer<Outline>, Error> {
    if outline.is_closed() {
        return Err(Error::Closed);
    }
    // Seen so that the end is always the last one.
    let turned = if end == End::First { outline.reversed() } else { outline.clone() };
    let last = turned.edge_count().saturating_sub(1);
    let edge = turned.edge(last).ok_or(Error::Degenerate)?;
    let carrier = edge.carrier();
    let mut nearest: Option<(f64, Vector)> = None;
    for other in to.iter().flat_map(|o| o.edges()) {
        for at in carrier.meet(&other.carrier()) {
            if other.within(at).is_none() {
                continue;
            }
            let ahead = match edge {
                Edge::Line { b, .. } => (at - b).dot(edge.direction(1.0)),
                Edge::Arc { centre, radius, start, sweep, .. } => {
                    let turn = (((at - centre).angle() - start) * sweep.signum())
                        .rem_euclid(std::f64::consts::TAU);
                    (turn - sweep.abs()) * radius
                }
            };
            if ahead > 2.0 * TOUCH && nearest.is_none_or(|(least, _)| ahead < least) {
                nearest = Some((ahead, at));
            }
        }
    }
    let (ahead, at) = nearest.ok_or(Error::NothingAhead)?;
    let mut vertices = turned.vertices().to_vec();
    if let [.., before, tip] = vertices.as_mut_slice() {
        if let Edge::Arc { radius, sweep, .. } = edge {
            before.bulge = libm::tan((sweep + sweep.signum() * ahead / radius) / 4.0);
        }
        tip.at = Point::nearest(at)?;
    }
    let longer = Outline::new(vertices, false)?;
    Ok(Answer::rounded(if end == End::First { longer.reversed() } else { longer }))
}

/// Parts the outline at the places nearest to some points. A closed one that is parted once is open.
///
/// # Errors
/// [`Error::NothingCuts`] where the points are at its ends.
pub fn split_at(outline: &Outline, at: &[Vector]) -> Result<Answer<Vec<Outline>>, Error> {
    let mut places: Vec<Place> = at.iter().map(|&p| outline.nearest(p).0).collect();
    places.sort_by(|a, b| a.edge.cmp(&b.edge).then(a.t.total_cmp(&b.t)));
    parted(outline, places)
}

/// Parts the outline wherever others cross or touch it.
///
/// # Errors
/// [`Error::NothingCuts`], [`Error::TooMany`].
pub fn split_by(outline: &Outline, by: &[Outline]) -> Result<Answer<Vec<Outline>>, Error> {
    let places = cuts(outline, by)?;
    parted(outline, places)
}

fn parted(outline: &Outline, mut places: Vec<Place>) -> Result<Answer<Vec<Outline>>, Error> {
    let at = |p: &Place| outline.at(*p).unwrap_or_default();
    places.dedup_by(|b, a| (at(a) - at(b)).length() <= 2.0 * TOUCH);
    let mut pieces = Vec::new();
    if outline.is_closed() {
        let first = *places.first().ok_or(Error::NothingCuts)?;
        for (n, from) in places.iter().enumerate() {
            let to = *places.get(n + 1).unwrap_or(&first);
            pieces.push(outline.piece(*from, to)?);
        }
        return Ok(Answer::rounded(pieces));
    }
    let ends = [first_place(), last_place(outline)];
    places.retain(|p| ends.iter().all(|end| (at(end) - at(p)).length() > 2.0 * TOUCH));
    if places.is_empty() {
        return Err(Error::NothingCuts);
    }
    let mut from = ends[0];
    for to in places.into_iter().chain([ends[1]]) {
        pieces.push(outline.piece(from, to)?);
        from = to;
    }
    Ok(Answer::rounded(pieces))
}

/// Joins open outlines, in whatever order and direction they are given, where their ends meet within
/// `tolerance`. The answer is closed where its own ends meet. Ends that are joined move to the middle.
///
/// # Errors
/// [`Error::Closed`], [`Error::DoNotMeet`], [`Error::TooMany`], [`Error::Degenerate`] for nothing.
pub fn join(outlines: &[Outline], tolerance: f64) -> Result<Answer<Outline>, Error> {
    if outlines.len() > JOINED {
        let what = "outlines that are joined";
        return Err(Error::TooMany { what, limit: JOINED, seen: outlines.len() });
    }
    if outlines.iter().any(Outline::is_closed) {
        return Err(Error::Closed);
    }
    let mut rest: Vec<&Outline> = outlines.iter().collect();
    if rest.is_empty() {
        return Err(Error::Degenerate);
    }
    let mut row: Vec<Vertex> = rest.remove(0).vertices().to_vec();
    let mut moved = 0.0_f64;
    while !rest.is_empty() {
        let (Some(head), Some(tail)) = (row.first(), row.last()) else { break };
        let (head, tail) = (head.at.vector(), tail.at.vector());
        // Which comes next, at which end of the row, and turned round or not.
        let mut best: Option<(f64, usize, bool, bool)> = None;
        for (n, other) in rest.iter().enumerate() {
            let (Some(a), Some(b)) = (other.vertices().first(), other.vertices().last()) else {
                continue;
            };
            let (a, b) = (a.at.vector(), b.at.vector());
            for (gap, at_head, turned) in [
                ((a - tail).length(), false, false),
                ((b - tail).length(), false, true),
                ((b - head).length(), true, false),
                ((a - head).length(), true, true),
            ] {
                if best.is_none_or(|(least, ..)| gap < least) {
                    best = Some((gap, n, at_head, turned));
                }
            }
        }
        let Some((gap, n, at_head, turned)) = best else { break };
        if gap > tolerance {
            let (gap_mm, tolerance_mm) = (told(gap), told(tolerance));
            return Err(Error::DoNotMeet { gap_mm, tolerance_mm });
        }
        moved = moved.max(gap / 2.0);
        let other = rest.remove(n);
        let other = if turned { other.reversed() } else { other.clone() };
        let (mut first, mut second) = match at_head {
            true => (other.vertices().to_vec(), std::mem::take(&mut row)),
            false => (std::mem::take(&mut row), other.vertices().to_vec()),
        };
        if let (Some(end), Some(start)) = (first.pop(), second.first_mut()) {
            start.at = middle(end.at, start.at);
        }
        first.append(&mut second);
        row = first;
    }
    let gap = match (row.first(), row.last()) {
        (Some(a), Some(b)) if row.len() > 2 => (a.at.vector() - b.at.vector()).length(),
        _ => f64::INFINITY,
    };
    let closed = gap <= tolerance;
    if closed && let (Some(last), Some(first)) = (row.pop(), row.first_mut()) {
        first.at = middle(first.at, last.at);
        moved = moved.max(gap / 2.0);
    }
    let error_mm = moved / 1e3 + crate::answer::ROUNDING_MM;
    Ok(Answer { value: Outline::new(row, closed)?, error_mm })
}

fn middle(a: Point, b: Point) -> Point {
    Point { x: a.x + (b.x - a.x) / 2, y: a.y + (b.y - a.y) / 2 }
}

//! Whether rings are still apart once their corners are rounded, and what is done where they are not.

use super::grid::{Boxed, Grid};
use super::net::{Meet, Place, Segment, Together, side};
use super::trace::Made;
use crate::overlay::{self, Fill, Wanted};
use crate::{Outline, Point};

/// Edges up to which all pairs are looked at.
const FEW: usize = 48;
/// How often what was overlaid anew is looked at again.
const ROUNDS: usize = 4;
/// Two rings that are nearer may have changed places by rounding: micrometres.
const NEAR: f64 = 2.0;
/// What is smaller encloses no circle of a radius of 2 micrometres: square micrometres.
const SPECK: f64 = 12.0;

/// A ring, and which of those it was overlaid with, if any: these touch as they should.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) points: Vec<Place>,
    pub(super) part: u32,
    group: u32,
}

/// Twice the area of a ring, exactly.
pub(super) fn double_area(points: &[Place]) -> i64 {
    let Some(&about) = points.first() else { return 0 };
    points.windows(2).map(|pair| side(about, pair[0], pair[1])).sum()
}

fn length(points: &[Place]) -> f64 {
    edges(points).map(|s| distance(s.a, s.b)).sum()
}

fn distance(a: Place, b: Place) -> f64 {
    let [x, y] = [0, 1].map(|n| f64::from(b[n]) - f64::from(a[n]));
    (x * x + y * y).sqrt()
}

fn edges(points: &[Place]) -> impl Iterator<Item = Segment> + '_ {
    let next = points.iter().skip(1).chain(points.first());
    points.iter().zip(next).map(|(&a, &b)| Segment { a, b })
}

/// Without corners that are one with the last, and without those at which a line goes straight on.
fn tidied(points: Vec<Place>) -> Vec<Place> {
    let goes_on = |a: Place, b: Place, c: Place| {
        let way = |from: Place, to: Place| [0, 1].map(|n| i64::from(to[n]) - i64::from(from[n]));
        let ([x, y], [p, q]) = (way(a, b), way(b, c));
        b == c || (x * q == y * p && x * p + y * q > 0)
    };
    let is_tidy = edges(&points)
        .zip(edges(&points).skip(1).chain(edges(&points).take(1)))
        .all(|(one, two)| one.a != one.b && !goes_on(one.a, one.b, two.b));
    if is_tidy {
        return points;
    }
    let mut kept: Vec<Place> = Vec::with_capacity(points.len());
    for at in points {
        while let [.., a, b] = kept[..]
            && goes_on(a, b, at)
        {
            kept.pop();
        }
        if kept.last() != Some(&at) {
            kept.push(at);
        }
    }
    // Round the end.
    while let [first, second, .., before, last] = kept[..] {
        if last == first || goes_on(before, last, first) {
            kept.pop();
        } else if goes_on(last, first, second) {
            kept.remove(0);
        } else {
            break;
        }
    }
    kept
}

/// The rings that rounding left as they should be: none of them touches itself or another. Those that do are
/// overlaid once more. `None` where that does not help.
pub(super) fn sound(made: Vec<Made>) -> Option<Vec<Checked>> {
    let mut rings = Vec::with_capacity(made.len());
    let mut thin = Vec::new();
    let mut whole = 0.0;
    for Made { points, exact, part } in made {
        let points = if exact.is_some() { tidied(points) } else { points };
        let area = double_area(&points) as f64 / 2.0;
        whole += exact.unwrap_or(area);
        if let Some(exact) = exact {
            let slack = NEAR * length(&points);
            if points.len() < 3 || area * exact <= 0.0 {
                // Turned over: it was thinner than rounding.
                if points.len() > 3 && exact.abs() > SPECK {
                    return None;
                }
                continue;
            }
            if area.abs() <= slack {
                thin.push(rings.len() as u32);
            }
            if (area - exact).abs() > slack {
                return None;
            }
        }
        rings.push(Checked { points, part, group: 0 });
    }
    let mut parts = Together::new(0);
    for round in 1..=ROUNDS {
        let bad = touching(&rings, if round == 1 { &thin } else { &[] })?;
        if bad.is_empty() {
            rings.iter_mut().for_each(|ring| ring.part = parts.find(ring.part));
            let (mut found, mut around) = (0.0, SPECK);
            for ring in rings.iter().filter(|_| round > 1) {
                found += double_area(&ring.points) as f64 / 2.0;
                around += length(&ring.points);
            }
            // Whatever was overlaid anew, the area is what it was.
            let kept = round == 1 || (found - whole).abs() <= NEAR * around;
            return kept.then_some(rings);
        }
        if round == 1 {
            parts = Together::new(rings.iter().map(|ring| ring.part as usize + 1).max()?);
        }
        for &[one, two] in &bad {
            parts.join(rings.get(one as usize)?.part, rings.get(two as usize)?.part);
        }
        rings = overlaid(rings, &bad, round as u32)?;
    }
    None
}

/// Pairs of rings that touch; a ring that touches itself is a pair.
fn touching(rings: &[Checked], thin: &[u32]) -> Option<Vec<[u32; 2]>> {
    let mut segments = Vec::new();
    let mut boxes = Vec::new();
    // Where each ring begins.
    let mut firsts = Vec::with_capacity(rings.len());
    for (ring, checked) in rings.iter().enumerate() {
        firsts.push(segments.len() as u32);
        for segment in edges(&checked.points) {
            boxes.push(Boxed::new(&segment, ring as u32, segments.len() as u32));
            segments.push(segment);
        }
    }
    let group = |ring: u32| rings.get(ring as usize).map_or(0, |r| r.group);
    let touch = |one: &Boxed, two: &Boxed| -> bool {
        let (s, t) = (&one.segment, &two.segment);
        if one.of == two.of {
            let (first, count) = (firsts.get(one.of as usize), rings.get(one.of as usize));
            let (first, count) = (first.copied().unwrap_or(0), count.map_or(0, |r| r.points.len()));
            let (p, q) = (one.number.min(two.number) - first, one.number.max(two.number) - first);
            let (before, behind) = if one.number < two.number { (s, t) } else { (t, s) };
            if q == p + 1 {
                return folds(before, behind);
            }
            if p == 0 && q as usize + 1 == count {
                return folds(behind, before);
            }
        }
        s.meet(t) != Meet::Apart
    };
    let mut bad = Vec::new();
    let mut look = |one: &Boxed, two: &Boxed| {
        if one.overlaps(two) {
            let known = group(one.of) != 0 && group(one.of) == group(two.of);
            if !known && touch(one, two) {
                bad.push([one.of, two.of]);
            }
        }
    };
    if segments.len() <= FEW && thin.is_empty() {
        for (at, one) in boxes.iter().enumerate() {
            boxes.iter().skip(at + 1).for_each(|two| look(one, two));
        }
        return Some(bad);
    }
    let grid = Grid::new(&segments)?;
    let mut local: Vec<Boxed> = Vec::new();
    for cell in 0..grid.columns * grid.rows {
        local.clear();
        local.extend(grid.entries(cell).iter().filter_map(|&n| boxes.get(n as usize)));
        for (at, one) in local.iter().enumerate() {
            local.iter().skip(at + 1).for_each(|two| look(one, two));
        }
    }
    for &ring in thin {
        let Some(own) = rings.get(ring as usize) else { continue };
        bad.extend(near(own, ring, &boxes));
    }
    Some(bad)
}

/// Whether two edges one behind the other run back on each other.
fn folds(one: &Segment, two: &Segment) -> bool {
    let way = |s: &Segment| [0, 1].map(|n| i64::from(s.b[n]) - i64::from(s.a[n]));
    let ([x, y], [p, q]) = (way(one), way(two));
    x * q == y * p && x * p + y * q < 0
}

/// The rings that a thin one is near to.
fn near(own: &Checked, ring: u32, boxes: &[Boxed]) -> Vec<[u32; 2]> {
    let wide = NEAR.ceil() as i32;
    let first = own.points.first().copied().unwrap_or_default();
    let (mut low, mut high) = (first, first);
    for at in &own.points {
        low = [low[0].min(at[0]), low[1].min(at[1])];
        high = [high[0].max(at[0]), high[1].max(at[1])];
    }
    let a = low.map(|n| n.saturating_sub(wide));
    let b = high.map(|n| n.saturating_add(wide));
    let about = Boxed::new(&Segment { a, b }, ring, 0);
    let foot = |s: &Segment, p: Place| {
        let [x, y] = [0, 1].map(|n| f64::from(s.b[n]) - f64::from(s.a[n]));
        let [u, v] = [0, 1].map(|n| f64::from(p[n]) - f64::from(s.a[n]));
        let t = ((x * u + y * v) / (x * x + y * y)).clamp(0.0, 1.0);
        (u - t * x).hypot(v - t * y)
    };
    let apart = |s: &Segment, t: &Segment| {
        foot(s, t.a).min(foot(s, t.b)).min(foot(t, s.a)).min(foot(t, s.b))
    };
    let others = boxes.iter().filter(|b| b.of != ring && b.overlaps(&about));
    others
        .filter(|other| edges(&own.points).any(|own| apart(&own, &other.segment) <= NEAR))
        .map(|other| [ring, other.of])
        .collect()
}

/// The rings with those that touch overlaid, each group on its own.
fn overlaid(rings: Vec<Checked>, bad: &[[u32; 2]], round: u32) -> Option<Vec<Checked>> {
    let mut groups = Together::new(rings.len());
    let mut is_bad = vec![false; rings.len()];
    for &[one, two] in bad {
        groups.join(one, two);
        *is_bad.get_mut(one as usize)? = true;
        *is_bad.get_mut(two as usize)? = true;
    }
    // What was overlaid together stays together.
    let mut known = std::collections::BTreeMap::new();
    for (number, ring) in rings.iter().enumerate().filter(|(_, ring)| ring.group != 0) {
        let first = *known.entry(ring.group).or_insert(number as u32);
        groups.join(first, number as u32);
    }
    let roots: Vec<u32> = (0..rings.len() as u32).map(|n| groups.find(n)).collect();
    let mut bad_roots = std::collections::BTreeMap::<u32, Vec<Checked>>::new();
    for (&root, _) in roots.iter().zip(&is_bad).filter(|(_, bad)| **bad) {
        bad_roots.entry(root).or_default();
    }
    let mut kept = Vec::with_capacity(rings.len());
    for (ring, root) in rings.into_iter().zip(roots) {
        match bad_roots.get_mut(&root) {
            Some(group) => group.push(ring),
            None => kept.push(ring),
        }
    }
    for (at, (_, group)) in bad_roots.into_iter().enumerate() {
        // A number of its own, different from those of rounds before.
        let number = (round << 24) | ((at as u32 + 1) & 0xff_ffff);
        kept.extend(anew(&group, number)?);
    }
    Some(kept)
}

/// Whether around a group of rings there is a piece of the region: what is below its leftmost corner. `None`
/// where edges that run both ways hide it.
fn is_within(group: &[Checked]) -> Option<bool> {
    let corner = group.iter().flat_map(|ring| ring.points.iter().copied()).min()?;
    let mut lowest: Option<([i64; 2], bool)> = None;
    for segment in group.iter().flat_map(|ring| edges(&ring.points)) {
        let (to, comes) = match segment {
            Segment { a, b } if a == corner => (b, false),
            Segment { a, b } if b == corner => (a, true),
            _ => continue,
        };
        let [x, y] = [0, 1].map(|n| i64::from(to[n]) - i64::from(corner[n]));
        // All lead to the right, or straight up.
        let order = lowest.map_or(1, |([p, q], _)| (x * q - y * p).signum());
        match lowest {
            Some((_, other)) if order == 0 && other != comes => return None,
            _ if order > 0 => lowest = Some(([x, y], comes)),
            _ => {}
        }
    }
    // To the left of an edge is the region: below one that comes.
    lowest.map(|(_, comes)| comes)
}

/// Overlays rings of the outline of one region.
fn anew(group: &[Checked], number: u32) -> Option<Vec<Checked>> {
    let part = group.iter().map(|ring| ring.part).min()?;
    let all = || group.iter().flat_map(|ring| ring.points.iter().copied());
    let wide = |p: Place| Point { x: i64::from(p[0]), y: i64::from(p[1]) };
    let outline = |ring: &Checked| Outline::polygon(ring.points.iter().map(|&p| wide(p))).ok();
    let mut outlines: Vec<Outline> = group.iter().filter_map(outline).collect();
    // Around holes alone there is a piece of the region.
    let mut frame = None;
    if is_within(group)? {
        let (x, y) = (all().map(|p| p[0]), all().map(|p| p[1]));
        let (left, right) = (i64::from(x.clone().min()?) - 16, i64::from(x.max()?) + 16);
        let (low, high) = (i64::from(y.clone().min()?) - 16, i64::from(y.max()?) + 16);
        let corners = [(left, low), (right, low), (right, high), (left, high)];
        outlines.push(Outline::polygon(corners.map(|(x, y)| Point { x, y })).ok()?);
        frame = Some(left);
    }
    let outlines: Vec<&Outline> = outlines.iter().collect();
    let shapes = overlay::straight(&outlines, &[], 1, Wanted::First, Fill::Positive);
    let mut found = Vec::new();
    for ring in shapes.into_iter().flatten() {
        if frame.is_some_and(|left| ring.iter().any(|p| p.x == left)) {
            continue;
        }
        let place = |p: &Point| Some([i32::try_from(p.x).ok()?, i32::try_from(p.y).ok()?]);
        let points = ring.iter().map(place).collect::<Option<Vec<Place>>>()?;
        found.push(Checked { points, part, group: number });
    }
    Some(found)
}

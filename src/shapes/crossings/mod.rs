//! Booleans of straight regions by their crossings, where no two of them touch without crossing.
//!
//! Each ring is walked from crossing to crossing (Weiler and Atherton 1977), and how many other regions cover
//! it is counted on the way: what is wanted of it goes on at a crossing with what is wanted of the other.
//! All decisions are by exact products of whole numbers; where edges touch, lie on each other or meet three
//! in a point nothing is decided and the general overlay is asked. Only what is left in the end is rounded,
//! and then looked at once more: rings that rounding brought together are overlaid among themselves.

mod depth;
mod grid;
mod net;
mod search;
mod sound;
mod trace;

use std::borrow::Cow;

use self::grid::Grid;
use self::net::{Net, Ring, Together};
use self::search::Events;
use self::sound::Checked;
use self::trace::Wanted;
use crate::overlay::{self, Fill};
use crate::{Answer, Operation, Outline, Part, Point, Region, Vertex};

/// Edges up to which two regions are looked at pair by pair.
const FEW: usize = 96;
/// How often regions that touch are united among themselves.
const ROUNDS: usize = 3;

/// A boolean of two straight regions of few edges; `None` where the general overlay must be asked.
pub(crate) fn pair(
    first: &Region,
    second: &Region,
    operation: Operation,
) -> Option<Answer<Region>> {
    let wanted = match operation {
        Operation::Union => Wanted { depth: [0, 0], back: false },
        Operation::Intersection => Wanted { depth: [1, 1], back: false },
        Operation::Difference => Wanted { depth: [0, 1], back: true },
        // Its pieces touch at each crossing.
        Operation::Xor => return None,
    };
    let both = [first, second];
    let edges: usize = both.iter().flat_map(|r| r.outlines()).map(|o| o.vertices().len()).sum();
    if edges > FEW || first.is_empty() || second.is_empty() {
        return None;
    }
    let net = Net::read(both.into_iter())?;
    let crossings = search::few(&net)?;
    let events = Events::new(&net, &crossings).ok()?;
    let mut made = trace::trace(&net, &crossings, &events, &depth::few(&net), wanted)?;
    // A hole may be of one that crosses nothing.
    made.iter_mut().for_each(|ring| ring.part = 0);
    let rings = sound::sound(made)?;
    Some(answer(rings, net.middle, 1.0))
}

/// The union of many straight regions; `None` where the general overlay must be asked.
pub(crate) fn union(regions: &[Region]) -> Option<Answer<Region>> {
    let mut units = in_strips(regions);
    for round in 0..ROUNDS {
        let net = Net::read(units.iter().map(AsRef::as_ref))?;
        let grid = Grid::new(&net.segments)?;
        let mut found = search::many(&net, &grid, units.len() / 4);
        let events = match Events::new(&net, &found.crossings) {
            Ok(events) => Some(events),
            Err(equal) => {
                let edges = equal.iter().filter_map(|&n| found.crossings.get(n as usize));
                let units = edges.flat_map(|c| c.of).filter_map(|edge| unit_of(&net, edge));
                let units: Vec<u32> = units.collect();
                found.touching.extend(units.windows(2).map(|pair| [pair[0], pair[1]]));
                None
            }
        };
        if let (true, Some(events)) = (found.touching.is_empty(), events) {
            let depths = depth::many(&net, &grid);
            let wanted = Wanted { depth: [0, 0], back: false };
            let made = trace::trace(&net, &found.crossings, &events, &depths, wanted)?;
            let rings = sound::sound(made)?;
            return Some(answer(rings, net.middle, 1.0 + round as f64));
        }
        units = united(units, &found.touching)?;
    }
    None
}

/// The regions in the order of their first corners along strips, so that neighbours lie beside each other
/// in memory.
fn in_strips(regions: &[Region]) -> Vec<Cow<'_, Region>> {
    let corner = |r: &Region| Some(r.parts().first()?.outer.vertices().first()?.at);
    let placed: Vec<(Point, &Region)> =
        regions.iter().filter_map(|region| Some((corner(region)?, region))).collect();
    let (low, high) = placed
        .iter()
        .fold((i64::MAX, i64::MIN), |(low, high), (at, _)| (low.min(at.y), high.max(at.y)));
    let strips = (placed.len() as f64).sqrt().ceil().max(1.0) as i64;
    let height = (high.saturating_sub(low) / strips).max(1);
    let numbered = placed.iter().zip(0_usize..);
    let mut order: Vec<(i64, i64, usize)> =
        numbered.map(|((at, _), number)| ((at.y - low) / height, at.x, number)).collect();
    order.sort_unstable();
    let region = |(_, _, number): (i64, i64, usize)| Some(Cow::Borrowed(placed.get(number)?.1));
    order.into_iter().filter_map(region).collect()
}

/// The region that an edge is of.
fn unit_of(net: &Net, edge: u32) -> Option<u32> {
    let at = net.rings.partition_point(|ring| ring.first <= edge);
    net.rings.get(at.checked_sub(1)?).map(|ring: &Ring| ring.unit)
}

/// The regions with those that touch united by the general overlay; `None` where these are most of them.
fn united<'r>(units: Vec<Cow<'r, Region>>, touching: &[[u32; 2]]) -> Option<Vec<Cow<'r, Region>>> {
    let mut groups = Together::new(units.len());
    let mut touches = vec![false; units.len()];
    for &[one, two] in touching {
        groups.join(one, two);
        *touches.get_mut(one as usize)? = true;
        *touches.get_mut(two as usize)? = true;
    }
    if 2 * touches.iter().filter(|t| **t).count() > units.len() {
        return None;
    }
    let mut kept = Vec::with_capacity(units.len());
    let mut together = std::collections::BTreeMap::<u32, Vec<Cow<'r, Region>>>::new();
    for (number, unit) in units.into_iter().enumerate() {
        match touches.get(number) {
            Some(true) => together.entry(groups.find(number as u32)).or_default().push(unit),
            _ => kept.push(unit),
        }
    }
    for group in together.into_values() {
        let outlines: Vec<&Outline> = group.iter().flat_map(|r| r.outlines()).collect();
        let shapes = overlay::straight(&outlines, &[], 1, overlay::Wanted::First, Fill::NonZero);
        kept.push(Cow::Owned(Region::polygons(shapes)));
    }
    Some(kept)
}

/// The region of rings about a middle. `steps`: how often points were rounded.
fn answer(rings: Vec<Checked>, middle: Point, steps: f64) -> Answer<Region> {
    let mut parts: Vec<(u32, Part)> = Vec::new();
    let mut holes = Vec::new();
    for ring in rings {
        let vertices = ring.points.iter().map(|p| {
            let at = Point { x: middle.x + i64::from(p[0]), y: middle.y + i64::from(p[1]) };
            Vertex { at, bulge: 0.0 }
        });
        let outline = Outline::ring(vertices.collect());
        match sound::double_area(&ring.points) > 0 {
            true => parts.push((ring.part, Part { outer: outline, holes: Vec::new() })),
            false => holes.push((ring.part, outline)),
        }
    }
    // A stable sort: pieces of one part stay in order.
    parts.sort_by_key(|(part, _)| *part);
    for (part, hole) in holes {
        let from = parts.partition_point(|(of, _)| *of < part);
        let to = parts.partition_point(|(of, _)| *of <= part);
        let own = parts.get_mut(from..to).unwrap_or_default();
        if let [(_, only)] = own {
            only.holes.push(hole);
        } else if let Some(part) = innermost(own, &hole) {
            part.holes.push(hole);
        }
    }
    let value = Region::of_parts(parts.into_iter().map(|(_, part)| part).collect());
    // Each crossing is rounded once; rounding may move what it is a neighbour of by as much.
    Answer { value, error_mm: (1.0 + steps) * crate::answer::ROUNDING_MM }
}

/// The smallest outline that a hole lies in.
fn innermost<'p>(parts: &'p mut [(u32, Part)], hole: &Outline) -> Option<&'p mut Part> {
    let around = |part: &Part| hole.vertices().iter().any(|v| encloses(&part.outer, v.at));
    let found = parts
        .iter()
        .enumerate()
        .filter(|(_, (_, part))| around(part))
        .min_by(|(_, (_, a)), (_, (_, b))| a.outer.area().total_cmp(&b.outer.area()))
        .map(|(at, _)| at)?;
    parts.get_mut(found).map(|(_, part)| part)
}

/// Whether a place is inside of a straight outline, and not on it.
fn encloses(outline: &Outline, at: Point) -> bool {
    let ends = outline.vertices().iter().map(|v| v.at);
    let next = ends.clone().cycle().skip(1);
    let mut turns = 0;
    for (a, b) in ends.zip(next) {
        let wide = |p: i64, q: i64| i128::from(p) - i128::from(q);
        let side = wide(b.x, a.x) * wide(at.y, a.y) - wide(b.y, a.y) * wide(at.x, a.x);
        let on = side == 0
            && (a.x.min(b.x)..=a.x.max(b.x)).contains(&at.x)
            && (a.y.min(b.y)..=a.y.max(b.y)).contains(&at.y);
        if on {
            return false;
        }
        match (a.y <= at.y, b.y <= at.y) {
            (true, false) if side > 0 => turns += 1,
            (false, true) if side < 0 => turns -= 1,
            _ => {}
        }
    }
    turns != 0
}

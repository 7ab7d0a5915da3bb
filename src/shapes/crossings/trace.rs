//! From crossings to rings: each ring is walked from crossing to crossing, and what is wanted of it goes on
//! at a crossing with what is wanted of the ring that crosses.

use super::net::{Net, Place, Ring, Together};
use super::search::{Crossing, Event, Events};

/// Which edges are wanted: those that are covered so many times by other regions. The edges of the second
/// of two regions may be wanted the other way round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) depth: [i32; 2],
    pub(super) back: bool,
}

/// A ring of the answer.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) points: Vec<Place>,
    /// The area before its corners were rounded, where they were.
    pub(super) exact: Option<f64>,
    /// What is connected has one number.
    pub(super) part: u32,
}

/// A piece of a ring that is wanted.
struct Chain {
    ring: u32,
    /// The edge that it begins on, counted in the ring, and how many corners follow.
    from: u32,
    corners: u32,
    begin: u32,
    end: u32,
    back: bool,
}

const NONE: u32 = u32::MAX;

/// The rings of the answer; `None` where the crossings do not fit together. `depths`: how many other regions
/// cover the first corner of each ring.
pub(super) fn trace(
    net: &Net,
    crossings: &[Crossing],
    events: &Events,
    depths: &[i32],
    wanted: Wanted,
) -> Option<Vec<Made>> {
    let mut parts = Together::new(net.parts as usize);
    let mut made = Vec::new();
    let mut chains: Vec<Chain> = Vec::new();
    for ((number, ring), &start) in net.rings.iter().enumerate().zip(depths) {
        let side = usize::from(ring.unit == 1);
        let depth = *wanted.depth.get(side)?;
        let back = wanted.back && side == 1;
        let found = walk(ring, events.of(ring.first, ring.count), start, depth)?;
        let chain = |(open, close): (&Event, &Event)| {
            let (from, to) = (open.edge - ring.first, close.edge - ring.first);
            let ahead = to > from || (to == from && close.along > open.along);
            let corners = if ahead { to - from } else { ring.count + to - from };
            let (begin, end) = match back {
                false => (open.crossing, close.crossing),
                true => (close.crossing, open.crossing),
            };
            Chain { ring: number as u32, from, corners, begin, end, back }
        };
        match found {
            Walked::Pieces(pieces) => chains.extend(pieces.into_iter().map(chain)),
            Walked::Whole => {
                let mut points: Vec<Place> = net.of(ring).iter().map(|s| s.a).collect();
                if back {
                    points.reverse();
                }
                made.push(Made { points, exact: None, part: ring.part });
            }
            Walked::Nothing => {}
        }
    }
    let part_of = ring_parts(net);
    for crossing in crossings {
        let [one, two] = crossing.of.map(|edge| part_of.get(edge as usize).copied());
        parts.join(one?, two?);
    }
    link(net, crossings, &chains, &mut made)?;
    for ring in &mut made {
        ring.part = parts.find(ring.part);
    }
    Some(made)
}

/// The part of each edge.
fn ring_parts(net: &Net) -> Vec<u32> {
    let of = |ring: &Ring| std::iter::repeat_n(ring.part, ring.count as usize);
    net.rings.iter().flat_map(of).collect()
}

enum Walked<'e> {
    Nothing,
    Whole,
    /// From where to where it is wanted; the last one may go on over the first corner.
    Pieces(Vec<(&'e Event, &'e Event)>),
}

fn walk<'e>(ring: &Ring, events: &'e [Event], start: i32, wanted: i32) -> Option<Walked<'e>> {
    let mut depth = start;
    let (mut open, mut over) = (None, None);
    let mut pieces = Vec::new();
    for event in events {
        let was = depth == wanted;
        depth += if event.enters { 1 } else { -1 };
        let is = depth == wanted;
        if depth < 0 || event.edge < ring.first {
            return None;
        }
        if is && !was {
            open = Some(event);
        } else if was && !is {
            match open.take() {
                Some(open) => pieces.push((open, event)),
                None if over.is_none() => over = Some(event),
                None => return None,
            }
        }
    }
    if depth != start || start < 0 {
        return None;
    }
    match (open, over) {
        (Some(open), Some(over)) => pieces.push((open, over)),
        (None, None) if pieces.is_empty() && start == wanted => return Some(Walked::Whole),
        (None, None) if pieces.is_empty() => return Some(Walked::Nothing),
        (None, None) => {}
        _ => return None,
    }
    Some(Walked::Pieces(pieces))
}

/// Puts chains together at their crossings.
fn link(net: &Net, crossings: &[Crossing], chains: &[Chain], made: &mut Vec<Made>) -> Option<()> {
    let mut begins = vec![NONE; crossings.len()];
    for (number, chain) in chains.iter().enumerate() {
        let place = begins.get_mut(chain.begin as usize)?;
        if *place != NONE {
            return None;
        }
        *place = number as u32;
    }
    let mut used = vec![false; chains.len()];
    for number in 0..chains.len() {
        if *used.get(number)? {
            continue;
        }
        let mut ring = Rounded::default();
        let mut at = number;
        while !*used.get(at)? {
            *used.get_mut(at)? = true;
            let chain = chains.get(at)?;
            let crossing = crossings.get(chain.begin as usize)?;
            ring.cross(net.segments.get(crossing.of[0] as usize)?.at(crossing.along[0]));
            let segments = net.of(net.rings.get(chain.ring as usize)?);
            for step in 0..chain.corners {
                let step = if chain.back { chain.corners - 1 - step } else { step };
                let corner = (chain.from + 1 + step) as usize;
                let corner = if corner < segments.len() { corner } else { corner - segments.len() };
                ring.corner(segments.get(corner)?.a);
            }
            at = *begins.get(chain.end as usize)? as usize;
        }
        // Back where it began, and nowhere else.
        if at != number {
            return None;
        }
        let part = net.rings.get(chains.get(number)?.ring as usize)?.part;
        made.push(Made { exact: Some(ring.area()), points: ring.points, part });
    }
    Some(())
}

/// A ring whose crossings are rounded, and its area before they were.
#[derive(Default)]
struct Rounded {
    points: Vec<Place>,
    about: Option<[f64; 2]>,
    last: [f64; 2],
    double: f64,
}

impl Rounded {
    fn add(&mut self, at: [f64; 2]) {
        let about = *self.about.get_or_insert(at);
        let at = [at[0] - about[0], at[1] - about[1]];
        self.double += self.last[0] * at[1] - self.last[1] * at[0];
        self.last = at;
    }

    fn cross(&mut self, at: [f64; 2]) {
        self.add(at);
        self.points.push(at.map(|n| n.round() as i32));
    }

    fn corner(&mut self, at: Place) {
        self.add(at.map(f64::from));
        self.points.push(at);
    }

    fn area(&self) -> f64 {
        self.double / 2.0
    }
}

//! All crossings of edges of different regions.

use super::grid::{Boxed, Grid};
use super::net::{Meet, Net, Segment};

/// Two edges of different regions that cross.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// The edges.
    pub(super) of: [u32; 2],
    /// How far along each.
    pub(super) along: [f64; 2],
    /// The first edge enters the region of the second there, which leaves that of the first; or the other
    /// way round.
    pub(super) enters: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) crossings: Vec<Crossing>,
    /// Regions whose edges touch without crossing.
    pub(super) touching: Vec<[u32; 2]>,
}

/// The crossings of two regions of few edges; `None` where they touch.
pub(super) fn few(net: &Net) -> Option<Vec<Crossing>> {
    let split = net.rings.iter().find(|ring| ring.unit > 0)?.first as usize;
    let (one, two) = net.segments.split_at_checked(split)?;
    let mut crossings = Vec::new();
    let boxes: Vec<Boxed> =
        two.iter().zip(split..).map(|(s, n)| Boxed::new(s, 1, n as u32)).collect();
    for (number, segment) in one.iter().enumerate() {
        let own = Boxed::new(segment, 0, number as u32);
        for (other, theirs) in two.iter().zip(&boxes) {
            if !own.overlaps(theirs) {
                continue;
            }
            match segment.meet(other) {
                Meet::Apart => {}
                Meet::Touch => return None,
                Meet::Cross { along, enters } => {
                    crossings.push(Crossing { of: [own.number, theirs.number], along, enters });
                }
            }
        }
    }
    Some(crossings)
}

/// The crossings of many regions. Ends where more than `touches` touch.
#[inline(never)]
pub(super) fn many(net: &Net, grid: &Grid, touches: usize) -> Found {
    let mut found = Found::default();
    let units: Vec<u32> = net
        .rings
        .iter()
        .flat_map(|ring| std::iter::repeat_n(ring.unit, ring.count as usize))
        .collect();
    let boxed = |&number: &u32| {
        let (segment, unit) = net.segments.get(number as usize).zip(units.get(number as usize))?;
        let boxed = Boxed::new(segment, *unit, number);
        Some((boxed, grid.is_full(boxed.low, boxed.high)))
    };
    let mut local: Vec<(Boxed, bool)> = Vec::new();
    for cell in 0..grid.columns * grid.rows {
        local.clear();
        local.extend(grid.entries(cell).iter().filter_map(boxed));
        // Two edges may be in several cells together: they are looked at in one, or their crossing is in one.
        let is_here = |s: &Segment, along: [f64; 2]| grid.cell_at(s.at(along[0])) == cell;
        for (at, (one, one_full)) in local.iter().enumerate() {
            for (two, two_full) in local.iter().skip(at + 1) {
                if !one.overlaps(two) | (one.of == two.of) {
                    continue;
                }
                let full = *one_full && *two_full;
                if full && !grid.begins(one, two, cell) {
                    continue;
                }
                match one.segment.meet(&two.segment) {
                    Meet::Apart => {}
                    Meet::Touch => found.touching.push([one.of, two.of]),
                    Meet::Cross { along, enters } if full || is_here(&one.segment, along) => {
                        let of = [one.number, two.number];
                        found.crossings.push(Crossing { of, along, enters });
                    }
                    Meet::Cross { .. } => {}
                }
            }
        }
        if found.touching.len() > touches {
            break;
        }
    }
    found
}

/// Where an edge is crossed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) along: f64,
    /// The crossing.
    pub(super) crossing: u32,
    /// The edge.
    pub(super) edge: u32,
    pub(super) enters: bool,
}

/// The crossings along each edge.
#[derive(Debug)]
pub(super) struct Events {
    starts: Vec<u32>,
    all: Vec<Event>,
}

/// Parameters that are nearer than this are compared as fractions.
const CLOSE: f64 = 1e-12;

impl Events {
    /// In the order of edges and along each. `Err`: the regions of three edges that meet in one point.
    pub(super) fn new(net: &Net, crossings: &[Crossing]) -> Result<Events, [u32; 2]> {
        let mut starts = vec![0_u32; net.segments.len() + 1];
        for edge in crossings.iter().flat_map(|c| c.of) {
            if let Some(count) = starts.get_mut(edge as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let none = Event { along: 0.0, crossing: 0, edge: 0, enters: false };
        let mut all = vec![none; 2 * crossings.len()];
        let mut next = starts.clone();
        for (number, crossing) in crossings.iter().enumerate() {
            for (which, edge) in crossing.of.into_iter().enumerate() {
                let Some(at) = next.get_mut(edge as usize) else { continue };
                if let Some(event) = all.get_mut(*at as usize) {
                    let along = if which == 0 { crossing.along[0] } else { crossing.along[1] };
                    let enters = crossing.enters == (which == 0);
                    *event = Event { along, crossing: number as u32, edge, enters };
                }
                *at += 1;
            }
        }
        let mut equal = None;
        for ends in starts.windows(2).filter(|ends| ends[1] - ends[0] > 1) {
            let Some(events) = all.get_mut(ends[0] as usize..ends[1] as usize) else { continue };
            events.sort_unstable_by(|p, q| {
                if (p.along - q.along).abs() > CLOSE {
                    return p.along.total_cmp(&q.along);
                }
                let order = exactly(net, crossings, p, q);
                if order.is_eq() && p.crossing != q.crossing {
                    equal = Some([p.crossing, q.crossing]);
                }
                order
            });
        }
        match equal {
            Some(equal) => Err(equal),
            None => Ok(Events { starts, all }),
        }
    }

    /// Those of some edges one behind the other.
    pub(super) fn of(&self, first: u32, count: u32) -> &[Event] {
        let ends = self.starts.get(first as usize).zip(self.starts.get((first + count) as usize));
        ends.and_then(|(&a, &b)| self.all.get(a as usize..b as usize)).unwrap_or_default()
    }
}

/// Which of two crossings of one edge is first.
fn exactly(net: &Net, crossings: &[Crossing], p: &Event, q: &Event) -> std::cmp::Ordering {
    let segment = |number: u32| -> Option<&Segment> { net.segments.get(number as usize) };
    let fraction = |event: &Event| {
        let [one, two] = crossings.get(event.crossing as usize)?.of;
        let other = if one == event.edge { two } else { one };
        Some(segment(event.edge)?.fraction(segment(other)?))
    };
    match fraction(p).zip(fraction(q)) {
        Some(((n, d), (m, e))) => {
            (i128::from(n) * i128::from(e)).cmp(&(i128::from(m) * i128::from(d)))
        }
        None => std::cmp::Ordering::Equal,
    }
}

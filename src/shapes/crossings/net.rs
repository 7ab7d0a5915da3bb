//! Edges of several regions as whole numbers about their middle, so narrow that products fit 64 bits.

use crate::{Point, Region};

/// How far coordinates may be apart: products of two differences, added, are below 2^62.
const NARROW: i64 = 1 << 30;

/// A place about the middle. Micrometres.
pub(super) type Place = [i32; 2];

/// A directed edge; what it bounds lies to its left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) a: Place,
    pub(super) b: Place,
}

/// How two edges of overlapping boxes lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meet {
    Apart,
    /// They share a point that is an end of one of them, or more than a point.
    Touch,
    /// They cross, so far along each; `enters`: the first comes from the right of the second.
    Cross {
        along: [f64; 2],
        enters: bool,
    },
}

/// `(b - a) × (p - a)`: positive where `p` is to the left.
#[inline]
pub(super) fn side(a: Place, b: Place, p: Place) -> i64 {
    let wide = |n: i32| i64::from(n);
    (wide(b[0]) - wide(a[0])) * (wide(p[1]) - wide(a[1]))
        - (wide(b[1]) - wide(a[1])) * (wide(p[0]) - wide(a[0]))
}

impl Segment {
    #[inline]
    pub(super) fn side(&self, p: Place) -> i64 {
        side(self.a, self.b, p)
    }

    pub(super) fn low(&self) -> Place {
        [self.a[0].min(self.b[0]), self.a[1].min(self.b[1])]
    }

    pub(super) fn high(&self) -> Place {
        [self.a[0].max(self.b[0]), self.a[1].max(self.b[1])]
    }

    /// Exact, for edges whose boxes overlap.
    #[inline]
    pub(super) fn meet(&self, other: &Segment) -> Meet {
        let one_side = |p: i64, q: i64| (p > 0 && q > 0) || (p < 0 && q < 0);
        let (from, to) = (other.side(self.a), other.side(self.b));
        if one_side(from, to) {
            return Meet::Apart;
        }
        let (begin, end) = (self.side(other.a), self.side(other.b));
        if one_side(begin, end) {
            return Meet::Apart;
        }
        if from == 0 || to == 0 || begin == 0 || end == 0 {
            return Meet::Touch;
        }
        let along = [from as f64 / (from - to) as f64, begin as f64 / (begin - end) as f64];
        Meet::Cross { along, enters: from < 0 }
    }

    /// Where it is crossed by another, as a fraction of whole numbers with a denominator above zero.
    pub(super) fn fraction(&self, other: &Segment) -> (i64, i64) {
        let (from, to) = (other.side(self.a), other.side(self.b));
        if from > to { (from, from - to) } else { (-from, to - from) }
    }

    /// The place so far along.
    #[inline]
    pub(super) fn at(&self, t: f64) -> [f64; 2] {
        let part = |a: i32, b: i32| f64::from(a) + t * (f64::from(b) - f64::from(a));
        [part(self.a[0], self.b[0]), part(self.a[1], self.b[1])]
    }
}

/// A ring of edges, one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    pub(super) first: u32,
    pub(super) count: u32,
    /// The region it is of.
    pub(super) unit: u32,
    /// The connected piece it is of.
    pub(super) part: u32,
}

/// The edges of regions.
#[derive(Debug, Default)]
pub(super) struct Net {
    pub(super) middle: Point,
    pub(super) segments: Vec<Segment>,
    pub(super) rings: Vec<Ring>,
    pub(super) parts: u32,
}

impl Net {
    /// Reads regions of straight edges; `None` where they lie too far apart.
    pub(super) fn read<'r>(regions: impl Iterator<Item = &'r Region> + Clone) -> Option<Net> {
        let (mut low, mut high) = ([i64::MAX; 2], [i64::MIN; 2]);
        let mut count = 0;
        for outline in regions.clone().flat_map(Region::outlines) {
            count += outline.vertices().len();
            for v in outline.vertices() {
                low = [low[0].min(v.at.x), low[1].min(v.at.y)];
                high = [high[0].max(v.at.x), high[1].max(v.at.y)];
            }
        }
        if count == 0 || high[0] - low[0] >= NARROW || high[1] - low[1] >= NARROW {
            return None;
        }
        let middle =
            Point { x: low[0] + (high[0] - low[0]) / 2, y: low[1] + (high[1] - low[1]) / 2 };
        let mut net = Net { middle, segments: Vec::with_capacity(count), ..Net::default() };
        let place = |p: Point| [(p.x - middle.x) as i32, (p.y - middle.y) as i32];
        for (unit, region) in regions.enumerate() {
            for part in region.parts() {
                for outline in std::iter::once(&part.outer).chain(&part.holes) {
                    let (first, ring) = (net.segments.len() as u32, outline.vertices());
                    let Some(begin) = ring.first().map(|v| place(v.at)) else { continue };
                    let mut a = begin;
                    for vertex in ring.iter().skip(1) {
                        let b = place(vertex.at);
                        net.segments.push(Segment { a, b });
                        a = b;
                    }
                    net.segments.push(Segment { a, b: begin });
                    let count = ring.len() as u32;
                    net.rings.push(Ring { first, count, unit: unit as u32, part: net.parts });
                }
                net.parts += 1;
            }
        }
        Some(net)
    }

    pub(super) fn of(&self, ring: &Ring) -> &[Segment] {
        let first = ring.first as usize;
        self.segments.get(first..first + ring.count as usize).unwrap_or_default()
    }
}

/// Which of many belong together.
#[derive(Debug)]
pub(super) struct Together(Vec<u32>);

impl Together {
    pub(super) fn new(count: usize) -> Together {
        Together((0..count as u32).collect())
    }

    /// The one that stands for all that it is together with.
    pub(super) fn find(&mut self, mut of: u32) -> u32 {
        while let Some(&above) = self.0.get(of as usize).filter(|&&above| above != of) {
            let next = self.0.get(above as usize).copied().unwrap_or(above);
            if let Some(place) = self.0.get_mut(of as usize) {
                *place = next;
            }
            of = next;
        }
        of
    }

    pub(super) fn join(&mut self, one: u32, two: u32) {
        let (one, two) = (self.find(one), self.find(two));
        // The lower number stands: the answer does not depend on the order.
        if let Some(place) = self.0.get_mut(one.max(two) as usize) {
            *place = one.min(two);
        }
    }
}

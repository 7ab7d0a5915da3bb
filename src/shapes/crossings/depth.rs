//! How many regions other than its own cover the first corner of each ring.

use super::grid::Grid;
use super::net::{Net, Place, Ring, Segment};

/// How often segments go round a place that none of them touches.
pub(super) fn turns(segments: &[Segment], at: Place) -> i32 {
    let mut turns = 0;
    for segment in segments {
        let (below, above) = (segment.a[1] <= at[1], segment.b[1] <= at[1]);
        if below && !above && segment.side(at) > 0 {
            turns += 1;
        } else if !below && above && segment.side(at) < 0 {
            turns -= 1;
        }
    }
    turns
}

/// Of two regions.
pub(super) fn few(net: &Net) -> Vec<i32> {
    let split = net.rings.iter().find(|ring| ring.unit > 0).map_or(0, |ring| ring.first as usize);
    let (one, two) = net.segments.split_at_checked(split).unwrap_or_default();
    let others = |ring: &Ring| if ring.unit == 0 { two } else { one };
    let first = |ring: &Ring| net.of(ring).first().map_or([0, 0], |s| s.a);
    net.rings.iter().map(|ring| turns(others(ring), first(ring))).collect()
}

/// Of many regions, none of which touch.
///
/// Corners of cells lie half a micrometre beside all whole places; how often each is gone round is added up
/// along the rows. From there it is a way through one cell: level, then straight up to just below the corner,
/// a trifle to its right.
#[inline(never)]
pub(super) fn many(net: &Net, grid: &Grid) -> Vec<i32> {
    let wide = grid.columns + 1;
    let mut corners = vec![0_i32; wide * grid.rows];
    for segment in &net.segments {
        let (low, high) = (grid.row(segment.low()[1]), grid.row(segment.high()[1]));
        for row in low + 1..=high {
            if let Some(corner) = corners.get_mut(row * wide + grid.crossed(segment, row) + 1) {
                *corner += to_the_right(segment);
            }
        }
    }
    for row in corners.chunks_mut(wide) {
        let mut sum = 0;
        for corner in row {
            sum += *corner;
            *corner = sum;
        }
    }
    let depth = |ring: &Ring| {
        let Some(at) = net.of(ring).first().map(|s| s.a) else { return 0 };
        let (column, row) = (grid.column(at[0]), grid.row(at[1]));
        let mut depth = corners.get(row * wide + column).copied().unwrap_or_default();
        let mut own = Own::default();
        let bottom = grid.bottom(row);
        for &number in grid.entries(row * grid.columns + column) {
            let Some(segment) = net.segments.get(number as usize) else { continue };
            depth += passed(segment, at, bottom, |s| grid.crossed(s, row) == column);
            own.see(segment, at);
        }
        depth - own.below()
    };
    net.rings.iter().map(depth).collect()
}

/// By how much a way to the right changes that passes an edge.
fn to_the_right(segment: &Segment) -> i32 {
    if segment.b[1] > segment.a[1] { -1 } else { 1 }
}

/// By how much the way from the corner of a cell to just below a place changes by one edge. `bottom`: the
/// lowest y of the row.
fn passed(segment: &Segment, at: Place, bottom: i32, is_here: impl Fn(&Segment) -> bool) -> i32 {
    let Segment { a, b } = *segment;
    let mut change = 0;
    // Where the way turns up, twice: it is half a micrometre below the row.
    let bend = [2 * i64::from(at[0]), 2 * i64::from(bottom) - 1];
    let turned = {
        let (ux, uy) = (i64::from(b[0]) - i64::from(a[0]), i64::from(b[1]) - i64::from(a[1]));
        ux * (bend[1] - 2 * i64::from(a[1])) - uy * (bend[0] - 2 * i64::from(a[0]))
    };
    if (a[1] < bottom) != (b[1] < bottom) && is_here(segment) {
        // The bend is to the right of the edge, or on it and so a trifle to its right.
        let right = if b[1] > a[1] { turned <= 0 } else { turned >= 0 };
        if right {
            change += to_the_right(segment);
        }
    }
    if (a[0] <= at[0]) != (b[0] <= at[0]) {
        let rightward = if b[0] > a[0] { 1 } else { -1 };
        let rises = (b[1] > a[1]) == (b[0] > a[0]) && a[1] != b[1];
        let above_bend = match turned * rightward {
            0 => rises,
            n => n < 0,
        };
        let below_place = segment.side(at) * rightward > 0;
        if above_bend && below_place {
            change += rightward as i32;
        }
    }
    change
}

/// The edges at a place, all of the region that has a corner there.
#[derive(Default)]
struct Own {
    /// The first direction counter-clockwise from straight down, and whether an edge comes from there.
    first: Option<([i64; 2], bool)>,
}

impl Own {
    fn see(&mut self, segment: &Segment, at: Place) {
        let Segment { a, b } = *segment;
        let way = |to: Place| [0, 1].map(|n| i64::from(to[n]) - i64::from(at[n]));
        if a == at {
            self.add(way(b), false);
        } else if b == at {
            self.add(way(a), true);
        } else {
            let (low, high) = (segment.low(), segment.high());
            let in_box = (0..2).all(|n| low[n] <= at[n] && at[n] <= high[n]);
            if in_box && segment.side(at) == 0 {
                self.add(way(b), false);
                self.add(way(a), true);
            }
        }
    }

    fn add(&mut self, way: [i64; 2], comes: bool) {
        let quarter = |[x, y]: [i64; 2]| match (x.signum(), y.signum()) {
            (1, _) => 0,
            (0, 1) => 1,
            (-1, _) => 2,
            // Straight down is last: the way comes up a trifle to the right of it.
            _ => 3,
        };
        let before = |[x, y]: [i64; 2], [p, q]: [i64; 2]| {
            let (one, two) = (quarter([x, y]), quarter([p, q]));
            one < two || (one == two && x * q - y * p > 0)
        };
        if self.first.is_none_or(|(first, _)| before(way, first)) {
            self.first = Some((way, comes));
        }
    }

    /// 1 if the region covers what is just below: what lies clockwise of an edge that comes is inside.
    fn below(&self) -> i32 {
        i32::from(self.first.is_some_and(|(_, comes)| comes))
    }
}

//! A grid of square cells that knows which edges pass through each.

use super::net::{Place, Segment};

/// Cells that one edge is in, on average, at most.
const SPREAD: usize = 16;
/// Pairs of edges in one cell that are looked at for each edge, on average, at most.
const CROWD: usize = 400;

/// An edge and its box, what it is of, and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boxed {
    pub(super) segment: Segment,
    pub(super) low: Place,
    pub(super) high: Place,
    pub(super) of: u32,
    pub(super) number: u32,
}

impl Boxed {
    #[inline]
    pub(super) fn new(segment: &Segment, of: u32, number: u32) -> Boxed {
        Boxed { segment: *segment, low: segment.low(), high: segment.high(), of, number }
    }

    #[inline]
    pub(super) fn overlaps(&self, other: &Boxed) -> bool {
        (self.low[0] <= other.high[0])
            & (other.low[0] <= self.high[0])
            & (self.low[1] <= other.high[1])
            & (other.low[1] <= self.high[1])
    }
}

/// Cells over the box of all edges; those of a row lie beside each other.
#[derive(Debug)]
pub(super) struct Grid {
    low: Place,
    /// A cell is 2^shift micrometres wide.
    shift: u32,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Where the entries of each cell begin.
    starts: Vec<u32>,
    entries: Vec<u32>,
}

impl Grid {
    /// Edges by cells. O(edges); `None` where so many edges lie in each other's cells that to look at all
    /// pairs would be slow.
    pub(super) fn new(segments: &[Segment]) -> Option<Grid> {
        let first = segments.first()?;
        let (mut low, mut high, mut extent) = (first.low(), first.high(), 0.0);
        for segment in segments {
            let (l, h) = (segment.low(), segment.high());
            low = [low[0].min(l[0]), low[1].min(l[1])];
            high = [high[0].max(h[0]), high[1].max(h[1])];
            extent += f64::from(h[0] - l[0]) + f64::from(h[1] - l[1]);
        }
        let count = segments.len();
        let [wide, tall] = [0, 1].map(|n| i64::from(high[n]) - i64::from(low[n]) + 1);
        // About as large as an edge, and no more cells than edges.
        let even = (wide as f64 * tall as f64 / count as f64).sqrt();
        let side = (extent / (2.0 * count as f64) * 1.4).max(even);
        let mut shift = side.max(1.0).log2().round() as u32;
        loop {
            let cells = |n: i64| (n >> shift) as usize + 1;
            let (columns, rows) = (cells(wide), cells(tall));
            let mut grid =
                Grid { low, shift, columns, rows, starts: Vec::new(), entries: Vec::new() };
            let fits = columns.saturating_mul(rows) <= 4 * count + 64 && grid.fill(segments);
            if fits {
                let pairs: usize =
                    grid.starts.windows(2).map(|w| ((w[1] - w[0]) as usize).pow(2)).sum();
                return (pairs <= CROWD * count + 4096).then_some(grid);
            }
            shift += 1;
            if shift > 31 {
                return None;
            }
        }
    }

    /// Whether the entries are not too many.
    fn fill(&mut self, segments: &[Segment]) -> bool {
        let mut starts = vec![0_u32; self.columns * self.rows + 1];
        let (mut seen, most) = (0, SPREAD * segments.len() + 4096);
        for segment in segments {
            self.cover(segment, |cell| {
                seen += 1;
                if let Some(count) = starts.get_mut(cell + 1) {
                    *count += 1;
                }
            });
            if seen > most {
                return false;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut entries = vec![0_u32; seen];
        for (number, segment) in segments.iter().enumerate() {
            self.cover(segment, |cell| {
                if let Some(at) = next.get_mut(cell) {
                    if let Some(entry) = entries.get_mut(*at as usize) {
                        *entry = number as u32;
                    }
                    *at += 1;
                }
            });
        }
        (self.starts, self.entries) = (starts, entries);
        true
    }

    pub(super) fn column(&self, x: i32) -> usize {
        ((i64::from(x) - i64::from(self.low[0])) >> self.shift).max(0) as usize
    }

    pub(super) fn row(&self, y: i32) -> usize {
        ((i64::from(y) - i64::from(self.low[1])) >> self.shift).max(0) as usize
    }

    /// The lowest y of a row.
    pub(super) fn bottom(&self, row: usize) -> i32 {
        (i64::from(self.low[1]) + ((row as i64) << self.shift)) as i32
    }

    /// The cell of a place that need not be a whole one.
    pub(super) fn cell_at(&self, at: [f64; 2]) -> usize {
        // Rounds down, as `floor` does, which is a call.
        let [x, y] = at.map(|n| n as i32 - i32::from(f64::from(n as i32) > n));
        self.row(y) * self.columns + self.column(x)
    }

    /// The column in which an edge crosses the line half a micrometre below a row. The line must be between
    /// its ends.
    pub(super) fn crossed(&self, segment: &Segment, row: usize) -> usize {
        let y = f64::from(self.bottom(row)) - 0.5;
        let [a, b] = [segment.a, segment.b].map(|p| p.map(f64::from));
        let x = a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) + 0.5;
        let (low, high) = (segment.low()[0], segment.high()[0]);
        self.column((x as i32 - i32::from(f64::from(x as i32) > x)).clamp(low, high))
    }

    /// The edges of a cell.
    pub(super) fn entries(&self, cell: usize) -> &[u32] {
        let ends = self.starts.get(cell).zip(self.starts.get(cell + 1));
        ends.and_then(|(&a, &b)| self.entries.get(a as usize..b as usize)).unwrap_or_default()
    }

    /// Whether an edge of that box is in all cells that its box is in.
    pub(super) fn is_full(&self, low: Place, high: Place) -> bool {
        self.column(high[0]) <= self.column(low[0]) + 1 || self.row(high[1]) == self.row(low[1])
    }

    /// Whether the lowest corner of what two boxes have in common is in a cell.
    #[inline]
    pub(super) fn begins(&self, one: &Boxed, two: &Boxed, cell: usize) -> bool {
        let [x, y] = [0, 1].map(|n| one.low[n].max(two.low[n]));
        self.row(y) * self.columns + self.column(x) == cell
    }

    /// The cells that an edge passes through, and some beside it.
    fn cover(&self, segment: &Segment, mut found: impl FnMut(usize)) {
        let (low, high) = (segment.low(), segment.high());
        let (left, right) = (self.column(low[0]), self.column(high[0]));
        let (bottom, top) = (self.row(low[1]), self.row(high[1]));
        if self.is_full(low, high) {
            for row in bottom..=top {
                (left..=right).for_each(|column| found(row * self.columns + column));
            }
            return;
        }
        let [a, b] = [segment.a, segment.b].map(|p| p.map(f64::from));
        let slope = (b[0] - a[0]) / (b[1] - a[1]);
        for row in bottom..=top {
            // What the edge has of the row and a little more, and more than a double is off.
            let from = f64::from(self.bottom(row).max(low[1])) - 1.0;
            let size = (1_i64 << self.shift) as f64;
            let to = (from + size + 2.0).min(f64::from(high[1]) + 1.0);
            let (p, q) = (a[0] + (from - a[1]) * slope, a[0] + (to - a[1]) * slope);
            let column =
                |x: f64| self.column(x.clamp(f64::from(low[0]), f64::from(high[0])) as i32);
            let (from, to) = (column(p.min(q) - 2.0), column(p.max(q) + 2.0));
            (from..=to).for_each(|column| found(row * self.columns + column));
        }
    }
}

//! The grid that the picture lies on.

use kurbo::Rect;

use crate::Error;

/// Pixels along a side of a tile.
pub const SIZE: u16 = 64;
/// Zoom steps there are, each way.
pub const ZOOMS: i32 = 48;
/// Tiles that are answered at once: a screen of 4 096 by 2 560 pixels.
pub const MOST_TILES: usize = 2_560;
/// Pixels from the origin beyond which there are no tiles.
const FAR: f64 = (1_u32 << 24) as f64;
/// Pixels around what is painted that edges may touch.
const MARGIN: f64 = 2.0;

/// How much larger than natural the drawing is at a zoom step: a quarter of an octave for each.
pub fn zoom_scale(zoom: i32) -> f64 {
    // Exact for whole octaves; the rest are three constants, equal on every machine.
    const QUARTERS: [f64; 4] =
        [1.0, 1.189_207_115_002_721, std::f64::consts::SQRT_2, 1.681_792_830_507_429];
    let quarter = QUARTERS.get(zoom.rem_euclid(4) as usize).copied().unwrap_or(1.0);
    let octave = zoom.div_euclid(4).clamp(-64, 64);
    let whole = (1_u64 << octave.unsigned_abs().min(63)) as f64;
    if octave < 0 { quarter / whole } else { quarter * whole }
}

/// A tile, by column and row.
pub(crate) type Cell = (i32, i32);

/// Tiles side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cells {
    /// The first column and row.
    pub(crate) from: Cell,
    /// Behind the last.
    pub(crate) to: Cell,
}

impl Cells {
    /// The tiles that an area of the world meets at `scale` pixels a unit.
    pub(crate) fn of(area: Rect, scale: f64) -> Result<Cells, Error> {
        let area = Rect::new(area.x0 * scale, area.y0 * scale, area.x1 * scale, area.y1 * scale);
        let near = [area.x0, area.y0, area.x1, area.y1].iter().all(|n| n.abs() <= FAR);
        if !(near && area.x0 < area.x1 && area.y0 < area.y1) {
            return Err(Error::Area);
        }
        Ok(Cells::around(area))
    }

    /// The tiles that may change where something is painted in `area`; `None` for none that
    /// can be asked for.
    pub(crate) fn painted(area: Rect, scale: f64) -> Option<Cells> {
        let far = Rect::new(-FAR, -FAR, FAR, FAR);
        let area = Rect::new(area.x0 * scale, area.y0 * scale, area.x1 * scale, area.y1 * scale);
        let area = area.inflate(MARGIN, MARGIN).intersect(far);
        (area.x0 < area.x1 && area.y0 < area.y1).then(|| Cells::around(area))
    }

    fn around(area: Rect) -> Cells {
        let side = f64::from(SIZE);
        let first = |n: f64| (n / side).floor() as i32;
        let behind = |n: f64| (n / side).ceil() as i32;
        Cells { from: (first(area.x0), first(area.y0)), to: (behind(area.x1), behind(area.y1)) }
    }

    pub(crate) fn count(&self) -> usize {
        let side = |from: i32, to: i32| usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        side(self.from.0, self.to.0).saturating_mul(side(self.from.1, self.to.1))
    }

    /// The tiles, row by row.
    pub(crate) fn iter(self) -> impl Iterator<Item = Cell> {
        (self.from.1..self.to.1).flat_map(move |y| (self.from.0..self.to.0).map(move |x| (x, y)))
    }

    /// The place of a tile among these, row by row; none that there is for one beside them.
    pub(crate) fn place(&self, cell: Cell) -> usize {
        if !self.holds(cell) {
            return usize::MAX;
        }
        let columns = (self.to.0 - self.from.0) as usize;
        (cell.1 - self.from.1) as usize * columns + (cell.0 - self.from.0) as usize
    }

    pub(crate) fn holds(&self, (x, y): Cell) -> bool {
        (self.from.0..self.to.0).contains(&x) && (self.from.1..self.to.1).contains(&y)
    }

    pub(crate) fn intersect(self, other: Cells) -> Cells {
        Cells {
            from: (self.from.0.max(other.from.0), self.from.1.max(other.from.1)),
            to: (self.to.0.min(other.to.0), self.to.1.min(other.to.1)),
        }
    }

    /// The area of the world whose paint may touch the tiles.
    pub(crate) fn reach(self, scale: f64) -> Rect {
        let side = f64::from(SIZE);
        let at = |n: i32, margin: f64| (f64::from(n) * side + margin) / scale;
        Rect::new(
            at(self.from.0, -MARGIN),
            at(self.from.1, -MARGIN),
            at(self.to.0, MARGIN),
            at(self.to.1, MARGIN),
        )
    }
}

/// One tile as tiles.
pub(crate) fn one((x, y): Cell) -> Cells {
    Cells { from: (x, y), to: (x.saturating_add(1), y.saturating_add(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_steps_are_an_octave() {
        for zoom in -ZOOMS..=ZOOMS {
            assert_eq!(zoom_scale(zoom + 4), zoom_scale(zoom) * 2.0, "{zoom}");
            let wanted = 2_f64.powf(f64::from(zoom) / 4.0);
            assert!((zoom_scale(zoom) / wanted - 1.0).abs() < 1e-15, "{zoom}");
        }
    }

    #[test]
    fn an_area_meets_the_tiles_it_lies_in_on_either_side_of_the_origin() {
        let cells = Cells::of(Rect::new(-1.0, 0.0, 64.0, 64.5), 1.0).expect("tiles");
        assert_eq!(cells, Cells { from: (-1, 0), to: (1, 2) });
        assert_eq!(cells.count(), 4);
        assert_eq!(cells.iter().collect::<Vec<_>>(), [(-1, 0), (0, 0), (-1, 1), (0, 1)]);
        for area in [Rect::new(1.0, 1.0, 1.0, 2.0), Rect::new(0.0, 0.0, 1e9, 1.0)] {
            assert_eq!(Cells::of(area, 1.0), Err(Error::Area));
        }
        assert_eq!(Cells::of(Rect::new(f64::NAN, 0.0, 1.0, 1.0), 1.0), Err(Error::Area));
    }
}

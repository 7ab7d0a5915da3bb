//! Pieces that the full renderer paints, in blocks of pixels.

use std::sync::{Arc, OnceLock};

use kurbo::Rect;
use svgx_base::budget::Budget;
use svgx_engine::compile::{self, Picture};
use svgx_engine::document::NodeId;

use crate::Error;
use crate::grid::{Cell, SIZE};
use crate::painter::{Painter, Sheet};

/// Pixels along a side of a block: four tiles.
const BLOCK: i32 = 4 * SIZE as i32;
/// Where a pixel may depend on its neighbours the piece is one block up to this size.
const WHOLE: i32 = 2_048;
/// And has blocks of this size beyond.
const LARGE: i32 = 16 * SIZE as i32;

/// Which block of a piece.
pub(crate) type BlockKey = (NodeId, Cell);

/// A block of a piece, painted when somebody wants it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) key: BlockKey,
    picture: Arc<Picture>,
    origin: (i32, i32),
    size: (u16, u16),
    painted: OnceLock<Result<Sheet, compile::Error>>,
}

impl Block {
    pub(crate) fn new(key: BlockKey, picture: Arc<Picture>, bounds: Rect, scale: f64) -> Block {
        let layout = Layout::of(&picture, bounds, scale);
        let (origin, size) = layout.block(key.1);
        Block { key, picture, origin, size, painted: OnceLock::new() }
    }

    /// The same with what was painted before.
    pub(crate) fn known(self, sheet: Sheet) -> Block {
        // It is empty.
        let _ = self.painted.set(Ok(sheet));
        self
    }

    /// What was painted, if it was.
    pub(crate) fn sheet(&self) -> Option<&Sheet> {
        self.painted.get()?.as_ref().ok()
    }

    /// Lays it into a tile that begins at `from` (pixels).
    pub(crate) fn paint(
        &self,
        painter: &mut Painter,
        scale: f64,
        from: (f64, f64),
        budget: &Budget,
    ) -> Result<(), Error> {
        let painted = self.painted.get_or_init(|| {
            let size = (u32::from(self.size.0), u32::from(self.size.1));
            let pixels = self.picture.paint(scale, self.origin, size, budget)?;
            Sheet::new(&pixels, self.size.0, self.size.1).ok_or(compile::Error::Size)
        });
        match painted {
            Ok(sheet) => {
                let (x, y) = (f64::from(self.origin.0), f64::from(self.origin.1));
                painter.lay(sheet, (x - from.0, y - from.1));
                Ok(())
            }
            Err(error) => Err(error.clone().into()),
        }
    }
}

/// How a piece is cut into blocks.
#[derive(Clone, Copy, Debug)]
struct Layout {
    side: i32,
    /// The piece in pixels, where it is one block.
    whole: Option<((i32, i32), (u16, u16))>,
}

impl Layout {
    fn of(picture: &Picture, bounds: Rect, scale: f64) -> Layout {
        let grid = |side| Layout { side, whole: None };
        if !picture.has_filters() {
            return grid(BLOCK);
        }
        let (x, y) = ((bounds.x0 * scale).floor(), (bounds.y0 * scale).floor());
        let (width, height) = ((bounds.x1 * scale).ceil() - x, (bounds.y1 * scale).ceil() - y);
        let fits = |n: f64| n >= 1.0 && n <= f64::from(WHOLE);
        match fits(width) && fits(height) && x.abs() < 1e9 && y.abs() < 1e9 {
            true => Layout {
                side: WHOLE,
                whole: Some(((x as i32, y as i32), (width as u16, height as u16))),
            },
            false => grid(LARGE),
        }
    }

    fn block(&self, (x, y): Cell) -> ((i32, i32), (u16, u16)) {
        self.whole.unwrap_or((
            (x.saturating_mul(self.side), y.saturating_mul(self.side)),
            (self.side as u16, self.side as u16),
        ))
    }
}

/// The block of a piece that a tile lies in.
pub(crate) fn block_of(picture: &Picture, bounds: Rect, scale: f64, (x, y): Cell) -> Cell {
    let layout = Layout::of(picture, bounds, scale);
    match layout.whole {
        Some(_) => (0, 0),
        None => {
            let tiles = layout.side / i32::from(SIZE);
            (x.div_euclid(tiles), y.div_euclid(tiles))
        }
    }
}

//! Drawing what a plan says: the part that needs no drawing to stand still, in threads.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use svgx_base::budget::Budget;
use svgx_engine::compile;
use svgx_engine::document::NodeId;
use svgx_engine::geometry::Special;

use crate::Error;
use crate::encode::{straight, tile_body};
use crate::grid::{Cell, SIZE};
use crate::live::Token;
use crate::painter;
use crate::pieces::{Block, BlockKey};
use crate::shape::{KnownLines, Shape};

/// Tiles below which a second thread costs more than it brings.
const WORTH_A_THREAD: usize = 6;

/// What a tile shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// One colour: red, green, blue, alpha, not premultiplied.
    Colour([u8; 4]),
    /// A PNG file of [`SIZE`] by [`SIZE`] pixels.
    Png(Arc<[u8]>),
}

impl Body {
    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let held = match self {
            Body::Colour(_) => 0,
            Body::Png(file) => file.len(),
        };
        held + size_of::<(Cell, Body, u64)>()
    }
}

/// A tile of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Its column and row: it begins at [`SIZE`] times these pixels from the drawing's origin.
    pub at: (i32, i32),
    /// What it shows.
    pub body: Body,
}

/// Tiles that are to be drawn, and all it takes to draw them.
#[derive(Debug)]
pub struct Plan {
    pub(crate) token: Token,
    pub(crate) zoom: i32,
    pub(crate) scale: f64,
    pub(crate) complete: bool,
    pub(crate) ready: Vec<Tile>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) known: KnownLines,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) blocks: BTreeMap<BlockKey, Block>,
    pub(crate) otherwise: Vec<(NodeId, Special)>,
}

/// A tile to draw.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) cell: Cell,
    pub(crate) entries: Vec<Entry>,
}

/// What lies in a tile, in the order of painting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// The place among the shapes.
    Shape(u32),
    /// A block of a piece.
    Block(BlockKey),
}

/// Tiles, drawn.
#[derive(Debug)]
pub struct Drawn {
    /// Names the version that the tiles are of.
    pub token: Token,
    /// The zoom step.
    pub zoom: i32,
    /// Pixels for a unit of the drawing.
    pub scale: f64,
    /// Whether these are all tiles of the area that was asked for, and not only those that
    /// changed since the version that was named.
    pub complete: bool,
    /// The tiles, by row and column.
    pub tiles: Vec<Tile>,
    /// The elements that the full renderer painted for their whole group, and what they take.
    pub otherwise: Vec<(NodeId, Special)>,
    pub(crate) fresh: Vec<usize>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) blocks: BTreeMap<BlockKey, Block>,
}

impl Plan {
    /// How many tiles have to be drawn.
    pub fn to_draw(&self) -> usize {
        self.jobs.len()
    }

    /// The outlines of all tiles painted at once on `width` by `height` pixels from the origin,
    /// RGBA, not premultiplied: what the union of the tiles is compared with.
    pub fn in_one_piece(&self, width: u16, height: u16) -> Vec<u8> {
        let painted = painter::with(width, height, |painter| {
            let mut shapes: Vec<&Shape> = self.shapes.iter().collect();
            shapes.sort_unstable_by_key(|shape| shape.order);
            for shape in shapes {
                shape.paint(&shape.look(self.scale), painter, self.scale, (0.0, 0.0));
            }
            Ok::<_, Error>(straight(painter.finish()))
        });
        painted.unwrap_or_default()
    }

    /// The elements that the full renderer paints, and what they take.
    pub fn otherwise(&self) -> &[(NodeId, Special)] {
        &self.otherwise
    }

    /// Draws, on up to `threads` threads with this one. The bytes do not depend on how many.
    ///
    /// # Errors
    /// [`Error::Stopped`]: the budget is asked between any two tiles. [`Error::Piece`].
    pub fn draw(self, threads: usize, budget: &Budget) -> Result<Drawn, Error> {
        let Plan { jobs, known, shapes, blocks, scale, .. } = &self;
        let next = AtomicUsize::new(0);
        let draw = Draw { jobs, known, shapes, blocks, scale: *scale, next };
        let threads = threads.clamp(1, 8).min(jobs.len() / WORTH_A_THREAD + 1);
        let drawn = std::thread::scope(|scope| {
            let mut others = Vec::new();
            for _ in 1..threads {
                let other = std::thread::Builder::new().name("tiles".to_owned());
                // Where there is no thread, this one draws more.
                others.extend(other.spawn_scoped(scope, || draw.work(budget)).ok());
            }
            let mut drawn = draw.work(budget)?;
            for other in others {
                drawn.extend(other.join().map_err(|_| panicked())??);
            }
            Ok::<_, Error>(drawn)
        })?;
        let mut tiles: Vec<(bool, Tile)> =
            self.ready.into_iter().map(|tile| (false, tile)).collect();
        tiles.extend(drawn.into_iter().map(|tile| (true, tile)));
        tiles.sort_unstable_by_key(|(_, tile)| (tile.at.1, tile.at.0));
        let fresh = tiles.iter().enumerate().filter(|(_, (fresh, _))| *fresh);
        Ok(Drawn {
            token: self.token,
            zoom: self.zoom,
            scale: self.scale,
            complete: self.complete,
            fresh: fresh.map(|(at, _)| at).collect(),
            tiles: tiles.into_iter().map(|(_, tile)| tile).collect(),
            otherwise: self.otherwise,
            shapes: self.shapes,
            blocks: self.blocks,
        })
    }
}

/// The work that threads share.
struct Draw<'p> {
    jobs: &'p [Job],
    known: &'p KnownLines,
    shapes: &'p [Shape],
    blocks: &'p BTreeMap<BlockKey, Block>,
    scale: f64,
    next: AtomicUsize,
}

impl Draw<'_> {
    fn work(&self, budget: &Budget) -> Result<Vec<Tile>, Error> {
        let mut tiles = Vec::new();
        while let Some(job) = self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            budget.checkpoint()?;
            tiles.push(Tile { at: job.cell, body: self.tile(job, budget)? });
        }
        Ok(tiles)
    }

    fn tile(&self, job: &Job, budget: &Budget) -> Result<Body, Error> {
        if job.entries.is_empty() {
            return Ok(Body::Colour([0; 4]));
        }
        let side = f64::from(SIZE);
        let from = (f64::from(job.cell.0) * side, f64::from(job.cell.1) * side);
        let painted = catch_unwind(AssertUnwindSafe(|| self.paint(job, from, budget)));
        painted.unwrap_or_else(|_| Err(panicked()))
    }

    fn paint(&self, job: &Job, from: (f64, f64), budget: &Budget) -> Result<Body, Error> {
        let shapes = job.entries.iter().map(|entry| match entry {
            Entry::Shape(at) => self.shapes.get(*at as usize),
            Entry::Block(_) => None,
        });
        let shapes: Vec<Option<&Shape>> = shapes.collect();
        let looked = self.known.look_for(&shapes, self.scale);
        painter::with(SIZE, SIZE, |painter| {
            for (entry, (shape, looked)) in job.entries.iter().zip(shapes.iter().zip(&looked)) {
                match entry {
                    Entry::Shape(_) => {
                        if let Some(shape) = shape {
                            shape.paint(looked, painter, self.scale, from);
                        }
                    }
                    Entry::Block(key) => {
                        if let Some(block) = self.blocks.get(key) {
                            block.paint(painter, self.scale, from, budget)?;
                        }
                    }
                }
            }
            tile_body(painter.finish())
        })
    }
}

fn panicked() -> Error {
    Error::Piece(compile::Error::Renderer("the renderer panicked".to_owned()))
}

//! What is kept of the picture at one zoom.

use std::collections::HashMap;
use std::sync::Arc;

use kurbo::Rect;
use svgx_engine::document::NodeId;

use crate::draw::Body;
use crate::grid::{Cell, Cells};
use crate::painter::Sheet;
use crate::pieces::BlockKey;
use crate::shape::Strokes;

/// Tiles of one change that are noted one by one; a larger one is a change of everything.
const NOTED: usize = 4_096;
/// Tiles whose last change is known; of more, everything counts as changed.
const CHANGED: usize = 1 << 15;

/// A zoom step.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) scale: f64,
    /// The version since which changes are known: what was before has changed.
    pub(crate) floor: u64,
    /// When each tile changed last, since then.
    changed: HashMap<Cell, u64>,
    tiles: HashMap<Cell, (Body, u64)>,
    pub(crate) strokes: Strokes,
    blocks: HashMap<BlockKey, (Arc<Sheet>, u64)>,
    /// Bytes of tiles and blocks.
    bytes: usize,
    /// The last request that used it.
    pub(crate) used: u64,
}

impl Kept {
    pub(crate) fn new(scale: f64, version: u64) -> Kept {
        Kept {
            scale,
            floor: version,
            changed: HashMap::new(),
            tiles: HashMap::new(),
            strokes: Strokes::default(),
            blocks: HashMap::new(),
            bytes: 0,
            used: 0,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.strokes.bytes() + self.changed.len() * size_of::<(Cell, u64)>()
    }

    /// When a tile changed last.
    pub(crate) fn changed(&self, cell: Cell) -> u64 {
        self.changed.get(&cell).copied().unwrap_or(self.floor)
    }

    pub(crate) fn tile(&mut self, cell: Cell, now: u64) -> Option<Body> {
        let (body, used) = self.tiles.get_mut(&cell)?;
        *used = now;
        Some(body.clone())
    }

    pub(crate) fn block(&mut self, key: BlockKey, now: u64) -> Option<Sheet> {
        let (sheet, used) = self.blocks.get_mut(&key)?;
        *used = now;
        Some(Sheet::clone(sheet))
    }

    /// Notes that what is painted in `areas` has changed with `version`.
    pub(crate) fn invalidate(&mut self, areas: &[Rect], version: u64) {
        for area in areas {
            let Some(cells) = Cells::painted(*area, self.scale) else { continue };
            if cells.count() > NOTED {
                self.forget(version);
                continue;
            }
            for cell in cells.iter() {
                if let Some((body, _)) = self.tiles.remove(&cell) {
                    self.bytes -= body.bytes();
                }
                self.changed.insert(cell, version);
            }
        }
        if self.changed.len() > CHANGED {
            self.forget(version);
        }
    }

    /// Forgets the tiles: everything has changed with `version`.
    fn forget(&mut self, version: u64) {
        self.bytes -= self.tiles.values().map(|(body, _)| body.bytes()).sum::<usize>();
        self.tiles = HashMap::new();
        self.changed = HashMap::new();
        self.floor = version;
    }

    /// Forgets what was painted of some pieces.
    pub(crate) fn forget_blocks(&mut self, gone: impl Fn(&NodeId) -> bool) {
        let bytes = &mut self.bytes;
        self.blocks.retain(|(unit, _), (sheet, _)| {
            let stays = !gone(unit);
            if !stays {
                *bytes -= sheet.bytes();
            }
            stays
        });
    }

    /// Keeps a tile that was drawn as of `version`.
    pub(crate) fn keep_tile(&mut self, cell: Cell, body: &Body, version: u64, now: u64) {
        if self.changed(cell) > version {
            return;
        }
        self.bytes += body.bytes();
        if let Some((old, _)) = self.tiles.insert(cell, (body.clone(), now)) {
            self.bytes -= old.bytes();
        }
    }

    pub(crate) fn keep_block(&mut self, key: BlockKey, sheet: &Sheet, now: u64) {
        self.bytes += sheet.bytes();
        if let Some((old, _)) = self.blocks.insert(key, (Arc::new(sheet.clone()), now)) {
            self.bytes -= old.bytes();
        }
    }

    /// Forgets what was used least of late until at most `most` bytes are left.
    pub(crate) fn shrink(&mut self, most: usize) {
        if self.bytes() <= most {
            return;
        }
        self.strokes.shrink(most / 2);
        let mut ages: Vec<u64> = self.tiles.values().map(|(_, used)| *used).collect();
        ages.extend(self.blocks.values().map(|(_, used)| *used));
        ages.sort_unstable();
        ages.dedup();
        for oldest in ages {
            if self.bytes() <= most {
                return;
            }
            let bytes = &mut self.bytes;
            self.tiles.retain(|_, (body, used)| {
                let stays = *used > oldest;
                if !stays {
                    *bytes -= body.bytes();
                }
                stays
            });
            self.blocks.retain(|_, (sheet, used)| {
                let stays = *used > oldest;
                if !stays {
                    *bytes -= sheet.bytes();
                }
                stays
            });
        }
        if self.bytes() > most {
            self.strokes.shrink(0);
        }
    }
}

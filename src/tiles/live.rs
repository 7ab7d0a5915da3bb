//! The picture of one drawing, as it follows the edits.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kurbo::Rect;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use svgx_base::budget::Budget;
use svgx_engine::compile::{self, Display, Fonts, Outline, Piece, PieceContent, Units};
use svgx_engine::document::{Document, NodeId};
use svgx_engine::geometry::{Changes, Scene, natural_scale};

use crate::Error;
use crate::draw::{Drawn, Entry, Job, Plan, Tile};
use crate::grid::{Cells, MOST_TILES, ZOOMS, one, zoom_scale};
use crate::kept::Kept;
use crate::pieces::{Block, BlockKey, block_of};
use crate::shape::{Order, Shape};

/// Tiles from which all outlines are looked at once instead of those of each tile.
const MANY: usize = 24;
/// Shapes that a tile of a drawing full of detail has.
const USUAL: usize = 64;
/// Zoom steps that are kept.
const KEPT_ZOOMS: usize = 8;

/// Names a version of a picture, and the tiles that whoever has it holds. A token of another
/// picture or zoom, or of one that was forgotten, is understood as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    picture: u64,
    version: u64,
    zoom: i32,
    cells: Cells,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { picture, version, zoom, cells: Cells { from, to } } = self;
        write!(f, "{picture:016x}.{version}.{zoom}.{}.{}.{}.{}", from.0, from.1, to.0, to.1)
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Token, ()> {
        let mut parts = text.split('.');
        let picture = parts.next().filter(|part| part.len() == 16).ok_or(())?;
        let picture = u64::from_str_radix(picture, 16).map_err(|_| ())?;
        let version = parts.next().and_then(|part| part.parse().ok()).ok_or(())?;
        let mut number = || parts.next().and_then(|part| part.parse::<i32>().ok()).ok_or(());
        let zoom = number()?;
        let cells = Cells { from: (number()?, number()?), to: (number()?, number()?) };
        parts.next().is_none().then_some(Token { picture, version, zoom, cells }).ok_or(())
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// The zoom step: quarters of an octave from the drawing's own size.
    pub zoom: i32,
    /// The area, in units of the root's viewBox; all of that without.
    pub area: Option<Rect>,
    /// The version that is at hand: only what changed since is answered.
    pub since: Option<Token>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one picture.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 16 << 20 }
    }
}

type Bounds = GeomWithData<Rectangle<[f64; 2]>, NodeId>;

/// The live picture of a drawing.
#[derive(Debug)]
pub struct Live {
    limits: Limits,
    picture: u64,
    version: u64,
    /// Requests so far.
    now: u64,
    zooms: BTreeMap<i32, Kept>,
    /// What is drawn of each unit; `None`: nothing.
    pieces: HashMap<NodeId, Option<Piece>>,
    bounds: RTree<Bounds>,
    /// Bytes of the pieces, and how many of them the full renderer paints.
    piece_bytes: usize,
    pictures: usize,
    /// Which units have pieces is not known.
    unmade: bool,
    /// The drawing is one piece: something blends with all of it.
    whole: bool,
    /// The scale that the pieces were made for, where that matters.
    made_for: Option<f64>,
    /// Ids that something refers to, where there are pieces.
    referenced: HashSet<String>,
    /// Everything has to be made again: an update was broken off.
    broken: bool,
    held: u64,
    all: Arc<AtomicU64>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.all.fetch_sub(self.held, Ordering::Relaxed);
    }
}

impl Live {
    /// Nothing is drawn yet. `all` counts the bytes of all pictures that share it.
    pub fn new(limits: Limits, all: Arc<AtomicU64>) -> Live {
        // Any number that no other picture has.
        static MADE: AtomicU64 = AtomicU64::new(0);
        let picture = RandomState::new().hash_one(MADE.fetch_add(1, Ordering::Relaxed));
        Live {
            limits,
            picture,
            version: 0,
            now: 0,
            zooms: BTreeMap::new(),
            pieces: HashMap::new(),
            bounds: RTree::new(),
            piece_bytes: 0,
            pictures: 0,
            unmade: true,
            whole: false,
            made_for: None,
            referenced: HashSet::new(),
            broken: true,
            held: 0,
            all,
        }
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> u64 {
        self.held
    }

    /// Brings the picture up to date and says what has to be drawn. Takes the changes of the
    /// scene: one picture follows one scene.
    ///
    /// # Errors
    /// See [`Error`]; the next call begins anew then.
    pub fn plan(
        &mut self,
        document: &Document,
        scene: &mut Scene,
        request: &Request,
        fonts: &Fonts,
        limits: &svgx_engine::document::Limits,
        budget: &Budget,
    ) -> Result<Plan, Error> {
        let zoom = request.zoom.clamp(-ZOOMS, ZOOMS);
        let scale = natural_scale(document) * zoom_scale(zoom);
        let area = request.area.unwrap_or_else(|| {
            let v = scene.viewbox();
            Rect::new(v.x, v.y, v.x + v.width, v.y + v.height)
        });
        let cells = Cells::of(area, scale)?;
        if cells.count() > MOST_TILES {
            return Err(Error::Tiles { max: MOST_TILES, seen: cells.count() });
        }
        self.follow(Source { document, scene, fonts, limits, budget }, scale)?;
        self.now += 1;
        let (now, version) = (self.now, self.version);
        let kept = self.zooms.entry(zoom).or_insert_with(|| Kept::new(scale, version));
        kept.used = now;
        let known = kept.strokes.begin();
        let since = request.since.filter(|since| {
            since.picture == self.picture && since.zoom == zoom && since.version >= kept.floor
        });
        let mut plan = Plan {
            token: Token { picture: self.picture, version, zoom, cells },
            zoom,
            scale,
            complete: since.is_none(),
            ready: Vec::new(),
            jobs: Vec::new(),
            known,
            shapes: Vec::new(),
            blocks: BTreeMap::new(),
            otherwise: Vec::new(),
        };
        for cell in cells.iter() {
            let held = since.filter(|since| since.cells.holds(cell));
            if held.is_some_and(|since| kept.changed(cell) <= since.version) {
                continue;
            }
            match kept.tile(cell, now) {
                Some(body) => plan.ready.push(Tile { at: cell, body }),
                None => plan.jobs.push(Job { cell, entries: Vec::new() }),
            }
        }
        self.fill(&mut plan, document, scene);
        self.name_others(&mut plan, scene, cells.reach(scale));
        self.account();
        Ok(plan)
    }

    /// Keeps what was drawn, as far as it is still true.
    pub fn keep(&mut self, drawn: &Drawn) {
        let now = self.now;
        let (Token { picture, version, .. }, most) = (drawn.token, self.limits.bytes);
        let Some(kept) = self.zooms.get_mut(&drawn.zoom).filter(|_| picture == self.picture) else {
            return;
        };
        for tile in drawn.fresh.iter().filter_map(|&at| drawn.tiles.get(at)) {
            kept.keep_tile(tile.at, &tile.body, version, now);
        }
        if version == self.version {
            kept.strokes.keep_all(&drawn.shapes);
            for block in drawn.blocks.values() {
                if let Some(sheet) = block.sheet() {
                    kept.keep_block(block.key, sheet, now);
                }
            }
        }
        // What is at hand stays longest.
        while self.zooms.len() > 1 && (self.zooms.len() > KEPT_ZOOMS || self.kept_bytes() > most) {
            let oldest = self.zooms.iter().min_by_key(|(_, kept)| kept.used);
            let Some(oldest) = oldest.map(|(zoom, _)| *zoom).filter(|zoom| *zoom != drawn.zoom)
            else {
                break;
            };
            self.zooms.remove(&oldest);
        }
        let pieces = self.piece_bytes;
        if let Some(kept) = self.zooms.get_mut(&drawn.zoom) {
            kept.shrink(most.saturating_sub(pieces));
        }
        self.account();
    }

    /// Follows the scene.
    fn follow(&mut self, source: Source<'_>, scale: f64) -> Result<(), Error> {
        let Source { document, scene, fonts, limits, budget } = source;
        let changes = scene.take_changes();
        let whole = scene.blends();
        if changes.all || self.broken || whole != self.whole {
            self.version += 1;
            self.zooms.clear();
            self.forget_pieces();
            self.whole = whole;
            self.made_for = None;
        }
        self.broken = true;
        // A line of constant width is a piece for one scale.
        let made_for = scene.has_constant_lines().then_some(scale);
        if made_for != self.made_for {
            if !changes.is_empty() {
                // Where the pieces were at other scales is not known.
                self.version += 1;
                self.zooms.clear();
            }
            self.forget_pieces();
            self.made_for = made_for;
            self.make(Source { document, scene, fonts, limits, budget }, scale, &mut Vec::new())?;
        }
        let stale = self.stale(document, &changes);
        let mut areas = changes.areas;
        if made_for.is_some() && !stale.is_empty() {
            // What was painted at other scales may have reached further.
            self.zooms.retain(|_, kept| kept.scale == scale);
        }
        for unit in &stale {
            if let Some(old) = self.take_piece(unit) {
                areas.push(old.bounds);
            }
        }
        if !stale.is_empty() {
            let gone: HashSet<NodeId> = stale.iter().copied().collect();
            self.zooms.values_mut().for_each(|kept| kept.forget_blocks(|unit| gone.contains(unit)));
        }
        // Only units that came or changed can be without a piece.
        if self.unmade || !stale.is_empty() || !changes.units.is_empty() {
            self.make(Source { document, scene, fonts, limits, budget }, scale, &mut areas)?;
        }
        if !areas.is_empty() {
            self.version += 1;
            let version = self.version;
            self.zooms.values_mut().for_each(|kept| kept.invalidate(&areas, version));
        }
        self.broken = false;
        Ok(())
    }

    /// The pieces that are no longer true.
    fn stale(&self, document: &Document, changes: &Changes) -> Vec<NodeId> {
        let Changes { units, elements, definitions, .. } = changes;
        if self.pieces.is_empty() {
            return Vec::new();
        }
        if self.whole {
            let changed = *definitions || !units.is_empty() || !elements.is_empty();
            return if changed { vec![NodeId::ROOT] } else { Vec::new() };
        }
        if *definitions || elements.iter().any(|&element| self.is_referenced(document, element)) {
            return self.pieces.keys().copied().collect();
        }
        let mut stale: Vec<NodeId> =
            units.iter().copied().filter(|unit| self.pieces.contains_key(unit)).collect();
        stale.sort_unstable();
        stale.dedup();
        stale
    }

    /// Whether something may show an element, something around it or something in it.
    fn is_referenced(&self, document: &Document, element: NodeId) -> bool {
        if self.referenced.is_empty() {
            return false;
        }
        let around = std::iter::successors(document.parent(element), |&n| document.parent(n));
        let mut all = document.descendants(element).chain(around);
        all.any(|n| {
            document.is_element(n) && document.id(n).is_some_and(|id| self.referenced.contains(id))
        })
    }

    /// Makes the pieces that are missing.
    fn make(&mut self, source: Source<'_>, scale: f64, areas: &mut Vec<Rect>) -> Result<(), Error> {
        let Source { document, scene, fonts, limits, budget } = source;
        let mut missing: Vec<NodeId> = match self.whole {
            true => vec![NodeId::ROOT],
            false => scene.units().keys().copied().collect(),
        };
        missing.retain(|unit| !self.pieces.contains_key(unit));
        self.unmade = false;
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        let units = if self.whole { Units::Whole } else { Units::Some(&missing) };
        let scale = self.made_for.map_or_else(|| natural_scale(document), |_| scale);
        let made = compile::pieces(document, scene, units, scale, fonts, limits, budget)?;
        self.referenced = made.referenced;
        for unit in missing {
            self.pieces.insert(unit, None);
        }
        for piece in made.pieces {
            areas.push(piece.bounds);
            self.bounds.insert(entry(&piece));
            self.piece_bytes += piece_bytes(&piece);
            self.pictures += usize::from(is_picture(&piece));
            self.pieces.insert(piece.unit, Some(piece));
        }
        Ok(())
    }

    /// Forgets the piece of a unit.
    fn take_piece(&mut self, unit: &NodeId) -> Option<Piece> {
        let piece = self.pieces.remove(unit)??;
        self.bounds.remove(&entry(&piece));
        self.piece_bytes -= piece_bytes(&piece);
        self.pictures -= usize::from(is_picture(&piece));
        Some(piece)
    }

    fn forget_pieces(&mut self) {
        self.pieces = HashMap::new();
        self.bounds = RTree::new();
        (self.piece_bytes, self.pictures, self.unmade) = (0, 0, true);
        self.zooms.values_mut().for_each(|kept| kept.forget_blocks(|_| true));
    }

    /// Finds what lies in the tiles of a plan.
    fn fill(&mut self, plan: &mut Plan, document: &Document, scene: &Scene) {
        let scale = plan.scale;
        let mut shapes = Shapes { shapes: Vec::new(), at: HashMap::new() };
        // By tile: places in the order of painting with what stands there.
        let mut found: Vec<Vec<(Order, Entry)>> = vec![Vec::new(); plan.jobs.len()];
        let Some(kept) = self.zooms.get_mut(&plan.zoom) else { return };
        if !self.whole {
            let mut display = Display::new(document, scene);
            // To grow would be to copy all of them.
            shapes.shapes.reserve_exact(display.most().min(plan.jobs.len() * USUAL));
            if plan.jobs.len() >= MANY {
                let within = around(&plan.jobs);
                // The number of each tile's job and one more, by rows; 0 for none.
                let mut numbers = vec![0_u32; within.count()];
                for (job, number) in plan.jobs.iter().zip(1..) {
                    if let Some(place) = numbers.get_mut(within.place(job.cell)) {
                        *place = number;
                    }
                }
                for placed in display.all_outlines_in(within.reach(scale)) {
                    let Some(met) = Cells::painted(placed.outline.bounds, scale) else { continue };
                    let order = (placed.order.0, placed.order.1, 0);
                    let mut outline = Some(placed.outline);
                    let mut place = 0;
                    for cell in met.intersect(within).iter() {
                        let number = numbers.get(within.place(cell)).copied().unwrap_or(0);
                        let Some(list) = found.get_mut((number as usize).wrapping_sub(1)) else {
                            continue;
                        };
                        if let Some(outline) = outline.take() {
                            place = shapes.push(order, outline);
                        }
                        list.push((order, Entry::Shape(place)));
                    }
                }
            } else {
                for (job, list) in plan.jobs.iter().zip(&mut found) {
                    for placed in display.outlines_in(one(job.cell).reach(scale)) {
                        let met = Cells::painted(placed.outline.bounds, scale);
                        if met.is_none_or(|met| met.intersect(one(job.cell)).count() == 0) {
                            continue;
                        }
                        let order = (placed.order.0, placed.order.1, 0);
                        let place = shapes.add(order, &placed.outline);
                        list.push((order, Entry::Shape(place)));
                    }
                }
            }
        }
        for (job, mut list) in plan.jobs.iter_mut().zip(found) {
            let reach = one(job.cell).reach(scale);
            let reach = AABB::from_corners([reach.x0, reach.y0], [reach.x1, reach.y1]);
            for met in self.bounds.locate_in_envelope_intersecting(reach) {
                let Some(Some(piece)) = self.pieces.get(&met.data) else { continue };
                let order = scene.order(piece.unit).unwrap_or(u32::MAX);
                match &piece.content {
                    PieceContent::Outlines(outlines) => {
                        for (at, outline) in (0..).zip(outlines.iter()) {
                            let met = Cells::painted(outline.bounds, scale);
                            if met.is_none_or(|met| met.intersect(one(job.cell)).count() == 0) {
                                continue;
                            }
                            let order = (order, 0, at);
                            let place = shapes.add(order, outline);
                            list.push((order, Entry::Shape(place)));
                        }
                    }
                    PieceContent::Picture(picture) => {
                        let cell = block_of(picture, piece.bounds, scale, job.cell);
                        let key: BlockKey = (piece.unit, cell);
                        plan.blocks.entry(key).or_insert_with(|| {
                            let block = Block::new(key, Arc::clone(picture), piece.bounds, scale);
                            match kept.block(key, self.now) {
                                Some(sheet) => block.known(sheet),
                                None => block,
                            }
                        });
                        list.push(((order, 0, 0), Entry::Block(key)));
                    }
                }
            }
            list.sort_unstable_by_key(|(order, _)| *order);
            job.entries = list.into_iter().map(|(_, entry)| entry).collect();
        }
        plan.shapes = shapes.shapes;
    }

    /// Names the pieces in `area` that the full renderer paints, in the order of painting.
    fn name_others(&self, plan: &mut Plan, scene: &Scene, area: Rect) {
        if self.pictures == 0 {
            return;
        }
        let area = AABB::from_corners([area.x0, area.y0], [area.x1, area.y1]);
        let met = self.bounds.locate_in_envelope_intersecting(area);
        let pieces = met.filter_map(|met| self.pieces.get(&met.data)?.as_ref());
        let pictures = pieces.filter(|piece| is_picture(piece));
        plan.otherwise = pictures.map(|piece| (piece.unit, piece.special)).collect();
        plan.otherwise.sort_unstable_by_key(|(unit, _)| scene.order(*unit));
    }

    fn kept_bytes(&self) -> usize {
        self.zooms.values().map(Kept::bytes).sum::<usize>() + self.piece_bytes
    }

    /// Tells the count of all pictures what this one holds.
    fn account(&mut self) {
        let holds = self.kept_bytes() as u64;
        self.all.fetch_add(holds, Ordering::Relaxed);
        self.all.fetch_sub(self.held, Ordering::Relaxed);
        self.held = holds;
    }
}

/// What the picture is made from.
struct Source<'s> {
    document: &'s Document,
    scene: &'s mut Scene,
    fonts: &'s Fonts,
    limits: &'s svgx_engine::document::Limits,
    budget: &'s Budget,
}

/// The shapes of a plan, each once.
struct Shapes {
    shapes: Vec<Shape>,
    at: HashMap<Order, u32>,
}

impl Shapes {
    /// The place of the outline that stands at `order`.
    fn add(&mut self, order: Order, outline: &Outline) -> u32 {
        if let Some(&place) = self.at.get(&order) {
            return place;
        }
        let place = self.push(order, outline.clone());
        self.at.insert(order, place);
        place
    }

    /// The same for one that is not there yet, and will not be asked for again.
    fn push(&mut self, order: Order, outline: Outline) -> u32 {
        self.shapes.push(Shape::new(outline, order));
        self.shapes.len() as u32 - 1
    }
}

/// The least rectangle of tiles around some.
fn around(jobs: &[Job]) -> Cells {
    let mut all = jobs.iter().map(|job| one(job.cell));
    let Some(first) = all.next() else { return Cells { from: (0, 0), to: (0, 0) } };
    all.fold(first, |a, b| Cells {
        from: (a.from.0.min(b.from.0), a.from.1.min(b.from.1)),
        to: (a.to.0.max(b.to.0), a.to.1.max(b.to.1)),
    })
}

fn is_picture(piece: &Piece) -> bool {
    matches!(piece.content, PieceContent::Picture(_))
}

/// Bytes that a piece takes, without what the renderer shares between pieces.
fn piece_bytes(piece: &Piece) -> usize {
    match &piece.content {
        PieceContent::Outlines(outlines) => {
            let paths = outlines.iter().map(|outline| outline.path.bytes());
            paths.sum::<usize>() + size_of_val(&**outlines)
        }
        PieceContent::Picture(_) => 4_096,
    }
}

fn entry(piece: &Piece) -> Bounds {
    let b = piece.bounds;
    GeomWithData::new(Rectangle::from_corners([b.x0, b.y0], [b.x1, b.y1]), piece.unit)
}

//! From a document to the drawing that is written.
//!
//! The walk is one loop with a stack of its own: neither nesting nor chains of `use` can exhaust the
//! processor's. What `use` shows becomes a block, made once for everything that inherits alike.

mod drafted;
mod draw;
mod gradients;
mod lengths;
mod sheets;

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use foldhash::fast::RandomState;
use kurbo::Size;
use svgx_base::budget::Budget;
use svgx_drafting::{Drawn, Sheet};
use svgx_engine::compile::layer;
use svgx_engine::document::{Document, NodeId, Ns};
use svgx_engine::geometry::{
    AspectRatio, Declarations, Role, ViewBox, conditions_hold, href, role, switch_choice,
};

use super::super::curve::Affine;
use super::super::limits::{Error, Limits, hold};
use super::super::report::Notes;
use super::look::{Beyond, Look, Stated};
use super::model::{Block, Entity, Model, Pen, Shape, State};
use super::places::Places;
use super::text;
use super::words::Names;
use draw::faded;
use lengths::placed;

pub(super) use lengths::measured;

/// What an element is shown in.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// From the coordinates of the element to those of the block or the model, y upward.
    pub(super) place: Affine,
    pub(super) look: Rc<Look>,
    /// One for the children of each element.
    number: u32,
    layer: usize,
    viewport: Size,
    /// What `use` shows around this without a block, outermost last.
    shown: Option<Rc<Shown>>,
}

/// A chain of what is drawn in place of its `use`.
#[derive(Debug)]
struct Shown {
    target: NodeId,
    around: Option<Rc<Shown>>,
}

/// A block that is still to be filled.
#[derive(Debug)]
struct Open {
    block: usize,
    target: NodeId,
    context: Rc<Context>,
    size: Sides,
}

/// What an element inherits and states.
#[derive(Debug, Clone)]
struct Inside {
    look: Rc<Look>,
    stated: Rc<Stated>,
    /// The layer that its class names.
    layer: Option<usize>,
    /// Whether it asks for nothing that there is not.
    is_shown: bool,
}

/// Looks that are remembered; then they are forgotten together.
const LOOKS: usize = 4_096;

/// The size that a `use` states.
type Sides = (Option<f64>, Option<f64>);

/// What a `use` shows, where its look is kept, its size and that of what it is in.
type Asked = (NodeId, usize, [Option<u64>; 4]);

/// What is to be looked at, in what; the size, where it is what a `use` shows.
type Next = (NodeId, Rc<Context>, Option<Sides>);

/// What the walk made.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) model: Model,
    /// The blocks, each behind those that it inserts.
    pub(super) order: Vec<usize>,
    pub(super) notes: Notes,
}

/// The walk.
#[derive(Debug)]
pub(super) struct Walk<'d> {
    pub(super) document: &'d Document,
    pub(super) places: &'d Places,
    /// What of the document shows what it only states.
    drafted: Option<&'d Drawn>,
    /// Texts that show values, and the names of those.
    tags: HashMap<NodeId, &'d str>,
    /// Units of the file in a user unit.
    factor: f64,
    declared: Declarations<'d>,
    /// Looks by what they depend on.
    looks: HashMap<String, Inside, RandomState>,
    key: String,
    numbers: u32,
    limits: &'d Limits,
    budget: &'d Budget,
    pub(super) notes: Notes,
    pub(super) model: Model,
    pub(super) out: Vec<Entity>,
    layers: HashMap<String, usize, RandomState>,
    layer_names: Names,
    line_types: HashMap<Vec<u64>, usize>,
    block_names: Names,
    blocks: HashMap<(NodeId, String), usize>,
    /// Blocks by what they were asked for with, the look of the `use` by where it is kept.
    shown: HashMap<Asked, (usize, Rc<Look>)>,
    open: VecDeque<Open>,
    points: usize,
    steps: usize,
    exploded: usize,
    /// Objects that shapes elsewhere draw; found when it matters first.
    drawn_elsewhere: Option<HashSet<NodeId>>,
}

impl<'d> Walk<'d> {
    pub(super) fn new(
        document: &'d Document,
        places: &'d Places,
        declared: Declarations<'d>,
        drafted: Option<&'d Drawn>,
        limits: &'d Limits,
        budget: &'d Budget,
    ) -> Walk<'d> {
        let values = drafted.iter().flat_map(|drawn| &drawn.values);
        let tags = values.flat_map(|(_, texts)| texts);
        let tags = tags.map(|(text, value)| (*text, value.template.name.as_str())).collect();
        let mut layer_names = Names::default();
        let zero = layer_names.unique("0");
        // What another program would take for its own.
        layer_names.unique("DEFPOINTS");
        Walk {
            document,
            places,
            drafted,
            tags,
            factor: 1.0,
            declared,
            looks: HashMap::default(),
            key: String::new(),
            numbers: 0,
            shown: HashMap::new(),
            limits,
            budget,
            notes: Notes::new(limits.notes),
            model: Model {
                layers: vec![zero.clone()],
                states: vec![State::default()],
                ..Model::default()
            },
            out: Vec::new(),
            layers: HashMap::from_iter([(zero, 0)]),
            layer_names,
            line_types: HashMap::new(),
            block_names: Names::default(),
            blocks: HashMap::new(),
            open: VecDeque::new(),
            points: 0,
            steps: 0,
            exploded: 0,
            drawn_elsewhere: None,
        }
    }

    /// The whole drawing. `factor`: how many units of the file a user unit is.
    /// `sheets`: those that are to be written.
    pub(super) fn run(mut self, factor: f64, sheets: &[Sheet]) -> Result<Walked, Error> {
        self.factor = factor;
        let view = self.places.viewbox;
        let root = Context {
            place: Affine([factor, 0.0, 0.0, -factor, 0.0, 0.0]),
            look: Rc::default(),
            number: 0,
            layer: 0,
            viewport: Size::new(view.width, view.height),
            shown: None,
        };
        self.fill(NodeId::ROOT, Rc::new(root), None)?;
        self.model.entities = std::mem::take(&mut self.out);
        self.sheets(sheets)?;
        while let Some(Open { block, target, context, size }) = self.open.pop_front() {
            self.fill(target, context, Some(size))?;
            let entities = std::mem::take(&mut self.out);
            if let Some(block) = self.model.blocks.get_mut(block) {
                block.entities = entities;
            }
        }
        let order = self.without_rings();
        Ok(Walked { model: self.model, order, notes: self.notes })
    }

    /// Draws `start` and everything in it into `out`.
    fn fill(
        &mut self,
        start: NodeId,
        context: Rc<Context>,
        size: Option<Sides>,
    ) -> Result<(), Error> {
        let mut stack: Vec<Next> = vec![(start, context, size)];
        while let Some((node, context, size)) = stack.pop() {
            self.steps += 1;
            if self.steps.is_multiple_of(256) {
                self.budget.checkpoint()?;
            }
            self.element(node, &context, size, &mut stack)?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        node: NodeId,
        outer: &Context,
        size: Option<Sides>,
        stack: &mut Vec<Next>,
    ) -> Result<(), Error> {
        let document = self.document;
        if document.name(node) == Some((Ns::Arx, "attribute")) {
            return self.template(node, outer);
        }
        let role = role(document, node);
        let hidden = role == Role::None || (role == Role::Symbol && size.is_none());
        if hidden {
            return Ok(());
        }
        let Inside { look, stated, layer, is_shown } = self.looked(outer, node)?;
        if !is_shown {
            return Ok(());
        }
        if !look.display {
            self.note("dxf-hidden", "elements that are not displayed");
            return Ok(());
        }
        self.note_beyond(&look);
        let place = match role {
            // What the root states is how it is shown, not where it is.
            Role::Svg if node == NodeId::ROOT => outer.place,
            _ => {
                let own = self.places.own_transform(document, node).as_coeffs();
                outer.place.after(&Affine(own))
            }
        };
        let [a, b, c, d, ..] = place.0;
        if !place.0.iter().all(|n| n.is_finite()) || a * d - b * c == 0.0 {
            return Ok(());
        }
        self.numbers = self.numbers.wrapping_add(1);
        let mut inner = Context {
            place,
            look,
            number: self.numbers,
            layer: layer.unwrap_or(outer.layer),
            viewport: outer.viewport,
            shown: outer.shown.clone(),
        };
        match role {
            Role::Shape => self.shape(node, &inner, &stated)?,
            Role::Text => {
                text::runs(self, node, &inner)?;
                self.value(node);
            }
            Role::Group if size.is_none() && self.dimension(node, &inner)? => {}
            Role::Image => self.note("dxf-picture", "pictures are not in the file"),
            Role::Use => self.uses(node, inner, &stated, stack)?,
            Role::Svg | Role::Symbol if node != NodeId::ROOT => {
                if !self.viewport(node, role, &mut inner, size.unwrap_or_default(), &stated) {
                    return Ok(());
                }
                self.children(node, inner, stack);
            }
            Role::Object => {
                self.object(node, &inner)?;
                self.children(node, inner, stack);
            }
            Role::Switch => {
                let chosen = switch_choice(document, node);
                stack.extend(chosen.map(|child| (child, Rc::new(inner), None)));
            }
            _ => self.children(node, inner, stack),
        }
        Ok(())
    }

    fn children(&self, node: NodeId, inner: Context, stack: &mut Vec<Next>) {
        let inner = Rc::new(inner);
        let children = self.document.children(node).rev();
        stack.extend(children.map(|child| (child, Rc::clone(&inner), None)));
    }

    /// The look of `node` in `outer`, which elements that state alike share.
    fn looked(&mut self, outer: &Context, node: NodeId) -> Result<Inside, Error> {
        self.key.clear();
        // Seven bits each: letters of one byte.
        let digits = (0..5).map(|at| (outer.number >> (7 * at) & 0x7F) as u8);
        self.key.extend(digits.map(char::from));
        let is_alike = self.declared.key(node, &mut self.key);
        // The layer of others is not that of their class alone.
        let is_alike = is_alike
            && self.document.arx(node, "layer").is_none()
            && self.document.parent(node) != Some(NodeId::ROOT);
        if is_alike && let Some(known) = self.looks.get(&self.key) {
            return Ok(known.clone());
        }
        let is_shown = conditions_hold(self.document, node);
        let (look, stated) = self.inside(&outer.look, node)?;
        // What is not displayed begins no layer.
        let layer = if is_shown && look.display { self.layer(node)? } else { None };
        let (look, stated) = (Rc::new(look), Rc::new(stated));
        let inside = Inside { look, stated, layer, is_shown };
        if is_alike {
            if self.looks.len() >= LOOKS {
                self.looks.clear();
            }
            self.looks.insert(self.key.clone(), inside.clone());
        }
        Ok(inside)
    }

    pub(super) fn inside(&mut self, look: &Look, node: NodeId) -> Result<(Look, Stated), Error> {
        Ok(look.inside(&mut self.declared, node)?)
    }

    pub(super) fn note(&mut self, code: &'static str, message: &str) {
        self.notes.add(code, message.to_owned(), None);
    }

    fn note_beyond(&mut self, look: &Look) {
        if look.beyond == 0 {
            return;
        }
        for (beyond, code, message) in [
            (Beyond::Clip, "dxf-clip", "what a clip path cuts is drawn whole"),
            (Beyond::Mask, "dxf-mask", "what a mask hides is drawn whole"),
            (Beyond::Filter, "dxf-filter", "filters are left out"),
            (Beyond::Blend, "dxf-blend", "what blends is drawn over what is below"),
        ] {
            if look.asks_for(beyond) {
                self.note(code, message);
            }
        }
    }

    /// The layer that an element begins.
    fn layer(&mut self, node: NodeId) -> Result<Option<usize>, Error> {
        let Some(name) = layer(self.document, node) else { return Ok(None) };
        if let Some(known) = self.layers.get(name) {
            return Ok(Some(*known));
        }
        hold("dxf_layers", self.model.layers.len() + 1, self.limits.dxf_layers)?;
        self.layers.insert(name.to_owned(), self.model.layers.len());
        self.model.layers.push(self.layer_names.unique(name));
        let declared = self.drafted.iter().flat_map(|drawn| &drawn.layers);
        let state = declared.into_iter().find(|layer| layer.id == name).map(|layer| State {
            visible: layer.visible,
            printable: layer.printable,
            locked: layer.locked,
        });
        self.model.states.push(state.unwrap_or_default());
        Ok(Some(self.model.layers.len() - 1))
    }

    /// Steps into a viewport. False where it shows nothing.
    fn viewport(
        &self,
        node: NodeId,
        role: Role,
        inner: &mut Context,
        (width, height): Sides,
        stated: &Stated,
    ) -> bool {
        let document = self.document;
        let side = |name: &str, of: f64| {
            let text = match role {
                // The size of a symbol is what its attributes say, whatever a sheet does.
                Role::Symbol => document.attr(node, name),
                _ => stated.get(name).or_else(|| document.attr(node, name)),
            };
            measured(text?, of, inner.look.font_size)
        };
        let Size { width: across, height: down } = inner.viewport;
        let width = width.or_else(|| side("width", across)).unwrap_or(across);
        let height = height.or_else(|| side("height", down)).unwrap_or(down);
        if !(width > 0.0 && height > 0.0) {
            return false;
        }
        if role == Role::Svg {
            let at = [side("x", across).unwrap_or(0.0), side("y", down).unwrap_or(0.0)];
            inner.place = inner.place.after(&Affine([1.0, 0.0, 0.0, 1.0, at[0], at[1]]));
        }
        inner.viewport = Size::new(width, height);
        if let Some(view) = document.attr(node, "viewBox").and_then(ViewBox::parse) {
            let aspect = document.attr(node, "preserveAspectRatio");
            let aspect = aspect.map(AspectRatio::parse).unwrap_or_default();
            let fit = view.fit(aspect, inner.viewport).as_coeffs();
            inner.place = inner.place.after(&Affine(fit));
            inner.viewport = Size::new(view.width, view.height);
        }
        true
    }

    /// What a `use` shows: an insert of a block, or drawn in its place where no insert could be
    /// placed so.
    fn uses(
        &mut self,
        node: NodeId,
        mut inner: Context,
        stated: &Stated,
        stack: &mut Vec<Next>,
    ) -> Result<(), Error> {
        let document = self.document;
        let target = href(document, node).and_then(|id| document.by_id(id));
        let Some(target) = target.filter(|t| role(document, *t) != Role::None) else {
            return Ok(());
        };
        let Size { width, height } = inner.viewport;
        let side = |name: &str, of: f64| {
            let text = stated.get(name).or_else(|| document.attr(node, name));
            measured(text?, of, inner.look.font_size)
        };
        let at = [side("x", width).unwrap_or(0.0), side("y", height).unwrap_or(0.0)];
        let size = (side("width", width), side("height", height));
        inner.place = inner.place.after(&Affine([1.0, 0.0, 0.0, 1.0, at[0], at[1]]));
        if !inner.look.visible {
            // What is inside may be visible again, which no insert can say.
            return self.in_place(target, inner, size, stack);
        }
        let turned = inner.place.after(&Affine([1.0, 0.0, 0.0, -1.0, 0.0, 0.0]));
        let Some((scale, angle)) = placed(&turned) else {
            return self.in_place(target, inner, size, stack);
        };
        let look = &inner.look;
        let shown = look.tint(look.stroke).or_else(|| look.tint(look.fill)).unwrap_or(look.colour);
        let pen = Pen {
            tint: faded(shown, look.opacity),
            width: self.width(look, &inner.place),
            dash: self.dash(look, &inner.place),
        };
        if look.opacity < 1.0 {
            self.note("dxf-transparency", "what is shown by use is opaque");
        }
        let bits = |side: Option<f64>| side.map(f64::to_bits);
        let sides = [size.0, size.1, Some(width), Some(height)].map(bits);
        let key = (target, Rc::as_ptr(look).addr(), sides);
        let block = match self.shown.get(&key) {
            Some((known, _)) => *known,
            None => {
                let within = Context {
                    place: Affine([1.0, 0.0, 0.0, -1.0, 0.0, 0.0]),
                    look: Rc::new(look.of_block(shown)),
                    number: inner.number,
                    layer: 0,
                    viewport: inner.viewport,
                    shown: None,
                };
                let block = self.block(target, within, size)?;
                // While it is kept here nothing else is where it is.
                self.shown.insert(key, (block, Rc::clone(&inner.look)));
                block
            }
        };
        let at = [turned.0[4], turned.0[5]];
        let shape = Shape::Insert { block, at, scale, angle, values: Vec::new() };
        self.push(Entity { layer: inner.layer, pen, shape }, 1)
    }

    fn in_place(
        &mut self,
        target: NodeId,
        mut inner: Context,
        size: Sides,
        stack: &mut Vec<Next>,
    ) -> Result<(), Error> {
        let mut around = inner.shown.as_ref();
        while let Some(shown) = around {
            if shown.target == target {
                self.note("dxf-recursive", "what shows itself is left out");
                return Ok(());
            }
            around = shown.around.as_ref();
        }
        self.exploded += 1;
        hold("instances", self.exploded, self.limits.instances)?;
        inner.shown = Some(Rc::new(Shown { target, around: inner.shown.take() }));
        stack.push((target, Rc::new(inner), Some(size)));
        Ok(())
    }

    /// The block of what is shown so.
    fn block(&mut self, target: NodeId, within: Context, size: Sides) -> Result<usize, Error> {
        // The size of what has no viewport of its own changes nothing.
        let is_symbol = matches!(role(self.document, target), Role::Symbol | Role::Svg);
        let size = if is_symbol { size } else { (None, None) };
        let view = is_symbol.then_some(within.viewport);
        let key = (target, format!("{:?} {size:?} {view:?}", within.look));
        if let Some(&known) = self.blocks.get(&key) {
            return Ok(known);
        }
        let block = self.model.blocks.len();
        hold("dxf_blocks", block + 1, self.limits.dxf_blocks)?;
        self.blocks.insert(key, block);
        let name = self.document.id(target).unwrap_or("block");
        // The import puts that before the names of blocks.
        let name = self.block_names.unique(name.strip_prefix("block-").unwrap_or(name));
        self.model.blocks.push(Block { name, entities: Vec::new() });
        self.open.push_back(Open { block, target, context: Rc::new(within), size });
        Ok(block)
    }

    /// Takes out the inserts by which a block contains itself; the blocks in an order in which each
    /// is behind those that it inserts.
    fn without_rings(&mut self) -> Vec<usize> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let inserts = |block: &Block| -> Vec<usize> {
            let of = |entity: &Entity| match entity.shape {
                Shape::Insert { block, .. } => Some(block),
                Shape::Dimension(ref dimension) => Some(dimension.block),
                _ => None,
            };
            let mut inserts: Vec<usize> = block.entities.iter().filter_map(of).collect();
            inserts.sort_unstable();
            inserts.dedup();
            inserts
        };
        let edges: Vec<Vec<usize>> = self.model.blocks.iter().map(inserts).collect();
        let mut state = vec![State::New; edges.len()];
        let mut rings: Vec<(usize, usize)> = Vec::new();
        let mut order: Vec<usize> = Vec::with_capacity(edges.len());
        for start in 0..edges.len() {
            if state[start] != State::New {
                continue;
            }
            state[start] = State::Open;
            let mut path = vec![(start, 0_usize)];
            while let Some((at, next)) = path.last_mut() {
                let Some(&to) = edges[*at].get(*next) else {
                    state[*at] = State::Done;
                    order.push(*at);
                    path.pop();
                    continue;
                };
                *next += 1;
                match state[to] {
                    State::Done => {}
                    State::Open => rings.push((*at, to)),
                    State::New => {
                        state[to] = State::Open;
                        path.push((to, 0));
                    }
                }
            }
        }
        for (at, to) in rings {
            self.note("dxf-recursive", "what shows itself is left out");
            self.model.blocks[at]
                .entities
                .retain(|e| !matches!(e.shape, Shape::Insert { block, .. } if block == to));
        }
        order
    }
}

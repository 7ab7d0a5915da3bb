//! The walk from a document's tree to placed outlines.
//!
//! One loop with an explicit stack: neither nesting nor chains of `use` can
//! exhaust the processor's stack.

use std::collections::HashMap;
use std::sync::Arc;

use kurbo::{Affine, BezPath, PathEl, Rect, Shape, Size};

use crate::document::{Document, Limits, NodeId, NodeKind, Ns};
use svgx_base::budget::Budget;

use super::basic_shape::basic_shape;
use super::clip::{Clip, ClipPaths};
use super::css::{ALL_STEPS, ELEMENT_STEPS, Matching, Sheet, pixel};
use super::curve::Curve;
use super::item::{Error, Item, Key, Paint};
use super::length::{Length, Scale};
use super::outline::{self, Frame, Side};
use super::own::Own;
use super::role::{Role, conditions_hold, href, is_box, is_inside, role, switch_choice};
use super::style::{PointerEvents, Special, Style};
use super::viewport::{AspectRatio, ViewBox};

/// What an element inherits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) transform: Affine,
    pub(crate) style: Style,
    pub(crate) viewport: Size,
    /// The clip around, counted from 1; 0: none.
    pub(crate) clip: usize,
    /// The outermost element around that takes more than plain ink: what is inside is drawn with it.
    pub(crate) unit: Option<NodeId>,
}

/// What the walk found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    /// `use` elements with the elements they show.
    pub(crate) uses: Vec<(NodeId, NodeId)>,
    pub(crate) cyclic: Vec<NodeId>,
    pub(crate) dangling: Vec<NodeId>,
    /// Deepest nesting met, instances included.
    pub(crate) depth: usize,
    /// Something is drawn that takes more than plain outlines in plain ink.
    pub(crate) strange: bool,
    /// The outermost elements that take more than plain ink, and whatever blends.
    pub(crate) units: Vec<(NodeId, Special)>,
    /// The one that the start of the walk lies in.
    pub(crate) within: Option<NodeId>,
    pub(crate) styled: HashMap<NodeId, Styled>,
    /// Basic shapes that elements are cut to, and whether they are filled by the even-odd rule.
    pub(crate) shaped: HashMap<NodeId, (BezPath, bool)>,
    pub(crate) non_scaling: bool,
}

/// What a style says of an element's own place and size.
#[derive(Clone, Debug)]
pub(crate) struct Styled {
    pub(crate) transform: Option<Affine>,
    pub(crate) own: Own,
}

/// The walk's fixed surroundings.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    pub(crate) document: &'a Document,
    pub(crate) limits: &'a Limits,
    pub(crate) budget: &'a Budget,
    pub(crate) sheet: &'a Sheet,
    pub(crate) scale: Scale,
    pub(crate) ranks: &'a [u32],
    matching: Matching,
    pub(super) clips: Vec<Arc<Clip>>,
    pub(super) clip_paths: ClipPaths,
    work: u64,
    checked: u64,
    instances: usize,
    segments: usize,
    /// The `use` that the walk is inside of, outermost.
    pub(super) host: Option<NodeId>,
    outlines: HashMap<NodeId, Curve>,
    /// A box is being measured: basic shapes do not cut.
    pub(super) measuring: bool,
    /// A CSS pixel in units of the world.
    pixel: f64,
}

/// The instance the walk is inside of.
#[derive(Clone, Copy, Debug)]
struct Instance {
    host: NodeId,
    sequence: u32,
}

enum Entered {
    Nothing,
    Children(Context),
    Shows { target: NodeId, context: Context, size: Sides },
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        document: &'a Document,
        limits: &'a Limits,
        budget: &'a Budget,
        sheet: &'a Sheet,
        scale: Scale,
        ranks: &'a [u32],
    ) -> Resolver<'a> {
        Resolver {
            document,
            limits,
            budget,
            sheet,
            scale,
            ranks,
            matching: Matching::default(),
            clips: Vec::new(),
            clip_paths: ClipPaths::new(),
            work: 0,
            checked: 0,
            instances: 0,
            segments: 0,
            host: None,
            outlines: HashMap::new(),
            measuring: false,
            pixel: pixel(document),
        }
    }

    /// The context an element's children see; `None` if it shows nothing.
    /// For walking down to the start of a partial update.
    pub(crate) fn context_inside(&mut self, node: NodeId, outer: Context) -> Option<Context> {
        let mut scrap = Found::default();
        let mut none = None;
        match self.enter(node, outer, None, &mut none, &mut scrap).ok()? {
            Entered::Children(context) => Some(context),
            _ => None,
        }
    }

    /// The context that `target` stands in where the `use` element `user` shows it, and the
    /// context inside of it, if it has one.
    pub(crate) fn context_shown(
        &mut self,
        user: NodeId,
        target: NodeId,
        outer: Context,
    ) -> Option<(Context, Option<Context>)> {
        let mut scrap = Found::default();
        let mut none = None;
        match self.enter(user, outer, None, &mut none, &mut scrap).ok()? {
            Entered::Shows { target: shown, context, size } if shown == target => {
                match self.enter(target, context, Some(size), &mut none, &mut scrap).ok()? {
                    Entered::Children(inside) => Some((context, Some(inside))),
                    _ => Some((context, None)),
                }
            }
            _ => None,
        }
    }

    /// Resolves `start` and everything below it.
    pub(crate) fn walk(&mut self, start: NodeId, outer: Context) -> Result<Found, Error> {
        let document = self.document;
        let mut found = Found { within: outer.unit, ..Found::default() };
        let mut instance: Option<Instance> = None;
        let mut stack: Vec<Open> = Vec::new();
        // What is being shown by the `use` elements around the walk, outermost first.
        let mut active: Vec<NodeId> = Vec::new();
        let mut next: Option<(NodeId, Context, Option<Sides>)> = Some((start, outer, None));
        loop {
            let (node, context, size) = match next.take() {
                Some(entry) => entry,
                None => {
                    let Some(open) = stack.last_mut() else { break };
                    match open.next {
                        Some(child) => {
                            open.next = document.next_sibling(child).filter(|_| !open.single);
                            (child, open.context, None)
                        }
                        None => {
                            if open.shown {
                                active.pop();
                            }
                            stack.pop();
                            if active.is_empty() {
                                instance = None;
                            }
                            continue;
                        }
                    }
                }
            };
            if !document.is_element(node) {
                continue;
            }
            self.host = instance.map(|i| i.host);
            self.step(node, !active.is_empty())?;
            let shown = size.is_some();
            let open = match self.enter(node, context, size, &mut instance, &mut found)? {
                Entered::Nothing if shown => Open { context, next: None, single: false, shown },
                Entered::Nothing => continue,
                Entered::Children(context) => {
                    let single = role(document, node) == Role::Switch;
                    let next = match single {
                        true => switch_choice(document, node),
                        false => document.first_child(node),
                    };
                    Open { context, next, single, shown }
                }
                Entered::Shows { target, context, size } => {
                    if active.contains(&target) || is_inside(document, node, target) {
                        found.cyclic.push(node);
                    } else {
                        found.uses.push((node, target));
                        instance.get_or_insert(Instance { host: node, sequence: 0 });
                        next = Some((target, context, Some(size)));
                    }
                    let entered = next.is_some();
                    // Also a `use` that is shown by another one stays open until
                    // what it shows is left.
                    if shown {
                        stack.push(Open { context, next: None, single: false, shown });
                    }
                    if entered {
                        active.push(target);
                    }
                    continue;
                }
            };
            stack.push(open);
            found.depth = found.depth.max(stack.len());
            let max = self.limits.depth.saturating_mul(2);
            if stack.len() > max {
                let node = instance.map_or(node, |i| i.host);
                let (seen, node) = (stack.len(), Some(node));
                return Err(Error::Limit { limit: "depth", max, seen, node });
            }
        }
        Ok(found)
    }

    /// Counts one element, and lets the budget speak every now and then.
    fn step(&mut self, node: NodeId, instanced: bool) -> Result<(), Error> {
        self.work += 16;
        if instanced {
            // Its attributes are read anew for each instance.
            let values = self.document.attributes(node).iter().map(|a| a.value.len());
            self.read(values.sum())?;
            self.instances += 1;
            if self.instances > self.limits.instances {
                let (max, seen) = (self.limits.instances, self.instances);
                return Err(Error::Limit { limit: "instances", max, seen, node: self.host });
            }
        }
        if self.work - self.checked > 4_096 {
            self.checked = self.work;
            self.budget.checkpoint()?;
        }
        Ok(())
    }

    /// Counts bytes that are read for an instance: many instances of a long
    /// value cost as much as one endless value.
    fn read(&mut self, bytes: usize) -> Result<(), Error> {
        let long = bytes.saturating_sub(256) / 16;
        self.work += long as u64;
        self.several(long)
    }

    /// Counts segments, or as much work, that instances take.
    pub(super) fn several(&mut self, count: usize) -> Result<(), Error> {
        self.segments = self.segments.saturating_add(count);
        let max = self.limits.instances.saturating_mul(64);
        match self.segments > max {
            true => {
                let (seen, node) = (self.segments, self.host);
                Err(Error::Limit { limit: "instances", max, seen, node })
            }
            false => Ok(()),
        }
    }

    fn enter(
        &mut self,
        node: NodeId,
        outer: Context,
        size: Option<Sides>,
        instance: &mut Option<Instance>,
        found: &mut Found,
    ) -> Result<Entered, Error> {
        let document = self.document;
        let role = role(document, node);
        if role == Role::None || (role == Role::Symbol && size.is_none()) {
            return Ok(Entered::Nothing);
        }
        if !conditions_hold(document, node) {
            return Ok(Entered::Nothing);
        }
        let before = self.matching.steps;
        let (style, own) = Style::of(document, node, outer.style, self.sheet, &mut self.matching);
        let steps = self.matching.steps - before;
        self.work += steps;
        if self.matching.exhausted {
            let whole = self.matching.steps > ALL_STEPS;
            let (limit, max, seen) = match whole {
                true => ("style_steps", ALL_STEPS, self.matching.steps),
                false => ("element_style_steps", ELEMENT_STEPS, steps),
            };
            let (max, seen) = (max as usize, seen as usize);
            return Err(Error::Limit { limit, max, seen, node: Some(node) });
        }
        if instance.is_some() {
            let rules = usize::try_from(steps).unwrap_or(usize::MAX);
            self.several(rules / 4)?;
        }
        if !style.display {
            return Ok(Entered::Nothing);
        }
        let mut context = Context { style, ..outer };
        let viewport = matches!(role, Role::Svg | Role::Symbol) && node != NodeId::ROOT;
        // Fill and stroke fade together, not each for itself.
        let both = style.ink.fill[3] > 0 && style.ink.stroke[3] > 0;
        let layered = style.ink.opacity < 1.0 && (role != Role::Shape || both);
        let special = style
            .ink
            .special
            .or_else(|| role.special())
            .or(layered.then_some(Special::Opacity))
            .or(viewport.then_some(Special::Viewport));
        if let Some(special) = special {
            found.strange |= style.ink.special.is_some() || layered || viewport;
            self.note_unit(node, special, &mut context, instance.map(|i| i.host), found);
        }
        found.non_scaling |= style.non_scaling;
        let frame =
            Frame { viewport: context.viewport, font_size: style.font_size, scale: self.scale };
        let placed =
            own.transform(document, node, frame.viewport, style.font_size, || match role {
                Role::Text => outline::text_boxes(document, node, frame, style),
                _ => outline::outline(document, node, frame, &own),
            });
        if own.is_styled() {
            found
                .styled
                .entry(node)
                .or_insert_with(|| Styled { transform: placed, own: own.clone() });
        }
        if let Some(own) = placed {
            context.transform *= own;
            // What is squeezed to nothing is not drawn, nor is what is beyond reach.
            let usable = context.transform.is_finite() && context.transform.determinant() != 0.0;
            if !usable {
                return Ok(Entered::Nothing);
            }
        }
        let shape = own.clip_path.as_deref().and_then(basic_shape);
        if let Some(shape) = shape.filter(|_| !self.measuring) {
            found.strange = true;
            self.note_unit(node, Special::Clip, &mut context, instance.map(|i| i.host), found);
            let cut = self.clip_to_shape(node, shape, &mut context, outer, frame, &own)?;
            if let Some(cut) = cut {
                if instance.is_some() {
                    self.several(cut.0.elements().len())?;
                }
                found.shaped.entry(node).or_insert(cut);
            }
        } else if let Some(clip) = &own.clip_path {
            let area = || outline::outline(document, node, frame, &own);
            let steps = self.clip(clip, &mut context, frame, area);
            if instance.is_some() {
                self.several(steps)?;
            }
        }
        match role {
            Role::Shape | Role::Image | Role::Text => {
                let outline = match self.outlines.get(&node) {
                    Some(shared) => Some(shared.clone()),
                    None => {
                        if role == Role::Text && instance.is_some() {
                            let texts =
                                document.descendants(node).map(|n| match document.kind(n) {
                                    NodeKind::Text(text) => text.len(),
                                    _ => 16,
                                });
                            self.read(texts.sum())?;
                        }
                        let made = match role {
                            Role::Text => outline::text_boxes(document, node, frame, style),
                            _ => outline::outline(document, node, frame, &own),
                        };
                        let made = made.map(Curve::from);
                        // Instances share the outline, unless what they inherit
                        // may change it.
                        if let (Some(made), true, Role::Shape) = (&made, instance.is_some(), role)
                            && !is_relative(document, node)
                            && !own.is_styled()
                        {
                            self.outlines.insert(node, made.clone());
                        }
                        made
                    }
                };
                if let Some(outline) = outline {
                    self.place(node, outline, role, frame, &context, instance, found)?;
                }
                Ok(Entered::Nothing)
            }
            Role::Object => {
                if let Some(outline) = object_box(document, node, self.scale) {
                    self.place(node, outline.into(), role, frame, &context, instance, found)?;
                }
                Ok(Entered::Children(context))
            }
            Role::Group | Role::Switch => Ok(Entered::Children(context)),
            Role::Use => {
                let get = |name, side| frame.value(own.value(document, node, name)?, side);
                let at =
                    (get("x", Side::Width).unwrap_or(0.0), get("y", Side::Height).unwrap_or(0.0));
                context.transform *= Affine::translate(at);
                let size = (get("width", Side::Width), get("height", Side::Height));
                let Some(id) = href(document, node) else { return Ok(Entered::Nothing) };
                match document.by_id(id).filter(|t| self::role(document, *t) != Role::None) {
                    Some(target) => Ok(Entered::Shows { target, context, size }),
                    None => {
                        found.dangling.push(node);
                        Ok(Entered::Nothing)
                    }
                }
            }
            Role::Svg if node == NodeId::ROOT => Ok(Entered::Children(context)),
            Role::Svg | Role::Symbol => {
                // Browsers take the size of a symbol from its attributes, whatever a sheet says.
                let stated = |name| match role {
                    Role::Symbol => document.attr(node, name),
                    _ => own.value(document, node, name),
                };
                let get = |name, side| frame.value(stated(name)?, side);
                let (use_width, use_height) = size.unwrap_or_default();
                let width = use_width.or_else(|| get("width", Side::Width));
                let height = use_height.or_else(|| get("height", Side::Height));
                let size = Size::new(
                    width.unwrap_or(context.viewport.width),
                    height.unwrap_or(context.viewport.height),
                );
                if size.width <= 0.0 || size.height <= 0.0 {
                    return Ok(Entered::Nothing);
                }
                if role == Role::Svg {
                    let at = (
                        get("x", Side::Width).unwrap_or(0.0),
                        get("y", Side::Height).unwrap_or(0.0),
                    );
                    context.transform *= Affine::translate(at);
                }
                if style.overflow_hidden {
                    self.clip_to(Rect::from_origin_size((0.0, 0.0), size), &mut context);
                }
                context.viewport = size;
                if let Some(v) = document.attr(node, "viewBox").and_then(ViewBox::parse) {
                    let aspect = document.attr(node, "preserveAspectRatio");
                    let aspect = aspect.map(AspectRatio::parse).unwrap_or_default();
                    context.transform *= v.fit(aspect, size);
                    context.viewport = Size::new(v.width, v.height);
                }
                Ok(Entered::Children(context))
            }
            Role::None => Ok(Entered::Nothing),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one call site's locals, by name")]
    fn place(
        &mut self,
        node: NodeId,
        outline: Curve,
        role: Role,
        frame: Frame,
        context: &Context,
        instance: &mut Option<Instance>,
        found: &mut Found,
    ) -> Result<(), Error> {
        let count = outline.elements().len();
        self.work += count as u64;
        if instance.is_some() {
            // Many instances of a long path cost as much as one endless path.
            self.several(count)?;
        }
        let transform = context.transform;
        let Some(bounds) = bounds(&outline.elements(), transform) else { return Ok(()) };
        let style = context.style;
        let painted = role == Role::Shape;
        found.strange |= matches!(role, Role::Text | Role::Image);
        let stroke = if painted && (style.stroke || style.pointer == PointerEvents::All) {
            let width = frame.units(style.stroke_width, Side::Diagonal).unwrap_or(0.0);
            let scale = match style.non_scaling {
                true => self.pixel,
                false => transform.determinant().abs().sqrt(),
            };
            width / 2.0 * scale
        } else {
            0.0
        };
        let (host, sequence) = match instance {
            Some(i) => {
                let sequence = i.sequence;
                i.sequence = sequence.saturating_add(1);
                (i.host, sequence)
            }
            None => (node, 0),
        };
        let rank = self.ranks.get(host.index()).copied().unwrap_or(u32::MAX);
        found.items.push(Item {
            key: Key { rank, sequence },
            host,
            source: node,
            transform,
            outline,
            bounds,
            stroke_width: frame.units(style.stroke_width, Side::Diagonal).unwrap_or(0.0),
            ink: style.ink,
            boxed: role == Role::Object,
            clip: context.clip.checked_sub(1).and_then(|at| self.clips.get(at)).cloned(),
            unit: context.unit,
            non_scaling: style.non_scaling,
            paint: Paint {
                fill: !painted || style.fill,
                stroke: painted && style.stroke,
                even_odd: style.even_odd,
                visible: style.visible,
                pointer: style.pointer,
                half_stroke: if stroke.is_finite() { stroke } else { 0.0 },
            },
        });
        Ok(())
    }
}

type Sides = (Option<f64>, Option<f64>);

/// An element whose children are being walked.
#[derive(Debug)]
struct Open {
    context: Context,
    next: Option<NodeId>,
    /// Only the first of the children counts.
    single: bool,
    /// It is what a `use` shows.
    shown: bool,
}

/// The exact bounds of an outline under a transform; `None` if it draws
/// nothing or is not finite.
pub(crate) fn bounds(outline: &[PathEl], transform: Affine) -> Option<Rect> {
    let mut total: Option<Rect> = None;
    for segment in kurbo::segments(outline.iter().map(|el| transform * *el)) {
        let b = match segment {
            kurbo::PathSeg::Line(l) => Rect::from_points(l.p0, l.p1),
            kurbo::PathSeg::Quad(q) => q.bounding_box(),
            kurbo::PathSeg::Cubic(c) => c.bounding_box(),
        };
        total = Some(total.map_or(b, |t| t.union(b)));
    }
    total.filter(|r| r.is_finite())
}

/// The box that an object's geometry child states, in user units.
fn object_box(document: &Document, object: NodeId, scale: Scale) -> Option<BezPath> {
    let geometry = document.children(object).find(|&c| is_box(document, c))?;
    let get = |name| {
        let mm = Length::parse(document.attr(geometry, name)?).ok()?.to_mm().ok()?;
        Some(scale.to_units(mm)).filter(|u| u.abs() <= super::path::FAR)
    };
    let (w, h) = (get("width")?, get("height")?);
    let origin = kurbo::Point::new(get("x").unwrap_or(0.0), get("y").unwrap_or(0.0));
    (w > 0.0 && h > 0.0)
        .then(|| outline::rectangle(Rect::from_origin_size(origin, Size::new(w, h)), (0.0, 0.0)))
}

/// Whether the element's own lengths depend on where it is shown. Those of a
/// path or a list of points never do, however it is drawn.
fn is_relative(document: &Document, node: NodeId) -> bool {
    if matches!(document.name(node), Some((_, "path" | "polyline" | "polygon"))) {
        return false;
    }
    document.attributes(node).iter().any(|a| {
        a.ns == Ns::None
            && !matches!(a.name, "d" | "points" | "style" | "class" | "id")
            && (a.value.ends_with('%') || a.value.ends_with("em") || a.value.ends_with("ex"))
    })
}

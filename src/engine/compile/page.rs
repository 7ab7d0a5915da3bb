//! What a page of paper shows of a document: outlines, letters by their glyphs, groups that are cut
//! or fade together, and the layers that all of it is on.
//!
//! Read from the same tree that pictures are painted from, so that both show the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kurbo::{Affine, BezPath, Size};
use resvg::usvg;
use resvg::usvg::fontdb::ID;

use crate::document::{Document, Limits, NodeId, Ns};
use crate::geometry::css::Sheet;
use crate::geometry::{Role, Scene, natural_scale, role};
use svgx_base::budget::Budget;

use super::Error;
use super::display::Outline;
use super::fonts::Fonts;
use super::pieces::{affine, curves, line};
use super::png::{self, SHALLOW};
use super::raster::Raster;
use super::svg::raster;

/// The longer side of the canvas that a page is resolved on: coordinates are 32 bits, exact to a
/// ten-millionth of it, and what is kept of it while it is counted grows with its area.
const CANVAS: f64 = 2_048.0;
/// What the groups of layers are called between the two renderers.
pub(super) const MARK: &str = "svgx~layer~";

/// What a page shows, in the order of painting.
#[derive(Debug, Default)]
pub struct Page {
    /// Width and height in user units of the root's viewBox, from its corner.
    pub size: Size,
    /// What is painted; groups are balanced.
    pub marks: Vec<Mark>,
    /// Names of the layers.
    pub layers: Vec<String>,
    /// The faces of all glyphs.
    pub faces: Vec<Face>,
    /// What is not painted, or otherwise than in a picture, and how often.
    pub left_out: BTreeMap<LeftOut, usize>,
}

/// Something that is painted.
#[derive(Debug)]
pub enum Mark {
    /// A group begins.
    Begin(Group),
    /// The last group that began ends.
    End,
    /// An outline in plain colours.
    Outline(Outline),
    /// An area in a gradient.
    Gradient {
        /// The area, in coordinates of the page.
        area: BezPath,
        /// Whether the even-odd rule says what is inside.
        even_odd: bool,
        /// How opaque it is.
        alpha: u8,
        /// Its colours.
        gradient: Gradient,
    },
    /// Letters in one colour.
    Glyphs {
        /// One of [`Page::faces`].
        face: usize,
        /// Red, green, blue, alpha, not premultiplied.
        colour: [u8; 4],
        /// The letters.
        glyphs: Vec<Glyph>,
    },
}

/// What is done with everything in a group.
#[derive(Debug, Default)]
pub struct Group {
    /// One of [`Page::layers`].
    pub layer: Option<usize>,
    /// What it is cut to: each, in coordinates of the page, and whether by the even-odd rule.
    pub clips: Vec<(BezPath, bool)>,
    /// How much it fades as a whole; 1 for not at all.
    pub opacity: f32,
}

/// A gradient whose ends go on for ever.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// From its coordinates to the page.
    pub transform: Affine,
    /// Where it begins and ends.
    pub between: Between,
    /// Where along the way each colour is, in order, at least two.
    pub stops: Vec<(f64, [u8; 3])>,
}

/// Between which shapes the colours of a gradient change.
#[derive(Clone, Copy, Debug)]
pub enum Between {
    /// Two points.
    Points([f64; 2], [f64; 2]),
    /// Two circles: centre and radius.
    Circles(([f64; 2], f64), ([f64; 2], f64)),
}

/// A letter at its place.
#[derive(Debug)]
pub struct Glyph {
    /// Its number in the face.
    pub id: u16,
    /// The text that it stands for; empty where another glyph does.
    pub text: String,
    /// From the coordinates of the face over its units per em, y upward, to the page.
    pub transform: Affine,
}

/// The face of a font.
#[derive(Clone, Debug)]
pub struct Face {
    /// The name of its family.
    pub family: String,
    /// Its PostScript name.
    pub name: String,
    /// The file.
    pub bytes: Arc<[u8]>,
    /// Which face of the file it is.
    pub index: u32,
    /// Units of its outlines in the size of its letters.
    pub units_per_em: f64,
}

/// What a page has nothing for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// A line in a gradient, or a gradient that repeats or is translucent in parts: not painted.
    Gradient,
    /// A fill or line in a pattern, which is not painted.
    Pattern,
    /// A picture, which is not painted.
    Picture,
    /// A filter: what it is on is painted without.
    Filter,
    /// A mask: what it hides is painted.
    Mask,
    /// A blend mode: what has it is painted over what is below.
    Blending,
    /// A text whose letters are outlines.
    TextAsOutlines,
}

impl LeftOut {
    /// Its name in answers.
    pub fn code(self) -> &'static str {
        match self {
            LeftOut::Gradient => "gradient",
            LeftOut::Pattern => "pattern",
            LeftOut::Picture => "picture",
            LeftOut::Filter => "filter",
            LeftOut::Mask => "mask",
            LeftOut::Blending => "blending",
            LeftOut::TextAsOutlines => "text-as-outlines",
        }
    }
}

/// The layers of a document: their names, and the elements that begin one.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    names: Vec<String>,
    of: HashMap<NodeId, usize>,
}

impl Layers {
    fn of(document: &Document) -> Layers {
        let mut layers = Layers::default();
        let mut known: HashMap<String, usize> = HashMap::new();
        for node in document.elements() {
            let Some(name) = layer(document, node) else { continue };
            let is_drawn = !matches!(role(document, node), Role::None | Role::Svg | Role::Symbol);
            let parent = document.parent(node).and_then(|parent| document.name(parent));
            // Letters and shapes that cut are no groups.
            let is_apart = matches!(parent, Some((_, "clipPath" | "text" | "tspan")));
            if !is_drawn || is_apart || layers.names.len() >= 1_000 {
                continue;
            }
            let at = *known.entry(name.to_owned()).or_insert_with(|| {
                layers.names.push(name.to_owned());
                layers.names.len() - 1
            });
            layers.of.insert(node, at);
        }
        layers
    }

    /// What the group around an element is called that begins a layer.
    pub(super) fn mark(&self, node: NodeId) -> Option<String> {
        self.of.get(&node).map(|at| format!("{MARK}{at}"))
    }
}

/// The layer that an element begins: `arx:layer`, the class of a layer that came from another
/// program (`layer-NAME`), or the id of an outermost group.
pub fn layer(document: &Document, node: NodeId) -> Option<&str> {
    let classes = document.attr(node, "class").unwrap_or_default().split_ascii_whitespace();
    let mut class = classes.filter_map(|class| class.strip_prefix("layer-"));
    let group = || {
        let is_outermost = document.parent(node) == Some(NodeId::ROOT)
            && matches!(document.name(node), Some((Ns::Svg | Ns::None, "g")));
        // An import calls so all that is in no block.
        document.id(node).filter(|id| is_outermost && *id != "model")
    };
    let name = document.arx(node, "layer").or_else(|| class.next()).or_else(group)?;
    Some(name.trim()).filter(|name| !name.is_empty())
}

/// What a page shows of a document. O(elements + instances), and what the renderer takes to read it.
///
/// # Errors
/// As [`png`](super::png()).
pub fn page(
    document: &Document,
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<Page, Error> {
    budget.checkpoint()?;
    let scene = Scene::build(document, limits, budget)?;
    let viewbox = scene.viewbox();
    let natural = natural_scale(document);
    let longer = viewbox.width.max(viewbox.height);
    let scale = natural.min(CANVAS / longer);
    let side = |units: f64| (units * scale).round().clamp(1.0, f64::from(u16::MAX)) as u32;
    let size = (side(viewbox.width), side(viewbox.height));
    let canvas = Size::new(f64::from(size.0), f64::from(size.1));
    let view = viewbox.fit(crate::geometry::AspectRatio::parse("none"), canvas);
    let sheet = Sheet::of(document);
    let layers = Layers::of(document);
    let referenced = png::references(document);
    let deep = !referenced.is_empty() || scene.depth() > SHALLOW;
    let raster_of = Raster {
        size,
        sheet: &sheet,
        scene: &scene,
        view,
        budget,
        referenced,
        only: None,
        layers: Some(&layers),
        stretched: true,
    };
    let text = raster(document, raster_of)?;
    budget.checkpoint()?;
    let deep = deep || text.depth > SHALLOW;
    let tree =
        png::on_deep_stack(deep, || png::expand(document, &text, size, fonts, limits, budget))?;
    let corner = Affine::translate((-viewbox.x, -viewbox.y));
    let mut reader = Reader {
        tree: &tree,
        world: corner * view.inverse(),
        page: Page {
            size: Size::new(viewbox.width, viewbox.height),
            layers: layers.names,
            ..Page::default()
        },
        faces: HashMap::new(),
        budget,
    };
    reader.read()?;
    let page = reader.page;
    // The tree is deep where the document is, and so is the way out of it.
    png::on_deep_stack(deep, || {
        drop(tree);
        Ok(())
    })?;
    Ok(page)
}

/// Takes a tree apart.
struct Reader<'t> {
    tree: &'t usvg::Tree,
    /// From the coordinates of the tree to the page.
    world: Affine,
    page: Page,
    /// Known faces; `None` for one that has no file here.
    faces: HashMap<ID, Option<usize>>,
    budget: &'t Budget,
}

impl<'t> Reader<'t> {
    fn read(&mut self) -> Result<(), Error> {
        // Groups that are open, and whether they are groups of the page.
        let mut open = vec![(self.tree.root().children().iter(), false)];
        let mut steps = 0_u32;
        while let Some((children, is_begun)) = open.last_mut() {
            steps += 1;
            if steps.is_multiple_of(64) {
                self.budget.checkpoint()?;
            }
            match children.next() {
                None => {
                    if *is_begun {
                        self.page.marks.push(Mark::End);
                    }
                    open.pop();
                }
                Some(usvg::Node::Group(inner)) => {
                    let is_begun = self.begin(inner);
                    open.push((inner.children().iter(), is_begun));
                }
                Some(usvg::Node::Path(path)) => self.path(path),
                Some(usvg::Node::Image(_)) => self.leave(LeftOut::Picture),
                Some(usvg::Node::Text(text)) => {
                    if !self.text(text) {
                        self.leave(LeftOut::TextAsOutlines);
                        open.push((text.flattened().children().iter(), false));
                    }
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, what: LeftOut) {
        *self.page.left_out.entry(what).or_default() += 1;
    }

    /// Begins a group of the page, where it is one.
    fn begin(&mut self, group: &usvg::Group) -> bool {
        if !group.filters().is_empty() {
            self.leave(LeftOut::Filter);
        }
        if group.mask().is_some() {
            self.leave(LeftOut::Mask);
        }
        if group.blend_mode() != usvg::BlendMode::Normal {
            self.leave(LeftOut::Blending);
        }
        let layer = group.id().strip_prefix(MARK).and_then(|at| at.parse::<usize>().ok());
        let layer = layer.filter(|at| *at < self.page.layers.len());
        let mut clips = Vec::new();
        let mut clip = group.clip_path();
        while let Some(path) = clip {
            let at = group.abs_transform().pre_concat(path.transform());
            self.clip(path.root(), at, &mut clips);
            clip = path.clip_path();
        }
        let opacity = group.opacity().get();
        let is_begun = layer.is_some() || !clips.is_empty() || opacity < 1.0;
        if is_begun {
            self.page.marks.push(Mark::Begin(Group { layer, clips, opacity }));
        }
        is_begun
    }

    /// The shapes of a clip path as one.
    fn clip(&self, root: &usvg::Group, at: usvg::Transform, clips: &mut Vec<(BezPath, bool)>) {
        let mut all = BezPath::new();
        let mut even_odd = false;
        let mut open = vec![(root, at)];
        while let Some((group, at)) = open.pop() {
            for child in group.children() {
                match child {
                    usvg::Node::Group(inner) => {
                        open.push((inner, at.pre_concat(inner.transform())));
                    }
                    usvg::Node::Path(path) => {
                        even_odd |=
                            path.fill().is_some_and(|f| f.rule() == usvg::FillRule::EvenOdd);
                        let mut outline = curves(path.data());
                        outline.apply_affine(self.world * affine(at));
                        all.extend(outline);
                    }
                    usvg::Node::Text(text) => open.push((text.flattened(), at)),
                    usvg::Node::Image(_) => {}
                }
            }
        }
        clips.push((all, even_odd));
    }

    /// The colour of a paint; what is no colour is left out.
    fn colour(&mut self, paint: &usvg::Paint, opacity: usvg::Opacity) -> Option<[u8; 4]> {
        match paint {
            usvg::Paint::Color(c) => {
                Some([c.red, c.green, c.blue, opacity.to_u8()]).filter(|[.., a]| *a > 0)
            }
            usvg::Paint::LinearGradient(_) | usvg::Paint::RadialGradient(_) => {
                self.leave(LeftOut::Gradient);
                None
            }
            usvg::Paint::Pattern(_) => {
                self.leave(LeftOut::Pattern);
                None
            }
        }
    }

    fn path(&mut self, path: &usvg::Path) {
        if !path.is_visible() {
            return;
        }
        let area = path.data().bounds();
        let has_area = area.width() > 0.0 && area.height() > 0.0;
        let fill = path.fill().filter(|_| has_area);
        let even_odd = fill.is_some_and(|f| f.rule() == usvg::FillRule::EvenOdd);
        let stroke_first = path.paint_order() == usvg::PaintOrder::StrokeAndFill;
        let gradient = fill.filter(|_| !stroke_first).and_then(|fill| self.gradient(path, fill));
        let fill = match gradient {
            Some(mark) => {
                self.page.marks.push(mark);
                None
            }
            None => fill.and_then(|f| self.colour(f.paint(), f.opacity())),
        };
        let stroke = path.stroke();
        let stroke = stroke.and_then(|s| Some(line(s, self.colour(s.paint(), s.opacity())?)));
        if fill.is_none() && stroke.is_none() {
            return;
        }
        let around = path.abs_stroke_bounding_box();
        let around = kurbo::Rect::new(
            f64::from(around.left()),
            f64::from(around.top()),
            f64::from(around.right()),
            f64::from(around.bottom()),
        );
        self.page.marks.push(Mark::Outline(Outline {
            path: curves(path.data()).into(),
            transform: self.world * affine(path.abs_transform()),
            bounds: self.world.transform_rect_bbox(around),
            fill,
            even_odd,
            stroke,
            stroke_first,
        }));
    }

    /// An area in a gradient; `None` for another paint, and for what goes beyond one.
    fn gradient(&self, path: &usvg::Path, fill: &usvg::Fill) -> Option<Mark> {
        let at = |x: f32, y: f32| [f64::from(x), f64::from(y)];
        let (base, between): (&usvg::BaseGradient, Between) = match fill.paint() {
            usvg::Paint::LinearGradient(g) => {
                (g, Between::Points(at(g.x1(), g.y1()), at(g.x2(), g.y2())))
            }
            usvg::Paint::RadialGradient(g) => {
                let focus = (at(g.fx(), g.fy()), f64::from(g.fr().get()));
                (g, Between::Circles(focus, (at(g.cx(), g.cy()), f64::from(g.r().get()))))
            }
            _ => return None,
        };
        let is_opaque = base.stops().iter().all(|stop| stop.opacity().to_u8() == u8::MAX);
        if !is_opaque || base.spread_method() != usvg::SpreadMethod::Pad || base.stops().len() < 2 {
            return None;
        }
        let stop = |stop: &usvg::Stop| {
            let c = stop.color();
            (f64::from(stop.offset().get()), [c.red, c.green, c.blue])
        };
        let place = self.world * affine(path.abs_transform());
        let mut area = curves(path.data());
        area.apply_affine(place);
        Some(Mark::Gradient {
            area,
            even_odd: fill.rule() == usvg::FillRule::EvenOdd,
            alpha: fill.opacity().to_u8(),
            gradient: Gradient {
                transform: place * affine(base.transform()),
                between,
                stops: base.stops().iter().map(stop).collect(),
            },
        })
    }

    /// A text by its glyphs; false where it has to be outlines.
    fn text(&mut self, text: &'t usvg::Text) -> bool {
        let is_plain = |span: &usvg::layout::Span| {
            let fill = span.fill.as_ref();
            span.stroke.is_none()
                && fill.is_none_or(|fill| matches!(fill.paint(), usvg::Paint::Color(_)))
        };
        let spans = text.layouted();
        if !spans.iter().all(is_plain) {
            return false;
        }
        let mut faces = Vec::new();
        for glyph in spans.iter().flat_map(|span| &span.positioned_glyphs) {
            let (Some(face), Ok(_)) = (self.face(glyph.font), u16::try_from(glyph.id.0)) else {
                return false;
            };
            faces.push(face);
        }
        let mut faces = faces.into_iter();
        let place = self.world * affine(text.abs_transform());
        for span in spans {
            for path in [&span.underline, &span.overline].into_iter().flatten() {
                self.path(path);
            }
            let fill = span.fill.as_ref().filter(|_| span.visible);
            let colour = fill.and_then(|fill| self.colour(fill.paint(), fill.opacity()));
            let mut glyphs: Vec<Glyph> = Vec::new();
            let mut last = 0;
            for glyph in &span.positioned_glyphs {
                let Some(face) = faces.next() else { return false };
                let Some(colour) = colour else { continue };
                if face != last && !glyphs.is_empty() {
                    let glyphs = std::mem::take(&mut glyphs);
                    self.page.marks.push(Mark::Glyphs { face: last, colour, glyphs });
                }
                last = face;
                let per_em = self.page.faces.get(face).map_or(1.0, |face| face.units_per_em);
                glyphs.push(Glyph {
                    id: u16::try_from(glyph.id.0).unwrap_or_default(),
                    text: glyph.text.clone(),
                    transform: place * affine(glyph.outline_transform()) * Affine::scale(per_em),
                });
            }
            if let (Some(colour), false) = (colour, glyphs.is_empty()) {
                self.page.marks.push(Mark::Glyphs { face: last, colour, glyphs });
            }
            if let Some(path) = &span.line_through {
                self.path(path);
            }
        }
        true
    }

    fn face(&mut self, id: ID) -> Option<usize> {
        if let Some(known) = self.faces.get(&id) {
            return *known;
        }
        let fonts = self.tree.fontdb();
        let face = fonts.face(id).and_then(|info| {
            let family = info.families.first().map_or_else(String::new, |(name, _)| name.clone());
            let name = info.post_script_name.clone();
            let bytes = fonts.with_face_data(id, |bytes, index| (Arc::from(bytes), index));
            let (bytes, index): (Arc<[u8]>, u32) = bytes?;
            let units_per_em = embedded_units(&bytes, index)?;
            Some(Face { family, name, bytes, index, units_per_em })
        });
        let at = face.map(|face| {
            self.page.faces.push(face);
            self.page.faces.len() - 1
        });
        self.faces.insert(id, at);
        at
    }
}

/// The units per em of a font that may be embedded in part (OpenType, `OS/2`, `fsType`), and that has
/// outlines only.
fn embedded_units(bytes: &[u8], index: u32) -> Option<f64> {
    use skrifa::raw::TableProvider as _;
    const RESTRICTED: u16 = 0x0002;
    const WHOLE_ONLY: u16 = 0x0100;
    const BITMAPS_ONLY: u16 = 0x0200;
    let font = skrifa::FontRef::from_index(bytes, index).ok()?;
    let is_outlines = (font.glyf().is_ok() || font.cff().is_ok())
        && font.colr().is_err()
        && font.cbdt().is_err()
        && font.sbix().is_err()
        && font.fvar().is_err();
    let rights = font.os2().map_or(0, |os2| os2.fs_type());
    // Of the three lowest bits only one may be set; the freest counts in old fonts.
    let is_restricted = rights & 0x000F == RESTRICTED;
    if !is_outlines || is_restricted || rights & (WHOLE_ONLY | BITMAPS_ONLY) != 0 {
        return None;
    }
    Some(f64::from(font.head().ok()?.units_per_em()))
}

//! What a painter of one's own draws of a scene: outlines in plain colours, in order.
//!
//! For pictures that are kept and brought up to date in parts. What takes more than plain ink is
//! in [`pieces`](super::pieces()).

use std::collections::HashSet;

use kurbo::{Affine, Rect};

use crate::document::{Document, NodeId};
use crate::geometry::{Cap, Curve, Item, Join, Scene};

use super::objects::{BOX_COLOUR, drawn_elsewhere, draws};

/// An outline and how it is painted.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The outline, in its own coordinates.
    pub path: Curve,
    /// From those to the world: user units of the root's viewBox.
    pub transform: Affine,
    /// Around all that is painted, in the world.
    pub bounds: Rect,
    /// The colour inside: red, green, blue, alpha, not premultiplied.
    pub fill: Option<[u8; 4]>,
    /// Whether the even-odd rule says what is inside.
    pub even_odd: bool,
    /// The line along the outline.
    pub stroke: Option<Stroke>,
    /// Whether the line lies under the fill.
    pub stroke_first: bool,
}

/// A line along an outline, in the units of the outline.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// Red, green, blue, alpha, not premultiplied.
    pub colour: [u8; 4],
    /// How wide it is.
    pub width: f64,
    /// How it ends.
    pub cap: Cap,
    /// How it turns corners.
    pub join: Join,
    /// How far mitres reach, in widths.
    pub miter: f64,
    /// Dashes and gaps, an even number of them; none: the line is whole.
    pub dash: Vec<f64>,
    /// Where in the dashes the line begins.
    pub dash_offset: f64,
}

impl Stroke {
    /// Whether it covers the same as another, in whatever colour.
    pub fn is_along(&self, other: &Stroke) -> bool {
        let Stroke { colour: _, width, cap, join, miter, dash, dash_offset } = self;
        *width == other.width
            && *cap == other.cap
            && *join == other.join
            && *miter == other.miter
            && *dash == other.dash
            && *dash_offset == other.dash_offset
    }
}

/// An outline at its place in the order of painting.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The place of its element in the document, and the place in the `use` that shows it.
    pub order: (u32, u32),
    /// What stands there.
    pub outline: Outline,
}

/// Reads outlines from one scene.
#[derive(Debug)]
pub struct Display<'s> {
    document: &'s Document,
    scene: &'s Scene,
    /// Objects that shapes elsewhere draw; found when it matters first.
    drawn_elsewhere: Option<HashSet<NodeId>>,
}

impl<'s> Display<'s> {
    /// Of a document and its scene.
    pub fn new(document: &'s Document, scene: &'s Scene) -> Display<'s> {
        Display { document, scene, drawn_elsewhere: None }
    }

    /// How many outlines there are at most.
    pub fn most(&self) -> usize {
        self.scene.items().len()
    }

    /// The outlines in plain ink that may paint in `area` of the world, in the order of painting.
    pub fn outlines_in(&mut self, area: Rect) -> Vec<Placed> {
        let scene = self.scene;
        // The line around a box is no part of what the index knows.
        let line = scene.box_line();
        let items = scene.items_in(area.inflate(line, line));
        items.into_iter().filter_map(|item| self.placed(item, scene.painted(item))).collect()
    }

    /// The same for a large area: looks at all of the scene instead of asking the index.
    pub fn all_outlines_in(&mut self, area: Rect) -> impl Iterator<Item = Placed> {
        let scene = self.scene;
        scene.items().iter().filter_map(move |item| {
            let b = scene.painted(item);
            let meets = b.x0 <= area.x1 && b.x1 >= area.x0 && b.y0 <= area.y1 && b.y1 >= area.y0;
            if meets { self.placed(item, b) } else { None }
        })
    }

    fn placed(&mut self, item: &Item, bounds: Rect) -> Option<Placed> {
        if !item.paint.visible || self.scene.unit_of(item).is_some() {
            return None;
        }
        let outline = match item.boxed {
            true => self.boxed(item, bounds)?,
            false => outline(item, bounds)?,
        };
        Some(Placed { order: (item.key.rank, item.key.sequence), outline })
    }

    /// The box of an object that draws nothing else.
    fn boxed(&mut self, item: &Item, bounds: Rect) -> Option<Outline> {
        let document = self.document;
        let elsewhere = self.drawn_elsewhere.get_or_insert_with(|| drawn_elsewhere(document));
        if elsewhere.contains(&item.source) || draws(document, item.source) {
            return None;
        }
        let [r, g, b] = BOX_COLOUR;
        let alpha = alpha(255, item.ink.stroke_opacity * item.ink.opacity);
        let stroke = Stroke { colour: [r, g, b, alpha], ..line(item, self.scene.box_line()) };
        Some(Outline {
            fill: None,
            stroke: Some(stroke).filter(|_| alpha > 0),
            ..bare(item, bounds)
        })
    }
}

fn bare(item: &Item, bounds: Rect) -> Outline {
    Outline {
        path: item.outline.clone(),
        transform: item.transform,
        bounds,
        fill: None,
        even_odd: item.paint.even_odd,
        stroke: None,
        stroke_first: false,
    }
}

fn outline(item: &Item, bounds: Rect) -> Option<Outline> {
    let ink = &item.ink;
    let colour = |[r, g, b, a]: [u8; 4], opacity: f32| {
        let alpha = alpha(a, opacity * ink.opacity);
        (alpha > 0).then_some([r, g, b, alpha])
    };
    let fill = colour(ink.fill, ink.fill_opacity);
    let stroke = colour(ink.stroke, ink.stroke_opacity).filter(|_| item.stroke_width > 0.0);
    let stroke = stroke.map(|colour| Stroke { colour, ..line(item, item.stroke_width) });
    (fill.is_some() || stroke.is_some()).then(|| Outline { fill, stroke, ..bare(item, bounds) })
}

/// The rounding of the other renderer, which keeps opacities as 8 bits.
fn alpha(alpha: u8, opacity: f32) -> u8 {
    (f32::from(alpha) * opacity).round() as u8
}

fn line(item: &Item, width: f64) -> Stroke {
    let ink = &item.ink;
    let list = ink.dash.get(..usize::from(ink.dashes)).unwrap_or_default();
    let mut dash: Vec<f64> = list.iter().map(|&n| f64::from(n)).collect();
    if !dash.len().is_multiple_of(2) {
        dash.extend_from_within(..);
    }
    Stroke {
        colour: [0; 4],
        width,
        cap: ink.cap,
        join: ink.join,
        miter: f64::from(ink.miter),
        dash,
        dash_offset: f64::from(ink.dash_offset),
    }
}

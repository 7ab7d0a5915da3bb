//! Painting plain drawings: outlines in plain colours, straight from the scene
//! to pixels with the same rasteriser that resvg uses.
//!
//! Most floor plans are plain. Painting them from the scene saves writing the
//! document, reading it again and resolving it a second time, and the budget is
//! asked between any few shapes.

use kurbo::{Affine, PathEl, Size};
use resvg::tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Shader, Stroke,
    StrokeDash, Transform,
};

use crate::document::{Document, Limits};
use crate::geometry::{Cap, Item, Join, Scene};
use svgx_base::budget::Budget;

use super::background::{Background, blank};
use super::objects::{BOX_COLOUR, box_line, drawn_elsewhere, draws};
use super::png::view_of;
use super::svg::frame;
use super::work::{Ink, Line, Outline, Work};
use super::{Error, Place};

/// Paints a scene that [`is plain`](Scene::is_plain).
pub(crate) fn paint(
    document: &Document,
    scene: &Scene,
    size: (u32, u32),
    background: Background,
    limits: &Limits,
    budget: &Budget,
) -> Result<Pixmap, Error> {
    let canvas = Size::new(f64::from(size.0), f64::from(size.1));
    let view = view_of(document, &frame(document, budget)?, size);
    count(document, scene, view, size, limits, budget)?;
    let mut pixmap = blank(size, background)?;
    let line = box_line(document);
    let drawn_elsewhere = drawn_elsewhere(document);
    for item in scene.items() {
        budget.checkpoint()?;
        let place = view.transform_rect_bbox(item.reach()).inflate(2.0, 2.0);
        let outside = place.x1 < 0.0 || place.y1 < 0.0;
        if outside || place.x0 > canvas.width || place.y0 > canvas.height || !item.paint.visible {
            continue;
        }
        if item.boxed {
            if !draws(document, item.source) && !drawn_elsewhere.contains(&item.source) {
                let [r, g, b] = BOX_COLOUR;
                let mut boxed = item.clone();
                boxed.ink.fill = [0; 4];
                boxed.ink.stroke = [r, g, b, 255];
                boxed.stroke_width = line;
                draw(&boxed, view, &mut pixmap);
            }
            continue;
        }
        draw(item, view, &mut pixmap);
    }
    Ok(pixmap)
}

/// Counts the work, and refuses what is beyond the limits.
pub(super) fn count(
    document: &Document,
    scene: &Scene,
    view: Affine,
    size: (u32, u32),
    limits: &Limits,
    budget: &Budget,
) -> Result<(), Error> {
    let mut work = Work::new(limits, size, document.source().len());
    work.hold(u64::from(size.0) * u64::from(size.1) * 4)?;
    for (at, item) in scene.items().iter().enumerate() {
        if at % 256 == 0 {
            budget.checkpoint()?;
        }
        if !item.paint.visible {
            continue;
        }
        let transform = (view * item.transform).as_coeffs();
        let outline = Outline::of_elements(&item.outline.elements(), transform, size);
        let here = |e: Error| e.at(|| Place::of(document, item.host));
        if item.ink.fill[3] > 0 {
            work.take(outline.fill(Ink::Colour)).map_err(here)?;
        }
        if item.ink.stroke[3] > 0 && item.stroke_width > 0.0 {
            let list = item.ink.dash.get(..usize::from(item.ink.dashes)).unwrap_or_default();
            let round: f32 = list.iter().sum();
            let dashes = (round > 0.0 && dash(item, view).is_some())
                .then(|| (list.len() as f64 / 2.0, f64::from(round)));
            let line = Line { width: item.stroke_width, dashes };
            let (steps, bytes) = outline.stroke(line, Ink::Colour);
            work.hold(bytes).map_err(here)?;
            work.take(steps).map_err(here)?;
            work.release(bytes);
        }
    }
    Ok(())
}

fn draw(item: &Item, view: Affine, pixmap: &mut Pixmap) {
    let Some(path) = path(item) else { return };
    let [a, b, c, d, e, f] = (view * item.transform).as_coeffs().map(|n| n as f32);
    let transform = Transform::from_row(a, b, c, d, e, f);
    let ink = &item.ink;
    // usvg leaves out fills of what has no area.
    let flat = path.bounds().width() == 0.0 || path.bounds().height() == 0.0;
    if !flat && let Some(paint) = colour(ink.fill, ink.fill_opacity * ink.opacity) {
        let rule = if item.paint.even_odd { FillRule::EvenOdd } else { FillRule::Winding };
        pixmap.fill_path(&path, &paint, rule, transform, None);
    }
    if item.stroke_width > 0.0
        && let Some(paint) = colour(ink.stroke, ink.stroke_opacity * ink.opacity)
    {
        let stroke = Stroke {
            width: item.stroke_width as f32,
            miter_limit: ink.miter,
            line_cap: match ink.cap {
                Cap::Butt => LineCap::Butt,
                Cap::Round => LineCap::Round,
                Cap::Square => LineCap::Square,
            },
            line_join: match ink.join {
                Join::Miter => LineJoin::Miter,
                Join::Round => LineJoin::Round,
                Join::Bevel => LineJoin::Bevel,
            },
            dash: dash(item, view),
        };
        pixmap.stroke_path(&path, &paint, &stroke, transform, None);
    }
}

/// The dashes of a stroke; an odd list counts twice. Dashes that are too fine to
/// be seen are a line: there could be millions of them.
fn dash(item: &Item, view: Affine) -> Option<StrokeDash> {
    let ink = &item.ink;
    let mut list: Vec<f32> = ink.dash.get(..usize::from(ink.dashes))?.to_vec();
    if !list.len().is_multiple_of(2) {
        list.extend_from_within(..);
    }
    let pixels = (view * item.transform).determinant().abs().sqrt();
    if f64::from(list.iter().sum::<f32>()) * pixels < 0.1 {
        return None;
    }
    StrokeDash::new(list, ink.dash_offset)
}

fn colour([r, g, b, a]: [u8; 4], opacity: f32) -> Option<Paint<'static>> {
    // The same rounding as usvg, which keeps opacities as 8 bits.
    let alpha = (f32::from(a) * opacity).round() as u8;
    (alpha > 0).then(|| Paint {
        shader: Shader::SolidColor(resvg::tiny_skia::Color::from_rgba8(r, g, b, alpha)),
        anti_alias: true,
        ..Paint::default()
    })
}

/// The outline in the rasteriser's 32 bits.
fn path(item: &Item) -> Option<Path> {
    let elements = &*item.outline.elements();
    if let [
        PathEl::MoveTo(p),
        PathEl::LineTo(q),
        PathEl::LineTo(r),
        PathEl::LineTo(s),
        PathEl::ClosePath,
    ] = elements
        && (p.y == q.y && q.x == r.x && r.y == s.y && s.x == p.x)
        && let Some(rect) = Rect::from_ltrb(p.x as f32, p.y as f32, r.x as f32, r.y as f32)
    {
        return Some(PathBuilder::from_rect(rect));
    }
    let mut path = PathBuilder::with_capacity(elements.len(), elements.len() * 3);
    for el in elements {
        match *el {
            PathEl::MoveTo(p) => path.move_to(p.x as f32, p.y as f32),
            PathEl::LineTo(p) => path.line_to(p.x as f32, p.y as f32),
            PathEl::QuadTo(a, p) => {
                path.quad_to(a.x as f32, a.y as f32, p.x as f32, p.y as f32);
            }
            PathEl::CurveTo(a, b, p) => path
                .cubic_to(a.x as f32, a.y as f32, b.x as f32, b.y as f32, p.x as f32, p.y as f32),
            PathEl::ClosePath => path.close(),
        }
    }
    path.finish()
}

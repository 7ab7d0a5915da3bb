//! Painting the renderer's tree, with a look at the budget between any two
//! shapes. Groups that need a layer are painted by the renderer in one call;
//! what such a call may take has been counted before.

use resvg::tiny_skia::{
    self, FillRule, FilterQuality, GradientStop, IntSize, Pixmap, PixmapMut, Shader, SpreadMode,
    Transform,
};
use resvg::usvg::{self, BaseGradient, Group, Node, Opacity, PaintOrder, Path};

use svgx_base::budget::{Budget, Stop};

/// Paints everything inside a group.
pub(super) fn nodes(
    group: &Group,
    ts: Transform,
    on: &mut PixmapMut<'_>,
    budget: &Budget,
) -> Result<(), Stop> {
    for node in group.children() {
        match node {
            Node::Group(inner) if inner.should_isolate() => {
                budget.checkpoint()?;
                layer(node, ts, on);
            }
            Node::Group(inner) => nodes(inner, ts.pre_concat(inner.transform()), on, budget)?,
            Node::Text(text) => {
                let flat = text.flattened();
                nodes(flat, ts.pre_concat(flat.transform()), on, budget)?;
            }
            Node::Path(outline) => {
                budget.checkpoint()?;
                path(outline, ts, on, budget)?;
            }
            Node::Image(_) => {
                budget.checkpoint()?;
                layer(node, ts, on);
            }
        }
    }
    Ok(())
}

/// Has the renderer paint one node. It moves the node's bounds to the origin; the
/// transform it is given moves them back.
fn layer(node: &Node, ts: Transform, on: &mut PixmapMut<'_>) {
    let Some(bounds) = node.abs_layer_bounding_box() else { return };
    let (x, y) = (f64::from(bounds.x()), f64::from(bounds.y()));
    let moved = |start: f32, across: f32, down: f32| {
        (f64::from(start) + f64::from(across) * x + f64::from(down) * y) as f32
    };
    let (tx, ty) = (moved(ts.tx, ts.sx, ts.kx), moved(ts.ty, ts.ky, ts.sy));
    let there = Transform::from_row(ts.sx, ts.ky, ts.kx, ts.sy, tx, ty);
    // Nothing to paint is no failure.
    let _ = resvg::render_node(node, there, on);
}

/// As the renderer paints a path on a plain canvas.
fn path(path: &Path, ts: Transform, on: &mut PixmapMut<'_>, budget: &Budget) -> Result<(), Stop> {
    if !path.is_visible() {
        return Ok(());
    }
    let fill_first = path.paint_order() == PaintOrder::FillAndStroke;
    for fills in [fill_first, !fill_first] {
        match fills {
            true => fill(path, ts, on, budget)?,
            false => stroke(path, ts, on, budget)?,
        }
    }
    Ok(())
}

fn fill(path: &Path, ts: Transform, on: &mut PixmapMut<'_>, budget: &Budget) -> Result<(), Stop> {
    let bounds = path.data().bounds();
    let Some(fill) = path.fill() else { return Ok(()) };
    // What has no area cannot be filled.
    if bounds.width() == 0.0 || bounds.height() == 0.0 {
        return Ok(());
    }
    let rule = match fill.rule() {
        usvg::FillRule::NonZero => FillRule::Winding,
        usvg::FillRule::EvenOdd => FillRule::EvenOdd,
    };
    with_paint(path, fill.paint(), fill.opacity(), ts, budget, &mut |paint| {
        on.fill_path(path.data(), paint, rule, ts, None);
    })
}

fn stroke(path: &Path, ts: Transform, on: &mut PixmapMut<'_>, budget: &Budget) -> Result<(), Stop> {
    let Some(stroke) = path.stroke() else { return Ok(()) };
    with_paint(path, stroke.paint(), stroke.opacity(), ts, budget, &mut |paint| {
        on.stroke_path(path.data(), paint, &stroke.to_tiny_skia(), ts, None);
    })
}

/// Calls `draw` with the rasteriser's form of a paint; not at all where there is none.
fn with_paint(
    path: &Path,
    paint: &usvg::Paint,
    opacity: Opacity,
    ts: Transform,
    budget: &Budget,
    draw: &mut dyn FnMut(&tiny_skia::Paint<'_>),
) -> Result<(), Stop> {
    let tile;
    let shader = match paint {
        usvg::Paint::Color(c) => Some(Shader::SolidColor(tiny_skia::Color::from_rgba8(
            c.red,
            c.green,
            c.blue,
            opacity.to_u8(),
        ))),
        usvg::Paint::LinearGradient(g) => tiny_skia::LinearGradient::new(
            (g.x1(), g.y1()).into(),
            (g.x2(), g.y2()).into(),
            stops(g, opacity),
            spread(g),
            g.transform(),
        ),
        usvg::Paint::RadialGradient(g) => tiny_skia::RadialGradient::new(
            (g.fx(), g.fy()).into(),
            g.fr().get(),
            (g.cx(), g.cy()).into(),
            g.r().get(),
            stops(g, opacity),
            spread(g),
            g.transform(),
        ),
        usvg::Paint::Pattern(pattern) => match self::tile(pattern, ts, budget)? {
            Some((pixmap, ts)) => {
                tile = pixmap;
                Some(tiny_skia::Pattern::new(
                    tile.as_ref(),
                    SpreadMode::Repeat,
                    FilterQuality::Bicubic,
                    opacity.get(),
                    ts,
                ))
            }
            None => None,
        },
    };
    if let Some(shader) = shader {
        draw(&tiny_skia::Paint {
            shader,
            anti_alias: path.rendering_mode().use_shape_antialiasing(),
            ..tiny_skia::Paint::default()
        });
    }
    Ok(())
}

fn spread(gradient: &BaseGradient) -> SpreadMode {
    match gradient.spread_method() {
        usvg::SpreadMethod::Pad => SpreadMode::Pad,
        usvg::SpreadMethod::Reflect => SpreadMode::Reflect,
        usvg::SpreadMethod::Repeat => SpreadMode::Repeat,
    }
}

fn stops(gradient: &BaseGradient, opacity: Opacity) -> Vec<GradientStop> {
    let stop = |stop: &usvg::Stop| {
        let (c, alpha) = (stop.color(), stop.opacity() * opacity);
        let colour = tiny_skia::Color::from_rgba8(c.red, c.green, c.blue, alpha.to_u8());
        GradientStop::new(stop.offset().get(), colour)
    };
    gradient.stops().iter().map(stop).collect()
}

/// A pattern's tile in the pixels of the picture, and where it lies.
fn tile(
    pattern: &usvg::Pattern,
    ts: Transform,
    budget: &Budget,
) -> Result<Option<(Pixmap, Transform)>, Stop> {
    let (sx, sy) = ts.pre_concat(pattern.transform()).get_scale();
    let rect = pattern.rect();
    let (width, height) = ((rect.width() * sx).round(), (rect.height() * sy).round());
    let size = IntSize::from_wh(width as u32, height as u32);
    let Some(mut pixmap) = size.and_then(|size| Pixmap::new(size.width(), size.height())) else {
        return Ok(None);
    };
    nodes(pattern.root(), Transform::from_scale(sx, sy), &mut pixmap.as_mut(), budget)?;
    let ts = pattern.transform().pre_translate(rect.x(), rect.y()).pre_scale(1.0 / sx, 1.0 / sy);
    Ok(Some((pixmap, ts)))
}

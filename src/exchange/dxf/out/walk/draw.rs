//! Shapes as entities: areas, and the lines around them.

use std::rc::Rc;

use kurbo::{PathEl, Size};
use svgx_engine::compile::{drawn_elsewhere, draws};
use svgx_engine::document::NodeId;

use super::super::super::curve::{Affine, Outline, P, Segment, length};
use super::super::super::limits::{Error, hold};
use super::super::look::{Beyond, Dashes, Look, Paint, Stated};
use super::super::model::{Dash, Entity, Gradient, Pen, Shape, Text, Tint, Width};
use super::super::{convert, path};
use super::gradients;
use super::{Context, Walk, measured};

/// The line around an object that draws nothing else.
const BOX: u32 = 0x5b_6470;

impl Walk<'_> {
    pub(super) fn shape(
        &mut self,
        node: NodeId,
        inner: &Context,
        stated: &Stated,
    ) -> Result<(), Error> {
        if !inner.look.visible {
            self.note("dxf-hidden", "elements that are not displayed");
            return Ok(());
        }
        let outlines = self.outlines(node, inner, stated);
        let has_marker = inner.look.asks_for(Beyond::Marker);
        if has_marker && matches!(self.document.name(node), Some((_, "path" | "line" | "polyline")))
        {
            self.note("dxf-marker", "markers on lines are left out");
        }
        self.draw(outlines, inner)
    }

    /// The outlines of a shape in the coordinates of what it is drawn in.
    fn outlines(&self, node: NodeId, inner: &Context, stated: &Stated) -> Vec<Outline> {
        let Size { width, height } = inner.viewport;
        let attr = |name: &str| self.document.attr(node, name);
        let own = |name: &str| stated.get(name);
        let font = inner.look.font_size;
        let across = |name: &str| measured(own(name).or(attr(name))?, width, font);
        let down = |name: &str| measured(own(name).or(attr(name))?, height, font);
        let diagonal = || length([width, height]) / std::f64::consts::SQRT_2;
        let around = |name: &str| measured(own(name).or(attr(name))?, diagonal(), font);
        let x = |name: &str| across(name).unwrap_or(0.0);
        let y = |name: &str| down(name).unwrap_or(0.0);
        let positive = |n: Option<f64>| n.filter(|n| *n > 0.0);
        let name = self.document.name(node).map_or("", |(_, name)| name);
        let outlines = match name {
            "rect" => match (positive(across("width")), positive(down("height"))) {
                (Some(w), Some(h)) => {
                    let rx = across("rx").filter(|r| *r >= 0.0);
                    let ry = down("ry").filter(|r| *r >= 0.0);
                    let r = [rx.or(ry).unwrap_or(0.0), ry.or(rx).unwrap_or(0.0)];
                    let r = [r[0].min(w / 2.0), r[1].min(h / 2.0)];
                    vec![path::rectangle([x("x"), y("y")], [w, h], r)]
                }
                _ => Vec::new(),
            },
            "circle" => {
                let r = positive(around("r"));
                r.map(|r| path::ellipse([x("cx"), y("cy")], r, r)).into_iter().collect()
            }
            "ellipse" => {
                let rx = across("rx").filter(|r| *r >= 0.0);
                let ry = down("ry").filter(|r| *r >= 0.0);
                match (positive(rx.or(ry)), positive(ry.or(rx))) {
                    (Some(rx), Some(ry)) => vec![path::ellipse([x("cx"), y("cy")], rx, ry)],
                    _ => Vec::new(),
                }
            }
            "line" => {
                let ends = [[x("x1"), y("y1")], [x("x2"), y("y2")]];
                Outline::through(&ends, false).into_iter().collect()
            }
            "polyline" | "polygon" => {
                path::points(attr("points").unwrap_or_default(), name == "polygon")
            }
            // A style sheet may state another one.
            "path" => match self.places.is_outline_styled(node) {
                true => self
                    .places
                    .outline(node)
                    .map(|outline| curves(&outline.path()))
                    .unwrap_or_default(),
                false => path::data(attr("d").unwrap_or_default()),
            },
            _ => Vec::new(),
        };
        outlines.into_iter().map(|outline| outline.mapped(&inner.place)).collect()
    }

    /// The box of an object that draws nothing else.
    pub(super) fn object(&mut self, node: NodeId, inner: &Context) -> Result<(), Error> {
        let document = self.document;
        let Some(outline) = self.places.outline(node) else { return Ok(()) };
        let elsewhere = self.drawn_elsewhere.get_or_insert_with(|| drawn_elsewhere(document));
        let is_drawn = elsewhere.contains(&node) || draws(document, node);
        if is_drawn || !inner.look.visible {
            return Ok(());
        }
        let line = self.places.viewbox.width.max(self.places.viewbox.height) / 800.0;
        let look = Look {
            fill: Paint::None,
            stroke: Paint::Own(Tint::Own { rgb: BOX, alpha: u8::MAX }),
            width: Width::Own(line),
            ..(*inner.look).clone()
        };
        let outlines =
            curves(&outline.path()).into_iter().map(|o| o.mapped(&inner.place)).collect();
        let inner = Context {
            place: inner.place,
            look: Rc::new(look),
            number: inner.number,
            layer: inner.layer,
            viewport: inner.viewport,
            shown: None,
        };
        self.draw(outlines, &inner)
    }

    /// Areas, and the lines around them.
    fn draw(&mut self, outlines: Vec<Outline>, inner: &Context) -> Result<(), Error> {
        let look = &inner.look;
        let gradient = gradients::of(self.document, look);
        if gradient.is_some() {
            self.note(
                "dxf-gradient",
                "gradients run through the whole area; before R2018 it has one colour",
            );
        }
        let is_lost = |paint: Paint| matches!(paint, Paint::Server(_) | Paint::Unknown);
        for (is_lost, what) in [
            (is_lost(look.fill) && gradient.is_none(), "an area"),
            (is_lost(look.stroke), "a line"),
        ] {
            if is_lost {
                let message = format!("{what} in a gradient, a pattern or an unknown colour");
                self.note("dxf-paint", &message);
            }
        }
        let alpha = |tint: Tint, own: f64| faded(tint, own * look.opacity);
        let first = |gradient: &Gradient| Tint::Own { rgb: gradient.colours[0], alpha: u8::MAX };
        let fill = look.tint(look.fill).or(gradient.as_ref().map(first));
        if let Some(tint) = fill.map(|tint| alpha(tint, look.fill_opacity))
            && is_seen(tint)
        {
            let rings: Vec<Outline> = outlines.iter().filter(|o| has_area(o)).cloned().collect();
            if rings.len() > 1 && !look.even_odd {
                self.note("dxf-rule", "areas in areas are cut out by the even-odd rule");
            }
            if !rings.is_empty() {
                let count = rings.iter().map(|ring| ring.segments.len()).sum();
                let pen = Pen { tint, width: Width::Own(0.0), dash: Dash::Solid };
                self.note_alpha(tint);
                let shape = Shape::Hatch(rings, gradient.map(Box::new));
                self.push(Entity { layer: inner.layer, pen, shape }, count)?;
            }
        }
        let width = self.width(look, &inner.place);
        if let Some(tint) = look.tint(look.stroke).map(|tint| alpha(tint, look.stroke_opacity))
            && is_seen(tint)
            && width != Width::Own(0.0)
        {
            let pen = Pen { tint, width, dash: self.dash(look, &inner.place) };
            let mut shapes = Vec::new();
            for outline in &outlines {
                convert::lines(outline, look.has_caps, &mut shapes);
                let count = outline.segments.len();
                for shape in shapes.drain(..) {
                    self.note_alpha(tint);
                    self.push(Entity { layer: inner.layer, pen, shape }, count)?;
                }
            }
        }
        Ok(())
    }

    fn note_alpha(&mut self, tint: Tint) {
        if matches!(tint, Tint::Own { alpha, .. } if alpha < u8::MAX) {
            self.note("dxf-transparency", "what is translucent is opaque before R2018");
        }
    }

    /// # Errors
    /// Too many entities, or too many points.
    pub(in super::super) fn push(&mut self, entity: Entity, points: usize) -> Result<(), Error> {
        self.points += points.max(1);
        hold("dxf_points", self.points, self.limits.dxf_points)?;
        self.out.push(entity);
        Ok(())
    }

    /// One line of text on its layer.
    pub(in super::super) fn push_text(
        &mut self,
        text: Text,
        look: &Look,
        layer: &Context,
    ) -> Result<(), Error> {
        let tint = match look.tint(look.fill).or_else(|| look.tint(look.stroke)) {
            Some(tint) => faded(tint, look.opacity * look.fill_opacity),
            None => {
                self.note("dxf-paint", "a text without a plain colour");
                return Ok(());
            }
        };
        if !is_seen(tint) {
            return Ok(());
        }
        self.note_alpha(tint);
        let pen = Pen { tint, width: Width::Own(0.0), dash: Dash::Solid };
        self.push(Entity { layer: layer.layer, pen, shape: Shape::Text(text) }, 1)
    }

    pub(super) fn width(&self, look: &Look, place: &Affine) -> Width {
        match look.width {
            Width::Block => Width::Block,
            Width::Own(width) => Width::Own(width * place.scale()),
        }
    }

    pub(super) fn dash(&mut self, look: &Look, place: &Affine) -> Dash {
        let list = match &look.dashes {
            Dashes::Block => return Dash::Block,
            Dashes::Own(list) if list.is_empty() => return Dash::Solid,
            Dashes::Own(list) => list,
        };
        let scale = place.scale();
        // Six figures: equal dashes in places of equal scale are one line type.
        let figures = |n: f64| {
            let digits = 5 - if n > 0.0 { libm::floor(libm::log10(n)) as i32 } else { 0 };
            let step = libm::pow(10.0, f64::from(digits.clamp(-12, 12)));
            (n * step).round() / step
        };
        let lengths: Vec<f64> = list.iter().map(|n| figures(n * scale)).collect();
        let key: Vec<u64> = lengths.iter().map(|n| n.to_bits()).collect();
        if let Some(&known) = self.line_types.get(&key) {
            return Dash::Type(known);
        }
        let at = self.model.line_types.len();
        if at >= self.limits.dxf_layers {
            self.note("dxf-dash", "there are too many kinds of dashes: some lines are whole");
            return Dash::Solid;
        }
        self.line_types.insert(key, at);
        self.model.line_types.push(lengths);
        Dash::Type(at)
    }
}

pub(super) fn faded(tint: Tint, by: f64) -> Tint {
    match tint {
        Tint::Own { rgb, alpha } => Tint::Own { rgb, alpha: (f64::from(alpha) * by).round() as u8 },
        Tint::Block => Tint::Block,
    }
}

fn is_seen(tint: Tint) -> bool {
    !matches!(tint, Tint::Own { alpha: 0, .. })
}

/// Whether there is anything inside of an outline.
fn has_area(outline: &Outline) -> bool {
    match outline.segments.as_slice() {
        [] | [Segment::Line(_)] => false,
        [Segment::Line(_), Segment::Line(p)] => {
            let [Segment::Line(q), _] = outline.segments.as_slice() else { return true };
            let (a, b) = (sub(*q, outline.start), sub(*p, outline.start));
            a[0] * b[1] - a[1] * b[0] != 0.0
        }
        _ => true,
    }
}

fn sub(a: P, b: P) -> P {
    [a[0] - b[0], a[1] - b[1]]
}

/// An outline of the engine, whose arcs are cubics.
fn curves(path: &kurbo::BezPath) -> Vec<Outline> {
    let mut outlines: Vec<Outline> = Vec::new();
    let mut at = [0.0; 2];
    let mut start = at;
    let mut is_open = false;
    let point = |p: kurbo::Point| [p.x, p.y];
    for el in path.elements() {
        if let PathEl::MoveTo(p) = el {
            (at, start, is_open) = (point(*p), point(*p), false);
            continue;
        }
        if *el == PathEl::ClosePath {
            if let Some(outline) = outlines.last_mut().filter(|_| is_open) {
                outline.closed = true;
            }
            (at, is_open) = (start, false);
            continue;
        }
        if !is_open {
            outlines.push(Outline::at(at));
            is_open = true;
        }
        let segment = match *el {
            PathEl::LineTo(p) => Segment::Line(point(p)),
            PathEl::CurveTo(a, b, p) => Segment::Cubic(point(a), point(b), point(p)),
            PathEl::QuadTo(a, p) => {
                let quad = kurbo::QuadBez::new(kurbo::Point::new(at[0], at[1]), a, p).raise();
                Segment::Cubic(point(quad.p1), point(quad.p2), point(quad.p3))
            }
            PathEl::MoveTo(_) | PathEl::ClosePath => continue,
        };
        at = segment.end();
        if let Some(outline) = outlines.last_mut() {
            outline.segments.push(segment);
        }
    }
    outlines
}

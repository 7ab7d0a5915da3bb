//! Entities as records.

use super::super::curve::{Outline, P, Segment, length, sub};
use super::super::limits::{Error, hold};
use super::super::report::Notes;
use super::dimension::DimStyle;
use super::file::File;
use super::layers::{Layers, Palette, Said, line_type};
use super::model::{Across, Entity, Gradient, Shape, Text, Up};
use super::words;
use super::{Version, convert};

/// Bytes of a text that every reader takes: R12, and later.
pub(super) const OLD_TEXT: usize = 255;
const TEXT: usize = 2_000;

/// What entities are written with.
#[derive(Debug)]
pub(super) struct Writer<'m> {
    pub(super) palette: Palette,
    pub(super) layers: &'m Layers,
    /// Names of the blocks.
    pub(super) blocks: &'m [String],
    pub(super) styles: &'m [DimStyle],
    /// How far from a curve a line may be in its place, in units of the drawing.
    pub(super) deviation: f64,
    /// Points that stand for curves so far, and how many there may be.
    pub(super) points: usize,
    pub(super) most_points: usize,
    /// Whether entities are those of a paper.
    pub(super) is_paper: bool,
}

impl Writer<'_> {
    /// Writes an entity of the block with the record `owner`; false where the version has none.
    ///
    /// # Errors
    /// [`Error::Limit`] for `dxf_points`, where curves become lines.
    pub(super) fn entity(
        &mut self,
        file: &mut File,
        entity: &Entity,
        owner: u32,
        notes: &mut Notes,
    ) -> Result<bool, Error> {
        let layers = self.layers;
        let Some(layer) = layers.0.get(entity.layer).or(layers.0.first()) else {
            return Ok(false);
        };
        let is_line =
            !matches!(entity.shape, Shape::Hatch(..) | Shape::Text(_) | Shape::Template(_));
        let said = self.palette.said(&entity.pen, is_line, layer, notes);
        let begin = Begin { owner, layer: &layer.name, said: &said, is_paper: self.is_paper };
        if file.is_old() {
            return self.old(file, entity, &begin, notes);
        }
        begin.write(file, entity.shape.kind(false));
        match &entity.shape {
            Shape::Polyline { points, closed } => {
                file.class("AcDbPolyline");
                file.whole(90, points.len() as i64);
                file.whole(70, i64::from(*closed));
                file.exact(43, 0.0);
                for (p, bulge) in points {
                    file.flat(10, *p);
                    if *bulge != 0.0 {
                        file.bulge(*bulge);
                    }
                }
            }
            Shape::Ellipse { centre, major, ratio, from, to } => {
                file.class("AcDbEllipse");
                file.point(10, *centre);
                file.point(11, *major);
                file.exact(40, *ratio);
                let turn = std::f64::consts::TAU;
                let begin = from.rem_euclid(turn);
                file.exact(41, begin);
                file.exact(42, begin + (to - from));
            }
            Shape::Spline { control, closed } => spline(file, control, *closed),
            Shape::Hatch(rings, gradient) => {
                hatch(file, rings);
                if let Some(gradient) = gradient.as_ref().filter(|_| file.version == Version::R2018)
                {
                    self.gradient(file, gradient);
                }
            }
            other => self.simple(file, other, notes),
        }
        self.values(file, entity, &begin, notes);
        Ok(true)
    }

    /// The gradient of a hatch, which is behind its seeds.
    fn gradient(&mut self, file: &mut File, gradient: &Gradient) {
        file.whole(450, 1);
        file.whole(451, 0);
        file.exact(460, gradient.angle);
        file.exact(461, 0.0);
        file.whole(452, 0);
        file.exact(462, 1.0);
        file.whole(453, 2);
        for (at, rgb) in [0.0, 1.0].into_iter().zip(gradient.colours) {
            file.exact(463, at);
            file.whole(63, i64::from(self.palette.nearest(rgb)));
            file.whole(421, i64::from(rgb));
        }
        file.text(470, gradient.form);
    }

    /// The values behind an insert.
    fn values(&self, file: &mut File, entity: &Entity, begin: &Begin<'_>, notes: &mut Notes) {
        let Shape::Insert { values, .. } = &entity.shape else { return };
        if values.is_empty() {
            return;
        }
        for value in values {
            let layer = self.layers.0.get(value.layer).map_or(begin.layer, |l| l.name.as_str());
            Begin { layer, ..*begin }.write(file, "ATTRIB");
            attribute(file, &value.text, notes, |file| {
                file.class("AcDbAttribute");
                file.text(2, &value.tag);
                file.whole(70, 0);
            });
        }
        file.record("SEQEND", begin.owner, "AcDbEntity");
        if begin.is_paper {
            file.whole(67, 1);
        }
        file.text(8, begin.layer);
    }

    /// What is alike in all versions.
    fn simple(&self, file: &mut File, shape: &Shape, notes: &mut Notes) {
        match shape {
            Shape::Point(at) => {
                file.class("AcDbPoint");
                file.point(10, *at);
            }
            Shape::Line(from, to) => {
                file.class("AcDbLine");
                file.point(10, *from);
                file.point(11, *to);
            }
            Shape::Circle { centre, radius } | Shape::Arc { centre, radius, .. } => {
                file.class("AcDbCircle");
                file.point(10, *centre);
                file.real(40, *radius);
                if let Shape::Arc { from, to, .. } = shape {
                    file.class("AcDbArc");
                    file.degrees(50, from.rem_euclid(std::f64::consts::TAU));
                    file.degrees(51, to.rem_euclid(std::f64::consts::TAU));
                }
            }
            Shape::Text(text) => line_of_text(file, text, notes),
            Shape::Template(template) => attribute(file, &template.text, notes, |file| {
                file.class("AcDbAttributeDefinition");
                file.text(3, &template.tag);
                file.text(2, &template.tag);
                file.whole(70, 0);
            }),
            Shape::Dimension(dimension) => {
                let block = self.blocks.get(dimension.block).map_or("", String::as_str);
                let style = self.styles.get(dimension.style).map_or("Standard", |s| &s.name);
                dimension.write(file, block, style);
            }
            Shape::Insert { block, at, scale: [x, y], angle, values } => {
                file.class("AcDbBlockReference");
                if !values.is_empty() {
                    file.whole(66, 1);
                }
                file.text(2, self.blocks.get(*block).map_or("", String::as_str));
                file.point(10, *at);
                file.factor(41, *x);
                file.factor(42, *y);
                file.factor(43, *x);
                file.degrees(50, *angle);
            }
            Shape::Polyline { .. }
            | Shape::Ellipse { .. }
            | Shape::Spline { .. }
            | Shape::Hatch(..) => {}
        }
    }

    /// As R12 has it: curves are polylines, areas of three or four corners are solids.
    fn old(
        &mut self,
        file: &mut File,
        entity: &Entity,
        begin: &Begin<'_>,
        notes: &mut Notes,
    ) -> Result<bool, Error> {
        let flat;
        let (points, closed) = match &entity.shape {
            Shape::Polyline { points, closed } => (points, *closed),
            Shape::Spline { control, closed } => {
                notes.add("dxf-curve", "curves are polylines in R12".to_owned(), None);
                flat = convert::flat(control, self.deviation, self.most_points - self.points);
                (&flat, *closed)
            }
            Shape::Ellipse { centre, major, ratio, from, to } => {
                notes.add("dxf-curve", "curves are polylines in R12".to_owned(), None);
                let ends = [*from, *to];
                flat = convert::flat_ellipse(*centre, *major, *ratio, ends, self.deviation);
                (&flat, false)
            }
            Shape::Hatch(rings, _) => {
                let Some(corners) = solid(rings) else {
                    let message = "areas of R12 have three or four corners: HATCH".to_owned();
                    notes.add("dxf-area", message, None);
                    return Ok(false);
                };
                begin.write(file, "SOLID");
                for (code, corner) in (10..).zip(corners) {
                    file.point(code, corner);
                }
                return Ok(true);
            }
            other => {
                begin.write(file, other.kind(true));
                self.simple(file, other, notes);
                self.values(file, entity, begin, notes);
                return Ok(true);
            }
        };
        if !matches!(entity.shape, Shape::Polyline { .. }) {
            self.points += points.len();
            hold("dxf_points", self.points, self.most_points)?;
        }
        begin.write(file, "POLYLINE");
        file.whole(66, 1);
        file.point(10, [0.0, 0.0]);
        file.whole(70, i64::from(closed));
        for (p, bulge) in points {
            file.text(0, "VERTEX");
            file.text(8, begin.layer);
            file.point(10, *p);
            if *bulge != 0.0 {
                file.bulge(*bulge);
            }
        }
        file.text(0, "SEQEND");
        file.text(8, begin.layer);
        Ok(true)
    }
}

/// What all entities begin with.
#[derive(Clone, Copy)]
struct Begin<'b> {
    owner: u32,
    layer: &'b str,
    said: &'b Said,
    is_paper: bool,
}

impl Begin<'_> {
    fn write(&self, file: &mut File, kind: &str) {
        file.record(kind, self.owner, "AcDbEntity");
        if self.is_paper {
            file.whole(67, 1);
        }
        file.text(8, self.layer);
        if let Some(dash) = self.said.dash {
            file.text(6, &line_type(dash, file.is_old()));
        }
        if let Some(index) = self.said.index {
            file.whole(62, i64::from(index));
        }
        if !file.is_old()
            && let Some(weight) = self.said.weight
        {
            file.whole(370, weight);
        }
        if file.version == Version::R2018 {
            if let Some(rgb) = self.said.rgb {
                file.whole(420, i64::from(rgb));
            }
            if let Some(alpha) = self.said.alpha {
                file.whole(440, 0x0200_0000 | i64::from(alpha));
            }
        }
    }
}

fn spline(file: &mut File, control: &[P], closed: bool) {
    file.class("AcDbSpline");
    for (code, value) in [(210, 0.0), (220, 0.0), (230, 1.0)] {
        file.exact(code, value);
    }
    file.whole(70, 8 | i64::from(closed));
    file.whole(71, 3);
    let knots = knots(control.len());
    file.whole(72, knots.len() as i64);
    file.whole(73, control.len() as i64);
    file.whole(74, 0);
    file.exact(42, 1e-10);
    file.exact(43, 1e-10);
    for knot in knots {
        file.exact(40, knot);
    }
    for p in control {
        file.point(10, *p);
    }
}

/// The knots of a chain of cubics: each joint three times, the ends once more.
fn knots(control: usize) -> Vec<f64> {
    let pieces = control.saturating_sub(1) / 3;
    let joints = (0..=pieces).flat_map(|at| [at as f64; 3]);
    [0.0].into_iter().chain(joints).chain([pieces as f64]).collect()
}

fn hatch(file: &mut File, rings: &[Outline]) {
    file.class("AcDbHatch");
    file.point(10, [0.0, 0.0]);
    for (code, value) in [(210, 0.0), (220, 0.0), (230, 1.0)] {
        file.exact(code, value);
    }
    file.text(2, "SOLID");
    file.whole(70, 1);
    file.whole(71, 0);
    file.whole(91, rings.len() as i64);
    for ring in rings {
        if convert::is_all_round(ring) {
            let mut points = convert::bulges(ring.start, &ring.segments);
            if let [(first, _), .., (last, bulge)] = points.as_slice()
                && *bulge == 0.0
                && points.len() > 2
                && length(sub(*first, *last)) <= 1e-9 * (1.0 + length(*last))
            {
                points.pop();
            }
            file.whole(92, 3);
            file.whole(72, i64::from(points.iter().any(|(_, bulge)| *bulge != 0.0)));
            file.whole(73, 1);
            file.whole(93, points.len() as i64);
            let has_bulge = points.iter().any(|(_, bulge)| *bulge != 0.0);
            for (p, bulge) in &points {
                file.flat(10, *p);
                if has_bulge {
                    file.bulge(*bulge);
                }
            }
        } else {
            edges(file, ring);
        }
        file.whole(97, 0);
    }
    file.whole(75, 0);
    file.whole(76, 1);
    file.whole(98, 1);
    file.flat(10, rings.first().map_or([0.0, 0.0], |ring| ring.start));
}

/// A boundary of lines and cubics. Arcs are cubics here: those of the format would have a direction
/// of their own.
fn edges(file: &mut File, ring: &Outline) {
    enum Edge {
        Line(P, P),
        Cubic(Vec<P>),
    }
    let mut edges: Vec<Edge> = Vec::new();
    let mut at = ring.start;
    let cubic = |edges: &mut Vec<Edge>, at: P, [a, b, c]: [P; 3]| match edges.last_mut() {
        Some(Edge::Cubic(control)) => control.extend([a, b, c]),
        _ => edges.push(Edge::Cubic(vec![at, a, b, c])),
    };
    for segment in &ring.segments {
        match &segment.with_angles(at) {
            Segment::Line(p) | Segment::Bend(p, _) => {
                edges.push(Edge::Line(at, *p));
                at = *p;
            }
            Segment::Cubic(a, b, c) => {
                cubic(&mut edges, at, [*a, *b, *c]);
                at = *c;
            }
            Segment::Arc(arc) => {
                for piece in convert::cubics(arc) {
                    cubic(&mut edges, at, piece);
                    at = piece[2];
                }
            }
        }
    }
    if length(sub(at, ring.start)) > 1e-9 * (1.0 + length(at)) {
        edges.push(Edge::Line(at, ring.start));
    }
    file.whole(92, 1);
    file.whole(93, edges.len() as i64);
    for edge in edges {
        match edge {
            Edge::Line(from, to) => {
                file.whole(72, 1);
                file.flat(10, from);
                file.flat(11, to);
            }
            Edge::Cubic(control) => {
                let knots = knots(control.len());
                for (code, value) in [(72, 4), (94, 3), (73, 0), (74, 0)] {
                    file.whole(code, value);
                }
                file.whole(95, knots.len() as i64);
                file.whole(96, control.len() as i64);
                for knot in knots {
                    file.exact(40, knot);
                }
                for p in control {
                    file.flat(10, p);
                }
                if file.version == Version::R2018 {
                    file.whole(97, 0);
                }
            }
        }
    }
}

/// The corners of a SOLID, in its order, which crosses over; `None` where an area is no triangle
/// and no quadrangle that bulges nowhere inward.
fn solid(rings: &[Outline]) -> Option<[P; 4]> {
    let [ring] = rings else { return None };
    let mut corners = vec![ring.start];
    for segment in &ring.segments {
        let Segment::Line(p) = segment else { return None };
        corners.push(*p);
    }
    if corners.len() > 3 && corners.first() == corners.last() {
        corners.pop();
    }
    let [a, b, c, d] = match corners.as_slice() {
        [a, b, c] => return Some([*a, *b, *c, *c]),
        [a, b, c, d] => [*a, *b, *c, *d],
        _ => return None,
    };
    let turn = |p: P, q: P, r: P| {
        let (u, v) = (sub(q, p), sub(r, q));
        u[0] * v[1] - u[1] * v[0] >= 0.0
    };
    let first = turn(a, b, c);
    let is_convex = [turn(b, c, d), turn(c, d, a), turn(d, a, b)].iter().all(|t| *t == first);
    is_convex.then_some([a, b, d, c])
}

/// A text that is an attribute: `own` writes what a text has not.
fn attribute(file: &mut File, text: &Text, notes: &mut Notes, own: impl FnOnce(&mut File)) {
    // The class of the attribute stands in place of the second one of a text.
    text_until(file, text, notes);
    own(file);
    if text.up != Up::Baseline {
        file.whole(74, text.up as i64);
    }
}

fn line_of_text(file: &mut File, text: &Text, notes: &mut Notes) {
    text_until(file, text, notes);
    file.class("AcDbText");
    if text.up != Up::Baseline {
        file.whole(73, text.up as i64);
    }
}

/// A text up to its second class.
fn text_until(file: &mut File, text: &Text, notes: &mut Notes) {
    let mut content = String::new();
    let is_ascii = file.version != Version::R2018;
    let most = if file.is_old() { OLD_TEXT } else { TEXT };
    let lost = words::text(&text.content, most, is_ascii, &mut content);
    if lost.is_cut {
        notes.add("dxf-text-cut", "a text is longer than readers take: cut off".to_owned(), None);
    }
    if lost.has_letters {
        let message = "letters that the version has no number for are question marks".to_owned();
        notes.add("dxf-letter", message, None);
    }
    file.class("AcDbText");
    file.point(10, text.at);
    file.real(40, text.height.max(1e-6));
    file.text(1, &content);
    if text.angle != 0.0 {
        file.degrees(50, text.angle);
    }
    if (text.wide - 1.0).abs() > 1e-9 && text.fit.is_none() {
        file.factor(41, text.wide);
    }
    if text.slant != 0.0 {
        file.degrees(51, text.slant);
    }
    file.text(7, if file.is_old() { "STANDARD" } else { "Standard" });
    if text.mirrored {
        file.whole(71, 4);
    }
    let second = match text.fit {
        Some(fit) => {
            let (c, s) = (libm::cos(text.angle), libm::sin(text.angle));
            file.whole(72, 5);
            Some([text.at[0] + c * fit, text.at[1] + s * fit])
        }
        None if text.across != Across::Left || text.up != Up::Baseline => {
            file.whole(72, text.across as i64);
            Some(text.at)
        }
        None => None,
    };
    if let Some(second) = second {
        file.point(11, second);
    }
}

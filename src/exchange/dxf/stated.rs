//! Dimensions that a document can state: those whose points are points of shapes.
//!
//! A stated dimension holds no number and no text: both follow from the shapes, so that they stay
//! true when those are edited. What could come out otherwise than the file has it stays the block
//! that the file draws it by: texts of its own, points that are nobody's, styles with own arrows.

use std::collections::{HashMap, HashSet};

use super::colour::Colour;
use super::curve::{Arc, Bounds, Outline, P, Segment, add, length, scaled, sub};
use super::drawing::{DimStyle, Drawing, Raw, folded};
use super::shape::{Item, Shape};
use super::tags::Fields;
use super::units::Unit;

/// Dimensions that a document may state.
const MOST: usize = 20_000;
/// Points of shapes that are looked at.
const POINTS: usize = 2_000_000;
/// Points of the cells around a place that are compared with it.
const NEAR: usize = 256;

/// A dimension, as its element states it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stated {
    pub(super) kind: &'static str,
    /// The parts that it measures, as they are named.
    pub(super) of: String,
    /// Where its line goes, in units of the drawing with y upward.
    pub(super) at: P,
    /// Degrees counter-clockwise, of one along an axis.
    pub(super) direction: Option<f64>,
    pub(super) tolerance: Option<String>,
    pub(super) style: DimStyle,
    pub(super) standard: &'static str,
    /// What its numbers are in.
    pub(super) unit: &'static str,
    /// Millimetres of the drawing in one of paper.
    pub(super) scale: f64,
    pub(super) layer: String,
    /// 0xRRGGBB; `None` for the foreground.
    pub(super) colour: Option<u32>,
}

/// A part of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Start,
    End,
    Centre,
    /// A vertex as written, from 1.
    Vertex(usize),
    /// The centre of the arc behind a vertex.
    Arc(usize),
}

/// Points of shapes that have names.
struct Parts<'t> {
    /// A cell of the grid to the points in it.
    cells: HashMap<[i64; 2], Vec<(P, &'t str, Part)>>,
    /// Circles and arcs by the cells of their centres.
    rounds: HashMap<[i64; 2], Vec<(Arc, &'t str, Part)>>,
    /// How far apart points are that are one.
    near: f64,
}

/// States the dimensions of the model that can be; the item of each is given its number.
pub(super) fn dimensions<'t>(
    drawing: &Drawing<'t>,
    model: &[Item<'t>],
    bounds: Bounds,
    unit: Unit,
) -> Vec<(usize, Stated)> {
    if bounds.is_empty() || !model.iter().any(|item| item.dimension.is_some()) {
        return Vec::new();
    }
    let size = (bounds.high[0] - bounds.low[0]).max(bounds.high[1] - bounds.low[1]);
    let far = bounds.low.iter().chain(&bounds.high).fold(0.0_f64, |far, n| far.max(n.abs()));
    let parts = Parts::of(model, (size * 1e-7).max(far * 1e-9).max(1e-9));
    let mut stated = Vec::new();
    for (at, item) in model.iter().enumerate() {
        if stated.len() >= MOST {
            break;
        }
        let one = item.dimension.and_then(|raw| dimension(&raw, item, drawing, &parts, unit));
        stated.extend(one.map(|one| (at, one)));
    }
    stated
}

impl<'t> Parts<'t> {
    fn of(model: &[Item<'t>], near: f64) -> Parts<'t> {
        let mut parts = Parts { cells: HashMap::new(), rounds: HashMap::new(), near };
        let mut ids: HashSet<&str> = HashSet::new();
        let mut count = 0;
        for item in model {
            let Some(handle) = item.id().filter(|handle| ids.insert(handle)) else { continue };
            let (outlines, is_area) = match item.shapes.as_slice() {
                [Shape::Lines { outlines, .. }] => (outlines, false),
                [Shape::Area(outlines) | Shape::Gradient { outlines, .. }] => (outlines, true),
                _ => continue,
            };
            let [outline] = outlines.as_slice() else { continue };
            count += outline.segments.len() + 1;
            if count > POINTS {
                break;
            }
            parts.outline(handle, outline, is_area);
        }
        parts
    }

    fn cell(&self, p: P) -> [i64; 2] {
        p.map(|n| (n / self.near / 4.0).floor() as i64)
    }

    fn point(&mut self, p: P, handle: &'t str, part: Part) {
        self.cells.entry(self.cell(p)).or_default().push((p, handle, part));
    }

    fn round(&mut self, arc: Arc, handle: &'t str, part: Part) {
        if !arc.is_circular() {
            return;
        }
        self.rounds.entry(self.cell(arc.centre)).or_default().push((arc, handle, part));
        self.point(arc.centre, handle, part);
    }

    /// As [`super::write`] writes an outline.
    fn outline(&mut self, handle: &'t str, outline: &Outline, is_area: bool) {
        let Outline { start, segments, closed } = outline;
        match segments.as_slice() {
            [Segment::Line(end)] if !is_area && !closed && end != start => {
                self.point(*start, handle, Part::Start);
                self.point(*end, handle, Part::End);
            }
            // A point, or a line there and back.
            [Segment::Line(_)] => {}
            [Segment::Arc(arc)] if !is_area && *closed => self.round(*arc, handle, Part::Centre),
            all => {
                // What is written in pieces has more vertices, and a cubic has no parts.
                let is_plain = |segment: &Segment| match segment {
                    Segment::Line(_) => true,
                    Segment::Bend(_, bulge) => bulge.abs() <= 1.0 + 1.5e-9,
                    Segment::Arc(arc) => {
                        (arc.to - arc.from).abs() <= std::f64::consts::PI * (1.0 + 1e-9)
                            && arc.is_circular()
                    }
                    Segment::Cubic(..) => false,
                };
                if !all.iter().all(is_plain) {
                    return;
                }
                self.point(*start, handle, Part::Vertex(1));
                let mut from = *start;
                for (at, segment) in all.iter().enumerate() {
                    let end = segment.end();
                    if let Segment::Arc(arc) = segment.with_angles(from) {
                        self.round(arc, handle, Part::Arc(at + 1));
                    }
                    from = end;
                    // A way that returns to its start ends at the first vertex.
                    if !(*closed && at + 1 == all.len() && end == *start) {
                        self.point(end, handle, Part::Vertex(at + 2));
                    }
                }
            }
        }
    }

    /// The name of the part at a point.
    fn at(&self, p: P) -> Option<String> {
        let [x, y] = self.cell(p);
        let around = [-1, 0, 1].into_iter().flat_map(|dx| [-1, 0, 1].map(|dy| (dx, dy)));
        let found = around
            .filter_map(|(dx, dy)| self.cells.get(&[x.wrapping_add(dx), y.wrapping_add(dy)]))
            .flatten()
            .take(NEAR)
            .find(|(other, ..)| length(sub(*other, p)) <= self.near)?;
        Some(named(found.1, found.2))
    }

    /// The name of the circle or arc around `centre` through `on`.
    fn through(&self, centre: P, on: P) -> Option<String> {
        let radius = length(sub(on, centre));
        let [x, y] = self.cell(centre);
        let around = [-1, 0, 1].into_iter().flat_map(|dx| [-1, 0, 1].map(|dy| (dx, dy)));
        let (_, handle, part) = around
            .filter_map(|(dx, dy)| self.rounds.get(&[x.wrapping_add(dx), y.wrapping_add(dy)]))
            .flatten()
            .take(NEAR)
            .find(|(arc, ..)| {
                length(sub(arc.centre, centre)) <= self.near
                    && (length(arc.u) - radius).abs() <= self.near
            })?;
        Some(match part {
            Part::Arc(at) => format!("e-{handle}.{at}-{}", at + 1),
            _ => format!("e-{handle}"),
        })
    }
}

fn named(handle: &str, part: Part) -> String {
    match part {
        Part::Start => format!("e-{handle}.start"),
        Part::End => format!("e-{handle}.end"),
        Part::Centre => format!("e-{handle}.center"),
        Part::Vertex(at) => format!("e-{handle}.{at}"),
        Part::Arc(at) => format!("e-{handle}.{at}-{}.center", at + 1),
    }
}

/// `None` where anything of a dimension could not be stated.
fn dimension<'t>(
    raw: &Raw<'t>,
    item: &Item<'t>,
    drawing: &Drawing<'t>,
    parts: &Parts<'t>,
    unit: Unit,
) -> Option<Stated> {
    let fields = raw.fields;
    let point = |code: i16| fields.point_given(code).ok().flatten().map(|p| [p[0], p[1]]);
    let flags = fields.whole(70, 0);
    let normal = fields.point_given(210).ok()?.unwrap_or([0.0, 0.0, 1.0]);
    let moved = point(12).unwrap_or_default();
    // A text that was put somewhere by hand, what was moved with its block, slanted lines.
    let is_own = flags & 128 != 0
        || normal != [0.0, 0.0, 1.0]
        || moved != [0.0; 2]
        || fields.number(52, 0.0).ok()? != 0.0
        || item.style.is_invisible
        || raw.has_more;
    if is_own {
        return None;
    }
    let style = fields.name(3).and_then(|name| drawing.dimension_styles.get(&folded(name)))?;
    let standard = style.standard()?;
    let (kind, of, at, direction, measure) = measured(&fields, flags & 7, parts)?;
    let is_angle = kind == "angle";
    let told = fields.given(42).ok().flatten().filter(|n| *n > 0.0);
    let slack = if is_angle { 1e-6 } else { parts.near * 4.0 };
    if measure <= slack || told.is_some_and(|told| (told - measure).abs() > slack) {
        return None;
    }
    // What a unit of the drawing is shown as.
    let shown = unit.millimetres / style.factor;
    let near = |mm: f64| (shown - mm).abs() <= 1e-9 * mm;
    let unit_shown = match style.format {
        4 if near(25.4) => "ft-in",
        2 => [("mm", 1.0), ("cm", 10.0), ("m", 1_000.0), ("in", 25.4), ("ft", 304.8)]
            .into_iter()
            .find_map(|(name, mm)| near(mm).then_some(name))?,
        _ => return None,
    };
    let tolerance = match fields.text(1).map(str::trim).unwrap_or_default() {
        "" | "<>" => None,
        other => {
            let amount = super::text::plain(other.strip_prefix("<>")?);
            let amount = amount.trim().strip_prefix('±')?.replace(',', ".");
            let is_number = amount.parse::<f64>().is_ok_and(|n| n.is_finite() && n >= 0.0);
            let is_number = is_number && amount.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            if !is_number || unit_shown != "mm" && !is_angle {
                return None;
            }
            Some(format!("±{amount}"))
        }
    };
    let scale = style.scale * unit.millimetres;
    if !(1e-6..=1e6).contains(&scale) {
        return None;
    }
    let layer = drawing.layers.iter().find(|l| folded(l.name) == folded(item.style.layer));
    let colour = match item.style.colour {
        Colour::ByLayer => layer.and_then(|layer| layer.colour),
        Colour::ByBlock => None,
        Colour::Own(rgb) => rgb,
    };
    if layer.is_some_and(|layer| layer.is_off || layer.is_frozen) {
        return None;
    }
    let layer = item.style.layer.to_owned();
    let style = style.clone();
    Some(Stated {
        kind,
        of,
        at,
        direction,
        tolerance,
        style,
        standard,
        unit: unit_shown,
        scale,
        layer,
        colour,
    })
}

/// The place on a line through `from` that is nearest to a text, which stands beside it.
fn along(from: P, direction: P, text: P) -> Option<P> {
    let long = length(direction);
    let unit = scaled(direction, 1.0 / long);
    let to = sub(text, from);
    let far = to[0] * unit[0] + to[1] * unit[1];
    // A text at the centre says no side.
    (far.abs() > 1e-6 * long).then(|| add(from, scaled(unit, far)))
}

type Measured = (&'static str, String, P, Option<f64>, f64);

/// Its type, the parts that it is of, the place of its line, its direction, and what it measures.
fn measured(fields: &Fields<'_>, kind: i64, parts: &Parts<'_>) -> Option<Measured> {
    let point = |code: i16| fields.point_given(code).ok().flatten().map(|p| [p[0], p[1]]);
    let two = |a: P, b: P| Some(format!("{} {}", parts.at(a)?, parts.at(b)?));
    let defined = point(10)?;
    Some(match kind {
        0 => {
            let (a, b) = (point(13)?, point(14)?);
            let degrees = fields.number(50, 0.0).ok()?;
            let (s, c) = libm::sincos(degrees.to_radians());
            let along = sub(b, a);
            let measure = (along[0] * c + along[1] * s).abs();
            ("linear", two(a, b)?, defined, Some(degrees), measure)
        }
        1 => {
            let (a, b) = (point(13)?, point(14)?);
            ("aligned", two(a, b)?, defined, None, length(sub(b, a)))
        }
        3 => {
            let far = point(15)?;
            let centre = scaled(add(defined, far), 0.5);
            let of = parts.through(centre, defined)?;
            let at = along(centre, sub(far, defined), point(11)?)?;
            ("diameter", of, at, None, length(sub(far, defined)))
        }
        4 => {
            let on = point(15)?;
            let of = parts.through(defined, on)?;
            let at = along(defined, sub(on, defined), point(11)?)?;
            ("radius", of, at, None, length(sub(on, defined)))
        }
        5 => {
            let (a, b, vertex) = (point(13)?, point(14)?, point(15)?);
            let of = format!("{} {} {}", parts.at(a)?, parts.at(vertex)?, parts.at(b)?);
            // The sector that the arc is in, counter-clockwise from the first side.
            let angle = |p: P| {
                let d = sub(p, vertex);
                libm::atan2(d[1], d[0])
            };
            let turn = std::f64::consts::TAU;
            let sweep = (angle(b) - angle(a)).rem_euclid(turn);
            let holds = (angle(defined) - angle(a)).rem_euclid(turn) <= sweep;
            ("angle", of, defined, None, if holds { sweep } else { turn - sweep })
        }
        6 => {
            let (of, end) = (point(13)?, point(14)?);
            let is_x = fields.whole(70, 0) & 64 != 0;
            let to = sub(end, of);
            // Which of both is meant is told by where the line goes.
            if (to[1].abs() >= to[0].abs()) != is_x {
                return None;
            }
            let axis = usize::from(!is_x);
            ("ordinate", two(defined, of)?, end, None, (of[axis] - defined[axis]).abs())
        }
        _ => return None,
    })
}

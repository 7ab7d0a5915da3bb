//! Entities to shapes.

use std::collections::HashMap;

use libm::{cos, sin};

use super::colour::Colour;
use super::curve::{
    Affine, Arc, Outline, P, Segment, add, bend, bulged, length, plane, scaled, sub,
};
use super::drawing::{DimStyle, Raw, folded};
use super::hatch;
use super::leader::{self, Templates};
use super::reason::Reason;
use super::shape::{self, Anchor, Insert, Shape, Style, Text};
use super::spline::{self, Spline};
use super::tags::{Fields, number, trimmed, whole};
use super::text;
use super::values;

/// What an entity is read with.
#[derive(Debug)]
pub(super) struct Context<'d> {
    pub(super) blocks: &'d HashMap<String, usize>,
    /// Base points of the blocks.
    pub(super) bases: &'d [[f64; 3]],
    /// Names of blocks in capitals by the handles of their records.
    pub(super) records: &'d HashMap<String, String>,
    /// Templates of attributes by their handles.
    pub(super) templates: &'d Templates<'d>,
    pub(super) dimension_styles: &'d HashMap<String, DimStyle>,
    pub(super) text_height: f64,
    pub(super) is_in_block: bool,
}

/// How an entity looks, whatever its shape.
pub(super) fn style<'t>(fields: &Fields<'t>) -> Style<'t> {
    // One look at the tags: a polyline may have very many.
    let mut said: [Option<&'t str>; 8] = [None; 8];
    for tag in fields.iter() {
        let place = match tag.code {
            8 => 0,
            6 => 1,
            62 => 2,
            420 => 3,
            370 => 4,
            440 => 5,
            48 => 6,
            60 => 7,
            _ => continue,
        };
        said[place].get_or_insert(tag.value);
    }
    let [layer, line_type, index, rgb, weight, alpha, scale, invisible] = said;
    let name = |value: Option<&'t str>| value.map(trimmed).filter(|name| !name.is_empty());
    // The top byte says that there is one, the lowest is the opacity.
    let opacity = match alpha.and_then(whole).unwrap_or(0) {
        n if n & 0x0200_0000 != 0 => (n & 0xFF) as f64 / 255.0,
        _ => 1.0,
    };
    let scale = scale.and_then(|scale| number(scale).ok());
    Style {
        layer: name(layer).unwrap_or("0"),
        colour: Colour::said(index, rgb),
        line_type: name(line_type).filter(|name| !name.eq_ignore_ascii_case("BYLAYER")),
        line_type_scale: scale.filter(|s| *s > 0.0).unwrap_or(1.0),
        weight: weight.and_then(whole).filter(|w| *w != -1),
        is_invisible: invisible.and_then(whole) == Some(1),
        opacity,
    }
}

fn flat(p: [f64; 3]) -> P {
    [p[0], p[1]]
}

fn normal(fields: &Fields<'_>) -> Result<[f64; 3], Reason> {
    Ok(fields.point_given(210)?.unwrap_or([0.0, 0.0, 1.0]))
}

/// The plane of an entity with its elevation in the z of the point at `code`.
fn own_plane(fields: &Fields<'_>, code: i16) -> Result<Affine, Reason> {
    Ok(plane(normal(fields)?, fields.number(code + 20, 0.0)?))
}

/// The shapes of an entity; a pattern has `hatch_lines` lines at most.
///
/// # Errors
/// Why it is not drawn.
pub(super) fn shapes(
    raw: &Raw<'_>,
    context: &Context<'_>,
    hatch_lines: usize,
) -> Result<Vec<Shape>, Reason> {
    let fields = raw.fields;
    let one = |outline: Outline| Ok(vec![lines(vec![outline])]);
    match raw.kind {
        "LINE" => {
            one(Outline::through(&[flat(fields.point(10)?), flat(fields.point(11)?)], false)?)
        }
        "POINT" => {
            let at = flat(fields.point(10)?);
            one(Outline::through(&[at, at], false)?)
        }
        "CIRCLE" | "ARC" => {
            let (at, radius) = (flat(fields.point(10)?), fields.number(40, 0.0)?.abs());
            let (from, to) = match raw.kind {
                "CIRCLE" => (0.0, std::f64::consts::TAU),
                _ => turn(
                    fields.number(50, 0.0)?.to_radians(),
                    fields.number(51, 360.0)?.to_radians(),
                ),
            };
            let plane = own_plane(&fields, 10)?;
            one(Outline::arc(Arc::circle(at, radius, from, to)).mapped(&plane))
        }
        "ELLIPSE" => ellipse(&fields).and_then(one),
        "SPLINE" => one(spline_of(&fields)?),
        "HELIX" => one(spline_of(&fields.before("AcDbHelix"))?),
        "LWPOLYLINE" => light_polyline(&fields),
        "POLYLINE" => polyline(raw),
        "SOLID" | "TRACE" => {
            let plane = own_plane(&fields, 10)?;
            let last = fields.point_given(13)?.unwrap_or(fields.point(12)?);
            let corners = [fields.point(10)?, fields.point(11)?, last, fields.point(12)?].map(flat);
            Ok(vec![Shape::Area(vec![Outline::through(&corners, true)?.mapped(&plane)])])
        }
        "3DFACE" => face(&fields),
        "RAY" | "XLINE" => {
            let direction = flat(fields.point(11)?);
            if length(direction) < 1e-12 {
                return Err(Reason::Empty);
            }
            let at = flat(fields.point(10)?);
            Ok(vec![Shape::Endless { at, direction, both: raw.kind == "XLINE" }])
        }
        "TEXT" => Ok(vec![Shape::Text(line_of_text(&fields, fields.text(1), 73, context)?)]),
        "ATTRIB" => Ok(vec![Shape::Text(line_of_text(&fields, fields.text(1), 74, context)?)]),
        "ATTDEF" => {
            let is_constant = fields.whole(70, 0) & 2 != 0;
            if context.is_in_block && !is_constant {
                let name = fields.name(2).unwrap_or_default();
                let text = line_of_text(&fields, fields.text(1), 74, context)?;
                let is_hidden = fields.whole(70, 0) & 1 != 0;
                return match !is_hidden && values::is_template(name, &text) {
                    true => Ok(vec![Shape::Template(text)]),
                    false => Err(Reason::Template),
                };
            }
            // In the model its tag is shown.
            let shown = fields.text(if is_constant { 1 } else { 2 });
            Ok(vec![Shape::Text(line_of_text(&fields, shown, 74, context)?)])
        }
        "MTEXT" => Ok(vec![Shape::Text(paragraphs(&fields, context)?)]),
        "INSERT" => insert(raw, context),
        "DIMENSION" | "ARC_DIMENSION" | "LARGE_RADIAL_DIMENSION" => {
            let block = block(&fields, context)?;
            let shift = plane(normal(&fields)?, 0.0).vector(flat(fields.point(12)?));
            Ok(vec![copy(block, Affine::IDENTITY.shifted(shift))])
        }
        "ACAD_TABLE" => {
            let block = block(&fields, context)?;
            let mut along = flat(fields.point_given(11)?.unwrap_or([1.0, 0.0, 0.0]));
            if length(along) < 1e-12 {
                along = [1.0, 0.0];
            }
            let [x, y] = scaled(along, 1.0 / length(along));
            let at = flat(fields.point(10)?);
            Ok(vec![copy(block, Affine([x, y, -y, x, at[0], at[1]]))])
        }
        "LEADER" => {
            let points = points(&fields, 10)?;
            let bent = fields.whole(72, 0) == 1 && points.len() > 2;
            let outline = if bent { spline::through(&points, None, None)? } else { open(&points)? };
            let style = fields.name(3).and_then(|name| context.dimension_styles.get(&folded(name)));
            let size = style.map_or(0.0, |style| style.arrow * style.scale);
            let size = if fields.whole(71, 1) != 0 { size } else { 0.0 };
            let head = leader::head(&points, size, None, context);
            Ok(std::iter::once(lines(vec![outline])).chain(head).collect())
        }
        "MULTILEADER" | "MLEADER" => leader::multileader(&fields, context),
        "HATCH" | "MPOLYGON" => {
            let plane = plane(normal(&fields)?, fields.number(30, 0.0)?);
            hatch::shapes(&fields, &plane, hatch_lines)
        }
        "MLINE" => multiple_line(&fields),
        _ => Err(Reason::Kind),
    }
}

fn lines(outlines: Vec<Outline>) -> Shape {
    Shape::Lines { outlines, width: None }
}

fn open(points: &[P]) -> Result<Outline, Reason> {
    if points.len() < 2 { Err(Reason::Empty) } else { Outline::through(points, false) }
}

fn copy(block: usize, place: Affine) -> Shape {
    Shape::Insert(Insert { block, place, columns: 1, rows: 1, steps: [[0.0; 2]; 2] })
}

/// Angles of an arc that runs counter-clockwise: the second is above the first.
pub(super) fn turn(from: f64, to: f64) -> (f64, f64) {
    use std::f64::consts::TAU;
    let sweep = (to - from).rem_euclid(TAU);
    (from, from + if sweep < 1e-12 { TAU } else { sweep })
}

/// Cosine and sine of degrees, exactly for quarter turns.
fn turned(degrees: f64) -> (f64, f64) {
    match degrees.rem_euclid(360.0) {
        0.0 => (1.0, 0.0),
        90.0 => (0.0, 1.0),
        180.0 => (-1.0, 0.0),
        270.0 => (0.0, -1.0),
        degrees => (cos(degrees.to_radians()), sin(degrees.to_radians())),
    }
}

/// All points with the group codes `code` and `code` + 10.
fn points(fields: &Fields<'_>, code: i16) -> Result<Vec<P>, Reason> {
    let mut points: Vec<P> = Vec::new();
    for tag in fields.iter() {
        if tag.code == code {
            points.push([number(tag.value)?, 0.0]);
        } else if tag.code == code + 10
            && let Some(last) = points.last_mut()
        {
            last[1] = number(tag.value)?;
        }
    }
    Ok(points)
}

fn numbers(fields: &Fields<'_>, code: i16) -> Result<Vec<f64>, Reason> {
    fields.iter().filter(|t| t.code == code).map(|t| number(t.value)).collect()
}

fn ellipse(fields: &Fields<'_>) -> Result<Outline, Reason> {
    let (centre, major) = (flat(fields.point(10)?), fields.point(11)?);
    let ratio = fields.number(40, 1.0)?;
    let [nx, ny, nz] = normal(fields)?;
    let size = libm::sqrt(nx * nx + ny * ny + nz * nz).max(1e-300);
    let (nx, ny, nz) = (nx / size, ny / size, nz / size);
    // The minor axis is the normal times the major one.
    let minor = [ny * major[2] - nz * major[1], nz * major[0] - nx * major[2]];
    let (from, to) = turn(fields.number(41, 0.0)?, fields.number(42, std::f64::consts::TAU)?);
    Ok(Outline::arc(Arc::new(centre, flat(major), scaled(minor, ratio), from, to)))
}

fn spline_of(fields: &Fields<'_>) -> Result<Outline, Reason> {
    let control = points(fields, 10)?;
    if control.is_empty() {
        let tangent = |code: i16| {
            let given = fields.point_given(code)?.map(flat);
            Ok::<_, Reason>(given.filter(|t| length(*t) > 1e-12))
        };
        return spline::through(&points(fields, 11)?, tangent(12)?, tangent(13)?);
    }
    let (knots, weights) = (numbers(fields, 40)?, numbers(fields, 41)?);
    Spline::new(fields.whole(71, 3), knots, &control, &weights)?.outline()
}

/// A vertex of a polyline: its point, its bulge, the widths where it begins and ends.
type Vertex = (P, f64, f64, f64);

fn along(vertices: &[Vertex], closed: bool, plane: &Affine) -> Result<Vec<Shape>, Reason> {
    let (first, rest) = vertices.split_first().ok_or(Reason::Empty)?;
    let mut outline = Outline::at(first.0);
    outline.segments.reserve_exact(vertices.len());
    let mut last = first;
    for vertex in rest {
        outline.segments.push(bend(last.0, vertex.0, last.1));
        last = vertex;
    }
    if closed && rest.is_empty() {
        return Err(Reason::Empty);
    }
    if closed && last.1 != 0.0 {
        outline.segments.push(bend(last.0, first.0, last.1));
    }
    if outline.segments.is_empty() {
        outline.segments.push(Segment::Line(first.0));
    }
    outline.closed = closed;
    let wide = first.2;
    let even = vertices.iter().all(|v| v.2 == wide && v.3 == wide);
    let mut shapes = Vec::new();
    if !even {
        let after = vertices.iter().skip(1).chain(closed.then_some(first));
        for (from, to) in vertices.iter().zip(after) {
            shapes.extend(tapered(from, to.0).map(|o| Shape::Area(vec![o.mapped(plane)])));
        }
    }
    let width = (even && wide > 0.0).then_some(wide);
    shapes.push(Shape::Lines { outlines: vec![outline.mapped(plane)], width });
    Ok(shapes)
}

/// The area of a segment of a polyline whose width goes from that of its begin to that of its end;
/// an arc is followed in chords.
fn tapered(from: &Vertex, to: P) -> Option<Outline> {
    let &(start, bulge, first, last) = from;
    if first <= 0.0 && last <= 0.0 || start == to {
        return None;
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut side = |at: P, out: P, share: f64| {
        let half = (first + (last - first) * share) / 2.0;
        left.push(add(at, scaled(out, half)));
        right.push(sub(at, scaled(out, half)));
    };
    match bulged(start, to, bulge) {
        Segment::Arc(arc) => {
            let sweep = arc.to - arc.from;
            let chords = ((sweep.abs() * 16.0) as usize).clamp(4, 100);
            for i in 0..=chords {
                let share = i as f64 / chords as f64;
                let at = arc.at(arc.from + sweep * share);
                let out = sub(at, arc.centre);
                side(at, scaled(out, 1.0 / length(out)), share);
            }
        }
        _ => {
            let along = scaled(sub(to, start), 1.0 / length(sub(to, start)));
            let out = [-along[1], along[0]];
            side(start, out, 0.0);
            side(to, out, 1.0);
        }
    }
    left.extend(right.into_iter().rev());
    Outline::through(&left, true).ok()
}

fn light_polyline(fields: &Fields<'_>) -> Result<Vec<Shape>, Reason> {
    let plane = plane(normal(fields)?, fields.number(38, 0.0)?);
    let usual = fields.number(43, 0.0)?;
    let mut vertices: Vec<Vertex> = Vec::new();
    for tag in fields.iter() {
        if tag.code == 10 {
            vertices.push(([number(tag.value)?, 0.0], 0.0, usual, usual));
        }
        let Some(last) = vertices.last_mut() else { continue };
        match tag.code {
            20 => last.0[1] = number(tag.value)?,
            40 => last.2 = number(tag.value)?,
            41 => last.3 = number(tag.value)?,
            42 => last.1 = number(tag.value)?,
            _ => {}
        }
    }
    along(&vertices, fields.whole(70, 0) & 1 != 0, &plane)
}

fn polyline(raw: &Raw<'_>) -> Result<Vec<Shape>, Reason> {
    let fields = raw.fields;
    let flags = fields.whole(70, 0);
    let parts = raw.parts().filter(|(kind, _)| *kind == "VERTEX").map(|(_, fields)| fields);
    if flags & 64 != 0 {
        return faces(parts);
    }
    // Vertices that only control a curve are not on it; those that a spline was made of are.
    let is_shown = |f: &Fields<'_>| f.whole(70, 0) & 16 == 0;
    if flags & 16 != 0 {
        let points = parts.filter(is_shown).map(|f| f.point(10).map(flat));
        let points = points.collect::<Result<Vec<_>, _>>()?;
        // A mesh that was smoothed says how many vertices are left.
        let [m, n] = if flags & 4 != 0 { [73, 74] } else { [71, 72] }.map(|c| fields.whole(c, 0));
        return mesh(&points, m, n, [flags & 1 != 0, flags & 32 != 0]);
    }
    let widths = [fields.number(40, 0.0)?, fields.number(41, 0.0)?];
    let is_flat = flags & 8 == 0;
    let mut vertices = Vec::new();
    for vertex in parts.filter(is_shown) {
        let bulge = if is_flat { vertex.number(42, 0.0)? } else { 0.0 };
        let [from, to] = [vertex.number(40, widths[0])?, vertex.number(41, widths[1])?];
        vertices.push((flat(vertex.point(10)?), bulge, from, to));
    }
    let plane = if is_flat { own_plane(&fields, 10)? } else { Affine::IDENTITY };
    along(&vertices, flags & 1 != 0, &plane)
}

/// The net of a mesh of `m` times `n` vertices.
fn mesh(points: &[P], m: i64, n: i64, closed: [bool; 2]) -> Result<Vec<Shape>, Reason> {
    let (m, n) = (usize::try_from(m).unwrap_or(0), usize::try_from(n).unwrap_or(0));
    if m < 2 || n < 2 || m.checked_mul(n) != Some(points.len()) {
        return Err(Reason::Empty);
    }
    let mut outlines = Vec::new();
    for row in points.chunks(n) {
        outlines.push(Outline::through(row, closed[1])?);
    }
    for column in 0..n {
        let column: Vec<P> = points.iter().skip(column).step_by(n).copied().collect();
        outlines.push(Outline::through(&column, closed[0])?);
    }
    Ok(vec![lines(outlines)])
}

/// The edges of faces that name their vertices by numbers; a negative one hides the edge after it.
fn faces<'t>(parts: impl Iterator<Item = Fields<'t>>) -> Result<Vec<Shape>, Reason> {
    let (mut points, mut outlines) = (Vec::new(), Vec::new());
    for part in parts {
        if part.whole(70, 0) & 64 != 0 {
            points.push(flat(part.point(10)?));
            continue;
        }
        let corners: Vec<i64> =
            [71, 72, 73, 74].into_iter().map(|c| part.whole(c, 0)).filter(|i| *i != 0).collect();
        let at = |index: i64| {
            let index = usize::try_from(index.unsigned_abs()).unwrap_or(0);
            points.get(index.wrapping_sub(1)).copied().ok_or(Reason::Number)
        };
        for (i, corner) in corners.iter().enumerate().filter(|(_, corner)| **corner > 0) {
            let next = corners.get(i + 1).or(corners.first()).copied().unwrap_or(*corner);
            outlines.push(Outline::through(&[at(*corner)?, at(next)?], false)?);
        }
    }
    if outlines.is_empty() { Err(Reason::Empty) } else { Ok(vec![lines(outlines)]) }
}

fn face(fields: &Fields<'_>) -> Result<Vec<Shape>, Reason> {
    let third = fields.point(12)?;
    let last = fields.point_given(13)?.unwrap_or(third);
    let corners = [fields.point(10)?, fields.point(11)?, third, last].map(flat);
    let hidden = fields.whole(70, 0) & 15;
    if hidden == 0 {
        return Ok(vec![lines(vec![Outline::through(&corners, true)?])]);
    }
    let edges = (0..4).filter(|i| hidden >> i & 1 == 0);
    let edges = edges.map(|i| Outline::through(&[corners[i], corners[(i + 1) % 4]], false));
    Ok(vec![lines(edges.collect::<Result<_, _>>()?)])
}

/// The elements of a multiple line: each vertex tells how far each lies along the mitre.
fn multiple_line(fields: &Fields<'_>) -> Result<Vec<Shape>, Reason> {
    let mut vertices: Vec<(P, P, Vec<f64>)> = Vec::new();
    let mut is_first = false;
    for tag in fields.iter() {
        if tag.code == 11 {
            vertices.push(([number(tag.value)?, 0.0], [0.0; 2], Vec::new()));
        }
        let Some((at, mitre, offsets)) = vertices.last_mut() else { continue };
        match tag.code {
            21 => at[1] = number(tag.value)?,
            13 => mitre[0] = number(tag.value)?,
            23 => mitre[1] = number(tag.value)?,
            74 => is_first = true,
            // The first of an element is its offset; the others tell where it is broken.
            41 if std::mem::take(&mut is_first) => offsets.push(number(tag.value)?),
            _ => {}
        }
    }
    let count = vertices.iter().map(|(.., offsets)| offsets.len()).min().unwrap_or(0);
    if count == 0 || vertices.len() < 2 {
        return Err(Reason::Empty);
    }
    let closed = fields.whole(71, 0) & 2 != 0;
    let element = |i: usize| {
        let offset = |(at, mitre, offsets): &(P, P, Vec<f64>)| {
            add(*at, scaled(*mitre, offsets.get(i).copied().unwrap_or(0.0)))
        };
        Outline::through(&vertices.iter().map(offset).collect::<Vec<_>>(), closed)
    };
    Ok(vec![lines((0..count).map(element).collect::<Result<_, _>>()?)])
}

fn block(fields: &Fields<'_>, context: &Context<'_>) -> Result<usize, Reason> {
    let name = fields.name(2).ok_or(Reason::NoBlock)?;
    context.blocks.get(&folded(name)).copied().ok_or(Reason::NoBlock)
}

fn insert(raw: &Raw<'_>, context: &Context<'_>) -> Result<Vec<Shape>, Reason> {
    let fields = raw.fields;
    let block = block(&fields, context)?;
    let base = context.bases.get(block).copied().unwrap_or_default();
    let at = fields.point(10)?;
    let scale = [fields.number(41, 1.0)?, fields.number(42, 1.0)?, fields.number(43, 1.0)?];
    // Programs write 0 where they mean nothing.
    let [sx, sy, sz] = scale.map(|s| if s == 0.0 { 1.0 } else { s });
    let plane = plane(normal(&fields)?, at[2] - base[2] * sz);
    let (c, s) = turned(fields.number(50, 0.0)?);
    let turned = plane.after(&Affine([c, s, -s, c, at[0], at[1]]));
    let place = turned.after(&Affine([sx, 0.0, 0.0, sy, -base[0] * sx, -base[1] * sy]));
    let count = |code: i16| usize::try_from(fields.whole(code, 1)).unwrap_or(1).max(1);
    let steps = [
        turned.vector([fields.number(44, 0.0)?, 0.0]),
        turned.vector([0.0, fields.number(45, 0.0)?]),
    ];
    let insert = Insert { block, place, columns: count(70), rows: count(71), steps };
    Ok(vec![Shape::Insert(insert)])
}

/// The attributes of an insert, which stand where they say and on layers of their own. Invisible
/// ones hold data.
pub(super) fn attributes<'t>(
    raw: &Raw<'t>,
    context: &Context<'_>,
) -> impl Iterator<Item = Result<(Fields<'t>, Shape), Reason>> {
    let parts = if raw.kind == "INSERT" { raw.parts } else { &[] };
    let parts = Raw { parts, ..*raw };
    let shown: Vec<Fields<'t>> = parts
        .parts()
        .filter(|(kind, part)| *kind == "ATTRIB" && part.whole(70, 0) & 1 == 0)
        .map(|(_, part)| part)
        .collect();
    shown.into_iter().map(|part| {
        line_of_text(&part, part.text(1), 74, context).map(|text| (part, Shape::Text(text)))
    })
}

pub(super) fn line_of_text(
    fields: &Fields<'_>,
    shown: Option<&str>,
    vertical: i16,
    context: &Context<'_>,
) -> Result<Text, Reason> {
    let height = fields.number(40, context.text_height)?.abs();
    let height = if height == 0.0 { context.text_height } else { height };
    let (first, second) = (flat(fields.point(10)?), fields.point_given(11)?.map(flat));
    let (across, up) = (fields.whole(72, 0), fields.whole(vertical, 0));
    let (mut c, mut s) = turned(fields.number(50, 0.0)?);
    let mut width = fields.number(41, 1.0)?.abs().max(1e-6);
    let lines = vec![text::plain(shown.unwrap_or_default())];
    let mut fit = None;
    let at = match (across, second) {
        (0, _) if up == 0 => first,
        (_, None) => first,
        (3 | 5, Some(second)) if up == 0 => {
            let along = sub(second, first);
            if length(along) > 0.0 {
                (c, s) = (along[0] / length(along), along[1] / length(along));
                fit = Some(length(along));
                width = 1.0;
            }
            first
        }
        (_, Some(second)) => second,
    };
    let anchor = match across {
        1 | 4 => Anchor::Middle,
        2 => Anchor::End,
        _ => Anchor::Start,
    };
    let rise = match (across, up) {
        (4, 0) | (_, 2) => -0.5,
        (_, 1) => 0.3,
        (_, 3) => -1.0,
        _ => 0.0,
    };
    let flags = fields.whole(71, 0);
    let (x, y) = (if flags & 2 != 0 { -1.0 } else { 1.0 }, if flags & 4 != 0 { -1.0 } else { 1.0 });
    let slant = libm::tan(fields.number(51, 0.0)?.clamp(-85.0, 85.0).to_radians());
    let turned = own_plane(fields, 10)?.after(&Affine([c, s, -s, c, at[0], at[1]]));
    let place = turned.after(&Affine([x * width, 0.0, slant, y, 0.0, 0.0]));
    Ok(Text { lines, height, rise, leading: 0.0, anchor, fit, place })
}

fn paragraphs(fields: &Fields<'_>, context: &Context<'_>) -> Result<Text, Reason> {
    let height = fields.number(40, context.text_height)?.abs();
    let height = if height == 0.0 { context.text_height } else { height };
    let at = flat(fields.point(10)?);
    let mut content = String::new();
    fields.iter().filter(|t| t.code == 3).for_each(|t| content.push_str(t.value));
    content.push_str(fields.text(1).unwrap_or_default());
    // As many letters as the column is wide.
    let wide = (fields.number(41, 0.0)? / (shape::LETTER * height)).floor();
    let lines = text::wrapped(text::lines(&content), wide as usize);
    let along = match fields.point_given(11)?.map(flat) {
        Some(along) if length(along) > 1e-12 => scaled(along, 1.0 / length(along)),
        _ => {
            let (c, s) = turned(fields.number(50, 0.0)?);
            [c, s]
        }
    };
    let leading = 5.0 / 3.0 * fields.number(44, 1.0)?.clamp(0.1, 10.0);
    let place = fields.whole(71, 1).clamp(1, 9) - 1;
    let anchor = [Anchor::Start, Anchor::Middle, Anchor::End][(place % 3) as usize];
    let below = leading * lines.len().saturating_sub(1) as f64;
    let rise = match place / 3 {
        0 => -1.0,
        1 => below / 2.0 - 0.5,
        _ => below,
    };
    let mirrored = normal(fields)?[2] < 0.0;
    let up = if mirrored { [along[1], -along[0]] } else { [-along[1], along[0]] };
    let place = Affine([along[0], along[1], up[0], up[1], at[0], at[1]]);
    Ok(Text { lines, height, rise, leading, anchor, fit: None, place })
}

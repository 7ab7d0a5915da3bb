//! Hatches: areas where solid, lines where patterned.

use std::f64::consts::TAU;

use super::curve::{Affine, Arc, Outline, P, Segment, bend, length, scaled, sub};
use super::gradient;
use super::pattern;
use super::reason::Reason;
use super::shape::Shape;
use super::spline::Spline;
use super::tags::{Fields, number, whole};

/// The numbers of one edge of a boundary, in their order.
#[derive(Debug, Default)]
struct Edge {
    kind: i64,
    values: Vec<(i16, f64)>,
}

impl Edge {
    fn get(&self, code: i16) -> f64 {
        self.values.iter().find(|(c, _)| *c == code).map_or(0.0, |(_, n)| *n)
    }

    fn all(&self, code: i16) -> Vec<f64> {
        self.values.iter().filter(|(c, _)| *c == code).map(|(_, n)| *n).collect()
    }

    fn point(&self, code: i16) -> P {
        [self.get(code), self.get(code + 10)]
    }
}

/// # Errors
/// Why it is not drawn.
pub(super) fn shapes(
    fields: &Fields<'_>,
    plane: &Affine,
    most: usize,
) -> Result<Vec<Shape>, Reason> {
    // Between the count of boundaries (91) and the style (75) nothing else stands.
    let boundaries = fields.iter().skip_while(|t| t.code != 91).take_while(|t| t.code != 75);
    let mut outlines: Vec<Outline> = Vec::new();
    // Where the boundaries of each kind begin among the outlines.
    let mut kinds: Vec<(usize, i64)> = Vec::new();
    let mut path = Path::None;
    for tag in boundaries {
        match (tag.code, &mut path) {
            (92, _) => {
                std::mem::take(&mut path).end(&mut outlines)?;
                let kind = whole(tag.value).unwrap_or(0);
                kinds.push((outlines.len(), kind));
                let is_polyline = kind & 2 != 0;
                path =
                    if is_polyline { Path::Polyline(Vec::new()) } else { Path::Edges(Vec::new()) };
            }
            // What the boundary was made of follows.
            (97 | 330, Path::Polyline(_)) => {}
            (330, _) => {}
            (10, Path::Polyline(points)) => points.push(([number(tag.value)?, 0.0], 0.0)),
            (20, Path::Polyline(points)) => {
                if let Some((p, _)) = points.last_mut() {
                    p[1] = number(tag.value)?;
                }
            }
            (42, Path::Polyline(points)) => {
                if let Some((_, bulge)) = points.last_mut() {
                    *bulge = number(tag.value)?;
                }
            }
            (72, Path::Edges(edges)) => {
                edges.push(Edge { kind: whole(tag.value).unwrap_or(0), values: Vec::new() });
            }
            (code, Path::Edges(edges)) => {
                if let Some(edge) = edges.last_mut() {
                    edge.values.push((code, number(tag.value)?));
                }
            }
            _ => {}
        }
    }
    path.end(&mut outlines)?;
    let outlines = filled(outlines, &kinds, fields.whole(75, 0));
    if outlines.is_empty() {
        return Err(Reason::Empty);
    }
    let mapped = |o: Vec<Outline>| o.into_iter().map(|o| o.mapped(plane)).collect::<Vec<_>>();
    let is_solid = fields.whole(70, 0) & 1 != 0 || fields.whole(450, 0) == 1;
    if is_solid {
        let fill = gradient::of(fields, &outlines)?.map(|fill| fill.mapped(plane));
        let outlines = mapped(outlines);
        return Ok(vec![match fill {
            Some(fill) => Shape::Gradient { outlines, fill },
            None => Shape::Area(outlines),
        }]);
    }
    // A pattern is given in the plane of the hatch.
    Ok(match pattern::lines(fields, &outlines, most)? {
        Some(lines) => {
            let lines = Shape::Lines { outlines: mapped(lines), width: None };
            vec![Shape::Extent(mapped(outlines)), lines]
        }
        None => vec![Shape::Lines { outlines: mapped(outlines), width: None }],
    })
}

/// The outlines that a style fills: all of them, the outermost and the first islands in them (1), or
/// the outermost whole (2). Where none is called so all are meant.
fn filled(outlines: Vec<Outline>, kinds: &[(usize, i64)], style: i64) -> Vec<Outline> {
    let wanted = match style {
        1 => 1 | 16,
        2 => 1,
        _ => return outlines,
    };
    let kind = |at: usize| {
        let before = kinds.iter().rev().find(|(from, _)| *from <= at);
        before.map_or(0, |(_, kind)| *kind)
    };
    let is_wanted: Vec<bool> = (0..outlines.len()).map(|at| kind(at) & wanted != 0).collect();
    if !is_wanted.contains(&true) {
        return outlines;
    }
    outlines
        .into_iter()
        .zip(is_wanted)
        .filter_map(|(o, is_wanted)| is_wanted.then_some(o))
        .collect()
}

/// A boundary as far as it was read.
#[derive(Debug, Default)]
enum Path {
    #[default]
    None,
    Polyline(Vec<(P, f64)>),
    Edges(Vec<Edge>),
}

impl Path {
    fn end(self, outlines: &mut Vec<Outline>) -> Result<(), Reason> {
        match self {
            Path::None => {}
            Path::Polyline(points) => {
                let Some((first, _)) = points.first() else { return Ok(()) };
                let mut outline = Outline::at(*first);
                outline.segments.reserve_exact(points.len());
                for (i, (p, bulge)) in points.iter().enumerate() {
                    let next = points.get(i + 1).map_or(*first, |(p, _)| *p);
                    outline.segments.push(bend(*p, next, *bulge));
                }
                outline.closed = true;
                outlines.push(outline);
            }
            Path::Edges(edges) => {
                let mut outline: Option<Outline> = None;
                let mut last = [f64::NAN; 2];
                for edge in &edges {
                    let piece = piece(edge)?;
                    let far = length(sub(piece.start, last));
                    let size = piece.start[0].abs() + piece.start[1].abs() + 1.0;
                    // Edges that follow each other are one outline, small gaps between them closed.
                    match &mut outline {
                        Some(outline) if far <= 1e-6 * size => {
                            outline.segments.extend(piece.segments.iter().copied());
                        }
                        Some(outline) if far.is_finite() && edges.len() > 1 => {
                            outline.segments.push(Segment::Line(piece.start));
                            outline.segments.extend(piece.segments.iter().copied());
                        }
                        _ => outline = Some(piece.clone()),
                    }
                    last = end_of(&piece);
                }
                if let Some(mut outline) = outline {
                    outline.closed = true;
                    outlines.push(outline);
                }
            }
        }
        Ok(())
    }
}

fn end_of(outline: &Outline) -> P {
    outline.segments.last().map_or(outline.start, Segment::end)
}

/// An edge as an outline of its own, in its own direction.
fn piece(edge: &Edge) -> Result<Outline, Reason> {
    match edge.kind {
        1 => Outline::through(&[edge.point(10), edge.point(11)], false),
        2 | 3 => {
            let centre = edge.point(10);
            let (u, v) = match edge.kind {
                2 => ([edge.get(40), 0.0], [0.0, edge.get(40)]),
                _ => {
                    let [x, y] = edge.point(11);
                    ([x, y], scaled([-y, x], edge.get(40)))
                }
            };
            let (from, to) = (edge.get(50).to_radians(), edge.get(51).to_radians());
            let sweep = (to - from).rem_euclid(TAU);
            let sweep = if sweep < 1e-9 { TAU } else { sweep };
            // Clockwise angles are counted the other way round.
            let left = edge.values.iter().find(|(c, _)| *c == 73).is_none_or(|(_, n)| *n != 0.0);
            let (from, to) = if left { (from, from + sweep) } else { (-from, -from - sweep) };
            Ok(Outline { closed: false, ..Outline::arc(Arc::new(centre, u, v, from, to)) })
        }
        4 => {
            let xs = edge.all(10);
            let points: Vec<P> = xs.into_iter().zip(edge.all(20)).map(|(x, y)| [x, y]).collect();
            let degree = edge.get(94) as i64;
            Spline::new(degree, edge.all(40), &points, &edge.all(42))?.outline()
        }
        _ => Err(Reason::Kind),
    }
}

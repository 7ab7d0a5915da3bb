//! Which components of an assembly overlap, or come too near to each other.
//!
//! A component is an element with `arx:component`, usually a `use`. Boxes are swept first; what may
//! meet is compared by its areas, on whole micrometres.

use kurbo::{Affine, BezPath, PathEl, Rect};
use serde::Serialize;
use svgx_base::budget::{Budget, Stop};
use svgx_engine::document::{Document, NodeId, Ns};
use svgx_engine::geometry::Scene;
use svgx_shapes::{self as shapes, Operation, Outline, Point, Region, Rule, Vector};

/// Components of one assembly.
const COMPONENTS: usize = 20_000;
/// Pairs that are answered; more are counted.
const PAIRS: usize = 10_000;
/// Pairs of edges that are compared for all distances together.
const EDGES: usize = 200_000_000;
/// Vertices of one component.
const VERTICES: usize = 200_000;
/// How far from a curve its chords may be: micrometres.
const CHORD: f64 = 0.5;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Ids of components, or of groups that hold some; `*` or nothing: all.
    pub of: Vec<String>,
    /// Millimetres that components are to be apart.
    pub clearance: f64,
}

/// Two components that overlap or are too near.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "InterferingPair"))]
pub struct Pair {
    /// The element that comes first in the drawing: its id, or `#` and its number.
    pub first: String,
    /// The other one.
    pub second: String,
    /// What `arx:component` calls both.
    pub components: [String; 2],
    /// The area of both, in square millimetres; 0 where they are only near.
    pub area_mm2: f64,
    /// The least width of what overlaps, in millimetres; 0 where nothing does.
    pub depth_mm: f64,
    /// How far apart they are, in millimetres; 0 where they overlap or touch.
    pub distance_mm: f64,
    /// Where: the middle of the overlap, or between the nearest points. Millimetres of the drawing.
    pub at: [f64; 2],
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Interference"))]
pub struct Interference {
    /// How many components were compared.
    pub components: usize,
    /// Components that enclose nothing, and so can overlap nothing.
    pub without_area: Vec<String>,
    /// The pairs, in the order of the drawing.
    pub pairs: Vec<Pair>,
    /// Pairs that are not answered.
    pub more_pairs: usize,
    /// How far any outline may be from where it is, in millimetres.
    pub error_mm: f64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The budget ended.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// More than is compared.
    #[error("{what}: {seen} seen, at most {limit} are compared")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many may be.
        limit: usize,
        /// How many there are.
        seen: usize,
    },
    /// An id of nothing, or a clearance that is no length.
    #[error("{0}")]
    Wrong(String),
    /// An outline that cannot be compared.
    #[error(transparent)]
    Shape(#[from] shapes::Error),
}

struct Component {
    node: NodeId,
    name: String,
    kind: String,
    region: Region,
    /// Its corners in micrometres, ring by ring.
    rings: Vec<Vec<Vector>>,
    bounds: Rect,
}

/// Which components of a drawing interfere. O(n log n + pairs of boxes that meet).
///
/// # Errors
/// [`Refused`].
pub fn interference(
    document: &Document,
    scene: &Scene,
    options: &Options,
    budget: &Budget,
) -> Result<Interference, Refused> {
    let clearance = options.clearance;
    if !(0.0..=1e6).contains(&clearance) {
        return Err(Refused::Wrong(format!("the clearance {clearance} mm is none from 0 to 1e6")));
    }
    let nodes = wanted(document, &options.of)?;
    let mut answer = Interference { error_mm: 0.001_5, ..Interference::default() };
    let mut all: Vec<Component> = Vec::new();
    for node in nodes {
        budget.checkpoint()?;
        let component = component(document, scene, node)?;
        if component.region.is_empty() {
            answer.without_area.push(component.name);
        } else {
            all.push(component);
        }
    }
    answer.components = all.len();
    // A sweep over the left edges.
    let mut order: Vec<usize> = (0..all.len()).collect();
    let left = |at: &usize| all.get(*at).map_or(0.0, |c| c.bounds.x0);
    order.sort_by(|a, b| left(a).total_cmp(&left(b)));
    let reach = clearance * 1e3;
    let mut active: Vec<usize> = Vec::new();
    let mut meeting: Vec<(usize, usize)> = Vec::new();
    for at in order {
        let Some(own) = all.get(at) else { continue };
        active
            .retain(|&other| all.get(other).is_some_and(|o| o.bounds.x1 + reach >= own.bounds.x0));
        for &other in &active {
            let Some(b) = all.get(other).map(|o| o.bounds) else { continue };
            if b.y0 - reach <= own.bounds.y1 && own.bounds.y0 - reach <= b.y1 {
                meeting.push((at.min(other), at.max(other)));
            }
        }
        active.push(at);
        budget.checkpoint()?;
    }
    meeting.sort_unstable();
    let mut edges = 0;
    for (first, second) in meeting {
        budget.checkpoint()?;
        let (Some(a), Some(b)) = (all.get(first), all.get(second)) else { continue };
        let Some(pair) = compare(a, b, reach, &mut edges, budget)? else { continue };
        if answer.pairs.len() < PAIRS {
            answer.pairs.push(pair);
        } else {
            answer.more_pairs += 1;
        }
    }
    Ok(answer)
}

/// The components that are asked for, in document order.
fn wanted(document: &Document, of: &[String]) -> Result<Vec<NodeId>, Refused> {
    let mut within = Vec::new();
    for id in of.iter().map(|id| id.trim()).filter(|id| !id.is_empty()) {
        if id == "*" {
            within.clear();
            break;
        }
        let Some(node) = document.by_id(id) else {
            let shown: String = id.chars().take(64).collect();
            return Err(Refused::Wrong(format!("there is no element `{shown}`")));
        };
        within.push(node);
    }
    let is_wanted = |node: NodeId| {
        within.is_empty()
            || std::iter::successors(Some(node), |&n| document.parent(n))
                .any(|n| within.contains(&n))
    };
    let marked = document.elements().filter(|&n| {
        !matches!(document.name(n), Some((Ns::Arx, _))) && document.arx(n, "component").is_some()
    });
    let nodes: Vec<NodeId> = marked.filter(|&n| is_wanted(n)).collect();
    if nodes.len() > COMPONENTS {
        return Err(Refused::Limit { what: "components", limit: COMPONENTS, seen: nodes.len() });
    }
    Ok(nodes)
}

fn component(document: &Document, scene: &Scene, node: NodeId) -> Result<Component, Refused> {
    let to_um = Affine::scale(scene.scale().mm_per_unit * 1e3);
    let mut regions = Vec::new();
    let mut seen = 0;
    for (path, transform, even_odd) in scene.outlines_shown(document, node) {
        let outlines = closed(&path.path(), to_um * transform, &mut seen)?;
        let rule = if even_odd { Rule::EvenOdd } else { Rule::NonZero };
        if !outlines.is_empty() {
            regions.push(shapes::region(&outlines, rule)?.value);
        }
    }
    let region = match regions.as_slice() {
        [] => Region::default(),
        [one] => one.clone(),
        many => shapes::unite(many)?.value,
    };
    let ring = |o: &Outline| o.vertices().iter().map(|v| v.at.vector()).collect::<Vec<_>>();
    let rings: Vec<Vec<Vector>> = region.outlines().map(ring).collect();
    let bounds = rings.iter().flatten().map(|v| Rect::new(v.x, v.y, v.x, v.y));
    let bounds = bounds.reduce(|a, b| a.union(b)).unwrap_or_default();
    Ok(Component {
        node,
        name: document.reference(node),
        kind: document.arx(node, "component").unwrap_or_default().to_owned(),
        region,
        rings,
        bounds,
    })
}

/// The closed outlines of a path, in micrometres; what is open is closed, as a fill closes it.
fn closed(path: &BezPath, to_um: Affine, seen: &mut usize) -> Result<Vec<Outline>, Refused> {
    let mut rings: Vec<Vec<Vector>> = Vec::new();
    let vector = |p: kurbo::Point| Vector::new(p.x, p.y);
    for el in (to_um * path.clone()).elements() {
        let ring = rings.last_mut();
        match (*el, ring) {
            (PathEl::MoveTo(p), _) => rings.push(vec![vector(p)]),
            (PathEl::LineTo(p), Some(ring)) => ring.push(vector(p)),
            (PathEl::QuadTo(c, p), Some(ring)) => {
                let Some(&a) = ring.last() else { continue };
                let c = vector(c);
                let b = vector(p);
                let third = |from: Vector| {
                    Vector::new(
                        from.x + (c.x - from.x) * 2.0 / 3.0,
                        from.y + (c.y - from.y) * 2.0 / 3.0,
                    )
                };
                ring.extend(shapes::cubic([a, third(a), third(b), b], CHORD).0.into_iter().skip(1));
            }
            (PathEl::CurveTo(c, d, p), Some(ring)) => {
                let Some(&a) = ring.last() else { continue };
                let points = [a, vector(c), vector(d), vector(p)];
                ring.extend(shapes::cubic(points, CHORD).0.into_iter().skip(1));
            }
            (PathEl::ClosePath, Some(ring)) => {
                let first = ring.first().copied();
                rings.push(first.into_iter().collect());
            }
            (_, None) => {}
        }
        let total: usize = rings.last().map_or(0, Vec::len);
        if *seen + total > VERTICES {
            return Err(Refused::Limit {
                what: "vertices of a component",
                limit: VERTICES,
                seen: *seen + total,
            });
        }
    }
    let mut outlines = Vec::new();
    for ring in rings.into_iter().filter(|ring| ring.len() > 2) {
        *seen += ring.len();
        let points: Result<Vec<Point>, _> = ring.into_iter().map(Point::nearest).collect();
        match Outline::polygon(points?) {
            Ok(outline) => outlines.push(outline),
            // What lies in one line encloses nothing.
            Err(shapes::Error::Degenerate) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(outlines)
}

fn compare(
    a: &Component,
    b: &Component,
    reach: f64,
    edges: &mut usize,
    budget: &Budget,
) -> Result<Option<Pair>, Refused> {
    let pair = |area_mm2: f64, depth_mm: f64, distance_mm: f64, at: Vector| Pair {
        first: a.name.clone(),
        second: b.name.clone(),
        components: [a.kind.clone(), b.kind.clone()],
        area_mm2,
        depth_mm,
        distance_mm,
        at: [at.x / 1e3, at.y / 1e3],
    };
    debug_assert!(a.node != b.node, "a component is compared with others");
    let both = a.bounds.intersect(b.bounds);
    if both.width() > 0.0 && both.height() > 0.0 {
        let overlap = shapes::combine(&a.region, &b.region, Operation::Intersection)?.value;
        let area = overlap.area();
        if area > 0.0 {
            let points: Vec<Vector> = overlap
                .outlines()
                .flat_map(|o| o.vertices().iter().map(|v| v.at.vector()))
                .collect();
            let count = points.len().max(1) as f64;
            let sum = points.iter().fold(Vector::default(), |sum, p| sum + *p);
            let at = Vector::new(sum.x / count, sum.y / count);
            return Ok(Some(pair(area / 1e6, least_width(points) / 1e3, 0.0, at)));
        }
    }
    if reach <= 0.0 {
        return Ok(None);
    }
    let (distance, at) = distance(a, b, edges, budget)?;
    Ok((distance < reach).then(|| pair(0.0, 0.0, distance / 1e3, at)))
}

/// How far apart two regions are whose areas do not overlap, and the middle of the shortest way.
fn distance(
    a: &Component,
    b: &Component,
    edges: &mut usize,
    budget: &Budget,
) -> Result<(f64, Vector), Refused> {
    let mut best = (f64::MAX, Vector::default());
    for (corners, others) in [(a, b), (b, a)] {
        for corner in corners.rings.iter().flatten() {
            for ring in &others.rings {
                *edges += ring.len();
                if *edges > EDGES {
                    return Err(Refused::Limit {
                        what: "pairs of edges",
                        limit: EDGES,
                        seen: *edges,
                    });
                }
                let next = ring.iter().cycle().skip(1);
                for (from, to) in ring.iter().zip(next) {
                    let near = nearest(*corner, *from, *to);
                    let far = (near - *corner).length();
                    if far < best.0 {
                        let middle = *corner + near;
                        best = (far, Vector::new(middle.x / 2.0, middle.y / 2.0));
                    }
                }
            }
            if *edges % 4_096 < 64 {
                budget.checkpoint()?;
            }
        }
    }
    Ok(best)
}

fn nearest(p: Vector, a: Vector, b: Vector) -> Vector {
    let way = b - a;
    let long = way.dot(way);
    let t = if long > 0.0 { ((p - a).dot(way) / long).clamp(0.0, 1.0) } else { 0.0 };
    Vector::new(a.x + way.x * t, a.y + way.y * t)
}

/// The least distance of two parallel lines that have all points between them: over the edges of
/// the convex hull (Andrew's monotone chain), since one of the lines lies along an edge.
fn least_width(mut points: Vec<Vector>) -> f64 {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup();
    let half = |points: &mut dyn Iterator<Item = Vector>| {
        let mut hull: Vec<Vector> = Vec::new();
        for p in points {
            while let [.., a, b] = hull.as_slice()
                && (*b - *a).cross(p - *a) <= 0.0
            {
                hull.pop();
            }
            hull.push(p);
        }
        hull.pop();
        hull
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    let sides = hull.iter().zip(hull.iter().cycle().skip(1));
    let width = |(a, b): (&Vector, &Vector)| {
        let way = *b - *a;
        let long = way.length();
        let far = hull.iter().map(|p| way.cross(*p - *a).abs()).fold(0.0, f64::max);
        if long > 0.0 { far / long } else { f64::MAX }
    };
    let least = sides.map(width).fold(f64::MAX, f64::min);
    if least == f64::MAX { 0.0 } else { least }
}

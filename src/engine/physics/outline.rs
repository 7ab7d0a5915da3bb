//! Outlines to collision shapes, and how their mass is spread.
//!
//! Circles and rectangles stay exact. Other closed outlines are flattened and
//! simplified to the tier's tolerance, cut into triangles (ear clipping) and
//! merged into convex parts (Hertel and Mehlhorn, "Fast triangulation of simple
//! polygons", FCT 1983). Open outlines become polylines without thickness.

use rapier2d_f64::geometry::SharedShape;
use rapier2d_f64::math::{Pose, Vector};
use rapier2d_f64::parry::shape::TriMesh;
use rapier2d_f64::parry::transformation::{convex_hull, hertel_mehlhorn_idx};

/// More corners than this, after simplification, and an outline is replaced by its convex hull.
const CORNERS: usize = 256;

/// Distances computed while simplifying one outline; then it is taken as it is by then.
const WORK: usize = 500_000;

/// A closed or open line in the drawing, or a circle; metres.
#[derive(Clone, Debug)]
pub(crate) enum Outline {
    Circle { centre: Vector, radius: f64 },
    Line { points: Vec<Vector>, closed: bool },
}

impl Outline {
    fn is_finite(&self) -> bool {
        match self {
            Outline::Circle { centre, radius } => centre.is_finite() && radius.is_finite(),
            Outline::Line { points, .. } => points.iter().all(|p| p.is_finite()),
        }
    }
}

/// The shape of a body about its centre of mass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) parts: Vec<Part>,
    /// A closed outline could not be cut into parts: its convex hull stands in.
    pub(crate) hulled: bool,
}

/// A convex piece, or a line.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Circle { centre: Vector, radius: f64 },
    Box { centre: Vector, half: Vector, angle: f64 },
    Convex(Vec<Vector>),
    Line(Vec<Vector>),
}

impl Part {
    /// The part as the engine knows it, with its place in the body.
    pub(crate) fn shared(&self) -> Option<(Pose, SharedShape)> {
        Some(match self {
            Part::Circle { centre, radius } => {
                (Pose::from_translation(*centre), SharedShape::ball(*radius))
            }
            Part::Box { centre, half, angle } => {
                (Pose::new(*centre, *angle), SharedShape::cuboid(half.x, half.y))
            }
            Part::Convex(points) => (Pose::IDENTITY, SharedShape::convex_polyline(points.clone())?),
            Part::Line(points) => {
                let shape = match points.as_slice() {
                    // Two polylines find no impact of each other, and pass; segments do.
                    &[a, b] => SharedShape::segment(a, b),
                    _ => SharedShape::polyline(points.clone(), None),
                };
                (Pose::IDENTITY, shape)
            }
        })
    }

    fn shift(&mut self, by: Vector) {
        match self {
            Part::Circle { centre, .. } | Part::Box { centre, .. } => *centre += by,
            Part::Convex(points) | Part::Line(points) => points.iter_mut().for_each(|p| *p += by),
        }
    }
}

/// A shape with where it was and how its mass is spread.
#[derive(Clone, Debug)]
pub(crate) struct Solid {
    pub(crate) shape: Shape,
    /// Centre of mass in the drawing.
    pub(crate) centre: Vector,
    /// Moment of inertia about the centre of mass, per unit of mass, m².
    pub(crate) gyration: f64,
    /// The box around it, in the drawing.
    pub(crate) low: Vector,
    pub(crate) high: Vector,
}

/// Area or length, first moment and polar second moment about the origin.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    size: f64,
    first: Vector,
    polar: f64,
}

impl Moments {
    fn add(&mut self, other: Moments) {
        self.size += other.size;
        self.first += other.first;
        self.polar += other.polar;
    }
}

/// Makes a body's shape of its outlines. `tolerance` in metres. `None` when
/// nothing of it has an extent.
pub(crate) fn solid(outlines: &[Outline], tolerance: f64) -> Option<Solid> {
    let mut low = Vector::splat(f64::INFINITY);
    let mut high = Vector::splat(f64::NEG_INFINITY);
    for outline in outlines {
        if !outline.is_finite() {
            return None;
        }
        match outline {
            Outline::Circle { centre, radius } => {
                low = low.min(*centre - Vector::splat(*radius));
                high = high.max(*centre + Vector::splat(*radius));
            }
            Outline::Line { points, .. } => {
                for &p in points {
                    low = low.min(p);
                    high = high.max(p);
                }
            }
        }
    }
    if !(low.is_finite() && high.is_finite()) || (high - low).max_element() <= 0.0 {
        return None;
    }
    // Work about the middle: a body 100 m from the origin keeps its digits.
    let middle = (low + high) / 2.0;
    let mut shape = Shape::default();
    let (mut area, mut length) = (Moments::default(), Moments::default());
    for outline in outlines {
        match outline {
            Outline::Circle { centre, radius } => {
                if *radius > 0.0 {
                    let c = *centre - middle;
                    let size = std::f64::consts::PI * radius * radius;
                    area.add(Moments {
                        size,
                        first: c * size,
                        polar: size * (radius * radius / 2.0 + c.length_squared()),
                    });
                    shape.parts.push(Part::Circle { centre: c, radius: *radius });
                }
            }
            Outline::Line { points, closed } => {
                let local: Vec<Vector> = points.iter().map(|&p| p - middle).collect();
                line(&local, *closed, tolerance, &mut shape, &mut area, &mut length);
            }
        }
    }
    let moments = if area.size > 0.0 { area } else { length };
    if shape.parts.is_empty() || !(moments.size > 0.0 && moments.size.is_finite()) {
        return None;
    }
    let offset = moments.first / moments.size;
    for part in &mut shape.parts {
        part.shift(-offset);
    }
    let gyration = (moments.polar / moments.size - offset.length_squared()).max(0.0);
    Some(Solid { shape, centre: middle + offset, gyration, low, high })
}

fn line(
    points: &[Vector],
    closed: bool,
    tolerance: f64,
    shape: &mut Shape,
    area: &mut Moments,
    length: &mut Moments,
) {
    let mut points = simplify(points, closed, tolerance);
    if points.len() < 2 {
        return;
    }
    length.add(line_moments(&points, closed));
    if !closed || points.len() < 3 {
        shape.parts.push(Part::Line(points));
        return;
    }
    let mut moments = polygon_moments(&points);
    if moments.size < 0.0 {
        points.reverse();
        moments = polygon_moments(&points);
    }
    if moments.size <= tolerance * tolerance * 1e-6 {
        points.push(points[0]);
        shape.parts.push(Part::Line(points));
        return;
    }
    if let Some(part) = rectangle(&points) {
        area.add(moments);
        shape.parts.push(part);
        return;
    }
    if is_convex(&points) {
        area.add(moments);
        shape.parts.push(Part::Convex(points));
        return;
    }
    match convex_parts(&points) {
        Some(parts) => {
            area.add(moments);
            shape.parts.extend(parts.into_iter().map(Part::Convex));
        }
        None => {
            let hull = convex_hull(&points);
            area.add(polygon_moments(&hull));
            shape.parts.push(Part::Convex(hull));
            shape.hulled = true;
        }
    }
}

fn convex_parts(points: &[Vector]) -> Option<Vec<Vec<Vector>>> {
    if points.len() > CORNERS {
        return None;
    }
    let mesh = TriMesh::from_polygon(points.to_vec())?;
    let parts: Vec<Vec<Vector>> = hertel_mehlhorn_idx(mesh.vertices(), mesh.indices())
        .into_iter()
        .map(|part| part.into_iter().filter_map(|i| points.get(i as usize).copied()).collect())
        .collect();
    // Ear clipping of an outline that crosses itself loses or doubles area.
    let whole = polygon_moments(points).size;
    let pieces: f64 = parts.iter().map(|p| polygon_moments(p).size.abs()).sum();
    ((pieces - whole).abs() <= whole * 1e-6).then_some(parts)
}

/// Removes corners that lie within `tolerance` of the line through their
/// neighbours (Douglas and Peucker, Cartographica 10 (1973)), without recursion.
fn simplify(points: &[Vector], closed: bool, tolerance: f64) -> Vec<Vector> {
    let mut kept: Vec<Vector> = Vec::with_capacity(points.len());
    for &p in points {
        if kept.last().is_none_or(|&q| (q - p).length() > tolerance * 1e-3) {
            kept.push(p);
        }
    }
    if closed && kept.len() > 1 && (kept[0] - kept[kept.len() - 1]).length() <= tolerance * 1e-3 {
        kept.pop();
    }
    if kept.len() < 3 {
        return kept;
    }
    let mut ring = kept;
    if closed {
        // Start at the corner farthest from the first, so that both ends of the split are real corners.
        let first = ring[0];
        let far = (0..ring.len())
            .max_by(|&a, &b| {
                (ring[a] - first).length_squared().total_cmp(&(ring[b] - first).length_squared())
            })
            .unwrap_or(0);
        ring.rotate_left(far);
        ring.push(ring[0]);
    }
    let mut keep = vec![false; ring.len()];
    let last = ring.len() - 1;
    (keep[0], keep[last]) = (true, true);
    let mut open = vec![(0, last)];
    let mut work = 0;
    while let Some((a, b)) = open.pop() {
        work += b - a;
        if work > WORK {
            break;
        }
        let (mut worst, mut at) = (tolerance, None);
        for (i, &p) in ring.iter().enumerate().take(b).skip(a + 1) {
            let distance = distance_to_segment(p, ring[a], ring[b]);
            if distance > worst {
                (worst, at) = (distance, Some(i));
            }
        }
        if let Some(at) = at {
            keep[at] = true;
            open.push((a, at));
            open.push((at, b));
        }
    }
    let mut kept: Vec<Vector> =
        ring.iter().zip(&keep).filter(|(_, k)| **k).map(|(p, _)| *p).collect();
    if closed {
        kept.pop();
    }
    kept
}

fn distance_to_segment(p: Vector, a: Vector, b: Vector) -> f64 {
    let along = b - a;
    let t = if along.length_squared() > 0.0 {
        ((p - a).dot(along) / along.length_squared()).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p - a - along * t).length()
}

fn edges(points: &[Vector], closed: bool) -> impl Iterator<Item = (Vector, Vector)> + '_ {
    let wrap = if closed { points.first().copied().zip(points.last().copied()) } else { None };
    points.windows(2).map(|w| (w[0], w[1])).chain(wrap.map(|(first, last)| (last, first)))
}

/// Green's theorem over the edges; the size is signed.
fn polygon_moments(points: &[Vector]) -> Moments {
    let mut m = Moments::default();
    for (a, b) in edges(points, true) {
        let cross = a.perp_dot(b);
        m.size += cross / 2.0;
        m.first += (a + b) * (cross / 6.0);
        m.polar += cross * (a.length_squared() + a.dot(b) + b.length_squared()) / 12.0;
    }
    m
}

/// A thin rod for every edge.
fn line_moments(points: &[Vector], closed: bool) -> Moments {
    let mut m = Moments::default();
    for (a, b) in edges(points, closed) {
        let length = (b - a).length();
        m.size += length;
        m.first += (a + b) * (length / 2.0);
        m.polar += length * (a.length_squared() + a.dot(b) + b.length_squared()) / 3.0;
    }
    m
}

fn rectangle(points: &[Vector]) -> Option<Part> {
    let &[a, b, c, d] = points else { return None };
    let (u, v) = (b - a, d - a);
    let scale = u.length() * v.length();
    let square = u.dot(v).abs() <= scale * 1e-9;
    let parallel = (a + c - b - d).length() <= (u.length() + v.length()) * 1e-9;
    // The axis nearest to x, so that an upright rectangle has angle zero.
    let (along, across) = if u.x.abs() >= v.x.abs() { (u, v) } else { (v, u) };
    let along_right = if along.x < 0.0 { -along } else { along };
    (square && parallel && scale > 0.0).then(|| Part::Box {
        centre: (a + b + c + d) / 4.0,
        half: Vector::new(along.length(), across.length()) / 2.0,
        angle: libm::atan2(along_right.y, along_right.x),
    })
}

fn is_convex(points: &[Vector]) -> bool {
    let n = points.len();
    let mut turn = 0.0;
    for i in 0..n {
        let (a, b, c) = (points[i], points[(i + 1) % n], points[(i + 2) % n]);
        if (b - a).perp_dot(c - b) < 0.0 {
            return false;
        }
        turn += libm::atan2((b - a).perp_dot(c - b), (b - a).dot(c - b));
    }
    // A star turns the same way at every corner, but more than once around.
    turn < std::f64::consts::TAU * 1.5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Outline {
        let points = points.iter().map(|&(x, y)| Vector::new(x, y)).collect();
        Outline::Line { points, closed: true }
    }

    #[test]
    fn a_rectangle_stays_a_box_whichever_way_it_is_drawn() {
        for corners in [
            [(100.0, 50.0), (102.0, 50.0), (102.0, 51.0), (100.0, 51.0)],
            [(100.0, 51.0), (102.0, 51.0), (102.0, 50.0), (100.0, 50.0)],
        ] {
            let solid = solid(&[ring(&corners)], 1e-5).expect("a solid");
            let [Part::Box { centre, half, angle }] = solid.shape.parts[..] else {
                panic!("{:?}", solid.shape)
            };
            assert!(centre.length() < 1e-12 && angle == 0.0);
            assert!((half - Vector::new(1.0, 0.5)).length() < 1e-12);
            assert!((solid.centre - Vector::new(101.0, 50.5)).length() < 1e-12);
            // (w² + h²) / 12
            assert!((solid.gyration - 5.0 / 12.0).abs() < 1e-12);
        }
    }

    #[test]
    fn mass_is_spread_as_textbooks_say() {
        let circle = Outline::Circle { centre: Vector::new(3.0, 4.0), radius: 2.0 };
        let rod = Outline::Line {
            points: vec![Vector::new(0.0, 0.0), Vector::new(6.0, 0.0)],
            closed: false,
        };
        let ell = ring(&[(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0)]);
        for (outline, centre, gyration) in [
            (circle, Vector::new(3.0, 4.0), 2.0),
            (rod, Vector::new(3.0, 0.0), 3.0),
            // Three unit squares: each 1/6 about itself, plus the distances to the common centre.
            (ell, Vector::splat(5.0 / 6.0), 1.0 / 6.0 + 4.0 / 9.0),
        ] {
            let solid = solid(std::slice::from_ref(&outline), 1e-6).expect("a solid");
            assert!((solid.centre - centre).length() < 1e-9, "{outline:?}: {}", solid.centre);
            assert!((solid.gyration - gyration).abs() < 1e-9, "{outline:?}: {}", solid.gyration);
        }
    }

    #[test]
    fn a_concave_outline_is_cut_into_convex_parts_of_the_same_area() {
        let ell = ring(&[(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0)]);
        let solid = solid(&[ell], 1e-6).expect("a solid");
        let area: f64 = solid
            .shape
            .parts
            .iter()
            .map(|p| match p {
                Part::Convex(points) => polygon_moments(points).size.abs(),
                other => panic!("{other:?}"),
            })
            .sum();
        assert!(solid.shape.parts.len() >= 2 && (area - 3.0).abs() < 1e-9 && !solid.shape.hulled);
    }

    #[test]
    fn outlines_that_cross_themselves_or_have_no_extent_are_contained() {
        let star = ring(&[(0.0, 0.0), (4.0, 3.0), (-1.0, 3.0), (3.0, 0.0), (1.5, 5.0)]);
        let nothing = ring(&[(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)]);
        let nan = ring(&[(0.0, f64::NAN), (f64::INFINITY, 0.0), (1.0, 1.0)]);
        assert!(solid(&[star], 1e-6).is_some_and(|s| s.shape.parts.len() == 1));
        assert!(solid(&[nothing], 1e-6).is_none());
        assert!(solid(&[nan], 1e-6).is_none());
    }
}

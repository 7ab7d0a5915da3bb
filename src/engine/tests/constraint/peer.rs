//! The same sketches for us and for `ezpz`: generators, and a translation of our
//! problems into its requests. Shared by the differential tests and the benchmark.

use std::collections::{HashMap, HashSet};

use ezpz::datatypes::AngleKind;
use ezpz::datatypes::inputs::{DatumCircle, DatumDistance, DatumLineSegment, DatumPoint};
use ezpz::{Config, Constraint as Theirs, ConstraintRequest, Id};
use svgx_engine::constraint::{Constraint, Entity, Kind, Problem, Shape};

/// A problem as `ezpz` takes it.
pub(crate) struct Peer {
    pub(crate) requests: Vec<ConstraintRequest>,
    pub(crate) guesses: Vec<(Id, f64)>,
    /// Where the requests of every constraint begin.
    pub(crate) request_of: Vec<usize>,
    first: HashMap<String, Id>,
    lines: HashSet<String>,
}

fn values(shape: &Shape) -> Vec<f64> {
    match *shape {
        Shape::Point { x, y } => vec![x, y],
        Shape::Line { x1, y1, x2, y2 } => vec![x1, y1, x2, y2],
        Shape::Circle { cx, cy, r } => vec![cx, cy, r],
        ref other => panic!("{other:?} is not translated"),
    }
}

impl Peer {
    pub(crate) fn new(problem: &Problem) -> Peer {
        let mut peer = Peer {
            requests: Vec::new(),
            guesses: Vec::new(),
            request_of: Vec::new(),
            first: HashMap::new(),
            lines: HashSet::new(),
        };
        for entity in &problem.entities {
            let at = peer.guesses.len() as Id;
            peer.first.insert(entity.id.clone(), at);
            if matches!(entity.shape, Shape::Line { .. }) {
                peer.lines.insert(entity.id.clone());
            }
            let values = values(&entity.shape);
            peer.guesses.extend(values.into_iter().enumerate().map(|(i, v)| (at + i as Id, v)));
        }
        for constraint in &problem.constraints {
            peer.request_of.push(peer.requests.len());
            let theirs = peer.translate(constraint);
            peer.requests.extend(theirs.into_iter().map(ConstraintRequest::highest_priority));
        }
        peer
    }

    fn point(&self, name: &str) -> DatumPoint {
        let (id, part) = name.split_once('.').unwrap_or((name, ""));
        let at = self.first[id] + if part == "end" { 2 } else { 0 };
        DatumPoint::new_xy(at, at + 1)
    }

    /// A line, or the one through two points.
    fn line(&self, of: &[&str]) -> DatumLineSegment {
        match of {
            [p, q] => DatumLineSegment::new(self.point(p), self.point(q)),
            [l, ..] => DatumLineSegment::new(
                self.point(&format!("{l}.start")),
                self.point(&format!("{l}.end")),
            ),
            [] => panic!("no line"),
        }
    }

    fn circle(&self, name: &str) -> DatumCircle {
        let radius = DatumDistance::new(self.first[name] + 2);
        DatumCircle { center: self.point(name), radius }
    }

    fn translate(&self, c: &Constraint) -> Vec<Theirs> {
        let of: Vec<&str> = c.of.iter().map(String::as_str).collect();
        let value = c.value.unwrap_or(0.0);
        let line = |name: &str| self.line(&[name]);
        match (c.kind, of.as_slice()) {
            (Kind::Fixed, [p]) => {
                let p = self.point(p);
                let at = |id: Id| Theirs::Fixed(id, self.guesses[id as usize].1);
                vec![at(p.id_x()), at(p.id_y())]
            }
            (Kind::Horizontal, of) => vec![Theirs::Horizontal(self.line(of))],
            (Kind::Vertical, of) => vec![Theirs::Vertical(self.line(of))],
            (Kind::Coincident, [p, q]) => {
                vec![Theirs::PointsCoincident(self.point(p), self.point(q))]
            }
            (Kind::Distance, [p, q]) => {
                vec![Theirs::Distance(self.point(p), self.point(q), value)]
            }
            (Kind::Radius, [k]) => vec![Theirs::CircleRadius(self.circle(k), value)],
            (Kind::Tangent, [l, k]) if self.lines.contains(*l) => {
                vec![Theirs::LineTangentToCircle(
                    line(l),
                    self.circle(k),
                    ezpz::LineSide::Undefined,
                )]
            }
            (Kind::Tangent, [k, m]) => vec![Theirs::CircleTangentToCircle(
                self.circle(k),
                self.circle(m),
                ezpz::CircleSide::Undefined,
            )],
            (Kind::Parallel, [l, m]) => {
                vec![Theirs::LinesAtAngle(line(l), line(m), AngleKind::Parallel)]
            }
            (Kind::Perpendicular, [l, m]) => {
                vec![Theirs::LinesAtAngle(line(l), line(m), AngleKind::Perpendicular)]
            }
            (Kind::EqualLength, [l, m]) => vec![Theirs::LinesEqualLength(line(l), line(m))],
            (Kind::Midpoint, [p, l]) => vec![Theirs::Midpoint(line(l), self.point(p))],
            (Kind::Symmetric, [p, q, l]) => {
                vec![Theirs::Symmetric(line(l), self.point(p), self.point(q))]
            }
            (kind, of) => panic!("{kind} of {of:?} is not translated"),
        }
    }

    /// Moves what constraint `i` fixes, or gives it another value.
    pub(crate) fn change(&mut self, i: usize, by: f64) {
        let at = self.request_of[i];
        let changed = match self.requests[at].constraint() {
            Theirs::Fixed(id, v) => Theirs::Fixed(*id, v + by),
            Theirs::Distance(p, q, d) => Theirs::Distance(*p, *q, d + by),
            Theirs::CircleRadius(k, r) => Theirs::CircleRadius(*k, r + by),
            other => panic!("{other:?} has no value"),
        };
        self.requests[at] = ConstraintRequest::highest_priority(changed);
    }

    /// Solves from the guesses, which become the solution. Answers whether it converged.
    pub(crate) fn solve(&mut self) -> bool {
        let config = Config::default();
        let Ok(outcome) = ezpz::solve(&self.requests, self.guesses.clone(), config) else {
            return false;
        };
        for (guess, value) in self.guesses.iter_mut().zip(outcome.final_values()) {
            guess.1 = *value;
        }
        outcome.converged() && outcome.is_satisfied()
    }
}

fn point(id: String, x: f64, y: f64) -> Entity {
    Entity { id, shape: Shape::Point { x, y } }
}

fn c(kind: Kind, of: &[&str], value: Option<f64>) -> Constraint {
    Constraint::new(kind, of, value)
}

/// Less than a millimetre, different for every `i`.
fn jitter(i: usize) -> (f64, f64) {
    (0.9 * (i as f64 * 1.3).sin(), 0.9 * (i as f64 * 1.7).cos())
}

/// Two rows of joints, every joint tied to the two before it; both ends of the first bar
/// stand still. About `n` constraints.
pub(crate) fn truss(n: usize) -> Problem {
    let name = |i: usize| format!("p{i}");
    let place = |i: usize| (i as f64 * 5.0, if i.is_multiple_of(2) { 0.0 } else { 8.0 });
    let mut problem = Problem::default();
    problem.constraints.extend([0, 1].map(|i| c(Kind::Fixed, &[&name(i)], None)));
    for i in 0..n / 2 + 1 {
        let (x, y) = place(i);
        let (dx, dy) = if i < 2 { (0.0, 0.0) } else { jitter(i) };
        problem.entities.push(point(name(i), x + dx, y + dy));
        for back in [1, 2].into_iter().filter(|_| i >= 2) {
            let (u, w) = place(i - back);
            let d = (x - u).hypot(y - w);
            problem.constraints.push(c(Kind::Distance, &[&name(i), &name(i - back)], Some(d)));
        }
    }
    problem
}

/// The axes of a floor plan: a square of points in rows and columns, dimensioned along the
/// first row and the first column. About `n` constraints.
pub(crate) fn grid(n: usize) -> Problem {
    let side = ((n as f64 / 2.0).sqrt() as usize).max(2);
    let name = |row: usize, column: usize| format!("p{row}_{column}");
    let mut problem = Problem::default();
    problem.constraints.push(c(Kind::Fixed, &[&name(0, 0)], None));
    for row in 0..side {
        for column in 0..side {
            let (dx, dy) = if row + column == 0 { (0.0, 0.0) } else { jitter(row * side + column) };
            let (x, y) = (column as f64 * 40.0 + dx, row as f64 * 30.0 + dy);
            problem.entities.push(point(name(row, column), x, y));
            let here = name(row, column);
            if column > 0 {
                let left = name(row, column - 1);
                problem.constraints.push(c(Kind::Horizontal, &[&left, &here], None));
                if row == 0 {
                    problem.constraints.push(c(Kind::Distance, &[&left, &here], Some(40.0)));
                }
            }
            if row > 0 {
                let above = name(row - 1, column);
                problem.constraints.push(c(Kind::Vertical, &[&above, &here], None));
                if column == 0 {
                    problem.constraints.push(c(Kind::Distance, &[&above, &here], Some(30.0)));
                }
            }
        }
    }
    problem
}

/// Rectangles of four corners with width and height, each at a distance from the one before.
/// About `n` constraints.
pub(crate) fn rects(n: usize) -> Problem {
    let mut problem = Problem::default();
    problem.constraints.push(c(Kind::Fixed, &["r0a"], None));
    for i in 0..(n / 8).max(1) {
        let name = |corner: char| format!("r{i}{corner}");
        let corners = [('a', 0.0, 0.0), ('b', 30.0, 0.0), ('c', 30.0, 20.0), ('d', 0.0, 20.0)];
        for (k, (corner, x, y)) in corners.into_iter().enumerate() {
            let (dx, dy) = if i + k == 0 { (0.0, 0.0) } else { jitter(4 * i + k) };
            let x = i as f64 * 40.0 + x + dx;
            problem.entities.push(point(name(corner), x, y + dy));
        }
        let [a, b, cc, d] = ['a', 'b', 'c', 'd'].map(name);
        problem.constraints.extend([
            c(Kind::Horizontal, &[&a, &b], None),
            c(Kind::Horizontal, &[&d, &cc], None),
            c(Kind::Vertical, &[&a, &d], None),
            c(Kind::Vertical, &[&b, &cc], None),
            c(Kind::Distance, &[&a, &b], Some(30.0)),
            c(Kind::Distance, &[&a, &d], Some(20.0)),
        ]);
        if i > 0 {
            let before = format!("r{}b", i - 1);
            problem.constraints.push(c(Kind::Horizontal, &[&before, &a], None));
            problem.constraints.push(c(Kind::Distance, &[&before, &a], Some(10.0)));
        }
    }
    problem
}

/// A chain of bars, free at its joints. `n` bars.
pub(crate) fn linkage(n: usize) -> Problem {
    let mut problem = Problem::default();
    problem.constraints.push(c(Kind::Fixed, &["p0"], None));
    for i in 0..=n {
        let (dx, dy) = if i == 0 { (0.0, 0.0) } else { jitter(i) };
        let y = if i.is_multiple_of(2) { 0.0 } else { 6.0 };
        problem.entities.push(point(format!("p{i}"), i as f64 * 8.0 + dx, y + dy));
        if i > 0 {
            let of = [format!("p{}", i - 1), format!("p{i}")];
            problem.constraints.push(c(Kind::Distance, &[&of[0], &of[1]], Some(10.0)));
        }
    }
    problem
}

/// Circles in a row, each touching the floor and the one before. About `n` constraints.
pub(crate) fn circles(n: usize) -> Problem {
    let mut problem = Problem::default();
    let floor = Shape::Line { x1: -50.0, y1: 0.0, x2: 50.0, y2: 0.0 };
    problem.entities.push(Entity { id: "floor".into(), shape: floor });
    let mut x = 0.0;
    problem
        .constraints
        .extend([c(Kind::Fixed, &["floor.start"], None), c(Kind::Fixed, &["floor.end"], None)]);
    for i in 0..(n / 3).max(2) {
        let r = 4.0 + (i % 3) as f64;
        let before = 4.0 + ((i + 2) % 3) as f64;
        // Circles of radius r and s on one floor touch at 2 sqrt(r s).
        x += if i == 0 { 0.0 } else { 2.0 * (r * before).sqrt() };
        let (dx, dy) = jitter(i);
        let id = format!("k{i}");
        let shape = Shape::Circle { cx: x + 0.3 * dx, cy: -r + 0.3 * dy, r: r + 0.2 * dx };
        problem.entities.push(Entity { id: id.clone(), shape });
        problem.constraints.push(c(Kind::Radius, &[&id], Some(r)));
        problem.constraints.push(c(Kind::Tangent, &["floor", &id], None));
        match i {
            // The first stands over its place.
            0 => {
                problem.entities.push(point("under".into(), 0.0, 0.0));
                problem.constraints.push(c(Kind::Fixed, &["under"], None));
                problem.constraints.push(c(Kind::Vertical, &["under", "k0.center"], None));
            }
            _ => {
                let left = format!("k{}", i - 1);
                problem.constraints.push(c(Kind::Tangent, &[&left, &id], None));
            }
        }
    }
    problem
}

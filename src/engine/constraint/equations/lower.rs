//! Constraints to equations: checks what a constraint is given, and fixes its
//! branch from the geometry as drawn.

use std::f64::consts::{FRAC_PI_2, PI};

use super::equation::{Equation, GROUND};
use super::incidence::Incidence;
use super::row::{INTRINSIC, Row};
use crate::constraint::sketch::{
    Circle, Constraint, Error, Feature, Index, Kind, Line, Location, MAX_COORDINATE, MIN_LENGTH,
    Point, Problem, Reason, Shape, Target, constraint_name,
};
use crate::linear::ROWS_PER_CHECKPOINT;
use svgx_base::budget::{Budget, Stop};

/// Lowers a whole problem.
///
/// # Errors
/// The first of [`find_errors`].
pub(crate) fn lower(
    problem: &Problem,
    index: &Index,
    x: &[f64],
    budget: &Budget,
) -> Result<Vec<Row>, Error> {
    let (rows, mut errors) = lower_all(problem, index, x, 1, budget).map_err(Error::Stopped)?;
    if errors.is_empty() { Ok(rows) } else { Err(errors.swap_remove(0)) }
}

/// What is wrong with the constraints of a problem, `most` of it at most.
pub(crate) fn find_errors(
    problem: &Problem,
    index: &Index,
    x: &[f64],
    most: usize,
    budget: &Budget,
) -> Vec<Error> {
    lower_all(problem, index, x, most, budget)
        .map_or_else(|stop| vec![Error::Stopped(stop)], |(_, errors)| errors)
}

fn lower_all(
    problem: &Problem,
    index: &Index,
    x: &[f64],
    most: usize,
    budget: &Budget,
) -> Result<(Vec<Row>, Vec<Error>), Stop> {
    let mut lowering =
        Lowering { x, problem, index, rows: Vec::new(), incidence: Incidence::default() };
    let mut errors = Vec::new();
    let invalid = |i: usize, reason| Error::Invalid {
        location: Location::Constraint(i),
        name: constraint_name(problem, i),
        reason,
    };
    let mut features = Vec::with_capacity(problem.constraints.len());
    for (i, constraint) in problem.constraints.iter().enumerate() {
        if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
            budget.checkpoint()?;
        }
        match lowering.check(constraint) {
            Ok(of) => features.push(of),
            Err(reason) => {
                errors.push(invalid(i, reason));
                if errors.len() >= most {
                    return Ok((Vec::new(), errors));
                }
                features.push(Vec::new());
            }
        }
    }
    for (entity, &first) in problem.entities.iter().zip(&index.first) {
        lowering.keep_arcs_round(&entity.shape, first);
    }
    budget.checkpoint()?;
    lowering.incidence.read(problem, &features);
    budget.checkpoint()?;
    for (i, of) in features.iter().enumerate() {
        if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
            budget.checkpoint()?;
        }
        // Without features: it was found to be wrong above.
        if of.is_empty() && !errors.is_empty() {
            continue;
        }
        if let Err(reason) = lowering.constraint(i, of) {
            errors.push(invalid(i, reason));
            if errors.len() >= most {
                break;
            }
        }
    }
    Ok((lowering.rows, errors))
}

/// The equations of constraint `i` alone; `None` where they depend on which points are one.
pub(crate) fn lower_one(
    problem: &Problem,
    index: &Index,
    x: &[f64],
    i: usize,
) -> Result<Option<Vec<Row>>, Reason> {
    let mut lowering =
        Lowering { x, problem, index, rows: Vec::new(), incidence: Incidence::default() };
    let of = lowering.check(&problem.constraints[i])?;
    lowering.constraint(i, &of)?;
    let joined = matches!(problem.constraints[i].kind, Kind::Tangent | Kind::Collinear);
    Ok((!joined).then_some(lowering.rows))
}

/// The soft equations of a target: two equations of its weight.
pub(crate) fn lower_target(
    problem: &Problem,
    index: &Index,
    target: &Target,
) -> Result<[Row; 2], Error> {
    let wrong = |what: String| Error::Change(format!("target {:?}: {what}", target.point));
    let Target { x, y, priority, .. } = *target;
    if !(x.abs() <= MAX_COORDINATE && y.abs() <= MAX_COORDINATE) {
        return Err(wrong(format!("{x}, {y} is not a usable place")));
    }
    if !(priority > 0.0 && priority <= 1e6) {
        return Err(wrong(Reason::Weight(priority).to_string()));
    }
    let p = match index.feature(problem, &target.point) {
        Ok(Feature::Point(p)) => p,
        Ok(other) => return Err(wrong(format!("it is a {}, no point", other.noun()))),
        Err(reason) => return Err(wrong(reason.to_string())),
    };
    let row = |a, c| Row {
        equation: Equation::Difference { a, b: GROUND, c },
        constraint: INTRINSIC,
        factor: 0.0,
        soft: priority,
        implied: false,
    };
    Ok([row(p.x, x), row(p.y, y)])
}

struct Lowering<'p> {
    x: &'p [f64],
    problem: &'p Problem,
    index: &'p Index,
    rows: Vec<Row>,
    incidence: Incidence,
}

impl Lowering<'_> {
    fn check(&self, c: &Constraint) -> Result<Vec<Feature>, Reason> {
        match c.value {
            None if c.kind.has_value() => return Err(Reason::MissingValue(c.kind)),
            Some(_) if !c.kind.has_value() => return Err(Reason::UnexpectedValue(c.kind)),
            Some(v) if !(v.abs() <= MAX_COORDINATE) => return Err(Reason::NotFinite(v)),
            Some(v) if c.kind == Kind::Angle && !(0.0..=180.0).contains(&v) => {
                return Err(Reason::AngleRange(v));
            }
            Some(v) if v < 0.0 => return Err(Reason::NegativeValue { kind: c.kind, value: v }),
            Some(0.0) if c.kind.has_size() => return Err(Reason::ZeroSize(c.kind)),
            _ => {}
        }
        if let Some(w) = c.soft
            && !(w > 0.0 && w <= 1e6)
        {
            return Err(Reason::Weight(w));
        }
        if c.of.len() > 64 {
            return Err(self.arity(c, "at most 64 names", &[]));
        }
        let mut seen = std::collections::HashSet::with_capacity(c.of.len());
        if let Some(twice) = c.of.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Reason::Repeated(twice.chars().take(64).collect()));
        }
        let of: Vec<Feature> =
            c.of.iter()
                .map(|name| self.index.feature(self.problem, name))
                .collect::<Result<_, _>>()?;
        let short = |f: &Feature| matches!(f, Feature::Line(l) if !(self.length(*l) >= MIN_LENGTH));
        if !matches!(c.kind, Kind::Fixed | Kind::Distance) && of.iter().any(short) {
            return Err(Reason::ZeroLength);
        }
        Ok(of)
    }

    /// The ends of an arc lie on its circle.
    fn keep_arcs_round(&mut self, shape: &Shape, first: u32) {
        let point = |v: u32| Point { x: v, y: v + 1 };
        let circle = |v: u32| Circle { c: point(v), r: v + 2 };
        let mut keep = |k: Circle, ends: [Point; 2]| {
            for p in ends {
                self.incidence.on_circle(k, p);
                self.rows.push(Row {
                    equation: Equation::OnCircle { p, k },
                    constraint: INTRINSIC,
                    factor: 0.0,
                    soft: 0.0,
                    implied: false,
                });
            }
        };
        match shape {
            Shape::Arc { .. } => keep(circle(first), [point(first + 3), point(first + 5)]),
            Shape::Path { points, arcs } => {
                let vertex = |n: usize| point(first + 2 * (n as u32 - 1));
                for (i, arc) in arcs.iter().enumerate() {
                    let at = first + (points.len() * 2 + i * 3) as u32;
                    keep(circle(at), [vertex(arc.from), vertex(arc.to)]);
                }
            }
            _ => {}
        }
    }

    fn arity(&self, c: &Constraint, expected: &'static str, of: &[Feature]) -> Reason {
        let got = if of.is_empty() {
            format!("{} names", c.of.len())
        } else {
            of.iter().map(|f| f.noun()).collect::<Vec<_>>().join(", ")
        };
        Reason::Arity { kind: c.kind, expected, got }
    }

    fn at(&self, p: Point) -> (f64, f64) {
        (self.x[p.x as usize], self.x[p.y as usize])
    }

    fn direction(&self, l: Line) -> (f64, f64) {
        let (a, b) = (self.at(l.a), self.at(l.b));
        (b.0 - a.0, b.1 - a.1)
    }

    fn length(&self, l: Line) -> f64 {
        let (x, y) = self.direction(l);
        (x * x + y * y).sqrt()
    }

    /// On which side of the line the point is drawn; 1 where it is on it.
    fn side(&self, l: Line, p: Point) -> f64 {
        let (d, a, p) = (self.direction(l), self.at(l.a), self.at(p));
        if d.0 * (p.1 - a.1) - d.1 * (p.0 - a.0) < 0.0 { -1.0 } else { 1.0 }
    }

    fn angle(&self, l: Line, m: Line, target: f64) -> Equation {
        let scale = (0.5 * (self.length(l) + self.length(m))).max(1e-3);
        Equation::Angle { l, m, target, scale }
    }

    fn turn(&self, l: Line, m: Line) -> f64 {
        let (d, e) = (self.direction(l), self.direction(m));
        if d.0 * e.1 - d.1 * e.0 < 0.0 { -1.0 } else { 1.0 }
    }

    fn parallel(&self, l: Line, m: Line) -> Equation {
        let (d, e) = (self.direction(l), self.direction(m));
        self.angle(l, m, if d.0 * e.0 + d.1 * e.1 < 0.0 { PI } else { 0.0 })
    }

    fn constraint(&mut self, i: usize, of: &[Feature]) -> Result<(), Reason> {
        use Feature as F;
        let c = &self.problem.constraints[i];
        let soft = c.soft.unwrap_or(0.0);
        let value = c.value.unwrap_or(0.0);
        let mut rows: Vec<(Equation, f64)> = Vec::new();
        let equal = |a, b| (Equation::Difference { a, b, c: 0.0 }, 0.0);
        match (c.kind, of) {
            (Kind::Coincident, [F::Point(p), rest @ ..]) if !rest.is_empty() => {
                for f in rest {
                    let &F::Point(q) = f else {
                        return Err(self.arity(c, "points", of));
                    };
                    rows.extend([equal(p.x, q.x), equal(p.y, q.y)]);
                }
            }
            (Kind::Coincident, _) => return Err(self.arity(c, "two or more points", of)),
            (Kind::Distance, &[F::Point(p), F::Point(q)]) => {
                if value == 0.0 {
                    rows.extend([equal(p.x, q.x), equal(p.y, q.y)]);
                } else {
                    rows.push((Equation::Distance { p, q, d: value }, 1.0));
                }
            }
            (Kind::Distance, &[F::Point(p), F::Line(l)] | &[F::Line(l), F::Point(p)]) => {
                let side = self.side(l, p);
                rows.push((Equation::LineDistance { l, p, d: side * value }, side));
            }
            (Kind::Distance | Kind::Offset, &[F::Line(l), F::Line(m)]) => {
                let side = self.side(l, m.a);
                rows.push((self.parallel(l, m), 0.0));
                rows.push((Equation::LineDistance { l, p: m.a, d: side * value }, side));
            }
            (Kind::Distance, _) => {
                return Err(self.arity(c, "two points, a point and a line, or two lines", of));
            }
            (Kind::Offset, &[F::Circle(k) | F::Arc(k, ..), F::Circle(m) | F::Arc(m, ..)]) => {
                let sign = if self.x[m.r as usize] < self.x[k.r as usize] { -1.0 } else { 1.0 };
                rows.extend([equal(k.c.x, m.c.x), equal(k.c.y, m.c.y)]);
                let d = Equation::Difference { a: m.r, b: k.r, c: sign * value };
                rows.push((d, sign));
            }
            (Kind::Offset, _) => {
                return Err(self.arity(c, "two lines, or two circles or arcs", of));
            }
            (Kind::Horizontal, &[F::Line(Line { a, b })] | &[F::Point(a), F::Point(b)]) => {
                rows.push(equal(a.y, b.y));
            }
            (Kind::Vertical, &[F::Line(Line { a, b })] | &[F::Point(a), F::Point(b)]) => {
                rows.push(equal(a.x, b.x));
            }
            (Kind::Horizontal | Kind::Vertical, _) => {
                return Err(self.arity(c, "a line or two points", of));
            }
            (Kind::Angle, &[F::Line(l), F::Line(m)]) => {
                let factor = self.turn(l, m) * PI / 180.0;
                rows.push((self.angle(l, m, factor * value), factor));
            }
            (Kind::Angle, _) => return Err(self.arity(c, "two lines", of)),
            (Kind::Perpendicular, &[F::Line(l), F::Line(m)]) => {
                rows.push((self.angle(l, m, self.turn(l, m) * FRAC_PI_2), 0.0));
            }
            (Kind::Perpendicular, _) => return Err(self.arity(c, "two lines", of)),
            (Kind::Collinear, &[F::Point(a), F::Point(b), F::Point(p)]) => {
                rows.push((Equation::LineDistance { l: Line { a, b }, p, d: 0.0 }, 0.0));
            }
            (Kind::Parallel | Kind::EqualLength | Kind::Collinear, [F::Line(l), rest @ ..])
                if !rest.is_empty() =>
            {
                for f in rest {
                    let &F::Line(m) = f else {
                        return Err(self.arity(c, "two or more lines", of));
                    };
                    let l = *l;
                    match c.kind {
                        Kind::Parallel => rows.push((self.parallel(l, m), 0.0)),
                        Kind::EqualLength => rows.push((Equation::EqualLength { l, m }, 0.0)),
                        _ => {
                            for p in [m.a, m.b] {
                                if !self.incidence.same(p, l.a) && !self.incidence.same(p, l.b) {
                                    rows.push((Equation::LineDistance { l, p, d: 0.0 }, 0.0));
                                }
                            }
                        }
                    }
                }
            }
            (Kind::Parallel | Kind::EqualLength, _) => {
                return Err(self.arity(c, "two or more lines", of));
            }
            (Kind::Collinear, _) => {
                return Err(self.arity(c, "two or more lines, or three points", of));
            }
            (Kind::EqualRadius | Kind::Concentric, [F::Circle(k) | F::Arc(k, ..), rest @ ..])
                if !rest.is_empty() =>
            {
                for f in rest {
                    let &(F::Circle(m) | F::Arc(m, ..)) = f else {
                        return Err(self.arity(c, "two or more circles or arcs", of));
                    };
                    match c.kind {
                        Kind::EqualRadius => rows.push(equal(k.r, m.r)),
                        _ => rows.extend([equal(k.c.x, m.c.x), equal(k.c.y, m.c.y)]),
                    }
                }
            }
            (Kind::EqualRadius | Kind::Concentric, _) => {
                return Err(self.arity(c, "two or more circles or arcs", of));
            }
            (Kind::Radius | Kind::Diameter, &[F::Circle(k) | F::Arc(k, ..)]) => {
                let factor = if c.kind == Kind::Radius { 1.0 } else { 0.5 };
                let e = Equation::Difference { a: k.r, b: GROUND, c: factor * value };
                rows.push((e, factor));
            }
            (Kind::Radius | Kind::Diameter, _) => {
                return Err(self.arity(c, "a circle or an arc", of));
            }
            (
                Kind::Tangent,
                &[F::Line(l), F::Circle(k) | F::Arc(k, ..)]
                | &[F::Circle(k) | F::Arc(k, ..), F::Line(l)],
            ) => rows.push((self.tangent_line(l, k), 0.0)),
            (Kind::Tangent, &[F::Circle(k) | F::Arc(k, ..), F::Circle(m) | F::Arc(m, ..)]) => {
                rows.push((self.tangent_circles(k, m), 0.0))
            }
            (Kind::Tangent, _) => {
                return Err(self.arity(c, "a line and a circle or arc, or two of those", of));
            }
            (
                Kind::Midpoint,
                &[F::Point(m), F::Line(Line { a, b })]
                | &[F::Line(Line { a, b }), F::Point(m)]
                | &[F::Point(m), F::Point(a), F::Point(b)],
            ) => {
                rows.push((Equation::Middle { m: m.x, a: a.x, b: b.x }, 0.0));
                rows.push((Equation::Middle { m: m.y, a: a.y, b: b.y }, 0.0));
            }
            (Kind::Midpoint, _) => {
                return Err(self.arity(c, "a point and a line, or three points", of));
            }
            (Kind::Symmetric, &[ref f, ref g, F::Line(l)]) => {
                let mut mirror = |p, q| {
                    rows.push((Equation::MirrorMiddle { p, q, l }, 0.0));
                    rows.push((Equation::MirrorAcross { p, q, l }, 0.0));
                };
                match (*f, *g) {
                    (F::Point(p), F::Point(q)) => mirror(p, q),
                    (F::Line(a), F::Line(b)) => {
                        mirror(a.a, b.a);
                        mirror(a.b, b.b);
                    }
                    (F::Circle(k) | F::Arc(k, ..), F::Circle(m) | F::Arc(m, ..)) => {
                        mirror(k.c, m.c);
                        rows.push(equal(k.r, m.r));
                    }
                    _ => return Err(self.arity(c, "two things of one kind and a line", of)),
                }
            }
            (Kind::Symmetric, _) => {
                return Err(self.arity(c, "two points, lines or circles, and a line", of));
            }
            (Kind::PointOn, &[F::Point(p), F::Line(l)] | &[F::Line(l), F::Point(p)]) => {
                rows.push((Equation::LineDistance { l, p, d: 0.0 }, 0.0));
            }
            (
                Kind::PointOn,
                &[F::Point(p), F::Circle(k) | F::Arc(k, ..)]
                | &[F::Circle(k) | F::Arc(k, ..), F::Point(p)],
            ) => rows.push((Equation::OnCircle { p, k }, 0.0)),
            (Kind::PointOn, _) => {
                return Err(self.arity(c, "a point and a line, circle or arc", of));
            }
            (Kind::Fixed, of) => {
                if of.is_empty() {
                    return Err(self.arity(c, "one or more entities or features", of));
                }
                let mut unknowns = Vec::new();
                of.iter().for_each(|f| f.unknowns(&mut unknowns));
                for a in unknowns {
                    let c = self.x[a as usize];
                    rows.push((Equation::Difference { a, b: GROUND, c }, 0.0));
                }
            }
        }
        let takes_parallel = matches!(c.kind, Kind::Distance | Kind::Offset);
        let rows = rows.into_iter();
        self.rows.extend(rows.map(|(equation, factor)| Row {
            equation,
            constraint: i as u32,
            factor,
            soft,
            implied: takes_parallel && matches!(equation, Equation::Angle { .. }),
        }));
        Ok(())
    }

    /// Tangency of a line and a circle. Where the line ends on the circle, the
    /// distance of the centre has a double root at the solution (its derivative
    /// vanishes there), so the right angle at the joint is asked for instead.
    fn tangent_line(&self, l: Line, k: Circle) -> Equation {
        if let Some(e) = [l.a, l.b].into_iter().find(|&p| self.incidence.is_on(k, p)) {
            let spoke = Line { a: k.c, b: e };
            if self.length(spoke) > MIN_LENGTH {
                return self.angle(spoke, l, self.turn(spoke, l) * FRAC_PI_2);
            }
        }
        Equation::TangentLine { l, k, side: self.side(l, k.c) }
    }

    /// Tangency of two circles, outside or inside as drawn; at a shared point
    /// the two spokes are in line instead (see [`Lowering::tangent_line`]).
    fn tangent_circles(&self, k: Circle, m: Circle) -> Equation {
        if let Some(e) = self.incidence.shared(k, m) {
            let (a, b) = (Line { a: k.c, b: e }, Line { a: m.c, b: e });
            if self.length(a) > MIN_LENGTH && self.length(b) > MIN_LENGTH {
                return self.parallel(a, b);
            }
        }
        let apart = self.length(Line { a: k.c, b: m.c });
        let (r, s) = (self.x[k.r as usize], self.x[m.r as usize]);
        let (sk, sm) = if (apart - (r + s)).abs() <= (apart - (r - s).abs()).abs() {
            (1.0, 1.0)
        } else if r >= s {
            (1.0, -1.0)
        } else {
            (-1.0, 1.0)
        };
        Equation::TangentCircles { k, m, sk, sm }
    }
}

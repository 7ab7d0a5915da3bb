//! Rows of lines and arcs.

use crate::edge::Bow;
use crate::{Carrier, Edge, Error, Point, Vector};

/// Vertices of one outline, or of all outlines of one operation.
pub const MAX_VERTICES: usize = 1_000_000;

/// Arcs are put together up to so many radians: of more, the ends say little of the middle.
const SEAMLESS: f64 = 5.5;

/// A corner, and how the edge behind it bends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vertex {
    /// Where it is.
    pub at: Point,
    /// The tangent of a quarter of the angle that the edge to the next vertex turns by; 0 is straight,
    /// 1 half a circle counter-clockwise.
    pub bulge: f64,
}

/// A row of lines and arcs, open or closed. No two vertices beside each other are the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    vertices: Vec<Vertex>,
    closed: bool,
}

/// A place on an outline: on which edge, and how far along it, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Place {
    /// The edge: the one behind the vertex of this number.
    pub edge: usize,
    /// How far along.
    pub t: f64,
}

impl Outline {
    /// An outline of these vertices. Of vertices that are the same the last one stays.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::TooMany`], [`Error::Degenerate`].
    pub fn new(vertices: Vec<Vertex>, closed: bool) -> Result<Outline, Error> {
        let (what, limit, seen) = ("vertices", MAX_VERTICES, vertices.len());
        if seen > limit {
            return Err(Error::TooMany { what, limit, seen });
        }
        let mut kept = vertices;
        for vertex in &mut kept {
            vertex.at = vertex.at.checked()?;
            let bulge = vertex.bulge;
            vertex.bulge = if bulge.is_finite() { bulge.clamp(-1e6, 1e6) } else { 0.0 };
        }
        kept.dedup_by(|next, last| {
            let same = next.at == last.at;
            if same {
                last.bulge = next.bulge;
            }
            same
        });
        if closed {
            while kept.len() > 1 && kept.first().map(|v| v.at) == kept.last().map(|v| v.at) {
                kept.pop();
            }
        } else if let Some(last) = kept.last_mut() {
            last.bulge = 0.0;
        }
        let outline = Outline { vertices: kept, closed };
        let flat = outline.vertices.len() == 2
            && closed
            && outline.edges().all(|e| matches!(e, Edge::Line { .. }));
        match outline.vertices.len() < 2 || flat {
            true => Err(Error::Degenerate),
            false => Ok(outline),
        }
    }

    /// A closed outline of straight edges.
    ///
    /// # Errors
    /// See [`Outline::new`].
    pub fn polygon(points: impl IntoIterator<Item = Point>) -> Result<Outline, Error> {
        Outline::new(points.into_iter().map(|at| Vertex { at, bulge: 0.0 }).collect(), true)
    }

    /// A closed outline of straight edges of which is known that its corners are in range, at least three,
    /// and differ from those beside them.
    pub(crate) fn ring(vertices: Vec<Vertex>) -> Outline {
        Outline { vertices, closed: true }
    }

    /// An open outline of straight edges.
    ///
    /// # Errors
    /// See [`Outline::new`].
    pub fn polyline(points: impl IntoIterator<Item = Point>) -> Result<Outline, Error> {
        Outline::new(points.into_iter().map(|at| Vertex { at, bulge: 0.0 }).collect(), false)
    }

    /// A circle, counter-clockwise from its right end.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::Degenerate`] where the radius is less than a micrometre.
    pub fn circle(centre: Point, radius: i64) -> Result<Outline, Error> {
        if radius < 1 {
            return Err(Error::Degenerate);
        }
        let end = |side: i64| {
            let x = centre.x.saturating_add(side.saturating_mul(radius));
            Vertex { at: Point { x, y: centre.y }, bulge: 1.0 }
        };
        Outline::new(vec![end(1), end(-1)], true)
    }

    /// Its vertices.
    pub fn vertices(&self) -> &[Vertex] {
        &self.vertices
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many edges it has.
    pub fn edge_count(&self) -> usize {
        self.vertices.len() - usize::from(!self.closed)
    }

    /// The edge behind a vertex.
    pub fn edge(&self, at: usize) -> Option<Edge> {
        if at >= self.edge_count() {
            return None;
        }
        let from = self.vertices.get(at)?;
        let to = self.vertices.get(at + 1).or(self.vertices.first())?;
        Some(Edge::new(from.at, to.at, from.bulge))
    }

    /// Its edges, in order.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        (0..self.edge_count()).filter_map(|at| self.edge(at))
    }

    /// Its edges as their ends and bulges.
    pub(crate) fn bows(&self) -> impl Iterator<Item = (Vector, Vector, f64)> + '_ {
        let behind = self.vertices.iter().skip(1).chain(self.vertices.first());
        let pairs = self.vertices.iter().zip(behind).take(self.edge_count());
        pairs.map(|(a, b)| (a.at.vector(), b.at.vector(), a.bulge))
    }

    /// Its area, as [`Outline::area`], and its length.
    pub(crate) fn measures(&self) -> (f64, f64) {
        let Some(first) = self.vertices.first() else { return (0.0, 0.0) };
        let about = first.at.vector();
        let (mut double, mut length) = (0.0, 0.0);
        for (a, b, bulge) in self.bows() {
            let (area, more) = Bow::between(a, b, bulge).measures(about);
            double += area;
            length += more;
        }
        (if self.closed { double / 2.0 } else { 0.0 }, length)
    }

    /// Whether no edge is an arc.
    pub fn is_straight(&self) -> bool {
        self.vertices.iter().all(|v| v.bulge == 0.0)
            || self.edges().all(|e| matches!(e, Edge::Line { .. }))
    }

    /// The circle it is, if it is one: centre and radius.
    pub fn as_circle(&self) -> Option<(Vector, f64)> {
        if !self.closed {
            return None;
        }
        let mut edges = self.edges();
        let Edge::Arc { centre, radius, sweep, .. } = edges.next()? else { return None };
        let mut whole = sweep;
        for edge in edges {
            let Edge::Arc { centre: c, radius: r, sweep, .. } = edge else { return None };
            if (c - centre).length() > 1.0 || (r - radius).abs() > 1.0 {
                return None;
            }
            whole += sweep;
        }
        ((whole.abs() - std::f64::consts::TAU).abs() < 1e-6).then_some((centre, radius))
    }

    /// The enclosed area in square micrometres, positive where it runs counter-clockwise; 0 of an open one.
    pub fn area(&self) -> f64 {
        match self.vertices.first().filter(|_| self.closed) {
            Some(first) if self.vertices.iter().all(|v| v.bulge == 0.0) => {
                let about = first.at.vector();
                let cross = |(a, b, _): (Vector, Vector, f64)| (a - about).cross(b - about);
                self.bows().map(cross).sum::<f64>() / 2.0
            }
            Some(_) => self.measures().0,
            None => 0.0,
        }
    }

    /// Its length in micrometres.
    pub fn length(&self) -> f64 {
        self.edges().map(|e| e.length()).sum()
    }

    /// Its box: the lowest and the highest coordinates.
    pub fn bounds(&self) -> (Vector, Vector) {
        let first = self.vertices.first().map_or(Vector::default(), |v| v.at.vector());
        self.edges().map(|e| e.bounds()).fold((first, first), |(low, high), (l, h)| {
            (
                Vector::new(low.x.min(l.x), low.y.min(l.y)),
                Vector::new(high.x.max(h.x), high.y.max(h.y)),
            )
        })
    }

    /// The same the other way round. A closed one begins with the same vertex.
    #[must_use]
    pub fn reversed(&self) -> Outline {
        let n = self.vertices.len();
        let mut vertices: Vec<Vertex> = Vec::with_capacity(n);
        for at in (0..n).rev() {
            let Some(vertex) = self.vertices.get(at) else { continue };
            let before = if at > 0 { at - 1 } else { n - 1 };
            let bulge = self.vertices.get(before).map_or(0.0, |v| -v.bulge);
            vertices.push(Vertex { at: vertex.at, bulge });
        }
        if self.closed {
            vertices.rotate_right(1);
        } else if let Some(last) = vertices.last_mut() {
            last.bulge = 0.0;
        }
        Outline { vertices, closed: self.closed }
    }

    /// The nearest place on it, and how far away it is.
    pub fn nearest(&self, to: Vector) -> (Place, f64) {
        let mut best: Option<(usize, Edge, f64)> = None;
        for (number, edge) in self.edges().enumerate() {
            let away = edge.distance(to);
            if best.is_none_or(|(_, _, least)| away < least) {
                best = Some((number, edge, away));
            }
        }
        match best {
            Some((number, edge, _)) => {
                let (t, away) = edge.nearest(to);
                (Place { edge: number, t }, away)
            }
            None => (Place { edge: 0, t: 0.0 }, f64::INFINITY),
        }
    }

    /// The corner nearest to a place: the number of its vertex.
    pub fn nearest_vertex(&self, to: Vector) -> usize {
        let away = |v: &Vertex| (v.at.vector() - to).length();
        let all = self.vertices.iter().map(away).enumerate();
        all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at)
    }

    /// Where a place is.
    pub fn at(&self, place: Place) -> Option<Vector> {
        Some(self.edge(place.edge)?.at(place.t))
    }

    /// Each vertex moved, turned or mirrored. `mirrored`: whether left becomes right.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::Degenerate`].
    pub fn mapped(&self, map: impl Fn(Vector) -> Vector, mirrored: bool) -> Result<Outline, Error> {
        let side = if mirrored { -1.0 } else { 1.0 };
        let vertices = self
            .vertices
            .iter()
            .map(|v| Ok(Vertex { at: Point::nearest(map(v.at.vector()))?, bulge: side * v.bulge }));
        Outline::new(vertices.collect::<Result<_, Error>>()?, self.closed)
    }

    /// The same with lines in place of arcs that bend by less than `sagitta`.
    pub(crate) fn with_lines(mut self, sagitta: f64) -> Outline {
        if self.vertices.len() < 3 {
            return self;
        }
        let bend = |(a, b, bulge): (Vector, Vector, f64)| match bulge == 0.0 {
            true => 0.0,
            false => (bulge * (b - a).length() / 2.0).abs(),
        };
        let bends: Vec<f64> = self.bows().map(bend).collect();
        for (vertex, bend) in self.vertices.iter_mut().zip(bends) {
            if bend < sagitta {
                vertex.bulge = 0.0;
            }
        }
        self
    }

    /// The piece between two places, open; round the end of a closed outline where `to` is not behind `from`.
    ///
    /// # Errors
    /// [`Error::Degenerate`] where there is nothing between them.
    pub(crate) fn piece(&self, from: Place, to: Place) -> Result<Outline, Error> {
        let count = self.edge_count();
        let mut vertices = Vec::new();
        let mut add = |edge: usize, t0: f64, t1: f64| -> Result<(), Error> {
            let Some(e) = self.edge(edge) else { return Ok(()) };
            let bulge = match e {
                Edge::Line { .. } => 0.0,
                Edge::Arc { sweep, .. } => libm::tan(sweep * (t1 - t0) / 4.0),
            };
            vertices.push(Vertex { at: Point::nearest(e.at(t0))?, bulge });
            Ok(())
        };
        if from < to {
            for edge in from.edge..=to.edge {
                let t0 = if edge == from.edge { from.t } else { 0.0 };
                let t1 = if edge == to.edge { to.t } else { 1.0 };
                add(edge, t0, t1)?;
            }
        } else if self.closed {
            add(from.edge, from.t, 1.0)?;
            for edge in (from.edge + 1..count).chain(0..to.edge) {
                add(edge, 0.0, 1.0)?;
            }
            add(to.edge, 0.0, to.t)?;
        }
        let end = self.at(to).ok_or(Error::Degenerate)?;
        vertices.push(Vertex { at: Point::nearest(end)?, bulge: 0.0 });
        Ok(Outline::new(vertices, false)?.without_seams())
    }

    /// An open outline without vertices at which an arc goes on as the same arc, as at those that a circle
    /// begins and is halved at.
    fn without_seams(self) -> Outline {
        let mut vertices: Vec<Vertex> = Vec::with_capacity(self.vertices.len());
        let mut last: Option<Edge> = None;
        for (vertex, edge) in self.vertices.iter().zip(self.edges()) {
            if let (
                Some(Edge::Arc { a, centre, radius, start, sweep, .. }),
                Edge::Arc { b, sweep: more, .. },
            ) = (last, edge)
                && let Some(before) = vertices.last_mut()
                && (sweep > 0.0) == (more > 0.0)
                && (sweep + more).abs() <= SEAMLESS
                && edge.carrier().same(&Carrier::Circle { centre, radius })
            {
                let sweep = sweep + more;
                before.bulge = libm::tan(sweep / 4.0);
                last = Some(Edge::Arc { a, b, centre, radius, start, sweep });
                continue;
            }
            vertices.push(*vertex);
            last = Some(edge);
        }
        vertices.extend(self.vertices.last());
        Outline { vertices, closed: false }
    }

    /// Which vertices are corners, for a sentence.
    pub(crate) fn corners(&self) -> String {
        let n = self.vertices.len();
        match (self.closed, n) {
            (true, _) => format!("they are 0 to {}", n - 1),
            (false, 0..=2) => "a single edge has none".to_owned(),
            (false, 3) => "the only one is 1".to_owned(),
            (false, _) => format!("they are 1 to {}", n - 2),
        }
    }

    /// The edges before and behind a corner.
    pub(crate) fn around(&self, corner: usize) -> Result<(usize, usize), Error> {
        let n = self.vertices.len();
        let inner = if self.closed { corner < n } else { corner > 0 && corner + 1 < n };
        match inner {
            true => Ok((if corner == 0 { n - 1 } else { corner - 1 }, corner)),
            false => Err(Error::NoCorner { corner, corners: self.corners() }),
        }
    }
}

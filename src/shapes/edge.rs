//! One edge of an outline: a line or an arc between two points.

use std::f64::consts::{PI, TAU};

use crate::carrier::TOUCH;
use crate::{Carrier, Point, Vector};

/// An arc that bends less than this is a line: a hundredth of a micrometre.
pub(crate) const STRAIGHT: f64 = 0.01;

/// A line or an arc, from `a` to `b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edge {
    /// Straight.
    Line {
        /// Where it begins.
        a: Vector,
        /// Where it ends.
        b: Vector,
    },
    /// About a centre.
    Arc {
        /// Where it begins.
        a: Vector,
        /// Where it ends.
        b: Vector,
        /// Its centre.
        centre: Vector,
        /// Its radius.
        radius: f64,
        /// The angle at which it begins, in radians.
        start: f64,
        /// By how much it turns, positive counter-clockwise, in radians.
        sweep: f64,
    },
}

/// Where two edges meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meeting {
    /// How far along the first, from 0 to 1.
    pub t: f64,
    /// How far along the second.
    pub u: f64,
    /// Where.
    pub at: Vector,
}

impl Edge {
    /// The edge between two points. One that hardly bends is a line.
    pub fn new(a: Point, b: Point, bulge: f64) -> Edge {
        Edge::between(a.vector(), b.vector(), bulge)
    }

    pub(crate) fn between(a: Vector, b: Vector, bulge: f64) -> Edge {
        if bulge == 0.0 {
            return Edge::Line { a, b };
        }
        match Bow::between(a, b, bulge).round {
            Some((centre, radius)) => {
                let sweep = 4.0 * libm::atan(bulge);
                Edge::Arc { a, b, centre, radius, start: (a - centre).angle(), sweep }
            }
            None => Edge::Line { a, b },
        }
    }

    /// Where it begins.
    pub fn start(&self) -> Vector {
        match *self {
            Edge::Line { a, .. } | Edge::Arc { a, .. } => a,
        }
    }

    /// Where it ends.
    pub fn end(&self) -> Vector {
        match *self {
            Edge::Line { b, .. } | Edge::Arc { b, .. } => b,
        }
    }

    /// The tangent of a quarter of the angle it turns by; 0 for a line.
    pub fn bulge(&self) -> f64 {
        match *self {
            Edge::Line { .. } => 0.0,
            Edge::Arc { sweep, .. } => libm::tan(sweep / 4.0),
        }
    }

    /// Its length.
    pub fn length(&self) -> f64 {
        match *self {
            Edge::Line { a, b } => (b - a).length(),
            Edge::Arc { radius, sweep, .. } => radius * sweep.abs(),
        }
    }

    /// The place so far along, from 0 to 1.
    pub fn at(&self, t: f64) -> Vector {
        match *self {
            _ if t == 0.0 => self.start(),
            _ if t == 1.0 => self.end(),
            Edge::Line { a, b } => a + (b - a) * t,
            Edge::Arc { centre, radius, start, sweep, .. } => {
                centre + Vector::at_angle(start + sweep * t) * radius
            }
        }
    }

    /// The direction at a place so far along, of length one.
    pub fn direction(&self, t: f64) -> Vector {
        match *self {
            Edge::Line { a, b } => (b - a).unit(),
            Edge::Arc { start, sweep, .. } => {
                Vector::at_angle(start + sweep * t).left() * sweep.signum()
            }
        }
    }

    /// The line or circle it lies on.
    pub fn carrier(&self) -> Carrier {
        match *self {
            Edge::Line { a, b } => Carrier::Line { through: a, along: (b - a).unit() },
            Edge::Arc { centre, radius, .. } => Carrier::Circle { centre, radius },
        }
    }

    /// The same edge the other way round.
    #[must_use]
    pub fn reversed(&self) -> Edge {
        match *self {
            Edge::Line { a, b } => Edge::Line { a: b, b: a },
            Edge::Arc { a, b, centre, radius, start, sweep } => {
                Edge::Arc { a: b, b: a, centre, radius, start: start + sweep, sweep: -sweep }
            }
        }
    }

    /// How far along a place on its carrier is; below 0 or above 1 beside it.
    pub fn parameter(&self, of: Vector) -> f64 {
        match *self {
            Edge::Line { a, b } => {
                let way = b - a;
                let square = way.dot(way);
                if square > 0.0 { (of - a).dot(way) / square } else { 0.0 }
            }
            Edge::Arc { centre, start, sweep, .. } => {
                let turn = ((of - centre).angle() - start) * sweep.signum();
                let turn = turn.rem_euclid(TAU);
                let full = sweep.abs();
                // What lies beside it is before it or behind it, whichever is nearer.
                let before = TAU - turn;
                if turn > full && before < turn - full { -before / full } else { turn / full }
            }
        }
    }

    /// The parameter, if the place is on the edge or within a micrometre of one of its ends.
    pub(crate) fn within(&self, at: Vector) -> Option<f64> {
        let slack = 2.0 * TOUCH / self.length().max(TOUCH);
        let t = self.parameter(at);
        (t >= -slack && t <= 1.0 + slack).then(|| t.clamp(0.0, 1.0))
    }

    /// The nearest place on it: how far along, and how far away.
    pub fn nearest(&self, to: Vector) -> (f64, f64) {
        let t = self.parameter(self.carrier().foot(to));
        let ends = [(0.0, (to - self.start()).length()), (1.0, (to - self.end()).length())];
        let nearer = if ends[1].1 < ends[0].1 { ends[1] } else { ends[0] };
        match (0.0..=1.0).contains(&t) {
            true => (t, (to - self.at(t)).length()),
            false => nearer,
        }
    }

    /// How far a place is from it.
    pub(crate) fn distance(&self, to: Vector) -> f64 {
        let (a, b) = (self.start(), self.end());
        let bow = match *self {
            Edge::Line { .. } => Bow { a, b, round: None, side: 0.0 },
            Edge::Arc { centre, radius, sweep, .. } => {
                Bow { a, b, round: Some((centre, radius)), side: sweep }
            }
        };
        bow.distance(to)
    }

    /// Where two edges cross or touch, each place once. Of edges that lie on each other, the ends that do.
    pub fn meetings(&self, other: &Edge) -> Vec<Meeting> {
        let (one, two) = (self.carrier(), other.carrier());
        let mut places = one.meet(&two);
        let ends = [self.start(), self.end(), other.start(), other.end()];
        if places.is_empty() && one.same(&two) {
            places.extend(ends);
        } else {
            // An end that lies on the other edge, where both are too flat to each other to cross well.
            places.extend(ends.into_iter().filter(|&end| {
                (one.foot(end) - end).length() <= TOUCH && (two.foot(end) - end).length() <= TOUCH
            }));
        }
        let mut found: Vec<Meeting> = Vec::new();
        for at in places.into_iter().filter(|at| at.is_finite()) {
            let (Some(t), Some(u)) = (self.within(at), other.within(at)) else { continue };
            if found.iter().all(|known| (known.at - at).length() > 2.0 * TOUCH) {
                found.push(Meeting { t, u, at });
            }
        }
        found
    }

    /// Its box: the lowest and the highest coordinates.
    pub fn bounds(&self) -> (Vector, Vector) {
        let (a, b) = (self.start(), self.end());
        let mut low = Vector::new(a.x.min(b.x), a.y.min(b.y));
        let mut high = Vector::new(a.x.max(b.x), a.y.max(b.y));
        if let Edge::Arc { centre, radius, .. } = *self {
            for quarter in 0..4 {
                let out = Vector::at_angle(f64::from(quarter) * PI / 2.0) * radius;
                let t = self.parameter(centre + out);
                if (0.0..=1.0).contains(&t) {
                    let at = centre + out;
                    low = Vector::new(low.x.min(at.x), low.y.min(at.y));
                    high = Vector::new(high.x.max(at.x), high.y.max(at.y));
                }
            }
        }
        (low, high)
    }
}

/// An edge as far as distances and areas need it: without angles, which cost more than all the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bow {
    a: Vector,
    b: Vector,
    /// Centre and radius of an arc.
    round: Option<(Vector, f64)>,
    /// Positive where it turns counter-clockwise.
    side: f64,
}

impl Bow {
    pub(crate) fn between(a: Vector, b: Vector, bulge: f64) -> Bow {
        let chord = if bulge == 0.0 { 0.0 } else { (b - a).length() };
        if !bulge.is_finite() || (bulge * chord / 2.0).abs() < STRAIGHT {
            return Bow { a, b, round: None, side: 0.0 };
        }
        let up = (1.0 - bulge * bulge) / (4.0 * bulge);
        let centre = (a + b) * 0.5 + (b - a).left() * up;
        let radius = chord * (1.0 + bulge * bulge) / (4.0 * bulge.abs());
        Bow { a, b, round: Some((centre, radius)), side: bulge }
    }

    /// How far a place is from it.
    pub(crate) fn distance(&self, to: Vector) -> f64 {
        let Bow { a, b, round, side } = *self;
        let Some((centre, radius)) = round else {
            let way = b - a;
            let square = way.dot(way);
            let t = if square > 0.0 { ((to - a).dot(way) / square).clamp(0.0, 1.0) } else { 0.0 };
            return (to - (a + way * t)).length();
        };
        let away = (to - centre).length();
        let foot = centre + (to - centre) * (radius / away);
        // The arc is the part of its circle to the right of its chord, where it turns to the left.
        if away > 0.0 && (b - a).cross(foot - a) * side <= 0.0 {
            (away - radius).abs()
        } else {
            (to - a).length().min((to - b).length())
        }
    }

    /// The middle of its ends, and how far from there any point of it may be.
    pub(crate) fn around(&self) -> (Vector, f64) {
        let chord = (self.b - self.a).length();
        // One of more than half a circle reaches as far as that.
        let reach = match self.round {
            Some((_, radius)) if self.side.abs() > 1.0 => 2.0 * radius,
            _ => chord / 2.0,
        };
        ((self.a + self.b) * 0.5, reach)
    }

    /// Twice the area between it and the point `about`, and its length.
    pub(crate) fn measures(&self, about: Vector) -> (f64, f64) {
        let chord = (self.a - about).cross(self.b - about);
        match self.round {
            None => (chord, (self.b - self.a).length()),
            Some((_, radius)) => {
                let sweep = 4.0 * libm::atan(self.side);
                // The sine of four times the angle whose tangent is known.
                let square = self.side * self.side;
                let sine = 4.0 * self.side * (1.0 - square) / ((1.0 + square) * (1.0 + square));
                let bow = radius * radius * (sweep - sine);
                (chord + bow, radius * sweep.abs())
            }
        }
    }
}

/// An angle between -π and π.
pub(crate) fn wrapped(angle: f64) -> f64 {
    let turn = (angle + PI).rem_euclid(TAU) - PI;
    if turn <= -PI { PI } else { turn }
}

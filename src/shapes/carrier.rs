//! Whole lines and circles: what edges are pieces of.

use crate::Vector;

/// Two that come this near without crossing touch, and two points of crossing whose curves overlap by less
/// are one. Half a micrometre: what rounding leaves.
pub(crate) const TOUCH: f64 = 0.5;

/// A line without ends, or a whole circle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Carrier {
    /// Through a point in a direction of length one.
    Line {
        /// A point on it.
        through: Vector,
        /// Its direction.
        along: Vector,
    },
    /// About a point.
    Circle {
        /// The point.
        centre: Vector,
        /// How far it is from it.
        radius: f64,
    },
}

impl Carrier {
    /// The nearest point on it.
    pub fn foot(&self, of: Vector) -> Vector {
        match *self {
            Carrier::Line { through, along } => through + along * (of - through).dot(along),
            Carrier::Circle { centre, radius } => {
                let way = (of - centre).unit();
                let way = if way == Vector::default() { Vector::new(1.0, 0.0) } else { way };
                centre + way * radius
            }
        }
    }

    /// Where two cross or touch: none, one or two points, by closed forms. None where they are the same.
    pub fn meet(&self, other: &Carrier) -> Vec<Vector> {
        match (*self, *other) {
            (Carrier::Line { through: p, along: d }, Carrier::Line { through: q, along: e }) => {
                let across = d.cross(e);
                // Directions have length one: this is the sine of the angle between them.
                if across.abs() < 1e-12 {
                    return Vec::new();
                }
                vec![p + d * ((q - p).cross(e) / across)]
            }
            (Carrier::Line { .. }, Carrier::Circle { centre, radius }) => {
                line_circle(self, centre, radius)
            }
            (Carrier::Circle { centre, radius }, Carrier::Line { .. }) => {
                line_circle(other, centre, radius)
            }
            (
                Carrier::Circle { centre: c, radius: r },
                Carrier::Circle { centre: d, radius: s },
            ) => circles(c, r, d, s),
        }
    }

    /// Whether both are one, but for rounding.
    pub(crate) fn same(&self, other: &Carrier) -> bool {
        match (self, other) {
            (Carrier::Line { along: d, .. }, Carrier::Line { through: q, along: e }) => {
                d.cross(*e).abs() < 1e-9 && (*q - self.foot(*q)).length() <= TOUCH
            }
            (
                Carrier::Circle { centre: c, radius: r },
                Carrier::Circle { centre: d, radius: s },
            ) => (*c - *d).length() <= TOUCH && (r - s).abs() <= TOUCH,
            _ => false,
        }
    }

    /// Both that run beside it at a distance: the left one first, then the right one; of a circle the one
    /// inside, then the one outside.
    fn beside(&self, distance: f64) -> [Option<Carrier>; 2] {
        match *self {
            Carrier::Line { through, along } => [1.0, -1.0].map(|side| {
                let through = through + along.left() * (side * distance);
                Some(Carrier::Line { through, along })
            }),
            Carrier::Circle { centre, radius } => [radius - distance, radius + distance]
                .map(|r| (r.abs() > 0.0).then_some(Carrier::Circle { centre, radius: r.abs() })),
        }
    }
}

fn line_circle(line: &Carrier, centre: Vector, radius: f64) -> Vec<Vector> {
    let foot = line.foot(centre);
    let away = (foot - centre).length();
    let Carrier::Line { along, .. } = *line else { return Vec::new() };
    if (away - radius).abs() <= TOUCH {
        return vec![foot];
    }
    if away > radius {
        return Vec::new();
    }
    let half = ((radius - away) * (radius + away)).sqrt();
    vec![foot - along * half, foot + along * half]
}

fn circles(c: Vector, r: f64, d: Vector, s: f64) -> Vec<Vector> {
    let way = d - c;
    let apart = way.length();
    let outside = apart - (r + s);
    let inside = (r - s).abs() - apart;
    if apart <= TOUCH && (r - s).abs() <= TOUCH {
        return Vec::new();
    }
    let unit = way.unit();
    if outside.abs() <= TOUCH {
        return vec![c + unit * (r + outside / 2.0)];
    }
    if inside.abs() <= TOUCH {
        let side = if r >= s { 1.0 } else { -1.0 };
        return vec![c + unit * (side * r)];
    }
    if outside > 0.0 || inside > 0.0 {
        return Vec::new();
    }
    let along = (apart * apart + (r - s) * (r + s)) / (2.0 * apart);
    let up = ((r - along) * (r + along)).max(0.0).sqrt();
    let foot = c + unit * along;
    vec![foot + unit.left() * up, foot - unit.left() * up]
}

/// An arc that touches two curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// Its centre.
    pub centre: Vector,
    /// Where it touches the first.
    pub first: Vector,
    /// Where it touches the second.
    pub second: Vector,
}

/// Every circle of a radius that touches two lines or circles, by closed forms.
pub fn roundings(first: &Carrier, second: &Carrier, radius: f64) -> Vec<Rounding> {
    let mut found: Vec<Rounding> = Vec::new();
    for a in first.beside(radius).into_iter().flatten() {
        for b in second.beside(radius).into_iter().flatten() {
            for centre in a.meet(&b) {
                let rounding =
                    Rounding { centre, first: first.foot(centre), second: second.foot(centre) };
                // A circle that is smaller than the distance has a parallel that does not touch.
                let touches = |at: Vector| ((at - centre).length() - radius).abs() <= 2.0 * TOUCH;
                let known = found.iter().any(|r| (r.centre - centre).length() <= TOUCH);
                if touches(rounding.first) && touches(rounding.second) && !known {
                    found.push(rounding);
                }
            }
        }
    }
    found
}

/// Where the tangents from a point touch a circle: two, one on it, none from inside.
pub fn tangents(from: Vector, centre: Vector, radius: f64) -> Vec<Vector> {
    let way = from - centre;
    let away = way.length();
    if (away - radius).abs() <= TOUCH {
        return vec![from];
    }
    if away < radius {
        return Vec::new();
    }
    let unit = way.unit();
    let along = radius * radius / away;
    let up = radius * ((away - radius) * (away + radius)).sqrt() / away;
    vec![centre + unit * along + unit.left() * up, centre + unit * along - unit.left() * up]
}

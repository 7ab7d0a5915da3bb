//! Points in whole micrometres, and vectors between them.

use std::ops::{Add, Mul, Neg, Sub};

use crate::Error;

/// The largest coordinate: a thousand kilometres. A double holds a ten-thousandth of a micrometre there.
pub const LIMIT: i64 = 1_000_000_000_000;

/// A point. Micrometres.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// Along the x axis.
    pub x: i64,
    /// Along the y axis.
    pub y: i64,
}

impl Point {
    /// A point. See [`Point::checked`] for coordinates from outside.
    pub const fn new(x: i64, y: i64) -> Point {
        Point { x, y }
    }

    /// The nearest point to a place.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn nearest(v: Vector) -> Result<Point, Error> {
        let limit = LIMIT as f64;
        let fits = |n: f64| n.is_finite() && n.abs() <= limit;
        match fits(v.x) && fits(v.y) {
            true => Ok(Point { x: v.x.round() as i64, y: v.y.round() as i64 }),
            false => Err(Error::OutOfRange { limit_mm: limit / 1e3 }),
        }
    }

    /// The same, if it is in range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn checked(self) -> Result<Point, Error> {
        let fits = |n: i64| (-LIMIT..=LIMIT).contains(&n);
        match fits(self.x) && fits(self.y) {
            true => Ok(self),
            false => Err(Error::OutOfRange { limit_mm: LIMIT as f64 / 1e3 }),
        }
    }

    /// As a place between which there are others.
    pub fn vector(self) -> Vector {
        Vector { x: self.x as f64, y: self.y as f64 }
    }
}

/// A place or a way. Micrometres.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vector {
    /// Along the x axis.
    pub x: f64,
    /// Along the y axis.
    pub y: f64,
}

impl Vector {
    /// A place or a way.
    pub const fn new(x: f64, y: f64) -> Vector {
        Vector { x, y }
    }

    /// The unit vector at an angle in radians.
    pub fn at_angle(angle: f64) -> Vector {
        Vector { x: libm::cos(angle), y: libm::sin(angle) }
    }

    /// Its angle in radians.
    pub fn angle(self) -> f64 {
        libm::atan2(self.y, self.x)
    }

    /// The scalar product.
    pub fn dot(self, other: Vector) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// The third component of the vector product: positive where `other` is to the left.
    pub fn cross(self, other: Vector) -> f64 {
        self.x * other.y - self.y * other.x
    }

    /// Its length. Micrometres are far from where squares overflow or vanish.
    pub fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// A quarter turn to the left.
    pub fn left(self) -> Vector {
        Vector { x: -self.y, y: self.x }
    }

    /// Of length one; zero stays zero.
    pub fn unit(self) -> Vector {
        let length = self.length();
        if length > 0.0 { self * (1.0 / length) } else { self }
    }

    pub(crate) fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

impl Add for Vector {
    type Output = Vector;
    fn add(self, other: Vector) -> Vector {
        Vector { x: self.x + other.x, y: self.y + other.y }
    }
}

impl Sub for Vector {
    type Output = Vector;
    fn sub(self, other: Vector) -> Vector {
        Vector { x: self.x - other.x, y: self.y - other.y }
    }
}

impl Mul<f64> for Vector {
    type Output = Vector;
    fn mul(self, by: f64) -> Vector {
        Vector { x: self.x * by, y: self.y * by }
    }
}

impl Neg for Vector {
    type Output = Vector;
    fn neg(self) -> Vector {
        Vector { x: -self.x, y: -self.y }
    }
}

//! The numbers that a matrix may consist of.

use num_complex::Complex;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// A number that a matrix may consist of: real or complex.
pub trait Scalar:
    Copy
    + Default
    + Debug
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
{
    /// A real number.
    fn real(value: f64) -> Self;
    /// Its absolute value.
    fn magnitude(self) -> f64;
    /// What is told of it as a pivot: a real number itself, of a complex one the absolute value.
    fn part(self) -> f64;
    /// Whether it is finite and larger than `least`, so that one may divide by it: a real
    /// number has to be positive, a complex one to be away from zero.
    fn is_pivot(self, least: f64) -> bool;
    /// The quotient; zero for a divisor that is infinite.
    #[must_use]
    fn over(self, divisor: Self) -> Self;
    /// The quotient once more, where one by the divisor is known: by whichever of both is exact,
    /// or else sooner.
    #[must_use]
    fn over_known(self, divisor: Self, inverse: Self) -> Self;
}

impl Scalar for f64 {
    #[inline]
    fn real(value: f64) -> f64 {
        value
    }

    #[inline]
    fn magnitude(self) -> f64 {
        self.abs()
    }

    #[inline]
    fn part(self) -> f64 {
        self
    }

    #[inline]
    fn is_pivot(self, least: f64) -> bool {
        self > least && self.is_finite()
    }

    #[inline]
    fn over(self, divisor: f64) -> f64 {
        self / divisor
    }

    #[inline]
    fn over_known(self, divisor: f64, _: f64) -> f64 {
        self / divisor
    }
}

impl Scalar for Complex<f64> {
    #[inline]
    fn real(value: f64) -> Complex<f64> {
        Complex::new(value, 0.0)
    }

    #[inline]
    fn magnitude(self) -> f64 {
        libm::hypot(self.re, self.im)
    }

    #[inline]
    fn part(self) -> f64 {
        self.magnitude()
    }

    #[inline]
    fn is_pivot(self, least: f64) -> bool {
        let size = self.magnitude();
        size > least && size.is_finite()
    }

    #[inline]
    fn over(self, divisor: Complex<f64>) -> Complex<f64> {
        if divisor.re.is_infinite() { Complex::default() } else { self / divisor }
    }

    #[inline]
    fn over_known(self, _: Complex<f64>, inverse: Complex<f64>) -> Complex<f64> {
        self * inverse
    }
}

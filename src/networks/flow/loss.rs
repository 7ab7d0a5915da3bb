//! How much head a link loses, and how that rises with the flow.
//!
//! Every law rises strictly: its slope is bounded below, so that a link without flow has a
//! finite conductance (Gorev, Kodzhespirov and Kovalenko 2013 on the zero flow problem), and a
//! one-way valve is a curve with a steep branch, so that there is one solution and Newton's
//! method sees no jumps.

use svgx_base::random::GOLDEN;

use super::friction::{LAMINAR, Law, TURBULENT, friction};
use super::model::{Fluid, Link, LinkKind, Network};

/// The least slope of a loss, s/m²: below it the law is linear. Heads of 100 m are exact to
/// 1e-14 m, so that flows are exact to 1e-9 m³/s.
pub(super) const LEAST_SLOPE: f64 = 1e-5;

/// The exponent of Hazen and Williams.
pub(super) const WILLIAMS: f64 = 1.852;

/// The slope of a valve against a flow it does not let through, s/m².
const AGAINST: f64 = 1e7;

/// Head lost, m, and its derivative by the flow, s/m².
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loss {
    pub(crate) head: f64,
    pub(crate) slope: f64,
}

impl Loss {
    /// Of a link that is shut: no head makes it flow.
    pub(crate) const SHUT: Loss = Loss { head: 0.0, slope: f64::INFINITY };

    fn plus(self, other: Loss) -> Loss {
        Loss { head: self.head + other.head, slope: self.slope + other.slope }
    }
}

/// `r q |q| ^ (n - 1)`, rounded off near zero so that the slope there is [`LEAST_SLOPE`] and has
/// no step: `r q (q² + δ²) ^ ((n - 1) / 2)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Power {
    pub(super) r: f64,
    pub(super) n: f64,
    /// The square of δ.
    pub(super) rounding: f64,
}

impl Power {
    fn of(r: f64, n: f64) -> Power {
        let delta = match n {
            2.0 => LEAST_SLOPE / r,
            n => power(LEAST_SLOPE / r, 1.0 / (n - 1.0)),
        };
        Power { r, n, rounding: delta * delta }
    }

    /// Whether it is neither linear nor so far out that its rounding is.
    pub(super) fn is_plain(&self) -> bool {
        self.r * self.n >= LEAST_SLOPE * 1e-6 && (1e-200..1e200).contains(&self.rounding)
    }

    #[inline]
    fn at(&self, q: f64) -> Loss {
        let &Power { r, n, rounding } = self;
        if r * n < LEAST_SLOPE * 1e-6 {
            return Loss { head: LEAST_SLOPE * q, slope: LEAST_SLOPE };
        }
        let square = q * q;
        let rounded = square + rounding;
        let part = match n {
            2.0 => r * rounded.sqrt(),
            n => r * power(rounded, 0.5 * (n - 1.0)),
        };
        let slope = part * (1.0 + (n - 1.0) * square / rounded);
        // A curve that flattens (n < 1) or is out of range keeps the least slope.
        if slope >= LEAST_SLOPE && slope.is_finite() {
            return Loss { head: part * q, slope };
        }
        Loss { head: part.min(1.0 / LEAST_SLOPE) * q, slope: LEAST_SLOPE }
    }
}

/// What pipes of the last sizes lose in a metre, by Hazen and Williams: the powers of a size are
/// computed once where many pipes have it.
#[derive(Debug, Default)]
pub(crate) struct Sizes([Size; 16]);

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    diameter: f64,
    roughness: f64,
    per_metre: f64,
}

impl Sizes {
    fn per_metre(&mut self, diameter: f64, roughness: f64) -> f64 {
        let mixed = diameter.to_bits() ^ roughness.to_bits().rotate_left(17);
        let size = &mut self.0[(mixed.wrapping_mul(GOLDEN) >> 60) as usize];
        if size.diameter != diameter || size.roughness != roughness {
            let per_metre = 10.6667 / (power(roughness, 1.852) * power(diameter, 4.871));
            *size = Size { diameter, roughness, per_metre };
        }
        size.per_metre
    }
}

/// The law of one link, with what does not depend on the flow computed once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Laws {
    HazenWilliams { main: Power, minor: Option<Power> },
    Darcy { law: Law, per_reynolds: f64, r: f64, relative: f64, minor: Option<Power> },
    Pump { shut_off: f64, curve: Power },
    Quadratic(Power),
    OneWay(Power),
    Limited { open: Power, most: f64 },
}

impl Laws {
    pub(crate) fn of(link: &Link, law: Law, fluid: &Fluid) -> Laws {
        match Laws::of_size(link, law, fluid, &mut Sizes::default()) {
            Laws::HazenWilliams { main, minor } => {
                Laws::HazenWilliams { main: Power::of(main.r, WILLIAMS), minor }
            }
            laws => laws,
        }
    }

    /// The same for links of which many have one size, without the rounding of pipes of Hazen and
    /// Williams.
    fn of_size(link: &Link, law: Law, fluid: &Fluid, sizes: &mut Sizes) -> Laws {
        use std::f64::consts::PI;
        match link.kind {
            LinkKind::Pipe { length, diameter, roughness, minor } => {
                let minor = super::model::resistance_of_minor(minor, diameter, fluid.gravity);
                let minor = (minor != 0.0).then(|| Power::of(minor, 2.0));
                if law == Law::HazenWilliams {
                    let r = length * sizes.per_metre(diameter, roughness);
                    // Its rounding is computed with those of the others.
                    let main = Power { r, n: WILLIAMS, rounding: f64::NAN };
                    return Laws::HazenWilliams { main, minor };
                }
                let d5 = diameter * diameter * diameter * diameter * diameter;
                Laws::Darcy {
                    law,
                    per_reynolds: PI * diameter * fluid.viscosity / 4.0,
                    r: 8.0 * length / (fluid.gravity * PI * PI * d5),
                    relative: roughness / diameter,
                    minor,
                }
            }
            LinkKind::Pump(c) => {
                Laws::Pump { shut_off: c.shut_off, curve: Power::of(c.slope, c.exponent) }
            }
            LinkKind::Valve { resistance } => Laws::Quadratic(Power::of(resistance, 2.0)),
            LinkKind::Check { resistance } | LinkKind::Regulator { resistance, .. } => {
                Laws::OneWay(Power::of(resistance, 2.0))
            }
            LinkKind::Limiter { resistance, most } => {
                Laws::Limited { open: Power::of(resistance, 2.0), most }
            }
        }
    }

    /// Those of all links of a network; roundings of pipes of Hazen and Williams side by side, as
    /// the processor computes several powers at once.
    pub(crate) fn of_all(network: &Network) -> Vec<Laws> {
        let mut sizes = Sizes::default();
        let of = |l| Laws::of_size(l, network.law, &network.fluid, &mut sizes);
        let mut laws: Vec<Laws> = network.links.iter().map(of).collect();
        if network.law != Law::HazenWilliams {
            return laws;
        }
        let main = |laws: &Laws| match laws {
            Laws::HazenWilliams { main, .. } => Some(LEAST_SLOPE / main.r),
            _ => None,
        };
        let mut roundings: Vec<f64> = laws.iter().filter_map(main).collect();
        for rounding in &mut roundings {
            let delta = normal_power(*rounding, 1.0 / (WILLIAMS - 1.0));
            *rounding = delta * delta;
        }
        let pipes = laws.iter_mut().filter_map(|laws| match laws {
            Laws::HazenWilliams { main, .. } => Some(main),
            _ => None,
        });
        for (main, rounding) in pipes.zip(roundings) {
            // Within these bounds it is the same as with care.
            *main = match (1e-50..1e50).contains(&(LEAST_SLOPE / main.r)) {
                true => Power { rounding, ..*main },
                false => Power::of(main.r, WILLIAMS),
            };
        }
        laws
    }

    /// Whether a flow against the link is held up by a steep branch.
    pub(crate) fn is_one_way(&self) -> bool {
        matches!(self, Laws::Pump { .. } | Laws::OneWay(_))
    }

    /// How far the tangent at a flow may be followed, and a bound on what it misses there, by the
    /// square of the way: half of the largest second derivative. For a law that rises as
    /// `q ^ n` that is `(n - 1)` times the slope by the flow.
    pub(crate) fn bend(&self, q: f64, slope: f64) -> (f64, f64) {
        const NEAR: f64 = 0.1;
        let size = q.abs();
        let power = |n: f64, near: f64| {
            let rises = match n {
                n if n <= 2.0 => (1.0 + near) / (1.0 - near),
                n => libm::pow(1.0 + near, n - 1.0) / (1.0 - near),
            };
            let widest = if n > 1.9 { rises } else { rises.max(1.25) };
            (near * size, 0.5 * (n - 1.0).abs() * widest * slope / size.max(f64::MIN_POSITIVE))
        };
        let to = |(reach, bend): (f64, f64), kink: f64| (reach.min((size - kink).abs()), bend);
        match *self {
            Laws::HazenWilliams { .. } | Laws::Quadratic(_) => power(2.0, NEAR),
            Laws::Darcy { per_reynolds, minor, .. } => {
                let [laminar, turbulent] = [LAMINAR, TURBULENT].map(|re| re * per_reynolds);
                if size < laminar && minor.is_none() {
                    return (laminar - size, 0.0);
                }
                let smooth = size < laminar || size > turbulent;
                // Between them the factor may rise tenfold.
                let (reach, bend) = power(if smooth { 2.1 } else { 64.0 }, NEAR * 0.5);
                to(to((reach, bend), laminar), turbulent)
            }
            Laws::Pump { .. } | Laws::OneWay(_) if q < 0.0 => (size, 0.0),
            Laws::Pump { curve, .. } if slope > 1.5 * LEAST_SLOPE => {
                power(curve.n, NEAR / curve.n.max(1.0))
            }
            // Where a curve flattens out its slope has a step.
            Laws::Pump { .. } => (0.0, 0.0),
            Laws::OneWay(_) => power(2.0, NEAR),
            Laws::Limited { most, .. } => to(power(2.0, NEAR), most),
        }
    }

    #[inline]
    pub(crate) fn at(&self, q: f64) -> Loss {
        match self {
            Laws::HazenWilliams { main, minor } => {
                let main = main.at(q);
                minor.map_or(main, |minor| main.plus(minor.at(q)))
            }
            &Laws::Darcy { law, per_reynolds, r, relative, minor } => {
                let size = q.abs();
                let reynolds = size / per_reynolds;
                let main = if reynolds <= LAMINAR {
                    let slope = r * 64.0 * per_reynolds;
                    Loss { head: slope * q, slope }
                } else {
                    let f = friction(law, reynolds, relative);
                    let slope = r * size * (2.0 * f.factor + f.slope * reynolds);
                    Loss { head: r * f.factor * size * q, slope }
                };
                minor.map_or(main, |minor| main.plus(minor.at(q)))
            }
            Laws::Pump { shut_off, .. } if q < 0.0 => {
                Loss { head: -shut_off + AGAINST * q, slope: AGAINST }
            }
            Laws::Pump { shut_off, curve } => {
                let part = curve.at(q);
                Loss { head: part.head - shut_off, slope: part.slope }
            }
            Laws::Quadratic(open) => open.at(q),
            Laws::OneWay(_) if q < 0.0 => Loss { head: AGAINST * q, slope: AGAINST },
            Laws::OneWay(open) => open.at(q),
            Laws::Limited { open, most } => {
                let open = open.at(q);
                let over = (q - most).max(0.0);
                let steep = if q > *most { AGAINST } else { 0.0 };
                Loss { head: open.head + AGAINST * over, slope: open.slope + steep }
            }
        }
    }
}

/// `x ^ y` for `x` that is not negative and a `y` of moderate size, relative error below 1e-13:
/// a third of what the function of the library takes, which has to be right to the last digit.
fn power(x: f64, y: f64) -> f64 {
    let near = (x.to_bits() >> 52) as f64 - 1023.0;
    let moderate = (near.abs() + 1.0) * y.abs() < 1000.0;
    if moderate && (f64::MIN_POSITIVE..=f64::MAX).contains(&x) {
        normal_power(x, y)
    } else {
        libm::pow(x, y)
    }
}

/// The same where `x` is a normal number and the power one of exponent within 1000: without a
/// branch, so that several are computed at once.
#[inline(always)]
pub(super) fn normal_power(x: f64, y: f64) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, LN_2};
    /// What makes an integer of a small number the last digits of its sum.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    const SMALL: f64 = 4_503_599_627_370_496.0;
    const BIAS: u64 = 1024;
    // x = m 2^e with m between the root of a half and of two; ln m = 2 artanh((m - 1) / (m + 1)).
    let bits = x.to_bits();
    let above = bits.wrapping_sub(FRAC_1_SQRT_2.to_bits()).wrapping_add(BIAS << 52) >> 52;
    let e = f64::from_bits(SMALL.to_bits() | above) - (SMALL + BIAS as f64);
    let m = f64::from_bits(bits.wrapping_sub(above.wrapping_sub(BIAS) << 52));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let z2 = z * z;
    let z4 = z2 * z2;
    let low = (1.0 + z * (1.0 / 3.0)) + z2 * (1.0 / 5.0 + z * (1.0 / 7.0));
    let high = (1.0 / 9.0 + z * (1.0 / 11.0)) + z2 * (1.0 / 13.0 + z * (1.0 / 15.0));
    let ends = (1.0 / 17.0 + z * (1.0 / 19.0)) + z2 * (1.0 / 21.0);
    let log = 2.0 * s * (low + z4 * (high + z4 * ends));
    // y ln x = k ln 2 + f with f up to half of ln 2; e ^ f by its series.
    let whole = y * e;
    let near = (whole + y * log * (1.0 / LN_2)) + WHOLE;
    let k = near - WHOLE;
    let f = (whole - k) * LN_2 + y * log;
    let f2 = f * f;
    let f4 = f2 * f2;
    let a = (1.0 + f) + f2 * (1.0 / 2.0 + f * (1.0 / 6.0));
    let b = (1.0 / 24.0 + f * (1.0 / 120.0)) + f2 * (1.0 / 720.0 + f * (1.0 / 5040.0));
    let c = (1.0 / 40_320.0 + f * (1.0 / 362_880.0))
        + f2 * (1.0 / 3_628_800.0 + f * (1.0 / 39_916_800.0));
    let exp = a + f4 * (b + f4 * c);
    exp * f64::from_bits(near.to_bits().wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::model::Curve;

    #[test]
    fn a_power_is_that_of_the_library() {
        for k in 0..4000 {
            let x = 1e-30 * libm::exp(f64::from(k) * 0.0225);
            for y in [0.426, 0.5, 1.7, -0.35, 4.5] {
                let wanted = libm::pow(x, y);
                assert!((power(x, y) - wanted).abs() <= 1e-13 * wanted, "{x} {y}");
            }
        }
        for (x, y) in [(0.0, 0.4), (1e-310, 0.4), (f64::INFINITY, 0.4), (1e300, 4.5), (1.0, 0.3)] {
            assert_eq!(power(x, y), libm::pow(x, y), "{x} {y}");
        }
        assert!(power(f64::NAN, 0.4).is_nan());
    }

    #[test]
    fn no_law_leaves_its_tangent_by_more_than_its_bend() {
        let pipe = |roughness: f64, minor: f64| LinkKind::Pipe {
            length: 40.0,
            diameter: 0.05,
            roughness,
            minor,
        };
        let pump = |exponent: f64| LinkKind::Pump(Curve { shut_off: 30.0, slope: 900.0, exponent });
        for (law, kind) in [
            (Law::HazenWilliams, pipe(130.0, 0.0)),
            (Law::HazenWilliams, pipe(130.0, 9.0)),
            (Law::Colebrook, pipe(0.0, 0.0)),
            (Law::Colebrook, pipe(4e-3, 0.0)),
            (Law::Colebrook, pipe(1e-4, 5.0)),
            (Law::SwameeJain, pipe(1e-4, 0.0)),
            (Law::SwameeJain, pipe(4e-3, 2.0)),
            (Law::Colebrook, pump(0.3)),
            (Law::Colebrook, pump(1.0)),
            (Law::Colebrook, pump(2.3)),
            (Law::Colebrook, pump(9.0)),
            (Law::Colebrook, LinkKind::Valve { resistance: 5e5 }),
            (Law::Colebrook, LinkKind::Valve { resistance: 0.0 }),
            (Law::Colebrook, LinkKind::Check { resistance: 5e5 }),
            (Law::Colebrook, LinkKind::Limiter { resistance: 5e5, most: 1e-3 }),
        ] {
            let link = super::super::Link { name: "l".into(), from: 0, to: 1, open: true, kind };
            let laws = Laws::of(&link, law, &Fluid::WATER);
            let sizes = (0..300).map(|k| 1e-8 * libm::exp(f64::from(k) * 0.06));
            for q in sizes.flat_map(|q| [-q, q]) {
                let here = laws.at(q);
                let (reach, bend) = laws.bend(q, here.slope);
                for way in [-1.0, -0.5, -0.01, 0.003, 0.4, 1.0].map(|part| part * reach) {
                    let misses = (laws.at(q + way).head - here.head - here.slope * way).abs();
                    let rounding = 1e-13 * (here.head.abs() + here.slope * way.abs());
                    assert!(misses <= bend * way * way + rounding, "{kind:?} {law:?} {q} {way}");
                }
            }
        }
    }
}

//! Friction factors of Darcy and Weisbach.
//!
//! Laminar `64 / Re`; turbulent by Colebrook and White (1939), by Newton to the last digit, or
//! by Swamee and Jain (1976). Between Re 2 000 and 4 000 either the cubic of Dunlop (1991), as
//! EPANET has it, or a Hermite cubic of `f Re²`, so that loss and slope are continuous and rise.

/// How pipes lose head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Law {
    /// Darcy and Weisbach with the factor of Colebrook and White.
    #[default]
    Colebrook,
    /// Darcy and Weisbach with the factor of Swamee and Jain.
    SwameeJain,
    /// Hazen and Williams: water in turbulent flow.
    HazenWilliams,
}

/// Below this Reynolds number a flow is laminar, above the other one it is turbulent.
pub(crate) const LAMINAR: f64 = 2000.0;
pub(crate) const TURBULENT: f64 = 4000.0;

/// A factor, and how it changes with the Reynolds number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Friction {
    /// The factor of Darcy.
    pub factor: f64,
    /// Its derivative by the Reynolds number.
    pub slope: f64,
}

/// The factor of Colebrook and White for a turbulent flow, relative error 1e-15.
pub fn colebrook(reynolds: f64, relative_roughness: f64) -> Friction {
    let (a, b) = (relative_roughness / 3.7, 2.51 / reynolds);
    let per_log = 2.0 / std::f64::consts::LN_10;
    // Haaland 1983 as the start; x is one over the root of the factor.
    let start = libm::pow(a, 1.11) + 6.9 / reynolds;
    let mut x = -1.8 * libm::log10(start);
    for _ in 0..12 {
        let inside = a + b * x;
        let off = x + per_log * libm::log(inside);
        let slope = 1.0 + per_log * b / inside;
        let step = off / slope;
        x -= step;
        if step.abs() <= 1e-15 * x {
            break;
        }
    }
    let inside = a + b * x;
    let by_x = 1.0 + per_log * b / inside;
    let by_re = -per_log * b * x / reynolds / inside;
    let x_slope = -by_re / by_x;
    Friction { factor: 1.0 / (x * x), slope: -2.0 * x_slope / (x * x * x) }
}

/// The factor of Swamee and Jain for a turbulent flow.
pub fn swamee_jain(reynolds: f64, relative_roughness: f64) -> Friction {
    let viscous = 5.74 / libm::pow(reynolds, 0.9);
    let inside = relative_roughness / 3.7 + viscous;
    let log = libm::log10(inside);
    let by_re = -0.9 * viscous / reynolds / inside / std::f64::consts::LN_10;
    Friction { factor: 0.25 / (log * log), slope: -0.5 * by_re / (log * log * log) }
}

/// The factor at any Reynolds number above zero.
pub fn friction(law: Law, reynolds: f64, relative_roughness: f64) -> Friction {
    if reynolds <= LAMINAR {
        return Friction { factor: 64.0 / reynolds, slope: -64.0 / (reynolds * reynolds) };
    }
    let turbulent = match law {
        Law::SwameeJain => swamee_jain,
        Law::Colebrook | Law::HazenWilliams => colebrook,
    };
    if reynolds >= TURBULENT {
        return turbulent(reynolds, relative_roughness);
    }
    if law == Law::SwameeJain {
        return dunlop(reynolds, relative_roughness);
    }
    // f Re² between the two ends, with the slopes there.
    let end = turbulent(TURBULENT, relative_roughness);
    let width = TURBULENT - LAMINAR;
    let (g0, m0) = (64.0 * LAMINAR, 64.0 * width);
    let g1 = end.factor * TURBULENT * TURBULENT;
    let m1 = (2.0 * end.factor * TURBULENT + end.slope * TURBULENT * TURBULENT) * width;
    let t = (reynolds - LAMINAR) / width;
    let (t2, t3) = (t * t, t * t * t);
    let g = g0 * (2.0 * t3 - 3.0 * t2 + 1.0)
        + m0 * (t3 - 2.0 * t2 + t)
        + g1 * (3.0 * t2 - 2.0 * t3)
        + m1 * (t3 - t2);
    let by_t = (g0 - g1) * (6.0 * t2 - 6.0 * t)
        + m0 * (3.0 * t2 - 4.0 * t + 1.0)
        + m1 * (3.0 * t2 - 2.0 * t);
    let square = reynolds * reynolds;
    Friction { factor: g / square, slope: by_t / width / square - 2.0 * g / (square * reynolds) }
}

fn dunlop(reynolds: f64, relative_roughness: f64) -> Friction {
    let viscous = 5.74 / libm::pow(TURBULENT, 0.9);
    let y2 = relative_roughness / 3.7 + viscous;
    let per_log = -2.0 / std::f64::consts::LN_10;
    let y3 = per_log * libm::log(y2);
    let fa = 1.0 / (y3 * y3);
    let fb = fa * (2.0 + 1.8 * per_log * viscous / (y2 * y3));
    let r = reynolds / LAMINAR;
    let x1 = 7.0 * fa - fb;
    let x2 = 0.128 - 17.0 * fa + 2.5 * fb;
    let x3 = -0.128 + 13.0 * fa - 2.0 * fb;
    let x4 = 0.032 - 3.0 * fa + 0.5 * fb;
    Friction {
        factor: x1 + r * (x2 + r * (x3 + r * x4)),
        slope: (x2 + r * (2.0 * x3 + 3.0 * r * x4)) / LAMINAR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_factor_and_the_loss_rises_without_a_step() {
        for law in [Law::Colebrook, Law::SwameeJain] {
            for rough in [0.0, 1e-5, 1e-3, 0.05] {
                let mut before = 0.0;
                for k in 0..4000 {
                    let re = 100.0 * libm::exp(f64::from(k) * 0.003);
                    let f = friction(law, re, rough);
                    let loss = f.factor * re * re;
                    assert!(loss > before, "{law:?} {rough} {re}");
                    assert!(k == 0 || loss < 1.05 * before, "{law:?} {rough} {re}");
                    before = loss;
                    let step = 1e-6 * re;
                    let near = [re - step, re + step].map(|r| friction(law, r, rough).factor);
                    let slope = (near[1] - near[0]) / (2.0 * step);
                    let kink = [LAMINAR, TURBULENT].iter().any(|k| (re - k).abs() < 2.0 * step);
                    assert!(kink || (slope - f.slope).abs() < 1e-6 * f.factor / re * 100.0);
                }
            }
        }
    }
}

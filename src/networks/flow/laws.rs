//! Laws of many links side by side, in a form of which the processor computes several at once.

use super::loss::{LEAST_SLOPE, Laws, Power, WILLIAMS, normal_power};
use super::plan::Active;
use super::solve::Solver;

/// What links lose at their flows, m, and how fast that rises, s/m²: by columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses {
    pub(super) heads: Vec<f64>,
    pub(super) slopes: Vec<f64>,
}

/// The laws of the core. Open pipes of Hazen and Williams, by columns; all others one by one.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Links that no column is of; their rows are overwritten.
    others: Vec<u32>,
    main: Column,
    minor: Column,
    /// The least slope of the minor loss: none where there is no such loss.
    least: Vec<f64>,
}

#[derive(Debug, Default)]
struct Column {
    r: Vec<f64>,
    rounding: Vec<f64>,
}

impl Column {
    fn push(&mut self, r: f64, rounding: f64) {
        self.r.push(r);
        self.rounding.push(rounding);
    }
}

const N: f64 = WILLIAMS;

/// A flow beyond this is computed with care.
const FAR: f64 = 1e100;

impl Batch {
    pub(super) fn of(solver: &Solver, core: &[Active]) -> Batch {
        let mut batch = Batch::default();
        let plain = |a: &Active| match solver.law(a.link) {
            Some(Laws::HazenWilliams { main, minor })
                if main.is_plain() && minor.as_ref().is_none_or(Power::is_plain) =>
            {
                Some((*main, *minor))
            }
            _ => None,
        };
        for (k, a) in (0..).zip(core) {
            let (main, minor) = match plain(a) {
                Some((main, minor)) => (Some(main), minor),
                None => {
                    batch.others.push(k);
                    (None, None)
                }
            };
            let column = |law: Option<Power>| law.map_or((0.0, 1.0), |law| (law.r, law.rounding));
            let (r, rounding) = column(main);
            batch.main.push(r, rounding);
            let (r, rounding) = column(minor);
            batch.minor.push(r, rounding);
            batch.least.push(if minor.is_some() { LEAST_SLOPE } else { 0.0 });
        }
        batch
    }

    /// What every link of the core loses at a flow.
    pub(super) fn at(&self, solver: &Solver, core: &[Active], flows: &[f64], out: &mut Losses) {
        if self.others.len() < core.len() && !self.columns(flows, out) {
            for (k, (a, &q)) in core.iter().zip(flows).enumerate() {
                if !(q.abs() < FAR && out.slopes[k].is_finite()) {
                    let loss = solver.loss(a.link, q);
                    (out.heads[k], out.slopes[k]) = (loss.head, loss.slope);
                }
            }
        }
        for &k in &self.others {
            let k = k as usize;
            let loss = solver.loss(core[k].link, flows[k]);
            (out.heads[k], out.slopes[k]) = (loss.head, loss.slope);
        }
    }

    /// Answers whether nothing was out of the range of the columns.
    #[allow(clippy::needless_range_loop, reason = "columns of one length are read side by side")]
    fn columns(&self, flows: &[f64], out: &mut Losses) -> bool {
        let n = self.least.len();
        let (r, rounding) = (&self.main.r[..n], &self.main.rounding[..n]);
        let (minor, minor_rounding) = (&self.minor.r[..n], &self.minor.rounding[..n]);
        let (least, flows) = (&self.least[..n], &flows[..n]);
        let (heads, slopes) = (&mut out.heads[..n], &mut out.slopes[..n]);
        for k in 0..n {
            let q = flows[k];
            let square = q * q;
            let rounded = square + rounding[k];
            let part = r[k] * normal_power(rounded, 0.5 * (N - 1.0));
            let slope = part * (1.0 + (N - 1.0) * square / rounded);
            let fittings = square + minor_rounding[k];
            let lost = minor[k] * fittings.sqrt();
            let rise = lost * (1.0 + square / fittings);
            heads[k] = part * q + lost * q;
            let slope = if slope > LEAST_SLOPE { slope } else { LEAST_SLOPE };
            slopes[k] = slope + if rise > least[k] { rise } else { least[k] };
        }
        let out_of_range = |(q, slope): (&f64, &f64)| !(q.abs() < FAR && slope.is_finite());
        !flows.iter().zip(&*slopes).map(out_of_range).fold(false, |any, one| any | one)
    }
}

impl Losses {
    pub(super) fn of(count: usize) -> Losses {
        Losses { heads: vec![0.0; count], slopes: vec![f64::INFINITY; count] }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fluid, Law, Link, LinkKind, Network, Node, NodeKind};
    use super::*;
    use crate::Limits;

    #[test]
    fn side_by_side_laws_are_those_of_each() {
        let pipe = |k: usize, minor: f64| LinkKind::Pipe {
            length: 1.0 + 40.0 * k as f64,
            diameter: 0.01 + 0.02 * k as f64,
            roughness: 130.0,
            minor,
        };
        let kinds = (0..7).map(|k| pipe(k, 0.0)).chain((0..7).map(|k| pipe(k, 3.0)));
        let kinds = kinds.chain([LinkKind::Valve { resistance: 5e5 }]);
        let links = kinds.enumerate().map(|(k, kind)| Link {
            name: format!("l{k}").into(),
            from: 0,
            to: 1,
            open: k != 3,
            kind,
        });
        let node = |kind| Node { name: "n".into(), elevation: 0.0, kind };
        let network = Network {
            fluid: Fluid::WATER,
            law: Law::HazenWilliams,
            nodes: vec![node(NodeKind::Fixed(1.0)), node(NodeKind::Demand(0.0))],
            links: links.collect(),
        };
        let solver = Solver::new(network, &Limits::default()).unwrap();
        let active = |link| Active { link, from: 0, to: 1, u: 0, v: 1 };
        let core: Vec<Active> = (0..15).map(active).collect();
        let batch = Batch::of(&solver, &core);
        let mut out = Losses::of(core.len());
        for q in [0.0, 1e-200, -1e-9, 3e-5, -0.2, 40.0, 1e180, f64::NAN] {
            batch.at(&solver, &core, &vec![q; core.len()], &mut out);
            for (k, a) in core.iter().enumerate() {
                let wanted = solver.loss(a.link, q);
                for (f, w) in [(out.heads[k], wanted.head), (out.slopes[k], wanted.slope)] {
                    let same = f == w || f.is_nan() && w.is_nan();
                    assert!(same || (f - w).abs() <= 1e-13 * w.abs(), "{q} {a:?}: {f} for {w}");
                }
            }
        }
    }
}

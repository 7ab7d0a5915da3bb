//! Laws of many links side by side, in a form of which the processor computes several at once.

use super::loss::{LEAST_SLOPE, Laws, Loss, Power, WILLIAMS, normal_power};
use super::plan::Active;
use super::solve::Solver;

/// The laws of the core. Open pipes of Hazen and Williams, by columns; all others one by one.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pipes: Vec<u32>,
    others: Vec<u32>,
    main: Column,
    minor: Column,
    /// The least slope of the minor loss: none where there is no such loss.
    least: Vec<f64>,
    flows: Vec<f64>,
    heads: Vec<f64>,
    slopes: Vec<f64>,
}

#[derive(Debug, Default)]
struct Column {
    r: Vec<f64>,
    rounding: Vec<f64>,
}

impl Column {
    fn push(&mut self, power: &Power) {
        self.r.push(power.r);
        self.rounding.push(power.rounding);
    }
}

const N: f64 = WILLIAMS;

impl Batch {
    pub(super) fn of(solver: &Solver, core: &[Active]) -> Batch {
        let mut batch = Batch::default();
        for (k, a) in (0..).zip(core) {
            match solver.law(a.link) {
                Some(Laws::HazenWilliams { main, minor }) if main.is_plain() => {
                    batch.pipes.push(k);
                    batch.main.push(main);
                    match minor {
                        Some(minor) if minor.is_plain() => {
                            batch.minor.push(minor);
                            batch.least.push(LEAST_SLOPE);
                        }
                        None => {
                            batch.minor.push(&Power { r: 0.0, n: 2.0, rounding: 1.0 });
                            batch.least.push(0.0);
                        }
                        Some(_) => {
                            batch.pipes.pop();
                            batch.main.r.pop();
                            batch.main.rounding.pop();
                            batch.others.push(k);
                        }
                    }
                }
                _ => batch.others.push(k),
            }
        }
        let n = batch.pipes.len();
        [&mut batch.flows, &mut batch.heads, &mut batch.slopes]
            .into_iter()
            .for_each(|column| column.resize(n, 0.0));
        batch
    }

    /// What every link of the core loses at a flow.
    pub(super) fn at(&mut self, solver: &Solver, core: &[Active], flows: &[f64], out: &mut [Loss]) {
        for (q, &k) in self.flows.iter_mut().zip(&self.pipes) {
            *q = flows[k as usize];
        }
        self.columns();
        let both = self.heads.iter().zip(&self.slopes);
        for ((&k, (&head, &slope)), &q) in self.pipes.iter().zip(both).zip(&self.flows) {
            let k = k as usize;
            // What is out of the range of the columns is computed with care.
            out[k] = if q.abs() < 1e100 && slope.is_finite() {
                Loss { head, slope }
            } else {
                solver.loss(core[k].link, q)
            };
        }
        for &k in &self.others {
            let k = k as usize;
            out[k] = solver.loss(core[k].link, flows[k]);
        }
    }

    #[allow(clippy::needless_range_loop, reason = "columns of one length are read side by side")]
    fn columns(&mut self) {
        let n = self.pipes.len();
        let (r, rounding) = (&self.main.r[..n], &self.main.rounding[..n]);
        let (minor, minor_rounding) = (&self.minor.r[..n], &self.minor.rounding[..n]);
        let (least, flows) = (&self.least[..n], &self.flows[..n]);
        let (heads, slopes) = (&mut self.heads[..n], &mut self.slopes[..n]);
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
        let mut batch = Batch::of(&solver, &core);
        let mut out = vec![Loss::SHUT; core.len()];
        for q in [0.0, 1e-200, -1e-9, 3e-5, -0.2, 40.0, 1e180, f64::NAN] {
            batch.at(&solver, &core, &vec![q; core.len()], &mut out);
            for (a, found) in core.iter().zip(&out) {
                let wanted = solver.loss(a.link, q);
                for (f, w) in [(found.head, wanted.head), (found.slope, wanted.slope)] {
                    let same = f == w || f.is_nan() && w.is_nan();
                    assert!(same || (f - w).abs() <= 1e-13 * w.abs(), "{q} {a:?}: {f} for {w}");
                }
            }
        }
    }
}

//! Temperatures that stay, and those that swing: one linear solve each. A network that is
//! linear needs no warm-up: its periodic state is the solution of one complex system, with each
//! wall as an exact two-port (ISO 13786).

use num_complex::Complex;
use svgx_base::budget::Budget;
use svgx_engine::linear::{Factor, FactorError, Scalar};

use super::model::{Network, NodeKind, Wall};
use crate::accuracy::{Domain, Effort, Residual, tolerance};
use crate::finding::{Finding, Kind, State, digits, listed, number};
use crate::matrix::factor_of;
use crate::topology::Islands;
use crate::{Error, Limits, Name};

const NONE: u32 = u32::MAX;

/// The answer for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Steady {
    /// Temperature of every node; `None` where nothing fixes it.
    pub temperatures: Vec<Option<f64>>,
    /// What has to be put into every node to keep it, W: of a free node its own heat.
    pub heat: Vec<Option<f64>>,
    /// Heat along every link, W.
    pub links: Vec<Option<f64>>,
    /// Heat through every wall from inside to outside, W.
    pub walls: Vec<Option<f64>>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How exact the answer is: `balance` in W.
    pub effort: Effort,
}

/// A wall that swings with an angular frequency: heat into its two ends for temperatures there,
/// W/K: own ends and across.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoPort {
    /// Heat into the inner end for a temperature there.
    pub inside: Complex<f64>,
    /// Heat into the outer end for a temperature there.
    pub outside: Complex<f64>,
    /// Heat out of the other end for a temperature at one.
    pub across: Complex<f64>,
}

fn hyperbolic(z: Complex<f64>) -> (Complex<f64>, Complex<f64>) {
    let (s, c) = (libm::sin(z.im), libm::cos(z.im));
    let (sh, ch) = (libm::sinh(z.re), libm::cosh(z.re));
    (Complex::new(ch * c, sh * s), Complex::new(sh * c, ch * s))
}

impl Wall {
    /// The wall at an angular frequency, 1/s.
    pub fn two_port(&self, omega: f64) -> TwoPort {
        let (one, zero) = (Complex::new(1.0, 0.0), Complex::<f64>::new(0.0, 0.0));
        // From inside to outside: temperature and heat per m² inside by those outside.
        let (mut a, mut b, mut c, mut d) = (one, one * self.film_inside, zero, one);
        let mut chain = |e: Complex<f64>, f: Complex<f64>, g: Complex<f64>, h: Complex<f64>| {
            (a, b, c, d) = (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h);
        };
        for layer in self.layers.iter().rev() {
            // The root of i is (1 + i) / √2.
            let size = libm::sqrt(omega * layer.density * layer.heat / layer.conductivity / 2.0);
            let s = Complex::new(size, size);
            if size * layer.thickness < 1e-9 {
                chain(one, one * (layer.thickness / layer.conductivity), zero, one);
                continue;
            }
            let (cosh, sinh) = hyperbolic(s * layer.thickness);
            let ks = s * layer.conductivity;
            chain(cosh, sinh / ks, sinh * ks, cosh);
        }
        chain(one, one * self.film_outside, zero, one);
        TwoPort {
            inside: d / b * self.area,
            outside: a / b * self.area,
            across: b.inv() * self.area,
        }
    }

    /// What the wall stores as seen from inside over a day, J/(m² K) (ISO 13786): it differs
    /// with the order of layers, which the heat transmission coefficient does not.
    pub fn inner_capacity(&self) -> f64 {
        let omega = 2.0 * std::f64::consts::PI / 86_400.0;
        let port = self.two_port(omega);
        (port.inside - port.across).norm() / self.area / omega
    }
}

/// Unknown temperatures.
struct Unknowns {
    of: Vec<u32>,
    count: usize,
    islands: Islands,
    /// Whether an island has a temperature that is given.
    fixed: Vec<bool>,
}

fn unknowns(network: &Network, budget: &Budget) -> Result<Unknowns, Error> {
    let n = network.nodes.len();
    let ends = network
        .links
        .iter()
        .filter(|l| l.conductance > 0.0)
        .map(|l| (l.from, l.to))
        .chain(network.walls.iter().map(|w| (w.outside, w.inside)));
    let islands = Islands::of(n, ends, budget)?;
    let mut fixed = vec![false; islands.count()];
    for (k, node) in network.nodes.iter().enumerate() {
        if let NodeKind::Fixed(_) = node.kind {
            fixed[islands.island(k as u32)] = true;
        }
    }
    let mut of = vec![NONE; n];
    let mut count = 0;
    for (k, node) in network.nodes.iter().enumerate() {
        let free = matches!(node.kind, NodeKind::Free(_));
        if free && fixed[islands.island(k as u32)] {
            of[k] = count;
            count += 1;
        }
    }
    Ok(Unknowns { of, count: count as usize, islands, fixed })
}

fn factor<T: Scalar>(network: &Network, u: &Unknowns, budget: &Budget) -> Result<Factor<T>, Error> {
    let ends = network
        .links
        .iter()
        .map(|l| (l.from, l.to))
        .chain(network.walls.iter().map(|w| (w.outside, w.inside)));
    let pairs = ends.filter_map(|(a, b)| {
        let pair = [u.of[a as usize], u.of[b as usize]];
        (!pair.contains(&NONE) && pair[0] != pair[1]).then_some(pair)
    });
    factor_of(u.count, pairs, budget)
}

fn factored<T: Scalar>(
    network: &Network,
    u: &Unknowns,
    factor: &mut Factor<T>,
    budget: &Budget,
) -> Result<(), Error> {
    match factor.factor(0.0, budget) {
        Ok(()) => Ok(()),
        Err(FactorError::Stopped(stop)) => Err(stop.into()),
        Err(FactorError::NotPositive(pivot)) => {
            let at = u.of.iter().position(|&k| k == pivot.row).unwrap_or(0);
            Err(Error::Overflow { at: network.nodes[at].name.clone() })
        }
    }
}

/// Puts a two-port between two nodes: into the matrix, and where an end is given, to the right.
fn stamp<T: Scalar>(
    factor: &mut Factor<T>,
    right: &mut [T],
    u: &Unknowns,
    given: &[T],
    (a, b): (u32, u32),
    [own_a, own_b, across]: [T; 3],
) {
    if a == b {
        return;
    }
    let (i, j) = (u.of[a as usize], u.of[b as usize]);
    if i != NONE {
        factor.add(i, i, own_a);
        if j == NONE {
            right[i as usize] += across * given[b as usize];
        }
    }
    if j != NONE {
        factor.add(j, j, own_b);
        if i == NONE {
            right[j as usize] += across * given[a as usize];
        }
    }
    if i != NONE && j != NONE {
        factor.add(i, j, -across);
    }
}

/// Temperatures that stay.
///
/// # Errors
/// [`Error`] for a network that cannot be solved at all.
pub fn steady(network: &Network, limits: &Limits, budget: &Budget) -> Result<Steady, Error> {
    steady_with(network, false, limits, budget)
}

/// The same; `refined` by what the solution misses, solved once more: the difference is the
/// error of a solution that is not.
pub(crate) fn steady_with(
    network: &Network,
    refined: bool,
    limits: &Limits,
    budget: &Budget,
) -> Result<Steady, Error> {
    network.admit(limits)?;
    let n = network.nodes.len();
    let u = unknowns(network, budget)?;
    let mut factor: Factor<f64> = factor(network, &u, budget)?;
    let mut right = vec![0.0; u.count];
    let mut given = vec![0.0; n];
    for (k, node) in network.nodes.iter().enumerate() {
        match node.kind {
            NodeKind::Fixed(t) => given[k] = t,
            NodeKind::Free(heat) if u.of[k] != NONE => right[u.of[k] as usize] += heat,
            NodeKind::Free(_) => {}
        }
    }
    for link in &network.links {
        let g = link.conductance;
        stamp(&mut factor, &mut right, &u, &given, (link.from, link.to), [g, g, g]);
    }
    for wall in &network.walls {
        let g = wall.u_value() * wall.area;
        stamp(&mut factor, &mut right, &u, &given, (wall.inside, wall.outside), [g, g, g]);
    }
    factored(network, &u, &mut factor, budget)?;
    let mut missed = if refined { right.clone() } else { Vec::new() };
    factor.solve(&mut right);
    if refined {
        let mut carried = vec![0.0; right.len()];
        factor.multiply(&right, &mut carried);
        missed.iter_mut().zip(&carried).for_each(|(m, c)| *m -= c);
        factor.solve(&mut missed);
        right.iter_mut().zip(&missed).for_each(|(t, m)| *t += m);
    }
    let temperatures: Vec<Option<f64>> = (0..n)
        .map(|k| match (network.nodes[k].kind, u.of[k]) {
            (NodeKind::Fixed(t), _) => Some(t),
            (_, NONE) => None,
            (_, i) => Some(right[i as usize]),
        })
        .collect();
    let mut heat = vec![0.0; n];
    let mut flow = |a: u32, b: u32, g: f64| -> Option<f64> {
        let q = g * (temperatures[a as usize]? - temperatures[b as usize]?);
        heat[a as usize] += q;
        heat[b as usize] -= q;
        Some(q)
    };
    let links = network.links.iter().map(|l| flow(l.from, l.to, l.conductance)).collect();
    let walls =
        network.walls.iter().map(|w| flow(w.inside, w.outside, w.u_value() * w.area)).collect();
    let mut balance = 0.0f64;
    for (k, node) in network.nodes.iter().enumerate() {
        if let (NodeKind::Free(asked), Some(_)) = (node.kind, temperatures[k]) {
            balance = balance.max((heat[k] - asked).abs());
        }
    }
    let heat = (0..n).map(|k| temperatures[k].map(|_| heat[k])).collect();
    let effort = Effort {
        residual: Residual { balance, energy: 0.0 },
        tolerance: tolerance(Domain::Heat, budget.tier()),
        converged: balance.is_finite(),
        iterations: 1,
        ..Effort::default()
    };
    let findings = floating(network, &u, limits);
    Ok(Steady { temperatures, heat, links, walls, findings, effort })
}

/// Islands in which no temperature is given.
fn floating(network: &Network, u: &Unknowns, limits: &Limits) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (members, _) in u.islands.members().iter().zip(&u.fixed).filter(|(_, f)| !**f) {
        if findings.len() >= limits.findings {
            break;
        }
        let of = |&k: &u32| &network.nodes[k as usize];
        let names: Vec<Name> = members.iter().map(|k| of(k).name.clone()).collect();
        let put: f64 =
            members.iter().map(|k| if let NodeKind::Free(q) = of(k).kind { q } else { 0.0 }).sum();
        let (state, message) = if put == 0.0 {
            (State::Unknown, format!("nothing fixes the temperature of {}", listed(&names)))
        } else {
            let verb = number(names.len(), "has", "have");
            let message = format!(
                "{} {verb} {} W put in and nothing that takes it: no temperature stays",
                listed(&names),
                digits(put)
            );
            (State::Failed, message)
        };
        findings.push(Finding::new(Kind::Floating, state, names, message));
    }
    findings
}

/// Temperatures that swing with an angular frequency, 1/s: `swing` is the complex amplitude of
/// each fixed temperature and of the heat of each free node.
///
/// # Errors
/// [`Error`] for a network that cannot be solved at all.
pub fn periodic(
    network: &Network,
    omega: f64,
    swing: &[Complex<f64>],
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<Option<Complex<f64>>>, Error> {
    network.admit(limits)?;
    let n = network.nodes.len();
    let u = unknowns(network, budget)?;
    let mut factor: Factor<Complex<f64>> = factor(network, &u, budget)?;
    let mut right = vec![Complex::default(); u.count];
    let mut given = vec![Complex::default(); n];
    for (k, node) in network.nodes.iter().enumerate() {
        let value = swing.get(k).copied().unwrap_or_default();
        match (node.kind, u.of[k]) {
            (NodeKind::Fixed(_), _) => given[k] = value,
            (NodeKind::Free(_), NONE) => {}
            (NodeKind::Free(_), i) => {
                right[i as usize] += value;
                factor.add(i, i, Complex::new(0.0, omega * node.capacity));
            }
        }
    }
    for link in &network.links {
        let g = Complex::new(link.conductance, 0.0);
        stamp(&mut factor, &mut right, &u, &given, (link.from, link.to), [g, g, g]);
    }
    for wall in &network.walls {
        let port = wall.two_port(omega);
        let values = [port.inside, port.outside, port.across];
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::Overflow { at: wall.name.clone() });
        }
        stamp(&mut factor, &mut right, &u, &given, (wall.inside, wall.outside), values);
    }
    factored(network, &u, &mut factor, budget)?;
    factor.solve(&mut right);
    Ok((0..n)
        .map(|k| match (network.nodes[k].kind, u.of[k]) {
            (NodeKind::Fixed(_), _) => Some(given[k]),
            (_, NONE) => None,
            (_, i) => Some(right[i as usize]),
        })
        .collect())
}

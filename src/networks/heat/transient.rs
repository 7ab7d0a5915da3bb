//! Temperatures in time by TR-BDF2 (Bank and others 1985) with the embedded error of Hosea and
//! Shampine (1996): both stages have one matrix, and a step that is halved or doubled is the
//! only reason to factor again.

use serde::{Deserialize, Serialize};
use svgx_base::budget::Budget;
use svgx_engine::linear::{FactorError, Ldl};

use super::model::{Network, NodeKind};
use crate::accuracy::{Domain, tolerance};
use crate::matrix::factor_of;
use crate::{Error, Limits, Name};

const NONE: u32 = u32::MAX;

/// How many cells a layer of a wall is cut into.
pub const CELLS: usize = 8;

/// How often a step may be halved in a row.
const MOST_HALVINGS: u32 = 40;

/// Part of the tolerance below which the error of a step lets it double.
const LITTLE: f64 = 0.05;

/// How many steps one call makes.
const MOST_STEPS: u32 = 1_000_000;

/// A network in time.
#[derive(Debug, Clone)]
pub struct Transient {
    /// Capacity of every node, then of every cell of a wall, J/K.
    capacity: Vec<f64>,
    links: Vec<(u32, u32, f64)>,
    unknown: Vec<u32>,
    /// How many unknowns there are.
    count: usize,
    /// Unknowns next to fixed nodes: which, the node, the conductance.
    given: Vec<(u32, u32, f64)>,
    /// What flows into every node now, unless that changed since.
    rate: Option<Vec<f64>>,
    /// Heat of free nodes, temperature of fixed ones.
    drive: Vec<f64>,
    temperatures: Vec<f64>,
    factor: Ldl,
    step: f64,
    factored: Option<f64>,
    tolerance: f64,
    names: Vec<Name>,
    time: f64,
    steps: u32,
    error: f64,
}

/// A network in time between two steps: what follows depends on nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rest {
    drive: Vec<f64>,
    temperatures: Vec<f64>,
    step: f64,
    time: f64,
    steps: u32,
    error: f64,
}

impl Transient {
    /// A network whose free nodes and walls start at a temperature each.
    ///
    /// # Errors
    /// [`Error`] for a network that is too large or impossible.
    pub fn new(
        network: &Network,
        start: &[f64],
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Transient, Error> {
        network.admit(limits)?;
        let n = network.nodes.len();
        let cells: usize = network.walls.iter().map(|w| w.layers.len() * CELLS).sum();
        limits.admit(n + cells, network.links.len() + cells)?;
        let mut capacity: Vec<f64> = network.nodes.iter().map(|n| n.capacity).collect();
        let mut drive = vec![0.0; n];
        let mut temperatures: Vec<f64> =
            (0..n).map(|k| start.get(k).copied().unwrap_or_default()).collect();
        for (k, node) in network.nodes.iter().enumerate() {
            let (NodeKind::Free(v) | NodeKind::Fixed(v)) = node.kind;
            drive[k] = v;
            if let NodeKind::Fixed(t) = node.kind {
                temperatures[k] = t;
            }
        }
        let mut links: Vec<(u32, u32, f64)> =
            network.links.iter().map(|l| (l.from, l.to, l.conductance)).collect();
        for wall in &network.walls {
            let mut before = wall.outside;
            let mut resistance = wall.film_outside;
            let from = temperatures[wall.outside as usize];
            let to = temperatures[wall.inside as usize];
            let mut passed = resistance;
            for layer in &wall.layers {
                let thickness = layer.thickness / CELLS as f64;
                let half = 0.5 * thickness / layer.conductivity;
                for _ in 0..CELLS {
                    let cell = capacity.len() as u32;
                    capacity.push(wall.area * thickness * layer.density * layer.heat);
                    drive.push(0.0);
                    passed += half;
                    // It starts as if its ends had stayed as they are.
                    temperatures.push(from + (to - from) * passed * wall.u_value());
                    passed += half;
                    links.push((before, cell, wall.area / (resistance + half)));
                    before = cell;
                    resistance = half;
                }
            }
            links.push((before, wall.inside, wall.area / (resistance + wall.film_inside)));
        }
        let mut unknown = vec![NONE; capacity.len()];
        let mut count = 0;
        for (k, u) in unknown.iter_mut().enumerate() {
            let fixed = network.nodes.get(k).is_some_and(|n| matches!(n.kind, NodeKind::Fixed(_)));
            if !fixed {
                *u = count;
                count += 1;
            }
        }
        let pairs = links.iter().filter_map(|&(a, b, _)| {
            let pair = [unknown[a as usize], unknown[b as usize]];
            (!pair.contains(&NONE) && pair[0] != pair[1]).then_some(pair)
        });
        let factor = factor_of(count as usize, pairs, budget)?;
        let both = links.iter().flat_map(|&(a, b, g)| [(a, b, g), (b, a, g)]);
        let given = both.filter_map(|(a, b, g)| {
            let u = unknown[a as usize];
            (u != NONE && unknown[b as usize] == NONE).then_some((u, b, g))
        });
        Ok(Transient {
            capacity,
            given: given.collect(),
            count: count as usize,
            rate: None,
            links,
            unknown,
            drive,
            temperatures,
            factor,
            step: 60.0,
            factored: None,
            tolerance: tolerance(Domain::Heat, budget.tier()),
            names: network.nodes.iter().map(|n| n.name.clone()).collect(),
            time: 0.0,
            steps: 0,
            error: 0.0,
        })
    }

    /// What it is known by between two calls.
    pub(crate) fn rest(&self) -> Rest {
        Rest {
            drive: self.drive.clone(),
            temperatures: self.temperatures.clone(),
            step: self.step,
            time: self.time,
            steps: self.steps,
            error: self.error,
        }
    }

    /// Goes to where another one of the same network was. Answers whether it fits.
    pub(crate) fn go_to(&mut self, rest: Rest) -> bool {
        let Rest { drive, temperatures, step, time, steps, error } = rest;
        let finite = drive.iter().chain(&temperatures).all(|v| v.is_finite());
        let fits = finite
            && (drive.len(), temperatures.len()) == (self.drive.len(), self.temperatures.len());
        if !(fits && step.is_finite() && step > 0.0 && time.is_finite()) {
            return false;
        }
        (self.drive, self.temperatures) = (drive, temperatures);
        (self.step, self.time, self.steps, self.error) = (step, time, steps, error);
        (self.rate, self.factored) = (None, None);
        true
    }

    /// Time since the start, s.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// How many steps were made.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// The largest estimated error of a step so far, K.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Temperatures of the nodes.
    pub fn temperatures(&self) -> &[f64] {
        &self.temperatures[..self.names.len()]
    }

    /// Changes the heat of a free node or the temperature of a fixed one from now on. Answers
    /// whether there is such a node.
    pub fn set(&mut self, node: usize, value: f64) -> bool {
        if node >= self.names.len() || !value.is_finite() {
            return false;
        }
        self.drive[node] = value;
        self.rate = None;
        if self.unknown[node] == NONE {
            self.temperatures[node] = value;
        }
        true
    }

    /// Heat into a node along everything it is connected to, W.
    pub fn inflow(&self, node: u32) -> f64 {
        let t = &self.temperatures;
        let at = |a: u32, b: u32, g: f64| g * (t[a as usize] - t[b as usize]);
        self.links
            .iter()
            .map(|&(a, b, g)| match node {
                n if n == b => at(a, b, g),
                n if n == a => at(b, a, g),
                _ => 0.0,
            })
            .sum()
    }

    /// Moves on by a duration, s.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the state at the last step that was made, [`Error::Overflow`].
    pub fn advance(&mut self, duration: f64, budget: &Budget) -> Result<(), Error> {
        let end = self.time + duration.max(0.0);
        let mut halvings = 0;
        let first = self.steps;
        while end - self.time > 1e-9 * end.max(1.0) {
            budget.checkpoint()?;
            if self.steps - first > MOST_STEPS {
                let (what, count) = ("steps of a transient", (self.steps - first) as usize);
                return Err(Error::TooLarge { what, count, limit: MOST_STEPS as usize });
            }
            // Equal steps up to the end, so that the factor serves all of them.
            let left = end - self.time;
            let h = left / libm::ceil(left / self.step * (1.0 - 1e-12)).max(1.0);
            let (next, rate, error) = self.attempt(h, budget)?;
            if !error.is_finite() {
                return Err(Error::Overflow {
                    at: self.names.first().cloned().unwrap_or_else(|| "nothing".into()),
                });
            }
            if error > self.tolerance && halvings < MOST_HALVINGS {
                halvings += 1;
                self.step = 0.5 * h;
                continue;
            }
            halvings = 0;
            self.temperatures = next;
            self.rate = Some(rate);
            self.time += h;
            self.steps += 1;
            self.error = self.error.max(error);
            if error < LITTLE * self.tolerance {
                self.step = 2.0 * h;
            }
        }
        self.time = end;
        Ok(())
    }

    /// What flows into every node at temperatures, with its own heat, W.
    fn balance(&self, t: &[f64]) -> Vec<f64> {
        let mut sums = self.drive.clone();
        for &(a, b, g) in &self.links {
            let q = g * (t[a as usize] - t[b as usize]);
            sums[a as usize] -= q;
            sums[b as usize] += q;
        }
        sums
    }

    /// Temperatures after a step, what flows into nodes there, and the error of the step, K.
    fn attempt(&mut self, h: f64, budget: &Budget) -> Result<(Vec<f64>, Vec<f64>, f64), Error> {
        let gamma = 2.0 - 2f64.sqrt();
        let d = gamma / 2.0;
        self.prepare(d * h, budget)?;
        let t0 = self.temperatures.clone();
        let f0 = self.rate.take().unwrap_or_else(|| self.balance(&t0));
        // A node without mass follows at once: it has no history.
        let history = |k: usize, mass: f64, rate: f64| {
            if self.capacity[k] > 0.0 { self.capacity[k] * mass + d * h * rate } else { 0.0 }
        };
        let right: Vec<f64> = (0..t0.len()).map(|k| history(k, t0[k], f0[k])).collect();
        let t1 = self.implicit(right, d * h);
        let f1 = self.balance(&t1);
        let history = |k: usize| {
            let mass = (t1[k] - (1.0 - gamma) * (1.0 - gamma) * t0[k]) / (gamma * (2.0 - gamma));
            self.capacity[k] * mass
        };
        let right: Vec<f64> = (0..t0.len()).map(history).collect();
        let t2 = self.implicit(right, d * h);
        let f2 = self.balance(&t2);
        let w = 2f64.sqrt() / 4.0;
        let (e0, e1, e2) = ((4.0 * w - 1.0) / 3.0, -1.0 / 3.0, 2.0 * d / 3.0);
        let mut error: Vec<f64> = vec![0.0; self.count];
        for (k, &u) in self.unknown.iter().enumerate() {
            if u != NONE && self.capacity[k] > 0.0 {
                error[u as usize] = h * (e0 * f0[k] + e1 * f1[k] + e2 * f2[k]);
            }
        }
        // The sum of a row of the matrix is at least the capacity, so that no temperature is off
        // by more than this; where that is little, it need not be known better.
        let bound = self.unknown.iter().zip(&self.capacity).filter(|(u, _)| **u != NONE);
        let bound = bound.fold(0.0f64, |most, (&u, &c)| match error[u as usize] {
            0.0 => most,
            e if (e / c).is_finite() => most.max((e / c).abs()),
            _ => f64::INFINITY,
        });
        if bound < LITTLE * self.tolerance {
            self.rate = Some(f0);
            return Ok((t2, f2, bound));
        }
        self.factor.solve(&mut error);
        let most = error
            .iter()
            .fold(0.0f64, |m, e| if e.is_nan() { f64::INFINITY } else { m.max(e.abs()) });
        // A step that is not taken is tried again from here.
        self.rate = Some(f0);
        Ok((t2, f2, most))
    }

    /// Solves `(C + s K) t = right + s (drive and what fixed nodes give)`.
    fn implicit(&mut self, right: Vec<f64>, s: f64) -> Vec<f64> {
        let mut b = vec![0.0; self.count];
        for (k, &u) in self.unknown.iter().enumerate() {
            if u != NONE {
                b[u as usize] = right[k] + s * self.drive[k];
            }
        }
        for &(u, fixed, g) in &self.given {
            b[u as usize] += s * g * self.temperatures[fixed as usize];
        }
        self.factor.solve(&mut b);
        let mut t = self.temperatures.clone();
        for (k, &u) in self.unknown.iter().enumerate() {
            if u != NONE {
                t[k] = b[u as usize];
            }
        }
        t
    }

    fn prepare(&mut self, s: f64, budget: &Budget) -> Result<(), Error> {
        if self.factored == Some(s) {
            return Ok(());
        }
        self.factor.clear();
        for (k, &u) in self.unknown.iter().enumerate() {
            if u != NONE {
                self.factor.add(u, u, self.capacity[k]);
            }
        }
        for &(a, b, g) in self.links.iter().filter(|(a, b, _)| a != b) {
            let (u, v) = (self.unknown[a as usize], self.unknown[b as usize]);
            for w in [u, v] {
                if w != NONE {
                    self.factor.add(w, w, s * g);
                }
            }
            if u != NONE && v != NONE {
                self.factor.add(u, v, -s * g);
            }
        }
        // A node without mass that nothing touches keeps its temperature.
        match self.factor.factor_holding(1e-14, budget) {
            Ok(_) => {
                self.factored = Some(s);
                Ok(())
            }
            Err(FactorError::Stopped(stop)) => Err(stop.into()),
            Err(FactorError::NotPositive(pivot)) => {
                let at = self.unknown.iter().position(|&u| u == pivot.row).unwrap_or(0);
                let name = self.names.get(at).or(self.names.first()).cloned();
                Err(Error::Overflow { at: name.unwrap_or_else(|| "nothing".into()) })
            }
        }
    }
}

//! Voltages of a circuit: the impedance part of every load is in the admittance matrix, the
//! rest is a current that is corrected until voltages no longer change (as distribution
//! programs do, e.g. Dugan 1996), accelerated after Anderson (1965; Walker and Ni 2011).
//!
//! The start is the voltages with every load as an impedance, so that phase shifts of
//! transformers need no guess.

use svgx_base::budget::{Budget, Stop};
use svgx_engine::linear::{Factor, FactorError};

use super::circuit::{Block, Circuit, EARTH, Phasor};
use super::mixing::Mixing;
use super::ties::{self, Tied};
use crate::accuracy::{Domain, Effort, Reused, tolerance};
use crate::finding::Finding;
use crate::matrix::{Dense, factor_of};
use crate::topology::{Islands, LINKS_PER_CHECKPOINT};
use crate::{Error, Limits};

/// A pivot that is smaller than this, relative to its diagonal, floats.
const FLOATING: f64 = 1e-12;

/// How often currents of loads are corrected.
const MOST_ITERATIONS: u32 = 200;

/// Part of its nominal voltage below which a load is taken to have collapsed.
const COLLAPSED: f64 = 0.02;

/// A circuit with what was computed of it.
#[derive(Debug, Clone)]
pub struct Solver<T> {
    pub(super) circuit: Circuit<T>,
    limits: Limits,
    tied: Tied<T>,
    pub(super) islands: Vec<Island<T>>,
    /// The unknown of every terminal within its island; `NONE` for fixed or dead ones.
    unknown: Vec<u32>,
    /// The island of every terminal.
    pub(super) home: Vec<u32>,
    findings: Vec<Finding>,
}

const NONE: u32 = u32::MAX;

/// Terminals that have to be solved together.
#[derive(Debug, Clone)]
pub(super) struct Island<T> {
    pub(super) terminals: Vec<u32>,
    blocks: Vec<u32>,
    pub(super) loads: Vec<u32>,
    /// The representatives, in order of their unknowns.
    unknowns: Vec<u32>,
    pub(super) state: Supply,
    factor: Option<Factor<T>>,
    /// Whether the factor holds today's admittances.
    current: bool,
    /// The admittance of every load that is in the factor.
    within: Vec<T>,
    /// Terminals whose voltage to earth nothing fixes.
    pub(super) floating: Vec<u32>,
    /// How the voltages may rise together, where something floats.
    pub(super) mode: Vec<T>,
    pub(super) voltages: Vec<T>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supply {
    Live,
    Dead,
    Refused,
}

/// The answer for a circuit.
#[derive(Debug, Clone)]
pub struct Solution<T> {
    /// Voltage of every terminal to earth, V. `None` where nothing supplies it, where sources
    /// contradict each other, or where there is no solution.
    pub voltages: Vec<Option<T>>,
    /// Whether nothing fixes the voltage to earth: only differences within the part mean
    /// something.
    pub floating: Vec<bool>,
    /// Current through every tie from `to` to `from`, that is: out of the source at its higher
    /// terminal, A. `None` where it divides between ideal links in a way that nothing says.
    pub tie_currents: Vec<Option<T>>,
    /// Terminals by island.
    pub islands: Vec<Vec<u32>>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How exact the answer is. `balance` in A; `energy` is the last change of a voltage,
    /// relative to nominal.
    pub effort: Effort,
}

impl<T: Phasor> Solution<T> {
    /// The voltage between two terminals, V: exists where that to earth does not.
    pub fn between(&self, from: u32, to: u32) -> Option<T> {
        let at = |t: u32| match t {
            EARTH => Some(T::default()),
            t => self.voltages.get(t as usize).copied().flatten(),
        };
        Some(at(from)? - at(to)?)
    }
}

impl<T: Phasor> Solver<T> {
    /// Finds islands, floating parts and conflicting sources.
    ///
    /// # Errors
    /// [`Error`] for a circuit that is too large, refers to terminals that do not exist, or has
    /// quantities that are no numbers.
    pub fn new(circuit: Circuit<T>, limits: &Limits, budget: &Budget) -> Result<Solver<T>, Error> {
        circuit.admit(limits)?;
        let n = circuit.terminals.len();
        let tied = Tied::of(&circuit);
        let links = circuit.links();
        let found = Islands::of(n, links.iter().copied(), budget)?;
        let mut islands: Vec<Island<T>> = found
            .members()
            .into_iter()
            .map(|terminals| Island {
                terminals,
                blocks: Vec::new(),
                loads: Vec::new(),
                unknowns: Vec::new(),
                state: Supply::Dead,
                factor: None,
                current: false,
                within: Vec::new(),
                floating: Vec::new(),
                mode: Vec::new(),
                voltages: Vec::new(),
            })
            .collect();
        let home: Vec<u32> = (0..n as u32).map(|t| found.island(t) as u32).collect();
        let island = |terminals: &[u32]| {
            terminals.iter().find(|&&t| t != EARTH).map(|&t| home[t as usize] as usize)
        };
        for (k, block) in circuit.blocks.iter().enumerate() {
            if let Some(at) = island(&block.terminals) {
                islands[at].blocks.push(k as u32);
                if block.is_source() {
                    islands[at].state = Supply::Live;
                }
            }
        }
        for (k, load) in circuit.loads.iter().enumerate() {
            if let Some(at) = island(&[load.from, load.to]) {
                islands[at].loads.push(k as u32);
            }
        }
        for tie in circuit.ties.iter().filter(|t| t.source) {
            if let Some(at) = island(&[tie.from, tie.to]) {
                islands[at].state = Supply::Live;
            }
        }
        let mut findings = Vec::new();
        for (terminal, finding) in &tied.conflicts {
            if let Some(at) = island(&[*terminal]) {
                islands[at].state = Supply::Refused;
            }
            findings.extend(finding.clone());
        }
        let mut unknown = vec![NONE; n];
        for island in &mut islands {
            for &t in &island.terminals {
                let (root, _) = tied.of[t as usize];
                if root < n as u32 && unknown[root as usize] == NONE {
                    unknown[root as usize] = island.unknowns.len() as u32;
                    island.unknowns.push(root);
                }
            }
        }
        Ok(Solver { circuit, limits: *limits, tied, islands, unknown, home, findings })
    }

    /// The circuit as it is now.
    pub fn circuit(&self) -> &Circuit<T> {
        &self.circuit
    }

    /// Changes what a load takes; the factor stays. Answers whether there is such a load.
    pub fn set_load(&mut self, load: usize, power: T) -> bool {
        if !power.magnitude().is_finite() {
            return false;
        }
        self.circuit.loads.get_mut(load).map(|l| l.power = power).is_some()
    }

    /// Replaces a block by one between the same terminals: the island is factored anew, its order
    /// stays. Answers whether there is such a block.
    pub fn set_block(&mut self, block: usize, with: Block<T>) -> bool {
        let Some(b) = self.circuit.blocks.get_mut(block) else { return false };
        let finite = with.admittance.values.iter().chain(&with.injected);
        if b.terminals != with.terminals || !finite.clone().all(|y| y.magnitude().is_finite()) {
            return false;
        }
        *b = with;
        if let Some(&t) = b.terminals.iter().find(|&&t| t != EARTH) {
            self.islands[self.home[t as usize] as usize].current = false;
        }
        true
    }

    /// Current into every terminal of a block, A, at a solution.
    pub fn block_currents(&self, block: usize, solution: &Solution<T>) -> Option<Vec<T>> {
        let b = self.circuit.blocks.get(block)?;
        let v: Option<Vec<T>> = b.terminals.iter().map(|&t| solution.between(t, EARTH)).collect();
        let v = v?;
        let current = (0..v.len()).map(|i| {
            let mut sum = T::default();
            for (j, &v) in v.iter().enumerate() {
                sum += b.admittance.at(i, j) * v;
            }
            sum - b.injected.get(i).copied().unwrap_or_default()
        });
        Some(current.collect())
    }

    /// Solves from where the last solution was.
    ///
    /// # Errors
    /// [`Error::Overflow`] for admittances that cannot be computed with, [`Error::Stopped`]
    /// before there is any iterate.
    pub fn solve(&mut self, budget: &Budget) -> Result<Solution<T>, Error> {
        let n = self.circuit.terminals.len();
        let aim = tolerance(Domain::Electrical, budget.tier());
        let mut solution = Solution {
            voltages: vec![None; n],
            floating: vec![false; n],
            tie_currents: Vec::new(),
            islands: self.islands.iter().map(|i| i.terminals.clone()).collect(),
            findings: self.findings.iter().cloned().chain(self.dead(&self.limits)).collect(),
            effort: Effort {
                tolerance: aim,
                converged: true,
                reused: Reused::Factor,
                ..Effort::default()
            },
        };
        for k in 0..self.islands.len() {
            if self.islands[k].state != Supply::Live {
                continue;
            }
            let reused = self.prepare(k, budget)?;
            let effort = &mut solution.effort;
            if reused == Reused::Nothing || effort.reused == Reused::Factor {
                effort.reused = reused;
            }
            if let Some(finding) = self.no_return(k) {
                effort.converged = false;
                solution.findings.push(finding);
                continue;
            }
            let run = self.iterate(k, 1.0, aim, budget)?;
            if let (Some(stop), true) = (run.stopped, budget.is_strict()) {
                return Err(stop.into());
            }
            effort.iterations = effort.iterations.max(run.iterations);
            effort.residual.energy = effort.residual.energy.max(run.change);
            effort.stopped = effort.stopped.or(run.stopped);
            if run.collapsed {
                effort.converged = false;
                let finding = self.limit(k, aim, budget)?;
                solution.findings.push(finding);
                self.islands[k].voltages.clear();
                continue;
            }
            effort.converged &= run.change <= aim;
            let island = &self.islands[k];
            for &t in &island.terminals {
                solution.voltages[t as usize] = Some(self.voltage(island, t));
            }
            for &t in &island.floating {
                solution.floating[t as usize] = true;
            }
            if !island.floating.is_empty() {
                solution.findings.push(self.floats(island));
            }
        }
        let leaving = self.leaving(&solution);
        solution.effort.residual.balance = self.imbalance(&leaving, &solution);
        solution.tie_currents = ties::currents(&self.circuit, &self.tied.tree, &leaving);
        for (tie, current) in self.circuit.ties.iter().zip(&mut solution.tie_currents) {
            let known = [tie.from, tie.to]
                .into_iter()
                .all(|t| solution.voltages.get(t as usize).is_none_or(Option::is_some));
            if !known {
                *current = None;
            }
        }
        Ok(solution)
    }

    /// The impedances between terminals as seen from outside, Ω: the voltages to earth that a
    /// current of one ampere into each of them makes. `None` before a solution, where a terminal
    /// is not supplied, or where terminals are not of one island.
    pub(crate) fn impedance(&mut self, terminals: &[u32]) -> Option<Dense<T>> {
        let k = self.home[*terminals.first()? as usize] as usize;
        let mut factor = self.islands[k].factor.take()?;
        let mut z = Dense::zero(terminals.len());
        let mut whole = self.islands[k].current;
        for (j, &from) in terminals.iter().enumerate() {
            whole &= self.home[from as usize] as usize == k;
            let mut right = vec![T::default(); self.islands[k].unknowns.len()];
            if let Some(u) = self.unknown(from).filter(|_| whole) {
                right[u as usize] = T::real(1.0);
                factor.solve(&mut right);
            }
            for (i, &at) in terminals.iter().enumerate() {
                if let Some(u) = self.unknown(at).filter(|_| whole) {
                    z.add(i, j, right[u as usize]);
                }
            }
        }
        self.islands[k].factor = Some(factor);
        whole.then_some(z)
    }

    pub(super) fn voltage(&self, island: &Island<T>, terminal: u32) -> T {
        if terminal == EARTH {
            return T::default();
        }
        let (root, above) = self.tied.of[terminal as usize];
        match self.unknown.get(root as usize) {
            Some(&u) => island.voltages.get(u as usize).copied().unwrap_or_default() + above,
            None => above,
        }
    }

    /// The unknown of a terminal, if its voltage is not fixed.
    fn unknown(&self, terminal: u32) -> Option<u32> {
        if terminal == EARTH {
            return None;
        }
        self.unknown.get(self.tied.of[terminal as usize].0 as usize).copied()
    }

    fn offset(&self, terminal: u32) -> T {
        if terminal == EARTH { T::default() } else { self.tied.of[terminal as usize].1 }
    }

    /// Orders and factors an island, as far as that is not done.
    fn prepare(&mut self, k: usize, budget: &Budget) -> Result<Reused, Error> {
        if self.islands[k].factor.is_some() && self.islands[k].current {
            return Ok(Reused::Factor);
        }
        let mut reused = Reused::Order;
        let mut factor = match self.islands[k].factor.take() {
            Some(factor) => factor,
            None => {
                reused = Reused::Nothing;
                let island = &self.islands[k];
                let blocks = island.blocks.iter().map(|&b| {
                    let block = &self.circuit.blocks[b as usize];
                    self.unknowns(&block.terminals)
                });
                let loads = island.loads.iter().map(|&l| {
                    let load = &self.circuit.loads[l as usize];
                    self.unknowns(&[load.from, load.to])
                });
                factor_of(island.unknowns.len(), blocks.chain(loads), budget)?
            }
        };
        factor.clear();
        let island = &self.islands[k];
        let mut within = Vec::with_capacity(island.loads.len());
        let mut stamp = |terminals: &[u32], y: &dyn Fn(usize, usize) -> T| {
            for (i, &a) in terminals.iter().enumerate() {
                let Some(a) = self.unknown(a) else { continue };
                for (j, &b) in terminals.iter().enumerate() {
                    let Some(b) = self.unknown(b) else { continue };
                    // Off the diagonal an entry is stored once; on it two terminals may meet.
                    if a <= b {
                        factor.add(a, b, y(i, j));
                    }
                }
            }
        };
        for (count, &b) in island.blocks.iter().enumerate() {
            if count % LINKS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            let block = &self.circuit.blocks[b as usize];
            stamp(&block.terminals, &|i, j| block.admittance.at(i, j));
        }
        for &l in &island.loads {
            let load = &self.circuit.loads[l as usize];
            let y = load.admittance();
            stamp(&[load.from, load.to], &|i, j| if i == j { y } else { -y });
            within.push(y);
        }
        let held = match factor.factor_holding(FLOATING, budget) {
            Ok(held) => held,
            Err(FactorError::Stopped(stop)) => return Err(stop.into()),
            Err(FactorError::NotPositive(pivot)) => {
                let root = island.unknowns[pivot.row as usize];
                return Err(Error::Overflow { at: self.circuit.terminals[root as usize].clone() });
            }
        };
        // All motions at once, by numbers that do not cancel.
        let held: Vec<(u32, T)> =
            held.iter().enumerate().map(|(k, p)| (p.row, T::real(mixed(k)))).collect();
        let mut mode = if held.is_empty() { Vec::new() } else { factor.null_vector(&held) };
        let floats: Vec<bool> = mode.iter().map(|z| z.magnitude() > 1e-6).collect();
        // What is left of the others is rounding.
        mode.iter_mut().zip(&floats).filter(|(_, f)| !**f).for_each(|(z, _)| *z = T::default());
        let floating = island.terminals.iter().copied();
        let floating = floating
            .filter(|&t| self.unknown(t).is_some_and(|u| floats.get(u as usize) == Some(&true)))
            .collect();
        let island = &mut self.islands[k];
        island.floating = floating;
        island.mode = mode;
        island.within = within;
        island.factor = Some(factor);
        island.current = true;
        Ok(reused)
    }

    fn unknowns(&self, terminals: &[u32]) -> Vec<u32> {
        let mut unknowns: Vec<u32> = terminals.iter().filter_map(|&t| self.unknown(t)).collect();
        unknowns.sort_unstable();
        unknowns.dedup();
        unknowns
    }

    /// Currents into the unknowns of an island that do not depend on them.
    pub(super) fn driven(&self, island: &Island<T>) -> Vec<T> {
        let mut driven = vec![T::default(); island.unknowns.len()];
        for &b in &island.blocks {
            let block = &self.circuit.blocks[b as usize];
            for (i, &a) in block.terminals.iter().enumerate() {
                let Some(a) = self.unknown(a) else { continue };
                driven[a as usize] += block.injected.get(i).copied().unwrap_or_default();
                for (j, &t) in block.terminals.iter().enumerate() {
                    driven[a as usize] -= block.admittance.at(i, j) * self.offset(t);
                }
            }
        }
        for (&l, &y) in island.loads.iter().zip(&island.within) {
            let load = &self.circuit.loads[l as usize];
            let current = y * (self.offset(load.from) - self.offset(load.to));
            for (t, sign) in [(load.from, -1.0), (load.to, 1.0)] {
                if let Some(u) = self.unknown(t) {
                    driven[u as usize] += T::real(sign) * current;
                }
            }
        }
        driven
    }

    /// Corrects the currents of loads, of which `share` is asked, until voltages stay.
    pub(super) fn iterate(
        &mut self,
        k: usize,
        share: f64,
        aim: f64,
        budget: &Budget,
    ) -> Result<Run, Error> {
        let mut factor = self.islands[k].factor.take();
        let run = match &mut factor {
            Some(factor) => self.run(k, factor, share, aim, budget),
            None => Ok(Run::default()),
        };
        self.islands[k].factor = factor;
        run
    }

    fn run(
        &mut self,
        k: usize,
        factor: &mut Factor<T>,
        share: f64,
        aim: f64,
        budget: &Budget,
    ) -> Result<Run, Error> {
        let driven = self.driven(&self.islands[k]);
        let loads = self.islands[k].loads.clone();
        let mut run = Run::default();
        if self.islands[k].voltages.len() != driven.len() {
            let mut start = driven.clone();
            factor.solve(&mut start);
            self.islands[k].voltages = start;
            run.iterations = 1;
        }
        if loads.is_empty() {
            let mut voltages = driven;
            factor.solve(&mut voltages);
            self.islands[k].voltages = voltages;
            run.iterations = 1;
            return Ok(run);
        }
        let mut mixing = Mixing::new(loads.len());
        let across = |solver: &Solver<T>| -> Vec<T> {
            let island = &solver.islands[k];
            let of = |l: &u32| {
                let load = &solver.circuit.loads[*l as usize];
                solver.voltage(island, load.from) - solver.voltage(island, load.to)
            };
            loads.iter().map(of).collect()
        };
        let mut before = across(self);
        loop {
            if let Err(stop) = budget.checkpoint() {
                run.stopped = Some(stop);
                return if run.iterations > 0 { Ok(run) } else { Err(stop.into()) };
            }
            let mut right = driven.clone();
            for ((&l, &y), &v) in loads.iter().zip(&self.islands[k].within).zip(&before) {
                let load = &self.circuit.loads[l as usize];
                let rest = y * v - load.current(v) * T::real(share);
                for (t, sign) in [(load.from, 1.0), (load.to, -1.0)] {
                    if let Some(u) = self.unknown(t) {
                        right[u as usize] += T::real(sign) * rest;
                    }
                }
            }
            factor.solve(&mut right);
            self.islands[k].voltages = right;
            run.iterations += 1;
            let after = across(self);
            run.change = 0.0;
            run.collapsed = false;
            for ((&l, &a), &b) in loads.iter().zip(&after).zip(&before) {
                let load = &self.circuit.loads[l as usize];
                let change = (a - b).magnitude() / load.nominal;
                run.change =
                    if change.is_finite() { run.change.max(change) } else { f64::INFINITY };
                let asks = load.shares.power * share > 0.0 && load.power.magnitude() > 0.0;
                run.collapsed |= asks && a.magnitude() < COLLAPSED * load.nominal;
            }
            // One order more than is asked for: the change is not the error.
            if run.change <= 0.1 * aim && !run.collapsed {
                return Ok(run);
            }
            if run.iterations >= MOST_ITERATIONS || !run.change.is_finite() {
                run.collapsed = true;
                return Ok(run);
            }
            before = mixing.next(&before, &after);
        }
    }

    /// What leaves every terminal (earth last) through blocks and loads.
    fn leaving(&self, solution: &Solution<T>) -> Vec<T> {
        let n = self.circuit.terminals.len();
        let mut leaving = vec![T::default(); n + 1];
        for (k, block) in self.circuit.blocks.iter().enumerate() {
            let currents = self.block_currents(k, solution).unwrap_or_default();
            for (&t, current) in block.terminals.iter().zip(currents) {
                leaving[(t as usize).min(n)] += current;
            }
        }
        for load in &self.circuit.loads {
            if let Some(v) = solution.between(load.from, load.to) {
                let current = load.current(v);
                leaving[(load.from as usize).min(n)] += current;
                leaving[(load.to as usize).min(n)] -= current;
            }
        }
        leaving
    }

    fn imbalance(&self, leaving: &[T], solution: &Solution<T>) -> f64 {
        let n = self.circuit.terminals.len();
        let mut sums = vec![T::default(); n + 1];
        for (t, &current) in leaving[..n].iter().enumerate() {
            if solution.voltages[t].is_some() {
                sums[self.tied.of[t].0 as usize] += current;
            }
        }
        sums[..n].iter().fold(0.0, |most, s| most.max(s.magnitude()))
    }
}

/// Numbers between one and two of which no sums cancel.
fn mixed(k: usize) -> f64 {
    let golden = 0.618_033_988_749_894_9 * (k + 1) as f64;
    1.0 + golden - libm::floor(golden)
}

/// One run of corrections.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    iterations: u32,
    /// Largest change of a voltage, relative to nominal.
    change: f64,
    pub(super) collapsed: bool,
    pub(super) stopped: Option<Stop>,
}

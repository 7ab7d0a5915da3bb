//! Voltages of a circuit, island by island, and what follows from them. For the method see
//! [`super::iterate`].

use std::sync::Arc;

use svgx_base::budget::Budget;
use svgx_engine::linear::Factor;

use super::circuit::{Block, Circuit, EARTH, Phasor};
use super::foretell;
use super::mixing::Mixing;
use super::spare::Spare;
use super::ties::Tied;
use crate::accuracy::{Domain, Effort, Residual, Reused, tolerance};
use crate::finding::Finding;
use crate::matrix::Dense;
use crate::memory::{Memory, Print};
use crate::topology::Islands;
use crate::trail::{Quantity, Trail};
use crate::update::Update;
use crate::{Error, Limits};

/// A circuit with what was computed of it.
///
/// Edits are cheap, and [`Solver::solve`] costs what they changed: a load a few solutions with
/// the factor of the last time, a block one more for each of its conductors.
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
    /// Terminals that ties touch, with the blocks and loads at each.
    tying: Vec<Tying>,
    print: Print,
    memory: Memory<Arc<Moment<T>>>,
    /// The last solution, and those before it that differ from it in one load.
    last: Option<Arc<Moment<T>>>,
    pub(super) trail: Trail<Arc<Moment<T>>>,
}

/// A terminal of a tie: blocks there with which of their terminals it is, and loads.
#[derive(Debug, Clone)]
struct Tying {
    terminal: u32,
    blocks: Vec<(u32, u32)>,
    loads: Vec<u32>,
}

/// A solved state.
#[derive(Debug, Clone)]
pub(super) struct Moment<T> {
    pub(super) voltages: Vec<Vec<T>>,
    residual: Residual,
}

pub(super) const NONE: u32 = u32::MAX;

/// Terminals that have to be solved together.
#[derive(Debug, Clone)]
pub(super) struct Island<T> {
    pub(super) terminals: Vec<u32>,
    pub(super) blocks: Vec<u32>,
    pub(super) loads: Vec<u32>,
    /// The representatives, in order of their unknowns.
    pub(super) unknowns: Vec<u32>,
    pub(super) state: Supply,
    pub(super) factor: Option<Factor<T>>,
    /// Whether the factor, with the update, holds today's admittances.
    pub(super) current: bool,
    /// Blocks that were edited since the island was factored.
    pub(super) hot: Vec<Hot<T>>,
    pub(super) update: Update<T>,
    /// Whether a block was edited since the update was brought up to it.
    pub(super) stale: bool,
    /// Its loads, as they are drawn on.
    pub(super) drawn: Vec<Drawn<T>>,
    /// Currents that do not depend on the unknowns.
    pub(super) driven: Option<Driven<T>>,
    /// How loads stand at the voltages, if that was kept.
    pub(super) standing: Option<Standing<T>>,
    /// Lists that corrections work in, kept for the next ones.
    pub(super) spare: Spare<T>,
    /// What the last corrections told of those to come.
    pub(super) mixing: Mixing<T>,
    /// Terminals whose voltage to earth nothing fixes.
    pub(super) floating: Vec<u32>,
    /// What is told of that.
    pub(super) floats: Option<Finding>,
    /// How the voltages may rise together, where something floats.
    pub(super) mode: Vec<T>,
    pub(super) voltages: Vec<T>,
}

/// Loads at the last voltages: the voltage across each, and the currents that they and what
/// drives the island put into its unknowns.
#[derive(Debug, Clone)]
pub(super) struct Standing<T> {
    pub(super) across: Vec<T>,
    pub(super) right: Vec<T>,
}

/// What drives an island.
#[derive(Debug, Clone)]
pub(super) struct Driven<T> {
    /// Into each of its unknowns, A.
    pub(super) currents: Vec<T>,
    /// Why a part of them finds no way back.
    pub(super) stuck: Option<Finding>,
}

/// A block that was edited, as it is in the factor.
#[derive(Debug, Clone)]
pub(super) struct Hot<T> {
    pub(super) block: u32,
    pub(super) factored: Dense<T>,
    /// The first of its vectors in the update, and whether they are differences between its
    /// two ends rather than its terminals.
    pub(super) first: usize,
    pub(super) series: bool,
    /// How many vectors it has: one for each terminal, or for each conductor.
    pub(super) count: usize,
}

/// A load: where it lies (two unknowns, [`NONE`] for a voltage that is given, and what is added
/// to their difference), and how it draws.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn<T> {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) above: T,
    /// Its admittance that is in the factor.
    pub(super) within: T,
    /// The conjugate of its power, and shares by powers of the voltage.
    pub(super) power: T,
    pub(super) by_impedance: f64,
    pub(super) by_current: f64,
    pub(super) by_power: f64,
    /// One by the square of its nominal voltage.
    pub(super) unit: f64,
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
                hot: Vec::new(),
                update: Update::default(),
                stale: false,
                drawn: Vec::new(),
                driven: None,
                standing: None,
                spare: Spare::default(),
                mixing: Mixing::default(),
                floating: Vec::new(),
                floats: None,
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
        Ok(Solver {
            tying: tying(&circuit),
            memory: Memory::new(2 * n),
            last: None,
            trail: Trail::default(),
            print: Print::default(),
            circuit,
            limits: *limits,
            tied,
            islands,
            unknown,
            home,
            findings,
        })
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
        let Some(l) = self.circuit.loads.get_mut(load) else { return false };
        self.print.toggle(l.print(load));
        match foretell::moved(l.power, power) {
            Some((what, before, now)) => {
                self.trail.edit(Quantity { element: load, what }, before, now);
            }
            None => self.trail.disturb(),
        }
        l.power = power;
        self.print.toggle(l.print(load));
        let at = [l.from, l.to].into_iter().find(|&t| t != EARTH);
        if let Some(t) = at {
            let island = &mut self.islands[self.home[t as usize] as usize];
            if let Ok(place) = island.loads.binary_search(&(load as u32))
                && let Some(drawn) = island.drawn.get_mut(place)
            {
                let old = *drawn;
                drawn.power = power.conjugate();
                if let Some(Standing { across, right }) = &mut island.standing
                    && let Some(&v) = across.get(place)
                {
                    drawn.put(right, drawn.rest(v, 1.0) - old.rest(v, 1.0));
                }
            }
        }
        true
    }

    /// Replaces a block by one between the same terminals; the factor stays, with an update for
    /// each conductor, until that costs more than to factor the island anew. Answers whether
    /// there is such a block.
    pub fn set_block(&mut self, block: usize, with: Block<T>) -> bool {
        let Some(b) = self.circuit.blocks.get_mut(block) else { return false };
        let finite = with.admittance.values.iter().chain(&with.injected);
        if b.terminals != with.terminals || !finite.clone().all(|y| y.magnitude().is_finite()) {
            return false;
        }
        self.trail.disturb();
        self.print.toggle(b.print(block));
        let old = std::mem::replace(b, with);
        self.print.toggle(b.print(block));
        if let Some(&t) = b.terminals.iter().find(|&&t| t != EARTH) {
            let k = self.home[t as usize] as usize;
            let drives = !(old.injected.is_empty() && b.injected.is_empty())
                || old
                    .terminals
                    .iter()
                    .any(|&t| t != EARTH && self.tied.of[t as usize].1 != T::default());
            if drives {
                self.islands[k].driven = None;
                self.islands[k].standing = None;
            }
            self.islands[k].stale = true;
            self.islands[k].current = self.islands[k].current && self.heat(k, block, &old);
        }
        true
    }

    /// Current into every terminal of a block, A, at a solution.
    pub fn block_currents(&self, block: usize, solution: &Solution<T>) -> Option<Vec<T>> {
        let b = self.circuit.blocks.get(block)?;
        (0..b.terminals.len()).map(|i| current_into(b, i, solution)).collect()
    }

    /// Solves from where the last solution was. A circuit that is what it was at one of the last
    /// solutions gets the answer it had then.
    ///
    /// # Errors
    /// [`Error::Overflow`] for admittances that cannot be computed with, [`Error::Stopped`]
    /// before there is any iterate.
    pub fn solve(&mut self, budget: &Budget) -> Result<Solution<T>, Error> {
        budget.checkpoint()?;
        let aim = tolerance(Domain::Electrical, budget.tier());
        let floats = self.islands.iter().any(|i| !i.mode.is_empty());
        let known = self.memory.find(self.print, aim).filter(|_| !floats).cloned();
        let value = self.trail.begin(self.last.take());
        if let (Some(value), None) = (value, &known) {
            self.foretell(value);
        }
        let mut solution = self.unsolved(aim);
        solution.findings = self.findings.iter().cloned().chain(self.dead(&self.limits)).collect();
        for k in 0..self.islands.len() {
            if self.islands[k].state != Supply::Live {
                continue;
            }
            if let Some(known) = &known {
                self.islands[k].voltages.clone_from(&known.voltages[k]);
                self.islands[k].standing = None;
                self.told(k, &mut solution);
                continue;
            }
            let reused = self.prepare(k, budget)?;
            let effort = &mut solution.effort;
            if reused == Reused::Nothing || effort.reused == Reused::Factor {
                effort.reused = reused;
            }
            if let Some(finding) = self.stuck(k) {
                effort.converged = false;
                solution.findings.push(finding);
                continue;
            }
            let warm = !self.islands[k].voltages.is_empty();
            let mut run = self.iterate(k, 1.0, aim, budget)?;
            if run.collapsed && warm && run.stopped.is_none() {
                // The last voltages are no start for what the network is now.
                self.islands[k].voltages.clear();
                self.islands[k].standing = None;
                run = self.iterate(k, 1.0, aim, budget)?;
            }
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
                self.islands[k].standing = None;
                continue;
            }
            effort.converged &= run.change <= aim;
            effort.residual.balance = effort.residual.balance.max(run.balance);
            self.told(k, &mut solution);
        }
        if let Some(known) = known {
            solution.effort.residual = known.residual;
            self.last = Some(known);
        } else if solution.effort.converged {
            let voltages = self.islands.iter().map(|i| i.voltages.clone()).collect();
            let moment = Arc::new(Moment { voltages, residual: solution.effort.residual });
            if let Some(value) = value {
                self.trail.keep(value, moment.clone());
            }
            self.last = Some(moment.clone());
            // Where something floats, its voltages are not those of another time.
            if self.islands.iter().all(|i| i.mode.is_empty()) {
                self.memory.keep(self.print, aim, moment);
            }
        }
        self.tie_currents(&mut solution);
        Ok(solution)
    }

    pub(super) fn unsolved(&self, aim: f64) -> Solution<T> {
        let n = self.circuit.terminals.len();
        Solution {
            voltages: vec![None; n],
            floating: vec![false; n],
            tie_currents: Vec::new(),
            islands: self.islands.iter().map(|i| i.terminals.clone()).collect(),
            findings: Vec::new(),
            effort: Effort {
                tolerance: aim,
                converged: true,
                reused: Reused::Factor,
                ..Effort::default()
            },
        }
    }

    pub(super) fn tie_currents(&self, solution: &mut Solution<T>) {
        let leaving = self.leaving(solution);
        solution.tie_currents = self.tied.currents(self.circuit.ties.len(), leaving);
        for (tie, current) in self.circuit.ties.iter().zip(&mut solution.tie_currents) {
            let known = [tie.from, tie.to]
                .into_iter()
                .all(|t| solution.voltages.get(t as usize).is_none_or(Option::is_some));
            if !known {
                *current = None;
            }
        }
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
                self.islands[k].update.correct(&mut right);
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
    pub(super) fn unknown(&self, terminal: u32) -> Option<u32> {
        if terminal == EARTH {
            return None;
        }
        self.unknown.get(self.tied.of[terminal as usize].0 as usize).copied()
    }

    pub(super) fn offset(&self, terminal: u32) -> T {
        if terminal == EARTH { T::default() } else { self.tied.of[terminal as usize].1 }
    }

    /// Tells the voltages of an island.
    pub(super) fn told(&mut self, k: usize, solution: &mut Solution<T>) {
        if !self.islands[k].floating.is_empty() && self.islands[k].floats.is_none() {
            self.islands[k].floats = Some(self.floats(&self.islands[k]));
        }
        let island = &self.islands[k];
        for &t in &island.terminals {
            solution.voltages[t as usize] = Some(self.voltage(island, t));
        }
        for &t in &island.floating {
            solution.floating[t as usize] = true;
        }
        solution.findings.extend(island.floats.clone());
    }

    /// What leaves the terminals of ties through blocks and loads; of others, and of earth,
    /// nobody asks.
    fn leaving(&self, solution: &Solution<T>) -> Vec<T> {
        if self.tying.is_empty() {
            return Vec::new();
        }
        let n = self.circuit.terminals.len();
        let mut leaving = vec![T::default(); n + 1];
        for tying in &self.tying {
            let mut sum = T::default();
            for &(b, i) in &tying.blocks {
                let block = &self.circuit.blocks[b as usize];
                sum += current_into(block, i as usize, solution).unwrap_or_default();
            }
            for &l in &tying.loads {
                let load = &self.circuit.loads[l as usize];
                let Some(v) = solution.between(load.from, load.to) else { continue };
                let current = load.current(v);
                if load.from == tying.terminal {
                    sum += current;
                }
                if load.to == tying.terminal {
                    sum -= current;
                }
            }
            leaving[tying.terminal as usize] = sum;
        }
        leaving
    }
}

/// Current into a terminal of a block, A; `None` where a voltage at the block is not known.
fn current_into<T: Phasor>(block: &Block<T>, i: usize, solution: &Solution<T>) -> Option<T> {
    let mut sum = T::default();
    for (j, &t) in block.terminals.iter().enumerate() {
        sum += block.admittance.at(i, j) * solution.between(t, EARTH)?;
    }
    Some(sum - block.injected.get(i).copied().unwrap_or_default())
}

/// The terminals of ties, with what is at each.
fn tying<T: Phasor>(circuit: &Circuit<T>) -> Vec<Tying> {
    let n = circuit.terminals.len();
    let mut place = vec![NONE; n];
    let mut tying: Vec<Tying> = Vec::new();
    for t in circuit.ties.iter().flat_map(|t| [t.from, t.to]).filter(|&t| t != EARTH) {
        if place[t as usize] == NONE {
            place[t as usize] = tying.len() as u32;
            tying.push(Tying { terminal: t, blocks: Vec::new(), loads: Vec::new() });
        }
    }
    let at = |t: u32| place.get(t as usize).copied().filter(|&p| p != NONE);
    for (k, block) in circuit.blocks.iter().enumerate() {
        for (i, &t) in (0..).zip(&block.terminals) {
            if let Some(p) = at(t) {
                tying[p as usize].blocks.push((k as u32, i));
            }
        }
    }
    for (k, load) in circuit.loads.iter().enumerate() {
        for p in [load.from, load.to].into_iter().filter_map(at) {
            let loads = &mut tying[p as usize].loads;
            if loads.last() != Some(&(k as u32)) {
                loads.push(k as u32);
            }
        }
    }
    tying
}

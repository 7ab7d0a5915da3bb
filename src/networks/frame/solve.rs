//! Displacements by direct stiffness, with one refinement that is the estimate of their error.
//!
//! A pivot that vanishes is a motion without resistance. Its vector is computed, and the nodes
//! that take part have no answer. Where the loads drive the motion there is no equilibrium, and
//! nothing that is connected has an answer; else the rest is answered, as it is whatever the
//! motion.

use svgx_base::budget::Budget;
use svgx_engine::linear::{FactorError, Ldl, Pivot};

use super::member::{Acting, Element, Ends};
use super::model::{Load, Member, Restraint, Structure};
use super::report;
use crate::accuracy::{Domain, Effort, Residual, Reused, tolerance};
use crate::matrix::factor_of_groups;
use crate::memory::{Memory, Print};
use crate::topology::{LINKS_PER_CHECKPOINT, Sets};
use crate::update::Update;
use crate::{Error, Finding, Limits};

/// A pivot below this part of its diagonal is a mechanism.
const VANISHED: f64 = 1e-12;

/// The same where a refinement changes what it refines, one after the other: what is left of a pivot is
/// rounding, of whatever was large beside it.
const ROUNDED: [f64; 3] = [1e-9, 1e-7, 1e-5];

/// How many modes of members may be updated; more are factored.
const MOST_HOT: usize = 18;

/// How many motions of mechanisms are looked at.
const MOST_MOTIONS: usize = 64;

pub(crate) const NONE: u32 = u32::MAX;

/// A structure with what was computed of it.
#[derive(Debug, Clone)]
pub struct Solver {
    pub(crate) structure: Structure,
    limits: Limits,
    pub(crate) elements: Vec<Element>,
    pub(crate) acting: Vec<Vec<Acting>>,
    /// The unknown of every direction of every node.
    unknown: Vec<u32>,
    factor: Ldl,
    /// Whether the factor holds today's members, but for those that are hot.
    factored: bool,
    /// The springs of every member in the factor.
    springs: Vec<[f64; 4]>,
    /// Unknowns that were held for nothing resists them.
    loose: Vec<bool>,
    hot: Vec<Hot>,
    update: Update<f64>,
    /// What the factor alone answers to the loads.
    base: Option<Vec<f64>>,
    motions: Vec<Vec<f64>>,
    print: Print,
    memory: Memory<(Vec<f64>, Residual)>,
}

/// A member that was edited since the structure was factored.
#[derive(Debug, Clone)]
struct Hot {
    member: u32,
    /// Its modes among the vectors of the update.
    modes: [Option<usize>; 3],
}

/// The answer for a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Displacement of every node in `x` and `y`, m, and its rotation. `None` where a mechanism
    /// moves it.
    pub displacements: Vec<Option<[f64; 3]>>,
    /// What the support of every node gives, N and Nm; zero where there is none.
    pub reactions: Vec<Option<[f64; 3]>>,
    /// Forces on the ends of every member in the axes of the structure, N and Nm: `x`, `y`,
    /// moment at its beginning, then at its end.
    pub end_forces: Vec<Option<[f64; 6]>>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How exact the answer is: `balance` in N, `energy` the estimated error of a deflection, m.
    pub effort: Effort,
}

/// What a section of a member carries, and where it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Section {
    /// Distance from the beginning, m.
    pub distance: f64,
    /// Axial force, N: tension is positive.
    pub axial: f64,
    /// Shear force, N.
    pub shear: f64,
    /// Bending moment, Nm: positive with tension below a member that points to the right.
    pub moment: f64,
    /// Displacement in `x` and `y`, m.
    pub displacement: [f64; 2],
}

impl Solver {
    /// # Errors
    /// [`Error`] for a structure that is too large, refers to what does not exist, or has
    /// impossible quantities.
    pub fn new(structure: Structure, limits: &Limits, budget: &Budget) -> Result<Solver, Error> {
        structure.admit(limits)?;
        let n = structure.nodes.len();
        let elements: Vec<Element> =
            (0..structure.members.len() as u32).map(|k| Element::of(&structure, k)).collect();
        let mut unknown = vec![NONE; 3 * n];
        let mut count = 0;
        for (k, node) in structure.nodes.iter().enumerate() {
            for (i, restraint) in node.support.iter().enumerate() {
                if *restraint != Restraint::Fixed {
                    unknown[3 * k + i] = count;
                    count += 1;
                }
            }
        }
        let groups = structure.members.iter().map(|m| {
            let of = |node: u32| (0..3).map(move |i| 3 * node as usize + i);
            let all = of(m.from).chain(of(m.to)).map(|d| unknown[d]);
            let mut group: Vec<u32> = all.filter(|&u| u != NONE).collect();
            group.sort_unstable();
            group.dedup();
            group
        });
        let of: Vec<u32> =
            (0..3 * n as u32).filter(|&d| unknown[d as usize] != NONE).map(|d| d / 3).collect();
        let pairs = structure.members.iter().map(|m| [m.from, m.to]);
        let factor = factor_of_groups(&of, n, pairs, groups, budget)?;
        let mut print = Print::default();
        structure.members.iter().enumerate().for_each(|(k, m)| print.toggle(m.print(k)));
        structure.loads.iter().enumerate().for_each(|(k, l)| print.toggle(l.print(k)));
        let mut solver = Solver {
            acting: Vec::new(),
            springs: Vec::new(),
            loose: Vec::new(),
            hot: Vec::new(),
            update: Update::default(),
            base: None,
            print,
            memory: Memory::new(count as usize),
            structure,
            limits: *limits,
            elements,
            unknown,
            factor,
            factored: false,
            motions: Vec::new(),
        };
        solver.load();
        Ok(solver)
    }

    /// The structure as it is now.
    pub fn structure(&self) -> &Structure {
        &self.structure
    }

    fn load(&mut self) {
        self.acting = vec![Vec::new(); self.elements.len()];
        for load in &self.structure.loads {
            if let Load::Uniform { member, .. } | Load::Point { member, .. } = load {
                let k = *member as usize;
                self.acting[k].extend(self.elements[k].acting(load));
            }
        }
    }

    /// Changes the loads; the factor stays.
    ///
    /// # Errors
    /// As [`Solver::new`]; the loads stay as they were then.
    pub fn set_loads(&mut self, loads: Vec<Load>) -> Result<(), Error> {
        let old = std::mem::replace(&mut self.structure.loads, loads);
        if let Err(error) = self.structure.admit(&self.limits) {
            self.structure.loads = old;
            return Err(error);
        }
        let loads = old.iter().enumerate().chain(self.structure.loads.iter().enumerate());
        loads.for_each(|(k, l)| self.print.toggle(l.print(k)));
        self.load();
        self.base = None;
        Ok(())
    }

    /// Changes the section, material or hinges of a member. The next solution costs one or two
    /// with the factor for each mode that changed; many changes are factored. Answers whether
    /// there is such a member.
    ///
    /// # Errors
    /// As [`Solver::new`]; the member stays as it was then.
    pub fn set_member(
        &mut self,
        k: usize,
        change: impl FnOnce(&mut Member),
    ) -> Result<bool, Error> {
        let Some(old) = self.structure.members.get(k).cloned() else { return Ok(false) };
        let mut now = old.clone();
        change(&mut now);
        (now.from, now.to) = (old.from, old.to);
        self.structure.admit_member(&now)?;
        self.print.toggle(old.print(k));
        self.print.toggle(now.print(k));
        self.structure.members[k] = now;
        self.elements[k] = Element::of(&self.structure, k as u32);
        if !self.acting[k].is_empty() && old.hinges != self.structure.members[k].hinges {
            self.base = None;
        }
        let is_bar = |m: &Member| m.inertia == 0.0;
        if !self.acting[k].is_empty() && is_bar(&old) != is_bar(&self.structure.members[k]) {
            self.base = None;
        }
        self.factored = self.factored && self.heat(k);
        Ok(true)
    }

    /// Takes the changes of a member into the update; answers whether that can be done.
    fn heat(&mut self, k: usize) -> bool {
        let (now, then) = (self.elements[k].springs(), self.springs[k]);
        let bends = now[1..] != then[1..];
        let changed = [now[0] != then[0], bends, bends];
        let known = self.hot.iter().position(|h| h.member == k as u32);
        let hot = known.unwrap_or_else(|| {
            self.hot.push(Hot { member: k as u32, modes: [None; 3] });
            self.hot.len() - 1
        });
        let at = self.unknowns(&self.structure.members[k]);
        for (i, mode) in self.elements[k].modes().iter().enumerate() {
            if !changed[i] || self.hot[hot].modes[i].is_some() {
                continue;
            }
            let entries = at.iter().zip(mode).filter(|(u, v)| **u != NONE && **v != 0.0);
            let vector: Vec<(u32, f64)> = entries.map(|(&u, &v)| (u, v)).collect();
            // What was held since nothing resisted is not in the factor.
            if vector.iter().any(|&(u, _)| self.loose[u as usize]) || self.update.len() == MOST_HOT
            {
                return false;
            }
            self.hot[hot].modes[i] = Some(self.update.len());
            self.update.add(vector, &mut self.factor, self.loose.len());
        }
        true
    }

    /// Brings the update up to the members; answers whether the structure is regular with it.
    fn warm(&mut self) -> bool {
        for hot in &self.hot {
            let k = hot.member as usize;
            let (now, then) = (self.elements[k].springs(), self.springs[k]);
            let by: [f64; 4] = std::array::from_fn(|i| now[i] - then[i]);
            for (i, j, by) in [(0, 0, by[0]), (1, 1, by[1]), (2, 2, by[2]), (1, 2, by[3])] {
                if let (Some(a), Some(b)) = (hot.modes[i], hot.modes[j]) {
                    self.update.set(a, b, by);
                    self.update.set(b, a, by);
                }
            }
        }
        self.update.prepare()
    }

    /// Solves. A structure that is what it was at one of the last solutions gets the answer it
    /// had then.
    ///
    /// # Errors
    /// [`Error::Overflow`] for stiffnesses that cannot be computed with, [`Error::Stopped`].
    pub fn solve(&mut self, budget: &Budget) -> Result<Solution, Error> {
        budget.checkpoint()?;
        let aim = tolerance(Domain::Frame, budget.tier());
        let mut effort =
            Effort { tolerance: aim, converged: true, reused: Reused::Factor, ..Effort::default() };
        let n = self.structure.nodes.len();
        if let Some((u, residual)) = self.memory.find(self.print, aim) {
            effort.residual = *residual;
            if !self.motions.is_empty() {
                self.motions.clear();
                self.factored = false;
            }
            return Ok(report::answer(self, u, &vec![false; n], effort, &self.limits));
        }
        if !(self.factored && (self.motions.is_empty() || self.hot.is_empty()) && self.warm()) {
            effort.reused = Reused::Order;
            self.refactor(VANISHED, budget)?;
        }
        let right = self.forces();
        let (mut u, mut before, mut error) = self.refined(&right);
        // Whatever else moves: a mechanism that is known does not make another one an answer.
        for least in ROUNDED {
            let held = (0..).zip(&u).filter(|(k, _)| !self.moves(*k));
            let most = held.fold(0.0f64, |most, (_, v)| most.max(v.abs()));
            if error <= 1e-3 * most {
                break;
            }
            effort.reused = Reused::Order;
            self.refactor(least, budget)?;
            (u, before, error) = self.refined(&right);
        }
        let mut balance = 0.0f64;
        for (k, f) in before.iter().enumerate() {
            if !self.moves(k as u32) {
                balance = balance.max(f.abs());
            }
        }
        if u.iter().any(|v| !v.is_finite()) {
            let at = self.structure.nodes.first().map_or("nothing".into(), |n| n.name.clone());
            return Err(Error::Overflow { at });
        }
        effort.residual = Residual { balance, energy: error };
        effort.converged = error <= aim;
        effort.iterations = 2;
        let loose = if self.motions.is_empty() {
            if effort.converged {
                self.memory.keep(self.print, aim, (u.clone(), effort.residual));
            }
            vec![false; n]
        } else {
            self.loose(&right)
        };
        Ok(report::answer(self, &u, &loose, effort, &self.limits))
    }

    /// The last solution, refined once more: the difference is its error. `None` where something
    /// moves or nothing was solved.
    pub(crate) fn improved(&mut self) -> Option<Solution> {
        if !self.factored || !self.motions.is_empty() {
            return None;
        }
        let right = self.forces();
        let (mut u, _, _) = self.refined(&right);
        let mut missed = self.missing(&right, &u);
        self.factor.solve(&mut missed);
        self.update.correct(&mut missed);
        u.iter_mut().zip(&missed).for_each(|(u, step)| *u += step);
        let loose = vec![false; self.structure.nodes.len()];
        Some(report::answer(self, &u, &loose, Effort::default(), &self.limits))
    }

    /// Displacements, refined once; what they missed before that, and the largest correction.
    fn refined(&mut self, right: &[f64]) -> (Vec<f64>, Vec<f64>, f64) {
        let mut u = match self.base.take() {
            Some(base) => base,
            None => {
                let mut u = right.to_vec();
                self.factor.solve(&mut u);
                u
            }
        };
        self.base = Some(u.clone());
        self.update.correct(&mut u);
        // What the solution misses, solved once more: the correction is the error.
        let mut missed = self.missing(right, &u);
        let before = missed.clone();
        self.factor.solve(&mut missed);
        self.update.correct(&mut missed);
        let mut error = 0.0f64;
        for (k, (u, step)) in u.iter_mut().zip(&missed).enumerate() {
            *u += step;
            if !self.moves(k as u32) {
                error = error.max(step.abs());
            }
        }
        (u, before, error)
    }

    /// Whether a mechanism moves an unknown.
    pub(crate) fn moves(&self, unknown: u32) -> bool {
        self.motions.iter().any(|m| m[unknown as usize].abs() > 1e-6)
    }

    pub(crate) fn motions(&self) -> &[Vec<f64>] {
        &self.motions
    }

    /// The unknown of a direction of a node.
    pub(crate) fn unknown(&self, node: usize, direction: usize) -> Option<u32> {
        Some(self.unknown[3 * node + direction]).filter(|&u| u != NONE)
    }

    /// Whether anything resists a direction of a node.
    pub(crate) fn resisted(&self, node: usize, direction: usize) -> bool {
        let spring = matches!(self.structure.nodes[node].support[direction], Restraint::Spring(k) if k > 0.0);
        spring || self.structure.nodes[node].support[direction] == Restraint::Fixed
    }

    fn unknowns(&self, member: &Member) -> [u32; 6] {
        let (a, b) = (3 * member.from as usize, 3 * member.to as usize);
        [a, a + 1, a + 2, b, b + 1, b + 2].map(|d| self.unknown[d])
    }

    fn refactor(&mut self, least: f64, budget: &Budget) -> Result<(), Error> {
        self.factor.clear();
        let n = self.unknown.iter().filter(|&&u| u != NONE).count();
        let mut stiff = vec![0.0f64; n];
        for k in 0..self.elements.len() {
            if k % LINKS_PER_CHECKPOINT == LINKS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            let at = self.unknowns(&self.structure.members[k]);
            let stiffness = self.elements[k].common();
            for (i, row) in stiffness.iter().enumerate() {
                for (j, &v) in row.iter().enumerate().skip(i) {
                    if at[i] != NONE && at[j] != NONE {
                        self.factor.add(at[i], at[j], v);
                        if i == j {
                            stiff[at[i] as usize] += v;
                        }
                    }
                }
            }
        }
        for (k, node) in self.structure.nodes.iter().enumerate() {
            for (i, restraint) in node.support.iter().enumerate() {
                let u = self.unknown[3 * k + i];
                if let (Restraint::Spring(s), true) = (restraint, u != NONE) {
                    self.factor.add(u, u, *s);
                    stiff[u as usize] += s;
                }
            }
        }
        let held = match self.factor.factor_holding(least, budget) {
            Ok(held) => held,
            Err(FactorError::Stopped(stop)) => return Err(stop.into()),
            Err(FactorError::NotPositive(pivot)) => {
                let at = self.unknown.iter().position(|&u| u == pivot.row).unwrap_or(0) / 3;
                return Err(Error::Overflow { at: self.structure.nodes[at].name.clone() });
            }
        };
        self.motions = self.motions_of(&held, &stiff);
        self.factored = true;
        self.loose = vec![false; n];
        held.iter().for_each(|pivot| self.loose[pivot.row as usize] = true);
        self.springs = self.elements.iter().map(Element::springs).collect();
        self.hot.clear();
        self.update.clear();
        self.update.prepare();
        self.base = None;
        Ok(())
    }

    /// The motions of pivots that vanished: the first ones one by one, the others together. A
    /// rotation that nothing holds carries nothing and moves nothing: it is no mechanism.
    fn motions_of(&mut self, held: &[Pivot], stiff: &[f64]) -> Vec<Vec<f64>> {
        let mut rotation = vec![false; stiff.len()];
        for (direction, &u) in self.unknown.iter().enumerate() {
            if u != NONE {
                rotation[u as usize] = direction % 3 == 2;
            }
        }
        let held: Vec<u32> = held
            .iter()
            .map(|pivot| pivot.row)
            .filter(|&row| !(rotation[row as usize] && stiff[row as usize] == 0.0))
            .collect();
        let (alone, together) = held.split_at(held.len().min(MOST_MOTIONS));
        let mut groups: Vec<Vec<(u32, f64)>> = alone.iter().map(|&row| vec![(row, 1.0)]).collect();
        if !together.is_empty() {
            let by = |k: usize| 1.0 + (k % 97) as f64 / 97.0;
            groups.push(together.iter().enumerate().map(|(k, &row)| (row, by(k))).collect());
        }
        let motions = groups.into_iter().map(|group| {
            let mut motion = self.factor.null_vector(&group);
            let most = motion.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            motion.iter_mut().for_each(|v| *v /= most);
            motion
        });
        motions.collect()
    }

    /// The nodes without an answer: those that move, and where loads drive a motion, everything
    /// that is connected to it by more than a support that holds it in every direction.
    fn loose(&self, forces: &[f64]) -> Vec<bool> {
        let n = self.structure.nodes.len();
        let moves = |k: usize| (0..3).any(|i| self.unknown(k, i).is_some_and(|u| self.moves(u)));
        let mut loose: Vec<bool> = (0..n).map(moves).collect();
        let clamped = |k: u32| self.structure.nodes[k as usize].support == [Restraint::Fixed; 3];
        let mut sets = Sets::new(n);
        for m in self.structure.members.iter().filter(|m| !clamped(m.from) && !clamped(m.to)) {
            sets.join(m.from, m.to);
        }
        let mut driven = vec![false; n];
        for motion in &self.motions {
            let work = |(f, z): (&f64, &f64)| f * z;
            let sum: f64 = forces.iter().zip(motion).map(work).sum();
            let size: f64 = forces.iter().zip(motion).map(|p| work(p).abs()).sum();
            if sum.abs() <= 1e-9 * size {
                continue;
            }
            for k in 0..n {
                let moved = (0..3)
                    .any(|i| self.unknown(k, i).is_some_and(|u| motion[u as usize].abs() > 1e-6));
                if moved {
                    driven[sets.find(k as u32) as usize] = true;
                }
            }
        }
        for (k, loose) in loose.iter_mut().enumerate() {
            *loose |= driven[sets.find(k as u32) as usize];
        }
        loose
    }

    /// Forces on the unknowns.
    fn forces(&self) -> Vec<f64> {
        let n = self.unknown.iter().filter(|&&u| u != NONE).count();
        let mut forces = vec![0.0; n];
        let mut put = |u: u32, v: f64| {
            if u != NONE {
                forces[u as usize] += v;
            }
        };
        for load in &self.structure.loads {
            if let Load::Node { node, force } = load {
                (0..3).for_each(|i| put(self.unknown[3 * *node as usize + i], force[i]));
            }
        }
        for (k, acting) in self.acting.iter().enumerate().filter(|(_, a)| !a.is_empty()) {
            let element = &self.elements[k];
            let held = element.to_common(&element.held(acting));
            let at = self.unknowns(&self.structure.members[k]);
            (0..6).for_each(|i| put(at[i], -held[i]));
        }
        forces
    }

    /// Forces less what displacements resist.
    fn missing(&self, forces: &[f64], u: &[f64]) -> Vec<f64> {
        let mut missing = forces.to_vec();
        for (element, member) in self.elements.iter().zip(&self.structure.members) {
            let at = self.unknowns(member);
            let ends: Ends = at.map(|d| if d == NONE { 0.0 } else { u[d as usize] });
            let own = element.to_own(&ends);
            let force = element.to_common(&element.resists(&own));
            for (i, &d) in at.iter().enumerate() {
                if d != NONE {
                    missing[d as usize] -= force[i];
                }
            }
        }
        for (k, node) in self.structure.nodes.iter().enumerate() {
            for (i, restraint) in node.support.iter().enumerate() {
                let d = self.unknown[3 * k + i];
                if let (Restraint::Spring(s), true) = (restraint, d != NONE) {
                    missing[d as usize] -= s * u[d as usize];
                }
            }
        }
        missing
    }

    /// What a member carries at distances from its beginning, m.
    pub fn sections(
        &self,
        solution: &Solution,
        member: usize,
        distances: &[f64],
    ) -> Option<Vec<Section>> {
        let m = self.structure.members.get(member)?;
        let forces = (*solution.end_forces.get(member)?)?;
        let (a, b) =
            (solution.displacements[m.from as usize]?, solution.displacements[m.to as usize]?);
        let element = &self.elements[member];
        let acting = &self.acting[member];
        let nodes = element.to_own(&[a[0], a[1], a[2], b[0], b[1], b[2]]);
        let own = element.own_ends(&nodes, acting);
        let ends = element.to_own(&forces);
        let at = |&x: &f64| {
            let x = x.clamp(0.0, element.length);
            let [axial, shear, moment] = element.section(&ends, acting, x);
            let [along, across] = element.displaced(&own, acting, x);
            let moved = element.to_common(&[along, across, 0.0, 0.0, 0.0, 0.0]);
            Section { distance: x, axial, shear, moment, displacement: [moved[0], moved[1]] }
        };
        Some(distances.iter().map(at).collect())
    }
}

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
use crate::matrix::factor_of;
use crate::topology::{LINKS_PER_CHECKPOINT, Sets};
use crate::{Error, Finding, Limits};

/// A pivot below this part of its diagonal is a mechanism.
const VANISHED: f64 = 1e-12;

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
    /// Whether the factor holds today's members.
    factored: bool,
    motions: Vec<Vec<f64>>,
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
        let factor = factor_of(count as usize, groups, budget)?;
        let mut solver = Solver {
            acting: Vec::new(),
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
        self.load();
        Ok(())
    }

    /// Changes the section, material or hinges of a member; the order of elimination stays.
    /// Answers whether there is such a member.
    ///
    /// # Errors
    /// As [`Solver::new`]; the member stays as it was then.
    pub fn set_member(
        &mut self,
        k: usize,
        change: impl FnOnce(&mut Member),
    ) -> Result<bool, Error> {
        let Some(old) = self.structure.members.get(k).cloned() else { return Ok(false) };
        change(&mut self.structure.members[k]);
        let now = &mut self.structure.members[k];
        (now.from, now.to) = (old.from, old.to);
        if let Err(error) = self.structure.admit(&self.limits) {
            self.structure.members[k] = old;
            return Err(error);
        }
        self.elements[k] = Element::of(&self.structure, k as u32);
        self.factored = false;
        Ok(true)
    }

    /// # Errors
    /// [`Error::Overflow`] for stiffnesses that cannot be computed with, [`Error::Stopped`].
    pub fn solve(&mut self, budget: &Budget) -> Result<Solution, Error> {
        let reused = if self.factored { Reused::Factor } else { Reused::Order };
        if !self.factored {
            self.refactor(budget)?;
        }
        let right = self.forces();
        let mut u = right.clone();
        self.factor.solve(&mut u);
        // What the solution misses, solved once more: the correction is the error.
        let mut missed = self.missing(&right, &u);
        let before = missed.clone();
        self.factor.solve(&mut missed);
        let mut error = 0.0f64;
        for (k, (u, step)) in u.iter_mut().zip(&missed).enumerate() {
            *u += step;
            if !self.moves(k as u32) {
                error = error.max(step.abs());
            }
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
        let aim = tolerance(Domain::Frame, budget.tier());
        let effort = Effort {
            residual: Residual { balance, energy: error },
            tolerance: aim,
            converged: error <= aim,
            iterations: 2,
            reused,
            stopped: None,
        };
        let loose = if self.motions.is_empty() {
            vec![false; self.structure.nodes.len()]
        } else {
            self.loose(&right)
        };
        Ok(report::answer(self, &u, &loose, effort, &self.limits))
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

    fn refactor(&mut self, budget: &Budget) -> Result<(), Error> {
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
        let held = match self.factor.factor_holding(VANISHED, budget) {
            Ok(held) => held,
            Err(FactorError::Stopped(stop)) => return Err(stop.into()),
            Err(FactorError::NotPositive(pivot)) => {
                let at = self.unknown.iter().position(|&u| u == pivot.row).unwrap_or(0) / 3;
                return Err(Error::Overflow { at: self.structure.nodes[at].name.clone() });
            }
        };
        self.motions = self.motions_of(&held, &stiff);
        self.factored = true;
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
            let force: Ends =
                std::array::from_fn(|i| (0..6).map(|j| element.stiffness[i][j] * own[j]).sum());
            let force = element.to_common(&force);
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

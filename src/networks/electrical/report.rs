//! What is told of a circuit: parts without a source, parts that float, and more than it carries.

use svgx_base::budget::Budget;

use super::circuit::{EARTH, Phasor};
use super::solve::{Island, Solver, Supply};
use crate::finding::{Finding, Kind, State, digits, listed, number};
use crate::{Error, Limits, Name};

impl<T: Phasor> Solver<T> {
    /// What the loads of an island ask for, and the most of it that can be carried: bisection
    /// on the share of every load.
    pub(super) fn limit(&mut self, k: usize, aim: f64, budget: &Budget) -> Result<Finding, Error> {
        let (mut carried, mut refused) = (0.0, 1.0);
        let mut lowest: Option<(f64, u32)> = None;
        let mut stopped = None;
        while refused - carried > 1e-4 && stopped.is_none() {
            let share = 0.5 * (carried + refused);
            self.islands[k].voltages.clear();
            match self.iterate(k, share, aim.min(1e-6), budget) {
                Ok(run) if run.stopped.is_some() => stopped = run.stopped,
                Ok(run) if run.collapsed => refused = share,
                Ok(_) => {
                    carried = share;
                    lowest = self.lowest(k);
                }
                Err(Error::Stopped(stop)) => stopped = Some(stop),
                Err(error) => return Err(error),
            }
        }
        let island = &self.islands[k];
        let loads = island.loads.iter().map(|&l| &self.circuit.loads[l as usize]);
        let taking: Vec<_> = loads.filter(|l| l.power.active() > 0.0).collect();
        let asked: f64 = taking.iter().map(|l| l.power.active()).sum();
        let mut names: Vec<Name> = taking.iter().map(|l| l.name.clone()).collect();
        if let Some((_, weakest)) = lowest {
            let weakest = self.circuit.loads[weakest as usize].name.clone();
            names.retain(|n| *n != weakest);
            names.insert(0, weakest);
        }
        names.dedup();
        let verb = number(names.len(), "asks", "ask");
        let about = if stopped.is_some() { "at least " } else { "" };
        let message = format!(
            "{} {verb} for {} W; the network carries {about}{} W of that",
            listed(&names),
            digits(asked),
            digits(asked * carried),
        );
        Ok(Finding::new(Kind::NoSolution, State::Failed, names, message))
    }

    /// The load whose voltage is lowest, relative to nominal.
    fn lowest(&self, k: usize) -> Option<(f64, u32)> {
        let island = &self.islands[k];
        let of = |&l: &u32| {
            let load = &self.circuit.loads[l as usize];
            let v = self.voltage(island, load.from) - self.voltage(island, load.to);
            (v.magnitude() / load.nominal, l)
        };
        island.loads.iter().map(of).min_by(|a, b| a.0.total_cmp(&b.0))
    }

    pub(super) fn floats(&self, island: &Island<T>) -> Finding {
        let names: Vec<Name> =
            island.floating.iter().map(|&t| self.circuit.terminals[t as usize].clone()).collect();
        let message = format!(
            "nothing fixes the voltage to earth of {}; voltages between them are right",
            listed(&names)
        );
        Finding::new(Kind::Floating, State::Unknown, names, message)
    }

    /// A current that is driven into a part that floats, and has no way back to where it came
    /// from.
    pub(super) fn no_return(&self, k: usize, driven: &[T]) -> Option<Finding> {
        let island = &self.islands[k];
        if island.mode.is_empty() {
            return None;
        }
        let (mut sum, mut size) = (T::default(), 0.0);
        for (&i, &z) in driven.iter().zip(&island.mode) {
            sum += i * z;
            size += (i * z).magnitude();
        }
        if sum.magnitude() <= 1e-9 * size {
            return None;
        }
        let names: Vec<Name> =
            island.floating.iter().map(|&t| self.circuit.terminals[t as usize].clone()).collect();
        let message =
            format!("a current is driven into {}, and nothing leads it back", listed(&names));
        Some(Finding::new(Kind::Conflict, State::Failed, names, message))
    }

    /// Islands without a source: what cuts them off, and what is not served.
    pub(super) fn dead(&self, limits: &Limits) -> Vec<Finding> {
        let live = |t: u32| {
            t != EARTH && self.islands[self.home[t as usize] as usize].state == Supply::Live
        };
        let mut cut: Vec<Vec<Name>> = vec![Vec::new(); self.islands.len()];
        for gap in &self.circuit.gaps {
            for &(a, b) in &gap.pairs {
                for (inside, outside) in [(a, b), (b, a)] {
                    if inside != EARTH && !live(inside) && live(outside) {
                        let by = &mut cut[self.home[inside as usize] as usize];
                        if by.last() != Some(&gap.name) {
                            by.push(gap.name.clone());
                        }
                    }
                }
            }
        }
        let any = self.islands.iter().any(|i| i.state != Supply::Dead);
        let mut findings = Vec::new();
        for (island, by) in self.islands.iter().zip(cut) {
            if island.state != Supply::Dead || findings.len() >= limits.findings {
                continue;
            }
            let power: f64 =
                island.loads.iter().map(|&l| self.circuit.loads[l as usize].power.active()).sum();
            let names: Vec<Name> = island
                .terminals
                .iter()
                .map(|&t| self.circuit.terminals[t as usize].clone())
                .collect();
            if !any {
                let message = format!("nothing supplies {}", listed(&names));
                findings.push(Finding::new(Kind::NoSource, State::Failed, names, message));
                continue;
            }
            let why = match by.as_slice() {
                [] => "nothing leads there from a source".to_owned(),
                by => format!("{} {} open", listed(by), number(by.len(), "is", "are")),
            };
            let message = format!(
                "{} {} no voltage: {why}; {} W are not served",
                listed(&names),
                number(names.len(), "has", "have"),
                digits(power),
            );
            let elements = by.into_iter().chain(names);
            findings.push(Finding::new(Kind::Island, State::Failed, elements, message));
        }
        findings
    }
}

//! Voltages of an island: the impedance part of every load is in the admittance matrix, the
//! rest is a current that is corrected until voltages no longer change (as distribution
//! programs do, e.g. Dugan 1996), accelerated after Anderson (1965; Walker and Ni 2011).
//!
//! The start is the voltages with every load as an impedance, so that phase shifts of
//! transformers need no guess. Blocks that were edited are an update of low rank of the factor.

use svgx_base::budget::{Budget, Stop};
use svgx_engine::linear::{Factor, FactorError};

use super::circuit::{Block, Phasor};
use super::solve::{Drawn, Driven, Hot, Island, NONE, Solver, Standing};
use crate::accuracy::Reused;
use crate::matrix::{Dense, factor_of};
use crate::topology::LINKS_PER_CHECKPOINT;
use crate::{Error, Finding};

/// A pivot that is smaller than this, relative to its diagonal, floats.
const FLOATING: f64 = 1e-12;

/// By how much the two ends of what floats may rise differently for rounding; they rise by
/// about one.
const RISEN: f64 = 1e-9;

/// How often currents of loads are corrected.
const MOST_ITERATIONS: u32 = 200;

/// Part of its nominal voltage below which a load is taken to have collapsed.
const COLLAPSED: f64 = 0.02;

/// Times its nominal voltage above which a power is taken to have no source any more: at such
/// a voltage it takes no current that could be told from rounding.
const BEYOND: f64 = 1e4;

/// From which correction on iterates are mixed.
const UNMIXED: u32 = 3;

/// Part of a change that the next one has, below which iterates converge by themselves.
const LIGHT: f64 = 0.05;

/// How many conductors may be updated; more are factored.
const MOST_HOT: usize = 16;

fn difference<T: Phasor>(a: &Dense<T>, b: &Dense<T>) -> Dense<T> {
    let values = a.values.iter().zip(&b.values).map(|(&a, &b)| a - b).collect();
    Dense { n: a.n, values }
}

/// Whether a change is one of what lies between two ends, conductor by conductor.
fn is_series<T: Phasor>(by: &Dense<T>) -> bool {
    let h = by.n / 2;
    by.n.is_multiple_of(2)
        && (0..h).all(|i| {
            (0..h).all(|j| {
                let y = by.at(i, j);
                y == by.at(i + h, j + h) && -y == by.at(i, j + h) && -y == by.at(i + h, j)
            })
        })
}

impl<T: Phasor> Solver<T> {
    /// Takes a block that was edited into the update of its island; answers whether that can be
    /// done.
    pub(super) fn heat(&mut self, k: usize, block: usize, old: &Block<T>) -> bool {
        let now = &self.circuit.blocks[block];
        let known = self.islands[k].hot.iter().position(|h| h.block == block as u32);
        let factored = known.map_or(&old.admittance, |at| &self.islands[k].hot[at].factored);
        let by = difference(&now.admittance, factored);
        let series = is_series(&by);
        if let Some(at) = known {
            return series || !self.islands[k].hot[at].series;
        }
        let n = now.terminals.len();
        let count = if series { n / 2 } else { n };
        let island = &self.islands[k];
        if island.update.len() + count > MOST_HOT {
            return false;
        }
        let mut vectors = Vec::with_capacity(count);
        for i in 0..count {
            let ends = [Some((i, 1.0)), series.then_some((i + n / 2, -1.0))];
            let entries = ends
                .into_iter()
                .flatten()
                .filter_map(|(i, sign)| Some((self.unknown(now.terminals[i])?, T::real(sign))));
            vectors.push(entries.collect::<Vec<_>>());
        }
        // What floats rises together: a block that resists that, or did, makes it float no more or
        // anew, which is found by factoring.
        let rises = |vector: &Vec<(u32, T)>| -> f64 {
            let of = |u: u32| island.mode.get(u as usize).copied().unwrap_or_default();
            let mut sum = T::default();
            vector.iter().for_each(|&(u, by)| sum += by * of(u));
            sum.magnitude()
        };
        if vectors.iter().any(|vector| rises(vector) > RISEN) {
            return false;
        }
        let (size, first) = (island.unknowns.len(), island.update.len());
        let factored = old.admittance.clone();
        let island = &mut self.islands[k];
        let Some(factor) = &mut island.factor else { return false };
        for vector in vectors {
            island.update.add(vector, factor, size);
        }
        island.hot.push(Hot { block: block as u32, factored, first, series, count });
        true
    }

    /// Brings the update of an island up to its blocks; answers whether it can be solved by it.
    fn warm(&mut self, k: usize) -> bool {
        let Solver { circuit, islands, .. } = self;
        let Island { hot, update, stale, .. } = &mut islands[k];
        if !*stale {
            return true;
        }
        for hot in &*hot {
            let by = difference(&circuit.blocks[hot.block as usize].admittance, &hot.factored);
            for i in 0..hot.count {
                for j in 0..hot.count {
                    update.set(hot.first + i, hot.first + j, by.at(i, j));
                }
            }
        }
        *stale = !update.prepare();
        !*stale
    }

    /// Orders and factors an island, as far as that is not done.
    pub(super) fn prepare(&mut self, k: usize, budget: &Budget) -> Result<Reused, Error> {
        if self.islands[k].factor.is_some() && self.islands[k].current && self.warm(k) {
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
        let mut drawn = Vec::with_capacity(island.loads.len());
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
            let [from, to] = [load.from, load.to].map(|t| self.unknown(t).unwrap_or(NONE));
            let unit = 1.0 / (load.nominal * load.nominal);
            drawn.push(Drawn {
                from,
                to,
                above: self.offset(load.from) - self.offset(load.to),
                within: y,
                power: load.power.conjugate(),
                by_impedance: load.shares.impedance * unit,
                by_current: load.shares.current / load.nominal,
                by_power: load.shares.power,
                unit,
            });
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
        island.floats = None;
        island.mode = mode;
        island.drawn = drawn;
        island.driven = None;
        island.mixing.clear();
        island.standing = None;
        island.hot.clear();
        island.update.clear();
        island.update.prepare();
        island.stale = false;
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

    /// What drives an island, whatever its voltages are.
    fn drive(&self, k: usize) -> Driven<T> {
        let currents = self.driven(&self.islands[k]);
        let stuck = self.no_return(k, &currents);
        Driven { currents, stuck }
    }

    /// Why the currents that drive an island find no way back, if it is so.
    pub(super) fn stuck(&mut self, k: usize) -> Option<Finding> {
        if self.islands[k].mode.is_empty() {
            return None;
        }
        if self.islands[k].driven.is_none() {
            self.islands[k].driven = Some(self.drive(k));
            self.islands[k].standing = None;
        }
        self.islands[k].driven.as_ref().and_then(|driven| driven.stuck.clone())
    }

    /// Currents into the unknowns of an island that do not depend on them.
    fn driven(&self, island: &Island<T>) -> Vec<T> {
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
        for load in &island.drawn {
            load.put(&mut driven, -(load.within * load.above));
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
        let Some(mut factor) = self.islands[k].factor.take() else { return Ok(Run::default()) };
        let driven = match self.islands[k].driven.take() {
            Some(driven) => driven,
            None => {
                self.islands[k].standing = None;
                self.drive(k)
            }
        };
        let run = self.run(k, &mut factor, &driven.currents, share, aim, budget);
        self.islands[k].driven = Some(driven);
        self.islands[k].factor = Some(factor);
        run
    }

    fn run(
        &mut self,
        k: usize,
        factor: &mut Factor<T>,
        driven: &[T],
        share: f64,
        aim: f64,
        budget: &Budget,
    ) -> Result<Run, Error> {
        let island = &mut self.islands[k];
        let mut run = Run::default();
        let mut mixing = std::mem::take(&mut island.mixing);
        if share != 1.0 {
            mixing.clear();
        }
        mixing.begin();
        // From the last voltages; else from those with every load as an impedance.
        if island.voltages.len() != driven.len() || island.loads.is_empty() {
            let mut start = driven.to_vec();
            factor.solve(&mut start);
            island.update.correct(&mut start);
            island.voltages = start;
            island.standing = None;
            mixing.clear();
            run.iterations = 1;
        }
        if island.loads.is_empty() {
            run.balance = missed(island, factor, driven);
            return Ok(run);
        }
        let mut warm = mixing.rate() > LIGHT;
        let standing = island.standing.take().filter(|_| share == 1.0);
        let put_all = |right: &mut [T], drawn: &[Drawn<T>], at: &[T]| {
            right.copy_from_slice(driven);
            drawn.iter().zip(at).for_each(|(load, &v)| load.put(right, load.rest(v, share)));
        };
        let (mut before, mut right) = match standing {
            Some(Standing { across, right }) => (across, right),
            None => {
                let mut before = island.spare.take(island.drawn.len());
                let across = island.drawn.iter().map(|d| d.across(&island.voltages));
                before.iter_mut().zip(across).for_each(|(to, v)| *to = v);
                let mut right = island.spare.take(driven.len());
                put_all(&mut right, &island.drawn, &before);
                (before, right)
            }
        };
        let mut after = island.spare.take(before.len());
        let mut next = island.spare.take(driven.len());
        loop {
            if let Err(stop) = budget.checkpoint() {
                run.stopped = Some(stop);
                return if run.iterations > 0 { Ok(run) } else { Err(stop.into()) };
            }
            factor.solve(&mut right);
            island.update.correct(&mut right);
            std::mem::swap(&mut island.voltages, &mut right);
            run.iterations += 1;
            run.collapsed = false;
            let mut change = 0.0f64;
            // On the way the currents of these voltages: for the balance, or the next step.
            next.copy_from_slice(driven);
            for ((load, after), &b) in island.drawn.iter().zip(&mut after).zip(&before) {
                *after = load.across(&island.voltages);
                let moved = (*after - b).square() * load.unit;
                change = if moved.is_finite() { change.max(moved) } else { f64::INFINITY };
                let square = after.square();
                let out = !(COLLAPSED * COLLAPSED..BEYOND * BEYOND).contains(&(square * load.unit));
                run.collapsed |= out && share > 0.0 && load.asks();
                load.put(&mut next, load.rest_at(*after, square, share));
            }
            let last = std::mem::replace(&mut run.change, change.sqrt());
            // What the first step tells is nothing without another one.
            let first = run.iterations == 1;
            if !first {
                mixing.learn(&before, &after);
            }
            // The change is not the error: that is what all changes to come sum to.
            let part = (run.change / last).max(mixing.rate());
            let sum = if part < 0.5 { run.change * part / (1.0 - part) } else { run.change };
            if (run.change <= aim && sum <= 0.1 * aim) && !run.collapsed {
                run.balance = missed(island, factor, &next);
                island.spare.keep([before, right]);
                if share == 1.0 {
                    island.mixing = mixing;
                    island.standing = Some(Standing { across: after, right: next });
                }
                return Ok(run);
            }
            if first {
                mixing.learn(&before, &after);
            }
            if run.iterations >= MOST_ITERATIONS || !run.change.is_finite() {
                run.collapsed = true;
                return Ok(run);
            }
            // What was learned before the edit may lead astray.
            if warm && run.iterations > 1 && run.change > last {
                warm = false;
                mixing.clear();
                mixing.learn(&before, &after);
            }
            // The first iterates of a light network converge by themselves.
            if run.iterations < UNMIXED && !warm {
                std::mem::swap(&mut before, &mut after);
                std::mem::swap(&mut right, &mut next);
            } else {
                mixing.next(&mut before);
                put_all(&mut right, &island.drawn, &before);
            }
        }
    }
}

/// The largest current by which an unknown is out of balance.
fn missed<T: Phasor>(island: &mut Island<T>, factor: &mut Factor<T>, currents: &[T]) -> f64 {
    let mut carried = island.spare.take(currents.len());
    factor.multiply(&island.voltages, &mut carried);
    island.update.add_product(&island.voltages, &mut carried);
    let square = currents.iter().zip(&carried).fold(0.0f64, |most, (&i, &c)| {
        let square = (i - c).square();
        if square.is_nan() { f64::INFINITY } else { most.max(square) }
    });
    island.spare.keep([carried]);
    square.sqrt()
}

impl<T: Phasor> Drawn<T> {
    fn across(&self, voltages: &[T]) -> T {
        let at = |u: u32| voltages.get(u as usize).copied().unwrap_or_default();
        at(self.from) - at(self.to) + self.above
    }

    /// The current that is in the factor, less a share of what it draws: as
    /// [`super::circuit::Load::current`], with its divisions made before.
    pub(super) fn rest(&self, voltage: T, share: f64) -> T {
        self.rest_at(voltage, voltage.square(), share)
    }

    fn rest_at(&self, voltage: T, square: f64, share: f64) -> T {
        let mut along = self.by_impedance;
        if square > 0.0 {
            along += self.by_power / square;
            if self.by_current != 0.0 {
                along += self.by_current / square.sqrt();
            }
        }
        self.within * voltage - (self.power * voltage).scaled(along * share)
    }

    fn asks(&self) -> bool {
        self.by_power > 0.0 && self.power.square() > 0.0
    }

    /// Drives a current in at `from` and out at `to`.
    pub(super) fn put(&self, right: &mut [T], current: T) {
        if let Some(i) = right.get_mut(self.from as usize) {
            *i += current;
        }
        if let Some(i) = right.get_mut(self.to as usize) {
            *i -= current;
        }
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
    pub(super) iterations: u32,
    /// Largest change of a voltage, relative to nominal.
    pub(super) change: f64,
    /// Largest current by which an unknown is out of balance, A.
    pub(super) balance: f64,
    pub(super) collapsed: bool,
    pub(super) stopped: Option<Stop>,
}

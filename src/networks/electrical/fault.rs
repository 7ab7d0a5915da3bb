//! Fault currents: the network as it is, without loads; and IEC 60909-0 (2016) with its voltage
//! factors and corrections, for networks without motors and generators.

use num_complex::Complex;
use svgx_base::budget::Budget;

use super::feeder::{Conductor, Feeder, Lowered, Phase};
use super::solve::{Solution, Solver};
use crate::matrix::Dense;
use crate::{Error, Limits};

/// Currents of bolted faults at a bus, A, effective values of the first period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// Voltage to earth before it, V.
    pub before: f64,
    /// Impedance of the positive sequence, Ω.
    pub z1: Phase,
    /// Impedance of the zero sequence, Ω.
    pub z0: Phase,
    /// Between all three phases.
    pub three_phase: f64,
    /// Between two phases.
    pub line_line: f64,
    /// From one phase to earth; `None` where nothing leads the current back.
    pub line_earth: Option<f64>,
    /// From one phase to the neutral conductor, where there is one.
    pub line_neutral: Option<f64>,
}

impl Fault {
    /// Reactance by resistance of the positive sequence.
    pub fn x_over_r(&self) -> f64 {
        self.z1.im / self.z1.re
    }
}

/// The faults of a feeder, bus by bus.
#[derive(Debug)]
pub struct Study {
    lowered: Lowered,
    solver: Solver<Phase>,
    open: Solution<Phase>,
}

impl Study {
    /// Prepares the study: the feeder without its loads.
    ///
    /// # Errors
    /// As [`Solver::new`] and [`Solver::solve`].
    pub fn new(feeder: &Feeder, limits: &Limits, budget: &Budget) -> Result<Study, Error> {
        let mut lowered = feeder.lower()?;
        lowered.circuit.loads.clear();
        let mut solver = Solver::new(lowered.circuit.clone(), limits, budget)?;
        let open = solver.solve(budget)?;
        Ok(Study { lowered, solver, open })
    }

    /// Faults at a bus of three phases. `None` where it has fewer or is not supplied.
    pub fn at(&mut self, bus: u32) -> Option<Fault> {
        let terminal = |c: Conductor| self.lowered.terminals.get(&(bus, c)).copied();
        let phases: Option<Vec<u32>> = Conductor::PHASES.iter().map(|&c| terminal(c)).collect();
        let mut terminals = phases?;
        let neutral = terminal(Conductor::N);
        terminals.extend(neutral);
        let v: Option<Vec<Phase>> =
            terminals.iter().map(|&t| self.open.voltages[t as usize]).collect();
        let v = v?;
        let floats = self.open.floating[terminals[0] as usize];
        let z = self.solver.impedance(&terminals)?;
        let mean = |pairs: [(usize, usize); 3]| {
            pairs.iter().map(|&(i, j)| z.at(i, j)).sum::<Phase>() / 3.0
        };
        let (own, mutual) = (mean([(0, 0), (1, 1), (2, 2)]), mean([(0, 1), (1, 2), (2, 0)]));
        let loop_of = |i: usize, j: usize| z.at(i, i) + z.at(j, j) - z.at(i, j) * 2.0;
        // All three phases together: two differences of voltage drive two currents.
        let pair = Dense {
            n: 2,
            values: vec![
                z.at(0, 0) - z.at(0, 1) - z.at(1, 0) + z.at(1, 1),
                z.at(0, 1) - z.at(0, 2) - z.at(1, 1) + z.at(1, 2),
                z.at(1, 0) - z.at(2, 0) - z.at(1, 1) + z.at(2, 1),
                z.at(1, 1) - z.at(1, 2) - z.at(2, 1) + z.at(2, 2),
            ],
        };
        let y = pair.inverse()?;
        let (ab, bc) = (v[0] - v[1], v[1] - v[2]);
        let first = y.at(0, 0) * ab + y.at(0, 1) * bc;
        let second = y.at(1, 0) * ab + y.at(1, 1) * bc;
        let currents = [first, second - first, -second];
        let three_phase = currents.iter().fold(0.0, |m: f64, i| m.max(i.norm()));
        let line_line = (0..3)
            .map(|k| (v[k] - v[(k + 1) % 3]).norm() / loop_of(k, (k + 1) % 3).norm())
            .fold(0.0, f64::max);
        let line_earth =
            (!floats).then(|| (0..3).map(|k| v[k].norm() / z.at(k, k).norm()).fold(0.0, f64::max));
        let line_neutral = neutral.map(|_| {
            (0..3).map(|k| (v[k] - v[3]).norm() / loop_of(k, 3).norm()).fold(0.0, f64::max)
        });
        Some(Fault {
            before: v[0].norm(),
            z1: own - mutual,
            z0: own + mutual * 2.0,
            three_phase,
            line_line,
            line_earth,
            line_neutral,
        })
    }
}

impl Study {
    /// The largest current of a fault at a bus, A: of any conductors that it has. `None` where it
    /// is not supplied, or where nothing limits the current.
    pub fn largest(&mut self, bus: u32) -> Option<f64> {
        if let Some(fault) = self.at(bus) {
            let others = [Some(fault.three_phase), Some(fault.line_line), fault.line_earth];
            let all = others.into_iter().chain([fault.line_neutral]).flatten();
            return all.max_by(f64::total_cmp).filter(|i| i.is_finite());
        }
        let terminal = |c: Conductor| self.lowered.terminals.get(&(bus, c)).copied();
        let phases: Vec<u32> = Conductor::PHASES.iter().filter_map(|&c| terminal(c)).collect();
        let neutral = terminal(Conductor::N);
        let mut most = 0.0f64;
        for (k, &from) in phases.iter().enumerate() {
            // To the neutral and to other phases, and to earth where that is fixed.
            for &to in phases[k + 1..].iter().chain(&neutral) {
                let z = self.solver.impedance(&[from, to])?;
                let volts = self.open.between(from, to)?.norm();
                let around = z.at(0, 0) + z.at(1, 1) - z.at(0, 1) * 2.0;
                most = most.max(volts / around.norm());
            }
            if !self.open.floating[from as usize] {
                let z = self.solver.impedance(&[from])?;
                let volts = self.open.voltages[from as usize]?.norm();
                most = most.max(volts / z.at(0, 0).norm());
            }
        }
        Some(most).filter(|i| i.is_finite() && *i > 0.0)
    }
}

/// Which currents IEC 60909 is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extreme {
    /// The largest, for breaking capacities: conductors at 20 °C.
    Largest,
    /// The smallest, for disconnection: conductors hot.
    Smallest,
}

/// What IEC 60909 takes for a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Iec60909 {
    /// The largest or the smallest currents.
    pub extreme: Extreme,
    /// Voltage factor of low voltage, up to 1 kV: 1.05 (±6 %) or 1.10 (±10 %), and 0.95.
    pub low: f64,
    /// Voltage factor above: 1.10 and 1.00.
    pub high: f64,
    /// Temperature of conductors at the end of the fault, °C, for the smallest currents.
    pub hot: f64,
}

impl Iec60909 {
    /// The factors of the largest currents at ±6 %.
    pub const LARGEST: Iec60909 =
        Iec60909 { extreme: Extreme::Largest, low: 1.05, high: 1.1, hot: 20.0 };
    /// The factors of the smallest currents.
    pub const SMALLEST: Iec60909 =
        Iec60909 { extreme: Extreme::Smallest, low: 0.95, high: 1.0, hot: 80.0 };

    /// The voltage factor at a nominal voltage, V.
    pub fn factor(&self, volts: f64) -> f64 {
        if volts <= 1000.0 { self.low } else { self.high }
    }

    /// The impedance of a supply of a short-circuit power, VA, at a nominal voltage, V, and a
    /// ratio of resistance by reactance, Ω.
    pub fn supply(&self, volts: f64, power: f64, r_by_x: f64) -> Phase {
        let z = self.factor(volts) * volts * volts / power;
        let x = z / libm::sqrt(1.0 + r_by_x * r_by_x);
        Complex::new(r_by_x * x, x)
    }

    /// The feeder with corrected transformers and warm conductors. The correction takes the
    /// largest voltage factor of the low side: 1.05, or [`Iec60909::low`] where that is larger.
    #[must_use]
    pub fn corrected(&self, feeder: &Feeder) -> Feeder {
        let mut feeder = feeder.clone();
        for t in &mut feeder.transformers {
            let largest = if t.windings[1].volts <= 1000.0 {
                Iec60909::LARGEST.low.max(self.low)
            } else {
                1.1
            };
            let k = 0.95 * largest / (1.0 + 0.6 * t.reactance);
            t.reactance *= k;
            t.windings.iter_mut().for_each(|w| w.resistance *= k);
        }
        if self.extreme == Extreme::Smallest {
            let warm = 1.0 + 0.004 * (self.hot - 20.0);
            for line in &mut feeder.lines {
                line.impedance.iter_mut().for_each(|z| z.re *= warm);
            }
        }
        feeder
    }

    /// Currents at a bus of a nominal voltage, V, from its impedances in a feeder that was
    /// [corrected](Iec60909::corrected).
    pub fn currents(&self, volts: f64, fault: &Fault) -> IecCurrents {
        let c = self.factor(volts);
        let three_phase = c * volts / (3f64.sqrt() * fault.z1.norm());
        let peak = 1.02 + 0.98 * libm::exp(-3.0 * fault.z1.re / fault.z1.im);
        IecCurrents {
            three_phase,
            line_line: c * volts / (2.0 * fault.z1.norm()),
            line_earth: fault
                .line_earth
                .map(|_| 3f64.sqrt() * c * volts / (fault.z1 * 2.0 + fault.z0).norm()),
            peak: peak * 2f64.sqrt() * three_phase,
        }
    }
}

/// Initial symmetrical short-circuit currents, A.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IecCurrents {
    /// `I"k3`.
    pub three_phase: f64,
    /// `I"k2`.
    pub line_line: f64,
    /// `I"k1`.
    pub line_earth: Option<f64>,
    /// `ip`, from the ratio of resistance and reactance at the fault (method b without 1.15).
    pub peak: f64,
}

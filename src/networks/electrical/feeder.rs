//! Alternating current: buses with conductors, and what joins them. SI units, effective values.
//!
//! A feeder is lowered to a [`Circuit`] over complex numbers in phase coordinates: transformers
//! that shift the phase stay symmetric there, and unbalance, neutrals and missing phases need
//! no special case.

use std::collections::BTreeMap;

use num_complex::Complex;

use super::circuit::{Circuit, Shares};
use crate::Name;
use crate::finding::Finding;

/// A complex number: a voltage, a current, an impedance, a power `P + jQ`.
pub type Phase = Complex<f64>;

/// A conductor of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conductor {
    /// The first phase, L1.
    A,
    /// The second phase, L2.
    B,
    /// The third phase, L3.
    C,
    /// The neutral.
    N,
}

impl Conductor {
    /// The phases.
    pub const PHASES: [Conductor; 3] = [Conductor::A, Conductor::B, Conductor::C];

    /// Its letter.
    pub const fn letter(self) -> char {
        match self {
            Conductor::A => 'A',
            Conductor::B => 'B',
            Conductor::C => 'C',
            Conductor::N => 'N',
        }
    }
}

/// Where a winding, load or capacitor returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// To earth.
    Earth,
    /// To the neutral of its bus.
    Neutral,
    /// To nothing but the other phases.
    Isolated,
}

/// How phases are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Each to a common point.
    Wye(Return),
    /// Each to the next.
    Delta,
}

/// A supply: three phases behind an impedance.
#[derive(Debug, Clone)]
pub struct Supply {
    /// Its element.
    pub name: Name,
    /// Its bus.
    pub bus: u32,
    /// Between phases, without load, V.
    pub volts: f64,
    /// Angle of phase A, radians.
    pub angle: f64,
    /// Impedance of a phase, Ω.
    pub own: Phase,
    /// Between phases, Ω.
    pub mutual: Phase,
}

impl Supply {
    /// From its impedances of positive and zero sequence, Ω.
    pub fn of_sequences(name: Name, bus: u32, volts: f64, z1: Phase, z0: Phase) -> Supply {
        let (own, mutual) = ((z0 + z1 * 2.0) / 3.0, (z0 - z1) / 3.0);
        Supply { name, bus, volts, angle: 0.0, own, mutual }
    }
}

/// A line or cable.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its element.
    pub name: Name,
    /// The bus it leaves.
    pub from: u32,
    /// The bus it enters.
    pub to: u32,
    /// Its conductors, the same at both ends.
    pub conductors: Vec<Conductor>,
    /// Series impedance of the whole length, Ω, by rows.
    pub impedance: Vec<Phase>,
    /// Susceptance of the whole length, S, by rows; or empty.
    pub charging: Vec<f64>,
}

impl Line {
    /// Impedances by rows of conductors that all have one impedance, and one between them, Ω.
    pub fn transposed(conductors: usize, own: Phase, mutual: Phase) -> Vec<Phase> {
        let n = conductors;
        (0..n * n).map(|k| if k / n == k % n { own } else { mutual }).collect()
    }
}

/// One side of a transformer.
#[derive(Debug, Clone)]
pub struct Winding {
    /// Its bus.
    pub bus: u32,
    /// Its phases: three; or for one phase what it lies on, to its return or to another phase.
    pub conductors: Vec<Conductor>,
    /// How they are connected.
    pub connection: Connection,
    /// Rated voltage, V: between phases for three, across the winding for one.
    pub volts: f64,
    /// Resistance, as a part of the base impedance.
    pub resistance: f64,
    /// Ratio of a tap.
    pub tap: f64,
}

/// A transformer of two windings.
#[derive(Debug, Clone)]
pub struct Transformer {
    /// Its element.
    pub name: Name,
    /// Its sides: the one of higher voltage first.
    pub windings: [Winding; 2],
    /// Rated power, VA.
    pub power: f64,
    /// Leakage reactance, as a part of the base impedance.
    pub reactance: f64,
}

/// A load or a capacitor.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Its element.
    pub name: Name,
    /// Its bus.
    pub bus: u32,
    /// Its phases.
    pub conductors: Vec<Conductor>,
    /// How they are connected.
    pub connection: Connection,
    /// Rated voltage, V: between phases for three phases or a delta, else across it.
    pub volts: f64,
    /// What it takes at that voltage, all phases together, VA.
    pub power: Phase,
    /// How it depends on the voltage.
    pub shares: Shares,
}

/// A switch of several conductors, without impedance.
#[derive(Debug, Clone)]
pub struct Switch {
    /// Its element.
    pub name: Name,
    /// One bus.
    pub from: u32,
    /// The other one.
    pub to: u32,
    /// Its conductors.
    pub conductors: Vec<Conductor>,
    /// Whether it is closed.
    pub closed: bool,
}

/// A connection of a conductor to earth.
#[derive(Debug, Clone)]
pub struct Electrode {
    /// Its element.
    pub name: Name,
    /// Its bus.
    pub bus: u32,
    /// The conductor.
    pub conductor: Conductor,
    /// Its impedance, Ω; zero for a solid connection.
    pub impedance: Phase,
}

/// An alternating current network.
#[derive(Debug, Clone, Default)]
pub struct Feeder {
    /// The names of the buses.
    pub buses: Vec<Name>,
    /// Supplies.
    pub supplies: Vec<Supply>,
    /// Lines.
    pub lines: Vec<Line>,
    /// Transformers.
    pub transformers: Vec<Transformer>,
    /// Loads and capacitors.
    pub demands: Vec<Demand>,
    /// Switches.
    pub switches: Vec<Switch>,
    /// Electrodes.
    pub electrodes: Vec<Electrode>,
}

/// A feeder as a circuit.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// The circuit: blocks are supplies, lines, transformers, then electrodes.
    pub circuit: Circuit<Phase>,
    /// The terminal of every conductor that something is connected to.
    pub terminals: BTreeMap<(u32, Conductor), u32>,
    /// The loads of the circuit that each demand became.
    pub loads: Vec<Vec<usize>>,
    /// What could not be lowered.
    pub findings: Vec<Finding>,
}

/// A complex number of a size and an angle in radians.
pub fn polar(size: f64, angle: f64) -> Phase {
    Phase::new(size * libm::cos(angle), size * libm::sin(angle))
}

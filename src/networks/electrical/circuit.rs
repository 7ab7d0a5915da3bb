//! A circuit in nodal form, over real numbers (direct current) or complex ones (alternating
//! current in phase coordinates): what every electrical network is lowered to.

use num_complex::Complex;
use svgx_engine::linear::Scalar;

use crate::matrix::Dense;
use crate::memory::Print;
use crate::{Error, Limits, Name, error::Looked};

/// The terminal that is earth.
pub const EARTH: u32 = u32::MAX;

/// A voltage or current: real for direct current, a complex effective value else.
pub trait Phasor: Scalar {
    /// The complex conjugate.
    #[must_use]
    fn conjugate(self) -> Self;
    /// Its real part.
    fn active(self) -> f64;
    /// Its imaginary part.
    fn reactive(self) -> f64;
    /// So many times itself.
    #[must_use]
    fn scaled(self, by: f64) -> Self;
    /// The square of its absolute value.
    fn square(self) -> f64 {
        self.active() * self.active() + self.reactive() * self.reactive()
    }
}

impl Phasor for f64 {
    #[inline]
    fn conjugate(self) -> f64 {
        self
    }

    #[inline]
    fn active(self) -> f64 {
        self
    }

    #[inline]
    fn reactive(self) -> f64 {
        0.0
    }

    #[inline]
    fn scaled(self, by: f64) -> f64 {
        self * by
    }
}

impl Phasor for Complex<f64> {
    #[inline]
    fn conjugate(self) -> Complex<f64> {
        self.conj()
    }

    #[inline]
    fn active(self) -> f64 {
        self.re
    }

    #[inline]
    fn reactive(self) -> f64 {
        self.im
    }

    #[inline]
    fn scaled(self, by: f64) -> Complex<f64> {
        self.scale(by)
    }
}

/// Conductors with admittances between them: a line, a winding pair, a source behind its
/// impedance. The current *into* its terminals is `admittance · voltage − injected`.
#[derive(Debug, Clone)]
pub struct Block<T> {
    /// The element it stands for.
    pub name: Name,
    /// Its terminals; [`EARTH`] is one.
    pub terminals: Vec<u32>,
    /// Symmetric, S, by rows.
    pub(crate) admittance: Dense<T>,
    /// Currents a source drives into its terminals, A: as many as terminals, or none.
    pub injected: Vec<T>,
}

impl<T: Phasor> Block<T> {
    /// Two terminals with one admittance between them, S.
    pub fn between(name: Name, from: u32, to: u32, admittance: T) -> Block<T> {
        let y = admittance;
        let admittance = Dense { n: 2, values: vec![y, -y, -y, y] };
        Block { name, terminals: vec![from, to], admittance, injected: Vec::new() }
    }

    /// Whether it supplies.
    pub fn is_source(&self) -> bool {
        self.injected.iter().any(|i| i.magnitude() > 0.0)
    }
}

/// Two terminals whose voltages differ by a fixed amount whatever flows: an ideal source, or
/// (with zero) a closed switch.
#[derive(Debug, Clone)]
pub struct Tie<T> {
    /// The element it stands for.
    pub name: Name,
    /// The terminal that is higher.
    pub from: u32,
    /// The other one.
    pub to: u32,
    /// Voltage of `from` above `to`, V.
    pub emf: T,
    /// Whether it is a source, which is live even at zero volts.
    pub source: bool,
}

/// Which part of a load is drawn how: shares of the power at nominal voltage, summing to one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// As by an impedance.
    pub impedance: f64,
    /// At a constant current.
    pub current: f64,
    /// At a constant power.
    pub power: f64,
}

impl Shares {
    /// A constant impedance.
    pub const IMPEDANCE: Shares = Shares { impedance: 1.0, current: 0.0, power: 0.0 };
    /// A constant current.
    pub const CURRENT: Shares = Shares { impedance: 0.0, current: 1.0, power: 0.0 };
    /// A constant power.
    pub const POWER: Shares = Shares { impedance: 0.0, current: 0.0, power: 1.0 };
}

/// A load between two terminals.
#[derive(Debug, Clone)]
pub struct Load<T> {
    /// The element it stands for.
    pub name: Name,
    /// Where its current enters.
    pub from: u32,
    /// Where it leaves.
    pub to: u32,
    /// What it takes at nominal voltage, VA: `P + jQ`.
    pub power: T,
    /// Its nominal voltage, V.
    pub nominal: f64,
    /// How it depends on the voltage. It is the author's: no value of the voltage changes it.
    pub shares: Shares,
}

impl<T: Phasor> Load<T> {
    /// The admittance that takes its power at nominal voltage, S.
    pub fn admittance(&self) -> T {
        self.power.conjugate() / T::real(self.nominal * self.nominal)
    }

    /// The current it takes at a voltage, A.
    pub fn current(&self, voltage: T) -> T {
        // Along the voltage, since conj(S / V) = conj(S) V / |V|².
        let square = voltage.square();
        let mut along = self.shares.impedance / (self.nominal * self.nominal);
        if square > 0.0 {
            along += self.shares.power / square;
            if self.shares.current != 0.0 {
                along += self.shares.current / (self.nominal * square.sqrt());
            }
        }
        self.power.conjugate() * voltage * T::real(along)
    }

    /// What it is, for [`Print`].
    pub(crate) fn print(&self, k: usize) -> Print {
        Print::of(1, k, [self.power.active(), self.power.reactive()].map(f64::to_bits))
    }
}

impl<T: Phasor> Block<T> {
    /// What it is, for [`Print`].
    pub(crate) fn print(&self, k: usize) -> Print {
        let values = self.admittance.values.iter().chain(&self.injected);
        Print::of(2, k, values.flat_map(|v| [v.active(), v.reactive()].map(f64::to_bits)))
    }
}

/// A switch that is open: it carries nothing, and is named where something is cut off by it.
#[derive(Debug, Clone)]
pub struct Gap {
    /// The element.
    pub name: Name,
    /// Its terminals, pair by pair.
    pub pairs: Vec<(u32, u32)>,
}

/// A circuit.
#[derive(Debug, Clone, Default)]
pub struct Circuit<T> {
    /// The names of the terminals.
    pub terminals: Vec<Name>,
    /// Conductors and sources behind an impedance.
    pub blocks: Vec<Block<T>>,
    /// Ideal sources and closed switches.
    pub ties: Vec<Tie<T>>,
    /// Loads.
    pub loads: Vec<Load<T>>,
    /// Open switches.
    pub gaps: Vec<Gap>,
}

impl<T: Phasor> Circuit<T> {
    /// Adds a terminal.
    pub fn terminal(&mut self, name: impl Into<Name>) -> u32 {
        self.terminals.push(name.into());
        self.terminals.len() as u32 - 1
    }

    /// # Errors
    /// [`Error::TooLarge`], [`Error::Reference`] and [`Error::Quantity`].
    pub fn admit(&self, limits: &Limits) -> Result<(), Error> {
        let links = self.blocks.len() + self.ties.len() + self.loads.len() + self.gaps.len();
        limits.admit(self.terminals.len(), links)?;
        let n = self.terminals.len();
        let ends = |element: &Name, terminals: &[u32]| {
            let looked = Looked { element };
            terminals.iter().filter(|&&t| t != EARTH).try_for_each(|&t| looked.node(t, n))
        };
        for block in &self.blocks {
            ends(&block.name, &block.terminals)?;
            let looked = Looked { element: &block.name };
            for value in block.admittance.values.iter().chain(&block.injected) {
                looked.finite("an admittance or current", value.magnitude())?;
            }
        }
        for tie in &self.ties {
            ends(&tie.name, &[tie.from, tie.to])?;
            Looked { element: &tie.name }.finite("its voltage", tie.emf.magnitude())?;
        }
        for load in &self.loads {
            ends(&load.name, &[load.from, load.to])?;
            let looked = Looked { element: &load.name };
            looked.finite("its power", load.power.magnitude())?;
            looked.positive("its nominal voltage", load.nominal)?;
            let Shares { impedance, current, power } = load.shares;
            let sum = impedance + current + power;
            looked.hold("the sum of its shares", sum, (sum - 1.0).abs() < 1e-9, "one")?;
        }
        for gap in &self.gaps {
            gap.pairs.iter().try_for_each(|&(a, b)| ends(&gap.name, &[a, b]))?;
        }
        Ok(())
    }

    /// What connects terminals with each other; earth connects nothing.
    pub(crate) fn links(&self) -> Vec<(u32, u32)> {
        let mut links = Vec::new();
        for block in &self.blocks {
            let mut at = block.terminals.iter().copied().filter(|&t| t != EARTH);
            if let Some(first) = at.next() {
                links.extend(at.map(|t| (first, t)));
            }
        }
        let ties = self.ties.iter().map(|t| (t.from, t.to));
        let loads = self.loads.iter().map(|l| (l.from, l.to));
        links.extend(ties.chain(loads).filter(|&(a, b)| a != EARTH && b != EARTH));
        links
    }
}

//! Direct current.

use super::circuit::{Block, Circuit, EARTH, Load, Shares, Tie};
use crate::Name;

impl Circuit<f64> {
    /// A resistor of `ohm` between two terminals.
    pub fn resistor(&mut self, name: impl Into<Name>, from: u32, to: u32, ohm: f64) {
        self.blocks.push(Block::between(name.into(), from, to, 1.0 / ohm));
    }

    /// A source of `volts` from earth, ideal where `ohm` is zero.
    pub fn source(&mut self, name: impl Into<Name>, at: u32, volts: f64, ohm: f64) {
        let name = name.into();
        if ohm == 0.0 {
            self.ties.push(Tie { name, from: at, to: EARTH, emf: volts, source: true });
            return;
        }
        let mut block = Block::between(name, at, EARTH, 1.0 / ohm);
        block.injected = vec![volts / ohm, -volts / ohm];
        self.blocks.push(block);
    }

    /// A source that drives `ampere` from one terminal to another.
    pub fn current_source(&mut self, name: impl Into<Name>, from: u32, to: u32, ampere: f64) {
        let mut block = Block::between(name.into(), from, to, 0.0);
        block.injected = vec![-ampere, ampere];
        self.blocks.push(block);
    }

    /// A load of `watt` at a nominal voltage.
    pub fn load(
        &mut self,
        name: impl Into<Name>,
        at: u32,
        watt: f64,
        nominal: f64,
        shares: Shares,
    ) {
        let (name, power) = (name.into(), watt);
        self.loads.push(Load { name, from: at, to: EARTH, power, nominal, shares });
    }
}

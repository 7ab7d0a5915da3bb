//! Networks that others published, from the files of the tests.

use std::fmt::Write as _;

use serde_json::{Value, json};
use svgx_networks::electrical::{Conductor, Connection, Feeder, Phase, Return, Shares};

use super::cases::Water;

#[path = "../../src/networks/tests/electrical/reader.rs"]
#[allow(dead_code, reason = "answers are read by the tests")]
mod feeders;
#[path = "../../src/networks/tests/flow/reader.rs"]
#[allow(dead_code, reason = "answers are read by the tests")]
mod waters;

/// EPANET's Net3 at its first hour, with the pump that runs and a pipe that gets a valve.
pub(crate) fn net3() -> Water {
    let case = waters::read(include_str!("../../src/networks/tests/flow/cases/net3.txt"));
    let (pump, pipe) = (case.links["335"], case.links["111"]);
    Water { network: case.network, edit: (pipe, 40.0), pump: Some(pump), speeds: [0.9, 1.1] }
}

/// A published feeder with a load and a line to edit.
pub(crate) struct Published {
    pub(crate) feeder: Feeder,
    pub(crate) demand: usize,
    pub(crate) line: usize,
    pub(crate) watt: f64,
    pub(crate) times: f64,
    /// Buses whose voltages to earth nothing fixes.
    pub(crate) floats: Vec<u32>,
}

pub(crate) fn ieee123() -> Published {
    let case = feeders::read(include_str!("../../src/networks/tests/electrical/cases/ieee123.txt"));
    let demands = &case.feeder.demands;
    let is_lamp =
        |k: &usize| demands[*k].conductors.len() == 1 && demands[*k].shares == Shares::POWER;
    let demand = (demands.len() / 2..demands.len()).find(is_lamp).expect("a load of one phase");
    let line = case.feeder.lines.len() / 2;
    let floats = vec![case.buses["610"]];
    Published { feeder: case.feeder, demand, line, watt: 60e3, times: 1.5, floats }
}

/// Conductors of a bus as OpenDSS numbers them.
fn dots(conductors: &[Conductor]) -> String {
    let number = |c: &Conductor| match c {
        Conductor::A => ".1",
        Conductor::B => ".2",
        Conductor::C => ".3",
        Conductor::N => ".0",
    };
    conductors.iter().map(number).collect()
}

/// A lower triangle of a matrix by rows.
fn triangle(n: usize, value: impl Fn(usize) -> f64) -> String {
    let row =
        |i: usize| (0..=i).map(|j| format!("{:e}", value(i * n + j))).collect::<Vec<_>>().join(" ");
    (0..n).map(row).collect::<Vec<_>>().join(" | ")
}

impl Published {
    /// Where voltages are compared: the conductors at the far ends of lines.
    pub(crate) fn wanted(&self) -> Vec<(u32, Conductor)> {
        let lines = self.feeder.lines.iter().filter(|l| !self.floats.contains(&l.to));
        lines.flat_map(|l| l.conductors.iter().map(|&c| (l.to, c))).collect()
    }

    pub(crate) fn json(&self, times: bool, peers: &[&str]) -> Value {
        let wanted = self.wanted().into_iter().map(|(bus, c)| format!("b{bus}{}", dots(&[c])));
        let demand = &self.feeder.demands[self.demand];
        json!({
            "peers": peers, "times": times, "script": self.script(),
            "wanted": wanted.collect::<Vec<_>>(),
            "loads": { self.demand.to_string(): {"var": demand.power.im} },
            "edit": {"load": self.demand, "watt": self.watt, "line": self.line, "times": self.times},
        })
    }

    /// Commands of OpenDSS that make the feeder.
    fn script(&self) -> Vec<String> {
        let f = &self.feeder;
        let mut script = Vec::new();
        for s in &f.supplies {
            let (z1, z0) = (s.own - s.mutual, s.own + s.mutual * 2.0);
            let kv = s.volts / 1e3;
            script.push(format!(
                "new circuit.c bus1=b{} basekv={kv} pu=1 phases=3 angle={} r1={:e} x1={:e} r0={:e} x0={:e}",
                s.bus, s.angle.to_degrees(), z1.re, z1.im, z0.re, z0.im
            ));
        }
        for (k, l) in f.lines.iter().enumerate() {
            let (n, at) = (l.conductors.len(), dots(&l.conductors));
            let per_farad = 1e9 / (2.0 * std::f64::consts::PI * 60.0);
            script.push(format!(
                "new line.l{k} bus1=b{}{at} bus2=b{}{at} phases={n} rmatrix=({}) xmatrix=({}) cmatrix=({}) length=1 units=none",
                l.from, l.to,
                triangle(n, |k| l.impedance[k].re),
                triangle(n, |k| l.impedance[k].im),
                triangle(n, |k| l.charging.get(k).map_or(0.0, |b| b * per_farad)),
            ));
        }
        for (k, t) in f.transformers.iter().enumerate() {
            let phases = t.windings[0].conductors.len();
            let mut text = format!(
                "new transformer.t{k} phases={phases} windings=2 xhl={:e}",
                100.0 * t.reactance
            );
            for (w, number) in t.windings.iter().zip(1..) {
                let conn = if w.connection == Connection::Delta { "delta" } else { "wye" };
                let _ = write!(
                    text,
                    " wdg={number} bus=b{}{} conn={conn} kv={} kva={} %r={:e} tap={}",
                    w.bus,
                    dots(&w.conductors),
                    w.volts / 1e3,
                    t.power / 1e3,
                    100.0 * w.resistance,
                    w.tap
                );
            }
            script.push(text);
        }
        for (k, d) in f.demands.iter().enumerate() {
            let conn = if d.connection == Connection::Delta { "delta" } else { "wye" };
            let model = if d.shares == Shares::POWER {
                1
            } else if d.shares == Shares::CURRENT {
                5
            } else {
                2
            };
            let phases = if d.conductors.len() == 3 { 3 } else { 1 };
            assert!(d.connection != Connection::Wye(Return::Neutral), "a load to a neutral");
            script.push(format!(
                "new load.d{k} bus1=b{}{} phases={phases} conn={conn} kv={} kw={:e} kvar={:e} model={model} vminpu=0.3 vmaxpu=1.7",
                d.bus, dots(&d.conductors), d.volts / 1e3, d.power.re / 1e3, d.power.im / 1e3
            ));
        }
        script
    }

    /// The feeder with its line so many times as long.
    pub(crate) fn longer(&self, times: f64) -> Feeder {
        let mut feeder = self.feeder.clone();
        let line = &mut feeder.lines[self.line];
        line.impedance.iter_mut().for_each(|z: &mut Phase| *z *= times);
        line.charging.iter_mut().for_each(|b| *b *= times);
        feeder
    }
}

//! The answer of any network in one form: rows of nodes and links with quantities and units.

use serde::Serialize;
use svgx_base::budget::Budget;

use crate::accuracy::Effort;
use crate::electrical::{Conductor, EARTH, Feeder, Solver};
use crate::read::{Model, System};
use crate::{Error, Finding, Limits, Name, State, flow, frame, heat};

/// What was computed of a system of a drawing.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// The id of the system.
    pub system: Name,
    /// What it is: `electrical`, `flow`, `heat` or `frame`; empty where nothing could be read.
    pub network: &'static str,
    /// The nodes.
    pub nodes: Vec<Row>,
    /// The links.
    pub links: Vec<Row>,
    /// What is wrong: with the drawing, then with the network.
    pub findings: Vec<Finding>,
    /// How exact the answer is.
    pub effort: Effort,
}

/// An element and its quantities.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub name: Name,
    /// Its quantities.
    pub values: Vec<Reading>,
}

/// A quantity.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// Its name.
    pub name: &'static str,
    /// Its value; `None` where there is none, for which there is a finding.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
}

fn row(name: &Name, values: &[(&'static str, Option<f64>, &'static str)]) -> Row {
    let values = values.iter().map(|&(name, value, unit)| Reading { name, value, unit }).collect();
    Row { name: name.clone(), values }
}

impl Answer {
    /// Solves a system that was read.
    ///
    /// # Errors
    /// [`Error`] for a network that cannot be solved at all.
    pub fn of(system: &System, limits: &Limits, budget: &Budget) -> Result<Answer, Error> {
        let mut answer = Answer {
            system: system.name.clone(),
            network: "",
            nodes: Vec::new(),
            links: Vec::new(),
            findings: system.findings.clone(),
            effort: Effort::default(),
        };
        match &system.model {
            None => {}
            Some(Model::Electrical(feeder)) => answer.electrical(feeder, limits, budget)?,
            Some(Model::Flow(network)) => answer.flow(network, limits, budget)?,
            Some(Model::Heat(network)) => answer.heat(network, limits, budget)?,
            Some(Model::Frame(structure)) => answer.frame(structure, limits, budget)?,
        }
        Ok(answer)
    }

    /// The worst state of a finding.
    pub fn state(&self) -> State {
        self.findings.iter().map(|f| f.state).max().unwrap_or_default()
    }

    fn electrical(
        &mut self,
        feeder: &Feeder,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), Error> {
        self.network = "electrical";
        let lowered = feeder.lower()?;
        self.findings.extend(lowered.findings.iter().cloned());
        let mut solver = Solver::new(lowered.circuit.clone(), limits, budget)?;
        let s = solver.solve(budget)?;
        for (&(bus, conductor), &terminal) in &lowered.terminals {
            // Of a phase the voltage to its neutral, where the bus has one.
            let neutral = lowered.terminals.get(&(bus, Conductor::N)).copied();
            let to = neutral.filter(|&n| n != terminal).unwrap_or(EARTH);
            let floats = to == EARTH && s.floating[terminal as usize];
            let volts = s.between(terminal, to).filter(|_| !floats).map(|v| v.norm());
            let name = lowered.circuit.terminals[terminal as usize].clone();
            debug_assert!(name.ends_with(conductor.letter()), "terminals are named by conductors");
            self.nodes.push(row(&name, &[("voltage", volts, "V")]));
        }
        for (k, line) in feeder.lines.iter().enumerate() {
            let currents = solver.block_currents(lowered.line(feeder, k), &s);
            let n = line.conductors.len();
            let most =
                currents.as_ref().map(|c| c[..n].iter().fold(0.0f64, |m, i| m.max(i.norm())));
            self.links.push(row(&line.name, &[("current", most, "A")]));
        }
        let ties = || s.tie_currents.iter().zip(&lowered.circuit.ties);
        for switch in &feeder.switches {
            let found = ties().filter(|(_, t)| t.name == switch.name && !t.source);
            // One conductor that nothing is said of leaves nothing to say of the switch.
            let mut most = found.map(|(i, _)| i.map(|i| i.norm()));
            let most = most.try_fold(0.0f64, |m, i| i.map(|i| m.max(i)));
            let current = if switch.closed { most } else { Some(0.0) };
            self.links.push(row(&switch.name, &[("current", current, "A")]));
        }
        self.findings.extend(s.findings);
        self.effort = s.effort;
        Ok(())
    }

    fn flow(
        &mut self,
        network: &flow::Network,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), Error> {
        self.network = "flow";
        let s = flow::Solver::new(network.clone(), limits)?.solve(budget)?;
        for (k, node) in network.nodes.iter().enumerate() {
            let values = [
                ("pressure", s.pressures[k], "Pa"),
                ("head", s.heads[k], "m"),
                ("supplied", s.supplied[k], "m^3/s"),
            ];
            self.nodes.push(row(&node.name, &values));
        }
        for (k, link) in network.links.iter().enumerate() {
            let mut values = vec![("flow", s.flows[k], "m^3/s")];
            if let flow::LinkKind::Pipe { diameter, .. } = link.kind {
                let area = std::f64::consts::FRAC_PI_4 * diameter * diameter;
                values.push(("velocity", s.flows[k].map(|q| q / area), "m/s"));
            }
            self.links.push(row(&link.name, &values));
        }
        self.findings.extend(s.findings);
        self.effort = s.effort;
        Ok(())
    }

    fn heat(
        &mut self,
        network: &heat::Network,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), Error> {
        self.network = "heat";
        let s = heat::steady(network, limits, budget)?;
        for (k, node) in network.nodes.iter().enumerate() {
            let values = [("temperature", s.temperatures[k], "C"), ("heat", s.heat[k], "W")];
            self.nodes.push(row(&node.name, &values));
        }
        for (link, heat) in network.links.iter().zip(&s.links) {
            self.links.push(row(&link.name, &[("heat", *heat, "W")]));
        }
        for (wall, heat) in network.walls.iter().zip(&s.walls) {
            self.links.push(row(&wall.name, &[("heat", *heat, "W")]));
        }
        self.findings.extend(s.findings);
        self.effort = s.effort;
        Ok(())
    }

    fn frame(
        &mut self,
        structure: &frame::Structure,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), Error> {
        self.network = "frame";
        let mut solver = frame::Solver::new(structure.clone(), limits, budget)?;
        let s = solver.solve(budget)?;
        for (k, node) in structure.nodes.iter().enumerate() {
            // Downward as in the drawing.
            let moved = s.displacements[k];
            let mut values =
                vec![("right", moved.map(|d| d[0]), "m"), ("down", moved.map(|d| -d[1]), "m")];
            if node.support.iter().any(|r| *r != frame::Restraint::Free) {
                let r = s.reactions[k];
                values.push(("reaction right", r.map(|r| r[0]), "N"));
                values.push(("reaction up", r.map(|r| r[1]), "N"));
                values.push(("reaction moment", r.map(|r| r[2]), "N*m"));
            }
            self.nodes.push(row(&node.name, &values));
        }
        for (k, member) in structure.members.iter().enumerate() {
            let length = {
                let at = |n: u32| structure.nodes[n as usize].at;
                let (a, b) = (at(member.from), at(member.to));
                libm::hypot(b[0] - a[0], b[1] - a[1])
            };
            let places: Vec<f64> = (0..=20).map(|i| length * f64::from(i) / 20.0).collect();
            let sections = solver.sections(&s, k, &places);
            let most = |of: &dyn Fn(&frame::Section) -> f64| {
                let sections = sections.as_ref()?;
                sections.iter().map(of).max_by(|a, b| a.abs().total_cmp(&b.abs()))
            };
            let values = [
                ("axial", most(&|s| s.axial), "N"),
                ("shear", most(&|s| s.shear), "N"),
                ("moment", most(&|s| s.moment), "N*m"),
                ("deflection", most(&|s| -s.displacement[1]), "m"),
            ];
            self.links.push(row(&member.name, &values));
        }
        self.findings.extend(s.findings);
        self.effort = s.effort;
        Ok(())
    }
}

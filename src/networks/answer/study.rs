//! Studies of a system: what flows, what a fault draws, and what a node can still be asked for.

use num_complex::Complex;
use serde::{Deserialize, Serialize};
use svgx_base::budget::Budget;

use super::{Answer, Kept, row};
use crate::electrical::Feeder;
use crate::electrical::fault::{Iec60909, Study as Faults};
use crate::finding::{Finding, Kind, State, listed};
use crate::read::{Domain, Model, System};
use crate::{Error, Limits, Name, flow, heat};

/// How often a load is halved or doubled: the answer is exact to a part of 2^-20.
const HALVINGS: u32 = 20;

/// The largest load that is tried, W or m³/s.
const LARGEST: f64 = 1e12;

/// What is asked of a system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkStudy"))]
pub enum Study {
    /// What flows.
    #[default]
    Flow,
    /// Fault currents at the buses of an electrical network.
    Fault,
    /// How temperatures swing for ever about their mean, where some of them are given to swing.
    Periodic,
    /// How much more a node can be asked for until a bound is passed, a pressure is negative or
    /// the network carries no more.
    Load,
}

impl std::str::FromStr for Study {
    type Err = String;

    fn from_str(word: &str) -> Result<Study, String> {
        match word {
            "flow" => Ok(Study::Flow),
            "fault" => Ok(Study::Fault),
            "load" => Ok(Study::Load),
            "periodic" => Ok(Study::Periodic),
            other => {
                let other: String = other.chars().take(64).collect();
                Err(format!("there is no study {other:?}: flow, fault, load or periodic"))
            }
        }
    }
}

impl Study {
    /// Whether it can be asked of a network.
    pub fn suits(self, domain: Domain) -> bool {
        match self {
            Study::Flow => true,
            Study::Fault => domain == Domain::Electrical,
            Study::Periodic => domain == Domain::Heat,
            Study::Load => matches!(domain, Domain::Electrical | Domain::Water | Domain::Air),
        }
    }
}

impl Answer {
    /// Studies a system at nodes, by their names; at all of them where `at` is empty. A node that
    /// does not exist is a finding.
    ///
    /// # Errors
    /// As [`Answer::of`].
    pub fn studied(
        system: &System,
        study: Study,
        at: &[Name],
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Answer, Error> {
        let studied = match (study, &system.model) {
            (Study::Fault, Some(Model::Electrical(feeder))) => {
                faults(system, feeder, at, limits, budget)
            }
            (Study::Periodic, Some(Model::Heat(network))) => {
                swings(system, network, at, limits, budget)
            }
            (Study::Load, Some(Model::Electrical(_) | Model::Flow(_))) => {
                loads(system, at, limits, budget)
            }
            _ => return Answer::of(system, limits, budget),
        };
        studied.or_else(|error| Answer::refused(system, error))
    }

    /// Names that are no nodes.
    fn unknown(&mut self, at: &[Name], known: &[Name]) {
        let unknown: Vec<Name> = at.iter().filter(|a| !known.contains(a)).cloned().collect();
        if unknown.is_empty() {
            return;
        }
        let message = format!("{} has no node {}", self.system, listed(&unknown));
        self.findings.push(Finding::new(Kind::Terminal, State::Failed, unknown, message));
    }
}

/// Currents of bolted faults, bus by bus, without loads; and those of IEC 60909.
fn faults(
    system: &System,
    feeder: &Feeder,
    at: &[Name],
    limits: &Limits,
    budget: &Budget,
) -> Result<Answer, Error> {
    let mut answer = Answer::begin(system);
    answer.unknown(at, &feeder.buses);
    let mut study = Faults::new(feeder, limits, budget)?;
    let iec = |iec: Iec60909| -> Result<(Iec60909, Faults), Error> {
        let mut corrected = iec.corrected(feeder);
        for supply in &mut corrected.supplies {
            // Its fault current is that of the standard, with the voltage factor.
            let factor = iec.factor(supply.volts);
            supply.own *= factor;
            supply.mutual *= factor;
        }
        Ok((iec, Faults::new(&corrected, limits, budget)?))
    };
    let mut standard = [iec(Iec60909::LARGEST)?, iec(Iec60909::SMALLEST)?];
    for (bus, name) in feeder.buses.iter().enumerate() {
        budget.checkpoint()?;
        if !at.is_empty() && !at.contains(name) {
            continue;
        }
        let fault = study.at(bus as u32);
        let of = |value: fn(&crate::electrical::fault::Fault) -> Option<f64>| {
            fault.as_ref().and_then(value)
        };
        let volts = fault.as_ref().map(|f| f.before * 3f64.sqrt());
        let [most, least] = standard.each_mut().map(|(iec, study)| {
            let fault = study.at(bus as u32)?;
            Some(iec.currents(volts?, &fault))
        });
        let values = [
            ("largest", study.largest(bus as u32), "A"),
            ("three phase", of(|f| Some(f.three_phase)), "A"),
            ("line to line", of(|f| Some(f.line_line)), "A"),
            ("line to earth", of(|f| f.line_earth), "A"),
            ("line to neutral", of(|f| f.line_neutral), "A"),
            ("x/r", of(|f| Some(f.x_over_r())), ""),
            ("iec largest", most.map(|i| i.three_phase), "A"),
            ("iec peak", most.map(|i| i.peak), "A"),
            ("iec smallest", least.map(|i| i.three_phase), "A"),
        ];
        answer.nodes.push(row(name, &values));
    }
    answer.effort.converged = true;
    answer.effort.iterations = 1;
    Ok(answer.end())
}

/// Means, swings, and when temperatures are highest.
fn swings(
    system: &System,
    network: &heat::Network,
    at: &[Name],
    limits: &Limits,
    budget: &Budget,
) -> Result<Answer, Error> {
    let mut answer = Answer::begin(system);
    let names: Vec<Name> = network.nodes.iter().map(|n| n.name.clone()).collect();
    answer.unknown(at, &names);
    let swings = &system.motion.swings;
    let Some(period) = swings.first().map(|s| s.period) else {
        let message = format!("nothing in {} is given to swing", system.name);
        let elements = [system.name.clone()];
        answer.findings.push(Finding::new(Kind::Quantity, State::Failed, elements, message));
        return Ok(answer.end());
    };
    if let Some(other) = swings.iter().find(|s| s.period != period) {
        let name = names.get(other.node as usize).cloned().unwrap_or_else(|| system.name.clone());
        let message = format!("{name} swings in {} s and others in {period} s", other.period);
        answer.findings.push(Finding::new(Kind::Quantity, State::Failed, [name], message));
        return Ok(answer.end());
    }
    let omega = 2.0 * std::f64::consts::PI / period;
    let mut given = vec![Complex::default(); network.nodes.len()];
    for swing in swings {
        let turn = -omega * swing.peak;
        given[swing.node as usize] +=
            Complex::new(libm::cos(turn), libm::sin(turn)) * swing.amplitude;
    }
    let mean = heat::steady(network, limits, budget)?;
    let found = heat::periodic(network, omega, &given, limits, budget)?;
    for (k, name) in names.iter().enumerate() {
        if !at.is_empty() && !at.contains(name) {
            continue;
        }
        // Of what does not swing nothing is highest.
        let size = found[k].map(|z| z.norm());
        let peak = found[k].filter(|z| z.norm() > 0.0).map(|z| {
            let hours = -libm::atan2(z.im, z.re) / omega / 3600.0;
            hours.rem_euclid(period / 3600.0)
        });
        let values =
            [("mean", mean.temperatures[k], "C"), ("swing", size, "K"), ("peak", peak, "h")];
        answer.nodes.push(row(name, &values));
    }
    answer.findings.extend(mean.findings);
    answer.effort = mean.effort;
    Ok(answer.end())
}

/// What each node can be asked for beside what it is asked for already.
fn loads(system: &System, at: &[Name], limits: &Limits, budget: &Budget) -> Result<Answer, Error> {
    let base = Answer::of(system, limits, budget)?;
    let mut answer = Answer { nodes: Vec::new(), links: Vec::new(), ..base.clone() };
    let known: Vec<Name> = match &system.model {
        Some(Model::Electrical(feeder)) => feeder.buses.clone(),
        Some(Model::Flow(network)) => network.nodes.iter().map(|n| n.name.clone()).collect(),
        _ => Vec::new(),
    };
    answer.unknown(at, &known);
    for name in
        known.iter().filter(|n| if at.is_empty() { asks(system, n) } else { at.contains(n) })
    {
        let unit = if system.domain == Some(Domain::Electrical) { "W" } else { "m^3/s" };
        let more =
            if fine(&base, &base) { more(system, name, &base, limits, budget)? } else { None };
        answer.nodes.push(row(name, &[("more", more, unit)]));
    }
    Ok(answer.end())
}

/// Whether a node is asked for something already.
fn asks(system: &System, name: &Name) -> bool {
    match &system.model {
        Some(Model::Electrical(feeder)) => {
            feeder.demands.iter().any(|d| feeder.buses.get(d.bus as usize) == Some(name))
        }
        Some(Model::Flow(network)) => network
            .nodes
            .iter()
            .any(|n| n.name == *name && matches!(n.kind, flow::NodeKind::Demand(q) if q > 0.0)),
        _ => false,
    }
}

/// Whether nothing is wrong that was not wrong before.
fn fine(answer: &Answer, before: &Answer) -> bool {
    let bad = |a: &Answer| a.findings.iter().filter(|f| f.state >= State::Critical).count();
    answer.effort.converged && (std::ptr::eq(answer, before) || bad(answer) <= bad(before))
}

/// The largest load that a node takes beside its own: by doubling, then by halving. `None` where
/// it takes whatever is asked, or where nothing can be asked of it.
fn more(
    system: &System,
    name: &Name,
    base: &Answer,
    limits: &Limits,
    budget: &Budget,
) -> Result<Option<f64>, Error> {
    let holds = |more: f64| -> Result<Option<bool>, Error> {
        let Some(asked) = with_more(system, name, more) else { return Ok(None) };
        let solved = Kept::new(asked, limits, budget).and_then(|mut kept| kept.solve(budget));
        let answer = match solved {
            Ok(answer) => answer,
            Err(error @ (Error::Stopped(_) | Error::TooLarge { .. })) => return Err(error),
            Err(_) => return Ok(Some(false)),
        };
        if answer.effort.stopped.is_some() {
            budget.checkpoint()?;
        }
        Ok(Some(fine(&answer, base)))
    };
    let electrical = system.domain == Some(Domain::Electrical);
    let (mut carried, mut refused) = (0.0, if electrical { 1.0 } else { 1e-6 });
    loop {
        match holds(refused)? {
            None => return Ok(None),
            Some(false) => break,
            Some(true) if refused >= LARGEST => return Ok(None),
            Some(true) => (carried, refused) = (refused, 2.0 * refused),
        }
    }
    for _ in 0..HALVINGS {
        let between = 0.5 * (carried + refused);
        match holds(between)? {
            Some(true) => carried = between,
            _ => refused = between,
        }
    }
    Ok(Some(carried))
}

/// The system with more asked of a node; `None` where nothing can be asked there.
fn with_more(system: &System, name: &Name, more: f64) -> Option<System> {
    let mut system = system.clone();
    match system.model.as_mut()? {
        Model::Electrical(feeder) => {
            let bus = feeder.buses.iter().position(|b| b == name)? as u32;
            // As what is there draws, all phases alike.
            let demand = feeder.demands.iter_mut().find(|d| d.bus == bus)?;
            demand.power.re += more;
        }
        Model::Flow(network) => {
            let node = network.nodes.iter_mut().find(|n| n.name == *name)?;
            let flow::NodeKind::Demand(q) = &mut node.kind else { return None };
            *q += more;
        }
        Model::Heat(_) | Model::Frame(_) => return None,
    }
    Some(system)
}

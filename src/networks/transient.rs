//! Systems of drawings in time: tanks that fill and run empty, rooms that warm up and cool down.
//!
//! Levels follow the method of Bogacki and Shampine (1989) with its embedded error up to where a
//! control acts or a tank is full or empty; temperatures follow [`heat::Transient`]. What does not move is solved for every frame that asks for it.

mod controls;
mod levels;

use std::ops::ControlFlow;

use serde::Serialize;
use svgx_base::budget::{Budget, Stop};

use crate::accuracy::tolerance;
use crate::finding::Finding;
use crate::read::{Model, System};
use crate::{Answer, Error, Limits, Name, Row, accuracy, heat};

pub use controls::Event;

/// Parts of a period in which what swings is held; at its middle it is exact.
const PARTS: f64 = 288.0;

/// How many frames one system gives.
pub const MOST_FRAMES: f64 = 100_000.0;

/// A system at a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkFrame"))]
pub struct Frame {
    /// Seconds from the start.
    pub time: f64,
    /// The id of the system.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub system: Name,
    /// Its nodes.
    pub nodes: Vec<Row>,
    /// Its links.
    pub links: Vec<Row>,
}

/// What became of a system in time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// The id of the system.
    pub system: Name,
    /// Which network it is.
    pub network: &'static str,
    /// Seconds that were simulated.
    pub simulated: f64,
    /// Steps that were made.
    pub steps: u32,
    /// The largest estimated error of a step: m of a level, K of a temperature.
    pub error: f64,
    /// What a step may be off.
    pub tolerance: f64,
    /// What controls did, in order of time.
    pub events: Vec<Event>,
    /// What is wrong: with the drawing, then with what happened.
    pub findings: Vec<Finding>,
    /// Why it ended before its time.
    #[serde(skip)]
    pub stopped: Option<Stop>,
}

/// How far, and how often it is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// s.
    pub duration: f64,
    /// Between two frames, s.
    pub every: f64,
}

impl Span {
    fn admit(self) -> Result<(), Error> {
        let frames = self.duration / self.every;
        if frames.is_nan() || frames > MOST_FRAMES || self.every <= 0.0 || self.duration < 0.0 {
            let (what, limit) = ("frames of a network", MOST_FRAMES as usize);
            return Err(Error::TooLarge { what, count: frames.min(1e18) as usize, limit });
        }
        Ok(())
    }

    /// The times of frames.
    fn next(self, frame: u32) -> f64 {
        (f64::from(frame) * self.every).min(self.duration)
    }
}

impl System {
    /// Simulates the system, and hands out what there is at the start and then as often as asked,
    /// in order; `frame` may end it. A system in which nothing moves has one frame.
    ///
    /// # Errors
    /// [`Error`] for a system that cannot be simulated at all.
    pub fn simulate(
        &self,
        span: Span,
        limits: &Limits,
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Moved, Error> {
        span.admit()?;
        let mut moved = Moved {
            system: self.name.clone(),
            network: self.domain.map_or("", |d| d.as_str()),
            simulated: span.duration,
            steps: 0,
            error: 0.0,
            tolerance: 0.0,
            events: Vec::new(),
            findings: self.findings.clone(),
            stopped: None,
        };
        match &self.model {
            Some(Model::Flow(network)) if !self.motion.is_none() => {
                levels::simulate(self, network, span, limits, budget, frame, &mut moved)?;
            }
            Some(Model::Heat(network))
                if !self.motion.is_none() || !self.motion.starts.is_empty() =>
            {
                temperatures(self, network, span, limits, budget, frame, &mut moved)?;
            }
            _ => {
                let answer = Answer::plain(self, limits, budget)?;
                moved.findings = answer.findings;
                moved.tolerance = answer.effort.tolerance;
                let (nodes, links) = (answer.nodes, answer.links);
                let _ = frame(Frame { time: 0.0, system: self.name.clone(), nodes, links });
            }
        }
        Ok(moved)
    }
}

fn temperatures(
    system: &System,
    network: &heat::Network,
    span: Span,
    limits: &Limits,
    budget: &Budget,
    frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    moved: &mut Moved,
) -> Result<(), Error> {
    moved.tolerance = tolerance(accuracy::Domain::Heat, budget.tier());
    let motion = &system.motion;
    let mean: Vec<f64> = network
        .nodes
        .iter()
        .map(|n| match n.kind {
            heat::NodeKind::Fixed(v) | heat::NodeKind::Free(v) => v,
        })
        .collect();
    let value = |time: f64| -> Vec<(usize, f64)> {
        let factor = |node: u32| {
            let pattern = motion.patterns.iter().find(|p| p.node == node);
            pattern.map_or(1.0, |p| p.at(time))
        };
        let moves =
            motion.swings.iter().map(|s| s.node).chain(motion.patterns.iter().map(|p| p.node));
        let swing = |node: u32| -> f64 {
            motion.swings.iter().filter(|s| s.node == node).map(|s| s.at(time)).sum()
        };
        moves.map(|n| (n as usize, mean[n as usize] * factor(n) + swing(n))).collect()
    };
    // From the temperatures that are given; else from those that would stay.
    let steady = heat::steady(network, limits, budget)?;
    let mut start: Vec<f64> = steady.temperatures.iter().map(|t| t.unwrap_or(0.0)).collect();
    motion.starts.iter().for_each(|&(node, t)| start[node as usize] = t);
    let mut first = network.clone();
    for (node, value) in value(0.0) {
        match &mut first.nodes[node].kind {
            heat::NodeKind::Fixed(v) | heat::NodeKind::Free(v) => *v = value,
        }
    }
    let mut transient = heat::Transient::new(&first, &start, limits, budget)?;
    moved.findings.extend(steady.findings);
    let shortest = motion.swings.iter().map(|s| s.period / PARTS).fold(f64::INFINITY, f64::min);
    let mut count = 0;
    loop {
        let time = transient.time();
        if time >= span.next(count) - 1e-9 {
            let now = value(time);
            let (nodes, links) = rooms(network, &transient, &now);
            let system = system.name.clone();
            if frame(Frame { time, system, nodes, links }).is_break() || time >= span.duration {
                moved.simulated = time;
                break;
            }
            count += 1;
        }
        let changes = motion.patterns.iter().map(|p| p.next(time));
        let until = changes.fold(span.next(count).min(time + shortest), f64::min);
        // What swings is held at what it is in the middle of the step.
        for (node, value) in value(time + 0.5 * (until - time)) {
            transient.set(node, value);
        }
        match transient.advance(until - time, budget) {
            Ok(()) => {}
            Err(Error::Stopped(stop)) if time > 0.0 && !budget.is_strict() => {
                (moved.simulated, moved.stopped) = (transient.time(), Some(stop));
                break;
            }
            Err(error) => return Err(error),
        }
    }
    (moved.steps, moved.error) = (transient.steps(), transient.error());
    Ok(())
}

/// The rows of rooms at a time, with what swings as it is then.
fn rooms(
    network: &heat::Network,
    transient: &heat::Transient,
    now: &[(usize, f64)],
) -> (Vec<Row>, Vec<Row>) {
    let mut t: Vec<f64> = transient.temperatures().to_vec();
    let mut put: Vec<Option<f64>> = network
        .nodes
        .iter()
        .map(|n| match n.kind {
            heat::NodeKind::Free(heat) => Some(heat),
            heat::NodeKind::Fixed(_) => None,
        })
        .collect();
    for &(node, value) in now {
        match put[node].as_mut() {
            Some(heat) => *heat = value,
            None => t[node] = value,
        }
    }
    let nodes = network.nodes.iter().enumerate().map(|(k, node)| {
        let heat = put[k].unwrap_or_else(|| -transient.inflow(k as u32));
        crate::answer::row(
            &node.name,
            &[("temperature", Some(t[k]), "C"), ("heat", Some(heat), "W")],
        )
    });
    let links = network.links.iter().map(|link| {
        let heat = link.conductance * (t[link.from as usize] - t[link.to as usize]);
        crate::answer::row(&link.name, &[("heat", Some(heat), "W")])
    });
    (nodes.collect(), links.collect())
}

//! Rooms that warm up and cool down: temperatures by [`heat::Transient`], what swings held at what
//! it is in the middle of each part of its period.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use svgx_base::budget::Budget;

use super::simulation::Step;
use super::{Frame, Moved, Span};
use crate::finding::Finding;
use crate::heat::{self, NodeKind};
use crate::read::{Model, System};
use crate::{Error, Limits, Row};

/// Parts of a period in which what swings is held; at its middle it is exact.
const PARTS: f64 = 288.0;

/// Rooms between two steps.
#[derive(Debug)]
pub(super) struct Rooms {
    system: Arc<System>,
    transient: heat::Transient,
    /// Frames that were given.
    count: u32,
    kept: Option<Rest>,
}

/// What rooms are known by when a frame was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rest {
    count: u32,
    transient: heat::Rest,
}

impl Rooms {
    /// Rooms at the start, and what is wrong with them.
    pub(super) fn new(
        system: &Arc<System>,
        network: &heat::Network,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(Rooms, Vec<Finding>), Error> {
        // From the temperatures that are given; else from those that would stay.
        let steady = heat::steady(network, limits, budget)?;
        let mut start: Vec<f64> = steady.temperatures.iter().map(|t| t.unwrap_or(0.0)).collect();
        for &(node, t) in &system.motion.starts {
            start[node as usize] = t;
        }
        let mut first = network.clone();
        for (node, value) in values(system, network, 0.0) {
            let (NodeKind::Fixed(v) | NodeKind::Free(v)) = &mut first.nodes[node].kind;
            *v = value;
        }
        let transient = heat::Transient::new(&first, &start, limits, budget)?;
        let rooms = Rooms { system: Arc::clone(system), transient, count: 0, kept: None };
        Ok((rooms, steady.findings))
    }

    pub(super) fn kept(&self) -> Option<&Rest> {
        self.kept.as_ref()
    }

    /// Goes to where others of the same system were. Answers whether that fits.
    pub(super) fn go_to(&mut self, rest: Rest) -> bool {
        self.count = rest.count;
        self.kept = Some(rest.clone());
        self.transient.go_to(rest.transient)
    }

    /// Goes on until `frame` ends it, or to its end.
    ///
    /// # Errors
    /// [`Error::Stopped`], and what the solver says.
    pub(super) fn advance(
        &mut self,
        span: Span,
        moved: &mut Moved,
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Step, Error> {
        let ended = self.run(span, budget, frame);
        moved.simulated = self.transient.time();
        (moved.steps, moved.error) = (self.transient.steps(), self.transient.error());
        ended
    }

    fn run(
        &mut self,
        span: Span,
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Step, Error> {
        let system = Arc::clone(&self.system);
        let Some(Model::Heat(network)) = &system.model else { return Ok(Step::End) };
        let motion = &system.motion;
        let shortest = motion.swings.iter().map(|s| s.period / PARTS).fold(f64::INFINITY, f64::min);
        loop {
            let time = self.transient.time();
            if time >= span.next(self.count) - 1e-9 {
                let now = values(&system, network, time);
                let (nodes, links) = rows(network, &self.transient, &now);
                let told = frame(Frame { time, system: system.name.clone(), nodes, links });
                self.count += 1;
                self.kept = Some(Rest { count: self.count, transient: self.transient.rest() });
                if time >= span.duration {
                    return Ok(Step::End);
                }
                if told.is_break() {
                    return Ok(Step::Frame);
                }
            }
            let changes = motion.patterns.iter().map(|p| p.next(time));
            let until = changes.fold(span.next(self.count).min(time + shortest), f64::min);
            // What swings is held at what it is in the middle of the step.
            for (node, value) in values(&system, network, time + 0.5 * (until - time)) {
                self.transient.set(node, value);
            }
            self.transient.advance(until - time, budget)?;
        }
    }
}

/// What moves by itself, at a time.
fn values(system: &System, network: &heat::Network, time: f64) -> Vec<(usize, f64)> {
    let motion = &system.motion;
    let factor = |node: u32| {
        let pattern = motion.patterns.iter().find(|p| p.node == node);
        pattern.map_or(1.0, |p| p.at(time))
    };
    let swing = |node: u32| -> f64 {
        motion.swings.iter().filter(|s| s.node == node).map(|s| s.at(time)).sum()
    };
    let mean = |node: u32| {
        let (NodeKind::Fixed(v) | NodeKind::Free(v)) = network.nodes[node as usize].kind;
        v
    };
    let moves = motion.swings.iter().map(|s| s.node).chain(motion.patterns.iter().map(|p| p.node));
    moves.map(|n| (n as usize, mean(n) * factor(n) + swing(n))).collect()
}

/// The rows of rooms at a time, with what swings as it is then.
fn rows(
    network: &heat::Network,
    transient: &heat::Transient,
    now: &[(usize, f64)],
) -> (Vec<Row>, Vec<Row>) {
    let mut t: Vec<f64> = transient.temperatures().to_vec();
    let put = |n: &heat::Node| match n.kind {
        NodeKind::Free(heat) => Some(heat),
        NodeKind::Fixed(_) => None,
    };
    let mut put: Vec<Option<f64>> = network.nodes.iter().map(put).collect();
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

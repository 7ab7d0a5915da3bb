//! All networks of a drawing in time, one after the other, that can be interrupted at each frame and
//! gone on with elsewhere.
//!
//! After each frame a solver forgets all but its last flows and heads, so that what follows depends
//! on little: that is what is written, and what is written goes on to the same bytes.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use svgx_base::budget::{Budget, Stop, Tier};
use svgx_engine::sealed::{self, Key, Refused};

use super::controls::Event;
use super::rooms::{self, Rooms};
use super::{Frame, Moved, Span, levels};
use crate::accuracy::{Domain, tolerance};
use crate::finding::Finding;
use crate::read::{Model, System};
use crate::{Answer, Error, Limits};

const KIND: sealed::Kind =
    sealed::Kind { magic: *b"SVGN", version: 1, other: "not a snapshot of networks in time" };

/// Where a course ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// At a frame, as it was asked to.
    Frame,
    /// At its end.
    End,
}

/// Why a simulation does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Who takes the frames asked for it.
    Asked,
    /// The budget ended: what was computed since the last frame is computed again.
    Stopped(Stop),
}

/// Networks in time.
#[derive(Debug)]
pub struct Simulation {
    systems: Vec<Arc<System>>,
    span: Span,
    limits: Limits,
    tier: Tier,
    done: Vec<Moved>,
    running: Option<Running>,
    frames: u64,
}

/// The network that is simulated now.
#[derive(Debug)]
struct Running {
    course: Course,
    moved: Moved,
    /// How many events and findings there were at the last frame.
    told: (usize, usize),
    /// Whether the budget ended since then.
    stale: bool,
}

#[derive(Debug)]
enum Course {
    Levels(Box<levels::Course>),
    Rooms(Box<Rooms>),
    /// Nothing moves.
    Still,
}

/// What is known of a course at a frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Rest {
    Levels(levels::Rest),
    Rooms(rooms::Rest),
}

/// What became of a network, as far as it does not follow from the drawing.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    simulated: f64,
    steps: u32,
    error: f64,
    tolerance: f64,
    events: Vec<Event>,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Written {
    systems: [u8; 32],
    span: Span,
    tier: Tier,
    done: Vec<Told>,
    running: Option<(Rest, Told)>,
    frames: u64,
}

impl Simulation {
    /// Networks at the start; the tier is that of the budget.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more frames than [`super::MOST_FRAMES`].
    pub fn new(
        systems: Vec<System>,
        span: Span,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Simulation, Error> {
        span.admit()?;
        Ok(Simulation {
            systems: systems.into_iter().map(Arc::new).collect(),
            span,
            limits: *limits,
            tier: budget.tier(),
            done: Vec::new(),
            running: None,
            frames: 0,
        })
    }

    /// Goes on until `frame` ends it, until the budget ends, or to the end (`None`).
    ///
    /// # Errors
    /// [`Error`] for a network that cannot be simulated at all.
    pub fn advance(
        &mut self,
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Option<Pause>, Error> {
        let budget = &budget.clone().at(self.tier);
        while let Some(system) = self.systems.get(self.done.len()) {
            let mut running = match self.running.take() {
                Some(running) if running.stale => {
                    Running::again(system, running, &self.limits, budget)
                }
                Some(running) => Ok(running),
                None => Running::new(system, self.span, &self.limits, budget),
            };
            let mut asked = false;
            let mut count = |told: Frame| {
                self.frames += 1;
                let flow = frame(told);
                asked = flow.is_break();
                flow
            };
            let step = match &mut running {
                Ok(running) => running.advance(system, self.span, &self.limits, budget, &mut count),
                Err(error) => Err(error.clone()),
            };
            self.running = running.ok();
            match step {
                Ok(Step::Frame) => return Ok(Some(Pause::Asked)),
                Ok(Step::End) => self.done.extend(self.running.take().map(|r| r.moved)),
                Err(Error::Stopped(stop)) => {
                    if let Some(running) = &mut self.running {
                        running.stale = true;
                    }
                    return Ok(Some(Pause::Stopped(stop)));
                }
                Err(error) => return Err(error),
            }
            if asked && !self.is_finished() {
                return Ok(Some(Pause::Asked));
            }
        }
        Ok(None)
    }

    /// Whether all networks were simulated.
    pub fn is_finished(&self) -> bool {
        self.done.len() >= self.systems.len()
    }

    /// Seconds that were simulated of the network it is at, or of the last one.
    pub fn time(&self) -> f64 {
        let last = self.running.as_ref().map(|r| &r.moved).or(self.done.last());
        last.map_or(0.0, |moved| moved.simulated)
    }

    /// Frames that were given.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// How far, and how often it is looked at.
    pub fn span(&self) -> Span {
        self.span
    }

    /// How exact it is.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// How many networks there are, and elements of them together.
    pub fn size(&self) -> (usize, usize) {
        let elements = |s: &Arc<System>| match &s.model {
            Some(Model::Flow(n)) => n.nodes.len() + n.links.len(),
            Some(Model::Heat(n)) => n.nodes.len() + n.links.len(),
            Some(Model::Frame(n)) => n.nodes.len() + n.members.len(),
            Some(Model::Electrical(n)) => n.buses.len() + n.lines.len(),
            None => 0,
        };
        (self.systems.len(), self.systems.iter().map(elements).sum())
    }

    /// What became of each network so far: of that which is simulated now as it stands, of those
    /// behind it nothing.
    pub fn moved(&self) -> Vec<Moved> {
        self.done.iter().chain(self.running.as_ref().map(|r| &r.moved)).cloned().collect()
    }

    /// The state at the last frame as at most `most` bytes, sealed with `key`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where it has more bytes.
    pub fn snapshot(&self, key: &Key, most: usize) -> Result<Vec<u8>, Error> {
        let written = Written {
            systems: self.digest(),
            span: self.span,
            tier: self.tier,
            done: self.done.iter().map(|moved| Told::of(moved, None)).collect(),
            running: self.running.as_ref().and_then(Running::rest),
            frames: self.frames,
        };
        sealed::seal(KIND, key, &written, most).map_err(|why| refused(why, most))
    }

    /// Takes up a simulation where [`Simulation::snapshot`] left it; it goes on to the same bytes as
    /// if it had not been interrupted. The systems have to be of the same drawing.
    ///
    /// # Errors
    /// [`Error::Snapshot`] for bytes that are no such snapshot, or belong to another key, version or
    /// drawing.
    pub fn resume(
        systems: Vec<System>,
        bytes: &[u8],
        (key, most): (&Key, usize),
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Simulation, Error> {
        let read: Written =
            sealed::open(KIND, key, bytes, most).map_err(|why| refused(why, most))?;
        let bad = Error::Snapshot;
        let budget = &budget.clone().at(read.tier);
        let mut simulation = Simulation::new(systems, read.span, limits, budget)?;
        if simulation.digest() != read.systems {
            return Err(bad("belongs to another drawing"));
        }
        if read.done.len() > simulation.systems.len() {
            return Err(bad("has more networks than the drawing"));
        }
        let done = simulation.systems.iter().zip(read.done);
        simulation.done = done.map(|(system, told)| told.moved(system)).collect();
        simulation.frames = read.frames;
        if let Some((rest, told)) = read.running {
            let system = simulation.systems.get(simulation.done.len());
            let system = system.ok_or(bad("has more networks than the drawing"))?;
            let mut running = Running::new(system, read.span, limits, budget)?;
            running.moved = told.moved(system);
            if !running.go_to(rest) {
                return Err(bad("its network is another"));
            }
            simulation.running = Some(running);
        }
        Ok(simulation)
    }

    /// What the networks are, and how they move.
    fn digest(&self) -> [u8; 32] {
        let of = |s: &Arc<System>| {
            sealed::digest(format_args!("{:?}{:?}{:?}{:?}", s.name, s.model, s.motion, s.findings))
        };
        let all: Vec<[u8; 32]> = self.systems.iter().map(of).collect();
        sealed::digest(format_args!("{all:?}"))
    }
}

fn refused(why: Refused, most: usize) -> Error {
    match why {
        Refused::Bad(reason) => Error::Snapshot(reason),
        Refused::Large(count) => {
            Error::TooLarge { what: "bytes in a snapshot", count, limit: most }
        }
    }
}

impl Told {
    fn of(moved: &Moved, until: Option<(usize, usize)>) -> Told {
        let (events, findings) = until.unwrap_or((moved.events.len(), moved.findings.len()));
        Told {
            simulated: moved.simulated,
            steps: moved.steps,
            error: moved.error,
            tolerance: moved.tolerance,
            events: moved.events.iter().take(events).cloned().collect(),
            findings: moved.findings.iter().take(findings).cloned().collect(),
        }
    }

    fn moved(self, system: &System) -> Moved {
        Moved {
            system: system.name.clone(),
            network: network(system),
            simulated: self.simulated,
            steps: self.steps,
            error: self.error,
            tolerance: self.tolerance,
            events: self.events,
            findings: self.findings,
            stopped: None,
        }
    }
}

fn network(system: &System) -> &'static str {
    system.domain.map_or("", |d| d.as_str())
}

impl Running {
    fn new(
        system: &Arc<System>,
        span: Span,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Running, Error> {
        let mut moved = Moved {
            system: system.name.clone(),
            network: network(system),
            simulated: 0.0,
            steps: 0,
            error: 0.0,
            tolerance: 0.0,
            events: Vec::new(),
            findings: system.findings.clone(),
            stopped: None,
        };
        let motion = &system.motion;
        let course = match &system.model {
            Some(Model::Flow(network)) if !motion.is_none() => {
                // A level is as exact as a head of water; air has no tanks.
                moved.tolerance = tolerance(Domain::Water, budget.tier());
                Course::Levels(Box::new(levels::Course::new(system, network, limits)?))
            }
            Some(Model::Heat(network)) if !motion.is_none() || !motion.starts.is_empty() => {
                moved.tolerance = tolerance(Domain::Heat, budget.tier());
                let (rooms, findings) = Rooms::new(system, network, limits, budget)?;
                moved.findings.extend(findings);
                Course::Rooms(Box::new(rooms))
            }
            _ => {
                moved.simulated = span.duration;
                Course::Still
            }
        };
        let told = (0, moved.findings.len());
        Ok(Running { course, moved, told, stale: false })
    }

    /// At the last frame again.
    fn again(
        system: &Arc<System>,
        old: Running,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Running, Error> {
        let span = Span { duration: 0.0, every: 1.0 };
        let mut running = Running::new(system, span, limits, budget)?;
        if let Some((rest, told)) = old.rest() {
            running.moved = told.moved(system);
            if !running.go_to(rest) {
                return Err(Error::Snapshot("its network is another"));
            }
        }
        Ok(running)
    }

    /// What is known of it at the last frame; nothing before the first one.
    fn rest(&self) -> Option<(Rest, Told)> {
        let rest = match &self.course {
            Course::Levels(levels) => Rest::Levels(levels.kept()?.clone()),
            Course::Rooms(rooms) => Rest::Rooms(rooms.kept()?.clone()),
            Course::Still => return None,
        };
        Some((rest, Told::of(&self.moved, Some(self.told))))
    }

    fn go_to(&mut self, rest: Rest) -> bool {
        self.told = (self.moved.events.len(), self.moved.findings.len());
        match (&mut self.course, rest) {
            (Course::Levels(levels), Rest::Levels(rest)) => {
                levels.go_to(rest, self.moved.events.clone())
            }
            (Course::Rooms(rooms), Rest::Rooms(rest)) => rooms.go_to(rest),
            _ => false,
        }
    }

    fn advance(
        &mut self,
        system: &System,
        span: Span,
        limits: &Limits,
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Step, Error> {
        let Running { course, moved, told, .. } = self;
        match course {
            Course::Levels(levels) => levels.advance(span, (moved, told), budget, frame),
            Course::Rooms(rooms) => {
                *told = (0, moved.findings.len());
                rooms.advance(span, moved, budget, frame)
            }
            Course::Still => {
                let answer = Answer::plain(system, limits, budget)?;
                moved.findings = answer.findings;
                moved.tolerance = answer.effort.tolerance;
                let (nodes, links) = (answer.nodes, answer.links);
                let _ = frame(Frame { time: 0.0, system: system.name.clone(), nodes, links });
                Ok(Step::End)
            }
        }
    }
}

//! The decision log: every event that went in, and every decision that came
//! out, one JSON value per line. Fed to the same core it gives the same
//! decisions, to the bit; fed to a changed spec it tells what would have been.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::controller::{Controller, Next};
use super::mode::Control;
use super::request::{Cost, Decision, JobId, Lane, Outcome, Request, Sensors};
use crate::spec::Spec;
use svgx_base::budget::Time;

/// The first line of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format.
    pub version: u32,
    /// BLAKE3 of the spec in force, hexadecimal.
    pub spec: String,
    /// Processors at the start.
    pub cores: f64,
    /// The seed.
    pub seed: u64,
}

impl Header {
    /// The header of a log that starts now.
    pub fn new(spec: &Spec, cores: f64, seed: u64) -> Header {
        Header { version: 1, spec: spec.fingerprint(), cores, seed }
    }
}

/// One call of the controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", bound(deserialize = "'de: 'a"))]
pub enum Event<'a> {
    /// A request came; this was decided.
    Arrive {
        /// When.
        at: Time,
        /// The request.
        #[serde(borrow)]
        request: Request<'a>,
        /// The decision.
        decision: Decision,
    },
    /// The input of an admitted job was there.
    Ready {
        /// When.
        at: Time,
        /// Which.
        job: JobId,
    },
    /// A worker asked for work and got this job, or dropped it.
    Next {
        /// When.
        at: Time,
        /// Which queue.
        lane: Lane,
        /// The job it got.
        job: Option<JobId>,
    },
    /// A job ended.
    Finish {
        /// When.
        at: Time,
        /// Which.
        job: JobId,
        /// What it cost.
        cost: Cost,
        /// How it ended.
        ended: Outcome,
    },
    /// The caller went away.
    Cancel {
        /// When.
        at: Time,
        /// Which.
        job: JobId,
    },
    /// Time passed.
    Tick {
        /// When.
        at: Time,
        /// What the machine said, if it was asked.
        sensors: Option<Sensors>,
    },
    /// An operator's override.
    Control {
        /// When.
        at: Time,
        /// What.
        control: Control,
    },
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// Events read.
    pub events: u64,
    /// Decisions compared.
    pub decisions: u64,
    /// Decisions that came out differently.
    pub different: u64,
    /// The first of them.
    pub first: Option<Mismatch>,
    /// BLAKE3 over every decision as it came out now, hexadecimal.
    pub hash: String,
    /// Whether the log was written under the same spec.
    pub same_spec: bool,
}

/// A decision that came out differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// The line of the log, from 1.
    pub line: u64,
    /// As recorded.
    pub recorded: Decision,
    /// As decided now.
    pub now: Decision,
}

/// A log that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("line {line}: {source}")]
    Io {
        /// The line.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no event.
    #[error("line {line}: {source}")]
    Line {
        /// The line.
        line: u64,
        /// Why.
        source: serde_json::Error,
    },
    /// The log is empty.
    #[error("the log is empty; its first line is a header")]
    Empty,
    /// Another version of this format.
    #[error("the log has version {0}; this program reads version 1")]
    Version(u32),
}

/// Feeds a log to a fresh controller and compares every decision.
///
/// # Errors
/// A log that cannot be read, at its line.
pub fn replay(log: impl BufRead, spec: &Spec) -> Result<Replayed, ReplayError> {
    let mut lines = log.lines().zip(1u64..);
    let Some((first, _)) = lines.next() else { return Err(ReplayError::Empty) };
    let first = first.map_err(|source| ReplayError::Io { line: 1, source })?;
    let header: Header =
        serde_json::from_str(&first).map_err(|source| ReplayError::Line { line: 1, source })?;
    if header.version != 1 {
        return Err(ReplayError::Version(header.version));
    }
    let mut controller = Controller::new(spec, header.cores, header.seed);
    let mut found =
        Replayed { same_spec: header.spec == spec.fingerprint(), ..Replayed::default() };
    let mut hash = blake3::Hasher::new();
    for (line, number) in lines {
        let line = line.map_err(|source| ReplayError::Io { line: number, source })?;
        let event: Event<'_> = serde_json::from_str(&line)
            .map_err(|source| ReplayError::Line { line: number, source })?;
        found.events += 1;
        if let Some((recorded, now)) = controller.apply(&event) {
            found.decisions += 1;
            if let Ok(bytes) = serde_json::to_vec(&now) {
                hash.update(&bytes);
            }
            if recorded != now {
                found.different += 1;
                found.first.get_or_insert(Mismatch { line: number, recorded, now });
            }
        }
    }
    found.hash = hash.finalize().to_hex().to_string();
    Ok(found)
}

impl Controller {
    /// Does what an event says; for an arrival, the decision recorded and the
    /// one made now.
    pub fn apply(&mut self, event: &Event<'_>) -> Option<(Decision, Decision)> {
        match event {
            Event::Arrive { at, request, decision } => {
                return Some((*decision, self.on_arrival(*at, request)));
            }
            Event::Ready { at, job } => {
                self.on_ready(*at, *job);
            }
            Event::Next { at, lane, .. } => {
                let _: Next = self.next(*at, *lane);
            }
            Event::Finish { at, job, cost, ended } => {
                self.on_finish(*at, *job, *cost, *ended);
            }
            Event::Cancel { at, job } => {
                self.on_cancel(*at, *job);
            }
            Event::Tick { at, sensors } => {
                self.tick(*at, *sensors);
            }
            Event::Control { at, control } => self.on_control(*at, *control),
        }
        None
    }
}

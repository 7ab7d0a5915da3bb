//! A simulation that is done as a job leaves its state now and then, so that another worker goes on
//! with it when this one is lost.
//!
//! A checkpoint is the length of a snapshot (eight bytes, little endian), the snapshot, and the frames
//! so far in JSON. It is sealed by the name of its job and the version of the program: that tells
//! damage, and what is another one's, from what may be decoded. It is no secret, for who may write
//! there may write documents and answers as well.

use std::sync::Arc;

use svgx_base::budget::Budget;
use svgx_engine::document::Document;
use svgx_engine::geometry::Scene;
use svgx_engine::physics::{Frame, Key, Simulation};

use crate::admission::reply::Call;

/// The part of a run until the next checkpoint.
pub(super) struct Turn {
    pub(super) budget: Budget,
    is_part: bool,
}

impl Turn {
    /// Until the next checkpoint, or all of it where none is to be left or the budget ends before.
    pub(super) fn first(call: &Call<'_>, budget: &Budget) -> Turn {
        let clock = &call.app.clock;
        let every = call.progress.checkpoints().map(|checkpoints| checkpoints.every);
        let every = every.filter(|every| budget.remaining().is_none_or(|left| left > *every));
        match every {
            Some(every) => {
                let until = clock.now().after(every);
                let part = budget.clone().strict(false).until(until, Arc::clone(clock));
                Turn { budget: part, is_part: true }
            }
            None => Turn { budget: budget.clone(), is_part: false },
        }
    }

    /// Whether what has ended is only this part.
    pub(super) fn goes_on(&self, budget: &Budget) -> bool {
        self.is_part && budget.checkpoint().is_ok()
    }
}

fn key(job: &str) -> Key {
    let of = format!("{job} {}", env!("CARGO_PKG_VERSION"));
    Key::new(blake3::derive_key("svgx 2026-11 checkpoint of a job", of.as_bytes()))
}

/// Leaves the state of a simulation that goes on, for who follows.
pub(super) fn leave(call: &Call<'_>, simulation: &Simulation, frames: &[Frame]) {
    let Some(checkpoints) = call.progress.checkpoints() else { return };
    let snapshot = simulation.snapshot(&key(&checkpoints.id), &call.app.config.limits);
    let written = snapshot.ok().and_then(|snapshot| {
        let mut bytes = (snapshot.len() as u64).to_le_bytes().to_vec();
        bytes.extend(snapshot);
        serde_json::to_writer(&mut bytes, frames).ok()?;
        Some(bytes)
    });
    match written {
        Some(bytes) => *checkpoints.made.lock() = Some(bytes),
        None => {
            tracing::info!(job = checkpoints.id, "a job is not kept, and would begin again");
        }
    }
}

/// What an attempt before has left: the simulation to go on with, and the frames so far. What cannot
/// be used is left aside: the simulation begins again.
pub(super) fn left(
    call: &Call<'_>,
    document: &Document,
    scene: &Scene,
    budget: &Budget,
) -> Option<(Simulation, Vec<Frame>)> {
    let checkpoints = call.progress.checkpoints()?;
    let bytes = checkpoints.left.lock().take()?;
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (snapshot, frames) = rest.split_at_checked(u64::from_le_bytes(*length).try_into().ok()?)?;
    let limits = &call.app.config.limits;
    let read = Simulation::resume(document, scene, snapshot, &key(&checkpoints.id), limits, budget)
        .map_err(|error| error.to_string())
        .and_then(|simulation| {
            let frames: Result<Vec<Frame>, _> = serde_json::from_slice(frames);
            frames.map(|frames| (simulation, frames)).map_err(|error| error.to_string())
        });
    let (job, begun) =
        (&checkpoints.id, read.as_ref().map(|(simulation, _)| simulation.describe()));
    match begun {
        Ok(begun) if begun.tier == budget.tier() => {
            let step = (begun.time / begun.step).round();
            tracing::info!(job, step, seconds = begun.time, "a job goes on from its checkpoint");
        }
        Ok(begun) => {
            tracing::info!(job, tier = begun.tier.as_str(), "a job of another tier begins again");
            return None;
        }
        Err(error) => {
            tracing::warn!(job, error, "a checkpoint cannot be used: the job begins again");
            return None;
        }
    }
    read.ok()
}

//! A simulation that is done as a job leaves its state now and then, so that another worker goes on
//! with it when this one is lost.
//!
//! A checkpoint is the length of a snapshot (eight bytes, little endian), the snapshot, and the frames
//! so far in JSON. It is sealed by the name of its job and the version of the program: that tells
//! damage, and what is another one's, from what may be decoded. It is no secret, for who may write
//! there may write documents and answers as well.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::admission::reply::Call;
use svgx_base::budget::{Budget, Tier, Time};
use svgx_engine::sealed::Key;

/// The part of a run until the next checkpoint.
pub(super) struct Turn {
    pub(super) budget: Budget,
    /// When it ends, where that is before all of it.
    until: Option<Time>,
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
                Turn { budget: part, until: Some(until) }
            }
            None => Turn { budget: budget.clone(), until: None },
        }
    }

    /// Whether what has ended is only this part.
    pub(super) fn goes_on(&self, budget: &Budget) -> bool {
        self.until.is_some() && budget.checkpoint().is_ok()
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self, call: &Call<'_>) -> bool {
        self.until.is_some_and(|until| call.app.clock.now() >= until)
    }
}

fn key(job: &str) -> Key {
    let of = format!("{job} {}", env!("CARGO_PKG_VERSION"));
    Key::new(blake3::derive_key("svgx 2026-11 checkpoint of a job", of.as_bytes()))
}

/// Leaves the state of a simulation that goes on, for who follows.
pub(super) fn leave(
    call: &Call<'_>,
    snapshot: impl FnOnce(&Key) -> Option<Vec<u8>>,
    frames: &[impl Serialize],
) {
    let Some(checkpoints) = call.progress.checkpoints() else { return };
    let written = snapshot(&key(&checkpoints.id)).and_then(|snapshot| {
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

/// A simulation that is gone on with.
pub(super) struct Resumed<S> {
    pub(super) simulation: S,
    pub(super) tier: Tier,
    /// Steps that were made, and seconds that were simulated.
    pub(super) step: f64,
    pub(super) seconds: f64,
}

/// What an attempt before has left: the simulation to go on with, and the frames so far. What cannot
/// be used is left aside: the simulation begins again.
pub(super) fn left<S, F: DeserializeOwned>(
    call: &Call<'_>,
    tier: Tier,
    resume: impl FnOnce(&[u8], &Key) -> Result<Resumed<S>, String>,
) -> Option<(S, Vec<F>)> {
    let checkpoints = call.progress.checkpoints()?;
    let bytes = checkpoints.left.lock().take()?;
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (snapshot, frames) = rest.split_at_checked(u64::from_le_bytes(*length).try_into().ok()?)?;
    let job = &checkpoints.id;
    let read = resume(snapshot, &key(job)).and_then(|resumed| {
        let frames: Result<Vec<F>, _> = serde_json::from_slice(frames);
        frames.map(|frames| (resumed, frames)).map_err(|error| error.to_string())
    });
    match read {
        Ok((Resumed { simulation, tier: begun, step, seconds }, frames)) if begun == tier => {
            tracing::info!(job, step, seconds, "a job goes on from its checkpoint");
            Some((simulation, frames))
        }
        Ok((begun, _)) => {
            let tier = begun.tier.as_str();
            tracing::info!(job, tier, "a job of another tier begins again");
            None
        }
        Err(error) => {
            tracing::warn!(job, error, "a checkpoint cannot be used: the job begins again");
            None
        }
    }
}

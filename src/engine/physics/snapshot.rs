//! A running simulation as bytes, and back.
//!
//! The engine's structures refer to each other by number and panic when the numbers lie, so the
//! bytes are sealed ([`crate::sealed`]).

use serde::{Deserialize, Serialize};

use crate::document::{Document, Limits};
use crate::sealed::{self, Key, Kind, Refused};
use svgx_base::budget::{Budget, Tier};
use svgx_base::deep_span;

use super::error::Error;
use super::model::Model;
use super::options::Options;
use super::simulation::Simulation;
use super::state::{State, TimeGrid};
use super::tier::Settings;
use super::{Outlines, read};

const KIND: Kind = Kind { magic: *b"SVGP", version: 3, other: "not a snapshot of a simulation" };

/// Why a snapshot is refused.
fn refused(why: Refused, limits: &Limits) -> Error {
    match why {
        Refused::Bad(reason) => Error::Snapshot(reason),
        Refused::Large(seen) => Error::Limit {
            what: "bytes in a snapshot",
            limit: limits.snapshot_bytes as f64,
            seen: seen as f64,
        },
    }
}

#[derive(Serialize)]
struct Written<'s> {
    model: [u8; 32],
    options: &'s Options,
    tier: Tier,
    grid: TimeGrid,
    state: &'s State,
}

#[derive(Deserialize)]
struct Read {
    model: [u8; 32],
    options: Options,
    tier: Tier,
    grid: TimeGrid,
    state: State,
}

impl Simulation {
    /// Reads the bodies of a document and makes them ready to run.
    ///
    /// # Errors
    /// As [`simulate`](super::simulate), before the first step.
    pub fn of(
        document: &Document,
        scene: &dyn Outlines,
        options: &Options,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Simulation, Error> {
        options.check(limits)?;
        let settings = Settings::of(budget.tier());
        // What is refused for its length is refused before anything is read.
        Simulation::grid(options, budget.tier(), limits)?;
        let model = read::model(document, scene, &settings, limits, budget)?;
        Simulation::new(model, options.clone(), limits, budget)
    }

    /// The state as bytes, sealed with `key`.
    ///
    /// # Errors
    /// [`Error::Limit`] when it is larger than a snapshot may be.
    pub fn snapshot(&self, key: &Key, limits: &Limits) -> Result<Vec<u8>, Error> {
        let _span = deep_span!("snapshot");
        let written = Written {
            model: digest(&self.model),
            options: &self.options,
            tier: self.tier,
            grid: self.grid,
            state: &self.state,
        };
        sealed::seal(KIND, key, &written, limits.snapshot_bytes).map_err(|e| refused(e, limits))
    }

    /// Takes up a simulation where [`Simulation::snapshot`] left it. It goes on
    /// to the same bytes as if it had not been interrupted. The document has to
    /// be the one it was made of.
    ///
    /// # Errors
    /// [`Error::Snapshot`] when the bytes are not such a snapshot, or belong to
    /// another key, version or document; otherwise as [`simulate`](super::simulate).
    pub fn resume(
        document: &Document,
        scene: &dyn Outlines,
        bytes: &[u8],
        key: &Key,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Simulation, Error> {
        let bad = Error::Snapshot;
        let read: Read = sealed::open(KIND, key, bytes, limits.snapshot_bytes)
            .map_err(|e| refused(e, limits))?;
        read.options.check(limits)?;
        if read.grid != Simulation::grid(&read.options, read.tier, limits)? {
            return Err(bad("its steps are not those of its options"));
        }
        let settings = Settings::of(read.tier);
        let mut model = read::model(document, scene, &settings, limits, budget)?;
        super::simulation::disturb(&mut model, &read.options)?;
        if digest(&model) != read.model {
            return Err(bad("belongs to another document"));
        }
        Simulation::restored(model, read.options, read.tier, read.grid, read.state, limits)
    }
}

/// A digest of everything that the bodies are.
fn digest(model: &Model) -> [u8; 32] {
    sealed::digest(format_args!("{:?}{:?}{}", model.bodies, model.joints, model.scale))
}

//! A running simulation as bytes, and back.
//!
//! The layout is magic, version, a keyed BLAKE3 tag over the rest, and the
//! state in bincode. The engine's structures refer to each other by number
//! and panic when the numbers lie, so bytes are only ever decoded when their
//! tag shows that this service wrote them.

use serde::{Deserialize, Serialize};

use crate::document::{Document, Limits};
use svgx_base::budget::{Budget, Tier};
use svgx_base::deep_span;

use super::error::Error;
use super::model::Model;
use super::options::Options;
use super::simulation::Simulation;
use super::state::{State, TimeGrid};
use super::tier::Settings;
use super::{Outlines, read};

const MAGIC: [u8; 4] = *b"SVGP";
const VERSION: u32 = 3;
const TAG: usize = 32;
const HEADER: usize = MAGIC.len() + 4 + TAG;

/// The key that snapshots are sealed with. Whoever holds it is trusted.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
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
        let body = bincode::serde::encode_to_vec(&written, bincode::config::standard())
            .map_err(|_| Error::Snapshot("the state cannot be written"))?;
        if body.len() + HEADER > limits.snapshot_bytes {
            return Err(Error::Limit {
                what: "bytes in a snapshot",
                limit: limits.snapshot_bytes as f64,
                seen: (body.len() + HEADER) as f64,
            });
        }
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(blake3::keyed_hash(&key.0, &body).as_bytes());
        bytes.extend(body);
        Ok(bytes)
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
        if bytes.len() > limits.snapshot_bytes {
            return Err(Error::Limit {
                what: "bytes in a snapshot",
                limit: limits.snapshot_bytes as f64,
                seen: bytes.len() as f64,
            });
        }
        let bad = Error::Snapshot;
        let (magic, rest) = bytes.split_first_chunk::<4>().ok_or(bad("too short"))?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(bad("too short"))?;
        let (tag, body) = rest.split_first_chunk::<TAG>().ok_or(bad("too short"))?;
        if *magic != MAGIC {
            return Err(bad("not a snapshot of a simulation"));
        }
        if u32::from_le_bytes(*version) != VERSION {
            return Err(bad("written by another version"));
        }
        // `blake3::Hash` compares in constant time.
        if blake3::keyed_hash(&key.0, body) != blake3::Hash::from_bytes(*tag) {
            return Err(bad("damaged, or sealed with another key"));
        }
        let config = bincode::config::standard().with_limit::<{ 256 * 1024 * 1024 }>();
        let (read, used): (Read, usize) = bincode::serde::decode_from_slice(body, config)
            .map_err(|_| bad("its state cannot be read"))?;
        if used != body.len() {
            return Err(bad("has bytes left over"));
        }
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
    struct Into(blake3::Hasher);
    impl std::fmt::Write for Into {
        fn write_str(&mut self, s: &str) -> std::fmt::Result {
            self.0.update(s.as_bytes());
            Ok(())
        }
    }
    let mut into = Into(blake3::Hasher::new());
    // Every number is printed so that it reads back the same, so the text
    // stands for the value. Writing to a hasher cannot fail.
    let _ = std::fmt::write(
        &mut into,
        format_args!("{:?}{:?}{}", model.bodies, model.joints, model.scale),
    );
    *into.0.finalize().as_bytes()
}

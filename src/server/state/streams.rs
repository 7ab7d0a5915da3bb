//! The streams of sessions that are open: so many for each key.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use svgx_telemetry::Metrics;

use crate::protocol::problem::Error;
use crate::state::keys::Identity;

/// Streams of one key.
const PER_KEY: usize = 256;

/// The streams that are open, by key.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<HashMap<u32, usize>>);

/// A stream that is open, until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream {
    streams: Arc<Streams>,
    metrics: Arc<Metrics>,
    key: u32,
    transport: &'static str,
}

impl Streams {
    /// Counts a stream of a key; `transport` is what metrics call it.
    ///
    /// # Errors
    /// [`Error::Crowded`] where the key has as many as it may.
    pub(crate) fn open(
        self: &Arc<Self>,
        identity: &Identity,
        transport: &'static str,
        metrics: &Arc<Metrics>,
    ) -> Result<OpenStream, Error> {
        let mut counts = self.0.lock();
        let count = counts.entry(identity.id).or_default();
        if *count >= PER_KEY {
            return Err(Error::crowded("streams of this key", PER_KEY));
        }
        *count += 1;
        metrics.streams(transport, 1);
        let (streams, metrics) = (Arc::clone(self), Arc::clone(metrics));
        Ok(OpenStream { streams, metrics, key: identity.id, transport })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.metrics.streams(self.transport, -1);
        let mut counts = self.streams.0.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

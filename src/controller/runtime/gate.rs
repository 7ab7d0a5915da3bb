//! Letting more urgent work pass: the checkpoint of physics and batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::pool::Inner;
use crate::core::Lane;
use svgx_base::budget::{Cancel, Gate, Time};

/// The gate of one job.
#[derive(Debug)]
pub(super) struct LaneGate {
    pub(super) inner: Arc<Inner>,
    pub(super) lane: Lane,
    pub(super) deadline: Time,
    pub(super) cancel: Cancel,
    /// Nanoseconds spent letting others pass.
    pub(super) paused: AtomicU64,
}

impl Gate for LaneGate {
    fn pass(&self) {
        if !self.inner.asks_to_pause(self.lane) {
            return;
        }
        let from = self.inner.now();
        let mut state = self.inner.state.lock();
        while state.controller.should_pause(self.lane)
            && !state.closed
            && !self.cancel.is_cancelled()
            && self.inner.now() < self.deadline
        {
            // Woken when urgent work is done; the timeout only bounds how late a
            // deadline or a cancellation is noticed.
            self.inner.resume.wait_for(&mut state, Duration::from_millis(5));
        }
        drop(state);
        let spent = u64::try_from(self.inner.now().since(from).as_nanos()).unwrap_or(u64::MAX);
        self.paused.fetch_add(spent, Ordering::Relaxed);
    }
}

//! The bounded queue between the service and the collector.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// What a signal sent and lost since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// `traces`, `metrics` or `logs`.
    pub signal: &'static str,
    /// Accepted by the collector.
    pub sent: u64,
    /// Never queued: the queue was full.
    pub overflow: u64,
    /// Queued, and given up after the last attempt.
    pub failed: u64,
}

/// A queue that never blocks the sender and never grows past its bound.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    signal: &'static str,
    bound: usize,
    queue: Mutex<VecDeque<T>>,
    ready: Notify,
    sent: AtomicU64,
    overflow: AtomicU64,
    failed: AtomicU64,
}

impl<T> Outbox<T> {
    pub(crate) fn new(signal: &'static str, bound: usize) -> Outbox<T> {
        Outbox {
            signal,
            bound,
            queue: Mutex::default(),
            ready: Notify::new(),
            sent: AtomicU64::new(0),
            overflow: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Queues `items`, or counts those that do not fit as lost.
    pub(crate) fn push_all(&self, items: impl IntoIterator<Item = T>) {
        let (mut queue, mut lost) = (self.queue.lock(), 0);
        let before = queue.len();
        for item in items {
            if queue.len() < self.bound {
                queue.push_back(item);
            } else {
                lost += 1;
            }
        }
        let half = before < self.bound / 2 && queue.len() >= self.bound / 2;
        drop(queue);
        if lost > 0 {
            self.overflow.fetch_add(lost, Ordering::Relaxed);
        }
        if half {
            self.ready.notify_one();
        }
    }

    /// Takes up to `most` items.
    pub(crate) fn take(&self, most: usize) -> Vec<T> {
        let mut queue = self.queue.lock();
        let n = queue.len().min(most);
        queue.drain(..n).collect()
    }

    /// Returns when the queue is half full.
    pub(crate) async fn filling(&self) {
        self.ready.notified().await;
    }

    pub(crate) fn count_sent(&self, items: usize) {
        self.sent.fetch_add(items as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_failed(&self, items: usize) {
        self.failed.fetch_add(items as u64, Ordering::Relaxed);
    }

    pub(crate) fn loss(&self) -> Loss {
        Loss {
            signal: self.signal,
            sent: self.sent.load(Ordering::Relaxed),
            overflow: self.overflow.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

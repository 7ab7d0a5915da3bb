//! The last health document.

use bytes::Bytes;

/// The last health document. Its time is in milliseconds: those who ask within one are answered
/// alike.
#[derive(Debug)]
pub(crate) struct CachedHealth {
    /// By the clock of the service, in milliseconds.
    pub(crate) at: u64,
    /// `healthy`, `degraded` or `stopping`.
    pub(crate) status: &'static str,
    pub(crate) body: Bytes,
}

impl CachedHealth {
    /// Whether it still tells how the service does.
    pub(crate) fn holds(&self, at: u64, status: &str) -> bool {
        (self.at, self.status) == (at, status)
    }
}

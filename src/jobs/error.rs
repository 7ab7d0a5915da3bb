use std::time::Duration;

/// Why the queue did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The server did not answer; what was asked may have happened.
    #[error("the queue of jobs does not answer: {0}")]
    Unavailable(String),
    /// An answer that is none: another version, or another program.
    #[error("the queue of jobs gave an answer that is none")]
    Unreadable,
    /// There is no job of this name, or not of this tenant.
    #[error("there is no such job")]
    Missing,
    /// The name is taken by a job that asks for something else.
    #[error("the job {0} asks for something else")]
    Other(String),
    /// No room: more waits than is allowed.
    #[error("{what}: {seen}; the limit is {limit}")]
    Full {
        /// What there is too much of: `seconds of work that wait`, `bytes of jobs`, `jobs` or `bytes of a
        /// checkpoint`.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
        /// How much there would be.
        seen: u64,
        /// When there may be room.
        wait: Duration,
    },
}

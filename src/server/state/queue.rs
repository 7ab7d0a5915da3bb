//! The queue of jobs that the processes of one store share, as this process sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use svgx_jobs::{Limits, Queue, QueueError, Stats, Worker, WorkerKind};

use crate::protocol::problem::Error;
use crate::state::config::{Config, Work};
use crate::state::counts::{Counts, Words};
use crate::state::jobs::KEPT;
use crate::state::start_error::StartError;

/// What the names of its jobs begin with; those of a process alone begin otherwise.
const MARK: char = 'q';
/// How often its figures are read for the metrics.
const READ: Duration = Duration::from_secs(1);

/// How an attempt at a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TryEnd {
    /// Its answer is the one of the job.
    Answered,
    /// Another worker had the job, or its answer was there.
    Late,
    /// The job was cancelled, or is not known any more.
    Unwanted,
    /// It met a fault: the job is tried again, or set aside.
    Failed,
    /// It was given back, which is no try.
    Returned,
    /// The queue did not answer until somebody else had done it.
    Untold,
}

impl Words<6> for TryEnd {
    const WORDS: [&str; 6] = ["answered", "late", "unwanted", "failed", "returned", "untold"];

    fn index(self) -> usize {
        self as usize
    }
}

/// The queue of jobs on the server at `url`, for whoever operates the service. The server is not asked
/// for anything yet.
///
/// # Errors
/// [`QueueError::Unavailable`] for an address that is none.
pub fn queue_of_jobs(url: &str) -> Result<Queue, QueueError> {
    // For `rediss://`; the second who installs it finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Queue::new(url, Limits::default())
}

/// The queue, who this process is to it, and what it has counted.
#[derive(Debug)]
pub(crate) struct JobQueue {
    pub(crate) queue: Queue,
    pub(crate) worker: Worker,
    /// Jobs that were begun here.
    pub(crate) attempts: AtomicU64,
    /// Jobs that this process took from workers that were lost.
    pub(crate) taken_over: AtomicU64,
    /// Answers from here that differ from another one to the same job.
    pub(crate) divergent: AtomicU64,
    /// How attempts that were made here ended.
    pub(crate) tries: Counts<TryEnd, 6>,
    stats: Mutex<Stats>,
    closed: AtomicBool,
}

impl JobQueue {
    /// The queue on the server of the store; `None` where there is no such server.
    ///
    /// # Errors
    /// [`StartError::Store`] for an address that is none, [`StartError::System`] without a thread.
    pub(crate) fn open(
        config: &Config,
        replica: &str,
    ) -> Result<Option<Arc<JobQueue>>, StartError> {
        let Some(url) = &config.store else { return Ok(None) };
        let largest = u64::try_from(config.max_body).unwrap_or(u64::MAX);
        let limits = Limits { kept: KEPT, document: largest, ..Limits::default() };
        let queue = Queue::new(url.reveal(), limits);
        let queue = queue.map_err(|e| StartError::Store(e.to_string()))?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let kind = match config.work {
            Work::Only | Work::On => WorkerKind::Dedicated,
            Work::Auto | Work::Off => WorkerKind::Helping,
        };
        let worker = Worker {
            name: format!("{host}/{}/{replica}", std::process::id()),
            kind,
            lease: config.job_lease,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let shared = Arc::new(JobQueue {
            queue,
            worker,
            attempts: AtomicU64::new(0),
            taken_over: AtomicU64::new(0),
            divergent: AtomicU64::new(0),
            tries: Counts::default(),
            stats: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let reader = Arc::downgrade(&shared);
        let read = move || {
            while let Some(shared) = reader.upgrade() {
                if shared.is_closed() {
                    return;
                }
                // While the server does not answer, the last figures stand: the alert on the store
                // says that they do.
                if let Ok(stats) = shared.queue.stats() {
                    *shared.stats.lock() = stats;
                }
                drop(shared);
                std::thread::sleep(READ);
            }
        };
        let thread = std::thread::Builder::new().name("job-figures".to_owned()).spawn(read);
        thread.map_err(|e| StartError::System("no thread for the queue of jobs", e))?;
        Ok(Some(shared))
    }

    /// Figures of all jobs, not older than a second or two.
    pub(crate) fn stats(&self) -> Stats {
        *self.stats.lock()
    }

    /// Whether a job of this name would be in the queue.
    pub(crate) fn has(id: &str) -> bool {
        id.strip_prefix(MARK).is_some_and(|rest| {
            rest.len() == 32
                && rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }

    /// The name of a job: of the `index`th that a tenant asked for by one idempotency key, or of one
    /// that nobody asks for again.
    ///
    /// # Errors
    /// [`Error::Internal`] without random numbers.
    pub(crate) fn name(tenant: &str, key: Option<&str>, index: usize) -> Result<String, Error> {
        let mut hasher = blake3::Hasher::new();
        match key {
            Some(key) => {
                for part in [tenant.as_bytes(), key.as_bytes(), &index.to_le_bytes()] {
                    hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
                }
            }
            None => {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes).map_err(|e| Error::Internal(e.to_string()))?;
                hasher.update(&bytes);
            }
        }
        let hex = hasher.finalize().to_hex();
        Ok(format!("{MARK}{}", hex.get(..32).unwrap_or_default()))
    }

    /// One call of the queue, off the thread that serves others.
    ///
    /// # Errors
    /// What the queue refuses, as an error of a request.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<JobQueue>,
        call: impl FnOnce(&Queue) -> Result<T, QueueError> + Send + 'static,
    ) -> Result<T, Error> {
        self.call(call).await.map_err(Error::from)
    }

    /// The same with the queue's own errors.
    ///
    /// # Errors
    /// [`QueueError`].
    pub(crate) async fn call<T: Send + 'static>(
        self: &Arc<JobQueue>,
        call: impl FnOnce(&Queue) -> Result<T, QueueError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let shared = Arc::clone(self);
        let called = tokio::task::spawn_blocking(move || call(&shared.queue)).await;
        called.unwrap_or_else(|e| Err(QueueError::Unavailable(e.to_string())))
    }

    /// Ends its threads.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl From<QueueError> for Error {
    fn from(error: QueueError) -> Error {
        match error {
            QueueError::Missing => {
                Error::Missing("there is no such job of this key; GET /jobs lists them".to_owned())
            }
            QueueError::Other(_) => Error::invalid(
                "",
                "header Idempotency-Key: it was sent before with another request",
            ),
            QueueError::Full { what, limit, wait, .. } => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Error::Crowded { what, limit, wait }
            }
            QueueError::Unavailable(_) => Error::StoreUnavailable {
                message: error.to_string(),
                retry_after: Duration::from_secs(1),
            },
            QueueError::Unreadable => Error::Store(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_the_key_that_was_sent_and_is_no_other_ones() {
        let name = |tenant: &str, key: Option<&str>, index: usize| {
            JobQueue::name(tenant, key, index).expect("random numbers")
        };
        let one = name("ana", Some("k"), 0);
        assert_eq!(one, name("ana", Some("k"), 0));
        let others = [
            name("ana", Some("k"), 1),
            name("ana", Some("l"), 0),
            name("an", Some("ak"), 0),
            name("ana", None, 0),
            name("ana", None, 0),
        ];
        for (n, other) in others.iter().enumerate() {
            assert!(JobQueue::has(other) && *other != one);
            assert!(!others.iter().skip(n + 1).any(|later| later == other), "{other}");
        }
        for id in ["", "q", "j1", "j1.r1", "q1", "Q0123456789abcdef0123456789abcdef"] {
            assert!(!JobQueue::has(id), "{id}");
        }
    }
}

//! What is said of jobs between the queue, those who put them in, and workers.

use std::time::Duration;

use crate::record::Stage;

/// What the queue holds at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Predicted processor time that waits, for each process that takes jobs.
    pub waiting: Duration,
    /// Bytes of documents and requests, as they are stored.
    pub bytes: u64,
    /// Jobs that are known, ended ones included.
    pub jobs: u64,
    /// Bytes of answers; beyond, the oldest are forgotten.
    pub answers: u64,
    /// How long an answer is kept.
    pub kept: Duration,
    /// Bytes of one document.
    pub document: u64,
    /// Bytes of what one attempt leaves for the next.
    pub checkpoint: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            waiting: Duration::from_secs(15 * 60),
            bytes: 256 << 20,
            jobs: 100_000,
            answers: 256 << 20,
            kept: Duration::from_secs(15 * 60),
            document: 64 << 20,
            checkpoint: 16 << 20,
        }
    }
}

/// Whether a process takes jobs and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerKind {
    /// It does.
    Dedicated,
    /// It serves as well, and takes jobs only while no dedicated one lives.
    Helping,
}

/// Who takes jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Never the same for two processes, one after the other included.
    pub name: String,
    /// Whether it does nothing else.
    pub kind: WorkerKind,
    /// For how long it may say nothing before its jobs are given to others.
    pub lease: Duration,
    /// The version of its program.
    pub version: String,
}

/// What a worker can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Predicted processor time.
    pub cost: Duration,
    /// Jobs.
    pub jobs: usize,
    /// Whether it has nothing to do: then it takes one of any length.
    pub is_idle: bool,
}

/// A job that is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name; a job of this name that asks for the same is not put in again.
    pub id: String,
    /// What it asks for, as a hash: two jobs of one name are compared by it.
    pub payload: String,
    /// Processor time that is expected.
    pub cost: Duration,
    /// Which of the documents it is about.
    pub document: usize,
    /// What it does, for whoever looks at it.
    pub operation: String,
    /// The batch it came in; empty: alone.
    pub batch: String,
    /// What the worker is to do; the queue does not read it.
    pub specification: String,
}

/// A job that a worker was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its name.
    pub id: String,
    /// The number of this claim.
    pub attempt: u64,
    /// Whose it is.
    pub tenant: String,
    /// What is to be done.
    pub specification: String,
    /// What with; `None` where it is damaged.
    pub document: Option<Vec<u8>>,
    /// What the last attempt has left, where it left something that is not damaged.
    pub checkpoint: Option<Vec<u8>>,
}

/// How far a worker is with a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<'j> {
    /// The job.
    pub id: &'j str,
    /// The number of its claim.
    pub attempt: u64,
    /// The share that is done.
    pub progress: f64,
    /// The step that it is at.
    pub at: &'static str,
}

/// Whose a job is, as the queue knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Still the worker's that asks.
    Owned,
    /// Nobody wants it any more.
    Cancelled,
    /// Another worker's, or ended.
    Lost,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It counts.
    Committed,
    /// It counts, and an answer that came too late before differs from it.
    CommittedDivergent,
    /// There is one already, which is the same.
    Same,
    /// There is one already, which differs.
    Divergent,
    /// It came too late: another worker has the job, or will have it.
    Late,
    /// Nobody wants it any more.
    Cancelled,
    /// The job is not known any more.
    Gone,
}

/// What a tenant's job has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub stage: Stage,
    /// What describes its answer.
    pub head: String,
    /// Its answer.
    pub body: Vec<u8>,
}

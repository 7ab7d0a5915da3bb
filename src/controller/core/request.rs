//! What is asked of the controller, and what it answers.

use serde::{Deserialize, Serialize};

use super::ids::{OperationId, SessionId, TenantId};
use crate::Reason;
use svgx_base::budget::{Class, Tier, Time};

/// A request, as far as it is known before any work is done.
///
/// ```
/// use svgx_base::budget::Class;
/// use svgx_controller::{Request, TenantId};
///
/// let request = Request { size: 1_000, tenant: TenantId(7), ..Request::new(Class::Redraw, "parse") };
/// assert!(!request.strict);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// The trace it belongs to.
    pub trace_id: u128,
    /// The class, which sets the budget.
    pub class: Class,
    /// The operation, one of those the spec names; others share one estimate per class.
    pub operation: &'a str,
    /// Units of work (elements, body-steps, constraints; bytes where nothing better is known).
    pub size: u64,
    /// Who asks.
    pub tenant: TenantId,
    /// The session it belongs to, which keeps one tier.
    pub session: SessionId,
    /// The tier asked for.
    pub tier: Tier,
    /// Refuse rather than answer at a cheaper tier.
    pub strict: bool,
    /// Time the caller still waits, in nanoseconds, when it said so.
    pub patience: Option<u64>,
    /// How often this request was already tried.
    pub attempt: u32,
    /// Time it spends outside of the pool, in nanoseconds: in its socket until it was read, and
    /// until its answer is written. It is part of what the caller waits.
    #[serde(default, alias = "beyond")]
    pub waited_before_arrival: u64,
}

impl<'a> Request<'a> {
    /// A request of this class and operation with everything else at its plainest.
    pub fn new(class: Class, operation: &'a str) -> Request<'a> {
        Request {
            trace_id: 0,
            class,
            operation,
            size: 1,
            tenant: TenantId::default(),
            session: SessionId::NONE,
            tier: Tier::Compute,
            strict: false,
            patience: None,
            attempt: 0,
            waited_before_arrival: 0,
        }
    }
}

/// An admitted request, until it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub(super) u64);

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Do it, at the tier asked for.
    Admit,
    /// Do it, at a cheaper tier.
    Degrade,
    /// Do not do it now.
    Shed,
    /// Not as a request: offer a job.
    Defer,
}

/// The answer, with the numbers it was made from. All times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When, on the clock of the caller.
    pub at: Time,
    /// The trace.
    pub trace_id: u128,
    /// The admitted job.
    pub job: Option<JobId>,
    /// The class.
    pub class: Class,
    /// Index of the operation in the spec's list.
    pub operation: OperationId,
    /// What to do.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// What would have been done, when the controller only watches.
    pub shadowed: Option<Reason>,
    /// The tier to work at.
    pub tier: Tier,
    /// The tier asked for.
    pub asked: Tier,
    /// Predicted processor time, upper estimate.
    pub cost: u64,
    /// Predicted processor time waiting ahead of it.
    pub ahead: u64,
    /// Processors the class can count on.
    pub capacity: f32,
    /// Time it spends outside of the pool, before and after.
    #[serde(default, alias = "beyond")]
    pub waited_before_arrival: u64,
    /// Predicted time until it is finished, with what it spends outside of the pool.
    pub finish: u64,
    /// The time it was allowed: the smaller of budget and patience, times `trim`.
    pub limit: u64,
    /// The factor learned from past misses.
    pub trim: f32,
    /// Jobs waiting.
    pub waiting: u32,
    /// When the work must end, on the clock of the caller; the far future for batch.
    pub deadline: Time,
    /// When to ask again, in milliseconds; 0 when admitted.
    pub retry_after_ms: u32,
}

impl Decision {
    /// The queue its job waits in.
    pub fn lane(&self) -> Lane {
        if self.reason == Reason::Oversize { Lane::Batch } else { Lane::of(self.class) }
    }
}

/// How a job ended, as the pool saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The work returned.
    Done,
    /// The work stopped at its deadline.
    Deadline,
    /// The caller went away.
    Cancelled,
    /// The work panicked.
    Panicked,
}

/// What a finished job cost, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Processor time.
    pub cpu: u64,
    /// Time it held a processor or waited for the operating system to give it
    /// one; not the time it was paused for more urgent work.
    pub ran: u64,
}

/// Which queue a worker serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// UI and redraw, earliest deadline first.
    Urgent,
    /// Physics, earliest deadline first.
    Physics,
    /// Batch, first come first served.
    Batch,
}

impl Lane {
    /// Every lane, most urgent first.
    pub const ALL: [Lane; 3] = [Lane::Urgent, Lane::Physics, Lane::Batch];

    /// The lane of a class.
    pub const fn of(class: Class) -> Lane {
        match class {
            Class::Ui | Class::Redraw => Lane::Urgent,
            Class::Physics => Lane::Physics,
            Class::Batch => Lane::Batch,
        }
    }
}

/// What the machine says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensors {
    /// Processors we may use: the quota of the cgroup or the machine's own.
    pub cores: f64,
}

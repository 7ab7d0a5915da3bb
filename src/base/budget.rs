//! The latency budget: a value that travels with every request, from the
//! socket to the innermost solver loop.
//!
//! ```
//! use svgx_base::budget::{Budget, Class, Tier};
//!
//! let budget = Budget::unlimited(Class::Physics, Tier::Compute);
//! assert!(budget.checkpoint().is_ok());
//! budget.cancel().cancel();
//! assert!(budget.checkpoint().is_err());
//! ```

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a request is, for the latency objectives. Ordered by urgency: the
/// smaller, the more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A click, a drag tick, a look at the state.
    Ui,
    /// Parse, compile, render, patch.
    Redraw,
    /// Simulate, solve.
    Physics,
    /// Work without a latency objective: jobs and streams.
    Batch,
}

impl Class {
    /// Every class, most urgent first.
    pub const ALL: [Class; 4] = [Class::Ui, Class::Redraw, Class::Physics, Class::Batch];

    /// The name used in configuration, logs, labels and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Ui => "ui",
            Class::Redraw => "redraw",
            Class::Physics => "physics",
            Class::Batch => "batch",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How precise the work is to be: the millimetre steps of the language.
/// Ordered by cost: `Ui < Edit < Compute`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// 0.1 mm.
    Ui,
    /// 0.01 mm.
    Edit,
    /// 0.001 mm.
    #[default]
    Compute,
}

impl Tier {
    /// Every tier, cheapest first.
    pub const ALL: [Tier; 3] = [Tier::Ui, Tier::Edit, Tier::Compute];

    /// The name used in configuration, logs, labels and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Tier::Ui => "ui",
            Tier::Edit => "edit",
            Tier::Compute => "compute",
        }
    }

    /// The step in millimetres.
    pub const fn millimetres(self) -> f64 {
        match self {
            Tier::Ui => 0.1,
            Tier::Edit => 0.01,
            Tier::Compute => 0.001,
        }
    }

    /// How many decimals a coordinate in millimetres keeps.
    pub const fn decimals(self) -> u32 {
        match self {
            Tier::Ui => 1,
            Tier::Edit => 2,
            Tier::Compute => 3,
        }
    }

    /// The next cheaper tier, if there is one.
    pub const fn cheaper(self) -> Option<Tier> {
        match self {
            Tier::Ui => None,
            Tier::Edit => Some(Tier::Ui),
            Tier::Compute => Some(Tier::Edit),
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Tier::ALL
            .into_iter()
            .find(|t| t.as_str().eq_ignore_ascii_case(s))
            .ok_or_else(|| UnknownTier(s.chars().take(32).collect()))
    }
}

/// A name that is no [`Tier`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("unknown precision {0:?}; expected ui, edit or compute")]
pub struct UnknownTier(String);

/// A point in time: nanoseconds since the origin of the [`Clock`] it came from.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The time since `earlier`, zero if `earlier` is later (clocks may jump).
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This time moved forward by `by`.
    #[must_use]
    pub fn after(self, by: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Where time comes from. The engine and the controller are always handed one.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now. Never goes backwards for a well-behaved clock; callers must survive one that does.
    fn now(&self) -> Time;
}

/// The machine's monotonic clock, counted from when the value was made.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic(std::time::Instant);

impl Monotonic {
    /// A clock whose origin is now.
    #[allow(clippy::disallowed_methods, reason = "the one place where a real clock is made")]
    pub fn new() -> Self {
        Monotonic(std::time::Instant::now())
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    #[allow(clippy::disallowed_methods, reason = "the one place where a real clock is read")]
    fn now(&self) -> Time {
        Time(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until it is told to move: tests and simulators.
#[derive(Debug, Default)]
pub struct Manual(AtomicU64);

impl Manual {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, to: Time) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for Manual {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

/// A flag that whoever asked can raise; the work sees it at its next checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Raises the flag.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is up.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Where running work lets more urgent work pass. Implemented by the compute
/// pool; the engine only calls it, at every checkpoint.
pub trait Gate: Send + Sync + fmt::Debug {
    /// Returns at once, or after more urgent work has had the processor.
    fn pass(&self);
}

/// Why work has to stop early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The deadline has passed.
    #[error("the deadline has passed")]
    Deadline,
    /// Whoever asked no longer wants the answer.
    #[error("cancelled")]
    Cancelled,
}

/// How long work may take, how precise it is to be, and how it is told to stop.
///
/// Cloning is cheap and shares the cancel flag.
#[derive(Clone, Debug)]
pub struct Budget {
    class: Class,
    tier: Tier,
    strict: bool,
    deadline: Option<(Time, Arc<dyn Clock>)>,
    cancel: Cancel,
    gate: Option<Arc<dyn Gate>>,
}

impl Budget {
    /// No deadline: for the command line, tests and benchmarks.
    pub fn unlimited(class: Class, tier: Tier) -> Budget {
        Budget { class, tier, strict: false, deadline: None, cancel: Cancel::default(), gate: None }
    }

    /// Stop at `deadline`, as read from `clock`.
    #[must_use]
    pub fn until(mut self, deadline: Time, clock: Arc<dyn Clock>) -> Budget {
        self.deadline = Some((deadline, clock));
        self
    }

    /// The caller refuses an answer below the tier or before the end.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Budget {
        self.strict = strict;
        self
    }

    /// Use this cancel flag.
    #[must_use]
    pub fn cancelled_by(mut self, cancel: Cancel) -> Budget {
        self.cancel = cancel;
        self
    }

    /// Let more urgent work pass through `gate` at every checkpoint.
    #[must_use]
    pub fn yielding_to(mut self, gate: Arc<dyn Gate>) -> Budget {
        self.gate = Some(gate);
        self
    }

    /// The same budget at another tier.
    #[must_use]
    pub fn at(mut self, tier: Tier) -> Budget {
        self.tier = tier;
        self
    }

    /// The class of the request.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The tier the answer is to have.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Whether a partial or coarser answer is refused by the caller.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// The cancel flag of this work.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Time left, `None` without a deadline, zero when it has passed.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.as_ref().map(|(at, clock)| at.since(clock.now()))
    }

    /// Now, by the clock of its deadline; `None` without one. To measure by, not to decide by.
    pub fn now(&self) -> Option<Time> {
        self.deadline.as_ref().map(|(_, clock)| clock.now())
    }

    /// To be called at every natural step of a loop, at least every millisecond.
    ///
    /// # Errors
    /// [`Stop`] when the work is to return the best it has.
    pub fn checkpoint(&self) -> Result<(), Stop> {
        if let Some(gate) = &self.gate {
            gate.pass();
        }
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        match &self.deadline {
            Some((at, clock)) if clock.now() >= *at => Err(Stop::Deadline),
            _ => Ok(()),
        }
    }
}

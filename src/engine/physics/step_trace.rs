//! What a deep trace tells of the steps of a simulation.
//!
//! A simulation may have many thousand steps, so they are told in a few groups of equal length.
//! The phases of a step are told apart by the pairs whose contacts the narrow phase asks for: what
//! comes before the first pair is the broad phase (with what the engine does to bodies that were
//! changed from outside), what comes after the last one the solver (with islands and integration).
//! A step without a pair has no narrow phase, and all of it counts as the solver's. The clock is
//! that of the budget; without a deadline there is none, and no phases.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use svgx_base::budget::{Budget, Time};
use svgx_base::deep::tracing::span::EnteredSpan;
use svgx_base::deep::{self, Empty};
use svgx_base::deep_span;

use super::state::State;

/// Groups that the steps of a run are told in.
const GROUPS: u64 = 24;

/// Where the time of some steps went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Phases {
    broad: Duration,
    narrow: Duration,
    solver: Duration,
    steps: u64,
}

impl Phases {
    /// Adds one step, now that it has ended.
    pub(super) fn add(&mut self, pairs: &PairTimes) {
        let ended = pairs.now();
        let (first, last) = match pairs.first.load(Ordering::Relaxed) {
            0 => (pairs.began, pairs.began),
            first => (Time(first), Time(pairs.last.load(Ordering::Relaxed))),
        };
        self.broad += first.since(pairs.began);
        self.narrow += last.since(first);
        self.solver += ended.since(last);
        self.steps += 1;
    }

    fn take(&mut self) -> Phases {
        std::mem::take(self)
    }
}

/// When the pairs of one step were asked for.
#[derive(Debug)]
pub(super) struct PairTimes {
    budget: Budget,
    began: Time,
    first: AtomicU64,
    last: AtomicU64,
}

impl PairTimes {
    /// A step that begins; `None` where it is not traced, or there is no clock.
    pub(super) fn begin(budget: &Budget) -> Option<PairTimes> {
        if !deep::is_on() {
            return None;
        }
        let began = budget.now()?;
        let (first, last) = (AtomicU64::new(0), AtomicU64::new(0));
        Some(PairTimes { budget: budget.clone(), began, first, last })
    }

    fn now(&self) -> Time {
        self.budget.now().unwrap_or(self.began)
    }

    /// A pair is asked for, until the value goes.
    pub(super) fn pair(&self) -> PairTime<'_> {
        // Whoever is first stays first; pairs of one step are not asked for at once.
        let now = self.now().0.max(1);
        let _ = self.first.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        PairTime(self)
    }
}

/// A pair that is asked for.
#[derive(Debug)]
pub(super) struct PairTime<'t>(&'t PairTimes);

impl Drop for PairTime<'_> {
    fn drop(&mut self) {
        self.0.last.fetch_max(self.0.now().0, Ordering::Relaxed);
    }
}

/// Opens a span for each group of steps.
#[derive(Debug)]
pub(super) struct StepTrace {
    /// Steps in a group; 0: nothing is traced.
    group: u64,
    done: u64,
    span: Option<EnteredSpan>,
}

impl StepTrace {
    /// For a run of so many steps.
    pub(super) fn of(steps: u64) -> StepTrace {
        let group = if deep::is_on() { steps.div_ceil(GROUPS).max(1) } else { 0 };
        StepTrace { group, done: 0, span: None }
    }

    pub(super) fn begin_step(&mut self) {
        if self.group > 0 && self.span.is_none() {
            self.span = Some(deep_span!(
                "steps",
                svgx.step.count = Empty,
                svgx.contact.count = Empty,
                svgx.awake.count = Empty,
                svgx.phase.broad = Empty,
                svgx.phase.narrow = Empty,
                svgx.phase.solver = Empty,
            ));
        }
    }

    pub(super) fn end_step(&mut self, state: &mut State) {
        if self.group > 0 {
            self.done += 1;
            if self.done == self.group {
                self.end(state);
            }
        }
    }

    /// Ends the group, short as it may be.
    pub(super) fn end(&mut self, state: &mut State) {
        let Some(span) = self.span.take() else { return };
        let touching = state.main.contacts().count();
        let awake = state.main.physics.islands.num_active_bodies();
        span.record("svgx.step.count", i64::try_from(self.done).unwrap_or(i64::MAX));
        span.record("svgx.contact.count", deep::count(touching));
        span.record("svgx.awake.count", deep::count(awake));
        let mut phases = state.main.phases.take();
        if let Some(twin) = &mut state.twin {
            let more = twin.phases.take();
            phases.broad += more.broad;
            phases.narrow += more.narrow;
            phases.solver += more.solver;
        }
        if phases.steps > 0 {
            span.record("svgx.phase.broad", phases.broad.as_secs_f64());
            span.record("svgx.phase.narrow", phases.narrow.as_secs_f64());
            span.record("svgx.phase.solver", phases.solver.as_secs_f64());
        }
        self.done = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use svgx_base::budget::{Class, Manual, Tier};

    use super::*;

    #[test]
    fn the_first_and_the_last_pair_tell_the_phases_apart() {
        let _on = deep::enter(true);
        // Microseconds until the first pair, of two pairs with as much between, and after.
        for (before, pair, after, expected) in [
            (10, Some(5), 20, (10, 15, 20)),
            (10, None, 20, (0, 0, 30)),
            (0, Some(1), 0, (0, 3, 0)),
        ] {
            let clock = Arc::new(Manual::default());
            clock.set(Time(1));
            let budget = Budget::unlimited(Class::Physics, Tier::Ui)
                .until(Time(u64::MAX), Arc::<Manual>::clone(&clock));
            let pass = |micros| clock.advance(Duration::from_micros(micros));
            let times = PairTimes::begin(&budget).expect("traced");
            pass(before);
            if let Some(long) = pair {
                let first = times.pair();
                pass(long);
                drop(first);
                pass(long);
                let last = times.pair();
                pass(long);
                drop(last);
            }
            pass(after);
            let mut phases = Phases::default();
            phases.add(&times);
            let micros = |time: Duration| time.as_micros() as u64;
            let seen = (micros(phases.broad), micros(phases.narrow), micros(phases.solver));
            assert_eq!(seen, expected, "{before} {pair:?} {after}");
        }
    }

    #[test]
    fn without_a_trace_or_a_clock_nothing_is_timed() {
        let budget = Budget::unlimited(Class::Physics, Tier::Ui);
        assert!(PairTimes::begin(&budget).is_none());
        let _on = deep::enter(true);
        assert!(PairTimes::begin(&budget).is_none());
    }
}

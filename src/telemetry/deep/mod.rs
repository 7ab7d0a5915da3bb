//! Deep traces: what a request did, down to the passes of a document, the components and
//! iterations of a solver and the phases of a simulation's steps.
//!
//! Two may ask for one. A caller does that keeps its trace (the flag of its `traceparent`), as far
//! as [`CALLERS_PER_SECOND`] allows: what a stranger can make the service do besides its work is
//! bounded by that, by [`COLLECTED`] traces at once and by [`SPANS`] spans in each. An operator
//! does for a key, a route, or the next requests; what is asked for ends by itself, by their
//! number and by time ([`Ask`]).
//!
//! The spans are those of `tracing` (`svgx_base::deep_span`), made by `tracing-opentelemetry` into
//! those of the SDK. [`collect`] gathers them by request, and [`tree`] joins them with the stages
//! of the request when it has ended.
//!
//! Not asked for, a request looks once whether it is; below, each span is one look at a flag.

pub(crate) mod collect;
pub(crate) mod tree;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::{Context, ContextGuard};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use svgx_base::budget::Time;
use svgx_base::deep;

pub use collect::DeepTrace;

/// Deep traces a second for callers that keep their trace, all of them together.
pub const CALLERS_PER_SECOND: u32 = 1;
/// How many of those may come at once.
pub const CALLERS_BURST: u32 = 5;
/// Deep traces that are collected at once, whoever asked for them.
pub const COLLECTED: usize = 8;
/// Spans of one deep trace; what does not fit is counted.
pub const SPANS: usize = 1_024;
/// Requests that one [`Ask`] of an operator may be for, and seconds it may last.
pub const MOST_REQUESTS: u32 = 1_000;
/// See [`MOST_REQUESTS`].
pub const MOST_SECONDS: u32 = 3_600;

/// What an operator asks for: of the requests that match, so many, for so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The name of a key; any without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A route as declared, `/simulate`; any without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// How many requests, 10 where nothing is said.
    #[serde(default = "ten")]
    pub requests: u32,
    /// After how many seconds it ends, 600 where nothing is said.
    #[serde(default = "ten_minutes")]
    pub seconds: u32,
}

fn ten() -> u32 {
    10
}

fn ten_minutes() -> u32 {
    600
}

/// A number of an [`Ask`] that is out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {seen}; 1 to {limit} are possible")]
pub struct OutOfBounds {
    /// Which.
    pub what: &'static str,
    /// The most there may be.
    pub limit: u32,
    /// What was asked for.
    pub seen: u32,
}

impl Ask {
    /// The same, if its numbers are possible.
    ///
    /// # Errors
    /// [`OutOfBounds`].
    pub fn check(self) -> Result<Ask, OutOfBounds> {
        for (what, seen, limit) in
            [("requests", self.requests, MOST_REQUESTS), ("seconds", self.seconds, MOST_SECONDS)]
        {
            if !(1..=limit).contains(&seen) {
                return Err(OutOfBounds { what, limit, seen });
            }
        }
        Ok(self)
    }

    fn is_for(&self, request: &Subject<'_>) -> bool {
        self.key.as_deref().is_none_or(|key| key == request.key)
            && self.route.as_deref().is_none_or(|route| Some(route) == request.route)
    }
}

/// A request, for the decision whether it is traced deeply.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'r> {
    /// The name of its key.
    pub key: &'r str,
    /// Its route as declared.
    pub route: Option<&'r str>,
    /// Whether its caller keeps the trace, and we keep it for that.
    pub kept_by_caller: bool,
}

/// Who asked for a deep trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// The caller, by the flag of its `traceparent`.
    Caller,
    /// An operator.
    Operator,
}

impl AskedBy {
    /// The word in the attribute of the server span.
    pub const fn as_str(self) -> &'static str {
        match self {
            AskedBy::Caller => "caller",
            AskedBy::Operator => "operator",
        }
    }
}

/// What is asked for, as `GET /traces/deep` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// What an operator asked for, while it lasts.
    pub asked: Option<Remaining>,
    /// What callers may have.
    pub callers: Callers,
    /// Traces that are collected now, and how many may be at once.
    pub collecting: usize,
    /// See `collecting`.
    pub most_collecting: usize,
    /// Spans of one trace at the most.
    pub most_spans: usize,
}

/// What is left of an operator's [`Ask`].
#[derive(Clone, Debug, Serialize)]
pub struct Remaining {
    /// What was asked for.
    #[serde(flatten)]
    pub ask: Ask,
    /// Requests that are still to be traced.
    pub requests_left: u32,
    /// Seconds until it ends.
    pub seconds_left: f64,
}

/// What callers that keep their trace may have, and had.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Callers {
    /// Deep traces a second.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
    /// Deep traces made for callers since the start.
    pub traced: u64,
    /// Requests whose trace was kept and that had no deep one: there were too many.
    pub refused: u64,
}

#[derive(Debug)]
struct Active {
    ask: Ask,
    left: u32,
    ends: Time,
}

/// Decides which requests are traced deeply. It has no clock: every call is told the time.
#[derive(Debug, Default)]
pub struct DeepTraces {
    /// Whether `asked` may hold something: what a request looks at.
    is_asked: AtomicBool,
    asked: Mutex<Option<Active>>,
    allowance: Mutex<Allowance>,
    collecting: Arc<AtomicUsize>,
    traced: AtomicU64,
    refused: AtomicU64,
}

impl DeepTraces {
    /// Asks for deep traces from `now` on, instead of what was asked for before.
    ///
    /// # Errors
    /// [`OutOfBounds`]; what was asked for before stays.
    pub fn ask(&self, now: Time, ask: Ask) -> Result<(), OutOfBounds> {
        let ask = ask.check()?;
        let ends = now.after(Duration::from_secs(u64::from(ask.seconds)));
        let left = ask.requests;
        *self.asked.lock() = Some(Active { ask, left, ends });
        self.is_asked.store(true, Ordering::Release);
        Ok(())
    }

    /// Ends what an operator asked for; whether there was something.
    pub fn end(&self) -> bool {
        self.is_asked.store(false, Ordering::Release);
        self.asked.lock().take().is_some()
    }

    /// What is asked for at `now`.
    pub fn show(&self, now: Time) -> Shown {
        let mut asked = self.asked.lock();
        self.forget(&mut asked, now);
        Shown {
            asked: asked.as_ref().map(|active| Remaining {
                ask: active.ask.clone(),
                requests_left: active.left,
                seconds_left: (active.ends.since(now).as_secs_f64() * 1e3).round() / 1e3,
            }),
            callers: Callers {
                per_second: CALLERS_PER_SECOND,
                burst: CALLERS_BURST,
                traced: self.traced.load(Ordering::Relaxed),
                refused: self.refused.load(Ordering::Relaxed),
            },
            collecting: self.collecting.load(Ordering::Relaxed),
            most_collecting: COLLECTED,
            most_spans: SPANS,
        }
    }

    /// Where the spans of a request are gathered, if it is traced deeply.
    pub fn begin(&self, now: Time, request: &Subject<'_>) -> Option<DeepTrace> {
        if self.is_asked.load(Ordering::Acquire)
            && let Some(trace) = self.begin_asked(now, request)
        {
            return Some(trace);
        }
        if !request.kept_by_caller {
            return None;
        }
        let trace = self
            .allowance
            .lock()
            .take(now)
            .then(|| DeepTrace::begin(AskedBy::Caller, &self.collecting))
            .flatten();
        let count = if trace.is_some() { &self.traced } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        trace
    }

    /// For work of ours, which nobody has to ask for.
    pub(crate) fn begin_own(&self) -> Option<DeepTrace> {
        DeepTrace::begin(AskedBy::Operator, &self.collecting)
    }

    fn begin_asked(&self, now: Time, request: &Subject<'_>) -> Option<DeepTrace> {
        let mut asked = self.asked.lock();
        self.forget(&mut asked, now);
        let active = asked.as_mut().filter(|active| active.ask.is_for(request))?;
        let trace = DeepTrace::begin(AskedBy::Operator, &self.collecting)?;
        active.left -= 1;
        self.forget(&mut asked, now);
        Some(trace)
    }

    /// Takes away what has come to its end.
    fn forget(&self, asked: &mut Option<Active>, now: Time) {
        if asked.as_ref().is_some_and(|active| active.left == 0 || now >= active.ends) {
            *asked = None;
            self.is_asked.store(false, Ordering::Release);
        }
    }
}

/// What callers may still have: a bucket that fills with time.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: f64,
    at: Time,
}

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance { left: f64::from(CALLERS_BURST), at: Time(0) }
    }
}

impl Allowance {
    /// Takes one at `now`, if there is one.
    fn take(&mut self, now: Time) -> bool {
        let more = now.since(self.at).as_secs_f64() * f64::from(CALLERS_PER_SECOND);
        self.left = (self.left + more).min(f64::from(CALLERS_BURST));
        self.at = self.at.max(now);
        let is_left = self.left >= 1.0;
        if is_left {
            self.left -= 1.0;
        }
        is_left
    }
}

/// Works in the context of a request on this thread, and traces it deeply if it is to be.
pub fn attach(context: Context) -> Attached {
    let is_deep = context.get::<DeepTrace>().is_some_and(|trace| !trace.is_full());
    Attached { _deep: deep::enter(is_deep), _context: context.attach() }
}

/// Ends the work in a context.
#[must_use = "dropping it ends the work in the context"]
pub struct Attached {
    _deep: deep::Guard,
    _context: ContextGuard,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Time {
        Time((seconds * 1e9) as u64)
    }

    fn ask(key: Option<&str>, route: Option<&str>, requests: u32, seconds: u32) -> Ask {
        Ask { key: key.map(str::to_owned), route: route.map(str::to_owned), requests, seconds }
    }

    const PLAIN: Subject<'_> = Subject { key: "ada", route: Some("/solve"), kept_by_caller: false };

    #[test]
    fn an_operator_asks_for_a_key_a_route_or_the_next_and_it_ends_by_itself() {
        // What is asked for; for each second a request of ada for /solve: whether it is traced.
        for (asked, expected) in [
            (ask(None, None, 2, 600), [true, true, false, false]),
            (ask(None, None, 9, 2), [true, true, false, false]),
            (ask(Some("ada"), None, 1, 600), [true, false, false, false]),
            (ask(Some("eve"), None, 9, 600), [false; 4]),
            (ask(None, Some("/solve"), 3, 600), [true, true, true, false]),
            (ask(None, Some("/parse"), 3, 600), [false; 4]),
            (ask(Some("ada"), Some("/parse"), 3, 600), [false; 4]),
        ] {
            let deep = DeepTraces::default();
            deep.ask(at(10.0), asked.clone()).expect("possible");
            let seen: [bool; 4] =
                std::array::from_fn(|i| deep.begin(at(10.0 + i as f64), &PLAIN).is_some());
            assert_eq!(seen, expected, "{asked:?}");
            let shown = deep.show(at(10_000.0));
            assert!(shown.asked.is_none() && shown.collecting == 0, "{shown:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_shown_replaced_and_ended() {
        let deep = DeepTraces::default();
        deep.ask(at(0.0), ask(None, None, 5, 60)).expect("possible");
        drop(deep.begin(at(1.0), &PLAIN));
        let left = deep.show(at(10.0)).asked.expect("it lasts");
        assert_eq!((left.requests_left, left.seconds_left), (4, 50.0));
        deep.ask(at(10.0), ask(Some("eve"), None, 5, 60)).expect("possible");
        assert!(deep.begin(at(11.0), &PLAIN).is_none());
        assert!(deep.end() && !deep.end());
        assert!(deep.show(at(12.0)).asked.is_none());
    }

    #[test]
    fn a_number_out_of_bounds_is_refused_with_its_limit_and_changes_nothing() {
        let deep = DeepTraces::default();
        deep.ask(at(0.0), ask(None, None, 5, 60)).expect("possible");
        for (requests, seconds, what, limit, seen) in [
            (0, 60, "requests", MOST_REQUESTS, 0),
            (1_001, 60, "requests", MOST_REQUESTS, 1_001),
            (1, 0, "seconds", MOST_SECONDS, 0),
            (1, 3_601, "seconds", MOST_SECONDS, 3_601),
        ] {
            let refused = deep.ask(at(0.0), ask(None, None, requests, seconds));
            assert_eq!(refused, Err(OutOfBounds { what, limit, seen }));
        }
        assert_eq!(deep.show(at(0.0)).asked.expect("the first").ask.requests, 5);
    }

    #[test]
    fn callers_have_a_burst_and_then_one_a_second() {
        let deep = DeepTraces::default();
        let kept = Subject { kept_by_caller: true, ..PLAIN };
        let traced = |from: f64, requests: u32| {
            (0..requests).filter(|_| deep.begin(at(from), &kept).is_some()).count()
        };
        assert_eq!(traced(100.0, 1_000), CALLERS_BURST as usize);
        assert_eq!(traced(100.9, 1_000), 0);
        assert_eq!(traced(101.0, 1_000), 1);
        assert_eq!(traced(103.5, 1_000), 2);
        // A clock that goes back gives nothing.
        assert_eq!(traced(1.0, 1_000), 0);
        assert!(deep.begin(at(200.0), &PLAIN).is_none(), "nobody asked");
        let callers = deep.show(at(200.0)).callers;
        assert_eq!((callers.traced, callers.refused), (8, 4_992));
    }

    #[test]
    fn only_so_many_are_collected_at_once_and_a_place_comes_back() {
        let deep = DeepTraces::default();
        deep.ask(at(0.0), ask(None, None, 100, 60)).expect("possible");
        let mut held: Vec<DeepTrace> =
            std::iter::from_fn(|| deep.begin(at(1.0), &PLAIN)).take(100).collect();
        assert_eq!((held.len(), deep.show(at(1.0)).collecting), (COLLECTED, COLLECTED));
        held.pop();
        assert!(deep.begin(at(1.0), &PLAIN).is_some());
        // Requests that found no place are not counted as traced.
        let left = deep.show(at(1.0)).asked.expect("it lasts").requests_left;
        assert_eq!(left, 100 - COLLECTED as u32 - 1);
    }
}

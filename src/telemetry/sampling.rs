//! Which traces are kept, decided when their root ends.
//!
//! The spans of a request wait, in bounded memory, until its server span ends.
//! Then the whole trace is kept if its caller keeps it, if the request was over
//! its budget, shed, degraded or failed, or if nobody decided before and its id
//! falls within the ratio; otherwise it is dropped. The ratio reads the id's last eight bytes, so that every service
//! with the same ratio keeps the same traces (as OpenTelemetry's
//! `TraceIdRatioBased` sampler does).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, Status, TraceContextExt as _, TraceId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use parking_lot::Mutex;

use super::metrics::Outcome;
use super::trace_store::{TraceStore, is_root};

/// Traces waiting for their root at the most.
const WAITING: usize = 4_096;
/// Spans of one trace at the most.
const SPANS: usize = 512;
/// Decisions remembered for spans that end after their root.
const DECIDED: usize = 1_024;
/// The attribute of the server span that says how the request ended.
pub const OUTCOME: &str = "svgx.slo.outcome";

/// Which of the traces that need no attention are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// All of them.
    All,
    /// None, and not those that need attention either: tracing is off.
    Off,
    /// A share of them, 0 to 1.
    Ratio(f64),
}

/// What `OTEL_TRACES_SAMPLER` chooses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// What is kept of traces that begin here.
    pub rule: Rule,
    /// Whether a trace that a caller began is kept when the caller keeps it, and only then;
    /// else the rule decides about it, too.
    pub parent_based: bool,
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler { rule: Rule::Ratio(0.01), parent_based: true }
    }
}

/// The rule that says which traces are kept.
#[derive(Clone, Debug)]
pub struct Sampling {
    sampler: Sampler,
    bound: u64,
}

impl Sampling {
    /// By `sampler`, and whatever needs attention unless it is [`Rule::Off`].
    pub fn new(sampler: Sampler) -> Sampling {
        let ratio = match sampler.rule {
            Rule::All => 1.0,
            Rule::Off => 0.0,
            Rule::Ratio(ratio) if ratio.is_finite() => ratio.clamp(0.0, 1.0),
            Rule::Ratio(_) => 1.0,
        };
        Sampling { sampler, bound: (ratio * u64::MAX as f64) as u64 }
    }

    /// Whether a request's trace is kept. `parent` says whether its caller keeps it, where the
    /// request came with a trace.
    pub fn keeps(&self, trace: TraceId, parent: Option<bool>, outcome: Outcome) -> bool {
        let parent = parent.filter(|_| self.sampler.parent_based);
        match (self.sampler.rule, parent) {
            (_, Some(true)) => true,
            (Rule::Off, _) => false,
            _ if outcome != Outcome::Ok => true,
            (_, Some(false)) => false,
            _ => {
                let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
                self.bound == u64::MAX || u64::from_be_bytes([a, b, c, d, e, f, g, h]) < self.bound
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<TraceId, Vec<SpanData>>,
    order: VecDeque<TraceId>,
    decided: HashMap<TraceId, bool>,
    decided_order: VecDeque<TraceId>,
}

/// Holds spans back until their root says what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct TailSampler(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sampling: Sampling,
    state: Mutex<State>,
    out: Arc<TraceStore>,
}

impl TailSampler {
    pub(crate) fn new(sampling: Sampling, out: Arc<TraceStore>) -> TailSampler {
        TailSampler(Arc::new(Inner { sampling, state: Mutex::default(), out }))
    }
}

fn outcome(root: &SpanData) -> Outcome {
    if matches!(root.status, Status::Error { .. }) {
        return Outcome::Failed;
    }
    root.attributes
        .iter()
        .find(|kv| kv.key.as_str() == OUTCOME)
        .and_then(|kv| Outcome::parse(&kv.value.as_str()))
        .unwrap_or(Outcome::Ok)
}

impl SpanProcessor for TailSampler {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        // Another request of a trace is decided about anew.
        if !cx.has_active_span() || cx.span().span_context().is_remote() {
            self.0.state.lock().decided.remove(&span.span_context().trace_id());
        }
    }

    fn on_end(&self, span: SpanData) {
        let trace = span.span_context.trace_id();
        let root = is_root(&span);
        let mut state = self.0.state.lock();
        if !root {
            if let Some(&kept) = state.decided.get(&trace) {
                drop(state);
                if kept {
                    self.0.out.keep_late(span);
                }
                return;
            }
            if !state.waiting.contains_key(&trace) {
                if state.waiting.len() >= WAITING
                    && let Some(oldest) = state.order.pop_front()
                {
                    let lost = state.waiting.remove(&oldest).map_or(0, |s| s.len());
                    self.0.out.give_up(lost);
                }
                state.order.push_back(trace);
            }
            let spans = state.waiting.entry(trace).or_default();
            if spans.len() < SPANS {
                spans.push(span);
            } else {
                self.0.out.give_up(1);
            }
            return;
        }
        let outcome = outcome(&span);
        let kept = self.0.sampling.keeps(trace, None, outcome);
        let mut spans = state.waiting.remove(&trace).unwrap_or_default();
        if !spans.is_empty() {
            state.order.retain(|t| *t != trace);
        }
        if state.decided.insert(trace, kept).is_none() {
            state.decided_order.push_back(trace);
        }
        if state.decided_order.len() > DECIDED
            && let Some(old) = state.decided_order.pop_front()
        {
            state.decided.remove(&old);
        }
        drop(state);
        if kept {
            spans.push(span);
            self.0.out.keep(trace, outcome, spans);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, _resource: &Resource) {}
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::outbox::Outbox;

    fn of(ratio: f64) -> Sampler {
        Sampler { rule: Rule::Ratio(ratio), parent_based: true }
    }

    #[test]
    fn a_callers_decision_is_kept_and_what_needs_attention_is_added() {
        use Outcome::{Failed, Ok, Shed};
        let trace = TraceId::from(u128::MAX);
        for (rule, parent_based, parent, outcome, kept) in [
            (Rule::Ratio(0.0), true, Some(true), Ok, true),
            (Rule::Ratio(1.0), true, Some(false), Ok, false),
            (Rule::Ratio(1.0), true, Some(false), Shed, true),
            (Rule::Ratio(0.0), true, None, Ok, false),
            (Rule::Ratio(1.0), true, None, Ok, true),
            (Rule::All, true, Some(false), Ok, false),
            (Rule::All, true, None, Ok, true),
            (Rule::Off, true, Some(true), Ok, true),
            (Rule::Off, true, Some(false), Failed, false),
            (Rule::Off, true, None, Failed, false),
            // Not parent-based: the caller is not asked.
            (Rule::Off, false, Some(true), Failed, false),
            (Rule::All, false, Some(false), Ok, true),
            (Rule::Ratio(0.0), false, Some(true), Ok, false),
            (Rule::Ratio(0.0), false, Some(true), Failed, true),
            (Rule::Ratio(f64::NAN), false, None, Ok, true),
        ] {
            let sampling = Sampling::new(Sampler { rule, parent_based });
            assert_eq!(
                sampling.keeps(trace, parent, outcome),
                kept,
                "{rule:?} {parent_based} {parent:?} {outcome:?}"
            );
        }
    }

    /// Ends a child, then its root, and answers how many spans were kept.
    fn kept(ratio: f64, outcome: Option<Outcome>) -> usize {
        let out = Arc::new(Outbox::new("traces", 64));
        let kept = TraceStore::new(Some(Arc::clone(&out)));
        let tail = TailSampler::new(Sampling::new(of(ratio)), Arc::new(kept));
        let provider = SdkTracerProvider::builder().with_span_processor(tail).build();
        let tracer = provider.tracer("test");
        let mut root = tracer.start("server");
        if let Some(outcome) = outcome {
            root.set_attribute(KeyValue::new(OUTCOME, outcome.as_str()));
        }
        let cx = Context::current_with_span(root);
        drop(tracer.start_with_context("solve", &cx));
        drop(cx);
        out.take(64).len()
    }

    #[test]
    fn whatever_needs_attention_is_kept_at_any_ratio() {
        for outcome in Outcome::ALL {
            let expected = if outcome == Outcome::Ok { 0 } else { 2 };
            assert_eq!(kept(0.0, Some(outcome)), expected, "{outcome:?}");
        }
    }

    #[test]
    fn the_ratio_decides_about_the_rest() {
        assert_eq!(kept(1.0, None), 2);
        assert_eq!(kept(0.0, None), 0);
        let sampling = Sampling::new(of(0.25));
        let n = (0..10_000u128)
            .map(|i| TraceId::from(i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)))
            .filter(|t| sampling.keeps(*t, None, Outcome::Ok))
            .count();
        assert!((2_300..2_700).contains(&n), "{n} of 10000");
    }

    #[test]
    fn traces_whose_root_never_ends_are_bounded_and_counted() {
        let out = Arc::new(Outbox::new("traces", 64));
        let kept = TraceStore::new(Some(Arc::clone(&out)));
        let tail = TailSampler::new(Sampling::new(of(1.0)), Arc::new(kept));
        let provider = SdkTracerProvider::builder().with_span_processor(tail).build();
        let tracer = provider.tracer("test");
        let mut roots = Vec::new();
        for _ in 0..WAITING + 10 {
            let cx = Context::current_with_span(tracer.start("server"));
            drop(tracer.start_with_context("solve", &cx));
            roots.push(cx);
        }
        assert_eq!(out.loss().overflow, 10);
    }

    #[test]
    fn a_full_queue_loses_the_newest_and_counts_it() {
        let out = Outbox::new("traces", 2);
        out.push_all(0..5);
        assert_eq!(out.take(9), [0, 1]);
        assert_eq!(out.loss().overflow, 3);
    }
}

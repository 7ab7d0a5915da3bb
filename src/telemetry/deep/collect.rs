//! Gathers the spans of a deep trace by its request.
//!
//! The request's [`DeepTrace`] is a value of the context it is worked on in, so that it reaches
//! whichever thread works. A span finds it there when it starts; of a span without one nothing is
//! recorded. No span waits for another: what has not ended when the request has is not told.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::trace::{Link, Span as _, SpanId, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanProcessor,
};
use parking_lot::Mutex;

use svgx_base::deep;

use super::{AskedBy, COLLECTED, SPANS};

/// Attributes and events of one span; what does not fit is counted in it.
pub(crate) const ATTRIBUTES: u32 = 16;
/// See [`ATTRIBUTES`].
pub(crate) const EVENTS: u32 = 8;
/// Characters of an attribute that is text.
const TEXT: usize = 128;

/// The deep trace of one request. Its place among those collected is free again when the last
/// holder has dropped it.
#[derive(Clone, Debug)]
pub struct DeepTrace(Arc<Gathered>);

#[derive(Debug)]
struct Gathered {
    asked_by: AskedBy,
    begun: AtomicUsize,
    spans: Mutex<Vec<SpanData>>,
    collecting: Arc<AtomicUsize>,
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.collecting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl DeepTrace {
    /// A place among the traces `collecting`, if there is one.
    pub(super) fn begin(asked_by: AskedBy, collecting: &Arc<AtomicUsize>) -> Option<DeepTrace> {
        let more = |n: usize| (n < COLLECTED).then_some(n + 1);
        collecting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(DeepTrace(Arc::new(Gathered {
            asked_by,
            begun: AtomicUsize::new(0),
            spans: Mutex::default(),
            collecting: Arc::clone(collecting),
        })))
    }

    /// Who asked for it.
    pub fn asked_by(&self) -> AskedBy {
        self.0.asked_by
    }

    /// How many spans have begun in it.
    pub fn spans(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Whether it takes no more spans.
    pub(crate) fn is_full(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed) >= SPANS
    }

    /// Whether there is room for one more span.
    fn has_room(&self) -> bool {
        self.0.begun.fetch_add(1, Ordering::Relaxed) < SPANS
    }

    /// The spans that have ended, and how many did not fit.
    pub(crate) fn take(&self) -> (Vec<SpanData>, usize) {
        let dropped = self.0.begun.load(Ordering::Relaxed).saturating_sub(SPANS);
        (std::mem::take(&mut *self.0.spans.lock()), dropped)
    }

    fn push(&self, mut span: SpanData) {
        span.attributes.iter_mut().for_each(shorten);
        self.0.spans.lock().push(span);
    }
}

fn shorten(attribute: &mut KeyValue) {
    if let Value::String(text) = &attribute.value
        && text.as_str().len() > TEXT
    {
        let short: String = text.as_str().chars().take(TEXT).collect();
        attribute.value = Value::String(StringValue::from(short));
    }
}

/// Records the spans of deep traces, and no others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeepSampler;

impl ShouldSample for DeepSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let trace = parent.and_then(|context| context.get::<DeepTrace>());
        let kept = trace.is_some_and(DeepTrace::has_room);
        if !kept {
            // The trace is full: the work goes on as if it were not traced.
            deep::end();
        }
        SamplingResult {
            decision: match kept {
                true => SamplingDecision::RecordAndSample,
                false => SamplingDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: parent
                .map(|context| context.span().span_context().trace_state().clone())
                .unwrap_or_default(),
        }
    }
}

/// Hands each span that ends to the trace it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// The spans that have started: as many as all deep traces have at the most.
    started: Mutex<HashMap<SpanId, DeepTrace>>,
}

impl SpanProcessor for Collector {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(trace) = context.get::<DeepTrace>() {
            self.started.lock().insert(span.span_context().span_id(), trace.clone());
        }
    }

    fn on_end(&self, span: SpanData) {
        let trace = self.started.lock().remove(&span.span_context.span_id());
        if let Some(trace) = trace {
            trace.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, _: &Resource) {}
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use svgx_base::deep_span;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::attach;
    use super::*;
    use crate::server;

    /// Runs `work` under the subscriber of the service.
    fn under(work: impl FnOnce()) {
        let provider = SdkTracerProvider::builder()
            .with_sampler(DeepSampler)
            .with_span_processor(Collector::default())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    }

    fn begin() -> DeepTrace {
        DeepTrace::begin(AskedBy::Operator, &Arc::default()).expect("a place")
    }

    const IDS: (TraceId, SpanId) = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]));

    #[test]
    fn spans_of_other_threads_keep_their_parent_and_reach_the_same_trace() {
        let trace = begin();
        under(|| {
            let context = server::context(IDS, Some(&trace));
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            let outer = attach(context.clone());
            let solve = deep_span!("solve", svgx.residual = deep::Empty);
            solve.record("svgx.residual", 0.5);
            // As a pool hands its context to a worker.
            let inside = Context::current();
            std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    let _here = attach(inside);
                    drop(deep_span!("component"));
                });
            })
            .join()
            .expect("no panic");
            drop(solve);
            drop(outer);
            drop(deep_span!("after"));
        });
        let (spans, dropped) = trace.take();
        assert_eq!((spans.len(), dropped), (2, 0), "{spans:?}");
        let [component, solve] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!((component.name.as_ref(), solve.name.as_ref()), ("component", "solve"));
        assert_eq!(component.parent_span_id, solve.span_context.span_id());
        assert_eq!(solve.parent_span_id, IDS.1);
        assert!(spans.iter().all(|s| s.span_context.trace_id() == IDS.0));
        assert!(solve.attributes.contains(&KeyValue::new("svgx.residual", 0.5)), "{solve:?}");
    }

    #[test]
    fn a_request_that_is_not_traced_deeply_leaves_no_span() {
        under(|| {
            let _here = attach(server::context(IDS, None));
            assert!(deep_span!("solve").is_disabled());
            // One that somebody opens all the same is not recorded.
            let other = tracing::info_span!("other").entered();
            assert!(!Context::current().span().is_recording());
            drop(other);
        });
    }

    #[test]
    fn a_trace_that_is_full_counts_what_does_not_fit_and_ends_the_tracing_of_its_work() {
        let trace = begin();
        under(|| {
            let here = attach(server::context(IDS, Some(&trace)));
            for _ in 0..SPANS + 100 {
                drop(deep_span!("step"));
            }
            assert!(!deep::is_on());
            drop(here);
            let _again = attach(server::context(IDS, Some(&trace)));
            assert!(!deep::is_on(), "another part of the same request");
        });
        let (spans, dropped) = trace.take();
        assert_eq!((spans.len(), dropped), (SPANS, 1));
    }

    #[test]
    fn long_text_is_cut() {
        let trace = begin();
        under(|| {
            let _here = attach(server::context(IDS, Some(&trace)));
            let long = "ä".repeat(1_000);
            drop(deep_span!("step", svgx.tier = long.as_str()));
        });
        let (spans, _) = trace.take();
        let of = |key: &str| spans[0].attributes.iter().find(|kv| kv.key.as_str() == key);
        assert_eq!(of("svgx.tier").expect("said").value.as_str().chars().count(), TEXT);
    }
}

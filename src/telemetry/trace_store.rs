//! The traces that were kept: all of them on their way to the collector, and
//! the last ones in memory, for an operator with nothing but a shell.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::SpanData;
use parking_lot::Mutex;
use serde::Serialize;

use super::metrics::Outcome;
use super::outbox::Outbox;

/// Traces remembered of requests that need attention.
const NOTABLE: usize = 192;
/// Traces remembered of the others, so that there is something to compare with.
const ORDINARY: usize = 64;
/// Deep traces remembered, beside those: each of them is large.
const DEEP: usize = 16;

/// Takes the traces that are kept.
#[derive(Debug)]
pub(crate) struct TraceStore {
    outbox: Option<Arc<Outbox<SpanData>>>,
    rings: Mutex<[VecDeque<Arc<Trace>>; 3]>,
}

/// One request's part of a trace: its server span last.
#[derive(Debug)]
struct Trace {
    id: TraceId,
    outcome: Outcome,
    spans: Vec<SpanData>,
}

/// A kept trace in one line.
#[derive(Clone, Debug, Serialize)]
pub struct Recent {
    /// The trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// Method and route.
    pub name: String,
    /// When it began, RFC 3339 in UTC.
    pub began: String,
    /// From the first byte to the answer, in milliseconds.
    pub duration_ms: f64,
    /// How it ended.
    pub outcome: &'static str,
    /// What its server span says: attributes by name.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// How many spans are remembered.
    pub spans: usize,
}

/// A span of a kept trace.
#[derive(Clone, Debug, Serialize)]
pub struct Interval {
    /// The span, 16 hexadecimal digits.
    pub span_id: String,
    /// The span it is a part of.
    pub parent_id: String,
    /// What was done.
    pub name: String,
    /// When it began, in milliseconds after the trace.
    pub start_ms: f64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// Its attributes by name.
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl TraceStore {
    /// Remembers traces, and passes them on to `outbox` where there is one.
    pub(crate) fn new(outbox: Option<Arc<Outbox<SpanData>>>) -> TraceStore {
        TraceStore { outbox, rings: Mutex::default() }
    }

    /// Keeps the trace of a request, its root last.
    pub(crate) fn keep(&self, id: TraceId, outcome: Outcome, is_deep: bool, spans: Vec<SpanData>) {
        if let Some(outbox) = &self.outbox {
            outbox.push_all(spans.iter().cloned());
        }
        let (ring, bound) = match outcome {
            _ if is_deep => (2, DEEP),
            Outcome::Ok => (1, ORDINARY),
            _ => (0, NOTABLE),
        };
        let mut rings = self.rings.lock();
        let forgotten = if rings[ring].len() >= bound { rings[ring].pop_front() } else { None };
        rings[ring].push_back(Arc::new(Trace { id, outcome, spans }));
        drop(rings);
        // Freed only now, so that nobody waits for it.
        drop(forgotten);
    }

    /// What is remembered, newest first.
    pub(crate) fn recent(&self) -> Vec<Recent> {
        let traces: Vec<Arc<Trace>> = self.rings.lock().iter().flatten().map(Arc::clone).collect();
        let mut all: Vec<(SystemTime, Recent)> = traces
            .iter()
            .filter_map(|trace| {
                let root = trace.spans.last()?;
                Some((root.end_time, recent(trace, root)))
            })
            .collect();
        all.sort_by_key(|(ended, _)| std::cmp::Reverse(*ended));
        all.into_iter().map(|(_, recent)| recent).collect()
    }

    /// The spans of a trace as intervals of its time, the earliest first.
    pub(crate) fn intervals(&self, id: TraceId) -> Vec<Interval> {
        let mut spans = self.spans(id);
        spans.sort_by_key(|span| (span.start_time, std::cmp::Reverse(span.end_time)));
        let Some(began) = spans.first().map(|span| span.start_time) else { return Vec::new() };
        let milliseconds = |from: SystemTime, to: SystemTime| {
            to.duration_since(from).unwrap_or_default().as_secs_f64() * 1e3
        };
        let interval = |span: SpanData| Interval {
            span_id: span.span_context.span_id().to_string(),
            parent_id: span.parent_span_id.to_string(),
            name: span.name.to_string(),
            start_ms: milliseconds(began, span.start_time),
            duration_ms: milliseconds(span.start_time, span.end_time),
            attributes: attributes(&span),
        };
        spans.into_iter().map(interval).collect()
    }

    /// Every remembered span of a trace.
    pub(crate) fn spans(&self, id: TraceId) -> Vec<SpanData> {
        let found: Vec<_> =
            self.rings.lock().iter().flatten().filter(|t| t.id == id).map(Arc::clone).collect();
        found.iter().flat_map(|t| t.spans.iter().cloned()).collect()
    }
}

fn recent(trace: &Trace, root: &SpanData) -> Recent {
    let began = root.start_time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let began = jiff::Timestamp::from_microsecond(began.as_micros() as i64);
    Recent {
        trace_id: trace.id.to_string(),
        name: root.name.to_string(),
        began: began.map_or_else(|_| String::new(), |t| t.to_string()),
        duration_ms: root
            .end_time
            .duration_since(root.start_time)
            .unwrap_or_default()
            .as_secs_f64()
            * 1e3,
        outcome: trace.outcome.as_str(),
        attributes: attributes(root),
        spans: trace.spans.len(),
    }
}

fn attributes(span: &SpanData) -> serde_json::Map<String, serde_json::Value> {
    span.attributes.iter().map(|kv| (kv.key.to_string(), plain(&kv.value))).collect()
}

fn plain(value: &opentelemetry::Value) -> serde_json::Value {
    match value {
        opentelemetry::Value::Bool(b) => (*b).into(),
        opentelemetry::Value::I64(n) => (*n).into(),
        opentelemetry::Value::F64(x) => (*x).into(),
        other => other.as_str().into_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_needs_attention_outlives_the_rest() {
        let kept = TraceStore::new(None);
        kept.keep(TraceId::from(7u128), Outcome::Failed, false, Vec::new());
        for i in 0..1_000u128 {
            kept.keep(TraceId::from(i + 100), Outcome::Ok, i % 2 == 0, Vec::new());
        }
        let rings = kept.rings.lock();
        let held: [usize; 3] = std::array::from_fn(|i| rings[i].len());
        assert_eq!(held, [1, ORDINARY, DEEP]);
    }
}

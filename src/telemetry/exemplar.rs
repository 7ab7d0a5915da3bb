//! Exemplars: one recent trace for each bucket of a latency histogram.
//!
//! The SDK aggregates histograms without exemplars, so they are kept beside it,
//! under the same attributes and the same bounds, and joined when the text is
//! written. Only traces that are kept are offered: a link that leads nowhere is
//! worse than none.

use std::collections::HashMap;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceId};
use parking_lot::Mutex;

/// A measurement and the trace it was taken in.
#[derive(Clone, Copy, Debug)]
pub struct Exemplar {
    /// The value measured.
    pub value: f64,
    /// The trace.
    pub trace: TraceId,
    /// The span in it.
    pub span: SpanId,
    /// When.
    pub at: SystemTime,
}

/// The exemplars of all latency histograms.
#[derive(Debug)]
pub(crate) struct Exemplars {
    bounds: Vec<f64>,
    series: Mutex<HashMap<String, Vec<Option<Exemplar>>>>,
}

impl Exemplars {
    pub(crate) fn new(bounds: &[f64]) -> Exemplars {
        Exemplars { bounds: bounds.to_vec(), series: Mutex::default() }
    }

    /// Remembers `exemplar` for its bucket, in place of an older one.
    pub(crate) fn offer(&self, metric: &str, attributes: &[KeyValue], exemplar: Exemplar) {
        let bucket = self.bounds.partition_point(|b| *b < exemplar.value);
        let mut series = self.series.lock();
        // The series are bounded as the metric's own are: the SDK folds the excess.
        if series.len() >= 1_024 {
            series.clear();
        }
        let slots = series
            .entry(key(metric, attributes.iter()))
            .or_insert_with(|| vec![None; self.bounds.len() + 1]);
        slots[bucket] = Some(exemplar);
    }

    /// The exemplars of a series, a slot for each bucket.
    pub(crate) fn of<'a>(
        &self,
        metric: &str,
        attributes: impl Iterator<Item = &'a KeyValue>,
    ) -> Option<Vec<Option<Exemplar>>> {
        self.series.lock().get(&key(metric, attributes)).cloned()
    }
}

fn key<'a>(metric: &str, attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let mut pairs: Vec<_> =
        attributes.map(|kv| format!("{}={}", kv.key, kv.value.as_str())).collect();
    pairs.sort_unstable();
    format!("{metric}|{}", pairs.join("|"))
}

//! The series of histograms that are known before anything is measured, so that a page can
//! show them at zero.

use std::collections::HashMap;

use opentelemetry::KeyValue;
use parking_lot::{Mutex, MutexGuard};

use super::catalogue::Metric;

/// Expected series, of every histogram with latency buckets.
#[derive(Debug)]
pub(crate) struct Expected(Mutex<Histograms>);

/// The series by the name of their histogram.
#[derive(Debug, Default)]
pub(crate) struct Histograms {
    edges: Vec<f64>,
    series: HashMap<&'static str, Vec<Vec<KeyValue>>>,
}

impl Expected {
    /// For histograms with these edges.
    pub(crate) fn new(edges: &[f64]) -> Expected {
        Expected(Mutex::new(Histograms { edges: edges.to_vec(), series: HashMap::new() }))
    }

    /// Expects a series, once however often it is said, and no more than the metric may have.
    pub(crate) fn add(&self, metric: &Metric, series: Vec<KeyValue>) {
        let mut all = self.0.lock();
        let known = all.series.entry(metric.name).or_default();
        let is_new = !known.iter().any(|k| identity(k.iter()) == identity(series.iter()));
        if is_new && known.len() < metric.series {
            known.push(series);
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Histograms> {
        self.0.lock()
    }
}

impl Histograms {
    /// The edges of their buckets, without the last, which is infinite.
    pub(crate) fn edges(&self) -> impl Iterator<Item = f64> + '_ {
        self.edges.iter().copied()
    }

    /// The expected series of a histogram.
    pub(crate) fn of(&self, metric: &str) -> &[Vec<KeyValue>] {
        self.series.get(metric).map_or(&[], Vec::as_slice)
    }
}

/// What tells series apart, whatever order their attributes come in.
pub(crate) fn identity<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Vec<String> {
    let mut all: Vec<String> = attributes.map(|kv| format!("{}={}", kv.key, kv.value)).collect();
    all.sort();
    all
}

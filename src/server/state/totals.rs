//! The few totals that `/health` and `/metrics.json` show. Distributions are in
//! the instruments of [`svgx_telemetry`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::state::answer::rounded;
use svgx_base::budget::Class;
use svgx_controller::spec::Spec;
use svgx_telemetry::Usage;

/// Snapshot since the start.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    requests: AtomicU64,
    errors: AtomicU64,
    nanoseconds: AtomicU64,
    in_progress: AtomicU64,
    /// Documents and results found in the cache.
    pub(crate) cache_hits: AtomicU64,
    /// Documents and results that were not.
    pub(crate) cache_misses: AtomicU64,
}

/// Counts a request as running until it is dropped.
#[derive(Debug)]
pub(crate) struct InProgress<'m>(&'m Totals);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Snapshot over every route.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Snapshot {
    /// Requests answered.
    pub(crate) requests: u64,
    /// Requests answered with 5xx.
    pub(crate) errors: u64,
    /// Time spent on them.
    pub(crate) spent: Duration,
}

impl Snapshot {
    /// Mean time of a request in milliseconds; 0 before the first one.
    pub(crate) fn mean_ms(&self) -> f64 {
        let spent_ms = self.spent.as_secs_f64() * 1e3;
        if self.requests == 0 { 0.0 } else { rounded(spent_ms / self.requests as f64, 3) }
    }

    /// Share of requests answered with 5xx, between 0 and 1.
    pub(crate) fn error_rate(&self) -> f64 {
        let share = self.errors as f64 / self.requests as f64;
        if self.requests == 0 { 0.0 } else { rounded(share, 6) }
    }
}

impl Totals {
    /// A request has come in.
    pub(crate) fn begin(&self) -> InProgress<'_> {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        InProgress(self)
    }

    /// A request was answered.
    pub(crate) fn record(&self, status: u16, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        self.errors.fetch_add(u64::from(status >= 500), Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Snapshot over every route.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            spent: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        }
    }

    /// The JSON of the guide.
    pub(crate) fn summary(&self, usage: &Usage, spec: &Spec) -> Summary {
        let totals = self.snapshot();
        let (hits, misses) =
            (self.cache_hits.load(Ordering::Relaxed), self.cache_misses.load(Ordering::Relaxed));
        let asked = hits + misses;
        Summary {
            status: "success",
            success: true,
            total_requests: totals.requests,
            active_requests: self.in_progress.load(Ordering::Relaxed),
            avg_response_time_ms: totals.mean_ms(),
            avg_response_time: totals.mean_ms(),
            error_rate: totals.error_rate(),
            cache_stats: CacheStats {
                hits,
                misses,
                hit_rate: if asked == 0 { 0.0 } else { rounded(hits as f64 / asked as f64, 4) },
            },
            performance_targets: Targets {
                ui_response_time_ms: budget_ms(spec, Class::Ui),
                redraw_time_ms: budget_ms(spec, Class::Redraw),
                physics_time_ms: budget_ms(spec, Class::Physics),
            },
            memory_usage_mb: rounded(usage.memory_bytes as f64 / (1024.0 * 1024.0), 1),
            cpu_usage_percent: rounded(usage.cpu_percent, 1),
        }
    }
}

fn budget_ms(spec: &Spec, class: Class) -> Option<u64> {
    spec.objective(class).and_then(|objective| u64::try_from(objective.budget.as_millis()).ok())
}

/// Metrics as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Summary {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// Requests answered since the start.
    total_requests: u64,
    /// Requests running, this one included.
    active_requests: u64,
    /// Mean time of a request in milliseconds.
    avg_response_time_ms: f64,
    /// The same under its older name.
    avg_response_time: f64,
    /// Share of requests answered with 5xx.
    error_rate: f64,
    /// How the cache of documents and results does.
    cache_stats: CacheStats,
    /// The latency objectives.
    performance_targets: Targets,
    /// Resident memory in MiB.
    memory_usage_mb: f64,
    /// Processor use over the last second, 100 for one full processor.
    cpu_usage_percent: f64,
}

/// How the cache does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheStats {
    /// Answers from the cache.
    hits: u64,
    /// Answers that had to be computed.
    misses: u64,
    /// Share of hits.
    hit_rate: f64,
}

/// The latency objectives, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Targets {
    /// Interaction: 95 of 100 answers within this time.
    ui_response_time_ms: Option<u64>,
    /// Parsing, evaluating and drawing: 95 of 100 answers within this time.
    redraw_time_ms: Option<u64>,
    /// Simulating and solving: 95 of 100 answers within this time.
    physics_time_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_of_the_service_are_errors() {
        let totals = Totals::default();
        for (status, ms) in [(200, 10), (422, 20), (503, 30)] {
            totals.record(status, Duration::from_millis(ms));
        }
        let snapshot = totals.snapshot();
        assert_eq!((snapshot.requests, snapshot.errors), (3, 1));
        assert!((snapshot.mean_ms() - 20.0).abs() < 1e-9);
    }
}

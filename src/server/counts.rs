//! The few totals that `/health` and `/metrics.json` show. Distributions are in
//! the instruments of [`svgx_telemetry`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use svgx_telemetry::Usage;

/// The routes that are counted apart; the last one is everything else.
pub const ROUTES: [&str; 25] = [
    "/health",
    "/metrics",
    "/metrics.json",
    "/parse",
    "/evaluate",
    "/simulate",
    "/interactive",
    "/precision",
    "/state",
    "/compile/svg",
    "/compile/json",
    "/render",
    "/constraints/solve",
    "/openapi.json",
    "/docs",
    "/slo",
    "/slo/decisions",
    "/slo/stream",
    "/slo/controls",
    "/jobs",
    "/jobs/{id}",
    "/jobs/{id}/result",
    "/livez",
    "/readyz",
    "other",
];

/// The number of a route, with or without `/api/v1` in front.
pub fn route(path: &str) -> usize {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let pattern = match path.strip_prefix("/jobs/").map(|id| id.split_once('/')) {
        Some(None) => "/jobs/{id}",
        Some(Some((_, "result"))) => "/jobs/{id}/result",
        _ if path.starts_with("/docs/") => "/docs",
        _ => path,
    };
    ROUTES.iter().position(|r| *r == pattern).unwrap_or(ROUTES.len() - 1)
}

/// The route as a name; `None` for a path that is none.
pub fn route_name(path: &str) -> Option<&'static str> {
    ROUTES.get(route(path)).copied().filter(|name| *name != "other")
}

/// Totals since the start.
#[derive(Debug, Default)]
pub struct Counts {
    requests: AtomicU64,
    errors: AtomicU64,
    nanoseconds: AtomicU64,
    in_progress: AtomicU64,
    /// Documents and results found in the cache.
    pub cache_hits: AtomicU64,
    /// Documents and results that were not.
    pub cache_misses: AtomicU64,
}

/// Counts a request as running until it is dropped.
#[derive(Debug)]
pub struct InProgress<'m>(&'m Counts);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Totals over every route.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Requests answered.
    pub requests: u64,
    /// Requests answered with 5xx.
    pub errors: u64,
    /// Time spent on them.
    pub spent: Duration,
}

impl Totals {
    /// Mean time of a request in milliseconds; 0 before the first one.
    pub fn mean_ms(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.spent.as_secs_f64() * 1e3 / self.requests as f64 }
    }

    /// Share of requests answered with 5xx, between 0 and 1.
    pub fn error_rate(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.errors as f64 / self.requests as f64 }
    }
}

impl Counts {
    /// A request has come in.
    pub fn begin(&self) -> InProgress<'_> {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        InProgress(self)
    }

    /// A request was answered.
    pub fn record(&self, status: u16, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        self.errors.fetch_add(u64::from(status >= 500), Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Totals over every route.
    pub fn totals(&self) -> Totals {
        Totals {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            spent: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        }
    }

    /// The JSON of the guide.
    pub fn json(&self, usage: &Usage) -> Summary {
        let totals = self.totals();
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
                hit_rate: if asked == 0 { 0.0 } else { hits as f64 / asked as f64 },
            },
            performance_targets: Targets {
                ui_response_time_ms: 16,
                redraw_time_ms: 32,
                physics_time_ms: 100,
            },
            memory_usage_mb: usage.memory_bytes as f64 / (1024.0 * 1024.0),
            cpu_usage_percent: usage.cpu_percent,
        }
    }
}

/// Metrics as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct Summary {
    status: &'static str,
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
    cache_stats: CacheStats,
    performance_targets: Targets,
    /// Resident memory in MiB.
    memory_usage_mb: f64,
    /// Processor use over the last second, 100 for one full processor.
    cpu_usage_percent: f64,
}

/// How the cache does.
#[derive(Debug, Serialize, ToSchema)]
pub struct CacheStats {
    hits: u64,
    misses: u64,
    /// Share of hits.
    hit_rate: f64,
}

/// The latency objectives, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Targets {
    ui_response_time_ms: u32,
    redraw_time_ms: u32,
    physics_time_ms: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versioned_path_is_the_same_route_and_an_unknown_one_is_none() {
        for (path, name) in [
            ("/parse", Some("/parse")),
            ("/api/v1/parse", Some("/parse")),
            ("/docs/index.html", Some("/docs")),
            ("/slo/stream", Some("/slo/stream")),
            ("/jobs", Some("/jobs")),
            ("/api/v1/jobs/j7", Some("/jobs/{id}")),
            ("/jobs/j7/result", Some("/jobs/{id}/result")),
            ("/jobs/j7/other", None),
            ("/nowhere", None),
        ] {
            assert_eq!(route_name(path), name, "{path}");
        }
    }

    #[test]
    fn only_failures_of_the_service_are_errors() {
        let counts = Counts::default();
        for (status, ms) in [(200, 10), (422, 20), (503, 30)] {
            counts.record(status, Duration::from_millis(ms));
        }
        let totals = counts.totals();
        assert_eq!((totals.requests, totals.errors), (3, 1));
        assert!((totals.mean_ms() - 20.0).abs() < 1e-9);
    }
}

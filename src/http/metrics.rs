//! Counts and durations of requests, in the Prometheus text format (0.0.4) and
//! as the JSON of the guide.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::process::Usage;

/// Upper bounds of the duration buckets, in seconds. The objectives 16, 32 and
/// 100 ms are bounds, so that "share under 16 ms" is read off exactly.
const BOUNDS: [f64; 14] =
    [0.001, 0.002, 0.004, 0.008, 0.016, 0.024, 0.032, 0.064, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The routes that are counted apart; the last one is everything else.
pub const ROUTES: [&str; 18] = [
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
    "/livez",
    "/readyz",
    "other",
];

/// The number of a route, with or without `/api/v1` in front.
pub fn route(path: &str) -> usize {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    ROUTES.iter().position(|r| *r == path).unwrap_or(if path.starts_with("/docs/") {
        14
    } else {
        ROUTES.len() - 1
    })
}

#[derive(Debug, Default)]
struct Route {
    buckets: [AtomicU64; BOUNDS.len()],
    nanoseconds: AtomicU64,
    /// By the first digit of the status: 2xx to 5xx, and the single ones worth a label.
    statuses: [AtomicU64; STATUSES.len()],
}

/// Statuses with a counter of their own; any other counts as the first of its hundred.
const STATUSES: [u16; 19] =
    [200, 204, 304, 302, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 422, 429, 500, 503, 599];

fn status_index(status: u16) -> usize {
    STATUSES.iter().position(|s| *s == status).unwrap_or(match status {
        0..=299 => 0,
        300..=399 => 3,
        400..=499 => 4,
        _ => 16,
    })
}

/// What the service counts.
#[derive(Debug)]
pub struct Metrics {
    routes: [Route; ROUTES.len()],
    in_progress: AtomicU64,
    /// Documents and results found in the cache.
    pub cache_hits: AtomicU64,
    /// Documents and results that were not.
    pub cache_misses: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            routes: std::array::from_fn(|_| Route::default()),
            in_progress: AtomicU64::new(0),
            cache_hits: AtomicU64::new(0),
            cache_misses: AtomicU64::new(0),
        }
    }
}

/// Counts a request as running until it is dropped.
#[derive(Debug)]
pub struct InProgress<'m>(&'m Metrics);

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

impl Metrics {
    /// A request has come in.
    pub fn begin(&self) -> InProgress<'_> {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        InProgress(self)
    }

    /// A request was answered.
    pub fn record(&self, route: usize, status: u16, took: Duration) {
        let Some(r) = self.routes.get(route) else { return };
        let seconds = took.as_secs_f64();
        if let Some(bucket) = BOUNDS.iter().position(|b| seconds <= *b) {
            r.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        r.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        r.statuses[status_index(status)].fetch_add(1, Ordering::Relaxed);
    }

    /// Totals over every route.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for r in &self.routes {
            for (status, count) in STATUSES.iter().zip(&r.statuses) {
                let count = count.load(Ordering::Relaxed);
                totals.requests += count;
                totals.errors += if *status >= 500 { count } else { 0 };
            }
            totals.spent += Duration::from_nanos(r.nanoseconds.load(Ordering::Relaxed));
        }
        totals
    }

    /// The Prometheus text.
    pub fn text(&self, usage: &Usage) -> String {
        let mut out = String::with_capacity(16 * 1024);
        // Writing into a String cannot fail.
        let _ = self.write(&mut out, usage);
        out
    }

    fn write(&self, out: &mut String, usage: &Usage) -> std::fmt::Result {
        let load = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
        };
        head(out, "http_requests_total", "counter", "Requests answered.")?;
        for (name, r) in ROUTES.iter().zip(&self.routes) {
            for (status, count) in STATUSES.iter().zip(&r.statuses) {
                let count = load(count);
                if count > 0 {
                    writeln!(
                        out,
                        "http_requests_total{{route=\"{name}\",status=\"{status}\"}} {count}"
                    )?;
                }
            }
        }
        let name = "http_request_duration_seconds";
        head(out, name, "histogram", "Time from the first byte read to the response made.")?;
        for (route, r) in ROUTES.iter().zip(&self.routes) {
            let total: u64 = r.statuses.iter().map(load).sum();
            if total == 0 {
                continue;
            }
            let mut below = 0;
            for (bound, count) in BOUNDS.iter().zip(&r.buckets) {
                below += load(count);
                writeln!(out, "{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {below}")?;
            }
            // Counters are read one by one: a request may have come between.
            let total = total.max(below);
            let sum = Duration::from_nanos(load(&r.nanoseconds)).as_secs_f64();
            writeln!(out, "{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {total}")?;
            writeln!(out, "{name}_sum{{route=\"{route}\"}} {sum}")?;
            writeln!(out, "{name}_count{{route=\"{route}\"}} {total}")?;
        }
        let gauges = [
            (
                "http_requests_in_progress",
                "gauge",
                "Requests running.",
                load(&self.in_progress) as f64,
            ),
            (
                "svgx_cache_hits_total",
                "counter",
                "Found in the cache.",
                load(&self.cache_hits) as f64,
            ),
            (
                "svgx_cache_misses_total",
                "counter",
                "Not in the cache.",
                load(&self.cache_misses) as f64,
            ),
            (
                "process_resident_memory_bytes",
                "gauge",
                "Resident memory.",
                usage.memory_bytes as f64,
            ),
            ("process_cpu_seconds_total", "counter", "Processor time used.", usage.cpu_seconds),
            (
                "process_start_time_seconds",
                "gauge",
                "Start, since the epoch.",
                usage.started as f64,
            ),
        ];
        for (name, kind, help, value) in gauges {
            head(out, name, kind, help)?;
            writeln!(out, "{name} {value}")?;
        }
        Ok(())
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
    fn a_request_is_counted_in_its_route_its_status_and_every_bucket_above_it() {
        let metrics = Metrics::default();
        metrics.record(route("/api/v1/parse"), 200, Duration::from_millis(5));
        metrics.record(route("/parse"), 422, Duration::from_millis(20));
        metrics.record(route("/nowhere"), 404, Duration::from_secs(60));
        let text = metrics.text(&Usage::default());
        for line in [
            "http_requests_total{route=\"/parse\",status=\"200\"} 1",
            "http_requests_total{route=\"/parse\",status=\"422\"} 1",
            "http_requests_total{route=\"other\",status=\"404\"} 1",
            "http_request_duration_seconds_bucket{route=\"/parse\",le=\"0.004\"} 0",
            "http_request_duration_seconds_bucket{route=\"/parse\",le=\"0.008\"} 1",
            "http_request_duration_seconds_bucket{route=\"/parse\",le=\"0.024\"} 2",
            "http_request_duration_seconds_bucket{route=\"other\",le=\"10\"} 0",
            "http_request_duration_seconds_bucket{route=\"other\",le=\"+Inf\"} 1",
            "http_request_duration_seconds_count{route=\"/parse\"} 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert_eq!(metrics.totals().requests, 3);
        assert_eq!(metrics.totals().errors, 0);
    }
}

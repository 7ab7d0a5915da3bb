//! What is only read when somebody looks: the sizes of what the service holds,
//! and the state of the controller.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use opentelemetry::KeyValue;

use svgx_base::budget::{Class, Tier};
use svgx_controller::Reason;
use svgx_controller::core::Status;
use svgx_jobs::Stats;
use svgx_session::{ResetReason, StoreHealth};
use svgx_telemetry::catalogue as c;
use svgx_telemetry::{HandOver, Metrics, Outcome};

use crate::endpoints::{ENDPOINTS, Handler};
use crate::state::app::App;
use crate::state::counts::Counts;
use crate::state::queue::JobQueue;

/// Registers the instruments that ask `app` whenever they are read. They stop
/// saying anything when it is gone.
pub(crate) fn register_gauges(app: &Arc<App>) {
    let metrics = Arc::clone(app.telemetry.metrics());
    let number = |metric, read: fn(&App) -> f64| {
        let app = Arc::downgrade(app);
        metrics.watch(metric, move |see| {
            if let Some(app) = app.upgrade() {
                see(read(&app), &[]);
            }
        });
    };
    number(&c::CACHE_SIZE, |app| app.cache.bytes() as f64);
    number(&c::SESSIONS, |app| app.sessions.live() as f64);
    let weak = Arc::downgrade(app);
    metrics.watch(&c::STORE_AVAILABLE, move |see| {
        let Some(app) = weak.upgrade() else { return };
        let store = app.sessions.store();
        let kind = if store.is_shared() { "shared" } else { "own" };
        let works = store.health() == StoreHealth::Working;
        see(f64::from(u8::from(works)), &[KeyValue::new("svgx.store.kind", kind)]);
    });
    number(&c::STORE_WEAK, |app| f64::from(u8::from(app.sessions.store().weakness().is_some())));
    number(&c::SESSIONS_TAKEN, |app| app.sessions.store().takings() as f64);
    let weak = Arc::downgrade(app);
    metrics.watch(&c::FORWARDS, move |see| {
        let Some(app) = weak.upgrade() else { return };
        for (outcome, count) in app.replicas.forwarded.all() {
            see(count as f64, &[KeyValue::new("svgx.forward.outcome", outcome)]);
        }
    });
    jobs(&metrics, &Arc::downgrade(app));
    controller(&metrics, &Arc::downgrade(app));
    expect(&metrics, app.config.tls_cert.is_some());
}

/// Of the queue, which all processes that share it say alike, and of what was done here.
/// All are 0 where there is no queue.
fn jobs(metrics: &Metrics, app: &Weak<App>) {
    let number = |metric, read: fn(&JobQueue) -> f64| {
        let app = Weak::clone(app);
        metrics.watch(metric, move |see| {
            if let Some(app) = app.upgrade() {
                see(app.queue.as_ref().map_or(0.0, |queue| read(queue)), &[]);
            }
        });
    };
    number(&c::JOBS_BACKLOG, |queue| queue.stats().backlog().as_secs_f64());
    number(&c::JOBS_OLDEST, |queue| queue.stats().oldest.as_secs_f64());
    number(&c::JOBS_DEAD, |queue| queue.stats().dead as f64);
    number(&c::JOBS_DIVERGENT, |queue| queue.divergent.load(Relaxed) as f64);
    number(&c::JOBS_ATTEMPTS, |queue| queue.attempts.load(Relaxed) as f64);
    number(&c::JOBS_TAKEN_OVER, |queue| queue.taken_over.load(Relaxed) as f64);
    let parts = |metric, label: &'static str, read: fn(&Stats) -> [(&'static str, u64); 2]| {
        let app = Weak::clone(app);
        metrics.watch(metric, move |see| {
            let Some(app) = app.upgrade() else { return };
            let stats = app.queue.as_ref().map(|queue| queue.stats()).unwrap_or_default();
            for (part, count) in read(&stats) {
                see(count as f64, &[KeyValue::new(label, part)]);
            }
        });
    };
    parts(&c::JOBS_LIVE, "svgx.job.state", |stats| {
        [("waiting", stats.waiting), ("running", stats.running)]
    });
    parts(&c::JOBS_WORKERS, "svgx.worker.kind", |stats| {
        let helping = stats.workers.saturating_sub(stats.dedicated);
        [("dedicated", stats.dedicated), ("helping", helping)]
    });
    let app = Weak::clone(app);
    metrics.watch(&c::JOBS_TRIES, move |see| {
        let Some(app) = app.upgrade() else { return };
        let none = Counts::default();
        let tries = app.queue.as_ref().map_or(&none, |queue| &queue.tries);
        for (end, count) in tries.all() {
            see(count as f64, &[KeyValue::new("svgx.try.end", end)]);
        }
    });
}

/// Statuses of failure that any endpoint may answer with, and of success.
const STATUSES: [u16; 3] = [200, 500, 503];

/// Has every series whose labels are known exist at zero, so that the first burst is seen.
fn expect(metrics: &Metrics, secure: bool) {
    let scheme = if secure { "https" } else { "http" };
    for endpoint in ENDPOINTS {
        let method = endpoint.method.name();
        for status in STATUSES {
            metrics.expect_request(method, scheme, Some(endpoint.path), status);
        }
        let Handler::Pool(operation) = endpoint.handler else { continue };
        metrics.expect_operation(operation.class.as_str(), operation.name);
    }
    for transport in ["websocket", "events"] {
        metrics.streams(transport, 0);
    }
    for reason in ResetReason::ALL {
        metrics.stream_reset(reason.as_str(), 0);
    }
    for reason in HandOver::ALL {
        metrics.handed_over(reason, 0);
    }
    metrics.frames_dropped(0);
    for class in Class::ALL.map(Class::as_str) {
        for reason in Reason::ALL.iter().filter(|r| r.is_refusal()) {
            metrics.expect_outcome(class, Outcome::Shed, reason.as_str());
        }
        for (outcome, reason) in [
            (Outcome::Ok, Reason::Completed),
            (Outcome::OverBudget, Reason::Late),
            (Outcome::Degraded, Reason::Brownout),
            (Outcome::Shed, Reason::Doomed),
            (Outcome::Failed, Reason::Panicked),
        ] {
            metrics.expect_outcome(class, outcome, reason.as_str());
        }
        for tier in Tier::ALL {
            metrics.expect_delivery(class, tier.as_str());
        }
    }
}

type See<'s> = &'s mut dyn FnMut(f64, &[KeyValue]);

fn controller(metrics: &Metrics, app: &Weak<App>) {
    let watch = |metric, read: fn(&Status, See<'_>)| {
        let app = Weak::clone(app);
        metrics.watch(metric, move |see| {
            if let Some(app) = app.upgrade() {
                read(&app.pool.status(), see);
            }
        });
    };
    watch(&c::BURN_RATE, |status, see| {
        for class in &status.classes {
            for window in &class.windows {
                let labels = [
                    KeyValue::new("svgx.budget.class", class.class),
                    KeyValue::new("svgx.slo.window", window.window),
                ];
                see(window.burn_rate, &labels);
            }
        }
    });
    watch(&c::DECISIONS, |status, see| {
        for (reason, n) in &status.reasons {
            see(*n as f64, &[KeyValue::new("svgx.slo.reason", reason.as_str())]);
        }
    });
    watch(&c::LADDER, |status, see| {
        if let Ok(tier) = status.tier.parse::<Tier>() {
            see(tier.millimetres(), &[]);
        }
    });
    watch(&c::TIER_MOVES, |status, see| see(status.tier_moves as f64, &[]));
    watch(&c::CAPACITY, |status, see| see(status.capacity, &[]));
    watch(&c::LANE_JOBS, |status, see| {
        for lane in &status.lanes {
            for (state, jobs) in [("waiting", lane.waiting), ("running", lane.running)] {
                let labels = [
                    KeyValue::new("svgx.lane.name", lane.lane),
                    KeyValue::new("svgx.lane.state", state),
                ];
                see(f64::from(jobs), &labels);
            }
        }
    });
    watch(&c::LANE_BACKLOG, |status, see| {
        for lane in &status.lanes {
            see(lane.backlog_ms / 1e3, &[KeyValue::new("svgx.lane.name", lane.lane)]);
        }
    });
}

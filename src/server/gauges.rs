//! What is only read when somebody looks: the sizes of what the service holds,
//! and the state of the controller.

use std::sync::{Arc, Weak};

use opentelemetry::KeyValue;

use svgx_base::budget::Tier;
use svgx_controller::core::Status;
use svgx_session::StoreHealth;
use svgx_telemetry::Metrics;
use svgx_telemetry::catalogue as c;

use crate::state::app::App;

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
    number(&c::STORE_AVAILABLE, |app| {
        f64::from(u8::from(app.sessions.store().health() == StoreHealth::Working))
    });
    controller(&metrics, &Arc::downgrade(app));
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

//! The stages of a request that the edge itself goes through, as its trace tells them.

use std::time::Duration;

use svgx_base::budget::Time;
use svgx_controller::core::Decision;
use svgx_telemetry::stage::{Fact, Facts, Stage, Step};

/// The decision to do the work or not, with the numbers it was made from.
pub(crate) fn admit(began: Time, ended: Time, decision: &Decision) -> Stage {
    let time = |ns: u64| Fact::from(Duration::from_nanos(ns));
    let facts = Facts::from_slice(&[
        ("svgx.slo.reason", decision.reason.as_str().into()),
        ("svgx.tier", decision.tier.as_str().into()),
        ("svgx.cost.predicted", time(decision.cost)),
        ("svgx.queue.ahead", time(decision.ahead)),
        ("svgx.queue.waiting", decision.waiting.into()),
        ("svgx.time.limit", time(decision.limit)),
    ]);
    Stage { step: Step::Admit, began, ended, facts }
}

/// The body, read and decoded as far as its transfer goes.
pub(crate) fn read(began: Time, ended: Time, bytes: usize) -> Stage {
    let facts = Facts::from_slice(&[("http.request.body.size", bytes.into())]);
    Stage { step: Step::Read, began, ended, facts }
}

/// The wait for a thread of the pool.
pub(crate) fn queue(admitted: Time, started: Time) -> Stage {
    Stage { step: Step::Queue, began: admitted, ended: started, facts: Facts::new() }
}

/// Everything done on that thread; what it cost is added when it is known.
pub(crate) fn work(began: Time, ended: Time) -> Stage {
    Stage { step: Step::Work, began, ended, facts: Facts::new() }
}

/// The wait until an edit is durable.
pub(crate) fn store(began: Time, ended: Time) -> Stage {
    Stage { step: Step::Store, began, ended, facts: Facts::new() }
}

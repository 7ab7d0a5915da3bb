//! How long a request waits for the thread that speaks HTTP: in its socket until it is read, and
//! with its answer until that is written. The pool does not see this time, the client does.
//!
//! A thread that has work goes through everything that is ready, asks the system for what became
//! ready meanwhile, and begins again. One such round is what a request waits on its way in, and
//! again on its way out; a task that steps back once measures it, at most one at a time.

use std::cell::Cell;
use std::sync::Arc;

use svgx_base::budget::{Clock, Time};

/// The least nanoseconds between two measurements.
const EVERY: u64 = 1_000_000;

thread_local! {
    static ROUND: Round = const { Round::new() };
}

/// The rounds of this thread.
struct Round {
    /// Nanoseconds of a round; longer at once, shorter by and by.
    took: Cell<u64>,
    began: Cell<Time>,
    measuring: Cell<bool>,
}

impl Round {
    const fn new() -> Round {
        Round { took: Cell::new(0), began: Cell::new(Time(0)), measuring: Cell::new(false) }
    }

    /// What the one that is measured took so far.
    fn so_far(&self, now: Time) -> u64 {
        u64::try_from(now.since(self.began.get()).as_nanos()).unwrap_or(u64::MAX)
    }

    fn end(&self, now: Time) {
        let took = self.so_far(now);
        let before = self.took.get();
        self.took.set(if took > before { took } else { before - (before - took) / 4 });
        self.measuring.set(false);
    }
}

/// Nanoseconds that a request handled now spends outside of the pool. To be called on a thread
/// that speaks HTTP.
pub(crate) fn event_loop_lag(clock: &Arc<dyn Clock>) -> u64 {
    let now = clock.now();
    ROUND.with(|round| {
        let so_far = round.so_far(now);
        if round.measuring.get() {
            return so_far.max(round.took.get());
        }
        if so_far >= EVERY {
            round.measuring.set(true);
            round.began.set(now);
            let clock = Arc::clone(clock);
            actix_web::rt::spawn(async move {
                tokio::task::yield_now().await;
                ROUND.with(|round| round.end(clock.now()));
            });
        }
        round.took.get()
    })
}

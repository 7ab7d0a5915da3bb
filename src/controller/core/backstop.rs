//! The last resort: interactive work that waits past its own deadline proves that prediction
//! failed, so that nothing predicted may decide how much more is let in.

use svgx_base::budget::Class;

// The law and its constants are Breakwater's (Cho et al., OSDI 2020, section 4.2), not policy:
// they decide how a controller that is wrong recovers, and no objective depends on them.
/// The share falls by so much for each deadline waited beyond the first.
const DECREASE: f64 = 0.1;
/// But never by more than half at a time: one stuck worker must not close the service.
const MOST_DECREASE: f64 = 0.5;
/// And not below this: without anything let in, nothing would tell that all is well again.
const LEAST: f64 = 0.02;
/// What comes back with each tick without such a wait: all of it within half a second.
const INCREASE: f64 = 0.02;

/// The share of requests that is let in whatever was predicted.
#[derive(Clone, Debug)]
pub(super) struct Backstop {
    share: f64,
    /// Parts of requests saved up; at 1 one passes.
    credit: f64,
    /// Ticks at which it lowered the share.
    fired: u64,
}

impl Backstop {
    pub(super) fn new() -> Backstop {
        Backstop { share: 1.0, credit: 0.0, fired: 0 }
    }

    /// To be called at every tick: `waited` is the longest wait of urgent work, in multiples of
    /// what it was allowed.
    pub(super) fn tick(&mut self, waited: f64) {
        if waited > 1.0 {
            let factor = (1.0 - DECREASE * (waited - 1.0)).max(MOST_DECREASE);
            self.share = (self.share * factor).max(LEAST);
            self.fired += 1;
        } else if self.share < 1.0 {
            self.share = (self.share + INCREASE).min(1.0);
        }
    }

    /// Whether a request of this class is turned away.
    pub(super) fn rejects(&mut self, class: Class) -> bool {
        if self.share >= 1.0 {
            return false;
        }
        // Less urgent classes first: ui keeps the square root of the share.
        self.credit += if class == Class::Ui { self.share.sqrt() } else { self.share };
        let passes = self.credit >= 1.0;
        if passes {
            self.credit -= 1.0;
        }
        !passes
    }

    /// Share of requests let in.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// Whether it acts.
    pub(super) fn is_active(&self) -> bool {
        self.share < 1.0
    }

    /// Ticks at which it lowered the share.
    pub(super) fn fired(&self) -> u64 {
        self.fired
    }
}

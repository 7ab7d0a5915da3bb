//! The ladder: compute, edit, ui. Precision is given up before requests are.
//!
//! Down by feed-forward: the load the arrivals announce, less the error of
//! that number, so that the chance clusters of a quiet hour move nothing. Up
//! slowly: one rung at a time, only when the last five seconds would have fit
//! the better tier, never sooner than the dwell, which doubles after a relapse.

use super::load::Rate;
use super::time::Nanos;
use crate::spec::Policy;
use svgx_base::budget::Tier;

// Standard errors by which a load must exceed its threshold. Not policy but statistics: looked at
// a hundred times a second, a smaller margin is crossed by chance within minutes.
/// Of a decision that is taken at once.
const SURGE_ERRORS: f64 = 3.0;
/// Of one that has waited.
const MIDDLE_ERRORS: f64 = 2.5;
/// Over five seconds.
const SLOW_ERRORS: f64 = 2.0;

/// Load of the pool as it would be with physics at one tier, over three windows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pressure {
    /// The last 0.3 s.
    pub(super) fast: Rate,
    /// The last second.
    pub(super) middle: Rate,
    /// The last five seconds.
    pub(super) slow: Rate,
}

/// A move on the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) from: Tier,
    pub(super) to: Tier,
}

/// Where the ladder stands, and since when.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    tier: Tier,
    moved: Nanos,
    raised: Option<Nanos>,
    over_since: Option<Nanos>,
    dwell: Nanos,
    moves: u64,
}

impl Ladder {
    pub(super) fn new(policy: &Policy) -> Ladder {
        Ladder {
            tier: Tier::Compute,
            moved: Nanos::default(),
            raised: None,
            over_since: None,
            dwell: policy.dwell.into(),
            moves: 0,
        }
    }

    pub(super) fn tier(&self) -> Tier {
        self.tier
    }

    pub(super) fn moves(&self) -> u64 {
        self.moves
    }

    pub(super) fn dwell(&self) -> Nanos {
        self.dwell
    }

    /// Judges the pressure per tier (`[ui, edit, compute]`) and moves.
    pub(super) fn tick(&mut self, now: Nanos, at: &[Pressure; 3], policy: &Policy) -> Option<Move> {
        let quiet = now.since(self.moved) > policy.quiet_after.into();
        if quiet && self.tier == Tier::Compute {
            self.dwell = policy.dwell.into();
        }
        let here = at.get(self.tier as usize).copied().unwrap_or_default();
        let surge = here.fast.at_least(SURGE_ERRORS) > policy.surge_load;
        let over = here.middle.at_least(MIDDLE_ERRORS) > policy.step_down_load
            || here.slow.at_least(SLOW_ERRORS) > policy.step_down_load;
        let since = if over { *self.over_since.get_or_insert(now) } else { now };
        if !over {
            self.over_since = None;
        }
        let confirmed = over && now.since(since) >= policy.step_down_after.into();
        if (surge || confirmed)
            && let Some(next) = self.tier.cheaper()
        {
            let fits = |tier: Tier| {
                at.get(tier as usize).is_some_and(|p| p.fast.mean < policy.step_down_load)
            };
            let to = if surge && !fits(next) { next.cheaper().unwrap_or(next) } else { next };
            if self.raised.is_some_and(|up| now.since(up) < policy.relapse_within.into()) {
                self.dwell = self.dwell.plus(self.dwell).min(policy.dwell_limit.into());
            }
            return Some(self.go(now, to));
        }
        let better = match self.tier {
            Tier::Ui => Tier::Edit,
            Tier::Edit => Tier::Compute,
            Tier::Compute => return None,
        };
        let there = at.get(better as usize).copied().unwrap_or_default();
        let fits = there.slow.mean < policy.step_up_load && there.fast.mean < policy.step_down_load;
        if fits && now.since(self.moved) >= self.dwell {
            self.raised = Some(now);
            return Some(self.go(now, better));
        }
        None
    }

    /// Back to the start, which is no move: the controller is off.
    pub(super) fn rest(&mut self) {
        self.tier = Tier::Compute;
        self.over_since = None;
    }

    fn go(&mut self, now: Nanos, to: Tier) -> Move {
        let from = self.tier;
        self.tier = to;
        self.moved = now;
        self.over_since = None;
        self.moves += 1;
        Move { from, to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;

    fn pressure(load: f64) -> [Pressure; 3] {
        [0.17, 0.40, 1.0].map(|cost| {
            let rate = Rate { mean: load * cost, error: 0.0 };
            Pressure { fast: rate, middle: rate, slow: rate }
        })
    }

    fn run(ladder: &mut Ladder, from: u64, until: u64, load: f64) -> Vec<Tier> {
        let policy = Spec::embedded().expect("valid").policy;
        (from * 100..until * 100)
            .filter_map(|tick| ladder.tick(Nanos(tick * 10_000_000), &pressure(load), &policy))
            .map(|moved| moved.to)
            .collect()
    }

    #[test]
    fn a_surge_goes_down_at_once_and_comes_back_one_rung_at_a_time() {
        let mut ladder = Ladder::new(&Spec::embedded().expect("valid").policy);
        assert_eq!(run(&mut ladder, 10, 11, 4.0), [Tier::Ui]);
        assert_eq!(run(&mut ladder, 11, 30, 0.5), [Tier::Edit, Tier::Compute]);
    }

    #[test]
    fn a_load_between_the_two_thresholds_moves_nothing() {
        let mut ladder = Ladder::new(&Spec::embedded().expect("valid").policy);
        assert_eq!(run(&mut ladder, 10, 60, 0.8), []);
    }

    #[test]
    fn each_relapse_doubles_the_wait_before_the_next_attempt() {
        let mut ladder = Ladder::new(&Spec::embedded().expect("valid").policy);
        let mut attempts = 0;
        for round in 0..10 {
            run(&mut ladder, 10 + round * 10, 15 + round * 10, 1.0);
            attempts += run(&mut ladder, 15 + round * 10, 20 + round * 10, 0.3).len();
        }
        assert!((1..=4).contains(&attempts), "{attempts} attempts in ten rounds");
    }
}

//! One session keeps one tier for a while: a drawing whose precision alternates from answer to
//! answer looks broken.

use svgx_base::budget::Tier;
use svgx_base::random::GOLDEN;

use super::ids::SessionId;
use super::time::Nanos;

/// Sessions whose tier is remembered. Two that share a slot forget each other's: memory is
/// bounded, and a session that was forgotten is only offered its full tier early.
const SLOTS: usize = 1024;

/// A session and the tier it is held at.
#[derive(Clone, Copy, Debug)]
struct SessionTier {
    session: SessionId,
    tier: Tier,
    until: Nanos,
}

/// The sessions that were given a cheaper tier lately.
#[derive(Clone, Debug)]
pub(super) struct SessionTiers {
    seed: u64,
    slots: Box<[SessionTier]>,
    degraded: u64,
}

impl SessionTiers {
    pub(super) fn new(seed: u64) -> SessionTiers {
        let none =
            SessionTier { session: SessionId::NONE, tier: Tier::Compute, until: Nanos::default() };
        SessionTiers { seed, slots: vec![none; SLOTS].into(), degraded: 0 }
    }

    fn slot(&self, session: SessionId) -> usize {
        let mixed = (session.0 ^ self.seed).wrapping_mul(GOLDEN) >> 32;
        usize::try_from(mixed).unwrap_or(0) % SLOTS
    }

    /// The tier a session is held at.
    pub(super) fn tier(&self, now: Nanos, session: SessionId) -> Option<Tier> {
        let held = self.slots.get(self.slot(session))?;
        let known = session != SessionId::NONE && held.session == session && now < held.until;
        known.then_some(held.tier)
    }

    /// A session was given a tier, to be held until then; by itself or with everybody else.
    pub(super) fn hold(
        &mut self,
        now: Nanos,
        session: SessionId,
        tier: Tier,
        until: Nanos,
        alone: bool,
    ) {
        if session == SessionId::NONE {
            return;
        }
        let held = self.tier(now, session);
        if alone && held.is_none() {
            self.degraded += 1;
        }
        // A tier it was already held at keeps its end: otherwise a busy session
        // would never be offered a better one.
        let slot = self.slot(session);
        if held.is_none_or(|held| tier < held)
            && let Some(entry) = self.slots.get_mut(slot)
        {
            *entry = SessionTier { session, tier, until };
        }
    }

    /// Sessions degraded one by one since the start.
    pub(super) fn degraded(&self) -> u64 {
        self.degraded
    }
}

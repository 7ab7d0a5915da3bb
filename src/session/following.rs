//! Where the edits of a session come from: by the replica that has it, or by another one that passes
//! them on. A session that almost all edit by one other replica is better there.
//!
//! Nothing moves without a majority that chance does not make: of [`EDITS`] edits that a balancer gives
//! to two replicas at random, [`SHARE`] percent come by one of them once in some millions of looks. How
//! soon a session may move again is not decided here: the store knows when it moved last, whichever
//! replica had it then ([`Store::give`](crate::Store::give)).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use svgx_base::budget::Time;

use crate::store::Key;

/// Edits that are looked at, at the least.
const EDITS: usize = 64;
/// Of one session, at the most: of many, the newest tell.
const KEPT: usize = 128;
/// How old they may be.
const WINDOW: Duration = Duration::from_secs(10);
/// How many of a hundred have to come by one other replica.
const SHARE: usize = 80;
/// As many edits an open stream counts for: it will be where it is for longer than they say.
const STREAM: usize = 4;
/// How long a session that could not be handed over is left where it is.
const REST: Duration = Duration::from_secs(5);
/// Sessions that are looked at.
const SESSIONS: usize = 65_536;

/// By which replica an edit came; `None`: the client asked the one that has the session.
pub type By = Option<Arc<str>>;

/// A session that is to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Which.
    pub key: Key,
    /// To which replica.
    pub to: Arc<str>,
    /// How many edits came by that one.
    pub edits: usize,
    /// Of how many.
    pub of: usize,
}

/// What one replica knows of where the edits of its sessions come from.
#[derive(Debug, Default)]
pub struct Following(HashMap<Key, Seen>);

#[derive(Debug, Default)]
struct Seen {
    edits: VecDeque<(Time, By)>,
    /// Open streams, and by which replica.
    streams: Vec<(By, usize)>,
    /// Until when it stays.
    rests: Time,
}

impl Following {
    /// An edit was made.
    pub fn edited(&mut self, key: &Key, by: &By, now: Time) {
        let Some(seen) = self.of(key) else { return };
        if seen.edits.len() >= KEPT {
            seen.edits.pop_front();
        }
        seen.edits.push_back((now, by.clone()));
    }

    /// A stream of the session began.
    pub fn opened(&mut self, key: &Key, by: &By) {
        let Some(seen) = self.of(key) else { return };
        match seen.streams.iter_mut().find(|(known, _)| known == by) {
            Some((_, count)) => *count += 1,
            None => seen.streams.push((by.clone(), 1)),
        }
    }

    /// A stream of the session ended.
    pub fn closed(&mut self, key: &Key, by: &By) {
        let Some(seen) = self.0.get_mut(key) else { return };
        if let Some((_, count)) = seen.streams.iter_mut().find(|(known, _)| known == by) {
            *count = count.saturating_sub(1);
        }
        seen.streams.retain(|(_, count)| *count > 0);
    }

    /// The session is elsewhere now, or nowhere: what was seen of its edits counts no more.
    pub fn left(&mut self, key: &Key) {
        if let Some(seen) = self.0.get_mut(key) {
            seen.edits.clear();
        }
    }

    /// The session could not be handed over: it is left alone for a while.
    pub fn stays(&mut self, key: &Key, now: Time) {
        if let Some(seen) = self.0.get_mut(key) {
            seen.rests = now.after(REST);
        }
    }

    /// What is to be handed over now, and to whom. Forgets what is too old to tell anything.
    pub fn due(&mut self, now: Time) -> Vec<Move> {
        let mut due = Vec::new();
        self.0.retain(|key, seen| {
            while seen.edits.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
                seen.edits.pop_front();
            }
            if now >= seen.rests
                && let Some((to, edits)) = seen.majority()
            {
                due.push(Move { key: key.clone(), to, edits, of: seen.edits.len() });
            }
            !seen.edits.is_empty() || !seen.streams.is_empty() || now < seen.rests
        });
        due.sort_by(|a, b| a.key.cmp(&b.key));
        due
    }

    fn of(&mut self, key: &Key) -> Option<&mut Seen> {
        if !self.0.contains_key(key) {
            if self.0.len() >= SESSIONS {
                return None;
            }
            self.0.insert(key.clone(), Seen::default());
        }
        self.0.get_mut(key)
    }
}

impl Seen {
    /// The other replica that enough of the edits come by: of the edits alone, and with the streams
    /// that are open.
    fn majority(&self) -> Option<(Arc<str>, usize)> {
        let all = self.edits.len();
        if all < EDITS {
            return None;
        }
        let mut counts: Vec<(&Arc<str>, usize)> = Vec::new();
        for by in self.edits.iter().filter_map(|(_, by)| by.as_ref()) {
            match counts.iter_mut().find(|(known, _)| *known == by) {
                Some((_, count)) => *count += 1,
                None => counts.push((by, 1)),
            }
        }
        let (to, edits) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        let streams = |counts: bool, by: &By| {
            if counts || by.as_ref() == Some(to) { STREAM } else { 0 }
        };
        let weigh = |every| {
            self.streams.iter().map(|(by, n)| n.saturating_mul(streams(every, by))).sum::<usize>()
        };
        let enough = |part: usize, of: usize| part * 100 >= of * SHARE;
        let (theirs, every) = (edits + weigh(false), all + weigh(true));
        (enough(edits, all) && enough(theirs, every)).then(|| (Arc::clone(to), edits))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key() -> Key {
        Key::new("tenant", "plan").unwrap()
    }

    fn by(replica: usize) -> By {
        Some(Arc::from(format!("r{replica}")))
    }

    fn at(milliseconds: u64) -> Time {
        Time(milliseconds * 1_000_000)
    }

    /// A look after `edits`, one each hundredth of a second.
    fn after(edits: impl IntoIterator<Item = By>) -> Vec<(Arc<str>, usize, usize)> {
        let mut following = Following::default();
        let mut now = 1_000;
        for by in edits {
            following.edited(&key(), &by, at(now));
            now += 10;
        }
        following.due(at(now)).into_iter().map(|m| (m.to, m.edits, m.of)).collect()
    }

    #[test]
    fn a_session_follows_a_large_majority_of_enough_edits() {
        let many = |n: usize, local: usize| {
            std::iter::repeat_n(by(1), n).chain(std::iter::repeat_n(None, local))
        };
        assert_eq!(after(many(63, 0)), []);
        assert_eq!(after(many(64, 0)), [(Arc::from("r1"), 64, 64)]);
        assert_eq!(after(many(80, 20)), [(Arc::from("r1"), 80, 100)]);
        assert_eq!(after(many(79, 21)), []);
        assert_eq!(after(many(0, 200)), []);
        // The newest tell.
        assert_eq!(after(many(0, 500).chain(many(128, 0))), [(Arc::from("r1"), 128, 128)]);
    }

    #[test]
    fn what_is_too_old_does_not_count_and_is_forgotten() {
        let mut following = Following::default();
        for n in 0..EDITS as u64 {
            // So slowly that there are never enough at once.
            following.edited(&key(), &by(1), at(n * 1_000));
            assert_eq!(following.due(at(n * 1_000)), []);
        }
        assert_eq!(following.due(at(1_000_000)), []);
        assert!(following.0.is_empty());
    }

    #[test]
    fn streams_that_are_open_elsewhere_hold_a_session_back() {
        let mut following = Following::default();
        for _ in 0..80 {
            following.edited(&key(), &by(1), at(1));
        }
        for _ in 0..6 {
            following.opened(&key(), &None);
        }
        assert_eq!(following.due(at(2)), [], "80 of 104");
        following.closed(&key(), &None);
        assert_eq!(following.due(at(2)).len(), 1, "80 of 100");
        following.opened(&key(), &by(2));
        assert_eq!(following.due(at(2)), []);
        following.opened(&key(), &by(1));
        following.opened(&key(), &by(1));
        following.opened(&key(), &by(1));
        following.opened(&key(), &by(1));
        assert_eq!(following.due(at(2)).len(), 1, "96 of 120");
    }

    #[test]
    fn what_could_not_be_handed_over_is_left_alone_for_a_while() {
        let mut following = Following::default();
        let edit = |following: &mut Following, now| {
            for _ in 0..EDITS {
                following.edited(&key(), &by(1), now);
            }
        };
        edit(&mut following, at(1));
        following.stays(&key(), at(1));
        assert_eq!(following.due(at(2)), []);
        let later = at(1).after(REST);
        edit(&mut following, later);
        assert_eq!(following.due(later).len(), 1);
        following.left(&key());
        assert_eq!(following.due(later), []);
    }

    /// How edits reach the replicas.
    #[derive(Clone, Copy, Debug)]
    enum Balanced {
        /// Each to the next one.
        RoundRobin,
        /// Each to any.
        AtRandom,
        /// All to one, which is another one every so many edits.
        Sticky(u64),
    }

    /// As much of the store as gives a session: once in [`RESTS`], to who lives.
    struct Server {
        owner: usize,
        epoch: u64,
        moved: Option<Time>,
    }

    const RESTS: Duration = Duration::from_secs(30);

    impl Server {
        fn give(&mut self, from: usize, epoch: u64, to: usize, now: Time) -> bool {
            let rests = self.moved.is_some_and(|moved| now.since(moved) < RESTS);
            if self.owner != from || self.epoch != epoch || rests {
                return false;
            }
            (self.owner, self.epoch, self.moved) = (to, self.epoch + 1, Some(now));
            true
        }
    }

    /// Edits of one session for some minutes: how often it moved, and how many edits were done.
    fn play(replicas: usize, balanced: Balanced, every: u64, seed: u64) -> (u64, u64, u64) {
        let mut server = Server { owner: 0, epoch: 1, moved: None };
        let mut all: Vec<Following> = (0..replicas).map(|_| Following::default()).collect();
        // What each believes that it holds the session by: checked by the server with each write.
        let mut held: Vec<Option<u64>> = vec![None; replicas];
        let (mut random, mut moves, mut done) = (seed | 1, 0, 0);
        let edits = 180_000 / every;
        for n in 0..edits {
            let now = at(n * every);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let entry = match balanced {
                Balanced::RoundRobin => n as usize % replicas,
                Balanced::AtRandom => (random >> 33) as usize % replicas,
                Balanced::Sticky(times) => (n / times) as usize % replicas,
            };
            let owner = server.owner;
            held[owner] = Some(server.epoch);
            let writers = held.iter().filter(|held| **held == Some(server.epoch)).count();
            assert_eq!(writers, 1, "two could write");
            done += 1;
            let by = if entry == owner { None } else { by(entry) };
            all[owner].edited(&key(), &by, now);
            for moving in all[owner].due(now) {
                let to = moving.to[1..].parse().unwrap();
                let epoch = held[owner].unwrap();
                if server.give(owner, epoch, to, now) {
                    moves += 1;
                    all[owner].left(&key());
                } else {
                    all[owner].stays(&key(), now);
                }
            }
        }
        (moves, done, edits)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_session_never_flaps_and_no_edit_is_lost(
            replicas in 2_usize..5,
            every in 7_u64..400,
            times in 1_u64..3_000,
            seed: u64,
        ) {
            for balanced in [Balanced::RoundRobin, Balanced::AtRandom, Balanced::Sticky(times)] {
                let (moves, done, edits) = play(replicas, balanced, every, seed);
                prop_assert_eq!(done, edits);
                match balanced {
                    Balanced::Sticky(_) => {
                        let most = 180 / RESTS.as_secs() + 1;
                        prop_assert!(moves <= most, "{} moves", moves);
                    }
                    _ => prop_assert_eq!(moves, 0),
                }
            }
        }
    }

    #[test]
    fn who_edits_by_one_other_replica_is_followed_at_once_and_for_good() {
        // Thirty times a second by the second of two replicas.
        let (mut following, mut now) = (Following::default(), at(1_000));
        let mut waited = Duration::ZERO;
        while following.due(now).is_empty() {
            following.edited(&key(), &by(1), now);
            now = now.after(Duration::from_millis(33));
            waited += Duration::from_millis(33);
        }
        assert!(waited < 3 * SECOND, "{waited:?}");
        assert_eq!(play(2, Balanced::Sticky(u64::MAX), 33, 1).0, 0, "it is there already");
    }
}

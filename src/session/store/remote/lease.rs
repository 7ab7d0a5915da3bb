//! Whose a session is. Every replica says now and then that it lives; a session belongs to the one
//! that took it last, for as long as that one lives.
//!
//! A lease protects nothing: every write carries the epoch that its session was taken by, and the
//! server refuses an older one (M. Kleppmann, *How to do distributed locking*, 2016). What the lease
//! gives is that what a replica has in memory is the newest there is while it lasts.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use parking_lot::Mutex;
use svgx_base::budget::{Clock as _, Time};
use svgx_redis::{Broken, Link};

use super::keys::{Answer, REPLICA, answer, call, list, part, text};
use super::{RETRY, Shared, gate};
use crate::store::{Given, Key, StoreError, StoreEvent};

/// How long a replica counts as alive after it has said so, by the clock of the server.
pub(super) const LEASE: Duration = Duration::from_secs(5);
/// How often it says so.
const RENEWED: Duration = Duration::from_millis(1_500);
/// What a replica's own clock may be slower by within a lease.
const MARGIN: Duration = Duration::from_millis(500);
/// For how long a session that there is not is held without asking again; half of what the server
/// keeps its lease for.
const UNUSED: Duration = Duration::from_secs(30);
/// How often the settings of the server are looked at.
const LOOKED: Duration = Duration::from_secs(10);

/// A session that this replica took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) epoch: u64,
    /// Until when, for a session that there is not yet.
    until: Option<Time>,
    /// Somebody else has it now.
    is_lost: bool,
}

/// The sessions that this replica took.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: Mutex<HashMap<Key, Held>>,
}

impl Leases {
    /// What is held, whether or not it is still this replica's.
    pub(super) fn get(&self, key: &Key) -> Option<Held> {
        self.held.lock().get(key).copied()
    }

    /// Forgets that a session was held; its owner stays who it is.
    pub(super) fn forget(&self, key: &Key) {
        self.held.lock().remove(key);
    }

    fn lose(&self, key: &Key, epoch: u64) {
        if let Some(held) = self.held.lock().get_mut(key)
            && held.epoch == epoch
        {
            held.is_lost = true;
        }
    }
}

impl Shared {
    /// The epoch that a session is held by, where that is certain without asking.
    pub(super) fn held(&self, key: &Key) -> Option<u64> {
        let now = self.clock.now();
        if now.0 >= self.valid.load(Ordering::Acquire) {
            return None;
        }
        let held = self.leases.get(key)?;
        (!held.is_lost && held.until.is_none_or(|until| now < until)).then_some(held.epoch)
    }

    /// The epoch for a write of a session.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] where somebody else has taken the session since; `None` where it was
    /// never held.
    pub(super) fn epoch(&self, key: &Key) -> Result<Option<u64>, StoreError> {
        match self.leases.get(key) {
            Some(held) if held.is_lost => Err(StoreError::Fenced),
            held => Ok(held.map(|held| held.epoch)),
        }
    }

    /// Whether a session is still held as it was.
    pub(super) fn is_held(&self, key: &Key, epoch: u64) -> bool {
        self.leases.get(key).is_some_and(|held| held.epoch == epoch && !held.is_lost)
    }

    /// Notes that a write was fenced.
    pub(super) fn lost(&self, key: &Key, epoch: u64) {
        self.leases.lose(key, epoch);
    }

    /// Takes a session, or holds on to it. `gone` is a replica that is known to be no more.
    ///
    /// # Errors
    /// [`StoreError::Elsewhere`] where another replica has it, and lives.
    pub(super) fn claim(&self, key: &Key, gone: &str) -> Result<u64, StoreError> {
        let certain = self.clock.now().0 < self.valid.load(Ordering::Acquire);
        let value = self.ask(|script| {
            let mut command = call(script, key, "claim");
            command.arg(&self.options.replica).arg(gone).arg(REPLICA);
            command
        })?;
        let unreadable = || StoreError::Io("an answer that is none".to_owned());
        match answer(&value, key, 0).ok_or_else(unreadable)? {
            Answer::Done(parts) => {
                let epoch = parts.first().and_then(|epoch| epoch.parse().ok());
                let epoch = epoch.ok_or_else(unreadable)?;
                let exists = parts.get(1).is_some_and(|there| there == "1");
                // While this replica does not count as alive, others may take it again at once.
                let wait = if certain { UNUSED } else { Duration::ZERO };
                let until = (!exists || !certain).then(|| self.clock.now().after(wait));
                let held = Held { epoch, until, is_lost: false };
                self.leases.held.lock().insert(key.clone(), held);
                if parts.get(2).is_some_and(|taken| taken == "1") {
                    self.takings.fetch_add(1, Ordering::Relaxed);
                }
                Ok(epoch)
            }
            Answer::Refused(error) => {
                if let Some(held) = self.leases.get(key) {
                    self.leases.lose(key, held.epoch);
                }
                Err(error)
            }
        }
    }

    /// Gives a session to whoever wants it.
    pub(super) fn release(&self, key: &Key) -> Result<(), StoreError> {
        let Some(held) = self.leases.get(key) else { return Ok(()) };
        self.leases.forget(key);
        self.ask(|script| {
            let mut command = call(script, key, "release");
            command.arg(held.epoch);
            command
        })?;
        Ok(())
    }

    /// Gives a session that is held to a replica.
    ///
    /// # Errors
    /// [`StoreError`]; whoever has it is found out by the next one who asks.
    pub(super) fn give(&self, key: &Key, to: &str, rest: Duration) -> Result<Given, StoreError> {
        let Some(held) = self.leases.get(key).filter(|held| !held.is_lost) else {
            return Ok(Given::NotHeld);
        };
        let asked = self.ask(|script| {
            let mut command = call(script, key, "give");
            let rest = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
            command.arg(held.epoch).arg(to).arg(REPLICA).arg(rest);
            command
        });
        let unreadable = || StoreError::Io("an answer that is none".to_owned());
        let answered = asked.and_then(|value| answer(&value, key, 0).ok_or_else(unreadable));
        let given = match answered {
            Ok(Answer::Done(parts)) => match parts.first().map(String::as_str) {
                Some("given") => Given::Done,
                Some("soon") => Given::TooSoon,
                _ => Given::Gone,
            },
            Ok(Answer::Refused(StoreError::Fenced)) => Given::NotHeld,
            Ok(Answer::Refused(error)) | Err(error) => {
                // It may have happened: what is here is good only once the server says so.
                self.leases.lose(key, held.epoch);
                return Err(error);
            }
        };
        match given {
            Given::Done => self.leases.forget(key),
            Given::NotHeld => self.leases.lose(key, held.epoch),
            Given::TooSoon | Given::Gone => {}
        }
        Ok(given)
    }

    /// Where a replica is reached; `None` when it does not live.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn reached_at(&self, replica: &str) -> Result<Option<String>, StoreError> {
        let found = self.ask(|_| {
            let mut command = redis::cmd("GET");
            command.arg(format!("{REPLICA}{replica}"));
            command
        })?;
        Ok(text(&found))
    }

    /// Says that this replica lives, and looks whether what it holds is still its own.
    pub(super) fn renew(&self, link: &mut Link) -> Result<(), Broken> {
        if self.leaving.load(Ordering::Acquire) {
            return Ok(());
        }
        let sent = self.clock.now();
        link.ask(|_| {
            let mut command = redis::cmd("SET");
            command.arg(format!("{REPLICA}{}", self.options.replica)).arg(&*self.address.lock());
            command.arg("PX").arg(u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX));
            command
        })?;
        // From here on nobody takes what lives; what was taken until now is seen below.
        let held: Vec<(Key, Held)> = {
            let held = self.leases.held.lock();
            held.iter().map(|(key, held)| (key.clone(), *held)).collect()
        };
        let values = link.send_again(|_| {
            let mut commands = redis::pipe();
            for (key, _) in &held {
                commands.cmd("HMGET").arg(part(key, "lease")).arg("owner").arg("epoch");
            }
            commands
        })?;
        for ((key, held), value) in held.iter().zip(&values) {
            let mut fields = list(value).iter().map(text);
            let owner = fields.next().flatten();
            let epoch = fields.next().flatten().and_then(|epoch| epoch.parse::<u64>().ok());
            if owner.as_deref() != Some(&self.options.replica) || epoch != Some(held.epoch) {
                self.leases.lose(key, held.epoch);
            }
        }
        // Counted from before it was sent: the server's five seconds began later.
        let valid = sent.after(LEASE - MARGIN);
        self.valid.store(valid.0, Ordering::Release);
        Ok(())
    }

    /// Lets every other replica have what this one holds: it does not count as alive any more. It
    /// may go on, and asks then for each session first.
    pub(super) fn leave(&self) -> usize {
        // Held so that a renewal on its way does not come after.
        let mut link = self.beat.lock();
        self.leaving.store(true, Ordering::Release);
        self.valid.store(0, Ordering::Release);
        let left = link.ask(|_| {
            let mut command = redis::cmd("UNLINK");
            command.arg(format!("{REPLICA}{}", self.options.replica));
            command
        });
        // If it fails, the others wait for the end of the lease.
        drop(left);
        self.leases.held.lock().values().filter(|held| !held.is_lost).count()
    }

    /// The life of the thread that says that this replica lives, until `stop` ends.
    pub(super) fn keep(&self, stop: &Receiver<()>) {
        let mut looked = self.clock.now();
        loop {
            let wait = if self.failure.lock().is_some() { RETRY } else { RENEWED };
            match stop.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
            let mut link = self.beat.lock();
            match self.renew(&mut link) {
                Ok(()) => self.recovered(),
                Err(Broken(reason)) => {
                    self.fail(reason);
                    continue;
                }
            }
            let now = self.clock.now();
            if now.since(looked) >= LOOKED {
                looked = now;
                self.look(&mut link);
            }
        }
    }

    /// Looks whether the server still keeps what it acknowledges, and says so where that changes.
    fn look(&self, link: &mut Link) {
        let Ok(weak) = gate::weaknesses(link, self.options.trust) else { return };
        let weak = (!weak.is_empty()).then(|| weak.join("; "));
        let before = std::mem::replace(&mut *self.weak.lock(), weak.clone());
        if before != weak {
            (self.watcher)(&StoreEvent::Weak { reason: weak });
        }
    }
}

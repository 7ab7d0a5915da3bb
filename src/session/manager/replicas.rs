//! Sessions of a store that several processes share: each is held by one of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{OpenSession, Sessions, Slot};
use crate::error::Error;
use crate::store::{Given, Key, StoreError};

/// Why a stream ends whose session another process has.
const MOVED: &str = "the session is at another replica";

impl Sessions {
    /// Makes sure that a session is this process's, where several share the store.
    ///
    /// # Errors
    /// [`StoreError::Elsewhere`] while another one has it, and whatever the store fails with.
    pub fn hold(&self, key: &Key) -> Result<(), Error> {
        let slot = self.slot(key);
        let mut kept = slot.live.lock();
        self.held(key, &slot, &mut kept)?;
        Ok(())
    }

    /// Takes a session from a process `gone` that is known to be no more.
    ///
    /// # Errors
    /// [`StoreError::Elsewhere`] while yet another one has it, and whatever the store fails with.
    pub fn take_from(&self, key: &Key, gone: &str) -> Result<(), Error> {
        let slot = self.slot(key);
        let _alone = slot.live.lock();
        self.store.take_from(key, gone)?;
        Ok(())
    }

    /// Gives a session to the process `to`, where it is this one's and was not given within `rest`.
    /// Its streams end; their clients come again.
    ///
    /// # Errors
    /// Whatever the store fails with.
    pub fn give(&self, key: &Key, to: &str, rest: Duration) -> Result<Given, Error> {
        let slot = self.slot(key);
        // Under the session's lock, so that no write slips in behind.
        let mut kept = slot.live.lock();
        let given = self.store.give(key, to, rest);
        if let Ok(Given::Done | Given::NotHeld) | Err(_) = given {
            *kept = None;
            slot.weight.store(0, Ordering::Relaxed);
            slot.room.lock().close(MOVED);
        }
        Ok(given?)
    }

    /// Ends the streams of a session that this process has lost, as far as is known without asking.
    pub fn let_go_if_lost(&self, key: &Key) {
        let slot = self.shard(key).lock().get(key).map(Arc::clone);
        let Some(slot) = slot else { return };
        // Whoever has it looks for himself.
        let Some(mut kept) = slot.live.try_lock() else { return };
        if kept.as_ref().is_some_and(|open| !self.store.is_held(key, open.epoch)) {
            *kept = None;
            slot.room.lock().close(MOVED);
        }
    }

    /// Holds a session for this process. Where another one has it, what is here of it is let go,
    /// and its streams end.
    pub(super) fn held(
        &self,
        key: &Key,
        slot: &Slot,
        kept: &mut Option<OpenSession>,
    ) -> Result<u64, StoreError> {
        let held = self.store.hold(key);
        if let Err(StoreError::Elsewhere { .. }) = &held {
            *kept = None;
            slot.weight.store(0, Ordering::Relaxed);
            slot.room.lock().close(MOVED);
        }
        held
    }
}

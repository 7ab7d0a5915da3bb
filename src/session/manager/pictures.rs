//! The live pictures of the sessions in memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Sessions, Slot};
use crate::editing::Session;
use crate::error::Error;
use crate::store::Key;
use svgx_base::budget::Budget;
use svgx_tiles::Live;

impl Sessions {
    /// Gives `work` a session and its picture.
    pub(crate) fn picture<T>(
        &self,
        key: &Key,
        budget: &Budget,
        work: impl FnOnce(&mut Session, &mut Live) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = self.with(key, budget, |open| {
            let picture = open.picture.get_or_insert_with(|| self.pictures.begin());
            work(&mut open.session, picture)
        });
        self.evict();
        done
    }

    /// Forgets pictures while too much is kept: those of the sessions least recently used.
    pub(crate) fn trim_pictures(&self) {
        if !self.pictures.are_too_many() {
            return;
        }
        let mut slots: Vec<(u64, Arc<Slot>)> = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let used = |slot: &Slot| slot.used.load(Ordering::Relaxed);
            slots.extend(shard.values().map(|slot| (used(slot), Arc::clone(slot))));
        }
        slots.sort_unstable_by_key(|(used, _)| *used);
        for (_, slot) in slots {
            if !self.pictures.are_too_many() {
                break;
            }
            // Whoever holds it is using it.
            if let Some(mut kept) = slot.live.try_lock()
                && let Some(open) = kept.as_mut()
            {
                open.picture = None;
            }
        }
    }
}

//! After a failed write: the store is closed, and opened again once writing works.
//!
//! redb refuses everything after its first I/O error until the file is opened again, and it is
//! right: after a failed flush nobody knows what of it is on the disk (the kernel takes the
//! pages for clean). So nothing in memory is trusted: what is read comes from the disk again,
//! every page is verified, all that was acknowledged has to be there, and a write of the size
//! that failed has to succeed. Until then every call is refused, with the time of the next try.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use redb::{Database, TableDefinition};

use super::files::existing;
use super::{Shared, StoreError};
use crate::store::quota::Accounts;
use crate::store::{StoreEvent, StoreHealth};
use svgx_base::budget::{Clock as _, Time};

/// Between two tries, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Bytes that have to be writable at least.
const ROOM: u64 = 64 * 1024;
const PROBE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("probe");

/// Why the store takes nothing, and when it tries again.
#[derive(Debug)]
pub(super) struct Failure {
    reason: String,
    since: Time,
    tries: u32,
    wait: Duration,
    next: Time,
    /// Bytes of the write that failed.
    bytes: u64,
}

#[cfg(test)]
impl Failure {
    /// How often the store has tried to go on.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }
}

impl Shared {
    /// Notes that a write of so many bytes, or a read, failed.
    pub(super) fn fail(&self, reason: String, bytes: u64) {
        let now = self.clock.now();
        {
            let mut failure = self.failure.lock();
            if failure.is_some() {
                return;
            }
            *failure = Some(Failure {
                reason: reason.clone(),
                since: now,
                tries: 0,
                wait: FIRST_WAIT,
                next: now.after(FIRST_WAIT),
                bytes,
            });
        }
        (self.watcher)(&StoreEvent::Failed { reason });
    }

    /// How long until the next try; `None` while the store works.
    pub(super) fn until_next_try(&self) -> Option<Duration> {
        let now = self.clock.now();
        self.failure.lock().as_ref().map(|failure| failure.next.since(now))
    }

    /// Why calls are refused.
    pub(super) fn unavailable(&self) -> Option<StoreError> {
        let now = self.clock.now();
        self.failure.lock().as_ref().map(|failure| StoreError::Unavailable {
            reason: failure.reason.clone(),
            retry_after: failure.next.since(now),
        })
    }

    pub(super) fn health(&self) -> StoreHealth {
        let now = self.clock.now();
        self.failure.lock().as_ref().map_or(StoreHealth::Working, |failure| StoreHealth::Failed {
            reason: failure.reason.clone(),
            since: now.since(failure.since),
        })
    }

    /// Tries to go on: whether it can.
    pub(super) fn recover(&self) -> bool {
        let old = self.database.write().take();
        // Closing a database that failed writes nothing.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(old)));
        let bytes = self.failure.lock().as_ref().map_or(0, |failure| failure.bytes);
        match self.reopen(bytes.max(ROOM)) {
            Ok((database, accounts)) => {
                *self.accounts.write() = accounts;
                *self.database.write() = Some(database);
                let failure = self.failure.lock().take();
                if let Some(Failure { since, tries, .. }) = failure {
                    let after = self.clock.now().since(since);
                    (self.watcher)(&StoreEvent::Recovered { after, tries: tries + 1 });
                }
                true
            }
            Err(reason) => {
                let mut changed = false;
                if let Some(failure) = self.failure.lock().as_mut() {
                    failure.tries += 1;
                    failure.wait = (failure.wait * 2).min(LONGEST_WAIT);
                    failure.next = self.clock.now().after(failure.wait);
                    changed = !is_same(&failure.reason, &reason);
                    failure.reason.clone_from(&reason);
                }
                if changed {
                    (self.watcher)(&StoreEvent::Failed { reason });
                }
                false
            }
        }
    }

    fn reopen(&self, bytes: u64) -> Result<(Database, Accounts), String> {
        self.files.forget_cached(&self.path).map_err(|e| e.to_string())?;
        let (database, accounts) =
            existing(&*self.files, &self.path, true).map_err(|e| e.to_string())?;
        let missing = self.accounts.read().missing_in(&accounts);
        if let Some((session, last, seen)) = missing {
            return Err(format!(
                "of session {session:?} {last} operations were acknowledged, and {seen} are left; \
                 restore the store from a backup, or restart to go on with what is left"
            ));
        }
        let probed = catch_unwind(AssertUnwindSafe(|| probe(&database, bytes)));
        match probed {
            Ok(Ok(())) => Ok((database, accounts)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("its structure makes no sense".to_owned()),
        }
    }
}

/// Whether two reasons are the same error of the operating system, or the same text.
fn is_same(one: &str, other: &str) -> bool {
    let code = |text: &str| text.rfind("(os error ").map(|at| text[at..].to_owned());
    one == other || (code(one).is_some() && code(one) == code(other))
}

/// Whether so many bytes can be written.
fn probe(database: &Database, bytes: u64) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    let filler = vec![0_u8; usize::try_from(bytes).unwrap_or(usize::MAX)];
    transaction.open_table(PROBE)?.insert(0, filler.as_slice())?;
    transaction.commit()?;
    let transaction = database.begin_write()?;
    transaction.delete_table(PROBE)?;
    transaction.commit()?;
    Ok(())
}

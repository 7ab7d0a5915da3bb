//! From one store into another: how sessions are backed up while they are edited, and how they
//! come back.

use std::collections::HashMap;

use super::{Key, Store, StoreError, Stored};

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Copied {
    /// Sessions written.
    pub sessions: u64,
    /// Records written, beyond the snapshots.
    pub records: u64,
    /// Sessions that the target has at the same or a later sequence; they stay as they are.
    pub kept: u64,
    /// Acknowledged operations that `from` can no longer read, and the copy lacks.
    pub lost: u64,
}

/// Copies every session of `from` that `to` does not have as new. Each is copied as of one
/// moment, with every operation acknowledged before the call; writes may go on meanwhile.
///
/// # Errors
/// [`StoreError`] of either side; what was copied until then stays copied, and a second call
/// goes on from there.
pub fn copy(from: &dyn Store, to: &dyn Store) -> Result<Copied, StoreError> {
    let there: HashMap<Key, u64> = to.list(None)?.into_iter().map(|l| (l.key, l.last)).collect();
    let mut copied = Copied::default();
    for listing in from.list(None)? {
        let key = listing.key;
        // Deleted since the list was made.
        let Some(stored) = from.load(&key)? else { continue };
        let end = stored.records.last().map_or(stored.snapshot.0, |(sequence, _)| *sequence);
        if let Some(have) = there.get(&key) {
            if *have >= end {
                copied.kept += 1;
                continue;
            }
            // Begun anew below; a sequence may not be begun twice.
            to.delete(&key).wait()?;
        }
        copied.lost += stored.last.saturating_sub(end);
        copied.records += stored.records.len() as u64;
        write(to, &key, stored)?;
        copied.sessions += 1;
    }
    to.flush()?;
    Ok(copied)
}

fn write(to: &dyn Store, key: &Key, stored: Stored) -> Result<(), StoreError> {
    let Stored { text, snapshot: (sequence, snapshot), records, .. } = stored;
    let mut writes = vec![to.begin(key, sequence, &text, snapshot)];
    // Waited for at the end: so they share a few commits instead of having one each.
    writes.extend(records.into_iter().map(|(sequence, record)| to.append(key, sequence, record)));
    writes.into_iter().try_for_each(super::Pending::wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Memory, StoreLimits};

    fn key(name: &str) -> Key {
        Key::new("tenant", name).unwrap()
    }

    fn store() -> Memory {
        Memory::new(StoreLimits::default())
    }

    fn filled(name: &str, records: u64) -> Memory {
        let store = store();
        store.begin(&key(name), 3, "<svg/>", b"three".to_vec()).wait().unwrap();
        for sequence in 4..4 + records {
            store.append(&key(name), sequence, vec![sequence as u8]).wait().unwrap();
        }
        store
    }

    #[test]
    fn a_copy_is_the_same_session_at_the_same_sequence() {
        let (from, to) = (filled("a", 5), store());
        let copied = copy(&from, &to).unwrap();
        assert_eq!(copied, Copied { sessions: 1, records: 5, kept: 0, lost: 0 });
        assert_eq!(to.load(&key("a")).unwrap(), from.load(&key("a")).unwrap());
        // It can be edited on from there.
        to.append(&key("a"), 9, vec![]).wait().unwrap();
    }

    #[test]
    fn of_two_copies_of_a_session_the_later_one_stays() {
        let to = store();
        copy(&filled("a", 2), &to).unwrap();
        assert_eq!(copy(&filled("a", 1), &to).unwrap().kept, 1);
        assert_eq!(copy(&filled("a", 2), &to).unwrap().kept, 1);
        assert_eq!(copy(&filled("a", 4), &to).unwrap().sessions, 1);
        assert_eq!(to.load(&key("a")).unwrap().unwrap().records.len(), 4);
        assert_eq!(copy(&filled("b", 0), &to).unwrap().sessions, 1);
        assert_eq!(to.list(None).unwrap().len(), 2);
    }
}

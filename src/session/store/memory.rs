//! A store that lasts as long as the process: tests, and servers without a data directory.

use std::collections::{BTreeMap, HashMap, VecDeque};

use parking_lot::Mutex;

use super::feed::{self, Change, ChangeKind};
use super::quota::Accounts;
use super::{After, Changes, Key, Listing, Pending, Place, Store, StoreError, StoreLimits, Stored};

/// Keeps sessions in memory, under the same rules as the store on disk.
#[derive(Debug, Default)]
pub struct Memory {
    limits: StoreLimits,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    closed: bool,
    accounts: Accounts,
    sessions: BTreeMap<u64, Kept>,
    /// By tenant.
    feeds: HashMap<String, VecDeque<Change>>,
}

#[derive(Debug, Default)]
struct Kept {
    text: String,
    snapshots: BTreeMap<u64, Vec<u8>>,
    records: BTreeMap<u64, Vec<u8>>,
}

impl Inner {
    fn note(&mut self, key: &Key, sequence: u64, kind: ChangeKind) {
        let (place, gone) = self.accounts.note(key.tenant(), feed::time_of_day());
        let entries = self.feeds.entry(key.tenant().to_owned()).or_default();
        for _ in gone.into_iter().flatten() {
            entries.pop_front();
        }
        entries.push_back(Change { place, session: key.name().to_owned(), sequence, kind });
    }
}

impl Memory {
    /// An empty store.
    pub fn new(limits: StoreLimits) -> Memory {
        Memory { limits, inner: Mutex::default() }
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Inner) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut inner = self.inner.lock();
        if inner.closed { Err(StoreError::Closed) } else { work(&mut inner) }
    }
}

impl Store for Memory {
    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        self.with(|inner| {
            let Some(account) = inner.accounts.account(key) else { return Ok(None) };
            let kept = inner.sessions.get(&account.id).ok_or(StoreError::NoSession)?;
            let (at, snapshot) = kept.snapshots.last_key_value().ok_or(StoreError::NoSession)?;
            let records = kept.records.range(at + 1..).map(|(s, r)| (*s, r.clone())).collect();
            Ok(Some(Stored {
                text: kept.text.clone(),
                snapshot: (*at, snapshot.clone()),
                records,
                last: account.last,
                damage: Vec::new(),
            }))
        })
    }

    fn begin(&self, key: &Key, sequence: u64, text: &str, snapshot: Vec<u8>) -> Pending {
        Pending::ready(self.with(|inner| {
            let (text_bytes, bytes) = (text.len() as u64, snapshot.len() as u64);
            let account = inner.accounts.begin(key, sequence, text_bytes, bytes, &self.limits)?;
            if let Some(old) = inner.accounts.account(key) {
                inner.sessions.remove(&old.id);
            }
            let snapshots = BTreeMap::from([(sequence, snapshot)]);
            let kept = Kept { text: text.to_owned(), snapshots, records: BTreeMap::new() };
            inner.sessions.insert(account.id, kept);
            inner.accounts.enter(key, account);
            inner.note(key, sequence, ChangeKind::Begun);
            Ok(())
        }))
    }

    fn append(&self, key: &Key, sequence: u64, record: Vec<u8>) -> Pending {
        Pending::ready(self.with(|inner| {
            let bytes = record.len() as u64;
            let account = inner.accounts.append(key, sequence, bytes, &self.limits)?;
            if let Some(kept) = inner.sessions.get_mut(&account.id) {
                kept.records.insert(sequence, record);
            }
            inner.accounts.enter(key, account);
            inner.note(key, sequence, ChangeKind::Edited);
            Ok(())
        }))
    }

    fn snapshot(&self, key: &Key, sequence: u64, snapshot: Vec<u8>) -> Pending {
        Pending::ready(self.with(|inner| {
            let bytes = snapshot.len() as u64;
            let (account, gone) = inner.accounts.snapshot(key, sequence, bytes, &self.limits)?;
            if let Some(kept) = inner.sessions.get_mut(&account.id) {
                kept.snapshots.insert(sequence, snapshot);
                if let Some(gone) = gone {
                    kept.snapshots.remove(&gone.snapshot);
                    kept.records.retain(|s, _| !gone.records.contains(s));
                }
            }
            inner.accounts.enter(key, account);
            Ok(())
        }))
    }

    fn delete(&self, key: &Key) -> Pending {
        Pending::ready(self.with(|inner| {
            if let Some(account) = inner.accounts.remove(key) {
                inner.sessions.remove(&account.id);
                inner.note(key, account.last, ChangeKind::Deleted);
            }
            Ok(())
        }))
    }

    fn changes(&self, tenant: &str, after: After, most: usize) -> Result<Changes, StoreError> {
        self.with(|inner| {
            let span = inner.accounts.feed(tenant).unwrap_or_default();
            let kept = inner.feeds.get(tenant);
            let at = |number: u64| {
                let index = usize::try_from(number.checked_sub(span.first)?).ok()?;
                kept?.get(index)
            };
            let after = match after {
                After::Oldest => None,
                After::Now => Some(span.last),
                After::Place(place) => {
                    if !span.follows(place, at(place.number).map(|change| change.place.at)) {
                        return Err(StoreError::ChangesLost { next: span.last });
                    }
                    Some(place)
                }
            };
            let first = after.map_or(span.first, |place| place.number + 1);
            let entries = (first..).map_while(at).take(most + 1).cloned().collect();
            Ok(Changes::new(after.unwrap_or_default(), entries, most))
        })
    }

    fn newest_changes(&self, tenants: &[&str]) -> Result<Vec<Place>, StoreError> {
        self.with(|inner| {
            let newest = |tenant: &&str| inner.accounts.feed(tenant).unwrap_or_default().last;
            Ok(tenants.iter().map(newest).collect())
        })
    }

    fn list(&self, tenant: Option<&str>) -> Result<Vec<Listing>, StoreError> {
        self.with(|inner| Ok(inner.accounts.list(tenant)))
    }

    fn nearest(&self, key: &Key) -> Option<String> {
        self.inner.lock().accounts.nearest(key)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.with(|_| Ok(()))
    }

    fn close(&self) -> Result<(), StoreError> {
        self.inner.lock().closed = true;
        Ok(())
    }
}

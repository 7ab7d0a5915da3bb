//! A store that lasts as long as the process: tests, and servers without a data directory.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::quota::Accounts;
use super::{Key, Listing, Pending, Store, StoreError, StoreLimits, Stored};

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
}

#[derive(Debug, Default)]
struct Kept {
    text: String,
    snapshots: BTreeMap<u64, Vec<u8>>,
    records: BTreeMap<u64, Vec<u8>>,
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
            }
            Ok(())
        }))
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

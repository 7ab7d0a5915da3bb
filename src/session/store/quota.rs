//! What the stores have in common: which sessions there are, how much each occupies, whether a
//! write may be made, and where the feed of each tenant stands.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use svgx_base::nearest::nearest;

use super::feed::{Place, Span};
use super::{Key, Listing, StoreError, StoreLimits};

/// Sessions whose names a hint looks at.
const COMPARED: usize = 10_000;

/// A snapshot and the records between it and the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    /// The sequence of the snapshot.
    pub(super) sequence: u64,
    snapshot_bytes: u64,
    record_bytes: u64,
}

/// What one session occupies, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    /// The session's number in the store; a session that begins anew gets a new one.
    pub(super) id: u64,
    /// The last sequence written.
    pub(super) last: u64,
    text_bytes: u64,
    /// Oldest first; one or two.
    pub(super) segments: Vec<Segment>,
}

impl Account {
    pub(super) fn bytes(&self) -> u64 {
        let segments = self.segments.iter().map(|s| s.snapshot_bytes + s.record_bytes);
        self.text_bytes + segments.sum::<u64>()
    }
}

/// What a snapshot makes superfluous.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Superfluous {
    pub(super) snapshot: u64,
    pub(super) records: RangeInclusive<u64>,
}

/// The accounts of all sessions, added up by tenant and as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    accounts: HashMap<String, (Account, u64)>,
    tenants: HashMap<String, u64>,
    /// They outlive the sessions.
    feeds: HashMap<String, Span>,
    bytes: u64,
    next: u64,
}

impl Accounts {
    pub(super) fn account(&self, key: &Key) -> Option<&Account> {
        self.accounts.get(&key.encode()).map(|(a, _)| a)
    }

    /// Enters an account as it is.
    pub(super) fn enter(&mut self, key: &Key, account: Account) {
        self.next = self.next.max(account.id + 1);
        let bytes = account.bytes();
        self.bytes += bytes;
        match self.accounts.insert(key.encode(), (account, bytes)) {
            Some((_, old)) => self.bytes -= old,
            None => *self.tenants.entry(key.tenant.clone()).or_default() += 1,
        }
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Account> {
        let (account, bytes) = self.accounts.remove(&key.encode())?;
        self.bytes -= bytes;
        if let Some(n) = self.tenants.get_mut(&key.tenant) {
            *n -= 1;
            if *n == 0 {
                self.tenants.remove(&key.tenant);
            }
        }
        Some(account)
    }

    /// Where the feed of a tenant stands.
    pub(super) fn feed(&self, tenant: &str) -> Option<Span> {
        self.feeds.get(tenant).copied()
    }

    /// Enters where the feed of a tenant stands.
    pub(super) fn enter_feed(&mut self, tenant: &str, span: Span) {
        self.feeds.insert(tenant.to_owned(), span);
    }

    /// The place of an entry that comes now in the feed of a tenant, and the numbers of those that go.
    pub(super) fn note(&mut self, tenant: &str, now: u64) -> (Place, Option<RangeInclusive<u64>>) {
        // Looked for first: the name is copied only once.
        let span = match self.feeds.get_mut(tenant) {
            Some(span) => span,
            None => self.feeds.entry(tenant.to_owned()).or_default(),
        };
        (span.enter(now), span.trim())
    }

    /// Takes over what `other` says about some sessions, and about the feeds that they are in.
    pub(super) fn copy(&mut self, keys: &HashSet<Key>, other: &Accounts) {
        for key in keys {
            match other.account(key) {
                Some(account) => self.enter(key, account.clone()),
                None => drop(self.remove(key)),
            }
            match (other.feeds.get(&key.tenant), self.feeds.get_mut(&key.tenant)) {
                (Some(there), Some(here)) => *here = *there,
                (Some(there), None) => self.enter_feed(&key.tenant, *there),
                (None, _) => drop(self.feeds.remove(&key.tenant)),
            }
        }
    }

    /// The first session of which `other` lacks something: its name, the last sequence here,
    /// and the last one there.
    pub(super) fn missing_in(&self, other: &Accounts) -> Option<(String, u64, u64)> {
        self.accounts.iter().find_map(|(key, (account, _))| {
            let there = other.accounts.get(key).map(|(account, _)| account);
            // A session that began anew has another number, and a later sequence.
            let seen = there.map_or(0, |account| account.last);
            (there.is_none() || seen < account.last)
                .then(|| (key.replace('\0', "/"), account.last, seen))
        })
    }

    pub(super) fn list(&self, tenant: Option<&str>) -> Vec<Listing> {
        let mut list: Vec<Listing> = self
            .accounts
            .iter()
            .filter_map(|(key, (account, bytes))| {
                let key = Key::decode(key)?;
                let wanted = tenant.is_none_or(|t| t == key.tenant);
                wanted.then_some(Listing { key, last: account.last, bytes: *bytes })
            })
            .collect();
        list.sort_by(|a, b| a.key.cmp(&b.key));
        list
    }

    /// The name that is nearest to the one of `key` among the first sessions of its tenant.
    pub(super) fn nearest(&self, key: &Key) -> Option<String> {
        let names: Vec<String> = self
            .accounts
            .keys()
            .take(COMPARED)
            .filter_map(|other| Key::decode(other))
            .filter(|other| other.tenant == key.tenant)
            .map(|other| other.name)
            .collect();
        nearest(&key.name, names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The account of a session that begins; a new id, so that nothing of an earlier one is left.
    pub(super) fn begin(
        &self,
        key: &Key,
        sequence: u64,
        text: u64,
        snapshot: u64,
        limits: &StoreLimits,
    ) -> Result<Account, StoreError> {
        let before = self.account(key);
        if let Some(before) = before
            && sequence <= before.last
        {
            return Err(StoreError::OutOfOrder { last: before.last, seen: sequence });
        }
        if before.is_none() {
            within("stored sessions", limits.sessions, self.accounts.len() as u64 + 1)?;
            let own = self.tenants.get(&key.tenant).copied().unwrap_or(0);
            within("stored sessions of one tenant", limits.sessions_per_tenant, own + 1)?;
        }
        let account = Account {
            id: self.next,
            last: sequence,
            text_bytes: text,
            segments: vec![Segment { sequence, snapshot_bytes: snapshot, record_bytes: 0 }],
        };
        self.room(before, &account, limits)?;
        Ok(account)
    }

    pub(super) fn append(
        &self,
        key: &Key,
        sequence: u64,
        bytes: u64,
        limits: &StoreLimits,
    ) -> Result<Account, StoreError> {
        let before = self.account(key).ok_or(StoreError::NoSession)?;
        if sequence != before.last + 1 {
            return Err(StoreError::OutOfOrder { last: before.last, seen: sequence });
        }
        let mut account = before.clone();
        account.last = sequence;
        if let Some(segment) = account.segments.last_mut() {
            segment.record_bytes += bytes;
        }
        self.room(Some(before), &account, limits)?;
        Ok(account)
    }

    pub(super) fn snapshot(
        &self,
        key: &Key,
        sequence: u64,
        bytes: u64,
        limits: &StoreLimits,
    ) -> Result<(Account, Option<Superfluous>), StoreError> {
        let before = self.account(key).ok_or(StoreError::NoSession)?;
        if sequence != before.last {
            return Err(StoreError::OutOfOrder { last: before.last, seen: sequence });
        }
        let mut account = before.clone();
        let new = Segment { sequence, snapshot_bytes: bytes, record_bytes: 0 };
        match account.segments.last_mut() {
            Some(last) if last.sequence == sequence => *last = new,
            _ => account.segments.push(new),
        }
        let gone = (account.segments.len() > 2).then(|| {
            let oldest = account.segments.remove(0).sequence;
            let next = account.segments.first().map_or(sequence, |s| s.sequence);
            Superfluous { snapshot: oldest, records: oldest + 1..=next }
        });
        self.room(Some(before), &account, limits)?;
        Ok((account, gone))
    }

    fn room(
        &self,
        before: Option<&Account>,
        after: &Account,
        limits: &StoreLimits,
    ) -> Result<(), StoreError> {
        let (was, is) = (before.map_or(0, Account::bytes), after.bytes());
        if is <= was {
            return Ok(());
        }
        within("bytes of one stored session", limits.session_bytes, is)?;
        within("bytes of all stored sessions", limits.bytes, self.bytes - was + is)
    }
}

fn within(what: &'static str, limit: u64, seen: u64) -> Result<(), StoreError> {
    if seen <= limit { Ok(()) } else { Err(StoreError::Full { what, limit, seen }) }
}

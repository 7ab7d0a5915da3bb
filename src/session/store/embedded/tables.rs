//! The tables of the file: reading a session, and making a batch of writes in one transaction.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{
    Database, ReadableDatabase as _, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use super::super::checksum::{self, Kind, OVERHEAD};
use super::super::feed::{self, Change, ChangeKind, Span};
use super::super::quota::{Account, Accounts};
use super::super::{After, Changes, Damage, Key, Place, StoreError, StoreLimits, Stored};
use super::{Request, Write};

const FORMAT: u64 = 1;
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(super) const SESSIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sessions");
pub(super) const TEXTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("texts");
pub(super) const SNAPSHOTS: TableDefinition<'_, (u64, u64), &[u8]> =
    TableDefinition::new("snapshots");
pub(super) const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");
/// The feed of each tenant: what one transaction added is a row, by the number of its last entry.
pub(super) const CHANGES: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("changes");

/// Makes the tables of a new file; reads the accounts of an old one.
pub(super) fn prepare(database: &Database) -> Result<Accounts, String> {
    fn inner(database: &Database) -> Result<Result<Accounts, String>, redb::Error> {
        let transaction = database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            let format = meta.get("format")?.map(|v| v.value());
            match format {
                Some(FORMAT) => {}
                Some(other) => {
                    return Ok(Err(format!("its format is {other}; this engine reads {FORMAT}")));
                }
                None => {
                    meta.insert("format", FORMAT)?;
                }
            }
            transaction.open_table(SESSIONS)?;
            transaction.open_table(TEXTS)?;
            transaction.open_table(SNAPSHOTS)?;
            transaction.open_table(RECORDS)?;
            transaction.open_table(CHANGES)?;
        }
        transaction.commit()?;
        let mut accounts = Accounts::default();
        let transaction = database.begin_read()?;
        let sessions = transaction.open_table(SESSIONS)?;
        for entry in sessions.range::<&str>(..)? {
            let (key, account) = entry?;
            let account: Option<Account> = serde_json::from_slice(account.value()).ok();
            match (Key::decode(key.value()), account) {
                (Some(key), Some(account)) => accounts.enter(&key, account),
                _ => return Ok(Err(format!("the entry of session {:?}", key.value()))),
            }
        }
        let changes = transaction.open_table(CHANGES)?;
        let mut before = String::new();
        // From each tenant to the next one, without what is between.
        while let Some(entry) = changes.range((&*before, u64::MAX)..)?.next() {
            let (key, _) = entry?;
            let tenant = key.value().0.to_owned();
            if let Some(span) = span(&changes, &tenant)? {
                accounts.enter_feed(&tenant, span);
            }
            before = tenant;
        }
        Ok(Ok(accounts))
    }
    inner(database).map_err(|e| e.to_string())?
}

/// From the oldest to the newest entry of a feed; `None` where there is none.
fn span(
    changes: &impl ReadableTable<(&'static str, u64), &'static [u8]>,
    tenant: &str,
) -> Result<Option<Span>, redb::Error> {
    let whole = || changes.range((tenant, 0)..=(tenant, u64::MAX));
    let Some(oldest) = whole()?.next() else { return Ok(None) };
    let Some(newest) = whole()?.next_back() else { return Ok(None) };
    let ((oldest, row), (newest, sealed)) = (oldest?, newest?);
    let count = outline(row.value()).map_or(1, |(_, count)| count);
    let at = outline(sealed.value()).map_or(0, |(at, _)| at);
    let last = Place { at, number: newest.value().1 };
    Ok(Some(Span { first: oldest.value().1.saturating_add(1).saturating_sub(count), last }))
}

/// What one transaction added to a feed, as it is stored: the time, and a line for each entry.
fn sealed(at: u64, last: u64, entries: &[Change]) -> Vec<u8> {
    let mut payload = at.to_le_bytes().to_vec();
    for (n, change) in entries.iter().enumerate() {
        // No name of a session has a line break in it.
        payload.extend_from_slice(if n == 0 { b"" } else { b"\n" });
        payload.extend_from_slice(change.encode().as_bytes());
    }
    checksum::seal(Kind::Change, 0, last, &payload)
}

/// When the entries of a row were written, and how many. They are compared and no more, so that the
/// checksum need not be.
fn outline(sealed: &[u8]) -> Option<(u64, u64)> {
    let (at, text) = sealed.get(OVERHEAD..)?.split_first_chunk()?;
    let breaks = text.iter().filter(|byte| **byte == b'\n').count();
    Some((u64::from_le_bytes(*at), breaks as u64 + 1))
}

/// The entries of the row that ends with a number; `None` where it is damaged.
fn opened(last: u64, sealed: &[u8]) -> Option<Vec<Change>> {
    let payload = checksum::open(Kind::Change, 0, last, sealed)?;
    let (at, text) = payload.split_first_chunk()?;
    let at = u64::from_le_bytes(*at);
    let lines: Vec<&str> = std::str::from_utf8(text).ok()?.split('\n').collect();
    let first = last.saturating_add(1).checked_sub(lines.len() as u64)?;
    let entry = |(number, line)| Change::decode(Place { at, number }, line);
    (first..).zip(lines).map(entry).collect()
}

/// Reads a feed as of one moment. A row that is damaged is lost, as one that is not kept.
pub(super) fn changes(
    database: &Database,
    tenant: &str,
    after: After,
    most: usize,
) -> Result<Changes, StoreError> {
    let inner = || -> Result<Result<Changes, StoreError>, redb::Error> {
        let changes = database.begin_read()?.open_table(CHANGES)?;
        let span = span(&changes, tenant)?.unwrap_or_default();
        let lost = StoreError::ChangesLost { next: span.last };
        let after = match after {
            After::Oldest => None,
            After::Now => Some(span.last),
            After::Place(place) => {
                let row = changes.range((tenant, place.number)..=(tenant, u64::MAX))?.next();
                let found = row.transpose()?.and_then(|(key, sealed)| {
                    let (at, count) = outline(sealed.value())?;
                    (key.value().1 - place.number < count).then_some(at)
                });
                if !span.follows(place, found) {
                    return Ok(Err(lost));
                }
                Some(place)
            }
        };
        let mut next = after.map_or(span.first, |place| place.number + 1);
        let mut entries = Vec::new();
        for row in changes.range((tenant, next)..=(tenant, u64::MAX))? {
            if entries.len() > most {
                break;
            }
            let (key, sealed) = row?;
            let last = key.value().1;
            let follows = |row: &Vec<Change>| row.first().is_some_and(|c| c.place.number <= next);
            match opened(last, sealed.value()).filter(follows) {
                Some(row) => entries.extend(row.into_iter().filter(|c| c.place.number >= next)),
                // What is before it is good; it is told to who asks on.
                None if !entries.is_empty() => {
                    let found = Changes::new(Place::BEGINNING, entries, most);
                    return Ok(Ok(Changes { has_more: true, ..found }));
                }
                None => return Ok(Err(lost)),
            }
            next = last.saturating_add(1);
        }
        Ok(Ok(Changes::new(after.unwrap_or_default(), entries, most)))
    };
    match catch_unwind(AssertUnwindSafe(inner)) {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(StoreError::Io(error.to_string())),
        Err(_) => Err(StoreError::Damaged { session: tenant.to_owned(), what: "feed" }),
    }
}

/// Reads a session as of one moment.
pub(super) fn read(database: &Database, key: &Key) -> Result<Option<Stored>, StoreError> {
    let inner = || -> Result<Result<Option<Stored>, StoreError>, redb::Error> {
        let damaged = |what| StoreError::Damaged { session: key.to_string(), what };
        let transaction = database.begin_read()?;
        let sessions = transaction.open_table(SESSIONS)?;
        let Some(account) = sessions.get(key.encode().as_str())? else { return Ok(Ok(None)) };
        let Ok(account) = serde_json::from_slice::<Account>(account.value()) else {
            return Ok(Err(damaged("entry")));
        };
        let id = account.id;
        let texts = transaction.open_table(TEXTS)?;
        let text = texts.get(id)?;
        let text = text
            .as_ref()
            .and_then(|v| checksum::open(Kind::Text, id, 0, v.value()))
            .and_then(|v| String::from_utf8(v.to_vec()).ok());
        let Some(text) = text else { return Ok(Err(damaged("text"))) };
        let mut stored = Stored { text, last: account.last, ..Stored::default() };
        let snapshots = transaction.open_table(SNAPSHOTS)?;
        let mut found = None;
        for segment in account.segments.iter().rev() {
            let sequence = segment.sequence;
            let value = snapshots.get((id, sequence))?;
            match value
                .as_ref()
                .and_then(|v| checksum::open(Kind::Snapshot, id, sequence, v.value()))
            {
                Some(payload) => {
                    found = Some((sequence, payload.to_vec()));
                    break;
                }
                None => stored.damage.push(Damage { what: "snapshot", sequence, lost: 0 }),
            }
        }
        let Some(snapshot) = found else { return Ok(Err(damaged("snapshots"))) };
        let records = transaction.open_table(RECORDS)?;
        let mut next = snapshot.0 + 1;
        for entry in records.range((id, next)..=(id, account.last))? {
            let (place, value) = entry?;
            let (_, sequence) = place.value();
            let payload = checksum::open(Kind::Record, id, sequence, value.value());
            let (true, Some(payload)) = (sequence == next, payload) else { break };
            stored.records.push((sequence, payload.to_vec()));
            next += 1;
        }
        if next <= account.last {
            let lost = account.last + 1 - next;
            stored.damage.push(Damage { what: "record", sequence: next, lost });
        }
        stored.snapshot = snapshot;
        Ok(Ok(Some(stored)))
    };
    match catch_unwind(AssertUnwindSafe(inner)) {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(StoreError::Io(error.to_string())),
        Err(_) => Err(StoreError::Damaged { session: key.to_string(), what: "storage" }),
    }
}

pub(super) fn commit(
    database: &Database,
    batch: &[Request],
    accounts: &mut Accounts,
    limits: &StoreLimits,
    touched: &mut HashSet<Key>,
    results: &mut Vec<Result<(), StoreError>>,
) -> Result<(), redb::Error> {
    if batch.iter().all(|r| matches!(r.write, Write::Flush)) {
        results.extend(batch.iter().map(|_| Ok(())));
        return Ok(());
    }
    let transaction = database.begin_write()?;
    {
        let mut tables = Tables::open(&transaction)?;
        let mut added = Added { now: feed::time_of_day(), ..Added::default() };
        for request in batch {
            results.push(tables.write(&request.write, accounts, limits, touched, &mut added)?);
        }
        tables.add(&added)?;
        let mut sessions = transaction.open_table(SESSIONS)?;
        for key in touched.iter() {
            let name = key.encode();
            match accounts.account(key).map(serde_json::to_vec) {
                Some(Ok(account)) => sessions.insert(name.as_str(), account.as_slice())?,
                _ => sessions.remove(name.as_str())?,
            };
        }
    }
    transaction.commit()?;
    Ok(())
}

/// What a transaction adds to the feeds, at one time.
#[derive(Default)]
struct Added {
    now: u64,
    /// Of each tenant the entries, and the number of the last one that is not to be kept.
    feeds: BTreeMap<String, (Vec<Change>, u64)>,
}

pub(super) struct Tables<'t> {
    pub(super) texts: Table<'t, u64, &'static [u8]>,
    pub(super) snapshots: Table<'t, (u64, u64), &'static [u8]>,
    pub(super) records: Table<'t, (u64, u64), &'static [u8]>,
    pub(super) changes: Table<'t, (&'static str, u64), &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Tables<'t>, redb::Error> {
        Ok(Tables {
            texts: transaction.open_table(TEXTS)?,
            snapshots: transaction.open_table(SNAPSHOTS)?,
            records: transaction.open_table(RECORDS)?,
            changes: transaction.open_table(CHANGES)?,
        })
    }

    /// Makes one write, with its entry in the feed. The inner result is this write's own; the outer
    /// one fails the batch.
    fn write(
        &mut self,
        write: &Write,
        accounts: &mut Accounts,
        limits: &StoreLimits,
        touched: &mut HashSet<Key>,
        added: &mut Added,
    ) -> Result<Result<(), StoreError>, redb::Error> {
        let sized = |bytes: usize| (bytes + OVERHEAD) as u64;
        let (key, changed) = match write {
            Write::Begin { key, sequence, text, snapshot } => {
                let (text_bytes, bytes) = (sized(text.len()), sized(snapshot.len()));
                let account = match accounts.begin(key, *sequence, text_bytes, bytes, limits) {
                    Ok(account) => account,
                    Err(error) => return Ok(Err(error)),
                };
                if let Some(old) = accounts.account(key) {
                    self.forget(old.id)?;
                }
                let (id, at) = (account.id, *sequence);
                let text = checksum::seal(Kind::Text, id, 0, text.as_bytes());
                self.texts.insert(id, text.as_slice())?;
                let snapshot = checksum::seal(Kind::Snapshot, id, at, snapshot);
                self.snapshots.insert((id, at), snapshot.as_slice())?;
                accounts.enter(key, account);
                (key, Some((at, ChangeKind::Begun)))
            }
            Write::Append { key, sequence, record } => {
                let account = match accounts.append(key, *sequence, sized(record.len()), limits) {
                    Ok(account) => account,
                    Err(error) => return Ok(Err(error)),
                };
                let record = checksum::seal(Kind::Record, account.id, *sequence, record);
                self.records.insert((account.id, *sequence), record.as_slice())?;
                accounts.enter(key, account);
                (key, Some((*sequence, ChangeKind::Edited)))
            }
            Write::Snapshot { key, sequence, snapshot } => {
                let bytes = sized(snapshot.len());
                let (account, gone) = match accounts.snapshot(key, *sequence, bytes, limits) {
                    Ok(done) => done,
                    Err(error) => return Ok(Err(error)),
                };
                let (id, at) = (account.id, *sequence);
                let snapshot = checksum::seal(Kind::Snapshot, id, at, snapshot);
                self.snapshots.insert((id, at), snapshot.as_slice())?;
                if let Some(gone) = gone {
                    self.snapshots.remove((id, gone.snapshot))?;
                    let (low, high) = gone.records.into_inner();
                    self.records.retain_in((id, low)..=(id, high), |_, _| false)?;
                }
                accounts.enter(key, account);
                (key, None)
            }
            Write::Delete { key } => {
                let Some(account) = accounts.remove(key) else { return Ok(Ok(())) };
                self.forget(account.id)?;
                (key, Some((account.last, ChangeKind::Deleted)))
            }
            Write::Flush => return Ok(Ok(())),
        };
        touched.insert(key.clone());
        if let Some((sequence, kind)) = changed {
            let (place, gone) = accounts.note(key.tenant(), added.now);
            let change = Change { place, session: key.name().to_owned(), sequence, kind };
            let (entries, until) = added.feeds.entry(key.tenant().to_owned()).or_default();
            entries.push(change);
            *until = gone.map_or(*until, |gone| *gone.end());
        }
        Ok(Ok(()))
    }

    /// Adds to the feeds, and takes out what is too much: rows of which nothing is to be kept.
    fn add(&mut self, added: &Added) -> Result<(), redb::Error> {
        for (tenant, (entries, until)) in &added.feeds {
            let Some(Change { place: Place { at, number }, .. }) = entries.last() else { continue };
            let row = sealed(*at, *number, entries);
            self.changes.insert((tenant.as_str(), *number), row.as_slice())?;
            if *until > 0 {
                let gone = (tenant.as_str(), 0)..=(tenant.as_str(), *until);
                self.changes.retain_in(gone, |_, _| false)?;
            }
        }
        Ok(())
    }

    fn forget(&mut self, id: u64) -> Result<(), redb::Error> {
        self.texts.remove(id)?;
        self.snapshots.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
        self.records.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
        Ok(())
    }
}

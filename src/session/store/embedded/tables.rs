//! The tables of the file: reading a session, and making a batch of writes in one transaction.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction,
};

use super::super::checksum::{self, Kind, OVERHEAD};
use super::super::quota::{Account, Accounts};
use super::super::{Damage, Key, StoreError, StoreLimits, Stored};
use super::{Request, Write};

const FORMAT: u64 = 1;
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(super) const SESSIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sessions");
pub(super) const TEXTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("texts");
pub(super) const SNAPSHOTS: TableDefinition<'_, (u64, u64), &[u8]> =
    TableDefinition::new("snapshots");
pub(super) const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");

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
        }
        transaction.commit()?;
        let mut accounts = Accounts::default();
        let sessions = database.begin_read()?.open_table(SESSIONS)?;
        for entry in sessions.range::<&str>(..)? {
            let (key, account) = entry?;
            let account: Option<Account> = serde_json::from_slice(account.value()).ok();
            match (Key::decode(key.value()), account) {
                (Some(key), Some(account)) => accounts.enter(&key, account),
                _ => return Ok(Err(format!("the entry of session {:?}", key.value()))),
            }
        }
        Ok(Ok(accounts))
    }
    inner(database).map_err(|e| e.to_string())?
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
        for request in batch {
            results.push(tables.write(&request.write, accounts, limits, touched)?);
        }
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

pub(super) struct Tables<'t> {
    pub(super) texts: Table<'t, u64, &'static [u8]>,
    pub(super) snapshots: Table<'t, (u64, u64), &'static [u8]>,
    pub(super) records: Table<'t, (u64, u64), &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Tables<'t>, redb::Error> {
        Ok(Tables {
            texts: transaction.open_table(TEXTS)?,
            snapshots: transaction.open_table(SNAPSHOTS)?,
            records: transaction.open_table(RECORDS)?,
        })
    }

    /// Makes one write. The inner result is this write's own; the outer one fails the batch.
    fn write(
        &mut self,
        write: &Write,
        accounts: &mut Accounts,
        limits: &StoreLimits,
        touched: &mut HashSet<Key>,
    ) -> Result<Result<(), StoreError>, redb::Error> {
        let sized = |bytes: usize| (bytes + OVERHEAD) as u64;
        let key = match write {
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
                key
            }
            Write::Append { key, sequence, record } => {
                let account = match accounts.append(key, *sequence, sized(record.len()), limits) {
                    Ok(account) => account,
                    Err(error) => return Ok(Err(error)),
                };
                let record = checksum::seal(Kind::Record, account.id, *sequence, record);
                self.records.insert((account.id, *sequence), record.as_slice())?;
                accounts.enter(key, account);
                key
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
                key
            }
            Write::Delete { key } => {
                let Some(account) = accounts.remove(key) else { return Ok(Ok(())) };
                self.forget(account.id)?;
                key
            }
            Write::Flush => return Ok(Ok(())),
        };
        touched.insert(key.clone());
        Ok(Ok(()))
    }

    fn forget(&mut self, id: u64) -> Result<(), redb::Error> {
        self.texts.remove(id)?;
        self.snapshots.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
        self.records.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
        Ok(())
    }
}

//! The default store: one redb file in a data directory.
//!
//! One thread writes. It takes every write that has come in while the last transaction was
//! being committed and commits them together (group commit: Gray and Reuter, *Transaction
//! Processing*, section 9.4), so that many sessions share the cost of one flush to disk and a
//! write waits for at most two.
//!
//! redb makes a transaction atomic and durable; the checksum of every payload finds what the
//! disk did to it afterwards.

use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError, Table,
    TableDefinition, WriteTransaction,
};

use super::ledger::{Account, Ledger};
use super::pending::Acknowledge;
use super::sealed::{self, Kind, OVERHEAD};
use super::{Damage, Key, Listing, Pending, Store, StoreError, StoreLimits, Stored};

/// The file in the data directory.
pub const FILE: &str = "sessions.redb";

const FORMAT: u64 = 1;
/// Writes that may wait.
const QUEUE: usize = 16 * 1024;
/// Writes, and bytes of them, in one transaction.
const BATCH: usize = 1024;
const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// What redb may cache.
const CACHE: usize = 64 * 1024 * 1024;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const SESSIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sessions");
const TEXTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("texts");
const SNAPSHOTS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("snapshots");
const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");

/// Sessions in a file.
#[derive(Debug)]
pub struct Embedded {
    path: PathBuf,
    limits: StoreLimits,
    queued: Arc<AtomicU64>,
    shared: Arc<Shared>,
    writer: Mutex<Option<Writer>>,
}

#[derive(Debug)]
struct Writer {
    sender: SyncSender<Request>,
    thread: JoinHandle<()>,
}

/// What the writing thread and the readers have in common.
#[derive(Debug)]
struct Shared {
    /// Gone once the store is closed.
    database: RwLock<Option<Database>>,
    /// The books as of the last commit.
    ledger: RwLock<Ledger>,
    commits: AtomicU64,
}

#[derive(Debug)]
struct Request {
    write: Write,
    bytes: u64,
    acknowledge: Acknowledge,
}

#[derive(Debug)]
enum Write {
    Begin { key: Key, sequence: u64, text: String, snapshot: Vec<u8> },
    Append { key: Key, sequence: u64, record: Vec<u8> },
    Snapshot { key: Key, sequence: u64, snapshot: Vec<u8> },
    Delete { key: Key },
    Flush,
}

impl Embedded {
    /// Opens the store in `directory`, which is made if need be. Only one process can have it.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::Io`].
    pub fn open(directory: &Path, limits: StoreLimits) -> Result<Embedded, StoreError> {
        private_directory(directory).map_err(|e| failed(directory, &e))?;
        let path = directory.join(FILE);
        let corrupt = |reason: String| StoreError::Corrupt { path: path.clone(), reason };
        // redb answers most damage with an error; what it trips over must not take the process along.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            Database::builder().set_cache_size(CACHE).create(&path)
        }));
        let database = match opened {
            Ok(Ok(database)) => database,
            Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => {
                return Err(StoreError::Locked { path });
            }
            Ok(Err(DatabaseError::Storage(StorageError::Io(e)))) if !damage(e.kind()) => {
                return Err(failed(&path, &e));
            }
            Ok(Err(error)) => return Err(corrupt(error.to_string())),
            Err(_) => return Err(corrupt("its structure makes no sense".to_owned())),
        };
        let read = catch_unwind(AssertUnwindSafe(|| prepare(&database)));
        let ledger = match read {
            Ok(Ok(ledger)) => ledger,
            Ok(Err(reason)) => return Err(corrupt(reason)),
            Err(_) => return Err(corrupt("its structure makes no sense".to_owned())),
        };
        // The file's name is durable only with its directory.
        if let Ok(directory) = fs::File::open(directory) {
            directory.sync_all().map_err(|e| failed(&path, &e))?;
        }
        let shared = Arc::new(Shared {
            database: RwLock::new(Some(database)),
            ledger: RwLock::new(ledger),
            commits: AtomicU64::new(0),
        });
        let queued = Arc::new(AtomicU64::new(0));
        let (sender, receiver) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("session-store".to_owned())
            .spawn({
                let (shared, queued) = (Arc::clone(&shared), Arc::clone(&queued));
                move || write_all(&receiver, &shared, &queued, &limits)
            })
            .map_err(|e| failed(&path, &e))?;
        let writer = Mutex::new(Some(Writer { sender, thread }));
        Ok(Embedded { path, limits, queued, shared, writer })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Transactions committed since it was opened.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Bytes that wait to be written.
    pub fn queued_bytes(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    fn send(&self, write: Write, bytes: usize) -> Pending {
        let bytes = bytes as u64;
        let sender = self.writer.lock().as_ref().map(|w| w.sender.clone());
        let Some(sender) = sender else { return Pending::ready(Err(StoreError::Closed)) };
        let limit = self.limits.queued_bytes;
        let seen = self.queued.fetch_add(bytes, Ordering::AcqRel) + bytes;
        // A single write larger than the queue may pass when nothing else waits.
        if seen > limit && seen > bytes {
            self.queued.fetch_sub(bytes, Ordering::AcqRel);
            return Pending::ready(Err(StoreError::Busy { limit, seen }));
        }
        let (acknowledge, pending) = Pending::channel();
        match sender.try_send(Request { write, bytes, acknowledge }) {
            Ok(()) => pending,
            Err(error) => {
                self.queued.fetch_sub(bytes, Ordering::AcqRel);
                Pending::ready(Err(match error {
                    TrySendError::Full(_) => StoreError::Busy { limit, seen },
                    TrySendError::Disconnected(_) => StoreError::Closed,
                }))
            }
        }
    }
}

impl Store for Embedded {
    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        self.flush()?;
        let database = self.shared.database.read();
        read(database.as_ref().ok_or(StoreError::Closed)?, key)
    }

    fn begin(&self, key: &Key, sequence: u64, text: &str, snapshot: Vec<u8>) -> Pending {
        let bytes = text.len() + snapshot.len();
        self.send(
            Write::Begin { key: key.clone(), sequence, text: text.to_owned(), snapshot },
            bytes,
        )
    }

    fn append(&self, key: &Key, sequence: u64, record: Vec<u8>) -> Pending {
        let bytes = record.len();
        self.send(Write::Append { key: key.clone(), sequence, record }, bytes)
    }

    fn snapshot(&self, key: &Key, sequence: u64, snapshot: Vec<u8>) -> Pending {
        let bytes = snapshot.len();
        self.send(Write::Snapshot { key: key.clone(), sequence, snapshot }, bytes)
    }

    fn delete(&self, key: &Key) -> Pending {
        self.send(Write::Delete { key: key.clone() }, 0)
    }

    fn list(&self, tenant: Option<&str>) -> Result<Vec<Listing>, StoreError> {
        self.flush()?;
        Ok(self.shared.ledger.read().list(tenant))
    }

    fn flush(&self) -> Result<(), StoreError> {
        // Waits for its turn where a write would be refused: it asks for no room.
        let sender = self.writer.lock().as_ref().map(|w| w.sender.clone());
        let sender = sender.ok_or(StoreError::Closed)?;
        let (acknowledge, pending) = Pending::channel();
        let flush = Request { write: Write::Flush, bytes: 0, acknowledge };
        sender.send(flush).map_err(|_| StoreError::Closed)?;
        drop(sender);
        pending.wait()
    }

    fn close(&self) -> Result<(), StoreError> {
        let Some(Writer { sender, thread }) = self.writer.lock().take() else { return Ok(()) };
        // The thread ends when it has written everything and the last sender is gone.
        drop(sender);
        let ended = thread.join().map_err(|_| StoreError::Io("the writer died".to_owned()));
        let database = self.shared.database.write().take();
        ended?;
        match database.map(Database::close) {
            Some(Err(error)) => Err(StoreError::Io(error.to_string())),
            _ => Ok(()),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Drawings are nobody else's business: a directory that is made is its owner's.
fn private_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

/// Whether an I/O error says that the file is not what it should be.
fn damage(kind: std::io::ErrorKind) -> bool {
    matches!(kind, std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData)
}

/// Makes the tables of a new file; reads the books of an old one.
fn prepare(database: &Database) -> Result<Ledger, String> {
    fn inner(database: &Database) -> Result<Result<Ledger, String>, redb::Error> {
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
        let mut ledger = Ledger::default();
        let sessions = database.begin_read()?.open_table(SESSIONS)?;
        for entry in sessions.range::<&str>(..)? {
            let (key, account) = entry?;
            let account: Option<Account> = serde_json::from_slice(account.value()).ok();
            match (Key::decode(key.value()), account) {
                (Some(key), Some(account)) => ledger.enter(&key, account),
                _ => return Ok(Err(format!("the entry of session {:?}", key.value()))),
            }
        }
        Ok(Ok(ledger))
    }
    inner(database).map_err(|e| e.to_string())?
}

/// Reads a session as of one moment.
fn read(database: &Database, key: &Key) -> Result<Option<Stored>, StoreError> {
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
            .and_then(|v| sealed::open(Kind::Text, id, 0, v.value()))
            .and_then(|v| String::from_utf8(v.to_vec()).ok());
        let Some(text) = text else { return Ok(Err(damaged("text"))) };
        let mut stored = Stored { text, last: account.last, ..Stored::default() };
        let snapshots = transaction.open_table(SNAPSHOTS)?;
        let mut found = None;
        for segment in account.segments.iter().rev() {
            let sequence = segment.sequence;
            let value = snapshots.get((id, sequence))?;
            match value.as_ref().and_then(|v| sealed::open(Kind::Snapshot, id, sequence, v.value()))
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
            let payload = sealed::open(Kind::Record, id, sequence, value.value());
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

/// The life of the writing thread.
fn write_all(
    receiver: &Receiver<Request>,
    shared: &Shared,
    queued: &AtomicU64,
    limits: &StoreLimits,
) {
    // The books with what is being written; `shared` has them as of the last commit.
    let mut ledger = shared.ledger.read().clone();
    while let Ok(first) = receiver.recv() {
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Ok(request) = receiver.try_recv() else { break };
            bytes += request.bytes;
            batch.push(request);
        }
        let mut results = Vec::with_capacity(batch.len());
        let mut touched = HashSet::new();
        let committed = match shared.database.read().as_ref() {
            Some(database) => {
                commit(database, &batch, &mut ledger, limits, &mut touched, &mut results)
                    .map_err(|e| StoreError::Io(e.to_string()))
            }
            None => Err(StoreError::Closed),
        };
        if committed.is_ok() && !touched.is_empty() {
            shared.ledger.write().copy(&touched, &ledger);
            shared.commits.fetch_add(1, Ordering::Relaxed);
        } else {
            ledger.copy(&touched, &shared.ledger.read());
        }
        queued.fetch_sub(bytes, Ordering::AcqRel);
        let mut results = results.into_iter();
        for request in batch {
            let result = match &committed {
                Ok(()) => results.next().unwrap_or(Err(StoreError::Closed)),
                Err(error) => Err(error.clone()),
            };
            let _ = request.acknowledge.send(result);
        }
    }
}

fn commit(
    database: &Database,
    batch: &[Request],
    ledger: &mut Ledger,
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
            results.push(tables.write(&request.write, ledger, limits, touched)?);
        }
        let mut sessions = transaction.open_table(SESSIONS)?;
        for key in touched.iter() {
            let name = key.encode();
            match ledger.account(key).map(serde_json::to_vec) {
                Some(Ok(account)) => sessions.insert(name.as_str(), account.as_slice())?,
                _ => sessions.remove(name.as_str())?,
            };
        }
    }
    transaction.commit()?;
    Ok(())
}

struct Tables<'t> {
    texts: Table<'t, u64, &'static [u8]>,
    snapshots: Table<'t, (u64, u64), &'static [u8]>,
    records: Table<'t, (u64, u64), &'static [u8]>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Tables<'t>, redb::Error> {
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
        ledger: &mut Ledger,
        limits: &StoreLimits,
        touched: &mut HashSet<Key>,
    ) -> Result<Result<(), StoreError>, redb::Error> {
        let sized = |bytes: usize| (bytes + OVERHEAD) as u64;
        let key = match write {
            Write::Begin { key, sequence, text, snapshot } => {
                let (text_bytes, bytes) = (sized(text.len()), sized(snapshot.len()));
                let account = match ledger.begin(key, *sequence, text_bytes, bytes, limits) {
                    Ok(account) => account,
                    Err(error) => return Ok(Err(error)),
                };
                if let Some(old) = ledger.account(key) {
                    self.forget(old.id)?;
                }
                let (id, at) = (account.id, *sequence);
                let text = sealed::seal(Kind::Text, id, 0, text.as_bytes());
                self.texts.insert(id, text.as_slice())?;
                let snapshot = sealed::seal(Kind::Snapshot, id, at, snapshot);
                self.snapshots.insert((id, at), snapshot.as_slice())?;
                ledger.enter(key, account);
                key
            }
            Write::Append { key, sequence, record } => {
                let account = match ledger.append(key, *sequence, sized(record.len()), limits) {
                    Ok(account) => account,
                    Err(error) => return Ok(Err(error)),
                };
                let record = sealed::seal(Kind::Record, account.id, *sequence, record);
                self.records.insert((account.id, *sequence), record.as_slice())?;
                ledger.enter(key, account);
                key
            }
            Write::Snapshot { key, sequence, snapshot } => {
                let bytes = sized(snapshot.len());
                let (account, gone) = match ledger.snapshot(key, *sequence, bytes, limits) {
                    Ok(done) => done,
                    Err(error) => return Ok(Err(error)),
                };
                let (id, at) = (account.id, *sequence);
                let snapshot = sealed::seal(Kind::Snapshot, id, at, snapshot);
                self.snapshots.insert((id, at), snapshot.as_slice())?;
                if let Some(gone) = gone {
                    self.snapshots.remove((id, gone.snapshot))?;
                    let (low, high) = gone.records.into_inner();
                    self.records.retain_in((id, low)..=(id, high), |_, _| false)?;
                }
                ledger.enter(key, account);
                key
            }
            Write::Delete { key } => {
                let Some(account) = ledger.remove(key) else { return Ok(Ok(())) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::store::Memory;

    fn key(name: &str) -> Key {
        Key::new("tenant", name).unwrap()
    }

    fn small() -> StoreLimits {
        StoreLimits {
            sessions: 3,
            sessions_per_tenant: 2,
            session_bytes: 4_000,
            bytes: 6_000,
            queued_bytes: 1_000_000,
        }
    }

    fn filled(directory: &Path, records: u64) -> Embedded {
        let store = Embedded::open(directory, StoreLimits::default()).unwrap();
        store.begin(&key("s"), 0, "<svg/>", b"zero".to_vec()).wait().unwrap();
        for sequence in 1..=records {
            store.append(&key("s"), sequence, vec![sequence as u8; 40]).wait().unwrap();
        }
        store
    }

    /// Puts other bytes where a payload was.
    fn overwrite(directory: &Path, damage: impl Fn(&mut Tables<'_>)) {
        let database = Database::open(directory.join(FILE)).unwrap();
        let transaction = database.begin_write().unwrap();
        damage(&mut Tables::open(&transaction).unwrap());
        transaction.commit().unwrap();
    }

    #[test]
    fn both_stores_keep_the_same_rules() {
        let directory = tempfile::tempdir().unwrap();
        let stores: [Box<dyn Store>; 2] = [
            Box::new(Memory::new(small())),
            Box::new(Embedded::open(directory.path(), small()).unwrap()),
        ];
        for store in stores {
            let (a, b) = (key("a"), key("b"));
            assert_eq!(store.load(&a).unwrap(), None);
            let code = |pending: Pending| pending.wait().map_err(|e| e.code());
            assert_eq!(code(store.append(&a, 1, vec![])), Err("no-session"));
            assert_eq!(code(store.begin(&a, 0, "<svg/>", b"zero".to_vec())), Ok(()));
            assert_eq!(code(store.append(&a, 1, b"one".to_vec())), Ok(()));
            for wrong in [0, 1, 3] {
                assert_eq!(code(store.append(&a, wrong, vec![])), Err("session-conflict"));
            }
            assert_eq!(code(store.begin(&a, 1, "<g/>", vec![])), Err("session-conflict"));
            assert_eq!(code(store.append(&a, 2, vec![0; 5_000])), Err("store-full"));
            assert_eq!(code(store.begin(&b, 0, &"x".repeat(3_900), vec![])), Ok(()));
            assert_eq!(code(store.begin(&key("c"), 0, "", vec![])), Err("store-full"));
            let other = Key::new("other", "a").unwrap();
            assert_eq!(code(store.begin(&other, 0, &"x".repeat(3_900), vec![])), Err("store-full"));
            assert_eq!(code(store.append(&a, 2, b"two".to_vec())), Ok(()));
            let stored = store.load(&a).unwrap().unwrap();
            assert_eq!(stored.text, "<svg/>");
            assert_eq!(stored.snapshot, (0, b"zero".to_vec()));
            assert_eq!(stored.records, [(1, b"one".to_vec()), (2, b"two".to_vec())]);
            assert_eq!((stored.last, stored.damage.len()), (2, 0));

            assert_eq!(code(store.snapshot(&a, 2, b"state".to_vec())), Ok(()));
            let stored = store.load(&a).unwrap().unwrap();
            assert_eq!((stored.snapshot, stored.records.len()), ((2, b"state".to_vec()), 0));

            let names: Vec<_> =
                store.list(Some("tenant")).unwrap().into_iter().map(|l| l.key).collect();
            assert_eq!(names, [a.clone(), b.clone()]);
            assert_eq!(store.list(Some("nobody")).unwrap(), []);
            assert_eq!(code(store.delete(&b)), Ok(()));
            assert_eq!(store.load(&b).unwrap(), None);
            assert_eq!(code(store.begin(&a, 7, "<g/>", b"new".to_vec())), Ok(()));
            let stored = store.load(&a).unwrap().unwrap();
            assert_eq!((stored.text.as_str(), stored.last, stored.records.len()), ("<g/>", 7, 0));
            store.close().unwrap();
            assert_eq!(code(store.append(&a, 8, vec![])), Err("store-closed"));
            assert_eq!(store.load(&a).unwrap_err(), StoreError::Closed);
        }
    }

    #[test]
    fn what_a_session_occupies_does_not_grow_with_its_history() {
        let directory = tempfile::tempdir().unwrap();
        let store = filled(directory.path(), 0);
        let mut sizes = Vec::new();
        for sequence in 1..=600u64 {
            store.append(&key("s"), sequence, vec![7; 100]).wait().unwrap();
            if sequence % 50 == 0 {
                store.snapshot(&key("s"), sequence, vec![1; 300]).wait().unwrap();
                sizes.push(store.list(None).unwrap()[0].bytes);
            }
        }
        assert!(sizes[2..].iter().all(|s| *s == sizes[2]), "{sizes:?}");
        let database = store.shared.database.read();
        let records = database.as_ref().unwrap().begin_read().unwrap().open_table(RECORDS).unwrap();
        assert_eq!(records.range::<(u64, u64)>(..).unwrap().count(), 50);
    }

    #[test]
    fn a_damaged_record_is_reported_and_everything_before_it_kept() {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path(), 10).close().unwrap();
        overwrite(directory.path(), |tables| {
            tables.records.insert((0, 5), &b"other"[..]).unwrap();
        });
        let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
        let stored = store.load(&key("s")).unwrap().unwrap();
        assert_eq!(stored.records.len(), 4);
        assert_eq!(stored.damage, [Damage { what: "record", sequence: 5, lost: 6 }]);
        assert_eq!(stored.last, 10);
        // A snapshot of what is left closes the gap.
        store.snapshot(&key("s"), 10, b"rest".to_vec()).wait().unwrap();
        let stored = store.load(&key("s")).unwrap().unwrap();
        assert_eq!((stored.snapshot, stored.damage), ((10, b"rest".to_vec()), vec![]));
    }

    #[test]
    fn a_damaged_snapshot_costs_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = filled(directory.path(), 4);
        store.snapshot(&key("s"), 4, b"four".to_vec()).wait().unwrap();
        store.append(&key("s"), 5, b"five".to_vec()).wait().unwrap();
        store.close().unwrap();
        overwrite(directory.path(), |tables| {
            tables.snapshots.insert((0, 4), &b"other"[..]).unwrap();
        });
        let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
        let stored = store.load(&key("s")).unwrap().unwrap();
        assert_eq!(stored.snapshot, (0, b"zero".to_vec()));
        assert_eq!(stored.records.len(), 5);
        assert_eq!(stored.damage, [Damage { what: "snapshot", sequence: 4, lost: 0 }]);
    }

    #[test]
    fn a_damaged_text_is_an_error_that_names_the_session() {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path(), 1).close().unwrap();
        overwrite(directory.path(), |tables| {
            tables.texts.insert(0, &b"other"[..]).unwrap();
        });
        let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
        let error = store.load(&key("s")).unwrap_err();
        assert_eq!(error.to_string(), "the text of session \"tenant/s\" is damaged");
    }

    #[test]
    fn only_one_owner_has_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let first = filled(directory.path(), 1);
        let second = Embedded::open(directory.path(), StoreLimits::default()).unwrap_err();
        assert_eq!(second.code(), "store-locked");
        first.close().unwrap();
        Embedded::open(directory.path(), StoreLimits::default()).unwrap();
    }

    #[test]
    fn writes_that_come_together_share_a_commit() {
        let directory = tempfile::tempdir().unwrap();
        let store = filled(directory.path(), 0);
        let before = store.commits();
        let pending: Vec<_> = (1..=500).map(|s| store.append(&key("s"), s, vec![1; 10])).collect();
        for p in pending {
            p.wait().unwrap();
        }
        let commits = store.commits() - before;
        assert!(commits <= 250, "{commits} commits for 500 writes");
    }

    #[test]
    fn a_queue_that_is_full_refuses_with_the_figures() {
        let directory = tempfile::tempdir().unwrap();
        let limits = StoreLimits { queued_bytes: 100, ..StoreLimits::default() };
        let store = Embedded::open(directory.path(), limits).unwrap();
        // Holds the writer up between taking a batch and committing it.
        let hold = store.shared.database.write();
        let first = store.begin(&key("s"), 0, &"x".repeat(200), Vec::new());
        let second = store.append(&key("s"), 1, vec![0; 50]);
        assert_eq!(second.outcome(), Some(Err(StoreError::Busy { limit: 100, seen: 250 })));
        drop(hold);
        first.wait().unwrap();
    }
}

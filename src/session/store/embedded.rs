//! The default store: one redb file in a data directory.
//!
//! One thread writes. It takes every write that has come in while the last transaction was
//! being committed and commits them together (group commit: Gray and Reuter, *Transaction
//! Processing*, section 9.4), so that many sessions share the cost of one flush to disk and a
//! write waits for at most two.
//!
//! redb makes a transaction atomic and durable; the checksum of every payload finds what the
//! disk did to it afterwards.

mod files;
mod recovery;
mod tables;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};
use redb::Database;
use svgx_base::budget::Monotonic;
use svgx_base::deep::{self, Span};
use svgx_base::deep_span;
use svgx_base::fault;

use self::files::{Disk, Files, failed};
use self::recovery::Failure;
use self::tables::{changes, commit, read};
use super::pending::Acknowledge;
use super::quota::Accounts;
use super::{
    After, Changes, Key, Listing, Pending, Place, Store, StoreError, StoreHealth, StoreLimits,
    Stored, Watcher,
};

/// The file in the data directory.
pub const FILE: &str = "sessions.redb";
/// Writes that may wait.
const QUEUE: usize = 16 * 1024;
/// Writes, and bytes of them, in one transaction.
const BATCH: usize = 1024;
const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// What redb may cache.
const CACHE: usize = 64 * 1024 * 1024;

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
struct Shared {
    /// Gone once the store is closed, and while it is opened again after a failure.
    database: RwLock<Option<Database>>,
    /// The accounts as of the last commit.
    accounts: RwLock<Accounts>,
    commits: AtomicU64,
    path: PathBuf,
    files: Box<dyn Files>,
    /// Set from a failure until the store works again.
    failure: Mutex<Option<Failure>>,
    clock: Monotonic,
    watcher: Watcher,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { path, failure, .. } = self;
        f.debug_struct("Shared").field("path", path).field("failure", failure).finish()
    }
}

#[derive(Debug)]
struct Request {
    write: Write,
    bytes: u64,
    acknowledge: Acknowledge,
    /// Of a deep trace: from here until it is acknowledged.
    span: Span,
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
        Embedded::open_watched(directory, limits, Box::new(|_| ()))
    }

    /// As [`Embedded::open`]; `watcher` hears when the store fails and when it works again.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub fn open_watched(
        directory: &Path,
        limits: StoreLimits,
        watcher: Watcher,
    ) -> Result<Embedded, StoreError> {
        Embedded::open_on(directory, limits, watcher, Box::new(Disk))
    }

    fn open_on(
        directory: &Path,
        limits: StoreLimits,
        watcher: Watcher,
        files: Box<dyn Files>,
    ) -> Result<Embedded, StoreError> {
        private_directory(directory).map_err(|e| failed(directory, &e))?;
        let path = directory.join(FILE);
        let (database, accounts) = files::open(&*files, &path)?;
        // The file's name is durable only with its directory.
        if let Ok(directory) = fs::File::open(directory) {
            directory.sync_all().map_err(|e| failed(&path, &e))?;
        }
        let shared = Arc::new(Shared {
            database: RwLock::new(Some(database)),
            accounts: RwLock::new(accounts),
            commits: AtomicU64::new(0),
            path: path.clone(),
            files,
            failure: Mutex::new(None),
            clock: Monotonic::new(),
            watcher,
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

    /// Reads, and notes where that fails.
    fn read<T>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let found = match self.shared.database.read().as_ref() {
            Some(database) => read(database),
            None => return Err(self.shared.unavailable().unwrap_or(StoreError::Closed)),
        };
        let Err(StoreError::Io(reason)) = found else { return found };
        self.shared.fail(reason, 0);
        // Wakes the writing thread, which opens the store again.
        if let Some(writer) = self.writer.lock().as_ref() {
            let (acknowledge, _) = Pending::channel();
            let wake = Request { write: Write::Flush, bytes: 0, acknowledge, span: Span::none() };
            let _ = writer.sender.try_send(wake);
        }
        Err(self.shared.unavailable().unwrap_or(StoreError::Closed))
    }

    fn send(&self, write: Write, bytes: usize) -> Pending {
        let bytes = bytes as u64;
        if let Some(error) = self.shared.unavailable() {
            return Pending::ready(Err(error));
        }
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
        let size = i64::try_from(bytes).unwrap_or(i64::MAX);
        let span = deep_span!(@ "write", svgx.write.size = size);
        match sender.try_send(Request { write, bytes, acknowledge, span }) {
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
        self.read(|database| read(database, key))
    }

    fn changes(&self, tenant: &str, after: After, most: usize) -> Result<Changes, StoreError> {
        // A failed write may have put into the file what does not count.
        if let Some(error) = self.shared.unavailable() {
            return Err(error);
        }
        self.read(|database| changes(database, tenant, after, most))
    }

    fn newest_changes(&self, tenants: &[&str]) -> Result<Vec<Place>, StoreError> {
        let accounts = self.shared.accounts.read();
        Ok(tenants.iter().map(|tenant| accounts.feed(tenant).unwrap_or_default().last).collect())
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
        Ok(self.shared.accounts.read().list(tenant))
    }

    fn nearest(&self, key: &Key) -> Option<String> {
        self.shared.accounts.read().nearest(key)
    }

    fn flush(&self) -> Result<(), StoreError> {
        if let Some(error) = self.shared.unavailable() {
            return Err(error);
        }
        // Waits for its turn where a write would be refused: it asks for no room.
        let sender = self.writer.lock().as_ref().map(|w| w.sender.clone());
        let sender = sender.ok_or(StoreError::Closed)?;
        let (acknowledge, pending) = Pending::channel();
        let span = deep_span!(@ "flush");
        let flush = Request { write: Write::Flush, bytes: 0, acknowledge, span };
        sender.send(flush).map_err(|_| StoreError::Closed)?;
        drop(sender);
        pending.wait()
    }

    fn health(&self) -> StoreHealth {
        self.shared.health()
    }

    fn close(&self) -> Result<(), StoreError> {
        let Some(Writer { sender, thread }) = self.writer.lock().take() else { return Ok(()) };
        // The thread ends when it has written everything and the last sender is gone.
        drop(sender);
        let ended = thread.join().map_err(|_| StoreError::Io("the writer died".to_owned()));
        let database = self.shared.database.write().take();
        ended?;
        // Closing writes the table of free pages, and redb trusts what it has read of it.
        match catch_unwind(AssertUnwindSafe(|| database.map(Database::close))) {
            Ok(Some(Err(error))) => Err(StoreError::Io(error.to_string())),
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Io("the file is damaged; it was left as it is".to_owned())),
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

/// The life of the writing thread.
fn write_all(
    receiver: &Receiver<Request>,
    shared: &Shared,
    queued: &AtomicU64,
    limits: &StoreLimits,
) {
    // The accounts with what is being written; `shared` has them as of the last commit.
    let mut accounts = shared.accounts.read().clone();
    loop {
        let first = match shared.until_next_try() {
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => receiver.recv_timeout(wait),
        };
        let first = match first {
            Ok(first) => first,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                if shared.recover() {
                    accounts = shared.accounts.read().clone();
                }
                continue;
            }
        };
        if let Some(error) = shared.unavailable() {
            queued.fetch_sub(first.bytes, Ordering::AcqRel);
            let _ = first.acknowledge.send(Err(error));
            continue;
        }
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Ok(request) = receiver.try_recv() else { break };
            bytes += request.bytes;
            batch.push(request);
        }
        // One commit for all of them: it is told in the trace of the first that has one.
        let is_write = |request: &&Request| !matches!(request.write, Write::Flush);
        let traced = batch.iter().filter(is_write).find(|request| !request.span.is_none());
        let committing = traced.map(|request| {
            let writes = deep::count(batch.len());
            deep_span!(in request.span, "commit", svgx.write.count = writes)
        });
        let mut results = Vec::with_capacity(batch.len());
        let mut touched = HashSet::new();
        let committed = match shared.database.read().as_ref() {
            Some(_) if fault::fails(fault::Point::Write) => {
                Err("a fault of an experiment".to_owned())
            }
            Some(database) => {
                commit(database, &batch, &mut accounts, limits, &mut touched, &mut results)
                    .map_err(|e| e.to_string())
            }
            None => Err("it is closed".to_owned()),
        };
        drop(committing);
        let committed = committed.map_err(|reason| {
            shared.fail(reason.clone(), bytes);
            shared.unavailable().unwrap_or(StoreError::Io(reason))
        });
        if committed.is_ok() && !touched.is_empty() {
            shared.accounts.write().copy(&touched, &accounts);
            shared.commits.fetch_add(1, Ordering::Relaxed);
        } else {
            accounts.copy(&touched, &shared.accounts.read());
        }
        queued.fetch_sub(bytes, Ordering::AcqRel);
        let mut results = results.into_iter();
        for request in batch {
            let result = match &committed {
                Ok(()) => results.next().unwrap_or(Err(StoreError::Closed)),
                Err(error) => Err(error.clone()),
            };
            // Told before whoever waits for it goes on.
            drop(request.span);
            let _ = request.acknowledge.send(result);
        }
    }
}

#[cfg(all(test, unix))]
mod fault_tests;
#[cfg(test)]
mod tests;

//! What a store does about I/O errors. The faults are put in below redb; those of real file
//! systems are tried in the tests of the crate.

use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend};

use super::*;
use crate::store::StoreEvent;

const ENOSPC: i32 = 28;
const EFBIG: i32 = 27;
const EIO: i32 = 5;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Nothing,
    Write(i32),
    Grow(i32),
    /// A flush; what was to be flushed is lost.
    Flush(i32),
    /// A flush; what was to be flushed is on the disk nevertheless.
    LateFlush(i32),
    Read(i32),
}

#[derive(Debug)]
struct State {
    fault: Fault,
    /// What was at the places that were written since the last flush.
    before: Vec<(u64, Vec<u8>)>,
    lost: bool,
}

#[derive(Clone, Debug)]
struct Faulty(Arc<Mutex<State>>);

impl Faulty {
    fn new() -> Faulty {
        let state = State { fault: Fault::Nothing, before: Vec::new(), lost: false };
        Faulty(Arc::new(Mutex::new(state)))
    }

    fn set(&self, fault: Fault) {
        self.0.lock().fault = fault;
    }

    fn check(&self, of: impl Fn(Fault) -> Option<i32>) -> std::io::Result<()> {
        of(self.0.lock().fault).map_or(Ok(()), |e| Err(std::io::Error::from_raw_os_error(e)))
    }
}

impl Files for Faulty {
    fn open(&self, path: &Path, create: bool, check: bool) -> Result<Database, DatabaseError> {
        let file = fs::OpenOptions::new().read(true).write(true).create(create).open(path)?;
        let raw = file.try_clone()?;
        let backend = Backend { raw, inner: FileBackend::new(file)?, faults: self.clone() };
        Database::builder().set_check_integrity_on_open(check).create_with_backend(backend)
    }

    fn forget_cached(&self, path: &Path) -> std::io::Result<()> {
        self.check(|fault| match fault {
            Fault::Write(e) | Fault::Flush(e) | Fault::LateFlush(e) => Some(e),
            _ => None,
        })?;
        let mut state = self.0.lock();
        if std::mem::take(&mut state.lost) {
            let file = fs::OpenOptions::new().write(true).open(path)?;
            for (offset, bytes) in std::mem::take(&mut state.before).into_iter().rev() {
                file.write_all_at(&bytes, offset)?;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Backend {
    raw: fs::File,
    inner: FileBackend,
    faults: Faulty,
}

impl StorageBackend for Backend {
    fn len(&self) -> std::io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.faults.check(|fault| match fault {
            Fault::Read(e) => Some(e),
            _ => None,
        })?;
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        let grows = len > self.inner.len()?;
        self.faults.check(|fault| match fault {
            Fault::Grow(e) | Fault::Write(e) if grows => Some(e),
            _ => None,
        })?;
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        let mut state = self.faults.0.lock();
        match state.fault {
            Fault::Flush(e) => {
                state.lost = true;
                Err(std::io::Error::from_raw_os_error(e))
            }
            Fault::LateFlush(e) => Err(std::io::Error::from_raw_os_error(e)),
            _ => {
                state.before.clear();
                self.inner.sync_data()
            }
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.faults.check(|fault| match fault {
            Fault::Write(e) => Some(e),
            _ => None,
        })?;
        let mut before = vec![0; data.len()];
        self.raw.read_exact_at(&mut before, offset)?;
        self.faults.0.lock().before.push((offset, before));
        self.inner.write(offset, data)
    }
}

fn key() -> Key {
    Key::new("tenant", "s").unwrap()
}

struct Watched {
    store: Embedded,
    events: Arc<Mutex<Vec<StoreEvent>>>,
}

fn watched(directory: &Path, faults: &Faulty) -> Watched {
    let events: Arc<Mutex<Vec<StoreEvent>>> = Arc::default();
    let heard = Arc::clone(&events);
    let watcher: Watcher = Box::new(move |event| heard.lock().push(event.clone()));
    let limits = StoreLimits::default();
    let store = Embedded::open_on(directory, limits, watcher, Box::new(faults.clone())).unwrap();
    Watched { store, events }
}

/// Waits until `done`; the tries of the store are its only clock.
fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come about");
}

#[test]
fn a_store_that_failed_goes_on_by_itself_with_all_that_was_acknowledged() {
    let cases = [
        ("full disk", Fault::Write(ENOSPC)),
        ("no room to grow", Fault::Grow(ENOSPC)),
        ("size limit", Fault::Grow(EFBIG)),
        ("broken disk", Fault::Write(EIO)),
        ("a flush that lost its writes", Fault::Flush(EIO)),
        ("a flush that failed late", Fault::LateFlush(EIO)),
    ];
    for (name, fault) in cases {
        let directory = tempfile::tempdir().unwrap();
        let faults = Faulty::new();
        let Watched { store, events } = watched(directory.path(), &faults);
        store.begin(&key(), 0, "<svg/>", b"zero".to_vec()).wait().unwrap();
        for sequence in 1..=5 {
            store.append(&key(), sequence, vec![sequence as u8; 40]).wait().unwrap();
        }
        assert_eq!(store.health(), StoreHealth::Working, "{name}");
        faults.set(fault);
        // More than the file has room for without growing.
        let error = store.append(&key(), 6, vec![6; 3_000_000]).wait().unwrap_err();
        assert_eq!(error.code(), "store-failed", "{name}: {error}");
        assert!(matches!(store.health(), StoreHealth::Failed { .. }), "{name}");
        // Until it works nothing is taken, and it is said when it tries again.
        until(name, || store.shared.failure.lock().as_ref().is_some_and(|f| f.tries() >= 2));
        let refused = store.append(&key(), 6, vec![6]).wait().unwrap_err();
        let StoreError::Unavailable { retry_after, .. } = refused else { panic!("{refused:?}") };
        assert!(retry_after <= Duration::from_secs(5), "{name}: {retry_after:?}");
        assert_eq!(store.load(&key()).unwrap_err().code(), "store-failed", "{name}");
        faults.set(Fault::Nothing);
        until(name, || store.health() == StoreHealth::Working);
        let stored = store.load(&key()).unwrap().unwrap();
        assert_eq!(stored.damage, [], "{name}");
        assert!(stored.last >= 5, "{name}: {}", stored.last);
        for (at, (sequence, record)) in stored.records.iter().take(5).enumerate() {
            assert_eq!((*sequence, record), (at as u64 + 1, &vec![at as u8 + 1; 40]), "{name}");
        }
        store.append(&key(), stored.last + 1, b"after".to_vec()).wait().unwrap();
        // An entry of the feed for each record that is there, and none for what was lost.
        let entries = store.changes("tenant", After::Oldest, 99).unwrap().entries;
        let sequences: Vec<u64> = entries.iter().map(|change| change.sequence).collect();
        assert_eq!(sequences, (0..=stored.last + 1).collect::<Vec<_>>(), "{name}");
        store.close().unwrap();
        let events = events.lock();
        assert!(matches!(events.first(), Some(StoreEvent::Failed { .. })), "{name}: {events:?}");
        let last = events.last();
        assert!(
            matches!(last, Some(StoreEvent::Recovered { tries: 3.., .. })),
            "{name}: {events:?}"
        );
        let again = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
        let record = again.load(&key()).unwrap().unwrap().records.pop();
        assert_eq!(record, Some((stored.last + 1, b"after".to_vec())), "{name}");
    }
}

#[test]
fn a_read_that_fails_is_a_failure_of_the_store_too() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faulty::new();
    let Watched { store, .. } = watched(directory.path(), &faults);
    store.begin(&key(), 0, &"<svg/>".repeat(100_000), b"zero".to_vec()).wait().unwrap();
    store.shared.fail("to forget what is cached".to_owned(), 0);
    until("the first recovery", || {
        store.health() == StoreHealth::Working || store.shared.recover()
    });
    faults.set(Fault::Read(EIO));
    assert_eq!(store.load(&key()).unwrap_err().code(), "store-failed");
    assert!(matches!(store.health(), StoreHealth::Failed { .. }));
    faults.set(Fault::Nothing);
    until("the recovery", || store.health() == StoreHealth::Working);
    assert_eq!(store.load(&key()).unwrap().unwrap().text.len(), 600_000);
}

#[test]
fn a_store_that_lost_what_was_acknowledged_says_so_and_does_not_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faulty::new();
    let Watched { store, events } = watched(directory.path(), &faults);
    let mut early = Vec::new();
    store.begin(&key(), 0, "<svg/>", b"zero".to_vec()).wait().unwrap();
    fs::File::open(store.path()).unwrap().read_to_end(&mut early).unwrap();
    for sequence in 1..=5 {
        store.append(&key(), sequence, vec![1; 40]).wait().unwrap();
    }
    faults.set(Fault::Write(EIO));
    store.append(&key(), 6, vec![6; 40]).wait().unwrap_err();
    // The disk answers with what it had long ago.
    fs::write(store.path(), &early).unwrap();
    faults.0.lock().before.clear();
    faults.set(Fault::Nothing);
    until("the reason", || {
        let told = |e: &StoreEvent| match e {
            StoreEvent::Failed { reason } => reason.contains("5 operations were acknowledged"),
            StoreEvent::Recovered { .. } | StoreEvent::Weak { .. } => false,
        };
        events.lock().iter().any(told)
    });
    assert!(matches!(store.health(), StoreHealth::Failed { .. }));
}

#[test]
fn an_empty_file_is_no_store_and_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    fs::write(&path, b"").unwrap();
    let error = Embedded::open(directory.path(), StoreLimits::default()).unwrap_err();
    assert_eq!(error.code(), "store-corrupt");
    assert!(error.to_string().contains("it is empty"), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    // A half-made store of a process that ended is no obstacle to a new one.
    fs::remove_file(&path).unwrap();
    for half in [&b""[..], b"half a store"] {
        fs::write(path.with_extension("new"), half).unwrap();
        let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
        store.begin(&key(), 0, "<svg/>", Vec::new()).wait().unwrap();
        store.close().unwrap();
        assert!(!path.with_extension("new").exists());
        fs::remove_file(&path).unwrap();
    }
}

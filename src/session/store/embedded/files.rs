//! The file of the store: made, opened, and looked at again after a failure.

use std::fs;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{Database, DatabaseError, StorageError};

use super::tables::prepare;
use super::{CACHE, StoreError};
use crate::store::quota::Accounts;

/// What the store does with files; tests put faults in.
pub(super) trait Files: Send + Sync + std::fmt::Debug {
    /// Opens a database that exists, or makes one. `check` verifies every page.
    fn open(&self, path: &Path, create: bool, check: bool) -> Result<Database, DatabaseError>;

    /// Writes what waits to be written, and forgets what is only in memory: what is read next
    /// comes from the disk. The file must not be open.
    ///
    /// # Errors
    /// What is in memory cannot be written.
    fn forget_cached(&self, path: &Path) -> io::Result<()>;
}

/// Files of the operating system.
#[derive(Debug)]
pub(super) struct Disk;

impl Files for Disk {
    fn open(&self, path: &Path, create: bool, check: bool) -> Result<Database, DatabaseError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(check);
        if create { builder.create(path) } else { builder.open(path) }
    }

    fn forget_cached(&self, path: &Path) -> io::Result<()> {
        let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
        file.sync_all()?;
        // After a failed write the kernel takes its pages for clean, and would answer from them.
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    }
}

/// Opens the store's file, or makes it.
///
/// # Errors
/// [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::Io`].
pub(super) fn open(files: &dyn Files, path: &Path) -> Result<(Database, Accounts), StoreError> {
    match fs::metadata(path) {
        Ok(file) if file.len() == 0 => {
            // A new store gets its name when it is complete: this one has lost what it held.
            let reason = "it is empty, and a store never is".to_owned();
            Err(StoreError::Corrupt { path: path.to_owned(), reason })
        }
        Ok(_) => existing(files, path, false),
        Err(e) if e.kind() == ErrorKind::NotFound => create(files, path),
        Err(e) => Err(failed(path, &e)),
    }
}

/// Opens a file that is there; `check` verifies every page of it.
pub(super) fn existing(
    files: &dyn Files,
    path: &Path,
    check: bool,
) -> Result<(Database, Accounts), StoreError> {
    ready(path, guarded(|| files.open(path, false, check)))
}

/// Makes a store under another name, complete, and then gives it its own: so an empty or a
/// half-made file is never taken for a store.
fn create(files: &dyn Files, path: &Path) -> Result<(Database, Accounts), StoreError> {
    let new = path.with_extension("new");
    let made = match ready(path, guarded(|| files.open(&new, true, false))) {
        Err(StoreError::Corrupt { .. }) => {
            // Left by a process that ended while it made one.
            fs::remove_file(&new).map_err(|e| failed(&new, &e))?;
            ready(path, guarded(|| files.open(&new, true, false)))
        }
        made => made,
    }?;
    // Unlike renaming, linking does not replace the store of whoever was faster.
    let named = fs::hard_link(&new, path);
    match named {
        Ok(()) => {
            let _ = fs::remove_file(&new);
            Ok(made)
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            drop(made);
            let _ = fs::remove_file(&new);
            existing(files, path, false)
        }
        // Not every file system has links.
        Err(_) => fs::rename(&new, path).map_err(|e| failed(path, &e)).map(|()| made),
    }
}

/// redb answers most damage with an error; what it trips over must not take the process along.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn ready(
    path: &Path,
    opened: Option<Result<Database, DatabaseError>>,
) -> Result<(Database, Accounts), StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt { path: path.to_owned(), reason };
    let nonsense = || corrupt("its structure makes no sense".to_owned());
    let database = match opened.ok_or_else(nonsense)? {
        Ok(database) => database,
        Err(DatabaseError::DatabaseAlreadyOpen) => {
            return Err(StoreError::Locked { path: path.to_owned() });
        }
        Err(DatabaseError::Storage(StorageError::Io(e))) if !is_damage(e.kind()) => {
            return Err(failed(path, &e));
        }
        Err(error) => return Err(corrupt(error.to_string())),
    };
    let accounts = guarded(|| prepare(&database)).ok_or_else(nonsense)?.map_err(corrupt)?;
    Ok((database, accounts))
}

pub(super) fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

/// Whether an I/O error says that the file is not what it should be.
fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::InvalidData)
}

//! Where sessions are kept: a trait, the default on disk, one in memory, and one on a server that
//! several replicas share.
//!
//! For each session a store holds the base text, the two newest snapshots, and
//! the records since the older of them. So a damaged snapshot costs nothing,
//! and what a session occupies is bounded.
//!
//! For each tenant it holds a feed of what changed ([`Change`]), which grows in the step that makes a change.

mod checksum;
mod copy;
mod embedded;
mod feed;
mod memory;
mod pending;
mod quota;
mod remote;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use copy::{Copied, copy};
pub use embedded::{Embedded, FILE};
pub use feed::{After, BadPlace, CHANGES_KEPT, Change, ChangeKind, Changes, Place};
pub use memory::Memory;
pub use pending::{Acknowledge, Pending};
pub use remote::{Remote, RemoteOptions};

/// Bytes in the name of a tenant or a session.
const KEY_BYTES: usize = 128;

/// Which session: whose, and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    tenant: String,
    name: String,
}

impl Key {
    /// A key. Both parts are 1 to 128 bytes without control characters.
    ///
    /// # Errors
    /// [`StoreError::BadKey`].
    pub fn new(tenant: &str, name: &str) -> Result<Key, StoreError> {
        let good = |part: &str| {
            !part.is_empty() && part.len() <= KEY_BYTES && !part.chars().any(char::is_control)
        };
        if good(tenant) && good(name) {
            Ok(Key { tenant: tenant.to_owned(), name: name.to_owned() })
        } else {
            Err(StoreError::BadKey)
        }
    }

    /// Whose it is.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The name within the tenant.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn encode(&self) -> String {
        format!("{}\0{}", self.tenant, self.name)
    }

    fn decode(text: &str) -> Option<Key> {
        let (tenant, name) = text.split_once('\0')?;
        Key::new(tenant, name).ok()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

/// How much a store may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreLimits {
    /// Sessions, all tenants together.
    pub sessions: u64,
    /// Sessions of one tenant.
    pub sessions_per_tenant: u64,
    /// Bytes of one session: text, snapshots and records.
    pub session_bytes: u64,
    /// Bytes of all sessions.
    pub bytes: u64,
    /// Bytes that wait to be written before more is refused.
    pub queued_bytes: u64,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        const MIB: u64 = 1024 * 1024;
        StoreLimits {
            sessions: 10_000,
            sessions_per_tenant: 1_000,
            session_bytes: 128 * MIB,
            bytes: 8 * 1024 * MIB,
            queued_bytes: 256 * MIB,
        }
    }
}

/// A session as it was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The base text.
    pub text: String,
    /// The newest readable snapshot and its sequence.
    pub snapshot: (u64, Vec<u8>),
    /// The records after it, in order and without gaps.
    pub records: Vec<(u64, Vec<u8>)>,
    /// The last sequence that was acknowledged; records from the last one readable to here are lost.
    pub last: u64,
    /// What could not be read.
    pub damage: Vec<Damage>,
}

/// Something stored that can no longer be read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// `snapshot` or `record`.
    pub what: &'static str,
    /// Its sequence.
    pub sequence: u64,
    /// How many acknowledged operations are lost with it.
    pub lost: u64,
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The session.
    pub key: Key,
    /// The last sequence acknowledged.
    pub last: u64,
    /// What it occupies.
    pub bytes: u64,
}

/// Keeps sessions. Every write is acknowledged by its [`Pending`], once it would survive the
/// end of the process; writes to one session take effect in the order they were made.
///
/// Sequences order the writes of a session: the store refuses one that does not follow the
/// last, so two writers of one session cannot overwrite each other unseen.
pub trait Store: Send + Sync + fmt::Debug {
    /// Reads a session, with every write made before the call; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError`]; damage that leaves something to work with is no error but in
    /// [`Stored::damage`].
    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreError>;

    /// Begins a session, or begins it anew, with a base text and a snapshot on it. `sequence`
    /// is greater than the last one, if there is one. It is an entry of the tenant's feed.
    fn begin(&self, key: &Key, sequence: u64, text: &str, snapshot: Vec<u8>) -> Pending;

    /// Appends a record. `sequence` is the last one plus one. It is an entry of the tenant's feed.
    fn append(&self, key: &Key, sequence: u64, record: Vec<u8>) -> Pending;

    /// Stores a snapshot at the last sequence, and no other, and drops what it makes superfluous. What the
    /// write before it failed with is in a snapshot that was made with it, and must not come in by that.
    fn snapshot(&self, key: &Key, sequence: u64, snapshot: Vec<u8>) -> Pending;

    /// Forgets a session. Where there was one, it is an entry of the tenant's feed.
    fn delete(&self, key: &Key) -> Pending;

    /// The sessions of a tenant, or all.
    ///
    /// # Errors
    /// [`StoreError`] when the store is closed or cannot be read.
    fn list(&self, tenant: Option<&str>) -> Result<Vec<Listing>, StoreError>;

    /// The name among the tenant's sessions that `key` was probably meant to be: for a hint, so it
    /// waits for no write and gives up where there are very many.
    fn nearest(&self, key: &Key) -> Option<String>;

    /// The entries of a tenant's feed after a place, the oldest first and `most` at the most; with every
    /// write that was acknowledged before the call.
    ///
    /// # Errors
    /// [`StoreError::ChangesLost`] where what came after the place is not there any more, or never was in this
    /// store.
    fn changes(&self, tenant: &str, after: After, most: usize) -> Result<Changes, StoreError>;

    /// The newest entry in the feed of each of the tenants, for who waits for the next ones.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not say.
    fn newest_changes(&self, tenants: &[&str]) -> Result<Vec<Place>, StoreError>;

    /// Waits until every write made before the call has been acknowledged or refused.
    ///
    /// # Errors
    /// [`StoreError`] when the store is closed or broken.
    fn flush(&self) -> Result<(), StoreError>;

    /// Whether writing works, as far as is known.
    fn health(&self) -> StoreHealth {
        StoreHealth::Working
    }

    /// Why what the store acknowledges may be lost all the same, where it may.
    fn weakness(&self) -> Option<String> {
        None
    }

    /// Whether other processes have the same store.
    fn is_shared(&self) -> bool {
        false
    }

    /// Takes a session for this process, or holds on to it, where several share the store: what
    /// was read of it since is the newest there is. Answers by which epoch; what was read by
    /// another one is to be read again.
    ///
    /// # Errors
    /// [`StoreError::Elsewhere`] while another process has it.
    fn hold(&self, _key: &Key) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Whether a session is still held as [`Store::hold`] said, as far as is known without asking.
    fn is_held(&self, _key: &Key, _epoch: u64) -> bool {
        true
    }

    /// As [`Store::hold`], from a process `gone` that is known to be no more.
    ///
    /// # Errors
    /// [`StoreError::Elsewhere`] while another process has it.
    fn take_from(&self, _key: &Key, _gone: &str) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Nothing of a session is kept in memory any more; it stays this process's.
    fn forget(&self, _key: &Key) {}

    /// Lets whichever process asks first have a session.
    ///
    /// # Errors
    /// [`StoreError`]; it is let go when the lease ends.
    fn release(&self, _key: &Key) -> Result<(), StoreError> {
        Ok(())
    }

    /// Gives a session to the process `to`, once what was written before is durable: it is that one's
    /// from then on, and what this one would still write is refused. Not where it was given by anybody
    /// within `rest`, and the longer the oftener it was given.
    ///
    /// # Errors
    /// [`StoreError`]; it is not known then whose it is.
    fn give(&self, _key: &Key, _to: &str, _rest: Duration) -> Result<Given, StoreError> {
        Ok(Given::NotHeld)
    }

    /// Where a process that shares the store is reached, as it announced; `None` when it does not
    /// live.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not say.
    fn reached_at(&self, _replica: &str) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Sessions that were taken from another process since the store was opened.
    fn takings(&self) -> u64 {
        0
    }

    /// Says where the processes that share the store reach this one.
    fn announce(&self, _address: &str) {}

    /// This process will end: the others may have its sessions, as many as are answered. What runs can
    /// go on.
    fn leave(&self) -> usize {
        0
    }

    /// Flushes and lets go of whatever the store holds. Later calls fail with [`StoreError::Closed`].
    ///
    /// # Errors
    /// [`StoreError`] when something could not be flushed.
    fn close(&self) -> Result<(), StoreError>;
}

/// What came of giving a session to another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// It is that one's.
    Done,
    /// It was given not long ago.
    TooSoon,
    /// The other one does not live.
    Gone,
    /// It is not this process's.
    NotHeld,
}

/// Whether a store takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreHealth {
    /// It does.
    Working,
    /// It failed and tries to go on by itself.
    Failed {
        /// What the file system or the database said.
        reason: String,
        /// For how long.
        since: Duration,
    },
}

/// What a store tells whoever watches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// It takes nothing any more, or for another reason than before.
    Failed {
        /// What the file system or the database said.
        reason: String,
    },
    /// What it acknowledges may be lost, and why; or no longer.
    Weak {
        /// Each setting that is wrong.
        reason: Option<String>,
    },
    /// It works again, verified.
    Recovered {
        /// For how long it did not.
        after: Duration,
        /// How often it tried.
        tries: u32,
    },
}

/// Hears of every [`StoreEvent`], on the thread where it happens.
pub type Watcher = Box<dyn Fn(&StoreEvent) + Send + Sync>;

/// Why a store did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store is closed.
    #[error("the session store is closed")]
    Closed,
    /// A tenant or a name that cannot be one.
    #[error("tenant and session names are 1 to 128 bytes without control characters")]
    BadKey,
    /// Another process has the store.
    #[error("{} is in use by another process", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The store as a whole cannot be read.
    #[error(
        "{} is damaged ({reason}); restore it from a backup, or move it away to begin anew",
        .path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// One session cannot be read.
    #[error("the {what} of session {session:?} is damaged")]
    Damaged {
        /// The session.
        session: String,
        /// What of it.
        what: &'static str,
    },
    /// The file system or the database failed.
    #[error("the session store failed: {0}")]
    Io(String),
    /// It failed before and has not recovered yet. A write that was refused so may have
    /// happened, as after any broken connection to a database.
    #[error("the session store failed and takes nothing until it can write again: {reason}")]
    Unavailable {
        /// What the file system or the database said.
        reason: String,
        /// When it tries again.
        retry_after: Duration,
    },
    /// A limit was reached.
    #[error("{what}: {seen}; the limit is {limit}")]
    Full {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What it would be.
        seen: u64,
    },
    /// Writes come in faster than the disk takes them.
    #[error("{seen} bytes wait to be written; the limit is {limit}")]
    Busy {
        /// The limit.
        limit: u64,
        /// What it would be.
        seen: u64,
    },
    /// A write that does not follow the last one: somebody else wrote, or a write before failed.
    #[error("sequence {seen} does not follow {last}")]
    OutOfOrder {
        /// The last sequence of the session.
        last: u64,
        /// The one given.
        seen: u64,
    },
    /// Another process has the session.
    #[error("the session {key} is edited by replica {owner}, at {address:?}")]
    Elsewhere {
        /// The session.
        key: Box<Key>,
        /// Which.
        owner: String,
        /// Where it is reached; empty where it is not.
        address: String,
    },
    /// Another process has taken the session since: the write has not happened.
    #[error("another replica has taken the session")]
    Fenced,
    /// The server of the store is set so that what it acknowledges could be lost.
    #[error("the session store is not safe: {reason}")]
    Weak {
        /// Each setting that is wrong, and what it is to be.
        reason: String,
    },
    /// Entries of a feed that are not kept any more, or were made by a store of another past.
    #[error("what changed after that place is not known any more")]
    ChangesLost {
        /// After what the feed goes on: the newest entry that there is.
        next: Place,
    },
    /// A record or a snapshot for a session that was not begun.
    #[error("no such session")]
    NoSession,
}

impl StoreError {
    /// A stable code for problem documents, logs and labels.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Closed => "store-closed",
            StoreError::BadKey => "bad-session-name",
            StoreError::Locked { .. } => "store-locked",
            StoreError::Corrupt { .. } => "store-corrupt",
            StoreError::Damaged { .. } => "session-damaged",
            StoreError::Io(_) | StoreError::Unavailable { .. } => "store-failed",
            StoreError::Full { .. } => "store-full",
            StoreError::Busy { .. } => "store-busy",
            StoreError::OutOfOrder { .. } => "session-conflict",
            StoreError::Elsewhere { .. } => "session-elsewhere",
            StoreError::Fenced => "session-fenced",
            StoreError::Weak { .. } => "store-weak",
            StoreError::ChangesLost { .. } => "changes-lost",
            StoreError::NoSession => "no-session",
        }
    }
}

//! The store that several replicas share: a server that speaks the protocol of Redis (Redis 7.0 and
//! newer, Valkey), with an append-only file that is flushed for every write.
//!
//! Every write is one call of one script, which fences, orders and counts. One thread sends what
//! has come in meanwhile in one piece: the server flushes its file once for what it has read
//! together, so many sessions share the cost, as in the store on disk.
//!
//! A session has one owner at a time ([`lease`]). What is acknowledged is on the disk of the one
//! primary; it is not lost as long as that disk is not. There is no failover to a replica of the
//! server: it would lose what the replica had not heard of.

mod feed;
mod gate;
mod keys;
mod lease;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use parking_lot::Mutex;
use redis::{Client, Cmd, Value};
use svgx_base::budget::{Clock as _, Monotonic, Time};
use svgx_base::deep_span;
use svgx_base::nearest::nearest;
use svgx_redis::{Broken, Link};

use self::keys::{SCRIPT, list, names, pairs, part, text};
use self::lease::Leases;
use self::writer::{Request, Sized, Write};
use super::checksum::{self, Kind, OVERHEAD};
use super::{
    After, Changes, Damage, Given, Key, Listing, Pending, Place, Store, StoreError, StoreEvent,
    StoreHealth, StoreLimits, Stored, Watcher,
};

/// Writes that may wait.
const QUEUE: usize = 16 * 1024;
/// For how long a write is sent again while the server does not answer, before it fails.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries: a small part of what a takeover may take, which waits for the server as well.
const RETRY: Duration = Duration::from_millis(25);
/// When a client may ask again that was refused.
const AGAIN: Duration = Duration::from_millis(500);
/// Connections for reading and taking.
const LINKS: usize = 4;
/// Sessions that are asked about together.
const ASKED: usize = 1_000;
/// Sessions whose names a hint looks at.
const COMPARED: usize = 10_000;

/// Where the server is, and who asks.
#[derive(Clone)]
pub struct RemoteOptions {
    /// `redis://user:password@host:port/database`, or `rediss://`.
    pub url: String,
    /// This replica: never the same for two processes, one after the other included.
    pub replica: String,
    /// Where the other replicas reach it.
    pub address: String,
    /// Takes a server that does not say how it is set for one that is set well.
    pub trust: bool,
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RemoteOptions { replica, address, trust, .. } = self;
        let mut shown = f.debug_struct("RemoteOptions");
        // The address of the server may hold a password.
        shown.field("replica", replica).field("address", address).field("trust", trust);
        shown.finish_non_exhaustive()
    }
}

/// Sessions on a server.
#[derive(Debug)]
pub struct Remote {
    queued: Arc<AtomicU64>,
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    sender: SyncSender<Request>,
    writer: JoinHandle<()>,
    stop: Sender<()>,
    keeper: JoinHandle<()>,
}

/// What the threads have in common.
struct Shared {
    options: RemoteOptions,
    limits: StoreLimits,
    clock: Monotonic,
    watcher: Watcher,
    links: [Mutex<Link>; LINKS],
    /// The connection that says that this replica lives.
    beat: Mutex<Link>,
    address: Mutex<String>,
    leases: Leases,
    /// Until when this replica is certain to count as alive.
    valid: AtomicU64,
    leaving: AtomicBool,
    closed: AtomicBool,
    /// Sessions that were somebody else's before.
    takings: AtomicU64,
    failure: Mutex<Option<Failure>>,
    weak: Mutex<Option<String>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { options, failure, .. } = self;
        f.debug_struct("Shared").field("options", options).field("failure", failure).finish()
    }
}

#[derive(Debug)]
struct Failure {
    reason: String,
    since: Time,
}

impl Shared {
    fn fail(&self, reason: String) {
        let since = self.clock.now();
        {
            let mut failure = self.failure.lock();
            if failure.is_some() {
                return;
            }
            *failure = Some(Failure { reason: reason.clone(), since });
        }
        (self.watcher)(&StoreEvent::Failed { reason });
    }

    fn recovered(&self) {
        let failure = self.failure.lock().take();
        if let Some(Failure { since, .. }) = failure {
            let after = self.clock.now().since(since);
            (self.watcher)(&StoreEvent::Recovered { after, tries: 1 });
        }
    }

    /// Why calls are refused.
    fn unavailable(&self) -> Option<StoreError> {
        self.failure.lock().as_ref().map(|failure| StoreError::Unavailable {
            reason: failure.reason.clone(),
            retry_after: AGAIN,
        })
    }

    /// Asks over any connection.
    fn send(&self, commands: impl Fn(&str) -> redis::Pipeline) -> Result<Vec<Value>, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        if let Some(error) = self.unavailable() {
            return Err(error);
        }
        let free = self.links.iter().find_map(|link| link.try_lock());
        let sent = match (free, self.links.first()) {
            (Some(mut link), _) => link.send_again(commands),
            (None, Some(link)) => link.lock().send_again(commands),
            (None, None) => Err(Broken("no connection".to_owned())),
        };
        sent.map_err(|Broken(reason)| {
            self.fail(reason.clone());
            self.unavailable().unwrap_or(StoreError::Io(reason))
        })
    }

    fn ask(&self, command: impl Fn(&str) -> Cmd) -> Result<Value, StoreError> {
        let mut values = self.send(|script| {
            let mut commands = redis::pipe();
            commands.add_command(command(script));
            commands
        })?;
        values.pop().ok_or_else(|| StoreError::Io("no answer".to_owned()))
    }
}

impl Remote {
    /// Opens the store, once the server is found to keep what it acknowledges.
    ///
    /// # Errors
    /// [`StoreError::Weak`] with the setting to change, [`StoreError::Io`] when the server does not
    /// answer within ten seconds.
    pub fn open(
        options: RemoteOptions,
        limits: StoreLimits,
        watcher: Watcher,
    ) -> Result<Remote, StoreError> {
        let failed = |e: &dyn fmt::Display| StoreError::Io(e.to_string());
        let client = Client::open(options.url.as_str()).map_err(|e| failed(&e))?;
        let link = || Link::new(client.clone(), SCRIPT);
        let mut first = link();
        gate::refuse(&gate::first_answer(&mut first, options.trust)?)?;
        let shared = Arc::new(Shared {
            address: Mutex::new(options.address.clone()),
            options,
            limits,
            clock: Monotonic::new(),
            watcher,
            links: std::array::from_fn(|_| Mutex::new(link())),
            beat: Mutex::new(first),
            leases: Leases::default(),
            valid: AtomicU64::new(0),
            leaving: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            takings: AtomicU64::new(0),
            failure: Mutex::new(None),
            weak: Mutex::new(None),
        });
        let alive = shared.renew(&mut shared.beat.lock());
        alive.map_err(|Broken(reason)| StoreError::Io(reason))?;
        let queued = Arc::new(AtomicU64::new(0));
        let (sender, receiver) = sync_channel(QUEUE);
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let writer = named("session-store").spawn({
            let (shared, queued, link) = (Arc::clone(&shared), Arc::clone(&queued), link());
            move || writer::write_all(&receiver, &shared, &queued, link)
        });
        let (stop, stopped) = channel();
        let keeper = named("session-lease").spawn({
            let shared = Arc::clone(&shared);
            move || shared.keep(&stopped)
        });
        let (writer, keeper) = (writer.map_err(|e| failed(&e))?, keeper.map_err(|e| failed(&e))?);
        let threads = Mutex::new(Some(Threads { sender, writer, stop, keeper }));
        Ok(Remote { queued, shared, threads })
    }

    fn write(&self, key: &Key, bytes: usize, write: impl FnOnce(u64) -> Write) -> Pending {
        if let Some(error) = self.shared.unavailable() {
            return Pending::ready(Err(error));
        }
        let epoch = match self.shared.epoch(key) {
            Ok(Some(epoch)) => Ok(epoch),
            Ok(None) => self.take(key, ""),
            Err(error) => Err(error),
        };
        match epoch {
            Ok(epoch) => self.enqueue(write(epoch), bytes),
            Err(error) => Pending::ready(Err(error)),
        }
    }

    /// Takes a session, once what was written before is: the end of a session ends its lease.
    fn take(&self, key: &Key, gone: &str) -> Result<u64, StoreError> {
        self.flush()?;
        self.shared.claim(key, gone)
    }

    fn enqueue(&self, write: Write, bytes: usize) -> Pending {
        let bytes = bytes as u64;
        let sender = self.threads.lock().as_ref().map(|threads| threads.sender.clone());
        let Some(sender) = sender else { return Pending::ready(Err(StoreError::Closed)) };
        let limit = self.shared.limits.queued_bytes;
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

    /// The sessions of a tenant by their names, in an order of their own.
    fn names(&self, tenant: &str) -> Result<Vec<String>, StoreError> {
        let found = self.shared.ask(|_| {
            let mut command = redis::cmd("SMEMBERS");
            command.arg(names(tenant));
            command
        })?;
        Ok(list(&found).iter().filter_map(text).collect())
    }
}

impl Store for Remote {
    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        self.flush()?;
        let values = self.shared.send(|_| {
            let mut commands = redis::pipe();
            // As of one moment.
            commands.cmd("MULTI");
            commands.cmd("HGETALL").arg(part(key, "meta"));
            commands.cmd("GET").arg(part(key, "text"));
            commands.cmd("HGETALL").arg(part(key, "snaps"));
            commands.cmd("XRANGE").arg(part(key, "log")).arg("-").arg("+");
            commands.cmd("EXEC");
            commands
        })?;
        let parts = values.last().map(list).unwrap_or_default();
        let [meta, text, snapshots, log] = parts else {
            return Err(StoreError::Io("an answer that is none".to_owned()));
        };
        read(key, meta, text, snapshots, log, self.shared.limits.session_bytes)
    }

    fn begin(&self, key: &Key, sequence: u64, text: &str, snapshot: Vec<u8>) -> Pending {
        let bytes = text.len() + snapshot.len();
        let sealed = checksum::seal(Kind::Text, place(key), 0, &packed(text));
        let snapshot = checksum::seal(Kind::Snapshot, place(key), sequence, &snapshot);
        // Counted as it came, so that what fits does not depend on how well it packs.
        let text = Sized { stored: sealed, counts: (text.len() + OVERHEAD) as u64 };
        let named = key.clone();
        self.write(key, bytes, |epoch| Write::Begin { key: named, epoch, sequence, text, snapshot })
    }

    fn append(&self, key: &Key, sequence: u64, record: Vec<u8>) -> Pending {
        let bytes = record.len();
        let record = checksum::seal(Kind::Record, place(key), sequence, &record);
        let named = key.clone();
        self.write(key, bytes, |epoch| Write::Append { key: named, epoch, sequence, record })
    }

    fn snapshot(&self, key: &Key, sequence: u64, snapshot: Vec<u8>) -> Pending {
        let bytes = snapshot.len();
        let snapshot = checksum::seal(Kind::Snapshot, place(key), sequence, &snapshot);
        let named = key.clone();
        self.write(key, bytes, |epoch| Write::Snapshot { key: named, epoch, sequence, snapshot })
    }

    fn delete(&self, key: &Key) -> Pending {
        let named = key.clone();
        let pending = self.write(key, 0, |epoch| Write::Delete { key: named, epoch });
        // Its epoch ends with it.
        self.shared.leases.forget(key);
        pending
    }

    fn changes(&self, tenant: &str, after: After, most: usize) -> Result<Changes, StoreError> {
        self.shared.changes(tenant, after, most)
    }

    fn newest_changes(&self, tenants: &[&str]) -> Result<Vec<Place>, StoreError> {
        self.shared.newest_changes(tenants)
    }

    fn list(&self, tenant: Option<&str>) -> Result<Vec<Listing>, StoreError> {
        self.flush()?;
        let tenants = match tenant {
            Some(tenant) => vec![tenant.to_owned()],
            None => {
                let found = self.shared.ask(|_| {
                    let mut command = redis::cmd("HKEYS");
                    command.arg(keys::TENANTS);
                    command
                })?;
                list(&found).iter().filter_map(text).collect()
            }
        };
        let mut all = Vec::new();
        for tenant in &tenants {
            let names = self.names(tenant)?;
            all.extend(names.iter().filter_map(|name| Key::new(tenant, name).ok()));
        }
        all.sort();
        let mut listings = Vec::with_capacity(all.len());
        for some in all.chunks(ASKED) {
            let values = self.shared.send(|_| {
                let mut commands = redis::pipe();
                for key in some {
                    commands.cmd("HMGET").arg(part(key, "meta")).arg("last");
                    for field in ["text", "sb", "rb", "sb0", "rb0"] {
                        commands.arg(field);
                    }
                }
                commands
            })?;
            for (key, value) in some.iter().zip(&values) {
                let numbers = list(value).iter().map(|v| text(v).and_then(|t| t.parse().ok()));
                let mut numbers = numbers.collect::<Vec<Option<u64>>>().into_iter();
                // Deleted since its name was read.
                let Some(last) = numbers.next().flatten() else { continue };
                let bytes = numbers.flatten().sum();
                listings.push(Listing { key: key.clone(), last, bytes });
            }
        }
        Ok(listings)
    }

    fn nearest(&self, key: &Key) -> Option<String> {
        let names = self.names(key.tenant()).ok()?;
        nearest(key.name(), names.iter().take(COMPARED).map(String::as_str)).map(str::to_owned)
    }

    fn flush(&self) -> Result<(), StoreError> {
        if let Some(error) = self.shared.unavailable() {
            return Err(error);
        }
        // Waits for its turn where a write would be refused: it asks for no room.
        let sender = self.threads.lock().as_ref().map(|threads| threads.sender.clone());
        let sender = sender.ok_or(StoreError::Closed)?;
        let (acknowledge, pending) = Pending::channel();
        let span = deep_span!(@ "flush");
        let flush = Request { write: Write::Flush, bytes: 0, acknowledge, span };
        sender.send(flush).map_err(|_| StoreError::Closed)?;
        drop(sender);
        pending.wait()
    }

    fn health(&self) -> StoreHealth {
        let now = self.shared.clock.now();
        self.shared.failure.lock().as_ref().map_or(StoreHealth::Working, |failure| {
            StoreHealth::Failed { reason: failure.reason.clone(), since: now.since(failure.since) }
        })
    }

    fn weakness(&self) -> Option<String> {
        self.shared.weak.lock().clone()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn takings(&self) -> u64 {
        self.shared.takings.load(Ordering::Relaxed)
    }

    fn hold(&self, key: &Key) -> Result<u64, StoreError> {
        match self.shared.held(key) {
            Some(epoch) => Ok(epoch),
            None => self.take(key, ""),
        }
    }

    fn is_held(&self, key: &Key, epoch: u64) -> bool {
        self.shared.is_held(key, epoch)
    }

    fn take_from(&self, key: &Key, gone: &str) -> Result<u64, StoreError> {
        self.take(key, gone)
    }

    fn forget(&self, key: &Key) {
        self.shared.leases.forget(key);
    }

    fn release(&self, key: &Key) -> Result<(), StoreError> {
        self.shared.release(key)
    }

    fn reached_at(&self, replica: &str) -> Result<Option<String>, StoreError> {
        self.shared.reached_at(replica)
    }

    fn announce(&self, address: &str) {
        *self.shared.address.lock() = address.to_owned();
        let mut link = self.shared.beat.lock();
        // If it fails, it is announced by the next renewal.
        drop(self.shared.renew(&mut link));
    }

    fn give(&self, key: &Key, to: &str, rest: Duration) -> Result<Given, StoreError> {
        // What is on its way carries the epoch that ends now.
        self.flush()?;
        self.shared.give(key, to, rest)
    }

    fn leave(&self) -> usize {
        self.shared.leave()
    }

    fn close(&self) -> Result<(), StoreError> {
        let Some(Threads { sender, writer, stop, keeper }) = self.threads.lock().take() else {
            return Ok(());
        };
        // The thread ends when it has written everything and the last sender is gone.
        drop(sender);
        let ended = writer.join();
        drop(stop);
        let kept = keeper.join();
        self.shared.leave();
        self.shared.closed.store(true, Ordering::Release);
        let died = |_| StoreError::Io("a thread of the store died".to_owned());
        ended.and(kept).map_err(died)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Which session a payload belongs to, for its checksum.
fn place(key: &Key) -> u64 {
    let hash = blake3::hash(key.encode().as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let written = encoder.write_all(text.as_bytes());
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

fn unpacked(bytes: &[u8], limit: u64) -> Option<String> {
    let mut text = String::new();
    let read = ZlibDecoder::new(bytes).take(limit + 1).read_to_string(&mut text).ok()?;
    (read as u64 <= limit).then_some(text)
}

/// A session from what the server has of it.
fn read(
    key: &Key,
    meta: &Value,
    packed: &Value,
    snapshots: &Value,
    log: &Value,
    limit: u64,
) -> Result<Option<Stored>, StoreError> {
    let damaged = |what| StoreError::Damaged { session: key.to_string(), what };
    let meta: BTreeMap<String, String> =
        pairs(meta).filter_map(|(field, value)| Some((text(field)?, text(value)?))).collect();
    if meta.is_empty() {
        return Ok(None);
    }
    let last = meta.get("last").and_then(|last| last.parse().ok());
    let last: u64 = last.ok_or_else(|| damaged("entry"))?;
    let place = place(key);
    let bytes = |value: &Value| match value {
        Value::BulkString(bytes) => Some(bytes.clone()),
        _ => None,
    };
    let base = bytes(packed)
        .and_then(|sealed| unpacked(checksum::open(Kind::Text, place, 0, &sealed)?, limit));
    let base = base.ok_or_else(|| damaged("text"))?;
    let mut stored = Stored { text: base, last, ..Stored::default() };
    let kept: BTreeMap<u64, Vec<u8>> = pairs(snapshots)
        .filter_map(|(at, sealed)| Some((text(at)?.parse().ok()?, bytes(sealed)?)))
        .collect();
    let mut found = None;
    for (sequence, sealed) in kept.iter().rev() {
        match checksum::open(Kind::Snapshot, place, *sequence, sealed) {
            Some(payload) => {
                found = Some((*sequence, payload.to_vec()));
                break;
            }
            None => {
                let damage = Damage { what: "snapshot", sequence: *sequence, lost: 0 };
                stored.damage.push(damage);
            }
        }
    }
    stored.snapshot = found.ok_or_else(|| damaged("snapshots"))?;
    let mut next = stored.snapshot.0 + 1;
    for entry in list(log) {
        let [id, fields] = list(entry) else { continue };
        let sequence = text(id).and_then(|id| id.split_once('-')?.1.parse::<u64>().ok());
        let Some(sequence) = sequence.filter(|sequence| *sequence >= next) else { continue };
        let sealed = list(fields).get(1).and_then(bytes);
        let payload = sealed
            .as_deref()
            .and_then(|sealed| checksum::open(Kind::Record, place, sequence, sealed));
        let (true, Some(payload)) = (sequence == next, payload) else { break };
        stored.records.push((sequence, payload.to_vec()));
        next += 1;
    }
    if next <= last {
        stored.damage.push(Damage { what: "record", sequence: next, lost: last + 1 - next });
    }
    Ok(Some(stored))
}

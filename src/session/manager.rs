//! All sessions of a process: found by key, edited one operation at a time, acknowledged when
//! durable.

mod pictures;
mod recovery;
mod replicas;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use self::recovery::recover;
use super::editing::{EMPTY, Session};
use super::error::Error;
use super::operation::Operation;
use super::outcome::{Effect, Outcome, State};
use super::record::Record;
use super::snapshot::Snapshot;
use super::store::{Damage, Key, Pending, Store, StoreError, Stored};
use super::tiles::Pictures;
use super::together::{Author, Participant, ResetReason, SharedRoom};
use svgx_base::budget::{Budget, Clock, Time};
use svgx_base::deep_span;
use svgx_engine::document::Limits;
use svgx_tiles::Live;

const SHARDS: usize = 16;

/// How sessions are kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sessions in memory; the least recently used go to the store.
    pub live: usize,
    /// Bytes of source text of the sessions in memory.
    pub live_bytes: u64,
    /// Records after which a snapshot is stored.
    pub snapshot_records: u64,
    /// Bytes of records after which a snapshot is stored.
    pub snapshot_bytes: u64,
    /// Sessions that nobody touched for so long are deleted; `None`: never.
    pub idle: Option<Duration>,
    /// Limits of the documents.
    pub limits: Arc<Limits>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            live: 1_000,
            live_bytes: 256 * 1024 * 1024,
            snapshot_records: 256,
            snapshot_bytes: 1024 * 1024,
            idle: None,
            limits: Arc::new(Limits::default()),
        }
    }
}

/// The sessions of a process.
#[derive(Debug)]
pub struct Sessions {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    options: Options,
    hasher: RandomState,
    shards: [Mutex<HashMap<Key, Arc<Slot>>>; SHARDS],
    /// Whether something came in since room was made last.
    has_grown: AtomicBool,
    /// When sessions that left memory were last used; kept only where idle ones are deleted.
    evicted: Mutex<HashMap<Key, Time>>,
    started: Time,
    pictures: Pictures,
}

/// The place of one session. Whoever holds the lock has the session.
#[derive(Debug, Default)]
pub(super) struct Slot {
    live: Mutex<Option<OpenSession>>,
    /// When it was last asked for.
    used: AtomicU64,
    /// Bytes of source text, 0 when nothing is loaded.
    weight: AtomicU64,
    /// Who is told what happens.
    room: SharedRoom,
}

#[derive(Debug)]
pub(super) struct OpenSession {
    pub(super) session: Session,
    pub(super) room: SharedRoom,
    /// The clock when the session was opened, and the session time then.
    opened: (Time, Time),
    /// What it is held by, where several processes share the store.
    epoch: u64,
    /// Whether the store knows the session.
    stored: bool,
    /// The last write on its way.
    pub(super) last: Pending,
    /// Records and bytes since the last snapshot.
    since: (u64, u64),
    damage: Vec<Damage>,
    /// The picture, once somebody has asked for it.
    picture: Option<Box<Live>>,
}

/// An operation that is done in memory and on its way to the store. The outcome is handed out
/// when it would survive the end of the process.
#[derive(Debug)]
#[must_use = "an operation counts when it is acknowledged"]
pub struct Unacknowledged {
    outcome: Outcome,
    pending: Pending,
    /// Whether it was done before, and this is the first answer.
    repeated: bool,
}

impl Unacknowledged {
    /// Waits for the store without blocking the thread.
    ///
    /// # Errors
    /// [`Error::Store`]: the operation has not happened.
    pub async fn acknowledged(self) -> Result<Outcome, Error> {
        self.pending.await?;
        Ok(self.outcome)
    }

    /// Whether it was done before, and this is the first answer.
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// The outcome, and the write that has to end well before it counts.
    pub fn into_parts(self) -> (Outcome, Pending) {
        (self.outcome, self.pending)
    }

    /// Waits for the store, blocking the thread.
    ///
    /// # Errors
    /// [`Error::Store`]: the operation has not happened.
    pub fn wait(self) -> Result<Outcome, Error> {
        self.pending.wait()?;
        Ok(self.outcome)
    }
}

impl Sessions {
    /// The sessions kept in `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, options: Options) -> Sessions {
        let started = clock.now();
        Sessions {
            store,
            clock,
            options,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            has_grown: AtomicBool::new(false),
            evicted: Mutex::default(),
            started,
            pictures: Pictures::default(),
        }
    }

    /// Does one operation. A session that does not exist yet begins with an empty drawing.
    ///
    /// # Errors
    /// See [`Error`]; the session is then as it was.
    pub fn apply(
        &self,
        key: &Key,
        operation: &Operation,
        budget: &Budget,
    ) -> Result<Unacknowledged, Error> {
        self.apply_by(key, &Author::default(), operation, budget)
    }

    /// The same, as a participant's operation. One that had its id before is not done again: its
    /// first answer is given.
    ///
    /// # Errors
    /// See [`Error`]; the session is then as it was.
    pub fn apply_by(
        &self,
        key: &Key,
        author: &Author,
        operation: &Operation,
        budget: &Budget,
    ) -> Result<Unacknowledged, Error> {
        if !author.has_good_id() {
            let id = author.id.iter().flat_map(|id| id.chars()).take(64).collect();
            return Err(Error::BadId {
                id,
                reason: "has not 1 to 64 bytes without control characters",
            });
        }
        let done = self.with(key, budget, |open| match operation {
            Operation::Load { content } => self.load(key, open, content, author, budget),
            _ => self.edit(key, open, author, operation, budget),
        });
        self.evict();
        done
    }

    /// Begins a session with a drawing; `None` where there is one of that name. Of several at the
    /// same moment one begins it.
    ///
    /// # Errors
    /// See [`Error`]; there is no session then.
    pub fn create(
        &self,
        key: &Key,
        content: &str,
        budget: &Budget,
    ) -> Result<Option<Unacknowledged>, Error> {
        let done = self.with(key, budget, |open| match open.session.sequence() {
            0 => self.load(key, open, content, &Author::default(), budget).map(Some),
            _ => Ok(None),
        });
        self.evict();
        done
    }

    /// The interactive state of a session; of an empty one, if there is none.
    ///
    /// # Errors
    /// [`Error::Store`] and whatever keeps a stored session from being read.
    pub fn state(&self, key: &Key, budget: &Budget) -> Result<State, Error> {
        let seen = self.with(key, budget, |open| {
            open.session.know_networks(budget);
            Ok(open.session.state_of(&Participant::default()))
        });
        self.evict();
        seen
    }

    /// Looks at a session, edits included. What it sees may still be on its way to the store.
    ///
    /// # Errors
    /// [`Error::Store`] and whatever keeps a stored session from being read.
    pub fn read<T>(
        &self,
        key: &Key,
        budget: &Budget,
        look: impl FnOnce(&Session) -> T,
    ) -> Result<T, Error> {
        let seen = self.with(key, budget, |open| Ok(look(&open.session)));
        self.evict();
        seen
    }

    /// What could not be read of a session when it was last fetched from the store.
    ///
    /// # Errors
    /// [`Error::Store`] and whatever keeps a stored session from being read.
    pub fn damage(&self, key: &Key, budget: &Budget) -> Result<Vec<Damage>, Error> {
        self.with(key, budget, |open| Ok(open.damage.clone()))
    }

    /// Forgets a session, in memory and in the store.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn delete(&self, key: &Key) -> Result<Pending, Error> {
        let slot = self.slot(key);
        // Under the session's lock, so that no write slips in behind.
        let mut kept = slot.live.lock();
        self.held(key, &slot, &mut kept)?;
        *kept = None;
        slot.weight.store(0, Ordering::Relaxed);
        slot.room.lock().close("deleted");
        Ok(self.store.delete(key))
    }

    /// How many sessions are in memory.
    pub fn live(&self) -> usize {
        self.shards.iter().map(|s| s.lock().len()).sum()
    }

    /// The store behind.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Deletes what nobody has touched for [`Options::idle`], as far as this process knows.
    /// To be called now and then. Answers how many sessions went.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn sweep(&self) -> Result<usize, Error> {
        let Some(idle) = self.options.idle else { return Ok(0) };
        let now = self.clock.now();
        let mut gone = 0;
        for listing in self.store.list(None)? {
            let key = &listing.key;
            let here = {
                let shard = self.shard(key).lock();
                shard.get(key).map(|slot| Time(slot.used.load(Ordering::Relaxed)))
            };
            let used =
                here.or_else(|| self.evicted.lock().get(key).copied()).unwrap_or(self.started);
            if now.since(used) >= idle {
                match self.delete(key) {
                    // Its owner knows when it was used.
                    Err(Error::Store(StoreError::Elsewhere { .. })) => continue,
                    deleted => deleted?.wait()?,
                }
                self.shard(key).lock().remove(key);
                self.evicted.lock().remove(key);
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Waits for every write and closes the store.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn close(&self) -> Result<(), Error> {
        Ok(self.store.close()?)
    }

    // ===== one session =====

    fn edit(
        &self,
        key: &Key,
        open: &mut OpenSession,
        author: &Author,
        operation: &Operation,
        budget: &Budget,
    ) -> Result<Unacknowledged, Error> {
        let _span = deep_span!("edit");
        let now = open.now(self.clock.now());
        let done = open.session.apply_by(author, operation, now, budget)?;
        if let Some(record) = &done.record {
            self.append(key, open, record)?;
        }
        open.publish(author, &done);
        let (outcome, repeated) = (done.outcome, done.repeated);
        Ok(Unacknowledged { outcome, pending: open.last.clone(), repeated })
    }

    fn append(&self, key: &Key, open: &mut OpenSession, record: &Record) -> Result<(), Error> {
        let sequence = open.session.sequence();
        if !open.stored {
            let text = open.session.text();
            let empty = encode(&Snapshot::default())?;
            open.last = self.store.begin(key, sequence.saturating_sub(1), text, empty);
            open.stored = true;
        }
        let record = encode(record)?;
        open.since = (open.since.0 + 1, open.since.1 + record.len() as u64);
        open.last = open.last.clone().then(self.store.append(key, sequence, record));
        if let Some(Err(error)) = open.last.outcome() {
            return Err(error.into());
        }
        let Options { snapshot_records, snapshot_bytes, .. } = self.options;
        if open.since.0 >= snapshot_records || open.since.1 >= snapshot_bytes {
            open.since = (0, 0);
            let _span = deep_span!("snapshot");
            // If it fails, the log is longer until the next one succeeds.
            drop(self.store.snapshot(key, sequence, encode(&open.session.snapshot())?));
        }
        Ok(())
    }

    fn load(
        &self,
        key: &Key,
        open: &mut OpenSession,
        content: &str,
        author: &Author,
        budget: &Budget,
    ) -> Result<Unacknowledged, Error> {
        let operation = Operation::Load { content: content.to_owned() };
        if let Some(done) = open.session.done_before(author, &operation)? {
            let pending = open.last.clone();
            return Ok(Unacknowledged { outcome: done.outcome, pending, repeated: true });
        }
        let mut session = Session::new(content, Arc::clone(&self.options.limits), budget)?;
        session.know_networks(budget);
        session.skip_to(open.session.sequence() + 1);
        session.keep_answers(&open.session);
        let outcome = Outcome {
            operation: "load".to_owned(),
            result: Effect::default(),
            state: session.state(),
        };
        session.note_answer(author, &operation, &outcome);
        let snapshot = encode(&session.snapshot())?;
        let pending = self.store.begin(key, session.sequence(), content, snapshot);
        if let Some(Err(error)) = pending.outcome() {
            return Err(error.into());
        }
        let now = self.clock.now();
        open.room.lock().renew(ResetReason::Loaded, session.sequence());
        *open = OpenSession {
            session,
            room: Arc::clone(&open.room),
            opened: (now, Time(0)),
            epoch: open.epoch,
            stored: true,
            last: pending.clone(),
            since: (0, 0),
            damage: Vec::new(),
            picture: None,
        };
        Ok(Unacknowledged { outcome, pending, repeated: false })
    }

    /// Gives `work` the session, fetched from the store if need be.
    ///
    /// While it works, the slot is empty: should it fail after the session has changed, or
    /// panic, then the next one reads the session from the store.
    fn with<T>(
        &self,
        key: &Key,
        budget: &Budget,
        work: impl FnOnce(&mut OpenSession) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.with_slot(key, &self.slot(key), budget, work)
    }

    pub(super) fn with_slot<T>(
        &self,
        key: &Key,
        slot: &Slot,
        budget: &Budget,
        work: impl FnOnce(&mut OpenSession) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut kept = slot.live.lock();
        let epoch = self.held(key, slot, &mut kept)?;
        let good = |open: &OpenSession| {
            open.epoch == epoch && !matches!(open.last.outcome(), Some(Err(_)))
        };
        let mut open = match kept.take().filter(good) {
            Some(open) => open,
            None => self.fetch(key, epoch, &slot.room, budget)?,
        };
        let sequence = open.session.sequence();
        let done = work(&mut open);
        if done.is_ok() || open.session.sequence() == sequence {
            let weight = open.session.text().len() as u64;
            if slot.weight.swap(weight, Ordering::Relaxed) != weight {
                self.has_grown.store(true, Ordering::Relaxed);
            }
            *kept = Some(open);
        }
        done
    }

    fn fetch(
        &self,
        key: &Key,
        epoch: u64,
        room: &SharedRoom,
        budget: &Budget,
    ) -> Result<OpenSession, Error> {
        let _span = deep_span!("replay");
        let stored = self.store.load(key)?;
        let known = stored.is_some();
        let stored =
            stored.unwrap_or_else(|| Stored { text: EMPTY.to_owned(), ..Stored::default() });
        let limits = Arc::clone(&self.options.limits);
        let recovered = recover(key, &stored, limits, budget);
        if let Err(Error::Unrecoverable { .. }) = recovered {
            // Another one may be of the version that wrote it.
            self.store.release(key)?;
        }
        let (session, damage) = recovered?;
        let mut last = Pending::ready(Ok(()));
        if !damage.is_empty() {
            // What can be read becomes the new beginning; the sequences go on after those lost.
            last = self.store.snapshot(key, session.sequence(), encode(&session.snapshot())?);
        }
        // Whatever was shown of it before is as good as what the store has.
        room.lock().renew(ResetReason::Store, session.sequence());
        Ok(OpenSession {
            opened: (self.clock.now(), session.time()),
            session,
            room: Arc::clone(room),
            epoch,
            stored: known,
            last,
            since: (stored.records.len() as u64, 0),
            damage,
            picture: None,
        })
    }

    // ===== the map =====

    fn shard(&self, key: &Key) -> &Mutex<HashMap<Key, Arc<Slot>>> {
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        &self.shards[at]
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn slot(&self, key: &Key) -> Arc<Slot> {
        let slot = {
            let mut shard = self.shard(key).lock();
            match shard.get(key) {
                Some(slot) => Arc::clone(slot),
                None => Arc::clone(shard.entry(key.clone()).or_default()),
            }
        };
        slot.used.store(self.clock.now().0, Ordering::Relaxed);
        slot
    }

    /// Lets go of the least recently used sessions when there are too many. All of what they
    /// are is in the store or on its way there.
    fn evict(&self) {
        if !self.has_grown.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut all: Vec<(u64, u64, Key)> = Vec::new();
        let (mut count, mut bytes) = (0, 0);
        for shard in &self.shards {
            for slot in shard.lock().values() {
                count += 1;
                bytes += slot.weight.load(Ordering::Relaxed);
            }
        }
        if count <= self.options.live && bytes <= self.options.live_bytes {
            return;
        }
        for shard in &self.shards {
            let shard = shard.lock();
            all.extend(shard.iter().map(|(key, slot)| {
                let used = slot.used.load(Ordering::Relaxed);
                (used, slot.weight.load(Ordering::Relaxed), key.clone())
            }));
        }
        all.sort_unstable();
        // A little more than needed, so that not every new session has to look for the oldest.
        let (keep, keep_bytes) = (self.options.live * 15 / 16, self.options.live_bytes / 16 * 15);
        for (used, weight, key) in all {
            if count <= keep.max(1) && bytes <= keep_bytes {
                break;
            }
            let mut shard = self.shard(&key).lock();
            // Whoever has a share of the slot is using it.
            if shard.get(&key).is_some_and(|slot| Arc::strong_count(slot) == 1) {
                shard.remove(&key);
                self.store.forget(&key);
                count -= 1;
                bytes = bytes.saturating_sub(weight);
                if self.options.idle.is_some() {
                    self.evicted.lock().insert(key, Time(used));
                }
            }
        }
    }
}

impl OpenSession {
    /// The session time: it stands still while nobody has the session open, so a delayed
    /// action never runs because a server was down.
    fn now(&self, clock: Time) -> Time {
        let (opened, at) = self.opened;
        at.after(clock.since(opened))
    }
}

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|e| Error::Store(StoreError::Io(e.to_string())))
}

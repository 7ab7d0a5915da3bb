//! Who is on the streams of a session, what each is still to be sent, and what can be resumed.
//!
//! The room has no lock, task or clock: calls take `now`, and answer what is to be sent. What is
//! kept for a client is bounded; who takes it too slowly gets one [`Take::Reset`] in place of all
//! of it. Presence is a state, not a list of events: a slow client skips what came between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use svgx_base::budget::Time;

use super::frame::{Cursor, Frame, Present, ResetReason};
use super::participant::Participant;
use crate::store::Pending;

/// Frames, and bytes of them, that wait for one client.
pub const QUEUED_FRAMES: usize = 256;
/// See [`QUEUED_FRAMES`].
pub const QUEUED_BYTES: usize = 256 * 1024;
/// Patches, and bytes of them, that can be resumed.
const WINDOW: usize = 2_000;
const WINDOW_BYTES: usize = 1024 * 1024;
/// Conflicts that are kept for whoever comes back.
const CONFLICTS: usize = 1_024;
/// Streams of one session.
pub const STREAMS: usize = 128;
/// Between two frames of presence to one client: 30 a second.
pub const PRESENCE_EVERY: Duration = Duration::from_millis(33);
/// Who said nothing for so long, not even that they are there, is gone.
pub const SILENCE: Duration = Duration::from_secs(15);

/// A frame as it is sent, shared by everybody it is for.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The frame's name.
    pub name: &'static str,
    /// The sequence it is about; patches only.
    pub sequence: Option<u64>,
    /// Where to resume after it; patches only.
    pub token: Option<Arc<str>>,
    /// The frame in JSON.
    pub json: Bytes,
    /// When what it says outlives the process; patches only.
    pub durable: Option<Pending>,
}

impl Sent {
    /// A frame to be sent.
    pub fn new(frame: &Frame) -> Sent {
        // A frame is plain data: it can be written.
        let json = Bytes::from(serde_json::to_vec(frame).unwrap_or_default());
        Sent { name: frame.name(), sequence: None, token: None, json, durable: None }
    }
}

/// What a client is to be sent next.
#[derive(Debug)]
pub enum Take {
    /// This.
    Frame(Sent),
    /// The whole drawing, for which the session is to be asked; until [`Room::rebase`] it is told nothing else.
    Reset(ResetReason),
    /// Nothing before then.
    Wait(Time),
    /// Nothing.
    Nothing,
    /// Nothing any more, and why.
    Closed(&'static str),
}

#[derive(Debug)]
struct Stream {
    present: Present,
    /// What it missed while it was away, before all else.
    missed: VecDeque<Sent>,
    queue: VecDeque<Sent>,
    bytes: usize,
    reset: Option<ResetReason>,
    reset_taken: bool,
    /// Connections that came or moved, and that left, since the client was told.
    moved: BTreeSet<u64>,
    left: BTreeSet<u64>,
    told: Option<Time>,
    heard: Time,
    closed: Option<&'static str>,
    waker: Option<Waker>,
}

impl Stream {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn push(&mut self, sent: &Sent, dropped: &mut u64) {
        if self.reset.is_some() && sent.sequence.is_some() {
            // The drawing that is on its way has it.
            return;
        }
        if self.queue.len() >= QUEUED_FRAMES || self.bytes + sent.json.len() > QUEUED_BYTES {
            *dropped += self.queue.len() as u64 + 1;
            self.renew(ResetReason::Slow);
            return;
        }
        self.bytes += sent.json.len();
        self.queue.push_back(sent.clone());
        self.wake();
    }

    /// Throws away the patches that wait: the whole drawing is sent instead.
    fn renew(&mut self, why: ResetReason) {
        self.queue = self.missed.drain(..).chain(self.queue.drain(..)).collect();
        self.queue.retain(|sent| sent.sequence.is_none());
        self.queue.truncate(QUEUED_FRAMES / 2);
        self.bytes = self.queue.iter().map(|sent| sent.json.len()).sum();
        self.reset = Some(why);
        self.reset_taken = false;
        self.wake();
    }
}

/// The streams of a session.
#[derive(Debug, Default)]
pub struct Room {
    epoch: Epoch,
    streams: BTreeMap<u64, Stream>,
    next: u64,
    /// The last patches, without gaps.
    window: VecDeque<Sent>,
    window_bytes: usize,
    /// The sequence of the last one, or of the drawing where there is none.
    last: u64,
    /// The last conflicts, for those who were not here: whom, when, and the frame.
    conflicts: VecDeque<(Participant, u64, Sent)>,
    /// Frames thrown away for slow clients, ever.
    dropped: u64,
}

/// Names one history. Patches of two histories may have the same sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Epoch(String);

impl Default for Epoch {
    fn default() -> Epoch {
        use std::hash::BuildHasher as _;
        // Random of each state: unlike every other epoch, in this process or another one.
        let part = || std::hash::RandomState::new().hash_one("epoch");
        Epoch(format!("{:016x}", part() ^ part().rotate_left(32)))
    }
}

/// How a stream begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The connection.
    pub connection: u64,
    /// Whether what was missed follows.
    pub resumed: bool,
}

impl Room {
    /// The token of a sequence.
    pub fn token(&self, sequence: u64) -> String {
        format!("{}-{sequence}", self.epoch.0)
    }

    /// Whether anybody may still ask for what happens now.
    pub fn is_open(&self) -> bool {
        !self.streams.is_empty() || !self.window.is_empty()
    }

    /// How many streams there are.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Takes the count of frames that were thrown away since it was taken last.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// A stream begins, at the session's `sequence`, after what `resume` says; `None` where there are
    /// [`STREAMS`] already.
    pub fn join(
        &mut self,
        participant: Participant,
        name: String,
        resume: Option<&str>,
        sequence: u64,
        now: Time,
    ) -> Option<Joined> {
        if self.streams.len() >= STREAMS {
            return None;
        }
        if self.last != sequence {
            // Nobody was here to be told: there is nothing to resume from before.
            self.window.clear();
            self.window_bytes = 0;
            self.last = sequence;
        }
        self.next += 1;
        let connection = self.next;
        let (cursor, selected) = (None, Vec::new());
        let mut stream = Stream {
            present: Present { connection, participant, name, cursor, selected },
            missed: VecDeque::new(),
            queue: VecDeque::new(),
            bytes: 0,
            reset: None,
            reset_taken: false,
            moved: BTreeSet::new(),
            left: BTreeSet::new(),
            told: None,
            heard: now,
            closed: None,
            waker: None,
        };
        let seen = resume.and_then(|token| token.rsplit_once('-')?.1.parse::<u64>().ok());
        match self.missed(resume) {
            Ok(missed) => stream.missed = missed,
            Err(why) => stream.reset = Some(why),
        }
        let resumed = stream.reset.is_none();
        // Whoever was overwritten while away is told now, before the patches that did it.
        let told = self.conflicts.iter().rev().filter(|(to, sequence, _)| {
            *to == stream.present.participant && seen.is_some_and(|seen| *sequence > seen)
        });
        for (.., sent) in told {
            stream.missed.push_front(sent.clone());
        }
        for other in self.streams.values_mut() {
            other.moved.insert(connection);
            other.wake();
        }
        self.streams.insert(connection, stream);
        Some(Joined { connection, resumed })
    }

    fn missed(&self, resume: Option<&str>) -> Result<VecDeque<Sent>, ResetReason> {
        let resume = resume.ok_or(ResetReason::New)?;
        let (epoch, sequence) = resume.rsplit_once('-').ok_or(ResetReason::Unknown)?;
        let sequence: u64 = sequence.parse().map_err(|_| ResetReason::Unknown)?;
        if epoch != self.epoch.0 || sequence > self.last {
            return Err(ResetReason::Unknown);
        }
        let missing = usize::try_from(self.last - sequence).unwrap_or(usize::MAX);
        let from = self.window.len().checked_sub(missing).ok_or(ResetReason::Gap)?;
        Ok(self.window.iter().skip(from).cloned().collect())
    }

    /// A stream ends. Everybody else is told.
    pub fn leave(&mut self, connection: u64) {
        if self.streams.remove(&connection).is_none() {
            return;
        }
        for other in self.streams.values_mut() {
            other.moved.remove(&connection);
            other.left.insert(connection);
            other.wake();
        }
    }

    /// Who is here.
    pub fn present(&self) -> Vec<Present> {
        let here = self.streams.values().filter(|stream| stream.closed.is_none());
        here.map(|stream| stream.present.clone()).collect()
    }

    /// A client says where it is.
    pub fn moved(&mut self, connection: u64, cursor: Option<Cursor>, selected: Vec<String>) {
        let Some(stream) = self.streams.get_mut(&connection) else { return };
        if stream.present.cursor == cursor && stream.present.selected == selected {
            return;
        }
        (stream.present.cursor, stream.present.selected) = (cursor, selected);
        for (id, other) in &mut self.streams {
            if *id != connection {
                other.moved.insert(connection);
                other.wake();
            }
        }
    }

    /// A client was heard of.
    pub fn heard(&mut self, connection: u64, now: Time) {
        if let Some(stream) = self.streams.get_mut(&connection) {
            stream.heard = now;
        }
    }

    /// Closes the streams of those who are silent for [`SILENCE`].
    pub fn expire(&mut self, now: Time) {
        let silent =
            |stream: &Stream| stream.closed.is_none() && now.since(stream.heard) >= SILENCE;
        let gone: Vec<u64> =
            self.streams.iter().filter(|(_, s)| silent(s)).map(|(id, _)| *id).collect();
        if gone.is_empty() {
            return;
        }
        for (id, stream) in &mut self.streams {
            if gone.contains(id) {
                stream.closed = Some("silent");
                stream.missed.clear();
                stream.queue.clear();
                stream.bytes = 0;
            } else {
                stream.moved.retain(|other| !gone.contains(other));
                stream.left.extend(&gone);
            }
            stream.wake();
        }
    }

    /// Closes every stream.
    pub fn close(&mut self, why: &'static str) {
        for stream in self.streams.values_mut() {
            stream.closed.get_or_insert(why);
            stream.wake();
        }
        self.forget();
    }

    /// A patch, for everybody: `sequence` follows that of the one before.
    pub fn publish(&mut self, sent: Sent) {
        let Some(sequence) = sent.sequence else { return };
        if sequence != self.last + 1 {
            self.renew(ResetReason::Store, sequence);
            return;
        }
        self.last = sequence;
        for stream in self.streams.values_mut() {
            stream.push(&sent, &mut self.dropped);
        }
        self.window_bytes += sent.json.len();
        self.window.push_back(sent);
        while (self.window.len() > WINDOW || self.window_bytes > WINDOW_BYTES)
            && let Some(old) = self.window.pop_front()
        {
            self.window_bytes -= old.json.len();
        }
    }

    /// A conflict, for every stream of a participant, and for the next one.
    pub fn tell(&mut self, participant: &Participant, sequence: u64, sent: &Sent) {
        if participant.is_default() {
            return;
        }
        self.conflicts.push_back((participant.clone(), sequence, sent.clone()));
        if self.conflicts.len() > CONFLICTS {
            self.conflicts.pop_front();
        }
        for stream in self.streams.values_mut() {
            if stream.present.participant == *participant {
                stream.push(sent, &mut self.dropped);
            }
        }
    }

    /// The history is another one from here: everybody gets the drawing of `sequence`.
    pub fn renew(&mut self, why: ResetReason, sequence: u64) {
        self.forget();
        self.last = sequence;
        for stream in self.streams.values_mut() {
            stream.renew(why);
        }
    }

    fn forget(&mut self) {
        self.epoch = Epoch::default();
        self.window.clear();
        self.window_bytes = 0;
    }

    /// A client is to get the drawing.
    pub fn ask_reset(&mut self, connection: u64, why: ResetReason) {
        if let Some(stream) = self.streams.get_mut(&connection) {
            stream.renew(why);
        }
    }

    /// A client gets the drawing as it is now: what follows is sent from here on. To be called while
    /// the session is held.
    pub fn rebase(&mut self, connection: u64, sequence: u64) {
        if self.last != sequence {
            self.window.clear();
            self.window_bytes = 0;
            self.last = sequence;
        }
        if let Some(stream) = self.streams.get_mut(&connection) {
            stream.reset = None;
            stream.reset_taken = false;
            // The drawing says who is here.
            stream.moved.clear();
            stream.left.clear();
        }
    }

    /// What a client is to be sent next; `waker` is woken when there is more.
    pub fn take(&mut self, connection: u64, now: Time, waker: Option<&Waker>) -> Take {
        let present = |id: &u64| self.streams.get(id).map(|stream| stream.present.clone());
        let Some(stream) = self.streams.get(&connection) else { return Take::Closed("gone") };
        let due = stream.told.map(|told| told.after(PRESENCE_EVERY)).filter(|due| *due > now);
        let is_told = stream.moved.is_empty() && stream.left.is_empty();
        let here: Vec<Present> = match due {
            None => stream.moved.iter().filter_map(present).collect(),
            Some(_) => Vec::new(),
        };
        let Some(stream) = self.streams.get_mut(&connection) else { return Take::Closed("gone") };
        if let Some(why) = stream.closed {
            return Take::Closed(why);
        }
        if let Some(sent) = stream.missed.pop_front() {
            return Take::Frame(sent);
        }
        if let Some(sent) = stream.queue.pop_front() {
            stream.bytes -= sent.json.len();
            return Take::Frame(sent);
        }
        if let Some(why) = stream.reset
            && !stream.reset_taken
        {
            stream.reset_taken = true;
            return Take::Reset(why);
        }
        if !is_told && due.is_none() && stream.reset.is_none() {
            stream.told = Some(now);
            stream.moved.clear();
            let left = std::mem::take(&mut stream.left).into_iter().collect();
            return Take::Frame(Sent::new(&Frame::Presence { here, left }));
        }
        stream.waker = waker.cloned();
        match due.filter(|_| !is_told && stream.reset.is_none()) {
            Some(due) => Take::Wait(due),
            None => Take::Nothing,
        }
    }
}

//! The thread that writes. It sends every write that has come in meanwhile in one piece, so that
//! they share one flush to the disk of the server.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use redis::{Cmd, Value};
use svgx_base::budget::Clock as _;
use svgx_base::deep::{self, Span};
use svgx_base::deep_span;
use svgx_redis::{Broken, Link};

use super::keys::{Answer, answer, call};
use super::{PATIENCE, RETRY, Shared};
use crate::store::StoreLimits;
use crate::store::pending::Acknowledge;
use crate::store::{Key, StoreError};

/// Writes, and bytes of them, that are sent together.
const BATCH: usize = 1024;
const BATCH_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) write: Write,
    pub(super) bytes: u64,
    pub(super) acknowledge: Acknowledge,
    /// Of a deep trace: from here until it is acknowledged.
    pub(super) span: Span,
}

/// A write; `epoch` is the one that the session was held by when it was made.
#[derive(Debug)]
pub(super) enum Write {
    Begin { key: Key, epoch: u64, sequence: u64, text: Sized, snapshot: Vec<u8> },
    Append { key: Key, epoch: u64, sequence: u64, record: Vec<u8> },
    Snapshot { key: Key, epoch: u64, sequence: u64, snapshot: Vec<u8> },
    Delete { key: Key, epoch: u64 },
    Flush,
}

/// Bytes as they are stored, and how many they count as.
#[derive(Debug)]
pub(super) struct Sized {
    pub(super) stored: Vec<u8>,
    pub(super) counts: u64,
}

impl Write {
    fn key(&self) -> Option<&Key> {
        match self {
            Write::Begin { key, .. }
            | Write::Append { key, .. }
            | Write::Snapshot { key, .. }
            | Write::Delete { key, .. } => Some(key),
            Write::Flush => None,
        }
    }

    fn epoch(&self) -> u64 {
        match self {
            Write::Begin { epoch, .. }
            | Write::Append { epoch, .. }
            | Write::Snapshot { epoch, .. }
            | Write::Delete { epoch, .. } => *epoch,
            Write::Flush => 0,
        }
    }

    fn sequence(&self) -> u64 {
        match self {
            Write::Begin { sequence, .. }
            | Write::Append { sequence, .. }
            | Write::Snapshot { sequence, .. } => *sequence,
            Write::Delete { .. } | Write::Flush => 0,
        }
    }

    fn command(&self, script: &str, again: bool, limits: &StoreLimits) -> Cmd {
        let (epoch, again) = (self.epoch(), u8::from(again));
        match self {
            Write::Begin { key, sequence, text, snapshot, .. } => {
                let mut command = call(script, key, "begin");
                command.arg(epoch).arg(again).arg(*sequence);
                command.arg(limits.session_bytes).arg(limits.bytes);
                command.arg(key.name()).arg(key.tenant());
                command.arg(&text.stored[..]).arg(text.counts);
                command.arg(&snapshot[..]).arg(snapshot.len());
                command.arg(limits.sessions).arg(limits.sessions_per_tenant);
                command
            }
            Write::Append { key, sequence, record: bytes, .. }
            | Write::Snapshot { key, sequence, snapshot: bytes, .. } => {
                let is_append = matches!(self, Write::Append { .. });
                let mut command = call(script, key, if is_append { "append" } else { "snapshot" });
                command.arg(epoch).arg(again).arg(*sequence);
                command.arg(limits.session_bytes).arg(limits.bytes).arg(&bytes[..]);
                if is_append {
                    command.arg(key.name());
                }
                command
            }
            Write::Delete { key, .. } => {
                let mut command = call(script, key, "delete");
                command.arg(epoch).arg(again).arg(key.name()).arg(key.tenant());
                command
            }
            Write::Flush => redis::cmd("PING"),
        }
    }
}

/// The life of the writing thread.
pub(super) fn write_all(
    receiver: &Receiver<Request>,
    shared: &Shared,
    queued: &AtomicU64,
    mut link: Link,
) {
    while let Ok(first) = receiver.recv() {
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
        // One flush for all of them: it is told in the trace of the first that has one.
        let is_write = |request: &&Request| !matches!(request.write, Write::Flush);
        let traced = batch.iter().filter(is_write).find(|request| !request.span.is_none());
        let committing = traced.map(|request| {
            let writes = deep::count(batch.len());
            deep_span!(in request.span, "commit", svgx.write.count = writes)
        });
        let results = write_batch(&batch, shared, &mut link);
        drop(committing);
        queued.fetch_sub(bytes, Ordering::AcqRel);
        let mut results = results.into_iter();
        for request in batch {
            let result = results.next().unwrap_or(Err(StoreError::Closed));
            drop(request.span);
            let _ = request.acknowledge.send(result);
        }
    }
}

type Results = Vec<Result<(), StoreError>>;

/// Makes the writes of a batch: how each ended, in their order.
fn write_batch(batch: &[Request], shared: &Shared, link: &mut Link) -> Results {
    let mut results = Results::with_capacity(batch.len());
    let mut part = Vec::new();
    // What may be sent together, so that sending it again has no other effect than sending it
    // once: nothing of a session behind its snapshot or its end, no beginning behind anything.
    let (mut seen, mut sealed) = (HashSet::new(), HashSet::new());
    for request in batch {
        if let Some(key) = request.write.key() {
            let begins = matches!(request.write, Write::Begin { .. });
            if sealed.contains(key) || (begins && seen.contains(key)) {
                send_part(&mut part, shared, link, &mut results);
                seen.clear();
                sealed.clear();
            }
            seen.insert(key);
            if matches!(request.write, Write::Snapshot { .. } | Write::Delete { .. }) {
                sealed.insert(key);
            }
        }
        part.push(&request.write);
    }
    send_part(&mut part, shared, link, &mut results);
    results
}

/// Sends some writes in one piece; again over a new connection while the server's silence is short.
fn send_part(part: &mut Vec<&Write>, shared: &Shared, link: &mut Link, results: &mut Results) {
    let answered = send(part, shared, link);
    let mut answers = answered.as_ref().map(|values| values.iter());
    for write in part.drain(..) {
        let result = match (&mut answers, write.key()) {
            (Err(error), _) => Err(error.clone()),
            (Ok(_), None) => Ok(()),
            (Ok(answers), Some(key)) => {
                match answers.next().and_then(|value| answer(value, key, write.sequence())) {
                    Some(Answer::Done(_)) => Ok(()),
                    Some(Answer::Refused(error)) => Err(error),
                    None => Err(StoreError::Io("an answer that is none".to_owned())),
                }
            }
        };
        if let (Some(key), Err(StoreError::Fenced)) = (write.key(), &result) {
            shared.lost(key, write.epoch());
        }
        results.push(result);
    }
}

fn send(part: &[&Write], shared: &Shared, link: &mut Link) -> Result<Vec<Value>, StoreError> {
    let writes: Vec<&Write> = part.iter().copied().filter(|write| write.key().is_some()).collect();
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let began = shared.clock.now();
    let mut again = false;
    loop {
        let was_open = link.is_open();
        let sent = link.send(|script| {
            let mut commands = redis::pipe();
            for write in &writes {
                commands.add_command(write.command(script, again, &shared.limits));
            }
            commands
        });
        let reason = match sent {
            Ok(values) => return Ok(values),
            Err(Broken(reason)) => reason,
        };
        // What was sent may have happened: from now on the server is told that it may have.
        again = true;
        if shared.clock.now().since(began) >= PATIENCE {
            shared.fail(reason.clone());
            return Err(shared.unavailable().unwrap_or(StoreError::Io(reason)));
        }
        // A server that was restarted closed what waited: a new connection may do at once.
        if !was_open {
            std::thread::sleep(RETRY);
        }
    }
}

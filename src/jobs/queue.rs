//! The queue: each method is one step of the script.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{Client, Cmd, Value};
use svgx_redis::{Broken, Link};

use crate::error::QueueError;
use crate::job::{Claimed, Ended, Item, Known, Limits, Room, Seen, Standing, Worker, WorkerKind};
use crate::packed;
use crate::record::{Listed, Outcome, Record, Stage, Stats, record, text};

/// The one script; its steps and answers are at its places.
const SCRIPT: &str = include_str!("jobs.lua");
/// What the names of everything of the queue begin with.
const PREFIX: &str = "svgx:jobs:";
/// Connections.
const LINKS: usize = 4;
/// Jobs that one step puts in: a step holds the server for all others.
const TOGETHER: usize = 50;
/// Bytes of documents that one step brings.
const TOGETHER_BYTES: usize = 4 << 20;
/// How long whoever listens waits before it looks whether it is to go on.
const LISTEN: Duration = Duration::from_millis(500);
/// Before a connection that broke is made again.
const AGAIN: Duration = Duration::from_millis(100);

/// Jobs on a server.
pub struct Queue {
    client: Client,
    limits: Limits,
    links: [Mutex<Link>; LINKS],
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Queue").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Queue {
    /// The queue on the server at `url`, which is not asked for anything yet. Whether that server keeps
    /// what it acknowledges is for the caller to know.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] for an address that is none.
    pub fn new(url: &str, limits: Limits) -> Result<Queue, QueueError> {
        let client = Client::open(url).map_err(|e| QueueError::Unavailable(e.to_string()))?;
        let links = std::array::from_fn(|_| Mutex::new(Link::new(client.clone(), SCRIPT)));
        Ok(Queue { client, limits, links })
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Puts in jobs of a tenant about `documents`, each of which is stored once. Many are put in by
    /// several steps: where a later one fails, the same call once more puts in what is missing. Answers
    /// how many were not there before.
    ///
    /// # Errors
    /// [`QueueError::Full`], [`QueueError::Other`] where a name is taken by a job that asks for
    /// something else; a document that no item names is not looked at.
    pub fn put(
        &self,
        tenant: &str,
        documents: &[Vec<u8>],
        items: &[Item],
    ) -> Result<u64, QueueError> {
        let stored: Vec<(String, Vec<u8>)> =
            documents.iter().map(|bytes| (packed::hash(bytes), packed::pack(bytes))).collect();
        let mut made = 0;
        let mut rest = items;
        while !rest.is_empty() {
            let (mut used, mut bytes, mut count) = (Vec::<usize>::new(), 0, 0);
            for item in rest.iter().take(TOGETHER) {
                if !used.contains(&item.document) {
                    let size = stored.get(item.document).map_or(0, |(_, packed)| packed.len());
                    if count > 0 && bytes + size > TOGETHER_BYTES {
                        break;
                    }
                    bytes += size;
                    used.push(item.document);
                }
                count += 1;
            }
            let (some, later) = rest.split_at(count.max(1).min(rest.len()));
            rest = later;
            made += self.put_some(tenant, documents, &stored, &used, some)?;
        }
        Ok(made)
    }

    fn put_some(
        &self,
        tenant: &str,
        documents: &[Vec<u8>],
        stored: &[(String, Vec<u8>)],
        used: &[usize],
        items: &[Item],
    ) -> Result<u64, QueueError> {
        let parts = self.step(true, |script| {
            let mut command = call(script, "put");
            command.arg(tenant).arg(micros(self.limits.waiting));
            command.arg(self.limits.bytes).arg(self.limits.jobs).arg(used.len());
            for document in used {
                if let Some((hash, packed)) = stored.get(*document) {
                    command.arg(hash).arg(&packed[..]);
                }
            }
            command.arg(items.len());
            for item in items {
                let place = used.iter().position(|d| *d == item.document).unwrap_or(0);
                let bytes = documents.get(item.document).map_or(0, Vec::len);
                command.arg(&item.id).arg(&item.payload).arg(micros(item.cost).max(1));
                command.arg(place + 1).arg(bytes + item.specification.len());
                command.arg(&item.operation).arg(&item.batch).arg(&item.specification);
            }
            command
        })?;
        let texts: Vec<String> = parts.iter().filter_map(text).collect();
        let number = |at: usize| texts.get(at).and_then(|n| n.parse::<u64>().ok());
        match texts.first().map(String::as_str) {
            Some("ok") => number(1).ok_or(QueueError::Unreadable),
            Some("other") => Err(QueueError::Other(texts.get(1).cloned().unwrap_or_default())),
            Some("full") => {
                let (limit, seen) = (number(2).unwrap_or(0), number(3).unwrap_or(0));
                Err(full(texts.get(1).map(String::as_str), limit, seen))
            }
            _ => Err(QueueError::Unreadable),
        }
    }

    /// Claims jobs for a worker: what it was given, and how many were taken from workers that are lost.
    /// Says besides that it lives.
    ///
    /// # Errors
    /// [`QueueError`]; the worker may have been given something all the same, see
    /// [`Queue::give_back_unknown`].
    pub fn claim(&self, worker: &Worker, room: Room) -> Result<(Vec<Claimed>, u64), QueueError> {
        let kind = match worker.kind {
            WorkerKind::Dedicated => "dedicated",
            WorkerKind::Helping => "helping",
        };
        let parts = self.step(false, |script| {
            let mut command = call(script, "claim");
            command.arg(&worker.name).arg(kind).arg(millis(worker.lease));
            command.arg(micros(room.cost)).arg(room.jobs).arg(u8::from(room.is_idle));
            command.arg(&worker.version).arg(chance());
            command
        })?;
        let [_, taken, rest @ ..] = &parts[..] else { return Err(QueueError::Unreadable) };
        let taken = text(taken).and_then(|n| n.parse().ok()).ok_or(QueueError::Unreadable)?;
        let mut claimed = Vec::new();
        for part in rest.chunks_exact(6) {
            let [id, attempt, tenant, specification, document, checkpoint] = part else { continue };
            let unpacked = |value: &Value, limit| match value {
                Value::BulkString(packed) => packed::unpack(packed, limit),
                _ => None,
            };
            claimed.push(Claimed {
                id: text(id).ok_or(QueueError::Unreadable)?,
                attempt: text(attempt)
                    .and_then(|n| n.parse().ok())
                    .ok_or(QueueError::Unreadable)?,
                tenant: text(tenant).ok_or(QueueError::Unreadable)?,
                specification: text(specification).unwrap_or_default(),
                document: unpacked(document, self.limits.document),
                checkpoint: unpacked(checkpoint, self.limits.checkpoint),
            });
        }
        Ok((claimed, taken))
    }

    /// Says how far a worker is, and that it lives; answers for each job whose it is now.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn beat(&self, worker: &Worker, jobs: &[Seen<'_>]) -> Result<Vec<Standing>, QueueError> {
        let parts = self.step(true, |script| {
            let mut command = call(script, "beat");
            command.arg(&worker.name).arg(millis(worker.lease));
            for job in jobs {
                // In hundredths: each change is a write.
                let progress = format!("{:.2}", job.progress);
                command.arg(job.id).arg(job.attempt).arg(progress).arg(job.at);
            }
            command
        })?;
        let standing = |value: &Value| match text(value).as_deref() {
            Some("ok") => Some(Standing::Owned),
            Some("cancelled") => Some(Standing::Cancelled),
            Some("lost") => Some(Standing::Lost),
            _ => None,
        };
        let standings: Option<Vec<Standing>> = parts.iter().skip(1).map(standing).collect();
        standings.filter(|all| all.len() == jobs.len()).ok_or(QueueError::Unreadable)
    }

    /// Leaves what the next attempt is to go on from, in place of what was left before; false where the
    /// job is another worker's, or has ended. It goes with the job.
    ///
    /// # Errors
    /// [`QueueError::Full`] where it is too large.
    pub fn keep(
        &self,
        worker: &Worker,
        id: &str,
        attempt: u64,
        checkpoint: &[u8],
    ) -> Result<bool, QueueError> {
        let (limit, seen) = (self.limits.checkpoint, checkpoint.len() as u64);
        if seen > limit {
            let (what, wait) = ("bytes of a checkpoint", Duration::ZERO);
            return Err(QueueError::Full { what, limit, seen, wait });
        }
        let packed = packed::pack(checkpoint);
        let parts = self.step(true, |script| {
            let mut command = call(script, "keep");
            command.arg(id).arg(attempt).arg(&worker.name).arg(&packed[..]);
            command
        })?;
        match parts.first().and_then(text).as_deref() {
            Some("ok") => Ok(true),
            Some("late") => Ok(false),
            _ => Err(QueueError::Unreadable),
        }
    }

    /// Gives the answer of a job. Doing it again is doing it once.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn finish(
        &self,
        worker: &Worker,
        id: &str,
        attempt: u64,
        outcome: &Outcome,
    ) -> Result<Ended, QueueError> {
        let parts = self.step(true, |script| {
            let mut command = call(script, "finish");
            command.arg(id).arg(attempt).arg(&worker.name);
            command.arg(if outcome.is_done { "done" } else { "failed" });
            command.arg(&outcome.head).arg(&outcome.body[..]).arg(&outcome.fingerprint);
            command.arg(self.limits.answers).arg(millis(self.limits.kept));
            command
        })?;
        match parts.first().and_then(text).as_deref() {
            Some("ok") => Ok(Ended::Committed),
            Some("ok-divergent") => Ok(Ended::CommittedDivergent),
            Some("same") => Ok(Ended::Same),
            Some("divergent") => Ok(Ended::Divergent),
            Some("late") => Ok(Ended::Late),
            Some("cancelled") => Ok(Ended::Cancelled),
            Some("gone") => Ok(Ended::Gone),
            _ => Err(QueueError::Unreadable),
        }
    }

    /// Says that a try came to nothing through a fault of the service: it is tried again after a
    /// pause, or set aside.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn fault(
        &self,
        worker: &Worker,
        id: &str,
        attempt: u64,
        reason: &str,
    ) -> Result<(), QueueError> {
        self.step(true, |script| {
            let mut command = call(script, "fault");
            command.arg(id).arg(attempt).arg(&worker.name).arg(reason);
            command.arg(millis(worker.lease)).arg(chance());
            command
        })?;
        Ok(())
    }

    /// Gives a job back that was not begun, or is not to be gone on with here.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn give_back(&self, worker: &Worker, id: &str, attempt: u64) -> Result<(), QueueError> {
        self.step(true, |script| {
            let mut command = call(script, "back");
            command.arg(id).arg(attempt).arg(&worker.name);
            command
        })?;
        Ok(())
    }

    /// Gives back what this worker has by the queue and does not know of, because the answer to its
    /// claim was lost. Answers how many.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn give_back_unknown(&self, worker: &Worker, known: &[&str]) -> Result<u64, QueueError> {
        let parts = self.step(true, |script| {
            let mut command = call(script, "unknown");
            command.arg(&worker.name).arg(known);
            command
        })?;
        parts.get(1).and_then(text).and_then(|n| n.parse().ok()).ok_or(QueueError::Unreadable)
    }

    /// Says that a worker takes no more.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn leave(&self, worker: &Worker) -> Result<(), QueueError> {
        self.step(true, |script| {
            let mut command = call(script, "leave");
            command.arg(&worker.name);
            command
        })?;
        Ok(())
    }

    /// Cancels a job of a tenant, or forgets one that has ended.
    ///
    /// # Errors
    /// [`QueueError::Missing`].
    pub fn cancel(&self, tenant: &str, id: &str) -> Result<(), QueueError> {
        // Not sent twice: the second would forget what the first has cancelled.
        let parts = self.step(false, |script| {
            let mut command = call(script, "cancel");
            command.arg(tenant).arg(id).arg(millis(self.limits.kept));
            command
        })?;
        found(&parts)
    }

    /// A job of a tenant, or of any.
    ///
    /// # Errors
    /// [`QueueError::Missing`].
    pub fn view(&self, tenant: Option<&str>, id: &str) -> Result<Record, QueueError> {
        let parts = self.step(true, |script| {
            let mut command = call(script, "view");
            command.arg(tenant.unwrap_or_default()).arg(id);
            command
        })?;
        found(&parts)?;
        parts.get(1).and_then(record).ok_or(QueueError::Unreadable)
    }

    /// The newest jobs, at most so many.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn list(&self, which: Listed<'_>, most: usize) -> Result<Vec<Record>, QueueError> {
        let (set, tenant) = match which {
            Listed::Of(tenant) => ("of", tenant),
            Listed::All => ("all", ""),
            Listed::Dead => ("dead", ""),
        };
        let parts = self.step(true, |script| {
            let mut command = call(script, "list");
            command.arg(set).arg(tenant).arg(most);
            command
        })?;
        parts.iter().skip(1).map(record).collect::<Option<_>>().ok_or(QueueError::Unreadable)
    }

    /// What a job of a tenant has come to.
    ///
    /// # Errors
    /// [`QueueError::Missing`].
    pub fn result(&self, tenant: &str, id: &str) -> Result<Known, QueueError> {
        let parts = self.step(true, |script| {
            let mut command = call(script, "result");
            command.arg(tenant).arg(id);
            command
        })?;
        found(&parts)?;
        let [_, stage, head, Value::BulkString(body)] = &parts[..] else {
            return Err(QueueError::Unreadable);
        };
        let stage = text(stage).as_deref().and_then(Stage::read).ok_or(QueueError::Unreadable)?;
        Ok(Known { stage, head: text(head).unwrap_or_default(), body: body.clone() })
    }

    /// Puts a dead letter into its queue once more, with all its tries.
    ///
    /// # Errors
    /// [`QueueError::Missing`] where there is none of this name.
    pub fn retry(&self, id: &str) -> Result<(), QueueError> {
        found(&self.about(id, "retry")?)
    }

    /// Forgets a job, whatever its stage.
    ///
    /// # Errors
    /// [`QueueError::Missing`].
    pub fn remove(&self, id: &str) -> Result<(), QueueError> {
        found(&self.about(id, "drop")?)
    }

    fn about(&self, id: &str, step: &str) -> Result<Vec<Value>, QueueError> {
        self.step(false, |script| {
            let mut command = call(script, step);
            command.arg(id);
            command
        })
    }

    /// Figures of all jobs.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn stats(&self) -> Result<Stats, QueueError> {
        let parts = self.step(true, |script| call(script, "stats"))?;
        let numbers: Option<Vec<u64>> =
            parts.iter().skip(1).map(|part| text(part)?.parse().ok()).collect();
        let numbers = numbers.ok_or(QueueError::Unreadable)?;
        let [waiting, running, dead, jobs, cost, oldest, bytes, answers, workers, dedicated] =
            numbers[..]
        else {
            return Err(QueueError::Unreadable);
        };
        Ok(Stats {
            waiting,
            running,
            dead,
            jobs,
            cost: Duration::from_micros(cost),
            oldest: Duration::from_millis(oldest),
            bytes,
            answers,
            workers,
            dedicated,
        })
    }

    /// Calls `rung` whenever something may have been put in, until `go_on` says no; to be called on a
    /// thread of its own. Nothing depends on it but how soon a worker looks.
    pub fn listen(&self, go_on: &dyn Fn() -> bool, rung: &dyn Fn()) {
        while go_on() {
            let listening = self.client.get_connection_with_timeout(Duration::from_secs(1));
            if let Ok(mut connection) = listening {
                let mut bell = connection.as_pubsub();
                let ready = bell.subscribe(format!("{PREFIX}bell"));
                if ready.and_then(|()| bell.set_read_timeout(Some(LISTEN))).is_ok() {
                    rung();
                    while go_on() {
                        match bell.get_message() {
                            Ok(_) => rung(),
                            Err(error) if error.is_timeout() => {}
                            Err(_) => break,
                        }
                    }
                }
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// One step of the script, over any connection; `twice` where it may happen twice: what may not is
    /// preceded by a look whether the connection still stands.
    fn step(&self, twice: bool, command: impl Fn(&str) -> Cmd) -> Result<Vec<Value>, QueueError> {
        let commands = |script: &str| {
            let mut commands = redis::pipe();
            commands.add_command(command(script));
            commands
        };
        let free = self.links.iter().find_map(|link| link.try_lock());
        let mut link = match (free, self.links.first()) {
            (Some(link), _) => link,
            (None, Some(link)) => link.lock(),
            (None, None) => return Err(QueueError::Unavailable("no connection".to_owned())),
        };
        let sent = if twice {
            link.send_again(commands)
        } else {
            link.renew().and_then(|()| link.send(commands))
        };
        let mut values = sent.map_err(|Broken(reason)| QueueError::Unavailable(reason))?;
        match values.pop() {
            Some(Value::Array(parts)) => Ok(parts),
            _ => Err(QueueError::Unreadable),
        }
    }
}

fn call(script: &str, step: &str) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(script).arg(1).arg(PREFIX).arg(step);
    command
}

fn found(parts: &[Value]) -> Result<(), QueueError> {
    match parts.first().and_then(text).as_deref() {
        Some("ok") => Ok(()),
        Some("none") => Err(QueueError::Missing),
        _ => Err(QueueError::Unreadable),
    }
}

fn full(what: Option<&str>, limit: u64, seen: u64) -> QueueError {
    // What is over by so much is done by then, unless more comes.
    let over = Duration::from_micros(seen.saturating_sub(limit));
    let (shortest, longest) = (Duration::from_secs(5), Duration::from_secs(15 * 60));
    match what {
        Some("seconds") => QueueError::Full {
            what: "seconds of work that wait",
            limit: limit / 1_000_000,
            seen: seen / 1_000_000,
            wait: over.clamp(shortest, longest),
        },
        Some("bytes") => QueueError::Full { what: "bytes of jobs", limit, seen, wait: shortest },
        _ => QueueError::Full { what: "jobs", limit, seen, wait: shortest },
    }
}

fn micros(time: Duration) -> u64 {
    // What takes longer than a year takes a year.
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(365 * 86_400 * 1_000_000)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, 365 * 86_400 * 1_000)
}

/// A number between 0 and 1, for pauses.
fn chance() -> f64 {
    let mut bytes = [0; 2];
    // Without random numbers pauses are equal.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}

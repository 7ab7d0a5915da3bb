//! What is known of a job, and of all of them.

use std::time::Duration;

use redis::Value;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for its turn, or for the end of a pause after a fault.
    Queued,
    /// A worker has it.
    Running,
    /// Its answer is there.
    Done,
    /// Its answer is a problem.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It was set aside: three workers were lost with it, or it failed four times through us.
    Dead,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Stage; 6] =
        [Stage::Queued, Stage::Running, Stage::Done, Stage::Failed, Stage::Cancelled, Stage::Dead];

    /// Its name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::Queued => "queued",
            Stage::Running => "running",
            Stage::Done => "done",
            Stage::Failed => "failed",
            Stage::Cancelled => "cancelled",
            Stage::Dead => "dead",
        }
    }

    pub(crate) fn read(name: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

/// A job as it is shown. Times are by the clock of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// What it does.
    pub operation: String,
    /// Where it is.
    pub stage: Stage,
    /// The share that is done, between 0 and 1, as far as the work tells.
    pub progress: f64,
    /// How often it was claimed.
    pub attempt: u64,
    /// Workers that were lost with it.
    pub deaths: u64,
    /// Tries that failed through a fault of the service.
    pub faults: u64,
    /// The worker that has it, or had it last.
    pub worker: String,
    /// Since it was asked for.
    pub age: Duration,
    /// How long it runs, or ran.
    pub ran: Duration,
    /// Until its answer is forgotten, once it has ended; a dead letter is kept until it is dropped.
    pub kept: Option<Duration>,
    /// Processor time that was expected when it was put in.
    pub cost: Duration,
    /// Why it was tried again, or set aside.
    pub reason: String,
    /// The last step that its worker told.
    pub at: String,
    /// The version of the worker that had it last.
    pub version: String,
    /// Bytes of the request.
    pub bytes: u64,
    /// Bytes of what its worker has left for who goes on with it, as they are stored; 0: nothing, and it
    /// would begin again.
    pub checkpoint: u64,
    /// The batch it came in; empty: alone.
    pub batch: String,
    /// Jobs of its tenant before it, as far as was looked: the first 10 000, and none where jobs of
    /// all tenants are listed.
    pub ahead: u64,
}

/// Of all jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Jobs that wait.
    pub waiting: u64,
    /// Jobs that workers have.
    pub running: u64,
    /// Dead letters.
    pub dead: u64,
    /// Jobs that are known, ended ones included.
    pub jobs: u64,
    /// Processor time that is expected of those that wait.
    pub cost: Duration,
    /// Since the oldest that waits was asked for.
    pub oldest: Duration,
    /// Bytes of documents and requests.
    pub bytes: u64,
    /// Bytes of answers.
    pub answers: u64,
    /// Processes that take jobs.
    pub workers: u64,
    /// Those of them that do nothing else.
    pub dedicated: u64,
}

impl Stats {
    /// How long what waits will take the workers there are, or one where there is none. Who serves as
    /// well takes nothing while somebody does nothing else.
    pub fn backlog(&self) -> Duration {
        let hands = if self.dedicated > 0 { self.dedicated } else { self.workers.max(1) };
        self.cost / u32::try_from(hands).unwrap_or(u32::MAX)
    }
}

/// Which jobs are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed<'t> {
    /// Those of a tenant.
    Of(&'t str),
    /// All.
    All,
    /// Dead letters.
    Dead,
}

/// An answer: what it is, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it is what was asked for, or a problem.
    pub is_done: bool,
    /// What describes the bytes; the queue does not read it.
    pub head: String,
    /// The bytes.
    pub body: Vec<u8>,
    /// What answers to equal work agree in.
    pub fingerprint: String,
}

/// A value as text; of numbers their digits.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Okay => Some("OK".to_owned()),
        _ => None,
    }
}

/// A job from a line of the script; `None` where it is none.
pub(crate) fn record(line: &Value) -> Option<Record> {
    let Value::Array(parts) = line else { return None };
    let parts: Vec<String> = parts.iter().map(text).collect::<Option<_>>()?;
    let [
        id,
        now,
        ahead,
        tenant,
        operation,
        stage,
        progress,
        attempt,
        deaths,
        faults,
        worker,
        asked,
        started,
        ended,
        until,
        cost,
        reason,
        at,
        version,
        bytes,
        batch,
        checkpoint,
    ] = &parts[..]
    else {
        return None;
    };
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let now = number(now);
    let since = |from: u64, to: u64| Duration::from_millis(to.saturating_sub(from));
    let ended = if ended.is_empty() { None } else { Some(number(ended)) };
    let ran = match number(started) {
        0 => Duration::ZERO,
        started => since(started, ended.unwrap_or(now)),
    };
    Some(Record {
        id: id.clone(),
        tenant: tenant.clone(),
        operation: operation.clone(),
        stage: Stage::read(stage)?,
        progress: progress.parse::<f64>().ok().filter(|p| p.is_finite()).unwrap_or(0.0),
        attempt: number(attempt),
        deaths: number(deaths),
        faults: number(faults),
        worker: worker.clone(),
        age: since(number(asked), now),
        ran,
        kept: (!until.is_empty()).then(|| since(now, number(until))),
        cost: Duration::from_micros(number(cost)),
        reason: reason.clone(),
        at: at.clone(),
        version: version.clone(),
        bytes: number(bytes),
        checkpoint: number(checkpoint),
        batch: batch.clone(),
        ahead: number(ahead),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_job_is_not_taken_for_one() {
        let texts = |texts: &[&str]| {
            Value::Array(texts.iter().map(|t| Value::BulkString(t.as_bytes().to_vec())).collect())
        };
        let mut line = vec!["q1", "9000", "0", "ana", "render", "running"];
        line.extend([
            "0.5", "2", "1", "", "w", "1000", "4000", "", "", "2500", "", "work", "1", "7", "",
            "12",
        ]);
        let read = record(&texts(&line)).unwrap();
        assert_eq!((read.age, read.ran), (Duration::from_secs(8), Duration::from_secs(5)));
        assert_eq!((read.stage, read.progress, read.attempt), (Stage::Running, 0.5, 2));
        assert_eq!((read.cost, read.kept), (Duration::from_micros(2500), None));
        assert_eq!((read.bytes, read.checkpoint), (7, 12));
        for wrong in [texts(&line[1..]), texts(&[]), Value::Nil, Value::Int(1)] {
            assert_eq!(record(&wrong), None, "{wrong:?}");
        }
        line[5] = "somewhere";
        assert_eq!(record(&texts(&line)), None);
    }

    #[test]
    fn a_backlog_is_shared_by_the_workers_there_are() {
        let stats = Stats { cost: Duration::from_secs(60), workers: 3, ..Stats::default() };
        assert_eq!(stats.backlog(), Duration::from_secs(20));
        assert_eq!(Stats { dedicated: 1, ..stats }.backlog(), Duration::from_secs(60));
        assert_eq!(Stats { workers: 0, ..stats }.backlog(), Duration::from_secs(60));
    }
}

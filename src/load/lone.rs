//! An engine with nothing else to do, and one client that waits for each answer
//! before it asks again: nothing may be refused, however large the request.
//!
//! - *lone-large*: every operation at growing sizes, back to back and with pauses;
//! - *fresh*: the first requests after the start, of the reference mix;
//! - *slow-machine*: the same where the engine may use a quarter of a processor
//!   (a control group of its own; needs root).

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use svgx_base::budget::{Clock as _, Monotonic};

use super::ask::{self, Ask, Prepared, Sender};
use super::connection::{Answer, Broken, Connection};
use super::overload::{Engine, Error};

/// How to go about it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that serves.
    pub program: PathBuf,
    /// Elements of the drawings, bodies of the piles a tenth of that.
    pub sizes: Vec<usize>,
    /// Requests of each operation and size back to back; half as many with pauses.
    pub requests: usize,
}

/// What one operation got.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// `lone-large`, `lone-large, paced`, `fresh` or `slow-machine`.
    pub scenario: String,
    /// What was asked.
    pub operation: String,
    /// Elements of a drawing.
    pub elements: usize,
    /// Requests sent.
    pub requests: usize,
    /// Answered as asked.
    pub answered: usize,
    /// Of these, marked as too large for their class's budget.
    pub oversize: usize,
    /// Accepted as a job.
    pub jobs: usize,
    /// Refused because the engine was thought to be busy.
    pub refused: usize,
    /// Refused because they are past a limit: 4xx, with the first one's status.
    pub past_a_limit: usize,
    /// The longest an answer took.
    pub slowest_ms: f64,
    /// How often each reason was given.
    pub reasons: BTreeMap<String, usize>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// One for each scenario, operation and size.
    pub rows: Vec<Row>,
    /// Scenarios that this machine cannot do, with why.
    pub skipped: Vec<(String, String)>,
}

impl Findings {
    /// Requests that were refused though nothing else was going on.
    pub fn refused(&self) -> usize {
        self.rows.iter().map(|row| row.refused).sum()
    }
}

/// Pause between two requests of a paced client.
const PAUSE: Duration = Duration::from_millis(250);
/// Times a job is looked at, a pause between: two minutes.
const MOST_LOOKS: usize = 480;
/// First requests of a fresh engine.
const FRESH: usize = 50;
/// Processors of the slow machine.
const SLOW: f64 = 0.25;

impl Plan {
    /// From the reference work of the objectives to the largest that is allowed.
    pub const SIZES: [usize; 3] = [1_000, 5_000, 20_000];

    /// Does everything. `say` is told what is going on.
    ///
    /// # Errors
    /// [`Error`] when the engine does not run or hangs up.
    pub fn run(&self, say: &dyn Fn(&str)) -> Result<Findings, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::Engine(format!("no runtime: {e}")))?;
        let (mut rows, mut skipped) = (Vec::new(), Vec::new());

        let engine = Engine::start(&self.program, &[])?;
        for &elements in &self.sizes {
            for (operation, ask) in large(elements) {
                say(&format!("lone-large: {operation}, {elements} elements"));
                for (scenario, requests, pause) in [
                    ("lone-large", self.requests, Duration::ZERO),
                    ("lone-large, paced", self.requests.div_ceil(2), PAUSE),
                ] {
                    let mut row = Row::new(scenario, operation, elements);
                    runtime.block_on(row.ask(
                        &engine,
                        std::slice::from_ref(&ask),
                        requests,
                        pause,
                    ))?;
                    rows.push(row);
                }
            }
        }
        drop(engine);

        say("fresh: the first requests after the start");
        let engine = Engine::start(&self.program, &[])?;
        let mut row = Row::new("fresh", "reference mix", 1_000);
        runtime.block_on(row.ask(&engine, &mix(), FRESH, Duration::ZERO))?;
        rows.push(row);
        drop(engine);

        say("slow-machine: a quarter of a processor");
        match Quota::create(SLOW) {
            Ok(quota) => {
                let engine = Engine::start(&self.program, &[])?;
                quota.hold(&engine).map_err(|e| Error::Engine(format!("control group: {e}")))?;
                let mut row = Row::new("slow-machine", "reference mix", 1_000);
                runtime.block_on(row.ask(&engine, &mix(), FRESH, Duration::ZERO))?;
                rows.push(row);
            }
            Err(why) => skipped.push(("slow-machine".to_owned(), why.to_string())),
        }
        Ok(Findings { rows, skipped })
    }
}

/// Every operation that a drawing's size makes dear.
fn large(elements: usize) -> Vec<(&'static str, Ask)> {
    let bodies = elements.div_ceil(10);
    let simulate = Ask::Simulate { bodies, seconds: 1.0, precision: None, strict: false };
    vec![
        ("parse", Ask::Parse(elements)),
        ("compile-svg", Ask::CompileSvg(elements)),
        ("compile-json", Ask::CompileJson(elements)),
        ("render", Ask::Render(elements)),
        ("solve", Ask::Solve(elements)),
        ("simulate", simulate),
        ("statics", Ask::Statics(bodies)),
        ("load", Ask::Load(elements)),
    ]
}

/// The reference work, one after the other.
fn mix() -> Vec<Ask> {
    let simulate = Ask::Simulate { bodies: 200, seconds: 1.0, precision: None, strict: false };
    vec![
        Ask::Load(1_000),
        Ask::Click,
        Ask::Hover,
        Ask::Edit,
        Ask::Parse(1_000),
        Ask::CompileSvg(1_000),
        Ask::Evaluate,
        Ask::Render(1_000),
        simulate,
        Ask::Statics(200),
    ]
}

impl Row {
    fn new(scenario: &str, operation: &str, elements: usize) -> Row {
        let (scenario, operation) = (scenario.to_owned(), operation.to_owned());
        Row { scenario, operation, elements, ..Row::default() }
    }

    /// Asks in turn, `requests` times in all.
    async fn ask(
        &mut self,
        engine: &Engine,
        asks: &[Ask],
        requests: usize,
        pause: Duration,
    ) -> Result<(), Error> {
        let host = &engine.public;
        let (operation, clock) = (self.operation.clone(), Monotonic::new());
        let lost = |e: &dyn fmt::Display| Error::Engine(format!("{operation}: {e}"));
        let at: SocketAddr = host.parse().map_err(|e| lost(&e))?;
        let sender = Sender { host, key: None, session: "lone", headers: "" };
        let prepared: Vec<Prepared> =
            asks.iter().map(|ask| ask::prepare(ask, &ask::body(ask), sender)).collect();
        let mut connection = Connection::open(at).await.map_err(|e| lost(&e))?;
        // Nothing that a cache has seen.
        let first = if pause.is_zero() { 0 } else { 1 << 32 };
        for (serial, request) in (first..).zip(prepared.iter().cycle()).take(requests) {
            let began = clock.now();
            let answer = match connection.exchange(request, serial).await {
                // A connection may be closed between two requests.
                Err(Broken::Closed) => {
                    connection = Connection::open(at).await.map_err(|e| lost(&e))?;
                    connection.exchange(request, serial).await
                }
                other => other,
            };
            let answer = answer.map_err(|e| lost(&e))?;
            self.count(&answer, clock.now().since(began));
            if let (202, Some(job)) = (answer.status, &answer.location) {
                ended(&mut connection, host, job).await.map_err(|e| lost(&e))?;
            }
            if !answer.keeps_alive() {
                connection = Connection::open(at).await.map_err(|e| lost(&e))?;
            }
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    fn count(&mut self, answer: &Answer, took: Duration) {
        self.requests += 1;
        self.slowest_ms = self.slowest_ms.max(took.as_secs_f64() * 1e3);
        match answer.status {
            202 => self.jobs += 1,
            200..=299 => self.answered += 1,
            429 | 500.. => self.refused += 1,
            _ => self.past_a_limit += 1,
        }
        if let Some(reason) = &answer.reason {
            self.oversize += usize::from(reason == "oversize");
            *self.reasons.entry(reason.clone()).or_default() += 1;
        }
    }
}

/// Waits for the end of a job, so that the next request has the engine to itself again.
pub(super) async fn ended(
    connection: &mut Connection,
    host: &str,
    job: &str,
) -> Result<(), Broken> {
    for _ in 0..MOST_LOOKS {
        tokio::time::sleep(PAUSE).await;
        let looked = connection.get(host, job).await?;
        let text = String::from_utf8_lossy(&looked.body);
        if !["\"queued\"", "\"running\""].iter().any(|stage| text.contains(stage)) {
            break;
        }
    }
    Ok(())
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| scenario | operation | elements | requests | answered | of these oversize | jobs \
             | past a limit | refused | slowest (ms) | reasons |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let reasons: Vec<String> =
                row.reasons.iter().map(|(reason, times)| format!("{reason} {times}")).collect();
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {} |",
                row.scenario,
                row.operation,
                row.elements,
                row.requests,
                row.answered,
                row.oversize,
                row.jobs,
                row.past_a_limit,
                row.refused,
                row.slowest_ms,
                reasons.join(", "),
            )?;
        }
        for (scenario, why) in &self.skipped {
            writeln!(f, "\nNot done: {scenario}: {why}")?;
        }
        writeln!(f, "\nRefused on an idle engine: {}", self.refused())
    }
}

/// A control group that may use part of a processor; goes with the value.
struct Quota {
    folder: PathBuf,
}

impl Quota {
    fn create(processors: f64) -> io::Result<Quota> {
        const PERIOD_US: u32 = 100_000;
        let quota = format!("{:.0}", processors * f64::from(PERIOD_US));
        let name = format!("svgx-load-{}", std::process::id());
        let (v1, v2) = (Path::new("/sys/fs/cgroup/cpu"), Path::new("/sys/fs/cgroup"));
        let old = v1.join("cpu.cfs_quota_us").exists();
        let group = Quota { folder: if old { v1.join(name) } else { v2.join(name) } };
        std::fs::create_dir(&group.folder)?;
        if old {
            std::fs::write(group.folder.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
            std::fs::write(group.folder.join("cpu.cfs_quota_us"), quota)?;
        } else {
            std::fs::write(group.folder.join("cpu.max"), format!("{quota} {PERIOD_US}"))?;
        }
        Ok(group)
    }

    /// All threads of the engine.
    fn hold(&self, engine: &Engine) -> io::Result<()> {
        std::fs::write(self.folder.join("cgroup.procs"), engine.id().to_string())
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // The engine in it has ended, but the kernel may take a moment to see that.
        for _ in 0..50 {
            if std::fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_from_what_is_past_a_limit() {
        let answer = |status, reason: &str| {
            let mut answer = Answer::default();
            answer.status = status;
            answer.reason = Some(reason.to_owned());
            answer
        };
        let mut row = Row::new("lone-large", "parse", 5);
        row.count(&answer(200, "feasible"), Duration::from_millis(3));
        row.count(&answer(200, "oversize"), Duration::from_millis(40));
        row.count(&answer(202, "oversize"), Duration::from_millis(2));
        row.count(&answer(413, "limit"), Duration::from_millis(2));
        row.count(&answer(503, "predicted-late"), Duration::from_millis(2));
        assert_eq!((row.requests, row.answered, row.jobs), (5, 2, 1));
        assert_eq!((row.oversize, row.past_a_limit, row.refused), (2, 1, 1));
        let findings = Findings { rows: vec![row], skipped: Vec::new() };
        assert_eq!(findings.refused(), 1);
        assert!(findings.to_string().contains("| lone-large | parse | 5 | 5 | 2 |"), "{findings}");
    }
}

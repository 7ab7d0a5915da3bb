//! Drawings that ask for more than a machine has, while somebody works beside them.
//!
//! Each of the [`nestings`] is painted by the command and over HTTP, and has to be painted or
//! refused within a second and 512 MB. Over HTTP another client drags and clicks sixty times a
//! second on the same service; its latency is counted from when each was due.

mod command;
mod neighbour;
mod nesting;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use svgx_base::budget::{Clock as _, Monotonic};

pub use nesting::{Nesting, Way, nested, nestings};

use super::ask::{self, Body, Prepared, Sender};
use super::connection::{Answer, Broken, Connection};
use super::lone;
use super::overload::{Engine, Error};

/// How to go about it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that paints and serves.
    pub program: PathBuf,
    /// What P95 of drags and of clicks may be: the budget of their class.
    pub budget: Duration,
    /// Bombs at the most, of [`nestings`] from the front.
    pub most: usize,
}

/// How long one may take.
pub const LONGEST: Duration = Duration::from_secs(1);
/// How much memory one may take, bytes.
pub const MOST_MEMORY: u64 = 512 << 20;
/// Times a bomb is sent again when the service is busy.
const TRIES: u32 = 5;

/// How a bomb ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Painting {
    /// `painted`, `refused`, `busy` (not even tried), or `failed`.
    pub verdict: &'static str,
    /// The limit, or what went wrong.
    pub why: String,
    /// Until the end, ms.
    pub ms: f64,
    /// The most memory that was held, MB: of the command, or of the whole service.
    pub mb: f64,
}

impl Painting {
    /// Whether it ended as it should, in time and memory.
    pub fn holds(&self) -> bool {
        matches!(self.verdict, "painted" | "refused")
            && self.ms <= LONGEST.as_secs_f64() * 1e3
            && self.mb <= megabytes(MOST_MEMORY)
    }
}

/// One bomb.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What is in it.
    pub name: String,
    /// By the command.
    pub command: Painting,
    /// Over HTTP.
    pub http: Painting,
}

/// What the client beside the bombs met.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Beside {
    /// Drags and clicks sent.
    pub sent: u64,
    /// Refused, failed, or without an answer.
    pub lost: u64,
    /// Latency of drags from when they were due, P95, ms.
    pub drags_p95_ms: f64,
    /// The same of clicks.
    pub clicks_p95_ms: f64,
    /// The slowest of all.
    pub slowest_ms: f64,
}

/// How a row was painted by one of the two ways.
type Of<'w> = &'w dyn Fn(&Row) -> &Painting;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// One for each bomb.
    pub rows: Vec<Row>,
    /// The other client.
    pub beside: Beside,
    /// Its budget, ms.
    pub budget_ms: f64,
}

impl Findings {
    /// What is wrong, in words; empty when all held.
    pub fn misses(&self) -> Vec<String> {
        let mut misses = Vec::new();
        for row in &self.rows {
            for (way, painting) in [("command", &row.command), ("HTTP", &row.http)] {
                if !painting.holds() {
                    misses.push(format!("{}, {way}: {painting}", row.name));
                }
            }
        }
        let Beside { sent, lost, drags_p95_ms, clicks_p95_ms, .. } = self.beside;
        for (what, p95) in [("drags", drags_p95_ms), ("clicks", clicks_p95_ms)] {
            if p95 > self.budget_ms {
                misses.push(format!("P95 of {what} {p95:.1} ms of {:.1} ms", self.budget_ms));
            }
        }
        if lost > 0 {
            misses.push(format!("{lost} of {sent} drags and clicks were not answered"));
        }
        misses
    }
}

impl fmt::Display for Painting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Painting { verdict, why, ms, mb } = self;
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        write!(f, "{verdict}{why}, {ms:.0} ms, {mb:.0} MB")
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| nesting | command | ms | MB | HTTP | ms | MB of the service |")?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        let said = |painting: &Painting| match painting.why.as_str() {
            "" => painting.verdict.to_owned(),
            why => format!("{}: {}", painting.verdict, why.replace('|', "\\|")),
        };
        for Row { name, command, http } in &self.rows {
            let (one, other) = (said(command), said(http));
            let Painting { ms, mb, .. } = command;
            write!(f, "| {name} | {one} | {ms:.0} | {mb:.0} | {other} |")?;
            writeln!(f, " {:.0} | {:.0} |", http.ms, http.mb)?;
        }
        let most = |of: &dyn Fn(&Row) -> f64| self.rows.iter().map(of).fold(0.0, f64::max);
        let count = |of: Of<'_>, verdict: &str| {
            self.rows.iter().filter(|row| of(row).verdict == verdict).count()
        };
        let ways: [(&str, Of<'_>); 2] =
            [("command", &|row| &row.command), ("HTTP", &|row| &row.http)];
        writeln!(f)?;
        for (name, of) in ways {
            let verdicts = ["painted", "refused", "busy", "failed"];
            let counts: Vec<String> =
                verdicts.iter().map(|v| format!("{v} {}", count(of, v))).collect();
            let (ms, mb) = (most(&|row| of(row).ms), most(&|row| of(row).mb));
            writeln!(f, "{name}: {}; at most {ms:.0} ms, {mb:.0} MB", counts.join(", "))?;
        }
        let Beside { sent, lost, drags_p95_ms, clicks_p95_ms, slowest_ms } = self.beside;
        writeln!(
            f,
            "beside them: {sent} drags and clicks, {lost} not answered; P95 of drags \
             {drags_p95_ms:.1} ms, of clicks {clicks_p95_ms:.1} ms of {:.1} ms; the slowest \
             {slowest_ms:.1} ms",
            self.budget_ms
        )?;
        writeln!(f, "missed: {}", self.misses().len())
    }
}

impl Plan {
    /// Does everything. `say` is told what is going on.
    ///
    /// # Errors
    /// [`Error`] when the program does not run or hangs up.
    pub fn run(&self, say: &dyn Fn(&str)) -> Result<Findings, Error> {
        let nestings: Vec<Nesting> = nestings().into_iter().take(self.most).collect();
        say(&format!("{} nestings by the command", nestings.len()));
        let mut rows = Vec::with_capacity(nestings.len());
        for nesting in &nestings {
            let command = command::paint(&self.program, &nesting.text)?;
            rows.push(Row { name: nesting.name.clone(), command, http: Painting::default() });
        }
        say("the same over HTTP, beside a client that drags and clicks");
        let engine = Engine::start(&self.program, &[])?;
        let at: SocketAddr =
            engine.public.parse().map_err(|e| Error::Engine(format!("{}: {e}", engine.public)))?;
        let neighbour = neighbour::Neighbour::start(at, &engine.public)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::Engine(format!("no runtime: {e}")))?;
        for (row, nesting) in rows.iter_mut().zip(&nestings) {
            let painted = runtime.block_on(paint(&engine, at, &nesting.text));
            row.http = painted.map_err(|e| Error::Engine(format!("{}: {e}", row.name)))?;
        }
        let beside = neighbour.end()?;
        Ok(Findings { rows, beside, budget_ms: self.budget.as_secs_f64() * 1e3 })
    }
}

/// Sends one bomb, and waits until it is painted or refused.
async fn paint(engine: &Engine, at: SocketAddr, text: &str) -> Result<Painting, Broken> {
    let host = &engine.public;
    let sender = Sender { host, key: None, session: "", headers: "" };
    let request: Prepared = ask::raw("POST", "/render", &Body::document(text), sender);
    let clock = Monotonic::new();
    let mut painting = Painting::default();
    for serial in 0..TRIES {
        reset_peak(engine.id());
        let mut connection = Connection::open(at).await?;
        let began = clock.now();
        let answer = connection.exchange(&request, u64::from(serial)).await?;
        if let (202, Some(job)) = (answer.status, &answer.location) {
            lone::ended(&mut connection, host, job).await?;
        }
        let ms = clock.now().since(began).as_secs_f64() * 1e3;
        let (verdict, why) = verdict(&answer);
        painting = Painting { verdict, why, ms, mb: megabytes(peak(engine.id()).unwrap_or(0)) };
        if verdict != "busy" {
            break;
        }
        let wait = answer.retry_after_ms.map_or(1_000, u64::from).min(2_000);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    Ok(painting)
}

fn verdict(answer: &Answer) -> (&'static str, String) {
    let detail = || {
        let problem: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let field = |name: &str| Some(problem.as_ref()?.get(name)?.as_str()?.to_owned());
        let detail = field("detail").or_else(|| field("title")).unwrap_or_default();
        format!("{}: {}", answer.status, detail.chars().take(120).collect::<String>())
    };
    match answer.status {
        200..=299 => ("painted", String::new()),
        429 | 503 => ("busy", detail()),
        400..=499 => ("refused", detail()),
        _ => ("failed", detail()),
    }
}

#[allow(clippy::cast_precision_loss, reason = "megabytes for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The most memory a process has held, bytes (proc(5), `VmHWM`); none when it has ended.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// Lets [`peak`] begin again (proc(5), `clear_refs`). Where that is not allowed, the figure is the
/// most since the start, which is no smaller.
fn reset_peak(process: u32) {
    let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_too_long_or_too_much_is_missed() {
        let painting = |verdict, ms, mb| Painting { verdict, why: String::new(), ms, mb };
        for (verdict, ms, mb, holds) in [
            ("painted", 900.0, 100.0, true),
            ("refused", 1.0, 20.0, true),
            ("painted", 1_001.0, 100.0, false),
            ("refused", 1.0, 513.0, false),
            ("busy", 1.0, 20.0, false),
            ("failed", 1.0, 20.0, false),
        ] {
            assert_eq!(painting(verdict, ms, mb).holds(), holds, "{verdict} {ms} {mb}");
        }
        let fine = painting("painted", 1.0, 1.0);
        let row = Row { name: "masks".to_owned(), command: fine.clone(), http: fine };
        let beside = Beside { sent: 9, lost: 0, clicks_p95_ms: 17.0, ..Beside::default() };
        let mut findings = Findings { rows: vec![row], beside, budget_ms: 16.0 };
        assert_eq!(findings.misses(), ["P95 of clicks 17.0 ms of 16.0 ms"]);
        findings.beside.clicks_p95_ms = 15.0;
        assert!(findings.misses().is_empty());
        assert!(findings.to_string().contains("painted 1, refused 0"), "{findings}");
    }

    #[test]
    fn answers_are_told_apart() {
        for (status, expected) in
            [(200, "painted"), (202, "painted"), (413, "refused"), (422, "refused"), (503, "busy")]
        {
            let mut answer = Answer::default();
            answer.status = status;
            assert_eq!(verdict(&answer).0, expected, "{status}");
        }
    }

    #[test]
    fn memory_of_this_process_is_read() {
        assert!(peak(std::process::id()).is_some_and(|bytes| bytes > 1 << 20));
    }
}

//! A crowd that comes at once and obeys: is `Retry-After` true?
//!
//! Every client of the crowd sends one request, and when it is refused comes back when it was
//! told, until it is answered. Two figures say whether what they were told was true: how many
//! came in within half to twice the time of their first `Retry-After` (it was not too short), and
//! how long the whole crowd took over what its work takes the processors (it was not too long).

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use svgx_base::budget::{Clock as _, Monotonic, Time};
use tokio::task::JoinSet;

use super::ask::{self, Ask, Prepared, Sender};
use super::connection::{Answer, Broken, Connection};
use super::overload::{Engine, Error};

/// How to go about it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that serves.
    pub program: PathBuf,
    /// Clients of each crowd.
    pub clients: Vec<usize>,
    /// Processors the engine counts on.
    pub cores: usize,
}

/// What one crowd met.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// What was asked.
    pub operation: String,
    /// Clients that came at once.
    pub clients: usize,
    /// Refused at first.
    pub refused: usize,
    /// Of these, answered within half to twice the time they were first told.
    pub told_true: usize,
    /// Never answered: they gave up after [`MOST_TRIES`].
    pub never: usize,
    /// Requests sent for each that was answered.
    pub tries: f64,
    /// Seconds until the last was answered.
    pub took_s: f64,
    /// Seconds the work takes the processors, measured one after the other.
    pub work_s: f64,
}

impl Row {
    /// How long the crowd took over what its work takes.
    pub fn drain(&self) -> f64 {
        self.took_s / self.work_s
    }
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// One for each operation and size of the crowd.
    pub rows: Vec<Row>,
}

impl Findings {
    /// The share of those that were refused to whom the truth was told.
    #[allow(clippy::cast_precision_loss, reason = "counts of requests")]
    pub fn told_true(&self) -> f64 {
        let refused: usize = self.rows.iter().map(|row| row.refused).sum();
        let near: usize = self.rows.iter().map(|row| row.told_true).sum();
        if refused == 0 { 1.0 } else { near as f64 / refused as f64 }
    }
}

/// Requests of one client at the most.
pub const MOST_TRIES: u32 = 30;
/// Requests one after the other from which the time of one is taken.
const ALONE: usize = 30;
/// Between two crowds: what was refused is forgotten.
const REST: Duration = Duration::from_secs(3);

impl Plan {
    /// Crowds from a page that asks for all it shows to an office that comes back from lunch.
    pub const CLIENTS: [usize; 3] = [20, 60, 200];

    /// Does everything. `say` is told what is going on.
    ///
    /// # Errors
    /// [`Error`] when the engine does not run or hangs up.
    pub fn run(&self, say: &dyn Fn(&str)) -> Result<Findings, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::Engine(format!("no runtime: {e}")))?;
        let cores = self.cores.to_string();
        let engine = Engine::start(&self.program, &["--compute-threads", &cores])?;
        let simulate = Ask::Simulate { bodies: 40, seconds: 0.5, precision: None, strict: false };
        let asks = [
            ("parse", Ask::Parse(1_000)),
            ("compile-svg", Ask::CompileSvg(1_000)),
            ("simulate", simulate),
        ];
        let mut rows = Vec::new();
        for (operation, ask) in asks {
            for &clients in &self.clients {
                say(&format!("{operation}: {clients} clients at once"));
                let row = self.crowd(&engine, operation, &ask, clients);
                let row = runtime.block_on(row);
                rows.push(row.map_err(|e| Error::Engine(format!("{operation}: {e}")))?);
            }
        }
        Ok(Findings { rows })
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of requests")]
    async fn crowd(
        &self,
        engine: &Engine,
        operation: &str,
        ask: &Ask,
        clients: usize,
    ) -> Result<Row, Broken> {
        let host = &engine.public;
        let at: SocketAddr = host.parse().map_err(|_| Broken::Protocol("an address"))?;
        let body = ask::body(ask);
        let prepare = |headers: &str| {
            ask::prepare(ask, &body, Sender { host, key: None, session: "", headers })
        };
        let (first, again) = (prepare(""), prepare("X-Retry-Attempt: 1\r\n"));
        let clock = Monotonic::new();
        // Serials no cache has seen: those of one crowd follow each other.
        let serial = (clients as u64) << 20;
        let alone = alone(at, &first, serial, &clock).await?;
        tokio::time::sleep(REST).await;

        let requests = Arc::new([first, again]);
        let began = clock.now();
        let mut crowd = JoinSet::new();
        for client in 0..clients as u64 {
            let requests = Arc::clone(&requests);
            let serial = serial + 0x1_0000 + client;
            crowd.spawn(async move { come(at, &requests, serial, &clock).await });
        }
        let mut row = Row { operation: operation.to_owned(), clients, ..Row::default() };
        let (mut tries, mut last) = (0, began);
        while let Some(came) = crowd.join_next().await {
            let came = came.map_err(|_| Broken::Protocol("a client that ends"))??;
            row.count(&came);
            tries += came.tries;
            last = last.max(came.ended);
        }
        row.tries = f64::from(tries) / clients as f64;
        row.took_s = last.since(began).as_secs_f64();
        row.work_s = alone.as_secs_f64() * clients as f64 / self.cores as f64;
        Ok(row)
    }
}

/// The median time of a request with the engine to itself.
async fn alone(
    at: SocketAddr,
    request: &Prepared,
    serial: u64,
    clock: &Monotonic,
) -> Result<Duration, Broken> {
    let mut connection = Connection::open(at).await?;
    let mut took = Vec::new();
    let mut more = 0;
    while took.len() < ALONE && more < 2 * ALONE as u64 {
        let began = clock.now();
        let answer = connection.exchange(request, serial + more).await?;
        more += 1;
        match told(&answer) {
            None => took.push(clock.now().since(began)),
            // The crowd before is not done yet.
            Some(wait) => tokio::time::sleep(wait).await,
        }
        if !answer.keeps_alive() {
            connection = Connection::open(at).await?;
        }
    }
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}

/// How it went for one client.
#[derive(Clone, Copy, Debug)]
struct Came {
    tries: u32,
    /// When it was first refused, and what it was told.
    refused: Option<(Time, Duration)>,
    /// When the request was sent that was answered; none when it gave up.
    in_at: Option<Time>,
    ended: Time,
}

/// One client, until it is answered.
async fn come(
    at: SocketAddr,
    requests: &[Prepared; 2],
    serial: u64,
    clock: &Monotonic,
) -> Result<Came, Broken> {
    let [first, again] = requests;
    let mut came = Came { tries: 0, refused: None, in_at: None, ended: clock.now() };
    while came.tries < MOST_TRIES {
        let request = if came.tries == 0 { first } else { again };
        let sent = clock.now();
        let answer = Connection::open(at).await?.exchange(request, serial).await?;
        came.tries += 1;
        came.ended = clock.now();
        let Some(wait) = told(&answer) else {
            came.in_at = Some(sent);
            break;
        };
        came.refused.get_or_insert((came.ended, wait));
        tokio::time::sleep(wait).await;
    }
    Ok(came)
}

/// What a refusal says about when to come back.
fn told(answer: &Answer) -> Option<Duration> {
    if !matches!(answer.status, 429 | 503) {
        return None;
    }
    let seconds = answer.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
    let finer = answer.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
    Some(finer.or(seconds).unwrap_or(Duration::from_secs(1)))
}

impl Row {
    fn count(&mut self, came: &Came) {
        let Some((refused, told)) = came.refused else { return };
        self.refused += 1;
        match came.in_at {
            None => self.never += 1,
            Some(at) => {
                let waited = at.since(refused);
                self.told_true += usize::from(waited <= told * 2 && told <= waited * 2);
            }
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| operation | clients at once | refused at first | came in within half to twice what \
             they were told | never | requests for each | all answered after (s) | their work \
             (s) | ratio |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {:.1} | {:.2} | {:.2} | {:.2} |",
                row.operation,
                row.clients,
                row.refused,
                row.told_true,
                row.never,
                row.tries,
                row.took_s,
                row.work_s,
                row.drain(),
            )?;
        }
        let share = self.told_true() * 100.0;
        writeln!(
            f,
            "\n`Retry-After` was true within a factor of two for {share:.0} % of the refused"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_compared_with_what_was_waited() {
        let ms = |ms: u64| Time(ms * 1_000_000);
        let client = |told: u64, waited: Option<u64>| Came {
            tries: 2,
            refused: Some((ms(1_000), Duration::from_millis(told))),
            in_at: waited.map(|waited| ms(1_000 + waited)),
            ended: ms(9_000),
        };
        let mut row = Row::default();
        let clients = [(100, Some(101)), (100, Some(200)), (100, Some(201)), (300, Some(100))];
        for (told, waited) in clients {
            row.count(&client(told, waited));
        }
        row.count(&client(100, None));
        row.count(&Came { tries: 1, refused: None, in_at: Some(ms(1)), ended: ms(2) });
        assert_eq!((row.refused, row.told_true, row.never), (5, 2, 1));
        let findings = Findings { rows: vec![row] };
        assert!((findings.told_true() - 0.4).abs() < 1e-9, "{}", findings.told_true());
    }

    #[test]
    fn the_finer_time_counts() {
        let mut answer = Answer::default();
        (answer.status, answer.retry_after) = (503, Some(2));
        assert_eq!(told(&answer), Some(Duration::from_secs(2)));
        answer.retry_after_ms = Some(1_200);
        assert_eq!(told(&answer), Some(Duration::from_millis(1_200)));
        answer.status = 200;
        assert_eq!(told(&answer), None);
    }
}

//! Sending, when it is due, and waiting for what comes back.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use svgx_base::budget::{Class, Clock as _, Monotonic, Time};
use svgx_base::machine;
use svgx_controller::spec::Spec;

use super::arrivals::{Arrivals, Due, Phase, Schedule};
use super::ask::{self, Body, Prepared, Sender, SessionKind};
use super::connection::{Answer, Broken, Connection};
use super::profile::Profile;
use super::report::Report;
use super::tally::{Ending, Sample, Tally};
use super::timer::Timer;

/// Where the load goes: one service, at one address or at several replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    host: String,
    at: SocketAddr,
    /// Connections go to `at` and to these in turn.
    replicas: Vec<SocketAddr>,
}

impl Target {
    /// Reads `http://HOST[:PORT]` or `HOST:PORT`, several separated by commas.
    ///
    /// # Errors
    /// [`Error::Address`] when it is none, [`Error::Remote`] when it is another
    /// machine and `remote` does not allow that.
    pub fn parse(urls: &str, remote: bool) -> Result<Target, Error> {
        let mut all = urls.split(',').map(|url| Target::parse_one(url, remote));
        let first = all.next().unwrap_or_else(|| Target::parse_one(urls, remote))?;
        let replicas = all.map(|other| Ok(other?.at)).collect::<Result<_, Error>>()?;
        Ok(Target { replicas, ..first })
    }

    fn parse_one(url: &str, remote: bool) -> Result<Target, Error> {
        let bad = |reason: String| Error::Address { url: url.to_owned(), reason };
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some((scheme, _)) => return Err(bad(format!("{scheme} is not spoken, only http"))),
            None => url,
        };
        let host = rest.trim_end_matches('/');
        if host.contains('/') {
            return Err(bad("a path does not belong here".to_owned()));
        }
        let with_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let full = if with_port { host.to_owned() } else { format!("{host}:80") };
        let all: Vec<SocketAddr> =
            full.to_socket_addrs().map_err(|e| bad(e.to_string()))?.collect();
        // The engine listens on IPv4 unless told otherwise.
        let at = all.iter().find(|at| at.is_ipv4()).or(all.first()).copied();
        let at = at.ok_or_else(|| bad("it has no address".to_owned()))?;
        if !remote && !at.ip().is_loopback() {
            return Err(Error::Remote(at));
        }
        Ok(Target { host: host.to_owned(), at, replicas: Vec::new() })
    }

    /// Its address; of several the first.
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// The value of the `Host` header.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// How to send.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bearer keys, used in turn; none: without.
    pub keys: Vec<String>,
    /// How requests follow each other.
    pub arrivals: Arrivals,
    /// Seed of what is random.
    pub seed: u64,
    /// Connections open at the most; what is due meanwhile waits, and is charged for it.
    pub connections: usize,
    /// How long an answer is waited for.
    pub patience: Duration,
    /// Requests at the most.
    pub most: u64,
    /// Who is told when a phase begins.
    pub watch: Option<Watch>,
}

/// Told the index of each phase when it begins, and one past the last at the end. It is
/// called where requests are sent, so it has to be quick.
#[derive(Clone)]
pub struct Watch(pub Arc<dyn Fn(usize) + Send + Sync>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            keys: Vec::new(),
            arrivals: Arrivals::Constant,
            seed: 1,
            connections: 512,
            patience: Duration::from_secs(5),
            most: 5_000_000,
            watch: None,
        }
    }
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an address.
    #[error("{url:?}: {reason}")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Another machine, without leave.
    #[error("{0} is another machine; say --allow-remote if it may be loaded")]
    Remote(SocketAddr),
    /// The service is not there.
    #[error("cannot reach {at}: {error}")]
    Unreachable {
        /// Where.
        at: SocketAddr,
        /// Why.
        error: Broken,
    },
    /// A session could not be prepared.
    #[error("preparing session {session}: status {status}: {body}")]
    Preparation {
        /// The session.
        session: String,
        /// The status.
        status: u16,
        /// What came with it.
        body: String,
    },
    /// The system refuses something.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Plays the phases one after the other, without a pause, on this thread.
///
/// # Errors
/// When the service cannot be reached or its sessions not be prepared. What
/// goes wrong later is counted.
pub fn run(
    target: &Target,
    profile: &Profile,
    phases: &[Phase],
    options: &Options,
    spec: &Spec,
) -> Result<Report, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, play(target, profile, phases, options, spec))
}

/// What every request task shares.
#[derive(Debug)]
struct Shared {
    /// Never empty.
    at: Vec<SocketAddr>,
    patience: Duration,
    clock: Monotonic,
    began: Time,
    idle: RefCell<Vec<Connection>>,
    permits: Semaphore,
    tally: RefCell<Tally>,
    running: Cell<u64>,
    serial: Cell<u64>,
    opened: Cell<u64>,
}

async fn play(
    target: &Target,
    profile: &Profile,
    phases: &[Phase],
    options: &Options,
    spec: &Spec,
) -> Result<Report, Error> {
    prepare_sessions(target, profile, options).await?;
    let requests = requests(target, profile, options);
    let budgets: BTreeMap<Class, u64> = spec
        .objectives
        .iter()
        .map(|o| (o.class, u64::try_from(o.budget.as_nanos()).unwrap_or(u64::MAX)))
        .collect();
    let starts = phases.iter().scan(0, |from, phase| {
        let began = *from;
        *from += u64::try_from(phase.length.as_nanos()).unwrap_or(u64::MAX / 2);
        Some(began)
    });
    let classes = profile.operations.iter().map(|o| o.class).collect();
    let tally = RefCell::new(Tally::new(starts, classes, budgets));
    let clock = Monotonic::new();
    let shared = Rc::new(Shared {
        at: std::iter::once(target.at).chain(target.replicas.iter().copied()).collect(),
        patience: options.patience,
        began: clock.now(),
        clock,
        idle: RefCell::default(),
        permits: Semaphore::new(options.connections.max(1)),
        tally,
        running: Cell::new(0),
        serial: Cell::new(options.seed.wrapping_mul(1_000_003)),
        opened: Cell::new(0),
    });
    let cpu_before = machine::thread_cpu();
    let cut = send_all(&shared, profile, phases, options, &requests, cpu_before).await?;
    // Nobody waits longer than the patience, so this ends.
    while shared.running.get() > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let cpu = machine::thread_cpu().saturating_sub(cpu_before);
    let took = shared.clock.now().since(shared.began);
    let tally = shared.tally.borrow();
    Ok(Report::new(profile, phases, &tally, spec, cpu, took, cut, shared.opened.get()))
}

/// Sends every request when it is due; whether the bound on their number cut it short.
async fn send_all(
    shared: &Rc<Shared>,
    profile: &Profile,
    phases: &[Phase],
    options: &Options,
    requests: &[Vec<Rc<Prepared>>],
    cpu_before: Duration,
) -> Result<bool, Error> {
    let timer = Timer::new()?;
    let mut turns = vec![0usize; requests.len()];
    let (mut phase, mut cpu_at_phase) = (0, cpu_before);
    let mut sent = 0u64;
    let mut in_a_row = 0u32;
    let told = |phase: usize| {
        if let Some(Watch(watch)) = &options.watch {
            watch(phase);
        }
    };
    told(0);
    for due in Schedule::new(profile, phases, options.arrivals, options.seed) {
        if sent >= options.most {
            return Ok(true);
        }
        let at = shared.began.after(Duration::from_nanos(due.at));
        if shared.clock.now() < at {
            timer.until(at, &shared.clock).await?;
            in_a_row = 0;
        } else {
            // Behind: answers have to be looked at all the same.
            in_a_row += 1;
            if in_a_row.is_multiple_of(8) {
                tokio::task::yield_now().await;
            }
        }
        if due.phase != phase {
            cpu_at_phase = close_phase(shared, phase, cpu_at_phase);
            phase = due.phase;
            told(phase);
        }
        let Some(variants) = requests.get(due.operation) else { continue };
        let Some(turn) = turns.get_mut(due.operation) else { continue };
        *turn += 1;
        let Some(request) = variants.get(*turn % variants.len().max(1)) else { continue };
        sent += 1;
        shared.running.set(shared.running.get() + 1);
        tokio::task::spawn_local(serve(Rc::clone(shared), due, Rc::clone(request)));
    }
    // The last phase lasts until its end, though nothing more is due in it.
    let whole: Duration = phases.iter().map(|phase| phase.length).sum();
    timer.until(shared.began.after(whole), &shared.clock).await?;
    close_phase(shared, phase, cpu_at_phase);
    told(phases.len());
    Ok(false)
}

fn close_phase(shared: &Shared, phase: usize, before: Duration) -> Duration {
    let now = machine::thread_cpu();
    if let Some(tally) = shared.tally.borrow_mut().phases.get_mut(phase) {
        tally.cpu = u64::try_from(now.saturating_sub(before).as_nanos()).unwrap_or(u64::MAX);
    }
    now
}

/// One request from when it is due to its end.
async fn serve(shared: Rc<Shared>, due: Due, request: Rc<Prepared>) {
    let at = shared.began.after(Duration::from_nanos(due.at));
    let sent = Cell::new(None);
    let left = (at.after(shared.patience)).since(shared.clock.now());
    let asked = tokio::time::timeout(left, ask(&shared, &request, &sent)).await;
    let now = shared.clock.now();
    let ending = match asked {
        Err(_) => Ending::Broken("timeout"),
        Ok(Err(Broken::Closed)) => Ending::Broken("closed"),
        Ok(Err(Broken::Io(_))) => Ending::Broken("io"),
        Ok(Err(Broken::Protocol(_))) => Ending::Broken("protocol"),
        Ok(Ok(answer)) => ending(answer),
    };
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let lag = nanos(sent.get().unwrap_or(now).since(at));
    shared.tally.borrow_mut().record(&Sample {
        phase: due.phase,
        operation: due.operation,
        due: due.at,
        lag,
        latency: nanos(now.since(at)),
        ending,
    });
    shared.running.set(shared.running.get() - 1);
}

fn ending(answer: Answer) -> Ending {
    match answer.status {
        200..=399 => Ending::Answered { tier: answer.tier, deferred: answer.status == 202 },
        429 => Ending::Shed("rate-limited".to_owned()),
        503 => match answer.reason.or_else(|| code(&answer.body)) {
            Some(reason) => Ending::Shed(reason),
            None => Ending::Failed(503),
        },
        status => Ending::Failed(status),
    }
}

/// The code of a problem document.
fn code(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(problem.get("code")?.as_str()?.to_owned())
}

async fn ask(
    shared: &Shared,
    request: &Prepared,
    sent: &Cell<Option<Time>>,
) -> Result<Answer, Broken> {
    // Closed only when the run is over.
    let _permit = shared.permits.acquire().await.map_err(|_| Broken::Closed)?;
    let serial = shared.serial.get();
    shared.serial.set(serial.wrapping_add(1));
    let used = shared.idle.borrow_mut().pop();
    sent.set(Some(shared.clock.now()));
    let mut connection = match used {
        None => open(shared).await?,
        Some(mut connection) => match connection.exchange(request, serial).await {
            // The service had closed it while it lay idle: nothing was done.
            Err(Broken::Closed) => open(shared).await?,
            done => return keep(shared, connection, done),
        },
    };
    let done = connection.exchange(request, serial).await;
    keep(shared, connection, done)
}

async fn open(shared: &Shared) -> Result<Connection, Broken> {
    let n = shared.opened.get();
    shared.opened.set(n + 1);
    let turn = usize::try_from(n).unwrap_or_default() % shared.at.len().max(1);
    let at = shared.at.get(turn).copied().ok_or(Broken::Closed)?;
    Ok(Connection::open(at).await?)
}

fn keep(
    shared: &Shared,
    connection: Connection,
    done: Result<Answer, Broken>,
) -> Result<Answer, Broken> {
    let answer = done?;
    if answer.keeps_alive() {
        shared.idle.borrow_mut().push(connection);
    }
    Ok(answer)
}

/// Every operation's requests: one for each key, or for each session and its key.
fn requests(target: &Target, profile: &Profile, options: &Options) -> Vec<Vec<Rc<Prepared>>> {
    let keys: Vec<Option<&str>> = match options.keys.as_slice() {
        [] => vec![None],
        keys => keys.iter().map(|key| Some(key.as_str())).collect(),
    };
    let key = |number: usize| keys.get(number % keys.len()).copied().flatten();
    profile
        .operations
        .iter()
        .map(|operation| {
            let body = ask::body(&operation.ask);
            let mut headers = String::new();
            for header in &operation.headers {
                headers.push_str(header);
                headers.push_str("\r\n");
            }
            let variants = match operation.ask.session() {
                Some(kind) => {
                    (0..profile.sessions).map(|number| (key(number), kind.name(number))).collect()
                }
                None => keys.iter().map(|key| (*key, String::new())).collect::<Vec<_>>(),
            };
            variants
                .iter()
                .map(|(key, session)| {
                    let sender =
                        Sender { host: &target.host, key: *key, session, headers: &headers };
                    Rc::new(ask::prepare(&operation.ask, &body, sender))
                })
                .collect()
        })
        .collect()
}

/// Loads the drawings of the sessions, and begins the drags.
async fn prepare_sessions(
    target: &Target,
    profile: &Profile,
    options: &Options,
) -> Result<(), Error> {
    let unreachable = |error| Error::Unreachable { at: target.at, error };
    let open = async || Connection::open(target.at).await.map_err(|e| unreachable(e.into()));
    // Even without a session: a service that is not there is an error, not a count.
    let mut connection = open().await?;
    let kinds: BTreeSet<SessionKind> =
        profile.operations.iter().filter_map(|o| o.ask.session()).collect();
    for kind in kinds {
        let bodies: Vec<Body> = ask::preparation(kind, profile.elements);
        for number in 0..profile.sessions {
            let session = kind.name(number);
            let key = match options.keys.len() {
                0 => None,
                count => options.keys.get(number % count).map(String::as_str),
            };
            let sender = Sender { host: &target.host, key, session: &session, headers: "" };
            for body in &bodies {
                let request = ask::raw("POST", "/interactive", body, sender);
                let answer = patient(&mut connection, &request).await.map_err(unreachable)?;
                if answer.status >= 300 {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    let status = answer.status;
                    return Err(Error::Preparation { session, status, body });
                }
                if !answer.keeps_alive() {
                    connection = open().await?;
                }
            }
        }
    }
    Ok(())
}

/// Asks again as long as the service says "later", for half a minute.
async fn patient(connection: &mut Connection, request: &Prepared) -> Result<Answer, Broken> {
    for _ in 0..30 {
        let answer = connection.exchange(request, 0).await?;
        if !matches!(answer.status, 429 | 503) {
            return Ok(answer);
        }
        let wait = answer.retry_after.unwrap_or(1).clamp(1, 10);
        tokio::time::sleep(Duration::from_secs(wait.into())).await;
    }
    connection.exchange(request, 0).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_not_loaded_without_leave() {
        assert!(matches!(Target::parse("http://192.0.2.1:80", false), Err(Error::Remote(_))));
        assert!(Target::parse("http://192.0.2.1:80", true).is_ok());
        assert!(Target::parse("127.0.0.1:8000", false).is_ok());
        let two = Target::parse("http://127.0.0.1:8000,127.0.0.1:8001", false).expect("local");
        assert_eq!((two.at.port(), two.replicas.len()), (8000, 1));
        assert!(Target::parse("127.0.0.1:8000,192.0.2.1:80", false).is_err(), "another machine");
        assert!(Target::parse("127.0.0.1:8000,", false).is_err(), "an empty one");
        assert_eq!(Target::parse("http://127.0.0.1/", false).expect("local").at.port(), 80);
        for bad in ["https://127.0.0.1", "http://127.0.0.1/path", "http://"] {
            assert!(Target::parse(bad, false).is_err(), "{bad}");
        }
    }
}

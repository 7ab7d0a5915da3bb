//! `svgx staging validate`: whether a deployment does what it promises, told with figures.
//!
//! Everything is asked over the wire, as a client would, so it works against any deployment. What
//! it cannot see from there (Prometheus, Grafana, logs) it is told by options, and says "skipped"
//! where it was not.

mod answers;
mod asking;
mod guards;
mod load;
mod report;
mod shown;
mod watching;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::http::{Client, Error, Reply};
use svgx_base::budget::{Clock as _, Monotonic};
use svgx_controller::spec::Spec;

pub use report::{Check, Figure, Report, Verdict};

/// The drawing that every answer is known for.
const ROOM: &str = include_str!("../../../../examples/room.svgx");

/// Which time of a request is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latency {
    /// What the client waited: what a user feels, the network included.
    #[default]
    Client,
    /// What the engine says it took, from `X-Response-Time`: for a client far away.
    Engine,
}

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The service: `https://staging.example.com`.
    pub url: String,
    /// A key that it knows.
    pub key: Option<String>,
    /// A key that it no longer knows.
    pub revoked_key: Option<String>,
    /// Certificates to trust beside those of the system.
    pub ca: Option<PathBuf>,
    /// Prometheus: `http://localhost:9090`.
    pub prometheus: Option<String>,
    /// Grafana: `https://user:password@grafana.example.com`.
    pub grafana: Option<String>,
    /// The uids of the dashboards that have to be there.
    pub dashboards: Vec<String>,
    /// The traces the collector wrote, as OTLP JSON lines.
    pub traces: Option<PathBuf>,
    /// The engine's log lines.
    pub logs: Option<PathBuf>,
    /// Users at once.
    pub users: usize,
    /// For how long.
    pub duration: Duration,
    /// Which time is judged.
    pub latency: Latency,
}

/// What the checks share.
struct Run<'r> {
    options: &'r Options,
    spec: &'r Spec,
    client: Client,
    /// A session of its own, so that nobody's work is touched.
    session: String,
    /// The identifier of the trace that is looked for at the end.
    trace: String,
}

/// Runs every check. A check that could not be made because nothing answered has failed.
///
/// # Errors
/// [`Error::Url`] or [`Error::Ca`]: there is nobody to ask.
pub async fn validate(options: &Options, spec: &Spec) -> Result<Report, Error> {
    let clock = Monotonic::new();
    let client = Client::new(&options.url, options.key.clone(), options.ca.as_deref())?;
    let random: [u64; 3] = std::array::from_fn(|_| getrandom::u64().unwrap_or(1));
    let run = Run {
        options,
        spec,
        client,
        session: format!("validate-{:016x}", random[0]),
        trace: format!("{:016x}{:016x}", random[1], random[2]),
    };
    let mut checks = Vec::new();
    let (health, version) = answers::health(&run).await;
    checks.push(health);
    if version.is_some() {
        checks.extend(answers::endpoints(&run).await);
        checks.extend(guards::keys(&run).await);
        checks.push(guards::hostile(&run).await);
        checks.push(guards::tls(&run).await);
        checks.push(guards::headers(&run).await);
        let loaded = load::run(&run).await;
        checks.extend(load::judge(&run, &loaded));
        // Last of what is asked of the engine: it uses the rate up.
        checks.push(guards::rate_limit(&run).await);
        checks.extend(watching::checks(&run).await);
    }
    for check in checks.iter_mut().filter(|c| c.verdict == Verdict::Failed) {
        check.shown = Some(shown::command(check.id, options));
    }
    let took = clock.now().since(svgx_base::budget::Time(0));
    let version = version.unwrap_or_else(|| "unknown".to_owned());
    Ok(Report { url: options.url.clone(), version, took, checks })
}

/// Notes that there was no answer.
fn unanswered(check: &mut Check, error: &Error) {
    check.fail(format!("no answer: {error}"));
}

/// Expects a status; shows the answer where it is another.
fn status(check: &mut Check, reply: &Reply, expected: u16) {
    check.expect(reply.status == expected, || {
        format!("answered {}, wanted {expected}: {}", reply.status, reply.excerpt())
    });
}

/// Expects a number at a JSON pointer, within a billionth.
fn number(check: &mut Check, value: &Value, what: &str, expected: f64) {
    let seen = value.as_f64();
    let near = seen.is_some_and(|s| (s - expected).abs() <= expected.abs().max(1.0) * 1e-9);
    check.expect(near, || format!("{what} is {value}, wanted {expected}"));
}

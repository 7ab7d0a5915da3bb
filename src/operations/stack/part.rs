//! The parts of the stack: which program, where it listens, when it is ready.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Addresses, Error};
use crate::http;

/// The variable that names another program as the engine: a release, where this one is none.
pub(crate) const ENGINE: &str = "SVGX_STACK_ENGINE";

/// One process of the stack, in the order they are started.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Whoever is told by Alertmanager: writes what it hears to `notifications.jsonl`.
    Receiver,
    /// The OpenTelemetry Collector.
    Collector,
    /// A Redis for the sessions of several engines; only where it is asked for.
    Store,
    /// The engine.
    Engine,
    /// Another engine, on the same store; only where it is asked for.
    Replica,
    /// A process that works on jobs; only where it is asked for.
    Worker,
    /// Alertmanager.
    Alertmanager,
    /// Prometheus.
    Prometheus,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 8] = [
        Part::Receiver,
        Part::Collector,
        Part::Store,
        Part::Engine,
        Part::Replica,
        Part::Worker,
        Part::Alertmanager,
        Part::Prometheus,
    ];

    /// Whether a stack has the part without being asked for it.
    pub const fn usual(self) -> bool {
        !matches!(self, Part::Store | Part::Replica | Part::Worker)
    }

    const fn name(self) -> &'static str {
        match self {
            Part::Receiver => "receiver",
            Part::Collector => "collector",
            Part::Store => "store",
            Part::Engine => "engine",
            Part::Replica => "replica",
            Part::Worker => "worker",
            Part::Alertmanager => "alertmanager",
            Part::Prometheus => "prometheus",
        }
    }

    /// The program, where it is found first: the project's tools, then the path.
    pub(super) fn program(self) -> Result<PathBuf, Error> {
        let (names, how): (&[&'static str], _) = match self {
            Part::Receiver | Part::Engine | Part::Replica | Part::Worker => {
                let other = std::env::var_os(ENGINE).filter(|_| self != Part::Receiver);
                if let Some(engine) = other {
                    return Ok(PathBuf::from(engine));
                }
                let own = std::env::current_exe();
                return own.map_err(|e| Error::File(PathBuf::from("svgx"), e));
            }
            Part::Collector => (&["otelcol-svgx"], "./test collector builds it, with Go"),
            Part::Store => (&["redis-server", "valkey-server"], "Debian: redis-server"),
            Part::Alertmanager => {
                (&["prometheus-alertmanager", "alertmanager"], "Debian: prometheus-alertmanager")
            }
            Part::Prometheus => (&["prometheus"], "Debian: prometheus"),
        };
        let tools = std::env::var_os("SVGX_TEST_TOOLS").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = tools
            .into_iter()
            .chain([PathBuf::from("target/tools")])
            .map(|t| t.join("bin"))
            .chain(std::env::split_paths(&path));
        folders
            .flat_map(|folder| names.iter().map(move |n| folder.join(n)))
            .find(|candidate| candidate.is_file())
            .ok_or_else(|| Error::Missing {
                part: self,
                program: names.first().copied().unwrap_or_default(),
                how,
            })
    }

    /// Every address the part takes.
    pub(super) fn listens(self, at: &Addresses) -> Vec<SocketAddr> {
        match self {
            Part::Receiver => vec![at.receiver],
            Part::Collector => vec![at.collector, at.collector_http, at.collector_health],
            Part::Store => vec![at.store],
            Part::Engine => vec![at.engine, at.internal, at.peer],
            Part::Replica => vec![at.replica, at.replica_internal, at.replica_peer],
            Part::Worker => vec![at.worker],
            Part::Alertmanager => vec![at.alertmanager],
            Part::Prometheus => vec![at.prometheus],
        }
    }

    /// Where a person looks.
    pub(super) fn address(self, at: &Addresses) -> String {
        match self {
            Part::Receiver => format!("http://{} (notifications.jsonl)", at.receiver),
            Part::Collector => format!("http://{} (OTLP)", at.collector),
            Part::Store => format!("redis://{}/0", at.store),
            Part::Engine => format!("http://{}/docs/, internal http://{}", at.engine, at.internal),
            Part::Replica => {
                format!("http://{}/docs/, internal http://{}", at.replica, at.replica_internal)
            }
            Part::Worker => format!("internal http://{}", at.worker),
            Part::Alertmanager => format!("http://{}", at.alertmanager),
            Part::Prometheus => format!("http://{}", at.prometheus),
        }
    }

    /// Whether the part answers.
    pub(super) fn ready(self, at: &Addresses) -> bool {
        let (at, path) = match self {
            Part::Store => return answers_ping(at.store),
            Part::Receiver => (at.receiver, "/"),
            Part::Collector => (at.collector_health, "/"),
            Part::Engine => (at.internal, "/readyz"),
            Part::Replica => (at.replica_internal, "/readyz"),
            Part::Worker => (at.worker, "/readyz"),
            Part::Alertmanager => (at.alertmanager, "/-/ready"),
            Part::Prometheus => (at.prometheus, "/-/ready"),
        };
        http::get(&at.to_string(), path, Duration::from_secs(2)).is_ok_and(|a| a.status == 200)
    }
}

/// Whether a Redis has read its file and answers.
fn answers_ping(at: SocketAddr) -> bool {
    let patience = Duration::from_secs(2);
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&at, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"+PONG")
    };
    ask().unwrap_or(false)
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

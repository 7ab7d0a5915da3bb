//! The parts of the stack: which program, where it listens, when it is ready.

use std::fmt;
use std::net::SocketAddr;
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
    /// The engine.
    Engine,
    /// Alertmanager.
    Alertmanager,
    /// Prometheus.
    Prometheus,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 5] =
        [Part::Receiver, Part::Collector, Part::Engine, Part::Alertmanager, Part::Prometheus];

    const fn name(self) -> &'static str {
        match self {
            Part::Receiver => "receiver",
            Part::Collector => "collector",
            Part::Engine => "engine",
            Part::Alertmanager => "alertmanager",
            Part::Prometheus => "prometheus",
        }
    }

    /// The program, where it is found first: the project's tools, then the path.
    pub(super) fn program(self) -> Result<PathBuf, Error> {
        let (names, how): (&[&'static str], _) = match self {
            Part::Receiver | Part::Engine => {
                let other = std::env::var_os(ENGINE).filter(|_| self == Part::Engine);
                if let Some(engine) = other {
                    return Ok(PathBuf::from(engine));
                }
                let own = std::env::current_exe();
                return own.map_err(|e| Error::File(PathBuf::from("svgx"), e));
            }
            Part::Collector => (&["otelcol-svgx"], "./test collector builds it, with Go"),
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
            Part::Engine => vec![at.engine, at.internal],
            Part::Alertmanager => vec![at.alertmanager],
            Part::Prometheus => vec![at.prometheus],
        }
    }

    /// Where a person looks.
    pub(super) fn address(self, at: &Addresses) -> String {
        match self {
            Part::Receiver => format!("http://{} (notifications.jsonl)", at.receiver),
            Part::Collector => format!("http://{} (OTLP)", at.collector),
            Part::Engine => format!("http://{}/docs/, internal http://{}", at.engine, at.internal),
            Part::Alertmanager => format!("http://{}", at.alertmanager),
            Part::Prometheus => format!("http://{}", at.prometheus),
        }
    }

    /// Whether the part answers.
    pub(super) fn ready(self, at: &Addresses) -> bool {
        let (at, path) = match self {
            Part::Receiver => (at.receiver, "/"),
            Part::Collector => (at.collector_health, "/"),
            Part::Engine => (at.internal, "/readyz"),
            Part::Alertmanager => (at.alertmanager, "/-/ready"),
            Part::Prometheus => (at.prometheus, "/-/ready"),
        };
        http::get(&at.to_string(), path, Duration::from_secs(2)).is_ok_and(|a| a.status == 200)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

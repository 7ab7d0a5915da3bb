//! The configuration of the service: one table of settings, and where each
//! value came from. Flags win over the environment, the environment over the
//! TOML file, the file over the defaults. A key nobody knows is an error.

mod environment;
mod error;
mod file;
mod flags;
mod settings;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use svgx_controller::core::Mode;
use svgx_engine::document::Limits;

pub use self::error::{Error, Origin};
pub use self::flags::Flags;
use self::settings::{Kind, SETTINGS};

/// Everything `svgx serve` can be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the public endpoints listen.
    pub listen: SocketAddr,
    /// Where metrics and probes listen; `None`: nowhere.
    pub internal_listen: Option<SocketAddr>,
    /// Where sessions are kept; `None`: in memory only.
    pub data_dir: Option<PathBuf>,
    /// The Redis that keeps the sessions; `None`: `data_dir` does.
    pub store: Option<Secret>,
    /// Whether a Redis that does not say how it is set is taken for one that is set well.
    pub store_trust: bool,
    /// Where other replicas pass requests on to this one; `None`: nowhere.
    pub replica_listen: Option<SocketAddr>,
    /// How they reach it; `None`: as it is bound.
    pub replica_address: Option<String>,
    /// A file with the secret that replicas know each other by.
    pub replica_secret_file: Option<PathBuf>,
    /// Bearer keys as given: `NAME:KEY`.
    pub api_keys: Vec<Secret>,
    /// A file of keys, read again on SIGHUP.
    pub api_keys_file: Option<PathBuf>,
    /// A file with the key of operators, for backup and restore on the internal listener.
    pub operator_key_file: Option<PathBuf>,
    /// The certificate chain of the public endpoints, in PEM; `None`: no TLS.
    pub tls_cert: Option<PathBuf>,
    /// Its private key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// Whether requests are counted against a rate.
    pub rate_limit: bool,
    /// Requests a minute for the `ui` class.
    pub rate_ui: u32,
    /// Requests a minute for everything else.
    pub rate_rest: u32,
    /// Requests at once before the rate counts.
    pub rate_burst: u32,
    /// Requests a minute for the status endpoints (health and metrics); `None`: not counted.
    pub rate_status: Option<u32>,
    /// Requests at once for them.
    pub rate_status_burst: u32,
    /// `development`, `staging`, `production`, ...: shown by `/health`.
    pub environment: String,
    /// What is logged.
    pub log_level: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Bytes of a request body.
    pub max_body: usize,
    /// Bytes of all request bodies held at once.
    pub max_body_total: usize,
    /// How long one request may take, body included.
    pub request_timeout: Duration,
    /// How long a client may take to send its headers, and between two pieces of its body.
    pub client_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// Whether this process takes jobs from the queue of the store.
    pub work: Work,
    /// How long a worker may say nothing before its jobs are given to others.
    pub job_lease: Duration,
    /// How much work of a job is lost with its worker at the most, where it leaves checkpoints.
    pub job_checkpoint: Duration,
    /// How long a stopping server waits for running requests.
    pub drain_timeout: Duration,
    /// How long a stopping server says "not ready" before it stops listening.
    pub drain_delay: Duration,
    /// Threads that speak HTTP.
    pub workers: usize,
    /// Whether the controller acts on what it decides.
    pub controller: Mode,
    /// Names of the keys that may override the controller.
    pub operators: Vec<String>,
    /// Where every decision is written; `None`: nowhere.
    pub decision_log: Option<PathBuf>,
    /// Processors to compute on; `None`: those of the control group.
    pub compute_threads: Option<usize>,
    /// Connections open at once, per worker.
    pub max_connections: usize,
    /// Bytes of parsed and compiled documents kept.
    pub cache_bytes: u64,
    /// Origins that browsers may call from; empty: none.
    pub cors_origins: Vec<String>,
    /// A drawing loaded into the default session.
    pub open: Option<PathBuf>,
    /// Directories with fonts for pictures, beside those in the binary.
    pub font_dirs: Vec<PathBuf>,
    /// The objectives; `None`: those compiled in.
    pub slo_dir: Option<PathBuf>,
    /// The limits of the language.
    pub limits: Limits,
}

/// Whether a process takes jobs from the queue that several share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// While nobody does who does nothing else.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
    /// It does nothing else: `svgx work`.
    Only,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object a line.
    Json,
    /// Text.
    Text,
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A value as it was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// The setting's key.
    pub key: &'static str,
    /// Its values, secrets redacted.
    pub shown: String,
    /// Where they came from.
    pub origin: Origin,
}

/// A configuration, where its values came from, and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every setting with its origin.
    pub given: Vec<Given>,
    /// Settings that were asked for and are not supported.
    pub notices: Vec<String>,
}

/// Puts the layers together.
///
/// `environment` is every variable of the process, handed in.
///
/// # Errors
/// [`Error`] for a value that cannot be read, an unknown key, or an unreadable file.
pub fn load(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, Error> {
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    let file = flags.file.clone().or_else(|| environment.get("SVGX_CONFIG").map(PathBuf::from));
    let (from_file, limits) = match &file {
        Some(path) => file::read(path)?,
        None => (BTreeMap::new(), Limits::default()),
    };
    environment::refuse_unknown(&environment)?;

    let mut config = Config { limits, ..Config::default() };
    let mut given = Vec::new();
    for s in SETTINGS {
        let variable = s.environment.iter().find_map(|&name| Some((name, environment.get(name)?)));
        let (values, origin) = if let Some(values) = flags.values.get(s.key) {
            (values.clone(), Origin::Flag)
        } else if let Some((name, value)) = variable {
            (list(s.kind, value), Origin::Environment(name.to_owned()))
        } else if let (Some(values), Some(path)) = (from_file.get(s.key), &file) {
            (values.clone(), Origin::File(path.clone()))
        } else {
            (list(s.kind, s.default), Origin::Default)
        };
        for value in &values {
            (s.apply)(&mut config, value).map_err(|reason| Error::Value {
                key: s.key.to_owned(),
                value: match s.kind {
                    Kind::ManySecrets => "[redacted]".into(),
                    Kind::Address => without_password(value),
                    Kind::One | Kind::Many => value.clone(),
                },
                origin: origin.clone(),
                reason,
            })?;
        }
        let shown = match s.kind {
            Kind::ManySecrets => values.iter().map(|v| redacted(v)).collect::<Vec<_>>().join(","),
            Kind::Address => values.iter().map(|v| without_password(v)).collect(),
            _ => values.join(","),
        };
        given.push(Given { key: s.key, shown, origin });
    }

    // A secret that came out empty must not open the service.
    if let Some(keys) = given.iter().find(|g| g.key == "api-key")
        && keys.origin != Origin::Default
        && config.api_keys.is_empty()
    {
        return Err(Error::Value {
            key: keys.key.to_owned(),
            value: String::new(),
            origin: keys.origin.clone(),
            reason: "there is no key in it; unset it to run without keys".to_owned(),
        });
    }
    let mut notices = environment::unsupported(&environment);
    environment::apply_switches(&environment, &mut config, &mut given, &mut notices)?;
    Ok(Loaded { config, given, notices })
}

impl Default for Config {
    /// What is in force when nothing is said; [`SETTINGS`] shows the same as text.
    fn default() -> Config {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Config {
            listen: local(8000),
            internal_listen: Some(local(9464)),
            data_dir: None,
            store: None,
            store_trust: false,
            replica_listen: None,
            replica_address: None,
            replica_secret_file: None,
            api_keys: Vec::new(),
            api_keys_file: None,
            operator_key_file: None,
            tls_cert: None,
            tls_key: None,
            rate_limit: true,
            rate_ui: 6_000,
            rate_rest: 1_000,
            rate_burst: 100,
            rate_status: None,
            rate_status_burst: 50,
            environment: "development".to_owned(),
            log_level: "info".to_owned(),
            log_format: LogFormat::Auto,
            max_body: 10 << 20,
            max_body_total: 256 << 20,
            request_timeout: Duration::from_secs(30),
            client_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            work: Work::Auto,
            job_lease: Duration::from_secs(15),
            job_checkpoint: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            workers: 2,
            controller: Mode::On,
            operators: Vec::new(),
            decision_log: None,
            compute_threads: None,
            max_connections: 4_096,
            cache_bytes: 128 << 20,
            cors_origins: Vec::new(),
            open: None,
            font_dirs: Vec::new(),
            slo_dir: None,
            limits: Limits::default(),
        }
    }
}

fn list(kind: Kind, text: &str) -> Vec<String> {
    match kind {
        Kind::One | Kind::Address => vec![text.to_owned()],
        _ => text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
    }
}

fn redacted(value: &str) -> String {
    match value.split_once(':') {
        Some((name, _)) => format!("{name}:[redacted]"),
        None => "[redacted]".to_owned(),
    }
}

/// An address without what stands before the `@`.
fn without_password(value: &str) -> String {
    match (value.split_once("://"), value.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://[redacted]@{host}"),
        (None, Some(_)) => "[redacted]".to_owned(),
        (_, None) => value.to_owned(),
    }
}

#[cfg(test)]
mod tests;

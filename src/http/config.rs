//! The configuration of the service: one table of settings, and where each
//! value came from. Flags win over the environment, the environment over the
//! TOML file, the file over the defaults. A key nobody knows is an error.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::document::Limits;
use crate::slo::controller::Mode;

/// Everything `svgx serve` can be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the public endpoints listen.
    pub listen: SocketAddr,
    /// Where metrics and probes listen; `None`: nowhere.
    pub internal_listen: Option<SocketAddr>,
    /// Where sessions are kept; `None`: in memory only.
    pub data_dir: Option<PathBuf>,
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
    /// Requests at once for the status endpoints (health and metrics).
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
    /// How long a client may take to send its headers, or its body.
    pub client_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
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
    /// The objectives; `None`: those compiled in.
    pub slo_dir: Option<PathBuf>,
    /// The limits of the language.
    pub limits: Limits,
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

/// One setting: its names, what it means, and how it is read.
struct Setting {
    key: &'static str,
    environment: &'static [&'static str],
    help: &'static str,
    kind: Kind,
    default: &'static str,
    apply: fn(&mut Config, &str) -> Result<(), String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    One,
    Many,
    ManySecrets,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// The TOML file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag => f.write_str("flag"),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value that cannot be read.
    #[error("{key} = {value:?} ({origin}): {reason}")]
    Value {
        /// The setting.
        key: String,
        /// What was given.
        value: String,
        /// Where.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
    /// A key nobody knows.
    #[error("unknown key {key:?} ({origin}){}", hint(.near))]
    Unknown {
        /// The key.
        key: String,
        /// Where.
        origin: Origin,
        /// The nearest known key.
        near: Option<String>,
    },
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

fn hint(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |n| format!("; did you mean {n:?}?"))
}

macro_rules! setting {
    ($key:literal, $env:expr, $default:literal, $kind:ident, $help:literal, $apply:expr) => {
        Setting {
            key: $key,
            environment: $env,
            help: $help,
            kind: Kind::$kind,
            default: $default,
            apply: $apply,
        }
    };
}

fn set<T: std::str::FromStr>(to: &mut T, text: &str) -> Result<(), String>
where
    T::Err: fmt::Display,
{
    *to = text.trim().parse().map_err(|e: T::Err| e.to_string())?;
    Ok(())
}

fn positive<T: std::str::FromStr + PartialOrd + Default>(
    to: &mut T,
    text: &str,
) -> Result<(), String>
where
    T::Err: fmt::Display,
{
    set(to, text)?;
    if *to > T::default() { Ok(()) } else { Err("must be more than 0".into()) }
}

fn seconds(to: &mut Duration, text: &str) -> Result<(), String> {
    let number: f64 = text.trim().trim_end_matches('s').parse().map_err(|_| "expected seconds")?;
    if !(0.0..=86_400.0).contains(&number) {
        return Err("expected seconds between 0 and 86400".into());
    }
    *to = Duration::from_secs_f64(number);
    Ok(())
}

fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.trim().parse().map_err(|_| "expected bytes, such as 10MiB")?;
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        _ => return Err("unknown unit; expected B, KiB, MiB or GiB".into()),
    };
    number.checked_mul(factor).ok_or_else(|| "too large".into())
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

fn path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    (!text.is_empty() && text != "none").then(|| PathBuf::from(text))
}

const SETTINGS: &[Setting] = &[
    setting!(
        "listen",
        &["SVGX_LISTEN"],
        "127.0.0.1:8000",
        One,
        "Address of the public endpoints; port 0 picks a free one",
        |c, v| set(&mut c.listen, v)
    ),
    setting!(
        "internal-listen",
        &["SVGX_INTERNAL_LISTEN"],
        "127.0.0.1:9464",
        One,
        "Address of /metrics, /livez and /readyz; \"off\" for none",
        |c, v| {
            if v.trim() == "off" {
                c.internal_listen = None;
                return Ok(());
            }
            let mut at = c.listen;
            set(&mut at, v)?;
            c.internal_listen = Some(at);
            Ok(())
        }
    ),
    setting!(
        "data-dir",
        &["SVGX_DATA_DIR"],
        "none",
        One,
        "Where sessions are kept; \"none\" keeps them in memory",
        |c, v| {
            c.data_dir = path(v);
            Ok(())
        }
    ),
    setting!(
        "api-key",
        &["SVGX_API_KEYS", "SVGX_API_KEY", "API_KEY"],
        "",
        ManySecrets,
        "A bearer key as NAME:KEY; may be given several times, or as a list with commas",
        |c, v| {
            let v = v.trim();
            if v.is_empty() {
                return Ok(());
            }
            c.api_keys.push(Secret(v.to_owned()));
            Ok(())
        }
    ),
    setting!(
        "api-keys-file",
        &["SVGX_API_KEYS_FILE"],
        "none",
        One,
        "A file with one NAME:KEY or NAME:blake3:HEX a line, read again on SIGHUP",
        |c, v| {
            c.api_keys_file = path(v);
            Ok(())
        }
    ),
    setting!(
        "operator-key-file",
        &["SVGX_OPERATOR_KEY_FILE"],
        "none",
        One,
        "A file with the key that /backup and /restore on the internal address ask for",
        |c, v| {
            c.operator_key_file = path(v);
            Ok(())
        }
    ),
    setting!(
        "tls-cert",
        &["SVGX_TLS_CERT"],
        "none",
        One,
        "The certificate chain of the public endpoints in PEM, read again when it changes",
        |c, v| {
            c.tls_cert = path(v);
            Ok(())
        }
    ),
    setting!(
        "tls-key",
        &["SVGX_TLS_KEY"],
        "none",
        One,
        "The private key of that certificate in PEM",
        |c, v| {
            c.tls_key = path(v);
            Ok(())
        }
    ),
    setting!(
        "rate-limit",
        &["SVGX_RATE_LIMIT"],
        "default",
        One,
        "\"default\" counts requests per key, \"off\" does not",
        |c, v| {
            c.rate_limit = match v.trim() {
                "default" | "on" => true,
                "off" => false,
                _ => return Err("expected off or default".into()),
            };
            Ok(())
        }
    ),
    setting!(
        "rate-limit-ui",
        &["SVGX_RATE_LIMIT_UI"],
        "6000",
        One,
        "Interactive requests a minute for each key",
        |c, v| positive(&mut c.rate_ui, v)
    ),
    setting!(
        "rate-limit-rest",
        &["SVGX_RATE_LIMIT_REST"],
        "1000",
        One,
        "Other requests a minute for each key",
        |c, v| positive(&mut c.rate_rest, v)
    ),
    setting!(
        "rate-limit-burst",
        &["SVGX_RATE_LIMIT_BURST"],
        "100",
        One,
        "Requests at once before the rate counts",
        |c, v| positive(&mut c.rate_burst, v)
    ),
    setting!(
        "rate-limit-status-burst",
        &["SVGX_RATE_LIMIT_STATUS_BURST"],
        "50",
        One,
        "The same for /health and /metrics",
        |c, v| positive(&mut c.rate_status_burst, v)
    ),
    setting!(
        "environment",
        &["ENVIRONMENT", "SVGX_ENVIRONMENT", "SVGX_ENV"],
        "development",
        One,
        "development, staging or production: shown by /health",
        |c, v| {
            let v = v.trim();
            let plain = |ch: char| ch.is_ascii_alphanumeric() || ch == '-' || ch == '_';
            if v.is_empty() || !v.chars().all(plain) {
                return Err("expected one word".into());
            }
            c.environment = v.to_ascii_lowercase();
            Ok(())
        }
    ),
    setting!(
        "log-level",
        &["LOG_LEVEL", "SVGX_LOG_LEVEL"],
        "info",
        One,
        "off, error, warn, info, debug, trace, or a filter such as svgx_engine=debug",
        |c, v| {
            c.log_level = v.trim().to_ascii_lowercase();
            Ok(())
        }
    ),
    setting!(
        "log-format",
        &["LOG_FORMAT", "SVGX_LOG_FORMAT"],
        "auto",
        One,
        "json, text, or auto: text on a terminal",
        |c, v| {
            c.log_format = match v.trim() {
                "auto" => LogFormat::Auto,
                "json" => LogFormat::Json,
                "text" => LogFormat::Text,
                _ => return Err("expected auto, json or text".into()),
            };
            Ok(())
        }
    ),
    setting!("max-body", &["SVGX_MAX_BODY"], "10MiB", One, "Bytes of one request body", |c, v| {
        c.max_body = usize::try_from(bytes(v)?).map_err(|e| e.to_string())?;
        Ok(())
    }),
    setting!(
        "max-body-total",
        &["SVGX_MAX_BODY_TOTAL"],
        "256MiB",
        One,
        "Bytes of all request bodies held at once",
        |c, v| {
            c.max_body_total = usize::try_from(bytes(v)?).map_err(|e| e.to_string())?;
            Ok(())
        }
    ),
    setting!(
        "request-timeout",
        &["SVGX_REQUEST_TIMEOUT", "REQUEST_TIMEOUT"],
        "30",
        One,
        "Seconds one request may take",
        |c, v| seconds(&mut c.request_timeout, v)
    ),
    setting!(
        "client-timeout",
        &["SVGX_CLIENT_TIMEOUT"],
        "10",
        One,
        "Seconds a client may take to send its headers, and its body",
        |c, v| seconds(&mut c.client_timeout, v)
    ),
    setting!(
        "keep-alive",
        &["SVGX_KEEP_ALIVE"],
        "60",
        One,
        "Seconds an idle connection is kept",
        |c, v| seconds(&mut c.keep_alive, v)
    ),
    setting!(
        "drain-timeout",
        &["SVGX_DRAIN_TIMEOUT"],
        "30",
        One,
        "Seconds running requests get after SIGTERM",
        |c, v| seconds(&mut c.drain_timeout, v)
    ),
    setting!(
        "drain-delay",
        &["SVGX_DRAIN_DELAY"],
        "0",
        One,
        "Seconds of \"not ready\" before the listener closes",
        |c, v| seconds(&mut c.drain_delay, v)
    ),
    setting!("workers", &["SVGX_WORKERS"], "2", One, "Threads that speak HTTP", |c, v| positive(
        &mut c.workers,
        v
    )),
    setting!(
        "controller",
        &["SVGX_CONTROLLER"],
        "shadow",
        One,
        "What the SLO controller does: \"on\" decides and acts, \"shadow\" decides and records, \"off\"",
        |c, v| {
            c.controller = match v.trim() {
                "on" => Mode::On,
                "shadow" => Mode::Shadow,
                "off" => Mode::Off,
                _ => return Err("expected on, shadow or off".to_owned()),
            };
            Ok(())
        }
    ),
    setting!(
        "operator",
        &["SVGX_OPERATORS"],
        "",
        Many,
        "The name of a key that may override the controller (PUT /slo/controls); may be given several times. Without keys everybody is called \"anonymous\"",
        |c, v| {
            let v = v.trim();
            if !v.is_empty() {
                c.operators.push(v.to_owned());
            }
            Ok(())
        }
    ),
    setting!(
        "decision-log",
        &["SVGX_DECISION_LOG"],
        "none",
        One,
        "A file for every decision of the controller, for `svgx slo replay`; \"none\" for none",
        |c, v| {
            c.decision_log = path(v);
            Ok(())
        }
    ),
    setting!(
        "compute-threads",
        &["SVGX_COMPUTE_THREADS"],
        "auto",
        One,
        "Processors to compute on; \"auto\": those of the control group",
        |c, v| {
            if v.trim() == "auto" {
                c.compute_threads = None;
                return Ok(());
            }
            let mut threads = 1;
            positive(&mut threads, v)?;
            c.compute_threads = Some(threads);
            Ok(())
        }
    ),
    setting!(
        "max-connections",
        &["SVGX_MAX_CONNECTIONS", "MAX_CONNECTIONS"],
        "4096",
        One,
        "Connections open at once, for each worker",
        |c, v| positive(&mut c.max_connections, v)
    ),
    setting!(
        "cache-bytes",
        &["SVGX_CACHE_BYTES"],
        "128MiB",
        One,
        "Bytes of parsed and compiled documents kept; 0 keeps none",
        |c, v| {
            c.cache_bytes = bytes(v)?;
            Ok(())
        }
    ),
    setting!(
        "cors-origin",
        &["SVGX_CORS_ORIGINS"],
        "",
        Many,
        "An origin whose pages may call the service; may be given several times",
        |c, v| {
            let v = v.trim();
            if v.is_empty() {
                return Ok(());
            }
            if v == "*" || !(v.starts_with("http://") || v.starts_with("https://")) {
                return Err("expected an origin such as https://example.com".into());
            }
            c.cors_origins.push(v.trim_end_matches('/').to_owned());
            Ok(())
        }
    ),
    setting!(
        "open",
        &["SVGX_OPEN"],
        "none",
        One,
        "A drawing to load into the default session at start",
        |c, v| {
            c.open = path(v);
            Ok(())
        }
    ),
    setting!(
        "slo-dir",
        &["SVGX_SLO_DIR"],
        "none",
        One,
        "A folder with the objectives; \"none\" takes those compiled in",
        |c, v| {
            c.slo_dir = path(v);
            Ok(())
        }
    ),
];

/// Variables of the deployment guide that this server does not act on when they
/// ask for something: the name, a value that asks for nothing, and what to say.
const UNSUPPORTED: &[(&str, &[&str], &str)] = &[
    ("REDIS_URL", &[""], "sessions are kept in the embedded store; Redis is not supported"),
    ("DATABASE_URL", &[""], "sessions are kept under --data-dir; SQL databases are not supported"),
    ("PERFORMANCE_MONITORING", &["", "true", "1", "on"], "metrics are always on"),
    (
        "SECURITY_AUDITING",
        &["", "false", "0", "off"],
        "there is no audit log beside the request log",
    ),
    ("TELEMETRY_ENABLED", &["", "true", "1", "on"], "the request log and /metrics are always on"),
    ("PYTHONUNBUFFERED", &["", "1", "true"], "this is not a Python program"),
];

/// `SVGX_` variables that belong to the tools around the server.
const FOREIGN: &[&str] = &[
    "SVGX_CONFIG",
    "SVGX_NAMESPACE",
    "SVGX_IMAGE_NAME",
    "SVGX_IMAGE_TAG",
    "SVGX_REGISTRY",
    "SVGX_STAGING_URL",
];

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

/// What the command line said: values by key, and the file.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    values: BTreeMap<&'static str, Vec<String>>,
    file: Option<PathBuf>,
}

impl clap::Args for Flags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let file = clap::Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("A TOML file with the settings below [env: SVGX_CONFIG]");
        let flags = SETTINGS.iter().map(|s| {
            let many = s.kind != Kind::One;
            clap::Arg::new(s.key)
                .long(s.key)
                .value_name("VALUE")
                .action(if many { clap::ArgAction::Append } else { clap::ArgAction::Set })
                .allow_hyphen_values(true)
                .help(format!(
                    "{} [env: {}] [default: {}]",
                    s.help,
                    s.environment.join(", "),
                    if s.default.is_empty() { "none" } else { s.default },
                ))
        });
        command.arg(file).args(flags)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Flags { file: matches.get_one("config").cloned(), ..Flags::default() };
        for s in SETTINGS {
            if let Some(values) = matches.get_many::<String>(s.key) {
                flags.values.insert(s.key, values.cloned().collect());
            }
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Flags {
    /// Sets a flag, as the command line would. Unknown keys are ignored here
    /// and cannot come from the command line.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Flags {
        if let Some(s) = SETTINGS.iter().find(|s| s.key == key) {
            self.values.entry(s.key).or_default().push(value.to_owned());
        }
        self
    }
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
        Some(path) => read_file(path)?,
        None => (BTreeMap::new(), Limits::default()),
    };
    refuse_unknown_variables(&environment)?;

    let mut config = empty(limits);
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
                value: if s.kind == Kind::ManySecrets {
                    "[redacted]".into()
                } else {
                    value.clone()
                },
                origin: origin.clone(),
                reason,
            })?;
        }
        let shown = match s.kind {
            Kind::ManySecrets => values.iter().map(|v| redacted(v)).collect::<Vec<_>>().join(","),
            _ => values.join(","),
        };
        given.push(Given { key: s.key, shown, origin });
    }

    let mut notices = Vec::new();
    for &(name, harmless, say) in UNSUPPORTED {
        if let Some(value) = environment.get(name)
            && !harmless.contains(&value.trim().to_ascii_lowercase().as_str())
        {
            notices.push(format!("{name} is set and has no effect: {say}"));
        }
    }
    special(&environment, &mut config, &mut given, &mut notices)?;
    Ok(Loaded { config, given, notices })
}

/// Variables of the guide that switch a setting rather than being one.
fn special(
    environment: &BTreeMap<String, String>,
    config: &mut Config,
    given: &mut [Given],
    notices: &mut Vec<String>,
) -> Result<(), Error> {
    let read = |name: &str| match environment.get(name) {
        None => Ok(None),
        Some(v) if v.trim().is_empty() => Ok(None),
        Some(v) => boolean(v).map(Some).map_err(|reason| Error::Value {
            key: name.to_owned(),
            value: v.clone(),
            origin: Origin::Environment(name.to_owned()),
            reason,
        }),
    };
    let mut switch = |key: &str, name: &str, shown: &str, change: &mut dyn FnMut()| {
        if let Some(g) = given.iter_mut().find(|g| g.key == key)
            && g.origin == Origin::Default
        {
            change();
            g.shown = shown.to_owned();
            g.origin = Origin::Environment(name.to_owned());
        }
    };
    if read("LOAD_TESTING_MODE")? == Some(true) {
        switch("rate-limit", "LOAD_TESTING_MODE", "off", &mut || config.rate_limit = false);
        notices.push("LOAD_TESTING_MODE is set: requests are not rate limited".into());
    }
    if read("CACHE_ENABLED")? == Some(false) {
        switch("cache-bytes", "CACHE_ENABLED", "0", &mut || config.cache_bytes = 0);
    }
    Ok(())
}

fn empty(limits: Limits) -> Config {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        listen: nowhere,
        internal_listen: None,
        data_dir: None,
        api_keys: Vec::new(),
        api_keys_file: None,
        operator_key_file: None,
        tls_cert: None,
        tls_key: None,
        rate_limit: true,
        rate_ui: 0,
        rate_rest: 0,
        rate_burst: 0,
        rate_status_burst: 0,
        environment: String::new(),
        log_level: String::new(),
        log_format: LogFormat::Auto,
        max_body: 0,
        max_body_total: 0,
        request_timeout: Duration::ZERO,
        client_timeout: Duration::ZERO,
        keep_alive: Duration::ZERO,
        drain_timeout: Duration::ZERO,
        drain_delay: Duration::ZERO,
        workers: 1,
        controller: Mode::Shadow,
        operators: Vec::new(),
        decision_log: None,
        compute_threads: None,
        max_connections: 1,
        cache_bytes: 0,
        cors_origins: Vec::new(),
        open: None,
        slo_dir: None,
        limits,
    }
}

fn list(kind: Kind, text: &str) -> Vec<String> {
    match kind {
        Kind::One => vec![text.to_owned()],
        _ => text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
    }
}

fn redacted(value: &str) -> String {
    match value.split_once(':') {
        Some((name, _)) => format!("{name}:[redacted]"),
        None => "[redacted]".to_owned(),
    }
}

type FileValues = BTreeMap<&'static str, Vec<String>>;

fn read_file(path: &PathBuf) -> Result<(FileValues, Limits), Error> {
    let wrong = |reason: String| Error::File { path: path.clone(), reason };
    let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| wrong(e.to_string()))?;
    let mut values = BTreeMap::new();
    let mut limits = Limits::default();
    for (key, value) in table {
        if key == "limits" {
            limits =
                value.try_into().map_err(|e: toml::de::Error| wrong(format!("limits: {e}")))?;
            continue;
        }
        let written = key.replace('_', "-");
        let Some(s) = SETTINGS.iter().find(|s| s.key == written) else {
            return Err(Error::Unknown {
                near: nearest(&written, SETTINGS.iter().map(|s| s.key)),
                key,
                origin: Origin::File(path.clone()),
            });
        };
        let scalar = |v: &toml::Value| match v {
            toml::Value::String(s) => Some(s.clone()),
            toml::Value::Integer(i) => Some(i.to_string()),
            toml::Value::Float(f) => Some(f.to_string()),
            toml::Value::Boolean(b) => Some(b.to_string()),
            _ => None,
        };
        let read = match &value {
            toml::Value::Array(all) if s.kind != Kind::One => all.iter().map(scalar).collect(),
            one => scalar(one).map(|v| vec![v]),
        };
        let read = read.ok_or_else(|| wrong(format!("{key}: expected a text or a number")))?;
        values.insert(s.key, read);
    }
    Ok((values, limits))
}

/// A Kubernetes service named `svgx-...` puts variables of its own into every pod.
fn of_kubernetes(name: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || (name.contains("_PORT_") && (name.contains("_TCP") || name.contains("_UDP")))
}

fn refuse_unknown_variables(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let known = || SETTINGS.iter().flat_map(|s| s.environment.iter().copied());
    for name in environment.keys().filter(|n| n.starts_with("SVGX_")) {
        if known().chain(FOREIGN.iter().copied()).all(|k| k != name) && !of_kubernetes(name) {
            return Err(Error::Unknown {
                key: name.clone(),
                origin: Origin::Environment(name.clone()),
                near: nearest(name, known()),
            });
        }
    }
    Ok(())
}

/// The candidate that shares the most with `key`, if it shares much.
fn nearest<'k>(key: &str, candidates: impl Iterator<Item = &'k str>) -> Option<String> {
    candidates
        .map(|c| (distance(key, c), c))
        .filter(|(d, c)| *d * 3 <= c.len())
        .min()
        .map(|(_, c)| c.to_owned())
}

/// Levenshtein distance, over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y)).min(*slot + 1).min(left + 1);
            diagonal = *slot;
            left = best;
            *slot = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn origin_of<'l>(loaded: &'l Loaded, key: &str) -> &'l Origin {
        &loaded.given.iter().find(|g| g.key == key).expect("a known key").origin
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("svgx.toml");
        std::fs::write(&file, "log-level = \"error\"\nworkers = 3\nkeep_alive = 5\n")
            .expect("written");
        let flags = Flags { file: Some(file), ..Flags::default() }.with("log-level", "trace");
        let loaded = load(&flags, environment(&[("LOG_LEVEL", "debug"), ("SVGX_WORKERS", "4")]))
            .expect("loads");
        assert_eq!(loaded.config.log_level, "trace");
        assert_eq!(loaded.config.workers, 4);
        assert_eq!(loaded.config.keep_alive, Duration::from_secs(5));
        assert_eq!(origin_of(&loaded, "log-level"), &Origin::Flag);
        assert_eq!(origin_of(&loaded, "workers"), &Origin::Environment("SVGX_WORKERS".into()));
        assert!(matches!(origin_of(&loaded, "keep-alive"), Origin::File(_)));
        assert_eq!(origin_of(&loaded, "max-body"), &Origin::Default);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("svgx.toml");
        std::fs::write(&file, "log-levle = \"error\"").expect("written");
        let flags = Flags { file: Some(file), ..Flags::default() };
        let error = load(&flags, []).expect_err("unknown key").to_string();
        assert!(error.contains("log-levle") && error.contains("log-level"), "{error}");
        let error =
            load(&Flags::default(), environment(&[("SVGX_WORKER", "4")])).expect_err("unknown");
        assert!(error.to_string().contains("SVGX_WORKERS"), "{error}");
    }

    #[test]
    fn variables_of_a_kubernetes_service_are_not_ours() {
        let pod = [
            ("SVGX_ENGINE_STAGING_SERVICE_HOST", "10.0.0.1"),
            ("SVGX_ENGINE_STAGING_SERVICE_PORT_HTTP", "80"),
            ("SVGX_ENGINE_STAGING_PORT", "tcp://10.0.0.1:80"),
            ("SVGX_ENGINE_STAGING_PORT_80_TCP_ADDR", "10.0.0.1"),
        ];
        assert!(load(&Flags::default(), environment(&pod)).is_ok());
    }

    #[test]
    fn the_variables_of_the_guide_mean_what_they_say_or_are_reported() {
        let guide = [
            ("API_KEY", "secret-key\n"),
            ("ENVIRONMENT", "staging"),
            ("REDIS_URL", "redis://localhost:6379"),
            ("DATABASE_URL", "sqlite:///app/x.db"),
            ("LOAD_TESTING_MODE", "true"),
            ("CACHE_ENABLED", "false"),
        ];
        let loaded = load(&Flags::default(), environment(&guide)).expect("loads");
        assert_eq!(loaded.config.api_keys, [Secret("secret-key".into())]);
        assert_eq!(loaded.config.environment, "staging");
        assert!(!loaded.config.rate_limit);
        assert_eq!(loaded.config.cache_bytes, 0);
        for name in ["REDIS_URL", "DATABASE_URL", "LOAD_TESTING_MODE"] {
            assert!(
                loaded.notices.iter().any(|n| n.contains(name)),
                "{name}: {:?}",
                loaded.notices
            );
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let loaded =
            load(&Flags::default().with("api-key", "alice:s3cret-s3cret"), []).expect("loads");
        let shown = format!("{:?}", loaded);
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("alice"));
    }

    #[test]
    fn values_that_cannot_be_read_are_errors() {
        for (key, value) in [
            ("listen", "nowhere"),
            ("workers", "0"),
            ("max-body", "10 apples"),
            ("request-timeout", "-1"),
            ("rate-limit", "maybe"),
            ("cors-origin", "*"),
        ] {
            let flags = Flags::default().with(key, value);
            assert!(matches!(load(&flags, []), Err(Error::Value { .. })), "{key} = {value}");
        }
    }
}

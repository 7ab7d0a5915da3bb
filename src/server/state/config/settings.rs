//! The one table of settings: their names, what they mean, and how each is read.

use std::time::Duration;

use super::value::{address, boolean, bytes, path, positive, seconds};
use super::{Config, LogFormat, Secret, Work};
use svgx_controller::core::Mode;

/// One setting: its names, what it means, and how it is read.
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) environment: &'static [&'static str],
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) default: &'static str,
    pub(super) apply: fn(&mut Config, &str) -> Result<(), String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    One,
    Many,
    ManySecrets,
    /// An address that may hold a password.
    Address,
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

pub(super) const SETTINGS: &[Setting] = &[
    setting!(
        "listen",
        &["SVGX_LISTEN"],
        "127.0.0.1:8000",
        One,
        "Address of the public endpoints: localhost:8000, or :8000 for every address of this machine; port 0 picks a free one",
        |c, v| address(&mut c.listen, v)
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
            address(&mut at, v)?;
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
        "store",
        &["SVGX_STORE", "REDIS_URL"],
        "none",
        Address,
        "A Redis that keeps the sessions for several replicas: redis://user:password@host:6379/0, or rediss:// with TLS; \"none\" keeps them in --data-dir",
        |c, v| {
            let v = v.trim();
            if v.is_empty() || v == "none" {
                return Ok(());
            }
            if !(v.starts_with("redis://") || v.starts_with("rediss://")) {
                return Err("expected redis://HOST:PORT or rediss://HOST:PORT".into());
            }
            c.store = Some(Secret(v.to_owned()));
            Ok(())
        }
    ),
    setting!(
        "store-trust",
        &["SVGX_STORE_TRUST"],
        "off",
        One,
        "\"on\" takes a Redis that does not say how it is set (CONFIG forbidden) for one that keeps what it acknowledges",
        |c, v| {
            c.store_trust = boolean(v)?;
            Ok(())
        }
    ),
    setting!(
        "replica-listen",
        &["SVGX_REPLICA_LISTEN"],
        "off",
        One,
        "Address where other replicas pass requests on to this one, with --store; \"off\" for none",
        |c, v| {
            if v.trim() == "off" {
                return Ok(());
            }
            let mut at = c.listen;
            address(&mut at, v)?;
            c.replica_listen = Some(at);
            Ok(())
        }
    ),
    setting!(
        "replica-address",
        &["SVGX_REPLICA_ADDRESS"],
        "auto",
        One,
        "HOST:PORT by which the other replicas reach that address; \"auto\": as it is bound",
        |c, v| {
            let v = v.trim();
            if v.is_empty() || v == "auto" {
                return Ok(());
            }
            if v.parse::<actix_web::http::uri::Authority>().is_err() || !v.contains(':') {
                return Err("expected HOST:PORT".into());
            }
            c.replica_address = Some(v.to_owned());
            Ok(())
        }
    ),
    setting!(
        "replica-secret-file",
        &["SVGX_REPLICA_SECRET_FILE"],
        "none",
        One,
        "A file with the secret that replicas know each other by, 16 bytes at the least; the same for all",
        |c, v| {
            c.replica_secret_file = path(v);
            Ok(())
        }
    ),
    setting!(
        "work",
        &["SVGX_WORK"],
        "auto",
        One,
        "With --store, whether this process takes jobs from the queue: on, off, or auto: while no `svgx work` runs",
        |c, v| {
            c.work = match v.trim() {
                "auto" => Work::Auto,
                "on" => Work::On,
                "off" => Work::Off,
                _ => return Err("expected auto, on or off".into()),
            };
            Ok(())
        }
    ),
    setting!(
        "job-lease",
        &["SVGX_JOB_LEASE"],
        "15",
        One,
        "Seconds a worker may say nothing before its jobs are given to others; the same for all",
        |c, v| {
            seconds(&mut c.job_lease, v)?;
            if c.job_lease < Duration::from_secs(1) {
                return Err("expected 1 second at the least".into());
            }
            Ok(())
        }
    ),
    setting!(
        "job-checkpoint",
        &["SVGX_JOB_CHECKPOINT"],
        "10",
        One,
        "Seconds of a simulation that are done again when its worker is lost",
        |c, v| {
            seconds(&mut c.job_checkpoint, v)?;
            if c.job_checkpoint < Duration::from_millis(100) {
                return Err("expected 0.1 seconds at the least".into());
            }
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
        "A file with one NAME:KEY or NAME:blake3:HEX a line, read again when it changes; without a key in it nobody is let in",
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
        "rate-limit-status",
        &["SVGX_RATE_LIMIT_STATUS"],
        "off",
        One,
        "Requests for /health and /metrics a minute for each key; \"off\": probes are not counted",
        |c, v| {
            if v.trim() == "off" {
                c.rate_status = None;
                return Ok(());
            }
            let mut rate = 0;
            positive(&mut rate, v)?;
            c.rate_status = Some(rate);
            Ok(())
        }
    ),
    setting!(
        "rate-limit-status-burst",
        &["SVGX_RATE_LIMIT_STATUS_BURST"],
        "50",
        One,
        "Requests for them at once, where they are counted",
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
        "off, error, warn, info, debug, trace, or a filter such as info,svgx_engine=debug",
        |c, v| {
            c.log_level = svgx_telemetry::levels::read(v).map_err(|e| e.to_string())?;
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
        "Seconds a client may take to send its headers, and between two pieces of its body",
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
        "on",
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
        "Connections open at once, for each worker; fewer where the limit of open files is low",
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
        "font-dir",
        &["SVGX_FONT_DIRS"],
        "",
        Many,
        "A folder with fonts for pictures (ttf, otf, ttc, otc), beside those in the binary; may be given several times",
        |c, v| {
            c.font_dirs.extend(path(v));
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

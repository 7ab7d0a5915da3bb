//! What the handlers share: one value, made when the service starts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use svgx_base::budget::{Clock, Monotonic, Time};
use svgx_controller::spec::Spec;
use svgx_controller::{Runtime, RuntimeOptions};
use svgx_session::Sessions;
use svgx_telemetry::Telemetry;

use super::cache::Cache;
use super::config::Config;
use super::counts::Counts;
use super::jobs::Jobs;
use super::keys::{self, Identity, Keys, Names};
use super::rate::Rates;
use super::routes::status::Said;
use super::session;
use super::tls;
use super::trace::Ids;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It would be open to everybody.
    #[error(
        "refusing to listen on {0} without keys: everybody who reaches it could use it; \
         give --api-key NAME:KEY or --api-keys-file FILE, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// An address cannot be bound.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
    /// The system refuses something.
    #[error("{0}: {1}")]
    System(&'static str, std::io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The drawing to open cannot be used.
    #[error("{0}")]
    Example(String),
    /// The store cannot be opened.
    #[error("{0}")]
    Store(String),
}

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The keys in force; replaced on SIGHUP.
    keys: ArcSwap<Keys>,
    names: Names,
    /// The identity of everybody, where no key is needed.
    pub anonymous: Identity,
    /// The rates; `None`: off.
    pub rates: Option<Rates>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Unix time at the clock's origin.
    epoch: Duration,
    /// Totals for `/health`.
    pub counts: Counts,
    /// What `/health` said last.
    pub health: ArcSwapOption<Said>,
    /// Traces, metrics and logs.
    pub telemetry: Arc<Telemetry>,
    /// The objectives.
    pub spec: Spec,
    /// Where work is admitted and done.
    pub pool: Runtime,
    /// Work that is done later.
    pub jobs: Jobs,
    /// Parsed and compiled documents.
    pub cache: Cache,
    /// The sessions and their store.
    pub sessions: Sessions,
    /// What the tokens of interrupted simulations are sealed with.
    pub snapshots: svgx_engine::physics::Key,
    /// Identifiers of traces and spans.
    pub ids: Ids,
    /// Bytes of request bodies held now.
    held: AtomicUsize,
    ready: AtomicBool,
    /// Held while sessions are backed up or restored: one at a time.
    pub maintenance: tokio::sync::Mutex<()>,
}

impl App {
    /// Builds everything that needs no socket.
    ///
    /// # Errors
    /// [`StartError`] when the configuration is not safe or not possible.
    pub fn new(config: Config, spec: Spec, telemetry: Arc<Telemetry>) -> Result<App, StartError> {
        let names = Names::default();
        let anonymous = names.identity("anonymous");
        let keys = Keys::load(&config, &names)?;
        if keys.is_empty() && !config.listen.ip().is_loopback() {
            return Err(StartError::Open(config.listen));
        }
        let clock: Arc<dyn Clock> = Arc::new(Monotonic::new());
        let options = RuntimeOptions {
            cores: config.compute_threads.map(|n| n as f64),
            mode: config.controller,
            log: config.decision_log.clone(),
            ..RuntimeOptions::default()
        };
        let pool = Runtime::start(&spec, Arc::clone(&clock), options)
            .map_err(|e| StartError::System("no threads to compute with", e))?;
        let sessions = session::open(&config, Arc::clone(&clock))?;
        if let Some(path) = &config.open {
            let mut names = keys.names();
            if names.is_empty() {
                names.push(Arc::clone(&anonymous.name));
            }
            session::load(&sessions, path, names)?;
        }
        Ok(App {
            keys: ArcSwap::from_pointee(keys),
            names,
            anonymous,
            rates: Rates::new(&config),
            epoch: unix_time().saturating_sub(Duration::from_nanos(clock.now().0)),
            clock,
            counts: Counts::default(),
            health: ArcSwapOption::empty(),
            telemetry,
            spec,
            pool,
            jobs: Jobs::default(),
            cache: Cache::new(config.cache_bytes),
            sessions,
            snapshots: snapshot_key()?,
            ids: Ids::new(),
            held: AtomicUsize::new(0),
            ready: AtomicBool::new(false),
            maintenance: tokio::sync::Mutex::default(),
            config,
        })
    }

    /// The keys in force.
    pub fn keys(&self) -> arc_swap::Guard<Arc<Keys>> {
        self.keys.load()
    }

    /// Reads the keys again; keeps the old ones when that fails or would open the service.
    pub fn reload_keys(&self) {
        match Keys::load(&self.config, &self.names) {
            Ok(keys) if keys.is_empty() && !self.keys.load().is_empty() => {
                tracing::error!("no keys after reload; keeping the ones in force");
            }
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "keys reloaded");
                self.keys.store(Arc::new(keys));
            }
            Err(error) => {
                tracing::error!(%error, "cannot reload keys; keeping the ones in force");
            }
        }
    }

    /// Seconds since the Unix epoch, by the one clock.
    pub fn unix_seconds(&self, now: Time) -> u64 {
        (self.epoch + Duration::from_nanos(now.0)).as_secs()
    }

    /// The time of day, as RFC 3339 in UTC.
    pub fn timestamp(&self) -> String {
        let since = self.epoch + Duration::from_nanos(self.clock.now().0);
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |t| t.to_string())
    }

    /// Whether new requests are welcome.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says whether new requests are welcome.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// Reserves memory for a request body; `None` when too much is held already.
    pub fn hold(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        let mut held = Held { app: Arc::clone(self), bytes: 0 };
        held.grow(bytes).then_some(held)
    }
}

/// Memory reserved for a request body, until dropped.
#[derive(Debug)]
pub struct Held {
    app: Arc<App>,
    bytes: usize,
}

impl Held {
    /// Reserves `more` bytes; false when too much is held already.
    pub fn grow(&mut self, more: usize) -> bool {
        let before = self.app.held.fetch_add(more, Ordering::AcqRel);
        if before.saturating_add(more) > self.app.config.max_body_total {
            self.app.held.fetch_sub(more, Ordering::AcqRel);
            return false;
        }
        self.bytes += more;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.app.held.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// A key of this process alone: tokens end with it.
fn snapshot_key() -> Result<svgx_engine::physics::Key, StartError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| StartError::System("no random numbers", std::io::Error::other(e)))?;
    Ok(svgx_engine::physics::Key::new(bytes))
}

#[allow(clippy::disallowed_methods, reason = "the time of day is read once, at the door")]
fn unix_time() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

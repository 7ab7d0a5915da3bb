//! What the handlers share: one value, made when the service starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::{HttpMessage as _, HttpRequest};
use arc_swap::{ArcSwap, ArcSwapOption};

use svgx_base::budget::{Clock, Monotonic};
use svgx_controller::spec::Spec;
use svgx_controller::{Runtime, RuntimeOptions};
use svgx_engine::compile::Fonts;
use svgx_session::Sessions;
use svgx_telemetry::Telemetry;

use crate::protocol::problem::Error;
use crate::protocol::trace::Ids;
use crate::state::cache::Cache;
use crate::state::config::Config;
use crate::state::feeds::Feeds;
use crate::state::following::Editors;
use crate::state::fonts;
use crate::state::health::CachedHealth;
use crate::state::jobs::Jobs;
use crate::state::keys::{Credential, Identity, Keys, Names};
use crate::state::queue::JobQueue;
use crate::state::rate::Rates;
use crate::state::replicas::Replicas;
use crate::state::session;
use crate::state::start_error::StartError;
use crate::state::streams::Streams;
use crate::state::totals::Totals;
use crate::state::whereabouts::Whereabouts;

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    /// The configuration.
    pub(crate) config: Config,
    /// The keys in force; replaced on SIGHUP.
    keys: ArcSwap<Keys>,
    names: Names,
    /// The identity of everybody, where no key is needed.
    pub(crate) anonymous: Identity,
    /// The rates; `None`: off.
    pub(crate) rates: Option<Rates>,
    /// The one clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// Totals for `/health`.
    pub(crate) totals: Totals,
    /// What `/health` said last.
    pub(crate) health: ArcSwapOption<CachedHealth>,
    /// Traces, metrics and logs.
    pub(crate) telemetry: Arc<Telemetry>,
    /// The objectives.
    pub(crate) spec: Spec,
    /// Where work is admitted and done.
    pub(crate) pool: Runtime,
    /// Work that is done later, by this process.
    pub(crate) jobs: Jobs,
    /// Work that is done later by any process of those that share a store.
    pub(crate) queue: Option<Arc<JobQueue>>,
    /// What text in pictures is drawn with.
    pub(crate) fonts: Fonts,
    /// Parsed and compiled documents.
    pub(crate) cache: Cache,
    /// The sessions and their store.
    pub(crate) sessions: Sessions,
    /// The other replicas of the service.
    pub(crate) replicas: Replicas,
    /// Which of them have which sessions, as far as this one was told.
    pub(crate) whereabouts: Whereabouts,
    /// Where the edits of the sessions of this one come from.
    pub(crate) editors: Arc<Editors>,
    /// The streams of sessions that are open.
    pub(crate) streams: Arc<Streams>,
    /// Who waits for changes in any session of a key.
    pub(crate) feeds: Arc<Feeds>,
    /// What the tokens of interrupted simulations are sealed with.
    pub(crate) snapshots: svgx_engine::physics::Key,
    /// Identifiers of traces and spans.
    pub(crate) ids: Ids,
    /// Bytes of request bodies held now.
    held: AtomicUsize,
    ready: AtomicBool,
    /// Held while the large body of a refused request is looked at: one at a time.
    pub(crate) large_refusals: tokio::sync::Semaphore,
    /// Held while sessions are backed up or restored: one at a time.
    pub(crate) maintenance: tokio::sync::Mutex<()>,
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
        if let Some(path) = config.api_keys_file.as_ref().filter(|_| keys.is_empty()) {
            return Err(StartError::NoKeys(path.clone()));
        }
        if keys.is_open() && !config.listen.ip().is_loopback() {
            return Err(StartError::Open(config.listen));
        }
        let fonts = fonts::load(&config.font_dirs)?;
        for name in fonts.skipped() {
            tracing::warn!("{name} holds no font that can be read");
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
        let replicas = Replicas::new(&config)?;
        let sessions = session::open(&config, Arc::clone(&clock), &telemetry, replicas.id())?;
        // After the store, which has looked whether the server keeps what it acknowledges.
        let queue = JobQueue::open(&config, replicas.id())?;
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
            clock,
            totals: Totals::default(),
            health: ArcSwapOption::empty(),
            telemetry,
            spec,
            pool,
            jobs: match replicas.are_asked() {
                true => Jobs::at(replicas.id()),
                false => Jobs::default(),
            },
            queue,
            large_refusals: tokio::sync::Semaphore::new(1),
            fonts,
            cache: Cache::new(config.cache_bytes),
            sessions,
            editors: Arc::new(Editors::new(replicas.are_asked())),
            replicas,
            whereabouts: Whereabouts::default(),
            streams: Arc::default(),
            feeds: Arc::default(),
            snapshots: snapshot_key()?,
            ids: Ids::new(),
            held: AtomicUsize::new(0),
            ready: AtomicBool::new(false),
            maintenance: tokio::sync::Mutex::default(),
            config,
        })
    }

    /// Where the public endpoints are to listen, if everybody who reaches them may use them.
    pub fn open_to_everybody(&self) -> Option<std::net::SocketAddr> {
        self.keys.load().is_open().then_some(self.config.listen)
    }

    /// The identity called `name`, on the word of another replica.
    pub(crate) fn identity_of(&self, name: &str) -> Identity {
        self.names.identity(name)
    }

    /// The keys in force.
    pub(crate) fn keys(&self) -> arc_swap::Guard<Arc<Keys>> {
        self.keys.load()
    }

    /// The name of the operator who asks; `None` where it is somebody else.
    pub(crate) fn operator(&self, request: &HttpRequest) -> Option<String> {
        let who = request.extensions().get::<Identity>().map(|i| i.name.to_string());
        who.filter(|name| self.config.operators.contains(name))
    }

    /// Whether what a request proved when it came still holds.
    pub(crate) fn accepts(&self, credential: Credential) -> bool {
        self.keys.load().accepts(credential)
    }

    /// Reads the keys again; keeps the old ones when they cannot be read. Where none is left,
    /// nobody is let in.
    pub(crate) fn reload_keys(&self) {
        match Keys::load(&self.config, &self.names) {
            Ok(keys) => {
                if keys.is_empty() {
                    tracing::error!("no keys after reload: every request is refused");
                }
                tracing::info!(keys = keys.len(), "keys reloaded");
                self.keys.store(Arc::new(keys));
            }
            Err(error) => {
                tracing::error!(%error, "cannot reload keys; keeping the ones in force");
            }
        }
    }

    /// Whether new requests are welcome.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says whether new requests are welcome.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// The key of the session that a request means: of whoever asks, by name or the default one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that cannot be one.
    pub(crate) fn session_key(
        &self,
        identity: &Identity,
        name: Option<&str>,
    ) -> Result<svgx_session::Key, Error> {
        svgx_session::Key::new(&identity.name, name.unwrap_or(session::DEFAULT)).map_err(|_| {
            let rule = "the name of a session has 1 to 128 bytes and no control characters";
            Error::invalid("/session", rule)
        })
    }

    /// Reserves memory for a request body; `None` when too much is held already.
    pub(crate) fn reserve_body(self: &Arc<Self>, bytes: usize) -> Option<BodyReservation> {
        let mut held = BodyReservation { app: Arc::clone(self), bytes: 0 };
        held.grow(bytes).then_some(held)
    }
}

/// Memory reserved for a request body, until dropped.
#[derive(Debug)]
pub(crate) struct BodyReservation {
    app: Arc<App>,
    bytes: usize,
}

impl BodyReservation {
    /// Reserves `more` bytes; false when too much is held already.
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let before = self.app.held.fetch_add(more, Ordering::AcqRel);
        if before.saturating_add(more) > self.app.config.max_body_total {
            self.app.held.fetch_sub(more, Ordering::AcqRel);
            return false;
        }
        self.bytes += more;
        true
    }
}

impl Drop for BodyReservation {
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

//! The sessions of the service: opened when it starts.

use std::path::Path;
use std::sync::Arc;

use svgx_base::budget::{Budget, Class, Clock, Tier};
use svgx_session::{
    self, Embedded, Key, Memory, Operation, Options, Remote, RemoteOptions, Sessions, Store,
    StoreError, StoreEvent, StoreLimits, Watcher,
};
use svgx_telemetry::server::Background;
use svgx_telemetry::stage::Facts;
use svgx_telemetry::{Outcome, Telemetry};

use crate::state::config::Config;
use crate::state::start_error::StartError;
use crate::state::time_of_day::time_of_day;

/// The session of an API key that names none.
pub(crate) const DEFAULT: &str = "default";

/// The sessions of the service: on a server where `store` says, on disk where `data_dir` says, in
/// memory otherwise.
///
/// # Errors
/// [`StartError::Store`] when the store cannot be opened.
pub(crate) fn open(
    config: &Config,
    clock: Arc<dyn Clock>,
    telemetry: &Arc<Telemetry>,
    replica: &str,
) -> Result<Sessions, StartError> {
    let limits = StoreLimits::default();
    let failed = |e: StoreError| StartError::Store(e.to_string());
    let store: Arc<dyn Store> = match (&config.store, &config.data_dir) {
        (Some(_), Some(_)) => return Err(StartError::TwoStores),
        (Some(url), None) => {
            // For `rediss://`; the second who installs it finds it there.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let options = RemoteOptions {
                url: url.reveal().to_owned(),
                replica: replica.to_owned(),
                // Said when it is bound.
                address: String::new(),
                trust: config.store_trust,
            };
            Arc::new(Remote::open(options, limits, watcher(telemetry)).map_err(failed)?)
        }
        (None, Some(directory)) => {
            Arc::new(Embedded::open_watched(directory, limits, watcher(telemetry)).map_err(failed)?)
        }
        (None, None) => Arc::new(Memory::new(limits)),
    };
    let options = Options { limits: Arc::new(config.limits), ..Options::default() };
    Ok(Sessions::new(store, clock, options))
}

/// One line when the store fails, and one when it works again, with a trace of the time between.
fn watcher(telemetry: &Arc<Telemetry>) -> Watcher {
    let telemetry = Arc::clone(telemetry);
    Box::new(move |event| {
        log(event);
        if let StoreEvent::Recovered { after, tries } = event {
            telemetry.finish_background(&Background {
                name: "recovery",
                outcome: Outcome::Ok,
                facts: Facts::from_slice(&[("svgx.recovery.tries", (*tries).into())]),
                ended: time_of_day(),
                took: *after,
                steps: None,
            });
        }
    })
}

fn log(event: &StoreEvent) {
    match event {
        StoreEvent::Failed { reason } => tracing::error!(
            reason,
            "the session store failed; edits are refused until it can write again"
        ),
        StoreEvent::Weak { reason: Some(reason) } => tracing::error!(
            reason,
            "the session store is not safe any more; what it acknowledges could be lost"
        ),
        StoreEvent::Weak { reason: None } => {
            tracing::warn!("the session store is set as it should be again");
        }
        StoreEvent::Recovered { after, tries } => tracing::warn!(
            seconds = after.as_secs_f64(),
            tries,
            "the session store was verified and works again"
        ),
    }
}

/// Loads the drawing in `path` into the default session of each of `names`. A session that
/// holds something already keeps it: an acknowledged edit outlives a restart.
///
/// # Errors
/// [`StartError::Example`] when the drawing cannot be used, [`StartError::Store`].
pub(crate) fn load(
    sessions: &Sessions,
    path: &Path,
    names: impl IntoIterator<Item = Arc<str>>,
) -> Result<(), StartError> {
    let bad = |e: &dyn std::fmt::Display| StartError::Example(format!("{}: {e}", path.display()));
    let failed = |e: svgx_session::Error| match e {
        svgx_session::Error::Store(e) => StartError::Store(e.to_string()),
        other => bad(&other),
    };
    let content = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    for name in names {
        let key = Key::new(&name, DEFAULT).map_err(|e| StartError::Store(e.to_string()))?;
        let found = match sessions.state(&key, &budget) {
            // Another replica has it, so there is something.
            Err(svgx_session::Error::Store(StoreError::Elsewhere { .. })) => 1,
            found => found.map_err(failed)?.sequence,
        };
        if found > 0 {
            tracing::info!(session = %key, "the session holds a drawing already; it is kept");
            continue;
        }
        let operation = Operation::Load { content: content.clone() };
        let loading = sessions.apply(&key, &operation, &budget).map_err(failed)?;
        loading.wait().map_err(failed)?;
        tracing::info!(session = %key, drawing = %path.display(), "drawing opened");
    }
    Ok(())
}

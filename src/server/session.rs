//! Sessions as requests name them: opened with the service, found by key, their errors as problems.

use std::path::Path;
use std::sync::Arc;

use svgx_base::budget::{Budget, Class, Clock, Tier};
use svgx_session::{
    self, Embedded, Key, Memory, Operation, Options, Sessions, Store, StoreError, StoreLimits,
};

use super::app::{App, StartError};
use super::config::Config;
use super::keys::Identity;
use super::problem::{self, Error, Finding};

/// The session of an API key that names none.
pub const DEFAULT: &str = "default";

/// The sessions of the service: on disk where `data_dir` says, in memory otherwise.
///
/// # Errors
/// [`StartError::Store`] when the store cannot be opened.
pub fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Sessions, StartError> {
    let limits = StoreLimits::default();
    let store: Arc<dyn Store> = match &config.data_dir {
        Some(directory) => Arc::new(
            Embedded::open(directory, limits).map_err(|e| StartError::Store(e.to_string()))?,
        ),
        None => Arc::new(Memory::new(limits)),
    };
    let options = Options { limits: Arc::new(config.limits), ..Options::default() };
    Ok(Sessions::new(store, clock, options))
}

/// Loads the drawing in `path` into the default session of each of `names`. A session that
/// holds something already keeps it: an acknowledged edit outlives a restart.
///
/// # Errors
/// [`StartError::Example`] when the drawing cannot be used, [`StartError::Store`].
pub fn load(
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
        if sessions.state(&key, &budget).map_err(failed)?.sequence > 0 {
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

impl App {
    /// The key of the session that a request means: of whoever asks, by name or the default one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that cannot be one.
    pub fn session_key(&self, identity: &Identity, name: Option<&str>) -> Result<Key, Error> {
        Key::new(&identity.name, name.unwrap_or(DEFAULT)).map_err(|e| invalid("/session", &e))
    }
}

fn invalid(pointer: &str, message: &dyn std::fmt::Display) -> Error {
    Error::Invalid { pointer: pointer.to_owned(), message: message.to_string(), at: None }
}

/// What the failure of an operation is to the client. `content` is the drawing that was to be
/// loaded, for the places of findings.
pub fn problem(error: svgx_session::Error, content: Option<&str>) -> Error {
    use svgx_session::Error as E;
    match error {
        E::UnknownOperation { .. } => invalid("/operation", &error),
        E::BadOperation { .. } => invalid("", &error),
        E::MissingTarget { .. } => invalid("/element_id", &error),
        E::BadNumber { name, .. } => {
            let field = match name {
                "x" | "y" | "z" => format!("/coordinates/{name}"),
                other => format!("/{}", other.replace('.', "/")),
            };
            invalid(&field, &error)
        }
        E::BadAttribute { .. } => invalid("/name", &error),
        E::UnknownElement { .. } => Error::Missing(error.to_string()),
        E::NotMovable { .. } => Error::Conflict(error.to_string()),
        E::Limit { what, limit, seen } => {
            Error::Limit { what: what.to_owned(), limit: limit as f64, seen: seen as f64 }
        }
        E::Document(diagnostics) => {
            Error::Document(problem::findings(content.unwrap_or_default(), &diagnostics))
        }
        E::Geometry(message) => Error::Document(vec![Finding {
            code: "geometry",
            severity: Some("error"),
            message,
            ..Finding::default()
        }]),
        E::Stopped(stop) => Error::Stopped(stop),
        E::Store(StoreError::BadKey) => invalid("/session", &error),
        E::Store(StoreError::Closed) => Error::Store("the service is stopping".to_owned()),
        E::Store(StoreError::Full { what, limit, seen }) => {
            Error::Limit { what: what.to_owned(), limit: limit as f64, seen: seen as f64 }
        }
        other => Error::Store(other.to_string()),
    }
}

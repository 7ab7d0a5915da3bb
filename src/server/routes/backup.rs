//! `/backup` and `/restore` on the internal address: the sessions as one file, while the service
//! runs. The image holds no shell to copy files with, so the engine hands them out itself, to
//! whoever has the operator's key.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures::{StreamExt as _, stream};
use subtle::ConstantTimeEq as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::protocol::headers;
use crate::state::app::App;
use crate::state::time_of_day::time_of_day;
use svgx_base::budget::Time;
use svgx_session::{Copied, Embedded, Key, STORE_FILE, Store as _, StoreError, StoreLimits, copy};
use svgx_telemetry::Outcome;
use svgx_telemetry::server::Background;
use svgx_telemetry::stage::Facts;

/// Bytes handed to the socket at once.
const CHUNK: usize = 64 * 1024;

/// Why there is no file, or it was not taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no operator key: give --operator-key-file to allow this")]
    NotAllowed,
    #[error("send the header Authorization: Bearer <operator key>")]
    Unauthorized,
    #[error("another backup or restore is running")]
    Busy,
    #[error("sessions are here already ({0}); restore into an empty data directory")]
    NotEmpty(usize),
    #[error("the body is no backup: {0}")]
    NoBackup(StoreError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the body ended early: {0}")]
    Body(String),
}

impl Refused {
    fn response(&self) -> HttpResponse {
        let status = match self {
            Refused::NotAllowed => StatusCode::NOT_FOUND,
            Refused::Unauthorized => StatusCode::UNAUTHORIZED,
            Refused::Busy | Refused::NotEmpty(_) => StatusCode::CONFLICT,
            Refused::NoBackup(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refused::Body(_) => StatusCode::BAD_REQUEST,
            Refused::Store(_) | Refused::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let text = self.to_string();
        let problem = serde_json::json!({
            "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(),
            "detail": text, "success": false,
        });
        HttpResponse::build(status)
            .content_type("application/problem+json")
            .body(problem.to_string())
    }
}

/// A folder beside the sessions that goes when its value does. What a crash leaves behind is
/// cleared by the next one.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new(app: &App, name: &str) -> Result<Scratch, std::io::Error> {
        let root = app.config.data_dir.clone().unwrap_or_else(std::env::temp_dir);
        let scratch = Scratch(root.join(name));
        match std::fs::remove_dir_all(&scratch.0) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(scratch),
        }
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next backup tries again.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every session as it is now, in a file that a data directory may hold.
pub(crate) async fn backup(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let answered = async {
        operator(&app, &request)?;
        let _only = app.maintenance.try_lock().map_err(|_| Refused::Busy)?;
        let shared = Arc::clone(&app);
        blocking(move || {
            let scratch = Scratch::new(&shared, ".backup")?;
            let target = Embedded::open(scratch.path(), StoreLimits::default())?;
            let copied = copy(&**shared.sessions.store(), &target)?;
            target.close()?;
            // Open, it can be read to its end after the folder has gone.
            let file = std::fs::File::open(target.path())?;
            Ok((copied, file))
        })
        .await
    };
    let began = app.clock.now();
    let answered = answered.await;
    trace(&app, "backup", began, answered.as_ref().map(|(copied, _)| *copied));
    match answered {
        Ok((copied, file)) => {
            tracing::info!(sessions = copied.sessions, records = copied.records, "backup taken");
            file_response(copied, tokio::fs::File::from_std(file))
        }
        Err(error) => refuse(&error),
    }
}

/// Takes the file of a backup into a service that has no sessions yet.
pub(crate) async fn restore(request: HttpRequest, app: Data<App>, body: Payload) -> HttpResponse {
    let answered = async {
        operator(&app, &request)?;
        let _only = app.maintenance.try_lock().map_err(|_| Refused::Busy)?;
        let store = app.sessions.store();
        let held: HashMap<Key, u64> =
            store.list(None)?.into_iter().map(|listing| (listing.key, listing.last)).collect();
        // Whoever restores gives the file to every replica, and a store that they share has it
        // from the first one.
        if !held.is_empty() && !store.is_shared() {
            return Err(Refused::NotEmpty(held.len()));
        }
        let scratch = Scratch::new(&app, ".restore")?;
        std::fs::create_dir_all(scratch.path())?;
        receive(body, &scratch.path().join(STORE_FILE)).await?;
        let shared = Arc::clone(&app);
        blocking(move || {
            let source = Embedded::open(scratch.path(), StoreLimits::default())
                .map_err(Refused::NoBackup)?;
            let given: HashMap<Key, u64> =
                source.list(None)?.into_iter().map(|listing| (listing.key, listing.last)).collect();
            let is_of_this = |(key, last): (&Key, &u64)| given.get(key) == Some(last);
            let others = held.iter().filter(|session| !is_of_this(*session)).count();
            if others > 0 {
                return Err(Refused::NotEmpty(others));
            }
            for key in given.keys().filter(|key| !held.contains_key(*key)) {
                // Whoever looked before has an empty drawing in memory; nothing of it is stored.
                let gone = shared.sessions.delete(key).map_err(std::io::Error::other)?;
                gone.wait()?;
            }
            let copied = copy(&source, &**shared.sessions.store())?;
            source.close()?;
            Ok(copied)
        })
        .await
    };
    let began = app.clock.now();
    let answered = answered.await;
    trace(&app, "restore", began, answered.as_ref().copied());
    match answered {
        Ok(copied) => {
            tracing::info!(sessions = copied.sessions, records = copied.records, "backup restored");
            HttpResponse::Ok().json(copied)
        }
        Err(error) => refuse(&error),
    }
}

/// Leaves a trace of what was done; of what was refused there is nothing to tell.
fn trace(app: &App, name: &'static str, began: Time, done: Result<Copied, &Refused>) {
    let (outcome, facts) = match done {
        Ok(copied) => (
            Outcome::Ok,
            Facts::from_slice(&[
                ("svgx.session.count", copied.sessions.into()),
                ("svgx.record.count", copied.records.into()),
            ]),
        ),
        Err(Refused::Store(_) | Refused::Io(_)) => (Outcome::Failed, Facts::new()),
        Err(_) => return,
    };
    let took = app.clock.now().since(began);
    let (ended, steps) = (time_of_day(), None);
    app.telemetry.finish_background(&Background { name, outcome, facts, ended, took, steps });
}

fn refuse(error: &Refused) -> HttpResponse {
    tracing::warn!(%error, "backup or restore refused");
    error.response()
}

/// Whether the request has the operator's key, in time that does not depend on it.
fn operator(app: &App, request: &HttpRequest) -> Result<(), Refused> {
    let path = app.config.operator_key_file.as_ref().ok_or(Refused::NotAllowed)?;
    // Read each time: a new key is in force at once.
    let key = std::fs::read_to_string(path)?;
    let key = blake3::hash(key.trim().as_bytes());
    let given = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let token = given.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default().trim();
    let same = key.as_bytes().ct_eq(blake3::hash(token.as_bytes()).as_bytes());
    if token.is_empty() || !bool::from(same) { Err(Refused::Unauthorized) } else { Ok(()) }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Refused::Io(std::io::Error::other(e))))
}

async fn receive(mut body: Payload, to: &Path) -> Result<(), Refused> {
    let limit = StoreLimits::default().bytes;
    let mut file = tokio::fs::File::create(to).await?;
    let mut seen = 0;
    while let Some(part) = body.next().await {
        let part = part.map_err(|e| Refused::Body(e.to_string()))?;
        seen += part.len() as u64;
        if seen > limit {
            let what = "bytes of a backup";
            return Err(Refused::NoBackup(StoreError::Full { what, limit, seen }));
        }
        file.write_all(&part).await?;
    }
    file.flush().await?;
    Ok(())
}

fn file_response(copied: Copied, file: tokio::fs::File) -> HttpResponse {
    let parts = stream::try_unfold(file, |mut file| async move {
        let mut part = vec![0; CHUNK];
        let read = file.read(&mut part).await?;
        part.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (bytes::Bytes::from(part), file)))
    });
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((headers::SVGX_SESSIONS.clone(), copied.sessions.to_string()))
        .insert_header((headers::SVGX_LOST.clone(), copied.lost.to_string()))
        .streaming(parts)
}

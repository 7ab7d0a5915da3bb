//! What the endpoints accept: the document under either of its names, or as
//! the body itself, and the options of each endpoint.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use svgx_engine::document::{self, Document};
use svgx_telemetry::stage::Step;

use crate::admission::body::{self, Body, Kind};
use crate::admission::reply::Call;
use crate::protocol::problem::{self, Error};
use crate::state::cache::{Cache, Key};

/// A request that names a document.
pub(crate) trait HasContent: DeserializeOwned + Default {
    /// Takes the document out, under either of its names.
    fn take_content(&mut self) -> (Option<String>, Option<String>);
    /// Takes the name of the session out.
    fn take_session(&mut self) -> Option<String>;
}

/// Declares a request: the document under either name, its options, the session,
/// and the members that older clients send beside them.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident, $options:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
        #[allow(dead_code, reason = "some members are only checked")]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            /// The drawing. Either this or `svgx_content`, not both.
            #[serde(default)]
            pub(crate) content: Option<String>,
            /// The drawing, under its other name.
            #[serde(default)]
            pub(crate) svgx_content: Option<String>,
            /// How it is to be done.
            #[serde(default)]
            pub(crate) options: Option<$options>,
            /// The session that is meant; its drawing is taken where none is sent.
            #[serde(default)]
            // No control characters; bytes are counted, so that 128 characters may be too many.
            #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
            pub(crate) session: Option<String>,
            $($(#[$field_doc])* #[serde(default)] pub $field: $kind,)*
        }

        impl $crate::admission::input::HasContent for $name {
            fn take_content(&mut self) -> (Option<String>, Option<String>) {
                (self.content.take(), self.svgx_content.take())
            }

            fn take_session(&mut self) -> Option<String> {
                self.session.take()
            }
        }
    };
}
pub(crate) use request;

/// A request with its document taken out.
#[derive(Debug)]
pub(crate) struct Input<T> {
    /// The rest of the request.
    pub(crate) request: T,
    /// The document, where one was sent.
    pub(crate) content: Option<String>,
    /// The session, where one was named.
    pub(crate) session: Option<String>,
}

impl<T: HasContent> Input<T> {
    /// Reads a body of either kind.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Invalid`].
    pub(crate) fn read(call: &Call<'_>, body: Option<Body>) -> Result<Input<T>, Error> {
        let Some(body) = body else {
            return Ok(Input {
                request: T::default(),
                content: None,
                session: call.session.clone(),
            });
        };
        match body.kind {
            Kind::Document => {
                let text = body::text(&body.bytes)?;
                let content = (!text.trim().is_empty()).then(|| text.to_owned());
                Ok(Input { request: T::default(), content, session: call.session.clone() })
            }
            Kind::Json => {
                let mut request: T = body::json(&body.bytes)?;
                let content = match request.take_content() {
                    (Some(_), Some(_)) => {
                        return Err(Error::Invalid {
                            pointer: "/svgx_content".to_owned(),
                            message: "content and svgx_content name the same thing; send one"
                                .to_owned(),
                            at: None,
                        });
                    }
                    (one, other) => one.or(other),
                };
                let session = request.take_session().or_else(|| call.session.clone());
                Ok(Input { request, content, session })
            }
        }
    }

    /// The drawing to work on: the one that was sent, or else the one in the session that was
    /// named, edits included.
    ///
    /// # Errors
    /// [`Error::Invalid`] when neither is named, [`Error::Missing`] when there is no such session;
    /// whatever keeps a session from being read.
    pub(crate) fn drawing(&mut self, call: &Call<'_>) -> Result<String, Error> {
        if let Some(content) = self.content.take() {
            return Ok(content);
        }
        let missing = |message: &str| Error::Invalid {
            pointer: "/content".to_owned(),
            message: message.to_owned(),
            at: None,
        };
        let Some(name) = &self.session else {
            return Err(missing("`content` is missing: the drawing to work on, or a `session`"));
        };
        of_session(call, name)?.ok_or_else(|| no_session(call, name))
    }
}

/// The session that the path names. A name that no session can have is one that there is not.
///
/// # Errors
/// [`Error::Missing`] for such a name.
pub(crate) fn session_of_path(call: &Call<'_>) -> Result<svgx_session::Key, Error> {
    let name = call.session.as_deref().unwrap_or_default();
    call.app.session_key(&call.identity, Some(name)).map_err(|_| no_session(call, name))
}

/// Why a session cannot be worked on: nothing was loaded into it. Names of the caller's own
/// sessions are the only ones that are compared.
pub(crate) fn no_session(call: &Call<'_>, name: &str) -> Error {
    let key = call.app.session_key(&call.identity, Some(name)).ok();
    let near = key.and_then(|key| call.app.sessions.store().nearest(&key));
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let name: String = name.chars().take(64).collect();
    Error::Missing(format!("there is no session `{name}`: make one by POST /sessions{near}"))
}

/// The drawing in a session, edits included; `None` where none was loaded.
///
/// # Errors
/// Whatever keeps a session from being read.
pub(crate) fn of_session(call: &Call<'_>, name: &str) -> Result<Option<String>, Error> {
    let key = call.app.session_key(&call.identity, Some(name))?;
    let seen = call.app.sessions.read(&key, call.budget, |session| {
        (session.sequence() > 0).then(|| document::canonical(session.document()))
    });
    seen.map_err(|e| problem::session(e, None))
}

/// Options of an endpoint that has none of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoOptions {}

/// Reads a document, or finds it in the cache.
///
/// # Errors
/// [`Error::Document`] with its findings.
pub(crate) fn parse(call: &mut Call<'_>, content: &str) -> Result<Arc<Document>, Error> {
    use std::sync::atomic::Ordering::Relaxed;
    let began = call.now();
    let key = Cache::key("document", "", content);
    let cached = call.app.cache.document(&key);
    let found = if cached.is_some() { "hit" } else { "miss" };
    let parsed = match cached {
        Some(document) => {
            call.app.totals.cache_hits.fetch_add(1, Relaxed);
            call.app.telemetry.metrics().cache(true);
            Ok(document)
        }
        None => {
            call.app.totals.cache_misses.fetch_add(1, Relaxed);
            call.app.telemetry.metrics().cache(false);
            match document::parse(content, &call.app.config.limits) {
                Ok(document) => {
                    let document = Arc::new(document);
                    call.app.cache.keep_document(key, &document);
                    Ok(document)
                }
                Err(diagnostics) => Err(Error::Document(problem::findings(content, &diagnostics))),
            }
        }
    };
    call.phases.parse += call.now().since(began);
    if let Ok(document) = &parsed {
        let elements = document.elements().count();
        call.app.telemetry.metrics().elements(call.operation, elements);
        call.note(
            Step::Parse,
            began,
            [
                ("svgx.document.size", content.len().into()),
                ("svgx.element.count", elements.into()),
                ("svgx.cache.result", found.into()),
            ],
        );
    }
    parsed
}

/// A strong or weak entity tag of a result.
pub(crate) fn etag(weak: bool, key: &Key) -> String {
    let hex = blake3::Hash::from_bytes(*key).to_hex();
    let short = hex.get(..32).unwrap_or_default();
    if weak { format!("W/\"{short}\"") } else { format!("\"{short}\"") }
}

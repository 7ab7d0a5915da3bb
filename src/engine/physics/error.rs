//! Why physics gives no answer.

use crate::document::Diagnostic;
use svgx_base::budget::Stop;
use svgx_base::digits::figure;

/// Why there is no answer, or none the caller would accept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document says something that cannot be simulated; at least one of these is an error.
    #[error("{}", first(.0))]
    Document(Vec<Diagnostic>),
    /// A request asks for more than a limit allows.
    #[error("{what}: {}; the limit is {}", figure(*.seen), figure(*.limit))]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: f64,
        /// The value seen.
        seen: f64,
    },
    /// An option has a value that makes no sense.
    #[error("{name} = {}: {reason}", figure(*.value))]
    Option {
        /// The option.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is expected.
        reason: &'static str,
    },
    /// An element that an option names is not a body of the document.
    #[error("no body is called {0:?}")]
    UnknownBody(String),
    /// The caller asked for all or nothing, and there was no time for all.
    #[error("stopped before the end, and a partial answer was refused: {0}")]
    Strict(Stop),
    /// Stopped before there was anything to answer.
    #[error("stopped before the first result: {0}")]
    Stopped(Stop),
    /// A snapshot cannot be used.
    #[error("snapshot: {0}")]
    Snapshot(&'static str),
}

fn first(diagnostics: &[Diagnostic]) -> String {
    let first = diagnostics.first().map_or("the document cannot be simulated", |d| &d.message);
    match diagnostics.len() {
        0 | 1 => first.to_owned(),
        n => format!("{first} (and {} more)", n - 1),
    }
}

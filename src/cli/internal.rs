//! Asking a running service on its internal listener.

use std::time::Duration;

use svgx_operations::http;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The body that `GET path` at `from` (`host:port`, or `http://host:port`) answers with.
///
/// # Errors
/// One sentence: nobody there, or an answer other than 200.
pub(crate) fn get(from: &str, path: &str) -> Result<String, String> {
    let reply = http::get(from, path, PATIENCE).map_err(|e| e.to_string())?;
    match reply.status {
        200 => Ok(reply.text()),
        status => Err(format!("{from}{path}: status {status}, {}", reply.excerpt())),
    }
}

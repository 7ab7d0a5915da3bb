//! Asking a running service on its internal listener: plain HTTP, one request
//! on a connection.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer at the most.
const MOST: u64 = 64 << 20;

/// The body that `GET path` at `from` (`host:port`, or `http://host:port`) answers with.
///
/// # Errors
/// One sentence: nobody there, or an answer other than 200.
pub(crate) fn get(from: &str, path: &str) -> Result<String, String> {
    let host = from.trim_start_matches("http://").trim_end_matches('/');
    let failed = |e: std::io::Error| format!("{host}: {e}");
    let mut addresses = host.to_socket_addrs().map_err(failed)?;
    let address = addresses.next().ok_or_else(|| format!("{host}: no such host"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).map_err(failed)?;
    let answer = String::from_utf8_lossy(&answer);
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Err(format!("{host}: not an answer in HTTP"));
    };
    let status = head.lines().next().unwrap_or_default();
    if status.split_whitespace().nth(1) != Some("200") {
        return Err(format!("{host}{path}: {status}"));
    }
    Ok(body.to_owned())
}

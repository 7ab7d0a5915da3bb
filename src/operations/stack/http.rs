//! The little HTTP that talking to one's own Prometheus needs.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Asks `host:port` for `path`. HTTP/1.0, so that the answer is neither chunked
/// nor kept open.
///
/// # Errors
/// Nobody answers within `timeout`, or what is answered is no HTTP.
pub fn get(at: &str, path: &str, timeout: Duration) -> io::Result<Answer> {
    let address = at.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {at}\r\nConnection: close\r\n\r\n")?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP");
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(invalid)?;
    let head = String::from_utf8_lossy(raw.get(..end).unwrap_or_default()).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(invalid)?;
    Ok(Answer { status, body: raw.split_off(end + 4) })
}

//! Whoever is told: a webhook that writes down what Alertmanager sends.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

/// The largest notification that is read.
const LARGEST: usize = 1 << 20;

/// Serves until the process ends: each body becomes a line of `to`.
///
/// # Errors
/// The address cannot be bound, or the file cannot be written.
pub fn receive(at: SocketAddr, to: &Path) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let mut out = File::options().create(true).append(true).open(to)?;
    for stream in listener.incoming() {
        // A client that hangs up or stalls costs its own notification only; it is sent again.
        if let Ok(Some(body)) = stream.and_then(|s| notification(&s)) {
            out.write_all(&body)?;
            out.write_all(b"\n")?;
            out.flush()?;
        }
    }
    Ok(())
}

/// The body of a request; none for a look whether anybody is there.
fn notification(stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream.take(2 * LARGEST as u64));
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length.min(LARGEST)];
    reader.read_exact(&mut body)?;
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    // One line each, whatever it looked like.
    body.retain(|b| *b != b'\n');
    Ok((!body.is_empty()).then_some(body))
}

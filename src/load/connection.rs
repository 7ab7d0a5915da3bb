//! One connection, one request at a time: the little HTTP/1.1 a generator
//! needs, because it shares the machine with what it measures.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use tokio::io::Interest;
use tokio::net::TcpStream;

use super::ask::{Prepared, digits};

/// Bytes of a head; more is refused.
const MOST_HEAD: usize = 32 << 10;
/// Bytes of a body that are kept; the rest is counted only.
const KEPT: usize = 4 << 10;
/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `X-SVGX-Tier`: the tier of the answer.
    pub tier: Option<String>,
    /// `X-SVGX-Reason`: why it was admitted as it was, or refused.
    pub reason: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// `X-SVGX-Retry-After-Ms`.
    pub retry_after_ms: Option<u32>,
    /// `Location`.
    pub location: Option<String>,
    /// The first kilobytes of the body.
    pub body: Vec<u8>,
    /// Bytes of the body.
    pub length: usize,
    keep: bool,
}

impl Answer {
    /// Whether the connection may be used again.
    pub fn keeps_alive(&self) -> bool {
        self.keep
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The service hung up before a byte of the answer.
    #[error("closed before an answer")]
    Closed,
    /// It hung up in the middle of an answer, or did not accept.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is no HTTP.
    #[error("not HTTP: {0}")]
    Protocol(&'static str),
}

/// A connection to the service.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When the service does not accept.
    pub async fn open(at: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::new() })
    }

    /// Asks for `path` without a body.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn get(&mut self, host: &str, path: &str) -> Result<Answer, Broken> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.send(&[head.as_bytes()], usize::MAX).await
    }

    /// Sends a request with a body of its own and reads the whole answer.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn post(&mut self, head: &str, body: &[u8]) -> Result<Answer, Broken> {
        self.send(&[head.as_bytes(), body], usize::MAX).await
    }

    pub(super) async fn exchange(
        &mut self,
        request: &Prepared,
        serial: u64,
    ) -> Result<Answer, Broken> {
        let digits = digits(serial);
        let fresh: &[u8] = if request.fresh { &digits } else { &[] };
        self.send(&[&request.head, &request.before, fresh, &request.after], KEPT).await
    }

    /// Writes and reads at the same time: a service that refuses early does so
    /// while the body is still on its way.
    async fn send(&mut self, parts: &[&[u8]], kept: usize) -> Result<Answer, Broken> {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let mut sent = 0;
        self.buffer.clear();
        let mut head: Option<Reading> = None;
        loop {
            let wanted = if sent < total {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            let ready = self.stream.ready(wanted).await?;
            if sent < total && ready.is_writable() {
                match self.stream.try_write_vectored(&rest(parts, sent)) {
                    Ok(more) => sent += more,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // It may have answered and hung up: what it said is read first.
                    Err(_) => sent = total,
                }
            }
            if !ready.is_readable() && !ready.is_read_closed() {
                continue;
            }
            let before = self.buffer.len();
            self.buffer.reserve(CHUNK);
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) if before == 0 && head.is_none() => return Err(Broken::Closed),
                Ok(0) => {
                    return match head.take() {
                        Some(reading) if reading.until_closed() => Ok(reading.answer),
                        _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                    };
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) if before == 0 && head.is_none() => return Err(Broken::Closed),
                Err(error) => return Err(error.into()),
            }
            if head.is_none() {
                match Reading::begin(&self.buffer, kept)? {
                    Some((reading, used)) => {
                        self.buffer.drain(..used);
                        head = Some(reading);
                    }
                    None => continue,
                }
            }
            if let Some(reading) = &mut head {
                let done = reading.take(&mut self.buffer)?;
                if done {
                    let Some(mut reading) = head.take() else { continue };
                    // An answer before the end of the request leaves the connection in doubt.
                    reading.answer.keep &= sent == total && self.buffer.is_empty();
                    return Ok(reading.answer);
                }
            }
        }
    }
}

/// What is left of the parts after `sent` bytes.
fn rest<'p>(parts: &[&'p [u8]], mut sent: usize) -> Vec<IoSlice<'p>> {
    let mut rest = Vec::with_capacity(parts.len());
    for part in parts {
        let skip = sent.min(part.len());
        sent -= skip;
        if let Some(left) = part.get(skip..)
            && !left.is_empty()
        {
            rest.push(IoSlice::new(left));
        }
    }
    rest
}

/// How the end of a body is known.
#[derive(Debug)]
enum Length {
    Known(usize),
    Chunked { left: usize },
    UntilClosed,
}

/// An answer whose head was read.
#[derive(Debug)]
struct Reading {
    answer: Answer,
    length: Length,
    kept: usize,
}

impl Reading {
    /// Reads the head; none when it is not there yet. With it, its length.
    fn begin(buffer: &[u8], kept: usize) -> Result<Option<(Reading, usize)>, Broken> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let used = match response.parse(buffer) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) if buffer.len() > MOST_HEAD => {
                return Err(Broken::Protocol("the head is too long"));
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Broken::Protocol("the head cannot be read")),
        };
        let status = response.code.unwrap_or(0);
        let mut answer = Answer { status, keep: response.version == Some(1), ..Answer::default() };
        let mut length = Length::UntilClosed;
        for header in response.headers.iter() {
            let name = header.name;
            let value = || String::from_utf8_lossy(header.value).trim().to_owned();
            if name.eq_ignore_ascii_case("content-length") {
                let known = value().parse().map_err(|_| Broken::Protocol("content-length"))?;
                length = Length::Known(known);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::Chunked { left: 0 };
            } else if name.eq_ignore_ascii_case("connection") {
                answer.keep &= !value().eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("retry-after") {
                answer.retry_after = value().parse().ok();
            } else if name.eq_ignore_ascii_case("x-svgx-retry-after-ms") {
                answer.retry_after_ms = value().parse().ok();
            } else if name.eq_ignore_ascii_case("location") {
                answer.location = Some(value());
            } else if name.eq_ignore_ascii_case("x-svgx-tier") {
                answer.tier = Some(value());
            } else if name.eq_ignore_ascii_case("x-svgx-reason") {
                answer.reason = Some(value());
            }
        }
        if matches!(status, 204 | 304) {
            length = Length::Known(0);
        }
        answer.keep &= !matches!(length, Length::UntilClosed);
        Ok(Some((Reading { answer, length, kept }, used)))
    }

    fn until_closed(&self) -> bool {
        matches!(self.length, Length::UntilClosed)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.kept.saturating_sub(self.answer.body.len()).min(bytes.len());
        self.answer.body.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.answer.length += bytes.len();
    }

    /// Takes what belongs to the body out of the buffer; whether it was the last of it.
    fn take(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Broken> {
        match self.length {
            Length::UntilClosed => {
                self.keep(buffer);
                buffer.clear();
                Ok(false)
            }
            Length::Known(total) => {
                let part = (total - self.answer.length).min(buffer.len());
                self.keep(buffer.get(..part).unwrap_or_default());
                buffer.drain(..part);
                Ok(self.answer.length == total)
            }
            Length::Chunked { .. } => self.take_chunks(buffer),
        }
    }

    fn take_chunks(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Broken> {
        loop {
            let Length::Chunked { left } = self.length else { return Ok(false) };
            if left > 0 {
                // Two more than the chunk: its line end, which is not kept.
                let data = left.saturating_sub(2).min(buffer.len());
                self.keep(buffer.get(..data).unwrap_or_default());
                let part = left.min(buffer.len());
                buffer.drain(..part);
                self.length = Length::Chunked { left: left - part };
                if left > part {
                    return Ok(false);
                }
                continue;
            }
            match httparse::parse_chunk_size(buffer) {
                Ok(httparse::Status::Complete((used, 0))) => {
                    // No trailers are expected: the empty line ends it.
                    if buffer.len() < used + 2 {
                        return Ok(false);
                    }
                    buffer.drain(..used + 2);
                    return Ok(true);
                }
                Ok(httparse::Status::Complete((used, size))) => {
                    buffer.drain(..used);
                    let size = usize::try_from(size).unwrap_or(usize::MAX - 2);
                    self.length = Length::Chunked { left: size.saturating_add(2) };
                }
                Ok(httparse::Status::Partial) => return Ok(false),
                Err(_) => return Err(Broken::Protocol("a chunk's size")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &[u8], step: usize) -> Result<Option<Answer>, Broken> {
        let mut buffer = Vec::new();
        let mut reading: Option<Reading> = None;
        for piece in raw.chunks(step) {
            buffer.extend_from_slice(piece);
            if reading.is_none()
                && let Some((begun, used)) = Reading::begin(&buffer, KEPT)?
            {
                buffer.drain(..used);
                reading = Some(begun);
            }
            if let Some(begun) = &mut reading
                && begun.take(&mut buffer)?
            {
                return Ok(reading.map(|r| r.answer));
            }
        }
        Ok(None)
    }

    #[test]
    fn answers_are_read_however_they_are_cut() {
        let plain = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\n\
            X-SVGX-Reason: predicted-late\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-SVGX-Tier: edit\r\n\r\n\
            3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        for step in 1..60 {
            let answer = read(plain, step).expect("HTTP").expect("whole");
            assert_eq!((answer.status, answer.retry_after), (503, Some(3)));
            assert_eq!(answer.reason.as_deref(), Some("predicted-late"));
            assert_eq!(answer.body, b"hello");
            let answer = read(chunked, step).expect("HTTP").expect("whole");
            assert_eq!(answer.tier.as_deref(), Some("edit"));
            assert_eq!((answer.body.as_slice(), answer.length), (&b"hello"[..], 5), "{step}");
        }
        assert!(read(b"SSH-2.0-OpenSSH\r\n", 100).is_err());
    }

    #[test]
    fn what_was_sent_is_not_sent_again() {
        let parts: [&[u8]; 3] = [b"ab", b"", b"cde"];
        let whole = |sent| rest(&parts, sent).iter().flat_map(|s| s.to_vec()).collect::<Vec<u8>>();
        assert_eq!(whole(0), b"abcde");
        assert_eq!(whole(3), b"de");
        assert_eq!(whole(5), b"");
    }
}

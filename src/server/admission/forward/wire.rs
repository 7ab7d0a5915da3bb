//! As much of HTTP/1.1 as one engine needs to ask another (RFC 9112). Both ends are this program, and
//! nothing is looked at that the other one does not send, so a request that is passed on costs two
//! writes and two reads.
//!
//! Connections are kept open by each thread for itself: no request wakes another thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, stream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Bytes of a head; more is refused.
const MOST_HEAD: usize = 64 * 1024;
/// Headers of an answer.
const MOST_HEADERS: usize = 96;
/// Bytes that are read together.
const CHUNK: usize = 16 * 1024;
/// How long a replica may take to accept a connection.
const CONNECT: Duration = Duration::from_millis(500);
/// Connections to one replica that a thread keeps while nothing is asked.
const KEPT: usize = 64;
/// Replicas that a thread keeps connections to.
const REPLICAS: usize = 256;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody listens there.
    Refused,
    /// There is no way there; nothing was sent.
    Unreachable,
    /// What was sent may have been heard.
    Broken,
}

/// A request as it is sent.
#[derive(Debug)]
pub(super) struct Message {
    /// The request line and the headers, up to the empty line.
    pub(super) head: Vec<u8>,
    pub(super) body: Option<Bytes>,
    /// Whether the answer has no body, whatever its length says.
    pub(super) is_head: bool,
}

/// For how long connections are kept, which is less than the other side keeps them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience(pub(super) Duration);

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// So many bytes are still to come.
    Known(u64),
    /// Of this chunk, its line end included; 0 before a chunk.
    Chunk(u64),
    UntilClosed,
}

/// An answer whose head has come.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    connection: Connection,
    length: Length,
    address: String,
    /// Whether the connection may be used again.
    keep: bool,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// What was read and not taken.
    buffer: BytesMut,
}

type Kept = HashMap<String, Vec<(Connection, Instant)>>;

thread_local! {
    static KEPT_OPEN: RefCell<Kept> = RefCell::default();
}

/// Asks whoever is at `address`.
///
/// # Errors
/// [`Failure`].
pub(super) async fn ask(
    address: &str,
    message: &Message,
    patience: Patience,
) -> Result<Answer, Failure> {
    let mut connection = match kept(address, patience) {
        Some(connection) => connection,
        None => connect(address).await?,
    };
    let head = connection.exchange(message).await.map_err(|_| Failure::Broken)?;
    let Head { status, headers, length, keep } = head;
    let length = match status {
        204 | 304 => Length::Known(0),
        _ if message.is_head => Length::Known(0),
        _ => length,
    };
    Ok(Answer { status, headers, connection, length, address: address.to_owned(), keep })
}

fn kept(address: &str, Patience(patience): Patience) -> Option<Connection> {
    KEPT_OPEN.with_borrow_mut(|kept| {
        let open = kept.get_mut(address)?;
        while let Some((connection, since)) = open.pop() {
            if since.elapsed() >= patience {
                // Those below waited longer.
                open.clear();
                return None;
            }
            if connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    })
}

fn keep(address: String, connection: Connection) {
    KEPT_OPEN.with_borrow_mut(|kept| {
        if kept.len() >= REPLICAS && !kept.contains_key(&address) {
            kept.clear();
        }
        let open = kept.entry(address).or_default();
        if open.len() < KEPT {
            open.push((connection, Instant::now()));
        }
    });
}

async fn connect(address: &str) -> Result<Connection, Failure> {
    let connecting = async {
        match address.parse::<SocketAddr>() {
            Ok(at) => TcpStream::connect(at).await,
            Err(_) => TcpStream::connect(address).await,
        }
    };
    let stream = match tokio::time::timeout(CONNECT, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Err(Failure::Refused);
        }
        Ok(Err(_)) | Err(_) => return Err(Failure::Unreachable),
    };
    stream.set_nodelay(true).map_err(|_| Failure::Unreachable)?;
    Ok(Connection { stream, buffer: BytesMut::new() })
}

impl Connection {
    /// Whether it is open, and nothing came that nobody asked for.
    fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let read = self.stream.try_read(&mut byte);
        self.buffer.is_empty() && read.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends the request and reads the head of its answer. Both at the same time: whoever refuses a
    /// body may do so before it has it all.
    async fn exchange(&mut self, message: &Message) -> io::Result<Head> {
        let Connection { stream, buffer } = self;
        let (mut reader, mut writer) = stream.split();
        let writing = async move {
            match &message.body {
                // In one piece: two would be two packets, and wake the other side twice.
                Some(body) if body.len() <= CHUNK => {
                    let whole = [&message.head[..], &body[..]].concat();
                    writer.write_all(&whole).await
                }
                Some(body) => {
                    writer.write_all(&message.head).await?;
                    writer.write_all(body).await
                }
                None => writer.write_all(&message.head).await,
            }
        };
        tokio::pin!(writing);
        let mut is_sent = false;
        loop {
            if let Some((mut head, used)) = Head::read(buffer)? {
                buffer.advance(used);
                // An answer before the end of the request leaves the connection in doubt.
                head.keep &= is_sent;
                return Ok(head);
            }
            buffer.reserve(CHUNK);
            tokio::select! {
                biased;
                sent = &mut writing, if !is_sent => {
                    is_sent = true;
                    // It may have answered and hung up: what it said is read.
                    let _ = sent;
                }
                read = reader.read_buf(buffer) => {
                    if read? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }
}

#[derive(Debug)]
struct Head {
    status: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    length: Length,
    keep: bool,
}

impl Head {
    /// The head and its length, once it is whole.
    fn read(buffer: &mut BytesMut) -> io::Result<Option<(Head, usize)>> {
        loop {
            if buffer.is_empty() {
                return Ok(None);
            }
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let used = match response.parse(buffer) {
                Ok(httparse::Status::Complete(used)) => used,
                Ok(httparse::Status::Partial) if buffer.len() > MOST_HEAD => return Err(wrong()),
                Ok(httparse::Status::Partial) => return Ok(None),
                Err(_) => return Err(wrong()),
            };
            let status = response.code.ok_or_else(wrong)?;
            if (100..200).contains(&status) && status != 101 {
                buffer.advance(used);
                continue;
            }
            let mut head = Head {
                status,
                headers: Vec::with_capacity(response.headers.len()),
                length: Length::UntilClosed,
                keep: response.version == Some(1),
            };
            for header in response.headers.iter() {
                head.note(header)?;
            }
            return Ok(Some((head, used)));
        }
    }

    fn note(&mut self, header: &httparse::Header<'_>) -> io::Result<()> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let value = header.value.trim_ascii();
        if is("content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            self.length = Length::Known(length.ok_or_else(wrong)?);
        } else if is("transfer-encoding") {
            self.length = Length::Chunk(0);
        } else if is("connection") {
            self.keep &= !value.eq_ignore_ascii_case(b"close");
        } else if !is("date") {
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| wrong())?;
            let value = HeaderValue::from_bytes(value).map_err(|_| wrong())?;
            self.headers.push((name, value));
        }
        Ok(())
    }
}

fn wrong() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl Answer {
    /// The value of a header.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.to_str().ok())
    }

    /// The bytes of the body, where the head says how many.
    pub(super) fn content_length(&self) -> Option<u64> {
        match self.length {
            Length::Known(length) => Some(length),
            _ => None,
        }
    }

    /// The whole body, of an answer that says how long it is.
    ///
    /// # Errors
    /// Where it ends before.
    pub(super) async fn whole(mut self) -> io::Result<Bytes> {
        let length = self.content_length().and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(wrong)?;
        while self.connection.buffer.len() < length {
            let missing = length - self.connection.buffer.len();
            self.connection.buffer.reserve(missing.min(CHUNK));
            self.connection.fill().await?;
        }
        let body = self.connection.buffer.split_to(length).freeze();
        self.length = Length::Known(0);
        self.done();
        Ok(body)
    }

    /// The body as it comes.
    pub(super) fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> {
        stream::unfold(Some(self), async |answer| {
            let mut answer = answer?;
            match answer.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(answer))),
                Ok(None) => {
                    answer.done();
                    None
                }
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// The connection, of an answer that changes its protocol.
    pub(super) fn upgraded(self) -> Upgraded {
        Upgraded(self.connection)
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let buffer = &mut self.connection.buffer;
            match &mut self.length {
                Length::Known(0) => return Ok(None),
                Length::Known(rest) if !buffer.is_empty() => {
                    let here = buffer.len().min(usize::try_from(*rest).unwrap_or(usize::MAX));
                    *rest -= here as u64;
                    return Ok(Some(buffer.split_to(here).freeze()));
                }
                Length::UntilClosed if !buffer.is_empty() => {
                    return Ok(Some(buffer.split().freeze()));
                }
                Length::Chunk(0) => match httparse::parse_chunk_size(buffer) {
                    Ok(httparse::Status::Complete((used, 0))) if buffer.len() >= used + 2 => {
                        // No trailers are sent: the empty line ends it.
                        buffer.advance(used + 2);
                        self.length = Length::Known(0);
                        continue;
                    }
                    Ok(httparse::Status::Complete((used, size))) if size > 0 => {
                        buffer.advance(used);
                        self.length = Length::Chunk(size.saturating_add(2));
                        continue;
                    }
                    Ok(_) => {}
                    Err(_) => return Err(wrong()),
                },
                Length::Chunk(rest) if !buffer.is_empty() => {
                    // Two more than its bytes: its line end, which is not passed on.
                    let data = rest.saturating_sub(2);
                    let here = buffer.len().min(usize::try_from(data).unwrap_or(usize::MAX));
                    if here > 0 {
                        *rest -= here as u64;
                        return Ok(Some(buffer.split_to(here).freeze()));
                    }
                    let here = buffer.len().min(usize::try_from(*rest).unwrap_or(usize::MAX));
                    buffer.advance(here);
                    *rest -= here as u64;
                    continue;
                }
                _ => {}
            }
            self.connection.buffer.reserve(CHUNK);
            match (self.connection.fill().await, self.length) {
                (Ok(()), _) => {}
                (Err(error), Length::UntilClosed)
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    self.keep = false;
                    return Ok(None);
                }
                (Err(error), _) => return Err(error),
            }
        }
    }

    /// Keeps the connection for the next one, where its body is read.
    fn done(self) {
        let is_read = self.length == Length::Known(0) && self.connection.buffer.is_empty();
        if self.keep && is_read {
            keep(self.address, self.connection);
        }
    }
}

impl Connection {
    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// A connection in another protocol.
#[derive(Debug)]
pub(super) struct Upgraded(Connection);

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let buffer = &mut self.0.buffer;
        if !buffer.is_empty() {
            let here = buffer.split_to(buffer.len().min(into.remaining()));
            into.put_slice(&here);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.0.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Patience = Patience(Duration::from_secs(30));

    fn message(body: &str, is_head: bool) -> Message {
        let head = format!("POST /x HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
        let body = Some(Bytes::copy_from_slice(body.as_bytes()));
        Message { head: head.into_bytes(), body, is_head }
    }

    /// Gives each of `answers` to one request on one connection, in pieces of `step` bytes.
    async fn replica(
        answers: Vec<&'static [u8]>,
        step: usize,
    ) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = 0;
            for answer in answers {
                let mut request = Vec::new();
                while !request.ends_with(b"end") {
                    if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return heard;
                    }
                }
                heard += 1;
                for piece in answer.chunks(step) {
                    stream.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            heard
        });
        (at, serving)
    }

    async fn streamed(answer: Answer) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut pieces = Box::pin(answer.pieces());
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn answers_are_read_however_they_are_cut_and_the_connection_is_used_again() {
        let plain = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nDate: now\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        let none = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        let last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
        for step in [1, 2, 7, 1_000] {
            let (at, serving) = replica(vec![plain, chunked, none, plain, last], step).await;
            let answer = ask(&at, &message("end", false), PATIENCE).await.unwrap();
            assert_eq!((answer.status, answer.content_length()), (200, Some(5)));
            let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["x-a"], "those of one connection are left out");
            assert_eq!(answer.whole().await.unwrap(), "hello");
            let answer = ask(&at, &message("end", false), PATIENCE).await.unwrap();
            assert_eq!(streamed(answer).await.unwrap(), b"hello");
            let answer = ask(&at, &message("end", false), PATIENCE).await.unwrap();
            assert_eq!((answer.status, answer.whole().await.unwrap().len()), (204, 0));
            let answer = ask(&at, &message("end", false), PATIENCE).await.unwrap();
            assert_eq!(streamed(answer).await.unwrap(), b"hello");
            let answer = ask(&at, &message("end", false), PATIENCE).await.unwrap();
            assert_eq!(answer.whole().await.unwrap(), "hello");
            assert_eq!(serving.await.unwrap(), 5);
            // It said that it would close, and nobody listens any more.
            let refused = ask(&at, &message("end", false), PATIENCE).await.unwrap_err();
            assert_eq!(refused, Failure::Refused);
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_or_ends_too_early_is_a_failure() {
        for raw in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX",
        ] {
            let (at, _serving) = replica(vec![raw], 1_000).await;
            let failed = ask(&at, &message("end", false), PATIENCE).await.unwrap_err();
            assert_eq!(failed, Failure::Broken);
        }
        for raw in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            let (at, _serving) = replica(vec![raw], 1_000).await;
            let answer = ask(&at, &message("end", false), PATIENCE).await.unwrap();
            assert!(streamed(answer).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_meanwhile_is_not_used() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let (at, serving) = replica(vec![plain], 1_000).await;
        ask(&at, &message("end", false), PATIENCE).await.unwrap().whole().await.unwrap();
        serving.await.unwrap();
        // The listener is gone with it: a new connection is refused, and the old one not tried.
        let refused = ask(&at, &message("end", false), PATIENCE).await.unwrap_err();
        assert_eq!(refused, Failure::Refused);
    }

    #[tokio::test]
    async fn what_was_asked_with_head_has_no_body() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let (at, serving) = replica(vec![head, head], 1_000).await;
        for _ in 0..2 {
            let answer = ask(&at, &message("end", true), PATIENCE).await.unwrap();
            assert!(answer.whole().await.unwrap().is_empty());
        }
        assert_eq!(serving.await.unwrap(), 2, "over one connection");
    }
}

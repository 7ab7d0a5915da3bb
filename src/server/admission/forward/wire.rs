//! How one engine asks another over HTTP/1.1: hyper's connections, without a pool or a task of their own.
//!
//! A connection is driven by whoever waits for its answer, and kept open by each thread for itself: no
//! request wakes another task or thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, stream};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Bytes of a head; more is refused.
const MOST_HEAD: usize = 64 * 1024;
/// Bytes of a body that room is made for before they have come.
const CHUNK: usize = 16 * 1024;
/// How long a replica may take to accept a connection.
const CONNECT: Duration = Duration::from_millis(500);
/// Connections to one replica that a thread keeps while nothing is asked.
const KEPT: usize = 64;
/// Replicas that a thread keeps connections to.
const REPLICAS: usize = 256;
/// Headers of one connection, which are not passed on; what an answer is sent with says its own date.
const OWN: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// A request as it is sent.
pub(super) type Message = hyper::Request<Full<Bytes>>;

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

/// For how long connections are kept, which is less than the other side keeps them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience(pub(super) Duration);

/// An answer whose head has come.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    connection: Box<Connection>,
    body: Incoming,
    address: String,
}

/// What asks, and what moves the bytes while somebody waits for them.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<TcpStream>, Full<Bytes>>,
    /// Whether it has ended, or speaks another protocol: it is not driven any more.
    is_over: bool,
}

type Kept = HashMap<String, Vec<(Box<Connection>, Instant)>>;

thread_local! {
    static KEPT_OPEN: RefCell<Kept> = RefCell::default();
}

/// Asks whoever is at `address`.
///
/// # Errors
/// [`Failure`].
pub(super) async fn ask(
    address: &str,
    message: Message,
    patience: Patience,
) -> Result<Answer, Failure> {
    let mut connection = match kept(address, patience) {
        Some(connection) => connection,
        None => connect(address).await?,
    };
    let response = connection.exchange(message).await.map_err(|_| Failure::Broken)?;
    let (head, body) = response.into_parts();
    let headers = head.headers.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let headers = headers
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(Failure::Broken)?;
    let status = head.status.as_u16();
    Ok(Answer { status, headers, connection, body, address: address.to_owned() })
}

fn kept(address: &str, Patience(patience): Patience) -> Option<Box<Connection>> {
    KEPT_OPEN.with_borrow_mut(|kept| {
        let open = kept.get_mut(address)?;
        while let Some((mut connection, since)) = open.pop() {
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

fn keep(address: String, connection: Box<Connection>) {
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

async fn connect(address: &str) -> Result<Box<Connection>, Failure> {
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
    // Heads of a hundred headers: a number of our own would be an allocation for each answer.
    let mut settings = http1::Builder::new();
    settings.max_header_size(MOST_HEAD).max_buf_size(2 * MOST_HEAD);
    let made = settings.handshake(TokioIo::new(stream)).await;
    let (sender, driver) = made.map_err(|_| Failure::Unreachable)?;
    // Of a few hundred bytes, which are not to be moved each time.
    Ok(Box::new(Connection { sender, driver, is_over: false }))
}

impl Connection {
    /// Moves what can be moved. What goes wrong is told to whoever waits for an answer or its body.
    fn drive(&mut self, context: &mut Context<'_>) {
        if !self.is_over {
            self.is_over = self.driver.poll_without_shutdown(context).is_ready();
        }
    }

    /// Whether it is open, and nothing came that nobody asked for.
    fn is_quiet(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        !self.is_over && self.sender.is_ready()
    }

    /// Sends the request and reads the head of its answer, both at the same time: whoever refuses a
    /// body may do so before it has it all.
    async fn exchange(&mut self, message: Message) -> hyper::Result<hyper::Response<Incoming>> {
        let sending = self.sender.send_request(message);
        tokio::pin!(sending);
        poll_fn(|context| {
            self.drive(context);
            sending.as_mut().poll(context)
        })
        .await
    }
}

impl Answer {
    /// The value of a header.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.to_str().ok())
    }

    /// The bytes of the body, where the head says how many.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The whole body, of an answer that says how long it is.
    ///
    /// # Errors
    /// Where it ends before.
    pub(super) async fn whole(mut self) -> io::Result<Bytes> {
        let Some(length) = self.content_length() else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut all = Bytes::new();
        let mut joined = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if all.is_empty() && joined.is_empty() {
                all = piece;
                continue;
            }
            if joined.is_empty() {
                joined.reserve(usize::try_from(length).unwrap_or(CHUNK).min(CHUNK));
                joined.extend_from_slice(&all);
            }
            joined.extend_from_slice(&piece);
        }
        self.done();
        Ok(if joined.is_empty() { all } else { joined.freeze() })
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
        let http1::Parts { io, read_buf, .. } = self.connection.driver.into_parts();
        Upgraded { stream: io.into_inner(), buffer: read_buf }
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let frame = poll_fn(|context| {
                // It says that it wants something, which the connection then reads.
                if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
                    return Poll::Ready(frame);
                }
                self.connection.drive(context);
                Pin::new(&mut self.body).poll_frame(context)
            });
            match frame.await {
                // Trailers say nothing here.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Ok(None),
            }
        }
    }

    /// Keeps the connection for the next one, where its body is read.
    fn done(mut self) {
        drop(self.body);
        if self.connection.is_quiet() {
            keep(self.address, self.connection);
        }
    }
}

/// A connection in another protocol.
#[derive(Debug)]
pub(super) struct Upgraded {
    stream: TcpStream,
    /// What came together with the answer.
    buffer: Bytes,
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.buffer.is_empty() {
            let here = self.buffer.len().min(into.remaining());
            let (taken, _) = self.buffer.split_at(here);
            into.put_slice(taken);
            self.buffer.advance(here);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Patience = Patience(Duration::from_secs(30));

    fn message(body: &str, is_head: bool) -> Message {
        let method = if is_head { "HEAD" } else { "POST" };
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let message = hyper::Request::builder().method(method).uri("/x").header("host", "a");
        message.body(body).unwrap()
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
            let answer = ask(&at, message("end", false), PATIENCE).await.unwrap();
            assert_eq!((answer.status, answer.content_length()), (200, Some(5)));
            let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["x-a"], "those of one connection are left out");
            assert_eq!(answer.whole().await.unwrap(), "hello");
            let answer = ask(&at, message("end", false), PATIENCE).await.unwrap();
            assert_eq!(streamed(answer).await.unwrap(), b"hello");
            let answer = ask(&at, message("end", false), PATIENCE).await.unwrap();
            assert_eq!((answer.status, answer.whole().await.unwrap().len()), (204, 0));
            let answer = ask(&at, message("end", false), PATIENCE).await.unwrap();
            assert_eq!(streamed(answer).await.unwrap(), b"hello");
            let answer = ask(&at, message("end", false), PATIENCE).await.unwrap();
            assert_eq!(answer.whole().await.unwrap(), "hello");
            assert_eq!(serving.await.unwrap(), 5);
            // It said that it would close, and nobody listens any more.
            let refused = ask(&at, message("end", false), PATIENCE).await.unwrap_err();
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
            let failed = ask(&at, message("end", false), PATIENCE).await.unwrap_err();
            assert_eq!(failed, Failure::Broken);
        }
        for raw in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            let (at, _serving) = replica(vec![raw], 1_000).await;
            let answer = ask(&at, message("end", false), PATIENCE).await.unwrap();
            assert!(streamed(answer).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_meanwhile_is_not_used() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let (at, serving) = replica(vec![plain], 1_000).await;
        ask(&at, message("end", false), PATIENCE).await.unwrap().whole().await.unwrap();
        serving.await.unwrap();
        // The listener is gone with it: a new connection is refused, and the old one not tried.
        let refused = ask(&at, message("end", false), PATIENCE).await.unwrap_err();
        assert_eq!(refused, Failure::Refused);
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2 * MOST_HEAD));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(200));
        for raw in [head, many] {
            let raw: &'static [u8] = Box::leak(raw.into_bytes().into_boxed_slice());
            let (at, serving) = replica(vec![raw], 4_096).await;
            let failed = ask(&at, message("end", false), PATIENCE).await.unwrap_err();
            assert_eq!(failed, Failure::Broken);
            serving.abort();
        }
    }

    #[tokio::test]
    async fn a_body_may_be_refused_before_it_is_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_buf(&mut Vec::new()).await.unwrap();
            let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";
            stream.write_all(answer).await.unwrap();
            // Open until it is answered: what is left of the body is not read.
            stream
        });
        let body = "x".repeat(32 << 20);
        let answer = ask(&at, message(&body, false), PATIENCE).await.unwrap();
        assert_eq!(answer.status, 413);
        assert_eq!(answer.whole().await.unwrap(), "big");
        // And the connection is not used again: the rest of that body would be read as a request.
        let refused = ask(&at, message("end", false), PATIENCE).await.unwrap_err();
        assert_eq!(refused, Failure::Refused);
        drop(serving.await);
    }

    #[tokio::test]
    async fn what_comes_with_the_change_of_a_protocol_is_not_lost() {
        let changed =
            b"HTTP/1.1 101 Changed\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nfirst and second";
        for step in [1, 7, 1_000] {
            let (at, serving) = replica(vec![changed], step).await;
            let answer = ask(&at, message("end", false), PATIENCE).await.unwrap();
            assert_eq!(answer.status, 101);
            let mut all = String::new();
            answer.upgraded().read_to_string(&mut all).await.unwrap();
            assert_eq!(all, "first and second");
            assert_eq!(serving.await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn what_was_asked_with_head_has_no_body() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let (at, serving) = replica(vec![head, head], 1_000).await;
        for _ in 0..2 {
            let answer = ask(&at, message("end", true), PATIENCE).await.unwrap();
            assert!(answer.whole().await.unwrap().is_empty());
        }
        assert_eq!(serving.await.unwrap(), 2, "over one connection");
    }
}

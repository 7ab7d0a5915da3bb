//! HTTP/2 connections that end when the service stops.
//!
//! The framework tells connections of HTTP/1 to end and says nothing to those of HTTP/2: an idle
//! one would hold the process for the whole drain. `h2` closes a connection with GOAWAY as soon
//! as it is idle once its peer has announced the same. So that announcement is put into what is
//! read from the peer, between two of its frames: requests that run are finished, and the client
//! is told with GOAWAY (RFC 9113, section 6.8).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// GOAWAY without an error, and with no stream of the other side seen.
const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Bytes before the first frame of a client.
const PREFACE: usize = 24;
/// Bytes of the head of a frame.
const HEAD: usize = 9;

type Draining = Pin<Box<dyn Future<Output = ()>>>;

/// A connection that is told of a stop, if it is one of HTTP/2.
pub(super) struct Drained<T> {
    io: T,
    frames: Frames,
    /// Waits for the stop; none once it was announced.
    draining: Option<Draining>,
}

impl<T> Drained<T> {
    pub(super) fn new(io: T, draining: impl Future<Output = ()> + 'static) -> Drained<T> {
        Drained { io, frames: Frames::default(), draining: Some(Box::pin(draining)) }
    }

    /// A connection of another protocol.
    pub(super) fn untold(io: T) -> Drained<T> {
        Drained { io, frames: Frames::default(), draining: None }
    }
}

/// Where in a stream of frames a reader is.
#[derive(Debug)]
struct Frames {
    /// Bytes of the preface or of a payload still to come.
    rest: usize,
    /// What is there of the head of the next frame.
    head: [u8; HEAD],
    seen: usize,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames { rest: PREFACE, head: [0; HEAD], seen: 0 }
    }
}

impl Frames {
    /// Goes past these bytes.
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            if let Some((byte, more)) = bytes.split_first() {
                if let Some(at) = self.head.get_mut(self.seen) {
                    *at = *byte;
                }
                self.seen += 1;
                bytes = more;
                if self.seen == HEAD {
                    let [high, middle, low, ..] = self.head;
                    self.rest =
                        usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                    self.seen = 0;
                }
            }
        }
    }

    fn is_between(&self) -> bool {
        self.rest == 0 && self.seen == 0
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Drained<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.frames.is_between()
            && buffer.remaining() >= GOAWAY.len()
            && let Some(draining) = &mut this.draining
            && draining.as_mut().poll(context).is_ready()
        {
            this.draining = None;
            buffer.put_slice(&GOAWAY);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.io).poll_read(context, buffer);
        if this.draining.is_some() {
            this.frames.read(buffer.filled().get(before..).unwrap_or_default());
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Drained<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// A preface, a frame of five bytes, and one of none.
    fn client() -> Vec<u8> {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend([0, 0, 5, 0, 0, 0, 0, 0, 1]);
        bytes.extend(*b"hello");
        bytes.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn the_end_of_each_frame_is_found_however_the_bytes_come() {
        let bytes = client();
        let ends = [PREFACE, PREFACE + HEAD + 5, bytes.len()];
        for piece in 1..=bytes.len() {
            let mut frames = Frames::default();
            let mut read = 0;
            for part in bytes.chunks(piece) {
                frames.read(part);
                read += part.len();
                assert_eq!(frames.is_between(), ends.contains(&read), "{read} of {piece}");
            }
        }
    }

    #[tokio::test]
    async fn the_announcement_comes_between_two_frames_and_once() {
        for cut in 0..client().len() {
            let bytes = client();
            let (first, second) = bytes.split_at(cut);
            let io = tokio_test_io(first, second);
            let mut drained = Drained::new(io, std::future::ready(()));
            let mut read = Vec::new();
            drained.read_to_end(&mut read).await.expect("read");
            let at = read.windows(GOAWAY.len()).position(|w| w == GOAWAY).expect("announced");
            assert!([PREFACE, PREFACE + HEAD + 5, bytes.len()].contains(&at), "{cut}: {at}");
            read.drain(at..at + GOAWAY.len());
            assert_eq!(read, bytes, "{cut}");
        }
    }

    fn tokio_test_io(first: &[u8], second: &[u8]) -> impl AsyncRead + Unpin {
        io::Cursor::new(first.to_vec()).chain(io::Cursor::new(second.to_vec()))
    }
}

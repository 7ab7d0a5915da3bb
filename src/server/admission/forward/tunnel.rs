//! A WebSocket through this replica to the one that has the session: bytes both ways.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf};
use tokio::task::JoinHandle;
use tokio::time::Interval;

use super::wire::{Answer, Upgraded};
use super::{GoesOn, LOOK, copy_headers, every};
use crate::protocol::problem::Error;

/// Bytes that are read together.
const CHUNK: usize = 16 * 1024;
/// The frame that ends a stream whose owner is gone: "going away", so that the client comes again
/// (RFC 6455, section 7.4.1).
const AWAY: &[u8] = &[0x88, 2, 0x03, 0xE9];
/// The kind of frame that ends a stream.
const CLOSE: u8 = 8;

/// Joins the client's connection to the owner's, until one of them ends.
pub(super) fn open(response: Answer, payload: Option<Payload>, on: GoesOn) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS);
    copy_headers(&response, &mut answer);
    answer.upgrade("websocket");
    let (from_owner, mut to_owner) = tokio::io::split(response.upgraded());
    let pump = payload.map(|mut payload| {
        actix_web::rt::spawn(async move {
            while let Some(Ok(piece)) = payload.next().await {
                if to_owner.write_all(&piece).await.is_err() {
                    return;
                }
            }
            // Whoever is gone is not told.
            let _ = to_owner.shutdown().await;
        })
    });
    let (buffer, frames) = (BytesMut::new(), Frames::default());
    let tunnel = Tunnel { from_owner, buffer, frames, on, look: every(LOOK), pump };
    let pieces = stream::unfold(Some(tunnel), async |tunnel| {
        let mut tunnel = tunnel?;
        let (piece, is_last) = tunnel.next().await?;
        Some((Ok::<_, Error>(piece), (!is_last).then_some(tunnel)))
    });
    answer.streaming(Box::pin(pieces))
}

struct Tunnel {
    from_owner: ReadHalf<Upgraded>,
    /// Where bytes are read to; nothing stays in it.
    buffer: BytesMut,
    frames: Frames,
    on: GoesOn,
    look: Interval,
    pump: Option<JoinHandle<()>>,
}

impl Tunnel {
    /// The next bytes for the client, and whether they are the last ones.
    async fn next(&mut self) -> Option<(Bytes, bool)> {
        loop {
            self.buffer.reserve(CHUNK);
            tokio::select! {
                read = self.from_owner.read_buf(&mut self.buffer) => {
                    if read.is_err() || self.buffer.is_empty() {
                        break;
                    }
                    let bytes = self.buffer.split().freeze();
                    self.frames.see(&bytes);
                    return Some((bytes, false));
                }
                _ = self.look.tick() => {
                    if !self.on.look() {
                        break;
                    }
                }
            }
        }
        self.frames.may_end().then_some((Bytes::from_static(AWAY), true))
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // Otherwise the connection would wait for more of the client.
        if let Some(pump) = self.pump.take() {
            pump.abort();
        }
    }
}

/// Where in the frames of the owner what was read ends (RFC 6455, section 5.2); they are never
/// masked.
#[derive(Debug, Default)]
struct Frames {
    /// The head of a frame, as far as it came.
    head: Vec<u8>,
    /// Bytes of its payload that are still to come.
    rest: u64,
    has_closed: bool,
}

impl Frames {
    fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let here = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(here..).unwrap_or_default();
                self.rest -= here as u64;
                continue;
            }
            let Some((first, others)) = bytes.split_first() else { return };
            self.head.push(*first);
            bytes = others;
            if let Some(length) = self.length() {
                self.has_closed |= self.head.first().is_some_and(|kind| kind & 0x0F == CLOSE);
                self.rest = length;
                self.head.clear();
            }
        }
    }

    /// The length of the payload, once the head is whole.
    fn length(&self) -> Option<u64> {
        let extended = match self.head.get(1)? & 0x7F {
            126 => 2,
            127 => 8,
            short => return Some(u64::from(short)),
        };
        let digits = self.head.get(2..2 + extended)?;
        Some(digits.iter().fold(0, |length, digit| length << 8 | u64::from(*digit)))
    }

    /// Whether a last frame may follow.
    fn may_end(&self) -> bool {
        self.rest == 0 && self.head.is_empty() && !self.has_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_frame_follows_only_whole_frames() {
        let long = [&[0x81, 126, 1, 0][..], &[b'x'; 256]].concat();
        let longer = [&[0x82, 127, 0, 0, 0, 0, 0, 0, 0, 3][..], b"abc"].concat();
        let all = [&[0x81, 2, b'h', b'i'][..], &long, &longer, &[0x89, 0]].concat();
        let ends = [0, 4, 4 + 260, 4 + 260 + 13, all.len()];
        for cut in 0..=all.len() {
            // In two pieces, cut anywhere.
            for middle in [0, cut / 2, cut] {
                let mut frames = Frames::default();
                frames.see(&all[..middle]);
                frames.see(&all[middle..cut]);
                assert_eq!(frames.may_end(), ends.contains(&cut), "{cut}");
            }
        }
        let mut frames = Frames::default();
        frames.see(AWAY);
        assert!(!frames.may_end(), "there was a last one already");
    }
}

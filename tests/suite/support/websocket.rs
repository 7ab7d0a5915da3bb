//! A client of a session's stream over TCP: as much of RFC 6455 as the tests need.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::{Answer, connect};

/// What comes in a frame.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    Text(Value),
    Ping(Vec<u8>),
    /// The code and the reason.
    Close(u16, String),
    /// The connection ended.
    End,
}

/// A stream of a session.
pub(crate) struct Live {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Frames that came while another one was waited for.
    put_back: VecDeque<Value>,
}

impl Live {
    /// Asks for a stream; `headers` are lines with their ends.
    pub(crate) fn ask(at: SocketAddr, session: &str, headers: &str) -> Result<Live, Box<Answer>> {
        let mut stream = connect(at);
        let head = format!(
            "GET /sessions/{session}/live HTTP/1.1\r\nHost: {at}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut buffer = Vec::new();
        let end = loop {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).expect("a head");
            assert!(count > 0, "{}", String::from_utf8_lossy(&buffer));
            buffer.extend_from_slice(&piece[..count]);
            if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break end;
            }
        };
        let head = String::from_utf8(buffer.drain(..end + 4).collect()).expect("a head in text");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        if status == 101 {
            // RFC 6455, section 1.3: what this key is answered with.
            assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
            assert!(
                head.to_ascii_lowercase().contains("sec-websocket-protocol: svgx.v1\r\n"),
                "{head}"
            );
            return Ok(Live { stream, buffer, put_back: VecDeque::new() });
        }
        let length = head.to_ascii_lowercase();
        let length =
            length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = buffer;
        let mut rest = vec![0; length.unwrap_or(0_usize).saturating_sub(body.len())];
        stream.read_exact(&mut rest).expect("a body");
        body.extend(rest);
        Err(Box::new(Answer { status, head, body }))
    }

    /// A stream that has said who it is.
    pub(crate) fn join(
        at: SocketAddr,
        session: &str,
        participant: &str,
        resume: Option<&str>,
    ) -> Live {
        let offer = "Sec-WebSocket-Protocol: svgx.v1\r\n";
        let Ok(mut live) = Live::ask(at, session, offer) else { panic!("no stream") };
        let mut hello = json!({"frame": "hello", "participant": participant, "name": participant});
        if let Some(resume) = resume {
            hello["resume"] = json!(resume);
        }
        live.say(&hello);
        live
    }

    pub(crate) fn say(&mut self, frame: &Value) {
        self.write(1, frame.to_string().as_bytes());
    }

    /// An operation.
    pub(crate) fn operate(&mut self, id: &str, base: u64, operation: Value) {
        self.say(&json!({"frame": "operation", "id": id, "base": base, "operation": operation}));
    }

    pub(crate) fn write(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        let length = payload.len();
        match length {
            0..=125 => frame.push(0x80 | length as u8),
            126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        // A mask of zeros is one.
        frame.extend([0; 4]);
        frame.extend_from_slice(payload);
        // It may have hung up.
        let _ = self.stream.write_all(&frame);
    }

    /// What comes next; pings are answered, and given.
    pub(crate) fn read(&mut self) -> Message {
        let Some(head) = self.bytes(2) else { return Message::End };
        let length = match head[1] & 0x7f {
            126 => self.bytes(2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]]))),
            127 => self.bytes(8).map(|b| {
                u64::from_be_bytes(b.try_into().expect("eight bytes")).try_into().expect("it fits")
            }),
            length => Some(usize::from(length)),
        };
        let Some(payload) = length.and_then(|length| self.bytes(length)) else {
            return Message::End;
        };
        match head[0] & 0x0f {
            1 => Message::Text(serde_json::from_slice(&payload).expect("JSON")),
            8 => {
                let code = payload.get(..2).map_or(1005, |b| u16::from_be_bytes([b[0], b[1]]));
                let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default());
                Message::Close(code, reason.into_owned())
            }
            9 => {
                self.write(10, &payload);
                Message::Ping(payload)
            }
            other => panic!("opcode {other}"),
        }
    }

    fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => return None,
                Ok(read) => self.buffer.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
        Some(self.buffer.drain(..count).collect())
    }

    /// The next frame of that name; others that come before are kept for later.
    pub(crate) fn frame(&mut self, name: &str) -> Value {
        if let Some(at) = self.put_back.iter().position(|frame| frame["frame"] == name) {
            return self.put_back.remove(at).expect("it is there");
        }
        loop {
            match self.read() {
                Message::Text(frame) if frame["frame"] == name => return frame,
                Message::Text(frame) => self.put_back.push_back(frame),
                Message::Ping(_) => {}
                other => panic!("{other:?} instead of {name}; before it {:?}", self.put_back),
            }
        }
    }

    /// What the stream is closed with.
    pub(crate) fn close(&mut self) -> (u16, String) {
        loop {
            match self.read() {
                Message::Close(code, reason) => return (code, reason),
                Message::End => panic!("it ended without a reason"),
                _ => {}
            }
        }
    }

    /// Gives up without a word.
    pub(crate) fn cut(self) {
        drop(self);
    }

    pub(crate) fn patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).expect("a timeout");
    }
}

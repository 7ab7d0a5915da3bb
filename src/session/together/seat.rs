//! A client's place in the room of a session: it holds the place until it is dropped.

use std::sync::Arc;
use std::task::Waker;

use svgx_base::budget::Time;

use super::frame::{Cursor, Present, ResetReason};
use super::participant::Participant;
use super::room::{Room, Take};
use parking_lot::Mutex;

/// A room that several hold.
pub(crate) type SharedRoom = Arc<Mutex<Room>>;

/// A client's place in the room of a session. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Seat {
    room: SharedRoom,
    connection: u64,
    participant: Participant,
    /// Keeps the session in memory.
    _session: Arc<dyn std::any::Any + Send + Sync>,
}

impl Seat {
    pub(crate) fn new(
        room: SharedRoom,
        connection: u64,
        participant: Participant,
        session: Arc<dyn std::any::Any + Send + Sync>,
    ) -> Seat {
        Seat { room, connection, participant, _session: session }
    }

    /// The connection.
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// Who sits there.
    pub fn participant(&self) -> &Participant {
        &self.participant
    }

    /// What is to be sent next; `waker` is woken when there is more.
    pub fn take(&self, now: Time, waker: Option<&Waker>) -> Take {
        self.room.lock().take(self.connection, now, waker)
    }

    /// Says where the client is.
    pub fn moved(&self, cursor: Option<Cursor>, selected: Vec<String>) {
        self.room.lock().moved(self.connection, cursor, selected);
    }

    /// The client was heard of.
    pub fn heard(&self, now: Time) {
        self.room.lock().heard(self.connection, now);
    }

    /// Closes the streams that have been silent for too long, whosever they are.
    pub fn expire(&self, now: Time) {
        self.room.lock().expire(now);
    }

    /// Lets the client have the whole drawing.
    pub fn ask_reset(&self, why: ResetReason) {
        self.room.lock().ask_reset(self.connection, why);
    }

    /// Who is here.
    pub fn present(&self) -> Vec<Present> {
        self.room.lock().present()
    }

    /// Takes the count of frames of this room that were thrown away since it was taken last.
    pub fn take_dropped(&self) -> u64 {
        self.room.lock().take_dropped()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.lock().leave(self.connection);
    }
}

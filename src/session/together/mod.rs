//! Several participants in one session.
//!
//! There is one order, that of the session's log, and no merging of documents: records hold effects
//! per attribute, the last one in the order of the log stays, and whoever is overwritten without
//! having been seen is told. Everything here is pure: no socket, no clock, no task.

mod answers;
mod frame;
mod merge;
mod participant;
mod patch;
mod room;
mod seat;
mod writers;

pub use frame::{ClientFrame, Cursor, Frame, PROTOCOL, Present, ResetReason, SHOWN_SELECTION};
pub use participant::{Author, ID_BYTES, NAME_CHARACTERS, Participant, shown_name};
pub use patch::{Conflict, DrawingChange, Patch};
pub use room::{
    Joined, PRESENCE_EVERY, QUEUED_BYTES, QUEUED_FRAMES, Room, SILENCE, STREAMS, Sent, Take,
};

pub use seat::Seat;

pub(crate) use answers::{Answered, Answers, hash};
pub(crate) use merge::{change, constraints};
pub(crate) use seat::SharedRoom;
pub(crate) use writers::{Mark, PLACE, Stamp, Touch, Writers, elements, key_of};

#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod tests;

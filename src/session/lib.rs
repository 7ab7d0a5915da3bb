//! Interactive state, undo log, and the store behind them.
//!
//! A [`Session`] is a document that is being edited: what is selected, hovered and held, the
//! undo log, and the state of its triggers. An [`Operation`] goes in, an [`Outcome`] comes out.
//! The session itself knows no clock, no lock and no disk.

mod attribute;
mod drag_solver;
mod drawn;
mod editing;
mod error;
mod following;
mod fragment;
mod history;
mod manager;
mod markup;
mod networks;
mod operation;
mod outcome;
mod placement;
mod record;
mod references;
mod replay;
mod snap;
mod snapshot;
mod store;
mod streams;
mod tiles;
mod together;

pub use drag_solver::Constrained;
pub use editing::{CONSTRAINTS, EMPTY, SELECTION, Session};
pub use error::Error;
pub use following::{By, Following, Move};
pub use history::{UNDO_BYTES, UNDO_STEPS};
pub use manager::{Options, Sessions, Unacknowledged};
pub use networks::{NetworkChange, NetworkFinding, NetworkState, NetworkValueChange};
pub use operation::{
    ActiveConstraint, Array, Chamfer, Combine, Combined, Coordinates, DragTick, Extend, Fillet,
    Join, JoinEnds, Measure, Mirror, Modifiers, Offset, Operation, Order, Pointer, References,
    Relation, Selection, Snap, SnapOptions, Split, Trim,
};
pub use outcome::{
    Area, AttributeChange, BehaviorTriggered, DragState, Edited, Effect, KeptChange, Message, Note,
    Outcome, ReferenceChange, Restored, SnapKind, State, StructureChange, StructureKind,
    ValueChange,
};
pub use replay::{EDITS, EditedDrawing, edit};
pub use store::{
    Acknowledge, After, BadPlace, CHANGES_KEPT, Change, ChangeKind, Changes, Copied, Damage,
    Embedded, FILE as STORE_FILE, Given, Key, Listing, Memory, Pending, Place, Remote,
    RemoteOptions, Store, StoreError, StoreEvent, StoreHealth, StoreLimits, Stored, Watcher, copy,
};
pub use tiles::Tiles;

pub use streams::Begun;
pub use together::{
    Author, ClientFrame, Conflict, Cursor, DrawingChange, Frame, ID_BYTES, Joined, NAME_CHARACTERS,
    PRESENCE_EVERY, PROTOCOL, Participant, Patch, Present, QUEUED_BYTES, QUEUED_FRAMES,
    ResetReason, Room, SHOWN_SELECTION, SILENCE, STREAMS, Seat, Sent, Take, shown_name,
};

#[cfg(test)]
mod bound_tests;
#[cfg(test)]
mod editing_tests;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod structure_tests;

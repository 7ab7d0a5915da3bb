//! What is said on a stream: the frames of both directions.

use serde::{Deserialize, Serialize};

use super::participant::Participant;
use super::patch::{Conflict, Patch};
use crate::outcome::{Outcome, State};

/// The WebSocket subprotocol, and what `hello` says.
pub const PROTOCOL: &str = "svgx.v1";
/// Ids in the selection that a client tells others of.
pub const SHOWN_SELECTION: usize = 100;

/// A place in the drawing, in user units of the root `viewBox`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "CursorPlace"))]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// Somebody who is here, on one connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Present {
    /// The connection; one participant may have several.
    pub connection: u64,
    /// The participant.
    pub participant: Participant,
    /// What the others call them.
    pub name: String,
    /// Where they point; absent where they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// What they have selected, as their client tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selected: Vec<String>,
}

/// Why a client has to begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// It is new here.
    New,
    /// It came back too late: what it missed is no longer there.
    Gap,
    /// Its token is not of this history, or of a future that was lost.
    Unknown,
    /// It took the frames too slowly.
    Slow,
    /// The drawing was replaced.
    Loaded,
    /// What was shown could not be stored, or was read from the store again.
    Store,
    /// An edit cannot be told in changes.
    Untold,
    /// It asked for it.
    Asked,
}

impl ResetReason {
    /// Every reason.
    pub const ALL: [ResetReason; 8] = [
        ResetReason::New,
        ResetReason::Gap,
        ResetReason::Unknown,
        ResetReason::Slow,
        ResetReason::Loaded,
        ResetReason::Store,
        ResetReason::Untold,
        ResetReason::Asked,
    ];

    /// As metrics say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ResetReason::New => "new",
            ResetReason::Gap => "gap",
            ResetReason::Unknown => "unknown",
            ResetReason::Slow => "slow",
            ResetReason::Loaded => "loaded",
            ResetReason::Store => "store",
            ResetReason::Untold => "untold",
            ResetReason::Asked => "asked",
        }
    }
}

/// What the service says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionFrame"))]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Frame {
    /// The first one.
    Hello {
        /// Always `svgx.v1`.
        protocol: String,
        /// The session's name.
        session: String,
        /// Who the client is.
        participant: Participant,
        /// This stream.
        connection: u64,
        /// The sequence of the session.
        sequence: u64,
        /// Whether the patches after the client's token follow; a `reset` does otherwise.
        resumed: bool,
        /// Who is here.
        participants: Vec<Present>,
    },
    /// The whole drawing: what the client has is to be thrown away.
    Reset {
        /// Why.
        why: ResetReason,
        /// Where to resume.
        token: String,
        /// The sequence of the drawing.
        sequence: u64,
        /// Its canonical text.
        drawing: String,
        /// The handles of its elements, in document order.
        handles: Vec<u32>,
        /// The state of the participant.
        state: Box<State>,
        /// Who is here.
        participants: Vec<Present>,
    },
    /// What one record of the log did.
    Patch(Box<Patch>),
    /// Everything up to here outlives the process.
    Durable {
        /// The sequence.
        sequence: u64,
    },
    /// The answer to an operation of this client.
    Answer {
        /// The operation's id.
        id: String,
        /// The sequence after it.
        sequence: u64,
        /// Whether it outlives the process already; false for the ticks of a drag and for hovering.
        durable: bool,
        /// Whether it was done before, and this is the first answer.
        repeated: bool,
        /// What it did.
        outcome: Box<Outcome>,
    },
    /// Something that the client asked could not be done.
    Problem {
        /// The operation's id, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// A problem document (RFC 9457).
        problem: serde_json::Value,
        /// Milliseconds after which it may be asked again, where that helps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// What this participant wrote was overwritten by somebody who had not seen it.
    Conflict(Conflict),
    /// Who came, moved or went.
    Presence {
        /// Who came or moved.
        here: Vec<Present>,
        /// Connections that went.
        left: Vec<u64>,
    },
}

impl Frame {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Frame::Hello { .. } => "hello",
            Frame::Reset { .. } => "reset",
            Frame::Patch(_) => "patch",
            Frame::Durable { .. } => "durable",
            Frame::Answer { .. } => "answer",
            Frame::Problem { .. } => "problem",
            Frame::Conflict(_) => "conflict",
            Frame::Presence { .. } => "presence",
        }
    }
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionClientFrame"))]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first one.
    Hello {
        /// Who the client is: 1 to 64 of `A-Z a-z 0-9 . _ -`, the same each time it comes back. A free one without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participant: Option<String>,
        /// What the others call them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The last token it has seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<String>,
    },
    /// An operation.
    Operation {
        /// Its id, chosen by the client and never used for another one: sent again, it is not done
        /// again.
        id: String,
        /// The last sequence that the client has seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<u64>,
        /// What to do: the body of `POST /interactive` without a drawing.
        operation: serde_json::Value,
    },
    /// Where the client is.
    Presence {
        /// Where it points.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<Cursor>,
        /// What it has selected, up to 100 ids.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        selected: Vec<String>,
    },
    /// Asks for the whole drawing.
    Reset,
}

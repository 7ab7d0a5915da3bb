//! Who takes part: a person at one client.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Bytes in the id of a participant, and in that of an operation.
pub const ID_BYTES: usize = 64;
/// Characters in the name of a participant.
pub const NAME_CHARACTERS: usize = 64;

/// The id of a participant: 1 to 64 of `A-Z a-z 0-9 . _ -`, chosen by the client. The default
/// one, which no client can choose, is whoever names none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Participant(Arc<str>);

impl Participant {
    /// The participant with this id; `None` where it cannot be one.
    pub fn new(id: &str) -> Option<Participant> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let fits = (1..=ID_BYTES).contains(&id.len()) && id.bytes().all(plain);
        fits.then(|| Participant(Arc::from(id)))
    }

    /// Its id; empty for the default one.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_default(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Participant {
    fn default() -> Participant {
        Participant(Arc::from(""))
    }
}

impl Borrow<str> for Participant {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Participant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Participant".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

/// A name as it is kept: without control characters, cut to [`NAME_CHARACTERS`].
pub fn shown_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS).collect()
}

/// Whose operation it is, and what is said about it besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    /// Whose it is.
    pub participant: Participant,
    /// What the others call the participant; what is known stays where there is none.
    pub name: Option<String>,
    /// The operation's id: the same id again gives the first answer.
    pub id: Option<String>,
    /// The last sequence that its author had seen: who is overwritten by what came after is told.
    /// Without one, everything counts as seen.
    pub base: Option<u64>,
}

impl Author {
    /// A participant who says nothing more.
    pub fn of(participant: Participant) -> Author {
        Author { participant, ..Author::default() }
    }

    /// Whether the id is one that can be kept.
    pub fn has_good_id(&self) -> bool {
        let good =
            |id: &String| (1..=ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control);
        self.id.as_ref().is_none_or(good)
    }
}

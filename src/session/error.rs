//! What can go wrong with an operation.

use super::store::StoreError;
use svgx_base::budget::Stop;
use svgx_engine::document::Diagnostic;

/// Why an operation was not done. Nothing has changed when one is returned.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The fields do not fit the operation.
    #[error("malformed operation: {reason}")]
    BadOperation {
        /// What does not fit.
        reason: String,
    },
    /// No such element in the session's document.
    #[error("no element {id:?} in the session's document{}", meant(.near.as_deref()))]
    UnknownElement {
        /// The id given.
        id: String,
        /// The id that is nearest to it, if one is near.
        near: Option<String>,
    },
    /// The element was deleted by somebody.
    #[error("element {id:?} was deleted by {by} (sequence {sequence})")]
    Deleted {
        /// The id given.
        id: String,
        /// Who deleted it.
        by: String,
        /// When.
        sequence: u64,
    },
    /// The id of an operation was used before for something else, or cannot be one.
    #[error("the id {id:?} {reason}")]
    BadId {
        /// The id.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The operation is about an element, and neither an id nor coordinates were given.
    #[error("{operation} needs element_id or coordinates")]
    MissingTarget {
        /// The operation.
        operation: &'static str,
    },
    /// A coordinate or an option is not a finite number in range.
    #[error("{name} is {value}; expected {expected}")]
    BadNumber {
        /// The coordinate or option.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is accepted.
        expected: &'static str,
    },
    /// The element cannot be dragged.
    #[error("element {id:?} cannot be moved: {reason}")]
    NotMovable {
        /// The element.
        id: String,
        /// What keeps it in place.
        reason: &'static str,
    },
    /// The attribute cannot be set so.
    #[error("attribute {name:?} cannot be set: {reason}")]
    BadAttribute {
        /// The attribute.
        name: String,
        /// What is wrong with the name or the value.
        reason: &'static str,
    },
    /// The markup breaks a rule, or holds what is never taken in.
    #[error("the markup cannot be added: {}", .0.first().map_or("", |d| d.message.as_str()))]
    Markup(Vec<Diagnostic>),
    /// The operation does not fit the element.
    #[error("{operation} is not possible on {id:?}: {reason}")]
    Unsuitable {
        /// The operation.
        operation: &'static str,
        /// The element.
        id: String,
        /// Why.
        reason: String,
    },
    /// Others refer to what would go.
    #[error(
        "{id:?} cannot be taken out, others refer to it: {}; `references`: `remove` takes the references out as well",
        .by.join(", ")
    )]
    Referenced {
        /// The element.
        id: String,
        /// Who refers, and by what.
        by: Vec<String>,
    },
    /// Formulas or triggers would no longer work.
    #[error("formulas would no longer work: {}", .broken.join("; "))]
    Formulas {
        /// What would be wrong.
        broken: Vec<String>,
    },
    /// A limit was exceeded.
    #[error("{what}: {seen}; the limit is {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The value seen.
        seen: usize,
    },
    /// The text to load is no document.
    #[error("the document cannot be read: {}", .0.first().map_or("", |d| d.message.as_str()))]
    Document(Vec<Diagnostic>),
    /// The geometry of the document cannot be built.
    #[error("the geometry cannot be built: {0}")]
    Geometry(String),
    /// The budget ran out before the operation began to change anything.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// What was stored for the session cannot be understood.
    #[error("session {session:?} cannot be recovered: {reason}")]
    Unrecoverable {
        /// The session.
        session: String,
        /// What the log or the snapshot said.
        reason: String,
    },
    /// There is no picture.
    #[error(transparent)]
    Picture(#[from] svgx_tiles::Error),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

impl Error {
    /// A stable code for problem documents, logs and labels.
    pub fn code(&self) -> &'static str {
        match self {
            Error::BadOperation { .. } => "bad-operation",
            Error::UnknownElement { .. } | Error::Deleted { .. } => "unknown-element",
            Error::BadId { .. } => "bad-operation-id",
            Error::MissingTarget { .. } => "missing-target",
            Error::BadNumber { .. } => "bad-number",
            Error::NotMovable { .. } => "not-movable",
            Error::BadAttribute { .. } => "bad-attribute",
            Error::Markup(_) => "bad-markup",
            Error::Unsuitable { .. } => "unsuitable",
            Error::Referenced { .. } => "referenced",
            Error::Formulas { .. } => "formulas-broken",
            Error::Limit { .. } => "limit-session",
            Error::Document(_) => "bad-document",
            Error::Geometry(_) => "bad-geometry",
            Error::Stopped(Stop::Deadline) => "deadline",
            Error::Stopped(Stop::Cancelled) => "cancelled",
            Error::Unrecoverable { .. } => "session-unrecoverable",
            Error::Picture(_) => "no-picture",
            Error::Store(e) => e.code(),
        }
    }
}

//! What HTTP itself asks for, knowing nothing of the service: header names, negotiation,
//! trace context, problem documents.

pub(crate) mod headers;
pub(crate) mod negotiate;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod trace;
pub(crate) mod wording;

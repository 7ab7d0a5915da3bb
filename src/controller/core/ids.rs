//! Numbers that must not be mixed up.

use serde::{Deserialize, Serialize};

/// An operation: its index in the cost model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub(super) u8);

/// Who asks: a hash of the key or address that fairness is measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub u64);

/// A session: a hash of its name and owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

impl SessionId {
    /// The request belongs to no session.
    pub const NONE: SessionId = SessionId(0);
}

/// The place a tenant is hashed into: memory for fairness is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TenantSlot(pub(super) u16);

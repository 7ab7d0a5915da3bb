//! Where sessions are kept.

/// Why a store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store is closed.
    #[error("the session store is closed")]
    Closed,
}

impl StoreError {
    /// A stable code for problem documents, logs and labels.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Closed => "store-closed",
        }
    }
}

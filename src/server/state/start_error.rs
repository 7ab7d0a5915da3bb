//! Why the service does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::state::{fonts, keys};
use crate::tls;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It would be open to everybody.
    #[error(
        "refusing to listen on {0} without keys: everybody who reaches it could use it; \
         give --api-key NAME:KEY or --api-keys-file FILE, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// A source of keys was given that holds none.
    #[error(
        "{}: there is no key in it, so nobody could be let in; add NAME:KEY, or take the setting \
         away to run without keys", .0.display()
    )]
    NoKeys(PathBuf),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// An address cannot be bound.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
    /// The system refuses something.
    #[error("{0}: {1}")]
    System(&'static str, std::io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The drawing to open cannot be used.
    #[error("{0}")]
    Example(String),
    /// The fonts cannot be read.
    #[error(transparent)]
    Fonts(#[from] fonts::Error),
    /// Sessions cannot be in two places.
    #[error("--store and --data-dir both say where sessions are kept; give one of them")]
    TwoStores,
    /// Something about replicas that does not go together, or cannot be read.
    #[error("{0}")]
    Replicas(String),
    /// There is no queue to take jobs from.
    #[error("there is no queue to take jobs from: give --store redis://HOST:PORT")]
    NoQueue,
    /// The store cannot be opened.
    #[error("{0}")]
    Store(String),
}

//! What the tests of stores share.

mod redis_server;

use std::sync::Arc;

use svgx_session::{Embedded, Memory, Remote, RemoteOptions, Store, StoreLimits};

pub(crate) use self::redis_server::RedisServer;

/// A store of each kind; the one on a server only where there is a server.
pub(crate) struct Stores {
    directory: tempfile::TempDir,
    server: Option<RedisServer>,
}

impl Stores {
    pub(crate) fn new() -> Stores {
        Stores { directory: tempfile::tempdir().unwrap(), server: RedisServer::start() }
    }

    pub(crate) fn open(&self, limits: StoreLimits) -> Vec<Arc<dyn Store>> {
        let mut all: Vec<Arc<dyn Store>> = vec![
            Arc::new(Memory::new(limits)),
            Arc::new(Embedded::open(self.directory.path(), limits).unwrap()),
        ];
        if let Some(server) = &self.server {
            all.push(Arc::new(remote(server, "a", limits)));
        }
        all
    }
}

/// A replica's store on a server.
pub(crate) fn remote(server: &RedisServer, replica: &str, limits: StoreLimits) -> Remote {
    remote_at(&server.url(), replica, limits)
}

/// The same by the address of the server.
pub(crate) fn remote_at(url: &str, replica: &str, limits: StoreLimits) -> Remote {
    Remote::open(options(url, replica), limits, Box::new(|_| ())).unwrap()
}

pub(crate) fn options(url: &str, replica: &str) -> RemoteOptions {
    RemoteOptions {
        url: url.to_owned(),
        replica: replica.to_owned(),
        address: format!("{replica}.invalid:1"),
        trust: false,
    }
}

//! What the tests of stores share.

mod redis_server;

use std::sync::Arc;

use svgx_session::{
    After, ChangeKind, Embedded, Memory, Remote, RemoteOptions, Store, StoreLimits,
};

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

/// The entries of a feed from a place to its end, `most` at once: session, sequence, and what happened.
pub(crate) fn followed(
    store: &dyn Store,
    tenant: &str,
    mut after: After,
    most: usize,
) -> Vec<(String, u64, ChangeKind)> {
    let mut all = Vec::new();
    loop {
        let found = store.changes(tenant, after, most).unwrap();
        assert!(found.entries.len() <= most);
        all.extend(found.entries.into_iter().map(|c| (c.session, c.sequence, c.kind)));
        if !found.has_more {
            return all;
        }
        after = After::Place(found.next);
    }
}

/// Holds a feed against a session that was begun at 1 and edited until `last`: an entry for each, and no other.
pub(crate) fn has_each_once(store: &dyn Store, tenant: &str, session: &str, last: u64) {
    let entries = followed(store, tenant, After::Oldest, 500).into_iter();
    let of: Vec<_> = entries.filter(|e| e.0 == session).map(|e| (e.1, e.2)).collect();
    let edited = (2..=last).map(|sequence| (sequence, ChangeKind::Edited));
    let wanted: Vec<_> = std::iter::once((1, ChangeKind::Begun)).chain(edited).collect();
    assert_eq!(of, wanted, "{session}");
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

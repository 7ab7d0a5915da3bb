//! Parsed and compiled documents, by the hash of their content and options,
//! bounded in bytes.

use std::sync::Arc;

use bytes::Bytes;

use svgx_engine::document::Document;

/// A key: BLAKE3 over what was asked, with which options, of which content.
pub(crate) type Key = [u8; 32];

/// What is kept.
#[derive(Clone, Debug)]
enum Entry {
    Document(Arc<Document>),
    Result(Bytes),
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache(moka::sync::Cache<Key, Entry>);

impl Cache {
    /// A cache of at most `bytes` bytes.
    pub(crate) fn new(bytes: u64) -> Cache {
        let weigher = |_: &Key, entry: &Entry| {
            let size = match entry {
                // A node and its attributes take about ten times their text (measured
                // on drawings: 6 to 12); the weight errs on the large side.
                Entry::Document(d) => d.source().len().saturating_mul(12) + 1024,
                Entry::Result(bytes) => bytes.len() + 128,
            };
            u32::try_from(size).unwrap_or(u32::MAX)
        };
        Cache(moka::sync::Cache::builder().max_capacity(bytes).weigher(weigher).build())
    }

    /// The key of `what` with `options` over `content`.
    pub(crate) fn key(what: &str, options: &str, content: &str) -> Key {
        let mut hasher = blake3::Hasher::new();
        for part in [env!("CARGO_PKG_VERSION"), what, options] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(content.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Bytes kept, by weight.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.weighted_size()
    }

    /// The document under `key`.
    pub(crate) fn document(&self, key: &Key) -> Option<Arc<Document>> {
        match self.0.get(key)? {
            Entry::Document(d) => Some(d),
            Entry::Result(_) => None,
        }
    }

    /// The result under `key`.
    pub(crate) fn result(&self, key: &Key) -> Option<Bytes> {
        match self.0.get(key)? {
            Entry::Result(b) => Some(b),
            Entry::Document(_) => None,
        }
    }

    /// Keeps a document.
    pub(crate) fn keep_document(&self, key: Key, document: &Arc<Document>) {
        self.0.insert(key, Entry::Document(Arc::clone(document)));
    }

    /// Keeps a result.
    pub(crate) fn keep_result(&self, key: Key, result: &Bytes) {
        self.0.insert(key, Entry::Result(result.clone()));
    }
}

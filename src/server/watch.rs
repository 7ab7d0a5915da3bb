//! A file that is read again when it changes. Mounted configuration changes by a swap of links, and
//! in a container without a shell nobody can send a signal: so its content is looked at now and then.

use std::path::PathBuf;
use std::time::Duration;

/// How often files are looked at.
pub(crate) const EVERY: Duration = Duration::from_secs(5);

/// A file, and what it held when it was looked at last.
#[derive(Debug)]
pub(crate) struct Watch {
    path: PathBuf,
    seen: Option<blake3::Hash>,
}

impl Watch {
    pub(crate) fn new(path: PathBuf) -> Watch {
        let mut watch = Watch { path, seen: None };
        watch.seen = watch.look();
        watch
    }

    fn look(&self) -> Option<blake3::Hash> {
        std::fs::read(&self.path).ok().map(|bytes| blake3::hash(&bytes))
    }

    /// Whether it holds something else than last time. A file that cannot be read is not news:
    /// it may be about to be replaced.
    pub(crate) fn changed(&mut self) -> bool {
        let now = self.look();
        if now.is_none() || now == self.seen {
            return false;
        }
        self.seen = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_once_and_an_absence_never() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keys");
        std::fs::write(&path, "one").expect("written");
        let mut watch = Watch::new(path.clone());
        assert!(!watch.changed());
        std::fs::write(&path, "two").expect("written");
        assert!(watch.changed() && !watch.changed());
        std::fs::remove_file(&path).expect("removed");
        assert!(!watch.changed());
        std::fs::write(&path, "two").expect("written");
        assert!(!watch.changed());
    }
}

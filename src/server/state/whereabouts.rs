//! Which replica had which session when it was asked last, so that the store need not be asked for
//! each request that is passed on.
//!
//! What is noted here may be of yesterday: a replica that has a session no more says so, does nothing,
//! and the store is asked then. So nothing is ever done by what is written here alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use svgx_session::Key;

use crate::protocol::problem::Owner;

/// Sessions that are noted.
const NOTED: usize = 65_536;

/// A replica, and where it is reached.
type Place = (Arc<str>, Arc<str>);

/// Who had which session.
#[derive(Debug, Default)]
pub(crate) struct Whereabouts {
    noted: Mutex<HashMap<Key, Place>>,
    /// How many are noted: none, in a service of one replica.
    count: AtomicUsize,
}

impl Whereabouts {
    /// Whether nothing is noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Who had a session.
    pub(crate) fn of(&self, key: Key) -> Option<Owner> {
        let (replica, address) = self.noted.lock().get(&key).cloned()?;
        Some(Owner { key, replica: replica.to_string(), address: address.to_string() })
    }

    /// Notes who has a session.
    pub(crate) fn found(&self, owner: &Owner) {
        let mut noted = self.noted.lock();
        if noted.get(&owner.key).is_some_and(|(replica, _)| **replica == *owner.replica) {
            return;
        }
        if noted.len() >= NOTED {
            // Each costs one question to the store.
            noted.clear();
        }
        noted.insert(owner.key.clone(), (Arc::from(&*owner.replica), Arc::from(&*owner.address)));
        self.count.store(noted.len(), Ordering::Relaxed);
    }

    /// Notes that it is not known who has a session.
    pub(crate) fn forget(&self, key: &Key) {
        let mut noted = self.noted.lock();
        noted.remove(key);
        self.count.store(noted.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, replica: &str) -> Owner {
        let key = Key::new("tenant", name).unwrap();
        Owner { key, replica: replica.to_owned(), address: format!("{replica}:1") }
    }

    #[test]
    fn who_was_found_last_is_noted_until_it_is_forgotten() {
        let whereabouts = Whereabouts::default();
        assert!(whereabouts.is_empty());
        whereabouts.found(&owner("plan", "a"));
        whereabouts.found(&owner("plan", "b"));
        assert_eq!(whereabouts.of(owner("plan", "").key), Some(owner("plan", "b")));
        assert_eq!(whereabouts.of(owner("other", "").key), None);
        whereabouts.forget(&owner("plan", "").key);
        assert_eq!(whereabouts.of(owner("plan", "").key), None);
        assert!(whereabouts.is_empty());
    }

    #[test]
    fn there_is_an_end_to_what_is_noted() {
        let whereabouts = Whereabouts::default();
        for n in 0..=NOTED {
            whereabouts.found(&owner(&n.to_string(), "a"));
        }
        assert_eq!(whereabouts.count.load(Ordering::Relaxed), 1);
        assert!(whereabouts.of(owner(&NOTED.to_string(), "").key).is_some());
    }
}

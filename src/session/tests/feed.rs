//! The feed of a tenant: an entry for each write that counts, in every store.

use std::sync::Arc;

use svgx_session::{
    After, CHANGES_KEPT, ChangeKind, Embedded, Key, Memory, Place, Store, StoreError, StoreLimits,
    copy,
};

use crate::support::{RedisServer, Stores, followed, remote};

use ChangeKind::{Begun, Deleted, Edited};

fn key(name: &str) -> Key {
    Key::new("tenant", name).unwrap()
}

fn lost<T>(found: &Result<T, StoreError>) -> Option<Place> {
    match found {
        Err(StoreError::ChangesLost { next }) => Some(*next),
        _ => None,
    }
}

/// So that a record of 5 000 bytes is refused.
fn limits() -> StoreLimits {
    StoreLimits { session_bytes: 4_000, ..StoreLimits::default() }
}

/// Writes to two sessions, and what is refused or counts as no change.
fn write(store: &dyn Store) {
    let done = |pending: svgx_session::Pending| pending.wait().unwrap();
    let (a, b) = (key("a"), key("b: ü"));
    store.append(&a, 1, Vec::new()).wait().unwrap_err();
    done(store.delete(&a));
    done(store.begin(&a, 0, "<svg/>", b"zero".to_vec()));
    done(store.append(&a, 1, b"one".to_vec()));
    done(store.begin(&b, 4, "<svg/>", Vec::new()));
    for wrong in [0, 1, 3] {
        store.append(&a, wrong, Vec::new()).wait().unwrap_err();
    }
    store.append(&a, 2, vec![0; 5_000]).wait().unwrap_err();
    store.begin(&a, 1, "<g/>", Vec::new()).wait().unwrap_err();
    done(store.append(&a, 2, b"two".to_vec()));
    done(store.snapshot(&a, 2, b"state".to_vec()));
    done(store.append(&b, 5, Vec::new()));
    done(store.delete(&b));
    done(store.begin(&Key::new("other", "a").unwrap(), 7, "<svg/>", Vec::new()));
    done(store.begin(&a, 3, "<g/>", Vec::new()));
    done(store.delete(&b));
}

fn written() -> Vec<(String, u64, ChangeKind)> {
    [
        ("a", 0, Begun),
        ("a", 1, Edited),
        ("b: ü", 4, Begun),
        ("a", 2, Edited),
        ("b: ü", 5, Edited),
        ("b: ü", 5, Deleted),
        ("a", 3, Begun),
    ]
    .map(|(name, sequence, kind)| (name.to_owned(), sequence, kind))
    .to_vec()
}

#[test]
fn every_store_has_an_entry_for_each_write_that_counts_and_for_no_other() {
    let stores = Stores::new();
    for store in stores.open(limits()) {
        assert_eq!(store.changes("tenant", After::Oldest, 9).unwrap().entries, []);
        let start = store.changes("tenant", After::Now, 9).unwrap().next;
        write(&*store);
        for most in [1, 2, 3, 7, 8] {
            assert_eq!(followed(&*store, "tenant", After::Oldest, most), written(), "{store:?}");
            assert_eq!(followed(&*store, "tenant", After::Place(start), most), written());
        }
        let all = store.changes("tenant", After::Oldest, 7).unwrap();
        assert!(!all.has_more);
        let places: Vec<Place> = all.entries.iter().map(|change| change.place).collect();
        assert!(places.is_sorted_by(|one, other| one < other), "{places:?}");
        for (at, place) in places.iter().enumerate() {
            let rest = followed(&*store, "tenant", After::Place(*place), 2);
            assert_eq!(rest, written()[at + 1..], "{store:?}");
        }
        let now = store.changes("tenant", After::Now, 7).unwrap();
        assert_eq!((now.entries.len(), now.next), (0, all.next));
        let newest = store.newest_changes(&["nobody", "tenant"]).unwrap();
        assert_eq!(newest, [Place::BEGINNING, all.next]);
        // Each tenant has its own, and a place in one is none in another.
        let other = followed(&*store, "other", After::Oldest, 5);
        assert_eq!(other, [("a".to_owned(), 7, Begun)]);
        let theirs = store.changes("other", After::Place(places[1]), 5);
        assert_eq!(lost(&theirs), Some(store.changes("other", After::Now, 5).unwrap().next));
        assert_eq!(store.changes("nobody", After::Oldest, 5).unwrap().entries, []);
        store.close().unwrap();
        let closed = store.changes("tenant", After::Oldest, 1).unwrap_err();
        assert_eq!(closed, StoreError::Closed);
    }
    // What is on a disk is there when it is opened again, and goes on.
    for store in stores.open(limits()).into_iter().skip(1) {
        let end = store.changes("tenant", After::Now, 9).unwrap().next;
        assert_eq!(followed(&*store, "tenant", After::Oldest, 3), written(), "{store:?}");
        store.take_from(&key("a"), "a").unwrap();
        store.append(&key("a"), 4, Vec::new()).wait().unwrap();
        let next = followed(&*store, "tenant", After::Place(end), 3);
        assert_eq!(next, [("a".to_owned(), 4, Edited)]);
    }
}

#[test]
fn a_place_that_is_not_of_this_store_is_told_and_where_it_goes_on() {
    let (old, new) = (Memory::new(limits()), Memory::new(limits()));
    write(&old);
    copy(&old, &new).unwrap();
    for store in Stores::new().open(limits()) {
        write(&*store);
        let all = store.changes("tenant", After::Oldest, 9).unwrap();
        let Place { at, number } = all.next;
        for place in [
            Place { at: at + 1, number },
            Place { at, number: number + 1 },
            Place { at: at - 60_000, number },
            Place { at: 0, number: 1 },
            Place { at: u64::MAX, number: u64::MAX },
        ] {
            let found = store.changes("tenant", After::Place(place), 9);
            assert_eq!(lost(&found), Some(all.next), "{place:?} of {store:?}");
        }
        let next = store.changes("tenant", After::Place(all.next), 9).unwrap();
        assert_eq!((next.entries.len(), next.next), (0, all.next));
    }
    // What was restored was begun there.
    let entries = followed(&new, "tenant", After::Oldest, 9);
    assert_eq!(entries, [("a".to_owned(), 3, Begun)]);
}

#[test]
fn a_feed_is_bounded_and_who_is_too_late_is_told() {
    for store in Stores::new().open(StoreLimits::default()) {
        let more = CHANGES_KEPT / 2;
        store.begin(&key("s"), 0, "<svg/>", Vec::new()).wait().unwrap();
        let early = store.changes("tenant", After::Now, 1).unwrap().next;
        let writes: Vec<_> =
            (1..=CHANGES_KEPT + more).map(|s| store.append(&key("s"), s, vec![7; 8])).collect();
        writes.into_iter().for_each(|write| write.wait().unwrap());
        let newest = store.changes("tenant", After::Now, 1).unwrap().next;
        for place in [Place::BEGINNING, early] {
            let found = store.changes("tenant", After::Place(place), 5);
            assert_eq!(lost(&found), Some(newest), "{store:?}");
        }
        let kept = followed(&*store, "tenant", After::Oldest, 1_000);
        let count = kept.len() as u64;
        // As many more as are written together.
        assert!((CHANGES_KEPT..CHANGES_KEPT + 1_200).contains(&count), "{count} in {store:?}");
        let sequences: Vec<u64> = kept.iter().map(|(_, sequence, _)| *sequence).collect();
        let last = CHANGES_KEPT + more;
        assert_eq!(sequences, (last + 1 - count..=last).collect::<Vec<_>>());
    }
}

#[test]
fn replicas_see_each_others_entries_in_the_order_of_the_server() {
    let Some(server) = RedisServer::start() else { return };
    let limits = StoreLimits::default();
    let stores = ["a", "b"].map(|replica| Arc::new(remote(&server, replica, limits)));
    let names = ["one", "two"];
    for (store, name) in stores.iter().zip(names) {
        store.begin(&key(name), 1, "<svg/>", Vec::new()).wait().unwrap();
    }
    std::thread::scope(|scope| {
        for (store, name) in stores.iter().zip(names) {
            scope.spawn(move || {
                for sequence in 2..=200 {
                    store.append(&key(name), sequence, Vec::new()).wait().unwrap();
                }
            });
        }
    });
    let [a, b] = stores.map(|store| followed(&*store, "tenant", After::Oldest, 77));
    assert_eq!(a, b);
    for name in names {
        let of: Vec<u64> = a.iter().filter(|entry| entry.0 == name).map(|entry| entry.1).collect();
        assert_eq!(of, (1..=200).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_file_of_before_there_were_feeds_is_opened_and_has_one_from_then_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(directory.path(), limits()).unwrap();
    write(&store);
    store.close().unwrap();
    let database = redb::Database::open(store.path()).unwrap();
    let table = redb::TableDefinition::<(&str, u64), &[u8]>::new("changes");
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(table).unwrap());
    transaction.commit().unwrap();
    drop(database);
    let store = Embedded::open(directory.path(), limits()).unwrap();
    assert_eq!(followed(&store, "tenant", After::Oldest, 9), []);
    store.append(&key("a"), 4, Vec::new()).wait().unwrap();
    let entries = followed(&store, "tenant", After::Place(Place::BEGINNING), 9);
    assert_eq!(entries, [("a".to_owned(), 4, Edited)]);
}

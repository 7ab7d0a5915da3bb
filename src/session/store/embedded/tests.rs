use redb::ReadableDatabase as _;

use super::tables::{RECORDS, Tables};
use super::*;
use crate::store::checksum;
use crate::store::{ChangeKind, Damage};

fn key(name: &str) -> Key {
    Key::new("tenant", name).unwrap()
}

fn filled(directory: &Path, records: u64) -> Embedded {
    let store = Embedded::open(directory, StoreLimits::default()).unwrap();
    store.begin(&key("s"), 0, "<svg/>", b"zero".to_vec()).wait().unwrap();
    for sequence in 1..=records {
        store.append(&key("s"), sequence, vec![sequence as u8; 40]).wait().unwrap();
    }
    store
}

/// Puts other bytes where a payload was.
fn overwrite(directory: &Path, damage: impl Fn(&mut Tables<'_>)) {
    let database = Database::open(directory.join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    damage(&mut Tables::open(&transaction).unwrap());
    transaction.commit().unwrap();
}

#[test]
fn what_a_session_occupies_does_not_grow_with_its_history() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path(), 0);
    let mut sizes = Vec::new();
    for sequence in 1..=600u64 {
        store.append(&key("s"), sequence, vec![7; 100]).wait().unwrap();
        if sequence % 50 == 0 {
            store.snapshot(&key("s"), sequence, vec![1; 300]).wait().unwrap();
            sizes.push(store.list(None).unwrap()[0].bytes);
        }
    }
    assert!(sizes[2..].iter().all(|s| *s == sizes[2]), "{sizes:?}");
    let database = store.shared.database.read();
    let records = database.as_ref().unwrap().begin_read().unwrap().open_table(RECORDS).unwrap();
    assert_eq!(records.range::<(u64, u64)>(..).unwrap().count(), 50);
}

#[test]
fn a_damaged_record_is_reported_and_everything_before_it_kept() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 10).close().unwrap();
    overwrite(directory.path(), |tables| {
        tables.records.insert((0, 5), &b"other"[..]).unwrap();
    });
    let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
    let stored = store.load(&key("s")).unwrap().unwrap();
    assert_eq!(stored.records.len(), 4);
    assert_eq!(stored.damage, [Damage { what: "record", sequence: 5, lost: 6 }]);
    assert_eq!(stored.last, 10);
    // A snapshot of what is left closes the gap.
    store.snapshot(&key("s"), 10, b"rest".to_vec()).wait().unwrap();
    let stored = store.load(&key("s")).unwrap().unwrap();
    assert_eq!((stored.snapshot, stored.damage), ((10, b"rest".to_vec()), vec![]));
}

#[test]
fn a_damaged_snapshot_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path(), 4);
    store.snapshot(&key("s"), 4, b"four".to_vec()).wait().unwrap();
    store.append(&key("s"), 5, b"five".to_vec()).wait().unwrap();
    store.close().unwrap();
    overwrite(directory.path(), |tables| {
        tables.snapshots.insert((0, 4), &b"other"[..]).unwrap();
    });
    let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
    let stored = store.load(&key("s")).unwrap().unwrap();
    assert_eq!(stored.snapshot, (0, b"zero".to_vec()));
    assert_eq!(stored.records.len(), 5);
    assert_eq!(stored.damage, [Damage { what: "snapshot", sequence: 4, lost: 0 }]);
}

#[test]
fn a_damaged_text_is_an_error_that_names_the_session() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 1).close().unwrap();
    overwrite(directory.path(), |tables| {
        tables.texts.insert(0, &b"other"[..]).unwrap();
    });
    let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
    let error = store.load(&key("s")).unwrap_err();
    assert_eq!(error.to_string(), "the text of session \"tenant/s\" is damaged");
}

#[test]
fn a_damaged_entry_of_a_feed_is_lost_and_the_others_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path(), 5);
    let all = store.changes("tenant", After::Oldest, 9).unwrap();
    store.close().unwrap();
    let other = checksum::seal(checksum::Kind::Change, 0, 4, b"no entry");
    for bytes in [&other[..], b"other", b""] {
        overwrite(directory.path(), |tables| {
            tables.changes.insert(("tenant", 4), bytes).unwrap();
        });
        let store = Embedded::open(directory.path(), StoreLimits::default()).unwrap();
        let before = store.changes("tenant", After::Oldest, 9).unwrap();
        assert_eq!((before.entries.as_slice(), before.has_more), (&all.entries[..3], true));
        let lost = StoreError::ChangesLost { next: all.next };
        let asked_on = store.changes("tenant", After::Place(before.next), 9);
        assert_eq!(asked_on.unwrap_err(), lost);
        let after = store.changes("tenant", After::Place(all.entries[4].place), 9).unwrap();
        assert_eq!(after.entries, all.entries[5..]);
        assert_eq!(after.entries[0].kind, ChangeKind::Edited);
        store.close().unwrap();
    }
}

#[test]
fn only_one_owner_has_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let first = filled(directory.path(), 1);
    let second = Embedded::open(directory.path(), StoreLimits::default()).unwrap_err();
    assert_eq!(second.code(), "store-locked");
    first.close().unwrap();
    Embedded::open(directory.path(), StoreLimits::default()).unwrap();
}

#[test]
fn writes_that_come_together_share_a_commit() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path(), 0);
    let before = store.commits();
    let pending: Vec<_> = (1..=500).map(|s| store.append(&key("s"), s, vec![1; 10])).collect();
    for p in pending {
        p.wait().unwrap();
    }
    let commits = store.commits() - before;
    assert!(commits <= 250, "{commits} commits for 500 writes");
}

#[test]
fn a_queue_that_is_full_refuses_with_the_figures() {
    let directory = tempfile::tempdir().unwrap();
    let limits = StoreLimits { queued_bytes: 100, ..StoreLimits::default() };
    let store = Embedded::open(directory.path(), limits).unwrap();
    // Holds the writer up between taking a batch and committing it.
    let hold = store.shared.database.write();
    let first = store.begin(&key("s"), 0, &"x".repeat(200), Vec::new());
    let second = store.append(&key("s"), 1, vec![0; 50]);
    assert_eq!(second.outcome(), Some(Err(StoreError::Busy { limit: 100, seen: 250 })));
    drop(hold);
    first.wait().unwrap();
}

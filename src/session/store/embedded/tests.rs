use redb::ReadableDatabase as _;

use super::tables::{RECORDS, Tables};
use super::*;
use crate::store::{Damage, Memory};

fn key(name: &str) -> Key {
    Key::new("tenant", name).unwrap()
}

fn small() -> StoreLimits {
    StoreLimits {
        sessions: 3,
        sessions_per_tenant: 2,
        session_bytes: 4_000,
        bytes: 6_000,
        queued_bytes: 1_000_000,
    }
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
fn both_stores_keep_the_same_rules() {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Box<dyn Store>; 2] = [
        Box::new(Memory::new(small())),
        Box::new(Embedded::open(directory.path(), small()).unwrap()),
    ];
    for store in stores {
        let (a, b) = (key("a"), key("b"));
        assert_eq!(store.load(&a).unwrap(), None);
        let code = |pending: Pending| pending.wait().map_err(|e| e.code());
        assert_eq!(code(store.append(&a, 1, vec![])), Err("no-session"));
        assert_eq!(code(store.begin(&a, 0, "<svg/>", b"zero".to_vec())), Ok(()));
        assert_eq!(code(store.append(&a, 1, b"one".to_vec())), Ok(()));
        for wrong in [0, 1, 3] {
            assert_eq!(code(store.append(&a, wrong, vec![])), Err("session-conflict"));
        }
        assert_eq!(code(store.begin(&a, 1, "<g/>", vec![])), Err("session-conflict"));
        assert_eq!(code(store.append(&a, 2, vec![0; 5_000])), Err("store-full"));
        assert_eq!(code(store.begin(&b, 0, &"x".repeat(3_900), vec![])), Ok(()));
        assert_eq!(code(store.begin(&key("c"), 0, "", vec![])), Err("store-full"));
        let other = Key::new("other", "a").unwrap();
        assert_eq!(code(store.begin(&other, 0, &"x".repeat(3_900), vec![])), Err("store-full"));
        assert_eq!(code(store.append(&a, 2, b"two".to_vec())), Ok(()));
        let stored = store.load(&a).unwrap().unwrap();
        assert_eq!(stored.text, "<svg/>");
        assert_eq!(stored.snapshot, (0, b"zero".to_vec()));
        assert_eq!(stored.records, [(1, b"one".to_vec()), (2, b"two".to_vec())]);
        assert_eq!((stored.last, stored.damage.len()), (2, 0));

        assert_eq!(code(store.snapshot(&a, 2, b"state".to_vec())), Ok(()));
        let stored = store.load(&a).unwrap().unwrap();
        assert_eq!((stored.snapshot, stored.records.len()), ((2, b"state".to_vec()), 0));

        let names: Vec<_> =
            store.list(Some("tenant")).unwrap().into_iter().map(|l| l.key).collect();
        assert_eq!(names, [a.clone(), b.clone()]);
        assert_eq!(store.list(Some("nobody")).unwrap(), []);
        assert_eq!(code(store.delete(&b)), Ok(()));
        assert_eq!(store.load(&b).unwrap(), None);
        assert_eq!(code(store.begin(&a, 7, "<g/>", b"new".to_vec())), Ok(()));
        let stored = store.load(&a).unwrap().unwrap();
        assert_eq!((stored.text.as_str(), stored.last, stored.records.len()), ("<g/>", 7, 0));
        store.close().unwrap();
        assert_eq!(code(store.append(&a, 8, vec![])), Err("store-closed"));
        assert_eq!(store.load(&a).unwrap_err(), StoreError::Closed);
    }
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

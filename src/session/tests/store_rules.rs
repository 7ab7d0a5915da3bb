//! What every store does, whatever it keeps sessions in.

use svgx_session::{Key, Pending, StoreError, StoreLimits};

use crate::support::Stores;

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

#[test]
fn all_stores_keep_the_same_rules() {
    for store in Stores::new().open(small()) {
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

        // A write that was refused does not come in by a snapshot that was made behind it.
        for wrong in [1, 3] {
            let refused = code(store.snapshot(&a, wrong, b"state".to_vec()));
            assert_eq!(refused, Err("session-conflict"));
        }
        assert_eq!(store.load(&a).unwrap().unwrap().last, 2);
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

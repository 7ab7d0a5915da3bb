//! The store that replicas share: who has a session, and what is left after a fault of either side.
//! Skipped, and said, where no Redis is installed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_session::{
    Damage, Error, Key, Operation, Options, Remote, Sessions, Store as _, StoreError, StoreHealth,
    StoreLimits,
};

use crate::support::{RedisServer, has_each_once, options, remote};

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
  <rect id="desk" x="10" y="10" width="20" height="10"/>
</svg>"#;

fn key(name: &str) -> Key {
    Key::new("tenant", name).unwrap()
}

fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn store(server: &RedisServer, replica: &str) -> Arc<Remote> {
    Arc::new(remote(server, replica, StoreLimits::default()))
}

fn sessions(store: &Arc<Remote>) -> Sessions {
    let shared: Arc<dyn svgx_session::Store> = Arc::<Remote>::clone(store);
    let options = Options { snapshot_records: 7, ..Options::default() };
    Sessions::new(shared, Arc::new(Monotonic::new()), options)
}

fn load(sessions: &Sessions, key: &Key) {
    let operation = Operation::Load { content: DRAWING.to_owned() };
    sessions.apply(key, &operation, &budget()).unwrap().wait().unwrap();
}

/// Writes down a number; the sequence it got.
fn write(sessions: &Sessions, key: &Key, number: u64) -> Result<u64, Error> {
    let markup = format!("<rect id=\"n{number}\" x=\"1\" y=\"1\" width=\"1\" height=\"1\"/>");
    let value = json!({"operation": "add", "markup": markup});
    let operation: Operation = serde_json::from_value(value).unwrap();
    Ok(sessions.apply(key, &operation, &budget())?.wait()?.state.sequence)
}

/// The numbers that a session holds, and its sequence.
fn written(sessions: &Sessions, key: &Key) -> Result<(Vec<u64>, u64), Error> {
    sessions.read(key, &budget(), |session| {
        let d = session.document();
        let ids = d.elements().filter_map(|n| d.attr(n, "id")?.strip_prefix('n'));
        let mut numbers: Vec<u64> = ids.map(|n| n.parse().unwrap()).collect();
        numbers.sort_unstable();
        (numbers, session.sequence())
    })
}

fn is_elsewhere(error: &Error, owner: &str) -> bool {
    matches!(error, Error::Store(StoreError::Elsewhere { owner: who, .. }) if who == owner)
}

#[test]
fn a_session_is_one_replicas_until_that_one_leaves() {
    let Some(server) = RedisServer::start() else { return };
    let (a, b) = (store(&server, "a"), store(&server, "b"));
    let (at_a, at_b) = (sessions(&a), sessions(&b));
    load(&at_a, &key("s"));
    write(&at_a, &key("s"), 1).unwrap();
    let refused = write(&at_b, &key("s"), 2).unwrap_err();
    assert!(is_elsewhere(&refused, "a"), "{refused}");
    let refused = at_b.delete(&key("s")).unwrap_err();
    assert!(is_elsewhere(&refused, "a"), "{refused}");
    // Looking is for the owner too: it alone has what is newest.
    assert!(is_elsewhere(&written(&at_b, &key("s")).unwrap_err(), "a"));
    // Everybody may list and copy.
    assert_eq!(b.list(None).unwrap(), a.list(None).unwrap());
    assert_eq!(b.load(&key("s")).unwrap().unwrap().last, 2);

    a.leave();
    assert_eq!(write(&at_b, &key("s"), 2).unwrap(), 3);
    assert_eq!(b.takings(), 1);
    // What the one that left has in memory is of yesterday, and it knows.
    assert!(is_elsewhere(&written(&at_a, &key("s")).unwrap_err(), "b"));
    b.leave();
    assert_eq!(written(&at_a, &key("s")).unwrap(), (vec![1, 2], 3));
}

#[test]
fn who_lost_a_session_without_knowing_is_fenced_and_reads_it_anew() {
    let Some(server) = RedisServer::start() else { return };
    let (a, b) = (store(&server, "a"), store(&server, "b"));
    let (at_a, at_b) = (sessions(&a), sessions(&b));
    load(&at_a, &key("s"));
    // As if nobody listened at a's address any more.
    at_b.take_from(&key("s"), "a").unwrap();
    assert_eq!(write(&at_b, &key("s"), 1).unwrap(), 2);
    // It has the same sequence to give, and would write another record under it.
    let refused = write(&at_a, &key("s"), 2).unwrap_err();
    assert!(
        matches!(refused, Error::Store(StoreError::Fenced)) || is_elsewhere(&refused, "b"),
        "{refused}"
    );
    assert!(is_elsewhere(&write(&at_a, &key("s"), 2).unwrap_err(), "b"));
    assert_eq!(written(&at_b, &key("s")).unwrap(), (vec![1], 2));
    at_a.take_from(&key("s"), "b").unwrap();
    assert_eq!(written(&at_a, &key("s")).unwrap(), (vec![1], 2));
}

#[test]
fn an_epoch_never_comes_again_even_for_a_session_that_was_deleted() {
    let Some(server) = RedisServer::start() else { return };
    let (a, b) = (store(&server, "a"), store(&server, "b"));
    let first = a.hold(&key("s")).unwrap();
    a.begin(&key("s"), 1, "<svg/>", Vec::new()).wait().unwrap();
    b.take_from(&key("s"), "a").unwrap();
    b.delete(&key("s")).wait().unwrap();
    b.begin(&key("s"), 1, "<svg/>", Vec::new()).wait().unwrap();
    let fenced = a.append(&key("s"), 2, Vec::new()).wait().unwrap_err();
    assert_eq!(fenced, StoreError::Fenced);
    assert!(b.hold(&key("s")).unwrap() > first);
    b.append(&key("s"), 2, Vec::new()).wait().unwrap();
}

#[test]
fn what_is_unsafe_is_refused_with_the_setting_to_change() {
    for (name, value, said) in [
        ("appendonly", "no", "set `appendonly yes`"),
        ("appendfsync", "everysec", "set `appendfsync always`"),
        ("maxmemory-policy", "allkeys-lru", "set `maxmemory-policy noeviction`"),
    ] {
        let Some(server) = RedisServer::start_with(&[(name, value)]) else { return };
        let opened =
            Remote::open(options(&server.url(), "a"), StoreLimits::default(), Box::new(|_| ()));
        let error = opened.unwrap_err();
        assert_eq!(error.code(), "store-weak");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_server_that_forbids_config_is_taken_only_on_trust() {
    let Some(server) = RedisServer::start() else { return };
    server.ask(&["ACL", "SETUSER", "default", "-config"]).unwrap();
    let open = |trust| {
        let options = svgx_session::RemoteOptions { trust, ..options(&server.url(), "a") };
        Remote::open(options, StoreLimits::default(), Box::new(|_| ()))
    };
    let error = open(false).unwrap_err().to_string();
    assert!(error.contains("--store-trust"), "{error}");
    open(true).unwrap();
}

#[test]
fn a_record_that_was_changed_behind_the_store_is_reported() {
    let Some(server) = RedisServer::start() else { return };
    let a = store(&server, "a");
    a.begin(&key("s"), 0, "<svg/>", b"zero".to_vec()).wait().unwrap();
    for sequence in 1..=5 {
        a.append(&key("s"), sequence, vec![sequence as u8; 40]).wait().unwrap();
    }
    server.ask(&["XDEL", "svgx:{tenant/s}:log", "1-3"]).unwrap();
    let stored = a.load(&key("s")).unwrap().unwrap();
    assert_eq!((stored.records.len(), stored.last), (2, 5));
    assert_eq!(stored.damage, [Damage { what: "record", sequence: 3, lost: 3 }]);
    server.ask(&["HSET", "svgx:{tenant/s}:snaps", "0", "other"]).unwrap();
    let error = a.load(&key("s")).unwrap_err();
    assert_eq!(error.to_string(), "the snapshots of session \"tenant/s\" is damaged");
}

#[test]
fn the_base_text_is_kept_once_and_packed_and_nothing_is_left_of_what_was_deleted() {
    let Some(server) = RedisServer::start() else { return };
    let a = store(&server, "a");
    let text = format!("<svg>{}</svg>", "<rect x=\"1\"/>".repeat(2_000));
    a.begin(&key("s"), 0, &text, Vec::new()).wait().unwrap();
    for sequence in 1..=300 {
        let appended = a.append(&key("s"), sequence, vec![7; 100]);
        if sequence % 50 == 0 {
            a.snapshot(&key("s"), sequence, vec![1; 300]).wait().unwrap();
        }
        appended.wait().unwrap();
    }
    let number = |command: &[&str]| server.ask(command).unwrap().parse::<usize>().unwrap();
    let kept = number(&["STRLEN", "svgx:{tenant/s}:text"]);
    assert!(kept * 8 < text.len(), "{kept} of {}", text.len());
    assert_eq!(number(&["XLEN", "svgx:{tenant/s}:log"]), 50);
    assert_eq!(number(&["HLEN", "svgx:{tenant/s}:snaps"]), 2);
    assert_eq!(a.load(&key("s")).unwrap().unwrap().text, text);
    a.delete(&key("s")).wait().unwrap();
    assert_eq!(number(&["HGET", "svgx:totals", "bytes"]), 0);
    assert_eq!(number(&["HGET", "svgx:totals", "sessions"]), 0);
    // The replica itself, the totals, and the feed.
    assert_eq!(number(&["DBSIZE"]), 3);
    assert_eq!(number(&["XLEN", "svgx:feed:tenant"]), 302);
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed_again_and_again() {
    const KILLS: u32 = 6;
    const WRITERS: u64 = 4;
    let Some(mut server) = RedisServer::start() else { return };
    let a = store(&server, "a");
    let all = sessions(&a);
    for writer in 0..WRITERS {
        load(&all, &key(&writer.to_string()));
    }
    let stop = AtomicBool::new(false);
    let acknowledged: BTreeMap<u64, Vec<(u64, u64)>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (all, stop) = (&all, &stop);
                scope.spawn(move || {
                    let key = key(&writer.to_string());
                    let mut done = Vec::new();
                    for number in 0_u64.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        match write(all, &key, number) {
                            Ok(sequence) => done.push((number, sequence)),
                            Err(Error::Store(StoreError::Unavailable { .. })) => {
                                std::thread::sleep(Duration::from_millis(5));
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                    (writer, done)
                })
            })
            .collect();
        for kill in 0..KILLS {
            // In the middle of writing.
            std::thread::sleep(Duration::from_millis(60 + 17 * u64::from(kill)));
            server.kill();
            if kill % 2 == 1 {
                // Longer than a write is sent again for.
                std::thread::sleep(Duration::from_millis(1_300));
            }
            assert!(server.restart());
            while a.health() != StoreHealth::Working || a.flush().is_err() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    a.leave();
    let b = sessions(&store(&server, "b"));
    let mut total = 0;
    for (writer, done) in &acknowledged {
        let (found, sequence) = written(&b, &key(&writer.to_string())).unwrap();
        for (number, _) in done {
            assert!(found.contains(number), "{number} of {writer} was acknowledged and is lost");
        }
        // Each number that is there was one operation, and nothing else was.
        assert_eq!(sequence, 1 + found.len() as u64, "an edit of {writer} was made twice");
        assert!(done.windows(2).all(|pair| pair[0].1 < pair[1].1), "out of order");
        // What was sent again is in the feed once.
        has_each_once(&**b.store(), "tenant", &writer.to_string(), sequence);
        total += done.len();
    }
    println!("{KILLS} kills of the server, {total} edits acknowledged");
    assert!(total > 0);
}

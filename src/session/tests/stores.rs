//! Sessions: what was acknowledged is there, whatever happens to the process or the file.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Clock, Manual, Monotonic, Tier};
use svgx_session::{
    Damage, Embedded, Error, Key, Memory, Operation, Options, Outcome, Session, Sessions, Store,
    StoreError, StoreLimits,
};

use crate::support::{RedisServer, Stores, has_each_once, remote_at};

/// Where the sessions of a child are, and which replica it is.
const PLACE: &str = "SVGX_TEST_SESSION_PLACE";
const REPLICA: &str = "SVGX_TEST_SESSION_REPLICA";
const SESSIONS: u64 = 6;
const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000">
  <rect id="desk" x="10" y="10" width="20" height="10"/>
  <g id="group" transform="rotate(30)"><circle id="lamp" cx="100" cy="100" r="5"/></g>
</svg>"#;

fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn key(name: impl ToString) -> Key {
    Key::new("tenant", &name.to_string()).unwrap()
}

fn operation(value: Value) -> Operation {
    serde_json::from_value(value).unwrap()
}

fn options() -> Options {
    // Small, so that snapshots and evictions happen in the middle of everything.
    Options { snapshot_records: 7, live: 4, ..Options::default() }
}

fn sessions(store: impl Store + 'static) -> Sessions {
    shared(Arc::new(store))
}

fn shared(store: Arc<dyn Store>) -> Sessions {
    Sessions::new(store, Arc::new(Monotonic::new()), options())
}

/// The same on a store of each kind.
fn each(stores: &Stores) -> Vec<Sessions> {
    stores.open(StoreLimits::default()).into_iter().map(shared).collect()
}

fn embedded(directory: &Path) -> Sessions {
    sessions(Embedded::open(directory, StoreLimits::default()).unwrap())
}

/// Sessions in a folder, or on a server as one of its replicas.
fn at(place: &str, replica: &str) -> Sessions {
    if place.starts_with("redis:") {
        sessions(remote_at(place, replica, StoreLimits::default()))
    } else {
        embedded(Path::new(place))
    }
}

/// A place of each kind; the server ends with its value.
fn places(directory: &Path) -> Vec<(String, Option<RedisServer>)> {
    let mut places = vec![(directory.display().to_string(), None)];
    places.extend(RedisServer::start().map(|server| (server.url(), Some(server))));
    places
}

fn done(sessions: &Sessions, key: &Key, value: Value) -> Outcome {
    sessions.apply(key, &operation(value), &budget()).unwrap().wait().unwrap()
}

fn load(sessions: &Sessions, key: &Key) {
    done(sessions, key, json!({"operation": "load", "content": DRAWING}));
}

/// The document and the state of a session, in a form that can be compared.
fn contents(session: &Session) -> (u64, Vec<Vec<String>>, Value) {
    let d = session.document();
    let elements = d.elements().map(|n| {
        let attributes = d.attributes(n).iter().map(|a| format!("{}={}", a.name, a.value));
        let mut attributes: Vec<_> = attributes.collect();
        attributes.sort();
        attributes
    });
    let mut state = serde_json::to_value(session.state()).unwrap();
    state["hovered_element"] = Value::Null;
    (session.sequence(), elements.collect(), state)
}

fn look(sessions: &Sessions, key: &Key) -> (u64, Vec<Vec<String>>, Value) {
    sessions.read(key, &budget(), contents).unwrap()
}

/// What is done to a session at a sequence; each makes exactly one record.
fn script(sequence: u64) -> Value {
    let at = json!({"x": (sequence * 37 % 500) as f64, "y": (sequence * 91 % 500) as f64});
    match if sequence < 8 { 7 } else { sequence % 8 } {
        0 => json!({"operation": "drag_start", "element_id": "lamp", "coordinates": at}),
        1 | 2 => json!({"operation": "drag_move", "coordinates": at}),
        3 => json!({"operation": "drag_end", "coordinates": at}),
        4 => json!({"operation": "undo"}),
        5 => json!({"operation": "redo"}),
        6 => {
            json!({"operation": "select", "element_id": if sequence % 16 == 6 { "desk" } else { "lamp" }})
        }
        _ => {
            json!({"operation": "set_attribute", "element_id": "desk", "name": "data-n", "value": sequence.to_string()})
        }
    }
}

/// The child of [`every_acknowledged_edit_survives_kill_minus_nine`]: edits as fast as it can and
/// prints what was acknowledged.
#[test]
fn of_many_who_begin_a_session_at_once_one_does() {
    for sessions in each(&Stores::new()) {
        of_many_one_begins(&sessions);
    }
}

fn of_many_one_begins(sessions: &Sessions) {
    for round in 0..50 {
        let (key, start) = (key(round), std::sync::Barrier::new(4));
        let begun: usize = std::thread::scope(|scope| {
            let all: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let done = sessions.create(&key, DRAWING, &budget()).unwrap();
                        usize::from(done.is_some_and(|done| done.wait().is_ok()))
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(begun, 1, "round {round}");
        assert_eq!(sessions.state(&key, &budget()).unwrap().sequence, 1);
    }
}

#[test]
#[ignore = "run as a child process by the recovery test"]
fn child_that_edits_until_it_is_killed() {
    let place = std::env::var(PLACE).expect("the recovery test sets it");
    let replica = std::env::var(REPLICA).expect("the recovery test sets it");
    let sessions = Arc::new(at(&place, &replica));
    let threads: Vec<_> = (0..SESSIONS)
        .map(|name| {
            let sessions = Arc::clone(&sessions);
            std::thread::spawn(move || {
                let key = key(name);
                if sessions.state(&key, &budget()).unwrap().sequence == 0 {
                    load(&sessions, &key);
                }
                for _ in 0..u32::MAX {
                    let next = sessions.state(&key, &budget()).unwrap().sequence + 1;
                    let outcome = done(&sessions, &key, script(next));
                    assert_eq!(outcome.state.sequence, next, "{}", script(next));
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {name} {next}").unwrap();
                    out.flush().unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn every_acknowledged_edit_survives_kill_minus_nine() {
    let directory = tempfile::tempdir().unwrap();
    for (place, _server) in places(directory.path()) {
        acknowledged_edits_survive(&place);
    }
}

fn acknowledged_edits_survive(place: &str) {
    const KILLS: u64 = 24;
    let is_folder = !place.starts_with("redis:");
    // xorshift64*; the moments differ from run to run only by the scheduler.
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
    let mut cut_short = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["stores::child_that_edits_until_it_is_killed", "--exact", "--ignored"])
            .arg("--nocapture")
            .env(PLACE, place)
            .env(REPLICA, format!("child-{kill}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let note = |line: &str, acknowledged: &mut BTreeMap<u64, u64>| {
            // The harness writes to the same line before the first one.
            let rest = line.split("acknowledged ").nth(1)?;
            let (name, sequence) = rest.split_once(' ')?;
            let (name, sequence): (u64, u64) = (name.parse().ok()?, sequence.parse().ok()?);
            let last: &mut u64 = acknowledged.entry(name).or_default();
            *last = sequence.max(*last);
            Some(())
        };
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        let wanted = random.wrapping_mul(0x2545_F491_4F6C_DD1D) % 60;
        let mut seen = 0;
        for line in lines.by_ref() {
            if note(&line.unwrap(), &mut acknowledged).is_some() {
                seen += 1;
                if seen > wanted {
                    break;
                }
            }
        }
        assert!(seen > wanted, "the child ended by itself");
        if kill == 0 && is_folder {
            let second = Embedded::open(Path::new(place), StoreLimits::default());
            assert!(matches!(second, Err(StoreError::Locked { .. })), "{second:?}");
        }
        // Somewhere inside the next operations.
        std::thread::sleep(Duration::from_micros(random % 3_000));
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line, &mut acknowledged);
        }
        child.wait().unwrap();

        let recovered = at(place, &format!("parent-{kill}"));
        for (name, sequence) in &acknowledged {
            let key = key(name);
            recovered.take_from(&key, &format!("child-{kill}")).unwrap();
            assert_eq!(recovered.damage(&key, &budget()).unwrap(), []);
            let found = look(&recovered, &key);
            assert!(found.0 >= *sequence, "kill {kill}: {} of {sequence} in {name}", found.0);
            cut_short += found.0 - sequence;
            // The same operations on a session that was never interrupted.
            let expected = sessions(Memory::default());
            load(&expected, &key);
            while look(&expected, &key).0 < found.0 {
                let next = look(&expected, &key).0 + 1;
                done(&expected, &key, script(next));
            }
            assert_eq!(found, look(&expected, &key), "kill {kill}, session {name}");
            // An entry for each record that is there, acknowledged or not, and none without one.
            has_each_once(&**recovered.store(), "tenant", key.name(), found.0);
        }
        recovered.close().unwrap();
    }
    let total: u64 = acknowledged.values().sum();
    println!(
        "{place}: {KILLS} kills, {total} edits acknowledged, {cut_short} durable but not yet said so"
    );
    assert_eq!(acknowledged.len() as u64, SESSIONS);
}

#[test]
fn edits_of_many_threads_on_one_session_are_all_there() {
    let directory = tempfile::tempdir().unwrap();
    for (place, _server) in places(directory.path()) {
        edits_of_many_threads(&place);
    }
}

fn edits_of_many_threads(place: &str) {
    let all = at(place, "first");
    let key = key("shared");
    load(&all, &key);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (all, key) = (&all, &key);
            scope.spawn(move || {
                for n in 0..25 {
                    let name = format!("data-{thread}-{n}");
                    let value = json!({"operation": "set_attribute", "element_id": "desk", "name": name, "value": "1"});
                    assert_eq!(done(all, key, value).result.attributes_changed.len(), 1);
                    // Others come and go, so that the shared one is evicted now and then.
                    let _ = all.state(&Key::new("other", &format!("{thread}-{n}")).unwrap(), &budget());
                }
            });
        }
    });
    let before = look(&all, &key);
    assert_eq!(before.0, 1 + 8 * 25);
    all.close().unwrap();
    let again = at(place, "second");
    assert_eq!(look(&again, &key), before);
    let desk = again
        .read(&key, &budget(), |s| {
            let d = s.document();
            d.attributes(d.by_id("desk").unwrap()).len()
        })
        .unwrap();
    assert_eq!(desk, 5 + 8 * 25);
}

#[test]
fn sessions_of_two_tenants_with_one_name_do_not_meet() {
    for all in each(&Stores::new()) {
        let (a, b) = (Key::new("a", "default").unwrap(), Key::new("b", "default").unwrap());
        load(&all, &a);
        let error = all
            .apply(&b, &operation(json!({"operation": "select", "element_id": "desk"})), &budget())
            .unwrap_err();
        assert_eq!(error.code(), "unknown-element");
        for (tenant, name) in [("", "x"), ("x", ""), ("a\0b", "x"), (&*"x".repeat(129), "x")] {
            assert_eq!(Key::new(tenant, name).unwrap_err(), StoreError::BadKey);
        }
    }
}

#[test]
fn memory_is_bounded_and_what_left_it_comes_back_from_the_store() {
    for all in each(&Stores::new()) {
        for n in 0..50 {
            load(&all, &key(n));
            let value = json!({"operation": "set_attribute", "element_id": "desk", "name": "x", "value": n.to_string()});
            done(&all, &key(n), value);
            assert!(all.live() <= 5, "{}", all.live());
        }
        for n in 0..50 {
            let x = all.read(&key(n), &budget(), |s| {
                let d = s.document();
                d.attr(d.by_id("desk").unwrap(), "x").map(str::to_owned)
            });
            assert_eq!(x.unwrap(), Some(n.to_string()));
        }
    }
}

#[test]
fn a_session_that_nobody_touches_is_deleted_after_its_time() {
    let clock = Arc::new(Manual::default());
    let hour = Duration::from_secs(3600);
    let options = Options { idle: Some(hour), live: 2, ..Options::default() };
    let handed: Arc<dyn Clock> = Arc::<Manual>::clone(&clock);
    let all = Sessions::new(Arc::new(Memory::default()), handed, options);
    load(&all, &key("old"));
    clock.advance(hour / 2);
    // Pushes the first ones out of memory; what they were used last is not forgotten.
    for n in 0..6 {
        load(&all, &key(n));
    }
    assert_eq!(all.sweep().unwrap(), 0);
    clock.advance(hour / 2);
    assert_eq!(all.sweep().unwrap(), 1);
    assert_eq!(all.state(&key("old"), &budget()).unwrap().sequence, 0);
    assert_eq!(all.store().list(None).unwrap().len(), 6);
}

#[test]
fn a_load_that_fails_leaves_the_session_as_it_was() {
    for all in each(&Stores::new()) {
        load(&all, &key("s"));
        done(&all, &key("s"), script(7));
        let before = look(&all, &key("s"));
        let bad = operation(json!({"operation": "load", "content": "<svg"}));
        assert_eq!(all.apply(&key("s"), &bad, &budget()).unwrap_err().code(), "bad-document");
        assert_eq!(look(&all, &key("s")), before);
    }
}

#[test]
fn a_write_that_the_store_refuses_never_happened() {
    let limits = StoreLimits { session_bytes: 2_000, ..StoreLimits::default() };
    for all in Stores::new().open(limits).into_iter().map(shared) {
        never_happened(&all);
    }
}

fn never_happened(all: &Sessions) {
    load(all, &key("s"));
    let value = "x".repeat(3_000);
    let op = operation(
        json!({"operation": "set_attribute", "element_id": "desk", "name": "data-x", "value": value}),
    );
    let before = look(all, &key("s"));
    // A server says it after the edit was made in memory; it is gone with the answer.
    let refused = all.apply(&key("s"), &op, &budget()).and_then(|done| done.wait()).unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::Full { limit: 2_000, .. })), "{refused}");
    assert_eq!(look(all, &key("s")), before);
    done(all, &key("s"), script(7));
}

#[test]
fn cancelled_work_changes_nothing() {
    for all in each(&Stores::new()) {
        load(&all, &key("s"));
        let cancelled = budget();
        cancelled.cancel().cancel();
        let error = all.apply(&key("s"), &operation(script(7)), &cancelled).unwrap_err();
        assert_eq!(error.code(), "cancelled");
        assert_eq!(look(&all, &key("s")).0, 1);
    }
}

/// Truncates and flips bits all over the file: whatever opens is what was there at some moment,
/// and says so if it is not the last one; the rest is a typed error. Nothing panics.
#[test]
fn a_damaged_file_never_passes_for_a_whole_one() {
    let directory = tempfile::tempdir().unwrap();
    let all = embedded(directory.path());
    let mut history = Vec::new();
    load(&all, &key("s"));
    history.push(look(&all, &key("s")));
    for sequence in 2..40 {
        done(&all, &key("s"), script(sequence));
        history.push(look(&all, &key("s")));
    }
    all.close().unwrap();
    let file = directory.path().join("sessions.redb");
    let whole = std::fs::read(&file).unwrap();
    let used = whole.iter().rposition(|b| *b != 0).unwrap() + 1;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut check = |bytes: &[u8], how: String| {
        let damaged = tempfile::tempdir().unwrap();
        std::fs::write(damaged.path().join("sessions.redb"), bytes).unwrap();
        let opened =
            std::panic::catch_unwind(|| Embedded::open(damaged.path(), StoreLimits::default()));
        let result = match opened.unwrap_or_else(|_| panic!("{how}: opening panicked")) {
            Err(error) => error.code().to_owned(),
            Ok(store) => {
                let all = sessions(store);
                match all.read(&key("s"), &budget(), contents) {
                    Err(error) => error.code().to_owned(),
                    Ok(found) => {
                        let damage: Vec<Damage> = all.damage(&key("s"), &budget()).unwrap();
                        // Recovery goes on after the sequences that were lost.
                        let at = history.iter().position(|h| h.1 == found.1);
                        if found == history[history.len() - 1] {
                            "whole".to_owned()
                        } else if found.0 == 0 {
                            // To redb an empty file is a new one.
                            assert!(bytes.is_empty(), "{how}: a session lost in silence");
                            "forgotten".to_owned()
                        } else {
                            assert!(!damage.is_empty(), "{how}: lost edits in silence");
                            assert!(at.is_some(), "{how}: a document that never was");
                            "partial".to_owned()
                        }
                    }
                }
            }
        };
        *seen.entry(result).or_default() += 1;
    };
    for cut in (0..12).map(|n| used * n / 12) {
        check(&whole[..cut], format!("cut at {cut}"));
    }
    for n in 0..60 {
        let mut bytes = whole.clone();
        let at = (n * 7_919 + 13) * 64 % used;
        bytes[at] ^= 0x41;
        check(&bytes, format!("bit flip at {at}"));
    }
    println!("{seen:?}");
    assert!(seen.len() > 1, "{seen:?}");
}

//! A session that one replica gives to another, with edits under way on both.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_session::{
    Error, Given, Key, Operation, Options, Remote, Sessions, Store as _, StoreError, StoreLimits,
};

use crate::support::{RedisServer, remote};

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"/>"#;
/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3_600);

fn key() -> Key {
    Key::new("tenant", "plan").unwrap()
}

fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn replica(server: &RedisServer, name: &str) -> (Arc<Remote>, Sessions) {
    let store = Arc::new(remote(server, name, StoreLimits::default()));
    let shared: Arc<dyn svgx_session::Store> = Arc::<Remote>::clone(&store);
    let options = Options { snapshot_records: 7, ..Options::default() };
    (store, Sessions::new(shared, Arc::new(Monotonic::new()), options))
}

fn load(sessions: &Sessions) {
    let operation = Operation::Load { content: DRAWING.to_owned() };
    sessions.apply(&key(), &operation, &budget()).unwrap().wait().unwrap();
}

fn write(sessions: &Sessions, name: &str) -> Result<u64, Error> {
    let markup = format!("<rect id=\"{name}\" width=\"1\" height=\"1\"/>");
    let operation = json!({"operation": "add", "markup": markup});
    let operation: Operation = serde_json::from_value(operation).unwrap();
    Ok(sessions.apply(&key(), &operation, &budget())?.wait()?.state.sequence)
}

fn written(sessions: &Sessions) -> Result<(Vec<String>, u64), Error> {
    sessions.read(&key(), &budget(), |session| {
        let d = session.document();
        let ids = d.elements().filter_map(|n| d.attr(n, "id").map(str::to_owned));
        (ids.collect(), session.sequence())
    })
}

#[test]
fn a_session_is_given_once_to_who_lives_and_rests_there() {
    let Some(server) = RedisServer::start() else { return };
    let ((a, at_a), (b, at_b)) = (replica(&server, "a"), replica(&server, "b"));
    assert_eq!(at_a.give(&key(), "b", HOUR).unwrap(), Given::NotHeld);
    load(&at_a);
    write(&at_a, "one").unwrap();
    assert_eq!(at_a.give(&key(), "nobody", HOUR).unwrap(), Given::Gone);
    write(&at_a, "two").unwrap();
    assert_eq!(at_b.give(&key(), "a", HOUR).unwrap(), Given::NotHeld);
    assert_eq!(at_a.give(&key(), "b", HOUR).unwrap(), Given::Done);
    // What is here of it is let go at once, and whose it is is known.
    let refused = write(&at_a, "three").unwrap_err();
    assert!(
        matches!(&refused, Error::Store(StoreError::Elsewhere { owner, .. }) if owner == "b"),
        "{refused}"
    );
    assert_eq!(write(&at_b, "three").unwrap(), 4);
    assert_eq!(at_b.give(&key(), "a", HOUR).unwrap(), Given::TooSoon);
    assert_eq!(write(&at_b, "four").unwrap(), 5);
    // Nobody had to take anything, so nothing looks like leases that end.
    assert_eq!((a.takings(), b.takings()), (0, 0));
    // A replica that ends lets go of it all the same.
    assert_eq!(b.leave(), 1);
    assert_eq!(write(&at_a, "five").unwrap(), 6);
    assert_eq!(written(&at_a).unwrap().0, ["one", "two", "three", "four", "five"]);
}

#[test]
fn a_session_rests_twice_as_long_after_each_time() {
    let Some(server) = RedisServer::start() else { return };
    let ((_, at_a), (_, at_b)) = (replica(&server, "a"), replica(&server, "b"));
    load(&at_a);
    let lease = "svgx:{tenant/plan}:lease";
    let ago = |milliseconds: u64| {
        let now: u64 = server.ask(&["HGET", lease, "given"]).unwrap().parse().unwrap();
        server.ask(&["HSET", lease, "given", &(now - milliseconds).to_string()]).unwrap();
    };
    assert_eq!(at_a.give(&key(), "b", HOUR / 4).unwrap(), Given::Done);
    write(&at_b, "one").unwrap();
    ago(1_000_000);
    assert_eq!(at_b.give(&key(), "a", HOUR / 4).unwrap(), Given::Done, "longer ago than 900 s");
    write(&at_a, "two").unwrap();
    ago(1_000_000);
    assert_eq!(at_a.give(&key(), "b", HOUR / 4).unwrap(), Given::TooSoon, "than 1 800 s");
    ago(1_000_000);
    assert_eq!(at_a.give(&key(), "b", HOUR / 4).unwrap(), Given::Done);
}

#[test]
fn nothing_is_lost_or_doubled_while_a_session_goes_to_and_fro() {
    const WRITERS: usize = 4;
    const MOVES: usize = 30;
    let Some(server) = RedisServer::start() else { return };
    let ((_, at_a), (_, at_b)) = (replica(&server, "a"), replica(&server, "b"));
    load(&at_a);
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (told, moved) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (at_a, at_b, stop, done) = (&at_a, &at_b, &stop, &done);
                scope.spawn(move || {
                    let mut told = Vec::new();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let name = format!("w{writer}-{number}");
                        // As a request that is passed on: to whoever has it.
                        for at in [at_a, at_b].into_iter().cycle().skip(writer) {
                            match write(at, &name) {
                                Ok(sequence) => {
                                    told.push((name, sequence));
                                    done.fetch_add(1, Ordering::Relaxed);
                                    break;
                                }
                                Err(Error::Store(
                                    StoreError::Elsewhere { .. } | StoreError::Fenced,
                                )) => {}
                                Err(error) => panic!("{error}"),
                            }
                        }
                    }
                    told
                })
            })
            .collect();
        let mut moved = 0;
        while moved < MOVES {
            let before = done.load(Ordering::Relaxed);
            while done.load(Ordering::Relaxed) < before + 3 {
                std::thread::yield_now();
            }
            for (from, to) in [(&at_a, "b"), (&at_b, "a")] {
                if from.give(&key(), to, Duration::ZERO).unwrap() == Given::Done {
                    moved += 1;
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        let told: Vec<_> = writers.into_iter().flat_map(|w| w.join().unwrap()).collect();
        (told, moved)
    });
    let (found, sequence) = written(&at_a).or_else(|_| written(&at_b)).unwrap();
    let names: BTreeSet<&String> = found.iter().collect();
    assert_eq!(names.len(), found.len(), "an edit was made twice");
    assert_eq!(found.len(), told.len(), "an edit was lost, or one that was refused was made");
    assert!(told.iter().all(|(name, _)| names.contains(name)));
    // The drawing is the first.
    assert_eq!(sequence, 1 + told.len() as u64);
    let sequences: BTreeSet<u64> = told.iter().map(|(_, sequence)| *sequence).collect();
    assert_eq!(sequences.len(), told.len(), "two had one place in the order");
    println!("{moved} times given, {} edits", told.len());
}

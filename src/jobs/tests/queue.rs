use std::collections::BTreeMap;
use std::time::Duration;

use svgx_jobs::{
    Claimed, Ended, Item, Limits, Listed, Outcome, Queue, QueueError, Room, Seen, Stage, Standing,
    Worker, WorkerKind,
};

use crate::redis_server::RedisServer;

const ROOM: Room = Room { cost: Duration::from_secs(1), jobs: 1, is_idle: true };

fn queue(server: &RedisServer) -> Queue {
    Queue::new(&server.url(), Limits::default()).unwrap()
}

/// A worker with a lease that no test waits for.
fn worker(name: &str) -> Worker {
    let (kind, version) = (WorkerKind::Dedicated, "test".to_owned());
    Worker { name: name.to_owned(), kind, lease: Duration::from_secs(60), version }
}

/// One that counts as lost as soon as it says nothing for a moment.
fn brief(name: &str) -> Worker {
    Worker { lease: Duration::from_millis(120), ..worker(name) }
}

fn item(id: &str, cost: u64) -> Item {
    Item {
        id: id.to_owned(),
        payload: "p".to_owned(),
        cost: Duration::from_millis(cost),
        document: 0,
        operation: "render".to_owned(),
        batch: String::new(),
        specification: format!("do {id}"),
    }
}

fn put(queue: &Queue, tenant: &str, id: &str) {
    assert_eq!(queue.put(tenant, &[b"<svg/>".to_vec()], &[item(id, 10)]), Ok(1));
}

fn claim(queue: &Queue, worker: &Worker) -> Option<Claimed> {
    queue.claim(worker, ROOM).unwrap().0.pop()
}

fn claim_in_time(queue: &Queue, worker: &Worker) -> Claimed {
    for _ in 0..2_000 {
        if let Some(claimed) = claim(queue, worker) {
            return claimed;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("nothing to claim");
}

fn answer(text: &str) -> Outcome {
    Outcome {
        is_done: true,
        head: "{}".to_owned(),
        body: text.as_bytes().to_vec(),
        fingerprint: text.to_owned(),
    }
}

#[test]
fn a_job_goes_from_its_tenant_to_a_worker_and_its_answer_back() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    put(&queue, "ana", "q1");
    assert_eq!(queue.view(Some("ana"), "q1").unwrap().stage, Stage::Queued);
    let claimed = claim(&queue, &a).unwrap();
    assert_eq!(claimed.document.as_deref(), Some(&b"<svg/>"[..]));
    assert_eq!((claimed.tenant.as_str(), claimed.specification.as_str()), ("ana", "do q1"));
    assert_eq!(claim(&queue, &a), None);
    let seen = Seen { id: "q1", attempt: claimed.attempt, progress: 0.5, at: "work" };
    assert_eq!(queue.beat(&a, &[seen]), Ok(vec![Standing::Owned]));
    let running = queue.view(Some("ana"), "q1").unwrap();
    assert_eq!(
        (running.stage, running.progress, running.at.as_str()),
        (Stage::Running, 0.5, "work")
    );
    let finish = |text: &str| queue.finish(&a, "q1", claimed.attempt, &answer(text)).unwrap();
    assert_eq!(finish("one"), Ended::Committed);
    // Sent again, because the first answer was lost.
    assert_eq!(finish("one"), Ended::Same);
    assert_eq!(finish("other"), Ended::Divergent);
    let known = queue.result("ana", "q1").unwrap();
    assert_eq!((known.stage, &known.body[..]), (Stage::Done, &b"one"[..]));
    // Nobody else's.
    assert_eq!(queue.result("ben", "q1"), Err(QueueError::Missing));
    assert_eq!(queue.view(Some("ben"), "q1"), Err(QueueError::Missing));
    assert_eq!(queue.cancel("ben", "q1"), Err(QueueError::Missing));
    assert_eq!(queue.list(Listed::Of("ana"), 9).unwrap().len(), 1);
    assert_eq!(queue.cancel("ana", "q1"), Ok(()));
    let stats = queue.stats().unwrap();
    assert_eq!((stats.jobs, stats.bytes, stats.answers, stats.waiting), (0, 0, 0, 0), "{stats:?}");
    assert_eq!(stats.cost, Duration::ZERO);
}

#[test]
fn the_same_job_is_put_in_once_and_another_one_of_its_name_is_refused() {
    let Some(server) = RedisServer::start() else { return };
    let queue = queue(&server);
    put(&queue, "ana", "q1");
    let documents = [b"<svg/>".to_vec()];
    assert_eq!(queue.put("ana", &documents, &[item("q1", 10)]), Ok(0));
    let other = Item { payload: "other".to_owned(), ..item("q1", 10) };
    assert_eq!(queue.put("ana", &documents, &[other]), Err(QueueError::Other("q1".to_owned())));
    assert_eq!(queue.stats().unwrap().waiting, 1);
}

#[test]
fn a_document_is_stored_once_and_goes_with_the_last_job_about_it() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    let items: Vec<Item> = (0..120).map(|n| item(&format!("q{n}"), 1)).collect();
    let document: Vec<u8> = (0..50_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    assert_eq!(queue.put("ana", std::slice::from_ref(&document), &items), Ok(120));
    let stats = queue.stats().unwrap();
    assert!(stats.bytes < 2 * document.len() as u64 && stats.waiting == 120, "{stats:?}");
    for _ in 0..120 {
        let claimed = claim(&queue, &a).unwrap();
        assert_eq!(claimed.document.as_ref(), Some(&document));
        let ended = queue.finish(&a, &claimed.id, claimed.attempt, &answer("x"));
        assert_eq!(ended, Ok(Ended::Committed));
    }
    let stats = queue.stats().unwrap();
    assert_eq!((stats.bytes, stats.answers, stats.cost), (0, 120, Duration::ZERO));
}

#[test]
fn what_a_lost_worker_had_is_done_by_another_one_and_a_late_answer_does_not_count() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, lost, other) = (queue(&server), brief("lost"), brief("other"));
    put(&queue, "ana", "q1");
    let first = claim(&queue, &lost).unwrap();
    let second = claim_in_time(&queue, &other);
    assert!(second.attempt > first.attempt);
    assert_eq!(queue.view(None, "q1").unwrap().deaths, 1);
    // The first one was only held, and comes back with another answer.
    let seen = Seen { id: "q1", attempt: first.attempt, progress: 0.9, at: "work" };
    assert_eq!(queue.beat(&lost, &[seen]), Ok(vec![Standing::Lost]));
    assert_eq!(queue.finish(&lost, "q1", first.attempt, &answer("a")), Ok(Ended::Late));
    assert_eq!(queue.give_back(&lost, "q1", first.attempt), Ok(()));
    assert_eq!(queue.fault(&lost, "q1", first.attempt, "none"), Ok(()));
    let ended = queue.finish(&other, "q1", second.attempt, &answer("b")).unwrap();
    assert_eq!(ended, Ended::CommittedDivergent);
    assert_eq!(queue.finish(&lost, "q1", first.attempt, &answer("b")), Ok(Ended::Same));
    assert_eq!(queue.result("ana", "q1").unwrap().body, b"b");
}

#[test]
fn the_third_worker_that_is_lost_sets_a_job_aside_and_others_go_on() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, well) = (queue(&server), worker("well"));
    put(&queue, "ana", "poison");
    for n in 0..3 {
        assert_eq!(claim_in_time(&queue, &brief(&format!("lost{n}"))).id, "poison");
    }
    put(&queue, "ana", "q2");
    let next = claim_in_time(&queue, &well);
    assert_eq!(next.id, "q2");
    let dead = || queue.list(Listed::Dead, 9).unwrap();
    for _ in 0..2_000 {
        if !dead().is_empty() {
            break;
        }
        assert_eq!(claim(&queue, &well), None);
        std::thread::sleep(Duration::from_millis(5));
    }
    let letter = dead().pop().unwrap();
    assert_eq!((letter.id.as_str(), letter.tenant.as_str(), letter.deaths), ("poison", "ana", 3));
    assert_eq!((letter.stage, letter.version.as_str()), (Stage::Dead, "test"));
    assert!(
        letter.bytes > 6 && letter.reason.contains("lost") && letter.at == "claimed",
        "{letter:?}"
    );
    assert_eq!(queue.stats().unwrap().dead, 1);
    assert_eq!(queue.retry("q2"), Err(QueueError::Missing));
    assert_eq!(queue.retry("poison"), Ok(()));
    let again = claim_in_time(&queue, &well);
    assert_eq!(queue.finish(&well, "poison", again.attempt, &answer("x")), Ok(Ended::Committed));
    assert_eq!(queue.remove("poison"), Ok(()));
    assert_eq!(queue.remove("poison"), Err(QueueError::Missing));
}

#[test]
fn after_a_fault_of_ours_a_job_is_tried_again_three_times_and_no_more() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), brief("a"));
    put(&queue, "ana", "q1");
    for _ in 0..4 {
        let claimed = claim_in_time(&queue, &a);
        queue.fault(&a, "q1", claimed.attempt, "panicked").unwrap();
    }
    let letter = queue.view(None, "q1").unwrap();
    assert_eq!((letter.stage, letter.faults, letter.deaths), (Stage::Dead, 4, 0));
    assert_eq!(letter.reason, "panicked");
}

#[test]
fn what_is_cancelled_is_not_begun_and_its_worker_is_told() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    put(&queue, "ana", "q1");
    put(&queue, "ana", "q2");
    queue.cancel("ana", "q1").unwrap();
    let claimed = claim(&queue, &a).unwrap();
    assert_eq!(claimed.id, "q2");
    queue.cancel("ana", "q2").unwrap();
    let seen = Seen { id: "q2", attempt: claimed.attempt, progress: 0.0, at: "work" };
    assert_eq!(queue.beat(&a, &[seen]), Ok(vec![Standing::Cancelled]));
    assert_eq!(queue.finish(&a, "q2", claimed.attempt, &answer("x")), Ok(Ended::Cancelled));
    assert_eq!(queue.view(Some("ana"), "q2").unwrap().stage, Stage::Cancelled);
    let stats = queue.stats().unwrap();
    assert_eq!((stats.bytes, stats.cost, stats.running), (0, Duration::ZERO, 0), "{stats:?}");
}

#[test]
fn tenants_share_by_cost_however_much_one_of_them_sends() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    let document = [b"<svg/>".to_vec()];
    // One sends fifty times as many, and one sends jobs that are five times as long.
    for (tenant, count, cost) in [("many", 500, 10), ("b", 60, 10), ("c", 60, 10), ("long", 60, 50)]
    {
        let items: Vec<Item> = (0..count).map(|n| item(&format!("{tenant}{n}"), cost)).collect();
        assert_eq!(queue.put(tenant, &document, &items), Ok(count));
    }
    let mut served: BTreeMap<String, f64> = BTreeMap::new();
    for _ in 0..128 {
        let claimed = claim(&queue, &a).unwrap();
        let cost = if claimed.tenant == "long" { 50.0 } else { 10.0 };
        *served.entry(claimed.tenant).or_default() += cost;
    }
    let (sum, squares) = served.values().fold((0.0, 0.0), |(s, q), x| (s + x, q + x * x));
    // Jain's index of fairness.
    let index = sum * sum / (served.len() as f64 * squares);
    assert!(served.len() == 4 && index > 0.98, "{index}: {served:?}");
}

#[test]
fn a_worker_is_given_no_more_than_it_has_room_for() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    let items: Vec<Item> = (0..6).map(|n| item(&format!("q{n}"), 400)).collect();
    queue.put("ana", &[b"<svg/>".to_vec()], &items).unwrap();
    let count = |cost: u64, jobs: usize, is_idle: bool| {
        let room = Room { cost: Duration::from_millis(cost), jobs, is_idle };
        queue.claim(&a, room).unwrap().0.len()
    };
    assert_eq!(count(300, 9, false), 0);
    assert_eq!(count(300, 9, true), 1);
    assert_eq!(count(900, 9, false), 2);
    assert_eq!(count(9_000, 1, false), 1);
    // Who serves as well leaves it to those who do nothing else.
    let helping = Worker { kind: WorkerKind::Helping, ..worker("serving") };
    assert_eq!(claim(&queue, &helping), None);
    queue.leave(&a).unwrap();
    assert!(claim(&queue, &helping).is_some());
}

#[test]
fn too_much_is_refused_with_the_limit_and_when_to_come_again() {
    let Some(server) = RedisServer::start() else { return };
    let document = [b"<svg/>".to_vec()];
    let small = Limits { waiting: Duration::from_secs(1), jobs: 3, ..Limits::default() };
    let queue = Queue::new(&server.url(), small).unwrap();
    // A single job of any length is taken where nothing else waits.
    assert_eq!(queue.put("ana", &document, &[item("q0", 5_000)]), Ok(1));
    match queue.put("ana", &document, &[item("q1", 10)]) {
        Err(QueueError::Full { what, limit: 1, seen: 5, wait }) => {
            assert!(what.contains("seconds") && wait >= Duration::from_secs(4));
        }
        other => panic!("{other:?}"),
    }
    queue.remove("q0").unwrap();
    for n in 1..4 {
        assert_eq!(queue.put("ana", &document, &[item(&format!("q{n}"), 10)]), Ok(1));
    }
    let full = queue.put("ana", &document, &[item("q4", 10)]);
    assert!(
        matches!(full, Err(QueueError::Full { what: "jobs", limit: 3, seen: 4, .. })),
        "{full:?}"
    );
    // What is there already is no more work.
    assert_eq!(queue.put("ana", &document, &[item("q3", 10)]), Ok(0));
    let bytes = Queue::new(&server.url(), Limits { bytes: 1, ..Limits::default() }).unwrap();
    let full = bytes.put("ana", &document, &[item("q5", 10)]);
    assert!(
        matches!(full, Err(QueueError::Full { what: "bytes of jobs", limit: 1, .. })),
        "{full:?}"
    );
}

#[test]
fn a_claim_whose_answer_was_lost_is_given_back_without_a_death() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    put(&queue, "ana", "q1");
    put(&queue, "ana", "q2");
    let known = claim(&queue, &a).unwrap();
    assert!(claim(&queue, &a).is_some());
    assert_eq!(queue.give_back_unknown(&a, &[&known.id]), Ok(1));
    let again = claim(&queue, &a).unwrap();
    assert_eq!(again.id, "q2");
    assert_eq!(queue.view(None, "q2").unwrap().deaths, 0);
}

#[test]
fn what_was_put_in_and_answered_outlives_the_server() {
    let Some(mut server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    for n in 0..20 {
        put(&queue, "ana", &format!("q{n}"));
    }
    for _ in 0..10 {
        let claimed = claim(&queue, &a).unwrap();
        queue.finish(&a, &claimed.id, claimed.attempt, &answer("x")).unwrap();
    }
    let running = claim(&queue, &a).unwrap();
    server.kill();
    assert!(matches!(queue.stats(), Err(QueueError::Unavailable(_))));
    assert!(server.restart());
    let stats = queue.stats().unwrap();
    assert_eq!((stats.jobs, stats.waiting, stats.running), (20, 9, 1));
    let ended = queue.finish(&a, &running.id, running.attempt, &answer("x"));
    assert_eq!(ended, Ok(Ended::Committed));
}

#[test]
fn what_may_not_be_sent_twice_needs_one_try_after_the_server_was_restarted() {
    let Some(mut server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), worker("a"));
    put(&queue, "ana", "q1");
    put(&queue, "ana", "q2");
    server.kill();
    assert!(server.restart());
    assert_eq!(queue.cancel("ana", "q1"), Ok(()));
    server.kill();
    assert!(server.restart());
    assert_eq!(claim(&queue, &a).map(|claimed| claimed.id).as_deref(), Some("q2"));
    server.kill();
    assert!(server.restart());
    assert_eq!(queue.cancel("ana", "q2"), Ok(()));
}

#[test]
fn a_job_that_is_put_in_rings_and_answers_are_bounded() {
    let Some(server) = RedisServer::start() else { return };
    let queue = queue(&server);
    let (send, rung) = std::sync::mpsc::channel();
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (queue, ended) = (&queue, &ended);
        scope.spawn(move || {
            let go_on = || !ended.load(std::sync::atomic::Ordering::Relaxed);
            queue.listen(&go_on, &|| {
                let _ = send.send(());
            });
        });
        // Once when it listens, once for the job.
        rung.recv_timeout(Duration::from_secs(60)).unwrap();
        put(queue, "ana", "q1");
        rung.recv_timeout(Duration::from_secs(60)).unwrap();
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let few = Queue::new(&server.url(), Limits { answers: 25, ..Limits::default() }).unwrap();
    let a = worker("a");
    for n in 2..6 {
        put(&few, "ana", &format!("q{n}"));
    }
    for _ in 0..5 {
        let claimed = claim(&few, &a).unwrap();
        let ended = few.finish(&a, &claimed.id, claimed.attempt, &answer("0123456789"));
        assert_eq!(ended, Ok(Ended::Committed));
    }
    let stats = few.stats().unwrap();
    assert_eq!((stats.jobs, stats.answers), (2, 20));
}

#[test]
fn what_one_attempt_leaves_is_what_the_next_one_goes_on_from() {
    let Some(server) = RedisServer::start() else { return };
    let few = Limits { checkpoint: 1_000, ..Limits::default() };
    let queue = Queue::new(&server.url(), few).unwrap();
    let (lost, other) = (brief("lost"), brief("other"));
    put(&queue, "ana", "q1");
    let bytes = queue.stats().unwrap().bytes;
    let first = claim(&queue, &lost).unwrap();
    assert_eq!(first.checkpoint, None);
    assert_eq!(queue.keep(&lost, "q1", first.attempt, b"one"), Ok(true));
    assert_eq!(queue.keep(&lost, "q1", first.attempt, b"two"), Ok(true));
    let large = queue.keep(&lost, "q1", first.attempt, &[0; 1_001]);
    assert!(matches!(large, Err(QueueError::Full { limit: 1_000, seen: 1_001, .. })), "{large:?}");
    assert!(queue.stats().unwrap().bytes > bytes);
    let left = |of: &Queue| of.view(None, "q1").unwrap().checkpoint > 0;
    assert!(left(&queue));
    let second = claim_in_time(&queue, &other);
    assert_eq!(second.checkpoint.as_deref(), Some(&b"two"[..]));
    // The first one was only held: what it has is of no use any more.
    assert_eq!(queue.keep(&lost, "q1", first.attempt, b"late"), Ok(false));
    assert_eq!(queue.keep(&other, "q1", first.attempt, b"late"), Ok(false));
    assert_eq!(queue.keep(&other, "q2", 1, b"none"), Ok(false));
    queue.give_back(&other, "q1", second.attempt).unwrap();
    let third = claim_in_time(&queue, &other);
    assert_eq!(third.checkpoint.as_deref(), Some(&b"two"[..]));
    let ended = queue.finish(&other, "q1", third.attempt, &answer("x"));
    assert_eq!(ended, Ok(Ended::Committed));
    assert_eq!(queue.keep(&other, "q1", third.attempt, b"late"), Ok(false));
    assert_eq!((queue.stats().unwrap().bytes, left(&queue)), (0, false));
}

#[test]
fn what_was_left_goes_when_a_job_is_cancelled_dropped_or_set_aside() {
    let Some(server) = RedisServer::start() else { return };
    let (queue, a) = (queue(&server), brief("a"));
    let left = |id: &str| {
        put(&queue, "ana", id);
        let attempt = claim(&queue, &a).unwrap().attempt;
        assert_eq!(queue.keep(&a, id, attempt, &[7; 100]), Ok(true));
    };
    left("q1");
    queue.cancel("ana", "q1").unwrap();
    assert_eq!(queue.stats().unwrap().bytes, 0);
    left("q2");
    queue.remove("q2").unwrap();
    assert_eq!(queue.stats().unwrap().bytes, 0);
    put(&queue, "ana", "q3");
    let before = queue.stats().unwrap().bytes;
    for _ in 0..4 {
        let claimed = claim_in_time(&queue, &a);
        assert_eq!(queue.keep(&a, "q3", claimed.attempt, &[7; 100]), Ok(true));
        queue.fault(&a, "q3", claimed.attempt, "panicked").unwrap();
    }
    assert_eq!(queue.stats().unwrap().bytes, before);
    queue.retry("q3").unwrap();
    assert_eq!(claim_in_time(&queue, &a).checkpoint, None);
}

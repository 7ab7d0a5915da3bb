//! `/changes`: what changed in any session of a key, over HTTP.

use std::io::Write as _;
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::service::{Answer, Service, connect};

const ANA: &str = "Authorization: Bearer ana-0123456789abcdef\r\n";
const BEN: &str = "Authorization: Bearer ben-0123456789abcdef\r\n";
const DRAWING: &str =
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><rect id='a'/></svg>";

fn service() -> Service {
    let (ana, ben) = ("ana:ana-0123456789abcdef", "ben:ben-0123456789abcdef");
    Service::with(&["--rate-limit", "off", "--api-key", ana, "--api-key", ben], None)
}

fn post(service: &Service, who: &str, path: &str, body: &Value) {
    let headers = format!("{who}Content-Type: application/json\r\n");
    let answer = service.send(path, &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.json());
}

fn begin(service: &Service, who: &str, session: &str) {
    post(service, who, "/sessions", &json!({ "session": session, "content": DRAWING }));
}

fn edit(service: &Service, who: &str, session: &str) {
    let edit = json!({ "operation": "move", "element_ids": ["a"], "dx": 1, "session": session });
    post(service, who, "/interactive", &edit);
}

fn changes(service: &Service, who: &str, query: &str) -> Value {
    let answer = service.get(&format!("/changes{query}"), who);
    assert_eq!(answer.status, 200, "{query}: {}", answer.json());
    answer.json()
}

/// Session, sequence and kind of each entry.
fn told(answer: &Value) -> Vec<(String, u64, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entries = answer["changes"].as_array().expect("a list").iter();
    entries
        .map(|e| (text(&e["session"]), e["sequence"].as_u64().expect("a number"), text(&e["kind"])))
        .collect()
}

fn entry(session: &str, sequence: u64, kind: &str) -> (String, u64, String) {
    (session.to_owned(), sequence, kind.to_owned())
}

/// A request that was sent and is not answered yet.
fn asked(service: &Service, who: &str, query: &str) -> TcpStream {
    let mut stream = connect(service.public);
    let head = format!(
        "GET /changes{query} HTTP/1.1\r\nHost: {}\r\n{who}Connection: close\r\n\r\n",
        service.public
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// Waits until so many requests are under way, besides the one that looks.
fn until_active(service: &Service, wanted: u64) {
    for _ in 0..2_400 {
        let active = service.get("/metrics.json", ANA).json()["active_requests"].as_u64();
        if active > Some(wanted) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{wanted} requests are not under way");
}

#[test]
fn every_change_of_a_keys_sessions_is_told_in_order_and_to_nobody_else() {
    let service = service();
    let empty = changes(&service, ANA, "");
    assert_eq!((told(&empty), &empty["more"]), (vec![], &json!(false)));
    begin(&service, ANA, "plan");
    edit(&service, ANA, "plan");
    post(&service, ANA, "/sessions/plan/fork", &json!({ "session": "copy" }));
    edit(&service, ANA, "copy");
    begin(&service, BEN, "plan");
    edit(&service, ANA, "plan");
    assert_eq!(service.ask("DELETE", "/sessions/copy", ANA, b"").status, 200);
    let wanted = [
        entry("plan", 1, "begun"),
        entry("plan", 2, "edited"),
        entry("copy", 1, "begun"),
        entry("copy", 2, "edited"),
        entry("plan", 3, "edited"),
        entry("copy", 2, "deleted"),
    ];
    let all = changes(&service, ANA, "");
    assert_eq!(told(&all), wanted);
    assert_eq!(told(&changes(&service, BEN, "")), [entry("plan", 1, "begun")]);
    // In pieces, from the beginning and from each entry.
    let (mut after, mut pieces) = (empty["next"].clone(), Vec::new());
    loop {
        let query = format!("?most=4&after={}", after.as_str().expect("a cursor"));
        let piece = changes(&service, ANA, &query);
        pieces.extend(told(&piece));
        after = piece["next"].clone();
        if piece["more"] == false {
            break;
        }
    }
    assert_eq!((pieces.as_slice(), &after), (&wanted[..], &all["next"]));
    let entries = all["changes"].as_array().expect("a list");
    for (at, entry) in entries.iter().enumerate() {
        let query = format!("?after={}", entry["cursor"].as_str().expect("a cursor"));
        assert_eq!(told(&changes(&service, ANA, &query)), wanted[at + 1..]);
        assert!(entry["at"].as_str().is_some_and(|at| at.starts_with("20") && at.ends_with('Z')));
    }
    let now = changes(&service, ANA, "?after=now&wait=0.01");
    assert_eq!((told(&now), &now["next"]), (vec![], &all["next"]));
    // Where somebody else's feed stands is nothing here.
    let theirs = format!("/changes?after={}", entries[1]["cursor"].as_str().expect("a cursor"));
    assert_eq!(service.get(&theirs, BEN).status, 410);
    assert_eq!(service.get("/changes", "").status, 401);
}

#[test]
fn who_waits_hears_of_a_change_and_holds_nobody_up() {
    const PLACES: usize = 64;
    let service = service();
    begin(&service, ANA, "plan");
    let next = changes(&service, ANA, "")["next"].as_str().expect("a cursor").to_owned();
    let query = format!("?wait=25&after={next}");
    let (answered, answers) = std::sync::mpsc::channel();
    for _ in 0..=PLACES {
        let (mut stream, answered) = (asked(&service, ANA, &query), answered.clone());
        std::thread::spawn(move || answered.send(Answer::read(&mut stream)));
    }
    // One of them is refused, and once it is, all others wait.
    let refused = answers.recv().expect("an answer");
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("overloaded")));
    assert!(refused.header("retry-after").is_some());
    // Nobody else is concerned: who does not wait, another key, and whoever works.
    assert_eq!(told(&changes(&service, ANA, "")).len(), 1);
    assert_eq!(told(&changes(&service, BEN, "?wait=0.01")), []);
    edit(&service, ANA, "plan");
    for _ in 0..PLACES {
        let answer = answers.recv().expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.json());
        assert_eq!(told(&answer.json()), [entry("plan", 2, "edited")]);
    }
    // Their places are free again.
    assert_eq!(told(&changes(&service, ANA, "?after=now&wait=0.01")), []);
}

#[test]
fn who_waits_is_answered_when_the_service_stops() {
    let mut service = service();
    let mut stream = asked(&service, ANA, "?wait=25");
    until_active(&service, 1);
    service.signal(Signal::TERM);
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status, told(&answer.json())), (200, vec![]));
    assert!(service.wait().success());
}

#[test]
fn a_place_outlives_a_kill_and_one_of_another_past_is_gone() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().to_str().expect("a path");
    let start = || Service::with(&["--rate-limit", "off", "--data-dir", data], None);
    let first = start();
    begin(&first, "", "plan");
    edit(&first, "", "plan");
    let next = changes(&first, "", "?most=1")["next"].as_str().expect("a cursor").to_owned();
    first.kill();
    let second = start();
    edit(&second, "", "plan");
    let rest = changes(&second, "", &format!("?after={next}"));
    assert_eq!(told(&rest), [entry("plan", 2, "edited"), entry("plan", 3, "edited")]);
    drop(second);

    // A store that begins anew, as one that was restored: it says from where the feed goes on.
    std::fs::remove_file(directory.path().join("sessions.redb")).expect("removed");
    let third = start();
    begin(&third, "", "other");
    for query in [format!("?after={next}"), format!("?wait=25&after={next}")] {
        let gone = third.get(&format!("/changes{query}"), "");
        let problem = gone.json();
        assert_eq!((gone.status, &problem["code"]), (410, &json!("changes-lost")), "{problem}");
        let goes_on = problem["next"].as_str().expect("a cursor");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(goes_on)));
        assert_eq!(told(&changes(&third, "", &format!("?after={goes_on}"))), []);
    }
    edit(&third, "", "other");
    assert_eq!(told(&changes(&third, "", "")).len(), 2);
}

#[test]
fn what_is_no_place_is_refused_and_named() {
    let service = Service::start();
    for (query, place) in [
        ("after=yesterday", "/after"),
        ("after=", "/after"),
        ("after=1-", "/after"),
        ("after=0-0&after=now", "/after"),
        ("after=%00", "/after"),
        ("most=0", "/most"),
        ("most=1001", "/most"),
        ("wait=-1", "/wait"),
        ("wait=25.1", "/wait"),
        ("wait=NaN", "/wait"),
        ("since=now", "/since"),
    ] {
        let refused = service.get(&format!("/changes?{query}"), "");
        let problem = refused.json();
        assert_eq!((refused.status, &problem["code"]), (422, &json!("invalid-request")), "{query}");
        assert_eq!(problem["errors"][0]["pointer"], place, "{query}: {problem}");
    }
    let refused = service.get("/changes", "Accept: text/csv\r\n");
    assert_eq!(refused.status, 406);
}

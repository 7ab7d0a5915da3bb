//! `/sessions`: made, listed, edited in structure, copied, exported and deleted over HTTP.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::{ROOM, Service};

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
  <rect id="a" x="1" y="2" width="3" height="4"/><rect id="b" x="5" y="6" width="7" height="8"/></svg>"#;

fn make(service: &Service, body: &Value) -> (u16, Value) {
    let answer = service.post("/sessions", body);
    (answer.status, answer.json())
}

fn edit(service: &Service, session: &str, operation: &Value) -> Value {
    let mut body = operation.clone();
    body["session"] = json!(session);
    let answer = service.post("/interactive", &body);
    assert_eq!(answer.status, 200, "{body}: {}", answer.json());
    answer.json()
}

fn export(service: &Service, session: &str) -> String {
    let answer = service.get(&format!("/sessions/{session}/export"), "");
    assert_eq!(answer.status, 200, "{session}: {}", answer.head);
    assert_eq!(answer.header("content-type"), Some("image/svg+xml"));
    String::from_utf8(answer.body).expect("text")
}

#[test]
fn a_session_is_made_edited_copied_and_deleted() {
    let service = Service::start();
    let (status, made) = make(&service, &json!({ "content": DRAWING, "session": "plan" }));
    assert_eq!(
        (status, &made["session"], &made["state"]["sequence"]),
        (200, &json!("plan"), &json!(1))
    );
    let (status, taken) = make(&service, &json!({ "content": ROOM, "session": "plan" }));
    assert_eq!((status, &taken["code"]), (409, &json!("conflict")), "{taken}");
    assert!(export(&service, "plan").contains("id=\"a\""), "what was there is as it was");

    // One operation, one step; a whole group goes and comes back.
    edit(
        &service,
        "plan",
        &json!({ "operation": "group", "element_ids": ["a", "b"], "group_id": "g" }),
    );
    edit(
        &service,
        "plan",
        &json!({ "operation": "add", "parent_id": "g", "markup": "<circle id='c' r='2'/>" }),
    );
    let grouped = export(&service, "plan");
    assert!(grouped.contains("<g id=\"g\"") && grouped.contains("id=\"c\""), "{grouped}");
    edit(&service, "plan", &json!({ "operation": "delete", "element_id": "g" }));
    assert!(!export(&service, "plan").contains("<rect"));
    let state = edit(&service, "plan", &json!({ "operation": "undo" }));
    assert_eq!(export(&service, "plan"), grouped);
    assert_eq!(state["state"]["redo_depth"], 1);

    // A copy without a body gets a free name; its undo log is its own.
    let copy = service.send("/sessions/plan/fork", "", b"");
    assert_eq!(
        (copy.status, &copy.json()["session"]),
        (200, &json!("session-1")),
        "{}",
        copy.json()
    );
    let named = service.post("/sessions/plan/fork", &json!({ "session": "plan b" }));
    assert_eq!(named.json()["session"], "plan b");
    edit(&service, "session-1", &json!({ "operation": "delete", "element_id": "c" }));
    assert_eq!(export(&service, "plan"), grouped);
    assert_eq!(export(&service, "plan%20b"), grouped);
    let look = service.get("/sessions/plan%20b", "").json();
    assert_eq!((&look["state"]["undo_depth"], &look["session"]), (&json!(0), &json!("plan b")));

    // What is exported makes the same session.
    let (status, again) = make(&service, &json!({ "content": grouped }));
    assert_eq!((status, &again["session"]), (200, &json!("session-2")));
    assert_eq!(export(&service, "session-2"), grouped);

    let listed = service.get("/sessions", "").json();
    let names: Vec<&Value> =
        listed["sessions"].as_array().expect("a list").iter().map(|s| &s["session"]).collect();
    assert_eq!(json!(names), json!(["plan", "plan b", "session-1", "session-2"]));
    assert_eq!(service.ask("DELETE", "/sessions/plan", "", b"").status, 200);
    for gone in ["/sessions/plan", "/sessions/plan/export", "/state?session=plan"] {
        let answer = service.get(gone, "").json();
        assert_eq!(answer["status"], 404, "{gone}");
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("POST /sessions"), "{detail}");
    }
}

#[test]
fn what_cannot_be_a_session_leaves_none() {
    let service = Service::start();
    for (body, code) in [
        (json!({}), "invalid-request"),
        (json!({ "content": "<svg" }), "invalid-document"),
        (json!({ "content": DRAWING, "session": "a\u{7}" }), "invalid-request"),
        (json!({ "content": DRAWING, "session": "x".repeat(1_000) }), "invalid-request"),
    ] {
        let (status, problem) = make(&service, &body);
        assert_eq!((status, &problem["code"]), (422, &json!(code)), "{problem}");
    }
    assert_eq!(service.get("/sessions", "").json()["sessions"], json!([]));
    for (path, body) in [("/sessions/none/fork", "{}"), ("/sessions/none/fork", "")] {
        let headers = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let answer = service.send(path, headers, body.as_bytes());
        assert_eq!(answer.status, 404, "{path} {body}: {}", answer.json());
    }
}

/// One edit of a writer: what was asked, and whether it was acknowledged.
struct Edit {
    writer: usize,
    number: usize,
    adds: bool,
    acknowledged: bool,
}

/// Asks once; the status, where there was an answer.
fn ask(at: SocketAddr, body: &Value) -> Option<u16> {
    let mut stream = TcpStream::connect(at).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let body = body.to_string();
    let head = format!(
        "POST /interactive HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    // A head that was cut off acknowledges nothing.
    let head = String::from_utf8_lossy(&answer);
    head.contains("\r\n\r\n").then(|| head.split(' ').nth(1)?.parse().ok())?
}

/// Adds and deletes elements until the service is gone; everything that was asked, in order.
fn write(at: SocketAddr, writer: usize, from: usize) -> Vec<Edit> {
    let mut done = Vec::new();
    for number in from.. {
        for adds in [true, false] {
            let id = |n: usize| format!("w{writer}-{n}");
            let body = if adds {
                json!({ "session": "k", "operation": "add", "parent_id": format!("g{writer}"),
                    "markup": format!("<rect id='{}' width='1' height='1'/>", id(number)) })
            } else if number >= from + 4 {
                json!({ "session": "k", "operation": "delete", "element_id": id(number - 4) })
            } else {
                continue;
            };
            let status = ask(at, &body);
            let of = if adds { number } else { number - 4 };
            done.push(Edit { writer, number: of, adds, acknowledged: status == Some(200) });
            match status {
                Some(200) => {}
                // Nobody is there any more, or what it depends on was not acknowledged.
                None => return done,
                Some(status) => panic!("{body}: {status}"),
            }
        }
    }
    done
}

/// `SVGX_KILLS` says how often; ten times without.
#[test]
fn a_kill_loses_no_edit_of_the_tree_and_does_none_twice() {
    let kills = std::env::var("SVGX_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().to_str().expect("a path");
    let start =
        || Service::with(&["--rate-limit", "off", "--controller", "off", "--data-dir", data], None);
    let mut service = start();
    let groups: String = (0..3).map(|w| format!("<g id='g{w}'/>")).collect();
    let drawing =
        format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>{groups}</svg>");
    assert_eq!(make(&service, &json!({ "content": drawing, "session": "k" })).0, 200);
    let mut all: Vec<Edit> = Vec::new();
    for kill in 0..kills {
        let (at, from) = (service.public, 1_000 * kill);
        let writers: Vec<_> =
            (0..3).map(|writer| std::thread::spawn(move || write(at, writer, from))).collect();
        // At no moment that anything here knows of.
        std::thread::sleep(Duration::from_millis(40 + svgx_base::random::mix(kill as u64) % 160));
        service.kill();
        for writer in writers {
            all.extend(writer.join().expect("it ended with the service"));
        }
        service = start();
        let kept = export(&service, "k");
        let there: Vec<&str> =
            kept.split("id=\"").skip(1).filter_map(|s| s.split('"').next()).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        there.iter().for_each(|id| *counts.entry(id).or_default() += 1);
        let deletes = all.iter().filter(|edit| !edit.adds);
        let deletes: BTreeMap<(usize, usize), bool> =
            deletes.map(|edit| ((edit.writer, edit.number), edit.acknowledged)).collect();
        for edit in &all {
            let id = format!("w{}-{}", edit.writer, edit.number);
            let count = counts.get(id.as_str()).copied().unwrap_or_default();
            let wanted = match deletes.get(&(edit.writer, edit.number)) {
                Some(true) => 0..=0,
                None if edit.acknowledged => 1..=1,
                // Asked for, and nobody knows whether it was done.
                _ => 0..=1,
            };
            assert!(wanted.contains(&count), "kill {kill}: {id} is there {count} times");
        }
        for writer in 0..3 {
            let prefix = format!("w{writer}-");
            let numbers =
                there.iter().filter_map(|id| id.strip_prefix(&prefix)?.parse::<usize>().ok());
            assert!(
                numbers.is_sorted(),
                "kill {kill}: the elements of writer {writer} are in order"
            );
        }
    }
    let acknowledged = all.iter().filter(|edit| edit.acknowledged).count();
    println!("{kills} kills, {acknowledged} of {} edits acknowledged, all there", all.len());
    assert!(acknowledged > 5 * kills, "it was killed amid work");
}

//! Several people in one session, over real sockets.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::service::{Service, connect};
use crate::support::websocket::{Live, Message};

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
  <rect id="a" x="1" y="2" width="3" height="4"/><rect id="b" x="5" y="6" width="7" height="8"/></svg>"#;

fn service() -> Service {
    let service = Service::start();
    make(&service);
    service
}

fn make(service: &Service) {
    let made = service.post("/sessions", &json!({"content": DRAWING, "session": "plan"}));
    assert_eq!(made.status, 200, "{}", made.json());
}

fn set(id: &str, name: &str, value: &str) -> Value {
    json!({"operation": "set_attribute", "element_id": id, "name": name, "value": value})
}

fn exported(service: &Service) -> String {
    String::from_utf8(service.get("/sessions/plan/export", "").body).expect("text")
}

#[test]
fn what_one_does_the_other_sees_and_whoever_is_overwritten_is_told() {
    let service = service();
    let mut ana = Live::join(service.public, "plan", "ana", None);
    let hello = ana.frame("hello");
    assert_eq!(
        (&hello["protocol"], &hello["participant"], &hello["resumed"], &hello["sequence"]),
        (&json!("svgx.v1"), &json!("ana"), &json!(false), &json!(1))
    );
    let reset = ana.frame("reset");
    assert_eq!((&reset["why"], &reset["sequence"]), (&json!("new"), &json!(1)));
    assert_eq!(reset["drawing"].as_str(), Some(exported(&service).as_str()));
    assert_eq!(reset["handles"], json!([0, 1, 2]));
    let mut bo = Live::join(service.public, "plan", "bo", None);
    bo.frame("reset");
    assert_eq!(ana.frame("presence")["here"][0]["participant"], "bo");

    ana.operate("a-1", 1, set("a", "x", "10"));
    let answer = ana.frame("answer");
    assert_eq!(
        (&answer["id"], &answer["sequence"], &answer["durable"], &answer["repeated"]),
        (&json!("a-1"), &json!(2), &json!(true), &json!(false))
    );
    for client in [&mut ana, &mut bo] {
        let patch = client.frame("patch");
        assert_eq!((&patch["sequence"], &patch["by"]), (&json!(2), &json!("ana")));
        assert_eq!((&patch["id"], &patch["operation"]), (&json!("a-1"), &json!("set_attribute")));
        let change = json!({"change": "set", "element": 1, "name": "x", "value": "10"});
        assert_eq!(patch["changes"], json!([change]));
        while client.frame("durable")["sequence"] != 2 {}
    }
    // Bo had not seen it.
    bo.operate("b-1", 1, set("a", "x", "20"));
    let conflict = ana.frame("conflict");
    assert_eq!(
        (&conflict["element_id"], &conflict["attribute"], &conflict["mine"], &conflict["theirs"]),
        (&json!("a"), &json!("x"), &json!("10"), &json!("20"))
    );
    assert_eq!((&conflict["by"], &conflict["name"]), (&json!("bo"), &json!("bo")));
    bo.frame("answer");
    // The last one stays, and an undo does not take it back.
    ana.operate("a-2", 3, json!({"operation": "undo"}));
    let undo = ana.frame("answer");
    let restored = &undo["outcome"]["result"]["restored"];
    assert_eq!((&restored["restored"], &restored["of"]), (&json!(0), &json!(1)), "{undo}");
    assert_eq!(restored["kept"][0]["by"], "bo");
    bo.operate("b-2", 4, json!({"operation": "undo"}));
    bo.frame("answer");
    assert!(exported(&service).contains(r#"x="10""#), "{}", exported(&service));
    // Gone is gone, and it is said who did it.
    bo.operate("b-3", 5, json!({"operation": "delete", "element_id": "b"}));
    bo.frame("answer");
    ana.operate("a-3", 5, set("b", "x", "1"));
    let problem = ana.frame("problem");
    assert_eq!((&problem["id"], &problem["problem"]["status"]), (&json!("a-3"), &json!(404)));
    let detail = problem["problem"]["detail"].as_str().expect("a sentence");
    assert!(detail.contains("deleted by bo"), "{detail}");
}

#[test]
fn an_operation_that_comes_again_is_not_done_again() {
    let service = service();
    let mut ana = Live::join(service.public, "plan", "ana", None);
    ana.frame("reset");
    let duplicate = json!({"operation": "duplicate", "element_id": "a"});
    ana.operate("once", 1, duplicate.clone());
    let first = ana.frame("answer");
    let token = ana.frame("patch")["token"].as_str().expect("a token").to_owned();
    ana.cut();
    let mut ana = Live::join(service.public, "plan", "ana", Some(&token));
    assert_eq!(ana.frame("hello")["resumed"], true);
    ana.operate("once", 1, duplicate.clone());
    let again = ana.frame("answer");
    assert_eq!((&again["repeated"], &again["outcome"]), (&json!(true), &first["outcome"]));
    assert_eq!(exported(&service).matches("<rect").count(), 3);
    // The same over HTTP, and another operation under that id is refused.
    let mut body = duplicate;
    body["session"] = json!("plan");
    body["participant"] = json!("ana");
    body["operation_id"] = json!("once");
    assert_eq!(service.post("/interactive", &body).json()["result"], first["outcome"]["result"]);
    assert_eq!(exported(&service).matches("<rect").count(), 3);
    ana.operate("once", 2, set("a", "x", "3"));
    assert_eq!(ana.frame("problem")["problem"]["status"], 422);
}

#[test]
fn presence_follows_and_a_cut_connection_leaves_no_ghost() {
    let service = service();
    let mut ana = Live::join(service.public, "plan", "ana", None);
    ana.frame("reset");
    let mut bo = Live::join(service.public, "plan", "bo", None);
    let connection = bo.frame("hello")["connection"].clone();
    bo.frame("reset");
    let cursor = json!({"x": 3.0, "y": 4.0});
    bo.say(&json!({"frame": "presence", "cursor": cursor, "selected": ["a"]}));
    loop {
        let presence = ana.frame("presence");
        let bo = presence["here"].as_array().and_then(|here| here.first().cloned());
        let bo = bo.expect("somebody is here");
        if bo.get("cursor").is_some() {
            assert_eq!((&bo["cursor"], &bo["selected"]), (&cursor, &json!(["a"])));
            break;
        }
    }
    let before = service.get("/sessions/plan", "").json()["state"]["sequence"].clone();
    bo.cut();
    loop {
        let left = ana.frame("presence")["left"].clone();
        if left.as_array().is_some_and(|left| left.contains(&connection)) {
            break;
        }
    }
    let late = Live::join(service.public, "plan", "late", None).frame("hello");
    let here = late["participants"].as_array().expect("who is here");
    let here: Vec<&Value> = here.iter().map(|person| &person["participant"]).collect();
    assert_eq!(here, ["ana", "late"]);
    // It was never in the log.
    assert_eq!(service.get("/sessions/plan", "").json()["state"]["sequence"], before);
}

#[test]
fn what_is_no_frame_is_a_problem_and_what_is_too_long_ends_the_stream() {
    let service = service();
    let mut ana = Live::join(service.public, "plan", "ana", None);
    ana.frame("reset");
    for (text, status) in [
        ("{", 400),
        (r#"{"frame":"other"}"#, 400),
        (r#"{"frame":"hello"}"#, 422),
        (r#"{"frame":"operation","id":"1","operation":{"operation":"nothing"}}"#, 422),
        (
            r#"{"frame":"operation","id":"2","operation":{"operation":"load","content":"<svg/>"}}"#,
            422,
        ),
        (r#"{"frame":"operation","id":"","operation":{"operation":"undo"}}"#, 422),
        (
            r#"{"frame":"operation","id":"3","operation":{"operation":"click","session":"other","element_id":"a"}}"#,
            422,
        ),
    ] {
        ana.write(1, text.as_bytes());
        assert_eq!(ana.frame("problem")["problem"]["status"], status, "{text}");
    }
    let long = format!(r#"{{"frame":"presence","selected":["{}"]}}"#, "x".repeat(2 << 20));
    ana.write(1, long.as_bytes());
    assert_eq!(ana.close().0, 1009);

    let Ok(mut rude) = Live::ask(service.public, "plan", "Sec-WebSocket-Protocol: svgx.v1\r\n")
    else {
        panic!("no stream")
    };
    rude.say(&json!({"frame": "presence"}));
    assert_eq!(rude.frame("problem")["problem"]["status"], 422);
    assert_eq!(rude.close().0, 1008);
    let mut nowhere = Live::join(service.public, "nowhere", "ana", None);
    assert_eq!(nowhere.frame("problem")["problem"]["status"], 404);
    for headers in ["", "Sec-WebSocket-Protocol: other\r\n"] {
        let refused = Live::ask(service.public, "plan", headers).err().expect("refused");
        assert_eq!(refused.status, 422, "{}", refused.json());
    }
    let plain = service.get("/sessions/plan/live", "Sec-WebSocket-Protocol: svgx.v1\r\n");
    assert_eq!(plain.status, 422, "{}", plain.json());
}

#[test]
fn a_key_opens_the_stream_and_its_end_ends_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = directory.path().join("keys");
    std::fs::write(&keys, "ana:first-key/+~\nbo:second\n").expect("written");
    let service = Service::with(&["--api-keys-file", keys.to_str().expect("a path")], None);
    let offer = |key: &str| {
        format!("Sec-WebSocket-Protocol: svgx.v1, svgx.key.{}\r\n", URL_SAFE_NO_PAD.encode(key))
    };
    for headers in [
        "Sec-WebSocket-Protocol: svgx.v1\r\n".to_owned(),
        offer("third"),
        "Sec-WebSocket-Protocol: svgx.v1, svgx.key.\r\n".to_owned(),
        "Sec-WebSocket-Protocol: svgx.v1, svgx.key.%%\r\n".to_owned(),
    ] {
        let refused = Live::ask(service.public, "default", &headers).err().expect("refused");
        assert_eq!((refused.status, &refused.json()["code"]), (401, &json!("unauthorized")));
    }
    let Ok(mut ana) = Live::ask(service.public, "default", &offer("first-key/+~")) else {
        panic!("no stream")
    };
    ana.say(&json!({"frame": "hello"}));
    ana.frame("reset");
    let bearer = "Authorization: Bearer second\r\nSec-WebSocket-Protocol: svgx.v1\r\n";
    let Ok(mut bo) = Live::ask(service.public, "default", bearer) else { panic!("no stream") };
    bo.say(&json!({"frame": "hello", "participant": "bo"}));
    // Each key has sessions of its own.
    let hello = bo.frame("hello");
    assert_eq!(hello["participants"].as_array().map(Vec::len), Some(1), "{hello}");
    bo.frame("reset");
    std::fs::write(&keys, "bo:second\n").expect("written");
    service.signal(Signal::HUP);
    assert_eq!(ana.close().0, 1008);
    bo.operate("1", 0, json!({"operation": "select", "element_id": "@0"}));
    bo.frame("answer");
}

#[test]
fn events_tell_the_same_and_resume_by_the_last_id() {
    let service = service();
    let listen = |last: Option<&str>| {
        let mut stream = connect(service.public);
        let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!(
            "GET /sessions/plan/events?participant=eve&name=Eve HTTP/1.1\r\nHost: {}\r\n{last}\r\n",
            service.public
        );
        stream.write_all(head.as_bytes()).expect("sent");
        BufReader::new(stream)
    };
    /// The next event: its name, its id, its data.
    fn event(from: &mut BufReader<std::net::TcpStream>) -> (String, Option<String>, Value) {
        let (mut name, mut id) = (String::new(), None);
        loop {
            let mut line = String::new();
            assert!(from.read_line(&mut line).expect("a line") > 0, "it ended");
            if let Some(text) = line.strip_prefix("event: ") {
                text.trim().clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.trim().to_owned());
            } else if let Some(text) = line.strip_prefix("data: ") {
                return (name, id, serde_json::from_str(text).expect("JSON"));
            }
        }
    }
    let mut eve = listen(None);
    assert_eq!(event(&mut eve).0, "hello");
    let (name, id, reset) = event(&mut eve);
    assert_eq!((name.as_str(), id.as_deref()), ("reset", reset["token"].as_str()));
    let edit = |participant: &str, id: &str, value: &str, base: u64| {
        let mut body = set("a", "x", value);
        body["session"] = json!("plan");
        body["participant"] = json!(participant);
        body["operation_id"] = json!(id);
        body["base_sequence"] = json!(base);
        let answer = service.post("/interactive", &body);
        assert_eq!(answer.status, 200, "{}", answer.json());
    };
    edit("eve", "e-1", "11", 1);
    let mut token = None;
    let mut patches = Vec::new();
    while patches.is_empty() {
        let (name, id, frame) = event(&mut eve);
        if name == "patch" {
            token = id;
            patches.push(frame);
        }
    }
    assert_eq!((&patches[0]["by"], &patches[0]["id"]), (&json!("eve"), &json!("e-1")));
    drop(eve);
    // While Eve is away, somebody overwrites what she wrote.
    edit("bo", "b-1", "12", 1);
    let mut eve = listen(token.as_deref());
    let (_, _, hello) = event(&mut eve);
    assert_eq!(hello["resumed"], true);
    let (name, _, conflict) = event(&mut eve);
    assert_eq!((name.as_str(), &conflict["theirs"]), ("conflict", &json!("12")));
    let (name, _, patch) = event(&mut eve);
    assert_eq!((name.as_str(), &patch["sequence"]), ("patch", &json!(3)));
}

#[test]
fn a_drawing_that_is_replaced_or_deleted_is_said_so() {
    let service = service();
    let mut ana = Live::join(service.public, "plan", "ana", None);
    ana.frame("reset");
    service
        .post("/interactive", &json!({"session": "plan", "content": DRAWING, "operation": "load"}));
    assert_eq!(ana.frame("reset")["why"], "loaded");
    ana.say(&json!({"frame": "reset"}));
    assert_eq!(ana.frame("reset")["why"], "asked");
    assert_eq!(service.ask("DELETE", "/sessions/plan", "", b"").status, 200);
    assert_eq!(ana.close(), (1001, "deleted".to_owned()));
}

#[test]
fn the_ticks_of_a_drag_come_in_order_and_are_one_step_of_undo() {
    let service = service();
    let before = exported(&service);
    let mut ana = Live::join(service.public, "plan", "ana", None);
    ana.frame("reset");
    let start =
        json!({"operation": "drag_start", "element_id": "a", "coordinates": {"x": 1, "y": 2}});
    ana.operate("start", 1, start);
    for tick in 0..50 {
        let at = json!({"x": 1 + tick, "y": 2});
        ana.operate(&format!("t{tick}"), 1, json!({"operation": "drag_move", "coordinates": at}));
    }
    ana.operate("end", 1, json!({"operation": "drag_end", "coordinates": {"x": 61, "y": 2}}));
    let mut last = 0;
    loop {
        let answer = ana.frame("answer");
        let sequence = answer["sequence"].as_u64().expect("a number");
        assert!(sequence >= last);
        last = sequence;
        if answer["id"] == "end" {
            assert_eq!(answer["durable"], true);
            break;
        }
    }
    assert!(exported(&service).contains(r#"x="61""#), "{}", exported(&service));
    ana.operate("undo", last, json!({"operation": "undo"}));
    ana.frame("answer");
    assert_eq!(exported(&service), before);
}

#[test]
fn reconnections_with_pending_edits_duplicate_nothing() {
    let rounds: u64 =
        std::env::var("SVGX_RECONNECTS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let service = service();
    let mut watcher = Live::join(service.public, "plan", "watcher", None);
    watcher.frame("reset");
    let mut token: Option<String> = None;
    let mut pending: BTreeMap<u64, (String, Value)> = BTreeMap::new();
    let mut made = 0_u64;
    let mut seen = 1_u64;
    for round in 0..=rounds {
        let mut live = Live::join(service.public, "plan", "ana", token.as_deref());
        live.patience(Duration::from_secs(60));
        live.frame("hello");
        for (id, operation) in pending.values() {
            live.operate(id, seen, operation.clone());
        }
        for _ in 0..3 {
            made += 1;
            let markup = format!(r#"<rect id="n{made}" x="1" y="1" width="1" height="1"/>"#);
            let add = json!({"operation": "add", "markup": markup});
            live.operate(&format!("o{made}"), seen, add.clone());
            pending.insert(made, (format!("o{made}"), add));
        }
        // The connection is cut after some of what is said, at the end after all of it.
        let until = if round == rounds { usize::MAX } else { (round % 7) as usize };
        let mut taken = 0;
        while taken < until && !(round == rounds && pending.is_empty()) {
            taken += 1;
            match live.read() {
                Message::Text(frame) => match frame["frame"].as_str() {
                    Some("reset" | "patch") => {
                        token = frame["token"].as_str().map(str::to_owned);
                        seen = frame["sequence"].as_u64().expect("a number");
                    }
                    Some("answer") => {
                        let id = frame["id"].as_str().expect("an id");
                        pending.retain(|_, (own, _)| own != id);
                    }
                    Some("problem") => panic!("{frame}"),
                    _ => {}
                },
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
        live.cut();
    }
    // Each of them once, in the drawing and in what everybody was told.
    let drawing = exported(&service);
    for number in 1..=made {
        assert_eq!(drawing.matches(&format!("\"n{number}\"")).count(), 1, "n{number}");
    }
    let mut ids = std::collections::BTreeSet::new();
    while ids.len() < made as usize {
        let patch = watcher.frame("patch");
        assert!(ids.insert(patch["id"].to_string()), "twice: {patch}");
    }
    println!("{} connections cut: {made} edits, each of them once", rounds + 1);
}

#[test]
fn what_was_answered_as_durable_is_there_after_a_kill() {
    let directory = tempfile::tempdir().expect("a directory");
    let flags = ["--rate-limit", "off", "--data-dir", directory.path().to_str().expect("a path")];
    let service = Service::with(&flags, None);
    make(&service);
    let mut ana = Live::join(service.public, "plan", "ana", None);
    let token = ana.frame("reset")["token"].as_str().expect("a token").to_owned();
    let group = json!({"operation": "group", "element_ids": ["a", "b"], "group_id": "g"});
    for (id, operation) in [
        ("1", json!({"operation": "duplicate", "element_id": "a"})),
        ("2", group),
        ("3", json!({"operation": "delete", "element_id": "a"})),
        ("4", set("b", "x", "50")),
    ] {
        ana.operate(id, 1, operation);
        assert_eq!(ana.frame("answer")["durable"], true, "{id}");
    }
    let before = exported(&service);
    service.kill();
    let service = Service::with(&flags, None);
    assert_eq!(exported(&service), before);
    // Whose steps they were is known as well, and that they were done.
    let mut ana = Live::join(service.public, "plan", "ana", Some(&token));
    assert_eq!(ana.frame("hello")["resumed"], false);
    assert_eq!(ana.frame("reset")["why"], "unknown");
    ana.operate("4", 1, set("b", "x", "50"));
    let again = ana.frame("answer");
    assert_eq!((&again["repeated"], &again["sequence"]), (&json!(true), &json!(5)));
    for (id, expected) in [("5", 4), ("6", 3)] {
        ana.operate(id, 5, json!({"operation": "undo"}));
        let answer = ana.frame("answer");
        assert!(answer["outcome"]["result"].get("restored").is_none(), "{answer}");
        assert_eq!(answer["outcome"]["state"]["undo_depth"], expected - 1, "{answer}");
    }
    assert!(exported(&service).contains("id=\"a\""));
}

#[test]
fn who_does_not_read_gets_one_reset_and_holds_up_nobody() {
    let service = service();
    let mut slow = Live::join(service.public, "plan", "slow", None);
    slow.frame("reset");
    let mut quick = Live::join(service.public, "plan", "quick", None);
    quick.frame("reset");
    // More than all buffers on the way hold.
    const EDITS: u64 = 130;
    let value = "x".repeat(120_000);
    for number in 0..EDITS {
        let mut body = set("a", "data-long", &format!("{number}{value}"));
        body["session"] = json!("plan");
        assert_eq!(service.post("/interactive", &body).status, 200);
        // It says that it is there, and reads nothing.
        slow.write(10, b"");
        assert_eq!(quick.frame("patch")["sequence"], number + 2);
    }
    let (mut resets, mut last) = (0, 1);
    while last < EDITS + 1 {
        let frame = match slow.read() {
            Message::Text(frame) => frame,
            Message::Ping(_) => continue,
            other => panic!("{other:?}"),
        };
        match frame["frame"].as_str() {
            Some("reset") => {
                assert_eq!(frame["why"], "slow");
                resets += 1;
                last = frame["sequence"].as_u64().expect("a number");
            }
            Some("patch") => {
                last += 1;
                assert_eq!(frame["sequence"], last);
            }
            _ => {}
        }
    }
    assert_eq!(resets, 1);
    let page = String::from_utf8(service.get("/metrics", "").body).expect("text");
    let series = "svgx_stream_resets_total{svgx_stream_reason=\"slow\"} 1";
    assert!(page.contains(series), "{page}");
    let open = "svgx_stream_open{svgx_stream_transport=\"websocket\"} 2";
    assert!(page.contains(open), "{page}");
}

#[test]
fn the_end_of_the_service_ends_its_streams() {
    let mut service = service();
    let mut ana = Live::join(service.public, "plan", "ana", None);
    ana.frame("reset");
    service.signal(Signal::TERM);
    assert_eq!(ana.close(), (1001, "the service stops".to_owned()));
    ana.cut();
    assert!(service.wait().success());
}

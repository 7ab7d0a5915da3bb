//! `/sessions`: made, listed, edited in structure, copied, exported and deleted over HTTP.

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

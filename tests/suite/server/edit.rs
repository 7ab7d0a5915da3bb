//! `POST /edit` and `svgx edit`, as a client meets them.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::service::Service;

const PLATE: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect id="plate" x="10" y="10" width="40" height="20"/><circle id="drill" cx="30" cy="20" r="5"/></svg>"#;

fn edits() -> Value {
    json!([
        {"operation": "fillet", "element_id": "plate", "vertex": 2, "radius": "4 mm"},
        {"operation": "combine", "element_ids": ["plate", "drill"], "result": "difference"},
    ])
}

#[test]
fn a_list_of_edits_makes_another_drawing_and_says_what_each_did() {
    let service = Service::start();
    let request = json!({ "content": PLATE, "edits": edits() });
    let answer = service.post("/edit", &request);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    let content = answer["content"].as_str().expect("a drawing");
    assert!(content.contains("A4 4 0 0 1") && content.contains("A5 5 0"), "{content}");
    assert!(!content.contains("<circle"), "{content}");
    assert_eq!(answer["changes"][0]["edited"]["changed"], json!(["plate"]));
    assert_eq!(answer["changes"][1]["edited"]["removed"], json!(["drill"]));
    // The same on a session, one after the other.
    for (number, edit) in edits().as_array().into_iter().flatten().enumerate() {
        let mut body = edit.clone();
        if number == 0 {
            body["content"] = json!(PLATE);
        }
        let done = service.post("/interactive", &body);
        assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
        assert_eq!(done.json()["result"]["edited"], answer["changes"][number]["edited"]);
    }
    let drawing = service.ask(
        "POST",
        "/edit",
        "Content-Type: application/json\r\nAccept: image/svg+xml\r\n",
        request.to_string().as_bytes(),
    );
    assert_eq!(String::from_utf8_lossy(&drawing.body), content);
}

#[test]
fn an_edit_that_is_not_possible_is_a_problem_that_names_it() {
    let service = Service::start();
    let problem = |edits: Value| {
        let answer = service.post("/edit", &json!({ "content": PLATE, "edits": edits }));
        (answer.status, answer.json())
    };
    let wide = json!({"operation": "fillet", "element_id": "plate", "vertex": 1, "radius": 30});
    let (status, body) = problem(json!([edits()[0], wide]));
    assert_eq!(status, 409, "{body}");
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("/edits/1: ") && detail.contains("does not fit"), "{body}");
    let (status, body) = problem(json!([{"operation": "fillet", "element_id": "plate"}]));
    assert_eq!(status, 422, "{body}");
    assert_eq!(body["errors"][0]["pointer"], "/edits/0/radius", "{body}");
    let (status, body) = problem(json!([{"operation": "load", "content": PLATE}]));
    assert_eq!(
        (status, &body["errors"][0]["pointer"]),
        (422, &json!("/edits/0/content")),
        "{body}"
    );
    let (status, body) =
        problem(json!([{"operation": "fillet", "element_id": "plat", "radius": 1}]));
    assert_eq!(status, 404, "{body}");
    let answer = service.post("/edit", &json!({ "content": "<svg", "edits": [] }));
    assert_eq!(answer.status, 422);
}

#[test]
fn the_command_edits_a_file_by_a_script() {
    let place = tempfile::tempdir().expect("a directory");
    let file = |name: &str| place.path().join(name);
    std::fs::write(file("plate.svgx"), PLATE).expect("written");
    let run = |script: &Value, flags: &[&str]| {
        std::fs::write(file("edits.json"), script.to_string()).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
        command.arg("edit").arg(file("plate.svgx")).arg("--script").arg(file("edits.json"));
        command.args(flags).output().expect("svgx")
    };
    let done = run(&json!([edits()[0]]), &[]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(text.contains("L46 10 A4 4 0 0 1 50 14"), "{text}");
    let done = run(&edits(), &["--report"]);
    let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(report[1]["edited"]["removed"], json!(["drill"]));
    let done = run(&json!([{"operation": "offset", "element_id": "drill", "distance": -5}]), &[]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(1) && said.contains("edit 1: "), "{said}");
    let done = run(&json!([{"operation": "explode"}]), &[]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("edit 1"));
}

//! `POST /export/dxf`, `POST /export/pdf` and `svgx export`, as a client meets them.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::service::Service;

/// A line on a layer, a text, and a picture that is not in any file.
const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 400 300" arx:units="cm">
  <line x1="10" y1="20" x2="390" y2="20" stroke="#c00" arx:layer="walls"/>
  <text x="10" y="60" font-size="20">Küche</text>
  <image width="9" height="9" href="data:image/png;base64,AAAA"/>
</svg>"##;

#[test]
fn a_drawing_becomes_dxf_that_is_read_back() {
    let service = Service::start();
    let request = json!({ "content": DRAWING, "options": { "version": "R2018" } });
    let file = service.post("/export/dxf", &request);
    assert_eq!(file.status, 200, "{}", String::from_utf8_lossy(&file.body));
    assert_eq!(file.header("content-type"), Some("image/vnd.dxf"));
    assert_eq!(file.header("x-svgx-differences"), Some("dxf-picture;n=1"));
    let text = String::from_utf8(file.body).expect("UTF-8");
    assert!(text.contains("AC1032") && text.contains("Küche"), "{text}");

    let back = service.post("/import/dxf", &json!({ "content": text })).json();
    assert_eq!(back["report"]["unit"], "cm");
    assert_eq!(back["report"]["model"]["drawn"], json!({ "LINE": 1, "TEXT": 1 }));

    let headers = "Content-Type: image/svg+xml\r\nAccept: application/json\r\n";
    let told = service.ask("POST", "/export/dxf", headers, DRAWING.as_bytes()).json();
    assert_eq!(told["report"]["version"], "AC1015");
    assert_eq!(told["report"]["model"], json!({ "LINE": 1, "TEXT": 1 }));
    assert_eq!(told["report"]["notes"][0]["code"], "dxf-picture");
    assert!(told["content"].as_str().is_some_and(|file| file.ends_with("EOF\n")));
}

#[test]
fn a_drawing_becomes_a_page() {
    let service = Service::start();
    let request = json!({ "content": DRAWING, "options": { "scale": "1:20", "size": "A4" } });
    let file = service.post("/export/pdf", &request);
    assert_eq!(file.status, 200, "{}", String::from_utf8_lossy(&file.body));
    assert_eq!(file.header("content-type"), Some("application/pdf"));
    assert!(file.body.starts_with(b"%PDF-1."), "{:?}", file.body.get(..9));
    assert!(file.body.windows(4).any(|bytes| bytes == b"/OCG"));
    assert_eq!(service.post("/export/pdf", &request).body, file.body, "it is not the same twice");
}

#[test]
fn what_cannot_be_is_a_problem_with_its_place() {
    let service = Service::start();
    for (path, options, pointer) in [
        ("/export/pdf", json!({ "scale": "one to fifty" }), "/options/scale"),
        ("/export/pdf", json!({ "scale": "1e9" }), "/options/scale"),
        ("/export/pdf", json!({ "size": "A9" }), "/options/size"),
        ("/export/dxf", json!({ "version": "R13" }), "/options/version"),
    ] {
        let answer = service.post(path, &json!({ "content": DRAWING, "options": options }));
        let body = answer.json();
        assert_eq!(answer.status, 422, "{body}");
        assert!(body.to_string().contains(pointer), "{pointer}: {body}");
    }
    let answer = service.post("/export/dxf", &json!({ "content": "<svg" }));
    assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("invalid-document")));
}

fn run(flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
    command.args(["export", "-"]).args(flags);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("svgx");
    // A command that refuses its flags reads nothing.
    let _ = child.stdin.take().expect("a pipe").write_all(DRAWING.as_bytes());
    child.wait_with_output().expect("an end")
}

#[test]
fn the_command_writes_files_and_says_what_is_not_in_them() {
    let done = run(&["--version", "r12"]);
    assert_eq!(done.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&done.stdout).contains("AC1009"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("2 entities, in cm") && said.contains("dxf-picture"), "{said}");

    let done = run(&["--to", "pdf", "--report"]);
    let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!((&report["page"], &report["scale"]), (&json!([4000.0, 3000.0]), &json!("1:1")));
    assert_eq!((&report["layers"], &report["letters"]), (&json!(["walls"]), &json!(5)));

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sheet.pdf");
    let name = path.to_str().expect("a name");
    let done = run(&["--size", "a3", "-o", name]);
    assert!(String::from_utf8_lossy(&done.stderr).contains("420 by 297 mm, 1:20"), "{done:?}");
    assert!(std::fs::read(&path).expect("a file").starts_with(b"%PDF"));

    for wrong in [&["--to", "dxf", "--scale", "1:5"][..], &["--to", "pdf", "--version", "R12"]] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

//! `POST /import/dxf` and `svgx import`, as a client meets them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::service::Service;

/// A line, a circle on a layer with a name in a code page, and a solid that is not drawn.
const FILE: &str = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n9\n$DWGCODEPAGE\n3\nANSI_1252\n\
    9\n$INSUNITS\n70\n5\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n\
    0\nLINE\n8\n0\n10\n0\n20\n0\n11\n40\n21\n30\n\
    0\nTEXT\n8\n0\n10\n1\n20\n1\n40\n2\n1\n@\n\
    0\n3DSOLID\n8\n0\n0\nENDSEC\n0\nEOF\n";

fn in_its_code_page() -> Vec<u8> {
    let (before, after) = FILE.split_once('@').expect("the place of the text");
    [before.as_bytes(), b"K\xFCche", after.as_bytes()].concat()
}

#[test]
fn a_dxf_file_becomes_a_document_that_the_other_endpoints_read() {
    let service = Service::start();
    let request = json!({ "content": FILE, "options": { "units": "in" } });
    let answer = service.post("/import/dxf", &request);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    assert_eq!(answer["report"]["unit"], "in");
    assert_eq!(answer["report"]["model"]["drawn"], json!({ "LINE": 1, "TEXT": 1 }));
    assert_eq!(answer["report"]["model"]["not_drawn"], json!({ "3DSOLID": 1 }));
    assert_eq!(answer["report"]["extents"], json!([0.0, 0.0, 40.0, 30.0]));
    let parsed = service.post("/parse", &json!({ "content": answer["content"] })).json();
    assert_eq!((&parsed["success"], &parsed["diagnostics"]), (&json!(true), &json!([])));

    // The file itself, by its code page, as the document itself.
    let headers = "Content-Type: image/vnd.dxf\r\nAccept: image/svg+xml\r\n";
    let document = service.ask("POST", "/import/dxf", headers, &in_its_code_page());
    assert_eq!(document.status, 200, "{}", String::from_utf8_lossy(&document.body));
    let text = String::from_utf8(document.body).expect("UTF-8");
    assert!(text.contains(">Küche</text>") && text.contains("arx:units=\"cm\""), "{text}");
}

#[test]
fn what_is_no_dxf_is_a_problem_with_its_place() {
    let service = Service::start();
    let problem = |content: &str| {
        let answer = service.post("/import/dxf", &json!({ "content": content }));
        (answer.status, answer.json())
    };
    let (status, body) = problem("0\nSECTION\n2\nENTITIES\nline\n0\n");
    assert_eq!((status, &body["code"]), (422, &json!("invalid-document")));
    assert_eq!(body["errors"][0]["line"], 5);
    let (status, body) = problem("AutoCAD Binary DXF");
    assert_eq!(status, 422);
    assert!(body.to_string().contains("save it as ASCII DXF"), "{body}");
    let bomb = "0\nBLOCK\n2\nA\n0\nLINE\n0\nENDBLK\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n\
        0\nINSERT\n2\nA\n70\n100000\n71\n100000\n0\nENDSEC\n0\nEOF\n";
    let (status, body) = problem(&format!("0\nSECTION\n2\nBLOCKS\n{bomb}"));
    assert_eq!((status, &body["code"]), (422, &json!("limit-exceeded")), "{body}");
    assert_eq!(body["limit"], 200_000.0);
    let (status, _) = problem("");
    assert_eq!(status, 422);
}

#[test]
fn the_command_writes_the_document_and_says_what_is_not_in_it() {
    let run = |flags: &[&str], file: &[u8]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
        command.args(["import", "-"]).args(flags);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("svgx");
        child.stdin.take().expect("a pipe").write_all(file).expect("room in the pipe");
        child.wait_with_output().expect("an end")
    };
    let done = run(&[], &in_its_code_page());
    assert_eq!(done.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&done.stdout).contains(">Küche</text>"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("2 of 3 entities drawn") && said.contains("dxf-kind: 3DSOLID"), "{said}");
    let done = run(&["--report"], &in_its_code_page());
    let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(report["model"]["entities"], 3);
    assert_eq!(run(&[], b"<svg/>\n").status.code(), Some(1));
}

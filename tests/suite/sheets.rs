//! The example of a sheet: what stands beside it is what the program makes of it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::service::Service;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sheet")
}

fn made(arguments: &[&str], name: &str) -> Vec<u8> {
    let into = tempfile::tempdir().expect("a folder");
    let path = into.path().join(name);
    let done = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(arguments)
        .arg("-o")
        .arg(&path)
        .current_dir(folder())
        .output()
        .expect("svgx");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::read(path).expect("what was made")
}

fn kept(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).expect("what is kept")
}

/// A file of the format without what a compressor makes of it: each stream as it was before.
fn unpacked(pdf: &[u8]) -> Vec<Vec<u8>> {
    let find =
        |needle: &[u8], from: usize| memchr::memmem::find(&pdf[from..], needle).map(|at| from + at);
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(begin) = find(b"stream\n", at).map(|at| at + 7) {
        let Some(end) = find(b"\nendstream", begin) else { break };
        let mut plain = Vec::new();
        let mut decoder = flate2::read::ZlibDecoder::new(&pdf[begin..end]);
        match decoder.read_to_end(&mut plain) {
            Ok(_) => parts.push(plain),
            Err(_) => parts.push(pdf[begin..end].to_vec()),
        }
        at = end + 10;
    }
    parts
}

fn pixels(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a picture");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a picture");
    (info.width, info.height, pixels)
}

#[test]
fn what_stands_beside_the_sheet_is_current() {
    let again = "run examples/sheet/make.sh";
    let dxf = made(&["export", "ground-floor.svgx"], "a.dxf");
    assert!(dxf == kept("ground-floor.dxf"), "ground-floor.dxf: {again}");
    let pdf = made(&["export", "ground-floor.svgx"], "a.pdf");
    let (ours, theirs) = (unpacked(&pdf), unpacked(&kept("ground-floor.pdf")));
    assert!(ours.len() > 2 && ours == theirs, "ground-floor.pdf: {again}");
    let flags = ["--sheet", "A-101", "--scale", "1.2", "--background", "white"];
    let png = made(&[&["render", "ground-floor.svgx"], &flags[..]].concat(), "a.png");
    assert!(pixels(&png) == pixels(&kept("ground-floor.png")), "ground-floor.png: {again}");
}

#[test]
fn the_sheet_and_the_symbols_are_sound() {
    let examples = folder().join("..");
    let mut files = vec![folder().join("ground-floor.svgx")];
    for entry in std::fs::read_dir(examples.join("symbols")).expect("symbols") {
        files.push(entry.expect("an entry").path());
    }
    assert!(files.len() > 8);
    for arguments in [&["check"][..], &["fmt", "--check"]] {
        let done = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(arguments)
            .args(&files)
            .output()
            .expect("svgx");
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && !said.contains("error"), "{arguments:?}: {said}");
    }
}

const PLAN: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 400 200">
  <symbol id="box"><rect width="100" height="50"/></symbol>
  <use id="a" href="#box" arx:component="cabinet"/>
  <use id="b" href="#box" x="90" y="10" arx:component="cabinet"/>
  <use id="c" href="#box" x="194" arx:component="cabinet"/>
  <line id="wall" x1="0" y1="100" x2="300" y2="100" stroke="#000"/>
  <arx:dimensions><arx:dimension of="wall" at="0 130"/><arx:dimension of="gone.left wall"/></arx:dimensions>
  <arx:sheet id="A-1" size="A4" scale="1:2"><arx:title-block title="Wall"/></arx:sheet>
</svg>"##;

#[test]
fn a_drawing_is_presented_over_http() {
    let service = Service::start();
    let compiled = service.post("/compile/svg", &json!({ "content": PLAN })).json();
    let output = compiled["output"].as_str().expect("SVG");
    assert!(output.contains(">300</text>") && !output.contains("A-1"), "{output}");
    let on = |path: &str, sheet: &str| {
        service.post(path, &json!({ "content": PLAN, "options": { "sheet": sheet } }))
    };
    let sheet = on("/compile/svg", "A-1").json();
    assert!(sheet["output"].as_str().is_some_and(|svg| svg.contains(r#"width="297mm""#)));
    let picture = on("/render", "A-1");
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    let page = on("/export/pdf", "A-1");
    assert!(page.status == 200 && page.body.starts_with(b"%PDF"));
    for path in ["/compile/svg", "/render", "/export/pdf"] {
        let wrong = on(path, "A-2");
        let body = wrong.json().to_string();
        assert!(wrong.status == 422 && body.contains("/options/sheet"), "{path}: {body}");
    }
    // What a dimension has lost is told with the drawing.
    let parsed = service.post("/parse", &json!({ "content": PLAN })).json();
    let codes: Vec<&Value> = parsed["diagnostics"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|found| &found["code"])
        .collect();
    assert!(codes.contains(&&json!("dimension-reference")), "{codes:?}");
}

#[test]
fn components_that_interfere_are_answered() {
    let service = Service::start();
    let ask = |question: Value| {
        let mut body = json!({ "content": PLAN });
        body["interference"] = question;
        service.post("/query", &body)
    };
    let answer = ask(json!({ "of": "*", "clearance": "5mm" })).json();
    let found = &answer["interference"];
    assert_eq!(
        (&found["components"], found["pairs"].as_array().map(Vec::len)),
        (&json!(3), Some(2))
    );
    assert_eq!(
        (&found["pairs"][0]["area_mm2"], &found["pairs"][0]["depth_mm"]),
        (&json!(400.0), &json!(10.0))
    );
    assert_eq!(found["pairs"][1]["distance_mm"], json!(4.0));
    let one = ask(json!({ "of": "a c" })).json();
    assert_eq!(one["interference"]["pairs"], json!([]));
    for (question, pointer) in [
        (json!({ "of": "nobody" }), "/interference"),
        (json!({ "clearance": "wide" }), "/interference/clearance"),
        (json!(null), "/interference"),
    ] {
        let refused = ask(question.clone());
        let body = refused.json().to_string();
        assert!(refused.status == 422 && body.contains(pointer), "{question}: {body}");
    }
}

#[test]
fn the_command_says_which_components_interfere() {
    let into = tempfile::tempdir().expect("a folder");
    let path = into.path().join("plan.svgx");
    std::fs::write(&path, PLAN).expect("a drawing");
    let run = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
        command.arg("check").arg(&path).args(flags).output().expect("svgx")
    };
    let done = run(&["--interference", "--clearance", "5mm"]);
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("a and b overlap by 400.000 mm^2, 10.000 mm deep"), "{said}");
    assert!(said.contains("b and c are 4.000 mm apart"), "{said}");
    assert_eq!(run(&["--interference", "--clearance", "wide"]).status.code(), Some(2));
}

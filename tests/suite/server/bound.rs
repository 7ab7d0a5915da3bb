//! Constraints with formulas and formulas that read what is measured, as clients meet them.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::service::Service;
use crate::support::websocket::Live;

const PLAN: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 1000 1000">
  <rect id="frame" x="10" y="10" width="60" height="40"/>
  <rect id="door" x="300" y="10" width="40" height="30"/>
  <arx:object id="grid" type="architecture.grid" system="architecture"><arx:behavior>
    <arx:variables><arx:variable name="bays" value="3"/></arx:variables>
    <arx:calculations><arx:calculation name="clear" formula="gap.measure - 10 mm" unit="cm"/></arx:calculations>
  </arx:behavior></arx:object>
  <arx:constraints>
    <arx:constraint type="fixed" of="frame.top-left"/>
    <arx:constraint id="bay" type="distance" value="20" of="frame.top frame.bottom"/>
    <arx:constraint id="width" type="distance" formula="grid.bays * 20 mm" of="frame.left frame.right"/>
  </arx:constraints>
  <arx:dimensions><arx:dimension id="gap" of="frame.right door.left" at="0 0"/></arx:dimensions>
</svg>"#;

fn exported(service: &Service) -> String {
    String::from_utf8(service.get("/sessions/plan/export", "").body).expect("text")
}

#[test]
fn a_variable_moves_what_a_constraint_holds_in_one_step_and_the_stream_tells_it() {
    let service = Service::start();
    let made = service.post("/sessions", &json!({"content": PLAN, "session": "plan"}));
    assert_eq!(made.status, 200, "{}", made.json());
    let before = exported(&service);
    let mut ana = Live::join(service.public, "plan", "ana", None);
    ana.frame("reset");
    let mut bo = Live::join(service.public, "plan", "bo", None);
    bo.frame("reset");
    ana.operate(
        "a-1",
        1,
        json!({"operation": "set_variable", "element_id": "grid", "name": "bays", "value": "5"}),
    );
    let answer = ana.frame("answer");
    let values = answer["outcome"]["result"]["values_changed"].as_array().cloned();
    let values: Vec<(Value, Value)> = values
        .unwrap_or_default()
        .iter()
        .map(|v| (v["name"].clone(), v["new_value"].clone()))
        .collect();
    let told = |name: &str, value: f64| (json!(name), json!(value));
    assert_eq!(
        values,
        [
            told("grid.bays", 5.0),
            told("width.value", 100.0),
            told("gap.measure", 190.0),
            told("grid.clear", 18.0)
        ]
    );
    let patch = bo.frame("patch");
    let changes: Vec<(&Value, &Value)> = patch["changes"]
        .as_array()
        .map(|all| all.iter().map(|c| (&c["name"], &c["value"])).collect())
        .unwrap_or_default();
    let (five, hundred) = (json!("5"), json!("100"));
    let (value, width, height, twenty) =
        (json!("value"), json!("width"), json!("height"), json!("20"));
    assert_eq!(changes, [(&value, &five), (&width, &hundred), (&height, &twenty)]);
    assert!(exported(&service).contains(r#"width="100" height="20""#), "{}", exported(&service));
    ana.operate("a-2", 2, json!({"operation": "undo"}));
    ana.frame("answer");
    assert_eq!(exported(&service), before);
}

#[test]
fn formulas_of_constraints_and_measures_are_evaluated_checked_and_solved() {
    let service = Service::start();
    let answer = service.post("/evaluate", &json!({ "content": PLAN }));
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(
        answer["constraints"],
        json!([{"constraint_id": "width", "formula": "grid.bays * 20 mm", "value": 60.0, "unit": "mm"}])
    );
    let clear = &answer["results"][0]["behavior"]["calculations"][0];
    assert_eq!((&clear["value"], &clear["unit"]), (&json!(22.0), &json!("cm")));
    // What cannot be measured is no number.
    let lost = PLAN.replace("door.left", "gate.left");
    let answer = service.post("/evaluate", &json!({ "content": lost })).json();
    let clear = &answer["results"][0]["behavior"]["calculations"][0];
    assert_eq!((&answer["success"], &clear["value"]), (&json!(false), &Value::Null));
    assert_eq!(clear["error"]["code"], "dimension-reference");
    let wide = PLAN.replace(r#"name="bays" value="3""#, r#"name="bays" value="7""#);
    let solved = service.post("/constraints/solve", &json!({ "content": wide })).json();
    let moved = &solved["attributes_changed"][0];
    assert_eq!((&moved["name"], &moved["new_value"]), (&json!("width"), &json!("140")), "{solved}");
    let circle = PLAN.replace("grid.bays * 20 mm", "gap.measure / 2");
    let refused = service.post("/constraints/solve", &json!({ "content": circle }));
    assert_eq!(refused.status, 422);
    let refused = refused.json();
    assert!(refused.to_string().contains("width -> gap.measure"), "{refused}");
    assert_eq!(refused["errors"][0]["code"], "formula-cycle", "{refused}");
}

#[test]
fn the_examples_measure_and_hold() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = run(&["evaluate", "examples/sheet/ground-floor.svgx", "--format", "json"]);
    assert_eq!(code, Some(0), "{text}");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let footprint = &answer["results"][0];
    assert_eq!((&footprint["name"], &footprint["unit"]), (&json!("footprint"), &json!("m^2")));
    let area = footprint["value"].as_f64().expect("a number");
    assert!((area - 96.0).abs() < 1e-9, "{area}");
    let (code, text) = run(&["evaluate", "examples/sketch.svgx"]);
    assert!(code == Some(0) && text.contains("slot-span"), "{text}");
    let (code, text) =
        run(&["check", "--quiet", "examples/sketch.svgx", "examples/sheet/ground-floor.svgx"]);
    assert_eq!(code, Some(0), "{text}");
}

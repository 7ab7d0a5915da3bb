//! `POST /constraints/solve` and `svgx solve`, as a client meets them.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::service::Service;

const SKETCH: &str = include_str!("../../../examples/sketch.svgx");

fn drawing(body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"0 0 99 99\">\n{body}\n</svg>"
    )
}

#[test]
fn a_drawing_is_solved_diagnosed_and_answered_with_the_solution_in_it() {
    let service = Service::start();
    for root in ["", "/api/v1"] {
        let body = json!({ "content": SKETCH, "options": { "drawing": true } });
        let answer = service.post(&format!("{root}/constraints/solve"), &body);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        assert_eq!(answer["outcome"], "solved");
        assert_eq!((&answer["tier"], &answer["partial"]), (&json!("compute"), &json!(false)));
        assert!(answer["residual_mm"].as_f64().unwrap() <= 0.001);
        assert_eq!(answer["diagnosis"]["status"], "fully_constrained", "{}", answer["diagnosis"]);
        let changed = answer["attributes_changed"].as_array().unwrap();
        assert!(changed.iter().any(|c| c["element_id"] == "plate" && c["name"] == "d"));
        // What came back holds: nothing moves any more.
        let again =
            json!({ "content": answer["svgx_content"], "options": { "precision": "edit" } });
        let again = service.post("/constraints/solve", &again).json();
        assert_eq!(again["attributes_changed"], json!([]));
    }
}

#[test]
fn a_sketch_in_json_is_dragged_as_far_as_its_constraints_leave_room() {
    let service = Service::start();
    let problem = json!({
        "entities": [
            { "id": "hub", "type": "point", "x": 0, "y": 0 },
            { "id": "hand", "type": "point", "x": 5, "y": 0 },
        ],
        "constraints": [
            { "type": "fixed", "of": ["hub"] },
            { "id": "length", "type": "distance", "of": ["hub", "hand"], "value": 5 },
        ],
    });
    let pull = json!([{ "point": "hand", "x": 30, "y": 40 }]);
    let body = json!({ "problem": problem, "options": { "targets": pull } });
    let answer = service.post("/constraints/solve", &body).json();
    assert_eq!(answer["diagnosis"]["status"], "under_constrained");
    let (x, y) = (&answer["entities"][1]["x"], &answer["entities"][1]["y"]);
    assert!((x.as_f64().unwrap() - 3.0).abs() < 0.01, "{answer}");
    assert!((y.as_f64().unwrap() - 4.0).abs() < 0.01, "{answer}");
}

#[test]
fn an_inconsistent_sketch_keeps_the_earlier_constraint_and_names_what_contradicts() {
    let service = Service::start();
    let content = drawing(
        "<line id='a' x1='1' y1='1' x2='31' y2='1'/>\n<arx:constraints>\
         <arx:constraint id='one' type='distance' of='a.start a.end' value='30'/>\
         <arx:constraint id='level' type='horizontal' of='a'/>\
         <arx:constraint id='two' type='distance' of='a.start a.end' value='3.5' unit='cm'/>\
         </arx:constraints>",
    );
    let answer = service.post("/constraints/solve", &json!({ "content": content })).json();
    assert_eq!(answer["outcome"], "inconsistent", "{answer}");
    assert_eq!(answer["attributes_changed"], json!([]));
    assert_eq!(answer["diagnosis"]["status"], "conflicting");
    let conflict = &answer["diagnosis"]["conflicts"][0];
    assert_eq!(conflict, &json!({ "constraints": ["one", "two"], "minimal": true }));
}

#[test]
fn the_answer_says_what_gave_way_what_is_redundant_and_whether_there_is_anything_to_solve() {
    let service = Service::start();
    // The shapes, the constraints, and parts of the answer with what they are to be.
    let cases = [
        (
            "<circle id='o' cx='50' cy='50' r='10'/><circle id='i' cx='50' cy='50' r='8'/>",
            "<arx:constraint id='size' type='radius' of='o' value='10'/>\
             <arx:constraint id='gap' type='offset' of='o i' value='15'/>",
            json!({
                "/outcome": "inconsistent",
                "/unsatisfied/0/constraint": "gap",
                "/undrawable/0/entity": "i",
                "/undrawable/0/size": "radius",
                "/undrawable/0/value_mm": -5.0,
                "/diagnosis/conflicts/0/constraints": ["size", "gap"],
                "/attributes_changed": [],
            }),
        ),
        (
            "<line id='a' x1='1' y1='1' x2='30' y2='1'/><line id='b' x1='1' y1='9' x2='30' y2='9'/>",
            "<arx:constraint type='coincident' of='a.start b.start'/>\
             <arx:constraint id='h1' type='horizontal' of='a'/>\
             <arx:constraint id='h2' type='horizontal' of='b'/>\
             <arx:constraint id='both' type='parallel' of='a b'/>",
            json!({
                "/outcome": "solved",
                "/diagnosis/redundant/0/constraint": "both",
                "/diagnosis/redundant/0/implied_by": ["h1", "h2"],
            }),
        ),
        (
            "<line id='a' x1='1' y1='1' x2='30' y2='1'/>",
            "",
            json!({ "/outcome": "solved", "/diagnosis/status": "unconstrained" }),
        ),
    ];
    for (shapes, constraints, expected) in cases {
        let content = drawing(&format!("{shapes}<arx:constraints>{constraints}</arx:constraints>"));
        let answer = service.post("/constraints/solve", &json!({ "content": content })).json();
        for (pointer, value) in expected.as_object().unwrap() {
            assert_eq!(answer.pointer(pointer), Some(value), "{pointer}: {answer}");
        }
    }
}

/// The problem document of a request that cannot be solved.
fn problem(service: &Service, body: &Value) -> Value {
    let answer = service.post("/constraints/solve", body);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!((400..500).contains(&answer.status), "{} {text}", answer.status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    answer.json()
}

#[test]
fn what_cannot_be_meant_is_a_problem_that_names_the_element_and_its_line() {
    let service = Service::start();
    let shapes = "<line id='a' x1='1' y1='1' x2='9' y2='2'/><line id='b' x1='1' y1='5' x2='9' y2='6'/>\
                  <circle id='k' cx='5' cy='5' r='2'/><ellipse id='e' rx='2' ry='1'/>\
                  <line id='z' x1='3' y1='3' x2='3' y2='3'/>\
                  <circle id='s' cx='5' cy='5' r='2' transform='scale(1 2)'/>\
                  <path id='p' d='M0 0C1 1 2 2 3 3'/><rect id='n' width='-4' height='2'/>";
    let cases = [
        ("type='fixed' of='nobody'", "constraint-unknown-entity", "nobody"),
        ("type='fixed' of='a.middle'", "constraint-unknown-feature", "middle"),
        ("type='glued' of='a'", "constraint-type", "glued"),
        ("type='parallel' of='a'", "constraint-arity", "parallel takes two or more lines"),
        ("type='parallel' of='a k'", "constraint-arity", "line, circle"),
        ("type='parallel' of='a a'", "constraint-arity", "named twice"),
        ("type='distance' of='a.start a.end' value='-3'", "constraint-negative", "-3 mm"),
        ("type='distance' of='a.start a.end'", "constraint-value", "needs a value"),
        ("type='parallel' of='a b' value='3'", "constraint-value", "takes no value"),
        ("type='distance' of='a.start a.end' value='3 mm' unit='cm'", "constraint-unit", "mm"),
        ("type='distance' of='a.start a.end' value='3 deg'", "constraint-unit", "deg"),
        ("type='distance' of='a.start a.end' value='wide'", "constraint-unit", "wide"),
        ("type='angle' of='a b' value='3mm'", "constraint-unit", "no unit of an angle"),
        ("type='angle' of='a b' value='270'", "constraint-angle", "270"),
        ("type='distance' of='a.start a.end' value='1e300'", "constraint-number", "usable"),
        ("type='distance' of='a.start a.end' value='3' soft='-1'", "constraint-weight", "-1"),
        ("type='horizontal' of='z'", "constraint-zero-length", "no direction"),
        ("type='radius' of='e' value='3'", "constraint-shape", "ellipse"),
        ("type='radius' of='s' value='3'", "constraint-shape", "elliptical"),
        ("type='fixed' of='p'", "constraint-shape", "not circular"),
        ("type='fixed' of='n'", "constraint-negative", "width"),
    ];
    for (attributes, code, words) in cases {
        let content = drawing(&format!(
            "{shapes}\n<arx:constraints>\n<arx:constraint type='horizontal' of='b'/>\n\
             <arx:constraint id='wrong' {attributes}/>\n</arx:constraints>"
        ));
        let problem = problem(&service, &json!({ "content": content }));
        let found = &problem["errors"][0];
        assert_eq!(found["code"], code, "{attributes}: {problem}");
        assert!(found["message"].as_str().unwrap().contains(words), "{attributes}: {problem}");
        let line = found["line"].as_u64().unwrap();
        // What is wrong with a shape is shown at the shape.
        let shape = matches!(code, "constraint-shape" | "constraint-zero-length")
            || (code, words) == ("constraint-negative", "width");
        assert_eq!(line, if shape { 2 } else { 5 }, "{attributes}: {problem}");
    }
}

#[test]
fn what_cannot_be_meant_in_json_has_a_pointer_and_a_line() {
    let service = Service::start();
    let point = |id: &str| json!({ "id": id, "type": "point", "x": 0, "y": 0 });
    let sketch = |constraint: Value| {
        json!({ "problem": { "entities": [point("p"), point("q")],
            "constraints": [{ "type": "fixed", "of": ["p"] }, constraint] } })
    };
    let many: Vec<Value> = (0..20_001).map(|_| json!({ "type": "fixed", "of": ["p"] })).collect();
    let cases = [
        (sketch(json!({ "type": "coincident", "of": ["p", "x"] })), "/problem/constraints/1"),
        (
            sketch(json!({ "type": "distance", "of": ["p", "q"], "value": -1 })),
            "/problem/constraints/1",
        ),
        (sketch(json!({ "type": "glued", "of": ["p"] })), "/problem/constraints"),
        (json!({ "problem": { "entities": [point("p"), point("p")] } }), "/problem/entities/1"),
        (
            json!({ "problem": { "entities": [point("p")] },
                "options": { "targets": [{ "point": "q", "x": 1, "y": 1 }] } }),
            "/options/targets",
        ),
        (json!({ "problem": { "entities": [] }, "content": "<svg/>" }), "/problem"),
        (json!({}), "/content"),
    ];
    for (body, pointer) in cases {
        let problem = problem(&service, &body);
        let found = &problem["errors"][0];
        assert!(found["pointer"].as_str().unwrap().starts_with(pointer), "{problem}");
        assert!(pointer == "/content" || found["line"].is_u64(), "{problem}");
    }
    let body = json!({ "problem": { "entities": [point("p")], "constraints": many } });
    let problem = problem(&service, &body);
    assert_eq!((&problem["limit"], &problem["value"]), (&json!(20000.0), &json!(20001.0)));
}

#[test]
fn the_command_solves_a_drawing_and_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let solved = folder.path().join("solved.svgx");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sketch.svgx");
    let svgx = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_svgx")).args(arguments).output().unwrap()
    };
    let path = solved.to_str().unwrap();
    let output = svgx(&["solve", example, "-o", path]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("fully constrained; degrees of freedom: 0"), "{text}");
    let json = svgx(&["solve", path, "--format", "json", "--tier", "edit"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["outcome"], &json["iterations"]), (&json!("solved"), &json!(0)));
    let wrong = folder.path().join("wrong.svgx");
    let text =
        drawing("<arx:constraints>\n<arx:constraint type='fixed' of='x'/></arx:constraints>");
    std::fs::write(&wrong, text).unwrap();
    let output = svgx(&["solve", wrong.to_str().unwrap()]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("wrong.svgx:3:") && errors.contains("`x`"), "{errors}");
}

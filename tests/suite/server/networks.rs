//! `POST /networks/solve` and `svgx network`, as a client meets them.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::service::Service;

/// One system of each kind, each of which has an answer in closed form.
pub(super) const KINDS: &str = r#"
  <path id="drawn" d="M0 0H3000V4000" fill="none" stroke="black" arx:object="p1"/>
  <circle id="foot" cx="0" cy="5000" r="100" arx:object="foot"/>
  <circle id="tip" cx="5000" cy="5000" r="100" arx:object="tip"/>
  <arx:object id="tank" type="plumbing.tank"/>
  <arx:object id="tap" type="plumbing.tap"/>
  <arx:object id="board" type="electrical.panel"/>
  <arx:object id="lamp" type="electrical.light"/>
  <arx:object id="outside" type="architecture.outside"/>
  <arx:object id="room" type="architecture.room"/>
  <arx:system id="cold" type="plumbing" network="water">
    <arx:components>
      <arx:component ref="tank" type="reservoir" head="20 m"/>
      <arx:component ref="tap" type="demand" flow="0.5 L/s"/>
    </arx:components>
    <arx:connections><arx:connection id="p1" from="tank" to="tap" type="pipe" diameter="20 mm"/></arx:connections>
  </arx:system>
  <arx:system id="vent" type="hvac" network="air">
    <arx:components>
      <arx:component ref="outside" type="outside"/>
      <arx:component ref="room" type="demand" flow="0.1 m^3/s"/>
    </arx:components>
    <arx:connections><arx:connection id="grille" from="outside" to="room" type="valve" k="2" diameter="200 mm"/></arx:connections>
  </arx:system>
  <arx:system id="power" type="electrical" network="electrical">
    <arx:components>
      <arx:component ref="board" type="source" voltage="400 V" phases="ABCN"/>
      <arx:component ref="lamp" type="load" power="2.3 kW" model="impedance" phases="AN"/>
    </arx:components>
    <arx:connections><arx:connection id="c1" from="board" to="lamp" type="power" phases="AN" resistance="0.5 ohm"/></arx:connections>
  </arx:system>
  <arx:system id="warmth" type="hvac" network="heat">
    <arx:components>
      <arx:component ref="room" type="room" temperature="20 C"/>
      <arx:component ref="outside" type="outside" temperature="-10 C"/>
    </arx:components>
    <arx:connections><arx:connection id="wall" from="room" to="outside" type="conduction" u="0.35 W/(m^2*K)" area="96 m^2"/></arx:connections>
  </arx:system>
  <arx:system id="beam" type="architecture" network="frame">
    <arx:components>
      <arx:component ref="foot" type="support" fixed="xyr"/>
      <arx:component ref="tip" type="node" load="30 kN"/>
    </arx:components>
    <arx:connections><arx:connection id="m" from="foot" to="tip" type="member" modulus="210 GPa" area="0.00626 m^2" inertia="8e-5 m^4"/></arx:connections>
  </arx:system>"#;

pub(super) fn drawing(body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"0 0 9000 9000\" width=\"900\" height=\"900\" arx:units=\"mm\">{body}\n</svg>"
    )
}

fn solve(service: &Service, body: &Value) -> Value {
    let answer = service.post("/networks/solve", body);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// The value and the unit of a quantity of a node or link.
#[track_caller]
fn quantity<'v>(answer: &'v Value, system: &str, element: &str, name: &str) -> (f64, &'v str) {
    let named = |list: &'v Value, key: &str, name: &str| {
        list.as_array().into_iter().flatten().find(|v| v[key] == name)
    };
    let system = named(&answer["systems"], "system", system).expect("the system");
    let element = named(&system["nodes"], "name", element)
        .or_else(|| named(&system["links"], "name", element))
        .expect("the element");
    let value = named(&element["values"], "name", name).expect("the quantity");
    (value["value"].as_f64().expect("a value"), value["unit"].as_str().expect("a unit"))
}

#[test]
fn every_kind_of_network_is_solved_and_answered_with_units() {
    let service = Service::start();
    let content = drawing(KINDS);
    let volts = 400.0 / 3f64.sqrt();
    let expected = [
        ("cold", "p1", "flow", 0.0005, "m^3/s"),
        ("cold", "p1", "velocity", 0.0005 / (std::f64::consts::FRAC_PI_4 * 0.0004), "m/s"),
        ("cold", "tank", "head", 20.0, "m"),
        ("vent", "grille", "flow", 0.1, "m^3/s"),
        ("vent", "room", "pressure", -1.204 * (0.1 / 0.031_415_926_535_9f64).powi(2), "Pa"),
        ("power", "c1", "current", volts / (volts * volts / 2300.0 + 1.0), "A"),
        ("warmth", "wall", "heat", 1008.0, "W"),
        ("beam", "tip", "down", 0.074_404_761_904_8, "m"),
        ("beam", "foot", "reaction up", 30e3, "N"),
    ];
    for root in ["", "/api/v1"] {
        let answer =
            service.post(&format!("{root}/networks/solve"), &json!({ "content": content }));
        let answer = answer.json();
        assert_eq!((&answer["status"], &answer["success"]), (&json!("success"), &json!(true)));
        assert_eq!(
            (&answer["precision"], &answer["precision_asked"]),
            (&json!("compute"), &json!("compute"))
        );
        let systems = answer["systems"].as_array().unwrap();
        let networks: Vec<&str> = systems.iter().filter_map(|s| s["network"].as_str()).collect();
        assert_eq!(networks, ["water", "air", "electrical", "heat", "frame"]);
        for system in systems {
            assert_eq!((&system["state"], &system["solved"]), (&json!("normal"), &json!(true)));
            let effort = &system["effort"];
            assert_eq!(effort["converged"], true, "{system}");
            assert!(
                effort["residual"]["energy"].as_f64().unwrap()
                    <= effort["tolerance"].as_f64().unwrap()
            );
        }
        for (system, element, name, value, unit) in expected {
            let (found, of) = quantity(&answer, system, element, name);
            assert!(
                (found - value).abs() <= 1e-5 * value.abs(),
                "{element} {name}: {found} {value}"
            );
            assert_eq!(of, unit);
        }
        assert_eq!(answer["statistics"]["systems"], 5);
    }
    // As the drawing itself, and some systems of it.
    let raw =
        service.send("/networks/solve", "Content-Type: image/svg+xml\r\n", content.as_bytes());
    assert_eq!(raw.json()["systems"].as_array().unwrap().len(), 5);
    let some = json!({ "content": content, "options": { "systems": ["beam", "cold"] } });
    let some = solve(&service, &some);
    let systems: Vec<&str> =
        some["systems"].as_array().unwrap().iter().filter_map(|s| s["system"].as_str()).collect();
    assert_eq!(systems, ["cold", "beam"]);
    // A drawing without a network has nothing to solve, and a session has its drawing.
    let none = solve(&service, &json!({ "content": drawing("") }));
    assert_eq!((&none["systems"], &none["success"]), (&json!([]), &json!(true)));
    let loaded = service.post("/sessions", &json!({ "content": content, "session": "house" }));
    assert_eq!(loaded.status, 200);
    let kept = solve(&service, &json!({ "session": "house", "options": { "precision": "edit" } }));
    assert_eq!(kept["precision"], "edit");
    assert!((quantity(&kept, "warmth", "wall", "heat").0 - 1008.0).abs() < 1e-6);
}

#[test]
fn equal_drawings_have_equal_answers_and_nothing_is_a_negative_zero() {
    let service = Service::start();
    let content = drawing(KINDS);
    let mut systems = Vec::new();
    for _ in 0..2 {
        let answer = service.post("/networks/solve", &json!({ "content": content }));
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert!(!text.contains("-0.0,") && !text.contains("-0.0}"), "{text}");
        systems.push(answer.json()["systems"].to_string());
    }
    assert_eq!(systems[0], systems[1]);
}

#[test]
fn what_is_wrong_names_its_elements_and_its_place_and_the_rest_is_answered() {
    let service = Service::start();
    let water = |pipe: &str, more: &str| {
        drawing(&format!(
            "\n<arx:system id='cold' type='plumbing' network='water'><arx:components>\
             <arx:component ref='tank' type='reservoir' head='20 m'/>\
             <arx:component ref='tap' type='demand' flow='0.5 L/s'/></arx:components>\n\
             <arx:connections>\n<arx:connection id='p1' from='tank' to='tap' type='pipe' {pipe}/>\n\
             {more}</arx:connections></arx:system>"
        ))
    };
    let sound = "length='8 m' diameter='20 mm'";
    // What is written, the code, severity and state of what is found, its words and its line.
    let cases = [
        (
            water(
                sound,
                "<arx:connection id='v' from='tap' to='far' type='valve' kv='2 m^3/h' open='no'/><arx:connection id='p2' from='far' to='end' type='pipe' length='1 m' diameter='20 mm'/>",
            ),
            "network-floating",
            "warning",
            "unknown",
            "nothing fixes the pressure of far and end",
            5,
        ),
        (
            water("length='8 m' diameter='20 kg'", ""),
            "network-unit",
            "error",
            "failed",
            "diameter of p1",
            4,
        ),
        (
            water("length='8 m' diameter='0.02'", ""),
            "network-unit",
            "warning",
            "warning",
            "diameter of p1 is 0.02 without a unit: taken as m",
            4,
        ),
        (
            water("length='8 m' diameter='-20 mm'", ""),
            "network-quantity",
            "error",
            "failed",
            "p1: its diameter is -0.02, it has to be positive",
            4,
        ),
        (
            water("diameter='20 mm'", ""),
            "network-quantity",
            "error",
            "failed",
            "p1 has no length",
            4,
        ),
        (
            water("length='8 m' diameter='20 mm' open='no'", ""),
            "network-island",
            "warning",
            "failed",
            "tap gets no water: p1 is closed; 0.5 L/s are not delivered",
            4,
        ),
        (
            water(sound, "").replace("network='water'", "network='watre'"),
            "network-quantity",
            "error",
            "failed",
            "did you mean `water`?",
            2,
        ),
    ];
    for (content, code, severity, state, words, line) in cases {
        let answer = solve(&service, &json!({ "content": content }));
        let system = &answer["systems"][0];
        let all = system["diagnostics"].as_array().unwrap();
        let found = all.iter().find(|d| d["message"].as_str().unwrap().contains(words));
        let found = found.unwrap_or_else(|| panic!("{words}: {system}"));
        assert_eq!(
            (&found["code"], &found["severity"]),
            (&json!(code), &json!(severity)),
            "{found}"
        );
        assert_eq!((&found["state"], &found["line"]), (&json!(state), &json!(line)), "{found}");
        assert!(found["column"].as_u64().is_some_and(|c| c > 0), "{found}");
        assert!(!found["elements"].as_array().unwrap().is_empty(), "{found}");
        assert_eq!(answer["success"], json!(state == "warning"), "{answer}");
    }
    // What is cut off has no value; what is not, has.
    let cut = water(
        sound,
        "<arx:connection id='v' from='tap' to='far' type='valve' kv='2 m^3/h' open='no'/>",
    );
    let cut = cut.replace(
        "<arx:component ref='tap'",
        "<arx:component ref='far' type='demand' flow='1 L/s'/><arx:component ref='tap'",
    );
    let answer = solve(&service, &json!({ "content": cut }));
    assert!((quantity(&answer, "cold", "p1", "flow").0 - 0.0005).abs() < 1e-9);
    let nodes = answer["systems"][0]["nodes"].as_array().unwrap();
    let far = nodes.iter().find(|n| n["name"] == "far").unwrap();
    assert_eq!(far["values"][0], json!({ "name": "pressure", "value": null, "unit": "Pa" }));
    assert_eq!(answer["status"], "partial");
}

/// The problem document of a request that cannot be solved.
fn problem(service: &Service, body: &Value) -> Value {
    let answer = service.post("/networks/solve", body);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!((400..500).contains(&answer.status), "{} {text}", answer.status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    answer.json()
}

#[test]
fn what_cannot_be_meant_has_a_pointer_and_says_what_was_meant() {
    let service = Service::start();
    let content = drawing(&KINDS.replacen(" network=\"frame\"", "", 1));
    let options = |options: Value| json!({ "content": content, "options": options });
    for (body, pointer, words) in [
        (
            options(json!({ "systems": ["power", "vnet"] })),
            "/options/systems/1",
            "did you mean `vent`?",
        ),
        (options(json!({ "systems": ["beam"] })), "/options/systems/0", "`beam` is no network"),
        (options(json!({ "sistems": [] })), "/options/sistems", "did you mean `systems`?"),
        (options(json!({ "precision": "edti" })), "/options/precision", "did you mean `edit`?"),
        (options(json!({ "systems": "power" })), "/options/systems", "a list"),
        (json!({}), "/content", "missing"),
    ] {
        let problem = problem(&service, &body);
        let found = &problem["errors"][0];
        assert_eq!(found["pointer"], pointer, "{problem}");
        assert!(found["message"].as_str().unwrap().contains(words), "{problem}");
    }
}

#[test]
fn hostile_sizes_are_answered_or_refused_with_the_limit() {
    let service = Service::start();
    // Quantities at the ends of what a number holds, and names that are long and many.
    let long = "x".repeat(60_000);
    let bodies = [
        "<arx:system id='s' type='plumbing' network='water'><arx:components><arx:component ref='a' type='tank' head='1e308 m'/><arx:component ref='b' type='tank' head='-1e308 m'/></arx:components><arx:connections><arx:connection id='p' from='a' to='b' type='pipe' length='1e-300 m' diameter='1e300 m'/></arx:connections></arx:system>".to_owned(),
        "<arx:system id='s' type='electrical' network='electrical'><arx:components><arx:component ref='a' type='source' voltage='1e300 V' fault='1e-300 A'/><arx:component ref='b' type='load' power='1e308 W' pf='1e-300'/></arx:components><arx:connections><arx:connection from='a' to='b' resistance='1e-308 ohm'/></arx:connections></arx:system>".to_owned(),
        format!(
            "<arx:system id='s' type='architecture' network='frame'><arx:connections><arx:connection id='m' from='{long}' to='b' type='{long}' modulus='{long}'/></arx:connections></arx:system>"
        ),
        format!(
            "<arx:system id='s' type='hvac' network='heat'><arx:components><arx:component ref='a' temperature='1e308 C'/></arx:components><arx:connections>{}</arx:connections></arx:system>",
            "<arx:connection from='a' to='b' conductance='1e300 W/K'/>".repeat(2_000)
        ),
        format!(
            "<arx:system id='s' type='plumbing' network='water'><arx:connections>{}</arx:connections></arx:system>",
            "<arx:connection from='a' to='a' type='prv' kv='1 m^3/h' pressure='1 bar'/>"
                .repeat(2_000)
        ),
    ];
    for body in bodies {
        let answer = service.post("/networks/solve", &json!({ "content": drawing(&body) }));
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status < 500, "{} {text}", answer.status);
        if answer.status == 200 {
            let answer = answer.json();
            assert_eq!(answer["success"], false, "{}", &text[..text.len().min(2_000)]);
            let told = answer["systems"][0]["diagnostics"].as_array().unwrap();
            assert!((1..=400).contains(&told.len()), "{}", told.len());
        }
    }
}

#[test]
fn the_command_prints_what_the_service_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.svgx");
    std::fs::write(&path, drawing(KINDS)).unwrap();
    let svgx = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_svgx")).args(arguments).output().unwrap()
    };
    let path = path.to_str().unwrap();
    let human = svgx(&["network", path]);
    let text = String::from_utf8(human.stdout).unwrap();
    assert!(human.status.success(), "{text}");
    assert!(text.contains("vent (air): solved") && text.contains("heat 1008 W"), "{text}");
    let json = svgx(&["network", path, "--format", "json", "--system", "beam"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json[0]["system"], &json[0]["network"]), (&json!("beam"), &json!("frame")));
    let wrong = svgx(&["network", path, "--system", "baem"]);
    let errors = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(errors.contains("did you mean `beam`?"), "{errors}");
}

#[test]
fn what_a_network_shows_without_solving_is_a_finding_of_parse_and_check() {
    let service = Service::start();
    let cut = drawing(&KINDS.replacen("type=\"pipe\"", "type=\"pipe\" open=\"no\"", 1));
    let parsed = service.post("/parse", &json!({ "content": cut })).json();
    let all = parsed["diagnostics"].as_array().unwrap();
    let found = all.iter().find(|d| d["code"] == "network-island").expect("a finding");
    assert_eq!((&found["severity"], &found["line"]), (&json!("warning"), &json!(16)), "{found}");
    assert_eq!(found["message"], "tap gets no water: p1 is closed");
    // Nothing of it where it is sound, or where nothing is to be listed.
    for (content, validate) in [(drawing(KINDS), true), (cut.clone(), false)] {
        let body = json!({ "content": content, "options": { "validate": validate } });
        let text = service.post("/parse", &body).json()["diagnostics"].to_string();
        assert!(!text.contains("network-"), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.svgx");
    std::fs::write(&path, cut.replacen("96 m^2", "96 kg", 1)).unwrap();
    let checked =
        Command::new(env!("CARGO_BIN_EXE_svgx")).arg("check").arg(&path).output().unwrap();
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{text}");
    assert!(text.contains("tap gets no water") && text.contains("area of wall"), "{text}");
}

const WATER: &str = include_str!("../../../examples/networks/water.svgx");
const FRAME: &str = include_str!("../../../examples/networks/frame.svgx");

#[test]
fn a_quantity_is_drawn_over_the_drawing_with_its_legend() {
    let service = Service::start();
    let compile = |content: &str, overlay: &str| {
        let body = json!({ "content": content, "options": { "overlay": overlay } });
        let answer = service.post("/compile/svg", &body);
        (answer.status, answer.json())
    };
    let count = |text: &str, part: &str| text.matches(part).count();
    let (status, flows) = compile(WATER, "cold.flow");
    let svg = flows["output"].as_str().unwrap();
    assert_eq!((status, count(svg, "class=\"net-link\"")), (200, 6), "{svg}");
    assert_eq!(count(svg, "class=\"net-link net-failed\""), 1);
    assert_eq!(count(svg, "class=\"net-arrow\""), 6);
    for words in ["cold: flow", "1.4 L/s", "0.3 L/s", "stroke-dasharray"] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    // What is drawn is no network, and the drawing without an overlay has none of it.
    let again = solve(&service, &json!({ "content": svg }));
    assert_eq!(again["systems"], json!([]));
    let plain = service.post("/compile/svg", &json!({ "content": WATER })).json();
    assert!(!plain["output"].as_str().unwrap().contains("net-"));
    let (_, pressures) = compile(WATER, "cold.pressure");
    let svg = pressures["output"].as_str().unwrap();
    assert_eq!((count(svg, "class=\"net-node\""), count(svg, "kPa")), (7, 8), "{svg}");
    let (_, moments) = compile(FRAME, "hall.moment");
    let svg = moments["output"].as_str().unwrap();
    assert_eq!((count(svg, "class=\"net-bent\""), count(svg, "class=\"net-moment\"")), (5, 5));
    // The same as a picture, and of a session.
    let picture =
        |options: Value| service.post("/render", &json!({ "content": WATER, "options": options }));
    let (bare, over) = (picture(json!({})), picture(json!({ "overlay": "cold.velocity" })));
    assert_eq!((bare.status, over.status), (200, 200));
    assert!(over.body.starts_with(b"\x89PNG") && over.body != bare.body);
    let loaded = service.post("/sessions", &json!({ "content": WATER, "session": "water" }));
    assert_eq!(loaded.status, 200);
    let svg = service.get("/sessions/water/drawing.svg?overlay=cold.head", "");
    assert!(String::from_utf8_lossy(&svg.body).contains("cold: head"));
    let png = service.get("/sessions/water/drawing.png?overlay=cold.head&width=300", "");
    assert!(png.status == 200 && png.body.starts_with(b"\x89PNG"));
}

#[test]
fn an_overlay_that_is_none_is_refused_with_what_was_meant() {
    let service = Service::start();
    for (overlay, words) in [
        ("cold", "is no system and quantity"),
        ("colt.flow", "did you mean `cold`?"),
        ("cold.folw", "did you mean `flow`?"),
        ("cold.current", "known are flow, velocity, pressure, head and supplied"),
    ] {
        for path in ["/compile/svg", "/render"] {
            let body = json!({ "content": WATER, "options": { "overlay": overlay } });
            let answer = service.post(path, &body);
            let problem = answer.json();
            assert_eq!(
                (answer.status, &problem["errors"][0]["pointer"]),
                (422, &json!("/options/overlay"))
            );
            assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
        }
    }
}

#[test]
fn an_answer_says_what_is_joined_what_is_beyond_its_bounds_and_how_far_values_may_be_off() {
    let service = Service::start();
    let bounded = KINDS.replace(
        r#"id="c1" from="board""#,
        r#"id="c1" ampacity="11 A" breaker="16 A" from="board""#,
    );
    let answer = solve(&service, &json!({ "content": drawing(&bounded) }));
    let power = &answer["systems"][2];
    assert_eq!((&power["solved"], &answer["success"]), (&json!(true), &json!(true)), "{power}");
    let checks = power["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 2, "{checks:?}");
    assert_eq!((&checks[0]["check"], &checks[0]["unit"]), (&json!("ampacity"), &json!("A")));
    // 9.54 A of 11 A; and the breaker does not protect a conductor of 11 A.
    let states: Vec<&str> = checks.iter().filter_map(|c| c["state"].as_str()).collect();
    assert_eq!(states, ["warning", "failed"]);
    let codes: Vec<&str> = power["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["code"].as_str())
        .collect();
    assert_eq!(codes, ["network-overload", "network-overload"], "{power}");
    assert_eq!(power["islands"][0]["sources"], json!(["board"]));
    assert_eq!(power["effort"]["reused"], "nothing");
    let voltage = &power["nodes"][0]["values"][0];
    assert!(voltage["error"].as_f64().is_some_and(|e| e < 1e-3), "{voltage}");
}

#[test]
fn faults_and_loads_are_studied_where_they_are_asked_for() {
    let service = Service::start();
    let fed = KINDS.replace(
        r#"voltage="400 V" phases="ABCN"/>"#,
        r#"voltage="400 V" fault="10 kA" phases="ABCN"/>"#,
    );
    let study = |study: &str, at: &[&str]| {
        let options = json!({ "study": study, "at": at });
        service.post("/networks/solve", &json!({ "content": drawing(&fed), "options": options }))
    };
    let faults = study("fault", &["board"]).json();
    assert_eq!(faults["systems"].as_array().unwrap().len(), 1, "{faults}");
    assert!((quantity(&faults, "power", "board", "three phase").0 - 10e3).abs() < 1.0);
    let loads = study("load", &["tap"]).json();
    assert_eq!(quantity(&loads, "cold", "tap", "more").1, "m^3/s");
    for (name, at, words) in [
        ("fault", "bord", "did you mean"),
        ("fault", "tap", "there is no node `tap` in a network of this study"),
        ("flow", "tap", "a flow is solved everywhere"),
        ("swing", "tap", "there is no choice `swing`"),
    ] {
        let refused = study(name, &[at]);
        let text = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(refused.status == 422 && text.contains(words), "{name} {at}: {text}");
    }
}

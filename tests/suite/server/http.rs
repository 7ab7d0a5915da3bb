//! The service as a client meets it: the binary itself, over TCP.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::{Answer, ROOM, Service, connect};

#[test]
fn evaluate_answers_the_figures_of_the_room_with_their_units() {
    let service = Service::start();
    for root in ["", "/api/v1"] {
        let answer = service.room(&format!("{root}/evaluate"), &json!({}));
        let results = answer["results"].as_array().expect("results");
        for (element, name, value, unit) in [
            ("epnl1", "power_factor", 1.0, None),
            ("epnl1", "efficiency", 0.96, None),
            ("lf01", "current", 120.0 / 720.0, Some("A")),
            ("lf01", "power", 20.0, Some("W")),
            ("lf01", "efficiency", 100.0, Some("lm/W")),
            ("window1", "heat_loss", 11.0, Some("W")),
        ] {
            let found = results
                .iter()
                .filter(|r| r["element_id"] == element)
                .flat_map(|r| r["behavior"]["calculations"].as_array().expect("calculations"))
                .find(|c| c["name"] == name)
                .unwrap_or_else(|| panic!("{element}.{name} is not there"));
            let got = found["value"].as_f64().expect("a number");
            assert!((got - value).abs() < 1e-9, "{element}.{name} = {got}");
            assert_eq!(found["unit"].as_str(), unit, "{element}.{name}");
        }
        let click = &answer["behaviors"][0];
        assert_eq!((&click["element_id"], &click["event_type"]), (&json!("lf01"), &json!("click")));
        assert_eq!(click["actions"][0]["type"], "toggle");
    }
}

#[test]
fn a_formula_without_a_value_says_why_and_is_never_null_in_silence() {
    let service = Service::start();
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx">
        <arx:object id="a" type="electrical.panel"><arx:behavior><arx:variables>
        <arx:variable name="zero" value="0"/></arx:variables><arx:calculations>
        <arx:calculation name="bad" formula="1 / zero"/>
        <arx:calculation name="after" formula="bad + 1"/>
        </arx:calculations></arx:behavior></arx:object></svg>"#;
    let answer = service.post("/evaluate", &json!({ "svgx_content": drawing })).json();
    let calculations = &answer["results"][0]["behavior"]["calculations"];
    for (at, code) in [(0, "not-finite"), (1, "depends-on-error")] {
        assert_eq!(calculations[at]["value"], Value::Null);
        assert_eq!(calculations[at]["error"]["code"], code);
    }
    assert_eq!(answer["statistics"]["failed"], 2);
}

#[test]
fn evaluate_answers_what_one_interaction_does() {
    let service = Service::start();
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">
        <circle id="lamp" r="2" behavior="clickable"/>
        <circle id="door" r="2" behavior="hoverable"/></svg>"#;
    for (interaction, elements) in
        [(Some("click"), vec!["lamp"]), (Some("drag"), vec![]), (None, vec!["lamp", "door"])]
    {
        let body = json!({ "svgx_content": drawing, "interaction": interaction });
        let answer = service.post("/evaluate", &body).json();
        let listed = answer["behaviors"].as_array().unwrap();
        let listed: Vec<&str> = listed.iter().filter_map(|b| b["element_id"].as_str()).collect();
        assert_eq!(listed, elements, "{interaction:?}");
    }
    for format in ["svg", "json"] {
        let body = json!({ "svgx_content": drawing, "options": { "format": format } });
        assert_eq!(service.post(&format!("/compile/{format}"), &body).status, 200, "{format}");
    }
}

#[test]
fn simulate_answers_weights_and_reactions_at_rest_and_frames_over_time() {
    let service = Service::start();
    let answer = service.room("/simulate", &json!({}));
    for (id, anchor, weight) in
        [("epnl1", "wall", 441.45), ("lf01", "ceiling", 24.525), ("door1", "floor", 245.25)]
    {
        let body = answer["simulation"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|e| e["element_id"] == id)
            .unwrap_or_else(|| panic!("{id} is not there"));
        assert_eq!(body["physics"]["weight"], json!({ "value": weight, "unit": "N" }), "{id}");
        assert_eq!(body["physics"]["anchor"], anchor, "{id}");
        assert_eq!(body["physics"]["total_force"]["y"], weight, "{id}");
        let held: f64 = body["reactions"]
            .as_array()
            .expect("reactions")
            .iter()
            .filter_map(|r| r["y"].as_f64())
            .sum();
        assert!((held + weight).abs() < 1e-6, "{id} is held by {held} N");
    }
    assert_eq!(
        (&answer["precision"], &answer["error"]["millimetres"]),
        (&json!("compute"), &json!(0.0))
    );

    let moving = service.room("/simulate", &json!({ "duration": 0.5, "precision": "ui" }));
    assert_eq!(moving["precision"], "ui");
    assert_eq!(moving["precision_value_mm"], 0.1);
    assert!(moving["error"]["method"].is_string());
    let simulation = &moving["simulation"];
    let frames = simulation["frames"].as_array().expect("frames");
    assert_eq!(simulation["statistics"]["total_frames"], frames.len());
    assert!(frames.len() >= 15, "{} frames", frames.len());
    // Every body of the room is anchored: it stays where it is drawn.
    let (first, last) = (&frames[0]["elements"], &frames[frames.len() - 1]["elements"]);
    assert_eq!(first, last);
}

#[test]
fn compiled_drawings_hold_nothing_of_the_language_and_are_known_by_their_tag() {
    let service = Service::start();
    let answer = service.room("/compile/svg", &json!({ "optimize": true }));
    let svg = answer["output"].as_str().expect("text");
    assert!(svg.contains("<svg") && svg.contains("epnl1_box") && !svg.contains("arx:"), "{svg}");
    assert_eq!(answer["statistics"]["output_size_bytes"], svg.len());

    let model = service.room("/compile/json", &json!({}));
    assert_eq!(model["output"]["type"], "svgx");
    assert!(model["output"]["metadata"]["compiled_at"].is_string());
    let text = model["content"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), model["output"]);

    let raw = "Content-Type: image/svg+xml\r\nAccept: image/svg+xml\r\n";
    let picture = service.send("/api/v1/compile/svg", raw, ROOM.as_bytes());
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
    let tag = picture.header("etag").expect("a tag").to_owned();
    let again =
        service.send("/compile/svg", &format!("{raw}If-None-Match: {tag}\r\n"), ROOM.as_bytes());
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[test]
fn render_answers_a_png_of_the_size_that_was_asked_for() {
    let service = Service::start();
    let body = json!({ "content": ROOM, "options": { "width": 400, "background": "white" } });
    let answer = service.post("/render", &body);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")));
    assert_eq!(answer.body.get(..8), Some(b"\x89PNG\r\n\x1a\n".as_slice()));
    let side = |at: usize| {
        let bytes = answer.body.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map(u32::from_be_bytes)
    };
    assert_eq!((side(16), side(20)), (Some(400), Some(300)));
}

#[test]
fn a_picture_says_what_a_browser_draws_otherwise() {
    let service = Service::start();
    for (body, expected) in [
        ("<rect width='9' height='9'/>", None),
        ("<text font-family='Papyrus'>A</text>", Some("font-not-found;n=1")),
        (
            "<text font-family='Papyrus'>A \u{30a2}</text><image width='4' height='4' href='a.png'/>",
            Some("font-not-found;n=1, image-not-drawn;n=1, missing-glyph;n=1"),
        ),
    ] {
        let drawing =
            format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>{body}</svg>");
        // The second answer is known already.
        for _ in 0..2 {
            let answer = service.post("/render", &json!({ "content": drawing }));
            assert_eq!(answer.status, 200, "{body}");
            assert_eq!(answer.header("x-svgx-differences"), expected, "{body}");
        }
    }
}

#[test]
fn precision_comes_back_in_decimal() {
    let service = Service::start();
    for (level, expected) in
        [("ui", [10.1, 21.0]), ("EDIT", [10.12, 20.99]), ("compute", [10.123, 20.988])]
    {
        let body = json!({ "level": level, "coordinates": [10.123456789, 20.987654321] });
        let answer = service.post("/precision", &body).json();
        let [x, y] = expected;
        assert_eq!(answer["coordinates"], json!({ "x": x, "y": y }), "{level}");
    }
}

#[test]
fn hostile_input_meets_a_problem_and_the_service_lives_on() {
    let service = Service::start();
    let svg = |inside: &str| {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' \
             xmlns:xlink='http://www.w3.org/1999/xlink' width='10' height='10'>{inside}</svg>"
        )
    };
    let laughs = {
        let mut dtd = "<!DOCTYPE svg [<!ENTITY a0 'ha'>".to_owned();
        for i in 1..40 {
            dtd += &format!("<!ENTITY a{i} '&a{};&a{};'>", i - 1, i - 1);
        }
        format!("{dtd}]><svg xmlns='http://www.w3.org/2000/svg'><text>&a39;</text></svg>")
    };
    let document = |text: String| json!({ "content": text });
    let room = |options: Value| json!({ "content": ROOM, "options": options });
    let cases: Vec<(&str, &str, Value)> = vec![
        ("no document", "/evaluate", json!({})),
        ("two documents", "/render", json!({ "content": ROOM, "svgx_content": ROOM })),
        ("an unknown member", "/compile/svg", json!({ "content": ROOM, "wat": 1 })),
        ("a wrong type", "/compile/json", json!({ "content": 7 })),
        ("a wrong format", "/compile/json", json!({ "content": ROOM, "format": "exe" })),
        ("a list", "/simulate", json!([])),
        ("not XML", "/evaluate", document("<svg".to_owned())),
        ("NUL", "/compile/svg", document(svg("\u{0}"))),
        ("billion laughs", "/compile/svg", document(laughs)),
        (
            "an external entity",
            "/compile/json",
            document(
                "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\
                 <svg xmlns='http://www.w3.org/2000/svg'><text>&x;</text></svg>"
                    .to_owned(),
            ),
        ),
        (
            "depth 100 000",
            "/render",
            document(svg(&("<g>".repeat(100_000) + &"</g>".repeat(100_000)))),
        ),
        (
            "an attribute past its limit",
            "/evaluate",
            document(svg(&format!("<rect id='{}'/>", "x".repeat(2 << 20)))),
        ),
        ("a huge duration", "/simulate", room(json!({ "duration": 1e300 }))),
        ("a negative duration", "/simulate", room(json!({ "duration": -1 }))),
        ("too many frames", "/simulate", room(json!({ "duration": 3600, "fps": 1e6 }))),
        ("impossible gravity", "/simulate", room(json!({ "gravity": 1e30 }))),
        ("an unknown tier", "/simulate", room(json!({ "precision": "pico" }))),
        (
            "an unknown body",
            "/simulate",
            room(json!({ "duration": 1, "disturb": [{ "element": "nobody" }] })),
        ),
        (
            "two durations",
            "/simulate",
            json!({
                "content": ROOM, "simulation_time": 1, "options": { "duration": 1 }
            }),
        ),
        ("a picture of no size", "/render", room(json!({ "width": 0 }))),
        ("a huge picture", "/render", room(json!({ "width": 4_000_000_000_u32 }))),
        ("a negative scale", "/render", room(json!({ "scale": -1 }))),
        ("no colour", "/render", room(json!({ "background": "url(#x)" }))),
        (
            "an infinite coordinate",
            "/precision",
            json!({ "level": "ui", "coordinates": [1e300, 0] }),
        ),
    ];
    for (what, path, body) in cases {
        let answer = service.post(path, &body);
        let text = String::from_utf8_lossy(&answer.body);
        assert!((400..500).contains(&answer.status), "{what}: {} {text}", answer.status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status, "{what}");
        assert!(problem["code"].is_string() && problem["trace_id"].is_string(), "{what}: {text}");
    }
    let raw: [(&str, &str, &[u8]); 4] = [
        ("bad UTF-8", "image/svg+xml", b"<svg>\xFF</svg>"),
        ("UTF-16", "image/svg+xml", b"\xFF\xFE<\0s\0v\0g\0"),
        ("1e999", "application/json", b"{\"content\":\"<svg/>\",\"options\":{\"duration\":1e999}}"),
        ("an unknown kind", "application/pdf", b"%PDF"),
    ];
    for (what, kind, body) in raw {
        let answer = service.send("/simulate", &format!("Content-Type: {kind}\r\n"), body);
        assert!((400..500).contains(&answer.status), "{what}: {}", answer.status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    }
    service.room("/evaluate", &json!({}));
}

#[test]
fn a_body_that_trickles_past_the_time_of_its_request_is_the_clients_fault() {
    let service = Service::with(&["--rate-limit", "off", "--request-timeout", "1"], None);
    let mut stream = connect(service.public);
    let head = format!(
        "POST /parse HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: image/svg+xml\r\n\
         Content-Length: 100000\r\n\r\n",
        service.public
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut trickle = stream.try_clone().expect("the same connection");
    let sending = std::thread::spawn(move || {
        // Never so slow that a piece is missed; it ends when the service hangs up.
        for _ in 0..200 {
            if trickle.write_all(b" ").is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let answer = Answer::read(&mut stream);
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (408, &json!("body-timeout")), "{problem}");
    let outcomes = String::from_utf8(service.get("/metrics", "").body).expect("text");
    let failed = outcomes.lines().filter(|line| {
        line.starts_with("svgx_operation_outcomes_total") && line.contains("=\"failed\"")
    });
    assert!(failed.clone().all(|line| line.ends_with(" 0")), "{:?}", failed.collect::<Vec<_>>());
    sending.join().expect("it ended");
}

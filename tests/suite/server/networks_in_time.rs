//! Networks in time by `POST /simulate` and `svgx simulate`: in one piece, and as a stream.

use std::process::Command;

use serde_json::{Value, json};

use super::networks::{KINDS, drawing};
use super::simulate_stream::{LINES, Streaming, member, until};
use crate::support::service::Service;

/// One network of each kind, of which the water falls in its tank.
fn draining(area: &str) -> String {
    let tank = format!(r#"type="tank" head="20 m" area="{area}""#);
    drawing(&KINDS.replace(r#"type="reservoir" head="20 m""#, &tank))
}

#[test]
fn networks_are_simulated_in_time_and_a_drawing_is_written_with_its_answer() {
    let service = Service::start();
    let content = draining("2 m^2");
    let options = json!({ "networks": true, "duration": "1h", "fps": 1.0 / 600.0 });
    let body = json!({ "content": content, "options": options });
    let answer = service.post("/simulate", &body);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    assert_eq!((&answer["reason"], &answer["success"]), (&json!("completed"), &json!(true)));
    let of = |system: &str| {
        let frames = answer["frames"].as_array().unwrap().iter();
        frames.filter(|f| f["system"] == system).collect::<Vec<_>>()
    };
    let cold = of("cold");
    assert_eq!((cold.len(), of("power").len()), (7, 1));
    for (k, frame) in cold.iter().enumerate() {
        assert!((frame["time"].as_f64().unwrap() - 600.0 * k as f64).abs() < 1e-6);
        let tank = frame["nodes"].as_array().unwrap().iter().find(|n| n["name"] == "tank").unwrap();
        let head = tank["values"][1]["value"].as_f64().unwrap();
        // Half a litre in a second out of two square metres.
        assert!((head - (20.0 - 0.15 * k as f64)).abs() < 1e-6, "{frame}");
    }
    let still = json!({ "content": drawing(KINDS), "options": { "networks": true } });
    let refused = service.post("/simulate", &still);
    assert_eq!(refused.status, 422, "{}", String::from_utf8_lossy(&refused.body));

    let folder = tempfile::tempdir().unwrap();
    let (file, solved) = (folder.path().join("house.svgx"), folder.path().join("solved.svgx"));
    std::fs::write(&file, content).unwrap();
    let run = |arguments: &[&std::ffi::OsStr]| {
        let output = Command::new(env!("CARGO_BIN_EXE_svgx")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["network".as_ref(), file.as_os_str(), "-o".as_ref(), solved.as_os_str()]);
    let written = std::fs::read_to_string(&solved).unwrap();
    assert_eq!(written.matches("<arx:results ").count(), 5);
    assert!(written.contains(r#"unit="m^3/s" of="p1""#), "{written}");
    run(&["check".as_ref(), solved.as_os_str()]);
    let frames = run(&[
        "simulate".as_ref(),
        solved.as_os_str(),
        "--networks".as_ref(),
        "--duration".as_ref(),
        "1h".as_ref(),
        "--format".as_ref(),
        "ndjson".as_ref(),
    ]);
    // Four networks stand still and have a frame each; the last line says how it ended.
    assert_eq!(frames.lines().count(), 97 + 4 + 1, "{frames}");
    let last: Value = serde_json::from_str(frames.lines().last().unwrap()).unwrap();
    assert_eq!(last["networks"][0]["system"], "cold");
}

#[test]
fn controls_act_in_time_and_one_of_what_is_not_there_is_named() {
    let service = Service::start();
    let with = |control: &str| {
        let controls = format!("</arx:connections><arx:controls>{control}</arx:controls>");
        draining("2 m^2").replacen("</arx:connections>", &controls, 1)
    };
    let low = r#"<arx:control id="low" of="p1" set="closed" when="tank head below 19.75 m"/>"#;
    let options = json!({ "networks": true, "duration": "1h", "fps": 1.0 / 600.0 });
    let answer = service.post("/simulate", &json!({ "content": with(low), "options": options }));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    // A quarter of a metre of two square metres, half a litre in a second.
    let events = answer["networks"][0]["events"].as_array().unwrap();
    let event = &events[0];
    assert_eq!(
        (&event["element"], &event["set"], &event["by"]),
        (&json!("p1"), &json!("closed"), &json!("low"))
    );
    assert!(
        (event["time"].as_f64().unwrap() - 1000.0).abs() < 1e-3 && events.len() == 1,
        "{event}"
    );
    let last =
        answer["frames"].as_array().unwrap().iter().rfind(|f| f["system"] == "cold").unwrap();
    let values = last["links"][0]["values"].as_array().unwrap();
    let open = values.iter().find(|v| v["name"] == "open").unwrap();
    assert_eq!(open["value"], 0.0);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.svgx");
    let check = |control: &str| {
        std::fs::write(&file, with(control)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
        let output = command.arg("check").arg(&file).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert!(check(low).0, "{}", check(low).1);
    let (fine, told) = check(&low.replace(r#"of="p1""#, r#"of="pl""#));
    let named = ["network-control", r#"sets "pl", and there is no such connection or pump"#];
    assert!(!fine && named.iter().all(|part| told.contains(part)), "{told}");
}

#[test]
fn networks_stream_their_frames_and_go_on_from_a_token_with_the_same_bytes() {
    let service = Streaming::start();
    let drawing = draining("2 m^2");
    let asked =
        json!({ "networks": true, "duration": "1h", "fps": 1.0 / 600.0, "precision": "ui" });
    let mut options = asked.clone();
    options["checkpoint"] = json!("20m");
    let whole = service.simulate(LINES, &drawing, &options).lines();
    let start = member(&whole[0], "start").expect("it begins");
    assert_eq!((&start["networks"], &start["duration"]), (&json!(5), &json!(3600.0)), "{start}");
    // Seven of the tank, and one of each network that stands still.
    let frames = until(&whole, "frame");
    assert_eq!(frames.len(), 7 + 4);
    let outcome = member(whole.last().expect("a line"), "outcome").expect("the outcome");
    assert_eq!(
        (&outcome["partial"], &outcome["ended"]),
        (&json!(false), &Value::Null),
        "{outcome}"
    );
    // The answer in one piece is the same simulation.
    let one = service.simulate("application/json", &drawing, &asked).all();
    let one: Value = serde_json::from_slice(&one).expect("JSON");
    let told: Vec<Value> = frames.iter().map(|l| member(l, "frame").expect("a frame")).collect();
    assert_eq!((&one["frames"], &one["networks"]), (&json!(told), &outcome["networks"]));
    let checkpoints = until(&whole, "checkpoint");
    assert_eq!(checkpoints.len(), 5, "every second frame: {whole:#?}");
    for line in checkpoints {
        let checkpoint = member(line, "checkpoint").expect("one");
        let done = checkpoint["frames"].as_u64().expect("a count") as usize;
        let resume =
            json!({ "networks": true, "resume": checkpoint["resume"], "checkpoint": "20m" });
        let rest = service.simulate(LINES, &drawing, &resume).lines();
        assert_eq!(until(&rest, "frame"), frames[done..]);
        assert_eq!(rest.last(), whole.last());
    }
    // Events carry the same lines.
    let events = service.simulate("text/event-stream", &drawing, &options);
    assert!(events.head.contains("content-type: text/event-stream"), "{}", events.head);
    let events = events.lines();
    let of = |name: &str| events.iter().filter(|l| **l == format!("event: {name}")).count();
    assert_eq!([of("start"), of("frame"), of("outcome")], [1, 11, 1]);
    let data: Vec<&str> = events.iter().filter_map(|l| l.strip_prefix("data: ")).collect();
    let but_tokens = |lines: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        lines.filter(|l| !l.starts_with("{\"checkpoint\"")).map(str::to_owned).collect()
    };
    let lines = but_tokens(&mut whole.iter().map(String::as_str));
    assert_eq!(but_tokens(&mut data.into_iter()), lines);
}

#[test]
fn a_token_of_networks_is_good_for_the_same_drawing_alone() {
    let service = Streaming::start();
    let drawing = draining("2 m^2");
    let options = json!({ "networks": true, "duration": "1h", "fps": 1.0 / 600.0, "precision": "ui", "checkpoint": "10m" });
    let whole = service.simulate(LINES, &drawing, &options).lines();
    let token =
        member(until(&whole, "checkpoint")[2], "checkpoint").expect("one")["resume"].clone();
    let text = token.as_str().expect("text");
    let other = text.chars().rev().collect::<String>();
    for (drawing, options, pointer) in [
        (draining("3 m^2"), json!({ "networks": true, "resume": text }), "/options/resume"),
        (drawing.clone(), json!({ "networks": true, "resume": other }), "/options/resume"),
        (
            drawing.clone(),
            json!({ "networks": true, "resume": text[..text.len() - 8] }),
            "/options/resume",
        ),
        (drawing.clone(), json!({ "networks": true, "resume": "" }), "/options/resume"),
        (drawing.clone(), json!({ "networks": true, "resume": "no token" }), "/options/resume"),
        // It is not one of bodies.
        (drawing.clone(), json!({ "resume": text }), "/options/resume"),
        (
            drawing.clone(),
            json!({ "networks": true, "resume": text, "duration": 3 }),
            "/options/duration",
        ),
        (drawing, json!({ "networks": true }), "/options/networks"),
    ] {
        for accept in [LINES, "application/json"] {
            let refused = service.simulate(accept, &drawing, &options);
            assert_eq!(refused.status, 422, "{pointer} {accept}");
            let problem: Value = serde_json::from_slice(&refused.all()).expect("JSON");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
    }
}

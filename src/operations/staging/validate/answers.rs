//! The ten endpoints give the right answers: the figures of the example room, not just 200.

use serde_json::{Value, json};

use super::{Check, ROOM, Run, number, status, unanswered};
use crate::http::{Error, Reply};

/// The service is healthy; and the version it says it is, if it answers at all.
pub(super) async fn health(run: &Run<'_>) -> (Check, Option<String>) {
    let mut check = Check::new("health", "The service says it is healthy, with true figures");
    let reply = match run.get("health", &[]).await {
        Ok(reply) => reply,
        Err(error) => {
            unanswered(&mut check, &error);
            return (check, None);
        }
    };
    status(&mut check, &reply, 200);
    let health = reply.json();
    check.expect(health["status"] == "healthy", || format!("status is {}", health["status"]));
    let performance = &health["performance"];
    for (name, unit) in
        [("response_time_ms", " ms"), ("memory_usage_mb", " MiB"), ("cpu_usage_percent", " %")]
    {
        match performance[name].as_f64() {
            Some(value) => check.note(name, value, unit),
            None => check.fail(format!("performance.{name} is {}", performance[name])),
        }
    }
    let version = health["version"].as_str().unwrap_or("unknown").to_owned();
    check.expect(version != "unknown", || "it does not say its version".to_owned());
    (check, Some(version))
}

/// One check for each of the other endpoints.
pub(super) async fn endpoints(run: &Run<'_>) -> Vec<Check> {
    let room = json!({ "content": ROOM });
    let coordinates = json!({ "level": "edit", "coordinates": [10.123456789, 20.987654321] });
    let click = json!({
        "content": ROOM, "operation": "click", "element_id": "lf01_box", "session": run.session,
    });
    let state = format!("state?session={}", run.session);
    // One after the other: the state is that of the click before it.
    vec![
        metrics(run).await,
        answer("parse", run.post("parse", &room).await, parse),
        answer("evaluate", run.post("evaluate", &room).await, evaluate),
        answer("simulate", run.post("simulate", &room).await, simulate),
        answer("interactive", run.post("interactive", &click).await, interactive),
        answer("precision", run.post("precision", &coordinates).await, precision),
        answer("state", run.get(&state, &[]).await, selected),
        answer("compile-svg", run.post("compile/svg", &room).await, compile_svg),
        answer("compile-json", run.post("compile/json", &room).await, compile_json),
    ]
}

fn answer(id: &'static str, reply: Result<Reply, Error>, right: fn(&mut Check, &Value)) -> Check {
    let title = format!("/{} gives the right answer", id.replacen('-', "/", 1));
    let mut check = Check::new(id, title);
    match reply {
        Ok(reply) => {
            status(&mut check, &reply, 200);
            if reply.status == 200 {
                check.note("took", reply.took.as_secs_f64() * 1e3, " ms");
                right(&mut check, &reply.json());
            }
        }
        Err(error) => unanswered(&mut check, &error),
    }
    check
}

/// The metrics hold what the objectives are judged by, each edge exactly.
async fn metrics(run: &Run<'_>) -> Check {
    let mut check = Check::new("metrics", "/metrics has every series the objectives need");
    match run.get("metrics", &[("accept", "text/plain")]).await {
        Ok(reply) => {
            status(&mut check, &reply, 200);
            let text = reply.text();
            for series in [
                "http_server_request_duration_seconds_bucket{",
                "http_server_request_duration_seconds_count{",
                "process_memory_usage_bytes",
                "process_cpu_utilization_ratio",
            ] {
                check.expect(text.contains(series), || format!("there is no {series}"));
            }
            for objective in &run.spec.objectives {
                let edge = format!("le=\"{}\"", objective.threshold.as_f64());
                check.expect(text.contains(&edge), || format!("no bucket ends at {edge}"));
            }
        }
        Err(error) => unanswered(&mut check, &error),
    }
    check
}

fn parse(check: &mut Check, answer: &Value) {
    let elements = answer["elements"].as_array().map_or(&[][..], Vec::as_slice);
    for id in ["rm201", "epnl1", "lf01", "door1", "window1"] {
        let found = elements.iter().any(|e| e["id"] == id || e["attributes"]["id"] == id);
        check.expect(found, || format!("the element {id} is missing"));
    }
    check.expect(answer["count"] == elements.len(), || {
        "count is not that of the elements".to_owned()
    });
}

fn evaluate(check: &mut Check, answer: &Value) {
    for (element, name, expected) in [
        ("epnl1", "power_factor", 1.0),
        ("epnl1", "efficiency", 0.96),
        ("lf01", "current", 120.0 / 720.0),
        ("lf01", "power", 20.0),
        ("lf01", "efficiency", 100.0),
        ("window1", "heat_loss", 11.0),
    ] {
        let results = answer["results"].as_array().into_iter().flatten();
        let value = results
            .filter(|r| r["element_id"] == element)
            .flat_map(|r| r["behavior"]["calculations"].as_array().into_iter().flatten())
            .find(|c| c["name"] == name)
            .map_or(&Value::Null, |c| &c["value"]);
        number(check, value, &format!("{element}.{name}"), expected);
    }
}

fn simulate(check: &mut Check, answer: &Value) {
    for (id, newtons) in [("epnl1", 441.45), ("lf01", 24.525), ("door1", 245.25)] {
        let body = answer["simulation"].as_array().into_iter().flatten();
        let body = body.into_iter().find(|e| e["element_id"] == id).unwrap_or(&Value::Null);
        number(check, &body["physics"]["weight"]["value"], &format!("the weight of {id}"), newtons);
    }
}

fn interactive(check: &mut Check, answer: &Value) {
    check
        .expect(answer["operation"] == "click", || format!("operation is {}", answer["operation"]));
    let changes = answer["result"]["attributes_changed"].as_array().into_iter().flatten();
    let switched = changes.into_iter().any(|c| c["element_id"] == "lf01" && c["new_value"] == "on");
    check.expect(switched, || "the click did not switch the lamp on".to_owned());
}

fn precision(check: &mut Check, answer: &Value) {
    number(check, &answer["coordinates"]["x"], "x", 10.12);
    number(check, &answer["coordinates"]["y"], "y", 20.99);
}

fn selected(check: &mut Check, answer: &Value) {
    let selected = answer["selected_elements"].as_array().into_iter().flatten();
    let there = selected.into_iter().any(|e| e.as_str().is_some_and(|e| e.starts_with("lf01")));
    check.expect(there, || format!("selected is {}", answer["selected_elements"]));
}

fn compile_svg(check: &mut Check, answer: &Value) {
    let svg = answer["output"].as_str().unwrap_or_default();
    check.expect(svg.contains("<svg") && svg.contains("epnl1_box"), || {
        "no drawing came out".to_owned()
    });
    check.expect(!svg.contains("arx:"), || "it is not plain SVG".to_owned());
}

fn compile_json(check: &mut Check, answer: &Value) {
    check.expect(answer["output"]["type"] == "svgx", || {
        format!("type is {}", answer["output"]["type"])
    });
    let text = answer["content"].as_str().unwrap_or_default();
    let same = serde_json::from_str::<Value>(text).is_ok_and(|v| v == answer["output"]);
    check.expect(same, || "content and output differ".to_owned());
}

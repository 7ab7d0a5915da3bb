//! The service while its session store cannot write, and after.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::support::service::{ROOM, Service};

/// Limits the size of the files that a service may write; `None`: no limit.
fn limit_files(service: &Service, bytes: Option<u64>) {
    let id = i32::try_from(service.process.0.id()).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(id, Resource::Fsize, limit).expect("a limit of our own child");
}

fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{what} did not come about");
}

#[test]
fn a_store_that_cannot_write_makes_the_service_unready_until_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let log = directory.path().join("log");
    let flags = ["--rate-limit", "off", "--data-dir", data.to_str().unwrap()];
    let variables = [("LOG_FORMAT", "json")];
    let service = Service::with_environment(&flags, &variables, Some(&log));
    let load = |extra: usize| {
        let padding = format!("<!--{}--></svg>", "x".repeat(extra));
        let content = ROOM.replace("</svg>", &padding);
        service.post("/interactive", &json!({ "operation": "load", "content": content }))
    };
    let edit = |value: &str| {
        service.post(
            "/interactive",
            &json!({ "operation": "set_attribute", "element_id": "cable1",
                     "name": "stroke-width", "value": value }),
        )
    };
    let health = || service.get("/health", "").json()["status"].as_str().map(str::to_owned);
    let gauge = || {
        let text = service.get("/metrics", "Accept: text/plain\r\n").body;
        let text = String::from_utf8(text).unwrap();
        let line = text.lines().find(|l| l.starts_with("svgx_session_store_available"));
        line.and_then(|l| l.rsplit(' ').next().map(str::to_owned))
    };
    assert_eq!(load(0).status, 200);
    assert_eq!(edit("4").status, 200);
    assert_eq!((service.probe("/readyz"), health().as_deref()), (200, Some("healthy")));
    assert_eq!(gauge().as_deref(), Some("1"));

    let size = std::fs::metadata(data.join("sessions.redb")).unwrap().len();
    limit_files(&service, Some(size));
    // Larger than what is free in the file.
    let refused = load(4_000_000);
    let body = String::from_utf8_lossy(&refused.body).into_owned();
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("store-failed")), "{body}");
    until("the refusal of every edit", || edit("5").status == 503);
    let refused = edit("5");
    let wait: u64 = refused.header("retry-after").expect("a time").parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    assert_eq!((service.probe("/readyz"), service.probe("/livez")), (503, 200));
    assert_eq!(health().as_deref(), Some("degraded"));
    assert_eq!(gauge().as_deref(), Some("0"));

    limit_files(&service, None);
    until("readiness", || service.probe("/readyz") == 200);
    assert_eq!(health().as_deref(), Some("healthy"));
    assert_eq!(edit("6").status, 200);
    let kept = service.get("/traces", "").json()["traces"].as_array().cloned().expect("a list");
    let recoveries: Vec<_> = kept.iter().filter(|trace| trace["name"] == "recovery").collect();
    assert_eq!(recoveries.len(), 1, "one failure, one recovery: {kept:?}");
    let trace = recoveries[0]["trace_id"].as_str().expect("an id");
    let trace = service.get(&format!("/traces/{trace}"), "").json();
    let tries = trace["intervals"][0]["attributes"]["svgx.recovery.tries"].as_u64();
    assert!(tries.is_some_and(|tries| tries >= 1), "{trace}");
    assert!(trace["duration_ms"].as_f64() > Some(0.0), "{trace}");
    // What was acknowledged before is there, and so is what came after.
    let drawing = service.post("/compile/svg", &json!({ "session": "default" }));
    let drawing = String::from_utf8_lossy(&drawing.body).into_owned();
    assert!(drawing.contains(r#"stroke-width=\"6\""#) || drawing.contains(r#"stroke-width="6""#));
    // Lines are written every few milliseconds: a service that is killed loses the last ones.
    let read = || std::fs::read_to_string(&log).unwrap();
    until("the line that it works again", || read().contains("was verified and works again"));
    drop(service);
    let log = read();
    let errors: Vec<&str> =
        log.lines().filter(|l| l.contains("the session store failed;")).collect();
    assert_eq!(errors.len(), 1, "{log}");
    assert!(errors[0].contains("ERROR") && errors[0].contains("File too large"), "{}", errors[0]);
}

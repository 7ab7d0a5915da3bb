//! Backup while people edit, wipe, restore: the same answers.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use svgx_operations::http::{Client, Reply};

use crate::support::service::{Service, block};

const ROOM: &str = include_str!("../../../examples/room.svgx");
const WRITERS: usize = 4;

fn engine(data: &Path, operator: &Path) -> Service {
    let (data, operator) = (data.display().to_string(), operator.display().to_string());
    let flags = ["--rate-limit", "off", "--data-dir", &data, "--operator-key-file", &operator];
    Service::with(&flags, None)
}

fn public(service: &Service) -> Client {
    Client::new(&format!("http://{}", service.public), None, None).expect("a client")
}

fn operator(service: &Service, key: &str) -> Client {
    let url = format!("http://{}", service.internal);
    Client::new(&url, Some(key.to_owned()), None).expect("a client")
}

fn edit(client: &Client, session: &str, value: u64, content: Option<&str>) -> Reply {
    let mut body = json!({
        "operation": "set_attribute", "element_id": "lf01_box", "name": "data-n",
        "value": value.to_string(), "session": session,
    });
    if let Some(content) = content {
        body["content"] = content.into();
    }
    block(client.post("interactive", &body)).expect("an answer")
}

/// The state of a session, without what differs from call to call.
fn state(client: &Client, session: &str) -> Value {
    let reply = block(client.get(&format!("state?session={session}"), &[])).expect("an answer");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let mut state = reply.json();
    state.as_object_mut().expect("an object").remove("duration_ms");
    state
}

fn restore(client: &Client, backup: &Bytes) -> Reply {
    block(client.send(Method::POST, "restore", &[], backup.clone())).expect("an answer")
}

/// The traces of that name that the service keeps.
fn traces(operator: &Client, name: &str) -> Vec<Value> {
    let reply = block(operator.get("traces", &[])).expect("an answer");
    let all = reply.json()["traces"].as_array().cloned().expect("a list");
    all.into_iter().filter(|trace| trace["name"] == name).collect()
}

#[test]
fn what_was_acknowledged_before_a_backup_is_there_after_a_wipe_and_a_restore() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("operator-key");
    std::fs::write(&key, "operator-secret\n").expect("written");
    let (data, fresh) = (folder.path().join("data"), folder.path().join("fresh"));
    let service = engine(&data, &key);
    let client = public(&service);
    for session in ["calm", "w0", "w1", "w2", "w3"] {
        assert_eq!(edit(&client, session, 0, Some(ROOM)).status, 200);
    }
    let calm = state(&client, "calm");

    // Writers go on before, during and after; each says how far it got.
    let acknowledged: [AtomicU64; WRITERS] = Default::default();
    let stop = AtomicBool::new(false);
    let (before, backup) = std::thread::scope(|scope| {
        for (n, count) in acknowledged.iter().enumerate() {
            let (client, stop) = (&client, &stop);
            scope.spawn(move || {
                let mut value = 1;
                while !stop.load(Ordering::Acquire) {
                    assert_eq!(edit(client, &format!("w{n}"), value, None).status, 200);
                    count.store(value, Ordering::Release);
                    value += 1;
                }
            });
        }
        while acknowledged.iter().any(|c| c.load(Ordering::Acquire) < 5) {
            std::thread::yield_now();
        }
        let before: Vec<u64> = acknowledged.iter().map(|c| c.load(Ordering::Acquire)).collect();
        let backup = block(operator(&service, "operator-secret").get("backup", &[]));
        let backup = backup.expect("an answer");
        let meanwhile =
            acknowledged.iter().zip(&before).any(|(c, b)| c.load(Ordering::Acquire) > *b);
        while acknowledged.iter().zip(&before).all(|(c, b)| c.load(Ordering::Acquire) <= *b + 1) {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Release);
        println!("writes acknowledged while the backup ran: {meanwhile}");
        (before, backup)
    });
    assert_eq!((backup.status, backup.header("x-svgx-sessions")), (200, Some("5")));
    assert_eq!(backup.header("x-svgx-lost"), Some("0"));
    assert!(!data.join(".backup").exists(), "nothing is left beside the sessions");
    let kept = traces(&operator(&service, "operator-secret"), "backup");
    assert_eq!(kept.len(), 1, "{kept:?}");
    drop(service);
    std::fs::remove_dir_all(&data).expect("wiped");

    let service = engine(&fresh, &key);
    let (client, operator) = (public(&service), operator(&service, "operator-secret"));
    // Somebody looks too early.
    let early = block(client.get("state?session=calm", &[])).expect("an answer");
    assert_eq!(early.status, 404, "{}", early.text());
    let restored = restore(&operator, &backup.body);
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(restored.json()["sessions"], 5);
    assert_eq!(state(&client, "calm"), calm);
    for (n, least) in before.iter().enumerate() {
        let session = format!("w{n}");
        let sequence = state(&client, &session)["sequence"].as_u64().expect("a number");
        // The drawing was loaded by the first, and edited by it and each after it.
        assert!(sequence > *least, "{session}: {sequence} after {least} acknowledged edits");
        assert_eq!(edit(&client, &session, 1_000, None).status, 200, "{session} can be edited on");
    }
    assert_eq!(restore(&operator, &backup.body).status, 409, "sessions are not overwritten");
    // What was refused has nothing to tell.
    let kept = traces(&operator, "restore");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["outcome"], "ok");
}

#[test]
fn sessions_are_handed_out_and_taken_in_for_the_operator_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("operator-key");
    std::fs::write(&key, "operator-secret").expect("written");
    let service = engine(&folder.path().join("data"), &key);
    let get = |key: &str| block(operator(&service, key).get("backup", &[])).expect("an answer");
    assert_eq!(get("wrong").status, 401);
    assert_eq!(get("operator-secret").status, 200);
    // A new key is in force at once.
    std::fs::write(&key, "another").expect("written");
    assert_eq!((get("operator-secret").status, get("another").status), (401, 200));
    let garbage = restore(&operator(&service, "another"), &Bytes::from_static(b"no backup"));
    assert_eq!(garbage.status, 422, "{}", garbage.text());
    assert_eq!(block(public(&service).get("backup", &[])).expect("an answer").status, 404);

    let without = Service::start();
    let reply = block(operator(&without, "another").get("backup", &[])).expect("an answer");
    assert_eq!(reply.status, 404, "without a key file there is nothing to hand out");
}

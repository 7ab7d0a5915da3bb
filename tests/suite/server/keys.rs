//! Keys that come, go, or were never there.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use svgx_load::pile;

use crate::support::service::{Service, connect};

const ALICE: &str = "Authorization: Bearer alice-secret\r\n";

fn write(path: &Path, keys: &str) {
    std::fs::write(path, keys).expect("written");
}

fn refuses(service: &Service) {
    // The file is looked at every five seconds; the machine may be busy.
    for _ in 0..600 {
        if service.get("/state", ALICE).status == 401 {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the key is still good after a minute");
}

/// A stream that has begun: asked for again until the key is known.
fn opened(service: &Service, request: &str) -> TcpStream {
    for _ in 0..600 {
        let mut stream = connect(service.public);
        stream.write_all(request.as_bytes()).expect("sent");
        let mut begun = [0; 15];
        stream.read_exact(&mut begun).expect("an answer");
        if begun == *b"HTTP/1.1 200 OK" {
            return stream;
        }
        assert_eq!(begun, *b"HTTP/1.1 401 Un", "{}", String::from_utf8_lossy(&begun));
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the key is not known after a minute");
}

#[test]
fn a_stream_ends_with_the_key_it_was_opened_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    write(&keys, "alice:alice-secret\nbob:bob-secret\n");
    let service = Service::with(&["--api-keys-file", &keys.display().to_string()], None);
    let options = json!({ "duration": 3600, "fps": 25, "precision": "ui" });
    let body = json!({ "content": pile(40), "options": options }).to_string();
    let simulate = format!(
        "POST /simulate HTTP/1.1\r\nHost: localhost\r\n{ALICE}Accept: application/x-ndjson\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let watch = format!("GET /slo/stream HTTP/1.1\r\nHost: localhost\r\n{ALICE}\r\n");
    // The key goes; then the name comes back with another key, which is not the same.
    for after in ["bob:bob-secret\n", "alice:another\n", "# nobody\n"] {
        write(&keys, "alice:alice-secret\nbob:bob-secret\n");
        service.signal(rustix::process::Signal::HUP);
        let mut open = Vec::new();
        for request in [&watch, &simulate] {
            open.push(opened(&service, request));
        }
        write(&keys, after);
        service.signal(rustix::process::Signal::HUP);
        refuses(&service);
        for mut stream in open {
            // It ends with the last chunk; the connection itself may live on.
            let (mut all, mut part) = (Vec::new(), [0; 65_536]);
            while !all.ends_with(b"\r\n0\r\n\r\n") {
                let read = stream.read(&mut part).expect("it ends within two minutes");
                assert!(read > 0, "{}", String::from_utf8_lossy(&all));
                all.extend_from_slice(&part[..read]);
                let excess = all.len().saturating_sub(64);
                all.drain(..excess);
            }
        }
    }
    // Whoever has a key that is back may ask again.
    write(&keys, "alice:alice-secret\n");
    service.signal(rustix::process::Signal::HUP);
    assert!((0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        service.get("/state", ALICE).status == 200
    }));
}

#[test]
fn a_source_of_keys_that_holds_none_refuses_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    let file = keys.display().to_string();
    let start = |flags: &[&str], variable: Option<(&str, &str)>| {
        Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "off"])
            .args(flags)
            .env_clear()
            .envs(variable)
            .output()
            .expect("the binary runs")
    };
    for text in ["", "# none yet\n", "\u{feff}\n"] {
        write(&keys, text);
        let started = start(&["--api-keys-file", &file], None);
        let said = String::from_utf8_lossy(&started.stderr);
        assert_eq!(started.status.code(), Some(2), "{text:?}: {said}");
        assert!(said.contains("no key in it"), "{said}");
    }
    for variable in [("SVGX_API_KEYS", ""), ("SVGX_API_KEYS", ","), ("API_KEY", " ")] {
        let started = start(&[], Some(variable));
        let said = String::from_utf8_lossy(&started.stderr);
        assert_eq!(started.status.code(), Some(2), "{variable:?}: {said}");
        assert!(said.contains(variable.0) && said.contains("no key in it"), "{said}");
    }
}

#[test]
fn a_word_that_is_no_log_level_is_refused_at_start_and_later() {
    for word in ["loud", "5", "svgx_engine"] {
        let started = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "off"])
            .env_clear()
            .env("LOG_LEVEL", word)
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&started.stderr);
        assert_eq!(started.status.code(), Some(2), "{said}");
        assert!(said.contains(word) && said.contains("is no level"), "{said}");
    }
    let service = Service::start();
    let set = |levels: &str| {
        let mut stream = connect(service.internal);
        let head = format!(
            "PUT /log-levels HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{levels}",
            levels.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let answer = crate::support::service::Answer::read(&mut stream);
        (answer.status, String::from_utf8_lossy(&answer.body).trim().to_owned())
    };
    assert_eq!(set("WARNING"), (200, "warn".to_owned()));
    assert_eq!(set("info,svgx_engine=verbose"), (200, "info,svgx_engine=debug".to_owned()));
    let (status, said) = set("loud");
    assert!(status == 422 && said.contains("is no level"), "{status} {said}");
}

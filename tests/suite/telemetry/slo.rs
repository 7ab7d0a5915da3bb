//! What the controller says about itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::{TRACE, ask, parse, serve};

#[test]
fn a_decision_is_found_by_its_trace() {
    let service = serve(None, &[]);
    parse(&service);
    for at in [service.public, service.internal] {
        let head = format!("GET /slo/decisions?trace_id={TRACE} HTTP/1.1");
        let answer = ask(at, &head, "");
        assert!(answer.contains(TRACE) && answer.contains("\"operation\":\"parse\""), "{answer}");
        assert!(ask(at, "GET /slo HTTP/1.1", "").contains("\"burn_rate\""));
        let wrong = ask(at, "GET /slo/decisions?trace_id=xyz HTTP/1.1", "");
        assert!(wrong.starts_with("HTTP/1.1 422"), "{wrong}");
    }
}

#[test]
fn the_stream_says_the_state_again_and_again() {
    let service = serve(None, &[]);
    let mut stream = TcpStream::connect(service.internal).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    stream.write_all(b"GET /slo/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let events = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .filter(|line| line == "event: status")
        .take(2)
        .count();
    assert_eq!(events, 2);
}

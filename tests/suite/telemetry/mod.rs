//! Telemetry, as a scraper, a collector and an operator see it.

mod collector;
mod declared;
mod deep;
mod exposition;
mod logs;
mod prometheus;
mod receiver;
mod registry;
pub(crate) mod sink;
mod slo;
mod traces;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::support::service::{Running, Service};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const DRAWING: &str = r#"{"content":"<svg xmlns='http://www.w3.org/2000/svg'><rect id='r' width='10' height='10'/></svg>"}"#;

fn serve(log: Option<&Path>, variables: &[(&str, &str)]) -> Service {
    Service::with_environment(&["--log-format", "json"], variables, log)
}

/// One request on a connection of its own; the whole answer as text.
fn ask(at: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let request = format!(
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    String::from_utf8_lossy(&answer).into_owned()
}

fn parse(service: &Service) -> String {
    let head = format!("POST /parse HTTP/1.1\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    ask(service.public, &head, DRAWING)
}

fn metrics(service: &Service, accept: &str) -> String {
    ask(service.internal, &format!("GET /metrics HTTP/1.1\r\nAccept: {accept}"), "")
}

fn keep_everything() -> [(&'static str, &'static str); 1] {
    [("OTEL_TRACES_SAMPLER_ARG", "1")]
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

/// Asks again and again until `ready` answers, for at most a minute.
fn eventually<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(seen) = ready() {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what} did not come within a minute")
}

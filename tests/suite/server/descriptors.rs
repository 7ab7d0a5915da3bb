//! More clients than descriptors.

use std::io::Write as _;
use std::net::TcpStream;

use crate::support::service::{Service, connect};

#[test]
fn probes_are_answered_while_clients_take_all_that_there_is_for_them() {
    // The limit is that of this process and its children, so a shell of its own sets it.
    let service = Service::wrapped(&["prlimit", "--nofile=96:96"], &["--rate-limit", "off"]);
    assert_eq!(service.get("/health", "").status, 200);
    let clients: Vec<TcpStream> = (0..150)
        .filter_map(|_| {
            let mut client = TcpStream::connect(service.public).ok()?;
            client.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").ok()?;
            Some(client)
        })
        .collect();
    assert!(clients.len() > 96, "{}", clients.len());
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(service.probe(path), 200, "{path}");
    }
    drop(clients);
    let mut client = connect(service.public);
    client
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("sent");
    assert_eq!(crate::support::service::Answer::read(&mut client).status, 200);
}

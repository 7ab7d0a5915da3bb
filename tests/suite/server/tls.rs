//! TLS in the engine itself, as a client sees it: verified, and renewed without a restart.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use svgx_operations::http::{Client, Reply};

use crate::support::service::{Service, block, connect};

/// Writes a new certificate for this machine, its own authority, and its key.
fn renew(folder: &Path) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    // The key first: a reader between the two sees a pair that does not match, and waits.
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
}

fn start(folder: &Path) -> Service {
    let path = |name: &str| folder.join(name).display().to_string();
    Service::with(&["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")], None)
}

/// Asks with trust in nothing but the certificate that is on disk now.
fn ask(service: &Service, folder: &Path) -> Result<Reply, String> {
    let url = format!("https://{}", service.public);
    let client = Client::new(&url, None, Some(&folder.join("cert.pem"))).expect("a client");
    block(client.get("health", &[])).map_err(|e| e.to_string())
}

/// Asks until the new certificate is in force.
fn eventually(service: &Service, folder: &Path) -> Reply {
    for _ in 0..300 {
        if let Ok(reply) = ask(service, folder) {
            return reply;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the new certificate is not in force after half a minute");
}

#[test]
fn a_renewed_certificate_is_in_force_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    renew(folder.path());
    let service = start(folder.path());
    let first = ask(&service, folder.path()).expect("a verified answer");
    assert_eq!(first.status, 200);
    assert_eq!(first.header("strict-transport-security"), Some("max-age=31536000"));

    // What is no certificate changes nothing.
    let old = std::fs::read(folder.path().join("cert.pem")).expect("read");
    std::fs::write(folder.path().join("cert.pem"), "nonsense").expect("written");
    service.signal(rustix::process::Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    std::fs::write(folder.path().join("cert.pem"), old).expect("written");
    assert_eq!(ask(&service, folder.path()).map(|r| r.status), Ok(200));

    // Told by a signal.
    renew(folder.path());
    service.signal(rustix::process::Signal::HUP);
    assert_eq!(eventually(&service, folder.path()).status, 200);

    // Found by itself, as with a certificate that the cluster mounts.
    renew(folder.path());
    assert_eq!(eventually(&service, folder.path()).status, 200);
}

#[test]
fn half_a_pair_is_refused_at_start() {
    let folder = tempfile::tempdir().expect("a folder");
    renew(folder.path());
    let started = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "off", "--tls-cert"])
        .arg(folder.path().join("cert.pem"))
        .env_clear()
        .output()
        .expect("the binary runs");
    assert_eq!(started.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&started.stderr).contains("both --tls-cert and --tls-key"));
}

/// A connection of HTTP/2 on which the settings were exchanged and nothing is asked.
fn idle_http_2(service: &Service, folder: &Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(folder.join("cert.pem")).expect("read");
    roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut stream = StreamOwned::new(session, connect(service.public));
    // The preface, SETTINGS, and the acknowledgement of the service's.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("sent");
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).expect("sent");
    let mut head = [0; 9];
    loop {
        stream.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).expect("its payload");
        if (head[3], head[4] & 1) == (4, 1) {
            break;
        }
    }
    stream.write_all(&[0, 0, 0, 4, 1, 0, 0, 0, 0]).expect("sent");
    stream
}

#[test]
fn an_idle_connection_of_http_2_is_told_of_a_stop_and_does_not_hold_it_up() {
    let folder = tempfile::tempdir().expect("a folder");
    renew(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    // The test would wait as long.
    let flags = ["--tls-cert", &cert, "--tls-key", &key, "--drain-timeout", "3600"];
    let mut service = Service::with(&flags, None);
    let mut idle = idle_http_2(&service, folder.path());
    service.signal(rustix::process::Signal::TERM);
    let mut rest = Vec::new();
    // It may end without the farewell of TLS.
    let _ = idle.read_to_end(&mut rest);
    // GOAWAY, without an error.
    let frame = rest.windows(4).position(|w| w == [0, 8, 7, 0]).expect("it is told");
    assert_eq!(&rest[frame + 12..frame + 16], &[0, 0, 0, 0], "{rest:?}");
    assert!(service.wait().success());
}

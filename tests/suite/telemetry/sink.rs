//! An OTLP receiver of our own, for machines without Go: HTTP/protobuf, decoded
//! with `opentelemetry-proto` into the same JSON that the Collector writes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::Value;

/// What came in: the path and headers of each request, and its content.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) heads: Vec<String>,
    pub(crate) traces: Vec<Value>,
    pub(crate) metrics: Vec<Value>,
    pub(crate) logs: Vec<Value>,
}

/// A sink that listens until the process ends.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Sink {
    pub(crate) fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sink = Sink { port, heard: Arc::default() };
        let heard = Arc::clone(&sink.heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || listen(stream, &heard));
            }
        });
        sink
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What came in so far.
    pub(crate) fn take(&self) -> Heard {
        std::mem::take(&mut *self.heard.lock().expect("not poisoned"))
    }
}

fn listen(stream: TcpStream, heard: &Mutex<Heard>) {
    let mut writer = stream.try_clone().expect("cloned");
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(n) = lower.strip_prefix("content-length:") {
                length = n.trim().parse().expect("a length");
            }
            head.push_str(&lower);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        if head.contains("content-encoding: gzip") {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).expect("gzip");
            body = plain;
        }
        let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut heard = heard.lock().expect("not poisoned");
        let json = |value: Result<Value, serde_json::Error>| value.expect("JSON");
        match path.as_str() {
            "/v1/traces" => {
                let request = ExportTraceServiceRequest::decode(&*body).expect("protobuf");
                heard.traces.push(json(serde_json::to_value(request)));
            }
            "/v1/metrics" => {
                let request = ExportMetricsServiceRequest::decode(&*body).expect("protobuf");
                heard.metrics.push(json(serde_json::to_value(request)));
            }
            "/v1/logs" => {
                let request = ExportLogsServiceRequest::decode(&*body).expect("protobuf");
                heard.logs.push(json(serde_json::to_value(request)));
            }
            other => panic!("{other}"),
        }
        heard.heads.push(head);
        drop(heard);
        let answer =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

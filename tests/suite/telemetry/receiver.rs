//! Whoever receives OTLP in these tests: the real Collector, with the
//! configuration that is deployed; where it could not be built, a sink of ours.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::sink::Sink;
use super::{Running, free_port};

/// The configuration that tests, `svgx stack` and the cluster share.
pub(super) const CONFIG: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/k8s/components/otel-collector/collector.yaml");

/// The Collector, or the sink where there is none.
pub(super) enum Receiver {
    Collector(Box<Collector>),
    Sink(Sink),
}

impl Receiver {
    /// Starts the Collector, with its files in `folder`; where it could not be
    /// built, the sink, and says so.
    pub(super) fn start(folder: &Path) -> Receiver {
        match Collector::new(folder) {
            Some(mut collector) => {
                collector.start();
                Receiver::Collector(Box::new(collector))
            }
            None => {
                println!("a sink of our own stands in for the Collector");
                Receiver::Sink(Sink::start())
            }
        }
    }

    /// How the service is told where it is.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let (protocol, endpoint) = match self {
            Receiver::Collector(collector) => ("grpc", collector.grpc()),
            Receiver::Sink(sink) => ("http/protobuf", sink.endpoint()),
        };
        vec![
            ("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), protocol.to_owned()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint),
        ]
    }

    /// Ends it; everything that it received.
    pub(super) fn stop(&mut self) -> Received {
        match self {
            Receiver::Collector(collector) => {
                collector.stop();
                collector.received()
            }
            Receiver::Sink(sink) => {
                let heard = sink.take();
                Received::of(&heard.traces, &heard.metrics, &heard.logs)
            }
        }
    }
}

/// A running Collector and the files it writes.
pub(super) struct Collector {
    process: Option<Running>,
    folder: PathBuf,
    grpc: u16,
    http: u16,
    health: u16,
    extra: Vec<PathBuf>,
}

/// What was received, each item an object of OTLP's JSON.
pub(super) struct Received {
    pub(super) spans: Vec<Spoken>,
    pub(super) metrics: Vec<Spoken>,
    pub(super) records: Vec<Spoken>,
}

/// A span, a metric or a record, and the resource that sent it.
pub(super) struct Spoken {
    pub(super) resource: Value,
    pub(super) item: Value,
}

/// Where the Collector is, if it was built.
pub(super) fn binary() -> Option<PathBuf> {
    let folder = std::env::var_os("SVGX_TEST_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"), PathBuf::from);
    let path = folder.join("bin/otelcol-svgx");
    path.exists().then_some(path)
}

impl Collector {
    /// A Collector that writes below `folder`; not yet running. `None`, said
    /// aloud, where it was not built.
    pub(super) fn new(folder: &Path) -> Option<Collector> {
        if binary().is_none() {
            println!("no Collector: no otelcol-svgx in $SVGX_TEST_TOOLS/bin or target/tools/bin");
            return None;
        }
        let (grpc, http, health) = (free_port(), free_port(), free_port());
        let folder = folder.to_owned();
        Some(Collector { process: None, folder, grpc, http, health, extra: Vec::new() })
    }

    /// Merges `text` over the shared configuration.
    pub(super) fn with(mut self, text: &str) -> Collector {
        let path = self.folder.join(format!("extra-{}.yaml", self.extra.len()));
        fs::write(&path, text).expect("written");
        self.extra.push(path);
        self
    }

    /// Starts it and waits until it listens.
    pub(super) fn start(&mut self) {
        let binary = binary().expect("seen before");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"));
        let mut command = Command::new(binary);
        command.arg("--config").arg(CONFIG);
        for extra in &self.extra {
            command.arg("--config").arg(extra);
        }
        command
            .env("OTEL_COLLECTOR_GRPC", format!("127.0.0.1:{}", self.grpc))
            .env("OTEL_COLLECTOR_HTTP", format!("127.0.0.1:{}", self.http))
            .env("OTEL_COLLECTOR_HEALTH", format!("127.0.0.1:{}", self.health))
            .env("OTEL_COLLECTOR_FILES", &self.folder)
            .stdout(Stdio::null())
            .stderr(log.expect("a log"));
        self.process = Some(Running(command.spawn().expect("the collector starts")));
        let up = (0..600).any(|_| {
            let up = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.health))).is_ok()
                && TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.grpc))).is_ok();
            if !up {
                std::thread::sleep(Duration::from_millis(100));
            }
            up
        });
        assert!(up, "{}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    /// Where it takes gRPC.
    pub(super) fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// Where it takes HTTP.
    pub(super) fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// Kills it on the spot.
    pub(super) fn kill(&mut self) {
        self.process = None;
    }

    /// Lets it write what it holds, and end.
    pub(super) fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        assert!(process.terminate());
    }

    /// Everything it wrote.
    pub(super) fn received(&self) -> Received {
        let lines = |name: &str| -> Vec<Value> {
            // Rotation leaves older files beside the newest.
            let mut text = String::new();
            for entry in fs::read_dir(&self.folder).expect("the folder").flatten() {
                let file = entry.file_name().to_string_lossy().into_owned();
                if file.starts_with(name) {
                    text.push_str(&fs::read_to_string(entry.path()).expect("text"));
                }
            }
            // A line cut off by a kill was not written. It may lack no more than its end: what
            // the next Collector wrote then stands behind it, on the same line.
            for begin in ["{\"resourceSpans\"", "{\"resourceMetrics\"", "{\"resourceLogs\""] {
                text = text.replace(begin, &format!("\n{begin}"));
            }
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
        };
        Received::of(&lines("traces"), &lines("metrics"), &lines("logs"))
    }
}

impl Received {
    fn of(traces: &[Value], metrics: &[Value], logs: &[Value]) -> Received {
        Received {
            spans: spoken(traces, "resourceSpans", "scopeSpans", "spans"),
            metrics: spoken(metrics, "resourceMetrics", "scopeMetrics", "metrics"),
            records: spoken(logs, "resourceLogs", "scopeLogs", "logRecords"),
        }
    }
}

fn spoken(lines: &[Value], resources: &str, scopes: &str, items: &str) -> Vec<Spoken> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for line in lines {
        for from in list(line, resources) {
            for scope in list(&from, scopes) {
                for item in list(&scope, items) {
                    all.push(Spoken { resource: from["resource"].clone(), item });
                }
            }
        }
    }
    all
}

/// The attributes of a span, point, record or resource, as plain JSON.
pub(super) fn attributes(of: &Value) -> Vec<(String, Value)> {
    let list = of["attributes"].as_array().cloned().unwrap_or_default();
    list.into_iter()
        .map(|kv| {
            let value = &kv["value"];
            let plain = if let Some(text) = value["intValue"].as_str() {
                Value::from(text.parse::<i64>().expect("a number"))
            } else {
                ["stringValue", "intValue", "doubleValue", "boolValue"]
                    .iter()
                    .find_map(|k| value.get(*k).cloned())
                    .unwrap_or_default()
            };
            (kv["key"].as_str().expect("a key").to_owned(), plain)
        })
        .collect()
}

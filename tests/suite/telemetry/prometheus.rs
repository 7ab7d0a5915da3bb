//! The exemplars, as a real Prometheus stores them.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Running, TRACE, ask, eventually, free_port, keep_everything, parse, serve};

#[test]
fn prometheus_leads_from_a_bucket_to_the_trace() {
    let version = Command::new("prometheus").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        println!("skipped: no prometheus here");
        return;
    }
    let service = serve(None, &keep_everything());
    parse(&service);
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("prometheus.yaml");
    let text = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: svgx-engine\n    \
         static_configs: [{{targets: ['{}']}}]\n",
        service.internal
    );
    fs::write(&config, text).expect("written");
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let log = fs::File::create(folder.path().join("log")).expect("a log");
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={at}"))
        .arg("--enable-feature=exemplar-storage")
        .stdout(Stdio::null())
        .stderr(log);
    let _prometheus = Running(command.spawn().expect("it starts"));
    eventually("Prometheus", || std::net::TcpStream::connect(at).ok());
    let query = "GET /api/v1/query_exemplars?query=svgx_operation_duration_seconds_bucket\
        &start=0&end=9999999999 HTTP/1.0";
    let exemplar = eventually("an exemplar", || {
        let answer = ask(at, query, "");
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let answer: Value = serde_json::from_str(body).ok()?;
        answer.pointer("/data/0/exemplars/0").cloned()
    });
    assert_eq!(exemplar["labels"]["trace_id"], TRACE, "{exemplar}");
    assert_eq!(exemplar["labels"]["span_id"].as_str().map(str::len), Some(16), "{exemplar}");
}

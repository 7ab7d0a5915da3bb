//! What a real Alertmanager mutes while ServiceDown fires, with the configuration as generated.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use svgx_operations::http;

/// Ends with its test.
struct Alertmanager {
    process: Child,
    at: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start() -> Option<Alertmanager> {
    let installed = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let program = ["prometheus-alertmanager", "alertmanager"].into_iter().find(installed)?;
    let folder = tempfile::tempdir().expect("a folder");
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/alerts/alertmanager.yaml");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let process = Command::new(program)
        .arg(format!("--config.file={config}"))
        .arg(format!("--storage.path={}", folder.path().display()))
        .arg(format!("--web.listen-address={free}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let alertmanager = Alertmanager { process, at: free, _folder: folder };
    eventually("Alertmanager", || {
        let ready = http::get(&free.to_string(), "/-/ready", Duration::from_secs(2));
        ready.is_ok_and(|r| r.status == 200).then_some(())
    });
    Some(alertmanager)
}

fn eventually<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = ready() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what} did not come within a minute")
}

impl Alertmanager {
    /// Which of `alerts` (name and instance) are muted, once all are known.
    fn muted(&self, alerts: &[(&str, &str)]) -> BTreeMap<(String, String), bool> {
        let labels = |name: &str, instance: &str| {
            let severity = if name == "HighMemoryUsage" { "warning" } else { "critical" };
            let mut labels = json!({
                "alertname": name, "service": "svgx-engine", "severity": severity,
                "slo": format!("slo-of-{name}"),
            });
            if !instance.is_empty() {
                labels["instance"] = instance.into();
            }
            json!({ "labels": labels })
        };
        let body: Vec<Value> = alerts.iter().map(|(n, i)| labels(n, i)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let client = http::Client::new(&format!("http://{}", self.at), None, None);
            let client = client.expect("an address");
            let reply = client.post("api/v2/alerts", &Value::Array(body)).await;
            assert_eq!(reply.expect("an answer").status, 200);
        });
        eventually("every alert", || {
            let reply = http::get(&self.at.to_string(), "/api/v2/alerts", Duration::from_secs(5));
            let all = reply.ok()?.json();
            let all = all.as_array()?;
            let settled = all.iter().all(|a| a["status"]["state"] != "unprocessed");
            let muted = all.iter().map(|a| {
                let text = |name: &str| a["labels"][name].as_str().unwrap_or("").to_owned();
                let by = a["status"]["inhibitedBy"].as_array().is_some_and(|by| !by.is_empty());
                ((text("alertname"), text("instance")), by)
            });
            (settled && all.len() == alerts.len()).then(|| muted.collect())
        })
    }
}

/// Alerts by name and instance.
type Alerts<'a> = &'a [(&'a str, &'a str)];

/// One of ten replicas.
const DOWN: &str = "10.0.0.7:9464";
const OTHER: &str = "10.0.0.3:9464";

#[test]
fn a_dead_instance_mutes_its_own_alerts_and_nobody_elses() {
    let cases: [(Alerts<'_>, Alerts<'_>); 3] = [
        // One instance is down: what the others do is told.
        (
            &[
                ("ServiceDown", DOWN),
                ("HighMemoryUsage", DOWN),
                ("HighMemoryUsage", OTHER),
                ("HighErrorRate", ""),
                ("ErrorBudgetBurn", ""),
            ],
            &[("HighMemoryUsage", DOWN)],
        ),
        // None is left: that explains everything.
        (
            &[("ServiceDown", ""), ("HighMemoryUsage", OTHER), ("HighErrorRate", "")],
            &[("HighMemoryUsage", OTHER), ("HighErrorRate", "")],
        ),
        // Nothing is down.
        (&[("HighMemoryUsage", OTHER), ("HighErrorRate", "")], &[]),
    ];
    for (alerts, muted) in cases {
        let Some(alertmanager) = start() else {
            return println!("skipped: no Alertmanager here");
        };
        for ((name, instance), is_muted) in alertmanager.muted(alerts) {
            let expected = muted.contains(&(name.as_str(), instance.as_str()));
            assert_eq!(is_muted, expected, "{name} {instance:?} among {alerts:?}");
        }
    }
}

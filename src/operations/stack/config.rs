//! The configurations of the parts: the files of the project, with this
//! machine's addresses in the places where a cluster has its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::{Addresses, Error, Part, Stack, StackRecord};

/// What every process of the engine hears: where its telemetry goes.
fn surroundings(at: &Addresses, command: &mut Command) {
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", at.collector));
    // The engine refuses variables of its prefix that it does not know.
    for (name, _) in std::env::vars_os() {
        let ours = ["SVGX_TEST_", "SVGX_STACK_", "SVGX_CHAOS_"];
        if ours.iter().any(|p| name.to_string_lossy().starts_with(p)) {
            command.env_remove(name);
        }
    }
}

/// The Collector's configuration, from the root of the project.
pub(super) const COLLECTOR: &str = "k8s/components/otel-collector/collector.yaml";

impl Stack {
    /// Says to `command` what `part` needs to hear, writing files where it needs them. Engines keep
    /// their sessions on the store where there is one.
    pub(super) fn configure(
        &self,
        part: Part,
        record: &StackRecord,
        command: &mut Command,
    ) -> Result<(), Error> {
        let at = &record.addresses;
        let data = self.path(&format!("{part}-data"));
        std::fs::create_dir_all(&data).map_err(|e| Error::File(data.clone(), e))?;
        match part {
            Part::Receiver => {
                command.args(["stack", "receive", "--listen", &at.receiver.to_string(), "--to"]);
                command.arg(self.path("notifications.jsonl"));
            }
            Part::Store => {
                // As docs/replicas.md wants it.
                command
                    .args(["--bind", "127.0.0.1", "--port", &at.store.port().to_string(), "--dir"])
                    .arg(data)
                    .args(["--appendonly", "yes", "--appendfsync", "always"])
                    .args(["--maxmemory-policy", "noeviction", "--save", ""]);
            }
            Part::Engine | Part::Replica => {
                let (public, internal, peer) = match part {
                    Part::Replica => (at.replica, at.replica_internal, at.replica_peer),
                    _ => (at.engine, at.internal, at.peer),
                };
                command
                    .args(["serve", "--listen", &public.to_string()])
                    .args(["--internal-listen", &internal.to_string()]);
                if record.has(Part::Store) {
                    command
                        .args(["--store", &format!("redis://{}/0", at.store)])
                        .args(["--replica-listen", &peer.to_string(), "--replica-secret-file"])
                        .arg(self.secret("replica.secret")?);
                } else {
                    command.arg("--data-dir").arg(data);
                }
                surroundings(at, command);
            }
            Part::Worker => {
                command
                    .args(["work", "--internal-listen", &at.worker.to_string()])
                    .args(["--store", &format!("redis://{}/0", at.store)]);
                surroundings(at, command);
            }
            Part::Collector => {
                command
                    .arg("--config")
                    .arg(self.root.join(COLLECTOR))
                    .env("OTEL_COLLECTOR_GRPC", at.collector.to_string())
                    .env("OTEL_COLLECTOR_HTTP", at.collector_http.to_string())
                    .env("OTEL_COLLECTOR_HEALTH", at.collector_health.to_string())
                    .env("OTEL_COLLECTOR_FILES", data);
            }
            Part::Prometheus => {
                let config = self.prometheus(record)?;
                command
                    .arg(format!("--config.file={}", config.display()))
                    .arg(format!("--storage.tsdb.path={}", data.display()))
                    .arg(format!("--web.listen-address={}", at.prometheus))
                    .arg("--storage.tsdb.retention.time=10d")
                    .arg("--enable-feature=exemplar-storage");
            }
            Part::Alertmanager => {
                let config = self.alertmanager(at)?;
                command
                    .arg(format!("--config.file={}", config.display()))
                    .arg(format!("--storage.path={}", data.display()))
                    .arg(format!("--web.listen-address={}", at.alertmanager))
                    // One of them needs no cluster.
                    .arg("--cluster.listen-address=");
            }
        }
        Ok(())
    }

    fn load(&self, path: &str) -> Result<Value, Error> {
        let path = self.root.join(path);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::File(path.clone(), e))?;
        serde_saphyr::from_str(&text).map_err(|e| Error::Config(path, e.to_string()))
    }

    /// JSON is YAML: what is written needs no writer of its own.
    fn save(&self, name: &str, value: &Value) -> Result<PathBuf, Error> {
        let path = self.path(name);
        std::fs::write(&path, format!("{value:#}\n")).map_err(|e| Error::File(path.clone(), e))?;
        Ok(path)
    }

    /// A file with a secret of this stack, which is on loopback alone.
    fn secret(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path(name);
        std::fs::write(&path, "known to this stack alone")
            .map_err(|e| Error::File(path.clone(), e))?;
        Ok(path)
    }

    /// Prometheus' configuration: targets and the folder of the rules are this machine's.
    fn prometheus(&self, record: &StackRecord) -> Result<PathBuf, Error> {
        let at = &record.addresses;
        let mut config = self.load("k8s/components/prometheus/prometheus.yaml")?;
        config["rule_files"] = json!([self.root.join("alerts/*.rules.yaml")]);
        config["alerting"]["alertmanagers"] =
            json!([{"static_configs": [{"targets": [at.alertmanager]}]}]);
        for job in config["scrape_configs"].as_array_mut().into_iter().flatten() {
            let engines = [(Part::Engine, at.internal), (Part::Replica, at.replica_internal)];
            let of = |parts: &[(Part, SocketAddr)]| -> Vec<SocketAddr> {
                let there = |(part, _): &&(Part, SocketAddr)| part.usual() || record.has(*part);
                parts.iter().filter(there).map(|(_, at)| *at).collect()
            };
            let targets = match job["job_name"].as_str() {
                Some("svgx-engine") => of(&engines),
                Some("svgx-worker") => of(&[(Part::Worker, at.worker)]),
                Some("prometheus") => vec![at.prometheus],
                Some("alertmanager") => vec![at.alertmanager],
                _ => Vec::new(),
            };
            if let Some(job) = job.as_object_mut() {
                job.retain(|key, _| !key.ends_with("_sd_configs"));
                job.insert("static_configs".to_owned(), json!([{"targets": targets}]));
            }
        }
        self.save("prometheus.yaml", &config)
    }

    /// Alertmanager's configuration: notifications go to the receiver of this stack.
    fn alertmanager(&self, at: &Addresses) -> Result<PathBuf, Error> {
        let mut config = self.load("alerts/alertmanager.yaml")?;
        // Nobody checks it here; the file must be there, as it must in a cluster.
        let secret = self.secret("receiver.secret")?;
        for receiver in config["receivers"].as_array_mut().into_iter().flatten() {
            let name = receiver["name"].as_str().unwrap_or_default().to_owned();
            for hook in receiver["webhook_configs"].as_array_mut().into_iter().flatten() {
                hook["url"] = json!(format!("http://{}/{name}", at.receiver));
                hook["http_config"]["authorization"]["credentials_file"] = json!(secret);
            }
        }
        self.save("alertmanager.yaml", &config)
    }
}

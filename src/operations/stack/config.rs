//! The configurations of the parts: the files of the project, with this
//! machine's addresses in the places where a cluster has its own.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::{Addresses, Error, Part, Stack};

/// The Collector's configuration, from the root of the project.
pub(super) const COLLECTOR: &str = "k8s/components/otel-collector/collector.yaml";

impl Stack {
    /// Says to `command` what `part` needs to hear, writing files where it needs them.
    pub(super) fn configure(
        &self,
        part: Part,
        at: &Addresses,
        command: &mut Command,
    ) -> Result<(), Error> {
        let data = self.path(&format!("{part}-data"));
        std::fs::create_dir_all(&data).map_err(|e| Error::File(data.clone(), e))?;
        match part {
            Part::Receiver => {
                command.args(["stack", "receive", "--listen", &at.receiver.to_string(), "--to"]);
                command.arg(self.path("notifications.jsonl"));
            }
            Part::Engine => {
                command
                    .args(["serve", "--listen", &at.engine.to_string()])
                    .args(["--internal-listen", &at.internal.to_string(), "--data-dir"])
                    .arg(data)
                    .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", at.collector));
                // The engine refuses variables of its prefix that it does not know.
                for (name, _) in std::env::vars_os() {
                    let ours = ["SVGX_TEST_", "SVGX_STACK_", "SVGX_CHAOS_"];
                    if ours.iter().any(|p| name.to_string_lossy().starts_with(p)) {
                        command.env_remove(name);
                    }
                }
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
                let config = self.prometheus(at)?;
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

    /// Prometheus' configuration: targets and the folder of the rules are this machine's.
    fn prometheus(&self, at: &Addresses) -> Result<PathBuf, Error> {
        let mut config = self.load("k8s/components/prometheus/prometheus.yaml")?;
        config["rule_files"] = json!([self.root.join("alerts/*.rules.yaml")]);
        config["alerting"]["alertmanagers"] =
            json!([{"static_configs": [{"targets": [at.alertmanager]}]}]);
        for job in config["scrape_configs"].as_array_mut().into_iter().flatten() {
            let target = match job["job_name"].as_str() {
                Some("svgx-engine") => Some(at.internal),
                Some("prometheus") => Some(at.prometheus),
                Some("alertmanager") => Some(at.alertmanager),
                _ => None,
            };
            if let Some(job) = job.as_object_mut() {
                job.retain(|key, _| !key.ends_with("_sd_configs"));
                let targets: Vec<_> = target.into_iter().collect();
                job.insert("static_configs".to_owned(), json!([{"targets": targets}]));
            }
        }
        self.save("prometheus.yaml", &config)
    }

    /// Alertmanager's configuration: notifications go to the receiver of this stack.
    fn alertmanager(&self, at: &Addresses) -> Result<PathBuf, Error> {
        let mut config = self.load("alerts/alertmanager.yaml")?;
        let secret = self.path("receiver.secret");
        // Nobody checks it here; the file must be there, as it must in a cluster.
        std::fs::write(&secret, "local").map_err(|e| Error::File(secret.clone(), e))?;
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

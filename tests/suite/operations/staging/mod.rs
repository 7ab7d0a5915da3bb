//! `svgx staging` with a cluster made of a folder: what is asked of kubectl and of the image tool,
//! in which order, and what happens when one of them fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use svgx_operations::http::Client;
use svgx_operations::staging::tools::find;

use crate::support::service::{Service, block};
use crate::telemetry::sink::Sink;

const ROOM: &str = include_str!("../../../../examples/room.svgx");

/// A cluster that is a folder.
struct Cluster {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

struct Told {
    code: Option<i32>,
    text: String,
}

impl Cluster {
    fn new() -> Cluster {
        let folder = tempfile::tempdir().expect("a folder");
        Cluster { folder, variables: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn fails(&self, verb: &str, fails: bool) {
        if fails {
            self.fails_with(verb, 1);
        } else {
            std::fs::remove_file(self.path(&format!("fail-{verb}"))).expect("removed");
        }
    }

    fn fails_with(&self, verb: &str, code: u8) {
        let path = self.path(&format!("fail-{verb}"));
        std::fs::write(path, code.to_string()).expect("written");
    }

    /// Runs `svgx staging` in the root of the project, with this cluster for the real one.
    fn staging(&self, arguments: &[&str]) -> Told {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tools = root.join("tests/suite/operations/staging");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .arg("staging")
            .args(arguments)
            .current_dir(root)
            .env_clear()
            .env("PATH", format!("{}:{path}", tools.display()))
            .env("FAKE", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .envs(self.variables.iter().map(|(k, v)| (*k, v.as_str())))
            .output()
            .expect("the binary runs");
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Told { code: output.status.code(), text }
    }

    fn deploy(&self, more: &[&str]) -> Told {
        let journal = self.path("journal").display().to_string();
        let mut all =
            vec!["deploy", "--prepare", "true", "--no-registry-check", "--journal", &journal];
        all.extend(more);
        self.staging(&all)
    }

    /// Every step of the journal that ended, as `step state`.
    fn steps(&self) -> Vec<String> {
        let text = |v: &Value| v.as_str().unwrap_or("?").to_owned();
        let lines = self.read("journal");
        let entries = lines.lines().map(|l| serde_json::from_str::<Value>(l).expect("JSON"));
        entries
            .filter(|e| e["state"] != "started")
            .map(|e| format!("{} {}", text(&e["step"]), text(&e["state"])))
            .collect()
    }

    fn count(&self, what: &str) -> usize {
        self.read("calls").lines().filter(|l| l.contains(what)).count()
    }
}

#[test]
fn a_deployment_is_built_applied_by_digest_and_written_down_and_may_be_repeated() {
    let cluster = Cluster::new();
    let first = cluster.deploy(&["--no-validate"]);
    assert_eq!(first.code, Some(0), "{}", first.text);
    let done = ["build", "push", "before", "namespace", "secrets", "apply", "wait", "finish"];
    assert_eq!(cluster.steps(), done.map(|s| format!("{s} done")));
    let digest = format!("localhost:5000/svgx-engine@sha256:{:064}", 7);
    assert!(first.text.contains(&digest) && cluster.read("applied").contains(&digest));
    let keys = cluster.read("secret-svgx-engine-keys");

    let second = cluster.deploy(&["--no-validate"]);
    assert_eq!(second.code, Some(0), "{}", second.text);
    assert_eq!(cluster.read("secret-svgx-engine-keys"), keys, "secrets are made once");
    assert_eq!(cluster.count(" create "), 3);
    assert_eq!(cluster.read("revision").trim(), "2");
    // No value of a secret was ever on a command line.
    assert!(!cluster.read("calls").contains("staging:"));

    let status =
        cluster.staging(&["status", "--journal", &cluster.path("journal").display().to_string()]);
    let status: Value = serde_json::from_str(&status.text).expect("JSON");
    assert_eq!((&status["revision"], &status["replicas"]), (&json!(2), &json!([2, 2, 2])));
    assert_eq!((&status["last"]["step"], &status["image"]), (&json!("finish"), &json!(digest)));

    let back = cluster.staging(&["rollback"]);
    assert_eq!((back.code, back.text.trim()), (Some(0), "revision 1 is in force"));
    let nowhere = cluster.staging(&["rollback", "--to-revision", "77"]);
    assert!(
        nowhere.code == Some(2) && nowhere.text.contains("no such revision"),
        "{}",
        nowhere.text
    );
    assert_eq!(cluster.count("delete"), 0);
}

#[test]
fn a_rollout_that_does_not_end_goes_back_by_itself_and_touches_nothing_else() {
    let cluster = Cluster::new();
    assert_eq!(cluster.deploy(&["--no-validate"]).code, Some(0));
    let keys = cluster.read("secret-svgx-engine-keys");
    // The rollout never ends; the way back, a rollout as well, fails too, and that is said.
    cluster.fails("status", true);
    let stuck = cluster.deploy(&["--no-validate", "--image-tag", "second"]);
    assert_eq!(stuck.code, Some(2));
    assert!(stuck.text.contains("rolling back failed as well"), "{}", stuck.text);
    assert_eq!(cluster.count("rollout undo deployment/svgx-engine-staging --to-revision=1"), 1);
    cluster.fails("status", false);
    // The apply fails: nothing was rolled out, so nothing is undone.
    cluster.fails("apply", true);
    let refused = cluster.deploy(&["--no-validate", "--image-tag", "third"]);
    assert!(refused.text.contains("rolled back to revision 3"), "{}", refused.text);
    assert_eq!(cluster.count("rollout undo"), 1);
    assert_eq!(cluster.read("secret-svgx-engine-keys"), keys);
    assert_eq!(cluster.count("delete"), 0);
}

#[test]
fn a_failed_validation_goes_back_to_the_revision_that_was_there() {
    let cluster = Cluster::new();
    let first = cluster.deploy(&["--url", "http://127.0.0.1:9"]);
    assert_eq!(first.code, Some(2));
    assert!(first.text.contains("there is no previous revision"), "{}", first.text);
    assert_eq!(cluster.deploy(&["--no-validate"]).code, Some(0));
    let second = cluster.deploy(&["--image-tag", "second", "--url", "http://127.0.0.1:9"]);
    assert_eq!(second.code, Some(2));
    assert!(second.text.contains("FAIL health"), "{}", second.text);
    assert!(second.text.contains("rolled back to revision 2"), "{}", second.text);
    let end = cluster.steps();
    assert_eq!(end[end.len() - 2..], ["validate failed".to_owned(), "rollback done".to_owned()]);
    assert_eq!(cluster.count("rollout undo deployment/svgx-engine-staging --to-revision=2"), 1);
}

#[test]
fn what_was_cut_short_goes_on_where_it_stopped() {
    let cluster = Cluster::new();
    cluster.fails("push", true);
    assert_eq!(cluster.deploy(&["--no-validate"]).code, Some(2));
    assert_eq!(cluster.steps(), ["build done", "push failed"]);
    cluster.fails("push", false);
    let again = cluster.deploy(&["--no-validate"]);
    assert_eq!(again.code, Some(0), "{}", again.text);
    assert!(again.text.contains("build: done before"), "{}", again.text);
    assert_eq!((cluster.count("buildah build"), cluster.count("buildah push")), (1, 2));
}

#[test]
fn a_rehearsal_and_an_unfit_manifest_change_nothing() {
    let cluster = Cluster::new();
    let dry = cluster.deploy(&["--dry-run", "--monitoring"]);
    assert_eq!(dry.code, Some(0), "{}", dry.text);
    assert!(dry.text.contains("would apply Deployment/svgx-engine-staging"), "{}", dry.text);
    assert!(dry.text.contains("would apply StatefulSet/prometheus"), "{}", dry.text);
    let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("k8s/staging-deployment.yaml");
    let text = std::fs::read_to_string(good).expect("read");
    let bad = cluster.path("bad.yaml");
    let text = text
        .replace("enableServiceLinks: false", "enableServiceLinks: false\n      hostNetwork: true");
    std::fs::write(&bad, text).expect("written");
    let refused = cluster.deploy(&["--manifest", &bad.display().to_string()]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.text.contains("Deployment/svgx-engine-staging: hostNetwork is true"),
        "{}",
        refused.text
    );
    assert_eq!((cluster.read("calls"), cluster.read("journal")), (String::new(), String::new()));
}

#[test]
fn cluster_registry_and_tools_are_asked_for_before_anything_is_built() {
    let cluster = Cluster::new();
    let journal = cluster.path("journal").display().to_string();
    let built = |cluster: &Cluster| cluster.count("buildah build");
    let prepared_by = |program: &str, more: &[&str]| {
        let all = ["deploy", "--no-validate", "--prepare", program, "--journal", &journal];
        cluster.staging(&[&all, more].concat())
    };
    let deploy = |more: &[&str]| prepared_by("true", more);
    // The cluster does not answer.
    cluster.fails("get", true);
    let refused = deploy(&["--no-registry-check"]);
    assert_eq!(refused.code, Some(2), "{}", refused.text);
    assert!(refused.text.contains("kubectl config get-contexts"), "{}", refused.text);
    cluster.fails("get", false);
    // What makes the files of the image is not there.
    let refused = prepared_by("no/such/program", &["--no-registry-check"]);
    assert_eq!(refused.code, Some(2), "{}", refused.text);
    assert!(refused.text.contains("no/such/program"), "{}", refused.text);
    // Nobody is at the registry: bound and closed again.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let nowhere = free.expect("an address").to_string();
    let refused = deploy(&["--registry", &nowhere]);
    assert_eq!(refused.code, Some(2), "{}", refused.text);
    assert!(refused.text.contains(&format!("registry {nowhere}")), "{}", refused.text);
    assert!(refused.text.contains("--no-registry-check"), "{}", refused.text);
    assert_eq!(built(&cluster), 0);
    // Something that answers like a registry.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = listener.local_addr().expect("an address").to_string();
    let answering = std::thread::spawn(move || {
        // The first attempt is by TLS, which this one does not speak.
        for stream in listener.incoming().take(2).flatten() {
            let (mut stream, mut request) = (stream, [0; 1024]);
            let read = std::io::Read::read(&mut stream, &mut request).unwrap_or(0);
            let known = request[..read].starts_with(b"GET /v2/ ");
            let status = if known { "401 Unauthorized" } else { "400 Bad Request" };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let done = deploy(&["--registry", &here]);
    assert_eq!(done.code, Some(0), "{}", done.text);
    assert!(done.text.contains("cluster: folder answers, Kubernetes v1.34.0"), "{}", done.text);
    assert!(done.text.contains(&format!("registry: {here} answers")), "{}", done.text);
    assert!(done.text.contains("objects are new"), "{}", done.text);
    answering.join().expect("it answered twice");
}

#[test]
fn a_deployment_shows_what_it_changes_before_it_does() {
    let cluster = Cluster::new();
    let image = |n: u8| format!("registry.test/svgx-engine@sha256:{n:064}");
    let deploy = |n: u8| cluster.deploy(&["--no-validate", "--image", &image(n)]);
    assert_eq!(deploy(1).code, Some(0));
    let second = deploy(2);
    assert_eq!(second.code, Some(0), "{}", second.text);
    for line in [
        // The cluster of a folder compares all of it as one.
        "diff: 1 object changes".to_owned(),
        format!("-image: {}", image(1)),
        format!("+image: {}", image(2)),
    ] {
        assert!(second.text.contains(&line), "{line}\n{}", second.text);
    }
    let shown = second.text.find("diff:").zip(second.text.find("apply ..."));
    assert!(shown.is_some_and(|(diff, apply)| diff < apply), "{}", second.text);
    assert!(deploy(2).text.contains("diff: nothing changes"));
    // A cluster that cannot compare is no reason to stop, and is not taken for one without changes:
    // kubectl ends with 1 for differences, and with more for a failure; a proxy may end with 1.
    for (image, code) in [(3, 1), (4, 2)] {
        cluster.fails_with("diff", code);
        let told = deploy(image);
        assert_eq!(told.code, Some(0), "{}", told.text);
        for part in ["diff: not known", "diff failed on purpose"] {
            assert!(told.text.contains(part), "{code}: {part}\n{}", told.text);
        }
    }
}

#[test]
fn sessions_of_every_replica_come_back_in_every_replica() {
    let mut cluster = Cluster::new();
    let key = cluster.path("operator-key");
    std::fs::write(&key, "the-operator").expect("written");
    let key = key.display().to_string();
    let engine = |data: &str| {
        let data = cluster.path(data).display().to_string();
        Service::with(
            &["--rate-limit", "off", "--data-dir", &data, "--operator-key-file", &key],
            None,
        )
    };
    let old = [engine("a"), engine("b")];
    let new = [engine("c"), engine("d")];
    let state = |engine: &Service, session: &str| {
        let client =
            Client::new(&format!("http://{}", engine.public), None, None).expect("a client");
        let reply = block(client.get(&format!("state?session={session}"), &[])).expect("an answer");
        let mut state = reply.json();
        state.as_object_mut().expect("an object").remove("duration_ms");
        state
    };
    for (n, engine) in old.iter().enumerate() {
        let client =
            Client::new(&format!("http://{}", engine.public), None, None).expect("a client");
        for session in [format!("own-{n}"), "both".to_owned()] {
            let body = json!({
                "content": ROOM, "operation": "click", "element_id": "lf01_box", "session": session,
            });
            // The second replica has the later one of the session that both have.
            for _ in 0..=n {
                assert_eq!(
                    block(client.post("interactive", &body)).expect("an answer").status,
                    200
                );
            }
        }
    }
    let to = cluster.path("backup").display().to_string();
    let address = |e: &Service| format!("http://{}", e.internal);
    let (a, b) = (address(&old[0]), address(&old[1]));
    let from = ["--engine", &a, "--engine", &b, "--operator-key-file", &key];
    let made = cluster.staging(&[&["backup", "--to", &to], &from[..]].concat());
    assert_eq!(made.code, Some(0), "{}", made.text);
    assert!(made.text.contains("4 sessions, secrets left out"), "{}", made.text);
    assert_eq!(cluster.staging(&["restore", "--from", &to, "--verify"]).code, Some(0));

    let (c, d) = (address(&new[0]), address(&new[1]));
    let into = ["--engine", &c, "--engine", &d, "--operator-key-file", &key];
    let restore = [&["restore", "--from", &to], &into[..]].concat();
    let restored = cluster.staging(&restore);
    assert_eq!(restored.code, Some(0), "{}", restored.text);
    assert!(restored.text.contains("restored 3 sessions"), "{}", restored.text);
    for engine in &new {
        assert_eq!(state(engine, "own-0"), state(&old[0], "own-0"));
        assert_eq!(state(engine, "own-1"), state(&old[1], "own-1"));
        assert_eq!(state(engine, "both"), state(&old[1], "both"));
    }
    let again = cluster.staging(&restore);
    assert_eq!(again.code, Some(0), "an interrupted restore may be repeated: {}", again.text);

    // The same, by way of the cluster: its pods, its secret, and age where it is installed.
    let pods = json!({ "items": [
        { "metadata": { "name": "pod-1" }, "status": { "phase": "Running" } },
        { "metadata": { "name": "pod-2" }, "status": { "phase": "Pending" } },
    ] });
    std::fs::write(cluster.path("pods"), pods.to_string()).expect("written");
    cluster.variables.push(("INTERNAL", old[1].internal.port().to_string()));
    cluster.variables.push(("OPERATOR", "the-operator".to_owned()));
    assert_eq!(cluster.deploy(&["--no-validate"]).code, Some(0));
    let whole = cluster.path("whole").display().to_string();
    let mut backup = vec!["backup", "--to", &whole];
    let recipient = identity(&cluster);
    if let Some(recipient) = &recipient {
        backup.extend(["--age-recipient", recipient]);
    } else {
        println!("SKIP: age is not installed, so no secret is encrypted here");
    }
    let made = cluster.staging(&backup);
    assert_eq!(made.code, Some(0), "{}", made.text);
    let configuration = cluster.read("whole/configuration.json");
    assert!(configuration.contains("ConfigMap") && !configuration.contains("uid"));
    if recipient.is_some() {
        let sealed = std::fs::read(cluster.path("whole/secrets.json.age")).expect("read");
        assert!(sealed.starts_with(b"age-encryption.org/v1"));
        let keys = cluster.read("secret-svgx-engine-keys");
        std::fs::remove_file(cluster.path("secret-svgx-engine-keys")).expect("wiped");
        let file = cluster.path("identity").display().to_string();
        let restored = cluster.staging(&["restore", "--from", &whole, "--age-identity", &file]);
        assert_eq!(restored.code, Some(0), "{}", restored.text);
        assert_eq!(cluster.read("secret-svgx-engine-keys"), keys);
    }

    std::fs::write(cluster.path("backup/data/engine-0/sessions.redb"), "other").expect("written");
    let changed = cluster.staging(&["restore", "--from", &to, "--verify"]);
    assert!(changed.code == Some(2) && changed.text.contains("engine-0"), "{}", changed.text);
}

/// A new identity of age in the cluster's folder; its recipient.
fn identity(cluster: &Cluster) -> Option<String> {
    find("age-keygen")?;
    let file = cluster.path("identity");
    let made = Command::new("age-keygen").arg("--output").arg(&file).output().ok()?;
    assert!(made.status.success());
    let text = cluster.read("identity");
    text.lines().find_map(|l| l.strip_prefix("# public key: ")).map(str::to_owned)
}

#[test]
fn a_deployment_is_traced_step_by_step_where_a_collector_is_named() {
    let sink = Sink::start();
    let mut cluster = Cluster::new();
    cluster.variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", sink.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
    ];
    cluster.fails("status", true);
    let told = cluster.deploy(&["--no-validate"]);
    assert_ne!(told.code, Some(0), "{}", told.text);
    let heard = sink.take();
    assert!(heard.metrics.is_empty() && heard.logs.is_empty(), "{heard:?}");
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let spans: Vec<Value> = heard
        .traces
        .iter()
        .flat_map(|sent| list(sent, "resourceSpans"))
        .flat_map(|resource| list(&resource, "scopeSpans"))
        .flat_map(|scope| list(&scope, "spans"))
        .collect();
    let root = spans.iter().find(|s| s["name"] == "staging").expect("the deployment");
    let said = |span: &Value, key: &str| {
        let found = list(span, "attributes").into_iter().find(|a| a["key"] == key);
        found.and_then(|a| a["value"]["stringValue"].as_str().map(str::to_owned))
    };
    assert_eq!(said(root, "svgx.slo.outcome").as_deref(), Some("failed"));
    let steps: Vec<String> = spans
        .iter()
        .filter(|s| s["name"] == "staging.step" && s["parentSpanId"] == root["spanId"])
        .filter_map(|s| {
            Some(format!("{} {}", said(s, "svgx.staging.step")?, said(s, "svgx.staging.state")?))
        })
        .collect();
    // The journal knows also what is noted without being a step of its own.
    let journal = cluster.steps();
    for step in ["build done", "push done", "apply done", "wait failed"] {
        assert!(steps.iter().any(|s| s == step), "{step} in {steps:?}");
        assert!(journal.iter().any(|s| s == step), "{step} in {journal:?}");
    }
}

//! `docs/staging-guide.md` and what it points at: its commands exist, its files and titles are
//! there, its addresses answer, and the two starters start the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use svgx_operations::staging::manifest::Manifest;

use crate::support::service::Service;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn guide() -> String {
    std::fs::read_to_string(root().join("docs/staging-guide.md")).expect("the guide")
}

/// What stands in backquotes, in tables and in text.
fn quoted() -> BTreeSet<String> {
    let guide = guide();
    let lines = guide.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    lines.map(|text| text.replace("\\|", "|")).collect()
}

fn svgx(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(arguments)
        .current_dir(root())
        .env_clear()
        .output()
        .expect("the binary runs")
}

#[test]
fn every_step_of_the_guide_has_its_table() {
    let guide = guide();
    for step in [
        "Build image",
        "Namespace and apply",
        "Automated deployment",
        "Health",
        "Validation",
        "Load by ab",
        "Port-forwards",
        "Grafana",
        "Alerts",
        "Logs and troubleshooting",
        "Rollback",
        "Backup",
    ] {
        let rest = guide.split_once(&format!("## {step}\n")).unwrap_or_else(|| panic!("{step}")).1;
        let table = rest.split("\n## ").next().unwrap_or(rest);
        let rows = table.lines().filter(|l| l.starts_with('|') && !l.starts_with("| ---"));
        let rows: Vec<usize> = rows.map(|l| l.replace("\\|", "").matches('|').count()).collect();
        assert!(rows.len() > 1 && rows.iter().all(|n| *n == 5), "{step}: {rows:?}");
    }
}

#[test]
fn every_command_of_the_program_is_one_and_every_file_is_there() {
    let (mut commands, mut files) = (0, 0);
    for text in quoted() {
        if let Some(rest) = text.strip_prefix("svgx ") {
            let mut arguments: Vec<&str> = rest.split(' ').collect();
            // Read, and not run: what comes before it has to be right all the same.
            arguments.push("--help");
            let output = svgx(&arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{text}: {said}");
            commands += 1;
        }
        for word in text.split(' ') {
            let folder = word.split('/').next().unwrap_or_default();
            let known = ["k8s", "scripts", "runbooks", "dashboards", "tests", "image"];
            // The file of the guide that is no more is named as such.
            if word.contains('/') && known.contains(&folder) && !word.contains("previous") {
                assert!(root().join(word).exists(), "{word} is not there");
                files += 1;
            }
        }
    }
    assert!(commands > 8 && files > 10, "{commands} commands, {files} files");
}

#[test]
fn what_kubectl_is_told_to_look_at_is_in_the_manifests() {
    let mut all = Manifest::default();
    for file in ["k8s/staging-deployment.yaml", "k8s/monitoring.yaml"] {
        all.objects.extend(Manifest::read(&root().join(file)).expect("read").objects);
    }
    let namespace = all.kind("Namespace").next().expect("one")["metadata"]["name"].clone();
    let mut seen = 0;
    for line in quoted().iter().filter(|l| l.starts_with("kubectl ")) {
        let words: Vec<&str> = line.split(' ').collect();
        for pair in words.windows(2) {
            match pair {
                ["-n", name] => assert_eq!(namespace, *name, "{line}"),
                ["-l", label] => {
                    let (key, value) = label.split_once('=').expect("a label");
                    let pods = all
                        .kind("Deployment")
                        .any(|d| d["spec"]["template"]["metadata"]["labels"][key] == value);
                    assert!(pods, "{line}: no pod has {label}");
                    seen += 1;
                }
                _ => {}
            }
        }
        for word in &words {
            let Some((kind, name)) = word.split_once('/') else { continue };
            let kind = match kind {
                "deployment" => "Deployment",
                "service" => "Service",
                _ => continue,
            };
            let object = all.find(kind, name).unwrap_or_else(|| panic!("{line}: no {word}"));
            if let Some((port, _)) = words.last().and_then(|l| l.split_once(':'))
                && kind == "Service"
            {
                let port: u64 = port.parse().expect("a port");
                let ports = object["spec"]["ports"].as_array().expect("ports");
                assert!(ports.iter().any(|p| p["port"] == port), "{line}: no port {port}");
            }
            seen += 1;
        }
    }
    assert!(seen > 6, "{seen}");
    let deployment = all.find("Deployment", "svgx-engine-staging").expect("the engine");
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "localhost:5000/svgx-engine:staging", "what the guide pushes");
}

#[test]
fn the_manifest_says_the_one_command_that_it_needs() {
    let text = std::fs::read_to_string(root().join("k8s/staging-deployment.yaml")).expect("read");
    let header: Vec<&str> = text.lines().take_while(|l| l.starts_with('#')).collect();
    let commands: Vec<&&str> = header.iter().filter(|l| l.contains("kubectl ")).collect();
    assert_eq!(commands.len(), 1, "{header:?}");
    let manifest = Manifest::read(&root().join("k8s/staging-deployment.yaml")).expect("read");
    let mut secrets = BTreeSet::new();
    for workload in manifest.workloads() {
        for volume in workload.spec()["volumes"].as_array().into_iter().flatten() {
            secrets.extend(volume["secret"]["secretName"].as_str());
        }
    }
    assert_eq!(secrets, BTreeSet::from(["svgx-engine-keys"]));
    for part in [
        "secret generic svgx-engine-keys",
        "api-keys=",
        "operator-key=",
        "redis-password=",
        "replica-secret=",
    ] {
        assert!(commands[0].contains(part), "{part}");
    }
}

#[test]
fn the_dashboard_and_the_alerts_of_the_guide_are_there_by_name() {
    let mut titles = Vec::new();
    for entry in std::fs::read_dir(root().join("dashboards")).expect("a folder").flatten() {
        if entry.path().extension().is_some_and(|e| e == "json") {
            let text = std::fs::read_to_string(entry.path()).expect("read");
            let dashboard: Value = serde_json::from_str(&text).expect("JSON");
            titles.push(dashboard["title"].as_str().expect("a title").to_owned());
        }
    }
    let title = "SVGX Engine - Staging Dashboard";
    assert!(titles.iter().any(|t| t == title), "{titles:?}");
    assert!(guide().contains(title));
    let rules = std::fs::read_to_string(root().join("alerts/symptoms.rules.yaml")).expect("read");
    for alert in
        ["HighResponseTime", "HighErrorRate", "ServiceDown", "HighMemoryUsage", "HighCPUUsage"]
    {
        assert!(rules.contains(&format!("- alert: {alert}\n")), "{alert}");
        assert!(guide().contains(&format!("| {alert}")), "{alert}");
    }
}

#[test]
fn the_addresses_of_the_guide_answer_with_the_key_and_not_without() {
    let key = "staging-api-key-test";
    let service = Service::with(&["--api-key", &format!("staging:{key}")], None);
    let mut paths = BTreeSet::new();
    for line in quoted() {
        let address = line.split(' ').find_map(|w| w.strip_prefix("http://localhost:8000"));
        paths.extend(address.filter(|p| p.len() > 1).map(str::to_owned));
    }
    assert!(paths.contains("/health") && paths.contains("/metrics"), "{paths:?}");
    for path in paths {
        assert_eq!(service.get(&path, "").status, 401, "{path}");
        let header = format!("Authorization: Bearer {key}\r\n");
        assert_eq!(service.get(&path, &header).status, 200, "{path}");
    }
    let metrics = service.get("/metrics", &format!("Authorization: Bearer {key}\r\n"));
    assert!(metrics.header("content-type").is_some_and(|t| t.starts_with("text/plain")));
}

#[test]
fn the_starters_pass_arguments_and_the_exit_code_and_say_where_they_look() {
    let start = |script: &str, arguments: &[&str], program: &str| {
        Command::new("python3")
            .arg("-B")
            .arg(root().join("scripts").join(script))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", std::env::var("HOME").unwrap_or_default())
            .env("SVGX_BIN", program)
            .output()
    };
    let program = env!("CARGO_BIN_EXE_svgx");
    for (script, arguments, code, said) in [
        ("deploy_staging.py", &["--help"][..], 0, "Build, push, apply"),
        ("staging_validation.py", &["--help"], 0, "success criteria"),
        // Refused by the program itself: its exit code and its words come through.
        ("staging_validation.py", &["--seconds", "soon"], 2, "expected a number and a unit"),
    ] {
        let output = match start(script, arguments, program) {
            Ok(output) => output,
            Err(e) => return println!("SKIP: python3 cannot be run here ({e})"),
        };
        let both = [output.stdout, output.stderr].concat();
        let both = String::from_utf8_lossy(&both);
        assert_eq!(output.status.code(), Some(code), "{script} {arguments:?}: {both}");
        assert!(both.contains(said), "{script} {arguments:?}: {both}");
    }
    let nowhere = start("deploy_staging.py", &[], "/no/such/program").expect("it ran before");
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert_eq!(nowhere.status.code(), Some(2), "{said}");
    assert!(said.contains("/no/such/program") && said.contains("cargo build"), "{said}");
}

#[test]
fn both_names_of_the_image_file_are_one_file() {
    let [docker, container] = ["Dockerfile", "Containerfile"]
        .map(|name| std::fs::read_to_string(root().join(name)).expect("read"));
    assert_eq!(docker, container);
    assert!(docker.contains("\nFROM scratch\n") && docker.contains("COPY target/image/ /"));
}

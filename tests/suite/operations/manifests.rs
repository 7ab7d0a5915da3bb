//! The manifests: allowed in a restricted namespace, fitting together, and agreeing with the engine
//! they run and the objectives it has. `tests/manifests.sh` renders them and asks the schemas.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use svgx_controller::spec::Spec;
use svgx_operations::staging::manifest::{Finding, Manifest, quantity};
use svgx_operations::staging::{INSTALLED_SECRETS, allowances, references, restricted};
use svgx_server::config::{self, Flags};

use crate::support::service::Service;

/// As the staging guide calls it.
const DEPLOYMENT: &str = "svgx-engine-staging";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn rendered() -> Manifest {
    let mut all = Manifest::default();
    for file in ["k8s/staging-deployment.yaml", "k8s/monitoring.yaml"] {
        let more = Manifest::read(&root().join(file)).unwrap_or_else(|e| panic!("{e}"));
        all.objects.extend(more.objects);
    }
    all
}

fn object<'m>(manifest: &'m mut Manifest, name: &str) -> &'m mut Value {
    let (kind, name) = name.split_once('/').expect("Kind/name");
    manifest
        .objects
        .iter_mut()
        .find(|o| o["kind"] == kind && o["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn findings(manifest: &Manifest) -> Vec<Finding> {
    let mut all = restricted(manifest);
    all.extend(references(manifest, &INSTALLED_SECRETS));
    all.extend(allowances(manifest));
    all
}

fn engine(manifest: &Manifest) -> (&Value, &Value) {
    let deployment = manifest.find("Deployment", DEPLOYMENT).expect("the engine");
    let pod = &deployment["spec"]["template"]["spec"];
    (pod, &pod["containers"][0])
}

/// The ConfigMap of this name, whatever hash it ends in.
fn config_map<'m>(manifest: &'m Manifest, name: &str) -> BTreeMap<&'m str, &'m str> {
    let of_content = |full: &str| {
        let rest = full.strip_prefix(name).and_then(|r| r.strip_prefix('-'));
        rest.is_some_and(|hash| hash.len() == 10 && !hash.contains('-'))
    };
    let map = manifest
        .kind("ConfigMap")
        .find(|m| m["metadata"]["name"].as_str().is_some_and(of_content))
        .unwrap_or_else(|| panic!("no ConfigMap {name}"));
    let data = map["data"].as_object().into_iter().flatten();
    data.map(|(k, v)| (k.as_str(), v.as_str().expect("text"))).collect()
}

#[test]
fn every_pod_is_restricted_and_every_reference_finds_something() {
    let all = findings(&rendered());
    assert!(all.is_empty(), "{}", all.iter().map(|f| format!("{f}\n")).collect::<String>());
}

/// Object, where in it (a JSON pointer), the value put there, and what must be found.
type Case = (&'static str, &'static str, Value, &'static str);

/// The same, within the pod of the engine.
fn in_the_pod() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("hostNetwork", json!(true), "hostNetwork is true"),
        ("securityContext/runAsNonRoot", json!(false), "runAsNonRoot is not true"),
        ("securityContext/runAsUser", json!(0), "runAsUser is 0"),
        (
            "securityContext/seccompProfile",
            json!({"type": "Unconfined"}),
            "seccompProfile is Unconfined",
        ),
        ("securityContext/sysctls", json!([{"name": "kernel.msgmax", "value": "1"}]), "sysctl"),
        (
            "volumes/0",
            json!({"name": "config", "hostPath": {"path": "/"}}),
            "hostPath is not allowed",
        ),
        (
            "containers/0/securityContext/allowPrivilegeEscalation",
            json!(true),
            "allowPrivilegeEscalation",
        ),
        ("containers/0/securityContext/privileged", json!(true), "privileged is true"),
        (
            "containers/0/securityContext/capabilities/drop",
            json!(["NET_RAW"]),
            "ALL is not dropped",
        ),
        ("containers/0/securityContext/capabilities/add", json!(["SYS_ADMIN"]), "SYS_ADMIN"),
        ("containers/0/securityContext/procMount", json!("Unmasked"), "procMount"),
        ("containers/0/securityContext/seLinuxOptions", json!({"type": "spc_t"}), "seLinuxOptions"),
        (
            "containers/0/securityContext/appArmorProfile",
            json!({"type": "Unconfined"}),
            "appArmorProfile",
        ),
        ("containers/0/ports/0/hostPort", json!(80), "hostPort 80"),
        ("containers/0/readinessProbe/httpGet/host", json!("10.0.0.1"), "names the host"),
        (
            "containers/0/lifecycle",
            json!({"preStop": {"httpGet": {"host": "x", "port": 1}}}),
            "names the host",
        ),
        ("serviceAccountName", json!("nobody"), "no ServiceAccount nobody"),
        ("volumes/1/secret/secretName", json!("forgotten"), "no Secret forgotten"),
        ("containers/0/envFrom/0/configMapRef/name", json!("gone"), "no ConfigMap gone"),
        ("containers/0/volumeMounts/0/name", json!("elsewhere"), "no volume \"elsewhere\""),
        ("containers/0/volumeMounts/0/subPath", json!("other.toml"), "has no other.toml"),
        ("containers/0/livenessProbe/httpGet/port", json!("probe"), "has no port \"probe\""),
    ]
}

fn elsewhere() -> Vec<Case> {
    vec![
        ("Deployment/svgx-engine-staging", "/spec/replicas", json!(2), "fixes `replicas`"),
        (
            "Deployment/svgx-engine-staging",
            "/spec/selector/matchLabels",
            json!({"app": "x"}),
            "its own pods",
        ),
        ("Service/svgx-engine", "/spec/selector", json!({"app": "x"}), "no pod has the labels"),
        (
            "Service/svgx-engine",
            "/spec/ports/0/targetPort",
            json!("htpt"),
            "no container has the port",
        ),
        (
            "PodDisruptionBudget/svgx-engine",
            "/spec/selector/matchLabels",
            json!({"a": "b"}),
            "no pod",
        ),
        (
            "HorizontalPodAutoscaler/svgx-engine",
            "/spec/scaleTargetRef/name",
            json!("x"),
            "no Deployment x",
        ),
        (
            "NetworkPolicy/svgx-engine",
            "/spec/ingress/0/ports/0/port",
            json!("web"),
            "no container has",
        ),
        (
            "NetworkPolicy/prometheus",
            "/spec/egress/0/to/0/podSelector/matchLabels",
            json!({"a": "b"}),
            "no pod",
        ),
        ("Ingress/svgx-engine", "/spec/tls", json!([]), "served without TLS"),
        (
            "Ingress/svgx-engine",
            "/spec/rules/0/http/paths/0/backend/service/name",
            json!("x"),
            "no Service x",
        ),
        (
            "Ingress/svgx-engine",
            "/spec/rules/0/http/paths/0/backend/service/port/name",
            json!("x"),
            "has no port",
        ),
        ("StatefulSet/prometheus", "/spec/serviceName", json!("x"), "no Service x"),
    ]
}

#[test]
fn each_way_to_break_a_manifest_is_found_by_name() {
    let pod = in_the_pod().into_iter().map(|(at, value, found)| {
        let at = format!("/spec/template/spec/{at}");
        ("Deployment/svgx-engine-staging", at, value, found)
    });
    let others = elsewhere().into_iter().map(|(o, at, v, f)| (o, at.to_owned(), v, f));
    let whole = rendered();
    for (name, at, value, expected) in pod.chain(others) {
        let mut broken = whole.clone();
        put(object(&mut broken, name), &at, value);
        let found = findings(&broken);
        assert!(
            found.iter().any(|f| f.message.contains(expected)),
            "{name} {at}: expected {expected:?}, found {found:?}"
        );
    }
    let mut twice = whole.clone();
    twice.objects.push(whole.objects[1].clone());
    assert!(findings(&twice).iter().any(|f| f.message == "is there twice"));
}

/// Puts a value where a JSON pointer leads, making members on the way.
fn put(mut at: &mut Value, pointer: &str, value: Value) {
    for part in pointer.split('/').skip(1) {
        at = match part.parse::<usize>() {
            Ok(index) if at.is_array() => &mut at[index],
            _ => &mut at[part],
        };
    }
    *at = value;
}

#[test]
fn the_engine_reads_the_configuration_it_is_given_and_has_time_to_drain() {
    let manifest = rendered();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("svgx.toml");
    std::fs::write(&file, config_map(&manifest, "svgx-engine")["svgx.toml"]).expect("written");
    let variables = config_map(&manifest, "svgx-engine-environment");
    let mut variables: BTreeMap<String, String> =
        variables.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    variables.insert("SVGX_CONFIG".to_owned(), file.display().to_string());
    let (pod, container) = engine(&manifest);
    for variable in container["env"].as_array().expect("variables") {
        if let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) {
            // As a node fills in what comes from elsewhere.
            let value =
                value.replace("$(REDIS_PASSWORD)", "s3cret").replace("$(POD_IP)", "10.0.0.7");
            assert!(!value.contains('$'), "{name}");
            variables.insert(name.to_owned(), value);
        }
    }
    let config = config::load(&Flags::default(), variables).expect("it starts with it").config;

    let grace = pod["terminationGracePeriodSeconds"].as_u64().expect("a number");
    assert!(grace > (config.drain_delay + config.drain_timeout).as_secs());
    let port = |name: &str| {
        let ports = container["ports"].as_array().expect("ports");
        ports.iter().find(|p| p["name"] == name).map(|p| p["containerPort"].clone())
    };
    assert_eq!(port("http"), Some(json!(config.listen.port())));
    assert_eq!(port("internal"), config.internal_listen.map(|at| json!(at.port())));
    let mounted = |path: Option<PathBuf>| {
        let path = path.expect("a path");
        let mounts = container["volumeMounts"].as_array().expect("mounts");
        mounts.iter().any(|m| path.starts_with(m["mountPath"].as_str().unwrap_or("?")))
    };
    assert_sessions_are_shared(&manifest, &config);
    assert!(mounted(config.operator_key_file) && mounted(config.api_keys_file));
    assert!(mounted(config.replica_secret_file));
    let ingress = manifest.find("Ingress", "svgx-engine").expect("an ingress");
    let body = &ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"];
    assert_eq!((body.as_str(), config.max_body), (Some("10m"), 10 << 20));
}

/// The replicas share a store that keeps what it acknowledges, reach it and each other, and bind
/// nobody to themselves.
fn assert_sessions_are_shared(manifest: &Manifest, config: &config::Config) {
    assert_eq!(config.data_dir, None);
    let store = config.store.as_ref().expect("a store").reveal();
    let (scheme, rest) = store.split_once("://").expect("an address");
    let host = rest.rsplit_once('@').and_then(|(_, host)| host.strip_suffix("/0")).expect("a host");
    let (name, port) = host.split_once(':').expect("a port");
    assert_eq!(scheme, "redis");
    let service = manifest.find("Service", name).expect("the store's name");
    assert_eq!(service["spec"]["ports"][0]["port"].to_string(), port);
    let settings = config_map(manifest, "redis")["redis.conf"];
    for line in ["appendonly yes", "appendfsync always", "maxmemory-policy noeviction"] {
        assert!(settings.lines().any(|l| l == line), "{line}");
    }
    let (_, container) = engine(manifest);
    let ports = container["ports"].as_array().expect("ports");
    let between = ports.iter().find(|p| p["name"] == "replica").expect("a port");
    let between = between["containerPort"].as_u64();
    assert_eq!(between, config.replica_listen.map(|at| u64::from(at.port())));
    assert_eq!(config.replica_address, between.map(|port| format!("10.0.0.7:{port}")));
    let ingress = manifest.find("Ingress", "svgx-engine").expect("an ingress");
    let bound = ingress["metadata"]["annotations"].as_object().expect("annotations");
    assert!(!bound.keys().any(|name| name.contains("affinity")), "{bound:?}");
}

#[test]
fn probes_ask_for_what_the_engine_answers() {
    let service = Service::start();
    let manifest = rendered();
    let (_, container) = engine(&manifest);
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["port"], "internal", "{probe}");
        let answer = service.probe(get["path"].as_str().expect("a path"));
        assert_eq!(answer, 200, "{probe}");
    }
}

#[test]
fn the_alert_on_memory_comes_before_the_limit_on_memory() {
    let spec = Spec::embedded().expect("valid");
    let memory = spec.slo("svgx-memory").expect("an objective");
    let threshold = memory.spec.objectives[0].value.as_ref().expect("a value");
    let manifest = rendered();
    let (_, container) = engine(&manifest);
    let limit = container["resources"]["limits"]["memory"].as_str().and_then(quantity);
    let limit = limit.expect("a quantity");
    assert!(limit > threshold.as_f64() * 1.1, "{limit} is no room above {threshold:?}");
    for workload in manifest.workloads() {
        for container in workload.containers() {
            let resources = &container["resources"];
            for (part, kind) in [
                ("requests", "cpu"),
                ("requests", "memory"),
                ("limits", "cpu"),
                ("limits", "memory"),
            ] {
                let amount = resources[part][kind].as_str().and_then(quantity);
                assert!(amount.is_some(), "{}: no {part}.{kind}", container["name"]);
            }
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        }
    }
}

#[test]
fn scaling_and_rolling_are_those_of_the_guide() {
    let manifest = rendered();
    let deployment = manifest.find("Deployment", DEPLOYMENT).expect("the engine");
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    assert_eq!((&rolling["maxSurge"], &rolling["maxUnavailable"]), (&json!(1), &json!(0)));
    let scaler = &manifest.find("HorizontalPodAutoscaler", "svgx-engine").expect("one")["spec"];
    assert_eq!((&scaler["minReplicas"], &scaler["maxReplicas"]), (&json!(2), &json!(10)));
    let targets: Vec<_> = scaler["metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(|m| {
            (m["resource"]["name"].as_str(), m["resource"]["target"]["averageUtilization"].as_u64())
        })
        .collect();
    assert_eq!(targets, [(Some("cpu"), Some(70)), (Some("memory"), Some(80))]);
    let up = &scaler["behavior"]["scaleUp"];
    let down = &scaler["behavior"]["scaleDown"];
    assert_eq!(
        (&up["stabilizationWindowSeconds"], &up["policies"][0]["value"]),
        (&json!(60), &json!(100))
    );
    assert_eq!(
        (&down["stabilizationWindowSeconds"], &down["policies"][0]["value"]),
        (&json!(300), &json!(10))
    );
    // A budget that allows nothing to go would block every drain of a node.
    let budget = &manifest.find("PodDisruptionBudget", "svgx-engine").expect("one")["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    let namespace = manifest.kind("Namespace").next().expect("one");
    let label = "pod-security.kubernetes.io/enforce";
    assert_eq!(namespace["metadata"]["labels"][label], "restricted");
}

#[test]
fn images_are_named_by_digest_or_by_a_tag_that_says_something() {
    for workload in rendered().workloads() {
        for container in workload.containers() {
            let image = container["image"].as_str().expect("an image");
            let last = image.rsplit('/').next().unwrap_or(image);
            let tag = last.split_once(':').map(|(_, tag)| tag);
            let digest = image.split_once("@sha256:").is_some_and(|(_, d)| d.len() == 64);
            assert!(digest || tag.is_some_and(|t| t != "latest"), "{image}");
        }
    }
}

#[test]
fn the_cluster_gets_every_generated_rule_and_dashboard_as_it_is() {
    let manifest = rendered();
    for (map, folder, suffix) in [
        ("prometheus-rules", "alerts", ".rules.yaml"),
        ("alertmanager", "alerts", "alertmanager.yaml"),
        ("grafana-dashboards", "dashboards", ".json"),
    ] {
        let held = config_map(&manifest, map);
        let mut size = 0;
        let mut on_disk = BTreeMap::new();
        for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|n| n.to_str()).expect("text").to_owned();
            if name.ends_with(suffix) {
                let text = std::fs::read_to_string(&path).expect("text");
                size += text.len();
                on_disk.insert(name, text);
            }
        }
        let held: BTreeMap<String, String> =
            held.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        assert!(
            held == on_disk,
            "{map} is not {folder}/*{suffix}: name every file in {folder}/kustomization.yaml and run k8s/render"
        );
        assert!(size < 1 << 20, "{map}: a ConfigMap holds 1 MiB, this is {size} bytes");
    }
}

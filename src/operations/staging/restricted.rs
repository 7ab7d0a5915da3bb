//! The Pod Security Standard `restricted`, with everything of `baseline` that it holds.
//!
//! Source: Kubernetes documentation, *Pod Security Standards*, of version 1.34, which added that
//! probes and lifecycle hooks name no host. The admission controller is the judge in a cluster;
//! this check tells before.

use serde_json::Value;

use super::manifest::{Finding, Manifest, Workload, elements, name};

/// Volumes that hold nothing of the node.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

const SYSCTLS: [&str; 11] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
];

/// What the standard forbids and a pod of `manifest` does.
pub fn restricted(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    for workload in manifest.workloads() {
        let object = name(workload.object);
        let mut wrong = |message: String| {
            findings.push(Finding { object: object.clone(), message });
        };
        pod(&workload, &mut wrong);
        for container in workload.containers() {
            let called = container["name"].as_str().unwrap_or("?");
            self::container(workload.spec(), container, &mut |message| {
                wrong(format!("container {called}: {message}"));
            });
        }
    }
    findings
}

fn pod(workload: &Workload<'_>, wrong: &mut impl FnMut(String)) {
    let spec = workload.spec();
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec[field] == true {
            wrong(format!("{field} is true"));
        }
    }
    for volume in elements(&spec["volumes"]) {
        let kinds = volume.as_object().into_iter().flatten().map(|(k, _)| k.as_str());
        for kind in kinds.filter(|k| *k != "name" && !VOLUMES.contains(k)) {
            wrong(format!("volume {}: {kind} is not allowed", volume["name"]));
        }
    }
    for sysctl in elements(&spec["securityContext"]["sysctls"]) {
        if !sysctl["name"].as_str().is_some_and(|n| SYSCTLS.contains(&n)) {
            wrong(format!("sysctl {} is not allowed", sysctl["name"]));
        }
    }
    if let Some(annotations) = workload.pod["metadata"]["annotations"].as_object() {
        for (key, value) in annotations {
            let profile = value.as_str().unwrap_or_default();
            if key.starts_with("container.apparmor.security.beta.kubernetes.io/")
                && profile != "runtime/default"
                && !profile.starts_with("localhost/")
            {
                wrong(format!("AppArmor profile {profile:?} is not allowed"));
            }
        }
    }
}

fn container(spec: &Value, container: &Value, wrong: &mut impl FnMut(String)) {
    let (own, pod) = (&container["securityContext"], &spec["securityContext"]);
    // What the container says counts; where it says nothing, what the pod says.
    let effective = |field: &str| if own[field].is_null() { &pod[field] } else { &own[field] };

    if effective("runAsNonRoot") != true {
        wrong("runAsNonRoot is not true".to_owned());
    }
    if [&own["runAsUser"], &pod["runAsUser"]].into_iter().any(|user| *user == 0) {
        wrong("runAsUser is 0".to_owned());
    }
    let seccomp = effective("seccompProfile")["type"].as_str();
    if !matches!(seccomp, Some("RuntimeDefault" | "Localhost")) {
        wrong(format!("seccompProfile is {}", seccomp.unwrap_or("not set")));
    }
    if own["allowPrivilegeEscalation"] != false {
        wrong("allowPrivilegeEscalation is not false".to_owned());
    }
    if own["privileged"] == true {
        wrong("privileged is true".to_owned());
    }
    if !elements(&own["capabilities"]["drop"]).any(|c| c == "ALL") {
        wrong("capabilities: ALL is not dropped".to_owned());
    }
    for added in elements(&own["capabilities"]["add"]).filter(|c| *c != "NET_BIND_SERVICE") {
        wrong(format!("capabilities: {added} is added"));
    }
    if !own["procMount"].is_null() && own["procMount"] != "Default" {
        wrong("procMount is not Default".to_owned());
    }
    for context in [own, pod] {
        let apparmor = context["appArmorProfile"]["type"].as_str();
        if !matches!(apparmor, None | Some("RuntimeDefault" | "Localhost")) {
            wrong("appArmorProfile is not allowed".to_owned());
        }
        let selinux = &context["seLinuxOptions"];
        let kind = selinux["type"].as_str().unwrap_or_default();
        let allowed =
            ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
        if !allowed.contains(&kind) || !selinux["user"].is_null() || !selinux["role"].is_null() {
            wrong("seLinuxOptions are not allowed".to_owned());
        }
        if context["windowsOptions"]["hostProcess"] == true {
            wrong("windowsOptions.hostProcess is true".to_owned());
        }
    }
    for port in elements(&container["ports"]) {
        if port["hostPort"].as_u64().unwrap_or(0) != 0 {
            wrong(format!("hostPort {}", port["hostPort"]));
        }
    }
    let hooks = [&container["lifecycle"]["postStart"], &container["lifecycle"]["preStop"]];
    let probes = ["startupProbe", "livenessProbe", "readinessProbe"].map(|p| &container[p]);
    for handler in hooks.into_iter().chain(probes) {
        for kind in ["httpGet", "tcpSocket"] {
            if handler[kind]["host"].as_str().is_some_and(|h| !h.is_empty()) {
                wrong(format!("{kind} names the host {}", handler[kind]["host"]));
            }
        }
    }
}

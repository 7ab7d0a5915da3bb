//! Whether the objects of a manifest fit together: selectors find pods, names name something,
//! ports exist. What a cluster would accept, and then never make work.

use std::collections::BTreeSet;

use serde_json::Value;

use super::manifest::{Finding, Manifest, Workload, elements, name};

/// What the objects of `manifest` refer to and is not there. Secrets made at install are in
/// `secrets`.
pub fn references(manifest: &Manifest, secrets: &[&str]) -> Vec<Finding> {
    let mut all = Check { manifest, secrets, findings: Vec::new() };
    all.duplicates();
    for workload in manifest.workloads() {
        all.workload(&workload);
    }
    for service in manifest.kind("Service").filter(|s| s["spec"]["type"] != "ExternalName") {
        all.service(service);
    }
    for budget in manifest.kind("PodDisruptionBudget") {
        all.selects(budget, &budget["spec"]["selector"]["matchLabels"]);
    }
    for scaler in manifest.kind("HorizontalPodAutoscaler") {
        let target = &scaler["spec"]["scaleTargetRef"];
        let kind = target["kind"].as_str().unwrap_or_default();
        all.exists(scaler, kind, &target["name"]);
        let scaled = target["name"].as_str().and_then(|n| manifest.find(kind, n));
        if scaled.is_some_and(|w| !w["spec"]["replicas"].is_null()) {
            all.wrong(scaler, "its target fixes `replicas`: an apply would undo the scaling");
        }
    }
    for policy in manifest.kind("NetworkPolicy") {
        all.policy(policy);
    }
    for ingress in manifest.kind("Ingress") {
        all.ingress(ingress);
    }
    all.findings.sort();
    all.findings.dedup();
    all.findings
}

/// Whom the network policies of `manifest` name and who is not there: an allowance for nobody. That
/// is no fault of a part that is deployed by itself, and one of the whole.
pub fn allowances(manifest: &Manifest) -> Vec<Finding> {
    let mut all = Check { manifest, secrets: &[], findings: Vec::new() };
    for policy in manifest.kind("NetworkPolicy") {
        for rule in elements(&policy["spec"]["ingress"]) {
            all.peers(policy, &rule["from"]);
        }
        for rule in elements(&policy["spec"]["egress"]) {
            all.peers(policy, &rule["to"]);
        }
    }
    all.findings
}

struct Check<'m> {
    manifest: &'m Manifest,
    secrets: &'m [&'m str],
    findings: Vec<Finding>,
}

impl<'m> Check<'m> {
    fn wrong(&mut self, object: &Value, message: impl Into<String>) {
        self.findings.push(Finding { object: name(object), message: message.into() });
    }

    fn duplicates(&mut self) {
        let mut seen = BTreeSet::new();
        for object in &self.manifest.objects {
            if !seen.insert((name(object), object["metadata"]["namespace"].to_string())) {
                self.wrong(object, "is there twice");
            }
        }
    }

    fn exists(&mut self, from: &Value, kind: &str, to: &Value) {
        let Some(to) = to.as_str() else { return };
        let there = self.manifest.find(kind, to).is_some()
            || kind == "Secret" && self.secrets.contains(&to);
        if !there {
            self.wrong(from, format!("there is no {kind} {to}"));
        }
    }

    fn pods_of(&self, selector: &Value) -> Vec<Workload<'m>> {
        self.manifest.workloads().filter(|w| matches(selector, w.labels())).collect()
    }

    fn selects(&mut self, from: &Value, selector: &Value) {
        if selector.as_object().is_none_or(serde_json::Map::is_empty) {
            self.wrong(from, "its selector is empty");
        } else if self.pods_of(selector).is_empty() {
            self.wrong(from, format!("no pod has the labels {selector}"));
        }
    }

    fn workload(&mut self, workload: &Workload<'_>) {
        let (object, spec) = (workload.object, workload.spec());
        if object["kind"] != "Pod" {
            let own = &object["spec"]["selector"]["matchLabels"];
            if !matches(own, workload.labels()) {
                self.wrong(object, "its selector does not find its own pods");
            }
            let others = self.pods_of(own).into_iter().filter(|w| w.object != object);
            for other in others.map(|w| name(w.object)).collect::<Vec<_>>() {
                self.wrong(object, format!("its selector finds pods of {other} too"));
            }
        }
        self.exists(object, "ServiceAccount", &spec["serviceAccountName"]);
        if object["kind"] == "StatefulSet" {
            self.exists(object, "Service", &object["spec"]["serviceName"]);
        }
        let mut volumes: BTreeSet<&str> = BTreeSet::new();
        for volume in elements(&spec["volumes"]) {
            self.exists(object, "ConfigMap", &volume["configMap"]["name"]);
            self.exists(object, "Secret", &volume["secret"]["secretName"]);
            self.exists(
                object,
                "PersistentVolumeClaim",
                &volume["persistentVolumeClaim"]["claimName"],
            );
            volumes.extend(volume["name"].as_str());
        }
        let claims = elements(&object["spec"]["volumeClaimTemplates"]);
        volumes.extend(claims.filter_map(|c| c["metadata"]["name"].as_str()));
        for container in workload.containers() {
            for source in elements(&container["envFrom"]) {
                self.exists(object, "ConfigMap", &source["configMapRef"]["name"]);
                self.exists(object, "Secret", &source["secretRef"]["name"]);
            }
            for variable in elements(&container["env"]) {
                let from = &variable["valueFrom"];
                self.exists(object, "ConfigMap", &from["configMapKeyRef"]["name"]);
                self.exists(object, "Secret", &from["secretKeyRef"]["name"]);
            }
            for mount in elements(&container["volumeMounts"]) {
                if !mount["name"].as_str().is_some_and(|m| volumes.contains(m)) {
                    self.wrong(object, format!("there is no volume {}", mount["name"]));
                }
                let file = mount["subPath"].as_str();
                if let Some(missing) = file.filter(|f| !self.holds(spec, &mount["name"], f)) {
                    self.wrong(object, format!("volume {} has no {missing}", mount["name"]));
                }
            }
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                let port = &container[probe]["httpGet"]["port"];
                if !port.is_null() && !declares(container, port) {
                    self.wrong(object, format!("{probe}: the container has no port {port}"));
                }
            }
        }
    }

    /// Whether the ConfigMap behind a volume has the key; true where it is no ConfigMap.
    fn holds(&self, spec: &Value, volume: &Value, key: &str) -> bool {
        let found = elements(&spec["volumes"]).find(|v| v["name"] == *volume);
        let map = found.and_then(|v| v["configMap"]["name"].as_str());
        let map = map.and_then(|name| self.manifest.find("ConfigMap", name));
        map.is_none_or(|map| !map["data"][key].is_null())
    }

    fn service(&mut self, service: &Value) {
        let selector = &service["spec"]["selector"];
        self.selects(service, selector);
        for port in elements(&service["spec"]["ports"]) {
            let target =
                if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
            for workload in self.pods_of(selector) {
                if !workload.containers().any(|c| declares(c, target)) {
                    self.wrong(service, format!("no container has the port {target}"));
                }
            }
        }
    }

    fn policy(&mut self, policy: &Value) {
        let whom = &policy["spec"]["podSelector"]["matchLabels"];
        if !whom.is_null() {
            self.selects(policy, whom);
        }
        // Named ports are those of the pods that are reached.
        for rule in elements(&policy["spec"]["ingress"]) {
            let own = self.pods_of(whom);
            self.named(policy, &rule["ports"], &own);
        }
        for rule in elements(&policy["spec"]["egress"]) {
            let reached: Vec<_> = elements(&rule["to"])
                .filter(|p| p["namespaceSelector"].is_null())
                .flat_map(|p| self.pods_of(&p["podSelector"]["matchLabels"]))
                .collect();
            if !reached.is_empty() {
                self.named(policy, &rule["ports"], &reached);
            }
        }
    }

    fn peers(&mut self, policy: &Value, peers: &Value) {
        for peer in elements(peers).filter(|p| p["namespaceSelector"].is_null()) {
            let labels = &peer["podSelector"]["matchLabels"];
            if !labels.is_null() {
                self.selects(policy, labels);
            }
        }
    }

    fn named(&mut self, policy: &Value, ports: &Value, pods: &[Workload<'_>]) {
        for port in elements(ports).map(|p| &p["port"]).filter(|p| p.is_string()) {
            if !pods.iter().any(|w| w.containers().any(|c| declares(c, port))) {
                self.wrong(policy, format!("no container has the port {port}"));
            }
        }
    }

    fn ingress(&mut self, ingress: &Value) {
        let covered: BTreeSet<&str> = elements(&ingress["spec"]["tls"])
            .flat_map(|t| elements(&t["hosts"]))
            .filter_map(Value::as_str)
            .collect();
        for rule in elements(&ingress["spec"]["rules"]) {
            if !rule["host"].as_str().is_some_and(|h| covered.contains(h)) {
                self.wrong(ingress, format!("host {} is served without TLS", rule["host"]));
            }
            for path in elements(&rule["http"]["paths"]) {
                let backend = &path["backend"]["service"];
                self.exists(ingress, "Service", &backend["name"]);
                let service =
                    backend["name"].as_str().and_then(|n| self.manifest.find("Service", n));
                let port = &backend["port"];
                let there = service.is_none_or(|s| {
                    elements(&s["spec"]["ports"]).any(|p| {
                        p["name"] == port["name"] && !port["name"].is_null()
                            || p["port"] == port["number"] && !port["number"].is_null()
                    })
                });
                if !there {
                    self.wrong(ingress, format!("Service {} has no port {port}", backend["name"]));
                }
            }
        }
    }
}

/// Whether every label of the selector is on the pod.
fn matches(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|s| !s.is_empty() && s.iter().all(|(k, v)| labels[k] == *v))
}

fn declares(container: &Value, port: &Value) -> bool {
    elements(&container["ports"]).any(|p| p["name"] == *port || p["containerPort"] == *port)
}

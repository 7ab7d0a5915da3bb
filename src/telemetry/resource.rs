//! Who is speaking: the resource of every signal.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use super::settings::Settings;

/// The resource of this process, by OpenTelemetry's conventions.
///
/// In Kubernetes the downward API hands over the names of pod, namespace and
/// node; the instance is then `namespace.pod.container`, as the conventions ask.
pub fn resource(settings: &Settings) -> Resource {
    resource_from(settings, |name| std::env::var(name).ok().filter(|v| !v.is_empty()))
}

fn resource_from(settings: &Settings, get: impl Fn(&str) -> Option<String>) -> Resource {
    const KUBERNETES: [(&str, &str); 6] = [
        ("K8S_NAMESPACE_NAME", "k8s.namespace.name"),
        ("K8S_POD_NAME", "k8s.pod.name"),
        ("K8S_CONTAINER_NAME", "k8s.container.name"),
        ("K8S_NODE_NAME", "k8s.node.name"),
        ("K8S_DEPLOYMENT_NAME", "k8s.deployment.name"),
        ("K8S_CLUSTER_NAME", "k8s.cluster.name"),
    ];
    let mut attributes: Vec<KeyValue> = KUBERNETES
        .iter()
        .filter_map(|(variable, name)| Some(KeyValue::new(*name, get(variable)?)))
        .collect();
    let instance = settings.instance.clone().or_else(|| {
        let [namespace, pod, container] =
            ["K8S_NAMESPACE_NAME", "K8S_POD_NAME", "K8S_CONTAINER_NAME"].map(&get);
        Some(format!("{}.{}.{}", namespace?, pod?, container?))
    });
    let instance = instance.unwrap_or_else(|| {
        let mut bytes = [0u8; 8];
        // Without randomness the process id still tells two engines on one machine apart.
        if getrandom::fill(&mut bytes).is_err() {
            bytes = u64::from(std::process::id()).to_be_bytes();
        }
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    });
    attributes.extend([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.namespace", "svgx"),
        KeyValue::new("service.instance.id", instance),
        KeyValue::new("deployment.environment.name", settings.environment.clone()),
    ]);
    // `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` are read by the builder.
    let builder = Resource::builder().with_attributes(attributes);
    match get("OTEL_SERVICE_NAME") {
        Some(_) => builder.build(),
        None => builder.with_service_name("svgx-engine").build(),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Key;

    use super::*;

    #[test]
    fn a_pod_is_named_as_the_conventions_ask() {
        let get = |name: &str| match name {
            "K8S_NAMESPACE_NAME" => Some("svgx-engine-staging".to_owned()),
            "K8S_POD_NAME" => Some("engine-0".to_owned()),
            "K8S_CONTAINER_NAME" => Some("engine".to_owned()),
            _ => None,
        };
        let resource = resource_from(&Settings::default(), get);
        let value = |key: &'static str| resource.get(&Key::new(key)).map(|v| v.to_string());
        assert_eq!(value("service.name").as_deref(), Some("svgx-engine"));
        assert_eq!(value("k8s.pod.name").as_deref(), Some("engine-0"));
        assert_eq!(
            value("service.instance.id").as_deref(),
            Some("svgx-engine-staging.engine-0.engine")
        );
    }
}

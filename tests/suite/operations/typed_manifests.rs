//! The manifests, read into the types that a client of Kubernetes is compiled with: nothing is of
//! another type, and nothing is lost on the way, as a field with a misspelt name would be.

use std::path::Path;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use svgx_operations::staging::manifest::{Manifest, name};

fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    let typed = serde_json::from_value::<T>(object.clone()).map_err(|e| e.to_string())?;
    serde_json::to_value(typed).map_err(|e| e.to_string())
}

/// Reads and writes an object by way of its type.
fn read(object: &Value) -> Result<Value, String> {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    match (version, object["kind"].as_str().unwrap_or_default()) {
        ("v1", "ConfigMap") => through::<ConfigMap>(object),
        ("v1", "Namespace") => through::<Namespace>(object),
        ("v1", "Service") => through::<Service>(object),
        ("v1", "ServiceAccount") => through::<ServiceAccount>(object),
        ("apps/v1", "Deployment") => through::<Deployment>(object),
        ("apps/v1", "StatefulSet") => through::<StatefulSet>(object),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => through::<HorizontalPodAutoscaler>(object),
        ("networking.k8s.io/v1", "Ingress") => through::<Ingress>(object),
        ("networking.k8s.io/v1", "NetworkPolicy") => through::<NetworkPolicy>(object),
        ("policy/v1", "PodDisruptionBudget") => through::<PodDisruptionBudget>(object),
        (version, kind) => Err(format!("no type for {version} {kind}")),
    }
}

/// The places of `written` that are not, or are otherwise, in `read`.
fn lost(written: &Value, read: &Value, at: &str) -> Vec<String> {
    match (written, read) {
        (Value::Object(written), Value::Object(_)) => {
            written.iter().flat_map(|(k, v)| lost(v, &read[k], &format!("{at}/{k}"))).collect()
        }
        (Value::Array(written), Value::Array(read)) if written.len() == read.len() => {
            let pairs = written.iter().zip(read).enumerate();
            pairs.flat_map(|(n, (w, r))| lost(w, r, &format!("{at}/{n}"))).collect()
        }
        (written, read) if written == read => Vec::new(),
        _ => vec![at.to_owned()],
    }
}

#[test]
fn every_object_is_what_its_type_says_and_loses_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["k8s/staging-deployment.yaml", "k8s/monitoring.yaml"] {
        let manifest = Manifest::read(&root.join(file)).unwrap_or_else(|e| panic!("{e}"));
        assert!(!manifest.objects.is_empty(), "{file}");
        for object in &manifest.objects {
            let read = read(object).unwrap_or_else(|e| panic!("{file}: {}: {e}", name(object)));
            let lost = lost(object, &read, "");
            assert!(lost.is_empty(), "{file}: {}: {lost:?}", name(object));
        }
    }
}

#[test]
fn a_misspelt_field_and_a_wrong_type_are_seen() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selektor: {a: b}}\n";
    let manifest = Manifest::parse(text, Path::new("s")).expect("YAML");
    let back = read(&manifest.objects[0]).expect("a service");
    assert_eq!(lost(&manifest.objects[0], &back, ""), ["/spec/selektor"]);
    let text = text.replace("{selektor: {a: b}}", "{ports: 80}");
    let manifest = Manifest::parse(&text, Path::new("s")).expect("YAML");
    assert!(read(&manifest.objects[0]).is_err());
}

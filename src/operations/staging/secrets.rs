//! The secrets of an installation: made here once, never written to a file, never replaced.

use serde_json::{Value, json};

use super::INSTALLED_SECRETS;
use super::tools::{Error, Kubectl};

/// Makes the secrets that are not there yet; their names.
///
/// # Errors
/// [`Error`].
pub fn install(kubectl: &Kubectl) -> Result<Vec<&'static str>, Error> {
    let mut made = Vec::new();
    for name in INSTALLED_SECRETS {
        if kubectl.get(&["secret", name])?.is_none() {
            kubectl.create(&secret(name, kubectl.namespace())?)?;
            made.push(name);
        }
    }
    Ok(made)
}

fn secret(name: &str, namespace: &str) -> Result<Value, Error> {
    let values = match name {
        "svgx-engine-keys" => json!({
            "api-keys": format!("staging:{}\n", random()?), "operator-key": random()?,
            "redis-password": random()?, "replica-secret": random()?,
        }),
        "grafana-admin" => json!({ "password": random()? }),
        // Tokens for receivers that somebody else runs: replaced by theirs.
        _ => json!({ "page": random()?, "ticket": random()? }),
    };
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": { "name": name, "namespace": namespace, "labels": { "app.kubernetes.io/part-of": "svgx" } },
        "stringData": values,
    }))
}

/// 256 bits, in characters that pass everywhere.
fn random() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::Failed {
        command: "random bytes".to_owned(),
        message: e.to_string(),
    })?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// The first key of the installation: what validation asks with.
///
/// # Errors
/// [`Error`].
pub fn api_key(kubectl: &Kubectl) -> Result<Option<String>, Error> {
    let keys = kubectl.secret("svgx-engine-keys", "api-keys")?;
    let line = keys.as_deref().and_then(|k| k.lines().find(|l| !l.trim().is_empty()));
    Ok(line.map(|l| l.split_once(':').map_or(l, |(_, key)| key).trim().to_owned()))
}

//! Variables of the environment that are not plain settings: switches of the
//! deployment guide, variables of other tools, and names nobody knows.

use std::collections::BTreeMap;
use svgx_base::nearest::nearest;

use super::error::{Error, Origin};
use super::settings::SETTINGS;
use super::value::boolean;
use super::{Config, Given};

/// Variables of the deployment guide that this server does not act on when they
/// ask for something: the name, a value that asks for nothing, and what to say.
const UNSUPPORTED: &[(&str, &[&str], &str)] = &[
    (
        "DATABASE_URL",
        &[""],
        "sessions are kept under --data-dir or by --store; SQL databases are not supported",
    ),
    ("PERFORMANCE_MONITORING", &["", "true", "1", "on"], "metrics are always on"),
    (
        "SECURITY_AUDITING",
        &["", "false", "0", "off"],
        "there is no audit log beside the request log",
    ),
    ("TELEMETRY_ENABLED", &["", "true", "1", "on"], "the request log and /metrics are always on"),
    ("PYTHONUNBUFFERED", &["", "1", "true"], "this is not a Python program"),
];

/// `SVGX_` variables that belong to the tools around the server.
const FOREIGN: &[&str] = &[
    "SVGX_CONFIG",
    "SVGX_NAMESPACE",
    "SVGX_IMAGE_NAME",
    "SVGX_IMAGE_TAG",
    "SVGX_REGISTRY",
    "SVGX_STAGING_URL",
];

/// What is to be said about variables that ask for what this server has not.
pub(super) fn unsupported(environment: &BTreeMap<String, String>) -> Vec<String> {
    let asks = |name: &str, harmless: &[&str]| {
        environment
            .get(name)
            .is_some_and(|v| !harmless.contains(&v.trim().to_ascii_lowercase().as_str()))
    };
    UNSUPPORTED
        .iter()
        .filter(|(name, harmless, _)| asks(name, harmless))
        .map(|(name, _, say)| format!("{name} is set and has no effect: {say}"))
        .collect()
}

/// Variables of the guide that switch a setting rather than being one.
pub(super) fn apply_switches(
    environment: &BTreeMap<String, String>,
    config: &mut Config,
    given: &mut [Given],
    notices: &mut Vec<String>,
) -> Result<(), Error> {
    let read = |name: &str| match environment.get(name) {
        None => Ok(None),
        Some(v) if v.trim().is_empty() => Ok(None),
        Some(v) => boolean(v).map(Some).map_err(|reason| Error::Value {
            key: name.to_owned(),
            value: v.clone(),
            origin: Origin::Environment(name.to_owned()),
            reason,
        }),
    };
    let mut switch = |key: &str, name: &str, shown: &str, change: &mut dyn FnMut()| {
        if let Some(g) = given.iter_mut().find(|g| g.key == key)
            && g.origin == Origin::Default
        {
            change();
            g.shown = shown.to_owned();
            g.origin = Origin::Environment(name.to_owned());
        }
    };
    if read("LOAD_TESTING_MODE")? == Some(true) {
        switch("rate-limit", "LOAD_TESTING_MODE", "off", &mut || config.rate_limit = false);
        notices.push("LOAD_TESTING_MODE is set: requests are not rate limited".into());
    }
    if read("CACHE_ENABLED")? == Some(false) {
        switch("cache-bytes", "CACHE_ENABLED", "0", &mut || config.cache_bytes = 0);
    }
    Ok(())
}

/// A Kubernetes service named `svgx-...` puts variables of its own into every pod.
fn of_kubernetes(name: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || (name.contains("_PORT_") && (name.contains("_TCP") || name.contains("_UDP")))
}

pub(super) fn refuse_unknown(environment: &BTreeMap<String, String>) -> Result<(), Error> {
    let known = || SETTINGS.iter().flat_map(|s| s.environment.iter().copied());
    for name in environment.keys().filter(|n| n.starts_with("SVGX_")) {
        if known().chain(FOREIGN.iter().copied()).all(|k| k != name) && !of_kubernetes(name) {
            return Err(Error::Unknown {
                key: name.clone(),
                origin: Origin::Environment(name.clone()),
                near: nearest(name, known()).map(str::to_owned),
            });
        }
    }
    Ok(())
}

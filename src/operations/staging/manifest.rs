//! Kubernetes objects as data: read from YAML, found by kind and name.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The objects of one or several files.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The objects, in the order they are written in.
    pub objects: Vec<Value>,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("{}: {reason}", path.display())]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
}

/// Something that would not work, or would not be allowed, in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// `Kind/name`.
    pub object: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.message)
    }
}

/// An object that makes pods.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'m> {
    /// The object.
    pub object: &'m Value,
    /// The pod it makes.
    pub pod: &'m Value,
}

impl Manifest {
    /// Reads several YAML documents.
    ///
    /// # Errors
    /// [`Error::Yaml`], with `path` for its place.
    pub fn parse(text: &str, path: &Path) -> Result<Manifest, Error> {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text)
            .map_err(|e| Error::Yaml { path: path.to_owned(), reason: e.to_string() })?;
        Ok(Manifest { objects: objects.into_iter().filter(|o| !o.is_null()).collect() })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error`].
    pub fn read(path: &Path) -> Result<Manifest, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::File { path: path.to_owned(), source })?;
        Manifest::parse(&text, path)
    }

    /// The objects of a kind.
    pub fn kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |o| o["kind"] == kind)
    }

    /// The object of this kind and name.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.kind(kind).find(|o| o["metadata"]["name"] == name)
    }

    /// Everything that makes pods.
    pub fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        self.objects.iter().filter_map(|object| {
            let pod = match object["kind"].as_str()? {
                "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
                    &object["spec"]["template"]
                }
                "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
                "Pod" => object,
                _ => return None,
            };
            Some(Workload { object, pod })
        })
    }
}

impl<'m> Workload<'m> {
    /// The labels of its pods.
    pub fn labels(&self) -> &'m Value {
        &self.pod["metadata"]["labels"]
    }

    /// The specification of its pods.
    pub fn spec(&self) -> &'m Value {
        &self.pod["spec"]
    }

    /// Every container, those that run first included.
    pub fn containers(&self) -> impl Iterator<Item = &'m Value> {
        let spec = self.spec();
        ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .flat_map(move |list| elements(&spec[list]))
    }
}

/// `Kind/name` of an object.
pub fn name(object: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or("?").to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// The elements of a list; none where there is no list.
pub(super) fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The amount that a quantity means, such as `2Gi`, `500m` or `1.5`.
pub fn quantity(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..)? {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|n| n * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_amounts() {
        for (text, amount) in [
            ("2Gi", Some(2_147_483_648.0)),
            ("500m", Some(0.5)),
            ("2000m", Some(2.0)),
            ("1.5", Some(1.5)),
            ("800M", Some(8e8)),
            ("many", None),
            ("1Qi", None),
        ] {
            assert_eq!(quantity(text), amount, "{text}");
        }
    }
}

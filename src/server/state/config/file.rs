//! The TOML file. A key nobody knows is an error.

use std::collections::BTreeMap;
use std::path::PathBuf;
use svgx_base::nearest::nearest;

use svgx_engine::document::Limits;

use super::error::{Error, Origin};
use super::settings::{Kind, SETTINGS};

pub(super) type FileValues = BTreeMap<&'static str, Vec<String>>;

pub(super) fn read(path: &PathBuf) -> Result<(FileValues, Limits), Error> {
    let wrong = |reason: String| Error::File { path: path.clone(), reason };
    let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| wrong(e.to_string()))?;
    let mut values = BTreeMap::new();
    let mut limits = Limits::default();
    for (key, value) in table {
        if key == "limits" {
            limits =
                value.try_into().map_err(|e: toml::de::Error| wrong(format!("limits: {e}")))?;
            continue;
        }
        let written = key.replace('_', "-");
        let Some(s) = SETTINGS.iter().find(|s| s.key == written) else {
            return Err(Error::Unknown {
                near: nearest(&written, SETTINGS.iter().map(|s| s.key)).map(str::to_owned),
                key,
                origin: Origin::File(path.clone()),
            });
        };
        let scalar = |v: &toml::Value| match v {
            toml::Value::String(s) => Some(s.clone()),
            toml::Value::Integer(i) => Some(i.to_string()),
            toml::Value::Float(f) => Some(f.to_string()),
            toml::Value::Boolean(b) => Some(b.to_string()),
            _ => None,
        };
        let read = match &value {
            toml::Value::Array(all) if matches!(s.kind, Kind::Many | Kind::ManySecrets) => {
                all.iter().map(scalar).collect()
            }
            one => scalar(one).map(|v| vec![v]),
        };
        let read = read.ok_or_else(|| wrong(format!("{key}: expected a text or a number")))?;
        values.insert(s.key, read);
    }
    Ok((values, limits))
}

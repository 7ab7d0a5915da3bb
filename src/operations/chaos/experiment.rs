//! An experiment in Chaos Toolkit's format, as far as it is run here. What is not
//! understood is refused when the file is read, before anything is injected.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::tolerance;

/// Why a file is no experiment, or none that can be run.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", file.display())]
pub struct Invalid {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong.
    pub message: String,
}

/// An experiment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// One line.
    pub title: String,
    /// What is done and expected.
    #[serde(default)]
    pub description: String,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What others add; ours is named `svgx`.
    #[serde(default)]
    extensions: Vec<Value>,
    /// How it runs: here, rollbacks always do.
    #[serde(default)]
    runtime: Value,
    #[serde(default)]
    configuration: BTreeMap<String, Value>,
    /// What holds before and after.
    #[serde(default, rename = "steady-state-hypothesis")]
    pub steady_state: Option<Hypothesis>,
    /// What is done.
    pub method: Vec<Activity>,
    /// What is done in the end, whatever happened.
    #[serde(default)]
    pub rollbacks: Vec<Activity>,
}

/// What holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hypothesis {
    /// In words.
    pub title: String,
    /// How it is looked at.
    pub probes: Vec<Activity>,
}

/// Something that is done or looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Its name.
    pub name: String,
    #[serde(rename = "type")]
    kind: Kind,
    /// What its output has to be.
    #[serde(default)]
    pub tolerance: Option<Value>,
    /// Whether the next one does not wait for it.
    #[serde(default)]
    pub background: bool,
    /// Seconds before and after.
    #[serde(default)]
    pub pauses: Pauses,
    /// How it is done.
    pub provider: Provider,
    /// As it stands in the file, for the journal.
    #[serde(skip)]
    pub(super) text: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Action,
    Probe,
}

/// Seconds to wait.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pauses {
    /// Before.
    pub before: f64,
    /// After.
    pub after: f64,
}

/// Who does it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Provider {
    /// A request.
    Http {
        /// Whom and what.
        url: String,
        /// `GET` without.
        #[serde(default)]
        method: Option<String>,
        /// Header lines.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The query of a GET, the body of others.
        #[serde(default)]
        arguments: Option<Value>,
        /// Seconds.
        #[serde(default)]
        timeout: Option<f64>,
    },
    /// A program.
    Process {
        /// Its name or path.
        path: String,
        /// A list, or a line for the shell.
        #[serde(default)]
        arguments: Value,
        /// Seconds.
        #[serde(default)]
        timeout: Option<f64>,
    },
    /// A function.
    Python {
        /// In which module.
        module: String,
        /// Its name.
        func: String,
        /// Beside the configuration.
        #[serde(default)]
        arguments: Map<String, Value>,
    },
}

/// The longest that one activity may take, whatever its file says.
pub const LONGEST_ACTIVITY: f64 = 1_800.0;

impl Activity {
    /// Whether it does something, and does not only look.
    pub fn is_action(&self) -> bool {
        self.kind == Kind::Action
    }

    /// Whether it undoes the fault: what comes before it in a method is the fault itself.
    pub fn undoes(&self) -> bool {
        self.name == "undo"
    }
}

impl Experiment {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn read(path: &Path) -> Result<(Experiment, Value), Invalid> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Invalid { file: path.to_owned(), message: e.to_string() })?;
        Experiment::parse(path, &text)
    }

    /// Reads a text; the second is the same as plain data, for the journal.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn parse(file: &Path, text: &str) -> Result<(Experiment, Value), Invalid> {
        let bad = |message: String| Invalid { file: file.to_owned(), message };
        let whole: Value = serde_saphyr::from_str(text).map_err(|e| bad(e.to_string()))?;
        let mut read: Experiment =
            serde_json::from_value(whole.clone()).map_err(|e| bad(e.to_string()))?;
        let parts = |pointer: &str| {
            whole.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let probes = read.steady_state.iter_mut().flat_map(|s| &mut s.probes);
        let all = probes
            .zip(parts("/steady-state-hypothesis/probes"))
            .chain(read.method.iter_mut().zip(parts("/method")))
            .chain(read.rollbacks.iter_mut().zip(parts("/rollbacks")));
        for (activity, text) in all {
            activity.text = text;
            let wrong = |what: String| bad(format!("{}: {what}", activity.name));
            if let Some(expected) = &activity.tolerance {
                tolerance::understood(expected).map_err(wrong)?;
            } else if text_of(&whole, &activity.text) {
                return Err(wrong("a probe of the steady state wants a tolerance".to_owned()));
            }
            let pauses = [activity.pauses.before, activity.pauses.after];
            if !pauses.iter().all(|p| (0.0..=LONGEST_ACTIVITY).contains(p)) {
                let most = format!("pauses are 0 to {LONGEST_ACTIVITY} seconds, seen {pauses:?}");
                return Err(wrong(most));
            }
            if activity.kind == Kind::Action && activity.tolerance.is_some() {
                return Err(wrong("an action has no tolerance".to_owned()));
            }
        }
        Ok((read, whole))
    }

    /// Our extension: what this file says to `svgx drill`.
    pub fn extension(&self) -> Value {
        let ours = |e: &&Value| e.get("name").and_then(Value::as_str) == Some("svgx");
        self.extensions.iter().find(ours).cloned().unwrap_or_default()
    }

    /// Whether it asks for another handling of rollbacks than this one, which always runs them.
    pub fn skips_rollbacks(&self) -> bool {
        let strategy = self.runtime.pointer("/rollbacks/strategy").and_then(Value::as_str);
        matches!(strategy, Some("never"))
    }

    /// The values of the configuration, with variables by `variable`.
    ///
    /// # Errors
    /// The name of a variable that is missing and has no default.
    pub fn values(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Map<String, Value>, String> {
        let mut values = Map::new();
        for (name, setting) in &self.configuration {
            let value = match setting.get("type").and_then(Value::as_str) {
                Some("env") => {
                    let key = setting.get("key").and_then(Value::as_str).unwrap_or_default();
                    match (variable(key), setting.get("default")) {
                        (Some(value), _) => Value::String(value),
                        (None, Some(default)) => default.clone(),
                        (None, None) => return Err(format!("{name}: {key} is not set")),
                    }
                }
                Some(other) => return Err(format!("{name}: a value of type {other} is not known")),
                None => setting.clone(),
            };
            values.insert(name.clone(), value);
        }
        Ok(values)
    }
}

/// Whether `part` is a probe of the steady state of `whole`.
fn text_of(whole: &Value, part: &Value) -> bool {
    let probes = whole.pointer("/steady-state-hypothesis/probes").and_then(Value::as_array);
    probes.is_some_and(|probes| probes.contains(part))
}

/// `${name}` by its value, in every text of `value`.
pub(super) fn substitute(value: &Value, values: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => {
            let whole = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
            if let Some(found) = whole.and_then(|name| values.get(name)) {
                return found.clone();
            }
            Value::String(substituted(text, values))
        }
        Value::Array(all) => all.iter().map(|v| substitute(v, values)).collect(),
        Value::Object(all) => all.iter().map(|(k, v)| (k.clone(), substitute(v, values))).collect(),
        other => other.clone(),
    }
}

/// `${name}` by its value; a name that is not known stays.
pub(super) fn substituted(text: &str, values: &Map<String, Value>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let found = after.split_once('}').and_then(|(name, rest)| Some((values.get(name)?, rest)));
        if let Some((value, after)) = found {
            out.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            rest = after;
        } else {
            out.push_str("${");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "
title: t
configuration:
  at: {type: env, key: AT, default: here}
  n: 3
steady-state-hypothesis:
  title: s
  probes:
    - {name: p, type: probe, tolerance: 0, provider: {type: process, path: 'true'}}
method:
  - {name: m, type: action, provider: {type: python, module: a, func: b, arguments: {n: '${n}'}}}
";

    fn parse(text: &str) -> Result<Experiment, String> {
        Experiment::parse(Path::new("x.yaml"), text).map(|(e, _)| e).map_err(|e| e.to_string())
    }

    #[test]
    fn an_experiment_is_read_and_its_variables_are_put_in() {
        let read = parse(SMALL).expect("an experiment");
        let values = read.values(&|_| None).expect("values");
        assert_eq!(substituted("${at} ${n} ${x} ${", &values), "here 3 ${x} ${");
        let arguments = serde_json::json!({"n": "${n}", "t": "n=${n}"});
        assert_eq!(substitute(&arguments, &values), serde_json::json!({"n": 3, "t": "n=3"}));
        let values = read.values(&|key| (key == "AT").then(|| "there".to_owned()));
        assert_eq!(values.expect("values")["at"], "there");
    }

    #[test]
    fn what_is_not_understood_is_refused_before_anything_runs() {
        for (from, to, said) in [
            ("tolerance: 0", "tolerance: 0.5", "tolerance"),
            ("tolerance: 0", "tolerance: {type: jsonpath, path: x}", "jsonpath"),
            ("tolerance: 0, ", "", "wants a tolerance"),
            ("type: python", "type: lua", "unknown variant"),
            ("name: m, type: action", "name: m, type: act", "unknown variant"),
            ("name: m,", "name: m, pauses: {before: 1e9},", "pauses"),
            ("name: m, type: action", "ref: p", "unknown field"),
            ("title: t", "title: t\ncontrols: []", "unknown field"),
        ] {
            let error = parse(&SMALL.replace(from, to)).map(|_| ()).expect_err(to);
            assert!(error.contains(said), "{to}: {error}");
        }
    }
}

//! Who asks for what, and how often: a small YAML file.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use svgx_base::budget::Class;
use svgx_base::nearest::did_you_mean;
use svgx_base::wording;

use super::ask::Ask;

/// A mix of requests.
///
/// ```
/// let profile = svgx_load::Profile::from_yaml("mine", "
///   operations:
///     - { name: drag, class: ui, rate: 60, ask: drag }
///     - { name: parse, class: redraw, rate: 5, ask: { parse: 1000 } }
/// ").unwrap();
/// assert_eq!(profile.rate(), 65.0);
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Sessions that are worked on.
    #[serde(default = "four")]
    pub sessions: usize,
    /// Elements of the drawing in each session.
    #[serde(default = "thousand")]
    pub elements: usize,
    /// What is asked.
    pub operations: Vec<Operation>,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What it is called in the report.
    pub name: String,
    /// The class whose budget it has; `batch` has none.
    pub class: Class,
    /// Requests a second.
    pub rate: f64,
    /// What it asks.
    pub ask: Ask,
    /// More header lines, as `Name: value`.
    #[serde(default)]
    pub headers: Vec<String>,
}

fn four() -> usize {
    4
}

fn thousand() -> usize {
    1_000
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct BadProfile {
    file: String,
    message: String,
}

const BUILT_IN: [(&str, &str); 4] = [
    ("reference", include_str!("profiles/reference.yaml")),
    ("guide", include_str!("profiles/guide.yaml")),
    ("health", include_str!("profiles/health.yaml")),
    ("physics", include_str!("profiles/physics.yaml")),
];

impl Profile {
    /// Names of the profiles that are compiled in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// One of the profiles that are compiled in.
    pub fn built_in(name: &str) -> Option<Profile> {
        let (name, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Profile::from_yaml(name, text).ok()
    }

    /// A profile by the name of a built-in one, or the path of a file.
    ///
    /// # Errors
    /// [`BadProfile`] when it is neither, or cannot be used.
    pub fn find(name: &str) -> Result<Profile, BadProfile> {
        if let Some(profile) = Profile::built_in(name) {
            return Ok(profile);
        }
        let text = std::fs::read_to_string(Path::new(name)).map_err(|error| BadProfile {
            file: name.to_owned(),
            message: {
                let near = did_you_mean(name, Profile::names());
                let near = near.map_or_else(String::new, |near| format!("; {near}"));
                let names = Profile::names().collect::<Vec<_>>().join(", ");
                format!("{error}; built in are {names}{near}")
            },
        })?;
        Profile::from_yaml(name, &text)
    }

    /// Reads a profile; `file` is what errors call it.
    ///
    /// # Errors
    /// [`BadProfile`], with the line where the YAML is wrong.
    pub fn from_yaml(file: &str, text: &str) -> Result<Profile, BadProfile> {
        let bad = |message: String| BadProfile { file: file.to_owned(), message };
        let profile: Profile = serde_saphyr::from_str(text).map_err(|e| bad(in_words(&e)))?;
        if profile.operations.is_empty() {
            return Err(bad("no operations".to_owned()));
        }
        let mut names = BTreeSet::new();
        for operation in &profile.operations {
            let name = &operation.name;
            if !(operation.rate.is_finite() && operation.rate >= 0.0) {
                return Err(bad(format!("{name}: rate must be a number of requests a second")));
            }
            if !names.insert(name) {
                return Err(bad(format!("{name}: the name is used twice")));
            }
            if let Some(header) = operation
                .headers
                .iter()
                .find(|h| !h.contains(':') || h.bytes().any(|b| b.is_ascii_control()))
            {
                return Err(bad(format!("{name}: {header:?} is no header line")));
            }
        }
        if profile.sessions == 0 || profile.sessions > 10_000 {
            return Err(bad("sessions must be between 1 and 10000".to_owned()));
        }
        Ok(profile)
    }

    /// Requests a second, all together.
    pub fn rate(&self) -> f64 {
        self.operations.iter().map(|operation| operation.rate).sum()
    }

    /// The same mix at another rate all together.
    #[must_use]
    pub fn at_rate(mut self, rate: f64) -> Profile {
        let now = self.rate();
        for operation in &mut self.operations {
            operation.rate *= if now > 0.0 { rate / now } else { 0.0 };
        }
        self
    }
}

/// What is wrong with a file, in plain words and with its place.
fn in_words(error: &serde_saphyr::Error) -> String {
    let message = wording::plain(&error.without_snippet().to_string());
    match error.location() {
        Some(at) => format!("line {}, column {}: {message}", at.line(), at.column()),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_is_compiled_in_can_be_used() {
        for (name, text) in BUILT_IN {
            let profile = Profile::from_yaml(name, text).expect(name);
            assert!(profile.rate() > 0.0);
        }
    }

    #[test]
    fn a_profile_that_is_wrong_says_what_and_where() {
        for (text, part) in [
            ("operations: []", "no operations"),
            ("operations:\n  - { name: a, class: ui, rate: x, ask: drag }", "line 2"),
            ("operations:\n  - { name: a, class: ui, rate: -1, ask: drag }", "a: rate"),
            ("operations:\n  - { name: a, class: ui, rate: 1, ask: fly }", "fly"),
            ("speed: 3\noperations: []", "speed"),
            (
                "operations: [{ name: a, class: ui, rate: 1, ask: drag, headers: [\"x\"] }]",
                "no header line",
            ),
        ] {
            let error = Profile::from_yaml("p.yaml", text).expect_err(text).to_string();
            assert!(error.starts_with("p.yaml: ") && error.contains(part), "{error}");
        }
    }
}

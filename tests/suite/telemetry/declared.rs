//! Everything the service emits, as `slo/telemetry/` declares
//! it in the format of OpenTelemetry's weaver (`definition/2`).

#![allow(dead_code, reason = "the whole format is read, so that a key that is misspelt is refused")]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use svgx_telemetry::catalogue;

/// The files compiled in.
const EMBEDDED: [(&str, &str); 5] = [
    ("slo/telemetry/attributes.yaml", include_str!("../../../slo/telemetry/attributes.yaml")),
    ("slo/telemetry/entities.yaml", include_str!("../../../slo/telemetry/entities.yaml")),
    ("slo/telemetry/events.yaml", include_str!("../../../slo/telemetry/events.yaml")),
    ("slo/telemetry/metrics.yaml", include_str!("../../../slo/telemetry/metrics.yaml")),
    ("slo/telemetry/spans.yaml", include_str!("../../../slo/telemetry/spans.yaml")),
];

/// Why a registry cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A file is not of the format.
    #[error("{file}: {message}")]
    File {
        /// Which file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A signal names an attribute that is not defined.
    #[error("{signal}: attribute {key} is not defined")]
    Undefined {
        /// The signal.
        signal: String,
        /// The attribute.
        key: String,
    },
    /// Something is defined twice.
    #[error("{0} is defined twice")]
    Twice(String),
}

/// How settled a definition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stability {
    /// Kept as it is.
    Stable,
    /// May change.
    Development,
    /// Tried out by few.
    Alpha,
    /// Tried out by many.
    Beta,
    /// About to be stable.
    ReleaseCandidate,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Instrument {
    /// Only grows.
    Counter,
    /// Goes up and down by differences.
    UpDownCounter,
    /// The value now.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Who a span is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SpanKind {
    /// A request that came in.
    Server,
    /// A request that went out.
    Client,
    /// Work inside.
    Internal,
    /// Something was queued.
    Producer,
    /// Something was taken from a queue.
    Consumer,
}

/// What an attribute may hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Type {
    /// `string`, `int`, `double` or `boolean`.
    Plain(Plain),
    /// One of few words.
    Words {
        /// The words.
        members: Vec<Word>,
    },
}

/// A type without a list of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Plain {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// A truth value.
    Boolean,
}

/// One value of an attribute that holds words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Word {
    /// Its name in code.
    pub(super) id: String,
    /// What is emitted.
    pub(super) value: String,
    /// What it means.
    #[serde(default)]
    pub(super) brief: Option<String>,
    /// How settled it is.
    #[serde(default)]
    pub(super) stability: Option<Stability>,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attribute {
    /// Its key.
    pub(super) key: String,
    /// What it may hold.
    #[serde(rename = "type")]
    pub(super) kind: Type,
    /// What it says.
    pub(super) brief: String,
    /// More about it.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// How settled it is.
    pub(super) stability: Stability,
    /// What it may look like.
    #[serde(default)]
    pub(super) examples: Vec<serde_json::Value>,
}

impl Attribute {
    /// Whether `value` is one that the attribute may hold.
    pub(super) fn allows(&self, value: &serde_json::Value) -> bool {
        match &self.kind {
            Type::Words { members } => {
                value.as_str().is_some_and(|v| members.iter().any(|m| m.value == v))
            }
            Type::Plain(Plain::String) => value.is_string(),
            Type::Plain(Plain::Int) => value.is_i64() || value.is_u64(),
            Type::Plain(Plain::Double) => value.is_number(),
            Type::Plain(Plain::Boolean) => value.is_boolean(),
        }
    }
}

/// When an attribute is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// Always.
    Required,
    /// Always, when the condition holds.
    ConditionallyRequired(String),
    /// Usually.
    Recommended,
    /// When it is asked for.
    OptIn,
}

/// An attribute of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    /// Its key.
    #[serde(rename = "ref")]
    pub(super) key: String,
    /// When it is there.
    pub(super) requirement_level: Level,
}

/// The edges of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Buckets {
    /// One on every objective.
    Latency,
    /// Powers of four.
    Size,
    /// Powers of ten.
    Error,
}

/// What we add to the definition of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ours {
    /// The most series it may have.
    pub(super) series: usize,
    /// The edges, of a histogram.
    #[serde(default)]
    pub(super) buckets: Option<Buckets>,
}

/// Annotations of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Annotations {
    /// What we add.
    pub(super) svgx: Ours,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metric {
    /// Its name.
    pub(super) name: String,
    /// Its kind.
    pub(super) instrument: Instrument,
    /// Its unit (UCUM).
    pub(super) unit: String,
    /// What it says.
    pub(super) brief: String,
    /// More about it.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// How settled it is.
    pub(super) stability: Stability,
    /// What it may be divided by.
    #[serde(default)]
    pub(super) attributes: Vec<Reference>,
    /// Its bound and its edges.
    pub(super) annotations: Annotations,
}

impl Metric {
    /// Its name in Prometheus, without the suffixes of a histogram.
    pub(super) fn prometheus_name(&self) -> String {
        catalogue::prometheus(&self.name, &self.unit, self.instrument == Instrument::Counter)
    }
}

/// How a span is named.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanName {
    /// In words, with attributes in braces.
    pub(super) note: String,
}

/// A span.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    /// Its type.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Who it is for.
    #[serde(rename = "kind")]
    pub(super) side: SpanKind,
    /// How it is named.
    pub(super) name: SpanName,
    /// What it stands for.
    pub(super) brief: String,
    /// More about it.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// How settled it is.
    pub(super) stability: Stability,
    /// What it says.
    #[serde(default)]
    pub(super) attributes: Vec<Reference>,
    /// What only we need to know.
    #[serde(default)]
    pub(super) annotations: SpanAnnotations,
}

/// What a span has of our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanAnnotations {
    #[serde(default)]
    pub(super) svgx: SpanNotes,
}

/// See [`SpanAnnotations`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanNotes {
    /// Whether ordinary requests do not lead to it.
    #[serde(default)]
    pub(super) rare: bool,
}

/// A log record with a name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    /// Its name.
    pub(super) name: String,
    /// What happened.
    pub(super) brief: String,
    /// How settled it is.
    pub(super) stability: Stability,
    /// What it says.
    #[serde(default)]
    pub(super) attributes: Vec<Reference>,
}

/// Somebody who speaks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entity {
    /// Its type.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// What it is.
    pub(super) brief: String,
    /// How settled it is.
    pub(super) stability: Stability,
    /// What tells one from another.
    pub(super) identity: Vec<Reference>,
    /// What is said beside.
    #[serde(default)]
    pub(super) description: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    file_format: Format,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    metrics: Vec<Metric>,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    entities: Vec<Entity>,
}

#[derive(Deserialize)]
enum Format {
    #[serde(rename = "definition/2")]
    Two,
}

/// Everything the service emits.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    /// Every attribute, by key.
    pub(super) attributes: BTreeMap<String, Attribute>,
    /// Every metric, in the order of the file.
    pub(super) metrics: Vec<Metric>,
    /// Every span.
    pub(super) spans: Vec<Span>,
    /// Every named log record.
    pub(super) events: Vec<Event>,
    /// Who speaks.
    pub(super) entities: Vec<Entity>,
}

impl Registry {
    /// The registry compiled into the binary.
    ///
    /// # Errors
    /// Never in a binary whose tests passed: they read the same files.
    pub(super) fn embedded() -> Result<Registry, Error> {
        Registry::parse(&EMBEDDED)
    }

    /// Reads `files`, each a name and its text.
    ///
    /// # Errors
    /// [`Error`]: the first thing that is wrong.
    pub(super) fn parse(files: &[(&str, &str)]) -> Result<Registry, Error> {
        let mut registry = Registry::default();
        for (name, text) in files {
            let file: File = serde_saphyr::from_str(text)
                .map_err(|e| Error::File { file: (*name).to_owned(), message: e.to_string() })?;
            let Format::Two = file.file_format;
            for attribute in file.attributes {
                let key = attribute.key.clone();
                if registry.attributes.insert(key.clone(), attribute).is_some() {
                    return Err(Error::Twice(key));
                }
            }
            registry.metrics.extend(file.metrics);
            registry.spans.extend(file.spans);
            registry.events.extend(file.events);
            registry.entities.extend(file.entities);
        }
        registry.check()?;
        Ok(registry)
    }

    fn check(&self) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        for (signal, references) in self.signals() {
            if !names.insert(signal.clone()) {
                return Err(Error::Twice(signal));
            }
            for reference in references {
                if !self.attributes.contains_key(&reference.key) {
                    return Err(Error::Undefined { signal, key: reference.key.clone() });
                }
            }
        }
        Ok(())
    }

    /// Every signal's name, as it is told in messages, and its attributes.
    fn signals(&self) -> Vec<(String, Vec<&Reference>)> {
        let mut all: Vec<(String, Vec<&Reference>)> = Vec::new();
        for m in &self.metrics {
            all.push((format!("metric {}", m.name), m.attributes.iter().collect()));
        }
        for s in &self.spans {
            all.push((format!("span {}", s.kind), s.attributes.iter().collect()));
        }
        for e in &self.events {
            all.push((format!("event {}", e.name), e.attributes.iter().collect()));
        }
        for e in &self.entities {
            let references = e.identity.iter().chain(&e.description);
            all.push((format!("entity {}", e.kind), references.collect()));
        }
        all
    }

    /// The metric called `name`.
    pub(super) fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|m| m.name == name)
    }

    /// Every series name that `/metrics` may show, with its labels: for an
    /// expression to be checked against.
    pub(super) fn exposed(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut exposed = BTreeMap::new();
        let label = |key: &str| key.replace(['.', '-', '/'], "_");
        for metric in &self.metrics {
            let labels: BTreeSet<String> =
                metric.attributes.iter().map(|a| label(&a.key)).collect();
            let name = metric.prometheus_name();
            if metric.instrument == Instrument::Histogram {
                let mut with_edge = labels.clone();
                with_edge.insert("le".to_owned());
                exposed.insert(format!("{name}_bucket"), with_edge);
                exposed.insert(format!("{name}_sum"), labels.clone());
                exposed.insert(format!("{name}_count"), labels);
            } else {
                exposed.insert(name, labels);
            }
        }
        let speaker = self.entities.iter().flat_map(|e| e.identity.iter().chain(&e.description));
        exposed.insert("target_info".to_owned(), speaker.map(|r| label(&r.key)).collect());
        exposed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svgx_telemetry::Outcome;
    use svgx_telemetry::catalogue::Kind;

    #[test]
    fn the_catalogue_and_the_registry_say_the_same() {
        let registry = Registry::embedded().expect("the registry is valid");
        let declared: Vec<&str> = registry.metrics.iter().map(|m| m.name.as_str()).collect();
        let built: Vec<&str> = catalogue::ALL.iter().map(|m| m.name).collect();
        assert_eq!(declared, built);
        for (m, c) in registry.metrics.iter().zip(catalogue::ALL) {
            let (instrument, buckets) = match c.kind {
                Kind::Counter => (Instrument::Counter, None),
                Kind::UpDownCounter => (Instrument::UpDownCounter, None),
                Kind::Gauge => (Instrument::Gauge, None),
                Kind::Latency => (Instrument::Histogram, Some(Buckets::Latency)),
                Kind::Size => (Instrument::Histogram, Some(Buckets::Size)),
                Kind::Error => (Instrument::Histogram, Some(Buckets::Error)),
            };
            assert_eq!(
                (m.instrument, m.annotations.svgx.buckets),
                (instrument, buckets),
                "{}",
                c.name
            );
            assert_eq!((m.unit.as_str(), m.brief.as_str()), (c.unit, c.description), "{}", c.name);
            assert_eq!(m.annotations.svgx.series, c.series, "{}", c.name);
            let attributes: Vec<&str> = m.attributes.iter().map(|a| a.key.as_str()).collect();
            assert_eq!(attributes, c.attributes, "{}", c.name);
            assert_eq!(m.prometheus_name(), catalogue::prometheus_name(c));
        }
    }

    #[test]
    fn every_outcome_is_a_declared_word() {
        let registry = Registry::embedded().expect("the registry is valid");
        let outcome = &registry.attributes["svgx.slo.outcome"];
        for o in Outcome::ALL {
            assert!(outcome.allows(&o.as_str().into()), "{o:?}");
        }
        assert!(!outcome.allows(&"okay".into()));
    }

    #[test]
    fn what_is_wrong_with_a_registry_is_named() {
        let wrong =
            |text: &str| Registry::parse(&[("x.yaml", text)]).expect_err("wrong").to_string();
        let metric = "file_format: definition/2\nmetrics:\n  - {name: a, instrument: gauge, \
            unit: s, brief: b, stability: stable, annotations: {svgx: {series: 1}}, \
            attributes: [{ref: c, requirement_level: required}]}\n";
        assert_eq!(wrong(metric), "metric a: attribute c is not defined");
        assert!(wrong("file_format: definition/3\n").contains("x.yaml"));
        assert!(wrong("file_format: definition/2\nmetric: []\n").contains("metric"));
    }
}

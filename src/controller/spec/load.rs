//! Reading the documents, and every check that can name a line.

use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::{Location, Spanned};
use svgx_base::nearest::did_you_mean;
use svgx_base::wording;

use super::openslo::{Document, Metadata, SloSpec, nanoseconds};
use super::{Decimal, Error, Errors, Spec, policy};

/// The documents compiled in.
const EMBEDDED: [(&str, &str); 14] = [
    ("slo/service.yaml", include_str!("../../../slo/service.yaml")),
    ("slo/datasource.yaml", include_str!("../../../slo/datasource.yaml")),
    ("slo/ui-latency.yaml", include_str!("../../../slo/ui-latency.yaml")),
    ("slo/redraw-latency.yaml", include_str!("../../../slo/redraw-latency.yaml")),
    ("slo/physics-latency.yaml", include_str!("../../../slo/physics-latency.yaml")),
    ("slo/availability.yaml", include_str!("../../../slo/availability.yaml")),
    ("slo/precision-delivered.yaml", include_str!("../../../slo/precision-delivered.yaml")),
    ("slo/liveness.yaml", include_str!("../../../slo/liveness.yaml")),
    ("slo/memory.yaml", include_str!("../../../slo/memory.yaml")),
    ("slo/cpu.yaml", include_str!("../../../slo/cpu.yaml")),
    ("slo/controller.yaml", include_str!("../../../slo/controller.yaml")),
    ("slo/shared-store.yaml", include_str!("../../../slo/shared-store.yaml")),
    ("slo/jobs.yaml", include_str!("../../../slo/jobs.yaml")),
    ("slo/policies.yaml", include_str!("../../../slo/policies.yaml")),
];

/// Larger files are not objectives.
const LARGEST_FILE: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Spanned<String>,
    kind: Spanned<String>,
    #[expect(dead_code, reason = "read so that a document without metadata fails here")]
    metadata: Metadata,
    #[expect(dead_code, reason = "read so that a document without a body fails here")]
    spec: IgnoredAny,
}

impl Spec {
    /// The documents compiled into the binary.
    ///
    /// # Errors
    /// Never in a binary whose tests passed: they read the same documents.
    pub fn embedded() -> Result<Spec, Errors> {
        Spec::parse(&EMBEDDED)
    }

    /// The embedded documents as `(file, text)`.
    pub fn embedded_files() -> &'static [(&'static str, &'static str)] {
        &EMBEDDED
    }

    /// Every `*.yaml` directly in `dir`, in the order of their names.
    ///
    /// # Errors
    /// Everything wrong, by file and line; a folder that cannot be read.
    pub fn from_dir(dir: &Path) -> Result<Spec, Errors> {
        let io = |path: &Path, error: std::io::Error| {
            Errors(vec![whole(&path.display().to_string(), &error.to_string())])
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(|error| io(dir, error))? {
            let path = entry.map_err(|error| io(dir, error))?.path();
            if path.is_file() && path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut files = Vec::new();
        for path in paths {
            let name = path.display().to_string();
            let size = std::fs::metadata(&path).map_err(|error| io(&path, error))?.len();
            if size > LARGEST_FILE {
                let message = format!("{size} bytes; at most {LARGEST_FILE} are read");
                return Err(Errors(vec![whole(&name, &message)]));
            }
            files.push((name, std::fs::read_to_string(&path).map_err(|error| io(&path, error))?));
        }
        let borrowed: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Spec::parse(&borrowed)
    }

    /// Reads `(file, text)` pairs.
    ///
    /// # Errors
    /// Everything wrong, by file and line.
    pub fn parse(files: &[(&str, &str)]) -> Result<Spec, Errors> {
        let mut found = Found::default();
        for (file, text) in files {
            for document in documents(text) {
                found.read(file, &document);
            }
        }
        found.check();
        let objectives = policy::objectives(&found.slos, &mut found.errors);
        let service = match found.services.len() {
            1 => found.services.pop(),
            n => {
                let message = format!("{n} documents of kind Service; exactly one is expected");
                found.errors.push(whole("slo", &message));
                None
            }
        };
        let policy = service.as_ref().map(|service| policy::policy(service, &mut found.errors));
        match (service, objectives, policy) {
            (Some(service), Some(objectives), Some(policy)) if found.errors.is_empty() => {
                Ok(Spec {
                    service,
                    data_sources: found.data_sources,
                    slos: found.slos,
                    alert_policies: found.policies,
                    alert_conditions: found.conditions,
                    notification_targets: found.targets,
                    objectives,
                    policy,
                })
            }
            _ => Err(Errors(found.errors)),
        }
    }
}

/// The documents of a file, each padded with empty lines so that positions
/// inside it are positions in the file.
fn documents(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    let mut content = false;
    for (index, line) in text.lines().enumerate() {
        if line == "---" || line.starts_with("--- ") {
            if content {
                all.push(std::mem::take(&mut current));
            }
            current = "\n".repeat(index + 1);
            content = false;
            continue;
        }
        content |= !line.trim().is_empty() && !line.trim_start().starts_with('#');
        current.push_str(line);
        current.push('\n');
    }
    if content {
        all.push(current);
    }
    all
}

/// An error about a file as a whole.
fn whole(file: &str, message: &str) -> Error {
    Error { file: file.to_owned(), line: 0, column: 0, message: message.to_owned() }
}

/// An error at a place.
pub(super) fn at(file: &str, place: Location, message: String) -> Error {
    Error { file: file.to_owned(), line: place.line(), column: place.column(), message }
}

#[derive(Default)]
struct Found {
    services: Vec<Document<super::ServiceSpec>>,
    data_sources: Vec<Document<super::DataSourceSpec>>,
    slos: Vec<Document<SloSpec>>,
    policies: Vec<Document<super::AlertPolicySpec>>,
    conditions: Vec<Document<super::AlertConditionSpec>>,
    targets: Vec<Document<super::TargetSpec>>,
    errors: Vec<Error>,
}

const KINDS: [&str; 6] =
    ["Service", "DataSource", "SLO", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"];

/// Annotations of ours beside those of the controller, of which none may be missing.
const ANNOTATIONS: [&str; 13] = [
    "alert",
    "alert-after",
    "budget-class",
    "detects",
    "operations",
    "processor-share",
    "reference-work",
    "rule",
    "runbook",
    "short-window",
    "threshold-seconds",
    "tier-cost",
    "weight",
];

/// `known: a, b; did you mean a?`
fn choice(word: &str, known: &[&str]) -> String {
    let near = did_you_mean(word, known.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("; {near}"));
    match known {
        [] => "there is none".to_owned(),
        known => format!("known: {}{near}", known.join(", ")),
    }
}

/// Annotations of ours that nobody reads.
fn annotations<T>(documents: &[Document<T>], errors: &mut Vec<Error>) {
    for document in documents {
        for key in document.metadata.annotations.keys() {
            let Some(own) = key.strip_prefix("svgx.dev/") else { continue };
            if !own.starts_with("controller-") && !ANNOTATIONS.contains(&own) {
                let name = &document.metadata.name;
                let message =
                    format!("{name}: no annotation svgx.dev/{own}; {}", choice(own, &ANNOTATIONS));
                errors.push(whole(&document.file, &message));
            }
        }
    }
}

/// A word that is one of a few.
fn one_of(word: &str, known: &[&str], what: &str, file: &str, errors: &mut Vec<Error>) {
    if !known.contains(&word) {
        errors.push(whole(file, &format!("{what} {word:?}; {}", choice(word, known))));
    }
}

impl Found {
    fn read(&mut self, file: &str, text: &str) {
        let head: Head = match serde_saphyr::from_str(text) {
            Ok(head) => head,
            Err(error) => return self.errors.push(from_yaml(file, &error)),
        };
        if head.api_version.value != "openslo/v1" {
            let message =
                format!("apiVersion is {:?}; expected openslo/v1", head.api_version.value);
            return self.errors.push(at(file, head.api_version.defined, message));
        }
        let errors = &mut self.errors;
        match head.kind.value.as_str() {
            "Service" => body(file, text, &mut self.services, errors),
            "DataSource" => body(file, text, &mut self.data_sources, errors),
            "SLO" => body(file, text, &mut self.slos, errors),
            "AlertPolicy" => body(file, text, &mut self.policies, errors),
            "AlertCondition" => body(file, text, &mut self.conditions, errors),
            "AlertNotificationTarget" => body(file, text, &mut self.targets, errors),
            kind => {
                let message = format!("kind {kind:?}; {}", choice(kind, &KINDS));
                errors.push(at(file, head.kind.defined, message));
            }
        }
    }

    fn check(&mut self) {
        let mut errors = std::mem::take(&mut self.errors);
        unique(&self.slos, &mut errors);
        unique(&self.policies, &mut errors);
        unique(&self.conditions, &mut errors);
        unique(&self.targets, &mut errors);
        let names = |known: &[&str], wanted: &Spanned<String>, what: &str, file: &str| {
            (!known.contains(&wanted.value.as_str())).then(|| {
                let message =
                    format!("no {what} named {:?}; {}", wanted.value, choice(&wanted.value, known));
                at(file, wanted.defined, message)
            })
        };
        let services = names_of(&self.services);
        let sources = names_of(&self.data_sources);
        let policies = names_of(&self.policies);
        let conditions = names_of(&self.conditions);
        let targets = names_of(&self.targets);
        for slo in &self.slos {
            let file = slo.file.as_str();
            errors.extend(names(&services, &slo.spec.service, "Service", file));
            for reference in &slo.spec.alert_policies {
                errors.extend(names(&policies, &reference.alert_policy_ref, "AlertPolicy", file));
            }
            for metric in metrics(&slo.spec) {
                if let Some(reference) = &metric.metric_source.metric_source_ref {
                    errors.extend(names(&sources, reference, "DataSource", file));
                }
            }
            check_slo(slo, &mut errors);
        }
        for policy in &self.policies {
            if policy.spec.conditions.len() != 1 {
                let message = format!(
                    "AlertPolicy {} has {} conditions; OpenSLO v1 allows exactly one",
                    policy.metadata.name,
                    policy.spec.conditions.len()
                );
                errors.push(whole(&policy.file, &message));
            }
            for reference in &policy.spec.conditions {
                errors.extend(names(
                    &conditions,
                    &reference.condition_ref,
                    "AlertCondition",
                    &policy.file,
                ));
            }
            for reference in &policy.spec.notification_targets {
                errors.extend(names(
                    &targets,
                    &reference.target_ref,
                    "AlertNotificationTarget",
                    &policy.file,
                ));
            }
        }
        annotations(&self.services, &mut errors);
        annotations(&self.slos, &mut errors);
        annotations(&self.policies, &mut errors);
        annotations(&self.conditions, &mut errors);
        for condition in &self.conditions {
            let (spec, file) = (&condition.spec, condition.file.as_str());
            let name = &condition.metadata.name;
            let (what, op) = (format!("{name}: severity"), format!("{name}: op"));
            one_of(&spec.severity, &["critical", "warning"], &what, file, &mut errors);
            one_of(&spec.condition.op, &["gt", "gte", "lt", "lte"], &op, file, &mut errors);
            let burn = &condition.spec.condition;
            if burn.kind.value != "burnrate" {
                let message = format!("kind {:?}; OpenSLO v1 knows only burnrate", burn.kind.value);
                errors.push(at(&condition.file, burn.kind.defined, message));
            }
            for window in [&burn.lookback_window, &burn.alert_after] {
                duration(window, &condition.file, &mut errors);
            }
            for key in ["short-window", "alert-after"] {
                if let Some(value) = condition.metadata.annotation(key) {
                    duration(value, &condition.file, &mut errors);
                }
            }
        }
        self.errors = errors;
    }
}

fn metrics(slo: &SloSpec) -> impl Iterator<Item = &super::openslo::Metric> {
    let ratio = slo.indicator.spec.ratio_metric.iter();
    ratio
        .flat_map(|ratio| ratio.good.iter().chain(&ratio.bad).chain([&ratio.total]))
        .chain(&slo.indicator.spec.threshold_metric)
}

fn check_slo(slo: &Document<SloSpec>, errors: &mut Vec<Error>) {
    let spec = &slo.spec;
    if spec.budgeting_method.value != "Occurrences" {
        let message =
            format!("budgetingMethod {:?}; expected Occurrences", spec.budgeting_method.value);
        errors.push(at(&slo.file, spec.budgeting_method.defined, message));
    }
    for window in &spec.time_window {
        duration(&window.duration, &slo.file, errors);
    }
    for objective in &spec.objectives {
        let target = objective.target.value;
        if target <= Decimal::new(0, 0) || target >= Decimal::new(1, 0) {
            let message = format!("target {target}; expected more than 0 and less than 1");
            errors.push(at(&slo.file, objective.target.defined, message));
        }
    }
    let (ratio, threshold) =
        (&spec.indicator.spec.ratio_metric, &spec.indicator.spec.threshold_metric);
    if ratio.is_some() == threshold.is_some() {
        let message =
            format!("SLO {} needs ratioMetric or thresholdMetric, one of them", slo.metadata.name);
        errors.push(whole(&slo.file, &message));
    }
    if let Some(ratio) = ratio
        && ratio.good.is_some() == ratio.bad.is_some()
    {
        let message = format!("SLO {} needs good or bad, one of them", slo.metadata.name);
        errors.push(whole(&slo.file, &message));
    }
    if spec.objectives.is_empty() || spec.time_window.is_empty() {
        let message = format!("SLO {} needs a time window and an objective", slo.metadata.name);
        errors.push(whole(&slo.file, &message));
    }
}

fn duration(text: &Spanned<String>, file: &str, errors: &mut Vec<Error>) {
    if nanoseconds(&text.value).is_none() {
        let message =
            format!("{:?} is no duration; expected for example 200ms, 2m or 30d", text.value);
        errors.push(at(file, text.defined, message));
    }
}

fn names_of<T>(documents: &[Document<T>]) -> Vec<&str> {
    documents.iter().map(|document| document.metadata.name.as_str()).collect()
}

fn unique<T>(documents: &[Document<T>], errors: &mut Vec<Error>) {
    for (index, document) in documents.iter().enumerate() {
        let name = &document.metadata.name;
        if documents.iter().take(index).any(|earlier| earlier.metadata.name == *name) {
            let message = format!("a second {} named {name:?}", document.kind);
            errors.push(whole(&document.file, &message));
        }
    }
}

fn body<T: DeserializeOwned>(
    file: &str,
    text: &str,
    into: &mut Vec<Document<T>>,
    errors: &mut Vec<Error>,
) {
    match serde_saphyr::from_str::<Document<T>>(text) {
        Ok(mut document) => {
            document.file = file.to_owned();
            into.push(document);
        }
        Err(error) => errors.push(from_yaml(file, &error)),
    }
}

fn from_yaml(file: &str, error: &serde_saphyr::Error) -> Error {
    let message = wording::plain(&error.without_snippet().to_string());
    match error.location() {
        Some(place) => at(file, place, message),
        None => whole(file, &message),
    }
}

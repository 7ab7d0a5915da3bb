//! What a drill is to do: the page of the alert, its rules, and the experiment that provokes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use svgx_controller::spec::Spec;

use super::dose::{Dose, Tiers};
use super::history::History;
use crate::alert::{Alert, alerts};
use crate::chaos::experiment::Experiment;
use crate::rules;
use crate::runbook::{self, Block, Drillable, FOLDER, For, Page};
use crate::stack::Part;

/// Seconds more than the figure of the page, on a machine that does other work beside.
pub(super) const MARGIN: u64 = 45;

/// What an experiment says to a drill, in its extension `svgx`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Extension {
    #[serde(rename = "name")]
    _name: String,
    /// The alert that the fault makes fire when it lasts.
    pub(crate) alert: String,
    /// Why there is none.
    #[serde(rename = "because")]
    _because: Option<String>,
    /// What the machine has to be able to do (`svgx chaos can`).
    pub(crate) needs: Vec<String>,
    /// Parts of the stack beside those that it always has.
    pub(crate) parts: Vec<Part>,
    /// Whether it wants the machine for itself.
    pub(crate) heavy: bool,
    /// Labels by which the rule that is meant is told from others of its name.
    pub(crate) labels: BTreeMap<String, String>,
    /// A profile of `svgx load`, from the root of the project: sent all the while.
    pub(crate) traffic: Option<String>,
    /// Other alerts that may fire, each with the reason.
    pub(crate) also: BTreeMap<String, String>,
    /// Variables of the engine, all the while.
    pub(crate) engine: BTreeMap<String, String>,
    /// What Prometheus knows before the drill begins.
    pub(crate) history: Option<History>,
    /// A drill for each rule of the alert, with history and dose computed from the rule.
    pub(crate) tiers: Option<Tiers>,
    /// Alerts that may mute this one, each with the reason: whoever is told of them is not told of it.
    pub(crate) muted_by: BTreeMap<String, String>,
    /// Seconds until the alert fires, where the dose is another than a complete failure.
    pub(crate) detect_within: Option<u64>,
    /// Seconds until it is over.
    pub(crate) recover_within: Option<u64>,
}

/// A drill that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name: that of the alert, and of the rule where there are several.
    pub name: String,
    /// The alert.
    pub alert: String,
    /// The root of the project.
    pub(crate) root: PathBuf,
    pub(crate) page_file: String,
    pub(crate) page: Drillable,
    pub(crate) experiment_file: String,
    pub(crate) experiment: Experiment,
    pub(crate) extension: Extension,
    pub(crate) severity: String,
    /// Seconds.
    pub(crate) detect_within: u64,
    pub(crate) recover_within: u64,
    pub(crate) hashes: Hashes,
    /// What traffic and experiment are told, where dose and history are computed.
    pub(crate) dose: Option<Dose>,
}

/// What a journal is about: when one of these changes, the drill is to be run again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hashes {
    /// The rules of the alert.
    pub rule: String,
    /// What of the page a drill runs: its commands and what they show.
    pub page: String,
    /// The experiment.
    pub experiment: String,
}

/// How an alert stands with its drill.
#[derive(Clone, Debug)]
pub enum Found {
    /// It has one, or one for each rule.
    Drills(Vec<Plan>),
    /// It has none, for this reason.
    None(String),
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Everything by which the rules of an alert decide.
fn rule_hash(spec: &Spec, rules_of: &[&Alert]) -> Result<String, String> {
    let mut text = String::new();
    for alert in rules_of {
        let expression = rules::expression(spec, alert).map_err(|e| e.to_string())?;
        text.push_str(&format!("{} {} {:?}\n", expression, alert.hold, alert.labels()));
    }
    Ok(hash(&text))
}

/// The blocks that a drill runs; words around them may change without another drill.
fn page_hash(page: &Drillable) -> String {
    let mut text = String::new();
    for block in page.blocks.iter().filter(|b| b.place == For::Drill) {
        let shows: Vec<&str> = block.shows.iter().map(|(_, s)| s.as_str()).collect();
        text.push_str(&format!("{}\n{}\n{}\n", block.kind, block.text, shows.join("\n")));
    }
    hash(&text)
}

/// The experiment without its words and comments, and its traffic.
fn experiment_hash(whole: &Value, traffic: &str) -> String {
    let mut whole = whole.clone();
    if let Some(members) = whole.as_object_mut() {
        members.retain(|key, _| !matches!(key.as_str(), "title" | "description" | "tags"));
    }
    hash(&format!("{whole}\n{traffic}"))
}

/// The drills of an alert, or why it has none. The name may be that of one of several drills.
///
/// # Errors
/// There is no such alert, or its page or experiment cannot be read: with the file and the line.
pub fn find(spec: &Spec, root: &Path, name: &str) -> Result<Found, String> {
    let all = alerts(spec).map_err(|e| e.to_string())?;
    let by_name = runbook::by_name(&all);
    let alert = name.split('-').next().unwrap_or(name);
    let rules_of = by_name.get(alert).ok_or_else(|| {
        let names: Vec<&str> = by_name.keys().copied().collect();
        format!("there is no alert {alert}; known are {}", names.join(", "))
    })?;
    let page_file = format!("{FOLDER}/{alert}.md");
    let text =
        std::fs::read_to_string(root.join(&page_file)).map_err(|e| format!("{page_file}: {e}"))?;
    let page = Page::parse(&page_file, &text).map_err(|p| p.to_string())?;
    let page = page.drillable().map_err(|p| p.to_string())?;
    let experiment_file = match &page.chaos {
        Ok(file) => file.clone(),
        Err(Some(reason)) => return Ok(Found::None(reason.clone())),
        Err(None) => {
            return Err(format!("{page_file}:6: neither an experiment (chaos) nor not_drilled"));
        }
    };
    let (experiment, whole) = Experiment::read(&root.join(&experiment_file))
        .map_err(|e| format!("{experiment_file}: {}", e.message))?;
    let extension: Extension = serde_json::from_value(experiment.extension())
        .map_err(|e| format!("{experiment_file}: extension svgx: {e}"))?;
    if extension.alert != alert {
        return Err(format!("{experiment_file}: it is about {:?}, not {alert}", extension.alert));
    }
    if !experiment.method.iter().any(crate::chaos::experiment::Activity::undoes) {
        return Err(format!("{experiment_file}: no activity of the method is named undo"));
    }
    let others = extension.also.keys().chain(extension.muted_by.keys());
    if let Some(name) = others.into_iter().find(|name| !by_name.contains_key(name.as_str())) {
        return Err(format!("{experiment_file}: there is no alert {name}"));
    }
    let traffic = extension.traffic.as_deref().map(|file| {
        std::fs::read_to_string(root.join(file))
            .map_err(|e| format!("{experiment_file}: {file}: {e}"))
    });
    let traffic = traffic.transpose()?.unwrap_or_default();
    let hashes = Hashes {
        rule: rule_hash(spec, rules_of)?,
        page: page_hash(&page),
        experiment: experiment_hash(&whole, &traffic),
    };
    let fits = |a: &&&Alert| {
        let labels = a.labels();
        extension.labels.iter().all(|(k, v)| labels.get(k.as_str()) == Some(v))
    };
    let chosen: Vec<&Alert> = rules_of.iter().filter(fits).copied().collect();
    let plan = |rule: &Alert, dose: Option<Dose>| {
        let mut extension = extension.clone();
        if let Some(dose) = &dose {
            extension.labels.extend(dose.labels.clone());
            extension.history = Some(dose.history.clone());
            extension.detect_within = Some(dose.detect_within);
            extension.recover_within = Some(dose.recover_within);
        }
        Plan {
            name: dose.as_ref().map_or_else(|| alert.to_owned(), |d| format!("{alert}-{}", d.name)),
            alert: alert.to_owned(),
            root: root.to_owned(),
            detect_within: extension.detect_within.unwrap_or(page.detect_within),
            recover_within: extension.recover_within.unwrap_or(page.recover_within),
            severity: rule.severity.clone(),
            page_file: page_file.clone(),
            page: page.clone(),
            experiment_file: experiment_file.clone(),
            experiment: experiment.clone(),
            extension,
            hashes: hashes.clone(),
            dose,
        }
    };
    let mut plans = match (&extension.tiers, chosen.first()) {
        (_, None) => {
            let labels = &extension.labels;
            return Err(format!("{experiment_file}: no rule of {alert} has the labels {labels:?}"));
        }
        (None, Some(rule)) => vec![plan(rule, None)],
        (Some(tiers), Some(_)) => {
            let doses = chosen.iter().map(|rule| Ok(plan(rule, Some(tiers.dose(rule, &all)?))));
            doses.collect::<Result<_, String>>().map_err(|e| format!("{experiment_file}: {e}"))?
        }
    };
    if name != alert {
        let names: Vec<String> = plans.iter().map(|p| p.name.clone()).collect();
        plans.retain(|p| p.name == name);
        if plans.is_empty() {
            return Err(format!("there is no drill {name}; known are {}", names.join(", ")));
        }
    }
    Ok(Found::Drills(plans))
}

/// The names of all alerts.
///
/// # Errors
/// A spec from which no alerts follow.
pub fn names(spec: &Spec) -> Result<Vec<String>, String> {
    let all = alerts(spec).map_err(|e| e.to_string())?;
    Ok(runbook::by_name(&all).keys().map(|&n| n.to_owned()).collect())
}

impl Plan {
    /// The blocks of a kind that a drill runs.
    pub(crate) fn blocks(&self, kind: &str) -> impl Iterator<Item = &Block> {
        let ours = move |b: &&Block| b.kind == kind && b.place == For::Drill;
        self.page.blocks.iter().filter(ours)
    }

    /// Whether it wants the machine for itself.
    pub fn heavy(&self) -> bool {
        self.extension.heavy
    }

    /// Why it may have no journal, where its page gives a reason.
    pub fn without_journal(&self) -> Option<&str> {
        self.page.not_drilled.as_deref().filter(|reason| reason.trim().len() >= 20)
    }

    /// Seconds that its alert takes to fire and to be over, at the most.
    pub fn within(&self) -> u64 {
        self.detect_within + self.recover_within
    }

    /// The hashes of what it is about.
    pub fn hashes(&self) -> &Hashes {
        &self.hashes
    }
}

//! The steps of a drill, and where it failed.

use std::fmt;

use serde::Serialize;

/// A step, in the order they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The machine can do what the fault needs.
    Needs,
    /// The stack runs.
    Stack,
    /// All is well, and no alert is there.
    Steady,
    /// The fault is made.
    Inject,
    /// The fault moved something; else it is inert.
    Effect,
    /// The alert fires in Prometheus.
    Fires,
    /// Whoever is to be told was told.
    Told,
    /// The page's commands of diagnosis show what the page says.
    Diagnosis,
    /// The page's commands of mitigation work.
    Mitigation,
    /// The alert is over.
    Resolved,
    /// The page's commands of verification work.
    Verify,
    /// All is well again.
    SteadyAgain,
    /// No other alert fired than those the experiment names.
    Others,
    /// What was acknowledged is there.
    NothingLost,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Step::Needs => "needs",
            Step::Stack => "stack",
            Step::Steady => "steady state",
            Step::Inject => "inject",
            Step::Effect => "effect",
            Step::Fires => "fires",
            Step::Told => "told",
            Step::Diagnosis => "diagnosis",
            Step::Mitigation => "mitigation",
            Step::Resolved => "resolved",
            Step::Verify => "verify",
            Step::SteadyAgain => "steady state again",
            Step::Others => "other alerts",
            Step::NothingLost => "nothing lost",
        })
    }
}

/// Why a drill failed.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[error("{step}: {place}: {message}")]
pub struct Failure {
    /// At which step.
    pub step: Step,
    /// The file, with its line where there is one, or the part.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(step: Step, place: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure { step, place: place.into(), message: message.into() }
    }
}

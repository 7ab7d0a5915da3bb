//! The answer of any network in one form: rows of nodes and links with quantities and units.

mod checks;
mod explain;
mod kept;
pub(crate) mod rows;
pub mod study;
mod written;

use serde::{Deserialize, Deserializer, Serialize};
use svgx_base::budget::{Budget, Stop};

pub use checks::Check;
pub use explain::Island;
pub use kept::{Followed, Kept};

use crate::accuracy::Effort;
use crate::read::System;
use crate::{Error, Finding, Kind, Limits, Name, State};

/// What was computed of a system of a drawing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The id of the system.
    pub system: Name,
    /// What it is: `electrical`, `water`, `air`, `heat` or `frame`; empty where it names none of
    /// them.
    pub network: &'static str,
    /// The worst state of a finding.
    pub state: State,
    /// The nodes.
    pub nodes: Vec<Row>,
    /// The links.
    pub links: Vec<Row>,
    /// What is wrong: with the drawing, then with the network.
    pub findings: Vec<Finding>,
    /// What elements carry against what they may, where somebody says what that is.
    pub checks: Vec<Check>,
    /// The parts of the network; empty unless the answer is [explained](Kept::explain).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub islands: Vec<Island>,
    /// How exact the answer is.
    pub effort: Effort,
}

/// An element and its quantities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkElement"))]
pub struct Row {
    /// Its name: the id of its object or connection, with `.` and the terminal or conductor where
    /// it is one.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: Name,
    /// Its quantities.
    pub values: Vec<Reading>,
}

/// A quantity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkValue"))]
pub struct Reading {
    /// Its name.
    pub name: &'static str,
    /// Its value; `None` where there is none, for which there is a finding.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// How far it may be off for the residual of the answer, to first order; `None` where that
    /// was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
}

/// Quantities and units that rows have: what is read back is one of them.
const WORDS: [&str; 35] = [
    "",
    "A",
    "C",
    "J/(m^2*K)",
    "N",
    "N*m",
    "Pa",
    "V",
    "W",
    "W/(m^2*K)",
    "axial",
    "current",
    "deflection",
    "down",
    "flow",
    "head",
    "heat",
    "inner capacity",
    "inside face",
    "line voltage",
    "m",
    "m/s",
    "m^3/s",
    "moment",
    "open",
    "outside face",
    "pressure",
    "right",
    "secondary current",
    "shear",
    "supplied",
    "temperature",
    "u",
    "velocity",
    "voltage",
];

/// The same of supports of frames.
const REACTIONS: [&str; 3] = ["reaction moment", "reaction right", "reaction up"];

fn word<E: serde::de::Error>(text: &str) -> Result<&'static str, E> {
    let known = WORDS.iter().chain(&REACTIONS).find(|word| **word == text);
    known.copied().ok_or_else(|| E::custom("no quantity and no unit of a network"))
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Reading, D::Error> {
        #[derive(Deserialize)]
        struct Sent {
            name: String,
            value: Option<f64>,
            unit: String,
            #[serde(default)]
            error: Option<f64>,
        }
        let Sent { name, value, unit, error } = Sent::deserialize(from)?;
        Ok(Reading { name: word(&name)?, value, unit: word(&unit)?, error })
    }
}

impl Row {
    /// A quantity of the element, if it has it and there is a value.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|v| v.name == name)?.value
    }
}

pub(crate) fn row(name: &Name, values: &[(&'static str, Option<f64>, &'static str)]) -> Row {
    let reading = |&(name, value, unit): &(_, Option<f64>, _)| {
        // A zero has no sign, whichever way nothing flows.
        let value = value.filter(|v| v.is_finite()).map(|v| v + 0.0);
        Reading { name, value, unit, error: None }
    };
    Row { name: name.clone(), values: values.iter().map(reading).collect() }
}

impl Answer {
    /// Solves a system that was read. What is wrong with a quantity is a finding of the answer.
    ///
    /// # Errors
    /// [`Error::Stopped`] and [`Error::TooLarge`].
    pub fn of(system: &System, limits: &Limits, budget: &Budget) -> Result<Answer, Error> {
        let solved = Kept::new(system.clone(), limits, budget).and_then(|mut kept| {
            let mut answer = kept.solve(budget)?;
            match kept.explain(&mut answer, budget) {
                // What was solved is no worse for it.
                Ok(()) | Err(Error::Stopped(_)) => Ok(answer),
                Err(error) => Err(error),
            }
        });
        solved.or_else(|error| Answer::refused(system, error))
    }

    /// The same without what helps to judge it: no parts, no errors of values.
    ///
    /// # Errors
    /// As [`Answer::of`].
    pub fn plain(system: &System, limits: &Limits, budget: &Budget) -> Result<Answer, Error> {
        let solved = Kept::new(system.clone(), limits, budget).and_then(|mut k| k.solve(budget));
        solved.or_else(|error| Answer::refused(system, error))
    }

    /// The answer for a system that cannot be solved at all.
    ///
    /// # Errors
    /// What is no fault of the drawing: [`Error::Stopped`] and [`Error::TooLarge`].
    pub fn refused(system: &System, error: Error) -> Result<Answer, Error> {
        let message = error.to_string();
        let (kind, element) = match error {
            Error::Stopped(_) | Error::TooLarge { .. } | Error::Snapshot(_) => return Err(error),
            Error::Quantity { element, .. } => (Kind::Quantity, element),
            Error::Reference { element, .. } => (Kind::Terminal, element),
            Error::Overflow { at } => (Kind::Conditioning, at),
        };
        let mut answer = Answer::begin(system);
        let finding = Finding { kind, state: State::Failed, elements: vec![element], message };
        answer.findings.push(finding);
        Ok(answer.end())
    }

    /// The answer for a system that was not begun.
    pub fn unanswered(system: &System, stop: Stop) -> Answer {
        let mut answer = Answer::begin(system);
        answer.findings.push(Finding {
            kind: Kind::Limit,
            state: State::Unknown,
            elements: vec![system.name.clone()],
            message: format!("{} was not solved: {stop}", system.name),
        });
        answer.effort.stopped = Some(stop);
        answer.end()
    }

    /// The answer for a system of which nothing is known yet.
    pub fn unread(system: &System) -> Answer {
        let empty = Answer::begin(system);
        Answer { findings: Vec::new(), ..empty }
    }

    /// The answer for a system that could not be solved, for whatever reason.
    pub fn failed(system: &System, error: Error) -> Answer {
        match error {
            Error::Stopped(stop) => Answer::unanswered(system, stop),
            error => Answer::refused(system, error).unwrap_or_else(|error| {
                let mut answer = Answer::begin(system);
                answer.findings.push(Finding {
                    kind: Kind::Limit,
                    state: State::Failed,
                    elements: vec![system.name.clone()],
                    message: error.to_string(),
                });
                answer.end()
            }),
        }
    }

    /// Whether everything has an answer.
    pub fn is_whole(&self) -> bool {
        // What carries more than it may has an answer all the same.
        let carried = |k: Kind| matches!(k, Kind::Overload | Kind::Breaking | Kind::Drop);
        let failed = |f: &Finding| f.state >= State::Failed && !carried(f.kind);
        self.effort.converged && self.effort.stopped.is_none() && !self.findings.iter().any(failed)
    }

    fn begin(system: &System) -> Answer {
        Answer {
            system: system.name.clone(),
            network: system.domain.map_or("", |domain| domain.as_str()),
            state: State::Normal,
            nodes: Vec::new(),
            links: Vec::new(),
            findings: system.findings.clone(),
            checks: Vec::new(),
            islands: Vec::new(),
            effort: Effort::default(),
        }
    }

    fn end(mut self) -> Answer {
        self.state = self.findings.iter().map(|f| f.state).max().unwrap_or_default();
        self
    }
}

//! What elements carry, against what the author says they may.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::rows::Fed;
use super::{Answer, Row};
use crate::electrical::checks::{Circuitry, imbalance, imbalance_state};
use crate::finding::{Finding, Kind, State, digits};
use crate::read::{Bound, Bounded};
use crate::{Limits, Name};

/// An imbalance of voltages from which on it is critical, %.
const IMBALANCE: f64 = 20.0;

/// A value against its bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkCheck"))]
pub struct Check {
    /// The element.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub element: Name,
    /// What was compared: `ampacity`, `breaker`, `breaking`, `drop`, `imbalance`, `velocity`,
    /// `pressure` or `deflection`.
    pub check: &'static str,
    /// `normal`, `warning` (above four fifths of the bound), `critical` (beyond it), `failed` (it
    /// does not protect) or `unknown`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub state: State,
    /// What it is; `None` where there is no answer.
    pub value: Option<f64>,
    /// The bound.
    pub limit: f64,
    /// The unit of both.
    pub unit: &'static str,
}

/// What is known beside the rows.
pub(super) struct Known<'a> {
    /// Demands with their voltages.
    pub(super) fed: &'a [Fed],
    /// The largest fault current of a bus, A.
    pub(super) faults: &'a BTreeMap<Name, Option<f64>>,
}

/// Compares what was computed with the bounds of a system, and tells what is beyond them.
pub(super) fn check(bounds: &[Bound], known: &Known<'_>, limits: &Limits, answer: &mut Answer) {
    let rows = answer.nodes.iter().chain(&answer.links);
    let rows: BTreeMap<&str, &Row> =
        if bounds.is_empty() { BTreeMap::new() } else { rows.map(|r| (&*r.name, r)).collect() };
    let value = |bound: &Bound, name: &str| -> Option<f64> {
        rows.get(&*bound.element).and_then(|row| row.value(name)).map(f64::abs)
    };
    let ampacities: BTreeMap<&Name, f64> = bounds
        .iter()
        .filter(|b| b.what == Bounded::Ampacity)
        .map(|b| (&b.element, b.limit))
        .collect();
    let mut checks = Vec::new();
    for bound in bounds {
        let limit = bound.limit;
        let (check, value, state) = match bound.what {
            Bounded::Ampacity | Bounded::Breaker | Bounded::Breaking => {
                let current = value(bound, "current");
                let fault = known.faults.get(&bound.from).copied().flatten();
                let only = |what| (bound.what == what).then_some(limit);
                let circuitry = Circuitry {
                    current: current.unwrap_or(f64::NAN),
                    ampacity: ampacities.get(&bound.element).copied(),
                    breaker: only(Bounded::Breaker),
                    breaking: only(Bounded::Breaking),
                    fault,
                };
                let verdict = circuitry.verdict();
                let unknown = |state: State| match (current, state) {
                    (None, State::Failed) => State::Failed,
                    (None, _) => State::Unknown,
                    (Some(_), state) => state,
                };
                match bound.what {
                    Bounded::Ampacity => ("ampacity", current, unknown(verdict.ampacity)),
                    Bounded::Breaker => ("breaker", current, unknown(verdict.breaker)),
                    _ => ("breaking", fault, verdict.breaking),
                }
            }
            Bounded::Drop => {
                let fed = known.fed.iter().find(|f| f.name == bound.element);
                let lacks = fed.and_then(|f| Some(100.0 * (1.0 - f.lowest()? / f.nominal)));
                ("drop", lacks, upto(lacks, limit))
            }
            Bounded::Velocity => {
                let velocity = value(bound, "velocity");
                ("velocity", velocity, upto(velocity, limit))
            }
            Bounded::LeastPressure | Bounded::LargestPressure => {
                let row = rows.get(&*bound.element);
                let pressure = row.and_then(|row| row.value("pressure"));
                let least = bound.what == Bounded::LeastPressure;
                let state = match pressure {
                    None => State::Unknown,
                    Some(p) if least && p < limit || !least && p > limit => State::Critical,
                    Some(_) => State::Normal,
                };
                ("pressure", pressure, state)
            }
            Bounded::Deflection => {
                let deflection = value(bound, "deflection");
                ("deflection", deflection, upto(deflection, limit))
            }
        };
        let unit = bound.what.attribute().1;
        let element = bound.element.clone();
        checks.push(Check { element, check, state, value, limit, unit });
    }
    // Of what has three phases, how unequal they are.
    let three = known.fed.iter().filter(|f| f.volts.len() == 3);
    checks.extend(three.map(|f| {
        let unequal = imbalance(&f.volts);
        Check {
            element: f.name.clone(),
            check: "imbalance",
            state: imbalance_state(unequal),
            value: Some(100.0 * unequal),
            limit: IMBALANCE,
            unit: "%",
        }
    }));
    let beyond = checks.iter().filter(|c| !matches!(c.state, State::Normal | State::Unknown));
    let findings: Vec<Finding> =
        beyond.take(limits.findings).map(|c| told(c, &ampacities)).collect();
    answer.findings.extend(findings);
    answer.checks = checks;
}

/// A value that may be as large as its bound.
fn upto(value: Option<f64>, limit: f64) -> State {
    match value {
        None => State::Unknown,
        Some(v) if v > limit => State::Critical,
        Some(v) if v > 0.8 * limit => State::Warning,
        Some(_) => State::Normal,
    }
}

fn told(check: &Check, ampacities: &BTreeMap<&Name, f64>) -> Finding {
    let Check { element, state, limit, unit, .. } = check;
    let value = check.value.map_or_else(|| "nothing".to_owned(), digits);
    let near = if *state == State::Warning { "near" } else { "beyond" };
    let limit = digits(*limit);
    let (kind, message) = match check.check {
        "ampacity" => {
            (Kind::Overload, format!("{element} carries {value} A, {near} its {limit} A"))
        }
        "breaker" if *state == State::Failed => {
            let carries = ampacities.get(element).copied().map_or_else(String::new, digits);
            let message = format!(
                "the breaker of {element} is one of {limit} A: its conductor may carry {carries} A"
            );
            (Kind::Overload, message)
        }
        "breaker" => {
            let message = format!("{element} carries {value} A, {near} its breaker of {limit} A");
            (Kind::Overload, message)
        }
        "breaking" => {
            let message = format!(
                "a fault behind the breaker of {element} drives {value} A: it breaks {limit} A"
            );
            (Kind::Breaking, message)
        }
        "drop" => {
            let message =
                format!("{element} lacks {value} % of its voltage, {near} the {limit} % it may");
            (Kind::Drop, message)
        }
        "imbalance" => {
            (Kind::Range, format!("the phases of {element} are {value} % apart from their mean"))
        }
        what => (
            Kind::Range,
            format!(
                "the {what} of {element} is {value} {unit}, {near} its bound of {limit} {unit}"
            ),
        ),
    };
    Finding::new(kind, *state, [element.clone()], message)
}

/// The buses whose fault currents are compared with something.
pub(super) fn faulted(bounds: &[Bound]) -> BTreeSet<&Name> {
    bounds.iter().filter(|b| b.what == Bounded::Breaking).map(|b| &b.from).collect()
}

//! The networks of the drawing of a session: solved after every edit that concerns them.
//!
//! During a drag the solver goes on from where it was, so that a tick costs what it changes.
//! After every other edit a network is solved as if it had just been loaded: the values are then
//! those of the drawing, by whichever way it came to be, and an undo brings them back to the bit.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use svgx_base::budget::{Budget, Stop};
use svgx_engine::behavior::{Evaluation, Program};
use svgx_engine::document::{Document, NodeId, Ns};
use svgx_engine::geometry::Scene;
use svgx_networks::read::{self, System};
use svgx_networks::{Answer, Followed, Kept, Limits, Name, Row, State};

/// Nodes and links up to which a network is solved from the start after an edit; a larger one
/// goes on from where it was.
const SETTLED: usize = 5_000;
/// Values that an answer names as changed.
const VALUES: usize = 200;
/// Findings of one system that a state names.
const FINDINGS: usize = 20;
/// Decimal digits of a value: more of them are noise of the solver.
const DIGITS: u32 = 6;

/// How a network of the drawing is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkState {
    /// The id of its system.
    pub system: String,
    /// `electrical`, `water`, `air`, `heat` or `frame`; empty where it names none of them.
    pub network: String,
    /// `normal`, `warning`, `critical`, `failed` or `unknown`: the worst of what was found.
    pub state: String,
    /// Whether all of it has an answer.
    pub solved: bool,
    /// The largest imbalance of a node, in SI; absent where there is none.
    pub balance: Option<f64>,
    /// The largest amount by which a link misses its law, in SI.
    pub energy: Option<f64>,
    /// Nodes and links.
    pub elements: usize,
    /// What was found; the first of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<NetworkFinding>,
}

/// Something that is wrong with a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionNetworkFinding"))]
pub struct NetworkFinding {
    /// The code of the finding, such as `network-island`.
    pub code: String,
    /// How the elements are for it.
    pub state: String,
    /// The elements it is about.
    pub elements: Vec<String>,
    /// What is wrong.
    pub message: String,
}

/// What an edit did to a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkChange {
    /// The id of its system.
    pub system: String,
    /// How often it was solved linearly.
    pub iterations: u32,
    /// What was kept of the solution before: `nothing`, `order` (of elimination) or `factor`.
    pub reused: String,
    /// Values that changed, at the most 200: those that changed most.
    pub values_changed: Vec<NetworkValueChange>,
    /// How many more changed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// A quantity of a network that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkValueChange {
    /// The node or link: the id of its object or connection, with its terminal or conductor.
    pub element: String,
    /// The quantity, such as `flow`.
    pub name: String,
    /// What it was, to six digits; nothing where it had no value.
    pub old_value: Option<f64>,
    /// What it is now.
    pub new_value: Option<f64>,
    /// Its unit.
    pub unit: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What networks are read from.
#[derive(Clone, Copy)]
pub(crate) struct Drawn<'d> {
    pub(crate) document: &'d Document,
    pub(crate) scene: &'d Scene,
    pub(crate) program: &'d Program,
    pub(crate) values: &'d Evaluation,
}

/// What an edit may have concerned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// Elements whose attributes changed.
    pub(crate) elements: Vec<NodeId>,
    /// Values of formulas.
    pub(crate) values: bool,
    /// What is a network, and what belongs to it.
    pub(crate) structure: bool,
}

/// The networks of a drawing and what was computed of them.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    systems: Vec<Solved>,
}

/// One network.
#[derive(Debug)]
struct Solved {
    /// Its solver; `None` where it cannot be solved as it is.
    kept: Option<Kept>,
    answer: Answer,
    /// The elements that it was read from.
    watched: HashSet<NodeId>,
    /// Whether the values are those of a network that was just loaded.
    settled: bool,
}

impl Networks {
    /// How they are.
    pub(crate) fn state(&self) -> Vec<NetworkState> {
        self.systems.iter().map(|solved| state(&solved.answer)).collect()
    }

    /// Whether the drawing has none.
    pub(crate) fn is_empty(&self) -> bool {
        self.systems.is_empty()
    }

    /// Whether time ended before one of them was solved.
    pub(crate) fn is_stopped(&self) -> bool {
        self.systems.iter().any(|solved| solved.answer.effort.stopped.is_some())
    }

    /// Solves again what an edit concerned, and tells what changed. `settle`: as if it had just
    /// been loaded. What time does not suffice for stays as far as it came; `None` where it did not
    /// suffice for reading.
    pub(crate) fn follow(
        &mut self,
        drawn: Drawn<'_>,
        touched: &Touched,
        settle: bool,
        budget: &Budget,
    ) -> Option<Vec<NetworkChange>> {
        let Drawn { document, scene, program, values } = drawn;
        let concerned = |solved: &Solved| {
            let unsettled = settle && !solved.settled;
            unsettled
                || touched.values
                || touched.elements.iter().any(|n| solved.watched.contains(n))
        };
        let wanted: HashSet<Name> =
            self.systems.iter().filter(|s| concerned(s)).map(|s| s.answer.system.clone()).collect();
        if wanted.is_empty() && !touched.structure {
            return Some(Vec::new());
        }
        let wants = |id: &str| touched.structure || wanted.contains(id);
        let read = match read::read_some(document, scene, program, values, wants, budget) {
            Ok(read) => read,
            Err(_) if touched.structure => return None,
            Err(_) => {
                let behind = self.systems.iter_mut().filter(|s| wanted.contains(&s.answer.system));
                behind.for_each(Solved::outdate);
                return Some(Vec::new());
            }
        };
        let mut changes = Vec::new();
        if !touched.structure {
            for system in read {
                if let Some(known) = self.find(&system.name) {
                    changes.extend(self.systems[known].advance(system, settle, budget));
                }
            }
            return Some(changes);
        }
        let mut systems = Vec::with_capacity(read.len());
        for system in read {
            let watched = watched(document, &system);
            let mut solved = match self.find(&system.name) {
                Some(known) => self.systems.swap_remove(known),
                None => Solved {
                    kept: None,
                    answer: Answer::unread(&system),
                    watched: HashSet::new(),
                    settled: false,
                },
            };
            solved.watched = watched;
            changes.extend(solved.advance(system, settle, budget));
            systems.push(solved);
        }
        self.systems = systems;
        Some(changes)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.systems.iter().position(|solved| *solved.answer.system == *name)
    }
}

impl Solved {
    /// There was no time to look at it: what is known is of an earlier drawing.
    fn outdate(&mut self) {
        self.settled = false;
        self.answer.state = State::Unknown;
        self.answer.effort.stopped = Some(Stop::Deadline);
    }

    /// Solves the system as it was read again; `None` where nothing of it changed.
    fn advance(&mut self, system: System, settle: bool, budget: &Budget) -> Option<NetworkChange> {
        let elements = self.answer.nodes.len() + self.answer.links.len();
        let whole = self.settled || !settle;
        let fresh = settle && elements <= SETTLED;
        let answer = match self.solve(&system, fresh, whole, budget) {
            Ok(None) => return None,
            Ok(Some(answer)) => answer,
            Err(error) => {
                self.kept = None;
                Answer::failed(&system, error)
            }
        };
        self.settled = settle && answer.effort.stopped.is_none();
        let old = std::mem::replace(&mut self.answer, answer);
        Some(change(&old, &self.answer))
    }

    /// `None` where nothing changed and what there is, is `whole`.
    fn solve(
        &mut self,
        system: &System,
        fresh: bool,
        whole: bool,
        budget: &Budget,
    ) -> Result<Option<Answer>, svgx_networks::Error> {
        let limits = Limits::default();
        if let Some(kept) = &mut self.kept {
            let followed = kept.follow(system.clone(), budget)?;
            if followed == Followed::Same && whole && self.answer.effort.stopped.is_none() {
                return Ok(None);
            }
            if !fresh {
                return kept.solve(budget).map(Some);
            }
        }
        let mut kept = Kept::new(system.clone(), &limits, budget)?;
        let answer = kept.solve(budget)?;
        self.kept = Some(kept);
        Ok(Some(answer))
    }
}

/// Whether a change of the attribute may make a network, or take something into it.
pub(crate) fn is_structure(document: &Document, node: NodeId, name: &str) -> bool {
    let part =
        matches!(document.name(node), Some((Ns::Arx, "system" | "component" | "connection")));
    part || matches!(name, "id" | "arx:object")
}

/// The elements that a system was read from: its own, its objects with what is in them, the
/// shapes that draw them, and what these are in.
fn watched(document: &Document, system: &System) -> HashSet<NodeId> {
    let mut watched: HashSet<NodeId> = document.descendants(system.node).collect();
    let mut shapes: Vec<NodeId> = Vec::new();
    for (name, &node) in &system.elements {
        if node != system.node {
            shapes.push(node);
        }
        if let Some(object) = document.object(name) {
            let object = &document.objects()[object.0 as usize];
            shapes.push(object.node);
            shapes.extend(&object.shapes);
        }
    }
    for shape in shapes {
        if watched.insert(shape) {
            watched.extend(document.descendants(shape));
        }
        let mut around = document.parent(shape);
        while let Some(node) = around {
            if !watched.insert(node) {
                break;
            }
            around = document.parent(node);
        }
    }
    watched
}

fn state(answer: &Answer) -> NetworkState {
    let finite = |value: f64| Some(value).filter(|v| v.is_finite());
    let solved = answer.effort.iterations > 0;
    let finding = |finding: &svgx_networks::Finding| NetworkFinding {
        code: finding.kind.code().to_owned(),
        state: finding.state.as_str().to_owned(),
        elements: finding.elements.iter().take(FINDINGS).map(|n| n.to_string()).collect(),
        message: finding.message.clone(),
    };
    NetworkState {
        system: answer.system.to_string(),
        network: answer.network.to_owned(),
        state: answer.state.as_str().to_owned(),
        solved: answer.is_whole(),
        balance: finite(answer.effort.residual.balance).filter(|_| solved),
        energy: finite(answer.effort.residual.energy).filter(|_| solved),
        elements: answer.nodes.len() + answer.links.len(),
        findings: answer.findings.iter().take(FINDINGS).map(finding).collect(),
    }
}

/// What differs between two answers for one system, as far as it is told.
fn change(old: &Answer, new: &Answer) -> NetworkChange {
    let before: BTreeMap<&str, &Row> =
        old.nodes.iter().chain(&old.links).map(|row| (&*row.name, row)).collect();
    let mut found: Vec<(f64, NetworkValueChange)> = Vec::new();
    for row in new.nodes.iter().chain(&new.links) {
        let was = before.get(&*row.name);
        for value in &row.values {
            let old_value = was.and_then(|row| row.value(value.name)).and_then(told);
            let new_value = value.value.and_then(told);
            if old_value == new_value {
                continue;
            }
            let size = match (old_value, new_value) {
                (Some(a), Some(b)) => (a - b).abs() / a.abs().max(b.abs()),
                _ => f64::INFINITY,
            };
            found.push((
                size,
                NetworkValueChange {
                    element: row.name.to_string(),
                    name: value.name.to_owned(),
                    old_value,
                    new_value,
                    unit: value.unit.to_owned(),
                },
            ));
        }
    }
    let more = found.len().saturating_sub(VALUES);
    if more > 0 {
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(VALUES);
    }
    NetworkChange {
        system: new.system.to_string(),
        iterations: new.effort.iterations,
        reused: new.effort.reused.as_str().to_owned(),
        values_changed: found.into_iter().map(|(_, change)| change).collect(),
        more,
    }
}

/// A value with the digits that are told; `None` for what is no number.
fn told(value: f64) -> Option<f64> {
    if value == 0.0 {
        return Some(0.0);
    }
    let size = libm::floor(libm::log10(value.abs()));
    let places = f64::from(DIGITS) - 1.0 - size;
    // Powers of ten are exact up to the 22nd: what is beyond is told as it is.
    if !(-22.0..=22.0).contains(&places) {
        return Some(value).filter(|v| v.is_finite());
    }
    let power = libm::exp10(places.abs());
    Some(if places >= 0.0 {
        (value * power).round() / power
    } else {
        (value / power).round() * power
    })
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn six_digits_are_told_and_no_number_for_what_is_none() {
        for (value, expected) in [
            (0.123_456_78, Some(0.123_457)),
            (-1_234_567.8, Some(-1_234_570.0)),
            (-0.0, Some(0.0)),
            (1e-30, Some(1e-30)),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(told(value), expected, "{value}");
        }
    }
}

//! Controls while time goes on: a control acts in the moment from which its condition holds, and at
//! the start if it holds then. Of several in one moment the last one counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::levels::Levels;
use crate::Name;
use crate::finding::{Finding, Kind, State, digits};
use crate::flow::Solution;
use crate::read::{Act, Condition, Control, DAY, Motion, System, Watched};

/// How often a control may act within [`SHORT`] of the time before; then it is named and acts no
/// more.
const MOST_TURNS: u32 = 10;

/// s.
const SHORT: f64 = 1.0;

/// How many events are told of one system.
const MOST_EVENTS: usize = 10_000;

/// Part of a time that is rounding, and least of it, s.
const ROUNDING: f64 = 1e-9;

/// What happened to an element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkEvent"))]
pub struct Event {
    /// Seconds from the start.
    pub time: f64,
    /// What was set: a link.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub element: Name,
    /// How, as the control says it: `open`, `closed`, `80 %`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub set: Name,
    /// The control: its id, or what it sets.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub by: Name,
}

/// How every control stands.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    system: Arc<System>,
    pub(super) standing: Vec<Standing>,
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Whether its condition held when it was looked at last; `None` at the start.
    held: Option<bool>,
    /// The last moment that was one of its conditions, s.
    moment: Option<f64>,
    /// When it last acted, and how often in a row shortly after another.
    acted: f64,
    turns: u32,
    /// Whether it acts no more.
    off: bool,
}

impl Desk {
    pub(super) fn of(system: &Arc<System>) -> Desk {
        let standing = vec![Standing::default(); system.motion.controls.len()];
        Desk { system: Arc::clone(system), standing, events: Vec::new() }
    }

    fn controls(&self) -> &[Control] {
        &self.system.motion.controls
    }

    /// The hour at the start, s from midnight.
    fn clock(&self) -> f64 {
        self.system.motion.clock
    }

    /// The conditions that wait for something to pass a value: where a control does something when
    /// it ceases to hold, their opposites as well.
    pub(super) fn watched(&self) -> Vec<Condition> {
        let mut watched = Vec::new();
        for (control, _) in self.controls().iter().zip(&self.standing).filter(|(_, s)| !s.off) {
            for condition in control.when.iter().flatten() {
                let opposite = match *condition {
                    Condition::Above(what, limit) => Condition::Below(what, limit),
                    Condition::Below(what, limit) => Condition::Above(what, limit),
                    _ => continue,
                };
                watched.push(*condition);
                watched.extend(control.otherwise.is_some().then_some(opposite));
            }
        }
        watched
    }

    /// When the next condition of a time begins or ends to hold, s; infinite where none does.
    pub(super) fn next(&self, time: f64) -> f64 {
        let later = |at: f64| if at > time + rounding(time) { at } else { f64::INFINITY };
        let daily = |hour: f64| {
            let days = libm::floor((time + self.clock() - hour + rounding(time)) / DAY) + 1.0;
            hour + days * DAY - self.clock()
        };
        let of = |condition: &Condition| match *condition {
            Condition::At(at) | Condition::After(at) | Condition::Before(at) => later(at),
            Condition::Clock(hour) => daily(hour),
            Condition::ClockAfter(hour) | Condition::ClockBefore(hour) => {
                daily(hour).min(daily(0.0))
            }
            Condition::Above(..) | Condition::Below(..) => f64::INFINITY,
        };
        let all = self.controls().iter().flat_map(|c| c.when.iter().flatten());
        all.map(of).fold(f64::INFINITY, f64::min)
    }

    /// Notes which conditions hold no more, so that their controls act when they hold again.
    pub(super) fn release(&mut self, levels: &Levels, time: f64, heads: &[f64]) {
        let clock = self.clock();
        let Motion { controls, .. } = &self.system.motion;
        for (control, standing) in controls.iter().zip(&mut self.standing) {
            if standing.held != Some(true) || control.otherwise.is_some() {
                continue;
            }
            let all =
                |all: &Vec<Condition>| all.iter().all(|c| holds(c, time, clock, levels, heads));
            standing.held = Some(control.when.iter().any(all));
        }
    }

    /// Lets every control act whose time has come. Answers whether the network is another
    /// then, and is to be solved and looked at again.
    pub(super) fn act(
        &mut self,
        levels: &mut Levels,
        time: f64,
        heads: &[f64],
        findings: &mut Vec<Finding>,
    ) -> bool {
        let clock = self.clock();
        let system = Arc::clone(&self.system);
        let controls = &system.motion.controls;
        let mut set: BTreeMap<u32, (&Act, usize)> = BTreeMap::new();
        for (k, control) in controls.iter().enumerate() {
            if self.standing[k].off {
                continue;
            }
            let holds =
                |all: &&Vec<Condition>| all.iter().all(|c| holds(c, time, clock, levels, heads));
            let mut groups = control.when.iter().filter(holds).peekable();
            let now = groups.peek().is_some();
            // A moment has passed by the next look.
            let lasting = groups.any(|all| !all.iter().any(Condition::is_moment));
            let standing = &mut self.standing[k];
            let before = standing.held.replace(lasting);
            // A moment is one however often it is looked at.
            let again = !lasting && standing.moment == Some(time);
            if now && !lasting {
                standing.moment = Some(time);
            }
            if now && before != Some(true) && !again {
                set.insert(control.link, (&control.then, k));
            } else if let (false, Some(act), None | Some(true)) = (now, &control.otherwise, before)
            {
                set.insert(control.link, (act, k));
            }
        }
        let mut changed = false;
        for (link, (act, k)) in set {
            if !levels.set(link, act) {
                continue;
            }
            changed = true;
            let (control, standing) = (&controls[k], &mut self.standing[k]);
            standing.turns = if time - standing.acted <= SHORT { standing.turns + 1 } else { 0 };
            standing.acted = time;
            if self.events.len() < MOST_EVENTS {
                let (element, by) = (control.element.clone(), control.name.clone());
                self.events.push(Event { time, element, set: act.text.clone(), by });
            }
            if standing.turns > MOST_TURNS {
                standing.off = true;
                let message = format!(
                    "the control {} sets {} again and again at {} h: it acts no more from there on",
                    control.name,
                    control.element,
                    digits(time / 3600.0)
                );
                let elements = [control.element.clone()];
                findings.push(Finding::new(Kind::Cycle, State::Critical, elements, message));
            }
        }
        changed
    }
}

fn rounding(time: f64) -> f64 {
    ROUNDING * time.abs().max(1.0)
}

/// By how much a condition is passed, m or m³/s; negative where it is not.
pub(super) fn passed(
    condition: &Condition,
    motion: &Motion,
    heads: &[f64],
    solution: Option<&Solution>,
) -> Option<f64> {
    let value = |watched: Watched| match watched {
        // A level is what it was brought to; the solution may be of a stage of the step.
        Watched::Head(node) => match motion.tanks.iter().position(|t| t.node == node) {
            Some(tank) => heads.get(tank).copied(),
            None => solution?.heads.get(node as usize).copied().flatten(),
        },
        Watched::Flow(link) => solution?.flows.get(link as usize).copied().flatten(),
    };
    match *condition {
        Condition::Above(watched, limit) => Some(value(watched)? - limit),
        Condition::Below(watched, limit) => Some(limit - value(watched)?),
        _ => None,
    }
}

fn holds(condition: &Condition, time: f64, clock: f64, levels: &Levels, heads: &[f64]) -> bool {
    let near = rounding(time);
    let hour = (time + clock + near).rem_euclid(DAY);
    match *condition {
        Condition::At(at) => (time - at).abs() <= near,
        Condition::After(at) => time >= at - near,
        Condition::Before(at) => time < at - near,
        Condition::Clock(at) => (0.0..=2.0 * near).contains(&(hour - at)),
        Condition::ClockAfter(at) => hour >= at,
        Condition::ClockBefore(at) => hour < at,
        Condition::Above(..) | Condition::Below(..) => {
            passed(condition, levels.motion(), heads, levels.last.as_ref())
                .is_some_and(|by| by >= 0.0)
        }
    }
}

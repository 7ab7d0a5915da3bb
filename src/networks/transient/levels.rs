//! Water and air in time: levels of tanks, patterns of what is asked for, and controls.
//!
//! A step ends where something passes a value that a control waits for, or where a tank is full or
//! empty: the end of the step is sought by false position (Illinois variant, Dowell and Jarratt
//! 1971).

use std::ops::ControlFlow;

use svgx_base::budget::Budget;

use super::controls::{Desk, passed};
use super::{Frame, Moved, Span};
use crate::accuracy::tolerance;
use crate::answer::{Reading, rows};
use crate::finding::{Finding, Kind, State, digits};
use crate::read::{Act, Condition, Motion, System, Tank};
use crate::{Error, Limits, accuracy, flow};

/// The shortest step, s: what moves faster is a valve that shuts.
const SHORTEST: f64 = 1e-3;

/// How far a value is past what is waited for when its step ends, m or m³/s: more than rounding.
const PAST: f64 = 1e-9;

/// How exact the end of such a step is, s, where the value is less exact than that.
const EXACT: f64 = 1e-6;

/// How often such an end is tried.
const MOST_TRIES: u32 = 100;

/// A network whose tanks move.
pub(super) struct Levels<'s> {
    pub(super) motion: &'s Motion,
    /// What nodes are asked for by their patterns' factor of one, m³/s.
    asked: Vec<f64>,
    solver: flow::Solver,
    pub(super) last: Option<flow::Solution>,
}

/// What a step came to.
struct Tried {
    heads: Vec<f64>,
    rates: Vec<f64>,
    /// m.
    error: f64,
}

impl Levels<'_> {
    /// How fast heads rise, m/s. A tank that was full at the beginning of the step rises no more:
    /// it spills.
    fn rates(
        &mut self,
        time: f64,
        heads: &[f64],
        full: &[bool],
        budget: &Budget,
    ) -> Result<Vec<f64>, Error> {
        for (pattern, asked) in self.motion.patterns.iter().zip(&self.asked) {
            self.solver.set_node(pattern.node as usize, asked * pattern.at(time));
        }
        for (tank, head) in self.motion.tanks.iter().zip(heads) {
            self.solver.set_node(tank.node as usize, *head);
        }
        let solution = self.solver.solve(budget)?;
        if let Some(stop) = solution.effort.stopped {
            return Err(stop.into());
        }
        let rate = |(tank, full): (&Tank, &bool)| {
            let rate = -solution.supplied[tank.node as usize].unwrap_or(0.0) / tank.area;
            if *full { rate.min(0.0) } else { rate }
        };
        let rates = self.motion.tanks.iter().zip(full).map(rate).collect();
        self.last = Some(solution);
        Ok(rates)
    }

    /// Sets a link; answers whether it is another then.
    pub(super) fn set(&mut self, link: u32, act: &Act) -> bool {
        let k = link as usize;
        let Some(was) = self.solver.network().links.get(k) else { return false };
        let (open, kind) = (was.open, was.kind);
        let mut changed = open != act.open && self.solver.set_open(k, act.open);
        if let Some(new) = act.kind.filter(|new| *new != kind) {
            // What no such link has, was refused when it was read.
            changed |= self.solver.set_link(k, new).is_ok_and(|found| found);
        }
        changed
    }

    fn full(&self, heads: &[f64]) -> Vec<bool> {
        self.motion.tanks.iter().zip(heads).map(|(tank, head)| *head >= tank.full).collect()
    }

    /// By how much everything is past what is waited for; [`None`] where nobody knows.
    fn past(&self, conditions: &[Condition], heads: &[f64]) -> Vec<Option<f64>> {
        let controlled =
            conditions.iter().map(|c| passed(c, self.motion, heads, self.last.as_ref()));
        let tanks = self.motion.tanks.iter().zip(heads);
        let ends = tanks.flat_map(|(tank, head)| [head - tank.full, tank.empty - head].map(Some));
        controlled.chain(ends).collect()
    }

    /// Heads after a step, rates there, and the error of the step.
    fn attempt(
        &mut self,
        time: f64,
        heads: &[f64],
        rates: &[f64],
        h: f64,
        budget: &Budget,
    ) -> Result<Tried, Error> {
        let along = |parts: &[(f64, &[f64])]| -> Vec<f64> {
            let at = |k: usize| parts.iter().map(|(part, rates)| part * rates[k]).sum::<f64>();
            heads.iter().enumerate().map(|(k, head)| head + h * at(k)).collect()
        };
        let full = self.full(heads);
        // A pattern changes between steps: within one its factor is that of the beginning.
        let second = self.rates(time, &along(&[(0.5, rates)]), &full, budget)?;
        let third = self.rates(time, &along(&[(0.75, &second)]), &full, budget)?;
        let next = along(&[(2.0 / 9.0, rates), (1.0 / 3.0, &second), (4.0 / 9.0, &third)]);
        let last = self.rates(time, &next, &full, budget)?;
        let parts = [-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0];
        let mut error = 0.0f64;
        for k in 0..heads.len() {
            let of = [rates[k], second[k], third[k], last[k]];
            let off: f64 = parts.iter().zip(of).map(|(p, r)| p * r).sum();
            error = error.max((h * off).abs());
        }
        Ok(Tried { heads: next, rates: last, error })
    }
}

/// How far past what is waited for anything is that was not so before.
fn furthest(before: &[Option<f64>], now: &[Option<f64>]) -> Option<f64> {
    let both = before.iter().zip(now);
    let past = both.filter_map(|(before, now)| before.filter(|b| *b < 0.0).and(*now));
    past.fold(None, |most: Option<f64>, by| Some(most.map_or(by, |m| m.max(by))))
}

/// The system in time; see [`System::simulate`].
pub(super) fn simulate(
    system: &System,
    network: &flow::Network,
    span: Span,
    limits: &Limits,
    budget: &Budget,
    frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    moved: &mut Moved,
) -> Result<(), Error> {
    // A level is as exact as a head of water; air has no tanks.
    moved.tolerance = tolerance(accuracy::Domain::Water, budget.tier());
    let mut desk = Desk::of(&system.motion);
    let mut time = 0.0;
    let done = run(system, network, span, limits, budget, frame, moved, &mut desk, &mut time);
    moved.events = desk.events;
    match done {
        Err(Error::Stopped(stop)) if time > 0.0 && !budget.is_strict() => {
            (moved.simulated, moved.stopped) = (time, Some(stop));
            Ok(())
        }
        done => done,
    }
}

#[allow(clippy::too_many_arguments, reason = "the state of one loop, which its caller looks at")]
fn run(
    system: &System,
    network: &flow::Network,
    span: Span,
    limits: &Limits,
    budget: &Budget,
    frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    moved: &mut Moved,
    desk: &mut Desk<'_>,
    time: &mut f64,
) -> Result<(), Error> {
    let motion = &system.motion;
    let value = |node: u32| match network.nodes.get(node as usize).map(|n| n.kind) {
        Some(flow::NodeKind::Demand(v) | flow::NodeKind::Fixed(v)) => v,
        None => 0.0,
    };
    let mut state = Levels {
        motion,
        asked: motion.patterns.iter().map(|p| value(p.node)).collect(),
        solver: flow::Solver::new(network.clone(), limits)?,
        last: None,
    };
    let start = |t: &Tank| value(t.node).clamp(t.empty.min(t.full), t.full);
    let mut heads: Vec<f64> = motion.tanks.iter().map(start).collect();
    let (mut step, mut count) = (60.0f64, 0u32);
    let mut spilled = vec![false; heads.len()];
    loop {
        let full = state.full(&heads);
        let mut rates = state.rates(*time, &heads, &full, budget)?;
        while desk.act(&mut state, *time, &heads, &mut moved.findings) {
            rates = state.rates(*time, &heads, &full, budget)?;
        }
        if *time >= span.next(count) {
            if let Some(solution) = &state.last {
                let (nodes, mut links) = rows::flow(state.solver.network(), solution);
                for control in &motion.controls {
                    let (k, name) = (control.link as usize, "open");
                    let Some(row) = links.get_mut(k).filter(|r| r.value(name).is_none()) else {
                        continue;
                    };
                    let open = state.solver.network().links[k].open;
                    let value = Some(f64::from(u8::from(open)));
                    row.values.push(Reading { name, value, unit: "", error: None });
                }
                let (time, system) = (*time, system.name.clone());
                let told = frame(Frame { time, system, nodes, links });
                if told.is_break() || time >= span.duration {
                    moved.simulated = time;
                    return Ok(());
                }
            }
            count += 1;
        }
        for (tank, (head, rate)) in motion.tanks.iter().zip(heads.iter().zip(&rates)) {
            if *head <= tank.empty && *rate < 0.0 {
                moved.findings.push(told(network, tank, *time, false));
                moved.simulated = *time;
                return Ok(());
            }
        }
        let changes = motion.patterns.iter().map(|p| p.next(*time)).chain([desk.next(*time)]);
        let until = changes.fold(span.next(count), f64::min);
        let conditions = desk.watched();
        // Up to the next change, in steps of which each is as exact as asked.
        while until - *time > 1e-9 * until.max(1.0) {
            let before = state.past(&conditions, &heads);
            let mut h = step.min(until - *time);
            let mut tried = state.attempt(*time, &heads, &rates, h, budget)?;
            if tried.error > moved.tolerance && h > SHORTEST {
                step = 0.5 * h;
                continue;
            }
            let mut past = furthest(&before, &state.past(&conditions, &tried.heads));
            let happens = past.is_some_and(|by| by >= 0.0);
            // From a bracket of steps before and after what happens.
            let mut low = (0.0, furthest(&before, &before).unwrap_or(0.0));
            let mut high = (h, past.unwrap_or(0.0));
            let mut sides = [0u32; 2];
            for _ in 0..MOST_TRIES {
                let Some(by) = past.filter(|_| happens) else { break };
                if (0.0..=2.0 * PAST).contains(&by) || (by >= 0.0 && high.0 - low.0 <= EXACT) {
                    break;
                }
                let part = (PAST - low.1) / (high.1 - low.1);
                let part = if part.is_finite() { part.clamp(1e-9, 1.0) } else { 0.5 };
                h = if high.0 - low.0 <= EXACT { high.0 } else { low.0 + part * (high.0 - low.0) };
                tried = state.attempt(*time, &heads, &rates, h, budget)?;
                past = furthest(&before, &state.past(&conditions, &tried.heads));
                let by = past.unwrap_or(0.0);
                if by >= 0.0 {
                    high = (h, by);
                    sides = [0, sides[1] + 1];
                    if sides[1] > 1 {
                        low.1 *= 0.5;
                    }
                } else {
                    low = (h, by);
                    sides = [sides[0] + 1, 0];
                    if sides[0] > 1 {
                        high.1 = PAST + 0.5 * (high.1 - PAST);
                    }
                }
            }
            *time += h;
            moved.steps += 1;
            moved.error = moved.error.max(tried.error);
            for (k, (tank, next)) in motion.tanks.iter().zip(&tried.heads).enumerate() {
                heads[k] = next.min(tank.full);
                if *next >= tank.full && !spilled[k] {
                    spilled[k] = true;
                    moved.findings.push(told(network, tank, *time, true));
                }
            }
            if happens {
                break;
            }
            desk.release(&state, *time, &heads);
            rates = tried.rates;
            if tried.error < 0.1 * moved.tolerance {
                step = (2.0 * h).max(step);
            }
        }
        // What happens in a step changes what moves in the rest of it.
        if until - *time <= 1e-9 * until.max(1.0) {
            *time = until;
        }
    }
}

fn told(network: &flow::Network, tank: &Tank, time: f64, full: bool) -> Finding {
    let name =
        network.nodes.get(tank.node as usize).map_or_else(|| "tank".into(), |n| n.name.clone());
    let hours = digits(time / 3600.0);
    let (state, message) = if full {
        (State::Warning, format!("{name} is full after {hours} h: what flows in spills"))
    } else {
        (State::Failed, format!("{name} is empty after {hours} h: nothing is known from there on"))
    };
    Finding::new(Kind::Range, state, [name], message)
}

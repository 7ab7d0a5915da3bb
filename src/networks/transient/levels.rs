//! Water and air in time: levels of tanks, patterns of what is asked for, and controls.
//!
//! A step ends where something passes a value that a control waits for, or where a tank is full or
//! empty: the end of the step is sought by false position (Illinois variant, Dowell and Jarratt
//! 1971).

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use svgx_base::budget::Budget;

use super::controls::{Desk, Event, Standing, passed};
use super::simulation::Step;
use super::{Frame, Moved, Span};
use crate::answer::{Reading, rows};
use crate::finding::{Finding, Kind, State, digits};
use crate::flow::LinkKind;
use crate::read::{Act, Condition, Motion, System, Tank};
use crate::{Error, Limits, flow};

/// The shortest step, s: what moves faster is a valve that shuts.
const SHORTEST: f64 = 1e-3;

/// How far a value is past what is waited for when its step ends, m or m³/s: more than rounding.
const PAST: f64 = 1e-9;

/// How exact the end of such a step is, s, where the value is less exact than that.
const EXACT: f64 = 1e-6;

/// How often such an end is tried.
const MOST_TRIES: u32 = 100;

/// A network whose tanks move.
#[derive(Debug)]
pub(super) struct Levels {
    system: Arc<System>,
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

impl Levels {
    pub(super) fn motion(&self) -> &Motion {
        &self.system.motion
    }

    /// How fast heads rise, m/s. A tank that was full at the beginning of the step rises no more:
    /// it spills.
    fn rates(
        &mut self,
        time: f64,
        heads: &[f64],
        full: &[bool],
        budget: &Budget,
    ) -> Result<Vec<f64>, Error> {
        let motion = &self.system.motion;
        for (pattern, asked) in motion.patterns.iter().zip(&self.asked) {
            self.solver.set_node(pattern.node as usize, asked * pattern.at(time));
        }
        for (tank, head) in motion.tanks.iter().zip(heads) {
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
        let rates = motion.tanks.iter().zip(full).map(rate).collect();
        self.last = Some(solution);
        Ok(rates)
    }

    /// Sets a link; answers whether it is another then.
    pub(super) fn set(&mut self, link: u32, act: &Act) -> bool {
        self.put(link, act.open, act.kind).unwrap_or(false)
    }

    /// The same; none where no such link can be so.
    fn put(&mut self, link: u32, open: bool, kind: Option<LinkKind>) -> Option<bool> {
        let k = link as usize;
        let was = self.solver.network().links.get(k)?;
        let (was_open, was_kind) = (was.open, was.kind);
        let mut changed = was_open != open && self.solver.set_open(k, open);
        if let Some(new) = kind.filter(|new| *new != was_kind) {
            changed |= self.solver.set_link(k, new).ok()?;
        }
        Some(changed)
    }

    fn full(&self, heads: &[f64]) -> Vec<bool> {
        self.motion().tanks.iter().zip(heads).map(|(tank, head)| *head >= tank.full).collect()
    }

    /// By how much everything is past what is waited for; [`None`] where nobody knows.
    fn past(&self, conditions: &[Condition], heads: &[f64]) -> Vec<Option<f64>> {
        let controlled =
            conditions.iter().map(|c| passed(c, self.motion(), heads, self.last.as_ref()));
        let tanks = self.motion().tanks.iter().zip(heads);
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

/// A network whose tanks move, between two of its steps.
#[derive(Debug)]
pub(super) struct Course {
    levels: Levels,
    desk: Desk,
    now: Now,
    /// What there was at the last frame.
    kept: Option<Rest>,
}

/// Where it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Now {
    /// s.
    time: f64,
    /// Of tanks, m.
    heads: Vec<f64>,
    /// The step that is tried next, s.
    step: f64,
    /// Frames that were given.
    count: u32,
    /// Tanks of which it was told that they are full.
    spilled: Vec<bool>,
    /// Whether a frame was given and nothing has happened since.
    given: bool,
    steps: u32,
    /// m.
    error: f64,
}

/// What a course is known by when nothing has happened since a frame; links are set as controls
/// left them, and flows and heads are where the solver begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rest {
    now: Now,
    standing: Vec<Standing>,
    links: Vec<(bool, LinkKind)>,
    flows: Vec<f64>,
    heads: Vec<f64>,
}

impl Course {
    pub(super) fn new(
        system: &Arc<System>,
        network: &flow::Network,
        limits: &Limits,
    ) -> Result<Course, Error> {
        let motion = &system.motion;
        let value = |node: u32| match network.nodes.get(node as usize).map(|n| n.kind) {
            Some(flow::NodeKind::Demand(v) | flow::NodeKind::Fixed(v)) => v,
            None => 0.0,
        };
        let start = |t: &Tank| value(t.node).clamp(t.empty.min(t.full), t.full);
        let heads: Vec<f64> = motion.tanks.iter().map(start).collect();
        let levels = Levels {
            asked: motion.patterns.iter().map(|p| value(p.node)).collect(),
            solver: flow::Solver::new(network.clone(), limits)?,
            last: None,
            system: Arc::clone(system),
        };
        let spilled = vec![false; heads.len()];
        let now = Now { heads, step: 60.0, spilled, ..Now::default() };
        Ok(Course { levels, desk: Desk::of(system), now, kept: None })
    }

    pub(super) fn kept(&self) -> Option<&Rest> {
        self.kept.as_ref()
    }

    /// What there is to go on from, where a frame was given last.
    fn rest(&self) -> Rest {
        let (flows, heads) = self.levels.solver.iterate();
        Rest {
            now: self.now.clone(),
            standing: self.desk.standing.clone(),
            links: self.levels.solver.network().links.iter().map(|l| (l.open, l.kind)).collect(),
            flows: flows.to_vec(),
            heads: heads.to_vec(),
        }
    }

    /// Goes to where another course of the same system was. Answers whether it fits.
    pub(super) fn go_to(&mut self, rest: Rest, events: Vec<Event>) -> bool {
        self.kept = Some(rest.clone());
        let Rest { now, standing, links, flows, heads } = rest;
        let fits = now.heads.len() == self.now.heads.len()
            && now.spilled.len() == self.now.spilled.len()
            && standing.len() == self.desk.standing.len()
            && links.len() == self.levels.solver.network().links.len();
        let all = || (0..).zip(&links);
        let set =
            fits && all().all(|(k, &(open, kind))| self.levels.put(k, open, Some(kind)).is_some());
        // To set a link moves flows: where the solver begins comes after that.
        if !set || !self.levels.solver.begin_at(flows, heads) {
            return false;
        }
        (self.now, self.desk.standing, self.desk.events) = (now, standing, events);
        self.levels.last = None;
        true
    }

    /// Goes on until `frame` ends it, or to its end; `told` is how many events and findings there
    /// were at the last frame.
    ///
    /// # Errors
    /// [`Error::Stopped`] between two frames, and what the solver says.
    pub(super) fn advance(
        &mut self,
        span: Span,
        (moved, told): (&mut Moved, &mut (usize, usize)),
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Step, Error> {
        let ended = self.run(span, (moved, told), budget, frame);
        (moved.simulated, moved.steps, moved.error) =
            (self.now.time, self.now.steps, self.now.error);
        moved.events.clone_from(&self.desk.events);
        ended
    }

    fn run(
        &mut self,
        span: Span,
        (moved, told): (&mut Moved, &mut (usize, usize)),
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Step, Error> {
        let system = Arc::clone(&self.levels.system);
        loop {
            let Course { levels, desk, now, .. } = self;
            let full = levels.full(&now.heads);
            let mut rates = levels.rates(now.time, &now.heads, &full, budget)?;
            if !std::mem::take(&mut now.given) {
                while desk.act(levels, now.time, &now.heads, &mut moved.findings) {
                    rates = levels.rates(now.time, &now.heads, &full, budget)?;
                }
                if now.time >= span.next(now.count) {
                    let flow = levels.frame(now.time).map(&mut *frame);
                    now.count += 1;
                    now.given = true;
                    // From here on it is the same whether or not it was interrupted.
                    levels.solver.forget();
                    *told = (desk.events.len(), moved.findings.len());
                    let end = now.time >= span.duration;
                    self.kept = Some(self.rest());
                    if end {
                        return Ok(Step::End);
                    }
                    if flow.is_some_and(|flow| flow.is_break()) {
                        return Ok(Step::Frame);
                    }
                    continue;
                }
            }
            for (tank, (head, rate)) in system.motion.tanks.iter().zip(now.heads.iter().zip(&rates))
            {
                if *head <= tank.empty && *rate < 0.0 {
                    moved.findings.push(levels.told(tank, now.time, false));
                    return Ok(Step::End);
                }
            }
            let patterns = system.motion.patterns.iter().map(|p| p.next(now.time));
            let changes = patterns.chain([desk.next(now.time)]);
            let until = changes.fold(span.next(now.count), f64::min);
            self.steps(until, rates, moved, budget)?;
        }
    }

    /// Up to the next change, in steps of which each is as exact as asked, or until something
    /// happens.
    fn steps(
        &mut self,
        until: f64,
        mut rates: Vec<f64>,
        moved: &mut Moved,
        budget: &Budget,
    ) -> Result<(), Error> {
        let system = Arc::clone(&self.levels.system);
        let Course { levels, desk, now, .. } = self;
        let conditions = desk.watched();
        while until - now.time > 1e-9 * until.max(1.0) {
            let before = levels.past(&conditions, &now.heads);
            let mut h = now.step.min(until - now.time);
            let mut tried = levels.attempt(now.time, &now.heads, &rates, h, budget)?;
            if tried.error > moved.tolerance && h > SHORTEST {
                now.step = 0.5 * h;
                continue;
            }
            let past = furthest(&before, &levels.past(&conditions, &tried.heads));
            let happens = past.is_some_and(|by| by >= 0.0);
            if let Some(by) = past.filter(|_| happens) {
                let bracket = (furthest(&before, &before).unwrap_or(0.0), (h, by));
                let mut at = |h: f64| {
                    let tried = levels.attempt(now.time, &now.heads, &rates, h, budget)?;
                    let past = furthest(&before, &levels.past(&conditions, &tried.heads));
                    Ok((tried, past))
                };
                if let Some(found) = sought(bracket, &mut at)? {
                    (h, tried) = found;
                }
            }
            now.time += h;
            now.steps += 1;
            now.error = now.error.max(tried.error);
            for (k, (tank, next)) in system.motion.tanks.iter().zip(&tried.heads).enumerate() {
                now.heads[k] = next.min(tank.full);
                if *next >= tank.full && !now.spilled[k] {
                    now.spilled[k] = true;
                    moved.findings.push(levels.told(tank, now.time, true));
                }
            }
            if happens {
                break;
            }
            desk.release(levels, now.time, &now.heads);
            rates = tried.rates;
            if tried.error < 0.1 * moved.tolerance {
                now.step = (2.0 * h).max(now.step);
            }
        }
        // What happens in a step changes what moves in the rest of it.
        if until - now.time <= 1e-9 * until.max(1.0) {
            now.time = until;
        }
        Ok(())
    }
}

/// The step at whose end something happens, from how far it is past before and after one in which
/// it does; none where that one is it.
fn sought(
    (before, (h, by)): (f64, (f64, f64)),
    at: &mut dyn FnMut(f64) -> Result<(Tried, Option<f64>), Error>,
) -> Result<Option<(f64, Tried)>, Error> {
    let (mut low, mut high) = ((0.0, before), (h, by));
    let (mut by, mut found) = (Some(by), None);
    let mut sides = [0u32; 2];
    for _ in 0..MOST_TRIES {
        let Some(past) = by else { break };
        if (0.0..=2.0 * PAST).contains(&past) || (past >= 0.0 && high.0 - low.0 <= EXACT) {
            break;
        }
        let part = (PAST - low.1) / (high.1 - low.1);
        let part = if part.is_finite() { part.clamp(1e-9, 1.0) } else { 0.5 };
        let h = if high.0 - low.0 <= EXACT { high.0 } else { low.0 + part * (high.0 - low.0) };
        let (tried, past) = at(h)?;
        found = Some((h, tried));
        by = past;
        let past = past.unwrap_or(0.0);
        if past >= 0.0 {
            high = (h, past);
            sides = [0, sides[1] + 1];
            if sides[1] > 1 {
                low.1 *= 0.5;
            }
        } else {
            low = (h, past);
            sides = [sides[0] + 1, 0];
            if sides[0] > 1 {
                high.1 = PAST + 0.5 * (high.1 - PAST);
            }
        }
    }
    Ok(found)
}

impl Levels {
    /// What there is now.
    fn frame(&self, time: f64) -> Option<Frame> {
        let solution = self.last.as_ref()?;
        let (nodes, mut links) = rows::flow(self.solver.network(), solution);
        for control in &self.motion().controls {
            let (k, name) = (control.link as usize, "open");
            let Some(row) = links.get_mut(k).filter(|r| r.value(name).is_none()) else {
                continue;
            };
            let open = self.solver.network().links[k].open;
            let value = Some(f64::from(u8::from(open)));
            row.values.push(Reading { name, value, unit: "", error: None });
        }
        Some(Frame { time, system: self.system.name.clone(), nodes, links })
    }

    fn told(&self, tank: &Tank, time: f64, full: bool) -> Finding {
        told(self.solver.network(), tank, time, full)
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

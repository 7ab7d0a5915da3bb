//! What of a system changes by itself in time: tanks that fill, demands and temperatures that
//! follow a day.

use super::control::{Control, DAY};
use super::quantity::{Owner, shown};
use super::{Domain, Model, Reader};
use crate::finding::Kind;
use crate::flow;

/// Values of one pattern; a day of minutes is 1 440.
const MOST_FACTORS: usize = 10_000;

/// Seconds of the steps of a pattern, where nothing is said; the period of a swing is a day.
const HOUR: f64 = 3600.0;

/// What changes in time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Motion {
    /// Tanks whose level moves.
    pub tanks: Vec<Tank>,
    /// Demands and heats that follow a pattern.
    pub patterns: Vec<Pattern>,
    /// Temperatures and heats that swing.
    pub swings: Vec<Swing>,
    /// Temperatures at the start: node and °C.
    pub starts: Vec<(u32, f64)>,
    /// What sets links.
    pub controls: Vec<Control>,
    /// The hour at the start, s from midnight.
    pub clock: f64,
}

/// A tank with the same area at every level.
#[derive(Debug, Clone, PartialEq)]
pub struct Tank {
    /// Its node.
    pub node: u32,
    /// Area, m².
    pub area: f64,
    /// The head at which it is empty, m.
    pub empty: f64,
    /// The head at which it is full, m.
    pub full: f64,
}

/// Factors of what a node is asked for, step after step, from the first one again at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The node.
    pub node: u32,
    /// The factors.
    pub factors: Vec<f64>,
    /// How long each of them holds, s.
    pub step: f64,
}

impl Pattern {
    /// The factor at a time, s.
    pub fn at(&self, time: f64) -> f64 {
        // A step that rounding has not quite reached has begun.
        let steps = libm::floor(time / self.step + 1e-9);
        let at = steps.rem_euclid(self.factors.len().max(1) as f64) as usize;
        self.factors.get(at).copied().unwrap_or(1.0)
    }

    /// When the next step begins, s.
    pub fn next(&self, time: f64) -> f64 {
        (libm::floor(time / self.step + 1e-9) + 1.0) * self.step
    }
}

/// A temperature or heat around its mean: `mean + amplitude cos(2 pi (t - peak) / period)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Swing {
    /// The node.
    pub node: u32,
    /// Half of what lies between its extremes, K or W.
    pub amplitude: f64,
    /// s.
    pub period: f64,
    /// When it is highest, s.
    pub peak: f64,
}

impl Swing {
    /// What is added to the mean at a time, s.
    pub fn at(&self, time: f64) -> f64 {
        let turn = 2.0 * std::f64::consts::PI * (time - self.peak) / self.period;
        self.amplitude * libm::cos(turn)
    }
}

impl Motion {
    /// Whether nothing moves.
    pub fn is_none(&self) -> bool {
        self.tanks.is_empty()
            && self.patterns.is_empty()
            && self.swings.is_empty()
            && self.controls.is_empty()
    }
}

impl<'d> Reader<'_, 'd> {
    pub(super) fn motion(&mut self, domain: Domain, model: &Model) -> Motion {
        let mut motion = Motion::default();
        if matches!(domain, Domain::Electrical | Domain::Frame) {
            return motion;
        }
        for k in 0..self.nodes.len() {
            let object = self.nodes[k].1;
            let Some(&owner) = self.components.get(object) else { continue };
            let node = k as u32;
            match model {
                Model::Flow(network) => {
                    let kind = network.nodes.get(k).map(|n| (n.kind, n.elevation));
                    match kind {
                        Some((flow::NodeKind::Fixed(_), elevation)) => {
                            motion.tanks.extend(self.tank(owner, node, elevation));
                        }
                        _ => motion.patterns.extend(self.pattern(owner, node)),
                    }
                }
                Model::Heat(_) => {
                    motion.patterns.extend(self.pattern(owner, node));
                    motion.swings.extend(self.swing(owner, node));
                    motion.starts.extend(self.get(owner, "start", "C").map(|t| (node, t)));
                }
                Model::Electrical(_) | Model::Frame(_) => {}
            }
        }
        motion
    }

    /// A reservoir with a size is a tank.
    fn tank(&mut self, owner: Owner<'d>, node: u32, elevation: f64) -> Option<Tank> {
        let area = match self.source.text(owner, "area") {
            Some(_) => self.get(owner, "area", "m^2")?,
            None => {
                self.source.text(owner, "diameter")?;
                let diameter = self.get(owner, "diameter", "m")?;
                std::f64::consts::FRAC_PI_4 * diameter * diameter
            }
        };
        let empty = self.get(owner, "min-level", "m").unwrap_or(0.0);
        let full = self.get(owner, "max-level", "m").unwrap_or(f64::INFINITY);
        if !(area > 1e-9 && area < 1e12 && full > empty && empty.is_finite()) {
            let message = format!(
                "{} has an area of {area} m^2 between levels of {empty} m and {full} m: a tank has an area, and is full above where it is empty",
                owner.name
            );
            self.refuse(Kind::Quantity, owner, "diameter", message);
            return None;
        }
        Some(Tank { node, area, empty: elevation + empty, full: elevation + full })
    }

    /// `1 1.2 0.8`, each for `pattern-step`.
    fn pattern(&mut self, owner: Owner<'d>, node: u32) -> Option<Pattern> {
        let (text, _) = self.source.text(owner, "pattern")?;
        let words =
            || text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
        let number = |w: &str| w.parse().ok().filter(|f: &f64| f.is_finite() && f.abs() < 1e9);
        let factors: Option<Vec<f64>> = words().take(MOST_FACTORS + 1).map(number).collect();
        let step = self.get(owner, "pattern-step", "s").unwrap_or(HOUR);
        match factors.filter(|f| !f.is_empty() && f.len() <= MOST_FACTORS) {
            Some(factors) if (1.0..=1e9).contains(&step) => Some(Pattern { node, factors, step }),
            _ => {
                let message = format!(
                    "the pattern of {} is {:?} in steps of {step} s: 1 to {MOST_FACTORS} factors, in steps of 1 s or more",
                    owner.name,
                    shown(text)
                );
                self.refuse(Kind::Quantity, owner, "pattern", message);
                None
            }
        }
    }

    fn swing(&mut self, owner: Owner<'d>, node: u32) -> Option<Swing> {
        self.source.text(owner, "swing")?;
        let kept = self.source.text(owner, "temperature").is_some();
        // A difference of temperatures; of a free node the heat swings.
        let amplitude = self.get(owner, "swing", if kept { "K" } else { "W" })?;
        let period = self.get(owner, "period", "s").unwrap_or(DAY);
        let peak = self.get(owner, "peak", "s").unwrap_or(0.0);
        if !(amplitude.is_finite() && (1.0..=1e12).contains(&period) && peak.is_finite()) {
            let message =
                format!("{} swings by {amplitude} in {period} s: 1 s or more", owner.name);
            self.refuse(Kind::Quantity, owner, "period", message);
            return None;
        }
        Some(Swing { node, amplitude, period, peak })
    }
}

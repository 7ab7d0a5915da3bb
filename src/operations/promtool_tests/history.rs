//! The histories every alert is tried on.

use std::fmt::Write as _;

use super::model::{EVENTS, Model};

/// A stretch of steps with the same traffic.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stretch {
    /// So many steps with `bad` (of [`EVENTS`]) in each; for a gauge, its value.
    Traffic(u64, f64),
    /// So many steps without samples.
    Nothing(u64),
    /// The process starts anew: counters begin at zero.
    Restart,
}

/// What happened, and when to look.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) name: &'static str,
    stretches: Vec<Stretch>,
    /// Steps to check at.
    pub(super) checks: Vec<u64>,
}

impl History {
    fn new(name: &'static str, stretches: Vec<Stretch>) -> History {
        History { name, stretches, checks: Vec::new() }
    }

    fn looking_at(mut self, checks: impl IntoIterator<Item = u64>) -> History {
        self.checks = checks.into_iter().collect();
        self
    }

    pub(super) fn steps(&self) -> u64 {
        self.stretches
            .iter()
            .map(|s| match s {
                Stretch::Traffic(n, _) | Stretch::Nothing(n) => *n,
                Stretch::Restart => 0,
            })
            .sum()
    }

    /// What `step` saw; steps count from 1, step 0 is the first sample of all.
    fn stretch(&self, step: u64) -> Option<Stretch> {
        let mut end = 0;
        for s in &self.stretches {
            if let Stretch::Traffic(n, _) | Stretch::Nothing(n) = s {
                end += n;
                if step <= end {
                    return Some(*s);
                }
            }
        }
        None
    }

    pub(super) fn present(&self, step: u64) -> bool {
        matches!(self.stretch(step), Some(Stretch::Traffic(..)))
    }

    /// The value of a gauge.
    pub(super) fn at(&self, step: u64) -> Option<f64> {
        match self.stretch(step)? {
            Stretch::Traffic(_, v) => Some(v),
            _ => None,
        }
    }

    /// Increments between samples inside `[step-window, step]`.
    pub(super) fn increments(&self, step: u64, window: u64) -> Option<u64> {
        let from = step.saturating_sub(window) + 1;
        let n = (from..=step).filter(|s| self.present(*s)).count() as u64;
        (n > 0).then_some(n)
    }

    /// Bad and all events counted inside `[step-window, step]`.
    pub(super) fn sums(&self, step: u64, window: u64) -> Option<(f64, f64)> {
        let n = self.increments(step, window)?;
        let from = step.saturating_sub(window) + 1;
        let bad = (from..=step).filter_map(|s| self.at(s)).sum();
        Some((bad, n as f64 * EVENTS as f64))
    }

    /// A counter that grows by `per_step(bad)`, in promtool's notation.
    pub(super) fn counter(&self, per_step: &dyn Fn(f64) -> f64) -> String {
        let mut out = "0".to_owned();
        let mut value = 0.0;
        for s in &self.stretches {
            match s {
                Stretch::Traffic(n, bad) => {
                    let by = per_step(*bad);
                    let _ = write!(out, " {}+{by}x{}", value + by, n - 1);
                    value += by * *n as f64;
                }
                Stretch::Nothing(n) => {
                    let _ = write!(out, " _x{n}");
                }
                Stretch::Restart => value = 0.0,
            }
        }
        out
    }

    /// A gauge in promtool's notation.
    pub(super) fn gauge(&self) -> String {
        let mut out = String::new();
        for (i, s) in self.stretches.iter().enumerate() {
            match s {
                // The first sample is step 0.
                Stretch::Traffic(n, v) => {
                    let n = if i == 0 { *n } else { n - 1 };
                    let _ = write!(out, "{v}+0x{n} ");
                }
                Stretch::Nothing(n) => {
                    let _ = write!(out, "stale _x{} ", n - 1);
                }
                Stretch::Restart => {}
            }
        }
        out.trim_end().to_owned()
    }
}

/// The histories for an alert, each with the steps to look at.
pub(super) fn histories(model: &Model<'_>) -> Vec<History> {
    let (healthy, broken) = model.extremes();
    let long = model.longest();
    let hold = model.alert.hold / model.step;
    let calm = long + 12;
    let burst = long + hold + 12;
    let mut all = vec![
        History::new(
            "exactly at the threshold it is silent",
            vec![Stretch::Traffic(calm + burst, model.threshold())],
        )
        .looking_at([long, calm + burst - 1]),
    ];
    let failure = History::new(
        "it fires when it must, with these labels, and resolves",
        vec![
            Stretch::Traffic(calm, healthy),
            Stretch::Traffic(burst, broken),
            Stretch::Traffic(burst, healthy),
        ],
    );
    if let (Some(first), after) = model.transitions(&failure) {
        let checks =
            [first - 1, first].into_iter().chain(after.map(|a| [a - 1, a]).into_iter().flatten());
        all.push(failure.looking_at(checks));
    }
    all.push(History::new("nothing measured", Vec::new()).looking_at(
        if model.fires_without_data() { vec![hold.saturating_sub(1), hold] } else { vec![calm] },
    ));
    if model.is_counted() {
        all.push(
            History::new(
                "a restart resets the counters and stays silent",
                vec![
                    Stretch::Traffic(calm, healthy),
                    Stretch::Restart,
                    Stretch::Traffic(calm, healthy),
                ],
            )
            .looking_at([calm, calm + 1, calm + 2, 2 * calm - 1]),
        );
        let gone = History::new(
            "the series ends while it fires",
            vec![
                Stretch::Traffic(calm, healthy),
                Stretch::Traffic(burst, broken),
                Stretch::Nothing(burst),
            ],
        );
        if let (Some(first), Some(after)) = model.transitions(&gone) {
            all.push(gone.looking_at([first, after]));
        }
    } else {
        all.push(
            History::new(
                "a restart leaves a short gap",
                vec![
                    Stretch::Traffic(calm, healthy),
                    Stretch::Nothing(2),
                    Stretch::Traffic(calm, healthy),
                ],
            )
            .looking_at([calm, calm + 1, calm + 3, 2 * calm]),
        );
    }
    // A service that has just started with a bad minute has no budget to lose yet.
    let minute = (model.alert.hold / model.step).saturating_sub(2).min(5);
    all.push(History::new(
        "a cold start with a short failure is silent",
        vec![Stretch::Traffic(minute.max(2), broken), Stretch::Traffic(calm, healthy)],
    ));
    if let Some(cold) = all.last_mut() {
        let fires = model.first_firing(cold);
        cold.checks = match fires {
            Some(step) => vec![step],
            None => vec![1, 2, minute.max(2) + 1, calm],
        };
        if fires.is_some() {
            cold.name = "a cold start fires at once where it must not wait";
        }
    }
    if matches!(model.alert.condition, super::Condition::Burn { .. }) {
        for (name, bad) in [
            ("it sees 100 % bad as soon as declared", 1.0),
            ("it sees 50 % bad as soon as declared, or never", 0.5),
            ("it sees 10 % bad as soon as declared, or never", 0.1),
        ] {
            let bad = (bad * EVENTS as f64).round();
            let history =
                History::new(name, vec![Stretch::Traffic(calm, 0.0), Stretch::Traffic(calm, bad)]);
            let checks = match model.first_firing(&history) {
                Some(first) => vec![first - 1, first],
                None => vec![calm + long / 2, 2 * calm - 1],
            };
            all.push(history.looking_at(checks));
        }
    }
    all
}

//! When requests are due.

use std::collections::BTreeMap;
use std::time::Duration;

use svgx_base::budget::Class;
use svgx_base::random::{self, SplitMix64};

use super::profile::Profile;

/// A stretch of time at one multiple of the profile's rates.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// What it is called in the report.
    pub name: String,
    /// How long it lasts.
    pub length: Duration,
    /// Times the rates of the profile.
    pub times: f64,
    /// Times more for a class: 10 for physics is a flood of physics.
    pub of_class: BTreeMap<Class, f64>,
}

impl Phase {
    /// Every class at `times` its rate.
    pub fn new(name: impl Into<String>, length: Duration, times: f64) -> Phase {
        Phase { name: name.into(), length, times, of_class: BTreeMap::new() }
    }

    /// One class at `times` the rate it would have.
    #[must_use]
    pub fn flooded(mut self, class: Class, times: f64) -> Phase {
        self.of_class.insert(class, times);
        self
    }

    fn factor(&self, class: Class) -> f64 {
        self.times * self.of_class.get(&class).copied().unwrap_or(1.0)
    }
}

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Nanoseconds from the start of the run.
    pub(super) at: u64,
    /// Index of the phase.
    pub(super) phase: usize,
    /// Index of the operation.
    pub(super) operation: usize,
}

/// How requests follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly.
    #[default]
    Constant,
    /// As if sent by very many who know nothing of each other.
    Poisson,
}

impl std::str::FromStr for Arrivals {
    type Err = String;

    fn from_str(text: &str) -> Result<Arrivals, String> {
        match text {
            "constant" => Ok(Arrivals::Constant),
            "poisson" => Ok(Arrivals::Poisson),
            _ => Err("expected constant or poisson".to_owned()),
        }
    }
}

/// Every request of a run in the order it is due: one stream per operation, merged.
#[derive(Debug)]
pub(super) struct Schedule {
    streams: Vec<Stream>,
    phases: Vec<(u64, u64)>,
    current: usize,
    arrivals: Arrivals,
}

#[derive(Debug)]
struct Stream {
    /// Requests a nanosecond, per phase.
    rates: Vec<f64>,
    /// When the next one is due; past the end of the phase when none is left in it.
    next: f64,
    random: SplitMix64,
}

impl Schedule {
    #[allow(clippy::cast_precision_loss, reason = "nanoseconds of a run, and a few operations")]
    pub(super) fn new(
        profile: &Profile,
        phases: &[Phase],
        arrivals: Arrivals,
        seed: u64,
    ) -> Schedule {
        let mut until = 0;
        let spans: Vec<(u64, u64)> = phases
            .iter()
            .map(|phase| {
                let from = until;
                until += u64::try_from(phase.length.as_nanos()).unwrap_or(u64::MAX / 2);
                (from, until)
            })
            .collect();
        let count = profile.operations.len().max(1) as f64;
        let streams = profile.operations.iter().enumerate().map(|(index, operation)| Stream {
            rates: phases
                .iter()
                .map(|phase| operation.rate * phase.factor(operation.class) / 1e9)
                .collect(),
            next: 0.0,
            random: SplitMix64::new(seed.wrapping_mul(31).wrapping_add(index as u64 + 1)),
        });
        let mut schedule =
            Schedule { streams: streams.collect(), phases: spans, current: 0, arrivals };
        for (index, stream) in schedule.streams.iter_mut().enumerate() {
            // Operations begin at different moments, so that they do not march in step.
            stream.enter(0, 0.0, (index as f64 + 0.5) / count, arrivals);
        }
        schedule
    }
}

impl Stream {
    /// The first moment of a phase at which this stream has something due:
    /// after `part` of its interval, or at random.
    fn enter(&mut self, phase: usize, from: f64, part: f64, arrivals: Arrivals) {
        let rate = self.rates.get(phase).copied().unwrap_or(0.0);
        self.next = if rate <= 0.0 {
            f64::INFINITY
        } else {
            match arrivals {
                Arrivals::Constant => from + part / rate,
                Arrivals::Poisson => from + gap(&mut self.random) / rate,
            }
        };
    }
}

impl Iterator for Schedule {
    type Item = Due;

    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "nanoseconds of a run"
    )]
    fn next(&mut self) -> Option<Due> {
        loop {
            let (_, until) = *self.phases.get(self.current)?;
            let first = self
                .streams
                .iter_mut()
                .enumerate()
                .min_by(|(_, a), (_, b)| a.next.total_cmp(&b.next))?;
            let (operation, stream) = first;
            if stream.next < until as f64 {
                let at = stream.next as u64;
                let rate = stream.rates.get(self.current).copied().unwrap_or(0.0);
                let gap = match self.arrivals {
                    Arrivals::Constant => 1.0,
                    Arrivals::Poisson => gap(&mut stream.random),
                };
                stream.next += gap / rate;
                return Some(Due { at, phase: self.current, operation });
            }
            let (current, arrivals) = (self.current, self.arrivals);
            let count = self.streams.len().max(1) as f64;
            for (index, stream) in self.streams.iter_mut().enumerate() {
                stream.enter(current + 1, until as f64, (index as f64 + 0.5) / count, arrivals);
            }
            self.current += 1;
        }
    }
}

/// An exponentially distributed gap with mean 1.
fn gap(random: &mut SplitMix64) -> f64 {
    // Half a step above zero, whose logarithm is not finite.
    let half_step = 0.5 / (1_u64 << 53) as f64;
    -libm::log(random::unit(random.next_u64()) + half_step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(arrivals: Arrivals, phases: &[Phase]) -> Vec<Due> {
        let profile = Profile::built_in("reference").expect("there");
        Schedule::new(&profile, phases, arrivals, 1).collect()
    }

    #[test]
    fn requests_come_in_order_and_as_many_as_asked_for() {
        let second = Duration::from_secs(1);
        let phases = [
            Phase::new("base", second, 1.0),
            Phase::new("flood", second, 1.0).flooded(Class::Physics, 10.0),
        ];
        let profile = Profile::built_in("reference").expect("there");
        let rate: f64 = profile.operations.iter().map(|o| o.rate).sum();
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let due = schedule(arrivals, &phases);
            assert!(due.is_sorted_by_key(|due| due.at));
            let of = |phase, class| {
                let is = |due: &&Due| {
                    let operation = profile.operations.get(due.operation).expect("one of them");
                    due.phase == phase && operation.class == class
                };
                due.iter().filter(is).count() as f64
            };
            let base = due.iter().filter(|due| due.phase == 0).count() as f64;
            assert!((base / rate - 1.0).abs() < 0.2, "{base} of {rate}");
            assert!(of(1, Class::Physics) > 5.0 * of(0, Class::Physics));
            assert!((of(1, Class::Ui) / of(0, Class::Ui) - 1.0).abs() < 0.2);
            assert!(due.iter().all(|due| (due.at >= 1_000_000_000) == (due.phase == 1)));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        let phases = [Phase::new("one", Duration::from_secs(1), 1.0)];
        assert_eq!(schedule(Arrivals::Poisson, &phases), schedule(Arrivals::Poisson, &phases));
    }
}

//! Points at which the process can be made to fail, for experiments.
//!
//! Only a build with the feature `faults` has them. In any other the functions here are empty, and
//! the variable is one that nobody knows: the engine refuses to start with it. `SVGX_FAULTS` names
//! points and effects:
//!
//! ```text
//! SVGX_FAULTS=work/ui:delay=20ms:0.25,write:error:0.1,cost:times=0.1,seed=7
//! ```
//!
//! An effect happens with the probability after it, always without one. What is drawn follows from
//! the seed and from how often each point was passed: two runs with one thread are equal.

use crate::budget::Class;

/// Where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A worker is about to do what a request of this class asked for: `delay`, `panic`.
    Work(Class),
    /// The store is about to commit: `delay`, `error`.
    Write,
    /// The processor time of work, as the cost model learns it: `times`, `is` (in nanoseconds).
    Cost,
    /// The number of processors, as it is sensed: `times`, `is`.
    Cores,
}

#[cfg(not(feature = "faults"))]
mod points {
    use std::convert::Infallible;

    use super::Point;

    /// Whether this build has fault points.
    pub const COMPILED: bool = false;

    /// The variables as they are.
    ///
    /// # Errors
    /// None.
    pub fn arm(
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Vec<(String, String)>, Infallible> {
        Ok(variables.collect())
    }

    /// Nothing.
    pub const fn armed() -> Option<&'static str> {
        None
    }

    /// Does nothing.
    #[inline(always)]
    pub const fn strike(_: Point) {}

    /// Never.
    #[inline(always)]
    pub const fn fails(_: Point) -> bool {
        false
    }

    /// What was measured.
    #[inline(always)]
    pub const fn reading(_: Point, measured: f64) -> f64 {
        measured
    }
}

#[cfg(feature = "faults")]
mod points {
    use std::str::FromStr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::Point;
    use crate::budget::Class;
    use crate::duration;
    use crate::random::{GOLDEN, mix, unit};

    /// Whether this build has fault points.
    pub const COMPILED: bool = true;
    const VARIABLE: &str = "SVGX_FAULTS";

    /// What happens.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Effect {
        Delay(Duration),
        Panic,
        Error,
        Times(f64),
        Is(f64),
    }

    #[derive(Debug)]
    struct Fault {
        points: Vec<Point>,
        effect: Effect,
        probability: f64,
        passed: AtomicU64,
    }

    /// The faults of a process.
    #[derive(Debug, Default)]
    struct Faults {
        text: String,
        all: Vec<Fault>,
        seed: u64,
    }

    /// What of the variable cannot be read.
    #[derive(Debug, thiserror::Error)]
    #[error("{VARIABLE}: {0}")]
    pub struct Invalid(String);

    /// Delays longer than this are refused: every experiment ends.
    const LONGEST: Duration = Duration::from_secs(30);

    static FAULTS: OnceLock<Faults> = OnceLock::new();

    /// Takes the variable out of those of the process, and arms the points that it names. Once,
    /// before the first point is passed.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn arm(
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Vec<(String, String)>, Invalid> {
        let (ours, others): (Vec<_>, Vec<_>) = variables.partition(|(name, _)| name == VARIABLE);
        if let Some((_, text)) = ours.first() {
            let faults: Faults = text.parse().map_err(Invalid)?;
            let late = |_| Invalid("a point was passed before".to_owned());
            FAULTS.set(faults).map_err(late)?;
        }
        Ok(others)
    }

    /// What was armed, as it was written.
    pub fn armed() -> Option<&'static str> {
        let text = faults().text.as_str();
        (!text.is_empty()).then_some(text)
    }

    /// Waits or panics, where that is asked for.
    ///
    /// # Panics
    /// On purpose.
    pub fn strike(point: Point) {
        for effect in faults().effects(point) {
            match effect {
                Effect::Delay(time) => std::thread::sleep(time),
                Effect::Panic => panic!("a fault point of an experiment: {point:?}"),
                Effect::Error | Effect::Times(_) | Effect::Is(_) => {}
            }
        }
    }

    /// Waits, where that is asked for; whether it is to fail.
    pub fn fails(point: Point) -> bool {
        faults().effects(point).fold(false, |fails, effect| {
            if let Effect::Delay(time) = effect {
                std::thread::sleep(time);
            }
            fails || effect == Effect::Error
        })
    }

    /// What was measured, as it is to be read.
    pub fn reading(point: Point, measured: f64) -> f64 {
        faults().effects(point).fold(measured, |value, effect| match effect {
            Effect::Times(factor) => value * factor,
            Effect::Is(fixed) => fixed,
            Effect::Delay(_) | Effect::Panic | Effect::Error => value,
        })
    }

    fn faults() -> &'static Faults {
        FAULTS.get_or_init(Faults::default)
    }

    impl Faults {
        fn effects(&self, point: Point) -> impl Iterator<Item = Effect> {
            let here =
                self.all.iter().enumerate().filter(move |(_, fault)| fault.points.contains(&point));
            here.filter(|(index, fault)| {
                let passed = fault.passed.fetch_add(1, Ordering::Relaxed);
                let drawn = mix(self.seed ^ ((passed << 8) | *index as u64).wrapping_mul(GOLDEN));
                unit(drawn) < fault.probability
            })
            .map(|(_, fault)| fault.effect)
        }
    }

    impl FromStr for Faults {
        type Err = String;

        fn from_str(text: &str) -> Result<Faults, String> {
            let mut faults = Faults { text: text.to_owned(), ..Faults::default() };
            for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                if let Some(seed) = word.strip_prefix("seed=") {
                    faults.seed = seed.parse().map_err(|_| format!("`{word}`: no number"))?;
                } else {
                    faults.all.push(fault(word).map_err(|e| format!("`{word}`: {e}"))?);
                }
            }
            Ok(faults)
        }
    }

    fn fault(word: &str) -> Result<Fault, String> {
        let mut parts = word.split(':');
        let points = match parts.next().unwrap_or_default() {
            "work" => Class::ALL.map(Point::Work).to_vec(),
            "write" => vec![Point::Write],
            "cost" => vec![Point::Cost],
            "cores" => vec![Point::Cores],
            other => {
                let class = |class: &Class| other.strip_prefix("work/") == Some(class.as_str());
                let class = Class::ALL
                    .into_iter()
                    .find(class)
                    .ok_or("no point; points are work, work/CLASS, write, cost and cores")?;
                vec![Point::Work(class)]
            }
        };
        let effect = parts.next().ok_or("an effect is missing")?;
        let number = |text: &str| match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
            _ => Err(format!("`{text}` is no number from 0 on")),
        };
        let effect = match (effect.split_once('='), effect) {
            (Some(("delay", time)), _) => {
                let time = duration::read(time).map_err(|e| e.to_string())?;
                if time > LONGEST {
                    return Err(format!("a delay is at most {} s", LONGEST.as_secs()));
                }
                Effect::Delay(time)
            }
            (Some(("times", factor)), _) => Effect::Times(number(factor)?),
            (Some(("is", value)), _) => Effect::Is(number(value)?),
            (None, "panic") => Effect::Panic,
            (None, "error") => Effect::Error,
            _ => return Err("no effect; effects are delay=, panic, error, times= and is=".into()),
        };
        let fits = |point: &Point| match point {
            Point::Work(_) => matches!(effect, Effect::Delay(_) | Effect::Panic),
            Point::Write => matches!(effect, Effect::Delay(_) | Effect::Error),
            Point::Cost | Point::Cores => matches!(effect, Effect::Times(_) | Effect::Is(_)),
        };
        if !points.iter().all(fits) {
            return Err("this point has no such effect".to_owned());
        }
        let probability = parts.next().map_or(Ok(1.0), number)?;
        if probability > 1.0 || parts.next().is_some() {
            return Err("after the effect comes a probability up to 1, and nothing else".to_owned());
        }
        Ok(Fault { points, effect, probability, passed: AtomicU64::new(0) })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_effect_happens_as_often_as_it_says_and_only_at_its_point() {
            let faults: Faults =
                "write:error:0.25, cost:times=0.5, cost:is=8, seed=7".parse().expect("valid");
            let failed = (0..10_000).filter(|_| faults.effects(Point::Write).next().is_some());
            let failed = failed.count();
            assert!((2_300..2_700).contains(&failed), "{failed}");
            let of_cost: Vec<Effect> = faults.effects(Point::Cost).collect();
            assert_eq!(of_cost, [Effect::Times(0.5), Effect::Is(8.0)]);
            assert_eq!(faults.effects(Point::Work(Class::Ui)).next(), None);
        }

        #[test]
        fn work_is_of_every_class_or_of_one() {
            let faults: Faults = "work/ui:delay=2ms,work:panic".parse().expect("valid");
            for class in Class::ALL {
                let effects: Vec<Effect> = faults.effects(Point::Work(class)).collect();
                let late = class == Class::Ui
                    && effects.contains(&Effect::Delay(Duration::from_millis(2)));
                assert_eq!((late, effects.len()), (class == Class::Ui, 1 + usize::from(late)));
                assert!(effects.contains(&Effect::Panic));
            }
        }

        #[test]
        fn what_cannot_be_read_says_why() {
            for (text, why) in [
                ("wrok:panic", "points are work"),
                ("work/gui:panic", "points are work"),
                ("work", "an effect is missing"),
                ("work:explode", "effects are delay="),
                ("work:delay=1h", "at most 30 s"),
                ("work:delay=soon", "`work:delay=soon`"),
                ("work:error", "no such effect"),
                ("cost:times=-1", "no number from 0 on"),
                ("work:panic:2", "a probability up to 1"),
                ("work:panic:1:1", "nothing else"),
                ("seed=x", "no number"),
            ] {
                let error = text.parse::<Faults>().expect_err(text);
                assert!(error.contains(why), "{text}: {error}");
            }
        }
    }
}

pub use points::{COMPILED, arm, armed, fails, reading, strike};

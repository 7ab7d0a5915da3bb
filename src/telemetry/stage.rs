//! Where a request spent its time: a list of stages, noted while it runs.
//!
//! A stage is two readings of the clock and a few numbers. Spans are made of
//! the list only when the trace is kept, so that the many requests whose trace
//! is dropped pay for neither. Whoever does the work notes its stages; the
//! engine below knows nothing of them.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::{KeyValue, Value};
use parking_lot::Mutex;
use smallvec::SmallVec;

use svgx_base::budget::Time;

/// Stages of one request at the most; more are counted and dropped.
const MOST: usize = 64;

/// What is done in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Deciding whether to do it.
    Admit,
    /// Reading the body.
    Read,
    /// Waiting for a thread of the pool.
    Queue,
    /// Everything done on that thread.
    Work,
    /// From text to a document.
    Parse,
    /// Running formulas.
    Evaluate,
    /// Solving constraints or equilibrium.
    Solve,
    /// Stepping a simulation.
    Step,
    /// From a document to its output.
    Compile,
    /// From the result to bytes.
    Encode,
    /// Waiting until an edit is durable.
    Store,
}

impl Step {
    /// Every step, in the order of a request's life.
    pub const ALL: [Step; 11] = [
        Step::Admit,
        Step::Read,
        Step::Queue,
        Step::Work,
        Step::Parse,
        Step::Evaluate,
        Step::Solve,
        Step::Step,
        Step::Compile,
        Step::Encode,
        Step::Store,
    ];

    /// The name of its span.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::Admit => "admit",
            Step::Read => "read",
            Step::Queue => "queue",
            Step::Work => "work",
            Step::Parse => "parse",
            Step::Evaluate => "evaluate",
            Step::Solve => "solve",
            Step::Step => "step",
            Step::Compile => "compile",
            Step::Encode => "encode",
            Step::Store => "store",
        }
    }

    /// Whether it is done on a thread of the pool, inside [`Step::Work`].
    pub const fn is_inside_work(self) -> bool {
        matches!(
            self,
            Step::Parse | Step::Evaluate | Step::Solve | Step::Step | Step::Compile | Step::Encode
        )
    }
}

/// A number or a word that explains a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// A count, or bytes.
    Count(u64),
    /// A measurement.
    Number(f64),
    /// One of few words.
    Word(&'static str),
}

impl From<u64> for Fact {
    fn from(count: u64) -> Fact {
        Fact::Count(count)
    }
}

impl From<usize> for Fact {
    fn from(count: usize) -> Fact {
        Fact::Count(count as u64)
    }
}

impl From<u32> for Fact {
    fn from(count: u32) -> Fact {
        Fact::Count(u64::from(count))
    }
}

impl From<f64> for Fact {
    fn from(number: f64) -> Fact {
        Fact::Number(number)
    }
}

impl From<Duration> for Fact {
    fn from(time: Duration) -> Fact {
        Fact::Number(time.as_secs_f64())
    }
}

impl From<&'static str> for Fact {
    fn from(word: &'static str) -> Fact {
        Fact::Word(word)
    }
}

impl From<Fact> for Value {
    fn from(fact: Fact) -> Value {
        match fact {
            Fact::Count(n) => Value::I64(i64::try_from(n).unwrap_or(i64::MAX)),
            Fact::Number(x) => Value::F64(x),
            Fact::Word(word) => Value::from(word),
        }
    }
}

/// What explains a stage: attributes by name.
pub type Facts = SmallVec<[(&'static str, Fact); 6]>;

/// One stage of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What was done.
    pub step: Step,
    /// When it began.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
    /// What explains it.
    pub facts: Facts,
}

impl Stage {
    /// Its facts as attributes of a span.
    pub(crate) fn attributes(&self) -> Vec<KeyValue> {
        self.facts.iter().map(|(key, fact)| KeyValue::new(*key, *fact)).collect()
    }
}

/// The stages of one request, shared by whoever works on it: what was noted
/// until a request failed, timed out or panicked is not lost with it.
#[derive(Clone, Debug, Default)]
pub struct Stages(Arc<Mutex<List>>);

#[derive(Debug, Default)]
struct List {
    stages: Vec<Stage>,
    dropped: u32,
}

impl Stages {
    /// Notes a stage.
    pub fn note(&self, stage: Stage) {
        let mut list = self.0.lock();
        if list.stages.len() < MOST {
            if list.stages.is_empty() {
                list.stages.reserve(Step::ALL.len());
            }
            list.stages.push(stage);
        } else {
            list.dropped += 1;
        }
    }

    /// Adds facts to the last stage of `step`, if there is one.
    pub fn explain(&self, step: Step, facts: impl IntoIterator<Item = (&'static str, Fact)>) {
        if let Some(stage) = self.0.lock().stages.iter_mut().rev().find(|s| s.step == step) {
            stage.facts.extend(facts);
        }
    }

    /// The step of the stage that was noted last: how far the work has come.
    pub fn last(&self) -> Option<Step> {
        self.0.lock().stages.last().map(|stage| stage.step)
    }

    /// What was noted so far, and how many stages did not fit.
    pub(crate) fn take(&self) -> (Vec<Stage>, u32) {
        let mut list = self.0.lock();
        (std::mem::take(&mut list.stages), list.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_too_many_stages_keeps_the_first_and_counts_the_rest() {
        let stages = Stages::default();
        for i in 0..MOST as u64 + 3 {
            let facts = Facts::from_slice(&[("svgx.step.count", i.into())]);
            stages.note(Stage { step: Step::Step, began: Time(i), ended: Time(i + 1), facts });
        }
        let (kept, dropped) = stages.take();
        assert_eq!((kept.len(), dropped), (MOST, 3));
        assert_eq!(kept[0].attributes(), [KeyValue::new("svgx.step.count", 0)]);
    }
}

//! What is simulated: a scenario file. See `slo/scenarios/README.md` for the
//! fields by example.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fleet::Fleet;
use svgx_base::budget::Class;
use svgx_base::wording;

/// One scenario, as its file says it. Times are seconds, rates per second,
/// costs milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name: the name of the file.
    #[serde(skip)]
    pub name: String,
    /// What happens, in a sentence.
    pub about: String,
    /// Length.
    #[serde(default = "thirty")]
    pub seconds: f64,
    /// The part of the time that is judged: the overload, where there is one.
    #[serde(default = "overload")]
    pub judge: [f64; 2],
    /// Processors of each replica.
    #[serde(default = "two")]
    pub cores: f64,
    /// Replicas.
    #[serde(default = "one")]
    pub replicas: u32,
    /// How requests find a replica.
    #[serde(default)]
    pub balance: Balance,
    /// Where requests come from, beside the mix.
    #[serde(default)]
    pub streams: Vec<Stream>,
    /// Leave the mix (`slo/scenarios/mix.yaml`) away.
    #[serde(default)]
    pub bare: bool,
    /// Changes the rate of every stream of the mix.
    #[serde(default)]
    pub shape: Shape,
    /// Changes the rate of one class of the mix, instead of `shape`.
    #[serde(default)]
    pub shapes: BTreeMap<Class, Shape>,
    /// Tenants the mix is spread over.
    #[serde(default = "twenty")]
    pub tenants: usize,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Factor on the priors of the cost model.
    #[serde(default = "unit")]
    pub priors: f64,
    /// Refused and abandoned requests are tried again so often.
    #[serde(default)]
    pub retries: u32,
    /// Who is refused comes back when `Retry-After` said, and not at once.
    #[serde(default)]
    pub obeys: bool,
    /// Processor microseconds of reading and answering one request, refused or not.
    #[serde(default = "edge")]
    pub edge_us: f64,
    /// Seconds after which a client gives up.
    #[serde(default = "unit")]
    pub patience: f64,
    /// Replicas that share their sessions, and workers: then the mix is that of
    /// `slo/scenarios/editors.yaml`, and `tenants` are those of each replica.
    #[serde(default)]
    pub fleet: Option<Fleet>,
    /// Expected ranges of the median over the seeds: controller, metric, `[least, most]`.
    #[serde(default)]
    pub expect: BTreeMap<String, BTreeMap<String, [f64; 2]>>,
}

fn thirty() -> f64 {
    30.0
}
fn overload() -> [f64; 2] {
    [5.0, 20.0]
}
fn two() -> f64 {
    2.0
}
fn one() -> u32 {
    1
}
fn unit() -> f64 {
    1.0
}
fn edge() -> f64 {
    25.0
}
fn twenty() -> usize {
    20
}

/// How a request finds its replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// To the one with the fewest requests inside.
    LeastLoaded,
}

/// A source of requests of one class.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The class.
    pub class: Class,
    /// The operation, one the spec names.
    pub operation: String,
    /// Requests a second, on each replica.
    #[serde(default)]
    pub rate: f64,
    /// One client, which sends its next request when the last is answered, instead of a rate.
    #[serde(default)]
    pub lone: Option<Lone>,
    /// Size spread evenly over its logarithm, `[least, most]`, instead of around the mean.
    #[serde(default)]
    pub range: Option<[f64; 2]>,
    /// Mean processor milliseconds at tier compute.
    pub cost: f64,
    /// Mean declared size, in the operation's unit.
    pub size: f64,
    /// Sigma of the logarithm of the size, which the controller sees.
    #[serde(default)]
    pub spread: f64,
    /// Sigma of the logarithm of the cost at a given size, which nobody sees.
    #[serde(default)]
    pub noise: f64,
    /// A part of the requests that is so many times larger: `[share, times]`.
    #[serde(default)]
    pub elephants: Option<[f64; 2]>,
    /// Whether elephants say so.
    #[serde(default = "yes")]
    pub honest: bool,
    /// When and how much of the rate.
    #[serde(default)]
    pub shape: Shape,
    /// All from this one tenant, beside those of the mix.
    #[serde(default)]
    pub tenant: Option<u64>,
    /// Declared size over true size: a liar says a tenth.
    #[serde(default = "unit")]
    pub claims: f64,
}

fn yes() -> bool {
    true
}

/// A client on its own.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lone {
    /// Start.
    pub from: f64,
    /// End.
    pub until: f64,
    /// Seconds between an answer and the next request.
    #[serde(default)]
    pub pause: f64,
}

/// The rate over time, as a factor.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// 1.
    #[default]
    Steady,
    /// `times` in `[from, until)`, otherwise `before`.
    Step {
        /// Start.
        from: f64,
        /// End.
        until: f64,
        /// Factor.
        times: f64,
        /// Factor outside.
        #[serde(default = "unit")]
        before: f64,
    },
    /// Rises linearly to `times` between `from` and `until`, then falls back at once.
    Ramp {
        /// Start.
        from: f64,
        /// End.
        until: f64,
        /// Factor at the end.
        times: f64,
    },
    /// `times` during the first `length` of every `every`, in `[from, until)`.
    Spikes {
        /// Start.
        from: f64,
        /// End.
        until: f64,
        /// Period.
        every: f64,
        /// Length of a spike.
        length: f64,
        /// Factor in a spike.
        times: f64,
    },
    /// A day in `period` seconds: from `least` to `most` and back.
    Diurnal {
        /// Length of the day.
        period: f64,
        /// Factor at night.
        least: f64,
        /// Factor at noon.
        most: f64,
    },
}

impl Shape {
    /// The factor at `t`.
    pub fn at(&self, t: f64) -> f64 {
        match *self {
            Shape::Steady => 1.0,
            Shape::Step { from, until, times, before } => {
                if (from..until).contains(&t) {
                    times
                } else {
                    before
                }
            }
            Shape::Ramp { from, until, times } => {
                if (from..until).contains(&t) {
                    1.0 + (times - 1.0) * (t - from) / (until - from)
                } else {
                    1.0
                }
            }
            Shape::Spikes { from, until, every, length, times } => {
                let inside = (from..until).contains(&t) && (t - from) % every < length;
                if inside { times } else { 1.0 }
            }
            Shape::Diurnal { period, least, most } => {
                let phase = libm::cos(core::f64::consts::TAU * t / period);
                least + (most - least) * (0.5 - 0.5 * phase)
            }
        }
    }

    /// The largest factor.
    pub fn most(&self) -> f64 {
        match *self {
            Shape::Steady => 1.0,
            Shape::Step { times, before, .. } => times.max(before),
            Shape::Ramp { times, .. } | Shape::Spikes { times, .. } => times.max(1.0),
            Shape::Diurnal { least, most, .. } => most.max(least),
        }
    }
}

/// Something that goes wrong between two times.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Start.
    pub from: f64,
    /// End.
    pub until: f64,
    /// What.
    pub what: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// So many processors, and the sensor says so.
    Cores(f64),
    /// The control group's quota: so many processors, taken away for the rest of
    /// each tenth of a second once used up. The sensor says so.
    Quota(f64),
    /// The hypervisor gives only this part of each processor, and nothing says so.
    Steal(f64),
    /// So many busy threads of other programs, at a higher priority than ours.
    Neighbours(f64),
    /// Work costs so many times as much.
    Cost(f64),
    /// One lock, which redraw work takes with the chance given, is held so many milliseconds.
    Lock {
        /// Chance that a redraw needs it.
        chance: f64,
        /// Milliseconds it is held, without using a processor.
        held: f64,
    },
    /// The sensors are silent.
    Blind(bool),
    /// The controller is not called by its timer.
    NoTicks(bool),
    /// The clock is off by so many seconds.
    Clock(f64),
}

/// A scenario file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// What is wrong, with line and column where known.
    pub message: String,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            name: String::new(),
            about: String::new(),
            seconds: thirty(),
            judge: overload(),
            cores: two(),
            replicas: one(),
            balance: Balance::default(),
            streams: Vec::new(),
            bare: false,
            shape: Shape::default(),
            shapes: BTreeMap::new(),
            tenants: twenty(),
            faults: Vec::new(),
            priors: unit(),
            retries: 0,
            obeys: false,
            edge_us: edge(),
            patience: unit(),
            fleet: None,
            expect: BTreeMap::new(),
        }
    }
}

impl Stream {
    /// Nothing of this class yet.
    pub(super) fn of(class: Class) -> Stream {
        Stream {
            class,
            operation: String::new(),
            rate: 0.0,
            lone: None,
            range: None,
            cost: 1.0,
            size: 1.0,
            spread: 0.0,
            noise: 0.0,
            elephants: None,
            honest: true,
            shape: Shape::Steady,
            tenant: None,
            claims: 1.0,
        }
    }
}

impl Scenario {
    /// Reads a scenario and adds the mix.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn parse(name: &str, text: &str, mix: &[Stream]) -> Result<Scenario, ScenarioError> {
        let wrong = |message: String| ScenarioError { file: name.to_owned(), message };
        let mut scenario: Scenario =
            serde_saphyr::from_str(text).map_err(|error| wrong(in_words(&error)))?;
        name.clone_into(&mut scenario.name);
        if !scenario.bare {
            let mut all = mix.to_vec();
            for stream in &mut all {
                stream.rate *= scenario.fleet.as_ref().map_or(1.0, |fleet| fleet.editors);
                stream.shape =
                    scenario.shapes.get(&stream.class).copied().unwrap_or(scenario.shape);
            }
            all.append(&mut scenario.streams);
            scenario.streams = all;
        }
        scenario.check().map_err(wrong)?;
        Ok(scenario)
    }

    /// Reads the mix.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn mix(text: &str) -> Result<Vec<Stream>, ScenarioError> {
        serde_saphyr::from_str(text).map_err(|error| ScenarioError {
            file: "mix.yaml".to_owned(),
            message: in_words(&error),
        })
    }

    fn check(&self) -> Result<(), String> {
        let [from, until] = self.judge;
        let fine = |x: f64, least: f64, most: f64| x.is_finite() && (least..=most).contains(&x);
        if !fine(self.seconds, 0.1, 86_400.0) {
            return Err(format!("seconds {}; expected 0.1 to 86400", self.seconds));
        }
        if !(fine(from, 0.0, until) && fine(until, 0.0, self.seconds)) {
            return Err(format!("judge [{from}, {until}] is not inside {} s", self.seconds));
        }
        if !fine(self.cores, 0.05, 1024.0) || !(1..=1000).contains(&self.replicas) {
            return Err(format!(
                "{} cores, {} replicas; at most 1024, 1000",
                self.cores, self.replicas
            ));
        }
        if self.streams.len() > 64 || self.faults.len() > 64 {
            return Err("more than 64 streams or faults".to_owned());
        }
        for stream in &self.streams {
            let peak = stream.rate * stream.shape.most() * self.seconds * f64::from(self.replicas);
            if !fine(peak, 0.0, 1e9)
                || !fine(stream.cost, 1e-4, 1e6)
                || !fine(stream.size, 1.0, 1e12)
            {
                return Err(format!(
                    "stream {} {}: rate {}, cost {} ms, size {}; a rate, a cost of 0.0001 to 1e6 \
                     and a size of at least 1 are expected",
                    stream.class, stream.operation, stream.rate, stream.cost, stream.size
                ));
            }
            if let Some(Lone { from, until, pause }) = stream.lone
                && !(fine(from, 0.0, until)
                    && fine(until, 0.0, self.seconds)
                    && fine(pause, 0.0, 1e3))
            {
                return Err(format!(
                    "lone client from {from} to {until} with pauses of {pause} s is not inside {} s",
                    self.seconds
                ));
            }
            if let Some([least, most]) = stream.range
                && !(fine(least, 1.0, most) && fine(most, 1.0, 1e12))
            {
                return Err(format!("range [{least}, {most}]; expected sizes of 1 to 1e12"));
            }
        }
        match &self.fleet {
            Some(fleet) => fleet.check(self.replicas, self.seconds),
            None => Ok(()),
        }
    }

    /// The same with the tenants of all its replicas, where it has a fleet.
    pub(super) fn of_all_replicas(&self) -> Scenario {
        let times = if self.fleet.is_some() { self.replicas as usize } else { 1 };
        Scenario { tenants: self.tenants.saturating_mul(times), ..self.clone() }
    }

    /// The value of a fault in force at `t`.
    pub(super) fn fault<T>(&self, t: f64, pick: impl Fn(FaultKind) -> Option<T>) -> Option<T> {
        let inside = |fault: &&Fault| (fault.from..fault.until).contains(&t);
        self.faults.iter().filter(inside).find_map(|fault| pick(fault.what))
    }
}

/// What is wrong with a file, in plain words and with its place.
fn in_words(error: &serde_saphyr::Error) -> String {
    let message = wording::plain(&error.without_snippet().to_string());
    match error.location() {
        Some(at) => format!("line {}, column {}: {message}", at.line(), at.column()),
        None => message,
    }
}

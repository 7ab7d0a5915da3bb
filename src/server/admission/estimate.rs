//! How much work a request is, before it is done.

use serde::Deserialize;
use svgx_base::budget::Tier;

use super::body::{Body, Kind};
use super::precision::Precision;
use super::seconds::Seconds;

/// Bytes of a drawing for each of its elements, a guess: the size is known before the elements are.
const BYTES_PER_ELEMENT: u64 = 100;
/// Bytes of a drawing for each of its bodies, a guess.
const BYTES_PER_BODY: u64 = 150;
/// Steps of a simulated second at the usual rate.
const STEPS_PER_SECOND: f64 = 60.0;

/// How much work a body asks for, where its length does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// The operation of the objectives that it is.
    pub(crate) operation: &'static str,
    /// Units of that operation.
    pub(crate) size: u64,
    /// The tier it asks for.
    pub(crate) tier: Tier,
    /// Whether it refuses a coarser one.
    pub(crate) strict: bool,
}

/// The elements that a body of `bytes` bytes may hold.
pub(crate) fn elements(bytes: u64) -> u64 {
    bytes / BYTES_PER_ELEMENT + 1
}

/// The work of a simulation: the length of the drawing tells how many bodies there may be, the
/// options how many steps. They stand beside the drawing, whose own quotes are escaped, so that
/// they are found without reading it.
pub(crate) fn simulation(body: &Body) -> Option<Estimate> {
    #[derive(Default, Deserialize)]
    struct Options {
        duration: Option<Seconds>,
        precision: Option<String>,
        strict: Option<bool>,
    }
    let bytes = &body.bytes;
    let after = |name: &str| {
        let at = memchr::memmem::rfind(bytes, name.as_bytes())? + name.len();
        let rest = bytes.get(at..)?.trim_ascii_start().strip_prefix(b":")?;
        Some(rest)
    };
    fn value<'b, T: Deserialize<'b>>(text: &'b [u8]) -> Option<T> {
        serde_json::Deserializer::from_slice(text).into_iter().next()?.ok()
    }
    let json = body.kind == Kind::Json;
    let options: Options =
        after("\"options\"").filter(|_| json).and_then(value).unwrap_or_default();
    let other = || after("\"simulation_time\"").filter(|_| json).and_then(value::<Seconds>);
    let precision = match options.precision.as_deref() {
        None => Precision::default(),
        Some(word) => Precision::parse(word)?,
    };
    let bodies = bytes.len() as u64 / BYTES_PER_BODY + 1;
    let (tier, strict) = (precision.tier, precision.is_strict || options.strict.unwrap_or(false));
    Some(match options.duration.or_else(other).and_then(|given| given.get()) {
        Some(seconds) => {
            // A float that is no number of steps is refused by physics later.
            let steps = (seconds * STEPS_PER_SECOND).clamp(1.0, 1e6) as u64;
            Estimate { operation: "simulate", size: bodies * steps, tier, strict }
        }
        None => Estimate { operation: "statics", size: bodies, tier, strict },
    })
}

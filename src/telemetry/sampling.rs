//! Which traces are kept, decided when the request has ended.
//!
//! A trace is kept if its caller keeps it, if the request was over its budget, shed, degraded or
//! failed, or if nobody decided before and its id falls within the ratio. Spans are made only
//! then. The ratio reads the id's last eight bytes, so that every service with the same ratio
//! keeps the same traces (as OpenTelemetry's `TraceIdRatioBased` sampler does).

use opentelemetry::trace::TraceId;

use super::metrics::Outcome;

/// The attribute of the server span that says how the request ended.
pub const OUTCOME: &str = "svgx.slo.outcome";

/// Which of the traces that need no attention are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// All of them.
    All,
    /// None, and not those that need attention either: tracing is off.
    Off,
    /// A share of them, 0 to 1.
    Ratio(f64),
}

/// What `OTEL_TRACES_SAMPLER` chooses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// What is kept of traces that begin here.
    pub rule: Rule,
    /// Whether a trace that a caller began is kept when the caller keeps it, and only then;
    /// else the rule decides about it, too.
    pub parent_based: bool,
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler { rule: Rule::Ratio(0.01), parent_based: true }
    }
}

/// The rule that says which traces are kept.
#[derive(Clone, Debug)]
pub struct Sampling {
    sampler: Sampler,
    bound: u64,
}

impl Sampling {
    /// By `sampler`, and whatever needs attention unless it is [`Rule::Off`].
    pub fn new(sampler: Sampler) -> Sampling {
        let ratio = match sampler.rule {
            Rule::All => 1.0,
            Rule::Off => 0.0,
            Rule::Ratio(ratio) if ratio.is_finite() => ratio.clamp(0.0, 1.0),
            Rule::Ratio(_) => 1.0,
        };
        Sampling { sampler, bound: (ratio * u64::MAX as f64) as u64 }
    }

    /// Whether tracing is off for whatever begins here.
    pub fn is_off(&self) -> bool {
        self.sampler.rule == Rule::Off
    }

    /// Whether a request's trace is kept. `parent` says whether its caller keeps it, where the
    /// request came with a trace.
    pub fn keeps(&self, trace: TraceId, parent: Option<bool>, outcome: Outcome) -> bool {
        let parent = parent.filter(|_| self.sampler.parent_based);
        match (self.sampler.rule, parent) {
            (_, Some(true)) => true,
            (Rule::Off, _) => false,
            _ if outcome != Outcome::Ok => true,
            (_, Some(false)) => false,
            _ => {
                let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
                self.bound == u64::MAX || u64::from_be_bytes([a, b, c, d, e, f, g, h]) < self.bound
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ratio: f64) -> Sampler {
        Sampler { rule: Rule::Ratio(ratio), parent_based: true }
    }

    #[test]
    fn a_callers_decision_is_kept_and_what_needs_attention_is_added() {
        use Outcome::{Failed, Ok, Shed};
        let trace = TraceId::from(u128::MAX);
        for (rule, parent_based, parent, outcome, kept) in [
            (Rule::Ratio(0.0), true, Some(true), Ok, true),
            (Rule::Ratio(1.0), true, Some(false), Ok, false),
            (Rule::Ratio(1.0), true, Some(false), Shed, true),
            (Rule::Ratio(0.0), true, None, Ok, false),
            (Rule::Ratio(1.0), true, None, Ok, true),
            (Rule::All, true, Some(false), Ok, false),
            (Rule::All, true, None, Ok, true),
            (Rule::Off, true, Some(true), Ok, true),
            (Rule::Off, true, Some(false), Failed, false),
            (Rule::Off, true, None, Failed, false),
            // Not parent-based: the caller is not asked.
            (Rule::Off, false, Some(true), Failed, false),
            (Rule::All, false, Some(false), Ok, true),
            (Rule::Ratio(0.0), false, Some(true), Ok, false),
            (Rule::Ratio(0.0), false, Some(true), Failed, true),
            (Rule::Ratio(f64::NAN), false, None, Ok, true),
        ] {
            let sampling = Sampling::new(Sampler { rule, parent_based });
            assert_eq!(
                sampling.keeps(trace, parent, outcome),
                kept,
                "{rule:?} {parent_based} {parent:?} {outcome:?}"
            );
        }
    }

    #[test]
    fn whatever_needs_attention_is_kept_at_any_ratio() {
        let sampling = Sampling::new(of(0.0));
        for outcome in Outcome::ALL {
            let kept = sampling.keeps(TraceId::from(7_u128), None, outcome);
            assert_eq!(kept, outcome != Outcome::Ok, "{outcome:?}");
        }
    }

    #[test]
    fn the_ratio_decides_about_the_rest() {
        let sampling = Sampling::new(of(0.25));
        let n = (0..10_000u128)
            .map(|i| TraceId::from(i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)))
            .filter(|t| sampling.keeps(*t, None, Outcome::Ok))
            .count();
        assert!((2_300..2_700).contains(&n), "{n} of 10000");
    }
}

//! Trace context (W3C Trace Context, level 1): the `traceparent` that comes in
//! and the one that goes out.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::{SpanId, TraceId};

use svgx_base::digits::hexadecimal;
use svgx_base::random;
use svgx_telemetry::server::Remote;

/// The trace of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The trace, the caller's if it sent one.
    pub(crate) trace_id: u128,
    /// The span of this request.
    pub(crate) span_id: u64,
    /// The caller's span.
    pub(crate) parent: Option<u64>,
    /// Trace flags.
    pub(crate) flags: u8,
}

impl Trace {
    /// Writes the value of the `traceparent` header; answers where in it the trace id is.
    pub(crate) fn traceparent(&self, text: &mut String) -> Range<usize> {
        text.push_str("00-");
        let from = text.len();
        hexadecimal(self.trace_id.to_be_bytes(), text);
        let id = from..text.len();
        text.push('-');
        hexadecimal(self.span_id.to_be_bytes(), text);
        text.push('-');
        hexadecimal([self.flags], text);
        id
    }

    /// The caller's place in the trace.
    pub(crate) fn remote(&self) -> Option<Remote> {
        let span = SpanId::from(self.parent?);
        Some(Remote { trace: TraceId::from(self.trace_id), span, sampled: self.flags & 1 == 1 })
    }

    /// The identifiers, as telemetry writes them.
    pub(crate) fn ids(&self) -> (TraceId, SpanId) {
        (TraceId::from(self.trace_id), SpanId::from(self.span_id))
    }

    /// The trace id in hexadecimal.
    pub(crate) fn id(&self) -> String {
        let mut text = String::with_capacity(32);
        hexadecimal(self.trace_id.to_be_bytes(), &mut text);
        text
    }
}

/// Makes identifiers: a counter, scrambled (SplitMix64, Steele, Lea and Flood 2014),
/// from a random start. They are unique, not secret.
#[derive(Debug)]
pub(crate) struct Ids {
    counter: AtomicU64,
    high: u64,
}

impl Ids {
    /// A generator with a random start.
    pub(crate) fn new() -> Ids {
        let mut seed = [0_u8; 16];
        // Without randomness the ids are unique within the process only.
        let _ = getrandom::fill(&mut seed);
        let seed = u128::from_le_bytes(seed);
        Ids { counter: AtomicU64::new(seed as u64), high: (seed >> 64) as u64 }
    }

    fn next(&self) -> u64 {
        // SplitMix64 with a state that all threads share; an identifier is never 0.
        random::mix(self.counter.fetch_add(random::GOLDEN, Ordering::Relaxed)).max(1)
    }

    /// Another span of the service.
    pub(crate) fn span(&self) -> SpanId {
        SpanId::from(self.next())
    }

    /// The trace of a request that came with this `traceparent`, or without one.
    pub(crate) fn trace(&self, traceparent: Option<&str>) -> Trace {
        let span_id = self.next();
        match traceparent.and_then(parse) {
            Some((trace_id, parent, flags)) => {
                Trace { trace_id, span_id, parent: Some(parent), flags }
            }
            None => {
                let trace_id = (u128::from(self.high) << 64 | u128::from(self.next())).max(1);
                Trace { trace_id, span_id, parent: None, flags: 1 }
            }
        }
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

/// Trace, parent span and flags of a `traceparent`; `None` where it has to be ignored.
fn parse(text: &str) -> Option<(u128, u64, u8)> {
    let text = text.trim();
    let lower = |t: &str| t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = version.len() == 2 && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
    if !lengths || ![version, trace, span, flags].into_iter().all(lower) {
        return None;
    }
    // Version ff is forbidden; version 00 has exactly four parts; later ones may have more.
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|t| *t != 0)?;
    let span = u64::from_str_radix(span, 16).ok().filter(|s| *s != 0)?;
    Some((trace, span, u8::from_str_radix(flags, 16).ok()? & 1))
}

/// The member of W3C Baggage that marks traffic that is no user's: the name of
/// a load scenario, of a probe. It becomes an attribute of the server span; all
/// other members are the caller's business and are not recorded.
const SCENARIO: &str = "svgx.scenario";
/// Bytes of a `baggage` header that are looked at (W3C Baggage, section 3.3.2).
const MOST: usize = 8_192;

/// The scenario that a `baggage` header names: up to 64 letters, digits, `.`, `_` and `-`.
pub(crate) fn scenario(baggage: &str) -> Option<String> {
    let baggage = baggage.get(..baggage.len().min(MOST))?;
    let members = baggage.split(',').filter_map(|m| m.split(';').next()?.split_once('='));
    let (_, value) = members.map(|(k, v)| (k.trim(), v.trim())).find(|(k, _)| *k == SCENARIO)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (1..=64).contains(&value.len()) && value.bytes().all(plain);
    fits.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baggage_says_a_scenario_and_nothing_else_is_taken_from_it() {
        for (baggage, expected) in [
            ("svgx.scenario=flash-crowd", Some("flash-crowd")),
            ("user=ada, svgx.scenario = probe ;ttl=3,x=y", Some("probe")),
            ("user=ada", None),
            ("svgx.scenario=", None),
            ("svgx.scenario=<script>", None),
            ("svgx.scenario", None),
            ("", None),
        ] {
            assert_eq!(scenario(baggage).as_deref(), expected, "{baggage:?}");
        }
    }

    #[test]
    fn a_valid_traceparent_is_continued_and_any_other_is_replaced() {
        let ids = Ids::new();
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = ids.trace(Some(good));
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.parent, Some(0x00f0_67aa_0ba9_02b7));
        let mut own = String::new();
        let id = trace.traceparent(&mut own);
        assert_eq!((own.len(), &own[id]), (55, trace.id().as_str()));
        assert_ne!(own, good, "the span is our own");
        for bad in [
            "",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            let trace = ids.trace(Some(bad));
            assert_eq!(trace.parent, None, "{bad}");
            assert_ne!(trace.trace_id, 0);
        }
    }

    #[test]
    fn identifiers_do_not_repeat() {
        let ids = Ids::new();
        let mut seen = std::collections::HashSet::new();
        assert!((0..10_000).all(|_| seen.insert(ids.trace(None).span_id)));
    }
}

//! Joins the spans of a deep trace with the stages of its request.
//!
//! The stages are noted while the request runs, and their spans made only when it has ended; the
//! deep spans come from the work inside. So a deep span that no other is around belongs below the
//! shortest stage that it lies in. What the work measures as times of phases
//! (`svgx.phase.NAME`, in seconds, over many steps) becomes a span for each phase, one after the
//! other from the beginning of the span they are said by, and marked as put together.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, SpanData};

/// What the names of phases begin with, as attributes.
const PHASE: &str = "svgx.phase.";
/// Marks a span whose time is the sum of many pieces.
const AGGREGATED: &str = "svgx.aggregated";

/// Puts `deep` below the spans of the stages; `within` is when the request ran.
pub(crate) fn join(
    stages: &mut Vec<SpanData>,
    deep: Vec<SpanData>,
    root: SpanId,
    within: (SystemTime, SystemTime),
) {
    let known: HashSet<SpanId> = deep.iter().map(|s| s.span_context.span_id()).collect();
    let around = stages.len();
    for mut span in deep {
        // Two clocks: the service's, and that of the day.
        span.start_time = span.start_time.clamp(within.0, within.1.max(within.0));
        span.end_time = span.end_time.clamp(span.start_time, within.1.max(span.start_time));
        if !known.contains(&span.parent_span_id) {
            span.parent_span_id = parent(&stages[..around], &span).unwrap_or(root);
        }
        let phases = phases(&mut span);
        stages.push(span);
        stages.extend(phases);
    }
}

/// The shortest of the stages that the middle of a span lies in.
fn parent(stages: &[SpanData], span: &SpanData) -> Option<SpanId> {
    let took = |s: &SpanData| s.end_time.duration_since(s.start_time).unwrap_or_default();
    let middle = span.start_time + took(span) / 2;
    stages
        .iter()
        .filter(|stage| stage.start_time <= middle && middle <= stage.end_time)
        .min_by_key(|stage| took(stage))
        .map(|stage| stage.span_context.span_id())
}

/// The phases that a span says the times of, taken from its attributes.
fn phases(span: &mut SpanData) -> Vec<SpanData> {
    let (said, kept): (Vec<KeyValue>, Vec<KeyValue>) = std::mem::take(&mut span.attributes)
        .into_iter()
        .partition(|kv| kv.key.as_str().starts_with(PHASE));
    span.attributes = kept;
    let (trace, parent) = (span.span_context.trace_id(), span.span_context.span_id());
    let (ids, mut at) = (RandomIdGenerator::default(), span.start_time);
    said.into_iter()
        .filter_map(|kv| {
            let Value::F64(seconds) = kv.value else { return None };
            let took = Duration::try_from_secs_f64(seconds).ok()?;
            let (from, to) = (at, (at + took).min(span.end_time));
            at = to;
            let id = ids.new_span_id();
            let state = TraceState::default();
            Some(SpanData {
                span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, state),
                parent_span_id: parent,
                name: kv.key.as_str().trim_start_matches(PHASE).to_owned().into(),
                start_time: from,
                end_time: to,
                attributes: vec![KeyValue::new(AGGREGATED, true)],
                events: Default::default(),
                links: Default::default(),
                ..span.clone()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanKind, Status, TraceId};

    use super::*;

    fn at(ms: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn span(id: u64, parent: u64, name: &'static str, from: u64, to: u64) -> SpanData {
        let trace = TraceId::from(1_u128);
        let state = TraceState::default();
        SpanData {
            span_context: SpanContext::new(trace, id.into(), TraceFlags::SAMPLED, false, state),
            parent_span_id: parent.into(),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: at(from),
            end_time: at(to),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("svgx").build(),
        }
    }

    #[test]
    fn a_deep_span_lies_below_the_shortest_stage_around_it() {
        let mut spans = vec![
            span(2, 1, "work", 10, 90),
            span(3, 2, "parse", 10, 30),
            span(4, 2, "solve", 30, 80),
        ];
        let deep = vec![
            span(10, 1, "scan", 11, 20),
            // Two clocks: a little outside.
            span(11, 1, "scene", 29, 50),
            span(12, 11, "cascade", 31, 32),
            span(13, 1, "between", 85, 86),
            span(14, 1, "early", 0, 4),
        ];
        join(&mut spans, deep, 1_u64.into(), (at(2), at(100)));
        for (name, parent) in
            [("scan", 3_u64), ("scene", 4), ("cascade", 11), ("between", 2), ("early", 1)]
        {
            let found = spans.iter().find(|s| s.name == name).expect(name);
            assert_eq!(found.parent_span_id, SpanId::from(parent), "{name}");
            assert!(found.start_time >= at(2) && found.end_time <= at(100), "{name}");
        }
    }

    #[test]
    fn times_of_phases_become_spans_one_after_the_other_and_inside() {
        let mut steps = span(10, 1, "steps", 20, 50);
        for (key, value) in [
            ("svgx.phase.broad", 0.010.into()),
            ("svgx.step.count", Value::I64(40)),
            ("svgx.phase.narrow", 0.015.into()),
            ("svgx.phase.solver", 0.010.into()),
            ("svgx.phase.odd", f64::NAN.into()),
        ] {
            steps.attributes.push(KeyValue::new(key, value));
        }
        let mut spans = Vec::new();
        join(&mut spans, vec![steps], 1_u64.into(), (at(0), at(100)));
        let seen: Vec<_> =
            spans.iter().map(|s| (s.name.as_ref(), s.start_time, s.end_time)).collect();
        let expected = [
            ("steps", at(20), at(50)),
            ("broad", at(20), at(30)),
            ("narrow", at(30), at(45)),
            ("solver", at(45), at(50)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(spans[0].attributes, [KeyValue::new("svgx.step.count", 40)]);
        assert!(spans[1..].iter().all(|s| s.parent_span_id == SpanId::from(10_u64)));
        assert_eq!(spans[2].attributes, [KeyValue::new(AGGREGATED, true)]);
    }
}

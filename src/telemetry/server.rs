//! The span of a request that came in, by OpenTelemetry's conventions for HTTP
//! servers, and the spans below it.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, SpanData};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::stage::{Facts, Stage, Stages, Step};
use super::{Outcome, tail};
use crate::budget::Time;

/// The caller's place in its trace, out of `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The trace.
    pub trace: TraceId,
    /// The caller's span.
    pub span: SpanId,
    /// Whether the caller keeps the trace.
    pub sampled: bool,
}

/// Starts the span of a request. What it says is written when it ends, and
/// only if it is kept.
pub fn span(remote: Option<Remote>) -> Span {
    // At the highest level, so that no log filter short of `off` takes traces away.
    let span = tracing::error_span!("request", otel.kind = "server");
    if let Some(remote) = remote {
        let flags = if remote.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let parent =
            SpanContext::new(remote.trace, remote.span, flags, true, TraceState::default());
        // Fails only without a layer that traces, and then there is nothing to continue.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }
    span
}

/// The identifiers of a span, where spans are recorded.
pub fn identity(span: &Span) -> Option<(TraceId, SpanId)> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| (context.trace_id(), context.span_id()))
}

/// A request that ended, as its spans tell it.
#[derive(Debug)]
pub struct Ended<'r> {
    /// Its trace and its span.
    pub trace: (TraceId, SpanId),
    /// `GET`, `POST`, ... or `_OTHER`.
    pub method: &'static str,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The route as declared.
    pub route: Option<&'static str>,
    /// The path; said only where a route matched.
    pub path: &'r str,
    /// The scenario it is part of, where the caller names one.
    pub scenario: Option<&'r str>,
    /// The status code.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// What else explains it: class, operation, reason.
    pub facts: Facts,
    /// When it began, by the service's clock and by the time of day.
    pub began: (Time, SystemTime),
    /// What it spent its time on.
    pub stages: &'r Stages,
}

impl Ended<'_> {
    /// Writes what the server span says.
    pub(crate) fn describe(&self, span: &Span) {
        let context = span.context();
        let server = context.span();
        match self.route {
            Some(route) => server.update_name(format!("{} {route}", self.method)),
            None => server.update_name(self.method),
        }
        let say = |key: &'static str, value: Value| {
            server.set_attribute(KeyValue::new(key, value));
        };
        say("http.request.method", self.method.into());
        say("url.scheme", self.scheme.into());
        say("http.response.status_code", i64::from(self.status).into());
        if let Some(route) = self.route {
            say("http.route", route.into());
            say("url.path", self.path.chars().take(256).collect::<String>().into());
        }
        if self.status >= 500 {
            say("error.type", self.status.to_string().into());
            server.set_status(Status::error(""));
        }
        say(tail::OUTCOME, self.outcome.as_str().into());
        if let Some(scenario) = self.scenario {
            say("svgx.scenario", scenario.to_owned().into());
        }
        for (key, fact) in &self.facts {
            say(key, (*fact).into());
        }
    }

    /// The spans of its stages: those done on the pool below the one of the work.
    pub(crate) fn stages(&self) -> Vec<SpanData> {
        let (stages, dropped) = self.stages.take();
        let ids = RandomIdGenerator::default();
        let root = self.trace.1;
        let work = stages.iter().position(|s| s.step == Step::Work);
        let named: Vec<SpanId> = stages.iter().map(|_| ids.new_span_id()).collect();
        let mut spans: Vec<SpanData> = Vec::with_capacity(stages.len());
        for (i, stage) in stages.iter().enumerate() {
            let parent = match work {
                Some(work) if stage.step.is_inside_work() => named[work],
                _ => root,
            };
            spans.push(self.span(stage, named[i], parent));
        }
        if let Some(last) = spans.last_mut().filter(|_| dropped > 0) {
            last.attributes.push(KeyValue::new("svgx.stages.dropped", i64::from(dropped)));
        }
        spans
    }

    fn span(&self, stage: &Stage, id: SpanId, parent: SpanId) -> SpanData {
        let state = TraceState::default();
        SpanData {
            span_context: SpanContext::new(self.trace.0, id, TraceFlags::SAMPLED, false, state),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: stage.step.as_str().into(),
            start_time: self.time_of_day(stage.began),
            end_time: self.time_of_day(stage.ended.max(stage.began)),
            attributes: stage.attributes(),
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("svgx").build(),
        }
    }

    fn time_of_day(&self, time: Time) -> SystemTime {
        let (began, of_day) = self.began;
        of_day.checked_add(time.since(began)).unwrap_or(of_day + Duration::ZERO)
    }
}

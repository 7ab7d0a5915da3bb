//! The span of a request that came in, by OpenTelemetry's conventions for HTTP
//! servers, and the spans below it; and the spans of work that no request asked for.
//!
//! Most traces are dropped, and a span that is started through the SDK costs the
//! same whether it is kept or not. So a request carries its identifiers only; its
//! spans are made when it has ended, if they are kept.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, SpanData};

use super::deep::{DeepTrace, tree};
use super::stage::{Facts, Stages, Step};
use super::{Outcome, sampling};
use svgx_base::budget::Time;

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

/// The context in which a request is worked on: whatever is logged or traced
/// meanwhile belongs to its span, which itself is made only when it is kept. Where it is
/// traced deeply, the context leads the spans of the work to its trace.
pub fn context((trace, span): (TraceId, SpanId), deep: Option<&DeepTrace>) -> Context {
    let here = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default());
    let context = Context::new().with_remote_span_context(here);
    match deep {
        Some(deep) => context.with_value(deep.clone()),
        None => context,
    }
}

/// A request that ended, as its spans tell it.
#[derive(Debug)]
pub struct Ended<'r> {
    /// Its trace and its span.
    pub trace: (TraceId, SpanId),
    /// The caller's place in the trace, if it sent one.
    pub parent: Option<Remote>,
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
    /// How long it took.
    pub took: Duration,
    /// What it spent its time on.
    pub stages: &'r Stages,
    /// Its deep trace, if it has one.
    pub deep: Option<&'r DeepTrace>,
}

/// Where work that no request asked for is traced with its steps: the context to do it in, and
/// what gathers them.
#[derive(Clone, Debug)]
pub struct Steps {
    trace: (TraceId, SpanId),
    deep: DeepTrace,
}

impl Steps {
    pub(crate) fn new(deep: DeepTrace) -> Steps {
        let ids = RandomIdGenerator::default();
        Steps { trace: (ids.new_trace_id(), ids.new_span_id()), deep }
    }

    /// The context to do it in.
    pub fn context(&self) -> Context {
        context(self.trace, Some(&self.deep))
    }
}

/// Work that no request asked for and that has ended: the recovery of the store, a backup, a
/// deployment. It is a trace of its own.
#[derive(Clone, Debug)]
pub struct Background {
    /// What was done.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What explains it.
    pub facts: Facts,
    /// When it ended, by the time of day.
    pub ended: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Its steps, where they were traced.
    pub steps: Option<Steps>,
}

impl Background {
    /// Its trace and its spans, its own last.
    pub(crate) fn spans(&self) -> (TraceId, Vec<SpanData>) {
        let ids = RandomIdGenerator::default();
        let trace = match &self.steps {
            Some(steps) => steps.trace,
            None => (ids.new_trace_id(), ids.new_span_id()),
        };
        let began = self.ended.checked_sub(self.took).unwrap_or(self.ended);
        let mut attributes = vec![KeyValue::new(sampling::OUTCOME, self.outcome.as_str())];
        attributes.extend(self.facts.iter().map(|(key, fact)| KeyValue::new(*key, *fact)));
        let root = Root { trace, began: (Time(0), began) };
        let mut spans = Vec::new();
        if let Some(steps) = &self.steps {
            attributes.extend(root.deep(&steps.deep, self.took, &mut spans));
        }
        spans.push(SpanData {
            name: self.name.into(),
            attributes,
            status: match self.outcome {
                Outcome::Failed => Status::error(""),
                _ => Status::Unset,
            },
            ..root.span(trace.1, (Time(0), Time(0).after(self.took)))
        });
        (trace.0, spans)
    }
}

/// A job that ended: what was done of a request after its answer.
#[derive(Debug)]
pub struct Job<'r> {
    /// The request's trace, and the job's own span.
    pub trace: (TraceId, SpanId),
    /// The request's span.
    pub parent: SpanId,
    /// Whether the request's caller keeps the trace, if the request came with one.
    pub sampled: Option<bool>,
    /// How it ended.
    pub outcome: Outcome,
    /// What else explains it: class, operation, reason.
    pub facts: Facts,
    /// When it was taken on, by the service's clock and by the time of day.
    pub began: (Time, SystemTime),
    /// How long it took, its wait included.
    pub took: Duration,
    /// What it spent its time on.
    pub stages: &'r Stages,
    /// Its deep trace, if it has one.
    pub deep: Option<&'r DeepTrace>,
}

impl Job<'_> {
    /// Its spans: those of its stages, then its own.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        let root = Root { trace: self.trace, began: self.began };
        let mut attributes = vec![KeyValue::new(sampling::OUTCOME, self.outcome.as_str())];
        attributes.extend(self.facts.iter().map(|(key, fact)| KeyValue::new(*key, *fact)));
        let began = self.began.0;
        let mut spans = root.stages(self.stages);
        if let Some(deep) = self.deep {
            attributes.extend(root.deep(deep, self.took, &mut spans));
        }
        spans.push(SpanData {
            parent_span_id: self.parent,
            name: "job".into(),
            attributes,
            status: match self.outcome {
                Outcome::Failed => Status::error(""),
                _ => Status::Unset,
            },
            ..root.span(self.trace.1, (began, began.after(self.took)))
        });
        spans
    }
}

impl Ended<'_> {
    /// Its spans: those of its stages, then its own.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        let root = Root { trace: self.trace, began: self.began };
        let mut spans = root.stages(self.stages);
        let said = self.deep.map(|deep| root.deep(deep, self.took, &mut spans));
        let mut server = self.server(&root);
        server.attributes.extend(said.unwrap_or_default());
        spans.push(server);
        spans
    }

    /// What the server span says.
    fn server(&self, root: &Root) -> SpanData {
        let mut attributes = Vec::with_capacity(10 + self.facts.len());
        let mut say = |key: &'static str, value: Value| attributes.push(KeyValue::new(key, value));
        say("http.request.method", self.method.into());
        say("url.scheme", self.scheme.into());
        say("http.response.status_code", i64::from(self.status).into());
        if let Some(route) = self.route {
            say("http.route", route.into());
            say("url.path", self.path.chars().take(256).collect::<String>().into());
        }
        if self.status >= 500 {
            say("error.type", self.status.to_string().into());
        }
        say(sampling::OUTCOME, self.outcome.as_str().into());
        if let Some(scenario) = self.scenario {
            say("svgx.scenario", scenario.to_owned().into());
        }
        for (key, fact) in &self.facts {
            say(key, (*fact).into());
        }
        let began = self.began.0;
        SpanData {
            parent_span_id: self.parent.map_or(SpanId::INVALID, |parent| parent.span),
            parent_span_is_remote: self.parent.is_some(),
            span_kind: SpanKind::Server,
            name: match self.route {
                Some(route) => format!("{} {route}", self.method).into(),
                None => self.method.into(),
            },
            attributes,
            status: if self.status >= 500 { Status::error("") } else { Status::Unset },
            ..root.span(self.trace.1, (began, began.after(self.took)))
        }
    }
}

/// What all spans of a request, or of its job, have in common.
struct Root {
    trace: (TraceId, SpanId),
    began: (Time, SystemTime),
}

impl Root {
    /// The spans of `stages`: those done on the pool below the one of the work.
    fn stages(&self, stages: &Stages) -> Vec<SpanData> {
        let (stages, dropped) = stages.take();
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
            spans.push(SpanData {
                parent_span_id: parent,
                name: stage.step.as_str().into(),
                attributes: stage.attributes(),
                ..self.span(named[i], (stage.began, stage.ended))
            });
        }
        if let Some(last) = spans.last_mut().filter(|_| dropped > 0) {
            last.attributes.push(KeyValue::new("svgx.stages.dropped", i64::from(dropped)));
        }
        spans
    }

    /// Joins the spans of a deep trace with those of the stages; what the root says of it.
    fn deep(&self, deep: &DeepTrace, took: Duration, spans: &mut Vec<SpanData>) -> Vec<KeyValue> {
        let (gathered, dropped) = deep.take();
        let mut said = vec![KeyValue::new("svgx.deep.asked_by", deep.asked_by().as_str())];
        if dropped > 0 {
            let dropped = i64::try_from(dropped).unwrap_or(i64::MAX);
            said.push(KeyValue::new("svgx.deep.dropped", dropped));
        }
        let began = self.began.0;
        let within = (self.time_of_day(began), self.time_of_day(began.after(took)));
        tree::join(spans, gathered, self.trace.1, within);
        said
    }

    /// A span that says nothing yet.
    fn span(&self, id: SpanId, (began, ended): (Time, Time)) -> SpanData {
        let state = TraceState::default();
        SpanData {
            span_context: SpanContext::new(self.trace.0, id, TraceFlags::SAMPLED, false, state),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "".into(),
            start_time: self.time_of_day(began),
            end_time: self.time_of_day(ended.max(began)),
            attributes: Vec::new(),
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

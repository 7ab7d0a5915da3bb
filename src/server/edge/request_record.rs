//! A request that came in, for the one place where it is recorded: in the
//! metrics, in its trace, and in its line of the log.

use std::time::{Duration, SystemTime};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::web::Data;

use opentelemetry::Context;
use svgx_base::budget::Time;
use svgx_telemetry::access_log::AccessLine;
use svgx_telemetry::deep::{DeepTrace, Subject};
use svgx_telemetry::stage::{Facts, Stages};
use svgx_telemetry::{METHODS, Outcome, Request, server};

use crate::admission::execute::Operated;
use crate::protocol::headers;
use crate::protocol::trace::{self, Trace};
use crate::state::answer::Timing;
use crate::state::app::App;
use crate::state::keys::Identity;
use crate::state::time_of_day::time_of_day;

/// As nginx: the client closed the connection before it was answered.
const CLIENT_CLOSED: u16 = 499;
/// Answered later: the work is a job.
const ACCEPTED: u16 = 202;

/// A request, from its first byte until it is recorded, once.
#[derive(Debug)]
pub(super) struct RequestRecord {
    app: Data<App>,
    method: &'static str,
    scheme: &'static str,
    /// Its route, as declared.
    route: Option<&'static str>,
    /// Its path, as it was asked for.
    pub(super) path: String,
    scenario: Option<String>,
    /// Its trace.
    pub(super) trace: Trace,
    /// When it came, by the service's clock.
    pub(super) began: Time,
    of_day: SystemTime,
    stages: Stages,
    /// For how long it only waited for something to happen.
    pub(super) waited: Duration,
    /// Its deep trace, if it has one.
    deep: Option<DeepTrace>,
    recorded: bool,
}

impl RequestRecord {
    /// Takes a request in: it is active from now on.
    pub(super) fn begin(
        app: &Data<App>,
        request: &ServiceRequest,
        route: Option<&'static str>,
    ) -> RequestRecord {
        let began = app.clock.now();
        let method = method_name(request.method());
        let scheme = if app.config.tls_cert.is_some() { "https" } else { "http" };
        app.telemetry.metrics().request_started(method, scheme);
        let header = |name: &HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
        // Two of them are of two callers, and neither is believed (W3C Trace Context, 3.2).
        let mut parents = request.headers().get_all(&headers::TRACEPARENT);
        let parent = parents.next().filter(|_| parents.next().is_none());
        let mut trace = app.ids.trace(parent.and_then(|v| v.to_str().ok()));
        // What the answer says of the trace is true, unless the request comes to need attention.
        let parent = trace.remote().map(|remote| remote.sampled);
        trace.flags = u8::from(app.telemetry.sampling().keeps(trace.ids().0, parent, Outcome::Ok));
        RequestRecord {
            app: Data::clone(app),
            method,
            scheme,
            route,
            path: request.path().to_owned(),
            scenario: header(&headers::BAGGAGE).and_then(trace::scenario),
            trace,
            began,
            of_day: time_of_day(),
            stages: Stages::default(),
            waited: Duration::ZERO,
            deep: None,
            recorded: false,
        }
    }

    /// Decides whether it is traced deeply, now that it is known whose it is. What is to be said
    /// of the trace changes with it: a deep trace is kept.
    pub(super) fn trace_deeply(&mut self, identity: &Identity) {
        let parent_keeps = self.parent() == Some(true) && self.trace.flags & 1 == 1;
        let subject =
            Subject { key: &identity.name, route: self.route, kept_by_caller: parent_keeps };
        let deep = self.app.telemetry.deep();
        self.deep = deep.and_then(|deep| deep.begin(self.began, &subject));
        if self.deep.is_some() {
            self.trace.flags |= 1;
        }
    }

    /// The context that it is worked on in.
    pub(super) fn context(&self) -> Context {
        server::context(self.trace.ids(), self.deep.as_ref())
    }

    /// Whether its caller keeps the trace, if it came with one.
    fn parent(&self) -> Option<bool> {
        self.trace.remote().map(|remote| remote.sampled)
    }

    /// Whether its trace is kept.
    fn keeps(&self, outcome: Outcome) -> bool {
        let sampling = self.app.telemetry.sampling();
        self.deep.is_some() || sampling.keeps(self.trace.ids().0, self.parent(), outcome)
    }

    /// What whoever works on the request notes its stages in.
    pub(super) fn stages(&self) -> Stages {
        self.stages.clone()
    }

    /// Records the request once, for every reader; how long it took.
    pub(super) fn finish(&mut self, status: u16, operated: Option<Operated>) -> Duration {
        self.recorded = true;
        let took = self.app.clock.now().since(self.began);
        let outcome = outcome(status, operated);
        let telemetry = &self.app.telemetry;
        let ids = self.trace.ids();
        let kept = self.keeps(outcome);
        let trace = kept.then_some(ids);
        telemetry.metrics().request(&Request {
            method: self.method,
            scheme: self.scheme,
            route: self.route,
            status,
            duration: took,
            trace,
        });
        if let Some(Operated { class, operation, duration, outcome, reason }) = operated {
            let class = class.as_str();
            telemetry.metrics().operation(class, operation, duration, outcome, reason, trace);
        }
        self.app.totals.record(status, took.saturating_sub(self.waited));
        if kept {
            let mut facts = Facts::new();
            if let Some(operated) = operated {
                facts.push(("svgx.budget.class", operated.class.as_str().into()));
                facts.push(("svgx.operation.name", operated.operation.into()));
                facts.push(("svgx.slo.reason", operated.reason.into()));
            }
            let ended = server::Ended {
                trace: ids,
                parent: self.trace.remote(),
                method: self.method,
                scheme: self.scheme,
                route: self.route,
                path: &self.path,
                scenario: self.scenario.as_deref(),
                status,
                outcome,
                facts,
                began: (self.began, self.of_day),
                took,
                stages: &self.stages,
                // The work of a job is told with the job.
                deep: self.deep.as_ref().filter(|_| status != ACCEPTED),
            };
            telemetry.finish(&ended);
        }
        took
    }

    /// Writes the line of a request that was answered.
    pub(super) fn log(&self, response: &ServiceResponse<BoxBody>, took: Duration) {
        let extensions = response.request().extensions();
        let timing = response.response().extensions().get::<Timing>().copied();
        let bytes = match response.response().body().size() {
            BodySize::Sized(n) => n,
            _ => 0,
        };
        self.line(Line {
            status: response.status().as_u16(),
            took,
            queued: timing.map_or(Duration::ZERO, |t| t.0.queue),
            bytes,
            key: extensions.get::<Identity>().map_or("-", |i| &i.name),
            operated: extensions.get::<Operated>().copied(),
        });
    }

    /// Records a request that nothing but its status is known of, and writes its line.
    pub(super) fn lost(&mut self, status: u16) {
        let took = self.finish(status, None);
        let (queued, bytes) = (Duration::ZERO, 0);
        self.line(Line { status, took, queued, bytes, key: "-", operated: None });
    }

    fn line(&self, line: Line<'_>) {
        let outcome = outcome(line.status, line.operated);
        let access = AccessLine {
            at: self.of_day.checked_add(line.took).unwrap_or(self.of_day),
            trace: self.trace.ids(),
            method: self.method,
            route: self.route,
            status: line.status,
            duration: line.took,
            queued: line.queued,
            bytes: line.bytes,
            key: line.key,
            class: line.operated.map(|o| o.class.as_str()),
            outcome: outcome.as_str(),
            reason: line.operated.map(|o| o.reason),
        };
        self.app.telemetry.access(&access, self.keeps(outcome));
    }
}

/// What a line says that the request itself does not know.
struct Line<'r> {
    status: u16,
    took: Duration,
    queued: Duration,
    bytes: u64,
    key: &'r str,
    operated: Option<Operated>,
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        // The client went away, and the framework let go of the request with it.
        if !self.recorded {
            self.lost(CLIENT_CLOSED);
        }
    }
}

fn outcome(status: u16, operated: Option<Operated>) -> Outcome {
    match operated {
        Some(operated) => operated.outcome,
        None if status >= 500 => Outcome::Failed,
        None => Outcome::Ok,
    }
}

/// The method, or `_OTHER`, so that nobody can invent label values.
fn method_name(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

//! The instruments.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    BoundCounter, BoundHistogram, Counter, Histogram, Meter, MeterProvider as _, UpDownCounter,
};
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};

use super::catalogue::{self as c, Kind, Metric};
use super::exemplar::{Exemplar, Exemplars};
use super::expected::Expected;
use super::process;
use super::series::Series;

/// Why sessions were given to other replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// Their edits come by the other one.
    Editors,
    /// The replica stops.
    Stopping,
}

impl HandOver {
    /// Every reason.
    pub const ALL: [HandOver; 2] = [HandOver::Editors, HandOver::Stopping];

    /// The name used in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            HandOver::Editors => "editors",
            HandOver::Stopping => "stopping",
        }
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// In time and as asked.
    Ok,
    /// Answered, too late.
    OverBudget,
    /// Answered at a coarser tier than asked.
    Degraded,
    /// Refused to protect the rest.
    Shed,
    /// The service's own failure.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 5] =
        [Outcome::Ok, Outcome::OverBudget, Outcome::Degraded, Outcome::Shed, Outcome::Failed];

    /// The name used in labels, spans and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::OverBudget => "over_budget",
            Outcome::Degraded => "degraded",
            Outcome::Shed => "shed",
            Outcome::Failed => "failed",
        }
    }
}

/// What is known of a request when its answer is written.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, ... or `_OTHER`.
    pub method: &'static str,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The route as declared; `None` where none matched.
    pub route: Option<&'static str>,
    /// The status code of the answer.
    pub status: u16,
    /// From the first byte read to the answer.
    pub duration: Duration,
    /// The trace, if it is kept.
    pub trace: Option<(TraceId, SpanId)>,
}

/// Every instrument of the service. Recording never blocks and never fails.
#[derive(Debug)]
pub struct Metrics {
    http_duration: Histograms<HttpKey>,
    http_active: Arc<Active>,
    connections: UpDownCounter<i64>,
    operation: Histograms<(&'static str, &'static str)>,
    outcomes: Counters<(&'static str, Outcome, &'static str)>,
    precision: Counters<(&'static str, &'static str)>,
    work: Series<Work<Histogram<f64>, Counter<f64>>, &'static str, BoundWork>,
    elements: Histograms<&'static str>,
    bodies: Histogram<f64>,
    constraints: Histogram<f64>,
    iterations: Histogram<f64>,
    residual: Histogram<f64>,
    cache_requests: Counters<bool>,
    store_wait: Histogram<f64>,
    streams: UpDownCounter<i64>,
    handed_over: Counter<u64>,
    stream_resets: Counter<u64>,
    stream_dropped: Counter<u64>,
    exemplars: Exemplars,
    expected: Expected,
    meter: Meter,
    process: process::Process,
}

type Histograms<K> = Series<Histogram<f64>, K, BoundHistogram<f64>>;
type Counters<K> = Series<Counter<u64>, K, BoundCounter<u64>>;

/// Method, scheme, status and route: what tells the durations of requests apart.
type HttpKey = (&'static str, &'static str, u16, Option<&'static str>);

type BoundWork = Work<BoundHistogram<f64>, BoundCounter<f64>>;

/// What is measured of the work of a class.
#[derive(Debug)]
struct Work<H, C> {
    wait: H,
    predicted: C,
    actual: C,
    error: H,
}

/// The view that gives latency histograms the edges of the specs, size
/// histograms powers of four, error histograms powers of ten, and every metric
/// its bound of series.
pub(crate) fn view(
    latency: Vec<f64>,
) -> impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static {
    move |instrument| {
        let metric = c::ALL.iter().find(|m| m.name == instrument.name())?;
        let mut stream = Stream::builder().with_cardinality_limit(metric.series);
        let boundaries = match metric.kind {
            Kind::Latency => Some(latency.clone()),
            Kind::Size => Some((-3..10).map(|p| 4f64.powi(p)).collect()),
            Kind::Error => Some((-12..4).map(|p| 10f64.powi(p)).collect()),
            _ => None,
        };
        if let Some(boundaries) = boundaries {
            stream = stream.with_aggregation(Aggregation::ExplicitBucketHistogram {
                boundaries,
                record_min_max: false,
            });
        }
        // The catalogue is ours: a stream it cannot build is found by the tests.
        stream.build().ok()
    }
}

impl Metrics {
    pub(crate) fn new(provider: &SdkMeterProvider, latency: &[f64]) -> Metrics {
        let meter = provider.meter("svgx");
        let histogram = |m: &Metric| {
            meter.f64_histogram(m.name).with_unit(m.unit).with_description(m.description).build()
        };
        let counter = |m: &Metric| {
            meter.u64_counter(m.name).with_unit(m.unit).with_description(m.description).build()
        };
        let seconds = |m: &Metric| {
            meter.f64_counter(m.name).with_unit(m.unit).with_description(m.description).build()
        };
        let process = process::observe(&meter);
        Metrics {
            http_duration: Series::of(&c::HTTP_DURATION, histogram(&c::HTTP_DURATION)),
            http_active: Active::observe(&meter),
            connections: meter
                .i64_up_down_counter(c::CONNECTIONS.name)
                .with_unit(c::CONNECTIONS.unit)
                .with_description(c::CONNECTIONS.description)
                .build(),
            operation: Series::of(&c::OPERATION_DURATION, histogram(&c::OPERATION_DURATION)),
            outcomes: Series::of(&c::OPERATION_OUTCOMES, counter(&c::OPERATION_OUTCOMES)),
            precision: Series::of(&c::PRECISION, counter(&c::PRECISION)),
            work: Series::of(
                &c::COST_ACTUAL,
                Work {
                    wait: histogram(&c::QUEUE_WAIT),
                    predicted: seconds(&c::COST_PREDICTED),
                    actual: seconds(&c::COST_ACTUAL),
                    error: histogram(&c::COST_ERROR),
                },
            ),
            elements: Series::of(&c::ELEMENTS, histogram(&c::ELEMENTS)),
            bodies: histogram(&c::BODIES),
            constraints: histogram(&c::CONSTRAINTS),
            iterations: histogram(&c::ITERATIONS),
            residual: histogram(&c::RESIDUAL),
            cache_requests: Series::of(&c::CACHE_REQUESTS, counter(&c::CACHE_REQUESTS)),
            store_wait: histogram(&c::STORE_WAIT),
            streams: meter
                .i64_up_down_counter(c::STREAMS.name)
                .with_unit(c::STREAMS.unit)
                .with_description(c::STREAMS.description)
                .build(),
            handed_over: counter(&c::SESSIONS_HANDED_OVER),
            stream_resets: counter(&c::STREAM_RESETS),
            stream_dropped: counter(&c::STREAM_DROPPED),
            exemplars: Exemplars::new(latency),
            expected: Expected::new(latency),
            meter,
            process,
        }
    }

    pub(crate) fn exemplars(&self) -> &Exemplars {
        &self.exemplars
    }

    pub(crate) fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Has the series of such requests exist at zero. A series that is born with its first
    /// burst hides that burst: `rate` sees no growth in it.
    pub fn expect_request(
        &self,
        method: &'static str,
        scheme: &'static str,
        route: Option<&'static str>,
        status: u16,
    ) {
        self.expected.add(&c::HTTP_DURATION, http_attributes(method, scheme, route, status));
    }

    /// Has the series of an operation exist at zero.
    pub fn expect_operation(&self, class: &'static str, operation: &'static str) {
        let attributes = operation_attributes(class, operation).to_vec();
        self.expected.add(&c::OPERATION_DURATION, attributes);
    }

    /// Has the series of such endings exist at zero.
    pub fn expect_outcome(&self, class: &'static str, outcome: Outcome, reason: &'static str) {
        self.ended(class, outcome, reason, 0);
    }

    /// Has the series of such answers exist at zero.
    pub fn expect_delivery(&self, class: &'static str, tier: &'static str) {
        self.count_delivered(class, tier, 0);
    }

    pub(crate) fn process(&self) -> &process::Process {
        &self.process
    }

    /// A request came in; call [`Metrics::request`] when it is answered.
    pub fn request_started(&self, method: &'static str, scheme: &'static str) {
        self.http_active.add(1, method, scheme);
    }

    /// A connection was opened (1) or closed (-1).
    pub fn connections(&self, difference: i64) {
        self.connections.add(difference, &[]);
    }

    /// A stream of a session was opened (1) or closed (-1).
    pub fn streams(&self, transport: &'static str, difference: i64) {
        self.streams.add(difference, &[KeyValue::new("svgx.stream.transport", transport)]);
    }

    /// Clients of streams are sent the whole drawing, so many.
    pub fn stream_reset(&self, reason: &'static str, count: u64) {
        self.stream_resets.add(count, &[KeyValue::new("svgx.stream.reason", reason)]);
    }

    /// Sessions were given to other replicas, so many.
    pub fn handed_over(&self, reason: HandOver, count: u64) {
        let reason = KeyValue::new("svgx.handover.reason", reason.as_str());
        self.handed_over.add(count, &[reason]);
    }

    /// Frames were thrown away because their client took them too slowly.
    pub fn frames_dropped(&self, count: u64) {
        self.stream_dropped.add(count, &[]);
    }

    /// A request was answered.
    pub fn request(&self, request: &Request) {
        let Request { method, scheme, route, status, duration, trace } = *request;
        self.http_active.add(-1, method, scheme);
        let attributes = || http_attributes(method, scheme, route, status);
        let value = duration.as_secs_f64();
        self.http_duration.with(
            (method, scheme, status, route),
            |histogram| histogram.bind(&attributes()),
            |series| series.record(value),
        );
        if let Some(trace) = trace {
            self.exemplar(&c::HTTP_DURATION, value, &attributes(), trace);
        }
    }

    /// An operation of a class of budget was answered or refused.
    pub fn operation(
        &self,
        class: &'static str,
        operation: &'static str,
        duration: Duration,
        outcome: Outcome,
        reason: &'static str,
        trace: Option<(TraceId, SpanId)>,
    ) {
        // What was shed did not run: its few microseconds would flatter the distribution.
        if outcome != Outcome::Shed {
            let attributes = || operation_attributes(class, operation);
            let value = duration.as_secs_f64();
            self.operation.with(
                (class, operation),
                |histogram| histogram.bind(&attributes()),
                |series| series.record(value),
            );
            if let Some(trace) = trace {
                self.exemplar(&c::OPERATION_DURATION, value, &attributes(), trace);
            }
        }
        self.ended(class, outcome, reason, 1);
    }

    fn ended(&self, class: &'static str, outcome: Outcome, reason: &'static str, n: u64) {
        let bind = |counter: &Counter<u64>| {
            counter.bind(&[
                KeyValue::new("svgx.budget.class", class),
                KeyValue::new("svgx.slo.outcome", outcome.as_str()),
                KeyValue::new("svgx.slo.reason", reason),
            ])
        };
        self.outcomes.with((class, outcome, reason), bind, |series| series.add(n));
    }

    /// Work of `class` waited `wait` for a processor; the cost model said it
    /// would take `predicted` of it, and it took `actual`.
    pub fn worked(
        &self,
        class: &'static str,
        wait: Duration,
        predicted: Duration,
        actual: Duration,
    ) {
        let bind = |work: &Work<Histogram<f64>, Counter<f64>>| {
            let labels = [KeyValue::new("svgx.budget.class", class)];
            Work {
                wait: work.wait.bind(&labels),
                predicted: work.predicted.bind(&labels),
                actual: work.actual.bind(&labels),
                error: work.error.bind(&labels),
            }
        };
        let (predicted, actual) = (predicted.as_secs_f64(), actual.as_secs_f64());
        self.work.with(class, bind, |work| {
            work.wait.record(wait.as_secs_f64());
            work.predicted.add(predicted);
            work.actual.add(actual);
            if predicted > 0.0 {
                work.error.record(actual / predicted);
            }
        });
    }

    /// An answer of `class` was delivered at `tier`.
    pub fn delivered(&self, class: &'static str, tier: &'static str) {
        self.count_delivered(class, tier, 1);
    }

    fn count_delivered(&self, class: &'static str, tier: &'static str, n: u64) {
        let bind = |counter: &Counter<u64>| {
            let labels =
                [KeyValue::new("svgx.budget.class", class), KeyValue::new("svgx.tier", tier)];
            counter.bind(&labels)
        };
        self.precision.with((class, tier), bind, |series| series.add(n));
    }

    /// A document of so many elements was worked on.
    pub fn elements(&self, operation: &'static str, elements: usize) {
        let bind = |histogram: &Histogram<f64>| {
            histogram.bind(&[KeyValue::new("svgx.operation.name", operation)])
        };
        self.elements.with(operation, bind, |series| series.record(elements as f64));
    }

    /// A simulation looked at so many bodies.
    pub fn bodies(&self, solver: &'static str, bodies: usize) {
        self.bodies.record(bodies as f64, &[KeyValue::new("svgx.solver.name", solver)]);
    }

    /// A solve had so many constraints.
    pub fn constraints(&self, constraints: usize) {
        self.constraints.record(constraints as f64, &[]);
    }

    /// A solver stopped after so many iterations, and what it left over, in
    /// millimetres, if it says.
    pub fn solved(&self, solver: &'static str, iterations: u64, residual: Option<f64>) {
        let labels = [KeyValue::new("svgx.solver.name", solver)];
        self.iterations.record(iterations as f64, &labels);
        if let Some(residual) = residual {
            self.residual.record(residual, &labels);
        }
    }

    /// The document cache was asked.
    pub fn cache(&self, hit: bool) {
        let bind = |counter: &Counter<u64>| {
            let result = if hit { "hit" } else { "miss" };
            counter.bind(&[KeyValue::new("svgx.cache.result", result)])
        };
        self.cache_requests.with(hit, bind, |series| series.add(1));
    }

    /// An edit waited so long to be durable.
    pub fn stored(&self, wait: Duration) {
        self.store_wait.record(wait.as_secs_f64(), &[]);
    }

    /// Has `read` asked for the value whenever somebody looks: a number and
    /// its attributes, once for each series.
    pub fn watch(
        &self,
        metric: &Metric,
        read: impl Fn(&mut dyn FnMut(f64, &[KeyValue])) + Send + Sync + 'static,
    ) {
        let (name, unit, description) = (metric.name, metric.unit, metric.description);
        // The SDK keeps the callback; the instrument itself is not needed again.
        if metric.kind == Kind::Counter {
            self.meter
                .f64_observable_counter(name)
                .with_unit(unit)
                .with_description(description)
                .with_callback(move |observer| read(&mut |v, labels| observer.observe(v, labels)))
                .build();
        } else {
            self.meter
                .f64_observable_gauge(name)
                .with_unit(unit)
                .with_description(description)
                .with_callback(move |observer| read(&mut |v, labels| observer.observe(v, labels)))
                .build();
        }
    }

    #[allow(clippy::disallowed_methods, reason = "an exemplar carries the time of day")]
    fn exemplar(
        &self,
        metric: &Metric,
        value: f64,
        attributes: &[KeyValue],
        (trace, span): (TraceId, SpanId),
    ) {
        let exemplar = Exemplar { value, trace, span, at: SystemTime::now() };
        self.exemplars.offer(metric.name, attributes, exemplar);
    }
}

fn http_attributes(
    method: &'static str,
    scheme: &'static str,
    route: Option<&'static str>,
    status: u16,
) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(5);
    attributes.push(KeyValue::new("http.request.method", method));
    attributes.push(KeyValue::new("url.scheme", scheme));
    attributes.push(KeyValue::new("http.response.status_code", i64::from(status)));
    if let Some(route) = route {
        attributes.push(KeyValue::new("http.route", route));
    }
    if status >= 500 {
        attributes.push(KeyValue::new("error.type", status.to_string()));
    }
    attributes
}

fn operation_attributes(class: &'static str, operation: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("svgx.budget.class", class), KeyValue::new("svgx.operation.name", operation)]
}

/// Requests being answered, by method and scheme. Both ends of every request
/// touch it, so it is a number to add to, read when somebody looks.
#[derive(Debug, Default)]
struct Active([[Count; SCHEMES.len()]; METHODS.len()]);

#[derive(Debug, Default)]
struct Count {
    requests: AtomicI64,
    /// Whether there ever was one: what never was is not reported.
    seen: AtomicBool,
}

/// The methods that are told apart; the last one is every other.
pub const METHODS: [&str; 10] =
    ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "_OTHER"];
const SCHEMES: [&str; 2] = ["http", "https"];

impl Active {
    fn observe(meter: &Meter) -> Arc<Active> {
        let active = Arc::<Active>::default();
        let read = Arc::clone(&active);
        // The SDK keeps the callback; the instrument itself is not needed again.
        meter
            .i64_observable_up_down_counter(c::HTTP_ACTIVE.name)
            .with_unit(c::HTTP_ACTIVE.unit)
            .with_description(c::HTTP_ACTIVE.description)
            .with_callback(move |observer| {
                for (method, schemes) in METHODS.into_iter().zip(&read.0) {
                    for (scheme, series) in SCHEMES.into_iter().zip(schemes) {
                        if series.seen.load(Ordering::Relaxed) {
                            let attributes = [
                                KeyValue::new("http.request.method", method),
                                KeyValue::new("url.scheme", scheme),
                            ];
                            observer.observe(series.requests.load(Ordering::Relaxed), &attributes);
                        }
                    }
                }
            })
            .build();
        active
    }

    fn add(&self, difference: i64, method: &'static str, scheme: &'static str) {
        let method = METHODS.iter().position(|m| *m == method).unwrap_or(METHODS.len() - 1);
        let series = &self.0[method][usize::from(scheme == SCHEMES[1])];
        series.requests.fetch_add(difference, Ordering::Relaxed);
        series.seen.store(true, Ordering::Relaxed);
    }
}

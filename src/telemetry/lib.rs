//! Traces, metrics and logs: measured once, read by every reader.
//!
//! - [`catalogue`] lists every metric. `slo/telemetry/` declares them too, with every
//!   attribute, span and event. Nothing else is ever emitted, and the suite holds the
//!   running service to it.
//! - [`Metrics`] holds the instruments. The SDK aggregates each measurement once, for
//!   the OTLP push and for the text of `/metrics` ([`exposition`]).
//! - [`sampling`] keeps the trace of every request that was over budget, shed,
//!   degraded or failed, and a ratio of the rest; it decides when the request has ended.
//! - [`deep`] adds the steps of the work itself to the traces for which somebody asks.
//! - [`outbox`] is the bounded queue between the service and the collector:
//!   nothing that happens to the collector delays a request, and what is lost is counted.
//! - [`server`] is the span of a request, by convention, and that of a job.
//! - [`logs`] writes JSON lines with the trace they belong to.
//!
//! This room knows nothing of documents or controllers.

pub mod access_log;
pub mod catalogue;
pub mod deep;
mod exemplar;
mod expected;
mod exporters;
pub mod exposition;
pub mod levels;
mod log_writer;
mod logs;
mod metrics;
mod otlp;
mod outbox;
mod process;
mod resource;
pub mod sampling;
mod series;
pub mod server;
mod settings;
pub mod stage;
mod trace_store;

pub use exemplar::Exemplar;
pub use metrics::{HandOver, METHODS, Metrics, Outcome, Request};
pub use outbox::Loss;
pub use process::Usage;
pub use resource::resource;
pub use sampling::{Rule, Sampler};
pub use settings::{LogFormat, Settings, Signals};
pub use trace_store::{Interval, Recent};

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::logs::LoggerProvider as _;
use opentelemetry::trace::{TraceId, TracerProvider as _};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLogger;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider, data::ResourceMetrics};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use parking_lot::Mutex;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter of log levels does not parse.
    #[error("log filter {0:?}: {1}")]
    Filter(String, String),
    /// An exporter could not be built from the `OTEL_*` variables.
    #[error("OTLP exporter: {0}")]
    Exporter(String),
    /// A thread could not be started.
    #[error("telemetry thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Another subscriber is already in place.
    #[error("a tracing subscriber is already installed")]
    Installed,
}

/// The running telemetry of the process. Drop it after [`Telemetry::shutdown`].
#[derive(Debug)]
pub struct Telemetry {
    metrics: Arc<Metrics>,
    reader: SharedReader,
    meters: SdkMeterProvider,
    sampling: sampling::Sampling,
    traces: Option<Traces>,
    deep: deep::DeepTraces,
    resource: Resource,
    logger: Option<SdkLogger>,
    lines: log_writer::LogWriter,
    log_format: LogFormat,
    pipeline: Mutex<Option<otlp::Pipeline>>,
    filter: reload::Handle<EnvFilter, Registry>,
    directives: Mutex<String>,
    access_detail: AtomicU8,
    refused: access_log::Throttle,
}

/// Access lines: none are written,
const NONE: u8 = 0;
/// those of what was done, and the first of what was refused in each second,
const USUAL: u8 = 1;
/// those of all that was refused as well.
const DETAILED: u8 = 2;

/// Which access lines the filter lets through: asking it for each costs as much as writing one.
fn access_detail() -> u8 {
    // The macro knows the target and the level at compile time only.
    if tracing::enabled!(target: "svgx.request", tracing::Level::DEBUG) {
        DETAILED
    } else if tracing::enabled!(target: "svgx.request", tracing::Level::INFO) {
        USUAL
    } else {
        NONE
    }
}

/// What makes spans, and where they go.
#[derive(Debug)]
struct Traces {
    kept: Arc<trace_store::TraceStore>,
    // Dropping it would end tracing.
    _provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts everything the settings ask for and installs the `tracing`
    /// subscriber of the process.
    ///
    /// # Errors
    /// See [`Error`]. A collector that does not answer is not an error.
    pub fn start(settings: &Settings) -> Result<Telemetry, Error> {
        let resource = resource(settings);
        let reader = SharedReader::default();
        let mut builder = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_view(metrics::view(settings.latency_buckets.clone()));
        if !settings.disabled {
            builder = builder.with_reader(reader.clone());
        }
        let meters = builder.build();
        let metrics = Arc::new(Metrics::new(&meters, &settings.latency_buckets));
        let sampling = sampling::Sampling::new(settings.sampler);
        let lines = log_writer::LogWriter::start()?;

        let filter = levels::read(&settings.filter)?;
        let spans = Arc::new(outbox::Outbox::new("traces", settings.queue));
        let outbox = settings.otlp.traces.then(|| Arc::clone(&spans));
        let pipeline = match settings.otlp.any() {
            true => {
                // One reader serves both: what it collects is cumulative, so that
                // asking takes nothing from whoever asks next, and each measurement
                // is aggregated once.
                let reader = reader.clone();
                Some(otlp::Pipeline::start(settings, &resource, reader, spans, &metrics)?)
            }
            false => None,
        };
        let losses = pipeline.as_ref().map(otlp::Pipeline::losses);
        observe_loss(&metrics, lines.clone(), losses);

        let directives = filter;
        let filter = env_filter(&directives)?;
        let (filter, handle) = reload::Layer::new(filter);
        let traces = (!settings.disabled).then(|| {
            let kept = Arc::new(trace_store::TraceStore::new(outbox));
            let provider = SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_sampler(deep::collect::DeepSampler)
                .with_max_attributes_per_span(deep::collect::ATTRIBUTES)
                .with_max_events_per_span(deep::collect::EVENTS)
                .with_span_processor(deep::collect::Collector::default())
                .build();
            Traces { kept, _provider: provider }
        });
        let spans = traces.as_ref().map(|traces| {
            let layer = tracing_opentelemetry::layer()
                .with_tracer(traces._provider.tracer("svgx"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false);
            layer.boxed()
        });
        let logging = pipeline.as_ref().filter(|_| settings.otlp.logs);
        let records = logging.map(|p| {
            opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge::new(p.loggers())
                .boxed()
        });
        let logger = logging.map(|p| p.loggers().logger("svgx"));
        tracing_subscriber::registry()
            .with(filter)
            .with(spans)
            .with(records)
            .with(logs::layer(settings.log_format, lines.clone()))
            .try_init()
            .map_err(|_| Error::Installed)?;
        for notice in &settings.notices {
            tracing::warn!("{notice}");
        }
        Ok(Telemetry {
            metrics,
            reader,
            meters,
            sampling,
            traces,
            deep: deep::DeepTraces::default(),
            resource,
            logger,
            lines,
            log_format: settings.log_format,
            pipeline: Mutex::new(pipeline),
            filter: handle,
            directives: Mutex::new(directives),
            access_detail: AtomicU8::new(access_detail()),
            refused: access_log::Throttle::default(),
        })
    }

    /// The instruments.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The rule that says which traces are kept.
    pub fn sampling(&self) -> &sampling::Sampling {
        &self.sampling
    }

    /// Writes the access line of a request, and queues it for the collector
    /// where the trace is `kept`.
    pub fn access(&self, access: &access_log::AccessLine<'_>, kept: bool) {
        let detail = self.access_detail.load(Ordering::Relaxed);
        // A refused request leaves its line, but a flood that is refused must not become a flood
        // of lines: of more than a few a second only the first are written, unless all are
        // asked for. The pool counts refusals, and says so once a second.
        let refused = access.outcome == Outcome::Shed.as_str();
        if detail == NONE || (refused && detail < DETAILED && !self.refused.allows(access.at)) {
            return;
        }
        access.write(self.log_format, &self.lines);
        if let Some(logger) = self.logger.as_ref().filter(|_| kept) {
            access.emit(logger);
        }
    }

    /// Keeps the trace of a request that ended, if it is one to keep.
    pub fn finish(&self, ended: &server::Ended<'_>) {
        let parent = ended.parent.map(|p| p.sampled);
        let is_deep = ended.deep.is_some();
        self.keep(ended.trace.0, parent, ended.outcome, is_deep, || ended.spans());
    }

    /// Keeps the trace of a job that ended, by the same rule as that of its request.
    pub fn finish_job(&self, ended: &server::Job<'_>) {
        let is_deep = ended.deep.is_some();
        self.keep(ended.trace.0, ended.sampled, ended.outcome, is_deep, || ended.spans());
    }

    /// Keeps the trace of work that no request asked for. It is rare, and what an operator looks
    /// for when it happened: all of it is kept unless tracing is off.
    pub fn finish_background(&self, ended: &server::Background) {
        let Some(traces) = self.traces.as_ref().filter(|_| !self.sampling.is_off()) else { return };
        let (trace, spans) = ended.spans();
        traces.kept.keep(trace, ended.outcome, ended.steps.is_some(), spans);
    }

    /// Traces the steps of work that no request asked for and that is about to begin; `None`
    /// where nothing is traced.
    pub fn begin_background(&self) -> Option<server::Steps> {
        self.deep()?.begin_own().map(server::Steps::new)
    }

    /// Which requests are traced deeply; `None` where nothing is traced.
    pub fn deep(&self) -> Option<&deep::DeepTraces> {
        self.traces.as_ref().map(|_| &self.deep)
    }

    fn keep(
        &self,
        trace: TraceId,
        parent: Option<bool>,
        outcome: Outcome,
        is_deep: bool,
        spans: impl FnOnce() -> Vec<SpanData>,
    ) {
        let Some(traces) = &self.traces else { return };
        if is_deep || self.sampling.keeps(trace, parent, outcome) {
            traces.kept.keep(trace, outcome, is_deep, spans());
        }
    }

    /// The traces kept lately, newest first.
    pub fn recent_traces(&self) -> Vec<Recent> {
        self.traces.as_ref().map(|t| t.kept.recent()).unwrap_or_default()
    }

    /// The spans of a trace kept lately, the earliest first; none where it is not remembered.
    pub fn intervals(&self, id: TraceId) -> Vec<Interval> {
        self.traces.as_ref().map(|t| t.kept.intervals(id)).unwrap_or_default()
    }

    /// A trace kept lately, in OTLP's JSON: `{"resourceSpans": [...]}`, as the
    /// Collector's file exporter writes it. `None` where there is none.
    pub fn trace(&self, id: TraceId) -> Option<serde_json::Value> {
        let spans = self.traces.as_ref()?.kept.spans(id);
        if spans.is_empty() {
            return None;
        }
        let resource = ResourceAttributesWithSchema::from(&self.resource);
        let grouped = group_spans_by_resource_and_scope(spans, &resource);
        let grouped = serde_json::to_value(grouped).ok()?;
        Some(serde_json::json!({ "resourceSpans": grouped }))
    }

    /// The text of `/metrics` in the format the scraper prefers.
    pub fn exposition(&self, format: exposition::Format) -> String {
        let mut data = ResourceMetrics::default();
        // After shutdown there is nothing to read; an empty answer says so.
        let _ = self.reader.collect(&mut data);
        exposition::write(&data, self.metrics.exemplars(), self.metrics.expected(), format)
    }

    /// What the process uses, at most half a second old.
    pub fn usage(&self) -> Usage {
        self.metrics.process().usage()
    }

    /// What did not reach the collector, by signal.
    pub fn loss(&self) -> Vec<Loss> {
        self.pipeline.lock().as_ref().map(|p| p.losses().read().to_vec()).unwrap_or_default()
    }

    /// The log levels in force.
    pub fn filter(&self) -> String {
        self.directives.lock().clone()
    }

    /// Changes the log levels at run time, `info,svgx_server=debug`.
    ///
    /// # Errors
    /// When the directives do not parse ([`levels::read`]); the old ones stay in force.
    pub fn set_filter(&self, directives: &str) -> Result<(), Error> {
        let directives = levels::read(directives)?;
        let filter = env_filter(&directives)?;
        let mut in_force = self.directives.lock();
        self.filter.reload(filter).map_err(|e| Error::Filter(directives.clone(), e.to_string()))?;
        *in_force = directives;
        self.access_detail.store(access_detail(), Ordering::Relaxed);
        Ok(())
    }

    /// Sends what is still queued, for at most `timeout`, and stops.
    pub fn shutdown(&self, timeout: Duration) {
        let pipeline = self.pipeline.lock().take();
        if let Some(pipeline) = pipeline {
            pipeline.shutdown(timeout);
        }
        // Fails only when it was shut down before.
        let _ = self.meters.shutdown();
        self.lines.close(timeout);
    }
}

/// The filter of `directives`. The spans of deep traces pass whatever the levels of the log: they
/// are opened only where somebody asked for them.
fn env_filter(directives: &str) -> Result<EnvFilter, Error> {
    let all = format!("{directives},{}=info", svgx_base::deep::TARGET);
    EnvFilter::try_new(all).map_err(|e| Error::Filter(directives.to_owned(), e.to_string()))
}

/// Loss is a metric like any other, so that its alert can fire.
fn observe_loss(metrics: &Metrics, lines: log_writer::LogWriter, losses: Option<otlp::Losses>) {
    metrics.watch(&catalogue::TELEMETRY_LOST, move |see| {
        let mut say = |signal, kind, n: u64| {
            let labels = [
                KeyValue::new("svgx.telemetry.signal", signal),
                KeyValue::new("svgx.telemetry.loss", kind),
            ];
            see(n as f64, &labels);
        };
        say("lines", "overflow", lines.lost());
        for loss in losses.iter().flat_map(otlp::Losses::read) {
            say(loss.signal, "overflow", loss.overflow);
            say(loss.signal, "failed", loss.failed);
        }
    });
}

/// One manual reader in two hands: the SDK's and ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedReader(Arc<ManualReader>);

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: std::sync::Weak<opentelemetry_sdk::metrics::Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, rm: &mut ResourceMetrics) -> opentelemetry_sdk::error::OTelSdkResult {
        self.0.collect(rm)
    }

    fn force_flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> opentelemetry_sdk::error::OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(
        &self,
        kind: opentelemetry_sdk::metrics::InstrumentKind,
    ) -> opentelemetry_sdk::metrics::Temporality {
        self.0.temporality(kind)
    }
}

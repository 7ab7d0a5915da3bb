//! Traces, metrics and logs: measured once, read by every reader.
//!
//! - [`registry`] reads `slo/telemetry/`, which declares every metric, attribute,
//!   span and event; [`catalogue`] says the same of metrics in code. Nothing else
//!   is ever emitted, and the suite holds the running service to it.
//! - [`Metrics`] holds the instruments. The SDK aggregates each measurement for
//!   two readers: the OTLP push and the text of `/metrics` ([`exposition`]).
//! - [`tail`] keeps the trace of every request that was over budget, shed,
//!   degraded or failed, and a ratio of the rest; it decides when the root ends.
//! - [`outbox`] is the bounded queue between the service and the collector:
//!   nothing that happens to the collector delays a request, and what is lost is counted.
//! - [`server`] is the span of a request, by convention.
//! - [`logs`] writes JSON lines with the trace they belong to.
//!
//! This room knows nothing of documents or controllers.

pub mod catalogue;
mod exemplar;
pub mod exposition;
pub mod logs;
mod metrics;
mod otlp;
mod outbox;
mod process;
pub mod registry;
mod resource;
pub mod server;
mod settings;
pub mod tail;

pub use exemplar::Exemplar;
pub use metrics::{Metrics, Outcome, Request};
pub use outbox::Loss;
pub use process::Usage;
pub use resource::resource;
pub use settings::{LogFormat, Settings};

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider, data::ResourceMetrics};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use parking_lot::Mutex;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    sampling: tail::Sampling,
    pipeline: Mutex<Option<otlp::Pipeline>>,
    filter: reload::Handle<EnvFilter, Registry>,
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
        let push = SharedReader::default();
        let mut builder = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(reader.clone())
            .with_view(metrics::view(settings.latency_buckets.clone()));
        if settings.otlp {
            builder = builder.with_reader(push.clone());
        }
        let meters = builder.build();
        let metrics = Arc::new(Metrics::new(&meters, &settings.latency_buckets));
        let sampling = tail::Sampling::new(settings.sample_ratio);

        let filter = EnvFilter::try_new(&settings.filter)
            .map_err(|e| Error::Filter(settings.filter.clone(), e.to_string()))?;
        let (filter, handle) = reload::Layer::new(filter);
        let pipeline = if settings.otlp {
            Some(otlp::Pipeline::start(settings, &resource, push, sampling.clone(), &metrics)?)
        } else {
            None
        };
        let spans = pipeline.as_ref().map(|p| {
            let layer = tracing_opentelemetry::layer()
                .with_tracer(p.tracers().tracer("svgx"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false);
            layer.boxed()
        });
        let records = pipeline.as_ref().map(|p| {
            opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge::new(p.loggers())
                .boxed()
        });
        tracing_subscriber::registry()
            .with(filter)
            .with(spans)
            .with(records)
            .with(logs::layer(settings.log_format))
            .try_init()
            .map_err(|_| Error::Installed)?;
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let pipeline = Mutex::new(pipeline);
        Ok(Telemetry { metrics, reader, meters, sampling, pipeline, filter: handle })
    }

    /// The instruments.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The rule that says which traces are kept.
    pub fn sampling(&self) -> &tail::Sampling {
        &self.sampling
    }

    /// The text of `/metrics` in the format the scraper prefers.
    pub fn exposition(&self, format: exposition::Format) -> String {
        let mut data = ResourceMetrics::default();
        // After shutdown there is nothing to read; an empty answer says so.
        let _ = self.reader.collect(&mut data);
        exposition::write(&data, self.metrics.exemplars(), format)
    }

    /// What the process uses, at most half a second old.
    pub fn usage(&self) -> Usage {
        self.metrics.process().usage()
    }

    /// What did not reach the collector, by signal.
    pub fn loss(&self) -> Vec<Loss> {
        self.pipeline.lock().as_ref().map(otlp::Pipeline::loss).unwrap_or_default()
    }

    /// Changes the log levels at run time, `info,svgx_engine::http=debug`.
    ///
    /// # Errors
    /// When the directives do not parse; the old ones stay in force.
    pub fn set_filter(&self, directives: &str) -> Result<(), Error> {
        let filter = EnvFilter::try_new(directives)
            .map_err(|e| Error::Filter(directives.to_owned(), e.to_string()))?;
        self.filter.reload(filter).map_err(|e| Error::Filter(directives.to_owned(), e.to_string()))
    }

    /// Sends what is still queued, for at most `timeout`, and stops.
    pub fn shutdown(&self, timeout: Duration) {
        let pipeline = self.pipeline.lock().take();
        if let Some(pipeline) = pipeline {
            pipeline.shutdown(timeout);
        }
        // Fails only when it was shut down before.
        let _ = self.meters.shutdown();
    }
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

//! The road to the collector: one thread, three bounded queues, no way back.
//!
//! The exporters are OpenTelemetry's own and read the standard `OTEL_*`
//! variables (endpoint, protocol, headers, compression, timeout, certificate).
//! They run on a thread and a runtime of their own, so that a collector that is
//! slow, dead or flapping costs requests nothing.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    LogBatch, LogExporter as _, LogProcessor, SdkLogRecord, SdkLoggerProvider,
};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::metrics::reader::MetricReader as _;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::watch;

use super::exporters::Exporters;
use super::metrics::Metrics;
use super::outbox::{Loss, Outbox};
use super::settings::Settings;
use super::{Error, SharedReader, catalogue as c};
use svgx_base::machine;

/// Items in one request to the collector.
const BATCH: usize = 512;
/// Time a span or a record waits for company.
const LINGER: Duration = Duration::from_millis(500);
/// Attempts before a batch is given up.
const ATTEMPTS: u32 = 4;

type Record = (SdkLogRecord, InstrumentationScope);

#[derive(Debug)]
pub(crate) struct Pipeline {
    loggers: SdkLoggerProvider,
    queues: Queues,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What waits for the collector.
#[derive(Clone, Debug)]
struct Queues {
    spans: Arc<Outbox<SpanData>>,
    records: Arc<Outbox<Record>>,
    points: Arc<Outbox<()>>,
}

impl Pipeline {
    /// Starts sending what comes into `spans`, and the logs and metrics.
    pub(crate) fn start(
        settings: &Settings,
        resource: &Resource,
        reader: SharedReader,
        spans: Arc<Outbox<SpanData>>,
        metrics: &Arc<Metrics>,
    ) -> Result<Pipeline, Error> {
        let records = Arc::new(Outbox::new("logs", settings.queue));
        let points = Arc::new(Outbox::new("metrics", 0));
        let queues = Queues { spans, records, points };
        observe_sent(metrics, Losses(queues.clone()));
        let loggers = SdkLoggerProvider::builder()
            .with_resource(resource.clone())
            .with_log_processor(Queue(Arc::clone(&queues.records)))
            .build();

        let (stop, stopped) = watch::channel(false);
        let (ready, is_ready) = std::sync::mpsc::channel();
        let sending = queues.clone();
        let (interval, signals) = (settings.metric_interval, settings.otlp);
        let resource = resource.clone();
        let thread = std::thread::Builder::new().name("otlp".to_owned()).spawn(move || {
            machine::set_niceness(10);
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(e) => return drop(ready.send(Err(Error::Thread(e)))),
            };
            runtime.block_on(async move {
                let exporters = match Exporters::build(&resource, signals) {
                    Ok(exporters) => exporters,
                    Err(e) => return drop(ready.send(Err(e))),
                };
                let _ = ready.send(Ok(()));
                let Exporters { spans: span, records: log, metrics: metric } = exporters;
                let Queues { spans, records, points } = sending;
                let traces = async {
                    let Some(span) = &span else { return };
                    let send = async |batch: &[SpanData]| span.export(batch.to_vec()).await;
                    push_all(&spans, stopped.clone(), send).await;
                };
                let logs = async {
                    let Some(log) = &log else { return };
                    let send = async |batch: &[Record]| {
                        let pairs: Vec<_> = batch.iter().map(|(r, s)| (r, s)).collect();
                        log.export(LogBatch::new(&pairs)).await
                    };
                    push_all(&records, stopped.clone(), send).await;
                };
                let metrics = async {
                    let Some(metric) = &metric else { return };
                    push_metrics(&points, reader, interval, stopped.clone(), metric).await;
                };
                tokio::join!(traces, logs, metrics);
                // Closing after the last export: an error here loses nothing.
                let _ = span.map(|s| s.shutdown());
                let _ = log.map(|l| l.shutdown());
                let _ = metric.map(|m| m.shutdown());
            });
        })?;
        is_ready.recv().map_err(|e| Error::Exporter(e.to_string()))??;
        Ok(Pipeline { loggers, queues, stop, thread: Some(thread) })
    }

    pub(crate) fn loggers(&self) -> &SdkLoggerProvider {
        &self.loggers
    }

    /// A hand on what was sent and lost, good after the end of the pipeline.
    pub(crate) fn losses(&self) -> Losses {
        Losses(self.queues.clone())
    }

    pub(crate) fn shutdown(mut self, timeout: Duration) {
        let _ = self.stop.send(true);
        let Some(thread) = self.thread.take() else { return };
        // The thread cannot be joined with a time-out, so a helper joins it.
        let (done, is_done) = std::sync::mpsc::channel();
        let joining = std::thread::Builder::new().name("otlp-stop".to_owned()).spawn(move || {
            let _ = thread.join();
            let _ = done.send(());
        });
        if joining.is_ok() {
            let _ = is_done.recv_timeout(timeout);
        }
    }
}

/// Sends what comes into `queue` until told to stop, then what is left, once.
async fn push_all<T>(
    queue: &Outbox<T>,
    mut stopped: watch::Receiver<bool>,
    export: impl AsyncFn(&[T]) -> OTelSdkResult,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LINGER) => {}
            () = queue.filling() => {}
            _ = stopped.changed() => {}
        }
        let last = *stopped.borrow();
        loop {
            let batch = queue.take(BATCH);
            if batch.is_empty() {
                break;
            }
            let mut pause = Duration::from_millis(250);
            let mut sent = false;
            for attempt in 1..=ATTEMPTS {
                if export(&batch).await.is_ok() {
                    sent = true;
                    break;
                }
                if attempt == ATTEMPTS || *stopped.borrow() {
                    break;
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stopped.changed() => {}
                }
                pause *= 2;
            }
            if sent {
                queue.count_sent(batch.len());
            } else {
                queue.count_failed(batch.len());
            }
        }
        if last {
            return;
        }
    }
}

/// Pushes the metrics at every interval and once at the end. They are
/// cumulative, so that a push that fails is made good by the next.
async fn push_metrics(
    points: &Outbox<()>,
    reader: SharedReader,
    interval: Duration,
    mut stopped: watch::Receiver<bool>,
    exporter: &MetricExporter,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            _ = stopped.changed() => {}
        }
        let last = *stopped.borrow();
        let mut data = ResourceMetrics::default();
        if reader.collect(&mut data).is_ok() {
            let n = data_points(&data);
            if exporter.export(&data).await.is_ok() {
                points.count_sent(n);
            } else {
                points.count_failed(n);
            }
        }
        if last {
            return;
        }
    }
}

fn data_points(data: &ResourceMetrics) -> usize {
    fn of<T>(data: &MetricData<T>) -> usize {
        match data {
            MetricData::Gauge(g) => g.data_points().count(),
            MetricData::Sum(s) => s.data_points().count(),
            MetricData::Histogram(h) => h.data_points().count(),
            MetricData::ExponentialHistogram(h) => h.data_points().count(),
        }
    }
    data.scope_metrics()
        .flat_map(|s| s.metrics())
        .map(|m| match m.data() {
            AggregatedMetrics::F64(d) => of(d),
            AggregatedMetrics::U64(d) => of(d),
            AggregatedMetrics::I64(d) => of(d),
        })
        .sum()
}

/// What was sent and lost.
#[derive(Clone, Debug)]
pub(crate) struct Losses(Queues);

impl Losses {
    pub(crate) fn read(&self) -> [Loss; 3] {
        let Queues { spans, records, points } = &self.0;
        [spans.loss(), points.loss(), records.loss()]
    }
}

fn observe_sent(metrics: &Metrics, losses: Losses) {
    metrics.watch(&c::TELEMETRY_SENT, move |see| {
        for loss in losses.read() {
            see(loss.sent as f64, &[KeyValue::new("svgx.telemetry.signal", loss.signal)]);
        }
    });
}

#[derive(Debug)]
struct Queue(Arc<Outbox<Record>>);

impl LogProcessor for Queue {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.0.push_all([(record.clone(), scope.clone())]);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

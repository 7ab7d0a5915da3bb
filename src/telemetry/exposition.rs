//! The text of `/metrics`: Prometheus 0.0.4, or OpenMetrics 1.0 with exemplars.
//!
//! Names follow OpenTelemetry's rules for Prometheus: dots become underscores,
//! the unit is a suffix, counters end in `_total`.

use std::fmt::{Display, Write as _};
use std::time::UNIX_EPOCH;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};

use super::catalogue::{self, prometheus_name};
use super::exemplar::{Exemplar, Exemplars};

/// Which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`: without exemplars.
    Prometheus,
    /// `application/openmetrics-text; version=1.0.0`.
    OpenMetrics,
}

impl Format {
    /// The best format for an `Accept` header.
    pub fn accepted(accept: Option<&str>) -> Format {
        match accept {
            Some(a) if a.contains("application/openmetrics-text") => Format::OpenMetrics,
            _ => Format::Prometheus,
        }
    }

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes `data` as text.
pub(crate) fn write(data: &ResourceMetrics, exemplars: &Exemplars, format: Format) -> String {
    let mut page = Page { out: String::with_capacity(32 * 1024), exemplars, format };
    page.target(data);
    for metric in data.scope_metrics().flat_map(|s| s.metrics()) {
        page.metric(metric);
    }
    if format == Format::OpenMetrics {
        page.out.push_str("# EOF\n");
    }
    page.out
}

struct Page<'e> {
    out: String,
    exemplars: &'e Exemplars,
    format: Format,
}

impl Page<'_> {
    fn target(&mut self, data: &ResourceMetrics) {
        let labels: Vec<_> =
            data.resource().iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect();
        let kind = if self.format == Format::OpenMetrics { "info" } else { "gauge" };
        let family = if self.format == Format::OpenMetrics { "target" } else { "target_info" };
        self.header(family, kind, "Who is speaking.");
        self.sample("target_info", labels.iter(), None, 1);
    }

    fn metric(&mut self, metric: &Metric) {
        match metric.data() {
            AggregatedMetrics::F64(d) => self.data(metric, d),
            AggregatedMetrics::U64(d) => self.data(metric, d),
            AggregatedMetrics::I64(d) => self.data(metric, d),
        }
    }

    fn data<T: Copy + Display>(&mut self, metric: &Metric, data: &MetricData<T>) {
        let Some(declared) = catalogue::ALL.iter().find(|m| m.name == metric.name()) else {
            return;
        };
        let name = prometheus_name(declared);
        match data {
            MetricData::Gauge(g) => {
                self.header(&name, "gauge", metric.description());
                for p in g.data_points() {
                    self.sample(&name, p.attributes(), None, p.value());
                }
            }
            MetricData::Sum(s) if s.is_monotonic() => {
                let family = match self.format {
                    Format::OpenMetrics => name.trim_end_matches("_total"),
                    Format::Prometheus => &name,
                };
                self.header(family, "counter", metric.description());
                for p in s.data_points() {
                    self.sample(&name, p.attributes(), None, p.value());
                }
            }
            MetricData::Sum(s) => {
                self.header(&name, "gauge", metric.description());
                for p in s.data_points() {
                    self.sample(&name, p.attributes(), None, p.value());
                }
            }
            MetricData::Histogram(h) => {
                let format = self.format;
                self.header(&name, "histogram", metric.description());
                for p in h.data_points() {
                    let exemplars = match self.format {
                        Format::OpenMetrics => self.exemplars.of(metric.name(), p.attributes()),
                        Format::Prometheus => None,
                    };
                    let bucket = format!("{name}_bucket");
                    let mut total = 0;
                    let edges = p.bounds().map(|b| edge(format, b)).chain(["+Inf".to_owned()]);
                    for (i, (edge, n)) in edges.zip(p.bucket_counts()).enumerate() {
                        total += n;
                        let exemplar = exemplars.as_ref().and_then(|e| e.get(i).copied().flatten());
                        self.bucket(&bucket, p.attributes(), &edge, total, exemplar);
                    }
                    self.sample(&format!("{name}_sum"), p.attributes(), None, p.sum());
                    self.sample(&format!("{name}_count"), p.attributes(), None, p.count());
                }
            }
            // No view asks for exponential histograms: their edges are never on a budget.
            MetricData::ExponentialHistogram(_) => {}
        }
    }

    fn header(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.out, "# HELP {name} {}", escape(help, false));
        let _ = writeln!(self.out, "# TYPE {name} {kind}");
    }

    fn bucket<'a>(
        &mut self,
        name: &str,
        labels: impl Iterator<Item = &'a KeyValue>,
        edge: &str,
        total: u64,
        exemplar: Option<Exemplar>,
    ) {
        self.sample(name, labels, Some(edge), total);
        if let Some(e) = exemplar {
            self.out.pop();
            let at = e.at.duration_since(UNIX_EPOCH).unwrap_or_default();
            let _ = writeln!(
                self.out,
                " # {{trace_id=\"{}\",span_id=\"{}\"}} {:?} {:.3}",
                e.trace,
                e.span,
                e.value,
                at.as_secs_f64()
            );
        }
    }

    fn sample<'a>(
        &mut self,
        name: &str,
        labels: impl Iterator<Item = &'a KeyValue>,
        edge: Option<&str>,
        value: impl Display,
    ) {
        self.out.push_str(name);
        let mut open = '{';
        for kv in labels {
            let key = kv.key.as_str().replace(['.', '-', '/'], "_");
            let _ = write!(self.out, "{open}{key}=\"{}\"", escape(&kv.value.as_str(), true));
            open = ',';
        }
        if let Some(edge) = edge {
            let _ = write!(self.out, "{open}le=\"{edge}\"");
            open = ',';
        }
        if open == ',' {
            self.out.push('}');
        }
        let _ = writeln!(self.out, " {value}");
    }
}

fn edge(format: Format, bound: f64) -> String {
    match format {
        Format::OpenMetrics => format!("{bound:?}"),
        Format::Prometheus => bound.to_string(),
    }
}

fn escape(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opentelemetry::trace::{SpanId, TraceId};
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use opentelemetry_sdk::metrics::reader::MetricReader as _;

    use super::*;
    use crate::metrics::{Metrics, Outcome, Request, view};
    use crate::{Settings, SharedReader, resource};

    const EDGES: [f64; 5] = [0.008, 0.016, 0.032, 0.1, 1.0];

    fn page(format: Format, record: impl FnOnce(&Metrics)) -> String {
        let reader = SharedReader::default();
        let provider = SdkMeterProvider::builder()
            .with_resource(resource(&Settings::default()))
            .with_reader(reader.clone())
            .with_view(view(EDGES.to_vec()))
            .build();
        let metrics = Metrics::new(&provider, &EDGES);
        record(&metrics);
        let mut data = ResourceMetrics::default();
        reader.collect(&mut data).expect("the reader is registered");
        write(&data, metrics.exemplars(), format)
    }

    fn click(metrics: &Metrics, ms: u64) {
        let trace = Some((TraceId::from(7u128), SpanId::from(9u64)));
        metrics.operation("ui", "click", Duration::from_millis(ms), Outcome::Ok, "none", trace);
    }

    #[test]
    fn a_request_exactly_on_the_budget_counts_as_within_it() {
        let text = page(Format::Prometheus, |m| {
            click(m, 16);
            click(m, 17);
        });
        let labels = r#"svgx_budget_class="ui",svgx_operation_name="click""#;
        for (edge, n) in [("0.008", 0), ("0.016", 1), ("0.032", 2), ("+Inf", 2)] {
            let line =
                format!("svgx_operation_duration_seconds_bucket{{{labels},le=\"{edge}\"}} {n}\n");
            assert!(text.contains(&line), "{line} in\n{text}");
        }
    }

    #[test]
    fn openmetrics_carries_the_trace_in_its_own_bucket_and_ends_with_eof() {
        let text = page(Format::OpenMetrics, |m| click(m, 17));
        let line = text
            .lines()
            .find(|l| l.contains("le=\"0.032\"") && l.starts_with("svgx_operation"))
            .expect("the bucket is there");
        assert!(line.contains("# {trace_id=\"00000000000000000000000000000007\""), "{line}");
        assert!(line.contains("span_id=\"0000000000000009\"} 0.017 "), "{line}");
        assert!(text.contains("le=\"1.0\""), "edges are canonical floats");
        assert!(text.ends_with("# EOF\n"));
        assert!(!page(Format::Prometheus, |m| click(m, 17)).contains("trace_id"));
    }

    #[test]
    fn a_flood_of_routes_folds_into_one_series() {
        let text = page(Format::Prometheus, |m| {
            for i in 0..1_000 {
                m.request_started("GET", "http");
                m.request(&Request {
                    method: "GET",
                    scheme: "http",
                    route: Some(format!("/{i}").leak()),
                    status: 200,
                    duration: Duration::from_millis(1),
                    trace: None,
                });
            }
        });
        let series = text
            .lines()
            .filter(|l| l.starts_with("http_server_request_duration_seconds_count"))
            .count();
        assert!(series <= catalogue::HTTP_DURATION.series + 1, "{series} series");
        assert!(text.contains("otel_metric_overflow=\"true\""));
    }

    #[test]
    fn the_process_tells_what_it_uses() {
        let text = page(Format::Prometheus, |_| ());
        for name in ["process_cpu_time_seconds_total", "process_memory_usage_bytes", "target_info"]
        {
            assert!(text.lines().any(|l| l.starts_with(name)), "{name} in\n{text}");
        }
    }

    #[test]
    fn label_values_cannot_break_out_of_their_quotes() {
        assert_eq!(escape("a\"b\\c\nd", true), "a\\\"b\\\\c\\nd");
    }
}

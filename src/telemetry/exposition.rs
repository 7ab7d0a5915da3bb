//! The text of `/metrics`: Prometheus 0.0.4, or OpenMetrics 1.0 with exemplars.
//!
//! Names follow OpenTelemetry's rules for Prometheus: dots become underscores,
//! the unit is a suffix, counters end in `_total`.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{Display, Write as _};
use std::time::UNIX_EPOCH;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};

use super::catalogue::{self, prometheus_name};
use super::exemplar::{Exemplar, Exemplars};
use super::expected::{self, Expected};

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
pub(crate) fn write(
    data: &ResourceMetrics,
    exemplars: &Exemplars,
    expected: &Expected,
    format: Format,
) -> String {
    let expected = expected.lock();
    let mut page = Page { out: String::with_capacity(64 * 1024), exemplars, expected, format };
    page.target(data);
    for metric in data.scope_metrics().flat_map(|s| s.metrics()) {
        page.metric(metric);
    }
    let seen: Vec<&str> =
        data.scope_metrics().flat_map(|s| s.metrics()).map(Metric::name).collect();
    for declared in catalogue::ALL.iter().filter(|m| !seen.contains(&m.name)) {
        page.untouched(declared);
    }
    if format == Format::OpenMetrics {
        page.out.push_str("# EOF\n");
    }
    page.out
}

struct Page<'e> {
    out: String,
    exemplars: &'e Exemplars,
    expected: parking_lot::MutexGuard<'e, expected::Histograms>,
    format: Format,
}

impl Page<'_> {
    fn target(&mut self, data: &ResourceMetrics) {
        let labels = resource_labels(
            data.resource().iter().map(|(k, v)| (k.as_str(), v.as_str().into_owned())),
        );
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
                let measured: HashSet<Vec<String>> =
                    h.data_points().map(|p| expected::identity(p.attributes())).collect();
                self.zeros(declared, &measured);
            }
            // No view asks for exponential histograms: their edges are never on a budget.
            MetricData::ExponentialHistogram(_) => {}
        }
    }

    /// A histogram of which nothing was measured yet.
    fn untouched(&mut self, declared: &catalogue::Metric) {
        if self.expected.of(declared.name).is_empty() {
            return;
        }
        self.header(&prometheus_name(declared), "histogram", declared.description);
        self.zeros(declared, &HashSet::new());
    }

    /// The series that are expected and not measured, at zero: the SDK has no histogram of
    /// nothing, and a series that is born with its first burst hides that burst from `rate`.
    fn zeros(&mut self, declared: &catalogue::Metric, measured: &HashSet<Vec<String>>) {
        let name = prometheus_name(declared);
        let (bucket, sum, count) =
            (format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count"));
        let edges: Vec<String> = self.expected.edges().map(|b| edge(self.format, b)).collect();
        for series in self.expected.of(declared.name).to_vec() {
            if measured.contains(&expected::identity(series.iter())) {
                continue;
            }
            for edge in edges.iter().map(String::as_str).chain(["+Inf"]) {
                self.sample(&bucket, series.iter(), Some(edge), 0);
            }
            self.sample(&sum, series.iter(), None, 0);
            self.sample(&count, series.iter(), None, 0);
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
            self.out.push(open);
            label(kv.key.as_str(), &mut self.out);
            let _ = write!(self.out, "=\"{}\"", escape(&kv.value.as_str(), true));
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

/// Appends the label of an attribute, by the rules of OpenTelemetry for Prometheus: whatever
/// is no letter, digit or underscore becomes one underscore, and so do several in a row;
/// a digit does not come first.
fn label(key: &str, out: &mut String) {
    if key.starts_with(|c: char| c.is_ascii_digit()) || key.is_empty() {
        out.push('_');
    }
    let begin = out.len();
    for c in key.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if out.len() == begin || !out.ends_with('_') {
            out.push('_');
        }
    }
}

/// Labels for attributes that operators name. Where two come to the same label it carries
/// both values, joined by `;` in the order of the attributes' names, as the rules say.
fn resource_labels<'a>(attributes: impl Iterator<Item = (&'a str, String)>) -> Vec<KeyValue> {
    let sorted: BTreeMap<&str, String> = attributes.collect();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in sorted {
        let mut name = String::with_capacity(key.len() + 1);
        label(key, &mut name);
        let all = labels.entry(name).or_default();
        if !all.is_empty() {
            all.push(';');
        }
        all.push_str(&value);
    }
    labels.into_iter().map(|(name, value)| KeyValue::new(name, value)).collect()
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
        write(&data, metrics.exemplars(), metrics.expected(), format)
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
    fn whatever_an_attribute_is_called_its_label_is_one() {
        for (key, expected) in [
            ("service.name", "service_name"),
            ("k8s.pod-name/x", "k8s_pod_name_x"),
            ("cost center", "cost_center"),
            ("app.kubernetes.io:part", "app_kubernetes_io_part"),
            ("owner@example", "owner_example"),
            ("8ball", "_8ball"),
            ("größe", "gr_e"),
            ("名前", "_"),
            ("__name__", "_name_"),
            ("a..b", "a_b"),
            ("-x", "_x"),
            ("-8", "_8"),
            ("", "_"),
            ("a\nb=\"c\"", "a_b_c_"),
        ] {
            let mut out = String::from("{");
            label(key, &mut out);
            assert_eq!(&out[1..], expected, "{key:?}");
        }
    }

    #[test]
    fn attributes_that_share_a_label_share_it_once() {
        let given = [("a-b", "2"), ("a.b", "3"), ("a b", "1"), ("c", "4")];
        let labels = resource_labels(given.into_iter().map(|(k, v)| (k, v.to_owned())));
        let shown: Vec<String> =
            labels.iter().map(|kv| format!("{}={}", kv.key, kv.value)).collect();
        assert_eq!(shown, ["a_b=1;2;3", "c=4"]);
    }

    #[test]
    fn what_is_known_is_there_at_zero_before_anything_happens() {
        for format in [Format::Prometheus, Format::OpenMetrics] {
            let text = page(format, |m| {
                m.expect_request("POST", "http", Some("/simulate"), 503);
                m.expect_operation("physics", "simulate");
                m.expect_outcome("physics", Outcome::Shed, "backstop");
                // What is both expected and measured stands there once.
                m.expect_operation("ui", "click");
                click(m, 17);
            });
            let value = |line: &str| text.lines().find_map(|l| l.strip_prefix(line));
            let http = r#"http_request_method="POST",url_scheme="http",http_response_status_code="503",http_route="/simulate",error_type="503""#;
            let physics = r#"svgx_budget_class="physics",svgx_operation_name="simulate""#;
            let shed =
                r#"svgx_budget_class="physics",svgx_slo_outcome="shed",svgx_slo_reason="backstop""#;
            let one = if format == Format::OpenMetrics { "1.0" } else { "1" };
            for line in [
                format!("http_server_request_duration_seconds_count{{{http}}}"),
                format!("http_server_request_duration_seconds_bucket{{{http},le=\"+Inf\"}}"),
                format!("svgx_operation_duration_seconds_bucket{{{physics},le=\"{one}\"}}"),
                format!("svgx_operation_duration_seconds_sum{{{physics}}}"),
                format!("svgx_operation_outcomes_total{{{shed}}}"),
            ] {
                assert_eq!(value(&line), Some(" 0"), "{line} in\n{text}");
            }
            let clicks = r#"svgx_operation_duration_seconds_count{svgx_budget_class="ui",svgx_operation_name="click"}"#;
            let found: Vec<&str> = text.lines().filter(|l| l.starts_with(clicks)).collect();
            assert_eq!(found, [format!("{clicks} 1")]);
            for family in
                ["http_server_request_duration_seconds", "svgx_operation_duration_seconds"]
            {
                let head = format!("# TYPE {family} histogram");
                assert_eq!(text.matches(&head).count(), 1, "{family}");
            }
        }
    }

    #[test]
    fn label_values_cannot_break_out_of_their_quotes() {
        assert_eq!(escape("a\"b\\c\nd", true), "a\\\"b\\\\c\\nd");
    }
}

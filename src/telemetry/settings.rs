//! What telemetry is to do.

use std::time::Duration;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For a person at a terminal.
    Pretty,
}

/// The settings of telemetry. Where the collector is, and how to speak to it,
/// is said by the standard `OTEL_*` variables, which the exporters read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether nothing is measured, traced or sent (`OTEL_SDK_DISABLED`); log lines remain.
    pub disabled: bool,
    /// Whether traces, metrics and logs are sent by OTLP.
    pub otlp: bool,
    /// `service.instance.id`; one is made up where none is given.
    pub instance: Option<String>,
    /// `deployment.environment.name`.
    pub environment: String,
    /// The edges of the latency histograms in seconds, ascending, from the specs.
    pub latency_buckets: Vec<f64>,
    /// The share of unremarkable traces that is kept, 0 to 1.
    pub sample_ratio: f64,
    /// Log levels: `info,svgx_server=debug`.
    pub filter: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Spans and log records that may wait for the collector, each.
    pub queue: usize,
    /// Time between two pushes of metrics.
    pub metric_interval: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            disabled: false,
            otlp: false,
            instance: None,
            environment: "development".to_owned(),
            latency_buckets: Vec::new(),
            sample_ratio: 0.01,
            filter: "info".to_owned(),
            log_format: LogFormat::Json,
            queue: 8_192,
            metric_interval: Duration::from_secs(10),
        }
    }
}

impl Settings {
    /// Reads `OTEL_*` variables through `get`, so that tests need no environment:
    /// OTLP is on when an endpoint is named and `OTEL_SDK_DISABLED` is not `true`.
    #[must_use]
    pub fn with_otel_variables(mut self, get: impl Fn(&str) -> Option<String>) -> Settings {
        let set = |name: &str| get(name).filter(|v| !v.trim().is_empty());
        let disabled = set("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let endpoint = [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        ]
        .iter()
        .any(|n| set(n).is_some());
        self.disabled = disabled;
        self.otlp = endpoint && !disabled;
        if let Some(ratio) = set("OTEL_TRACES_SAMPLER_ARG").and_then(|v| v.trim().parse().ok()) {
            self.sample_ratio = ratio;
        }
        if let Some(ms) = set("OTEL_METRIC_EXPORT_INTERVAL").and_then(|v| v.trim().parse().ok()) {
            self.metric_interval = Duration::from_millis(ms);
        }
        if let Some(n) = set("OTEL_BSP_MAX_QUEUE_SIZE").and_then(|v| v.trim().parse().ok()) {
            self.queue = n;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Settings {
        Settings::default().with_otel_variables(|name| {
            pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn otlp_is_off_until_an_endpoint_is_named() {
        assert!(!from(&[]).otlp);
        assert!(from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")]).otlp);
        assert!(!from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).otlp);
    }

    #[test]
    fn the_standard_switch_turns_everything_off() {
        let settings = from(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"),
            ("OTEL_SDK_DISABLED", "TRUE"),
        ]);
        assert!(!settings.otlp);
    }

    #[test]
    fn what_cannot_be_read_leaves_the_default() {
        assert_eq!(from(&[("OTEL_TRACES_SAMPLER_ARG", "many")]).sample_ratio, 0.01);
        assert_eq!(from(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")]).sample_ratio, 0.5);
    }
}

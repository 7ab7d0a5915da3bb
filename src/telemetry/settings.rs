//! What telemetry is to do.

use std::time::Duration;

use super::Error;
use super::sampling::{Rule, Sampler};

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
    /// What is sent by OTLP.
    pub otlp: Signals,
    /// `service.instance.id`; one is made up where none is given.
    pub instance: Option<String>,
    /// `deployment.environment.name`.
    pub environment: String,
    /// The edges of the latency histograms in seconds, ascending, from the specs.
    pub latency_buckets: Vec<f64>,
    /// Which traces are kept.
    pub sampler: Sampler,
    /// Log levels: `info,svgx_server=debug`.
    pub filter: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Spans and log records that may wait for the collector, each.
    pub queue: usize,
    /// Time between two pushes of metrics.
    pub metric_interval: Duration,
    /// What was not understood and is ignored, to be said when logging has begun.
    pub notices: Vec<String>,
}

/// The signals, and for each whether or how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals<T = bool> {
    /// Spans.
    pub traces: T,
    /// Metric points.
    pub metrics: T,
    /// Log records.
    pub logs: T,
}

impl Signals {
    /// Whether there is any.
    pub fn any(self) -> bool {
        self.traces || self.metrics || self.logs
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            disabled: false,
            otlp: Signals::default(),
            instance: None,
            environment: "development".to_owned(),
            latency_buckets: Vec::new(),
            sampler: Sampler::default(),
            filter: "info".to_owned(),
            log_format: LogFormat::Json,
            queue: 8_192,
            metric_interval: Duration::from_secs(10),
            notices: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads `OTEL_*` variables through `get`, so that tests need no environment. A signal is
    /// sent by OTLP when an endpoint is named for it or for all, or its exporter is `otlp`; not
    /// when its exporter is `none`, and nothing is when `OTEL_SDK_DISABLED` is `true`. By the
    /// specification what cannot be understood is ignored, with a notice.
    #[must_use]
    pub fn with_otel_variables(mut self, get: impl Fn(&str) -> Option<String>) -> Settings {
        let set = |name: &str| get(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        self.disabled = set("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        self.sampler(set("OTEL_TRACES_SAMPLER"), set("OTEL_TRACES_SAMPLER_ARG"));
        let all = set("OTEL_EXPORTER_OTLP_ENDPOINT").is_some();
        let mut signal = |name: &str| {
            let own = set(&format!("OTEL_EXPORTER_OTLP_{name}_ENDPOINT")).is_some();
            let variable = format!("OTEL_{name}_EXPORTER");
            match set(&variable).map(|v| v.to_ascii_lowercase()) {
                None => all || own,
                Some(exporters) => exporters.split(',').map(str::trim).any(|e| {
                    // `/metrics` is there for Prometheus whatever is chosen.
                    if !["otlp", "none", "prometheus"].contains(&e) {
                        self.notices.push(format!(
                            "{variable}={e:?} is not known and is ignored; expected otlp or none"
                        ));
                    }
                    e == "otlp"
                }),
            }
        };
        let asked =
            Signals { traces: signal("TRACES"), metrics: signal("METRICS"), logs: signal("LOGS") };
        let off = Sampler { rule: Rule::Off, parent_based: false };
        self.otlp = match self.disabled {
            true => Signals::default(),
            false => Signals { traces: asked.traces && self.sampler != off, ..asked },
        };
        let number = |name: &str, notices: &mut Vec<String>| {
            let text = set(name)?;
            let number = text.parse().ok().filter(|n| *n > 0);
            if number.is_none() {
                notices.push(format!("{name}={text:?} is no number above 0 and is ignored"));
            }
            number
        };
        if let Some(ms) = number("OTEL_METRIC_EXPORT_INTERVAL", &mut self.notices) {
            self.metric_interval = Duration::from_millis(ms);
        }
        if let Some(n) = number("OTEL_BSP_MAX_QUEUE_SIZE", &mut self.notices) {
            self.queue = usize::try_from(n).unwrap_or(usize::MAX).min(MOST_QUEUED);
        }
        self
    }

    /// Chooses the sampler. Without one, a ratio is that of the usual one.
    fn sampler(&mut self, name: Option<String>, argument: Option<String>) {
        let ratio = argument.as_deref().map(|text| (text, text.parse::<f64>().ok()));
        let ratio = match ratio {
            Some((_, Some(ratio))) if (0.0..=1.0).contains(&ratio) => Some(ratio),
            Some((text, _)) => {
                self.notices.push(format!(
                    "OTEL_TRACES_SAMPLER_ARG={text:?} is ignored; expected a share, 0 to 1"
                ));
                None
            }
            None => None,
        };
        let Some(name) = name else {
            if let Some(ratio) = ratio {
                self.sampler.rule = Rule::Ratio(ratio);
            }
            return;
        };
        let lower = name.to_ascii_lowercase();
        let (parent_based, rule) = match lower.strip_prefix("parentbased_") {
            Some(rule) => (true, rule),
            None => (false, lower.as_str()),
        };
        let rule = match rule {
            "always_on" => Rule::All,
            "always_off" => Rule::Off,
            // The specification's own default.
            "traceidratio" => Rule::Ratio(ratio.unwrap_or(1.0)),
            _ => {
                let names = "always_on, always_off or traceidratio, each with parentbased_ or not";
                self.notices.push(format!(
                    "OTEL_TRACES_SAMPLER={name:?} is not known and is ignored; expected {names}"
                ));
                return;
            }
        };
        self.sampler = Sampler { rule, parent_based };
    }
}

/// Items that may wait for the collector at the most, whatever is asked for.
const MOST_QUEUED: usize = 1 << 20;

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Http,
}

/// The protocol of each signal: its own variable, or that of all; gRPC without.
///
/// # Errors
/// [`Error::Exporter`]: a protocol that is not spoken. Sending it another would fail for ever.
pub(crate) fn protocols(get: impl Fn(&str) -> Option<String>) -> Result<Signals<Protocol>, Error> {
    let set = |name: &str| get(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    let one = |signal: &str| {
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_PROTOCOL");
        let all = "OTEL_EXPORTER_OTLP_PROTOCOL";
        let (name, value) = match (set(&own), set(all)) {
            (Some(value), _) => (own.as_str(), value),
            (None, Some(value)) => (all, value),
            (None, None) => return Ok(Protocol::Grpc),
        };
        match value.as_str() {
            "grpc" => Ok(Protocol::Grpc),
            "http/protobuf" => Ok(Protocol::Http),
            other => {
                Err(Error::Exporter(format!("{name}={other:?}: expected grpc or http/protobuf")))
            }
        }
    };
    Ok(Signals { traces: one("TRACES")?, metrics: one("METRICS")?, logs: one("LOGS")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    fn from(pairs: &[(&str, &str)]) -> Settings {
        Settings::default().with_otel_variables(variables(pairs))
    }

    const ALL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");

    #[test]
    fn a_signal_is_sent_where_it_has_an_endpoint_and_nothing_switches_it_off() {
        let (t, f) = (true, false);
        for (pairs, traces, metrics, logs) in [
            (&[][..], f, f, f),
            (&[ALL], t, t, t),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], f, f, f),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/v1/traces")], t, f, f),
            (&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c:4317")], f, t, f),
            (&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c:4317")], f, f, t),
            (&[ALL, ("OTEL_LOGS_EXPORTER", "none")], t, t, f),
            (&[ALL, ("OTEL_TRACES_EXPORTER", "None"), ("OTEL_METRICS_EXPORTER", "none")], f, f, t),
            (&[ALL, ("OTEL_METRICS_EXPORTER", "prometheus")], t, f, t),
            (&[ALL, ("OTEL_METRICS_EXPORTER", "prometheus, otlp")], t, t, t),
            (&[("OTEL_TRACES_EXPORTER", "otlp")], t, f, f),
            (&[ALL, ("OTEL_SDK_DISABLED", "TRUE")], f, f, f),
            (&[ALL, ("OTEL_SDK_DISABLED", "1")], t, t, t),
            (&[ALL, ("OTEL_TRACES_SAMPLER", "always_off")], f, t, t),
            (&[ALL, ("OTEL_TRACES_SAMPLER", "parentbased_always_off")], t, t, t),
        ] {
            assert_eq!(from(pairs).otlp, Signals { traces, metrics, logs }, "{pairs:?}");
            assert_eq!(from(pairs).notices, Vec::<String>::new(), "{pairs:?}");
        }
    }

    #[test]
    fn the_sampler_is_that_of_the_variables() {
        let sampler = |rule, parent_based| Sampler { rule, parent_based };
        let name = |name| ("OTEL_TRACES_SAMPLER", name);
        let ratio = |ratio| ("OTEL_TRACES_SAMPLER_ARG", ratio);
        for (pairs, expected) in [
            (&[][..], sampler(Rule::Ratio(0.01), true)),
            (&[ratio("0.5")], sampler(Rule::Ratio(0.5), true)),
            (&[name("always_on")], sampler(Rule::All, false)),
            (&[name("always_off")], sampler(Rule::Off, false)),
            (&[name("traceidratio"), ratio("0.2")], sampler(Rule::Ratio(0.2), false)),
            (&[name("traceidratio")], sampler(Rule::Ratio(1.0), false)),
            (&[name("parentbased_always_on")], sampler(Rule::All, true)),
            (&[name("parentbased_always_off")], sampler(Rule::Off, true)),
            (&[name("ParentBased_TraceIdRatio"), ratio(" 0.1 ")], sampler(Rule::Ratio(0.1), true)),
        ] {
            let settings = from(pairs);
            assert_eq!(settings.sampler, expected, "{pairs:?}");
            assert_eq!(settings.notices, Vec::<String>::new(), "{pairs:?}");
        }
    }

    #[test]
    fn what_cannot_be_understood_leaves_the_usual_and_is_said() {
        for (name, value) in [
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_TRACES_SAMPLER_ARG", "many"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ] {
            let (settings, usual) = (from(&[(name, value)]), Settings::default());
            assert_eq!(settings.sampler, usual.sampler, "{name}={value}");
            assert_eq!(settings.metric_interval, usual.metric_interval, "{name}={value}");
            assert_eq!(settings.queue, usual.queue, "{name}={value}");
            assert_eq!(settings.notices.len(), 1, "{name}={value}");
            assert!(settings.notices[0].contains(name) && settings.notices[0].contains(value));
        }
    }

    #[test]
    fn each_signal_has_its_own_protocol() {
        use Protocol::{Grpc, Http};
        let all = "OTEL_EXPORTER_OTLP_PROTOCOL";
        let traces = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
        for (pairs, expected) in [
            (&[][..], (Grpc, Grpc)),
            (&[(all, "http/protobuf")], (Http, Http)),
            (&[(traces, "http/protobuf")], (Http, Grpc)),
            (&[(all, "http/protobuf"), (traces, " grpc ")], (Grpc, Http)),
        ] {
            let found = protocols(variables(pairs)).expect("known");
            assert_eq!((found.traces, found.logs), expected, "{pairs:?}");
            assert_eq!(found.metrics, found.logs);
        }
        for (name, value) in [(all, "http/json"), (traces, "carrier-pigeon")] {
            let error = protocols(variables(&[(name, value)])).expect_err("unknown").to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }
}

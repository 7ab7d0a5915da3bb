//! A run of `svgx staging` as a trace, with a span for each of its steps: sent to the collector
//! that the `OTEL_*` variables name, and not made where they name none.

use std::time::Duration;

use svgx_base::budget::{Clock as _, Monotonic, Time};
use svgx_telemetry::deep::{Attached, attach};
use svgx_telemetry::server::{Background, Steps};
use svgx_telemetry::stage::Facts;
use svgx_telemetry::{LogFormat, Outcome, Settings, Signals, Telemetry};

/// How long the end of a run waits for the collector.
const FLUSH: Duration = Duration::from_secs(5);

/// A run that is traced.
pub(super) struct Traced {
    telemetry: Telemetry,
    steps: Steps,
    clock: Monotonic,
    here: Attached,
}

impl Traced {
    /// Begins a run; `None` where no collector is named, or what is said of it is wrong: a
    /// deployment does not fail for its telemetry.
    pub(super) fn begin() -> Option<Traced> {
        let settings = Settings {
            log_format: LogFormat::Pretty,
            filter: "warn".to_owned(),
            ..Settings::default()
        };
        let settings = settings.with_otel_variables(|name| std::env::var(name).ok());
        if !settings.otlp.traces {
            return None;
        }
        let otlp = Signals { traces: true, metrics: false, logs: false };
        let telemetry = match Telemetry::start(&Settings { otlp, ..settings }) {
            Ok(telemetry) => telemetry,
            Err(error) => {
                complain!("svgx staging: it is not traced: {error}");
                return None;
            }
        };
        let steps = telemetry.begin_background()?;
        let here = attach(steps.context());
        Some(Traced { telemetry, steps, clock: Monotonic::new(), here })
    }

    /// Sends the trace of the run, now that it has ended.
    #[allow(clippy::disallowed_methods, reason = "a trace says when; nothing is decided by it")]
    pub(super) fn end(self, good: bool) {
        drop(self.here);
        self.telemetry.finish_background(&Background {
            name: "staging",
            outcome: if good { Outcome::Ok } else { Outcome::Failed },
            facts: Facts::new(),
            ended: std::time::SystemTime::now(),
            took: self.clock.now().since(Time(0)),
            steps: Some(self.steps),
        });
        self.telemetry.shutdown(FLUSH);
    }
}

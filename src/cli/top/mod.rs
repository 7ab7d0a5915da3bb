//! `svgx top`: how a running service does, in a terminal.

mod screen;
mod view;

use std::process::ExitCode;
use std::time::Duration;

use self::view::View;
use super::{files, internal, trace};

/// Watch a running service: classes against their budgets, queues, the slowest requests.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The internal listener of the service.
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "HOST:PORT")]
    from: String,
    /// Print once, as plain text, and end.
    #[arg(long)]
    once: bool,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    every: f64,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        if self.once {
            return match look(&self.from) {
                Ok(view) => files::write(None, view.text().as_bytes()),
                Err(message) => files::failed(&message),
            };
        }
        let every = Duration::from_secs_f64(self.every.clamp(0.1, 3_600.0));
        match screen::run(every, || look(&self.from)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => files::failed(&format!("the terminal: {error}")),
        }
    }
}

/// One look at the service.
fn look(from: &str) -> Result<View, String> {
    let slo = internal::get(from, "/slo")?;
    let slo = serde_json::from_str(&slo).map_err(|e| format!("{from}/slo: {e}"))?;
    let page = internal::get(from, "/metrics")?;
    let traces = trace::recent(from)?;
    Ok(View::of(from, &slo, &page, &traces))
}

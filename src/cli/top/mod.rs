//! `svgx top`: how a running service does, in a terminal.

mod screen;
mod view;

use std::process::ExitCode;
use std::time::Duration;

use self::view::{Sort, View};
use super::time::time;
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
    /// Time between two looks; a bare number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "1s",
        value_parser = time, allow_negative_numbers = true)]
    every: Duration,
    /// The order of requests; `s` changes it on the screen.
    #[arg(long, value_enum, default_value = "duration")]
    sort: Sort,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        if self.once {
            return match look(&self.from, self.sort) {
                Ok(view) => files::write(None, view.text().as_bytes()),
                Err(message) => files::failed(&message),
            };
        }
        let every = self.every.clamp(Duration::from_millis(100), Duration::from_secs(3_600));
        match screen::run(every, self.sort, |sort| look(&self.from, sort)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => files::failed(&format!("the terminal: {error}")),
        }
    }
}

/// One look at the service.
fn look(from: &str, sort: Sort) -> Result<View, String> {
    let slo = internal::get(from, "/slo")?;
    let slo = serde_json::from_str(&slo).map_err(|e| format!("{from}/slo: {e}"))?;
    let page = internal::get(from, "/metrics")?;
    let traces = trace::recent(from)?;
    Ok(View::of(from, &slo, &page, &traces, sort))
}

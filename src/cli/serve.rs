use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use svgx_engine::http::app::{App, StartError};
use svgx_engine::http::config::{self, Config, Flags, Loaded, LogFormat};
use svgx_engine::http::{Bound, serve};
use tracing_subscriber::EnvFilter;

/// Settings come from flags, then the environment, then the file, then the defaults.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let Loaded { config, notices, .. } = match config::load(&self.flags, std::env::vars()) {
            Ok(loaded) => loaded,
            Err(error) => return refuse(&error),
        };
        if let Err(error) = start_logs(&config) {
            return refuse(&*error);
        }
        for notice in notices {
            tracing::warn!("{notice}");
        }
        let app = match App::new(config) {
            Ok(app) => app,
            Err(error) => return refuse(&error),
        };
        if app.keys().is_empty() {
            tracing::warn!(
                "no keys: every program on this machine may use the service on {}",
                app.config.listen
            );
        }
        let result: Result<(), StartError> =
            actix_web::rt::System::new().block_on(serve(app, announce));
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        }
    }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("svgx serve: {error}");
    ExitCode::from(2)
}

/// One line for whoever started the service: where it listens, for programs to read.
fn announce(bound: Bound) {
    let internal = bound.internal.map_or_else(|| "null".to_owned(), |at| format!("\"{at}\""));
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; the service runs all the same.
    let _ = writeln!(
        out,
        "{{\"event\":\"listening\",\"public\":\"{}\",\"internal\":{internal}}}",
        bound.public
    );
    let _ = out.flush();
}

fn start_logs(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::try_new(&config.log_level)?;
    let json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json {
        logs.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        logs.try_init()
    };
    started.map_err(|e| e.to_string().into())
}

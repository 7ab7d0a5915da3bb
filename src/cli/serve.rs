use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use svgx_base::fault;
use svgx_controller::spec::Spec;
use svgx_server::config::{self, Config, Flags, Loaded, LogFormat};
use svgx_server::{App, StartError};
use svgx_server::{Bound, serve};
use svgx_telemetry::{LogFormat as Lines, Settings, Telemetry};

/// Settings come from flags, then the environment, then the file, then the defaults.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let variables = match fault::arm(std::env::vars()) {
            Ok(variables) => variables,
            Err(error) => return refuse(&error),
        };
        let Loaded { config, notices, .. } = match config::load(&self.flags, variables) {
            Ok(loaded) => loaded,
            Err(error) => return refuse(&error),
        };
        let spec = match config.slo_dir.as_deref().map_or_else(Spec::embedded, Spec::from_dir) {
            Ok(spec) => spec,
            Err(errors) => return refuse(&errors),
        };
        let telemetry = match Telemetry::start(&settings(&config, &spec)) {
            Ok(telemetry) => Arc::new(telemetry),
            Err(error) => return refuse(&error),
        };
        if let Some(faults) = fault::armed() {
            tracing::warn!(%faults, "fault points are armed: this process fails on purpose");
        }
        for notice in notices {
            tracing::warn!("{notice}");
        }
        let app = match App::new(config, spec, telemetry) {
            Ok(app) => app,
            Err(error) => return refuse(&error),
        };
        if let Some(at) = app.open_to_everybody() {
            tracing::warn!("no keys: every program on this machine may use the service on {at}");
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
    complain!("svgx serve: {error}");
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

/// What telemetry is to do: edges of the histograms from the objectives, the
/// collector from the standard variables.
fn settings(config: &Config, spec: &Spec) -> Settings {
    let json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let settings = Settings {
        environment: config.environment.clone(),
        latency_buckets: spec.latency_buckets(),
        filter: config.log_level.clone(),
        log_format: if json { Lines::Json } else { Lines::Pretty },
        ..Settings::default()
    };
    settings.with_otel_variables(|name| std::env::var(name).ok())
}

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
        let app = match prepare("serve", &self.flags, |_| {}) {
            Ok(app) => app,
            Err(code) => return code,
        };
        if let Some(at) = app.open_to_everybody() {
            tracing::warn!("no keys: every program on this machine may use the service on {at}");
        }
        let result: Result<(), StartError> =
            actix_web::rt::System::new().block_on(serve(app, announce));
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse("serve", &error),
        }
    }
}

/// Everything that `svgx COMMAND` needs before it runs, of the settings it was given.
///
/// # Errors
/// The exit code, once it was said why.
pub(super) fn prepare(
    command: &str,
    flags: &Flags,
    change: impl FnOnce(&mut Config),
) -> Result<App, ExitCode> {
    let refused = |error: &dyn std::error::Error| refuse(command, error);
    let variables = fault::arm(std::env::vars()).map_err(|e| refused(&e))?;
    let Loaded { mut config, notices, .. } =
        config::load(flags, variables).map_err(|e| refused(&e))?;
    change(&mut config);
    let spec = config.slo_dir.as_deref().map_or_else(Spec::embedded, Spec::from_dir);
    let spec = spec.map_err(|errors| refused(&errors))?;
    let telemetry = Telemetry::start(&settings(&config, &spec)).map_err(|e| refused(&e))?;
    if let Some(faults) = fault::armed() {
        tracing::warn!(%faults, "fault points are armed: this process fails on purpose");
    }
    for notice in notices {
        tracing::warn!("{notice}");
    }
    App::new(config, spec, Arc::new(telemetry)).map_err(|e| refused(&e))
}

pub(super) fn refuse(command: &str, error: &dyn std::error::Error) -> ExitCode {
    complain!("svgx {command}: {error}");
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

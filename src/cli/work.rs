use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use svgx_server::StartError;
use svgx_server::config::{Flags, Work};

use super::serve;

/// Takes the same settings as `svgx serve`; those of public endpoints mean nothing to it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let app = serve::prepare("work", &self.flags, |config| {
            config.work = Work::Only;
            // Nothing listens there.
            config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            config.replica_listen = None;
            config.open = None;
        });
        let app = match app {
            Ok(app) => app,
            Err(code) => return code,
        };
        let result: Result<(), StartError> =
            actix_web::rt::System::new().block_on(svgx_server::work(app, announce));
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => serve::refuse("work", &error),
        }
    }
}

/// One line for whoever started it, for programs to read.
fn announce(internal: Option<SocketAddr>) {
    let internal = internal.map_or_else(|| "null".to_owned(), |at| format!("\"{at}\""));
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; the worker runs all the same.
    let _ = writeln!(out, "{{\"event\":\"working\",\"internal\":{internal}}}");
    let _ = out.flush();
}

use std::process::ExitCode;

use clap_complete::Shell;

use super::{examples, files};

/// For bash: `svgx completions bash > ~/.local/share/bash-completion/completions/svgx`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut examples::command(), "svgx", &mut script);
        files::write(None, &script)
    }
}

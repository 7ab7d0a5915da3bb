use std::path::PathBuf;
use std::process::ExitCode;

use super::{examples, files};

/// To read: `svgx man | man -l -`. To install: `svgx man --dir ~/.local/share/man/man1`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder for one page per command; the first page goes to standard output without.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let command = examples::command();
        let done = match self.dir {
            Some(folder) => std::fs::create_dir_all(&folder)
                .and_then(|()| clap_mangen::generate_to(command, &folder))
                .map_err(|e| format!("{}: {e}", folder.display())),
            None => {
                let mut page = Vec::new();
                match clap_mangen::Man::new(command).render(&mut page) {
                    Ok(()) => return files::write(None, &page),
                    Err(e) => Err(e.to_string()),
                }
            }
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => files::failed(&message),
        }
    }
}

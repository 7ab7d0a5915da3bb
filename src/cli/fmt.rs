use std::path::Path;
use std::process::ExitCode;

use svgx_engine::document::{self, Diagnostic, Limits};

use super::files;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Drawings to rewrite; `-` reads standard input and writes standard output.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Change nothing; exit with 1 if a file is not in canonical form.
    #[arg(long)]
    check: bool,
    /// Print the canonical text instead of writing it back.
    #[arg(long, conflicts_with = "check")]
    stdout: bool,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let limits = Limits::default();
        let mut status = 0u8;
        for file in &self.files {
            status = status.max(self.one(file, &limits));
        }
        ExitCode::from(status)
    }

    fn one(&self, file: &str, limits: &Limits) -> u8 {
        let failed = |e: std::io::Error| {
            files::failed(&format!("{file}: {e}"));
            files::FAILED
        };
        let bytes = match files::read(Path::new(file), limits) {
            Ok(bytes) => bytes,
            Err(e) => return failed(e),
        };
        let refused = |source: &str, diagnostics: &[Diagnostic]| {
            files::print(Path::new(file), source, diagnostics);
            files::WRONG
        };
        let source = match document::decode(&bytes, limits) {
            Ok(source) => source,
            Err(d) => return refused(&String::from_utf8_lossy(&bytes), &[d]),
        };
        let text = match document::parse(&source, limits) {
            Ok(document) => document::canonical(&document),
            Err(diagnostics) => return refused(&source, &diagnostics),
        };
        if self.check {
            if text.as_bytes() == bytes {
                return 0;
            }
            say!("{file}");
            return files::WRONG;
        }
        let written = if self.stdout || file == "-" {
            let written = files::write(None, text.as_bytes());
            return if written == ExitCode::SUCCESS { 0 } else { files::FAILED };
        } else if text.as_bytes() == bytes {
            Ok(())
        } else {
            replace(Path::new(file), text.as_bytes())
        };
        match written {
            Ok(()) => 0,
            Err(e) => failed(e),
        }
    }
}

/// Writes beside the file and renames, so that no moment leaves half a drawing.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let done = std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::set_permissions(&beside, std::fs::metadata(path)?.permissions()))
        .and_then(|()| std::fs::rename(&beside, path));
    if done.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    done
}

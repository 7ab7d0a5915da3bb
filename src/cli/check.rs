use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use svgx_engine::document::{self, Diagnostic, Format, Limits};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Drawings to check; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// How to print what was found.
    #[arg(long, value_enum, default_value = "human")]
    format: Style,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Style {
    /// Text with an excerpt under each finding.
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code review tools.
    Sarif,
}

/// The bytes of `file`, of standard input for `-`, as many as the limit allows and one more.
pub(crate) fn read(file: &str, limits: &Limits) -> std::io::Result<Vec<u8>> {
    let most = limits.bytes as u64 + 1;
    let mut bytes = Vec::new();
    if file == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(Path::new(file))?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let limits = Limits::default();
        let mut checked: Vec<(String, String, Vec<Diagnostic>)> = Vec::new();
        let (mut errors, mut dropped, mut unreadable) = (false, 0, false);
        for file in self.files {
            let bytes = match read(&file, &limits) {
                Ok(bytes) => bytes,
                Err(e) => {
                    eprintln!("svgx: {file}: {e}");
                    unreadable = true;
                    continue;
                }
            };
            let (source, diagnostics) = match document::decode(&bytes, &limits) {
                Ok(source) => {
                    let report = svgx_engine::check(source, &limits);
                    errors |= report.has_errors();
                    dropped += report.dropped;
                    (source.to_owned(), report.diagnostics)
                }
                Err(diagnostic) => {
                    errors = true;
                    (String::from_utf8_lossy(&bytes).into_owned(), vec![diagnostic])
                }
            };
            checked.push((file, source, diagnostics));
        }
        let files: Vec<(&str, &str, &[Diagnostic])> =
            checked.iter().map(|(f, s, d)| (f.as_str(), s.as_str(), d.as_slice())).collect();
        let format = match self.format {
            Style::Human => Format::Human,
            Style::Json => Format::Json,
            Style::Sarif => Format::Sarif,
        };
        print!("{}", document::render_diagnostics(&files, format));
        if dropped > 0 {
            eprintln!("svgx: {dropped} more findings are not shown");
        }
        match (unreadable, errors) {
            (true, _) => ExitCode::from(2),
            (false, true) => ExitCode::FAILURE,
            (false, false) => ExitCode::SUCCESS,
        }
    }
}

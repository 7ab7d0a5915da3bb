use std::path::{Path, PathBuf};
use std::process::ExitCode;

use svgx_base::nearest::nearest;
use svgx_engine::document::{self, Code, Diagnostic, Format, Limits};

use super::files;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Drawings to check; `-` reads standard input.
    #[arg(required_unless_present = "explain", value_name = "FILE")]
    files: Vec<String>,
    /// Explain a code instead of checking drawings.
    #[arg(long, value_name = "CODE", conflicts_with = "files")]
    explain: Option<String>,
    /// A folder with fonts for pictures, beside those in the binary; may be repeated.
    #[arg(long = "font-dir", value_name = "DIR")]
    font_dirs: Vec<PathBuf>,
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

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        if let Some(code) = &self.explain {
            return explain(code);
        }
        let limits = Limits::default();
        let fonts = match files::fonts(&self.font_dirs) {
            Ok(fonts) => fonts,
            Err(code) => return code,
        };
        let mut checked: Vec<(String, String, Vec<Diagnostic>)> = Vec::new();
        let (mut errors, mut dropped, mut unreadable) = (false, 0, false);
        for file in self.files {
            let bytes = match files::read(Path::new(&file), &limits) {
                Ok(bytes) => bytes,
                Err(e) => {
                    files::failed(&format!("{file}: {e}"));
                    unreadable = true;
                    continue;
                }
            };
            let (source, diagnostics) = match document::decode(&bytes, &limits) {
                Ok(source) => {
                    let report = svgx_engine::check_with(&source, &fonts, &limits);
                    errors |= report.has_errors();
                    dropped += report.dropped;
                    (source.into_owned(), report.diagnostics)
                }
                Err(diagnostic) => {
                    errors = true;
                    (String::from_utf8_lossy(&bytes).into_owned(), vec![diagnostic])
                }
            };
            checked.push((file, source, diagnostics));
        }
        let shown: Vec<(&str, &str, &[Diagnostic])> =
            checked.iter().map(|(f, s, d)| (f.as_str(), s.as_str(), d.as_slice())).collect();
        let format = match self.format {
            Style::Human => Format::Human,
            Style::Json => Format::Json,
            Style::Sarif => Format::Sarif,
        };
        let written = files::write(None, document::render_diagnostics(&shown, format).as_bytes());
        if dropped > 0 {
            files::error(format_args!("svgx: {dropped} more findings are not shown"));
        }
        match (unreadable, errors) {
            (true, _) => ExitCode::from(files::FAILED),
            (false, true) => ExitCode::from(files::WRONG),
            (false, false) => written,
        }
    }
}

fn explain(text: &str) -> ExitCode {
    let Some(code) = Code::ALL.iter().find(|code| code.as_str() == text) else {
        let near = nearest(text, Code::ALL.iter().map(|code| code.as_str()));
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return files::failed(&format!("no finding has the code `{text}`{near}"));
    };
    let severities: Vec<&str> = code.severities().iter().map(|s| s.as_str()).collect();
    let text = format!("{code} ({}): {}.\n", severities.join(" or "), code.meaning());
    files::write(None, text.as_bytes())
}

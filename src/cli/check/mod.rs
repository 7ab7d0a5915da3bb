mod fix;
mod interference;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use svgx_base::budget::{Budget, Class, Tier};
use svgx_base::nearest::nearest;
use svgx_engine::Report;
use svgx_engine::compile::Fonts;
use svgx_engine::document::{self, Code, Diagnostic, Format, Limits, Severity};
use svgx_engine::geometry::Scene;

use super::{files, style};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Drawings to check; `-` reads standard input.
    #[arg(required_unless_present = "explain", value_name = "FILE")]
    files: Vec<String>,
    /// Explain a code instead of checking drawings.
    #[arg(long, value_name = "CODE", conflicts_with = "files")]
    explain: Option<String>,
    /// Put right what has one right answer, and keep the rest byte for byte: namespaces and
    /// prefixes that are missing or old. `-` writes to standard output.
    #[arg(long, conflicts_with_all = ["explain", "watch"])]
    fix: bool,
    /// Check again whenever a file changes, until Ctrl-C.
    #[arg(long, conflicts_with = "explain")]
    watch: bool,
    /// A folder with fonts for pictures, beside those in the binary; may be repeated.
    #[arg(long = "font-dir", value_name = "DIR")]
    font_dirs: Vec<PathBuf>,
    /// Say instead which components (`arx:component`) overlap, or are nearer to each other than
    /// `--clearance`.
    #[arg(long, conflicts_with_all = ["explain", "fix", "watch"])]
    interference: bool,
    /// How far apart components are to be, such as 5mm.
    #[arg(long, value_name = "LENGTH", requires = "interference")]
    clearance: Option<String>,
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
        if self.interference {
            return self.interfering();
        }
        if self.watch {
            return self.again_and_again(&fonts, &limits);
        }
        if self.fix {
            let fixed = self.files.iter().map(|file| self.put_right(file, &fonts, &limits));
            // All of them, whatever became of the first.
            return ExitCode::from(fixed.max().unwrap_or(0));
        }
        self.check(&fonts, &limits)
    }

    fn check(&self, fonts: &Fonts, limits: &Limits) -> ExitCode {
        let mut checked: Vec<(String, String, Vec<Diagnostic>)> = Vec::new();
        let (mut errors, mut dropped, mut unreadable) = (false, 0, false);
        for file in &self.files {
            let bytes = match files::read(Path::new(file), limits) {
                Ok(bytes) => bytes,
                Err(e) => {
                    files::failed(&format!("{file}: {e}"));
                    unreadable = true;
                    continue;
                }
            };
            let (source, diagnostics) = match document::decode(&bytes, limits) {
                Ok(source) => {
                    let report = report(&source, fonts, limits);
                    errors |= report.has_errors();
                    dropped += report.dropped;
                    (source.into_owned(), report.diagnostics)
                }
                Err(diagnostic) => {
                    errors = true;
                    (String::from_utf8_lossy(&bytes).into_owned(), vec![diagnostic])
                }
            };
            checked.push((file.clone(), source, diagnostics));
        }
        let shown: Vec<(&str, &str, &[Diagnostic])> =
            checked.iter().map(|(f, s, d)| (f.as_str(), s.as_str(), d.as_slice())).collect();
        let format = match self.format {
            Style::Human => Format::Human,
            Style::Json => Format::Json,
            Style::Sarif => Format::Sarif,
        };
        let mut text = document::render_diagnostics(&shown, format);
        if matches!(self.format, Style::Human) && style::coloured(&std::io::stdout()) {
            text = style::findings(&text);
        }
        let written =
            if style::is_quiet() { ExitCode::SUCCESS } else { files::write(None, text.as_bytes()) };
        if matches!(self.format, Style::Human) && !style::is_quiet() && !shown.is_empty() {
            files::error(totals(&shown));
        }
        if dropped > 0 && !style::is_quiet() {
            files::error(format_args!("svgx: {dropped} more findings are not shown"));
        }
        match (unreadable, errors) {
            (true, _) => ExitCode::from(files::FAILED),
            (false, true) => ExitCode::from(files::WRONG),
            (false, false) => written,
        }
    }
}

impl Args {
    /// Fixes one file; its exit code.
    fn put_right(&self, file: &str, fonts: &Fonts, limits: &Limits) -> u8 {
        let failed = |message: String| {
            files::failed(&format!("{file}: {message}"));
            files::FAILED
        };
        let bytes = match files::read(Path::new(file), limits) {
            Ok(bytes) => bytes,
            Err(e) => return failed(e.to_string()),
        };
        // Written back as it was read: what is packed or in another encoding is left alone.
        let source = match document::decode(&bytes, limits) {
            Ok(source) if source.as_bytes() == bytes => source.into_owned(),
            Ok(_) => return failed("only plain UTF-8 is fixed; `svgx fmt` rewrites it".to_owned()),
            Err(d) => {
                files::print(Path::new(file), "", &[d]);
                return files::WRONG;
            }
        };
        let (text, fixed) = fix::fix(&source, limits);
        let written = if file == "-" {
            files::write(None, text.as_bytes()) == ExitCode::SUCCESS
        } else if fixed.is_empty() {
            true
        } else {
            match super::fmt::replace(Path::new(file), text.as_bytes()) {
                Ok(()) => true,
                Err(e) => return failed(e.to_string()),
            }
        };
        let report = report(&text, fonts, limits);
        if !style::is_quiet() {
            for finding in &fixed {
                files::error(format_args!("{file}: fixed: {} [{}]", finding.message, finding.code));
            }
            files::print(Path::new(file), &text, &report.diagnostics);
            let shown = [(file, text.as_str(), report.diagnostics.as_slice())];
            files::error(format_args!("{} fixed; {} left", fixed.len(), totals(&shown)));
        }
        match (written, report.has_errors()) {
            (false, _) => files::FAILED,
            (true, wrong) => u8::from(wrong),
        }
    }

    /// Looks for changes a few times a second. Ends with the process: by Ctrl-C.
    fn again_and_again(&self, fonts: &Fonts, limits: &Limits) -> ExitCode {
        if self.files.iter().any(|file| file == "-") {
            return files::failed("--watch: standard input does not change; name files");
        }
        let mut before = None;
        loop {
            let now = self.states();
            if before.as_ref() != Some(&now) {
                self.check(fonts, limits);
                files::error("watching; Ctrl-C ends");
                before = Some(now);
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// When each file was changed, and how long it is; none where it is not there.
    fn states(&self) -> Vec<Option<(Option<SystemTime>, u64)>> {
        let state = |file: &String| {
            let data = std::fs::metadata(file).ok()?;
            Some((data.modified().ok(), data.len()))
        };
        self.files.iter().map(state).collect()
    }
}

/// `2 errors, 1 warning in 3 drawings`.
fn totals(checked: &[(&str, &str, &[Diagnostic])]) -> String {
    let count = |severity| {
        checked.iter().flat_map(|(_, _, found)| *found).filter(|d| d.severity == severity).count()
    };
    let some = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (count(severity), severity.as_str()))
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| some(n, what))
        .collect();
    let found = if parts.is_empty() { "nothing wrong".to_owned() } else { parts.join(", ") };
    format!("{found} in {}", some(checked.len(), "drawing"))
}

/// What the engine finds wrong with a drawing, and what its networks show without being solved.
fn report(source: &str, fonts: &Fonts, limits: &Limits) -> Report {
    let mut report = svgx_engine::check_with(source, fonts, limits);
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    // Without a deadline nothing stops it.
    let found = report.document.as_ref().map(|d| svgx_networks::read::check(d, limits, &budget));
    if let Some(Ok(found)) = found {
        report.add(found, limits);
    }
    let presented = report.document.as_ref().and_then(|document| {
        let scene = Scene::build(document, limits, &budget).ok()?;
        Some(svgx_drafting::check(document, &scene))
    });
    if let Some(found) = presented {
        report.add(found, limits);
    }
    report
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

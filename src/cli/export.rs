//! `svgx export`: see [`svgx_exchange::dxf::export`] and [`svgx_exchange::pdf`].

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::document::{Document, Limits as DocumentLimits};
use svgx_exchange::dxf::{self, ExportOptions, Limits, Version};
use svgx_exchange::pdf::{self, Sheet};

use super::{files, style};

/// Write a drawing for other programs: DXF, R12, R2000 or R2018, or PDF at an exact scale.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// What to make of it; without, what the name of the output ends in, or DXF.
    #[arg(long, value_enum)]
    to: Option<Format>,
    /// The version of the file (DXF); R2000 without.
    #[arg(long, value_name = "VERSION", value_parser = Version::NAMES, ignore_case = true)]
    version: Option<String>,
    /// The scale on paper, such as 1:50 (PDF); without, 1:1, or on a sheet the largest usual one
    /// that fits.
    #[arg(long, value_name = "SCALE", value_parser = scale)]
    scale: Option<f64>,
    /// The sheet (PDF), turned as the drawing is; without, the page is as large as the drawing.
    #[arg(long, value_name = "SHEET", value_parser = Sheet::NAMES, ignore_case = true)]
    size: Option<String>,
    /// A sheet that the drawing describes, by its id (PDF); without, all of them are pages where
    /// there are some and neither a scale nor a size is named.
    #[arg(long, value_name = "ID", conflicts_with_all = ["scale", "size"])]
    sheet: Option<String>,
    /// A folder with fonts (ttf, otf, ttc, otc), beside those in the binary; may be repeated (PDF).
    #[arg(long = "font-dir", value_name = "DIR")]
    font_dirs: Vec<PathBuf>,
    /// Where to write; standard output without it, or `-`.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print what is in the file and what is not as JSON instead of the file, which is then written
    /// only with `--output`.
    #[arg(long)]
    report: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
    Dxf,
    Pdf,
}

fn scale(text: &str) -> Result<f64, String> {
    pdf::Options::scale_of(text).ok_or_else(|| "expected 1:50, 2:1 or 0.02".to_owned())
}

impl Args {
    /// 0: written. 1: the drawing is wrong, or passes a limit. 2: files and streams.
    pub(crate) fn run(self) -> ExitCode {
        let to = match files::format_of(self.output.as_deref(), self.to) {
            Ok(to) => to.unwrap_or(Format::Dxf),
            Err(message) => return files::failed(&message),
        };
        let is_paper = self.scale.is_some()
            || self.size.is_some()
            || self.sheet.is_some()
            || !self.font_dirs.is_empty();
        match to {
            Format::Dxf if is_paper => {
                return files::failed(
                    "--scale, --size, --sheet and --font-dir are of PDF: name --to pdf",
                );
            }
            Format::Pdf if self.version.is_some() => {
                return files::failed("--version is of DXF: name --to dxf");
            }
            _ => {}
        }
        let document = match files::open_with_warnings(&self.file) {
            Ok(document) => document,
            Err(code) => return code,
        };
        match to {
            Format::Dxf => self.dxf(&document),
            Format::Pdf => self.pdf(&document),
        }
    }

    fn dxf(&self, document: &Document) -> ExitCode {
        let budget = Budget::unlimited(Class::Batch, Tier::Compute);
        let version = self.version.as_deref().map(str::to_uppercase);
        let version = version.as_deref().and_then(Version::named).unwrap_or_default();
        let (of_document, limits) = (DocumentLimits::default(), Limits::default());
        let options = ExportOptions { version };
        match dxf::export(document, &options, &of_document, &limits, &budget) {
            Ok(exported) => {
                let report = &exported.report;
                let told = format!(
                    "{} entities, in {}; {} blocks, {} layers, {}",
                    report.model.values().sum::<usize>(),
                    report.unit,
                    report.definitions,
                    report.layers,
                    report.version,
                );
                let notes = report.notes.iter();
                let notes: Vec<Told<'_>> =
                    notes.map(|n| (n.code.as_str(), n.message.as_str(), n.count)).collect();
                self.write(&exported.dxf, report, &told, &notes)
            }
            Err(error) => self.wrong(&error),
        }
    }

    fn pdf(&self, document: &Document) -> ExitCode {
        let fonts = match files::fonts(&self.font_dirs) {
            Ok(fonts) => fonts,
            Err(code) => return code,
        };
        let budget = Budget::unlimited(Class::Batch, Tier::Compute);
        let sheet = self.size.as_deref().map(str::to_uppercase);
        let sheet = sheet.as_deref().and_then(Sheet::named);
        let options = pdf::Options { scale: self.scale, sheet };
        let limits = DocumentLimits::default();
        let named = self.sheet.as_deref();
        let all = named.is_none() && options == pdf::Options::default();
        let made = if named.is_some() || all && !svgx_drafting::sheets(document).0.is_empty() {
            pdf::export_sheets(document, named, &fonts, &limits, &budget)
        } else {
            pdf::export(document, &options, &fonts, &limits, &budget)
        };
        match made {
            Ok(exported) => {
                let report = &exported.report;
                let [width, height] = report.page;
                let pages = match report.sheets.as_slice() {
                    [] => String::new(),
                    [one] => format!("sheet {one}, "),
                    all => format!("{} sheets ({}), the first ", all.len(), all.join(", ")),
                };
                let told = format!(
                    "{pages}{width} by {height} mm, {}; {} outlines, {} letters, {} layers",
                    report.scale,
                    report.outlines,
                    report.letters,
                    report.layers.len(),
                );
                let notes = report.notes.iter();
                let notes: Vec<Told<'_>> =
                    notes.map(|n| (n.code.as_str(), n.message.as_str(), n.count)).collect();
                self.write(&exported.pdf, report, &told, &notes)
            }
            Err(error) => self.wrong(&error),
        }
    }

    fn wrong(&self, error: &dyn std::fmt::Display) -> ExitCode {
        complain!("svgx: {}: {error}", self.file.display());
        ExitCode::from(files::WRONG)
    }

    /// Writes the file, and says what is in it and what is not: as JSON, or on standard error.
    fn write<R: Serialize>(
        &self,
        bytes: &[u8],
        report: &R,
        told: &str,
        notes: &[Told<'_>],
    ) -> ExitCode {
        let file = self.file.display();
        if self.report {
            match serde_json::to_string_pretty(report) {
                Ok(text) => say!("{text}"),
                Err(e) => return files::failed(&e.to_string()),
            }
        } else if !style::is_quiet() {
            complain!("svgx: {file}: {told}");
            for (code, message, count) in notes {
                let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
                complain!("svgx: {file}: {code}: {message}{times}");
            }
        }
        if self.report && self.output.is_none() {
            return ExitCode::SUCCESS;
        }
        files::write(self.output.as_deref(), bytes)
    }
}

/// A code, what it is, and how often.
type Told<'n> = (&'n str, &'n str, usize);

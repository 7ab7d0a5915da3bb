//! `svgx import`: see [`svgx_exchange::dxf`].

use std::path::PathBuf;
use std::process::ExitCode;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::document::Limits as DocumentLimits;
use svgx_exchange::dxf::{self, Counts, Imported, Limits, Options, Report, Unit};

use super::{files, style};

/// Read a drawing of another program: ASCII DXF, R12 to R2018.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// Where to write the document; standard output without.
    #[arg(short, long, value_name = "OUT.svgx")]
    output: Option<PathBuf>,
    /// The unit of the drawing, where the file is wrong about it.
    #[arg(long, value_name = "UNIT", value_parser = Unit::NAMES)]
    units: Option<String>,
    /// Print what was drawn and what was not as JSON instead of the document, which is then
    /// written only with `--output`.
    #[arg(long)]
    report: bool,
}

impl Args {
    /// 0: read. 1: the file is no DXF, or passes a limit. 2: files and streams.
    pub(crate) fn run(self) -> ExitCode {
        let limits = Limits::default();
        // The limit of the bytes is that of this format, not of documents.
        let read = DocumentLimits { bytes: limits.dxf_bytes, ..DocumentLimits::default() };
        let bytes = match files::read(&self.file, &read) {
            Ok(bytes) => bytes,
            Err(e) => return files::failed(&format!("{}: {e}", self.file.display())),
        };
        let options = Options { unit: self.units.as_deref().and_then(Unit::named) };
        let budget = Budget::unlimited(Class::Batch, Tier::Compute);
        // Who asks for the counts alone needs no document.
        let read = if self.report && self.output.is_none() {
            dxf::survey(&bytes, &options, &limits, &budget).map(|report| (report, None))
        } else {
            let imported = dxf::import(&bytes, &options, &limits, &budget);
            imported.map(|Imported { svgx, report }| (report, Some(svgx)))
        };
        let (report, svgx) = match read {
            Ok(read) => read,
            Err(error) => {
                complain!("svgx: {}: {error}", self.file.display());
                return ExitCode::from(files::WRONG);
            }
        };
        if self.report {
            match serde_json::to_string_pretty(&report) {
                Ok(text) => say!("{text}"),
                Err(e) => return files::failed(&e.to_string()),
            }
        } else if !style::is_quiet() {
            tell(&self.file.display().to_string(), &report);
        }
        match svgx {
            Some(svgx) => files::write(self.output.as_deref(), svgx.as_bytes()),
            None => ExitCode::SUCCESS,
        }
    }
}

/// Says on standard error what was read, and what is not drawn.
fn tell(file: &str, report: &Report) {
    let drawn = |counts: &Counts| counts.drawn.values().sum::<usize>();
    complain!(
        "svgx: {file}: {} of {} entities drawn, in {}; {} blocks, {} layers",
        drawn(&report.model),
        report.model.entities,
        report.unit,
        report.definitions,
        report.layers,
    );
    for note in &report.notes {
        let place = note.line.map_or_else(String::new, |line| format!(":{line}"));
        let times = if note.count > 1 { format!(" ({} times)", note.count) } else { String::new() };
        complain!("svgx: {file}{place}: {}: {}{times}", note.code, note.message);
    }
    if report.more_notes > 0 {
        complain!("svgx: {file}: {} more notes", report.more_notes);
    }
}

//! `svgx compile`: a drawing to SVG or JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use svgx_engine::compile::{JsonOptions, SvgOptions, json, svg};

use svgx_networks::overlay::Wanted;

use super::files;

/// Compile a drawing to plain SVG or to the JSON model.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// What to make of it; without, what the name of the output ends in, or SVG.
    #[arg(long, value_enum)]
    to: Option<Format>,
    /// Where to write; standard output without it, or `-`.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Leave out style sheets and style attributes (SVG).
    #[arg(long)]
    no_styles: bool,
    /// Leave out white space and needless decimals (SVG).
    #[arg(long)]
    optimize: bool,
    /// Draw a quantity of a network over the drawing, such as heating.flow (SVG).
    #[arg(long, value_name = "SYSTEM.QUANTITY")]
    overlay: Option<Wanted>,
    /// A sheet of the drawing, by its id, in place of the drawing.
    #[arg(long, value_name = "ID")]
    sheet: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
    Svg,
    Json,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let to = match files::format_of(self.output.as_deref(), self.to) {
            Ok(to) => to.unwrap_or(Format::Svg),
            Err(message) => return files::failed(&message),
        };
        if to == Format::Json && self.sheet.is_some() {
            return files::failed("--sheet is of SVG: name --to svg");
        }
        let document = match files::open_with_warnings(&self.file) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let document = match files::overlaid(&self.file, document, self.overlay.as_ref()) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let text = match to {
            Format::Svg => {
                let sheet = self.sheet.as_deref();
                let document = match files::presented(&self.file, document, sheet) {
                    Ok(document) => document,
                    Err(code) => return code,
                };
                let options =
                    SvgOptions { include_styles: !self.no_styles, optimize: self.optimize };
                svg(&document, &options)
            }
            Format::Json => {
                match serde_json::to_string_pretty(&json(&document, &JsonOptions::default())) {
                    Ok(text) => text + "\n",
                    Err(e) => return files::failed(&e.to_string()),
                }
            }
        };
        files::write(self.output.as_deref(), text.as_bytes())
    }
}

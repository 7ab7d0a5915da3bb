//! `svgx render`: a drawing to a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_base::machine;
use svgx_engine::compile::{Background, PngOptions};
use svgx_engine::document::Limits;
use svgx_networks::overlay::Wanted;
use svgx_tiles::{Engine, whole};

use super::files;
use super::number;
use super::style::Progress;

/// Render a drawing to PNG.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// Where to write, a name that ends in .png; standard output without it, or `-`.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Pixels across.
    #[arg(long, value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    width: Option<u32>,
    /// Pixels down.
    #[arg(long, value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    height: Option<u32>,
    /// Times the size.
    #[arg(long, default_value_t = 1.0, value_parser = number::number, allow_negative_numbers = true)]
    scale: f64,
    /// The colour behind the drawing: white, #f8f8f8, transparent.
    #[arg(long, default_value = "transparent")]
    background: Background,
    /// A folder with fonts (ttf, otf, ttc, otc), beside those in the binary; may be repeated.
    #[arg(long = "font-dir", value_name = "DIR")]
    font_dirs: Vec<PathBuf>,
    /// Draw a quantity of a network over the drawing, such as heating.flow.
    #[arg(long, value_name = "SYSTEM.QUANTITY")]
    overlay: Option<Wanted>,
    /// A sheet of the drawing, by its id, in place of the drawing.
    #[arg(long, value_name = "ID")]
    sheet: Option<String>,
    /// Who paints the picture.
    #[arg(long, value_enum, default_value_t)]
    engine: Painter,
}

/// Who paints a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Painter {
    /// The painter of tiles where it can paint all of the drawing, else resvg.
    #[default]
    Auto,
    /// resvg.
    Resvg,
}

/// What a drawing is rendered to.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Picture {
    Png,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        if let Err(message) = files::format_of::<Picture>(self.output.as_deref(), None) {
            return files::failed(&message);
        }
        let document = match files::open_with_warnings(&self.file) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let fonts = match files::fonts(&self.font_dirs) {
            Ok(fonts) => fonts,
            Err(code) => return code,
        };
        files::differences(&self.file, &document, &fonts);
        let document = match files::overlaid(&self.file, document, self.overlay.as_ref()) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let document = match files::presented(&self.file, document, self.sheet.as_deref()) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let mut progress = Progress::new();
        progress.tell(&format!("rendering {}", self.file.display()));
        let Args { width, height, scale, background, .. } = self;
        let options = PngOptions { width, height, scale, background };
        let budget = Budget::unlimited(Class::Batch, Tier::Compute);
        let engine = match self.engine {
            Painter::Auto => Engine::Auto,
            Painter::Resvg => Engine::Resvg,
        };
        let threads = (machine::cores() as usize).clamp(1, 4);
        match whole(&document, &options, engine, &fonts, &Limits::default(), threads, &budget) {
            Ok(picture) => {
                drop(progress);
                files::write(self.output.as_deref(), &picture.file)
            }
            Err(e) => {
                files::error(format_args!("svgx: {}: {e}", self.file.display()));
                ExitCode::from(files::WRONG)
            }
        }
    }
}

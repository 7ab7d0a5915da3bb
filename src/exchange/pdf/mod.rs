//! Documents to PDF: one page at an exact scale, or a page for each sheet; vector only.
//!
//! What is painted is what a picture shows ([`svgx_engine::compile::page`]): outlines in plain
//! colours, letters by embedded subsets of their fonts where these may be embedded, clip paths,
//! groups that fade. Layers are optional content, which readers switch. What a page has nothing for
//! is counted.
//!
//! Source of the format: ISO 32000-1:2008; the crate `pdf-writer` writes its objects.

mod content;
mod font;
mod gradient;
mod pages;
mod paper;

use std::io::Write as _;

use pdf_writer::{Ref, Str};
use serde::Serialize;
use svgx_base::budget::{Budget, Stop};
use svgx_drafting::Purpose;
use svgx_engine::compile::{self, Fonts, LeftOut};
use svgx_engine::document::{Document, Limits};
use svgx_engine::geometry::Scale;

pub use paper::Sheet;
use paper::placed;

/// Bytes of a file at most.
const MOST: usize = 64 * 1024 * 1024;

/// How a document is to be put on paper.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Options {
    /// Length on paper over length in the drawing: 0.02 for 1:50. Without, 1; or on a sheet, the
    /// largest usual scale that fits.
    pub scale: Option<f64>,
    /// The sheet; without, the page is as large as the drawing.
    pub sheet: Option<Sheet>,
}

/// A drawing on paper.
#[derive(Debug)]
pub struct Exported {
    /// The file.
    pub pdf: Vec<u8>,
    /// What of the document is in it.
    pub report: Report,
}

/// What of a document is on its page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PdfReport"))]
pub struct Report {
    /// Width and height of the first page in millimetres.
    pub page: [f64; 2],
    /// How many pages there are.
    pub pages: usize,
    /// The sheets of the document that are on them; none where the page is the drawing.
    pub sheets: Vec<String>,
    /// The scale, such as `1:50`.
    pub scale: String,
    /// Names of the layers.
    pub layers: Vec<String>,
    /// Names of the fonts that are embedded.
    pub fonts: Vec<String>,
    /// Outlines that are painted.
    pub outlines: usize,
    /// Letters that are painted as text.
    pub letters: usize,
    /// What is not on the page as it is in a picture.
    pub notes: Vec<Note>,
}

/// Something that is not as it is in a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PdfNote"))]
pub struct Note {
    /// A code that stays: `pdf-gradient` and so on.
    pub code: String,
    /// What it is.
    pub message: String,
    /// How often.
    pub count: usize,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The budget ended.
    #[error("{0}")]
    Stopped(#[from] Stop),
    /// The document cannot be painted.
    #[error("{0}")]
    Document(#[from] compile::Error),
    /// There is more of something than allowed.
    #[error("{what}: {seen} seen, at most {limit} are allowed")]
    Limit {
        /// The name of the limit.
        what: &'static str,
        /// How much there may be.
        limit: usize,
        /// How much there is.
        seen: usize,
    },
    /// The scale is no number above zero.
    #[error("the scale {0} is not positive, or far beyond what paper takes")]
    Scale(f64),
    /// The page would be larger or smaller than a page can be.
    #[error(
        "a page of {0:.3} by {1:.3} mm cannot be: it has from 1 mm to 381 m, name a scale or a sheet"
    )]
    Page(f64, f64),
    /// There is no such sheet.
    #[error("{0}")]
    Sheet(String),
    /// The drawing cannot be resolved.
    #[error("{0}")]
    Geometry(String),
}

impl From<svgx_drafting::Error> for Error {
    fn from(error: svgx_drafting::Error) -> Error {
        use svgx_drafting::Error as E;
        match error {
            E::Stopped(stop) => Error::Stopped(stop),
            E::Geometry(message) => Error::Geometry(message),
            E::Sheet(message) => Error::Sheet(message),
        }
    }
}

/// Puts a document on one page, with everything drawn that it states. O(elements + instances).
///
/// # Errors
/// [`Error`].
pub fn export(
    document: &Document,
    options: &Options,
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<Exported, Error> {
    let painted = svgx_drafting::painted(document, Purpose::Paper, limits, budget)?;
    let page = compile::page(&painted, fonts, limits, budget)?;
    let mm = Scale::of(document).mm_per_unit;
    let placed = placed([page.size.width * mm, page.size.height * mm], options)?;
    pages::write(vec![pages::Leaf { page, placed, mm }], Vec::new(), budget)
}

/// Puts sheets of a document on a page each, in millimetres of paper: the one with that id, or all
/// that there are. O(sheets * (elements + instances)).
///
/// # Errors
/// [`Error`]; [`Error::Sheet`] where there is no such sheet, or none at all.
pub fn export_sheets(
    document: &Document,
    id: Option<&str>,
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<Exported, Error> {
    let names: Vec<String> = match id {
        Some(id) => vec![id.to_owned()],
        None => svgx_drafting::sheets(document).0.into_iter().map(|sheet| sheet.id).collect(),
    };
    if names.is_empty() {
        return Err(Error::Sheet("the drawing has no sheet".to_owned()));
    }
    let mut leaves = Vec::new();
    for name in &names {
        let sheet = svgx_drafting::on_sheet(document, name, limits, budget)?;
        let page = compile::page(&sheet.document, fonts, limits, budget)?;
        // A unit of a sheet is a millimetre.
        let placed = placed([page.size.width, page.size.height], &Options::default())?;
        leaves.push(pages::Leaf { page, placed, mm: 1.0 });
    }
    pages::write(leaves, names, budget)
}

fn note(what: LeftOut, count: usize) -> Note {
    let message = match what {
        LeftOut::Gradient => {
            "lines in gradients, and gradients that repeat or are translucent in parts, are not painted"
        }
        LeftOut::Pattern => "patterns are not painted",
        LeftOut::Picture => "pictures are not painted",
        LeftOut::Filter => "filters are left out: what they are on is painted without",
        LeftOut::Mask => "masks are left out: what they hide is painted",
        LeftOut::Blending => "what blends is painted over what is below",
        LeftOut::TextAsOutlines => "texts whose letters are outlines",
    };
    Note { code: format!("pdf-{}", what.code()), message: message.to_owned(), count }
}

/// Numbers of objects.
#[derive(Debug)]
struct Ids(Ref);

impl Ids {
    fn next(&mut self) -> Ref {
        self.0.bump()
    }
}

/// Compressed as the format has it. Writing to memory cannot fail.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(
        Vec::with_capacity(bytes.len() / 3 + 64),
        flate2::Compression::default(),
    );
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A string of two bytes for a glyph.
fn glyph(id: u16) -> [u8; 2] {
    id.to_be_bytes()
}

/// A string of the file.
fn string(bytes: &[u8]) -> Str<'_> {
    Str(bytes)
}

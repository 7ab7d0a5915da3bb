//! Documents to PDF: one page at an exact scale, vector only.
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
mod paper;

use std::io::Write as _;

use kurbo::Affine;
use pdf_writer::{Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use serde::Serialize;
use svgx_base::budget::{Budget, Stop};
use svgx_engine::compile::{self, Fonts, LeftOut};
use svgx_engine::document::{Document, Limits};
use svgx_engine::geometry::Scale;

use content::Contents;
pub use paper::Sheet;
use paper::{Placed, placed};

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
    /// Width and height of the page in millimetres.
    pub page: [f64; 2],
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
}

/// Puts a document on paper. O(elements + instances).
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
    let page = compile::page(document, fonts, limits, budget)?;
    let mm = Scale::of(document).mm_per_unit;
    let Placed { size: [width, height], at, scale, user_unit } =
        placed([page.size.width * mm, page.size.height * mm], options)?;
    // From the page of the engine, y downward, to units of the file, y upward.
    let point = 72.0 / 25.4 / user_unit;
    let by = point * scale * mm;
    let place = Affine::new([by, 0.0, 0.0, -by, at[0] * point, (height - at[1]) * point]);
    let mut ids = Ids(Ref::new(1));
    let (catalog, pages, leaf, stream, resources) =
        (ids.next(), ids.next(), ids.next(), ids.next(), ids.next());
    let mut pdf = Pdf::new();
    let contents = Contents::of(&page, place, budget)?;
    let area = Rect::new(0.0, 0.0, (width * point) as f32, (height * point) as f32);

    let layers: Vec<Ref> = page.layers.iter().map(|_| ids.next()).collect();
    for (layer, name) in layers.iter().zip(&page.layers) {
        let mut dict = pdf.indirect(*layer).dict();
        dict.pair(Name(b"Type"), Name(b"OCG"));
        dict.pair(Name(b"Name"), TextStr(name));
    }
    let faces = font::embed(&mut pdf, &mut ids, &page.faces, &contents.used, budget)?;
    let forms: Vec<Ref> = contents.forms.iter().map(|_| ids.next()).collect();
    for (form, bytes) in forms.iter().zip(&contents.forms) {
        budget.checkpoint()?;
        let packed = packed(bytes);
        let mut object = pdf.form_xobject(*form, &packed);
        object.filter(Filter::FlateDecode);
        object.bbox(area);
        object.pair(Name(b"Resources"), resources);
        object.group().transparency().isolated(true).knockout(false);
    }
    let shadings: Vec<Ref> = contents.gradients.iter().map(|_| ids.next()).collect();
    for (id, of) in shadings.iter().zip(&contents.gradients) {
        gradient::write(pdf.indirect(*id).dict(), of);
    }
    {
        let mut dict = pdf.indirect(resources).dict();
        let mut fonts = dict.insert(Name(b"Font")).dict();
        for (at, face) in faces.iter().enumerate() {
            if let Some(face) = face {
                fonts.pair(Name(format!("F{at}").as_bytes()), *face);
            }
        }
        fonts.finish();
        let mut objects = dict.insert(Name(b"XObject")).dict();
        for (at, form) in forms.iter().enumerate() {
            objects.pair(Name(format!("X{at}").as_bytes()), *form);
        }
        objects.finish();
        let mut named = dict.insert(Name(b"Shading")).dict();
        for (at, shading) in shadings.iter().enumerate() {
            named.pair(Name(format!("S{at}").as_bytes()), *shading);
        }
        named.finish();
        let mut properties = dict.insert(Name(b"Properties")).dict();
        for (at, layer) in layers.iter().enumerate() {
            properties.pair(Name(format!("L{at}").as_bytes()), *layer);
        }
        properties.finish();
        let mut states = dict.insert(Name(b"ExtGState")).dict();
        for (at, [fill, stroke]) in contents.states.iter().enumerate() {
            let mut state = states.insert(Name(format!("G{at}").as_bytes())).dict();
            state.pair(Name(b"Type"), Name(b"ExtGState"));
            state.pair(Name(b"ca"), f32::from(*fill) / 255.0);
            state.pair(Name(b"CA"), f32::from(*stroke) / 255.0);
        }
    }
    let packed = packed(&contents.bytes);
    pdf.stream(stream, &packed).filter(Filter::FlateDecode);
    {
        let mut leaf = pdf.page(leaf);
        leaf.media_box(area).parent(pages).contents(stream);
        leaf.pair(Name(b"Resources"), resources);
        // Colours mix as they do on a screen.
        leaf.group().transparency().isolated(true).color_space().device_rgb();
        if user_unit > 1.0 {
            leaf.user_unit(user_unit as f32);
        }
    }
    pdf.pages(pages).kids([leaf]).count(1);
    {
        let mut root = pdf.catalog(catalog);
        root.pages(pages);
        if !layers.is_empty() {
            let mut optional = root.insert(Name(b"OCProperties")).dict();
            optional.insert(Name(b"OCGs")).array().items(layers.iter().copied());
            let mut usual = optional.insert(Name(b"D")).dict();
            usual.insert(Name(b"Order")).array().items(layers.iter().copied());
            usual.insert(Name(b"ON")).array().items(layers.iter().copied());
        }
    }
    let information = ids.next();
    pdf.document_info(information).producer(TextStr("SVGX Engine"));
    // Equal documents are equal files: the name of the file is what is in it.
    let name = svgx_base::hash::fnv1a_32(&contents.bytes).to_be_bytes();
    pdf.set_file_id((name.to_vec(), name.to_vec()));
    let bytes = pdf.finish();
    if bytes.len() > MOST {
        return Err(Error::Limit { what: "pdf_bytes", limit: MOST, seen: bytes.len() });
    }
    let notes = page.left_out.iter().map(|(what, count)| note(*what, *count)).collect();
    let report = Report {
        page: [width, height].map(|n| (n * 1e6).round() / 1e6),
        scale: paper::ratio(scale),
        layers: page.layers,
        fonts: page.faces.iter().map(|face| face.name.clone()).collect(),
        outlines: contents.outlines,
        letters: contents.letters,
        notes,
    };
    Ok(Exported { pdf: bytes, report })
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

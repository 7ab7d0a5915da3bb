//! Pages as objects of the file.

use std::collections::BTreeMap;

use kurbo::Affine;
use pdf_writer::{Filter, Finish as _, Name, Pdf, Rect, Ref, TextStr};
use svgx_base::budget::Budget;
use svgx_engine::compile::{LeftOut, Page};

use super::content::Contents;
use super::paper::{self, Placed};
use super::{Error, Exported, Ids, MOST, Report, font, gradient, note, packed};

/// What is on a page.
pub(super) struct Leaf {
    pub(super) page: Page,
    pub(super) placed: Placed,
    /// Millimetres in a unit of the page.
    pub(super) mm: f64,
}

/// What pages have in common.
struct Common {
    pages: Ref,
    /// Layers by their names: one that is on several pages is switched on all of them.
    layers: BTreeMap<String, Ref>,
    /// Names in the order of their first use.
    names: Vec<String>,
    fonts: Vec<String>,
    outlines: usize,
    letters: usize,
    left_out: BTreeMap<LeftOut, usize>,
    bytes: Vec<u8>,
}

/// The file of these pages.
///
/// # Errors
/// [`Error`].
pub(super) fn write(
    leaves: Vec<Leaf>,
    sheets: Vec<String>,
    budget: &Budget,
) -> Result<Exported, Error> {
    let mut ids = Ids(Ref::new(1));
    let (catalog, pages) = (ids.next(), ids.next());
    let mut pdf = Pdf::new();
    let mut common = Common {
        pages,
        layers: BTreeMap::new(),
        names: Vec::new(),
        fonts: Vec::new(),
        outlines: 0,
        letters: 0,
        left_out: BTreeMap::new(),
        bytes: Vec::new(),
    };
    let first = leaves.first().map(|leaf| leaf.placed);
    let mut kids = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        kids.push(one(&mut pdf, &mut ids, leaf, &mut common, budget)?);
    }
    pdf.pages(pages).kids(kids.iter().copied()).count(kids.len() as i32);
    {
        let mut root = pdf.catalog(catalog);
        root.pages(pages);
        let layers: Vec<Ref> =
            common.names.iter().filter_map(|name| common.layers.get(name)).copied().collect();
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
    let name = svgx_base::hash::fnv1a_32(&common.bytes).to_be_bytes();
    pdf.set_file_id((name.to_vec(), name.to_vec()));
    let bytes = pdf.finish();
    if bytes.len() > MOST {
        return Err(Error::Limit { what: "pdf_bytes", limit: MOST, seen: bytes.len() });
    }
    let Placed { size, scale, .. } = first.unwrap_or_default();
    let report = Report {
        page: size.map(|n| (n * 1e6).round() / 1e6),
        pages: kids.len(),
        sheets,
        scale: paper::ratio(scale),
        layers: common.names,
        fonts: common.fonts,
        outlines: common.outlines,
        letters: common.letters,
        notes: common.left_out.iter().map(|(what, count)| note(*what, *count)).collect(),
    };
    Ok(Exported { pdf: bytes, report })
}

/// Writes one page; answers its object.
fn one(
    pdf: &mut Pdf,
    ids: &mut Ids,
    Leaf { page, placed, mm }: Leaf,
    common: &mut Common,
    budget: &Budget,
) -> Result<Ref, Error> {
    let Placed { size: [width, height], at, scale, user_unit } = placed;
    // From the page of the engine, y downward, to units of the file, y upward.
    let point = 72.0 / 25.4 / user_unit;
    let by = point * scale * mm;
    let place = Affine::new([by, 0.0, 0.0, -by, at[0] * point, (height - at[1]) * point]);
    let (leaf, stream, resources) = (ids.next(), ids.next(), ids.next());
    let contents = Contents::of(&page, place, budget)?;
    let area = Rect::new(0.0, 0.0, (width * point) as f32, (height * point) as f32);

    let mut layers = Vec::with_capacity(page.layers.len());
    for name in &page.layers {
        let known = common.layers.get(name).copied();
        layers.push(known.unwrap_or_else(|| {
            let layer = ids.next();
            let mut dict = pdf.indirect(layer).dict();
            dict.pair(Name(b"Type"), Name(b"OCG"));
            dict.pair(Name(b"Name"), TextStr(name));
            common.layers.insert(name.clone(), layer);
            common.names.push(name.clone());
            layer
        }));
    }
    let faces = font::embed(pdf, ids, &page.faces, &contents.used, budget)?;
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
        for (kind, letter, objects) in
            [("XObject", 'X', &forms), ("Shading", 'S', &shadings), ("Properties", 'L', &layers)]
        {
            let mut named = dict.insert(Name(kind.as_bytes())).dict();
            for (at, object) in objects.iter().enumerate() {
                named.pair(Name(format!("{letter}{at}").as_bytes()), *object);
            }
            named.finish();
        }
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
        let mut written = pdf.page(leaf);
        written.media_box(area).parent(common.pages).contents(stream);
        written.pair(Name(b"Resources"), resources);
        // Colours mix as they do on a screen.
        written.group().transparency().isolated(true).color_space().device_rgb();
        if user_unit > 1.0 {
            written.user_unit(user_unit as f32);
        }
    }
    common.outlines += contents.outlines;
    common.letters += contents.letters;
    for face in page.faces.iter().map(|face| &face.name) {
        if !common.fonts.contains(face) {
            common.fonts.push(face.clone());
        }
    }
    for (what, count) in page.left_out {
        *common.left_out.entry(what).or_default() += count;
    }
    common.bytes.extend_from_slice(&contents.bytes);
    Ok(leaf)
}

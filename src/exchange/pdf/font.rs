//! Fonts, cut to the glyphs that are used.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish as _, Name, Pdf, Rect, Ref, Str};
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::TableProvider as _;
use skrifa::{FontRef, GlyphId, MetadataProvider as _};
use svgx_base::budget::Budget;
use svgx_engine::compile::Face;

use super::content::Used;
use super::{Error, Ids, packed};

const SYSTEM: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Embeds what is used of every face; `None` for a face of which nothing is.
///
/// # Errors
/// The end of the budget.
pub(super) fn embed(
    pdf: &mut Pdf,
    ids: &mut Ids,
    faces: &[Face],
    used: &[Used],
    budget: &Budget,
) -> Result<Vec<Option<Ref>>, Error> {
    let mut out = Vec::with_capacity(faces.len());
    for (face, used) in faces.iter().zip(used) {
        budget.checkpoint()?;
        out.push(one(pdf, ids, face, used));
    }
    Ok(out)
}

fn one(pdf: &mut Pdf, ids: &mut Ids, face: &Face, used: &Used) -> Option<Ref> {
    let font = FontRef::from_index(&face.bytes, face.index).ok()?;
    let metrics = font.metrics(Size::unscaled(), LocationRef::default());
    let glyphs = font.glyph_metrics(Size::unscaled(), LocationRef::default());
    let em = 1_000.0 / f32::from(metrics.units_per_em.max(1));
    let is_cff = font.cff().is_ok();
    let subset = subsetter::subset(&face.bytes, face.index, &used.glyphs).ok()?;
    let name = format!("{}+{}", tag(&subset), letters(&face.name));
    let [outer, inner, descriptor, file, unicode] = [(); 5].map(|()| ids.next());
    let base = Name(name.as_bytes());
    pdf.type0_font(outer)
        .base_font(base)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(inner)
        .to_unicode(unicode);
    {
        let mut cid = pdf.cid_font(inner);
        cid.subtype(if is_cff { CidFontType::Type0 } else { CidFontType::Type2 });
        cid.base_font(base).system_info(SYSTEM).font_descriptor(descriptor).default_width(0.0);
        if !is_cff {
            cid.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        let width = |old: u16| glyphs.advance_width(GlyphId::from(old)).unwrap_or(0.0) * em;
        let widths: Vec<f32> = used.glyphs.remapped_gids().map(width).collect();
        cid.widths().consecutive(0, widths);
    }
    {
        let bounds = metrics.bounds.unwrap_or_default();
        let mut about = pdf.font_descriptor(descriptor);
        about.name(base).flags(FontFlags::SYMBOLIC);
        about.bbox(Rect::new(
            bounds.x_min * em,
            bounds.y_min * em,
            bounds.x_max * em,
            bounds.y_max * em,
        ));
        about.italic_angle(metrics.italic_angle).ascent(metrics.ascent * em);
        about.descent(metrics.descent * em).stem_v(80.0);
        about.cap_height(metrics.cap_height.unwrap_or(metrics.ascent) * em);
        match is_cff {
            true => about.font_file3(file),
            false => about.font_file2(file),
        };
    }
    let small = packed(&subset);
    let mut stream = pdf.stream(file, &small);
    stream.filter(Filter::FlateDecode);
    match is_cff {
        true => stream.pair(Name(b"Subtype"), Name(b"OpenType")),
        false => stream.pair(Name(b"Length1"), i32::try_from(subset.len()).unwrap_or(i32::MAX)),
    };
    stream.finish();
    let mut map = UnicodeCmap::<u16>::new(Name(b"Custom"), SYSTEM);
    for (glyph, text) in &used.text {
        map.pair_with_multiple(*glyph, text.chars());
    }
    let map = map.finish();
    pdf.cmap(unicode, &map);
    Some(outer)
}

/// Six capital letters that name a subset.
fn tag(bytes: &[u8]) -> String {
    let mut hash = svgx_base::hash::fnv1a_32(bytes);
    let letter = |_| {
        let letter = b'A' + (hash % 26) as u8;
        hash /= 26;
        char::from(letter)
    };
    (0..6).map(letter).collect()
}

/// A name of letters, digits and hyphens.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect()
}

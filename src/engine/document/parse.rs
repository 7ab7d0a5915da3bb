//! Text to document: the passes, in order.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::encoding::decode;
use super::limits::Limits;
use super::scan::{Care, over, scan};
use super::tree::Document;
use super::{json, lower, normalize, validate, xml};
use svgx_base::deep_span;

/// Reads a document: SVGX, SVG, or the JSON form of exported drawings.
///
/// The document may carry diagnostics of its own, errors included
/// ([`Document::diagnostics`]): it could be read, but breaks a rule.
///
/// # Errors
/// Diagnostics, at least one of them an error, when there is no document to be had.
pub fn parse(source: &str, limits: &Limits) -> Result<Document, Vec<Diagnostic>> {
    let limit = limits.bytes.min(u32::MAX as usize - 1);
    if source.len() > limit {
        return Err(vec![over("bytes", 0, source.len(), limit)]);
    }
    let start = source.trim_start_matches(['\u{feff}', ' ', '\t', '\n', '\r']);
    let mut diagnostics = Diagnostics::new(limits.diagnostics);
    let read = if start.starts_with('{') {
        let _span = deep_span!("json");
        json::read(source, limits, &mut diagnostics)
    } else {
        xml::read(source, limits, &mut diagnostics)
    };
    match read {
        Ok((mut document, mut findings)) => {
            {
                let _span = deep_span!("normalize");
                normalize::normalize(&mut document, &mut findings, &mut diagnostics);
            }
            {
                let _span = deep_span!("lower");
                lower::lower(&mut document, &findings.language);
            }
            {
                let _span = deep_span!("validate");
                validate::validate(&document, &findings, &mut diagnostics);
            }
            (document.diagnostics, document.dropped_diagnostics) = diagnostics.finish();
            Ok(document)
        }
        Err(fatal) => {
            diagnostics.push(fatal);
            Err(diagnostics.finish().0)
        }
    }
}

/// The limit that `source` exceeds, as far as one look over the text tells: its size, depth,
/// elements, and what stands in one tag. It is linear in the text and takes no memory.
pub fn exceeds(source: &str, limits: &Limits) -> Option<Diagnostic> {
    let limit = limits.bytes.min(u32::MAX as usize - 1);
    if source.len() > limit {
        return Some(over("bytes", 0, source.len(), limit));
    }
    if !source.trim_start().starts_with('<') {
        return None;
    }
    let found = scan(source, limits, Care::Bounds).err()?;
    found.code.as_str().starts_with("limit-").then_some(found)
}

/// Reads a document from bytes: see [`decode`].
///
/// # Errors
/// As [`parse`] and [`decode`].
pub fn parse_bytes(bytes: &[u8], limits: &Limits) -> Result<Document, Vec<Diagnostic>> {
    match decode(bytes, limits) {
        Ok(source) => parse(&source, limits),
        Err(diagnostic) => Err(vec![diagnostic]),
    }
}

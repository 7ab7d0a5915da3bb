//! Text to document: the passes, in order.

use super::code::Code;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::limits::Limits;
use super::scan::over;
use super::text::Span;
use super::tree::Document;
use super::{json, lower, normalize, validate, xml};

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
        json::read(source, limits, &mut diagnostics)
    } else {
        xml::read(source, limits, &mut diagnostics)
    };
    match read {
        Ok((mut document, mut findings)) => {
            normalize::normalize(&mut document, &mut findings, &mut diagnostics);
            lower::lower(&mut document, &findings.language);
            validate::validate(&document, &findings, &mut diagnostics);
            (document.diagnostics, document.dropped_diagnostics) = diagnostics.finish();
            Ok(document)
        }
        Err(fatal) => {
            diagnostics.push(fatal);
            Err(diagnostics.finish().0)
        }
    }
}

/// Reads a document from bytes that should be UTF-8. A byte order mark is skipped.
///
/// # Errors
/// As [`parse`]; also for UTF-16, UTF-32, and bytes that are no UTF-8.
pub fn parse_bytes(bytes: &[u8], limits: &Limits) -> Result<Document, Vec<Diagnostic>> {
    match decode(bytes, limits) {
        Ok(source) => parse(source, limits),
        Err(diagnostic) => Err(vec![diagnostic]),
    }
}

/// The text in `bytes`, without a byte order mark.
///
/// # Errors
/// One diagnostic, for what is too long or no UTF-8.
pub fn decode<'b>(bytes: &'b [u8], limits: &Limits) -> Result<&'b str, Diagnostic> {
    if bytes.len() > limits.bytes {
        return Err(over("bytes", 0, bytes.len(), limits.bytes));
    }
    let utf16 = bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.starts_with(&[b'<', 0])
        || bytes.starts_with(&[0, b'<'])
        || bytes.starts_with(&[0, 0, 0, b'<']);
    if utf16 {
        let message = "the text is UTF-16 or UTF-32; documents are UTF-8";
        return Err(Diagnostic::error(Code::Encoding, Span::new(0, 0), message)
            .help("convert it: iconv -f UTF-16 -t UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(e) => {
            let at = e.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or_default();
            let message = format!("byte {at} (0x{byte:02x}) is not UTF-8");
            Err(Diagnostic::error(Code::Encoding, Span::new(at, at), message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_not_being_utf8_is_named_with_its_place() {
        let limits = Limits::default();
        for (bytes, at) in [
            (&b"<svg>\xff</svg>"[..], 5),
            (b"\xff\xfe<\0s\0", 0),
            (b"\xfe\xff\0<\0s", 0),
            (b"<\0s\0v\0g\0", 0),
        ] {
            let found = parse_bytes(bytes, &limits).unwrap_err();
            assert_eq!((found[0].code, found[0].span.start), (Code::Encoding, at), "{bytes:?}");
        }
        assert!(parse_bytes(b"\xef\xbb\xbf<svg width='1' height='1'/>", &limits).is_ok());
    }
}

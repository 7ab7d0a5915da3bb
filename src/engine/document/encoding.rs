//! Bytes to text: gzip (`.svgz`), byte order marks, and the encoding that the XML
//! declaration names. Without any of these a document is UTF-8.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8};
use flate2::read::MultiGzDecoder;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::limits::Limits;
use super::scan::{over, shorten};
use super::text::Span;

/// An XML declaration is looked for in this many bytes.
const DECLARATION: usize = 256;

/// The text in `bytes`, without a byte order mark.
///
/// # Errors
/// One diagnostic: for what is too long, also when unpacked, for gzip that is damaged, and
/// for bytes that are not in the encoding that they should be in.
pub fn decode<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Cow<'b, str>, Diagnostic> {
    within(bytes.len(), limits)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return text(bytes, limits);
    }
    let unpacked = unpack(bytes, limits)?;
    text(&unpacked, limits).map(|text| Cow::Owned(text.into_owned()))
}

fn within(bytes: usize, limits: &Limits) -> Result<(), Diagnostic> {
    if bytes > limits.bytes { Err(over("bytes", 0, bytes, limits.bytes)) } else { Ok(()) }
}

/// Unpacks gzip, and no more than the limit of it.
fn unpack(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Diagnostic> {
    let mut unpacked = Vec::new();
    // One byte more than the limit is enough to see that it is exceeded.
    let most = limits.bytes as u64 + 1;
    if let Err(error) = MultiGzDecoder::new(bytes).take(most).read_to_end(&mut unpacked) {
        return Err(refused(0, format!("the text is packed with gzip and damaged: {error}")));
    }
    within(unpacked.len(), limits)?;
    Ok(unpacked)
}

fn text<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Cow<'b, str>, Diagnostic> {
    // UTF-32 first: its mark begins with that of UTF-16.
    let utf32 = [&[0xff, 0xfe, 0, 0][..], &[0, 0, 0xfe, 0xff], &[b'<', 0, 0, 0], &[0, 0, 0, b'<']];
    if utf32.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(refused(0, "the text is UTF-32, which is not read".to_owned())
            .help("convert it: iconv -f UTF-32 -t UTF-8"));
    }
    let (encoding, mark) = match Encoding::for_bom(bytes) {
        Some(marked) => marked,
        None if bytes.starts_with(&[b'<', 0]) => (encoding_rs::UTF_16LE, 0),
        None if bytes.starts_with(&[0, b'<']) => (encoding_rs::UTF_16BE, 0),
        None => (declared(bytes)?, 0),
    };
    let bytes = bytes.get(mark..).unwrap_or_default();
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|e| {
            let at = e.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or_default();
            refused(at, format!("byte {} (0x{byte:02x}) is not UTF-8", at + mark))
                .help("save the text as UTF-8, or name its encoding in the XML declaration")
        });
    }
    let name = encoding.name();
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(|| refused(0, format!("the text should be {name}, but some of it is not")))?;
    within(text.len(), limits)?;
    Ok(text)
}

/// The encoding that an XML declaration names; UTF-8 without one.
fn declared(bytes: &[u8]) -> Result<&'static Encoding, Diagnostic> {
    let head = bytes.get(..bytes.len().min(DECLARATION)).unwrap_or_default();
    let Some(declaration) = head.strip_prefix(b"<?xml") else { return Ok(UTF_8) };
    let end = memchr::memmem::find(declaration, b"?>").unwrap_or(declaration.len());
    let declaration = String::from_utf8_lossy(declaration.get(..end).unwrap_or_default());
    let Some((_, after)) = declaration.split_once("encoding") else { return Ok(UTF_8) };
    let value = after.trim_start().strip_prefix('=').unwrap_or_default().trim_start();
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Ok(UTF_8);
    };
    let label = value.split(quote).nth(1).unwrap_or_default();
    match Encoding::for_label(label.as_bytes()) {
        // The declaration itself was read byte by byte: it is not UTF-16.
        Some(encoding) if encoding.is_ascii_compatible() => Ok(encoding),
        Some(_) => Ok(UTF_8),
        None => Err(refused(0, format!("the encoding `{}` is not known", shorten(label)))),
    }
}

fn refused(at: usize, message: String) -> Diagnostic {
    Diagnostic::error(Code::Encoding, Span::new(at, at), message)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::document::{Severity, parse_bytes};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn text_is_read_in_the_encoding_that_it_says() {
        let limits = Limits::default();
        let text = "<svg width='1' height='1'><title>Küche €</title></svg>";
        let latin = |label: &str, rest: &[u8]| {
            [format!("<?xml version='1.0' encoding={label}?><svg><title>K").as_bytes(), rest]
                .concat()
        };
        let marked = |mark: &[u8], rest: Vec<u8>| [mark, &rest].concat();
        for (name, bytes, expected) in [
            ("UTF-8", text.as_bytes().to_vec(), "Küche €"),
            ("UTF-8 with a mark", marked(b"\xef\xbb\xbf", text.into()), "Küche €"),
            ("UTF-16LE", marked(b"\xff\xfe", utf16(text, u16::to_le_bytes)), "Küche €"),
            ("UTF-16BE", marked(b"\xfe\xff", utf16(text, u16::to_be_bytes)), "Küche €"),
            ("UTF-16LE without a mark", utf16(text, u16::to_le_bytes), "Küche €"),
            ("UTF-16BE without a mark", utf16(text, u16::to_be_bytes), "Küche €"),
            ("Latin-1", latin("'ISO-8859-1'", b"\xfcche</title></svg>"), "Küche"),
            ("Windows-1252", latin("\"windows-1252\"", b"\x80</title></svg>"), "K€"),
            ("Latin-2", latin("'iso-8859-2'", b"\xb3</title></svg>"), "Kł"),
            ("Shift JIS", latin("'Shift_JIS'", b"\x83\x41</title></svg>"), "Kア"),
            ("UTF-8 by name", latin("'UTF-8'", "ü</title></svg>".as_bytes()), "Kü"),
            ("gzip", packed(text.as_bytes()), "Küche €"),
            ("gzip of Latin-1", packed(&latin("'latin1'", b"\xfc</title></svg>")), "Kü"),
        ] {
            let read = decode(&bytes, &limits).unwrap_or_else(|d| panic!("{name}: {d:?}"));
            assert!(read.contains(&format!("<title>{expected}</title>")), "{name}: {read}");
            assert!(parse_bytes(&bytes, &limits).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_one_diagnostic() {
        let limits = Limits { bytes: 4096, ..Limits::default() };
        let mut broken = packed(&[b'x'; 2000]);
        broken.truncate(broken.len() / 2);
        for (name, bytes, code) in [
            ("a stray byte", b"<svg>\xff</svg>".to_vec(), Code::Encoding),
            ("Latin-1 that does not say so", b"<svg>K\xfcche</svg>".to_vec(), Code::Encoding),
            ("half a character", b"\xff\xfe<".to_vec(), Code::Encoding),
            ("UTF-32", b"<\0\0\0s\0\0\0".to_vec(), Code::Encoding),
            ("UTF-32 with a mark", b"\xff\xfe\0\0<\0\0\0".to_vec(), Code::Encoding),
            (
                "no encoding",
                b"<?xml version='1.0' encoding='klingon'?><svg/>".to_vec(),
                Code::Encoding,
            ),
            (
                "a broken pair",
                b"<?xml version='1.0' encoding='Shift_JIS'?><svg>\x83</svg>".to_vec(),
                Code::Encoding,
            ),
            ("half a packed text", broken, Code::Encoding),
            ("gzip of nothing", b"\x1f\x8b".to_vec(), Code::Encoding),
            ("a bomb", packed(&vec![b' '; 1 << 20]), Code::LimitBytes),
            ("a packed text in a packed text", packed(&packed(b"<svg/>")), Code::Encoding),
            (
                "a text that grows",
                [b"<?xml version='1.0' encoding='latin1'?>".to_vec(), vec![0xfc; 4000]].concat(),
                Code::LimitBytes,
            ),
        ] {
            let found = parse_bytes(&bytes, &limits).expect_err(name);
            let codes: Vec<_> = found.iter().map(|d| (d.code, d.severity)).collect();
            assert_eq!(codes, [(code, Severity::Error)], "{name}");
        }
    }
}

//! What a client accepts: media types and content codings (RFC 9110, section 12.5).

use std::io::Write as _;

use actix_web::http::header::{self, HeaderMap, HeaderName};

use crate::protocol::problem::Error;

/// The best of `available` for the `Accept` header of a request. Without the
/// header, or at equal preference, the first.
///
/// # Errors
/// [`Error::NotAcceptable`] when the client accepts none of them.
pub(crate) fn media_type(
    headers: &HeaderMap,
    available: &'static [&'static str],
) -> Result<&'static str, Error> {
    let first = available.first().copied().unwrap_or("application/json");
    let written = joined(headers, &header::ACCEPT, "*/*");
    let written = written.trim();
    if written.is_empty() || written == "*/*" {
        return Ok(first);
    }
    let mut best: Option<(&'static str, f32)> = None;
    for &kind in available {
        let quality = quality_of(written, kind);
        if quality > 0.0 && best.is_none_or(|(_, q)| quality > q) {
            best = Some((kind, quality));
        }
    }
    best.map(|(kind, _)| kind).ok_or_else(|| Error::NotAcceptable {
        accept: written.chars().take(200).collect(),
        available: available.join(", "),
    })
}

/// All lines of a header as one list (RFC 9110, section 5.3); `unreadable` for a line that is no
/// text.
pub(crate) fn joined(headers: &HeaderMap, name: &HeaderName, unreadable: &str) -> String {
    let mut list = String::new();
    for value in headers.get_all(name) {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(value.to_str().unwrap_or(unreadable));
    }
    list
}

/// Whether the client accepts JSON.
///
/// # Errors
/// [`Error::NotAcceptable`].
pub(crate) fn json(headers: &HeaderMap) -> Result<(), Error> {
    media_type(headers, &["application/json"]).map(drop)
}

/// The quality of `kind` by the most specific range that matches it.
fn quality_of(accept: &str, kind: &str) -> f32 {
    let (main, _) = kind.split_once('/').unwrap_or((kind, ""));
    let mut found = (0_u8, 0.0_f32);
    for range in accept.split(',') {
        let mut parts = range.split(';');
        let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let specificity = if name == kind {
            3
        } else if name.strip_suffix("/*").is_some_and(|m| m == main) {
            2
        } else if name == "*/*" {
            1
        } else {
            continue;
        };
        if specificity > found.0 {
            found = (specificity, quality(parts));
        }
    }
    found.1
}

fn quality<'p>(parameters: impl Iterator<Item = &'p str>) -> f32 {
    let mut quality = 1.0;
    for parameter in parameters {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            quality = value.trim().parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0);
        }
    }
    quality
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Brotli (RFC 7932).
    Brotli,
}

impl Coding {
    /// The name in `Content-Encoding`; `None` for identity.
    pub(crate) const fn as_str(self) -> Option<&'static str> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            Coding::Brotli => Some("br"),
        }
    }

    /// The tag of a result in this coding: bytes that differ have strong tags that differ
    /// (RFC 9110, section 8.8.3.3).
    pub(crate) fn tag(self, etag: &str) -> String {
        match (self.as_str(), etag.strip_suffix('"')) {
            (Some(coding), Some(start)) if !etag.starts_with("W/") => format!("{start}-{coding}\""),
            _ => etag.to_owned(),
        }
    }

    /// The best coding for the `Accept-Encoding` header of a request: Brotli
    /// before gzip at equal preference.
    pub(crate) fn of(headers: &HeaderMap) -> Coding {
        let written = joined(headers, &header::ACCEPT_ENCODING, "");
        let (mut gzip, mut brotli, mut any) = (None, None, None);
        for item in written.split(',') {
            let mut parts = item.split(';');
            let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = Some(quality(parts));
            match name.as_str() {
                "gzip" | "x-gzip" => gzip = quality,
                "br" => brotli = quality,
                "*" => any = quality,
                _ => {}
            }
        }
        let gzip = gzip.or(any).unwrap_or(0.0);
        let brotli = brotli.or(any).unwrap_or(0.0);
        if brotli > 0.0 && brotli >= gzip {
            Coding::Brotli
        } else if gzip > 0.0 {
            Coding::Gzip
        } else {
            Coding::Identity
        }
    }

    /// Encodes a body; gives it back as it is when that fails or is not worth it.
    pub(crate) fn encode(self, body: Vec<u8>) -> (Vec<u8>, Coding) {
        /// Below this size the headers weigh more than what is saved.
        const WORTH_IT: usize = 1024;
        if body.len() < WORTH_IT {
            return (body, Coding::Identity);
        }
        let encoded = match self {
            Coding::Identity => None,
            Coding::Gzip => {
                let out = Vec::with_capacity(body.len() / 4);
                let mut to = flate2::write::GzEncoder::new(out, flate2::Compression::new(5));
                to.write_all(&body).and_then(|()| to.finish()).ok()
            }
            Coding::Brotli => {
                // Quality 4: the knee of the curve; 20 bits of window hold 1 MiB.
                let mut out = Vec::with_capacity(body.len() / 4);
                let mut to = brotli::CompressorWriter::new(&mut out, 64 * 1024, 4, 20);
                let written = to.write_all(&body).and_then(|()| to.flush());
                drop(to);
                written.is_ok().then_some(out)
            }
        };
        match encoded {
            Some(encoded) if encoded.len() < body.len() => (encoded, self),
            _ => (body, Coding::Identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// A header of as many lines as `value` has.
    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in value.split('\n') {
            headers.append(name.clone(), HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn the_media_type_is_the_best_one_the_client_accepts() {
        const BOTH: &[&str] = &["application/json", "image/svg+xml"];
        for (accept, expected) in [
            ("", Some("application/json")),
            ("*/*", Some("application/json")),
            ("image/*", Some("image/svg+xml")),
            ("application/json;q=0.5, image/svg+xml", Some("image/svg+xml")),
            ("application/json;q=0, */*", Some("image/svg+xml")),
            ("text/html", None),
            ("text/html\nimage/svg+xml", Some("image/svg+xml")),
            ("application/json;q=0.2\nimage/svg+xml;q=0.3", Some("image/svg+xml")),
            ("IMAGE/SVG+XML", Some("image/svg+xml")),
            ("application/json;q=0", None),
        ] {
            let got = media_type(&headers(header::ACCEPT, accept), BOTH).ok();
            assert_eq!(got, expected, "{accept}");
        }
    }

    #[test]
    fn the_coding_is_the_best_one_the_client_accepts() {
        for (accept, expected) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br", Coding::Brotli),
            ("br;q=0.5, gzip", Coding::Gzip),
            ("br;q=0, *", Coding::Gzip),
            ("identity", Coding::Identity),
            ("deflate\nbr", Coding::Brotli),
            ("gzip;q=0.9\nbr;q=0.1", Coding::Gzip),
        ] {
            assert_eq!(Coding::of(&headers(header::ACCEPT_ENCODING, accept)), expected, "{accept}");
        }
    }

    #[test]
    fn a_strong_tag_differs_by_coding() {
        for (coding, etag, expected) in [
            (Coding::Identity, "\"abc\"", "\"abc\""),
            (Coding::Gzip, "\"abc\"", "\"abc-gzip\""),
            (Coding::Brotli, "\"abc\"", "\"abc-br\""),
            (Coding::Brotli, "W/\"abc\"", "W/\"abc\""),
        ] {
            assert_eq!(coding.tag(etag), expected);
        }
    }

    #[test]
    fn what_was_encoded_decodes_to_itself() {
        use std::io::Read as _;
        let body: Vec<u8> = b"<rect x=\"1\"/>".repeat(1000);
        let (gzip, coding) = Coding::Gzip.encode(body.clone());
        assert_eq!(coding, Coding::Gzip);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(gzip.as_slice()).read_to_end(&mut back).expect("gzip");
        assert_eq!(back, body);
        let (br, coding) = Coding::Brotli.encode(body.clone());
        assert_eq!(coding, Coding::Brotli);
        let mut back = Vec::new();
        brotli::Decompressor::new(br.as_slice(), 4096).read_to_end(&mut back).expect("brotli");
        assert_eq!(back, body);
        assert_eq!(Coding::Gzip.encode(b"short".to_vec()), (b"short".to_vec(), Coding::Identity));
    }
}

//! Values that may appear in compiled SVG, or nothing.

use std::borrow::Cow;

use base64::Engine;

use crate::geometry::css;

use super::allow;

/// A value of an attribute or property, if it refers to nothing outside and
/// calls only known functions.
///
/// Presentation attributes are parsed as CSS, where `u\72l(` is `url(` and a
/// comment may stand between any two tokens; so no escapes and no comments.
pub(crate) fn value(value: &str) -> Option<&str> {
    if value.contains(['\\', '<', '>', '{', '}', '@']) || value.contains("/*") {
        return None;
    }
    let mut rest = value;
    while let Some(at) = rest.find('(') {
        let before = &rest[..at];
        let name = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '-')).next()?;
        let name = name.to_ascii_lowercase();
        rest = &rest[at + 1..];
        if name == "url" {
            let end = rest.find(')')?;
            local(rest[..end].trim().trim_matches(['"', '\'']).trim())?;
            rest = &rest[end + 1..];
        } else if !name.is_empty() && !allow::function(&name) {
            return None;
        }
    }
    // Attributes that are not CSS may be read as an address by some reader.
    is_quiet(value).then_some(value)
}

/// Whether no reader could take the text for a script's address: `javascript:`
/// and its like, spaces and control characters between the letters ignored.
fn is_quiet(value: &str) -> bool {
    if !value.contains(':') {
        return true;
    }
    let squeezed: String = value
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .flat_map(char::to_lowercase)
        .collect();
    !["javascript:", "vbscript:", "data:", "file:", "http:", "https:", "blob:", "filesystem:"]
        .iter()
        .any(|scheme| squeezed.contains(scheme))
}

/// A reference into the same document: `#name`.
pub(crate) fn local(reference: &str) -> Option<&str> {
    let name = reference.strip_prefix('#')?;
    let odd = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '(' | ')' | '"' | '\'' | '<' | '>' | '\\')
    };
    (!name.is_empty() && !name.contains(odd)).then_some(reference)
}

/// A picture in the document: `data:image/png|jpeg|gif|webp;base64,` with data
/// that decodes and begins as such a picture does. Answers the address in
/// normal form.
pub(crate) fn picture(reference: &str) -> Option<String> {
    let (kind, data, _) = read_picture(reference)?;
    Some(format!("data:image/{kind};base64,{data}"))
}

/// The bytes of such a picture.
pub(crate) fn picture_bytes(reference: &str) -> Option<Vec<u8>> {
    read_picture(reference).map(|(.., bytes)| bytes)
}

fn read_picture(reference: &str) -> Option<(String, Cow<'_, str>, Vec<u8>)> {
    let (head, data) = reference.trim().split_at_checked(reference.trim().find(',')?)?;
    let data = data.strip_prefix(',')?;
    let head = head.to_ascii_lowercase();
    let kind = head.strip_prefix("data:image/")?.strip_suffix(";base64")?.trim();
    let kind = if kind == "jpg" { "jpeg" } else { kind };
    let data: Cow<'_, str> = if data.contains(|c: char| c.is_ascii_whitespace()) {
        data.split_ascii_whitespace().collect::<String>().into()
    } else {
        data.into()
    };
    let bytes = decode(&data)?;
    let fits = match kind {
        "png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "gif" => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        "webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        _ => false,
    };
    fits.then(|| (kind.to_owned(), data, bytes))
}

/// Base64, padded or not.
pub(crate) fn decode(data: &str) -> Option<Vec<u8>> {
    use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(data).ok()
}

/// The declarations of a `style` attribute that may appear.
pub(crate) fn style(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for d in css::declarations(text) {
        let known = allow::property(&d.name) || d.name.starts_with("--");
        if let Some(value) = value(&d.value).filter(|_| known) {
            if !out.is_empty() {
                out.push(';');
            }
            out.push_str(&d.name);
            out.push(':');
            out.push_str(value);
            if d.important {
                out.push_str(" !important");
            }
        }
    }
    out
}

/// The rules of a style sheet that may appear. At-rules other than `@media` go: `@import`
/// and `@font-face` fetch.
pub(crate) fn sheet(text: &str) -> String {
    let mut out = String::new();
    rules(&css::without_comments(text), 0, &mut out);
    out
}

/// `@media` inside each other.
const NESTED: usize = 8;

fn rules(text: &str, depth: usize, out: &mut String) {
    for piece in css::pieces(text) {
        match piece {
            css::Piece::Rule(selector, body) => {
                let plain = |c: char| {
                    c.is_alphanumeric()
                        || c.is_ascii_whitespace()
                        || "-_.#*>+~,:[]()=^$|\"'".contains(c)
                };
                if selector.is_empty() || !selector.chars().all(plain) {
                    continue;
                }
                let body = style(body);
                if !body.is_empty() {
                    out.push_str(selector);
                    out.push('{');
                    out.push_str(&body);
                    out.push_str("}\n");
                }
            }
            css::Piece::Media(query, inside) => {
                if depth >= NESTED || !is_media(query) {
                    continue;
                }
                let before = out.len();
                out.push_str("@media ");
                out.push_str(query);
                out.push('{');
                let empty = out.len();
                rules(inside, depth + 1, out);
                if out.len() == empty {
                    out.truncate(before);
                } else {
                    out.push_str("}\n");
                }
            }
        }
    }
}

/// Whether a list of media queries may appear: words, numbers and comparisons only.
pub(crate) fn is_media(query: &str) -> bool {
    query
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "-_.,:()/>=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_reach_outside_are_nothing() {
        let bad = [
            "url(http://evil.example/x.svg#a)",
            "url('//evil.example/#a')",
            "URL( \"data:image/svg+xml,<svg/>\" )",
            "u\\72l(http://evil.example)",
            "url(#a) url(http://evil.example)",
            "url(#a",
            "expression(alert(1))",
            "image-set(\"http://evil.example/a.png\" 1x)",
            "element(#a)",
            "java script:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript\n:alert(1)",
            "red/**/;x",
            "-moz-binding(http://evil.example)",
        ];
        for text in bad {
            assert_eq!(value(text), None, "{text}");
        }
        let good = [
            "url(#grad)",
            "url( '#grad' ) red",
            "rgb(1, 2, 3)",
            "rotate(45 1 2) translate(3)",
            "#fff",
            "12px",
            "Arial, 'Helvetica Neue'",
            "0:1",
            "var(--x)",
            "var(--x, #fff)",
        ];
        for text in good {
            assert_eq!(value(text), Some(text));
        }
    }

    #[test]
    fn only_pictures_that_are_what_they_say_pass() {
        let png = "iVBORw0KGgo=";
        assert_eq!(
            picture(&format!("data:image/png;base64,{png}")).as_deref(),
            Some("data:image/png;base64,iVBORw0KGgo=")
        );
        assert_eq!(
            picture("DATA:image/PNG;base64,iVBO\n Rw0K Ggo").as_deref(),
            Some("data:image/png;base64,iVBORw0KGgo")
        );
        let bad = [
            format!("data:image/svg+xml;base64,{png}"),
            format!("data:image/jpeg;base64,{png}"),
            format!("data:text/html;base64,{png}"),
            format!("data:image/png,{png}"),
            "data:image/png;base64,!!!!".to_owned(),
            "http://evil.example/a.png".to_owned(),
            "data:image/png;base64".to_owned(),
            String::new(),
        ];
        for text in bad {
            assert_eq!(picture(&text), None, "{text}");
        }
    }

    #[test]
    fn style_sheets_keep_what_draws_and_lose_what_fetches() {
        let cases = [
            (".a{fill:red;stroke:blue}", ".a{fill:red;stroke:blue}\n"),
            ("@import url(http://e/x.css);.a{fill:red}", ".a{fill:red}\n"),
            ("@font-face{font-family:x;src:url(http://e)}b{fill:red}", "b{fill:red}\n"),
            (
                "@media print{.a{fill:red}}.b{fill:red}",
                "@media print{.a{fill:red}\n}\n.b{fill:red}\n",
            ),
            ("@media print{@import url(http://e/x.css);.a{fill:url(http://e)}}", ""),
            ("@media \"</style>\"{.a{fill:red}}", ""),
            ("@medial{.a{fill:red}}", ""),
            (".a{--c:red;fill:var(--c, blue)}", ".a{--c:red;fill:var(--c, blue)}\n"),
            (".a{--c:url(http://e);fill:var(--c)}", ".a{fill:var(--c)}\n"),
            (".a{behavior:url(#x);-moz-binding:url(#x);fill:url(http://e)}", ""),
            (".a{fill:red;}/* } .b{fill:url(http://e)} */", ".a{fill:red}\n"),
            ("</style><script>{fill:red}", ""),
            (".a{background:url(http://e/a.png)}", ""),
            (".a{fill:\\75rl(http://e)}", ""),
            ("<!-- .a{fill:red} -->", ".a{fill:red}\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(sheet(text), expected, "{text}");
        }
    }
}

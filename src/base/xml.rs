//! Text and attribute values of XML.

/// Appends character data.
pub fn push_text(out: &mut String, text: &str) {
    push_escaped(out, text, false);
}

/// Appends the value of an attribute, without its double quotes.
pub fn push_attribute_value(out: &mut String, value: &str) {
    push_escaped(out, value, true);
}

/// `text` as character data, or as an attribute value in quotes of either kind.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_escaped(&mut out, text, true);
    out.replace('\'', "&#39;")
}

/// White space in attribute values is kept by references (XML 1.0, 3.3.3). What is no XML
/// character (2.2) becomes U+FFFD.
fn push_escaped(out: &mut String, text: &str, quoted: bool) {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let replacement = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' if quoted => "&quot;",
            '\n' if quoted => "&#10;",
            '\t' if quoted => "&#9;",
            '\r' => "&#13;",
            '\n' | '\t' => continue,
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(replacement);
        from = at + c.len_utf8();
    }
    out.push_str(&text[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_would_read_otherwise_is_escaped() {
        for (plain, text, attribute) in [
            ("a & b <c>", "a &amp; b &lt;c&gt;", "a &amp; b &lt;c&gt;"),
            ("say \"x\"", "say \"x\"", "say &quot;x&quot;"),
            ("a\n\tb\r", "a\n\tb&#13;", "a&#10;&#9;b&#13;"),
            ("it's", "it's", "it&#39;s"),
            ("bell \u{7}", "bell \u{fffd}", "bell \u{fffd}"),
            ("Küche ∅", "Küche ∅", "Küche ∅"),
        ] {
            let mut out = String::new();
            push_text(&mut out, plain);
            assert_eq!(out, text);
            assert_eq!(escape(plain), attribute);
        }
    }
}

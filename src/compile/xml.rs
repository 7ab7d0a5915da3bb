//! Writing XML.

/// Appends character data.
pub(crate) fn text(out: &mut String, text: &str) {
    escape(out, text, false);
}

/// Appends ` name="value"`.
pub(crate) fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value, true);
    out.push('"');
}

fn escape(out: &mut String, text: &str, quoted: bool) {
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
            // Not XML characters (XML 1.0, 2.2); an edit may have brought them.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(replacement);
        from = at + c.len_utf8();
    }
    out.push_str(&text[from..]);
}

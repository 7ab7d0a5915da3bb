//! Names and texts in the letters of the format.

use std::collections::{HashMap, HashSet};

/// What of a text is not as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// It is cut off.
    pub(super) is_cut: bool,
    /// It has letters that the version has nothing for.
    pub(super) has_letters: bool,
}

/// A text for group 1: no control character, nothing that would be read as a format.
/// `most`: bytes that a reader takes; `is_ascii`: before UTF-8.
pub(super) fn text(content: &str, most: usize, is_ascii: bool, out: &mut String) -> Lost {
    let mut lost = Lost::default();
    let begin = out.len();
    let mut rest = content;
    while let Some(c) = rest.chars().next() {
        if out.len() - begin + 8 > most {
            lost.is_cut = true;
            break;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        let next = rest.chars().next();
        match c {
            // `%%` and `\U+` are read as other characters, `^` as a control character.
            '%' if next == Some('%') => out.push_str("\\U+0025"),
            '\\' if rest.starts_with("U+") || rest.starts_with("u+") || rest.starts_with("M+") => {
                out.push_str("\\U+005C");
            }
            '^' => out.push_str("^ "),
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c if c.is_ascii() || !is_ascii => out.push(c),
            c => lost.has_letters |= !coded(c, out),
        }
    }
    // A blank at the end of a line is easily lost; a pair needs a line of its own all the same.
    out.truncate(begin + out.get(begin..).map_or(0, |text| text.trim_end().len()));
    lost
}

/// `\U+XXXX`; false, and a question mark, beyond the plane that it can name.
fn coded(c: char, out: &mut String) -> bool {
    let code = u32::from(c);
    if code > 0xFFFF {
        out.push('?');
        return false;
    }
    out.push_str(&format!("\\U+{code:04X}"));
    true
}

/// Names of layers and blocks: each only once, letters of either case being one.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: HashSet<String>,
    numbers: HashMap<String, usize>,
}

impl Names {
    /// A name like `name` that was not given before.
    pub(super) fn unique(&mut self, name: &str) -> String {
        // `0` and the like are spared; before the format knew long names a name had 31 letters.
        let kept: String = name
            .chars()
            .take(48)
            .map(|c| if is_kept(c) { c } else { '-' })
            .collect::<String>()
            .trim()
            .to_owned();
        let like = if kept.is_empty() { "unnamed".to_owned() } else { kept };
        let number = self.numbers.entry(like.to_uppercase()).or_insert(0);
        let mut named = like.clone();
        while !self.given.insert(named.to_uppercase()) {
            *number += 1;
            named = format!("{like}-{}", *number + 1);
        }
        named
    }
}

fn is_kept(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !"<>/\\\":;?*|=`',^%$".contains(c) || c == ' '
}

/// A name as R12 takes it: 31 capital letters, digits, `$`, `_` and `-` at most.
pub(super) fn old(name: &str) -> String {
    let kept = |c: char| {
        let c = c.to_ascii_uppercase();
        if c.is_ascii_alphanumeric() || matches!(c, '$' | '_' | '-') { c } else { '_' }
    };
    name.chars().take(31).map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::text::plain;
    use super::*;

    fn written(content: &str, is_ascii: bool) -> (String, Lost) {
        let mut out = String::new();
        let lost = text(content, 2_000, is_ascii, &mut out);
        (out, lost)
    }

    #[test]
    fn a_text_is_read_back_as_it_was() {
        for content in
            ["plain", "100 %", "%%d", "%%%", "a^b", "^", "\\U+0041", "\\P{x}", "Küche ⌀ 5°", "a\\b"]
        {
            for is_ascii in [true, false] {
                let (text, lost) = written(content, is_ascii);
                assert_eq!(plain(&text), content, "{text}");
                assert_eq!(lost, Lost::default());
                assert!(!is_ascii || text.is_ascii(), "{text}");
            }
        }
    }

    #[test]
    fn a_text_is_one_line_of_bounded_length() {
        assert_eq!(written("a\n0\nENDSEC\u{0}\u{85}b", true).0, "a 0 ENDSEC b");
        let (text, lost) = written(&"ü".repeat(1_000_000), true);
        assert!(text.len() <= 2_000 && lost.is_cut);
        assert_eq!(
            written("🏠", true),
            ("?".to_owned(), Lost { is_cut: false, has_letters: true })
        );
        assert_eq!(written("🏠", false).0, "🏠");
    }

    #[test]
    fn names_are_given_once() {
        let mut names = Names::default();
        assert_eq!(names.unique("Wall"), "Wall");
        assert_eq!(names.unique("WALL"), "WALL-2");
        assert_eq!(names.unique("a\n/b"), "a--b");
        assert_eq!(names.unique(""), "unnamed");
        assert_eq!(old("Schicht 1 & ü"), "SCHICHT_1____");
    }
}

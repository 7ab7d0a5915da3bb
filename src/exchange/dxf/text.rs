//! Text of TEXT and MTEXT as plain lines.

/// What begins with `%%` or `\U+` in a text of either kind.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("%%") {
            if let Some((c, tail)) = special(after) {
                out.extend(c);
                rest = tail;
                continue;
            }
        } else if let Some((c, tail)) = coded(rest) {
            out.push(c);
            rest = tail;
            continue;
        } else if let Some(tail) = rest.strip_prefix("^ ") {
            out.push('^');
            rest = tail;
            continue;
        } else if c == '^' && rest[1..].starts_with(|c: char| c.is_ascii_uppercase()) {
            // A control character in caret notation: only a tab shows.
            out.push(' ');
            rest = rest.get(2..).unwrap_or_default();
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out.retain(is_shown);
    out
}

fn is_shown(c: char) -> bool {
    !c.is_control() && !('\u{FFFE}'..='\u{FFFF}').contains(&c)
}

/// After `%%`: degree, plus-minus, diameter, a code, or a switch of lines, which shows nothing.
fn special(after: &str) -> Option<(Option<char>, &str)> {
    let c = after.chars().next()?;
    let tail = &after[c.len_utf8()..];
    Some(match c.to_ascii_lowercase() {
        'd' => (Some('°'), tail),
        'p' => (Some('±'), tail),
        'c' => (Some('⌀'), tail),
        '%' => (Some('%'), tail),
        'u' | 'o' | 'k' => (None, tail),
        '0'..='9' => {
            let digits = after.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
            (Some(char::from(digits.parse::<u8>().ok()?)), after.get(3..)?)
        }
        _ => return None,
    })
}

/// `\U+XXXX`.
fn coded(rest: &str) -> Option<(char, &str)> {
    let hex = rest.strip_prefix("\\U+").or_else(|| rest.strip_prefix("\\u+"))?;
    let code = u32::from_str_radix(hex.get(..4)?, 16).ok()?;
    Some((char::from_u32(code)?, hex.get(4..)?))
}

/// The lines of an MTEXT without its formats: paragraphs are lines, fractions are `a/b`.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        let mut push = |c: char| {
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        };
        rest = match c {
            '{' | '}' => tail,
            '\\' if coded(rest).is_none() => {
                let Some(code) = tail.chars().next() else { break };
                let after = &tail[code.len_utf8()..];
                let (value, ended) = match after.split_once(';') {
                    Some((value, ended)) => (value, ended),
                    None => (after, ""),
                };
                match code {
                    'P' | 'X' | 'N' => {
                        lines.push(String::new());
                        after
                    }
                    '~' => {
                        push(' ');
                        after
                    }
                    '\\' | '{' | '}' => {
                        push(code);
                        after
                    }
                    'L' | 'l' | 'O' | 'o' | 'K' | 'k' => after,
                    'S' => {
                        value.chars().for_each(|c| push(if "^#".contains(c) { '/' } else { c }));
                        ended
                    }
                    'A' | 'C' | 'c' | 'F' | 'f' | 'H' | 'Q' | 'T' | 'W' | 'p' | 'M' => ended,
                    other => {
                        push(other);
                        after
                    }
                }
            }
            '^' if tail.starts_with('J') => {
                lines.push(String::new());
                tail.get(1..).unwrap_or_default()
            }
            other => {
                push(other);
                tail
            }
        };
    }
    lines.iter().map(|line| plain(line)).collect()
}

/// Lines broken between words so that none has more than `most` letters, if one can be broken; 0 is
/// without end.
pub(super) fn wrapped(lines: Vec<String>, most: usize) -> Vec<String> {
    if most == 0 {
        return lines;
    }
    let mut out = Vec::new();
    for line in lines {
        let mut last = String::new();
        let mut letters = 0;
        for word in line.split(' ') {
            let more = word.chars().count();
            if letters > 0 && letters + 1 + more > most {
                out.push(std::mem::take(&mut last));
                letters = 0;
            } else if letters > 0 {
                last.push(' ');
                letters += 1;
            }
            last.push_str(word);
            letters += more;
        }
        out.push(last);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_of_text_are_those_that_are_drawn() {
        for (given, shown) in [
            ("%%c12 %%p0.1 45%%d", "⌀12 ±0.1 45°"),
            ("%%uunder%%u 100%", "under 100%"),
            ("\\U+00E9t\\U+00e9", "été"),
            ("a^ b^I", "a^b "),
            ("%%065%%", "A%%"),
            ("é^", "é^"),
        ] {
            assert_eq!(plain(given), shown, "{given}");
        }
    }

    #[test]
    fn formats_of_paragraphs_are_left_out() {
        for (given, shown) in [
            ("{\\fArial|b0;One}\\Ptwo", vec!["One", "two"]),
            ("\\A1;3\\S1^2; \\H0.7x;in", vec!["31/2 in"]),
            ("a\\~b\\{c\\}", vec!["a b{c}"]),
            ("\\pxqc;x^Jy\\", vec!["x", "y"]),
            ("\\U+2300 \\f", vec!["⌀ "]),
        ] {
            assert_eq!(lines(given), shown, "{given}");
        }
    }

    #[test]
    fn lines_are_broken_between_words() {
        for (line, most, broken) in [
            ("one two three", 7, vec!["one two", "three"]),
            ("one two three", 0, vec!["one two three"]),
            ("indivisible", 3, vec!["indivisible"]),
            ("", 3, vec![""]),
        ] {
            assert_eq!(wrapped(vec![line.to_owned()], most), broken, "{line}");
        }
    }
}

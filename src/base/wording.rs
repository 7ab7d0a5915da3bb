//! What is wrong with JSON or YAML that somebody wrote, in plain words. The libraries that read it
//! speak of types of a program.

use crate::nearest::nearest;

/// Letters of a name that a message repeats.
const SHOWN: usize = 64;

/// `; did you mean ...?` where something known is near, or nothing.
pub fn meant<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    // A name is compared with every candidate: a long one is none of them.
    if name.len() > 2 * SHOWN {
        return String::new();
    }
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// A name that is not known, what it may mean, and what is known.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let near = meant(name, known.iter().copied());
    let shown: String = name.chars().take(SHOWN).collect();
    match known {
        [] => format!("there is no {what} `{shown}`: none is known here"),
        [one] => format!("there is no {what} `{shown}`; known is {one}{near}"),
        [rest @ .., last] => {
            format!("there is no {what} `{shown}`; known are {} and {last}{near}", rest.join(", "))
        }
    }
}

/// A message of `serde` in plain words.
pub fn plain(text: &str) -> String {
    let text = without_place(text);
    if let Some(name) = text.strip_prefix("missing field ") {
        return format!("{name} is missing");
    }
    if let Some(name) = text.strip_prefix("duplicate field ") {
        return format!("{name} is there twice");
    }
    for (start, what) in [("unknown field ", "member"), ("unknown variant ", "choice")] {
        if let Some(rest) = text.strip_prefix(start) {
            let (name, expected) = rest.split_once("`, ").unwrap_or((rest, ""));
            return unknown(what, name.trim_matches('`'), &quoted(expected));
        }
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, expected)) =
            text.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected "))
        {
            let found = match start {
                // A list where an object was expected is read member by member.
                "invalid length " if wanted(expected) == "an object" => "sequence".to_owned(),
                "invalid length " => format!("{found} elements"),
                _ => found.to_owned(),
            };
            return contrast(&found, expected);
        }
    }
    if text.starts_with("data did not match any variant") {
        return "the value has none of the forms that are known here".to_owned();
    }
    syntax(text).map_or_else(|| text.to_owned(), str::to_owned)
}

/// What was expected and what was found.
fn contrast(found: &str, expected: &str) -> String {
    let expected = wanted(expected);
    let number = found.strip_prefix("string \"").and_then(|text| text.strip_suffix('"'));
    let hint = match number {
        Some(text) if expected.contains("number") && text.trim().parse::<f64>().is_ok() => {
            "; a number stands without quotes"
        }
        _ => "",
    };
    format!("expected {expected}, found {}{hint}", seen(found))
}

/// What was found, as a reader of JSON calls it.
fn seen(found: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("string ", "the text "),
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("boolean ", ""),
        ("character ", "the text "),
    ];
    match found {
        "map" => return "an object".to_owned(),
        "sequence" => return "a list".to_owned(),
        "unit value" | "Option value" => return "null".to_owned(),
        _ => {}
    }
    let mut text = found.to_owned();
    for (start, word) in WORDS {
        if let Some(rest) = found.strip_prefix(start) {
            text = format!("{word}{}", rest.trim_matches('`'));
            break;
        }
    }
    if text.chars().count() > 2 * SHOWN {
        text = text.chars().take(2 * SHOWN).chain(['…']).collect();
    }
    text
}

/// What was expected, as a writer of JSON calls it.
fn wanted(expected: &str) -> String {
    let word = match expected {
        "f64" | "f32" | "a number" => "a number",
        "u64" | "u32" | "u16" | "usize" => "a whole number, 0 or more",
        "u8" => "a whole number from 0 to 255",
        "i64" | "i32" | "isize" => "a whole number",
        "a boolean" => "true or false",
        "a string" | "string" => "a text",
        "a sequence" | "sequence" => "a list",
        "a map" | "map" => "an object",
        "unit" => "null",
        "variant identifier" | "string or map" => "the name of a choice",
        _ => "",
    };
    if !word.is_empty() {
        return word.to_owned();
    }
    let count = |text: &str| text.split(' ').find_map(|word| word.parse::<usize>().ok());
    if let Some(rest) = expected.strip_prefix("an array of length ") {
        return format!("a list of {rest}");
    }
    if expected.starts_with("tuple ") {
        let count = count(expected).map_or_else(String::new, |count| format!(" of {count}"));
        return format!("a list{count}");
    }
    if expected.starts_with("struct ") || expected.contains("tagged enum") {
        return "an object".to_owned();
    }
    if expected.starts_with("enum ") {
        return "the name of a choice".to_owned();
    }
    expected.to_owned()
}

/// What is wrong with text that is no JSON; `None` for a message that is not known here.
fn syntax(text: &str) -> Option<&'static str> {
    Some(match text {
        "EOF while parsing a list" => "the text ends inside a list",
        "EOF while parsing an object" => "the text ends inside an object",
        "EOF while parsing a string" => "the text ends inside quotes",
        "EOF while parsing a value" => "the text ends where a value should begin",
        "expected value" => "no value begins here; texts stand in double quotes",
        "expected ident" => "true, false or null is misspelt",
        "expected `:`" => "a `:` is missing after a name",
        "expected `,` or `}`" => "a `,` or `}` is missing",
        "expected `,` or `]`" => "a `,` or `]` is missing",
        "key must be a string" => "a name in double quotes is missing",
        "trailing comma" => "there is one comma too many before the end of a list or an object",
        "trailing characters" => "there is more text after the end of the value",
        "recursion limit exceeded" => {
            "lists and objects are nested more than 127 deep; the limit is 127"
        }
        "number out of range" => "a number is larger than any that can be kept",
        "invalid number" => "a number is not written as in JSON",
        "invalid escape" => "a `\\` inside quotes begins no escape that JSON knows",
        "lone leading surrogate in hex escape"
        | "unexpected end of hex escape"
        | "invalid unicode code point" => "a `\\u` escape is no character",
        text if text.starts_with("control character") => {
            "a control character inside quotes is not escaped"
        }
        _ => return None,
    })
}

/// The message before the place it ends with: ` at line 3 column 4`, or with a comma.
fn without_place(text: &str) -> &str {
    let head = text.rfind(" at line ").and_then(|at| text.get(..at));
    head.unwrap_or(text)
}

/// The words in backquotes; those with commas between where there are no backquotes.
fn quoted(text: &str) -> Vec<&str> {
    let list = text.strip_prefix("expected one of ").or(text.strip_prefix("expected "));
    match list {
        Some(list) if !list.contains('`') => {
            list.split([',', ' ']).filter(|w| !w.is_empty() && *w != "or").collect()
        }
        _ => text.split('`').skip(1).step_by(2).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn messages_are_in_words_of_json() {
        for (of_program, expected) in [
            ("missing field `level`", "`level` is missing"),
            ("duplicate field `x`", "`x` is there twice"),
            (
                "unknown field `widht`, expected `width` or `height`",
                "there is no member `widht`; known are width and height; did you mean `width`?",
            ),
            (
                "unknown field `x`, there are no fields",
                "there is no member `x`: none is known here",
            ),
            (
                "unknown variant `a, b`, expected one of `svg`, `xml`",
                "there is no choice `a, b`; known are svg and xml",
            ),
            (
                "invalid type: string \"400\", expected u32",
                "expected a whole number, 0 or more, found the text \"400\"; a number stands without quotes",
            ),
            ("invalid type: map, expected f64", "expected a number, found an object"),
            (
                "invalid value: integer `-4`, expected u32",
                "expected a whole number, 0 or more, found the number -4",
            ),
            (
                "invalid length 1, expected an array of length 2",
                "expected a list of 2, found 1 elements",
            ),
            ("invalid type: null, expected a string", "expected a text, found null"),
            (
                "invalid type: boolean `true`, expected struct Point",
                "expected an object, found true",
            ),
            (
                "data did not match any variant of untagged enum Snap",
                "the value has none of the forms that are known here",
            ),
            (
                "unknown field `targt`, expected one of target, value at line 45, column 3",
                "there is no member `targt`; known are target and value; did you mean `target`?",
            ),
            ("missing field `kind` at line 1 column 2", "`kind` is missing"),
            ("EOF while parsing an object", "the text ends inside an object"),
        ] {
            assert_eq!(plain(of_program), expected, "{of_program}");
        }
    }
}

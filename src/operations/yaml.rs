//! The little YAML that generated files need: quoted scalars and blocks.
//!
//! Written line by line and not through a serializer, because these files are read and
//! reviewed by people: they carry comments beside what they explain, keep expressions on
//! one line, and stay the same byte for byte when a library changes its style. What could go
//! wrong with that, a scalar that YAML reads as something else, is tested against a parser.

use std::fmt::Write as _;

use super::NOTICE;

/// A growing YAML text.
#[derive(Debug)]
pub(crate) struct Yaml(String);

impl Yaml {
    pub(crate) fn new(about: &str) -> Yaml {
        Yaml(format!("# {NOTICE}\n# {about}\n"))
    }

    /// One line, `indent` levels of two spaces deep.
    pub(crate) fn line(&mut self, indent: usize, line: impl AsRef<str>) -> &mut Yaml {
        let _ = writeln!(self.0, "{:width$}{}", "", line.as_ref(), width = indent * 2);
        self
    }

    /// `key: 'value'`.
    pub(crate) fn pair(&mut self, indent: usize, key: &str, value: &str) -> &mut Yaml {
        self.line(indent, format!("{key}: {}", quoted(value)))
    }

    pub(crate) fn text(self) -> String {
        self.0
    }
}

/// A single-quoted scalar, or a plain one where nothing in it could be misread.
pub(crate) fn quoted(value: &str) -> String {
    let plain = !value.is_empty()
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && value.starts_with(|c: char| c.is_ascii_alphabetic())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&value.to_ascii_lowercase().as_str());
    if plain { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_could_misread_is_quoted() {
        for (value, text) in [
            ("page", "page"),
            ("no", "'no'"),
            ("30s", "'30s'"),
            ("it's", "'it''s'"),
            ("a: b", "'a: b'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(value), text);
        }
    }

    #[test]
    fn a_parser_reads_back_what_was_quoted() {
        for value in [
            "page",
            "no",
            "NULL",
            "~",
            "30s",
            "1e3",
            "0x1f",
            "2026-01-01",
            "it's",
            "a: b",
            "a #b",
            "- a",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "{a}",
            "[a]",
            "a, b",
            "\"a\"",
            "|",
            ">",
            "?",
            " a ",
            "",
            ".",
            "-",
            "=",
            "<<",
            "a/b",
            "rate(x{code=~\"5..\"}[5m]) > 0",
        ] {
            let text = format!("key: {}\n", quoted(value));
            let read: std::collections::BTreeMap<String, serde_json::Value> =
                serde_saphyr::from_str(&text).expect("it is YAML");
            assert_eq!(read["key"], value, "{text}");
        }
    }
}

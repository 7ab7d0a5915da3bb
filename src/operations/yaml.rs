//! The little YAML that generated files need: quoted scalars and blocks.

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
}

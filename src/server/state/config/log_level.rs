//! The words of a log level. A word that is no level would be taken for the name of a module, and
//! nothing would be logged: so those of other programs are mapped, and all others refused.

const EXPECTED: &str =
    "expected off, error, warn, info, debug or trace, or a filter such as info,svgx_engine=debug";

/// Levels of other programs (syslog, Python, Java, Go), and what they are here.
const WORDS: &[(&str, &str)] = &[
    ("off", "off"),
    ("none", "off"),
    ("silent", "off"),
    ("error", "error"),
    ("err", "error"),
    ("severe", "error"),
    ("critical", "error"),
    ("crit", "error"),
    ("alert", "error"),
    ("emerg", "error"),
    ("emergency", "error"),
    ("fatal", "error"),
    ("panic", "error"),
    ("warn", "warn"),
    ("warning", "warn"),
    ("notice", "info"),
    ("info", "info"),
    ("information", "info"),
    ("informational", "info"),
    ("debug", "debug"),
    ("fine", "debug"),
    ("verbose", "debug"),
    ("trace", "trace"),
    ("all", "trace"),
];

/// A filter with every level by the name it has here.
///
/// # Errors
/// What is no level, and what is expected.
pub fn log_filter(text: &str) -> Result<String, String> {
    let mut filter = String::new();
    for directive in text.split(',').map(str::trim).filter(|d| !d.is_empty()) {
        let (target, word) = match directive.rsplit_once('=') {
            Some((target, word)) => (Some(target.trim()), word.trim()),
            None => (None, directive),
        };
        let level = level(word).ok_or_else(|| format!("{word:?} is no level; {EXPECTED}"))?;
        if !filter.is_empty() {
            filter.push(',');
        }
        if let Some(target) = target {
            // Spans and fields are the filter's own language; its reader judges them.
            filter.push_str(target);
            filter.push('=');
        }
        filter.push_str(level);
    }
    if filter.is_empty() { Err(EXPECTED.to_owned()) } else { Ok(filter) }
}

fn level(word: &str) -> Option<&'static str> {
    let named = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    named.map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_other_programs_are_mapped_and_other_words_are_refused() {
        for (text, expected) in [
            ("info", Some("info")),
            ("WARNING", Some("warn")),
            ("critical", Some("error")),
            ("Fatal", Some("error")),
            ("verbose", Some("debug")),
            ("notice", Some("info")),
            ("info,svgx_engine=debug", Some("info,svgx_engine=debug")),
            (" info , svgx_engine = WARNING ", Some("info,svgx_engine=warn")),
            ("svgx_engine[parse]=debug", Some("svgx_engine[parse]=debug")),
            ("5", None),
            ("loud", None),
            ("svgx_engine", None),
            ("svgx_engine=loud", None),
            ("info,loud", None),
            ("", None),
            (",", None),
        ] {
            assert_eq!(log_filter(text).ok().as_deref(), expected, "{text:?}");
        }
    }
}

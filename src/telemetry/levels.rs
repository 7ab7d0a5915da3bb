//! The levels of the log, as operators write them.
//!
//! `tracing` takes a word it does not know for the name of a target, and shows nothing else:
//! `LOG_LEVEL=WARNING`, the usual form of other programs, would end all logging without a word.
//! So levels are read here: the words of others are understood, unknown ones are refused.

use svgx_base::nearest::did_you_mean;

use super::Error;

/// The levels in force where none are asked for.
pub const USUAL: &str = "info";

/// What other programs call the levels: syslog, Python, Java, Go.
const WORDS: [(&str, &str); 27] = [
    ("off", "off"),
    ("none", "off"),
    ("silent", "off"),
    ("quiet", "off"),
    ("error", "error"),
    ("err", "error"),
    ("severe", "error"),
    ("critical", "error"),
    ("crit", "error"),
    ("fatal", "error"),
    ("alert", "error"),
    ("emerg", "error"),
    ("emergency", "error"),
    ("panic", "error"),
    ("warn", "warn"),
    ("warning", "warn"),
    ("notice", "info"),
    ("info", "info"),
    ("information", "info"),
    ("informational", "info"),
    ("config", "info"),
    ("debug", "debug"),
    ("verbose", "debug"),
    ("fine", "debug"),
    ("trace", "trace"),
    ("finest", "trace"),
    ("all", "trace"),
];

/// Reads `LEVEL` or `TARGET=LEVEL`, several with commas, as directives for `tracing`.
/// What no level is asked for has the [`USUAL`] one: naming one target silences no other.
///
/// # Errors
/// [`Error::Filter`]: a word that is no level, or a target that is no name.
pub fn read(text: &str) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Ok(USUAL.to_owned());
    }
    let (mut directives, mut rest) = (Vec::new(), false);
    for part in text.split(',').map(str::trim) {
        let (target, word) = match part.rsplit_once('=') {
            Some((target, word)) => (Some(target.trim()), word.trim()),
            None => (None, part),
        };
        let wrong = |message: String| Error::Filter(text.chars().take(64).collect(), message);
        let level = level(word).ok_or_else(|| {
            let shown: String = word.chars().take(32).collect();
            let near = did_you_mean(&shown, WORDS.iter().map(|(name, _)| *name));
            let near = near.map_or_else(String::new, |near| format!("; {near}"));
            wrong(format!(
                "{shown:?} is no level; expected off, error, warn, info, debug or trace, \
                 or TARGET=LEVEL such as svgx_server=debug{near}"
            ))
        })?;
        directives.push(match target {
            None => {
                rest = true;
                level.to_owned()
            }
            Some(target) if is_target(target) => format!("{target}={level}"),
            Some(target) => {
                let shown: String = target.chars().take(32).collect();
                return Err(wrong(format!(
                    "{shown:?} is no target; expected a module such as svgx_server"
                )));
            }
        });
    }
    if !rest {
        directives.insert(0, USUAL.to_owned());
    }
    Ok(directives.join(","))
}

fn level(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
}

fn is_target(name: &str) -> bool {
    // Spans and fields are `tracing`'s own language; its reader judges them.
    let plain = |c: char| c.is_ascii_alphanumeric() || "_:.-[]{}=\"".contains(c);
    !name.is_empty() && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::EnvFilter;

    use super::*;

    #[test]
    fn the_words_of_other_programs_are_understood() {
        for (text, expected) in [
            ("info", "info"),
            ("INFO", "info"),
            ("WARNING", "warn"),
            ("critical", "error"),
            ("FATAL", "error"),
            ("verbose", "debug"),
            ("notice", "info"),
            ("none", "off"),
            ("", "info"),
            ("  ", "info"),
            (" warn , svgx_server = Warning ", "warn,svgx_server=warn"),
            ("info,svgx_engine=debug,svgx.request=off", "info,svgx_engine=debug,svgx.request=off"),
            ("svgx_engine[parse{n=1}]=debug", "info,svgx_engine[parse{n=1}]=debug"),
            ("svgx_controller::core=trace", "info,svgx_controller::core=trace"),
        ] {
            let read = read(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!(read, expected, "{text:?}");
            EnvFilter::try_new(&read).unwrap_or_else(|e| panic!("{read:?}: {e}"));
        }
    }

    #[test]
    fn an_unknown_word_is_refused_by_name() {
        for (text, word) in [
            ("svgx_engine", "svgx_engine"),
            ("loud", "loud"),
            ("5", "5"),
            ("10", "10"),
            ("info,svgx_engine=debgu", "debgu"),
            ("info,,warn", ""),
            ("=debug", ""),
            ("a b=info", "a b"),
            ("svgx=", ""),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(&format!("{word:?} is no ")), "{text:?}: {error}");
        }
        let long = "x".repeat(10_000);
        assert!(read(&long).expect_err("no level").to_string().len() < 400);
    }

    #[test]
    fn every_word_is_a_level_of_tracing() {
        for (_, level) in WORDS {
            assert!(level.parse::<tracing::level_filters::LevelFilter>().is_ok(), "{level}");
        }
    }
}

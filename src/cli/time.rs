//! Lengths of time on the command line, in one place: `250ms`, `2s`, `5m`; a bare number counts
//! seconds.

use std::time::Duration;

use svgx_base::duration;

/// The longest that a command takes: a day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Reads a length of time of at most a day.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let read = duration::read_or_seconds(text).map_err(|e| e.to_string())?;
    if read > LONGEST {
        return Err(format!("{text} is longer than a day, which is the most"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_bare_seconds_are_read_and_the_rest_is_refused_in_words() {
        for (text, milliseconds) in
            [("2s", 2_000), ("500ms", 500), ("1.5", 1_500), ("5m", 300_000), ("24h", 86_400_000)]
        {
            assert_eq!(time(text).map(|d| d.as_millis()), Ok(milliseconds), "{text}");
        }
        for (text, said) in [("2x", "expected a number and a unit"), ("25h", "longer than a day")] {
            let error = time(text).expect_err("refused");
            assert!(error.contains(said), "{error}");
        }
    }
}

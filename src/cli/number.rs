//! Numbers on the command line, and the words for what is none.

use std::fmt::Display;

/// A whole number, 0 or more.
pub(crate) fn whole<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let number: u64 =
        text.trim().parse().map_err(|_| "expected a whole number, 0 or more".to_owned())?;
    N::try_from(number).map_err(|_| format!("{number} is more than is taken here"))
}

/// A whole number from 1 to 1000.
pub(crate) fn thousand<N: TryFrom<u64> + PartialOrd + Display>(text: &str) -> Result<N, String> {
    let number: u64 = whole(text).map_err(|_| "expected a whole number, 1 to 1000".to_owned())?;
    let fits = Some(number).filter(|n| (1..=1000).contains(n)).and_then(|n| N::try_from(n).ok());
    fits.ok_or_else(|| format!("{number} is not from 1 to 1000"))
}

/// A number that is finite.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|n: &f64| n.is_finite());
    number.ok_or_else(|| "expected a number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_refused_in_words() {
        assert_eq!(whole::<u16>("65535"), Ok(65_535));
        assert_eq!(number("1.5"), Ok(1.5));
        assert_eq!(thousand::<u32>("1000"), Ok(1_000));
        for (said, words) in [
            (whole::<u32>("abc").map(drop), "a whole number, 0 or more"),
            (whole::<u32>("-3").map(drop), "a whole number, 0 or more"),
            (whole::<u16>("70000").map(drop), "70000 is more than is taken here"),
            (thousand::<u32>("0").map(drop), "0 is not from 1 to 1000"),
            (thousand::<u32>("x").map(drop), "1 to 1000"),
            (number("x").map(drop), "expected a number"),
            (number("inf").map(drop), "expected a number"),
        ] {
            let error = said.expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }
}

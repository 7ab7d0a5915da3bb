//! The precision that a request asks for.

use svgx_base::budget::Tier;

/// The tier that is asked for, and whether nothing coarser will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Precision {
    pub(crate) tier: Tier,
    pub(crate) is_strict: bool,
}

impl Default for Precision {
    fn default() -> Precision {
        Precision { tier: Tier::Compute, is_strict: false }
    }
}

impl Precision {
    /// Reads `ui`, `edit`, `compute` or `strict`, or several of them with semicolons between;
    /// `None` for any other word.
    pub(crate) fn parse(text: &str) -> Option<Precision> {
        let mut precision = Precision::default();
        for word in text.split(';').map(str::trim) {
            if word.eq_ignore_ascii_case("strict") {
                precision.is_strict = true;
            } else {
                precision.tier = word.parse().ok()?;
            }
        }
        Some(precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_tier_and_strictness() {
        for (value, expected) in [
            ("compute", Some((Tier::Compute, false))),
            ("strict", Some((Tier::Compute, true))),
            ("edit; strict", Some((Tier::Edit, true))),
            ("STRICT;ui", Some((Tier::Ui, true))),
            ("fine", None),
            ("", None),
        ] {
            let precision = Precision::parse(value).map(|p| (p.tier, p.is_strict));
            assert_eq!(precision, expected, "{value:?}");
        }
    }
}

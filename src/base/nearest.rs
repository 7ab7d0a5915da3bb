//! What somebody may have meant by a name that does not exist.

use std::borrow::Cow;

/// Names longer than this, in bytes, are compared with nothing.
const LONGEST: usize = 128;

/// The candidate that is nearest to `name`, if it is near: at most a third of its letters differ
/// (optimal string alignment: two letters that changed places differ as one). Capitals, hyphens
/// and underscores make no difference, so that `strokeWidth` is `stroke-width`.
pub fn nearest<'k>(name: &str, candidates: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let written = plain(name);
    candidates
        .into_iter()
        .filter(|c| written.len().abs_diff(c.len()) <= c.len() / 3 + 2 && c.len() <= LONGEST)
        .map(|c| (strsim::osa_distance(&written, &plain(c)), c))
        .filter(|(distance, c)| *distance * 3 <= c.len())
        .min()
        .map(|(_, c)| c)
}

/// `did you mean X?`, where a candidate is near.
pub fn did_you_mean<'k>(
    name: &str,
    candidates: impl IntoIterator<Item = &'k str>,
) -> Option<String> {
    nearest(name, candidates).map(|near| format!("did you mean {near}?"))
}

/// In small letters, without hyphens and underscores.
fn plain(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| !b.is_ascii_uppercase() && b != b'_' && b != b'-') {
        return name.into();
    }
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.map(|c| c.to_ascii_lowercase()).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known =
            ["width", "height", "background", "viewBox", "stroke-width", "set_state", "fill"];
        for (name, meant) in [
            ("widht", Some("width")),
            ("heigth", Some("height")),
            ("backgroud", Some("background")),
            ("viewbox", Some("viewBox")),
            ("VIEWBOX", Some("viewBox")),
            ("strokeWidth", Some("stroke-width")),
            ("stroke_widht", Some("stroke-width")),
            ("set-state", Some("set_state")),
            ("Fill", Some("fill")),
            ("fil", Some("fill")),
            ("file", Some("fill")),
            ("colour", None),
            ("f", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
    }
}

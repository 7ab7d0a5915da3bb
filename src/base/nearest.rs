//! What somebody may have meant by a name that does not exist.

/// The candidate that is nearest to `name`, if it is near: at most a third of its letters differ
/// (optimal string alignment: two letters that changed places differ as one).
pub fn nearest<'k>(name: &str, candidates: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    candidates
        .into_iter()
        .map(|c| (strsim::osa_distance(name, c), c))
        .filter(|(distance, c)| *distance * 3 <= c.len())
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = ["width", "height", "background"];
        for (name, meant) in [
            ("widht", Some("width")),
            ("heigth", Some("height")),
            ("backgroud", Some("background")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
    }
}

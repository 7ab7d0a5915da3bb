//! What somebody may have meant by a name that does not exist.

/// The candidate that is nearest to `key`, if it is near: at most a third of its letters differ.
pub(super) fn suggest<'k>(key: &str, candidates: impl Iterator<Item = &'k str>) -> Option<String> {
    candidates
        .map(|c| (strsim::levenshtein(key, c), c))
        .filter(|(distance, c)| *distance * 3 <= c.len())
        .min()
        .map(|(_, c)| c.to_owned())
}

//! What somebody may have meant by a name that does not exist.

/// The candidate that shares the most with `key`, if it shares much.
pub(super) fn nearest<'k>(key: &str, candidates: impl Iterator<Item = &'k str>) -> Option<String> {
    candidates
        .map(|c| (distance(key, c), c))
        .filter(|(d, c)| *d * 3 <= c.len())
        .min()
        .map(|(_, c)| c.to_owned())
}

/// Levenshtein distance, over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y)).min(*slot + 1).min(left + 1);
            diagonal = *slot;
            left = best;
            *slot = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

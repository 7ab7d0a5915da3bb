//! Names of classes and symbols: what a name of the file leaves, and each only once.

use std::collections::{HashMap, HashSet};

/// Names that were given.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: HashSet<String>,
    /// The last number behind a name that was given before.
    numbers: HashMap<String, usize>,
}

impl Names {
    /// A name that begins with `prefix` and is like `name`: letters, digits, `-` and `_`.
    pub(super) fn unique(&mut self, prefix: &str, name: &str) -> String {
        let is_kept = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let kept = name.chars().take(64).map(|c| if is_kept(c) { c } else { '-' });
        let like: String = prefix.chars().chain(kept).collect();
        let number = self.numbers.entry(like.clone()).or_insert(0);
        let mut named = like.clone();
        while !self.given.insert(named.clone()) {
            *number += 1;
            named = format!("{like}-{}", *number + 1);
        }
        named
    }
}

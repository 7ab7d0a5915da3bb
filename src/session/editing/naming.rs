//! What elements are called outside.

use super::Session;
use crate::error::Error;
use svgx_base::nearest::nearest;

impl Session {
    /// What an element is called outside: its id, or `@N`.
    pub(super) fn label(&self, number: u32) -> String {
        self.node(number)
            .and_then(|node| self.document.id(node))
            .map_or_else(|| format!("@{number}"), str::to_owned)
    }

    /// The handle of the element that is called so.
    pub(super) fn named(&self, id: &str) -> Result<u32, Error> {
        let by_number = || id.strip_prefix('@')?.parse().ok().filter(|n| self.node(*n).is_some());
        let by_id = self.document.by_id(id).map(|node| self.number(node));
        by_id.or_else(by_number).ok_or_else(|| self.unknown(id))
    }

    /// No element is called `id`; one may be nearly so.
    pub(super) fn unknown(&self, id: &str) -> Error {
        /// How many ids a wrong one is compared with: this is no reason to be late.
        const COMPARED: usize = 2_000;
        if let Some(deleted) = self.writers.deleted(id) {
            let (by, sequence) = (self.name_of(&deleted.1), deleted.0);
            return Error::Deleted { id: id.chars().take(64).collect(), by, sequence };
        }
        let id: String = id.chars().take(64).collect();
        let known = self.document.ids();
        let alike = known.filter(|known| known.len().abs_diff(id.len()) <= id.len() / 2);
        let near = nearest(&id, alike.take(COMPARED)).map(str::to_owned);
        Error::UnknownElement { id, near }
    }
}

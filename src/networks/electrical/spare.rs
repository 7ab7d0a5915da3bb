//! Lists that corrections work in, kept from one to the next.

use super::circuit::Phasor;

/// How many lists are kept.
const SPARE: usize = 6;

/// Lists that were used and are kept: to ask for memory and give it back costs as much as to
/// correct.
#[derive(Debug, Clone)]
pub(super) struct Spare<T>(Vec<Vec<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Spare<T> {
        Spare(Vec::new())
    }
}

impl<T: Phasor> Spare<T> {
    /// A list of so many numbers, whatever they are.
    pub(super) fn take(&mut self, count: usize) -> Vec<T> {
        let mut list = self.0.pop().unwrap_or_default();
        list.resize(count, T::default());
        list
    }

    /// Keeps lists.
    pub(super) fn keep(&mut self, lists: impl IntoIterator<Item = Vec<T>>) {
        let room = SPARE.saturating_sub(self.0.len());
        self.0.extend(lists.into_iter().take(room));
    }
}

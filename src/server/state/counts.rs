//! What happens often enough that only its number is kept, by what it was.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is counted apart, with the names used in labels.
pub(crate) trait Words<const N: usize> {
    /// The names, in the order of [`Words::index`].
    const WORDS: [&'static str; N];

    /// Which of them it is.
    fn index(self) -> usize;
}

/// How often each happened since the process began.
#[derive(Debug)]
pub(crate) struct Counts<W, const N: usize> {
    each: [AtomicU64; N],
    of: PhantomData<W>,
}

impl<W, const N: usize> Default for Counts<W, N> {
    fn default() -> Counts<W, N> {
        Counts { each: std::array::from_fn(|_| AtomicU64::new(0)), of: PhantomData }
    }
}

impl<W: Words<N>, const N: usize> Counts<W, N> {
    /// It happened once more.
    pub(crate) fn add(&self, what: W) {
        if let Some(count) = self.each.get(what.index()) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Names and counts of all, those that never happened included.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        W::WORDS.into_iter().zip(self.each.iter().map(|count| count.load(Relaxed)))
    }
}

//! Instruments bound to the attributes they were used with.
//!
//! A measurement by attributes makes a list of them, hashes it and compares it
//! with those known. The same few lists come with every request, so each is
//! looked up once and its series kept, under the words that tell it apart.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use foldhash::fast::FixedState;
use parking_lot::RwLock;

use super::catalogue::Metric;

/// An instrument `I`, and `B`, what it is once bound, by `K`, what tells series apart.
pub(super) struct Series<I, K, B> {
    instrument: I,
    known: RwLock<HashMap<K, B, FixedState>>,
    most: usize,
}

impl<I, K: Eq + Hash, B> Series<I, K, B> {
    /// The instrument of `metric`. No more series are kept than it may have: the
    /// SDK folds the excess.
    pub(super) fn of(metric: &Metric, instrument: I) -> Series<I, K, B> {
        Series { instrument, known: RwLock::default(), most: metric.series }
    }

    /// Measures with the series of `key`, bound by `bind` where it is new.
    pub(super) fn with(&self, key: K, bind: impl FnOnce(&I) -> B, measure: impl FnOnce(&B)) {
        if let Some(series) = self.known.read().get(&key) {
            return measure(series);
        }
        let series = bind(&self.instrument);
        measure(&series);
        let mut known = self.known.write();
        if known.len() < self.most {
            known.insert(key, series);
        }
    }
}

impl<I, K, B> fmt::Debug for Series<I, K, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series").field("most", &self.most).finish_non_exhaustive()
    }
}

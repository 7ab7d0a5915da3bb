//! P95 for people: the loop itself only counts exceedances.

use super::time::Nanos;

/// Buckets per doubling: an upper edge is at most 9 % above the value.
const PER_OCTAVE: u64 = 8;
const FIRST_OCTAVE: u32 = 14;
const LEN: usize = 20 * PER_OCTAVE as usize;

/// Latencies of the last six to twelve seconds.
#[derive(Clone, Debug)]
pub(super) struct Quantiles {
    halves: [[u32; LEN]; 2],
    half: u64,
}

const HALF: u64 = 6_000_000_000;

impl Quantiles {
    pub(super) fn new() -> Quantiles {
        Quantiles { halves: [[0; LEN]; 2], half: 0 }
    }

    pub(super) fn advance(&mut self, now: Nanos) {
        let half = now.0 / HALF;
        if half == self.half {
            return;
        }
        let [current, previous] = &mut self.halves;
        *previous = if half == self.half + 1 { *current } else { [0; LEN] };
        *current = [0; LEN];
        self.half = half;
    }

    pub(super) fn record(&mut self, took: Nanos) {
        let [current, _] = &mut self.halves;
        if let Some(count) = current.get_mut(position(took.0)) {
            *count = count.saturating_add(1);
        }
    }

    /// The upper edge, in nanoseconds, of the bucket the quantile falls into.
    pub(super) fn quantile(&self, q: f64) -> Option<u64> {
        let [current, previous] = &self.halves;
        let total: u64 = current.iter().chain(previous).map(|count| u64::from(*count)).sum();
        let rank = ((total as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, (a, b)) in current.iter().zip(previous).enumerate() {
            seen += u64::from(*a) + u64::from(*b);
            if seen >= rank {
                return Some(edge(index));
            }
        }
        None
    }
}

fn position(ns: u64) -> usize {
    let ns = ns.max(1 << FIRST_OCTAVE);
    let octave = ns.ilog2();
    let part = (ns >> (octave - 3)) & 7;
    let index = u64::from(octave - FIRST_OCTAVE) * PER_OCTAVE + part;
    usize::try_from(index).unwrap_or(LEN).min(LEN - 1)
}

fn edge(index: usize) -> u64 {
    let index = index as u64;
    let octave = index / PER_OCTAVE + u64::from(FIRST_OCTAVE);
    (PER_OCTAVE + index % PER_OCTAVE + 1) << (octave - 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_at_most_an_eighth_above_the_value() {
        let mut quantiles = Quantiles::new();
        for ms in 1..=100 {
            quantiles.record(Nanos(ms * 1_000_000));
        }
        let p95 = quantiles.quantile(0.95).expect("recorded");
        assert!((95_000_000..=107_000_000).contains(&p95), "{p95}");
        quantiles.advance(Nanos(20_000_000_000));
        assert_eq!(quantiles.quantile(0.95), None);
    }
}

//! Seeded randomness: the same numbers on every platform.

use svgx_base::random::{self, SplitMix64};

/// xoshiro256++ (Blackman and Vigna, 2019), seeded by splitmix64.
#[derive(Clone, Debug)]
pub(super) struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator for one purpose (`stream`) of one run (`seed`).
    pub(super) fn new(seed: u64, stream: u64) -> Rng {
        let start = seed.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ stream.wrapping_add(1) << 32;
        let mut seeds = SplitMix64::new(start);
        Rng { state: std::array::from_fn(|_| seeds.next_u64()) }
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let out = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let t = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= t;
        *d = d.rotate_left(45);
        out
    }

    /// In `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        random::unit(self.next())
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// Standard normal (Box and Muller, 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(core::f64::consts::TAU * self.unit())
    }

    /// Log-normal with mean 1 and this sigma of its logarithm.
    pub(super) fn lognormal(&mut self, sigma: f64) -> f64 {
        if sigma <= 0.0 { 1.0 } else { libm::exp(sigma * self.normal() - sigma * sigma / 2.0) }
    }

    /// An index below `n`; 0 when `n` is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn means_are_what_they_are_said_to_be() {
        let mut rng = Rng::new(1, 2);
        let n = 100_000u32;
        let mean = |f: &mut dyn FnMut() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        assert!((mean(&mut || rng.exponential()) - 1.0).abs() < 0.02);
        assert!((mean(&mut || rng.lognormal(0.5)) - 1.0).abs() < 0.02);
        assert!(mean(&mut || rng.normal()).abs() < 0.02);
    }
}

//! The last states that were solved, by what they were solved for: a network that is again what
//! it was (an edit and its undo, a switch back and forth) gets the same answer, to the byte.

use std::collections::VecDeque;

use svgx_base::random::{GOLDEN, mix};

/// How many states are kept.
const MOST: usize = 8;

/// How many numbers they may hold together; one state is always kept.
const MOST_NUMBERS: usize = 1 << 21;

/// Odd, with as many ones as zeros, as [`GOLDEN`].
const OTHER: u64 = 0xD1B5_4A32_D192_ED03;

/// Both halves of a product, one over the other: every bit of `x` moves about half of it.
const fn folded(x: u64, by: u64) -> u64 {
    let whole = x as u128 * by as u128;
    (whole as u64 ^ (whole >> 64) as u64).wrapping_add(by)
}

/// What a network is, in 128 bits: the exclusive or of those of its elements, so that an edit
/// costs as much as its element; where only edits are told, of what it was made as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Print(u128);

impl Print {
    /// Of one element: which kind, its number, and its quantities as bits.
    pub(crate) fn of(kind: u8, number: usize, bits: impl IntoIterator<Item = u64>) -> Print {
        let start = mix((number as u64).wrapping_shl(8) | u64::from(kind));
        let (mut a, mut b) = (start, !start);
        for bits in bits {
            a = folded(a ^ bits, GOLDEN);
            b = folded(b.wrapping_add(bits), OTHER) ^ a;
        }
        Print(u128::from(mix(a)) << 64 | u128::from(mix(b)))
    }

    /// Puts an element in, or takes it out.
    pub(crate) fn toggle(&mut self, element: Print) {
        self.0 ^= element.0;
    }
}

/// Solved states, the newest last.
#[derive(Debug, Clone)]
pub(crate) struct Memory<S> {
    states: VecDeque<(Print, f64, S)>,
    most: usize,
}

impl<S> Memory<S> {
    /// For states of `size` numbers each.
    pub(crate) fn new(size: usize) -> Memory<S> {
        let most = (MOST_NUMBERS / size.max(1)).clamp(1, MOST);
        Memory { states: VecDeque::with_capacity(most), most }
    }

    /// The state of a network, if it was solved to `tolerance` or better.
    pub(crate) fn find(&self, print: Print, tolerance: f64) -> Option<&S> {
        let fits = |s: &&(Print, f64, S)| s.0 == print && s.1 <= tolerance;
        self.states.iter().find(fits).map(|s| &s.2)
    }

    /// Keeps a state, instead of the oldest one.
    pub(crate) fn keep(&mut self, print: Print, tolerance: f64, state: S) {
        self.states.retain(|s| s.0 != print);
        if self.states.len() == self.most {
            self.states.pop_front();
        }
        self.states.push_back((print, tolerance, state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_by_what_it_was_solved_for_while_it_is_among_the_last() {
        let element = |k: usize, v: f64| Print::of(1, k, [v.to_bits()]);
        let mut print = Print::default();
        (0..3).for_each(|k| print.toggle(element(k, 1.0)));
        let first = print;
        let mut memory = Memory::new(10);
        memory.keep(print, 1e-3, 0);
        for k in 1..=MOST {
            print.toggle(element(1, k as f64));
            print.toggle(element(1, k as f64 + 1.0));
            assert_eq!(memory.find(print, 1.0), None);
            assert_eq!(memory.find(first, 1e-3), Some(&0));
            assert_eq!(memory.find(first, 1e-4), None, "solved less exactly");
            memory.keep(print, 1e-3, k);
        }
        // The ninth state took the place of the first.
        assert_eq!(memory.find(first, 1e-3), None);
        print.toggle(element(1, MOST as f64 + 1.0));
        print.toggle(element(1, 1.0));
        assert_eq!(print, first);
        assert_eq!(Memory::<u8>::new(MOST_NUMBERS).most, 1);
    }

    #[test]
    fn elements_that_trade_their_quantities_are_another_network() {
        let of = |a: f64, b: f64| {
            let mut print = Print::of(0, 0, [a.to_bits()]);
            print.toggle(Print::of(0, 1, [b.to_bits()]));
            print
        };
        assert_ne!(of(1.0, 2.0), of(2.0, 1.0));
        assert_ne!(Print::of(0, 3, [1, 2]), Print::of(0, 3, [2, 1]));
        assert_ne!(Print::of(0, 3, [1]), Print::of(1, 3, [1]));
    }
}

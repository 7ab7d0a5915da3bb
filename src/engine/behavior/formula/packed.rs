//! The instructions of one formula in six bytes each.
//!
//! A formula of its own has few slots: named values, constants and temporaries fit into 256, so
//! their numbers fit into a byte and no index can lie outside. The commonest pairs of
//! instructions are one here; each still rounds twice, so results are the same to the bit.

use super::code::{Instruction, Op, apply};

const COUNT: usize = 256;

/// Working memory: as many slots as a byte can name.
pub(super) type Slots = [f64; COUNT];

/// Fresh slots that begin with `template`.
pub(super) fn slots(template: &[f64]) -> Box<Slots> {
    let mut slots = Box::new([f64::NAN; COUNT]);
    for (slot, value) in slots.iter_mut().zip(template) {
        *slot = *value;
    }
    slots
}

#[derive(Clone, Copy, Debug)]
struct Step {
    op: Op,
    dst: u8,
    a: u8,
    b: u8,
    /// The third operand: the destination itself, but for a pair.
    c: u8,
    from: From,
}

/// Which operand is the result of the step before: it need not come by way of its slot, which
/// takes longer than most operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Slots,
    A,
    B,
    C,
}

/// Instructions over [`Slots`], and where their result is.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    steps: Box<[Step]>,
    result: u8,
}

impl Packed {
    /// The same instructions, if all their slots, which are `count`, have a number of one byte.
    pub(super) fn new(instructions: &[Instruction], result: u32, count: usize) -> Option<Packed> {
        if count > COUNT {
            return None;
        }
        let byte = |slot: u32| u8::try_from(slot).ok();
        let mut steps = Vec::with_capacity(instructions.len());
        let mut rest = instructions;
        while let Some((first, after)) = rest.split_first() {
            let (i, c, left) = match after.split_first() {
                Some((second, left)) => match pair(*first, *second, left, result) {
                    Some((both, c)) => (both, c, left),
                    None => (*first, first.dst, after),
                },
                None => (*first, first.dst, after),
            };
            let (dst, a, b, c) = (byte(i.dst)?, byte(i.a)?, byte(i.b)?, byte(c)?);
            let last = steps.last().map(|before: &Step| before.dst);
            let of_last = |o: &u8| Some(*o) == last;
            let read = &[a, b, c][..i.op.operands()];
            let from = match (read.iter().position(of_last), read.iter().rposition(of_last)) {
                (Some(0), Some(0)) => From::A,
                (Some(1), Some(1)) => From::B,
                (Some(2), Some(2)) => From::C,
                _ => From::Slots,
            };
            steps.push(Step { op: i.op, dst, a, b, c, from });
            rest = left;
        }
        Some(Packed { steps: steps.into(), result: byte(result)? })
    }

    /// Runs the instructions; answers the result.
    #[inline]
    pub(super) fn run(&self, slots: &mut Slots) -> f64 {
        let mut last = f64::NAN;
        for step in &self.steps {
            let [a, b, c] = [step.a, step.b, step.c].map(|slot| slots[usize::from(slot)]);
            last = match step.from {
                From::A => apply(step.op, last, b, c),
                From::B => apply(step.op, a, last, c),
                From::C => apply(step.op, a, b, last),
                From::Slots => apply(step.op, a, b, c),
            };
            slots[usize::from(step.dst)] = last;
        }
        slots[usize::from(self.result)]
    }
}

/// `first` and `second` as one, with its third operand: a product or quotient, and what becomes
/// of it at once, if nobody else (`left`, or who wants the `result`) reads it.
fn pair(
    first: Instruction,
    second: Instruction,
    left: &[Instruction],
    result: u32,
) -> Option<(Instruction, u32)> {
    let (before, c) = match (second.a == first.dst, second.b == first.dst) {
        (true, false) => (true, second.b),
        (false, true) => (false, second.a),
        _ => return None,
    };
    let product = match first.op {
        Op::Multiply | Op::Square => true,
        Op::Divide => false,
        _ => return None,
    };
    let op = match (product, second.op, before) {
        (true, Op::Add, _) => Op::AddProduct,
        (true, Op::Subtract, true) => Op::ProductLess,
        (true, Op::Subtract, false) => Op::SubtractProduct,
        (true, Op::Multiply, _) => Op::ProductTimes,
        (false, Op::Add, _) => Op::AddQuotient,
        (false, Op::Subtract, true) => Op::QuotientLess,
        (false, Op::Subtract, false) => Op::SubtractQuotient,
        (false, Op::Multiply, _) => Op::QuotientTimes,
        _ => return None,
    };
    if second.dst != first.dst {
        let slot = first.dst;
        let reads =
            |i: &Instruction| i.a == slot || i.b == slot || (i.op == Op::Select && i.dst == slot);
        let next = left.iter().find(|i| reads(i) || i.dst == slot);
        if next.map_or(result == slot, reads) {
            return None;
        }
    }
    let b = if first.op == Op::Square { first.a } else { first.b };
    Some((Instruction { op, dst: second.dst, a: first.a, b }, c))
}

#[cfg(test)]
mod tests {
    use super::super::code::run;
    use super::*;

    fn instruction(op: Op, dst: u32, a: u32, b: u32) -> Instruction {
        Instruction { op, dst, a, b }
    }

    /// Every operation on a product or quotient, from either side: the same bits as one by one.
    #[test]
    fn pairs_compute_what_their_parts_do() {
        let values = [0.1, -7.3, 3.0, 0.0, 1e300, f64::NAN];
        for first in [Op::Multiply, Op::Divide, Op::Square] {
            for second in [Op::Add, Op::Subtract, Op::Multiply, Op::Divide] {
                for (a, b) in [(3, 2), (2, 3)] {
                    let code = [instruction(first, 3, 0, 1), instruction(second, 4, a, b)];
                    let packed = Packed::new(&code, 4, 5).expect("five slots");
                    let pairs = second != Op::Divide;
                    assert_eq!(packed.steps.len(), if pairs { 1 } else { 2 });
                    for x in values {
                        for y in values {
                            let mut wide = vec![x, y, 0.7, f64::NAN, f64::NAN];
                            let mut small = slots(&wide);
                            run(&code, &mut wide);
                            let (ours, theirs) = (packed.run(&mut small), wide[4]);
                            let same = ours.to_bits() == theirs.to_bits();
                            assert!(same || (ours.is_nan() && theirs.is_nan()), "{ours} {theirs}");
                        }
                    }
                }
            }
        }
    }

    /// Whichever operand the step before has made, and whether it has: the same bits.
    #[test]
    fn programs_compute_what_their_instructions_do_one_by_one() {
        const OPS: [Op; 12] = [
            Op::Negate,
            Op::Square,
            Op::Sin,
            Op::Floor,
            Op::Add,
            Op::Subtract,
            Op::Multiply,
            Op::Divide,
            Op::Max,
            Op::Power,
            Op::Less,
            Op::Select,
        ];
        let mut state = 1u64;
        let mut draw = |below: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u32 % below
        };
        let mut handed = [0; 4];
        for _ in 0..2_000 {
            let code: Vec<Instruction> = (0..8)
                .map(|_| {
                    let op = OPS[draw(12) as usize];
                    instruction(op, 3 + draw(4), draw(7), draw(7))
                })
                .collect();
            let packed = Packed::new(&code, code[7].dst, 7).expect("seven slots");
            packed.steps.iter().for_each(|step| handed[step.from as usize] += 1);
            let mut wide = vec![1.5, -0.3, 7.0, 0.25, 2.0, -4.0, 0.0];
            let mut small = slots(&wide);
            run(&code, &mut wide);
            let (ours, theirs) = (packed.run(&mut small), wide[code[7].dst as usize]);
            let same = ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan();
            assert!(same, "{ours} {theirs}: {code:?}");
        }
        assert!(handed.iter().all(|&steps| steps > 100), "{handed:?}");
    }

    #[test]
    fn a_product_that_is_read_again_stays_one() {
        let product = instruction(Op::Multiply, 3, 0, 1);
        let sum = instruction(Op::Add, 4, 3, 2);
        let again = instruction(Op::Add, 4, 4, 3);
        assert_eq!(Packed::new(&[product, sum, again], 4, 5).map(|p| p.steps.len()), Some(3));
        assert_eq!(Packed::new(&[product, sum], 3, 5).map(|p| p.steps.len()), Some(2));
        assert_eq!(
            Packed::new(&[product, sum, product, again], 4, 5).map(|p| p.steps.len()),
            Some(2)
        );
    }

    #[test]
    fn more_slots_than_a_byte_can_name_are_refused() {
        assert!(Packed::new(&[], 0, 257).is_none());
        assert!(Packed::new(&[], 256, 256).is_none());
    }
}

//! The instructions formulas become, and the loop that runs them.
//!
//! A register machine: every instruction reads two slots and writes one. Slots
//! hold named values first, then constants, then temporaries. The constants,
//! unit conversions among them, are written once when the slots are made.

use std::collections::HashMap;

use super::trig;
use crate::document::Span;

/// What an instruction computes from its operands `a` and `b`: those that read one come
/// first, then those that read two, then those that read three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::behavior) enum Op {
    Move,
    Negate,
    Not,
    Abs,
    Sign,
    Sqrt,
    Cbrt,
    Square,
    Cube,
    Exp,
    Exp2,
    Expm1,
    Ln,
    Log2,
    Log10,
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Erf,
    Erfc,
    Gamma,
    LogGamma,
    Floor,
    Ceil,
    Trunc,
    Round,
    Factorial,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Min,
    Max,
    Hypot,
    Atan2,
    Modulo,
    Fmod,
    Remainder,
    Copysign,
    Combinations,
    Permutations,
    Gcd,
    Lcm,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
    /// `dst = if dst { a } else { b }`.
    Select,
    // Two in one, for `super::packed` only; `c` is the third operand. Each rounds twice.
    /// `c + a * b`
    AddProduct,
    /// `c - a * b`
    SubtractProduct,
    /// `a * b - c`
    ProductLess,
    /// `a * b * c`
    ProductTimes,
    /// `c + a / b`
    AddQuotient,
    /// `c - a / b`
    SubtractQuotient,
    /// `a / b - c`
    QuotientLess,
    /// `a / b * c`
    QuotientTimes,
}

impl Op {
    /// How many operands it reads.
    pub(super) const fn operands(self) -> usize {
        // They are listed in this order.
        match self as u8 {
            op if op < Op::Add as u8 => 1,
            op if op < Op::Select as u8 => 2,
            _ => 3,
        }
    }
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(in crate::behavior) struct Instruction {
    pub(in crate::behavior) op: Op,
    pub(in crate::behavior) dst: u32,
    pub(in crate::behavior) a: u32,
    pub(in crate::behavior) b: u32,
}

const TRUE: f64 = 1.0;
const FALSE: f64 = 0.0;

#[inline]
fn boolean(value: bool) -> f64 {
    if value { TRUE } else { FALSE }
}

/// Equal but for the dust of a conversion or two: 300 K is 26.85 C, 0.1 + 0.2 is 0.3.
#[inline]
fn same(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 16.0 * f64::EPSILON * a.abs().max(b.abs()).min(f64::MAX)
}

/// A comparison that passes NaN on.
#[inline]
fn compare(a: f64, b: f64, holds: bool) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { boolean(holds) }
}

/// A quotient; by zero it is no number.
#[inline]
fn divide(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// The value of `op` on `a`, `b`; `c` is the former value of the destination.
#[inline(always)]
pub(in crate::behavior) fn apply(op: Op, a: f64, b: f64, c: f64) -> f64 {
    match op {
        Op::Move => a,
        Op::Negate => -a,
        Op::Not => compare(a, a, a == 0.0),
        Op::Abs => a.abs(),
        Op::Sign => {
            if a == 0.0 || a.is_nan() {
                a
            } else {
                1.0_f64.copysign(a)
            }
        }
        Op::Sqrt => a.sqrt(),
        Op::Square => a * a,
        Op::Cube => a * a * a,
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        Op::Divide => divide(a, b),
        Op::AddProduct => c + a * b,
        Op::SubtractProduct => c - a * b,
        Op::ProductLess => a * b - c,
        Op::ProductTimes => a * b * c,
        Op::AddQuotient => c + divide(a, b),
        Op::SubtractQuotient => c - divide(a, b),
        Op::QuotientLess => divide(a, b) - c,
        Op::QuotientTimes => divide(a, b) * c,
        Op::Min => {
            if a.is_nan() || a < b {
                a
            } else {
                b
            }
        }
        Op::Max => {
            if a.is_nan() || a > b {
                a
            } else {
                b
            }
        }
        Op::Cos => settled(trig::cos(a), a),
        Op::Sin => settled(trig::sin(a), a),
        Op::Less => compare(a, b, a < b && !same(a, b)),
        Op::LessEqual => compare(a, b, a <= b || same(a, b)),
        Op::Greater => compare(a, b, a > b && !same(a, b)),
        Op::GreaterEqual => compare(a, b, a >= b || same(a, b)),
        Op::Equal => compare(a, b, same(a, b)),
        Op::NotEqual => compare(a, b, !same(a, b)),
        // A side that decides alone hides a NaN on the other: `x != 0 and 1/x > 2`.
        Op::And => {
            if a == 0.0 || b == 0.0 {
                FALSE
            } else {
                compare(a, b, true)
            }
        }
        Op::Or => {
            let decided = (a != 0.0 && !a.is_nan()) || (b != 0.0 && !b.is_nan());
            if decided { TRUE } else { compare(a, b, false) }
        }
        Op::Select => {
            if c.is_nan() {
                c
            } else if c != 0.0 {
                a
            } else {
                b
            }
        }
        _ => rare(op, a, b),
    }
}

/// A sine, cosine or tangent, or zero where it is less than the rounding of its angle: half a turn
/// has no sine, though pi is no number of binary digits. Angles of many turns are left alone.
#[inline(always)]
fn settled(value: f64, angle: f64) -> f64 {
    const MANY: f64 = 1e6;
    if value.abs() <= f64::EPSILON * angle.abs() && angle.abs() < MANY { 0.0 } else { value }
}

#[inline(never)]
fn rare(op: Op, a: f64, b: f64) -> f64 {
    match op {
        Op::Cbrt => libm::cbrt(a),
        Op::Exp => libm::exp(a),
        Op::Exp2 => libm::exp2(a),
        Op::Expm1 => libm::expm1(a),
        Op::Ln => logarithm(a, libm::log),
        Op::Log2 => logarithm(a, libm::log2),
        Op::Log10 => logarithm(a, libm::log10),
        Op::Log1p => libm::log1p(a),
        // A right angle has none, however the angle was rounded.
        Op::Tan if settled(trig::cos(a), a) == 0.0 => f64::NAN,
        Op::Tan => settled(libm::tan(a), a),
        Op::Asin => libm::asin(a),
        Op::Acos => libm::acos(a),
        Op::Atan => libm::atan(a),
        Op::Sinh => libm::sinh(a),
        Op::Cosh => libm::cosh(a),
        Op::Tanh => libm::tanh(a),
        Op::Asinh => libm::asinh(a),
        Op::Acosh => libm::acosh(a),
        Op::Atanh => libm::atanh(a),
        Op::Erf => libm::erf(a),
        Op::Erfc => libm::erfc(a),
        Op::Gamma => libm::tgamma(a),
        Op::LogGamma => libm::lgamma(a),
        Op::Floor => a.floor(),
        Op::Ceil => a.ceil(),
        Op::Trunc => a.trunc(),
        Op::Round => a.round_ties_even(),
        Op::Power => libm::pow(a, b),
        Op::Hypot => libm::hypot(a, b),
        Op::Atan2 => libm::atan2(a, b),
        // The sign of the divisor, as Python's `%`.
        Op::Modulo => {
            let r = libm::fmod(a, b);
            if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
        }
        Op::Fmod => libm::fmod(a, b),
        Op::Remainder => libm::remainder(a, b),
        Op::Copysign => a.copysign(b),
        Op::Factorial => permutations(a, a),
        Op::Permutations => permutations(a, b),
        Op::Combinations => combinations(a, b),
        Op::Gcd => gcd(a, b),
        Op::Lcm => {
            let divisor = gcd(a, b);
            if divisor == 0.0 { divisor } else { (a / divisor * b).abs() }
        }
        _ => f64::NAN,
    }
}

fn logarithm(a: f64, log: fn(f64) -> f64) -> f64 {
    if a == 0.0 { f64::NAN } else { log(a) }
}

fn is_count(x: f64) -> bool {
    x >= 0.0 && x.fract() == 0.0 && x.is_finite()
}

/// `n! / (n - k)!`; stops as soon as it is too large, which is after 170 steps at most.
fn permutations(n: f64, k: f64) -> f64 {
    if !is_count(n) || !is_count(k) {
        return f64::NAN;
    }
    let (mut product, mut i) = (1.0_f64, 0.0);
    while i < k && product != 0.0 && product.is_finite() {
        product *= n - i;
        i += 1.0;
    }
    product
}

/// Binomial coefficient; every step at least doubles it, so it ends after about 1030.
fn combinations(n: f64, k: f64) -> f64 {
    if !is_count(n) || !is_count(k) {
        return f64::NAN;
    }
    if k > n {
        return 0.0;
    }
    let k = k.min(n - k);
    let (mut product, mut i) = (1.0_f64, 1.0);
    while i <= k && product.is_finite() {
        product = product * (n - k + i) / i;
        i += 1.0;
    }
    product.round()
}

/// Euclid's algorithm; below 2^53, so under 80 steps.
fn gcd(a: f64, b: f64) -> f64 {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let (mut a, mut b) = (a.abs(), b.abs());
    if !is_count(a) || !is_count(b) || a > EXACT || b > EXACT {
        return f64::NAN;
    }
    while b != 0.0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Runs `instructions` over `slots`.
#[inline]
pub(in crate::behavior) fn run(instructions: &[Instruction], slots: &mut [f64]) {
    for i in instructions {
        let (a, b) = (slots[i.a as usize], slots[i.b as usize]);
        let dst = &mut slots[i.dst as usize];
        *dst = apply(i.op, a, b, *dst);
    }
}

/// Where a result stopped being a number, and how.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::behavior) struct Fault {
    /// The place in the formula.
    pub(in crate::behavior) span: Span,
    /// One clause: `division by zero`.
    pub(in crate::behavior) reason: String,
}

/// Runs `instructions` again, and follows the last result back to the first
/// instruction that made something else than a number out of numbers.
pub(in crate::behavior) fn trace(
    instructions: &[Instruction],
    spans: &[Span],
    slots: &mut [f64],
) -> Option<Fault> {
    let mut steps = Vec::with_capacity(instructions.len());
    for i in instructions {
        let (a, b, c) = (slots[i.a as usize], slots[i.b as usize], slots[i.dst as usize]);
        let value = apply(i.op, a, b, c);
        slots[i.dst as usize] = value;
        steps.push((a, b, c, value));
    }
    let mut at = instructions.len().checked_sub(1)?;
    loop {
        let (i, (a, b, c, value)) = (instructions[at], steps[at]);
        if value.is_finite() {
            return None;
        }
        let culprit = if i.op == Op::Select && !c.is_finite() {
            Some(i.dst)
        } else if i.op == Op::Select {
            Some(if c != 0.0 { i.a } else { i.b })
        } else if !a.is_finite() {
            Some(i.a)
        } else if !b.is_finite() && is_binary(i.op) {
            Some(i.b)
        } else {
            None
        };
        let before =
            culprit.and_then(|slot| instructions[..at].iter().rposition(|j| j.dst == slot));
        match (culprit, before) {
            (_, Some(earlier)) => at = earlier,
            (Some(_), None) => return None,
            (None, None) => {
                let span = spans.get(at).copied().unwrap_or(Span::NONE);
                return Some(Fault { span, reason: reason(i.op, a, b, value) });
            }
        }
    }
}

fn is_binary(op: Op) -> bool {
    op as u8 >= Op::Add as u8
}

fn reason(op: Op, a: f64, b: f64, value: f64) -> String {
    match op {
        Op::Divide => "division by zero".to_owned(),
        Op::Modulo | Op::Fmod | Op::Remainder if b == 0.0 => "division by zero".to_owned(),
        Op::Sqrt => format!("square root of {a}"),
        Op::Ln | Op::Log2 | Op::Log10 | Op::Log1p => format!("logarithm of {a}"),
        Op::Tan => "a right angle has no tangent".to_owned(),
        Op::Asin | Op::Acos => format!("no angle has the sine or cosine {a}"),
        Op::Power if value.is_nan() => format!("{a} to the power {b} is not a real number"),
        Op::Factorial | Op::Permutations | Op::Combinations | Op::Gcd if value.is_nan() => {
            "whole numbers from 0 were expected".to_owned()
        }
        _ if value.is_nan() => "the result is not a number".to_owned(),
        _ => "the result is too large for a number (overflow)".to_owned(),
    }
}

/// Where a value is while code is made: known already, in a named slot, or in
/// the temporary of its place on the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::behavior) enum ValueSource {
    Constant(f64),
    Slot(u32),
    Temporary(u32),
}

/// Collects instructions and constants of one or of many formulas.
#[derive(Debug)]
pub(in crate::behavior) struct Builder {
    named: u32,
    temporaries: u32,
    constants: Vec<f64>,
    known: HashMap<u64, u32>,
    instructions: Vec<Instruction>,
    spans: Vec<Span>,
}

/// Instructions with their places in the formulas and the layout of their slots:
/// named values, temporaries, constants.
#[derive(Clone, Debug)]
pub(in crate::behavior) struct Bytecode {
    pub(in crate::behavior) instructions: Vec<Instruction>,
    pub(in crate::behavior) spans: Vec<Span>,
    variable: usize,
}

impl Bytecode {
    /// Fresh slots: named values and temporaries NaN, then the constants.
    pub(in crate::behavior) fn slots(&self, constants: &[f64]) -> Vec<f64> {
        let mut slots = vec![f64::NAN; self.variable];
        slots.extend_from_slice(constants);
        slots
    }
}

impl Builder {
    /// For `named` values, formulas no deeper than `temporaries`.
    pub(in crate::behavior) fn new(named: usize, temporaries: usize) -> Builder {
        Builder {
            named: named as u32,
            temporaries: temporaries as u32,
            constants: Vec::new(),
            known: HashMap::new(),
            instructions: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// How many instructions there are so far.
    pub(in crate::behavior) fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Forgets instructions made after the first `len`.
    pub(in crate::behavior) fn truncate(&mut self, len: usize) {
        self.instructions.truncate(len);
        self.spans.truncate(len);
    }

    /// The slot a place stands for.
    pub(in crate::behavior) fn place(&mut self, place: ValueSource) -> u32 {
        match place {
            ValueSource::Slot(slot) => slot,
            ValueSource::Temporary(at) => self.named + at,
            ValueSource::Constant(value) => {
                let next = self.named + self.temporaries + self.constants.len() as u32;
                *self.known.entry(value.to_bits()).or_insert_with(|| {
                    self.constants.push(value);
                    next
                })
            }
        }
    }

    /// `op` on `a` and `b` into the temporary `at`, or computed now if both are constants.
    pub(super) fn emit(
        &mut self,
        op: Op,
        a: ValueSource,
        b: ValueSource,
        at: u32,
        span: Span,
    ) -> ValueSource {
        if let (ValueSource::Constant(x), ValueSource::Constant(y)) = (a, b) {
            let value = apply(op, x, y, 0.0);
            // What is no number stays an instruction, so that its place can be reported.
            if value.is_finite() {
                return ValueSource::Constant(value);
            }
        }
        let (a, b) = (self.place(a), self.place(b));
        self.instructions.push(Instruction { op, dst: self.named + at, a, b });
        self.spans.push(span);
        ValueSource::Temporary(at)
    }

    /// `if condition { a } else { b }` into the temporary `at`, where `condition` was computed.
    pub(super) fn select(
        &mut self,
        condition: ValueSource,
        a: ValueSource,
        b: ValueSource,
        at: u32,
        span: Span,
    ) -> ValueSource {
        if let ValueSource::Constant(c) = condition {
            let chosen = if c != 0.0 { a } else { b };
            return match chosen {
                ValueSource::Temporary(_) => self.emit(Op::Move, chosen, chosen, at, span),
                other => other,
            };
        }
        if condition != ValueSource::Temporary(at) {
            self.emit(Op::Move, condition, condition, at, span);
        }
        let (a, b) = (self.place(a), self.place(b));
        self.instructions.push(Instruction { op: Op::Select, dst: self.named + at, a, b });
        self.spans.push(span);
        ValueSource::Temporary(at)
    }

    /// Makes sure the result ends in `slot`.
    pub(in crate::behavior) fn store(&mut self, place: ValueSource, slot: u32, span: Span) {
        if let (ValueSource::Temporary(at), Some(last)) = (place, self.instructions.last_mut())
            && last.dst == self.named + at
            && last.op != Op::Select
        {
            last.dst = slot;
            return;
        }
        let a = self.place(place);
        self.instructions.push(Instruction { op: Op::Move, dst: slot, a, b: a });
        self.spans.push(span);
    }

    /// The code, and the constants its slots need.
    pub(in crate::behavior) fn finish(self) -> (Bytecode, Vec<f64>) {
        let variable = (self.named + self.temporaries) as usize;
        let code = Bytecode { instructions: self.instructions, spans: self.spans, variable };
        (code, self.constants)
    }
}

//! Formulas: text to postfix, units checked, then a short list of instructions
//! over `f64` slots. No code from a document ever runs; what a formula may cost
//! is bounded by its length, and evaluating it is one pass without branches back.
//!
//! # The grammar
//! ```text
//! or, and, not          booleans; `&&`, `||`, `!` are accepted
//! < <= > >= == !=       do not chain
//! + -
//! * /
//! - (sign)              below the power: -2^2 is -4
//! ^ (also **)           right associative: 2^3^2 is 2^9
//! ```
//! Operands are numbers (`1.5e3`), numbers with a unit (`2 kW`, `0.35 [W/(m^2*K)]`),
//! `true` and `false`, names (`power`, `lf01.power`, `'lf-01'.power`), calls
//! ([`functions`]) and parentheses. `if(c, a, b)` is the conditional; only the
//! chosen value counts, so `if(x == 0, 0, 1/x)` is never a division by zero.
//!
//! # How numbers and units meet
//! A name stands for its number in the unit it was declared with, as the language
//! has always had it; units are checked beside it, when the formula is compiled:
//! 1. `*` and `/` multiply units. `brightness / power` is `lm/W`.
//! 2. `+ -`, comparisons, `min`, `max` and the like want one dimension. The second
//!    operand is converted to the first one's unit.
//! 3. A plain number takes the unit of what it is added to or compared with:
//!    in `power / (power + 2)` the 2 is 2 kW. A *variable* without a unit does so
//!    too, with the warning `unit-assumed`.
//! 4. Where units cancel, their factor is applied: 48 kW over 24000 W is 2. A literal
//!    factor of 1000 (1e6, 1e9) that is exactly what the units lack is read as the
//!    author's own conversion and not applied twice: `power / (voltage * current / 1000)`
//!    with kW, V and A is 1, with the note `hand-conversion`.
//! 5. A temperature in C or F keeps count of its zero: differences are differences,
//!    `(a + b) / 2` is a temperature, `t * 0.5` halves the degrees as written. A
//!    temperature multiplied by another quantity counts from its own zero, with the
//!    warning `temperature-point`. Beside C and F in a sum, K is a difference.
//! 6. Functions of angles take radians and convert `deg`.
//!
//! # What is no number
//! Division by zero, roots and logarithms of the wrong sign give NaN, and NaN is never
//! swallowed: comparisons, `min` and `max` pass it on. [`super::Program`] reports it on the
//! result, with the place it came from. Arithmetic is IEEE 754 binary64 and `libm`'s, so
//! results are equal on every platform.

mod check;
mod code;
mod function;
mod law;
mod lex;
mod packed;
mod parse;
mod trig;

use smallvec::SmallVec;
use svgx_base::hash::{FNV_OFFSET, fnv1a_words};

use packed::Packed;

use super::unit::Unit;
use crate::document::{Diagnostic, Limits, Severity, Span};

pub(super) use check::{Resolved, Type, check, settle_result};
pub(super) use code::{Builder, Bytecode, Fault, run, trace};
pub(super) use function::constant;
pub use function::functions;
pub(super) use law::HELD;
pub(super) use parse::{Kind, Parsed, parse};

/// One formula on its own: compiled once, evaluated often.
///
/// ```
/// use svgx_engine::behavior::{formula::Formula, unit::Unit};
/// use svgx_engine::document::Limits;
///
/// let inputs = [("voltage", "V".parse().unwrap()), ("resistance", "ohm".parse().unwrap())];
/// let formula = Formula::compile("voltage / resistance", &inputs, &Limits::default()).unwrap();
/// let mut frame = formula.frame();
/// assert_eq!(formula.unit().unwrap().to_string(), "A");
/// assert_eq!(formula.evaluate(&mut frame, &[120.0, 720.0]), 120.0 / 720.0);
/// ```
#[derive(Clone, Debug)]
pub struct Formula {
    code: Form,
    slots: Vec<f64>,
    /// Tells frames with other constants apart.
    mark: u64,
    inputs: usize,
    unit: Option<Unit>,
    notes: Vec<Diagnostic>,
}

/// The instructions of a formula and the slot of its result.
#[derive(Clone, Debug)]
enum Form {
    /// Few slots, as nearly every formula has.
    Packed(Packed),
    /// Any number of them.
    Wide(Bytecode, u32),
}

/// The working memory of a [`Formula`]. One per thread.
#[derive(Clone, Debug)]
pub struct Frame {
    slots: Slots,
    /// That of the formula it was made for.
    mark: u64,
}

#[derive(Clone, Debug)]
enum Slots {
    Packed(Box<packed::Slots>),
    Wide(Vec<f64>),
}

impl Formula {
    /// Compiles `text` over named inputs. [`Unit::ONE`] is an input without a unit.
    ///
    /// # Errors
    /// What is wrong with it, at least one error; spans count from the start of `text`.
    pub fn compile(
        text: &str,
        inputs: &[(&str, Unit)],
        limits: &Limits,
    ) -> Result<Formula, Vec<Diagnostic>> {
        let parsed = parse(text, limits).map_err(|e| vec![e])?;
        let mut builder = Builder::new(inputs.len(), parsed.nodes.len() + HELD);
        let mut notes = Vec::new();
        let mut resolve = |object: Option<&str>, name: &str| {
            let at = inputs.iter().position(|(n, _)| object.is_none() && *n == name)?;
            Some(Resolved::Slot(at as u32, Type::of(&inputs[at].1, inputs[at].1.is_affine())))
        };
        let checked = check(&parsed, text, &mut builder, &mut resolve, &mut notes)
            .and_then(|c| settle_result(c, None, text, &mut builder, &mut notes));
        match checked.filter(|_| notes.iter().all(|n| n.severity != Severity::Error)) {
            Some(checked) => {
                let unit = checked.ty.unit().copied();
                let result = builder.place(checked.place);
                let (code, constants) = builder.finish();
                let slots = code.slots(&constants);
                let code = match Packed::new(&code.instructions, result, slots.len()) {
                    Some(packed) => Form::Packed(packed),
                    None => Form::Wide(code, result),
                };
                let mark = mark(&slots);
                Ok(Formula { code, slots, mark, inputs: inputs.len(), unit, notes })
            }
            None => Err(notes),
        }
    }

    /// The unit of the result; `None` for a boolean.
    pub fn unit(&self) -> Option<&Unit> {
        self.unit.as_ref()
    }

    /// Notes and warnings.
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// Working memory for [`Formula::evaluate`].
    pub fn frame(&self) -> Frame {
        let slots = match self.code {
            Form::Packed(_) => Slots::Packed(packed::slots(&self.slots)),
            Form::Wide(..) => Slots::Wide(self.slots.clone()),
        };
        Frame { slots, mark: self.mark }
    }

    /// The result for `inputs`, in the order they were declared; missing ones are NaN.
    /// Booleans are 1 and 0. What is not a finite number is no result.
    pub fn evaluate(&self, frame: &mut Frame, inputs: &[f64]) -> f64 {
        if frame.mark != self.mark {
            *frame = self.frame();
        }
        match (&self.code, &mut frame.slots) {
            (Form::Packed(code), Slots::Packed(slots)) => {
                fill(&mut slots[..], self.inputs, inputs);
                code.run(slots)
            }
            (Form::Wide(code, result), Slots::Wide(slots)) => {
                fill(slots, self.inputs, inputs);
                run(&code.instructions, slots);
                slots.get(*result as usize).copied().unwrap_or(f64::NAN)
            }
            // The mark counts the slots, and their count decides the form.
            _ => f64::NAN,
        }
    }
}

/// A number for a layout of slots with its constants.
fn mark(slots: &[f64]) -> u64 {
    let words = slots.iter().map(|slot| slot.to_bits()).chain([slots.len() as u64]);
    fnv1a_words(FNV_OFFSET, words)
}

/// Puts `inputs` into the first `count` slots, one by one: they were just written, and a block
/// copy would have to wait for all of them.
#[inline]
fn fill(slots: &mut [f64], count: usize, inputs: &[f64]) {
    for (at, slot) in slots.iter_mut().take(count).enumerate() {
        *slot = inputs.get(at).copied().unwrap_or(f64::NAN);
    }
}

/// The names a formula reads, in order of appearance: object (if any) and name.
pub(super) fn names<'t>(
    parsed: &'t Parsed,
    text: &'t str,
) -> SmallVec<[(Option<&'t str>, &'t str, Span); 8]> {
    parsed
        .nodes
        .iter()
        .filter_map(|n| match n.kind {
            Kind::Name { object, name } => {
                Some((object.map(|o| slice(text, o)), slice(text, name), n.span))
            }
            _ => None,
        })
        .collect()
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}

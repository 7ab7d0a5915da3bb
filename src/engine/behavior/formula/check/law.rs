//! Laws: arguments in their units, and the instructions of their steps.

use super::super::code::{Op, ValueSource};
use super::super::law::{LEVEL, Law, Step};
use super::super::slice;
use super::{Checker, Type};
use crate::behavior::unit::Unit;
use crate::document::{Code, Span};

impl Checker<'_> {
    /// Brings the arguments of a law into its units, and computes it in place of the first one.
    pub(super) fn law(
        &mut self,
        law: &'static Law,
        name: &str,
        a: usize,
        count: usize,
        span: Span,
    ) {
        for (k, (what, unit)) in law.arguments.iter().enumerate().take(count) {
            self.argument(a + k, name, what, unit);
        }
        let mut held: Vec<ValueSource> = Vec::with_capacity(law.steps.len());
        for (k, step) in law.steps.iter().enumerate() {
            // The last one goes where a value of this place belongs; the others behind all
            // arguments, which may be wanted again.
            let last = k + 1 == law.steps.len();
            let at = |held: &[ValueSource]| if last { a } else { a + count + held.len() } as u32;
            let value = match *step {
                Step::Argument(k) => self.stack[a + usize::from(k)].place,
                Step::Number(value) => ValueSource::Constant(value),
                Step::One(op) => {
                    let Some(x) = held.pop() else { return };
                    self.builder.emit(op, x, x, at(&held), span)
                }
                Step::Two(op) => {
                    let (Some(y), Some(x)) = (held.pop(), held.pop()) else { return };
                    self.builder.emit(op, x, y, at(&held), span)
                }
            };
            held.push(value);
        }
        if let Some(value) = held.pop() {
            self.stack[a].place = value;
        }
        self.stack[a].ty = Type::of(&unit_of(law.result), false);
    }

    /// The level of sources together.
    pub(super) fn level_sum(&mut self, name: &str, a: usize, count: usize, span: Span) {
        for at in a..a + count {
            self.argument(at, name, "a level", LEVEL);
            self.emit_at(at, Op::Multiply, Some(0.1));
            let exponent = self.stack[at].place;
            let ten = ValueSource::Constant(10.0);
            self.stack[at].place = self.builder.emit(Op::Power, ten, exponent, at as u32, span);
        }
        self.chain(Op::Add, a, count, span);
        self.emit_at(a, Op::Log10, None);
        self.emit_at(a, Op::Multiply, Some(10.0));
        self.stack[a].ty = Type::of(&unit_of(LEVEL), false);
    }

    /// An argument in a unit; a number that nobody gave one is taken to be in it.
    fn argument(&mut self, at: usize, name: &str, what: &str, unit: &str) {
        if unit.is_empty() {
            return self.plain(at, name);
        }
        let unit = unit_of(unit);
        let (ty, span) = (self.stack[at].ty, self.stack[at].span);
        match ty {
            Type::Boolean => self.not_a_number(at, "an argument here"),
            Type::Number { .. } => {}
            Type::Quantity(m) if m.unit.is_one() => {}
            Type::Quantity(m) if m.unit.dimension() == unit.dimension() => self.rescale(at, &unit),
            Type::Quantity(_) => {
                let written = slice(self.text, span);
                let message =
                    format!("{name} takes {what} in {unit}, {written} is {}", ty.describe());
                self.error(Code::UnitArgument, span, message, None);
            }
        }
    }
}

/// The unit of a table: they are all known, which the tests of formulas hold.
fn unit_of(text: &str) -> Unit {
    text.parse().unwrap_or(Unit::ONE)
}

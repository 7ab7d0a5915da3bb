//! Operands that meet in a sum, a comparison or a choice: brought to one unit, or refused.

use super::super::code::Place;
use super::super::slice;
use super::{Checked, Checker, Measure, Meeting, Type};
use crate::behavior::unit::{Dimension, Unit, nearly};
use crate::document::Code;
use crate::document::{Severity, Span};

impl Checker<'_> {
    /// Brings the `count` values from `first` on into one unit; answers the weight of
    /// their sum (or of the first minus the rest).
    pub(super) fn meet(
        &mut self,
        first: usize,
        count: usize,
        meeting: Meeting,
        verb: &str,
        minus: bool,
    ) -> f64 {
        let all = first..first + count;
        for at in all.clone() {
            match self.stack[at].ty {
                Type::Boolean => self.not_a_number(at, verb),
                // kW/W is 1000 before it meets anything; deg and % stay what they are.
                Type::Quantity(m) if !m.unit.is_written() => self.settle(at),
                _ => {}
            }
        }
        let quantity = |v: &Checked| match v.ty {
            Type::Quantity(m) => Some(m),
            _ => None,
        };
        let values = &self.stack[first..first + count];
        let affine = values.iter().position(|v| quantity(v).is_some_and(|m| m.unit.is_affine()));
        let lead = affine.or_else(|| values.iter().position(|v| quantity(v).is_some()));
        let Some(lead) = lead else {
            let literal = values.iter().all(|v| v.ty == Type::Number { literal: true });
            for v in &mut self.stack[first..first + count] {
                v.ty = Type::Number { literal };
            }
            return 0.0;
        };
        let lead = first + lead;
        let Some(mut target) = quantity(&self.stack[lead]) else { return 0.0 };
        // The leading value may itself have been converted by hand to what the others are in.
        if let Some(other) = all.clone().filter(|&at| at != lead).find_map(|at| {
            quantity(&self.stack[at]).filter(|m| m.unit.dimension() == target.unit.dimension())
        }) {
            let span = self.stack[lead].span;
            if self.by_hand(&target, &other.unit, span) {
                target = Measure { unit: other.unit, hand: 1.0, weight: target.weight };
                self.stack[lead].ty = Type::Quantity(target);
            }
        }
        let mut total = 0.0;
        for at in all {
            let mut weight = target.weight;
            match self.stack[at].ty {
                Type::Quantity(m) if at != lead => {
                    if m.unit.dimension() == target.unit.dimension() {
                        weight = match meeting {
                            Meeting::Comparison => 1.0,
                            Meeting::Sum if target.unit.is_affine() && !m.unit.is_affine() => 0.0,
                            Meeting::Sum => m.weight,
                        };
                        if !m.unit.same_measure(&target.unit) {
                            self.convert(at, &target.unit, weight);
                        }
                    } else {
                        self.mismatch(lead, at, verb);
                    }
                }
                Type::Number { literal } => {
                    self.adopt(at, &target.unit, literal);
                    weight = if target.unit.is_affine() { f64::NAN } else { 0.0 };
                }
                _ => {}
            }
            total += if minus && at > first { -weight } else { weight };
        }
        for v in &mut self.stack[first..first + count] {
            v.ty = Type::Quantity(Measure { hand: 1.0, ..target });
        }
        total
    }

    pub(super) fn mismatch(&mut self, a: usize, b: usize, verb: &str) {
        let (x, y) = (self.stack[a], self.stack[b]);
        let message = format!(
            "{} is {}, {} is {}: they cannot be {verb}",
            slice(self.text, x.span),
            x.ty.describe(),
            slice(self.text, y.span),
            y.ty.describe(),
        );
        let span = Span { start: x.span.start.min(y.span.start), end: x.span.end.max(y.span.end) };
        let dimension = |t: Type| t.unit().map_or(Dimension::NONE, |u| u.dimension());
        let help = format!("{} against {}", dimension(x.ty), dimension(y.ty));
        self.error(Code::UnitMismatch, span, message, Some(help));
    }

    pub(super) fn adopt(&mut self, at: usize, unit: &Unit, literal: bool) {
        if unit.is_one() {
            return;
        }
        let Checked { place, span, .. } = self.stack[at];
        let written = slice(self.text, span).to_owned();
        if !literal {
            let message = format!("{written} has no unit; it is taken as {unit}");
            self.note(Severity::Warning, Code::UnitAssumed, span, message);
        } else if let Place::Constant(value) = place
            && nearly(unit.scale(), 0.01)
            && unit.dimension() == Dimension::NONE
            && value != 0.0
            && value.abs() <= 1.0
        {
            let message = format!("{written} is taken as {written} %, beside a value in %");
            self.note(Severity::Warning, Code::UnitAssumed, span, message);
        }
    }
}

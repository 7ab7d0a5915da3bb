//! Operands that meet in a sum, a comparison or a choice: brought to one unit, or refused.

use std::ops::Range;

use super::super::code::ValueSource;
use super::super::slice;
use super::{Checked, Checker, Hand, Measure, Meeting, Type, constant};
use crate::behavior::unit::{Dimension, Unit};
use crate::document::{Code, Diagnostic, Severity, Span};

impl Checker<'_> {
    /// Brings the `count` values from `first` on into one unit; answers the weight of
    /// what the meeting makes of them.
    pub(super) fn meet(&mut self, first: usize, count: usize, meeting: Meeting, verb: &str) -> f64 {
        let all = first..first + count;
        let turning = self.stack[all.clone()].iter().any(|v| {
            quantity(v).is_some_and(|m| m.unit.has_angle() && !m.unit.is_ratio_of_turns())
        });
        for at in all.clone() {
            match self.stack[at].ty {
                Type::Boolean => self.not_a_number(at, verb),
                // kW/W is 1000 before it meets anything; deg and % stay what they are.
                Type::Quantity(m) if m.unit.is_period() => self.rescale(at, &Unit::second()),
                Type::Quantity(m) if !m.unit.is_written() => match m.unit.as_angle() {
                    Some(angle) => self.rescale(at, &angle),
                    None if turning && m.unit.turns() && !m.unit.is_ratio_of_turns() => {}
                    None => self.settle(at),
                },
                _ => {}
            }
        }
        self.percentages(all.clone(), meeting);
        if matches!(meeting, Meeting::Comparison | Meeting::Average) {
            self.differences(all.clone());
        }
        let values = &self.stack[all.clone()];
        let affine = values.iter().position(|v| quantity(v).is_some_and(|m| m.unit.is_affine()));
        // A ratio beside a level is a level, as a plain number is.
        let level = |v: &Checked| quantity(v).is_some_and(|m| m.unit.is_level());
        let lead = affine
            .or_else(|| values.iter().position(level))
            .or_else(|| values.iter().position(|v| quantity(v).is_some()));
        let Some(lead) = lead else {
            let literal = values.iter().all(|v| v.ty == Type::Number { literal: true });
            for v in &mut self.stack[all] {
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
                target = Measure { unit: other.unit, hand: Hand::NONE, ..target };
                self.stack[lead].ty = Type::Quantity(target);
            }
        }
        let scale = target.unit.is_affine();
        let mut total = 0.0;
        let mut assumed = target.assumed;
        for at in all {
            let mut weight = target.weight;
            match self.stack[at].ty {
                Type::Quantity(m) if at != lead => {
                    assumed |= m.assumed;
                    let kelvin = scale && !m.unit.is_affine();
                    if m.unit.dimension() == target.unit.dimension() {
                        weight = match meeting {
                            Meeting::Comparison | Meeting::Average => 1.0,
                            Meeting::Difference if kelvin && at == first => {
                                if m.weight == 0.0 {
                                    0.0
                                } else {
                                    1.0
                                }
                            }
                            Meeting::FromZero if kelvin => f64::NAN,
                            // `-room + supply` is `supply - room`.
                            Meeting::Sum if kelvin && target.weight == -1.0 => m.weight,
                            _ if kelvin => {
                                assumed |= m.weight != 0.0;
                                0.0
                            }
                            _ => m.weight,
                        };
                        if !m.unit.same_measure(&target.unit) {
                            self.convert(at, &target.unit, weight);
                        }
                    } else if m.unit.is_one() && target.unit.is_level() {
                        weight = 0.0;
                    } else {
                        self.mismatch(lead, at, verb);
                    }
                }
                Type::Number { literal } => {
                    self.adopt(at, &target.unit, literal);
                    // `room + 5` is 5 degrees more; `room - 5` may also be a difference.
                    weight = if scale && meeting != Meeting::Sum { f64::NAN } else { 0.0 };
                }
                _ => {}
            }
            total += if meeting == Meeting::Difference && at > first { -weight } else { weight };
        }
        if meeting == Meeting::Difference && scale && total == -1.0 {
            let span = self.stack[first + 1].span;
            let message = format!(
                "{} is a temperature, taken from a difference of two",
                slice(self.text, span)
            );
            self.error(Code::TemperatureScaled, span, message, None);
        }
        for v in &mut self.stack[first..first + count] {
            v.ty = Type::Quantity(Measure { hand: Hand::NONE, assumed, ..target });
        }
        match meeting {
            Meeting::Average if scale => 1.0,
            Meeting::Average => total / count as f64,
            _ => total,
        }
    }

    /// A percentage is a number: beside one it counts as the ratio it is.
    fn percentages(&mut self, all: Range<usize>, meeting: Meeting) {
        let percent = |v: &Checked| quantity(v).is_some_and(|m| m.unit.is_percent());
        // 0 is 0 %, whatever it stands beside.
        let number = |v: &Checked| match v.ty {
            Type::Number { .. } => constant(v.place) != Some(0.0),
            Type::Quantity(m) => m.unit.is_one(),
            Type::Boolean => false,
        };
        let values = &self.stack[all.clone()];
        if !values.iter().any(percent) || !values.iter().any(number) {
            return;
        }
        for at in all {
            if percent(&self.stack[at]) {
                self.settle(at);
                continue;
            }
            let Checked { place, span, ty } = self.stack[at];
            if let (ValueSource::Constant(value), Type::Number { .. }) = (place, ty)
                && meeting == Meeting::Comparison
                && value.abs() > 1.0
            {
                let written = slice(self.text, span);
                let message = format!("{written} is {} %, beside a value in %", value * 100.0);
                let d = Diagnostic::new(Severity::Warning, Code::UnitAssumed, span, message);
                self.diagnostics.push(d.help(format!("write {written} % if that is meant")));
            }
        }
    }

    /// Beside a difference of temperatures a written `5 C` is a difference as well.
    fn differences(&mut self, all: Range<usize>) {
        let kelvins =
            |v: &Checked| quantity(v).filter(|m| m.unit.is_temperature() && !m.unit.is_affine());
        let affine = |v: &Checked| quantity(v).filter(|m| m.unit.is_affine());
        let values = &self.stack[all.clone()];
        if !values.iter().any(|v| affine(v).is_some()) {
            return;
        }
        let difference = values.iter().any(|v| kelvins(v).is_some_and(|m| m.weight == 0.0));
        let unknown = values.iter().position(|v| kelvins(v).is_some_and(|m| m.weight.is_nan()));
        if let Some(at) = unknown {
            let span = values[at].span;
            let message = format!(
                "whether {} is a temperature or a difference of two is not known, \
                 so it cannot be compared with a temperature in C or F",
                slice(self.text, span)
            );
            let help = "compare it with a value in K".to_owned();
            self.error(Code::TemperatureScaled, span, message, Some(help));
        }
        for at in all.filter(|_| difference) {
            let v = self.stack[at];
            let Some(m) = affine(&v) else { continue };
            if m.weight == 1.0 {
                let message = format!(
                    "{} is a temperature; it cannot be compared with a difference of two",
                    slice(self.text, v.span)
                );
                self.error(Code::TemperatureScaled, v.span, message, None);
            }
            let unit = m.unit.as_difference();
            self.stack[at].ty = Type::Quantity(Measure { unit, weight: 0.0, ..m });
        }
    }

    pub(super) fn mismatch(&mut self, a: usize, b: usize, verb: &str) {
        let (x, y) = (self.stack[a], self.stack[b]);
        let measures = |t: Type| t.unit().and_then(Unit::measures);
        let who = match (measures(x.ty), measures(y.ty)) {
            (Some(a), Some(b)) if a != b => format!("{a} and {b}"),
            _ => "they".to_owned(),
        };
        let message = format!(
            "{} is {}, {} is {}: {who} cannot be {verb}",
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
        if literal {
            return;
        }
        let span = self.stack[at].span;
        let message = format!("{} has no unit; it is taken as {unit}", slice(self.text, span));
        self.note(Severity::Warning, Code::UnitAssumed, span, message);
    }
}

fn quantity(v: &Checked) -> Option<Measure> {
    match v.ty {
        Type::Quantity(m) => Some(m),
        _ => None,
    }
}

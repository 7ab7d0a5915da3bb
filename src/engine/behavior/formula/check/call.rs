//! Calls: which units a function takes, and which it gives.

use super::super::code::{Op, ValueSource};
use super::super::function::Rule;
use super::{Checked, Checker, Measure, Meeting, RATIO, Type, constant, temperature};
use crate::behavior::unit::{Dimension, Unit};
use crate::document::{Code, Span};

impl Checker<'_> {
    pub(super) fn call(&mut self, rule: Rule, name: &'static str, count: usize, span: Span) {
        let Some(a) = self.stack.len().checked_sub(count) else { return };
        if count == 0 {
            return self.push(ValueSource::Constant(0.0), Type::Number { literal: true }, span);
        }
        let at = a as u32;
        let literal = self.stack[a..].iter().all(|v| v.ty == Type::Number { literal: true });
        let number = if literal { Type::Number { literal } } else { RATIO };
        match rule {
            Rule::Plain(op) | Rule::Angle(op) => {
                self.plain(a, name);
                self.emit_at(a, op, None);
                let angle = Type::of(&Unit::radian(), false);
                self.stack[a].ty = if matches!(rule, Rule::Angle(_)) { angle } else { number };
            }
            Rule::Scale(factor) => {
                self.plain(a, name);
                self.emit_at(a, Op::Multiply, Some(factor));
                self.stack[a].ty = number;
            }
            Rule::Keep(op) => {
                if self.stack[a].ty == Type::Boolean {
                    self.not_a_number(a, "an argument here");
                }
                if let Type::Quantity(m) = self.stack[a].ty
                    && m.assumed
                    && m.unit.is_affine()
                    && op == Op::Abs
                {
                    self.assumed(a, &m, "taken without its sign");
                }
                self.emit_at(a, op, None);
            }
            Rule::Sign => {
                self.emit_at(a, Op::Sign, None);
                self.stack[a].ty = number;
            }
            Rule::Round => self.round(a, count),
            Rule::Root(n, op) => self.root(a, n, op, name),
            Rule::Log => {
                self.plain(a, name);
                let base = if count == 2 { constant(self.stack[a + 1].place) } else { None };
                match (count, base) {
                    (1, _) => self.emit_at(a, Op::Ln, None),
                    (_, Some(2.0)) => self.emit_at(a, Op::Log2, None),
                    (_, Some(10.0)) => self.emit_at(a, Op::Log10, None),
                    _ => {
                        self.plain(a + 1, name);
                        self.emit_at(a, Op::Ln, None);
                        self.emit_at(a + 1, Op::Ln, None);
                        self.stack[a].place = self.pair(Op::Divide, a, span);
                    }
                }
                self.stack[a].ty = number;
            }
            Rule::Power => return self.power(a, span),
            Rule::Count(op) => {
                for i in a..a + count {
                    self.plain(i, name);
                }
                let last = self.stack[a + count - 1].place;
                let place = self.builder.emit(op, self.stack[a].place, last, at, span);
                (self.stack[a].place, self.stack[a].ty) = (place, number);
            }
            Rule::Same(op) => {
                let meeting = match op {
                    Op::Min | Op::Max => Meeting::Comparison,
                    _ => Meeting::FromZero,
                };
                self.meet(a, count, meeting, "compared");
                self.chain(op, a, count, span);
                if count == 1 && op == Op::Hypot {
                    self.emit_at(a, Op::Abs, None);
                }
            }
            Rule::Direction => {
                self.meet(a, count, Meeting::FromZero, "compared");
                self.chain(Op::Atan2, a, count, span);
                self.stack[a].ty = Type::of(&Unit::radian(), false);
            }
            Rule::Sum(average) => {
                let meeting = if average { Meeting::Average } else { Meeting::Sum };
                let weight = self.meet(a, count, meeting, "added");
                self.chain(Op::Add, a, count, span);
                let n = if average { count as f64 } else { 1.0 };
                if average {
                    self.emit_at(a, Op::Divide, Some(n));
                }
                self.stack[a].ty = self.weighed(a, weight);
            }
            Rule::Clamp => {
                self.meet(a, count, Meeting::Comparison, "compared");
                let (x, low, high) =
                    (self.stack[a].place, self.stack[a + 1].place, self.stack[a + 2].place);
                let x = self.builder.emit(Op::Max, x, low, at, span);
                self.stack[a].place = self.builder.emit(Op::Min, x, high, at, span);
            }
            Rule::If => self.choose(a, span),
            Rule::Law(law) => self.law(law, name, a, count, span),
            Rule::Levels => self.level_sum(name, a, count, span),
        }
        let Checked { place, ty, .. } = self.stack[a];
        self.replace(count, place, ty, span);
    }

    pub(super) fn chain(&mut self, op: Op, a: usize, count: usize, span: Span) {
        for i in a + 1..a + count {
            let (x, y) = (self.stack[a].place, self.stack[i].place);
            self.stack[a].place = self.builder.emit(op, x, y, a as u32, span);
        }
    }

    fn round(&mut self, a: usize, count: usize) {
        if self.stack[a].ty == Type::Boolean {
            self.not_a_number(a, "rounded");
        }
        let digits = if count == 2 { constant(self.stack[a + 1].place) } else { Some(0.0) };
        match digits.filter(|d| d.fract() == 0.0 && (-15.0..=15.0).contains(d)) {
            Some(0.0) => self.emit_at(a, Op::Round, None),
            Some(digits) => {
                let factor = libm::pow(10.0, digits.abs());
                let (up, down) = if digits > 0.0 {
                    (Op::Multiply, Op::Divide)
                } else {
                    (Op::Divide, Op::Multiply)
                };
                self.emit_at(a, up, Some(factor));
                self.emit_at(a, Op::Round, None);
                self.emit_at(a, down, Some(factor));
            }
            None => {
                let span = self.stack[a + 1].span;
                let message = "digits are a whole number from -15 to 15".to_owned();
                self.error(Code::FormulaArguments, span, message, None);
            }
        }
    }

    fn root(&mut self, a: usize, n: i8, op: Op, name: &str) {
        let Checked { ty, span, .. } = self.stack[a];
        match ty {
            Type::Boolean => self.not_a_number(a, "an argument here"),
            Type::Quantity(m) if m.unit.dimension() != Dimension::NONE => match m.unit.root(n) {
                Some(unit) => {
                    self.stack[a].ty = Type::Quantity(Measure::new(unit, temperature(&unit)));
                }
                None => {
                    let message = format!("{} has no {name}", m.unit);
                    let help = format!("{} is no whole power", m.unit.dimension());
                    self.error(Code::UnitRoot, span, message, Some(help));
                }
            },
            _ => self.settle(a),
        }
        self.emit_at(a, op, None);
    }

    fn choose(&mut self, a: usize, span: Span) {
        self.condition(a);
        let booleans =
            self.stack[a + 1].ty == Type::Boolean && self.stack[a + 2].ty == Type::Boolean;
        let ty = if booleans {
            Type::Boolean
        } else {
            self.meet(a + 1, 2, Meeting::Comparison, "alternatives");
            self.stack[a + 1].ty
        };
        let (c, x, y) = (self.stack[a].place, self.stack[a + 1].place, self.stack[a + 2].place);
        self.stack[a].place = self.builder.select(c, x, y, a as u32, span);
        self.stack[a].ty = ty;
    }
}

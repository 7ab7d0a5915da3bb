//! Products, quotients and powers: units multiply, levels and temperatures do not.

use super::super::code::Op;
use super::super::slice;
use super::measure::{Hand, RATIO, temperature};
use super::{Checker, Measure, Type, constant};
use crate::behavior::unit::{Dimension, Unit};
use crate::document::{Code, Severity, Span};

impl Checker<'_> {
    pub(super) fn product(&mut self, a: usize, divide: bool, span: Span) {
        for at in [a, a + 1] {
            if self.stack[at].ty == Type::Boolean {
                self.not_a_number(at, "multiplied");
            }
        }
        self.levels_of_product(a, divide, span);
        // A percentage beside another unit counts as the ratio it is.
        let (one, other) = (self.stack[a].ty, self.stack[a + 1].ty);
        if let (Type::Quantity(m), Type::Quantity(n)) = (one, other) {
            for (at, own, beside) in [(a, m, n), (a + 1, n, m)] {
                // An angle stays: over a time it is a speed of turning.
                if own.unit.is_written()
                    && !own.unit.has_angle()
                    && beside.unit.dimension() != Dimension::NONE
                {
                    self.settle(at);
                }
                // K has the absolute zero, which is the one that counts in a ratio.
                let kelvins = beside.unit.is_temperature() && !beside.unit.is_affine();
                if own.unit.is_affine() && kelvins {
                    self.convert(at, &Unit::kelvin(), own.weight);
                } else {
                    self.warn_about_point(at, &own);
                }
            }
        }
        let (x, y) = (self.stack[a], self.stack[a + 1]);
        let sign: i8 = if divide { -1 } else { 1 };
        let ty = match (x.ty, y.ty) {
            (Type::Quantity(m), Type::Quantity(n)) => {
                let unit = m.unit.times(&n.unit, sign);
                self.in_unit(unit, m.hand.times(n.hand, divide), span)
            }
            (Type::Quantity(m), _) => {
                let c = constant(y.place);
                let factor = c.map_or(f64::NAN, |c| if divide { 1.0 / c } else { c });
                self.scaled(a, &m, factor)
            }
            (_, Type::Quantity(n)) if divide => {
                self.warn_about_point(a + 1, &n);
                let hand = Hand::NONE.scaled(constant(x.place).unwrap_or(f64::NAN));
                self.in_unit(n.unit.power(-1), hand.times(n.hand, true), span)
            }
            (_, Type::Quantity(n)) => self.scaled(a + 1, &n, constant(x.place).unwrap_or(f64::NAN)),
            _ => {
                let literal = Type::Number { literal: true };
                Type::Number { literal: x.ty == literal && y.ty == literal }
            }
        };
        let place = self.pair(if divide { Op::Divide } else { Op::Multiply }, a, span);
        self.replace(2, place, ty, span);
    }

    fn warn_about_point(&mut self, at: usize, m: &Measure) {
        if m.unit.is_affine() && m.weight == 1.0 && m.assumed {
            self.assumed(at, m, "multiplied");
        } else if m.unit.is_affine() && m.weight == 1.0 {
            let span = self.stack[at].span;
            let message = format!(
                "{} is a temperature in {}; multiplied by another quantity it counts from 0 {}",
                slice(self.text, span),
                m.unit,
                m.unit
            );
            self.note(Severity::Warning, Code::TemperaturePoint, span, message);
        }
    }

    /// A level is a logarithm: it can be scaled by a number and divided by a quantity
    /// (`dB/m`), but a product with a quantity has no meaning.
    fn levels_of_product(&mut self, a: usize, divide: bool, span: Span) {
        let unit = |t: Type| match t {
            Type::Quantity(m) => Some(m.unit),
            _ => None,
        };
        let (x, y) = (unit(self.stack[a].ty), unit(self.stack[a + 1].ty));
        let level = |u: &Option<Unit>| u.is_some_and(|u| u.is_level());
        let quantity = |u: &Option<Unit>| u.is_some_and(|u| u.dimension() != Dimension::NONE);
        let refused = if divide {
            level(&y) && !level(&x)
        } else {
            (level(&x) && quantity(&y)) || (level(&y) && quantity(&x))
        };
        if refused {
            let at = if level(&x) { a } else { a + 1 };
            self.level(at, span);
        }
    }

    fn level(&mut self, at: usize, span: Span) {
        let message = format!(
            "{} is a level in dB: levels add, they do not multiply",
            slice(self.text, self.stack[at].span)
        );
        let help = "the ratio of a level of powers is 10^(level / 10)".to_owned();
        self.error(Code::UnitMismatch, span, message, Some(help));
    }

    /// K beside C or F was taken for a difference, and now it would matter if it was none.
    pub(super) fn assumed(&mut self, at: usize, m: &Measure, verb: &str) {
        let span = self.stack[at].span;
        let message = format!(
            "{} has K beside {}: as a temperature and a difference it cannot be {verb}",
            slice(self.text, span),
            m.unit
        );
        let help = format!(
            "the difference of two temperatures is `in_K - in_{0}`; a mean is avg(a, b)",
            m.unit
        );
        self.error(Code::TemperatureScaled, span, message, Some(help));
    }

    /// A quantity times a plain factor (NaN: not known).
    fn scaled(&mut self, at: usize, m: &Measure, factor: f64) -> Type {
        if m.assumed && factor.abs() != 1.0 {
            self.assumed(at, m, "multiplied");
        }
        let weight = if m.weight == 0.0 { 0.0 } else { m.weight * factor };
        Type::Quantity(Measure { hand: m.hand.scaled(factor), weight, ..*m })
    }

    fn in_unit(&mut self, unit: Option<Unit>, hand: Hand, span: Span) -> Type {
        match unit {
            Some(unit) => {
                Type::Quantity(Measure { hand, ..Measure::new(unit, temperature(&unit)) })
            }
            None => {
                let message = "the unit of this has exponents out of range".to_owned();
                self.error(Code::UnitRange, span, message, None);
                RATIO
            }
        }
    }

    pub(super) fn power(&mut self, a: usize, span: Span) {
        for at in [a, a + 1] {
            if self.stack[at].ty == Type::Boolean {
                self.not_a_number(at, "raised to a power");
            }
            self.settle(at);
        }
        if let Type::Quantity(m) = self.stack[a + 1].ty
            && m.unit.is_level()
        {
            // `10 ^ (level / 10)` is how a level becomes a ratio.
            self.stack[a + 1].ty = RATIO;
        }
        let exponent = self.stack[a + 1];
        if let Type::Quantity(m) = exponent.ty
            && m.unit.dimension() != Dimension::NONE
        {
            let message =
                format!("an exponent is a plain number, this is {}", exponent.ty.describe());
            self.error(Code::UnitExponent, exponent.span, message, None);
        }
        let known = constant(exponent.place);
        if let Type::Quantity(m) = self.stack[a].ty
            && m.unit.is_level()
            && known != Some(1.0)
        {
            self.level(a, span);
        }
        let ty = match self.stack[a].ty {
            Type::Quantity(m) if m.unit.dimension() != Dimension::NONE => {
                self.warn_about_point(a, &m);
                let unit = known.and_then(|k| {
                    let whole = |x: f64| (x.fract() == 0.0 && x.abs() <= 64.0).then_some(x as i8);
                    match whole(k) {
                        Some(n) => m.unit.power(n),
                        None => m.unit.power(whole(k * 2.0)?)?.root(2),
                    }
                });
                if unit.is_none() && !self.failed {
                    let message = format!(
                        "{} can only be raised to a whole number written in the formula",
                        m.unit
                    );
                    self.error(Code::UnitExponent, span, message, None);
                }
                unit.map_or(RATIO, |unit| Type::Quantity(Measure::new(unit, temperature(&unit))))
            }
            Type::Number { literal } => {
                Type::Number { literal: literal && exponent.ty == Type::Number { literal: true } }
            }
            _ => RATIO,
        };
        let base = self.stack[a].place;
        let place = match known {
            Some(2.0) => self.builder.emit(Op::Square, base, base, a as u32, span),
            Some(3.0) => self.builder.emit(Op::Cube, base, base, a as u32, span),
            _ => self.pair(Op::Power, a, span),
        };
        self.replace(2, place, ty, span);
    }
}

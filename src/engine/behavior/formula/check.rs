//! Postfix to instructions, with units checked on the way: one pass, one stack
//! of types beside the places of the values.

mod call;
mod law;
mod measure;
mod meet;
mod product;

pub(in crate::behavior) use self::measure::Type;
use self::measure::{Hand, Measure, RATIO, temperature};
use super::code::{Builder, Op, ValueSource};
use super::function;
use super::parse::{Binary, Kind, Parsed};
use super::slice;
use crate::behavior::unit::{Dimension, Unit, conversion, nearly, tidy};
use crate::document::{Code, Diagnostic, Severity, Span};

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(in crate::behavior) enum Resolved {
    /// A slot and its type.
    Slot(u32, Type),
    /// Something that is wrong and has been reported elsewhere.
    Broken,
}

/// A checked formula: where its value is, and what it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::behavior) struct Checked {
    pub(in crate::behavior) place: ValueSource,
    pub(in crate::behavior) ty: Type,
    pub(in crate::behavior) span: Span,
}

/// Names to slots; `None`: no such name.
pub(in crate::behavior) type Resolve<'r> = dyn FnMut(Option<&str>, &str) -> Option<Resolved> + 'r;

/// Checks `parsed` and appends its code to `builder`. `None` when there is an
/// error among the `diagnostics` added, or a name is broken.
pub(in crate::behavior) fn check(
    parsed: &Parsed,
    text: &str,
    builder: &mut Builder,
    resolve: &mut Resolve<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Checked> {
    let mut checker = Checker { text, builder, diagnostics, stack: Vec::new(), failed: false };
    for node in &parsed.nodes {
        match node.kind {
            Kind::Name { object, name } => {
                let object = object.map(|o| slice(text, o));
                let name = slice(text, name);
                let (place, ty) = match resolve(object, name) {
                    Some(Resolved::Slot(slot, ty)) => (ValueSource::Slot(slot), ty),
                    Some(Resolved::Broken) => {
                        checker.failed = true;
                        (ValueSource::Constant(1.0), Type::Number { literal: true })
                    }
                    None => match function::constant(name).filter(|_| object.is_none()) {
                        Some(value) => {
                            (ValueSource::Constant(value), Type::Number { literal: true })
                        }
                        None => {
                            let written = slice(text, node.span);
                            let message = format!("there is no value {written:?} here");
                            let help =
                                (object.is_none() && name.parse::<Unit>().is_ok()).then(|| {
                                    format!("{name} is a unit; a compound one is written [N*m]")
                                });
                            checker.error(Code::UnknownName, node.span, message, help);
                            (ValueSource::Constant(1.0), Type::Number { literal: true })
                        }
                    },
                };
                checker.push(place, ty, node.span);
            }
            Kind::Number(value) => {
                checker.push(
                    ValueSource::Constant(value),
                    Type::Number { literal: true },
                    node.span,
                );
            }
            Kind::Quantity(value, unit) => {
                let ty = match Type::of(&unit, false) {
                    Type::Number { .. } => Type::Number { literal: true },
                    // A literal difference or a literal temperature: `t - 20 C` may be either.
                    Type::Quantity(m) if unit.is_affine() => {
                        Type::Quantity(Measure { weight: f64::NAN, ..m })
                    }
                    ty => ty,
                };
                checker.push(ValueSource::Constant(value), ty, node.span);
            }
            Kind::Boolean(value) => {
                checker.push(
                    ValueSource::Constant(f64::from(u8::from(value))),
                    Type::Boolean,
                    node.span,
                );
            }
            Kind::Negate => checker.negate(node.span),
            Kind::Not => checker.not(node.span),
            Kind::Binary(operator) => checker.binary(operator, node.span),
            Kind::Call(function, count) => {
                checker.call(function.rule, function.name, usize::from(count), node.span);
            }
        }
    }
    let failed = checker.failed;
    checker.stack.pop().filter(|_| !failed)
}

/// Brings a checked formula's value into the unit it is shown in: `annotated`, or
/// the usual name of its own unit.
pub(in crate::behavior) fn settle_result(
    checked: Checked,
    annotated: Option<&Unit>,
    text: &str,
    builder: &mut Builder,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Checked> {
    let mut checker = Checker { text, builder, diagnostics, stack: vec![checked], failed: false };
    match (checked.ty, annotated) {
        (Type::Boolean | Type::Number { .. }, None) => {}
        (Type::Boolean, Some(unit)) => {
            let message = format!("the result is a condition, it cannot be in {unit}");
            checker.error(Code::UnitMismatch, checked.span, message, None);
        }
        (Type::Number { .. }, Some(unit)) => {
            checker.stack[0].ty = match Type::of(unit, unit.is_affine()) {
                Type::Number { .. } => RATIO,
                ty => ty,
            };
        }
        // A logarithm of a ratio is a level once somebody says so.
        (Type::Quantity(m), Some(unit)) if m.unit.is_one() && unit.is_level() => {
            checker.stack[0].ty = Type::of(unit, false);
        }
        (Type::Quantity(m), Some(unit)) => {
            if m.unit.dimension() == unit.dimension() {
                // Neither a temperature nor a difference: `t * 1.8 + 32`.
                let whole = nearly(m.weight, 1.0) || m.weight.abs() < 1e-12;
                checker.convert(0, unit, if whole { m.weight } else { f64::NAN });
            } else {
                let names = match (m.unit.measures(), unit.measures()) {
                    (Some(is), Some(wanted)) if is != wanted => format!(": {is} is not {wanted}"),
                    _ => String::new(),
                };
                let message = format!("the result is in {}, not in {unit}{names}", m.unit);
                let help = format!("{} against {}", m.unit.dimension(), unit.dimension());
                checker.error(Code::UnitMismatch, checked.span, message, Some(help));
            }
        }
        (Type::Quantity(m), None) => {
            if let Some(angle) = m.unit.as_angle() {
                checker.rescale(0, &angle);
            } else if m.unit.dimension() == Dimension::NONE && !m.unit.is_written() {
                checker.settle(0);
            } else if !m.unit.is_affine() {
                checker.rescale(0, &m.unit.simplified());
            }
        }
    }
    let failed = checker.failed;
    checker.stack.pop().filter(|_| !failed)
}

/// How operands meet, which decides what a value in K is beside one in C or F.
#[derive(Clone, Copy, PartialEq)]
enum Meeting {
    /// A difference: two temperatures have no sum.
    Sum,
    /// The first one is a temperature, the second a difference.
    Difference,
    /// A temperature.
    Average,
    /// A temperature.
    Comparison,
    /// Refused: the result would depend on which zero counts.
    FromZero,
}

struct Checker<'c> {
    text: &'c str,
    builder: &'c mut Builder,
    diagnostics: &'c mut Vec<Diagnostic>,
    stack: Vec<Checked>,
    failed: bool,
}

impl Checker<'_> {
    fn push(&mut self, place: ValueSource, ty: Type, span: Span) {
        self.stack.push(Checked { place, ty, span });
    }

    fn error(&mut self, code: Code, span: Span, message: String, help: Option<String>) {
        self.failed = true;
        let d = Diagnostic::error(code, span, message);
        self.diagnostics.push(match help {
            Some(help) => d.help(help),
            None => d,
        });
    }

    fn note(&mut self, severity: Severity, code: Code, span: Span, message: String) {
        self.diagnostics.push(Diagnostic::new(severity, code, span, message));
    }

    /// Replaces the top `count` values by one, computed into the first one's temporary.
    fn replace(&mut self, count: usize, place: ValueSource, ty: Type, span: Span) {
        let first = self.stack.len().saturating_sub(count);
        let start = self.stack.get(first).map_or(span.start, |v| v.span.start.min(span.start));
        let end = self.stack.last().map_or(span.end, |v| v.span.end.max(span.end));
        self.stack.truncate(first);
        self.push(place, ty, Span { start, end });
    }

    fn emit_at(&mut self, at: usize, op: Op, by: Option<f64>) {
        let v = self.stack[at];
        let b = by.map_or(v.place, ValueSource::Constant);
        self.stack[at].place = self.builder.emit(op, v.place, b, at as u32, v.span);
    }

    /// A dimensionless value becomes a ratio in one; deg, % and kW/W are factored in.
    fn settle(&mut self, at: usize) {
        if let Type::Quantity(m) = self.stack[at].ty
            && m.unit.dimension() == Dimension::NONE
        {
            self.rescale(at, &Unit::ONE);
        }
    }

    /// Brings the value at `at` into `to`, of the same dimension, as a difference.
    fn rescale(&mut self, at: usize, to: &Unit) {
        self.convert(at, to, 0.0);
    }

    fn convert(&mut self, at: usize, to: &Unit, weight: f64) {
        let Checked { ty: Type::Quantity(m), span, .. } = self.stack[at] else { return };
        if m.unit.is_period() && to.dimension() == Dimension::TIME && !to.turns() {
            return self.period(at, &m, to);
        }
        if self.by_hand(&m, to, span) {
            self.stack[at].ty = Type::Quantity(Measure { unit: *to, hand: Hand::NONE, ..m });
            return;
        }
        let Ok((factor, shift)) = conversion(&m.unit, to, weight) else { return };
        if factor != 1.0 {
            self.emit_at(at, Op::Multiply, Some(factor));
        }
        if shift.is_nan() {
            let message = format!(
                "whether this is a temperature or a difference of two is not known, \
                 so it cannot be converted from {} to {to}",
                m.unit
            );
            let help = if m.unit.is_affine() {
                format!("keep it in {}; a temperature alone converts by itself", m.unit)
            } else {
                format!("keep it in {}", m.unit)
            };
            self.error(Code::TemperatureScaled, span, message, Some(help));
        } else if shift != 0.0 {
            self.emit_at(at, Op::Add, Some(shift));
        }
        let hand = if factor == 1.0 { m.hand } else { Hand::NONE };
        self.stack[at].ty = Type::Quantity(Measure { unit: *to, hand, ..m });
    }

    /// `1/n` of a speed in rpm is the time of one revolution, unless the formula itself says
    /// `2 * pi / n`.
    fn period(&mut self, at: usize, m: &Measure, to: &Unit) {
        let tau = std::f64::consts::TAU;
        let by_hand = nearly(m.hand.all, 1.0 / tau);
        if by_hand {
            let message = "the factor 2 pi is read as the conversion from turns to angles";
            let span = self.stack[at].span;
            self.note(Severity::Note, Code::HandConversion, span, message.to_owned());
        }
        let turns = if by_hand { 1.0 } else { tau };
        let factor = tidy(m.unit.scale() / to.scale() * turns);
        self.emit_at(at, Op::Multiply, Some(factor));
        self.stack[at].ty = Type::Quantity(Measure { unit: *to, hand: Hand::NONE, ..*m });
    }

    /// Whether literal factors already converted `from` to `to`; says so.
    fn by_hand(&mut self, from: &Measure, to: &Unit, span: Span) -> bool {
        let Ok((needed, shift)) = conversion(&from.unit, to, 0.0) else { return false };
        let turning = from.unit.turns() || to.turns();
        let hand = if turning { from.hand.all } else { from.hand.thousands };
        let is = hand != 1.0
            && !nearly(needed, 1.0)
            && nearly(needed * hand, 1.0)
            && shift == 0.0
            && to.zero() == 0.0;
        if is {
            let factor = if hand < 1.0 { 1.0 / hand } else { hand };
            let what = if to.is_one() {
                format!("{} to a plain ratio", from.unit)
            } else {
                format!("{} to {to}", from.unit)
            };
            let message = format!("the factor {factor} is read as the conversion from {what}");
            self.note(Severity::Note, Code::HandConversion, span, message);
        }
        is
    }

    fn negate(&mut self, span: Span) {
        let at = self.stack.len().saturating_sub(1);
        let Some(v) = self.stack.last().copied() else { return };
        let ty = match v.ty {
            Type::Boolean => return self.not_a_number(at, "negated"),
            Type::Quantity(m) => Type::Quantity(Measure { weight: -m.weight, ..m }),
            ty => ty,
        };
        let place = self.builder.emit(Op::Negate, v.place, v.place, at as u32, span);
        self.replace(1, place, ty, span);
    }

    fn not(&mut self, span: Span) {
        let at = self.stack.len().saturating_sub(1);
        self.condition(at);
        let Some(v) = self.stack.last().copied() else { return };
        let place = self.builder.emit(Op::Not, v.place, v.place, at as u32, span);
        self.replace(1, place, Type::Boolean, span);
    }

    fn not_a_number(&mut self, at: usize, what: &str) {
        let span = self.stack[at].span;
        self.error(Code::FormulaType, span, format!("a condition cannot be {what}"), None);
        self.stack[at].ty = Type::Number { literal: true };
    }

    fn condition(&mut self, at: usize) {
        let Checked { ty, span, .. } = self.stack[at];
        if let Type::Quantity(_) = ty {
            let message = format!("a condition was expected, this is {}", ty.describe());
            self.error(Code::FormulaType, span, message, Some("compare it with something".into()));
        }
    }

    fn binary(&mut self, operator: Binary, span: Span) {
        let Some(a) = self.stack.len().checked_sub(2) else { return };
        let b = a + 1;
        let op = match operator {
            Binary::Multiply | Binary::Divide => {
                return self.product(a, operator == Binary::Divide, span);
            }
            Binary::Power => return self.power(a, span),
            Binary::And | Binary::Or => {
                self.condition(a);
                self.condition(b);
                if operator == Binary::And { Op::And } else { Op::Or }
            }
            Binary::Add | Binary::Subtract => {
                if self.zero_by_hand(a, operator == Binary::Subtract, span) {
                    return;
                }
                let meeting =
                    if operator == Binary::Add { Meeting::Sum } else { Meeting::Difference };
                let weight = self.meet(a, 2, meeting, "added");
                let op = if operator == Binary::Add { Op::Add } else { Op::Subtract };
                let place = self.pair(op, a, span);
                let ty = self.weighed(a, weight);
                return self.replace(2, place, ty, span);
            }
            comparison => {
                let both = |c: &Checker<'_>| {
                    c.stack[a].ty == Type::Boolean && c.stack[b].ty == Type::Boolean
                };
                let equality = matches!(comparison, Binary::Equal | Binary::NotEqual);
                if !(equality && both(self)) {
                    self.meet(a, 2, Meeting::Comparison, "compared");
                }
                match comparison {
                    Binary::Less => Op::Less,
                    Binary::LessEqual => Op::LessEqual,
                    Binary::Greater => Op::Greater,
                    Binary::GreaterEqual => Op::GreaterEqual,
                    Binary::Equal => Op::Equal,
                    _ => Op::NotEqual,
                }
            }
        };
        let place = self.pair(op, a, span);
        self.replace(2, place, Type::Boolean, span);
    }

    /// `t + 273.15` of a temperature in C is one in K, and `t - 273.15` of one in K is one in C:
    /// the author's own conversion.
    fn zero_by_hand(&mut self, a: usize, subtract: bool, span: Span) -> bool {
        let Type::Quantity(m) = self.stack[a].ty else { return false };
        let literal = self.stack[a + 1].ty == (Type::Number { literal: true });
        let zero = constant(self.stack[a + 1].place).filter(|_| literal);
        let celsius = Unit::celsius();
        let (from, to) =
            if subtract { (Unit::kelvin(), celsius) } else { (celsius, Unit::kelvin()) };
        if zero != Some(celsius.zero()) || m.unit != from || m.weight != 1.0 {
            return false;
        }
        let message = format!("273.15 is read as the conversion from {from} to {to}");
        self.note(Severity::Note, Code::HandConversion, span, message);
        let place = self.pair(if subtract { Op::Subtract } else { Op::Add }, a, span);
        let ty = Type::Quantity(Measure::new(to, 1.0));
        self.replace(2, place, ty, span);
        true
    }

    /// `op` on the values at `a` and `a + 1`.
    fn pair(&mut self, op: Op, a: usize, span: Span) -> ValueSource {
        let (x, y) = (self.stack[a], self.stack[a + 1]);
        let span = Span { start: x.span.start.min(span.start), end: y.span.end.max(span.end) };
        self.builder.emit(op, x.place, y.place, a as u32, span)
    }

    fn weighed(&self, at: usize, weight: f64) -> Type {
        match self.stack[at].ty {
            Type::Quantity(m) => {
                let unit = if weight == 0.0 { m.unit.as_difference() } else { m.unit };
                Type::Quantity(Measure { unit, weight, ..m })
            }
            ty => ty,
        }
    }

    /// A dimensionless argument, in one.
    fn plain(&mut self, at: usize, name: &str) {
        if self.stack[at].ty == Type::Boolean {
            self.not_a_number(at, "an argument here");
        }
        self.settle(at);
        let Checked { ty, span, .. } = self.stack[at];
        if ty.unit().is_some_and(|u| u.dimension() != Dimension::NONE) {
            let message = format!(
                "{name} takes a plain number or an angle, {} is {}",
                slice(self.text, span),
                ty.describe()
            );
            self.error(Code::UnitArgument, span, message, None);
        }
    }
}

fn constant(place: ValueSource) -> Option<f64> {
    match place {
        ValueSource::Constant(value) => Some(value),
        _ => None,
    }
}

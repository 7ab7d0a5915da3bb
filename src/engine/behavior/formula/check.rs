//! Postfix to instructions, with units checked on the way: one pass, one stack
//! of types beside the places of the values.

mod call;
mod meet;

use super::code::{Builder, Op, Place};
use super::function;
use super::parse::{Binary, Kind, Parsed};
use super::slice;
use crate::behavior::unit::{Dimension, Unit, conversion, nearly};
use crate::document::{Code, Diagnostic, Severity, Span};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::behavior) enum Type {
    /// A truth value.
    Boolean,
    /// A number nobody gave a unit; a literal takes one without comment.
    Number { literal: bool },
    /// A number in a unit.
    Quantity(Measure),
}

/// The unit of a value, and what is known of how it came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::behavior) struct Measure {
    pub(in crate::behavior) unit: Unit,
    /// Literal factors it was divided by: maybe a conversion by hand.
    hand: Hand,
    /// How many absolute temperatures are in it: 1 for one, 0 for a difference,
    /// NaN when unknown. Meaningful for temperatures only.
    weight: f64,
    /// A value in K was taken for a difference because it was added to one in C or F.
    assumed: bool,
}

impl Measure {
    fn new(unit: Unit, weight: f64) -> Measure {
        Measure { unit, hand: Hand::NONE, weight, assumed: false }
    }
}

/// The literal factors that a value was divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hand {
    /// Powers of 1000 alone: nothing else is a conversion between prefixes.
    thousands: f64,
    /// All of them: between angles and cycles, 2, pi and 60 are.
    all: f64,
}

impl Hand {
    const NONE: Hand = Hand { thousands: 1.0, all: 1.0 };

    /// After a multiplication by `factor`; NaN where it is not a literal.
    fn scaled(self, factor: f64) -> Hand {
        if factor.is_nan() {
            return self;
        }
        Hand { thousands: self.thousands * thousands(factor), all: self.all / factor }
    }

    fn times(self, other: Hand, divide: bool) -> Hand {
        if divide {
            Hand { thousands: self.thousands / other.thousands, all: self.all / other.all }
        } else {
            Hand { thousands: self.thousands * other.thousands, all: self.all * other.all }
        }
    }
}

impl Type {
    /// The type of an input in `unit`; a temperature if `temperature`.
    pub(in crate::behavior) fn of(unit: &Unit, temperature: bool) -> Type {
        if unit.is_one() {
            return Type::Number { literal: false };
        }
        let absolute = temperature || unit.dimension() == Dimension::TEMPERATURE;
        Type::Quantity(Measure::new(*unit, if absolute { 1.0 } else { 0.0 }))
    }

    /// The unit a value of this type is in; `None` for booleans.
    pub(in crate::behavior) fn unit(&self) -> Option<&Unit> {
        match self {
            Type::Boolean => None,
            Type::Number { .. } => Some(&Unit::ONE),
            Type::Quantity(m) => Some(&m.unit),
        }
    }

    fn describe(&self) -> String {
        match self {
            Type::Boolean => "a condition".to_owned(),
            Type::Number { .. } => "a plain number".to_owned(),
            Type::Quantity(m) if m.unit.is_one() => "a ratio without unit".to_owned(),
            Type::Quantity(m) => format!("in {}", m.unit),
        }
    }
}

const RATIO: Type =
    Type::Quantity(Measure { unit: Unit::ONE, hand: Hand::NONE, weight: 0.0, assumed: false });

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
    pub(in crate::behavior) place: Place,
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
                    Some(Resolved::Slot(slot, ty)) => (Place::Slot(slot), ty),
                    Some(Resolved::Broken) => {
                        checker.failed = true;
                        (Place::Constant(1.0), Type::Number { literal: true })
                    }
                    None => match function::constant(name).filter(|_| object.is_none()) {
                        Some(value) => (Place::Constant(value), Type::Number { literal: true }),
                        None => {
                            let message =
                                format!("there is no value {:?} here", slice(text, node.span));
                            checker.error(Code::UnknownName, node.span, message, None);
                            (Place::Constant(1.0), Type::Number { literal: true })
                        }
                    },
                };
                checker.push(place, ty, node.span);
            }
            Kind::Number(value) => {
                checker.push(Place::Constant(value), Type::Number { literal: true }, node.span);
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
                checker.push(Place::Constant(value), ty, node.span);
            }
            Kind::Boolean(value) => {
                checker.push(Place::Constant(f64::from(u8::from(value))), Type::Boolean, node.span);
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
                checker.convert(0, unit, m.weight);
            } else {
                let message = format!("the result is in {}, not in {unit}", m.unit);
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
    fn push(&mut self, place: Place, ty: Type, span: Span) {
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
    fn replace(&mut self, count: usize, place: Place, ty: Type, span: Span) {
        let first = self.stack.len().saturating_sub(count);
        let start = self.stack.get(first).map_or(span.start, |v| v.span.start.min(span.start));
        let end = self.stack.last().map_or(span.end, |v| v.span.end.max(span.end));
        self.stack.truncate(first);
        self.push(place, ty, Span { start, end });
    }

    fn emit_at(&mut self, at: usize, op: Op, by: Option<f64>) {
        let v = self.stack[at];
        let b = by.map_or(v.place, Place::Constant);
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
            let help = format!("keep it in {}", m.unit.as_difference());
            self.error(Code::TemperatureScaled, span, message, Some(help));
        } else if shift != 0.0 {
            self.emit_at(at, Op::Add, Some(shift));
        }
        let hand = if factor == 1.0 { m.hand } else { Hand::NONE };
        self.stack[at].ty = Type::Quantity(Measure { unit: *to, hand, ..m });
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

    /// `op` on the values at `a` and `a + 1`.
    fn pair(&mut self, op: Op, a: usize, span: Span) -> Place {
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

    fn product(&mut self, a: usize, divide: bool, span: Span) {
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
        if m.unit.is_affine() && m.weight == 1.0 {
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
            let message = format!(
                "{} is a level in dB: levels add, they do not multiply",
                slice(self.text, self.stack[at].span)
            );
            let help = "the ratio of a level of powers is 10^(level / 10)".to_owned();
            self.error(Code::UnitMismatch, span, message, Some(help));
        }
    }

    /// A quantity times a plain factor (NaN: not known).
    fn scaled(&mut self, at: usize, m: &Measure, factor: f64) -> Type {
        if m.assumed && factor.abs() != 1.0 {
            let span = self.stack[at].span;
            let message = format!(
                "{} adds K to {}: as a temperature and a difference it cannot be multiplied",
                slice(self.text, span),
                m.unit
            );
            let help = format!("avg(a, b) is a mean; two temperatures in {} add up", m.unit);
            self.error(Code::TemperatureScaled, span, message, Some(help));
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

    fn power(&mut self, a: usize, span: Span) {
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

fn constant(place: Place) -> Option<f64> {
    match place {
        Place::Constant(value) => Some(value),
        _ => None,
    }
}

/// The reciprocal of a literal power of 1000; 1 for every other number.
fn thousands(factor: f64) -> f64 {
    const POWERS: [f64; 8] = [1e3, 1e6, 1e9, 1e12, 1e-3, 1e-6, 1e-9, 1e-12];
    if POWERS.iter().any(|&p| nearly(p, factor)) { 1.0 / factor } else { 1.0 }
}

/// A temperature that came out of a product is absolute (`p * V / (n * R)`) or a
/// difference (`heat / (flow * cp)`); nothing tells which.
fn temperature(unit: &Unit) -> f64 {
    if unit.is_temperature() { f64::NAN } else { 0.0 }
}

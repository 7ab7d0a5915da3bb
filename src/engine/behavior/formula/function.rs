//! The functions of the language: those of its documents and the useful part of
//! Python's `math` module, by name.

use std::ops::RangeInclusive;

use super::code::Op;
use super::law::{self, Law};
use crate::behavior::unit::edits;

/// A function.
#[derive(Debug)]
pub(in crate::behavior) struct Function {
    pub(super) name: &'static str,
    pub(super) arity: RangeInclusive<u16>,
    pub(super) rule: Rule,
}

/// What a function does with units, and which instruction computes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// Dimensionless in (angles in radians), plain number out.
    Plain(Op),
    /// Dimensionless in, radians out.
    Angle(Op),
    /// The argument's unit.
    Keep(Op),
    /// Any unit in, plain number out.
    Sign,
    /// The n-th root of the argument's unit.
    Root(i8, Op),
    /// All arguments of one dimension; the first one's unit.
    Same(Op),
    /// Two arguments of one dimension; radians.
    Direction,
    /// The sum of the arguments, divided by their count if `true`.
    Sum(bool),
    /// `lo <= x <= hi`.
    Clamp,
    /// Plain numbers in and out.
    Count(Op),
    /// `pow(a, b)`, as `a ^ b`.
    Power,
    /// `log(x)` or `log(x, base)`.
    Log,
    /// `round(x)` or `round(x, digits)`.
    Round,
    /// Radians to degrees and back, as plain numbers.
    Scale(f64),
    /// `if(c, a, b)`.
    If,
    /// Arguments and result in the units of a law.
    Law(&'static Law),
    /// Levels of sources together.
    Levels,
}

impl Function {
    pub(super) fn arguments(&self) -> String {
        let (from, to) = (*self.arity.start(), *self.arity.end());
        match (from, to) {
            (1, 1) => "1 argument".to_owned(),
            _ if from == to => format!("{from} arguments"),
            (_, u16::MAX) => format!("at least {from}"),
            _ => format!("{from} to {to} arguments"),
        }
    }
}

const fn f(name: &'static str, from: u16, to: u16, rule: Rule) -> Function {
    Function { name, arity: from..=to, rule }
}

const ANY: u16 = u16::MAX;

static FUNCTIONS: &[Function] = &[
    f("sin", 1, 1, Rule::Plain(Op::Sin)),
    f("cos", 1, 1, Rule::Plain(Op::Cos)),
    f("tan", 1, 1, Rule::Plain(Op::Tan)),
    f("asin", 1, 1, Rule::Angle(Op::Asin)),
    f("acos", 1, 1, Rule::Angle(Op::Acos)),
    f("atan", 1, 1, Rule::Angle(Op::Atan)),
    f("atan2", 2, 2, Rule::Direction),
    f("sinh", 1, 1, Rule::Plain(Op::Sinh)),
    f("cosh", 1, 1, Rule::Plain(Op::Cosh)),
    f("tanh", 1, 1, Rule::Plain(Op::Tanh)),
    f("asinh", 1, 1, Rule::Plain(Op::Asinh)),
    f("acosh", 1, 1, Rule::Plain(Op::Acosh)),
    f("atanh", 1, 1, Rule::Plain(Op::Atanh)),
    f("degrees", 1, 1, Rule::Scale(180.0 / std::f64::consts::PI)),
    f("radians", 1, 1, Rule::Scale(std::f64::consts::PI / 180.0)),
    f("sqrt", 1, 1, Rule::Root(2, Op::Sqrt)),
    f("cbrt", 1, 1, Rule::Root(3, Op::Cbrt)),
    f("pow", 2, 2, Rule::Power),
    f("exp", 1, 1, Rule::Plain(Op::Exp)),
    f("exp2", 1, 1, Rule::Plain(Op::Exp2)),
    f("expm1", 1, 1, Rule::Plain(Op::Expm1)),
    f("log", 1, 2, Rule::Log),
    f("ln", 1, 1, Rule::Plain(Op::Ln)),
    f("log2", 1, 1, Rule::Plain(Op::Log2)),
    f("log10", 1, 1, Rule::Plain(Op::Log10)),
    f("log1p", 1, 1, Rule::Plain(Op::Log1p)),
    f("erf", 1, 1, Rule::Plain(Op::Erf)),
    f("erfc", 1, 1, Rule::Plain(Op::Erfc)),
    f("gamma", 1, 1, Rule::Plain(Op::Gamma)),
    f("lgamma", 1, 1, Rule::Plain(Op::LogGamma)),
    f("abs", 1, 1, Rule::Keep(Op::Abs)),
    f("fabs", 1, 1, Rule::Keep(Op::Abs)),
    f("floor", 1, 1, Rule::Keep(Op::Floor)),
    f("ceil", 1, 1, Rule::Keep(Op::Ceil)),
    f("trunc", 1, 1, Rule::Keep(Op::Trunc)),
    f("round", 1, 2, Rule::Round),
    f("sign", 1, 1, Rule::Sign),
    f("min", 1, ANY, Rule::Same(Op::Min)),
    f("max", 1, ANY, Rule::Same(Op::Max)),
    f("hypot", 1, ANY, Rule::Same(Op::Hypot)),
    f("sum", 1, ANY, Rule::Sum(false)),
    f("avg", 1, ANY, Rule::Sum(true)),
    f("mean", 1, ANY, Rule::Sum(true)),
    f("clamp", 3, 3, Rule::Clamp),
    f("mod", 2, 2, Rule::Same(Op::Modulo)),
    f("fmod", 2, 2, Rule::Same(Op::Fmod)),
    f("remainder", 2, 2, Rule::Same(Op::Remainder)),
    f("copysign", 2, 2, Rule::Same(Op::Copysign)),
    f("factorial", 1, 1, Rule::Count(Op::Factorial)),
    f("comb", 2, 2, Rule::Count(Op::Combinations)),
    f("perm", 2, 2, Rule::Count(Op::Permutations)),
    f("gcd", 2, 2, Rule::Count(Op::Gcd)),
    f("lcm", 2, 2, Rule::Count(Op::Lcm)),
    f("if", 3, 3, Rule::If),
    f("sabine", 2, 2, Rule::Law(&law::SABINE_TIME)),
    f("eyring", 3, 3, Rule::Law(&law::EYRING_TIME)),
    f("level_sum", 1, ANY, Rule::Levels),
    f("sound_level", 3, 3, Rule::Law(&law::SOUND_LEVEL)),
    f("room_level", 4, 4, Rule::Law(&law::ROOM_LEVEL)),
    f("room_mode", 6, 6, Rule::Law(&law::ROOM_MODE)),
    f("fspl", 2, 2, Rule::Law(&law::FREE_SPACE)),
    f("two_ray", 3, 3, Rule::Law(&law::TWO_RAY)),
    f("hata", 4, 4, Rule::Law(&law::HATA)),
    f("indoor_loss", 4, 4, Rule::Law(&law::INDOOR)),
];

/// Every function's name with the fewest and the most arguments it takes (`u16::MAX`: any number).
pub fn functions() -> impl Iterator<Item = (&'static str, u16, u16)> {
    FUNCTIONS.iter().map(|f| (f.name, *f.arity.start(), *f.arity.end()))
}

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|f| f.name == name)
}

pub(super) fn suggest(name: &str) -> Option<&'static str> {
    if name.len() > 16 {
        return None;
    }
    let near = FUNCTIONS.iter().map(|f| (edits(name, f.name), f.name)).min()?;
    (near.0 <= 2).then_some(near.1)
}

/// The value of a constant's name.
pub(in crate::behavior) fn constant(name: &str) -> Option<f64> {
    Some(match name {
        "pi" | "PI" | "π" => std::f64::consts::PI,
        "e" | "E" => std::f64::consts::E,
        "tau" => std::f64::consts::TAU,
        _ => return None,
    })
}

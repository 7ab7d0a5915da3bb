//! What can be wrong with a problem before any number is computed.

use svgx_base::digits::figure;

use super::kind::Kind;
use crate::document::{Code, Diagnostic};
use svgx_base::budget::Stop;

/// Which part of a [`Problem`] an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// Index into [`Problem::entities`].
    Entity(usize),
    /// Index into [`Problem::constraints`].
    Constraint(usize),
}

/// Why a problem cannot be solved as it is stated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// More than the limit allows.
    #[error("{count} {what}; the limit is {limit}")]
    Limit {
        /// `constraints` or `entities`.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A part of the problem is wrong.
    #[error("{name}: {reason}")]
    Invalid {
        /// The entity or the constraint that is wrong.
        location: Location,
        /// Its id, or `#n` (from 1) for a constraint without one.
        name: String,
        /// What is wrong with it.
        reason: Reason,
    },
    /// The constraints of a drawing cannot be used as they are written.
    #[error("{}", first(.0))]
    Document(Vec<Diagnostic>),
    /// The caller refuses partial answers and the work was stopped.
    #[error("stopped before the end: {0}")]
    Stopped(#[from] Stop),
    /// A change names something that is not there or cannot change that way.
    #[error("{0}")]
    Change(String),
}

/// What is wrong with an entity or a constraint.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Two entities share an id.
    #[error("the id is used twice")]
    DuplicateId,
    /// A coordinate or value is NaN, infinite or beyond 1e9 mm.
    #[error("{} is not a usable number: beyond 1e9 mm", figure(*.0))]
    NotFinite(f64),
    /// A line whose ends coincide.
    #[error("a line of length zero has no direction")]
    ZeroLength,
    /// A radius, width or height below zero.
    #[error("{what} is {}; it cannot be negative", figure(*.value))]
    NegativeSize {
        /// `the radius`, `the width` or `the height`.
        what: &'static str,
        /// The value that was given, in mm.
        value: f64,
    },
    /// No entity has this id.
    #[error("there is no entity {name:?}{hint}")]
    UnknownEntity {
        /// The id, or the id and a part.
        name: String,
        /// What may be meant.
        hint: String,
    },
    /// The entity has no such feature.
    #[error("{entity:?} is a {shape} and has no {feature:?}{hint}")]
    UnknownFeature {
        /// The id of the entity.
        entity: Box<str>,
        /// The type of its shape.
        shape: &'static str,
        /// The feature asked for.
        feature: Box<str>,
        /// What it has, and what may be meant.
        hint: Box<str>,
    },
    /// Wrong number or types of things to constrain.
    #[error("{kind} takes {expected}; got {got}")]
    Arity {
        /// The constraint's type.
        kind: Kind,
        /// What that type can be between.
        expected: &'static str,
        /// What it was given.
        got: String,
    },
    /// The type needs a value and has none.
    #[error("{0} needs a value")]
    MissingValue(Kind),
    /// The type takes no value and has one.
    #[error("{0} takes no value")]
    UnexpectedValue(Kind),
    /// A distance, radius or offset below zero.
    #[error("the {kind} is {} mm; it cannot be negative", figure(*.value))]
    NegativeValue {
        /// The constraint's type.
        kind: Kind,
        /// The value that was given, in mm.
        value: f64,
    },
    /// A radius or diameter of zero: nothing is drawn then.
    #[error("the {0} is 0 mm; it must be above zero")]
    ZeroSize(Kind),
    /// An angle outside 0 to 180 degrees.
    #[error("the angle is {} degrees; it must lie between 0 and 180", figure(*.0))]
    AngleRange(f64),
    /// A weight that is not positive.
    #[error("the weight is {}; it must be positive", figure(*.0))]
    Weight(f64),
    /// An arc of a path between vertices that are not there, or from one to itself.
    #[error("there is no arc from vertex {from} to vertex {to}")]
    NoVertex {
        /// The number of the vertex it starts at.
        from: usize,
        /// The number of the vertex it ends at.
        to: usize,
    },
    /// A thing is constrained against itself.
    #[error("{0:?} is named twice")]
    Repeated(String),
}

impl Reason {
    /// Stable code for diagnostics.
    pub fn code(&self) -> Code {
        match self {
            Reason::DuplicateId => Code::DuplicateId,
            Reason::NotFinite(_) => Code::ConstraintNumber,
            Reason::ZeroLength => Code::ConstraintZeroLength,
            Reason::NegativeSize { .. } | Reason::NegativeValue { .. } | Reason::ZeroSize(_) => {
                Code::ConstraintNegative
            }
            Reason::UnknownEntity { .. } => Code::ConstraintUnknownEntity,
            Reason::UnknownFeature { .. } | Reason::NoVertex { .. } => {
                Code::ConstraintUnknownFeature
            }
            Reason::Arity { .. } | Reason::Repeated(_) => Code::ConstraintArity,
            Reason::MissingValue(_) | Reason::UnexpectedValue(_) => Code::ConstraintValue,
            Reason::AngleRange(_) => Code::ConstraintAngle,
            Reason::Weight(_) => Code::ConstraintWeight,
        }
    }
}

fn first(findings: &[Diagnostic]) -> String {
    match findings {
        [] => "the constraints cannot be used".to_owned(),
        [one] => one.message.clone(),
        [one, rest @ ..] => format!("{} (and {} more)", one.message, rest.len()),
    }
}

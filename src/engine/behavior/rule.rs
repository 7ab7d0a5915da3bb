//! Triggers of a document, ready to run: event, target, condition, action.

use crate::document::{NodeId, Ns, Str};

/// Delay of an `auto_off` on `time` that names none, in seconds.
pub const AUTO_OFF_SECONDS: f64 = 300.0;

/// What an action does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Toggle,
    TurnOn,
    TurnOff,
    AutoOff,
    Highlight,
    SetState(Str),
    SetAttribute {
        ns: Ns,
        name: Str,
        value: Operand,
    },
    Update {
        scope: Option<Str>,
        name: Str,
        slot: Option<u32>,
        value: Operand,
    },
    Log(Str),
    Animate(Str),
    Cascade(Str),
    /// Not understood; reported, never run.
    None,
}

impl Action {
    /// The name it is written with.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Action::Toggle => "toggle",
            Action::TurnOn => "turn_on",
            Action::TurnOff => "turn_off",
            Action::AutoOff => "auto_off",
            Action::Highlight => "highlight",
            Action::SetState(_) => "set-state",
            Action::SetAttribute { .. } => "set-attribute",
            Action::Update { .. } => "update",
            Action::Log(_) => "log",
            Action::Animate(_) => "animate",
            Action::Cascade(_) => "trigger",
            Action::None => "none",
        }
    }
}

/// A value of an action: fixed text, or a formula.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Text(Str),
    Formula(usize),
}

/// A trigger, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The trigger it was written as.
    pub(super) node: NodeId,
    /// The element it acts on unless a target is named; `None`: every shape that refers to it.
    pub(super) owner: Option<NodeId>,
    /// The behavior's own id, for shapes that refer to it.
    pub(super) behavior: Option<Str>,
    pub(super) label: Str,
    pub(super) event: Str,
    pub(super) target: Option<Str>,
    /// Seconds; `None` when nothing was written.
    pub(super) delay: Option<f64>,
    pub(super) condition: Option<usize>,
    pub(super) action: Action,
}

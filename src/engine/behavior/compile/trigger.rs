//! Triggers to rules: events, actions, delays and targets are checked once.

use std::collections::HashMap;

use svgx_base::nearest::did_you_mean;

use super::Compiler;
use crate::behavior::program::CodeStatus;
use crate::behavior::rule::{Action, Operand, Rule};
use crate::behavior::unit::{Unit, convert, quantity};
use crate::document::vocabulary::{ACTIONS, EVENTS};
use crate::document::{Code, Diagnostic, NodeId, Ns, Span, Str, Trigger};

/// Longest delay, in seconds: 366 days.
const LONGEST_DELAY: f64 = 366.0 * 86_400.0;

pub(super) fn rules(compiler: &mut Compiler<'_>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (at, behavior) in compiler.behaviors().iter().enumerate() {
        // An object that refers to a behavior by id owns it as well.
        let owner = behavior.owner;
        let label = owner
            .and_then(|owner| {
                compiler
                    .objects()
                    .iter()
                    .find(|o| o.node == owner)
                    .and_then(|o| o.id.clone())
                    .or_else(|| compiler.document().id(owner).map(Str::from))
            })
            .or_else(|| behavior.id.clone())
            .unwrap_or_else(|| Str::from(format!("behavior{}", at + 1)));
        for trigger in &behavior.triggers {
            rules.push(rule(compiler, at, owner, behavior.id.clone(), &label, trigger));
        }
    }
    rules
}

fn rule(
    compiler: &mut Compiler<'_>,
    at: usize,
    owner: Option<NodeId>,
    behavior: Option<Str>,
    label: &Str,
    trigger: &Trigger,
) -> Rule {
    let place = compiler.document().span(trigger.node);
    let event = trigger.event.trim();
    let external = !event.is_empty()
        && event.len() <= 64
        && event.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
    if !external {
        let shown: String = event.chars().take(32).collect();
        let d = Diagnostic::error(Code::TriggerEvent, place, format!("{shown:?} is no event name"));
        compiler.push(d.help(format!("one of {} or an external name", EVENTS.join(", "))));
    }
    let delay = trigger.parameter("delay").and_then(|text| {
        let seconds = seconds(text);
        if seconds.is_none() {
            let shown: String = text.chars().take(32).collect();
            let message = format!("{shown:?} is no delay");
            let help = "a time from 0 to 366 days, seconds if no unit is written: 5, 2 min";
            compiler.push(Diagnostic::error(Code::TriggerDelay, place, message).help(help));
        }
        seconds
    });
    let mut formula = |text: &str| compiler.expression(at, text, place);
    let condition = trigger.parameter("condition").map(&mut formula);
    let value = |formula: &mut dyn FnMut(&str) -> usize| {
        trigger
            .parameter("formula")
            .map(|f| Operand::Formula(formula(f)))
            .or_else(|| trigger.parameter("value").map(|v| Operand::Text(v.into())))
    };
    let name = trigger.parameter("name").or_else(|| trigger.parameter("variable"));
    let mut missing = None;
    let action = match trigger.action.trim().replace('-', "_").to_ascii_lowercase().as_str() {
        "toggle" => Action::Toggle,
        "turn_on" | "on" => Action::TurnOn,
        "turn_off" | "off" => Action::TurnOff,
        "auto_off" => Action::AutoOff,
        "highlight" => Action::Highlight,
        "animate" => Action::Animate(described(trigger)),
        "log" => Action::Log(trigger.parameter("message").unwrap_or(event).into()),
        "set_state" | "state" => match trigger.parameter("value").or(name) {
            Some(state) => Action::SetState(state.into()),
            None => {
                missing = Some("value");
                Action::None
            }
        },
        "set_attribute" => match (name, value(&mut formula)) {
            (Some(name), Some(value)) => set_attribute(compiler, name, value, place),
            (None, _) => {
                missing = Some("name");
                Action::None
            }
            _ => {
                missing = Some("value");
                Action::None
            }
        },
        "update" | "calculate" => {
            // A written value is a formula too: `24 C`, `power * 2`.
            let text = trigger.parameter("formula").or_else(|| trigger.parameter("value"));
            match (name, text) {
                (Some(name), Some(text)) => {
                    let (scope, name) = match name.rsplit_once('.') {
                        Some((scope, name)) => (Some(scope.into()), name.into()),
                        None => (None, name.into()),
                    };
                    let value = Operand::Formula(formula(text));
                    Action::Update { scope, name, slot: None, value }
                }
                (None, _) => {
                    missing = Some("name");
                    Action::None
                }
                _ => {
                    missing = Some("value");
                    Action::None
                }
            }
        }
        "trigger" => match name.or_else(|| trigger.parameter("value")) {
            Some(name) => Action::Cascade(name.into()),
            None => {
                missing = Some("name");
                Action::None
            }
        },
        _ => {
            let shown: String = trigger.action.chars().take(32).collect();
            let message = format!("{shown:?} is no action");
            let near = did_you_mean(&shown, ACTIONS);
            let near = near.map_or_else(String::new, |near| format!("{near} "));
            let help = format!("{near}actions: {}", ACTIONS.join(", "));
            let span = if trigger.span.is_none() { place } else { trigger.span };
            compiler.push(Diagnostic::error(Code::TriggerAction, span, message).help(help));
            Action::None
        }
    };
    if let Some(missing) = missing {
        let message = format!("{} needs {missing}=\"...\"", trigger.action);
        compiler.push(Diagnostic::error(Code::TriggerParameter, place, message));
    }
    if event == "condition" && condition.is_none() {
        let message = "an event=\"condition\" trigger needs condition=\"...\"";
        compiler.push(Diagnostic::error(Code::TriggerParameter, place, message));
    }
    let target = trigger.parameter("target").map(|t| Str::from(t.trim().trim_start_matches('#')));
    if let Some(target) = &target
        && compiler.document().by_id(target).is_none()
    {
        let message = format!("there is no element with the id {:?}", target.as_str());
        compiler.push(Diagnostic::error(Code::TriggerTarget, place, message));
    }
    Rule {
        node: trigger.node,
        owner,
        behavior,
        label: label.clone(),
        event: event.into(),
        target,
        delay,
        condition,
        action,
    }
}

/// Attributes an action may set: nothing that runs, loads or renames.
fn set_attribute(compiler: &mut Compiler<'_>, name: &str, value: Operand, place: Span) -> Action {
    let (ns, local) = match name.strip_prefix("arx:") {
        Some(local) => (Ns::Arx, local),
        None => (Ns::None, name),
    };
    let named = local.starts_with(|c: char| c.is_ascii_alphabetic())
        && local.len() <= 64
        && local.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let lower = local.to_ascii_lowercase();
    let refused = !named
        || lower.starts_with("on")
        || lower.starts_with("xmlns")
        || ["id", "href", "style", "src"].contains(&lower.as_str());
    if refused {
        let shown: String = name.chars().take(32).collect();
        let message = format!("an action may not set the attribute {shown:?}");
        compiler.push(Diagnostic::error(Code::TriggerAttribute, place, message));
        return Action::None;
    }
    Action::SetAttribute { ns, name: local.into(), value }
}

/// A delay in seconds; a number without unit counts seconds.
fn seconds(text: &str) -> Option<f64> {
    let literal = quantity(text)?;
    let unit: Unit = if literal.unit.is_empty() { "s" } else { literal.unit }.parse().ok()?;
    let value = convert(literal.number, &unit, &"s".parse().ok()?).ok()?;
    (0.0..=LONGEST_DELAY).contains(&value).then_some(value)
}

/// The parameters of an action that is only recorded.
fn described(trigger: &Trigger) -> Str {
    let parts: Vec<String> =
        trigger.parameters.iter().take(16).map(|(n, v)| format!("{n}={v}")).collect();
    Str::from(parts.join(" "))
}

/// Turns draft numbers into expression numbers and names into slots.
pub(super) fn link(
    rule: &mut Rule,
    calculations: usize,
    statuses: &[CodeStatus],
    names: &HashMap<(Str, Str), u32>,
) {
    let mut sound = true;
    let mut number = |draft: &mut usize| {
        sound &= statuses.get(*draft) == Some(&CodeStatus::Ready);
        *draft -= calculations.min(*draft);
    };
    if let Some(draft) = &mut rule.condition {
        number(draft);
    }
    match &mut rule.action {
        Action::SetAttribute { value: Operand::Formula(draft), .. } => number(draft),
        Action::Update { scope, name, slot, value } => {
            if let Operand::Formula(draft) = value {
                number(draft);
            }
            let scope = scope.as_ref().unwrap_or(&rule.label).clone();
            *slot = names.get(&(scope, name.clone())).copied();
        }
        _ => {}
    }
    if !sound {
        rule.action = Action::None;
    }
}

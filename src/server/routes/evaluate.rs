//! `POST /evaluate`: what the formulas of a drawing come to, with units.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::Body;
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error, Finding};
use crate::state::answer::{milliseconds, status};
use crate::state::cache::Cache;
use svgx_engine::behavior::{Failure, Outcome, Program, Value};
use svgx_engine::document::{Behavior, Document, NodeId, Trigger};
use svgx_engine::geometry::Scene;
use svgx_telemetry::stage::Step;

/// What is to be answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvaluateOptions {
    /// Whether `behaviors` lists what every event does; true without.
    #[serde(default)]
    pub(crate) interactive: Option<bool>,
    /// Whether `physics` says what simulations take into account; true without.
    #[serde(default)]
    pub(crate) include_physics: Option<bool>,
}

request! {
    /// A drawing to evaluate.
    EvaluateRequest, EvaluateOptions {
        /// The event that is asked about, such as `click`: `behaviors` lists what it does, and
        /// nothing else. All events without it.
        interaction: Option<String>,
    }
}

/// Values of a drawing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluateAnswer<'d> {
    /// `success`; `partial` where `success` is false.
    status: &'static str,
    /// Whether every calculation has a value.
    success: bool,
    /// Every behavior, in document order, with the values of its formulas.
    results: Vec<EvaluatedElement<'d>>,
    /// The values of the constraints that have a formula, in document order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<EvaluatedConstraint<'d>>,
    /// What every event does, by element and event.
    #[serde(skip_serializing_if = "Option::is_none")]
    behaviors: Option<Vec<EventActions<'d>>>,
    /// What a simulation of the drawing takes into account.
    #[serde(skip_serializing_if = "Option::is_none")]
    physics: Option<PhysicsFlags>,
    /// What is wrong with the behaviors: formulas, units, cycles, triggers.
    diagnostics: Vec<Finding>,
    /// Figures of the evaluation.
    statistics: EvaluateStatistics,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// A behavior and whose it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluatedElement<'d> {
    /// The id of the element, or `node-<number>` for one without.
    element_id: String,
    /// Its inputs, results and triggers.
    behavior: EvaluatedBehavior<'d>,
}

/// Inputs, results and triggers of a behavior.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluatedBehavior<'d> {
    /// The id that shapes refer to, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'d str>,
    /// Its inputs.
    variables: Vec<EvaluatedVariable<'d>>,
    /// Its results.
    calculations: Vec<EvaluatedCalculation<'d>>,
    /// What it does on events.
    triggers: Vec<EvaluatedTrigger<'d>>,
}

/// An input.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluatedVariable<'d> {
    /// Its name.
    name: &'d str,
    /// Its number; none when what was written is no number.
    value: Option<f64>,
    /// Its value as written.
    text: &'d str,
    /// Its unit as written.
    unit: Option<&'d str>,
}

/// A result, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluatedCalculation<'d> {
    /// Its name.
    name: &'d str,
    /// The formula as written.
    formula: &'d str,
    /// A number in `unit`, a truth value, or none when it failed; never NaN or infinite.
    #[schema(value_type = Option<f64>)]
    value: Option<Value>,
    /// The unit of the value; none for plain numbers.
    unit: Option<String>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EvaluationFailure>,
}

/// The value of a constraint that has a formula, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluatedConstraint<'d> {
    /// Its id, or `constraint<number>` for one without.
    constraint_id: &'d str,
    /// The formula as written.
    formula: &'d str,
    /// A number in `unit`, or none when it failed.
    #[schema(value_type = Option<f64>)]
    value: Option<Value>,
    /// `mm`, or `deg` for angles.
    unit: Option<String>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EvaluationFailure>,
}

/// Why a result has no value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluationFailure {
    /// `not-finite`, `depends-on-error`, or the code of a diagnostic.
    code: &'static str,
    /// One sentence.
    message: String,
}

/// An action on an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluatedTrigger<'d> {
    /// What it waits for.
    event: &'d str,
    /// What it does.
    action: &'d str,
    /// Everything else that was written on it.
    parameters: std::collections::BTreeMap<&'d str, &'d str>,
}

/// What an event does to an element.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventActions<'d> {
    /// The id of the element, or `node-<number>` for one without.
    element_id: String,
    /// The event.
    event_type: &'d str,
    /// What it does, in order.
    actions: Vec<EventAction<'d>>,
}

/// One action.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventAction<'d> {
    /// The action, in snake case: `toggle`, `set_attribute`, ...
    #[serde(rename = "type")]
    kind: String,
    /// What it sets, where it sets something.
    name: Option<&'d str>,
    /// What it sets it to.
    value: Option<&'d str>,
}

/// What a simulation of the drawing takes into account without further options.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct PhysicsFlags {
    /// Whether anything has a weight.
    gravity_enabled: bool,
    /// Whether anything can collide.
    collision_detection: bool,
    /// Elements with physics.
    bodies: usize,
}

/// Figures of an evaluation.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct EvaluateStatistics {
    /// Time to compile and run the formulas, in milliseconds.
    evaluation_time_ms: f64,
    /// Behaviors of the drawing.
    behaviors: usize,
    /// Calculations of the drawing.
    calculations: usize,
    /// Calculations without a value.
    failed: usize,
}

/// Evaluates the formulas of a drawing in the order of their dependencies, with
/// units; what has no value says why.
///
/// # Errors
/// A body that cannot be read, a drawing that cannot, or no time.
#[utoipa::path(post, path = "/evaluate", tag = "drawing", operation_id = "evaluate_formulas",
    request_body(content((EvaluateRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = EvaluateAnswer<'_>)))]
pub(crate) fn evaluate(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<EvaluateRequest> = Input::read(&call, body)?;
    let options = input.request.options.unwrap_or_default();
    let interaction = input.request.interaction.take();
    let content = &input.drawing(&call)?;
    let document = &*input::parse(&mut call, content)?;
    let etag =
        input::etag(true, &Cache::key("evaluate", &format!("{options:?}{interaction:?}"), content));
    if let Some(known) = call.known_as(&etag) {
        return Ok(call.not_modified(known));
    }
    let began = call.now();
    let program = Program::compile(document, &call.app.config.limits);
    let evaluation = match program.has_measures() {
        false => program.evaluate(call.budget)?,
        true => {
            let scene = Scene::build(document, &call.app.config.limits, call.budget)?;
            svgx_drafting::evaluate(document, &scene, &program, call.budget)?
        }
    };
    let mut outcomes: HashMap<NodeId, Outcome<'_>> =
        program.results(&evaluation).map(|o| (o.node, o)).collect();
    let taken = call.now().since(began);
    let failed = outcomes.values().filter(|o| o.value.is_err()).count();
    let counted = ("svgx.formula.count", program.calculations().into());
    call.note(Step::Evaluate, began, [counted, ("svgx.formula.failed", failed.into())]);
    let results = document
        .behaviors()
        .iter()
        .map(|b| EvaluatedElement {
            element_id: element_id(document, b),
            behavior: evaluated(b, &mut outcomes),
        })
        .collect();
    let answer = EvaluateAnswer {
        status: status(failed == 0),
        success: failed == 0,
        results,
        constraints: constraints(document, &mut outcomes),
        behaviors: options
            .interactive
            .unwrap_or(true)
            .then(|| events(document, interaction.as_deref())),
        physics: options.include_physics.unwrap_or(true).then(|| PhysicsFlags {
            gravity_enabled: !document.physics().is_empty(),
            collision_detection: !document.physics().is_empty(),
            bodies: document.physics().len(),
        }),
        diagnostics: problem::findings(content, program.diagnostics()),
        statistics: EvaluateStatistics {
            evaluation_time_ms: milliseconds(taken),
            behaviors: document.behaviors().len(),
            calculations: program.calculations(),
            failed,
        },
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, Some(etag))
}

/// The values of the constraints that have a formula.
fn constraints<'d>(
    document: &'d Document,
    outcomes: &mut HashMap<NodeId, Outcome<'d>>,
) -> Vec<EvaluatedConstraint<'d>> {
    let mut nodes: Vec<NodeId> =
        outcomes.keys().copied().filter(|&node| document.is_constraint(node)).collect();
    nodes.sort_unstable();
    let outcomes = nodes.iter().filter_map(|node| outcomes.remove(node));
    outcomes
        .map(|outcome| {
            let (constraint_id, formula) = (outcome.scope, outcome.formula);
            let (value, unit, error) = told(outcome.value, outcome.unit);
            EvaluatedConstraint { constraint_id, formula, value, unit, error }
        })
        .collect()
}

/// A value with its unit, or why there is none.
fn told(
    value: Result<Value, Failure>,
    unit: Option<String>,
) -> (Option<Value>, Option<String>, Option<EvaluationFailure>) {
    match value {
        Ok(value) => (Some(significant(value)), unit, None),
        Err(f) => {
            (None, unit, Some(EvaluationFailure { code: f.code.as_str(), message: f.message }))
        }
    }
}

/// The element a behavior belongs to, or the behavior itself when it stands alone.
fn element_id(document: &Document, behavior: &Behavior) -> String {
    let owner = behavior.owner.and_then(|node| document.id(node));
    match owner.or(behavior.id.as_deref()) {
        Some(id) => id.to_owned(),
        None => format!("node-{}", behavior.owner.unwrap_or(behavior.node).index()),
    }
}

fn evaluated<'d>(
    behavior: &'d Behavior,
    outcomes: &mut HashMap<NodeId, Outcome<'d>>,
) -> EvaluatedBehavior<'d> {
    EvaluatedBehavior {
        id: behavior.id.as_deref(),
        variables: behavior
            .variables
            .iter()
            .map(|v| EvaluatedVariable {
                name: &v.name,
                value: v.value.value.trim().parse().ok().filter(|n: &f64| n.is_finite()),
                text: &v.value.value,
                unit: v.value.unit.as_deref(),
            })
            .collect(),
        calculations: behavior
            .calculations
            .iter()
            .filter_map(|c| outcomes.remove(&c.node))
            .map(|outcome| {
                let (name, formula) = (outcome.name, outcome.formula);
                let (value, unit, error) = told(outcome.value, outcome.unit);
                EvaluatedCalculation { name, formula, value, unit, error }
            })
            .collect(),
        triggers: behavior
            .triggers
            .iter()
            .map(|t| EvaluatedTrigger {
                event: &t.event,
                action: &t.action,
                parameters: t.parameters.iter().map(|(n, v)| (&**n, &**v)).collect(),
            })
            .collect(),
    }
}

/// A value in twelve significant digits: the rest is noise of binary fractions.
fn significant(value: Value) -> Value {
    match value {
        Value::Number(n) => Value::Number(format!("{n:.11e}").parse().unwrap_or(n)),
        other => other,
    }
}

/// Triggers by element and event, in document order; of one event where one is asked for.
fn events<'d>(document: &'d Document, only: Option<&str>) -> Vec<EventActions<'d>> {
    let mut list: Vec<EventActions<'_>> = Vec::new();
    for behavior in document.behaviors() {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let asked = |t: &&Trigger| only.is_none_or(|event| t.event == *event);
        for trigger in behavior.triggers.iter().filter(asked) {
            let at = *places.entry(&trigger.event).or_insert(list.len());
            if at == list.len() {
                list.push(EventActions {
                    element_id: element_id(document, behavior),
                    event_type: &trigger.event,
                    actions: Vec::new(),
                });
            }
            if let Some(event) = list.get_mut(at) {
                event.actions.push(action(trigger));
            }
        }
    }
    list
}

fn action(trigger: &Trigger) -> EventAction<'_> {
    EventAction {
        kind: trigger.action.replace('-', "_"),
        name: trigger.parameter("name"),
        value: trigger.parameter("value"),
    }
}

//! `POST /constraints/solve`: geometry that meets its constraints, and what they leave open.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::precision;
use crate::admission::body::{self, Body};
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::schema;
use crate::state::answer::{milliseconds, status};
use svgx_engine::constraint::{self, Problem, Sketch, Solution, Solver, Target};
use svgx_engine::document::{canonical, json_position};
use svgx_engine::geometry::Scene;
use svgx_telemetry::stage::Step;

/// How to solve.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SolveOptions {
    /// `ui` (0.1 mm), `edit` (0.01 mm) or `compute` (0.001 mm); `compute` without.
    #[serde(default)]
    pub(crate) precision: Option<String>,
    /// Whether to answer degrees of freedom, redundant constraints and conflicts; true without.
    #[serde(default)]
    pub(crate) diagnose: Option<bool>,
    /// Refuse a partial answer, or one below the precision; false without.
    #[serde(default)]
    pub(crate) strict: Option<bool>,
    /// Points that are pulled; they go as far as the constraints leave room.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::SketchTarget>>)]
    pub(crate) targets: Option<Vec<Target>>,
    /// Whether to answer the drawing with the solution in it; false without.
    #[serde(default)]
    pub(crate) drawing: Option<bool>,
}

request! {
    /// A drawing with `arx:constraints`, or a sketch in JSON.
    SolveRequest, SolveOptions {
        /// The sketch, where no drawing is sent.
        #[schema(value_type = Option<schema::SketchProblem>)]
        problem: Option<Problem>,
    }
}

/// An attribute of the drawing that the solution changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moved {
    /// The element's id.
    element_id: String,
    /// The attribute.
    name: &'static str,
    /// What it was.
    old_value: Option<String>,
    /// What it is in the solution.
    new_value: String,
}

/// The solved sketch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SolveAnswer {
    /// `success`; `partial` where `success` is false.
    status: &'static str,
    /// Whether every constraint that must hold does.
    success: bool,
    /// The precision solved to: `ui`, `edit` or `compute`.
    precision: &'static str,
    /// The precision asked for. A busy service may solve to a coarser one unless `strict`.
    precision_asked: &'static str,
    #[serde(flatten)]
    #[schema(value_type = schema::SketchSolution)]
    solution: Solution,
    /// What changes in the drawing, where one was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes_changed: Option<Vec<Moved>>,
    /// The drawing with the solution in it, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    svgx_content: Option<String>,
    /// Figures of the solve.
    statistics: SolveStatistics,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Figures of the solve.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct SolveStatistics {
    /// Shapes in the sketch.
    entities: usize,
    /// Constraints in the sketch.
    constraints: usize,
    /// Time to solve and diagnose, in milliseconds.
    solve_time_ms: f64,
}

/// Solves the geometric constraints of a drawing, or of a sketch in JSON, and says what they
/// leave open: degrees of freedom of every entity, redundant constraints, and minimal sets of
/// constraints that contradict each other. Where constraints cannot hold together, the latest
/// of them gives way.
///
/// # Errors
/// A constraint or shape that cannot be used, a limit that is passed, or no time.
#[utoipa::path(post, path = "/constraints/solve", tag = "drawing", operation_id = "solve_constraints",
    request_body(content((SolveRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = SolveAnswer)))]
pub(crate) fn solve(mut call: Call<'_>, sent: Option<Body>) -> Result<Reply, Error> {
    let bytes = sent.as_ref().map(|b| b.bytes.clone()).unwrap_or_default();
    let mut input: Input<SolveRequest> = Input::read(&call, sent)?;
    // Where no sketch is sent, the drawing of the session is meant.
    if input.content.is_none() && input.request.problem.is_none() {
        input.content = Some(input.drawing(&call)?);
    }
    let asked = input.request.options.take().unwrap_or_default();
    let strict = asked.strict.unwrap_or(false);
    let (wanted, budget) = precision::granted(&call, asked.precision.as_deref(), strict)?;
    let tier = budget.tier();
    let limits = call.app.config.limits;
    let content = input.content.as_deref();
    let at = |text: &str, pointer: &str| {
        let at = json_position(text, pointer, &limits)?;
        Some((at.line as usize, at.column as usize))
    };
    let find = |pointer: &str| body::text(&bytes).ok().and_then(|text| at(text, pointer));
    let refused = |error| problem::constraints(content.unwrap_or_default(), error, find);

    let mut drawing = None;
    let mut solver = match (content, input.request.problem.take()) {
        (Some(_), Some(_)) => {
            return Err(Error::Invalid {
                pointer: "/problem".to_owned(),
                message: "content and problem are two sketches; send one".to_owned(),
                at: at(body::text(&bytes)?, "/problem"),
            });
        }
        (Some(content), None) => {
            let document = input::parse(&mut call, content)?;
            let scene = Scene::build(&document, &limits, &budget)?;
            let sketch = Sketch::read(&document, &scene, &limits).map_err(refused)?;
            let solver = sketch.solver_within(&limits, &budget).map_err(refused)?;
            drawing = Some((document, sketch));
            solver
        }
        (None, Some(problem)) => Solver::within(problem, &limits, &budget).map_err(refused)?,
        (None, None) => {
            return Err(Error::Internal("a drawing that is there and is not".to_owned()));
        }
    };
    let began = call.now();
    let (entities, constraints) =
        (solver.problem().entities.len(), solver.problem().constraints.len());
    let diagnose = asked.diagnose.unwrap_or(true);
    let targets = asked.targets.unwrap_or_default();
    let solution =
        constraint::solve(&mut solver, constraint::Options { diagnose, targets }, &budget)
            .map_err(refused)?;
    let taken = call.now().since(began);
    let metrics = call.app.telemetry.metrics();
    metrics.constraints(constraints);
    let (iterations, residual) = (u64::from(solution.iterations), solution.residual_mm);
    metrics.solved("constraints", iterations, Some(residual));
    let facts = [
        ("svgx.solver.name", "constraints".into()),
        ("svgx.constraint.count", constraints.into()),
        ("svgx.iteration.count", iterations.into()),
        ("svgx.residual", residual.into()),
    ];
    call.note(Step::Solve, began, facts);

    let (mut attributes_changed, mut svgx_content) = (None, None);
    if let Some((document, sketch)) = drawing {
        let edits = sketch.edits(&document, &solution.entities, tier);
        let moved = edits.iter().map(|edit| Moved {
            element_id: document.id(edit.node).unwrap_or_default().to_owned(),
            name: edit.name,
            old_value: document.attr(edit.node, edit.name).map(str::to_owned),
            new_value: edit.value.clone(),
        });
        attributes_changed = Some(moved.collect());
        if asked.drawing.unwrap_or(false) {
            let mut solved = (*document).clone();
            constraint::apply(&mut solved, &edits);
            svgx_content = Some(canonical(&solved));
        }
    }
    let answer = SolveAnswer {
        status: status(solution.unsatisfied.is_empty()),
        success: solution.unsatisfied.is_empty(),
        precision: tier.as_str(),
        precision_asked: wanted.as_str(),
        solution,
        attributes_changed,
        svgx_content,
        statistics: SolveStatistics { entities, constraints, solve_time_ms: milliseconds(taken) },
        duration_ms: call.elapsed_ms(),
    };
    Ok(call.json(&answer, None)?.at(tier, wanted))
}

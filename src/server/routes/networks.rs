//! `POST /networks/solve`: what flows in the networks of a drawing.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::precision;
use crate::admission::body::{self, Body};
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error, Finding};
use crate::protocol::wording::meant;
use crate::schema;
use crate::state::answer::{milliseconds, status};
use svgx_base::budget::{Budget, Stop};
use svgx_engine::document::{Document, json_position};
use svgx_engine::geometry::Scene;
use svgx_networks::accuracy::{Effort, Reused};
use svgx_networks::read::{self, System};
use svgx_networks::study::Study;
use svgx_networks::{self as networks, Answer, Check, Island, Name, Row, State, overlay};
use svgx_telemetry::stage::Step;

/// How to solve.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkOptions {
    /// `ui`, `edit` or `compute`; `compute` without. What that is in each network stands in
    /// `tolerance`.
    #[serde(default)]
    pub(crate) precision: Option<String>,
    /// Refuse a partial answer, or one below the precision; false without.
    #[serde(default)]
    pub(crate) strict: Option<bool>,
    /// The ids of the systems to solve; all of them without.
    #[serde(default)]
    pub(crate) systems: Option<Vec<String>>,
    /// What to find: `flow` (what flows; without), `fault` (fault currents of electrical networks)
    /// or `load` (how much more a node can be asked for). Systems of which it cannot be asked are
    /// left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::NetworkStudy>)]
    pub(crate) study: Option<Study>,
    /// The nodes at which to study faults or loads; all of them without.
    #[serde(default)]
    pub(crate) at: Option<Vec<String>>,
}

request! {
    /// A drawing with an `arx:system` that is a network.
    NetworkRequest, NetworkOptions {}
}

/// The solved networks of a drawing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworkAnswer {
    /// `success`; `partial` where `success` is false.
    status: &'static str,
    /// Whether everything that was to be solved has an answer.
    success: bool,
    /// The precision solved to: `ui`, `edit` or `compute`.
    precision: &'static str,
    /// The precision asked for. A busy service may solve to a coarser one unless `strict`.
    precision_asked: &'static str,
    /// The systems, in the order of the drawing; none where the drawing has no network.
    systems: Vec<NetworkSystem>,
    /// Figures of the solve.
    statistics: NetworkStatistics,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// A system of the drawing and what was computed of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworkSystem {
    /// Its id.
    #[schema(value_type = String)]
    system: networks::Name,
    /// What it is: `electrical`, `water`, `air`, `heat` or `frame`; empty where it names none of
    /// them.
    network: &'static str,
    /// How it is: `normal`, `warning`, `critical`, `failed` or `unknown`, the worst of what was
    /// found.
    #[schema(value_type = String)]
    state: State,
    /// Whether all of it has an answer.
    solved: bool,
    /// Its nodes, with their levels.
    #[schema(value_type = Vec<schema::NetworkElement>)]
    nodes: Vec<Row>,
    /// Its links, with what they carry.
    #[schema(value_type = Vec<schema::NetworkElement>)]
    links: Vec<Row>,
    /// What elements carry against what they may, where the drawing says what that is.
    #[schema(value_type = Vec<schema::NetworkCheck>)]
    checks: Vec<Check>,
    /// The parts of the network, with what feeds each of them and what is closed at its edge.
    #[schema(value_type = Vec<schema::NetworkIsland>)]
    islands: Vec<Island>,
    /// What is wrong, with its places: first with what is drawn, then with what flows.
    diagnostics: Vec<NetworkFinding>,
    /// How exact the answer is, and what it took.
    effort: NetworkEffort,
}

/// Something that is wrong with a network.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworkFinding {
    #[serde(flatten)]
    finding: Finding,
    /// How the elements are for it: `normal`, `warning`, `critical`, `failed` or `unknown`.
    #[schema(value_type = String)]
    state: State,
    /// The elements that it is about.
    #[schema(value_type = Vec<String>)]
    elements: Vec<networks::Name>,
}

/// How exact the answer for a network is, and what it took.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct NetworkEffort {
    /// Whether the tolerance was met, by both residuals.
    converged: bool,
    /// How far the answer is from its equations.
    residual: NetworkResidual,
    /// What the precision asks of `residual.energy`; of an electrical network the last change of
    /// a voltage, relative to nominal.
    tolerance: f64,
    /// How often the network was solved linearly.
    iterations: u32,
    /// What was kept of an earlier solution: `nothing`, `order` or `factor`.
    #[schema(value_type = String)]
    reused: Reused,
    /// Why it ended early, `deadline` or `cancelled`: the answer is what there was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<&'static str>,
}

/// How far an answer is from its equations.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct NetworkResidual {
    /// The largest imbalance of a node: of what comes in and what goes out.
    balance: Option<f64>,
    /// Its unit.
    balance_unit: &'static str,
    /// The largest amount by which a link misses its law.
    energy: Option<f64>,
    /// Its unit.
    energy_unit: &'static str,
}

/// Figures of the solve.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct NetworkStatistics {
    /// Systems that were solved.
    systems: usize,
    /// Nodes of them.
    nodes: usize,
    /// Links of them.
    links: usize,
    /// Time to read and solve them, in milliseconds.
    solve_time_ms: f64,
}

/// Solves the networks of a drawing: voltages and currents, flows and pressures, temperatures,
/// forces and deflections. A system is a network if it says which one by `network`. A part
/// without an answer has `null` and a finding that names its elements; the rest is answered.
///
/// # Errors
/// A system that is not there, a limit that is passed, or no time for any answer.
#[utoipa::path(post, path = "/networks/solve", tag = "drawing", operation_id = "solve_networks",
    request_body(content((NetworkRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = NetworkAnswer)))]
pub(crate) fn networks(mut call: Call<'_>, sent: Option<Body>) -> Result<Reply, Error> {
    let bytes = sent.as_ref().map(|b| b.bytes.clone()).unwrap_or_default();
    let mut input: Input<NetworkRequest> = Input::read(&call, sent)?;
    let content = input.drawing(&call)?;
    let asked = input.request.options.take().unwrap_or_default();
    let strict = asked.strict.unwrap_or(false);
    let (wanted, budget) = precision::granted(&call, asked.precision.as_deref(), strict)?;
    let tier = budget.tier();
    let limits = call.app.config.limits;
    let document = input::parse(&mut call, &content)?;
    let began = call.now();
    let scene = Scene::build(&document, &limits, &budget)?;
    let mut systems = read::read(&document, &scene, &limits, &budget).map_err(problem::networks)?;
    if let Some(names) = &asked.systems {
        let place = |pointer: &str| {
            let at = json_position(body::text(&bytes).ok()?, pointer, &limits)?;
            Some((at.line as usize, at.column as usize))
        };
        refuse_unknown(names, &document, &systems, place)?;
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        systems.retain(|system| names.contains(&*system.name));
    }
    let study = asked.study.unwrap_or_default();
    systems.retain(|system| system.domain.is_none_or(|domain| study.suits(domain)));
    let at: Vec<Name> = asked.at.unwrap_or_default().iter().map(|a| a.as_str().into()).collect();
    refuse_nowhere(&at, study, &systems)?;
    let at_one = |system: &System| at.iter().any(|a| system.nodes().contains(a));
    systems.retain(|system| at.is_empty() || at_one(system));
    let answers = solve(&systems, study, &at, &budget, strict)?;
    let taken = call.now().since(began);
    let iterations = answers.iter().map(|a| a.effort.iterations).max().unwrap_or(0);
    call.app.telemetry.metrics().solved("networks", iterations.into(), None);
    let solver = ("svgx.solver.name", "networks".into());
    call.note(Step::Solve, began, [solver, ("svgx.iteration.count", u64::from(iterations).into())]);

    let success = answers.iter().all(Answer::is_whole);
    let rows = |of: fn(&Answer) -> &Vec<Row>| answers.iter().map(|a| of(a).len()).sum();
    let statistics = NetworkStatistics {
        systems: answers.len(),
        nodes: rows(|a| &a.nodes),
        links: rows(|a| &a.links),
        solve_time_ms: milliseconds(taken),
    };
    let shown = systems.iter().zip(answers).map(|(s, a)| shown(&content, &document, s, a));
    let answer = NetworkAnswer {
        status: status(success),
        success,
        precision: tier.as_str(),
        precision_asked: wanted.as_str(),
        systems: shown.collect(),
        statistics,
        duration_ms: call.elapsed_ms(),
    };
    Ok(call.json(&answer, None)?.at(tier, wanted))
}

/// The drawing with a quantity of one of its networks over it, where one is asked for: `SYSTEM.QUANTITY`
/// in the option at `pointer`.
///
/// # Errors
/// A system or a quantity that is not there, or no time.
pub(crate) fn overlaid(
    call: &Call<'_>,
    document: Arc<Document>,
    asked: Option<&str>,
    pointer: &str,
) -> Result<Arc<Document>, Error> {
    let Some(asked) = asked else { return Ok(document) };
    let wanted: overlay::Wanted = asked.parse().map_err(|e| Error::invalid(pointer, e))?;
    let over = overlay::overlaid(&document, &wanted, &call.app.config.limits, call.budget);
    over.map(Arc::new).map_err(|e| problem::overlay(e, pointer))
}

/// Solves one system after the other. Where time ends, those that were not begun are answered as
/// such, unless nothing else could be.
fn solve(
    systems: &[System],
    study: Study,
    at: &[Name],
    budget: &Budget,
    strict: bool,
) -> Result<Vec<Answer>, Error> {
    let mut answers: Vec<Answer> = Vec::with_capacity(systems.len());
    let mut stopped: Option<Stop> = None;
    for system in systems {
        let solved = match stopped {
            None => {
                let at: Vec<Name> =
                    at.iter().filter(|a| system.nodes().contains(a)).cloned().collect();
                Answer::studied(system, study, &at, &networks::Limits::default(), budget)
            }
            Some(stop) => Err(stop.into()),
        };
        answers.push(match solved {
            Ok(answer) => answer,
            Err(networks::Error::Stopped(stop)) if !answers.is_empty() && !strict => {
                stopped = Some(stop);
                Answer::unanswered(system, stop)
            }
            Err(error) => return Err(problem::networks(error)),
        });
    }
    Ok(answers)
}

/// Refuses a node that none of the systems has, and nodes where the study looks at none.
fn refuse_nowhere(at: &[Name], study: Study, systems: &[System]) -> Result<(), Error> {
    let invalid = |k: usize, message: String| {
        let pointer = format!("/options/at/{k}");
        Err(Error::Invalid { pointer, message, at: None })
    };
    if study == Study::Flow && !at.is_empty() {
        return invalid(0, "a flow is solved everywhere: `at` is for faults and loads".to_owned());
    }
    let lost = |a: &Name| !systems.iter().any(|system| system.nodes().contains(a));
    let Some(k) = at.iter().position(lost) else { return Ok(()) };
    let shown: String = at[k].chars().take(64).collect();
    let near = meant(&at[k], systems.iter().flat_map(|s| s.nodes()).map(|n| &**n));
    invalid(k, format!("there is no node `{shown}` in a network of this study{near}"))
}

/// Refuses an id that is no network of the drawing.
fn refuse_unknown(
    names: &[String],
    document: &Document,
    systems: &[System],
    place: impl Fn(&str) -> Option<(usize, usize)>,
) -> Result<(), Error> {
    let known: BTreeSet<&str> = systems.iter().map(|system| &*system.name).collect();
    let Some(at) = names.iter().position(|name| !known.contains(name.as_str())) else {
        return Ok(());
    };
    let name = &names[at];
    let shown: String = name.chars().take(64).collect();
    let other = document.systems().iter().any(|s| s.id.as_deref() == Some(name.as_str()));
    let message = if other {
        format!("the system `{shown}` is no network: it does not say which by `network`")
    } else {
        let near = meant(name, known.iter().copied());
        format!("there is no system `{shown}` with a network{near}")
    };
    let pointer = format!("/options/systems/{at}");
    let at = place(&pointer);
    Err(Error::Invalid { pointer, message, at })
}

fn shown(content: &str, document: &Document, system: &System, answer: Answer) -> NetworkSystem {
    let solved = answer.is_whole();
    let diagnostics = system.diagnostics(document, &answer.findings);
    let places = problem::placed(content, &diagnostics);
    let told = places.into_iter().zip(answer.findings).map(|(finding, told)| NetworkFinding {
        finding,
        state: told.state,
        elements: told.elements,
    });
    let (balance_unit, energy_unit) = system.domain.map_or(("", ""), |d| d.residual_units());
    NetworkSystem {
        system: answer.system,
        network: answer.network,
        state: answer.state,
        solved,
        nodes: answer.nodes,
        links: answer.links,
        checks: answer.checks,
        islands: answer.islands,
        diagnostics: told.collect(),
        effort: effort(&answer.effort, balance_unit, energy_unit),
    }
}

fn effort(effort: &Effort, balance_unit: &'static str, energy_unit: &'static str) -> NetworkEffort {
    let residual = NetworkResidual {
        balance: finite(effort.residual.balance),
        balance_unit,
        energy: finite(effort.residual.energy),
        energy_unit,
    };
    NetworkEffort {
        converged: effort.converged,
        residual,
        tolerance: effort.tolerance,
        iterations: effort.iterations,
        reused: effort.reused,
        stopped: effort.stopped.map(|stop| match stop {
            Stop::Deadline => "deadline",
            Stop::Cancelled => "cancelled",
        }),
    }
}

fn finite(value: f64) -> Option<f64> {
    Some(value + 0.0).filter(|v| v.is_finite())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use svgx_base::budget::{Class, Clock, Tier, Time};
    use svgx_engine::document::{Limits, parse};

    use super::*;

    /// A clock that goes on whenever somebody looks.
    #[derive(Debug, Default)]
    struct Looked(AtomicU64);

    impl Clock for Looked {
        fn now(&self) -> Time {
            Time(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    #[test]
    fn where_time_ends_what_was_solved_is_answered_unless_the_caller_is_strict() {
        let system = |id: &str| {
            format!(
                "<arx:system id='{id}' type='plumbing' network='water'><arx:components>\
                 <arx:component ref='a' type='tank' head='20 m'/>\
                 <arx:component ref='b' type='demand' flow='1 L/s'/></arx:components>\
                 <arx:connections><arx:connection id='{id}1' from='a' to='b' diameter='50 mm' \
                 length='9 m'/></arx:connections></arx:system>"
            )
        };
        let text = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' \
             viewBox='0 0 9 9'>{}{}</svg>",
            system("one"),
            system("two")
        );
        let limits = Limits::default();
        let document = parse(&text, &limits).unwrap();
        let unlimited = Budget::unlimited(Class::Physics, Tier::Compute);
        let scene = Scene::build(&document, &limits, &unlimited).unwrap();
        let systems = read::read(&document, &scene, &limits, &unlimited).unwrap();
        let (mut none, mut some, mut all) = (0, 0, 0);
        for looks in 0..200 {
            let until = |strict| {
                let budget = unlimited.clone().strict(strict);
                budget.until(Time(looks), Arc::new(Looked::default()))
            };
            match solve(&systems, Study::Flow, &[], &until(false), false) {
                Err(Error::Stopped(Stop::Deadline)) => none += 1,
                Ok(answers) if answers.iter().all(Answer::is_whole) => all += 1,
                Ok(answers) => {
                    some += 1;
                    assert_eq!(answers.len(), 2);
                    let stopped = answers.iter().find(|a| !a.is_whole()).unwrap();
                    assert_eq!(stopped.effort.stopped, Some(Stop::Deadline));
                    let strict = solve(&systems, Study::Flow, &[], &until(true), true);
                    assert!(matches!(strict, Err(Error::Stopped(_))), "{strict:?}");
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(none > 0 && some > 0 && all > 0, "{none} {some} {all}");
    }
}

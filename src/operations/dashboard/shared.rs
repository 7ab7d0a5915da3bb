//! What replicas and workers share: the store of their sessions, and the queue of jobs.
//!
//! Of the queue and of a shared store every process says the same, so that those figures are the largest
//! and not the sum.

use svgx_controller::spec::Spec;

use super::WHO;
use super::model::{Colour, ColourFrom, Dashboard, Panel, Row, Target, Unit, View, good_until};
use super::requests::{line, rate, sentence};

/// How long edits waited to be durable; its count is that of edits.
const WAITS: &str = "svgx_store_wait_seconds";

pub(super) fn dashboard(spec: &Spec) -> Dashboard {
    Dashboard {
        uid: crate::links::SHARED,
        title: "SVGX Engine / Shared store and jobs",
        description: "Whether what is acknowledged is kept, whether sessions stay where they are, and \
                      whether what waits for a worker is done soon.",
        variables: Vec::new(),
        rows: vec![
            Row { title: "Now", panels: now(spec) },
            Row { title: "Store of the sessions", panels: store(spec) },
            Row { title: "Sessions among the replicas", panels: sessions(spec) },
            Row { title: "Jobs that wait", panels: waiting(spec) },
            Row { title: "Jobs that are done", panels: done() },
        ],
    }
}

/// The largest that any process says.
fn largest(metric: &str, by: &str) -> String {
    let by = if by.is_empty() { String::new() } else { format!(" by ({by})") };
    format!("max{by} ({metric}{{{WHO}}})")
}

fn quantile(quantile: &str, metric: &str, more: &str) -> String {
    format!("histogram_quantile({quantile}, {})", rate(&format!("{metric}_bucket"), more, "le"))
}

/// P50 and P95 of a histogram.
fn quantiles(metric: &str, more: &str) -> Vec<Target> {
    [("0.5", "P50"), ("0.95", "P95")]
        .map(|(q, name)| Target::new(quantile(q, metric, more), name))
        .to_vec()
}

/// Green from `bound` on, red below.
fn good_from(bound: f64) -> Vec<ColourFrom> {
    vec![
        ColourFrom { from: None, colour: Colour::Red },
        ColourFrom { from: Some(bound), colour: Colour::Green },
    ]
}

/// Green at the bound of an objective, red above: what is counted in whole numbers.
fn good_at(spec: &Spec, slo: &str) -> Vec<ColourFrom> {
    let bound = super::bound(spec, slo).map(|b| (b + 1.0, Colour::Red));
    good_until(&bound.into_iter().collect::<Vec<_>>())
}

fn now(spec: &Spec) -> Vec<Panel> {
    let available = super::bound(spec, "svgx-shared-store").unwrap_or(1.0);
    vec![
        Panel::stat(
            "Store takes writes",
            Unit::Number,
            format!(
                "{} 1: all processes say so; 0: one of them cannot write (StoreUnavailable).",
                sentence(spec, "svgx-shared-store")
            ),
            vec![Target::new(
                format!("min by (svgx_store_kind) (svgx_session_store_available{{{WHO}}})"),
                "{{svgx_store_kind}}",
            )],
        )
        .steps(good_from(available)),
        Panel::stat(
            "Weak settings",
            Unit::Number,
            format!(
                "{} 1: it is not (StoreWeak); a line of the log says what to set.",
                sentence(spec, "svgx-shared-store-settings")
            ),
            vec![Target::new(largest("svgx_session_store_weak", ""), "weak")],
        )
        .steps(good_at(spec, "svgx-shared-store-settings")),
        Panel::stat(
            "Processes that report",
            Unit::Number,
            "Replicas and workers that Prometheus reaches.",
            vec![Target::new(format!("count(target_info{{{WHO}}})"), "processes")],
        )
        .steps(good_from(1.0)),
        Panel::stat(
            "Backlog",
            Unit::Seconds,
            format!(
                "{} How long what waits will take the workers there are (JobsBacklog).",
                sentence(spec, "svgx-jobs-backlog")
            ),
            vec![Target::new(largest("svgx_jobs_backlog_seconds", ""), "backlog")],
        )
        .steps(line(spec, "svgx-jobs-backlog")),
        Panel::stat(
            "Dead jobs",
            Unit::Number,
            format!(
                "{} `svgx jobs dead` says which, and why (JobsDead).",
                sentence(spec, "svgx-jobs-dead")
            ),
            vec![Target::new(largest("svgx_jobs_dead", ""), "dead")],
        )
        .steps(good_at(spec, "svgx-jobs-dead")),
        Panel::stat(
            "Workers",
            Unit::Number,
            "Processes that take jobs: dedicated ones do nothing else; those that help take none while \
             there is a dedicated one.",
            vec![Target::new(
                largest("svgx_jobs_workers", "svgx_worker_kind"),
                "{{svgx_worker_kind}}",
            )],
        )
        .steps(vec![ColourFrom { from: None, colour: Colour::Blue }]),
    ]
}

fn store(spec: &Spec) -> Vec<Panel> {
    vec![
        Panel::lines(
            "Takes writes, by process",
            Unit::Number,
            format!(
                "{} One process at 0 is its network; all of them are the server.",
                sentence(spec, "svgx-shared-store")
            ),
            vec![Target::new(
                format!(
                    "min by (instance, svgx_store_kind) (svgx_session_store_available{{{WHO}}})"
                ),
                "{{instance}} {{svgx_store_kind}}",
            )],
        )
        .steps(good_from(super::bound(spec, "svgx-shared-store").unwrap_or(1.0)))
        .up_to(1.0),
        Panel::lines(
            "Wait until an edit is on the disk",
            Unit::Seconds,
            "The flush of the server and the way there. While it is long and the server is well, its \
             disk is slow; an edit is also waited for by its client.",
            quantiles(WAITS, ""),
        ),
        Panel::lines(
            "Edits on the disk",
            Unit::Rate,
            "Edits in a second whose write was waited for. One primary keeps up with 20 000.",
            vec![Target::new(rate(&format!("{WAITS}_count"), "", ""), "edits")],
        ),
    ]
}

fn sessions(spec: &Spec) -> Vec<Panel> {
    vec![
        Panel::lines(
            "Moves for each edit",
            Unit::Share,
            format!(
                "{} The line is the objective (SessionLeaseFlapping).",
                sentence(spec, "svgx-session-leases")
            ),
            vec![Target::new(
                format!(
                    "{} / ({} > 0)",
                    rate("svgx_session_taken_total", "", ""),
                    rate(&format!("{WAITS}_count"), "", "")
                ),
                "moves for each edit",
            )],
        )
        .steps(line(spec, "svgx-session-leases"))
        .up_to(2.0 * super::bound(spec, "svgx-session-leases").unwrap_or_default()),
        Panel::lines(
            "Taken over and handed over",
            Unit::Number,
            "Sessions in a second: taken from replicas that are gone or let them go; handed over \
             because their editors come by another replica, or because this one stops.",
            vec![
                Target::new(
                    rate("svgx_session_taken_total", "", "instance"),
                    "taken by {{instance}}",
                ),
                Target::new(
                    rate("svgx_session_handed_over_total", "", "svgx_handover_reason"),
                    "handed over: {{svgx_handover_reason}}",
                ),
            ],
        ),
        Panel::lines(
            "Sessions in memory",
            Unit::Number,
            "How many sessions each process has. A shared session is with one of them.",
            vec![Target::new(
                format!("sum by (instance) (svgx_session_live{{{WHO}}})"),
                "{{instance}}",
            )],
        )
        .view(View::Stack),
        Panel::lines(
            "Passed on to other replicas",
            Unit::Rate,
            "Requests in a second, by what came of it. `not-there` is a session that has moved; \
             `gone`, `unreachable` and `interrupted` are a replica that died, or the network between \
             them. Requests in turn over N replicas pass on (N - 1)/N of them.",
            vec![Target::new(
                rate("svgx_forward_requests_total", "", "svgx_forward_outcome"),
                "{{svgx_forward_outcome}}",
            )],
        )
        .size(12, 8),
        Panel::lines(
            "Not answered by the other replica",
            Unit::Share,
            "The share of what was passed on that met a replica that was gone, was not reached or broke \
             off. Above zero for longer than a rollout, look at the network between them.",
            vec![Target::new(
                format!(
                    "{} / ({} > 0)",
                    rate(
                        "svgx_forward_requests_total",
                        ", svgx_forward_outcome=~\"gone|unreachable|interrupted\"",
                        ""
                    ),
                    rate("svgx_forward_requests_total", "", "")
                ),
                "failed",
            )],
        )
        .up_to(0.01)
        .size(12, 8),
    ]
}

fn waiting(spec: &Spec) -> Vec<Panel> {
    let backlog = super::bound(spec, "svgx-jobs-backlog").unwrap_or_default();
    vec![
        Panel::lines(
            "Backlog and the oldest",
            Unit::Seconds,
            format!(
                "{} The line is the objective; from three times that on new jobs are refused. The \
                 autoscaler follows the backlog.",
                sentence(spec, "svgx-jobs-backlog")
            ),
            vec![
                Target::new(largest("svgx_jobs_backlog_seconds", ""), "backlog"),
                Target::new(largest("svgx_jobs_oldest_seconds", ""), "age of the oldest"),
            ],
        )
        .steps(line(spec, "svgx-jobs-backlog"))
        .up_to(1.2 * backlog),
        Panel::lines(
            "Waiting, running, dead",
            Unit::Number,
            format!(
                "{} Waiting without running: no worker takes anything.",
                sentence(spec, "svgx-jobs-dead")
            ),
            vec![
                Target::new(largest("svgx_jobs_live", "svgx_job_state"), "{{svgx_job_state}}"),
                Target::new(largest("svgx_jobs_dead", ""), "dead"),
            ],
        ),
        Panel::lines(
            "Workers",
            Unit::Number,
            "Processes that take jobs. Dedicated ones at zero while jobs wait: they crash, or do not \
             reach the store.",
            vec![Target::new(
                largest("svgx_jobs_workers", "svgx_worker_kind"),
                "{{svgx_worker_kind}}",
            )],
        ),
    ]
}

fn done() -> Vec<Panel> {
    let batch = ", svgx_budget_class=\"batch\"";
    vec![
        Panel::lines(
            "Attempts, by how they ended",
            Unit::Number,
            "Jobs in a second. `failed` is tried again, or set aside after three; `returned` was given \
             back by a worker that stops or has no room; `late` was done by somebody else before.",
            vec![
                Target::new(rate("svgx_jobs_tries_total", "", "svgx_try_end"), "{{svgx_try_end}}"),
                Target::new(rate("svgx_jobs_attempts_total", "", ""), "begun"),
            ],
        ),
        Panel::lines(
            "Lost workers and differing answers",
            Unit::Number,
            "Jobs in a second whose worker said nothing for a lease, and were taken over. Two answers \
             to one job that differ are a fault of the engine: report it.",
            vec![
                Target::new(rate("svgx_jobs_taken_over_total", "", ""), "taken over"),
                Target::new(rate("svgx_jobs_divergent_total", "", ""), "divergent"),
            ],
        ),
        Panel::lines(
            "Time on a worker",
            Unit::Seconds,
            "P50 and P95 of what a job takes once a worker has it, its wait for a processor there \
             included. Jobs of the queue and jobs that an engine keeps for itself.",
            quantiles("svgx_operation_duration_seconds", batch),
        ),
    ]
}

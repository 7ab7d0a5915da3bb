//! What the controller sees and does.

use svgx_controller::spec::Spec;

use super::WHO;
use super::model::{Colour, ColourFrom, Dashboard, Panel, Row, Target, Unit, View, good_until};

pub(super) fn dashboard(spec: &Spec) -> Dashboard {
    Dashboard {
        uid: crate::links::CONTROLLER,
        title: "SVGX Engine / Controller",
        description: "Whether each class keeps its budget, and what the controller gives up for \
                      it: precision first, requests last.",
        variables: Vec::new(),
        rows: vec![
            Row { title: "P95 against the budget", panels: budgets(spec) },
            Row { title: "What is given up", panels: given_up(spec) },
            Row { title: "What it believes", panels: beliefs(spec) },
        ],
    }
}

fn budgets(spec: &Spec) -> Vec<Panel> {
    spec.objectives
        .iter()
        .map(|o| {
            let class = o.class.as_str();
            let quantile = |q: &str| {
                format!(
                    "histogram_quantile({q}, sum by (le) (rate(svgx_operation_duration_seconds_bucket\
                     {{{WHO}, svgx_budget_class=\"{class}\"}}[$__rate_interval])))"
                )
            };
            let sentence = spec.slo(&o.slo).map_or("", |s| s.spec.description.as_str());
            Panel::lines(
                format!("Class {class}"),
                Unit::Seconds,
                format!("{sentence} The line is the budget. It is promised for: {}.", o.reference),
                vec![
                    Target {
                        exemplars: true,
                        ..Target::new(quantile(&o.target.to_string()), "P95")
                    },
                    Target::new(quantile("0.5"), "P50"),
                ],
            )
            .steps(good_until(&[(o.threshold.as_f64(), Colour::Red)]))
            .up_to(2.0 * o.threshold.as_f64())
        })
        .collect()
}

fn rate(metric: &str, more: &str, by: &str) -> String {
    format!("sum by ({by}) (rate({metric}{{{WHO}{more}}}[$__rate_interval]))")
}

fn given_up(spec: &Spec) -> Vec<Panel> {
    let promised = spec
        .slo("svgx-precision-delivered")
        .and_then(|s| s.spec.objectives.first())
        .map(|o| o.target.value.as_f64());
    vec![
        Panel::lines(
            "Outcomes",
            Unit::Rate,
            "Operations in a second by how they ended.",
            vec![Target::new(
                rate("svgx_operation_outcomes_total", "", "svgx_slo_outcome"),
                "{{svgx_slo_outcome}}",
            )],
        )
        .view(View::Stack),
        Panel::lines(
            "Refused, by reason",
            Unit::Rate,
            "Work refused to protect the rest. `predicted-late` is the model at work; `backstop` \
             says that the model is wrong.",
            vec![Target::new(
                rate(
                    "svgx_operation_outcomes_total",
                    ", svgx_slo_outcome=\"shed\"",
                    "svgx_budget_class, svgx_slo_reason",
                ),
                "{{svgx_budget_class}} {{svgx_slo_reason}}",
            )],
        ),
        Panel::lines(
            "Step of the ladder",
            Unit::Millimetres,
            "Where the controller stands: 0.001 mm is full precision, 0.1 mm the cheapest.",
            vec![Target::new(
                format!("max by (instance) (svgx_slo_precision_mm{{{WHO}}})"),
                "{{instance}}",
            )],
        ),
        Panel::lines(
            "Tier of physics over time",
            Unit::Rate,
            "Answers in a second by the tier they were delivered at: compute 0.001 mm, edit \
             0.01 mm, ui 0.1 mm.",
            vec![Target::new(
                rate(
                    "svgx_precision_delivered_total",
                    ", svgx_budget_class=\"physics\"",
                    "svgx_tier",
                ),
                "{{svgx_tier}}",
            )],
        )
        .view(View::Stack),
        Panel::lines(
            "Precision delivered",
            Unit::Share,
            "Share of the answers of a class at tier compute; the line is the objective of physics.",
            vec![Target::new(
                format!(
                    "{} / ({} > 0)",
                    rate(
                        "svgx_precision_delivered_total",
                        ", svgx_tier=\"compute\"",
                        "svgx_budget_class"
                    ),
                    rate("svgx_precision_delivered_total", "", "svgx_budget_class")
                ),
                "{{svgx_budget_class}}",
            )],
        )
        .steps(vec![
            ColourFrom { from: None, colour: Colour::Red },
            ColourFrom { from: Some(promised.unwrap_or(1.0)), colour: Colour::Green },
        ])
        .up_to(1.0),
        Panel::lines(
            "Wait for a processor",
            Unit::Seconds,
            "P95 of the time between admission and the start of the work.",
            vec![Target::new(
                format!(
                    "histogram_quantile(0.95, {})",
                    rate("svgx_queue_wait_seconds_bucket", "", "le, svgx_budget_class")
                ),
                "{{svgx_budget_class}}",
            )],
        ),
        Panel::lines(
            "Burn rate: the controller's beside Prometheus'",
            Unit::Number,
            "Five minutes, counted by the engine and by the rules: they say the same unless an \
             instance is not scraped. With several instances the engine's is the worst of them.",
            vec![
                Target::new("slo:current_burn_rate:ratio{slo=~\".*-latency\"}", "{{slo}}"),
                Target::new(
                    format!(
                        "max by (svgx_budget_class) (svgx_slo_burn_rate_ratio{{{WHO}, svgx_slo_window=\"5m\"}})"
                    ),
                    "controller: {{svgx_budget_class}}",
                ),
            ],
        )
        .steps(good_until(&[(1.0, Colour::Red)])),
    ]
}

fn beliefs(spec: &Spec) -> Vec<Panel> {
    let wrong: Vec<_> =
        super::bound(spec, "svgx-cost-model").map(|b| (b, Colour::Red)).into_iter().collect();
    vec![
        Panel::lines(
            "Cost model: measured / predicted",
            Unit::Number,
            "1 is right. Above the line the controller lets in more than it can serve in time.",
            vec![Target::new(
                format!(
                    "{} / {}",
                    rate("svgx_cost_error_ratio_sum", "", "svgx_budget_class"),
                    rate("svgx_cost_error_ratio_count", "", "svgx_budget_class")
                ),
                "{{svgx_budget_class}}",
            )],
        )
        .steps(good_until(&wrong)),
        Panel::lines(
            "Processors",
            Unit::Number,
            "What the control group allows, what work really gets of it, and what is used.",
            vec![
                Target::new(format!("sum(svgx_capacity_cores{{{WHO}}})"), "allowed"),
                Target::new(format!("sum(svgx_capacity_effective{{{WHO}}})"), "really had"),
                Target::new(
                    format!("sum(rate(process_cpu_time_seconds_total{{{WHO}}}[$__rate_interval]))"),
                    "used",
                ),
            ],
        ),
        Panel::lines(
            "Queues and workers",
            Unit::Number,
            "Jobs waiting and running in each lane.",
            vec![Target::new(
                format!("sum by (svgx_lane_name, svgx_lane_state) (svgx_lane_jobs{{{WHO}}})"),
                "{{svgx_lane_name}} {{svgx_lane_state}}",
            )],
        ),
        Panel {
            min: None,
            ..Panel::lines(
                "Elements of a document",
                Unit::Number,
                "How large the work is: the size the cost model sees.",
                vec![Target::new(
                    format!(
                        "sum by (le) (increase(svgx_document_elements_bucket{{{WHO}}}[$__rate_interval]))"
                    ),
                    "{{le}}",
                )],
            )
        }
        .view(View::Heatmap),
    ]
}

//! The objectives: what is promised, what is left of the budget, how fast it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use svgx_base::duration;
use svgx_controller::spec::Spec;

use super::super::alert::{Alert, Condition};
use super::super::links;
use super::model::{
    Colour, ColourFrom, Dashboard, Panel, Row, Target, Unit, Variable, View, good_until,
};

const SLO: &str = "{slo=~\"$slo\"}";

pub(super) fn dashboard(spec: &Spec, alerts: &[Alert]) -> Dashboard {
    Dashboard {
        uid: links::OVERVIEW,
        title: "SVGX Engine / SLO overview",
        description: "What is promised, how much of each error budget is left, how fast it burns, \
                      and what fires.",
        variables: vec![Variable {
            name: "slo",
            label: "Objective",
            query: "label_values(slo:objective:ratio, slo)".to_owned(),
        }],
        rows: vec![
            Row { title: "Now", panels: now() },
            Row { title: "Burn rate by tier", panels: tiers(alerts) },
            Row { title: "Budget", panels: budget() },
            Row { title: "Alerts", panels: firing(spec, alerts) },
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat(
            "Objective",
            Unit::Share,
            "The share of good events that is promised over 30 days.",
            vec![Target::new(format!("slo:objective:ratio{SLO}"), "{{slo}}")],
        )
        .steps(vec![ColourFrom { from: None, colour: Colour::Blue }])
        .size(6, 7),
        Panel::stat(
            "Error budget left",
            Unit::Share,
            "What is left of the bad events that 30 days allow; below zero the promise is broken. \
             A quarter left is a reason to stop risky changes.",
            vec![Target::new(
                format!("slo:period_error_budget_remaining:ratio{SLO}"),
                "{{slo}}",
            )],
        )
        .steps(vec![
            ColourFrom { from: None, colour: Colour::Red },
            ColourFrom { from: Some(0.0), colour: Colour::Yellow },
            ColourFrom { from: Some(0.25), colour: Colour::Green },
        ])
        .size(6, 7),
        Panel::stat(
            "Burn rate, last 5 minutes",
            Unit::Number,
            "Multiples of the rate that spends the budget exactly in 30 days: 1 is just sustainable.",
            vec![Target::new(format!("slo:current_burn_rate:ratio{SLO}"), "{{slo}}")],
        )
        .steps(good_until(&[(1.0, Colour::Yellow), (6.0, Colour::Red)]))
        .size(6, 7),
        Panel::stat(
            "Budget exhausted on",
            Unit::Date,
            "When the budget is spent if the last hour goes on; nothing is shown while the burn \
             rate is at most 1, for then the budget lasts.",
            vec![Target::new(
                format!(
                    "1000 * (time() + 86400 * slo:time_period:days{SLO} \
                     * clamp_min(slo:period_error_budget_remaining:ratio{SLO}, 0) \
                     / ignoring (window) (slo:sli_error:ratio_rate1h{SLO} \
                     / ignoring (window) slo:error_budget:ratio{SLO} > 1))"
                ),
                "{{slo}}",
            )],
        )
        .steps(vec![ColourFrom { from: None, colour: Colour::Red }])
        .size(6, 7),
    ]
}

/// A panel for each long window, with the factor of its alerts as a line.
fn tiers(alerts: &[Alert]) -> Vec<Panel> {
    let mut tiers: BTreeMap<u64, (u64, f64, BTreeSet<&str>)> = BTreeMap::new();
    for alert in alerts {
        if let Condition::Burn { factor, long, short, .. } = &alert.condition {
            let tier = tiers.entry(*long).or_insert((*short, factor.as_f64(), BTreeSet::new()));
            tier.2.insert(alert.slo.as_str());
        }
    }
    let burn = |w: u64, slos: &str| {
        let w = duration::exact(w);
        format!(
            "slo:sli_error:ratio_rate{w}{{slo=~\"$slo\", slo=~\"{slos}\"}} \
             / ignoring (window) slo:error_budget:ratio{SLO}"
        )
    };
    tiers
        .into_iter()
        .map(|(long, (short, factor, slos))| {
            let slos = slos.into_iter().collect::<Vec<_>>().join("|");
            Panel::lines(
                format!("Burn rate over {} and {}", duration::exact(long), duration::exact(short)),
                Unit::Number,
                format!(
                    "The alert fires while both windows are above {factor}: the long one says that \
                     it matters, the short one that it still goes on."
                ),
                vec![
                    Target::new(
                        burn(long, &slos),
                        format!("{{{{slo}}}} {}", duration::exact(long)),
                    ),
                    Target::new(
                        burn(short, &slos),
                        format!("{{{{slo}}}} {}", duration::exact(short)),
                    ),
                ],
            )
            .steps(good_until(&[(factor, Colour::Red)]))
        })
        .collect()
}

fn budget() -> Vec<Panel> {
    vec![
        Panel {
            min: None,
            ..Panel::lines(
                "Error budget left",
                Unit::Share,
                "What is left of the budget of 30 days.",
                vec![Target::new(
                    format!("slo:period_error_budget_remaining:ratio{SLO}"),
                    "{{slo}}",
                )],
            )
        }
        .steps(vec![
            ColourFrom { from: None, colour: Colour::Red },
            ColourFrom { from: Some(0.0), colour: Colour::Green },
        ])
        .size(12, 8),
        Panel {
            min: None,
            ..Panel::lines(
                "Good events, last 5 minutes",
                Unit::Share,
                "The share of good events, beside what is promised.",
                vec![
                    Target::new(format!("1 - slo:sli_error:ratio_rate5m{SLO}"), "{{slo}}"),
                    Target::new(format!("slo:objective:ratio{SLO}"), "{{slo}} objective"),
                ],
            )
        }
        .size(12, 8),
    ]
}

pub(super) fn firing(spec: &Spec, alerts: &[Alert]) -> Vec<Panel> {
    let states = vec![(1, "pending", Colour::Yellow), (2, "firing", Colour::Red)];
    let service = "service=\"svgx-engine\"";
    vec![
        Panel::lines(
            "Alerts over time",
            Unit::Number,
            "Every alert that was pending or firing.",
            vec![Target::new(
                format!(
                    "max by (alertname, slo) (2 * ALERTS{{{service}, alertstate=\"firing\"}} \
                     or ALERTS{{{service}, alertstate=\"pending\"}})"
                ),
                "{{alertname}} {{slo}}",
            )],
        )
        .view(View::Timeline(states))
        .size(24, 9),
        Panel::lines(
            "Alerts now",
            Unit::Number,
            "Click the name of an alert for its runbook.",
            vec![Target::new(
                format!("max by (alertname, slo, severity, alertstate) (ALERTS{{{service}}})"),
                "",
            )],
        )
        .view(View::Table {
            column: "alertname",
            link: format!("{}/${{__value.text}}.md", links::home(spec, "runbooks")),
        })
        .size(12, 8),
        Panel::lines("Runbooks", Unit::Number, "What to do about each alert.", Vec::new())
            .view(View::Text(runbooks(spec, alerts)))
            .size(12, 8),
    ]
}

fn runbooks(spec: &Spec, alerts: &[Alert]) -> String {
    let names: BTreeSet<&str> = alerts.iter().map(|a| a.name.as_str()).collect();
    names.into_iter().fold(String::new(), |mut text, name| {
        let _ = writeln!(text, "- [{name}]({})", links::runbook(spec, name));
        text
    })
}

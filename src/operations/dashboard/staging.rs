//! The one page of the staging guide: its performance targets, its business and infrastructure
//! metrics, and its alerts. What it shows in brief, the other dashboards show in full.

use svgx_controller::spec::Spec;

use super::model::{Colour, ColourFrom, Dashboard, Panel, Row, Target, Unit};
use super::requests::{COUNT, glance, rate, sentence};
use super::{WHO, overview};
use crate::alert::Alert;
use crate::links;

pub(super) fn dashboard(spec: &Spec, alerts: &[Alert]) -> Dashboard {
    Dashboard {
        uid: links::STAGING,
        title: "SVGX Engine - Staging Dashboard",
        description: "What the staging guide tells operators to look at: the targets for response \
                      times, requests and their errors, the resources, and the alerts.",
        variables: Vec::new(),
        rows: vec![
            Row { title: "Targets and resources", panels: glance(spec) },
            Row { title: "Success", panels: success(spec) },
            Row { title: "Alerts", panels: overview::firing(spec, alerts) },
        ],
    }
}

fn success(spec: &Spec) -> Vec<Panel> {
    let share = |status: &str| {
        format!(
            "{} / ({} > 0)",
            rate(COUNT, &format!(", http_response_status_code=~\"{status}\""), ""),
            rate(COUNT, "", "")
        )
    };
    vec![
        Panel::lines(
            "Success rate",
            Unit::Share,
            sentence(spec, "svgx-availability"),
            vec![Target::new(share("[23].."), "2xx and 3xx")],
        )
        .size(8, 8),
        Panel::lines(
            "Error rate",
            Unit::Share,
            "The share of answers with 5xx.",
            vec![Target::new(share("5.."), "5xx")],
        )
        .size(8, 8),
        Panel::stat(
            "Replicas that report",
            Unit::Number,
            "The replicas of the engine that Prometheus reaches; staging has two at least.",
            vec![Target::new(format!("count(target_info{{{WHO}}})"), "replicas")],
        )
        .steps(vec![
            ColourFrom { from: None, colour: Colour::Red },
            ColourFrom { from: Some(1.0), colour: Colour::Yellow },
            ColourFrom { from: Some(2.0), colour: Colour::Green },
        ])
        .size(8, 8),
    ]
}

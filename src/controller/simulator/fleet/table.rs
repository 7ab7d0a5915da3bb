//! The table of `docs/replicas.md`: one scenario with more and more replicas.

use std::fmt::Write as _;

use super::super::metrics::Metrics;

/// A scenario with so many replicas.
#[derive(Clone, Debug)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// Replicas.
    pub replicas: u32,
    /// Edits that are asked for in a second, at all of them.
    pub asked: f64,
    /// What it is judged by.
    pub metrics: Metrics,
}

/// A metric, its heading, its digits.
const COLUMNS: [(&str, &str, usize); 10] = [
    ("edits_per_s", "answered/s", 0),
    ("written_per_s", "written/s", 0),
    ("applied_p95_ms", "applied P95, ms", 1),
    ("durable_p95_ms", "on the disk P95, ms", 1),
    ("ui_violation_s", "s with ui late", 0),
    ("refused", "refused", 0),
    ("passed_on", "passed on", 2),
    ("processors", "processors busy", 2),
    ("store_busy", "store busy", 2),
    ("writes_per_flush", "writes in a flush", 1),
];

/// The rows in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut out = "| scenario | replicas | asked, edits/s |".to_owned();
    let mut rule = "|---|--:|--:|".to_owned();
    for (_, heading, ..) in COLUMNS {
        let _ = write!(out, " {heading} |");
        rule.push_str("--:|");
    }
    let _ = writeln!(out, "\n{rule}");
    for row in rows {
        let _ = write!(out, "| {} | {} | {:.0} |", row.scenario, row.replicas, row.asked);
        for (metric, _, digits) in COLUMNS {
            match row.metrics.get(metric).filter(|value| value.is_finite()) {
                Some(value) => {
                    let _ = write!(out, " {:.digits$} |", value);
                }
                None => out.push_str(" - |"),
            }
        }
        out.push('\n');
    }
    out
}

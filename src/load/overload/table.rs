//! The findings as Markdown, for the documentation.

use std::fmt;

use super::{Findings, Row};

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} processors, shared with the generator. Capacity: {:.2} times the profile, \
             {:.0} requests/s.\n",
            self.cores, self.capacity, self.capacity_rate
        )?;
        writeln!(f, "| class | processor time of an answer | at the cheapest tier |")?;
        writeln!(f, "|---|---|---|")?;
        for (class, cost) in &self.costs {
            let ms = |seconds: f64| seconds * 1e3;
            writeln!(f, "| {class} | {:.3} ms | {:.3} ms |", ms(cost.full), ms(cost.cheapest))?;
        }
        for (mode, rows) in [("on", &self.on), ("off", &self.off)] {
            if !rows.is_empty() {
                writeln!(f, "\nController {mode}:\n")?;
                table(f, rows)?;
            }
        }
        Ok(())
    }
}

fn table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    writeln!(
        f,
        "| load | goodput / ideal | P95 of the worst 10 s: ui, redraw, physics (ms) \
         | served: ui, redraw, physics | ui violation-s | tier moves (at the end) \
         | backstop | full admission after (s) | refused within p99 (ms) \
         | processors: engine, generator | sent late p99 (ms) |"
    )?;
    writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|")?;
    for row in rows {
        let each = |show: &dyn Fn(&super::RowClass) -> String| {
            row.classes.iter().map(show).collect::<Vec<_>>().join(", ")
        };
        let p95 = each(&|class| {
            let mark = if class.worst_p95_ms > class.budget_ms { "**" } else { "" };
            format!("{mark}{:.1}{mark}", class.worst_p95_ms)
        });
        let served = each(&|class| format!("{:.1} %", class.served * 100.0));
        let violations = row.classes.first().map_or(0, |ui| ui.violation_seconds);
        let recovered = row.recovered_s.map_or_else(|| "-".to_owned(), |s| format!("{s:.2}"));
        writeln!(
            f,
            "| {} | {:.3} | {p95} | {served} | {violations} | {} ({}) | {} | {recovered} | {:.2} \
             | {:.2}, {:.2} | {:.2} |",
            row.name,
            row.goodput_ratio,
            row.tier_moves,
            row.tier,
            row.backstop,
            row.refusal_p99_ms,
            row.engine,
            row.generator,
            row.send_lag_p99_ms,
        )?;
    }
    Ok(())
}

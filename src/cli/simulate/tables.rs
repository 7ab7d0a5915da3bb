//! What came of a simulation, as tables for people.

use std::fmt::Write as _;

use svgx_engine::physics::{Outcome, Statics};

use crate::cli::style::table;

/// Rows of a table at the most; the JSON has all.
const MOST: usize = 40;

/// The bodies at rest, what holds them, and where everything is at the end.
pub(super) fn tables(statics: &Statics, outcome: &Outcome) -> String {
    let mut out = String::new();
    let number = |value: Option<f64>| value.map_or_else(|| "open".to_owned(), digits);
    let bodies = statics.simulation.iter().map(|b| {
        let physics = &b.physics;
        let weight = format!("{} {}", digits(physics.weight.value), physics.weight.unit);
        vec![
            b.element_id.clone(),
            format!("{} kg", digits(physics.mass)),
            weight,
            physics.anchors.join(", "),
        ]
    });
    part(&mut out, "At rest", &["BODY", "MASS", "WEIGHT", "ANCHORS"], bodies.collect());
    for assembly in &statics.assemblies {
        // Writing into a string cannot fail.
        let _ = writeln!(out, "{}: {}", assembly.elements.join(", "), assembly.message);
    }
    let reactions = statics.reactions.iter().map(|r| {
        vec![
            r.element_id.clone(),
            r.anchor.clone(),
            r.kind.to_owned(),
            number(r.x),
            number(r.y),
            number(r.moment),
        ]
    });
    let head = ["BODY", "ANCHOR", "KIND", "X N", "Y N", "MOMENT N m"];
    part(&mut out, "Reactions", &head, reactions.collect());
    let ends = outcome.elements.iter().map(|e| {
        vec![
            e.id.to_string(),
            digits(e.position[0]),
            digits(e.position[1]),
            digits(e.rotation),
            digits(e.velocity[0]),
            digits(e.velocity[1]),
        ]
    });
    let head = ["BODY", "X", "Y", "ROTATION deg", "VX", "VY"];
    part(&mut out, &format!("After {} s", digits(outcome.simulated)), &head, ends.collect());
    let contacts = outcome.contacts.iter().map(|c| vec![c.a.to_string(), c.b.to_string()]);
    part(&mut out, "Touching", &["BODY", "BODY"], contacts.collect());
    for left in statics.quarantined.iter().chain(&outcome.quarantined) {
        let _ = writeln!(out, "{} is left out: {}", left.element_id, left.reason);
    }
    let statistics = &outcome.statistics;
    let _ = writeln!(
        out,
        "{} bodies, {} can move; {} steps, {} frames, {} contacts; tier {}, positions within {} mm",
        statistics.bodies,
        statistics.movable,
        statistics.steps,
        statistics.total_frames,
        statistics.collision_count,
        outcome.tier,
        outcome.error.millimetres.map_or_else(|| "unknown".to_owned(), digits),
    );
    out
}

fn part(out: &mut String, title: &str, head: &[&str], mut rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let more = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    let _ = writeln!(out, "{title}\n{}", table(head, &rows).trim_end());
    if more > 0 {
        let _ = writeln!(out, "and {more} more; --format json has all");
    }
    out.push('\n');
}

/// Three decimals, without zeros that say nothing.
fn digits(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

//! `svgx simulate --networks`: tanks that fill, rooms that cool down.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::ControlFlow;

use svgx_base::budget::Budget;
use svgx_base::digits::figure;
use svgx_engine::document::{Document, Limits};
use svgx_engine::geometry::Scene;
use svgx_networks::read;
use svgx_networks::transient::{Frame, Moved, Span};

use super::{Failure, Format, line};

/// Frames in a duration where nobody says how many: a quarter of an hour of a day.
const FRAMES: f64 = 96.0;

/// Simulates the networks of a drawing and prints their frames.
pub(super) fn simulate(
    name: &dyn std::fmt::Display,
    document: &Document,
    (duration, fps): (f64, Option<f64>),
    format: Format,
    budget: &Budget,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Findings(format!("{name}: {error}"));
    let broken = |error: io::Error| Failure::Io(error.to_string());
    let limits = Limits::default();
    let scene = Scene::build(document, &limits, budget).map_err(|e| failed(&e))?;
    let systems = read::read(document, &scene, &limits, budget).map_err(|e| failed(&e))?;
    if systems.is_empty() {
        return Err(failed(&"no arx:system has network=\"...\": there is nothing to simulate"));
    }
    let every = fps.map_or(duration / FRAMES, |fps| 1.0 / fps);
    let (mut frames, mut told): (Vec<Frame>, Vec<Moved>) = (Vec::new(), Vec::new());
    for system in &systems {
        let mut written = Ok(());
        let span = Span { duration, every };
        let moved = system
            .simulate(span, &svgx_networks::Limits::default(), budget, &mut |frame| {
                match format {
                    Format::Ndjson => {
                        written = line(out, &serde_json::json!({ "frame": frame }));
                    }
                    Format::Json | Format::Table => frames.push(frame),
                }
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .map_err(|e| failed(&format_args!("{}: {e}", system.name)))?;
        written.map_err(broken)?;
        told.push(moved);
    }
    let done = match format {
        Format::Json => line(out, &serde_json::json!({ "frames": frames, "networks": told })),
        Format::Ndjson => line(out, &serde_json::json!({ "networks": told })),
        Format::Table => out.write_all(table(&frames, &told).as_bytes()),
    };
    done.and_then(|()| out.flush()).map_err(broken)
}

/// What each network came to, and how it ended.
fn table(frames: &[Frame], told: &[Moved]) -> String {
    let mut text = String::new();
    for moved in told {
        // A `String` takes everything.
        let _ = writeln!(
            text,
            "{} ({}): {} s in {} steps, error {} of {}",
            moved.system,
            moved.network,
            figure(moved.simulated),
            moved.steps,
            figure(moved.error),
            figure(moved.tolerance),
        );
        let last = frames.iter().rev().find(|frame| frame.system == moved.system);
        for row in last.iter().flat_map(|frame| frame.nodes.iter().chain(&frame.links)) {
            let value = |v: &svgx_networks::Reading| match v.value {
                Some(value) => format!("{} {} {}", v.name, figure(value), v.unit),
                None => format!("{} unknown", v.name),
            };
            let values: Vec<String> = row.values.iter().map(value).collect();
            let _ = writeln!(text, "  {}  {}", row.name, values.join(", "));
        }
        for event in &moved.events {
            let hours = figure(event.time / 3600.0);
            let _ = writeln!(text, "  {hours} h: {} {} ({})", event.element, event.set, event.by);
        }
        for finding in &moved.findings {
            let _ = writeln!(text, "  {}: {}", finding.kind.code(), finding.message);
        }
    }
    text
}

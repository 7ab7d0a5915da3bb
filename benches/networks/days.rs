//! Networks in time beside EPANET: a day of three networks that it is published with, of which it
//! makes drawings, with their patterns and controls.

use std::ops::ControlFlow;

use serde_json::Value;
use svgx_engine::document::{self, parse};
use svgx_engine::geometry::Scene;
use svgx_networks::transient::{Frame, Span};
use svgx_networks::{Limits, read};

use super::{Case, budget, numbers};

/// How far levels, and flows by the largest of the network, may be apart.
const NEAR: f64 = 0.01;

/// The name of the peer that tells a day.
pub(super) const PEER: &str = "epanet day";

/// What EPANET is asked for.
pub(super) fn days() -> Vec<Case> {
    let day = |name: &'static str| Case {
        name,
        json: serde_json::json!({ "file": name, "peers": [PEER] }),
        first: Vec::new(),
        after: Vec::new(),
        compared: Vec::new(),
        times: Vec::new(),
        targets: Vec::new(),
    };
    ["Net1", "Net2", "Net3"].map(day).into()
}

/// A drawing at every hour of a day.
fn hours(system: &str) -> Result<Vec<Frame>, String> {
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' viewBox='0 0 9 9'>{system}</svg>"
    );
    let limits = document::Limits::default();
    let document = parse(&text, &limits).map_err(|e| format!("{e:?}"))?;
    let scene = Scene::build(&document, &limits, &budget()).map_err(|e| e.to_string())?;
    let systems = read::read(&document, &scene, &limits, &budget()).map_err(|e| e.to_string())?;
    let mut frames = Vec::new();
    for system in &systems {
        if let Some(finding) = system.findings.first() {
            return Err(finding.message.clone());
        }
        let span = Span { duration: 86_400.0, every: 3600.0 };
        let moved = system
            .simulate(span, &Limits::default(), &budget(), &mut |frame| {
                frames.push(frame);
                ControlFlow::Continue(())
            })
            .map_err(|e| e.to_string())?;
        if std::env::args().any(|a| a == "--events") {
            println!("{} steps, error {:.1e} m", moved.steps, moved.error);
            moved.events.iter().for_each(|e| println!("{:9.1} s {} {}", e.time, e.element, e.set));
        }
    }
    Ok(frames)
}

/// Compares a day; answers whether it is the same.
pub(super) fn compare(name: &str, answer: &Value) -> bool {
    let system = answer["drawing"].as_str().unwrap_or_default();
    let frames = match hours(system) {
        Ok(frames) => frames,
        Err(reason) => {
            println!("{name:<26} a day: {reason}");
            return false;
        }
    };
    let names = |what: &str| -> Vec<String> {
        let list = answer[what].as_array().into_iter().flatten();
        list.map(|v| v.as_str().unwrap_or_default().to_owned()).collect()
    };
    let (tanks, links, controlled) = (names("tanks"), names("links"), names("controlled"));
    let elevations = numbers(&answer["elevations"]);
    let theirs = answer["hours"].as_array().map(Vec::as_slice).unwrap_or_default();
    let value = |frame: &Frame, element: &str, quantity: &str| -> f64 {
        let row = frame.nodes.iter().chain(&frame.links).find(|r| &*r.name == element);
        row.and_then(|r| r.value(quantity)).unwrap_or(f64::NAN)
    };
    let most_of = |of: &[f64]| of.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let most = theirs.iter().map(|hour| most_of(&numbers(&hour["flows"]))).fold(0.0, f64::max);
    let worse = |worst: f64, off: f64| if off.is_nan() { f64::INFINITY } else { worst.max(off) };
    let (mut level, mut flow, mut other) = (0.0f64, 0.0f64, 0usize);
    for (hour, frame) in theirs.iter().zip(&frames) {
        for ((tank, high), wanted) in tanks.iter().zip(&elevations).zip(numbers(&hour["levels"])) {
            let found = value(frame, tank, "head") - high;
            level = worse(level, (found - wanted).abs() / wanted.abs());
        }
        for (link, wanted) in links.iter().zip(numbers(&hour["flows"])) {
            // Of a flow that is next to none there is no part.
            let size = wanted.abs().max(0.02 * most);
            flow = worse(flow, (value(frame, link, "flow") - wanted).abs() / size);
        }
        for (link, wanted) in controlled.iter().zip(numbers(&hour["open"])) {
            other += usize::from(value(frame, link, "open") != wanted);
        }
    }
    let whole = theirs.len() == 25 && frames.len() == 25 && !links.is_empty();
    let same = whole && other == 0 && level <= NEAR && flow <= NEAR;
    println!(
        "{name:<26} a day: {} hours, levels within {:.4} %, flows within {:.4} %, {other} links otherwise: {}",
        frames.len().saturating_sub(1),
        100.0 * level,
        100.0 * flow,
        if same { "the same" } else { "NOT THE SAME" },
    );
    same
}

//! Drawings that move, and what becomes of them.

use std::ops::ControlFlow;

use crate::read::systems;
use crate::unlimited;
use svgx_networks::Limits;
use svgx_networks::transient::{Frame, Moved, Span};

pub(crate) fn simulate(body: &str, hours: f64, every: f64) -> (Vec<Frame>, Moved) {
    let mut frames = Vec::new();
    let span = Span { duration: 3600.0 * hours, every: 3600.0 * every };
    let system = &systems(body)[0];
    assert!(system.findings.is_empty(), "{:?}", system.findings);
    let moved = system.simulate(span, &Limits::default(), &unlimited(), &mut |frame| {
        frames.push(frame);
        ControlFlow::Continue(())
    });
    (frames, moved.unwrap())
}

#[track_caller]
pub(crate) fn at(frame: &Frame, element: &str, name: &str) -> f64 {
    let mut rows = frame.nodes.iter().chain(&frame.links);
    let row = rows.find(|r| &*r.name == element).unwrap_or_else(|| panic!("{frame:#?}"));
    row.value(name).unwrap()
}

pub(crate) fn water(components: &str, connections: &str, controls: &str) -> String {
    format!(
        "<arx:system id='s' type='plumbing' network='water' friction='hazen-williams'>\
         <arx:components>{components}</arx:components><arx:connections>{connections}</arx:connections>{controls}</arx:system>"
    )
}

pub(crate) fn pipe(id: &str, from: &str, to: &str, more: &str) -> String {
    format!(
        "<arx:connection id='{id}' from='{from}' to='{to}' type='pipe' length='100 m' diameter='100 mm' roughness='120' {more}/>"
    )
}

/// A tank of 20 m² into which 2 L/s flow, and out of which 5 L/s do while `out` is open.
pub(crate) fn basin(controls: &str) -> String {
    water(
        "<arx:component ref='tank' type='tank' elevation='10 m' level='4 m' area='20 m^2'/>\
         <arx:component ref='spring' type='demand' flow='-2 L/s'/>\
         <arx:component ref='town' type='demand' flow='5 L/s'/>",
        &(pipe("in", "spring", "tank", "") + &pipe("out", "tank", "town", "open='no'")),
        controls,
    )
}

/// A tank above a tap.
pub(crate) fn tower(tank: &str, tap: &str) -> String {
    format!(
        "<arx:system id='s' type='plumbing' network='water' friction='hazen-williams'><arx:components>\
         <arx:component ref='tower' type='tank' elevation='30 m' level='4 m' diameter='5 m' {tank}/>\
         <arx:component ref='tap' type='demand' {tap}/></arx:components><arx:connections>\
         <arx:connection id='p' from='tower' to='tap' length='500 m' diameter='100 mm' roughness='120'/>\
         </arx:connections></arx:system>"
    )
}

/// A room beside what is outside.
pub(crate) fn room(more: &str) -> String {
    format!(
        "<arx:system id='s' type='hvac' network='heat'><arx:components>\
         <arx:component ref='out' type='outside' temperature='0 C' {more}/>\
         <arx:component ref='in' type='room' capacity='3.6 MJ/K' start='20 C'/></arx:components>\
         <arx:connections><arx:connection id='w' from='in' to='out' conductance='100 W/K'/></arx:connections></arx:system>"
    )
}

//! Drawings that state dimensions, layers, values of symbols and sheets.

mod assemblies;
mod dimensions;
mod presented;
mod sheets;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_drafting::{Drawn, Purpose, drawn};
use svgx_engine::compile::{SvgOptions, svg};
use svgx_engine::document::{Diagnostic, Document, Limits, parse};
use svgx_engine::geometry::Scene;

fn budget() -> Budget {
    Budget::unlimited(Class::Batch, Tier::Compute)
}

/// A drawing of 1000 by 1000 mm whose paper is as large: one millimetre is one.
fn document(inside: &str) -> Document {
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" arx:scale="1" viewBox="0 0 1000 1000">{inside}</svg>"#
    );
    let document = parse(&text, &Limits::default()).expect("a drawing");
    assert_eq!(document.diagnostics(), [], "{inside}");
    document
}

fn scene(document: &Document) -> Scene {
    Scene::build(document, &Limits::default(), &budget()).expect("a scene")
}

fn draw(document: &Document, purpose: Purpose) -> Drawn {
    drawn(document, purpose, &Limits::default(), &budget()).expect("a drawing")
}

fn compiled(drawn: &Drawn) -> String {
    svg(&drawn.document, &SvgOptions::default())
}

fn codes(found: &[Diagnostic]) -> Vec<&'static str> {
    found.iter().map(|d| d.code.as_str()).collect()
}

//! What is wrong with how a drawing is presented.

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::document::{Diagnostic, Document};
use svgx_engine::geometry::Scene;

use crate::{attributes, dimension, drawn, layers, sheet};

/// What is wrong with the dimensions, layers, attributes and sheets of a drawing.
#[must_use]
pub fn check(document: &Document, scene: &Scene) -> Vec<Diagnostic> {
    let (_, mut found) = sheet::sheets(document);
    if !drawn::is_drafted(document) {
        return found;
    }
    found.extend(layers::layers(document).1);
    found.extend(attributes::check(document));
    let budget = Budget::unlimited(Class::Redraw, Tier::Ui);
    // Without a limit nothing stops it.
    let dimensions = dimension::dimensions(document, scene, None, &budget);
    found.extend(dimensions.map(|(_, found)| found).unwrap_or_default());
    found
}

//! Gradients of the language as those of the format.

use svgx_engine::document::{Document, NodeId, Ns};
use svgx_engine::geometry::colour;

use super::super::look::{Look, Paint};
use super::super::model::Gradient;
use super::measured;

/// The gradient that an area is filled by; `None` where it is no gradient, or has no colours.
pub(super) fn of(document: &Document, look: &Look) -> Option<Gradient> {
    let Paint::Server(node) = look.fill else { return None };
    let is_round = match document.name(node)? {
        (Ns::Svg | Ns::None, "linearGradient") => false,
        (Ns::Svg | Ns::None, "radialGradient") => true,
        _ => return None,
    };
    let is_stop = |child: &NodeId| document.name(*child).is_some_and(|(_, name)| name == "stop");
    let stops: Vec<u32> = document
        .children(node)
        .filter(is_stop)
        .map(|stop| {
            let [r, g, b, _] = colour(document.attr(stop, "stop-color").unwrap_or("#000"))?;
            Some(u32::from_be_bytes([0, r, g, b]))
        })
        .take(16)
        .collect::<Option<_>>()?;
    let (first, last) = (*stops.first()?, *stops.last()?);
    let number = |name: &str, without: f64| {
        document.attr(node, name).and_then(|text| measured(text, 1.0, 16.0)).unwrap_or(without)
    };
    // y was turned over.
    let along = [number("x2", 1.0) - number("x1", 0.0), number("y1", 0.0) - number("y2", 0.0)];
    let angle = libm::atan2(along[1], along[0]);
    Some(match (is_round, stops.as_slice()) {
        (true, _) => Gradient { form: "SPHERICAL", angle: 0.0, colours: [last, first] },
        (false, [_, middle, _]) if first == last => {
            Gradient { form: "CYLINDER", angle, colours: [first, *middle] }
        }
        (false, _) => Gradient { form: "LINEAR", angle, colours: [first, last] },
    })
}

//! An answer written into its drawing: `arx:results` of the system. They are results: nothing
//! reads them back.

use svgx_base::budget::Tier;
use svgx_engine::document::{Document, NodeId, Ns};

use super::Answer;
use crate::read::System;

/// The element that holds what was computed of a system.
const RESULTS: &str = "results";

impl Answer {
    /// Writes the answer into the document that the system was read from, instead of any that was
    /// written there before: one `arx:result` for each value there is, with what it is of, its
    /// unit and how far it may be off; on `arx:results` the tier and both residuals.
    pub fn write(&self, document: &mut Document, system: &System, tier: Tier) {
        let old: Vec<NodeId> = document
            .children(system.node)
            .filter(|&child| document.name(child) == Some((Ns::Arx, RESULTS)))
            .collect();
        old.into_iter().for_each(|node| document.detach(node));
        let results = document.append_element(system.node, Ns::Arx, RESULTS);
        let residual = self.effort.residual;
        for (name, value) in [
            ("tier", tier.as_str().to_owned()),
            ("state", self.state.as_str().to_owned()),
            ("solved", self.is_whole().to_string()),
            ("balance", number(residual.balance)),
            ("energy", number(residual.energy)),
        ] {
            document.set_attribute(results, Ns::None, name, &value);
        }
        for row in self.nodes.iter().chain(&self.links) {
            for reading in &row.values {
                let Some(value) = reading.value else { continue };
                let result = document.append_element(results, Ns::Arx, "result");
                document.set_attribute(result, Ns::None, "of", &row.name);
                document.set_attribute(result, Ns::None, "name", reading.name);
                document.set_attribute(result, Ns::None, "value", &number(value));
                document.set_attribute(result, Ns::None, "unit", reading.unit);
                if let Some(error) = reading.error {
                    document.set_attribute(result, Ns::None, "error", &number(error));
                }
            }
        }
    }
}

/// The shortest text that is read back as the same number.
fn number(value: f64) -> String {
    // Exponents begin where digits would only be noughts.
    if value != 0.0 && !(1e-4..1e15).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

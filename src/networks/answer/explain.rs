//! What helps to judge an answer: the parts of a network with what feeds each of them and what
//! cuts it off, and how far every value may be off.

use serde::Serialize;

use super::{Answer, Row};
use crate::Name;

/// Nodes that are joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkIsland"))]
pub struct Island {
    /// Its nodes.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub members: Vec<Name>,
    /// Those of them that fix a level: supplies, reservoirs, kept temperatures, supports.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub sources: Vec<Name>,
    /// The closed links at its edge.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub isolated_by: Vec<Name>,
}

impl Answer {
    /// Takes how far values moved when they were improved as their error.
    pub(super) fn err(&mut self, (nodes, links): &(Vec<Row>, Vec<Row>)) {
        let rows = self.nodes.iter_mut().chain(&mut self.links);
        for (row, better) in rows.zip(nodes.iter().chain(links)) {
            for (value, better) in row.values.iter_mut().zip(&better.values) {
                let moved = value.value.zip(better.value).map(|(a, b)| (a - b).abs());
                value.error = moved.filter(|e| e.is_finite());
            }
        }
    }
}

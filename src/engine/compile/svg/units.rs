//! Of a drawing only some units, with what is around them and what they may show.

use super::{Open, Writer};
use crate::document::NodeId;
use crate::geometry::{Role, role};

impl Writer<'_> {
    /// As [`start_element`](Writer::start_element), where not all of the drawing may be wanted.
    pub(super) fn start(&mut self, node: NodeId) -> Option<Open> {
        if let Some(mark) = self.raster.as_ref().and_then(|raster| raster.layers?.mark(node)) {
            return self.start_within(node, &format!("<g id=\"{mark}\">"), "</g>");
        }
        let Some(only) = self.raster.as_ref().and_then(|raster| raster.only) else {
            return self.start_element(node);
        };
        if let Some(name) = only.name(node) {
            return self.start_within(node, &format!("<g id=\"{name}\">"), "</g>");
        }
        let is_drawn = !matches!(role(self.document, node), Role::None | Role::Symbol);
        match is_drawn && only.is_beside(self.document, node) {
            // Others may show it.
            true if self.is_referenced(node) => self.start_within(node, "<defs>", "</defs>"),
            true => None,
            false => self.start_element(node),
        }
    }

    /// The same, within tags of our own.
    fn start_within(&mut self, node: NodeId, before: &str, after: &'static str) -> Option<Open> {
        let mark = self.out.len();
        self.out.push_str(before);
        let inside = self.out.len();
        match self.start_element(node) {
            Some(open) => Some(Open { after, ..open }),
            None => {
                match self.out.len() == inside {
                    true => self.out.truncate(mark),
                    false => self.out.push_str(after),
                }
                None
            }
        }
    }

    /// Whether something refers to an element or to one inside of it.
    fn is_referenced(&self, node: NodeId) -> bool {
        let Some(raster) = self.raster.as_ref().filter(|raster| !raster.referenced.is_empty())
        else {
            return false;
        };
        let ids = self.document.descendants(node).filter(|&n| self.document.is_element(n));
        let mut ids = ids.filter_map(|n| self.document.id(n));
        ids.any(|id| raster.referenced.contains(id))
    }
}

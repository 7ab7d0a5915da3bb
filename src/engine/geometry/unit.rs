//! What is drawn together because it takes more than outlines in plain ink.

use crate::document::NodeId;

use super::resolve::{Context, Found, Resolver};
use super::style::Special;

impl Resolver<'_> {
    /// Notes that an element takes more than plain ink. What a `use` shows is drawn with the `use`.
    pub(super) fn note_unit(
        &self,
        node: NodeId,
        special: Special,
        context: &mut Context,
        host: Option<NodeId>,
        found: &mut Found,
    ) {
        if self.measuring {
            return;
        }
        let unit = host.unwrap_or(node);
        if context.unit.is_none() || special == Special::Blending {
            found.units.push((unit, special));
        }
        context.unit.get_or_insert(unit);
    }
}

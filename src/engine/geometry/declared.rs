//! What attributes, style sheets and states say of elements, for who resolves styles of its own:
//! a format that knows layers and inheritance resolves later than a picture.

use crate::document::{Document, NodeId, Ns};

use super::css::{self, ALL_STEPS, ELEMENT_STEPS, Matching, Sheet};
use super::item::Error;
use super::look::{HIGHLIGHT, Look};

/// Reads the declarations of one document, element by element.
#[derive(Debug)]
pub struct Declarations<'d> {
    document: &'d Document,
    sheet: Sheet,
    matching: Matching,
}

impl<'d> Declarations<'d> {
    /// Of a document. O(style sheets).
    pub fn of(document: &'d Document) -> Declarations<'d> {
        Declarations { document, sheet: Sheet::of(document), matching: Matching::default() }
    }

    /// Hands every declaration of `node` to `each`, name and value, weakest first: attributes,
    /// what its state looks like, style sheets and the `style` attribute. What CSS would not take
    /// is left out.
    ///
    /// # Errors
    /// [`Error::Limit`] where matching the style sheets takes too long.
    pub fn each(&mut self, node: NodeId, mut each: impl FnMut(&str, &str)) -> Result<(), Error> {
        let mut styled = !self.sheet.is_empty();
        for a in self.document.attributes(node).iter().filter(|a| a.ns == Ns::None) {
            match a.name {
                "style" => styled = true,
                _ if css::asks_as_attribute(&a) => styled = true,
                name if !css::is_valid(name, a.value) => {}
                name => each(name, a.value.trim()),
            }
        }
        let look = Look::of(self.document, node);
        if look.highlighted {
            each("stroke", HIGHLIGHT);
        }
        if let Some(faded) = look.opacity() {
            each("opacity", &faded.to_string());
        }
        if !styled {
            return Ok(());
        }
        let before = self.matching.steps;
        for d in self.sheet.cascade(self.document, node, &mut self.matching) {
            each(&d.name, d.value.trim());
        }
        if self.matching.exhausted {
            let whole = self.matching.steps > ALL_STEPS;
            let (limit, max, seen) = match whole {
                true => ("style_steps", ALL_STEPS, self.matching.steps),
                false => ("element_style_steps", ELEMENT_STEPS, self.matching.steps - before),
            };
            let (max, seen) = (max as usize, seen as usize);
            return Err(Error::Limit { limit, max, seen, node: Some(node) });
        }
        Ok(())
    }
}

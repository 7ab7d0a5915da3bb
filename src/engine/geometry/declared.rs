//! What attributes, style sheets and states say of elements, for who resolves styles of its own:
//! a format that knows layers and inheritance resolves later than a picture.

use crate::document::{Document, NameSet, NodeId, Ns};

use super::css::{self, ALL_STEPS, ELEMENT_STEPS, Matching, Sheet};
use super::item::Error;
use super::look::{HIGHLIGHT, Look};
use super::own::is_geometry;

/// Reads the declarations of one document, element by element.
#[derive(Debug)]
pub struct Declarations<'d> {
    document: &'d Document,
    sheet: Sheet,
    matching: Matching,
    /// Whether no rule looks at more of an element than its name and its classes.
    is_plain: bool,
    places: NameSet,
}

impl<'d> Declarations<'d> {
    /// Of a document. O(style sheets).
    pub fn of(document: &'d Document) -> Declarations<'d> {
        let sheet = Sheet::of(document);
        let is_plain = sheet.is_plain();
        let places = document.name_set(PLACES);
        Declarations { document, sheet, matching: Matching::default(), is_plain, places }
    }

    /// The document.
    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// Appends what is looked at of `node`: what [`each`](Declarations::each) hands out of two
    /// children of one element with equal keys differs in their geometry at most. False where more
    /// is looked at: ids, siblings, states.
    pub fn key(&self, node: NodeId, key: &mut String) -> bool {
        let Some((Ns::Svg | Ns::None, name)) = self.document.name(node) else { return false };
        key.push_str(name);
        for a in self.document.attributes_in(node, &self.places, false) {
            match (a.ns, a.name) {
                (Ns::Arx, "state" | "highlight" | "object") => return false,
                // The signs between names and values are to be nothing else.
                (Ns::None, name) => {
                    if a.value.contains(['\u{0}', '\u{1}']) {
                        return false;
                    }
                    key.push('\u{0}');
                    key.push_str(name);
                    key.push('\u{1}');
                    key.push_str(a.value);
                }
                _ => {}
            }
        }
        self.is_plain
    }

    /// Whether attributes alone say where elements are and how large: no style states geometry or
    /// transforms. O(attributes).
    pub fn is_placed_by_attributes(&self) -> bool {
        let by_style = |text: &str| {
            text.contains(['\\', '/'])
                || text.split(';').any(|part| {
                    let name = part.split(':').next().unwrap_or_default().trim();
                    is_geometry(name) || name.bytes().any(|b| b.is_ascii_uppercase())
                })
        };
        let document = self.document;
        let asked = document.name_set(&["style", "transform-origin", "transform-box"]);
        let mut attributes =
            document.elements().flat_map(|node| document.attributes_in(node, &asked, true));
        !self.sheet.declares_any(is_geometry)
            && !attributes.any(|a| a.name != "style" || by_style(a.value))
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

/// Attributes that say where something is, or what it refers to, and nothing of its looks.
const PLACES: &[&str] = &[
    "id",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "width",
    "height",
    "d",
    "points",
    "transform",
    "href",
];

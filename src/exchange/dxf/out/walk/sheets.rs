//! Sheets: what lies on the paper, and what of the model it shows.

use std::rc::Rc;

use kurbo::Size;
use svgx_drafting::{Placed, Sheet, placed};
use svgx_engine::document::Ns;

use super::super::super::curve::Affine;
use super::super::super::limits::Error;
use super::super::model::{Paper, View};
use super::super::words::Names;
use super::{Context, Walk};

impl Walk<'_> {
    /// Sheets as layouts, in millimetres with y upward.
    pub(super) fn sheets(&mut self, sheets: &[Sheet]) -> Result<(), Error> {
        let mut names = Names::default();
        // That of the drawing itself.
        names.unique("Model");
        let (viewbox, mm) = (self.places.viewbox, self.places.scale.mm_per_unit);
        for sheet in sheets {
            let [width, height] = sheet.size;
            self.numbers = self.numbers.wrapping_add(1);
            let context = Rc::new(Context {
                place: Affine([1.0, 0.0, 0.0, -1.0, 0.0, height]),
                look: Rc::default(),
                number: self.numbers,
                layer: 0,
                viewport: Size::new(width, height),
                shown: None,
            });
            let document = self.document;
            for node in document.children(sheet.node) {
                if matches!(document.name(node), Some((Ns::Svg | Ns::None, _))) {
                    self.fill(node, Rc::clone(&context), None)?;
                }
            }
            let factor = self.factor;
            let view = |Placed { of, at, size, .. }: Placed| View {
                at: [at[0] + size[0] / 2.0, height - at[1] - size[1] / 2.0],
                size,
                of: [(of.x + of.width / 2.0) * factor, -(of.y + of.height / 2.0) * factor],
                height: of.height * factor,
            };
            let views = placed(sheet, viewbox, mm).into_iter().map(view).collect();
            // The import puts that before the names of layouts.
            let name = names.unique(sheet.id.strip_prefix("sheet-").unwrap_or(&sheet.id));
            let entities = std::mem::take(&mut self.out);
            self.model.papers.push(Paper { name, size: sheet.size, views, entities });
        }
        Ok(())
    }
}

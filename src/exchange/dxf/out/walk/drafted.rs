//! What shows a dimension or a value becomes the entity that the format has for it.

use std::rc::Rc;

use svgx_drafting::Shown;
use svgx_engine::document::NodeId;
use svgx_engine::geometry::{Role, role};

use super::super::super::limits::{Error, hold};
use super::super::dimension::{self, DimStyle};
use super::super::model::{Across, Block, Entity, Pen, Shape, Text, Up, Value};
use super::draw::faded;
use super::{Context, Open, Walk, measured};

impl Walk<'_> {
    /// A group that shows a dimension: an entity, and a block of what is in the group. False where
    /// it is another group, or one that the format has no dimension for.
    pub(super) fn dimension(&mut self, node: NodeId, inner: &Context) -> Result<bool, Error> {
        let Some(shown) = self.drafted.and_then(|drawn| drawn.dimensions.get(&node)) else {
            return Ok(false);
        };
        let block = self.model.blocks.len();
        let mm = self.places.scale.mm_per_unit;
        let style = self.style(shown, mm);
        let Some(made) = dimension::of(shown, block, style, self.factor / mm) else {
            self.note("dxf-arc-length", "the lengths of arcs are lines and texts");
            return Ok(false);
        };
        hold("dxf_blocks", block + 1, self.limits.dxf_blocks)?;
        let number = self.model.blocks.iter().filter(|block| block.is_anonymous()).count() + 1;
        self.model.blocks.push(Block { name: format!("*D{number}"), entities: Vec::new() });
        // A block of its own: what is in it is where it is in the model.
        let context = Rc::new(Context { shown: None, ..inner.clone() });
        self.open.push_back(Open { block, target: node, context, size: (None, None) });
        let look = &inner.look;
        let tint = look.tint(look.stroke).unwrap_or(look.colour);
        let pen = Pen {
            tint: faded(tint, look.opacity),
            width: self.width(look, &inner.place),
            dash: self.dash(look, &inner.place),
        };
        let shape = Shape::Dimension(Box::new(made));
        self.push(Entity { layer: inner.layer, pen, shape }, 1)?;
        Ok(true)
    }

    /// The style of a dimension, made known where it is not.
    fn style(&mut self, shown: &Shown, mm: f64) -> usize {
        let dimension = &shown.dimension;
        let factor = self.factor / mm;
        let scale = dimension.scale * factor;
        let style = &dimension.style;
        let styles = &mut self.model.styles;
        if let Some(known) = styles.iter().position(|s| s.scale == scale && s.style == *style) {
            return known;
        }
        let name = format!("SVGX-{}", styles.len() + 1);
        let style = style.clone();
        styles.push(DimStyle { name, style, scale, millimetres: 1.0 / factor });
        styles.len() - 1
    }

    /// Puts the text of a value, which was drawn last, to the insert before it.
    pub(super) fn value(&mut self, node: NodeId) {
        let Some(tag) = self.tags.get(&node) else { return };
        let [.., Entity { shape: Shape::Insert { .. }, .. }, Entity { shape: Shape::Text(_), .. }] =
            self.out.as_slice()
        else {
            return;
        };
        let Some(Entity { layer, shape: Shape::Text(text), .. }) = self.out.pop() else { return };
        if let Some(Entity { shape: Shape::Insert { values, .. }, .. }) = self.out.last_mut() {
            values.push(Value { tag: tagged(tag), layer, text });
        }
    }

    /// Where inserts of a block have a text.
    pub(super) fn template(&mut self, node: NodeId, outer: &Context) -> Result<(), Error> {
        let document = self.document;
        let is_template = document.parent(node).is_some_and(|p| role(document, p) == Role::Symbol);
        let name = document.attr(node, "name").unwrap_or_default().trim();
        if !is_template || name.is_empty() {
            return Ok(());
        }
        let number = |name: &str| measured(document.attr(node, name)?, 1.0, 0.0);
        let at = [number("x").unwrap_or(0.0), number("y").unwrap_or(0.0)];
        let height = number("size").filter(|n| *n > 0.0).unwrap_or(2.5);
        let across = match document.attr(node, "anchor").map(str::trim) {
            Some("start") => Across::Left,
            Some("end") => Across::Right,
            _ => Across::Middle,
        };
        let text = Text {
            content: document.attr(node, "value").unwrap_or_default().to_owned(),
            at: outer.place.point(at),
            height: height * outer.place.scale(),
            // Clockwise where y is downward.
            angle: -number("rotate").unwrap_or(0.0).to_radians(),
            wide: 1.0,
            slant: 0.0,
            mirrored: false,
            across,
            up: Up::Baseline,
            fit: None,
        };
        let look = &outer.look;
        let tint = look.tint(look.fill).unwrap_or(look.colour);
        let pen = Pen {
            tint,
            width: super::super::model::Width::Own(0.0),
            dash: super::super::model::Dash::Solid,
        };
        let value = Value { tag: tagged(name), layer: outer.layer, text };
        self.push(Entity { layer: outer.layer, pen, shape: Shape::Template(value) }, 1)
    }
}

/// A name as attributes have it: capitals, no blanks.
fn tagged(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '_' };
    name.chars().take(31).map(kept).collect::<String>().to_uppercase()
}

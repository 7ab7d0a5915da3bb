//! What the rasteriser is given in place of what it does not know.

use kurbo::BezPath;

use crate::geometry::styled_apart;

use super::*;

impl Writer<'_> {
    /// Looks up what the rasteriser is given in place of what is written.
    pub(super) fn resolve(&mut self, node: NodeId) {
        if let Some(raster) = &self.raster {
            let apart = match raster.scene.styled(node) {
                Some(_) => None,
                None => styled_apart(self.document, node, raster.sheet, &mut self.matching),
            };
            let scene = raster.scene;
            self.resolved = resolved::of(self.document, scene, node, raster.view, apart.as_ref());
            if let Some((outline, even_odd)) = scene.shaped(node) {
                let id = self.clip_shape(node, outline, *even_odd);
                self.resolved.style.push_str(&format!("clip-path:url(#{id});"));
            }
        }
    }

    /// Whether the white space of a run is kept: by `white-space`, or else by `xml:space`.
    pub(super) fn keeps_spaces(&mut self, text: NodeId) -> bool {
        let Some(raster) = &self.raster else { return false };
        let document = self.document;
        let mut at = document.parent(text);
        while let Some(node) = at {
            let styled = document.attr(node, "style").is_some_and(|s| s.contains("white-space"));
            let kept = (self.white_space || styled).then(|| {
                let all = raster.sheet.cascade(document, node, &mut self.matching);
                all.iter().rev().find_map(|d| resolved::keeps_spaces(&d.name, &d.value))
            });
            let kept = kept.flatten().or_else(|| {
                let stated = document.attr(node, "white-space")?;
                resolved::keeps_spaces("white-space", stated)
            });
            let space =
                || document.attribute(node, Ns::Xml, "space").map(|a| a.value == "preserve");
            if let Some(kept) = kept.or_else(space) {
                return kept;
            }
            at = document.parent(node);
        }
        false
    }

    /// The id of a clip path with a basic shape, which is written at the end of the drawing.
    fn clip_shape(&mut self, node: NodeId, outline: &BezPath, even_odd: bool) -> String {
        let mut id = format!("clip-shape-{}", node.index());
        while self.document.by_id(&id).is_some() {
            id.push('-');
        }
        if self.clip_shapes.insert(node) {
            let rule = if even_odd { "evenodd" } else { "nonzero" };
            let d = outline.to_svg();
            let path = format!("<path d=\"{d}\" style=\"clip-rule:{rule}\"/>");
            self.defs.push((node, format!("<clipPath id=\"{id}\">{path}</clipPath>")));
        }
        id
    }

    /// Writes what was put off to the end of the drawing.
    pub(super) fn put_off(&mut self) {
        for (node, text) in std::mem::take(&mut self.defs) {
            self.seen.places.push((self.out.len(), node));
            self.out.push_str(&text);
        }
    }
}

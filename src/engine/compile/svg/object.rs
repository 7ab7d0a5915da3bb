//! Objects in compiled SVG, and how their state shows.

use super::*;
use crate::geometry::Length;

impl Writer<'_> {
    /// Writes the start of an object: a `g` around its content (`true`), or its
    /// box and nothing else.
    pub(super) fn object(&mut self, node: NodeId) -> bool {
        let document = self.document;
        if draws(document, node) || self.drawn_elsewhere.contains(&node) {
            self.out.push_str("<g");
            self.object_attributes(node);
            return true;
        }
        let Some((x, y, width, height)) = self.object_box(node) else { return false };
        self.out.push_str("<rect");
        for (name, value) in [("x", x), ("y", y), ("width", width), ("height", height)] {
            xml::attribute(&mut self.out, name, &value.to_string());
        }
        let [r, g, b] = BOX_COLOUR;
        let line = box_line(document);
        xml::attribute(&mut self.out, "fill", "none");
        xml::attribute(&mut self.out, "stroke", &format!("#{r:02x}{g:02x}{b:02x}"));
        xml::attribute(&mut self.out, "stroke-width", &line.to_string());
        self.object_attributes(node);
        let id = document.id(node).unwrap_or_default();
        let kind = document.attr(node, "type").unwrap_or_default();
        if id.is_empty() && kind.is_empty() {
            self.out.push_str("/>");
        } else {
            self.out.push_str("><title>");
            xml::text(&mut self.out, format!("{id} {kind}").trim());
            self.out.push_str("</title></rect>");
        }
        false
    }

    /// What an object's group or box keeps of the object.
    fn object_attributes(&mut self, node: NodeId) {
        self.resolve(node);
        for a in self.document.attributes(node) {
            let kept = matches!(
                a.name,
                "id" | "class" | "transform" | "display" | "visibility" | "opacity"
            );
            if a.ns == Ns::None && kept {
                self.plain(node, "g", &a);
            }
        }
        self.look(node);
        if self.raster.is_some() {
            self.cascade(node);
        }
    }

    /// How the state of the element shows; `plain` left out what is written here.
    pub(super) fn look(&mut self, node: NodeId) {
        let document = self.document;
        let look = Look::of(document, node);
        let classes: Vec<String> = look.classes().collect();
        if !classes.is_empty() && self.raster.is_none() {
            let own = document.attr(node, "class").unwrap_or_default();
            let all = format!("{own} {}", classes.join(" "));
            xml::attribute(&mut self.out, "class", all.trim());
        }
        if let Some(faded) = look.opacity() {
            let own = document.attr(node, "opacity").and_then(|o| o.trim().parse::<f32>().ok());
            let opacity = own.map_or(1.0, |o| o.clamp(0.0, 1.0)) * faded;
            xml::attribute(&mut self.out, "opacity", &opacity.to_string());
        }
        if look.highlighted {
            xml::attribute(&mut self.out, "stroke", HIGHLIGHT);
        }
    }

    fn object_box(&self, node: NodeId) -> Option<(f64, f64, f64, f64)> {
        let document = self.document;
        let geometry = document.children(node).find(|&c| {
            matches!(document.name(c), Some((Ns::Arx | Ns::Svg | Ns::None, "geometry")))
        })?;
        let get = |name| {
            let mm = Length::parse(document.attr(geometry, name)?).ok()?.to_mm().ok()?;
            Some(self.scale.to_units(mm))
        };
        let (width, height) = (get("width")?, get("height")?);
        (width > 0.0 && height > 0.0)
            .then(|| (get("x").unwrap_or(0.0), get("y").unwrap_or(0.0), width, height))
    }
}

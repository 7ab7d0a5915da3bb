//! Where elements are, by their attributes where those say it all.

use kurbo::Affine;
use svgx_base::budget::Budget;
use svgx_engine::document::{self, Document, NodeId, Ns};
use svgx_engine::geometry::{
    Curve, Declarations, Error, Scale, Scene, ViewBox, root_viewbox, transform,
};

use super::path;

/// Where elements are. Resolving a whole document takes longer than writing it, and most documents
/// say with attributes alone where everything is.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) scale: Scale,
    pub(super) viewbox: ViewBox,
    scene: Option<Scene>,
}

impl Places {
    /// # Errors
    /// As [`Scene::build`].
    pub(super) fn of(
        document: &Document,
        declared: &Declarations<'_>,
        limits: &document::Limits,
        budget: &Budget,
    ) -> Result<Places, Error> {
        let is_object = |node| document.name(node) == Some((Ns::Arx, "object"));
        let is_plain = declared.is_placed_by_attributes() && !document.elements().any(is_object);
        let scene = if is_plain { None } else { Some(Scene::build(document, limits, budget)?) };
        Ok(Places { scale: Scale::of(document), viewbox: root_viewbox(document), scene })
    }

    pub(super) fn own_transform(&self, document: &Document, node: NodeId) -> Affine {
        match &self.scene {
            Some(scene) => scene.own_transform(document, node),
            None => {
                let written = document.attr(node, "transform");
                let read = |text| plain(text).or_else(|| transform(text).ok());
                written.and_then(read).unwrap_or_default()
            }
        }
    }

    /// Whether a style states the outline of a path.
    pub(super) fn is_outline_styled(&self, node: NodeId) -> bool {
        self.scene.as_ref().is_some_and(|scene| scene.is_outline_styled(node))
    }

    /// The outline of what a style states, or of an object.
    pub(super) fn outline(&self, node: NodeId) -> Option<&Curve> {
        self.scene.as_ref()?.outline(node)
    }
}

/// As [`transform`], of one `translate` or `matrix` with blanks or commas between plain numbers, as
/// most are written; `None` where there is anything else.
fn plain(text: &str) -> Option<Affine> {
    let inside = text.strip_suffix(')')?;
    if let Some(numbers) = inside.strip_prefix("translate(") {
        let [x, y] = list(numbers)?;
        return Some(Affine::translate((x, y)));
    }
    list(inside.strip_prefix("matrix(")?).map(Affine::new)
}

fn list<const N: usize>(text: &str) -> Option<[f64; N]> {
    let mut rest = text.as_bytes();
    let numbers = path::numbers(&mut rest)?;
    rest.is_empty().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_transforms_are_read_as_all_are() {
        for text in ["translate(1 2.5)", "translate(-1,2)", "matrix(1 0 0 -1 5.25 -6)"] {
            assert_eq!(plain(text), transform(text).ok(), "{text}");
        }
        for text in ["translate(1)", "matrix(1 0 0 1 5)", "scale(2)", "translate(1 2", ""] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(plain("translate(1 2) scale(2)"), None);
        assert_eq!(plain("translate(1e2 2)"), None);
    }
}

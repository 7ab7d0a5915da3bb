//! How large a drawing is.

use crate::document::{Document, Limits, NodeId};
use crate::geometry::{self, Length, Scene, Unit, ViewBox, root_viewbox};
use svgx_base::budget::{Budget, Stop};

/// The root's size, as written in units that SVG knows, and its viewBox.
pub(crate) struct Frame {
    pub(crate) width: Option<String>,
    pub(crate) height: Option<String>,
    pub(crate) viewbox: ViewBox,
}

/// The frame of a document. Without a viewBox and a size it is drawn around
/// everything there is.
pub(crate) fn frame(document: &Document, budget: &Budget) -> Result<Frame, Stop> {
    let side = |name| {
        let text = document.attr(NodeId::ROOT, name)?;
        let length = Length::parse(text).ok().filter(|l| l.number > 0.0)?;
        Some(match length.unit {
            Unit::M | Unit::Ft => format!("{}mm", length.to_mm().ok()?),
            _ => text.trim().to_owned(),
        })
    };
    let (width, height) = (side("width"), side("height"));
    let viewbox = match document.attr(NodeId::ROOT, "viewBox").and_then(ViewBox::parse) {
        Some(v) => v,
        None if width.is_some() && height.is_some() => root_viewbox(document),
        None => extent(document, budget)?.unwrap_or_else(|| root_viewbox(document)),
    };
    Ok(Frame { width, height, viewbox })
}

/// A viewBox around everything drawn; `None` if it has no bounds, or passes the limits.
fn extent(document: &Document, budget: &Budget) -> Result<Option<ViewBox>, Stop> {
    let scene = match Scene::build(document, &Limits::default(), budget) {
        Ok(scene) => scene,
        Err(geometry::Error::Stopped(stop)) => return Err(stop),
        Err(_) => return Ok(None),
    };
    let around = scene.extent().map(|r| r.inflate(1.0, 1.0));
    Ok(around.map(|r| ViewBox { x: r.x0, y: r.y0, width: r.width(), height: r.height() }))
}

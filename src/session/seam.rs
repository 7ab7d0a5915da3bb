//! Stands in for `geometry::Scene` and `behavior::Machine` until they are here: boxes of basic
//! shapes for hit tests, and no triggers. To be deleted with them.

use kurbo::{Affine, BezPath, Point, Rect, Shape as _};

use crate::budget::{Budget, Tier};
use crate::document::{Document, Limits, NodeId};

/// Outlines and transforms of basic shapes.
#[derive(Debug)]
pub struct Scene {
    shapes: Vec<(NodeId, BezPath, Affine)>,
}

#[derive(Debug, thiserror::Error)]
#[error("no scene")]
pub(crate) struct SceneError;

fn shape(document: &Document, node: NodeId) -> Option<BezPath> {
    let n = |name| document.attr(node, name).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    match document.name(node)?.1 {
        "rect" => {
            Some(Rect::new(n("x"), n("y"), n("x") + n("width"), n("y") + n("height")).to_path(0.1))
        }
        "circle" => Some(kurbo::Circle::new((n("cx"), n("cy")), n("r")).to_path(0.1)),
        "line" => Some(kurbo::Line::new((n("x1"), n("y1")), (n("x2"), n("y2"))).to_path(0.1)),
        "path" => BezPath::from_svg(document.attr(node, "d")?).ok(),
        "polygon" | "polyline" => {
            BezPath::from_svg(&format!("M{}", document.attr(node, "points")?)).ok()
        }
        _ => None,
    }
}

fn world(document: &Document, node: NodeId) -> Affine {
    let mut t = Affine::IDENTITY;
    let mut at = Some(node);
    while let Some(n) = at {
        if let Some(own) =
            document.attr(n, "transform").and_then(|v| v.parse::<svgtypes::Transform>().ok())
        {
            t = Affine::new([own.a, own.b, own.c, own.d, own.e, own.f]) * t;
        }
        at = document.parent(n);
    }
    t
}

impl Scene {
    pub(crate) fn build(document: &Document, _: &Limits, _: &Budget) -> Result<Scene, SceneError> {
        let shapes = document
            .elements()
            .filter_map(|n| Some((n, shape(document, n)?, world(document, n))))
            .collect();
        Ok(Scene { shapes })
    }
    fn find(&self, node: NodeId) -> Option<&(NodeId, BezPath, Affine)> {
        self.shapes.iter().find(|s| s.0 == node)
    }
    pub(crate) fn bounds(&self, node: NodeId) -> Option<Rect> {
        let (_, path, t) = self.find(node)?;
        Some(t.transform_rect_bbox(path.bounding_box()))
    }
    pub(crate) fn outline(&self, node: NodeId) -> Option<&BezPath> {
        Some(&self.find(node)?.1)
    }
    pub(crate) fn hit(&self, at: Point, tolerance: f64) -> Vec<NodeId> {
        let mut found: Vec<NodeId> = self
            .shapes
            .iter()
            .filter(|(_, p, t)| {
                t.transform_rect_bbox(p.bounding_box()).inflate(tolerance, tolerance).contains(at)
            })
            .map(|s| s.0)
            .collect();
        found.reverse();
        found
    }
    pub(crate) fn update(&mut self, document: &Document, node: NodeId, _: &Limits) {
        let below: Vec<NodeId> = document.descendants(node).collect();
        for s in &mut self.shapes {
            if below.contains(&s.0) {
                if let Some(p) = shape(document, s.0) {
                    s.1 = p;
                }
                s.2 = world(document, s.0);
            }
        }
    }
}

pub(crate) fn transform(document: &Document, _: &Scene, node: NodeId) -> Affine {
    world(document, node)
}

pub(crate) fn round(value: f64, tier: Tier) -> String {
    let digits = tier.decimals() as usize;
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" || text.is_empty() { "0".into() } else { text.into() }
}

#[derive(Debug)]
pub(crate) struct Program;

impl Program {
    pub(crate) fn compile(_: &Document, _: &Limits) -> Program {
        Program
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Machine;

#[derive(Debug)]
#[expect(dead_code, reason = "read by the trigger machine, which is not here yet")]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) target: Option<NodeId>,
    pub(crate) at: crate::budget::Time,
}

#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) node: NodeId,
    pub(crate) ns: crate::document::Ns,
    pub(crate) name: String,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

impl Machine {
    pub(crate) fn fire(&mut self, _: &mut Document, _: &Program, _: &Event) -> Vec<Change> {
        Vec::new()
    }
}

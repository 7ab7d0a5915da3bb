//! What the session needs of the rooms below it.

use kurbo::{Affine, BezPath, Point, Rect, Shape as _};

use crate::budget::{Budget, Tier};
use crate::document::{Document, Limits, NodeId};

#[derive(Debug)]
pub struct Scene {
    shapes: Vec<(NodeId, BezPath, Affine)>,
}

#[derive(Debug, thiserror::Error)]
#[error("no scene")]
pub struct SceneError;

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
    pub fn build(document: &Document, _: &Limits, _: &Budget) -> Result<Scene, SceneError> {
        let shapes = document
            .elements()
            .filter_map(|n| Some((n, shape(document, n)?, world(document, n))))
            .collect();
        Ok(Scene { shapes })
    }
    fn find(&self, node: NodeId) -> Option<&(NodeId, BezPath, Affine)> {
        self.shapes.iter().find(|s| s.0 == node)
    }
    pub fn bounds(&self, node: NodeId) -> Option<Rect> {
        let (_, path, t) = self.find(node)?;
        Some(t.transform_rect_bbox(path.bounding_box()))
    }
    pub fn outline(&self, node: NodeId) -> Option<&BezPath> {
        Some(&self.find(node)?.1)
    }
    pub fn hit(&self, at: Point, tolerance: f64) -> Vec<NodeId> {
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
    pub fn update(&mut self, document: &Document, node: NodeId, _: &Limits) {
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

pub fn transform(document: &Document, _: &Scene, node: NodeId) -> Affine {
    world(document, node)
}

pub fn round(value: f64, tier: Tier) -> String {
    let digits = tier.decimals() as usize;
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" || text.is_empty() { "0".into() } else { text.into() }
}

#[derive(Debug)]
pub struct Program;

impl Program {
    pub fn compile(_: &Document, _: &Limits) -> Program {
        Program
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine;

#[derive(Debug)]
pub struct Event {
    pub kind: String,
    pub target: Option<NodeId>,
    pub at: crate::budget::Time,
}

#[derive(Debug)]
pub struct Change {
    pub node: NodeId,
    pub ns: crate::document::Ns,
    pub name: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

impl Machine {
    pub fn fire(&mut self, _: &mut Document, _: &Program, _: &Event) -> Vec<Change> {
        Vec::new()
    }
}

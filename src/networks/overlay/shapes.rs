//! The shapes of an overlay, as elements at the end of the document.

use kurbo::{BezPath, Point, Rect, Vec2};
use svgx_engine::document::{Document, NodeId, Ns};
use svgx_engine::geometry::ViewBox;

use super::along;
use super::colour::{DEAD, Range, at};
use super::readable::Readable;

/// Elements of an overlay: a larger network is drawn as far as that.
const MOST: usize = 20_000;
/// Labels of an overlay.
const LABELS: usize = 400;

/// Where an overlay is drawn.
pub(super) struct Sheet<'d> {
    document: &'d mut Document,
    group: NodeId,
    view: ViewBox,
    /// A hundredth of the diagonal.
    unit: f64,
    title: String,
    taken: Vec<Rect>,
    elements: usize,
}

impl<'d> Sheet<'d> {
    pub(super) fn new(
        document: &'d mut Document,
        view: ViewBox,
        system: &str,
        quantity: &str,
    ) -> Sheet<'d> {
        let group = document.append_element(NodeId::ROOT, Ns::Svg, "g");
        document.set_attribute(group, Ns::None, "class", "net-overlay");
        let unit = view.width.hypot(view.height) / 100.0;
        let title = format!("{system}: {quantity}");
        Sheet { document, group, view, unit, title, taken: Vec::new(), elements: 0 }
    }

    /// A hundredth of the diagonal of the drawing, user units.
    pub(super) fn unit(&self) -> f64 {
        self.unit
    }

    /// The least side of the drawing, user units.
    pub(super) fn side(&self) -> f64 {
        self.view.width.min(self.view.height)
    }

    fn add(&mut self, name: &str, attributes: &[(&str, String)]) -> Option<NodeId> {
        self.elements += 1;
        if self.elements > MOST {
            return None;
        }
        let node = self.document.append_element(self.group, Ns::Svg, name);
        let attributes = attributes.iter().map(|(name, value)| (Ns::None, *name, value.as_str()));
        self.document.set_attributes(node, attributes);
        Some(node)
    }

    /// A link in a colour, or dashed grey where it is cut off; `share` is its part of the largest
    /// flow.
    pub(super) fn line(
        &mut self,
        name: &str,
        path: &BezPath,
        colour: Option<&str>,
        share: f64,
        value: Option<f64>,
    ) {
        let width = self.unit * (0.25 + 0.55 * share.clamp(0.0, 1.0));
        let (class, dash) = match colour {
            Some(_) => ("net-link", None),
            None => (
                "net-link net-failed",
                Some(format!("{} {}", number(self.unit), number(0.6 * self.unit))),
            ),
        };
        let mut attributes = vec![
            ("class", class.to_owned()),
            ("data-element", name.to_owned()),
            ("d", written(path)),
            ("fill", "none".to_owned()),
            ("stroke", colour.unwrap_or(DEAD).to_owned()),
            ("stroke-width", number(width)),
            ("stroke-linecap", "round".to_owned()),
            ("stroke-linejoin", "round".to_owned()),
        ];
        if let Some(value) = value {
            attributes.push(("data-value", value.to_string()));
        }
        attributes.extend(dash.map(|dash| ("stroke-dasharray", dash)));
        self.add("path", &attributes);
    }

    /// A filled shape without an outline.
    pub(super) fn area(&mut self, class: &str, path: &BezPath, colour: &str, opacity: f64) {
        let attributes = [
            ("class", class.to_owned()),
            ("d", written(path)),
            ("fill", colour.to_owned()),
            ("fill-opacity", number(opacity)),
        ];
        self.add("path", &attributes);
    }

    /// A line that is no link.
    pub(super) fn stroke(&mut self, class: &str, path: &BezPath, colour: &str, width: f64) {
        let attributes = [
            ("class", class.to_owned()),
            ("d", written(path)),
            ("fill", "none".to_owned()),
            ("stroke", colour.to_owned()),
            ("stroke-width", number(width)),
        ];
        self.add("path", &attributes);
    }

    /// Where to it flows, in the middle of a link.
    pub(super) fn arrow(&mut self, path: &BezPath, backwards: bool, colour: Option<&str>) {
        let (at, direction) = along(path, 0.5);
        let length = direction.hypot();
        if length <= 0.0 {
            return;
        }
        let way = direction / if backwards { -length } else { length };
        let across = Vec2::new(-way.y, way.x);
        let size = 0.9 * self.unit;
        let mut head = BezPath::new();
        head.move_to(at + way * size);
        head.line_to(at - way * 0.6 * size + across * 0.7 * size);
        head.line_to(at - way * 0.6 * size - across * 0.7 * size);
        head.close_path();
        let attributes = [
            ("class", "net-arrow".to_owned()),
            ("d", written(&head)),
            ("fill", colour.unwrap_or(DEAD).to_owned()),
            ("stroke", "#ffffff".to_owned()),
            ("stroke-width", number(0.12 * self.unit)),
        ];
        self.add("path", &attributes);
    }

    /// A node with its level.
    pub(super) fn node(&mut self, name: &str, at: Point, colour: Option<&str>, value: Option<f64>) {
        let mut attributes = vec![
            ("class", if colour.is_some() { "net-node" } else { "net-node net-failed" }.to_owned()),
            ("data-element", name.to_owned()),
            ("cx", number(at.x)),
            ("cy", number(at.y)),
            ("r", number(0.7 * self.unit)),
            ("fill", colour.unwrap_or(DEAD).to_owned()),
            ("stroke", "#ffffff".to_owned()),
            ("stroke-width", number(0.15 * self.unit)),
        ];
        if let Some(value) = value {
            attributes.push(("data-value", value.to_string()));
        }
        self.add("circle", &attributes);
    }

    /// A value beside a point, where there is room.
    pub(super) fn label(&mut self, at: Point, text: &str) {
        let size = 1.5 * self.unit;
        let wide = 0.58 * size * text.chars().count() as f64;
        let left = at.x + 1.1 * self.unit;
        for down in [-1.0, 1.6, -2.6, 3.2] {
            let base = at.y + down * self.unit;
            let area = Rect::new(left, base - size, left + wide, base + 0.3 * size);
            let view = self.view;
            let sheet = Rect::new(view.x, view.y, view.x + view.width, view.y + view.height);
            let inside = sheet.union(area) == sheet;
            if inside && !self.taken.iter().any(|t| !t.intersect(area).is_zero_area()) {
                if self.taken.len() < LABELS {
                    self.taken.push(area);
                    self.text("net-label", left, base, size, text);
                }
                return;
            }
        }
    }

    fn text(&mut self, class: &str, x: f64, y: f64, size: f64, text: &str) {
        let attributes = [
            ("class", class.to_owned()),
            ("x", number(x)),
            ("y", number(y)),
            ("font-size", number(size)),
            ("font-family", "DejaVu Sans, sans-serif".to_owned()),
            ("text-anchor", "start".to_owned()),
            ("fill", "#1d242b".to_owned()),
            ("stroke", "#ffffff".to_owned()),
            ("stroke-width", number(0.22 * size)),
            ("stroke-linejoin", "round".to_owned()),
            ("paint-order", "stroke".to_owned()),
        ];
        if let Some(node) = self.add("text", &attributes) {
            self.document.append_text(node, text);
        }
    }

    /// The scale with its ends, in the corner where least of the network is.
    pub(super) fn legend(
        &mut self,
        range: &Range,
        scale: &Readable,
        drawn: impl Iterator<Item = Rect>,
    ) {
        let (u, view) = (self.unit, self.view);
        let (wide, high) = (24.0 * u, 7.2 * u);
        let (left, top) = (view.x + u, view.y + u);
        let (right, low) = (view.x + view.width - wide - u, view.y + view.height - high - u);
        let corners = [(right, low), (left, low), (right, top), (left, top)];
        let corners = corners.map(|(x, y)| Rect::new(x, y, x + wide, y + high));
        let mut met = [0u32; 4];
        for of in drawn {
            for (corner, met) in corners.iter().zip(&mut met) {
                *met += u32::from(!corner.intersect(of.inflate(u, u)).is_zero_area());
            }
        }
        let best = (0..4).min_by_key(|&k| met[k]).unwrap_or(0);
        let Rect { x0: x, y0: y, .. } = corners[best];
        self.taken.push(corners[best]);
        let rect = |x: f64, y: f64, w: f64, h: f64, fill: &str, opacity: f64| {
            [
                ("class", "net-legend".to_owned()),
                ("x", number(x)),
                ("y", number(y)),
                ("width", number(w)),
                ("height", number(h)),
                ("fill", fill.to_owned()),
                ("fill-opacity", number(opacity)),
            ]
        };
        self.add("rect", &rect(x, y, wide, high, "#ffffff", 0.85));
        self.text("net-legend", x + u, y + 2.0 * u, 1.5 * u, &self.title.clone());
        const STEPS: u32 = 16;
        let step = (wide - 2.0 * u) / f64::from(STEPS);
        for k in 0..STEPS {
            let colour = at((f64::from(k) + 0.5) / f64::from(STEPS));
            // A little wider, so that no light shines between.
            let left = x + u + f64::from(k) * step;
            self.add("rect", &rect(left, y + 2.8 * u, 1.02 * step, 1.6 * u, &colour, 1.0));
        }
        let ends = format!("{} to {}", scale.bare(range.least), scale.shown(range.most));
        self.text("net-legend", x + u, y + 6.3 * u, 1.5 * u, &ends);
    }
}

/// A length as SVG has it: to a ten-thousandth.
fn number(value: f64) -> String {
    let rounded = (value * 1e4).round() / 1e4;
    (rounded + 0.0).to_string()
}

/// A path as SVG has it.
fn written(path: &BezPath) -> String {
    let mut rounded = BezPath::new();
    let round = |p: Point| {
        let part = |v: f64| (v * 1e3).round() / 1e3 + 0.0;
        Point::new(part(p.x), part(p.y))
    };
    for element in path.elements() {
        rounded.push(match *element {
            kurbo::PathEl::MoveTo(p) => kurbo::PathEl::MoveTo(round(p)),
            kurbo::PathEl::LineTo(p) => kurbo::PathEl::LineTo(round(p)),
            kurbo::PathEl::QuadTo(a, p) => kurbo::PathEl::QuadTo(round(a), round(p)),
            kurbo::PathEl::CurveTo(a, b, p) => kurbo::PathEl::CurveTo(round(a), round(b), round(p)),
            kurbo::PathEl::ClosePath => kurbo::PathEl::ClosePath,
        });
    }
    rounded.to_svg()
}

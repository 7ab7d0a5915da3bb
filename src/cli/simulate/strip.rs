//! A strip of frames as SVG: the bodies at a few times, side by side.

use std::collections::HashMap;
use std::fmt::Write;

use kurbo::{Affine, Point, Vec2};
use svgx_engine::document::{Document, NodeId};
use svgx_engine::physics::{Frame, Layout, LayoutBody, LayoutJoint, LayoutPart};

/// Height of a panel, CSS pixels.
const HEIGHT: f64 = 220.0;
/// Width of a row of panels, CSS pixels, unless one panel is wider.
const WIDEST: f64 = 1400.0;
const GAP: f64 = 8.0;
const LABEL: f64 = 16.0;

/// Draws the start and `panels - 1` of the frames, evenly spaced, the last one
/// included. The frames have to hold every body (not only changes).
pub(super) fn strip(
    document: &Document,
    layout: &Layout,
    frames: &[Frame],
    panels: usize,
) -> String {
    let panels = panels.clamp(2, 32);
    let mut chosen: Vec<Option<&Frame>> = vec![None];
    for i in 1..panels {
        let at = (frames.len() * i).div_ceil(panels - 1);
        chosen.push(at.checked_sub(1).and_then(|at| frames.get(at)));
    }
    let (low, high) = extent(document, layout, &chosen);
    let size = high - low;
    let size = Vec2::new(size.x.max(1e-9), size.y.max(1e-9));
    let zoom = HEIGHT / size.y;
    let width = (size.x * zoom).min(4.0 * HEIGHT);
    let zoom = zoom.min(width / size.x);
    let (across, down) = (width + GAP, HEIGHT + LABEL + 2.0 * GAP);
    // As many in a row as a page is wide, and rows of equal length.
    let most = ((WIDEST - GAP) / across).floor().max(1.0) as usize;
    let columns = panels.div_ceil(panels.div_ceil(most));
    let all = across * columns as f64 + GAP;
    let tall = down * panels.div_ceil(columns) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all:.0}\" height=\"{tall:.0}\" \
         viewBox=\"0 0 {all:.0} {tall:.0}\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#f4f5f7\"/>\n<defs><clipPath id=\"panel\"><rect width=\"{width:.2}\" \
         height=\"{HEIGHT}\"/></clipPath></defs>\n"
    );
    for (i, frame) in chosen.iter().enumerate() {
        let x = GAP + across * (i % columns) as f64;
        let y = GAP + down * (i / columns) as f64;
        let time = frame.map_or(0.0, |f| f.time);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<g transform=\"translate({x:.2} {y:.2})\"><rect width=\"{width:.2}\" \
             height=\"{HEIGHT}\" fill=\"#fff\" stroke=\"#c9ced6\"/><text x=\"2\" y=\"{:.2}\" \
             font-family=\"sans-serif\" font-size=\"12\" fill=\"#444\">t = {time:.2} s</text>\n\
             <g clip-path=\"url(#panel)\"><g transform=\"scale({zoom:.6}) translate({:.4} {:.4})\">\n",
            HEIGHT + LABEL,
            -low.x,
            -low.y
        );
        let places: HashMap<&str, (Point, f64)> = frame
            .iter()
            .flat_map(|f| &f.elements)
            .map(|e| (&*e.id, (Point::new(e.position[0], e.position[1]), e.rotation)))
            .collect();
        let pose =
            |body: &LayoutBody| places.get(body.id.as_str()).copied().unwrap_or((body.centre, 0.0));
        for body in &layout.bodies {
            draw_body(&mut svg, body, pose(body), 1.0 / zoom);
        }
        for joint in &layout.joints {
            draw_joint(&mut svg, layout, joint, &pose, 1.0 / zoom);
        }
        svg.push_str("</g></g></g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// What all panels show, user units: the view box, or where the bodies are.
fn extent(document: &Document, layout: &Layout, chosen: &[Option<&Frame>]) -> (Point, Point) {
    if let Some(text) = document.attr(NodeId::ROOT, "viewBox") {
        let numbers: Vec<f64> = text
            .split([' ', ','])
            .filter(|t| !t.is_empty())
            .map_while(|t| t.parse().ok().filter(|n: &f64| n.is_finite()))
            .collect();
        if let [x, y, w, h] = numbers[..]
            && w > 0.0
            && h > 0.0
        {
            return (Point::new(x, y), Point::new(x + w, y + h));
        }
    }
    let (mut low, mut high) = (Point::new(f64::INFINITY, f64::INFINITY), Point::ZERO);
    high.x = f64::NEG_INFINITY;
    high.y = f64::NEG_INFINITY;
    let mut add = |centre: Point, reach: f64| {
        low = Point::new(low.x.min(centre.x - reach), low.y.min(centre.y - reach));
        high = Point::new(high.x.max(centre.x + reach), high.y.max(centre.y + reach));
    };
    for body in &layout.bodies {
        add(body.centre, body.reach);
    }
    for element in chosen.iter().flatten().flat_map(|f| &f.elements) {
        add(Point::new(element.position[0], element.position[1]), 0.0);
    }
    if low.is_finite() && high.is_finite() {
        (low, high)
    } else {
        (Point::ZERO, Point::new(1.0, 1.0))
    }
}

/// Draws the line of a rope, or the pin of a hinge.
fn draw_joint(
    svg: &mut String,
    layout: &Layout,
    joint: &LayoutJoint,
    pose: &dyn Fn(&LayoutBody) -> (Point, f64),
    line: f64,
) {
    let on = |body: &LayoutBody, point: Point| {
        let (place, angle) = pose(body);
        let arm = Affine::rotate(angle.to_radians()) * (point - body.centre).to_point();
        place + arm.to_vec2()
    };
    let Some(body) = layout.bodies.get(joint.body) else { return };
    let at = on(body, joint.at);
    let _ = match joint.rope_end {
        Some(to) => {
            let other = joint.other.and_then(|o| layout.bodies.get(o));
            let end = other.map_or(to, |other| on(other, to));
            write!(
                svg,
                "<path d=\"M{:.4} {:.4}L{:.4} {:.4}\" stroke=\"#8a5a2b\" stroke-width=\"{:.4}\"/>\
                 <circle cx=\"{:.4}\" cy=\"{:.4}\" r=\"{:.4}\" fill=\"#8a5a2b\"/>",
                at.x,
                at.y,
                end.x,
                end.y,
                1.5 * line,
                end.x,
                end.y,
                2.5 * line
            )
        }
        None => write!(
            svg,
            "<circle cx=\"{:.4}\" cy=\"{:.4}\" r=\"{:.4}\" fill=\"#8a5a2b\"/>",
            at.x,
            at.y,
            3.0 * line
        ),
    };
}

fn draw_body(svg: &mut String, body: &LayoutBody, (place, angle): (Point, f64), line: f64) {
    let (fill, stroke) = if body.fixed { ("#d5d9df", "#6b7480") } else { ("#9fc3ea", "#1d4f86") };
    let _ = write!(
        svg,
        "<g transform=\"translate({:.4} {:.4}) rotate({angle:.4})\" fill=\"{fill}\" \
         stroke=\"{stroke}\" stroke-width=\"{line:.4}\">",
        place.x, place.y
    );
    for part in &body.parts {
        match part {
            LayoutPart::Circle { centre, radius } => {
                let (c, r) = (centre, radius);
                // The spoke shows how far it has turned.
                let _ = write!(
                    svg,
                    "<circle cx=\"{:.4}\" cy=\"{:.4}\" r=\"{r:.4}\"/><path d=\"M{:.4} {:.4}h{r:.4}\"/>",
                    c.x, c.y, c.x, c.y
                );
            }
            LayoutPart::Box { centre, half, angle } => {
                let (c, h) = (centre, half);
                let _ = write!(
                    svg,
                    "<rect x=\"{:.4}\" y=\"{:.4}\" width=\"{:.4}\" height=\"{:.4}\" \
                     transform=\"translate({:.4} {:.4}) rotate({:.4})\"/>",
                    -h.x,
                    -h.y,
                    2.0 * h.x,
                    2.0 * h.y,
                    c.x,
                    c.y,
                    angle.to_degrees()
                );
            }
            LayoutPart::Polygon(points) => path(svg, points, true),
            LayoutPart::Line(points) => path(svg, points, false),
        }
    }
    svg.push_str("</g>\n");
}

fn path(svg: &mut String, points: &[Vec2], closed: bool) {
    svg.push_str(if closed { "<path d=\"" } else { "<path fill=\"none\" d=\"" });
    for (i, p) in points.iter().enumerate() {
        let command = if i == 0 { 'M' } else { 'L' };
        let _ = write!(svg, "{command}{:.4} {:.4}", p.x, p.y);
    }
    svg.push_str(if closed { "z\"/>" } else { "\"/>" });
}

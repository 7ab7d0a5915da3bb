//! The basic shapes of `clip-path` (CSS Shapes 1, section 3; CSS Masking 1, section 5.1).

use kurbo::{Affine, BezPath, Point, Rect, Size};

use super::length::Scale;
use super::outline::{Frame, Side, ellipse};
use super::path::path;
use super::transform::Reference;

/// Corners that are looked at.
const CORNERS: usize = 100_000;

/// Which box of an element a shape is placed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReferenceBox {
    Fill,
    /// Of elements without a box of CSS this is the border box, which counts where none is named.
    #[default]
    Stroke,
    View,
}

/// A value of `clip-path` that is not a reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BasicShape<'v> {
    /// Name and arguments; `None`: the box itself.
    function: Option<(&'v str, &'v str)>,
    pub(crate) area: ReferenceBox,
}

/// Reads a value; `None` where it is a reference, `none`, or not valid.
pub(crate) fn basic_shape(value: &str) -> Option<BasicShape<'_>> {
    let value = value.trim();
    let (function, words) = match value.split_once('(') {
        Some((before, rest)) => {
            let (inside, after) = rest.rsplit_once(')')?;
            let (box_before, name) = match before.rsplit_once(|c: char| c.is_ascii_whitespace()) {
                Some((first, name)) => (first.trim(), name),
                None => ("", before),
            };
            let after = after.trim();
            if !box_before.is_empty() && !after.is_empty() {
                return None;
            }
            (Some((name, inside.trim())), if after.is_empty() { box_before } else { after })
        }
        None => (None, value),
    };
    let area = match words.to_ascii_lowercase().as_str() {
        "" if function.is_some() => ReferenceBox::default(),
        "fill-box" | "content-box" | "padding-box" => ReferenceBox::Fill,
        "stroke-box" | "border-box" | "margin-box" => ReferenceBox::Stroke,
        "view-box" => ReferenceBox::View,
        _ => return None,
    };
    let shape = BasicShape { function, area };
    // Whether it is valid does not depend on the box.
    let frame = Frame { viewport: Size::ZERO, font_size: 16.0, scale: Scale::default() };
    shape.outline(Rect::new(0.0, 0.0, 100.0, 100.0), frame)?;
    Some(shape)
}

impl BasicShape<'_> {
    /// The outline in the coordinates of the element, and whether it is filled by the even-odd
    /// rule; `None` where the value is not valid. `frame` measures font units only.
    pub(crate) fn outline(&self, area: Rect, frame: Frame) -> Option<(BezPath, bool)> {
        let Some((name, inside)) = self.function else {
            return Some((super::outline::rectangle(area, (0.0, 0.0)), false));
        };
        let frame = Frame { viewport: area.size(), ..frame };
        let lower = inside.to_ascii_lowercase();
        let shape = Shape { frame, area };
        match name.to_ascii_lowercase().as_str() {
            "circle" => shape.round(&lower, true).map(|p| (p, false)),
            "ellipse" => shape.round(&lower, false).map(|p| (p, false)),
            "inset" => shape.inset(&lower).map(|p| (p, false)),
            "rect" => shape.rect(&lower).map(|p| (p, false)),
            "xywh" => shape.xywh(&lower).map(|p| (p, false)),
            "polygon" => shape.polygon(&lower),
            "path" => shape.path(inside),
            _ => None,
        }
    }
}

struct Shape {
    frame: Frame,
    area: Rect,
}

impl Shape {
    fn length(&self, text: &str, side: Side) -> Option<f64> {
        let length = super::Length::parse(text).ok()?;
        // A number without a unit is no length in CSS.
        let fine = length.unit != super::Unit::None || length.number == 0.0;
        fine.then(|| self.frame.units(length, side)).flatten()
    }

    fn round(&self, inside: &str, circle: bool) -> Option<BezPath> {
        let (radii, position) = match inside.split_once("at ") {
            Some((radii, position)) => (radii.trim(), position.trim()),
            None => (inside, "center"),
        };
        let centre = self.position(position)?;
        let Rect { x0, y0, x1, y1 } = self.area;
        let across = [(centre.x - x0).abs(), (x1 - centre.x).abs()];
        let down = [(centre.y - y0).abs(), (y1 - centre.y).abs()];
        let words: Vec<&str> = radii.split_ascii_whitespace().collect();
        let near = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
        let far = |all: &[f64]| all.iter().copied().fold(0.0, f64::max);
        let radius = |word: &str, sides: &[f64], side: Side| match word {
            "closest-side" => Some(near(sides)),
            "farthest-side" => Some(far(sides)),
            word => self.length(word, side).filter(|r| *r >= 0.0),
        };
        let (rx, ry) = match (circle, words.as_slice()) {
            (true, [] | [_]) => {
                let all = [across, down].concat();
                let r = radius(words.first().unwrap_or(&"closest-side"), &all, Side::Diagonal)?;
                (r, r)
            }
            (false, []) => (near(&across), near(&down)),
            (false, [rx, ry]) => {
                (radius(rx, &across, Side::Width)?, radius(ry, &down, Side::Height)?)
            }
            _ => return None,
        };
        Some(ellipse(centre, rx, ry))
    }

    fn position(&self, text: &str) -> Option<Point> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let reference = Reference { area: self.area, font_size: self.frame.font_size };
        match *words.as_slice() {
            [x_edge @ ("left" | "right"), x, y_edge @ ("top" | "bottom"), y]
            | [y_edge @ ("top" | "bottom"), y, x_edge @ ("left" | "right"), x] => {
                let x = self.length(x, Side::Width)?;
                let y = self.length(y, Side::Height)?;
                let Rect { x0, y0, x1, y1 } = self.area;
                let x = if x_edge == "left" { x0 + x } else { x1 - x };
                Some(Point::new(x, if y_edge == "top" { y0 + y } else { y1 - y }))
            }
            [_] | [_, _] => reference.origin(text),
            _ => None,
        }
    }

    fn inset(&self, inside: &str) -> Option<BezPath> {
        let (sides, round) = rounding(inside);
        let words: Vec<&str> = sides.split_ascii_whitespace().collect();
        let (top, right, bottom, left) = match *words.as_slice() {
            [all] => (all, all, all, all),
            [y, x] => (y, x, y, x),
            [top, x, bottom] => (top, x, bottom, x),
            [top, right, bottom, left] => (top, right, bottom, left),
            _ => return None,
        };
        let (mut top, mut bottom) =
            (self.length(top, Side::Height)?, self.length(bottom, Side::Height)?);
        let (mut left, mut right) =
            (self.length(left, Side::Width)?, self.length(right, Side::Width)?);
        // Insets that meet are shrunk in proportion.
        let fit = |near: &mut f64, far: &mut f64, side: f64| {
            let sum = *near + *far;
            if sum > side && sum > 0.0 {
                (*near, *far) = (*near * side / sum, *far * side / sum);
            }
        };
        fit(&mut top, &mut bottom, self.area.height());
        fit(&mut left, &mut right, self.area.width());
        let Rect { x0, y0, x1, y1 } = self.area;
        self.rounded(Rect::new(x0 + left, y0 + top, x1 - right, y1 - bottom), round)
    }

    fn rect(&self, inside: &str) -> Option<BezPath> {
        let (sides, round) = rounding(inside);
        let words: Vec<&str> = sides.split_ascii_whitespace().collect();
        let [top, right, bottom, left] = *words.as_slice() else { return None };
        let at = |word: &str, auto: f64, side: Side| match word {
            "auto" => Some(auto),
            word => self.length(word, side),
        };
        let Size { width, height } = self.area.size();
        let (top, left) = (at(top, 0.0, Side::Height)?, at(left, 0.0, Side::Width)?);
        let right = at(right, width, Side::Width)?.max(left);
        let bottom = at(bottom, height, Side::Height)?.max(top);
        let rect = Rect::new(left, top, right, bottom);
        self.rounded(rect + self.area.origin().to_vec2(), round)
    }

    fn xywh(&self, inside: &str) -> Option<BezPath> {
        let (sides, round) = rounding(inside);
        let words: Vec<&str> = sides.split_ascii_whitespace().collect();
        let [x, y, width, height] = *words.as_slice() else { return None };
        let (x, y) = (self.length(x, Side::Width)?, self.length(y, Side::Height)?);
        let width = self.length(width, Side::Width).filter(|n| *n >= 0.0)?;
        let height = self.length(height, Side::Height).filter(|n| *n >= 0.0)?;
        let rect = Rect::new(x, y, x + width, y + height);
        self.rounded(rect + self.area.origin().to_vec2(), round)
    }

    /// A rectangle with corners as `border-radius` rounds them.
    fn rounded(&self, rect: Rect, round: Option<&str>) -> Option<BezPath> {
        let Some(round) = round else { return Some(super::outline::rectangle(rect, (0.0, 0.0))) };
        let (across, down) = round.split_once('/').unwrap_or((round, round));
        let four = |text: &str, side: Side| {
            let all: Option<Vec<f64>> = text
                .split_ascii_whitespace()
                .map(|w| self.length(w, side).filter(|n| *n >= 0.0))
                .collect();
            match *all?.as_slice() {
                [a] => Some([a; 4]),
                [a, b] => Some([a, b, a, b]),
                [a, b, c] => Some([a, b, c, b]),
                [a, b, c, d] => Some([a, b, c, d]),
                _ => None,
            }
        };
        let [ax, bx, cx, dx] = four(across, Side::Width)?;
        let [ay, by, cy, dy] = four(down, Side::Height)?;
        // Corners that meet are shrunk together.
        let fit = [
            (ax + bx, rect.width()),
            (dx + cx, rect.width()),
            (ay + dy, rect.height()),
            (by + cy, rect.height()),
        ]
        .iter()
        .filter(|(sum, side)| sum > side)
        .map(|(sum, side)| side / sum)
        .fold(1.0, f64::min);
        let [ax, bx, cx, dx, ay, by, cy, dy] = [ax, bx, cx, dx, ay, by, cy, dy].map(|r| r * fit);
        // A quarter of an ellipse as one cubic.
        let k = 1.0 - 0.552_284_749_830_793_4;
        let Rect { x0, y0, x1, y1 } = rect;
        let mut p = BezPath::with_capacity(10);
        p.move_to((x0 + ax, y0));
        p.line_to((x1 - bx, y0));
        p.curve_to((x1 - bx * k, y0), (x1, y0 + by * k), (x1, y0 + by));
        p.line_to((x1, y1 - cy));
        p.curve_to((x1, y1 - cy * k), (x1 - cx * k, y1), (x1 - cx, y1));
        p.line_to((x0 + dx, y1));
        p.curve_to((x0 + dx * k, y1), (x0, y1 - dy * k), (x0, y1 - dy));
        p.line_to((x0, y0 + ay));
        p.curve_to((x0, y0 + ay * k), (x0 + ax * k, y0), (x0 + ax, y0));
        p.close_path();
        Some(p)
    }

    fn polygon(&self, inside: &str) -> Option<(BezPath, bool)> {
        let (even_odd, rest) = fill_rule(inside)?;
        let mut p = BezPath::new();
        for corner in rest.split(',').take(CORNERS) {
            let mut words = corner.split_ascii_whitespace();
            let (x, y) = (words.next()?, words.next()?);
            if words.next().is_some() {
                return None;
            }
            let at = Point::new(self.length(x, Side::Width)?, self.length(y, Side::Height)?)
                + self.area.origin().to_vec2();
            // A path of one corner counts as empty in kurbo: it has no segment.
            match p.elements().is_empty() {
                true => p.move_to(at),
                false => p.line_to(at),
            }
        }
        p.close_path();
        Some((p, even_odd))
    }

    fn path(&self, inside: &str) -> Option<(BezPath, bool)> {
        let (rule, text) = match inside.split_once(['"', '\'']) {
            Some((rule, text)) => (rule, text.strip_suffix(['"', '\''])?),
            None => return None,
        };
        let rule = rule.to_ascii_lowercase();
        let (even_odd, rest) = fill_rule(&rule)?;
        if !rest.trim().is_empty() {
            return None;
        }
        let (outline, fault) = path(text);
        let moved = Affine::translate(self.area.origin().to_vec2());
        (fault.is_none() && !outline.is_empty()).then(|| (moved * outline, even_odd))
    }
}

/// What stands before and after `round`.
fn rounding(inside: &str) -> (&str, Option<&str>) {
    match inside.split_once("round ") {
        Some((sides, round)) => (sides, Some(round)),
        None => (inside, None),
    }
}

/// A fill rule in front, and the rest.
fn fill_rule(inside: &str) -> Option<(bool, &str)> {
    let rules = [("evenodd", true), ("nonzero", false)];
    for (rule, even_odd) in rules {
        if let Some(rest) = inside.trim_start().strip_prefix(rule) {
            return Some((even_odd, rest.trim_start().strip_prefix(',')?));
        }
    }
    Some((false, inside))
}

#[cfg(test)]
mod tests {
    use kurbo::Shape as _;

    use super::*;

    #[test]
    fn each_shape_covers_what_the_standard_says() {
        let area = Rect::new(10.0, 20.0, 110.0, 70.0);
        let frame = Frame { viewport: Size::ZERO, font_size: 10.0, scale: Scale::default() };
        let cases: &[(&str, Option<[f64; 4]>)] = &[
            ("circle()", Some([35.0, 20.0, 85.0, 70.0])),
            ("circle(10px)", Some([50.0, 35.0, 70.0, 55.0])),
            ("circle(10px at 0 0)", Some([0.0, 10.0, 20.0, 30.0])),
            ("circle(farthest-side at left top)", Some([-90.0, -80.0, 110.0, 120.0])),
            ("circle(1em at right 10px bottom 5px)", Some([90.0, 55.0, 110.0, 75.0])),
            ("ellipse()", Some([10.0, 20.0, 110.0, 70.0])),
            ("ellipse(10% 20% at 50% 50%)", Some([50.0, 35.0, 70.0, 55.0])),
            ("inset(10px)", Some([20.0, 30.0, 100.0, 60.0])),
            ("inset(10px 20px 0 5% round 3px / 4px)", Some([15.0, 30.0, 90.0, 70.0])),
            ("inset(40px 0)", Some([10.0, 45.0, 110.0, 45.0])),
            ("rect(5px 50px auto 10%)", Some([20.0, 25.0, 60.0, 70.0])),
            ("xywh(5px 6px 10px 10px round 2px)", Some([15.0, 26.0, 25.0, 36.0])),
            ("polygon(0 0, 100% 0, 50% 100%)", Some([10.0, 20.0, 110.0, 70.0])),
            ("polygon(evenodd, 0 0, 10px 0, 0 10px)", Some([10.0, 20.0, 20.0, 30.0])),
            ("path('M0 0h10v5z')", Some([10.0, 20.0, 20.0, 25.0])),
            ("path(evenodd, \"M0 0h10v5z\") fill-box", Some([10.0, 20.0, 20.0, 25.0])),
            ("fill-box circle(10px)", Some([50.0, 35.0, 70.0, 55.0])),
            ("view-box", Some([10.0, 20.0, 110.0, 70.0])),
            // Not valid, so that nothing is clipped.
            ("circle(10)", None),
            ("circle(-1px)", None),
            ("ellipse(10px)", None),
            ("inset()", None),
            ("polygon(0 0 0)", None),
            ("path(M0 0)", None),
            ("xywh(0 0 -1px 1px)", None),
            ("blob(3px)", None),
            ("fill-box circle(10px) view-box", None),
            ("none", None),
            ("url(#c)", None),
        ];
        for (value, expected) in cases {
            let outline = basic_shape(value).and_then(|s| s.outline(area, frame));
            let found = outline.map(|(p, _)| p.bounding_box());
            match (found, expected) {
                (Some(r), Some([x0, y0, x1, y1])) => {
                    let apart = [r.x0 - x0, r.y0 - y0, r.x1 - x1, r.y1 - y1];
                    assert!(apart.iter().all(|d| d.abs() < 1e-3), "{value}: {r:?}");
                }
                (found, expected) => assert_eq!(found.is_some(), expected.is_some(), "{value}"),
            }
        }
    }

    #[test]
    fn hostile_values_end() {
        let area = Rect::new(0.0, 0.0, 1.0, 1.0);
        let frame = Frame { viewport: Size::ZERO, font_size: 10.0, scale: Scale::default() };
        for value in
            ["(((", ")(", "circle(at ", "inset(round )", "path('", "polygon(,,,)", "x y z("]
        {
            assert!(basic_shape(value).and_then(|s| s.outline(area, frame)).is_none(), "{value}");
        }
    }
}

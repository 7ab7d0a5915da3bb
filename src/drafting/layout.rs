//! Where the lines, ends and texts of a dimension go.
//!
//! In millimetres of the drawing, y downward; sizes of the style are multiplied by the scale of
//! the sheet once, in [`Paper`].

use std::f64::consts::{FRAC_PI_4, PI, TAU};

use crate::plane::{
    P, add, along, angle, at_angle, cross, dot, left, length, middle, readable, sub, times, unit,
};
use crate::style::{Ends, Standard, Style};

/// Mean advance of letters over the height of capitals.
const ADVANCE: f64 = 0.91;
/// A distance below which two points are one: millimetres.
const SAME: f64 = 1e-6;

/// The sizes of a style at the scale of its sheet: millimetres of the drawing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paper<'s> {
    pub(crate) style: &'s Style,
    /// Millimetres of the drawing in one of paper.
    pub(crate) scale: f64,
}

impl Paper<'_> {
    fn size(&self, paper: f64) -> f64 {
        paper * self.scale
    }

    /// About how long a text is.
    fn width(&self, text: &str) -> f64 {
        self.size(text.chars().count() as f64 * self.style.height * ADVANCE)
    }
}

/// A text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub content: String,
    /// The middle of its baseline.
    pub at: [f64; 2],
    /// The direction of reading.
    pub along: [f64; 2],
    /// Of capitals.
    pub height: f64,
}

/// An arc of a circle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    /// The centre.
    pub centre: [f64; 2],
    /// The radius.
    pub radius: f64,
    /// Where it begins, in radians from the x axis towards the y axis.
    pub from: f64,
    /// How far it goes in that direction: above 0 and at most a whole turn.
    pub sweep: f64,
}

/// What is drawn of a dimension.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Laid {
    /// Straight lines.
    pub lines: Vec<[[f64; 2]; 2]>,
    /// Arcs.
    pub arcs: Vec<Arc>,
    /// Filled arrows: the tip and the two corners behind.
    pub arrows: Vec<[[f64; 2]; 3]>,
    /// Filled dots: centre and radius.
    pub dots: Vec<([f64; 2], f64)>,
    /// The texts.
    pub texts: Vec<Text>,
}

impl Laid {
    fn line(&mut self, a: P, b: P) {
        if length(sub(b, a)) > SAME {
            self.lines.push([a, b]);
        }
    }

    /// What a dimension line ends in at `tip`; `inward` leads away from the tip along the line.
    fn end(&mut self, tip: P, inward: P, paper: &Paper<'_>) {
        let size = paper.size(paper.style.arrow);
        match paper.style.ends {
            Ends::Arrow => {
                let back = along(tip, inward, size);
                let side = times(left(inward), size / 6.0);
                self.arrows.push([tip, add(back, side), sub(back, side)]);
            }
            Ends::Tick => {
                // From the lower left to the upper right as the line is read.
                let read = readable(inward);
                let slope =
                    times(add(read, left(read)), size / 2.0 * std::f64::consts::FRAC_1_SQRT_2);
                self.line(sub(tip, slope), add(tip, slope));
            }
            Ends::Dot => self.dots.push((tip, size / 5.0)),
        }
    }

    fn text(&mut self, content: &str, at: P, along: P, paper: &Paper<'_>) {
        let height = paper.size(paper.style.height);
        self.texts.push(Text { content: content.to_owned(), at, along, height });
    }

    /// A text whose box has its middle at `centre`, level.
    fn level_text(&mut self, content: &str, centre: P, paper: &Paper<'_>) {
        let half = paper.size(paper.style.height) / 2.0;
        self.text(content, add(centre, [0.0, half]), [1.0, 0.0], paper);
    }
}

/// A dimension line from `a` to `b` (both on it), read along itself.
struct Span {
    a: P,
    b: P,
    /// From `a` to `b`.
    along: P,
    length: f64,
}

/// A linear dimension: `a` and `b` are measured along `axis`, the dimension line goes through
/// `through`. Where it is `crowded` others stand beside it, and a text without room goes higher up. Answers the feet of both on that line.
pub(crate) fn linear(
    laid: &mut Laid,
    [a, b]: [P; 2],
    axis: P,
    through: P,
    text: &str,
    crowded: bool,
    paper: &Paper<'_>,
) -> [P; 2] {
    let across = left(axis);
    let foot = |p: P| along(p, across, dot(sub(through, p), across));
    let feet = [foot(a), foot(b)];
    for (point, foot) in [a, b].into_iter().zip(feet) {
        extension(laid, point, foot, paper);
    }
    let [from, to] = if dot(sub(b, a), axis) >= 0.0 { feet } else { [feet[1], feet[0]] };
    let span = Span { a: from, b: to, along: axis, length: dot(sub(to, from), axis) };
    dimension_line(laid, &span, text, crowded, paper);
    feet
}

/// The line from what is measured past the dimension line.
fn extension(laid: &mut Laid, point: P, foot: P, paper: &Paper<'_>) {
    let (gap, beyond) = (paper.size(paper.style.gap), paper.size(paper.style.beyond));
    let Some(out) = unit(sub(foot, point)) else { return };
    if length(sub(foot, point)) > gap {
        laid.line(along(point, out, gap), along(foot, out, beyond));
    }
}

fn dimension_line(laid: &mut Laid, span: &Span, text: &str, crowded: bool, paper: &Paper<'_>) {
    let Span { a, b, along: axis, length: long } = *span;
    let style = paper.style;
    let (arrow, clear) = (paper.size(style.arrow), paper.size(style.clearance()));
    let back = times(axis, -1.0);
    let wide = paper.width(text);
    // Arrows that have no room between point from outside.
    let inside = style.ends != Ends::Arrow || long >= 2.5 * arrow;
    let level = style.standard == Standard::Asme;
    // Of a level text, what it takes of the line.
    let taken = if level { across_box(axis, wide, paper) } else { wide };
    let room = if level && inside { long - 2.0 * arrow } else { long };
    let fits = taken + 2.0 * clear <= room;
    laid.end(a, if inside { axis } else { back }, paper);
    laid.end(b, if inside { back } else { axis }, paper);
    let mut far = b;
    if !inside {
        laid.line(along(a, back, 2.0 * arrow), a);
        far = along(b, axis, 2.0 * arrow);
    }
    let read = readable(axis);
    if crowded && !fits {
        laid.line(a, far);
        let lift = 2.0 * clear + paper.size(style.height);
        let at = along(middle(a, b), left(read), lift);
        if level {
            laid.level_text(text, at, paper);
        } else {
            laid.text(text, at, read, paper);
        }
        return;
    }
    match (fits, level) {
        (true, true) => {
            let half = taken / 2.0 + clear;
            let centre = middle(a, b);
            laid.line(a, along(centre, back, half));
            laid.line(along(centre, axis, half), far);
            laid.level_text(text, centre, paper);
        }
        (true, false) => {
            laid.line(a, far);
            laid.text(text, along(middle(a, b), left(read), clear), read, paper);
        }
        (false, true) => {
            laid.line(a, far);
            let far = if inside { along(far, axis, arrow) } else { far };
            laid.line(b, far);
            laid.level_text(text, along(far, axis, taken / 2.0 + clear), paper);
        }
        (false, false) => {
            // Beside the end, on the line that goes on under it.
            let begin = along(far, axis, clear.max(arrow / 2.0));
            laid.line(a, along(begin, axis, wide));
            laid.text(
                text,
                add(along(begin, axis, wide / 2.0), times(left(read), clear)),
                read,
                paper,
            );
        }
    }
}

/// What a level text of that width takes of a line in the direction of `axis`.
fn across_box(axis: P, wide: f64, paper: &Paper<'_>) -> f64 {
    let tall = paper.size(paper.style.height);
    let by = |size: f64, share: f64| if share.abs() > 1e-9 { size / share.abs() } else { f64::MAX };
    by(wide, axis[0]).min(by(tall, axis[1]))
}

/// A radius: from the circle to `at`, or from the centre where that lies inside. Answers the
/// point on the circle.
pub(crate) fn radius(
    laid: &mut Laid,
    (centre, radius): (P, f64),
    at: P,
    text: &str,
    paper: &Paper<'_>,
) -> P {
    let out = unit(sub(at, centre)).unwrap_or(at_angle(-FRAC_PI_4));
    let on = along(centre, out, radius);
    if length(sub(at, centre)) > radius {
        laid.end(on, out, paper);
        leader(laid, on, out, length(sub(at, on)), text, paper);
    } else {
        laid.end(on, times(out, -1.0), paper);
        within(laid, centre, on, text, paper);
    }
    on
}

/// A diameter, along the line from the centre to `at`. Answers both points on the circle.
pub(crate) fn diameter(
    laid: &mut Laid,
    (centre, radius): (P, f64),
    at: P,
    text: &str,
    paper: &Paper<'_>,
) -> [P; 2] {
    let out = unit(sub(at, centre)).unwrap_or(at_angle(-FRAC_PI_4));
    let back = times(out, -1.0);
    let (near, far) = (along(centre, out, radius), along(centre, back, radius));
    if length(sub(at, centre)) > radius {
        laid.end(near, back, paper);
        laid.end(far, out, paper);
        laid.line(far, near);
        leader(laid, near, out, length(sub(at, near)), text, paper);
    } else {
        laid.end(near, back, paper);
        laid.end(far, out, paper);
        within(laid, far, near, text, paper);
    }
    [near, far]
}

/// A line from `from` outward that a text stands on.
fn leader(laid: &mut Laid, from: P, out: P, long: f64, text: &str, paper: &Paper<'_>) {
    let style = paper.style;
    let (arrow, clear) = (paper.size(style.arrow), paper.size(style.clearance()));
    let wide = paper.width(text);
    if style.standard == Standard::Asme {
        let end = along(from, out, long.max(2.0 * arrow));
        laid.line(from, end);
        laid.level_text(text, along(end, out, across_box(out, wide, paper) / 2.0 + clear), paper);
        return;
    }
    let end = along(from, out, long.max(1.5 * arrow + wide));
    laid.line(from, end);
    let read = readable(out);
    laid.text(text, add(along(end, out, -wide / 2.0), times(left(read), clear)), read, paper);
}

/// A line whose text stands above its middle, or in it.
fn within(laid: &mut Laid, a: P, b: P, text: &str, paper: &Paper<'_>) {
    let Some(axis) = unit(sub(b, a)) else {
        laid.level_text(text, a, paper);
        return;
    };
    let clear = paper.size(paper.style.clearance());
    if paper.style.standard == Standard::Asme {
        let half = across_box(axis, paper.width(text), paper) / 2.0 + clear;
        let centre = middle(a, b);
        if length(sub(b, a)) > 2.0 * half {
            laid.line(a, along(centre, axis, -half));
            laid.line(along(centre, axis, half), b);
            laid.level_text(text, centre, paper);
            return;
        }
    }
    laid.line(a, b);
    let read = readable(axis);
    laid.text(text, along(middle(a, b), left(read), clear), read, paper);
}

/// An angle or the length of an arc: an arc with ends about `arc.centre`, and a text outside of
/// its middle. `legs`: how far from the centre the two sides reach, nearest and farthest.
pub(crate) fn around(
    laid: &mut Laid,
    arc: Arc,
    legs: [[f64; 2]; 2],
    text: &str,
    paper: &Paper<'_>,
) {
    let style = paper.style;
    let Arc { centre, radius, from, sweep } = arc;
    let (arrow, clear) = (paper.size(style.arrow), paper.size(style.clearance()));
    let (gap, beyond) = (paper.size(style.gap), paper.size(style.beyond));
    for (turn, [near, far]) in [from, from + sweep].into_iter().zip(legs) {
        let out = at_angle(turn);
        if radius > far + gap {
            laid.line(along(centre, out, far + gap), along(centre, out, radius + beyond));
        } else if radius < near - gap {
            let inner = (radius - beyond).max(0.0);
            laid.line(along(centre, out, near - gap), along(centre, out, inner));
        }
    }
    let inside = style.ends != Ends::Arrow || radius * sweep >= 2.5 * arrow;
    for (turn, forward) in [(from, 1.0), (from + sweep, -1.0)] {
        let out = at_angle(turn);
        // Along the arc in the direction of its sweep: a quarter turn towards the y axis.
        let tangent = times([-out[1], out[0]], if inside { forward } else { -forward });
        // The chord of an arrow leans into the circle.
        let lean = if inside { arrow / (2.0 * radius.max(arrow)) } else { 0.0 };
        let body = unit(add(tangent, times(out, -lean))).unwrap_or(tangent);
        laid.end(along(centre, out, radius), body, paper);
        if !inside {
            let tip = along(centre, out, radius);
            laid.line(tip, along(tip, tangent, 2.0 * arrow));
        }
    }
    laid.arcs.push(arc);
    let out = at_angle(from + sweep / 2.0);
    let on = along(centre, out, radius);
    if style.standard == Standard::Asme {
        let wide = paper.width(text);
        let room = across_box(out, wide, paper) / 2.0 + clear;
        laid.level_text(text, along(on, out, room), paper);
        return;
    }
    let read = readable([-out[1], out[0]]);
    // Outside of the arc, whichever side of the text that is.
    let up = left(read);
    let lift = if dot(up, out) >= 0.0 { clear } else { -(clear + paper.size(style.height)) };
    laid.text(text, along(on, up, lift), read, paper);
}

/// An ordinate: a line from `point` to `at` with the text at its end, square to what it measures.
pub(crate) fn ordinate(laid: &mut Laid, point: P, at: P, axis: P, text: &str, paper: &Paper<'_>) {
    let style = paper.style;
    let (gap, clear) = (paper.size(style.gap), paper.size(style.clearance()));
    // The line runs across the axis that is measured.
    let across = left(axis);
    let out = if dot(sub(at, point), across) >= 0.0 { across } else { times(across, -1.0) };
    let reach = dot(sub(at, point), out);
    let shift = dot(sub(at, point), axis);
    let begin = along(point, out, gap.min(reach));
    if shift.abs() <= SAME {
        laid.line(begin, at);
    } else {
        // A jog where the end stands aside.
        let size = paper.size(style.arrow).min(reach / 3.0);
        let knee = along(point, out, (reach - 2.0 * size).max(reach / 3.0));
        let other = along(at, out, -size);
        laid.line(begin, knee);
        laid.line(knee, other);
        laid.line(other, at);
    }
    let wide = paper.width(text);
    if style.standard == Standard::Asme {
        laid.level_text(text, along(at, out, across_box(out, wide, paper) / 2.0 + clear), paper);
        return;
    }
    let read = readable(out);
    let half = paper.size(style.height) / 2.0;
    laid.text(text, add(along(at, out, wide / 2.0 + clear), times(left(read), -half)), read, paper);
}

/// The sector between two directions that holds a third: where it begins, and how far it goes
/// from the x axis towards the y axis.
pub(crate) fn sector(first: P, second: P, holds: P) -> (f64, f64) {
    let (a, b, c) = (angle(first), angle(second), angle(holds));
    let turn = |to: f64, from: f64| (to - from).rem_euclid(TAU);
    if turn(c, a) <= turn(b, a) { (a, turn(b, a)) } else { (b, turn(a, b)) }
}

/// Of the four sectors that two lines make, the sides of the one that holds `holds`: all three are
/// directions from where the lines meet.
pub(crate) fn sides(first: P, second: P, holds: P) -> [P; 2] {
    let whole = cross(first, second);
    if whole.abs() < 1e-12 {
        return [first, second];
    }
    let (a, b) = (cross(holds, second) / whole, cross(first, holds) / whole);
    [
        if a < 0.0 { times(first, -1.0) } else { first },
        if b < 0.0 { times(second, -1.0) } else { second },
    ]
}

/// Whether a whole turn is meant rather than none.
pub(crate) fn is_turn(sweep: f64) -> bool {
    sweep > 2.0 * PI - 1e-12
}

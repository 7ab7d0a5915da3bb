//! Elements as outlines of lines, true arcs and cubics, in their own coordinates (y downward).

use std::f64::consts::{PI, TAU};

use libm::{acos, atan2, cos, sin};
use svgtypes::{PathParser, PathSegment as S};

use super::super::curve::{
    Arc, Outline, P, Segment, add, bend, length, radius_of_bend, scaled, sub,
};
use super::super::digits;

/// Beyond this a coordinate is a mistake.
const FAR: f64 = 1e12;
/// Below this there is no radius and no chord.
const TINY: f64 = 1e-9;
/// What a written coordinate may be off by: half turns are written by their ends, and the centre
/// of a half turn follows from its ends only to the root of that.
const WRITTEN: f64 = 1.5e-6;

/// Path data up to the first fault, as SVG prescribes.
pub(super) fn data(text: &str) -> Vec<Outline> {
    plain(text).unwrap_or_else(|| parsed(text))
}

/// As [`parsed`], of what this format is mostly written in: absolute commands, and numbers with
/// blanks or commas between them. `None` where there is anything else.
fn plain(text: &str) -> Option<Vec<Outline>> {
    let mut pen = Draw::default();
    let mut rest = text.as_bytes();
    let mut command = None;
    loop {
        rest = rest.trim_ascii_start();
        let Some(&first) = rest.first() else { break };
        if first.is_ascii_alphabetic() {
            // The first is a move.
            if !matches!(first, b'M' | b'L' | b'C' | b'A' | b'Z')
                || (command.is_none() && first != b'M')
            {
                return None;
            }
            command = Some(first);
            rest = rest.get(1..)?;
        }
        let segment = match command? {
            b'Z' => {
                // No numbers are to follow.
                command = Some(0);
                S::ClosePath { abs: true }
            }
            b'M' => {
                let [x, y] = numbers(&mut rest)?;
                command = Some(b'L');
                S::MoveTo { abs: true, x, y }
            }
            b'L' => {
                let [x, y] = numbers(&mut rest)?;
                S::LineTo { abs: true, x, y }
            }
            b'C' => {
                let [x1, y1, x2, y2, x, y] = numbers(&mut rest)?;
                S::CurveTo { abs: true, x1, y1, x2, y2, x, y }
            }
            b'A' => {
                let [rx, ry, x_axis_rotation] = numbers(&mut rest)?;
                let [large, sweep] = [flag(&mut rest)?, flag(&mut rest)?];
                let [x, y] = numbers(&mut rest)?;
                S::EllipticalArc {
                    abs: true,
                    rx,
                    ry,
                    x_axis_rotation,
                    large_arc: large,
                    sweep,
                    x,
                    y,
                }
            }
            _ => return None,
        };
        pen.draw(segment)?;
    }
    pen.end();
    Some(pen.outlines)
}

/// Numbers, each with what parts it from the next.
pub(super) fn numbers<const N: usize>(rest: &mut &[u8]) -> Option<[f64; N]> {
    let mut out = [0.0; N];
    for place in &mut out {
        *rest = rest.trim_ascii_start();
        let (n, long) = digits::read(rest)?;
        *rest = rest.get(long..)?;
        if let [b',', after @ ..] = rest {
            *rest = after;
        }
        *place = n;
    }
    Some(out)
}

/// A flag that stands alone.
fn flag(rest: &mut &[u8]) -> Option<bool> {
    let (is_set, after) = match rest.trim_ascii_start() {
        [b'0', b' ' | b',', after @ ..] => (false, after),
        [b'1', b' ' | b',', after @ ..] => (true, after),
        _ => return None,
    };
    *rest = after;
    Some(is_set)
}

fn parsed(text: &str) -> Vec<Outline> {
    let mut pen = Draw::default();
    for segment in PathParser::from(text) {
        let Ok(segment) = segment else { break };
        if pen.draw(segment).is_none() {
            break;
        }
    }
    pen.end();
    pen.outlines
}

/// A list of points up to the first fault.
pub(super) fn points(text: &str, closed: bool) -> Vec<Outline> {
    let mut numbers = Vec::new();
    for number in svgtypes::NumberListParser::from(text) {
        match number {
            Ok(n) if n.abs() <= FAR => numbers.push(n),
            _ => break,
        }
    }
    let points: Vec<P> = numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    match Outline::through(&points, closed) {
        Ok(outline) if points.len() > 1 => vec![outline],
        _ => Vec::new(),
    }
}

/// A rectangle with corners of radii `rx`, `ry`.
pub(super) fn rectangle([x, y]: P, [w, h]: P, [rx, ry]: P) -> Outline {
    if rx <= 0.0 || ry <= 0.0 {
        let points = [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
        let [start, rest @ ..] = points;
        return Outline { start, segments: rest.map(Segment::Line).to_vec(), closed: true };
    }
    let corner = |centre: P, from: f64| {
        Segment::Arc(Arc::new(centre, [rx, 0.0], [0.0, ry], from, from + PI / 2.0))
    };
    let segments = vec![
        Segment::Line([x + w - rx, y]),
        corner([x + w - rx, y + ry], -PI / 2.0),
        Segment::Line([x + w, y + h - ry]),
        corner([x + w - rx, y + h - ry], 0.0),
        Segment::Line([x + rx, y + h]),
        corner([x + rx, y + h - ry], PI / 2.0),
        Segment::Line([x, y + ry]),
        corner([x + rx, y + ry], PI),
    ];
    Outline { start: [x + rx, y], segments, closed: true }
}

/// A whole ellipse.
pub(super) fn ellipse(centre: P, rx: f64, ry: f64) -> Outline {
    Outline::arc(Arc::new(centre, [rx, 0.0], [0.0, ry], 0.0, TAU))
}

#[derive(Default)]
struct Draw {
    outlines: Vec<Outline>,
    open: Option<Outline>,
    at: P,
    start: P,
    /// The last control point, for smooth curves: cubic, quadratic.
    cubic: Option<P>,
    quadratic: Option<P>,
}

impl Draw {
    /// `None` where a coordinate is too far out.
    fn draw(&mut self, segment: S) -> Option<()> {
        let (cubic, quadratic) = (self.cubic.take(), self.quadratic.take());
        let at = self.at;
        let place = |abs: bool, x: f64, y: f64| {
            let p = if abs { [x, y] } else { add(at, [x, y]) };
            (p[0].abs() <= FAR && p[1].abs() <= FAR).then_some(p)
        };
        match segment {
            S::MoveTo { abs, x, y } => {
                let p = place(abs, x, y)?;
                self.end();
                (self.at, self.start) = (p, p);
            }
            S::LineTo { abs, x, y } => self.push(Segment::Line(place(abs, x, y)?)),
            S::HorizontalLineTo { abs, x } => {
                let x = if abs { x } else { at[0] + x };
                self.push(Segment::Line(place(true, x, at[1])?));
            }
            S::VerticalLineTo { abs, y } => {
                let y = if abs { y } else { at[1] + y };
                self.push(Segment::Line(place(true, at[0], y)?));
            }
            S::CurveTo { abs, x1, y1, x2, y2, x, y } => {
                let (a, b) = (place(abs, x1, y1)?, place(abs, x2, y2)?);
                self.push(Segment::Cubic(a, b, place(abs, x, y)?));
                self.cubic = Some(b);
            }
            S::SmoothCurveTo { abs, x2, y2, x, y } => {
                let (a, b) = (mirror(cubic, at), place(abs, x2, y2)?);
                self.push(Segment::Cubic(a, b, place(abs, x, y)?));
                self.cubic = Some(b);
            }
            S::Quadratic { abs, x1, y1, x, y } => {
                let control = place(abs, x1, y1)?;
                self.quad(control, place(abs, x, y)?);
            }
            S::SmoothQuadratic { abs, x, y } => {
                self.quad(mirror(quadratic, at), place(abs, x, y)?);
            }
            S::EllipticalArc { abs, rx, ry, x_axis_rotation, large_arc, sweep, x, y } => {
                let to = place(abs, x, y)?;
                let (radii, turn) = ([rx.abs(), ry.abs()], x_axis_rotation.to_radians());
                let bent = || bent(at, to, radii, large_arc, sweep);
                let round = || arc(at, to, radii, turn, large_arc, sweep).map(Segment::Arc);
                self.push(bent().or_else(round).unwrap_or(Segment::Line(to)));
            }
            S::ClosePath { .. } => {
                if let Some(open) = &mut self.open {
                    open.closed = true;
                }
                self.end();
                self.at = self.start;
            }
        }
        Some(())
    }

    fn quad(&mut self, control: P, to: P) {
        let third = |p: P| add(p, scaled(sub(control, p), 2.0 / 3.0));
        self.push(Segment::Cubic(third(self.at), third(to), to));
        self.quadratic = Some(control);
    }

    fn push(&mut self, segment: Segment) {
        let at = self.at;
        // Most outlines have a few segments.
        let open = self.open.get_or_insert_with(|| Outline {
            start: at,
            segments: Vec::with_capacity(6),
            closed: false,
        });
        self.at = segment.end();
        if let [before @ .., last] = open.segments.as_mut_slice() {
            let from = before.last().map_or(open.start, Segment::end);
            if let Some(both) = joined_segments([from, at], last, &segment) {
                *last = Segment::Arc(both);
                return;
            }
        }
        open.segments.push(segment);
    }

    fn end(&mut self) {
        self.outlines.extend(self.open.take());
    }
}

fn mirror(control: Option<P>, at: P) -> P {
    control.map_or(at, |control| sub(scaled(at, 2.0), control))
}

/// As [`joined`], of segments that begin at `starts`.
fn joined_segments(starts: [P; 2], last: &Segment, next: &Segment) -> Option<Arc> {
    match (last, next) {
        (Segment::Arc(_) | Segment::Bend(..), Segment::Arc(_)) | (Segment::Arc(_), _) => {}
        // Nearly all arcs in a row have other radii, or turn the other way.
        (Segment::Bend(middle, a), Segment::Bend(end, b)) => {
            let radii =
                [radius_of_bend(starts[0], *middle, *a), radius_of_bend(starts[1], *end, *b)];
            let near = 1e-5 * radii[0].max(radii[1]) + 1e-6;
            if (a < &0.0) != (b < &0.0) || (radii[0] - radii[1]).abs() > near {
                return None;
            }
        }
        _ => return None,
    }
    match (last.with_angles(starts[0]), next.with_angles(starts[1])) {
        (Segment::Arc(last), Segment::Arc(next)) => joined(&last, &next),
        _ => None,
    }
}

/// Two arcs of one ellipse as one: what turns by more than half is written in pieces.
fn joined(last: &Arc, next: &Arc) -> Option<Arc> {
    let size = length(last.u).max(length(last.v));
    let near = |a: P, b: P| length(sub(a, b)) <= 1e-5 * size + 1e-6;
    let sweep = (last.to - last.from) + (next.to - next.from);
    let turns = (last.to >= last.from) == (next.to >= next.from) && sweep.abs() <= TAU + 1e-5;
    if !(turns && near(last.centre, next.centre) && near(last.u, next.u) && near(last.v, next.v)) {
        return None;
    }
    let is_whole = (sweep.abs() - TAU).abs() < 1e-5;
    let sweep = if is_whole { TAU.copysign(sweep) } else { sweep };
    Some(Arc { to: last.from + sweep, end: next.end, ..*last })
}

/// An arc of a circle by its bulge: half of the chord over the radius is the sine of a quarter of
/// its angle, twice. `None`: it is none, or nearly all of the circle.
fn bent(from: P, to: P, [rx, ry]: P, large: bool, sweep: bool) -> Option<Segment> {
    if rx != ry || !(TINY..=FAR).contains(&rx) {
        return None;
    }
    let half = length(sub(to, from)) / 2.0;
    if half < TINY / 2.0 {
        return None;
    }
    let reach = half / rx;
    let bulge = if reach > 1.0 || (1.0 - reach) * rx <= WRITTEN.min(rx * 1e-3) {
        1.0
    } else {
        let rest = ((1.0 - reach) * (1.0 + reach)).sqrt();
        if large { (1.0 + rest) / reach } else { reach / (1.0 + rest) }
    };
    (bulge < 1e3).then(|| bend(from, to, if sweep { bulge } else { -bulge }))
}

/// From ends to centre (SVG 2, appendix B.2.4). `None`: it is a line.
fn arc(from: P, to: P, radii: P, turn: f64, large: bool, sweep: bool) -> Option<Arc> {
    let [mut rx, mut ry] = radii;
    if rx < TINY || ry < TINY || rx > FAR || ry > FAR || !turn.is_finite() {
        return None;
    }
    let half = scaled(sub(from, to), 0.5);
    if length(half) < TINY / 2.0 {
        return None;
    }
    let (c, s) = (cos(turn), sin(turn));
    // In the coordinates of the unit circle.
    let x = (c * half[0] + s * half[1]) / rx;
    let y = (c * half[1] - s * half[0]) / ry;
    let reach = length([x, y]);
    let mut height = 0.0;
    if reach > 1.0 || (1.0 - reach) * rx.min(ry) <= WRITTEN.min(rx.min(ry) * 1e-3) {
        (rx, ry) = (rx * reach, ry * reach);
    } else {
        height = (1.0 - reach * reach).max(0.0).sqrt() / reach;
        if large == sweep {
            height = -height;
        }
    }
    let scale = if height == 0.0 { 1.0 / reach } else { 1.0 };
    let (x, y) = (x * scale, y * scale);
    let (cx, cy) = (height * y, -height * x);
    let middle = scaled(add(from, to), 0.5);
    let (u, v) = ([rx * c, rx * s], [-ry * s, ry * c]);
    let centre = add(middle, add(scaled(u, cx), scaled(v, cy)));
    let begin = atan2(y - cy, x - cx);
    let end = atan2(-y - cy, -x - cx);
    let mut by = end - begin;
    if height == 0.0 {
        by = if sweep { PI } else { -PI };
    } else if sweep && by < 0.0 {
        by += TAU;
    } else if !sweep && by > 0.0 {
        by -= TAU;
    }
    Some(Arc { centre, u, v, from: begin, to: begin + by, end: to })
}

/// Half of an angle's arc that lies `deviation` from its chord, for a radius of 1.
pub(super) fn step(deviation: f64) -> f64 {
    2.0 * acos((1.0 - deviation).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Outline {
        let [outline] = <[Outline; 1]>::try_from(data(text)).expect("one outline");
        outline
    }

    #[test]
    fn arcs_have_the_centre_that_their_ends_say() {
        for (text, centre, sweep) in [
            ("M1 0A1 1 0 0 1 0 1", [0.0, 0.0], PI / 2.0),
            ("M1 0A1 1 0 1 0 0 1", [0.0, 0.0], -1.5 * PI),
            ("M0 0A5 5 0 0 1 10 0", [5.0, 0.0], PI),
            // Half a turn that is written a little too short.
            ("M0 0A50 50 0 0 0 99.999999 0", [49.999_999_5, 0.0], -PI),
            ("M2 0A2 1 0 0 1 0 1", [0.0, 0.0], PI / 2.0),
        ] {
            let outline = one(text);
            let segments = outline.segments.as_slice();
            let [segment] = segments else { panic!("{outline:?}") };
            let Segment::Arc(arc) = segment.with_angles(outline.start) else {
                panic!("{outline:?}")
            };
            assert!(length(sub(arc.centre, centre)) < 1e-6, "{text}: {arc:?}");
            assert!((arc.to - arc.from - sweep).abs() < 1e-6, "{text}: {arc:?}");
        }
    }

    #[test]
    fn arcs_in_pieces_are_one() {
        let outline = one("M1 0A1 1 0 0 1 -1 0A1 1 0 0 1 1 0Z");
        let [Segment::Arc(arc)] = outline.segments.as_slice() else { panic!("{outline:?}") };
        assert!((arc.to - arc.from - TAU).abs() < 1e-9 && outline.closed);
        assert_eq!(one("M1 0A1 1 0 0 1 -1 0A1 1 0 0 0 1 0Z").segments.len(), 2);
    }

    #[test]
    fn plain_data_is_read_as_all_data_is() {
        for text in [
            "M0 0L5 5",
            "M0,0 5,5 L 1 2 3 4Z",
            "M1 0A1 1 0 0 1 0 1A1 1 0 0 1 -1 0C1 2 3 4 5 6 7 8 9 10 11 12Z M5 5L6 6",
            "M0 0L1 1Z",
        ] {
            assert_eq!(plain(text), Some(parsed(text)), "{text}");
        }
        for text in ["m0 0l1 1", "M0 0h5", "L1 1", "M0 0L1", "M0 0A1 1 0 01 5 5", "M0 0Z5 5", "x"] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(plain(""), Some(Vec::new()));
    }

    #[test]
    fn a_fault_ends_the_outline() {
        assert_eq!(one("M0 0L1 1Lx").segments.len(), 1);
        assert!(data("M0 0L1e13 0").is_empty());
        assert_eq!(data("M0 0h1v1zl2 2").len(), 2);
    }
}

//! Path data (SVG 1.1, section 8.3) to outlines.

use kurbo::{Arc, BezPath, Point, SvgArc, Vec2};
use svgtypes::{PathParser, PathSegment as S};

/// Beyond this many user units a coordinate is a mistake, and floats no longer
/// keep the micrometres the tiers promise.
pub(crate) const FAR: f64 = 1e12;

/// Where path data stops being path data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFault {
    /// Byte offset in the attribute's value.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

/// Reads path data: the outline up to the first fault, as SVG prescribes, and
/// the fault.
pub fn path(data: &str) -> (BezPath, Option<PathFault>) {
    let mut pen = Pen { path: BezPath::with_capacity(data.len() / 12), ..Pen::default() };
    let mut segments = 0_usize;
    for segment in PathParser::from(data) {
        match segment {
            Ok(segment) => {
                segments += 1;
                if !pen.draw(segment) {
                    let message = format!("segment {segments}: a coordinate is beyond {FAR:e}");
                    return (pen.path, Some(PathFault { offset: 0, message }));
                }
            }
            Err(e) => return (pen.path, Some(fault(data, &e))),
        }
    }
    (pen.path, None)
}

fn fault(data: &str, error: &svgtypes::Error) -> PathFault {
    use svgtypes::Error as E;
    // The parser counts characters from 1.
    let place = match error {
        E::UnexpectedData(at) | E::InvalidNumber(at) => Some(*at),
        E::InvalidChar(_, at) | E::InvalidString(_, at) => Some(*at),
        _ => None,
    };
    let offset = place
        .and_then(|at| data.char_indices().nth(at.saturating_sub(1)))
        .map_or(data.len(), |(offset, _)| offset);
    let seen = data.get(offset..).and_then(|rest| rest.chars().next());
    let message = match (error, seen) {
        (E::UnexpectedEndOfStream, _) | (_, None) => {
            "it ends where a number is expected".to_owned()
        }
        (_, Some(c)) => format!("expected a command or a number, found `{c}`"),
    };
    PathFault { offset, message }
}

/// The state between path commands.
#[derive(Default)]
struct Pen {
    path: BezPath,
    /// Where the pen is.
    at: Point,
    /// Where the subpath began.
    start: Point,
    /// The last control point, for smooth curves: cubic, quadratic.
    cubic: Option<Point>,
    quadratic: Option<Point>,
    /// The subpath was closed; the next command but a move opens one at its start.
    closed: bool,
}

impl Pen {
    /// Adds a segment; `false`, adding nothing, when it goes too far.
    fn draw(&mut self, segment: S) -> bool {
        let base = |abs: bool| if abs { Vec2::ZERO } else { self.at.to_vec2() };
        let (cubic, quadratic) = (self.cubic.take(), self.quadratic.take());
        match segment {
            S::MoveTo { abs, x, y } => {
                let p = Point::new(x, y) + base(abs);
                if !near(p) {
                    return false;
                }
                self.path.move_to(p);
                (self.at, self.start, self.closed) = (p, p, false);
                true
            }
            S::LineTo { abs, x, y } => self.line(Point::new(x, y) + base(abs)),
            S::HorizontalLineTo { abs, x } => self.line(Point::new(x + base(abs).x, self.at.y)),
            S::VerticalLineTo { abs, y } => self.line(Point::new(self.at.x, y + base(abs).y)),
            S::CurveTo { abs, x1, y1, x2, y2, x, y } => {
                let b = base(abs);
                self.curve(Point::new(x1, y1) + b, Point::new(x2, y2) + b, Point::new(x, y) + b)
            }
            S::SmoothCurveTo { abs, x2, y2, x, y } => {
                let b = base(abs);
                let first = mirror(cubic, self.at);
                self.curve(first, Point::new(x2, y2) + b, Point::new(x, y) + b)
            }
            S::Quadratic { abs, x1, y1, x, y } => {
                let b = base(abs);
                self.quad(Point::new(x1, y1) + b, Point::new(x, y) + b)
            }
            S::SmoothQuadratic { abs, x, y } => {
                let b = base(abs);
                self.quad(mirror(quadratic, self.at), Point::new(x, y) + b)
            }
            S::EllipticalArc { abs, rx, ry, x_axis_rotation, large_arc, sweep, x, y } => {
                let to = Point::new(x, y) + base(abs);
                self.arc(Vec2::new(rx, ry), x_axis_rotation, large_arc, sweep, to)
            }
            S::ClosePath { .. } => {
                if !self.closed && !self.path.elements().is_empty() {
                    self.path.close_path();
                }
                (self.at, self.closed) = (self.start, true);
                true
            }
        }
    }

    fn open(&mut self) {
        if self.closed {
            self.path.move_to(self.start);
            self.closed = false;
        }
    }

    fn line(&mut self, p: Point) -> bool {
        if !near(p) {
            return false;
        }
        self.open();
        self.path.line_to(p);
        self.at = p;
        true
    }

    fn curve(&mut self, p1: Point, p2: Point, p: Point) -> bool {
        if !(near(p1) && near(p2) && near(p)) {
            return false;
        }
        self.open();
        self.path.curve_to(p1, p2, p);
        (self.at, self.cubic) = (p, Some(p2));
        true
    }

    fn quad(&mut self, p1: Point, p: Point) -> bool {
        if !(near(p1) && near(p)) {
            return false;
        }
        self.open();
        self.path.quad_to(p1, p);
        (self.at, self.quadratic) = (p, Some(p1));
        true
    }

    fn arc(&mut self, radii: Vec2, degrees: f64, large: bool, sweep: bool, to: Point) -> bool {
        if !(near(to) && near(radii.to_point()) && degrees.is_finite()) {
            return false;
        }
        // Below these sizes the centre is a quotient of two zeros (SVG 1.1, F.6.5).
        let tiny = 1e-9;
        if radii.x.abs() < tiny || radii.y.abs() < tiny || (to - self.at).hypot() < tiny {
            return self.line(to);
        }
        let arc = Arc::from_svg_arc(&SvgArc {
            from: self.at,
            to,
            radii,
            x_rotation: degrees.to_radians(),
            large_arc: large,
            sweep,
        });
        let Some(arc) = arc else { return self.line(to) };
        // A tolerance that grows with the radius bounds the number of curves,
        // whatever the radius: about ten for a full turn.
        let tolerance = arc.radii.x.max(arc.radii.y) * 1e-6;
        let fine = arc.center.is_finite() && arc.radii.is_finite() && arc.sweep_angle.is_finite();
        if !fine || tolerance <= 0.0 {
            return self.line(to);
        }
        self.open();
        let mark = self.path.elements().len();
        arc.to_cubic_beziers(tolerance, |p1, p2, p| self.path.curve_to(p1, p2, p));
        // End where the data says, not where the sine of the angle says.
        if self.path.elements().len() > mark
            && let Some(kurbo::PathEl::CurveTo(_, _, end)) = self.path.elements_mut().last_mut()
        {
            *end = to;
        }
        self.at = to;
        true
    }
}

fn near(p: Point) -> bool {
    p.x.abs() <= FAR && p.y.abs() <= FAR
}

fn mirror(control: Option<Point>, about: Point) -> Point {
    control.map_or(about, |c| about + (about - c))
}

#[cfg(test)]
mod tests {
    use kurbo::Shape;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_resolved_as_the_standard_says() {
        let cases = [
            ("M1 2 3 4", "M1,2 L3,4"),
            ("m1 2 3 4 5 6", "M1,2 L4,6 L9,12"),
            ("M10-20h5v5H0V0", "M10,-20 L15,-20 L15,-15 L0,-15 L0,0"),
            ("M0 0L1 0 1 1zl5 5", "M0,0 L1,0 L1,1 Z M0,0 L5,5"),
            ("M0 0zz", "M0,0 Z"),
            ("M0 0C1 1 2 1 3 0S5 -1 6 0", "M0,0 C1,1 2,1 3,0 C4,-1 5,-1 6,0"),
            ("M0 0S5 -1 6 0", "M0,0 C0,0 5,-1 6,0"),
            ("M0 0Q1 1 2 0T4 0t2 0", "M0,0 Q1,1 2,0 Q3,-1 4,0 Q5,1 6,0"),
            ("M0 0T2 0", "M0,0 Q0,0 2,0"),
            ("M0 0A0 5 0 0 1 3 3", "M0,0 L3,3"),
            ("M1 1A5 5 0 0 1 1 1", "M1,1 L1,1"),
        ];
        for (data, expected) in cases {
            let (path, fault) = path(data);
            assert_eq!((path.to_svg(), fault), (expected.to_owned(), None), "{data}");
        }
    }

    #[test]
    fn compact_arc_flags_are_read() {
        let (path, fault) = path("M0 0a5 5 0 1110 0");
        assert_eq!(fault, None);
        let b = path.bounding_box();
        assert!((b.x0, b.x1) == (0.0, 10.0) || (b.width() - 10.0).abs() < 1e-4, "{b:?}");
        assert!((b.height() - 5.0).abs() < 1e-4, "{b:?}");
    }

    #[test]
    fn a_fault_keeps_what_came_before_it_and_says_where() {
        let cases = [
            ("M0 0L1 1 oops L5 5", "M0,0 L1,1", 9),
            ("oops", "", 0),
            ("L1 1", "", 0),
            ("M0 0L1", "M0,0", 6),
            ("M0 0L1 1L1e13 0 2 2", "M0,0 L1,1", 0),
            ("M0 0A1e300 1e300 0 1 1 1e300 0", "M0,0", 0),
        ];
        for (data, kept, offset) in cases {
            let (path, fault) = path(data);
            let fault = fault.unwrap_or_else(|| panic!("{data}: no fault"));
            assert_eq!(path.to_svg(), kept, "{data}: {fault:?}");
            assert_eq!(fault.offset, offset, "{data}: {fault:?}");
        }
    }

    #[test]
    fn a_huge_arc_has_few_curves() {
        let (path, fault) = path("M0 0A1e-4 1e5 0 1 1 1e12 0");
        assert_eq!(fault, None);
        assert!(path.elements().len() < 32, "{}", path.elements().len());
        assert!(path.is_finite());
    }

    proptest! {
        #[test]
        fn no_data_panics(data in "[MmZzLlHhVvCcSsQqTtAa0-9eE.,+\\- ]{0,80}") {
            let (path, _) = path(&data);
            prop_assert!(path.is_finite());
        }
    }
}

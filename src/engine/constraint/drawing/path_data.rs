//! Path data of straight and circular ways, with numbered vertices.

use svgtypes::{PathParser, PathSegment as S};

use super::arc;
use crate::constraint::sketch::PathArc;

/// One command, in absolute coordinates; vertices and arcs by their numbers, from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Command {
    Move(usize),
    Line(usize),
    Arc { to: usize, arc: usize, sweep: bool },
    Close,
}

/// The order in which a path goes through its vertices.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outline {
    steps: Vec<Command>,
}

/// A path as it is drawn.
pub(super) struct Read {
    pub(super) outline: Outline,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) arcs: Vec<PathArc>,
}

impl Outline {
    /// Reads path data. Every command but `Z` ends at a vertex of its own, save one
    /// that returns to the start of its subpath right before a `Z`.
    ///
    /// # Errors
    /// A sentence about the first thing that is neither straight nor circular.
    pub(super) fn read(data: &str) -> Result<Read, String> {
        let mut read = Read { outline: Outline::default(), points: Vec::new(), arcs: Vec::new() };
        let (mut at, mut here) = ((0.0, 0.0), 0);
        let (mut start, mut first) = ((0.0, 0.0), 0);
        for segment in PathParser::from(data) {
            let segment = segment.map_err(|e| format!("its path data breaks off: {e}"))?;
            let place = |abs: bool, x: f64, y: f64| {
                if abs { (x, y) } else { (at.0 + x, at.1 + y) }
            };
            let to = match segment {
                S::MoveTo { abs, x, y } | S::LineTo { abs, x, y } => place(abs, x, y),
                S::HorizontalLineTo { abs, x } => (place(abs, x, 0.0).0, at.1),
                S::VerticalLineTo { abs, y } => (at.0, place(abs, 0.0, y).1),
                S::EllipticalArc { abs, x, y, rx, ry, .. } => {
                    if !((rx - ry).abs() <= 1e-9 * rx.abs().max(ry.abs())) {
                        return Err("it has an elliptical arc".to_owned());
                    }
                    place(abs, x, y)
                }
                S::ClosePath { .. } => {
                    read.close(first, start);
                    (at, here) = (start, first);
                    continue;
                }
                _ => return Err("it has curves that are not circular".to_owned()),
            };
            let number = read.points.len();
            read.points.push(to);
            let step = match segment {
                S::MoveTo { .. } => {
                    (start, first) = (to, number);
                    Command::Move(number)
                }
                S::EllipticalArc { rx, large_arc, sweep, .. } if rx != 0.0 && to != at => {
                    let ((cx, cy), r) = arc::center(at, to, rx, large_arc, sweep);
                    read.arcs.push(PathArc { from: here + 1, to: number + 1, cx, cy, r });
                    Command::Arc { to: number, arc: read.arcs.len() - 1, sweep }
                }
                _ => Command::Line(number),
            };
            read.outline.steps.push(step);
            (at, here) = (to, number);
        }
        Ok(read)
    }

    /// Of each arc, whether it goes from the x axis towards the y axis.
    pub(super) fn sweeps(&self) -> impl Iterator<Item = bool> + '_ {
        self.steps.iter().filter_map(|step| match step {
            Command::Arc { sweep, .. } => Some(*sweep),
            _ => None,
        })
    }

    /// Path data with the vertices, centres and radii given; `number` writes a number,
    /// `radius` one that is not to grow by rounding.
    pub(super) fn write(
        &self,
        points: &[(f64, f64)],
        arcs: &[((f64, f64), f64)],
        number: impl Fn(f64) -> String,
        radius: impl Fn(f64) -> String,
    ) -> String {
        let at = |n: usize| points.get(n).copied().unwrap_or_default();
        let xy = |n: usize| format!("{} {}", number(at(n).0), number(at(n).1));
        let mut parts = Vec::with_capacity(self.steps.len());
        let mut here = 0;
        for &step in &self.steps {
            parts.push(match step {
                Command::Move(n) => format!("M {}", xy(n)),
                Command::Line(n) => format!("L {}", xy(n)),
                Command::Arc { to, arc, sweep } => {
                    let (c, r) = arcs.get(arc).copied().unwrap_or_default();
                    let large = u8::from(arc::is_large(at(here), at(to), c, sweep));
                    let (r, sweep) = (radius(r), u8::from(sweep));
                    format!("A {r} {r} 0 {large} {sweep} {}", xy(to))
                }
                Command::Close => "Z".to_owned(),
            });
            if let Command::Move(n) | Command::Line(n) | Command::Arc { to: n, .. } = step {
                here = n;
            }
        }
        parts.join(" ")
    }
}

impl Read {
    /// A way that came back to where its subpath began ends at that vertex.
    fn close(&mut self, first: usize, start: (f64, f64)) {
        let last = self.points.len() - usize::from(!self.points.is_empty());
        let back = self
            .points
            .get(last)
            .is_some_and(|p| (p.0 - start.0).abs() <= 1e-9 && (p.1 - start.1).abs() <= 1e-9);
        if back && last > first {
            match self.outline.steps.last_mut() {
                Some(Command::Line(n)) if *n == last => *n = first,
                Some(Command::Arc { to, arc, .. }) if *to == last => {
                    *to = first;
                    if let Some(arc) = self.arcs.get_mut(*arc) {
                        arc.to = first + 1;
                    }
                }
                _ => return self.outline.steps.push(Command::Close),
            }
            self.points.pop();
        }
        self.outline.steps.push(Command::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_four_vertices_and_two_arcs_and_is_written_as_it_was() {
        let slot = "M 10 0 L 50 0 A 10 10 0 0 1 50 20 L 10 20 A 10 10 0 0 1 10 0 Z";
        let read = Outline::read(slot).unwrap();
        assert_eq!(read.points, [(10.0, 0.0), (50.0, 0.0), (50.0, 20.0), (10.0, 20.0)]);
        let ends: Vec<_> = read.arcs.iter().map(|a| (a.from, a.to, a.cx, a.cy)).collect();
        assert_eq!(ends, [(2, 3, 50.0, 10.0), (4, 1, 10.0, 10.0)]);
        let arcs: Vec<_> = read.arcs.iter().map(|a| ((a.cx, a.cy), a.r)).collect();
        let number = |v: f64| v.to_string();
        assert_eq!(read.outline.write(&read.points, &arcs, number, number), slot);
    }

    #[test]
    fn relative_commands_and_short_forms_are_understood_and_curves_refused() {
        let read = Outline::read("m1 1h4v3l-4 0zm10 0a2 2 0 1 0 0 4").unwrap();
        let points = [(1.0, 1.0), (5.0, 1.0), (5.0, 4.0), (1.0, 4.0), (11.0, 1.0), (11.0, 5.0)];
        assert_eq!(read.points, points);
        assert_eq!((read.arcs[0].from, read.arcs[0].to), (5, 6));
        for (data, expected) in [
            ("M0 0C1 1 2 2 3 3", "not circular"),
            ("M0 0A2 3 0 0 0 4 4", "elliptical"),
            ("M0 0L", "breaks off"),
        ] {
            let Err(message) = Outline::read(data) else { panic!("{data}") };
            assert!(message.contains(expected), "{message}");
        }
    }
}

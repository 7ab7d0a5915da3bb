//! Edits of shapes: what a draughtsman cuts, rounds, shifts aside, copies and unites.
//!
//! An element is read as outlines in micrometres of the world, `svgx_shapes` does the geometry, and the
//! outlines are written back in the coordinates of the element, as the plainest element that draws them.

mod copies;
mod corners;
mod cutting;
mod regions;
mod rewrite;

use kurbo::Point;
use svgx_base::budget::{Budget, Time};
use svgx_engine::document::NodeId;
use svgx_engine::geometry::{Length, Unit};
use svgx_shapes::{Outline, Vector};

use super::super::drawn::{self, Drawn, Frame};
use super::super::error::Error;
use super::super::operation::{Coordinates, Measure, Operation, References};
use super::super::outcome::Edited;
use super::{Session, Transaction, operations};

/// The members of a place that is pointed at.
const AT: [&str; 2] = ["at.x", "at.y"];
/// Shapes that one edit looks at.
const OTHERS: usize = 20_000;

/// Vertices of the shapes of one edit: an overlay cannot be stopped, and is bounded before it begins.
const VERTICES: usize = 200_000;

/// What one edit has done so far.
struct Work {
    operation: &'static str,
    policy: References,
    edited: Edited,
    /// Where each element that was written is to be drawn: its box, in micrometres.
    expected: Vec<(u32, Vector, Vector)>,
}

impl Work {
    fn new(operation: &'static str, policy: Option<References>) -> Work {
        let policy = policy.unwrap_or_default();
        Work { operation, policy, edited: Edited::default(), expected: Vec::new() }
    }

    /// How far off the answer is: what was read, and what was made of it.
    fn off(&mut self, read_mm: f64, made_mm: f64) {
        self.edited.error_mm = self.edited.error_mm.max(read_mm + made_mm);
    }
}

/// A shape of the drawing that is edited.
struct Subject {
    node: NodeId,
    frame: Frame,
    drawn: Drawn,
}

impl Subject {
    /// The outline that is nearest to a place: its number.
    fn nearest(&self, to: Vector) -> usize {
        let away = self.drawn.outlines.iter().map(|o| o.nearest(to).1).enumerate();
        away.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at)
    }

    /// The outlines with others in place of one.
    fn with(&self, at: usize, outlines: Vec<Outline>) -> Vec<Outline> {
        let mut all = self.drawn.outlines.clone();
        if at < all.len() {
            all.splice(at..=at, outlines);
        }
        all
    }
}

impl Session {
    pub(super) fn edit_shapes(
        &mut self,
        operation: &Operation,
        now: Time,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        use Operation as O;
        let word = operation.name();
        // What is held is let go: its place is another one after this.
        self.interactive.drag = None;
        self.recompile_meaning();
        self.budget = budget.clone();
        let work = match operation {
            O::Trim(asked) => self.trim(asked, tx)?,
            O::Extend(asked) => self.extend(asked, tx)?,
            O::Fillet(asked) => self.fillet(asked, tx)?,
            O::Chamfer(asked) => self.chamfer(asked, tx)?,
            O::Offset(asked) => self.offset(asked, tx)?,
            O::Mirror(asked) => self.mirror(asked, tx)?,
            O::Array(asked) => self.array(asked, tx)?,
            O::Split(asked) => self.split(asked, tx)?,
            O::Join(asked) => self.join(asked, tx)?,
            O::Combine(asked) => self.combine(asked, tx)?,
            _ => Work::new(word, None),
        };
        self.pause()?;
        self.finish(work, now, tx)
    }

    /// Looks whether there is still time: before and behind each step of geometry, none of which can
    /// be stopped itself.
    fn pause(&self) -> Result<(), Error> {
        self.budget.checkpoint().map_err(Error::Stopped)
    }

    /// Looks whether what was written is drawn where it should be, and brings everything up to date.
    fn finish(&mut self, work: Work, now: Time, tx: &mut Transaction) -> Result<(), Error> {
        self.settle();
        let unit = drawn::um_per_unit(self.drawing());
        let step = self.step();
        for &(number, low, high) in &work.expected {
            let Some(node) = self.node(number) else { continue };
            let Some(shown) = self.scene.bounds(node) else { continue };
            let size = (high - low).length();
            let slack = 2.0 * step + 16.0 + 1e-4 * size;
            let near = |units: f64, um: f64| (units * unit - um).abs() <= slack;
            let same = near(shown.x0, low.x)
                && near(shown.y0, low.y)
                && near(shown.x1, high.x)
                && near(shown.y1, high.y);
            if !same {
                let reason = "its style states its shape or its place";
                return Err(self.unsuitable(work.operation, node, reason));
            }
        }
        self.drop_constraints(tx);
        let first = work.edited.changed.first().or(work.edited.created.first());
        tx.effect.element_id = first.cloned();
        tx.effect.edited = Some(work.edited);
        self.follow_structure(now, tx)
    }

    /// The step that coordinates are rounded to, in micrometres.
    fn step(&self) -> f64 {
        let decimals = f64::from(self.interactive.precision.decimals());
        libm::pow(10.0, 3.0 - decimals).clamp(1.0, 100.0)
    }

    /// Reads a shape.
    ///
    /// # Errors
    /// [`Error::Unsuitable`].
    fn subject(&self, node: NodeId, operation: &'static str) -> Result<Subject, Error> {
        self.pause()?;
        let tier = self.interactive.precision;
        let frame = Frame::of(self.drawing(), node, tier)
            .ok_or_else(|| self.unsuitable(operation, node, "what is around flattens it"))?;
        let drawn = drawn::read(self.drawing(), node, frame, self.step())
            .map_err(|reason| self.unsuitable(operation, node, reason))?;
        check_vertices(&drawn.outlines)?;
        Ok(Subject { node, frame, drawn })
    }

    fn subject_named(&self, id: &str, operation: &'static str) -> Result<Subject, Error> {
        let node = self.node(self.named(id)?).unwrap_or(NodeId::ROOT);
        self.subject(node, operation)
    }

    /// The outlines of other shapes: those that are named, or else those of `candidates` that can be read.
    fn others(
        &self,
        subject: NodeId,
        named: Option<&Vec<String>>,
        operation: &'static str,
        candidates: impl FnOnce(&Session) -> Vec<NodeId>,
    ) -> Result<Vec<Outline>, Error> {
        let mut outlines = Vec::new();
        if let Some(ids) = named {
            operations::check_limit("elements of one operation", OTHERS, ids.len())?;
            for id in ids {
                outlines.extend(self.subject_named(id, operation)?.drawn.outlines);
            }
            check_vertices(&outlines)?;
            return Ok(outlines);
        }
        let nodes = candidates(self);
        operations::check_limit("shapes that reach there", OTHERS, nodes.len())?;
        for node in nodes.into_iter().filter(|&n| n != subject) {
            match self.subject(node, operation) {
                Ok(other) => outlines.extend(other.drawn.outlines),
                Err(Error::Stopped(stop)) => return Err(Error::Stopped(stop)),
                // What is no shape is in nobody's way.
                Err(_) => {}
            }
        }
        self.pause()?;
        check_vertices(&outlines)?;
        Ok(outlines)
    }

    /// A place of the root's coordinates in micrometres; `names`: of its members, for a refusal.
    fn place(&self, at: Coordinates, names: [&'static str; 2]) -> Result<Vector, Error> {
        for (name, value) in names.into_iter().zip([at.x, at.y]) {
            let expected = "a number between -1e9 and 1e9";
            if !(value.is_finite() && value.abs() <= 1e9) {
                return Err(Error::BadNumber { name, value, expected });
            }
        }
        let unit = drawn::um_per_unit(self.drawing());
        Ok(Vector::new(at.x * unit, at.y * unit))
    }

    /// A length in micrometres.
    fn measured(&self, name: &'static str, measure: &Measure) -> Result<f64, Error> {
        let unit = drawn::um_per_unit(self.drawing());
        let expected = "a length, in user units or with a unit such as mm, cm, m, in or ft";
        let um = match measure {
            Measure::Units(units) => units * unit,
            Measure::Text(text) => {
                let bad = || Error::BadOperation {
                    reason: format!("{name} is {:?}; expected {expected}", shortened(text)),
                };
                let length = Length::parse(text.trim()).map_err(|_| bad())?;
                match length.unit {
                    Unit::None => length.number * unit,
                    _ => length.to_mm().map_err(|_| bad())? * 1e3,
                }
            }
        };
        match um.is_finite() && um.abs() <= svgx_shapes::LIMIT as f64 {
            true => Ok(um),
            false => Err(Error::BadNumber { name, value: um / 1e3, expected }),
        }
    }

    /// What the geometry has to say against it.
    fn impossible(&self, work: &Work, node: NodeId, error: &svgx_shapes::Error) -> Error {
        use svgx_shapes::Error as E;
        // Vertices are counted from 1 here, as in constraints.
        let error = match error.clone() {
            E::DoesNotFit { what, value_mm, corner, side_mm, largest_mm } => {
                E::DoesNotFit { what, value_mm, corner: corner + 1, side_mm, largest_mm }
            }
            E::Smooth { corner } => E::Smooth { corner: corner + 1 },
            other => other,
        };
        self.unsuitable(work.operation, node, error.to_string())
    }
}

fn check_vertices<'o>(outlines: impl IntoIterator<Item = &'o Outline>) -> Result<(), Error> {
    let seen = outlines.into_iter().map(|o| o.vertices().len()).sum();
    operations::check_limit("vertices of the shapes of one edit", VERTICES, seen)
}

fn shortened(text: &str) -> String {
    text.chars().take(32).collect()
}

fn centre(bounds: kurbo::Rect, unit: f64) -> Vector {
    let Point { x, y } = bounds.center();
    Vector::new(x * unit, y * unit)
}

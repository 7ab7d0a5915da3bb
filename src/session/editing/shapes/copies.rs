//! Mirrored elements, and arrays of them. These are any elements, texts and groups too: they are moved by
//! their `transform`, or by their coordinates where that is all it takes.

use kurbo::{Affine, Vec2};
use svgx_engine::document::NodeId;
use svgx_shapes::{Motion, Vector, along, grid, polar};

use super::super::super::drawn;
use super::super::super::error::Error;
use super::super::super::operation::{Array, Mirror};
use super::super::{Session, Transaction, operations};
use super::{Work, centre};

/// Elements that one array makes.
const COPIES: usize = 10_000;

impl Session {
    pub(super) fn mirror(&mut self, asked: &Mirror, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("mirror", None);
        let targets =
            self.targets(asked.element_id.as_ref(), asked.element_ids.as_ref(), work.operation)?;
        let [from, to] = asked.axis.as_slice() else {
            let reason = "`axis` is two points of the line".to_owned();
            return Err(Error::BadOperation { reason });
        };
        let (from, to) = (
            self.place(*from, ["axis.0.x", "axis.0.y"])?,
            self.place(*to, ["axis.1.x", "axis.1.y"])?,
        );
        let motion = Motion::mirror(from, to).map_err(|_| {
            let reason = "the two points of `axis` are one".to_owned();
            Error::BadOperation { reason }
        })?;
        let targets = match asked.copy.unwrap_or(false) {
            false => targets,
            true => self.copies(&targets, 1, &mut work, tx)?.concat(),
        };
        let world = self.affine(&motion);
        let each: Vec<(NodeId, Affine)> = targets.iter().map(|&node| (node, world)).collect();
        self.transform_each(&each, work.operation, tx)?;
        if !asked.copy.unwrap_or(false) {
            work.edited.changed = self.labels(&targets);
        }
        Ok(work)
    }

    pub(super) fn array(&mut self, asked: &Array, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("array", None);
        let targets =
            self.targets(asked.element_id.as_ref(), asked.element_ids.as_ref(), work.operation)?;
        let motions = self.motions(asked, &targets, &work)?;
        let made = motions.len().saturating_mul(targets.len());
        operations::check_limit("copies of one array", COPIES, made)?;
        if motions.is_empty() {
            let reason = "an array of one is what is there; ask for two or more".to_owned();
            return Err(Error::BadOperation { reason });
        }
        let copies = self.copies(&targets, motions.len(), &mut work, tx)?;
        let mut each = Vec::new();
        for (motion, nodes) in motions.iter().zip(copies) {
            let world = self.affine(motion);
            let plain = motion.turn == Vector::new(1.0, 0.0) && !motion.mirrored;
            for node in nodes {
                if plain {
                    let [.., x, y] = world.as_coeffs();
                    self.shift(node, Vec2::new(x, y), tx)?;
                } else {
                    each.push((node, world));
                }
            }
        }
        self.transform_each(&each, work.operation, tx)?;
        Ok(work)
    }

    fn motions(
        &self,
        asked: &Array,
        targets: &[NodeId],
        work: &Work,
    ) -> Result<Vec<Motion>, Error> {
        let bad = |reason: &str| Error::BadOperation { reason: reason.to_owned() };
        let in_rows = asked.columns.is_some() || asked.rows.is_some();
        let ways = [in_rows, asked.center.is_some(), asked.along.is_some()];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(bad(
                "an array has `columns` and `rows`, or a `center`, or is `along` a shape",
            ));
        }
        let unit = drawn::um_per_unit(self.drawing());
        let found = if in_rows {
            let (columns, rows) = (asked.columns.unwrap_or(1), asked.rows.unwrap_or(1));
            let (dx, dy) = (asked.dx.unwrap_or(0.0), asked.dy.unwrap_or(0.0));
            self.place(super::Coordinates { x: dx, y: dy, z: None }, ["dx", "dy"])?;
            if columns == 0 || rows == 0 || asked.count.is_some() {
                return Err(bad("`columns` and `rows` are 1 or more, and `count` is not of them"));
            }
            if (columns > 1 && dx == 0.0) || (rows > 1 && dy == 0.0) {
                return Err(bad(
                    "`dx` is from one column to the next, `dy` from one row to the next",
                ));
            }
            grid(columns, rows, Vector::new(dx * unit, 0.0), Vector::new(0.0, dy * unit))
        } else {
            let count = asked.count.ok_or_else(|| bad("`count` is missing"))?;
            let turn = asked.turn.unwrap_or(true);
            let angle = asked.angle.unwrap_or(360.0);
            if !(angle.is_finite() && angle != 0.0 && angle.abs() <= 360.0) {
                let expected = "degrees between -360 and 360, and not 0";
                return Err(Error::BadNumber { name: "angle", value: angle, expected });
            }
            match (asked.center, &asked.along) {
                (Some(center), _) => {
                    let center = self.place(center, ["center.x", "center.y"])?;
                    let bounds = targets.iter().filter_map(|&n| self.scene.bounds(n));
                    let middle = bounds.reduce(|a, b| a.union(b)).map(|b| centre(b, unit));
                    polar(count, center, angle.to_radians(), turn, middle.unwrap_or(center))
                }
                (None, Some(id)) => {
                    let path = self.subject_named(id, work.operation)?;
                    match path.drawn.outlines.as_slice() {
                        [outline] => along(outline, count, turn),
                        _ => {
                            let reason = "it has several outlines; an array is along one";
                            return Err(self.unsuitable(work.operation, path.node, reason));
                        }
                    }
                }
                (None, None) => return Err(bad("`center` or `along` is missing")),
            }
        };
        found.map_err(|error| Error::BadOperation { reason: error.to_string() })
    }

    /// So many copies of each element, copy by copy, where the elements are.
    fn copies(
        &mut self,
        targets: &[NodeId],
        count: usize,
        work: &mut Work,
        tx: &mut Transaction,
    ) -> Result<Vec<Vec<NodeId>>, Error> {
        let mut all = Vec::new();
        let mut from = targets.to_vec();
        for _ in 0..count {
            let numbers = self.copy_each(&from, tx)?;
            from = numbers.iter().filter_map(|&n| self.node(n)).collect();
            work.edited.created.extend(self.labels(&from));
            all.push(from.clone());
        }
        self.settle();
        self.recompile_meaning();
        Ok(all)
    }

    fn labels(&self, nodes: &[NodeId]) -> Vec<String> {
        nodes.iter().map(|&node| self.label(self.number(node))).collect()
    }

    /// A movement in micrometres as one in user units of the root.
    fn affine(&self, motion: &Motion) -> Affine {
        let unit = drawn::um_per_unit(self.drawing());
        let Vector { x: cos, y: sin } = motion.turn;
        let side = if motion.mirrored { -1.0 } else { 1.0 };
        let (x, y) = (motion.shift.x / unit, motion.shift.y / unit);
        Affine::new([cos, sin, -sin * side, cos * side, x, y])
    }
}

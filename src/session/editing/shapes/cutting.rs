//! Trim, extend, split and join.

use kurbo::Rect;
use svgx_engine::document::NodeId;
use svgx_shapes::{Answer, End, Outline, extend, join, split_at, split_by, trim};

use super::super::super::drawn;
use super::super::super::error::Error;
use super::super::super::operation::{Extend, JoinEnds, Split, Trim};
use super::super::{Session, Transaction};
use super::{AT, Subject, Work};

/// How far apart ends that are joined may be where nobody says: micrometres.
const GAP: f64 = 10.0;
/// Shapes ahead of an end that are read at first; then twice as many.
const FIRST: usize = 8;
/// What counts as the same place there: micrometres.
const SLACK: f64 = 2.0;

impl Session {
    pub(super) fn trim(&mut self, asked: &Trim, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("trim", asked.references);
        let subject = self.subject_named(&asked.element_id, work.operation)?;
        let at = self.place(asked.at, AT)?;
        let by = self.others(subject.node, asked.by.as_ref(), work.operation, |session| {
            session.beside(&subject)
        })?;
        let picked = subject.nearest(at);
        let Some(outline) = subject.drawn.outlines.get(picked) else { return Ok(work) };
        let left = trim(outline, at, &by).map_err(|e| self.impossible(&work, subject.node, &e))?;
        work.off(subject.drawn.error_mm, left.error_mm);
        self.divide(&subject, picked, left.value, &mut work, tx)?;
        Ok(work)
    }

    pub(super) fn extend(&mut self, asked: &Extend, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("extend", asked.references);
        let subject = self.subject_named(&asked.element_id, work.operation)?;
        let at = self.place(asked.at, AT)?;
        let mut best: Option<(f64, usize, End)> = None;
        for (number, outline) in subject.drawn.outlines.iter().enumerate() {
            let (Some(first), Some(last)) = (outline.vertices().first(), outline.vertices().last())
            else {
                continue;
            };
            for (end, vertex) in [(End::First, first), (End::Last, last)] {
                let away = (vertex.at.vector() - at).length();
                if !outline.is_closed() && best.is_none_or(|(least, ..)| away < least) {
                    best = Some((away, number, end));
                }
            }
        }
        let Some((_, picked, end)) = best else {
            return Err(self.impossible(&work, subject.node, &svgx_shapes::Error::Closed));
        };
        let Some(outline) = subject.drawn.outlines.get(picked) else { return Ok(work) };
        let by = asked.by.as_ref();
        let longer = match by {
            Some(_) => {
                let to = self.others(subject.node, by, work.operation, |_| Vec::new())?;
                extend(outline, end, &to)
            }
            None => self.extended(&subject, outline, end, work.operation)?,
        };
        let longer = longer.map_err(|e| self.impossible(&work, subject.node, &e))?;
        work.off(subject.drawn.error_mm, longer.error_mm);
        let outlines = subject.with(picked, vec![longer.value]);
        self.reshape(&subject, &outlines, &mut work, tx)?;
        Ok(work)
    }

    pub(super) fn split(&mut self, asked: &Split, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("split", asked.references);
        let subject = self.subject_named(&asked.element_id, work.operation)?;
        let (picked, pieces) = match (asked.at, &asked.by) {
            (Some(at), None) => {
                let at = self.place(at, AT)?;
                let picked = subject.nearest(at);
                let Some(outline) = subject.drawn.outlines.get(picked) else { return Ok(work) };
                (picked, split_at(outline, &[at]))
            }
            (None, Some(_)) => {
                let by =
                    self.others(subject.node, asked.by.as_ref(), work.operation, |_| Vec::new())?;
                let [outline] = subject.drawn.outlines.as_slice() else {
                    let reason = "it has several outlines; split one of them at a place";
                    return Err(self.unsuitable(work.operation, subject.node, reason));
                };
                (0, split_by(outline, &by))
            }
            _ => {
                let reason = "one of `at` and `by` says where to split".to_owned();
                return Err(Error::BadOperation { reason });
            }
        };
        let pieces = pieces.map_err(|e| self.impossible(&work, subject.node, &e))?;
        work.off(subject.drawn.error_mm, pieces.error_mm);
        self.divide(&subject, picked, pieces.value, &mut work, tx)?;
        Ok(work)
    }

    /// The first piece is the element from now on, the others come behind it; of an element of several
    /// outlines all stay in it.
    fn divide(
        &mut self,
        subject: &Subject,
        picked: usize,
        mut pieces: Vec<Outline>,
        work: &mut Work,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        if subject.drawn.outlines.len() > 1 {
            let outlines = subject.with(picked, pieces);
            self.reshape(subject, &outlines, work, tx)?;
            return Ok(());
        }
        if pieces.is_empty() {
            let reason = "nothing of it would be left";
            return Err(self.unsuitable(work.operation, subject.node, reason));
        }
        let first = pieces.remove(0);
        let number = self.reshape(subject, &[first], work, tx)?;
        let Some(like) = self.node(number) else { return Ok(()) };
        let mut behind = like;
        for piece in pieces {
            behind = self.create(like, behind, &[piece], subject.frame, work, tx)?;
        }
        Ok(())
    }

    pub(super) fn join(&mut self, asked: &JoinEnds, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("join", asked.references);
        let subjects = self.ordered(asked.element_ids.as_ref(), work.operation)?;
        let tolerance = match &asked.tolerance {
            Some(tolerance) => self.measured("tolerance", tolerance)?.max(0.0),
            None => GAP,
        };
        let Some(first) = subjects.first() else { return Ok(work) };
        let outlines: Vec<Outline> =
            subjects.iter().flat_map(|s| s.drawn.outlines.iter().cloned()).collect();
        if outlines.len() < 2 {
            let reason = "there is nothing to join it with; several shapes are named";
            return Err(self.unsuitable(work.operation, first.node, reason));
        }
        let joined =
            join(&outlines, tolerance).map_err(|e| self.impossible(&work, first.node, &e))?;
        let read = subjects.iter().map(|s| s.drawn.error_mm).fold(0.0, f64::max);
        work.off(read, joined.error_mm);
        let rest: Vec<NodeId> = subjects.iter().skip(1).map(|s| s.node).collect();
        self.dissolve(&rest, &mut work, tx)?;
        self.reshape(first, &[joined.value], &mut work, tx)?;
        Ok(work)
    }

    /// Shapes in the order they are named in, or selected; each once.
    pub(super) fn ordered(
        &self,
        named: Option<&Vec<String>>,
        operation: &'static str,
    ) -> Result<Vec<Subject>, Error> {
        let mut numbers = Vec::new();
        match named {
            Some(ids) => {
                super::operations::check_limit(
                    "elements of one operation",
                    super::super::SELECTION,
                    ids.len(),
                )?;
                for id in ids {
                    numbers.push(self.named(id)?);
                }
            }
            None => numbers.clone_from(&self.interactive.selected),
        }
        let mut seen = std::collections::BTreeSet::new();
        numbers.retain(|n| seen.insert(*n));
        let nodes: Vec<NodeId> = numbers.into_iter().filter_map(|n| self.node(n)).collect();
        if nodes.is_empty() {
            return Err(Error::MissingTarget { operation });
        }
        let subjects: Vec<Subject> = nodes
            .into_iter()
            .map(|node| self.subject(node, operation))
            .collect::<Result<_, _>>()?;
        super::check_vertices(subjects.iter().flat_map(|s| &s.drawn.outlines))?;
        Ok(subjects)
    }

    /// The elements that reach to where a shape is.
    fn beside(&self, subject: &Subject) -> Vec<NodeId> {
        let unit = drawn::um_per_unit(self.drawing());
        let boxes = subject.drawn.outlines.iter().map(Outline::bounds);
        let all = boxes.map(|(low, high)| Rect::new(low.x, low.y, high.x, high.y));
        let Some(all) = all.reduce(|a, b| a.union(b)) else { return Vec::new() };
        let area = Rect::new(all.x0 / unit, all.y0 / unit, all.x1 / unit, all.y1 / unit);
        self.scene.region(area)
    }

    /// An outline with an end that reaches to the nearest thing ahead of it. What is near is read first, and
    /// what is farther than something that was met is not read at all.
    fn extended(
        &self,
        subject: &Subject,
        outline: &Outline,
        end: End,
        operation: &'static str,
    ) -> Result<Result<Answer<Outline>, svgx_shapes::Error>, Error> {
        let unit = drawn::um_per_unit(self.drawing());
        let tip = |outline: &Outline| match end {
            End::First => outline.vertices().first().map(|v| v.at.vector()),
            End::Last => outline.vertices().last().map(|v| v.at.vector()),
        };
        let mut nodes = self.ahead(outline, end);
        nodes.retain(|&(_, node)| node != subject.node);
        let (mut read, mut count) = (0, FIRST);
        let mut to = Vec::new();
        loop {
            let next: Vec<NodeId> =
                nodes.iter().skip(read).take(count).map(|&(_, node)| node).collect();
            read += next.len();
            count *= 2;
            super::operations::check_limit("shapes that reach there", super::OTHERS, read)?;
            to.extend(self.others(subject.node, None, operation, |_| next)?);
            super::check_vertices(&to)?;
            let found = extend(outline, end, &to);
            let Some(&(beyond, _)) = nodes.get(read) else { return Ok(found) };
            match &found {
                Ok(longer) => {
                    let met = tip(&longer.value).zip(tip(outline)).map(|(a, b)| (a - b).length());
                    if met.is_some_and(|met| met + SLACK < beyond * unit) {
                        return Ok(found);
                    }
                }
                Err(svgx_shapes::Error::NothingAhead) => {}
                Err(_) => return Ok(found),
            }
        }
    }

    /// The elements that an end of an outline may run into, and how far ahead of it they begin at least: those
    /// whose box the line ahead meets, and those about the circle that it goes round.
    fn ahead(&self, outline: &Outline, end: End) -> Vec<(f64, NodeId)> {
        use svgx_shapes::Carrier;
        let unit = drawn::um_per_unit(self.drawing());
        let edge = match end {
            End::First => outline.edge(0).map(|edge| edge.reversed()),
            End::Last => outline.edge(outline.edge_count().saturating_sub(1)),
        };
        let Some(edge) = edge else { return Vec::new() };
        match edge.carrier() {
            Carrier::Circle { centre, radius } => {
                let (c, r) = (centre * (1.0 / unit), radius / unit);
                let near = self.scene.region(Rect::new(c.x - r, c.y - r, c.x + r, c.y + r));
                near.into_iter().map(|node| (0.0, node)).collect()
            }
            Carrier::Line { along, .. } => {
                let from = edge.end() * (1.0 / unit);
                let (from, way) = ((from.x, from.y), (along.x, along.y));
                self.scene.ahead(from.into(), way.into(), SLACK / unit)
            }
        }
    }
}

//! Fillets and chamfers.

use svgx_engine::document::NodeId;
use svgx_shapes::{Answer, Edge, Outline, Vector, chamfer, fillet, fillet_pair};

use super::super::super::error::Error;
use super::super::super::operation::{Chamfer, Coordinates, Fillet};
use super::super::{Session, Transaction};
use super::{AT, Subject, Work};

type Cut<'c> = &'c dyn Fn(&Outline, usize) -> Result<Answer<Outline>, svgx_shapes::Error>;

impl Session {
    pub(super) fn fillet(&mut self, asked: &Fillet, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("fillet", asked.references);
        let radius = self.measured("radius", &asked.radius)?;
        let ids: Vec<&String> =
            asked.element_id.iter().chain(asked.element_ids.iter().flatten()).collect();
        match ids.as_slice() {
            [] => Err(Error::MissingTarget { operation: work.operation }),
            [id] => {
                let subject = self.subject_named(id, work.operation)?;
                self.cut_corners(
                    &subject,
                    (asked.vertex, asked.at),
                    &mut work,
                    tx,
                    &|outline, corner| fillet(outline, corner, radius),
                )?;
                Ok(work)
            }
            [first, second] => {
                if asked.vertex.is_some() {
                    let reason = "`vertex` is of one shape; two are named".to_owned();
                    return Err(Error::BadOperation { reason });
                }
                let one = self.subject_named(first, work.operation)?;
                let two = self.subject_named(second, work.operation)?;
                self.fillet_between(&one, &two, asked.at, radius, &mut work, tx)?;
                Ok(work)
            }
            _ => {
                let reason = "one shape is rounded, or two lines are joined".to_owned();
                Err(Error::BadOperation { reason })
            }
        }
    }

    pub(super) fn chamfer(&mut self, asked: &Chamfer, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("chamfer", asked.references);
        let before = self.measured("length", &asked.length)?;
        let behind = match &asked.length_2 {
            Some(length) => self.measured("length_2", length)?,
            None => before,
        };
        let subject = self.subject_named(&asked.element_id, work.operation)?;
        self.cut_corners(&subject, (asked.vertex, asked.at), &mut work, tx, &|outline, corner| {
            chamfer(outline, corner, before, behind)
        })?;
        Ok(work)
    }

    /// Cuts one corner, or all there are.
    fn cut_corners(
        &mut self,
        subject: &Subject,
        (vertex, at): (Option<usize>, Option<Coordinates>),
        work: &mut Work,
        tx: &mut Transaction,
        cut: Cut<'_>,
    ) -> Result<(), Error> {
        let outlines = &subject.drawn.outlines;
        let count: usize = outlines.iter().map(|o| o.vertices().len()).sum();
        let one = match (vertex, at) {
            (Some(_), Some(_)) => {
                let reason = "`vertex` and `at` exclude each other".to_owned();
                return Err(Error::BadOperation { reason });
            }
            (Some(vertex), None) => {
                let (mut number, mut rest) = (0, vertex.wrapping_sub(1));
                while let Some(outline) = outlines.get(number)
                    && rest >= outline.vertices().len()
                {
                    rest = rest.wrapping_sub(outline.vertices().len());
                    number += 1;
                }
                if vertex == 0 || number >= outlines.len() {
                    let reason = format!("it has no vertex {vertex}; they are 1 to {count}");
                    return Err(self.unsuitable(work.operation, subject.node, reason));
                }
                Some((number, rest))
            }
            (None, Some(at)) => {
                let at = self.place(at, AT)?;
                let all = outlines.iter().enumerate().map(|(number, outline)| {
                    let corner = outline.nearest_vertex(at);
                    let away = outline
                        .vertices()
                        .get(corner)
                        .map_or(f64::INFINITY, |v| (v.at.vector() - at).length());
                    (away, number, corner)
                });
                all.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, number, corner)| (number, corner))
            }
            (None, None) => None,
        };
        let mut cuts = 0_usize;
        let mut made_mm = 0.0_f64;
        let mut all = Vec::with_capacity(outlines.len());
        for (number, outline) in outlines.iter().enumerate() {
            let mut outline = outline.clone();
            // From the last one on, so that those before keep their numbers.
            for corner in (0..outline.vertices().len()).rev() {
                let is_asked = one.is_none_or(|asked| asked == (number, corner));
                if !is_asked {
                    continue;
                }
                match cut(&outline, corner) {
                    Ok(answer) => {
                        made_mm = made_mm.max(answer.error_mm);
                        outline = answer.value;
                        cuts += 1;
                    }
                    // Of all corners those that are none are left as they are.
                    Err(
                        svgx_shapes::Error::Smooth { .. } | svgx_shapes::Error::NoCorner { .. },
                    ) if one.is_none() => {}
                    Err(svgx_shapes::Error::NoCorner { .. }) => {
                        let reason = "an end of an open outline is no corner";
                        return Err(self.unsuitable(work.operation, subject.node, reason));
                    }
                    Err(error) => return Err(self.impossible(work, subject.node, &error)),
                }
            }
            all.push(outline);
        }
        if cuts == 0 {
            return Err(self.unsuitable(work.operation, subject.node, "it has no corner"));
        }
        work.off(subject.drawn.error_mm, made_mm);
        self.reshape(subject, &all, work, tx)?;
        Ok(())
    }

    fn fillet_between(
        &mut self,
        one: &Subject,
        two: &Subject,
        at: Option<Coordinates>,
        radius: f64,
        work: &mut Work,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let (first, second) = (self.only_edge(one, work)?, self.only_edge(two, work)?);
        if one.node == two.node {
            let reason = "two different shapes are joined".to_owned();
            return Err(Error::BadOperation { reason });
        }
        let near = match at {
            Some(at) => {
                let at = self.place(at, AT)?;
                (first.at(first.nearest(at).0), second.at(second.nearest(at).0))
            }
            None => (first.at(0.5), second.at(0.5)),
        };
        let made = fillet_pair(&first, &second, near, radius)
            .map_err(|e| self.impossible(work, one.node, &e))?;
        work.off(one.drawn.error_mm.max(two.drawn.error_mm), made.error_mm);
        let (a, b, arc) = made.value;
        let number = self.reshape(one, &[oriented(a, &first)], work, tx)?;
        self.reshape(two, &[oriented(b, &second)], work, tx)?;
        if let (Some(arc), Some(like)) = (arc, self.node(number)) {
            self.create(like, like, &[arc], one.frame, work, tx)?;
        }
        Ok(())
    }

    fn only_edge(&self, subject: &Subject, work: &Work) -> Result<Edge, Error> {
        let only = match subject.drawn.outlines.as_slice() {
            [outline] if !outline.is_closed() && outline.edge_count() == 1 => outline.edge(0),
            _ => None,
        };
        only.ok_or_else(|| {
            let reason = "it is no single line or arc; name a corner of it instead of two shapes";
            self.unsuitable(work.operation, NodeId::clone(&subject.node), reason)
        })
    }
}

/// The edge in the direction that it had: its start stays its start.
fn oriented(outline: Outline, before: &Edge) -> Outline {
    let start = outline.vertices().first().map_or(Vector::default(), |v| v.at.vector());
    match (start - before.end()).length() < (start - before.start()).length() {
        true => outline.reversed(),
        false => outline,
    }
}

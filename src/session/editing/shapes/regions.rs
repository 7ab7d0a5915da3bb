//! Parallels, and shapes that are united, intersected and subtracted.

use svgx_engine::document::NodeId;
use svgx_shapes::{
    Answer, Join, Operation, Outline, Region, Rule, combine, offset, offset_region, region, unite,
};

use super::super::super::error::Error;
use super::super::super::operation::{self, Combine, Combined, Offset};
use super::super::{Session, Transaction};
use super::{Subject, Work};

/// How far a mitre reaches where nobody says, in times the distance.
const MITER: f64 = 4.0;

impl Session {
    pub(super) fn offset(&mut self, asked: &Offset, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("offset", asked.references);
        let distance = self.measured("distance", &asked.distance)?;
        let join = match asked.join.unwrap_or_default() {
            operation::Join::Round => Join::Round,
            operation::Join::Bevel => Join::Bevel,
            operation::Join::Miter => Join::Miter { limit: asked.miter_limit.unwrap_or(MITER) },
        };
        let targets =
            self.targets(asked.element_id.as_ref(), asked.element_ids.as_ref(), work.operation)?;
        for node in targets {
            let subject = self.subject(node, work.operation)?;
            let outlines = self.parallels(&subject, distance, join, &mut work)?;
            if outlines.is_empty() {
                let reason = format!(
                    "nothing is left of it at a distance of {} mm",
                    (distance.abs()).round() / 1e3
                );
                return Err(self.unsuitable(work.operation, node, reason));
            }
            match asked.replace.unwrap_or(false) {
                true => {
                    self.reshape(&subject, &outlines, &mut work, tx)?;
                }
                false => {
                    self.create(node, node, &outlines, subject.frame, &mut work, tx)?;
                }
            }
        }
        Ok(work)
    }

    fn parallels(
        &self,
        subject: &Subject,
        distance: f64,
        join: Join,
        work: &mut Work,
    ) -> Result<Vec<Outline>, Error> {
        self.pause()?;
        let impossible = |e| self.impossible(work, subject.node, &e);
        let outlines = &subject.drawn.outlines;
        let closed = outlines.iter().all(Outline::is_closed);
        let answer = match outlines.as_slice() {
            [only] if closed => offset(only, distance, join).map_err(impossible)?,
            all if closed => {
                let whole = region(all, rule(subject)).map_err(impossible)?;
                let grown = offset_region(&whole.value, distance, join).map_err(impossible)?;
                let value = grown.value.outlines().cloned().collect();
                Answer { value, error_mm: whole.error_mm + grown.error_mm }
            }
            all => {
                let (mut value, mut error_mm) = (Vec::new(), 0.0_f64);
                for outline in all {
                    // Left on the screen, whose y axis points down.
                    let side = if outline.is_closed() { distance } else { -distance };
                    let one = offset(outline, side, join).map_err(impossible)?;
                    value.extend(one.value);
                    error_mm = error_mm.max(one.error_mm);
                }
                Answer { value, error_mm }
            }
        };
        work.off(subject.drawn.error_mm, answer.error_mm);
        Ok(answer.value)
    }

    pub(super) fn combine(&mut self, asked: &Combine, tx: &mut Transaction) -> Result<Work, Error> {
        let mut work = Work::new("combine", asked.references);
        let subjects = self.ordered(asked.element_ids.as_ref(), work.operation)?;
        let Some(first) = subjects.first() else { return Ok(work) };
        let mut regions: Vec<Region> = Vec::with_capacity(subjects.len());
        let (mut read_mm, mut made_mm) = (0.0_f64, 0.0_f64);
        for subject in &subjects {
            self.pause()?;
            let whole = region(&subject.drawn.outlines, rule(subject))
                .map_err(|e| self.impossible(&work, subject.node, &e))?;
            read_mm = read_mm.max(subject.drawn.error_mm + whole.error_mm);
            regions.push(whole.value);
        }
        let result = combined(&regions, asked.result, &mut made_mm)
            .map_err(|e| self.impossible(&work, first.node, &e))?;
        self.pause()?;
        work.off(read_mm, made_mm);
        if result.is_empty() {
            let reason = "nothing would be left of the shapes";
            return Err(self.unsuitable(work.operation, first.node, reason));
        }
        let outlines: Vec<Outline> = result.outlines().cloned().collect();
        if !asked.keep.unwrap_or(false) {
            let rest: Vec<NodeId> = subjects.iter().skip(1).map(|s| s.node).collect();
            self.dissolve(&rest, &mut work, tx)?;
        }
        self.reshape(first, &outlines, &mut work, tx)?;
        Ok(work)
    }
}

fn rule(subject: &Subject) -> Rule {
    if subject.drawn.even_odd { Rule::EvenOdd } else { Rule::NonZero }
}

/// What is made of several regions, and how far off each step is, added up.
fn combined(
    regions: &[Region],
    result: Combined,
    error_mm: &mut f64,
) -> Result<Region, svgx_shapes::Error> {
    let step = match result {
        Combined::Union => {
            let all = unite(regions)?;
            *error_mm = all.error_mm;
            return Ok(all.value);
        }
        Combined::Intersection => Operation::Intersection,
        Combined::Xor => Operation::Xor,
        // All that is taken off is taken off at once.
        Combined::Difference => {
            let Some((first, rest)) = regions.split_first() else { return Ok(Region::default()) };
            let off = unite(rest)?;
            let left = combine(first, &off.value, Operation::Difference)?;
            *error_mm = off.error_mm + left.error_mm;
            return Ok(left.value);
        }
    };
    let Some((first, rest)) = regions.split_first() else { return Ok(Region::default()) };
    let mut all = first.clone();
    for region in rest {
        let next = combine(&all, region, step)?;
        *error_mm += next.error_mm;
        all = next.value;
    }
    Ok(all)
}

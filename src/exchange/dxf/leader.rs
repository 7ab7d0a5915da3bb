//! Leaders: lines with an arrow, and what they lead to.

use std::collections::HashMap;

use super::curve::{Affine, Outline, P, add, length, scaled, sub};
use super::drawing::folded;
use super::entity::{Context, line_of_text};
use super::reason::Reason;
use super::shape::{self, Anchor, Insert, Shape, Text};
use super::spline;
use super::tags::{Fields, Tag, number, trimmed, whole};
use super::text;

/// An arrow is three times as long as it is wide.
const SLIM: f64 = 1.0 / 6.0;
/// Lines of one leader, and attributes of what it leads to.
const MOST: usize = 1_000;

/// The lines of a multileader that end at one point.
#[derive(Debug, Default)]
struct Branch {
    /// Each from its arrow on.
    lines: Vec<Vec<P>>,
    last: Option<P>,
    /// The landing, from the last point on.
    along: P,
    long: f64,
}

/// Where among the parts of a multileader a tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Own,
    Content,
    Branch,
    Line,
}

/// The parts of a multileader.
#[derive(Debug, Default)]
struct Parts<'t> {
    own: Vec<&'t Tag<'t>>,
    content: Vec<&'t Tag<'t>>,
    branches: Vec<Branch>,
}

impl<'t> Parts<'t> {
    fn of(fields: &Fields<'t>) -> Result<Parts<'t>, Reason> {
        let mut parts = Parts::default();
        let mut at = At::Own;
        let mut count = 0;
        for tag in fields.iter() {
            let begins = |name: &str| trimmed(tag.value).starts_with(name);
            at = match (at, tag.code) {
                (At::Own, 300) if begins("CONTEXT_DATA") => At::Content,
                (At::Content, 302) if begins("LEADER") => {
                    parts.branches.push(Branch::default());
                    At::Branch
                }
                (At::Branch, 304) if begins("LEADER_LINE") => {
                    count += 1;
                    let last = parts.branches.last_mut().filter(|_| count <= MOST);
                    last.ok_or(Reason::Empty)?.lines.push(Vec::new());
                    At::Line
                }
                (At::Line, 305) => At::Branch,
                (At::Branch, 303) => At::Content,
                (At::Content, 301) => At::Own,
                (At::Own, _) => {
                    parts.own.push(tag);
                    continue;
                }
                (At::Content, _) => {
                    parts.content.push(tag);
                    continue;
                }
                (at, _) => {
                    if let Some(branch) = parts.branches.last_mut() {
                        branch.read(tag, at)?;
                    }
                    at
                }
            };
        }
        Ok(parts)
    }
}

impl Branch {
    fn read(&mut self, tag: &Tag<'_>, at: At) -> Result<(), Reason> {
        if at == At::Line {
            let Some(line) = self.lines.last_mut() else { return Ok(()) };
            match (tag.code, line.last_mut()) {
                (10, _) => line.push([number(tag.value)?, 0.0]),
                (20, Some(last)) => last[1] = number(tag.value)?,
                _ => {}
            }
            return Ok(());
        }
        match tag.code {
            10 => self.last = Some([number(tag.value)?, 0.0]),
            20 => {
                if let Some(last) = &mut self.last {
                    last[1] = number(tag.value)?;
                }
            }
            11 => self.along[0] = number(tag.value)?,
            21 => self.along[1] = number(tag.value)?,
            40 => self.long = number(tag.value)?,
            _ => {}
        }
        Ok(())
    }
}

/// A value among tags: the first.
fn given<'t>(tags: &[&'t Tag<'t>], code: i16) -> Option<&'t str> {
    tags.iter().find(|tag| tag.code == code).map(|tag| tag.value)
}

fn real(tags: &[&Tag<'_>], code: i16, without: f64) -> Result<f64, Reason> {
    given(tags, code).map_or(Ok(without), number)
}

fn count(tags: &[&Tag<'_>], code: i16, without: i64) -> i64 {
    given(tags, code).and_then(whole).unwrap_or(without)
}

fn point(tags: &[&Tag<'_>], code: i16) -> Result<P, Reason> {
    Ok([real(tags, code, 0.0)?, real(tags, code + 10, 0.0)?])
}

/// A multileader: its lines with their arrows, landings, and its text or block.
///
/// # Errors
/// Why it is not drawn.
pub(super) fn multileader(
    fields: &Fields<'_>,
    context: &Context<'_>,
) -> Result<Vec<Shape>, Reason> {
    let Parts { own, content, branches } = Parts::of(fields)?;
    let is_bent = count(&own, 170, 1) == 2;
    let has_lines = count(&own, 170, 1) != 0;
    let has_landing = count(&own, 291, 1) != 0;
    let arrow = real(&content, 140, real(&own, 42, 0.0)?)?;
    let (mut outlines, mut shapes) = (Vec::new(), Vec::new());
    for branch in branches.iter().filter(|_| has_lines) {
        for line in &branch.lines {
            let mut points = line.clone();
            points.extend(branch.last);
            points.dedup();
            if points.len() < 2 {
                continue;
            }
            shapes.extend(head(&points, arrow, given(&own, 342), context));
            outlines.push(match is_bent && points.len() > 2 {
                true => spline::through(&points, None, None)?,
                false => Outline::through(&points, false)?,
            });
        }
        let size = length(branch.along);
        if let Some(last) = branch.last.filter(|_| has_landing && size > 1e-12 && branch.long > 0.0)
        {
            let to = add(last, scaled(branch.along, branch.long / size));
            outlines.push(Outline::through(&[last, to], false)?);
        }
    }
    if !outlines.is_empty() {
        shapes.insert(0, Shape::Lines { outlines, width: None });
    }
    match count(&own, 172, 2) {
        2 => shapes.extend(words(&content, context)?.map(Shape::Text)),
        1 => block(&own, &content, context, &mut shapes)?,
        _ => {}
    }
    if shapes.is_empty() { Err(Reason::Empty) } else { Ok(shapes) }
}

/// The arrow at the begin of a leader, as the block of a handle or the usual one; none where the line
/// is too short for it.
pub(super) fn head(
    points: &[P],
    size: f64,
    handle: Option<&str>,
    context: &Context<'_>,
) -> Option<Shape> {
    let [tip, next, ..] = points else { return None };
    let back = sub(*next, *tip);
    let long = length(back);
    if !(size > 0.0 && long >= 2.0 * size) {
        return None;
    }
    let back = scaled(back, size / long);
    let side = [-back[1] * SLIM, back[0] * SLIM];
    let name = handle.and_then(|handle| context.records.get(&folded(handle)));
    match name.map(String::as_str) {
        Some("_NONE") => return None,
        // Blocks of arrows are of size one and point along x.
        Some(name) => {
            if let Some(&block) = context.blocks.get(name) {
                let place = Affine([-back[0], -back[1], back[1], -back[0], tip[0], tip[1]]);
                return Some(inserted(block, place));
            }
        }
        None => {}
    }
    let end = add(*tip, back);
    let corners = [*tip, add(end, side), sub(end, side)];
    Outline::through(&corners, true).ok().map(|outline| Shape::Area(vec![outline]))
}

fn inserted(block: usize, place: Affine) -> Shape {
    Shape::Insert(Insert { block, place, columns: 1, rows: 1, steps: [[0.0; 2]; 2] })
}

/// The text, which hangs from its point.
fn words(content: &[&Tag<'_>], context: &Context<'_>) -> Result<Option<Text>, Reason> {
    let Some(said) = given(content, 304).filter(|said| !said.trim().is_empty()) else {
        return Ok(None);
    };
    let height = real(content, 41, context.text_height)?.abs();
    let height = if height == 0.0 { context.text_height } else { height };
    let wide = (real(content, 43, 0.0)? / (shape::LETTER * height)).floor();
    let lines = text::wrapped(text::lines(said), wide as usize);
    let along = point(content, 13)?;
    let size = length(along);
    let along = if size > 1e-12 { scaled(along, 1.0 / size) } else { [1.0, 0.0] };
    let at = point(content, 12)?;
    let anchor = match count(content, 171, 1) {
        2 => Anchor::Middle,
        3 => Anchor::End,
        _ => Anchor::Start,
    };
    let leading = 5.0 / 3.0 * real(content, 45, 1.0)?.clamp(0.1, 10.0);
    let place = Affine([along[0], along[1], -along[1], along[0], at[0], at[1]]);
    Ok(Some(Text { lines, height, rise: -1.0, leading, anchor, fit: None, place }))
}

/// The block, and the texts that its templates ask for.
fn block(
    own: &[&Tag<'_>],
    content: &[&Tag<'_>],
    context: &Context<'_>,
    shapes: &mut Vec<Shape>,
) -> Result<(), Reason> {
    let handle = given(content, 341).or(given(own, 344)).ok_or(Reason::NoBlock)?;
    let name = context.records.get(&folded(handle)).ok_or(Reason::NoBlock)?;
    let block = *context.blocks.get(name).ok_or(Reason::NoBlock)?;
    let base = context.bases.get(block).copied().unwrap_or_default();
    let (at, scale) = (point(content, 15)?, [real(content, 16, 1.0)?, real(content, 26, 1.0)?]);
    let [sx, sy] = scale.map(|s| if s == 0.0 { 1.0 } else { s });
    let turn = real(content, 46, 0.0)?;
    let (s, c) = libm::sincos(turn);
    let turned = Affine([c, s, -s, c, at[0], at[1]]);
    let place = turned.after(&Affine([sx, 0.0, 0.0, sy, -base[0] * sx, -base[1] * sy]));
    shapes.push(inserted(block, place));
    let mut template = None;
    for tag in own.iter().take(MOST) {
        match tag.code {
            330 => template = context.templates.get(trimmed(tag.value)),
            302 => {
                let Some(fields) = template.take() else { continue };
                let mut text = line_of_text(fields, Some(tag.value), 74, context)?;
                text.place = place.after(&text.place);
                shapes.push(Shape::Text(text));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Templates of attributes by their handles.
pub(super) type Templates<'t> = HashMap<&'t str, Fields<'t>>;

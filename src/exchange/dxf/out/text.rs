//! Texts as lines: each run that begins at a place of its own is one.

use svgx_engine::document::{NodeId, NodeKind};

use super::super::curve::{Affine, P, length};
use super::super::limits::Error;
use super::look::Look;
use super::model::{Across, Text, Up};
use super::walk::{Context, Walk, measured};

/// Height of capitals over the size of the font, as the import has it.
const CAPITALS: f64 = 0.7;
/// Mean advance of Latin letters over the size of the font: shaping text is the painter's work.
const ADVANCE: f64 = 0.55;

/// A run while it is collected.
#[derive(Debug, Default)]
struct Run {
    at: P,
    content: String,
    look: Option<Look>,
    fit: Option<f64>,
}

/// Draws the runs of a text.
///
/// # Errors
/// Too many entities, or style sheets that take too long.
pub(super) fn runs(walk: &mut Walk<'_>, node: NodeId, context: &Context) -> Result<(), Error> {
    let document = walk.document;
    let mut run = Run::default();
    let mut is_hidden = false;
    // The elements that are open, and the look in each; text nodes leave none.
    let mut stack: Vec<NodeId> = vec![node];
    let mut looks: Vec<Look> = vec![(*context.look).clone()];
    let mut opened: Vec<NodeId> = Vec::new();
    while let Some(at) = stack.pop() {
        // Those that `at` is not in are left.
        while opened.last().is_some_and(|open| document.parent(at) != Some(*open)) {
            opened.pop();
            if looks.len() > 1 {
                looks.pop();
            }
        }
        let outer = looks.last().cloned().unwrap_or_default();
        match document.kind(at) {
            NodeKind::Text(text) => {
                if outer.visible {
                    push(&mut run, text.as_str(), &outer);
                } else {
                    is_hidden |= !text.as_str().trim().is_empty();
                }
            }
            NodeKind::Element { .. } => {
                let name = document.name(at).map_or("", |(_, name)| name);
                if at != node && !matches!(name, "tspan" | "a" | "textPath" | "tref") {
                    continue;
                }
                if name == "textPath" {
                    walk.note("dxf-text-path", "texts along a path stand at its beginning");
                }
                let look = match at == node {
                    true => outer,
                    false => walk.inside(&outer, at)?.0,
                };
                if !look.display {
                    is_hidden = true;
                    continue;
                }
                place(walk, at, &look, context, &mut run)?;
                looks.push(look);
                opened.push(at);
                stack.extend(document.children(at).rev());
            }
            NodeKind::Comment(_) => {}
        }
    }
    if is_hidden {
        walk.note("dxf-hidden", "elements that are not displayed");
    }
    flush(walk, &mut run, context)
}

/// Begins a run where an element states a place.
fn place(
    walk: &mut Walk<'_>,
    node: NodeId,
    look: &Look,
    context: &Context,
    run: &mut Run,
) -> Result<(), Error> {
    let document = walk.document;
    let font = look.font_size;
    let of = walk.places.viewbox;
    let first = |name: &str, of: f64| {
        let list = document.attr(node, name)?;
        measured(list.split([' ', ',']).find(|t| !t.is_empty())?, of, font)
    };
    let (x, y) = (first("x", of.width), first("y", of.height));
    let (dx, dy) = (first("dx", of.width), first("dy", of.height));
    let many = |name: &str| {
        let list = document.attr(node, name).unwrap_or_default();
        list.split([' ', ',']).filter(|t| !t.is_empty()).nth(1).is_some()
    };
    if ["x", "y", "dx", "dy"].into_iter().any(many) || document.attr(node, "rotate").is_some() {
        walk.note("dxf-letters", "letters with places of their own stand in one line");
    }
    if [x, y, dx, dy].iter().any(Option::is_some) {
        let end = run.content.chars().count() as f64 * font * ADVANCE;
        let at = run.at;
        flush(walk, run, context)?;
        run.at =
            [x.unwrap_or(at[0] + end) + dx.unwrap_or(0.0), y.unwrap_or(at[1]) + dy.unwrap_or(0.0)];
    }
    let stretches = document.attr(node, "lengthAdjust") == Some("spacingAndGlyphs");
    let fit = document.attr(node, "textLength").and_then(|t| measured(t, of.width, font));
    run.fit = fit.filter(|fit| stretches && *fit > 0.0).or(run.fit);
    Ok(())
}

/// Adds the letters of a text, white space collapsed.
fn push(run: &mut Run, text: &str, look: &Look) {
    for c in text.chars() {
        let is_space = matches!(c, ' ' | '\n' | '\r' | '\t');
        if is_space && !look.keeps_space && (run.content.is_empty() || run.content.ends_with(' ')) {
            continue;
        }
        run.content.push(if is_space { ' ' } else { c });
        if run.look.is_none() {
            run.look = Some(look.clone());
        }
    }
}

fn flush(walk: &mut Walk<'_>, run: &mut Run, context: &Context) -> Result<(), Error> {
    let Run { at, content, look, fit } = std::mem::take(run);
    run.at = at;
    let content = content.trim_end();
    let Some(look) = look.filter(|look| !content.is_empty() && look.font_size > 0.0) else {
        return Ok(());
    };
    if let Some(text) = line(&context.place, at, content, &look, fit) {
        walk.push_text(text, &look, context)?;
    }
    Ok(())
}

/// One line of text that stands at `at` of the coordinates that `place` takes to the drawing.
fn line(place: &Affine, at: P, content: &str, look: &Look, fit: Option<f64>) -> Option<Text> {
    let along = place.vector([1.0, 0.0]);
    let up = place.vector([0.0, -1.0]);
    let long = length(along);
    // Of the letters' height, what stands on the baseline and what leans.
    let (c, s) = (along[0] / long, along[1] / long);
    let (lean, tall) = (up[0] * c + up[1] * s, up[1] * c - up[0] * s);
    if !(long.is_finite() && long > 0.0 && tall.abs() > 1e-9 * long) {
        return None;
    }
    let slant = libm::atan2(lean, tall.abs());
    let across = look.across;
    let mut at = place.point(at);
    let fit = fit.map(|fit| fit * long);
    if let Some(fit) = fit {
        let back = fit * [0.0, 0.5, 1.0][across as usize];
        at = [at[0] - c * back, at[1] - s * back];
    }
    Some(Text {
        content: content.to_owned(),
        at,
        height: look.font_size * tall.abs() * CAPITALS,
        angle: libm::atan2(s, c),
        wide: long / tall.abs(),
        slant: if slant.abs() < 1e-6 { 0.0 } else { slant.clamp(-1.48, 1.48) },
        mirrored: tall < 0.0,
        across: if fit.is_some() { Across::Left } else { across },
        up: if fit.is_some() { Up::Baseline } else { look.up },
        fit,
    })
}

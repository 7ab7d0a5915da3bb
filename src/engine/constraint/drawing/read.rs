//! `arx:constraints` as they are written.

use std::collections::HashMap;

use svgx_base::deep::{self, Empty};
use svgx_base::deep_span;
use svgx_base::nearest::nearest;

use super::element::{self, Drawn, tag};
use super::{FINDINGS, Formulas, Sketch};
use crate::constraint::sketch::{Constraint, Entity, Error, Kind, Problem, Shape};
use crate::document::{Code, Diagnostic, Document, Limits, NodeId, Ns, Span};
use crate::geometry::{Scene, length};

/// The geometric constraints of a drawing, in document order.
pub(super) fn constraints(document: &Document) -> impl Iterator<Item = NodeId> + '_ {
    document.elements().filter(|&node| document.is_constraint(node))
}

/// Names of more bytes, and drawings with more of them, are not searched for what was meant.
const NAME: usize = 64;
const NAMES: usize = 1000;

struct Reader<'d> {
    document: &'d Document,
    scene: &'d Scene,
    formulas: &'d Formulas,
    sketch: Sketch,
    /// Entity of every element that was looked at; `None` for one that cannot be used.
    known: HashMap<NodeId, Option<usize>>,
    findings: Vec<Diagnostic>,
}

/// Reads everything that can be read, with findings about the rest. `more` are constraints
/// that are not written in the drawing.
pub(super) fn read(
    document: &Document,
    scene: &Scene,
    limits: &Limits,
    more: &[Constraint],
    formulas: &Formulas,
) -> Result<(Sketch, Vec<Diagnostic>), Error> {
    let span = deep_span!("sketch", svgx.constraint.count = Empty, svgx.entity.count = Empty);
    let nodes: Vec<NodeId> = constraints(document).collect();
    if nodes.len() + more.len() > limits.constraints {
        let (count, limit) = (nodes.len() + more.len(), limits.constraints);
        return Err(Error::Limit { what: "constraints", count, limit });
    }
    let sketch = Sketch { problem: Problem::default(), drawn: Vec::new(), written: Vec::new() };
    let mut reader =
        Reader { document, scene, formulas, sketch, known: HashMap::new(), findings: Vec::new() };
    for node in nodes {
        if let Some(constraint) = reader.constraint(node) {
            reader.sketch.problem.constraints.push(constraint);
            reader.sketch.written.push((node, tag(document, node)));
        }
        if reader.findings.len() >= FINDINGS {
            break;
        }
    }
    for constraint in more {
        let before = reader.findings.len();
        for name in &constraint.of {
            reader.entity(NodeId::ROOT, name);
        }
        if reader.findings.len() == before {
            reader.sketch.problem.constraints.push(constraint.clone());
            reader.sketch.written.push((NodeId::ROOT, Span::NONE));
        }
    }
    let problem = &reader.sketch.problem;
    span.record("svgx.constraint.count", deep::count(problem.constraints.len()));
    span.record("svgx.entity.count", deep::count(problem.entities.len()));
    Ok((reader.sketch, reader.findings))
}

impl Reader<'_> {
    fn error(&mut self, code: Code, span: Span, message: String) {
        self.findings.push(Diagnostic::error(code, span, message));
    }

    fn span_of(&self, node: NodeId, name: &str) -> Span {
        let written = self.document.attribute(node, Ns::None, name);
        written.map_or_else(|| tag(self.document, node), |a| a.span)
    }

    /// The constraint written at `node`; `None` with a finding where it cannot be used.
    fn constraint(&mut self, node: NodeId) -> Option<Constraint> {
        let document = self.document;
        let word = document.attr(node, "type").unwrap_or_default();
        let Some(kind) = Kind::parse(word) else {
            let names: Vec<&str> = Kind::NAMES.iter().map(|(name, _)| *name).collect();
            let message = format!("`{}` is no type of constraint", shorten(word));
            let finding =
                Diagnostic::error(Code::ConstraintType, self.span_of(node, "type"), message);
            let near = nearest(&shorten(word), names.iter().copied())
                .map_or_else(String::new, |near| format!("did you mean {near}? "));
            self.findings.push(finding.help(format!("{near}types: {}", names.join(", "))));
            return None;
        };
        let before = self.findings.len();
        let value = self.value(node, kind);
        let soft = document.attr(node, "soft").map(|text| {
            text.trim().parse::<f64>().unwrap_or_else(|_| {
                let message = format!("`{}` is no weight", shorten(text));
                self.error(Code::ConstraintWeight, self.span_of(node, "soft"), message);
                1.0
            })
        });
        let of: Vec<String> = document
            .attr(node, "of")
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect();
        for name in &of {
            self.entity(node, name);
        }
        let id = document.id(node).map(str::to_owned);
        (self.findings.len() == before).then_some(Constraint { id, kind, of, value, soft })
    }

    /// The dimension in millimetres or degrees.
    fn value(&mut self, node: NodeId, kind: Kind) -> Option<f64> {
        if self.document.attr(node, "formula").is_some() {
            return self.formula(node, kind);
        }
        let text = self.document.attr(node, "value")?;
        let unit = self.document.attr(node, "unit").map(str::trim);
        match if kind == Kind::Angle { degrees(text, unit) } else { millimetres(text, unit) } {
            Ok(value) => Some(value),
            Err(message) => {
                let message = format!("{kind}: {message}");
                self.error(Code::ConstraintUnit, self.span_of(node, "value"), message);
                None
            }
        }
    }

    /// What the formula of a constraint comes to.
    fn formula(&mut self, node: NodeId, kind: Kind) -> Option<f64> {
        let span = self.span_of(node, "formula");
        if self.document.attr(node, "value").is_some() {
            let message = format!("{kind}: a formula stands in place of a value, not beside it");
            self.error(Code::ConstraintValue, span, message);
            return None;
        }
        match self.formulas.get(&node) {
            Some(Ok(value)) => Some(*value),
            Some(Err(failure)) => {
                self.error(failure.code, span, format!("{kind}: {}", failure.message));
                None
            }
            None => None,
        }
    }

    /// Makes sure that the shape `name` begins with is an entity.
    fn entity(&mut self, node: NodeId, name: &str) {
        let ends = name.rmatch_indices('.').take(3).map(|(at, _)| at);
        let named = std::iter::once(name.len())
            .chain(ends)
            .find_map(|end| name.get(..end).and_then(|id| self.document.by_id(id)));
        let Some(shape) = named else {
            let message = format!("there is no element `{}`", shorten(name));
            let code = Code::ConstraintUnknownEntity;
            let finding = Diagnostic::error(code, self.span_of(node, "of"), message);
            let id = name.split_once('.').map_or(name, |(id, _)| id);
            let few = id.len() <= NAME && self.document.ids().take(NAMES + 1).count() <= NAMES;
            let ids = self.document.ids().filter(|id| few && id.len() <= NAME);
            return self.findings.push(match nearest(id, ids) {
                Some(near) => finding.help(format!("did you mean {near}?")),
                None => finding,
            });
        };
        if self.known.contains_key(&shape) {
            return;
        }
        let entity = match element::read(self.document, self.scene, shape) {
            Ok((geometry, drawn)) => Some(self.add(geometry, drawn)),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        };
        self.known.insert(shape, entity);
    }

    fn add(&mut self, shape: Shape, drawn: Drawn) -> usize {
        let id = self.document.id(drawn.node).unwrap_or_default().to_owned();
        self.sketch.problem.entities.push(Entity { id, shape });
        self.sketch.drawn.push(drawn);
        self.sketch.drawn.len() - 1
    }
}

/// A length with its unit, after the number or beside it.
fn millimetres(text: &str, unit: Option<&str>) -> Result<f64, String> {
    let (_, own) = split(text);
    agree(own, unit)?;
    length::millimetres(text, unit).map_err(|e| format!("`{}`: {e}", shorten(text)))
}

/// An angle: degrees, unless it says `rad`.
fn degrees(text: &str, unit: Option<&str>) -> Result<f64, String> {
    let (number, own) = split(text);
    agree(own, unit)?;
    let number: f64 = number
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite())
        .ok_or_else(|| format!("`{}` is no number", shorten(text)))?;
    match own.or(unit) {
        None | Some("deg" | "°") => Ok(number),
        Some("rad") => Ok(number.to_degrees()),
        Some(other) => Err(format!("`{}` is no unit of an angle; deg and rad are", shorten(other))),
    }
}

fn agree(own: Option<&str>, unit: Option<&str>) -> Result<(), String> {
    match (own, unit) {
        (Some(own), Some(unit)) if own != unit => {
            Err(format!("the value says {} and the unit {}", shorten(own), shorten(unit)))
        }
        _ => Ok(()),
    }
}

/// A number and what is written behind it.
fn split(text: &str) -> (&str, Option<&str>) {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let unit = text.trim_start_matches(is_number);
    let number = &text[..text.len() - unit.len()];
    (number.trim(), Some(unit.trim()).filter(|u| !u.is_empty()))
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

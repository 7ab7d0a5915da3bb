//! What holds a body: anchors, constraints, connections of systems.

use std::collections::HashMap;

use rapier2d_f64::math::Vector;
use svgx_base::digits::figure;
use svgx_base::nearest::did_you_mean;

use crate::document::{Code, Diagnostic, NodeId, Physics, Span};

use super::super::model::{Body, Joint, JointKind, Model};
use super::quantity::{Measure, number, shorten};
use super::{Reader, direction, point};

const KINDS: [&str; 8] = ["wall", "ceiling", "floor", "fixed", "hinge", "roller", "slider", "rope"];

pub(super) fn read(
    reader: &mut Reader<'_>,
    physics: &Physics,
    body: &mut Body,
    index: usize,
    scale: f64,
    joints: &mut Vec<Joint>,
) {
    let document = reader.document;
    let named = |n: &NodeId, name: &str| document.name(*n).is_some_and(|(_, local)| local == name);
    let elements: Vec<NodeId> = document
        .children(physics.node)
        .filter(|n| named(n, "anchor"))
        .chain(physics.constraints.iter().map(|c| c.node))
        .collect();
    let mut found: Vec<(String, Option<NodeId>, Span)> = Vec::new();
    for node in elements {
        let constraint = physics.constraints.iter().find(|c| c.node == node);
        let word = constraint.map(|c| c.kind.as_str().to_owned()).or_else(|| {
            reader
                .attribute(&[node], "type")
                .or_else(|| reader.attribute(&[node], "point"))
                .map(|(text, _)| text)
        });
        let word = word.unwrap_or_else(|| document.text(node));
        found.push((word.trim().to_owned(), Some(node), document.span(node)));
    }
    if found.iter().all(|(_, n, _)| n.is_some_and(|n| !named(&n, "anchor"))) {
        // Written as an attribute: only the names are known.
        let span = document.span(physics.node);
        found.extend(physics.anchors.iter().map(|a| (a.as_str().to_owned(), None, span)));
    }
    if body.fixed && found.is_empty() {
        found.push(("fixed".to_owned(), None, body.span));
    }
    for (word, node, span) in found {
        let nodes: Vec<NodeId> = node.into_iter().collect();
        match joint(reader, &word, &nodes, body, index, None, scale) {
            Ok(joint) => {
                body.fixed |= joint.kind == JointKind::Fixed;
                body.anchors.push(word);
                joints.push(joint);
            }
            Err(reason) => {
                let message = format!("anchor {:?} of {}: {reason}", shorten(&word), body.id);
                reader.report(Diagnostic::error(Code::PhysicsAnchor, span, message));
            }
        }
    }
}

fn joint(
    reader: &Reader<'_>,
    word: &str,
    nodes: &[NodeId],
    body: &Body,
    index: usize,
    other: Option<usize>,
    scale: f64,
) -> Result<Joint, String> {
    let text = |name: &str| reader.attribute(nodes, name).map(|(text, _)| text);
    // Where it holds by default: a thing on a ceiling by the middle of its
    // upper edge, on a floor by the lower; on a wall, which lies behind the
    // drawing, by its centre of mass.
    let place = match word {
        "ceiling" => "top",
        "floor" => "bottom",
        "rope" | "cable" => "top",
        _ => "mass",
    };
    let written = text("at").or_else(|| {
        let constraint = nodes.first().and_then(|&n| reader.document.name(n));
        constraint.filter(|(_, name)| *name == "constraint").and_then(|_| text("point"))
    });
    let at = point(written.as_deref().unwrap_or(place), body, scale)?;
    let towards = |name: &str, default: &str| {
        let v = direction(text(name).as_deref().unwrap_or(default))?;
        if v == Vector::ZERO { Err("points out of the drawing".to_owned()) } else { Ok(v) }
    };
    let kind = match word {
        "wall" | "ceiling" | "floor" | "fixed" | "weld" | "rigid" => JointKind::Fixed,
        "hinge" | "pin" => JointKind::Hinge,
        "roller" => JointKind::Roller { normal: towards("normal", "up")? },
        "slider" => JointKind::Slider { axis: towards("axis", "right")? },
        "rope" | "cable" => {
            let to = text("to").ok_or("a rope needs to=\"x,y\", where it is tied")?;
            let to = point(&to, body, scale)?;
            let span = (to - at).length();
            let length = match text("length") {
                Some(l) => number(&l, None, Measure::Length, scale)?,
                None => span,
            };
            if !(length > 0.0 && length.is_finite()) {
                return Err(format!("its length is {} m", figure(length)));
            }
            if span > length * (1.0 + 1e-9) {
                let (length, span) = (figure(length), figure(span));
                return Err(format!("is {length} m long, but its ends are {span} m apart"));
            }
            JointKind::Rope { to, length }
        }
        _ => {
            let near =
                did_you_mean(word, KINDS).map_or_else(String::new, |near| format!("; {near}"));
            return Err(format!("is not one of {}{near}", KINDS.join(", ")));
        }
    };
    Ok(Joint { name: word.to_owned(), body: index, other, kind, at })
}

/// Connections of systems that hold one body to another.
pub(super) fn connections(
    reader: &mut Reader<'_>,
    model: &mut Model,
    by_id: &HashMap<String, usize>,
) {
    let document = reader.document;
    for connection in document.systems().iter().flat_map(|s| &s.connections) {
        let Some(kind) = connection.kind.as_deref().map(str::trim) else { continue };
        // What is not mechanical (power, water ...) carries no force.
        if !matches!(
            kind,
            "hinge" | "pin" | "weld" | "rigid" | "fixed" | "slider" | "roller" | "rope" | "cable"
        ) {
            continue;
        }
        let span = document.span(connection.node);
        let ends = [&connection.from, &connection.to].map(|id| by_id.get(id.as_str()).copied());
        let [Some(a), Some(b)] = ends else {
            let missing = if ends[0].is_none() { &connection.from } else { &connection.to };
            let message = format!(
                "a {kind} connects {:?} to {:?}, but {:?} has no physics",
                shorten(&connection.from),
                shorten(&connection.to),
                shorten(missing)
            );
            reader.report(Diagnostic::error(Code::PhysicsConnection, span, message));
            continue;
        };
        if a == b {
            let message = format!("a {kind} connects {:?} to itself", shorten(&connection.from));
            reader.report(Diagnostic::error(Code::PhysicsConnection, span, message));
            continue;
        }
        let nodes = [connection.node];
        // Without a place of its own a joint lies between the two.
        let middle = (model.bodies[a].centre + model.bodies[b].centre) / 2.0;
        let placed = reader.attribute(&nodes, "at").is_some();
        match joint(reader, kind, &nodes, &model.bodies[b], b, Some(a), model.scale) {
            Ok(mut joint) => {
                if !placed && !matches!(joint.kind, JointKind::Rope { .. }) {
                    joint.at = middle;
                }
                let id = reader.attribute(&nodes, "id").map(|(id, _)| id);
                joint.name = id.unwrap_or_else(|| kind.to_owned());
                model.joints.push(joint);
            }
            Err(reason) => {
                let message = format!("{kind} from {:?}: {reason}", shorten(&connection.from));
                reader.report(Diagnostic::error(Code::PhysicsConnection, span, message));
            }
        }
    }
}

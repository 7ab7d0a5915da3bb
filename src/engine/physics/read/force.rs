//! Forces on a body and how they change with time.

use rapier2d_f64::math::Vector;
use svgx_base::digits::figure;

use crate::document::{self, Code, Diagnostic, Physics, Span};

use super::super::model::{Body, Force, GRAVITY, Profile};
use super::quantity::{Measure, quantity, shorten};
use super::{Reader, direction, point};

pub(super) fn read(reader: &mut Reader<'_>, physics: &Physics, body: &mut Body, scale: f64) {
    for force in &physics.forces {
        if force.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case("gravity")) {
            weight(reader, force, body);
        } else if let Some(force) = one(reader, force, body, scale) {
            body.forces.push(force);
        }
    }
}

/// A force called gravity is the weight, which every body has: it is checked, not added.
fn weight(reader: &mut Reader<'_>, force: &document::Force, body: &Body) {
    let Some(q) = &force.magnitude else { return };
    if let Ok(a) = quantity(q, Measure::Acceleration, 1.0)
        && (a.abs() - GRAVITY).abs() <= 0.01 * GRAVITY
    {
        return;
    }
    let weight = body.mass * GRAVITY;
    match quantity(q, Measure::Force, 1.0) {
        Ok(f) if (f.abs() - weight).abs() <= 0.01 * weight => {}
        Ok(f) => {
            let (f, weight) = (figure(f), figure(weight));
            let message =
                format!("{} has a gravity force of {f} N, but weighs {weight} N", body.id);
            let note = Diagnostic::warning(Code::PhysicsGravity, q.span, message);
            reader.report(note.help("the weight follows from the mass; this value is not used"));
        }
        Err(reason) => {
            let message = format!("gravity of {}: {reason}", body.id);
            reader.report(Diagnostic::error(Code::PhysicsValue, q.span, message));
        }
    }
}

fn one(reader: &mut Reader<'_>, force: &document::Force, body: &Body, scale: f64) -> Option<Force> {
    let name = force.name.as_deref().unwrap_or("force");
    let what = format!("force {:?}", shorten(name));
    let span = reader.document.span(force.node);
    let fail = |reader: &mut Reader<'_>, span: Span, reason: String| {
        let message = format!("{what} of {}: {reason}", body.id);
        reader.report(Diagnostic::error(Code::PhysicsForce, span, message));
        None
    };
    let Some(q) = &force.magnitude else {
        return fail(reader, span, "has no value".to_owned());
    };
    let newtons = reader.quantity(q, &body.id, &what, Measure::Force, 1.0)?;
    if newtons.abs() > 1e15 {
        return fail(reader, q.span, format!("{} N; at most 1e15 N", figure(newtons)));
    }
    let nodes = [force.node];
    let vector = match force.direction.as_deref() {
        Some(text) => match direction(text) {
            Ok(v) => v * newtons,
            Err(reason) => return fail(reader, span, reason),
        },
        None => return fail(reader, span, "has no direction".to_owned()),
    };
    if vector == Vector::ZERO && newtons != 0.0 {
        let message = format!("{what} of {} points out of the drawing: left out", body.id);
        reader.report(Diagnostic::warning(Code::PhysicsForce, span, message));
    }
    let at = match reader.attribute(&nodes, "at").or_else(|| reader.attribute(&nodes, "point")) {
        Some((text, span)) => match point(&text, body, scale) {
            Ok(p) => p - body.centre,
            Err(reason) => return fail(reader, span, reason),
        },
        None => Vector::ZERO,
    };
    let profile = profile(reader, force, &body.id, &what)?;
    Some(Force { vector, at, profile })
}

fn profile(
    reader: &mut Reader<'_>,
    force: &document::Force,
    id: &str,
    what: &str,
) -> Option<Profile> {
    let nodes = [force.node];
    let Some((word, span)) = reader.attribute(&nodes, "profile") else {
        return Some(Profile::Constant);
    };
    let seconds =
        |reader: &mut Reader<'_>, name: &str| reader.measure(&nodes, id, name, Measure::Time, 1.0);
    let start = seconds(reader, "start").unwrap_or(0.0);
    let duration = seconds(reader, "duration");
    let period = seconds(reader, "period");
    let frequency = reader
        .measure(&nodes, id, "frequency", Measure::Frequency, 1.0)
        .or(period.map(|p| 1.0 / p));
    let degree = std::f64::consts::PI / 180.0;
    let phase = reader.measure(&nodes, id, "phase", Measure::Angle, degree).unwrap_or(0.0);
    let positive = |v: Option<f64>| v.filter(|v| (1e-9..=1e9).contains(v));
    let profile = match (word.trim(), positive(duration), positive(period), positive(frequency)) {
        ("constant", ..) => Some(Profile::Constant),
        ("impulse", Some(duration), ..) => Some(Profile::Impulse { start, duration }),
        ("ramp", Some(duration), ..) => Some(Profile::Ramp { start, duration }),
        ("sine", _, _, Some(frequency)) => Some(Profile::Sine { frequency, phase }),
        ("pulse", Some(duration), Some(period), _) if duration <= period => {
            Some(Profile::Pulse { start, duration, period })
        }
        _ => None,
    };
    if profile.is_none() {
        let message = format!("profile {:?} of {what} of {id} cannot be read", shorten(&word));
        let help = "constant; impulse or ramp with a positive duration; sine with a positive \
                    frequency or period; pulse with a duration no longer than its period";
        reader.report(Diagnostic::error(Code::PhysicsForce, span, message).help(help));
    }
    profile
}

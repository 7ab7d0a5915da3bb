//! Documents to models: which elements are bodies, what they weigh, what
//! holds them and what acts on them. `docs/physics.md` describes the language.

mod anchor;
mod force;
mod plain;
mod quantity;
mod shape;

use std::collections::{BTreeMap, HashMap};

use rapier2d_f64::math::Vector;
use svgx_base::digits::figure;

use super::Outlines;
use crate::document::{
    Code, Diagnostic, Document, Limits, NodeId, Ns, Object, Physics, Quantity, Severity, Span,
};
use svgx_base::budget::{Budget, Stop};
use svgx_base::deep::{self, Empty};
use svgx_base::deep_span;

use super::error::Error;
use super::frames::FAR;
use super::model::{Body, Model};
use super::outline::{Shape, solid};
use super::tier::Settings;
pub use plain::Plain;
use quantity::{Measure, number, quantity, shorten};

/// Friction of a body that names none: wood on wood, brick on brick.
const FRICTION: f64 = 0.5;

/// Reads the model of a document.
///
/// # Errors
/// [`Error::Document`] with everything found, when any of it is an error;
/// [`Error::Limit`] for too many bodies.
pub(super) fn model(
    document: &Document,
    scene: &dyn Outlines,
    settings: &Settings,
    limits: &Limits,
    budget: &Budget,
) -> Result<Model, Error> {
    let (model, diagnostics) = read(document, scene, settings, limits, budget)?;
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(Error::Document(diagnostics));
    }
    Ok(model)
}

/// Reads the model of a document as far as it can be read.
pub(super) fn read(
    document: &Document,
    scene: &dyn Outlines,
    settings: &Settings,
    limits: &Limits,
    budget: &Budget,
) -> Result<(Model, Vec<Diagnostic>), Error> {
    let mut reader = Reader { document, diagnostics: Vec::new(), most: limits.diagnostics };
    let carriers = carriers(document);
    if carriers.len() > limits.bodies {
        let (limit, seen) = (limits.bodies as f64, carriers.len() as f64);
        return Err(Error::Limit { what: "bodies in one simulation", limit, seen });
    }
    let span = deep_span!("bodies", svgx.body.count = Empty);
    let scale = scene.millimetres_per_unit() / 1e3;
    let mut model = Model { scale, ..Model::default() };
    let objects: HashMap<NodeId, &Object> =
        document.objects().iter().map(|o| (o.node, o)).collect();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (&node, &at) in &carriers {
        budget.checkpoint().map_err(Error::Stopped)?;
        let Some(physics) = document.physics().get(at) else { continue };
        let parts = |n: NodeId| n != node && carriers.contains_key(&n);
        let outlines = shape::outlines(document, scene, node, &parts, scale, settings.outline);
        let Some(mut body) =
            reader.body(node, objects.get(&node).copied(), physics, &outlines, settings)
        else {
            continue;
        };
        if body.centre.abs().max_element() > FAR || body.half.max_element() > FAR {
            let message = format!("{} reaches more than 1000 km: left out", body.id);
            reader.report(Diagnostic::warning(Code::PhysicsFar, body.span, message));
            model.quarantined.push((body.id, "reaches more than 1000 km: left out"));
            continue;
        }
        let index = model.bodies.len();
        anchor::read(&mut reader, physics, &mut body, index, scale, &mut model.joints);
        force::read(&mut reader, physics, &mut body, scale);
        by_id.entry(body.id.clone()).or_insert(index);
        model.bodies.push(body);
    }
    anchor::connections(&mut reader, &mut model, &by_id);
    span.record("svgx.body.count", deep::count(model.bodies.len()));
    Ok((model, reader.diagnostics))
}

/// Which elements are bodies, and by which physics: the element it lies in, and
/// every element that names it.
fn carriers(document: &Document) -> BTreeMap<NodeId, usize> {
    let mut carriers = BTreeMap::new();
    let mut named: HashMap<&str, usize> = HashMap::new();
    for (i, physics) in document.physics().iter().enumerate() {
        if let Some(id) = &physics.id {
            named.entry(id.as_str()).or_insert(i);
        }
        if let Some(owner) = physics.owner {
            carriers.entry(owner).or_insert(i);
        }
    }
    if named.is_empty() {
        return carriers;
    }
    for node in document.elements() {
        let reference = match document.name(node) {
            Some((Ns::Arx, "object")) => document.attr(node, "physics"),
            _ => document.arx(node, "physics"),
        };
        if let Some(&at) = reference.and_then(|id| named.get(id.trim())) {
            carriers.entry(node).or_insert(at);
        }
    }
    carriers
}

struct Reader<'d> {
    document: &'d Document,
    diagnostics: Vec<Diagnostic>,
    most: usize,
}

impl Reader<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < self.most {
            self.diagnostics.push(diagnostic);
        }
    }

    /// The value and place of an attribute, plain or `arx:`, on the first of `nodes` that has it.
    fn attribute(&self, nodes: &[NodeId], name: &str) -> Option<(String, Span)> {
        nodes.iter().find_map(|&node| {
            let mut all = self.document.attributes(node).iter();
            let found = all.find(|a| matches!(a.ns, Ns::None | Ns::Arx) && a.name == name)?;
            let span = if found.span.is_none() { self.document.span(node) } else { found.span };
            Some((found.value.to_owned(), span))
        })
    }

    /// A number from an attribute; what cannot be read is reported.
    fn measure(
        &mut self,
        nodes: &[NodeId],
        id: &str,
        name: &str,
        measure: Measure,
        bare: f64,
    ) -> Option<f64> {
        let (text, span) = self.attribute(nodes, name)?;
        match number(&text, None, measure, bare) {
            Ok(value) => Some(value),
            Err(reason) => {
                let message = format!("{name} of {id}: {reason}");
                self.report(Diagnostic::error(Code::PhysicsValue, span, message));
                None
            }
        }
    }

    fn quantity(
        &mut self,
        q: &Quantity,
        id: &str,
        what: &str,
        measure: Measure,
        bare: f64,
    ) -> Option<f64> {
        match quantity(q, measure, bare) {
            Ok(value) => Some(value),
            Err(reason) => {
                let message = format!("{what} of {id}: {reason}");
                self.report(Diagnostic::error(Code::PhysicsValue, q.span, message));
                None
            }
        }
    }

    fn body(
        &mut self,
        node: NodeId,
        object: Option<&Object>,
        physics: &Physics,
        outlines: &[super::outline::Outline],
        settings: &Settings,
    ) -> Option<Body> {
        let document = self.document;
        let id = document
            .id(node)
            .or_else(|| object.and_then(|o| o.id.as_deref()))
            .map_or_else(|| format!("node-{}", node.index()), str::to_owned);
        let span = document.span(node);
        let nodes = [physics.node, node];
        let motion = self.attribute(&nodes, "motion");
        let fixed = match motion.as_ref().map(|(t, s)| (t.trim(), *s)) {
            Some(("fixed" | "static", _)) => true,
            Some(("free" | "dynamic", _)) => false,
            Some((other, span)) => {
                let message =
                    format!("motion of {id} is {:?}; expected fixed or free", shorten(other));
                self.report(Diagnostic::error(Code::PhysicsValue, span, message));
                false
            }
            None => matches!(document.attr(node, "physics"), Some("fixed" | "static")),
        };
        let mass = match &physics.mass {
            Some(q) => {
                let mass = self.quantity(q, &id, "mass", Measure::Mass, 1.0)?;
                if !(mass > 0.0 && mass <= 1e12) {
                    let message = format!("the mass of {id} is {} kg", figure(mass));
                    let help = "a mass is positive, and at most 1e12 kg";
                    self.report(Diagnostic::error(Code::PhysicsMass, q.span, message).help(help));
                    return None;
                }
                mass
            }
            None if fixed => 0.0,
            None => {
                let message = format!("{id} has no mass: 1 kg is taken");
                let note = Diagnostic::warning(Code::PhysicsMassMissing, span, message);
                self.report(note.help("write <mass unit=\"kg\">...</mass> in its arx:physics"));
                1.0
            }
        };
        let friction =
            self.measure(&nodes, &id, "friction", Measure::Number, 1.0).unwrap_or(FRICTION);
        let restitution =
            self.measure(&nodes, &id, "restitution", Measure::Number, 1.0).unwrap_or(0.0);
        for (name, value, most) in
            [("friction", friction, 100.0), ("restitution", restitution, 1.0)]
        {
            if !(0.0..=most).contains(&value) {
                let message = format!("{name} of {id} is {value}; it lies between 0 and {most}");
                let at = self.attribute(&nodes, name).map_or(span, |(_, s)| s);
                self.report(Diagnostic::error(Code::PhysicsValue, at, message));
                return None;
            }
        }
        let velocity = self.vector(&nodes, &id, "velocity", Measure::Speed).unwrap_or(Vector::ZERO);
        let spin = self.measure(&nodes, &id, "spin", Measure::Spin, 1.0).unwrap_or(0.0);
        let solid = solid(outlines, settings.outline);
        if solid.is_none() {
            let message = format!("{id} has no outline: it has weight, but meets nothing");
            self.report(Diagnostic::warning(Code::PhysicsShape, span, message));
        }
        if solid.as_ref().is_some_and(|s| s.shape.hulled) {
            let message = format!("the outline of {id} cannot be cut up: its convex hull is used");
            self.report(Diagnostic::warning(Code::PhysicsShape, span, message));
        }
        let (shape, centre, gyration, low, high) = solid.map_or_else(
            || (Shape::default(), Vector::ZERO, 1e-4, Vector::ZERO, Vector::ZERO),
            |s| (s.shape, s.centre, s.gyration, s.low, s.high),
        );
        Some(Body {
            id,
            span,
            shape,
            centre,
            half: (high - low) / 2.0,
            middle: (high + low) / 2.0 - centre,
            mass,
            inertia: mass * gyration.max(1e-12),
            friction,
            restitution,
            velocity,
            spin,
            fixed,
            anchors: Vec::new(),
            forces: Vec::new(),
        })
    }

    /// Two numbers from an attribute: `1.5,0` or `1.5 m/s, 0`.
    fn vector(
        &mut self,
        nodes: &[NodeId],
        id: &str,
        name: &str,
        measure: Measure,
    ) -> Option<Vector> {
        let (text, span) = self.attribute(nodes, name)?;
        match pair(&text, measure, 1.0) {
            Ok(v) => Some(v),
            Err(reason) => {
                let message = format!("{name} of {id}: {reason}");
                self.report(Diagnostic::error(Code::PhysicsValue, span, message));
                None
            }
        }
    }
}

/// Two numbers with a comma or space between.
fn pair(text: &str, measure: Measure, bare: f64) -> Result<Vector, String> {
    let mut parts = if text.contains(',') {
        text.split(',').collect::<Vec<_>>()
    } else {
        text.split_whitespace().collect()
    }
    .into_iter();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(x), Some(y), None) => {
            Ok(Vector::new(number(x, None, measure, bare)?, number(y, None, measure, bare)?))
        }
        _ => Err(format!("{:?} is not two numbers", shorten(text))),
    }
}

/// A point of the drawing, m: `120,40`, `1.2m, 40mm`, or a named point of the body.
fn point(text: &str, body: &Body, scale: f64) -> Result<Vector, String> {
    let middle = body.centre + body.middle;
    let (w, h) = (body.half.x, body.half.y);
    let at = |x: f64, y: f64| Ok(middle + Vector::new(x * w, y * h));
    match text.trim() {
        "mass" | "centre-of-mass" | "center-of-mass" => Ok(body.centre),
        "centre" | "center" => at(0.0, 0.0),
        "top" => at(0.0, -1.0),
        "bottom" => at(0.0, 1.0),
        "left" => at(-1.0, 0.0),
        "right" => at(1.0, 0.0),
        "top-left" => at(-1.0, -1.0),
        "top-right" => at(1.0, -1.0),
        "bottom-left" => at(-1.0, 1.0),
        "bottom-right" => at(1.0, 1.0),
        other => pair(other, Measure::Length, scale),
    }
}

/// A unit vector: a word, an angle in degrees (clockwise from the right), or two numbers.
fn direction(text: &str) -> Result<Vector, String> {
    let text = text.trim();
    let named = match text {
        "right" => Vector::X,
        "left" => -Vector::X,
        "down" => Vector::Y,
        "up" => -Vector::Y,
        "forward" | "backward" => return Ok(Vector::ZERO),
        _ if text.contains([',', ' ']) && !text.ends_with("deg") && !text.ends_with("rad") => {
            let v = pair(text, Measure::Number, 1.0)?;
            let length = libm::hypot(v.x, v.y);
            if !(length > 0.0 && length.is_finite()) {
                return Err(format!("{:?} points nowhere", shorten(text)));
            }
            v / length
        }
        _ => {
            let degree = std::f64::consts::PI / 180.0;
            let angle = number(text, None, Measure::Angle, degree).map_err(|_| {
                format!(
                    "{:?} is no direction: expected down, up, left, right, an angle or x,y",
                    shorten(text)
                )
            })?;
            Vector::new(libm::cos(angle), libm::sin(angle))
        }
    };
    Ok(named)
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Error {
        Error::Stopped(stop)
    }
}

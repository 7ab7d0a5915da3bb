//! `POST /parse`: what a drawing holds.

use std::collections::HashMap;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::admission::body::Body;
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error, Finding};
use crate::state::answer::milliseconds;
use crate::state::cache::Cache;
use svgx_engine::compile::differences;
use svgx_engine::document::{Behavior, Document, LineIndex, NodeId, Ns, Object, Physics, Quantity};

/// How a drawing is to be read.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParseOptions {
    /// Whether findings are listed in `diagnostics`; true without. Errors are always answered.
    #[serde(default)]
    pub(crate) validate: Option<bool>,
    /// Whether each element says its line and column; true without.
    #[serde(default)]
    pub(crate) include_metadata: Option<bool>,
}

request! {
    /// A drawing to read.
    ParseRequest, ParseOptions {
        /// Only `svgx` is read.
        format: Option<DocumentFormat>,
    }
}

/// The form of a drawing.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DocumentFormat {
    /// SVGX.
    Svgx,
    /// SVG, which is SVGX without its own elements.
    Svg,
    /// Either, as XML.
    Xml,
}

/// What a drawing holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParseAnswer<'d> {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// Every element in document order.
    elements: Vec<Element<'d>>,
    /// How many elements.
    count: usize,
    /// Findings that did not stop the reading.
    diagnostics: Vec<Finding>,
    /// Figures of the reading.
    statistics: ParseStatistics,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Figures of a reading.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParseStatistics {
    /// Elements of any kind.
    total_elements: usize,
    /// Building objects.
    objects: usize,
    /// Behaviors.
    behaviors: usize,
    /// Elements with physics.
    physics: usize,
    /// Systems that the drawing declares.
    systems: usize,
    /// Time from text to document, in milliseconds; near zero when it was known already.
    parse_time_ms: f64,
}

/// An element of a drawing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Element<'d> {
    /// Its name; `arx:` stands before the names of the language.
    #[schema(value_type = String)]
    tag: Name<'d>,
    /// Its id.
    id: Option<&'d str>,
    /// Its attributes as they were written.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    attributes: Attributes<'d>,
    /// Its place as written: `x` and `y`, `cx` and `cy`, or `x1` and `y1`.
    position: Option<[f64; 2]>,
    /// Whether it is a building object.
    has_arx_object: bool,
    /// The object it is.
    arx_object: Option<ObjectView<'d>>,
    /// Its behavior.
    arx_behavior: Option<BehaviorView<'d>>,
    /// Its physics.
    arx_physics: Option<PhysicsView<'d>>,
    /// Where it stands in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Place>,
}

/// A place in the source.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Place {
    /// Line, from 1.
    line_number: u32,
    /// Column in characters, from 1.
    column_number: u32,
}

/// A name with the usual prefix of its namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'d> {
    prefix: &'d str,
    local: &'d str,
}

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.prefix.is_empty() {
            serializer.serialize_str(self.local)
        } else {
            serializer.collect_str(&format_args!("{}:{}", self.prefix, self.local))
        }
    }
}

fn prefix(document: &Document, ns: Ns) -> &str {
    match ns {
        Ns::None | Ns::Svg => "",
        Ns::Arx => "arx",
        Ns::XLink => "xlink",
        Ns::Xml => "xml",
        Ns::Other(i) => document.foreign().get(usize::from(i)).map_or("", |(p, _)| p),
    }
}

/// Attributes as a map.
#[derive(Debug)]
pub(crate) struct Attributes<'d>(&'d Document, NodeId);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let attributes = self.0.attributes(self.1);
        let mut map = serializer.serialize_map(Some(attributes.len()))?;
        for a in attributes {
            let name = Name { prefix: prefix(self.0, a.ns), local: a.name };
            map.serialize_entry(&name, a.value)?;
        }
        map.end()
    }
}

/// A building object.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ObjectView<'d> {
    /// Its id.
    id: Option<&'d str>,
    /// What it is, such as `electrical.light`.
    #[serde(rename = "type")]
    kind: Option<&'d str>,
    /// The system it belongs to.
    system: Option<&'d str>,
    /// Words it is filed under.
    tags: Vec<&'d str>,
    /// Its properties, as written.
    properties: Vec<ValueView<'d>>,
}

/// A named value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ValueView<'d> {
    /// Its name.
    name: &'d str,
    /// Its value as written.
    value: &'d str,
    /// Its unit as written.
    unit: Option<&'d str>,
}

/// A behavior.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BehaviorView<'d> {
    /// Its id, which shapes refer to.
    id: Option<&'d str>,
    /// Its inputs, as written.
    variables: Vec<ValueView<'d>>,
    /// Its formulas, as written.
    calculations: Vec<CalculationView<'d>>,
    /// What it does on events.
    triggers: Vec<TriggerView<'d>>,
}

/// A formula.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CalculationView<'d> {
    /// Its name, by which other formulas refer to it.
    name: &'d str,
    /// The formula as written.
    formula: &'d str,
    /// The unit its value is to have.
    unit: Option<&'d str>,
}

/// An action on an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TriggerView<'d> {
    /// What it waits for.
    event: &'d str,
    /// What it does.
    action: &'d str,
}

/// Physics of an element.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PhysicsView<'d> {
    /// Its id, which elements refer to.
    id: Option<&'d str>,
    /// Mass as written.
    mass: Option<QuantityView<'d>>,
    /// What it is fixed to.
    anchor: Option<&'d str>,
    /// Everything it is fixed to.
    anchors: Vec<&'d str>,
    /// Forces on it, as written.
    forces: Vec<ForceView<'d>>,
}

/// A value and its unit, as written.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct QuantityView<'d> {
    /// The value as written.
    value: &'d str,
    /// The unit as written.
    unit: Option<&'d str>,
}

/// A force as written.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ForceView<'d> {
    /// Its name.
    name: Option<&'d str>,
    /// Where it acts to.
    direction: Option<&'d str>,
    /// How large it is.
    magnitude: Option<QuantityView<'d>>,
}

impl<'d> From<&'d Quantity> for QuantityView<'d> {
    fn from(q: &'d Quantity) -> Self {
        QuantityView { value: &q.value, unit: q.unit.as_deref() }
    }
}

impl<'d> From<&'d Object> for ObjectView<'d> {
    fn from(o: &'d Object) -> Self {
        ObjectView {
            id: o.id.as_deref(),
            kind: o.kind.as_deref(),
            system: o.system.as_deref(),
            tags: o.tags.iter().map(|t| &**t).collect(),
            properties: o
                .properties
                .iter()
                .map(|p| ValueView {
                    name: &p.name,
                    value: &p.value.value,
                    unit: p.value.unit.as_deref(),
                })
                .collect(),
        }
    }
}

impl<'d> From<&'d Behavior> for BehaviorView<'d> {
    fn from(b: &'d Behavior) -> Self {
        BehaviorView {
            id: b.id.as_deref(),
            variables: b
                .variables
                .iter()
                .map(|v| ValueView {
                    name: &v.name,
                    value: &v.value.value,
                    unit: v.value.unit.as_deref(),
                })
                .collect(),
            calculations: b
                .calculations
                .iter()
                .map(|c| CalculationView {
                    name: &c.name,
                    formula: &c.formula,
                    unit: c.unit.as_deref(),
                })
                .collect(),
            triggers: b
                .triggers
                .iter()
                .map(|t| TriggerView { event: &t.event, action: &t.action })
                .collect(),
        }
    }
}

impl<'d> From<&'d Physics> for PhysicsView<'d> {
    fn from(p: &'d Physics) -> Self {
        PhysicsView {
            id: p.id.as_deref(),
            mass: p.mass.as_ref().map(QuantityView::from),
            anchor: p.anchors.first().map(|a| &**a),
            anchors: p.anchors.iter().map(|a| &**a).collect(),
            forces: p
                .forces
                .iter()
                .map(|f| ForceView {
                    name: f.name.as_deref(),
                    direction: f.direction.as_deref(),
                    magnitude: f.magnitude.as_ref().map(QuantityView::from),
                })
                .collect(),
        }
    }
}

/// Reads a drawing: every element with what it means, and findings with their places.
///
/// # Errors
/// A body that cannot be read, or a drawing that cannot.
#[utoipa::path(post, path = "/parse", tag = "drawing", operation_id = "parse_drawing",
    request_body(content((ParseRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = ParseAnswer<'_>)))]
pub(crate) fn parse(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<ParseRequest> = Input::read(&call, body)?;
    let options = input.request.options.unwrap_or_default();
    let content = &input.drawing(&call)?;
    let document = &*input::parse(&mut call, content)?;
    let etag = input::etag(true, &Cache::key("parse", &format!("{options:?}"), content));
    if let Some(known) = call.known_as(&etag) {
        return Ok(call.not_modified(known));
    }
    let elements = elements(document, options.include_metadata.unwrap_or(true));
    let diagnostics = if options.validate.unwrap_or(true) {
        let limits = &call.app.config.limits;
        let mut found = document.diagnostics().to_vec();
        // What is wrong with the drawing comes first where not all of it may be told.
        let room = limits.diagnostics.saturating_sub(found.len());
        let shown = differences(document, &call.app.fonts, limits, call.budget)?;
        let wired = svgx_networks::read::check(document, limits, call.budget);
        let wired = wired.map_err(problem::networks)?;
        let presented = match svgx_engine::geometry::Scene::build(document, limits, call.budget) {
            Ok(scene) => svgx_drafting::check(document, &scene),
            Err(svgx_engine::geometry::Error::Stopped(stop)) => return Err(stop.into()),
            // What is too much for geometry is told by who draws it.
            Err(_) => Vec::new(),
        };
        found.extend(wired.into_iter().chain(presented).chain(shown).take(room));
        found.sort_by_key(|d| d.span.start);
        problem::findings(content, &found)
    } else {
        Vec::new()
    };
    let answer = ParseAnswer {
        status: "success",
        success: true,
        count: elements.len(),
        statistics: ParseStatistics {
            total_elements: elements.len(),
            objects: document.objects().len(),
            behaviors: document.behaviors().len(),
            physics: document.physics().len(),
            systems: document.systems().len(),
            parse_time_ms: milliseconds(call.phases.parse),
        },
        elements,
        diagnostics,
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, Some(etag))
}

fn elements(document: &Document, with_places: bool) -> Vec<Element<'_>> {
    let objects: HashMap<NodeId, &Object> =
        document.objects().iter().map(|o| (o.node, o)).collect();
    let behavior_of: HashMap<NodeId, &Behavior> = document
        .behaviors()
        .iter()
        .flat_map(|b| b.owner.into_iter().chain([b.node]).map(move |n| (n, b)))
        .collect();
    let physics_of: HashMap<NodeId, &Physics> = document
        .physics()
        .iter()
        .flat_map(|p| p.owner.into_iter().chain([p.node]).map(move |n| (n, p)))
        .collect();
    let source: &str = document.source();
    let lines = with_places.then(|| LineIndex::new(source));
    document
        .elements()
        .filter_map(|node| {
            let (ns, local) = document.name(node)?;
            let name = Name { prefix: prefix(document, ns), local };
            let object = objects.get(&node).copied();
            let behavior = object
                .and_then(|o| o.behavior)
                .and_then(|i| document.behaviors().get(i.0 as usize))
                .or_else(|| behavior_of.get(&node).copied());
            let physics = object
                .and_then(|o| o.physics)
                .and_then(|i| document.physics().get(i.0 as usize))
                .or_else(|| physics_of.get(&node).copied());
            let span = document.span(node);
            Some(Element {
                tag: name,
                id: document.id(node),
                attributes: Attributes(document, node),
                position: position(document, node),
                has_arx_object: object.is_some(),
                arx_object: object.map(ObjectView::from),
                arx_behavior: behavior.map(BehaviorView::from),
                arx_physics: physics.map(PhysicsView::from),
                metadata: lines.as_ref().filter(|_| !span.is_none()).map(|lines| {
                    let place = lines.position(source, span.start);
                    Place { line_number: place.line, column_number: place.column }
                }),
            })
        })
        .collect()
}

fn position(document: &Document, node: NodeId) -> Option<[f64; 2]> {
    let number = |name| document.attr(node, name)?.trim().parse::<f64>().ok();
    [("x", "y"), ("cx", "cy"), ("x1", "y1")].into_iter().find_map(|(x, y)| {
        let at = (number(x), number(y));
        let found = at.0.is_some() || at.1.is_some();
        let at = [at.0.unwrap_or(0.0), at.1.unwrap_or(0.0)];
        (found && at.iter().all(|v| v.is_finite())).then_some(at)
    })
}

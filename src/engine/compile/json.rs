//! To the JSON model: what a program reads that wants a drawing's objects and
//! not its lines.
//!
//! Values are text with their unit, as written; numbers are read where the
//! language says they are millimetres.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use svgx_base::deep_span;

use crate::document::{self, Document, NodeId, Ns, Quantity};
use crate::geometry::{Role, ViewBox, conditions_hold, is_box, length, role, switch_choice};

use super::objects::draws;

/// What the model is to contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonOptions {
    /// Keep [`Model::metadata`].
    pub include_metadata: bool,
}

impl Default for JsonOptions {
    fn default() -> JsonOptions {
        JsonOptions { include_metadata: true }
    }
}

/// A document as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonModel"))]
pub struct Model {
    /// Always `svgx`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The drawing as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What is drawn, in document order.
    pub elements: Vec<Element>,
    /// Building objects, in document order.
    pub objects: Vec<Object>,
    /// Behaviors, in document order.
    pub behaviors: Vec<Behavior>,
    /// Physics declarations, in document order.
    pub physics: Vec<Body>,
    /// Declared systems, then those that objects name without a declaration.
    pub systems: Vec<System>,
}

/// The drawing as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonMetadata"))]
pub struct Metadata {
    /// Version of the language.
    pub version: String,
    /// When it was compiled, in RFC 3339; only whoever serves it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiled_at: Option<String>,
    /// As written on the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<String>,
    /// As written on the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<String>,
    /// x, y, width, height in user units.
    #[serde(rename = "viewBox", skip_serializing_if = "Option::is_none")]
    pub viewbox: Option<[f64; 4]>,
    /// Millimetres in one user unit.
    pub mm_per_unit: f64,
    /// Namespaces in use.
    pub namespaces: Vec<Namespace>,
}

/// A namespace and its usual prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonNamespace"))]
pub struct Namespace {
    /// The prefix; empty for the default.
    pub prefix: String,
    /// The address that names it.
    pub uri: String,
}

/// An SVG element that is drawn; a `g` for an object that draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonElement"))]
pub struct Element {
    /// Local name.
    pub tag: String,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The place in `elements`, from 0, of the one that it stands in: its transform applies too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<usize>,
    /// Its attributes; those of the language with the prefix `arx:`.
    pub attributes: BTreeMap<String, String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A building object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonObject"))]
pub struct Object {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its type, such as `electrical.light_fixture`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The building system it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The object that feeds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// Named values.
    pub properties: Vec<Property>,
    /// Its box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
    /// Every other attribute of the element that declares it.
    pub attributes: BTreeMap<String, String>,
}

/// A value with its unit, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonValue"))]
pub struct Value {
    /// The value.
    pub value: String,
    /// Its unit, where one is written beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonProperty"))]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its value and unit.
    #[serde(flatten)]
    pub value: Value,
}

/// A box in millimetres. What cannot be read is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonGeometry"))]
#[serde(default)]
pub struct Geometry {
    /// Left edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// Upper edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
    /// Height above the floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z: Option<f64>,
    /// Along x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Along y.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
    /// Along z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<f64>,
}

/// Variables, calculations and triggers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonBehavior"))]
pub struct Behavior {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id of the element it lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    /// Input values.
    pub variables: Vec<Property>,
    /// Formulas.
    pub calculations: Vec<Calculation>,
    /// What happens on which event.
    pub triggers: Vec<Trigger>,
}

/// A formula and the name of its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonCalculation"))]
pub struct Calculation {
    /// The name of the result.
    pub name: String,
    /// The formula.
    pub formula: String,
    /// The unit the result is shown in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// An action on an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonTrigger"))]
pub struct Trigger {
    /// `click`, `hover`, `drag`, `time`, `condition`, or an external name.
    pub event: String,
    /// What is done.
    pub action: String,
    /// Everything else that was written on it.
    pub parameters: BTreeMap<String, String>,
}

/// Mass, anchors and forces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonBody"))]
pub struct Body {
    /// The id of the element it belongs to, or its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    /// Mass; kilograms where no unit is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mass: Option<Value>,
    /// What it hangs on or stands on.
    pub anchor: Vec<String>,
    /// Forces on it.
    pub forces: Vec<Force>,
}

/// A force; newtons where no unit is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonForce"))]
pub struct Force {
    /// Its name or type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `down`, `up`, an angle or a vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// How strong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub magnitude: Option<Value>,
}

/// Objects that work together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonSystem"))]
pub struct System {
    /// Its id, or the name objects call it by.
    pub id: String,
    /// As declared, else guessed from the types of its members:
    /// `electrical`, `mechanical`, `plumbing`, `hvac` or `general`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The ids of its members.
    pub objects: Vec<String>,
    /// What feeds what.
    pub connections: Vec<Connection>,
}

/// A connection between two members of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "JsonConnection"))]
pub struct Connection {
    /// The id it starts at.
    pub from: String,
    /// The id it ends at.
    pub to: String,
    /// `power`, ...
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// The document as a model. O(document).
pub fn json(document: &Document, options: &JsonOptions) -> Model {
    let _span = deep_span!("model.json");
    Model {
        kind: "svgx".to_owned(),
        metadata: options.include_metadata.then(|| metadata(document)),
        elements: elements(document),
        objects: document.objects().iter().map(|o| object(document, o)).collect(),
        behaviors: document.behaviors().iter().map(|b| behavior(document, b)).collect(),
        physics: document.physics().iter().map(|p| body(document, p)).collect(),
        systems: systems(document),
    }
}

fn metadata(document: &Document) -> Metadata {
    let root = |name| document.attr(NodeId::ROOT, name).map(str::to_owned);
    let viewbox = document.attr(NodeId::ROOT, "viewBox").and_then(ViewBox::parse);
    let mut namespaces = vec![
        Namespace { prefix: String::new(), uri: document::SVG.to_owned() },
        Namespace { prefix: "arx".to_owned(), uri: document::ARX.to_owned() },
    ];
    let foreign = document.foreign().iter();
    namespaces.extend(
        foreign
            .map(|(p, u)| Namespace { prefix: p.as_str().to_owned(), uri: u.as_str().to_owned() }),
    );
    Metadata {
        version: "1.0".to_owned(),
        compiled_at: None,
        width: root("width"),
        height: root("height"),
        viewbox: viewbox.map(|v| [v.x, v.y, v.width, v.height]),
        mm_per_unit: length::Scale::of(document).mm_per_unit,
        namespaces,
    }
}

/// What is drawn, each element with the place of the one around it in the list. What stands in
/// `defs`, a `symbol`, a pattern or a clip path is drawn where it is referred to, if at all, and
/// of a `switch` one child is.
fn elements(document: &Document) -> Vec<Element> {
    let mut listed: Vec<Element> = Vec::new();
    let mut stack: Vec<(NodeId, Option<usize>)> = vec![(NodeId::ROOT, None)];
    while let Some((node, around)) = stack.pop() {
        let role = role(document, node);
        let mut parent = around;
        if node != NodeId::ROOT {
            if matches!(role, Role::None | Role::Symbol) || !conditions_hold(document, node) {
                continue;
            }
            let is_group = role == Role::Object;
            let is_listed = !is_box(document, node) && (!is_group || draws(document, node));
            if is_listed {
                parent = Some(listed.len());
                let tag = document.name(node).map_or("", |(_, name)| name);
                listed.push(Element {
                    tag: if is_group { "g" } else { tag }.to_owned(),
                    id: document.id(node).map(str::to_owned),
                    parent: around,
                    attributes: attributes(document, node, &["id"]),
                    text: (role == Role::Text).then(|| whole_text(document, node)),
                });
            }
            if role == Role::Text {
                continue;
            }
        }
        if role == Role::Switch {
            stack.extend(switch_choice(document, node).map(|child| (child, parent)));
            continue;
        }
        let from = stack.len();
        stack.extend(document.children(node).map(|child| (child, parent)));
        if let Some(children) = stack.get_mut(from..) {
            children.reverse();
        }
    }
    listed
}

/// The text as it is read: white space collapses across the `tspan`s, and none is put between.
fn whole_text(document: &Document, node: NodeId) -> String {
    let mut text = String::new();
    let mut spaced = false;
    for n in document.descendants(node) {
        let document::NodeKind::Text(t) = document.kind(n) else { continue };
        for c in t.chars() {
            if c.is_ascii_whitespace() {
                spaced = !text.is_empty();
            } else {
                if std::mem::take(&mut spaced) {
                    text.push(' ');
                }
                text.push(c);
            }
        }
    }
    text
}

fn attributes(document: &Document, node: NodeId, but: &[&str]) -> BTreeMap<String, String> {
    let named = |a: document::Attribute<'_>| {
        let name = a.name;
        let name = match a.ns {
            Ns::None | Ns::Svg if but.contains(&name) => return None,
            Ns::None | Ns::Svg => name.to_owned(),
            Ns::Arx => format!("arx:{name}"),
            Ns::XLink => format!("xlink:{name}"),
            Ns::Xml => format!("xml:{name}"),
            Ns::Other(at) => {
                let prefix = document.foreign().get(usize::from(at))?.0.as_str();
                format!("{prefix}:{name}")
            }
        };
        Some((name, a.value.to_owned()))
    };
    document.attributes(node).iter().filter_map(named).collect()
}

fn owned(text: &Option<document::Str>) -> Option<String> {
    text.as_ref().map(|t| t.as_str().to_owned())
}

fn value(q: &Quantity) -> Value {
    Value { value: q.value.as_str().to_owned(), unit: owned(&q.unit) }
}

fn object(document: &Document, o: &document::Object) -> Object {
    let mm = |q: &Option<Quantity>| {
        let q = q.as_ref()?;
        length::millimetres(&q.value, q.unit.as_deref()).ok()
    };
    Object {
        id: owned(&o.id),
        kind: owned(&o.kind),
        system: owned(&o.system),
        upstream: owned(&o.upstream),
        tags: o.tags.iter().map(|t| t.as_str().to_owned()).collect(),
        properties: o
            .properties
            .iter()
            .map(|p| Property { name: p.name.as_str().to_owned(), value: value(&p.value) })
            .collect(),
        geometry: o.geometry.as_ref().map(|g| Geometry {
            x: mm(&g.x),
            y: mm(&g.y),
            z: mm(&g.z),
            width: mm(&g.width),
            height: mm(&g.height),
            depth: mm(&g.depth),
        }),
        attributes: attributes(document, o.node, &["id", "type", "system", "upstream"]),
    }
}

fn behavior(document: &Document, b: &document::Behavior) -> Behavior {
    Behavior {
        id: owned(&b.id),
        element_id: b.owner.and_then(|n| document.id(n)).map(str::to_owned),
        variables: b
            .variables
            .iter()
            .map(|v| Property { name: v.name.as_str().to_owned(), value: value(&v.value) })
            .collect(),
        calculations: b
            .calculations
            .iter()
            .map(|c| Calculation {
                name: c.name.as_str().to_owned(),
                formula: c.formula.as_str().to_owned(),
                unit: owned(&c.unit),
            })
            .collect(),
        triggers: b
            .triggers
            .iter()
            .map(|t| Trigger {
                event: t.event.as_str().to_owned(),
                action: t.action.as_str().to_owned(),
                parameters: t
                    .parameters
                    .iter()
                    .map(|(n, v)| (n.as_str().to_owned(), v.as_str().to_owned()))
                    .collect(),
            })
            .collect(),
    }
}

fn body(document: &Document, p: &document::Physics) -> Body {
    let owner = p.owner.and_then(|n| document.id(n)).map(str::to_owned);
    Body {
        element_id: owner.or_else(|| owned(&p.id)),
        mass: p.mass.as_ref().map(value),
        anchor: p.anchors.iter().map(|a| a.as_str().to_owned()).collect(),
        forces: p
            .forces
            .iter()
            .map(|f| Force {
                name: owned(&f.name),
                direction: owned(&f.direction),
                magnitude: f.magnitude.as_ref().map(value),
            })
            .collect(),
    }
}

fn systems(document: &Document) -> Vec<System> {
    let mut systems: Vec<System> = document
        .systems()
        .iter()
        .map(|s| System {
            id: owned(&s.id).unwrap_or_default(),
            kind: owned(&s.kind).unwrap_or_default(),
            objects: s.components.iter().map(|c| c.object.as_str().to_owned()).collect(),
            connections: s
                .connections
                .iter()
                .map(|c| Connection {
                    from: c.from.as_str().to_owned(),
                    to: c.to.as_str().to_owned(),
                    kind: owned(&c.kind),
                })
                .collect(),
        })
        .collect();
    let declared = systems.len();
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for at in 0..declared {
        if let Some(s) = document.systems().get(at).and_then(|s| s.id.as_deref()) {
            named.entry(s).or_insert(at);
        }
    }
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    for o in document.objects() {
        let (Some(name), Some(id)) = (o.system.as_deref(), o.id.as_deref()) else { continue };
        kinds.entry(name).or_insert_with(|| o.kind.as_deref().unwrap_or_default());
        let at = *named.entry(name).or_insert_with(|| {
            let id = name.to_owned();
            systems.push(System {
                id,
                kind: String::new(),
                objects: Vec::new(),
                connections: Vec::new(),
            });
            systems.len() - 1
        });
        // A declared system lists its members itself; listing one twice would lie.
        if let Some(system) = systems.get_mut(at).filter(|_| at >= declared) {
            system.objects.push(id.to_owned());
        }
    }
    for system in &mut systems {
        if system.kind.is_empty() {
            let hint = kinds.get(system.id.as_str()).copied().unwrap_or_default();
            system.kind = guess(&system.id, hint).to_owned();
        }
    }
    systems
}

/// The type of a system from its name and the type of its first member.
fn guess(name: &str, member: &str) -> &'static str {
    const KINDS: [&str; 4] = ["electrical", "mechanical", "plumbing", "hvac"];
    let first = |text: &str| KINDS.into_iter().find(|k| text.split('.').any(|part| part == *k));
    first(name).or_else(|| first(member)).unwrap_or("general")
}

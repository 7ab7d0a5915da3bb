//! Networks of a drawing: each `arx:system` that says which network it is becomes a model.
//!
//! A node is an object; one with terminals `in` and `out` that has a law of its own (a pump, a
//! fan) is a link between them. See `docs/networks.md` for the language.

mod electrical;
mod flow;
mod frame;
mod heat;
mod quantity;

use std::collections::BTreeMap;

use svgx_base::budget::Budget;
use svgx_engine::document::{self, Document, NodeId};
use svgx_engine::geometry::Scene;

use crate::electrical::Feeder;
use crate::finding::{Finding, Kind, State};
use crate::{Error, Name};
use quantity::{Owner, Source};

/// A network of a drawing.
#[derive(Debug, Clone)]
pub struct System {
    /// The id of its system.
    pub name: Name,
    /// Its element.
    pub node: NodeId,
    /// What it is; `None` where nothing of it could be read.
    pub model: Option<Model>,
    /// What could not be read.
    pub findings: Vec<Finding>,
    /// The elements by their names, to find their places in the text.
    pub elements: BTreeMap<Name, NodeId>,
}

/// What a system is.
#[derive(Debug, Clone)]
pub enum Model {
    /// Alternating current.
    Electrical(Feeder),
    /// Water or air.
    Flow(crate::flow::Network),
    /// Heat.
    Heat(crate::heat::Network),
    /// A plane frame.
    Frame(crate::frame::Structure),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Domain {
    Electrical,
    Water,
    Air,
    Heat,
    Frame,
}

/// Reads the networks of a drawing. A system is one if it says so by `network`, or if a
/// connection of it has a quantity that only a network has.
///
/// # Errors
/// [`Error::Stopped`].
pub fn read(
    document: &Document,
    scene: &Scene,
    limits: &document::Limits,
    budget: &Budget,
) -> Result<Vec<System>, Error> {
    let mut systems = Vec::new();
    if !document.systems().iter().any(|s| document.attr(s.node, "network").is_some()) {
        return Ok(systems);
    }
    let source = Source::new(document, scene, limits, budget)?;
    for system in document.systems() {
        budget.checkpoint()?;
        let Some(word) = document.attr(system.node, "network") else { continue };
        let name: Name = system.id.as_deref().unwrap_or("network").into();
        let mut out = System {
            name: name.clone(),
            node: system.node,
            model: None,
            findings: Vec::new(),
            elements: BTreeMap::new(),
        };
        let domain = match word.trim() {
            "electrical" => Domain::Electrical,
            "water" => Domain::Water,
            "air" => Domain::Air,
            "heat" => Domain::Heat,
            "frame" => Domain::Frame,
            other => {
                let message = format!(
                    "{name} is a network {other:?}: known are electrical, water, air, heat and frame"
                );
                out.findings.push(Finding::new(Kind::Quantity, State::Failed, [name], message));
                systems.push(out);
                continue;
            }
        };
        let mut reader = Reader::new(&source, system);
        out.model = match domain {
            Domain::Electrical => reader.electrical().map(Model::Electrical),
            Domain::Water => reader.flow(true).map(Model::Flow),
            Domain::Air => reader.flow(false).map(Model::Flow),
            Domain::Heat => reader.heat().map(Model::Heat),
            Domain::Frame => reader.frame().map(Model::Frame),
        };
        out.findings = reader.findings;
        for owner in reader.components.values().chain(reader.connections.iter().map(|c| &c.owner)) {
            out.elements.insert(owner.name.into(), owner.node);
        }
        systems.push(out);
    }
    Ok(systems)
}

/// A connection with its ends resolved.
struct Joined<'d> {
    owner: Owner<'d>,
    kind: &'d str,
    from: u32,
    to: u32,
}

/// Reads one system.
struct Reader<'s, 'd> {
    source: &'s Source<'d>,
    node: NodeId,
    components: BTreeMap<&'d str, Owner<'d>>,
    kinds: BTreeMap<&'d str, &'d str>,
    connections: Vec<Joined<'d>>,
    /// The nodes: an object, or a terminal of one.
    nodes: Vec<(Name, &'d str)>,
    findings: Vec<Finding>,
}

impl<'s, 'd> Reader<'s, 'd> {
    fn new(source: &'s Source<'d>, system: &'d document::System) -> Reader<'s, 'd> {
        let mut reader = Reader {
            source,
            node: system.node,
            components: BTreeMap::new(),
            kinds: BTreeMap::new(),
            connections: Vec::new(),
            nodes: Vec::new(),
            findings: Vec::new(),
        };
        for component in &system.components {
            let id = component.object.trim_start_matches('#');
            let owner = Owner { node: component.node, object: Some(id), name: id };
            reader.components.insert(id, owner);
            if let Some(kind) = &component.kind {
                reader.kinds.insert(id, kind.trim());
            }
        }
        let mut index: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for (k, connection) in system.connections.iter().enumerate() {
            let id = source.document.id(connection.node);
            let unnamed = ("a connection", k);
            let name = id.unwrap_or(unnamed.0);
            let owner = Owner { node: connection.node, object: id, name };
            let kind = connection.kind.as_deref().unwrap_or("").trim();
            let mut ends = [0u32; 2];
            for (end, (text, default)) in
                ends.iter_mut().zip([(&connection.from, "out"), (&connection.to, "in")])
            {
                let text = text.as_str().trim().trim_start_matches('#');
                let (object, terminal) = reader.end(text);
                // A link of its own has two nodes; everything else is one.
                let terminal = match terminal {
                    _ if !reader.is_link(object) => "",
                    "" => default,
                    terminal => terminal,
                };
                let nodes = &mut reader.nodes;
                *end = *index.entry((object, terminal)).or_insert_with(|| {
                    let name = if terminal.is_empty() {
                        object.into()
                    } else {
                        format!("{object}.{terminal}").into()
                    };
                    nodes.push((name, object));
                    nodes.len() as u32 - 1
                });
            }
            reader.connections.push(Joined { owner, kind, from: ends[0], to: ends[1] });
        }
        reader
    }

    /// The object and the terminal that an end names.
    fn end(&self, text: &'d str) -> (&'d str, &'d str) {
        let known = |id: &str| {
            self.components.contains_key(id)
                || self.source.document.object(id).is_some()
                || self.source.document.by_id(id).is_some()
        };
        match text.rsplit_once('.') {
            Some((object, terminal)) if !known(text) && known(object) => (object, terminal),
            _ => (text, ""),
        }
    }

    /// Whether an object is a link between its terminals: it has a curve.
    fn is_link(&self, object: &'d str) -> bool {
        self.source.text(self.owner(object), "curve").is_some()
    }

    fn owner(&self, object: &'d str) -> Owner<'d> {
        self.components.get(object).copied().unwrap_or_else(|| {
            let document = self.source.document;
            let node = match document.object(object) {
                Some(index) => document.objects()[index.0 as usize].node,
                None => document.by_id(object).unwrap_or(self.node),
            };
            Owner { node, object: Some(object), name: object }
        })
    }

    /// The objects that are links between two nodes: name, `in`, `out`.
    fn links(&self) -> Vec<(&'d str, u32, u32)> {
        let mut ends: BTreeMap<&str, [Option<u32>; 2]> = BTreeMap::new();
        for (k, (name, object)) in self.nodes.iter().enumerate() {
            let side = match name.strip_prefix(object) {
                Some(".in") => 0,
                Some(".out") => 1,
                _ => continue,
            };
            ends.entry(object).or_default()[side] = Some(k as u32);
        }
        ends.into_iter().filter_map(|(o, e)| Some((o, e[0]?, e[1]?))).collect()
    }

    fn get(&mut self, owner: Owner<'d>, name: &str, unit: &str) -> Option<f64> {
        self.source.get(owner, name, unit, &mut self.findings)
    }

    fn need(&mut self, owner: Owner<'d>, name: &str, unit: &str) -> Option<f64> {
        self.source.need(owner, name, unit, &mut self.findings)
    }

    /// Whether something that can be shut is open.
    fn open(&self, owner: Owner<'d>) -> bool {
        let text = self.source.text(owner, "open").map(|t| t.0.trim());
        !matches!(text, Some("no" | "false" | "0" | "0%" | "0 %"))
    }

    fn refuse(&mut self, kind: Kind, owner: Owner<'d>, message: String) {
        self.findings.push(quantity::finding(kind, owner, message));
    }
}

//! Networks of a drawing: each `arx:system` that says which network it is becomes a model.
//!
//! A node is an object; one with terminals `in` and `out` that has a law of its own (a pump, a
//! fan) is a link between them. See `docs/networks.md` for the language.

mod bounds;
mod check;
mod control;
mod diagnose;
mod electrical;
mod flow;
mod frame;
mod heat;
mod motion;
mod quantity;

use std::collections::{BTreeMap, HashMap};

use svgx_base::budget::Budget;
use svgx_base::wording::meant;
use svgx_engine::behavior::{Evaluation, Program};
use svgx_engine::document::{self, Document, NodeId, Span};
use svgx_engine::geometry::Scene;

use crate::electrical::Feeder;
use crate::finding::{Finding, Kind, State};
use crate::topology::LINKS_PER_CHECKPOINT;
use crate::{Error, Name};
use check::Joints;
use quantity::{Findings, Owner, Source};

pub use bounds::{Bound, Bounded};
pub use check::check;
pub(crate) use control::DAY;
pub use control::{Act, Condition, Control, Watched};
pub use motion::{Motion, Pattern, Swing, Tank};

/// A network of a drawing.
#[derive(Debug, Clone)]
pub struct System {
    /// The id of its system.
    pub name: Name,
    /// Its element.
    pub node: NodeId,
    /// Which network it is; `None` where it names one that there is not.
    pub domain: Option<Domain>,
    /// What it is; `None` where nothing of it could be read.
    pub model: Option<Model>,
    /// What could not be read.
    pub findings: Vec<Finding>,
    /// Where each of those is in the text.
    pub places: Vec<Span>,
    /// The elements by their names, to find their places in the text.
    pub elements: BTreeMap<Name, NodeId>,
    /// What its elements may carry, where somebody says so.
    pub bounds: Vec<Bound>,
    /// What of it changes by itself in time.
    pub motion: Motion,
    /// What is connected with what.
    joints: Joints,
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

/// Which network a system is: what `network` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Alternating current.
    Electrical,
    /// A liquid.
    Water,
    /// Air.
    Air,
    /// Heat.
    Heat,
    /// A plane frame.
    Frame,
}

impl Domain {
    /// All of them, in the order of the documentation.
    pub const ALL: [Domain; 5] =
        [Domain::Electrical, Domain::Water, Domain::Air, Domain::Heat, Domain::Frame];

    /// The word of the language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Domain::Electrical => "electrical",
            Domain::Water => "water",
            Domain::Air => "air",
            Domain::Heat => "heat",
            Domain::Frame => "frame",
        }
    }

    /// The units of the two residuals of its answers: of the balance of nodes, and of the laws
    /// of links.
    pub const fn residual_units(self) -> (&'static str, &'static str) {
        match self {
            Domain::Electrical => ("A", ""),
            Domain::Water | Domain::Air => ("m^3/s", "m"),
            Domain::Heat => ("W", "K"),
            Domain::Frame => ("N", "m"),
        }
    }

    /// The network of that word.
    pub fn parse(word: &str) -> Option<Domain> {
        Domain::ALL.into_iter().find(|d| d.as_str() == word)
    }
}

/// Whether a drawing has a network.
pub fn is_in(document: &Document) -> bool {
    document.systems().iter().any(|system| word(document, system).is_some())
}

/// What a system is called.
fn name_of(system: &document::System) -> &str {
    system.id.as_deref().unwrap_or("network")
}

/// What a system is: what it says, or what its type means where a connection has a quantity that
/// only a network has. Other systems are lists of what belongs together.
fn word<'d>(document: &'d Document, system: &document::System) -> Option<&'d str> {
    if let Some(word) = document.attr(system.node, "network") {
        return Some(word.trim());
    }
    let (domain, marks) = match system.kind.as_deref()?.trim() {
        "electrical" => (Domain::Electrical, ["size", "resistance"]),
        "plumbing" | "mechanical" => (Domain::Water, ["diameter", "kv"]),
        "hvac" => (Domain::Air, ["diameter", "kv"]),
        _ => return None,
    };
    let carries =
        |c: &document::Connection| marks.iter().any(|mark| document.attr(c.node, mark).is_some());
    system.connections.iter().any(carries).then_some(domain.as_str())
}

/// Reads the networks of a drawing.
///
/// # Errors
/// [`Error::Stopped`].
pub fn read(
    document: &Document,
    scene: &Scene,
    limits: &document::Limits,
    budget: &Budget,
) -> Result<Vec<System>, Error> {
    if !is_in(document) {
        return Ok(Vec::new());
    }
    let program = Program::compile(document, limits);
    let values = svgx_drafting::evaluate(document, scene, &program, budget)?;
    read_with(document, scene, &program, &values, budget)
}

/// The same, where the formulas of the drawing are compiled and evaluated already.
///
/// # Errors
/// [`Error::Stopped`].
pub fn read_with(
    document: &Document,
    scene: &Scene,
    program: &Program,
    values: &Evaluation,
    budget: &Budget,
) -> Result<Vec<System>, Error> {
    read_some(document, scene, program, values, |_| true, budget)
}

/// The same of the systems whose ids are wanted.
///
/// # Errors
/// [`Error::Stopped`].
pub fn read_some(
    document: &Document,
    scene: &Scene,
    program: &Program,
    values: &Evaluation,
    wanted: impl Fn(&str) -> bool,
    budget: &Budget,
) -> Result<Vec<System>, Error> {
    let systems = document.systems().iter().filter(|s| wanted(name_of(s)));
    let systems: Vec<_> = systems.filter_map(|s| Some((s, word(document, s)?))).collect();
    let labels: Vec<Vec<String>> = systems.iter().map(|(s, _)| labels(document, s)).collect();
    let source = Source { document, scene, program, values };
    let mut read = Vec::with_capacity(systems.len());
    for ((system, word), labels) in systems.into_iter().zip(&labels) {
        budget.checkpoint()?;
        read.push(read_one(&source, system, word, labels, budget)?);
    }
    Ok(read)
}

fn read_one<'d>(
    source: &Source<'d>,
    system: &'d document::System,
    word: &str,
    labels: &'d [String],
    budget: &Budget,
) -> Result<System, Error> {
    let name: Name = name_of(system).into();
    let mut out = System {
        name: name.clone(),
        node: system.node,
        domain: Domain::parse(word),
        model: None,
        findings: Vec::new(),
        places: Vec::new(),
        elements: BTreeMap::new(),
        bounds: Vec::new(),
        motion: Motion::default(),
        joints: Joints::default(),
    };
    let Some(domain) = out.domain else {
        let known = Domain::ALL.map(Domain::as_str);
        let message = format!(
            "{name} is a network {:?}: known are electrical, water, air, heat and frame{}",
            quantity::shown(word),
            meant(word, known)
        );
        let owner = Owner { node: system.node, object: None, name: "the network" };
        out.findings.push(Finding::new(Kind::Quantity, State::Failed, [name], message));
        out.places.push(source.place_of(owner, "network"));
        return Ok(out);
    };
    let mut reader = Reader::new(source, system, labels, budget)?;
    out.model = match domain {
        Domain::Electrical => reader.electrical().map(Model::Electrical),
        Domain::Water => reader.flow(true).map(Model::Flow),
        Domain::Air => reader.flow(false).map(Model::Flow),
        Domain::Heat => reader.heat().map(Model::Heat),
        Domain::Frame => reader.frame().map(Model::Frame),
    };
    budget.checkpoint()?;
    out.bounds = reader.bounds(domain);
    if let Some(model) = &out.model {
        out.motion = reader.motion(domain, model);
    }
    let network = match &out.model {
        Some(Model::Flow(network)) => Some(network),
        _ => None,
    };
    (out.motion.controls, out.motion.clock) = reader.controls(domain, network);
    out.joints = Joints::of(&reader, domain);
    let components = reader.components.values().copied();
    for owner in components.chain(reader.connections.iter().map(|c| c.owner)) {
        out.elements.insert(owner.name.into(), owner.node);
    }
    for connection in &reader.connections {
        for end in [connection.from, connection.to] {
            let object = reader.nodes[end as usize].1;
            // What is nothing but the end of a connection is found there.
            let owner = reader.owner(object);
            let node = if owner.node == reader.node { connection.owner.node } else { owner.node };
            out.elements.entry(object.into()).or_insert(node);
        }
    }
    (out.findings, out.places) = reader.findings.into_parts();
    Ok(out)
}

/// What connections are called: their ids, or what they join.
fn labels(document: &Document, system: &document::System) -> Vec<String> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let connections = system.connections.iter();
    let label = |c: &document::Connection| match document.id(c.node) {
        Some(id) => id.to_owned(),
        None => {
            let bare = |end: &str| -> String {
                end.trim().trim_start_matches('#').chars().take(64).collect()
            };
            let label = format!("{} to {}", bare(&c.from), bare(&c.to));
            let count = seen.entry(label.clone()).and_modify(|n| *n += 1).or_insert(1);
            if *count > 1 { format!("{label} ({count})") } else { label }
        }
    };
    connections.map(label).collect()
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
    /// Curves of pumps at their nominal speed, and resistances of valves that are wholly open.
    curves: BTreeMap<&'d str, crate::flow::Curve>,
    wholes: BTreeMap<&'d str, f64>,
    findings: Findings,
}

impl<'s, 'd> Reader<'s, 'd> {
    fn new(
        source: &'s Source<'d>,
        system: &'d document::System,
        labels: &'d [String],
        budget: &Budget,
    ) -> Result<Reader<'s, 'd>, Error> {
        let mut reader = Reader {
            source,
            node: system.node,
            components: BTreeMap::new(),
            kinds: BTreeMap::new(),
            connections: Vec::new(),
            nodes: Vec::new(),
            curves: BTreeMap::new(),
            wholes: BTreeMap::new(),
            findings: Findings::default(),
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
        for (k, (connection, name)) in system.connections.iter().zip(labels).enumerate() {
            if k % LINKS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            let id = source.document.id(connection.node);
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
        Ok(reader)
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

    /// A connection of a kind that the network does not have.
    fn unknown_kind(&mut self, owner: Owner<'d>, kind: &str, known: &[&str]) {
        let near = meant(kind, known.iter().copied());
        let all = match known {
            [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
            [] => "none".to_owned(),
        };
        let kind = quantity::shown(kind);
        let message = format!("{} is a {kind:?}: known are {all}{near}", owner.name);
        self.refuse(Kind::Quantity, owner, "type", message);
    }

    /// Notes what stops a part, at the attribute `name` of what it is about.
    fn refuse(&mut self, kind: Kind, owner: Owner<'d>, name: &str, message: String) {
        let place = self.source.place_of(owner, name);
        self.findings.push(quantity::finding(kind, owner, message), place);
    }
}

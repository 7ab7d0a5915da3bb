//! Everything of a session but its base text, so that the log can begin anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::attribute;
use super::editing::{Person, Session, read, written};
use super::fragment;
use super::history::History;
use super::record::{Interactive, TREE, VERSION, first, is_first};
use super::together::{Answered, Answers, Participant, Stamp, Writers};
use svgx_base::budget::{Budget, Time};
use svgx_engine::document::{NodeId, NodeKind};

/// What is stored beside the base text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    #[serde(rename = "v", default = "first", skip_serializing_if = "is_first")]
    pub(crate) version: u8,
    pub(crate) at: Time,
    /// As the first form has it: the attributes that differ from the base text, or once did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<(u32, String, Option<String>)>,
    /// All attributes of the elements of which one ever changed, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attributes: Vec<(u32, Vec<(String, String)>)>,
    /// The tree, where it differs from that of the base text, or once did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tree: Option<Tree>,
    pub(crate) interactive: Interactive,
    pub(crate) history: History,
    pub(crate) machine: Option<serde_json::Value>,
    /// What the participants but the default one have for themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) people: BTreeMap<Participant, Person>,
    /// What they are called.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) names: BTreeMap<Participant, String>,
    /// Who wrote what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) writers: Vec<(u32, String, Stamp)>,
    /// The operations that had an id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) answers: Vec<Answered>,
}

impl Default for Snapshot {
    fn default() -> Snapshot {
        Snapshot {
            version: 1,
            at: Time(0),
            values: Vec::new(),
            attributes: Vec::new(),
            tree: None,
            interactive: Interactive::default(),
            history: History::default(),
            machine: None,
            people: BTreeMap::new(),
            names: BTreeMap::new(),
            writers: Vec::new(),
            answers: Vec::new(),
        }
    }
}

/// How the tree differs from that of the base text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    /// The handle of the next element that comes.
    next: u32,
    /// Prefix and URI of the namespaces that came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<(String, String)>,
    /// The elements that came and are there: handle, name, whether white space is content.
    made: Vec<(u32, String, bool)>,
    /// All children of those, and of the elements whose children changed.
    children: Vec<(u32, Vec<Child>)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Child {
    Element(u32),
    Text { t: String },
    Comment { c: String },
}

impl Session {
    /// What to store so that the log can begin anew.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let d = &self.document;
        let attributes = self.touched.iter().filter_map(|&number| {
            let attributes = d.attributes(self.node(number)?).iter();
            let attributes = attributes
                .map(|a| (attribute::written(d, a.ns, a.name), a.value.to_owned()))
                .collect();
            Some((number, attributes))
        });
        let histories = self.people.values().map(|person| &person.history);
        let remembered: BTreeSet<u32> =
            histories.chain([&self.history]).flat_map(History::elements).collect();
        let mut people = self.people.clone();
        people.insert(self.author.clone(), self.person());
        let Person { selected, hovered, drag, history, .. } =
            people.remove(&Participant::default()).unwrap_or_default();
        Snapshot {
            version: if people.is_empty() { TREE } else { VERSION },
            at: self.time(),
            values: Vec::new(),
            attributes: attributes.collect(),
            tree: self.tree(),
            interactive: Interactive { selected, hovered, drag, ..self.interactive.clone() },
            history,
            machine: (self.machine != self.loaded).then(|| written(&self.machine)),
            people,
            names: self.names.clone(),
            writers: self.writers.kept(|n| self.node(n).is_some() || remembered.contains(&n)),
            answers: self.answers.kept(),
        }
    }

    fn tree(&self) -> Option<Tree> {
        if self.reshaped.is_empty() {
            return None;
        }
        let d = &self.document;
        let came = (self.base..).zip(self.elements.iter().skip(self.base as usize));
        let came: Vec<(u32, NodeId)> = came.filter_map(|(n, _)| Some((n, self.node(n)?))).collect();
        let made = came.iter().filter_map(|&(number, node)| {
            let (ns, name) = d.name(node)?;
            Some((number, attribute::written(d, ns, name), d.has_space(node)))
        });
        let mut parents: Vec<u32> = came.iter().map(|&(number, _)| number).collect();
        parents.extend(self.reshaped.iter().filter(|&&number| number < self.base));
        let children = parents.into_iter().filter_map(|number| {
            let children = d.children(self.node(number)?).map(|child| match d.kind(child) {
                NodeKind::Element { .. } => Child::Element(self.number(child)),
                NodeKind::Text(text) => Child::Text { t: text.to_string() },
                NodeKind::Comment(text) => Child::Comment { c: text.to_string() },
            });
            Some((number, children.collect()))
        });
        Some(Tree {
            next: self.elements.len() as u32,
            namespaces: d
                .foreign()
                .iter()
                .map(|(prefix, uri)| (prefix.to_string(), uri.to_string()))
                .collect(),
            made: made.collect(),
            children: children.collect(),
        })
    }

    /// Brings a session on its base text to where a snapshot was taken.
    ///
    /// # Errors
    /// A sentence, when the snapshot does not fit this session.
    pub(crate) fn restore(&mut self, snapshot: Snapshot, sequence: u64) -> Result<(), String> {
        for (number, name, value) in &snapshot.values {
            self.write(*number, name, value.as_deref(), None)
                .ok_or_else(|| format!("no attribute {name} on element {number}"))?;
            self.touched.insert(*number);
        }
        if let Some(tree) = &snapshot.tree {
            self.grow(tree).ok_or("the tree does not fit the base text")?;
        }
        for (number, attributes) in &snapshot.attributes {
            let node = self.node(*number).ok_or_else(|| format!("no element {number}"))?;
            fragment::set_attributes(&mut self.document, node, attributes)
                .ok_or_else(|| format!("no such attributes on element {number}"))?;
            self.touched.insert(*number);
        }
        if snapshot.tree.is_some() || !snapshot.attributes.is_empty() {
            self.document.reread_ids();
            self.references = None;
            self.redraw_all = true;
            self.stale = true;
            self.settle();
            self.recompile();
        }
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if let Some(machine) = &snapshot.machine {
            self.machine = read(machine)?;
        }
        self.forget_measures();
        self.interactive = snapshot.interactive;
        self.history = snapshot.history;
        self.author = Participant::default();
        self.people = snapshot.people;
        self.people.values_mut().for_each(Person::weigh);
        self.names = snapshot.names;
        self.writers = Writers::restored(snapshot.writers);
        self.answers = Answers::restored(snapshot.answers);
        self.resume(snapshot.at, sequence);
        Ok(())
    }

    /// Gives the tree of the base text the form of a snapshot.
    fn grow(&mut self, tree: &Tree) -> Option<()> {
        let most = self.limits.elements + self.base as usize;
        let last = tree.made.iter().map(|(number, ..)| *number).max().unwrap_or_default();
        if last >= tree.next.max(self.base) || tree.made.len() > most {
            return None;
        }
        for (prefix, uri) in &tree.namespaces {
            self.document.namespace(prefix, uri);
        }
        self.forget_elements(tree.next);
        for (number, name, space) in &tree.made {
            let node = fragment::make(&mut self.document, name, *space)?;
            self.document.set_handle(node, *number);
            *self.elements.get_mut(*number as usize)? = node;
        }
        for (parent, _) in &tree.children {
            let parent = *self.elements.get(*parent as usize)?;
            for child in self.document.children(parent).collect::<Vec<_>>() {
                self.document.detach(child);
            }
        }
        for (parent, children) in &tree.children {
            let parent = *self.elements.get(*parent as usize)?;
            for child in children {
                let node = match child {
                    Child::Element(number) => *self.elements.get(*number as usize)?,
                    Child::Text { t } => self.document.make_text(t),
                    Child::Comment { c } => self.document.make_comment(c),
                };
                self.document.detach(node);
                self.document.restore(node, parent, None);
            }
        }
        self.reshaped.extend(tree.children.iter().map(|(parent, _)| *parent));
        self.remember_elements();
        Some(())
    }

    /// The session as it comes out of the store: what the tree no longer holds is gone.
    ///
    /// # Errors
    /// A sentence; nothing has changed then.
    pub(crate) fn compact(&mut self, budget: &Budget) -> Result<(), String> {
        let limits = std::sync::Arc::clone(self.limits());
        let mut fresh = Session::new(self.text(), limits, budget).map_err(|e| e.to_string())?;
        fresh.restore(self.snapshot(), self.sequence())?;
        fresh.turn_to(&self.author);
        fresh.interactive.hovered = self.interactive.hovered;
        fresh.writers.keep_gone(&self.writers);
        std::mem::swap(&mut fresh.answers, &mut self.answers);
        *self = fresh;
        Ok(())
    }
}

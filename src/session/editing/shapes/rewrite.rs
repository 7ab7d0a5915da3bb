//! Elements that get another shape, come and go, and what refers to their parts.

use std::collections::BTreeMap;

use svgx_engine::document::{NodeId, Ns};
use svgx_shapes::Outline;

use super::super::super::drawn::{self, Frame, GEOMETRY, Parts, Written};
use super::super::super::error::Error;
use super::super::super::fragment::{Fragment, Piece};
use super::super::super::operation::References;
use super::super::super::outcome::{Note, ReferenceChange};
use super::super::super::record::TreeEdit;
use super::super::super::references::Kind;
use super::super::operations::check_limit;
use super::super::structure::Place;
use super::super::{Session, Transaction};
use super::{Subject, Work};

/// References that one refusal lists.
const LISTED: usize = 16;

impl Session {
    /// Gives an element other outlines. It keeps its id and what it looks like; its handle only where it
    /// keeps its name, for a handle is of one element of one name. Answers the handle.
    pub(super) fn reshape(
        &mut self,
        subject: &Subject,
        outlines: &[Outline],
        work: &mut Work,
        tx: &mut Transaction,
    ) -> Result<u32, Error> {
        let node = subject.node;
        let written = self.written(node, outlines, subject.frame, work)?;
        let old = self.label(self.number(node));
        let before = Parts::of(subject.drawn.name, &subject.drawn.outlines);
        let after = Parts::of(written.name, outlines);
        // Who refers is asked while everything stands where it did.
        self.follow_parts(node, &before, &after, work, tx)?;
        let number = self.rewrite(node, &written, tx)?;
        self.expect(number, outlines, work);
        let label = self.label(number);
        if label != old {
            // Without an id it is another one for whoever calls it.
            work.edited.removed.push(old);
            work.edited.created.push(label);
        } else if !work.edited.changed.contains(&label) {
            work.edited.changed.push(label);
        }
        Ok(number)
    }

    fn expect(&self, number: u32, outlines: &[Outline], work: &mut Work) {
        let bounds = outlines.iter().map(Outline::bounds).reduce(|(a, b), (c, d)| {
            let low = svgx_shapes::Vector::new(a.x.min(c.x), a.y.min(c.y));
            (low, svgx_shapes::Vector::new(b.x.max(d.x), b.y.max(d.y)))
        });
        work.expected.extend(bounds.map(|(low, high)| (number, low, high)));
    }

    fn written(
        &self,
        node: NodeId,
        outlines: &[Outline],
        frame: Frame,
        work: &Work,
    ) -> Result<Written, Error> {
        let written = drawn::write(outlines, frame)
            .ok_or_else(|| self.unsuitable(work.operation, node, "nothing of it would be left"))?;
        for (_, value) in &written.attributes {
            let limit = self.limits.attribute_bytes;
            check_limit("bytes in one attribute value", limit, value.len())?;
        }
        Ok(written)
    }

    /// Writes attributes where the element keeps its name, and puts another one in its place else.
    fn rewrite(
        &mut self,
        node: NodeId,
        written: &Written,
        tx: &mut Transaction,
    ) -> Result<u32, Error> {
        let number = self.number(node);
        if self.document.name(node).is_some_and(|(_, name)| name == written.name) {
            for name in GEOMETRY {
                let kept = written.attributes.iter().any(|(known, _)| *known == name);
                if !kept {
                    self.set(tx, number, name, None);
                }
            }
            for (name, value) in &written.attributes {
                self.set(tx, number, name, Some(value));
            }
            return Ok(number);
        }
        let Some(parent) = self.document.parent(node) else { return Ok(number) };
        let at = self.document.place(node);
        let old = Fragment::of(&self.document, node, |n| self.number(n));
        let first = self.elements.len() as u32;
        let mut next = first;
        let mut new = Fragment::of(&self.document, node, |_| {
            next += 1;
            next - 1
        });
        if let Some(Piece::Element { name, attributes, .. }) = new.pieces.first_mut() {
            give(name, attributes, written);
        }
        let (into, place) = (self.number(parent), at as u32);
        self.change_tree(tx, TreeEdit::Remove { fragment: old, parent: into, at: place });
        self.insert_all(vec![new], Place { parent, at }, tx)?;
        for selected in &mut self.interactive.selected {
            if *selected == number {
                *selected = first;
            }
        }
        Ok(first)
    }

    /// Puts another element of a shape's looks behind it.
    pub(super) fn create(
        &mut self,
        like: NodeId,
        behind: NodeId,
        outlines: &[Outline],
        frame: Frame,
        work: &mut Work,
        tx: &mut Transaction,
    ) -> Result<NodeId, Error> {
        let written = self.written(like, outlines, frame, work)?;
        let Some(parent) = self.document.parent(behind) else { return Ok(behind) };
        let names = self.new_ids(like);
        let number = self.elements.len() as u32;
        let mut fragment = Fragment::of(&self.document, like, |_| number);
        fragment.pieces.truncate(1);
        if let Some(Piece::Element { name, attributes, .. }) = fragment.pieces.first_mut() {
            // It draws the same object, and declares none.
            attributes.retain(|(name, _)| !name.starts_with("arx:") || name == "arx:object");
            for (_, value) in attributes.iter_mut().filter(|(name, _)| name == "id") {
                if let Some(new) = names.get(value.as_str()) {
                    value.clone_from(new);
                }
            }
            give(name, attributes, &written);
        }
        let at = self.document.place(behind) + 1;
        self.insert_all(vec![fragment], Place { parent, at }, tx)?;
        self.expect(number, outlines, work);
        work.edited.created.push(self.label(number));
        Ok(self.node(number).unwrap_or(behind))
    }

    /// Takes elements out, with what refers to them or not at all.
    pub(super) fn dissolve(
        &mut self,
        nodes: &[NodeId],
        work: &mut Work,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        if nodes.is_empty() {
            return Ok(());
        }
        for (node, reference) in self.referring(nodes) {
            if work.policy == References::Remove {
                let value = self.attribute_of(node, &reference.attribute);
                let whole =
                    matches!(self.document.name(node), Some((Ns::Arx, "constraint" | "dimension")));
                if whole {
                    self.note_reference(node, &reference.attribute, value, None, work);
                }
            }
        }
        self.release(nodes, work.policy, work.operation, tx)?;
        for &node in nodes {
            work.edited.removed.push(self.label(self.number(node)));
            self.take_away(node, tx);
        }
        Ok(())
    }

    fn attribute_of(&self, node: NodeId, name: &str) -> String {
        super::super::super::attribute::value(&self.document, node, name)
            .unwrap_or_default()
            .to_owned()
    }

    fn note_reference(
        &self,
        node: NodeId,
        attribute: &str,
        old_value: String,
        new_value: Option<String>,
        work: &mut Work,
    ) {
        let element_id = self.label(self.number(node));
        let known = work.edited.references.iter().any(|r| {
            r.element_id == element_id && r.attribute == attribute && r.new_value == new_value
        });
        if !known {
            let attribute = attribute.to_owned();
            let change = ReferenceChange { element_id, attribute, old_value, new_value };
            work.edited.references.push(change);
        }
    }

    /// Rewrites the names of parts in what refers to them; what is lost is refused or goes.
    fn follow_parts(
        &mut self,
        node: NodeId,
        before: &Parts,
        after: &Parts,
        work: &mut Work,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let Some(id) = self.document.id(node).map(str::to_owned) else { return Ok(()) };
        let found = self.referring(&[node]);
        let mut members: BTreeMap<NodeId, String> = BTreeMap::new();
        for (from, reference) in found {
            if reference.kind == Kind::Members && reference.id == id {
                members.insert(from, reference.attribute);
            }
        }
        let mut lost: Vec<(NodeId, String)> = Vec::new();
        for (from, attribute) in &members {
            let old = self.attribute_of(*from, attribute);
            match renamed(&old, &id, before, after) {
                Some(new) if new == old => {}
                Some(new) => {
                    self.set(tx, self.number(*from), attribute, Some(&new));
                    self.note_reference(*from, attribute, old, Some(new), work);
                }
                None => lost.push((*from, attribute.clone())),
            }
        }
        for constraint in &mut self.interactive.constraints {
            for element in &mut constraint.elements {
                if let Some(new) = renamed(element, &id, before, after) {
                    *element = new;
                }
            }
        }
        if !lost.is_empty() && work.policy == References::Refuse {
            let by = lost.iter().take(LISTED).map(|(from, attribute)| {
                let value = self.attribute_of(*from, attribute);
                format!("{value} by {attribute} of {}", self.label(self.number(*from)))
            });
            return Err(Error::Referenced { id, by: by.collect() });
        }
        for (from, attribute) in lost {
            let old = self.attribute_of(from, &attribute);
            self.note_reference(from, &attribute, old, None, work);
            let label = self.label(self.number(from));
            let message = format!("it named a part of `{id}` that is gone");
            let code = "reference-removed".to_owned();
            tx.effect.notes.push(Note { code, element_id: Some(label), message });
            self.take_away(from, tx);
        }
        if self.is_constrained(&id) {
            let message = "constraints relate it; an edit of its shape does not ask them: solve \
                           them to see whether they hold";
            self.note_inexact(node, message, tx);
        }
        Ok(())
    }
}

/// The members of a constraint after an edit of the element `id`; `None` where one is gone.
fn renamed(value: &str, id: &str, before: &Parts, after: &Parts) -> Option<String> {
    let member = |member: &str| match member.strip_prefix(id) {
        Some("") => drawn::moved(before, after, None).map(|_| member.to_owned()),
        Some(rest) if rest.starts_with('.') => {
            let part = rest.trim_start_matches('.');
            drawn::moved(before, after, Some(part)).map(|part| format!("{id}.{part}"))
        }
        _ => Some(member.to_owned()),
    };
    let all: Option<Vec<String>> = value.split_ascii_whitespace().map(member).collect();
    all.map(|all| all.join(" "))
}

/// Gives an element in a fragment another name and shape.
fn give(name: &mut String, attributes: &mut Vec<(String, String)>, written: &Written) {
    let was_line = name.rsplit(':').next() == Some("line");
    let at = attributes.iter().position(|(name, _)| GEOMETRY.contains(&name.as_str()));
    attributes.retain(|(name, _)| !GEOMETRY.contains(&name.as_str()));
    let behind_id = attributes.iter().position(|(name, _)| name == "id").map_or(0, |at| at + 1);
    let at = at.unwrap_or(behind_id).min(attributes.len());
    let new = written.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    attributes.splice(at..at, new);
    if was_line && written.name != "line" {
        // A line has no inside that could be filled.
        for (_, style) in attributes.iter_mut().filter(|(name, _)| name == "style") {
            let kept: Vec<&str> = style
                .split(';')
                .filter(|d| d.split(':').next().is_none_or(|name| name.trim() != "fill"))
                .collect();
            *style = kept.join(";");
        }
        attributes.retain(|(name, value)| name != "fill" && !(name == "style" && value.is_empty()));
        attributes.push(("fill".to_owned(), "none".to_owned()));
    }
    *name = match name.rsplit_once(':') {
        Some((prefix, _)) => format!("{prefix}:{}", written.name),
        None => written.name.to_owned(),
    };
}

//! Links between elements: behaviors, physics, objects, feeds, connections and constraints.

use svgx_engine::constraint;
use svgx_engine::document::{NodeId, Ns};

use super::super::ActiveConstraint;
use super::super::attribute;
use super::super::error::Error;
use super::super::fragment::{Fragment, Piece};
use super::super::operation::Relation;
use super::structure::Place;
use super::{Session, Transaction};
use svgx_base::budget::Time;
use svgx_base::nearest::did_you_mean;

/// The parts of a link.
#[derive(Debug)]
pub(super) struct Link<'o> {
    pub(super) relation: Relation,
    pub(super) element_id: Option<&'o String>,
    pub(super) target_id: Option<&'o String>,
    pub(super) parent_id: Option<&'o String>,
    pub(super) kind: Option<&'o String>,
    pub(super) constraint: Option<&'o ActiveConstraint>,
}

impl Session {
    /// Makes a link, or takes it out.
    pub(super) fn link(
        &mut self,
        link: &Link<'_>,
        make: bool,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        self.recompile_meaning();
        let operation = if make { "link" } else { "unlink" };
        let missing = |what: &str| Error::BadOperation { reason: format!("`{what}` is missing") };
        match link.relation {
            Relation::Constraint => {
                let constraint = link.constraint.ok_or_else(|| missing("constraint"))?;
                self.link_constraint(link, constraint, make, operation, tx)?;
            }
            Relation::Connection => {
                let from = link.element_id.ok_or_else(|| missing("element_id"))?;
                let to = link.target_id.ok_or_else(|| missing("target_id"))?;
                self.link_connection(link, from, to, make, operation, tx)?;
            }
            relation => {
                let element = link.element_id.ok_or_else(|| missing("element_id"))?;
                if make && link.target_id.is_none() {
                    return Err(missing("target_id"));
                }
                self.link_attribute(relation, element, link.target_id, make, operation, tx)?;
            }
        }
        self.follow_structure(now, tx)
    }

    fn link_attribute(
        &mut self,
        relation: Relation,
        element: &str,
        target: Option<&String>,
        make: bool,
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let number = self.named(element)?;
        let node = self.node(number).unwrap_or(NodeId::ROOT);
        let d = &self.document;
        let is_object = d.name(node) == Some((Ns::Arx, "object"));
        if matches!(d.name(node), Some((Ns::Arx, _))) && !is_object {
            return Err(self.unsuitable(operation, node, "only shapes and objects are linked so"));
        }
        let local = match relation {
            Relation::Behavior => "behavior",
            Relation::Physics => "physics",
            Relation::Upstream => "upstream",
            _ => "object",
        };
        if local == "object" && is_object {
            return Err(self.unsuitable(
                operation,
                node,
                "an object draws no object; its shapes do",
            ));
        }
        let name = if is_object { local.to_owned() } else { format!("arx:{local}") };
        tx.effect.element_id = Some(self.label(number));
        if !make {
            let now = attribute::value(d, node, &name).map(str::trim);
            let linked = now.is_some_and(|now| target.is_none_or(|target| now == target));
            if !linked {
                return Err(self.unsuitable(operation, node, format!("it has no such {local}")));
            }
            self.set(tx, number, &name, None);
            return Ok(());
        }
        let target = target.map(String::as_str).unwrap_or_default();
        let behaviors = d.behaviors().iter().filter_map(|b| b.id.as_deref());
        let physics = d.physics().iter().filter_map(|p| p.id.as_deref());
        let objects = d.objects().iter().filter_map(|o| o.id.as_deref());
        let known: Vec<&str> = match relation {
            Relation::Behavior => behaviors.collect(),
            Relation::Physics => physics.collect(),
            _ => objects.collect(),
        };
        if !known.contains(&target) {
            let shown: String = target.chars().take(64).collect();
            let near = did_you_mean(target, known);
            let near = near.map_or_else(String::new, |near| format!("; {near}"));
            let word = if relation == Relation::Upstream { "object" } else { local };
            return Err(self.unsuitable(
                operation,
                node,
                format!("there is no {word} `{shown}`{near}"),
            ));
        }
        if relation == Relation::Upstream && self.feeds(node, target) {
            return Err(self.unsuitable(operation, node, "the objects would feed each other"));
        }
        attribute::check(d, node, &name, Some(target), &self.limits)?;
        self.set(tx, number, &name, Some(target));
        Ok(())
    }

    /// Whether the object of `node` is, by others, what feeds `target`.
    fn feeds(&self, node: NodeId, target: &str) -> bool {
        let objects = self.document.objects();
        let find = |id: &str| objects.get(self.document.object(id)?.0 as usize);
        let mut at = find(target);
        for _ in 0..=objects.len() {
            let Some(object) = at else { return false };
            if object.node == node || object.shapes.contains(&node) {
                return true;
            }
            at = object.upstream.as_deref().and_then(|id| find(id.trim()));
        }
        true
    }

    fn link_connection(
        &mut self,
        link: &Link<'_>,
        from: &str,
        to: &str,
        make: bool,
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let named = link.parent_id.map(|id| self.named(id)).transpose()?;
        let named = named.and_then(|number| self.node(number));
        let d = &self.document;
        let is_end = |id: &str| d.by_id(id).is_some() || d.object(id).is_some();
        for id in [from, to] {
            if !is_end(id) {
                return Err(self.unknown(id));
            }
        }
        let mut systems = d.systems().iter().filter(|s| named.is_none_or(|node| s.node == node));
        let there = systems.clone().find_map(|system| {
            let fits = |c: &&svgx_engine::document::Connection| {
                c.from.trim() == from
                    && c.to.trim() == to
                    && link.kind.is_none_or(|kind| c.kind.as_deref() == Some(kind.as_str()))
            };
            system.connections.iter().find(fits).map(|c| c.node)
        });
        match (make, there) {
            (true, Some(node)) => {
                Err(self.unsuitable(operation, node, "they are connected so already"))
            }
            (true, None) => {
                let Some(system) = systems.next().map(|system| system.node) else {
                    let node = named.unwrap_or(NodeId::ROOT);
                    return Err(self.unsuitable(
                        operation,
                        node,
                        "there is no system there to connect in",
                    ));
                };
                let mut attributes =
                    vec![("from".to_owned(), from.to_owned()), ("to".to_owned(), to.to_owned())];
                if let Some(kind) = link.kind {
                    attribute::check_text("kind", kind, &self.limits)?;
                    attributes.push(("type".to_owned(), kind.clone()));
                }
                self.append_grouped(system, "connections", "connection", attributes, tx)
            }
            (false, Some(node)) => {
                self.take_away(node, tx);
                Ok(())
            }
            (false, None) => {
                let node = named.unwrap_or(NodeId::ROOT);
                Err(self.unsuitable(
                    operation,
                    node,
                    format!("nothing connects `{from}` with `{to}`"),
                ))
            }
        }
    }

    fn link_constraint(
        &mut self,
        link: &Link<'_>,
        constraint: &ActiveConstraint,
        make: bool,
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let named = link.parent_id.map(|id| self.named(id)).transpose()?;
        let named = named.and_then(|number| self.node(number));
        let of = constraint.elements.join(" ");
        attribute::check_text("elements", &of, &self.limits)?;
        let value = constraint.value.map(|value| format!("{value}"));
        let d = &self.document;
        // Those in `arx:physics` are about forces.
        let is_home = |&n: &NodeId| {
            d.name(n) == Some((Ns::Arx, "constraints"))
                && d.parent(n).is_none_or(|p| d.name(p) != Some((Ns::Arx, "physics")))
        };
        let home = match named {
            Some(node) if !is_home(&node) => {
                return Err(self.unsuitable(operation, node, "it is no `arx:constraints`"));
            }
            Some(node) => Some(node),
            None => d.elements().find(is_home),
        };
        let written = |node: NodeId| {
            let words =
                |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
            d.attr(node, "type") == Some(constraint.kind.as_str())
                && words(d.attr(node, "of").unwrap_or_default()) == words(&of)
        };
        let there = home.and_then(|home| {
            let mut children = d.children(home);
            children.find(|&c| d.name(c) == Some((Ns::Arx, "constraint")) && written(c))
        });
        if !make {
            let Some(node) = there else {
                let home = home.unwrap_or(NodeId::ROOT);
                return Err(self.unsuitable(operation, home, "there is no such constraint"));
            };
            self.take_away(node, tx);
            return Ok(());
        }
        if constraint::Kind::parse(&constraint.kind).is_none() {
            let known = constraint::Kind::NAMES.iter().map(|(name, _)| *name);
            let near = did_you_mean(&constraint.kind, known);
            let near = near.map_or_else(String::new, |near| format!("; {near}"));
            let shown: String = constraint.kind.chars().take(64).collect();
            let reason = format!("there is no type of constraint `{shown}`{near}");
            return Err(Error::BadOperation { reason });
        }
        if let Some(node) = there {
            return Err(self.unsuitable(operation, node, "there is such a constraint already"));
        }
        for member in &constraint.elements {
            let ends = member.match_indices('.').map(|(at, _)| at).chain([member.len()]);
            if member.contains(char::is_whitespace)
                || !ends.into_iter().any(|end| d.by_id(&member[..end]).is_some())
            {
                return Err(self.unknown(member));
            }
        }
        if let Some(value) = constraint.value.filter(|value| !value.is_finite()) {
            return Err(Error::BadNumber { name: "value", value, expected: "a finite number" });
        }
        let mut number = self.elements.len() as u32;
        let mut pieces = Vec::new();
        let place = match home {
            Some(home) => Place { parent: home, at: d.children(home).count() },
            None => {
                let (name, attributes) = ("arx:constraints".to_owned(), Vec::new());
                pieces.push(Piece::Element { level: 0, number, name, attributes, space: false });
                number += 1;
                Place { parent: NodeId::ROOT, at: d.children(NodeId::ROOT).count() }
            }
        };
        let mut attributes = vec![("type".to_owned(), constraint.kind.clone())];
        attributes.extend(value.map(|value| ("value".to_owned(), value)));
        attributes.push(("of".to_owned(), of));
        let (level, name) = (pieces.len() as u32, "arx:constraint".to_owned());
        pieces.push(Piece::Element { level, number, name, attributes, space: false });
        self.insert_all(vec![Fragment { pieces, namespaces: Vec::new() }], place, tx)
    }
}

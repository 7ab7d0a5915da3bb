//! Texts, styles, properties and variables.

use svgx_engine::document::{NodeId, Ns};
use svgx_engine::geometry::css;

use super::super::attribute;
use super::super::error::Error;
use super::super::fragment::{Fragment, Piece};
use super::super::record::TreeEdit;
use super::structure::Place;
use super::tree::plain_text;
use super::{Session, Transaction};
use svgx_base::budget::Time;

/// Elements of the language that hold text.
const TEXTS: [&str; 5] = ["tag", "name", "description", "author", "version"];

impl Session {
    pub(super) fn set_text(
        &mut self,
        element_id: &str,
        text: &str,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let number = self.named(element_id)?;
        let node = self.node(number).unwrap_or(NodeId::ROOT);
        attribute::check_text("text", text, &self.limits)?;
        let spaced = self.document.has_space(node);
        let holds = match self.document.name(node) {
            Some((Ns::Svg | Ns::None, name)) => {
                matches!(name, "text" | "tspan" | "textPath" | "title" | "desc" | "style")
            }
            Some((Ns::Arx, name)) => TEXTS.contains(&name),
            _ => false,
        };
        if !holds {
            return Err(self.unsuitable("set_text", node, "it holds no text"));
        }
        let Some(old) = plain_text(&self.document, node) else {
            let reason = "it holds elements or comments beside its text; set theirs";
            return Err(self.unsuitable("set_text", node, reason));
        };
        // White space alone is layout where it is not content.
        let new = if !spaced && text.trim().is_empty() { "" } else { text };
        tx.effect.element_id = Some(self.label(number));
        let grown = new.len().saturating_sub(old.len());
        super::operations::check_limit(
            "bytes in the drawing",
            self.limits.bytes,
            self.bytes.saturating_add(grown),
        )?;
        if old != new {
            self.bytes = self.bytes.saturating_add(grown);
            let edit = TreeEdit::Text { element: number, old, new: new.to_owned() };
            self.change_tree(tx, edit);
        }
        self.follow_structure(now, tx)
    }

    pub(super) fn set_style(
        &mut self,
        targets: &[NodeId],
        name: &str,
        value: Option<&str>,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let shown: String = name.chars().take(64).collect();
        let bad = |reason| Error::BadAttribute { name: shown.clone(), reason };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 128 || !name.chars().all(plain) {
            return Err(bad("not the name of a property"));
        }
        if let Some(value) = value {
            attribute::check_text(name, value, &self.limits)?;
            if value.trim().is_empty()
                || value.contains([';', '{', '}', '\\'])
                || value.contains("/*")
            {
                return Err(bad("a value is one value, without `;`, braces, escapes and comments"));
            }
            let quotes = |quote| value.matches(quote).count() % 2 == 0;
            let open = value.matches('(').count() == value.matches(')').count();
            if !quotes('"') || !quotes('\'') || !open {
                return Err(bad("a quote or a bracket is not closed"));
            }
            if !css::takes(name, value) {
                return Err(bad("the property does not take this value"));
            }
        }
        for &node in targets {
            let number = self.number(node);
            tx.effect.element_id.get_or_insert_with(|| self.label(number));
            if matches!(self.document.name(node), Some((Ns::Arx, _))) {
                return Err(self.unsuitable(
                    "set_style",
                    node,
                    "elements of the language have no style",
                ));
            }
            let style = self.document.attr(node, "style").map(str::to_owned);
            let kept = css::declarations(style.as_deref().unwrap_or_default());
            let mut parts: Vec<String> = Vec::new();
            let mut placed = false;
            for d in kept {
                let important = if d.important { " !important" } else { "" };
                match (d.name.eq_ignore_ascii_case(name), value) {
                    (true, Some(value)) if !placed => {
                        placed = true;
                        parts.push(format!("{}: {}", d.name, value.trim()));
                    }
                    (true, _) => {}
                    (false, _) => parts.push(format!("{}: {}{important}", d.name, d.value)),
                }
            }
            if let Some(value) = value.filter(|_| !placed) {
                parts.push(format!("{name}: {}", value.trim()));
            }
            let new = (!parts.is_empty()).then(|| parts.join("; "));
            if new.is_some() || style.is_some() {
                attribute::check(&self.document, node, "style", new.as_deref(), &self.limits)?;
                self.set(tx, number, "style", new.as_deref());
            }
            let attribute = css::is_presentation(name) && self.document.attr(node, name).is_some();
            if value.is_none() && attribute {
                self.set(tx, number, name, None);
            }
        }
        self.follow_edits(now, tx);
        Ok(())
    }

    pub(super) fn set_property(
        &mut self,
        element_id: &str,
        name: &str,
        value: Option<&str>,
        unit: Option<&str>,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        self.recompile_meaning();
        let node = self.node(self.named(element_id)?).unwrap_or(NodeId::ROOT);
        let objects = self.document.objects();
        let object = objects.iter().find(|o| o.node == node || o.shapes.contains(&node));
        let Some(object) = object else {
            return Err(self.unsuitable("set_property", node, "it is no object and draws none"));
        };
        let (home, own) = (object.node, object.properties.iter().find(|p| p.name.as_str() == name));
        let own = own.map(|p| p.node);
        tx.effect.element_id = Some(self.label(self.number(home)));
        let names = ("properties", "property");
        self.set_named(home, own, names, name, value, unit, "set_property", tx)?;
        self.follow_structure(now, tx)
    }

    pub(super) fn set_variable(
        &mut self,
        element_id: &str,
        name: &str,
        value: Option<&str>,
        unit: Option<&str>,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        self.recompile_meaning();
        let node = self.node(self.named(element_id)?).unwrap_or(NodeId::ROOT);
        let of = self.document.behavior_of(node);
        let behavior = of.and_then(|at| self.document.behaviors().get(at.0 as usize));
        let Some(behavior) = behavior else {
            return Err(self.unsuitable("set_variable", node, "it has no behavior"));
        };
        if let Some(value) = value {
            let number = value.trim().trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
            let is_number = number.trim().parse::<f64>().is_ok_and(f64::is_finite);
            if !is_number && !matches!(value.trim(), "true" | "false") {
                let name = name.chars().take(64).collect();
                return Err(Error::BadAttribute {
                    name,
                    reason: "a variable is a number, with a unit or without, or true or false",
                });
            }
        }
        let home = behavior.node;
        let own = behavior.variables.iter().find(|v| v.name.as_str() == name).map(|v| v.node);
        tx.effect.element_id = Some(self.label(self.number(home)));
        let names = ("variables", "variable");
        self.set_named(home, own, names, name, value, unit, "set_variable", tx)?;
        self.follow_structure(now, tx)
    }

    /// Sets, makes or takes out a named value in its group in `home`.
    #[allow(clippy::too_many_arguments, reason = "the parts of one value, by name")]
    fn set_named(
        &mut self,
        home: NodeId,
        own: Option<NodeId>,
        (group, element): (&'static str, &'static str),
        name: &str,
        value: Option<&str>,
        unit: Option<&str>,
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let shown: String = name.chars().take(64).collect();
        let mut letters = name.chars();
        let starts = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if name.len() > 256 || !starts || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let reason = "a name is a letter or `_`, then letters, digits and `_`";
            return Err(Error::BadAttribute { name: shown, reason });
        }
        for text in value.into_iter().chain(unit) {
            attribute::check_text(name, text, &self.limits)?;
        }
        match (own, value) {
            (Some(node), Some(value)) => {
                let number = self.number(node);
                self.set(tx, number, "value", Some(value));
                if unit.is_some() {
                    self.set(tx, number, "unit", unit);
                }
            }
            (Some(node), None) => {
                self.release(&[node], super::References::Refuse, operation, tx)?;
                let label = tx.effect.element_id.take();
                self.take_away(node, tx);
                tx.effect.element_id = label;
            }
            (None, None) => {
                let reason = format!("it has no {element} `{shown}`");
                return Err(self.unsuitable(operation, home, reason));
            }
            (None, Some(value)) => {
                let mut attributes = vec![
                    ("name".to_owned(), name.to_owned()),
                    ("value".to_owned(), value.to_owned()),
                ];
                attributes.extend(unit.map(|unit| ("unit".to_owned(), unit.to_owned())));
                self.append_grouped(home, group, element, attributes, tx)?;
            }
        }
        Ok(())
    }

    /// Appends an element of the language to its group in `home`; makes the group if need be.
    pub(super) fn append_grouped(
        &mut self,
        home: NodeId,
        group: &'static str,
        element: &'static str,
        attributes: Vec<(String, String)>,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let is_group = |&c: &NodeId| self.document.name(c) == Some((Ns::Arx, group));
        let there = self.document.children(home).rfind(is_group);
        let mut number = self.elements.len() as u32;
        let mut pieces = Vec::new();
        let place = match there {
            Some(group) => Place { parent: group, at: self.document.children(group).count() },
            None => {
                pieces.push(Piece::Element {
                    level: 0,
                    number,
                    name: format!("arx:{group}"),
                    attributes: Vec::new(),
                    space: false,
                });
                number += 1;
                Place { parent: home, at: self.document.children(home).count() }
            }
        };
        let level = pieces.len() as u32;
        let name = format!("arx:{element}");
        pieces.push(Piece::Element { level, number, name, attributes, space: false });
        self.insert_all(vec![Fragment { pieces, namespaces: Vec::new() }], place, tx)
    }
}

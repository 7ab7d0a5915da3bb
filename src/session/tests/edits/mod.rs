//! Edits by their effects: a drawing, the operations, and what is written after them. A case
//! is a row of a table.

mod bound;
mod drafted;
mod formulas;
mod together;
mod undo;
mod units;

use std::sync::Arc;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_session::{Key, Memory, Operation, Options, Outcome, Sessions, StoreLimits};

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" "#;

struct Editor {
    sessions: Sessions,
    key: Key,
}

impl Editor {
    /// A session on a drawing: the attributes of its root and what is in it.
    fn open(root: &str, content: &str) -> Editor {
        Editor::load(&format!("{HEAD}{root}>{content}</svg>"))
    }

    fn load(content: &str) -> Editor {
        let store = Arc::new(Memory::new(StoreLimits::default()));
        let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
        let editor = Editor { sessions, key: Key::new("t", "edits").unwrap() };
        editor.run(json!({ "operation": "load", "content": content }));
        editor
    }

    fn run(&self, operation: Value) -> Outcome {
        let operation: Operation = serde_json::from_value(operation).unwrap();
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        self.sessions.apply(&self.key, &operation, &budget).unwrap().wait().unwrap()
    }

    /// Why an operation is refused.
    fn refused(&self, operation: Value) -> String {
        let operation: Operation = serde_json::from_value(operation).unwrap();
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        match self.sessions.apply(&self.key, &operation, &budget) {
            Ok(_) => panic!("it was done"),
            Err(error) => error.to_string(),
        }
    }

    /// `point` is where the pointer takes hold, `to` where it lets go.
    fn drag(&self, id: &str, point: (f64, f64), to: (f64, f64), snap: Value) -> Outcome {
        let place = |(x, y)| json!({ "x": x, "y": y });
        self.run(json!({
            "operation": "drag_start", "element_id": id, "coordinates": place(point) }));
        self.run(json!({ "operation": "drag_end", "coordinates": place(to), "snap": snap }))
    }

    fn fire(&self, name: &str) -> Outcome {
        self.run(json!({ "operation": "fire", "name": name }))
    }

    fn set(&self, id: &str, name: &str, value: &str) -> Outcome {
        self.run(json!({
            "operation": "set_attribute", "element_id": id, "name": name, "value": value }))
    }

    /// The attribute of an element, or of the `arx:geometry` in it: `pump.x`.
    fn attribute(&self, id: &str, name: &str) -> Option<String> {
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        let read = |s: &svgx_session::Session| {
            let d = s.document();
            let node = d.by_id(id).unwrap_or_else(|| panic!("no element {id}"));
            let geometry = d.children(node).find(|&c| d.name(c).is_some_and(|n| n.1 == "geometry"));
            let (node, name) = match name.strip_prefix('.') {
                Some(name) => (geometry.unwrap(), name),
                None => (node, name),
            };
            match name.strip_prefix("arx:") {
                Some(name) => d.arx(node, name).map(str::to_owned),
                None => d.attr(node, name).map(str::to_owned),
            }
        };
        self.sessions.read(&self.key, &budget, read).unwrap()
    }

    fn all(&self, wanted: &[(&str, &str, &str)]) -> Vec<String> {
        let value = |(id, name, _): &(&str, &str, &str)| self.attribute(id, name);
        wanted.iter().map(|w| value(w).unwrap_or_default()).collect()
    }
}

fn expected(wanted: &[(&str, &str, &str)]) -> Vec<String> {
    wanted.iter().map(|w| w.2.to_owned()).collect()
}

//! The body of `/interactive`, with a schema for each operation. The service reads one flat
//! object; who writes a client wants to know which members belong together.

use serde_json::{Map, Value, json};

/// The stand-in that [`split`] gives its true form.
const REQUEST: &str = "InteractiveRequest";
/// The operations as the sessions describe them.
const OPERATIONS: &str = "SessionOperation";

/// Describes the body of `/interactive` as one of the operations.
pub(super) fn split(document: &mut Value) {
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    let Some(schemas) = schemas else { return };
    let session = session();
    let operations = schemas.remove(OPERATIONS).unwrap_or_default();
    let mut named = Vec::new();
    for variant in operations["oneOf"].as_array().into_iter().flatten() {
        if let Some((name, schema)) = operation(variant, &session, schemas) {
            named.push((name, schema));
        }
    }
    named.push(("DrawingOperation".to_owned(), drawing(&session)));
    let of: Vec<Value> = named.iter().map(|(name, _)| reference(name)).collect();
    let description = "An operation on a session. The members of other operations are ignored.";
    schemas.insert(REQUEST.to_owned(), json!({ "description": description, "oneOf": of }));
    schemas.extend(named);
}

/// One operation and its name; `None` for what is no operation.
fn operation(
    variant: &Value,
    session: &Value,
    schemas: &Map<String, Value>,
) -> Option<(String, Value)> {
    let word = variant["properties"]["operation"]["const"].as_str()?;
    let mut properties = Map::new();
    let mut required = vec![json!("operation")];
    let whole = variant["$ref"].as_str().and_then(|to| schemas.get(to.rsplit('/').next()?));
    for part in whole.into_iter().chain([variant]) {
        let needed = part["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in part["properties"].as_object().into_iter().flatten() {
            let is_required = needed.contains(&json!(name));
            if is_required && name != "operation" {
                required.push(json!(name));
            }
            let schema = if is_required { schema.clone() } else { nullable(schema) };
            properties.insert(name.clone(), schema);
        }
    }
    properties.insert(
        "operation".to_owned(),
        json!({ "type": "string", "const": word, "description": "Which operation it is." }),
    );
    if word != "load" {
        let content = json!({ "type": ["string", "null"],
            "description": "A drawing that is loaded before the operation." });
        properties.insert("content".to_owned(), content);
    }
    properties.insert("session".to_owned(), session.clone());
    let name: String = word.split('_').map(capital).collect();
    let schema = json!({
        "type": "object",
        "description": variant["description"],
        "properties": properties,
        "required": required,
    });
    Some((format!("{name}Operation"), schema))
}

/// The name of a session. Bytes are counted, so that 128 characters may be too many.
fn session() -> Value {
    json!({
        "type": ["string", "null"],
        "description": "The session that is meant; the default one of the key without.",
        "minLength": 1,
        "maxLength": 128,
        "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]+$",
    })
}

/// A drawing alone, which is loaded.
fn drawing(session: &Value) -> Value {
    json!({
        "type": "object",
        "description": "A drawing alone is loaded, as by `load`.",
        "properties": {
            "content": { "type": "string", "description": "SVGX text." },
            "operation": { "type": "null", "description": "None." },
            "session": session,
        },
        "required": ["content"],
    })
}

/// The same, or null: what may be left out may be null as well.
fn nullable(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Some(members) = schema.as_object_mut() else { return schema };
    members.remove("default");
    if let Some(Value::String(kind)) = members.get("type") {
        let kinds = json!([kind, "null"]);
        members.insert("type".to_owned(), kinds);
    } else if let Some(to) = members.remove("$ref") {
        members.insert("oneOf".to_owned(), json!([{ "$ref": to }, { "type": "null" }]));
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

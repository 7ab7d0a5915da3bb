//! What generators of clients need and the derived description lacks: a word for every field and
//! answer, alternatives that are whole objects, binary where there is no text, and no schema that
//! nothing refers to.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Media types whose bytes are a picture of their own, and no JSON.
const BINARY: &[&str] = &["image/png", "image/svg+xml"];

/// Makes the description complete.
pub(super) fn tidy(document: &mut Value) {
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        for schema in schemas.as_object_mut().into_iter().flat_map(Map::values_mut) {
            whole_alternatives(schema);
            lift_descriptions(schema);
            describe_members(schema);
        }
    }
    group(document);
    let descriptions = descriptions(document);
    for operation in operations(document) {
        let summary = operation["summary"].clone();
        let body = operation.get_mut("requestBody").and_then(|body| body.get_mut("content"));
        if let Some(content) = body {
            media(content);
        }
        if let Some(body) = operation.get_mut("requestBody").and_then(Value::as_object_mut) {
            body.entry("description").or_insert_with(|| json!("JSON, or the drawing itself"));
        }
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (_, answer) in answers.into_iter().flatten() {
            let Some(answer) = answer.as_object_mut() else { continue };
            if let Some(content) = answer.get_mut("content") {
                media(content);
            }
            if !answer.get("description").is_some_and(|text| text != "") {
                let what = answer
                    .get("content")
                    .and_then(Value::as_object)
                    .and_then(|content| content.values().next())
                    .and_then(|media| media["schema"]["$ref"].as_str())
                    .and_then(|to| descriptions.iter().find(|(name, _)| to.ends_with(name)))
                    .map_or(summary.clone(), |(_, text)| text.clone());
                answer.insert("description".to_owned(), what);
            }
        }
    }
    prune(document);
}

/// Says of every operation which group it belongs to.
fn group(document: &mut Value) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        let tag = match path.split('/').nth(1).unwrap_or_default() {
            "interactive" | "state" | "precision" | "changes" => "interaction",
            "jobs" => "jobs",
            "health" | "metrics" | "metrics.json" | "openapi.json" | "problems" | "slo" => "status",
            _ => "drawing",
        };
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            operation["tags"] = json!([tag]);
        }
    }
}

/// Every operation of the document.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.iter_mut())
        .filter(|(method, _)| ["get", "post", "put", "delete"].contains(&method.as_str()))
        .map(|(_, operation)| operation)
}

/// The descriptions of the schemas, by the end of their references.
fn descriptions(document: &Value) -> Vec<(String, Value)> {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    schemas
        .into_iter()
        .flatten()
        .filter_map(|(name, schema)| Some((format!("/{name}"), schema.get("description")?.clone())))
        .collect()
}

/// Says in `content` what is bytes.
fn media(content: &mut Value) {
    for (kind, media) in content.as_object_mut().into_iter().flatten() {
        if !BINARY.contains(&kind.as_str()) {
            continue;
        }
        let schema = json!({ "type": "string", "format": "binary", "contentMediaType": kind });
        if let Some(media) = media.as_object_mut() {
            media.insert("schema".to_owned(), schema);
        }
    }
}

/// Members that all alternatives share move into each: a generator reads an alternative alone.
fn whole_alternatives(schema: &mut Value) {
    each(schema, &mut |members| {
        if !(members.contains_key("oneOf") && members.contains_key("properties")) {
            return;
        }
        let shared = members.remove("properties").unwrap_or_default();
        let needed = members.remove("required").unwrap_or_default();
        members.remove("type");
        let alternatives = members.get_mut("oneOf").and_then(Value::as_array_mut);
        for alternative in alternatives.into_iter().flatten() {
            for (name, member) in shared.as_object().into_iter().flatten() {
                alternative["properties"][name] = member.clone();
            }
            let own = alternative["required"].as_array().cloned().unwrap_or_default();
            let all: Vec<Value> =
                needed.as_array().into_iter().flatten().cloned().chain(own).collect();
            alternative["required"] = json!(all);
        }
    });
}

/// What is said of a reference that may be null is said of the member.
fn lift_descriptions(schema: &mut Value) {
    each(schema, &mut |members| {
        for key in ["oneOf", "anyOf"] {
            let alternatives = members.get_mut(key).and_then(Value::as_array_mut);
            let found = alternatives.into_iter().flatten().find_map(|alternative| {
                let alternative = alternative.as_object_mut()?;
                alternative.contains_key("$ref").then(|| alternative.remove("description"))?
            });
            if let Some(text) = found {
                members.entry("description").or_insert(text);
            }
        }
    });
}

/// A member that is a word of its own, or the only one of its kind, is described by that.
fn describe_members(schema: &mut Value) {
    each(schema, &mut |members| {
        let what = members.get("description").cloned();
        let properties = members.get_mut("properties").and_then(Value::as_object_mut);
        let Some(properties) = properties else { return };
        let only = properties.len() == 1;
        for member in properties.values_mut().filter_map(Value::as_object_mut) {
            if member.contains_key("const") {
                member.entry("description").or_insert_with(|| json!("Which kind it is."));
            } else if let Some(what) = what.as_ref().filter(|_| only) {
                member.entry("description").or_insert_with(|| what.clone());
            }
        }
    });
}

/// Calls `visit` with every object in `value`.
fn each(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(members);
            members.values_mut().for_each(|member| each(member, visit));
        }
        Value::Array(list) => list.iter_mut().for_each(|member| each(member, visit)),
        _ => {}
    }
}

/// Takes out the schemas that nothing refers to.
fn prune(document: &mut Value) {
    let mut reached = BTreeSet::new();
    references(&document["paths"], &mut reached);
    let mut waiting: Vec<String> = reached.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let mut more = BTreeSet::new();
        references(&document["components"]["schemas"][&name], &mut more);
        waiting.extend(more.into_iter().filter(|name| reached.insert(name.clone())));
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| reached.contains(name));
    }
}

/// The names of the schemas that `value` refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(to) = members.get("$ref").and_then(Value::as_str) {
                found.extend(to.strip_prefix("#/components/schemas/").map(str::to_owned));
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(list) => list.iter().for_each(|member| references(member, found)),
        _ => {}
    }
}

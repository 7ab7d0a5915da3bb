//! The description of the service: complete, and true of the service that gives it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::service::{Answer, Service};

const KEY: &str = "Authorization: Bearer openapi-0123456789abcdef\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// With the key of an operator.
fn service() -> Service {
    let flags =
        ["--rate-limit", "off", "--api-key", "op:openapi-0123456789abcdef", "--operator", "op"];
    Service::with(&flags, None)
}

/// Every operation: method, path and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut list = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            list.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    list
}

#[test]
fn every_field_answer_and_parameter_has_a_word() {
    let document = service().get("/openapi.json", "").json();
    let mut silent = Vec::new();
    let said = |value: &Value| value["description"].as_str().is_some_and(|text| text.len() > 2);
    for (method, path, operation) in operations(&document) {
        if operation["summary"].as_str().is_none_or(str::is_empty) {
            silent.push(format!("{method} {path}"));
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if !said(parameter) {
                silent.push(format!("{method} {path} {}", parameter["name"]));
            }
        }
        for (status, answer) in operation["responses"].as_object().expect("responses") {
            if !said(answer) {
                silent.push(format!("{method} {path} {status}"));
            }
        }
    }
    fn fields(at: &str, schema: &Value, silent: &mut Vec<String>) {
        // What is not there has no parts, and none of these is there either.
        if !schema.is_object() {
            return;
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            if field["description"].as_str().is_none_or(|text| text.len() < 3) {
                silent.push(at.clone());
            }
            fields(&at, field, silent);
        }
        for key in ["oneOf", "anyOf", "allOf", "prefixItems"] {
            for part in schema[key].as_array().into_iter().flatten() {
                fields(at, part, silent);
            }
        }
        for key in ["items", "additionalProperties"] {
            fields(&format!("{at}[]"), &schema[key], silent);
        }
    }
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    assert!(schemas.len() > 100, "{}", schemas.len());
    for (name, schema) in schemas {
        if !said(schema) {
            silent.push(name.clone());
        }
        fields(name, schema, &mut silent);
    }
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

#[test]
fn operation_ids_are_a_verb_and_a_noun_and_no_two_are_the_same() {
    const VERBS: &[&str] = &[
        "apply", "cancel", "compile", "create", "delete", "edit", "evaluate", "export", "fork",
        "get", "import", "list", "parse", "query", "render", "round", "set", "simulate", "solve",
        "stream",
    ];
    let document = service().get("/openapi.json", "").json();
    let mut seen = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("an id");
        let (verb, noun) = id.split_once('_').unwrap_or((id, ""));
        assert!(VERBS.contains(&verb) && !noun.is_empty(), "{method} {path}: {id}");
        assert!(seen.insert(id.to_owned()), "{id} is there twice");
    }
}

#[test]
fn an_operation_of_a_session_has_a_schema_of_its_own() {
    let document = service().get("/openapi.json", "").json();
    let schemas = &document["components"]["schemas"];
    let variants = schemas["InteractiveRequest"]["oneOf"].as_array().expect("variants");
    let mut words = BTreeSet::new();
    for variant in variants {
        let name = variant["$ref"].as_str().and_then(|to| to.rsplit('/').next()).expect("a name");
        let schema = &schemas[name];
        // Members of other operations are ignored.
        assert!(schema["additionalProperties"].is_null(), "{name}");
        if let Some(word) = schema["properties"]["operation"]["const"].as_str() {
            assert!(schema["required"].as_array().unwrap().contains(&json!("operation")));
            words.insert(word.to_owned());
        }
    }
    for word in ["click", "drag_start", "drag_move", "undo", "load", "set_attribute", "fire"] {
        assert!(words.contains(word), "{word} of {words:?}");
    }
    assert_eq!(words.len(), 42);
    let set = &schemas["SetAttributeOperation"];
    assert_eq!(set["required"], json!(["operation", "element_id", "name"]));
}

#[test]
fn pictures_are_binary_and_nothing_else_is_a_list_of_bytes() {
    let document = service().get("/openapi.json", "").json();
    let mut pictures = 0;
    for (method, path, operation) in operations(&document) {
        for (_, answer) in operation["responses"].as_object().expect("responses") {
            for (kind, media) in answer["content"].as_object().into_iter().flatten() {
                if kind == "image/png" {
                    pictures += 1;
                    assert_eq!(media["schema"]["format"], "binary", "{method} {path}");
                    assert_eq!(media["schema"]["contentMediaType"], "image/png");
                }
            }
        }
    }
    assert_eq!(pictures, 2);
}

/// The path with its examples in it.
fn filled(path: &str, operation: &Value) -> String {
    let mut path = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "path" {
            let name = parameter["name"].as_str().expect("a name");
            let example = parameter["example"].as_str().unwrap_or_else(|| panic!("{path}: {name}"));
            path = path.replace(&format!("{{{name}}}"), example);
        }
    }
    path
}

fn is_fine(what: &str, answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.body);
    assert!((200..300).contains(&answer.status), "{what}: {} {text}", answer.status);
    if answer.header("content-type") == Some("application/json") {
        assert_ne!(answer.json()["success"], json!(false), "{what}: {text}");
    }
}

#[test]
fn every_example_of_a_request_works_as_it_is() {
    let service = service();
    let document = service.get("/openapi.json", "").json();
    // A trace whose caller sampled it is kept.
    let sampled = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    assert_eq!(service.get("/health", &format!("{KEY}{sampled}")).status, 200);
    let mut sent = 0;
    // What changes something first, so that a job and a session are there to be asked about.
    let mut list = operations(&document);
    list.sort_by_key(|(method, ..)| match method.as_str() {
        "POST" => 0,
        "DELETE" => 2,
        _ => 1,
    });
    for (method, path, operation) in list {
        let what = format!("{method} {path}");
        let path = filled(&path, operation);
        if operation["requestBody"].is_null() {
            if path == "/jobs/j1" && method == "GET" {
                let body = document
                    .pointer("/paths/~1parse/post/requestBody/content/application~1json/example");
                let body = body.expect("an example").to_string();
                let headers = format!("{KEY}{JSON}Prefer: respond-async\r\n");
                assert_eq!(service.send("/parse", &headers, body.as_bytes()).status, 202);
            }
            if path.ends_with("/live") {
                // A WebSocket: its tests are those of `together`.
                continue;
            }
            // A stream does not end by itself.
            let is_stream = path.ends_with("/stream") || path.ends_with("/events");
            let method = if is_stream { "HEAD" } else { &method };
            let mut answer = service.ask(method, &path, KEY, b"");
            while answer.status == 409 && path.ends_with("/result") {
                answer = service.ask(method, &path, KEY, b"");
            }
            is_fine(&what, &answer);
            sent += 1;
            continue;
        }
        let contents = operation["requestBody"]["content"].as_object().expect("content");
        for (kind, media) in contents {
            let example = &media["example"];
            assert!(!example.is_null(), "{what} {kind} has no example");
            let body = match example {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let headers = format!("{KEY}Content-Type: {kind}\r\n");
            let answer = service.ask(&method, &path, &headers, body.as_bytes());
            is_fine(&format!("{what} {kind}"), &answer);
            sent += 1;
        }
    }
    assert!(sent > 30, "{sent}");
}

#[test]
fn every_way_to_fail_has_an_example_of_its_problem() {
    let service = service();
    let document = service.get("/openapi.json", "").json();
    for (method, path, operation) in operations(&document) {
        let mut shown = 0;
        for (status, answer) in operation["responses"].as_object().expect("responses") {
            let problem = &answer["content"]["application/problem+json"];
            if problem.is_null() {
                continue;
            }
            let example = &problem["example"];
            let what = format!("{method} {path} {status}: {example}");
            assert_eq!(example["status"].to_string(), *status, "{what}");
            let page = example["type"].as_str().expect("a type");
            let kind = service.get(page, "Accept: application/json\r\n").json();
            for member in ["code", "title", "status"] {
                assert_eq!(kind[member], example[member], "{what}");
            }
            assert!(example["detail"].as_str().is_some_and(|text| !text.is_empty()), "{what}");
            shown += 1;
        }
        assert!(shown > 0, "{method} {path}");
    }
}

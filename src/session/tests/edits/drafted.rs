//! Dimensions that follow, lose or drive; layers that are locked; lists of edits that have a limit.

use std::sync::Arc;

use serde_json::json;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::document::Limits;
use svgx_session::{Error, Operation, edit};

use super::Editor;

const ROOT: &str = r#"viewBox="0 0 400 300""#;
const FRAME: &str = r#"<rect id="frame" x="10" y="10" width="100" height="60"/>
<line id="post" x1="60" y1="10" x2="60" y2="70"/>
<arx:constraints>
  <arx:constraint type="fixed" of="frame.top-left"/>
  <arx:constraint id="width" type="distance" of="frame.left frame.right" value="10" unit="cm"/>
  <arx:constraint id="height" type="distance" of="frame.top frame.bottom" value="60"/>
</arx:constraints>
<arx:dimensions>
  <arx:dimension id="w" drives="width" at="0 0"/>
  <arx:dimension id="m" of="frame.top" at="0 0"/>
  <arx:dimension id="c" of="frame.top-left frame.top-right" at="0 0"/>
</arx:dimensions>"#;

#[test]
fn a_dimension_sets_the_constraint_that_it_drives_and_the_drawing_follows() {
    let editor = Editor::open(ROOT, FRAME);
    let done = editor.run(json!({
        "operation": "set_dimension", "element_id": "w", "value": "120 mm" }));
    let value = |id: &str, name: &str| editor.attribute(id, name).unwrap_or_default();
    assert_eq!((value("width", "value"), value("frame", "width")), ("120 mm".into(), "120".into()));
    assert_eq!(editor.attribute("width", "unit"), None);
    assert_eq!(done.result.element_id.as_deref(), Some("w"));
    editor.run(json!({ "operation": "set_dimension", "element_id": "w", "value": "90" }));
    assert_eq!(value("frame", "width"), "90");
    // Both are one step.
    editor.run(json!({ "operation": "undo" }));
    assert_eq!((value("width", "value"), value("frame", "width")), ("120 mm".into(), "120".into()));
}

#[test]
fn a_dimension_that_drives_nothing_or_too_much_is_refused() {
    let editor = Editor::open(ROOT, FRAME);
    let set = |id: &str, value: serde_json::Value| {
        editor.refused(json!({ "operation": "set_dimension", "element_id": id, "value": value }))
    };
    assert!(set("m", json!("5")).contains("drives no constraint"));
    assert!(set("frame", json!("5")).contains("no dimension"));
    assert!(set("w", json!("wide")).contains("cannot be read"));
    assert!(set("w", json!("-5")).contains("cannot be read"));
    assert_eq!(editor.attribute("frame", "width").as_deref(), Some("100"));
}

#[test]
fn edits_rewrite_what_dimensions_are_of_or_say_what_they_would_lose() {
    let editor = Editor::open(ROOT, FRAME);
    // The constraints go, the dimensions stay as far as their parts do.
    let refused = editor.refused(json!({
        "operation": "fillet", "element_id": "frame", "vertex": 2, "radius": 5 }));
    assert!(refused.contains("frame"), "{refused}");
    let done = editor.run(json!({
        "operation": "fillet", "element_id": "frame", "vertex": 2, "radius": 5,
        "references": "remove" }));
    let edited = done.result.edited.expect("what was edited");
    let lost: Vec<&str> = edited.references.iter().map(|r| r.element_id.as_str()).collect();
    assert!(lost.contains(&"c"), "{lost:?}");
    assert_eq!(editor.attribute("m", "of").as_deref(), Some("frame.1-2"));
}

#[test]
fn what_is_on_a_locked_layer_is_not_edited() {
    let editor = Editor::open(
        ROOT,
        r#"<arx:layers><arx:layer id="base" locked="true"/><arx:layer id="free"/></arx:layers>
        <g id="all" arx:layer="base"><rect id="a" width="50" height="50"/></g>
        <rect id="b" x="100" width="50" height="50" arx:layer="free"/>"#,
    );
    for operation in [
        json!({ "operation": "set_attribute", "element_id": "a", "name": "width", "value": "9" }),
        json!({ "operation": "move", "element_id": "a", "dx": 5 }),
        json!({ "operation": "fillet", "element_id": "a", "radius": 5 }),
        json!({ "operation": "delete", "element_id": "a" }),
        json!({ "operation": "delete", "element_id": "all" }),
        json!({ "operation": "set_attribute", "element_id": "all", "name": "arx:layer", "value": "free" }),
        json!({ "operation": "add", "markup": "<rect width='1' height='1'/>", "parent_id": "all" }),
    ] {
        let refused = editor.refused(operation.clone());
        assert!(refused.contains("`base` is locked"), "{operation}: {refused}");
    }
    editor.run(json!({ "operation": "move", "element_id": "b", "dx": 5 }));
    editor.set("base", "locked", "false");
    editor.run(json!({ "operation": "move", "element_id": "a", "dx": 5 }));
    assert_eq!(editor.attribute("a", "x").as_deref(), Some("5"));
}

fn operations(list: serde_json::Value) -> Vec<Operation> {
    serde_json::from_value(list).expect("operations")
}

#[test]
fn a_list_of_edits_ends_with_its_time() {
    let content = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect id="a" width="5" height="5"/></svg>"#;
    let edits = operations(json!([
        { "operation": "set_attribute", "element_id": "a", "name": "width", "value": "7" },
        { "operation": "fillet", "element_id": "a", "radius": 1 }
    ]));
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    assert!(edit(content, &edits, Arc::new(Limits::default()), &budget).is_ok());
    budget.cancel().cancel();
    let ended = edit(content, &edits, Arc::new(Limits::default()), &budget);
    assert!(matches!(ended, Err((_, Error::Stopped(_)))), "{ended:?}");
}

#[test]
fn shapes_with_more_vertices_than_an_edit_takes_are_refused_by_the_limit() {
    let shape = |id: &str, count: usize| {
        let mut points = String::new();
        for at in 0..count {
            points.push_str(&format!("{},{} ", at % 1000, at / 1000 + usize::from(at % 2 == 0)));
        }
        format!(r#"<polyline id="{id}" points="{points}"/>"#)
    };
    let content = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000">{}{}</svg>"#,
        shape("a", 100_000),
        shape("b", 100_001),
    );
    let edits = operations(json!([
        { "operation": "split", "element_id": "a", "by": ["a", "b"] }
    ]));
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let refused = edit(&content, &edits, Arc::new(Limits::default()), &budget);
    let Err((Some(0), Error::Limit { limit, seen, .. })) = refused else { panic!("it was done") };
    assert_eq!((limit, seen > limit), (200_000, true));
}

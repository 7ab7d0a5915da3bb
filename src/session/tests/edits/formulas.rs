//! Conditions and formulas after edits.

use serde_json::{Value, json};
use svgx_session::Outcome;

use super::Editor;

/// An object with a load, a condition on it, and counters of what happened.
fn feeder(load: &str) -> String {
    format!(
        r#"<arx:object id="feeder" type="electrical.feeder"><arx:geometry id="g" x="0" y="0" width="10mm" height="10mm"/>
        <arx:properties><arx:property id="rating" name="rating" value="100" unit="A"/></arx:properties>
        <arx:behavior>
          <arx:variables><arx:variable id="load" name="load" value="{load}" unit="A"/><arx:variable name="note" value="0"/></arx:variables>
          <arx:calculations>
            <arx:calculation name="right" formula="feeder.x + feeder.width" unit="mm"/>
            <arx:calculation id="half" name="half" formula="feeder.rating / 2"/>
          </arx:calculations>
          <arx:triggers>
            <arx:trigger event="condition" condition="load &gt; 10 A" action="set-state" value="alarm"/>
            <arx:trigger event="condition" condition="right &gt; 500 mm" action="set-attribute" name="class" value="far"/>
            <arx:trigger event="nudge" action="update" name="note" formula="note + 1"/>
            <arx:trigger event="raise" action="update" name="load" value="50 A"/>
            <arx:trigger event="lower" action="update" name="load" value="1 A"/>
            <arx:trigger event="where" action="set-attribute" name="lang" formula="right"/>
            <arx:trigger event="show" action="set-attribute" name="lang" formula="half"/>
            <arx:trigger event="tell" action="set-attribute" name="lang" formula="load"/>
            <arx:trigger event="count" action="set-attribute" name="lang" formula="note"/>
          </arx:triggers>
        </arx:behavior></arx:object>"#
    )
}

#[test]
fn a_condition_fires_when_it_comes_to_hold_and_not_when_it_held_already() {
    let set = |value: &str| json!({ "operation": "set_attribute", "element_id": "load", "name": "value", "value": value });
    let fire = |name: &str| json!({ "operation": "fire", "name": name });
    let undo = json!({ "operation": "undo" });
    let cases: Vec<(&str, Vec<Value>, Option<&str>)> = vec![
        ("20", vec![fire("nudge")], None),
        ("20", vec![fire("nudge"), fire("nudge")], None),
        ("20", vec![fire("raise")], None),
        ("20", vec![set("30")], None),
        ("20", vec![fire("lower")], None),
        ("20", vec![fire("lower"), fire("nudge"), fire("raise")], Some("alarm")),
        ("20", vec![set("5"), set("11")], Some("alarm")),
        ("5", vec![fire("nudge")], None),
        ("5", vec![fire("raise")], Some("alarm")),
        ("5", vec![set("11")], Some("alarm")),
        ("5", vec![set("11"), undo.clone()], None),
        ("5", vec![set("11"), undo, fire("nudge")], None),
    ];
    for (load, operations, state) in cases {
        let editor = Editor::open(r#"viewBox="0 0 1000 1000""#, &feeder(load));
        for operation in &operations {
            editor.run(operation.clone());
        }
        let found = editor.attribute("feeder", "arx:state");
        assert_eq!(found.as_deref(), state, "{load}: {operations:?}");
    }
}

#[test]
fn formulas_see_the_values_of_now_after_every_edit() {
    let drag = |e: &Editor| drop(e.drag("feeder", (0.0, 0.0), (600.0, 0.0), json!(true)));
    let undo = |e: &Editor| drop(e.run(json!({ "operation": "undo" })));
    type Edit<'e> = Box<dyn Fn(&Editor) + 'e>;
    let cases: Vec<(&str, Vec<Edit<'_>>, &str, &str)> = vec![
        ("as loaded", vec![], "where", "10"),
        ("dragged", vec![Box::new(drag)], "where", "610"),
        ("dragged and undone", vec![Box::new(drag), Box::new(undo)], "where", "10"),
        ("width", vec![Box::new(|e| drop(e.set("g", "width", "30mm")))], "where", "30"),
        ("width in metres", vec![Box::new(|e| drop(e.set("g", "width", "3m")))], "where", "3000"),
        ("property", vec![Box::new(|e| drop(e.set("rating", "value", "40")))], "show", "20"),
        (
            "property, undone",
            vec![Box::new(|e| drop(e.set("rating", "value", "40"))), Box::new(undo)],
            "show",
            "50",
        ),
        ("unit", vec![Box::new(|e| drop(e.set("rating", "unit", "kA")))], "show", "50"),
        (
            "formula",
            vec![Box::new(|e| drop(e.set("half", "formula", "feeder.rating / 4")))],
            "show",
            "25",
        ),
        ("variable", vec![Box::new(|e| drop(e.set("load", "value", "7")))], "tell", "7"),
        // What was written last counts, by a trigger or by hand.
        (
            "set, then raised",
            vec![
                Box::new(|e| drop(e.set("load", "value", "7"))),
                Box::new(|e| drop(e.fire("raise"))),
            ],
            "tell",
            "50",
        ),
        (
            "raised, then set",
            vec![
                Box::new(|e| drop(e.fire("raise"))),
                Box::new(|e| drop(e.set("load", "value", "7"))),
            ],
            "tell",
            "7",
        ),
        (
            "raised, set, undone",
            vec![
                Box::new(|e| drop(e.fire("raise"))),
                Box::new(|e| drop(e.set("load", "value", "7"))),
                Box::new(undo),
            ],
            "tell",
            "50",
        ),
    ];
    for (name, edits, event, value) in cases {
        let editor = Editor::open(r#"viewBox="0 0 1000 1000""#, &feeder("5"));
        for edit in &edits {
            edit(&editor);
        }
        editor.fire(event);
        assert_eq!(editor.attribute("feeder", "lang").as_deref(), Some(value), "{name}");
    }
}

#[test]
fn an_edit_says_which_values_follow_and_runs_the_conditions_on_them() {
    let editor = Editor::open(r#"viewBox="0 0 1000 1000""#, &feeder("5"));
    let named = |outcome: &Outcome| -> Vec<(String, Option<f64>)> {
        outcome.result.values_changed.iter().map(|v| (v.name.clone(), v.new_value)).collect()
    };
    let outcome = editor.set("rating", "value", "40");
    let expected =
        [("feeder.rating".to_owned(), Some(40.0)), ("feeder.half".to_owned(), Some(20.0))];
    assert_eq!(named(&outcome), expected);
    let outcome = editor.run(json!({ "operation": "undo" }));
    let expected =
        [("feeder.rating".to_owned(), Some(100.0)), ("feeder.half".to_owned(), Some(50.0))];
    assert_eq!(named(&outcome), expected);
    editor.drag("feeder", (0.0, 0.0), (600.0, 0.0), json!(true));
    assert_eq!(editor.attribute("feeder", "class").as_deref(), Some("far"));
    let undone = editor.run(json!({ "operation": "undo" }));
    assert_eq!((editor.attribute("feeder", "class"), undone.state.undo_depth), (None, 0));
}

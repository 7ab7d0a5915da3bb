//! What one undo takes back.

use serde_json::{Value, json};

use super::Editor;

#[test]
fn one_undo_takes_back_one_operation_whatever_it_changed() {
    let content = r#"<rect id="r" width="50" height="50"/><rect id="btn" x="60" width="10" height="10"><arx:behavior>
        <arx:variables><arx:variable name="n" value="0"/></arx:variables>
        <arx:triggers><arx:trigger event="click" action="update" name="n" formula="n + 1"/>
          <arx:trigger event="later" action="update" name="n" formula="n + 10" delay="3600"/>
          <arx:trigger event="tell" action="set-attribute" name="lang" formula="n"/></arx:triggers>
        </arx:behavior></rect>"#;
    let click = json!({ "operation": "click", "element_id": "btn" });
    let level = json!({ "operation": "add_constraint", "constraint": { "type": "horizontal", "elements": ["r", "btn"] } });
    let less = json!({ "operation": "remove_constraint", "constraint": { "type": "horizontal", "elements": ["r", "btn"] } });
    let set = json!({ "operation": "set_attribute", "element_id": "r", "name": "y", "value": "7" });
    let later = json!({ "operation": "fire", "name": "later" });
    let undo = json!({ "operation": "undo" });
    let redo = json!({ "operation": "redo" });
    // After a drag of `r` to x = 10: the operations, then n, x, y, the constraints and the steps.
    type Case<'c> = (Vec<&'c Value>, &'c str, &'c str, Option<&'c str>, usize, usize);
    let cases: Vec<Case<'_>> = vec![
        (vec![&click, &click, &undo], "1", "10", None, 0, 2),
        (vec![&click, &click, &undo, &undo], "0", "10", None, 0, 1),
        (vec![&click, &click, &undo, &undo, &undo], "0", "", None, 0, 0),
        (vec![&click, &undo, &redo], "1", "10", None, 0, 2),
        (vec![&click, &set, &undo], "1", "10", None, 0, 2),
        (vec![&set, &click, &undo], "0", "10", Some("7"), 0, 2),
        (vec![&level, &undo], "0", "10", None, 0, 1),
        (vec![&level, &undo, &redo], "0", "10", None, 1, 2),
        (vec![&level, &less, &undo], "0", "10", None, 1, 2),
        (vec![&later, &undo], "0", "10", None, 0, 1),
        (vec![&later, &later, &undo, &undo, &undo], "0", "", None, 0, 0),
    ];
    for (operations, n, x, y, constraints, depth) in cases {
        let editor = Editor::open(r#"viewBox="0 0 100 100""#, content);
        editor.drag("r", (0.0, 0.0), (10.0, 0.0), json!(true));
        let mut last = None;
        for operation in &operations {
            last = Some(editor.run((*operation).clone()));
        }
        let state = last.unwrap().state;
        assert_eq!(
            (state.constraints.len(), state.undo_depth),
            (constraints, depth),
            "{operations:?}"
        );
        assert_eq!(editor.attribute("r", "x").unwrap_or_default(), x, "{operations:?}");
        assert_eq!(editor.attribute("r", "y").filter(|y| y != "0").as_deref(), y, "{operations:?}");
        editor.fire("tell");
        assert_eq!(editor.attribute("btn", "lang").as_deref(), Some(n), "{operations:?}");
    }
}

#[test]
fn an_operation_in_the_middle_of_a_drag_is_a_step_of_its_own() {
    let editor = Editor::open(
        r#"viewBox="0 0 100 100""#,
        r#"<rect id="r" x="0" width="50" height="50"/><rect id="s" x="60" width="10" height="10"/>"#,
    );
    let at = |x: f64| json!({ "x": x, "y": 0.0 });
    editor.run(json!({ "operation": "drag_start", "element_id": "r", "coordinates": at(0.0) }));
    editor.run(json!({ "operation": "drag_move", "coordinates": at(5.0) }));
    editor.set("s", "fill", "red");
    editor.run(json!({ "operation": "drag_end", "coordinates": at(9.0) }));
    let seen = || (editor.attribute("r", "x"), editor.attribute("s", "fill"));
    let some = |text: &str| Some(text.to_owned());
    for expected in [(some("5"), some("red")), (some("5"), None), (some("0"), None)] {
        editor.run(json!({ "operation": "undo" }));
        assert_eq!(seen(), expected);
    }
}

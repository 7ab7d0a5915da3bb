//! Constraints with formulas and formulas that read what is measured, in a drawing that is edited.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::constraint::{self, Options, Sketch};
use svgx_engine::document::{Limits, canonical, parse};
use svgx_engine::geometry::Scene;
use svgx_session::{Operation, Outcome, edit};

use super::Editor;

/// A frame whose width follows a grid and whose height follows its width, a door that is so far from
/// it, and an object that reads all of that.
const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 1000 1000">
<arx:object id="grid" type="architecture.grid"><arx:behavior>
  <arx:variables><arx:variable id="count" name="bays" value="3"/><arx:variable id="each" name="each" value="20" unit="mm"/></arx:variables>
  <arx:triggers>
    <arx:trigger event="grow" action="update" name="bays" formula="bays + 1"/>
    <arx:trigger event="burst" action="update" name="bays" formula="0 - 5"/>
    <arx:trigger event="force" action="update" name="bay.value" formula="9 mm"/>
    <arx:trigger event="force" action="update" name="width.value" formula="9 mm"/>
    <arx:trigger event="later" action="update" name="bays" formula="bays + 2"/>
  </arx:triggers>
</arx:behavior></arx:object>
<rect id="frame" x="10" y="10" width="100" height="50"/>
<g id="part" transform="translate(300 0)"><rect id="door" x="0" y="10" width="40" height="30"/></g>
<line id="lean" x1="500" y1="500" x2="600" y2="500"/>
<rect id="other" x="700" y="700" width="9" height="9"/>
<arx:object id="hall" type="architecture.room">
  <arx:geometry x="0" y="0" width="10mm" height="10mm"/>
  <arx:properties><arx:property id="slack" name="slack" value="5" unit="mm"/></arx:properties>
  <arx:behavior>
    <arx:variables><arx:variable name="seen" value="0"/></arx:variables>
    <arx:calculations>
      <arx:calculation name="clear" formula="gap.measure - hall.slack" unit="cm"/>
      <arx:calculation name="area" formula="w.measure * tall.measure" unit="m^2"/>
      <arx:calculation name="share" formula="bay / width.value"/>
    </arx:calculations>
    <arx:triggers>
      <arx:trigger event="condition" condition="gap.measure &gt; 250 mm" action="set-attribute" target="other" name="class" value="far"/>
      <arx:trigger event="condition" condition="gap.measure &lt; 150 mm" action="set-attribute" target="other" name="class" value="near"/>
      <arx:trigger event="tell" action="set-attribute" target="other" name="data-clear" formula="clear"/>
      <arx:trigger event="tell" action="set-attribute" target="other" name="data-area" formula="area"/>
      <arx:trigger event="tell" action="set-attribute" target="other" name="data-share" formula="share"/>
      <arx:trigger event="tell" action="set-attribute" target="other" name="data-lean" formula="turn.measure"/>
      <arx:trigger event="late" action="update" name="grid.bays" formula="5" delay="0"/>
    </arx:triggers>
  </arx:behavior>
</arx:object>
<arx:constraints>
  <arx:constraint type="fixed" of="frame.top-left"/>
  <arx:constraint type="fixed" of="lean.start"/>
  <arx:constraint id="bay" type="distance" of="door.left door.right" value="40"/>
  <arx:constraint id="width" type="distance" of="frame.left frame.right" formula="grid.bays * grid.each + bay"/>
  <arx:constraint id="height" type="distance" of="frame.top frame.bottom" formula="width / 2"/>
</arx:constraints>
<arx:dimensions>
  <arx:dimension id="b" drives="bay" at="0 0"/>
  <arx:dimension id="w" drives="width" at="0 0"/>
  <arx:dimension id="tall" of="frame.right" at="0 0"/>
  <arx:dimension id="gap" of="frame.right door.left" at="0 0"/>
  <arx:dimension id="turn" type="angle" of="lean.end lean.start frame.top-left" at="0 0"/>
</arx:dimensions>
</svg>"##;

fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn undo() -> Value {
    json!({ "operation": "undo" })
}

fn variable(name: &str, value: &str) -> Value {
    json!({ "operation": "set_variable", "element_id": "grid", "name": name, "value": value })
}

fn dimension(value: &str) -> Value {
    json!({ "operation": "set_dimension", "element_id": "b", "value": value })
}

fn text(editor: &Editor) -> String {
    editor.sessions.read(&editor.key, &budget(), |s| canonical(s.document())).unwrap()
}

fn frame(editor: &Editor) -> (String, String) {
    let value = |name| editor.attribute("frame", name).unwrap_or_default();
    (value("width"), value("height"))
}

fn values(outcome: &Outcome) -> Vec<(&str, Option<f64>)> {
    let all = outcome.result.values_changed.iter();
    all.map(|v| (v.name.as_str(), v.new_value.map(|n| (n * 1e6).round() / 1e6))).collect()
}

#[test]
fn what_a_formula_of_a_constraint_reads_moves_what_it_holds_in_the_same_step() {
    for operations in [
        vec![variable("bays", "5")],
        vec![
            json!({ "operation": "set_attribute", "element_id": "count", "name": "value", "value": "5" }),
        ],
        vec![
            json!({ "operation": "fire", "name": "grow" }),
            json!({ "operation": "fire", "name": "grow" }),
        ],
        vec![json!({ "operation": "fire", "name": "later" })],
        vec![json!({ "operation": "fire", "name": "late" })],
        vec![dimension("80 mm")],
        vec![
            json!({ "operation": "set_attribute", "element_id": "bay", "name": "value", "value": "80" }),
        ],
        vec![
            json!({ "operation": "set_attribute", "element_id": "width", "name": "formula", "value": "grid.bays * 2 cm + 80 mm" }),
        ],
    ] {
        let editor = Editor::load(DRAWING);
        let before = text(&editor);
        for operation in &operations {
            editor.run(operation.clone());
        }
        assert_eq!(frame(&editor), ("140".into(), "70".into()), "{operations:?}");
        let after = text(&editor);
        for _ in &operations {
            editor.run(undo());
        }
        assert_eq!(text(&editor), before, "{operations:?}");
        for _ in &operations {
            editor.run(json!({ "operation": "redo" }));
        }
        assert_eq!(text(&editor), after, "{operations:?}");
    }
}

#[test]
fn an_edit_that_constraints_cannot_follow_is_refused_and_a_trigger_leaves_them() {
    let editor = Editor::load(DRAWING);
    let before = text(&editor);
    let refused = editor.refused(variable("bays", "-5"));
    assert!(refused.contains("cannot be read") && refused.contains("negative"), "{refused}");
    let refused = editor.refused(json!({
        "operation": "set_dimension", "element_id": "w", "value": "90" }));
    assert!(refused.contains("`width`, which it drives, has a formula"), "{refused}");
    let set = |name: &str, value: &str| json!({ "operation": "set_attribute", "element_id": "width", "name": name, "value": value });
    for (name, value, word) in [
        ("formula", "gap.measure", "reads what is measured"),
        ("formula", "grid.bays * 1 kg", "not in mm"),
        ("formula", "hall.area", "not in mm"),
    ] {
        let refused = editor.refused(set(name, value));
        assert!(refused.contains(word), "{value}: {refused}");
    }
    assert_eq!(text(&editor), before);
    let told = editor.fire("burst");
    assert!(told.result.messages.iter().any(|m| m.message.contains("negative")), "{told:?}");
    assert_eq!(frame(&editor), ("100".into(), "50".into()));
    let forced = editor.fire("force");
    let said: Vec<&str> = forced.result.messages.iter().map(|m| m.message.as_str()).collect();
    assert_eq!(said, ["no trigger sets bay.value", "a calculated value cannot be set"]);
    editor.fire("grow");
    assert_eq!(frame(&editor), ("100".into(), "50".into()), "it is negative still");
    editor.run(variable("bays", "4"));
    assert_eq!(frame(&editor), ("120".into(), "60".into()));
}

#[test]
fn a_measure_follows_what_moves_it_and_nothing_else_measures() {
    let editor = Editor::load(DRAWING);
    let moved = editor.run(json!({
        "operation": "move", "element_id": "door", "dx": 100, "dy": 3 }));
    assert_eq!(values(&moved), [("gap.measure", Some(290.0)), ("hall.clear", Some(28.5))]);
    assert_eq!(editor.attribute("other", "class").as_deref(), Some("far"));
    // Undo brings the value and what came of it back.
    let undone = editor.run(undo());
    assert_eq!(values(&undone), [("gap.measure", Some(190.0)), ("hall.clear", Some(18.5))]);
    assert_eq!(editor.attribute("other", "class"), None);
    // A group that moves takes its parts along, and what moves nothing measured tells nothing.
    let moved = editor.set("part", "transform", "translate(240 0)");
    assert_eq!(values(&moved), [("gap.measure", Some(130.0)), ("hall.clear", Some(12.5))]);
    assert_eq!(editor.attribute("other", "class").as_deref(), Some("near"));
    assert_eq!(
        values(&editor.run(json!({ "operation": "move", "element_id": "other", "dx": 5 }))),
        []
    );
    // A constraint moves it: one operation, from the variable to the condition.
    let grown = editor.run(variable("each", "30"));
    let names: Vec<&str> = values(&grown).iter().map(|(name, _)| *name).collect();
    for name in
        ["grid.each", "width.value", "height.value", "hall.share", "gap.measure", "hall.area"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(frame(&editor), ("130".into(), "65".into()));
}

#[test]
fn a_drag_measures_with_every_tick_and_triggers_hear_of_it() {
    let editor = Editor::load(DRAWING);
    let at = |x: f64| json!({ "x": x, "y": 20 });
    editor
        .run(json!({ "operation": "drag_start", "element_id": "door", "coordinates": at(310.0) }));
    for (x, gap) in [(320.0, 200.0), (350.0, 230.0), (360.0, 240.0)] {
        let tick = editor.run(json!({
            "operation": "drag_move", "coordinates": at(x), "snap": false }));
        assert_eq!(values(&tick)[0], ("gap.measure", Some(gap)));
        assert_eq!(editor.attribute("other", "class"), None);
    }
    editor.run(json!({ "operation": "drag_end", "coordinates": at(400.0), "snap": false }));
    assert_eq!(editor.attribute("other", "class").as_deref(), Some("far"));
    let before = editor.run(undo());
    assert_eq!(before.state.undo_depth, 0);
    assert_eq!(editor.attribute("other", "class"), None);
}

#[test]
fn names_follow_and_what_is_read_is_not_deleted() {
    let editor = Editor::load(DRAWING);
    let rename = |id: &str, new: &str| {
        editor.set(id, "id", new);
    };
    let before = text(&editor);
    rename("bay", "bay-1");
    assert_eq!(
        editor.attribute("width", "formula").as_deref(),
        Some("grid.bays * grid.each + 'bay-1'.value")
    );
    assert_eq!(editor.attribute("b", "drives").as_deref(), Some("bay-1"));
    rename("gap", "way");
    rename("door", "gate");
    assert_eq!(editor.attribute("way", "of").as_deref(), Some("frame.right gate.left"));
    rename("grid", "raster");
    editor.run(json!({ "operation": "set_dimension", "element_id": "b", "value": "60" }));
    assert_eq!(frame(&editor), ("120".into(), "60".into()));
    for _ in 0..5 {
        editor.run(undo());
    }
    assert_eq!(text(&editor), before);
    for (id, word) in
        [("bay", "bay by formula of width"), ("gap", "gap by formula"), ("count", "grid")]
    {
        let refused = editor.refused(json!({ "operation": "delete", "element_id": id }));
        assert!(refused.contains(word), "{id}: {refused}");
        let refused = editor.refused(json!({
            "operation": "delete", "element_id": id, "references": "remove" }));
        assert!(!refused.is_empty(), "{id}");
    }
    // A dimension that loses its parts is one that formulas read.
    assert!(
        !editor
            .refused(json!({ "operation": "delete", "element_id": "door", "references": "remove" }))
            .is_empty()
    );
}

#[test]
fn a_list_of_edits_does_as_a_session_does() {
    let edits =
        json!([variable("bays", "5"), { "operation": "move", "element_id": "door", "dx": 200 }]);
    let operations: Vec<Operation> = serde_json::from_value(edits.clone()).unwrap();
    let done = edit(DRAWING, &operations, Arc::new(Limits::default()), &budget()).unwrap();
    let editor = Editor::load(DRAWING);
    for operation in edits.as_array().unwrap() {
        editor.run(operation.clone());
    }
    assert_eq!(done.content, text(&editor));
    assert!(done.content.contains(r#"width="140""#) && done.content.contains(r#"class="far""#));
}

/// What a solve of a drawing from scratch would still move.
fn unsolved(content: &str) -> Vec<String> {
    let limits = Limits::default();
    let document = parse(content, &limits).unwrap();
    let scene = Scene::build(&document, &limits, &budget()).unwrap();
    let sketch = Sketch::read(&document, &scene, &limits).unwrap();
    let mut solver = sketch.solver(&limits).unwrap();
    let solution = constraint::solve(&mut solver, Options::default(), &budget()).unwrap();
    let edits = sketch.edits(&document, &solution.entities, Tier::Edit);
    let all = edits.iter().map(|e| format!("{:?} {} {}", document.id(e.node), e.name, e.value));
    all.chain(solution.unsatisfied.iter().map(|v| v.constraint.clone())).collect()
}

fn any_edit() -> impl Strategy<Value = Value> {
    let place = || (-60_i32..60).prop_map(|n| n * 5);
    prop_oneof![
        (0_u32..9).prop_map(|n| variable("bays", &n.to_string())),
        (1_u32..40).prop_map(|n| variable("each", &n.to_string())),
        (1_u32..90).prop_map(|n| dimension(&format!("{n} mm"))),
        (place(), place()).prop_map(|(dx, dy)| json!({
            "operation": "move", "element_id": "door", "dx": dx, "dy": dy })),
        (place(), place()).prop_map(|(dx, dy)| json!({
            "operation": "move", "element_id": "lean", "dx": dx, "dy": dy })),
        place().prop_map(|x| json!({
            "operation": "set_attribute", "element_id": "part", "name": "transform",
            "value": format!("translate({x} 0)") })),
        (1_u32..30).prop_map(|n| json!({
            "operation": "set_property", "element_id": "hall", "name": "slack",
            "value": n.to_string(), "unit": "mm" })),
        (2_u32..5).prop_map(|n| json!({
            "operation": "set_attribute", "element_id": "height", "name": "formula",
            "value": format!("width / {n} + 1 mm") })),
        (place(), place(), any::<bool>()).prop_map(|(x, y, snap)| json!([
            { "operation": "drag_start", "element_id": "door", "coordinates": { "x": 0, "y": 0 } },
            { "operation": "drag_move", "coordinates": { "x": x, "y": y }, "snap": snap },
            { "operation": "drag_move", "coordinates": { "x": y, "y": x }, "snap": snap },
            { "operation": "drag_end", "coordinates": { "x": x, "y": x }, "snap": snap },
        ])),
        place().prop_map(|x| json!({
            "operation": "set_attribute", "element_id": "frame", "name": "x",
            "value": x.to_string() })),
        Just(json!({ "operation": "delete", "element_id": "lean", "references": "remove" })),
        Just(json!({ "operation": "set_attribute", "element_id": "gap", "name": "of",
            "value": "frame.left door.left" })),
        Just(json!({ "operation": "group", "element_ids": ["door", "other"], "group_id": "both" })),
        Just(json!({ "operation": "ungroup", "element_id": "both" })),
        Just(json!({ "operation": "duplicate", "element_id": "door", "dx": 5 })),
        Just(undo()),
        Just(undo()),
        Just(json!({ "operation": "redo" })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_followed_edit_by_edit_is_what_is_made_from_scratch(
        edits in prop::collection::vec(any_edit(), 1..14),
    ) {
        let editor = Editor::load(DRAWING);
        let edits = edits.iter().flat_map(|e| e.as_array().cloned().unwrap_or(vec![e.clone()]));
        for value in edits {
            let operation: Operation = serde_json::from_value(value.clone()).unwrap();
            let held = matches!(operation, Operation::DragStart(_) | Operation::DragMove(_));
            let before = text(&editor);
            // What is refused leaves every byte.
            if editor.sessions.apply(&editor.key, &operation, &budget()).is_err() {
                prop_assert_eq!(text(&editor), before);
                continue;
            }
            let exported = text(&editor);
            if held {
                // What is told in between would be a step of its own.
                continue;
            }
            prop_assert_eq!(unsolved(&exported), Vec::<String>::new(), "{}", value);
            let fresh = Editor::load(&exported);
            let told = editor.fire("tell");
            fresh.fire("tell");
            prop_assert_eq!(text(&editor), text(&fresh), "{}", value);
            if !told.result.attributes_changed.is_empty() {
                editor.run(undo());
                prop_assert_eq!(text(&editor), exported, "{}", value);
            }
        }
    }
}

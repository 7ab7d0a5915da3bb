//! What a session does, operation by operation.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::record::Record;
use super::{Error, Operation, Outcome, Session, SnapKind};
use svgx_base::budget::{Budget, Class, Tier, Time};
use svgx_engine::document::Limits;

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 1000 1000">
  <rect id="desk" x="10" y="10" width="20" height="10"/>
  <circle id="lamp" cx="100" cy="100" r="5"/>
  <line id="wire" x1="200" y1="200" x2="230" y2="200"/>
  <polygon id="roof" points="300,300 320,300 310,290"/>
  <path id="pipe" d="M400 400 L420 400 L420 410"/>
  <g id="turned" transform="translate(500 500) rotate(90)"><rect id="shelf" x="0" y="0" width="10" height="4"/></g>
  <g id="doubled" transform="scale(2)"><circle id="dot" cx="300" cy="350" r="2"/></g>
  <rect id="wide" x="10%" y="600" width="20" height="10"/>
  <rect x="700" y="700" width="20" height="10"/>
  <arx:object id="pump" type="mechanical.pump"><arx:geometry x="100mm" y="0.9m" z="0" width="50mm" height="50mm"/></arx:object>
</svg>"#;

pub(super) fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn open() -> Session {
    Session::new(DRAWING, Arc::new(Limits::default()), &budget()).unwrap()
}

pub(super) fn operation(value: Value) -> Operation {
    serde_json::from_value(value).unwrap()
}

fn apply(session: &mut Session, value: Value) -> Outcome {
    session.apply(&operation(value), Time(0), &budget()).unwrap().0
}

fn refused(session: &mut Session, value: Value) -> Error {
    let before = contents(session);
    let state = session.state();
    let error = session.apply(&operation(value), Time(0), &budget()).unwrap_err();
    assert_eq!(contents(session), before);
    assert_eq!(session.state(), state);
    error
}

fn drag(session: &mut Session, id: &str, by: (f64, f64), snap: Value) -> Outcome {
    apply(
        session,
        json!({"operation": "drag_start", "element_id": id, "coordinates": {"x": 0.0, "y": 0.0}}),
    );
    apply(
        session,
        json!({"operation": "drag_end", "coordinates": {"x": by.0, "y": by.1}, "snap": snap}),
    )
}

/// Every attribute of every element, sorted: what "the same document" means.
pub(super) fn contents(session: &Session) -> Vec<Vec<String>> {
    let d = session.document();
    d.elements()
        .map(|n| {
            let mut all: Vec<_> = d
                .attributes(n)
                .iter()
                .map(|a| format!("{:?} {}={}", a.ns, a.name, a.value))
                .collect();
            all.sort();
            all
        })
        .collect()
}

fn attribute(session: &Session, id: &str, name: &str) -> Option<String> {
    let d = session.document();
    d.attr(d.by_id(id).unwrap(), name).map(str::to_owned)
}

#[test]
fn a_click_replaces_the_selection_and_ctrl_or_meta_adds_to_it() {
    let mut s = open();
    let cases = [
        (json!({"operation": "click", "coordinates": {"x": 15, "y": 15}}), vec!["desk"]),
        (json!({"operation": "click", "element_id": "lamp"}), vec!["lamp"]),
        (
            json!({"operation": "click", "element_id": "wire", "modifiers": {"ctrl": true}}),
            vec!["lamp", "wire"],
        ),
        (
            json!({"operation": "select", "element_id": "desk", "modifiers": {"meta": true}}),
            vec!["lamp", "wire", "desk"],
        ),
        (json!({"operation": "deselect", "element_id": "lamp"}), vec!["wire", "desk"]),
        (json!({"operation": "select", "coordinates": {"x": 705, "y": 705}}), vec!["@11"]),
        (json!({"operation": "click", "element_id": "@1"}), vec!["desk"]),
        (json!({"operation": "click", "coordinates": {"x": 999, "y": 1}}), vec![]),
    ];
    for (op, selected) in cases {
        let outcome = apply(&mut s, op.clone());
        assert_eq!(outcome.state.selected_elements, selected, "{op}");
    }
    apply(&mut s, json!({"operation": "select", "element_id": "desk"}));
    assert!(apply(&mut s, json!({"operation": "deselect"})).state.selected_elements.is_empty());
}

#[test]
fn a_hover_says_what_the_pointer_is_over() {
    let mut s = open();
    let over = apply(&mut s, json!({"operation": "hover", "coordinates": {"x": 101, "y": 100}}));
    assert_eq!(over.state.hovered_element.as_deref(), Some("lamp"));
    let off = apply(&mut s, json!({"operation": "hover", "coordinates": {"x": 999, "y": 1}}));
    assert_eq!(off.state.hovered_element, None);
    assert_eq!(s.sequence(), 0, "hovering is not worth a record");
}

#[test]
fn a_drag_moves_each_kind_of_element_by_its_own_attributes() {
    type Case = (&'static str, (f64, f64), &'static [(&'static str, &'static str)]);
    let cases: &[Case] = &[
        ("desk", (5.0, -3.0), &[("x", "15"), ("y", "7")]),
        ("lamp", (1.5, 2.25), &[("cx", "101.5"), ("cy", "102.25")]),
        ("wire", (10.0, 1.0), &[("x1", "210"), ("y1", "201"), ("x2", "240"), ("y2", "201")]),
        ("roof", (1.0, 2.0), &[("points", "301,302 321,302 311,292")]),
        ("pipe", (3.0, 4.0), &[("transform", "translate(3 4)")]),
        ("turned", (3.0, 4.0), &[("transform", "translate(503 504) rotate(90)")]),
        ("shelf", (3.0, 4.0), &[("x", "4"), ("y", "-3")]),
        ("dot", (3.0, 4.0), &[("cx", "301.5"), ("cy", "352")]),
        ("wide", (1.0, 1.0), &[("x", "10%"), ("transform", "translate(1 1)")]),
    ];
    for (id, by, expected) in cases {
        let mut s = open();
        let outcome = drag(&mut s, id, *by, json!(false));
        for (name, value) in *expected {
            assert_eq!(attribute(&s, id, name).as_deref(), Some(*value), "{id} {name}");
        }
        assert!(!outcome.result.attributes_changed.is_empty());
        assert_eq!(outcome.result.is_dragging, Some(false));
        assert_eq!(outcome.state.undo_depth, 1, "a drag is one step");
        apply(&mut s, json!({"operation": "undo"}));
        assert_eq!(contents(&s), contents(&open()), "{id}");
    }
}

#[test]
fn a_building_object_moves_in_the_units_it_was_written_in() {
    let mut s = open();
    apply(
        &mut s,
        json!({"operation": "drag_start", "element_id": "pump", "coordinates": {"x": 0, "y": 0, "z": 0}}),
    );
    let to = json!({"x": 12, "y": 34, "z": 2500});
    let outcome = apply(&mut s, json!({"operation": "drag_move", "coordinates": to}));
    let changed: Vec<_> = outcome
        .result
        .attributes_changed
        .iter()
        .map(|c| (c.name.as_str(), c.new_value.as_deref().unwrap()))
        .collect();
    assert_eq!(changed, [("x", "112mm"), ("y", "0.934m"), ("z", "2500")]);
}

#[test]
fn a_drag_back_to_where_it_began_restores_what_was_written() {
    let mut s = open();
    apply(
        &mut s,
        json!({"operation": "drag_start", "element_id": "roof", "coordinates": {"x": 0, "y": 0}}),
    );
    apply(&mut s, json!({"operation": "drag_move", "coordinates": {"x": 7, "y": 7}}));
    apply(&mut s, json!({"operation": "drag_end", "coordinates": {"x": 0.2, "y": 0.2}}));
    assert_eq!(contents(&s), contents(&open()));
}

#[test]
fn snapping_does_what_was_asked() {
    let cases = [
        // The 1 mm grid of the old service is the default.
        (json!(true), (5.4, -3.6), ("15", "6")),
        (json!(null), (5.4, -3.6), ("15", "6")),
        (json!(false), (5.4, -3.6), ("15.4", "6.4")),
        (json!({"grid": 5}), (5.4, -3.6), ("15", "5")),
        (json!({"grid": 0}), (5.4, -3.6), ("15.4", "6.4")),
        (json!({"grid": 0, "angle": 90}), (5.4, -3.6), ("15.4", "10")),
        (json!({"grid": 1, "angle": 45}), (10.0, 9.0), ("19.192", "19.192")),
        // The desk's right lower corner (30, 20) comes near the lamp's left end (95, 100).
        (json!({"endpoint": true, "tolerance": 3}), (64.0, 79.0), ("75", "90")),
        (json!({"center": true, "tolerance": 4}), (69.0, 82.0), ("80", "90")),
        (json!({"endpoint": true, "tolerance": 0.5}), (64.4, 79.4), ("74", "89")),
    ];
    for (snap, by, (x, y)) in cases {
        let mut s = open();
        let snap = if snap.is_null() { json!(true) } else { snap };
        let outcome = drag(&mut s, "desk", by, snap.clone());
        let at = (attribute(&s, "desk", "x").unwrap(), attribute(&s, "desk", "y").unwrap());
        assert_eq!(
            (at.0.as_str(), at.1.as_str()),
            (x, y),
            "{snap} {:?}",
            outcome.result.snapped_to
        );
    }
}

/// The end of a long line, dragged near outlines; the kind that was met, and where the end lies then.
#[test]
fn an_end_snaps_to_outlines_and_says_to_what() {
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" width="400mm" height="400mm" viewBox="0 0 400 400">
        <line id="pen" x1="10" y1="0" x2="10" y2="-1000" stroke="black"/>
        <line id="level" x1="0" y1="50" x2="100" y2="50" stroke="black"/>
        <line id="upright" x1="50" y1="0" x2="50" y2="100" stroke="black"/>
        <circle id="round" cx="200" cy="50" r="20" stroke="black" fill="none"/></svg>"#;
    let all = json!({"grid": 0, "endpoint": true, "midpoint": true, "center": true, "intersection": true,
        "quadrant": true, "perpendicular": true, "tangent": true, "nearest": true, "tolerance": 3});
    let only = |kind: &str| json!({"grid": 0, "tolerance": 3, kind: true});
    // Where the line from (10, 0) touches the circle.
    let (x, y) = (192.96766, 68.72288);
    for (snap, near, kind, at) in [
        (only("intersection"), (49.0, 51.5), Some(SnapKind::Intersection), (50.0, 50.0)),
        (only("quadrant"), (181.0, 51.0), Some(SnapKind::Quadrant), (180.0, 50.0)),
        (only("perpendicular"), (11.5, 49.0), Some(SnapKind::Perpendicular), (10.0, 50.0)),
        (only("tangent"), (x, y + 1.0), Some(SnapKind::Tangent), (x, y)),
        (only("nearest"), (33.0, 51.5), Some(SnapKind::Nearest), (33.0, 50.0)),
        (only("nearest"), (33.0, 54.0), None, (33.0, 54.0)),
        // A point of its own is met before the nearest one, which is always nearer.
        (all.clone(), (98.5, 51.0), Some(SnapKind::Endpoint), (100.0, 50.0)),
        (all, (75.0, 49.0), Some(SnapKind::Nearest), (75.0, 50.0)),
    ] {
        let mut s = Session::new(drawing, Arc::new(Limits::default()), &budget()).unwrap();
        let outcome = drag(&mut s, "pen", (near.0 - 10.0, near.1), snap.clone());
        assert_eq!(outcome.result.snapped_to, kind, "{snap}");
        let end =
            ["x1", "y1"].map(|name| attribute(&s, "pen", name).unwrap().parse::<f64>().unwrap());
        let off = (end[0] - at.0).hypot(end[1] - at.1);
        assert!(off < 1e-3, "{snap}: {end:?}, not {at:?}");
    }
}

#[test]
fn keys_change_how_a_drag_snaps() {
    for (keys, expected) in
        [(json!({"alt": true}), ("15.4", "10.3")), (json!({"shift": true}), ("15", "10"))]
    {
        let mut s = open();
        apply(
            &mut s,
            json!({"operation": "drag_start", "element_id": "desk", "coordinates": {"x": 0, "y": 0}}),
        );
        apply(
            &mut s,
            json!({"operation": "drag_end", "coordinates": {"x": 5.4, "y": 0.3}, "modifiers": keys}),
        );
        let at = (attribute(&s, "desk", "x").unwrap(), attribute(&s, "desk", "y").unwrap());
        assert_eq!((at.0.as_str(), at.1.as_str()), expected);
    }
}

#[test]
fn the_precision_rounds_what_a_drag_writes() {
    for (level, x) in [("ui", "20.1"), ("edit", "20.12"), ("compute", "20.123")] {
        let mut s = open();
        apply(&mut s, json!({"operation": "set_precision", "level": level}));
        drag(&mut s, "desk", (10.1234, 0.0), json!(false));
        assert_eq!(attribute(&s, "desk", "x").as_deref(), Some(x), "{level}");
    }
}

#[test]
fn a_hit_test_after_a_drag_finds_the_element_where_it_went() {
    let mut s = open();
    drag(&mut s, "turned", (-400.0, -400.0), json!(false));
    let found = apply(&mut s, json!({"operation": "click", "coordinates": {"x": 98, "y": 105}}));
    assert_eq!(found.result.element_id.as_deref(), Some("shelf"));
}

#[test]
fn a_drag_without_hold_is_no_error() {
    let mut s = open();
    for name in ["drag_move", "drag_end"] {
        let outcome = apply(&mut s, json!({"operation": name, "coordinates": {"x": 1, "y": 1}}));
        assert_eq!(outcome.result.is_dragging, Some(false));
    }
    let outcome =
        apply(&mut s, json!({"operation": "drag_start", "coordinates": {"x": 999, "y": 1}}));
    assert_eq!(outcome.result.is_dragging, Some(false));
}

#[test]
fn what_cannot_be_done_is_refused_by_name_and_changes_nothing() {
    let mut s = open();
    apply(
        &mut s,
        json!({"operation": "drag_start", "element_id": "desk", "coordinates": {"x": 0, "y": 0}}),
    );
    let long = "x".repeat(2 * 1024 * 1024);
    let cases = [
        (json!({"operation": "click", "element_id": "nobody"}), "unknown-element"),
        (json!({"operation": "click", "element_id": "@99"}), "unknown-element"),
        (json!({"operation": "click"}), "missing-target"),
        (json!({"operation": "drag_start"}), "missing-target"),
        (json!({"operation": "drag_start", "element_id": "@0"}), "not-movable"),
        (json!({"operation": "drag_move", "coordinates": {"x": 1e300, "y": 0}}), "bad-number"),
        (
            json!({"operation": "drag_move", "coordinates": {"x": 1, "y": 0}, "snap": {"grid": -1}}),
            "bad-number",
        ),
        (
            json!({"operation": "set_attribute", "element_id": "desk", "name": "a b", "value": ""}),
            "bad-attribute",
        ),
        (
            json!({"operation": "set_attribute", "element_id": "desk", "name": "no:x", "value": ""}),
            "bad-attribute",
        ),
        (
            json!({"operation": "set_attribute", "element_id": "desk", "name": "id", "value": "lamp"}),
            "bad-attribute",
        ),
        (
            json!({"operation": "set_attribute", "element_id": "desk", "name": "x", "value": "\u{0}"}),
            "bad-attribute",
        ),
        (
            json!({"operation": "set_attribute", "element_id": "desk", "name": "x", "value": long}),
            "limit-session",
        ),
        (
            json!({"operation": "add_constraint", "constraint": {"type": "distance", "elements": ["no"]}}),
            "unknown-element",
        ),
    ];
    for (op, code) in cases {
        assert_eq!(refused(&mut s, op).code(), code);
    }
}

#[test]
fn every_operation_reads_back_from_its_own_json() {
    // The refusal of a name that is none lists those that are.
    let refusal = serde_json::from_value::<Operation>(json!({"operation": "explode"})).unwrap_err();
    let refusal = refusal.to_string();
    let names: Vec<&str> = refusal.split('`').skip(3).step_by(2).collect();
    assert!(names.len() > 10, "{refusal}");
    let pointer = json!({"element_id": "desk", "coordinates": {"x": 1.5, "y": 2.0}});
    let table = include_str!("../../docs/sessions.md");
    for name in names {
        assert!(table.contains(&format!("`{name}`")), "docs/sessions.md says nothing of {name}");
        let mut value = match name {
            "set_attribute" => json!({"element_id": "desk", "name": "x", "value": "1"}),
            "load" => json!({"content": "<svg/>"}),
            "set_precision" => json!({"level": "edit"}),
            "add_constraint" | "remove_constraint" => {
                json!({"constraint": {"type": "horizontal", "elements": ["desk"]}})
            }
            "fire" => json!({"name": "motion_detected"}),
            "add" => json!({"markup": "<rect/>", "before_id": "desk"}),
            "trim" | "extend" | "split" => {
                json!({"element_id": "desk", "at": {"x": 1.5, "y": 2.0}})
            }
            "fillet" => json!({"element_id": "desk", "vertex": 2, "radius": "5 mm"}),
            "chamfer" => json!({"element_id": "desk", "length": 5.0, "length_2": "1 cm"}),
            "offset" => json!({"element_id": "desk", "distance": -5.0, "join": "miter"}),
            "mirror" => json!({"axis": [{"x": 1.5, "y": 2.0}, {"x": 1.5, "y": 9.0}], "copy": true}),
            "array" => json!({"element_id": "desk", "count": 6, "center": {"x": 1.5, "y": 2.0}}),
            "join" => json!({"element_ids": ["desk", "wire"], "tolerance": 1.0}),
            "combine" => json!({"element_ids": ["desk", "lamp"], "result": "union"}),
            "reparent" => json!({"element_ids": ["desk"], "parent_id": "turned"}),
            "rotate" => json!({"element_id": "desk", "angle": 30.0}),
            "scale" => json!({"factor": 2.0, "center": {"x": 1.0, "y": 2.0}}),
            "set_text" => json!({"element_id": "desk", "text": "t"}),
            "set_dimension" => json!({"element_id": "width", "value": "900 mm"}),
            "set_style" | "set_property" | "set_variable" => {
                json!({"element_id": "desk", "name": "fill", "value": "red"})
            }
            "link" | "unlink" => json!({"relation": "object", "element_id": "desk"}),
            _ => pointer.clone(),
        };
        value["operation"] = json!(name);
        let read = operation(value);
        assert_eq!(read.name(), name);
        assert_eq!(operation(serde_json::to_value(&read).unwrap()), read);
    }
}

#[test]
fn constraints_are_kept_once_until_taken_away() {
    let mut s = open();
    let c = json!({"type": "distance", "elements": ["desk", "lamp"], "value": 25.0});
    for _ in 0..2 {
        let outcome = apply(&mut s, json!({"operation": "add_constraint", "constraint": c}));
        assert_eq!(outcome.state.constraints.len(), 1);
    }
    let outcome = apply(&mut s, json!({"operation": "remove_constraint", "constraint": c}));
    assert!(outcome.state.constraints.is_empty());
}

#[test]
fn the_undo_log_forgets_its_oldest_steps_after_a_hundred() {
    let mut s = open();
    for i in 0..130 {
        apply(
            &mut s,
            json!({"operation": "set_attribute", "element_id": "desk", "name": "x", "value": format!("{i}")}),
        );
    }
    assert_eq!(s.state().undo_depth, super::UNDO_STEPS);
    for _ in 0..130 {
        apply(&mut s, json!({"operation": "undo"}));
    }
    assert_eq!(attribute(&s, "desk", "x").as_deref(), Some("29"));
    assert_eq!(s.state().redo_depth, super::UNDO_STEPS);
}

#[test]
fn a_new_edit_forgets_what_was_undone() {
    let mut s = open();
    drag(&mut s, "desk", (1.0, 0.0), json!(true));
    apply(&mut s, json!({"operation": "undo"}));
    drag(&mut s, "lamp", (1.0, 0.0), json!(true));
    assert_eq!(s.state().redo_depth, 0);
    let nothing = apply(&mut s, json!({"operation": "redo"}));
    assert!(nothing.result.attributes_changed.is_empty());
}

/// Any operation on the drawing, sensible or not.
fn any_operation() -> impl Strategy<Value = Value> {
    let ids = [
        "desk", "lamp", "wire", "roof", "pipe", "turned", "shelf", "dot", "wide", "pump", "@11",
        "nobody",
    ];
    let id = prop::sample::select(ids.to_vec());
    let name =
        prop::sample::select(vec!["x", "y", "fill", "transform", "points", "arx:room", "cx"]);
    let at = (-50.0..1050.0f64, -50.0..1050.0f64);
    let snap = prop::sample::select(vec![
        json!(true),
        json!(false),
        json!({"grid": 2.5}),
        json!({"endpoint": true, "midpoint": true, "center": true}),
        json!({"intersection": true, "perpendicular": true, "tangent": true, "nearest": true}),
        json!({"angle": 30.0}),
    ]);
    (0..12u8, id, name, at, snap).prop_map(|(kind, id, name, (x, y), snap)| {
        let at = json!({"x": x, "y": y});
        match kind {
            0 => json!({"operation": "click", "coordinates": at}),
            1 => json!({"operation": "select", "element_id": id, "modifiers": {"ctrl": x > 500.0}}),
            2 | 3 => json!({"operation": "drag_start", "element_id": id, "coordinates": at}),
            4 | 5 => json!({"operation": "drag_move", "coordinates": at, "snap": snap}),
            6 => json!({"operation": "drag_end", "coordinates": at, "snap": snap}),
            7 => json!({"operation": "undo"}),
            8 => json!({"operation": "redo"}),
            9 => json!({"operation": "set_attribute", "element_id": id, "name": name, "value": format!("{x}")}),
            10 => json!({"operation": "set_attribute", "element_id": id, "name": name}),
            _ => json!({"operation": "set_precision", "level": if x > 500.0 { "ui" } else { "edit" }}),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn undoing_everything_restores_the_document_and_redoing_everything_the_result(
        operations in prop::collection::vec(any_operation(), 1..60)
    ) {
        let mut s = open();
        let original = contents(&s);
        for op in operations {
            let _ = s.apply(&operation(op), Time(0), &budget());
        }
        while s.state().redo_depth > 0 {
            apply(&mut s, json!({"operation": "redo"}));
        }
        let result = contents(&s);
        while s.state().undo_depth > 0 {
            apply(&mut s, json!({"operation": "undo"}));
        }
        prop_assert_eq!(contents(&s), original);
        while s.state().redo_depth > 0 {
            apply(&mut s, json!({"operation": "redo"}));
        }
        prop_assert_eq!(contents(&s), result);
    }

    #[test]
    fn replaying_the_records_gives_the_same_session_from_any_snapshot(
        operations in prop::collection::vec(any_operation(), 1..60), cut in 0..60usize
    ) {
        let mut s = open();
        let mut records: Vec<Record> = Vec::new();
        let mut from = (s.snapshot(), 0);
        for (i, op) in operations.into_iter().enumerate() {
            if i == cut {
                from = (s.snapshot(), records.len());
            }
            if let Ok((_, Some(record))) = s.apply(&operation(op), Time(i as u64), &budget()) {
                records.push(record);
            }
        }
        let stored = serde_json::to_vec(&from.0).unwrap();
        let mut other = open();
        other.restore(serde_json::from_slice(&stored).unwrap(), from.1 as u64).unwrap();
        for record in &records[from.1..] {
            let stored = serde_json::to_vec(record).unwrap();
            other.replay(&serde_json::from_slice(&stored).unwrap()).unwrap();
        }
        prop_assert_eq!(contents(&other), contents(&s));
        prop_assert_eq!(other.snapshot(), s.snapshot());
        let mut expected = s.state();
        expected.hovered_element = None;
        prop_assert_eq!(other.state(), expected);
    }
}

#[test]
fn what_a_style_has_moved_follows_the_pointer() {
    let cases = [
        (
            r#"<rect id="a" width="10" height="10" style="transform: translate(50px, 50px) scale(2)"/>"#,
            ("x", "5"),
        ),
        (
            r#"<style>#a{transform:rotate(90deg)}</style><rect id="a" width="10" height="10"/>"#,
            ("x", "4"),
        ),
        (
            r#"<g id="a" style="fill: red; transform: translate(50px, 50px) scale(2)"><rect width="10" height="10"/></g>"#,
            ("style", "fill: red;transform:matrix(2, 0, 0, 2, 60, 54);transform-origin:0 0"),
        ),
        (
            r#"<style>g{transform:translate(5px)}</style><g id="a" transform="scale(9)"><rect width="10" height="10"/></g>"#,
            ("style", "transform:matrix(1, 0, 0, 1, 15, 4);transform-origin:0 0"),
        ),
        (r#"<g style="transform: scale(2)"><rect id="a" width="10" height="10"/></g>"#, ("x", "5")),
        (
            r#"<g id="a" transform="scale(2)" transform-origin="5 5"><rect width="10" height="10"/></g>"#,
            ("transform", "translate(10 4) scale(2)"),
        ),
    ];
    for (body, (name, value)) in cases {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{body}</svg>"#
        );
        let mut session = Session::new(&source, Arc::new(Limits::default()), &budget()).unwrap();
        let bounds = |session: &Session| {
            session.scene().bounds(session.document().by_id("a").unwrap()).unwrap()
        };
        let before = bounds(&session);
        drag(&mut session, "a", (10.0, 4.0), json!(false));
        assert_eq!(attribute(&session, "a", name).as_deref(), Some(value), "{body}");
        let moved = bounds(&session).origin() - before.origin();
        assert!((moved - kurbo::Vec2::new(10.0, 4.0)).hypot() < 1e-9, "{body}: {moved:?}");
    }
}

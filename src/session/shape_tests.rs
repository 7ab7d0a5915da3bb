//! Edits of shapes: what each draws, what it refuses, and what becomes of those that refer to parts.

use serde_json::{Value, json};

use super::structure_tests::{apply, open_text, text};
use super::{Error, Outcome, Session};

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 1000 1000">
  <rect id="plate" x="100" y="100" width="100" height="50" fill="red"/>
  <line id="base" x1="0" y1="300" x2="100" y2="300" stroke="black"/>
  <line id="post" x1="60" y1="280" x2="60" y2="320" stroke="black"/>
  <line id="wall" x1="150" y1="280" x2="150" y2="320" stroke="black"/>
  <circle id="hole" cx="200" cy="125" r="10"/>
  <polyline id="bent" points="300,100 400,100 400,200" fill="none"/>
  <path id="wave" d="M300 300 C320 280 340 280 360 300" fill="none"/>
  <g id="turned" transform="translate(500 500) rotate(90) scale(2)"><rect id="shelf" width="10" height="4"/></g>
  <g id="flat" transform="scale(2 1)"><circle id="egg" cx="100" cy="700" r="20"/></g>
  <text id="note" x="5" y="90">Hi</text>
  <arx:constraints><arx:constraint id="level" type="horizontal" of="base"/><arx:constraint id="edge" type="vertical" of="plate.left"/><arx:constraint id="tip" type="coincident" of="bent.2 wall.start"/></arx:constraints>
</svg>"##;

fn open() -> Session {
    open_text(DRAWING)
}

/// Does it, and looks that one step takes it back and makes it again.
fn done(session: &mut Session, value: Value) -> Outcome {
    let before = text(session);
    let outcome = apply(session, value.clone()).unwrap_or_else(|e| panic!("{value}: {e}"));
    let after = text(session);
    assert_ne!(after, before, "{value}");
    apply(session, json!({"operation": "undo"})).unwrap();
    assert_eq!(text(session), before, "{value}");
    apply(session, json!({"operation": "redo"})).unwrap();
    assert_eq!(text(session), after, "{value}");
    outcome
}

fn at(x: f64, y: f64) -> Value {
    json!({"x": x, "y": y})
}

#[test]
fn every_edit_of_a_shape_writes_the_plainest_element_that_draws_it() {
    let mut missing = Vec::new();
    for (value, pieces) in [
        (
            json!({"operation": "trim", "element_id": "base", "at": at(90.0, 300.0), "by": ["post"]}),
            vec![r#"<line id="base" x1="0" y1="300" x2="60" y2="300" stroke="black"/>"#],
        ),
        // Without a word of who cuts, whatever crosses does.
        (
            json!({"operation": "trim", "element_id": "base", "at": at(10.0, 300.0)}),
            vec![r#"<line id="base" x1="60" y1="300" x2="100" y2="300""#],
        ),
        (
            json!({"operation": "trim", "element_id": "hole", "at": at(190.0, 125.0), "by": ["plate"]}),
            vec![r#"<path id="hole" d="M200 115 A10 10 0 0 1 200 135"/>"#],
        ),
        (
            json!({"operation": "extend", "element_id": "base", "at": at(99.0, 300.0)}),
            vec![r#"x1="0" y1="300" x2="150" y2="300""#],
        ),
        (
            json!({"operation": "fillet", "element_id": "bent", "vertex": 2, "radius": "1 cm", "references": "remove"}),
            vec![
                r#"<path id="bent" d="M300 100 L390 100 A10 10 0 0 1 400 110 L400 200" fill="none"/>"#,
            ],
        ),
        // Arcs that take all of a side.
        (
            json!({"operation": "fillet", "element_id": "plate", "radius": 25, "references": "remove"}),
            vec![
                r#"<path id="plate" d="M100 125 A25 25 0 0 1 125 100 L175 100 A25 25 0 0 1 200 125 A25 25 0 0 1 175 150 L125 150 A25 25 0 0 1 100 125 Z" fill="red"/>"#,
            ],
        ),
        (
            json!({"operation": "fillet", "element_id": "shelf", "radius": 2}),
            vec![
                r#"<path id="shelf" d="M0 1 A1 1 0 0 1 1 0 L9 0 A1 1 0 0 1 10 1 L10 3 A1 1 0 0 1 9 4 L1 4 A1 1 0 0 1 0 3 Z"/>"#,
            ],
        ),
        (
            json!({"operation": "fillet", "element_ids": ["base", "wall"], "radius": 10, "at": at(100.0, 290.0)}),
            vec![
                r#"<line id="base" x1="0" y1="300" x2="140" y2="300" stroke="black"/>"#,
                r#"<line id="wall" x1="150" y1="280" x2="150" y2="290" stroke="black"/>"#,
                r#"<path id="base-2" d="M140 300 A10 10 0 0 0 150 290" stroke="black" fill="none"/>"#,
            ],
        ),
        (
            json!({"operation": "chamfer", "element_id": "plate", "at": at(201.0, 99.0), "length": 10, "length_2": 20}),
            vec![
                r#"<polygon id="plate" points="100,100 190,100 200,120 200,150 100,150" fill="red"/>"#,
            ],
        ),
        (
            json!({"operation": "offset", "element_id": "hole", "distance": "5mm"}),
            vec![
                r#"<circle id="hole" cx="200" cy="125" r="10"/>"#,
                r#"<circle id="hole-2" cx="200" cy="125" r="15"/>"#,
            ],
        ),
        // To the left of the way right and then down is outside.
        (
            json!({"operation": "offset", "element_id": "bent", "distance": 10, "join": "miter"}),
            vec![r#"<polyline id="bent-2" points="300,90 410,90 410,200" fill="none"/>"#],
        ),
        (
            json!({"operation": "offset", "element_id": "shelf", "distance": -2, "replace": true}),
            vec![r#"<polygon id="shelf" points="1,1 9,1 9,3 1,3"/>"#],
        ),
        (
            json!({"operation": "mirror", "element_ids": ["note", "hole"], "axis": [at(300.0, 0.0), at(300.0, 9.0)], "copy": true}),
            vec![
                r#"<circle id="hole-2" cx="200" cy="125" r="10" transform="matrix(-1 0 0 1 600 0)"/>"#,
                r#"id="note-2""#,
            ],
        ),
        (
            json!({"operation": "array", "element_id": "hole", "columns": 3, "rows": 2, "dx": 30, "dy": 40}),
            vec![
                r#"<circle id="hole-3" cx="260" cy="125" r="10"/>"#,
                r#"<circle id="hole-6" cx="260" cy="165" r="10"/>"#,
            ],
        ),
        (
            json!({"operation": "array", "element_id": "hole", "count": 4, "center": at(150.0, 125.0)}),
            vec![
                r#"<circle id="hole-3" cx="200" cy="125" r="10" transform="matrix(-1 0 0 -1 300 250)"/>"#,
            ],
        ),
        (
            json!({"operation": "array", "element_id": "hole", "count": 3, "along": "bent", "turn": false}),
            vec![
                r#"<circle id="hole-2" cx="300" cy="125" r="10"/>"#,
                r#"<circle id="hole-3" cx="300" cy="225" r="10"/>"#,
            ],
        ),
        (
            json!({"operation": "split", "element_id": "base", "at": at(40.0, 301.0)}),
            vec![
                r#"<line id="base" x1="0" y1="300" x2="40" y2="300""#,
                r#"<line id="base-2" x1="40" y1="300" x2="100" y2="300" stroke="black"/>"#,
            ],
        ),
        (
            json!({"operation": "split", "element_id": "base", "by": ["post"]}),
            vec![r#"<line id="base-2" x1="60""#],
        ),
        (
            json!({"operation": "combine", "element_ids": ["plate", "hole"], "result": "difference", "references": "remove"}),
            vec![
                r#"<path id="plate" d="M100 150 L100 100 L200 100 L200 115 A10 10 0 0 0 200 135 L200 150 Z" fill="red"/>"#,
            ],
        ),
        (
            json!({"operation": "combine", "element_ids": ["hole", "plate"], "result": "intersection", "keep": true}),
            vec![r#"<path id="hole" d="M200 115"#, r#"<rect id="plate""#],
        ),
    ] {
        let mut s = open();
        let outcome = done(&mut s, value.clone());
        let after = text(&s);
        for piece in pieces.into_iter().filter(|piece| !after.contains(piece)) {
            let id = value["element_id"].as_str().or(value["element_ids"][0].as_str()).unwrap();
            let lines: Vec<&str> = after.lines().filter(|line| line.contains(id)).collect();
            missing.push(format!("{value}\n{piece}\n{}", lines.join("\n")));
        }
        let edited = outcome.result.edited.unwrap();
        assert!(edited.error_mm <= 0.006, "{value}: {}", edited.error_mm);
        assert!(!edited.changed.is_empty() || !edited.created.is_empty(), "{value}");
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    for (value, code, words) in [
        (
            json!({"operation": "fillet", "element_id": "plate", "vertex": 1, "radius": 60, "references": "remove"}),
            "unsuitable",
            "the radius 60 mm does not fit at vertex 1: the shorter side is 50 mm, and at most 50 mm fit",
        ),
        (
            json!({"operation": "fillet", "element_id": "plate", "vertex": 5, "radius": 5}),
            "unsuitable",
            "it has no vertex 5; they are 1 to 4",
        ),
        (
            json!({"operation": "fillet", "element_id": "bent", "vertex": 1, "radius": 5}),
            "unsuitable",
            "an end of an open outline is no corner",
        ),
        (
            json!({"operation": "fillet", "element_id": "hole", "radius": 5}),
            "unsuitable",
            "no corner",
        ),
        (
            json!({"operation": "fillet", "element_id": "plate", "radius": "5 kg"}),
            "bad-operation",
            "radius",
        ),
        (
            json!({"operation": "fillet", "element_id": "plate", "radius": -5}),
            "unsuitable",
            "radius",
        ),
        (
            json!({"operation": "fillet", "element_id": "note", "radius": 5}),
            "unsuitable",
            "it is no shape",
        ),
        (json!({"operation": "fillet", "radius": 5}), "missing-target", ""),
        (
            json!({"operation": "trim", "element_id": "wave", "at": at(300.0, 300.0), "by": ["post"]}),
            "unsuitable",
            "nothing crosses",
        ),
        (
            json!({"operation": "extend", "element_id": "base", "at": at(0.0, 300.0)}),
            "unsuitable",
            "nothing lies ahead",
        ),
        (
            json!({"operation": "extend", "element_id": "plate", "at": at(0.0, 0.0)}),
            "unsuitable",
            "closed",
        ),
        (
            json!({"operation": "offset", "element_id": "hole", "distance": -10}),
            "unsuitable",
            "nothing is left",
        ),
        (
            json!({"operation": "mirror", "element_id": "hole", "axis": [at(1.0, 1.0)]}),
            "bad-operation",
            "two points",
        ),
        (json!({"operation": "array", "element_id": "hole", "count": 4}), "bad-operation", "array"),
        (
            json!({"operation": "array", "element_id": "hole", "columns": 1000000, "rows": 1000000, "dx": 1, "dy": 1}),
            "bad-operation",
            "copies",
        ),
        (
            json!({"operation": "join", "element_ids": ["base", "wall"], "references": "remove"}),
            "unsuitable",
            "the ends do not meet",
        ),
        (
            json!({"operation": "combine", "element_ids": ["bent", "plate"], "result": "union"}),
            "unsuitable",
            "encloses nothing",
        ),
        (
            json!({"operation": "combine", "element_ids": ["shelf", "hole"], "result": "intersection"}),
            "unsuitable",
            "nothing would be left",
        ),
        (json!({"operation": "split", "element_id": "base"}), "bad-operation", "where to split"),
        (
            json!({"operation": "trim", "element_id": "bas", "at": at(0.0, 0.0)}),
            "unknown-element",
            "base",
        ),
    ] {
        let error = apply(&mut open(), value.clone()).unwrap_err();
        assert_eq!(error.code(), code, "{value}: {error}");
        assert!(error.to_string().contains(words), "{value}: {error}");
    }
}

#[test]
fn names_of_parts_follow_an_edit_or_are_refused_with_it() {
    // The left side is where it was, under another name.
    let mut s = open();
    let value = json!({"operation": "fillet", "element_id": "plate", "vertex": 2, "radius": 5});
    let edited = done(&mut s, value).result.edited.unwrap();
    assert!(text(&s).contains(r#"of="plate.5-1""#), "{}", text(&s));
    // The solver finds it there.
    let (document, scene) = (s.document(), s.scene());
    let findings = svgx_engine::constraint::check(document, scene, &Default::default());
    assert_eq!(findings, []);
    let [change] = edited.references.as_slice() else { panic!("{edited:?}") };
    assert_eq!(
        (change.element_id.as_str(), change.new_value.as_deref()),
        ("edge", Some("plate.5-1"))
    );
    // The corner that is rounded is gone.
    let lost = json!({"operation": "fillet", "element_id": "bent", "vertex": 2, "radius": 5});
    let error = apply(&mut open(), lost.clone()).unwrap_err();
    assert!(
        matches!(&error, Error::Referenced { .. }) && error.to_string().contains("tip"),
        "{error}"
    );
    let mut s = open();
    let mut value = lost;
    value["references"] = json!("remove");
    let edited = done(&mut s, value).result.edited.unwrap();
    assert_eq!(edited.references[0].new_value, None);
    assert!(!text(&s).contains("id=\"tip\""));
    // A line is a line: its constraint stays, and the answer says that it was not asked.
    let mut s = open();
    let value =
        json!({"operation": "trim", "element_id": "base", "at": at(90.0, 300.0), "by": ["post"]});
    let outcome = done(&mut s, value);
    assert!(outcome.result.notes.iter().any(|n| n.code == "not-exact"), "{outcome:?}");
    assert!(text(&s).contains(r#"id="level" type="horizontal" of="base""#));
}

#[test]
fn lines_are_joined_into_one_path_and_what_goes_is_told() {
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><line id="a" x1="0" y1="0" x2="10" y2="0" style="fill:red;stroke:blue"/><path id="b" d="M20 10 A10 10 0 0 0 10 0" fill="none"/><line id="c" x1="20" y1="10" x2="20" y2="40"/></svg>"#;
    let mut s = open_text(drawing);
    let value = json!({"operation": "join", "element_ids": ["a", "b", "c"]});
    let edited = done(&mut s, value).result.edited.unwrap();
    assert_eq!(
        (edited.changed, edited.removed),
        (vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()])
    );
    let expected = r#"<path id="a" d="M0 0 L10 0 A10 10 0 0 1 20 10 L20 40" style="stroke:blue" fill="none"/>"#;
    assert!(text(&s).contains(expected), "{}", text(&s));
}

#[test]
fn edits_work_in_the_unit_of_the_drawing_and_under_any_transform() {
    // A drawing in which one unit is a metre.
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" width="10m" height="10m" viewBox="0 0 10 10"><rect id="room" x="1" y="1" width="4" height="3"/></svg>"#;
    for radius in [json!(0.5), json!("500 mm"), json!("0.5m")] {
        let mut s = open_text(drawing);
        done(
            &mut s,
            json!({"operation": "fillet", "element_id": "room", "vertex": 1, "radius": radius}),
        );
        assert!(text(&s).contains("A0.5 0.5 0 0 1 1.5 1"), "{radius}\n{}", text(&s));
    }
    // A circle that is drawn as an ellipse becomes chords, and says how far off they are.
    let mut s = open();
    let value = json!({"operation": "offset", "element_id": "egg", "distance": 5, "replace": true});
    let edited = done(&mut s, value).result.edited.unwrap();
    assert!(edited.error_mm < 0.02, "{}", edited.error_mm);
    let shown = s.scene().bounds(s.document().by_id("egg").unwrap()).unwrap();
    assert!(
        (shown.width() - 90.0).abs() < 0.05 && (shown.height() - 50.0).abs() < 0.05,
        "{shown:?}"
    );
    // What is written in a mirrored group turns the other way.
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><g transform="matrix(-1 0 0 1 100 0)"><polygon id="p" points="10,10 50,10 50,50"/></g></svg>"#;
    let mut s = open_text(drawing);
    done(&mut s, json!({"operation": "fillet", "element_id": "p", "vertex": 2, "radius": 10}));
    assert!(text(&s).contains("L40 10 A10 10 0 0 1 50 20"), "{}", text(&s));
}

#[test]
fn a_shape_that_a_style_states_is_not_edited_against_it() {
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><style>.big { r: 30px }</style><circle id="c" class="big" cx="50" cy="50" r="5"/></svg>"#;
    let mut s = open_text(drawing);
    let value = json!({"operation": "offset", "element_id": "c", "distance": 5, "replace": true});
    let error = apply(&mut s, value).unwrap_err();
    assert!(error.to_string().contains("style"), "{error}");
}

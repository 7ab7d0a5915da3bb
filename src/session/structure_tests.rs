//! Edits of the tree: what each operation does, what it refuses, and what holds after any of them.

mod cases;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::cases::Expected::{Has, Lacks, Refused};
use self::cases::cases;
use super::editing_tests::{budget, operation};
use super::record::Record;
use super::{Error, Outcome, Session};
use svgx_base::budget::Time;
use svgx_engine::document::{Document, Limits, canonical};

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" xmlns:ink="http://ink.example/" viewBox="0 0 1000 1000">
  <defs><linearGradient id="shade"><stop offset="0" stop-color="red"/></linearGradient><g id="chair"><rect width="8" height="8"/></g></defs>
  <rect id="desk" x="10" y="10" width="20" height="10" fill="url(#shade)"/>
  <g id="turned" fill="blue" transform="translate(500 500) rotate(90)" ink:label="t"><rect id="shelf" width="10" height="4"/><circle r="3"/></g>
  <use id="seat" href="#chair" x="40" y="40"/>
  <text id="note" x="5" y="90">Hi</text>
  <line id="wire" x1="200" y1="200" x2="230" y2="200"/>
  <arx:object id="pump" type="mechanical.pump"><arx:geometry x="100mm" y="100mm" width="50mm" height="50mm"/><arx:properties><arx:property name="power" value="5" unit="kW"/></arx:properties></arx:object>
  <rect id="tank" arx:object="t1" arx:type="plumbing.tank" arx:upstream="pump" x="300" y="300" width="30" height="30"/>
  <arx:system id="s1" type="plumbing"><arx:components><arx:component ref="pump"/></arx:components><arx:connections><arx:connection from="pump" to="t1"/></arx:connections></arx:system>
  <arx:behavior id="b1"><arx:variables><arx:variable name="flow" value="3"/></arx:variables><arx:calculations><arx:calculation name="double" formula="flow * 2 + pump.power / 1 kW"/></arx:calculations><arx:triggers><arx:trigger event="click" action="toggle"/></arx:triggers></arx:behavior>
  <arx:constraints><arx:constraint type="horizontal" of="wire"/></arx:constraints>
</svg>"##;

pub(super) fn open_text(text: &str) -> Session {
    Session::new(text, Arc::new(Limits::default()), &budget()).unwrap()
}

fn open() -> Session {
    open_text(DRAWING)
}

pub(super) fn text(session: &Session) -> String {
    canonical(session.document())
}

pub(super) fn apply(session: &mut Session, value: Value) -> Result<Outcome, Error> {
    let before = (text(session), session.state());
    let done = session.apply(&operation(value.clone()), Time(0), &budget());
    match done {
        Ok((outcome, _)) => {
            same_as_loaded(session, &value);
            Ok(outcome)
        }
        Err(error) => {
            assert_eq!(text(session), before.0, "{value}: {error}");
            assert_eq!(session.state(), before.1, "{value}: {error}");
            same_as_loaded(session, &value);
            Err(error)
        }
    }
}

/// Two texts are one; shows the first lines that are not.
fn same_text(a: &str, b: &str, after: &Value) {
    if let Some((a, b)) = a.lines().zip(b.lines()).find(|(a, b)| a != b) {
        panic!("{after}:\n{a}\n{b}");
    }
    assert_eq!(a.len(), b.len(), "{after}");
}

/// The session is what a session is that loads its drawing.
fn same_as_loaded(session: &Session, after: &Value) {
    let exported = text(session);
    let fresh = open_text(&exported);
    same_text(&text(&fresh), &exported, after);
    assert!(session.scene().is_consistent(), "{after}");
    assert!(session.scene().shows_as(fresh.scene()), "{after}\n{exported}");
    // Values that are read where they are written are read anew when somebody asks.
    let mut document = session.document().clone();
    document.refresh();
    assert_eq!(meaning(&document), meaning(fresh.document()), "{after}");
}

/// What the language says in a drawing.
fn meaning(d: &Document) -> Vec<String> {
    let objects = d.objects().iter().map(|o| {
        let values = o.properties.iter().map(|p| format!("{}={}", p.name, p.value.value));
        let values: Vec<_> = values.collect();
        format!("{:?} {:?} {:?} {} {values:?}", o.id, o.kind, o.upstream, o.shapes.len())
    });
    let behaviors = d.behaviors().iter().map(|b| {
        let values = b.variables.iter().map(|v| format!("{}={}", v.name, v.value.value));
        format!("{:?} {:?} {}", b.id, values.collect::<Vec<_>>(), b.users.len())
    });
    let systems = d
        .systems()
        .iter()
        .map(|s| format!("{:?} {} {}", s.id, s.components.len(), s.connections.len()));
    objects.chain(behaviors).chain(systems).collect()
}

#[test]
fn every_operation_on_the_tree_does_what_it_says_or_says_why_not() {
    for (value, expected) in cases() {
        let mut s = open();
        let before = text(&s);
        match (apply(&mut s, value.clone()), expected) {
            (Ok(_), Has(piece)) => assert!(text(&s).contains(piece), "{value}\n{}", text(&s)),
            (Ok(_), Lacks(piece)) => assert!(!text(&s).contains(piece), "{value}\n{}", text(&s)),
            (Err(error), Refused(code, words)) => {
                let all = match &error {
                    Error::Markup(found) => format!("{found:?}"),
                    other => other.to_string(),
                };
                assert_eq!(error.code(), code, "{value}: {error}");
                assert!(all.contains(words), "{value}: {all}");
                continue;
            }
            (Ok(_), Refused(..)) => panic!("{value} was done\n{}", text(&s)),
            (Err(error), _) => panic!("{value}: {error} {error:?}"),
        }
        let after = text(&s);
        assert_eq!(s.state().undo_depth, 1, "{value}");
        apply(&mut s, json!({"operation": "undo"})).unwrap();
        assert_eq!(text(&s), before, "{value}");
        apply(&mut s, json!({"operation": "redo"})).unwrap();
        assert_eq!(text(&s), after, "{value}");
    }
}

#[test]
fn a_finding_in_markup_has_its_place_in_the_markup() {
    let mut s = open();
    let markup = "<g>\n  <rect id='desk'/>\n</g>";
    let error = apply(&mut s, json!({"operation": "add", "markup": markup})).unwrap_err();
    let Error::Markup(found) = error else { panic!("{error}") };
    let span = found[0].span;
    assert_eq!(&markup[span.start as usize..span.end as usize], "desk");
}

#[test]
fn handles_stay_through_edits_undo_and_the_store() {
    let mut s = open();
    let added =
        apply(&mut s, json!({"operation": "add", "markup": "<rect x='7'/>", "before_id": "desk"}));
    let handle = added.unwrap().result.element_id.unwrap();
    let x = |s: &Session, id: &str| {
        let at = s.node(id.trim_start_matches('@').parse().unwrap())?;
        s.document().attr(at, "x").map(str::to_owned)
    };
    assert_eq!(x(&s, &handle).as_deref(), Some("7"));
    apply(&mut s, json!({"operation": "delete", "element_id": "turned"})).unwrap();
    apply(&mut s, json!({"operation": "delete", "element_id": handle})).unwrap();
    assert_eq!(x(&s, &handle), None);
    for _ in 0..2 {
        apply(&mut s, json!({"operation": "undo"})).unwrap();
    }
    apply(
        &mut s,
        json!({"operation": "set_attribute", "element_id": handle, "name": "x", "value": "9"}),
    )
    .unwrap();
    let stored = serde_json::to_vec(&s.snapshot()).unwrap();
    let mut other = open();
    other.restore(serde_json::from_slice(&stored).unwrap(), s.sequence()).unwrap();
    assert_eq!(x(&other, &handle).as_deref(), Some("9"));
    let next = apply(&mut other, json!({"operation": "add", "markup": "<rect/>"})).unwrap();
    assert_ne!(next.result.element_id.unwrap(), handle, "a handle is given once");
}

#[test]
fn a_log_of_the_first_form_still_opens() {
    let record = r#"{"at":5,"op":"set_attribute","edits":[{"e":6,"a":"x","o":"10","n":"12"}],"history":"push"}"#;
    let mut s = open();
    s.replay(&serde_json::from_str(record).unwrap()).unwrap();
    assert!(text(&s).contains(r#"<rect id="desk" x="12""#), "{}", text(&s));
    let snapshot = r#"{"at":5,"values":[[6,"x","11"],[6,"fill",null]],"interactive":{"precision":"compute"},"history":{"done":[{"edits":[{"e":6,"a":"x","o":"10","n":"11"}]}],"undone":[]},"machine":null}"#;
    let mut s = open();
    s.restore(serde_json::from_str(snapshot).unwrap(), 1).unwrap();
    assert!(text(&s).contains(r#"<rect id="desk" x="11" y="10" width="20" height="10"/>"#));
    apply(&mut s, json!({"operation": "undo"})).unwrap();
    assert!(text(&s).contains(r#"<rect id="desk" x="10""#));
    let (_, record) = s
        .apply(&operation(json!({"operation": "set_attribute", "element_id": "desk", "name": "y", "value": "3"})), Time(0), &budget())
        .unwrap();
    let written = serde_json::to_string(&record.unwrap()).unwrap();
    assert!(!written.contains("\"v\""), "attributes alone are written as before: {written}");
}

#[test]
fn what_is_drawn_again_covers_what_came_and_what_went() {
    let mut s = open();
    let outcome = apply(
        &mut s,
        json!({"operation": "add", "markup": "<rect x='600' y='10' width='5' height='6'/>"}),
    );
    let area = outcome.unwrap().result.redraw.unwrap();
    assert_eq!((area.x, area.y, area.width, area.height), (600.0, 10.0, 5.0, 6.0));
    let outcome =
        apply(&mut s, json!({"operation": "move", "element_id": "desk", "dx": 100})).unwrap();
    let area = outcome.result.redraw.unwrap();
    assert_eq!((area.x, area.y, area.width, area.height), (10.0, 10.0, 120.0, 10.0));
    let outcome =
        apply(&mut s, json!({"operation": "group", "element_ids": ["desk", "seat"]})).unwrap();
    let kinds: Vec<_> = outcome.result.structure_changed.iter().map(|c| c.change).collect();
    use super::StructureKind::{Added, Moved};
    assert_eq!(kinds, [Added, Moved, Moved]);
}

#[test]
fn selections_take_one_several_a_rectangle_and_a_lasso() {
    let lasso = json!([{"x": 0, "y": 0}, {"x": 100, "y": 0}, {"x": 0, "y": 100}]);
    for (part, expected) in [
        (json!({"element_id": "desk"}), vec!["desk"]),
        (json!({"element_ids": ["wire", "desk"]}), vec!["wire", "desk"]),
        (json!({"area": {"x": 0, "y": 0, "width": 60, "height": 60}}), vec!["desk", "seat"]),
        (json!({"area": {"x": 0, "y": 0, "width": 20, "height": 20}}), vec![]),
        (
            json!({"area": {"x": 0, "y": 0, "width": 20, "height": 20}, "touching": true}),
            vec!["desk"],
        ),
        (json!({"area": {"x": 60, "y": 60, "width": -60, "height": -60}}), vec!["desk", "seat"]),
        (json!({"lasso": lasso}), vec!["desk", "seat"]),
    ] {
        let mut s = open();
        let mut value = part.clone();
        value["operation"] = json!("select");
        let outcome = apply(&mut s, value).unwrap();
        assert_eq!(outcome.state.selected_elements, expected, "{part}");
    }
    let mut s = open();
    let both = json!({"operation": "select", "element_id": "desk", "lasso": lasso});
    assert_eq!(apply(&mut s, both).unwrap_err().code(), "bad-operation");
}

#[test]
fn where_a_picture_cannot_stay_exactly_the_answer_says_so() {
    let text = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><g id="g" opacity="0.5"><rect id="a" width="9" height="9"/></g><g id="red" fill="red"/></svg>"##;
    for (value, is_exact) in [
        (json!({"operation": "ungroup", "element_id": "g"}), false),
        (json!({"operation": "reparent", "element_id": "a", "parent_id": "red"}), false),
        (json!({"operation": "group", "element_id": "a"}), true),
    ] {
        let mut s = open_text(text);
        let outcome = apply(&mut s, value.clone()).unwrap();
        let noted = outcome.result.notes.iter().any(|n| n.code == "not-exact");
        assert_eq!(noted, !is_exact, "{value}: {:?}", outcome.result.notes);
    }
}

fn any_operation() -> impl Strategy<Value = Value> {
    let ids = || {
        prop::sample::select(vec![
            "desk", "turned", "shelf", "seat", "note", "wire", "pump", "tank", "s1", "b1", "chair",
            "shade", "a", "a-2", "set", "desk-2", "@0", "@1", "@9", "@14", "@24", "@29", "@31",
            "@33", "@35",
        ])
    };
    let markups = prop::sample::select(vec![
        "<rect id='a' x='3' y='3' width='5' height='5'/>",
        "<g id='set' transform='scale(2)'><circle r='4'/><text>x <tspan>y</tspan></text></g>",
        "<use href='#desk' x='9'/>",
        "<arx:object id='a' type='mechanical.fan'><arx:geometry x='1mm' y='1mm' width='5mm' height='5mm'/></arx:object>",
        "<rect fill='url(#shade)' width='4' height='4' other:x='1' xmlns:other='http://other.example/'/>",
        "<clipPath id='a'><rect width='5' height='5'/></clipPath>",
        "<circle r='5' clip-path='url(#a)'/>",
        "<script/>",
    ]);
    let number = -50.0..250.0f64;
    (0..34u8, ids(), ids(), markups, number.clone(), number).prop_map(|(kind, id, other, markup, x, y)| {
        match kind {
            0 | 1 => json!({"operation": "add", "markup": markup}),
            2 => json!({"operation": "add", "markup": markup, "parent_id": id}),
            3 => json!({"operation": "add", "markup": markup, "before_id": id}),
            4 => json!({"operation": "delete", "element_id": id}),
            5 => json!({"operation": "delete", "element_ids": [id, other], "references": "remove"}),
            6 => json!({"operation": "reparent", "element_id": id, "parent_id": other}),
            7 => json!({"operation": "reorder", "element_id": id, "to": "front"}),
            8 => json!({"operation": "reorder", "element_id": id, "to": "backward"}),
            9 => json!({"operation": "reorder", "element_id": id, "before_id": other}),
            10 => json!({"operation": "group", "element_ids": [id, other]}),
            11 => json!({"operation": "ungroup", "element_id": id}),
            12 => json!({"operation": "duplicate", "element_id": id, "dx": x}),
            13 => json!({"operation": "move", "element_ids": [id, other], "dx": x, "dy": y}),
            14 => json!({"operation": "rotate", "element_id": id, "angle": x}),
            15 => json!({"operation": "scale", "element_id": id, "factor": y / 50.0}),
            16 => json!({"operation": "set_text", "element_id": id, "text": other}),
            17 => json!({"operation": "set_style", "element_id": id, "name": "fill", "value": if x > 0.0 { json!("red") } else { Value::Null }}),
            18 => json!({"operation": "set_property", "element_id": id, "name": "power", "value": format!("{x:.0}")}),
            19 => json!({"operation": "set_variable", "element_id": id, "name": "flow", "value": format!("{x:.0}")}),
            20 => json!({"operation": if x > 50.0 { "link" } else { "unlink" }, "relation": "upstream", "element_id": id, "target_id": "pump"}),
            21 => json!({"operation": "set_attribute", "element_id": id, "name": "x", "value": if x > 0.0 { json!(format!("{x:.1}")) } else { Value::Null }}),
            22 => json!({"operation": "select", "area": {"x": x, "y": y, "width": 300, "height": 300}}),
            23 => json!({"operation": "redo"}),
            24 => json!({"operation": "fillet", "element_id": id, "radius": (x / 50.0).abs(), "references": "remove"}),
            25 => json!({"operation": "chamfer", "element_id": id, "at": {"x": x, "y": y}, "length": 1}),
            26 => json!({"operation": "offset", "element_id": id, "distance": x / 50.0, "replace": y > 50.0}),
            27 => json!({"operation": "split", "element_id": id, "at": {"x": x, "y": y}, "references": "remove"}),
            28 => json!({"operation": "combine", "element_ids": [id, other], "result": if x > 50.0 { "union" } else { "xor" }, "references": "remove"}),
            29 => json!({"operation": "mirror", "element_id": id, "axis": [{"x": x, "y": y}, {"x": y, "y": 7}], "copy": x > 0.0}),
            30 => json!({"operation": "array", "element_id": id, "columns": 2, "rows": 2, "dx": x, "dy": y}),
            31 => json!({"operation": "trim", "element_id": id, "at": {"x": x, "y": y}, "references": "remove"}),
            _ => json!({"operation": "undo"}),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn after_any_edits_a_session_is_what_loads_from_its_drawing_and_goes_back_and_forth(
        operations in prop::collection::vec(any_operation(), 1..24), cut in 0..24usize
    ) {
        let mut s = open();
        let original = text(&s);
        let mut records: Vec<Record> = Vec::new();
        let mut from = (s.snapshot(), 0);
        for (i, value) in operations.into_iter().enumerate() {
            if i == cut {
                from = (s.snapshot(), records.len());
            }
            let before = (text(&s), s.state());
            match s.apply(&operation(value.clone()), Time(i as u64), &budget()) {
                Ok((_, record)) => records.extend(record),
                Err(_) => {
                    prop_assert_eq!(text(&s), before.0);
                    prop_assert_eq!(s.state(), before.1);
                }
            }
            same_as_loaded(&s, &value);
        }
        let stored = serde_json::to_vec(&from.0).unwrap();
        let mut other = open();
        other.restore(serde_json::from_slice(&stored).unwrap(), from.1 as u64).unwrap();
        for record in &records[from.1..] {
            let stored = serde_json::to_vec(record).unwrap();
            other.replay(&serde_json::from_slice(&stored).unwrap()).unwrap();
        }
        prop_assert_eq!(text(&other), text(&s));
        let mut expected = s.state();
        expected.hovered_element = None;
        prop_assert_eq!(other.state(), expected);
        prop_assert!(other.scene().shows_as(s.scene()));
        for s in [&mut s, &mut other] {
            while s.state().redo_depth > 0 {
                apply(s, json!({"operation": "redo"})).unwrap();
            }
            let result = text(s);
            while s.state().undo_depth > 0 {
                apply(s, json!({"operation": "undo"})).unwrap();
            }
            prop_assert_eq!(&text(s), &original);
            while s.state().redo_depth > 0 {
                apply(s, json!({"operation": "redo"})).unwrap();
            }
            prop_assert_eq!(text(s), result);
        }
    }
}

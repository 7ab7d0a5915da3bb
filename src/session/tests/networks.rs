//! Networks of a drawing that is edited: solved with every edit that concerns them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Clock, Monotonic, Tier, Time};
use svgx_engine::document::canonical;
use svgx_session::{Key, Memory, Operation, Options, Sessions, StoreLimits};

/// A tank, a pipe that is drawn, a radiator that can be dragged, and a valve; a lamp that is fed
/// by a board, whose power is a formula.
const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9000 9000" width="900" height="900" arx:units="mm">
  <rect id="vessel" x="500" y="4000" width="1000" height="2000" arx:object="tank"/>
  <rect id="panel" x="6000" y="4500" width="1000" height="1000" arx:object="r1"/>
  <path id="pipe" d="M1500 5000H6000" fill="none" stroke="black" arx:object="p1"/>
  <rect id="chair" x="100" y="100" width="10" height="10"/>
  <arx:object id="tank" type="mechanical.tank"/>
  <arx:object id="r1" type="mechanical.radiator"/>
  <arx:object id="board" type="electrical.panel"/>
  <arx:object id="lamp" type="electrical.light">
    <arx:behavior>
      <arx:variables><arx:variable name="count" value="2"/><arx:variable name="each" value="500" unit="W"/></arx:variables>
      <arx:calculations><arx:calculation name="power" formula="count * each" unit="W"/></arx:calculations>
    </arx:behavior>
  </arx:object>
  <arx:system id="heating" type="mechanical" network="water">
    <arx:components><arx:component ref="tank" type="tank" level="12 m"/><arx:component ref="drain" type="terminal"/></arx:components>
    <arx:connections>
      <arx:connection id="p1" from="tank" to="r1.in" type="pipe" diameter="28 mm" roughness="0.0015 mm"/>
      <arx:connection id="v1" from="r1.out" to="drain" type="valve" kv="1.6 m^3/h"/>
    </arx:connections>
  </arx:system>
  <arx:system id="power" type="electrical" network="electrical">
    <arx:components><arx:component ref="board" type="source" voltage="400 V" phases="ABCN"/><arx:component ref="lamp" type="load" phases="AN"/></arx:components>
    <arx:connections><arx:connection id="c1" from="board" to="lamp" type="power" phases="AN" size="2.5 mm^2" length="30 m"/></arx:connections>
  </arx:system>
</svg>"#;

fn sessions() -> Sessions {
    let store = Arc::new(Memory::new(StoreLimits::default()));
    Sessions::new(store, Arc::new(Monotonic::new()), Options::default())
}

fn unlimited() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn done(sessions: &Sessions, key: &Key, value: Value) -> Value {
    let operation: Operation = serde_json::from_value(value).unwrap();
    let outcome = sessions.apply(key, &operation, &unlimited()).unwrap().wait().unwrap();
    serde_json::to_value(outcome).unwrap()
}

fn state(sessions: &Sessions, key: &Key) -> Value {
    serde_json::to_value(sessions.state(key, &unlimited()).unwrap()).unwrap()["networks"].clone()
}

fn drawing(sessions: &Sessions, key: &Key) -> String {
    sessions.read(key, &unlimited(), |session| canonical(session.document())).unwrap()
}

/// What an operation says of a quantity: what it was, what it is.
fn changed(outcome: &Value, system: &str, element: &str, name: &str) -> Option<(f64, f64)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let all = list(&outcome["result"]["networks_changed"]);
    let of = all.iter().find(|change| change["system"] == system)?;
    let values = list(&of["values_changed"]);
    let value = values.iter().find(|v| v["element"] == element && v["name"] == name)?;
    Some((value["old_value"].as_f64()?, value["new_value"].as_f64()?))
}

fn systems(outcome: &Value) -> Vec<String> {
    let all = outcome["result"]["networks_changed"].as_array().cloned().unwrap_or_default();
    all.iter().map(|change| change["system"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_drag_of_a_radiator_is_a_hydraulic_edit_and_undo_brings_the_same_bytes() {
    let (sessions, key) = (sessions(), Key::new("t", "drag").unwrap());
    let loaded = done(&sessions, &key, json!({ "operation": "load", "content": DRAWING }));
    let networks = loaded["state"]["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 2);
    for network in networks {
        assert_eq!((&network["state"], &network["solved"]), (&json!("normal"), &json!(true)));
        assert!(network["balance"].as_f64().unwrap() < 1e-6, "{network}");
    }
    let before = (state(&sessions, &key), drawing(&sessions, &key));
    let at = |x: f64| json!({ "x": x, "y": 5000 });
    done(
        &sessions,
        &key,
        json!({ "operation": "drag_start", "element_id": "panel", "coordinates": at(6500.0) }),
    );
    let mut last = f64::INFINITY;
    for tick in 1..=30 {
        let to = at(6500.0 + 50.0 * f64::from(tick));
        let moved = done(&sessions, &key, json!({ "operation": "drag_move", "coordinates": to }));
        assert_eq!(systems(&moved), ["heating"], "{moved}");
        let (old, new) = changed(&moved, "heating", "p1", "flow").unwrap();
        // A longer pipe carries less, from one tick to the next.
        assert!(new < old && old <= last, "{old} {new}");
        last = new;
    }
    let end = done(&sessions, &key, json!({ "operation": "drag_end", "coordinates": at(8000.0) }));
    assert!(systems(&end).contains(&"heating".to_owned()), "{end}");
    // What was dragged to is what is found where it is loaded.
    let fresh = Key::new("t", "fresh").unwrap();
    let text = drawing(&sessions, &key);
    assert!(text.contains("H7500") || text.contains("7500"), "{text}");
    let loaded = done(&sessions, &fresh, json!({ "operation": "load", "content": text }));
    assert_eq!(loaded["state"]["networks"], state(&sessions, &key));
    assert_ne!(before.0, state(&sessions, &key));
    let undone = done(&sessions, &key, json!({ "operation": "undo" }));
    assert!(changed(&undone, "heating", "p1", "flow").is_some_and(|(old, new)| new > old));
    assert_eq!(before, (state(&sessions, &key), drawing(&sessions, &key)));
    let again = done(&sessions, &key, json!({ "operation": "redo" }));
    assert_eq!(again["state"]["networks"], loaded["state"]["networks"]);
}

#[test]
fn only_what_an_edit_concerns_is_solved_again() {
    let (sessions, key) = (sessions(), Key::new("t", "edit").unwrap());
    done(&sessions, &key, json!({ "operation": "load", "content": DRAWING }));
    let set = |id: &str, name: &str, value: &str| json!({ "operation": "set_attribute", "element_id": id, "name": name, "value": value });
    let cases = [
        (set("chair", "x", "200"), vec![]),
        (json!({ "operation": "click", "element_id": "chair" }), vec![]),
        (set("v1", "kv", "1 m^3/h"), vec!["heating"]),
        (set("c1", "length", "60 m"), vec!["power"]),
        (
            json!({ "operation": "set_variable", "element_id": "lamp", "name": "count", "value": "4" }),
            vec!["power"],
        ),
        (set("c1", "length", "60 kg"), vec!["power"]),
        (json!({ "operation": "undo" }), vec!["power"]),
        (json!({ "operation": "delete", "element_ids": ["c1"] }), vec!["power"]),
        (json!({ "operation": "undo" }), vec!["power"]),
    ];
    for (operation, expected) in cases {
        let outcome = done(&sessions, &key, operation.clone());
        assert_eq!(systems(&outcome), expected, "{operation}: {outcome}");
    }
    let doubled = done(
        &sessions,
        &key,
        json!({ "operation": "set_variable", "element_id": "lamp", "name": "count", "value": "8" }),
    );
    let (old, new) = changed(&doubled, "power", "c1", "current").unwrap();
    assert!(new > 2.0 * old, "{old} {new}");
}

#[test]
fn what_an_edit_breaks_is_said_and_the_edit_is_done() {
    let (sessions, key) = (sessions(), Key::new("t", "break").unwrap());
    done(&sessions, &key, json!({ "operation": "load", "content": DRAWING }));
    let set = |value: Value| {
        let operation = json!({ "operation": "set_attribute", "element_id": "p1", "name": "diameter", "value": value });
        done(&sessions, &key, operation)
    };
    for (value, code, words) in [
        (json!("-3 mm"), "network-quantity", "p1: its diameter is -0.003"),
        (json!("28 kg"), "network-unit", "diameter of p1"),
        (json!(null), "network-quantity", "p1 has no diameter"),
    ] {
        let outcome = set(value);
        let network = &outcome["state"]["networks"][0];
        assert_eq!((&network["state"], &network["solved"]), (&json!("failed"), &json!(false)));
        let found = &network["findings"][0];
        assert_eq!(found["code"], code, "{network}");
        assert!(found["message"].as_str().unwrap().starts_with(words), "{network}");
    }
    let mended = set(json!("28 mm"));
    assert_eq!(mended["state"]["networks"][0]["solved"], true);
}

#[test]
fn a_drawing_without_networks_says_nothing_of_them_until_it_has_one() {
    let (sessions, key) = (sessions(), Key::new("t", "none").unwrap());
    let plain = DRAWING.replace(" network=\"water\"", "").replace(" network=\"electrical\"", "");
    let plain =
        plain.replace("diameter=", "data-d=").replace("kv=", "data-k=").replace("size=", "data-s=");
    let loaded = done(&sessions, &key, json!({ "operation": "load", "content": plain }));
    assert_eq!(loaded["state"]["networks"], json!(null));
    let set = |id: &str, name: &str, value: &str| json!({ "operation": "set_attribute", "element_id": id, "name": name, "value": value });
    let other = done(&sessions, &key, set("v1", "open", "50 %"));
    assert_eq!(other["result"]["networks_changed"], json!(null));
    let made = done(&sessions, &key, set("heating", "network", "water"));
    assert_eq!(systems(&made), ["heating"]);
    assert_eq!(made["state"]["networks"].as_array().unwrap().len(), 1);
    let gone = done(&sessions, &key, json!({ "operation": "undo" }));
    assert_eq!(gone["state"]["networks"], json!(null));
}

/// A clock that goes on whenever somebody looks.
#[derive(Debug, Default)]
struct Looked(AtomicU64);

impl Clock for Looked {
    fn now(&self) -> Time {
        Time(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn where_time_ends_the_edit_is_done_and_the_network_is_solved_when_somebody_looks() {
    let (mut stopped, mut solved) = (0, 0);
    for looks in 0..120 {
        let (sessions, key) = (sessions(), Key::new("t", "late").unwrap());
        done(&sessions, &key, json!({ "operation": "load", "content": DRAWING }));
        let set = json!({ "operation": "set_attribute", "element_id": "v1", "name": "kv", "value": "1 m^3/h" });
        let operation: Operation = serde_json::from_value(set).unwrap();
        let budget = unlimited().until(Time(looks), Arc::new(Looked::default()));
        let Ok(outcome) = sessions.apply(&key, &operation, &budget) else { continue };
        let outcome = outcome.wait().unwrap();
        assert_eq!(outcome.result.attributes_changed.len(), 1);
        // The attribute belongs to what networks are made of: all is read again, or nothing.
        let heating = outcome.state.networks.first();
        if heating.is_some_and(|heating| heating.solved) {
            solved += 1
        } else {
            stopped += 1
        }
        let now = &state(&sessions, &key)[0];
        assert_eq!((&now["solved"], &now["state"]), (&json!(true), &json!("normal")), "{looks}");
    }
    assert!(stopped > 0 && solved > 0, "{stopped} {solved}");
}

#[test]
fn the_radiator_of_the_example_can_be_dragged_and_its_pipes_follow() {
    const PLANT: &str = include_str!("../../../examples/plant-room.svgx");
    let (sessions, key) = (sessions(), Key::new("t", "plant").unwrap());
    let loaded = done(&sessions, &key, json!({ "operation": "load", "content": PLANT }));
    let networks = loaded["state"]["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 1);
    assert_eq!(
        (&networks[0]["system"], &networks[0]["solved"]),
        (&json!("radiators"), &json!(true))
    );
    let at = |x: f64| json!({ "x": x, "y": 5500 });
    done(
        &sessions,
        &key,
        json!({ "operation": "drag_start", "element_id": "radiator_body", "coordinates": at(6200.0) }),
    );
    let moved =
        done(&sessions, &key, json!({ "operation": "drag_move", "coordinates": at(4200.0) }));
    let text = drawing(&sessions, &key);
    for path in ["M7120 5000 H4800", "M4800 6000 H7800"] {
        assert!(text.contains(path), "{path}: {text}");
    }
    let (old, new) = changed(&moved, "radiators", "radiator_flow", "flow").unwrap();
    assert!(new < 0.95 * old, "{old} {new}");
}

/// A closed heating loop of 20 floors of 16 radiators each, 1 001 elements, of which one is drawn.
fn heating() -> String {
    use std::fmt::Write as _;
    let (mut parts, mut links) = (String::new(), String::new());
    let mut pipe = |id: String, from: &str, to: &str, more: &str| {
        let _ = write!(
            links,
            r#"<arx:connection id="{id}" from="{from}" to="{to}" type="pipe" roughness="0.0015 mm" {more}/>"#
        );
    };
    let (mut up, mut down) = ("pump.out".to_owned(), "vessel".to_owned());
    pipe("home".to_owned(), "vessel", "pump.in", r#"length="3 m" diameter="80 mm""#);
    for floor in 0..20 {
        let (a, b) = (format!("s{floor}"), format!("t{floor}"));
        pipe(format!("up{floor}"), &up, &a, r#"length="3 m" diameter="80 mm""#);
        pipe(format!("down{floor}"), &b, &down, r#"length="3 m" diameter="80 mm""#);
        let (mut there, mut back) = (a.clone(), b.clone());
        for k in 0..16 {
            let (c, d) = (format!("s{floor}_{k}"), format!("t{floor}_{k}"));
            pipe(format!("a{floor}_{k}"), &there, &c, r#"length="5 m" diameter="32 mm""#);
            pipe(format!("b{floor}_{k}"), &d, &back, r#"length="5 m" diameter="32 mm""#);
            let length = if (floor, k) == (10, 8) { "" } else { r#"length="2 m""# };
            let more = format!(r#"{length} diameter="12 mm" minor="{}""#, 20 + 7 * k % 60);
            pipe(format!("r{floor}_{k}"), &c, &d, &more);
            let _ = write!(
                parts,
                r#"<arx:component ref="{c}" type="node"/><arx:component ref="{d}" type="node"/>"#
            );
            (there, back) = (c, d);
        }
        let _ = write!(
            parts,
            r#"<arx:component ref="{a}" type="node"/><arx:component ref="{b}" type="node"/>"#
        );
        (up, down) = (a, b);
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9000 9000" width="900" height="900" arx:units="mm">
  <rect id="panel" x="6000" y="4500" width="1000" height="1000" arx:object="t10_8"/>
  <rect id="feed" x="500" y="4500" width="1000" height="1000" arx:object="s10_8"/>
  <path id="pipe" d="M1500 5000H6000" fill="none" stroke="black" arx:object="r10_8"/>
  <arx:object id="t10_8" type="mechanical.radiator"/>
  <arx:object id="s10_8" type="mechanical.fitting"/>
  <arx:object id="pump" type="mechanical.pump"><arx:properties><arx:property name="curve" value="9.6 L/s 8 m"/></arx:properties></arx:object>
  <arx:system id="heating" type="mechanical" network="water"><arx:components><arx:component ref="vessel" type="tank" level="15 m"/>{parts}</arx:components><arx:connections>{links}</arx:connections></arx:system>
</svg>"#
    )
}

#[test]
fn a_tick_of_a_drag_among_a_thousand_elements_is_a_few_solutions_with_the_factor_there_is() {
    let (sessions, key) = (sessions(), Key::new("t", "thousand").unwrap());
    let loaded = done(&sessions, &key, json!({ "operation": "load", "content": heating() }));
    let network = &loaded["state"]["networks"][0];
    assert_eq!(network["solved"], true, "{network}");
    assert!(network["elements"].as_u64().unwrap() > 1_001);
    let path = |x: f64| json!({ "operation": "set_attribute", "element_id": "pipe", "name": "d", "value": format!("M1500 5000H{x}") });
    // Not of a drag: as if it had just been loaded, which an undo can find again to the bit.
    let set = done(&sessions, &key, path(6_100.0));
    assert_eq!(set["result"]["networks_changed"][0]["reused"], "nothing", "{set}");
    done(&sessions, &key, path(6_000.0));
    let at = |x: f64| json!({ "x": x, "y": 5000 });
    let start =
        json!({ "operation": "drag_start", "element_id": "panel", "coordinates": at(6500.0) });
    done(&sessions, &key, start);
    for tick in 1..=20 {
        let to = at(6500.0 + 40.0 * f64::from(tick));
        let moved = done(&sessions, &key, json!({ "operation": "drag_move", "coordinates": to }));
        let change = &moved["result"]["networks_changed"][0];
        assert_eq!(
            (&change["system"], &change["reused"]),
            (&json!("heating"), &json!("factor")),
            "{moved}"
        );
        assert!(change["iterations"].as_u64().is_some_and(|n| (1..=6).contains(&n)), "{change}");
    }
    let end = json!({ "operation": "drag_end", "coordinates": at(7300.0) });
    done(&sessions, &key, end);
}

#[test]
fn a_valve_and_a_switch_and_what_an_object_is_set_to_are_edits_like_others() {
    let (sessions, key) = (sessions(), Key::new("t", "switch").unwrap());
    let switched = DRAWING.replace(
        r#"from="board" to="lamp" type="power""#,
        r#"from="board" to="lamp" type="switch""#,
    );
    let pipe = r#"<arx:object id="p1" type="mechanical.pipe"/><arx:object id="board""#;
    let switched = switched.replacen(r#"<arx:object id="board""#, pipe, 1);
    done(&sessions, &key, json!({ "operation": "load", "content": switched }));
    let set = |id: &str, name: &str, value: &str| {
        let operation =
            json!({ "operation": "set_attribute", "element_id": id, "name": name, "value": value });
        done(&sessions, &key, operation)
    };
    let shut = set("v1", "open", "no");
    assert_eq!(changed(&shut, "heating", "v1", "flow").unwrap().1, 0.0);
    let half = set("v1", "open", "50 %");
    let (none, some) = changed(&half, "heating", "v1", "flow").unwrap();
    assert!(none == 0.0 && some > 0.0, "{half}");
    let off = set("c1", "open", "yes");
    assert_eq!(off["state"]["networks"][1]["state"], "failed", "{off}");
    let on = set("c1", "open", "no");
    assert_eq!(on["state"]["networks"][1]["solved"], true, "{on}");
    // A property of the object that draws the connection counts where the connection says nothing.
    let property =
        json!({ "operation": "set_property", "element_id": "p1", "name": "minor", "value": "50" });
    let rough = done(&sessions, &key, property);
    let (before, after) = changed(&rough, "heating", "p1", "flow").unwrap();
    assert!(after < before, "{before} {after}");
}

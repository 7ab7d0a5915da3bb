//! Constraints with formulas and formulas that measure: by the log, by a snapshot, by several people.

use serde_json::{Value, json};

use super::editing_tests::{budget, operation};
use super::record::Record;
use super::structure_tests::{apply, open_text, text};
use super::together::{Author, Participant};
use super::{Outcome, Session};
use svgx_base::budget::Time;

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 1000 1000">
  <rect id="frame" x="10" y="10" width="60" height="40"/>
  <rect id="door" x="300" y="10" width="40" height="30"/>
  <arx:object id="grid" type="architecture.grid"><arx:behavior>
    <arx:variables><arx:variable name="bays" value="3"/><arx:variable name="each" value="20" unit="mm"/></arx:variables>
    <arx:calculations><arx:calculation name="clear" formula="gap.measure * 2" unit="m"/></arx:calculations>
    <arx:triggers>
      <arx:trigger event="tell" action="set-attribute" target="door" name="data-clear" formula="clear"/>
      <arx:trigger event="grow" action="update" name="bays" formula="bays + 1"/>
      <arx:trigger event="soon" action="update" name="bays" formula="9" delay="1 s"/>
      <arx:trigger event="condition" condition="gap.measure &lt; 150 mm" action="set-state" value="near"/>
    </arx:triggers>
  </arx:behavior></arx:object>
  <arx:constraints>
    <arx:constraint type="fixed" of="frame.top-left"/>
    <arx:constraint id="width" type="distance" of="frame.left frame.right" formula="grid.bays * grid.each"/>
  </arx:constraints>
  <arx:dimensions><arx:dimension id="gap" of="frame.right door.left" at="0 0"/></arx:dimensions>
</svg>"##;

fn told(session: &mut Session) -> String {
    let fired = apply(session, json!({"operation": "fire", "name": "tell"})).unwrap();
    let changed = fired.result.attributes_changed;
    changed.first().and_then(|c| c.new_value.clone()).unwrap_or_default()
}

fn by(session: &mut Session, who: &str, value: Value) -> Outcome {
    let participant = Participant::new(who).unwrap();
    let author = Author { participant, ..Author::default() };
    session.apply_by(&author, &operation(value), Time(0), &budget()).unwrap().outcome
}

fn variable(name: &str, value: &str) -> Value {
    json!({"operation": "set_variable", "element_id": "grid", "name": name, "value": value})
}

#[test]
fn the_log_and_a_snapshot_make_the_same_bytes_and_measure_what_is_there() {
    let mut s = open_text(DRAWING);
    let mut records: Vec<Record> = Vec::new();
    let mut snapshots = vec![(serde_json::to_vec(&s.snapshot()).unwrap(), 0)];
    for value in [
        json!({"operation": "fire", "name": "grow"}),
        json!({"operation": "move", "element_id": "door", "dx": -60}),
        variable("each", "30"),
        json!({"operation": "undo"}),
        json!({"operation": "redo"}),
        json!({"operation": "delete", "element_id": "frame"}),
        json!({"operation": "set_attribute", "element_id": "gap", "name": "id", "value": "way"}),
        json!({"operation": "undo"}),
        json!({"operation": "move", "element_id": "door", "dx": 5}),
    ] {
        if let Ok((_, Some(record))) = s.apply(&operation(value), Time(0), &budget()) {
            records.push(record);
        }
        snapshots.push((serde_json::to_vec(&s.snapshot()).unwrap(), records.len()));
    }
    for (snapshot, from) in snapshots {
        let mut other = open_text(DRAWING);
        other.restore(serde_json::from_slice(&snapshot).unwrap(), from as u64).unwrap();
        for record in &records[from..] {
            let stored = serde_json::to_vec(record).unwrap();
            other.replay(&serde_json::from_slice(&stored).unwrap()).unwrap();
        }
        assert_eq!(text(&other), text(&s), "from {from}");
        assert_eq!(other.snapshot(), s.snapshot(), "from {from}");
        assert_eq!(told(&mut other), "0.23", "from {from}");
    }
    assert_eq!(told(&mut s), "0.23");
}

#[test]
fn what_is_due_moves_what_constraints_hold_and_is_nobodys_step() {
    let mut s = open_text(DRAWING);
    apply(&mut s, json!({"operation": "fire", "name": "soon"})).unwrap();
    let later = Time(2_000_000_000);
    let hover = json!({"operation": "select", "element_id": "door"});
    let (outcome, record) = s.apply(&operation(hover), later, &budget()).unwrap();
    assert!(text(&s).contains(r#"width="180""#), "{}", text(&s));
    let record = record.unwrap();
    assert_eq!((record.delayed, record.edits.len()), (2, 2), "the width, and what came of it");
    assert_eq!(outcome.state.undo_depth, 1);
    assert!(text(&s).contains(r#"arx:state="near""#), "{}", text(&s));
}

#[test]
fn what_one_takes_back_is_held_with_what_others_did_since() {
    let mut s = open_text(DRAWING);
    by(&mut s, "ana", variable("bays", "4"));
    by(&mut s, "bo", variable("each", "30"));
    assert!(text(&s).contains(r#"width="120""#), "{}", text(&s));
    let undone = by(&mut s, "ana", json!({"operation": "undo"}));
    assert!(undone.result.restored.is_some());
    assert!(text(&s).contains(r#"name="bays" value="3""#), "{}", text(&s));
    assert!(text(&s).contains(r#"width="90""#), "{}", text(&s));
    by(&mut s, "ana", json!({"operation": "redo"}));
    assert!(text(&s).contains(r#"width="120""#), "{}", text(&s));
    by(&mut s, "bo", json!({"operation": "undo"}));
    assert!(text(&s).contains(r#"width="80""#), "{}", text(&s));
}

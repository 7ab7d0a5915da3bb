//! Dragging in a session that keeps its solver: what hangs on an element goes along, and
//! ticks without time are drawn between two solutions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Clock, Monotonic, Tier, Time};
use svgx_session::{Key, Memory, Operation, Options, Sessions, StoreLimits};

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 400 300">
  <rect id="room" x="20" y="20" width="100" height="80"/>
  <line id="wall" x1="120" y1="60" x2="200" y2="60"/>
  <circle id="column" cx="200" cy="60" r="6"/>
  <rect id="chair" x="300" y="200" width="10" height="10"/>
  <arx:constraints>
    <arx:constraint type="distance" of="room.left room.right" value="100"/>
    <arx:constraint type="distance" of="room.top room.bottom" value="80"/>
    <arx:constraint type="midpoint" of="wall.start room.right"/>
    <arx:constraint type="horizontal" of="wall"/>
    <arx:constraint type="distance" of="wall.start wall.end" value="80"/>
    <arx:constraint type="coincident" of="wall.end column.center"/>
  </arx:constraints>
</svg>"#;

fn sessions() -> Sessions {
    let store = Arc::new(Memory::new(StoreLimits::default()));
    Sessions::new(store, Arc::new(Monotonic::new()), Options::default())
}

fn done(sessions: &Sessions, key: &Key, value: Value) -> Value {
    done_within(sessions, key, value, &Budget::unlimited(Class::Ui, Tier::Compute)).unwrap()
}

/// `None` where the budget is not enough for an answer.
fn done_within(sessions: &Sessions, key: &Key, value: Value, budget: &Budget) -> Option<Value> {
    let operation: Operation = serde_json::from_value(value).unwrap();
    let outcome = sessions.apply(key, &operation, budget).ok()?.wait().unwrap();
    Some(serde_json::to_value(outcome).unwrap())
}

fn numbers(sessions: &Sessions, key: &Key, id: &str, names: &[&str]) -> Vec<f64> {
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let read = |s: &svgx_session::Session| {
        let node = s.document().by_id(id).unwrap();
        names.iter().map(|n| s.document().attr(node, n).unwrap().parse().unwrap()).collect()
    };
    sessions.read(key, &budget, read).unwrap()
}

#[test]
fn dragging_a_constrained_element_takes_along_what_hangs_on_it() {
    let (sessions, key) = (sessions(), Key::new("t", "drag").unwrap());
    done(&sessions, &key, json!({ "operation": "load", "content": DRAWING }));
    let at = json!({ "x": 30, "y": 30 });
    done(
        &sessions,
        &key,
        json!({ "operation": "drag_start", "element_id": "room", "coordinates": at }),
    );
    for (dx, dy) in [(1, 0), (5, 3), (12, -4)] {
        let at = json!({ "x": 30 + dx, "y": 30 + dy });
        let tick = done(&sessions, &key, json!({ "operation": "drag_move", "coordinates": at }));
        let said = &tick["result"]["constrained"];
        assert_eq!((&said["outcome"], &said["interpolated"]), (&json!("solved"), &json!(false)));
        let (dx, dy) = (f64::from(dx), f64::from(dy));
        assert_eq!(numbers(&sessions, &key, "room", &["x", "y"]), [20.0 + dx, 20.0 + dy]);
        assert_eq!(
            numbers(&sessions, &key, "wall", &["x1", "y1", "x2"]),
            [120.0 + dx, 60.0 + dy, 200.0 + dx]
        );
        assert_eq!(numbers(&sessions, &key, "column", &["cx", "cy"]), [200.0 + dx, 60.0 + dy]);
        assert_eq!(numbers(&sessions, &key, "chair", &["x", "y"]), [300.0, 200.0]);
    }
    let end = done(&sessions, &key, json!({ "operation": "drag_end" }));
    assert_eq!(end["state"]["undo_depth"], 1);
    // One step of undo brings everything back.
    done(&sessions, &key, json!({ "operation": "undo" }));
    assert_eq!(numbers(&sessions, &key, "column", &["cx", "cy"]), [200.0, 60.0]);
    assert_eq!(numbers(&sessions, &key, "room", &["x", "y"]), [20.0, 20.0]);
    // What nothing constrains moves as before.
    done(&sessions, &key, json!({ "operation": "drag_start", "element_id": "chair" }));
    let at = json!({ "x": 310, "y": 210 });
    let tick = done(&sessions, &key, json!({ "operation": "drag_end", "coordinates": at }));
    assert_eq!(tick["result"]["constrained"], Value::Null);
    assert_eq!(numbers(&sessions, &key, "chair", &["x", "y"]), [310.0, 210.0]);
}

#[test]
fn a_constraint_added_in_the_session_holds_while_dragging() {
    let (sessions, key) = (sessions(), Key::new("t", "active").unwrap());
    done(&sessions, &key, json!({ "operation": "load", "content": DRAWING }));
    let level = json!({ "type": "vertical", "elements": ["chair.left", "column.center"] });
    done(&sessions, &key, json!({ "operation": "add_constraint", "constraint": level }));
    let level =
        json!({ "type": "distance", "elements": ["chair.left", "column.center"], "value": 100 });
    done(&sessions, &key, json!({ "operation": "add_constraint", "constraint": level }));
    done(&sessions, &key, json!({ "operation": "drag_start", "element_id": "column" }));
    let at = json!({ "x": 230, "y": 90 });
    done(&sessions, &key, json!({ "operation": "drag_end", "coordinates": at }));
    assert_eq!(numbers(&sessions, &key, "column", &["cx", "cy"]), [230.0, 90.0]);
    assert_eq!(numbers(&sessions, &key, "chair", &["x"]), [330.0]);
}

/// A clock that moves on by a microsecond whenever it is looked at.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Clock for Counting {
    fn now(&self) -> Time {
        Time(self.0.fetch_add(1_000, Ordering::SeqCst))
    }
}

#[test]
fn ticks_without_time_are_drawn_between_solutions_and_letting_go_solves() {
    let tick = |by: i32| json!({ "operation": "drag_move", "coordinates": { "x": 30 + by, "y": 30 + 2 * by } });
    let mut between = 0;
    for tight in 1..40 {
        let (sessions, key) = (sessions(), Key::new("t", "between").unwrap());
        let go = |value: Value| done(&sessions, &key, value)["result"]["constrained"].clone();
        let at = json!({ "x": 30, "y": 30 });
        go(json!({ "operation": "load", "content": DRAWING }));
        go(json!({ "operation": "drag_start", "element_id": "room", "coordinates": at }));
        go(tick(3));
        // One tick on a clock that moves on with every look: its solve takes most of what it has.
        let deadline = Time::default().after(Duration::from_micros(tight));
        let budget = Budget::unlimited(Class::Ui, Tier::Compute)
            .until(deadline, Arc::new(Counting::default()));
        let Some(slow) = done_within(&sessions, &key, tick(6), &budget) else { continue };
        let slow = slow["result"]["constrained"].clone();
        let next = go(tick(9));
        if slow["outcome"] == "solved" && next["interpolated"] == true {
            between += 1;
            assert_eq!(next["outcome"], "partial");
            // The room is carried straight on, and so is what hangs on it.
            let column = numbers(&sessions, &key, "column", &["cx", "cy"]);
            assert!((column[0] - 209.0).abs() < 1e-3 && (column[1] - 78.0).abs() < 1e-3);
        }
        let end = json!({ "operation": "drag_end", "coordinates": { "x": 42, "y": 54 } });
        let last = go(end);
        assert_eq!((&last["outcome"], &last["interpolated"]), (&json!("solved"), &json!(false)));
        assert_eq!(numbers(&sessions, &key, "column", &["cx", "cy"]), [212.0, 84.0]);
    }
    assert!(between > 0, "no tick was drawn between two solutions");
}

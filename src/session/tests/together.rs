//! Several participants and the store: what is kept, and what older versions have kept.

use std::sync::Arc;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_engine::document::canonical;
use svgx_session::{
    Author, Error, Key, Memory, Operation, Options, Outcome, Participant, Sessions, Store,
    StoreLimits,
};

const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect id="a" x="1" y="2" width="3" height="4"/><g id="g"/></svg>"#;

fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

fn key() -> Key {
    Key::new("tenant", "plan").unwrap()
}

fn memory() -> Arc<Memory> {
    Arc::new(Memory::new(StoreLimits::default()))
}

fn sessions(store: &Arc<Memory>) -> Sessions {
    let options = Options { snapshot_records: 1_000, ..Options::default() };
    Sessions::new(Arc::clone(store) as Arc<dyn Store>, Arc::new(Monotonic::new()), options)
}

fn author(id: &str) -> Author {
    let participant = Participant::new(id).unwrap();
    Author { participant, name: Some(id.to_uppercase()), id: None, base: None }
}

fn by(sessions: &Sessions, author: &Author, operation: Value) -> Result<Outcome, Error> {
    let operation: Operation = serde_json::from_value(operation).unwrap();
    sessions.apply_by(&key(), author, &operation, &budget())?.wait()
}

fn set(id: &str, name: &str, value: &str) -> Value {
    json!({"operation": "set_attribute", "element_id": id, "name": name, "value": value})
}

fn text(sessions: &Sessions) -> String {
    sessions.read(&key(), &budget(), |session| canonical(session.document())).unwrap()
}

/// A store as the version before participants wrote it: a snapshot with a step, and records.
fn old_store() -> Arc<Memory> {
    let store = memory();
    let snapshot = json!({
        "v": 2, "at": 5,
        "attributes": [[1, [["id", "a"], ["x", "7"], ["y", "2"], ["width", "3"], ["height", "4"]]]],
        "interactive": {"selected": [1], "precision": "compute"},
        "history": {"done": [{"edits": [{"e": 1, "a": "x", "o": "1", "n": "7"}]}], "undone": []},
        "machine": null,
    });
    let records = [
        json!({"at": 6, "op": "set_attribute", "edits": [{"e": 1, "a": "y", "o": "2", "n": "8"}], "history": "push"}),
        json!({"at": 7, "op": "undo", "edits": [{"e": 1, "a": "y", "o": "8", "n": "2"}], "history": "undo"}),
        json!({"v": 2, "at": 8, "op": "add", "history": "push", "edits": [{
            "t": "insert", "parent": 2, "at": 0,
            "fragment": {"pieces": [{"l": 0, "n": 3, "e": "svg:rect", "a": [["id", "n"], ["width", "1"], ["height", "1"]]}]},
        }]}),
    ];
    let bytes = |value: &Value| serde_json::to_vec(value).unwrap();
    store.begin(&key(), 4, DRAWING, bytes(&snapshot)).wait().unwrap();
    for (sequence, record) in (5..).zip(&records) {
        store.append(&key(), sequence, bytes(record)).wait().unwrap();
    }
    store
}

#[test]
fn what_an_older_version_stored_is_read_and_taken_back() {
    let store = old_store();
    let sessions = sessions(&store);
    let state = sessions.state(&key(), &budget()).unwrap();
    assert_eq!((state.sequence, state.undo_depth, state.redo_depth), (7, 2, 0));
    assert_eq!(state.selected_elements, ["a"]);
    assert!(sessions.damage(&key(), &budget()).unwrap().is_empty());
    let before = text(&sessions);
    assert!(before.contains(r#"x="7""#) && before.contains(r#"id="n""#), "{before}");
    // A participant works on it, with a history of their own.
    by(&sessions, &author("ana"), set("a", "y", "9")).unwrap();
    let nobody = Author::default();
    for expected in [false, true] {
        let done = by(&sessions, &nobody, json!({"operation": "undo"})).unwrap();
        assert!(done.result.restored.is_none());
        assert_eq!(text(&sessions).contains(r#"x="1""#), expected);
    }
    let undone = by(&sessions, &author("ana"), json!({"operation": "undo"})).unwrap();
    assert_eq!(undone.state.undo_depth, 0);
    assert_eq!(text(&sessions).matches("<rect").count(), 1);
    for _ in 0..2 {
        by(&sessions, &nobody, json!({"operation": "redo"})).unwrap();
    }
    assert_eq!(text(&sessions), before);
}

#[test]
fn records_have_the_oldest_form_that_can_say_them() {
    let store = memory();
    let sessions = sessions(&store);
    let nobody = Author::default();
    by(&sessions, &nobody, json!({"operation": "load", "content": DRAWING})).unwrap();
    by(&sessions, &nobody, set("a", "x", "2")).unwrap();
    let group = json!({"operation": "group", "element_id": "a", "group_id": "h"});
    by(&sessions, &nobody, group).unwrap();
    by(&sessions, &author("ana"), set("a", "x", "3")).unwrap();
    by(&sessions, &author("ana"), set("a", "x", "4")).unwrap();
    let stored = store.load(&key()).unwrap().unwrap();
    let record = |at: usize| -> Value { serde_json::from_slice(&stored.records[at].1).unwrap() };
    let members = |at| {
        let record = record(at);
        let names: Vec<String> = record.as_object().unwrap().keys().cloned().collect();
        (record["v"].as_u64().unwrap_or(1), names)
    };
    let (version, names) = members(0);
    assert_eq!(
        (version, &names[..]),
        (1, &["at", "op", "edits", "history"].map(str::to_owned)[..])
    );
    assert_eq!(members(1).0, 2);
    assert_eq!(members(2).0, 3);
    assert_eq!((record(2)["by"].as_str(), record(2)["name"].as_str()), (Some("ana"), Some("ANA")));
    // A name is said where it is new.
    assert_eq!((record(3)["by"].as_str(), record(3)["name"].as_str()), (Some("ana"), None));
}

#[test]
fn whose_steps_they_are_outlives_the_process_with_and_without_a_snapshot() {
    for snapshot_records in [1, 1_000] {
        let store = memory();
        let start = || {
            let options = Options { snapshot_records, ..Options::default() };
            let store = Arc::clone(&store) as Arc<dyn Store>;
            Sessions::new(store, Arc::new(Monotonic::new()), options)
        };
        let sessions = start();
        let (ana, bo) = (author("ana"), author("bo"));
        by(&sessions, &bo, json!({"operation": "load", "content": DRAWING})).unwrap();
        let once = Author { id: Some("once".to_owned()), ..ana.clone() };
        by(&sessions, &once, json!({"operation": "duplicate", "element_id": "a"})).unwrap();
        by(&sessions, &ana, set("a", "x", "5")).unwrap();
        by(&sessions, &ana, set("a", "y", "6")).unwrap();
        by(&sessions, &bo, set("a", "x", "9")).unwrap();
        let before = text(&sessions);
        drop(sessions);

        let sessions = start();
        assert_eq!(text(&sessions), before);
        let again = by(&sessions, &once, json!({"operation": "duplicate", "element_id": "a"}));
        assert_eq!(again.unwrap().state.sequence, 2, "it was done then, and is not done again");
        assert_eq!(text(&sessions), before);
        let reused = by(&sessions, &once, json!({"operation": "undo"}));
        assert!(matches!(reused, Err(Error::BadId { .. })), "{reused:?}");
        let first = by(&sessions, &ana, json!({"operation": "undo"})).unwrap();
        assert!(first.result.restored.is_none(), "the y is still Ana's");
        let second = by(&sessions, &ana, json!({"operation": "undo"})).unwrap();
        let restored = second.result.restored.expect("the x is Bo's");
        assert_eq!((restored.restored, restored.of), (0, 1));
        let kept = &restored.kept[0];
        assert_eq!(
            (kept.attribute.as_deref(), kept.by.as_str(), kept.sequence),
            (Some("x"), "BO", 5)
        );
        let taken = by(&sessions, &bo, json!({"operation": "undo"})).unwrap();
        assert!(taken.result.restored.is_none());
        assert!(text(&sessions).contains(r#"x="5""#), "what Ana wrote before Bo is back");
    }
}

#[test]
fn each_holds_and_selects_something_of_their_own() {
    let sessions = sessions(&memory());
    let (ana, bo) = (author("ana"), author("bo"));
    by(&sessions, &ana, json!({"operation": "load", "content": DRAWING})).unwrap();
    by(&sessions, &ana, json!({"operation": "select", "element_id": "a"})).unwrap();
    by(&sessions, &bo, json!({"operation": "select", "element_id": "g"})).unwrap();
    let at = |x: f64| json!({"x": x, "y": 0});
    let start = json!({"operation": "drag_start", "element_id": "a", "coordinates": at(0.0)});
    by(&sessions, &ana, start).unwrap();
    // Bo holds nothing, and what Bo does is no end of Ana's drag.
    let done =
        by(&sessions, &bo, json!({"operation": "drag_move", "coordinates": at(9.0)})).unwrap();
    assert_eq!(done.result.is_dragging, Some(false));
    by(&sessions, &bo, set("a", "fill", "red")).unwrap();
    let done =
        by(&sessions, &ana, json!({"operation": "drag_end", "coordinates": at(10.0)})).unwrap();
    assert_eq!(done.state.selected_elements, ["a"]);
    assert!(text(&sessions).contains(r#"x="11""#), "{}", text(&sessions));
    let participant = |author: &Author| author.participant.clone();
    let states = [participant(&ana), participant(&bo)];
    let states = states.map(|p| sessions.read(&key(), &budget(), |s| s.state_of(&p)).unwrap());
    assert_eq!(states[1].selected_elements, ["g"]);
    assert_eq!(states.map(|state| state.undo_depth), [1, 1]);
}

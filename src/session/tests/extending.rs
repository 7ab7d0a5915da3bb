//! Ends that are lengthened to the nearest thing ahead of them, among many.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_session::{Key, Memory, Operation, Options, Sessions, StoreLimits};

/// A line between walls, with gates before each that it goes through, and walls of other lines.
fn drawing() -> String {
    let mut text = String::from(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="-500 -500 2000 2000"><line id="line" x1="0" y1="50" x2="10" y2="50" stroke="black"/>"#,
    );
    for n in 0..20 {
        let x = 20 + 5 * n;
        // Its box is in the way, it is not.
        let _ = write!(
            text,
            r#"<path d="M{x} 0h3M{x} 100h3" stroke="black"/><path d="M{} 0h-3M{} 100h-3" stroke="black"/>"#,
            -x, -x
        );
        let wall = 900 - 35 * n;
        let _ = write!(text, r#"<line x1="{wall}" y1="0" x2="{wall}" y2="100" stroke="black"/>"#);
        let _ = write!(text, r#"<line x1="{x}" y1="200" x2="{x}" y2="300" stroke="black"/>"#);
    }
    text + r#"<line x1="-150" y1="0" x2="-150" y2="100" stroke="black"/></svg>"#
}

#[test]
fn an_end_goes_through_what_is_not_in_its_way_and_no_farther_than_the_nearest() {
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let store = Arc::new(Memory::new(StoreLimits::default()));
    let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
    let key = Key::new("t", "extend").unwrap();
    let run = |operation: Value| {
        let operation: Operation = serde_json::from_value(operation).unwrap();
        sessions.apply(&key, &operation, &budget).and_then(|done| done.wait())
    };
    run(json!({ "operation": "load", "content": drawing() })).unwrap();
    let ends = || {
        let read = |session: &svgx_session::Session| {
            let document = session.document();
            let line = document.by_id("line").unwrap();
            ["x1", "x2"].map(|name| document.attr(line, name).unwrap().to_owned())
        };
        sessions.read(&key, &budget, read).unwrap()
    };
    let extend = |x: f64| {
        run(json!({ "operation": "extend", "element_id": "line", "at": { "x": x, "y": 50 } }))
    };
    extend(10.0).unwrap();
    assert_eq!(ends(), ["0", "235"]);
    extend(0.0).unwrap();
    assert_eq!(ends(), ["-150", "235"]);
    // From where it ends, on to the next.
    extend(235.0).unwrap();
    assert_eq!(ends(), ["-150", "270"]);
    let refused = extend(-150.0).unwrap_err();
    assert!(refused.to_string().contains("nothing lies ahead"), "{refused}");
}

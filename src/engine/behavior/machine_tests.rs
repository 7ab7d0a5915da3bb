//! What events do: the document in, the changes out.

use super::*;
use svgx_base::budget::Time;

fn fired(triggers: &str, events: &[(Event, u64)]) -> (Document, Machine, Vec<Change>) {
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 100 100">
        <arx:object id="lamp" type="electrical.light_fixture"><arx:behavior>
          <arx:variables><arx:variable name="level" value="1"/></arx:variables>
          <arx:calculations><arx:calculation name="twice" formula="level * 2"/></arx:calculations>
          <arx:triggers>{triggers}</arx:triggers></arx:behavior></arx:object>
        <rect id="box" width="9" height="9" arx:object="lamp"/></svg>"#
    );
    let limits = Limits::default();
    let mut document = crate::document::parse(&text, &limits).unwrap();
    let program = Program::compile(&document, &limits);
    let mut machine = Machine::new(&document, &program);
    let mut changes = Vec::new();
    for (event, seconds) in events {
        let now = Time(seconds * 1_000_000_000);
        changes.extend(machine.due(&mut document, &program, now));
        changes.extend(machine.fire(&mut document, &program, &event.clone().at(now)));
    }
    (document, machine, changes)
}

#[test]
fn an_action_leaves_its_attribute() {
    let click = || Event::on("click", "lamp");
    /// What is done, with which events at which seconds, to which element, and the state after.
    type Case<'c> = (&'c str, Vec<(Event, u64)>, &'c str, Option<&'c str>);
    let cases: [Case<'_>; 9] = [
        (r#"event="click" action="toggle""#, vec![(click(), 0)], "state", Some("on")),
        (
            r#"event="click" action="toggle""#,
            vec![(click(), 0), (click(), 1)],
            "state",
            Some("off"),
        ),
        (
            r#"event="click" action="toggle""#,
            vec![(Event::on("click", "box"), 0)],
            "state",
            Some("on"),
        ),
        (
            r#"event="click" action="turn_on""#,
            vec![(click(), 0), (click(), 1)],
            "state",
            Some("on"),
        ),
        (r#"event="click" action="turn_off""#, vec![(click(), 0)], "state", Some("off")),
        (
            r#"event="hover" action="highlight""#,
            vec![(Event::on("hover", "lamp"), 0)],
            "highlight",
            Some("true"),
        ),
        (
            r#"event="click" action="auto_off" delay="5""#,
            vec![(click(), 0), (Event::on("x", "lamp"), 4)],
            "state",
            None,
        ),
        (
            r#"event="click" action="auto_off" delay="5""#,
            vec![(click(), 0), (Event::on("x", "lamp"), 6)],
            "state",
            Some("off"),
        ),
        (r#"event="click" action="toggle""#, vec![(Event::on("hover", "lamp"), 0)], "state", None),
    ];
    for (trigger, events, name, expected) in cases {
        let (document, _, changes) = fired(&format!("<arx:trigger {trigger}/>"), &events);
        let lamp = document.by_id("lamp").unwrap();
        assert_eq!(document.arx(lamp, name), expected, "{trigger} {changes:?}");
    }
}

#[test]
fn an_element_that_is_switched_on_goes_off_when_its_time_has_come() {
    let triggers = r#"<arx:trigger event="click" action="toggle"/><arx:trigger event="time" action="auto_off" delay="60"/>"#;
    let quiet = || Event::on("nothing", "lamp");
    let click = || Event::on("click", "lamp");
    for (events, expected, waits) in [
        (vec![(click(), 0), (quiet(), 59)], "on", true),
        (vec![(click(), 0), (quiet(), 60)], "off", false),
        (vec![(click(), 0), (click(), 1), (quiet(), 2)], "off", false),
    ] {
        let (document, machine, changes) = fired(triggers, &events);
        let lamp = document.by_id("lamp").unwrap();
        assert_eq!(document.arx(lamp, "state"), Some(expected), "{changes:?}");
        assert_eq!(machine.next_due().is_some(), waits);
    }
}

#[test]
fn events_that_set_each_other_off_end() {
    let triggers = r#"<arx:trigger event="click" action="trigger" name="again"/><arx:trigger event="again" action="trigger" name="again"/>"#;
    let (_, _, changes) = fired(triggers, &[(Event::on("click", "lamp"), 0)]);
    let last = changes.last().map(|c| &c.what);
    assert!(matches!(last, Some(What::Record { action: "failed", .. })), "{last:?}");
    assert!(changes.len() <= CASCADE_DEPTH + 3, "{}", changes.len());
}

#[test]
fn an_update_is_followed_by_what_is_calculated_from_it() {
    let trigger = r#"<arx:trigger event="click" action="update" name="level" value="3"/>"#;
    let (_, _, changes) = fired(trigger, &[(Event::on("click", "lamp"), 0)]);
    let values: Vec<_> = changes
        .iter()
        .filter_map(|c| match &c.what {
            What::Value { name, new, .. } => Some((name.as_str(), *new)),
            _ => None,
        })
        .collect();
    assert_eq!(values, [("lamp.level", Some(3.0)), ("lamp.twice", Some(6.0))]);
}

//! What a drawing shows of its networks without being solved.

use crate::unlimited;
use svgx_engine::document::{self, Diagnostic, LineIndex, Severity, parse};
use svgx_networks::read;

fn drawing(body: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9000 9000" width="900" height="900" arx:units="mm">{body}</svg>"#
    )
}

fn check(text: &str) -> Vec<Diagnostic> {
    let limits = document::Limits::default();
    let document = parse(text, &limits).unwrap();
    read::check(&document, &limits, &unlimited()).unwrap()
}

/// A system with components and connections, one a line: the connections begin at the third.
fn system(head: &str, components: &str, connections: &str) -> String {
    drawing(&format!(
        "<arx:system id='s' {head}>\n<arx:components>{components}</arx:components>\n<arx:connections>{connections}</arx:connections></arx:system>"
    ))
}

const TANK: &str = "<arx:component ref='tank' type='tank' head='20 m'/>";
const TAP: &str = "<arx:component ref='tap' type='demand' flow='1 L/s'/>";

#[test]
fn what_the_drawing_shows_is_found_with_its_place() {
    let pipe = |id: &str, from: &str, to: &str, more: &str| {
        format!(
            "<arx:connection id='{id}' from='{from}' to='{to}' type='pipe' length='1 m' diameter='20 mm' {more}/>"
        )
    };
    let water = "type='plumbing' network='water'";
    let board = "<arx:component ref='board' type='source' voltage='400 V' phases='ABCN'/>";
    let lamp = "<arx:component ref='lamp' type='load' power='1 kW' phases='ABCN'/>";
    let cases = [
        (
            system(water, &format!("{TANK}{TAP}"), &pipe("p", "tank", "tap", "open='no'")),
            "network-island",
            Severity::Warning,
            "tap gets no water: p is closed",
            3,
        ),
        (
            system(water, TAP, &pipe("p", "well", "tap", "")),
            "network-no-source",
            Severity::Warning,
            "well and tap get no water: nothing leads there from a source",
            3,
        ),
        (
            system(
                water,
                TANK,
                &(pipe("p", "tank", "tap", "open='no'") + &pipe("q", "tap", "end", "")),
            ),
            "network-floating",
            Severity::Warning,
            "nothing fixes the pressure of tap and end",
            3,
        ),
        (
            system(water, &format!("{TANK}{TAP}"), &pipe("p", "tank", "tap", "roughness='1 kg'")),
            "network-unit",
            Severity::Error,
            "roughness of p: ",
            3,
        ),
        (
            system(
                "type='electrical' network='electrical'",
                &format!("{board}{lamp}"),
                "<arx:connection id='c' from='board' to='lamp' type='power' phases='ABN' resistance='1 ohm'/>",
            ),
            "network-phase",
            Severity::Error,
            "lamp has a conductor C that no source reaches",
            2,
        ),
        (
            system(
                "type='electrical' network='electrical'",
                &format!("{board}{lamp}"),
                "<arx:connection id='c' from='board' to='lamp' type='switch' phases='ABCN' open='yes'/>",
            ),
            "network-island",
            Severity::Warning,
            "lamp gets no supply: c is open",
            3,
        ),
        (
            system(
                "type='electrical' network='electrical'",
                &format!("{board}<arx:component ref='other' type='source' voltage='230 V'/>"),
                "<arx:connection id='c' from='board' to='other' type='switch' phases='ABC'/>",
            ),
            "network-conflict",
            Severity::Error,
            "board and other are joined without an impedance: one is 400 V, the other 230 V",
            2,
        ),
        (
            system(
                "type='hvac' network='heat'",
                "<arx:component ref='room' heat='1 kW'/>",
                "<arx:connection id='c' from='room' to='hall' conductance='5 W/K'/>",
            ),
            "network-no-source",
            Severity::Warning,
            "nothing takes up the heat of room and hall",
            2,
        ),
        (
            drawing(
                "<circle id='a' r='1'/><circle id='b' cx='9' r='1'/><arx:system id='s' type='architecture' network='frame'><arx:connections>\n<arx:connection id='m' from='a' to='b' modulus='1 GPa' area='1 m^2' inertia='1 m^4'/></arx:connections></arx:system>",
            ),
            "network-mechanism",
            Severity::Error,
            "nothing holds a and b",
            1,
        ),
        (
            drawing(
                "\n<arx:system id='s' type='architecture' network='frame'><arx:connections>\n<arx:connection id='m' from='a' to='b'/></arx:connections></arx:system>",
            ),
            "network-terminal",
            Severity::Error,
            "a is not drawn",
            2,
        ),
    ];
    for (text, code, severity, words, line) in cases {
        let found = check(&text);
        let d = found.iter().find(|d| d.message.starts_with(words));
        let d = d.unwrap_or_else(|| panic!("{words}: {found:?}"));
        assert_eq!((d.code.as_str(), d.severity), (code, severity), "{d:?}");
        assert_eq!(LineIndex::new(&text).position(&text, d.span.start).line, line, "{d:?}");
    }
}

#[test]
fn a_sound_network_has_no_finding_and_what_is_none_is_not_looked_at() {
    let sound =
        "<arx:connection id='p' from='tank' to='tap' type='pipe' length='1 m' diameter='20 mm'/>";
    let parts = format!("{TANK}{TAP}");
    assert!(check(&system("type='plumbing' network='water'", &parts, sound)).is_empty());
    // A list of what belongs together.
    let plain = "<arx:connection from='tank' to='tap' type='heating_water'/>";
    for kind in ["plumbing", "mechanical", "electrical", "hvac", "fire"] {
        assert!(check(&system(&format!("type='{kind}'"), &parts, plain)).is_empty(), "{kind}");
    }
    // The quantities of a network make it one.
    let bad = sound.replace("20 mm", "20 kg");
    assert_eq!(check(&system("type='mechanical'", &parts, &bad)).len(), 1);
    assert_eq!(check(&system("type='fire'", &parts, &bad)).len(), 0);
    let cable = "<arx:connection id='c' from='a' to='b' size='3 kg' length='1 m'/>";
    assert_eq!(check(&system("type='electrical'", "", cable)).len(), 2);
}

#[test]
fn drawings_of_today_have_no_finding_of_a_network() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "svgx") {
            seen += 1;
            let found = check(&std::fs::read_to_string(&path).unwrap());
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn connections_without_an_id_are_told_apart_by_what_they_join() {
    let two = "<arx:connection from='tank' to='tap' type='hose'/>".repeat(2);
    let found = check(&system("type='plumbing' network='water'", &format!("{TANK}{TAP}"), &two));
    let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
    let kinds = "known are pipe, duct, valve, check, prv and limiter";
    let first = format!("tank to tap is a \"hose\": {kinds}");
    let second = format!("tank to tap (2) is a \"hose\": {kinds}");
    assert!(messages.contains(&&*first) && messages.contains(&&*second), "{messages:?}");
}

#[test]
fn findings_without_number_are_counted() {
    let many = "<arx:connection from='tank' to='tap' type='hose'/>".repeat(1_000);
    let found = check(&system("type='plumbing' network='water'", TANK, &many));
    assert_eq!(found.len(), 201);
    assert!(found.iter().any(|d| d.message.starts_with("800 more findings")), "{:?}", found.last());
}

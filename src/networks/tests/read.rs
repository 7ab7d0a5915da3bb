//! Networks of drawings.

use crate::{near, unlimited};
use svgx_engine::document::{self, parse};
use svgx_engine::geometry::Scene;
use svgx_networks::read::{System, read};
use svgx_networks::{Answer, Kind, Limits};

pub(super) fn systems(body: &str) -> Vec<System> {
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9000 9000" width="900" height="900" arx:units="mm">{body}</svg>"#
    );
    let limits = document::Limits::default();
    let document = parse(&text, &limits).unwrap();
    let errors: Vec<_> =
        document.diagnostics().iter().filter(|d| d.severity == document::Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let scene = Scene::build(&document, &limits, &unlimited()).unwrap();
    read(&document, &scene, &limits, &unlimited()).unwrap()
}

pub(super) fn solve(body: &str) -> Answer {
    let systems = systems(body);
    Answer::of(&systems[0], &Limits::default(), &unlimited()).unwrap()
}

#[track_caller]
pub(super) fn value(answer: &Answer, element: &str, name: &str) -> f64 {
    let mut rows = answer.nodes.iter().chain(&answer.links);
    let row = rows.find(|r| &*r.name == element).unwrap_or_else(|| panic!("{answer:#?}"));
    row.values.iter().find(|v| v.name == name).unwrap().value.unwrap()
}

const WATER: &str = r#"
  <path id="s1" arx:object="c1" d="M0 0H3000V4000" fill="none" stroke="black"/>
  <arx:object id="tank" type="plumbing.tank"/>
  <arx:object id="tap" type="plumbing.tap"><arx:behavior><arx:variables><arx:variable name="flow" value="0.5" unit="L/s"/></arx:variables></arx:behavior></arx:object>
  <arx:system id="cold" type="plumbing" network="water" fluid="water 20 C">
    <arx:components><arx:component ref="tank" type="reservoir" head="20 m"/><arx:component ref="tap" type="demand"/></arx:components>
    <arx:connections><arx:connection id="c1" from="tank" to="tap" type="pipe" diameter="20 mm" roughness="0.0015 mm" minor="2" rise="1 m"/></arx:connections>
  </arx:system>"#;

#[test]
fn a_pipe_is_as_long_as_its_shape_and_a_formula_may_be_a_demand() {
    let answer = solve(WATER);
    assert!(answer.findings.is_empty(), "{:?}", answer.findings);
    near("flow", value(&answer, "c1", "flow"), 0.0005, 1e-9);
    near("velocity", value(&answer, "c1", "velocity"), 0.0005 / (3.141_592_653_59e-4), 1e-9);
    let long = value(&answer, "tap", "head");
    // The shape is 3 m + 4 m long and rises by 1 m: the same as eight metres in words.
    let written = WATER.replace("rise=\"1 m\"", "length=\"8 m\"");
    near("head", value(&solve(&written), "tap", "head"), long, 1e-12);
    // Dragging the shape is a hydraulic edit.
    let shorter = WATER.replace("V4000", "V1000");
    assert!(value(&solve(&shorter), "tap", "head") > long + 0.1);
}

#[test]
fn a_pump_between_its_terminals_drives_a_closed_loop() {
    let answer = solve(
        r#"
  <arx:object id="pump" type="mechanical.pump"><arx:properties><arx:property name="curve" value="0 L/s 12 m, 8 L/s 10 m, 14 L/s 4 m"/></arx:properties></arx:object>
  <arx:object id="r1" type="mechanical.radiator"/>
  <arx:object id="vessel" type="mechanical.vessel"/>
  <arx:system id="heating" type="mechanical" network="water">
    <arx:components><arx:component ref="vessel" type="tank" level="15 m"/></arx:components>
    <arx:connections>
      <arx:connection id="flow" from="pump.out" to="r1.in" type="pipe" length="10 m" diameter="80 mm"/>
      <arx:connection id="v1" from="r1.out" to="vessel" type="valve" kv="20 m^3/h" open="60 %"/>
      <arx:connection id="back" from="vessel" to="pump" type="pipe" length="10 m" diameter="80 mm"/>
    </arx:connections>
  </arx:system>"#,
    );
    assert!(answer.findings.is_empty(), "{:?}", answer.findings);
    assert!(answer.effort.converged);
    let flow = value(&answer, "pump", "flow");
    assert!(flow > 1e-3);
    for link in ["flow", "v1", "back"] {
        near(link, value(&answer, link, "flow"), flow, 1e-6);
    }
    near("head", value(&answer, "vessel", "head"), 15.0, 1e-12);
}

#[test]
fn a_board_feeds_its_lamps_and_a_missing_unit_is_told() {
    let body = |size: &str| {
        format!(
            r#"
  <arx:object id="msb" type="electrical.panel" system="electrical"/>
  <arx:object id="lf01" type="electrical.light_fixture" system="electrical"><arx:properties><arx:property name="power" value="2 kW"/></arx:properties></arx:object>
  <arx:system id="power" type="electrical" network="electrical">
    <arx:components><arx:component ref="msb" type="source" voltage="400 V" fault="15 kA" phases="ABCN"/><arx:component ref="lf01" type="load" phases="AN" pf="0.95"/></arx:components>
    <arx:connections><arx:connection id="c1" from="msb" to="lf01" type="power" phases="AN" size="{size}" material="copper" length="30 m"/></arx:connections>
  </arx:system>"#
        )
    };
    let answer = solve(&body("2.5 mm^2"));
    assert!(answer.findings.is_empty() && answer.effort.converged, "{answer:?}");
    let (volts, amps) = (value(&answer, "lf01.A", "voltage"), value(&answer, "c1", "current"));
    near("power", volts * amps * 0.95, 2000.0, 1e-4);
    let drop = 2.0 * 30.0 * amps * (0.95 / 54.0 / 2.5 + 0.08e-3 * (1.0f64 - 0.9025).sqrt());
    assert!((230.94 - volts - drop).abs() < 0.3, "{volts} {drop}");
    let told = solve(&body("2.5"));
    let f = told.findings.iter().find(|f| f.kind == Kind::Unit).unwrap();
    assert_eq!(f.message, "size of c1 is 2.5 without a unit: taken as m^2");
    let wrong = solve(&body("2.5 kg"));
    assert!(
        wrong
            .findings
            .iter()
            .any(|f| f.kind == Kind::Unit && f.message.contains("cannot be converted")),
        "{:?}",
        wrong.findings
    );
    assert!(wrong.findings.iter().any(|f| f.kind == Kind::Island), "{:?}", wrong.findings);
}

#[test]
fn rooms_and_frames_of_a_drawing_are_solved() {
    let heat = solve(
        r#"
  <rect id="room" arx:object="room" width="4000" height="3000"/>
  <arx:object id="air" type="architecture.outside"/>
  <arx:system id="heat" type="hvac" network="heat">
    <arx:components><arx:component ref="room" type="room" temperature="20 C"/><arx:component ref="air" type="outside" temperature="-10 C"/></arx:components>
    <arx:connections><arx:connection id="wall" from="room" to="air" type="conduction" u="0.35 W/(m^2*K)" area="96 m^2"/></arx:connections>
  </arx:system>"#,
    );
    near("heat", value(&heat, "room", "heat"), 1008.0, 1e-9);
    let frame = solve(
        r#"
  <circle id="a" arx:object="a" cx="0" cy="5000" r="100"/>
  <circle id="b" arx:object="b" cx="5000" cy="5000" r="100"/>
  <arx:system id="beam" type="architecture" network="frame">
    <arx:components><arx:component ref="a" type="support" fixed="xyr"/><arx:component ref="b" type="node" load="30 kN"/></arx:components>
    <arx:connections><arx:connection id="m" from="a" to="b" type="member" modulus="210 GPa" area="0.00626 m^2" inertia="8e-5 m^4"/></arx:connections>
  </arx:system>"#,
    );
    assert!(frame.findings.is_empty(), "{:?}", frame.findings);
    near("down", value(&frame, "b", "down"), 0.074_404_761_904_8, 1e-9);
    near("up", value(&frame, "a", "reaction up"), 30e3, 1e-9);
}

#[test]
fn what_cannot_be_read_names_the_element_and_the_rest_is_answered() {
    for (from, to, kind, words) in [
        ("diameter=\"20 mm\"", "", Kind::Quantity, "c1 has no diameter"),
        (
            "diameter=\"20 mm\"",
            "diameter=\"wide\"",
            Kind::Quantity,
            "diameter of c1 is \"wide\", which is no quantity",
        ),
        ("type=\"pipe\"", "type=\"hose\"", Kind::Quantity, "c1 is a \"hose\""),
        ("network=\"water\"", "network=\"beer\"", Kind::Quantity, "cold is a network \"beer\""),
        ("water 20 C", "milk", Kind::Quantity, "there is no fluid \"milk\""),
    ] {
        let answer = solve(&WATER.replacen(from, to, 1));
        let f = &answer.findings[0];
        assert!(f.kind == kind && f.message.starts_with(words), "{f:?}");
    }
    assert!(systems("<rect width='1' height='1'/>").is_empty());
}

#[test]
fn a_transformer_is_what_its_plate_says() {
    let body = |plate: &str| {
        format!(
            r#"<arx:system id="power" type="electrical" network="electrical">
    <arx:components><arx:component ref="grid" type="source" voltage="20 kV"/><arx:component ref="house" type="load" power="200 kW" model="impedance" voltage="400 V" phases="ABCN"/></arx:components>
    <arx:connections><arx:connection id="t1" from="grid" to="house" type="transformer" {plate}/></arx:connections>
  </arx:system>"#
        )
    };
    let plate = r#"power="400 kVA" primary="20 kV" secondary="400 V" impedance="4 %" loss="4.6 kW" group="Dyn5""#;
    let answer = solve(&body(plate));
    assert!(answer.is_whole() && answer.findings.is_empty(), "{answer:?}");
    // One phase: the load in series with the impedance of the short circuit.
    let (load, base) = (400.0 * 400.0 / 200e3, 400.0 * 400.0 / 400e3);
    let r = base * 4.6 / 400.0;
    let x = base * (0.04f64.powi(2) - (4.6f64 / 400.0).powi(2)).sqrt();
    let amps = 400.0 / 3f64.sqrt() / f64::hypot(load + r, x);
    near("secondary", value(&answer, "t1", "secondary current"), amps, 1e-6);
    near("primary", value(&answer, "t1", "current"), amps / 50.0, 1e-6);
    near("voltage", value(&answer, "house.A", "voltage"), amps * load, 1e-6);
    for (from, to, kind, words) in [
        ("Dyn5", "Dzn5", Kind::Phase, "the group of t1 is \"Dzn5\""),
        ("Dyn5", "Dyn12", Kind::Phase, "the group of t1 is \"Dyn12\""),
        ("4.6 kW", "46 kW", Kind::Range, "the loss of t1 is 11.5 % of its power"),
        ("impedance=\"4 %\"", "", Kind::Quantity, "t1 has no impedance"),
        ("20 kV", "20 kg", Kind::Unit, "primary of t1"),
    ] {
        let told = solve(&body(&plate.replacen(from, to, 1)));
        let f = told.findings.iter().find(|f| f.message.starts_with(words));
        assert_eq!(f.unwrap_or_else(|| panic!("{words}: {:?}", told.findings)).kind, kind);
    }
}

#[test]
fn a_wall_is_made_of_layers() {
    let body = |layers: &str| {
        format!(
            r#"<arx:system id="heat" type="hvac" network="heat">
    <arx:components><arx:component ref="room" type="room" temperature="20 C"/><arx:component ref="air" type="outside" temperature="-10 C"/></arx:components>
    <arx:connections><arx:connection id="wall" from="air" to="room" type="wall" area="24 m^2" {layers}/></arx:connections>
  </arx:system>"#
        )
    };
    let layers = "layers=\"120 mm 0.9 W/(m*K) 1800 kg/m^3 1000 J/(kg*K), 16 cm 0.035 W/(m*K)\"";
    let answer = solve(&body(layers));
    assert!(answer.is_whole() && answer.findings.is_empty(), "{answer:?}");
    let u = 1.0 / (0.04 + 0.12 / 0.9 + 0.16 / 0.035 + 0.13);
    near("heat", value(&answer, "wall", "heat"), u * 24.0 * 30.0, 1e-9);
    let bare = solve(&body(&format!("{layers} film-outside=\"0 m^2*K/W\"")));
    let u = 1.0 / (0.12 / 0.9 + 0.16 / 0.035 + 0.13);
    near("heat", value(&bare, "wall", "heat"), u * 24.0 * 30.0, 1e-9);
    for layers in
        ["", "layers=\"120 mm\"", "layers=\"120 mm 0.9 W\"", "layers=\"1e999 mm 1 W/(m*K)\""]
    {
        let told = solve(&body(layers));
        assert!(told.findings[0].message.starts_with("the layers of wall are"), "{told:?}");
    }
}

#[test]
fn what_was_written_into_a_drawing_is_never_read_as_input() {
    use svgx_base::budget::Tier;
    use svgx_engine::document::canonical;
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9000 9000" width="900" height="900" arx:units="mm">{WATER}</svg>"#
    );
    let limits = document::Limits::default();
    let solved = |text: &str| {
        let mut document = parse(text, &limits).unwrap();
        let scene = Scene::build(&document, &limits, &unlimited()).unwrap();
        let system = read(&document, &scene, &limits, &unlimited()).unwrap().remove(0);
        let answer = Answer::of(&system, &Limits::default(), &unlimited()).unwrap();
        answer.write(&mut document, &system, Tier::Compute);
        (answer, canonical(&document))
    };
    let (first, once) = solved(&text);
    assert_eq!(once.matches("<arx:results ").count(), 1, "{once}");
    assert!(
        once.contains(r#"name="velocity" value="1.59"#) && once.contains(r#"tier="compute""#),
        "{once}"
    );
    let values: usize = first.nodes.iter().chain(&first.links).map(|r| r.values.len()).sum();
    assert_eq!(once.matches("<arx:result ").count(), values);
    // What stands there says nothing: not even where it is wrong, or named like an input.
    let wrong = once.replace(r#"name="velocity""#, r#"name="diameter""#);
    let wrong = wrong.replace(r#"name="supplied" value=""#, r#"name="head" value="9"#);
    assert_ne!(wrong, once);
    for text in [&once, &wrong] {
        let document = parse(text, &limits).unwrap();
        let found: Vec<_> = document.diagnostics().iter().map(|d| &d.message).collect();
        assert!(found.is_empty(), "{found:?}");
        let (again, twice) = solved(text);
        assert_eq!((&again, &twice), (&first, &once));
    }
}

//! Twenty things that go wrong in programs of this kind, each under its name, as an author meets
//! them: a drawing and its answer. What a program answers there that is only fast is an answer
//! that looks right.

use std::fmt::Write as _;

use crate::read::{solve, value};
use crate::{near, unlimited};
use svgx_networks::electrical::feeder::{Demand, Supply};
use svgx_networks::electrical::{Conductor, Connection, Feeder, Phase, Shares};
use svgx_networks::flow::{Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind, Solver};
use svgx_networks::heat::{self, periodic};
use svgx_networks::{Answer, Finding, Kind, Limits, State};

/// A system of a kind with components and connections.
fn system(head: &str, components: &str, connections: &str) -> String {
    format!(
        "<arx:system id='s' {head}><arx:components>{components}</arx:components>\
         <arx:connections>{connections}</arx:connections></arx:system>"
    )
}

const WATER: &str = "type='plumbing' network='water' friction='hazen-williams'";
const POWER: &str = "type='electrical' network='electrical'";

/// A component, an end of connections, and a connection.
fn part(id: &str, kind: &str, more: &str) -> String {
    format!("<arx:component ref='{id}' type='{kind}' {more}/>")
}

fn link(id: &str, from: &str, to: &str, more: &str) -> String {
    format!("<arx:connection id='{id}' from='{from}' to='{to}' {more}/>")
}

/// A pipe of 100 m and 100 mm.
fn pipe(id: &str, from: &str, to: &str, more: &str) -> String {
    link(
        id,
        from,
        to,
        &format!("type='pipe' length='100 m' diameter='100 mm' roughness='120' {more}"),
    )
}

#[track_caller]
fn found(answer: &Answer, kind: Kind) -> &Finding {
    let finding = answer.findings.iter().find(|f| f.kind == kind);
    finding.unwrap_or_else(|| panic!("no {kind:?}: {:?}", answer.findings))
}

fn names(finding: &Finding) -> Vec<&str> {
    finding.elements.iter().map(AsRef::as_ref).collect()
}

fn quantity(answer: &Answer, element: &str, name: &str) -> Option<f64> {
    answer.nodes.iter().chain(&answer.links).find(|r| &*r.name == element)?.value(name)
}

/// A reservoir, a node behind a pipe, and two more behind one that is closed.
fn closed(b: &str) -> Answer {
    solve(&system(
        WATER,
        &[
            part("r", "reservoir", "head='50 m'"),
            part("a", "demand", "flow='1 L/s' elevation='10 m'"),
            part("b", "demand", &format!("flow='{b}' elevation='10 m'")),
            part("c", "demand", "flow='0 L/s' elevation='10 m'"),
        ]
        .concat(),
        &[pipe("p1", "r", "a", ""), pipe("p2", "a", "b", "open='no'"), pipe("p3", "b", "c", "")]
            .concat(),
    ))
}

#[test]
fn island_with_demand() {
    let answer = closed("2 L/s");
    near("p1", value(&answer, "p1", "flow"), 1e-3, 1e-9);
    assert!(value(&answer, "a", "pressure") > 3e5);
    for (element, name) in [("b", "pressure"), ("c", "head"), ("p3", "flow")] {
        assert_eq!(quantity(&answer, element, name), None, "{element}");
    }
    assert_eq!(answer.state, State::Failed);
    let told = found(&answer, Kind::Island);
    assert_eq!(told.message, "b and c get no water: p2 is closed; 2 L/s are not delivered");
    // What each part is, what feeds it, and what cuts it off.
    let islands: Vec<_> =
        answer.islands.iter().map(|i| (&i.members, &i.sources, &i.isolated_by)).collect();
    let of = |names: &[&str]| names.iter().map(|n| (*n).into()).collect::<Vec<_>>();
    let cut = of(&["p2"]);
    let expected = [(of(&["r", "a"]), of(&["r"]), cut.clone()), (of(&["b", "c"]), of(&[]), cut)];
    assert_eq!(islands, expected.iter().map(|e| (&e.0, &e.1, &e.2)).collect::<Vec<_>>());
}

#[test]
fn island_without_demand() {
    let answer = closed("0 L/s");
    assert_eq!(quantity(&answer, "b", "pressure"), None);
    assert_eq!((answer.state, quantity(&answer, "p3", "flow")), (State::Unknown, Some(0.0)));
    assert_eq!(found(&answer, Kind::Floating).message, "nothing fixes the pressure of b and c");
}

#[test]
fn no_flow() {
    for friction in ["colebrook", "swamee-jain", "hazen-williams"] {
        let head = format!("type='plumbing' network='water' friction='{friction}'");
        let rough = if friction == "hazen-williams" { "120" } else { "0.1 mm" };
        let pipe = |id, from, to| {
            let rough = format!("length='100 m' diameter='100 mm' roughness='{rough}'");
            link(id, from, to, &rough)
        };
        let answer = solve(&system(
            &head,
            &[part("r", "reservoir", "head='50 m'"), part("a", "node", ""), part("b", "node", "")]
                .concat(),
            &[pipe("p1", "r", "a"), pipe("p2", "a", "b"), pipe("p3", "b", "r")].concat(),
        ));
        assert!(answer.is_whole() && answer.findings.is_empty(), "{friction}: {answer:?}");
        for id in ["p1", "p2", "p3"] {
            assert!(value(&answer, id, "flow").abs() < 2e-8, "{friction}: {answer:?}");
        }
        for id in ["a", "b"] {
            near("head", value(&answer, id, "head"), 50.0, 1e-9);
        }
    }
}

fn node(name: &str, elevation: f64, kind: NodeKind) -> Node {
    Node { name: name.into(), elevation, kind }
}

fn network(law: Law, nodes: Vec<Node>, links: Vec<(u32, u32, LinkKind)>) -> Network {
    let link = |(k, (from, to, kind)): (usize, (u32, u32, LinkKind))| Link {
        name: format!("l{k}").into(),
        from,
        to,
        open: true,
        kind,
    };
    let links = links.into_iter().enumerate().map(link).collect();
    Network { fluid: Fluid::WATER, law, nodes, links }
}

#[test]
fn zero_flow_conditioning() {
    // The loss is one curve through zero: heads fall steadily with the flow, without a step.
    for law in [Law::HazenWilliams, Law::Colebrook, Law::SwameeJain] {
        let roughness = if law == Law::HazenWilliams { 120.0 } else { 1e-4 };
        let pipe = LinkKind::Pipe { length: 1000.0, diameter: 0.3, roughness, minor: 3.0 };
        let nodes =
            vec![node("r", 0.0, NodeKind::Fixed(50.0)), node("a", 0.0, NodeKind::Demand(0.0))];
        let net = network(law, nodes, vec![(0, 1, pipe)]);
        let mut solver = Solver::new(net, &Limits::default()).unwrap();
        let mut before: Option<(f64, f64)> = None;
        for k in 0..120 {
            let flow = 1e-9 * 1.12f64.powi(k);
            assert!(solver.set_node(1, flow));
            let solved = solver.solve(&unlimited()).unwrap();
            assert!(solved.effort.converged, "{law:?} {flow}: {:?}", solved.effort);
            let loss = 50.0 - solved.heads[1].unwrap();
            if let Some((last, lost)) = before.filter(|b| b.1 > 1e-9) {
                assert!(loss > lost && loss < lost * (flow / last).powi(3), "{law:?} {flow}");
            }
            before = Some((flow, loss));
        }
    }
    // Pumps in a row that pass next to nothing, a closed loop beside them.
    let pump = || LinkKind::Pump(Curve::through_point(0.05, 30.0));
    let pipe = LinkKind::Pipe { length: 500.0, diameter: 0.4, roughness: 130.0, minor: 0.0 };
    let nodes = vec![
        node("lake", 0.0, NodeKind::Fixed(5.0)),
        node("a", 0.0, NodeKind::Demand(0.0)),
        node("b", 0.0, NodeKind::Demand(0.0)),
        node("c", 0.0, NodeKind::Demand(9.46e-5)),
        node("d", 0.0, NodeKind::Demand(0.0)),
    ];
    let links = vec![
        (0, 1, pump()),
        (1, 2, pump()),
        (2, 3, pipe),
        (3, 4, pipe),
        (4, 2, pipe),
        (3, 2, pipe),
    ];
    let mut solver =
        Solver::new(network(Law::HazenWilliams, nodes, links), &Limits::default()).unwrap();
    let solved = solver.solve(&unlimited()).unwrap();
    assert!(solved.effort.converged && solved.effort.iterations < 30, "{:?}", solved.effort);
    for k in [0, 1] {
        assert!((solved.flows[k].unwrap() - 9.46e-5).abs() < 1e-9, "{:?}", solved.flows);
    }
}

#[test]
fn false_convergence() {
    // The residuals that are told are those of the answer, computed here from what it says.
    let pump = LinkKind::Pump(Curve { shut_off: 120.0, slope: 2e5, exponent: 2.0 });
    let pipe = |length, diameter| LinkKind::Pipe { length, diameter, roughness: 110.0, minor: 0.0 };
    let nodes = vec![
        node("r", 0.0, NodeKind::Fixed(3.0)),
        node("a", 0.0, NodeKind::Demand(0.001)),
        node("b", 0.0, NodeKind::Demand(0.004)),
        node("t", 0.0, NodeKind::Fixed(60.0)),
    ];
    let links = vec![
        (0, 1, pump),
        (1, 2, pipe(900.0, 0.12)),
        (1, 3, pipe(1400.0, 0.1)),
        (2, 3, pipe(300.0, 0.08)),
    ];
    let net = network(Law::HazenWilliams, nodes, links);
    for tier in [svgx_base::budget::Tier::Ui, svgx_base::budget::Tier::Compute] {
        let budget = svgx_base::budget::Budget::unlimited(svgx_base::budget::Class::Physics, tier);
        let mut solver = Solver::new(net.clone(), &Limits::default()).unwrap();
        let s = solver.solve(&budget).unwrap();
        let mut balance = [0.0; 4];
        let mut energy = 0.0f64;
        for (link, flow) in net.links.iter().zip(&s.flows) {
            let q = flow.unwrap();
            let fall = s.heads[link.from as usize].unwrap() - s.heads[link.to as usize].unwrap();
            let loss = match link.kind {
                LinkKind::Pipe { length, diameter, roughness, .. } => {
                    10.6667 * length * q.abs().powf(1.852) * q.signum()
                        / roughness.powf(1.852)
                        / diameter.powf(4.871)
                }
                LinkKind::Pump(c) => c.slope * q.powf(c.exponent) - c.shut_off,
                _ => unreachable!("there is no other"),
            };
            energy = energy.max((loss - fall).abs());
            balance[link.from as usize] -= q;
            balance[link.to as usize] += q;
        }
        assert!(s.effort.converged && s.effort.residual.energy <= s.effort.tolerance);
        assert!(energy <= s.effort.residual.energy + 1e-8, "{tier:?}: {energy} {:?}", s.effort);
        for (k, asked) in [(1, 0.001), (2, 0.004)] {
            let missed: f64 = balance[k] - asked;
            assert!(missed.abs() <= s.effort.residual.balance + 1e-12, "{tier:?}: {missed}");
        }
    }
}

#[test]
fn check_valve() {
    let tanks = |components: &str, connections: &str| {
        let ends =
            part("low", "reservoir", "head='40 m'") + &part("high", "reservoir", "head='50 m'");
        solve(&system(WATER, &(ends + components), connections))
    };
    let answer = tanks("", &link("cv", "low", "high", "type='check' k='2' diameter='50 mm'"));
    assert_eq!(value(&answer, "cv", "flow").to_bits(), 0.0f64.to_bits());
    assert_eq!(found(&answer, Kind::Range).message, "cv holds: nothing flows back");
    let isolated = &answer.islands[0].isolated_by;
    assert_eq!(isolated.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["cv"]);
    // Many of them, every third the wrong way round: each is open or holds, none goes on for ever.
    let (mut parts, mut links) = (String::new(), String::new());
    for k in 0..40 {
        let _ = write!(parts, "{}", part(&format!("n{k}"), "demand", "flow='0.02 L/s'"));
        let valve = "type='check' k='2' diameter='50 mm'";
        let (n, next) = (format!("n{k}"), format!("n{}", (k + 1) % 40));
        let ends = if k % 3 == 0 { (&next, &n) } else { (&n, &next) };
        let _ = write!(links, "{}", link(&format!("v{k}"), ends.0, ends.1, valve));
        let _ = write!(links, "{}", pipe(&format!("p{k}"), "high", &n, ""));
    }
    let answer = tanks(&parts, &(links + &pipe("q", "low", "n7", "")));
    assert!(answer.effort.converged, "{:?}", answer.effort);
    assert!(answer.findings.iter().all(|f| f.kind != Kind::Cycle), "{:?}", answer.findings);
    assert!((0..40).all(|k| value(&answer, &format!("v{k}"), "flow") >= 0.0));
}

#[test]
fn pump_off_curve() {
    let pump = "<arx:object id='pump' type='mechanical.pump'><arx:properties><arx:property name='curve' value='10 L/s 15 m'/></arx:properties></arx:object>";
    let body = system(
        WATER,
        &(part("r", "reservoir", "head='0 m'") + &part("b", "demand", "flow='30 L/s'")),
        &(pipe("p0", "r", "pump.in", "") + &pipe("p1", "pump.out", "b", "")),
    );
    let answer = solve(&(pump.to_owned() + &body));
    near("flow", value(&answer, "pump", "flow"), 0.03, 1e-9);
    let told: Vec<&str> = answer.findings.iter().map(|f| f.message.as_str()).collect();
    assert!(told.contains(&"pump has to pass 30 L/s; its curve ends at 20 L/s"), "{told:?}");
    let negative =
        answer.findings.iter().find(|f| f.message.starts_with("the pressure is negative"));
    assert!(names(negative.unwrap()).contains(&"b"));
}

#[test]
fn conflicting_sources() {
    let ends = part("east", "reservoir", "head='50 m'") + &part("west", "reservoir", "head='40 m'");
    let gap = link("gap", "east", "west", "length='1 mm' diameter='1 m' roughness='120'");
    let answer = solve(&system(WATER, &ends, &gap));
    let told = found(&answer, Kind::Conflict);
    assert_eq!(names(told), ["east", "west", "gap"]);
    assert!(told.message.contains("L/s flow through gap"), "{}", told.message);
    // Ideal sources on one node refuse it.
    let ends =
        part("grid", "source", "voltage='400 V'") + &part("set", "source", "voltage='410 V'");
    let answer = solve(&system(POWER, &ends, &link("tie", "grid", "set", "type='switch'")));
    let told = found(&answer, Kind::Conflict);
    assert_eq!((told.state, quantity(&answer, "set.A", "voltage")), (State::Failed, None));
    assert!(["grid", "set", "tie"].iter().all(|n| told.message.contains(n)), "{}", told.message);
}

#[test]
fn units() {
    let with = |network: &str, diameter: &str, flow: &str| {
        let head = format!("type='hvac' network='{network}'");
        let ends =
            part("r", "reservoir", "head='50 m'") + &part("b", "demand", &format!("flow='{flow}'"));
        let pipe = link("p", "r", "b", &format!("length='10 m' diameter='{diameter}'"));
        solve(&system(&head, &ends, &pipe))
    };
    let assumed = with("water", "0.1", "1 L/s");
    assert_eq!(
        found(&assumed, Kind::Unit).message,
        "diameter of p is 0.1 without a unit: taken as m"
    );
    assert!(assumed.is_whole());
    for (network, flow, limit) in [("water", "1 L/s", "10 m/s"), ("air", "10 L/s", "30 m/s")] {
        let slip = with(network, "1 mm", flow);
        let velocity = value(&slip, "p", "velocity");
        let told = slip.findings.iter().find(|f| f.message.contains("are its units right?"));
        let told = told.unwrap_or_else(|| panic!("{velocity}: {:?}", slip.findings));
        assert!(told.kind == Kind::Range && told.message.contains(limit), "{}", told.message);
    }
}

#[test]
fn flat_start_phase_shift() {
    for group in ["Dyn5", "Dyn11", "YNd1", "Yyn0"] {
        let ends = part("grid", "source", "voltage='20 kV' fault='5 kA'")
            + &part("house", "load", "power='300 kW' pf='0.9' phases='ABC' voltage='400 V'");
        let plate = format!(
            "type='transformer' power='630 kVA' primary='20 kV' secondary='400 V' impedance='4 %' loss='6 kW' group='{group}'"
        );
        let answer = solve(&system(POWER, &ends, &link("t", "grid", "house", &plate)));
        assert!(answer.effort.converged && answer.effort.iterations < 10, "{group}: {answer:?}");
        let volts = value(&answer, "house.A", "line voltage");
        assert!((380.0..400.0).contains(&volts), "{group}: {volts}");
    }
}

#[test]
fn dead_part() {
    let ends = part("grid", "source", "voltage='400 V'")
        + &part("lamp", "load", "power='2 kW' phases='AN'");
    let open = link("q1", "grid", "lamp", "type='switch' open='yes' phases='AN'");
    let answer = solve(&system(POWER, &ends, &open));
    assert_eq!((quantity(&answer, "lamp.A", "voltage"), answer.state), (None, State::Failed));
    let told = found(&answer, Kind::Island);
    assert!(
        told.message.contains("q1 is open; 2000 W are not served") && names(told).contains(&"q1"),
        "{told:?}"
    );
}

#[test]
fn collapse() {
    let with = |watt: &str| {
        let ends = part("grid", "source", "voltage='400 V' fault='2886.751345948 A' xr='0'")
            + &part("oven", "load", &format!("power='{watt}' phases='A' voltage='230.9401 V'"));
        solve(&system(POWER, &ends, &link("c", "grid", "oven", "phases='A' resistance='1e-6 ohm'")))
    };
    let answer = with("800 kW");
    let told = found(&answer, Kind::NoSolution);
    // 230.94 V behind 0.08 ohm carries 166.67 kW.
    assert!(
        told.message.starts_with("oven asks for 800000 W; the network carries 1666"),
        "{}",
        told.message
    );
    assert_eq!(quantity(&answer, "oven.A", "voltage"), None);
    assert!(with("160 kW").effort.converged);
}

#[test]
fn load_model_swapped() {
    let ends = part("grid", "source", "voltage='400 V' fault='2886.751345948 A' xr='0'")
        + &part("oven", "load", "power='100 kW' phases='A' voltage='230.9401 V'");
    let answer = solve(&system(
        POWER,
        &ends,
        &link("c", "grid", "oven", "phases='A' resistance='1e-6 ohm'"),
    ));
    let (volts, amps) = (value(&answer, "oven.A", "voltage"), value(&answer, "c", "current"));
    assert!(volts < 0.9 * 230.94, "{volts}");
    near("drawn", volts * amps, 100e3, 1e-5);
    let told = found(&answer, Kind::Range);
    assert_eq!((names(told), told.state), (vec!["oven"], State::Warning));
}

#[test]
fn broken_neutral() {
    // The feeder of four wires whose neutral is open: 6, 3 and 1 kW, as impedances.
    let mut parts = part("s", "source", "voltage='400 V' phases='ABCN'") + &part("p", "node", "");
    let mut links =
        link("l", "s", "p", "phases='ABC' resistance='0.04365 ohm' reactance='0.074 ohm'");
    for (id, phase, power, pf) in [
        ("l1", "A", "6 kW", 0.970_142_5),
        ("l2", "B", "3 kW", 0.986_393_9),
        ("l3", "C", "1 kW", 0.980_580_7),
    ] {
        let load = format!(
            "power='{power}' pf='{pf}' model='impedance' voltage='230.9401 V' phases='{phase}N'"
        );
        parts += &part(id, "load", &load);
        let tail = format!("phases='{phase}N' resistance='1 mOhm'").replace("mOhm", "mohm");
        links += &link(&format!("c{id}"), "p", id, &tail);
    }
    let answer = solve(&system(POWER, &parts, &links));
    assert!(answer.effort.converged, "{:?}", answer.effort);
    for (element, volts) in [("l1.A", 141.5), ("l2.B", 261.3), ("l3.C", 323.8)] {
        let found = value(&answer, element, "voltage");
        assert!((found - volts).abs() < 1.0, "{element}: {found} for {volts}");
    }
    let high: Vec<&Finding> =
        answer.findings.iter().filter(|f| f.state == State::Critical).collect();
    let above: Vec<&str> = high.iter().flat_map(|f| names(f)).collect();
    assert_eq!(above, ["l2", "l3"], "{:?}", answer.findings);
    assert!(high.iter().all(|f| f.kind == Kind::Range && f.message.contains("above 254 V")));
}

#[test]
fn delta_island() {
    let ends = part("grid", "source", "voltage='4.8 kV'")
        + &part("mill", "load", "power='60 kW' phases='ABC' voltage='480 V'");
    let plate = "type='transformer' power='500 kVA' primary='4.8 kV' secondary='480 V' impedance='2 %' group='Dd0'";
    let answer = solve(&system(POWER, &ends, &link("t", "grid", "mill", plate)));
    assert!(answer.effort.converged, "{answer:?}");
    for phase in ["A", "B", "C"] {
        let terminal = format!("mill.{phase}");
        assert_eq!(quantity(&answer, &terminal, "voltage"), None);
        let between = value(&answer, &terminal, "line voltage");
        assert!((478.0..480.0).contains(&between), "{between}");
    }
    assert_eq!(names(found(&answer, Kind::Floating)), ["mill.A", "mill.B", "mill.C"]);
}

#[test]
fn one_ended_delta() {
    let z = Phase::new(0.1, 0.0);
    let feeder = Feeder {
        buses: vec!["858".into()],
        supplies: vec![Supply::of_sequences("grid".into(), 0, 400.0, z, z)],
        demands: vec![Demand {
            name: "d832_858".into(),
            bus: 0,
            conductors: vec![Conductor::A],
            connection: Connection::Delta,
            volts: 400.0,
            power: Phase::new(1e3, 0.0),
            shares: Shares::POWER,
        }],
        ..Feeder::default()
    };
    let lowered = feeder.lower().unwrap();
    let told = &lowered.findings[0];
    assert_eq!((told.kind, names(told)), (Kind::Terminal, vec!["d832_858"]));
    assert!(lowered.circuit.loads.is_empty());
    // Of a drawing: one phase without a neutral is a load to earth, two are one between them.
    for (phases, volts) in [("A", 400.0 / 3f64.sqrt()), ("AB", 400.0)] {
        let ends = part("grid", "source", "voltage='400 V'")
            + &part("oven", "load", &format!("power='4 kW' model='impedance' phases='{phases}'"));
        let tail = format!("phases='{phases}' resistance='1e-6 ohm'");
        let answer = solve(&system(POWER, &ends, &link("c", "grid", "oven", &tail)));
        near("current", value(&answer, "c", "current"), 4e3 / volts, 1e-4);
    }
}

/// Nodes where circles are drawn, m.
fn drawn(nodes: &[(&str, f64, f64)]) -> String {
    let circle = |&(id, x, y): &(&str, f64, f64)| {
        let (x, y) = (1000.0 * x, 8000.0 - 1000.0 * y);
        format!("<circle id='{id}' arx:object='{id}' cx='{x}' cy='{y}' r='50'/>")
    };
    nodes.iter().map(circle).collect()
}

const FRAME: &str = "type='architecture' network='frame'";
const SECTION: &str = "modulus='200 GPa' area='0.00626 m^2' inertia='7.12e-5 m^4'";

#[test]
fn mechanism() {
    let shapes = drawn(&[
        ("pin", 0.0, 5.0),
        ("hinge", 1.0, 5.0),
        ("roller", 2.0, 5.0),
        ("mast", 5.0, 5.0),
        ("top", 5.0, 7.0),
    ]);
    let parts = part("pin", "support", "fixed='xy'")
        + &part("roller", "support", "fixed='y'")
        + &part("mast", "support", "fixed='xyr'")
        + &part("hinge", "node", "load='1 kN'")
        + &part("top", "node", "push='1 kN'");
    let links = link("left", "pin", "hinge", &format!("{SECTION} hinges='to'"))
        + &link("right", "hinge", "roller", SECTION)
        + &link("post", "mast", "top", SECTION);
    let answer = solve(&(shapes + &system(FRAME, &parts, &links)));
    let told = found(&answer, Kind::Mechanism);
    assert_eq!(told.elements[0].as_ref(), "hinge");
    assert!(told.message.contains("up and down"), "{}", told.message);
    assert_eq!(quantity(&answer, "hinge", "down"), None);
    // The rest stands, and is answered.
    near("mast", value(&answer, "top", "right"), 1e3 * 8.0 / (3.0 * 2e11 * 7.12e-5), 1e-6);
}

#[test]
fn released_node() {
    for moment in ["0 N*m", "5 N*m"] {
        let shapes = drawn(&[("a", 0.0, 5.0), ("b", 2.0, 5.0), ("top", 1.0, 6.0)]);
        let parts = part("a", "support", "fixed='xy'")
            + &part("b", "support", "fixed='xy'")
            + &part("top", "node", &format!("load='1 kN' moment='{moment}'"));
        let links = link("l", "a", "top", &format!("{SECTION} hinges='from to'"))
            + &link("r", "b", "top", &format!("{SECTION} hinges='from to'"));
        let answer = solve(&(shapes + &system(FRAME, &parts, &links)));
        near("reaction", value(&answer, "a", "reaction up"), 500.0, 1e-9);
        let told: Vec<&str> = answer.findings.iter().map(|f| f.message.as_str()).collect();
        match moment {
            "0 N*m" => assert!(told.is_empty(), "{told:?}"),
            _ => assert_eq!(told, ["top is a hinge: nothing takes the moment of 5 Nm"]),
        }
    }
}

#[test]
fn warm_up() {
    // A box of heavy walls whose outside swings over a day about -15 degrees: no day is simulated
    // before the first one, and the mean is what it is to the last digit.
    let layer = |thickness, conductivity, density, heat| heat::Layer {
        thickness,
        conductivity,
        density,
        heat,
    };
    let wall = heat::Wall {
        name: "wall".into(),
        outside: 0,
        inside: 1,
        area: 96.0,
        layers: vec![layer(0.1, 0.04, 30.0, 1000.0), layer(0.15, 1.4, 2300.0, 900.0)],
        film_outside: 0.05,
        film_inside: 0.2,
    };
    let node = |name: &str, capacity, kind| heat::Node { name: name.into(), capacity, kind };
    let network = heat::Network {
        nodes: vec![
            node("outside", 0.0, heat::NodeKind::Fixed(-15.0)),
            node("room", 90.0 * 1.336 * 1006.0, heat::NodeKind::Free(0.0)),
        ],
        links: vec![],
        walls: vec![wall],
    };
    let mean = heat::steady(&network, &Limits::default(), &unlimited()).unwrap();
    near("mean", mean.temperatures[1].unwrap(), -15.0, 1e-12);
    let omega = 2.0 * std::f64::consts::PI / 86_400.0;
    let swing = [Phase::new(-5.0, 0.0), Phase::default()];
    let found = periodic(&network, omega, &swing, &Limits::default(), &unlimited()).unwrap();
    let ratio = found[1].unwrap() / swing[0];
    near("amplitude", ratio.norm(), 0.016_429_140_7, 1e-7);
    near("lag", -ratio.im.atan2(ratio.re) / omega / 3600.0, 7.900_041_94, 1e-7);
}

#[test]
fn layer_order() {
    let room = |layers: &str| {
        let ends = part("out", "outside", "temperature='-10 C'")
            + &part("in", "room", "temperature='20 C'");
        let wall = format!(
            "type='wall' area='96 m^2' layers='{layers}' film-outside='0.05 m^2*K/W' film-inside='0.2 m^2*K/W'"
        );
        solve(&system("type='hvac' network='heat'", &ends, &link("wall", "out", "in", &wall)))
    };
    let (wool, stone) = (
        "100 mm 0.04 W/(m*K) 30 kg/m^3 1000 J/(kg*K)",
        "150 mm 1.4 W/(m*K) 2300 kg/m^3 900 J/(kg*K)",
    );
    let outside = room(&format!("{wool}, {stone}"));
    let inside = room(&format!("{stone}, {wool}"));
    for answer in [&outside, &inside] {
        near("U", value(answer, "wall", "u"), 0.35, 1e-9);
        near("heat", value(answer, "wall", "heat"), 1008.0, 1e-9);
        // Which face is outside is to be seen from the answer.
        near("inside", value(answer, "wall", "inside face"), 17.9, 1e-9);
        near("outside", value(answer, "wall", "outside face"), -9.475, 1e-9);
    }
    let stored = |answer| value(answer, "wall", "inner capacity");
    assert!(stored(&outside) > 8.0 * stored(&inside), "{} {}", stored(&outside), stored(&inside));
}

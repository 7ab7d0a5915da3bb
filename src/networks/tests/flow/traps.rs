//! What goes wrong elsewhere, and what is right.

use crate::{near, unlimited};
use std::sync::Arc;
use std::time::Duration;
use svgx_base::budget::{Budget, Class, Manual, Stop, Tier, Time};
use svgx_networks::flow::{
    Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind, Solution, Solver,
};
use svgx_networks::{Error, Kind, Limits, State};

const PIPE: LinkKind =
    LinkKind::Pipe { length: 100.0, diameter: 0.1, roughness: 120.0, minor: 0.0 };

/// Nodes (name, elevation, kind) and links (name, ends, open, kind).
fn net(nodes: &[(&str, f64, NodeKind)], links: &[(&str, u32, u32, bool, LinkKind)]) -> Network {
    let node = |&(name, elevation, kind): &(&str, f64, NodeKind)| Node {
        name: name.into(),
        elevation,
        kind,
    };
    let link = |&(name, from, to, open, kind): &(&str, u32, u32, bool, LinkKind)| Link {
        name: name.into(),
        from,
        to,
        open,
        kind,
    };
    Network {
        fluid: Fluid::WATER,
        law: Law::HazenWilliams,
        nodes: nodes.iter().map(node).collect(),
        links: links.iter().map(link).collect(),
    }
}

fn solve(network: Network) -> Solution {
    Solver::new(network, &Limits::default()).unwrap().solve(&unlimited()).unwrap()
}

use NodeKind::{Demand, Fixed};

#[test]
fn a_part_that_is_cut_off_is_named_with_what_closes_it_and_the_rest_is_exact() {
    for (demand, kind, state, words) in [
        (
            0.002,
            Kind::Island,
            State::Failed,
            "b and c get no water: p2 is closed; 2 L/s are not delivered",
        ),
        (0.0, Kind::Floating, State::Unknown, "nothing fixes the pressure of b and c"),
    ] {
        let s = solve(net(
            &[
                ("r", 0.0, Fixed(50.0)),
                ("a", 10.0, Demand(0.001)),
                ("b", 10.0, Demand(demand)),
                ("c", 10.0, Demand(0.0)),
            ],
            &[("p1", 0, 1, true, PIPE), ("p2", 1, 2, false, PIPE), ("p3", 2, 3, true, PIPE)],
        ));
        near("p1", s.flows[0].unwrap(), 0.001, 1e-12);
        assert!(s.heads[1].is_some() && s.heads[2].is_none() && s.pressures[3].is_none());
        assert_eq!(s.flows[1], Some(0.0));
        assert_eq!(s.flows[2], if demand > 0.0 { None } else { Some(0.0) });
        let f = &s.findings[0];
        assert_eq!((f.kind, f.state, f.message.as_str()), (kind, state, words));
        assert!(s.effort.converged);
    }
}

#[test]
fn a_demand_behind_a_closed_pipe_is_seen_when_it_comes_and_when_the_pipe_opens() {
    let mut solver = Solver::new(
        net(
            &[("r", 0.0, Fixed(50.0)), ("a", 0.0, Demand(0.001)), ("b", 0.0, Demand(0.0))],
            &[("p1", 0, 1, true, PIPE), ("p2", 1, 2, false, PIPE)],
        ),
        &Limits::default(),
    )
    .unwrap();
    let mut kinds = Vec::new();
    for step in 0..3 {
        match step {
            0 => {}
            1 => assert!(solver.set_node(2, 0.002) && !solver.set_node(9, 1.0)),
            _ => assert!(solver.set_open(1, true) && !solver.set_open(9, true)),
        }
        let s = solver.solve(&unlimited()).unwrap();
        assert_eq!(s.heads[2].is_some(), step == 2);
        kinds.extend(s.findings.iter().map(|f| f.kind));
    }
    assert_eq!(kinds, [Kind::Floating, Kind::Island]);
}

#[test]
fn without_demand_nothing_flows_and_every_head_is_that_of_the_source() {
    for law in [Law::HazenWilliams, Law::Colebrook, Law::SwameeJain] {
        let pipe = LinkKind::Pipe {
            length: 100.0,
            diameter: 0.1,
            roughness: if law == Law::HazenWilliams { 120.0 } else { 1e-4 },
            minor: 2.0,
        };
        let mut network = net(
            &[("r", 0.0, Fixed(50.0)), ("a", 0.0, Demand(0.0)), ("b", 0.0, Demand(0.0))],
            &[("p1", 0, 1, true, pipe), ("p2", 1, 2, true, pipe), ("p3", 2, 0, true, pipe)],
        );
        network.law = law;
        let s = solve(network);
        assert!(
            s.effort.converged && s.findings.is_empty(),
            "{law:?} {:?} {:?}",
            s.effort,
            s.findings
        );
        s.flows.iter().for_each(|q| assert!(q.unwrap().abs() < 2e-8, "{law:?} {q:?}"));
        s.heads.iter().for_each(|h| near("head", h.unwrap(), 50.0, 1e-9));
    }
}

#[test]
fn a_check_valve_holds_with_no_flow_at_all_and_is_named() {
    let check = LinkKind::Check { resistance: 1e4 };
    let s = solve(net(
        &[("low", 0.0, Fixed(40.0)), ("high", 0.0, Fixed(50.0))],
        &[("cv", 0, 1, true, check)],
    ));
    assert_eq!((s.flows[0], s.holding[0]), (Some(0.0), true));
    assert_eq!(s.findings[0].message, "cv holds: nothing flows back");
    let s = solve(net(
        &[("low", 0.0, Fixed(40.0)), ("high", 0.0, Fixed(50.0))],
        &[("cv", 1, 0, true, check)],
    ));
    near("open", s.flows[0].unwrap(), (10.0f64 / 1e4).sqrt(), 1e-9);
}

#[test]
fn a_pump_beyond_its_curve_is_answered_and_named_with_how_far() {
    let pump = LinkKind::Pump(Curve::through_point(0.01, 15.0));
    let s = solve(net(
        &[("r", 0.0, Fixed(0.0)), ("a", 0.0, Demand(0.0)), ("b", 0.0, Demand(0.03))],
        &[("pump", 0, 1, true, pump), ("p", 1, 2, true, PIPE)],
    ));
    near("flow", s.flows[0].unwrap(), 0.03, 1e-12);
    near("head", s.heads[1].unwrap(), 20.0 - 5.0 * 9.0, 1e-9);
    assert_eq!(s.findings[0].message, "pump has to pass 30 L/s; its curve ends at 20 L/s");
    assert!(
        s.findings.iter().any(|f| f.message.starts_with("the pressure is negative at a and b"))
    );
    // And one that cannot lift so high delivers nothing, rather than to let it flow back.
    let s = solve(net(
        &[("r", 0.0, Fixed(0.0)), ("top", 0.0, Fixed(30.0))],
        &[("pump", 0, 1, true, pump)],
    ));
    assert_eq!(s.flows[0], Some(0.0));
    assert!(s.findings[0].message.contains("lifts at most 20 m"));
}

#[test]
fn sources_with_little_between_them_are_both_named_with_the_path() {
    let short = LinkKind::Pipe { length: 0.001, diameter: 1.0, roughness: 120.0, minor: 0.0 };
    let s = solve(net(
        &[("east", 0.0, Fixed(50.0)), ("west", 0.0, Fixed(40.0))],
        &[("gap", 0, 1, true, short)],
    ));
    let f = &s.findings[0];
    assert_eq!(f.kind, Kind::Conflict);
    assert_eq!(
        f.elements.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        ["east", "west", "gap"]
    );
}

#[test]
fn a_slip_of_units_is_seen_by_its_velocity() {
    let hair = LinkKind::Pipe { length: 10.0, diameter: 0.0001, roughness: 120.0, minor: 0.0 };
    let s = solve(net(
        &[("r", 0.0, Fixed(50.0)), ("a", 0.0, Demand(0.001))],
        &[("p", 0, 1, true, hair)],
    ));
    assert!(
        s.findings
            .iter()
            .any(|f| f.kind == Kind::Range && f.message.contains("are its units right?"))
    );
}

#[test]
fn a_regulator_keeps_its_head_stands_open_below_it_and_holds_above() {
    // Head of the supply, of a second supply behind it, and the head behind the regulator.
    for (supply, behind, wanted, status) in [
        (60.0, None, 40.0, "keeps"),
        (30.0, None, 29.97, "open"),
        (60.0, Some(50.0), 49.97, "holds"),
    ] {
        let valve = LinkKind::Regulator { resistance: 100.0, head: 30.0 };
        let mut nodes = vec![
            ("r", 0.0, Fixed(supply)),
            ("a", 10.0, Demand(0.0)),
            ("b", 10.0, Demand(0.0)),
            ("c", 0.0, Demand(0.001)),
        ];
        let mut links =
            vec![("p1", 0, 1, true, PIPE), ("prv", 1, 2, true, valve), ("p2", 2, 3, true, PIPE)];
        if let Some(head) = behind {
            nodes.push(("other", 0.0, Fixed(head)));
            links.push(("p3", 4, 2, true, PIPE));
        }
        let s = solve(net(&nodes, &links));
        assert!(s.effort.converged, "{status}: {:?}", s.effort);
        let flow = if status == "holds" { 0.0 } else { 0.001 };
        assert!((s.heads[2].unwrap() - wanted).abs() < 0.02, "{status}: {:?}", s.heads);
        assert!((s.flows[1].unwrap() - flow).abs() < 1e-9, "{status}: {:?}", s.flows);
        assert!((s.flows[0].unwrap() - s.flows[1].unwrap()).abs() < 1e-9, "{status}");
    }
    // A hundred in a row, in the wrong order, are answered too.
    let valve = |k: u32| LinkKind::Regulator { resistance: 100.0, head: 100.0 - f64::from(k) };
    let mut nodes: Vec<(String, f64, NodeKind)> = vec![("r".into(), 0.0, Fixed(200.0))];
    let mut links = Vec::new();
    for k in 0..20u32 {
        nodes.push((format!("a{k}"), 0.0, Demand(0.0)));
        nodes.push((format!("b{k}"), 0.0, Demand(0.0001)));
        links.insert(0, (format!("v{k}"), 2 * k + 1, 2 * k + 2, true, valve(k)));
        links.insert(0, (format!("p{k}"), 2 * k, 2 * k + 1, true, PIPE));
    }
    let nodes: Vec<_> = nodes.iter().map(|n| (n.0.as_str(), n.1, n.2)).collect();
    let links: Vec<_> = links.iter().map(|l| (l.0.as_str(), l.1, l.2, l.3, l.4)).collect();
    let s = solve(net(&nodes, &links));
    assert!(s.effort.converged, "{:?}", s.effort);
    near("last", s.heads[40].unwrap(), 81.0, 1e-9);
    assert!(s.flows.iter().any(|q| (q.unwrap() - 0.002).abs() < 1e-8));
}

#[test]
fn a_flow_is_limited_to_its_setting() {
    let limiter = LinkKind::Limiter { resistance: 10.0, most: 0.002 };
    let s = solve(net(
        &[("r", 0.0, Fixed(50.0)), ("t", 0.0, Fixed(20.0))],
        &[("fcv", 0, 1, true, limiter)],
    ));
    assert!((s.flows[0].unwrap() - 0.002).abs() < 1e-5, "{:?}", s.flows);
}

#[test]
fn a_closed_loop_without_a_fixed_head_has_flows_but_no_pressures() {
    let pump = LinkKind::Pump(Curve::through_point(0.001, 4.0));
    let s = solve(net(
        &[("a", 0.0, Demand(0.0)), ("b", 0.0, Demand(0.0))],
        &[("pump", 0, 1, true, pump), ("p", 1, 0, true, PIPE)],
    ));
    assert!(s.flows[0].unwrap() > 1e-3 && s.heads == [None, None]);
    assert_eq!(s.findings[0].kind, Kind::Floating);
}

#[test]
fn impossible_quantities_are_refused_by_name() {
    for (length, diameter, roughness, what) in [
        (0.0, 0.1, 120.0, "its length"),
        (f64::NAN, 0.1, 120.0, "its length"),
        (1.0, -0.1, 120.0, "its diameter"),
        (1.0, 0.1, -120.0, "its coefficient C"),
        (1.0, f64::INFINITY, 120.0, "its diameter"),
    ] {
        let pipe = LinkKind::Pipe { length, diameter, roughness, minor: 0.0 };
        let network =
            net(&[("r", 0.0, Fixed(50.0)), ("a", 0.0, Demand(0.0))], &[("p", 0, 1, true, pipe)]);
        match Solver::new(network, &Limits::default()) {
            Err(Error::Quantity { element, what: told, .. }) => {
                assert_eq!((&*element, told), ("p", what))
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn roughness_that_no_pipe_has_is_refused_and_edits_are_looked_at_too() {
    let pipe = |roughness| LinkKind::Pipe { length: 1.0, diameter: 0.1, roughness, minor: 0.0 };
    let nodes = [("r", 0.0, Fixed(50.0)), ("a", 0.0, Demand(0.001))];
    for (roughness, holds) in
        [(-1e-6, false), (0.011, false), (f64::NAN, false), (0.0, true), (0.01, true)]
    {
        let mut network = net(&nodes, &[("p", 0, 1, true, pipe(roughness))]);
        network.law = Law::Colebrook;
        assert_eq!(Solver::new(network.clone(), &Limits::default()).is_ok(), holds, "{roughness}");
        network.links[0].kind = pipe(1e-4);
        let mut solver = Solver::new(network, &Limits::default()).unwrap();
        let before = solver.solve(&unlimited()).unwrap();
        assert_eq!(solver.set_link(0, pipe(roughness)).is_ok(), holds, "{roughness}");
        let after = solver.solve(&unlimited()).unwrap();
        // What was refused changed nothing.
        assert!(holds || after.heads == before.heads);
        assert_eq!(solver.set_link(1, pipe(1e-4)), Ok(false));
        assert!(!solver.set_node(0, f64::NAN) && !solver.set_open(1, true));
    }
}

#[test]
fn work_stops_at_its_deadline_with_the_last_iterate() {
    let clock = Arc::new(Manual::default());
    let budget = Budget::unlimited(Class::Ui, Tier::Ui).until(Time(5), clock.clone());
    let network =
        || net(&[("r", 0.0, Fixed(50.0)), ("a", 0.0, Demand(0.001))], &[("p", 0, 1, true, PIPE)]);
    let mut solver = Solver::new(network(), &Limits::default()).unwrap();
    assert!(solver.solve(&budget).unwrap().effort.converged);
    clock.advance(Duration::from_secs(1));
    assert_eq!(solver.solve(&budget), Err(Error::Stopped(Stop::Deadline)));
}

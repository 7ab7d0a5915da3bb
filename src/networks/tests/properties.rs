//! What holds for every network.

use crate::unlimited;
use proptest::prelude::*;
use svgx_networks::flow::{
    Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind, Solution, Solver,
};
use svgx_networks::topology::{Islands, Sets};
use svgx_networks::{Limits, electrical, frame};

/// Links between random nodes: ends, length, diameter, which kind, open.
type Drawn = (u32, u32, f64, f64, u8, bool);

fn network(n: u32, law: Law, demands: &[f64], drawn: &[Drawn]) -> Network {
    let node = |k: u32| Node {
        name: format!("n{k}").into(),
        elevation: f64::from(k % 5),
        kind: if k.is_multiple_of(7) {
            NodeKind::Fixed(50.0 + f64::from(k % 3))
        } else {
            NodeKind::Demand(demands[k as usize % demands.len()])
        },
    };
    let link = |(k, &(from, to, length, diameter, kind, open)): (usize, &Drawn)| Link {
        name: format!("l{k}").into(),
        from: from % n,
        to: to % n,
        open,
        kind: match kind {
            0 => LinkKind::Check { resistance: 1e4 * length },
            1 => LinkKind::Valve { resistance: 1e4 * length },
            2 => LinkKind::Regulator { resistance: 1e4, head: 10.0 + length / 10.0 },
            3 => LinkKind::Pump(Curve::through_point(0.005, 10.0 + length / 10.0)),
            _ => LinkKind::Pipe {
                length,
                diameter,
                roughness: if law == Law::HazenWilliams { 120.0 } else { 1e-4 },
                minor: 0.5,
            },
        },
    };
    Network {
        fluid: Fluid::WATER,
        law,
        nodes: (0..n).map(node).collect(),
        links: drawn.iter().enumerate().map(link).collect(),
    }
}

/// Every node with an answer is in balance, to the tolerance of a converged solution.
fn assert_balanced(network: &Network, s: &Solution) {
    let mut sums = vec![0.0; network.nodes.len()];
    for (link, flow) in network.links.iter().zip(&s.flows) {
        let flow = flow.unwrap_or(0.0);
        sums[link.from as usize] -= flow;
        sums[link.to as usize] += flow;
    }
    for (k, supplied) in s.supplied.iter().enumerate() {
        if let Some(supplied) = supplied {
            assert!((sums[k] + supplied).abs() < 1e-6, "{k}: {} {supplied}", sums[k]);
        }
    }
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let one = (0..40u32, 0..40u32, 1.0..200.0f64, 0.02..0.3f64, 0..12u8, prop::bool::weighted(0.9));
    prop::collection::vec(one, 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_network_balances_or_says_that_it_does_not(
        n in 1..40u32,
        law in 0..3usize,
        demands in prop::collection::vec(-0.002..0.004f64, 1..5),
        drawn in drawn(),
    ) {
        let law = [Law::Colebrook, Law::SwameeJain, Law::HazenWilliams][law];
        let network = network(n, law, &demands, &drawn);
        let mut solver = Solver::new(network.clone(), &Limits::default()).unwrap();
        let s = solver.solve(&unlimited()).unwrap();
        prop_assert!(s.heads.iter().flatten().all(|h| h.is_finite()));
        if s.effort.converged {
            assert_balanced(&network, &s);
            prop_assert!(s.effort.residual.energy <= s.effort.tolerance);
        } else {
            prop_assert!(!s.findings.is_empty(), "{:?}", s.effort);
        }
    }

    #[test]
    fn an_edit_solved_from_the_last_solution_is_that_of_a_cold_one_and_undone_comes_back(
        demands in prop::collection::vec(0.0001..0.002f64, 1..5),
        seed in 0..1000u32,
        which in 0..60usize,
        times in 0.2..5.0f64,
    ) {
        // A grid of pipes, one node of which is fixed.
        let mut drawn = Vec::new();
        for k in 0..36u32 {
            let (length, width) = (f64::from(5 + (k * 7 + seed) % 50), 0.05 + f64::from((k + seed) % 7) / 50.0);
            if k % 6 < 5 { drawn.push((k, k + 1, length, width, 9, true)); }
            if k < 30 { drawn.push((k, k + 6, length, width, 9, true)); }
        }
        let mut net = network(36, Law::HazenWilliams, &demands, &drawn);
        for (k, node) in net.nodes.iter_mut().enumerate() {
            node.kind = if k == 0 { NodeKind::Fixed(50.0) } else { NodeKind::Demand(demands[k % demands.len()]) };
        }
        let mut solver = Solver::new(net.clone(), &Limits::default()).unwrap();
        let first = solver.solve(&unlimited()).unwrap();
        let old = net.links[which].kind;
        let LinkKind::Pipe { length, diameter, roughness, minor } = old else { panic!() };
        let kind = LinkKind::Pipe { length: length * times, diameter, roughness, minor };
        prop_assert!(solver.set_link(which, kind).unwrap());
        let warm = solver.solve(&unlimited()).unwrap();
        net.links[which].kind = kind;
        let cold = Solver::new(net, &Limits::default()).unwrap().solve(&unlimited()).unwrap();
        prop_assert!(solver.set_link(which, old).unwrap());
        let undone = solver.solve(&unlimited()).unwrap();
        for (a, b) in [(&warm, &cold), (&undone, &first)] {
            prop_assert!(a.effort.converged && b.effort.converged);
            for (x, y) in a.heads.iter().zip(&b.heads) {
                prop_assert!((x.unwrap() - y.unwrap()).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn islands_are_those_of_union_find(n in 1..50usize, links in prop::collection::vec((0..50u32, 0..50u32), 0..60)) {
        let links: Vec<(u32, u32)> = links.iter().map(|&(a, b)| (a % n as u32, b % n as u32)).collect();
        let islands = Islands::of(n, links.iter().copied(), &unlimited()).unwrap();
        let mut sets = Sets::new(n);
        links.iter().for_each(|&(a, b)| _ = sets.join(a, b));
        for a in 0..n as u32 {
            for b in 0..n as u32 {
                prop_assert_eq!(islands.island(a) == islands.island(b), sets.find(a) == sets.find(b));
            }
        }
    }

    #[test]
    fn circuits_of_any_shape_balance_and_are_reciprocal(
        n in 2..20u32,
        links in prop::collection::vec((0..20u32, 0..20u32, 0.01..100.0f64), 1..40),
        loads in prop::collection::vec((0..20u32, -50.0..200.0f64), 0..6),
    ) {
        let build = |into: u32, watts: bool| {
            let mut c = electrical::Circuit::default();
            (0..n).for_each(|k| _ = c.terminal(format!("t{k}")));
            c.resistor("earth", 0, electrical::EARTH, 1.0);
            for &(a, b, ohm) in &links {
                c.resistor("r", a % n, b % n, ohm);
            }
            if watts {
                c.source("u", 0, 230.0, 0.05);
                for &(at, watt) in &loads {
                    c.load("w", at % n, watt, 230.0, electrical::Shares::POWER);
                }
            } else {
                c.current_source("i", electrical::EARTH, into, 1.0);
            }
            let mut solver = electrical::Solver::new(c, &Limits::default(), &unlimited()).unwrap();
            solver.solve(&unlimited()).unwrap()
        };
        let s = build(0, true);
        if s.effort.converged {
            prop_assert!(s.effort.residual.balance < 1e-3, "{:?}", s.effort);
        } else {
            prop_assert!(!s.findings.is_empty());
        }
        let (a, b) = (build(1, false), build(n - 1, false));
        if let (Some(x), Some(y)) = (a.voltages[n as usize - 1], b.voltages[1]) {
            prop_assert!((x - y).abs() < 1e-9 * x.abs().max(1.0), "{x} {y}");
        }
    }

    #[test]
    fn structures_of_any_shape_are_answered_or_their_motion_is_named(
        places in prop::collection::vec((-10.0..10.0f64, -10.0..10.0f64, 0..8u8), 2..12),
        members in prop::collection::vec((0..12usize, 0..12usize, any::<bool>(), any::<bool>()), 1..24),
        push in (-1e4..1e4f64, -1e4..1e4f64),
    ) {
        let n = places.len();
        let s = structure(&places, &members, push);
        let mut solver = frame::Solver::new(s, &Limits::default(), &unlimited()).unwrap();
        let found = solver.solve(&unlimited()).unwrap();
        let loose = found.displacements.iter().any(Option::is_none);
        let named = found.findings.iter().any(|f| f.kind == svgx_networks::Kind::Mechanism);
        prop_assert_eq!(loose, named, "{:?}", found.findings);
        for d in found.displacements.iter().flatten() {
            // A lever of chance may move by a kilometre; what only rounding holds moves by 1e9.
            prop_assert!(d.iter().all(|v| v.abs() < 1e8), "{:?}", d);
        }
        if !loose {
            // What acts is held.
            for i in 0..2 {
                let held: f64 = found.reactions.iter().flatten().map(|r| r[i]).sum();
                let acts = [push.0, push.1][i] * n as f64;
                prop_assert!((held + acts).abs() < 1e-3 * acts.abs().max(1.0), "{held} {acts}");
            }
        }
    }
}

/// Nodes with what holds them (1 across, 2 up, 4 turning), members by their ends and whether these are
/// hinges, and a force on every node.
fn structure(
    places: &[(f64, f64, u8)],
    members: &[(usize, usize, bool, bool)],
    push: (f64, f64),
) -> frame::Structure {
    let n = places.len();
    let fixed = |on: bool| if on { frame::Restraint::Fixed } else { frame::Restraint::Free };
    let mut s = frame::Structure::default();
    for (k, &(x, y, support)) in places.iter().enumerate() {
        let support = [support & 1 > 0, support & 2 > 0, support & 4 > 0].map(fixed);
        s.nodes.push(frame::Node { name: format!("n{k}").into(), at: [x, y], support });
        s.loads.push(frame::Load::Node { node: k as u32, force: [push.0, push.1, 0.0] });
    }
    for &(a, b, from, to) in members {
        if s.nodes[a % n].at != s.nodes[b % n].at {
            s.members.push(frame::Member {
                name: "m".into(),
                from: (a % n) as u32,
                to: (b % n) as u32,
                modulus: 2e11,
                area: 1e-2,
                inertia: 1e-4,
                hinges: [from, to],
            });
        }
    }
    s
}

#[test]
fn a_mechanism_is_named_beside_one_that_is_known() {
    // The last nodes of each are held by nothing; what moves else was once answered by 1e11 m.
    let cases: [(&[_], &[_], &[&str]); 2] = [
        (
            &[
                (4.423018657615466, 5.726964694230221, 1),
                (-8.400544405569715, -7.079650942412111, 2),
            ],
            &[(0, 1, true, true), (1, 0, false, true)],
            &["n0", "n1"],
        ),
        (
            &[
                (-6.504302235860068, -4.797695530585863, 0),
                (0.0, 0.0, 3),
                (6.012056616580737, 8.979812719219657, 0),
                (-9.534591883072702, -8.919691330195992, 1),
                (0.0, -0.8810334937206634, 3),
                (0.0, 5.5226260141941115, 2),
                (0.0, -5.62899563351823, 1),
            ],
            &[
                (6, 5, true, true),
                (2, 0, true, true),
                (2, 3, false, false),
                (0, 6, false, false),
                (5, 3, false, true),
                (0, 2, true, true),
                (0, 4, false, false),
            ],
            &["n2", "n3", "n5"],
        ),
    ];
    for (places, members, moved) in cases {
        let alone = [places, &[(0.0, 0.0, 0), (1.0, 0.0, 0)]].concat();
        let s = structure(&alone, members, (0.0, 3728.636197094512));
        let mut solver = frame::Solver::new(s, &Limits::default(), &unlimited()).unwrap();
        let found = solver.solve(&unlimited()).unwrap();
        let mechanism = svgx_networks::Kind::Mechanism;
        let named = found.findings.iter().filter(|f| f.kind == mechanism).map(|f| &f.elements);
        let named: Vec<Vec<&str>> =
            named.map(|all| all.iter().map(|name| &**name).collect()).collect();
        assert!(named.iter().any(|all| all == moved), "{named:?}");
        let far = found.displacements.iter().flatten().flatten().any(|v| v.abs() > 1e3);
        assert!(!far, "{:?}", found.displacements);
    }
}

#[test]
fn a_link_that_is_turned_round_carries_the_same_the_other_way() {
    let mut drawn: Vec<Drawn> = Vec::new();
    for k in 0..30u32 {
        let (length, width) = (f64::from(5 + k * 7 % 50), 0.05 + f64::from(k % 7) / 50.0);
        drawn.push((k, (k * 7 + 1) % 30, length, width, if k % 4 == 0 { 1 } else { 9 }, true));
        drawn.push((k, (k + 1) % 30, 2.0 * length, width, 9, true));
    }
    for law in [Law::Colebrook, Law::SwameeJain, Law::HazenWilliams] {
        let one = network(30, law, &[1e-3, 4e-4], &drawn);
        let mut other = one.clone();
        for link in &mut other.links {
            (link.from, link.to) = (link.to, link.from);
        }
        let [a, b] = [one, other]
            .map(|n| Solver::new(n, &Limits::default()).unwrap().solve(&unlimited()).unwrap());
        assert!(a.effort.converged && b.effort.converged);
        for (p, q) in a.flows.iter().zip(&b.flows) {
            assert!((p.unwrap() + q.unwrap()).abs() < 1e-7, "{law:?}: {p:?} {q:?}");
        }
        for (p, q) in a.heads.iter().zip(&b.heads) {
            assert!((p.unwrap() - q.unwrap()).abs() < 1e-5, "{law:?}: {p:?} {q:?}");
        }
    }
}

#[test]
fn a_hundred_thousand_nodes_are_answered_and_edited_in_bounded_work() {
    let n = 100_000u32;
    let pipe = LinkKind::Pipe { length: 1.0, diameter: 0.5, roughness: 130.0, minor: 0.0 };
    let node = |k: u32| Node {
        name: "n".into(),
        elevation: 0.0,
        kind: if k == 0 { NodeKind::Fixed(100.0) } else { NodeKind::Demand(1e-8) },
    };
    // A star with a rim: every node next to the source and to the one before.
    let spoke = |k: u32| Link { name: "s".into(), from: 0, to: k, open: true, kind: pipe };
    let rim = |k: u32| Link { name: "r".into(), from: k - 1, to: k, open: true, kind: pipe };
    let network = Network {
        fluid: Fluid::WATER,
        law: Law::HazenWilliams,
        nodes: (0..n).map(node).collect(),
        links: (1..n).map(spoke).chain((2..n).map(rim)).collect(),
    };
    let mut solver = Solver::new(network, &Limits::default()).unwrap();
    let s = solver.solve(&unlimited()).unwrap();
    assert!(s.effort.converged && s.heads.iter().all(Option::is_some), "{:?}", s.effort);
    // More edits than are worth to single out: they are factored, once.
    for k in 0..50 {
        assert!(solver.set_open(k * 100, false));
    }
    let s = solver.solve(&unlimited()).unwrap();
    assert!(s.effort.converged && s.islands.len() == 1, "{:?}", s.effort);
}

#[test]
fn twenty_thousand_nodes_and_regulators_in_a_ring_are_answered() {
    let n = 20_000u32;
    let pipe = LinkKind::Pipe { length: 1.0, diameter: 0.5, roughness: 130.0, minor: 0.0 };
    let node = |k: u32| Node {
        name: "n".into(),
        elevation: 0.0,
        kind: if k == 0 { NodeKind::Fixed(100.0) } else { NodeKind::Demand(1e-7) },
    };
    let link = |k: u32| Link { name: "p".into(), from: k / 2, to: k, open: true, kind: pipe };
    let mut network = Network {
        fluid: Fluid::WATER,
        law: Law::HazenWilliams,
        nodes: (0..n).map(node).collect(),
        links: (1..n).map(link).collect(),
    };
    let s = Solver::new(network.clone(), &Limits::default()).unwrap().solve(&unlimited()).unwrap();
    assert!(s.effort.converged && s.heads.iter().all(Option::is_some), "{:?}", s.effort);
    // Regulators in a ring, each of which feeds the next.
    network.nodes.truncate(200);
    network.links = (1..200)
        .map(|k| Link {
            name: "v".into(),
            from: k,
            to: k % 199 + 1,
            open: true,
            kind: LinkKind::Regulator { resistance: 1.0, head: 10.0 },
        })
        .collect();
    network.links.push(Link { name: "feed".into(), from: 0, to: 1, open: true, kind: pipe });
    let s = Solver::new(network, &Limits::default()).unwrap().solve(&unlimited()).unwrap();
    assert!(s.heads.iter().flatten().all(|h| h.is_finite()));
    assert!(s.effort.converged || !s.findings.is_empty());
}

//! An edit solved from the last solution is what a cold solution is, within the tier, and an
//! edit that is undone gives the bytes there were.

use crate::frame::moment_frame;
use crate::unlimited;
use proptest::prelude::*;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_networks::accuracy::Reused;
use svgx_networks::electrical::{self, Block, Circuit, EARTH, Shares};
use svgx_networks::flow::{
    Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind, Solution, Solver,
};
use svgx_networks::{Limits, frame};

/// A grid of pipes with valves, check valves and a pump among them, fed at a corner, with an
/// outlier at its end.
fn grid(law: Law, seed: u32, demand: f64) -> Network {
    let side = 6u32;
    let n = side * side;
    let node = |k: u32| Node {
        name: format!("n{k}").into(),
        elevation: f64::from(k % 3),
        kind: match k {
            0 => NodeKind::Fixed(50.0),
            k if k == n => NodeKind::Fixed(45.0),
            k => NodeKind::Demand(demand * f64::from((k * 7 + seed) % 5)),
        },
    };
    let mut links = Vec::new();
    let mut put = |from: u32, to: u32| {
        let k = links.len() as u32 + seed;
        let kind = match k % 11 {
            3 => LinkKind::Valve { resistance: 2e4 * f64::from(1 + k % 5) },
            7 => LinkKind::Check { resistance: 1e4 },
            9 if k.is_multiple_of(2) => LinkKind::Pump(Curve::through_point(0.004, 2.0)),
            _ => LinkKind::Pipe {
                length: f64::from(5 + k * 7 % 50),
                diameter: 0.05 + f64::from(k % 7) / 50.0,
                roughness: if law == Law::HazenWilliams { 120.0 } else { 2e-4 },
                minor: f64::from(k % 3),
            },
        };
        links.push(Link { name: format!("l{k}").into(), from, to, open: true, kind });
    };
    for k in 0..n {
        if k % side + 1 < side {
            put(k, k + 1);
        }
        if k + side < n {
            put(k, k + side);
        }
    }
    put(n - 1, n);
    Network { fluid: Fluid::WATER, law, nodes: (0..=n).map(node).collect(), links }
}

/// One edit: of a link's quantities, of a demand, or of a valve.
#[derive(Debug, Clone, Copy)]
struct Edit {
    what: u8,
    which: usize,
    times: f64,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let one = (0..8u8, 0..62usize, 0.05..8.0f64);
    prop::collection::vec(one.prop_map(|(what, which, times)| Edit { what, which, times }), 1..14)
}

fn turned(kind: LinkKind, times: f64) -> LinkKind {
    match kind {
        LinkKind::Pipe { length, diameter, roughness, minor } => {
            LinkKind::Pipe { length: length * times, diameter, roughness, minor: minor * times }
        }
        LinkKind::Valve { resistance } => LinkKind::Valve { resistance: resistance * times },
        LinkKind::Check { resistance } => LinkKind::Check { resistance: resistance * times },
        LinkKind::Pump(c) => LinkKind::Pump(c.at_speed(0.7 + times / 10.0)),
        kind => kind,
    }
}

/// Makes an edit on a solver and tells how to take it back.
fn edit(solver: &mut Solver, e: Edit) -> Box<dyn FnOnce(&mut Solver)> {
    let Edit { what, which, times } = e;
    let links = solver.network().links.len();
    let which = which % links;
    match what {
        0..4 => {
            let old = solver.network().links[which].kind;
            assert!(solver.set_link(which, turned(old, times)).unwrap());
            Box::new(move |s| assert!(s.set_link(which, old).unwrap()))
        }
        4 | 5 => {
            let node = which % solver.network().nodes.len();
            let (NodeKind::Demand(old) | NodeKind::Fixed(old)) = solver.network().nodes[node].kind;
            assert!(solver.set_node(node, old * (0.9 + times / 40.0) + 1e-5));
            Box::new(move |s| assert!(s.set_node(node, old)))
        }
        _ => {
            let open = solver.network().links[which].open;
            assert!(solver.set_open(which, !open));
            Box::new(move |s| assert!(s.set_open(which, open)))
        }
    }
}

/// Heads within `head`, flows within the same part of the largest; the same parts, the same told.
/// Valves that hold by less than their hysteresis may stand either way, and so may those through which
/// nothing flows: what is asked for nothing between two of them has the head of either, and a part that
/// nothing feeds may be told as one or as several.
#[track_caller]
fn assert_same(network: &Network, warm: &Solution, cold: &Solution, head: f64) {
    let most = cold.flows.iter().flatten().fold(1e-6f64, |m, q| m.max(q.abs()));
    let little = head * most + 1e-7;
    if warm.holding != cold.holding {
        for (k, link) in network.links.iter().enumerate() {
            let still = [warm, cold].iter().all(|s| s.flows[k].is_none_or(|q| q.abs() < little));
            if warm.holding[k] == cold.holding[k] || still {
                continue;
            }
            let [Some(from), Some(to)] = [link.from, link.to].map(|n| warm.heads[n as usize])
            else {
                continue;
            };
            // A pump holds where it is asked for all that it lifts.
            let lift = if let LinkKind::Pump(curve) = link.kind { curve.shut_off } else { 0.0 };
            let off = (from + lift - to).abs();
            assert!(off < head, "{}: {off}", link.name);
        }
        return;
    }
    let fed = |s: &Solution| {
        let has_heads = |part: &&Vec<u32>| part.iter().any(|&n| s.heads[n as usize].is_some());
        s.islands.iter().filter(has_heads).cloned().collect::<Vec<_>>()
    };
    assert_eq!(fed(warm), fed(cold));
    let kinds = |s: &Solution| {
        let mut kinds: Vec<_> = s.findings.iter().map(|f| f.kind).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(warm), kinds(cold));
    for (w, c) in warm.heads.iter().zip(&cold.heads) {
        assert_eq!(w.is_some(), c.is_some());
        let off = (w.unwrap_or(0.0) - c.unwrap_or(0.0)).abs();
        assert!(off < head, "{w:?} {c:?}\n{:?} {:?}", warm.effort, cold.effort);
    }
    for (w, c) in warm.flows.iter().zip(&cold.flows) {
        let off = (w.unwrap_or(0.0) - c.unwrap_or(0.0)).abs();
        assert!(off < little, "{w:?} {c:?}\n{:?} {:?}", warm.effort, cold.effort);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn water_after_any_edits_is_that_of_a_cold_solution(
        law in 0..3usize,
        seed in 0..1000u32,
        demand in 1e-5..2e-3f64,
        edits in edits(),
        tier in 0..2usize,
    ) {
        let law = [Law::Colebrook, Law::SwameeJain, Law::HazenWilliams][law];
        let (tier, head) = [(Tier::Compute, 5e-4), (Tier::Edit, 3e-2)][tier];
        let budget = Budget::unlimited(Class::Physics, tier);
        let mut solver = Solver::new(grid(law, seed, demand), &Limits::default()).unwrap();
        solver.solve(&budget).unwrap();
        for e in edits {
            _ = edit(&mut solver, e);
            let warm = solver.solve(&budget).unwrap();
            let network = solver.network().clone();
            let cold = Solver::new(network, &Limits::default()).unwrap().solve(&unlimited()).unwrap();
            if warm.effort.converged && cold.effort.converged {
                prop_assert!(warm.effort.residual.energy <= warm.effort.tolerance);
                assert_same(solver.network(), &warm, &cold, head);
            }
        }
    }

    #[test]
    fn water_after_an_edit_and_its_undo_is_the_same_to_the_byte(
        seed in 0..1000u32,
        edits in edits(),
    ) {
        let mut solver = Solver::new(grid(Law::Colebrook, seed, 4e-4), &Limits::default()).unwrap();
        let mut before = solver.solve(&unlimited()).unwrap();
        for e in edits {
            let undo = edit(&mut solver, e);
            let edited = solver.solve(&unlimited()).unwrap();
            if before.effort.converged {
                undo(&mut solver);
                let undone = solver.solve(&unlimited()).unwrap();
                prop_assert_eq!(&undone.heads, &before.heads);
                prop_assert_eq!(&undone.flows, &before.flows);
                prop_assert_eq!(&undone.supplied, &before.supplied);
                prop_assert_eq!(&undone.findings, &before.findings);
                prop_assert_eq!(&undone.islands, &before.islands);
                _ = edit(&mut solver, e);
                let again = solver.solve(&unlimited()).unwrap();
                if edited.effort.converged {
                    prop_assert_eq!(&again.heads, &edited.heads);
                }
            }
            before = edited;
        }
    }

    #[test]
    fn circuits_after_any_edits_are_those_of_a_cold_solution_and_undo_gives_the_same_bytes(
        seed in 0..1000u32,
        edits in prop::collection::vec((any::<bool>(), 0..40usize, 0.1..5.0f64), 1..20),
    ) {
        let n = 24u32;
        let mut c: Circuit<f64> = Circuit::default();
        (0..n).for_each(|k| _ = c.terminal(format!("t{k}")));
        c.source("u", 0, 230.0, if seed.is_multiple_of(2) { 0.0 } else { 0.05 });
        for k in 1..n {
            c.resistor(format!("r{k}"), (k * 5 + seed) % k, k, 0.02 + 0.01 * f64::from(k % 4));
            if k % 3 == 0 {
                c.resistor(format!("s{k}"), k - 1, k, 0.05);
            }
            let shares = [Shares::POWER, Shares::CURRENT, Shares::IMPEDANCE][k as usize % 3];
            c.load(format!("l{k}"), k, 100.0 + 10.0 * f64::from(seed % 7), 230.0, shares);
        }
        let mut solver = electrical::Solver::new(c, &Limits::default(), &unlimited()).unwrap();
        let mut before = solver.solve(&unlimited()).unwrap();
        for (load, which, times) in edits {
            let k = which % if load { solver.circuit().loads.len() } else { solver.circuit().blocks.len() };
            let (watt, block) = (solver.circuit().loads.get(k).map(|l| l.power), solver.circuit().blocks.get(k).cloned());
            let turn = |s: &mut electrical::Solver<f64>, back: bool| {
                if load {
                    assert!(s.set_load(k, watt.unwrap() * if back { 1.0 } else { times }));
                } else {
                    let block = block.clone().unwrap();
                    let fresh = || Block::between(block.name.clone(), block.terminals[0], block.terminals[1], times * 20.0);
                    // A source keeps what it is.
                    let with = if back || !block.injected.is_empty() { block.clone() } else { fresh() };
                    assert!(s.set_block(k, with));
                }
            };
            turn(&mut solver, false);
            let warm = solver.solve(&unlimited()).unwrap();
            let cold = electrical::Solver::new(solver.circuit().clone(), &Limits::default(), &unlimited()).unwrap().solve(&unlimited()).unwrap();
            prop_assert_eq!(warm.effort.reused == Reused::Nothing, false);
            prop_assert!(warm.effort.converged && cold.effort.converged);
            prop_assert!(warm.effort.residual.balance < 1e-3, "{:?}", warm.effort);
            for (w, c) in warm.voltages.iter().zip(&cold.voltages) {
                prop_assert!((w.unwrap() - c.unwrap()).abs() < 1e-6 * 230.0);
            }
            turn(&mut solver, true);
            let undone = solver.solve(&unlimited()).unwrap();
            prop_assert_eq!(&undone.voltages, &before.voltages);
            prop_assert_eq!(&undone.tie_currents, &before.tie_currents);
            turn(&mut solver, false);
            before = solver.solve(&unlimited()).unwrap();
            prop_assert_eq!(&before.voltages, &warm.voltages);
        }
    }

    #[test]
    fn frames_after_any_edits_are_those_of_a_cold_solution_and_undo_gives_the_same_bytes(
        edits in prop::collection::vec((0..3u8, 0..99usize, 0.2..4.0f64), 1..14),
    ) {
        let mut solver = frame::Solver::new(moment_frame(5, 9), &Limits::default(), &unlimited()).unwrap();
        let mut before = solver.solve(&unlimited()).unwrap();
        for (what, member, times) in edits {
            let old = solver.structure().members[member].clone();
            let change = |m: &mut frame::Member| match what {
                0 => m.inertia *= times,
                1 => m.area *= times,
                _ => m.hinges[0] = !m.hinges[0],
            };
            prop_assert!(solver.set_member(member, change).unwrap());
            let warm = solver.solve(&unlimited()).unwrap();
            let mut cold = frame::Solver::new(solver.structure().clone(), &Limits::default(), &unlimited()).unwrap();
            let cold = cold.solve(&unlimited()).unwrap();
            prop_assert_eq!(&warm.findings, &cold.findings);
            prop_assert!(warm.effort.converged);
            for (w, c) in warm.displacements.iter().zip(&cold.displacements) {
                let off = w.iter().flatten().zip(c.iter().flatten()).map(|(w, c)| (w - c).abs());
                prop_assert!(off.fold(0.0, f64::max) < 1e-9 && w.is_some() == c.is_some());
            }
            for (w, c) in warm.end_forces.iter().flatten().zip(cold.end_forces.iter().flatten()) {
                prop_assert!(w.iter().zip(c).all(|(w, c)| (w - c).abs() < 1e-4 * 1e4));
            }
            prop_assert!(solver.set_member(member, |m| *m = old).unwrap());
            let undone = solver.solve(&unlimited()).unwrap();
            prop_assert_eq!(&undone.displacements, &before.displacements);
            prop_assert_eq!(&undone.end_forces, &before.end_forces);
            prop_assert!(solver.set_member(member, change).unwrap());
            before = solver.solve(&unlimited()).unwrap();
        }
    }
}

#[test]
fn edits_keep_the_factor_until_there_are_many() {
    // A valve within a loop, a demand, a head that is given, a pipe: none of them is factored.
    let mut solver = Solver::new(grid(Law::Colebrook, 5, 4e-4), &Limits::default()).unwrap();
    assert_eq!(solver.solve(&unlimited()).unwrap().effort.reused, Reused::Nothing);
    for (what, which, times) in
        [(6, 20, 1.0), (4, 17, 1.3), (4, 0, 3.99), (0, 12, 1.2), (0, 12, 1.4), (6, 20, 1.0)]
    {
        _ = edit(&mut solver, Edit { what, which, times });
        let effort = solver.solve(&unlimited()).unwrap().effort;
        assert!(effort.converged && effort.reused == Reused::Factor, "{which}: {effort:?}");
    }
    // What cuts a part off is planned anew: only one pipe leads to the outlier.
    let last = solver.network().links.len() - 1;
    solver.set_open(last, false);
    let s = solver.solve(&unlimited()).unwrap();
    assert_eq!((s.effort.reused, s.islands.len()), (Reused::Nothing, 2));
    solver.set_open(last, true);
    assert_eq!(solver.solve(&unlimited()).unwrap().islands.len(), 1);
    // A frame takes six members in before it is factored.
    let mut solver =
        frame::Solver::new(moment_frame(5, 9), &Limits::default(), &unlimited()).unwrap();
    solver.solve(&unlimited()).unwrap();
    let mut reused = Vec::new();
    for member in 10..20 {
        assert!(solver.set_member(member, |m| m.inertia *= 1.5).unwrap());
        reused.push(solver.solve(&unlimited()).unwrap().effort.reused);
    }
    let factored = reused.iter().filter(|r| **r != Reused::Factor).count();
    assert_eq!((reused[0], factored), (Reused::Factor, 1), "{reused:?}");
    // A circuit in which a source stands at the end of each of two lines.
    let mut c: Circuit<f64> = Circuit::default();
    let [a, b] = ["a", "b"].map(|n| c.terminal(n));
    c.source("u", a, 100.0, 1.0);
    c.resistor("r", a, b, 1.0);
    c.load("l", b, 100.0, 100.0, Shares::POWER);
    let mut solver = electrical::Solver::new(c, &Limits::default(), &unlimited()).unwrap();
    solver.solve(&unlimited()).unwrap();
    assert!(solver.set_block(1, Block::between("r".into(), a, b, 0.5)));
    assert!(solver.set_load(0, 120.0) && !solver.set_load(0, f64::NAN) && !solver.set_load(1, 1.0));
    let s = solver.solve(&unlimited()).unwrap();
    assert_eq!(s.effort.reused, Reused::Factor);
    let v = s.voltages[1].unwrap();
    assert!(((100.0 - v) / 3.0 * v - 120.0).abs() < 1e-4, "{v}");
    // Between other terminals it is another block.
    assert!(!solver.set_block(1, Block::between("r".into(), a, EARTH, 1.0)));
    // A load that is cut from its source gets nothing, whatever the factor was.
    assert!(solver.set_block(1, Block::between("r".into(), a, b, 0.0)));
    let s = solver.solve(&unlimited()).unwrap();
    assert!(s.voltages[1].is_none() && !s.effort.converged, "{s:?}");
}

/// Between 0.6 and 1.4, never the same.
fn tick(k: usize) -> f64 {
    0.6 + 0.8 * ((k + 1) as f64 * 0.618_033_988_749_894_9).fract()
}

#[test]
fn a_quantity_that_is_dragged_is_answered_as_a_cold_solution_at_every_tick() {
    for (law, seed) in [(Law::HazenWilliams, 3), (Law::Colebrook, 5), (Law::SwameeJain, 8)] {
        let network = grid(law, seed, 4e-4);
        let mut solver = Solver::new(network.clone(), &Limits::default()).unwrap();
        solver.solve(&unlimited()).unwrap();
        let mut drag = |what: &str, set: &dyn Fn(&mut Solver, f64)| {
            let mut iterations = Vec::new();
            for k in 0..12 {
                set(&mut solver, tick(k));
                let warm = solver.solve(&unlimited()).unwrap();
                let fresh = Solver::new(solver.network().clone(), &Limits::default());
                let cold = fresh.unwrap().solve(&unlimited()).unwrap();
                assert!(warm.effort.converged && cold.effort.converged, "{what} {k}");
                assert_same(solver.network(), &warm, &cold, 5e-4);
                iterations.push(warm.effort.iterations);
            }
            // What was seen of it tells where the next one is.
            let [early, late] = [&iterations[..3], &iterations[9..]].map(|i| i.iter().sum::<u32>());
            // Where valves go open and shut on the way there is nothing to tell it by.
            assert!(late <= early || what == "head", "{what}: {iterations:?}");
        };
        let first_of = |is: &dyn Fn(&LinkKind) -> bool| {
            network.links.iter().position(|l| is(&l.kind)).expect("there is one")
        };
        let valve = first_of(&|k| matches!(k, LinkKind::Valve { .. }));
        let pump = first_of(&|k| matches!(k, LinkKind::Pump(_)));
        for (what, link) in [("valve", valve), ("pump", pump), ("pipe", 0)] {
            let kind = network.links[link].kind;
            drag(what, &|s, by| {
                let with = match kind {
                    LinkKind::Pump(curve) => LinkKind::Pump(curve.at_speed(by)),
                    LinkKind::Pipe { length, diameter, roughness, minor } => {
                        LinkKind::Pipe { length: by * length, diameter, roughness, minor }
                    }
                    LinkKind::Valve { resistance } => {
                        LinkKind::Valve { resistance: by * resistance }
                    }
                    kind => kind,
                };
                assert!(s.set_link(link, with).unwrap());
            });
        }
        drag("demand", &|s, by| assert!(s.set_node(20, 1e-3 * by)));
        drag("head", &|s, by| assert!(s.set_node(0, 50.0 * (0.9 + 0.1 * by))));
    }
}

#[test]
fn a_load_that_is_dragged_is_answered_as_a_cold_solution_at_every_tick() {
    let n = 24u32;
    let mut c: Circuit<f64> = Circuit::default();
    (0..n).for_each(|k| _ = c.terminal(format!("t{k}")));
    c.source("u", 0, 230.0, 0.05);
    for k in 1..n {
        c.resistor(format!("r{k}"), (k * 5) % k, k, 0.05 + 0.01 * f64::from(k % 4));
        let shares = [Shares::POWER, Shares::CURRENT, Shares::IMPEDANCE][k as usize % 3];
        c.load(format!("l{k}"), k, 150.0, 230.0, shares);
    }
    let mut solver = electrical::Solver::new(c, &Limits::default(), &unlimited()).unwrap();
    solver.solve(&unlimited()).unwrap();
    let mut iterations = Vec::new();
    for k in 0..24 {
        // Two loads, one after the other, each of which is dragged for a while.
        assert!(solver.set_load(5 + 4 * (k / 12), 400.0 * tick(k)));
        let warm = solver.solve(&unlimited()).unwrap();
        let circuit = solver.circuit().clone();
        let fresh = electrical::Solver::new(circuit, &Limits::default(), &unlimited());
        let cold = fresh.unwrap().solve(&unlimited()).unwrap();
        assert!(warm.effort.converged && cold.effort.converged);
        for (w, c) in warm.voltages.iter().zip(&cold.voltages) {
            assert!((w.unwrap() - c.unwrap()).abs() < 1e-6 * 230.0, "{k}");
        }
        iterations.push(warm.effort.iterations);
    }
    assert!(iterations[11] <= iterations[0] && iterations[23] <= iterations[12], "{iterations:?}");
}

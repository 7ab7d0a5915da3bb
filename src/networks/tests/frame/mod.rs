//! Plane frames and trusses.

mod beams;
mod cases;
mod mechanisms;

use crate::unlimited;
use svgx_networks::Limits;
use svgx_networks::frame::{Load, Member, Node, Restraint, Solution, Solver, Structure};

/// Nodes (place, what is fixed of `xyr`) and members (ends) of one section: E, A, I.
fn structure(
    nodes: &[(&str, [f64; 2], &str)],
    members: &[(&str, u32, u32, [bool; 2])],
    [modulus, area, inertia]: [f64; 3],
    loads: Vec<Load>,
) -> Structure {
    let node = |&(name, at, fixed): &(&str, [f64; 2], &str)| Node {
        name: name.into(),
        at,
        support: ["x", "y", "r"]
            .map(|d| if fixed.contains(d) { Restraint::Fixed } else { Restraint::Free }),
    };
    let member = |&(name, from, to, hinges): &(&str, u32, u32, [bool; 2])| Member {
        name: name.into(),
        from,
        to,
        modulus,
        area,
        inertia,
        hinges,
    };
    Structure {
        nodes: nodes.iter().map(node).collect(),
        members: members.iter().map(member).collect(),
        loads,
    }
}

fn solve(structure: Structure) -> (Solver, Solution) {
    let mut solver = Solver::new(structure, &Limits::default(), &unlimited()).unwrap();
    let solution = solver.solve(&unlimited()).unwrap();
    (solver, solution)
}

/// A moment frame: bays of 6 m, storeys of 3.5 m, 20 kN/m on every beam, 10 kN at every floor.
/// Node `(i, j)` is `j * (bays + 1) + i`; columns come first.
pub(super) fn moment_frame(bays: u32, storeys: u32) -> Structure {
    let across = bays + 1;
    let mut s = Structure::default();
    for j in 0..=storeys {
        for i in 0..across {
            let fixed = if j == 0 { Restraint::Fixed } else { Restraint::Free };
            let at = [6.0 * f64::from(i), 3.5 * f64::from(j)];
            s.nodes.push(Node { name: format!("{i}_{j}").into(), at, support: [fixed; 3] });
        }
    }
    let member = |name: String, from: u32, to: u32, inertia: f64| Member {
        name: name.into(),
        from,
        to,
        modulus: 2e11,
        area: 0.012,
        inertia,
        hinges: [false; 2],
    };
    for from in 0..storeys * across {
        s.members.push(member(format!("c{from}"), from, from + across, 1.5e-4));
    }
    for j in 1..=storeys {
        for i in 0..bays {
            let k = s.members.len() as u32;
            let from = j * across + i;
            s.members.push(member(format!("b{}", k - storeys * across), from, from + 1, 3e-4));
            s.loads.push(Load::Uniform { member: k, force: [0.0, -20e3] });
        }
        s.loads.push(Load::Node { node: j * across, force: [10e3, 0.0, 0.0] });
    }
    s
}

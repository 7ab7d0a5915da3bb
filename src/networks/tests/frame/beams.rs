//! Beams against closed forms.

use super::{solve, structure};
use crate::near;
use svgx_networks::frame::{Load, buckling_load};

const SECTION: [f64; 3] = [2.1e11, 6.26e-3, 8e-5];
const SPAN: f64 = 5.0;

fn uniform(member: u32) -> Load {
    Load::Uniform { member, force: [0.0, -12e3] }
}

fn middle(member: u32) -> Load {
    Load::Point { member, distance: SPAN / 2.0, force: [0.0, -30e3] }
}

#[test]
fn deflections_and_moments_of_one_span_are_those_of_the_textbook() {
    // Supports, hinge at the end, loads; where, deflection there, moments at start, middle, end.
    let tip = Load::Node { node: 1, force: [0.0, -30e3, 0.0] };
    for (what, supports, load, at, deflection, moments) in [
        ("cantilever, end load", ["xyr", ""], tip, 1.0, 0.074_404_761_904_8, [-150e3, -75e3, 0.0]),
        (
            "cantilever, uniform",
            ["xyr", ""],
            uniform(0),
            1.0,
            0.055_803_571_428_6,
            [-150e3, -37.5e3, 0.0],
        ),
        ("simple, uniform", ["xy", "y"], uniform(0), 0.5, 0.005_812_872_023_81, [0.0, 37.5e3, 0.0]),
        ("simple, midspan", ["xy", "y"], middle(0), 0.5, 0.004_650_297_619_05, [0.0, 37.5e3, 0.0]),
        (
            "clamped, uniform",
            ["xyr", "xyr"],
            uniform(0),
            0.5,
            0.001_162_574_404_76,
            [-25e3, 12.5e3, -25e3],
        ),
        (
            "propped, uniform",
            ["xyr", "y"],
            uniform(0),
            0.5,
            12e3 * 625.0 / (192.0 * 16.8e6),
            [-37.5e3, 18.75e3, 0.0],
        ),
    ] {
        // As a node that may turn, and as a hinge of a member whose node may not.
        for hinged in [false, true] {
            let free = |s: &str| hinged && !s.contains('r') && s.contains('y');
            let hinges = supports.map(free);
            let fixed = supports.map(|s| if free(s) { format!("{s}r") } else { s.to_owned() });
            let nodes =
                [("a", [0.0, 0.0], fixed[0].as_str()), ("b", [SPAN, 0.0], fixed[1].as_str())];
            let (solver, s) =
                solve(structure(&nodes, &[("m", 0, 1, hinges)], SECTION, vec![load.clone()]));
            let places = [0.0, SPAN / 2.0, SPAN, at * SPAN];
            let found = solver.sections(&s, 0, &places).unwrap();
            near(what, found[3].displacement[1], -deflection, 1e-9);
            for (section, moment) in found.iter().zip(moments) {
                assert!(
                    (section.moment - moment).abs() < 1e-6 * 150e3,
                    "{what}: {section:?} {moment}"
                );
            }
            assert!(s.effort.converged && s.findings.is_empty(), "{what}: {:?}", s.findings);
        }
    }
}

#[test]
fn three_spans_share_their_load() {
    let nodes = [
        ("a", [0.0, 0.0], "xy"),
        ("b", [5.0, 0.0], "y"),
        ("c", [10.0, 0.0], "y"),
        ("d", [15.0, 0.0], "y"),
    ];
    let members = [("1", 0, 1, [false; 2]), ("2", 1, 2, [false; 2]), ("3", 2, 3, [false; 2])];
    let (solver, s) = solve(structure(&nodes, &members, SECTION, (0..3).map(uniform).collect()));
    for (k, up) in [24e3, 66e3, 66e3, 24e3].into_iter().enumerate() {
        near("reaction", s.reactions[k].unwrap()[1], up, 1e-9);
    }
    near("inner moment", solver.sections(&s, 1, &[0.0]).unwrap()[0].moment, -30e3, 1e-9);
}

#[test]
fn a_column_buckles_where_euler_says() {
    near("pinned", buckling_load(2.1e11, 8e-5, 5.0, 1.0), 6_632_374.157_53, 1e-10);
}

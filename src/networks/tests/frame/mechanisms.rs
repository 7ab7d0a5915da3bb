//! What can move says so, and the rest is answered.

use super::{moment_frame, solve, structure};
use crate::near;
use svgx_networks::frame::Load;
use svgx_networks::{Kind, State};

const SECTION: [f64; 3] = [2e11, 6.26e-3, 7.12e-5];

#[test]
fn a_hinge_between_two_supports_is_named_with_its_motion() {
    let nodes = [
        ("pin", [0.0, 0.0], "xy"),
        ("hinge", [1.0, 0.0], ""),
        ("roller", [2.0, 0.0], "y"),
        ("mast", [5.0, 0.0], "xyr"),
        ("top", [5.0, 2.0], ""),
    ];
    let members = [
        ("left", 0, 1, [false, true]),
        ("right", 1, 2, [false, false]),
        ("mast", 3, 4, [false, false]),
    ];
    let loads = vec![
        Load::Uniform { member: 0, force: [0.0, -10e3] },
        Load::Node { node: 4, force: [1e3, 0.0, 0.0] },
    ];
    let (solver, s) = solve(structure(&nodes, &members, SECTION, loads));
    assert_eq!(s.findings.len(), 1);
    let f = &s.findings[0];
    assert_eq!((f.kind, &*f.elements[0]), (Kind::Mechanism, "hinge"));
    assert!(
        f.message.starts_with("hinge can move up and down without resistance"),
        "{}",
        f.message
    );
    assert_eq!(s.displacements[1], None);
    assert!(s.end_forces[0].is_none() && solver.sections(&s, 0, &[0.0]).is_none());
    // Its neighbour stands.
    let sway = 1e3 * 8.0 / (3.0 * 2e11 * 7.12e-5);
    near("mast", s.displacements[4].unwrap()[0], sway, 1e-9);
    near("moment", s.reactions[3].unwrap()[2], 2e3, 1e-9);
}

#[test]
fn a_motion_that_no_load_drives_leaves_the_rest_its_answer_and_a_driven_one_does_not() {
    // A mast with a beam of two halves that are hinged in the middle, on a roller.
    for down in [0.0, 10e3] {
        let nodes = [
            ("foot", [0.0, 0.0], "xyr"),
            ("top", [0.0, 3.0], ""),
            ("hinge", [1.0, 3.0], ""),
            ("roller", [2.0, 3.0], "y"),
        ];
        let members =
            [("mast", 0, 1, [false; 2]), ("left", 1, 2, [true, true]), ("right", 2, 3, [false; 2])];
        let loads = vec![
            Load::Node { node: 1, force: [1e3, 0.0, 0.0] },
            Load::Node { node: 2, force: [0.0, -down, 0.0] },
        ];
        let (_, s) = solve(structure(&nodes, &members, SECTION, loads));
        assert_eq!(s.findings[0].kind, Kind::Mechanism);
        assert_eq!(s.displacements[2], None);
        assert_eq!(s.displacements[1].is_some(), down == 0.0, "{s:?}");
        if down == 0.0 {
            let sway = 1e3 * 27.0 / (3.0 * 2e11 * 7.12e-5);
            near("top", s.displacements[1].unwrap()[0], sway, 1e-6);
        }
    }
}

#[test]
fn a_part_without_supports_is_named_once() {
    let nodes = [
        ("a", [0.0, 0.0], ""),
        ("b", [1.0, 0.0], ""),
        ("c", [0.0, 5.0], "xyr"),
        ("d", [1.0, 5.0], ""),
    ];
    let members = [("m", 0, 1, [false; 2]), ("n", 2, 3, [false; 2])];
    let (_, s) = solve(structure(&nodes, &members, SECTION, vec![]));
    let messages: Vec<&str> = s.findings.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(messages, ["nothing holds a and b: they can move as a whole"]);
    assert_eq!(s.displacements, [None, None, Some([0.0; 3]), Some([0.0; 3])]);
}

#[test]
fn a_rotation_that_carries_nothing_is_no_mechanism_unless_a_moment_acts_on_it() {
    for moment in [0.0, 5.0] {
        let nodes = [("a", [0.0, 0.0], "xy"), ("b", [2.0, 0.0], "xy"), ("top", [1.0, 1.0], "")];
        let members = [("left", 0, 2, [true; 2]), ("right", 1, 2, [true; 2])];
        let loads = vec![Load::Node { node: 2, force: [0.0, -1e3, moment] }];
        let (_, s) = solve(structure(&nodes, &members, SECTION, loads));
        assert_eq!(s.findings.len(), usize::from(moment != 0.0));
        near("reaction", s.reactions[0].unwrap()[1], 500.0, 1e-9);
        if moment != 0.0 {
            assert_eq!(s.findings[0].message, "top is a hinge: nothing takes the moment of 5 Nm");
        }
    }
}

#[test]
fn a_soft_member_is_warned_of_and_answered() {
    let mut frame = moment_frame(5, 9);
    frame.members[60].inertia *= 1e-12;
    let (_, s) = solve(frame);
    assert!(s.effort.converged && s.displacements.iter().all(Option::is_some));
    let kinds: Vec<_> = s.findings.iter().map(|f| (f.kind, f.state)).collect();
    assert_eq!(kinds, [(Kind::Conditioning, State::Warning)]);
}

#[test]
fn a_motion_that_rounding_hides_is_seen_by_its_refinement() {
    // Two rollers at right angles: a beam of four members turns about where their normals meet.
    let nodes = [
        ("down", [9.931_362_238_576_693, -7.765_012_184_093_386], "y"),
        ("aside", [-5.186_306_814_623_397, 1.081_834_473_216_153_3], "x"),
    ];
    let members = [
        ("a", 0, 1, [true, false]),
        ("b", 1, 0, [true, true]),
        ("c", 0, 1, [false, true]),
        ("d", 0, 1, [true, false]),
    ];
    let push = |node| Load::Node { node, force: [0.0, 272.238_775_305_791_8, 0.0] };
    let (_, s) = solve(structure(&nodes, &members, [2e11, 1e-2, 1e-4], vec![push(0), push(1)]));
    assert_eq!(s.findings[0].kind, Kind::Mechanism);
    assert_eq!(s.displacements, [None, None]);
}

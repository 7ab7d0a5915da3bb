//! Frames of textbooks and of two peers that agree to 6e-11: kip and inch where the book has
//! them, since the equations know no units.

use super::{moment_frame, solve, structure};
use crate::unlimited;
use svgx_networks::frame::{Load, Restraint, Solution};

/// Values within 1e-6 of the largest.
#[track_caller]
fn close(what: &str, values: &[[f64; 3]], wanted: &[[f64; 3]]) {
    for i in 0..3 {
        let most = wanted.iter().fold(0.0f64, |m, w| m.max(w[i].abs()));
        for (v, w) in values.iter().zip(wanted) {
            assert!((v[i] - w[i]).abs() <= 1e-6 * most.max(1e-9), "{what}: {v:?} for {w:?}");
        }
    }
}

fn at(s: &Solution, nodes: &[usize]) -> Vec<[f64; 3]> {
    nodes.iter().map(|&k| s.displacements[k].unwrap()).collect()
}

#[test]
fn a_gable_frame_is_that_of_logan() {
    let nodes = [
        ("N1", [0.0, 0.0], "xyr"),
        ("N2", [0.0, 360.0], ""),
        ("N3", [180.0, 480.0], ""),
        ("N4", [420.0, 480.0], ""),
        ("N5", [600.0, 360.0], ""),
        ("N6", [600.0, 0.0], "xyr"),
    ];
    let members = [
        ("1", 0, 1, [false; 2]),
        ("2", 1, 2, [false; 2]),
        ("3", 2, 3, [false; 2]),
        ("4", 3, 4, [false; 2]),
        ("5", 4, 5, [false; 2]),
    ];
    let loads = [2, 3].map(|node| Load::Node { node, force: [0.0, -30.0, 0.0] }).to_vec();
    let (_, s) = solve(structure(&nodes, &members, [30e3, 12.0, 200.0], loads));
    close(
        "moved",
        &at(&s, &[1, 2, 4]),
        &[
            [-4.401_566_921, -0.03, -0.017_622_509_32],
            [0.003_895_894_341, -6.666_757_114, -0.031_999_732_09],
            [4.401_566_921, -0.03, 0.017_622_509_32],
        ],
    );
    let reactions = [s.reactions[0].unwrap(), s.reactions[5].unwrap()];
    close(
        "reactions",
        &reactions,
        &[[11.687_683_02, 30.0, -1_810.074_455], [-11.687_683_02, 30.0, 1_810.074_455]],
    );
    let m2 = s.end_forces[1].unwrap();
    close("member", &[[m2[0], m2[1], m2[2]]], &[[11.687_683_02, 30.0, 2_397.491_433]]);
}

#[test]
fn a_beam_on_springs_is_that_of_mcguire() {
    let names: Vec<String> = (1..=17).map(|k| format!("N{k}")).collect();
    let fixed = |k: usize| match k {
        0 => "xy",
        16 => "y",
        _ => "",
    };
    let nodes: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(k, n)| (n.as_str(), [15.0 * k as f64, 0.0], fixed(k)))
        .collect();
    let members: Vec<_> = (0..16).map(|k| ("m", k, k + 1, [false; 2])).collect();
    let load = Load::Node { node: 8, force: [0.0, -40.0, 0.0] };
    let mut beam = structure(&nodes, &members, [29e3, 10.3, 128.5], vec![load]);
    (1..16).for_each(|k| beam.nodes[k].support[1] = Restraint::Spring(22.5));
    let (_, s) = solve(beam);
    close(
        "moved",
        &at(&s, &[0, 4, 8]),
        &[
            [0.0, 0.0, -0.001_680_382_406],
            [0.0, -0.121_377_142_4, -0.002_553_058_401],
            [0.0, -0.246_267_604_6, 0.0],
        ],
    );
    close("reaction", &[s.reactions[16].unwrap()], &[[0.0, -2.550_688_48, 0.0]]);
    assert!((s.end_forces[7].unwrap()[5] - 546.637_304).abs() < 1e-4);
}

#[test]
fn a_warren_truss_is_determinate() {
    // Lower chord 0 to 6, upper 7 to 12; as bars, and as members hinged at both ends.
    for inertia in [0.0, 1e-8] {
        let mut nodes = Vec::new();
        for k in 0..7u32 {
            let fixed = match k {
                0 => "xy",
                6 => "y",
                _ => "",
            };
            nodes.push(("b", [3.0 * f64::from(k), 0.0], fixed));
        }
        (0..6u32).for_each(|k| nodes.push(("t", [1.5 + 3.0 * f64::from(k), 2.6], "")));
        let mut members = Vec::new();
        for k in 0..6 {
            members.push(("B", k, k + 1, [true; 2]));
            members.push(("u", k, k + 7, [true; 2]));
            members.push(("d", k + 7, k + 1, [true; 2]));
        }
        (0..5).for_each(|k| members.push(("T", k + 7, k + 8, [true; 2])));
        let loads = (1..6).map(|node| Load::Node { node, force: [0.0, -20e3, 0.0] }).collect();
        let (_, s) = solve(structure(&nodes, &members, [2.1e11, 0.0018, inertia], loads));
        assert!(s.findings.is_empty(), "{:?}", s.findings);
        let moved: Vec<_> = at(&s, &[1, 3, 6, 7, 9]).iter().map(|d| [d[0], d[1], 0.0]).collect();
        close(
            "moved",
            &moved,
            &[
                [0.000_228_937_728_9, -0.004_624_542_614, 0.0],
                [0.001_602_564_103, -0.008_958_158_108, 0.0],
                [0.003_205_128_205, 0.0, 0.0],
                [0.003_205_128_205, -0.002_378_311_036, 0.0],
                [0.002_014_652_015, -0.008_614_575_359, 0.0],
            ],
        );
        for (member, force) in [(0, -28_846.153_85), (6, -98_076.923_08), (18, 57_692.307_69)] {
            let found = s.end_forces[member].unwrap()[0];
            assert!((found - force).abs() < 0.1, "{member}: {found} for {force}");
        }
    }
}

#[test]
fn moment_frames_are_those_of_two_peers_before_and_after_an_edit() {
    type Places = [(usize, [f64; 3]); 3];
    let small: [Places; 2] = [
        [
            (54, [0.018_100_815_13, -0.003_817_542_775, -0.001_253_817_13]),
            (59, [0.017_713_922_51, -0.004_315_168_524, 0.001_082_389_554]),
            (7, [0.002_630_956_66, -0.001_560_121_066, -0.000_374_270_784_1]),
        ],
        [
            (54, [0.018_079_391_83, -0.003_817_907_213, -0.001_253_652_162]),
            (59, [0.017_692_504_19, -0.004_314_766_006, 0.001_082_437_731]),
            (7, [0.002_630_943_152, -0.001_559_901_861, -0.000_374_271_287]),
        ],
    ];
    let large: [Places; 1] = [[
        (510, [0.066_711_669_59, -0.053_923_924_83, -0.002_589_136_121]),
        (526, [0.063_674_995_19, -0.057_358_877_61, 0.002_310_909_514]),
        (18, [0.002_965_242_18, -0.004_678_356_824, -0.000_487_215_390_1]),
    ]];
    let large_after = 0.063_667_598_67;
    for (bays, storeys, column, answers) in [(5, 9, 26, &small[..]), (16, 30, 263, &large[..])] {
        let (mut solver, first) = solve(moment_frame(bays, storeys));
        assert!(first.effort.converged && first.findings.is_empty());
        let mut found = vec![first.clone()];
        assert!(solver.set_member(column, |m| m.inertia = 1.65e-4).unwrap());
        found.push(solver.solve(&unlimited()).unwrap());
        for (s, answer) in found.iter().zip(answers) {
            let (nodes, wanted): (Vec<_>, Vec<_>) = answer.iter().copied().unzip();
            close("moved", &at(s, &nodes), &wanted);
        }
        if bays == 16 {
            let roof = found[1].displacements[526].unwrap()[0];
            assert!((roof - large_after).abs() < 1e-9, "{roof}");
        }
        // An edit and its undo give the same bytes.
        assert!(solver.set_member(column, |m| m.inertia = 1.5e-4).unwrap());
        assert_eq!(solver.solve(&unlimited()).unwrap().displacements, first.displacements);
    }
}

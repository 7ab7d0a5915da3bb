//! Fault currents.

use crate::{near, unlimited};
use svgx_networks::Limits;
use svgx_networks::electrical::fault::{Fault, Iec60909, Study};
use svgx_networks::electrical::feeder::{Line, Supply, Transformer, Winding};
use svgx_networks::electrical::{Conductor, Connection, Feeder, Phase, Return};

fn side(bus: u32, connection: Connection, volts: f64, resistance: f64) -> Winding {
    let conductors = Conductor::PHASES.to_vec();
    Winding { bus, conductors, connection, volts, resistance, tap: 1.0 }
}

fn transformer(
    name: &str,
    buses: [u32; 2],
    volts: [f64; 2],
    power: f64,
    r: f64,
    reactance: f64,
) -> Transformer {
    let windings = [
        side(buses[0], Connection::Delta, volts[0], r),
        side(buses[1], Connection::Wye(Return::Earth), volts[1], r),
    ];
    Transformer { name: name.into(), windings, power, reactance }
}

fn line(name: &str, from: u32, to: u32, own: Phase, mutual: Phase) -> Line {
    let impedance = Line::transposed(3, own, mutual);
    let conductors = Conductor::PHASES.to_vec();
    Line { name: name.into(), from, to, conductors, impedance, charging: vec![] }
}

#[test]
fn faults_of_a_building_are_those_of_a_fault_study() {
    let z = Phase::new;
    let feeder = Feeder {
        buses: ["u", "msb", "dp1", "lp1", "end", "mcc"].map(Into::into).to_vec(),
        supplies: vec![Supply {
            name: "u".into(),
            bus: 0,
            volts: 13.8e3,
            angle: 0.0,
            own: z(0.059_338_258, 0.419_019_34),
            mutual: z(0.012_095_908, 0.041_080_547),
        }],
        lines: vec![
            line("f1", 1, 2, z(0.009_404, 0.014_12), z(0.003_698, 0.006_44)),
            line("b1", 3, 4, z(0.1578, 0.008_54), z(0.0396, 0.003_23)),
            line("m1", 1, 5, z(0.012_63, 0.011_25), z(0.004_935, 0.005_175)),
        ],
        transformers: vec![
            transformer("t1", [0, 1], [13.8e3, 480.0], 1.5e6, 0.005, 0.0566),
            transformer("t2", [2, 3], [480.0, 208.0], 112.5e3, 0.011, 0.045),
        ],
        ..Feeder::default()
    };
    let mut study = Study::new(&feeder, &Limits::default(), &unlimited()).unwrap();
    // Three phases, line to line, line to earth, X/R.
    for (bus, before, three, two, one, ratio) in [
        (0, 7967.4337, 20_918.488, 18_115.942, 18_826.639, 8.0),
        (1, 277.128_12, 29_835.143, 25_837.992, 30_336.204, 5.743_948_8),
        (2, 277.128_12, 15_105.989, 13_082.17, 10_828.392, 2.305_883_5),
        (3, 120.088_85, 5289.1187, 4580.5112, 5570.6316, 2.081_762_6),
        (4, 120.088_85, 919.515_97, 796.324_19, 708.509_36, 0.201_326_71),
        (5, 277.128_12, 15_538.107, 13_456.396, 11_204.421, 1.639_292_3),
    ] {
        let fault = study.at(bus).unwrap();
        near("before", fault.before, before, 1e-4);
        near("three phases", fault.three_phase, three, 1e-4);
        near("line to line", fault.line_line, two, 1e-4);
        near("line to earth", fault.line_earth.unwrap(), one, 1e-4);
        near("X/R", fault.x_over_r(), ratio, 1e-4);
    }
    assert_eq!(study.at(99), None);
}

#[test]
fn iec_60909_follows_its_formulas() {
    // 20 kV of 250 MVA (R/X 0.1), 630 kVA 20/0.4 kV (4 %, 1 %), 100 m of 0.2 + j0.08 Ω/km.
    for iec in [Iec60909::LARGEST, Iec60909::SMALLEST] {
        let zq = iec.supply(20e3, 250e6, 0.1);
        let feeder = Feeder {
            buses: ["mv", "lv", "end"].map(Into::into).to_vec(),
            supplies: vec![Supply::of_sequences("grid".into(), 0, 20e3, zq, zq)],
            transformers: vec![transformer(
                "t",
                [0, 1],
                [20e3, 400.0],
                630e3,
                0.005,
                (0.0016f64 - 0.0001).sqrt(),
            )],
            lines: vec![line("cable", 1, 2, Phase::new(0.04, 0.016), Phase::new(0.02, 0.008))],
            ..Feeder::default()
        };
        let mut study =
            Study::new(&iec.corrected(&feeder), &Limits::default(), &unlimited()).unwrap();
        let smallest = iec == Iec60909::SMALLEST;
        let (c, high) = if smallest { (0.95, 1.0) } else { (1.05, 1.1) };
        let x = high * 1.6 / 1.01f64.sqrt() / 2500.0;
        let base = 0.16 / 0.63;
        let xt = (0.0016f64 - 0.0001).sqrt();
        let kt = 0.95 * 1.05 / (1.0 + 0.6 * xt);
        let zt = Phase::new(0.01, xt) * (kt * base);
        let warm = if smallest { 1.24 } else { 1.0 };
        let z1 = Phase::new(0.1 * x, x) + zt + Phase::new(0.02 * warm, 0.008);
        let z0 = zt + Phase::new(0.08 * warm, 0.032);
        let fault: Fault = study.at(2).unwrap();
        let found = iec.currents(400.0, &fault);
        near("k3", found.three_phase, c * 400.0 / (3f64.sqrt() * z1.norm()), 1e-5);
        near("k2", found.line_line, c * 400.0 / (2.0 * z1.norm()), 1e-5);
        let k1 = 3f64.sqrt() * c * 400.0 / (z1 * 2.0 + z0).norm();
        near("k1", found.line_earth.unwrap(), k1, 1e-5);
        let kappa = 1.02 + 0.98 * (-3.0 * z1.re / z1.im).exp();
        near("peak", found.peak, kappa * 2f64.sqrt() * found.three_phase, 1e-5);
    }
}

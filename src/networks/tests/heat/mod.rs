//! Heat.

use crate::{near, unlimited};
use svgx_networks::heat::hourly::{Hour, Room};
use svgx_networks::heat::{
    Layer, Link, Network, Node, NodeKind, Transient, Wall, periodic, steady,
};
use svgx_networks::{Error, Kind, Limits, State};

use NodeKind::{Fixed, Free};

fn node(name: &str, capacity: f64, kind: NodeKind) -> Node {
    Node { name: name.into(), capacity, kind }
}

const CONCRETE: Layer = Layer { thickness: 0.15, conductivity: 1.4, density: 2300.0, heat: 900.0 };
const INSULATION: Layer = Layer { thickness: 0.1, conductivity: 0.04, density: 30.0, heat: 1000.0 };

fn wall(area: f64, layers: Vec<Layer>) -> Wall {
    let (film_outside, film_inside) = (0.05, 0.2);
    Wall { name: "wall".into(), outside: 0, inside: 1, area, layers, film_outside, film_inside }
}

#[test]
fn rooms_need_what_they_lose_and_a_hall_without_heat_finds_its_temperature() {
    let names = ["living", "bed", "bath", "hall", "out", "ground"];
    let kinds = [Fixed(20.0), Fixed(18.0), Fixed(24.0), Free(0.0), Fixed(-12.0), Fixed(8.0)];
    let nodes = names.iter().zip(kinds).map(|(n, k)| node(n, 0.0, k)).collect();
    let links = [
        ("living", "out", 38.0),
        ("bed", "out", 22.0),
        ("bath", "out", 9.5),
        ("living", "bed", 31.0),
        ("living", "bath", 14.0),
        ("bed", "bath", 12.0),
        ("living", "ground", 7.5),
        ("bath", "ground", 2.5),
        ("living", "hall", 20.0),
        ("bed", "hall", 16.0),
        ("hall", "out", 6.0),
    ];
    let at = |name: &str| names.iter().position(|n| *n == name).unwrap() as u32;
    let link = |&(a, b, conductance): &(&str, &str, f64)| Link {
        name: format!("{a}-{b}").into(),
        from: at(a),
        to: at(b),
        conductance,
    };
    let network = Network { nodes, links: links.iter().map(link).collect(), walls: vec![] };
    let s = steady(&network, &Limits::default(), &unlimited()).unwrap();
    near("hall", s.temperatures[3].unwrap(), 14.666_666_666_7, 1e-9);
    for (k, watt) in [1_418.666_666_67, 579.333_333_333, 510.0].into_iter().enumerate() {
        near("heat", s.heat[k].unwrap(), watt, 1e-9);
    }
    assert!(s.effort.residual.balance < 1e-9 && s.findings.is_empty());
}

#[test]
fn a_box_loses_what_its_walls_let_through_and_damps_the_day_without_a_warm_up() {
    let air = 90.0 * 1.336 * 1006.0;
    let layers = vec![INSULATION, CONCRETE];
    let mut network = Network {
        nodes: vec![node("outside", 0.0, Fixed(-10.0)), node("room", air, Fixed(20.0))],
        links: vec![],
        walls: vec![wall(96.0, layers)],
    };
    let s = steady(&network, &Limits::default(), &unlimited()).unwrap();
    near("heat", s.walls[0].unwrap(), 1008.0, 2e-3);
    near("by hand", s.heat[1].unwrap(), 30.0 * 96.0 / (0.25 + 2.5 + 0.15 / 1.4), 1e-12);
    network.nodes[1].kind = Free(0.0);
    let omega = 2.0 * std::f64::consts::PI / 86_400.0;
    let swing = [5.0.into(), 0.0.into()];
    let t = periodic(&network, omega, &swing, &Limits::default(), &unlimited()).unwrap();
    let ratio = t[1].unwrap() / 5.0;
    near("amplitude", ratio.norm(), 0.016_429_140_7, 1e-7);
    near("lag", -ratio.im.atan2(ratio.re) / omega / 3600.0, 7.900_041_94, 1e-7);
}

#[test]
fn the_order_of_layers_changes_what_a_wall_stores_but_not_what_it_lets_through() {
    let outside = wall(1.0, vec![INSULATION, CONCRETE]);
    let inside = wall(1.0, vec![CONCRETE, INSULATION]);
    near("U", outside.u_value(), inside.u_value(), 1e-12);
    assert!(outside.inner_capacity() > 8.0 * inside.inner_capacity());
    // A light pane stores nothing and swings as it stands.
    let pane = wall(2.0, vec![Layer { density: 0.0, ..INSULATION }]);
    near("pane", pane.two_port(1e-4).across.re, 2.0 * pane.u_value(), 1e-12);
}

#[test]
fn a_wall_follows_a_step_as_the_series_of_fourier_says() {
    let concrete = Layer { thickness: 0.2, ..CONCRETE };
    // Two walls in a row: the node between them is the middle.
    let half = Layer { thickness: 0.1, ..concrete };
    let mut walls = vec![wall(1.0, vec![half]), wall(1.0, vec![half])];
    for w in &mut walls {
        (w.film_outside, w.film_inside) = (0.0, 0.0);
    }
    walls[1].outside = 1;
    walls[1].inside = 2;
    let network = Network {
        nodes: vec![
            node("hot", 0.0, Fixed(1.0)),
            node("middle", 0.0, Free(0.0)),
            node("cold", 0.0, Fixed(0.0)),
        ],
        links: vec![],
        walls,
    };
    let mut at_rest = network.clone();
    at_rest.nodes[0].kind = Fixed(0.0);
    let mut t = Transient::new(&at_rest, &[0.0; 3], &Limits::default(), &unlimited()).unwrap();
    assert!(t.set(0, 1.0) && !t.set(7, 1.0) && !t.set(0, f64::NAN));
    for (time, middle, flux) in [
        (3600.0, 0.151_832_468, 0.526_797_276),
        (14_400.0, 0.442_422_121, 5.734_733_05),
        (43_200.0, 0.499_529_015, 6.989_642_51),
        (172_800.0, 0.5, 7.0),
    ] {
        t.advance(time - t.time(), &unlimited()).unwrap();
        near("middle", t.temperatures()[1], middle, 0.02);
        // A thousandth of a kelvin in the last cell is 0.2 W/m².
        let off = (t.inflow(2) - flux).abs();
        assert!(off < 0.02 * flux + 0.02, "{} for {flux}", t.inflow(2));
    }
    // Long steps at rest: far fewer than minutes of two days.
    assert!(t.steps() < 600 && t.error() <= 1e-3, "{} steps", t.steps());
}

#[test]
fn a_room_cools_as_its_time_constant_says() {
    let network = Network {
        nodes: vec![node("out", 0.0, Fixed(0.0)), node("room", 3.6e6, Free(0.0))],
        links: vec![Link { name: "walls".into(), from: 0, to: 1, conductance: 100.0 }],
        walls: vec![],
    };
    let mut t = Transient::new(&network, &[0.0, 20.0], &Limits::default(), &unlimited()).unwrap();
    for hour in 1..=24 {
        t.advance(3600.0, &unlimited()).unwrap();
        let exact = 20.0 * (-f64::from(hour) / 10.0).exp();
        assert!((t.temperatures()[1] - exact).abs() < 5e-3, "{hour}: {}", t.temperatures()[1]);
    }
}

fn office(most: f64) -> Room {
    Room {
        opaque: 0.338,
        windows: 14.85,
        ventilation: 70.8866667,
        mass_to_surface: 780.325,
        surface_to_air: 491.211,
        capacity: 5659500.0,
        mass_area: 85.75,
        area: 142.38,
        set: [20.0, 26.0],
        most,
    }
}

#[test]
fn an_office_by_the_hour_is_that_of_a_published_program() {
    // Internal, solar, outside, mass before; mass after, mean mass, air, surface, demand.
    for (given, wanted) in [
        ([10.0, 2000.0, 10.0, 22.0], [22.6679617, 22.3339809, 20.615774, 22.1375576, 0.0]),
        ([10.0, 4000.0, 25.0, 24.0], [26.2922216, 25.1461108, 26.0, 26.6731095, -264.752131]),
        ([10.0, 2000.0, 10.0, 20.0], [20.9177962, 20.4588981, 20.0, 20.7649922, 328.094091]),
        ([10.0, 0.0, -5.0, 19.0], [18.1601053, 18.5800527, 14.8743519, 16.8943118, 411.6]),
        ([300.0, 0.0, 35.0, 26.0], [26.352941, 26.1764705, 27.3406851, 26.7679306, -411.6]),
    ] {
        let [internal, solar, outside, mass] = given;
        let r = office(411.6).after(mass, Hour { internal, solar, outside });
        for (value, wanted) in [r.mass, r.mean_mass, r.air, r.surface].iter().zip(wanted) {
            assert!((value - wanted).abs() < 1e-4, "{r:?} {wanted:?}");
        }
        assert!((r.demand - wanted[4]).abs() < 0.01, "{r:?}");
    }
    // Two days in a row: every sixth hour.
    let mut mass = MASS_BEFORE;
    let mut hours = 0;
    for day in 0..2 {
        for hour in 0..24 {
            let angle = std::f64::consts::PI * f64::from(hour) / 12.0;
            let outside = 2.0 - 6.0 * (angle - std::f64::consts::FRAC_PI_4).cos();
            let solar = (1500.0 * (angle - std::f64::consts::FRAC_PI_2).sin()).max(0.0);
            let internal = if (8..18).contains(&hour) { 250.0 } else { 60.0 };
            let r = office(1372.0).after(mass, Hour { internal, solar, outside });
            mass = r.mass;
            if let Some(row) = ROWS.iter().find(|row| row.0 == 24 * day + hour) {
                hours += 1;
                assert!(
                    (r.mass - row.1).abs() < 1e-4 && (r.air - row.2).abs() < 1e-4,
                    "{row:?} {r:?}"
                );
                assert!((r.demand - row.3).abs() < 0.01, "{row:?} {r:?}");
            }
        }
    }
    assert_eq!(hours, ROWS.len());
}

/// Hour; mass at its end, air, demand.
const ROWS: [(i32, f64, f64, f64); 8] = [
    (0, 19.7395466, 19.1049706, 1372.0),
    (6, 18.1400207, 17.8033199, 1372.0),
    (12, 21.3642403, 20.0, 367.280573),
    (18, 21.5868206, 20.0, 483.884991),
    (24, 19.9788966, 19.2997471, 1372.0),
    (30, 18.3230691, 17.9522797, 1372.0),
    (36, 21.4406356, 20.0, 342.051103),
    (42, 21.6156468, 20.0, 474.365176),
];

/// The mass before the first hour.
const MASS_BEFORE: f64 = 20.0;

#[test]
fn what_nothing_fixes_and_what_is_impossible_is_told() {
    for (watt, state, words) in [
        (0.0, State::Unknown, "nothing fixes the temperature of a and b"),
        (
            50.0,
            State::Failed,
            "a and b have 50 W put in and nothing that takes it: no temperature stays",
        ),
    ] {
        let network = Network {
            nodes: vec![
                node("a", 0.0, Free(watt)),
                node("b", 0.0, Free(0.0)),
                node("c", 0.0, Fixed(1.0)),
            ],
            links: vec![Link { name: "l".into(), from: 0, to: 1, conductance: 1.0 }],
            walls: vec![],
        };
        let s = steady(&network, &Limits::default(), &unlimited()).unwrap();
        assert_eq!(s.temperatures, [None, None, Some(1.0)]);
        let f = &s.findings[0];
        assert_eq!((f.kind, f.state, f.message.as_str()), (Kind::Floating, state, words));
    }
    let network = Network {
        nodes: vec![node("a", 0.0, Fixed(1.0)), node("b", 0.0, Free(0.0))],
        links: vec![],
        walls: vec![wall(1.0, vec![Layer { thickness: -0.1, ..CONCRETE }])],
    };
    let refused = steady(&network, &Limits::default(), &unlimited()).unwrap_err();
    assert!(
        matches!(refused, Error::Quantity { what: "the thickness of a layer", .. }),
        "{refused}"
    );
}

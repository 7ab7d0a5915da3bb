//! No free body passes another, at any tier.

use svgx_base::budget::Tier;

use super::{drawing, run, seconds};

/// A body whose left half is at x < 0: shape, and its velocity (m/s) and spin (rad/s).
struct Shot {
    shape: &'static str,
    kg: f64,
    velocity: [f64; 2],
    spin: f64,
}

const fn shot(shape: &'static str, kg: f64, velocity: [f64; 2], spin: f64) -> Shot {
    Shot { shape, kg, velocity, spin }
}

fn element(id: &str, shot: &Shot) -> String {
    let Shot { shape, kg, velocity: [vx, vy], spin } = shot;
    format!(
        r#"<g id="{id}"><{shape}/><arx:physics velocity="{vx},{vy}" spin="{spin}"><mass unit="kg">{kg}</mass></arx:physics></g>"#
    )
}

const BALL: &str = r#"circle cx="0" cy="0" r="10""#;
const GRAIN: &str = r#"circle cx="0" cy="0" r="1""#;
const PLATE: &str = r#"rect x="3000" y="-1500" width="50" height="3000""#;
const SHEET: &str = r#"rect x="3000" y="-1500" width="1" height="3000""#;
const WIRE: &str = r#"polyline points="3000,-1500 3000,1500""#;
const WEDGE: &str = r#"polygon points="3000,-1500 3400,0 3000,1500""#;
const BAR: &str = r#"rect x="-500" y="-10" width="1000" height="20""#;
const DIAMOND: &str = r#"polygon points="-20,0 0,-20 20,0 0,20""#;

#[test]
fn no_free_body_passes_another() {
    // The first lies left of the second, whose sides are long: it may not come to its right.
    let cases = [
        (shot(BALL, 1.0, [40.0, 0.0], 0.0), shot(PLATE, 20.0, [0.0, 0.0], 0.0)),
        (shot(BALL, 1.0, [40.0, 0.0], 0.0), shot(PLATE, 20.0, [-40.0, 0.0], 0.0)),
        (shot(BALL, 1.0, [0.0, 0.0], 0.0), shot(PLATE, 20.0, [-90.0, 0.0], 0.0)),
        (shot(BALL, 1.0, [900.0, 0.0], 0.0), shot(PLATE, 20.0, [0.0, 0.0], 0.0)),
        (shot(GRAIN, 0.001, [300.0, 5.0], 0.0), shot(SHEET, 5.0, [-20.0, 0.0], 0.0)),
        (shot(BALL, 0.1, [60.0, 0.0], 0.0), shot(SHEET, 5.0, [0.0, 0.0], 0.0)),
        (shot(BALL, 1.0, [25.0, 3.0], 0.0), shot(WIRE, 10.0, [0.0, 0.0], 0.0)),
        (shot(BALL, 1.0, [70.0, 1.0], 0.0), shot(WEDGE, 30.0, [0.0, 0.0], 0.0)),
        (shot(DIAMOND, 0.5, [80.0, 0.0], 3.0), shot(PLATE, 20.0, [-5.0, 0.0], 0.0)),
        (shot(BAR, 2.0, [50.0, 0.0], 30.0), shot(PLATE, 40.0, [0.0, 0.0], 0.0)),
        (shot(BAR, 2.0, [50.0, 0.0], 30.0), shot(SHEET, 40.0, [-30.0, 0.0], 0.0)),
    ];
    let mut passed = Vec::new();
    for (i, (left, right)) in cases.iter().enumerate() {
        let document = drawing(&(element("left", left) + &element("right", right)));
        for tier in Tier::ALL {
            let (_, frames) = run(&document, &seconds(0.6), tier);
            for frame in &frames {
                let body = |id: &str| frame.elements.iter().find(|e| &*e.id == id).expect("it");
                let (left, right) = (body("left"), body("right"));
                // Which side of the second, as it has turned, the first is on.
                let (sin, cos) = right.rotation.to_radians().sin_cos();
                let [x, y] = [0, 1].map(|i| left.position[i] - right.position[i]);
                let (across, along) = (x * cos + y * sin, y * cos - x * sin);
                // Past its ends there is nothing to pass through.
                if along.abs() > 1_400.0 {
                    break;
                }
                if across > 0.0 {
                    passed.push(format!("{i}, {tier}: by {across} mm at {} s", frame.time));
                    break;
                }
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn a_line_lies_on_a_fixed_line() {
    let fixed =
        r#"<line id="f" x1="0" y1="1000" x2="1000" y2="1000"><arx:physics motion="fixed"/></line>"#;
    for (y1, y2, speed) in
        [(500.0, 500.0, 0), (500.0, 550.0, 0), (990.0, 980.0, 0), (300.0, 330.0, 25)]
    {
        let document = drawing(&format!(
            r#"{fixed}<line id="b" x1="300" y1="{y1}" x2="500" y2="{y2}"><arx:physics velocity="0,{speed}"><mass unit="kg">1</mass></arx:physics></line>"#
        ));
        for tier in Tier::ALL {
            let (outcome, _) = run(&document, &seconds(1.5), tier);
            let b = outcome.elements.iter().find(|e| &*e.id == "b").expect("the line");
            assert!((b.position[1] - 1000.0).abs() < 1.0, "{y1} {y2} {tier}: {b:?}");
        }
    }
}

#[test]
fn a_volley_is_stopped_by_a_free_plate() {
    // Ten shots, each meeting the plate at a time of its own within few steps.
    let mut content = String::from(
        r#"<rect id="plate" x="3000" y="-1500" width="50" height="3000"><arx:physics><mass unit="kg">500</mass></arx:physics></rect>"#,
    );
    for i in 0..20 {
        let (x, y) = (-37.0 * f64::from(i), -1_400.0 + 140.0 * f64::from(i));
        content += &format!(
            r#"<circle id="s{i}" cx="{x}" cy="{y}" r="5"><arx:physics velocity="60,0"><mass unit="kg">0.1</mass></arx:physics></circle>"#
        );
    }
    let document = drawing(&content);
    for tier in Tier::ALL {
        let (outcome, _) = run(&document, &seconds(0.1), tier);
        let x = |id: &str| outcome.elements.iter().find(|e| &*e.id == id).expect("it").position[0];
        for i in 0..20 {
            let id = format!("s{i}");
            assert!(x(&id) < x("plate"), "{tier}: {id} at {}", x(&id));
        }
    }
}

#[test]
fn what_flies_past_is_not_held_up() {
    // A ball between two plates, 30 mm from either.
    let content = r#"<rect id="above" x="3000" y="-1540" width="50" height="1500"><arx:physics><mass unit="kg">5</mass></arx:physics></rect>
<rect id="below" x="3000" y="40" width="50" height="1500"><arx:physics><mass unit="kg">5</mass></arx:physics></rect>
<circle id="b" cx="0" cy="0" r="10"><arx:physics velocity="77,0"><mass unit="kg">1</mass></arx:physics></circle>"#;
    let document = drawing(content);
    for tier in Tier::ALL {
        let (outcome, _) = run(&document, &seconds(0.1), tier);
        let b = outcome.elements.iter().find(|e| &*e.id == "b").expect("the ball");
        assert!((b.position[0] - 7700.0).abs() < 1e-6, "{tier}: {b:?}");
        assert!((b.velocity[0] - 77_000.0).abs() < 1e-6, "{tier}: {b:?}");
    }
}

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

const UPRIGHT: &str = r#"line x1="0" y1="-500" x2="0" y2="500""#;
const NEEDLE: &str = r#"line x1="-200" y1="0" x2="0" y2="0""#;
const SLANT: &str = r#"line x1="-150" y1="-100" x2="0" y2="100""#;
const LONG: &str = r#"line x1="3000" y1="-1500" x2="3000" y2="1500""#;
const BENT: &str = r#"polyline points="3000,-1500 3100,0 3000,1500""#;
const HOOK: &str = r#"polyline points="-100,-300 0,0 -100,300""#;

#[test]
fn no_free_line_passes_a_free_line() {
    let still = |shape, kg| shot(shape, kg, [0.0, 0.0], 0.0);
    let cases = [
        (shot(UPRIGHT, 1.0, [100.0, 0.0], 0.0), still(LONG, 1.0)),
        (shot(UPRIGHT, 1.0, [100.0, 0.0], 0.0), still(LONG, 100.0)),
        (shot(UPRIGHT, 10.0, [100.0, 0.0], 0.0), still(LONG, 0.1)),
        (shot(UPRIGHT, 1.0, [100.0, 0.0], 0.0), still(WIRE, 1.0)),
        (shot(UPRIGHT, 1.0, [60.0, 0.0], 0.0), shot(LONG, 2.0, [-60.0, 0.0], 0.0)),
        (shot(UPRIGHT, 1.0, [400.0, 3.0], 0.0), shot(LONG, 2.0, [-100.0, 0.0], 0.0)),
        (shot(NEEDLE, 0.1, [100.0, 0.0], 0.0), still(LONG, 1.0)),
        (shot(NEEDLE, 0.1, [200.0, 10.0], 0.0), still(LONG, 20.0)),
        (shot(SLANT, 0.5, [100.0, 0.0], 0.0), still(LONG, 5.0)),
        (shot(SLANT, 0.5, [37.0, 11.0], 4.0), shot(LONG, 5.0, [-13.0, 0.0], 0.0)),
        (shot(UPRIGHT, 1.0, [100.0, 0.0], 3.0), still(LONG, 10.0)),
        (shot(NEEDLE, 0.5, [50.0, 0.0], 30.0), still(LONG, 10.0)),
        (shot(UPRIGHT, 1.0, [20.0, 0.0], -40.0), shot(LONG, 20.0, [-30.0, 0.0], 0.1)),
        (shot(UPRIGHT, 1.0, [3.0, 90.0], 0.0), still(LONG, 10.0)),
        (shot(UPRIGHT, 1.0, [0.0, 0.0], 0.0), shot(LONG, 20.0, [-100.0, 0.0], 0.0)),
        (shot(HOOK, 1.0, [100.0, 0.0], 0.0), still(LONG, 10.0)),
        (shot(HOOK, 1.0, [80.0, 5.0], 2.0), still(BENT, 10.0)),
        (shot(UPRIGHT, 1.0, [100.0, 0.0], 0.0), still(BENT, 10.0)),
        (shot(UPRIGHT, 1.0, [7.0, 0.0], 0.0), still(LONG, 10.0)),
        (shot(UPRIGHT, 1.0, [0.9, 0.0], 0.0), still(LONG, 10.0)),
    ];
    let mut passed = Vec::new();
    for (i, (left, right)) in cases.iter().enumerate() {
        let document = drawing(&(element("left", left) + &element("right", right)));
        for tier in Tier::ALL {
            let (outcome, frames) = run(&document, &seconds(0.5), tier);
            // The end of a hook may get stuck across a bent line, which is named as well.
            if [left.shape, right.shape].iter().all(|shape| shape.starts_with("line")) {
                assert!(outcome.quarantined.is_empty(), "{i}, {tier}: {:?}", outcome.quarantined);
            }
            for frame in &frames {
                let body = |id: &str| frame.elements.iter().find(|e| &*e.id == id).expect("it");
                let (left, right) = (body("left"), body("right"));
                let (sin, cos) = right.rotation.to_radians().sin_cos();
                let [x, y] = [0, 1].map(|i| left.position[i] - right.position[i]);
                let (across, along) = (x * cos + y * sin, y * cos - x * sin);
                if along.abs() > 1_300.0 {
                    break;
                }
                // The middle of a bent line lies beside its ends.
                if across > 40.0 {
                    passed.push(format!("{i}, {tier}: by {across} mm at {} s", frame.time));
                    break;
                }
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn lines_in_a_row_keep_their_order() {
    let mut wrong = Vec::new();
    // The first flies into five that stand beside each other.
    for (gap, speed) in [(100.0, 100.0), (50.0, 30.0), (1.0, 50.0)] {
        let mut content = element("s", &shot(UPRIGHT, 1.0, [speed, 0.0], 0.0));
        for i in 0..5 {
            let x = 2_000.0 + gap * f64::from(i);
            let shape = format!(r#"line x1="{x}" y1="-700" x2="{x}" y2="700""#);
            content += &format!(
                r#"<g id="w{i}"><{shape}/><arx:physics><mass unit="kg">1</mass></arx:physics></g>"#
            );
        }
        let document = drawing(&content);
        for tier in Tier::ALL {
            let (outcome, _) = run(&document, &seconds(0.2), tier);
            assert!(outcome.quarantined.is_empty(), "{gap}, {tier}: {:?}", outcome.quarantined);
            let x =
                |id: &str| outcome.elements.iter().find(|e| &*e.id == id).expect("it").position[0];
            let mut places = vec![x("s")];
            places.extend((0..5).map(|i| x(&format!("w{i}"))));
            if !places.is_sorted() {
                wrong.push(format!("{gap} mm, {speed} m/s, {tier}: {places:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Where rows are so narrow that contacts cannot hold them apart, the answer says who passed whom.
#[test]
fn lines_that_pass_each_other_are_named() {
    let (mut silent, mut named) = (Vec::new(), 0);
    for gap in [2.0, 3.0, 5.0, 8.0] {
        for (speed, kg) in [(60.0, 1.0), (100.0, 1.0), (200.0, 5.0)] {
            let mut content = element("s", &shot(UPRIGHT, kg, [speed, 0.0], 0.0));
            for i in 0..5 {
                let x = 2_000.0 + gap * f64::from(i);
                content += &format!(
                    r#"<g id="w{i}"><line x1="{x}" y1="-700" x2="{x}" y2="700"/><arx:physics><mass unit="kg">1</mass></arx:physics></g>"#
                );
            }
            let document = drawing(&content);
            for tier in Tier::ALL {
                let (outcome, _) = run(&document, &seconds(0.1), tier);
                let x = |id: &str| {
                    outcome.elements.iter().find(|e| &*e.id == id).expect("it").position[0]
                };
                let row: Vec<String> = std::iter::once("s".to_owned())
                    .chain((0..5).map(|i| format!("w{i}")))
                    .collect();
                for (i, left) in row.iter().enumerate() {
                    for right in &row[i + 1..] {
                        let told = outcome.quarantined.iter().any(|q| {
                            let pair = [Some(&q.element_id), q.other.as_ref()];
                            q.reason.starts_with("the lines passed")
                                && pair.contains(&Some(left))
                                && pair.contains(&Some(right))
                        });
                        named += usize::from(told);
                        if x(left) > x(right) && !told {
                            silent.push(format!("{gap} mm, {speed} m/s, {tier}: {left} {right}"));
                        }
                    }
                }
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
    assert!(named > 0, "no row here is too narrow: take narrower ones");
}

#[test]
fn no_free_line_passes_a_fixed_line() {
    let fixed = r#"<line id="f" x1="3000" y1="-1500" x2="3000" y2="1500"><arx:physics motion="fixed"/></line>"#;
    for (shape, velocity, spin) in [
        (UPRIGHT, [100.0, 0.0], 0.0),
        (NEEDLE, [100.0, 0.0], 0.0),
        (SLANT, [60.0, 20.0], 5.0),
        (UPRIGHT, [20.0, 0.0], -40.0),
        (HOOK, [100.0, 0.0], 0.0),
    ] {
        let document =
            drawing(&format!("{fixed}{}", element("left", &shot(shape, 1.0, velocity, spin))));
        for tier in Tier::ALL {
            let (_, frames) = run(&document, &seconds(0.4), tier);
            for frame in &frames {
                let left = frame.elements.iter().find(|e| &*e.id == "left").expect("it");
                let [x, y] = left.position;
                if y.abs() > 1_300.0 {
                    break;
                }
                assert!(x < 3_040.0, "{shape} {velocity:?} {spin}, {tier}: {x} at {}", frame.time);
            }
        }
    }
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

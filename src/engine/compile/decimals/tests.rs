use kurbo::Point;
use proptest::prelude::*;

use super::*;

#[test]
fn shortening_keeps_numbers_apart_and_shapes_alive() {
    let cases = [
        ("d", "M1.23456 2L3 4", "M1.235 2L3 4"),
        ("points", "1.5.56789,3,4.00001", "1.5 0.568 3 4"),
        ("x", "-0.00001", "-0.00001"),
        ("x", "10.1", "10.1"),
        ("x", "1.23456 2.34567", "1.235 2.346"),
        ("x", "1.23456e5", "123456"),
        ("width", "0.00012", "0.00012"),
        ("width", "1.234567mm", "1.234567mm"),
        ("width", "12.345678%", "12.345678%"),
        ("d", "M0 0a5 5 0 1199.99999 0", "M0 0a5 5 0 1199.99999 0"),
        ("d", "M9.00001 9h0.00012v0.00012z", "M9.00001 9h0.00012v0.00012z"),
        ("d", "m0 0l0.0304 0l0.0304 0l0.0304 0", "m0 0l0.03 0 0.031 0 0.03 0"),
        ("d", "M 1.00001 2 L nonsense", "M 1.00001 2 L nonsense"),
        ("d", "M 0.00001 0 L 1e300 5.00001", "M 0.00001 0 L 1e300 5.00001"),
    ];
    for (name, value, expected) in cases {
        assert_eq!(shorten(name, value, 3), expected, "{value}");
    }
}

/// Every point of a path, mirrored control points too.
fn points(d: &str) -> Vec<Point> {
    let (mut out, mut at, mut start) = (Vec::new(), Point::ZERO, Point::ZERO);
    let mut control: Option<(char, Point)> = None;
    for segment in PathParser::from(d) {
        let segment = segment.unwrap_or_else(|e| panic!("{d}: {e}"));
        let place = |abs: bool, x: f64, y: f64| {
            if abs { Point::new(x, y) } else { at + Vec2::new(x, y) }
        };
        let mirror = |degree| match control {
            Some((d, c)) if d == degree => at + (at - c),
            _ => at,
        };
        let (controls, end, next) = match segment {
            S::MoveTo { abs, x, y } => {
                start = place(abs, x, y);
                (vec![], start, None)
            }
            S::LineTo { abs, x, y } => (vec![], place(abs, x, y), None),
            S::HorizontalLineTo { abs, x } => {
                (vec![], Point::new(place(abs, x, 0.0).x, at.y), None)
            }
            S::VerticalLineTo { abs, y } => (vec![], Point::new(at.x, place(abs, 0.0, y).y), None),
            S::CurveTo { abs, x1, y1, x2, y2, x, y } => {
                let c = place(abs, x2, y2);
                (vec![place(abs, x1, y1), c], place(abs, x, y), Some(('c', c)))
            }
            S::SmoothCurveTo { abs, x2, y2, x, y } => {
                let c = place(abs, x2, y2);
                (vec![mirror('c'), c], place(abs, x, y), Some(('c', c)))
            }
            S::Quadratic { abs, x1, y1, x, y } => {
                let c = place(abs, x1, y1);
                (vec![c], place(abs, x, y), Some(('q', c)))
            }
            S::SmoothQuadratic { abs, x, y } => {
                let c = mirror('q');
                (vec![c], place(abs, x, y), Some(('q', c)))
            }
            S::EllipticalArc { abs, x, y, .. } => (vec![], place(abs, x, y), None),
            S::ClosePath { .. } => (vec![], start, None),
        };
        out.extend(controls);
        out.push(end);
        (at, control) = (end, next);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_point_stays_within_half_the_last_digit(
        segments in proptest::collection::vec(
            (0usize..18, proptest::array::uniform6(-30.0f64..30.0)), 1..80),
        decimals in 0usize..7,
    ) {
        let letters: Vec<char> = "LlHhVvCcSsQqTtMmZz".chars().collect();
        let mut d = String::from("M0.123456789 7.7777777");
        for (kind, numbers) in segments {
            let letter = letters[kind];
            d.push(letter);
            let count = match letter.to_ascii_lowercase() {
                'z' => 0,
                'h' | 'v' => 1,
                's' | 'q' => 4,
                'c' => 6,
                _ => 2,
            };
            for number in &numbers[..count] {
                d.push_str(&format!(" {number}"));
            }
        }
        let short = shorten("d", &d, decimals);
        let half = 0.5 * libm::pow(10.0, -(decimals as f64)) + 1e-9;
        let (before, after) = (points(&d), points(&short));
        prop_assert_eq!(before.len(), after.len());
        // With fewer decimals a part may be too small to be rounded at all.
        prop_assert!(decimals < 5 || short.len() < d.len(), "as long as before: {}", d);
        for (a, b) in before.iter().zip(&after) {
            let off = (a.x - b.x).abs().max((a.y - b.y).abs());
            prop_assert!(off <= half, "{} off with {} decimals: {} -> {}", off, decimals, d, short);
        }
    }
}

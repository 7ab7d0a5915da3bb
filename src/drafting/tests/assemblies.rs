//! Components that overlap or are too near.

use svgx_drafting::{Interference, InterferenceOptions, InterferenceRefused, interference};

use super::{budget, document, scene};

fn found(inside: &str, clearance: f64) -> Interference {
    let drawing = document(inside);
    let options = InterferenceOptions { of: Vec::new(), clearance };
    interference(&drawing, &scene(&drawing), &options, &budget()).expect("an answer")
}

const PARTS: &str = r##"<symbol id="box"><rect width="100" height="50"/></symbol>
<use id="a" href="#box" x="0" y="0" arx:component="cabinet"/>
<use id="b" href="#box" x="90" y="10" arx:component="cabinet"/>
<use id="c" href="#box" x="300" y="0" arx:component="cabinet"/>
<use id="d" href="#box" x="404" y="0" arx:component="duct"/>
<line id="e" x1="0" y1="0" x2="500" y2="0" arx:component="wire"/>
<circle id="f" cx="700" cy="300" r="30" arx:component="pipe"/>
<circle id="g" cx="760" cy="300" r="30" arx:component="pipe"/>"##;

#[test]
fn overlaps_have_an_area_and_a_depth() {
    let answer = found(PARTS, 0.0);
    assert_eq!((answer.components, answer.without_area), (6, vec!["e".to_owned()]));
    let [pair] = answer.pairs.as_slice() else { panic!("{:?}", answer.pairs) };
    assert_eq!((pair.first.as_str(), pair.second.as_str()), ("a", "b"));
    assert!((pair.area_mm2 - 400.0).abs() < 1e-9, "{pair:?}");
    assert!((pair.depth_mm - 10.0).abs() < 1e-9, "{pair:?}");
    assert_eq!((pair.distance_mm, pair.at), (0.0, [95.0, 30.0]));
}

#[test]
fn what_is_nearer_than_the_clearance_has_a_distance() {
    let answer = found(PARTS, 5.0);
    let pairs: Vec<_> = answer.pairs.iter().map(|p| (&*p.first, &*p.second)).collect();
    assert_eq!(pairs, [("a", "b"), ("c", "d"), ("f", "g")]);
    assert!((answer.pairs[1].distance_mm - 4.0).abs() < 1e-9);
    // Two circles that touch.
    assert!(answer.pairs[2].distance_mm < 2.0 * answer.error_mm, "{:?}", answer.pairs[2]);
    assert!(found(PARTS, 3.9).pairs.iter().all(|p| p.first != "c"));
}

#[test]
fn circles_overlap_by_a_lens() {
    let answer = found(
        r#"<circle id="a" cx="300" cy="300" r="100" arx:component="p"/>
        <circle id="b" cx="420" cy="300" r="100" arx:component="p"/>"#,
        0.0,
    );
    let (r, d) = (100.0_f64, 120.0_f64);
    let lens = 2.0 * r * r * (d / (2.0 * r)).acos() - d / 2.0 * (4.0 * r * r - d * d).sqrt();
    let pair = &answer.pairs[0];
    // The outline of a circle is off by less than a micrometre.
    assert!((pair.area_mm2 - lens).abs() < 0.5, "{pair:?} {lens}");
    assert!((pair.depth_mm - 80.0).abs() < 0.05, "{pair:?}");
}

#[test]
fn wrong_questions_are_refused() {
    let drawing = document(PARTS);
    let scene = scene(&drawing);
    for options in [
        InterferenceOptions { of: vec!["nobody".to_owned()], clearance: 0.0 },
        InterferenceOptions { of: Vec::new(), clearance: -1.0 },
        InterferenceOptions { of: Vec::new(), clearance: f64::NAN },
    ] {
        let refused = interference(&drawing, &scene, &options, &budget());
        assert!(matches!(refused, Err(InterferenceRefused::Wrong(_))), "{options:?}");
    }
    let options = InterferenceOptions { of: vec!["c".to_owned(), "d".to_owned()], clearance: 9.0 };
    let answer = interference(&drawing, &scene, &options, &budget()).expect("an answer");
    assert_eq!((answer.components, answer.pairs.len()), (2, 1));
}

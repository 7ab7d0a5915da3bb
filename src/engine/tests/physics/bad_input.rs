//! What cannot be simulated is named, contained or refused.

use std::ops::ControlFlow;

use svgx_base::budget::Tier;
use svgx_engine::document::Limits;
use svgx_engine::physics::{self, Disturbance, Error, Options, Plain, Simulation};

use super::{FLOOR, at_rest, block, drawing, pile, run, seconds, unlimited};

#[test]
fn bodies_drawn_into_each_other_are_reported_and_contained() {
    let content = format!(
        "{FLOOR}{}{}",
        block("sunk", 1000.0, 4950.0, 100.0, ""),
        block("twin", 1050.0, 4930.0, 100.0, "")
    );
    let (outcome, _) = run(&drawing(&content), &seconds(0.5), Tier::Ui);
    assert!(outcome.quarantined.len() >= 2, "{:?}", outcome.quarantined);
    assert!(outcome.quarantined.iter().any(|q| q.depth_mm.is_some_and(|d| (d - 50.0).abs() < 1.0)));
    for element in &outcome.elements {
        assert!(element.velocity[1].abs() < 6000.0, "nothing is shot away: {element:?}");
    }
}

#[test]
fn bodies_that_overlap_too_often_are_refused_with_the_limit_and_the_number_seen() {
    let limits = Limits::default();
    for (n, apart, pairs) in [(2_000, 0.0, 1_999_000), (2_000, 300.0, 0), (500, 0.1, 124_750)] {
        let content: String =
            (0..n).map(|i| block(&format!("b{i}"), 0.0, apart * f64::from(i), 100.0, "")).collect();
        let (document, budget) = (drawing(&content), super::unlimited(Tier::Ui));
        let options = seconds(1.0);
        match Simulation::of(&document, &Plain(&document), &options, &limits, &budget) {
            Err(Error::Limit { limit, seen, .. }) => {
                assert_eq!((limit, seen), (limits.overlapping_pairs as f64, f64::from(pairs)));
            }
            Ok(_) => assert_eq!(pairs, 0),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn what_leaves_the_world_is_taken_out() {
    let content = r#"<circle id="comet" cx="0" cy="0" r="10"><arx:physics velocity="900000,0"><mass>1</mass></arx:physics></circle>
<circle id="beyond" cx="1e11" cy="0" r="10"><arx:physics><mass>1</mass></arx:physics></circle>"#;
    let (outcome, _) = run(&drawing(content), &seconds(3.0), Tier::Ui);
    let names: Vec<&str> = outcome.quarantined.iter().map(|q| q.element_id.as_str()).collect();
    assert_eq!(names, ["comet", "beyond"]);
}

#[test]
fn nonsense_in_a_document_is_named_with_its_place() {
    let body = |inside: &str| {
        format!(
            r#"<rect id="b" x="0" y="0" width="10" height="10"><arx:physics>{inside}</arx:physics></rect>"#
        )
    };
    let mass = r#"<mass>1</mass>"#;
    let cases = [
        (body(r#"<mass>-5</mass>"#), "physics-mass", "-5"),
        (body(r#"<mass unit="kg">0</mass>"#), "physics-mass", "0"),
        (body(r#"<mass>heavy</mass>"#), "physics-value", "heavy"),
        (body(r#"<mass unit="lb">5kg</mass>"#), "physics-value", "5kg"),
        (body(r#"<mass unit="V">5</mass>"#), "physics-value", "5"),
        (body(&format!("{mass}<anchor>sky</anchor>")), "physics-anchor", "sky"),
        (body(&format!(r#"{mass}<anchor type="rope" at="0,0"/>"#)), "physics-anchor", "rope"),
        (
            body(&format!(r#"{mass}<anchor type="rope" at="0,0" to="0,-500" length="10mm"/>"#)),
            "physics-anchor",
            "rope",
        ),
        (
            body(&format!(
                r#"{mass}<forces><force name="f" direction="sideways" magnitude="1"/></forces>"#
            )),
            "physics-force",
            "sideways",
        ),
        (
            body(&format!(
                r#"{mass}<forces><force name="f" direction="up" magnitude="1" unit="kg"/></forces>"#
            )),
            "physics-value",
            "1",
        ),
        (
            body(&format!(
                r#"{mass}<forces><force name="f" direction="up" magnitude="1" profile="sine"/></forces>"#
            )),
            "physics-force",
            "sine",
        ),
        (
            format!(
                r#"{}<arx:system id="s" type="x"><arx:connections><arx:connection from="b" to="nobody" type="hinge"/></arx:connections></arx:system>"#,
                body(mass)
            ),
            "physics-connection",
            "nobody",
        ),
    ];
    for (content, code, at) in cases {
        let document = drawing(&content);
        let Err(Error::Document(found)) = at_rest(&document) else { panic!("taken: {content}") };
        let d =
            found.iter().find(|d| d.code == code).unwrap_or_else(|| panic!("{content}: {found:?}"));
        let place = document.source().get(d.span.start as usize..d.span.end as usize);
        assert!(place.is_some_and(|p| p.contains(at)), "{code} of {content} points at {place:?}");
        assert_eq!(physics::check(&document, &Plain(&document), &Limits::default()), found);
    }
}

#[test]
fn options_that_make_no_sense_are_refused_before_any_work() {
    let document = pile(1);
    let (scene, limits, budget) = (Plain(&document), Limits::default(), unlimited(Tier::Ui));
    let mut never = |_| -> ControlFlow<()> { panic!("a frame") };
    let unknown = Disturbance { element: "nobody".into(), ..Disturbance::default() };
    for options in [
        seconds(0.0),
        seconds(-1.0),
        seconds(f64::NAN),
        seconds(1e9),
        Options { fps: Some(0.0), ..Options::default() },
        Options { fps: Some(1e9), ..Options::default() },
        Options { gravity: f64::INFINITY, ..Options::default() },
        Options { disturb: vec![unknown], ..Options::default() },
        Options {
            disturb: vec![Disturbance {
                element: "b0".into(),
                velocity: [f64::NAN, 0.0],
                spin: 0.0,
            }],
            ..Options::default()
        },
    ] {
        let answer = physics::simulate(&document, &scene, &options, &limits, &budget, &mut never);
        assert!(
            matches!(
                answer,
                Err(Error::Option { .. } | Error::Limit { .. } | Error::UnknownBody(_))
            ),
            "{options:?}: {answer:?}"
        );
    }
    let few = Limits { bodies: 2, ..limits };
    let answer = physics::simulate(&document, &scene, &seconds(1.0), &few, &budget, &mut never);
    assert!(matches!(answer, Err(Error::Limit { seen: 4.0, limit: 2.0, .. })), "{answer:?}");
}

#[test]
fn no_value_makes_it_panic() {
    let values = [
        "",
        " ",
        "0",
        "-0",
        "-1",
        "1e-320",
        "1e300",
        "1e400",
        "nan",
        "inf",
        "1,1",
        "1e300,-1e300",
        "5kg",
        "5 kg m",
        "90deg",
        "é",
        "--5",
        "1e",
        "0x10",
        "top",
        "up",
    ];
    let attributes = [
        ("mass", r#"<mass>@</mass>"#),
        ("anchor", r#"<mass>1</mass><anchor>@</anchor>"#),
        ("hinge", r#"<mass>1</mass><anchor type="hinge" at="@"/>"#),
        ("rope", r#"<mass>1</mass><anchor type="rope" at="0,0" to="@" length="@"/>"#),
        ("roller", r#"<mass>1</mass><anchor type="roller" normal="@"/>"#),
        ("slider", r#"<mass>1</mass><anchor type="slider" axis="@" at="5,5"/>"#),
        (
            "force",
            r#"<mass>1</mass><forces><force name="f" direction="@" magnitude="@" at="@"/></forces>"#,
        ),
        (
            "sine",
            r#"<mass>1</mass><forces><force name="f" direction="up" magnitude="1" profile="sine" frequency="@" phase="@"/></forces>"#,
        ),
        (
            "pulse",
            r#"<mass>1</mass><forces><force name="f" direction="up" magnitude="1" profile="pulse" start="@" duration="@" period="@"/></forces>"#,
        ),
    ];
    let shapes = [
        r#"<rect id="b" x="@" y="0" width="10" height="@">"#,
        r#"<circle id="b" cx="0" cy="@" r="@">"#,
        r#"<polygon id="b" points="0,0 @ 10,10 @ 0,5">"#,
        r#"<path id="b" d="M 0 0 C @ @ 1e9 5 10 10 z" transform="scale(@)">"#,
        r#"<line id="b" x1="0" y1="0" x2="@" y2="@">"#,
    ];
    let mut tried = 0;
    for value in values {
        let inside = attributes.iter().map(|(_, inside)| ("", *inside));
        let on = [
            r#"friction="@""#,
            r#"restitution="@""#,
            r#"velocity="@""#,
            r#"spin="@""#,
            r#"motion="@""#,
        ]
        .map(|on| (on, "<mass>1</mass>"));
        let physics: Vec<String> = inside
            .chain(on)
            .map(|(on, inside)| format!("<arx:physics {on}>{inside}</arx:physics>"))
            .collect();
        let plain = "<arx:physics><mass>1</mass></arx:physics>".to_owned();
        let bodies = shapes.iter().map(|shape| (*shape, &plain)).chain(
            physics.iter().map(|p| (r#"<rect id="b" x="0" y="0" width="10" height="10">"#, p)),
        );
        for (shape, physics) in bodies {
            let tag = shape[1..].split(' ').next().expect("a tag");
            let content = format!("{FLOOR}{shape}{physics}</{tag}>").replace('@', value);
            let document = drawing(&content);
            let (scene, limits) = (Plain(&document), Limits::default());
            physics::check(&document, &scene, &limits);
            let rest = at_rest(&document);
            let moved = physics::simulate(
                &document,
                &scene,
                &seconds(0.1),
                &limits,
                &unlimited(Tier::Ui),
                &mut |_| ControlFlow::Continue(()),
            );
            assert_eq!(rest.is_ok(), moved.is_ok(), "{content}");
            if let Ok(outcome) = moved {
                let finite = |e: &physics::FrameElement| e.position.iter().all(|p| p.is_finite());
                assert!(outcome.elements.iter().all(finite), "{content}");
            }
            tried += 1;
        }
    }
    assert_eq!(tried, values.len() * (attributes.len() + 5 + shapes.len()));
}

//! What dimensions measure, where they go, and what they refuse.

use svgx_drafting::{Dimension, Points, dimensions};
use svgx_engine::document::{Diagnostic, Document, Limits, Ns};

use super::{budget, codes, document, scene};

const SHAPES: &str = r#"<rect id="frame" x="100" y="200" width="300" height="150"/>
<line id="slope" x1="500" y1="500" x2="530" y2="540"/>
<line id="level" x1="500" y1="500" x2="600" y2="500"/>
<circle id="hole" cx="250" cy="275" r="20"/>
<path id="bow" d="M 700 100 A 50 50 0 0 1 800 100"/>"#;

fn all(document: &Document) -> (Vec<Dimension>, Vec<Diagnostic>) {
    dimensions(document, &scene(document), None, &budget()).expect("dimensions")
}

fn with(attributes: &str) -> (Vec<Dimension>, Vec<Diagnostic>) {
    all(&document(&format!(
        "{SHAPES}<arx:dimensions><arx:dimension {attributes}/></arx:dimensions>"
    )))
}

fn texts(attributes: &str) -> Vec<String> {
    let (dimensions, found) = with(attributes);
    assert_eq!(codes(&found), Vec::<&str>::new(), "{attributes}: {found:?}");
    dimensions.iter().flat_map(|d| &d.pieces).map(|piece| piece.text.clone()).collect()
}

#[test]
fn every_type_measures_what_it_is_of() {
    for (attributes, expected) in [
        (r#"type="linear" of="frame.left frame.right" at="250 180""#, &["300"][..]),
        (r#"type="linear" of="frame.top-left frame.bottom-right" at="450 270""#, &["150"]),
        (r#"type="linear" of="frame.top-left frame.bottom-right" at="250 100""#, &["300"]),
        (
            r#"type="linear" of="frame.top-left frame.bottom-right" direction="vertical" at="250 100""#,
            &["150"],
        ),
        (r#"type="linear" of="frame.top""#, &["300"]),
        (r#"type="linear" of="hole.center frame.left""#, &["150"]),
        (r#"type="aligned" of="slope" at="500 540""#, &["50"]),
        (r#"type="aligned" of="slope.start slope.end" at="500 540""#, &["50"]),
        (r#"type="radius" of="hole" at="300 200""#, &["R20"]),
        (r#"type="diameter" of="hole" at="250 275""#, &["⌀40"]),
        (r#"type="radius" of="bow.1-2""#, &["R50"]),
        (r#"type="angle" of="level slope" at="560 520""#, &["53,1°"]),
        (r#"type="angle" of="level slope" at="480 540""#, &["126,9°"]),
        (r#"type="angle" of="level.end level.start slope.end" at="560 520""#, &["53,1°"]),
        (r#"type="angle" of="level.end level.start slope.end" at="440 500""#, &["306,9°"]),
        (r#"type="arc" of="bow.1-2" at="750 20" decimals="1""#, &["⌒157,1"]),
        (r#"type="arc" of="bow.2-1" at="750 20" decimals="1""#, &["⌒157,1"]),
        (r#"type="ordinate" of="frame.top-left hole.center" at="250 400""#, &["150"]),
        (r#"type="ordinate" of="frame.top-left hole.center" at="500 275""#, &["75"]),
        (
            r#"type="chain" of="frame.left hole.center frame.right level.start" at="0 420""#,
            &["150", "150", "100"],
        ),
        (r#"type="baseline" of="frame.left hole.center frame.right" at="0 420""#, &["150", "300"]),
        (r#"type="linear" of="frame.top" style="asme" unit="in" decimals="3""#, &["11.811"]),
        (r#"type="linear" of="frame.top" style="architectural""#, &["0'-11 13/16\""]),
        (r#"type="diameter" of="hole" places="4" style="asme" at="300 200""#, &["4X ⌀40"]),
        (r#"type="linear" of="frame.top" reference="true""#, &["(300)"]),
        (r#"type="linear" of="frame.top" tolerance="+0.1 -0.2""#, &["300 +0,1/-0,2"]),
        (r#"type="linear" of="frame.top" prefix="ca. " suffix=" (A)""#, &["ca. 300 (A)"]),
    ] {
        assert_eq!(texts(attributes), expected, "{attributes}");
    }
}

#[test]
fn what_is_lost_is_a_finding_and_never_a_number() {
    for (attributes, code) in [
        (r#"of="gone.left frame.right""#, "dimension-reference"),
        (r#"of="frame.middle""#, "dimension-reference"),
        (r#"of="frame""#, "dimension-reference"),
        (r#"of="level slope""#, "dimension-reference"),
        (r#"type="radius" of="frame.top""#, "dimension-reference"),
        (r#"type="angle" of="frame.top frame.bottom""#, "dimension-reference"),
        (r#"type="chain" of="frame.left frame.top""#, "dimension-reference"),
        (r#"type="length" of="level""#, "dimension-type"),
        (r#"of="level" style="din""#, "dimension-type"),
        (r#"of="level" at="here""#, "dimension-value"),
        (r#"of="level" decimals="-1""#, "dimension-value"),
        (r#"of="level" tolerance="much""#, "dimension-value"),
        (r#"of="level" drives="nobody""#, "dimension-drives"),
    ] {
        let (dimensions, found) = with(attributes);
        assert_eq!(codes(&found), [code], "{attributes}");
        assert_eq!(dimensions, [], "{attributes}");
    }
    let (dimensions, found) = with(r#"of="level.start slope.start""#);
    assert_eq!((codes(&found), dimensions.len()), (vec!["dimension-zero"], 1));
    assert_eq!(dimensions[0].pieces[0].text, "0");
    let far = document(
        r#"<line id="far" x1="-700000000" y1="0" x2="700000000" y2="0"/>
        <arx:dimensions><arx:dimension of="far"/></arx:dimensions>"#,
    );
    let (dimensions, found) = all(&far);
    assert_eq!((codes(&found), dimensions.len()), (vec!["dimension-limit"], 0));
}

#[test]
fn a_dimension_follows_what_it_measures() {
    let mut document = document(&format!(
        r#"{SHAPES}<arx:dimensions><arx:dimension of="frame.left frame.right"/></arx:dimensions>"#
    ));
    let text = |document: &Document| all(document).0[0].pieces[0].text.clone();
    assert_eq!(text(&document), "300");
    let frame = document.by_id("frame").expect("a frame");
    document.set_attribute(frame, Ns::None, "width", "312.5");
    assert_eq!(text(&document), "312,5");
}

#[test]
fn sizes_are_on_paper_and_the_scale_is_applied_once() {
    let document = document(&format!(
        r#"{SHAPES}<arx:dimensions><arx:dimension of="frame.left frame.right" at="250 180"/></arx:dimensions>"#
    ));
    let scene = scene(&document);
    for scale in [1.0, 10.0, 0.5] {
        let (made, _) = dimensions(&document, &scene, Some(scale), &budget()).expect("one");
        let piece = &made[0].pieces[0];
        assert_eq!(piece.text, "300", "{scale}");
        assert_eq!(piece.laid.texts[0].height, 2.5 * scale, "{scale}");
        let arrow = piece.laid.arrows[0];
        assert!((arrow[0][0] - 100.0).abs() < 1e-9 && (arrow[0][1] - 180.0).abs() < 1e-9);
        let long = (arrow[1][0] + arrow[2][0]) / 2.0 - arrow[0][0];
        assert!((long - 2.5 * scale).abs() < 1e-9, "{scale}: {long}");
    }
}

#[test]
fn lines_begin_beside_what_is_measured_and_go_past_the_dimension_line() {
    let (made, _) = with(r#"of="frame.left frame.right" at="250 180""#);
    let piece = &made[0].pieces[0];
    // The left extension line goes up from the corner at 100, 200.
    let near = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9;
    let from = [100.0, 200.0 - 0.625];
    let to = [100.0, 180.0 - 1.25];
    assert!(piece.laid.lines.iter().any(|[a, b]| near(*a, from) && near(*b, to)), "{piece:?}");
    let Points::Straight { of, feet, .. } = piece.points else { panic!("{piece:?}") };
    assert!(near(of[0], [100.0, 200.0]) && near(feet[0], [100.0, 180.0]));
    let text = &piece.laid.texts[0];
    assert!(near(text.at, [250.0, 180.0 - 0.625]) && near(text.along, [1.0, 0.0]), "{text:?}");
}

/// A line that is turned all the way round has a text above it that is never upside down.
#[test]
fn texts_stand_above_their_line_all_the_way_round() {
    for degrees in 0..360 {
        let turn = f64::from(degrees).to_radians();
        let (x, y) = (500.0 + 100.0 * turn.cos(), 500.0 + 100.0 * turn.sin());
        let drawing = document(&format!(
            r#"<line id="l" x1="500" y1="500" x2="{x}" y2="{y}"/>
            <arx:dimensions><arx:dimension type="aligned" of="l"/></arx:dimensions>"#
        ));
        let (made, found) = all(&drawing);
        assert_eq!(codes(&found), Vec::<&str>::new());
        let piece = &made[0].pieces[0];
        assert_eq!(piece.text, "100", "{degrees}");
        let text = &piece.laid.texts[0];
        let [dx, dy] = text.along;
        // Degrees as they are seen, counter-clockwise.
        let seen = (-dy).atan2(dx).to_degrees();
        assert!(seen > -90.0 + 1e-6 && seen <= 90.0 + 1e-6, "{degrees}: {seen}");
        // Above its line: on the left of the direction of reading.
        let Points::Straight { feet: [a, b], .. } = piece.points else { panic!("{piece:?}") };
        let middle = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let above = (text.at[0] - middle[0]) * dy + (text.at[1] - middle[1]) * -dx;
        assert!((above - 0.625).abs() < 1e-6, "{degrees}: {above}");
    }
}

#[test]
fn what_has_no_room_stands_beside() {
    let (made, _) = with(r#"of="frame.left hole.center" at="0 100" scale="200""#);
    let piece = &made[0].pieces[0];
    let text = &piece.laid.texts[0];
    assert!(text.at[0] > 250.0, "{text:?}");
    // The arrows point from outside: the corners of the left one are left of its tip.
    let [tip, a, _] = piece.laid.arrows[0];
    assert!(a[0] < tip[0], "{piece:?}");
}

#[test]
fn a_dimension_takes_what_its_constraint_is_of() {
    let drawing = document(&format!(
        r#"{SHAPES}<arx:constraints><arx:constraint id="width" type="distance" of="frame.left frame.right" value="300"/></arx:constraints>
        <arx:dimensions><arx:dimension id="w" drives="width" at="0 100"/></arx:dimensions>"#
    ));
    let (made, found) = all(&drawing);
    assert_eq!(codes(&found), Vec::<&str>::new());
    assert_eq!(
        (made[0].drives.as_deref(), made[0].pieces[0].text.as_str()),
        (Some("width"), "300")
    );
}

#[test]
fn formulas_are_handed_what_dimensions_measure() {
    let drawing = document(
        r#"<g id="all" transform="translate(100 0)"><rect id="plate" x="0" y="0" width="150" height="80"/></g>
        <circle id="hole" cx="40" cy="40" r="10.00049"/><line id="axis" x1="0" y1="0" x2="50" y2="50"/>
        <arx:constraints><arx:constraint id="width" type="distance" of="plate.left plate.right" formula="150"/></arx:constraints>
        <arx:object id="o" type="mechanical.plate"><arx:behavior><arx:calculations>
          <arx:calculation name="area" formula="w.measure * h.measure" unit="m^2"/>
          <arx:calculation name="shares" formula="degrees(lean.measure)"/>
          <arx:calculation name="lost" formula="row.measure"/>
          <arx:calculation name="none" formula="gone.measure"/>
          <arx:calculation name="rest" formula="size.measure"/>
        </arx:calculations></arx:behavior></arx:object>
        <arx:dimensions style="architectural">
          <arx:dimension id="w" drives="width"/><arx:dimension id="h" of="plate.left"/>
          <arx:dimension id="lean" type="angle" of="axis plate.top" at="90 10"/>
          <arx:dimension id="size" type="diameter" of="hole"/>
          <arx:dimension id="row" type="ordinate" of="plate.top-left plate.top-right plate.bottom-right"/>
          <arx:dimension id="gone" of="plate.left nobody.right"/>
        </arx:dimensions>"#,
    );
    let scene = scene(&drawing);
    let program = svgx_engine::behavior::Program::compile(&drawing, &Limits::default());
    assert_eq!(program.diagnostics(), []);
    let values = svgx_drafting::evaluate(&drawing, &scene, &program, &budget()).unwrap();
    let found: Vec<Result<f64, &str>> = program
        .results(&values)
        .filter(|o| o.scope == "o")
        .map(|o| o.value.map(|v| (v.number() * 1e9).round() / 1e9).map_err(|f| f.code.as_str()))
        .collect();
    let lost = Err("dimension-reference");
    // A measure is a whole number of micrometres.
    assert_eq!(found, [Ok(0.012), Ok(45.0), lost, lost, Ok(20.001)]);
    let node = |id: &str| drawing.by_id(id).unwrap();
    let measured = svgx_drafting::measured(&drawing, &scene, [node("w"), node("gone")]);
    assert_eq!(measured.iter().map(|m| m.value).collect::<Vec<_>>(), [Some(150.0), None]);
    for id in ["w", "width", "plate"] {
        assert!(measured[0].of.contains(&node(id)), "{id}");
    }
}

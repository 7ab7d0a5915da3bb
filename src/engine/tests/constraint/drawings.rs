//! Constraints of a drawing, from its text to the text that is written back.

use svgx_base::budget::Tier;
use svgx_engine::check;
use svgx_engine::constraint::{Options, Outcome, Sketch, Solution, Status, apply, solve};
use svgx_engine::document::{Document, Limits, canonical, parse};
use svgx_engine::geometry::Scene;

use super::budget;

fn drawing(shapes: &str, constraints: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" \
         viewBox=\"0 0 200 200\">{shapes}<arx:constraints>{constraints}</arx:constraints></svg>"
    )
}

fn solved(text: &str) -> (Document, Solution) {
    let limits = Limits::default();
    let mut document = parse(text, &limits).unwrap();
    let scene = Scene::build(&document, &limits, &budget()).unwrap();
    let sketch = Sketch::read(&document, &scene, &limits).unwrap();
    let options = Options { diagnose: true, ..Options::default() };
    let solution = solve(&mut sketch.solver(&limits).unwrap(), options, &budget()).unwrap();
    let edits = sketch.edits(&document, &solution.entities, Tier::Compute);
    apply(&mut document, &edits);
    (document, solution)
}

#[test]
fn a_slip_in_a_constraint_is_answered_with_what_was_meant() {
    let line = "<line id='frame' x1='1' y1='1' x2='9' y2='2'/>";
    for (constraint, meant) in [
        ("type='horizntal' of='frame'", "did you mean horizontal?"),
        ("type='paralell' of='frame frame'", "did you mean parallel?"),
        ("type='horizontal' of='frmae'", "did you mean frame?"),
        ("type='fixed' of='frmae.start'", "did you mean frame?"),
    ] {
        let text = drawing(line, &format!("<arx:constraint {constraint}/>"));
        let limits = Limits::default();
        let document = parse(&text, &limits).unwrap();
        let scene = Scene::build(&document, &limits, &budget()).unwrap();
        let findings = Sketch::read(&document, &scene, &limits).expect_err(constraint);
        let told = format!("{findings:?}");
        assert!(told.contains(meant), "{constraint}: {told}");
    }
}

#[test]
fn points_on_one_spot_part_in_different_ways() {
    let shapes = "<circle id='a' cx='50' cy='50' r='1'/><circle id='b' cx='50' cy='50' r='1'/>\
                  <circle id='c' cx='50' cy='50' r='1'/>";
    let constraints = "<arx:constraint type='fixed' of='a.center'/>\
                       <arx:constraint type='distance' of='a.center b.center' value='30'/>\
                       <arx:constraint type='distance' of='b.center c.center' value='30'/>\
                       <arx:constraint type='distance' of='a.center c.center' value='30'/>";
    let (_, solution) = solved(&drawing(shapes, constraints));
    assert_eq!(solution.outcome, Outcome::Solved, "three points become a triangle");
}

#[test]
fn a_side_of_a_rectangle_can_be_fixed_without_blame() {
    let shapes = "<rect id='r' x='10' y='10' width='50' height='30'/>";
    let constraints = "<arx:constraint type='fixed' of='r.top'/>\
                       <arx:constraint type='equal_length' of='r.top r.left'/>";
    let (_, solution) = solved(&drawing(shapes, constraints));
    let diagnosis = solution.diagnosis.expect("it was asked for");
    assert!(diagnosis.redundant.is_empty(), "{diagnosis:?}");
    assert_eq!(diagnosis.status, Status::FullyConstrained);
}

#[test]
fn what_is_written_can_be_drawn_and_what_gave_way_is_named() {
    struct Case {
        shapes: &'static str,
        constraints: &'static str,
        /// Constraints that do not hold.
        missed: &'static [&'static str],
        /// The size that could not be drawn.
        undrawable: Option<(&'static str, &'static str)>,
        /// What is written.
        written: &'static str,
    }
    let cases = [
        Case {
            shapes: "<circle id='o' cx='50' cy='50' r='9'/><circle id='i' cx='50' cy='50' r='8'/>",
            constraints: "<arx:constraint id='size' type='radius' of='o' value='10'/>\
                          <arx:constraint id='gap' type='offset' of='o i' value='15'/>",
            missed: &["gap"],
            undrawable: Some(("i", "radius")),
            written: "<circle id=\"i\" cx=\"50\" cy=\"50\" r=\"8\"/>",
        },
        Case {
            shapes: "<rect id='door' x='20' y='60' width='10' height='40'/>\
                     <line id='sill' x1='0' y1='50' x2='90' y2='50'/>",
            constraints: "<arx:constraint type='fixed' of='sill door.top-left'/>\
                          <arx:constraint id='low' type='point_on' of='door.bottom-left sill'/>",
            missed: &["low"],
            undrawable: Some(("door", "height")),
            written: "<rect id=\"door\" x=\"20\" y=\"60\" width=\"10\" height=\"40\"/>",
        },
        Case {
            shapes: "<line id='wall' x1='100' y1='0' x2='100' y2='90'/>\
                     <circle id='tank' cx='140' cy='50' r='20'/>",
            constraints: "<arx:point id='peg' x='80' y='50'/>\
                          <arx:constraint type='fixed' of='wall peg'/>\
                          <arx:constraint type='coincident' of='tank.center peg'/>\
                          <arx:constraint id='touch' type='tangent' of='wall tank'/>",
            missed: &["touch"],
            undrawable: Some(("tank", "radius")),
            written: "<circle id=\"tank\" cx=\"80\" cy=\"50\" r=\"20\"/>",
        },
        Case {
            shapes: "<line id='wall' x1='100' y1='0' x2='100' y2='90'/>\
                     <circle id='tank' cx='140' cy='50' r='20'/>",
            constraints: "<arx:constraint type='fixed' of='wall'/>\
                          <arx:constraint type='midpoint' of='tank.center wall'/>\
                          <arx:constraint id='touch' type='tangent' of='wall tank'/>",
            missed: &["touch"],
            undrawable: Some(("tank", "radius")),
            written: "<circle id=\"tank\" cx=\"100\" cy=\"45\" r=\"20\"/>",
        },
        // A conflict without any size: the earlier length holds.
        Case {
            shapes: "<line id='a' x1='10' y1='10' x2='30' y2='10'/>",
            constraints: "<arx:constraint type='fixed' of='a.start'/>\
                          <arx:constraint type='horizontal' of='a'/>\
                          <arx:constraint type='distance' of='a.start a.end' value='30'/>\
                          <arx:constraint id='late' type='distance' of='a.start a.end' value='40'/>",
            missed: &["late"],
            undrawable: None,
            written: "<line id=\"a\" x1=\"10\" y1=\"10\" x2=\"40\" y2=\"10\"/>",
        },
        // A size that is left open stays as it is drawn.
        Case {
            shapes: "<rect id='door' x='20' y='60' width='10' height='40'/>",
            constraints: "<arx:point id='peg' x='5' y='0'/>\
                          <arx:constraint type='fixed' of='peg'/>\
                          <arx:constraint type='vertical' of='door.top-right peg'/>",
            missed: &[],
            undrawable: None,
            written: "<rect id=\"door\" x=\"-5\" y=\"60\" width=\"10\" height=\"40\"/>",
        },
    ];
    for case in cases {
        let (document, solution) = solved(&drawing(case.shapes, case.constraints));
        let text = canonical(&document);
        let outcome = if case.missed.is_empty() { Outcome::Solved } else { Outcome::Inconsistent };
        assert_eq!(solution.outcome, outcome, "{text}");
        let missed: Vec<_> = solution.unsatisfied.iter().map(|u| u.constraint.as_str()).collect();
        assert_eq!(missed, case.missed, "{text}");
        let undrawable: Vec<_> =
            solution.undrawable.iter().map(|u| (u.entity.as_str(), u.size.as_str())).collect();
        assert_eq!(undrawable, Vec::from_iter(case.undrawable), "{text}");
        assert!(text.contains(case.written), "{text}\nis without {}", case.written);
        // What was written is a drawing without errors, and stays as it is.
        let report = check(&text, &Limits::default());
        assert!(!report.has_errors(), "{:?}", report.diagnostics);
        assert_eq!(canonical(&solved(&text).0), text);
    }
}

#[test]
fn a_drawing_without_constraints_is_unconstrained() {
    for (constraints, status) in [
        ("", Status::Unconstrained),
        ("<arx:constraint type='fixed' of='a'/>", Status::FullyConstrained),
    ] {
        let shapes = "<line id='a' x1='10' y1='10' x2='30' y2='10'/>";
        let (_, solution) = solved(&drawing(shapes, constraints));
        assert_eq!(solution.diagnosis.map(|d| d.status), Some(status));
        assert_eq!(solution.outcome, Outcome::Solved);
    }
}

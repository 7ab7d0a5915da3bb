//! Gradients of hatches, and of areas.

use svgx_engine::document;
use svgx_exchange::dxf::{ExportOptions, Exported, Limits, Version, export};

use super::{drawn, unlimited};

/// A hatch of 100 by 50 with a gradient from red to blue.
fn hatch(form: &str, more: &str) -> String {
    format!(
        "#ENTITIES\n0 HATCH\n5 A1\n8 0\n62 5\n2 SOLID\n70 1\n71 0\n91 1\n92 3\n72 0\n73 1\n93 4\n10 0\n20 0\n10 100\n20 0
10 100\n20 50\n10 0\n20 50\n97 0\n75 0\n76 1\n98 0\n450 1\n451 0\n{more}\n452 0\n462 1\n453 2
463 0\n63 1\n421 16711680\n463 1\n63 5\n421 255\n470 {form}"
    )
}

fn written(svgx: &str, version: Version) -> Exported {
    let limits = document::Limits::default();
    let document = document::parse(svgx, &limits).expect("a document");
    export(&document, &ExportOptions { version }, &limits, &Limits::default(), &unlimited())
        .expect("a file")
}

#[test]
fn gradients_fill_the_box_of_their_area() {
    let (red, blue) = ("stop-color=\"#ff0000\"", "stop-color=\"#0000ff\"");
    for (form, more, axis, stops) in [
        ("LINEAR", "", "x1=\"0\" y1=\"-25\" x2=\"100\" y2=\"-25\"", vec![red, blue]),
        ("INVLINEAR", "", "x1=\"0\" y1=\"-25\" x2=\"100\" y2=\"-25\"", vec![blue, red]),
        ("CYLINDER", "", "x1=\"0\" y1=\"-25\" x2=\"100\" y2=\"-25\"", vec![red, blue, red]),
        // A quarter turn: from below to above.
        (
            "LINEAR",
            "460 1.5707963267948966",
            "x1=\"50\" y1=\"0\" x2=\"50\" y2=\"-50\"",
            vec![red, blue],
        ),
        ("LINEAR", "461 1", "x1=\"-25\" y1=\"-37.5\" x2=\"75\" y2=\"-37.5\"", vec![red, blue]),
        ("SPHERICAL", "", "cx=\"50\" cy=\"-25\" r=\"55.901699\"", vec![blue, red]),
        ("INVSPHERICAL", "", "cx=\"50\" cy=\"-25\" r=\"55.901699\"", vec![red, blue]),
        ("HEMISPHERICAL", "", "cx=\"50\" cy=\"0\" r=\"70.710678\"", vec![blue, red]),
        ("INVHEMISPHERICAL", "", "cx=\"50\" cy=\"0\" r=\"70.710678\"", vec![red, blue]),
        ("CURVED", "", "cx=\"50\" cy=\"25\" r=\"90.138782\"", vec![blue, red]),
        ("INVCURVED", "", "cx=\"50\" cy=\"25\" r=\"90.138782\"", vec![red, blue]),
    ] {
        let imported = drawn(&hatch(form, more));
        let text = &imported.svgx;
        assert!(text.contains(axis), "{form}: {axis}\n{text}");
        let shown: Vec<&str> =
            text.match_indices("stop-color").map(|(at, _)| &text[at..at + red.len()]).collect();
        assert_eq!(shown, stops, "{form}");
        assert!(
            text.contains("<path id=\"e-A1\"") && text.contains("fill:url(#gradient-"),
            "{text}"
        );
        assert_eq!(imported.report.model.drawn["HATCH"], 1);
        assert_eq!(imported.report.extents, Some([0.0, 0.0, 100.0, 50.0]));
    }
}

#[test]
fn one_colour_runs_to_white_or_black() {
    for (tint, to) in [("1", "#ffffff"), ("0", "#000000"), ("0.5", "#ff0000"), ("7", "#ffffff")] {
        let one = hatch("LINEAR", "").replace("463 1\n63 5\n421 255\n", "");
        let one = one.replace("462 1", &format!("462 {tint}")).replace("453 2", "453 1");
        let imported = drawn(&one);
        assert!(imported.svgx.contains(&format!("stop-color=\"{to}\"")), "{}", imported.svgx);
    }
}

#[test]
fn gradients_that_lie_are_areas_all_the_same() {
    for (from, to) in [
        ("453 2", "453 2000000000"),
        ("453 2", "453 -1"),
        ("463 0\n63 1\n421 16711680\n463 1\n63 5\n421 255\n", ""),
        ("470 LINEAR", "470 \u{1}\"<&"),
        ("421 255", "421 x"),
        ("63 5\n421 255", "63 99999"),
    ] {
        let imported = drawn(&hatch("LINEAR", "").replace(from, to));
        assert_eq!(imported.report.model.drawn.get("HATCH"), Some(&1), "{to}");
    }
    let many = "463 0\n63 1\n".repeat(10_000);
    let imported = drawn(&hatch("LINEAR", "").replace("463 0", &format!("{many}463 0")));
    assert!(imported.svgx.len() < 2_000);
    let imported = drawn(&hatch("LINEAR", "460 nan"));
    assert_eq!(imported.report.model.not_drawn.get("HATCH"), Some(&1));
}

#[test]
fn gradients_come_back() {
    for form in ["LINEAR", "INVLINEAR", "CYLINDER", "SPHERICAL", "INVSPHERICAL"] {
        let imported = drawn(&hatch(form, "460 0"));
        let exported = written(&imported.svgx, Version::R2018);
        assert_eq!(exported.report.model["HATCH"], 1);
        let codes: Vec<&str> =
            exported.report.notes.iter().map(|note| note.code.as_str()).collect();
        assert_eq!(codes, ["dxf-gradient"]);
        let text = String::from_utf8(exported.dxf).expect("UTF-8");
        let budget = unlimited();
        let back = svgx_exchange::dxf::import(
            text.as_bytes(),
            &Default::default(),
            &Limits::default(),
            &budget,
        );
        let back = back.expect("a file that is read back").svgx;
        let gradient = |text: &str| {
            let from = text.find("gradientUnits").expect("a gradient");
            let long = text[from..].find("Gradient>").expect("an end");
            text[from..from + long].to_owned()
        };
        assert_eq!(gradient(&back), gradient(&imported.svgx), "{form}");
    }
    // Before that an area has the first of its colours.
    let imported = drawn(&hatch("LINEAR", ""));
    let old = written(&imported.svgx, Version::R2000);
    let text = String::from_utf8(old.dxf).expect("ASCII");
    assert!(!text.contains("\n450\n") && text.contains(" 62\n     1\n"), "{text}");
    assert_eq!(old.report.notes[0].code, "dxf-gradient");
}

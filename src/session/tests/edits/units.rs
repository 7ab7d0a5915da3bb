//! Drags in units, scales and nested coordinate systems.

use serde_json::json;

use super::{Editor, expected};

#[test]
fn a_drag_snaps_and_rounds_in_the_unit_of_the_drawing() {
    const METRES: &str = r#"arx:units="m" viewBox="0 0 12 8""#;
    const PLAIN: &str = r#"viewBox="0 0 400 400""#;
    const DESK: &str = r#"<rect id="r" x="2" y="3" width="1.6" height="0.8"/>"#;
    const PUMP: &str = r#"<arx:object id="r" type="mechanical.pump"><arx:geometry x="5m" y="4m" z="1m" width="500mm" height="500mm"/></arx:object>"#;
    const FEET: &str = r#"<arx:object id="r" type="mechanical.pump"><arx:geometry x="5ft" y="120in" width="500mm" height="500mm"/></arx:object>"#;
    const BARE: &str = r#"<arx:object id="r" type="mechanical.pump"><arx:geometry x="5000" y="4000" width="500" height="500"/></arx:object>"#;
    const SCALED: &str =
        r#"<g transform="scale(100)"><rect id="r" x="1" y="1" width="0.5" height="0.5"/></g>"#;
    const SMALL: &str = r#"<g transform="scale(0.01)"><rect id="r" x="100" y="100" width="5000" height="5000"/></g>"#;
    const IN_SCALED: &str = r#"<g transform="scale(100)"><arx:object id="r" type="mechanical.pump"><arx:geometry x="1mm" y="1mm" width="1mm" height="1mm"/></arx:object></g>"#;
    const POLYGON: &str = r#"<polygon id="r" points="2,3 4,3 4,5"/>"#;
    const GROUP: &str = r#"<g id="r"><rect x="2" y="3" width="1" height="1"/></g>"#;
    let grid = json!(true);
    let off = json!(false);
    let inch = json!({ "grid": 25.4 });
    let decimetre = json!({ "grid": 100 });
    let cases = [
        // The default grid is a millimetre, whatever a unit of the drawing is.
        ("metres", METRES, DESK, (2.0, 3.0), (2.34, 3.12), &grid, ("x", "2.34"), ("y", "3.12")),
        ("mm in m", METRES, DESK, (2.0, 3.0), (2.3456, 3.1), &grid, ("x", "2.346"), ("y", "3.1")),
        (
            "m, free",
            METRES,
            DESK,
            (2.0, 3.0),
            (2.1234567, 3.0),
            &off,
            ("x", "2.123457"),
            ("y", "3"),
        ),
        (
            "m, 100 mm",
            METRES,
            DESK,
            (2.0, 3.0),
            (2.34, 3.16),
            &decimetre,
            ("x", "2.3"),
            ("y", "3.2"),
        ),
        (
            "polygon",
            METRES,
            POLYGON,
            (2.0, 3.0),
            (2.34, 3.12),
            &grid,
            ("points", "2.34,3.12 4.34,3.12 4.34,5.12"),
            ("fill", ""),
        ),
        (
            "group",
            METRES,
            GROUP,
            (2.0, 3.0),
            (2.34, 3.12),
            &grid,
            ("transform", "translate(0.34 0.12)"),
            ("fill", ""),
        ),
        ("object", METRES, PUMP, (5.0, 4.0), (6.0, 4.0), &off, (".x", "6m"), (".y", "4m")),
        (
            "object on grid",
            METRES,
            PUMP,
            (5.0, 4.0),
            (5.5004, 4.25),
            &grid,
            (".x", "5.5m"),
            (".y", "4.25m"),
        ),
        (
            "object in feet",
            METRES,
            FEET,
            (0.0, 0.0),
            (0.3048, 0.0254),
            &off,
            (".x", "6ft"),
            (".y", "121in"),
        ),
        (
            "object in mm",
            METRES,
            BARE,
            (0.0, 0.0),
            (1.0, -1.0),
            &off,
            (".x", "6000"),
            (".y", "3000"),
        ),
        (
            "feet",
            r#"arx:units="ft" viewBox="0 0 30 20""#,
            DESK,
            (2.0, 3.0),
            (3.04, 2.51),
            &inch,
            ("x", "3"),
            ("y", "2.5"),
        ),
        (
            "inches",
            r#"arx:units="in" viewBox="0 0 300 200""#,
            DESK,
            (2.0, 3.0),
            (3.4, 2.51),
            &inch,
            ("x", "3"),
            ("y", "3"),
        ),
        (
            "1:50",
            r#"arx:scale="1:50" viewBox="0 0 300 200""#,
            DESK,
            (2.0, 3.0),
            (2.017, 3.0),
            &grid,
            ("x", "2.02"),
            ("y", "3"),
        ),
        (
            "50",
            r#"arx:units="cm" arx:scale="50" viewBox="0 0 300 200""#,
            DESK,
            (2.0, 3.0),
            (2.0071, 3.0),
            &grid,
            ("x", "2.008"),
            ("y", "3"),
        ),
        (
            "width",
            r#"width="400mm" viewBox="0 0 4000 3000""#,
            DESK,
            (2.0, 3.0),
            (14.0, 3.0),
            &grid,
            ("x", "10"),
            ("y", "0"),
        ),
        (
            "height",
            r#"height="3m" viewBox="0 0 400 300""#,
            DESK,
            (2.0, 3.0),
            (2.349, 3.0),
            &grid,
            ("x", "2.3"),
            ("y", "3"),
        ),
        (
            "pixels",
            r#"width="400px" viewBox="0 0 4000 3000""#,
            DESK,
            (2.0, 3.0),
            (14.4, 3.0),
            &grid,
            ("x", "14"),
            ("y", "3"),
        ),
        // The step of the tier is one of the drawing, not of the group.
        (
            "scaled",
            PLAIN,
            SCALED,
            (100.0, 100.0),
            (100.25, 100.0),
            &off,
            ("x", "1.0025"),
            ("y", "1"),
        ),
        ("shrunk", PLAIN, SMALL, (1.0, 1.0), (1.25, 1.0), &off, ("x", "125"), ("y", "100")),
        (
            "shrunk fine",
            PLAIN,
            SMALL,
            (1.0, 1.0),
            (1.2512, 1.0),
            &off,
            ("x", "125.1"),
            ("y", "100"),
        ),
        (
            "object in scaled",
            PLAIN,
            IN_SCALED,
            (100.0, 100.0),
            (100.25, 100.0),
            &off,
            (".x", "1.0025mm"),
            (".y", "1mm"),
        ),
    ];
    for (name, root, content, from, to, snap, a, b) in cases {
        let editor = Editor::open(root, content);
        editor.drag("r", from, to, snap.clone());
        let wanted = [("r", a.0, a.1), ("r", b.0, b.1)];
        assert_eq!(editor.all(&wanted), expected(&wanted), "{name}");
        editor.run(json!({ "operation": "undo" }));
        let fresh = Editor::open(root, content);
        assert_eq!(editor.all(&wanted), fresh.all(&wanted), "{name}, undone");
    }
}

#[test]
fn a_height_is_in_millimetres_whatever_the_unit() {
    let pump = r#"<arx:object id="r" type="mechanical.pump"><arx:geometry x="5m" y="4m" z="1m" width="500mm" height="500mm"/></arx:object>"#;
    let editor = Editor::open(r#"arx:units="m" viewBox="0 0 12 8""#, pump);
    let at = |z: f64| json!({ "x": 5.0, "y": 4.0, "z": z });
    editor.run(json!({ "operation": "drag_start", "element_id": "r", "coordinates": at(1000.0) }));
    editor.run(json!({ "operation": "drag_end", "coordinates": at(1250.4) }));
    assert_eq!(editor.attribute("r", ".z").as_deref(), Some("1.25m"));
}

#[test]
fn the_tolerance_of_snapping_and_picking_follows_the_unit() {
    let two = r#"<rect id="a" x="1" y="1" width="1" height="1"/><rect id="b" x="4" y="1" width="1" height="1"/>"#;
    let near = json!({ "grid": 0, "endpoint": true, "tolerance": 50 });
    for (by, x) in [(1.96, "3"), (1.9, "2.9")] {
        let editor = Editor::open(r#"arx:units="m" viewBox="0 0 12 8""#, two);
        editor.drag("a", (0.0, 0.0), (by, 0.0), near.clone());
        assert_eq!(editor.attribute("a", "x").as_deref(), Some(x), "by {by} m");
    }
    let editor = Editor::open(r#"arx:units="m" viewBox="0 0 12 8""#, two);
    for (x, found) in [(2.3, None), (2.001, Some("a")), (3.998, Some("b"))] {
        let at = json!({ "x": x, "y": 1.5 });
        let outcome = editor.run(json!({ "operation": "hover", "coordinates": at }));
        assert_eq!(outcome.result.element_id.as_deref(), found, "at {x}");
    }
}

#[test]
fn a_drag_goes_through_every_coordinate_system_on_the_way() {
    const ROOT: &str = r#"viewBox="0 0 400 400""#;
    const SHEET: &str = r#"<svg id="sheet" x="100" y="100" width="200" height="200" viewBox="0 0 1000 1000"><g id="group"><rect x="100" y="100" width="50" height="50"/></g><rect id="r2" x="300" y="300" width="50" height="50"/><text id="text" x="10" y="10">a</text><path id="path" d="M0 0 L10 10 L20 0 Z"/><arx:object id="obj" type="electrical.outlet"><arx:geometry x="600mm" y="600mm" width="50mm" height="50mm"/></arx:object></svg>"#;
    const STRETCHED: &str = r#"<svg width="200" height="100" viewBox="0 0 100 100" preserveAspectRatio="none"><g id="group"><rect width="50" height="50"/></g></svg>"#;
    const FITTED: &str = r#"<svg width="200" height="100" viewBox="0 0 100 100"><g id="group"><rect width="50" height="50"/></g></svg>"#;
    const NESTED: &str = r#"<svg width="200" height="200" viewBox="0 0 400 400"><g transform="rotate(90 200 200)"><svg width="400" height="400" viewBox="0 0 800 800"><g id="group"><rect width="50" height="50"/></g></svg></g></svg>"#;
    const NO_BOX: &str = r#"<svg x="50" y="50"><g id="group" transform="scale(2)"><rect width="9" height="9"/></g></svg>"#;
    const SYMBOL: &str = r##"<symbol id="s" viewBox="0 0 100 100"><g id="group"><rect id="r" width="10" height="10"/></g></symbol><use id="u" href="#s" x="20" y="20" width="50" height="50"/>"##;
    const DEFS: &str = r##"<defs><g id="part" transform="scale(5)"><rect id="r" width="10" height="10"/></g></defs><use id="u" href="#part" transform="scale(2)"/>"##;
    const HIDDEN: &str =
        r#"<g transform="scale(2)" display="none"><rect id="r" width="10" height="10"/></g>"#;
    let cases = [
        (SHEET, "group", "transform", "translate(100 0)"),
        (SHEET, "r2", "x", "400"),
        (SHEET, "text", "transform", "translate(100 0)"),
        (SHEET, "path", "transform", "translate(100 0)"),
        (SHEET, "obj", ".x", "700mm"),
        (SHEET, "sheet", "x", "120"),
        (STRETCHED, "group", "transform", "translate(10 0)"),
        (FITTED, "group", "transform", "translate(20 0)"),
        (NESTED, "group", "transform", "translate(0 -80)"),
        (NO_BOX, "group", "transform", "translate(20 0) scale(2)"),
        (SYMBOL, "r", "x", "40"),
        (SYMBOL, "group", "transform", "translate(40 0)"),
        (SYMBOL, "u", "x", "40"),
        (DEFS, "r", "x", "2"),
        (DEFS, "part", "transform", "translate(10 0) scale(5)"),
        (DEFS, "u", "transform", "scale(2)"),
        (HIDDEN, "r", "x", "10"),
    ];
    for (content, id, name, value) in cases {
        let editor = Editor::open(ROOT, content);
        editor.drag(id, (120.0, 120.0), (140.0, 120.0), json!(false));
        assert_eq!(editor.attribute(id, name).as_deref(), Some(value), "{id} in {content}");
        editor.run(json!({ "operation": "undo" }));
        let before = Editor::open(ROOT, content).attribute(id, name);
        assert_eq!(editor.attribute(id, name), before, "{id}, undone");
    }
}

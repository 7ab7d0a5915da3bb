//! Objects, their shapes and their connections move together.

use serde_json::json;

use super::{Editor, expected};

const LAMP: &str = r#"<arx:object id="panel" type="electrical.panel"><arx:geometry x="50" y="50" width="100" height="150"/></arx:object>
<rect id="panel_box" x="50" y="50" width="100" height="150" arx:object="panel"/>
<arx:object id="lamp" type="electrical.light_fixture" upstream="panel"><arx:geometry x="400" y="100" width="60" height="40"/></arx:object>
<rect id="lamp_box" x="400" y="100" width="60" height="40" arx:object="lamp"/>"#;

#[test]
fn an_object_its_shapes_and_its_connections_move_together() {
    const PATH: &str = r#"<path id="c" d="M150 125 H400"/>"#;
    let with = |cable: &str| format!("{LAMP}{cable}");
    let connected = |cable: &str| {
        let system = r#"<arx:system id="s" type="electrical"><arx:components><arx:component ref="panel"/><arx:component ref="lamp"/></arx:components><arx:connections><arx:connection from="lamp" to="panel" type="power"/></arx:connections></arx:system>"#;
        format!("{}{cable}{system}", LAMP.replace(r#" upstream="panel""#, ""))
    };
    let lamp = |cable: (&'static str, &'static str)| {
        vec![
            ("lamp", ".x", "420"),
            ("lamp", ".y", "90"),
            ("lamp_box", "x", "420"),
            ("lamp_box", "y", "90"),
            ("c", cable.0, cable.1),
            ("panel", ".x", "50"),
            ("panel_box", "x", "50"),
        ]
    };
    let panel = |cable: (&'static str, &'static str)| {
        vec![
            ("panel", ".x", "70"),
            ("panel_box", "y", "40"),
            ("c", cable.0, cable.1),
            ("lamp", ".x", "400"),
            ("lamp_box", "x", "400"),
        ]
    };
    /// A name, a drawing, what is dragged, and the attributes after it.
    type Case =
        (&'static str, String, &'static str, Vec<(&'static str, &'static str, &'static str)>);
    let cases: Vec<Case> = vec![
        ("the object", with(PATH), "lamp", lamp(("d", "M150 125 L420 115"))),
        ("its shape", with(PATH), "lamp_box", lamp(("d", "M150 125 L420 115"))),
        ("the other end", with(PATH), "panel", panel(("d", "M170 115 L400 125"))),
        ("its shape too", with(PATH), "panel_box", panel(("d", "M170 115 L400 125"))),
        ("a connection", connected(PATH), "lamp", lamp(("d", "M150 125 L420 115"))),
        (
            "line",
            with(r#"<line id="c" x1="150" y1="125" x2="400" y2="125"/>"#),
            "lamp",
            lamp(("x2", "420")),
        ),
        (
            "line, backwards",
            with(r#"<line id="c" x2="150" y2="125" x1="400" y1="125"/>"#),
            "lamp",
            lamp(("y1", "115")),
        ),
        (
            "polyline",
            with(r#"<polyline id="c" points="150,125 200.0004,125 400,125"/>"#),
            "lamp",
            lamp(("points", "150,125 200.0004,125 420,115")),
        ),
        (
            "relative",
            with(r#"<path id="c" d="m150 125 h100 v-5 l150 5"/>"#),
            "lamp",
            lamp(("d", "M150 125 H250 V120 L420 115")),
        ),
        (
            "curve",
            with(r#"<path id="c" d="M150 125 C200 125 350 125 400 125"/>"#),
            "lamp",
            lamp(("d", "M150 125 C200 125 370 115 420 115")),
        ),
        (
            "curve, start",
            with(r#"<path id="c" d="M150 125 C200 125 350 125 400 125"/>"#),
            "panel",
            panel(("d", "M170 115 C220 115 350 125 400 125")),
        ),
        (
            "arc",
            with(r#"<path id="c" d="M150 125 A300 300 0 0 1 400 125"/>"#),
            "lamp",
            lamp(("d", "M150 125 A300 300 0 0 1 420 115")),
        ),
        (
            "in a group",
            with(r#"<g transform="translate(100 25) scale(2)"><path id="c" d="M25 50 H150"/></g>"#),
            "lamp",
            lamp(("d", "M25 50 L160 45")),
        ),
        // Not a drawing of the connection: it ends elsewhere, is closed, or is no line.
        (
            "elsewhere",
            with(r#"<path id="c" d="M150 125 H390"/>"#),
            "lamp",
            lamp(("d", "M150 125 H390")),
        ),
        (
            "from nowhere",
            with(r#"<path id="c" d="M300 125 H400"/>"#),
            "lamp",
            lamp(("d", "M300 125 H400")),
        ),
        (
            "closed",
            with(r#"<path id="c" d="M150 125 H400 Z"/>"#),
            "lamp",
            lamp(("d", "M150 125 H400 Z")),
        ),
        (
            "two lines",
            with(r#"<path id="c" d="M150 125 H200 M300 125 H400"/>"#),
            "lamp",
            lamp(("d", "M150 125 H200 M300 125 H400")),
        ),
    ];
    for (name, content, id, wanted) in cases {
        let root = r#"viewBox="0 0 800 600""#;
        let editor = Editor::open(root, &content);
        editor.drag(id, (400.0, 100.0), (420.0, 90.0), json!(true));
        assert_eq!(editor.all(&wanted), expected(&wanted), "{name}");
        let outcome = editor.run(json!({ "operation": "undo" }));
        assert_eq!(outcome.state.undo_depth, 0, "{name}");
        assert_eq!(
            editor.all(&wanted),
            Editor::open(root, &content).all(&wanted),
            "{name}, undone"
        );
    }
}

#[test]
fn the_ends_of_a_connection_stay_at_objects_that_stay() {
    const PANEL: &str = r#"<arx:object id="panel" type="electrical.panel"><arx:geometry x="50" y="50" width="100" height="150"/></arx:object>"#;
    const LIGHT: &str = r#"<arx:object id="lamp" type="electrical.light_fixture" upstream="panel"><arx:geometry x="400" y="100" width="60" height="40"/></arx:object>"#;
    let in_group =
        |how: &str, inside: &str, outside: &str| format!("<g id=\"g\"{how}>{inside}</g>{outside}");
    let cable = r#"<path id="c" d="M150 125 L300 120 L400 125"/>"#;
    let line = r#"<line id="c" x1="150" y1="125" x2="400" y2="125"/>"#;
    /// A name, a drawing, what is dragged, what is read, and its value after it.
    type Case = (&'static str, String, &'static str, (&'static str, &'static str), &'static str);
    // Dragged by (20,-10). The end at what is in the group goes along, the other one stays.
    let cases: [Case; 7] = [
        (
            "the lamp and its cable in a group",
            in_group(
                "",
                &format!(
                    "{LIGHT}<rect id=\"l\" x=\"400\" y=\"100\" width=\"60\" height=\"40\" arx:object=\"lamp\"/>{cable}"
                ),
                PANEL,
            ),
            "g",
            ("c", "d"),
            "M130 135 L300 120 L400 125",
        ),
        (
            "the panel and a line in a group",
            in_group(
                "",
                &format!(
                    "<rect id=\"p\" x=\"50\" y=\"50\" width=\"100\" height=\"150\" arx:object=\"panel\"/>{line}"
                ),
                &format!("{PANEL}{LIGHT}"),
            ),
            "g",
            ("c", "x2"),
            "380",
        ),
        (
            "in a group that is scaled and turned",
            in_group(
                r#" transform="scale(2) rotate(90)""#,
                r#"<rect id="p" x="25" y="-75" width="75" height="50" arx:object="panel"/><polyline id="c" points="62.5,-75 40,-90 62.5,-200"/>"#,
                &format!("{PANEL}{LIGHT}"),
            ),
            "g",
            ("c", "points"),
            "62.5,-75 40,-90 67.5,-190",
        ),
        (
            "in a nested drawing",
            format!(
                r#"<svg id="g" x="0" y="0" width="800" height="600"><rect id="p" x="50" y="50" width="100" height="150" arx:object="panel"/>{line}</svg>{PANEL}{LIGHT}"#
            ),
            "g",
            ("c", "y2"),
            "135",
        ),
        (
            "both objects in the group",
            in_group(
                "",
                &format!(
                    "<rect id=\"p\" x=\"50\" y=\"50\" width=\"100\" height=\"150\" arx:object=\"panel\"/><rect id=\"l\" x=\"400\" y=\"100\" width=\"60\" height=\"40\" arx:object=\"lamp\"/>{line}"
                ),
                &format!("{PANEL}{LIGHT}"),
            ),
            "g",
            ("c", "x2"),
            "400",
        ),
        (
            "a line that joins nothing",
            format!(r#"{PANEL}{LIGHT}<line id="c" x1="150" y1="125" x2="390" y2="125"/>"#),
            "c",
            ("c", "x2"),
            "410",
        ),
        (
            "a line between objects that are not connected",
            format!("{PANEL}{}{line}", LIGHT.replace(" upstream=\"panel\"", "")),
            "c",
            ("c", "x1"),
            "170",
        ),
    ];
    for (name, content, id, (of, attribute), wanted) in cases {
        let editor = Editor::open(r#"viewBox="0 0 800 600""#, &content);
        let before = editor.attribute(of, attribute);
        editor.drag(id, (0.0, 0.0), (20.0, -10.0), json!(false));
        assert_eq!(editor.attribute(of, attribute).as_deref(), Some(wanted), "{name}");
        let outcome = editor.run(json!({ "operation": "undo" }));
        assert_eq!(outcome.state.undo_depth, 0, "{name}");
        assert_eq!(editor.attribute(of, attribute), before, "{name}, undone");
    }
}

#[test]
fn a_connection_is_not_dragged_off_its_objects() {
    let cases = [
        (r#"<line id="c" x1="150" y1="125" x2="400" y2="125"/>"#, "c", "ends stay"),
        (r#"<polyline id="c" points="150,125 200,90 400,125"/>"#, "c", "ends stay"),
        (r#"<path id="c" d="m150 125 h100 v-5 l150 5"/>"#, "c", "ends stay"),
        (r#"<path id="c" d="M400 125 C350 125 200 125 150 125"/>"#, "c", "ends stay"),
        (r#"<g transform="scale(2)"><path id="c" d="M75 62.5 H200"/></g>"#, "c", "ends stay"),
        (r#"<g id="g"><path id="c" d="M150 125 H400"/></g>"#, "g", "holds a connection"),
        (r#"<g id="g"><g><text>x</text><path id="c" d="M150 125 H400"/></g></g>"#, "g", "holds"),
    ];
    for (cable, id, reason) in cases {
        let editor = Editor::open(r#"viewBox="0 0 800 600""#, &format!("{LAMP}{cable}"));
        let start = json!({ "operation": "drag_start", "element_id": id,
            "coordinates": { "x": 270.0, "y": 125.0 } });
        let refused = editor.refused(start);
        assert!(refused.contains("cannot be moved") && refused.contains(reason), "{refused}");
        // Nothing is held, and nothing has changed.
        let outcome =
            editor.run(json!({ "operation": "drag_end", "coordinates": { "x": 0.0, "y": 0.0 } }));
        assert!(
            outcome.result.attributes_changed.is_empty() && outcome.state.undo_depth == 0,
            "{cable}"
        );
    }
}

#[test]
fn a_drag_back_to_where_it_began_leaves_no_trace() {
    let editor = Editor::open(
        r#"viewBox="0 0 800 600""#,
        &format!(r#"{LAMP}<path id="c" d="m150,125 h250"/>"#),
    );
    let at = |x: f64, y: f64| json!({ "x": x, "y": y });
    editor.run(
        json!({ "operation": "drag_start", "element_id": "lamp", "coordinates": at(400.0, 100.0) }),
    );
    for (x, y) in [(410.0, 130.0), (333.0, 60.0), (400.0, 100.0)] {
        editor.run(json!({ "operation": "drag_move", "coordinates": at(x, y) }));
    }
    let wanted = [("c", "d", "m150,125 h250"), ("lamp", ".x", "400"), ("lamp_box", "y", "100")];
    assert_eq!(editor.all(&wanted), expected(&wanted));
}

#[test]
fn what_draws_an_object_moves_it_however_it_is_drawn() {
    const OBJECT: &str = r#"<arx:object id="o" type="electrical.outlet"><arx:geometry x="10" y="10" width="20" height="20"/>"#;
    let cases = [
        // Two shapes draw it, one of them in a group of another scale.
        (format!(r#"{OBJECT}</arx:object><circle id="a" cx="20" cy="20" r="5" arx:object="o"/><g transform="scale(2)"><rect id="b" x="5" y="5" width="10" height="10" arx:object="o"/></g>"#), "b", vec![("o", ".x", "15"), ("a", "cx", "25"), ("b", "x", "7.5")]),
        // A group draws it, and a part of the group is taken hold of.
        (format!(r#"{OBJECT}</arx:object><g id="a" arx:object="o"><rect id="b" x="10" y="10" width="9" height="9"/></g>"#), "b", vec![("o", ".x", "15"), ("a", "transform", "translate(5 0)"), ("b", "x", "10")]),
        // The shapes lie in it.
        (format!(r#"{OBJECT}<rect id="a" x="10" y="10" width="9" height="9"/><circle id="b" cx="20" cy="20" r="5"/></arx:object>"#), "b", vec![("o", ".x", "15"), ("a", "x", "15"), ("b", "cx", "25")]),
        // What is dragged holds a shape that draws it.
        (format!(r#"{OBJECT}</arx:object><g id="a"><rect id="b" x="10" y="10" width="9" height="9" arx:object="o"/></g>"#), "a", vec![("o", ".x", "15"), ("a", "transform", "translate(5 0)"), ("b", "x", "10")]),
        // The object lies in a group that is dragged, its shape does not.
        (format!(r#"<g id="a">{OBJECT}</arx:object></g><rect id="b" x="10" y="10" width="9" height="9" arx:object="o"/>"#), "a", vec![("o", ".x", "10"), ("a", "transform", "translate(5 0)"), ("b", "x", "15")]),
        // A shape that is its own object.
        (r#"<rect id="o" x="10" y="10" width="9" height="9" arx:object="wall.w1"/><rect id="a" x="40" width="5" height="5"/>"#.to_owned(), "o", vec![("o", "x", "15"), ("a", "x", "40")]),
    ];
    for (content, id, wanted) in cases {
        let editor = Editor::open(r#"viewBox="0 0 800 600""#, &content);
        editor.drag(id, (0.0, 0.0), (5.0, 0.0), json!(false));
        assert_eq!(editor.all(&wanted), expected(&wanted), "{id} in {content}");
        editor.run(json!({ "operation": "undo" }));
        let before = Editor::open(r#"viewBox="0 0 800 600""#, &content).all(&wanted);
        assert_eq!(editor.all(&wanted), before, "{id} in {content}, undone");
    }
}

#[test]
fn a_constrained_shape_takes_its_object_and_its_cable_along() {
    let content = format!(
        r#"{LAMP}<path id="c" d="M150 125 H400"/>
        <rect id="rail" x="400" y="200" width="60" height="10"/>
        <arx:constraints><arx:constraint type="vertical" of="lamp_box.left rail.left"/></arx:constraints>"#
    );
    let content = content
        .replace("vertical", "distance")
        .replace(r#"rail.left"/>"#, r#"rail.left" value="30"/>"#);
    let editor = Editor::open(r#"viewBox="0 0 800 600""#, &content);
    for id in ["lamp_box", "lamp"] {
        editor.drag(id, (400.0, 100.0), (420.0, 90.0), json!(true));
        let x = editor.attribute("lamp_box", "x").unwrap();
        let y = editor.attribute("lamp_box", "y").unwrap();
        assert_eq!(editor.attribute("lamp", ".x").as_deref(), Some(x.as_str()), "{id}");
        assert_eq!(editor.attribute("lamp", ".y").as_deref(), Some(y.as_str()), "{id}");
        let end = format!("M150 125 L{x} {}", y.parse::<f64>().unwrap() + 25.0);
        assert_eq!(editor.attribute("c", "d"), Some(end), "{id}");
        editor.run(json!({ "operation": "undo" }));
    }
    // Dragging the rail moves the lamp by its constraint, and all that hangs on it.
    editor.drag("rail", (400.0, 200.0), (430.0, 200.0), json!(true));
    let x = editor.attribute("lamp_box", "x").unwrap();
    assert_ne!(x, "400");
    assert_eq!(editor.attribute("lamp", ".x").as_deref(), Some(x.as_str()));
    assert_eq!(editor.attribute("c", "d"), Some(format!("M150 125 H{x}")));
}

fn room() -> Editor {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/room.svgx");
    Editor::load(&std::fs::read_to_string(path).unwrap())
}

#[test]
fn the_tour_of_the_readme_keeps_the_light_its_box_and_its_cable_together() {
    let editor = room();
    editor.drag("lf01", (400.0, 100.0), (420.4, 99.7), json!(true));
    let wanted = [
        ("lf01", ".x", "420"),
        ("lf01", ".y", "100"),
        ("lf01_box", "x", "420"),
        ("lf01_box", "y", "100"),
        ("cable1", "d", "M150 125 H420"),
    ];
    assert_eq!(editor.all(&wanted), expected(&wanted));
}

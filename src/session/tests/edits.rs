//! Edits by their effects: a drawing, the operations, and what is written after them. A case
//! is a row of a table.

use std::sync::Arc;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_session::{Key, Memory, Operation, Options, Outcome, Sessions, StoreLimits};

/// What it is, the drawing, what is grabbed, and what is expected: element, attribute, value.
type MoveCase<'a> = (&'a str, String, &'a str, Vec<(&'a str, &'a str, &'a str)>);
/// Operations; then the value of n, the x and y of the element, constraints, steps left to undo.
type UndoCase<'a> = (Vec<&'a Value>, &'a str, &'a str, Option<&'a str>, usize, usize);

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" "#;

struct Editor {
    sessions: Sessions,
    key: Key,
}

impl Editor {
    /// A session on a drawing: the attributes of its root and what is in it.
    fn open(root: &str, content: &str) -> Editor {
        Editor::load(&format!("{HEAD}{root}>{content}</svg>"))
    }

    fn load(content: &str) -> Editor {
        let store = Arc::new(Memory::new(StoreLimits::default()));
        let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
        let editor = Editor { sessions, key: Key::new("t", "edits").unwrap() };
        editor.run(json!({ "operation": "load", "content": content }));
        editor
    }

    fn run(&self, operation: Value) -> Outcome {
        let operation: Operation = serde_json::from_value(operation).unwrap();
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        self.sessions.apply(&self.key, &operation, &budget).unwrap().wait().unwrap()
    }

    /// `point` is where the pointer takes hold, `to` where it lets go.
    fn drag(&self, id: &str, point: (f64, f64), to: (f64, f64), snap: Value) -> Outcome {
        let place = |(x, y)| json!({ "x": x, "y": y });
        self.run(json!({
            "operation": "drag_start", "element_id": id, "coordinates": place(point) }));
        self.run(json!({ "operation": "drag_end", "coordinates": place(to), "snap": snap }))
    }

    fn fire(&self, name: &str) -> Outcome {
        self.run(json!({ "operation": "fire", "name": name }))
    }

    fn set(&self, id: &str, name: &str, value: &str) -> Outcome {
        self.run(json!({
            "operation": "set_attribute", "element_id": id, "name": name, "value": value }))
    }

    /// The attribute of an element, or of the `arx:geometry` in it: `pump.x`.
    fn attribute(&self, id: &str, name: &str) -> Option<String> {
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        let read = |s: &svgx_session::Session| {
            let d = s.document();
            let node = d.by_id(id).unwrap_or_else(|| panic!("no element {id}"));
            let geometry = d.children(node).find(|&c| d.name(c).is_some_and(|n| n.1 == "geometry"));
            let (node, name) = match name.strip_prefix('.') {
                Some(name) => (geometry.unwrap(), name),
                None => (node, name),
            };
            match name.strip_prefix("arx:") {
                Some(name) => d.arx(node, name).map(str::to_owned),
                None => d.attr(node, name).map(str::to_owned),
            }
        };
        self.sessions.read(&self.key, &budget, read).unwrap()
    }

    fn all(&self, wanted: &[(&str, &str, &str)]) -> Vec<String> {
        let value = |(id, name, _): &(&str, &str, &str)| self.attribute(id, name);
        wanted.iter().map(|w| value(w).unwrap_or_default()).collect()
    }
}

fn expected(wanted: &[(&str, &str, &str)]) -> Vec<String> {
    wanted.iter().map(|w| w.2.to_owned()).collect()
}

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
    let cases: Vec<MoveCase<'_>> = vec![
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

/// An object with a load, a condition on it, and counters of what happened.
fn feeder(load: &str) -> String {
    format!(
        r#"<arx:object id="feeder" type="electrical.feeder"><arx:geometry id="g" x="0" y="0" width="10mm" height="10mm"/>
        <arx:properties><arx:property id="rating" name="rating" value="100" unit="A"/></arx:properties>
        <arx:behavior>
          <arx:variables><arx:variable id="load" name="load" value="{load}" unit="A"/><arx:variable name="note" value="0"/></arx:variables>
          <arx:calculations>
            <arx:calculation name="right" formula="feeder.x + feeder.width" unit="mm"/>
            <arx:calculation id="half" name="half" formula="feeder.rating / 2"/>
          </arx:calculations>
          <arx:triggers>
            <arx:trigger event="condition" condition="load &gt; 10 A" action="set-state" value="alarm"/>
            <arx:trigger event="condition" condition="right &gt; 500 mm" action="set-attribute" name="class" value="far"/>
            <arx:trigger event="nudge" action="update" name="note" formula="note + 1"/>
            <arx:trigger event="raise" action="update" name="load" value="50 A"/>
            <arx:trigger event="lower" action="update" name="load" value="1 A"/>
            <arx:trigger event="where" action="set-attribute" name="lang" formula="right"/>
            <arx:trigger event="show" action="set-attribute" name="lang" formula="half"/>
            <arx:trigger event="tell" action="set-attribute" name="lang" formula="load"/>
            <arx:trigger event="count" action="set-attribute" name="lang" formula="note"/>
          </arx:triggers>
        </arx:behavior></arx:object>"#
    )
}

#[test]
fn a_condition_fires_when_it_comes_to_hold_and_not_when_it_held_already() {
    let set = |value: &str| json!({ "operation": "set_attribute", "element_id": "load", "name": "value", "value": value });
    let fire = |name: &str| json!({ "operation": "fire", "name": name });
    let undo = json!({ "operation": "undo" });
    let cases: Vec<(&str, Vec<Value>, Option<&str>)> = vec![
        ("20", vec![fire("nudge")], None),
        ("20", vec![fire("nudge"), fire("nudge")], None),
        ("20", vec![fire("raise")], None),
        ("20", vec![set("30")], None),
        ("20", vec![fire("lower")], None),
        ("20", vec![fire("lower"), fire("nudge"), fire("raise")], Some("alarm")),
        ("20", vec![set("5"), set("11")], Some("alarm")),
        ("5", vec![fire("nudge")], None),
        ("5", vec![fire("raise")], Some("alarm")),
        ("5", vec![set("11")], Some("alarm")),
        ("5", vec![set("11"), undo.clone()], None),
        ("5", vec![set("11"), undo, fire("nudge")], None),
    ];
    for (load, operations, state) in cases {
        let editor = Editor::open(r#"viewBox="0 0 1000 1000""#, &feeder(load));
        for operation in &operations {
            editor.run(operation.clone());
        }
        let found = editor.attribute("feeder", "arx:state");
        assert_eq!(found.as_deref(), state, "{load}: {operations:?}");
    }
}

#[test]
fn formulas_see_the_values_of_now_after_every_edit() {
    let drag = |e: &Editor| drop(e.drag("feeder", (0.0, 0.0), (600.0, 0.0), json!(true)));
    let undo = |e: &Editor| drop(e.run(json!({ "operation": "undo" })));
    type Edit<'e> = Box<dyn Fn(&Editor) + 'e>;
    let cases: Vec<(&str, Vec<Edit<'_>>, &str, &str)> = vec![
        ("as loaded", vec![], "where", "10"),
        ("dragged", vec![Box::new(drag)], "where", "610"),
        ("dragged and undone", vec![Box::new(drag), Box::new(undo)], "where", "10"),
        ("width", vec![Box::new(|e| drop(e.set("g", "width", "30mm")))], "where", "30"),
        ("width in metres", vec![Box::new(|e| drop(e.set("g", "width", "3m")))], "where", "3000"),
        ("property", vec![Box::new(|e| drop(e.set("rating", "value", "40")))], "show", "20"),
        (
            "property, undone",
            vec![Box::new(|e| drop(e.set("rating", "value", "40"))), Box::new(undo)],
            "show",
            "50",
        ),
        ("unit", vec![Box::new(|e| drop(e.set("rating", "unit", "kA")))], "show", "50"),
        (
            "formula",
            vec![Box::new(|e| drop(e.set("half", "formula", "feeder.rating / 4")))],
            "show",
            "25",
        ),
        ("variable", vec![Box::new(|e| drop(e.set("load", "value", "7")))], "tell", "7"),
        // What was written last counts, by a trigger or by hand.
        (
            "set, then raised",
            vec![
                Box::new(|e| drop(e.set("load", "value", "7"))),
                Box::new(|e| drop(e.fire("raise"))),
            ],
            "tell",
            "50",
        ),
        (
            "raised, then set",
            vec![
                Box::new(|e| drop(e.fire("raise"))),
                Box::new(|e| drop(e.set("load", "value", "7"))),
            ],
            "tell",
            "7",
        ),
        (
            "raised, set, undone",
            vec![
                Box::new(|e| drop(e.fire("raise"))),
                Box::new(|e| drop(e.set("load", "value", "7"))),
                Box::new(undo),
            ],
            "tell",
            "50",
        ),
    ];
    for (name, edits, event, value) in cases {
        let editor = Editor::open(r#"viewBox="0 0 1000 1000""#, &feeder("5"));
        for edit in &edits {
            edit(&editor);
        }
        editor.fire(event);
        assert_eq!(editor.attribute("feeder", "lang").as_deref(), Some(value), "{name}");
    }
}

#[test]
fn an_edit_says_which_values_follow_and_runs_the_conditions_on_them() {
    let editor = Editor::open(r#"viewBox="0 0 1000 1000""#, &feeder("5"));
    let named = |outcome: &Outcome| -> Vec<(String, Option<f64>)> {
        outcome.result.values_changed.iter().map(|v| (v.name.clone(), v.new_value)).collect()
    };
    let outcome = editor.set("rating", "value", "40");
    let expected =
        [("feeder.rating".to_owned(), Some(40.0)), ("feeder.half".to_owned(), Some(20.0))];
    assert_eq!(named(&outcome), expected);
    let outcome = editor.run(json!({ "operation": "undo" }));
    let expected =
        [("feeder.rating".to_owned(), Some(100.0)), ("feeder.half".to_owned(), Some(50.0))];
    assert_eq!(named(&outcome), expected);
    editor.drag("feeder", (0.0, 0.0), (600.0, 0.0), json!(true));
    assert_eq!(editor.attribute("feeder", "class").as_deref(), Some("far"));
    let undone = editor.run(json!({ "operation": "undo" }));
    assert_eq!((editor.attribute("feeder", "class"), undone.state.undo_depth), (None, 0));
}

#[test]
fn one_undo_takes_back_one_operation_whatever_it_changed() {
    let content = r#"<rect id="r" width="50" height="50"/><rect id="btn" x="60" width="10" height="10"><arx:behavior>
        <arx:variables><arx:variable name="n" value="0"/></arx:variables>
        <arx:triggers><arx:trigger event="click" action="update" name="n" formula="n + 1"/>
          <arx:trigger event="later" action="update" name="n" formula="n + 10" delay="3600"/>
          <arx:trigger event="tell" action="set-attribute" name="lang" formula="n"/></arx:triggers>
        </arx:behavior></rect>"#;
    let click = json!({ "operation": "click", "element_id": "btn" });
    let level = json!({ "operation": "add_constraint", "constraint": { "type": "horizontal", "elements": ["r", "btn"] } });
    let less = json!({ "operation": "remove_constraint", "constraint": { "type": "horizontal", "elements": ["r", "btn"] } });
    let set = json!({ "operation": "set_attribute", "element_id": "r", "name": "y", "value": "7" });
    let later = json!({ "operation": "fire", "name": "later" });
    let undo = json!({ "operation": "undo" });
    let redo = json!({ "operation": "redo" });
    // After a drag of `r` to x = 10: the operations, then n, x, y, the constraints and the steps.
    let cases: Vec<UndoCase<'_>> = vec![
        (vec![&click, &click, &undo], "1", "10", None, 0, 2),
        (vec![&click, &click, &undo, &undo], "0", "10", None, 0, 1),
        (vec![&click, &click, &undo, &undo, &undo], "0", "", None, 0, 0),
        (vec![&click, &undo, &redo], "1", "10", None, 0, 2),
        (vec![&click, &set, &undo], "1", "10", None, 0, 2),
        (vec![&set, &click, &undo], "0", "10", Some("7"), 0, 2),
        (vec![&level, &undo], "0", "10", None, 0, 1),
        (vec![&level, &undo, &redo], "0", "10", None, 1, 2),
        (vec![&level, &less, &undo], "0", "10", None, 1, 2),
        (vec![&later, &undo], "0", "10", None, 0, 1),
        (vec![&later, &later, &undo, &undo, &undo], "0", "", None, 0, 0),
    ];
    for (operations, n, x, y, constraints, depth) in cases {
        let editor = Editor::open(r#"viewBox="0 0 100 100""#, content);
        editor.drag("r", (0.0, 0.0), (10.0, 0.0), json!(true));
        let mut last = None;
        for operation in &operations {
            last = Some(editor.run((*operation).clone()));
        }
        let state = last.unwrap().state;
        assert_eq!(
            (state.constraints.len(), state.undo_depth),
            (constraints, depth),
            "{operations:?}"
        );
        assert_eq!(editor.attribute("r", "x").unwrap_or_default(), x, "{operations:?}");
        assert_eq!(editor.attribute("r", "y").filter(|y| y != "0").as_deref(), y, "{operations:?}");
        editor.fire("tell");
        assert_eq!(editor.attribute("btn", "lang").as_deref(), Some(n), "{operations:?}");
    }
}

#[test]
fn an_operation_in_the_middle_of_a_drag_is_a_step_of_its_own() {
    let editor = Editor::open(
        r#"viewBox="0 0 100 100""#,
        r#"<rect id="r" x="0" width="50" height="50"/><rect id="s" x="60" width="10" height="10"/>"#,
    );
    let at = |x: f64| json!({ "x": x, "y": 0.0 });
    editor.run(json!({ "operation": "drag_start", "element_id": "r", "coordinates": at(0.0) }));
    editor.run(json!({ "operation": "drag_move", "coordinates": at(5.0) }));
    editor.set("s", "fill", "red");
    editor.run(json!({ "operation": "drag_end", "coordinates": at(9.0) }));
    let seen = || (editor.attribute("r", "x"), editor.attribute("s", "fill"));
    let some = |text: &str| Some(text.to_owned());
    for expected in [(some("5"), some("red")), (some("5"), None), (some("0"), None)] {
        editor.run(json!({ "operation": "undo" }));
        assert_eq!(seen(), expected);
    }
}

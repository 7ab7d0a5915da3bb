//! The live picture of a session, brought up to date, against one drawn anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use kurbo::Rect;
use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_base::random::SplitMix64;
use svgx_engine::compile::Fonts;
use svgx_engine::document::Limits;
use svgx_engine::geometry::Scene;
use svgx_session::{Key, Memory, Operation, Options, Session, Sessions, StoreLimits};
use svgx_tiles::{Body, Drawn, Live, Request, Token};

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" width="300" height="200" viewBox="-50 -20 600 400">
  <defs><linearGradient id="shine"><stop id="light" stop-color="#fff"/><stop id="dark" offset="1" stop-color="#036"/></linearGradient>
    <filter id="soft"><feGaussianBlur id="blur" stdDeviation="4"/></filter>
    <clipPath id="round"><circle id="hole" cx="300" cy="200" r="90"/></clipPath>
    <marker id="arrow" markerWidth="6" markerHeight="6" refX="3" refY="3"><path id="tip" d="M0 0L6 3L0 6z"/></marker>
    <symbol id="chair"><rect id="seat" width="30" height="30" fill="#964"/><circle id="back" r="12" cx="15"/></symbol></defs>
  <rect id="room" x="0" y="0" width="280" height="180" fill="#e8ecf1" stroke="#333" stroke-width="6"/>
  <g id="group" transform="translate(40 30)"><circle id="lamp" cx="60" cy="50" r="25" fill="#c62828" stroke="#000"/>
    <path id="door" d="M150 60a40 40 0 0 1 40 40" fill="none" stroke="#607080" stroke-width="5" stroke-dasharray="9 4"/></g>
  <text id="name" x="20" y="160" font-size="24">Hall <tspan id="part" fill="red">one</tspan></text>
  <rect id="glass" x="320" y="20" width="120" height="80" fill="url(#shine)"/>
  <g id="cloud" filter="url(#soft)"><rect id="blob" x="330" y="150" width="70" height="60" fill="#0a0"/></g>
  <g id="veil" opacity="0.5"><rect id="front" x="90" y="190" width="90" height="90" fill="#00f"/><circle id="sun" cx="180" cy="260" r="50" fill="#ff0"/></g>
  <use id="one" href="#chair" x="210" y="30"/><use id="two" href="#lamp" x="100" y="150"/>
  <arx:object id="pump" type="mechanical.pump"><arx:geometry id="box" x="10" y="300" width="60" height="40"/></arx:object>
  <polyline id="line" points="200,300 300,340 400,300" fill="none" stroke="#808" stroke-width="3"/>
</svg>"##;

/// The same with what is only stated: layers, dimensions, and values of a symbol.
fn drafted() -> String {
    const STATED: &str = r##"<arx:layers><arx:layer id="walls" color="#a40" line-width="0.8mm" line-type="dashed"/><arx:layer id="notes" color="#06c"/></arx:layers>
  <arx:dimensions id="dims"><arx:dimension id="w" of="room.left room.right" at="0 -10"/><arx:dimension id="d" type="diameter" of="lamp" at="130 20"/>
    <arx:dimension id="c" type="chain" of="room.top room.bottom front.bottom" at="-20 0" layer="notes"/></arx:dimensions>"##;
    let template = r#"<arx:attribute name="tag" x="15" y="-4" size="8" value="?"/></symbol>"#;
    let valued = |id: &str| format!(r#"><arx:attribute name="tag" value="{id}"/></use>"#);
    DRAWING
        .replace("</symbol>", template)
        .replace(r#"x="210" y="30"/>"#, &format!(r#"x="210" y="30"{}"#, valued("C1")))
        .replace(r#"<polyline id="line""#, r#"<polyline id="line" arx:layer="walls""#)
        .replace("</svg>", &format!("{STATED}</svg>"))
}

const IDS: &[&str] = &[
    "room", "group", "lamp", "door", "name", "part", "glass", "cloud", "blob", "veil", "front",
    "sun", "one", "two", "pump", "line", "dark", "blur", "hole", "tip", "seat", "back", "new1",
    "new2", "chair", "w", "d", "c", "dims", "walls",
];

const VALUES: &[(&str, &[&str])] = &[
    ("x", &["0", "35.5", "200", "-40"]),
    ("cx", &["60", "123.4"]),
    ("r", &["25", "7", "80"]),
    ("fill", &["#0f0", "none", "url(#shine)", "#12345680"]),
    ("stroke", &["#f0f", "none"]),
    ("stroke-width", &["1", "14", "0.2"]),
    ("stroke-miterlimit", &["12"]),
    ("opacity", &["1", "0.4"]),
    ("transform", &["translate(20 10)", "rotate(20)", "scale(1.5 0.7)", ""]),
    ("filter", &["url(#soft)", "none"]),
    ("clip-path", &["url(#round)", "none"]),
    ("marker-end", &["url(#arrow)", "none"]),
    ("display", &["none", "inline"]),
    ("visibility", &["hidden", "visible"]),
    ("stop-color", &["#f00", "#0ff"]),
    ("stdDeviation", &["1", "9"]),
    ("font-size", &["12", "40"]),
    ("width", &["30", "150"]),
    ("arx:layer", &["walls", "notes", ""]),
    ("color", &["#0a0", "#a0a"]),
    ("visible", &["false", "true"]),
    ("at", &["0 -14", "40 300"]),
    ("of", &["room.top room.bottom", "front.left front.right", "gone"]),
    ("decimals", &["0", "2"]),
    ("style", &["", "mix-blend-mode:multiply", "vector-effect:non-scaling-stroke"]),
];

fn below(random: &mut SplitMix64, n: usize) -> usize {
    (random.next_u64() % n as u64) as usize
}

fn pick<'a, T: ?Sized>(random: &mut SplitMix64, all: &[&'a T]) -> &'a T {
    all[below(random, all.len())]
}

fn operation(random: &mut SplitMix64) -> Value {
    let id = pick(random, IDS);
    match below(random, 20) {
        0 | 1 => json!({ "operation": "undo" }),
        2 => json!({ "operation": "redo" }),
        3 => {
            json!({ "operation": "add", "parent_id": pick(random, &["group", "veil", "cloud", "pump", "defs"]),
            "markup": format!("<rect id='{}' x='{}' y='40' width='50' height='40' fill='#0aa'/>",
                pick(random, &["new1", "new2"]), below(random, 300)) })
        }
        4 => json!({ "operation": "delete", "element_id": id, "references": "remove" }),
        5 => json!({ "operation": "duplicate", "element_ids": [id], "dx": 30, "dy": 12 }),
        6 => {
            json!({ "operation": "reorder", "element_id": id, "to": pick(random, &["front", "back"]) })
        }
        7 => json!({ "operation": "move", "element_ids": [id], "dx": 17.5, "dy": -9 }),
        8 => json!({ "operation": "group", "element_ids": [id] }),
        9 => json!({ "operation": "ungroup", "element_ids": [id], "references": "remove" }),
        10 => json!({ "operation": "set_text", "element_id": pick(random, &["name", "part"]),
            "text": pick(random, &["A", "longer text", ""]) }),
        11 => {
            json!({ "operation": "reparent", "element_ids": [id], "parent_id": pick(random, &["group", "veil"]) })
        }
        _ => {
            let (name, values) = VALUES[below(random, VALUES.len())];
            json!({ "operation": "set_attribute", "element_id": id, "name": name,
                "value": pick(random, values) })
        }
    }
}

type Held = BTreeMap<(i32, i32), Body>;

fn hold(held: &mut Held, drawn: &Drawn) {
    if drawn.complete {
        held.clear();
    }
    held.extend(drawn.tiles.iter().map(|tile| (tile.at, tile.body.clone())));
}

/// The picture of a session as one draws it who sees it for the first time.
fn anew(session: &Session, request: &Request, fonts: &Fonts, budget: &Budget) -> Held {
    let limits = Limits::default();
    let purpose = svgx_drafting::Purpose::Screen;
    let shown = svgx_drafting::painted(session.document(), purpose, &limits, budget);
    let document = shown.expect("drawn");
    let mut scene = Scene::build(&document, &limits, budget).expect("a scene");
    let mut live = Live::new(svgx_tiles::Limits::default(), Arc::default());
    let request = Request { since: None, ..*request };
    let plan = live.plan(&document, &mut scene, &request, fonts, &limits, budget).expect("a plan");
    let mut held = Held::new();
    hold(&mut held, &plan.draw(1, budget).expect("a picture"));
    held
}

/// Sequences of random operations; after each, what a client holds equals what is drawn anew.
/// `SVGX_TILE_SEQUENCES` says how many.
#[test]
fn what_a_client_holds_after_any_edits_is_what_is_drawn_anew() {
    let asked = std::env::var("SVGX_TILE_SEQUENCES").ok().and_then(|n| n.parse::<u64>().ok());
    let sequences = asked.unwrap_or(12);
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let fonts = Fonts::built_in();
    let mut done = 0;
    for seed in 0..sequences {
        let mut random = SplitMix64::new(seed);
        let store = Arc::new(Memory::new(StoreLimits::default()));
        // One session in memory: another one drives it out.
        let options = Options { live: 1, ..Options::default() };
        let sessions = Sessions::new(store, Arc::new(Monotonic::new()), options);
        let key = Key::new("t", "tiles").unwrap();
        let run = |operation: &Value| {
            let operation: Operation = serde_json::from_value(operation.clone()).unwrap();
            sessions.apply(&key, &operation, &budget).and_then(|done| done.wait()).is_ok()
        };
        let content = if seed % 2 == 0 { DRAWING.to_owned() } else { drafted() };
        assert!(run(&json!({ "operation": "load", "content": content })));
        // What the client holds at each zoom.
        let mut held: BTreeMap<i32, (Token, Held)> = BTreeMap::new();
        let mut steps = Vec::new();
        for _ in 0..16 {
            for _ in 0..=below(&mut random, 3) {
                let operation = operation(&mut random);
                done += u64::from(run(&operation));
                steps.push(operation);
            }
            if below(&mut random, 12) == 0 {
                let other = Key::new("t", "other").unwrap();
                sessions.state(&other, &budget).unwrap();
            }
            let zoom = [0, 2, -3][below(&mut random, 3)];
            let known = held.get(&zoom).map(|(token, _)| *token);
            let area =
                (below(&mut random, 4) == 0).then_some(Rect::new(-200.0, -100.0, 700.0, 500.0));
            let request = Request { zoom, area, since: known };
            let threads = 1 + below(&mut random, 2);
            let tiles = sessions.tiles(&key, &request, &fonts, threads, &budget).expect("tiles");
            let (token, client) = held.entry(zoom).or_insert((tiles.drawn.token, Held::new()));
            *token = tiles.drawn.token;
            hold(client, &tiles.drawn);
            let wanted = sessions
                .read(&key, &budget, |session| anew(session, &request, &fonts, &budget))
                .unwrap();
            client.retain(|at, _| wanted.contains_key(at));
            let off: Vec<_> =
                wanted.iter().filter(|(at, body)| client.get(at) != Some(body)).collect();
            let off: Vec<_> = off.into_iter().map(|(at, _)| at).collect();
            assert!(
                off.is_empty(),
                "seed {seed}, zoom {zoom}: {off:?} after\n{}",
                steps.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
            );
        }
    }
    assert!(done > sequences * 8, "{done} operations were possible");
}

/// Somebody edits while two others ask, each for the tiles that changed: what they hold in the
/// end is the drawing.
#[test]
fn whoever_asks_while_others_edit_holds_the_drawing_in_the_end() {
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let fonts = Fonts::built_in();
    let store = Arc::new(Memory::new(StoreLimits::default()));
    let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
    let key = Key::new("t", "shared").unwrap();
    let run = |operation: Value| {
        let operation: Operation = serde_json::from_value(operation).unwrap();
        sessions.apply(&key, &operation, &budget).unwrap().wait().unwrap();
    };
    run(json!({ "operation": "load", "content": DRAWING }));
    let edited = std::sync::atomic::AtomicBool::new(false);
    let watch = |zoom: i32| -> Held {
        let mut held = Held::new();
        let mut since = None;
        loop {
            // Looked at before asking, so that the last answer is of the drawing as it stays.
            let last = edited.load(std::sync::atomic::Ordering::SeqCst);
            let request = Request { zoom, since, ..Request::default() };
            let tiles = sessions.tiles(&key, &request, &fonts, 2, &budget).expect("tiles");
            since = Some(tiles.drawn.token);
            hold(&mut held, &tiles.drawn);
            if last {
                return held;
            }
        }
    };
    let (one, two, three) = std::thread::scope(|scope| {
        let watchers = [0, 0, 3].map(|zoom| {
            scope.spawn({
                let watch = &watch;
                move || watch(zoom)
            })
        });
        for step in 0..40 {
            run(json!({ "operation": "move", "element_ids": ["lamp"], "dx": 3, "dy": 1 }));
            let (id, value) = [("blob", "300"), ("name", "40"), ("glass", "350")][step % 3];
            run(json!({ "operation": "set_attribute", "element_id": id, "name": "x",
                "value": format!("{value}.{step}") }));
        }
        edited.store(true, std::sync::atomic::Ordering::SeqCst);
        let [one, two, three] = watchers.map(|watcher| watcher.join().expect("tiles"));
        (one, two, three)
    });
    let wanted = |zoom| {
        let request = Request { zoom, ..Request::default() };
        sessions.read(&key, &budget, |session| anew(session, &request, &fonts, &budget)).unwrap()
    };
    assert!(one == wanted(0) && two == wanted(0) && three == wanted(3));
}

/// A drawing that states dimensions is shown with them, before and after edits, and without them
/// when they are gone.
#[test]
fn dimensions_are_in_the_picture_and_follow() {
    const PLATE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 420 297">
      <rect id="plate" x="100" y="100" width="150" height="80" fill="#ccc"/>
      <arx:dimensions id="dims"><arx:dimension id="w" of="plate.left plate.right" at="0 60"/></arx:dimensions></svg>"##;
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let fonts = Fonts::built_in();
    let store = Arc::new(Memory::new(StoreLimits::default()));
    let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
    let key = Key::new("t", "dimensions").unwrap();
    let run = |operation: Value| {
        let operation: Operation = serde_json::from_value(operation).unwrap();
        sessions.apply(&key, &operation, &budget).unwrap().wait().unwrap();
    };
    let wanted = |session: &Session| anew(session, &Request::default(), &fonts, &budget);
    run(json!({ "operation": "load", "content": PLATE }));
    let (mut held, mut since) = (Held::new(), None);
    let mut pictures = Vec::new();
    for operation in [
        json!({ "operation": "select", "element_id": "plate" }),
        json!({ "operation": "set_attribute", "element_id": "plate", "name": "width", "value": "200" }),
        json!({ "operation": "undo" }),
        json!({ "operation": "delete", "element_id": "dims" }),
        json!({ "operation": "set_attribute", "element_id": "plate", "name": "fill", "value": "#0c0" }),
    ] {
        run(operation.clone());
        let request = Request { since, ..Request::default() };
        let tiles = sessions.tiles(&key, &request, &fonts, 1, &budget).expect("tiles");
        since = Some(tiles.drawn.token);
        hold(&mut held, &tiles.drawn);
        assert!(held == sessions.read(&key, &budget, wanted).unwrap(), "{operation}");
        pictures.push(held.clone());
    }
    assert!(pictures[0] == pictures[2], "what is taken back looks as before");
    assert!(pictures[2] != pictures[3], "the dimension is seen");
}

/// A drawing of 1 000 elements, half of them dimensions: what an edit of one wall changes is near it.
#[test]
fn an_edit_of_a_dimensioned_drawing_changes_the_tiles_near_it() {
    let (mut walls, mut dimensions) = (String::new(), String::new());
    for n in 0..500 {
        let (x, y) = (n % 25 * 100, n / 25 * 100);
        walls += &format!(
            r##"<rect id="r{n}" x="{x}" y="{y}" width="60" height="40" fill="#ccc" stroke="#333"/>"##
        );
        dimensions +=
            &format!(r#"<arx:dimension id="d{n}" of="r{n}.left r{n}.right" at="0 {}"/>"#, y + 70);
    }
    let content = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 2500 2000">{walls}<arx:dimensions>{dimensions}</arx:dimensions></svg>"#
    );
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let fonts = Fonts::built_in();
    let store = Arc::new(Memory::new(StoreLimits::default()));
    let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
    let key = Key::new("t", "many").unwrap();
    let run = |operation: Value| {
        let operation: Operation = serde_json::from_value(operation).unwrap();
        sessions.apply(&key, &operation, &budget).unwrap().wait().unwrap();
    };
    run(json!({ "operation": "load", "content": content }));
    let tiles = |since| {
        let request = Request { since, ..Request::default() };
        sessions.tiles(&key, &request, &fonts, 2, &budget).expect("tiles").drawn
    };
    let mut held = Held::new();
    let first = tiles(None);
    let (all, mut since) = (first.tiles.len(), first.token);
    hold(&mut held, &first);
    assert!(all > 1_000, "{all} tiles");
    for operation in [
        json!({ "operation": "set_attribute", "element_id": "r262", "name": "width", "value": "75" }),
        json!({ "operation": "move", "element_ids": ["r30"], "dx": 5, "dy": 5 }),
        json!({ "operation": "add", "markup": "<rect id='new' x='1270' y='1050' width='20' height='10'/>" }),
        json!({ "operation": "delete", "element_id": "d262" }),
        json!({ "operation": "reorder", "element_id": "r262", "to": "front" }),
        json!({ "operation": "undo" }),
        json!({ "operation": "undo" }),
    ] {
        run(operation.clone());
        let drawn = tiles(Some(since));
        since = drawn.token;
        let changed = drawn.tiles.len();
        assert!(!drawn.complete && changed <= 24, "{changed} of {all} tiles after {operation}");
        hold(&mut held, &drawn);
    }
    let wanted = |session: &Session| anew(session, &Request::default(), &fonts, &budget);
    assert!(held == sessions.read(&key, &budget, wanted).unwrap());
}

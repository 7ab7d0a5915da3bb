//! Edits of a session of 10 000 elements, each beside making the session anew from its text: that is what
//! a service without sessions does for every edit. The store is one in memory: durability is not in it,
//! snapshots are.
//!
//! `cargo bench --bench session`

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_session::{Key, Memory, Operation, Options, Sessions, StoreLimits};

const ELEMENTS: usize = 10_000;
const ROUNDS: usize = 400;

fn drawing(elements: usize) -> String {
    let mut text = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"0 0 10000 10000\">",
    );
    for i in 0..elements {
        let (x, y) = (100 * (i % 100), 100 * (i / 100));
        let _ = write!(text, "<rect id=\"r{i}\" x=\"{x}\" y=\"{y}\" width=\"80\" height=\"60\"/>");
    }
    text + "</svg>"
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn microseconds(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64() * 1e6
}

fn quantiles(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

fn operation(value: Value) -> Operation {
    serde_json::from_value(value).expect("an operation")
}

/// Resident memory of this process, MB; none where there is no `/proc`.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// A thousand sessions of a thousand elements, each edited once, all in memory.
fn many_sessions() {
    let (text, budget) = (drawing(1_000), Budget::unlimited(Class::Ui, Tier::Compute));
    let store = Arc::new(Memory::new(StoreLimits::default()));
    let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
    let before = resident();
    for i in 0..1_000 {
        let key = Key::new("bench", &format!("s{i}")).expect("a key");
        let begun = sessions.create(&key, &text, &budget).expect("a session");
        begun.expect("a new one").wait().expect("stored");
        let edit = json!({"operation": "move", "element_id": "r7", "dx": 1});
        let done = sessions.apply(&key, &operation(edit), &budget).and_then(|done| done.wait());
        assert!(done.is_ok(), "{:?}", done.err());
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("1000 sessions of 1000 elements: {:.0} MB resident, of 1024", after - before);
    }
}

/// Edits of a drawing of which a formula measures one gap, and a constraint has a formula.
fn bound() {
    let stated = r#"<arx:object id="grid" type="architecture.grid"><arx:behavior>
        <arx:variables><arx:variable name="each" value="20" unit="mm"/></arx:variables>
        <arx:calculations><arx:calculation name="clear" formula="gap.measure * 2"/></arx:calculations>
        </arx:behavior></arx:object>
        <arx:constraints><arx:constraint type="fixed" of="r7.top-left"/>
        <arx:constraint id="wide" type="distance" of="r7.left r7.right" formula="4 * grid.each"/></arx:constraints>
        <arx:dimensions><arx:dimension id="gap" of="r0.left r9.left"/></arx:dimensions></svg>"#;
    let text = drawing(ELEMENTS).replace("</svg>", stated);
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let key = Key::new("bench", "bound").expect("a key");
    let store = Arc::new(Memory::new(StoreLimits::default()));
    let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
    let begun = sessions.create(&key, &text, &budget).expect("a session");
    begun.expect("a new one").wait().expect("stored");
    let x = |id: String, i: usize| json!({"operation": "set_attribute", "element_id": id, "name": "x", "value": i.to_string()});
    type Edit<'e> = (&'static str, &'e dyn Fn(usize) -> Value);
    let edits: [Edit<'_>; 3] = [
        ("moved, and nothing measures it", &|i| x(format!("r{}", 100 + i * 17 % 5000), i)),
        ("moved, and a formula measures it", &|i| x("r9".to_owned(), 1000 + i)),
        (
            "a variable that constraints follow",
            &|i| json!({"operation": "set_variable", "element_id": "grid", "name": "each", "value": (20 + i % 2).to_string()}),
        ),
    ];
    for (name, edit) in edits {
        let times = (0..ROUNDS)
            .map(|i| {
                let asked = operation(edit(i));
                microseconds(|| {
                    let done = sessions.apply(&key, &asked, &budget).and_then(|done| done.wait());
                    assert!(done.is_ok(), "{name}: {:?}", done.err());
                    let _ = black_box(done);
                })
            })
            .collect();
        let (half, most) = quantiles(times);
        println!("{name:<34} {half:>8.1} {most:>8.1}");
    }
}

fn main() {
    many_sessions();
    let text = drawing(ELEMENTS);
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let key = Key::new("bench", "session").expect("a key");
    let open = || {
        let store = Arc::new(Memory::new(StoreLimits::default()));
        let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
        let begun = sessions.create(&key, &text, &budget).expect("a session");
        begun.expect("a new one").wait().expect("stored");
        sessions
    };
    let (anew, _) = quantiles((0..15).map(|_| microseconds(|| drop(black_box(open())))).collect());
    let sessions = open();
    let apply = |asked: &Operation| sessions.apply(&key, asked, &budget);
    println!("{ELEMENTS} elements; making the session anew takes {anew:.0} us\n");
    println!(
        "{:<34} {:>8} {:>8} {:>10} {:>12}",
        "edit", "P50 us", "P95 us", "anew/P50", "target us"
    );
    // The `i`th of each kind is about another element than those before it.
    type Edit = (&'static str, f64, fn(usize) -> Value);
    let edits: [Edit; 8] = [
        (
            "one attribute",
            20.0,
            |i| json!({"operation": "set_attribute", "element_id": format!("r{}", i * 17 % 5000), "name": "fill", "value": format!("#{i:06x}")}),
        ),
        (
            "one attribute that moves it",
            20.0,
            |i| json!({"operation": "set_attribute", "element_id": format!("r{}", i * 17 % 5000), "name": "x", "value": i.to_string()}),
        ),
        (
            "move",
            1000.0,
            |i| json!({"operation": "move", "element_id": format!("r{}", i * 17 % 5000), "dx": 1, "dy": 2}),
        ),
        (
            "add",
            1000.0,
            |i| json!({"operation": "add", "markup": format!("<rect id=\"n{i}\" x=\"{i}\" y=\"3\" width=\"5\" height=\"5\"/>")}),
        ),
        (
            "delete what was added",
            1000.0,
            |i| json!({"operation": "delete", "element_id": format!("n{i}")}),
        ),
        (
            "delete from the middle",
            1000.0,
            |i| json!({"operation": "delete", "element_id": format!("r{}", 5000 + i)}),
        ),
        ("undo", 1000.0, |_| json!({"operation": "undo"})),
        (
            "a group of three",
            1000.0,
            |i| json!({"operation": "group", "element_ids": [format!("r{}", 3 * i), format!("r{}", 3 * i + 1), format!("r{}", 3 * i + 2)]}),
        ),
    ];
    for (name, target, edit) in edits {
        // An undo list holds no more than so many steps.
        let rounds = if name == "undo" { 90 } else { ROUNDS };
        let times = (0..rounds)
            .map(|i| {
                let asked = operation(edit(i));
                microseconds(|| {
                    let done = apply(&asked).and_then(|done| done.wait());
                    assert!(done.is_ok(), "{name}: {:?}", done.err());
                    let _ = black_box(done);
                })
            })
            .collect();
        let (half, most) = quantiles(times);
        println!("{name:<34} {half:>8.1} {most:>8.1} {:>10.0} {target:>12.0}", anew / half);
    }
    let id = "r4999";
    let grab =
        json!({"operation": "drag_start", "element_id": id, "coordinates": {"x": 0, "y": 0}});
    apply(&operation(grab)).expect("it is held").wait().expect("kept");
    let times = (0..ROUNDS)
        .map(|i| {
            let tick = json!({"operation": "drag_move", "coordinates": {"x": i, "y": 2 * i},
                "snap": {"grid": 1, "endpoint": true, "midpoint": true, "tolerance": 5}});
            let asked = operation(tick);
            microseconds(|| drop(black_box(apply(&asked).and_then(|done| done.wait()))))
        })
        .collect();
    let (half, most) = quantiles(times);
    println!(
        "{:<34} {half:>8.1} {most:>8.1} {:>10.0} {:>12}",
        "a tick of a drag that snaps",
        anew / half,
        50
    );
    bound();
}

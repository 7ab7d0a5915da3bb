//! Shapes beside Shapely (GEOS), in one run and on the same outlines: the union of 10 000 that overlap, 10 000
//! pairs, 2 000 parallels of outlines with arcs; and an edit of a shape in a session of 10 000 elements.
//! Areas are compared before times are.
//!
//! `cargo bench --bench shapes`; Shapely is taken from the environment that `tests/shapes.sh` makes, and left
//! out with the reason where there is none.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use svgx_base::budget::{Budget, Class, Monotonic, Tier};
use svgx_session::{Key, Memory, Operation, Options, Sessions, StoreLimits};
use svgx_shapes::{
    Edge, Join, Operation as Boolean, Outline, Point, Region, Rule, Vertex, combine, offset,
    region, unite,
};

// As in the engine.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const SHAPES: usize = 20_000;
const UNITED: usize = 10_000;
const BENT: usize = 2_000;
const EDITS: usize = 300;

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let n = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        low + (high - low) * n as f64 / (1_u64 << 31) as f64
    }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn spent<T>(f: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let answer = black_box(f());
    (start.elapsed().as_secs_f64() * 1e3, answer)
}

/// The best of three rounds, in milliseconds.
fn milliseconds<T>(f: impl Fn() -> T) -> (f64, T) {
    let (first, mut answer) = spent(&f);
    let mut best = first;
    for _ in 0..2 {
        let (ms, again) = spent(&f);
        best = best.min(ms);
        answer = again;
    }
    (best, answer)
}

/// A closed outline about a place, of 5 to 12 corners; some edges are arcs where it is bent.
fn star(random: &mut Random, (x, y): (f64, f64), size: f64, bent: bool) -> Outline {
    let corners = random.between(5.0, 12.999) as usize;
    let vertices = (0..corners).map(|n| {
        let angle = std::f64::consts::TAU * n as f64 / corners as f64;
        let away = size * random.between(0.5, 1.0);
        let arc = bent && random.between(0.0, 1.0) < 0.5;
        let bulge = if arc { random.between(-0.3, 0.3) } else { 0.0 };
        let at = Point::new((x + away * angle.cos()) as i64, (y + away * angle.sin()) as i64);
        Vertex { at, bulge }
    });
    Outline::new(vertices.collect(), true).expect("an outline")
}

/// Its points, arcs as chords of 64 in a turn.
fn chords(outline: &Outline) -> Value {
    let mut points = Vec::new();
    for edge in outline.edges() {
        let steps = match edge {
            Edge::Line { .. } => 1.0,
            Edge::Arc { sweep, .. } => (sweep.abs() / std::f64::consts::TAU * 64.0).ceil().max(1.0),
        };
        for step in 0..steps as usize {
            let at = edge.at(step as f64 / steps);
            points.push(json!([at.x, at.y]));
        }
    }
    Value::Array(points)
}

fn peer(asked: &Value) -> Result<Value, String> {
    let tools = std::env::var_os("SVGX_TEST_TOOLS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools")),
        PathBuf::from,
    );
    let found = std::fs::read_dir(&tools).map_err(|e| format!("{}: {e}", tools.display()))?;
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with("shapes-") && path.join("installed").exists()
    };
    let venv = found.flatten().map(|entry| entry.path()).find(is_ours);
    let venv = venv.ok_or("tests/shapes.sh has not made its environment yet")?;
    let mut child = Command::new(venv.join("bin/python"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes/peer.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    input.write_all(asked.to_string().as_bytes()).map_err(|e| e.to_string())?;
    drop(input);
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())
}

fn geometry() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let place = |random: &mut Random| (random.between(0.0, 4e6), random.between(0.0, 4e6));
    let shapes: Vec<Outline> = (0..SHAPES / 2)
        .flat_map(|_| {
            let (x, y) = place(&mut random);
            let beside = (x + random.between(-3e4, 3e4), y + random.between(-3e4, 3e4));
            [star(&mut random, (x, y), 4e4, false), star(&mut random, beside, 4e4, false)]
        })
        .collect();
    let bent: Vec<Outline> = (0..BENT).map(|_| star(&mut random, (0.0, 0.0), 1e6, true)).collect();
    let distances: Vec<f64> =
        (0..BENT).map(|n| random.between(1e4, 2e5) * if n % 2 == 0 { 1.0 } else { -0.4 }).collect();
    let read = |outline: &Outline| {
        region(std::slice::from_ref(outline), Rule::NonZero).expect("a region").value
    };
    let area = |regions: &[Region]| regions.iter().map(Region::area).sum::<f64>();
    let (union, whole) = milliseconds(|| {
        let regions: Vec<Region> = shapes.iter().take(UNITED).map(read).collect();
        unite(&regions).expect("a union").value
    });
    let (pairs, common) = milliseconds(|| {
        let pair = |pair: &[Outline]| match pair {
            [a, b] => combine(&read(a), &read(b), Boolean::Intersection).expect("a region").value,
            _ => Region::default(),
        };
        shapes.chunks(2).map(pair).collect::<Vec<_>>()
    });
    let (offsets, grown) = milliseconds(|| {
        let parallel = |(shape, distance): (&Outline, &f64)| {
            offset(shape, *distance, Join::Round).expect("a parallel").value
        };
        bent.iter().zip(&distances).map(parallel).collect::<Vec<_>>()
    });
    let grown: f64 = grown.iter().flatten().map(Outline::area).sum();
    let ours = [
        ("union", "union of 10 000", union, whole.area(), 12.0),
        ("pairs", "10 000 pairs", pairs, area(&common), 4.0),
        ("offsets", "2 000 parallels with arcs", offsets, grown, 4.0),
    ];
    // The union is of half as many as there are in pairs: the peer is asked for each on its own.
    let all: Vec<Value> = shapes.iter().map(chords).collect();
    let few: Vec<Value> = all.iter().take(UNITED).cloned().collect();
    let arcs: Vec<Value> = bent.iter().map(chords).collect();
    let ask = |shapes: &[Value], bent: &[Value]| {
        peer(&json!({ "shapes": shapes, "bent": bent, "distances": distances }))
    };
    let (first, second) = (ask(&few, &arcs), ask(&all, &[]));
    println!(
        "{:<28} {:>9} {:>9} {:>7} {:>7}  area",
        "job", "ours ms", "GEOS ms", "ratio", "target"
    );
    for (key, name, ms, area, target) in ours {
        let theirs = if key == "pairs" { &second } else { &first };
        match theirs {
            Ok(answer) => {
                let geos = answer[key]["ms"].as_f64().unwrap_or(f64::NAN);
                let judged = answer[key]["area"].as_f64().unwrap_or(f64::NAN);
                let off = (area - judged).abs() / judged;
                // Chords of 64 in a turn are within a few thousandths of their arcs.
                let same = if off < 5e-3 { "same" } else { "DIFFERENT" };
                let ratio = geos / ms;
                println!(
                    "{name:<28} {ms:>9.1} {geos:>9.1} {ratio:>7.1} {target:>7.1}  {same} ({off:.1e})"
                );
            }
            Err(reason) => println!("{name:<28} {ms:>9.1}   skipped: {reason}"),
        }
    }
    if let Ok(answer) = &first {
        println!("{}", answer["version"].as_str().unwrap_or_default());
    }
}

fn session() {
    let mut text =
        String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10000 10000\">");
    for i in 0..5_000 {
        let (x, y) = (100 * (i % 100), 100 * (i / 100));
        let _ = write!(
            text,
            "<rect id=\"r{i}\" x=\"{x}\" y=\"{y}\" width=\"80\" height=\"60\"/><line id=\"l{i}\" x1=\"{x}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"black\"/>",
            y + 30,
            x + 90,
            y + 30
        );
    }
    let text = text + "</svg>";
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let key = Key::new("bench", "session").expect("a key");
    let store = Arc::new(Memory::new(StoreLimits::default()));
    let sessions = Sessions::new(store, Arc::new(Monotonic::new()), Options::default());
    let begun = sessions.create(&key, &text, &budget).expect("a session");
    begun.expect("a new one").wait().expect("stored");
    println!(
        "\n{:<28} {:>9} {:>9} {:>10}",
        "edit, 10 000 elements", "P50 us", "P95 us", "target us"
    );
    type Make = (&'static str, fn(usize) -> Value);
    let edits: [Make; 5] = [
        ("trim", |i| {
            let at = json!({"x": 100 * (i % 100) + 85, "y": 100 * (i / 100) + 30});
            json!({"operation": "trim", "element_id": format!("l{i}"), "at": at, "by": [format!("r{i}")]})
        }),
        (
            "fillet",
            |i| json!({"operation": "fillet", "element_id": format!("r{}", i + 400), "radius": 9}),
        ),
        (
            "offset",
            |i| json!({"operation": "offset", "element_id": format!("r{}", i + 800), "distance": 7}),
        ),
        ("extend", |i| {
            let n = i + 1200;
            let at = json!({"x": 100 * (n % 100) + 90, "y": 100 * (n / 100) + 30});
            json!({"operation": "extend", "element_id": format!("l{n}"), "at": at})
        }),
        ("combine", |i| {
            let ids = [format!("r{}", i + 2000), format!("r{}", i + 2400)];
            json!({"operation": "combine", "element_ids": ids, "result": "union", "keep": true})
        }),
    ];
    for (name, edit) in edits {
        let mut times = Vec::new();
        for i in 0..EDITS {
            let asked: Operation = serde_json::from_value(edit(i)).expect("an operation");
            let (spent, done) =
                spent(|| sessions.apply(&key, &asked, &budget).and_then(|done| done.wait()));
            times.push(spent * 1e3);
            // The last of a row of rectangles has nothing to its right.
            assert!(done.is_ok() || name == "extend", "{name}: {:?}", done.err());
        }
        times.sort_by(f64::total_cmp);
        let (half, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        println!("{name:<28} {half:>9.1} {most:>9.1} {:>10.0}", 2_000.0);
    }
}

fn main() {
    geometry();
    session();
}

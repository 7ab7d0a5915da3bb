//! The live picture in tiles against resvg, and against its limits. Medians and 95th percentiles
//! of alternated rounds; read the ratios, not the milliseconds.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use resvg::{tiny_skia, usvg};
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::Fonts;
use svgx_engine::document::{Document, Limits, NodeId, Ns, parse};
use svgx_engine::geometry::Scene;
use svgx_tiles::{Drawn, Live, Request, Token};

// As in the engine.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A floor plan of `n` elements: rooms, walls, doors, outlets; and the names of some rooms.
fn plan(n: usize, names: usize) -> String {
    let mut out = String::from(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="1024" height="768" viewBox="0 0 10240 7680">"#,
    );
    let columns = ((n as f64 / 4.0).sqrt().ceil() as usize).max(1);
    let cell = 10_240.0 / columns as f64;
    for i in 0..n.div_ceil(4) {
        let (x, y) = ((i % columns) as f64 * cell, (i / columns) as f64 * cell * 0.75);
        let (w, h) = (cell * 0.9, cell * 0.65);
        let _ = write!(
            out,
            r##"<rect id="r{i}" x="{x:.2}" y="{y:.2}" width="{w:.2}" height="{h:.2}" fill="#e8ecf1" stroke="#333" stroke-width="6"/><line x1="{x:.2}" y1="{y:.2}" x2="{:.2}" y2="{y:.2}" stroke="#111" stroke-width="12"/><path d="M{:.2} {:.2}a{r:.2} {r:.2} 0 0 1 {r:.2} {r:.2}" fill="none" stroke="#607080" stroke-width="3"/><circle id="c{i}" cx="{:.2}" cy="{:.2}" r="{:.2}" fill="#c62828"/>"##,
            x + w,
            x + w * 0.2,
            y + h * 0.5,
            x + w * 0.5,
            y + h * 0.3,
            cell * 0.05,
            r = cell * 0.2,
        );
    }
    for i in 0..names {
        let i = i * n / 4 / names;
        let (x, y) = ((i % columns) as f64 * cell, (i / columns) as f64 * cell * 0.75);
        let _ = write!(
            out,
            r#"<text id="t{i}" x="{:.2}" y="{:.2}" font-size="60">Room {i}</text>"#,
            x + cell * 0.1,
            y + cell * 0.5
        );
    }
    out.push_str("</svg>");
    out
}

fn time<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let made = work();
    (start.elapsed().as_secs_f64() * 1e3, made)
}

fn at(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    let place = (times.len() as f64 * share) as usize;
    times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// A drawing, its scene and its picture.
struct Desk {
    document: Document,
    scene: Scene,
    live: Live,
    fonts: Fonts,
    limits: Limits,
    budget: Budget,
}

impl Desk {
    fn new(source: &str) -> Desk {
        let limits = Limits::default();
        let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
        let document = parse(source, &limits).expect("a document");
        let scene = Scene::build(&document, &limits, &budget).expect("a scene");
        let live = Live::new(svgx_tiles::Limits::default(), Arc::default());
        Desk { document, scene, live, fonts: Fonts::built_in(), limits, budget }
    }

    fn forget(&mut self) {
        self.live = Live::new(svgx_tiles::Limits::default(), Arc::default());
    }

    fn ask(&mut self, since: Option<Token>, threads: usize) -> Drawn {
        let request = Request { since, ..Request::default() };
        let Desk { document, scene, live, fonts, limits, budget } = self;
        let plan = live.plan(document, scene, &request, fonts, limits, budget).expect("a plan");
        let drawn = plan.draw(threads, budget).expect("tiles");
        live.keep(&drawn);
        drawn
    }

    fn set(&mut self, node: NodeId, name: &str, value: &str) {
        self.document.set_attribute(node, Ns::None, name, value);
        self.scene.update(&self.document, node, &self.limits).expect("an update");
    }
}

/// What resvg takes from a text to a picture, with the same compression.
fn peer(source: &str, options: &usvg::Options<'_>) -> Vec<u8> {
    let tree = usvg::Tree::from_str(source, options).expect("a tree");
    let mut pixmap = tiny_skia::Pixmap::new(1024, 768).expect("a pixmap");
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixmap.as_mut());
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 1024, 768);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixmap.take_demultiplied()).expect("a picture");
    drop(writer);
    out
}

fn line(what: &str, ours: &mut [f64], theirs: f64, limit: f64) {
    let (middle, high) = (at(ours, 0.5), at(ours, 0.95));
    let met = if high <= limit { "met" } else { "missed" };
    println!(
        "{what:<46} {middle:>8.3} {high:>8.3} {theirs:>8.2} {:>7.1}x  {limit:>5.1} ms {met}",
        theirs / middle
    );
}

/// Moves one element after the other and asks for what changed: the times, and the tiles.
fn move_one(
    desk: &mut Desk,
    rounds: usize,
    among: usize,
    prefix: &str,
    name: &str,
) -> (Vec<f64>, usize) {
    let mut token = desk.ask(None, 1).token;
    let (mut times, mut tiles) = (Vec::new(), 0);
    let mut round = 0;
    while times.len() < rounds {
        round += 1;
        let id = format!("{prefix}{}", (round * 35) % among);
        let Some(node) = desk.document.by_id(&id) else { continue };
        let at: f64 = desk.document.attr(node, name).and_then(|n| n.parse().ok()).expect("a place");
        let (ms, drawn) = time(|| {
            desk.set(node, name, &format!("{:.2}", at + 40.0));
            desk.ask(Some(token), 1)
        });
        assert!(!drawn.complete && !drawn.tiles.is_empty(), "some tiles");
        tiles += drawn.tiles.len();
        token = drawn.token;
        times.push(ms);
    }
    (times, tiles)
}

fn report(what: &str, (mut times, tiles): (Vec<f64>, usize), theirs: f64, limit: f64) {
    line(what, &mut times, theirs, limit);
    println!("{:<46} {:>8.2}", "  tiles an edit", tiles as f64 / times.len() as f64);
}

fn main() {
    let n = 10_000;
    let source = plan(n, 0);
    let usvg_options = usvg::Options::default();
    let mut desk = Desk::new(&source);
    println!(
        "{:<46} {:>8} {:>8} {:>8} {:>8}  limit of p95",
        "10 000 elements, 1024 x 768", "p50 ms", "p95 ms", "peer ms", "ratio"
    );

    let mut theirs: Vec<f64> =
        (0..7).map(|_| time(|| black_box(peer(&source, &usvg_options))).0).collect();
    let peer_ms = at(&mut theirs, 0.5);

    for threads in [1, 2] {
        let mut times = Vec::new();
        for _ in 0..15 {
            desk.forget();
            // A scene tells its changes once: the picture begins anew with it.
            let (ms, drawn) = time(|| desk.ask(None, threads));
            assert!(drawn.complete, "all tiles");
            times.push(ms);
        }
        let what = format!("full frame from nothing, {threads} threads / resvg");
        line(&what, &mut times, peer_ms, 28.0);
    }

    let moved = move_one(&mut desk, 400, n / 4, "c", "cx");
    report("move one to changed tiles as PNG / resvg", moved, peer_ms, 0.8);

    let lettered = plan(n, 500);
    let mut letters = Desk::new(&lettered);
    let mut theirs: Vec<f64> =
        (0..5).map(|_| time(|| black_box(peer(&lettered, &usvg_options))).0).collect();
    let peer_of_letters = at(&mut theirs, 0.5);
    let moved = move_one(&mut letters, 200, n / 4, "c", "cx");
    report("the same beside 500 texts / resvg", moved, peer_of_letters, 0.8);
    let moved = move_one(&mut letters, 60, n / 4, "t", "x");
    report("move one of 500 texts / resvg", moved, peer_of_letters, 32.0);

    for threads in [1, 2] {
        // One element that covers a quarter of the picture.
        let node = desk.document.by_id("r0").expect("a room");
        let mut times = Vec::new();
        let mut tiles = 0;
        desk.set(node, "width", "5120");
        desk.set(node, "height", "3840");
        let mut token = desk.ask(None, threads).token;
        for round in 0..100 {
            let (ms, drawn) = time(|| {
                desk.set(node, "fill", ["#fee", "#eef"][round % 2]);
                desk.ask(Some(token), threads)
            });
            token = drawn.token;
            tiles = drawn.tiles.len();
            times.push(ms);
        }
        line(&format!("a quarter dirty, {threads} threads / resvg"), &mut times, peer_ms, 6.0);
        println!("{:<46} {tiles:>8}", "  tiles an edit");
    }
}

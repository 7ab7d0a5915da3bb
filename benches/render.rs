//! A full frame to PNG against resvg's own path, and a scene against usvg's
//! tree. Medians of alternated rounds; read the ratios, not the milliseconds.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use resvg::{tiny_skia, usvg};
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{Background, Fonts, PngOptions, png};
use svgx_engine::document::{Limits, Ns, parse};
use svgx_engine::geometry::Scene;
use svgx_tiles::{Engine, whole};

/// A floor plan of `n` elements: rooms, walls, doors, outlets.
fn plan(n: usize) -> String {
    let mut out = String::from(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" width="1024" height="768" viewBox="0 0 10240 7680">"#,
    );
    let columns = ((n as f64 / 4.0).sqrt().ceil() as usize).max(1);
    let cell = 10_240.0 / columns as f64;
    for i in 0..n.div_ceil(4) {
        let (x, y) = ((i % columns) as f64 * cell, (i / columns) as f64 * cell * 0.75);
        let (w, h) = (cell * 0.9, cell * 0.65);
        let _ = write!(
            out,
            r##"<rect id="r{i}" x="{x:.2}" y="{y:.2}" width="{w:.2}" height="{h:.2}" fill="#e8ecf1" stroke="#333" stroke-width="6" arx:layer="architecture"/><line x1="{x:.2}" y1="{y:.2}" x2="{:.2}" y2="{y:.2}" stroke="#111" stroke-width="12"/><path d="M{:.2} {:.2}a{r:.2} {r:.2} 0 0 1 {r:.2} {r:.2}" fill="none" stroke="#607080" stroke-width="3"/><circle cx="{:.2}" cy="{:.2}" r="{:.2}" fill="#c62828" arx:layer="electrical"/>"##,
            x + w,
            x + w * 0.2,
            y + h * 0.5,
            x + w * 0.5,
            y + h * 0.3,
            cell * 0.05,
            r = cell * 0.2,
        );
    }
    out.push_str("</svg>");
    out
}

fn time<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Alternates two pieces of work and answers the medians in milliseconds.
fn duel(rounds: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        a.push(time(&mut ours));
        b.push(time(&mut theirs));
    }
    (median(a), median(b))
}

fn main() {
    let limits = Limits::default();
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let white = Background { red: 255, green: 255, blue: 255, alpha: 255 };
    let options = PngOptions { background: white, ..PngOptions::default() };
    let usvg_options = usvg::Options::default();

    // What `/render` does: the peer is the budget of a redraw.
    let fonts = Fonts::built_in();
    for (width, n) in [(1_024, 1_000), (1_860, 1_000), (1_860, 10_000)] {
        let source = plan(n);
        let options = PngOptions { width: Some(width), ..options };
        let render = |engine| {
            let document = parse(&source, &limits).expect("a document");
            whole(&document, &options, engine, &fonts, &limits, 2, &budget).expect("a picture")
        };
        let (auto, resvg) = duel(
            15,
            || drop(black_box(render(Engine::Auto))),
            || drop(black_box(render(Engine::Resvg))),
        );
        println!(
            "text to PNG, {n} elements, {width} pixels: {auto:.2} ms of 32, with engine=resvg {resvg:.2} ms ({:.1}x)",
            resvg / auto
        );
    }

    println!("{:<44} {:>10} {:>10} {:>8}", "1024 x 768", "ours ms", "peer ms", "ratio");
    for n in [1_000, 10_000] {
        let source = plan(n);
        let (ours, theirs) = duel(
            9,
            || {
                let document = parse(&source, &limits).expect("a document");
                black_box(png(&document, &options, &limits, &budget).expect("a picture"));
            },
            || {
                let tree = usvg::Tree::from_str(&source, &usvg_options).expect("a tree");
                let mut pixmap = tiny_skia::Pixmap::new(1024, 768).expect("a pixmap");
                pixmap.fill(tiny_skia::Color::WHITE);
                resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixmap.as_mut());
                black_box(pixmap.encode_png().expect("a picture"));
            },
        );
        let name = format!("text to PNG, {n} elements / resvg");
        println!("{name:<44} {ours:>10.2} {theirs:>10.2} {:>7.1}x", theirs / ours);
    }

    for n in [1_000, 10_000] {
        let source = plan(n);
        let document = parse(&source, &limits).expect("a document");
        let (ours, theirs) = duel(
            15,
            || drop(black_box(Scene::build(&document, &limits, &budget).expect("a scene"))),
            || drop(black_box(usvg::Tree::from_str(&source, &usvg_options).expect("a tree"))),
        );
        let name = format!("Scene::build, {n} elements / usvg parse");
        println!("{name:<44} {ours:>10.2} {theirs:>10.2} {:>7.1}x", theirs / ours);

        let (ours, theirs) = duel(
            15,
            || {
                let document = parse(&source, &limits).expect("a document");
                drop(black_box(Scene::build(&document, &limits, &budget).expect("a scene")));
            },
            || drop(black_box(usvg::Tree::from_str(&source, &usvg_options).expect("a tree"))),
        );
        let name = format!("parse + Scene::build, {n} / usvg parse");
        println!("{name:<44} {ours:>10.2} {theirs:>10.2} {:>7.1}x", theirs / ours);

        let mut edited = document.clone();
        let mut scene = Scene::build(&edited, &limits, &budget).expect("a scene");
        let node = edited.by_id("r7").expect("an element");
        let mut x = 0.0;
        let (ours, theirs) = duel(
            15,
            || {
                // A hundred edits for each round: one is too short to time.
                for _ in 0..100 {
                    x = (x + 13.7) % 9_000.0;
                    edited.set_attribute(node, Ns::None, "x", &format!("{x}"));
                    scene.update(&edited, node, &limits).expect("an update");
                }
            },
            || drop(black_box(usvg::Tree::from_str(&source, &usvg_options).expect("a tree"))),
        );
        let name = format!("one attribute, {n} elements / usvg parse");
        println!(
            "{name:<44} {:>10.4} {theirs:>10.2} {:>7.0}x",
            ours / 100.0,
            theirs * 100.0 / ours
        );
    }
}

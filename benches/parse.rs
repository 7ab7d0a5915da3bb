//! Parse and model against bare roxmltree and usvg, on the same text in the
//! same run, with the bytes each allocates per element: a plan of filled boxes, the same with
//! labels (which usvg shapes, with the fonts of the engine), the same drawn with strokes, and
//! the building of `examples/`.
//!
//! `roxml/usvg` is the share of usvg's time that roxmltree, which both parse with, takes alone:
//! no reader on top of it can be further ahead of usvg than its inverse.
//!
//! `cargo bench --bench parse`, or `cargo bench --bench parse -- FILE...` for drawings of one's own.

#[path = "../examples/building/plan.rs"]
mod example;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use svgx_engine::document::{self, Limits};
use tikv_jemalloc_ctl::thread;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 15;

/// Every how manieth element of a plan with labels is one.
const LABELS: usize = 20;

/// How a floor plan is drawn.
#[derive(Clone, Copy, PartialEq)]
enum Drawn {
    /// Filled boxes, the cheapest shapes there are for usvg.
    Filled,
    /// The same, and one element in twenty is a text.
    Labelled,
    /// Stroked lines, as drafting programs write them.
    Stroked,
}

/// A floor plan: walls, doors and lights.
fn plan(elements: usize, drawn: Drawn) -> String {
    let mut text = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"0 0 100000 100000\">\n",
    );
    for i in 0..elements {
        let (x, y) = (i % 300 * 320, i / 300 * 240);
        let line = match i % 10 {
            _ if drawn == Drawn::Labelled && i % LABELS == LABELS / 2 => format!(
                "  <text id=\"o{i}\" x=\"{x}\" y=\"{y}\" font-size=\"12\">Room {i}</text>\n"
            ),
            9 => format!(
                "  <rect id=\"o{i}\" x=\"{x}\" y=\"{y}\" width=\"60\" height=\"40\" fill=\"#ffe680\" arx:object=\"electrical.light.{i}\" arx:type=\"electrical.light_fixture\"/>\n"
            ),
            8 => format!(
                "  <path id=\"o{i}\" d=\"M{x} {y}h90v20h-90z\" fill=\"none\" stroke=\"#a05a2c\" stroke-width=\"2\"/>\n"
            ),
            _ if drawn == Drawn::Stroked => format!(
                "  <path id=\"o{i}\" d=\"M{x} {y}h300v20h-300z\" fill=\"none\" stroke=\"#3a3a3a\" stroke-width=\"2\" arx:layer=\"walls\"/>\n"
            ),
            _ => format!(
                "  <rect id=\"o{i}\" x=\"{x}\" y=\"{y}\" width=\"300\" height=\"20\" fill=\"#3a3a3a\" arx:layer=\"walls\"/>\n"
            ),
        };
        text.push_str(&line);
    }
    text.push_str("</svg>\n");
    text
}

/// Milliseconds and bytes allocated by one call.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn one(f: &mut dyn FnMut()) -> (f64, u64) {
    let bytes = || thread::allocatedp::read().map_or(0, |p| p.get());
    let before = bytes();
    let start = Instant::now();
    f();
    let time = start.elapsed().as_secs_f64() * 1e3;
    (time, bytes() - before)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// usvg's options, with the font the engine carries.
fn options() -> usvg::Options<'static> {
    let mut options =
        usvg::Options { font_family: "DejaVu Sans".to_owned(), ..usvg::Options::default() };
    let font: &'static [u8] = include_bytes!("../assets/fonts/DejaVuSans.ttf");
    options.fontdb_mut().load_font_source(usvg::fontdb::Source::Binary(Arc::new(font)));
    options
}

/// One row: all three on `text`, which has that many elements.
fn row(name: &str, elements: usize, text: &str, options: &usvg::Options<'_>) {
    let limits = Limits::default();
    let mut svgx = || {
        black_box(document::parse(black_box(text), &limits).is_ok());
    };
    let mut xml = || {
        black_box(roxmltree::Document::parse(black_box(text)).is_ok());
    };
    let mut tree = || {
        black_box(usvg::Tree::from_str(black_box(text), options).is_ok());
    };
    let peers: [&mut dyn FnMut(); 3] = [&mut svgx, &mut xml, &mut tree];
    let mut times = [const { Vec::new() }; 3];
    let mut bytes = [0; 3];
    // Alternate, so that a slow moment of the machine falls on all of them.
    let [a, b, c] = peers;
    for _ in 0..ROUNDS {
        for (slot, f) in [&mut *a, &mut *b, &mut *c].into_iter().enumerate() {
            let (time, allocated) = one(f);
            times[slot].push(time);
            bytes[slot] = allocated;
        }
    }
    let [svgx, xml, tree] = times.map(median);
    println!(
        "{name:<30} {elements:>8} {svgx:>9.3} {xml:>10.3} {tree:>9.3} {:>11.2} {:>10.2} {:>10.2} {:>7} {:>8}",
        svgx / xml,
        tree / svgx,
        xml / tree,
        bytes[0] / elements as u64,
        bytes[1] / elements as u64,
    );
}

fn main() {
    println!(
        "{:<30} {:>8} {:>9} {:>10} {:>9} {:>11} {:>10} {:>10} {:>7} {:>8}",
        "drawing",
        "elements",
        "svgx ms",
        "roxmltree",
        "usvg",
        "svgx/roxml",
        "usvg/svgx",
        "roxml/usvg",
        "B/elem",
        "roxml B"
    );
    let options = options();
    let files: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a readable file");
        let xml = roxmltree::Document::parse(&text).expect("XML");
        let elements = xml.descendants().filter(roxmltree::Node::is_element).count();
        let name = file.rsplit('/').next().unwrap_or(file);
        row(name, elements, &text, &options);
    }
    if !files.is_empty() {
        return;
    }
    for elements in [100, 1_000, 10_000, 50_000] {
        row("filled", elements, &plan(elements, Drawn::Filled), &options);
    }
    for (name, drawn) in [("labelled", Drawn::Labelled), ("stroked", Drawn::Stroked)] {
        row(name, 10_000, &plan(10_000, drawn), &options);
    }
    row("building", 10_000, &example::building(10_000), &options);
}

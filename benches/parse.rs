//! Parse and model against bare roxmltree and usvg, on the same text in the
//! same run, with the bytes each allocates per element.
//!
//! `cargo bench --bench parse`

use std::hint::black_box;
use std::time::Instant;

use svgx_engine::document::{self, Limits};
use tikv_jemalloc_ctl::thread;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 15;

/// A floor plan: rooms of four walls, a door, and a light with a behavior.
fn plan(elements: usize) -> String {
    let mut text = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"0 0 100000 100000\">\n",
    );
    for i in 0..elements {
        let (x, y) = (i % 300 * 320, i / 300 * 240);
        let line = match i % 10 {
            9 => format!(
                "  <rect id=\"o{i}\" x=\"{x}\" y=\"{y}\" width=\"60\" height=\"40\" fill=\"#ffe680\" arx:object=\"electrical.light.{i}\" arx:type=\"electrical.light_fixture\"/>\n"
            ),
            8 => format!(
                "  <path id=\"o{i}\" d=\"M{x} {y}h90v20h-90z\" fill=\"none\" stroke=\"#a05a2c\" stroke-width=\"2\"/>\n"
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

fn main() {
    println!(
        "{:>9} {:>9} {:>11} {:>9} {:>14} {:>11} {:>13} {:>13}",
        "elements",
        "svgx ms",
        "roxmltree",
        "usvg",
        "svgx/roxmltree",
        "usvg/svgx",
        "svgx B/elem",
        "roxml B/elem"
    );
    for elements in [100, 1_000, 10_000, 50_000] {
        let text = plan(elements);
        let limits = Limits::default();
        let options = usvg::Options::default();
        let mut svgx = || {
            black_box(document::parse(black_box(&text), &limits).is_ok());
        };
        let mut xml = || {
            black_box(roxmltree::Document::parse(black_box(&text)).is_ok());
        };
        let mut tree = || {
            black_box(usvg::Tree::from_str(black_box(&text), &options).is_ok());
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
            "{elements:>9} {svgx:>9.3} {xml:>11.3} {tree:>9.3} {:>14.2} {:>11.2} {:>13} {:>13}",
            svgx / xml,
            tree / svgx,
            bytes[0] / elements as u64,
            bytes[1] / elements as u64,
        );
    }
}

//! DXF of 10 000 entities read and written, beside ezdxf in the same run. The best of several runs
//! on one thread; read the ratios, not the milliseconds. Without Python and PyPI only ours is timed.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::Fonts;
use svgx_engine::document::{Limits as DocumentLimits, parse};
use svgx_exchange::dxf::{self, ExportOptions, Limits, Options, Version};
use svgx_exchange::pdf;

// As in the engine.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How many times faster than ezdxf.
const ENTITIES: f64 = 65.0;
const LOAD: f64 = 25.0;
const SAVE: f64 = 50.0;
const DIMENSIONS: f64 = 100.0;

/// A drawing of 1 000 dimensions, as the other side makes them.
fn dimensioned() -> String {
    let mut lines = String::new();
    let mut dimensions = String::new();
    for at in 0..1_000 {
        let (x, y) = (at % 40 * 300, at / 40 * 200);
        let end = x + 100 + at;
        lines.push_str(&format!(r#"<line id="l{at}" x1="{x}" y1="{y}" x2="{end}" y2="{y}"/>"#));
        let place = y - 60;
        dimensions.push_str(&format!(r#"<arx:dimension of="l{at}" at="0 {place}"/>"#));
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 12000 5000">{lines}<arx:dimensions>{dimensions}</arx:dimensions></svg>"#
    )
}

fn best<T>(runs: usize, mut work: impl FnMut() -> T) -> f64 {
    let run = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..runs).map(run).fold(f64::INFINITY, f64::min)
}

/// The file that ezdxf makes, and its times.
fn peer(path: &Path) -> Option<serde_json::Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python =
        Command::new("bash").arg("tests/dxf.sh").arg("--python").current_dir(root).output();
    let python = String::from_utf8(python.ok()?.stdout).ok()?;
    let mut script = Command::new(python.trim());
    let done = script.arg("tests/dxf/peers.py").arg(path).current_dir(root).output().ok()?;
    if !done.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&done.stderr));
    }
    serde_json::from_slice(&done.stdout).ok()
}

fn row(what: &str, ours: f64, theirs: Option<f64>, target: f64) {
    match theirs {
        Some(theirs) => {
            let ratio = theirs / ours;
            let held = if ratio >= target { "held" } else { "MISSED" };
            println!(
                "{what:<44} {ours:>9.2} ms  ezdxf {theirs:>9.1} ms  {ratio:>6.1}x  at least {target}x: {held}"
            );
        }
        None => println!("{what:<44} {ours:>9.2} ms"),
    }
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made.dxf");
    let Some(times) = peer(&path) else {
        println!("ezdxf cannot be had here (Python with venv, and PyPI): nothing is compared");
        return;
    };
    let theirs = |name: &str| times[name].as_f64();
    let bytes = std::fs::read(&path).expect("a file");
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    let (limits, of_document) = (Limits::default(), DocumentLimits::default());
    let import = || dxf::import(&bytes, &Options::default(), &limits, &budget).expect("a document");
    let imported = import();
    println!("{} bytes, {} entities", bytes.len(), imported.report.model.entities);
    let document = parse(&imported.svgx, &of_document).expect("a document");
    let survey = || dxf::survey(&bytes, &Options::default(), &limits, &budget).expect("a report");
    row("DXF to entities", best(15, survey), theirs("load_ms"), ENTITIES);
    row("DXF to a document as text", best(15, import), theirs("load_ms"), LOAD);
    let both = || parse(&import().svgx, &of_document).expect("a document");
    row("DXF to a document in the engine", best(15, both), theirs("load_ms"), LOAD);
    for version in [Version::R12, Version::R2000, Version::R2018] {
        let options = ExportOptions { version };
        let write = || dxf::export(&document, &options, &of_document, &limits, &budget);
        let report = write().expect("a file").report;
        let what = format!(
            "a document to DXF {version:?}, {} entities",
            report.model.values().sum::<usize>()
        );
        row(&what, best(15, || write().expect("a file")), theirs("save_ms"), SAVE);
    }
    let drawing = parse(&dimensioned(), &of_document).expect("a document");
    let draw = || {
        let purpose = svgx_drafting::Purpose::Screen;
        svgx_drafting::drawn(&drawing, purpose, &of_document, &budget).expect("a drawing")
    };
    assert_eq!(draw().dimensions.len(), 1_000);
    row("1 000 dimensions drawn", best(15, draw), theirs("dimensions_ms"), DIMENSIONS);
    let fonts = Fonts::built_in();
    let options = pdf::Options { scale: None, sheet: Some(pdf::Sheet::A3) };
    let paper = || pdf::export(&document, &options, &fonts, &of_document, &budget);
    row("the same on paper (PDF)", best(5, || paper().map(|made| made.pdf.len())), None, 0.0);
}

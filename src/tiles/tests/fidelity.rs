//! How near the tiles are to the pictures of `/render`: measured, published, held.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kurbo::Rect;
use svgx_engine::compile::{PngOptions, png};
use svgx_engine::document::Limits;
use svgx_tiles::Request;

use super::pictures::{Desk, budget, decoded, joined, pixels, share_off};

/// The share of pixels that may differ by more than 48 of 255.
const MOST: f64 = 0.005;
const BEGIN: &str =
    "<!-- tiles: written by the test `examples_are_as_near_to_render_as_published` -->\n";
const END: &str = "<!-- end -->\n";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn drawings(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    for path in entries.map(|entry| entry.path()) {
        match path.extension().and_then(|e| e.to_str()) {
            _ if path.is_dir() => drawings(&path, found),
            Some("svgx" | "svg") => found.push(path),
            _ => {}
        }
    }
}

/// The share of pixels that differ, and how many elements were painted otherwise; `None` for a
/// drawing that does not begin at its origin.
fn compare(source: &str) -> Option<(f64, usize)> {
    let mut desk = Desk::new(source);
    let options = PngOptions::default();
    let file = png(&desk.document, &options, &Limits::default(), &budget()).ok()?;
    let ((width, height), theirs) = decoded(&file);
    let scale = svgx_engine::geometry::natural_scale(&desk.document);
    let v = svgx_engine::geometry::root_viewbox(&desk.document);
    let fits = (v.width * scale - width as f64).abs() < 1e-6
        && (v.height * scale - height as f64).abs() < 1e-6;
    if v.x != 0.0 || v.y != 0.0 || !fits {
        return None;
    }
    let area = Some(Rect::new(0.0, 0.0, v.width, v.height));
    let drawn = desk.ask(&Request { zoom: 0, area, since: None }, 2).expect("tiles");
    let ours = joined(&pixels(&drawn), width, height);
    Some((share_off(&ours, &theirs), drawn.otherwise.len()))
}

#[test]
fn examples_are_as_near_to_render_as_published() {
    let mut found = Vec::new();
    drawings(&root().join("examples"), &mut found);
    found.sort();
    let mut table = String::from(
        "| drawing | pixels that differ by more than 48 of 255 | painted by `/render`'s renderer |\n| --- | --- | --- |\n",
    );
    let mut compared = 0;
    for path in found {
        let source = std::fs::read_to_string(&path).expect("a drawing");
        let name = path.strip_prefix(root()).expect("a place").display().to_string();
        let Some((share, otherwise)) = compare(&source) else { continue };
        compared += 1;
        assert!(share <= MOST, "{name}: {share}");
        let _ = writeln!(table, "| `{name}` | {:.2} % | {otherwise} |", share * 100.0);
    }
    assert!(compared > 3, "{compared}");
    let page = root().join("docs/drawing-differences.md");
    let text = std::fs::read_to_string(&page).expect("the page");
    let (before, rest) = text.split_once(BEGIN).expect("the place of the table");
    let (published, after) = rest.split_once(END).expect("its end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, format!("{before}{BEGIN}{table}{END}{after}")).expect("the page");
    } else {
        assert_eq!(published, table, "UPDATE_DOCS=1 writes it");
    }
}

/// One drawing for each feature, as they are compared with browsers.
#[test]
fn drawings_of_single_features_are_near_to_render() {
    let mut found = Vec::new();
    drawings(&root().join("tests/drawings"), &mut found);
    found.sort();
    let (mut compared, mut off) = (0, Vec::new());
    for path in found {
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        let Some((share, _)) = compare(&source) else { continue };
        compared += 1;
        if share > MOST {
            let name = path.file_stem().and_then(|n| n.to_str()).unwrap_or_default();
            off.push(format!("{name} {:.2} %", share * 100.0));
        }
    }
    assert!(compared > 20, "{compared}");
    assert_eq!(off, [""; 0], "of {compared}");
}

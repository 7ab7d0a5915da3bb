//! Geometry against a second opinion: usvg resolves the same drawings, and both
//! must agree on where things are.

use kurbo::Rect;
use resvg::usvg;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{SvgOptions, svg};
use svgx_engine::document::{Document, Limits, NodeId, Object, Severity, parse};
use svgx_engine::geometry::{Scene, check};

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:arx="http://arxos.io/svgx""#;

fn scene(document: &Document) -> Scene {
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    Scene::build(document, &Limits::default(), &budget).expect("a scene")
}

/// Compares every element that has an id and whose bounds both sides give.
/// Answers how many were compared.
fn compare(name: &str, document: &Document) -> usize {
    let compiled = svg(document, &SvgOptions::default());
    let tree = usvg::Tree::from_str(&compiled, &usvg::Options::default())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let scene = scene(document);
    let unit = if document.attr(NodeId::ROOT, "viewBox").is_some() {
        scene.viewbox().width / f64::from(tree.size().width())
    } else {
        1.0
    };
    let mut compared = 0;
    for node in document.elements() {
        let Some(id) = document.id(node) else { continue };
        let Some(theirs) = tree.node_by_id(id).map(usvg::Node::abs_bounding_box) else { continue };
        // usvg is given no fonts here, and so leaves text out.
        let text = |n| document.name(n).is_some_and(|(_, name)| name == "text");
        if document.descendants(node).any(text) {
            continue;
        }
        // An object that shapes elsewhere draw is an empty group there; here it has its box.
        let drawn_elsewhere = |o: &Object| o.node == node && !o.shapes.is_empty();
        if document.objects().iter().any(drawn_elsewhere) {
            continue;
        }
        let Some(ours) = scene.bounds(node) else { panic!("{name}: {id} has no bounds") };
        // usvg counts in pixels of the page, we in units of the root's viewBox.
        let theirs = Rect::new(
            f64::from(theirs.left()) * unit,
            f64::from(theirs.top()) * unit,
            f64::from(theirs.right()) * unit,
            f64::from(theirs.bottom()) * unit,
        );
        // usvg counts in 32 bits and approximates arcs to a tenth of a unit.
        let slack = 0.02 + 1e-4 * (ours.width() + ours.height() + ours.x0.abs() + ours.y0.abs());
        let gap = [
            (ours.x0 - theirs.x0).abs(),
            (ours.y0 - theirs.y0).abs(),
            (ours.x1 - theirs.x1).abs(),
            (ours.y1 - theirs.y1).abs(),
        ];
        let worst = gap.into_iter().fold(0.0, f64::max);
        assert!(worst < slack, "{name}: {id}: ours {ours:?}, theirs {theirs:?}");
        compared += 1;
    }
    compared
}

#[test]
fn bounds_agree_with_usvg_on_every_feature() {
    let cases = [
        (
            "shapes",
            r##"<rect id="a" x="3" y="4" width="20" height="10" rx="3"/><circle id="b" cx="50" cy="50" r="9"/>
            <ellipse id="c" cx="50" cy="50" rx="9" ry="4" transform="rotate(30)"/><line id="d" x1="1" y1="2" x2="30" y2="4" stroke="red"/>
            <polyline id="e" points="1,2 3,4 9,1 5,,"/><polygon id="f" points="1 2 30 4 9 10"/>"##,
        ),
        (
            "units",
            r##"<rect id="a" x="10%" y="5mm" width="1in" height="1cm"/><rect id="b" width="3em" height="2ex" font-size="20"/>
            <circle id="c" cx="1pc" cy="12pt" r="10%"/>"##,
        ),
        (
            "paths",
            r##"<path id="a" d="M10 10 h20 v20 h-20z m5 5 l3 3-6 1"/><path id="b" d="M1 1C20 0 3 40 9 9s5-5 20 20"/>
            <path id="c" d="M1 1q20 0 30 20t30 5"/><path id="d" d="M20 50a25 15 30 1 0 40 10A5 5 0 01 30 30"/>
            <path id="e" d="M10 80 A 0 5 0 0 0 30 90 L 50 50" stroke="red"/><path id="f" d="M1 1 2 30 40 30 broken 99 99"/>
            <path id="g" d="M5 5l9 0 0 9zl-4 -4 0 -1"/><path id="h" d="M10 10a5 5 0 1110 0 5 5 0 11-10 0"/>"##,
        ),
        (
            "transforms",
            r##"<g id="a" transform="translate(10 5) rotate(20) scale(2 .5)"><rect id="b" width="9" height="9" transform="skewX(20)"/>
            <g id="c" transform="matrix(1 .2 .3 1 4 5)"><circle id="d" r="5"/><path id="e" d="M0 0Q9 20 20 0z" transform="rotate(45 3 4) skewY(10)"/></g></g>"##,
        ),
        (
            "viewports",
            r##"<svg x="10" y="10" width="40" height="20" viewBox="0 0 10 10"><rect id="a" width="10" height="10"/></svg>
            <svg x="10" y="40" width="40" height="20" viewBox="0 0 10 10" preserveAspectRatio="xMaxYMin slice"><rect id="b" width="9" height="9"/></svg>
            <svg x="50%" width="40" height="20" viewBox="5 5 10 10" preserveAspectRatio="none"><rect id="c" x="5" y="5" width="50%" height="10"/></svg>"##,
        ),
        (
            "instances",
            r##"<defs><g id="def"><rect width="4" height="6"/><circle r="3"/></g><symbol id="sym" viewBox="0 0 8 4"><rect width="8" height="4"/></symbol></defs>
            <use id="a" href="#def" x="30" y="20"/><use id="b" xlink:href="#def" transform="rotate(10) scale(3)"/>
            <use id="c" href="#sym" x="5" y="60" width="40" height="40"/><g id="w"><use id="d" href="#a" x="7" y="9"/></g>"##,
        ),
        (
            "styles",
            r##"<style>.off { display: none } #b rect { display: none } g > .keep { fill: none }</style>
            <g id="a"><rect width="5" height="5"/><rect class="off" width="90" height="90"/></g>
            <g id="b"><circle id="c" r="4"/><rect width="70" height="70"/></g><g id="d" style="display:inline"><rect class="keep" stroke="red" width="7" height="7"/></g>"##,
        ),
        (
            "switch",
            r##"<switch id="a"><rect systemLanguage="zz" width="80" height="80"/><g id="b" systemLanguage="en"><rect width="3" height="3"/></g><rect width="50" height="50"/></switch>"##,
        ),
        (
            "objects",
            r##"<arx:object id="a" type="x.y"><arx:geometry x="1" y="2" width="30mm" height="4"/></arx:object>
            <arx:object id="b" type="x.y"><rect width="5" height="5"/><rect id="c" x="9" width="5" height="5"/></arx:object>"##,
        ),
    ];
    for (name, body) in cases {
        let source =
            format!(r#"{HEAD} width="100" height="100" viewBox="0 0 100 100">{body}</svg>"#);
        let document = parse(&source, &Limits::default()).expect("a document");
        assert!(compare(name, &document) > 0, "{name}: nothing was compared");
    }
}

#[test]
fn every_fault_has_a_code_and_a_place() {
    let cases = [
        (r#"<path d="M0 0L1 1 oops"/>"#, "bad-path", "oops"),
        (r#"<polygon points="0 0 1 x"/>"#, "bad-points", "x"),
        (r#"<polygon points="0 0 1"/>"#, "bad-points", ""),
        (r#"<rect width="3 furlongs" height="1"/>"#, "unknown-unit", "3 furlongs"),
        (r#"<rect width="wide" height="1"/>"#, "bad-length", "wide"),
        (r#"<rect width="1e999" height="1"/>"#, "bad-length", "1e999"),
        (r#"<circle r="-1"/>"#, "bad-length", "-1"),
        (r#"<rect width="2m" height="1"/>"#, "not-an-svg-unit", "2m"),
        (r#"<g transform="spin(3)"/>"#, "bad-transform", "spin(3)"),
        (r#"<svg viewBox="0 0 0 1"/>"#, "bad-viewbox", "0 0 0 1"),
        (r##"<g id="a"><use href="#a"/></g>"##, "cyclic-use", r##"<use href="#a"/>"##),
        (r##"<use href="#b"/>"##, "dangling-use", r##"<use href="#b"/>"##),
        (
            r#"<arx:object id="o"><arx:geometry width="1em" height="1"/></arx:object>"#,
            "bad-length",
            "1em",
        ),
        (
            r#"<arx:object id="o"><arx:geometry width="1"/></arx:object>"#,
            "geometry-incomplete",
            r#"<arx:geometry width="1"/>"#,
        ),
    ];
    for (body, code, place) in cases {
        let source = format!(r#"{HEAD} viewBox="0 0 100 100">{body}</svg>"#);
        let document = parse(&source, &Limits::default()).expect("a document");
        let found = check(&document, &scene(&document));
        let codes: Vec<_> = found.iter().map(|d| d.code.as_str()).collect();
        assert_eq!(codes, [code], "{body}");
        let span = found[0].span;
        assert_eq!(&source[span.start as usize..span.end as usize], place, "{body}");
        assert_ne!(found[0].severity, Severity::Note, "{body}");
    }
}

#[test]
fn the_examples_have_scenes_that_agree_with_usvg() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for file in files.flatten().map(|f| f.path()) {
        if file.extension().is_none_or(|e| e != "svgx") {
            continue;
        }
        let source = std::fs::read_to_string(&file).expect("readable");
        let document = parse(&source, &Limits::default()).expect("a document");
        assert!(!scene(&document).is_empty(), "{} draws nothing", file.display());
        compare(&file.display().to_string(), &document);
    }
}

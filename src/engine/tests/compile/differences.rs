//! What is drawn otherwise than in browsers is said, and nothing else is.

use std::path::Path;

use svgx_base::budget::{Budget, Cancel, Class, Stop, Tier};
use svgx_engine::check;
use svgx_engine::compile::{FontFile, Fonts, differences};
use svgx_engine::document::{Code, Diagnostic, Document, Limits, Severity, parse};

fn shown(document: &Document, fonts: &Fonts, limits: &Limits) -> Vec<Diagnostic> {
    let budget = Budget::unlimited(Class::Redraw, Tier::Ui);
    differences(document, fonts, limits, &budget).expect("nothing stops it")
}

fn of(body: &str, fonts: &Fonts) -> Vec<Diagnostic> {
    let source = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="100" font-family="DejaVu Sans">{body}</svg>"#
    );
    let document = parse(&source, &Limits::default()).expect("a document");
    shown(&document, fonts, &Limits::default())
}

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// Drawings, the code that each gets, and what its message holds. Empty: nothing is to be said.
const CASES: &[(&str, &str, &str)] = &[
    // Pictures.
    (r#"<image href="scan.png" width="9" height="9"/>"#, "image-not-drawn", "never fetched"),
    (
        r#"<image xlink:href="http://e/a.png" width="9" height="9"/>"#,
        "image-not-drawn",
        "http://e/a.png",
    ),
    (
        r#"<image href="data:image/svg+xml;base64,PHN2Zy8+" width="9" height="9"/>"#,
        "image-not-drawn",
        "itself SVG",
    ),
    (
        r#"<image href="data:image/png;base64,AAAA" width="9" height="9"/>"#,
        "image-not-drawn",
        "no PNG",
    ),
    (r#"<image href="data:image/png,%89PNG" width="9" height="9"/>"#, "image-not-drawn", "base64"),
    (r##"<filter id="f"><feImage href="#a"/></filter>"##, "image-not-drawn", "feImage"),
    (r#"<image width="9" height="9"/>"#, "", ""),
    // Fonts.
    (r#"<text y="9">A日本B</text>"#, "missing-glyph", "日 (U+65E5), 本 (U+672C)"),
    (r#"<text y="9">✓</text>"#, "missing-glyph", "U+2713"),
    (r#"<text y="9">abcdé Ω Ж ⌀ → ½ m²</text>"#, "", ""),
    ("<text y='9'>a\u{ad}\u{200d}\u{fe0f}b</text>", "", ""),
    (r#"<text font-family="Arial, sans-serif">a</text>"#, "font-not-found", "Arial"),
    (r#"<text font-family="serif">a</text>"#, "font-not-found", "serif"),
    (r#"<text style="font-family:monospace">a</text>"#, "font-not-found", "monospace"),
    (r#"<style>.l{font:9px cursive}</style><text class="l">a</text>"#, "font-not-found", "cursive"),
    (
        r#"<g font-style="italic"><text>a <tspan>b</tspan></text></g>"#,
        "font-not-found",
        "drawn upright",
    ),
    (r#"<text font-family="sans-serif" font-weight="bold">a</text>"#, "", ""),
    (r#"<text font-family="'dejavu sans'">a</text>"#, "", ""),
    (r#"<text font-family="system-ui">a</text>"#, "", ""),
    (r#"<text font-style="italic"><tspan font-style="normal">a</tspan></text>"#, "", ""),
    (r#"<text font-family="serif"> </text>"#, "", ""),
    (r#"<defs><title>日本</title></defs><desc>日本</desc>"#, "", ""),
    (r#"<rect width="2ex" height="9"/>"#, "drawn-differently", "the unit ex"),
    (r#"<text style="font-size:1.5EX">a</text>"#, "drawn-differently", "the unit ex"),
    (r#"<rect width="2em" height="9" id="2ex"/>"#, "", ""),
    (r#"<switch><foreignObject requiredExtensions="http://x/"/><g/></switch>"#, "", ""),
    (r#"<switch><foreignObject/><g/></switch>"#, "drawn-differently", "foreignObject"),
    // Style sheets.
    (r#"<style>g:has(rect){fill:red}</style>"#, "drawn-differently", ":has()"),
    (r#"<style>g{fill:red; rect{fill:blue}}</style>"#, "drawn-differently", "nesting"),
    (r#"<style>@layer a{rect{fill:red}}</style>"#, "drawn-differently", "@layer"),
    (
        r#"<style>@supports (display:grid){rect{fill:red}}</style>"#,
        "drawn-differently",
        "@supports",
    ),
    (r#"<style>@import url(a.css);</style>"#, "drawn-differently", "@import"),
    (
        r#"<style>@font-face{font-family:a;src:url(a.woff)}</style>"#,
        "drawn-differently",
        "@font-face",
    ),
    (
        r#"<style>@media print{@supports (x:y){a{fill:red}}}</style>"#,
        "drawn-differently",
        "@supports",
    ),
    (r#"<style>/* @layer */ rect[id="@layer"]{fill:red}</style>"#, "", ""),
    (r#"<style>@media screen{rect:not(.a)>b~c{fill:var(--x,red)}}</style>"#, "", ""),
    (r#"<style>rect{fill:initial}</style>"#, "drawn-differently", "initial"),
    (r#"<rect style="all:unset"/>"#, "drawn-differently", "unset"),
    (r#"<rect style="fill:inherit"/>"#, "", ""),
    // Properties and values.
    (r#"<rect style="width:calc(1px + 2px)"/>"#, "drawn-differently", "calc()"),
    (r#"<rect style="stroke-width:.2rem"/>"#, "drawn-differently", "rem"),
    (r#"<rect width="5vw" height="1"/>"#, "drawn-differently", "vw"),
    (r#"<rect style="fill:color-mix(in srgb, red, blue)"/>"#, "drawn-differently", "color-mix()"),
    (r#"<rect fill="rgb(from red r g b)"/>"#, "drawn-differently", "colours from others"),
    (r#"<rect fill="ButtonFace"/>"#, "drawn-differently", "system colours"),
    (r#"<rect fill="color(rec2020 1 0 0)"/>"#, "drawn-differently", "color()"),
    (r#"<rect fill="oklch(50% .1 20)" stroke="lab(50 20 20)" color="color(srgb 1 0 0)"/>"#, "", ""),
    (r#"<rect style="backdrop-filter:blur(3px)"/>"#, "drawn-differently", "backdrop-filter"),
    (r#"<rect style="mask:linear-gradient(red, blue)"/>"#, "drawn-differently", "mask"),
    (r#"<rect style="clip-path:shape(from 0 0, hline to 9px)"/>"#, "drawn-differently", "shape()"),
    (r#"<rect style="filter:url(a.svg#b)"/>"#, "drawn-differently", "another file"),
    (r#"<g style="offset-path:path('M0 0h9')"/>"#, "drawn-differently", "offset-path"),
    (r#"<g style="zoom:2"/>"#, "drawn-differently", "zoom"),
    (r#"<text style="text-transform:uppercase">a</text>"#, "drawn-differently", "text-transform"),
    (r#"<text style="text-shadow:1px 1px red">a</text>"#, "drawn-differently", "text-shadow"),
    (
        r#"<text style="text-decoration:underline wavy">a</text>"#,
        "drawn-differently",
        "text-decoration-style",
    ),
    (
        r#"<text style="text-transform:none;text-shadow:none;zoom:1;font-feature-settings:normal">a</text>"#,
        "",
        "",
    ),
    (r#"<rect stroke-linejoin="arcs"/>"#, "drawn-differently", "stroke-linejoin"),
    // Elements.
    (r#"<foreignObject width="9" height="9"/>"#, "drawn-differently", "foreignObject"),
    (
        r#"<rect><animate attributeName="x" to="9" dur="1s"/></rect>"#,
        "drawn-differently",
        "animation",
    ),
    (r#"<style>rect{animation:a 2s}</style>"#, "drawn-differently", "animation"),
    (r#"<use href="other.svg#a"/>"#, "drawn-differently", "another file"),
    (
        r##"<text><textPath path="M0 0h90">a</textPath></text>"##,
        "drawn-differently",
        "path of textPath",
    ),
    // What depends on who shows it.
    (
        r##"<defs><path id="p" d="M0 0h9" vector-effect="non-scaling-stroke"/></defs><use href="#p"/><use href="#p" transform="scale(3)"/>"##,
        "drawn-differently",
        "several use",
    ),
    (r##"<path id="p" d="M0 0h9" vector-effect="non-scaling-stroke"/>"##, "", ""),
    (
        r##"<defs><rect id="r" style="fill:var(--c, red)" width="9" height="9"/></defs><use href="#r" style="--c:blue"/>"##,
        "drawn-differently",
        "custom properties through use",
    ),
    (
        r##"<g style="--c:blue"><rect id="r" style="fill:var(--c, red)" width="9" height="9"/><use href="#r" x="20"/></g>"##,
        "",
        "",
    ),
    (
        r##"<pattern id="p" width="9" height="9"><rect width="5" height="5" clip-path="circle(2px)"/></pattern>"##,
        "drawn-differently",
        "within pattern",
    ),
    (
        r##"<pattern id="p" width="9" height="9"><path d="M0 0h9" style="vector-effect:non-scaling-stroke"/></pattern>"##,
        "drawn-differently",
        "within pattern",
    ),
    (r#"<text clip-path="inset(2px)">a</text>"#, "drawn-differently", "of a text"),
    (r#"<rect width="9" height="9" clip-path="circle(2px)"/>"#, "", ""),
    (
        r#"<path d="M0 0h9" vector-effect="non-scaling-stroke" stroke-dasharray="1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9"/>"#,
        "drawn-differently",
        "dashes",
    ),
    (
        r#"<rect style="opacity:calc(.25 * 2)" width="9" height="9"/>"#,
        "drawn-differently",
        "calc()",
    ),
    (
        r#"<rect style="transform:rotate3d(0,0,1,20deg)" width="9" height="9"/>"#,
        "drawn-differently",
        "out of the plane",
    ),
    (r#"<rect style="transform:translate3d(2px,1px,0)" width="9" height="9"/>"#, "", ""),
    (r#"<text font-variant="small-caps">Abc</text>"#, "drawn-differently", "font-variant"),
    (
        r#"<text style="font-variant-caps:small-caps">Abc</text>"#,
        "drawn-differently",
        "font-variant",
    ),
    (r#"<text font-variant="normal">Abc</text>"#, "", ""),
    (r##"<mask id="m" mask="url(#n)"/><mask id="n"/>"##, "drawn-differently", "mask of a mask"),
    (
        r##"<marker id="m"/><path d="M0 0A5 5 0 0 1 9 9L1 2" marker-mid="url(#m)"/>"##,
        "drawn-differently",
        "marker-mid on arcs",
    ),
    (r##"<marker id="m"/><path d="M0 0L9 9L1 2" marker-mid="url(#m)"/>"##, "", ""),
    (
        r#"<pattern id="p" patternUnits="userSpaceOnUse" width="7.3" height="8"/>"#,
        "drawn-differently",
        "whole number of pixels",
    ),
    (r#"<pattern id="p" patternUnits="userSpaceOnUse" width="7" height="8"/>"#, "", ""),
    (
        r#"<filter id="f"><feDisplacementMap in2="SourceGraphic" scale="2"/></filter>"#,
        "drawn-differently",
        "feDisplacementMap",
    ),
];

#[test]
fn each_feature_is_named_and_nothing_else() {
    let fonts = Fonts::built_in();
    let mut wrong = Vec::new();
    for (body, code, words) in CASES {
        let found = of(body, &fonts);
        let codes: Vec<&str> = found.iter().map(|d| d.code.as_str()).collect();
        let right = match code.is_empty() {
            true => found.is_empty(),
            false => codes == [*code] && found.iter().all(|d| d.message.contains(words)),
        };
        if !right {
            let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
            wrong.push(format!("{body}: {codes:?} {messages:?}, not {code:?} {words:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_picture_in_the_document_is_drawn_within_the_limit() {
    let image = format!(r#"<image href="data:image/png;base64,{PIXEL}" width="9" height="9"/>"#);
    assert!(of(&image, &Fonts::built_in()).is_empty());
    let source = format!(r#"<svg xmlns="http://www.w3.org/2000/svg">{image}{image}</svg>"#);
    let limits = Limits { pixels: 1, ..Limits::default() };
    let document = parse(&source, &limits).expect("a document");
    let found = shown(&document, &Fonts::built_in(), &limits);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("limit"), "{found:?}");
}

#[test]
fn a_text_without_a_font_is_noted_once() {
    let source = r#"<svg xmlns="http://www.w3.org/2000/svg"><text>a</text><text>b</text></svg>"#;
    let report = check(source, &Limits::default());
    let found: Vec<_> =
        report.diagnostics.iter().filter(|d| d.code == Code::FontNotFound).collect();
    let [note] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(note.severity, Severity::Note);
    assert!(note.message.contains("2 places"), "{}", note.message);
}

#[test]
fn findings_are_few_however_large_the_drawing_is() {
    let many = |n: usize, piece: &dyn Fn(usize) -> String| (0..n).map(piece).collect::<String>();
    let same = many(5_000, &|_| r#"<foreignObject width="1" height="1"/>"#.to_owned());
    let found = of(&same, &Fonts::built_in());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.ends_with("(5000 places)"), "{}", found[0].message);
    let different = many(5_000, &|n| format!(r#"<image href="{n}.png" width="1" height="1"/>"#));
    assert_eq!(of(&different, &Fonts::built_in()).len(), 64);
}

#[test]
fn fonts_that_are_brought_are_found() {
    let bold = include_bytes!("../../../../assets/fonts/DejaVuSans-Bold.ttf").to_vec();
    let files = vec![
        FontFile { name: "a.ttf".to_owned(), bytes: b"no font".to_vec() },
        FontFile { name: "b.ttf".to_owned(), bytes: bold },
    ];
    let fonts = Fonts::with(files);
    assert_eq!(fonts.skipped(), ["a.ttf"]);
    assert!(of(r#"<text font-weight="900">a</text>"#, &fonts).is_empty());
}

/// What is drawn as in Chromium (`tests/chromium-drawings.sh`) gets no finding.
#[test]
fn drawings_that_look_the_same_get_no_finding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/drawings");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the drawings") {
        let path = entry.expect("a drawing").path();
        let source = std::fs::read_to_string(&path).expect("text");
        let document = parse(&source, &Limits::default()).expect("a document");
        let found = shown(&document, &Fonts::built_in(), &Limits::default());
        // The boxes are the same; which letters they stand for is said.
        let said = path.ends_with("text-missing-glyph.svg");
        assert_eq!(said, found.iter().any(|d| d.code == Code::MissingGlyph));
        let found = found.iter().filter(|d| d.code != Code::MissingGlyph);
        wrong.extend(found.map(|d| format!("{}: {}", path.display(), d.message)));
        seen += 1;
    }
    assert!(seen > 60 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn who_no_longer_wants_the_findings_gets_none() {
    let document = parse(r#"<svg xmlns="http://www.w3.org/2000/svg"/>"#, &Limits::default());
    let cancel = Cancel::default();
    let budget = Budget::unlimited(Class::Redraw, Tier::Ui).cancelled_by(cancel.clone());
    cancel.cancel();
    let document = document.expect("a document");
    let found = differences(&document, &Fonts::built_in(), &Limits::default(), &budget);
    assert_eq!(found.expect_err("cancelled"), Stop::Cancelled);
}

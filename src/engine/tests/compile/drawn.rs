//! What a drawing looks like, by single pixels: style sheets, transforms, sizes, strokes.

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{PngOptions, png};
use svgx_engine::document::{Limits, parse};

const G: [u8; 3] = [0, 0xaa, 0];
const K: [u8; 3] = [0, 0, 0];
const W: [u8; 3] = [255, 255, 255];

/// A drawing of 100 x 100 pixels.
fn pixels(body: &str) -> impl Fn(usize, usize) -> [u8; 3] + use<> {
    let source = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" width="100" height="100" viewBox="0 0 100 100">{body}</svg>"#
    );
    let document = parse(&source, &Limits::default()).expect("a document");
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let options = PngOptions::default();
    let file = png(&document, &options, &Limits::default(), &budget).expect("a picture");
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG");
    let mut data = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut data).expect("pixels");
    let channels = info.color_type.samples();
    assert_eq!((info.width, info.height), (100, 100));
    move |x, y| {
        let at = (y * 100 + x) * channels;
        let pixel = &data[at..at + channels];
        let alpha = if channels == 4 { u32::from(pixel[3]) } else { 255 };
        let over = |c: u8| ((u32::from(c) * alpha + 255 * (255 - alpha)) / 255) as u8;
        [over(pixel[0]), over(pixel[1]), over(pixel[2])]
    }
}

#[test]
fn a_style_sheet_matches_as_in_browsers() {
    let square = r#"<g class="floor" id="f"><g class="zone"><g class="zone"><path d="M0 0z"/><rect id="r" class="lamp on" data-k="ab cd" width="100" height="100"/></g></g></g>"#;
    let cases = [
        (".floor > .zone .lamp { fill: #00aa00 }", G),
        (".floor .zone > .zone > .lamp { fill: #00aa00 }", G),
        (".zone > .floor .lamp { fill: #00aa00 }", K),
        ("path + rect { fill: #00aa00 }", G),
        ("path ~ .lamp { fill: #00aa00 }", G),
        ("rect ~ path { fill: #00aa00 }", K),
        ("rect:not(.off) { fill: #00aa00 }", G),
        ("rect:not(.on) { fill: #00aa00 }", K),
        (":is(circle, rect) { fill: #00aa00 }", G),
        (":where(#r) { fill: red } rect { fill: #00aa00 }", G),
        ("rect:nth-child(2) { fill: #00aa00 }", G),
        ("rect:nth-child(2n+1) { fill: #00aa00 }", K),
        ("rect:last-child { fill: #00aa00 }", G),
        ("rect:first-child { fill: #00aa00 }", K),
        ("rect:only-of-type { fill: #00aa00 }", G),
        (":root rect { fill: #00aa00 }", G),
        ("[data-k~=cd] { fill: #00aa00 }", G),
        ("[data-k^='ab'] { fill: #00aa00 }", G),
        ("[data-k=AB\\ CD i] { fill: #00aa00 }", G),
        ("rect:hover { fill: red } rect { fill: #00aa00 }", G),
        ("#r { fill: #00aa00 } rect.lamp.on { fill: red }", G),
        ("rect { fill: #00aa00 !important } #r { fill: red }", G),
        // One bad selector makes the rule void.
        ("rect { fill: #00aa00 } rect, :no-such { fill: red }", G),
        ("@media print { rect { fill: red } } @media screen { rect { fill: #00aa00 } }", G),
        (
            "@media (max-width: 50px) { rect { fill: red } } @media all { rect { fill: #00aa00 } }",
            G,
        ),
        ("@media screen { @media (min-width: 50px) { rect { fill: #00aa00 } } }", G),
        (":root { --c: #00aa00 } rect { fill: var(--c) }", G),
        ("rect { fill: var(--none, #00aa00) }", G),
        (":root { --a: var(--b); --b: #00aa00 } rect { fill: var(--a) }", G),
        (".floor { --c: red } .zone { --c: #00aa00 } rect { fill: var(--c) }", G),
        // A value that refers to itself is none.
        (":root { --c: var(--c) } rect { fill: #00aa00; fill: var(--c, #00aa00) }", G),
        ("@import url(x.css); rect { fill: #00aa00 }", G),
    ];
    for (sheet, expected) in cases {
        let sheet = sheet.replace('>', "&gt;");
        // With and without a gradient: both painters.
        for extra in ["", r##"<image width="0" height="0"/><text x="-50">.</text>"##] {
            let at = pixels(&format!("<style>{sheet}</style>{square}{extra}"));
            assert_eq!(at(50, 50), expected, "{sheet} {extra}");
        }
    }
    for (media, expected) in [("print", K), ("screen", G), ("all", G), ("(max-width:9px)", K)] {
        let at = pixels(&format!("<style media=\"{media}\">rect{{fill:#00aa00}}</style>{square}"));
        assert_eq!(at(50, 50), expected, "{media}");
    }
}

#[test]
fn transforms_and_sizes_of_css_move_the_picture() {
    // A square of 20 from (50,50) on.
    let cases = [
        r#"<rect width="10" height="10" style="transform: translate(50px, 50px) scale(2)"/>"#,
        r#"<rect width="10" height="10" style="transform: translate(50%, 50%) scale(2)"/>"#,
        r#"<style>rect{transform:matrix(2,0,0,2,50,50)}</style><rect width="10" height="10" transform="scale(9)"/>"#,
        r#"<rect x="55" y="55" width="10" height="10" style="transform: scale(2); transform-origin: 60px 60px"/>"#,
        r#"<rect x="55" y="55" width="10" height="10" transform="scale(2)" transform-origin="60 60"/>"#,
        r#"<rect x="55" y="55" width="10" height="10" style="transform: scale(2); transform-box: fill-box; transform-origin: center"/>"#,
        r#"<rect x="30" y="50" width="20" height="20" style="transform: rotate(180deg); transform-origin: center; translate: none" transform="none"/><rect x="50" y="50" width="20" height="20"/>"#,
        r#"<g style="transform: translate(50px, 50px)"><rect width="20" height="20"/></g>"#,
        r#"<style>rect{x:50px;y:50px;width:20px;height:20px}</style><rect/>"#,
        r#"<rect width="99" height="99" style="x:50px;y:50%;width:20%;height:20px"/>"#,
        r#"<style>path{d:path("M50 50h20v20h-20z")}</style><path d="M0 0"/>"#,
        // Invalid in CSS, so the one before holds.
        r#"<rect width="10" height="10" style="transform: translate(50px, 50px) scale(2); transform: translate(1, 1)"/>"#,
    ];
    for body in cases {
        for extra in ["", r##"<text x="-50">.</text>"##] {
            let at = pixels(&format!("{body}{extra}"));
            for (x, y, expected) in
                [(51, 51, K), (68, 68, K), (48, 60, W), (72, 60, W), (60, 72, W), (60, 48, W)]
            {
                // One of the cases turns a square about the middle on purpose.
                if body.contains("180deg") && (x, y) == (60, 48) {
                    continue;
                }
                assert_eq!(at(x, y), expected, "{x} {y} {body}{extra}");
            }
        }
    }
}

#[test]
fn symbols_have_their_own_size() {
    let symbol = |attributes: &str| {
        format!(
            r##"<symbol id="s" {attributes}><rect width="1000" height="1000" fill="#00aa00"/></symbol>"##
        )
    };
    let cases = [
        (
            symbol(r#"viewBox="0 0 10 10" width="40" height="40""#),
            r##"<use href="#s" x="10" y="10"/>"##,
        ),
        (
            symbol(r#"viewBox="0 0 10 10" width="40%" height="40%""#),
            r##"<use href="#s" x="10" y="10"/>"##,
        ),
        (symbol(r#"width="40" height="40""#), r##"<use href="#s" x="10" y="10"/>"##),
        (
            symbol(r#"viewBox="0 0 10 10" width="7" height="7""#),
            r##"<use href="#s" x="10" y="10" width="40" height="40"/>"##,
        ),
        (
            symbol(r#"viewBox="0 0 10 10" height="40""#),
            r##"<use href="#s" x="10" y="10" width="40"/>"##,
        ),
    ];
    for (symbol, shown) in cases {
        let at = pixels(&format!("{symbol}{shown}"));
        for (x, y, expected) in [(11, 11, G), (48, 48, G), (8, 30, W), (52, 30, W), (30, 52, W)] {
            assert_eq!(at(x, y), expected, "{x} {y} {symbol}{shown}");
        }
    }
}

#[test]
fn a_stroke_that_does_not_scale_is_as_wide_as_it_says() {
    // A vertical line of 4 pixels in the middle.
    let effect = r#"stroke="black" stroke-width="4" vector-effect="non-scaling-stroke""#;
    let cases = [
        format!(r#"<g transform="scale(10 1)"><line x1="5" y1="10" x2="5" y2="90" {effect}/></g>"#),
        format!(r#"<g transform="scale(10)"><line x1="5" y1="1" x2="5" y2="9" {effect}/></g>"#),
        format!(r#"<line x1="5" y1="10" x2="5" y2="90" transform="scale(10 1)" {effect}/>"#),
        format!(r#"<svg viewBox="0 0 1000 1000"><line x1="500" y1="100" x2="500" y2="900" {effect}/></svg>"#),
        format!(r##"<defs><path id="p" d="M5 1v8" {effect}/></defs><use href="#p" transform="scale(10)"/>"##),
        r#"<style>path{vector-effect:non-scaling-stroke;stroke:black;stroke-width:4px}</style><path transform="scale(.1)" d="M500 100v800"/>"#.to_owned(),
    ];
    for body in cases {
        let at = pixels(&body);
        for (x, expected) in [(46, W), (48, K), (49, K), (51, K), (53, W)] {
            assert_eq!(at(x, 50), expected, "{x} {body}");
        }
    }
}

#[test]
fn dashes_count_in_the_stated_length_of_a_path() {
    // The first half is drawn, the other is not.
    let cases = [
        r#"<path d="M10 50h80" stroke="black" stroke-width="6" pathLength="2" stroke-dasharray="1"/>"#,
        r#"<line x1="10" y1="50" x2="90" y2="50" stroke="black" stroke-width="6" pathLength="100" stroke-dasharray="50"/>"#,
        r#"<line x1="10" y1="50" x2="90" y2="50" stroke="black" stroke-width="6" pathLength="100" stroke-dasharray="50" stroke-dashoffset="100"/>"#,
    ];
    for body in cases {
        let at = pixels(body);
        for (x, expected) in [(12, K), (47, K), (53, W), (88, W)] {
            assert_eq!(at(x, 50), expected, "{x} {body}");
        }
    }
}

#[test]
fn spaces_around_runs_of_text_stay() {
    // Where ink begins and ends: a text is as wide as its twin in one run.
    let width = |inside: &str| {
        let at = pixels(&format!(
            r#"<text x="5" y="50" font-family="DejaVu Sans" font-size="16">{inside}</text>"#
        ));
        let inked = |x: &usize| (30..60).any(|y| at(*x, y) != W);
        ((0..100).find(inked), (0..100).rev().find(inked))
    };
    let cases = [
        ("a<tspan> b </tspan>c", "a b c"),
        ("a<tspan> b</tspan>", "a b"),
        ("<tspan>a</tspan><tspan> b</tspan>", "a b"),
        ("<tspan>a </tspan><tspan> b</tspan>", "a b"),
        ("a <tspan> b</tspan>", "a b"),
        ("  a\n  b ", "a b"),
        (" <tspan> a</tspan> ", "a"),
        ("a<tspan>b</tspan>c", "abc"),
        ("&lt; <tspan> b </tspan> ", "&lt; b"),
    ];
    for (runs, whole) in cases {
        assert_eq!(width(runs), width(whole), "{runs}");
    }
}

#[test]
fn colours_are_read_in_every_form() {
    let cases = [
        ("rgb(0 170 0)", G),
        ("rgb(0 170 0 / 100%)", G),
        ("rgb(0 0 0 / 50%)", [127, 127, 127]),
        ("hsl(120 100% 33.333%)", G),
        ("hwb(120 0% 33.333%)", G),
        ("currentcolor", G),
        ("currentColor", G),
    ];
    for (colour, expected) in cases {
        for extra in ["", r#"<text x="-50">.</text>"#] {
            for body in [
                format!(
                    r##"<g color="#00aa00"><rect width="100" height="100" fill="{colour}"/></g>"##
                ),
                format!(
                    r##"<style>rect{{color:#00aa00;fill:{colour}}}</style><rect width="100" height="100"/>"##
                ),
            ] {
                let at = pixels(&format!("{body}{extra}"));
                let seen = at(50, 50);
                let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1);
                assert!(near, "{seen:?} {body}{extra}");
            }
        }
    }
}

#[test]
fn compiled_drawings_keep_media() {
    let cases = [
        (r#"<style media="print">rect{fill:red}</style>"#, r#"media="print">rect{fill:red}"#),
        ("<style>@media screen{rect{fill:red}}</style>", "@media screen{rect{fill:red}"),
        ("<style>rect{--c:red;fill:var(--c)}</style>", "rect{--c:red;fill:var(--c)}"),
    ];
    for (body, kept) in cases {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{body}<rect/></svg>"#
        );
        let document = parse(&source, &Limits::default()).expect("a document");
        let out = svgx_engine::compile::svg(&document, &Default::default());
        assert!(out.contains(kept), "{body}: {out}");
    }
    let source = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><style media="&lt;x">rect{fill:red}</style></svg>"#;
    let document = parse(source, &Limits::default()).expect("a document");
    let out = svgx_engine::compile::svg(&document, &Default::default());
    assert!(!out.contains("<style"), "{out}");
}

/// A sheet that would take hours to match is refused by name.
#[test]
fn a_hostile_sheet_meets_a_limit() {
    let sheet: String = (0..1_000).map(|n| format!("[b='{n}'] ~ rect {{fill:red}}\n")).collect();
    let before = "<path/>".repeat(2_000);
    let source = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><style>{sheet}</style>{before}<rect width="1" height="1"/></svg>"#
    );
    let document = parse(&source, &Limits::default()).expect("a document");
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let scene = svgx_engine::geometry::Scene::build(&document, &Limits::default(), &budget);
    let refused = scene.expect_err("refused").to_string();
    assert!(refused.contains("element_style_steps"), "{refused}");
}

//! What other programs write, and what is seen of it: a table of drawings with the colours at
//! some of their points, each painted on both ways to pixels where both can.

use svgx_engine::compile::{JsonOptions, PngOptions, json, png};
use svgx_engine::document::Limits;

use super::{compiled, decode, drawing, unlimited};

/// What is seen at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Red,
    Green,
    Blue,
    Black,
    Other,
}
use Seen::{Black, Blue, Green, Nothing, Red};

fn seen([r, g, b, a]: [u8; 4]) -> Seen {
    match (r, g, b, a) {
        (.., 0..=8) => Nothing,
        (200.., ..=60, ..=60, _) => Red,
        (..=60, 100.., ..=60, _) => Green,
        (..=60, ..=60, 200.., _) => Blue,
        (..=60, ..=60, ..=60, _) => Black,
        _ => Seen::Other,
    }
}

/// Makes the painter of everything paint, without anything to be seen.
const FORCE: &str = r##"<linearGradient id="zz"><stop stop-opacity="0"/></linearGradient><rect x="99" y="49" width="1" height="1" fill="url(#zz)"/>"##;

/// The kind, the body of a drawing of 100 by 50, and what is seen where.
type Case = (&'static str, &'static str, &'static [(usize, usize, Seen)]);

const CASES: &[Case] = &[
    (
        "a group in a switch is shown whole",
        r#"<switch><g><rect width="10" height="10" fill="red"/><rect x="20" width="10" height="10" fill="green"/></g></switch>"#,
        &[(5, 5, Red), (25, 5, Green)],
    ),
    (
        "an object in a switch is shown whole",
        r#"<switch><arx:object id="o" type="x"><rect width="10" height="10" fill="red"/><rect x="20" width="10" height="10" fill="green"/></arx:object></switch>"#,
        &[(5, 5, Red), (25, 5, Green)],
    ),
    (
        "the second child of a switch, where the first is for others",
        r#"<switch><g systemLanguage="de"><rect width="10" height="10" fill="red"/></g><g><rect width="10" height="10" fill="green"/></g><g><rect x="20" width="10" height="10"/></g></switch>"#,
        &[(5, 5, Green), (25, 5, Nothing)],
    ),
    (
        "a link in a switch is shown whole",
        r#"<switch><a><rect width="10" height="10" fill="red"/><rect x="20" width="10" height="10" fill="green"/></a></switch>"#,
        &[(5, 5, Red), (25, 5, Green)],
    ),
    (
        "a group in a clip path clips everything away",
        r##"<clipPath id="c"><g><rect width="10" height="10"/></g></clipPath><rect width="20" height="20" fill="red" clip-path="url(#c)"/>"##,
        &[(5, 5, Nothing)],
    ),
    (
        "another language is not shown, outside of a switch too",
        r#"<rect width="10" height="10" fill="red" systemLanguage="de"/><g systemLanguage="fr, it"><rect x="20" width="10" height="10" fill="red"/></g><rect x="40" width="10" height="10" fill="green" systemLanguage="de,en-GB"/>"#,
        &[(5, 5, Nothing), (25, 5, Nothing), (45, 5, Green)],
    ),
    (
        "what needs an extension is not shown",
        r#"<rect width="10" height="10" fill="red" requiredExtensions="http://example.org/x"/><switch><g requiredExtensions="http://example.org/x"><rect x="20" width="10" height="10" fill="red"/></g><rect x="20" width="10" height="10" fill="green"/></switch>"#,
        &[(5, 5, Nothing), (25, 5, Green)],
    ),
    (
        "a language of an object",
        r#"<g systemLanguage="de"><arx:object id="o" type="x"><arx:geometry width="10" height="10"/></arx:object></g>"#,
        &[(0, 5, Nothing)],
    ),
    (
        "a negative radius counts as none given",
        r#"<ellipse cx="20" cy="20" rx="-1" ry="15" fill="green"/><ellipse cx="70" cy="20" ry="-5" rx="15" fill="green"/>"#,
        &[(20, 20, Green), (8, 20, Green), (70, 8, Green)],
    ),
    (
        "a radius of zero draws nothing, and so does a circle's negative one",
        r#"<ellipse cx="20" cy="20" rx="0" ry="15" fill="red"/><circle cx="70" cy="20" r="-5" fill="red"/>"#,
        &[(20, 20, Nothing), (70, 20, Nothing)],
    ),
    (
        "a rectangle's negative radius is that of the other side",
        r#"<rect width="40" height="40" rx="-3" ry="20" fill="red"/>"#,
        &[(20, 20, Red), (1, 1, Nothing)],
    ),
    (
        "an object that a shape draws has no box beside it",
        r#"<arx:object id="panel" type="electrical.panel" system="electrical"><arx:geometry x="5" y="5" width="60" height="40"/></arx:object><circle cx="35" cy="25" r="15" fill="none" stroke="red" stroke-width="4" arx:object="panel"/>"#,
        &[(5, 25, Nothing), (35, 10, Red)],
    ),
    (
        "the first of two with one id is meant",
        r##"<linearGradient id="g"><stop stop-color="red"/></linearGradient><linearGradient id="g"><stop stop-color="blue"/></linearGradient><rect width="10" height="10" fill="url(#g)"/>"##,
        &[(5, 5, Red)],
    ),
    (
        "a shape with the id of a gradient before it",
        r##"<radialGradient id="glow"><stop stop-color="blue"/></radialGradient><rect id="glow" width="10" height="10" fill="url(#glow)"/>"##,
        &[(5, 5, Blue)],
    ),
    (
        "the first of two shapes that are used",
        r##"<defs><rect id="a" width="10" height="10" fill="green"/><rect id="a" width="10" height="10" fill="red"/></defs><use href="#a"/>"##,
        &[(5, 5, Green)],
    ),
    (
        "a gradient that only a sheet refers to",
        r##"<style>rect{fill:url(#g)}</style><linearGradient id="g"><stop stop-color="red"/></linearGradient><rect width="10" height="10"/>"##,
        &[(5, 5, Red)],
    ),
    (
        "a clip path that only a sheet refers to",
        r##"<style>.w { clip-path : url( '#c' ) }</style><clipPath id="c"><rect width="5" height="9"/></clipPath><rect class="w" width="20" height="20" fill="green"/>"##,
        &[(2, 5, Green), (15, 5, Nothing)],
    ),
    (
        "a mask that only a sheet refers to",
        r##"<style>@media screen{rect.w{mask:url("#m")}}</style><mask id="m"><rect width="5" height="9" fill="white"/></mask><rect class="w" width="20" height="20" fill="green"/>"##,
        &[(2, 5, Green), (15, 5, Nothing)],
    ),
    (
        "a circle as clip path",
        r#"<rect width="20" height="20" fill="green" clip-path="circle(6px)"/>"#,
        &[(10, 10, Green), (2, 2, Nothing)],
    ),
    (
        "a polygon as clip path by a sheet",
        r#"<style>.w{clip-path:polygon(0 0, 50% 0, 50% 100%, 0 100%)}</style><rect class="w" width="20" height="20" fill="green"/>"#,
        &[(5, 10, Green), (15, 10, Nothing)],
    ),
    (
        "a shape that cuts a group in its box",
        r#"<g style="clip-path:inset(0 0 0 50%)"><rect x="10" width="10" height="20" fill="green"/><rect x="20" width="10" height="20" fill="green"/></g>"#,
        &[(15, 10, Nothing), (25, 10, Green)],
    ),
    (
        "a shape counts from the box with its line",
        r#"<rect x="10" y="10" width="20" height="20" fill="green" stroke="green" stroke-width="20" style="clip-path:inset(0 20px 0 0)"/>"#,
        &[(5, 20, Green), (25, 20, Nothing)],
    ),
    (
        "a shape with a path that is filled by the even-odd rule",
        r#"<rect width="30" height="30" fill="green" clip-path="path(evenodd, 'M0 0h30v30h-30zM10 10h10v10h-10z')"/>"#,
        &[(5, 5, Green), (15, 15, Nothing)],
    ),
    (
        "a shape that is not valid leaves the one before it",
        r#"<rect width="20" height="20" fill="green" style="clip-path:inset(0 10px 0 0);clip-path:blob(1px)"/>"#,
        &[(5, 10, Green), (15, 10, Nothing)],
    ),
    (
        "a square cap of a closed path without length",
        r#"<path d="M20 20z" stroke="green" stroke-width="20" stroke-linecap="square"/><path d="M50 20h0z" stroke="green" stroke-width="20"/>"#,
        &[(12, 12, Green), (50, 20, Nothing)],
    ),
    (
        "a declaration that is not valid leaves the weaker one",
        r#"<style>rect{fill:green}rect{fill:nocolour}</style><rect width="20" height="20" style="fill:1px"/>"#,
        &[(5, 10, Green)],
    ),
    (
        "an attribute that is not valid leaves what is inherited",
        r#"<g fill="green"><rect width="20" height="20" fill="nocolour"/></g>"#,
        &[(5, 10, Green)],
    ),
    (
        "an attribute that asks for a custom property",
        r#"<g style="--c:green"><rect width="20" height="20" fill="var(--c)"/><rect x="20" width="20" height="20" fill="var(--d, green)"/></g>"#,
        &[(5, 10, Green), (25, 10, Green)],
    ),
    (
        "translate, rotate and scale",
        r#"<rect width="10" height="10" fill="green" style="translate:30px 10px;rotate:90deg;scale:2 1"/>"#,
        &[(25, 25, Green), (35, 15, Nothing), (5, 5, Nothing)],
    ),
    (
        "geometry by a sheet within a pattern",
        r#"<style>.t{x:5px;width:5px;height:10px}</style><pattern id="p" width="10" height="10" patternUnits="userSpaceOnUse"><rect class="t" fill="green"/></pattern><rect width="40" height="40" fill="url(#p)"/>"#,
        &[(7, 5, Green), (2, 5, Nothing), (17, 25, Green)],
    ),
    (
        "geometry by a sheet within a clip path",
        r#"<style>.k{width:10px;height:20px}</style><clipPath id="c"><rect class="k"/></clipPath><rect width="20" height="20" fill="green" clip-path="url(#c)"/>"#,
        &[(5, 10, Green), (15, 10, Nothing)],
    ),
    (
        "a symbol whose size a sheet states without effect",
        r##"<style>#s{width:10px;height:10px}</style><symbol id="s" viewBox="0 0 1 1"><rect width="1" height="1" fill="green"/></symbol><use href="#s"/>"##,
        &[(50, 25, Green), (5, 5, Nothing)],
    ),
    (
        "many dashes of a line that does not scale",
        r#"<path d="M0 5h60" stroke="green" stroke-width="10" vector-effect="non-scaling-stroke" stroke-dasharray="2 2 2 2 2 2 2 30"/>"#,
        &[(1, 5, Green), (13, 5, Green), (25, 5, Nothing), (45, 5, Green)],
    ),
    (
        "a linked word is drawn",
        r##"<text x="5" y="45" font-size="50" font-weight="bold"><a href="#x">M</a></text>"##,
        &[(12, 30, Black)],
    ),
    (
        "a linked word within another is drawn",
        r##"<text x="5" y="45" font-size="50" font-weight="bold"><tspan><a href="http://example.org/"><tspan>M</tspan></a></tspan></text>"##,
        &[(12, 30, Black)],
    ),
];

#[test]
fn what_others_write_is_seen_as_it_is_meant() {
    let mut wrong = Vec::new();
    for (kind, body, points) in CASES {
        for force in ["", FORCE] {
            let document = drawing(&format!("{body}{force}"));
            let picture = png(&document, &PngOptions::default(), &Limits::default(), &unlimited());
            let (width, _, pixels) = decode(&picture.expect(kind));
            for &(x, y, expected) in *points {
                let found = pixels.get(y * width as usize + x).copied().map(seen);
                if found != Some(expected) {
                    let way = if force.is_empty() { "usual" } else { "full" };
                    wrong.push(format!("{kind} ({way}) at {x},{y}: {found:?}, not {expected:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_letter_without_a_glyph_does_not_vanish() {
    let document = drawing("<text x='0' y='50' font-size='60'>\u{65e5}</text>");
    let picture = png(&document, &PngOptions::default(), &Limits::default(), &unlimited());
    let (_, _, pixels) = decode(&picture.expect("a picture"));
    assert!(pixels.iter().any(|[.., alpha]| *alpha == 255));
}

#[test]
fn a_background_lies_under_the_finished_picture() {
    let body = r#"<rect width="12" height="20" fill="rgb(0,136,204)"/><rect x="8" width="12" height="20" fill="rgb(0,170,0)" style="mix-blend-mode:difference"/>"#;
    let document = drawing(body);
    let look = |colour: &str| {
        let background = colour.parse().expect("a colour");
        let options = PngOptions { background, ..PngOptions::default() };
        let bytes = png(&document, &options, &Limits::default(), &unlimited());
        let (width, _, pixels) = decode(&bytes.expect("a picture"));
        [(4, 5), (10, 5), (16, 5), (50, 5)].map(|(x, y)| pixels[y * width as usize + x])
    };
    let [left, both, right, free] = look("transparent");
    assert_eq!((left, right, free), ([0, 136, 204, 255], [0, 170, 0, 255], [0; 4]));
    for (colour, behind) in [("white", [255; 4]), ("#102030", [16, 32, 48, 255])] {
        assert_eq!(look(colour), [left, both, right, behind], "{colour}");
    }
}

#[test]
fn compiled_text_keeps_its_linked_words() {
    for (body, kept) in [
        (r##"<text>to <a href="http://example.org/">a site</a></text>"##, "<tspan>a site</tspan>"),
        (r##"<text>to <a>nowhere</a></text>"##, "<tspan>nowhere</tspan>"),
        (r##"<text><tspan>to <a>x</a></tspan></text>"##, "<tspan>x</tspan>"),
        (r##"<text>to <a href="#t">here</a></text>"##, "<a xlink:href=\"#t\">here</a>"),
        (r##"<a href="http://example.org/"><rect width="1" height="1"/></a>"##, "<g><rect"),
        (r##"<a href="http://example.org/"><text>word</text></a>"##, "<g><text>word</text></g>"),
    ] {
        let svg = compiled(body);
        assert!(svg.contains(kept), "{body}: {svg}");
    }
}

#[test]
fn json_lists_what_is_drawn_and_where_it_stands() {
    // A body, and of each element listed: its name or id, and the place of the one around it.
    type Listed<'l> = &'l [(&'l str, Option<u64>)];
    let cases: &[(&str, Listed<'_>)] = &[
        (
            r##"<defs><rect id="never" width="9" height="9"/></defs><clipPath id="c"><rect id="clip" width="1" height="1"/></clipPath><pattern id="p"><path id="hatch" d="M0 0l4 4"/></pattern><symbol id="s"><rect id="inner"/></symbol><mask id="m"><rect id="masked"/></mask><marker id="k"><path id="arrow"/></marker><rect id="drawn" width="20" height="20"/>"##,
            &[("drawn", None)],
        ),
        (
            r##"<g id="a" transform="scale(2)"><g id="b"><rect id="r"/></g><circle id="k"/></g><line id="l"/>"##,
            &[("a", None), ("b", Some(0)), ("r", Some(1)), ("k", Some(0)), ("l", None)],
        ),
        (
            r##"<arx:object id="o" type="x" transform="translate(5 0)"><rect id="r" width="1" height="1"/></arx:object><arx:object id="box" type="x"><arx:geometry width="5" height="5"/></arx:object>"##,
            &[("o", None), ("r", Some(0))],
        ),
        (
            r##"<switch id="w"><g id="de" systemLanguage="de"><rect id="no"/></g><rect id="yes"/><rect id="late"/></switch>"##,
            &[("w", None), ("yes", Some(0))],
        ),
        (r##"<text id="t">a<tspan id="s">b</tspan></text>"##, &[("t", None)]),
    ];
    for (body, expected) in cases {
        let model = serde_json::to_value(json(&drawing(body), &JsonOptions::default()));
        let model = model.expect("JSON");
        let found: Vec<(String, Option<u64>)> = model["elements"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|e| (e["id"].as_str().unwrap_or("").to_owned(), e["parent"].as_u64()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(id, p)| ((*id).to_owned(), *p)).collect();
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn json_has_text_as_it_is_read() {
    for (body, text) in [
        ("<text>U<tspan>in</tspan></text>", "Uin"),
        ("<text>Pump <tspan>P-1</tspan> 4 kW</text>", "Pump P-1 4 kW"),
        ("<text>\n  two\n  lines </text>", "two lines"),
        ("<text>a<tspan> b</tspan> <tspan>c</tspan></text>", "a b c"),
        ("<text/>", ""),
    ] {
        let model = json(&drawing(body), &JsonOptions::default());
        assert_eq!(model.elements[0].text.as_deref(), Some(text), "{body}");
    }
}

//! Documents as DXF, and back.

use std::collections::BTreeMap;

use svgx_base::random::SplitMix64;
use svgx_engine::document;
use svgx_exchange::dxf::{
    Error, ExportOptions, ExportReport, Exported, Imported, Limits, Options, Version, export,
};

use super::{drawn, unlimited};

const VERSIONS: [Version; 3] = [Version::R12, Version::R2000, Version::R2018];

fn within(content: &str, version: Version, limits: &Limits) -> Result<Exported, Error> {
    let of_document = document::Limits::default();
    let document = document::parse(content, &of_document).expect("a document");
    export(&document, &ExportOptions { version }, &of_document, limits, &unlimited())
}

fn written(content: &str, version: Version) -> (String, ExportReport) {
    let exported = within(content, version, &Limits::default()).expect("a file");
    (String::from_utf8(exported.dxf).expect("UTF-8"), exported.report)
}

/// The file of a drawing with these elements.
fn of(inside: &str, version: Version) -> (String, ExportReport) {
    written(&svg(inside), version)
}

fn svg(inside: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 100 80">{inside}</svg>"#
    )
}

fn read(text: &str) -> Imported {
    let limits = Limits::default();
    let read =
        svgx_exchange::dxf::import(text.as_bytes(), &Options::default(), &limits, &unlimited());
    read.expect("a file that is read back")
}

/// Pairs of the entities of the model, each entity on its own.
fn entities(file: &str) -> Vec<BTreeMap<i32, Vec<String>>> {
    let (_, model) = file.split_once("2\nENTITIES\n").expect("a model");
    let (model, _) = model.split_once("  0\nENDSEC").expect("an end");
    let lines: Vec<&str> = model.lines().collect();
    let mut all: Vec<BTreeMap<i32, Vec<String>>> = Vec::new();
    for pair in lines.chunks_exact(2) {
        let code: i32 = pair[0].trim().parse().expect("a code");
        if code == 0 {
            all.push(BTreeMap::new());
        }
        let last = all.last_mut().expect("a kind first");
        last.entry(code).or_default().push(pair[1].trim().to_owned());
    }
    all
}

fn numbers(entity: &BTreeMap<i32, Vec<String>>, code: i32) -> Vec<f64> {
    let values = entity.get(&code).map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|v| v.parse().expect("a number")).collect()
}

#[test]
fn shapes_are_the_entities_of_their_kind_with_y_upward() {
    let (file, report) = of(
        r##"<g fill="none" stroke="#f00">
            <line x1="1" y1="2" x2="3" y2="4"/><circle cx="5" cy="6" r="2"/>
            <ellipse cx="5" cy="6" rx="2" ry="4"/><rect x="1" y="1" width="4" height="3"/>
            <path d="M0 0A5 5 0 0 1 10 0"/><path d="M0 0C1 1 2 2 3 0S5 1 6 0"/>
            <path d="M9 9h0" stroke-linecap="round"/></g>
            <rect x="1" y="1" width="4" height="3" fill="#00f"/>"##,
        Version::R2000,
    );
    let model = entities(&file);
    let kinds: Vec<&str> = model.iter().map(|e| e[&0][0].as_str()).collect();
    assert_eq!(
        kinds,
        ["LINE", "CIRCLE", "ELLIPSE", "LWPOLYLINE", "ARC", "SPLINE", "POINT", "HATCH"]
    );
    assert_eq!(report.model.values().sum::<usize>(), 8);
    assert_eq!((numbers(&model[0], 20), numbers(&model[0], 21)), (vec![-2.0], vec![-4.0]));
    // Turned over, a sweep to the right of an arc that bulges upward is the upper half.
    assert_eq!((numbers(&model[4], 50), numbers(&model[4], 51)), (vec![0.0], vec![180.0]));
    assert_eq!(numbers(&model[2], 40), [0.5]);
    assert_eq!(numbers(&model[5], 40), [0., 0., 0., 0., 1., 1., 1., 2., 2., 2., 2.]);
    assert_eq!(numbers(&model[7], 62), [5.0]);
}

#[test]
fn layers_have_the_looks_of_what_is_on_them_first() {
    let (file, report) = of(
        r##"<g arx:layer="walls" fill="none" stroke="#00ff00" stroke-width="0.2" stroke-dasharray="2 1">
            <line x2="100"/><line x2="90" y2="80" stroke="#123456"/></g>
            <g id="doors" fill="none" stroke="#f00"><line x2="9"/></g>"##,
        Version::R2018,
    );
    assert_eq!(report.layers, 3, "{file}");
    let model = entities(&file);
    assert_eq!(model[0][&8], ["walls"]);
    assert!(!model[0].contains_key(&62) && !model[0].contains_key(&6), "{:?}", model[0]);
    assert_eq!(model[1][&420], [0x12_3456.to_string()]);
    assert_eq!(model[2][&8], ["doors"]);
    assert!(file.contains("\n 49\n2.0\n 74\n     0\n 49\n-1.0\n"), "{file}");
}

#[test]
fn what_use_shows_is_a_block_once_for_every_colour() {
    let (file, report) = of(
        r##"<defs><symbol id="door" overflow="visible"><path d="M0 0L9 0L9 5" fill="none"/></symbol></defs>
            <use href="#door" x="5" y="5" stroke="#f00"/>
            <use href="#door" transform="translate(40 40) rotate(90) scale(2)" stroke="#00f"/>
            <use href="#door" transform="skewX(30)" stroke="#00f"/>"##,
        Version::R2000,
    );
    assert_eq!((report.definitions, report.blocks.get("LWPOLYLINE")), (1, Some(&1)));
    assert_eq!((report.model["INSERT"], report.model["LWPOLYLINE"]), (2, 1));
    let model = entities(&file);
    assert_eq!((&model[0][&2], numbers(&model[0], 20)), (&vec!["door".to_owned()], vec![-5.0]));
    assert_eq!((numbers(&model[1], 50), numbers(&model[1], 41)), (vec![270.0], vec![2.0]));
}

#[test]
fn texts_have_height_angle_and_place() {
    let (file, _) = of(
        r##"<text x="10" y="20" font-size="10">Küche <tspan font-weight="bold">A</tspan></text>
            <text transform="rotate(-90)" text-anchor="middle" font-size="5"><tspan x="0">one</tspan><tspan x="0" dy="6">two</tspan></text>
            <text x="1" y="1" font-size="10" textLength="40" lengthAdjust="spacingAndGlyphs">fit</text>"##,
        Version::R2000,
    );
    let model = entities(&file);
    let said: Vec<&str> = model.iter().map(|e| e[&1][0].as_str()).collect();
    assert_eq!(said, ["K\\U+00FCche A", "one", "two", "fit"]);
    assert_eq!((numbers(&model[0], 40), numbers(&model[0], 20)), (vec![7.0], vec![-20.0]));
    assert_eq!((numbers(&model[1], 50), numbers(&model[1], 72)), (vec![90.0], vec![1.0]));
    // The second line is six further down, which turned is to the right.
    assert_eq!(numbers(&model[2], 11), [6.0]);
    assert_eq!((numbers(&model[3], 72), numbers(&model[3], 11)), (vec![5.0], vec![41.0]));
}

#[test]
fn what_the_format_has_nothing_for_is_counted() {
    let inside = r##"<defs><linearGradient id="g"><stop/></linearGradient><pattern id="p"/></defs>
        <rect width="9" height="9" fill="url(#g)"/><rect width="9" height="9" fill="url(#p)"/><image width="9" height="9" href="data:,"/>
        <rect width="9" height="9" filter="url(#f)" opacity="0.5"/><line x2="9" display="none"/>
        <path d="M0 0h9v9h-4v4z"/>"##;
    let codes = |version| {
        let (_, report) = of(inside, version);
        report.notes.into_iter().map(|note| note.code).collect::<Vec<_>>()
    };
    let newest = codes(Version::R2018);
    for code in ["dxf-paint", "dxf-gradient", "dxf-picture", "dxf-filter", "dxf-hidden"] {
        assert!(newest.iter().any(|c| c == code), "{code}: {newest:?}");
    }
    assert!(codes(Version::R2000).contains(&"dxf-transparency".to_owned()));
    let old = codes(Version::R12);
    assert!(
        old.contains(&"dxf-area".to_owned()) && old.contains(&"dxf-unit".to_owned()),
        "{old:?}"
    );
}

#[test]
fn no_text_and_no_name_breaks_the_structure() {
    let hostile = [
        "a\n0\nENDSEC\n0\nEOF".to_owned(),
        "\u{9}\u{85}\u{2028}0\r\nEOF\r\n".to_owned(),
        "%%%%d^J\\P\\U+000A\\U+000D{\\f".to_owned(),
        "ü🏠\u{FFFD}".repeat(300_000),
        " ".repeat(9_999),
    ];
    for version in VERSIONS {
        for text in &hostile {
            let name: String = text.chars().take(5_000).collect();
            let (file, _) = of(
                &format!(
                    r##"<text id="{name}" arx:layer="{name}" y="9">{text}</text>
                        <defs><g id="b{name}"><line x2="5" stroke="red"/></g></defs>
                        <use href="#b{name}"/><g arx:layer="{name}"><line x2="7" stroke="red"/></g>"##
                ),
                version,
            );
            assert_eq!(file.matches("\nEOF\n").count(), 1, "{version:?}");
            assert_eq!(file.lines().count() % 2, 0);
            assert!(file.lines().all(|line| line.len() <= 2_100));
            let back = read(&file);
            assert_eq!(back.report.model.not_drawn, BTreeMap::new());
            assert!(back.report.model.drawn.contains_key("LINE"), "{:?}", back.report);
        }
    }
}

#[test]
fn what_shows_itself_ends() {
    for inside in [
        r##"<g id="a"><line x2="5" stroke="red"/><use href="#a"/></g>"##,
        r##"<defs><g id="a"><use href="#b"/></g><g id="b"><line x2="5" stroke="red"/><use href="#a"/></g></defs><use href="#a"/>"##,
        r##"<defs><g id="a"><use href="#a" transform="skewX(30)"/></g></defs><use href="#a" transform="skewX(9)"/>"##,
    ] {
        let (file, report) = of(inside, Version::R2000);
        assert!(report.notes.iter().any(|n| n.code == "dxf-recursive"), "{:?}", report.notes);
        read(&file);
    }
}

#[test]
fn limits_are_held_by_name() {
    let lines = r#"<path d="M0 0L1 1L2 0L3 1" stroke="red"/>"#.repeat(50);
    let small = Limits { dxf_points: 100, ..Limits::default() };
    let error = within(&svg(&lines), Version::R2000, &small).map(|_| ()).expect_err("too many");
    assert!(matches!(error, Error::Limit { what: "dxf_points", limit: 100, .. }), "{error:?}");
    let short = Limits { dxf_bytes: 5_000, ..Limits::default() };
    let error = within(&svg(&lines), Version::R2000, &short).map(|_| ()).expect_err("too long");
    assert!(matches!(error, Error::Limit { what: "dxf_bytes", .. }), "{error:?}");
}

#[test]
fn mutated_documents_are_written_and_read_back_or_refused() {
    let whole = svg(r##"<style>.a{stroke:#f00;stroke-dasharray:3 1}</style><defs><symbol id="s"
        viewBox="0 0 10 10" overflow="visible"><path d="M0 0A5 3 20 0 1 9 9C1 1 2 2 3 0Z"/></symbol></defs>
        <g class="a" arx:layer="walls" transform="rotate(30) scale(2 -1)"><rect x="1" y="2" width="30" height="9" rx="3"/>
        <use href="#s" x="3" width="20" height="9"/><ellipse cx="4" cy="5" rx="7" ry="2"/></g>
        <text x="5 9" y="9" font-size="4"><tspan dy="1em">a</tspan>b</text><polyline points="1 2 3 4 5 6"/>"##);
    let mut random = SplitMix64::new(20_261_130);
    let small = document::Limits::default();
    let (mut was_written, mut refused) = (0, 0);
    for round in 0..400_usize {
        let mut bytes = whole.clone().into_bytes();
        let mut below = |end: usize| (random.next_u64() % end as u64) as usize;
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            // Digits for digits as a rule: other bytes are mostly refused by the parser.
            bytes[at] = match (bytes[at], below(4)) {
                (b'0'..=b'9', 0..=2) => b"0123456789.-e%"[below(14)],
                (other, 0) => other ^ (1 << below(7)),
                (other, _) => other,
            };
        }
        let content = String::from_utf8_lossy(&bytes);
        let Ok(document) = document::parse(&content, &small) else { continue };
        let options = ExportOptions { version: VERSIONS[round % 3] };
        match export(&document, &options, &small, &Limits::default(), &unlimited()) {
            Ok(exported) => {
                was_written += 1;
                let file = String::from_utf8(exported.dxf).expect("UTF-8");
                let back = read(&file).report;
                let (drawn, told) = (back.model.entities, exported.report.model.values().sum());
                assert_eq!((drawn, back.model.not_drawn.len()), (told, 0), "{round}: {content}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(was_written > 200, "{was_written} written, {refused} refused");
}

#[test]
fn curves_that_become_lines_are_counted() {
    let curve = "c0 900 900 900 0 0".repeat(2_000);
    let drawing = svg(&format!(r#"<path d="M0 0{curve}" stroke="red"/>"#));
    let error = within(&drawing, Version::R12, &Limits::default()).map(|_| ()).expect_err("lines");
    assert!(matches!(error, Error::Limit { what: "dxf_points", .. }), "{error:?}");
    assert!(within(&drawing, Version::R2000, &Limits::default()).is_ok());
}

fn near(a: Option<[f64; 4]>, b: Option<[f64; 4]>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a == b };
    let size = (b[2] - b[0]).max(b[3] - b[1]);
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-6 * size)
}

/// A file with what is the same on both sides.
const BOTH: &str = "
    # HEADER
    9 $ACADVER
    1 AC1015
    9 $INSUNITS
    70 6
    # BLOCKS
    0 BLOCK
    2 part
    10 1
    20 2
    0 ARC
    8 0
    10 5
    20 5
    40 3
    50 30
    51 300
    0 ENDBLK
    # ENTITIES
    0 LINE
    8 0
    10 0
    20 0
    11 40
    21 30
    0 ARC
    8 0
    10 70
    20 -50
    40 12.5
    50 200
    51 90
    0 CIRCLE
    8 0
    10 3
    20 4
    40 5
    0 ELLIPSE
    8 0
    10 3
    20 4
    11 6
    21 2
    40 0.4
    41 0.5
    42 5
    0 LWPOLYLINE
    8 0
    90 4
    70 1
    10 0
    20 0
    42 0.5
    10 9
    20 0
    42 -3
    10 9
    20 9
    10 0
    20 9
    0 POINT
    8 0
    10 1
    20 1
    0 TEXT
    8 0
    10 4
    20 4
    40 2.5
    1 a text
    50 30
    0 INSERT
    8 0
    2 part
    10 20
    20 20
    41 2
    42 -1.5
    50 33";

#[test]
fn a_file_comes_back_with_its_kinds_and_its_extents() {
    let first = drawn(BOTH);
    for version in [Version::R2000, Version::R2018] {
        let (file, report) = written(&first.svgx, version);
        assert_eq!(report.notes, [], "{file}");
        let back = read(&file);
        assert_eq!(back.report.model.drawn, first.report.model.drawn, "{}", first.svgx);
        assert_eq!(back.report.blocks.drawn, first.report.blocks.drawn);
        assert_eq!(back.report.unit, first.report.unit);
        let (ours, theirs) = (back.report.extents, first.report.extents);
        assert!(near(ours, theirs), "{ours:?} {theirs:?}");
    }
    // R12 has no curves, and no units but what is asked for.
    let (file, _) = written(&first.svgx, Version::R12);
    let back = read(&file);
    assert_eq!(back.report.model.entities, first.report.model.entities);
    assert!(near(back.report.extents, first.report.extents), "{:?}", back.report);
}

#[test]
fn a_document_comes_back_where_it_was() {
    for name in ["room", "floor-plan", "plant-room", "sketch"] {
        let path = format!("{}/../../examples/{name}.svgx", env!("CARGO_MANIFEST_DIR"));
        let content = std::fs::read_to_string(path).expect("an example");
        let (file, first) = written(&content, Version::R2018);
        let back = read(&file);
        // What comes back is written alike: nothing is lost on the second way.
        let (_, second) = written(&back.svgx, Version::R2018);
        let strip = |report: &ExportReport| report.model.clone();
        assert_eq!(strip(&second), strip(&first), "{name}");
        assert_eq!(back.report.model.not_drawn, BTreeMap::new(), "{name}");
    }
}

#[test]
fn looks_are_those_of_every_rule_that_an_element_meets() {
    let colours = |style: &str, inside: &str| -> Vec<String> {
        let (file, _) = of(&format!("<style>{style}</style>{inside}"), Version::R2000);
        let of =
            |e: &BTreeMap<i32, Vec<String>>| e.get(&62).map_or("7".to_owned(), |c| c[0].clone());
        entities(&file).iter().map(of).collect()
    };
    let lines = r##"<g class="a"><line x2="1" class="r"/><line x2="2" class="r"/>
        <line x2="3" id="b" class="r"/><line x2="4" stroke="#00f"/><line x2="5" style="stroke:#0f0"/></g>
        <g class="c"><line x2="6" class="r"/><line x2="7" class="r"/></g>"##;
    // Names and classes alone, of what is around as well.
    assert_eq!(
        colours("line{stroke:#ff0}.r{stroke:#f00}.c .r{stroke:#f0f}", lines),
        ["1", "1", "1", "2", "3", "6", "6"]
    );
    // Ids and siblings.
    assert_eq!(
        colours(".r{stroke:#f00}#b{stroke:#0ff}line:nth-child(2){stroke:#f0f}", lines),
        ["1", "6", "4", "5", "3", "1", "6"]
    );
    // States fade what they are of alone.
    let states =
        r##"<g stroke="#f00"><line x2="1"/><line x2="2" arx:highlight="true"/><line x2="3"/></g>"##;
    let all = colours("", states);
    assert!(all[0] == "1" && all[1] != "1" && all[2] == "1", "{all:?}");
}

#[test]
fn what_a_style_places_is_where_it_places_it() {
    let (file, report) = of(
        r##"<style>.m{transform:translate(10px,20px)}.r{r:7px}</style><g fill="none" stroke="#f00">
        <line class="m" x2="5"/><circle class="r" cx="30" cy="40" r="2"/>
        <line x2="5" style="transform:translate(1px, 2px)"/></g>"##,
        Version::R2000,
    );
    let model = entities(&file);
    assert_eq!((numbers(&model[0], 10), numbers(&model[0], 20)), (vec![10.0], vec![-20.0]));
    assert_eq!(numbers(&model[1], 40), [7.0]);
    assert_eq!((numbers(&model[2], 10), numbers(&model[2], 20)), (vec![1.0], vec![-2.0]));
    assert_eq!(report.extents, Some([1.0, -47.0, 37.0, -2.0]));
}

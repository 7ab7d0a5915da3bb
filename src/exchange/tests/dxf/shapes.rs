//! What each kind of entity becomes.

use super::{drawn, file, read};

/// Entities, and what has to be in the document.
const KINDS: &[(&str, &[&str])] = &[
    (
        "0 LINE\n8 0\n10 0\n20 0\n11 100\n21 50",
        &["<line class=\"layer-0\" x1=\"0\" y1=\"0\" x2=\"100\" y2=\"-50\"/>"],
    ),
    (
        "0 CIRCLE\n8 0\n10 10\n20 20\n40 5",
        &["<circle class=\"layer-0\" cx=\"10\" cy=\"-20\" r=\"5\"/>"],
    ),
    // A quarter that turns counter-clockwise in the file.
    ("0 ARC\n8 0\n10 0\n20 0\n40 10\n50 0\n51 90", &["d=\"M10 0A10 10 0 0 0 0 -10\""]),
    // The same seen from below: x is mirrored.
    (
        "0 ARC\n8 0\n10 0\n20 0\n40 10\n50 0\n51 90\n210 0\n220 0\n230 -1",
        &["d=\"M-10 0A10 10 0 0 1 0 -10\""],
    ),
    // A bulge of 1 is half a circle.
    (
        "0 LWPOLYLINE\n8 0\n90 2\n70 0\n10 0\n20 0\n42 1\n10 10\n20 0",
        &["d=\"M0 0A5 5 0 0 0 10 0\""],
    ),
    (
        "0 LWPOLYLINE\n8 0\n90 3\n70 1\n43 2\n10 0\n20 0\n10 10\n20 0\n10 10\n20 10",
        &["d=\"M0 0L10 0L10 -10Z\"", "stroke-width:2\""],
    ),
    (
        "0 ELLIPSE\n8 0\n10 0\n20 0\n11 20\n21 0\n40 .5\n41 0\n42 3.141592653589793",
        &["d=\"M20 0A20 10 0 0 0 -20 0\""],
    ),
    // One Bézier span, and a quadratic one that is raised by a degree.
    (
        "0 SPLINE\n8 0\n70 8\n71 3\n40 0\n40 0\n40 0\n40 0\n40 1\n40 1\n40 1\n40 1\n10 0\n20 0\n10 1\n20 10\n10 2\n20 -10\n10 30\n20 0",
        &["d=\"M0 0C1 -10 2 10 30 0\""],
    ),
    (
        "0 SPLINE\n8 0\n71 2\n40 0\n40 0\n40 0\n40 1\n40 1\n40 1\n10 0\n20 0\n10 30\n20 30\n10 60\n20 0",
        &["d=\"M0 0C20 -20 40 -20 60 0\""],
    ),
    // Two spans: the knot between them is inserted until the curve is on it.
    (
        "0 SPLINE\n8 0\n71 3\n40 0\n40 0\n40 0\n40 0\n40 1\n40 2\n40 2\n40 2\n40 2\n10 0\n20 0\n10 10\n20 40\n10 20\n20 40\n10 30\n20 40\n10 40\n20 0",
        &["d=\"M0 0C10 -40 15 -40 20 -40C25 -40 30 -40 40 0\""],
    ),
    (
        "0 POLYLINE\n8 0\n66 1\n70 1\n0 VERTEX\n8 0\n10 0\n20 0\n0 VERTEX\n8 0\n10 9\n20 0\n0 VERTEX\n8 0\n10 9\n20 9\n0 SEQEND",
        &["d=\"M0 0L9 0L9 -9Z\""],
    ),
    (
        "0 SOLID\n8 0\n10 0\n20 0\n11 9\n21 0\n12 0\n22 9\n13 9\n23 9",
        &["class=\"solid layer-0\"", "d=\"M0 0L9 0L9 -9L0 -9Z\""],
    ),
    (
        "0 3DFACE\n8 0\n10 0\n20 0\n11 9\n21 0\n12 9\n22 9\n13 0\n23 9\n70 1",
        &["d=\"M9 0L9 -9M9 -9L0 -9M0 -9L0 0\""],
    ),
    (
        "0 HATCH\n8 0\n2 SOLID\n70 1\n71 0\n91 1\n92 3\n72 0\n73 1\n93 3\n10 0\n20 0\n10 9\n20 0\n10 9\n20 9\n97 0\n75 0\n76 1",
        &["fill-rule=\"evenodd\" d=\"M0 0L9 0L9 -9L0 0Z\""],
    ),
    // An island that the style ignores.
    (
        "0 HATCH\n8 0\n2 SOLID\n70 1\n71 0\n91 2\n92 3\n72 0\n73 1\n93 3\n10 0\n20 0\n10 9\n20 0\n10 9\n20 9\n97 0\n92 18\n72 0\n73 1\n93 3\n10 5\n20 1\n10 8\n20 1\n10 8\n20 4\n97 0\n75 2\n76 1",
        &["fill-rule=\"evenodd\" d=\"M0 0L9 0L9 -9L0 0Z\"/>"],
    ),
    // Edges: a line and half a circle back, which is stored as a clockwise one.
    (
        "0 HATCH\n8 0\n2 ANSI31\n70 0\n71 0\n91 1\n92 1\n93 2\n72 1\n10 -5\n20 0\n11 5\n21 0\n72 2\n10 0\n20 0\n40 5\n50 0\n51 180\n73 0\n97 0\n75 0\n76 1",
        &["d=\"M-5 0L5 0A5 5 0 0 1 -5 0Z\""],
    ),
    // A pattern of level lines 4 apart, in the half of a circle of radius 5 below y = 0: one at -2,
    // with dashes of 3 and gaps of 1 from x = 0 on.
    (
        "0 HATCH\n8 0\n2 USER\n70 0\n71 0\n91 1\n92 1\n93 2\n72 1\n10 5\n20 0\n11 -5\n21 0\n72 2\n10 0\n20 0\n40 5\n50 180\n51 360\n73 1\n97 0\n75 0\n76 1\n78 1\n53 0\n43 0\n44 2\n45 0\n46 4\n79 2\n49 3\n49 -1\n98 0",
        &["d=\"M-4 2L-1 2M0 2L3 2M4 2L4.582576 2\""],
    ),
    // Upright ones through a square with a hole.
    (
        "0 HATCH\n8 0\n2 USER\n70 0\n71 0\n91 2\n92 3\n72 0\n73 1\n93 4\n10 0\n20 0\n10 9\n20 0\n10 9\n20 9\n10 0\n20 9\n97 0\n92 2\n72 0\n73 1\n93 4\n10 3\n20 3\n10 6\n20 3\n10 6\n20 6\n10 3\n20 6\n97 0\n75 0\n76 1\n78 1\n53 90\n43 4.5\n44 0\n45 -4\n46 0\n79 0",
        &["d=\"M8.5 0L8.5 -9M4.5 0L4.5 -3M4.5 -6L4.5 -9M0.5 0L0.5 -9\""],
    ),
    // An arrow: a line, then a head that ends in a point.
    (
        "0 LWPOLYLINE\n8 0\n90 3\n70 0\n10 0\n20 0\n40 0\n41 0\n10 20\n20 0\n40 6\n41 0\n10 30\n20 0",
        &[
            "class=\"solid layer-0\" fill-rule=\"evenodd\" d=\"M20 -3L30 0L30 0L20 3Z\"",
            "d=\"M0 0L20 0L30 0\"",
        ],
    ),
    (
        "0 TEXT\n8 0\n10 5\n20 5\n40 7\n1 a<b %%c20\n72 2\n11 50\n21 5",
        &[
            "font-size=\"10\" text-anchor=\"end\">a&lt;b ⌀20</text>",
            "transform=\"translate(50 -5)\"",
        ],
    ),
    (
        "0 MTEXT\n8 0\n10 0\n20 0\n40 7\n71 1\n1 {\\fArial;one}\\Ptwo",
        &["<tspan x=\"0\" y=\"7\">one</tspan><tspan x=\"0\" y=\"18.666667\">two</tspan>"],
    ),
    ("0 POINT\n8 0\n10 3\n20 4", &["stroke-linecap=\"round\" d=\"M3 -4h0\""]),
    (
        "0 MLINE\n8 0\n71 1\n72 2\n73 2\n10 0\n20 0\n11 0\n21 0\n12 1\n22 0\n13 0\n23 1\n74 1\n41 2\n75 0\n74 1\n41 -2\n75 0\n11 9\n21 0\n12 1\n22 0\n13 0\n23 1\n74 1\n41 2\n75 0\n74 1\n41 -2\n75 0",
        &["d=\"M0 -2L9 -2M0 2L9 2\""],
    ),
];

/// A frame, so that every drawing has the same size.
const FRAME: &str = "0 LINE\n8 0\n10 -100\n20 -100\n11 100\n21 100\n";

#[test]
fn each_kind_of_entity_is_drawn_exactly() {
    for (entity, wanted) in KINDS {
        let pairs =
            format!("#TABLES\n0 LAYER\n2 0\n62 7\n6 CONTINUOUS\n#ENTITIES\n{FRAME}{entity}");
        let imported = drawn(&pairs);
        for wanted in *wanted {
            assert!(imported.svgx.contains(wanted), "{entity}\n{wanted}\n{}", imported.svgx);
        }
        let model = &imported.report.model;
        assert_eq!((model.entities, model.drawn.values().sum()), (2, 2), "{entity}");
        assert_eq!(imported.report.extents, Some([-100.0, -100.0, 100.0, 100.0]), "{entity}");
    }
}

#[test]
fn what_is_not_drawn_is_counted_with_its_reason() {
    let imported = drawn(
        "#ENTITIES
        0 LINE\n8 0\n10 0\n20 0\n11 9\n21 9
        0 3DSOLID\n8 0
        0 3DSOLID\n8 0
        0 INSERT\n8 0\n2 NOWHERE\n10 0\n20 0
        0 CIRCLE\n8 0\n10 0\n20 x\n40 3
        0 LWPOLYLINE\n8 0
        0 LINE\n8 0\n67 1\n10 0\n20 0\n11 99\n21 99",
    );
    let report = &imported.report;
    let (drawn, left) = (&report.model.drawn, &report.model.not_drawn);
    assert_eq!(report.model.entities, drawn.values().chain(left.values()).sum::<usize>());
    assert_eq!((report.model.entities, report.paper), (6, 1));
    assert_eq!(left.get("3DSOLID"), Some(&2));
    let codes: Vec<&str> = report.notes.iter().map(|n| n.code.as_str()).collect();
    let all = ["dxf-units-doubt", "dxf-kind", "dxf-no-block", "dxf-number", "dxf-empty"];
    assert_eq!(codes, all);
}

#[test]
fn inserts_are_uses_of_symbols_with_their_attributes() {
    let imported = drawn(
        "#HEADER\n9 $INSUNITS\n70 6
        #TABLES\n0 LAYER\n2 0\n62 7\n0 LAYER\n2 Wände & Türen\n62 1
        #BLOCKS
        0 BLOCK\n2 Door\n10 1\n20 0
        0 LINE\n8 0\n10 1\n20 0\n11 3\n21 0
        0 LINE\n8 0\n62 0\n10 1\n20 0\n11 1\n21 4
        0 ATTDEF\n8 0\n2 TAG\n10 0\n20 0\n40 1
        0 ENDBLK
        #ENTITIES
        0 INSERT\n8 Wände & Türen\n2 DOOR\n66 1\n10 10\n20 20\n41 2\n42 2\n50 90
        0 ATTRIB\n8 0\n10 10\n20 20\n40 1\n1 D1\n2 TAG\n70 0
        0 SEQEND
        0 INSERT\n8 0\n2 door\n10 0\n20 0\n70 3\n71 2\n44 5\n45 7",
    );
    let text = &imported.svgx;
    for wanted in [
        "arx:units=\"m\"",
        "<symbol id=\"block-Door\" overflow=\"visible\">",
        // x of the block runs upward: a quarter turn against the clock, twice as large.
        "class=\"layer-Wände---Türen\" style=\"stroke:#ff0000;fill:#ff0000;stroke-width:",
        "href=\"#block-Door\" transform=\"matrix(0 -2 2 0 10 -18)\"/>",
        ">D1</text>",
        ".layer-Wände---Türen{color:#ff0000;",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert_eq!(text.matches("<use").count(), 7);
    // The array reaches to 12 and up to 11; the turned door from 2 to 10, and up to 24.
    assert_eq!(imported.report.extents, Some([0.0, 0.0, 12.0, 24.0]));
    assert_eq!(imported.report.blocks.drawn.get("ATTDEF"), Some(&1));
    assert!(
        text.contains("<arx:attribute name=\"TAG\" x=\"0\" y=\"0\" size=\"1\" anchor=\"start\"/>"),
        "{text}"
    );
}

/// An array of a block with a template, with two attributes: one as the template says, and one in its own colour.
fn array(columns: u32, rows: u32) -> String {
    format!(
        "#BLOCKS
        0 BLOCK\n2 Flag\n10 0\n20 0
        0 LINE\n8 0\n10 0\n20 0\n11 1\n21 3
        0 ATTDEF\n8 0\n2 TAG\n10 1\n20 0\n40 1
        0 ATTDEF\n8 0\n2 NOTE\n10 1\n20 1\n40 1
        0 ENDBLK
        #ENTITIES
        0 INSERT\n8 0\n2 Flag\n66 1\n10 10\n20 20\n70 {columns}\n71 {rows}\n44 5\n45 7
        0 ATTRIB\n8 0\n10 11\n20 20\n40 1\n1 F1\n2 TAG\n70 0
        0 ATTRIB\n8 0\n62 3\n10 11\n20 21\n40 1\n1 green\n2 NOTE\n70 0
        0 SEQEND"
    )
}

#[test]
fn attributes_of_an_array_stand_in_each_of_its_cells() {
    let imported = drawn(&array(3, 2));
    let text = &imported.svgx;
    assert_eq!(text.matches("<use").count(), 6);
    assert_eq!(text.matches("<arx:attribute name=\"TAG\" value=\"F1\"/>").count(), 6, "{text}");
    assert_eq!(text.matches(">green</text>").count(), 6, "{text}");
    for place in ["(11 -21)", "(21 -28)"] {
        assert!(text.contains(&format!("translate{place}\" font-size")), "{place}\n{text}");
    }
    assert_eq!(imported.report.model.drawn.get("INSERT"), Some(&1));
    let refused = read(file(&array(30_000, 30_000)).as_bytes()).unwrap_err();
    assert!(refused.to_string().contains("instances"), "{refused}");
}

#[test]
fn a_block_that_contains_itself_is_told_and_the_rest_is_drawn() {
    let imported = drawn(
        "#BLOCKS
        0 BLOCK\n2 A\n10 0\n20 0\n0 LINE\n8 0\n10 0\n20 0\n11 9\n21 9\n0 INSERT\n8 0\n2 B\n10 0\n20 0\n0 ENDBLK
        0 BLOCK\n2 B\n10 0\n20 0\n0 INSERT\n8 0\n2 A\n10 1\n20 1\n0 ENDBLK
        #ENTITIES\n0 INSERT\n8 0\n2 A\n10 0\n20 0",
    );
    assert!(imported.report.notes.iter().any(|n| n.code == "dxf-recursive-block"));
    assert_eq!(imported.report.blocks.not_drawn.get("INSERT"), Some(&1));
    assert_eq!(imported.report.extents, Some([0.0, 0.0, 9.0, 9.0]));
}

#[test]
fn layers_that_are_frozen_or_off_are_hidden_and_line_types_are_dashes() {
    let imported = drawn(
        "#HEADER\n9 $LTSCALE\n40 2
        #TABLES
        0 LTYPE\n2 DASHED\n49 3\n49 -1\n49 0\n49 -1
        0 LAYER\n2 F\n62 3\n70 1\n6 DASHED\n370 50
        0 LAYER\n2 O\n62 -3
        #ENTITIES
        0 LINE\n8 F\n10 0\n20 0\n11 420\n21 0
        0 LINE\n8 O\n48 2\n6 DASHED\n420 255\n370 100\n10 0\n20 0\n11 1\n21 0",
    );
    for wanted in [
        ".layer-F{color:#00ff00;stroke-dasharray:6 2 0.25 2;stroke-width:0.5;display:none}",
        ".layer-O{color:#00ff00;stroke-dasharray:none;visibility:hidden}",
        "style=\"stroke:#0000ff;stroke-dasharray:12 4 0.25 4;stroke-width:1\"",
    ] {
        assert!(imported.svgx.contains(wanted), "{wanted}\n{}", imported.svgx);
    }
}

#[test]
fn texts_are_read_by_their_code_page_and_utf8_since_2007() {
    for (version, page, bytes, shown) in [
        ("AC1015", "ANSI_1251", b"\xCF\xEB\xE0\xED".as_slice(), "План"),
        ("AC1015", "dos932", b"\x90\x7D".as_slice(), "図"),
        ("AC1027", "ANSI_1252", "План".as_bytes(), "План"),
    ] {
        let pairs = format!(
            "#HEADER\n9 $ACADVER\n1 {version}\n9 $DWGCODEPAGE\n3 {page}\n#ENTITIES\n0 TEXT\n8 0\n10 0\n20 0\n40 1\n1 @"
        );
        let text = file(&pairs);
        let (before, after) = text.split_once('@').expect("the place of the text");
        let imported = read(&[before.as_bytes(), bytes, after.as_bytes()].concat());
        let imported = imported.expect("a file that is read");
        assert!(imported.svgx.contains(&format!(">{shown}</text>")), "{}", imported.svgx);
    }
}

#[test]
fn units_in_feet_and_inches_are_believed_before_the_header() {
    let pairs = "#HEADER\n9 $INSUNITS\n70 4
        #TABLES\n0 DIMSTYLE\n2 ARCH\n277 4
        #BLOCKS\n0 BLOCK\n2 *D1\n10 0\n20 0\n0 LINE\n8 0\n10 0\n20 0\n11 192\n21 0\n0 ENDBLK
        #ENTITIES\n0 DIMENSION\n8 0\n2 *D1\n3 Arch\n70 0";
    let imported = drawn(pairs);
    assert!(imported.svgx.contains("arx:units=\"in\""));
    assert!(imported.report.notes.iter().any(|n| n.code == "dxf-units-doubt"));
    assert_eq!(imported.report.extents, Some([0.0, 0.0, 192.0, 0.0]));
}

/// A multileader with a text, as programs write it.
const MULTILEADER: &str =
    "0 MULTILEADER\n5 M1\n8 0\n100 AcDbMLeader\n300 CONTEXT_DATA{\n40 1\n10 50\n20 30
41 4\n140 2\n145 2\n290 1\n304 {\\fArial;steel}\\Pplate\n12 52\n22 32\n13 1\n23 0\n43 0\n45 1\n171 1
302 LEADER{\n290 1\n291 1\n10 40\n20 30\n11 1\n21 0\n90 0\n40 8
304 LEADER_LINE{\n10 0\n20 0\n91 0\n305 }
304 LEADER_LINE{\n10 0\n20 30\n91 1\n305 }
303 }\n301 }\n170 1\n291 1\n172 2";

#[test]
fn multileaders_are_lines_with_arrows_and_their_text() {
    let imported = drawn(&format!("#ENTITIES\n{MULTILEADER}"));
    let report = &imported.report;
    assert_eq!(report.model.drawn.get("MULTILEADER"), Some(&1));
    for wanted in [
        "<g id=\"e-M1\">",
        // Both lines, and the landing.
        "d=\"M0 0L40 -30M0 -30L40 -30M40 -30L48 -30\"",
        // The arrow of the second: two long, a third of that wide.
        "d=\"M0 -30L2 -30.333333L2 -29.666667Z\"",
        "matrix(1 0 0 1 52 -32)",
        ">steel</tspan>",
        ">plate</tspan>",
    ] {
        let text = imported.svgx.replace("translate(52 -32)", "matrix(1 0 0 1 52 -32)");
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert_eq!(report.extents, Some([0.0, 0.0, 48.0, 30.333333333333332]));
}

#[test]
fn multileaders_lead_to_blocks_with_their_attributes() {
    let imported = drawn(
        "#TABLES\n0 BLOCK_RECORD\n5 20\n2 Tag\n0 BLOCK_RECORD\n5 21\n2 _Dot
        #BLOCKS
        0 BLOCK\n2 TAG\n10 0\n20 0\n0 CIRCLE\n8 0\n10 0\n20 0\n40 5\n0 ATTDEF\n5 22\n8 0\n2 NO\n10 -1\n20 -1\n40 2\n70 0\n0 ENDBLK
        0 BLOCK\n2 _DOT\n10 0\n20 0\n0 CIRCLE\n8 0\n10 0\n20 0\n40 0.5\n0 ENDBLK
        #ENTITIES
        0 MULTILEADER\n8 0\n300 CONTEXT_DATA{\n140 2\n341 20\n15 50\n25 0\n16 2\n26 2\n36 2\n46 0
        302 LEADER{\n10 40\n20 0\n11 1\n21 0\n40 0\n304 LEADER_LINE{\n10 0\n20 0\n305 }\n303 }\n301 }
        170 1\n342 21\n172 1\n344 20\n330 22\n177 1\n44 0\n302 17",
    );
    for wanted in [
        "d=\"M0 0L40 0\"",
        "href=\"#block-TAG\" transform=\"matrix(2 0 0 2 50 0)\"",
        // The arrow points away from its line.
        "href=\"#block-_DOT\" transform=\"matrix(-2 0 0 -2 0 0)\"",
        ">17</text>",
    ] {
        assert!(
            imported.svgx.contains(wanted)
                || wanted.starts_with("d=") && imported.svgx.contains("x2=\"40\""),
            "{wanted}\n{}",
            imported.svgx
        );
    }
}

#[test]
fn leaders_have_the_arrow_of_their_style() {
    let leader = "0 LEADER\n8 0\n3 BIG\n71 1\n10 0\n20 0\n10 30\n20 0\n";
    let style = "#TABLES\n0 DIMSTYLE\n2 Big\n40 2\n41 3\n";
    let imported = drawn(&format!("{style}#ENTITIES\n{leader}"));
    assert!(imported.svgx.contains("d=\"M0 0L6 -1L6 1Z\""), "{}", imported.svgx);
    // None where it is switched off, where the line is too short, and where there is no style.
    for other in [
        leader.replace("71 1", "71 0"),
        leader.replace("10 30", "10 11"),
        leader.replace("BIG", "X"),
    ] {
        let imported = drawn(&format!("{style}#ENTITIES\n{other}"));
        assert!(!imported.svgx.contains("Z\""), "{}", imported.svgx);
    }
}

#[test]
fn multileaders_that_lie_are_counted() {
    let cases = [
        ("10 0\n20 0\n91 0", "10 nan\n20 0\n91 0", "dxf-number"),
        ("172 2", "172 1\n344 77", "dxf-no-block"),
    ];
    for (from, to, code) in cases {
        let imported = drawn(&format!("#ENTITIES\n{}", MULTILEADER.replace(from, to)));
        let report = &imported.report;
        assert_eq!(report.model.not_drawn.get("MULTILEADER"), Some(&1), "{to}");
        assert!(report.notes.iter().any(|note| note.code == code), "{:?}", report.notes);
    }
    // Nothing in it, and more lines than there may be.
    let many = "304 LEADER_LINE{\n10 0\n20 0\n305 }\n".repeat(2_000);
    for inside in ["", "302 LEADER{\n", &format!("302 LEADER{{\n{many}")] {
        let text = format!("#ENTITIES\n0 MULTILEADER\n8 0\n300 CONTEXT_DATA{{\n{inside}");
        let report = drawn(&text).report;
        assert_eq!(report.model.not_drawn.get("MULTILEADER"), Some(&1), "{inside:.40}");
    }
}

//! Layouts as sheets, and sheets as layouts.

use svgx_drafting::{Sheet, on_sheet, sheets};
use svgx_engine::document::{self, Document, NodeId};
use svgx_exchange::dxf::{ExportOptions, Exported, Limits, Options, Version, export, import};

use super::{drawn, unlimited};

/// A model of a line, and two layouts: one in millimetres with two views, one in inches.
const LAYOUTS: &str = "#HEADER\n9 $ACADVER\n1 AC1027\n9 $INSUNITS\n70 4
    #TABLES
    0 LAYER\n2 thick\n62 1\n6 CONTINUOUS\n370 50
    0 BLOCK_RECORD\n5 1B\n2 *Paper_Space\n0 BLOCK_RECORD\n5 1C\n2 *Paper_Space0
    0 BLOCK_RECORD\n5 1D\n2 *Model_Space
    #BLOCKS
    0 BLOCK\n2 MARK\n10 0\n20 0\n0 CIRCLE\n8 0\n10 0\n20 0\n40 3\n0 ENDBLK
    0 BLOCK\n330 1C\n2 *Paper_Space0\n10 0\n20 0\n0 LINE\n67 1\n8 0\n10 1\n20 1\n11 2\n21 1\n0 ENDBLK
    #ENTITIES
    0 LINE\n5 A1\n8 0\n10 0\n20 0\n11 1000\n21 500
    0 VIEWPORT\n67 1\n8 0\n10 210\n20 148\n40 420\n41 297\n68 1\n69 1\n12 210\n22 148\n45 297
    0 VIEWPORT\n67 1\n8 0\n10 110\n20 160\n40 200\n41 100\n68 2\n69 2\n12 500\n22 250\n45 500
    0 VIEWPORT\n67 1\n8 0\n10 300\n20 160\n40 50\n41 50\n68 3\n69 3\n12 0\n22 0\n17 100\n27 40\n45 50\n331 AB
    0 VIEWPORT\n67 1\n8 0\n10 300\n20 60\n40 50\n41 50\n68 4\n69 4\n12 0\n22 0\n45 50\n51 30
    0 LINE\n5 B1\n67 1\n8 thick\n10 10\n20 10\n11 410\n21 10
    0 INSERT\n5 B2\n67 1\n8 0\n2 MARK\n10 20\n20 30
    0 REGION\n67 1\n8 0
    #OBJECTS
    0 LAYOUT\n5 2A\n100 AcDbPlotSettings\n44 420\n45 297\n72 1\n142 1\n143 1\n100 AcDbLayout\n1 Ground floor\n71 2\n10 0\n20 0\n11 420\n21 297\n330 1B
    0 LAYOUT\n5 2B\n100 AcDbPlotSettings\n40 25.4\n41 50.8\n44 279.4\n45 215.9\n72 0\n100 AcDbLayout\n1 Detail\n71 1\n10 0\n20 0\n11 1\n21 1\n330 1C
    0 LAYOUT\n5 2C\n100 AcDbPlotSettings\n72 1\n100 AcDbLayout\n1 Model\n71 0\n330 1D";

fn parsed(svgx: &str) -> Document {
    document::parse(svgx, &document::Limits::default()).expect("a document")
}

fn found(svgx: &str) -> Vec<Sheet> {
    let (found, wrong) = sheets(&parsed(svgx));
    assert!(wrong.is_empty(), "{wrong:?}");
    found
}

fn written(svgx: &str, version: Version) -> Exported {
    let limits = document::Limits::default();
    let document = parsed(svgx);
    export(&document, &ExportOptions { version }, &limits, &Limits::default(), &unlimited())
        .expect("a file")
}

#[test]
fn layouts_are_sheets_in_the_order_of_their_tabs() {
    let imported = drawn(LAYOUTS);
    let report = &imported.report;
    let all = &report.on_paper;
    assert_eq!((report.paper, report.sheets, all.entities), (8, 2, 8));
    assert_eq!(all.drawn.values().chain(all.not_drawn.values()).sum::<usize>(), 8);
    assert_eq!((all.drawn["VIEWPORT"], all.not_drawn["VIEWPORT"]), (3, 1));
    assert_eq!(all.not_drawn["REGION"], 1);
    let codes: Vec<&str> = report.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["dxf-view-layers", "dxf-view", "dxf-kind"]);
    // The model is as large as without them.
    assert_eq!(report.extents, Some([0.0, 0.0, 1000.0, 500.0]));
    let sheets = found(&imported.svgx);
    let [detail, floor] = sheets.as_slice() else { panic!("{sheets:?}") };
    assert_eq!(
        (floor.id.as_str(), floor.size, floor.frame),
        ("sheet-Ground-floor", [420.0, 297.0], false)
    );
    assert_eq!(
        (detail.id.as_str(), detail.size, detail.views.len()),
        ("sheet-Detail", [279.4, 215.9], 0)
    );
    let [first, second] = floor.views.as_slice() else { panic!("{floor:?}") };
    let of = first.of.expect("a part");
    assert_eq!([of.x, of.y, of.width, of.height], [0.0, -500.0, 1000.0, 500.0]);
    // One millimetre of paper is five of the model; the corner is 87 below the upper edge.
    assert_eq!((first.at, first.scale), (Some([10.0, 87.0]), Some(5.0)));
    // From where the view is aimed at.
    let of = second.of.expect("a part");
    assert_eq!([of.x, of.y, second.scale.unwrap_or(0.0)], [75.0, -65.0, 1.0]);
}

#[test]
fn what_lies_on_the_paper_is_where_it_is_there() {
    let imported = drawn(LAYOUTS);
    for wanted in [
        // Half a millimetre wide whatever the scale of the model.
        "<line id=\"e-B1\" class=\"layer-thick\" style=\"stroke-dasharray:none;stroke-width:0.5\" x1=\"10\" y1=\"-10\" x2=\"410\" y2=\"-10\"/>",
        "matrix(1 0 0 1 0 297)",
        "href=\"#block-MARK\" transform=\"translate(20 -30)\"",
        // In inches, with the corner of what can be printed at the origin.
        "matrix(25.4 0 0 25.4 25.4 165.1)",
    ] {
        assert!(imported.svgx.contains(wanted), "{wanted}\n{}", imported.svgx);
    }
    let drawing = parsed(&imported.svgx);
    let limits = document::Limits::default();
    let made = on_sheet(&drawing, "sheet-Ground-floor", &limits, &unlimited()).expect("a sheet");
    let shown = &made.document;
    let line = shown.by_id("e-B1").expect("a line");
    let around: Vec<NodeId> =
        std::iter::successors(Some(line), |node| shown.parent(*node)).collect();
    // It lies on the sheet itself, and the model in its views.
    assert_eq!(around.len(), 3);
    let line = shown.by_id("e-A1").expect("a line");
    let mut around = std::iter::successors(Some(line), |node| shown.parent(*node));
    assert!(around.any(|node| shown.attr(node, "viewBox") == Some("0 -500 1000 500")));
    // Elsewhere nothing of it is seen.
    let plain = svgx_engine::compile::svg(&drawing, &Default::default());
    assert!(!plain.contains("e-B1") && plain.contains("e-A1"), "{plain}");
}

#[test]
fn sheets_are_layouts_that_come_back() {
    let imported = drawn(LAYOUTS);
    let before = found(&imported.svgx);
    for version in [Version::R2000, Version::R2018] {
        let exported = written(&imported.svgx, version);
        assert_eq!(exported.report.sheets, 2);
        // Each has the paper itself as its first view.
        assert_eq!(exported.report.paper["VIEWPORT"], 4);
        let budget = unlimited();
        let back = import(&exported.dxf, &Options::default(), &Limits::default(), &budget)
            .expect("a file that is read back");
        assert_eq!(back.report.on_paper.not_drawn, std::collections::BTreeMap::new());
        assert_eq!(back.report.sheets, 2);
        let after = found(&back.svgx);
        for (a, b) in before.iter().zip(&after) {
            assert_eq!((&a.id, a.size, &a.views), (&b.id, b.size, &b.views));
        }
    }
    let old = written(&imported.svgx, Version::R12);
    assert!(old.report.notes.iter().any(|note| note.code == "dxf-sheets"));
    assert_eq!(old.report.sheets, 0);
}

#[test]
fn frames_and_title_blocks_are_drawn_on_their_layouts() {
    let exported = written(
        r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 1000 500">
<line id="wall" x1="0" y1="0" x2="1000" y2="0" stroke="black"/>
<arx:sheet id="A-101" size="A3" scale="1:5"><arx:view of="0 0 1000 500" x="30" y="20"/>
<arx:title-block title="Ground floor" number="A-101"/><circle cx="50" cy="200" r="5" stroke="#f00" fill="none"/></arx:sheet>
<arx:sheet id="B" size="A4" orientation="portrait"/></svg>"##,
        Version::R2018,
    );
    let report = &exported.report;
    assert_eq!((report.sheets, report.model["LINE"]), (2, 1));
    assert_eq!((report.paper["CIRCLE"], report.paper["VIEWPORT"]), (1, 4));
    let text = String::from_utf8(exported.dxf).expect("UTF-8");
    for wanted in ["Ground floor", "  2\n*Paper_Space0\n", "  1\nA-101\n", " 45\n500.0\n"] {
        assert!(text.contains(wanted), "{wanted}");
    }
}

#[test]
fn views_that_show_nothing_are_counted() {
    for wrong in [
        "41 0",
        "45 0",
        "45 nan",
        "40 -5",
        "45 1e-300",
        "10 1e11",
        "68 0",
        "16 1\n26 0\n36 1",
        "51 x",
    ] {
        let view = format!(
            "0 VIEWPORT\n67 1\n8 0\n69 2\n{wrong}\n68 2\n10 110\n20 160\n40 200\n41 100\n45 500"
        );
        let imported = drawn(&format!(
            "#ENTITIES\n0 LINE\n8 0\n10 0\n20 0\n11 9\n21 9\n0 LINE\n67 1\n8 0\n10 0\n20 0\n11 9\n21 9\n{view}"
        ));
        let all = &imported.report.on_paper;
        assert_eq!((all.entities, all.not_drawn.get("VIEWPORT")), (2, Some(&1)), "{wrong}");
        assert_eq!(found(&imported.svgx).len(), 1);
    }
}

#[test]
fn sheets_and_views_have_limits() {
    let view = "0 VIEWPORT\n67 1\n8 0\n69 2\n68 2\n10 110\n20 160\n40 200\n41 100\n45 500\n";
    let imported = drawn(&format!("#ENTITIES\n{}", view.repeat(1_000)));
    let all = &imported.report.on_paper;
    assert_eq!((all.drawn["VIEWPORT"], all.not_drawn["VIEWPORT"]), (100, 900));
    let block = |at: usize| {
        format!(
            "0 BLOCK\n2 *Paper_Space{at}\n10 0\n20 0\n0 POINT\n67 1\n8 0\n10 1\n20 1\n0 ENDBLK\n"
        )
    };
    let blocks: String = (0..1_000).map(block).collect();
    let imported = drawn(&format!("#BLOCKS\n{blocks}"));
    let report = &imported.report;
    assert_eq!((report.sheets, report.on_paper.not_drawn["POINT"]), (100, 900));
    assert_eq!(report.on_paper.entities, 1_000);
}

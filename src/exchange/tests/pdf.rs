//! Documents on paper.

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::Fonts;
use svgx_engine::document;
use svgx_exchange::pdf::{Error, Exported, Options, Report, Sheet, export, export_sheets};

fn put(inside: &str, options: &Options) -> Result<Exported, Error> {
    let limits = document::Limits::default();
    let content = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 200 100">{inside}</svg>"#
    );
    let document = document::parse(&content, &limits).expect("a document");
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    export(&document, options, &Fonts::built_in(), &limits, &budget)
}

fn report(inside: &str) -> Report {
    put(inside, &Options::default()).expect("a page").report
}

#[test]
fn a_page_is_as_large_as_the_drawing_or_as_the_sheet() {
    let own = put("<rect width='9' height='9'/>", &Options::default()).expect("a page").report;
    assert_eq!((own.page, own.scale.as_str(), own.outlines), ([200.0, 100.0], "1:1", 1));
    let on = |scale, sheet| put("", &Options { scale, sheet }).expect("a page").report;
    assert_eq!(on(Some(0.5), None).page, [100.0, 50.0]);
    let sheet = on(None, Some(Sheet::A4));
    assert_eq!((sheet.page, sheet.scale.as_str()), ([297.0, 210.0], "1:1"));
    let fault = |scale| put("", &Options { scale, sheet: None }).map(|_| ()).expect_err("no page");
    assert!(matches!(fault(Some(-1.0)), Error::Scale(_)));
    assert!(matches!(fault(Some(f64::NAN)), Error::Scale(_)));
    assert!(matches!(fault(Some(1e-3)), Error::Page(..)));
}

#[test]
fn layers_are_told_apart_also_where_use_shows_them() {
    let report = report(
        r##"<g arx:layer="walls"><path d="M0 0h9" stroke="red"/></g><defs><g id="door" arx:layer="doors">
        <rect width="2" height="5"/></g></defs><use href="#door"/><g id="notes"><text y="9">a</text></g>
        <clipPath id="c"><rect arx:layer="walls" width="50" height="50"/></clipPath>
        <rect clip-path="url(#c)" width="99" height="99"/>"##,
    );
    assert_eq!(report.layers, ["walls", "doors", "notes"]);
    assert_eq!((report.outlines, report.letters), (3, 1));
    assert_eq!((report.notes, report.fonts), (vec![], vec!["DejaVuSans".to_owned()]));
}

#[test]
fn what_is_not_painted_is_counted() {
    let report = report(
        r##"<defs><linearGradient id="g"><stop stop-color="red"/><stop offset="1"/></linearGradient>
        <filter id="f"><feGaussianBlur stdDeviation="2"/></filter>
        <mask id="m"><rect width="50" height="50" fill="white"/></mask></defs>
        <rect width="9" height="9" fill="url(#g)"/><path d="M0 5L9 9" stroke="url(#g)"/><rect width="9" height="9" filter="url(#f)"/>
        <rect width="9" height="9" mask="url(#m)"/><text y="20" stroke="red">outlined</text>"##,
    );
    let codes: Vec<&str> = report.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["pdf-gradient", "pdf-filter", "pdf-mask", "pdf-text-as-outlines"]);
}

#[test]
fn equal_documents_are_equal_files() {
    let inside = r##"<g opacity="0.5"><circle r="9" fill="red"/><circle r="5"/></g><text y="9">Text</text>"##;
    let bytes = || put(inside, &Options::default()).expect("a page").pdf;
    let first = bytes();
    assert!(first.starts_with(b"%PDF-") && first.ends_with(b"%%EOF"));
    assert_eq!(first, bytes());
}

#[test]
fn hostile_drawings_end() {
    let deep = format!(
        "{}<rect width='1' height='1'/>{}",
        "<g opacity='0.9'>".repeat(400),
        "</g>".repeat(400)
    );
    let text = format!("<text y='9'>{}</text>", "ü(\\)\u{85}&#x202E;🏠".repeat(2_000));
    for inside in [
        "",
        "<g id='a'><use href='#a'/></g>",
        "<path d='M1e9 1e9L-1e9 5' stroke='red' stroke-width='1e9'/>",
        "<path d='M0 0h0' stroke='red' stroke-dasharray='1e-9 1e-9'/>",
        "<clipPath id='c'/><rect width='9' height='9' clip-path='url(#c)'/>",
        &deep,
        &text,
    ] {
        match put(inside, &Options::default()) {
            Ok(made) => assert!(made.pdf.ends_with(b"%%EOF")),
            Err(error) => assert!(matches!(error, Error::Document(_)), "{error}"),
        }
    }
}

const SHEETS: &str = r#"<line id="wall" arx:layer="walls" x1="0" y1="50" x2="200" y2="50" stroke="black"/>
<arx:dimensions><arx:dimension of="wall" at="0 30"/></arx:dimensions>
<arx:sheet id="A-1" size="A4" scale="1:1"><arx:title-block title="Wall"/></arx:sheet>
<arx:sheet id="A-2" size="A3" scale="1:2"/>"#;

#[test]
fn sheets_are_pages_that_share_their_layers() {
    let limits = document::Limits::default();
    let content = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 200 100">{SHEETS}</svg>"#
    );
    let document = document::parse(&content, &limits).expect("a document");
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    let fonts = Fonts::built_in();
    let all = export_sheets(&document, None, &fonts, &limits, &budget).expect("pages");
    assert_eq!((all.report.pages, all.report.page), (2, [297.0, 210.0]));
    assert_eq!(all.report.sheets, ["A-1", "A-2"]);
    assert_eq!(all.report.layers, ["walls", "dimensions", "sheet"]);
    let one = export_sheets(&document, Some("A-2"), &fonts, &limits, &budget).expect("a page");
    assert_eq!((one.report.pages, one.report.page), (1, [420.0, 297.0]));
    let none = export_sheets(&document, Some("A-3"), &fonts, &limits, &budget).map(|_| ());
    assert!(matches!(none, Err(Error::Sheet(_))), "{none:?}");
    // The drawing itself has its dimension as well: three letters, and those of no sheet.
    let own = export(&document, &Options::default(), &fonts, &limits, &budget).expect("a page");
    assert_eq!((own.report.letters, own.report.sheets.len()), (3, 0));
}

//! Sheets as documents of their own.

use svgx_drafting::{Error, on_sheet, sheets};
use svgx_engine::document::{Limits, NodeId};

use super::{budget, compiled, document};

const PLAN: &str = r#"<line id="wall" x1="0" y1="0" x2="1000" y2="0" stroke="black"/>
<arx:dimensions><arx:dimension of="wall" at="0 500"/></arx:dimensions>
<arx:sheet id="A-101" size="A3" scale="1:5">
  <arx:view of="0 0 1000 500" x="30" y="20"/>
  <arx:view of="0 0 100 100" x="300" y="20" scale="1:1"/>
  <arx:title-block title="Ground floor" number="A-101"/>
</arx:sheet>
<arx:sheet id="B" size="A4" orientation="portrait"/>"#;

#[test]
fn a_sheet_is_a_document_in_millimetres_of_paper() {
    let drawing = document(PLAN);
    let made = on_sheet(&drawing, "A-101", &Limits::default(), &budget()).expect("a sheet");
    let root = |name: &str| made.document.attr(NodeId::ROOT, name).map(str::to_owned);
    assert_eq!(root("width").as_deref(), Some("420mm"));
    assert_eq!(root("viewBox").as_deref(), Some("0 0 420 297"));
    let text = compiled(&made);
    assert!(
        text.contains(r#"<svg x="30" y="20" width="200" height="100" viewBox="0 0 1000 500">"#),
        "{text}"
    );
    assert!(text.contains(r#"<svg x="300" y="20" width="100" height="100""#), "{text}");
    for word in ["Ground floor", "A-101", "1:5", "A3"] {
        assert!(text.contains(&format!(">{word}</text>")), "{word}: {text}");
    }
    // Letters are as high on paper in both views: 2.5 mm times the scale, in units of the drawing.
    let size = |scale: f64| format!("font-size=\"{}\"", svgx_figure(2.5 * scale / 0.7));
    assert!(text.contains(&size(5.0)) && text.contains(&size(1.0)), "{text}");
    assert_eq!(text.matches(">1000</text>").count(), 2);
}

fn svgx_figure(n: f64) -> f64 {
    (n * 1e10).round() / 1e10
}

#[test]
fn sheets_without_scale_or_views_show_all_at_the_largest_usual_scale() {
    let drawing = document(PLAN);
    let (all, found) = sheets(&drawing);
    assert_eq!((all.len(), found.len()), (2, 0));
    assert_eq!(all[1].size, [210.0, 297.0]);
    let made = on_sheet(&drawing, "B", &Limits::default(), &budget()).expect("a sheet");
    // 1000 mm in 180 mm: 1:10.
    assert!(compiled(&made).contains(r#"width="100" height="100" viewBox="0 0 1000 1000">"#));
    let error = on_sheet(&drawing, "A-102", &Limits::default(), &budget()).expect_err("no sheet");
    assert!(matches!(&error, Error::Sheet(message) if message.contains("A-101")), "{error}");
}

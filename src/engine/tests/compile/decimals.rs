//! How many decimals `optimize` keeps: as many as are seen at the size of the drawing.

use svgx_engine::compile::{SvgOptions, svg};
use svgx_engine::document::{Limits, parse};

/// What the root says, what it contains, and what must stand in the output.
type Case = (&'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    (r#"viewBox="0 0 9 9""#, r#"<rect x="1.2345678" width="1" height="1"/>"#, r#"x="1.235""#),
    // A metre has a million thousandths of a millimetre.
    (
        r#"arx:units="m" viewBox="0 0 9 9""#,
        r#"<path d="m0 0l0.0304 0l0.0304 0l0.00000049 0"/>"#,
        r#"d="m0 0l0.0304 0 0.0304 0 0 0""#,
    ),
    // A user unit is shown a hundred pixels wide.
    (
        r#"width="400" height="400" viewBox="0 0 4 4""#,
        r#"<circle r="1.2345678"/>"#,
        r#"r="1.23457""#,
    ),
    (
        r#"viewBox="0 0 9 9""#,
        r#"<g transform="scale(10)"><g transform="rotate(30) scale(10 1)"><circle r="1.2345678"/></g></g>"#,
        r#"r="1.23457""#,
    ),
    (
        r#"viewBox="0 0 9 9""#,
        r#"<g transform="scale(0.01)"><circle r="123.45678"/></g>"#,
        r#"r="123.5""#,
    ),
    (
        r#"viewBox="0 0 9 9""#,
        r#"<svg width="10" height="10" viewBox="0 0 1 1"><circle r="1.2345678"/></svg>"#,
        r#"r="1.2346""#,
    ),
    // These may be shown at any size.
    (r#"viewBox="0 0 9 9""#, r#"<defs><circle r="1.2345678"/></defs>"#, r#"r="1.2345678""#),
    (
        r#"viewBox="0 0 9 9""#,
        r##"<circle id="c" r="1.2345678"/><use xlink:href="#c" transform="scale(1000)"/>"##,
        r#"r="1.2345678""#,
    ),
    (
        r#"viewBox="0 0 9 9""#,
        r#"<style>circle { transform: scale(1000) }</style><circle r="1.2345678"/>"#,
        r#"r="1.2345678""#,
    ),
    (
        r#"viewBox="0 0 9 9""#,
        r#"<g style="transform: scale(1000)"><circle r="1.2345678"/></g>"#,
        r#"r="1.2345678""#,
    ),
    (
        r#"viewBox="0 0 9 9""#,
        r#"<g><animateTransform attributeName="transform" type="scale" to="1000"/><circle r="1.2345678"/></g>"#,
        r#"r="1.2345678""#,
    ),
    // Nothing vanishes.
    (r#"viewBox="0 0 9 9""#, r#"<rect width="0.00012" height="1"/>"#, r#"width="0.00012""#),
    (
        r#"viewBox="0 0 9 9""#,
        r#"<path d="M5.00001 5h0.00012v0.00012z"/>"#,
        r#"d="M5.00001 5h0.00012v0.00012z""#,
    ),
];

#[test]
fn decimals_are_kept_by_what_is_seen() {
    for (root, body, expected) in CASES {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:arx="http://arxos.io/svgx" {root}>{body}</svg>"#
        );
        let options = SvgOptions { include_styles: true, optimize: true };
        let document = parse(&source, &Limits::default()).expect("a document");
        let once = svg(&document, &options);
        assert!(once.contains(expected), "{root} {body}: {once}");
        // The units are left out with all of the dialect.
        if root.contains("arx:") {
            continue;
        }
        let again = parse(&once, &Limits::default()).expect("a document");
        assert!(svg(&again, &options).contains(expected), "twice: {root} {body}");
    }
}

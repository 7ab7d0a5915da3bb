//! Compiled drawings: what they keep, and what they must never contain.

use svgx_engine::compile::{SvgOptions, svg};
use svgx_engine::document::{Limits, parse};

fn compiled(body: &str) -> String {
    let source = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:arx="http://arxos.io/svgx" xmlns:h="http://www.w3.org/1999/xhtml" xmlns:evil="http://evil.example/ns" viewBox="0 0 100 100">{body}</svg>"#
    );
    let document = parse(&source, &Limits::default()).expect("a document");
    svg(&document, &SvgOptions::default())
}

/// Every way we know to make a drawing do something. Each must leave nothing behind.
const ATTACKS: &[&str] = &[
    r##"<script>alert(1)</script>"##,
    r##"<script xlink:href="http://evil.example/x.js"/>"##,
    r##"<h:script>alert(1)</h:script>"##,
    r##"<rect width="1" height="1" onclick="alert(1)" ONLOAD="alert(1)" onbegin="alert(1)"/>"##,
    r##"<g onload="alert(1)"/>"##,
    r##"<foreignObject width="9" height="9"><h:iframe src="http://evil.example"/></foreignObject>"##,
    r##"<h:img src="x" onerror="alert(1)"/>"##,
    r##"<evil:thing run="alert(1)"><rect onclick="alert(1)"/></evil:thing>"##,
    r##"<a href="javascript:alert(1)"><text>x</text></a>"##,
    r##"<a xlink:href="java&#x09;script:alert(1)"><text>x</text></a>"##,
    r##"<a xlink:href="&#x20;JaVaScRiPt:alert(1)"><text>x</text></a>"##,
    r##"<a href="data:text/html,%3Cscript%3Ealert(1)%3C/script%3E"><text>x</text></a>"##,
    r##"<a href="http://evil.example/"><text>x</text></a>"##,
    r##"<a href="//evil.example/"><text>x</text></a>"##,
    r##"<use href="http://evil.example/x.svg#a"/>"##,
    r##"<use xlink:href="data:image/svg+xml;base64,PHN2Zy8+#a"/>"##,
    r##"<image href="http://evil.example/x.png" width="9" height="9"/>"##,
    r##"<image href="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+" width="9" height="9"/>"##,
    r##"<image href="data:image/png;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+" width="9" height="9"/>"##,
    r##"<image href="file:///etc/passwd" width="9" height="9"/>"##,
    r##"<feImage href="http://evil.example/x.svg"/>"##,
    r##"<style>@import url(http://evil.example/x.css);</style>"##,
    r##"<style>@import 'http://evil.example/x.css';</style>"##,
    r##"<style>@font-face{font-family:a;src:url(http://evil.example/f)}</style>"##,
    r##"<style>rect{fill:url(http://evil.example/x.svg#a)}</style>"##,
    r##"<style>rect{fill:u\72l(http://evil.example/x.svg#a)}</style>"##,
    r##"<style>rect{width:expression(alert(1));behavior:url(#x)}</style>"##,
    r##"<style>rect{background:image-set("http://evil.example/a" 1x)}</style>"##,
    r##"<style><![CDATA[</style><script>alert(1)</script>]]></style>"##,
    r##"<rect style="fill:url(http://evil.example/#a)"/>"##,
    r##"<rect style="fill:url('javascript:alert(1)')"/>"##,
    r##"<rect style="background-image:url(http://evil.example/)"/>"##,
    r##"<rect style="fill:red;;-moz-binding:url(http://evil.example/)"/>"##,
    r##"<rect fill="url(http://evil.example/#a)"/>"##,
    r##"<rect fill="u\72l(http://evil.example/#a)"/>"##,
    r##"<rect filter="url(&quot;http://evil.example/#a&quot;)" mask="URL(//evil.example#a)"/>"##,
    r##"<rect cursor="url(http://evil.example/c.cur),auto"/>"##,
    r##"<animate href="#a" attributeName="href" to="javascript:alert(1)"/>"##,
    r##"<a><set attributeName="xlink:href" to="javascript:alert(1)"/></a>"##,
    r##"<set attributeName="onclick" to="alert(1)"/>"##,
    r##"<animate attributeName=" href " values="javascript:alert(1);x"/>"##,
    r##"<animate attributeName="fill" to="url(http://evil.example/#a)"/>"##,
    r##"<set attributeName="style" to="fill:url(http://evil.example)"/>"##,
    r##"<handler type="application/ecmascript">alert(1)</handler>"##,
    r##"<listener event="click" handler="#evil"/>"##,
    r##"<rect xml:base="http://evil.example/"/>"##,
    r##"<g><metadata><h:script>alert(1)</h:script></metadata></g>"##,
    r##"<iframe src="http://evil.example"/><object data="http://evil.example"/><embed src="http://evil.example"/>"##,
    r##"<video><source src="http://evil.example"/></video><audio src="http://evil.example"/>"##,
    r##"<font-face><font-face-src><font-face-uri xlink:href="http://evil.example/f.svg#f"/></font-face-src></font-face>"##,
    r##"<color-profile xlink:href="http://evil.example/p.icc"/>"##,
    r##"<tref xlink:href="http://evil.example/t.svg#t"/>"##,
    r##"<cursor xlink:href="http://evil.example/c.png"/>"##,
    r##"<?xml-stylesheet href="http://evil.example/x.css"?>"##,
    r##"<!--[if gte IE 4]><script>alert(1)</script><![endif]-->"##,
    r##"<arx:behavior><triggers><trigger event="click" action="alert(1)"/></triggers></arx:behavior>"##,
    r##"<text><tspan onmouseover="alert(1)">x</tspan></text>"##,
    r##"<linearGradient id="g" href="http://evil.example/x.svg#g"/>"##,
    r##"<pattern xlink:href="//evil.example/x.svg#g"/>"##,
    r##"<svg onload="alert(1)" xml:base="http://evil.example/"/>"##,
    r##"<rect behavior="clickable" physics="gravity" mass="alert(1)"/>"##,
    r##"<rect requiredExtensions="http://evil.example/"/>"##,
];

#[test]
fn no_attack_leaves_anything_behind() {
    let forbidden = [
        "script",
        "alert",
        "evil",
        "javascript",
        "foreignobject",
        "iframe",
        "onload",
        "onclick",
        "import",
        "font-face",
        "file:",
        "text/html",
        "svg+xml",
        "xml:base",
        "expression",
        "behavior",
        "binding",
        "arx",
        "handler",
        "listener",
        "<!",
        "<?",
        "set ",
        "image-set",
    ];
    for attack in ATTACKS {
        let output = compiled(attack);
        let lower = output.to_lowercase();
        for word in forbidden {
            assert!(!lower.contains(word), "{word:?} survives {attack}:\n{output}");
        }
        roxmltree::Document::parse(&output).unwrap_or_else(|e| panic!("{attack}: {e}\n{output}"));
    }
}

#[test]
fn entities_and_the_doctype_are_gone() {
    let source = r#"<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [<!ENTITY red "red">]>
        <svg xmlns="http://www.w3.org/2000/svg" width="4" height="5"><rect fill="&red;" width="1" height="1"/></svg>"#;
    let document = parse(source, &Limits::default()).expect("a document");
    let output = svg(&document, &SvgOptions::default());
    assert!(output.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{output}");
    assert!(output.contains("fill=\"red\""), "{output}");
    assert!(
        !output.contains("<!") && !output.contains("<?") && !output.contains("&red"),
        "{output}"
    );
}

#[test]
fn what_draws_is_kept() {
    let cases = [
        (
            r#"<rect x="1" width="2" height="3" fill="url(#g)" arx:layer="walls"/>"#,
            r#"<rect x="1" width="2" height="3" fill="url(#g)"/>"#,
        ),
        (r##"<use href="#a" x="3"/>"##, r##"<use x="3" xlink:href="#a"/>"##),
        (
            r#"<text x="1">a &lt; b<tspan dy="1">&amp;</tspan></text>"#,
            r#"<text x="1">a &lt; b<tspan dy="1">&amp;</tspan></text>"#,
        ),
        (r#"<style>.w{fill:red}</style>"#, "<style type=\"text/css\">.w{fill:red}\n</style>"),
        (r#"<rect style="fill:red; stroke:blue"/>"#, r#"<rect style="fill:red;stroke:blue"/>"#),
        (
            r#"<image href="data:image/png;base64,iVBORw0KGgo=" width="1" height="1"/>"#,
            r#"<image width="1" height="1" xlink:href="data:image/png;base64,iVBORw0KGgo="/>"#,
        ),
        (
            r#"<arx:object id="o" type="a.b"><arx:properties><arx:property name="n" value="1"/></arx:properties><rect width="1" height="1"/></arx:object>"#,
            r#"<g id="o"><rect width="1" height="1"/></g>"#,
        ),
        (
            r#"<arx:object id="p" type="a.b"><arx:geometry x="1" y="2" width="3mm" height="4"/></arx:object>"#,
            r##"<rect x="1" y="2" width="3" height="4" fill="none" stroke="#5b6470" stroke-width="0.125" id="p"><title>p a.b</title></rect>"##,
        ),
        (
            r#"<animate attributeName="opacity" from="0" to="1" dur="1s"/>"#,
            r#"<animate attributeName="opacity" from="0" to="1" dur="1s"/>"#,
        ),
        (
            r#"<rect id="q" class="a b"><title>Door</title></rect>"#,
            r#"<rect id="q" class="a b"><title>Door</title></rect>"#,
        ),
    ];
    for (body, expected) in cases {
        let output = compiled(body);
        let inside = output.split_once('>').and_then(|(_, rest)| rest.strip_suffix("</svg>\n"));
        assert_eq!(inside, Some(expected), "{body}");
    }
}

#[test]
fn the_root_gets_a_size_it_lacks() {
    let cases = [
        (r#"viewBox="0 0 8 6""#, r#"width="8" height="6" viewBox="0 0 8 6""#),
        (r#"width="80" height="60""#, r#"width="80" height="60" viewBox="0 0 80 60""#),
        (r#"width="4m" viewBox="0 0 8 6""#, r#"width="4000mm" height="6" viewBox="0 0 8 6""#),
        ("", r#"width="7" height="6" viewBox="0 1 7 6""#),
    ];
    for (attributes, expected) in cases {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" {attributes}><rect x="1" y="2" width="5" height="4"/></svg>"#
        );
        let document = parse(&source, &Limits::default()).expect("a document");
        let output = svg(&document, &SvgOptions::default());
        assert!(output.contains(expected), "{attributes}: {output}");
    }
}

#[test]
fn options_leave_out_styles_and_space() {
    let source = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 6">
        <style>rect{fill:red}</style>
        <rect style="fill:red" fill="blue" x="1.23456" width="1" height="1"/>
    </svg>"#;
    let document = parse(source, &Limits::default()).expect("a document");
    let output = svg(&document, &SvgOptions { include_styles: false, optimize: true });
    let inside = output.split_once('>').map(|(_, rest)| rest);
    assert_eq!(inside, Some("<rect fill=\"blue\" x=\"1.235\" width=\"1\" height=\"1\"/></svg>\n"));
}

#[test]
fn compiling_twice_gives_the_same() {
    for attack in ATTACKS {
        let once = compiled(attack);
        let document = parse(&once, &Limits::default()).expect("a document");
        assert_eq!(svg(&document, &SvgOptions::default()), once, "{attack}");
    }
}

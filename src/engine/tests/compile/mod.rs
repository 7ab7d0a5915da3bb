//! Compiled drawings: what they keep, and what they must never contain.

mod decimals;
mod differences;
mod drawings;
mod drawn;

use std::process::Command;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{
    Background, Error, JsonOptions, Model, PngOptions, SvgOptions, json, png, svg,
};
use svgx_engine::document::{Document, Limits, parse};

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

fn drawing(body: &str) -> Document {
    let source = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 100 50">{body}</svg>"#
    );
    parse(&source, &Limits::default()).expect("a document")
}

fn unlimited() -> Budget {
    Budget::unlimited(Class::Redraw, Tier::Compute)
}

/// Width, height and pixels (RGBA) of a PNG.
fn decode(bytes: &[u8]) -> (u32, u32, Vec<[u8; 4]>) {
    let mut decoder = ::png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(::png::Transformations::ALPHA | ::png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut data = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut data).expect("a frame");
    let pixels = data.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect();
    (info.width, info.height, pixels)
}

#[test]
fn a_picture_has_the_size_and_colours_asked_for() {
    let document = drawing(r#"<rect width="50" height="50" fill="red"/>"#);
    let white = Background { red: 255, green: 255, blue: 255, alpha: 255 };
    let cases = [
        (PngOptions::default(), (100, 50), [0, 0, 0, 0]),
        (PngOptions { width: Some(40), ..PngOptions::default() }, (40, 20), [0, 0, 0, 0]),
        (PngOptions { height: Some(40), ..PngOptions::default() }, (80, 40), [0, 0, 0, 0]),
        (
            PngOptions { scale: 0.5, background: white, ..PngOptions::default() },
            (50, 25),
            [255, 255, 255, 255],
        ),
    ];
    for (options, size, behind) in cases {
        let bytes = png(&document, &options, &Limits::default(), &unlimited()).expect("a picture");
        let (width, height, pixels) = decode(&bytes);
        assert_eq!((width, height), size, "{options:?}");
        assert_eq!(pixels[0], [255, 0, 0, 255], "{options:?}");
        assert_eq!(pixels[pixels.len() - 1], behind, "{options:?}");
    }
}

#[test]
fn text_is_painted_with_the_fonts_in_the_binary() {
    for family in ["", "sans-serif", "Helvetica", "monospace", "No Such Font"] {
        let document = drawing(&format!(
            r#"<text x="5" y="40" font-size="40" font-family="{family}">Ωж</text>"#
        ));
        let bytes = png(&document, &PngOptions::default(), &Limits::default(), &unlimited());
        let (.., pixels) = decode(&bytes.expect("a picture"));
        let inked = pixels.iter().filter(|p| p[3] > 128).count();
        assert!(inked > 200, "{family:?}: {inked} pixels");
    }
}

#[test]
fn what_is_off_looks_off_and_a_style_sheet_may_say_how() {
    let body = |state: &str, sheet: &str| {
        format!(
            r##"{sheet}<arx:object id="lamp" type="electrical.light"{state}/>
               <rect class="round" width="10" height="10" fill="#ff0000" arx:object="lamp"/>
               <rect id="group" x="10" width="10" height="10" fill="#00ff00"{state}/>"##
        )
    };
    let look = |body: &str| {
        let document = drawing(body);
        let bytes = png(&document, &PngOptions::default(), &Limits::default(), &unlimited());
        let (.., pixels) = decode(&bytes.expect("a picture"));
        [pixels[505], pixels[515]]
    };
    let shown = [[255, 0, 0, 255], [0, 255, 0, 255]];
    let faded = [[255, 0, 0, 89], [0, 255, 0, 89]];
    let blue = [[0, 0, 255, 255]; 2];
    assert_eq!(look(&body("", "")), shown);
    assert_eq!(look(&body(r#" arx:state="on""#, "")), shown);
    assert_eq!(look(&body(r#" arx:state="off""#, "")), faded);
    let sheet = "<style>.state-off { fill: blue; opacity: 1 }</style>";
    assert_eq!(look(&body(r#" arx:state="off""#, sheet)), blue);

    let off = compiled(&body(r#" arx:state="off""#, ""));
    assert!(
        off.contains(r#"class="round state-off""#) && off.contains(r#"opacity="0.35""#),
        "{off}"
    );
    let highlighted = compiled(&body(r#" arx:highlight="true""#, ""));
    assert!(highlighted.contains(r##"stroke="#e8590c""##), "{highlighted}");
    assert!(highlighted.contains(r#"class="highlighted""#), "{highlighted}");
}

#[test]
fn style_sheets_apply_in_pictures() {
    let document = drawing(
        r#"<style>.a{fill:red} #b{fill:lime!important} g > rect.c { fill: blue }</style>
           <rect class="a" width="10" height="10"/>
           <rect id="b" style="fill:red" x="10" width="10" height="10"/>
           <g><rect class="a c" fill="black" x="20" width="10" height="10"/></g>"#,
    );
    let bytes = png(&document, &PngOptions::default(), &Limits::default(), &unlimited());
    let (.., pixels) = decode(&bytes.expect("a picture"));
    let at = |x: usize| pixels[5 * 100 + x];
    assert_eq!([at(5), at(15), at(25)], [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]]);
}

#[test]
fn pictures_too_large_or_too_costly_are_refused_with_the_limit() {
    let plain = drawing("");
    let big = PngOptions { width: Some(60_000), height: Some(60_000), ..PngOptions::default() };
    let none = PngOptions { scale: 0.0, ..PngOptions::default() };
    let limits = Limits::default();
    let result = png(&plain, &big, &limits, &unlimited());
    let expected =
        Error::Limit { limit: "pixels", max: limits.pixels, seen: 3_600_000_000, place: None };
    assert_eq!(result, Err(expected));
    assert_eq!(png(&plain, &none, &limits, &unlimited()), Err(Error::Size));
    let nan = PngOptions { scale: f64::NAN, ..none };
    assert_eq!(png(&plain, &nan, &limits, &unlimited()), Err(Error::Size));

    let mut body = r#"<rect id="l0" width="1" height="1"/>"#.to_owned();
    for level in 1..12 {
        let uses = format!(r##"<use href="#l{}"/>"##, level - 1).repeat(10);
        body.push_str(&format!(r#"<g id="l{level}">{uses}</g>"#));
    }
    let result = png(&drawing(&body), &PngOptions::default(), &limits, &unlimited());
    assert!(matches!(result, Err(Error::Limit { limit: "instances", .. })), "{result:?}");

    let layers = r#"<g opacity=".5"><rect width="99" height="49"/></g>"#.repeat(9_000);
    let wide = PngOptions { width: Some(4_000), ..PngOptions::default() };
    let result = png(&drawing(&layers), &wide, &limits, &unlimited());
    assert!(matches!(result, Err(Error::Limit { limit: "paint steps", .. })), "{result:?}");
}

#[test]
fn deep_and_strange_drawings_are_painted_or_refused_but_never_fatal() {
    let cases = [
        format!("{}<rect width=\"9\" height=\"9\"/>{}", "<g id=\"x\">".repeat(900), "</g>".repeat(900)),
        format!(
            "{}<rect width=\"9\" height=\"9\"/>{}",
            "<g opacity=\".9\">".repeat(900),
            "</g>".repeat(900)
        ),
        r##"<g id="a"><use href="#a"/></g><use href="#a"/>"##.to_owned(),
        r##"<pattern id="p" width="1" height="1"><rect fill="url(#p)" width="9" height="9"/></pattern><rect fill="url(#p)" width="9" height="9"/>"##.to_owned(),
        r##"<mask id="m"><rect mask="url(#m)" width="9" height="9"/></mask><rect mask="url(#m)" width="9" height="9"/>"##.to_owned(),
        r##"<clipPath id="c" clip-path="url(#c)"><rect width="9" height="9"/></clipPath><rect clip-path="url(#c)" width="9" height="9"/>"##.to_owned(),
        r##"<linearGradient id="g" href="#g"/><rect fill="url(#g)" width="9" height="9"/>"##.to_owned(),
        r#"<ellipse rx="1e300" ry="1e-300"/><circle r="1e308"/><rect width="1e30" height="1" rx="1e30"/>"#.to_owned(),
        r#"<path d="M0 0A1e-4 1e5 0 1 1 1e12 0A1e11 1 7 1 0 0 0"/>"#.to_owned(),
        r#"<path stroke="red" stroke-dasharray="1e-9" d="M0 0L1e9 1e9"/>"#.to_owned(),
        r#"<path stroke="red" stroke-width="1e20" d="M0 0L1e11 1e11 0 5"/>"#.to_owned(),
        r#"<g transform="scale(1e200)"><g transform="scale(1e200)"><rect width="1" height="1"/></g></g>"#.to_owned(),
        r#"<g transform="matrix(1e9 1e9 1e9 1e9 1e9 1e9)"><rect width="1" height="1" stroke="red"/></g>"#.to_owned(),
        r#"<text font-size="1e9" x="1e9">x</text><text font-size="0">y</text>"#.to_owned(),
        r#"<filter id="f" width="1e9" height="1e9"><feGaussianBlur stdDeviation="1e9"/></filter><rect filter="url(#f)" width="9" height="9"/>"#.to_owned(),
        r#"<image width="9" height="9" href="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA//8AAP//CAYAAAA="/>"#.to_owned(),
        format!("<style>{}</style><rect width=\"9\" height=\"9\"/>", "*{fill:red}".repeat(20_000)),
    ];
    let limits = Limits { pixels: 1 << 20, ..Limits::default() };
    for body in cases {
        let head: String = body.chars().take(80).collect();
        let result = png(&drawing(&body), &PngOptions::default(), &limits, &unlimited());
        match result {
            Ok(bytes) => assert_eq!(decode(&bytes).0, 100, "{head}"),
            Err(Error::Limit { .. } | Error::Renderer(_)) => {}
            Err(other) => panic!("{head}: {other}"),
        }
    }
}

#[test]
fn a_cancelled_render_stops() {
    let budget = unlimited();
    budget.cancel().cancel();
    let result = png(&drawing(""), &PngOptions::default(), &Limits::default(), &budget);
    assert!(matches!(result, Err(Error::Stopped(_))), "{result:?}");
}

#[test]
fn the_same_drawing_gives_the_same_bytes() {
    let document = drawing(r#"<circle cx="20" cy="20" r="9"/><text x="40" y="30">Door</text>"#);
    let render = || png(&document, &PngOptions::default(), &Limits::default(), &unlimited());
    assert_eq!(render(), render());
}

#[test]
fn the_json_model_says_what_is_drawn() {
    let document = drawing(
        r#"<rect id="w" x="1" width="2" arx:layer="walls"/><text id="t">Main <tspan>door</tspan></text>"#,
    );
    let model = serde_json::to_value(json(&document, &JsonOptions::default())).expect("JSON");
    assert_eq!(model["type"], "svgx");
    assert_eq!(model["metadata"]["viewBox"], serde_json::json!([0.0, 0.0, 100.0, 50.0]));
    assert_eq!(
        model["elements"],
        serde_json::json!([
            { "tag": "rect", "id": "w", "attributes": { "arx:layer": "walls", "width": "2", "x": "1" } },
            { "tag": "text", "id": "t", "attributes": {}, "text": "Main door" },
        ])
    );
    let bare = json(&document, &JsonOptions { include_metadata: false });
    assert_eq!(bare.metadata, None);
    let text = serde_json::to_string(&bare).expect("JSON");
    assert_eq!(serde_json::from_str::<Model>(&text).expect("the model"), bare);
}

/// Loads compiled attacks in a headless browser, if one is installed: the
/// document element must be an SVG element, and no script may have run.
#[test]
fn a_browser_opens_what_was_compiled() {
    let Some(browser) = ["chromium", "chromium-headless-shell", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok())
    else {
        eprintln!("skipped: no Chromium");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let body = ATTACKS.concat();
    let path = folder.path().join("attacks.svg");
    std::fs::write(&path, compiled(&body)).expect("written");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            "--virtual-time-budget=2000",
        ])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", path.display()))
        .output()
        .expect("the browser runs");
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(dom.trim_start().starts_with("<svg"), "{dom}");
    assert!(!dom.contains("parsererror") && !dom.contains("alert"), "{dom}");
}

#[test]
fn plain_drawings_look_the_same_on_both_ways_to_pixels() {
    let cases = [
        r##"<rect x="5" y="5" width="40" height="30" fill="#e8ecf1" stroke="#333" stroke-width="3"/>"##,
        r#"<g fill="none" stroke="navy" stroke-linecap="round"><path d="M5 5C40 5 5 45 45 45" stroke-width="4"/><line x1="50" y1="5" x2="95" y2="5"/></g>"#,
        r#"<circle cx="30" cy="25" r="20" fill="teal" fill-opacity=".5"/><ellipse cx="60" cy="25" rx="30" ry="12" opacity=".4"/>"#,
        r#"<style>.d{stroke:red;stroke-dasharray:6 3 1;stroke-width:2;fill:none}</style><path class="d" d="M5 25h90M5 5l90 40"/>"#,
        r#"<path fill-rule="evenodd" d="M10 5h30v30h-30zM15 10h20v20h-20z"/><polygon points="50 5 90 5 70 45" stroke="lime" stroke-linejoin="bevel" stroke-width="5"/>"#,
        r##"<defs><rect id="a" width="9" height="9" fill="inherit"/></defs><g transform="rotate(20 50 25)"><use href="#a" x="20" y="20" fill="red"/><use href="#a" x="50" transform="scale(1.5)" fill="blue"/></g>"##,
        r#"<g visibility="hidden"><rect width="90" height="40"/><rect x="20" width="9" height="9" visibility="visible"/></g><rect display="none" width="90" height="40"/>"#,
        r#"<arx:object id="o" type="a.b"><arx:geometry x="10" y="10" width="50" height="30"/></arx:object><arx:object id="p"><arx:geometry x="1" y="1" width="90" height="40"/><rect x="70" width="9" height="9"/></arx:object>"#,
        r#"<polyline points="10 25 90 25" stroke="black"/><line x1="50" y1="0" x2="50" y2="50" stroke="black" stroke-width=".3"/>"#,
    ];
    let options = PngOptions { width: Some(400), ..PngOptions::default() };
    for body in cases {
        let [plain, full] = ["", r#"<text x="-9000">x</text>"#].map(|extra| {
            let document = drawing(&format!("{body}{extra}"));
            decode(&png(&document, &options, &Limits::default(), &unlimited()).expect("a picture"))
                .2
        });
        let far = |(a, b): &(&[u8; 4], &[u8; 4])| {
            a.iter().zip(b.iter()).any(|(a, b)| a.abs_diff(*b) > 32)
        };
        let off = plain.iter().zip(&full).filter(far).count();
        let inked = full.iter().filter(|p| p[3] > 0).count();
        assert!(inked > 50, "{body}: nothing is painted");
        assert!(off * 200 < inked, "{body}: {off} of {inked} painted pixels differ");
    }
}

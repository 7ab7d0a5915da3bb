//! Hostile text meets a diagnostic, in bounded memory and without a panic.

use svgx_engine::document::{self, Limits, Severity};

/// Every code a text is answered with, whether it could be read or not.
fn codes(source: &str) -> Vec<(&'static str, Severity)> {
    let report = svgx_engine::check(source, &Limits::default());
    report.diagnostics.iter().map(|d| (d.code.as_str(), d.severity)).collect()
}

fn svg(body: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' \
         viewBox='0 0 1 1'>{body}</svg>"
    )
}

/// An image whose address has `bytes` bytes of data.
fn picture(kind: &str, bytes: usize) -> String {
    format!("<image href='data:{kind};base64,{}'/>", "A".repeat(bytes))
}

#[test]
fn an_embedded_picture_may_be_larger_than_other_attributes() {
    for (kind, bytes) in [("image/png", 1024 * 1024), ("IMAGE/JPEG", 4 * 1024 * 1024)] {
        // Its bytes are read, and found to be no picture.
        let found = codes(&svg(&picture(kind, bytes)));
        assert!(matches!(found.as_slice(), [(code, _)] if *code == "image-not-drawn"), "{found:?}");
    }
}

#[test]
fn what_would_cost_too_much_is_refused_with_the_limit_it_passes() {
    let laughs: String = (1..10)
        .map(|i| format!("<!ENTITY l{i} '{}'>", format!("&l{};", i - 1).repeat(10)))
        .collect();
    let attributes: String = (0..5_000).map(|i| format!(" a{i}=''")).collect();
    let prefixes: String = (0..100).map(|i| format!(" xmlns:n{i}='u{i}'")).collect();
    let entities: String = (0..100).map(|i| format!("<!ENTITY e{i} ''>")).collect();
    let cases = [
        (
            format!("<!DOCTYPE svg [<!ENTITY l0 'lol'>{laughs}]><svg>&l9;</svg>"),
            "limit-expansion-bytes",
        ),
        (
            format!(
                "<!DOCTYPE svg [<!ENTITY a '{}'>]><svg>{}</svg>",
                "a".repeat(50_000),
                "&a;".repeat(50_000)
            ),
            "limit-expansion-bytes",
        ),
        (
            "<!DOCTYPE svg [<!ENTITY a '&b;'><!ENTITY b '&a;'>]><svg>&a;</svg>".to_owned(),
            "entity-loop",
        ),
        ("<!DOCTYPE svg [<!ENTITY a '<g/>'>]><svg>&a;</svg>".to_owned(), "entity-markup"),
        (format!("<!DOCTYPE svg [<!ENTITY {} 'x'>]><svg/>", "n".repeat(300)), "xml-entity"),
        (format!("<!DOCTYPE svg [{entities}]><svg/>"), "limit-entities"),
        (
            "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>".to_owned(),
            "xml-entity",
        ),
        (svg(&"<g>".repeat(100_000)), "limit-depth"),
        ("<svg>".repeat(100_000), "limit-depth"),
        (svg(&"<g/>".repeat(200_001)), "limit-elements"),
        (svg(&format!("<g{attributes}/>")), "limit-attributes"),
        (svg(&format!("<g a='{}'/>", "x".repeat(1024 * 1024 + 1))), "limit-attribute-bytes"),
        (svg(&picture("image/png", 8 * 1024 * 1024)), "limit-picture-bytes"),
        (svg(&picture("text/plain", 1024 * 1024)), "limit-attribute-bytes"),
        (svg(&format!("<g a='{}'/>", "x".repeat(10 * 1024 * 1024))), "limit-bytes"),
        (svg(&format!("<g{prefixes}/>")), "limit-namespaces"),
        ("{\"elements\":".repeat(100_000), "limit-depth"),
        (svg("\0"), "xml-character"),
        (svg("<g a='1' a='2'/>"), "xml-duplicate-attribute"),
        ("<svg><g></svg>".to_owned(), "xml-close-tag"),
        ("<svg><g>".to_owned(), "xml-unclosed"),
        (String::new(), "xml-empty"),
        ("<html/>".to_owned(), "not-svg"),
        ("{\"a\":1}".to_owned(), "not-svgx"),
        ("{}".to_owned(), "not-svgx"),
        (r#"{"metadata":{"name":"valves"},"symbols":[]}"#.to_owned(), "not-svgx"),
    ];
    for (text, code) in cases {
        let found = codes(&text);
        let start: String = text.chars().take(80).collect();
        assert!(found.contains(&(code, Severity::Error)), "{code}: {found:?} for {start}");
    }
}

#[test]
fn every_rule_of_the_language_has_its_finding() {
    let object = |inner: &str| svg(&format!("<arx:object id='o' type='a.b'>{inner}</arx:object>"));
    let behavior = |inner: &str| object(&format!("<arx:behavior>{inner}</arx:behavior>"));
    let physics = |inner: &str| object(&format!("<arx:physics>{inner}</arx:physics>"));
    let cases = [
        (svg("<g id='a'/><g id='a'/>"), "duplicate-id"),
        (svg("<arx:object type='a.b'/>"), "missing-attribute"),
        (svg("<arx:object id='a b' type='a.b'/>"), "bad-id"),
        (svg("<arx:object id='o' type='a.b' upstream='x'/>"), "unknown-object"),
        (
            svg(
                "<arx:object id='o' type='a' upstream='p'/><arx:object id='p' type='a' upstream='o'/>",
            ),
            "circular-upstream",
        ),
        (svg("<g id='a'><use href='#a'/></g>"), "circular-use"),
        (svg("<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>"), "circular-use"),
        (object("<arx:geometry x='wide'/>"), "bad-length"),
        (behavior("<variable name='1a' value='1'/>"), "bad-name"),
        (
            behavior("<variable name='a' value='1'/><variable name='a' value='1'/>"),
            "duplicate-name",
        ),
        (behavior("<variable name='a'/>"), "missing-value"),
        (behavior("<trigger event='on click' action='toggle'/>"), "bad-event"),
        (behavior("<trigger event='click'/>"), "missing-attribute"),
        (behavior("<trigger event='click' action='toggle' target='x'/>"), "unknown-target"),
        (behavior("<trigger event='time' action='auto_off' delay='soon'/>"), "bad-delay"),
        (behavior("<trigger event='click' action='explode'/>"), "trigger-action"),
        (behavior("<calculation name='a' formula='b + 1'/>"), "unknown-name"),
        (svg("<path d='M0 0 L'/>"), "bad-path"),
        (physics("<mass value='-1'/>"), "bad-mass"),
        (physics("<mass value='1e999'/>"), "bad-mass"),
        (physics("<mass value='NaN'/>"), "bad-mass"),
        (physics("<anchor point='moon'/>"), "unknown-anchor"),
        (
            physics("<constraints><constraint type='fixed' point='moon'/></constraints>"),
            "unknown-anchor",
        ),
        (physics("<force name='f' direction='sideways'/>"), "bad-force"),
        (physics("<force name='f' magnitude='much'/>"), "bad-force"),
        (
            svg("<arx:system id='s' type='electrical'><component ref='x'/></arx:system>"),
            "unknown-object",
        ),
        (
            svg("<arx:system id='s' type='electrical'><connection from='x' to='y'/></arx:system>"),
            "unknown-connection-end",
        ),
        (svg("<g arx:precision='fine'/>"), "bad-precision"),
        (svg("<g arx:units='parsec'/>"), "unknown-unit"),
        (svg("<g arx:scale='0'/>"), "bad-scale"),
        (svg("<g arx:behavior='x'/>"), "unknown-behavior"),
    ];
    for (text, code) in cases {
        assert!(codes(&text).contains(&(code, Severity::Error)), "{code}: {:?}", codes(&text));
    }
    let warnings = [
        ("<svg/>".to_owned(), "missing-size"),
        ("<svg/>".to_owned(), "missing-namespace"),
        ("<svgx/>".to_owned(), "svgx-root"),
        (svg("<g arx:layer='attic'/>"), "unknown-layer"),
        (svg("<g arx:physics='x'/>"), "unknown-physics"),
        (svg("<arx:system id='s' type='astral'/>"), "unknown-system"),
        (svg("<arx:colour/>"), "unknown-element"),
        (svg("<use href='#x'/>"), "unknown-element-id"),
        (svg("<use href='other.svg#x'/>"), "foreign-reference"),
        (behavior("<variable name='a' value='1'>2</variable>"), "two-values"),
    ];
    for (text, code) in warnings {
        assert!(codes(&text).contains(&(code, Severity::Warning)), "{code}: {:?}", codes(&text));
    }
}

#[test]
fn a_mistake_that_several_parts_meet_is_reported_once() {
    let physics = svg(
        "<rect id='o' width='1' height='1'><arx:physics><mass value='-1'/></arx:physics></rect>",
    );
    let behavior = svg(
        "<arx:object id='o' type='a.b'><arx:behavior><trigger event='click' action='toggle' target='x'/></arx:behavior></arx:object>",
    );
    for (text, code) in [(physics, "bad-mass"), (behavior, "unknown-target")] {
        assert_eq!(codes(&text), [(code, Severity::Error)]);
    }
}

#[test]
fn more_findings_than_the_limit_are_counted_not_kept() {
    let text = svg(&"<g id='a'/>".repeat(1_000));
    let limits = Limits::default();
    let report = svgx_engine::check(&text, &limits);
    assert_eq!(report.diagnostics.len(), limits.diagnostics);
    assert_eq!(report.dropped, 999 - limits.diagnostics);
}

#[test]
fn the_svg_1_1_document_type_is_accepted_and_its_entities_are_resolved() {
    let text = "<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' \
                'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd' [<!ENTITY ns 'urn:x'>]>\
                <svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1' xmlns:i='&ns;'><i:a/></svg>";
    let document = document::parse(text, &Limits::default()).unwrap();
    assert_eq!(document.foreign().len(), 1);
    assert_eq!(document.diagnostics(), []);
}

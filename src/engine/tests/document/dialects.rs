//! Every dialect the language was written in reads as the same model.

use svgx_engine::document::{self, Code, Document, Limits};

fn read(source: &str) -> Document {
    document::parse(source, &Limits::default())
        .unwrap_or_else(|d| panic!("not read: {d:?}\n{source}"))
}

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9 9">"#;

fn body(text: &str) -> String {
    format!("{HEAD}{text}</svg>")
}

/// Name, dialect, canonical form.
fn table() -> Vec<(&'static str, String, String)> {
    let object = |inner: &str| {
        body(&format!("<arx:object id=\"o\" type=\"electrical.panel\">{inner}</arx:object>"))
    };
    let variable = object(
        r#"<arx:behavior><arx:variables><arx:variable name="voltage" value="480" unit="V"/></arx:variables></arx:behavior>"#,
    );
    let calculation = object(
        r#"<arx:behavior><arx:calculations><arx:calculation name="i" formula="p / v"/></arx:calculations></arx:behavior>"#,
    );
    let physics = object(
        r#"<arx:physics><arx:mass value="45" unit="kg"/><arx:anchor point="wall"/><arx:forces><arx:force name="gravity" direction="down" magnitude="9"/></arx:forces></arx:physics>"#,
    );
    let system = body(
        r#"<arx:object id="a" type="t.a"/><arx:object id="b" type="t.b"/><arx:system id="s" type="electrical"><arx:components><arx:component ref="a"/><arx:component ref="b"/></arx:components><arx:connections><arx:connection from="a" to="b" type="power"/></arx:connections></arx:system>"#,
    );
    let clickable = body(
        r#"<rect id="r" width="1" height="1"><arx:behavior><arx:triggers><arx:trigger event="click" action="toggle"/></arx:triggers></arx:behavior></rect>"#,
    );
    let falling = body(
        r#"<circle id="c" r="1"><arx:physics><arx:mass value="1.0"/><arx:forces><arx:force name="gravity" direction="down"/></arx:forces></arx:physics></circle>"#,
    );
    let interactive = body(
        r#"<rect id="r" width="1" height="1"><arx:behavior><arx:triggers><arx:trigger event="click" action="set-attribute" name="fill" value="red"/></arx:triggers></arx:behavior></rect>"#,
    );
    let named = body(r#"<rect width="1" height="1" arx:object="x" arx:type="t.a"/>"#);
    let plain = r#"<svg viewBox="0 0 9 9"><rect id="r" width="1" height="1"/></svg>"#;
    vec![
        (
            "value as text",
            object(
                r#"<arx:behavior><arx:variables><arx:variable name="voltage" unit="V"> 480 </arx:variable></arx:variables></arx:behavior>"#,
            ),
            variable.clone(),
        ),
        (
            "value as text, children in the SVG namespace",
            object(
                r#"<arx:behavior><variables><variable name="voltage" unit="V">480</variable></variables></arx:behavior>"#,
            ),
            variable.clone(),
        ),
        (
            "value as text, children in no namespace",
            object(
                r#"<arx:behavior><variables xmlns=""><variable name="voltage" unit="V">480</variable></variables></arx:behavior>"#,
            ),
            variable.clone(),
        ),
        (
            "variable named by its element",
            object(
                r#"<arx:behavior><variables><voltage unit="V">480</voltage></variables></arx:behavior>"#,
            ),
            variable.clone(),
        ),
        (
            "variable named by its element, in the arx namespace",
            object(
                r#"<arx:behavior><arx:variables><arx:voltage unit="V" value="480"/></arx:variables></arx:behavior>"#,
            ),
            variable.clone(),
        ),
        (
            "variables without their group",
            object(
                r#"<arx:behavior><variable unit="V" name="voltage" value="480"/></arx:behavior>"#,
            ),
            variable.clone(),
        ),
        (
            "an alias of the namespace",
            variable.replace("http://arxos.io/svgx", "http://arxos.dev/svgx"),
            variable.clone(),
        ),
        ("another prefix", variable.replace("arx:", "b:").replace(":arx", ":b"), variable),
        (
            "calculation named by its element",
            object(
                r#"<arx:behavior><calculations><i formula="p / v"/></calculations></arx:behavior>"#,
            ),
            calculation.clone(),
        ),
        (
            "formula as text",
            object(
                r#"<arx:behavior><calculations><calculation name="i">p / v</calculation></calculations></arx:behavior>"#,
            ),
            calculation,
        ),
        (
            "physics as text",
            object(
                r#"<arx:physics><mass unit="kg">45</mass><anchor>wall</anchor><forces><force type="gravity" direction="down" value="9"/></forces></arx:physics>"#,
            ),
            physics.clone(),
        ),
        (
            "a force without its group",
            object(
                r#"<arx:physics><mass unit="kg">45</mass><anchor point="wall"/><force name="gravity" direction="down" magnitude="9"/></arx:physics>"#,
            ),
            physics,
        ),
        (
            "components by id, without a group",
            body(
                r#"<arx:object id="a" type="t.a"/><arx:object id="b" type="t.b"/><arx:system id="s" type="electrical"><component id="a"/><component id="b"/><connection from="a" to="b" type="power"/></arx:system>"#,
            ),
            system,
        ),
        (
            "behavior=\"clickable\"",
            body(r#"<rect id="r" width="1" height="1" behavior="clickable"/>"#),
            clickable.clone(),
        ),
        (
            "event by element",
            body(
                r#"<rect id="r" width="1" height="1"><behavior><triggers><click action="toggle"/></triggers></behavior></rect>"#,
            ),
            clickable,
        ),
        (
            "mass and physics as attributes",
            body(r#"<circle id="c" r="1" mass="1.0" physics="gravity"/>"#),
            falling,
        ),
        (
            "on-click with set-attribute",
            body(
                r#"<rect id="r" width="1" height="1"><behavior><on-click><set-attribute name="fill" value="red"/></on-click></behavior></rect>"#,
            ),
            interactive,
        ),
        (
            "arx:object-id and arx:object-type",
            body(r#"<rect width="1" height="1" arx:object-id="x" arx:object-type="t.a"/>"#),
            named.clone(),
        ),
        ("arx:id", body(r#"<rect width="1" height="1" arx:id="x" arx:type="t.a"/>"#), named),
        (
            "tags with commas",
            object("<arx:tags>classroom, first_floor</arx:tags>"),
            object(
                "<arx:tags><arx:tag>classroom</arx:tag><arx:tag>first_floor</arx:tag></arx:tags>",
            ),
        ),
        (
            "an svgx root without a namespace",
            plain.replace("svg ", "svgx ").replace("/svg>", "/svgx>"),
            body(r#"<rect id="r" width="1" height="1"/>"#),
        ),
        (
            "an svg root without a namespace",
            plain.to_owned(),
            body(r#"<rect id="r" width="1" height="1"/>"#),
        ),
        (
            "an svgx root in an old namespace",
            plain
                .replace("svg ", "svgx xmlns=\"http://www.svgx.org/schema/1.0\" ")
                .replace("/svg>", "/svgx>"),
            body(r#"<rect id="r" width="1" height="1"/>"#),
        ),
        (
            "an undeclared prefix",
            body(r#"<g arx:layer="walls"/>"#).replace(r#" xmlns:arx="http://arxos.io/svgx""#, ""),
            body(r#"<g arx:layer="walls"/>"#),
        ),
        (
            "symbol behaviors",
            body(
                r#"<behaviors><behavior name="b" type="interaction"><action>toggle</action></behavior></behaviors>"#,
            ),
            body(
                r#"<arx:behaviors><arx:behavior type="interaction" name="b"><arx:triggers><arx:trigger event="click" action="toggle"/></arx:triggers></arx:behavior></arx:behaviors>"#,
            ),
        ),
        (
            "precision without a unit",
            body(r#"<g arx:precision="0.001"/>"#),
            body(r#"<g arx:precision="0.001mm"/>"#),
        ),
    ]
}

#[test]
fn every_dialect_reads_as_its_canonical_form() {
    for (name, dialect, canonical) in table() {
        let (a, b) = (read(&dialect), read(&canonical));
        assert_eq!(document::difference(&a, &b), None, "{name}");
        assert_eq!(document::canonical(&a), document::canonical(&b), "{name}");
        let errors: Vec<_> =
            b.diagnostics().iter().filter(|d| d.severity == document::Severity::Error).collect();
        assert!(name.contains("formula") || errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn canonical_text_reads_as_the_same_model_and_is_its_own_canonical_text() {
    let room = include_str!("../../../../examples/room.svgx").to_owned();
    let json = include_str!("dialects/export.json").to_owned();
    let more = [
        r#"<!-- a --><svg><text> a <tspan>b</tspan>  c</text><g>x<a/> <b/>y</g><!--z--></svg><!-- b -->"#,
        r#"<svg xmlns:q="urn:q"><q:r q:s="&quot;&lt;&#10;&#9;&amp;"><i xmlns="">t</i><q:svg/></q:r><style><![CDATA[a>b & c]]></style></svg>"#,
        r#"<svg xmlns="http://www.w3.org/2000/svg"><g xmlns=""><k/></g><metadata><k xmlns=""><rect/></k></metadata></svg>"#,
        r#"<svg><building id="b"><floor level="1"><room id="r" area="9"/></floor></building></svg>"#,
    ];
    let texts = table().into_iter().map(|(_, d, _)| d).chain([room, json]);
    for text in texts.chain(more.map(str::to_owned)) {
        let first = read(&text);
        let once = document::canonical(&first);
        let second = read(&once);
        assert_eq!(document::difference(&first, &second), None, "{text}\n{once}");
        assert_eq!(document::canonical(&second), once);
    }
}

#[test]
fn the_room_is_kept_in_canonical_form_and_has_nothing_wrong_with_it() {
    let room = include_str!("../../../../examples/room.svgx");
    let document = read(room);
    assert_eq!(document::canonical(&document), room);
    assert_eq!(document.diagnostics(), []);
    let panel =
        document.object("epnl1").and_then(|i| document.objects().get(i.0 as usize)).unwrap();
    assert_eq!(panel.shapes.len(), 1);
    assert!(panel.behavior.is_some() && panel.physics.is_some());
}

#[test]
fn a_script_in_a_document_is_flagged_and_becomes_no_action() {
    let text = body(
        r#"<behaviors><behavior><action>document.write(1)</action></behavior></behaviors><script>x()</script><g onclick="x()"/><a href=" javascript:x()"/>"#,
    );
    let document = read(&text);
    let flagged = document.diagnostics().iter().filter(|d| d.code == "script-ignored").count();
    assert_eq!(flagged, 4);
    assert!(document.behaviors().iter().all(|b| b.triggers.is_empty()));
}

#[test]
fn a_style_sheet_from_outside_is_told_to_be_missing() {
    let cases = [
        (r#"<?xml-stylesheet href="a.css" type="text/css"?>"#, "the style sheet is never fetched"),
        (r#"<?xml-stylesheet?>"#, "the style sheet is never fetched"),
        (r#"<?other href="a.css"?>"#, "processing instructions have no meaning"),
    ];
    for (instruction, expected) in cases {
        let document = read(&format!("{instruction}{}", body("<g/>")));
        let found = document.diagnostics();
        assert_eq!(found.len(), 1, "{instruction}: {found:?}");
        assert_eq!(found[0].code, Code::InstructionDropped);
        assert!(found[0].message.starts_with(expected), "{instruction}: {found:?}");
    }
}

#[test]
fn a_behavior_inside_an_element_and_in_the_list_is_one() {
    let element = |id: &str, behaviors: &str| {
        format!(
            r#"{{"id":"{id}","type":"a.b","geometry":{{"x":0,"y":0,"width":1,"height":1}},"behaviors":[{behaviors}]}}"#
        )
    };
    let listed = r#"{"id":"b1","triggers":["click"],"actions":["highlight"]}"#;
    let bare = r#"{"id":"b1","type":"arx:behavior"}"#;
    let other = r#"{"triggers":["hover"],"actions":["toggle"]}"#;
    // Elements, listed behaviors, how many behaviors there are, what each element's does, warnings.
    let cases = [
        (vec![element("e1", r#""b1""#)], listed, 1, vec!["highlight"], 0),
        (vec![element("e1", bare)], listed, 1, vec!["highlight"], 0),
        (vec![element("e1", bare), element("e2", bare)], listed, 1, vec!["highlight"; 2], 0),
        (vec![element("e1", listed)], listed, 1, vec!["highlight"], 1),
        (vec![element("e1", listed)], "", 1, vec!["highlight"], 0),
        (vec![element("e1", listed), element("e2", bare)], "", 1, vec!["highlight"; 2], 0),
        (vec![element("e1", other)], listed, 2, vec!["toggle"], 0),
    ];
    for (elements, behaviors, count, actions, warnings) in cases {
        let elements = elements.join(",");
        let text = format!(
            r#"{{"svgx_version":"1.0.0","width":9,"height":9,"elements":[{elements}],"behaviors":[{behaviors}]}}"#
        );
        let report = svgx_engine::check(&text, &Limits::default());
        assert!(!report.has_errors(), "{text}: {:?}", report.diagnostics);
        let found = report.diagnostics.iter().filter(|d| d.code == Code::TwoValues).count();
        assert_eq!(found, warnings, "{text}: {:?}", report.diagnostics);
        let document = report.document.expect("it is a drawing");
        assert_eq!(document.behaviors().len(), count, "{text}");
        let done: Vec<&str> = document
            .objects()
            .iter()
            .filter_map(|o| document.behaviors().get(document.behavior_of(o.node)?.0 as usize))
            .flat_map(|b| b.triggers.iter().map(|t| &*t.action))
            .collect();
        assert_eq!(done, actions, "{text}");
    }
}

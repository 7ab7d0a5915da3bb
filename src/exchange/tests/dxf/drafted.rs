//! Dimensions, layers and values of symbols in files.

use std::collections::BTreeMap;

use svgx_engine::document;
use svgx_exchange::dxf::{ExportOptions, ExportReport, Imported, Limits, Version, export};

use super::{read, unlimited};

fn file(inside: &str, version: Version) -> (String, ExportReport) {
    let content = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 420 297">{inside}</svg>"#
    );
    let limits = document::Limits::default();
    let document = document::parse(&content, &limits).expect("a document");
    let options = ExportOptions { version };
    let exported = export(&document, &options, &limits, &Limits::default(), &unlimited());
    let exported = exported.expect("a file");
    (String::from_utf8(exported.dxf).expect("UTF-8"), exported.report)
}

/// The pairs of every record of a kind.
fn records(file: &str, kind: &str) -> Vec<BTreeMap<i32, Vec<String>>> {
    let lines: Vec<&str> = file.lines().collect();
    let mut all: Vec<(String, BTreeMap<i32, Vec<String>>)> = Vec::new();
    for pair in lines.chunks_exact(2) {
        let code: i32 = pair[0].trim().parse().expect("a code");
        if code == 0 {
            all.push((pair[1].to_owned(), BTreeMap::new()));
        }
        if let Some((_, last)) = all.last_mut() {
            last.entry(code).or_default().push(pair[1].trim().to_owned());
        }
    }
    all.into_iter().filter(|(name, _)| name == kind).map(|(_, pairs)| pairs).collect()
}

const PLATE: &str = r#"<rect id="plate" x="100" y="100" width="150" height="80"/>
<circle id="hole" cx="140" cy="140" r="10"/>
<line id="a" x1="0" y1="250" x2="50" y2="250"/><line id="b" x1="0" y1="250" x2="40" y2="220"/>
<path id="bow" d="M 300 100 A 40 40 0 0 1 380 100"/>
<arx:dimensions>
  <arx:dimension of="plate.left plate.right" at="0 80"/>
  <arx:dimension type="aligned" of="plate.top-left plate.bottom-right" tolerance="0.1"/>
  <arx:dimension type="diameter" of="hole" at="160 120"/>
  <arx:dimension type="radius" of="hole" at="120 160"/>
  <arx:dimension type="angle" of="a b" at="60 240"/>
  <arx:dimension type="ordinate" of="plate.top-left hole.center" at="140 200"/>
  <arx:dimension type="chain" of="plate.top hole.center plate.bottom" at="90 0"/>
  <arx:dimension type="arc" of="bow.1-2" at="340 40"/>
</arx:dimensions>"#;

#[test]
fn dimensions_are_entities_with_their_blocks() {
    for version in [Version::R12, Version::R2000, Version::R2018] {
        let (text, report) = file(PLATE, version);
        let all = records(&text, "DIMENSION");
        assert_eq!(all.len(), 8, "{version:?}");
        assert_eq!(report.model.get("DIMENSION"), Some(&8));
        let kinds: Vec<i32> =
            all.iter().map(|d| d[&70][0].parse::<i32>().expect("a kind") - 32).collect();
        assert_eq!(kinds, [0, 1, 3, 4, 5, 6 + 64, 0, 0], "{version:?}");
        for (at, dimension) in all.iter().enumerate() {
            let name = format!("*D{}", at + 1);
            assert_eq!(dimension[&2][0], name);
            let blocks = records(&text, "BLOCK");
            assert!(blocks.iter().any(|b| b[&2][0] == name && b[&70] == ["1"]), "{name}");
        }
        assert_eq!(report.notes.iter().filter(|n| n.code == "dxf-arc-length").count(), 1);
        if version == Version::R12 {
            continue;
        }
        let measured: Vec<f64> =
            all.iter().map(|d| d[&42][0].parse().expect("a measure")).collect();
        let angle = (30.0_f64 / 40.0).atan();
        let expected = [150.0, 170.0, 20.0, 10.0, angle, 40.0, 40.0, 40.0];
        for (ours, theirs) in measured.iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-6, "{measured:?}");
        }
        // What is more than the measure is said.
        let said: Vec<bool> = all.iter().map(|d| d.contains_key(&1)).collect();
        assert_eq!(said, [false, true, false, false, false, false, false, false]);
        assert!(all[1][&1][0].starts_with("<>"), "{:?}", all[1]);
        let styles = records(&text, "DIMSTYLE");
        assert_eq!(styles.len(), 2, "Standard, and one of the drawing");
        assert_eq!((styles[1][&278][0].as_str(), styles[1][&140][0].as_str()), ("44", "2.5"));
    }
}

#[test]
fn values_are_attributes_of_inserts() {
    let (text, report) = file(
        r##"<symbol id="outlet"><circle r="5"/><arx:attribute name="tag" y="8" size="2"/></symbol>
        <use href="#outlet" x="40" y="10"><arx:attribute name="tag" value="E1"/></use>
        <use href="#outlet" x="80" y="10"/>"##,
        Version::R2000,
    );
    let values = records(&text, "ATTRIB");
    assert_eq!(values.len(), 1);
    assert_eq!((values[0][&2][0].as_str(), values[0][&1][0].as_str()), ("TAG", "E1"));
    assert_eq!(values[0][&40], ["2.0"]);
    let templates = records(&text, "ATTDEF");
    assert_eq!((templates.len(), templates[0][&2][0].as_str()), (1, "TAG"));
    assert_eq!(report.model.get("INSERT"), Some(&2));
    assert_eq!(records(&text, "SEQEND").len(), 1);
}

#[test]
fn layers_keep_what_is_declared_of_them() {
    let (text, _) = file(
        r##"<arx:layers><arx:layer id="pipes" color="#f00" locked="true"/>
        <arx:layer id="notes" visible="false" printable="false"/></arx:layers>
        <line x2="9" arx:layer="pipes"/><line x2="9" y2="3" stroke="#00f" arx:layer="notes"/>"##,
        Version::R2000,
    );
    let layers = records(&text, "LAYER");
    let layer = |name: &str| layers.iter().find(|l| l[&2] == [name]).expect("a layer");
    assert_eq!((layer("pipes")[&70][0].as_str(), layer("pipes")[&62][0].as_str()), ("4", "1"));
    assert_eq!((layer("notes")[&62][0].as_str(), layer("notes")[&290][0].as_str()), ("-5", "0"));
    assert_eq!(records(&text, "LINE").len(), 2);
}

/// What is written, read again, and written again.
fn there_and_back(inside: &str, version: Version) -> (String, Imported, String) {
    let (first, _) = file(inside, version);
    let back = read(first.as_bytes()).expect("a file that is read back");
    let limits = document::Limits::default();
    let document = document::parse(&back.svgx, &limits).expect("a document");
    assert!(document.diagnostics().is_empty(), "{:?}\n{}", document.diagnostics(), back.svgx);
    let options = ExportOptions { version };
    let again = export(&document, &options, &limits, &Limits::default(), &unlimited());
    let again = String::from_utf8(again.expect("a file").dxf).expect("UTF-8");
    (first, back, again)
}

#[test]
fn dimensions_of_points_of_shapes_come_back_as_dimensions() {
    let lines = PLATE.replace("id=", "fill=\"none\" stroke=\"#000\" id=");
    for version in [Version::R2000, Version::R2018] {
        let (first, back, again) = there_and_back(&lines, version);
        for kind in ["linear", "aligned", "diameter", "radius", "angle", "ordinate"] {
            let stated = format!("<arx:dimension type=\"{kind}\"");
            assert!(back.svgx.contains(&stated), "{kind}\n{}", back.svgx);
        }
        assert_eq!(back.svgx.matches("<arx:dimension ").count(), 8);
        assert!(back.svgx.contains("tolerance=\"±0.1\""), "{}", back.svgx);
        // No block draws what is stated.
        assert!(!back.svgx.contains("block--D"), "{}", back.svgx);
        assert_eq!(back.report.model.drawn.get("DIMENSION"), Some(&8));
        let [before, after] = [&first, &again].map(|file| records(file, "DIMENSION"));
        assert_eq!((before.len(), after.len()), (8, 8));
        for (a, b) in before.iter().zip(&after) {
            assert_eq!(a[&70], b[&70], "{a:?}\n{b:?}");
            assert_eq!(a.get(&1), b.get(&1));
            for code in [42, 10, 20] {
                let [x, y] = [a, b].map(|d| d[&code][0].parse::<f64>().expect("a number"));
                assert!((x - y).abs() < 1e-6, "{code}: {a:?}\n{b:?}");
            }
        }
        let [before, after] = [&first, &again].map(|file| records(file, "DIMSTYLE"));
        // `decimals` is of lengths and of angles: that of the angle is a style of its own.
        assert_eq!((before.len(), after.len()), (2, 3));
        for code in [40, 41, 140, 144, 271, 278] {
            assert_eq!(before[1][&code], after[1][&code], "{code}");
        }
    }
}

#[test]
fn a_dimension_that_could_come_out_otherwise_stays_its_block() {
    let inside = r#"<line id="a" stroke="black" x1="0" y1="250" x2="50" y2="250"/>
        <arx:dimensions><arx:dimension of="a" at="0 240"/></arx:dimensions>"#;
    let (whole, _) = file(inside, Version::R2000);
    let is_stated = |file: &str| {
        let back = read(file.as_bytes()).expect("a file that is read back");
        assert_eq!(back.report.model.drawn.get("DIMENSION"), Some(&1));
        let is_stated = back.svgx.contains("<arx:dimension ");
        assert_ne!(is_stated, back.svgx.contains("block--D1"), "{}", back.svgx);
        is_stated
    };
    assert!(is_stated(&whole));
    let (before, dimension) = whole.split_once("AcDbAlignedDimension\n").expect("a dimension");
    let with = |pairs: &str| format!("{before}AcDbAlignedDimension\n{pairs}{dimension}");
    for pairs in ["  1\nabout 50\n", "1001\nACAD\n1000\nDSTYLE\n", " 52\n30.0\n", " 13\n0.5\n"] {
        assert!(!is_stated(&with(pairs)), "{pairs}");
    }
    let (head, tail) = whole.rsplit_once(" 42\n50.0\n").expect("a measure");
    assert!(!is_stated(&format!("{head} 42\n51.0\n{tail}")));
    // Nothing is where it measures to.
    let (head, entities) = whole.split_once("ENTITIES\n").expect("a model");
    let moved = entities.replacen(" 10\n0.0\n", " 10\n1.0\n", 1);
    assert!(!is_stated(&format!("{head}ENTITIES\n{moved}")));
}

#[test]
fn values_come_back_as_values_where_they_stand_as_their_template_says() {
    let (first, back, again) = there_and_back(
        r##"<symbol id="outlet" overflow="visible"><circle r="5"/>
        <arx:attribute name="TAG" x="1" y="8" size="2" anchor="start"/>
        <arx:attribute name="KIND" x="9" y="0" size="1" rotate="-90"/></symbol>
        <use href="#outlet" x="40" y="10"><arx:attribute name="TAG" value="E1 &lt;&quot;"/>
        <arx:attribute name="KIND" value="B"/></use>
        <use href="#outlet" transform="translate(80 20) rotate(-30) scale(2)">
        <arx:attribute name="TAG" value="E2"/></use>
        <use href="#outlet" x="120" y="10"/>"##,
        Version::R2000,
    );
    assert_eq!(back.svgx.matches("<arx:attribute name=\"TAG\" value=").count(), 2);
    assert!(back.svgx.contains("value=\"E1 &lt;&quot;\""), "{}", back.svgx);
    assert!(!back.svgx.contains("<text"), "{}", back.svgx);
    assert_eq!(back.report.blocks.drawn.get("ATTDEF"), Some(&2));
    for kind in ["ATTDEF", "ATTRIB"] {
        let [before, after] = [&first, &again].map(|file| records(file, kind));
        assert_eq!(before.len(), after.len(), "{kind}");
        for (a, b) in before.iter().zip(&after) {
            assert_eq!((&a[&1], &a[&2], a.get(&72)), (&b[&1], &b[&2], b.get(&72)));
            for code in [10, 20, 40, 50] {
                let number = |d: &BTreeMap<i32, Vec<String>>| {
                    d.get(&code).map_or(0.0, |v| v[0].parse::<f64>().expect("a number"))
                };
                assert!((number(a) - number(b)).abs() < 1e-6, "{code}: {a:?}\n{b:?}");
            }
        }
    }
    // One that is larger than its template is a text of its own.
    let (head, tail) = first.split_once("ATTRIB\n").expect("an attribute");
    let moved = tail.replacen(" 40\n2.0\n", " 40\n2.5\n", 1);
    let back = read(format!("{head}ATTRIB\n{moved}").as_bytes()).expect("a file");
    assert_eq!(back.svgx.matches("<text").count(), 1, "{}", back.svgx);
}

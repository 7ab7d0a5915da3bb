//! Layers, values of symbols, and dimensions as they are drawn.

use svgx_drafting::{Purpose, check, locked};

use super::{codes, compiled, document, draw, scene};

#[test]
fn dimensions_are_drawn_as_lines_arrows_and_letters() {
    let drawing = document(
        r#"<line id="l" x1="100" y1="500" x2="400" y2="500"/>
        <arx:dimensions><arx:dimension of="l" at="0 450"/></arx:dimensions>"#,
    );
    let made = draw(&drawing, Purpose::Screen);
    let text = compiled(&made);
    assert!(text.contains(r#"<g class="dimension""#), "{text}");
    assert!(text.contains(">300</text>"), "{text}");
    assert_eq!(text.matches("<path").count(), 3, "{text}");
    assert!(!text.contains("arx:"), "{text}");
    assert_eq!(made.dimensions.len(), 1);
}

#[test]
fn layers_give_looks_to_what_states_none() {
    let drawing = document(
        r##"<arx:layers>
          <arx:layer id="pipes" color="#07c" line-width="0.5mm" line-type="dashed"/>
          <arx:layer id="notes" visible="false"/>
          <arx:layer id="aids" printable="false" locked="true"/>
        </arx:layers>
        <line id="a" arx:layer="pipes" x2="9"/>
        <line id="b" arx:layer="pipes" x2="9" stroke="red" stroke-width="3"/>
        <rect id="c" arx:layer="pipes" width="9" height="9" fill="#eee"/>
        <g arx:layer="pipes"><text id="d">x</text></g>
        <line id="e" arx:layer="notes" x2="9"/>
        <line id="f" arx:layer="aids" x2="9"/>"##,
    );
    let made = draw(&drawing, Purpose::Screen);
    let attr = |id: &str, name: &str| {
        let node = made.document.by_id(id).expect("an element");
        made.document.attr(node, name).map(str::to_owned)
    };
    let is = |id: &str, name: &str, value: Option<&str>| {
        assert_eq!(attr(id, name).as_deref(), value, "{id} {name}");
    };
    is("a", "stroke", Some("#07c"));
    is("a", "stroke-width", Some("0.5"));
    is("a", "stroke-dasharray", Some("6 1.5"));
    is("b", "stroke", Some("red"));
    is("b", "stroke-width", Some("3"));
    is("c", "stroke", None);
    is("c", "fill", Some("#eee"));
    is("d", "fill", Some("#07c"));
    is("d", "stroke", None);
    is("e", "display", Some("none"));
    is("f", "display", None);
    let paper = draw(&drawing, Purpose::Paper);
    let f = paper.document.by_id("f").expect("an element");
    assert_eq!(paper.document.attr(f, "display"), Some("none"));
    assert_eq!(locked(&drawing, drawing.by_id("f").expect("f")).as_deref(), Some("aids"));
    assert_eq!(locked(&drawing, drawing.by_id("a").expect("a")), None);
    assert_eq!(codes(&check(&drawing, &scene(&drawing))), Vec::<&str>::new());
}

#[test]
fn values_of_symbols_stand_where_the_symbol_has_their_places() {
    let drawing = document(
        r##"<symbol id="outlet"><circle r="5"/>
          <arx:attribute name="tag" x="0" y="8" value="?"/>
          <arx:attribute name="note" x="0" y="12"/>
          <arx:attribute name="load" value="5" hidden="true"/>
        </symbol>
        <use id="one" href="#outlet" x="400" y="100" transform="translate(10 0)">
          <arx:attribute name="tag" value="E1"/>
        </use>
        <use id="two" href="#outlet" x="500" y="100"/>"##,
    );
    let made = draw(&drawing, Purpose::Screen);
    let text = compiled(&made);
    assert!(text.contains(">E1</text>") && text.contains(">?</text>"), "{text}");
    assert_eq!(text.matches("<text").count(), 2, "{text}");
    assert!(text.contains(r#"transform="translate(10 0) matrix(1 0 0 1 400 100)""#), "{text}");
    // What a turned symbol shows is not upside down.
    let turned = document(
        r##"<symbol id="s"><arx:attribute name="tag" y="8" size="2" value="E"/></symbol>
        <use href="#s" transform="rotate(180)"/><use href="#s" transform="rotate(90)"/>
        <use href="#s" transform="rotate(-90)"/>"##,
    );
    let text = compiled(&draw(&turned, Purpose::Screen));
    assert_eq!(text.matches("rotate(180 0 7)").count(), 2, "{text}");
    let one = made.document.by_id("one").expect("a use");
    let next = made.document.next_sibling(one).and_then(|n| made.document.name(n));
    assert_eq!(next.map(|(_, name)| name), Some("text"));
}

#[test]
fn what_cannot_be_read_is_told() {
    let drawing = document(
        r##"<arx:layers><arx:layer id="a" visible="perhaps"/><arx:layer id="b" line-type="wavy"/></arx:layers>
        <symbol id="s"><arx:attribute x="1"/></symbol>
        <use href="#s"><arx:attribute name="tag" value="E1"/></use>
        <arx:sheet id="A" size="A9"/>"##,
    );
    let mut found = codes(&check(&drawing, &scene(&drawing)));
    found.sort_unstable();
    assert_eq!(
        found,
        ["attribute-name", "attribute-name", "layer-value", "layer-value", "sheet-value"]
    );
}

//! Operations on the tree of [`DRAWING`](super::DRAWING), and what each does.

use serde_json::{Value, json};

/// What an operation does: a piece of the drawing afterwards, or the code of its refusal.
pub(super) enum Expected {
    Has(&'static str),
    Lacks(&'static str),
    Refused(&'static str, &'static str),
}
use Expected::{Has, Lacks, Refused};

pub(super) fn cases() -> Vec<(Value, Expected)> {
    vec![
        (
            json!({"operation": "add", "markup": "<rect id='new' x='1' width='2' height='2'/>"}),
            Has(r#"<rect id="new" x="1" width="2" height="2"/>"#),
        ),
        (
            json!({"operation": "add", "markup": "<rect id='a'/><g id='b'><circle r='2'/></g>", "before_id": "desk"}),
            Has(
                "<rect id=\"a\"/>\n  <g id=\"b\">\n    <circle r=\"2\"/>\n  </g>\n  <rect id=\"desk\"",
            ),
        ),
        (
            json!({"operation": "add", "markup": "<rect id='a'/>", "after_id": "desk"}),
            Has("fill=\"url(#shade)\"/>\n  <rect id=\"a\"/>"),
        ),
        (
            json!({"operation": "add", "markup": "<rect id='a'/>", "parent_id": "turned"}),
            Has("<circle r=\"3\"/>\n    <rect id=\"a\"/>"),
        ),
        (
            json!({"operation": "add", "markup": "<level>4</level>", "parent_id": "@24"}),
            Has("<arx:variable name=\"level\" value=\"4\"/>"),
        ),
        (
            json!({"operation": "add", "markup": "<rect ink:label='x'/>"}),
            Has("<rect ink:label=\"x\"/>"),
        ),
        (
            json!({"operation": "add", "markup": "<tspan>b </tspan>", "parent_id": "note"}),
            Has("Hi<tspan>b </tspan>"),
        ),
        (
            json!({"operation": "add", "markup": "<rect id='desk'/>"}),
            Refused("bad-markup", "the id `desk` is taken"),
        ),
        (
            json!({"operation": "add", "markup": "<rect id='@3'/>"}),
            Refused("bad-markup", "handles"),
        ),
        (json!({"operation": "add", "markup": "<rect"}), Refused("bad-markup", "")),
        (
            json!({"operation": "add", "markup": "text"}),
            Refused("bad-markup", "inside of elements"),
        ),
        (json!({"operation": "add", "markup": ""}), Refused("bad-markup", "no element")),
        (
            json!({"operation": "add", "markup": "<script>alert(1)</script>"}),
            Refused("bad-markup", "script"),
        ),
        (
            json!({"operation": "add", "markup": "<rect onclick='alert(1)'/>"}),
            Refused("bad-markup", "script"),
        ),
        (
            json!({"operation": "add", "markup": "<a href='javascript:x()'/>"}),
            Refused("bad-markup", "script"),
        ),
        (json!({"operation": "add", "markup": "</svg><svg>"}), Refused("bad-markup", "")),
        (
            json!({"operation": "add", "markup": "</arx:variables><arx:x/><arx:variables>", "parent_id": "@24"}),
            Refused("bad-markup", "closed"),
        ),
        (json!({"operation": "add", "markup": "<!DOCTYPE a><rect/>"}), Refused("bad-markup", "")),
        (
            json!({"operation": "add", "markup": "<rect arx:behavior='nothing'/>"}),
            Refused("bad-markup", "nothing"),
        ),
        (
            json!({"operation": "add", "markup": "<arx:calculation name='w' formula='nope * 2'/>", "parent_id": "@26"}),
            Refused("formulas-broken", "nope"),
        ),
        (
            json!({"operation": "add", "markup": "<rect/>", "parent_id": "dsk"}),
            Refused("unknown-element", "desk"),
        ),
        (
            json!({"operation": "add", "markup": "<rect/>", "before_id": "desk", "after_id": "wire"}),
            Refused("bad-operation", "exclude"),
        ),
        (
            json!({"operation": "add", "markup": "<rect/>", "before_id": "desk", "parent_id": "turned"}),
            Refused("bad-operation", "parent_id"),
        ),
        (json!({"operation": "delete", "element_id": "desk"}), Lacks("id=\"desk\"")),
        (
            json!({"operation": "delete", "element_ids": ["desk", "turned", "shelf"]}),
            Lacks("id=\"shelf\""),
        ),
        (
            json!({"operation": "delete", "element_id": "shade"}),
            Refused("referenced", "shade by fill of desk"),
        ),
        (
            json!({"operation": "delete", "element_id": "shade", "references": "remove"}),
            Lacks("fill=\"url"),
        ),
        (json!({"operation": "delete", "element_id": "chair"}), Refused("referenced", "href")),
        (
            json!({"operation": "delete", "element_id": "chair", "references": "remove"}),
            Lacks("<use"),
        ),
        (
            json!({"operation": "delete", "element_id": "wire", "references": "remove"}),
            Lacks("<arx:constraint type"),
        ),
        (
            json!({"operation": "delete", "element_id": "tank", "references": "remove"}),
            Lacks("<arx:connection "),
        ),
        (
            json!({"operation": "delete", "element_id": "pump", "references": "remove"}),
            Refused("unsuitable", "formulas read it"),
        ),
        (
            json!({"operation": "delete", "element_id": "@0"}),
            Refused("unsuitable", "the drawing itself"),
        ),
        (json!({"operation": "delete"}), Refused("missing-target", "")),
        (json!({"operation": "delete", "element_id": "@25"}), Refused("formulas-broken", "flow")),
        (
            json!({"operation": "reparent", "element_id": "desk", "parent_id": "turned"}),
            Has(
                "<rect id=\"desk\" x=\"10\" y=\"10\" width=\"20\" height=\"10\" fill=\"url(#shade)\" transform=\"matrix(0 -1 1 0 -500 500)\"/>",
            ),
        ),
        (
            json!({"operation": "reparent", "element_id": "shelf", "parent_id": "@0", "after_id": "desk"}),
            Has(
                "<rect id=\"shelf\" width=\"10\" height=\"4\" transform=\"matrix(0 1 -1 0 500 500)\"/>",
            ),
        ),
        (
            json!({"operation": "reparent", "element_id": "turned", "parent_id": "shelf"}),
            Refused("unsuitable", "in itself"),
        ),
        (
            json!({"operation": "reparent", "element_id": "desk", "parent_id": "note"}),
            Refused("unsuitable", "white space"),
        ),
        (
            json!({"operation": "reparent", "element_id": "desk", "parent_id": "@24"}),
            Refused("unsuitable", "belong"),
        ),
        (
            json!({"operation": "reorder", "element_id": "desk", "to": "front"}),
            Has("fill=\"url(#shade)\"/>\n</svg>"),
        ),
        (
            json!({"operation": "reorder", "element_id": "wire", "to": "back"}),
            Has("<line id=\"wire\" x1=\"200\" y1=\"200\" x2=\"230\" y2=\"200\"/>\n  <defs>"),
        ),
        (
            json!({"operation": "reorder", "element_id": "desk", "to": "backward"}),
            Has("fill=\"url(#shade)\"/>\n  <defs>"),
        ),
        (
            json!({"operation": "reorder", "element_id": "seat", "before_id": "desk"}),
            Has("y=\"40\"/>\n  <rect id=\"desk\""),
        ),
        (
            json!({"operation": "reorder", "element_ids": ["desk", "shelf"], "to": "front"}),
            Refused("unsuitable", "another parent"),
        ),
        (
            json!({"operation": "reorder", "element_id": "desk"}),
            Refused("bad-operation", "missing"),
        ),
        (
            json!({"operation": "group", "element_ids": ["desk", "seat"], "group_id": "set"}),
            Has("<g id=\"set\">\n    <rect id=\"desk\""),
        ),
        (
            json!({"operation": "group", "element_ids": ["desk", "shelf"]}),
            Has("transform=\"matrix(0 -1 1 0 -500 500)\""),
        ),
        (
            json!({"operation": "group", "element_ids": ["desk"], "group_id": "wire"}),
            Refused("bad-attribute", "another element"),
        ),
        (json!({"operation": "group", "element_ids": ["b1"]}), Refused("unsuitable", "not drawn")),
        (
            json!({"operation": "ungroup", "element_id": "turned"}),
            Has(
                "<rect id=\"shelf\" width=\"10\" height=\"4\" fill=\"blue\" transform=\"matrix(0 1 -1 0 500 500)\"/>\n  <circle r=\"3\"",
            ),
        ),
        (
            json!({"operation": "ungroup", "element_id": "chair"}),
            Refused("referenced", "href of seat"),
        ),
        (json!({"operation": "ungroup", "element_id": "desk"}), Refused("unsuitable", "no `g`")),
        (
            json!({"operation": "duplicate", "element_id": "desk", "dx": 5}),
            Has("<rect id=\"desk-2\" x=\"15\""),
        ),
        (
            json!({"operation": "duplicate", "element_id": "tank"}),
            Has("<rect id=\"tank-2\" arx:object=\"t1-2\""),
        ),
        (
            json!({"operation": "move", "element_ids": ["desk", "seat"], "dx": 1, "dy": 2}),
            Has("<use id=\"seat\" href=\"#chair\" x=\"41\" y=\"42\"/>"),
        ),
        (json!({"operation": "move", "element_id": "b1", "dx": 1}), Refused("not-movable", "")),
        (
            json!({"operation": "rotate", "element_id": "desk", "angle": 90}),
            Has("transform=\"matrix(0 1 -1 0 35 -5)\""),
        ),
        (
            json!({"operation": "rotate", "element_id": "shelf", "angle": 90, "center": {"x": 500, "y": 500}}),
            Has("<rect id=\"shelf\" width=\"10\" height=\"4\" transform=\"matrix(0 1 -1 0 0 0)\""),
        ),
        (
            json!({"operation": "rotate", "element_id": "pump", "angle": 90}),
            Refused("unsuitable", "SVG"),
        ),
        (
            json!({"operation": "scale", "element_id": "desk", "factor": 2, "center": {"x": 10, "y": 10}}),
            Has("transform=\"matrix(2 0 0 2 -10 -10)\""),
        ),
        (
            json!({"operation": "scale", "element_id": "desk", "factor": 0}),
            Refused("bad-number", "factor"),
        ),
        (
            json!({"operation": "set_text", "element_id": "note", "text": "a < b"}),
            Has("a &lt; b</text>"),
        ),
        (
            json!({"operation": "set_text", "element_id": "note", "text": ""}),
            Has("<text id=\"note\" x=\"5\" y=\"90\"/>"),
        ),
        (
            json!({"operation": "set_text", "element_id": "desk", "text": "a"}),
            Refused("unsuitable", "no text"),
        ),
        (
            json!({"operation": "set_style", "element_ids": ["desk", "wire"], "name": "stroke", "value": "green"}),
            Has("y2=\"200\" style=\"stroke: green\""),
        ),
        (
            json!({"operation": "set_style", "element_id": "desk", "name": "fill"}),
            Lacks("url(#shade)"),
        ),
        (
            json!({"operation": "set_style", "element_id": "desk", "name": "fill", "value": "red;stroke:url(x)"}),
            Refused("bad-attribute", "one value"),
        ),
        (
            json!({"operation": "set_style", "element_id": "desk", "name": "fill", "value": "gren"}),
            Refused("bad-attribute", "take this value"),
        ),
        (
            json!({"operation": "set_property", "element_id": "pump", "name": "power", "value": "7"}),
            Has("name=\"power\" value=\"7\" unit=\"kW\""),
        ),
        (
            json!({"operation": "set_property", "element_id": "tank", "name": "volume", "value": "2", "unit": "L"}),
            Has("<arx:property name=\"volume\" value=\"2\" unit=\"L\"/>"),
        ),
        (
            json!({"operation": "set_property", "element_id": "pump", "name": "power"}),
            Refused("formulas-broken", "power"),
        ),
        (
            json!({"operation": "set_property", "element_id": "desk", "name": "a", "value": "1"}),
            Refused("unsuitable", "no object"),
        ),
        (
            json!({"operation": "set_variable", "element_id": "b1", "name": "flow", "value": "4"}),
            Has("name=\"flow\" value=\"4\""),
        ),
        (
            json!({"operation": "set_variable", "element_id": "b1", "name": "rate", "value": "4", "unit": "m"}),
            Has("name=\"rate\" value=\"4\" unit=\"m\""),
        ),
        (
            json!({"operation": "set_variable", "element_id": "b1", "name": "flow", "value": "much"}),
            Refused("bad-attribute", "number"),
        ),
        (
            json!({"operation": "link", "relation": "behavior", "element_id": "desk", "target_id": "b1"}),
            Has("arx:behavior=\"b1\""),
        ),
        (
            json!({"operation": "link", "relation": "behavior", "element_id": "desk", "target_id": "b2"}),
            Refused("unsuitable", "there is no behavior `b2`"),
        ),
        (
            json!({"operation": "link", "relation": "upstream", "element_id": "pump", "target_id": "t1"}),
            Refused("unsuitable", "feed each other"),
        ),
        (
            json!({"operation": "unlink", "relation": "upstream", "element_id": "tank"}),
            Lacks("arx:upstream"),
        ),
        (
            json!({"operation": "link", "relation": "connection", "element_id": "t1", "target_id": "pump", "kind": "return"}),
            Has("<arx:connection from=\"t1\" to=\"pump\" type=\"return\"/>"),
        ),
        (
            json!({"operation": "unlink", "relation": "connection", "element_id": "pump", "target_id": "t1"}),
            Lacks("<arx:connection "),
        ),
        (
            json!({"operation": "link", "relation": "constraint", "constraint": {"type": "distance", "elements": ["desk.left", "tank.left"], "value": 9}}),
            Has("<arx:constraint type=\"distance\" value=\"9\" of=\"desk.left tank.left\"/>"),
        ),
        (
            json!({"operation": "link", "relation": "constraint", "constraint": {"type": "distence", "elements": ["desk", "tank"]}}),
            Refused("bad-operation", "did you mean distance?"),
        ),
        (
            json!({"operation": "unlink", "relation": "constraint", "constraint": {"type": "horizontal", "elements": ["wire"]}}),
            Lacks("<arx:constraint type"),
        ),
    ]
}

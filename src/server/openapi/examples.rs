//! Examples: for each endpoint a request that works as it stands, and for each way to fail the
//! problem document that is answered. `tests/suite/server/openapi.rs` sends every request.

use std::time::Duration;

use serde_json::{Value, json};

use svgx_controller::{Reason, Shed};

use crate::protocol::problem::Error;

/// A lamp that counts its current and can be clicked, a shelf on the wall, and two lines that are
/// to meet at a right angle.
const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 400 300" width="400mm" height="300mm">
  <rect id="shelf" x="40" y="60" width="80" height="20" fill="#c9b79c"/>
  <arx:object id="lamp" type="electrical.light" system="electrical">
    <circle id="bulb" cx="200" cy="60" r="12" fill="#ffd43b"/>
    <arx:behavior>
      <arx:variables>
        <arx:variable name="power" value="20" unit="W"/>
        <arx:variable name="voltage" value="230" unit="V"/>
      </arx:variables>
      <arx:calculations>
        <arx:calculation name="current" formula="power / voltage" unit="A"/>
      </arx:calculations>
      <arx:triggers>
        <arx:trigger event="click" action="toggle"/>
      </arx:triggers>
    </arx:behavior>
    <arx:physics><arx:mass value="2.5" unit="kg"/><arx:anchor type="ceiling"/></arx:physics>
  </arx:object>
  <line id="wall" x1="40" y1="250" x2="201" y2="248" stroke="black"/>
  <line id="door" x1="40" y1="250" x2="43" y2="170" stroke="black"/>
  <arx:constraints>
    <arx:constraint type="coincident" of="wall.start door.start"/>
    <arx:constraint type="horizontal" of="wall"/>
    <arx:constraint type="perpendicular" of="wall door"/>
    <arx:constraint type="distance" value="160" of="wall.start wall.end"/>
  </arx:constraints>
</svg>"##;

/// A tank that feeds a tap through a pipe that is drawn, and a board that feeds a lamp.
const NETWORKS: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9000 6000" width="900" height="600" arx:units="mm">
  <path id="riser" d="M1000 5000H4000V1000" fill="none" stroke="#3c78c3" stroke-width="60" arx:object="p1"/>
  <arx:object id="tank" type="plumbing.tank"/>
  <arx:object id="tap" type="plumbing.tap"/>
  <arx:object id="board" type="electrical.panel"/>
  <arx:object id="lamp" type="electrical.light">
    <arx:properties><arx:property name="power" value="2 kW"/></arx:properties>
  </arx:object>
  <arx:system id="cold" type="plumbing" network="water" fluid="water 20 C">
    <arx:components>
      <arx:component ref="tank" type="reservoir" head="20 m"/>
      <arx:component ref="tap" type="demand" flow="0.5 L/s"/>
    </arx:components>
    <arx:connections>
      <arx:connection id="p1" from="tank" to="tap" type="pipe" diameter="20 mm" roughness="0.0015 mm"/>
    </arx:connections>
  </arx:system>
  <arx:system id="power" type="electrical" network="electrical">
    <arx:components>
      <arx:component ref="board" type="source" voltage="400 V" fault="15 kA" phases="ABCN"/>
      <arx:component ref="lamp" type="load" phases="AN" pf="0.95"/>
    </arx:components>
    <arx:connections>
      <arx:connection id="c1" from="board" to="lamp" type="power" phases="AN" size="2.5 mm^2" material="copper" length="30 m"/>
    </arx:connections>
  </arx:system>
</svg>"##;

/// Two cabinets that overlap, and a duct that is too near.
const ASSEMBLY: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 2000 800">
  <symbol id="cabinet"><rect width="600" height="400"/></symbol>
  <use id="k1" href="#cabinet" x="100" y="100" arx:component="cabinet"/>
  <use id="k2" href="#cabinet" x="690" y="150" arx:component="cabinet"/>
  <rect id="d1" x="1293" y="100" width="200" height="600" arx:component="duct"/>
</svg>"##;

/// A rounded plate with a hole, in metres.
const DXF: &str = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1024\n9\n$INSUNITS\n70\n6\n0\nENDSEC\n\
    0\nSECTION\n2\nENTITIES\n\
    0\nLWPOLYLINE\n8\nplate\n90\n4\n70\n1\n10\n0\n20\n0\n10\n4\n20\n0\n42\n1\n10\n4\n20\n2\n10\n0\n20\n2\n42\n1\n\
    0\nCIRCLE\n8\nholes\n10\n2\n20\n1\n40\n0.5\n0\nENDSEC\n0\nEOF\n";

/// The drawing that is shown for an endpoint.
fn drawing(path: &str) -> &'static str {
    if path == "/networks/solve" { NETWORKS } else { DRAWING }
}

/// The trace in the examples.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The body that is shown for an endpoint.
fn body(method: &str, path: &str) -> Option<Value> {
    Some(match (method, path) {
        ("post", "/parse") => json!({ "content": DRAWING }),
        ("post", "/precision") => {
            json!({ "level": "edit", "coordinates": { "x": 10.123456, "y": 20.5 } })
        }
        ("post", "/compile/svg") => json!({ "content": DRAWING, "options": { "optimize": true } }),
        ("post", "/compile/json") => json!({ "content": DRAWING }),
        ("post", "/evaluate") => json!({ "content": DRAWING, "interaction": "click" }),
        ("post", "/simulate") => {
            json!({ "content": DRAWING, "options": { "duration": "500ms", "fps": 10 } })
        }
        ("post", "/constraints/solve") => {
            json!({ "content": DRAWING, "options": { "precision": "edit", "drawing": true } })
        }
        ("post", "/networks/solve") => {
            json!({ "content": NETWORKS, "options": { "systems": ["cold"], "precision": "edit" } })
        }
        ("post", "/render") => {
            json!({ "content": DRAWING, "options": { "width": 400, "background": "white" } })
        }
        ("post", "/export/dxf") => {
            json!({ "content": DRAWING, "options": { "version": "R2018" } })
        }
        ("post", "/export/pdf") => {
            json!({ "content": DRAWING, "options": { "scale": "1:50", "size": "A3" } })
        }
        ("post", "/import/dxf") => json!({ "content": DXF, "options": { "units": "m" } }),
        ("post", "/query") => {
            json!({ "content": ASSEMBLY, "interference": { "of": "*", "clearance": "5mm" } })
        }
        ("post", "/edit") => json!({
            "content": DRAWING,
            "edits": [
                { "operation": "add", "markup": "<rect id=\"plate\" width=\"40\" height=\"20\"/>" },
                { "operation": "fillet", "element_id": "plate", "radius": "5 mm" },
            ],
        }),
        ("post", "/interactive") => {
            json!({ "operation": "click", "element_id": "bulb", "content": DRAWING })
        }
        ("post", "/sessions") => json!({ "content": DRAWING, "session": "first-floor" }),
        ("post", "/sessions/{session}/fork") => json!({ "session": "first-floor-2" }),
        ("post", "/jobs") => json!({
            "operation": "render", "content": DRAWING,
            "parameters": { "options": { "width": 400, "background": "white" } },
        }),
        ("post", "/jobs/batch") => json!({
            "operation": "simulate", "documents": [DRAWING],
            "parameters": [
                { "options": { "duration": "500ms", "fps": 10 } },
                { "options": { "duration": "1s", "fps": 10 } },
            ],
        }),
        ("put", "/slo/controls") => json!({ "mode": "on", "seconds": 0 }),
        _ => return None,
    })
}

/// The answer that is shown for an endpoint.
fn answer(path: &str) -> Option<Value> {
    Some(match path {
        "/sessions/{session}/tiles" => json!({
            "token": "00c0ffee00c0ffee.7.0.0.0.2.1", "sequence": 12, "zoom": 0, "scale": 0.1,
            "size": 64, "complete": true,
            "tiles": [
                { "x": 0, "y": 0, "colour": "#e8ecf1ff" },
                { "x": 1, "y": 0, "png": "iVBORw0KGgo=" },
            ],
            "otherwise": [{ "element": "legend", "why": "paint-server" }],
        }),
        "/changes" => json!({
            "status": "success", "success": true,
            "changes": [
                { "session": "first-floor", "sequence": 1, "kind": "begun",
                  "at": "2026-11-30T14:21:28.176Z", "cursor": "19ad4c1f2b0-0" },
                { "session": "first-floor", "sequence": 2, "kind": "edited",
                  "at": "2026-11-30T14:21:28.177Z", "cursor": "19ad4c1f2b1-0" },
            ],
            "next": "19ad4c1f2b1-0", "more": false,
        }),
        _ => return None,
    })
}

/// The value that is shown for a part of the path.
fn part(name: &str) -> Option<&'static str> {
    Some(match name {
        "id" => "j1",
        "session" => "default",
        "code" => "rate-limited",
        "trace_id" => "latest",
        _ => return None,
    })
}

/// A failure of each status.
fn failure(status: &str, path: &str) -> Option<Error> {
    Some(match status {
        "400" => Error::Malformed {
            message: "not JSON: the text ends inside an object".to_owned(),
            at: Some((1, 20)),
        },
        "401" => Error::Unauthorized("send the header Authorization: Bearer <key>"),
        "403" => Error::Forbidden("without keys, pages of other origins are not answered"),
        "404" => Error::Missing(match path {
            "/jobs/{id}" | "/jobs/{id}/result" => {
                "there is no job `j7` of this key; GET /jobs lists them".to_owned()
            }
            "/traces/{trace_id}" => {
                format!("no trace `{TRACE}` is kept; GET /traces lists them")
            }
            "/problems/{code}" => "there is no problem code `rate-limted`; see /problems; \
                did you mean `rate-limited`?"
                .to_owned(),
            _ => "there is no session `first-flor`: make one by POST /sessions".to_owned(),
        }),
        "406" => Error::NotAcceptable {
            accept: "text/csv".to_owned(),
            available: "application/json".to_owned(),
        },
        "408" => Error::BodyTimeout(Duration::from_secs(30)),
        "409" if path.starts_with("/sessions") => {
            Error::Conflict("there is a session `first-floor` already".to_owned())
        }
        "409" => Error::Conflict("job j7 has not ended; ask GET /jobs/j7".to_owned()),
        "410" => Error::ChangesLost { next: "19ad4c1f2b0-0".to_owned() },
        "413" => Error::BodyTooLarge { limit: 10 << 20, seen: 12_000_000 },
        "415" => Error::UnsupportedMediaType {
            seen: "text/csv".to_owned(),
            expected: "application/json, or the document itself as image/svg+xml, \
                application/xml, text/xml or text/plain",
        },
        "422" if path == "/networks/solve" => Error::Invalid {
            pointer: "/options/systems/0".to_owned(),
            message: "there is no system `colt` with a network; did you mean `cold`?".to_owned(),
            at: Some((1, 1840)),
        },
        "422" if path == "/changes" => Error::Invalid {
            pointer: "/after".to_owned(),
            message: "query parameter `after`: expected `now`, or a cursor of an earlier answer, \
                found `yesterday`"
                .to_owned(),
            at: None,
        },
        "422" if path == "/jobs" => Error::Invalid {
            pointer: "/operation".to_owned(),
            message: "there is no operation that can be a job `rendr`; did you mean `render`?"
                .to_owned(),
            at: None,
        },
        "422" if path == "/jobs/batch" => Error::Limit {
            what: "jobs of one request, each document with each of the parameters".to_owned(),
            limit: 10_000.0,
            seen: 10_100.0,
        },
        "503" if path == "/jobs" || path == "/jobs/batch" => Error::Crowded {
            what: "seconds of work that wait",
            limit: 900,
            wait: Duration::from_secs(40),
        },
        "422" => Error::Invalid {
            pointer: "/options/widht".to_owned(),
            message: "there is no member `widht`; known are width, height, scale and background; \
                did you mean `width`?"
                .to_owned(),
            at: Some((1, 60)),
        },
        "429" => {
            Error::RateLimited { class: "rest", quota: 1000, wait: Duration::from_millis(1200) }
        }
        "500" => Error::Internal(String::new()),
        "503" => Error::Shed(Shed::now(Reason::QueueFull)),
        _ => return None,
    })
}

/// Puts the examples into the description.
pub(super) fn insert(document: &mut Value) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(body) = body(method, path)
                && let Some(media) = operation.pointer_mut("/requestBody/content/application~1json")
            {
                media["example"] = body;
            }
            if let Some(media) = operation.pointer_mut("/requestBody/content/image~1vnd.dxf") {
                media["example"] = json!(DXF);
            }
            if let Some(media) = operation.pointer_mut("/requestBody/content/image~1svg+xml") {
                media["example"] = json!(drawing(path));
            }
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                if parameter["in"] == "path"
                    && let Some(value) = parameter["name"].as_str().and_then(part)
                {
                    parameter["example"] = json!(value);
                }
            }
            let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
            for (status, answer) in answers.into_iter().flatten() {
                if let Some(shown) = self::answer(path).filter(|_| status == "200")
                    && let Some(media) = answer.pointer_mut("/content/application~1json")
                {
                    media["example"] = shown;
                }
                let Some(error) = failure(status, path) else { continue };
                let problem = json!(error.problem(path, TRACE));
                if let Some(media) = answer.pointer_mut("/content/application~1problem+json") {
                    media["example"] = problem;
                }
            }
        }
    }
}

//! `/sessions/{session}/tiles`: the live picture over HTTP.

use serde_json::{Value, json};

use crate::support::service::Service;

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" viewBox="0 0 200 100">
  <rect id="floor" width="200" height="100" fill="#336699"/>
  <circle id="lamp" cx="30" cy="30" r="10" fill="#c62828"/>
  <rect id="glass" x="140" y="20" width="40" height="40" fill="url(#g)"/>
  <linearGradient id="g"><stop stop-color="#fff"/><stop offset="1"/></linearGradient></svg>"##;

/// The index of a frame, and the files behind it.
fn frame(body: &[u8]) -> (Value, &[u8]) {
    let (head, rest) = body.split_at(8);
    assert_eq!(&head[..4], b"SVT1");
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
    let (index, files) = rest.split_at(length);
    (serde_json::from_slice(index).expect("JSON"), files)
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|n| n.try_into().ok()).expect("a number")
}

#[test]
fn tiles_come_in_a_frame_and_only_those_that_changed_come_again() {
    let service = Service::start();
    let made = service.post("/sessions", &json!({ "content": DRAWING, "session": "plan" }));
    assert_eq!(made.status, 200);
    let answer = service.get("/sessions/plan/tiles", "");
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert_eq!(answer.header("content-type"), Some("application/vnd.svgx.tiles"));
    let (index, files) = frame(&answer.body);
    assert_eq!((&index["complete"], &index["sequence"]), (&json!(true), &json!(1)));
    assert_eq!(index["otherwise"], json!([{ "element": "glass", "why": "paint-server" }]));
    let tiles = index["tiles"].as_array().expect("tiles");
    assert_eq!(tiles.len(), 4 * 2);
    let mut end = 0;
    for tile in tiles {
        if let Some(colour) = tile["colour"].as_str() {
            assert_eq!(colour, "#336699ff", "{tile}");
            continue;
        }
        assert_eq!(number(&tile["at"]), end);
        let file = &files[end..end + number(&tile["bytes"])];
        assert!(file.starts_with(b"\x89PNG"), "{tile}");
        end += file.len();
    }
    assert_eq!(end, files.len());

    let token = index["token"].as_str().expect("a token");
    let since = format!("/sessions/plan/tiles?since={token}");
    let (same, _) = frame(&service.get(&since, "").body);
    assert_eq!((&same["complete"], &same["tiles"]), (&json!(false), &json!([])));
    let moved = json!({ "operation": "set_attribute", "session": "plan", "element_id": "lamp",
        "name": "cx", "value": "34" });
    assert_eq!(service.post("/interactive", &moved).status, 200);
    let changed = service.get(&since, "Accept: application/json\r\n").json();
    assert_eq!(changed["sequence"], 2);
    let [tile] = &changed["tiles"].as_array().expect("tiles")[..] else { panic!("{changed}") };
    assert_eq!((&tile["x"], &tile["y"]), (&json!(0), &json!(0)));
    assert!(tile["png"].as_str().is_some_and(|png| png.starts_with("iVBOR")), "{tile}");
}

#[test]
fn what_cannot_be_answered_in_tiles_is_a_problem_that_names_the_place() {
    let service = Service::start();
    service.post("/sessions", &json!({ "content": DRAWING, "session": "plan" }));
    for (query, status, pointer) in [
        ("zoom=far", 422, "/zoom"),
        ("zoom=49", 422, "/zoom"),
        ("rect=1,2,3", 422, "/rect"),
        ("rect=0,0,-5,5", 422, "/rect"),
        ("rect=1e300,0,5,5", 422, "/rect"),
        ("since=yesterday", 422, "/since"),
        ("sinse=1", 422, "/sinse"),
    ] {
        let answer = service.get(&format!("/sessions/plan/tiles?{query}"), "");
        let problem = answer.json();
        assert_eq!(answer.status, status, "{query}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}: {problem}");
    }
    let many = service.get("/sessions/plan/tiles?zoom=24", "");
    let problem = many.json();
    assert_eq!((many.status, &problem["code"]), (422, &json!("limit-exceeded")), "{problem}");
    assert_eq!(problem["limit"], 2_560.0, "{problem}");
    assert_eq!(service.get("/sessions/none/tiles", "").status, 404);
}

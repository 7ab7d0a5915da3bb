//! Log lines, as whoever collects them sees them.

use std::fs;

use serde_json::Value;

use super::{TRACE, parse, serve};

#[test]
fn the_log_line_of_a_request_has_its_trace_at_the_top_level() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut service = serve(Some(&log), &[]);
    parse(&service);
    assert!(service.process.terminate());
    let text = fs::read_to_string(&log).expect("written");
    let line = text
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .find(|l| l["target"] == "svgx::request")
        .expect("a line for the request");
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["status"], 200);
    assert_eq!(line["class"], "redraw");
}

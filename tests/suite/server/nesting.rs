//! Drawings whose references multiply: each is painted or refused with a limit,
//! with little work and memory.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{Error, PngOptions, png};
use svgx_engine::document::{self, Document, Limits};
use svgx_load::bombs::{Nesting, Way, nested, nestings};

fn read(text: &str) -> Document {
    document::parse(text, &Limits::default()).unwrap_or_else(|d| panic!("{d:?} in {text}"))
}

fn paint(text: &str) -> Result<Vec<u8>, Error> {
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    png(&read(text), &PngOptions::default(), &Limits::default(), &budget)
}

/// The test binary is not optimised; this only catches what never ends.
const FOREVER: Duration = Duration::from_secs(60);

#[test]
#[allow(clippy::disallowed_methods, reason = "the worst time is printed")]
fn two_hundred_nestings_are_painted_or_refused_with_a_limit() {
    let mut worst = (Duration::ZERO, String::new());
    let (mut painted, mut refused) = (0, 0);
    for Nesting { name, text } in nestings() {
        let began = Instant::now();
        match paint(&text) {
            Ok(_) => painted += 1,
            Err(Error::Limit { limit, max, seen, place }) => {
                refused += 1;
                assert!(seen > max, "{name}: {limit} {max} {seen}");
                let known = ["paint steps", "paint bytes", "instances", "depth"];
                assert!(known.contains(&limit), "{name}: {limit}");
                assert!(place.is_some(), "{name}: {limit} without a place");
            }
            Err(other) => panic!("{name}: {other}"),
        }
        let took = began.elapsed();
        if took > worst.0 {
            worst = (took, name);
        }
    }
    println!("{painted} painted, {refused} refused; the slowest, {}, took {:?}", worst.1, worst.0);
    assert!(painted > 20 && refused > 20, "{painted} painted, {refused} refused");
    assert!(worst.0 < FOREVER, "{worst:?}");
}

/// The command with 512 MB of memory at most: what it says, and its exit code.
fn command(text: &str) -> (Option<i32>, String) {
    let svgx = env!("CARGO_BIN_EXE_svgx");
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 524288 && exec \"$0\" render - -o /dev/null", svgx])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn nestings_fit_into_512_megabytes() {
    let mut drawings = nestings();
    drawings.push(Nesting { name: "markers".to_owned(), text: markers() });
    let mut painted = 0;
    for Nesting { name, text } in drawings {
        let (code, said) = command(&text);
        match code {
            Some(0) => painted += 1,
            Some(1) => assert!(said.contains(" limit is "), "{name}: {said}"),
            _ => panic!("{name} ended with {code:?}: {said}"),
        }
    }
    assert!(painted > 20, "only {painted} painted");
}

/// Nine markers of nine vertices each, inside each other.
fn markers() -> String {
    let mut text =
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" width="9" height="9">"#
            .to_owned();
    for level in 0..9 {
        let next = level + 1;
        let _ = write!(
            text,
            "\n<marker id=\"m{level}\"><path d=\"M0 0{}\" marker-mid=\"url(#m{next})\" stroke=\"red\"/></marker>",
            "L1 1".repeat(9)
        );
    }
    text + "\n<path id=\"first\" d=\"M0 0L9 9L5 0\" marker-mid=\"url(#m0)\"/></svg>"
}

#[test]
fn the_command_that_tries_them_all_tells_what_it_found() {
    // Five of them: how fast they are says nothing in a build without optimisation.
    let output = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["load", "--bombs", "--most", "5", "--json"])
        .env_clear()
        .output()
        .expect("the binary runs");
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = found["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 5);
    for row in rows {
        for way in ["command", "http"] {
            let painting = &row[way];
            let verdict = painting["verdict"].as_str().expect("a verdict");
            assert!(["painted", "refused", "busy"].contains(&verdict), "{row}");
            assert!(painting["ms"].as_f64().expect("a time") > 0.0, "{row}");
            assert!(painting["mb"].as_f64().expect("memory") > 1.0, "{row}");
        }
    }
    assert!(found["beside"]["sent"].as_u64().expect("a count") > 0, "{found}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code == Some(1), said.contains("missed: "), "{said}");
}

#[test]
fn a_refusal_names_the_limit_and_the_element() {
    let Err(Error::Limit { limit, max, seen, place: Some(place) }) = paint(&markers()) else {
        panic!("not refused");
    };
    assert_eq!(limit, "paint steps");
    assert!(seen > max, "{seen} {max}");
    assert_eq!((place.element.as_str(), place.line, place.column), ("path#first", 11, 1));
}

#[test]
fn circles_of_references_end() {
    let square = r#"width="9" height="9""#;
    let pattern = |id: &str, inner: &str| {
        format!(r#"<pattern id="{id}" width="1" height="1">{inner}</pattern>"#)
    };
    let fill = |id: &str| format!(r#"<rect {square} fill="url(#{id})"/>"#);
    let mask = |id: &str, inner: &str| format!(r#"<mask id="{id}">{inner}</mask>"#);
    let masked = |id: &str| format!(r#"<rect {square} mask="url(#{id})"/>"#);
    let cases = [
        (pattern("a", &fill("b")) + &pattern("b", &fill("c")) + &pattern("c", &fill("a")) + &fill("a"), false),
        (pattern("a", &masked("b")) + &mask("b", &fill("a")) + &fill("a"), false),
        (mask("a", &masked("b")) + &mask("b", &masked("c")) + &mask("c", &masked("a")) + &masked("a"), false),
        (format!(r#"<g fill="url(#a)">{}<rect {square}/></g>"#, pattern("a", &format!("<rect {square}/>"))), false),
        (pattern("a", &fill("a")) + &fill("a"), true),
        // A sheet gives every path a marker, the one inside the marker too.
        (r#"<style>path{marker-end:url(#a)}</style><marker id="a"><path d="M0 0L1 1"/></marker><path d="M0 0L9 9" stroke="red"/>"#.to_owned(), true),
    ];
    for (body, painted) in cases {
        let text =
            format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{body}</svg>"#);
        match paint(&text) {
            Ok(_) => assert!(painted, "{body}"),
            Err(Error::Renderer(said)) => {
                assert!(!painted && said.contains("shows itself"), "{body}: {said}");
            }
            Err(other) => panic!("{body}: {other}"),
        }
    }
}

#[test]
fn long_chains_of_references_are_refused_or_painted_but_never_fatal() {
    for way in [Way::Pattern, Way::Mask, Way::ClipPath, Way::Marker, Way::Use, Way::Opacity] {
        for depth in [100, 240, 2_000] {
            match paint(&nested(&[way], depth, 1, 10)) {
                Ok(_) => assert!(depth < 2_000, "{way:?} {depth}"),
                Err(Error::Limit { .. }) => {}
                Err(other) => panic!("{way:?} {depth}: {other}"),
            }
        }
    }
}

#[test]
fn plans_with_many_small_layers_are_painted() {
    // Rooms, each translucent, and as many sockets: layers of a room's size.
    let mut rooms = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800" width="1200" height="800"><symbol id="socket"><circle cx="4" cy="4" r="3" fill="none" stroke="black"/></symbol>"##.to_owned();
    for at in 0..270 {
        let (x, y) = (at % 18 * 66, at / 18 * 52);
        let _ = write!(
            rooms,
            r##"<g opacity=".8"><rect x="{x}" y="{y}" width="60" height="48" fill="#cde" stroke="red"/></g><use href="#socket" x="{x}" y="{y}"/>"##
        );
    }
    assert!(paint(&(rooms + "</svg>")).is_ok());
    // A plan of eight thousand, each in a translucent group of its own.
    let mut plan = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800" width="1200" height="800">"#.to_owned();
    for at in 0..8_000 {
        let (x, y) = (at % 100 * 12, at / 100 * 10);
        let _ = write!(
            plan,
            r##"<g opacity=".5"><rect x="{x}" y="{y}" width="90" height="40" fill="#369" stroke="black"/></g>"##
        );
    }
    assert!(paint(&(plan + "</svg>")).is_ok());
}

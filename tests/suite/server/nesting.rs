//! Drawings whose references multiply: each is painted or refused with a limit,
//! with little work and memory.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{Error, PngOptions, png};
use svgx_engine::document::{self, Document, Limits};

/// A level shows the next one several times, in one of these ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Marker,
    Pattern,
    Mask,
    ClipPath,
    Filter,
    Use,
    Opacity,
}

const WAYS: [Way; 7] =
    [Way::Marker, Way::Pattern, Way::Mask, Way::ClipPath, Way::Filter, Way::Use, Way::Opacity];

/// `depth` levels, each of which shows the next `times` times.
pub(crate) fn nested(ways: &[Way], depth: usize, times: usize, size: usize) -> String {
    let mut text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="{size}" height="{size}">"#
    );
    let way = |level: usize| ways[level % ways.len()];
    for level in 0..depth {
        let inner = shapes(way(level + 1), level + 1, depth, times);
        let units = ["", r#" patternContentUnits="objectBoundingBox""#][level % 2];
        let whole = r#"x="0" y="0" width="100" height="100""#;
        let _ = match way(level) {
            Way::Marker => write!(
                text,
                r#"<marker id="n{level}" markerWidth="90" markerHeight="90" overflow="visible">{inner}</marker>"#
            ),
            Way::Pattern => write!(
                text,
                r#"<pattern id="n{level}" width=".5" height=".5"{units}>{inner}</pattern>"#
            ),
            Way::Mask => write!(
                text,
                r#"<mask id="n{level}" maskUnits="userSpaceOnUse" {whole}>{inner}</mask>"#
            ),
            Way::ClipPath => write!(text, r#"<clipPath id="n{level}">{inner}</clipPath>"#),
            Way::Filter => write!(
                text,
                r#"<filter id="n{level}"><feGaussianBlur stdDeviation="9"/><feMorphology radius="4"/></filter><g id="m{level}" filter="url(#n{level})">{inner}</g>"#
            ),
            Way::Use | Way::Opacity => write!(text, r#"<g id="n{level}">{inner}</g>"#),
        };
    }
    let _ = write!(text, "{}</svg>", shapes(way(0), 0, depth, times));
    text
}

fn shapes(way: Way, level: usize, depth: usize, times: usize) -> String {
    let mut text = String::new();
    if level == depth {
        return r#"<rect width="90" height="90" fill="red" stroke="blue"/>"#.to_owned();
    }
    for i in 0..times {
        let rect = format!(r#"<rect x="{i}" y="{i}" width="90" height="90""#);
        let _ = match way {
            Way::Marker => write!(
                text,
                r#"<path d="M0 0L9 9L{i} 50L50 {i}" stroke="red" marker-start="url(#n{level})" marker-mid="url(#n{level})" marker-end="url(#n{level})"/>"#
            ),
            Way::Pattern => write!(text, r#"{rect} fill="url(#n{level})"/>"#),
            Way::Mask => write!(text, r#"{rect} mask="url(#n{level})"/>"#),
            Way::ClipPath => write!(text, r#"{rect} clip-path="url(#n{level})"/>"#),
            Way::Filter => write!(text, r##"<use href="#m{level}" x="{i}"/>"##),
            Way::Use => write!(text, r##"<use href="#n{level}" x="{i}"/>"##),
            Way::Opacity => write!(text, r##"<use href="#n{level}" x="{i}" opacity=".9"/>"##),
        };
    }
    text
}

/// G. Marsaglia, "Xorshift RNGs", 2003: the 64-bit (13, 7, 17).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// Two hundred: each way alone at every depth, then mixed ones.
fn drawings() -> Vec<(String, String)> {
    let mut random = Random(0x5eed_0007);
    let mut drawings = Vec::new();
    for depth in 2..=12 {
        for way in WAYS {
            let times = 2 + random.below(5);
            let name = format!("{way:?} {depth} deep, {times} times");
            drawings.push((name, nested(&[way], depth, times, 100 + random.below(4) * 300)));
        }
    }
    while drawings.len() < 200 {
        let ways: Vec<Way> = (0..2 + random.below(4)).map(|_| WAYS[random.below(7)]).collect();
        let (depth, times) = (2 + random.below(11), 1 + random.below(8));
        let name = format!("{ways:?} {depth} deep, {times} times");
        drawings.push((name, nested(&ways, depth, times, 100 + random.below(4) * 300)));
    }
    drawings
}

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
    for (name, text) in drawings() {
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
    let mut drawings = drawings();
    drawings.push(("markers".to_owned(), markers()));
    let mut painted = 0;
    for (name, text) in drawings {
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

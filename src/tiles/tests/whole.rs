//! Whole pictures: who paints them, and what they show.

use svgx_base::budget::{Budget, Cancel, Class, Tier};
use svgx_engine::compile::{Background, Error, Fonts, PngOptions, png};
use svgx_engine::document::{Limits, parse};
use svgx_tiles::{Engine, Whole, whole};

use super::fidelity::{drawings, root};
use super::pictures::{budget, decoded, share_off};

/// The share of pixels that may differ by more than 48 of 255.
const MOST: f64 = 0.005;
const PLAN: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="301" height="199" viewBox="-50 -30 3010 1990">
  <rect x="100" y="100" width="1400" height="900" fill="#e8ecf1" stroke="#333" stroke-width="24"/>
  <path d="M1500 600a400 400 0 0 1 400 400" fill="none" stroke="#607080" stroke-width="15" stroke-dasharray="60 30"/>
  <circle cx="600" cy="500" r="150" fill="#c62828" fill-opacity="0.5" stroke="#000" stroke-width="7"/>
  <line x1="-1e4" y1="1800" x2="1e4" y2="1700" stroke="green" stroke-width="40"/>
  <text x="200" y="1300" font-size="180">Hall 1</text>
</svg>"##;
const WHITE: Background = Background { red: 255, green: 255, blue: 255, alpha: 255 };

fn with(
    source: &str,
    options: &PngOptions,
    engine: Engine,
    threads: usize,
) -> Result<Whole, Error> {
    let document = parse(source, &Limits::default()).expect("a document");
    let limits = Limits::default();
    whole(&document, options, engine, &Fonts::built_in(), &limits, threads, &budget())
}

fn theirs(source: &str, options: &PngOptions) -> Vec<u8> {
    let document = parse(source, &Limits::default()).expect("a document");
    png(&document, options, &Limits::default(), &budget()).expect("a picture")
}

/// RGBA, whatever the file holds.
fn rgba(file: &[u8]) -> Vec<u8> {
    let ((width, height), pixels) = decoded(file);
    if pixels.len() == width * height * 4 {
        return pixels;
    }
    assert_eq!(pixels.len(), width * height * 3);
    pixels.chunks_exact(3).flat_map(|c| [c[0], c[1], c[2], 255]).collect()
}

#[test]
fn a_plain_drawing_is_as_resvg_paints_it_and_the_same_with_any_number_of_threads() {
    let veil = Background { red: 20, green: 200, blue: 90, alpha: 120 };
    for background in [Background::default(), WHITE, veil] {
        for (width, scale) in [(None, 1.0), (Some(1_000), 1.0), (Some(37), 1.0), (None, 2.5)] {
            let options = PngOptions { width, height: None, scale, background };
            let one = with(PLAN, &options, Engine::Auto, 1).expect("a picture");
            assert_eq!(one.painter, "vello");
            for threads in [2, 3, 8] {
                let more = with(PLAN, &options, Engine::Auto, threads).expect("a picture");
                assert!(more.file == one.file, "{threads} threads, {options:?}");
            }
            let resvg = theirs(PLAN, &options);
            assert_eq!(decoded(&one.file).0, decoded(&resvg).0);
            let share = share_off(&rgba(&one.file), &rgba(&resvg));
            assert!(share <= MOST, "{share} of {options:?}");
        }
    }
}

#[test]
fn a_drawing_lies_in_the_picture_as_its_aspect_ratio_says() {
    for aspect in ["xMinYMax meet", "xMidYMid slice", "xMaxYMin slice", "none"] {
        let source = PLAN.replace("viewBox", &format!(r#"preserveAspectRatio="{aspect}" viewBox"#));
        let options =
            PngOptions { width: Some(250), height: Some(330), scale: 1.0, background: WHITE };
        let picture = with(&source, &options, Engine::Auto, 2).expect("a picture");
        // What is stretched is not painted from outlines at one scale.
        assert_eq!(picture.painter, if aspect == "none" { "resvg" } else { "vello" }, "{aspect}");
        let share = share_off(&rgba(&picture.file), &rgba(&theirs(&source, &options)));
        assert!(share <= MOST, "{share} with {aspect}");
    }
}

#[test]
fn what_takes_more_than_outlines_is_painted_by_resvg_whole() {
    let options = PngOptions { background: WHITE, ..PngOptions::default() };
    let bodies = [
        r#"<linearGradient id="g"><stop stop-color="red"/></linearGradient><rect width="9" height="9" fill="url(#g)"/>"#,
        r#"<clipPath id="c"><rect width="5" height="5"/></clipPath><rect width="9" height="9" clip-path="url(#c)"/>"#,
        r#"<g opacity="0.5"><rect width="9" height="9"/><rect x="4" width="9" height="9"/></g>"#,
        r#"<rect width="9" height="9" style="mix-blend-mode:multiply"/>"#,
        r#"<text y="9" fill="url(#g)">x</text><linearGradient id="g"><stop stop-color="red"/></linearGradient>"#,
    ];
    for body in bodies {
        let source = PLAN.replace("</svg>", &format!("{body}</svg>"));
        let picture = with(&source, &options, Engine::Auto, 2).expect("a picture");
        assert_eq!(picture.painter, "resvg", "{body}");
        assert!(picture.file == theirs(&source, &options), "{body}");
    }
    let forced = with(PLAN, &options, Engine::Resvg, 2).expect("a picture");
    assert_eq!(forced.painter, "resvg");
    assert!(forced.file == theirs(PLAN, &options));
}

#[test]
fn every_drawing_of_ours_is_as_near_as_published() {
    let mut found = Vec::new();
    for folder in ["examples", "tests/drawings"] {
        drawings(&root().join(folder), &mut found);
    }
    found.sort();
    let (mut fast, mut off) = (0, Vec::new());
    for path in found {
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        let Ok(document) = parse(&source, &Limits::default()) else { continue };
        let (limits, fonts) = (Limits::default(), Fonts::built_in());
        let options = PngOptions { background: WHITE, ..PngOptions::default() };
        let ours = whole(&document, &options, Engine::Auto, &fonts, &limits, 2, &budget());
        let theirs = png(&document, &options, &limits, &budget());
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else { continue };
        fast += usize::from(ours.painter == "vello");
        let share = share_off(&rgba(&ours.file), &rgba(&theirs));
        if share > MOST {
            off.push(format!("{} {:.2} %", path.display(), share * 100.0));
        }
    }
    assert!(fast > 20, "{fast}");
    assert_eq!(off, [""; 0]);
}

#[test]
fn a_picture_stops_when_it_is_told_to_and_keeps_to_the_limits() {
    let document = parse(PLAN, &Limits::default()).expect("a document");
    let (fonts, options) = (Fonts::built_in(), PngOptions::default());
    let cancel = Cancel::default();
    cancel.cancel();
    let stopped = Budget::unlimited(Class::Redraw, Tier::Compute).cancelled_by(cancel);
    let picture = whole(&document, &options, Engine::Auto, &fonts, &Limits::default(), 2, &stopped);
    assert!(matches!(picture, Err(Error::Stopped(_))), "{picture:?}");
    let few = Limits { pixels: 1_000, ..Limits::default() };
    let picture = whole(&document, &options, Engine::Auto, &fonts, &few, 2, &budget());
    let Err(Error::Limit { limit, .. }) = picture else { panic!("{picture:?}") };
    assert_eq!(limit, "pixels");
}

#[test]
fn hostile_numbers_are_refused_or_drawn_but_never_fatal() {
    for body in [
        r#"<path d="M0 0L1e9 1e9" stroke="red" stroke-width="1e8"/>"#,
        r#"<path d="M0 0C1e8 0 0 1e8 1e8 1e8" stroke="red" stroke-dasharray="0.001"/>"#,
        r#"<rect width="1e-30" height="1e-30" stroke="red" stroke-width="1e-30"/>"#,
        r#"<g transform="scale(1e6 1e-6)"><circle r="5" stroke="blue" stroke-width="3"/></g>"#,
        r#"<text font-size="1e5" x="-1e6">x</text>"#,
        r#"<rect x="1e300" width="1e300" height="1"/>"#,
    ] {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{body}</svg>"#
        );
        for width in [1, 100, 3_000] {
            let options = PngOptions { width: Some(width), ..PngOptions::default() };
            match with(&source, &options, Engine::Auto, 2) {
                Ok(picture) => assert_eq!(decoded(&picture.file).0.0, width as usize, "{body}"),
                Err(e) => assert!(matches!(e, Error::Limit { .. }), "{body}: {e}"),
            }
        }
    }
}

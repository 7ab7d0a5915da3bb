//! The error that comes with an answer, against the truth, for every scene and tier: a table of
//! `docs/physics.md`, which the test holds to what it finds.

use std::ops::ControlFlow;

use svgx_base::budget::Tier;
use svgx_engine::document::{Document, Limits};
use svgx_engine::physics::{self, Estimate, Frame, Options, Plain};

use super::scenes::{KnownScene, Truth, all};
use super::{drawing, run, seconds, unlimited};

/// The largest distance of a body from where it ought to be, over all frames, mm.
fn true_error(scene: &KnownScene, reference: &[Frame], frames: &[Frame]) -> f64 {
    let off = |frame: &Frame, id: &str, [x, y, angle]: [f64; 3]| {
        let element = frame.elements.iter().find(|e| &*e.id == id).expect("the body");
        let [px, py] = element.position;
        let mut turned = (element.rotation - angle).rem_euclid(360.0);
        turned = turned.min(360.0 - turned).to_radians();
        (px - x).hypot(py - y) + turned * scene.reach
    };
    match &scene.truth {
        Truth::Formula(bodies) => bodies
            .iter()
            .flat_map(|(id, motion)| frames.iter().map(move |f| (f, id, motion(f.time))))
            .map(|(f, id, place)| off(f, id, place))
            .fold(0.0, f64::max),
        Truth::Refined(_) => {
            let pairs = frames.iter().flat_map(|f| {
                let there = reference
                    .iter()
                    .min_by(|a, b| (a.time - f.time).abs().total_cmp(&(b.time - f.time).abs()))
                    .expect("frames");
                assert!((there.time - f.time).abs() < 1e-9, "{} and {}", there.time, f.time);
                there.elements.iter().map(move |e| (f, e))
            });
            pairs
                .map(|(f, e)| off(f, &e.id, [e.position[0], e.position[1], 0.0]))
                .fold(0.0, f64::max)
        }
    }
}

/// The frames that a scene without a formula is held to.
fn reference(scene: &KnownScene, document: &Document) -> Vec<Frame> {
    match scene.truth {
        Truth::Formula(_) => Vec::new(),
        Truth::Refined(factor) => refined(document, scene.seconds, factor),
    }
}

/// Frames of the compute tier with `factor` times its steps; every `factor`-th is kept.
fn refined(document: &Document, duration: f64, factor: f64) -> Vec<Frame> {
    let limits = Limits { frames: u64::MAX, steps: u64::MAX, ..Limits::default() };
    let (fps, error_estimate) = (Some(480.0 * factor), Estimate::None);
    let options = Options { fps, error_estimate, ..seconds(duration) };
    let mut frames = Vec::new();
    let mut n = 0_u64;
    let every = 8 * factor as u64;
    physics::simulate(
        document,
        &Plain(document),
        &options,
        &limits,
        &unlimited(Tier::Compute),
        &mut |frame| {
            n += 1;
            if n.is_multiple_of(every) {
                frames.push(frame);
            }
            ControlFlow::Continue(())
        },
    )
    .expect("an outcome");
    frames
}

/// True errors up to this are rounding of the answer: a nanometre, mm.
const ROUNDING: f64 = 1e-6;

/// Millimetres for people: three digits, more only where whole ones are more.
fn figure(value: f64) -> String {
    match value {
        v if v <= ROUNDING => "0".to_owned(),
        v if v < 0.0095 => format!("{v:.0e}"),
        v if v < 9.995 => format!("{v:.3}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

#[test]
fn the_error_estimate_is_at_least_a_third_of_the_true_error() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/physics.md");
    const BEGIN: &str = "<!-- errors: made by src/engine/tests/physics/accuracy.rs -->\n";
    const END: &str = "<!-- end of errors -->";
    let mut short = Vec::new();
    let mut table = String::from(
        "| scene | `ui`: true error, estimate (mm), ratio | `edit` | `compute` |\n|---|---|---|---|\n",
    );
    for scene in all() {
        let document = drawing(&scene.content);
        let reference = reference(&scene, &document);
        table += &format!("| {} |", scene.name);
        for tier in Tier::ALL {
            let (outcome, frames) = run(&document, &seconds(scene.seconds), tier);
            let truth = true_error(&scene, &reference, &frames);
            let estimate = outcome.error.millimetres.expect("measured");
            let ratio = if truth > ROUNDING { truth / estimate } else { 0.0 };
            table += &format!(" {}, {}, {ratio:.1} |", figure(truth), figure(estimate));
            if ratio > 3.0 {
                short.push(format!("{}, {tier}: off {truth} mm, said {estimate}", scene.name));
            }
        }
        table.push('\n');
    }
    println!("{table}");
    assert!(short.is_empty(), "{short:#?}");
    let text = std::fs::read_to_string(PATH).expect("docs/physics.md");
    let (before, rest) = text.split_once(BEGIN).expect("the begin marker is in docs/physics.md");
    let (written, after) = rest.split_once(END).expect("the end marker is in docs/physics.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
        return;
    }
    let old: Vec<&str> = written.lines().collect();
    let other: Vec<&str> = table.lines().filter(|line| !old.contains(line)).collect();
    assert!(
        written == table,
        "docs/physics.md does not say what the scenes show; rewrite it with\n\
         UPDATE_DOCS=1 cargo test --workspace --test engine the_error_estimate_is_at_least\n\
         {other:#?}"
    );
}

#[test]
fn the_error_estimate_holds_in_a_crowd_too() {
    // Too many bodies for a twin: the estimate has to do with what it sees of the motion.
    let mut crowd = String::from(
        r#"<rect id="far" x="-900000" y="90000" width="300000" height="500"><arx:physics motion="fixed"/></rect>"#,
    );
    for i in 0..80 {
        crowd += &super::block(
            &format!("c{i}"),
            -890_000.0 + 1_000.0 * f64::from(i),
            89_700.0,
            300.0,
            "",
        );
    }
    let mut short = Vec::new();
    for scene in all().into_iter().filter(|s| matches!(s.truth, Truth::Formula(_))) {
        let document = drawing(&(scene.content.clone() + &crowd));
        let reference = reference(&scene, &document);
        for tier in Tier::ALL {
            let (outcome, frames) = run(&document, &seconds(scene.seconds), tier);
            let truth = true_error(&scene, &reference, &frames);
            let estimate = outcome.error.millimetres.expect("measured");
            if truth > ROUNDING && 3.0 * estimate < truth {
                short.push(format!("{}, {tier}: off {truth} mm, said {estimate}", scene.name));
            }
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

//! The error that comes with an answer, against the truth, for every scene and tier.
//!
//! `cargo test -p svgx-engine --test engine accuracy -- --nocapture` prints the table.

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

#[test]
fn the_error_estimate_is_at_least_a_third_of_the_true_error() {
    let mut short = Vec::new();
    println!("| scene | tier | true error, mm | estimate, mm | estimate / true |");
    println!("|---|---|---|---|---|");
    for scene in all() {
        let document = drawing(&scene.content);
        let reference = reference(&scene, &document);
        for tier in Tier::ALL {
            let (outcome, frames) = run(&document, &seconds(scene.seconds), tier);
            let truth = true_error(&scene, &reference, &frames);
            let estimate = outcome.error.millimetres.expect("measured");
            println!(
                "| {} | {} | {truth:.3e} | {estimate:.3e} | {:.2} |",
                scene.name,
                tier.as_str(),
                estimate / truth
            );
            // Beyond a nanometre: the rest is rounding of the answer.
            if truth > 1e-6 && 3.0 * estimate < truth {
                short.push(format!("{}, {tier}: off {truth} mm, said {estimate}", scene.name));
            }
        }
    }
    assert!(short.is_empty(), "{short:#?}");
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
            if truth > 1e-6 && 3.0 * estimate < truth {
                short.push(format!("{}, {tier}: off {truth} mm, said {estimate}", scene.name));
            }
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

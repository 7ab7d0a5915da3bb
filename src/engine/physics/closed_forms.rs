//! The engine against formulas from mechanics textbooks, at every tier.

use std::f64::consts::PI;
use std::ops::ControlFlow;

use rapier2d_f64::math::Vector;

use crate::document::{Limits, Span};
use svgx_base::budget::{Budget, Class, Tier};

use super::answer::{Frame, Outcome};
use super::model::{Body, GRAVITY, Joint, JointKind, Model};
use super::options::Options;
use super::outline::{Outline, solid};
use super::simulation::Simulation;

pub(super) fn body(id: &str, outline: Outline, mass: f64) -> Body {
    let solid = solid(&[outline], 1e-6).expect("an outline with an extent");
    Body {
        id: id.to_owned(),
        span: Span::NONE,
        shape: solid.shape,
        centre: solid.centre,
        half: (solid.high - solid.low) / 2.0,
        middle: (solid.high + solid.low) / 2.0 - solid.centre,
        mass,
        inertia: mass * solid.gyration,
        friction: 0.5,
        restitution: 0.0,
        velocity: Vector::ZERO,
        spin: 0.0,
        fixed: false,
        anchors: Vec::new(),
        forces: Vec::new(),
    }
}

/// A rectangle by its upper left corner and size, turned about that corner.
pub(super) fn rect(x: f64, y: f64, w: f64, h: f64, angle: f64) -> Outline {
    let turn = |dx: f64, dy: f64| {
        let (s, c) = (libm::sin(angle), libm::cos(angle));
        Vector::new(x + dx * c - dy * s, y + dx * s + dy * c)
    };
    Outline::Line {
        points: vec![turn(0.0, 0.0), turn(w, 0.0), turn(w, h), turn(0.0, h)],
        closed: true,
    }
}

pub(super) fn ball(x: f64, y: f64, radius: f64) -> Outline {
    Outline::Circle { centre: Vector::new(x, y), radius }
}

pub(super) fn fixed(id: &str, outline: Outline) -> Body {
    Body { fixed: true, ..body(id, outline, 0.0) }
}

pub(super) fn model(bodies: Vec<Body>, joints: Vec<Joint>) -> Model {
    Model { bodies, joints, scale: 1e-3, ..Model::default() }
}

pub(super) fn run(model: Model, options: Options, tier: Tier) -> (Outcome, Vec<Frame>) {
    let budget = Budget::unlimited(Class::Physics, tier);
    let mut simulation =
        Simulation::new(model, options, &Limits::default(), &budget).expect("a simulation");
    let mut frames = Vec::new();
    let outcome = simulation
        .run(&budget, &mut |frame| {
            frames.push(frame);
            ControlFlow::Continue(())
        })
        .expect("an outcome");
    (outcome, frames)
}

fn seconds(duration: f64) -> Options {
    Options { duration, ..Options::default() }
}

/// Millimetres between a body and where the formula puts it.
fn off(outcome: &Outcome, id: &str, x: f64, y: f64) -> f64 {
    let element = outcome.elements.iter().find(|e| &*e.id == id).expect("the body");
    libm::hypot(element.position[0] - x, element.position[1] - y)
}

/// The estimate that comes with an answer bounds its error: it may be too
/// large, but is never less than a third of it beyond the step of the tier.
fn held(outcome: &Outcome, error: f64, tier: Tier) {
    let estimate = outcome.error.millimetres.expect("measured");
    assert!(error <= 3.0 * estimate + tier.millimetres(), "{tier}: off {error}, said {estimate}");
}

#[test]
fn free_fall_is_exact_at_every_tier() {
    for tier in Tier::ALL {
        let mut ball = body("ball", ball(0.0, 0.0, 0.1), 2.0);
        ball.velocity = Vector::new(3.0, -1.0);
        let (outcome, frames) = run(model(vec![ball], vec![]), seconds(2.0), tier);
        let (x, y) = (6000.0, -2000.0 + 0.5 * GRAVITY * 4.0 * 1000.0);
        let error = off(&outcome, "ball", x, y);
        held(&outcome, error, tier);
        assert!(error < tier.millimetres() / 10.0, "{tier}: {error} mm");
        assert!(outcome.error.within_tier == Some(true));
        let last = frames.last().expect("frames");
        assert!((last.time - 2.0).abs() < 1e-12);
        assert!((last.elements[0].velocity[1] - (-1000.0 + GRAVITY * 2000.0)).abs() < 1e-6);
        assert!((outcome.energy.total - (0.5 * 2.0 * 10.0)).abs() < 1e-9, "{:?}", outcome.energy);
    }
}

#[test]
fn a_pendulum_keeps_its_period() {
    // A ball on a hinge, small swing: T = 2 pi sqrt((I + m l²) / (m g l)).
    for (tier, tolerance) in [(Tier::Ui, 0.05), (Tier::Edit, 0.02), (Tier::Compute, 0.01)] {
        let (l, r, a0) = (1.0, 0.05, 0.05);
        let bob = body("bob", ball(l * libm::sin(a0), l * libm::cos(a0), r), 1.0);
        let inertia = bob.inertia + l * l;
        let joint = Joint {
            name: "hinge".into(),
            body: 0,
            other: None,
            kind: JointKind::Hinge,
            at: Vector::ZERO,
        };
        let amplitude = 1.0 + a0 * a0 / 16.0;
        let period = 2.0 * PI * (inertia / (GRAVITY * l)).sqrt() * amplitude;
        let (outcome, _) = run(model(vec![bob], vec![joint]), seconds(2.0 * period), tier);
        let (x, y) = (1000.0 * l * libm::sin(a0), 1000.0 * l * libm::cos(a0));
        let error = off(&outcome, "bob", x, y);
        held(&outcome, error, tier);
        assert!(error < tolerance, "{tier}: {error} mm");
    }
}

#[test]
fn a_block_on_an_incline_sticks_or_slides_by_coulombs_law() {
    let angle = PI / 6.0;
    for (tier, tolerance) in [(Tier::Ui, 8.0), (Tier::Edit, 3.0), (Tier::Compute, 0.6)] {
        for friction in [0.2, 0.9] {
            let mut slope = fixed("slope", rect(-5.0, 0.0, 30.0, 1.0, 0.0));
            let mut block = body("block", rect(-0.2, -0.2, 0.4, 0.2, 0.0), 3.0);
            // Turn the whole scene about the origin.
            for b in [&mut slope, &mut block] {
                let original = b.centre;
                b.centre = Vector::new(
                    original.x * libm::cos(angle) - original.y * libm::sin(angle),
                    original.x * libm::sin(angle) + original.y * libm::cos(angle),
                );
                for part in &mut b.shape.parts {
                    if let super::outline::Part::Box { angle: a, .. } = part {
                        *a = angle;
                    }
                }
                b.friction = friction;
            }
            let start = block.centre * 1000.0;
            let t = 1.0;
            let (outcome, _) = run(model(vec![slope, block], vec![]), seconds(t), tier);
            let along = (GRAVITY * (libm::sin(angle) - friction * libm::cos(angle))).max(0.0);
            let s = 0.5 * along * t * t * 1000.0;
            let (x, y) = (start.x + s * libm::cos(angle), start.y + s * libm::sin(angle));
            let error = off(&outcome, "block", x, y);
            held(&outcome, error, tier);
            assert!(error < tolerance, "{tier}, {friction}: {error} mm");
        }
    }
}

#[test]
fn an_elastic_ball_comes_back_to_its_height() {
    for (tier, tolerance) in [(Tier::Ui, 25.0), (Tier::Edit, 4.0), (Tier::Compute, 2.0)] {
        let floor = Body { restitution: 1.0, ..fixed("floor", rect(-5.0, 0.0, 10.0, 1.0, 0.0)) };
        let ball = Body { restitution: 1.0, ..body("ball", ball(0.0, -1.1, 0.1), 1.0) };
        let fall = (2.0 / GRAVITY).sqrt();
        let (outcome, _) = run(model(vec![floor, ball], vec![]), seconds(2.0 * fall), tier);
        let error = off(&outcome, "ball", 0.0, -1100.0);
        held(&outcome, error, tier);
        assert_eq!(outcome.statistics.collision_count, 1);
        assert!(error < tolerance, "{tier}: {error} mm");
    }
}

#[test]
fn the_error_of_a_bounce_is_bounded_from_any_height() {
    // Where in its step a ball lands is up to its height.
    for tier in Tier::ALL {
        let mut widest: f64 = 0.0;
        for i in 0..12 {
            for e in [0.0, 0.5, 1.0] {
                let height = 0.3 + 0.097 * f64::from(i);
                let floor =
                    Body { restitution: e, ..fixed("floor", rect(-5.0, 0.0, 10.0, 1.0, 0.0)) };
                let ball =
                    Body { restitution: e, ..body("ball", ball(0.0, -0.1 - height, 0.1), 1.0) };
                let fall = (2.0 * height / GRAVITY).sqrt();
                let after = if e > 0.0 { 1.6 * e * fall } else { 0.3 };
                let (outcome, _) =
                    run(model(vec![floor, ball], vec![]), seconds(fall + after), tier);
                let rising = if e > 0.0 { after } else { 0.0 };
                let up = e * GRAVITY * fall * rising - 0.5 * GRAVITY * rising * rising;
                let error = off(&outcome, "ball", 0.0, -100.0 - 1000.0 * up);
                held(&outcome, error, tier);
                widest = widest.max(outcome.error.millimetres.expect("measured"));
            }
        }
        // Of use, too: less than four steps at the speed of the highest fall.
        let step = super::tier::Settings::of(tier).step;
        assert!(widest < 4.0 * step * 5.2 * 1000.0, "{tier}: {widest} mm");
    }
}

#[test]
fn a_pendulum_is_off_by_half_a_substep_of_its_speed() {
    for tier in Tier::ALL {
        let (l, r, a0) = (1.0, 0.05, 0.05);
        let bob = body("bob", ball(l * libm::sin(a0), l * libm::cos(a0), r), 1.0);
        let inertia = bob.inertia + l * l;
        let joint = Joint {
            name: "hinge".into(),
            body: 0,
            other: None,
            kind: JointKind::Hinge,
            at: Vector::ZERO,
        };
        let slower = 1.0 + a0 * a0 / 16.0;
        let pulse = (GRAVITY * l / inertia).sqrt() / slower;
        let (outcome, frames) = run(model(vec![bob], vec![joint]), seconds(2.0 * PI / pulse), tier);
        let off = |frame: &Frame| {
            let angle = a0 * libm::cos(pulse * frame.time);
            let [x, y] = frame.elements[0].position;
            libm::hypot(x - 1000.0 * libm::sin(angle), y - 1000.0 * libm::cos(angle))
        };
        let error = frames.iter().map(off).fold(0.0, f64::max);
        held(&outcome, error, tier);
        let said = outcome.error.millimetres.expect("measured");
        assert!(said < 4.0 * error + tier.millimetres(), "{tier}: off {error}, said {said}");
    }
}

#[test]
fn a_stack_at_rest_stays_and_carries_its_weight() {
    for (tier, tolerance) in [(Tier::Ui, 2.5), (Tier::Edit, 0.2), (Tier::Compute, 0.01)] {
        let mut bodies = vec![fixed("floor", rect(-5.0, 0.0, 10.0, 1.0, 0.0))];
        for i in 0..5 {
            let y = -0.5 * f64::from(i + 1);
            bodies.push(body(&format!("box{i}"), rect(-0.25, y, 0.5, 0.5, 0.0), 10.0));
        }
        let (outcome, _) = run(model(bodies, vec![]), seconds(3.0), tier);
        let error = (0..5)
            .map(|i| off(&outcome, &format!("box{i}"), 0.0, -500.0 * f64::from(i) - 250.0))
            .fold(0.0, f64::max);
        held(&outcome, error, tier);
        assert!(error < tolerance, "{tier}: {error} mm");
        let foot = outcome.contacts.iter().find(|c| &*c.a == "floor" || &*c.b == "floor");
        let force = foot.expect("the lowest box stands on the floor").force.magnitude;
        assert!((force - 50.0 * GRAVITY).abs() < 0.001 * 50.0 * GRAVITY, "{tier}: {force} N");
    }
}

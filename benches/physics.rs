//! Physics beside bare rapier2d on the same scenes, in one run.
//!
//! `cargo bench --bench physics`, or `-- --quick` for a look at small scenes
//! that says nothing about speed. Times are CPU time of this thread, so that
//! neighbours count less; every figure is the median of alternated rounds.
//!
//! How far off the tiers are, and what they say of it, is a test:
//! `cargo test -p svgx-engine --test engine accuracy -- --nocapture`.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rapier2d_f64::dynamics::SpringCoefficients;
use rapier2d_f64::prelude::{
    ColliderBuilder, IntegrationParameters, MassProperties, PhysicsWorld, RigidBodyBuilder, Vector,
};
use rustix::time::{ClockId, clock_gettime};
use svgx_base::budget::{Budget, Class, Gate, Tier};
use svgx_engine::document::{self, Document, Limits};
use svgx_engine::physics::{Disturbance, Estimate, Options, Outcome, Plain, Simulation};

/// How much to measure.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    quick: bool,
}

impl Effort {
    /// A number of bodies, or a tenth of it for a quick look.
    fn of(self, bodies: usize) -> usize {
        if self.quick { bodies / 10 } else { bodies }
    }

    fn seconds(self, seconds: f64) -> f64 {
        if self.quick { seconds.min(1.0) } else { seconds }
    }
}

/// A scene: upright boxes in millimetres, the first `fixed` of them immovable.
struct Scene {
    name: String,
    boxes: Vec<[f64; 4]>,
    fixed: usize,
}

/// Boxes of one metre falling into a pen.
fn pen(n: usize) -> Scene {
    let columns = (n as f64).sqrt().ceil() as usize;
    let width = 1_400.0 * columns as f64 + 1_000.0;
    let tall = 40_000.0;
    let mut boxes = vec![
        [-1_000.0, 0.0, width + 2_000.0, 1_000.0],
        [-1_000.0, -tall, 1_000.0, tall],
        [width, -tall, 1_000.0, tall],
    ];
    for i in 0..n {
        let (column, row) = (i % columns, i / columns);
        let x = 600.0 + 1_400.0 * column as f64 + 37.0 * (row % 11) as f64;
        boxes.push([x, -1_500.0 - 1_300.0 * row as f64, 1_000.0, 1_000.0]);
    }
    Scene { name: format!("pen{n}"), boxes, fixed: 3 }
}

/// A pyramid with `base` boxes in its lowest row.
fn pyramid(base: usize) -> Scene {
    let mut boxes = vec![[-50_000.0, 0.0, 100_000.0, 1_000.0]];
    for row in 0..base {
        for i in 0..base - row {
            let x = 1_050.0 * (i as f64 + row as f64 / 2.0);
            boxes.push([x, -1_000.0 * (row + 1) as f64, 1_000.0, 1_000.0]);
        }
    }
    Scene { name: format!("pyramid{base}"), boxes, fixed: 1 }
}

/// Boxes standing apart on one floor.
fn separated(n: usize) -> Scene {
    let mut boxes = vec![[-1_000.0, 0.0, 1_500.0 * n as f64 + 2_000.0, 1_000.0]];
    boxes.extend((0..n).map(|i| [1_500.0 * i as f64, -1_000.0, 1_000.0, 1_000.0]));
    Scene { name: format!("apart{n}"), boxes, fixed: 1 }
}

impl Scene {
    fn document(&self) -> Document {
        document::parse(&self.text(), &Limits::default()).expect("a document")
    }

    fn text(&self) -> String {
        let mut text = String::from(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx">"#,
        );
        for (i, [x, y, w, h]) in self.boxes.iter().enumerate() {
            let physics = if i < self.fixed {
                r#"<arx:physics motion="fixed"/>"#
            } else {
                r#"<arx:physics><arx:mass value="10" unit="kg"/></arx:physics>"#
            };
            let _ = writeln!(
                text,
                r#"<rect id="b{i}" x="{x}" y="{y}" width="{w}" height="{h}">{physics}</rect>"#
            );
        }
        text.push_str("</svg>");
        text
    }

    /// The same scene in the engine alone, with the parameters of the ui tier and
    /// its leapfrog start for what flies, so that both do the same collisions.
    fn bare(&self, leapfrog: bool) -> PhysicsWorld {
        let mut world = PhysicsWorld {
            gravity: Vector::new(0.0, 9.81),
            integration_parameters: IntegrationParameters {
                dt: 1.0 / 60.0,
                min_ccd_dt: 1.0 / 6_000.0,
                num_solver_iterations: 4,
                contact_softness: SpringCoefficients::new(60.0, 10.0),
                static_contact_softness: SpringCoefficients::new(120.0, 10.0),
                warmstart_joints: true,
                normalized_max_linear_velocity: f64::MAX,
                ..IntegrationParameters::default()
            },
            ..PhysicsWorld::default()
        };
        for (i, &[x, y, w, h]) in self.boxes.iter().enumerate() {
            let (w, h) = (w / 1e3, h / 1e3);
            let centre = Vector::new(x / 1e3 + w / 2.0, y / 1e3 + h / 2.0);
            let body = if i < self.fixed {
                RigidBodyBuilder::fixed()
            } else {
                let inertia = 10.0 * (w * w + h * h) / 12.0;
                RigidBodyBuilder::dynamic()
                    .additional_mass_properties(MassProperties::new(Vector::ZERO, 10.0, inertia))
                    .allow_fast_rotation(true)
                    .linvel(Vector::new(0.0, if leapfrog { -9.81 / 480.0 } else { 0.0 }))
            };
            let collider = ColliderBuilder::cuboid(w / 2.0, h / 2.0).density(0.0).friction(0.5);
            world.insert(body.translation(centre), collider);
        }
        world
    }
}

/// CPU time of this thread, ns.
fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn options(duration: f64, estimate: Estimate) -> Options {
    Options { duration, error_estimate: estimate, ..Options::default() }
}

/// Small scenes are run several times between two looks at the clock.
fn repeats(scene: &Scene) -> usize {
    (400 / scene.boxes.len()).max(1)
}

/// CPU ms of one run, reading and building left out.
fn ours(document: &Document, options: &Options, tier: Tier, repeats: usize) -> (f64, Outcome) {
    let (limits, budget) = (Limits::default(), Budget::unlimited(Class::Physics, tier));
    let mut simulations: Vec<Simulation> = (0..repeats)
        .map(|_| {
            Simulation::of(document, &Plain(document), options, &limits, &budget)
                .expect("a simulation")
        })
        .collect();
    let start = cpu();
    let outcomes: Vec<Outcome> = simulations
        .iter_mut()
        .map(|s| s.run(&budget, &mut |_| ControlFlow::Continue(())).expect("an outcome"))
        .collect();
    let spent = (cpu() - start) as f64 / 1e6 / repeats as f64;
    (spent, outcomes.into_iter().next().expect("one at least"))
}

/// Where the bodies of a bare world are, mm.
fn places(world: &PhysicsWorld) -> Vec<[f64; 2]> {
    let place = |v: Vector| [v.x * 1e3, v.y * 1e3];
    world.bodies.iter().map(|(_, b)| place(b.translation())).collect()
}

/// The largest distance between where bodies ended here and there, mm.
fn furthest(outcome: &Outcome, there: &[[f64; 2]]) -> f64 {
    let apart = outcome.elements.iter().zip(there).map(|(e, t)| {
        let [x, y] = e.position;
        (x - t[0]).hypot(y - t[1])
    });
    apart.fold(0.0, f64::max)
}

/// Bodies awake, summed over the steps of a bare world.
fn awake_steps(mut world: PhysicsWorld, steps: usize) -> f64 {
    let awake = (0..steps).map(|_| {
        world.step();
        world.islands.num_active_bodies()
    });
    awake.sum::<usize>() as f64
}

fn overhead(effort: Effort) {
    println!("\nBeside bare rapier2d (ui tier, 60 steps/s, every body in 30 frames/s)");
    println!(
        "scene        steps   bare ms/step   ours ms/step   overhead   with its error   with a twin   awake ours/bare   apart mm"
    );
    let scenes = [
        (pen(effort.of(100)), 6.0),
        (pen(effort.of(1_000)), 4.0),
        (pen(effort.of(5_000)), 2.0),
        (pyramid(if effort.quick { 6 } else { 20 }), 4.0),
    ];
    for (scene, seconds) in scenes {
        let document = scene.document();
        let seconds = effort.seconds(seconds);
        let steps = (seconds * 60.0) as usize;
        let mut bare = Vec::new();
        let mut ours_by: [Vec<f64>; 3] = Default::default();
        // How much the two did, and how far apart they end: like is compared with like.
        let (mut work, mut apart) = (f64::NAN, f64::NAN);
        for _ in 0..effort.rounds {
            let n = repeats(&scene);
            let flies = scene.name.starts_with("pen");
            let mut worlds: Vec<PhysicsWorld> = (0..n).map(|_| scene.bare(flies)).collect();
            let start = cpu();
            for world in &mut worlds {
                for _ in 0..steps {
                    world.step();
                }
            }
            bare.push((cpu() - start) as f64 / 1e6 / (steps * n) as f64);
            let places = worlds.first().map(places).unwrap_or_default();
            drop(worlds);
            let estimates = [Estimate::None, Estimate::Propagated, Estimate::Doubling];
            for (times, estimate) in ours_by.iter_mut().zip(estimates) {
                let (ms, outcome) = ours(&document, &options(seconds, estimate), Tier::Ui, n);
                times.push(ms / steps as f64);
                work = outcome.statistics.body_steps as f64;
                apart = furthest(&outcome, &places);
            }
        }
        let theirs = awake_steps(scene.bare(scene.name.starts_with("pen")), steps);
        let over =
            |v: &[f64]| 100.0 * median(v.iter().zip(&bare).map(|(a, b)| a / b - 1.0).collect());
        println!(
            "{:<12} {steps:>5} {:>14.4} {:>14.4} {:>9.1} % {:>13.1} % {:>11.1} % {:>17.3} {apart:>10.3}",
            scene.name,
            median(bare.clone()),
            median(ours_by[0].clone()),
            over(&ours_by[0]),
            over(&ours_by[1]),
            over(&ours_by[2]),
            work / theirs,
        );
    }
    println!("target: 10 % at most, with the error");
}

fn one_of_many(effort: Effort) {
    let n = effort.of(5_000);
    println!("\nOne body disturbed among {n} at rest in islands of their own (ui tier)");
    let (resting, awake) = (separated(n).document(), pen(n).document());
    let element = format!("b{}", n / 2);
    let disturb = vec![Disturbance { element, velocity: [0.0, -45.0], spin: 0.0 }];
    let quiet = Options {
        changes_only: true,
        fps: Some(60.0),
        disturb,
        ..options(9.0, Estimate::Propagated)
    };
    let (mut one, mut all) = (Vec::new(), Vec::new());
    let mut busy = 0;
    for _ in 0..effort.rounds {
        let (ms, outcome) = ours(&resting, &quiet, Tier::Ui, 1);
        one.push(ms / outcome.statistics.steps as f64);
        busy = outcome.statistics.body_steps / outcome.statistics.steps;
        let (ms, outcome) = ours(&awake, &options(2.0, Estimate::Propagated), Tier::Ui, 1);
        all.push(ms / outcome.statistics.steps as f64);
    }
    let ratio = median(all.iter().zip(&one).map(|(a, b)| a / b).collect());
    println!(
        "{:.4} ms/step ({busy} awake) against {:.3} ms/step of the awake pile: 1/{ratio:.0} (target 1/36)",
        median(one),
        median(all)
    );
}

fn tiers(effort: Effort) {
    println!("\nCost of the tiers (CPU ms for one second of simulation, with its error)");
    println!(
        "scene            ui       edit    compute   edit/ui   compute/edit   error mm (ui, edit, compute)"
    );
    let pyramid = pyramid(if effort.quick { 6 } else { 20 });
    for scene in [pen(effort.of(100)), pen(effort.of(1_000)), pyramid] {
        let document = scene.document();
        let mut times: [Vec<f64>; 3] = Default::default();
        let mut errors = [0.0; 3];
        for _ in 0..effort.rounds.min(3) {
            for (i, tier) in Tier::ALL.into_iter().enumerate() {
                let options = options(1.0, Estimate::Propagated);
                let (ms, outcome) = ours(&document, &options, tier, repeats(&scene));
                times[i].push(ms);
                errors[i] = outcome.error.millimetres.unwrap_or(f64::NAN);
            }
        }
        let [ui, edit, compute] = times.map(median);
        println!(
            "{:<12} {ui:>8.2} {edit:>10.2} {compute:>10.2} {:>9.2} {:>14.2}   {:.3}, {:.3}, {:.3}",
            scene.name,
            edit / ui,
            compute / edit,
            errors[0],
            errors[1],
            errors[2]
        );
    }
    println!("target: 2 at least from tier to tier");
}

/// The reference work of the physics budget: one second at 60 Hz of 200 bodies,
/// from the text to the outcome.
fn reference(effort: Effort) {
    println!("\nReference work: 200 bodies for one second at 60 frames/s, from text to outcome");
    println!("tier          median ms     p95 ms   (CPU; the budget is 100 ms at p95)");
    let text = pen(200).text();
    let (limits, rounds) = (Limits::default(), if effort.quick { 3 } else { 40 });
    let options = Options { fps: Some(60.0), ..options(1.0, Estimate::Propagated) };
    for tier in Tier::ALL {
        let budget = Budget::unlimited(Class::Physics, tier);
        let mut times: Vec<f64> = (0..rounds)
            .map(|_| {
                let start = cpu();
                let document = document::parse(&text, &limits).expect("a document");
                let mut frames = Vec::new();
                let outcome = svgx_engine::physics::simulate(
                    &document,
                    &Plain(&document),
                    &options,
                    &limits,
                    &budget,
                    &mut |frame| {
                        frames.push(frame);
                        ControlFlow::Continue(())
                    },
                )
                .expect("an outcome");
                assert_eq!(outcome.statistics.total_frames, 60);
                (cpu() - start) as f64 / 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let p95 = times.get((times.len() * 95).div_ceil(100) - 1).copied().unwrap_or(f64::NAN);
        println!("{:<12} {:>10.2} {p95:>10.2}", tier.as_str(), median(times.clone()));
    }
}

/// The longest work between two looks at the budget.
#[derive(Debug, Default)]
struct Longest {
    last: AtomicU64,
    most: AtomicU64,
    looks: AtomicU64,
}

impl Gate for Longest {
    fn pass(&self) {
        let now = cpu();
        let before = self.last.swap(now, Ordering::Relaxed);
        if before > 0 {
            self.most.fetch_max(now - before, Ordering::Relaxed);
        }
        self.looks.fetch_add(1, Ordering::Relaxed);
    }
}

fn grain(effort: Effort) {
    println!("\nLongest work between two looks at the budget (CPU ms; 1 is asked for)");
    println!(
        "scene            tier     reading and first contacts    steps     looks a step    outcome"
    );
    for scene in [pen(effort.of(1_000)), pen(effort.of(5_000))] {
        let document = scene.document();
        for tier in [Tier::Ui, Tier::Compute] {
            let gate = Arc::new(Longest::default());
            let budget = Budget::unlimited(Class::Physics, tier)
                .yielding_to(Arc::clone(&gate) as Arc<dyn Gate>);
            let (limits, plain) = (Limits::default(), Plain(&document));
            let options = options(effort.seconds(1.0), Estimate::Propagated);
            gate.last.store(cpu(), Ordering::Relaxed);
            let mut simulation = Simulation::of(&document, &plain, &options, &limits, &budget)
                .expect("a simulation");
            gate.pass();
            let first = gate.most.swap(0, Ordering::Relaxed) as f64 / 1e6;
            gate.looks.store(0, Ordering::Relaxed);
            gate.last.store(cpu(), Ordering::Relaxed);
            simulation.advance(&budget, &mut |_| ControlFlow::Continue(())).expect("the end");
            let steps = gate.most.swap(0, Ordering::Relaxed) as f64 / 1e6;
            let looks = gate.looks.load(Ordering::Relaxed);
            gate.last.store(cpu(), Ordering::Relaxed);
            let outcome = simulation.outcome(None);
            gate.pass();
            println!(
                "{:<14} {:>8} {first:>20.2} {steps:>20.2} {:>12} {:>10.2}",
                scene.name,
                tier.as_str(),
                looks / outcome.statistics.steps,
                gate.most.load(Ordering::Relaxed) as f64 / 1e6,
            );
        }
    }
}

fn main() {
    // `cargo bench` passes `--bench` along.
    let quick = std::env::args().any(|a| a == "--quick");
    let effort = Effort { rounds: if quick { 1 } else { 5 }, quick };
    overhead(effort);
    one_of_many(effort);
    tiers(effort);
    reference(effort);
    grain(effort);
}

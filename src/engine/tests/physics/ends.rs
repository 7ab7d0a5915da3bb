//! Simulations that end early, check their budget, and are resumed.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use svgx_base::budget::{Cancel, Clock, Gate, Manual, Tier, Time};
use svgx_engine::document::{Document, Limits};
use svgx_engine::physics::{self, Error, Key, Plain, Simulation, SimulationEnd};

use super::{pile, run, seconds, unlimited};

#[test]
fn a_deadline_gives_what_was_reached_or_nothing_when_strict() {
    let clock = Arc::new(Manual::default());
    let document = pile(40);
    let scene = Plain(&document);
    let limits = Limits::default();
    for strict in [false, true] {
        let deadline = clock.now().after(Duration::from_millis(10));
        let budget = unlimited(Tier::Ui)
            .until(deadline, Arc::clone(&clock) as Arc<dyn Clock>)
            .strict(strict);
        let mut frames = 0;
        let answer =
            physics::simulate(&document, &scene, &seconds(5.0), &limits, &budget, &mut |_| {
                frames += 1;
                clock.advance(Duration::from_millis(2));
                ControlFlow::Continue(())
            });
        match answer {
            Err(Error::Strict(_)) => assert!(strict),
            Ok(outcome) => {
                assert!(
                    !strict && outcome.partial && outcome.ended == Some(SimulationEnd::Deadline)
                );
                assert!(outcome.simulated > 0.0 && outcome.simulated < 0.5);
                assert!(outcome.error.millimetres.is_some());
                assert_eq!(outcome.statistics.total_frames, frames);
            }
            Err(other) => panic!("{other}"),
        }
        assert!(clock.now() <= Time(deadline.0 + 2_000_000), "it did not run over its deadline");
    }
}

/// Counts how often work would let others pass.
#[derive(Debug, Default)]
struct Passes(AtomicU64);

impl Gate for Passes {
    fn pass(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn large_scenes_look_at_their_budget_within_a_step() {
    let document = pile(400);
    let (scene, limits) = (Plain(&document), Limits::default());
    let passes = Arc::new(Passes::default());
    let budget = unlimited(Tier::Compute).yielding_to(Arc::clone(&passes) as Arc<dyn Gate>);
    let options = seconds(1.0);
    let mut simulation =
        Simulation::of(&document, &scene, &options, &limits, &budget).expect("a simulation");
    assert!(passes.0.swap(0, Ordering::Relaxed) > 6, "reading and building");
    // At this tier no contact is taken over from the step before: in the pile, all are work.
    let mut most = 0;
    let mut frame = |_| {
        most = most.max(passes.0.swap(0, Ordering::Relaxed));
        ControlFlow::Continue(())
    };
    let outcome = simulation.run(&budget, &mut frame).expect("an outcome");
    let steps = outcome.statistics.steps / outcome.statistics.total_frames;
    assert!(most >= 3 * steps, "{most} looks in {steps} steps");
}

#[test]
fn the_first_look_at_contacts_can_be_cancelled() {
    // Cancelled by the gate itself at the n-th look: wherever that falls, there
    // is no answer and no panic.
    #[derive(Debug)]
    struct Countdown(AtomicU64, Cancel);
    impl Gate for Countdown {
        fn pass(&self) {
            if self.0.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.1.cancel();
            }
        }
    }
    let document = pile(300);
    let (scene, limits) = (Plain(&document), Limits::default());
    let mut built = false;
    for looks in (1..400).step_by(3) {
        let cancel = Cancel::default();
        let gate = Arc::new(Countdown(AtomicU64::new(looks), cancel.clone()));
        let budget = unlimited(Tier::Ui).cancelled_by(cancel).yielding_to(gate as Arc<dyn Gate>);
        match Simulation::of(&document, &scene, &seconds(1.0), &limits, &budget) {
            Err(Error::Stopped(_)) => assert!(!built),
            Ok(_) => built = true,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(built);
}

#[test]
fn whoever_asked_can_stop_it() {
    let document = pile(20);
    let (scene, limits) = (Plain(&document), Limits::default());
    let cancel = Cancel::default();
    let budget = unlimited(Tier::Ui).cancelled_by(cancel.clone());
    let mut seen = 0;
    let outcome =
        physics::simulate(&document, &scene, &seconds(5.0), &limits, &budget, &mut |_| {
            seen += 1;
            if seen == 3 {
                cancel.cancel();
            }
            ControlFlow::Continue(())
        })
        .expect("an outcome");
    assert_eq!(
        (outcome.ended, outcome.statistics.total_frames),
        (Some(SimulationEnd::Cancelled), 3)
    );
    let budget = unlimited(Tier::Ui);
    let outcome =
        physics::simulate(&document, &scene, &seconds(5.0), &limits, &budget, &mut |_| {
            ControlFlow::Break(())
        })
        .expect("an outcome");
    assert_eq!(
        (outcome.ended, outcome.statistics.total_frames),
        (Some(SimulationEnd::Receiver), 1)
    );
}

#[test]
fn a_simulation_taken_up_from_a_snapshot_ends_with_the_same_bytes() {
    let document = pile(60);
    let (scene, limits, key) = (Plain(&document), Limits::default(), Key::new([7; 32]));
    let budget = unlimited(Tier::Edit);
    let options = seconds(1.0);
    let (whole, whole_frames) = run(&document, &options, Tier::Edit);

    let mut simulation =
        Simulation::of(&document, &scene, &options, &limits, &budget).expect("a simulation");
    let mut frames = Vec::new();
    simulation
        .run(&budget, &mut |frame| {
            frames.push(frame);
            if frames.len() == 25 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("half");
    let bytes = simulation.snapshot(&key, &limits).expect("a snapshot");
    drop(simulation);
    let mut simulation =
        Simulation::resume(&document, &scene, &bytes, &key, &limits, &budget).expect("resumed");
    let outcome = simulation
        .run(&budget, &mut |frame| {
            frames.push(frame);
            ControlFlow::Continue(())
        })
        .expect("the rest");
    assert_eq!(outcome.digest, whole.digest);
    assert!(frames == whole_frames && outcome == whole);
}

#[test]
fn hostile_snapshots_are_refused() {
    let document = pile(5);
    let (scene, limits, key) = (Plain(&document), Limits::default(), Key::new([7; 32]));
    let budget = unlimited(Tier::Ui);
    let simulation =
        Simulation::of(&document, &scene, &seconds(1.0), &limits, &budget).expect("a simulation");
    let good = simulation.snapshot(&key, &limits).expect("a snapshot");
    let refuse = |document: &Document, bytes: &[u8], key: &Key| {
        let scene = Plain(document);
        match Simulation::resume(document, &scene, bytes, key, &limits, &budget) {
            Err(Error::Snapshot(_) | Error::Limit { .. }) => {}
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("taken"),
        }
    };
    for end in [0, 3, 7, 39, 40, 41, good.len() / 2, good.len() - 1] {
        refuse(&document, &good[..end], &key);
    }
    for at in (0..good.len()).step_by(1 + good.len() / 97) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        refuse(&document, &bytes, &key);
    }
    refuse(&document, &[good.clone(), vec![0]].concat(), &key);
    refuse(&document, &good, &Key::new([8; 32]));
    refuse(&pile(6), &good, &key);
    refuse(&document, &vec![0; limits.snapshot_bytes + 1], &key);
}

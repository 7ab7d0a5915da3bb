//! Networks in time that are interrupted and gone on with.

use std::ops::ControlFlow;

use proptest::prelude::*;
use svgx_base::budget::{Budget, Cancel, Class, Stop, Tier};
use svgx_engine::sealed::Key;

use crate::drawings::{basin, room};
use crate::read::systems;
use crate::unlimited;
use svgx_networks::transient::{Frame, Moved, Pause, Simulation, Span};
use svgx_networks::{Error, Limits};

const MOST: usize = 1 << 20;

fn key() -> Key {
    Key::new([7; 32])
}

/// A network of each kind that moves, and one that does not.
fn town(level: f64, swing: f64) -> String {
    let controls = "<arx:controls clock='6:00'>\
        <arx:control of='out' set='open' when='tank level above 4.2 m'/>\
        <arx:control of='out' set='closed' when='tank level below 3.9 m'/>\
        <arx:control of='in' set='closed' else='open' when='clock after 7:30 and clock before 8:00'/>\
        </arx:controls>";
    let still = "<arx:system id='still' type='plumbing' network='water'><arx:components>\
        <arx:component ref='lake' type='reservoir' head='20 m'/>\
        <arx:component ref='sink' type='demand' flow='1 L/s'/></arx:components><arx:connections>\
        <arx:connection id='p2' from='lake' to='sink' type='pipe' length='9 m' diameter='40 mm' roughness='0.1 mm'/>\
        </arx:connections></arx:system>";
    let filled = basin(controls).replace("level='4 m'", &format!("level='{level:.3} m'"));
    format!(
        "{filled}{still}{}",
        room(&format!("swing='{swing:.2} K'")).replace("id='s'", "id='rooms'")
    )
}

fn begin(body: &str, span: Span) -> Simulation {
    Simulation::new(systems(body), span, &Limits::default(), &unlimited()).unwrap()
}

/// To the end, or until so many frames were given.
fn run(simulation: &mut Simulation, most: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    let pause = simulation.advance(&unlimited(), &mut |frame| {
        frames.push(frame);
        if frames.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let ended = if simulation.is_finished() { None } else { Some(Pause::Asked) };
    assert_eq!(pause.unwrap(), ended);
    frames
}

fn written(frames: &[Frame], moved: &[Moved]) -> String {
    serde_json::to_string(&(frames, moved)).unwrap()
}

fn resumed(body: &str, bytes: &[u8]) -> Result<Simulation, Error> {
    Simulation::resume(systems(body), bytes, (&key(), MOST), &Limits::default(), &unlimited())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_on_from_any_frame_is_what_was_not_interrupted(
        level in 3.5..4.5f64,
        swing in 0.0..9.0f64,
        every in 400.0..2500.0f64,
        at in 1usize..60,
        again in 1usize..20,
    ) {
        let body = town(level, swing);
        let span = Span { duration: 6.0 * 3600.0, every };
        let mut whole = begin(&body, span);
        let frames = run(&mut whole, usize::MAX);
        let wanted = written(&frames, &whole.moved());
        let mut part = begin(&body, span);
        let mut found = run(&mut part, at);
        for more in [again, usize::MAX] {
            let bytes = part.snapshot(&key(), MOST).unwrap();
            let count = part.frames();
            prop_assert_eq!(count as usize, found.len());
            part = resumed(&body, &bytes).unwrap();
            prop_assert_eq!(part.frames(), count);
            // Frames are read back as they were written.
            let text = serde_json::to_string(&found).unwrap();
            found = serde_json::from_str(&text).unwrap();
            found.extend(run(&mut part, more));
        }
        prop_assert!(part.is_finished());
        prop_assert_eq!(written(&found, &part.moved()), wanted);
    }
}

#[test]
fn what_a_budget_ended_goes_on_from_its_last_frame_to_the_same_answer() {
    let body = town(4.0, 5.0);
    let span = Span { duration: 6.0 * 3600.0, every: 1200.0 };
    let mut whole = begin(&body, span);
    let wanted = run(&mut whole, usize::MAX);
    let wanted = written(&wanted, &whole.moved());
    let mut part = begin(&body, span);
    let (mut frames, mut stops) = (Vec::new(), 0);
    while !part.is_finished() {
        // Each turn is cancelled after two frames, in the midst of what follows.
        let cancel = Cancel::default();
        let budget = Budget::unlimited(Class::Batch, Tier::Compute).cancelled_by(cancel.clone());
        let mut count = 0;
        let pause = part.advance(&budget, &mut |frame| {
            frames.push(frame);
            count += 1;
            if count == 2 {
                cancel.cancel();
            }
            ControlFlow::Continue(())
        });
        if pause.unwrap() == Some(Pause::Stopped(Stop::Cancelled)) {
            stops += 1;
            let bytes = part.snapshot(&key(), MOST).unwrap();
            assert_eq!(resumed(&body, &bytes).unwrap().frames(), part.frames());
        }
    }
    assert!(stops > 10, "{stops}");
    assert_eq!(written(&frames, &part.moved()), wanted);
}

#[test]
fn bytes_that_are_no_snapshot_of_this_drawing_are_refused() {
    let body = town(4.0, 5.0);
    let span = Span { duration: 3600.0, every: 600.0 };
    let mut part = begin(&body, span);
    run(&mut part, 3);
    let bytes = part.snapshot(&key(), MOST).unwrap();
    assert!(resumed(&body, &bytes).is_ok());
    let refused = |body: &str, bytes: &[u8]| match resumed(body, bytes) {
        Err(Error::Snapshot(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&town(4.0, 5.01), &bytes), "belongs to another drawing");
    assert_eq!(refused(&body, b""), "too short");
    assert_eq!(refused(&body, &bytes[..30]), "too short");
    assert_eq!(
        refused(&body, &[b"SVGP", &bytes[4..]].concat()),
        "not a snapshot of networks in time"
    );
    for at in [40, 60, bytes.len() / 2, bytes.len() - 1] {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert_eq!(refused(&body, &other), "damaged, or sealed with another key");
    }
    let mut newer = bytes.clone();
    newer[4] += 1;
    assert_eq!(refused(&body, &newer), "written by another version");
    assert_eq!(refused(&body, &[&bytes[..], b"!"].concat()), "damaged, or sealed with another key");
    let other = Key::new([8; 32]);
    let limits = Limits::default();
    let with = Simulation::resume(systems(&body), &bytes, (&other, MOST), &limits, &unlimited());
    assert!(matches!(with, Err(Error::Snapshot(_))), "{with:?}");
    // Bounded both ways.
    let large = part.snapshot(&key(), 100).unwrap_err();
    let long = Simulation::resume(systems(&body), &bytes, (&key(), 100), &limits, &unlimited());
    for error in [large, long.unwrap_err()] {
        assert!(matches!(error, Error::TooLarge { limit: 100, count, .. } if count > 100));
    }
}

//! Drawings in time.

use std::ops::ControlFlow;

use crate::drawings::{at, room, simulate, tower};
use crate::read::systems;
use crate::{near, unlimited};
use svgx_networks::transient::Span;
use svgx_networks::{Error, Kind, Limits};

#[test]
fn a_tank_falls_by_what_is_drawn_and_patterns_say_when() {
    let area = std::f64::consts::FRAC_PI_4 * 25.0;
    let (frames, moved) = simulate(&tower("", "flow='2 L/s' pattern='0.5 1 0 2'"), 8.0, 1.0);
    assert_eq!(frames.len(), 9);
    let mut head = 34.0;
    for (k, frame) in frames.iter().enumerate() {
        near("time", frame.time, 3600.0 * k as f64, 1e-12);
        near("head", at(frame, "tower", "head"), head, 1e-9);
        let factor = [0.5, 1.0, 0.0, 2.0][k % 4];
        assert!((at(frame, "p", "flow") - 0.002 * factor).abs() < 1e-8, "{k}");
        head -= 0.002 * factor * 3600.0 / area;
    }
    // What is linear takes few steps.
    assert!(moved.steps < 200 && moved.findings.is_empty(), "{moved:?}");
}

#[test]
fn two_tanks_come_to_one_level_as_the_law_of_their_pipe_says() {
    // A valve of h = r q^2 between equal tanks: the root of the difference falls linearly.
    let (frames, moved) = simulate(
        "<arx:system id='s' type='plumbing' network='water'><arx:components>\
         <arx:component ref='a' type='tank' level='9 m' area='20 m^2'/>\
         <arx:component ref='b' type='tank' level='5 m' area='20 m^2'/></arx:components><arx:connections>\
         <arx:connection id='v' from='a' to='b' type='valve' k='20' diameter='50 mm'/></arx:connections></arx:system>",
        2.0,
        0.25,
    );
    let r = 20.0 / (2.0 * 9.806_65 * (std::f64::consts::FRAC_PI_4 * 0.0025).powi(2));
    for frame in &frames {
        let root = 2.0 - frame.time / 20.0 / r.sqrt();
        let wanted = 7.0 + 0.5 * root * root;
        let found = at(frame, "a", "head");
        assert!((found - wanted).abs() < 1e-3, "{}: {found} for {wanted}", frame.time);
        near("both", found + at(frame, "b", "head"), 14.0, 1e-9);
    }
    assert!(moved.error <= moved.tolerance, "{moved:?}");
}

#[test]
fn a_tank_that_is_full_spills_and_one_that_is_empty_ends_it() {
    let lake = "<arx:component ref='lake' type='reservoir' head='60 m'/></arx:components>";
    let fed = tower("max-level='5 m'", "flow='0 L/s'")
        .replace("</arx:components>", lake)
        .replace("</arx:connections>", "<arx:connection id='q' from='lake' to='tower' length='500 m' diameter='100 mm' roughness='120'/></arx:connections>");
    let (frames, moved) = simulate(&fed, 3.0, 0.5);
    assert!((at(frames.last().unwrap(), "tower", "head") - 35.0).abs() < 1e-4);
    assert_eq!(moved.findings.len(), 1);
    assert!(moved.findings[0].message.starts_with("tower is full after 0."), "{moved:?}");
    near("whole", moved.simulated, 3.0 * 3600.0, 1e-12);
    // 2 L/s out of 4 m of 19.6 m2: empty after 10.9 h.
    let (frames, moved) = simulate(&tower("", "flow='2 L/s'"), 24.0, 1.0);
    let hours = 4.0 * std::f64::consts::FRAC_PI_4 * 25.0 / 0.002 / 3600.0;
    assert!((moved.simulated / 3600.0 - hours).abs() < 0.01, "{moved:?}");
    assert_eq!((frames.len(), moved.findings[0].kind), (11, Kind::Range));
}

#[test]
fn rooms_cool_down_and_swing() {
    let (frames, moved) = simulate(&room(""), 24.0, 1.0);
    for (hour, frame) in frames.iter().enumerate() {
        let exact = 20.0 * (-(hour as f64) / 10.0).exp();
        let found = at(frame, "in", "temperature");
        assert!((found - exact).abs() < 5e-3, "{hour}: {found}");
        near("heat", at(frame, "w", "heat"), 100.0 * found, 1e-9);
    }
    assert!(moved.error <= moved.tolerance);
    // One node behind a conductance: 1 / (1 + i w RC) of the swing, once the start is forgotten.
    let (frames, _) = simulate(&room("swing='8 K'"), 240.0, 6.0);
    let turn = 2.0 * std::f64::consts::PI / 24.0 * 10.0;
    let (size, lag) = (8.0 / (1.0f64 + turn * turn).sqrt(), turn.atan());
    for frame in frames.iter().filter(|f| f.time > 180.0 * 3600.0) {
        let hours = frame.time / 3600.0;
        let wanted = size * (2.0 * std::f64::consts::PI * hours / 24.0 - lag).cos();
        let found = at(frame, "in", "temperature");
        assert!((found - wanted).abs() < 0.01, "{hours}: {found} for {wanted}");
        let outside = 8.0 * (2.0 * std::f64::consts::PI * hours / 24.0).cos();
        assert!((at(frame, "out", "temperature") - outside).abs() < 1e-9);
    }
}

#[test]
fn what_cannot_be_is_refused_and_whoever_has_seen_enough_may_end_it() {
    let system = &systems(&tower("", "flow='2 L/s'"))[0];
    let limits = Limits::default();
    for (duration, every) in [(1e9, 1.0), (1.0, 0.0), (f64::NAN, 1.0), (-1.0, 1.0), (1.0, f64::NAN)]
    {
        let span = Span { duration, every };
        let refused =
            system.simulate(span, &limits, &unlimited(), &mut |_| ControlFlow::Continue(()));
        assert!(matches!(refused, Err(Error::TooLarge { .. })), "{duration} {every}");
    }
    let mut seen = 0;
    let span = Span { duration: 7200.0, every: 600.0 };
    let moved = system.simulate(span, &limits, &unlimited(), &mut |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((seen, moved.unwrap().simulated), (3, 1200.0));
    for (tank, tap, words) in [
        ("max-level='-1 m'", "flow='1 L/s'", "tower has an area of"),
        ("", "flow='1 L/s' pattern='one'", "the pattern of tap is"),
        ("", "flow='1 L/s' pattern='1' pattern-step='0 s'", "the pattern of tap is"),
    ] {
        let findings = &systems(&tower(tank, tap))[0].findings;
        assert!(findings.iter().any(|f| f.message.starts_with(words)), "{findings:?}");
    }
}

//! What opens, closes and sets links in time, against closed forms.

use std::ops::ControlFlow;

use crate::drawings::{at, basin, pipe, simulate, water};
use crate::read::systems;
use crate::{near, unlimited};
use proptest::prelude::*;
use svgx_networks::transient::{Moved, Span};
use svgx_networks::{Kind, Limits, State};

#[track_caller]
fn events(moved: &Moved, wanted: &[(f64, &str)], within: f64) {
    assert_eq!(moved.events.len(), wanted.len(), "{:?}", moved.events);
    for (event, (time, set)) in moved.events.iter().zip(wanted) {
        assert!((event.time - time).abs() <= within, "{event:?} at {time}");
        assert_eq!(&*event.set, *set, "{event:?}");
    }
}

#[test]
fn a_tank_between_two_levels_switches_at_the_moment_of_each() {
    let (frames, moved) = simulate(
        &basin(
            "<arx:controls><arx:control id='high' of='out' set='open' when='tank level above 5 m'/>\
             <arx:control id='low' of='out' set='closed' when='tank level below 3 m'/></arx:controls>",
        ),
        24.0,
        1.0,
    );
    // 1 m up at 0.1 mm/s, 2 m down at 0.15 mm/s, 2 m up, ...
    let (up, down) = (20_000.0, 40.0 / 0.003);
    let turns = [10_000.0, 10_000.0 + down, 10_000.0 + down + up, 10_000.0 + 2.0 * down + up];
    let all: Vec<(f64, &str)> = turns
        .iter()
        .copied()
        .chain([turns[3] + up])
        .enumerate()
        .map(|(k, time)| (time, ["open", "closed"][k % 2]))
        .collect();
    events(&moved, &all, 1e-3);
    assert!(moved.events.iter().all(|e| &*e.element == "out"), "{:?}", moved.events);
    assert_eq!((&*moved.events[0].by, &*moved.events[1].by), ("high", "low"));
    assert_eq!(frames.len(), 25);
    for frame in &frames {
        let passed = all.iter().filter(|(time, _)| *time <= frame.time).count();
        let since = if passed == 0 { 0.0 } else { all[passed - 1].0 };
        let (from, rate) = match passed {
            0 => (4.0, 1e-4),
            n if n % 2 == 1 => (5.0, -1.5e-4),
            _ => (3.0, 1e-4),
        };
        let level = from + rate * (frame.time - since);
        assert!((at(frame, "tank", "head") - 10.0 - level).abs() < 1e-6, "{}: {level}", frame.time);
        assert_eq!(at(frame, "out", "open"), f64::from(u8::from(passed % 2 == 1)));
    }
    assert!(moved.findings.is_empty() && moved.error < 1e-9, "{moved:?}");
}

#[test]
fn a_level_that_falls_by_a_law_of_its_own_is_met_where_the_law_says() {
    // Through h = r q^2 the root of the level falls linearly.
    let (_, moved) = simulate(
        &water(
            "<arx:component ref='tank' type='tank' level='9 m' area='20 m^2'/>\
             <arx:component ref='sea' type='reservoir' head='0 m'/>",
            "<arx:connection id='v' from='tank' to='sea' type='valve' k='20' diameter='50 mm'/>",
            "<arx:controls><arx:control of='v' set='50 %' when='tank level below 4 m'/>\
             <arx:control of='v' set='closed' when='tank head below 1 m'/></arx:controls>",
        ),
        24.0,
        2.0,
    );
    let r: f64 = 20.0 / (2.0 * 9.806_65 * (std::f64::consts::FRAC_PI_4 * 0.0025).powi(2));
    // From 3² to 2², and half open (four times the resistance) to 1².
    let (one, other) = (40.0 * r.sqrt(), 80.0 * r.sqrt());
    // A level is within 0.01 mm after a step, and falls by 0.02 mm a second at the end.
    events(&moved, &[(one, "50 %"), (one + other, "closed")], 5.0);
}

#[test]
fn times_and_hours_of_the_day_are_met_exactly() {
    let lake = "<arx:component ref='lake' type='reservoir' head='0 m'/>\
                <arx:component ref='pump' type='pump' curve='10 L/s 30 m' open='no'/>\
                <arx:component ref='town' type='reservoir' head='20 m'/>";
    let pipes = pipe("a", "lake", "pump.in", "") + &pipe("b", "pump.out", "town", "");
    let (frames, moved) = simulate(
        &water(
            lake,
            &pipes,
            "<arx:controls clock='20:00'><arx:control of='pump' set='open' when='time 1:30'/>\
             <arx:control of='pump' set='90 %' when='clock 22:00'/>\
             <arx:control id='day' of='pump' set='closed' when='clock 6:15'/>\
             <arx:control of='b' set='closed' when='time after 40 h and clock before 12:00 or time 100000 s'/></arx:controls>",
        ),
        48.0,
        0.5,
    );
    let hour = 3600.0;
    let wanted = [
        (1.5 * hour, "open"),
        (2.0 * hour, "90 %"),
        (10.25 * hour, "closed"),
        (26.0 * hour, "90 %"),
        (100_000.0, "closed"),
        (34.25 * hour, "closed"),
    ];
    events(&moved, &wanted, 1e-6);
    assert_eq!(&*moved.events[2].by, "day");
    // A pump at nine tenths of its speed lifts 0.81 of what it did.
    let flow = |k: usize| at(&frames[k], "pump", "flow");
    assert!(flow(2) == 0.0 && flow(3) > flow(4) && flow(4) > 0.0 && flow(21) == 0.0);
    assert_eq!((at(&frames[2], "pump", "open"), at(&frames[3], "pump", "open")), (0.0, 1.0));
}

#[test]
fn a_pressure_that_falls_with_the_demand_opens_a_second_pipe() {
    let (frames, moved) = simulate(
        &water(
            "<arx:component ref='lake' type='reservoir' head='40 m'/>\
             <arx:component ref='tap' type='demand' elevation='2 m' flow='10 L/s' pattern='1 3 1' pattern-step='2 h'/>",
            &(pipe("p", "lake", "tap", "") + &pipe("q", "lake", "tap", "open='no'")),
            "<arx:controls><arx:control of='q' set='open' when='tap pressure below 3 bar'/></arx:controls>",
        ),
        6.0,
        0.5,
    );
    // 2.1 bar with one pipe, 3.3 bar with both.
    events(&moved, &[(7200.0, "open")], 0.0);
    assert_eq!(at(&frames[3], "q", "flow"), 0.0);
    assert!((at(&frames[4], "q", "flow") - 0.015).abs() < 1e-8);
    assert!(frames.len() == 13);
}

#[test]
fn groups_hold_together_and_what_ceases_to_hold_may_act() {
    // For half an hour of the night, or once the tank is nearly full.
    let (_, moved) = simulate(
        &basin(
            "<arx:controls clock='22:00'><arx:control of='out' set='open' else='closed' \
             when='tank level above 3 m and clock after 0:30 and clock before 1:00 or tank level above 6 m'/></arx:controls>",
        ),
        6.0,
        1.0,
    );
    events(&moved, &[(9_000.0, "open"), (10_800.0, "closed")], 1e-6);
}

#[test]
fn controls_that_switch_without_end_are_named_and_stop() {
    let (frames, moved) = simulate(
        &basin(
            "<arx:controls><arx:control id='a' of='out' set='open' when='tank level above 5 m'/>\
             <arx:control id='b' of='out' set='closed' when='tank level below 5 m'/></arx:controls>",
        ),
        6.0,
        1.0,
    );
    assert_eq!(frames.len(), 7);
    let cycles: Vec<_> = moved.findings.iter().filter(|f| f.kind == Kind::Cycle).collect();
    assert!(!cycles.is_empty() && moved.events.len() < 50, "{moved:?}");
    assert!(
        cycles[0].message.starts_with("the control a sets out again and again at 2.7"),
        "{cycles:?}"
    );
}

#[test]
fn a_control_of_what_is_not_there_is_named() {
    let control = |text: &str| {
        systems(&basin(&format!("<arx:controls><arx:control id='c' {text}/></arx:controls>")))[0]
            .findings
            .clone()
    };
    let high = "when='tank level above 5 m'";
    for (text, words) in [
        (
            format!("of='oud' set='open' {high}"),
            "the control c sets \"oud\", and there is no such connection or pump; did you mean `out`?",
        ),
        (format!("of='out' {high}"), "the control c has no set"),
        (
            format!("of='out' set='50 %' {high}"),
            "the control c sets out to \"50 %\": it is open or closed",
        ),
        (format!("of='out' set='ajar' {high}"), "the control c sets out to \"ajar\""),
        ("of='out' set='open'".into(), "the control c acts when \"\": "),
        (
            "of='out' set='open' when='tunk level above 5 m'".into(),
            "the control c acts when \"tunk level above 5 m\"",
        ),
        ("of='out' set='open' when='tank level over 5 m'".into(), "the control c acts when"),
        ("of='out' set='open' when='tank level above 5 s'".into(), "when of c"),
        ("of='out' set='open' when='town level above 5 m'".into(), "the control c acts when"),
        ("of='out' set='open' when='clock 25:00'".into(), "the control c acts when"),
        ("of='out' set='open' when='time -1 h'".into(), "the control c acts when"),
        ("of='out' set='open' when='time 1 h or'".into(), "the control c acts when"),
        (
            "of='out' set='open' else='closed' when='time 1 h'".into(),
            "the control c has an else, and its condition is but a moment",
        ),
    ] {
        let findings = control(&text);
        assert!(
            findings.iter().any(|f| f.message.starts_with(words) && f.state == State::Failed),
            "{text}: {findings:?}"
        );
    }
    let many = vec!["time 1 h"; 17].join(" or ");
    assert_eq!(control(&format!("of='out' set='open' when='{many}'")).len(), 1);
    let crowd = "<arx:control of='out' set='open' when='time 1 h'/>".repeat(1_001);
    let findings = &systems(&basin(&format!("<arx:controls>{crowd}</arx:controls>")))[0].findings;
    assert_eq!(findings[0].message, "there are more than 1000 controls");
    let clock = &systems(&basin("<arx:controls clock='noon'/>"))[0].findings;
    assert_eq!((clock[0].kind, clock.len()), (Kind::Control, 1));
    let power = systems(
        "<arx:system id='s' type='electrical' network='electrical'><arx:components><arx:component ref='b' type='source' voltage='400 V'/><arx:component ref='c' type='load' power='1 kW'/></arx:components>\
         <arx:connections><arx:connection id='l' from='b' to='c' type='power' resistance='1 ohm'/></arx:connections>\
         <arx:controls><arx:control of='l' set='closed' when='time 1 h'/></arx:controls></arx:system>",
    );
    assert!(power[0].findings.iter().any(|f| f.kind == Kind::Control), "{:?}", power[0].findings);
}

#[test]
fn a_day_of_steps_costs_no_more_for_controls_that_wait() {
    let plain = simulate(&basin(""), 2.0, 1.0).1.steps;
    let waiting = basin(
        "<arx:controls><arx:control of='out' set='open' when='tank level above 50 m'/></arx:controls>",
    );
    near("steps", f64::from(simulate(&waiting, 2.0, 1.0).1.steps), f64::from(plain), 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_words_are_a_control_or_refused_and_the_simulation_ends(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "tank", "out", "spring", "level", "head", "pressure", "flow", "above", "below", "4.1 m", "5 m",
                "1 bar", "2 L/s", "1e300 m", "nan", "-3", "and", "or", "time", "clock", "after", "before",
                "0:10", "22:00", "1 h", "7 s", "",
            ]),
            0..12,
        ),
        set in prop::sample::select(vec!["open", "closed", "50 %", "", "1e400 %"]),
        otherwise in prop::sample::select(vec!["", "else='open'", "else='closed'", "else='3'"]),
    ) {
        let when = words.join(" ");
        let body = basin(&format!(
            "<arx:controls><arx:control of='out' set='{set}' {otherwise} when='{when}'/>\
             <arx:control of='out' set='open' else='closed' when='tank level above 4.1 m'/></arx:controls>"
        ));
        let system = &systems(&body)[0];
        let span = Span { duration: 7200.0, every: 1800.0 };
        let mut frames = 0;
        let moved = system.simulate(span, &Limits::default(), &unlimited(), &mut |_| {
            frames += 1;
            ControlFlow::Continue(())
        });
        let moved = moved.unwrap();
        prop_assert_eq!((frames, moved.simulated), (5, 7200.0));
        prop_assert!(moved.steps < 5_000 && moved.events.is_sorted_by_key(|e| e.time));
    }
}

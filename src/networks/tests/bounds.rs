//! What elements may carry, as drawings say it.

use crate::near;
use crate::read::{solve, value};
use svgx_networks::{Answer, Check, Kind, State};

#[track_caller]
fn check<'a>(answer: &'a Answer, element: &str, check: &str) -> &'a Check {
    let found = answer.checks.iter().find(|c| &*c.element == element && c.check == check);
    found.unwrap_or_else(|| panic!("{:?}", answer.checks))
}

/// A board that feeds a heater over a cable.
fn power(source: &str, cable: &str, load: &str, system: &str) -> Answer {
    solve(&format!(
        "<arx:system id='s' type='electrical' network='electrical' {system}><arx:components>\
         <arx:component ref='board' type='source' voltage='400 V' phases='ABCN' {source}/>\
         <arx:component ref='heater' type='load' phases='AN' model='impedance' {load}/></arx:components>\
         <arx:connections><arx:connection id='c1' from='board' to='heater' phases='AN' \
         resistance='0.1 ohm' {cable}/></arx:connections></arx:system>"
    ))
}

#[test]
fn conductors_and_breakers_are_compared_with_what_flows() {
    use State::{Critical, Failed, Normal, Warning};
    for (cable, load, name, state) in [
        ("ampacity='20 A' breaker='16 A'", "2 kW", "ampacity", Normal),
        ("ampacity='20 A' breaker='16 A'", "4 kW", "ampacity", Warning),
        ("ampacity='20 A' breaker='16 A'", "4 kW", "breaker", Critical),
        ("ampacity='20 A' breaker='16 A'", "6 kW", "ampacity", Critical),
        ("ampacity='20 A' breaker='25 A'", "1 kW", "breaker", Failed),
    ] {
        let answer = power("", cable, &format!("power='{load}'"), "");
        let found = check(&answer, "c1", name);
        assert_eq!(found.state, state, "{cable} {load}: {found:?}");
        near("current", found.value.unwrap(), value(&answer, "c1", "current"), 1e-12);
        let told = answer.findings.iter().filter(|f| f.kind == Kind::Overload);
        let worst = told.map(|f| f.state).max().unwrap_or_default();
        assert!(state == Normal || worst >= state, "{:?}", answer.findings);
    }
    // Without a bound nothing is compared.
    assert!(power("", "", "power='6 kW'", "").checks.is_empty());
}

#[test]
fn a_breaker_is_compared_with_the_fault_where_its_conductor_begins() {
    for (breaking, state) in [("10 kA", State::Failed), ("20 kA", State::Normal)] {
        let answer =
            power("fault='15.1 kA'", &format!("breaking='{breaking}'"), "power='1 kW'", "");
        let found = check(&answer, "c1", "breaking");
        assert_eq!(found.state, state, "{found:?}");
        near("fault", found.value.unwrap(), 15_100.0, 1e-9);
        let told = answer.findings.iter().find(|f| f.kind == Kind::Breaking);
        assert_eq!(told.is_some(), state == State::Failed);
        if let Some(told) = told {
            assert_eq!(
                told.message,
                "a fault behind the breaker of c1 drives 15100 A: it breaks 10000 A"
            );
        }
    }
    // Of an ideal source nothing limits it.
    let answer = power("", "breaking='10 kA'", "power='1 kW'", "");
    assert_eq!(check(&answer, "c1", "breaking").state, State::Unknown);
}

#[test]
fn a_drop_is_compared_with_that_of_the_load_or_of_the_system() {
    // 230.94 V, 13.33 ohm behind twice 0.1 ohm: 1.478 % are lost.
    for (load, system, state) in [
        ("max-drop='3 %'", "", State::Normal),
        ("", "max-drop='1.6 %'", State::Warning),
        ("max-drop='1 %'", "max-drop='3 %'", State::Critical),
    ] {
        let answer = power("", "", &format!("power='4 kW' voltage='230.9401 V' {load}"), system);
        let found = check(&answer, "heater", "drop");
        let ohm = 230.9401f64.powi(2) / 4e3;
        near("drop", found.value.unwrap(), 100.0 * (1.0 - ohm / (ohm + 0.2)), 1e-4);
        assert_eq!(found.state, state, "{found:?}");
        assert_eq!(answer.findings.iter().any(|f| f.kind == Kind::Drop), state != State::Normal);
    }
}

#[test]
fn phases_that_are_loaded_unequally_say_how_far() {
    let answer = solve(
        "<arx:system id='s' type='electrical' network='electrical'><arx:components>\
         <arx:component ref='grid' type='source' voltage='400 V' phases='ABCN'/>\
         <arx:component ref='one' type='load' power='30 kW' phases='AN' model='impedance'/>\
         <arx:component ref='all' type='load' power='9 kW' phases='ABCN' model='impedance'/></arx:components>\
         <arx:connections><arx:connection id='c' from='grid' to='all' phases='ABCN' resistance='0.3 ohm'/>\
         <arx:connection id='d' from='all' to='one' phases='AN' resistance='1e-6 ohm'/></arx:connections></arx:system>",
    );
    let volts = ["A", "B", "C"].map(|p| value(&answer, &format!("all.{p}"), "voltage"));
    let mean = volts.iter().sum::<f64>() / 3.0;
    let most = volts.iter().fold(0.0f64, |m, v| m.max((v - mean).abs())) / mean;
    let found = check(&answer, "all", "imbalance");
    near("imbalance", found.value.unwrap(), 100.0 * most, 1e-9);
    assert!(found.state >= State::Warning, "{found:?}");
}

#[test]
fn velocities_pressures_and_deflections_have_bounds() {
    let water = |system: &str, pipe: &str, tap: &str| {
        solve(&format!(
            "<arx:system id='s' type='plumbing' network='water' {system}><arx:components>\
             <arx:component ref='tank' type='reservoir' head='20 m'/>\
             <arx:component ref='tap' type='demand' flow='0.5 L/s' {tap}/></arx:components>\
             <arx:connections><arx:connection id='p' from='tank' to='tap' length='9 m' \
             diameter='20 mm' {pipe}/></arx:connections></arx:system>"
        ))
    };
    for (system, pipe, tap, element, name, state) in [
        ("max-velocity='2 m/s'", "", "", "p", "velocity", State::Normal),
        ("max-velocity='2 m/s'", "max-velocity='1.7 m/s'", "", "p", "velocity", State::Warning),
        ("max-velocity='1.5 m/s'", "", "", "p", "velocity", State::Critical),
        ("min-pressure='1 bar'", "", "", "tap", "pressure", State::Normal),
        ("", "", "min-pressure='3 bar'", "tap", "pressure", State::Critical),
        ("", "", "max-pressure='1 bar'", "tap", "pressure", State::Critical),
    ] {
        let answer = water(system, pipe, tap);
        let found = check(&answer, element, name);
        assert_eq!(found.state, state, "{found:?}");
        assert_eq!(answer.checks.len(), 1);
        near(name, found.value.unwrap(), value(&answer, element, name), 1e-12);
        let told = answer.findings.iter().filter(|f| f.kind == Kind::Range).count();
        assert_eq!(told, usize::from(state != State::Normal), "{:?}", answer.findings);
    }
    let beam = |system: &str, member: &str| {
        solve(&format!(
            "<circle id='a' arx:object='a' cx='0' cy='5000' r='100'/>\
             <circle id='b' arx:object='b' cx='5000' cy='5000' r='100'/>\
             <arx:system id='s' type='architecture' network='frame' {system}><arx:components>\
             <arx:component ref='a' type='support' fixed='xyr'/>\
             <arx:component ref='b' type='node' load='30 kN'/></arx:components><arx:connections>\
             <arx:connection id='m' from='a' to='b' modulus='210 GPa' area='0.00626 m^2' \
             inertia='8e-5 m^4' {member}/></arx:connections></arx:system>"
        ))
    };
    // 74.4 mm at 5 m.
    for (system, member, limit, state) in [
        ("max-deflection='L/300'", "", 5.0 / 300.0, State::Critical),
        ("max-deflection='L/300'", "max-deflection='80 mm'", 0.08, State::Warning),
        ("max-deflection='10 cm'", "", 0.1, State::Normal),
    ] {
        let answer = beam(system, member);
        let found = check(&answer, "m", "deflection");
        near("limit", found.limit, limit, 1e-9);
        near("deflection", found.value.unwrap(), 0.074_404_761_9, 1e-8);
        assert_eq!(found.state, state, "{found:?}");
    }
}

#[test]
fn every_value_says_how_far_it_may_be_off() {
    use crate::read::systems;
    use svgx_base::budget::{Budget, Class, Tier};
    use svgx_networks::{Limits, Row};
    let drawings = [
        // A ring whose flows are not round numbers.
        "<arx:system id='s' type='plumbing' network='water'><arx:components>\
         <arx:component ref='r' type='reservoir' head='20 m'/>\
         <arx:component ref='a' type='demand' flow='0.3 L/s'/>\
         <arx:component ref='b' type='demand' flow='0.5 L/s'/></arx:components><arx:connections>\
         <arx:connection id='p' from='r' to='a' length='9 m' diameter='20 mm'/>\
         <arx:connection id='q' from='a' to='b' length='12 m' diameter='15 mm' minor='3'/>\
         <arx:connection id='t' from='b' to='r' length='30 m' diameter='25 mm'/></arx:connections></arx:system>",
        "<arx:system id='s' type='electrical' network='electrical'><arx:components>\
         <arx:component ref='u' type='source' voltage='400 V' fault='2 kA' phases='ABCN'/>\
         <arx:component ref='o' type='load' power='9 kW' phases='AN'/>\
         <arx:component ref='m' type='load' power='30 kW' pf='0.8' phases='ABCN'/></arx:components>\
         <arx:connections><arx:connection id='c' from='u' to='m' phases='ABCN' resistance='0.08 ohm'/>\
         <arx:connection id='d' from='m' to='o' phases='AN' resistance='0.05 ohm'/></arx:connections></arx:system>",
    ];
    for body in drawings {
        let answer = |tier| {
            let budget = Budget::unlimited(Class::Physics, tier);
            Answer::of(&systems(body)[0], &Limits::default(), &budget).unwrap()
        };
        let (coarse, fine) = (answer(Tier::Ui), answer(Tier::Compute));
        let rows = |a: &Answer| -> Vec<Row> { a.nodes.iter().chain(&a.links).cloned().collect() };
        let mut told = 0.0f64;
        for (coarse, fine) in rows(&coarse).iter().zip(&rows(&fine)) {
            for (c, f) in coarse.values.iter().zip(&fine.values) {
                let (Some(value), Some(exact)) = (c.value, f.value) else { continue };
                let error = c.error.unwrap_or_else(|| panic!("{} {}", coarse.name, c.name));
                // What is first order, is so to a half; and what both leave, is rounding.
                let off = (value - exact).abs();
                let slack = f.error.unwrap_or(0.0) + 1e-7 * exact.abs() + 1e-9;
                assert!(off <= 1.5 * error + slack, "{} {}: {off} {error}", coarse.name, c.name);
                told = told.max(error / exact.abs().max(1e-9));
            }
        }
        assert!(told > 0.0 && told < 0.1, "{told}");
        assert!(!coarse.islands.is_empty());
    }
}

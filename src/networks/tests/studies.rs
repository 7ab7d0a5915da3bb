//! Studies of drawings.

use crate::read::{systems, value};
use crate::{near, unlimited};
use svgx_networks::study::Study;
use svgx_networks::{Answer, Kind, Limits, Name};

fn studied(body: &str, study: Study, at: &[&str]) -> Answer {
    let at: Vec<Name> = at.iter().map(|a| (*a).into()).collect();
    Answer::studied(&systems(body)[0], study, &at, &Limits::default(), &unlimited()).unwrap()
}

const HOUSE: &str = "<arx:system id='s' type='electrical' network='electrical'><arx:components>\
    <arx:component ref='grid' type='source' voltage='20 kV' fault='7.216878365 kA' xr='10'/>\
    <arx:component ref='house' type='load' power='20 kW' phases='ABCN' voltage='400 V'/>\
    <arx:component ref='board' type='node'/></arx:components>\
    <arx:connections><arx:connection id='t' from='grid' to='board' type='transformer' power='630 kVA' \
    primary='20 kV' secondary='400 V' impedance='4 %' loss='6.3 kW' group='Dyn5'/>\
    <arx:connection id='c' from='board' to='house' phases='ABCN' resistance='0.02 ohm' reactance='0.008 ohm'/>\
    </arx:connections></arx:system>";

#[test]
fn faults_of_a_drawing_are_those_of_the_standard() {
    let answer = studied(HOUSE, Study::Fault, &["board", "house"]);
    assert_eq!(answer.nodes.len(), 2);
    // 250 MVA at 20 kV (R/X 0.1), 630 kVA of 4 % and 1 %, then 100 m of 0.2 + j0.08 ohm/km.
    let (zq, xt) = (400.0f64.powi(2) / 250e6, (0.0016f64 - 0.0001).sqrt());
    let base = 0.16 / 0.63;
    let (rq, xq) = (0.1 * zq / 1.01f64.sqrt(), zq / 1.01f64.sqrt());
    let impedance = |k: f64, c: f64, warm: f64, more: f64| {
        (rq * c + 0.01 * k * base + 0.02 * warm * more).hypot(xq * c + xt * k * base + 0.008 * more)
    };
    let kt = 0.95 * 1.05 / (1.0 + 0.6 * xt);
    for (bus, more) in [("board", 0.0), ("house", 1.0)] {
        let plain = 400.0 / 3f64.sqrt() / impedance(1.0, 1.0, 1.0, more);
        near(bus, value(&answer, bus, "three phase"), plain, 1e-4);
        let largest = 1.05 * 400.0 / 3f64.sqrt() / impedance(kt, 1.1, 1.0, more);
        near(bus, value(&answer, bus, "iec largest"), largest, 1e-4);
        let smallest = 0.95 * 400.0 / 3f64.sqrt() / impedance(kt, 1.0, 1.24, more);
        near(bus, value(&answer, bus, "iec smallest"), smallest, 1e-4);
        let two = value(&answer, bus, "line to line");
        near("two", two, plain * 3f64.sqrt() / 2.0, 1e-4);
        assert!(value(&answer, bus, "largest") >= plain);
    }
    // Everywhere, and where nothing is.
    assert_eq!(studied(HOUSE, Study::Fault, &[]).nodes.len(), 3);
    let told = studied(HOUSE, Study::Fault, &["shed"]);
    assert_eq!((told.findings[0].kind, told.nodes.len()), (Kind::Terminal, 0));
}

#[test]
fn a_node_says_how_much_more_it_can_be_asked_for() {
    // 230.94 V behind 0.08 ohm carries 166.67 kW.
    let oven = |cable: &str| {
        format!(
            "<arx:system id='s' type='electrical' network='electrical'><arx:components>\
             <arx:component ref='grid' type='source' voltage='400 V' fault='2886.751345948 A' xr='0'/>\
             <arx:component ref='oven' type='load' power='60 kW' phases='A' voltage='230.9401 V'/></arx:components>\
             <arx:connections><arx:connection id='c' from='grid' to='oven' phases='A' resistance='1e-7 ohm' {cable}/>\
             </arx:connections></arx:system>"
        )
    };
    let answer = studied(&oven(""), Study::Load, &[]);
    near("oven", value(&answer, "oven", "more"), 106_666.7, 2e-3);
    // With an ampacity that is the bound: 400 A at 230.94 V less 32 V.
    let answer = studied(&oven("ampacity='400 A'"), Study::Load, &["oven"]);
    near("ampacity", value(&answer, "oven", "more"), 400.0 * (230.940_1 - 32.0) - 60e3, 1e-3);
    let water = "<arx:system id='s' type='plumbing' network='water' friction='hazen-williams'><arx:components>\
        <arx:component ref='r' type='reservoir' head='30 m'/>\
        <arx:component ref='tap' type='demand' flow='1 L/s' elevation='10 m' min-pressure='98 kPa'/></arx:components>\
        <arx:connections><arx:connection id='p' from='r' to='tap' length='500 m' diameter='80 mm' roughness='120'/>\
        </arx:connections></arx:system>";
    let more = value(&studied(water, Study::Load, &[]), "tap", "more");
    let asked = water.replace("1 L/s", &format!("{} L/s", 1.0 + 1e3 * more));
    let answer = studied(&asked, Study::Flow, &[]);
    near("pressure", value(&answer, "tap", "pressure"), 98e3, 1e-4);
    // A source has no demand: nothing can be asked of it.
    assert_eq!(studied(water, Study::Load, &["r"]).nodes[0].value("more"), None);
    assert!("fault".parse::<Study>().is_ok() && "faults".parse::<Study>().is_err());
}

#[test]
fn rooms_swing_as_their_walls_let_them_without_a_warm_up() {
    let body = "<arx:system id='s' type='hvac' network='heat'><arx:components>\
        <arx:component ref='out' type='outside' temperature='-15 C' swing='5 K' peak='12 h'/>\
        <arx:component ref='in' type='room' capacity='120963.24 J/K'/></arx:components><arx:connections>\
        <arx:connection id='w' from='out' to='in' type='wall' area='96 m^2' \
        layers='100 mm 0.04 W/(m*K) 30 kg/m^3 1000 J/(kg*K), 150 mm 1.4 W/(m*K) 2300 kg/m^3 900 J/(kg*K)' \
        film-outside='0.05 m^2*K/W' film-inside='0.2 m^2*K/W'/></arx:connections></arx:system>";
    let answer = studied(body, Study::Periodic, &[]);
    assert!(answer.findings.is_empty(), "{:?}", answer.findings);
    near("mean", value(&answer, "in", "mean"), -15.0, 1e-12);
    near("swing", value(&answer, "in", "swing"), 5.0 * 0.016_429_140_7, 1e-7);
    near("peak", value(&answer, "in", "peak"), 12.0 + 7.900_041_94, 1e-7);
    near("outside", value(&answer, "out", "peak"), 12.0, 1e-12);
    let told = studied(&body.replace("swing='5 K' peak='12 h'", ""), Study::Periodic, &[]);
    assert_eq!((told.findings[0].kind, told.nodes.len()), (Kind::Quantity, 0));
}

#[test]
fn what_is_solved_is_answered_where_no_time_is_left_to_look_how_exact_it_is() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use svgx_base::budget::{Clock, Time};
    /// A clock that goes on whenever somebody looks.
    #[derive(Debug, Default)]
    struct Looked(AtomicU64);
    impl Clock for Looked {
        fn now(&self) -> Time {
            Time(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }
    let system = &systems(HOUSE)[0];
    let (mut bare, mut judged) = (0, 0);
    for looks in 0..200 {
        let budget = unlimited().until(Time(looks), Arc::new(Looked::default()));
        match Answer::of(system, &Limits::default(), &budget) {
            Ok(answer) if answer.is_whole() => {
                let error = answer.nodes[0].values[0].error;
                *(if error.is_none() { &mut bare } else { &mut judged }) += 1;
            }
            Ok(answer) => assert!(answer.effort.stopped.is_some()),
            Err(error) => assert!(matches!(error, svgx_networks::Error::Stopped(_)), "{error}"),
        }
    }
    assert!(bare > 0 && judged > 0, "{bare} {judged}");
}

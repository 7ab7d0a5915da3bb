//! Systems kept between edits.

use crate::unlimited;
use svgx_engine::document::{self, parse};
use svgx_engine::geometry::Scene;
use svgx_networks::read::{System, read};
use svgx_networks::{Answer, Followed, Kept, Limits};

fn system(body: &str) -> System {
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9000 9000" width="900" height="900" arx:units="mm">{body}</svg>"#
    );
    let limits = document::Limits::default();
    let document = parse(&text, &limits).unwrap();
    let scene = Scene::build(&document, &limits, &unlimited()).unwrap();
    read(&document, &scene, &limits, &unlimited()).unwrap().remove(0)
}

const WATER: &str = "<arx:system id='s' type='plumbing' network='water'><arx:components><arx:component ref='a' type='tank' head='20 m'/><arx:component ref='b' type='demand' flow='1 L/s'/></arx:components><arx:connections><arx:connection id='p' from='a' to='b' diameter='50 mm' length='9 m'/><arx:connection id='q' from='a' to='b' diameter='40 mm' length='9 m'/></arx:connections></arx:system>";
const POWER: &str = "<arx:system id='s' type='electrical' network='electrical'><arx:components><arx:component ref='a' type='source' voltage='400 V' fault='9 kA' phases='ABCN'/><arx:component ref='b' type='load' power='9 kW' phases='ABCN'/></arx:components><arx:connections><arx:connection id='c' from='a' to='b' phases='ABCN' size='6 mm^2' length='30 m'/><arx:connection id='d' from='b' to='e' type='switch' phases='ABCN'/></arx:connections></arx:system>";
const HEAT: &str = "<arx:system id='s' type='hvac' network='heat'><arx:components><arx:component ref='a' temperature='20 C'/><arx:component ref='b' heat='10 W'/></arx:components><arx:connections><arx:connection id='w' from='a' to='b' conductance='5 W/K'/></arx:connections></arx:system>";
const FRAME: &str = "<circle id='a' r='9'/><circle id='b' cx='5000' r='9'/><arx:system id='s' type='architecture' network='frame'><arx:components><arx:component ref='a' fixed='xyr'/><arx:component ref='b' load='3 kN'/></arx:components><arx:connections><arx:connection id='m' from='a' to='b' modulus='210 GPa' area='6e-3 m^2' inertia='8e-5 m^4'/></arx:connections></arx:system>";

/// The largest relative difference between values of two answers.
fn apart(a: &Answer, b: &Answer) -> f64 {
    let values = |answer: &Answer| -> Vec<Option<f64>> {
        let rows = answer.nodes.iter().chain(&answer.links);
        rows.flat_map(|r| r.values.iter().map(|v| v.value)).collect()
    };
    let (a, b) = (values(a), values(b));
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    a.iter().zip(&b).fold(0.0, |most, pair| match pair {
        (Some(a), Some(b)) => most.max((a - b).abs() / a.abs().max(1e-3)),
        (None, None) => most,
        _ => f64::INFINITY,
    })
}

#[test]
fn an_edit_is_followed_and_answered_as_a_new_network_is() {
    use Followed::{Anew, Same, Values};
    let cases = [
        (WATER, "1 L/s", "2 L/s", Values),
        (
            WATER,
            "length='9 m'/><arx:connection id='q'",
            "length='12 m'/><arx:connection id='q'",
            Values,
        ),
        (WATER, "diameter='40 mm'", "diameter='40 mm' open='no'", Values),
        (WATER, "diameter='40 mm' length='9 m'", "type='valve' kv='3 m^3/h'", Values),
        (WATER, "from='a' to='b' diameter='40 mm'", "from='b' to='a' diameter='40 mm'", Anew),
        (WATER, "id='q'", "id='q2'", Anew),
        (WATER, "type='tank' head='20 m'", "type='tank' head='21 m'", Values),
        (WATER, "diameter='40 mm'", "diameter='0.04'", Values),
        (POWER, "9 kW", "8 kW", Values),
        (POWER, "30 m", "31 m", Values),
        (POWER, "type='switch' phases='ABCN'", "type='switch' phases='ABCN' open='yes'", Anew),
        (POWER, "9 kA", "8 kA", Values),
        (HEAT, "10 W", "20 W", Values),
        (HEAT, "conductance='5 W/K'", "conductance='6 W/K'", Values),
        (FRAME, "3 kN", "4 kN", Values),
        (FRAME, "8e-5", "9e-5", Values),
        (FRAME, "cx='5000'", "cx='6000'", Anew),
    ];
    for (body, from, to, expected) in cases {
        let edited = body.replacen(from, to, 1);
        assert_ne!(body, edited, "{from}");
        let (limits, budget) = (Limits::default(), unlimited());
        let mut kept = Kept::new(system(body), &limits, &budget).unwrap();
        let first = kept.solve(&budget).unwrap();
        assert!(first.is_whole(), "{first:?}");
        assert_eq!(kept.follow(system(body), &budget).unwrap(), Same, "{from}");
        let followed = kept.follow(system(&edited), &budget).unwrap();
        assert_eq!(followed, expected, "{from}");
        let warm = kept.solve(&budget).unwrap();
        let cold = Answer::of(&system(&edited), &limits, &budget).unwrap();
        assert_eq!(warm.findings, cold.findings);
        assert!(apart(&warm, &cold) < 1e-5, "{from}: {warm:?} {cold:?}");
        let differs = first.findings != warm.findings || apart(&first, &warm) > 1e-5;
        assert!(differs || expected == Anew, "{from}");
        kept.follow(system(body), &budget).unwrap();
        assert!(apart(&kept.solve(&budget).unwrap(), &first) < 1e-5, "{from}");
    }
}

#[test]
fn an_edit_that_cannot_be_is_refused_and_named() {
    let (limits, budget) = (Limits::default(), unlimited());
    for (body, from, to, words) in [
        (WATER, "length='9 m'", "length='-9 m'", "p: its length is -9"),
        (FRAME, "8e-5", "-8e-5", "m: its second moment of area is"),
        (HEAT, "5 W/K", "-5 W/K", "w: its conductance is -5"),
    ] {
        let edited = system(&body.replacen(from, to, 1));
        let mut kept = Kept::new(system(body), &limits, &budget).unwrap();
        kept.solve(&budget).unwrap();
        let refused = kept.follow(edited.clone(), &budget).err();
        let refused = refused.or_else(|| kept.solve(&budget).err()).expect(words);
        let answer = Answer::failed(&edited, refused);
        assert!(!answer.is_whole());
        assert!(answer.findings[0].message.starts_with(words), "{:?}", answer.findings);
    }
}

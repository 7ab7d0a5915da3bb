//! Statics and dynamics of documents.

mod accuracy;
mod bad_input;
mod ends;
mod impacts;
mod passing;
mod scenes;

use std::ops::ControlFlow;
use std::sync::Arc;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::document::{self, Document, Limits};
use svgx_engine::physics::{
    self, Determinacy, Disturbance, Error, Estimate, Frame, Options, Outcome, Plain, Reaction,
    Statics,
};

pub(crate) fn drawing(content: &str) -> Document {
    let source = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 10000 10000">
{content}</svg>"#
    );
    document::parse(&source, &Limits::default()).expect("a document")
}

pub(crate) fn unlimited(tier: Tier) -> Budget {
    Budget::unlimited(Class::Physics, tier)
}

pub(crate) fn at_rest(document: &Document) -> Result<Statics, Error> {
    let (limits, budget) = (Limits::default(), unlimited(Tier::Compute));
    physics::statics(document, &Plain(document), &Options::default(), &limits, &budget)
}

pub(crate) fn run(document: &Document, options: &Options, tier: Tier) -> (Outcome, Vec<Frame>) {
    let mut frames = Vec::new();
    let limits = Limits::default();
    let outcome = physics::simulate(
        document,
        &Plain(document),
        options,
        &limits,
        &unlimited(tier),
        &mut |frame| {
            frames.push(frame);
            ControlFlow::Continue(())
        },
    )
    .expect("an outcome");
    (outcome, frames)
}

pub(crate) fn seconds(duration: f64) -> Options {
    Options { duration, ..Options::default() }
}

/// A fixed floor whose upper edge is at y = 5000.
pub(crate) const FLOOR: &str = r#"<rect id="floor" x="0" y="5000" width="10000" height="500"><arx:physics motion="fixed"/></rect>
"#;

pub(crate) fn block(id: &str, x: f64, y: f64, size: f64, more: &str) -> String {
    format!(
        r#"<rect id="{id}" x="{x}" y="{y}" width="{size}" height="{size}"><arx:physics {more}><mass unit="kg">10</mass></arx:physics></rect>
"#
    )
}

/// A pile: `n` boxes falling into a pen.
pub(crate) fn pile(n: usize) -> Document {
    let mut content = String::from(FLOOR);
    for (id, x) in [("left", 0), ("right", 9800)] {
        content += &format!(
            r#"<rect id="{id}" x="{x}" y="0" width="200" height="5000"><arx:physics motion="fixed"/></rect>"#
        );
    }
    for i in 0..n {
        let (column, row) = (i % 20, i / 20);
        let x = 400.0 + 450.0 * column as f64 + 13.0 * (row % 7) as f64;
        content += &block(&format!("b{i}"), x, 4500.0 - 330.0 * row as f64, 300.0, "");
    }
    drawing(&content)
}

// ===== at rest =====

#[test]
fn the_weights_of_the_room_hang_on_their_anchors() {
    let document = drawing(
        r#"<rect id="epnl1" x="50" y="50" width="100" height="150"><arx:physics><mass unit="kg">45</mass><anchor>wall</anchor></arx:physics></rect>
<rect id="lf01" x="400" y="100" width="60" height="40"><arx:physics><arx:mass value="2.5" unit="kg"/><arx:anchor point="ceiling"/>
  <arx:forces><arx:force name="gravity" direction="down"/></arx:forces></arx:physics></rect>
<rect id="door1" x="350" y="580" width="100" height="20"><arx:physics><mass unit="kg">25</mass><anchor>floor</anchor></arx:physics></rect>"#,
    );
    let statics = at_rest(&document).expect("statics");
    for (i, (id, weight, anchor)) in
        [("epnl1", 441.45, "wall"), ("lf01", 24.525, "ceiling"), ("door1", 245.25, "floor")]
            .into_iter()
            .enumerate()
    {
        let element = &statics.simulation[i];
        assert_eq!(element.element_id, id);
        assert_eq!(element.physics.weight.value, weight);
        assert_eq!(element.physics.total_force.y, weight);
        assert_eq!(element.physics.anchor.as_deref(), Some(anchor));
        let reaction = reaction(&statics, id, 0);
        assert!(reaction.x == Some(0.0) && reaction.moment == Some(0.0), "{reaction:?}");
        assert_eq!(reaction.y, Some(-weight));
        assert_eq!(statics.assemblies[i].standing, Determinacy::Determinate);
    }
    assert_eq!(statics.conventions.gravity, [0.0, 9.81]);
}

fn reaction<'s>(statics: &'s Statics, id: &str, nth: usize) -> &'s Reaction {
    statics.reactions.iter().filter(|r| r.element_id == id).nth(nth).expect("a reaction")
}

/// A beam 4 m long and 40 kg, with what holds it and acts on it.
fn beam(anchors: &str, forces: &str) -> Document {
    drawing(&format!(
        r#"<rect id="beam" x="1000" y="2000" width="4000" height="200"><arx:physics><mass unit="kg">40</mass>{anchors}
<forces>{forces}</forces></arx:physics></rect>"#
    ))
}

#[test]
fn reactions_of_a_beam_follow_from_equilibrium() {
    let w = 40.0 * 9.81;
    let left = r#"<anchor type="hinge" at="1000,2100"/>"#;
    let right = r#"<anchor type="roller" at="5000,2100"/>"#;
    let load = r#"<force name="load" direction="down" magnitude="1" unit="kN" at="2000,2000"/>"#;
    let pull = r#"<force name="pull" direction="right" magnitude="300" unit="N" at="right"/>"#;
    // (anchors, forces, [x, y, moment] at each anchor)
    type Case<'c> = (&'c str, &'c str, Vec<[f64; 3]>);
    let both = format!("{left}{right}");
    let cases: Vec<Case<'_>> = vec![
        // Simply supported: half the weight each.
        (&both, "", vec![[0.0, -w / 2.0, 0.0], [0.0, -w / 2.0, 0.0]]),
        // A load at a quarter: three quarters of it go to the near end.
        (&both, load, vec![[0.0, -w / 2.0 - 750.0, 0.0], [0.0, -w / 2.0 - 250.0, 0.0]]),
        // Only the hinge takes what pulls along.
        (&both, pull, vec![[-300.0, -w / 2.0, 0.0], [0.0, -w / 2.0, 0.0]]),
        // A cantilever: M = W l / 2 + P a, turning against the load.
        (
            r#"<anchor type="fixed" at="1000,2100"/>"#,
            load,
            vec![[0.0, -w - 1000.0, -(w * 2.0 + 1000.0)]],
        ),
        // Two ropes at 45 degrees share the weight; the tension is W / (2 sin 45).
        (
            r#"<anchor type="rope" at="1000,2100" to="0,1100"/><anchor type="rope" at="5000,2100" to="6000,1100"/>"#,
            "",
            vec![[-w / 2.0, -w / 2.0, 0.0], [w / 2.0, -w / 2.0, 0.0]],
        ),
    ];
    for (anchors, forces, expected) in cases {
        let statics = at_rest(&beam(anchors, forces)).expect("statics");
        for (i, [x, y, moment]) in expected.into_iter().enumerate() {
            let r = reaction(&statics, "beam", i);
            for (name, found, want) in [("x", r.x, x), ("y", r.y, y), ("moment", r.moment, moment)]
            {
                let found = found.unwrap_or_else(|| panic!("{name} is open: {r:?}"));
                assert!((found - want).abs() < 1e-6, "{anchors} {forces}: {name} {found}, {want}");
            }
        }
        assert!(statics.assemblies[0].residual < 1e-6);
    }
}

#[test]
fn what_equilibrium_does_not_determine_is_left_open() {
    let w = 40.0 * 9.81;
    let two_hinges =
        r#"<anchor type="hinge" at="1000,2100"/><anchor type="hinge" at="5000,2100"/>"#;
    let statics = at_rest(&beam(two_hinges, "")).expect("statics");
    assert_eq!(statics.assemblies[0].standing, Determinacy::Indeterminate);
    assert_eq!(statics.assemblies[0].redundancies, 1);
    assert!(statics.assemblies[0].message.contains("open: hinge of beam"), "{statics:?}");
    for i in 0..2 {
        let r = reaction(&statics, "beam", i);
        // How much the hinges pull against each other is open; what they carry is not.
        assert_eq!(r.x, None);
        assert!((r.y.expect("determined") + w / 2.0).abs() < 1e-9);
    }
    let three = r#"<anchor type="hinge" at="1000,2100"/><anchor type="roller" at="3000,2100"/><anchor type="roller" at="5000,2100"/>"#;
    let statics = at_rest(&beam(three, "")).expect("statics");
    assert!(statics.reactions.iter().all(|r| r.y.is_none()), "{:?}", statics.reactions);
}

#[test]
fn mechanisms_and_slack_ropes_are_told_apart_from_what_stands() {
    let cases = [
        // Hangs straight below its hinge: it could swing, but does not.
        (r#"<anchor type="hinge" at="3000,1000"/>"#, Determinacy::Mechanism, 1),
        // Hinged at its end: it falls.
        (r#"<anchor type="hinge" at="1000,2100"/>"#, Determinacy::Moving, 1),
        // Tied to the floor by a rope: the rope would have to push.
        (r#"<anchor type="rope" at="bottom" to="3000,4000"/>"#, Determinacy::Slack, 2),
    ];
    for (anchors, standing, freedoms) in cases {
        let statics = at_rest(&beam(anchors, "")).expect("statics");
        let assembly = &statics.assemblies[0];
        assert_eq!((assembly.standing, assembly.freedoms), (standing, freedoms), "{assembly:?}");
        assert!(assembly.message.contains("beam"), "{assembly:?}");
        let open = statics.reactions.iter().all(|r| r.y.is_none());
        assert_eq!(open, standing != Determinacy::Mechanism);
    }
}

#[test]
fn connections_of_a_system_carry_from_one_body_to_the_next() {
    // A cantilever with a second beam hinged to its end and propped at the far end.
    let document = drawing(
        r#"<rect id="a" x="0" y="0" width="2000" height="100"><arx:physics><mass unit="kg">20</mass><anchor type="fixed" at="0,50"/></arx:physics></rect>
<rect id="b" x="2000" y="0" width="2000" height="100"><arx:physics><mass unit="kg">20</mass><anchor type="roller" at="4000,50"/></arx:physics></rect>
<arx:system id="s" type="architecture"><arx:connections><arx:connection from="a" to="b" type="hinge" at="2000,50"/>
<arx:connection from="a" to="b" type="power"/></arx:connections></arx:system>"#,
    );
    let statics = at_rest(&document).expect("statics");
    let w = 20.0 * 9.81;
    let assembly = &statics.assemblies[0];
    assert_eq!((assembly.standing, assembly.elements.len()), (Determinacy::Determinate, 2));
    let hinge = statics.reactions.iter().find(|r| r.other.is_some()).expect("the hinge");
    assert_eq!((hinge.element_id.as_str(), hinge.other.as_deref()), ("b", Some("a")));
    assert!((hinge.y.expect("determined") + w / 2.0).abs() < 1e-6);
    // At the wall: the whole of a and half of b, with moments w * 1 + w / 2 * 2.
    let wall = reaction(&statics, "a", 0);
    assert!((wall.y.expect("determined") + 1.5 * w).abs() < 1e-6);
    assert!((wall.moment.expect("determined") + 2.0 * w).abs() < 1e-6);
}

// ===== in motion =====

#[test]
fn a_document_says_how_its_bodies_move() {
    let content = r#"<circle id="ball" cx="1000" cy="1000" r="100"><arx:physics velocity="2,-1"><mass unit="g">500</mass></arx:physics></circle>
<rect id="pushed" x="5000" y="1000" width="100" height="100"><arx:physics><mass unit="kg">2</mass>
<forces><force name="lift" direction="up" magnitude="19.62" unit="N"/><force name="push" direction="right" magnitude="4" unit="N" profile="impulse" start="0" duration="0.5 s"/></forces></arx:physics></rect>
<path id="still" d="M 0 0 h 300 v 300 z"><arx:physics><mass>5</mass><anchor>wall</anchor></arx:physics></path>"#;
    let (outcome, frames) = run(&drawing(content), &seconds(1.0), Tier::Compute);
    assert_eq!((outcome.statistics.total_frames, frames.len()), (60, 60));
    assert!(!outcome.partial && outcome.ended.is_none());
    let place = |id: &str| {
        outcome.elements.iter().find(|e| &*e.id == id).map(|e| e.position).expect("the body")
    };
    let ball = place("ball");
    assert!((ball[0] - 3000.0).abs() < 1e-6 && (ball[1] - 4905.0).abs() < 1e-6, "{ball:?}");
    // 2 m/s² for half a second, then 1 m/s: 0.25 + 0.5 m.
    let pushed = place("pushed");
    assert!(
        (pushed[0] - 5050.0 - 750.0).abs() < 1.0 && (pushed[1] - 1050.0).abs() < 1e-6,
        "{pushed:?}"
    );
    let still = place("still");
    assert!((still[0] - 200.0).abs() < 1e-9 && (still[1] - 100.0).abs() < 1e-9, "{still:?}");
    assert!(frames.iter().all(|f| f.elements.len() == 2), "anchored bodies do not move");
}

#[test]
fn the_same_document_gives_the_same_bytes_on_any_thread() {
    let document = Arc::new(pile(100));
    for tier in Tier::ALL {
        let text = move |document: &Document| {
            let (outcome, frames) = run(document, &seconds(0.5), tier);
            serde_json::to_string(&(outcome, frames)).expect("JSON")
        };
        let first = text(&document);
        let others: Vec<_> = (0..4)
            .map(|_| {
                let document = Arc::clone(&document);
                std::thread::spawn(move || text(&document))
            })
            .collect();
        for other in others {
            assert!(other.join().expect("a thread") == first, "{tier}: another answer");
        }
    }
}

#[test]
fn tiers_pay_for_precision_with_work() {
    let document = pile(100);
    let mut last = None;
    for tier in Tier::ALL {
        let (outcome, _) = run(&document, &seconds(1.0), tier);
        let work = outcome.statistics.body_steps * outcome.statistics.iterations as u64;
        if let Some(cheaper) = last {
            assert!(work >= 2 * cheaper, "{tier}: {work} after {cheaper}");
        }
        assert_eq!(outcome.tier, tier);
        assert!(outcome.statistics.iterations >= 4);
        last = Some(work);
    }
}

#[test]
fn what_rests_at_the_start_sleeps_until_it_is_touched() {
    let mut content = String::from(FLOOR);
    for i in 0..50 {
        content += &block(&format!("b{i}"), 100.0 + 150.0 * f64::from(i), 4900.0, 100.0, "");
    }
    let document = drawing(&content);
    let (still, _) = run(&document, &seconds(0.5), Tier::Ui);
    assert_eq!((still.statistics.awake, still.statistics.body_steps), (0, 0));
    for element in still.elements.iter().filter(|e| &*e.id != "floor") {
        assert!((element.position[1] - 4950.0).abs() < 1e-9, "{element:?}");
    }

    let disturb = vec![Disturbance { element: "b10".into(), velocity: [0.0, -1.0], spin: 0.0 }];
    let options = Options { disturb, changes_only: true, ..seconds(0.5) };
    let (one, frames) = run(&document, &options, Tier::Ui);
    assert_eq!(one.statistics.body_steps, one.statistics.steps, "one body is awake");
    assert!(frames.iter().all(|f| f.elements.iter().all(|e| &*e.id == "b10")));

    // Pushed into its neighbour, it wakes it.
    let disturb = vec![Disturbance { element: "b10".into(), velocity: [3.0, 0.0], spin: 0.0 }];
    let (push, _) = run(&document, &Options { disturb, ..seconds(0.5) }, Tier::Ui);
    assert!(
        push.statistics.body_steps > push.statistics.steps && push.statistics.collision_count > 0
    );
}

#[test]
fn a_turned_group_carries_its_bodies_along() {
    // The same block on the same 30 degree slope, drawn upright and turned by its group.
    let content = r#"<g transform="translate(1000 1000) rotate(30)">
<rect id="slope" x="-1000" y="0" width="8000" height="500"><arx:physics motion="fixed" friction="0.2"/></rect>
<rect id="block" x="0" y="-200" width="400" height="200"><arx:physics friction="0.2"><mass>3</mass></arx:physics></rect></g>"#;
    let (outcome, _) = run(&drawing(content), &seconds(1.0), Tier::Compute);
    let block = outcome.elements.iter().find(|e| &*e.id == "block").expect("the block");
    let (sin, cos) = (0.5, 0.75_f64.sqrt());
    let along = 200.0 + 500.0 * 9.81 * (sin - 0.2 * cos);
    let (x, y) = (1000.0 + along * cos + 100.0 * sin, 1000.0 + along * sin - 100.0 * cos);
    let off = (block.position[0] - x).hypot(block.position[1] - y);
    assert!(off < 1.0, "{off} mm: {block:?}");
}

#[test]
fn a_body_that_overhangs_is_not_taken_to_be_at_rest() {
    let document = drawing(
        r#"<rect id="ledge" x="0" y="5000" width="1000" height="100"><arx:physics motion="fixed"/></rect>
<rect id="plank" x="400" y="4900" width="1400" height="100"><arx:physics><mass>3</mass></arx:physics></rect>"#,
    );
    let (outcome, _) = run(&document, &seconds(1.0), Tier::Edit);
    let plank = outcome.elements.iter().find(|e| &*e.id == "plank").expect("the plank");
    assert!(plank.rotation > 1.0 && plank.position[1] > 4960.0, "{plank:?}");
}

#[test]
fn contacts_come_with_their_forces_and_events_with_their_times() {
    let content = format!("{FLOOR}{}", block("box", 1000.0, 4000.0, 100.0, ""));
    let (outcome, _) = run(&drawing(&content), &seconds(3.0), Tier::Edit);
    let fall = (2.0_f64 * 0.9 / 9.81).sqrt();
    let first = outcome.events.first().expect("it lands");
    assert_eq!((first.kind, &*first.a, &*first.b), ("began", "floor", "box"));
    assert!((first.time - fall).abs() < 0.02, "{} against {fall}", first.time);
    let contact = outcome.contacts.first().expect("it stands");
    assert!((contact.force.magnitude - 98.1).abs() < 0.5, "{contact:?}");
}

#[test]
fn energy_is_kept_where_nothing_takes_it() {
    let content = r#"<circle id="bob" cx="2000" cy="1000" r="50"><arx:physics><mass>1</mass><anchor type="hinge" at="1000,1000"/></arx:physics></circle>"#;
    let (_, frames) = run(&drawing(content), &seconds(2.0), Tier::Compute);
    let (first, swing) = (frames[0].energy.total, 9.81);
    for frame in &frames {
        assert!((frame.energy.total - first).abs() < 0.005 * swing, "{:?}", frame.energy);
    }
}

#[test]
fn the_error_that_comes_with_an_answer_is_not_less_than_a_third_of_what_a_twin_finds() {
    let slope = r#"<rect id="slope" x="0" y="0" width="9000" height="500" transform="translate(500 1000) rotate(20)"><arx:physics motion="fixed" friction="0.1"/></rect>"#;
    let sliding = format!(
        r#"{FLOOR}{slope}<g transform="translate(500 1000) rotate(20)"><rect id="b" x="100" y="-200" width="200" height="200"><arx:physics friction="0.1" restitution="0.3"><mass>3</mass></arx:physics></rect></g>"#
    );
    let rope = r#"<circle id="bob" cx="3000" cy="900" r="80"><arx:physics><mass>2</mass><anchor type="rope" at="3000,900" to="1000,1000" length="2400"/></arx:physics></circle>"#;
    let mut short = Vec::new();
    for (name, document) in [
        ("pile", pile(60)),
        ("a few boxes", pile(3)),
        ("slope", drawing(&sliding)),
        ("rope", drawing(rope)),
    ] {
        for tier in Tier::ALL {
            let said = |error_estimate| {
                let options = Options { error_estimate, ..seconds(1.0) };
                run(&document, &options, tier).0.error.millimetres.expect("measured")
            };
            let (own, twin) = (said(Estimate::Propagated), said(Estimate::Doubling));
            if 3.0 * own + tier.millimetres() < twin {
                short.push(format!("{name}, {tier}: {own} mm, the twin finds {twin}"));
            }
            println!("{name}, {tier}: {own} mm, the twin finds {twin}");
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

/// The digests that every process and machine has to reach. They change when
/// the engine or a tier's settings change, and never otherwise.
const DIGESTS: [(Tier, &str); 3] = [
    (Tier::Ui, "9c9b41556c7b74f2e192c5bbf078396c4d0e684204e1e171d8b04f718cbb0a18"),
    (Tier::Edit, "83911474c2086688abc02f2cb1b6ba1c2952a59425b12d041735364013ecc3a3"),
    (Tier::Compute, "3b0141ea9129e4c2a01b4c6e4132179b3f4170dc22cde1c2da7a8ae3cb1a721e"),
];

#[test]
fn every_process_and_machine_reaches_the_same_state() {
    let document = pile(60);
    let digests = DIGESTS.map(|(tier, _)| (tier, run(&document, &seconds(1.0), tier).0.digest));
    assert_eq!(digests, DIGESTS.map(|(tier, digest)| (tier, digest.to_owned())));
}

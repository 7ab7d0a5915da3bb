//! The controller in virtual time: the scenarios that are cheap enough for an
//! unoptimized build. `svgx slo simulate --all --seeds 3` plays all of them.

use std::io::Cursor;

use svgx_base::budget::{Class, Time};
use svgx_controller::core::{
    Controller, Cost, Event, Header, Lane, Next, Outcome, Sensors, replay,
};
use svgx_controller::simulator::{
    Answer, Bench, Incoming, NAMES, OURS, Pick, Policy, Results, Scenario, Svgx, arrivals,
    markdown, request, scenarios, trace, unknown,
};
use svgx_controller::spec::Spec;

fn spec() -> Spec {
    Spec::embedded().expect("valid")
}

fn scenario(name: &str) -> Scenario {
    let all = scenarios().expect("valid");
    all.into_iter().find(|scenario| scenario.name == name).expect("compiled in")
}

#[test]
fn cheap_scenarios_stay_inside_their_expected_ranges() {
    let bench = Bench::new(spec());
    let mut failures = Vec::new();
    let names = [
        "base",
        "half-the-cores",
        "steal",
        "elephants",
        "lock",
        "blind",
        "clock-back",
        "lone-large",
        "fresh",
        "slow-machine",
        "noisy-neighbour",
        "crowd",
    ];
    for name in names {
        let scenario = scenario(name);
        let judged = bench.judge(&scenario, OURS, 1).expect("ours");
        assert!(unknown(&scenario, &judged.metrics).is_empty(), "{name}");
        let controllers = vec![(OURS.to_owned(), vec![judged.metrics])];
        failures.extend(Results { scenario, controllers }.failures());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// One scenario, ours, all seeds: the line the command would write.
#[test]
fn the_published_table_is_what_the_simulator_prints() {
    let document = include_str!("../../../docs/controller.md");
    let scenario = scenario("half-the-cores");
    let bench = Bench::new(spec());
    let seeds = 1..=20;
    let judged = seeds.filter_map(|seed| bench.judge(&scenario, OURS, seed));
    let metrics = judged.map(|judged| judged.metrics).collect();
    let results = Results { scenario, controllers: vec![(OURS.to_owned(), metrics)] };
    let printed = markdown(&[results], 20);
    let line =
        printed.lines().rfind(|line| line.starts_with("| half-the-cores |")).expect("a line");
    assert!(document.contains(line), "docs/controller.md has another line than\n{line}");
}

#[test]
fn every_scenario_is_readable_and_expects_only_metrics_that_exist() {
    let known = Bench::new(spec()).judge(&short(), OURS, 1).expect("ours").metrics;
    for scenario in scenarios().expect("valid") {
        assert!(unknown(&scenario, &known).is_empty(), "{}", scenario.name);
        assert!(!scenario.expect.is_empty(), "{} expects nothing", scenario.name);
    }
}

/// Two seconds at three times the load.
fn short() -> Scenario {
    let mut scenario = scenario("step-2x");
    scenario.seconds = 2.0;
    scenario.judge = [0.5, 1.5];
    for stream in &mut scenario.streams {
        stream.rate *= 1.5;
    }
    scenario
}

#[test]
fn a_seed_decides_everything_and_every_rival_plays() {
    let bench = Bench::new(spec());
    for name in std::iter::once(OURS).chain(NAMES) {
        let hash = |seed| bench.judge(&short(), name, seed).expect("known").run.hash;
        assert_eq!(hash(1), hash(1), "{name}");
        assert_ne!(hash(1), hash(2), "{name}");
    }
    assert!(bench.judge(&short(), "nobody", 1).is_none());
}

/// Plays requests one after the other on a single worker and writes the log the service writes.
fn log_of(spec: &Spec) -> String {
    let scenario = short();
    let mut controller = Controller::new(spec, 2.0, 1);
    let mut lines = vec![serde_json::to_string(&Header::new(spec, 2.0, 1)).expect("serialisable")];
    let mut write = |event: &Event<'_>| {
        lines.push(serde_json::to_string(event).expect("serialisable"));
    };
    for (ticket, arrival) in (0..).zip(&arrivals(&scenario, 1)) {
        let at = Time(1_000_000_000 + arrival.at);
        if ticket % 3 == 0 {
            let sensors = Some(Sensors { cores: 2.0 });
            controller.tick(at, sensors);
            write(&Event::Tick { at, sensors });
        }
        let operation = &scenario.streams[usize::from(arrival.stream)].operation;
        let incoming = Incoming { ticket, arrival, operation, attempt: 0 };
        let request = request(&incoming);
        let decision = controller.on_arrival(at, &request);
        write(&Event::Arrive { at, request, decision });
        let Some(job) = decision.job else { continue };
        controller.on_ready(at, job);
        write(&Event::Ready { at, job });
        let lane = Lane::of(arrival.class);
        if let Next::Run(run) = controller.next(at, lane) {
            write(&Event::Next { at, lane, job: Some(run.job) });
            let cost = Cost { cpu: arrival.cost as u64, ran: arrival.cost as u64 };
            controller.on_finish(at, run.job, cost, Outcome::Done);
            write(&Event::Finish { at, job: run.job, cost, ended: Outcome::Done });
        }
    }
    lines.join("\n")
}

#[test]
fn a_log_replays_to_the_bit_and_answers_what_if() {
    let spec = spec();
    let log = log_of(&spec);
    let same = replay(Cursor::new(&log), &spec).expect("readable");
    assert_eq!((same.different, same.same_spec), (0, true));
    assert_eq!(same.hash, replay(Cursor::new(&log), &spec).expect("readable").hash);
    let (scenario, requests) = trace(Cursor::new(&log)).expect("readable");
    assert_eq!(requests.len() as u64, same.decisions);
    let served = |cores: f64| {
        let scenario = Scenario { cores, ..scenario.clone() };
        Bench::new(spec.clone()).replay(&scenario, requests.clone()).metrics["physics_served"]
    };
    assert!(served(8.0) > served(1.0), "{} {}", served(8.0), served(1.0));
}

/// While a processor is free no class goes half a second without being let in,
/// whatever the priors said.
#[test]
fn no_class_is_silent_while_a_processor_is_free() {
    for factor in [0.2, 1.0, 5.0, 50.0] {
        let mut spec = spec();
        for operation in spec.objectives.iter_mut().flat_map(|o| &mut o.operations) {
            operation.cost = operation.cost.mul_f64(factor);
        }
        let mut controller = Svgx::new(&spec, 2.0, 1);
        let scenario = scenario("base");
        let stream = |class| scenario.streams.iter().find(|s| s.class == class).expect("mixed");
        for class in [Class::Ui, Class::Redraw, Class::Physics] {
            let operation = stream(class).operation.clone();
            let size = stream(class).size as u64;
            let sample = arrivals(&scenario, 1).into_iter().find(|a| a.class == class);
            let arrival = svgx_controller::simulator::Arrival { size, ..sample.expect("mixed") };
            let (mut silent, mut longest) = (0u64, 0u64);
            for step in 0..300u64 {
                // Every 10 ms one request, done at once: both processors are free.
                let now = 1_000_000_000 + (class as u64 * 300 + step) * 10_000_000;
                controller.tick(now, Some(2.0));
                let ticket = u32::try_from(step).expect("small");
                let incoming =
                    Incoming { ticket, arrival: &arrival, operation: &operation, attempt: 0 };
                silent += 10;
                if matches!(controller.arrive(now, &incoming), Answer::Queued { .. }) {
                    silent = 0;
                    if let Pick::Run { ticket, .. } = controller.pick(now, Lane::of(class)) {
                        let took = svgx_controller::simulator::Usage {
                            cpu: 500_000,
                            ran: 500_000,
                            total: 500_000,
                        };
                        let end = svgx_controller::simulator::End::Done;
                        controller.finish(now + 500_000, ticket, class, took, end);
                    }
                }
                longest = longest.max(silent);
            }
            assert!(longest <= 500, "{class} silent for {longest} ms at priors x {factor}");
        }
    }
}

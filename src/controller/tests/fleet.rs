//! Replicas that share their sessions and workers that share a queue, in virtual time.

use svgx_controller::simulator::{
    Bench, Fleet, Judged, OURS, Results, Route, Scenario, fleets, unknown,
};
use svgx_controller::spec::Spec;

fn scenario(name: &str) -> Scenario {
    let all = fleets().expect("valid");
    all.into_iter().find(|scenario| scenario.name == name).expect("compiled in")
}

fn fleet(scenario: &mut Scenario) -> &mut Fleet {
    scenario.fleet.as_mut().expect("a fleet")
}

fn judge(scenario: &Scenario) -> Judged {
    let bench = Bench::new(Spec::embedded().expect("valid"));
    bench.judge(scenario, OURS, 1).expect("ours")
}

#[test]
fn every_scenario_of_a_fleet_stays_inside_its_expected_ranges() {
    let mut failures = Vec::new();
    for scenario in fleets().expect("valid") {
        let judged = judge(&scenario);
        assert!(unknown(&scenario, &judged.metrics).is_empty(), "{}", scenario.name);
        assert!(!scenario.expect.is_empty(), "{} expects nothing", scenario.name);
        let controllers = vec![(OURS.to_owned(), vec![judged.metrics.clone()])];
        let missed = Results { scenario, controllers }.failures();
        if !missed.is_empty() {
            failures.push(format!("{}\n{:?}", missed.join("\n"), judged.metrics));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_seed_decides_everything_that_a_fleet_does() {
    let bench = Bench::new(Spec::embedded().expect("valid"));
    let mut scenario = scenario("replicas-killed");
    (scenario.seconds, scenario.judge) = (4.0, [0.5, 4.0]);
    let seen = |seed| {
        let judged = bench.judge(&scenario, OURS, seed).expect("ours");
        (judged.run.hash, format!("{:?}", judged.fleet))
    };
    assert_eq!(seen(1), seen(1));
    assert_ne!(seen(1).0, seen(2).0);
}

/// Edits a second inside their budget, at far more load than one replica has processors for.
fn served(replicas: u32, route: Route) -> f64 {
    let mut scenario = scenario("replicas-hashed");
    (scenario.replicas, scenario.seconds, scenario.judge) = (replicas, 4.0, [1.0, 4.0]);
    // The two take the same number from clients: one session for each of many names.
    scenario.tenants = 8;
    fleet(&mut scenario).route = route;
    for stream in &mut scenario.streams {
        stream.rate *= 6.0;
    }
    let judged = judge(&scenario);
    judged.metrics["edits_per_s"]
}

#[test]
fn two_replicas_serve_twice_as_much_and_without_affinity_what_passing_on_leaves() {
    let one = served(1, Route::Hashed);
    let hashed = served(2, Route::Hashed) / one;
    let passed = served(2, Route::RoundRobin) / one;
    assert!((1.8..=2.1).contains(&hashed), "{hashed} of {one}");
    // 0.42 ms, and for half of them 0.36 more: 2 * 0.42 / 0.60 = 1.4.
    assert!((1.25..=1.6).contains(&passed), "{passed} of {one}");
}

#[test]
fn more_replicas_than_the_store_can_take_serve_no_more() {
    let mut scenario = scenario("replicas-hashed");
    (scenario.seconds, scenario.judge) = (6.0, [2.0, 6.0]);
    // A slow one, so that few are too many.
    let costs = &mut fleet(&mut scenario).costs;
    (costs.append, costs.together) = (0.5, 128);
    let mut by = |replicas: u32| {
        scenario.replicas = replicas;
        judge(&scenario).metrics["written_per_s"]
    };
    let (few, full, twice) = (by(2), by(5), by(10));
    assert!((1_150.0..=1_250.0).contains(&few), "{few}");
    // Half a millisecond for each, and next to nothing for the disk: it takes all that is there.
    assert!((1_800.0..=2_050.0).contains(&full), "{full}");
    assert!((0.9..=1.1).contains(&(twice / full)), "{twice} {full}");
}

#[test]
fn no_work_of_a_queue_is_lost_or_done_for_nothing() {
    let judged = judge(&scenario("jobs-poison"));
    let (metrics, fleet) = (&judged.metrics, judged.fleet.as_ref().expect("a fleet"));
    assert!(fleet.jobs.iter().all(|job| job.done.is_some() != job.is_dead()), "{metrics:?}");
    // What the workers did is what there was to do, and what three deaths have undone.
    let (worked, right) = (metrics["worked_s"], metrics["jobs_work_s"] + metrics["redone_s"]);
    assert!((worked - right).abs() < 1e-3 * right, "{worked} {right}");
    let poison: Vec<_> = fleet.jobs.iter().filter(|job| job.poison).collect();
    assert!(poison.iter().all(|job| job.deaths == 3 && job.attempt == 3), "{poison:?}");
    assert!(fleet.jobs.iter().filter(|job| !job.poison).all(|job| job.deaths == 0));
}

#[test]
fn a_job_that_kills_its_workers_holds_the_others_back_by_little() {
    let mut well = scenario("jobs-poison");
    let ill = judge(&well).metrics["job_p95_s"];
    fleet(&mut well).jobs.retain(|batch| !batch.poison);
    let well = judge(&well).metrics["job_p95_s"];
    // One of three workers is away for two of seven seconds, until it is started again.
    assert!(ill < 1.3 * well, "{ill} {well}");
}

#[test]
fn workers_are_never_idle_while_jobs_wait() {
    let scenario = scenario("jobs-tenants");
    let judged = judge(&scenario);
    let busy = judged.metrics["worked_s"] / (4.0 * scenario.seconds);
    assert!(judged.fleet.is_some_and(|fleet| fleet.jobs.iter().any(|job| job.done.is_none())));
    assert!(busy > 0.9, "{busy}");
}

#[test]
fn what_waits_beyond_a_quarter_of_an_hour_is_refused() {
    let mut scenario = scenario("jobs-tenants");
    (scenario.seconds, scenario.judge) = (1.0, [0.0, 1.0]);
    fleet(&mut scenario).costs.backlog = 60.0;
    let judged = judge(&scenario);
    let (jobs, refused) = (judged.metrics["jobs"], judged.metrics["jobs_refused"]);
    // Sixty seconds for each of four, and the first fifty of whoever came then.
    assert_eq!(jobs + refused, 11_040.0);
    assert!((4_600.0..=4_900.0).contains(&jobs), "{jobs}");
}

#[test]
fn numbers_of_a_fleet_that_mean_nothing_are_refused_with_their_place() {
    let text = |fleet: &str| format!("about: x\nfleet: {fleet}\n");
    for (wrong, words) in [
        ("{ editors: -1 }", "editors"),
        ("{ route: nowhere }", "line 2"),
        ("{ workers: 5000 }", "5000 workers"),
        ("{ deaths: [{ at: 3, node: 7, how: killed }] }", "death of 7"),
        ("{ deaths: [{ at: 99, node: 0, how: { paused: 1 } }] }", "at 99 s"),
        ("{ jobs: [{ tenant: 1, count: 1, cost: 0 }] }", "0 ms"),
        ("{ costs: { lease: 0 } }", "cost"),
        ("{ costs: { flush: .nan } }", "cost"),
    ] {
        let error = Scenario::parse("x", &text(wrong), &[]).expect_err(wrong).to_string();
        assert!(error.contains(words), "{wrong}: {error}");
    }
}

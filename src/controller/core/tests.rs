use proptest::prelude::*;

use super::*;
use crate::Reason;
use crate::spec::Spec;
use svgx_base::budget::{Class, Tier, Time};

const MS: u64 = 1_000_000;

fn controller() -> Controller {
    Controller::new(&Spec::embedded().expect("valid"), 2.0, 1)
}

fn sensors() -> Option<Sensors> {
    Some(Sensors { cores: 2.0 })
}

/// Runs everything a lane has, each job taking `cpu`.
fn drain(controller: &mut Controller, now: &mut u64, lane: Lane, cpu: u64) -> (u64, u64) {
    let (mut done, mut dropped) = (0, 0);
    loop {
        match controller.next(Time(*now), lane) {
            Next::Idle => return (done, dropped),
            Next::Drop(..) => dropped += 1,
            Next::Run(assignment) => {
                *now += cpu;
                let cost = Cost { cpu, ran: cpu };
                controller.on_finish(Time(*now), assignment.job, cost, Outcome::Done);
                done += 1;
            }
        }
    }
}

fn warm(controller: &mut Controller, now: &mut u64, class: Class, operation: &str, cpu: u64) {
    for _ in 0..30 {
        *now += 50 * MS;
        controller.tick(Time(*now), sensors());
        let request = Request { size: 1000, ..Request::new(class, operation) };
        let decision = controller.on_arrival(Time(*now), &request);
        controller.on_ready(Time(*now), decision.job.expect("an idle machine admits"));
        drain(controller, now, decision.lane(), cpu);
    }
}

#[test]
fn work_that_cannot_be_in_time_is_refused_before_it_is_queued() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Ui, "session.operate", 2 * MS);
    let decisions: Vec<Decision> = (0..40)
        .map(|_| {
            let request = Request { size: 1000, ..Request::new(Class::Ui, "session.operate") };
            controller.on_arrival(Time(now), &request)
        })
        .collect();
    let admitted = decisions.iter().filter(|d| d.job.is_some()).count();
    // 16 ms on two processors hold 16 pieces of 2 ms, less the spread of the estimate.
    assert!((8..=17).contains(&admitted), "{admitted}");
    let refused = decisions.last().expect("forty");
    assert_eq!(refused.reason, Reason::PredictedLate);
    assert!(refused.finish > refused.limit && refused.retry_after_ms >= 75, "{refused:?}");
}

#[test]
fn time_outside_of_the_pool_is_part_of_the_budget() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Ui, "session.operate", 2 * MS);
    let asked = |beyond| Request {
        size: 1000,
        waited_before_arrival: beyond,
        ..Request::new(Class::Ui, "session.operate")
    };
    let late = controller.on_arrival(Time(now), &asked(15 * MS));
    assert_eq!((late.reason, late.waited_before_arrival), (Reason::PredictedLate, 15 * MS));
    let early = controller.on_arrival(Time(now), &asked(5 * MS));
    assert_eq!(early.reason, Reason::Feasible);
    // What is left of its sixteen milliseconds, and what it took when it is done.
    assert_eq!(early.deadline, Time(now + 11 * MS));
    let job = early.job.expect("admitted");
    controller.on_ready(Time(now), job);
    assert!(matches!(controller.next(Time(now), Lane::Urgent), Next::Run(_)));
    now += 12 * MS;
    let cost = Cost { cpu: 2 * MS, ran: 12 * MS };
    let ended = controller.on_finish(Time(now), job, cost, Outcome::Done);
    assert_eq!(ended, Some(Reason::Late), "five before and twelve after are seventeen");
}

#[test]
fn physics_is_predicted_by_the_pace_it_had_and_its_stop_leaves_time_for_the_answer() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Physics, "solve", 10 * MS);
    let request = Request { size: 1000, strict: true, ..Request::new(Class::Physics, "solve") };
    let quick = controller.on_arrival(Time(now), &request).finish;
    for _ in 0..20 {
        let job = controller.on_arrival(Time(now), &request).job.expect("an idle machine admits");
        controller.on_ready(Time(now), job);
        let Next::Run(run) = controller.next(Time(now), Lane::Physics) else { panic!("idle") };
        assert_eq!((run.stop, run.deadline), (Time(now + 90 * MS), Time(now + 100 * MS)));
        // A fifth of a processor, because something more urgent had it.
        now += 50 * MS;
        let cost = Cost { cpu: 10 * MS, ran: 10 * MS };
        controller.on_finish(Time(now), job, cost, Outcome::Done);
    }
    let slow = controller.on_arrival(Time(now), &request).finish;
    assert!(slow > 3 * quick, "{slow} after {quick}");
    // Nothing urgent is there: within a second it is believed to be quick again.
    for _ in 0..100 {
        now += 10 * MS;
        controller.tick(Time(now), sensors());
    }
    let again = controller.on_arrival(Time(now), &request).finish;
    assert!(again < quick * 6 / 5, "{again} after {quick}");
}

#[test]
fn strict_precision_is_refused_rather_than_worsened() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Physics, "solve", 20 * MS);
    let control = Control { mode: Mode::On, pin: Some(Tier::Ui), for_ms: 60_000 };
    controller.on_control(Time(now), control);
    let plain =
        Request { size: 1000, session: SessionId(9), ..Request::new(Class::Physics, "solve") };
    let decision = controller.on_arrival(Time(now), &plain);
    assert_eq!((decision.verdict, decision.tier), (Verdict::Degrade, Tier::Ui));
    let strict = Request { strict: true, ..plain };
    assert_eq!(controller.on_arrival(Time(now), &strict).reason, Reason::StrictPrecision);
}

#[test]
fn an_override_ends_by_itself_and_shadow_lets_everything_in() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Ui, "session.operate", 2 * MS);
    let control = Control { mode: Mode::Shadow, pin: None, for_ms: 1_000 };
    controller.on_control(Time(now), control);
    let request = Request { size: 1000, ..Request::new(Class::Ui, "session.operate") };
    let last = (0..60).map(|_| controller.on_arrival(Time(now), &request)).last().expect("sixty");
    assert!(last.job.is_some());
    assert_eq!(last.shadowed, Some(Reason::PredictedLate));
    now += 1_001 * MS;
    controller.tick(Time(now), sensors());
    assert_eq!(controller.status().mode, Mode::On);
}

#[test]
fn a_controller_that_only_watches_or_is_off_worsens_nothing() {
    for mode in [Mode::Shadow, Mode::Off] {
        let (mut controller, mut now) = (controller(), 1);
        controller.set_mode(mode);
        warm(&mut controller, &mut now, Class::Physics, "simulate", 30 * MS);
        let request = Request {
            size: 1000,
            session: SessionId(7),
            ..Request::new(Class::Physics, "simulate")
        };
        let mut last = None;
        for _ in 0..200 {
            now += 5 * MS;
            controller.tick(Time(now), sensors());
            let decision = controller.on_arrival(Time(now), &request);
            assert!(decision.job.is_some() && decision.tier == Tier::Compute, "{decision:?}");
            last = decision.shadowed;
        }
        assert_eq!(last.is_some(), mode == Mode::Shadow);
        assert_eq!(controller.tier().0 == Tier::Compute, mode == Mode::Off);
    }
}

#[test]
fn a_dead_sensor_and_a_clock_that_jumps_leave_fixed_limits() {
    let request = Request { size: 1000, ..Request::new(Class::Ui, "session.operate") };
    for jump in [-3_600_000i64, 3_600_000] {
        let (mut controller, mut now) = (controller(), 7_200_000 * MS);
        warm(&mut controller, &mut now, Class::Ui, "session.operate", MS);
        let jumped = now.saturating_add_signed(jump * 1_000_000);
        controller.tick(Time(jumped), sensors());
        let all: Vec<Decision> =
            (0..20).map(|_| controller.on_arrival(Time(jumped), &request)).collect();
        assert_eq!(all.iter().filter(|d| d.reason == Reason::StaticAdmit).count(), 8, "{jump}");
        assert_eq!(all.iter().filter(|d| d.reason == Reason::StaticLimit).count(), 12, "{jump}");
    }
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Ui, "session.operate", MS);
    for _ in 0..60 {
        now += 10 * MS;
        controller.tick(Time(now), Some(Sensors { cores: f64::NAN }));
    }
    assert_eq!(controller.on_arrival(Time(now), &request).reason, Reason::StaticAdmit);
}

#[test]
fn a_prior_five_times_too_high_silences_no_class() {
    let mut spec = Spec::embedded().expect("valid");
    for objective in &mut spec.objectives {
        for operation in &mut objective.operations {
            operation.cost *= 50;
        }
    }
    let (mut controller, mut now) = (Controller::new(&spec, 2.0, 1), 1);
    let mut done = 0;
    for _ in 0..500 {
        now += 2 * MS;
        controller.tick(Time(now), sensors());
        let request = Request { size: 1000, ..Request::new(Class::Redraw, "render") };
        let decision = controller.on_arrival(Time(now), &request);
        if let Some(job) = decision.job {
            controller.on_ready(Time(now), job);
            done += drain(&mut controller, &mut now, Lane::Urgent, MS).0;
        }
    }
    assert!(done > 400, "{done} of 500 in a second and a half");
}

#[test]
fn the_backstop_fires_when_a_worker_is_stuck() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Ui, "session.operate", MS);
    for _ in 0..4 {
        let request = Request { size: 1000, ..Request::new(Class::Ui, "session.operate") };
        if let Some(job) = controller.on_arrival(Time(now), &request).job {
            controller.on_ready(Time(now), job);
        }
    }
    for _ in 0..20 {
        now += 10 * MS;
        controller.tick(Time(now), sensors());
    }
    assert!(controller.status().backstop < 0.5);
    let refused = (0..10)
        .map(|_| controller.on_arrival(Time(now), &Request::new(Class::Redraw, "parse")))
        .filter(|decision| decision.reason == Reason::Backstop)
        .count();
    assert!(refused >= 5, "{refused}");
}

#[test]
fn work_too_large_for_its_budget_is_batch_and_far_too_large_work_a_job() {
    // Class, operation, milliseconds for a thousand units; units, and what they become.
    let table = [
        (Class::Ui, "session.operate", 1, 5_000, Reason::Feasible),
        (Class::Ui, "session.operate", 1, 40_000, Reason::Oversize),
        (Class::Redraw, "render", 12, 1_000, Reason::Feasible),
        (Class::Redraw, "render", 33, 1_000, Reason::Oversize),
        (Class::Redraw, "render", 33, 20_000, Reason::Oversize),
        (Class::Redraw, "render", 33, 1_000_000, Reason::TooLarge),
        (Class::Redraw, "parse", 6, 10_000, Reason::Oversize),
        (Class::Physics, "solve", 30, 20_000, Reason::Oversize),
        (Class::Physics, "solve", 30, 1_000_000, Reason::TooLarge),
    ];
    for (class, operation, ms, size, expected) in table {
        let (mut controller, mut now) = (controller(), 1);
        warm(&mut controller, &mut now, class, operation, ms * MS);
        let before = finished(&controller, class);
        let request = Request { size, ..Request::new(class, operation) };
        let decision = controller.on_arrival(Time(now), &request);
        assert_eq!(decision.reason, expected, "{operation} of {size}: {decision:?}");
        let lane = if expected == Reason::Feasible { Lane::of(class) } else { Lane::Batch };
        if expected == Reason::TooLarge {
            assert_eq!(decision.verdict, Verdict::Defer, "{operation} of {size}");
        } else {
            assert_eq!((decision.verdict, decision.lane()), (Verdict::Admit, lane));
            controller.on_ready(Time(now), decision.job.expect("admitted"));
            assert_eq!(drain(&mut controller, &mut now, lane, 900 * MS), (1, 0), "{operation}");
        }
        if expected == Reason::Oversize {
            // Outside of the objective: whatever it took, it counts as nothing finished.
            let counted = finished(&controller, class);
            assert_eq!(counted, before, "{operation} of {size}");
        }
    }
}

/// Share of bad answers of a class over its longest window.
fn finished(controller: &Controller, class: Class) -> Option<f64> {
    let status = controller.status();
    let class = status.classes.iter().find(|status| status.class == class.as_str())?;
    class.windows.last().map(|window| window.bad_ratio)
}

#[test]
fn before_anything_was_measured_only_the_prior_says_that_work_is_large() {
    // A hundred times the reference takes three seconds by its prior, a thousand times thirty.
    let table =
        [(12_000, Reason::Feasible), (1_200_000, Reason::Oversize), (12_000_000, Reason::TooLarge)];
    for (size, expected) in table {
        let request = Request { size, ..Request::new(Class::Physics, "simulate") };
        let decision = controller().on_arrival(Time(1), &request);
        assert_eq!(decision.reason, expected, "{size}: {decision:?}");
    }
}

/// One client, back to back: each request finds an idle machine.
#[test]
fn an_idle_machine_refuses_and_drops_nothing() {
    let operations = [
        (Class::Ui, "session.operate", 1_000),
        (Class::Redraw, "parse", 1_000),
        (Class::Redraw, "render", 1_000),
        (Class::Redraw, "compile", 1_000),
        (Class::Physics, "simulate", 12_000),
        (Class::Physics, "solve", 500),
        (Class::Physics, "statics", 200),
        (Class::Physics, "network", 500),
        (Class::Redraw, "a name of no objective", 1_000),
    ];
    for cores in [0.25, 1.0, 2.0] {
        for (class, operation, reference) in operations {
            // Nanoseconds for the reference work: cheap, as promised, at the edge, beyond.
            for cost in [MS / 10, 4 * MS, 33 * MS, 90 * MS, 250 * MS] {
                let spec = Spec::embedded().expect("valid");
                let (mut controller, mut now) = (Controller::new(&spec, cores, 1), 1);
                for turn in 0..60u64 {
                    // Sizes of one to twenty times the reference, in no order.
                    let times = 1 + turn * 7 % 20;
                    now += 200_000;
                    controller.tick(Time(now), Some(Sensors { cores }));
                    let size = reference * times;
                    let request = Request { size, ..Request::new(class, operation) };
                    let decision = controller.on_arrival(Time(now), &request);
                    let case = format!("{operation} of {size}, {cost} ns, {cores}: {decision:?}");
                    let Some(job) = decision.job else {
                        assert_eq!(decision.verdict, Verdict::Defer, "{case}");
                        continue;
                    };
                    controller.on_ready(Time(now), job);
                    let Next::Run(run) = controller.next(Time(now), decision.lane()) else {
                        panic!("dropped: {case}")
                    };
                    let cpu = cost * times;
                    now += (cpu as f64 / cores.min(1.0)) as u64;
                    controller.on_finish(Time(now), run.job, Cost { cpu, ran: cpu }, Outcome::Done);
                }
            }
        }
    }
}

#[test]
fn work_that_was_refused_leaves_no_processor_taken_on_an_idle_machine() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Redraw, "render", 20 * MS);
    warm(&mut controller, &mut now, Class::Physics, "solve", 50 * MS);
    let redraw = Request { size: 1000, ..Request::new(Class::Redraw, "render") };
    let jobs: Vec<_> =
        (0..200).filter_map(|_| controller.on_arrival(Time(now), &redraw).job).collect();
    assert!(jobs.len() < 100, "most are refused");
    for job in jobs {
        controller.on_cancel(Time(now), job);
    }
    let solve = Request { size: 1000, ..Request::new(Class::Physics, "solve") };
    let decision = controller.on_arrival(Time(now), &solve);
    assert!(decision.job.is_some(), "{decision:?}");
}

#[test]
fn ten_ordinary_requests_undo_what_hostile_ones_taught() {
    // Hostile requests, before them ordinary ones, and the size of the ordinary ones: the
    // hostile are small and take eight seconds.
    for (hostile, before, size) in [(1, 0, 2_000), (1, 30, 2_000), (5, 0, 60), (12, 30, 60)] {
        let (mut controller, mut now) = (controller(), 1);
        let ordinary = Request { size, ..Request::new(Class::Redraw, "parse") };
        let nasty = Request { size: 40, ..ordinary };
        let mut serve = |request: &Request<'_>, cpu: u64| {
            now += 10 * MS;
            controller.tick(Time(now), sensors());
            let decision = controller.on_arrival(Time(now), request);
            let job = decision.job.or_else(|| {
                assert_eq!(decision.verdict, Verdict::Defer, "{decision:?}");
                let batch = Request { class: Class::Batch, ..*request };
                controller.on_arrival(Time(now), &batch).job
            });
            let job = job.expect("an idle machine admits");
            controller.on_ready(Time(now), job);
            let taken =
                [decision.lane(), Lane::Batch].into_iter().find_map(|lane| {
                    match controller.next(Time(now), lane) {
                        Next::Run(run) => Some(run.job),
                        Next::Drop(..) | Next::Idle => None,
                    }
                });
            now += cpu;
            let cost = Cost { cpu, ran: cpu };
            controller.on_finish(Time(now), taken.expect("it runs"), cost, Outcome::Done);
            decision.cost
        };
        for _ in 0..before {
            serve(&ordinary, 6 * MS);
        }
        for _ in 0..hostile {
            serve(&nasty, 8_000 * MS);
        }
        for _ in 0..10 {
            serve(&ordinary, 6 * MS);
        }
        let predicted = serve(&ordinary, 6 * MS);
        assert!(predicted < 32 * MS, "{predicted} ns after {hostile} hostile and {before} before");
    }
}

#[test]
fn a_refused_client_is_asked_to_come_back_within_seconds() {
    let (mut controller, mut now) = (controller(), 1);
    warm(&mut controller, &mut now, Class::Redraw, "compile", 8 * MS);
    let request = Request { size: 1000, ..Request::new(Class::Redraw, "compile") };
    let mut longest = 0;
    for _ in 0..5_000 {
        let decision = controller.on_arrival(Time(now), &request);
        assert!(decision.job.is_some() || decision.retry_after_ms >= 75, "{decision:?}");
        longest = longest.max(decision.retry_after_ms);
    }
    // The limit of the policy, where the estimate is twenty seconds.
    assert!((3_750..=5_000).contains(&longest), "{longest}");
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Action {
    Arrive(u8, u16, u8, bool),
    Ready(u8),
    Work(u8, u32),
    Cancel(u8),
    Tick(u16),
    Jump(i32),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0u8..4, 1u16..4000, 0u8..6, any::<bool>()).prop_map(|(c, s, t, x)| Action::Arrive(c, s, t, x)),
        5 => any::<u8>().prop_map(Action::Ready),
        5 => (0u8..3, 1u32..40_000_000).prop_map(|(l, c)| Action::Work(l, c)),
        1 => any::<u8>().prop_map(Action::Cancel),
        4 => (1u16..3000).prop_map(Action::Tick),
        1 => any::<i32>().prop_map(Action::Jump),
    ]
}

struct Tally {
    admitted: u64,
    ended: u64,
    decisions: Vec<Decision>,
}

fn play(steps: &[Action]) -> (Controller, Tally) {
    let mut controller = controller();
    let mut now = 1_000_000_000_000u64;
    let mut held = Vec::new();
    let mut tally = Tally { admitted: 0, ended: 0, decisions: Vec::new() };
    for step in steps {
        match *step {
            Action::Arrive(class, size, tenant, strict) => {
                let class = Class::ALL[usize::from(class)];
                let operation = ["session.operate", "parse", "solve", "job"][class as usize];
                let request = Request {
                    size: size.into(),
                    tenant: TenantId(tenant.into()),
                    session: SessionId(tenant.into()),
                    strict,
                    attempt: u32::from(tenant == 5),
                    ..Request::new(class, operation)
                };
                let decision = controller.on_arrival(Time(now), &request);
                tally.admitted += u64::from(decision.job.is_some());
                held.extend(decision.job);
                tally.decisions.push(decision);
            }
            Action::Ready(at) if !held.is_empty() => {
                let job = held[usize::from(at) % held.len()];
                controller.on_ready(Time(now), job);
            }
            Action::Work(lane, cpu) => {
                match controller.next(Time(now), Lane::ALL[usize::from(lane)]) {
                    Next::Idle => {}
                    Next::Drop(..) => tally.ended += 1,
                    Next::Run(assignment) => {
                        now += u64::from(cpu);
                        let cost = Cost { cpu: cpu.into(), ran: cpu.into() };
                        let ended = [Outcome::Done, Outcome::Panicked][usize::from(cpu % 7 == 0)];
                        tally.ended += u64::from(
                            controller.on_finish(Time(now), assignment.job, cost, ended).is_some(),
                        );
                    }
                }
            }
            Action::Cancel(at) if !held.is_empty() => {
                let job = held[usize::from(at) % held.len()];
                tally.ended += u64::from(controller.on_cancel(Time(now), job));
            }
            Action::Tick(ms10) => {
                now += u64::from(ms10) * 10_000;
                controller.tick(Time(now), sensors());
            }
            Action::Jump(by) => now = now.saturating_add_signed(i64::from(by) * 1000).max(1),
            Action::Ready(_) | Action::Cancel(_) => {}
        }
    }
    (controller, tally)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn admitted_is_ended_plus_in_flight(steps in prop::collection::vec(action(), 1..300)) {
        let (controller, tally) = play(&steps);
        prop_assert_eq!(tally.admitted, tally.ended + u64::from(controller.in_flight()));
    }

    #[test]
    fn the_same_events_give_the_same_decisions(steps in prop::collection::vec(action(), 1..300)) {
        prop_assert_eq!(play(&steps).1.decisions, play(&steps).1.decisions);
    }

    #[test]
    fn a_strict_request_is_never_worked_at_a_cheaper_tier(steps in prop::collection::vec(action(), 1..300)) {
        for decision in play(&steps).1.decisions {
            prop_assert!(decision.tier <= decision.asked);
            prop_assert!(decision.finish > decision.limit || decision.job.is_some() || decision.reason != Reason::PredictedLate);
        }
    }

    /// With the same queue, what is too late for ui would be too late for physics:
    /// raising the interactive load never opens the door for a less urgent class.
    #[test]
    fn more_urgent_load_never_admits_more_physics(load in 0u64..60, extra in 1u64..60) {
        let physics = |urgent: u64| {
            let (mut controller, mut now) = (controller(), 1);
            warm(&mut controller, &mut now, Class::Ui, "session.operate", 2 * MS);
            warm(&mut controller, &mut now, Class::Physics, "solve", 30 * MS);
            for _ in 0..urgent {
                now += MS / 10;
                let request = Request { size: 1000, ..Request::new(Class::Ui, "session.operate") };
                controller.on_arrival(Time(now), &request);
            }
            (0..20)
                .filter(|_| {
                    let request = Request { size: 1000, ..Request::new(Class::Physics, "solve") };
                    controller.on_arrival(Time(now), &request).verdict == Verdict::Admit
                })
                .count()
        };
        prop_assert!(physics(load + extra) <= physics(load));
    }

    /// Whatever numbers the outside sends, nothing panics and the books stay balanced.
    #[test]
    fn hostile_numbers_break_nothing(
        sizes in prop::collection::vec(prop_oneof![Just(0u64), Just(1), Just(u64::MAX), any::<u64>()], 1..40),
        cores in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(0.0), Just(-1.0), Just(1e300), 0.01f64..64.0],
        cpu in prop_oneof![Just(0u64), Just(u64::MAX), any::<u64>()],
        patience in prop_oneof![Just(None), Just(Some(0u64)), Just(Some(u64::MAX)), any::<u64>().prop_map(Some)],
        beyond in prop_oneof![Just(0u64), Just(u64::MAX), any::<u64>()],
        step in prop_oneof![Just(0u64), Just(MS), Just(u64::MAX / 4)],
    ) {
        let mut controller = Controller::new(&Spec::embedded().expect("valid"), cores, 1);
        let mut now = 1u64;
        let (mut admitted, mut ended) = (0u64, 0u64);
        for (index, size) in sizes.iter().enumerate() {
            now = now.saturating_add(step);
            controller.tick(Time(now), Some(Sensors { cores }));
            let class = Class::ALL[index % 4];
            let request =
                Request { size: *size, patience, waited_before_arrival: beyond, ..Request::new(class, "solve") };
            let decision = controller.on_arrival(Time(now), &request);
            prop_assert!(decision.capacity.is_finite() && decision.trim.is_finite());
            let Some(job) = decision.job else { continue };
            admitted += 1;
            controller.on_ready(Time(now), job);
            match controller.next(Time(now), Lane::of(class)) {
                Next::Run(run) => {
                    let cost = Cost { cpu, ran: cpu };
                    ended += u64::from(controller.on_finish(Time(now), run.job, cost, Outcome::Done).is_some());
                }
                Next::Drop(..) => ended += 1,
                Next::Idle => {}
            }
        }
        prop_assert_eq!(admitted, ended + u64::from(controller.in_flight()));
        prop_assert!(controller.capacity().is_finite());
    }
}

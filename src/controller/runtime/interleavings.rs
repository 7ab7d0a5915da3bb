//! The protocol of places and queue under every order of steps a scheduler may
//! choose (shuttle: random and priority-based schedules; a lost wake-up is a
//! deadlock, which it reports).
//!
//! Callers, workers and a ticker do here what [`super::Runtime`] and
//! [`super::pool::Inner`] do, in the same order and under the same one lock.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::{Config, Runner, thread};

use super::*;
use crate::core::{Cost, Next, Outcome};
use svgx_base::budget::Time;

/// How often each test is run with another schedule.
const SCHEDULES: usize = 300;

#[derive(Debug, Default)]
struct Counts {
    ran: u32,
    dropped: u32,
    cancelled: u32,
}

struct Shared {
    state: Mutex<Model>,
    /// One per lane: work is there.
    wake: [Condvar; 3],
    /// Work has ended.
    ended: Condvar,
}

struct Model {
    controller: Controller,
    now: u64,
    closed: bool,
    admitted: u32,
    refused: u32,
    counts: Counts,
    ended: Vec<JobId>,
}

impl Model {
    fn now(&mut self) -> Time {
        self.now += 100_000;
        Time(self.now)
    }
}

fn shared() -> Arc<Shared> {
    let spec = Spec::embedded().expect("valid");
    let state = Model {
        controller: Controller::new(&spec, 2.0, 1),
        now: 1,
        closed: false,
        admitted: 0,
        refused: 0,
        counts: Counts::default(),
        ended: Vec::new(),
    };
    let wake = [Condvar::new(), Condvar::new(), Condvar::new()];
    Arc::new(Shared { state: Mutex::new(state), wake, ended: Condvar::new() })
}

/// What a caller does with its place.
#[derive(Clone, Copy)]
enum Then {
    /// Hands the work over and waits.
    Waits,
    /// Goes away before the work is there.
    LeavesEarly,
    /// Goes away after it, while it waits or runs.
    LeavesLate,
}

fn caller(shared: &Shared, class: Class, then: Then) {
    let mut state = shared.state.lock().expect("never poisoned");
    let at = state.now();
    let decision = state.controller.on_arrival(at, &Request::new(class, "parse"));
    let Some(job) = decision.job else {
        state.refused += 1;
        return;
    };
    state.admitted += 1;
    drop(state);
    if matches!(then, Then::Waits | Then::LeavesLate) {
        let mut state = shared.state.lock().expect("never poisoned");
        let at = state.now();
        assert!(state.controller.on_ready(at, job), "nobody else knows of it");
        drop(state);
        shared.wake[Lane::of(class) as usize].notify_one();
    }
    if matches!(then, Then::Waits) {
        // A wake-up that is lost leaves this waiting for ever.
        let mut state = shared.state.lock().expect("never poisoned");
        while !state.ended.contains(&job) {
            state = shared.ended.wait(state).expect("never poisoned");
        }
    }
    if matches!(then, Then::LeavesEarly | Then::LeavesLate) {
        let mut state = shared.state.lock().expect("never poisoned");
        let at = state.now();
        // Running work ends by itself.
        if state.controller.on_cancel(at, job) {
            state.counts.cancelled += 1;
        }
    }
}

fn worker(shared: &Shared, lane: Lane) {
    let mut state = shared.state.lock().expect("never poisoned");
    loop {
        let at = state.now();
        match state.controller.next(at, lane) {
            Next::Run(assignment) => {
                drop(state);
                thread::yield_now();
                state = shared.state.lock().expect("never poisoned");
                let at = state.now();
                // Every third piece of work panics; its place comes back all the same.
                let ended = if at.0.is_multiple_of(3) { Outcome::Panicked } else { Outcome::Done };
                let cost = Cost { cpu: 50_000, ran: 50_000 };
                let reason = state.controller.on_finish(at, assignment.job, cost, ended);
                assert!(reason.is_some(), "a running job ends once");
                state.counts.ran += 1;
                state.ended.push(assignment.job);
                shared.ended.notify_all();
            }
            Next::Drop(job, _) => {
                state.counts.dropped += 1;
                state.ended.push(job);
                shared.ended.notify_all();
            }
            Next::Idle if state.closed => return,
            Next::Idle => {
                state = shared.wake[lane as usize].wait(state).expect("never poisoned");
            }
        }
    }
}

fn play() {
    let shared = shared();
    let workers: Vec<_> = [Lane::Urgent, Lane::Urgent, Lane::Batch]
        .into_iter()
        .map(|lane| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || worker(&shared, lane))
        })
        .collect();
    let callers: Vec<_> = [
        (Class::Ui, Then::Waits),
        (Class::Redraw, Then::LeavesLate),
        (Class::Batch, Then::LeavesEarly),
        (Class::Batch, Then::Waits),
        (Class::Ui, Then::LeavesLate),
    ]
    .into_iter()
    .map(|(class, then)| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || caller(&shared, class, then))
    })
    .collect();
    {
        let mut state = shared.state.lock().expect("never poisoned");
        let at = state.now();
        state.controller.tick(at, Some(Sensors { cores: 2.0 }));
    }
    for caller in callers {
        caller.join().expect("no panic");
    }
    shared.state.lock().expect("never poisoned").closed = true;
    for wake in &shared.wake {
        wake.notify_all();
    }
    for worker in workers {
        worker.join().expect("no panic");
    }
    let state = shared.state.lock().expect("never poisoned");
    let Model { controller, admitted, refused, counts, .. } = &*state;
    assert_eq!(admitted + refused, 5);
    assert_eq!(*admitted, counts.ran + counts.dropped + counts.cancelled, "{counts:?}");
    assert_eq!(controller.in_flight(), 0, "every place came back");
}

/// As shuttle's own `check_random` and `check_pct`, with room on the stack for a
/// controller that was compiled without optimisation.
fn check(scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    Runner::new(scheduler, config).run(play);
}

#[test]
fn no_place_leaks_and_no_wake_up_is_lost_in_any_order_of_steps() {
    check(RandomScheduler::new(SCHEDULES));
}

#[test]
fn nor_when_one_thread_is_held_back_as_long_as_can_be() {
    check(PctScheduler::new(3, SCHEDULES));
}

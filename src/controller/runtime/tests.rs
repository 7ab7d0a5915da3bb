use super::*;
use crate::core::TenantId;
use svgx_base::budget::{Class, Monotonic, Stop};

fn runtime() -> Runtime {
    let spec = Spec::embedded().expect("valid");
    let options = RuntimeOptions { cores: Some(2.0), ..RuntimeOptions::default() };
    Runtime::start(&spec, Arc::new(Monotonic::new()), options).expect("threads")
}

fn physics(runtime: &Runtime) -> Ticket {
    // Without a deadline: these tests are about places, not about time.
    runtime.admit(&Request::new(Class::Batch, "job")).expect("a place")
}

/// The worker tells the controller right after the work ended.
async fn settled(runtime: &Runtime) {
    while runtime.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn work_comes_back_with_its_answer() {
    let runtime = runtime();
    let ticket = physics(&runtime);
    let done = runtime.run(ticket, |budget| budget.tier()).await.expect("done");
    assert_eq!(done.value, Tier::Compute);
    assert_eq!(runtime.in_flight(), 0);
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_no_worker() {
    let runtime = runtime();
    for _ in 0..3 {
        let shed = runtime.run(physics(&runtime), |_| -> u8 { panic!("on purpose") }).await;
        assert_eq!(shed.expect_err("panicked").reason, Reason::Panicked);
    }
    settled(&runtime).await;
    assert_eq!(runtime.run(physics(&runtime), |_| 7).await.expect("still alive").value, 7);
}

#[tokio::test]
async fn the_cost_of_work_is_told_without_a_place_for_it() {
    let runtime = runtime();
    let cost = |size| runtime.cost_of(&Request { size, ..Request::new(Class::Batch, "render") });
    assert!(cost(10_000) > cost(10) && cost(10) > Duration::ZERO);
    let request = Request { size: 500, ..Request::new(Class::Batch, "render") };
    assert_eq!(runtime.in_flight(), 0);
    let ticket = runtime.admit(&request).expect("a place");
    // The decision is on the careful side.
    assert!(runtime.cost_of(&request) <= Duration::from_nanos(ticket.decision().cost));
}

#[tokio::test]
async fn a_ticket_that_is_dropped_gives_its_place_back() {
    let runtime = runtime();
    drop(physics(&runtime));
    assert_eq!(runtime.in_flight(), 0);
}

#[tokio::test]
async fn dropping_the_future_cancels_work_that_runs_and_work_that_waits() {
    let runtime = runtime();
    let (started, is_started) = oneshot::channel();
    let (stopped, is_stopped) = oneshot::channel();
    let running = runtime.run(physics(&runtime), move |budget: &Budget| {
        let _ = started.send(());
        let stop = loop {
            if let Err(stop) = budget.checkpoint() {
                break stop;
            }
            std::thread::yield_now();
        };
        let _ = stopped.send(stop);
    });
    let waiting = runtime.run(physics(&runtime), |_| ());
    {
        let mut both = Box::pin(async { tokio::join!(running, waiting) });
        tokio::select! {
            _ = &mut both => panic!("ended by itself"),
            started = is_started => started.expect("started"),
        }
    }
    assert_eq!(is_stopped.await.expect("stopped"), Stop::Cancelled);
    settled(&runtime).await;
}

#[tokio::test]
async fn closing_answers_what_waits() {
    let runtime = runtime();
    let ticket = physics(&runtime);
    runtime.close();
    assert_eq!(runtime.run(ticket, |_| ()).await.expect_err("closed").reason, Reason::Cancelled);
    assert!(runtime.admit(&Request::new(Class::Ui, "session.state")).is_err());
}

#[tokio::test]
async fn a_recorded_log_replays_to_the_same_decisions() {
    let spec = Spec::embedded().expect("valid");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("decisions.jsonl");
    let options = RuntimeOptions {
        cores: Some(2.0),
        seed: 3,
        log: Some(path.clone()),
        ..RuntimeOptions::default()
    };
    let runtime = Runtime::start(&spec, Arc::new(Monotonic::new()), options).expect("threads");
    for round in 0..200u64 {
        let class = if round % 3 == 0 { Class::Physics } else { Class::Ui };
        let operation = if round % 3 == 0 { "solve" } else { "session.operate" };
        let request = Request {
            tenant: TenantId(round % 5),
            size: round * 10,
            ..Request::new(class, operation)
        };
        if let Ok(ticket) = runtime.admit(&request) {
            let _ = runtime.run(ticket, move |_| (0..round * 100).sum::<u64>()).await;
        }
    }
    runtime.close();
    let log = std::io::BufReader::new(std::fs::File::open(&path).expect("written"));
    let replayed = crate::core::replay(log, &spec).expect("readable");
    assert_eq!((replayed.decisions, replayed.different), (200, 0), "{:?}", replayed.first);
    assert!(replayed.same_spec);
}

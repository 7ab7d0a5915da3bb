//! Where requests are computed: never on a thread that speaks HTTP.
//!
//! A few threads take jobs in the order of their class, the most urgent first.
//! Simulations and batches never hold every thread, and one more thread takes
//! interactive jobs only, so that a click does not wait for a solve.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::budget::{Budget, Cancel, Class, Clock, Tier, Time};

/// What is known about a request before its work.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it is, for the latency objectives.
    pub class: Class,
    /// The endpoint.
    pub operation: &'static str,
    /// Whose it is.
    pub tenant: u32,
    /// Bytes of input: the cost hint.
    pub cost: usize,
    /// How long the client is willing to wait.
    pub deadline: Option<Duration>,
}

/// Why work was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shed {
    /// As many jobs of the class wait as may wait.
    #[error("{waiting} {class} jobs are waiting, which is the limit")]
    Full {
        /// The class.
        class: Class,
        /// How many wait.
        waiting: usize,
    },
    /// The server is stopping.
    #[error("the service is stopping")]
    Closing,
    /// The job panicked: a defect.
    #[error("internal error")]
    Panicked(String),
}

impl Shed {
    /// When to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Shed::Full { .. } => Some(Duration::from_secs(1)),
            Shed::Closing => Some(Duration::from_secs(5)),
            Shed::Panicked(_) => None,
        }
    }
}

/// Leave to run one piece of work.
#[derive(Debug)]
pub struct Ticket {
    class: Class,
    budget: Budget,
    admitted: Time,
}

impl Ticket {
    /// The budget the work will get.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

/// The answer of a piece of work and how long it waited for a thread.
#[derive(Debug)]
pub struct Done<T> {
    /// What the work returned.
    pub value: T,
    /// How long it waited.
    pub queued: Duration,
}

struct Job {
    run: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct State {
    waiting: [VecDeque<Job>; 4],
    /// How many simulations and batches run.
    slow: usize,
    closed: bool,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    slow_limit: usize,
}

/// The pool.
pub struct Pool {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("slow_limit", &self.shared.slow_limit).finish_non_exhaustive()
    }
}

/// How many jobs of a class may wait.
const fn most_waiting(class: Class) -> usize {
    match class {
        Class::Ui => 1024,
        Class::Redraw => 256,
        Class::Physics => 64,
        Class::Batch => 16,
    }
}

/// How long a job of a class may run before it has to return what it has.
const fn most_running(class: Class) -> Duration {
    match class {
        Class::Ui => Duration::from_secs(2),
        Class::Redraw | Class::Physics => Duration::from_secs(10),
        Class::Batch => Duration::from_secs(25),
    }
}

impl Pool {
    /// A pool of `threads` threads for everything and one for interactive work.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(threads: usize, clock: Arc<dyn Clock>) -> std::io::Result<Pool> {
        let threads = threads.max(1);
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            slow_limit: (threads - 1).max(1),
        });
        let mut handles = Vec::new();
        for i in 0..=threads {
            let shared = Arc::clone(&shared);
            let express = i == threads;
            let name = if express { "work-ui".to_owned() } else { format!("work-{i}") };
            handles.push(
                std::thread::Builder::new()
                    .name(name)
                    .stack_size(8 << 20)
                    .spawn(move || shared.serve(express))?,
            );
        }
        Ok(Pool { shared, clock, threads: Mutex::new(handles) })
    }

    /// Decides at once whether there is room for a piece of work.
    ///
    /// # Errors
    /// [`Shed`] when there is not.
    pub fn admit(&self, request: &Request) -> Result<Ticket, Shed> {
        let class = request.class;
        {
            let state = self.shared.state.lock();
            if state.closed {
                return Err(Shed::Closing);
            }
            let waiting = state.waiting[class as usize].len();
            if waiting >= most_waiting(class) {
                return Err(Shed::Full { class, waiting });
            }
        }
        let admitted = self.clock.now();
        let most = most_running(class);
        let deadline = admitted.after(request.deadline.map_or(most, |d| d.min(most)));
        let budget = Budget::unlimited(class, Tier::Compute)
            .until(deadline, Arc::clone(&self.clock))
            .cancelled_by(Cancel::default());
        Ok(Ticket { class, budget, admitted })
    }

    /// Runs `work` on the pool. Dropping the future cancels the work.
    ///
    /// # Errors
    /// [`Shed`] when it could not run, or panicked.
    pub async fn run<T, F>(&self, ticket: Ticket, work: F) -> Result<Done<T>, Shed>
    where
        T: Send + 'static,
        F: FnOnce(&Budget) -> T + Send + 'static,
    {
        let Ticket { class, budget, admitted } = ticket;
        let (answer, answered) = oneshot::channel();
        let _gone = CancelOnDrop(budget.cancel().clone());
        let clock = Arc::clone(&self.clock);
        let run = Box::new(move || {
            if answer.is_closed() {
                return;
            }
            let queued = clock.now().since(admitted);
            let result = catch_unwind(AssertUnwindSafe(|| work(&budget)))
                .map(|value| Done { value, queued })
                .map_err(|panic| Shed::Panicked(panic_text(panic.as_ref())));
            // The client may be gone: then nobody wants the answer.
            let _ = answer.send(result);
        });
        {
            let mut state = self.shared.state.lock();
            if state.closed {
                return Err(Shed::Closing);
            }
            state.waiting[class as usize].push_back(Job { run });
        }
        // Every thread may be the one that can take this class.
        self.shared.wake.notify_all();
        answered.await.unwrap_or(Err(Shed::Closing))
    }

    /// Takes no more work, finishes what waits, and waits for the threads.
    pub fn close(&self) {
        self.shared.state.lock().closed = true;
        self.shared.wake.notify_all();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // A thread catches the panics of its jobs; joining cannot fail.
            let _ = thread.join();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

const fn is_slow(class: Class) -> bool {
    matches!(class, Class::Physics | Class::Batch)
}

impl Shared {
    fn serve(&self, express: bool) {
        loop {
            let Some((class, job)) = self.next(express) else { return };
            (job.run)();
            if is_slow(class) {
                self.state.lock().slow -= 1;
                self.wake.notify_all();
            }
        }
    }

    /// The most urgent job this thread may take; `None` when the pool has closed.
    fn next(&self, express: bool) -> Option<(Class, Job)> {
        let mut state = self.state.lock();
        loop {
            for class in Class::ALL {
                let refused = (express && class != Class::Ui)
                    || (is_slow(class) && state.slow >= self.slow_limit);
                if refused {
                    continue;
                }
                if let Some(job) = state.waiting[class as usize].pop_front() {
                    if is_slow(class) {
                        state.slow += 1;
                    }
                    return Some((class, job));
                }
            }
            let done = if express {
                state.waiting[Class::Ui as usize].is_empty()
            } else {
                state.waiting.iter().all(VecDeque::is_empty)
            };
            if state.closed && done {
                return None;
            }
            self.wake.wait(&mut state);
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Monotonic;

    fn pool(threads: usize) -> Arc<Pool> {
        Arc::new(Pool::new(threads, Arc::new(Monotonic::new())).expect("threads"))
    }

    fn request(class: Class) -> Request {
        Request { class, operation: "test", tenant: 0, cost: 0, deadline: None }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_thread_lives_on() {
        let pool = pool(1);
        for _ in 0..8 {
            let ticket = pool.admit(&request(Class::Redraw)).expect("room");
            let result = pool.run(ticket, |_| -> u32 { panic!("as the test asks") }).await;
            assert!(matches!(result, Err(Shed::Panicked(text)) if text == "as the test asks"));
        }
        let ticket = pool.admit(&request(Class::Redraw)).expect("room");
        assert_eq!(pool.run(ticket, |_| 7).await.map(|d| d.value), Ok(7));
    }

    #[tokio::test]
    async fn interactive_work_does_not_wait_for_a_simulation() {
        let pool = pool(1);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let ticket = pool.admit(&request(Class::Physics)).expect("room");
        let solving = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(ticket, move |_| held.recv().is_ok()).await }
        });
        let ticket = pool.admit(&request(Class::Ui)).expect("room");
        assert_eq!(pool.run(ticket, |_| "clicked").await.map(|d| d.value), Ok("clicked"));
        release.send(()).expect("the simulation runs");
        assert_eq!(solving.await.expect("joined").map(|d| d.value), Ok(true));
    }

    #[tokio::test]
    async fn dropping_the_future_cancels_the_work() {
        let pool = pool(1);
        let (started, starts) = oneshot::channel();
        let (seen, sees) = std::sync::mpsc::channel();
        let ticket = pool.admit(&request(Class::Redraw)).expect("room");
        let task = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                pool.run(ticket, move |budget| {
                    let _ = started.send(());
                    while budget.checkpoint().is_ok() {
                        std::thread::yield_now();
                    }
                    let _ = seen.send(budget.cancel().is_cancelled());
                })
                .await
            }
        });
        starts.await.expect("it starts");
        task.abort();
        let cancelled = tokio::task::spawn_blocking(move || sees.recv()).await.expect("joined");
        assert_eq!(cancelled, Ok(true));
    }

    #[tokio::test]
    async fn a_closed_pool_takes_nothing_more() {
        let pool = pool(1);
        pool.close();
        assert_eq!(pool.admit(&request(Class::Ui)).err(), Some(Shed::Closing));
    }
}

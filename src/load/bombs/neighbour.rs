//! The client beside the bombs: a drag that goes on and clicks, sixty times a second.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hdrhistogram::Histogram;
use svgx_base::budget::{Clock as _, Monotonic};

use super::super::ask::{self, Ask, Prepared, Sender, SessionKind};
use super::super::connection::{Broken, Connection};
use super::super::overload::Error;
use super::super::timer::Timer;
use super::Beside;

/// From one to the next.
const TICK: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// Elements of the drawing it works on.
const ELEMENTS: usize = 200;
/// Of every so many one is a click.
const CLICK: u64 = 4;

/// A client in a thread of its own, so that what the bombs' client reads does not delay it.
pub(super) struct Neighbour {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Result<Beside, String>>,
}

impl Neighbour {
    /// Opens its sessions and begins.
    pub(super) fn start(at: SocketAddr, host: &str) -> Result<Neighbour, Error> {
        let ended = Arc::new(AtomicBool::new(false));
        let (until, host) = (Arc::clone(&ended), host.to_owned());
        let thread = std::thread::Builder::new()
            .name("neighbour".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|e| e.to_string())?;
                runtime.block_on(work(at, &host, &until)).map_err(|e| e.to_string())
            })
            .map_err(|e| Error::Engine(e.to_string()))?;
        Ok(Neighbour { ended, thread })
    }

    /// Lets it end; what it met.
    pub(super) fn end(self) -> Result<Beside, Error> {
        self.ended.store(true, Ordering::Relaxed);
        let met = self.thread.join().unwrap_or_else(|_| Err("it panicked".to_owned()));
        met.map_err(|e| Error::Engine(format!("the client beside the bombs: {e}")))
    }
}

async fn work(at: SocketAddr, host: &str, ended: &AtomicBool) -> Result<Beside, Broken> {
    let clock = Monotonic::new();
    let timer = Timer::new()?;
    let mut connection = Connection::open(at).await?;
    let (drags, clicks) = (SessionKind::Dragged.name(0), SessionKind::Still.name(0));
    let sender = |session| Sender { host, key: None, session, headers: "" };
    for (kind, session) in [(SessionKind::Dragged, &drags), (SessionKind::Still, &clicks)] {
        for body in ask::preparation(kind, ELEMENTS) {
            let request = ask::raw("POST", "/interactive", &body, sender(session));
            let answer = connection.exchange(&request, 0).await?;
            if answer.status != 200 {
                return Err(Broken::Protocol("its drawing was not opened"));
            }
        }
    }
    let prepare = |ask: &Ask, session| ask::prepare(ask, &ask::body(ask), sender(session));
    let requests: [Prepared; 2] = [prepare(&Ask::Drag, &drags), prepare(&Ask::Click, &clicks)];
    // Microseconds; a constant that is known to be accepted.
    let histogram = || Histogram::<u32>::new(3).unwrap_or_else(|_| unreachable!("three digits"));
    let mut latencies = [histogram(), histogram()];
    let mut beside = Beside::default();
    let mut due = clock.now();
    while !ended.load(Ordering::Relaxed) {
        due = due.after(TICK);
        timer.until(due, &clock).await?;
        let which = usize::from(beside.sent % CLICK == CLICK - 1);
        let answer = match connection.exchange(&requests[which], beside.sent).await {
            Err(Broken::Closed) => {
                connection = Connection::open(at).await?;
                connection.exchange(&requests[which], beside.sent).await?
            }
            other => other?,
        };
        let took = clock.now().since(due);
        beside.sent += 1;
        if answer.status == 200 {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            latencies[which].saturating_record(micros);
            beside.slowest_ms = beside.slowest_ms.max(took.as_secs_f64() * 1e3);
        } else {
            beside.lost += 1;
        }
        if !answer.keeps_alive() {
            connection = Connection::open(at).await?;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "milliseconds for people")]
    let p95 = |of: &Histogram<u32>| of.value_at_quantile(0.95) as f64 / 1e3;
    beside.drags_p95_ms = p95(&latencies[0]);
    beside.clicks_p95_ms = p95(&latencies[1]);
    Ok(beside)
}

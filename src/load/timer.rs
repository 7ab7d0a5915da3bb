//! Waiting for a moment, more finely than the runtime's timer, which counts
//! milliseconds.

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use svgx_base::budget::{Clock, Time};

/// A timer of the kernel.
#[derive(Debug)]
pub(super) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    #[allow(
        deprecated,
        reason = "it asks that the descriptor stays open as long as the value lives: ours is owned"
    )]
    pub(super) fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Timer(AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
    }

    /// Waits until `at`; not at all when it has passed.
    pub(super) async fn until(&self, at: Time, clock: &dyn Clock) -> io::Result<()> {
        loop {
            let left = at.since(clock.now());
            if left.is_zero() {
                return Ok(());
            }
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let once =
                Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            let mut ready = self.0.readable().await?;
            let mut expirations = [0; 8];
            // Whether it is read or not, the clock is asked again.
            let _ = rustix::io::read(self.0.get_ref(), &mut expirations);
            ready.clear_ready();
        }
    }
}

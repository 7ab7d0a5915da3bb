//! The way of log lines to standard error: through a bounded buffer and a
//! thread of its own, so that a reader that is slow or stuck costs requests
//! nothing. What does not fit is dropped and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing_subscriber::fmt::MakeWriter;

use svgx_base::machine;

/// Bytes that may wait to be written.
const BOUND: usize = 4 << 20;
/// Time the first line waits for company, so that a busy service writes many at once.
const LINGER: Duration = Duration::from_millis(20);

/// A hand on the buffer; all hands share it.
#[derive(Clone, Debug)]
pub(crate) struct LogWriter(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    lost: AtomicU64,
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// The thread is writing what it took.
    busy: bool,
    closed: bool,
}

impl LogWriter {
    /// Starts the thread that writes to standard error.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start() -> io::Result<LogWriter> {
        LogWriter::to(io::stderr(), BOUND)
    }

    pub(crate) fn to(mut out: impl Write + Send + 'static, bound: usize) -> io::Result<LogWriter> {
        let lines = LogWriter(Arc::new(Shared { bound, ..Shared::default() }));
        let shared = Arc::clone(&lines.0);
        std::thread::Builder::new().name("log-lines".to_owned()).spawn(move || {
            machine::set_niceness(10);
            let mut taken = Vec::new();
            loop {
                let mut state = shared.state.lock();
                while state.waiting.is_empty() {
                    if state.closed {
                        return;
                    }
                    shared.changed.wait(&mut state);
                }
                if !state.closed {
                    shared.changed.wait_for(&mut state, LINGER);
                }
                std::mem::swap(&mut state.waiting, &mut taken);
                state.busy = true;
                drop(state);
                // Nobody reads any more: there is nobody to tell either.
                let _ = out.write_all(&taken).and_then(|()| out.flush());
                taken.clear();
                shared.state.lock().busy = false;
                shared.changed.notify_all();
            }
        })?;
        Ok(lines)
    }

    /// Queues one line, its end included, or counts it as lost.
    pub(crate) fn write(&self, line: &[u8]) {
        let mut state = self.0.state.lock();
        if state.waiting.len() + line.len() > self.0.bound || state.closed {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if first {
            self.0.changed.notify_all();
        }
    }

    /// LogWriter that did not fit.
    pub(crate) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits, for at most `timeout`, and ends.
    pub(crate) fn close(&self, timeout: Duration) {
        let mut state = self.0.state.lock();
        state.closed = true;
        self.0.changed.notify_all();
        self.0.changed.wait_while_for(
            &mut state,
            |state| state.busy || !state.waiting.is_empty(),
            timeout,
        );
    }
}

impl Write for &LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LogWriter::write(self, line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for LogWriter {
    type Writer = &'w LogWriter;

    fn make_writer(&'w self) -> &'w LogWriter {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A reader that takes a piece only when it is let.
    struct Slow {
        leave: Receiver<()>,
        out: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.leave.recv();
            let _ = self.out.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_reader_holds_nobody_up_and_what_does_not_fit_is_counted() {
        let ((let_go, leave), (out, seen)) = (channel(), channel());
        let lines = LogWriter::to(Slow { leave, out }, 64).expect("a thread");
        for _ in 0..100 {
            lines.write(b"0123456789abcde\n");
        }
        // Sixty-four bytes are waiting or being written, and perhaps sixty-four more.
        let lost = lines.lost();
        assert!((92..=96).contains(&lost), "{lost}");
        drop(let_go);
        lines.close(Duration::from_secs(60));
        let written: Vec<u8> = seen.try_iter().flatten().collect();
        assert_eq!(written.len() as u64, (100 - lost) * 16);
    }
}

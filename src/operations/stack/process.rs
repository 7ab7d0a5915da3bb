//! A process that outlives the command that started it, and is ended by another.
//!
//! A process id alone is not a name: the kernel gives it away again. Together
//! with the moment the process started it is.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// Time a process has to end by itself: longer than the engine takes to drain.
const PATIENCE: u32 = 400;
const PAUSE: Duration = Duration::from_millis(50);

/// A process by its id and its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Clock ticks between the start of the machine and that of the process.
    started: u64,
}

impl Process {
    /// Starts `command` in a group of its own, its words in `log`.
    pub(super) fn start(command: &mut Command, log: &Path) -> std::io::Result<Process> {
        let out = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).process_group(0);
        let pid = command.spawn()?.id();
        let (_, started) = stat(pid).ok_or_else(|| std::io::Error::other("it ended at once"))?;
        Ok(Process { pid, started })
    }

    /// The process of this id, while it runs.
    pub(crate) fn of(pid: u32) -> Option<Process> {
        let (state, started) = stat(pid)?;
        (state != 'Z').then_some(Process { pid, started })
    }

    /// Its id for the kernel, while it runs.
    pub(crate) fn id(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw).filter(|_| self.runs())
    }

    /// Sends a signal, if it still runs. Answers whether it did.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        self.id().is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    /// Whether it still runs.
    pub(crate) fn runs(&self) -> bool {
        // A zombie has ended; its parent has not looked yet.
        stat(self.pid).is_some_and(|(state, started)| started == self.started && state != 'Z')
    }

    /// Asks it to end, and after a while kills it. Answers whether it ended by itself.
    pub(crate) fn end(&self) -> bool {
        for (signal, patience) in [(Signal::TERM, PATIENCE), (Signal::KILL, PATIENCE)] {
            let Some(pid) = self.id() else { return true };
            // It may have ended since it was looked at: then there is nothing to do.
            let _ = kill_process(pid, signal);
            for _ in 0..patience {
                if !self.runs() {
                    return signal == Signal::TERM;
                }
                std::thread::sleep(PAUSE);
            }
        }
        false
    }
}

/// The state of a process and when it started, from `/proc`.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything, brackets too.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    // The state is field 3, the start field 22.
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_and_ended_once() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let mut command = Command::new("sleep");
        let process = Process::start(command.arg("60"), log.path()).expect("it starts");
        assert!(process.runs());
        let other = Process { started: process.started + 1, ..process.clone() };
        assert!(!other.runs(), "the same id at another time is another process");
        assert!(other.end(), "and is left alone");
        assert!(process.runs());
        assert!(process.end());
        assert!(!process.runs());
    }
}

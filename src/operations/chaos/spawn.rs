//! A command that is waited for: bounded in time, and in what it may say.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use svgx_base::budget::{Clock as _, Monotonic, Time};

/// Bytes of each stream that are kept; the rest is read and forgotten.
const KEPT: usize = 1 << 20;
const PAUSE: Duration = Duration::from_millis(20);
/// Time for what is left in the pipes once the process has ended: whoever holds them may live on.
const REST: Duration = Duration::from_millis(500);

/// How a command ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// Its exit status; none when a signal or the limit ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether it was ended because its time was over.
    pub(crate) late: bool,
}

impl Ended {
    pub(crate) fn well(&self) -> bool {
        self.code == Some(0)
    }

    /// The last line that says something.
    pub(crate) fn last_words(&self) -> String {
        let all = [self.stderr.as_str(), self.stdout.as_str()];
        let line = all.iter().find_map(|t| t.lines().rev().find(|l| !l.trim().is_empty()));
        line.unwrap_or_default().trim().chars().take(300).collect()
    }
}

/// Time since `clock` was made.
pub(crate) fn elapsed(clock: &Monotonic) -> Duration {
    clock.now().since(Time::default())
}

/// Runs `command` in a process group of its own for at most `limit`; then the group is killed.
pub(crate) fn run(command: &mut Command, limit: Duration) -> std::io::Result<Ended> {
    run_noted(command, limit, &|_| ())
}

/// The same; `note` hears of its process id.
pub(crate) fn run_noted(
    command: &mut Command,
    limit: Duration,
    note: &dyn Fn(u32),
) -> std::io::Result<Ended> {
    let clock = Monotonic::new();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    note(child.id());
    let (out, err) = (kept(child.stdout.take()), kept(child.stderr.take()));
    let mut late = false;
    let code = loop {
        if let Some(status) = child.try_wait()? {
            break status.code();
        }
        if elapsed(&clock) >= limit {
            late = true;
            kill_group(&child);
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(PAUSE);
    };
    let text = |of: std::sync::mpsc::Receiver<Vec<u8>>| {
        let mut all = Vec::new();
        while let Ok(piece) = of.recv_timeout(REST) {
            all.extend(piece);
        }
        String::from_utf8_lossy(&all).into_owned()
    };
    Ok(Ended { code, stdout: text(out), stderr: text(err), late })
}

/// Ends a process and what it started in its group.
pub(crate) fn kill_group(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended since.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// The beginning of a stream, as it comes.
fn kept(stream: Option<impl Read + Send + 'static>) -> std::sync::mpsc::Receiver<Vec<u8>> {
    let (to, from) = std::sync::mpsc::channel();
    if let Some(mut stream) = stream {
        std::thread::spawn(move || {
            let (mut buffer, mut room) = ([0; 8192], KEPT);
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                let take = n.min(room);
                room -= take;
                let piece = buffer.get(..take).unwrap_or_default().to_vec();
                if take > 0 && to.send(piece).is_err() {
                    break;
                }
            }
        });
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_waited_for_but_not_for_ever() {
        let shell = |text: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", text]);
            run(&mut command, Duration::from_secs(2)).expect("it starts")
        };
        let said = shell("echo one; echo two >&2; exit 3");
        assert_eq!((said.code, said.stdout.as_str(), said.late), (Some(3), "one\n", false));
        assert_eq!(said.last_words(), "two");
        let late = shell("echo begun; sleep 60");
        assert_eq!((late.code, late.stdout.as_str(), late.late), (None, "begun\n", true));
        let daemon = shell("sleep 5 & echo left");
        assert_eq!((daemon.code, daemon.stdout.as_str()), (Some(0), "left\n"));
    }
}

//! How faults are undone, on the disk before they are made; and the guardian, a process of its
//! own that undoes them when the runner has died or the time is over.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, kill_process_group, prlimit};
use serde::{Deserialize, Serialize};
use svgx_base::budget::Monotonic;

use super::{quota, run, spawn};
use crate::stack::{Part, Ports, Process, Stack};

/// How often the guardian looks.
const EVERY: Duration = Duration::from_millis(200);
const LIST: &str = "undo.json";
/// Seconds that a pausing process is stopped, and then goes on: longer than the lease of a session.
const PAUSE: u64 = 7;

/// How one fault is undone. Each may be done twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub(crate) enum Undo {
    /// Start a part that does not run.
    Start { part: Part },
    /// Start a part anew, unless it is another process than this already.
    Restart { part: Part, process: Option<Process> },
    /// Let a process go on.
    Continue { process: Process },
    /// Let a process go on that the guardian stops now and then.
    Pauses { process: Process },
    /// End a process of ours.
    End { process: Process },
    /// End a process and the group that it leads.
    EndGroup { process: Process },
    /// Give the processors back.
    Release { group: String },
    /// Let files grow.
    Limit { process: Process, files: Option<u64>, most: Option<u64> },
}

/// Holds the list for one writer.
fn locked(stack: &Stack) -> io::Result<File> {
    let file = match File::create(stack.path("undo.lock")) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(stack.dir())?;
            File::create(stack.path("undo.lock"))?
        }
        other => other?,
    };
    file.lock()?;
    Ok(file)
}

fn read(stack: &Stack) -> io::Result<Vec<Undo>> {
    match std::fs::read(stack.path(LIST)) {
        Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// Notes a step, on the disk before it is answered.
pub(crate) fn note(stack: &Stack, step: Undo) -> io::Result<()> {
    let _lock = locked(stack)?;
    let mut steps = read(stack)?;
    // What a part was replaced by is known only when it has been.
    if let Undo::Restart { process: Some(_), .. } = &step {
        steps.retain(|s| !matches!(s, Undo::Restart { process: None, .. }));
    }
    steps.push(step);
    let new = stack.path("undo.json.new");
    let mut file = File::create(&new)?;
    file.write_all(&serde_json::to_vec_pretty(&steps).map_err(io::Error::other)?)?;
    file.sync_all()?;
    std::fs::rename(new, stack.path(LIST))
}

/// Whether something is to be undone.
fn due(stack: &Stack) -> bool {
    stack.path(LIST).exists()
}

/// Undoes what the list says, the last first. Answers how many steps there were. Where the stack
/// is ended anyhow (`ends`), nothing is started for it.
///
/// # Errors
/// The steps that could not be undone; the others are.
pub fn undo(stack: &Stack, ends: bool) -> io::Result<usize> {
    let _lock = locked(stack)?;
    let steps = read(stack)?;
    let mut failed = Vec::new();
    for step in steps.iter().rev() {
        if ends && matches!(step, Undo::Start { .. } | Undo::Restart { .. }) {
            continue;
        }
        if let Err(error) = one(stack, step) {
            failed.push(format!("{step:?}: {error}"));
        }
    }
    match std::fs::remove_file(stack.path(LIST)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => failed.push(e.to_string()),
        _ => {}
    }
    if failed.is_empty() { Ok(steps.len()) } else { Err(io::Error::other(failed.join("; "))) }
}

fn one(stack: &Stack, step: &Undo) -> io::Result<()> {
    match step {
        Undo::Start { part } => {
            let up = stack.up(&[*part], Ports::Usual, &mut |_| ());
            up.map(|_| ()).map_err(io::Error::other)
        }
        Undo::Restart { part, process } => {
            let now = stack.process(*part).map_err(io::Error::other)?;
            if process.is_none() || now == *process {
                stack.down(&[*part], &mut |_| ()).map_err(io::Error::other)?;
                let up = stack.up(&[*part], Ports::Usual, &mut |_| ());
                up.map_err(io::Error::other)?;
            }
            Ok(())
        }
        Undo::Continue { process } | Undo::Pauses { process } => {
            process.signal(Signal::CONT);
            Ok(())
        }
        Undo::End { process } => {
            process.signal(Signal::KILL);
            Ok(())
        }
        Undo::EndGroup { process } => {
            if let Some(id) = process.id() {
                // It may have ended since it was looked at.
                let _ = kill_process_group(id, Signal::KILL);
            }
            Ok(())
        }
        Undo::Release { group } => quota::release(group),
        Undo::Limit { process, files, most } => {
            let limit = Rlimit { current: *files, maximum: *most };
            match process.id() {
                Some(id) => {
                    prlimit(Some(id), Resource::Fsize, limit).map(|_| ()).map_err(Into::into)
                }
                None => Ok(()),
            }
        }
    }
}

/// Starts a guardian of `runner`; with `down` it ends the whole stack as well.
pub(crate) fn start(
    stack: &Stack,
    runner: &Process,
    lasts: Duration,
    down: bool,
) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(stack.path("guard.log"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["chaos", "guard", "--state-dir"])
        .arg(stack.dir())
        .arg("--root")
        .arg(stack.root())
        .args(["--runner", &serde_json::to_string(runner).map_err(io::Error::other)?])
        .args(["--lasts", &lasts.as_secs().max(1).to_string()])
        .args(down.then_some("--down"));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // A group of its own: what ends the runner's group does not end it.
    command.process_group(0).spawn()
}

/// Waits until the runner has died or the time is over, and undoes; ends early when there is
/// nothing left to undo and the stack is not its own to end.
///
/// # Errors
/// `runner` is none, or something could not be undone.
pub fn guard(
    stack: &Stack,
    runner: &str,
    lasts: Duration,
    down: bool,
    say: &mut dyn FnMut(String),
) -> io::Result<()> {
    let runner: Process = serde_json::from_str(runner).map_err(io::Error::other)?;
    let clock = Monotonic::new();
    loop {
        if !down && !due(stack) {
            return Ok(());
        }
        let passed = spawn::elapsed(&clock);
        if due(stack) {
            // The guardian has to stay: what cannot be read now is read the next time.
            let _ = pause(stack);
        }
        let late = passed > lasts;
        if late || !runner.runs() {
            say(format!("{}: undoing", if late { "the time is over" } else { "the runner died" }));
            let undone = undo(stack, down);
            if down {
                stack.down(&Part::ALL, say).map_err(io::Error::other)?;
            }
            return undone.map(|n| say(format!("{n} undone")));
        }
        std::thread::sleep(EVERY);
    }
}

/// Stops what is to pause, or lets it go on, as it is due: of several processes one after the other,
/// by the time of day, so that all guardians agree. With the list held: what was undone is not
/// stopped again.
fn pause(stack: &Stack) -> io::Result<()> {
    let turn = run::unix_seconds() / PAUSE;
    let _lock = locked(stack)?;
    let pausing = read(stack)?.into_iter().filter_map(|step| match step {
        Undo::Pauses { process } => Some(process),
        _ => None,
    });
    for (n, process) in (0..).zip(pausing) {
        process.signal(if (turn + n).is_multiple_of(2) { Signal::STOP } else { Signal::CONT });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_undone_once_and_the_last_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let stack = Stack::new(folder.path(), folder.path());
        let mut sleeper = Command::new("sleep").arg("60").spawn().expect("it starts");
        let process = Process::of(sleeper.id()).expect("it runs");
        process.signal(Signal::STOP);
        note(&stack, Undo::End { process: process.clone() }).expect("noted");
        note(&stack, Undo::Continue { process: process.clone() }).expect("noted");
        assert!(due(&stack));
        assert_eq!(undo(&stack, false).expect("undone"), 2);
        let _ = sleeper.wait();
        assert!(!process.runs() && !due(&stack));
        assert_eq!(undo(&stack, false).expect("nothing"), 0);
    }
}

//! Faults of the local stack. What is touched is a process that `svgx stack` started, known by its
//! id and the moment it started, and nothing else.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, prlimit};

use super::guard::{self, Undo};
use super::{quota, spawn};
use crate::stack::{self, Part, Process, Stack};

/// The longest that a fault lasts.
pub const LONGEST: Duration = Duration::from_secs(7_200);

/// How long a part may take to start.
const START: Duration = Duration::from_secs(120);

/// Something that is done to a part of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is killed (SIGKILL).
    Kill,
    /// It is stopped (SIGSTOP), and is there.
    Stop,
    /// It is stopped for seven seconds (SIGSTOP), goes on for seven, and so on.
    Pauses,
    /// It gets so many per cent of one processor.
    Quota(u64),
    /// It is ended, and started with these variables: a configuration that was rolled out.
    Rollout(Vec<(String, String)>),
    /// No file of it may grow beyond the largest in its data folder and so many bytes more.
    LimitFiles(u64),
}

/// Why a fault was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack cannot be read.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// There is nothing to break.
    #[error("{0} does not run in {1}: only what `svgx stack up` started there is touched")]
    NotOurs(Part, String),
    /// It did not start.
    #[error("with what was rolled out {0} does not start: {1}")]
    Rollout(Part, String),
    /// The fault is out of bounds.
    #[error("{what} is {least} to {most}, seen {seen}")]
    Bounds {
        /// Which figure.
        what: &'static str,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
        /// What was asked for.
        seen: u64,
    },
    /// The machine does not let us.
    #[error("{0}: {1}")]
    Refused(&'static str, io::Error),
}

/// Makes a fault for at most `lasts`; it also ends when `runner` does. Answers what was done.
pub fn inject(
    stack: &Stack,
    part: Part,
    fault: &Fault,
    runner: u32,
    lasts: Duration,
) -> Result<String, Error> {
    let bounded = |what, least, most, seen: u64| {
        let inside = (least..=most).contains(&seen);
        if inside { Ok(()) } else { Err(Error::Bounds { what, least, most, seen }) }
    };
    bounded("the time of a fault in seconds", 1, LONGEST.as_secs(), lasts.as_secs())?;
    let process = stack
        .process(part)?
        .ok_or_else(|| Error::NotOurs(part, stack.dir().display().to_string()))?;
    let runner = Process::of(runner)
        .ok_or(Error::Refused("the runner", io::Error::other("it has ended already")))?;
    let undo = |step: Undo| guard::note(stack, step).map_err(|e| Error::Refused("undo.json", e));
    let pid = process.pid;
    let said = match fault {
        Fault::Kill => {
            undo(Undo::Start { part })?;
            guard::start(stack, &runner, lasts, false)
                .map_err(|e| Error::Refused("guardian", e))?;
            process.signal(Signal::KILL);
            format!("{part} (pid {pid}) is killed")
        }
        Fault::Stop => {
            undo(Undo::Continue { process: process.clone() })?;
            guard::start(stack, &runner, lasts, false)
                .map_err(|e| Error::Refused("guardian", e))?;
            process.signal(Signal::STOP);
            format!("{part} (pid {pid}) is stopped")
        }
        Fault::Pauses => {
            // The guardian does it.
            undo(Undo::Pauses { process: process.clone() })?;
            guard::start(stack, &runner, lasts, false)
                .map_err(|e| Error::Refused("guardian", e))?;
            format!("{part} (pid {pid}) is stopped and goes on, in turns")
        }
        Fault::Quota(percent) => {
            bounded("the share of a processor in per cent", 1, 100, *percent)?;
            let group = format!("{part}-{pid}");
            undo(Undo::Release { group: group.clone() })?;
            guard::start(stack, &runner, lasts, false)
                .map_err(|e| Error::Refused("guardian", e))?;
            quota::limit(&group, pid, *percent).map_err(|e| Error::Refused("quota", e))?;
            format!("{part} (pid {pid}) gets {percent} % of a processor")
        }
        Fault::Rollout(variables) => {
            undo(Undo::Restart { part, process: None })?;
            guard::start(stack, &runner, lasts, false)
                .map_err(|e| Error::Refused("guardian", e))?;
            stack.down(&[part], &mut |_| ())?;
            let mut up = std::process::Command::new(
                std::env::current_exe().map_err(|e| Error::Refused("svgx", e))?,
            );
            up.args(["stack", "up", &part.to_string(), "--state-dir"]).arg(stack.dir());
            up.arg("--root").arg(stack.root()).envs(variables.iter().map(|(k, v)| (k, v)));
            let ended = spawn::run(&mut up, START).map_err(|e| Error::Refused("svgx", e))?;
            if !ended.well() {
                return Err(Error::Rollout(part, ended.last_words()));
            }
            undo(Undo::Restart { part, process: stack.process(part)? })?;
            let named: Vec<String> = variables.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("{part} runs with {}", named.join(" "))
        }
        Fault::LimitFiles(room) => {
            let most = largest(&stack.path(&format!("{part}-data"))) + room;
            let id = process.id();
            let had = rustix::process::getrlimit(Resource::Fsize);
            undo(Undo::Limit { process: process.clone(), files: had.current, most: had.maximum })?;
            guard::start(stack, &runner, lasts, false)
                .map_err(|e| Error::Refused("guardian", e))?;
            let limit = Rlimit { current: Some(most), maximum: had.maximum };
            prlimit(id, Resource::Fsize, limit)
                .map_err(|e| Error::Refused("prlimit", io::Error::from(e)))?;
            format!("no file of {part} (pid {pid}) grows beyond {most} bytes")
        }
    };
    Ok(said)
}

/// The length of the largest file in a folder.
fn largest(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|e| e.metadata().ok()).filter(std::fs::Metadata::is_file);
    sizes.map(|m| m.len()).max().unwrap_or_default()
}
